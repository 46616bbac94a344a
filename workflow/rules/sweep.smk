# One rule a quantity: each computes that quantity of one block, a value (or several) of the sweep's split axes.
for quantity in STUDY.quantities:

    rule:
        name:
            quantity
        message:
            f"{quantity} of {{wildcards.sweep}}, block {{wildcards.block}}"
        output:
            f"{OUT}/{{sweep}}/blocks/{{block}}/{quantity}.nc",
        params:
            content=partial(block_content, quantity=quantity),
            code=provenance.code_digest(quantity),
        log:
            f"{OUT}/{{sweep}}/logs/{{block}}.{quantity}.log",
        benchmark:
            f"{OUT}/{{sweep}}/benchmarks/{{block}}.{quantity}.tsv"
        threads: 1
        resources:
            mem_mb=partial(block_memory, quantity=quantity),
        conda:
            "../../environment.yml"
        script:
            "../scripts/block.py"

    rule:
        name:
            f"merge_{quantity}"
        message:
            f"{quantity} of {{wildcards.sweep}}: blocks joined"
        input:
            block_files(quantity),
        output:
            f"{OUT}/{{sweep}}/{quantity}.nc",
        params:
            split=lambda wildcards: list(STUDY.sweeps[wildcards.sweep].split),
        log:
            f"{OUT}/{{sweep}}/logs/merge.{quantity}.log",
        benchmark:
            f"{OUT}/{{sweep}}/benchmarks/merge.{quantity}.tsv"
        threads: 1
        resources:
            mem_mb=jobs.BASE_MEMORY,
        conda:
            "../../environment.yml"
        script:
            "../scripts/merge.py"
