# Of a module nothing runs on start: what each sweep will hold is then written by a job, before all others.
if IS_MODULE:

    rule plan:
        output:
            f"{OUT}/{{sweep}}/{PLAN}",
        priority: 1
        localrule: True
        params:
            plan=lambda wildcards: json.dumps(
                STUDY.sweeps[wildcards.sweep].description()
            ),
        run:
            jobs.record_plan(PLACED, sweeps=[wildcards.sweep])


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
        group:
            partial(block_group, quantity=quantity)
        conda:
            "../../environment.yml"
        threads: partial(block_threads, quantity=quantity)
        resources:
            **block_resources(quantity),
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
            joined=f"{OUT}/{{sweep}}/{quantity}.nc",
            catalogue=f"{OUT}/{{sweep}}/{quantity}.catalogue.nc",
        log:
            f"{OUT}/{{sweep}}/logs/merge.{quantity}.log",
        benchmark:
            f"{OUT}/{{sweep}}/benchmarks/merge.{quantity}.tsv"
        wildcard_constraints:
            sweep=any_of(JOINED[quantity]),
        group:
            sweep_group
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            **merge_resources(quantity),
        params:
            split=split_values,
            code=provenance.code_digest("merging"),
        message:
            f"{quantity} of {{wildcards.sweep}}: blocks joined"
        script:
            "../scripts/merge.py"

    # Where the joined file would be too large, the blocks stay the dataset.
    rule:
        name:
            f"catalogue_{quantity}"
        input:
            block_files(quantity),
        output:
            catalogue=f"{OUT}/{{sweep}}/{quantity}.catalogue.nc",
        log:
            f"{OUT}/{{sweep}}/logs/catalogue.{quantity}.log",
        benchmark:
            f"{OUT}/{{sweep}}/benchmarks/catalogue.{quantity}.tsv"
        wildcard_constraints:
            sweep=any_of(set(STUDY.sweeps) - set(JOINED[quantity])),
        group:
            sweep_group
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            **merge_resources(quantity),
        params:
            split=split_values,
            code=provenance.code_digest("merging"),
        message:
            f"{quantity} of {{wildcards.sweep}}: blocks listed"
        script:
            "../scripts/merge.py"
