# `snakemake --cores all networks` trains networks on exact data sets, good and damaged ones, and diagnoses them all, in 18
# minutes on two cores; `--config networks=small` is the same of two data sets and three seeds, in two minutes.
from scoreshock.checks import one_of
from scoreshock.networks.plans import PLANS
from scoreshock.networks.workflow import (
    MEMORY,
    REST,
    STEPPED,
    VERSIONS,
    part_files,
    rule_of,
    step_files,
    steps_part,
    table_files,
)

try:
    NETWORKS = VERSIONS[one_of("networks", NETWORKS_VERSION, VERSIONS)]
except ValueError as error:
    raise WorkflowError(str(error)) from None

NETWORKS_OUT = NETWORKS.folder
NETWORKS_FILE = tasks.write_study(
    {"output": placed(NETWORKS_OUT)},
    workflow.is_main_process,
)
NETWORKS_STEPPED = [name for name in NETWORKS.names if name in STEPPED]
NETWORKS_PLAN = PLANS[NETWORKS.steps]
NETWORKS_SECONDS = NETWORKS.seconds()


for name in NETWORKS.names:

    rule:
        name:
            rule_of("train", name)
        output:
            f"{NETWORKS_OUT}/{name}.nc",
            f"{NETWORKS_OUT}/{name}-training.nc",
        log:
            f"{NETWORKS_OUT}/logs/{name}.log",
        benchmark:
            f"{NETWORKS_OUT}/benchmarks/{name}.tsv"
        priority: 1
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            **paper_resources(NETWORKS_SECONDS[rule_of("train", name)]),
        params:
            call=command_of(NETWORKS_FILE),
            tasks=partial(
                networks_task,
                action=["train", name, *NETWORKS.plan(name)],
                code="networks training",
            ),
        message:
            f"train the networks of {name}"
        shell:
            "{params.call:q} --log {log:q} {params.tasks:q}"


for name, parts in NETWORKS.files.items():
    for part, file in enumerate(part_files(name, parts)):

        rule:
            name:
                rule_of("diagnose", name, part)
            input:
                f"{NETWORKS_OUT}/{name}.nc",
            output:
                f"{NETWORKS_OUT}/{file}",
            log:
                f"{NETWORKS_OUT}/logs/{name}-diagnosis-{part}.log",
            benchmark:
                f"{NETWORKS_OUT}/benchmarks/{name}-diagnosis-{part}.tsv"
            conda:
                "../../environment.yml"
            threads: 1
            resources:
                **paper_resources(
                    NETWORKS_SECONDS[rule_of("diagnose", name, part)], memory=MEMORY
                ),
            params:
                call=command_of(NETWORKS_FILE),
                tasks=partial(
                    networks_task,
                    action=["diagnose", name, part, parts],
                    code="networks.diagnosis",
                ),
            message:
                f"diagnose the networks of {name}, part {part + 1} of {parts}"
            shell:
                "{params.call:q} --log {log:q} {params.tasks:q}"

    if parts == 1:
        continue

    rule:
        name:
            rule_of("join_diagnosis", name)
        input:
            [f"{NETWORKS_OUT}/{file}" for file in part_files(name, parts)],
        output:
            f"{NETWORKS_OUT}/{name}-diagnosis.nc",
        log:
            f"{NETWORKS_OUT}/logs/{name}-diagnosis.log",
        benchmark:
            f"{NETWORKS_OUT}/benchmarks/{name}-diagnosis.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            **paper_resources(REST),
        params:
            call=command_of(NETWORKS_FILE),
            tasks=partial(
                networks_task,
                action=["join-diagnoses", name, parts],
                code="networks.diagnosis",
            ),
        message:
            f"join the diagnosis of the networks of {name}"
        shell:
            "{params.call:q} --log {log:q} {params.tasks:q}"


rule networks_tables:
    input:
        [f"{NETWORKS_OUT}/{name}-diagnosis.nc" for name in NETWORKS.files],
    output:
        [f"{NETWORKS_OUT}/{file}" for file in table_files(NETWORKS.names)],
    log:
        f"{NETWORKS_OUT}/logs/tables.log",
    benchmark:
        f"{NETWORKS_OUT}/benchmarks/tables.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **paper_resources(REST),
    params:
        call=command_of(NETWORKS_FILE),
        tasks=partial(
            networks_task,
            action=["tabulate", list(NETWORKS.names)],
            code="networks tables",
        ),
    message:
        "symptoms of the damages, and figures of the networks"
    shell:
        "{params.call:q} --log {log:q} {params.tasks:q}"


for name in NETWORKS_PLAN.densities:

    rule:
        name:
            rule_of("steps", name)
        input:
            [f"{NETWORKS_OUT}/{name}.nc"] if name in NETWORKS_STEPPED else [],
        output:
            f"{NETWORKS_OUT}/{steps_part(name)}",
        log:
            f"{NETWORKS_OUT}/logs/steps-{name}.log",
        benchmark:
            f"{NETWORKS_OUT}/benchmarks/steps-{name}.tsv"
        priority: int(name in NETWORKS_STEPPED)
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            **paper_resources(NETWORKS_SECONDS[rule_of("steps", name)]),
        params:
            call=command_of(NETWORKS_FILE),
            tasks=partial(
                networks_task,
                action=[
                    "compare-steps",
                    name,
                    name in NETWORKS_STEPPED,
                    NETWORKS.steps,
                ],
                code="networks.step_study",
            ),
        message:
            f"compare rules for a sampler's steps: {name}"
        shell:
            "{params.call:q} --log {log:q} {params.tasks:q}"


rule networks_steps:
    input:
        [f"{NETWORKS_OUT}/{steps_part(name)}" for name in NETWORKS_PLAN.densities],
    output:
        [f"{NETWORKS_OUT}/{file}" for file in step_files()],
    log:
        f"{NETWORKS_OUT}/logs/steps.log",
    benchmark:
        f"{NETWORKS_OUT}/benchmarks/steps.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **paper_resources(REST),
    params:
        call=command_of(NETWORKS_FILE),
        tasks=partial(
            networks_task,
            action=["join-steps", NETWORKS.steps],
            code="networks steps",
        ),
    message:
        "which rule for a sampler's steps wins where"
    shell:
        "{params.call:q} --log {log:q} {params.tasks:q}"


rule networks:
    input:
        rules.networks_tables.output,
        rules.networks_steps.output,
    localrule: True
    message:
        "the networks are complete"
