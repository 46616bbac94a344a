"""Profiles: found by either path, what jobs ask for, and the commands that ask queues that are not here what a job is."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from scoreshock.study import Study, cost

from ..workflow.conftest import MINIATURE, ROOT, dry, miniature, snakemake, write
from .conftest import needs

PROFILES = ROOT / "workflow" / "profiles"


@pytest.fixture(autouse=True)
def executors() -> None:
    needs("snakemake_executor_plugin_slurm", "slurm")
    needs("snakemake_executor_plugin_cluster_generic", "slurm")


@pytest.mark.parametrize("profile", ["slurm", str(PROFILES / "slurm"), str(PROFILES / "cluster-generic")])
def test_a_profile_groups_short_jobs(tmp_path, profile):
    # The miniature study's eight blocks are one job of a cluster, and what is made of its three sweeps is another.
    run = snakemake(tmp_path, "--dry-run", "--configfile", str(MINIATURE), "--workflow-profile", profile)
    assert sorted(re.findall(r"Group job (\S+)", run.output)) == ["blocks-of-3s", "sweeps-of-12s"]
    members = re.findall(r"^    Job \S+: (.*)$", run.output, re.MULTILINE)
    assert len(members) == len(set(members)) == 19


def test_without_such_a_profile_nothing_is_grouped(tmp_path):
    assert len(dry(tmp_path, "--configfile", str(MINIATURE))) == 19


def test_the_paper_is_one_job_of_a_cluster(tmp_path):
    run = snakemake(tmp_path, "verify", "--dry-run", "--workflow-profile", str(PROFILES / "slurm"))
    assert re.findall(r"Group job (\S+)", run.output) == ["paper"]


PARTS = ["speciation of two, block all", "speciation of two: blocks joined", "criteria of two compared", "figures of two"]


@pytest.mark.parametrize(("points", "groups"), [(10**6, ["sweeps-of-60s"]), (10**7, [])], ids=["minutes", "an hour"])
def test_what_is_made_of_a_sweep_is_one_job_up_to_ten_minutes_and_above_each_part_is_one(tmp_path, points, groups):
    axes = {"separation": {"start": 1.0, "stop": 2.0, "num": points}}
    sweep = {"family": "pair", "axes": axes, "quantities": ["speciation"]}
    study = {"sweeps": {"two": sweep}}
    assert bool(groups) == (60 <= cost.sweep_seconds(Study.from_mapping(study).sweeps["two"]) < 600)
    profile = ["--workflow-profile", str(PROFILES / "slurm")]
    run = snakemake(tmp_path, "--dry-run", "--configfile", write(tmp_path / "study.yaml", study), *profile)
    found = re.findall(r"Group job (\S+)", run.output)
    assert [name for name in found if not name.startswith("blocks")] == groups
    alone = [job for job in PARTS[1:] if job in run.jobs]
    assert alone == ([] if groups else PARTS[1:])


def test_jobs_ask_for_what_their_blocks_cost(tmp_path):
    axes = {"separation": {"start": 1.0, "stop": 2.0, "num": 1000}, "variance": {"start": 1.0, "stop": 2.0, "num": 60}}
    few = {"family": "simplex", "parameters": {"vertices": 3}, "axes": axes, "quantities": ["speciation"]}
    many = axes | {"variance": {"start": 1.0, "stop": 2.0, "num": 50_000}}
    sweeps = {
        "few-small": few,
        "few-large": few | {"axes": many},
        "many-small": few | {"parameters": {"vertices": 12}},
        "many-large": few | {"parameters": {"vertices": 12}, "axes": many},
    }
    study = {"sweeps": sweeps}
    # A queue that writes down what it is asked for, and fails every job.
    submit = "sh -c 'echo {wildcards.sweep} {threads} {resources.mem_mb} {resources.runtime} >>asked; echo 1'"
    snakemake(
        tmp_path,
        *("--configfile", write(tmp_path / "study.yaml", study), "--workflow-profile", str(PROFILES / "cluster-generic")),
        *("--cluster-generic-submit-cmd", submit, "--cluster-generic-status-cmd", "sh -c 'echo failed'"),
        *("--group-components", "blocks-of-3s=20", "--cores", "8", "--retries", "1", "--seconds-between-status-checks", "1"),
        fails=True,
    )
    asked = {}
    for name, sweep in Study.from_mapping(study).sweeps.items():
        (block,) = sweep.blocks()
        seconds = cost.block_seconds(block, "speciation")
        threads = cost.threads(seconds)
        members = 20 if cost.group_class(seconds) == 3 else 1
        memory = cost.block_memory(block, "speciation", threads)
        for attempt in (1, 2):
            minutes = cost.minutes(seconds, threads, attempt, members)
            asked[name, attempt] = f"{name} {threads} {attempt * memory} {minutes}"
    assert sorted((tmp_path / "asked").read_text().splitlines()) == sorted(asked.values())
    assert len({text.split(" ", 1)[1] for text in asked.values()}) == 8
    assert asked["few-small", 1].endswith(" 1")  # minute: one of the twenty of a group
    assert asked["few-small", 1].split()[1] == "1" < asked["many-large", 1].split()[1]


# A queue whose jobs run here and now, one after another, and which forgets them at once.
SUBMIT = "PBS_JOBID=$$; export PBS_JOBID; echo $$; sh -c 'sh \"$0\" >/dev/null 2>&1; true'"
HERE_AND_NOW = ["--cluster-generic-submit-cmd", SUBMIT, "--cores", "1", "--retries", "0"]
HERE_AND_NOW += ["--cluster-generic-status-cmd", f"{PROFILES}/cluster-generic/status-pbs.sh"]
HERE_AND_NOW += ["--seconds-between-status-checks", "1", "--latency-wait", "5"]


def test_a_failing_member_takes_its_group_along_and_alone_only_itself(tmp_path):
    study = {"sweeps": {"line": miniature()["sweeps"]["line"]}}
    study["sweeps"]["line"]["axes"]["schedule"] = ["ve"]
    blocks = [f"results/line/blocks/weight={weight}/speciation.nc" for weight in (0.5, 0.7)]
    # What Snakemake itself writes of one member cannot be written.
    folder = tmp_path / "run"
    (folder / "results/line/benchmarks/weight=0.7.speciation.tsv").mkdir(parents=True)
    given = [*blocks, "--configfile", write(tmp_path / "study.yaml", study), *HERE_AND_NOW, "-d", str(folder)]
    profile = ["--workflow-profile", str(PROFILES / "cluster-generic")]
    snakemake(tmp_path, *given, *profile, fails=True)
    assert [(folder / block).exists() for block in blocks] == [False, False]
    snakemake(tmp_path, *given, *profile, "--group-components", "nothing=1", fails=True)
    assert [(folder / block).exists() for block in blocks] == [True, False]
    assert not list(folder.glob(".snakemake/ended-*"))


DOWN = "#!/bin/sh\necho 'cannot connect to server' >&2\nexit 1\n"
PBS = "Job Id: 7.host\n    Job_Name = j\n    job_state = {}\n    {}\n"
PBS_FORGOT = '#!/bin/sh\n[ "$1" = -B ] || { echo "qstat: Unknown Job Id 7" >&2; exit 153; }\n'
LSF_FORGOT = "#!/bin/sh\necho 'Job <7> is not found' >&2\nexit 255\n"
SGE = "==============================\nqname        all.q\nfailed       {}\nexit_status  {}\n"
FORGOTTEN = {
    "slurm": {"squeue": "", "sacct": "", "scontrol": "up"},
    "pbs": {"qstat": PBS_FORGOT},
    "lsf": {"bjobs": LSF_FORGOT},
    "sge": {"qstat": "", "qacct": DOWN},
}


def status_of_job(queue: str, commands: dict[str, str], folder: Path) -> str:
    """What the status script of a queue says of job 7 in a folder, with stand-ins for the queue's commands."""
    for name, text in commands.items():
        stand_in = folder / name
        stand_in.write_text(text if text.startswith("#!") else f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
        stand_in.chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:/usr/bin:/bin", "SECONDS_BETWEEN": "0"}
    script = PROFILES / "cluster-generic" / f"status-{queue}.sh"
    run = subprocess.run([script, "7"], cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return run.stdout.removesuffix("\n")


@pytest.mark.parametrize(
    ("queue", "commands", "said"),
    [
        ("slurm", {"squeue": "RUNNING"}, "running"),
        ("slurm", {"squeue": "PENDING"}, "running"),
        ("slurm", {"squeue": "COMPLETING"}, "running"),
        ("slurm", {"squeue": "COMPLETED"}, "success"),
        ("slurm", {"squeue": "TIMEOUT"}, "failed"),
        ("slurm", {"squeue": "", "sacct": "CANCELLED by 0", "scontrol": "up"}, "failed"),
        ("slurm", {"squeue": "", "sacct": "COMPLETED", "scontrol": "up"}, "success"),
        ("slurm", {"squeue": DOWN, "sacct": DOWN, "scontrol": DOWN}, "running"),
        ("pbs", {"qstat": PBS.format("Q", "")}, "running"),
        ("pbs", {"qstat": PBS.format("R", "")}, "running"),
        ("pbs", {"qstat": PBS.format("F", "Exit_status = 0")}, "success"),
        ("pbs", {"qstat": PBS.format("F", "Exit_status = 271")}, "failed"),
        ("pbs", {"qstat": PBS.format("C", "exit_status = 0")}, "success"),
        ("pbs", {"qstat": DOWN}, "running"),
        ("lsf", {"bjobs": "PEND"}, "running"),
        ("lsf", {"bjobs": "RUN"}, "running"),
        ("lsf", {"bjobs": "DONE"}, "success"),
        ("lsf", {"bjobs": "EXIT"}, "failed"),
        ("lsf", {"bjobs": DOWN}, "running"),
        ("sge", {"qstat": "job-ID prior name user state\n---\n 7 0.5 j me qw now"}, "running"),
        ("sge", {"qstat": "job-ID prior name user state\n---\n 7 0.5 j me Eqw now"}, "failed"),
        ("sge", {"qstat": "", "qacct": SGE.format("0", "0")}, "success"),
        ("sge", {"qstat": "", "qacct": SGE.format("0", "1")}, "failed"),
        ("sge", {"qstat": "", "qacct": SGE.format("100 : assumedly after job", "0")}, "failed"),
        ("sge", {"qstat": DOWN, "qacct": DOWN}, "running"),
        *((queue, commands, "failed") for queue, commands in FORGOTTEN.items()),
    ],
)
def test_a_status_script_says_what_the_queue_says(queue, commands, said, tmp_path):
    assert status_of_job(queue, commands, tmp_path) == said


@pytest.mark.parametrize(("ending", "said"), [("true", "success"), ("false", "failed"), ("exit 3", "failed")])
@pytest.mark.parametrize(
    ("queue", "number"), [("slurm", "SLURM_JOB_ID"), ("pbs", "PBS_JOBID"), ("lsf", "LSB_JOBID"), ("sge", "JOB_ID")]
)
def test_of_a_job_that_the_queue_has_forgotten_its_own_exit_status_tells(queue, number, ending, said, tmp_path):
    (tmp_path / ".snakemake").mkdir()
    script = (PROFILES / "cluster-generic" / "jobscript.sh").read_text()
    job = script.format(properties="{}", exec_job=f"cd {tmp_path} && {ending} && exit 0 || exit 1")
    unset = dict.fromkeys(("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"), "")
    subprocess.run(["sh", "-c", job], cwd="/", env=os.environ | unset | {number: "7"}, check=False)
    assert status_of_job(queue, FORGOTTEN[queue], tmp_path) == said
    assert not list((tmp_path / ".snakemake").iterdir())


def test_the_number_of_an_lsf_job_is_read_from_what_bsub_says(tmp_path):
    line = re.search(
        r"^#   (sh -c 'bsub.*\n#   -o.*')$", (PROFILES / "cluster-generic" / "config.yaml").read_text(), re.MULTILINE
    )
    command = line[1].replace("\n#   ", " ").format(threads=2, resources=type("", (), {"mem_mb": 1000, "runtime": 5}))
    stand_in = tmp_path / "bsub"
    stand_in.write_text('#!/bin/sh\necho "$*" >&2\necho "Job <123> is submitted to queue <normal>."\n')
    stand_in.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    run = subprocess.run(f'{command} "job.sh"', shell=True, env=environment, check=True, capture_output=True, text=True)
    assert run.stdout == "123\n"
    assert run.stderr.startswith("-n 2 -R span[hosts=1] rusage[mem=1000] -M 1000 -W 5 -o .snakemake/lsf-%J.log sh job.sh")
