"""The study on a Slurm of one node, through both executors: the same values as here, also after jobs are hit."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..workflow.conftest import MINIATURE, ROOT, checksums, environment, snakemake, write
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
# The profiles as they are, but that they look at the queue every second, and that every block is a job of its own.
QUICK = ["--seconds-between-status-checks", "1", "--latency-wait", "10"]
SLURM = ["--workflow-profile", str(PROFILES / "slurm"), "--slurm-no-account", "--slurm-status-command", "squeue"]
SLURM += ["--slurm-init-seconds-before-status-checks", "1", *QUICK]
GENERIC = ["--workflow-profile", str(PROFILES / "cluster-generic"), *QUICK]
EXECUTORS = {"slurm": SLURM, "cluster-generic": GENERIC}
ALONE = ["--group-components", "nothing=1"]
# By a variable that only Slurm sets, and only in its jobs.
SCRATCH = {"SCORESHOCK_SCRATCH": "$SLURM_SUBMIT_DIR/scratch"}


class Submitted:
    """A run of Snakemake whose jobs go to Slurm."""

    def __init__(self, folder: Path, targets: list[str], *arguments: str):
        self.folder, self.log, self.scratch = folder, folder / "terminal.txt", folder / "scratch"
        self.scratch.mkdir(parents=True)
        self.began = self.scratch.stat().st_mtime_ns
        command = ["-m", "snakemake", *targets, "-s", str(ROOT / "Snakefile"), "-d", str(folder), *arguments]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command], cwd=folder, env=environment() | SCRATCH, stdout=log, stderr=subprocess.STDOUT
            )

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
        """Start and end of each block's job: its log tells the end, its benchmark how long it took."""
        spans = []
        for measured in self.folder.glob("results/*/benchmarks/[!m]*.tsv"):  # none of merging
            end = (measured.parents[1] / "logs" / f"{measured.stem}.log").stat().st_mtime
            spans.append((end - float(measured.read_text().splitlines()[1].split()[0]), end))
        return spans

    def jobs(self) -> list[str]:
        """Its running Slurm jobs, the oldest first."""
        command = ["squeue", "--noheader", "--states", "running", "--sort", "i", "--format", "%i %Z"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return [line.split()[0] for line in lines if line.endswith(f" {self.folder}")]


def state(job: str) -> str:
    shown = subprocess.run(["scontrol", "show", "job", job], check=True, capture_output=True, text=True).stdout
    return re.search(r"JobState=(\w+)", shown)[1]


@pytest.fixture(scope="module")
def runs(slurm, tmp_path_factory) -> Iterator[dict[str, Submitted]]:  # noqa: ARG001 - where jobs are submitted to
    """The miniature study by both executors, both at a time and while jobs are hit below: most of a run is waiting."""
    folder = tmp_path_factory.mktemp("miniature")
    started = {
        name: Submitted(folder / name, MERGED, "--configfile", str(MINIATURE), *arguments)
        for name, arguments in EXECUTORS.items()
    }
    yield started
    for run in started.values():
        run.process.kill()


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> dict[str, dict[str, dict[str, str]]]:
    """Checksums of the miniature study by number of cores, made on this machine while Slurm makes its own."""
    found = {}
    for cores in ("1", "2"):
        folder = tmp_path_factory.mktemp(f"cores-{cores}")
        snakemake(folder, *MERGED, "--configfile", str(MINIATURE), "--cores", cores)
        found[cores] = {name: checksums(folder / name) for name in MERGED}
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    snakemake(folder, *SLOW_BLOCKS, "--configfile", write(folder / "study.yaml", SLOW), "--cores", "2")
    return [checksums(folder / name) for name in SLOW_BLOCKS]


def slow(folder: Path, *arguments: str) -> Submitted:
    folder.mkdir(exist_ok=True)
    return Submitted(folder, SLOW_BLOCKS, "--configfile", write(folder / "study.yaml", SLOW), *ALONE, *arguments)


@pytest.fixture(scope="module")
def cancelled(runs, tmp_path_factory) -> Iterator[dict[str, tuple[Submitted, str]]]:  # noqa: ARG001 - these are first
    """The slow study by both executors, and the job of each that was cancelled in mid-work."""
    folder = tmp_path_factory.mktemp("cancelled")
    started = {name: slow(folder / name, *arguments) for name, arguments in EXECUTORS.items()}
    hit: dict[str, tuple[Submitted, str]] = {}

    def all_hit() -> bool:
        for name, run in started.items():
            if name not in hit and (job := run.computing()):
                subprocess.run(["scancel", job], check=True)
                hit[name] = run, job
        return len(hit) == len(started)

    until(all_hit)
    yield hit
    for run in started.values():
        run.process.kill()


@pytest.mark.usefixtures("cancelled")
def test_sigterm_as_at_the_end_of_a_time_limit_ends_a_job_at_once_and_it_is_made_again(tmp_path, undisturbed):
    run = slow(tmp_path, *GENERIC)
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
    assert made == here["1"] == here["2"]
    # All blocks are short, and one job; what joins them is another.
    assert re.findall(r"Group job (\S+)", printed) == ["blocks-of-3s", "sweeps-of-12s"]
    assert "8 of 8 steps (100%) done" in printed
    assert runs[executor].scratch.stat().st_mtime_ns > runs[executor].began  # files were written there
    # One after another, on the one core that was asked for: two at a time would take half as long as both.
    spans = runs[executor].blocks_in_time()
    assert sum(end - start for start, end in spans) < 1.5 * (max(spans)[1] - min(spans)[0])


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_job_cancelled_in_mid_work_is_made_again(cancelled, undisturbed, executor):
    run, job = cancelled[executor]
    printed = run.ended()
    assert state(job) == "CANCELLED"
    assert "Trying to restart job" in printed
    assert [checksums(run.folder / name) for name in SLOW_BLOCKS] == undisturbed
