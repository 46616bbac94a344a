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
from itertools import pairwise
from pathlib import Path

import netCDF4
import pytest
import yaml

from scoreshock.study import Study, cost
from scoreshock.study.blocks import Sweep

from ..workflow.conftest import MINIATURE, ROOT, checksums, dry, environment, snakemake, write
from .conftest import PATIENCE, until

PROFILES = ROOT / "workflow" / "profiles"
# Of the miniature study what takes five blocks, so that it is quick.
MERGED = [*(f"results/line/{quantity}.nc" for quantity in ("speciation", "corrections")), "results/ring/layer.nc"]
# Two blocks of some seconds each, so that there is time to hit one.
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
SLOW_BLOCKS = [f"results/slow/blocks/tilt={tilt}/speciation.nc" for tilt in (0.0, 0.1)]
# The profiles as they are, but that they look at the queue every second.
QUICK = ["--seconds-between-status-checks", "1", "--latency-wait", "10"]
SLURM = ["--workflow-profile", str(PROFILES / "slurm"), "--slurm-no-account", "--max-status-checks-per-second", "2"]
SLURM += ["--slurm-init-seconds-before-status-checks", "1", *QUICK]
GENERIC = ["--workflow-profile", str(PROFILES / "cluster-generic"), *QUICK]
EXECUTORS = {"slurm": SLURM, "cluster-generic": GENERIC}
# Every block is a job of its own.
ALONE = ["--group-components", "nothing=1"]
FAILURES = 10  # of squeue, one after another: more than the plugin's own five attempts
# By a variable that only Slurm sets, and only in its jobs.
SCRATCH = {"SCORESHOCK_SCRATCH": "$SLURM_SUBMIT_DIR/scratch"}


