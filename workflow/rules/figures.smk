rule figures:
    message:
        "figures of {wildcards.sweep}"
    input:
        sweep_files,
    output:
        directory(f"{OUT}/{{sweep}}/figures"),
    params:
        code=provenance.code_digest("figures"),
    log:
        f"{OUT}/{{sweep}}/logs/figures.log",
    benchmark:
        f"{OUT}/{{sweep}}/benchmarks/figures.tsv"
    threads: 1
    resources:
        mem_mb=jobs.BASE_MEMORY,
    conda:
        "../../environment.yml"
    script:
        "../scripts/figures.py"
