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

HERE = Path(str(workflow.current_basedir)).parents[1]
OURS = {(HERE / name).resolve() for name in ("Snakefile", "workflow/Snakefile")}
IS_MODULE = workflow.modifier.base_snakefile is not None
if not IS_MODULE and Path(str(workflow.included_stack[0])).resolve() not in OURS:
    raise WorkflowError(
        "include: of scoreshock's Snakefile is not possible, because its rules and keys would mix with yours; "
        "use it as a module (see: In another workflow, of the documentation)"
    )


def shipped(path):
    """A file of the repository, which a module may take from a hosting provider."""
    local = HERE / path
    return local if local.is_file() else Path(workflow.source_path(f"../../{path}"))


def placed(folder, *names):
    """A folder as a module's ``prefix`` or ``replace_prefix`` places it, which may not tear its sub-folders apart."""
    modified = workflow.modifier.path_modifier.replace_prefix
    moved = modified(f"{folder}/")
    for name in names:
        if modified(f"{folder}/{name}/") != f"{moved}{name}/":
            raise ValueError(
                f"replace_prefix: moves {folder}/{name} away from {moved}; allowed: another place for {folder}/ as a whole"
            )
    return str(Path(moved))


COMMAND_LINE = dict(workflow.config_settings.config)
# Only the command line can allow plugins, because a study must not run code by itself.
ALLOW_PLUGINS = str(COMMAND_LINE.pop("allow_plugins", False)).lower() == "true"
NETWORKS_VERSION = str(COMMAND_LINE.pop("networks", "full"))


def written_study():
    """The study as written: a module's config, else the files, of which later ones override earlier ones."""
    files, top = [], config
    if not IS_MODULE:
        files, top = workflow.config_settings.configfiles, COMMAND_LINE
    return read_layers(files, shipped("config/config.yaml"), top)


try:
    check_files(workflow.configfiles, part=IS_MODULE)
    WRITTEN = written_study()
    STUDY = Study.from_mapping(WRITTEN, ALLOW_PLUGINS)
    OUT = str(Path(STUDY.output))
    # Snakemake adds a module's prefix to the paths of its rules; paths in other code need it explicitly.
    PREFIXED = replace(STUDY, output=placed(OUT, *STUDY.sweeps))
    check_output(PREFIXED.output)
    for name in STUDY.sweeps if workflow.is_main_process else ():
        plans.drop_damaged(Path(PREFIXED.output, name))
    JOBS = work.jobs_of(STUDY)
    STUDY_FILE = tasks.write_study(tasks.content_of(PREFIXED), workflow.is_main_process)
except StudyError as error:
    raise WorkflowError(f"The study is not valid; nothing was run.\n{error}") from None
except (ValueError, OSError) as error:
    raise WorkflowError(str(error)) from None


def command_of(study_file):
    """The command of a job. It changes no result, so it must not rerun jobs: Snakemake records no parameter that depends on
    ``threads``.
    """
    words = [sys.executable, "-m", "scoreshock.running", study_file, "--threads"]
    return lambda wildcards, threads: [*words, threads]


def task_of(job):
    """The tasks of a job; for a rule with the wildcard ``block``, those of the block."""
    if isinstance(job.tasks, dict):
        return lambda wildcards: [job.tasks[wildcards.block]]
    return list(job.tasks)


def outputs_of(job):
    """Outputs of a job: the figures are a folder; kept files are not removed before the job runs."""
    if job.kept:
        return [update(path) for path in job.outputs]
    return [in_report(path) for path in job.outputs]


def in_report(path):
    """An output, marked for `snakemake --report` if it is a comparison or the folder of the figures of a sweep."""
    sweep, name = Path(path).parent.name, Path(path).name
    if name == "figures":
        return report(
            directory(path),
            patterns=["{figure}.png"],
            caption="../report/figure.rst",
            category=sweep,
            labels={"result": "{figure}"},
        )
    if name == "comparison.md":
        return report(
            path,
            caption="../report/comparison.rst",
            category=sweep,
            labels={"result": "comparison of the criteria"},
        )
    return path


def resources_of(job):
    """Memory and minutes, which increase with each attempt."""
    return {
        "mem_mb": lambda wildcards, attempt: attempt * (job.memory + cluster.memory()),
        "runtime": lambda wildcards, attempt: cost.minutes(
            job.seconds + cost.JOB_SECONDS, job.threads, attempt
        ),
    }


def group_of(job):
    """The group of a job, if the profile groups its members into cluster jobs.

    This is a function because profiles are read after the rules; a job with such a function is never local.
    """
    return None if job.local else lambda wildcards: named_group(job.group)


def named_group(name):
    return name if name in workflow.group_settings.group_components else None


def refuse_interpreter():
    """Refuse an interpreter with a space in its path on clusters: Snakemake does not quote it in the jobs' commands."""
    if workflow.non_local_exec and re.search(r"\s", sys.executable):
        raise WorkflowError(
            f"On a cluster the path of the Python interpreter must contain no space, as {sys.executable!r} does; nothing was "
            "submitted. Create the environment in another folder."
        )


def print_summary():
    targets = set(workflow.dag_settings.targets)
    if targets == {"verify"}:
        print(tasks.paper_summary(PAPER_OUT))
    elif targets == {"examples"}:
        print(tasks.examples_summary(EXAMPLES_OUT))
    elif targets == {"networks"}:
        print(tasks.networks_summary(NETWORKS_OUT))
    else:
        print(tasks.summary(PREFIXED))
