# One rule a quantity: each computes that quantity of one block, a value (or several) of the sweep's split axes.
for quantity in STUDY.quantities:

    rule:
        name:
            quantity
        output:
            f"{OUT}/{{sweep}}/blocks/{{block}}/{quantity}.nc",
        log:
            f"{OUT}/{{sweep}}/logs/{{block}}.{quantity}.log",
        benchmark:
            f"{OUT}/{{sweep}}/benchmarks/{{block}}.{quantity}.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=partial(block_memory, quantity=quantity),
        params:
            content=partial(block_content, quantity=quantity),
            code=partial(block_code, quantity=quantity),
        message:
            f"{quantity} of {{wildcards.sweep}}, block {{wildcards.block}}"
        script:
            "../scripts/block.py"

    rule:
        name:
            f"merge_{quantity}"
        input:
            block_files(quantity),
        output:
            f"{OUT}/{{sweep}}/{quantity}.nc",
        log:
            f"{OUT}/{{sweep}}/logs/merge.{quantity}.log",
        benchmark:
            f"{OUT}/{{sweep}}/benchmarks/merge.{quantity}.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=jobs.BASE_MEMORY,
        params:
            split=split_values,
            code=provenance.code_digest("merging"),
        message:
            f"{quantity} of {{wildcards.sweep}}: blocks joined"
        script:
            "../scripts/merge.py"
