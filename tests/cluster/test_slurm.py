"""The study on a Slurm of one node, through both executors: the same values as here, also after jobs are hit."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import netCDF4
import pytest

from scoreshock.running import tasks
from scoreshock.study import cost, work
from scoreshock.study.study import Study

from ..workflow.conftest import MINIATURE, ROOT, checksums, dry, environment, miniature, write
from .conftest import PATIENCE, until

pytestmark = pytest.mark.slow

PROFILES = ROOT / "workflow" / "profiles"
# Of the miniature study what takes two jobs, so that it is quick: a sweep of blocks, which are joined, and one without.
LINE = [f"results/line/{quantity}.nc" for quantity in ("speciation", "corrections")]
RING = ["results/ring/layer.nc"]
# Two blocks of some seconds each, so that there is time to hit the job.
SLOW = {
    "sweeps": {
        "slow": {
            "family": "tilted-quartic",
            "axes": {"half_distance": {"start": 1.0, "stop": 2.0, "num": 500}, "tilt": [0.0, 0.1]},
            "split": ["tilt"],
            "quantities": ["speciation"],
        }
    }
}
WHOLE = "results/slow/speciation.nc"
# The profiles as they are, but that they look at the queue every second.
QUICK = ["--seconds-between-status-checks", "1", "--latency-wait", "10"]
SLURM = ["--workflow-profile", str(PROFILES / "slurm"), "--slurm-no-account", "--max-status-checks-per-second", "2"]
SLURM += ["--slurm-init-seconds-before-status-checks", "1", *QUICK]
GENERIC = ["--workflow-profile", str(PROFILES / "cluster-generic"), *QUICK]
EXECUTORS = {"slurm": SLURM, "cluster-generic": GENERIC}
FAILURES = 10  # of squeue, one after another: more than the plugin's own five attempts


class Submitted:
    """A run of Snakemake whose jobs go to Slurm."""

    def __init__(self, folder: Path, targets: list[str], *arguments: str, variables: Mapping[str, str] | None = None):
        self.folder, self.log = folder, folder / "terminal.txt"
        folder.mkdir(parents=True, exist_ok=True)
        command = ["-m", "snakemake", *targets, "-s", str(ROOT / "Snakefile"), "-d", str(folder), *arguments]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=folder,
                env=environment() | dict(variables or {}),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self) -> None:
        """Leave none of its processes here, should it not have ended."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def printed(self) -> str:
        return self.log.read_text()

    def ended(self) -> str:
        """Wait for its success, and return what it printed."""
        assert self.process.wait(PATIENCE) == 0, self.printed()
        assert not list(self.folder.rglob("*.tmp.nc"))
        return self.printed()

    def computing(self) -> str | None:
        """The Slurm job, if there is one, in which a block is being computed."""
        assert self.process.poll() is None, self.printed()
        return next(iter(self.jobs()), None) if list(self.folder.glob("results/logs/*@slow*.log")) else None

    def jobs(self) -> list[str]:
        """Its running Slurm jobs, the oldest first."""
        command = ["squeue", "--noheader", "--states", "running", "--sort", "i", "--format", "%i %Z"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return [line.split()[0] for line in lines if line.endswith(f" {self.folder}")]

    def asked(self) -> list[tuple[int, int, int]]:
        """CPUs, MiB and minutes of each of its Slurm jobs, the oldest first."""
        command = ["scontrol", "show", "job", "--oneliner"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        result = []
        for job in (dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines):
            if job["WorkDir"] == str(self.folder):
                days, hours, minutes, _ = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", job["TimeLimit"]).groups()
                memory = int(job["MinMemoryNode"][:-1]) * {"M": 1, "G": 1024}[job["MinMemoryNode"][-1]]
                result.append((int(job["NumCPUs"]), memory, 1440 * int(days or 0) + 60 * int(hours) + int(minutes)))
        return result


def state(job: str) -> str:
    shown = subprocess.run(["scontrol", "show", "job", job], check=True, capture_output=True, text=True).stdout
    return re.search(r"JobState=(\w+)", shown)[1]


@contextmanager
def ended_after(stack: dict[str, Submitted]) -> Iterator[dict[str, Submitted]]:
    """The runs in the body, of which no process is left here after it."""
    with ExitStack() as last:
        for run in stack.values():
            last.callback(run.end)
        yield stack


@pytest.fixture(scope="module")
def runs(slurm, tmp_path_factory) -> Iterator[dict[str, Submitted]]:  # noqa: ARG001 - where jobs are submitted to
    """The miniature study by both executors, asked for more threads than a job gets; at first, squeue fails ten times."""
    folder = tmp_path_factory.mktemp("miniature")
    stand_in, count = folder / "bin" / "squeue", folder / "count"
    stand_in.parent.mkdir()
    deaf = f'echo >>"{count}"\n[ "$(wc -l <"{count}")" -gt {FAILURES} ] || exit 1\n'
    stand_in.write_text(f'#!/bin/sh\n{deaf}exec {shutil.which("squeue")} "$@"\n')
    stand_in.chmod(0o755)
    path = {"PATH": f"{stand_in.parent}:{os.environ['PATH']}"}
    inputs = [*LINE, *RING, "--configfile", str(MINIATURE), "--set-threads", "data@line=2"]
    started = {name: Submitted(folder / name, inputs, *options, variables=path) for name, options in EXECUTORS.items()}
    with ended_after(started):
        yield started


@pytest.fixture(scope="module")
def slow(runs, tmp_path_factory) -> Iterator[dict[str, tuple[Submitted, str]]]:  # noqa: ARG001 - these are first
    """The slow study by both executors, and the job of each that was hit in mid-work: cancelled, or sent SIGTERM."""
    folder = tmp_path_factory.mktemp("slow")
    study = write(folder / "study.yaml", SLOW)
    hit: dict[str, tuple[Submitted, str]] = {}
    started = {name: Submitted(folder / name, [WHOLE, "--configfile", study], *EXECUTORS[name]) for name in EXECUTORS}
    with ended_after(started):

        def all_hit() -> bool:
            for name, run in started.items():
                if name not in hit and (job := run.computing()):
                    subprocess.run(["scancel", *HITS[name][0], job], check=True)
                    hit[name] = run, job
            return len(hit) == len(started)

        until(all_hit)
        yield hit


# What hits a job, and what Slurm then calls it; SIGTERM is what all its processes get at the end of a time limit.
HITS = {"slurm": ([], "CANCELLED"), "cluster-generic": (["--full", "--signal=TERM"], "FAILED")}


def computed(study: object, path: str, folder: Path) -> dict[str, str]:
    """Checksums of a quantity of a sweep, computed here at once: without blocks, by two threads."""
    sweep, quantity = Path(path).parent.name, Path(path).stem
    content = Study.from_mapping(study).sweeps[sweep].content(quantity)
    tasks.compute_block(content, folder / f"{quantity}.nc", "", threads=2)
    return checksums(folder / f"{quantity}.nc")


@pytest.mark.usefixtures("slow")  # at the same time: most of a run is waiting
@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_miniature_study_has_the_values_of_one_machine(runs, executor, tmp_path):
    run = runs[executor]
    printed = run.ended()
    for path in (*LINE, *RING):
        assert checksums(run.folder / path) == computed(miniature(), path, tmp_path)
    assert len((run.folder.parent / "count").read_text()) > FAILURES
    assert re.findall(r"Group job (\S+)", printed) == ["small"]
    # Of what runs there nothing is left to do here.
    assert dry(run.folder, *LINE, *RING, "--configfile", str(MINIATURE)) == []


@pytest.mark.parametrize("executor", EXECUTORS)
def test_slurm_is_asked_for_what_jobs_cost(runs, executor):
    run = runs[executor]
    run.ended()
    members = [job for job in work.jobs_of(Study.from_mapping(miniature())) if job.name in ("data@line", "data@ring")]
    minutes = sum(cost.minutes(job.seconds + cost.JOB_SECONDS) for job in members)
    assert run.asked() == [(1, max(job.memory for job in members), minutes)]
    with netCDF4.Dataset(next(run.folder.glob("results/line/blocks/*/*.nc"))) as file:
        assert file.scoreshock_threads == 1


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_job_hit_in_mid_work_ends_at_once_and_is_made_again(slow, executor, tmp_path):
    run, job = slow[executor]
    printed = run.ended()
    assert state(job) == HITS[executor][1]
    assert "Trying to restart job" in printed
    assert checksums(run.folder / WHOLE) == computed(SLOW, WHOLE, tmp_path)
