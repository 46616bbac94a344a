rule compare:
    message:
        "criteria of {wildcards.sweep} compared"
    input:
        sweep_files,
    output:
        dataset=f"{OUT}/{{sweep}}/comparison.nc",
        table=f"{OUT}/{{sweep}}/comparison.md",
    params:
        content=lambda wildcards: json.dumps(STUDY.sweeps[wildcards.sweep].content("speciation")),
        code=provenance.code_digest("comparison"),
    log:
        f"{OUT}/{{sweep}}/logs/compare.log",
    benchmark:
        f"{OUT}/{{sweep}}/benchmarks/compare.tsv"
    threads: 1
    resources:
        mem_mb=jobs.BASE_MEMORY,
    conda:
        "../../environment.yml"
    script:
        "../scripts/compare.py"
