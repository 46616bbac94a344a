rule figures:
    input:
        sweep_files,
    output:
        directory(f"{OUT}/{{sweep}}/figures"),
    log:
        f"{OUT}/{{sweep}}/logs/figures.log",
    benchmark:
        f"{OUT}/{{sweep}}/benchmarks/figures.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=jobs.BASE_MEMORY,
    params:
        code=provenance.code_digest("figures"),
    message:
        "figures of {wildcards.sweep}"
    script:
        "../scripts/figures.py"
