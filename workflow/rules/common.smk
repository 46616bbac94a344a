import re
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

from scoreshock.running import cluster, tasks
from scoreshock.storage import plans
from scoreshock.study import cost, work
from scoreshock.study.errors import StudyError
from scoreshock.study.reading import check_files
from scoreshock.study.study import Study, check_output
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
    for name in STUDY.sweeps if workflow.is_main_process else ():
        plans.drop_damaged(Path(PLACED.output, name))
    JOBS = work.jobs_of(STUDY)
    HANDED = tasks.hand_over(tasks.content_of(PLACED), workflow.is_main_process)
except StudyError as error:
    raise WorkflowError(f"The study is not valid; nothing was run.\n{error}") from None
except (ValueError, OSError) as error:
    raise WorkflowError(str(error)) from None


def called(handed):
    """How the process of a job is called. Of a parameter that depends on ``threads``, Snakemake keeps no record: none of this
    changes a result, and so it makes no job run again.
    """
    words = [sys.executable, "-m", "scoreshock.running", handed, "--threads"]
    return lambda wildcards, threads: [*words, threads]


def task_of(job):
    """The tasks of a job; of one for every block, those of the block."""
    if isinstance(job.tasks, dict):
        return lambda wildcards: [job.tasks[wildcards.block]]
    return list(job.tasks)


def outputs_of(job):
    """Of the outputs, figures are a folder; what is kept is not removed before the job."""
    if job.kept:
        return [update(path) for path in job.outputs]
    return [
        directory(path) if Path(path).name == "figures" else path
        for path in job.outputs
    ]


def asked_of(job):
    """Memory and minutes, which grow with each attempt."""
    return {
        "mem_mb": lambda wildcards, attempt: attempt * (job.memory + cluster.memory()),
        "runtime": lambda wildcards, attempt: cost.minutes(
            job.seconds + cost.JOB_SECONDS, job.threads, attempt
        ),
    }


def group_of(job):
    """The group that a job is a member of, if the profile says how many of its members are one job of the cluster.

    Profiles are known only when jobs are made, not when rules are; a job with such a function is never a local one.
    """
    return None if job.local else lambda wildcards: named_group(job.group)


def named_group(name):
    return name if name in workflow.group_settings.group_components else None


def refuse_interpreter():
    """Jobs of a cluster are commands of Snakemake in which the interpreter's path is not quoted."""
    if workflow.non_local_exec and re.search(r"\s", sys.executable):
        raise WorkflowError(
            f"On a cluster the path of the Python interpreter must contain no space, as {sys.executable!r} does; nothing was "
            "submitted. Create the environment in another folder."
        )


def verifying():
    """Whether the paper is all that is asked for: the study then stays as it is."""
    return set(workflow.dag_settings.targets) == {"verify"}


def conclude():
    if verifying():
        print(
            f"The paper, statement by statement: {Path(PAPER_OUT, 'index.html').resolve()}"
        )
    else:
        print(tasks.closing_words(PLACED))
