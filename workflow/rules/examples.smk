# `snakemake --cores all examples` computes and draws the worked examples; those whose optional package is lacking are skipped.
from importlib.util import find_spec

from scoreshock.examples import EXAMPLES, SUFFIXES

EXAMPLES_OUT = tasks.EXAMPLES
EXAMPLES_FILE = tasks.write_study(
    {"output": placed(EXAMPLES_OUT)},
    workflow.is_main_process,
)
EXAMPLE_FILES = {
    name: [f"{EXAMPLES_OUT}/{name}.{suffix}" for suffix in SUFFIXES]
    for name in EXAMPLES
}
SKIPPED = [
    name
    for name, example in EXAMPLES.items()
    if example.needs and not find_spec(example.needs)
]


for name, example in EXAMPLES.items():

    rule:
        name:
            f"example_{name.replace('-', '_')}"
        output:
            EXAMPLE_FILES[name],
        log:
            f"{EXAMPLES_OUT}/logs/{name}.log",
        benchmark:
            f"{EXAMPLES_OUT}/benchmarks/{name}.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            **paper_resources(),
        params:
            call=command_of(EXAMPLES_FILE),
            tasks=partial(example_task, name=name),
        message:
            example.title
        shell:
            "{params.call:q} --log {log:q} {params.tasks:q}"


rule examples:
    input:
        [EXAMPLE_FILES[name] for name in EXAMPLES if name not in SKIPPED],
    localrule: True
    message:
        "the examples are complete"
