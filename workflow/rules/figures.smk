rule figures:
    input:
        files_of("figures"),
    output:
        directory(f"{OUT}/{{sweep}}/figures"),
    log:
        f"{OUT}/{{sweep}}/logs/figures.log",
    benchmark:
        f"{OUT}/{{sweep}}/benchmarks/figures.tsv"
    group:
        sweep_group
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **product_resources("figures"),
    params:
        code=provenance.code_digest("figures"),
    message:
        "figures of {wildcards.sweep}"
    script:
        "../scripts/figures.py"
