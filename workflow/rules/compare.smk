rule compare:
    input:
        files_of("comparison"),
    output:
        dataset=f"{OUT}/{{sweep}}/comparison.nc",
        table=f"{OUT}/{{sweep}}/comparison.md",
    log:
        f"{OUT}/{{sweep}}/logs/comparison.log",
    benchmark:
        f"{OUT}/{{sweep}}/benchmarks/comparison.tsv"
    group:
        sweep_group
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **product_resources("comparison"),
    params:
        content=lambda wildcards: json.dumps(
            STUDY.sweeps[wildcards.sweep].content("speciation")
        ),
        code=provenance.code_digest("comparison"),
    message:
        "criteria of {wildcards.sweep} compared"
    script:
        "../scripts/compare.py"
