import json
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

from scoreshock import jobs, provenance
from scoreshock.study import Study, StudyError, check_files, check_output

try:
    check_files(workflow.configfiles)
    # The key `paper` is the verification's, which a user's file may hold beside or without a study.
    STUDY = Study.from_mapping(
        {key: value for key, value in config.items() if key != "paper"}
    )
    check_output(STUDY.output)
except StudyError as error:
    raise WorkflowError(f"The study is not valid; nothing was run.\n{error}") from None

OUT = str(Path(STUDY.output))
BLOCKS = {
    name: {block.name: block for block in sweep.blocks()}
    for name, sweep in STUDY.sweeps.items()
}


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


def block_memory(wildcards, quantity):
    return jobs.memory(BLOCKS[wildcards.sweep][wildcards.block], quantity)


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