class Submitted:
    """A run of Snakemake whose jobs go to Slurm."""

    def __init__(self, folder: Path, targets: list[str], *arguments: str, variables: Mapping[str, str] | None = None):
        self.folder, self.log, self.scratch = folder, folder / "terminal.txt", folder / "scratch"
        self.scratch.mkdir(parents=True)
        self.began = self.scratch.stat().st_mtime_ns
        command = ["-m", "snakemake", *targets, "-s", str(ROOT / "Snakefile"), "-d", str(folder), *arguments]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=folder,
                env=environment() | SCRATCH | dict(variables or {}),
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
        assert not list(self.scratch.iterdir())
        return self.printed()

    def computing(self) -> str | None:
        """The Slurm job, if there is one, in which a block is being computed."""
        assert self.process.poll() is None, self.printed()
        return next(iter(self.jobs()), None) if list(self.folder.glob("results/slow/logs/tilt=*.log")) else None

    def blocks_in_time(self) -> list[tuple[float, float]]:
        """Start and end of each block's job, in their order: its log tells the end, its benchmark how long it took."""
        spans = []
        for measured in self.folder.glob("results/*/benchmarks/[!m]*.tsv"):  # none of merging
            end = (measured.parents[1] / "logs" / f"{measured.stem}.log").stat().st_mtime
            spans.append((end - float(measured.read_text().splitlines()[1].split()[0]), end))
        return sorted(spans)

    def jobs(self) -> list[str]:
        """Its running Slurm jobs, the oldest first."""
        command = ["squeue", "--noheader", "--states", "running", "--sort", "i", "--format", "%i %Z"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return [line.split()[0] for line in lines if line.endswith(f" {self.folder}")]

    def asked(self) -> list[tuple[int, int, int]]:
        """CPUs, MiB and minutes of each of its Slurm jobs, the oldest first."""
        command = ["scontrol", "show", "job", "--oneliner"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        found = []
        for job in (dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines):
            if job["WorkDir"] == str(self.folder):
                days, hours, minutes, _ = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", job["TimeLimit"]).groups()
                memory = int(job["MinMemoryNode"][:-1]) * {"M": 1, "G": 1024}[job["MinMemoryNode"][-1]]
                found.append((int(job["NumCPUs"]), memory, 1440 * int(days or 0) + 60 * int(hours) + int(minutes)))
        return found


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
    """The miniature study by both executors, both at a time and while jobs are hit below: most of a run is waiting."""
    folder = tmp_path_factory.mktemp("miniature")
    started = {
        name: Submitted(folder / name, MERGED, "--configfile", str(MINIATURE), *arguments)
        for name, arguments in EXECUTORS.items()
    }
    with ended_after(started):
        yield started


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> dict[str, dict[str, str]]:
    """Checksums of the miniature study, made on this machine while Slurm makes its own."""
    folder = tmp_path_factory.mktemp("here")
    snakemake(folder, *MERGED, "--configfile", str(MINIATURE), "--cores", "2")
    return {name: checksums(folder / name) for name in MERGED}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    snakemake(folder, *SLOW_BLOCKS, "--configfile", write(folder / "study.yaml", SLOW), "--cores", "2")
    return [checksums(folder / name) for name in SLOW_BLOCKS]


def slow(folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> Submitted:
    folder.mkdir(exist_ok=True)
    study = write(folder / "study.yaml", SLOW)
    return Submitted(folder, SLOW_BLOCKS, "--configfile", study, *ALONE, *arguments, variables=variables)


@pytest.fixture(scope="module")
def cancelled(runs, tmp_path_factory) -> Iterator[dict[str, tuple[Submitted, str]]]:  # noqa: ARG001 - these are first
    """The slow study by both executors, and the job of each that was cancelled in mid-work."""
    folder = tmp_path_factory.mktemp("cancelled")
    hit: dict[str, tuple[Submitted, str]] = {}
    with ended_after({name: slow(folder / name, *arguments) for name, arguments in EXECUTORS.items()}) as started:

        def all_hit() -> bool:
            for name, run in started.items():
                if name not in hit and (job := run.computing()):
                    subprocess.run(["scancel", job], check=True)
                    hit[name] = run, job
            return len(hit) == len(started)

        until(all_hit)
        yield hit


@pytest.fixture(scope="module")
def unanswered(cancelled, tmp_path_factory) -> Iterator[tuple[Submitted, Path]]:  # noqa: ARG001 - these are first
    """The slow study while squeue fails ten times, asked for more threads than a job gets, and the count of failures."""
    folder = tmp_path_factory.mktemp("unanswered")
    stand_in, count = folder / "bin" / "squeue", folder / "count"
    stand_in.parent.mkdir()
    deaf = f'echo >>"{count}"\n[ "$(wc -l <"{count}")" -gt {FAILURES} ] || exit 1\n'
    stand_in.write_text(f'#!/bin/sh\n{deaf}exec {shutil.which("squeue")} "$@"\n')
    stand_in.chmod(0o755)
    path = {"PATH": f"{stand_in.parent}:{os.environ['PATH']}"}
    with ended_after({"run": slow(folder / "run", *SLURM, "--set-threads", "speciation=2", variables=path)}) as started:
        yield started["run"], count


@pytest.mark.usefixtures("unanswered")
def test_sigterm_as_at_the_end_of_a_time_limit_ends_a_job_at_once_and_it_is_made_again(tmp_path, undisturbed):
    with ended_after({"run": slow(tmp_path, *GENERIC)}) as started:
        run = started["run"]
        job = until(run.computing)
        subprocess.run(["scancel", "--full", "--signal=TERM", job], check=True)
        until(lambda: state(job) not in ("RUNNING", "COMPLETING"))
        assert state(job) == "FAILED"
        printed = run.ended()
    assert "Trying to restart job" in printed
    assert [checksums(tmp_path / name) for name in SLOW_BLOCKS] == undisturbed


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_miniature_study_has_the_values_of_one_machine(runs, here, executor):
    printed = runs[executor].ended()
    made = {name: checksums(runs[executor].folder / name) for name in MERGED}
    assert made == here
    # All blocks are short, and one job; what joins them is another.
    assert re.findall(r"Group job (\S+)", printed) == ["blocks-of-3s", "sweeps-of-12s"]
    assert "8 of 8 steps (100%) done" in printed
    assert runs[executor].scratch.stat().st_mtime_ns > runs[executor].began  # files were written there
    # One after another, on the one core that was asked for.
    spans = runs[executor].blocks_in_time()
    assert len(spans) == 5
    assert all(end < (start + later) / 2 for (_, end), (start, later) in pairwise(spans))  # ends are a second early
    # Of what runs there nothing is left to do here.
    assert dry(runs[executor].folder, *MERGED, "--configfile", str(MINIATURE)) == []


@pytest.mark.parametrize("executor", EXECUTORS)
def test_slurm_is_asked_for_what_jobs_cost(runs, executor):
    runs[executor].ended()
    sweeps = Study.from_mapping(yaml.safe_load(MINIATURE.read_text())).sweeps
    line, ring = sweeps["line"], sweeps["ring"]
    blocks = [(block, quantity) for block in line.blocks() for quantity in ("speciation", "corrections")]
    blocks += [(block, "layer") for block in ring.blocks()]
    members = cost.group_components()[3]
    assert runs[executor].asked() == [
        (
            1,
            max(cost.block_memory(*each) for each in blocks),
            sum(cost.minutes(cost.block_seconds(*each), members=members) for each in blocks),
        ),
        (1, cost.sweep_memory(line), joining_minutes([(line, "speciation"), (line, "corrections"), (ring, "layer")])),
    ]


def joining_minutes(joined: list[tuple[Sweep, str]]) -> int:
    """Minutes that a group asks for in which these quantities of sweeps are joined."""
    return sum(
        cost.minutes(
            cost.merge_seconds(sweep, quantity),
            members=cost.group_components()[12] * (len(sweep.quantities) + len(sweep.products)),
        )
        for sweep, quantity in joined
    )


def test_a_run_goes_on_after_slurm_did_not_answer(unanswered, undisturbed):
    run, count = unanswered
    run.ended()
    assert len(count.read_text()) > FAILURES
    assert [checksums(run.folder / name) for name in SLOW_BLOCKS] == undisturbed


def test_a_block_takes_no_more_threads_than_its_job_has(unanswered):
    run, _ = unanswered
    run.ended()
    for name in SLOW_BLOCKS:
        with netCDF4.Dataset(run.folder / name) as file:
            assert file.scoreshock_threads == 1
    assert [cpus for cpus, _, _ in run.asked()] == [1, 1]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_job_cancelled_in_mid_work_is_made_again(cancelled, undisturbed, executor):
    run, job = cancelled[executor]
    printed = run.ended()
    assert state(job) == "CANCELLED"
    assert "Trying to restart job" in printed
    assert [checksums(run.folder / name) for name in SLOW_BLOCKS] == undisturbed
