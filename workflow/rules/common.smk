import json
import re
from functools import cache, partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

from scoreshock import clocks, cluster, jobs, provenance
from scoreshock.study import Study, StudyError, check_files, check_output, cost

try:
    check_files(workflow.configfiles)
    STUDY = Study.from_mapping(config)
    check_output(STUDY.output)
except StudyError as error:
    raise WorkflowError(f"The study is not valid; nothing was run.\n{error}") from None

OUT = str(Path(STUDY.output))
if workflow.is_main_process:
    clocks.bring_to_present(Path(OUT).rglob("*"))
BLOCKS = {
    name: {block.name: block for block in sweep.blocks()}
    for name, sweep in STUDY.sweeps.items()
}


JOINED = {
    quantity: [
        name for name, sweep in STUDY.sweeps.items() if sweep.is_joined(quantity)
    ]
    for quantity in STUDY.quantities
}


def any_of(names):
    """A pattern of these names, and of nothing where there is none."""
    return "|".join(map(re.escape, sorted(names))) or "(?!)"


def block_content(wildcards, quantity):
    """What one job computes, as text: a change of it, and nothing else in the study, reruns the job."""
    content = BLOCKS[wildcards.sweep][wildcards.block].content(quantity)
    return json.dumps(content)


def block_files(quantity):
    return lambda wildcards: [
        f"{OUT}/{wildcards.sweep}/blocks/{block}/{quantity}.nc"
        for block in BLOCKS[wildcards.sweep]
    ]


def block_code(wildcards, quantity):
    return provenance.code_digest(STUDY.sweeps[wildcards.sweep].module(quantity))


@cache
def block_seconds(sweep, quantity):
    """Expected seconds of a job; blocks of a sweep are of one size."""
    return cost.block_seconds(next(STUDY.sweeps[sweep].iterate()), quantity)


@cache
def block_memory(sweep, quantity, threads):
    return cost.block_memory(next(STUDY.sweeps[sweep].iterate()), quantity, threads)


@cache
def sweep_seconds(sweep):
    """Expected seconds of all that is made of a sweep's blocks."""
    return cost.sweep_seconds(STUDY.sweeps[sweep])


@cache
def sweep_memory(sweep):
    return cost.sweep_memory(STUDY.sweeps[sweep])


def block_resources(quantity):
    return {
        "mem_mb": lambda wildcards, attempt, threads: attempt
        * (block_memory(wildcards.sweep, quantity, threads) + cluster.memory()),
        "runtime": lambda wildcards, attempt, threads: cost.minutes(
            block_seconds(wildcards.sweep, quantity), threads, attempt
        ),
    }


def block_threads(wildcards, quantity):
    return cost.threads(block_seconds(wildcards.sweep, quantity))


def block_group(wildcards, quantity):
    return group_name("blocks", block_seconds(wildcards.sweep, quantity))


def sweep_resources():
    return {
        "mem_mb": lambda wildcards, attempt: attempt * sweep_memory(wildcards.sweep),
        "runtime": lambda wildcards, attempt: cost.minutes(
            sweep_seconds(wildcards.sweep), attempt=attempt
        ),
    }


def sweep_group(wildcards):
    return group_name("sweeps", sweep_seconds(wildcards.sweep))


def paper_resources():
    return {
        "mem_mb": lambda _, attempt: attempt * cost.BASE_MEMORY,
        "runtime": lambda _, attempt: cost.minutes(
            cost.SECTION_SECONDS, attempt=attempt
        ),
    }


def paper_group(_):
    """The paper is one job of a cluster."""
    return "paper" if workflow.group_settings.group_components else None


def group_name(kind, seconds):
    """Where the profile says how many jobs of a group are one job of the cluster, the group of a short one."""
    least = cost.group_class(seconds)
    grouped = workflow.group_settings.group_components
    return f"{kind}-of-{least}s" if grouped and least else None


def split_values(wildcards):
    """Values of every split axis in their order, which is that of the joined file."""
    blocks = BLOCKS[wildcards.sweep].values()
    axes = next(iter(blocks)).values
    return {
        axis: list(dict.fromkeys(block.values[axis] for block in blocks))
        for axis in axes
    }


def sweep_files(wildcards):
    return [
        f"{OUT}/{wildcards.sweep}/{quantity}.nc"
        for quantity in STUDY.sweeps[wildcards.sweep].quantities
    ]


def sweep_targets():
    return [
        f"{OUT}/{sweep}/{product}"
        for sweep in STUDY.sweeps
        for product in jobs.products(STUDY.sweeps[sweep])
    ]


def verifying():
    """Whether the paper is all that is asked for: the study then stays as it is."""
    return set(workflow.dag_settings.targets) == {"verify"}


def announce():
    if not verifying():
        jobs.record_plan(STUDY)


def conclude():
    if verifying():
        print(
            f"The paper, statement by statement: {Path(PAPER_OUT, 'index.html').resolve()}"
        )
    else:
        print(jobs.closing_words(STUDY))
