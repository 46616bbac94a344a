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
SLOW_MERGED = "results/slow/speciation.nc"
# The profiles as they are, but that they look at the queue every second, and that every block is a job of its own.
QUICK = ["--seconds-between-status-checks", "1", "--latency-wait", "10"]
SLURM = ["--workflow-profile", str(PROFILES / "slurm"), "--slurm-no-account", "--slurm-status-command", "squeue"]
SLURM += ["--slurm-init-seconds-before-status-checks", "1", *QUICK]
GENERIC = ["--workflow-profile", str(PROFILES / "cluster-generic"), *QUICK]
ALONE = ["--group-components", "nothing=1"]


class Submitted:
    """A run of Snakemake whose jobs go to Slurm."""

    def __init__(self, folder: Path, targets: list[str], *arguments: str):
        folder.mkdir(exist_ok=True)
        self.folder, self.log = folder, folder / "terminal.txt"
        command = ["-m", "snakemake", *targets, "-s", str(ROOT / "Snakefile"), "-d", str(folder), *arguments]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command], cwd=folder, env=environment(), stdout=log, stderr=subprocess.STDOUT
            )

    def printed(self) -> str:
        return self.log.read_text()

    def ended(self) -> str:
        """Wait for its success, and return what it printed."""
        assert self.process.wait(PATIENCE) == 0, self.printed()
        assert not list(self.folder.rglob("*.tmp.nc"))
        return self.printed()

    def running_block(self) -> str:
        """Wait until a block is being computed, and return its Slurm job."""
        until(lambda: list(self.folder.glob("results/slow/logs/tilt=*.log")) or self.process.poll() is not None)
        assert self.process.poll() is None, self.printed()
        return until(self.jobs)[0]

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
        for name, arguments in (("slurm", SLURM), ("cluster-generic", GENERIC))
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
def undisturbed(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    snakemake(folder, SLOW_MERGED, "--configfile", write(folder / "study.yaml", SLOW), "--cores", "2")
    return checksums(folder / SLOW_MERGED)


def slow(folder: Path, *arguments: str) -> Submitted:
    return Submitted(folder, [SLOW_MERGED], "--configfile", write(folder / "study.yaml", SLOW), *ALONE, *arguments)


@pytest.mark.parametrize("arguments", [SLURM, GENERIC], ids=["slurm", "cluster-generic"])
@pytest.mark.usefixtures("runs")
def test_a_job_cancelled_in_mid_work_is_made_again(tmp_path, undisturbed, arguments):
    run = slow(tmp_path, *arguments)
    job = run.running_block()
    subprocess.run(["scancel", job], check=True)
    printed = run.ended()
    assert state(job) == "CANCELLED"
    assert "Trying to restart job" in printed
    assert checksums(tmp_path / SLOW_MERGED) == undisturbed


@pytest.mark.usefixtures("runs")
def test_sigterm_as_at_the_end_of_a_time_limit_ends_a_job_at_once_and_it_is_made_again(tmp_path, undisturbed):
    run = slow(tmp_path, *GENERIC)
    job = run.running_block()
    subprocess.run(["scancel", "--full", "--signal=TERM", job], check=True)
    until(lambda: state(job) not in ("RUNNING", "COMPLETING"))
    assert state(job) == "FAILED"
    printed = run.ended()
    assert "Trying to restart job" in printed
    assert checksums(tmp_path / SLOW_MERGED) == undisturbed


@pytest.mark.parametrize("executor", ["slurm", "cluster-generic"])
def test_the_miniature_study_has_the_values_of_one_machine(runs, here, executor):
    printed = runs[executor].ended()
    made = {name: checksums(runs[executor].folder / name) for name in MERGED}
    assert made == here["1"] == here["2"]
    # All blocks are short, and one job; what joins them is another.
    assert re.findall(r"Group job (\S+)", printed) == ["blocks-of-3s", "sweeps-of-12s"]
    assert "8 of 8 steps (100%) done" in printed
