"""Profiles: found by either path, what jobs ask for, and the commands that ask queues that are not here what a job is."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from scoreshock.study import cost, work
from scoreshock.study.study import Study

from ..workflow.conftest import MINIATURE, ROOT, dry, miniature, snakemake, started, write
from .conftest import needs_executor

PROFILES = ROOT / "workflow" / "profiles"


@pytest.fixture(autouse=True)
def executors() -> None:
    for plugin in ("slurm", "lsf", "cluster-generic"):
        needs_executor(plugin)


def groups(output: str) -> list[str]:
    """The groups of a run, each once for every job of the cluster."""
    return sorted(re.findall(r"Group job (\S+)", output))


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["slurm", *(str(PROFILES / name) for name in ("lsf", "cluster-generic"))])
def test_a_profile_groups_small_jobs(tmp_path, profile):
    # The miniature study's three sweeps are one job of a cluster, and their figures another.
    run = snakemake(tmp_path, "--dry-run", "--configfile", str(MINIATURE), "--workflow-profile", profile)
    assert groups(run.output) == ["products", "small"]
    assert len(re.findall(r"^    Job \S+: ", run.output, re.MULTILINE)) == 6
    assert run.jobs == ["plan of the study", "the page of the study: results/index.html"]


@pytest.mark.slow
def test_runs_of_blocks_are_several_jobs_and_their_products_one(tmp_path):
    axes = {"separation": {"start": 1.0, "stop": 2.0, "num": 300}}
    sweep = {"family": "pair", "axes": axes, "split": ["separation"], "quantities": ["speciation", "corrections"]}
    arguments = ["--configfile", write(tmp_path / "study.yaml", {"sweeps": {"line": sweep}}), "--cores", "1"]
    profile = ["--workflow-profile", str(PROFILES / "slurm"), "--group-components", "small=2", "products=6"]
    run = snakemake(tmp_path, "--dry-run", *arguments, *profile)
    assert groups(run.output) == ["products", "small", "small", "small"]  # of three runs of each quantity
    assert len(dry(tmp_path, *arguments)) == 1 + 6 + 2 + 1 + 1 + 1  # without the profile nothing is grouped


@pytest.mark.slow
def test_the_paper_is_one_job_of_a_cluster(tmp_path):
    run = snakemake(tmp_path, "verify", "--dry-run", "--workflow-profile", str(PROFILES / "slurm"))
    assert groups(run.output) == ["paper"]


@pytest.mark.slow
def test_jobs_ask_for_what_their_blocks_cost(tmp_path):
    axes = {"separation": {"start": 1.0, "stop": 2.0, "num": 1000}, "variance": {"start": 1.0, "stop": 2.0, "num": 60}}
    few = {"family": "simplex", "parameters": {"vertices": 3}, "axes": axes, "quantities": ["speciation"]}
    large = {"parameters": {"vertices": 12}, "axes": axes | {"variance": {"start": 1.0, "stop": 2.0, "num": 50_000}}}
    study = {"sweeps": {"small": few, "large": few | large}}
    # A queue that writes down what it is asked for, and fails every job.
    submit = "sh -c 'echo {rule} {threads} {resources.mem_mb} {resources.runtime} >>asked; echo 1'"
    snakemake(
        tmp_path,
        *("--configfile", write(tmp_path / "study.yaml", study), "--workflow-profile", str(PROFILES / "cluster-generic")),
        *("--cluster-generic-submit-cmd", submit, "--cluster-generic-status-cmd", "sh -c 'echo failed'"),
        *("--group-components", "nothing=1", "--cores", "8", "--max-threads", "8", "--retries", "1"),
        *("--seconds-between-status-checks", "1"),
        fails=True,
    )
    first = [job for job in work.jobs_of(Study.from_mapping(study)) if not job.inputs and not job.local]
    assert sorted(job.threads for job in first) == [1, 8]
    asked = [
        f"{job.name} {job.threads} {attempt * job.memory} "
        f"{cost.minutes(job.seconds + cost.JOB_SECONDS, job.threads, attempt)}"
        for job in first
        for attempt in (1, 2)
    ]
    assert sorted((tmp_path / "asked").read_text().splitlines()) == sorted(asked)


# A queue whose jobs run here and now, one after another, and which forgets them at once.
SUBMIT = "PBS_JOBID=$$; export PBS_JOBID; echo $$; sh -c 'sh \"$0\" >/dev/null 2>&1; true'"
HERE_AND_NOW = ["--workflow-profile", str(PROFILES / "cluster-generic"), "--cluster-generic-submit-cmd", SUBMIT]
HERE_AND_NOW += [
    "--cluster-generic-status-cmd",
    f"{PROFILES}/cluster-generic/status-pbs.sh",
    "--retries",
    "0",
    "--cores",
    "1",
]
HERE_AND_NOW += ["--seconds-between-status-checks", "1", "--latency-wait", "5"]


@pytest.mark.slow
def test_results_of_a_failed_group_stay_and_the_rest_can_run_alone(tmp_path):
    sweep = {"family": "pair", "axes": {"separation": [1.0, 2.0]}, "quantities": ["amplification"]}
    files = [f"results/{name}/amplification.nc" for name in ("good", "bad")]
    # What Snakemake itself writes of one member cannot be written.
    (tmp_path / "results/benchmarks/data@bad.tsv").mkdir(parents=True)
    study = write(tmp_path / "study.yaml", {"sweeps": {"good": sweep, "bad": sweep}})
    failed = snakemake(tmp_path, *files, "--configfile", study, *HERE_AND_NOW, fails=True)
    assert groups(failed.output) == ["small"]
    there = [name for name in files if (tmp_path / name).exists()]
    times = [(tmp_path / name).stat().st_mtime_ns for name in there]
    assert there
    (tmp_path / "results/benchmarks/data@bad.tsv").rmdir()
    alone = snakemake(tmp_path, *files, "--configfile", study, *HERE_AND_NOW, "--group-components", "nothing=1")
    assert alone.jobs == [f"amplification of {Path(name).parent.name}" for name in files if name not in there]
    assert [(tmp_path / name).stat().st_mtime_ns for name in there] == times
    assert not list(tmp_path.glob(".snakemake/ended-*"))


@pytest.mark.slow
def test_a_job_that_fails_leaves_nothing_stale(tmp_path):
    def study(last: float) -> list[str]:
        sweep = {"family": "pair", "axes": {"separation": [1.0, last]}, "quantities": ["amplification"]}
        return ["results/line/amplification.nc", "--configfile", write(tmp_path / "study.yaml", {"sweeps": {"line": sweep}})]

    snakemake(tmp_path, *study(2.0))
    # Every job dies before it does anything.
    dying = tmp_path / "dying" / "sitecustomize.py"
    dying.parent.mkdir()
    dying.write_text("import os\nif b'scoreshock.running' in open('/proc/self/cmdline', 'rb').read(): os._exit(1)\n")
    with started(tmp_path, *study(3.0), output=subprocess.DEVNULL, first=dying.parent) as process:
        assert process.wait() == 1
    assert dry(tmp_path, *study(3.0)) == ["amplification of line"]


@pytest.mark.slow
def test_an_interpreter_whose_path_contains_a_space_is_refused_before_anything_is_submitted(tmp_path):
    environment = tmp_path / "an environment"
    environment.symlink_to(sys.prefix)
    interpreter = environment / Path(sys.executable).relative_to(sys.prefix)
    command = ["-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--configfile", str(MINIATURE), *HERE_AND_NOW]
    run = subprocess.run(
        [interpreter, *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert f"must contain no space, as '{interpreter}' does; nothing was submitted" in run.stderr
    assert "Submitted" not in run.stderr


LSF = {
    "badmin": "configuration:\n LSB_SHAREDIR = {folder}\n LSF_CONFDIR = {folder}\n LSF_UNIT_FOR_LIMITS = MB",
    "lsclusters": "CLUSTER_NAME STATUS\none ok",
    "bhist": "",
    "bsub": '#!/bin/sh\nprintf "%s\\n" "$@" >"{folder}/asked"\nexit 1\n',
}


@pytest.mark.slow
def test_lsf_is_asked_for_what_jobs_cost(tmp_path, monkeypatch):
    parameters = tmp_path / "lsbatch/one/configdir/lsb.params"
    parameters.parent.mkdir(parents=True)
    parameters.write_text("DEFAULT_QUEUE = normal\n")
    stand_ins({name: text.format(folder=tmp_path) for name, text in LSF.items()}, tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    targets = ["results/ring/layer.nc", "results/wells/speciation.nc"]
    profile = ["--workflow-profile", str(PROFILES / "lsf"), "--cores", "1"]
    snakemake(tmp_path, *targets, "--configfile", str(MINIATURE), *profile, fails=True)
    *options, command = (tmp_path / "asked").read_text().splitlines()
    members = [job for job in work.jobs_of(Study.from_mapping(miniature())) if job.name in ("data@ring", "data@wells")]
    minutes = sum(cost.minutes(job.seconds + cost.JOB_SECONDS) for job in members)
    memory = float(max(job.memory for job in members))
    asked = dict(zip(options[::2], options[1::2], strict=False))
    assert asked["-q"] == "normal"
    assert (asked["-W"], asked["-n"]) == (str(minutes), "1")
    assert f"rusage[mem={memory}]" in options
    words = shlex.split(command)
    assert words[:3] == [sys.executable, "-m", "snakemake"]
    assert {"data@ring:", "data@wells:"} < set(words)


def stand_ins(commands: dict[str, str], folder: Path) -> None:
    """Commands of a queue in a folder: scripts, or what they print."""
    folder.mkdir(exist_ok=True)
    for name, text in commands.items():
        stand_in = folder / name
        stand_in.write_text(text if text.startswith("#!") else f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
        stand_in.chmod(0o755)


DOWN = "#!/bin/sh\necho 'cannot connect to server' >&2\nexit 1\n"
PBS = "Job Id: 7.host\n    Job_Name = j\n    job_state = {}\n    {}\n"
PBS_FORGOT = '#!/bin/sh\n[ "$1" = -B ] || { echo "qstat: Unknown Job Id 7" >&2; exit 153; }\n'
SGE = "==============================\nqname        all.q\nfailed       {}\nexit_status  {}\n"
FORGOTTEN = {
    "slurm": {"squeue": "", "sacct": "", "scontrol": "up"},
    "pbs": {"qstat": PBS_FORGOT},
    "sge": {"qstat": "", "qacct": DOWN},
}


def status_of_job(queue: str, commands: dict[str, str], folder: Path) -> str:
    """What the status script of a queue says of job 7 in a folder, with stand-ins for the queue's commands."""
    stand_ins(commands, folder)
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


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "said"), [("true", "success"), ("false", "failed"), ("exit 3", "failed")])
@pytest.mark.parametrize(("queue", "number"), [("slurm", "SLURM_JOB_ID"), ("pbs", "PBS_JOBID"), ("sge", "JOB_ID")])
def test_of_a_job_that_the_queue_has_forgotten_its_own_exit_status_tells(queue, number, ending, said, tmp_path):
    (tmp_path / ".snakemake").mkdir()
    script = (PROFILES / "cluster-generic" / "jobscript.sh").read_text()
    job = script.format(properties="{}", exec_job=f"cd {tmp_path} && {ending} && exit 0 || exit 1")
    unset = dict.fromkeys(("SLURM_JOB_ID", "PBS_JOBID", "JOB_ID"), "")
    subprocess.run(["sh", "-c", job], cwd="/", env=os.environ | unset | {number: "7"}, check=False)
    assert status_of_job(queue, FORGOTTEN[queue], tmp_path) == said
    assert not list((tmp_path / ".snakemake").iterdir())
