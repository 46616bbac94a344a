import json
import re
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

from scoreshock import clocks, cluster, jobs, provenance
from scoreshock.plans import PLAN
from scoreshock.study import Study, StudyError, check_files, check_output, cost
from scoreshock.study.layers import read_layers

IS_MODULE = not workflow.modifier.is_main_snakefile()
if not IS_MODULE and len(workflow.included_stack) > 2:
    raise WorkflowError(
        "include: of scoreshock's Snakefile is not possible, since its rules and keys would mix with yours; "
        "use it as a module (config/README.md, In another workflow)"
    )
HERE = Path(str(workflow.current_basedir)).parents[1]


def written_study():
    """The study as written: of a module what it is given, else the files, of which the later ones override."""
    files, top = [], config
    if not IS_MODULE:
        files, top = (
            workflow.config_settings.configfiles,
            workflow.config_settings.config,
        )
    return read_layers(files, HERE / "config/config.yaml", top)


try:
    check_files(workflow.configfiles, part=IS_MODULE)
    WRITTEN = written_study()
    STUDY = Study.from_mapping(WRITTEN)
    OUT = str(Path(STUDY.output))
    # A module's prefix comes before all paths of its rules, and before none of what is written outside of them.
    PLACED = replace(STUDY, output=workflow.modifier.path_modifier.replace_prefix(OUT))
    check_output(PLACED.output)
except StudyError as error:
    raise WorkflowError(f"The study is not valid; nothing was run.\n{error}") from None

try:
    jobs.check_interpreter()
    jobs.hold_study(STUDY, workflow.is_main_process)
except ValueError as error:
    raise WorkflowError(str(error)) from None
if workflow.is_main_process:
    clocks.bring_to_present(clocks.within(PLACED.output))
    jobs.record_plan(PLACED, damaged_only=True)
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
def merge_seconds(sweep, quantity):
    return cost.merge_seconds(STUDY.sweeps[sweep], quantity)


@cache
def product_seconds(sweep, product):
    return cost.product_seconds(STUDY.sweeps[sweep], product)


@cache
def sweep_memory(sweep, product=None):
    return cost.sweep_memory(STUDY.sweeps[sweep], product)


def block_resources(quantity):
    return {
        "mem_mb": lambda wildcards, attempt, threads: attempt
        * (block_memory(wildcards.sweep, quantity, threads) + cluster.memory()),
        "runtime": lambda wildcards, attempt, threads: cost.minutes(
            block_seconds(wildcards.sweep, quantity),
            threads,
            attempt,
            members(block_group(wildcards, quantity)),
        ),
    }


def block_threads(wildcards, quantity):
    return cost.threads(block_seconds(wildcards.sweep, quantity))


def block_group(wildcards, quantity):
    seconds = block_seconds(wildcards.sweep, quantity)
    return group_name("blocks", cost.group_class(seconds))


def merge_resources(quantity):
    return sweep_resources(partial(merge_seconds, quantity=quantity))


def product_resources(product):
    return sweep_resources(partial(product_seconds, product=product), product)


def sweep_resources(seconds, product=None):
    """What a job that is made of a sweep's blocks asks for, given its seconds as a function of the sweep's name."""
    return {
        "mem_mb": lambda wildcards, attempt: attempt
        * sweep_memory(wildcards.sweep, product),
        "runtime": lambda wildcards, attempt: cost.minutes(
            seconds(wildcards.sweep),
            attempt=attempt,
            members=members(sweep_group(wildcards), jobs_of_sweep(wildcards.sweep)),
        ),
    }


def jobs_of_sweep(sweep):
    """How many jobs there are that are made of a sweep's blocks."""
    return len(STUDY.sweeps[sweep].quantities) + len(STUDY.sweeps[sweep].products)


def sweep_group(wildcards):
    seconds = sweep_seconds(wildcards.sweep)
    return group_name("sweeps", cost.sweep_class(seconds))


def paper_resources():
    return {
        "mem_mb": lambda _, attempt: attempt * cost.BASE_MEMORY,
        "runtime": lambda wildcards, attempt: cost.minutes(
            cost.SECTION_SECONDS,
            attempt=attempt,
            members=members(paper_group(wildcards), len(PAPER_FILES) + 2),
        ),
    }


def paper_group(_):
    """The paper is one job of a cluster."""
    return "paper" if "paper" in workflow.group_settings.group_components else None


def group_name(kind, least):
    """The group of the jobs of a class, where the profile says how many of them are one job of the cluster."""
    name = f"{kind}-of-{least}s"
    return name if name in workflow.group_settings.group_components else None


def members(group, jobs=1):
    """How many jobs are one of the cluster, where each member of their group is so many jobs."""
    return jobs * workflow.group_settings.group_components[group] if group else 1


def split_values(wildcards):
    """Values of every split axis in their order, which is that of the joined file."""
    return STUDY.sweeps[wildcards.sweep].split_values


def files_of(product):
    return lambda wildcards: [
        f"{OUT}/{wildcards.sweep}/{quantity}.nc"
        for quantity in STUDY.sweeps[wildcards.sweep].made_of(product)
    ]


def sweep_targets():
    return [
        f"{OUT}/{sweep}/{product}"
        for sweep in STUDY.sweeps
        for product in [*jobs.products(STUDY.sweeps[sweep]), *[PLAN] * IS_MODULE]
    ]


def verifying():
    """Whether the paper is all that is asked for: the study then stays as it is."""
    return set(workflow.dag_settings.targets) == {"verify"}


def announce():
    if not verifying():
        jobs.record_plan(PLACED)


def conclude():
    if verifying():
        print(
            f"The paper, statement by statement: {Path(PAPER_OUT, 'index.html').resolve()}"
        )
    else:
        print(jobs.closing_words(PLACED))
