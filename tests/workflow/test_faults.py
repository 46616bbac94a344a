"""Runs that are cut short, and files that are broken: named, and made again with the same values."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
import xarray as xr

from scoreshock import cli, open_results
from scoreshock.storage.provenance import FORMAT

from ..disks import mounted
from .conftest import Finished, checksums, dry, finish, processes, snakemake, started, values, write

pytestmark = pytest.mark.slow

# A small sweep of two blocks, which one job computes and joins.
STUDY = {
    "sweeps": {
        "line": {
            "family": "pair",
            "axes": {"separation": [1.0, 2.0, 4.0], "weight": [0.5, 0.7]},
            "split": ["weight"],
            "quantities": ["speciation"],
            "criteria": ["leading", "exact"],
        }
    }
}
JOINED = "results/line/speciation.nc"
JOB = "speciation of line, compared"
PATIENCE = 300


def block_of(folder: Path, weight: float = 0.5) -> Path:
    (file,) = folder.glob(f"results/line/blocks/*/weight={weight}.nc")
    return file


def until(condition):
    """Wait for a condition, and return its value."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.03)
    return value


# Holds each job of a run, where it has written its block and is about to give it its name, while there is a file ``hold``.
HOLD = f"""
import os
import sys
import time

END = time.monotonic() + {PATIENCE}  # should the tests be killed


def wait(event, arguments):
    if event == "os.rename" and "results/line/blocks/" in os.fsdecode(arguments[1]):
        while os.path.exists(os.path.join(os.path.dirname(__file__), "hold")) and time.monotonic() < END:
            time.sleep(0.03)


sys.addaudithook(wait)
"""


@dataclass(frozen=True)
class Running:
    """A run up to the joined file, whose processes can be hit: its blocks are held until they are released."""

    folder: Path
    process: subprocess.Popen[str]
    log: Path
    hold: Path

    def jobs(self) -> list[psutil.Process]:
        """Processes of jobs."""
        return [process for process in processes(self.process.pid, self.folder) if self._is_job(process)]

    @staticmethod
    def _is_job(process: psutil.Process) -> bool:
        try:
            return "python" in process.name() and "scoreshock.running" in process.cmdline()
        except psutil.NoSuchProcess:
            return False

    def job(self) -> psutil.Process:
        """Wait for the process of the job."""
        return until(self.jobs)[0]

    def unfinished(self, job: psutil.Process | None = None) -> list[Path]:
        """Files that are being written, of one job or any; their names hold their writer's process."""
        writer = "*" if job is None else job.pid
        return [path for path in self.folder.glob(f"results/line/blocks/*/.*.{writer}.*.tmp.nc") if path.stat().st_size]

    def release(self) -> None:
        """Let blocks that are written have their names."""
        self.hold.unlink(missing_ok=True)

    def finished(self) -> str:
        """Wait for the end of a run that must succeed, and return what it printed."""
        self.release()
        assert self.process.wait(PATIENCE) == 0, self.log.read_text()
        return self.log.read_text()

    def ended(self) -> str:
        """Wait for the end of a run that must fail, and return what it printed."""
        assert self.process.wait(PATIENCE) != 0
        return self.log.read_text()


@pytest.fixture
def running(tmp_path) -> Iterator[Callable[..., Running]]:
    """A function that starts a run in the test's folder with flags of Snakemake, of the study."""
    holder = tmp_path / "holder"
    holder.mkdir()
    (holder / "sitecustomize.py").write_text(HOLD)
    (holder / "hold").touch()
    configuration = write(tmp_path / "study.yaml", STUDY)
    with ExitStack() as runs:

        def start(*arguments: str) -> Running:
            log = tmp_path / f"terminal-{uuid4().hex}.txt"
            given = (JOINED, "--configfile", configuration, *arguments)
            with log.open("w") as output:
                process = runs.enter_context(started(tmp_path, *given, output=output, first=holder))
            return Running(tmp_path, process, log, holder / "hold")

        yield start


def again(folder: Path) -> dict[str, str]:
    """Run as before, with no other flag, and return the checksums of the joined file."""
    snakemake(folder, JOINED, "--configfile", str(folder / "study.yaml"), "--cores", "2")
    until(lambda: not list(folder.rglob("*.tmp.nc")))  # a job of a Snakemake that ended may still be writing
    return checksums(folder / JOINED)


@pytest.fixture(scope="module")
def undisturbed(finished) -> dict[str, str]:
    return checksums(finished.folder / JOINED)


def test_a_job_killed_while_it_writes_and_a_run_that_is_interrupted_are_made_again(tmp_path, running, undisturbed):
    run = running()
    temporary = until(run.unfinished)[0]
    run.job().kill()
    assert "Error in rule data@line" in run.ended()
    assert temporary.exists()
    assert not [path for path in tmp_path.glob("results/line/**/*.nc") if path.name[0] != "."]
    run = running()
    until(lambda: run.jobs() and run.unfinished(run.job()))
    os.killpg(run.process.pid, signal.SIGINT)  # what a terminal does on Ctrl-C
    run.ended()
    assert again(tmp_path) == undisturbed


def test_a_job_whose_snakemake_was_killed_runs_on_and_does_no_harm_to_the_next_run(tmp_path, running, undisturbed):
    run = running()
    (begun,) = until(run.unfinished)
    run.process.kill()
    run.ended()
    configuration = str(tmp_path / "study.yaml")
    assert "--unlock" in snakemake(tmp_path, JOINED, "--configfile", configuration, fails=True).output
    snakemake(tmp_path, "--unlock", "--configfile", configuration)
    snakemake(tmp_path, JOINED, "--configfile", configuration)
    assert checksums(tmp_path / JOINED) == undisturbed
    assert begun.exists()
    run.release()
    until(lambda: not processes(run.process.pid, tmp_path))
    assert not begun.exists()
    assert checksums(tmp_path / JOINED) == undisturbed
    assert not list(tmp_path.rglob("*.tmp.nc"))


def test_terminated_jobs_are_retried_while_a_second_snakemake_is_refused(tmp_path, running, undisturbed):
    run = running("--retries", "2")
    first = run.job()
    second = snakemake(tmp_path, JOINED, "--configfile", str(tmp_path / "study.yaml"), fails=True)
    assert "Directory cannot be locked" in second.output
    first.kill()  # what the kernel does to a process for which no memory is left
    retried = until(lambda: [job for job in run.jobs() if job != first])[0]
    begun = until(lambda: run.unfinished(retried))
    retried.terminate()
    retried.wait(PATIENCE)
    assert not any(path.exists() for path in begun)
    assert run.finished().count("Error in rule data@line") == 2
    assert checksums(tmp_path / JOINED) == undisturbed
    assert not list(tmp_path.rglob("*.tmp.nc"))


def test_two_snakemakes_that_are_forced_into_one_folder_end_in_the_same_values(tmp_path, running, undisturbed):
    pair = [running("--cores", "1", "--nolock") for _ in range(2)]
    until(lambda: len(pair[0].unfinished()) == 2)
    pair[0].release()
    for run in pair:
        run.process.wait(PATIENCE)
    assert again(tmp_path) == undisturbed


def test_a_full_disk_is_called_so_and_after_making_room_the_same_command_finishes(tmp_path, finished, study):
    target = tmp_path / "results"
    target.mkdir()
    with mounted(target, "-t", "tmpfs", "-o", "size=8m", "tmpfs"):
        assert target.stat().st_dev != tmp_path.stat().st_dev  # and so no file can come from another folder by a rename
        source = block_of(finished.folder)
        whole = tmp_path / source.relative_to(finished.folder)
        whole.parent.mkdir(parents=True)
        shutil.copy2(source, whole)
        ballast = target / "ballast"
        with ballast.open("wb") as file:
            file.write(bytes(shutil.disk_usage(target).free - 2**15))
        failed = snakemake(tmp_path, JOINED, "--configfile", study, fails=True)
        assert re.search(r"the disk is full: 0\.\d MiB are free in .*; .*weight=0.7.nc was not written", failed.output)
        assert values(whole) == values(source)
        assert [path.name for path in target.rglob("*.nc")] == [whole.name]
        ballast.unlink()
        snakemake(tmp_path, JOINED, "--configfile", study)
        assert checksums(tmp_path / JOINED) == checksums(finished.folder / JOINED)


def test_a_read_only_folder_is_refused_and_opens_and_once_writable_the_same_command_finishes(copy, finished, study):
    target = copy / "results"
    (copy / JOINED).unlink()
    with mounted(target, "--bind", str(target)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(target)], check=True)
        failed = snakemake(copy, JOINED, "--configfile", study, fails=True)
        assert "nothing was run" in failed.output
        assert f"output: 'results' cannot be written: Read-only file system: {target}" in failed.output
        assert open_results(target, "line", "speciation").sizes["weight"] == 2
    run = snakemake(copy, JOINED, "--configfile", study)
    assert run.jobs == [JOB]
    assert checksums(copy / JOINED) == checksums(finished.folder / JOINED)


def test_a_log_folder_that_cannot_be_one_stops_the_run_by_name_and_damages_nothing(copy, finished, study):
    logs = copy / "results/logs"
    shutil.rmtree(logs)
    logs.touch()
    (copy / JOINED).unlink()
    failed = snakemake(copy, JOINED, "--configfile", study, fails=True)
    assert "results/logs/data@line.log" in failed.output
    assert values(block_of(copy)) == values(block_of(finished.folder))
    logs.unlink()
    snakemake(copy, JOINED, "--configfile", study)
    assert checksums(copy / JOINED) == checksums(finished.folder / JOINED)


def test_after_a_clock_was_set_back_nothing_runs_without_need_and_nothing_stays_stale(copy, tmp_path, study):
    for ahead in (3 * 86400, -time.time()):  # and results of long ago
        made = sorted((copy / "results").rglob("*"), key=lambda path: path.stat().st_mtime_ns)
        for step, path in enumerate(made):
            os.utime(path, (time.time() + ahead + step, time.time() + ahead + step))
        assert dry(copy, JOINED, "--configfile", study) == []
    for path in made:
        os.utime(path, (time.time() + 3 * 86400, time.time() + 3 * 86400))
    before = values(block_of(copy))
    changed = {"sweeps": {"line": STUDY["sweeps"]["line"] | {"criteria": ["leading", "exact", "first"]}}}
    given = [JOINED, "results/line/sweep.json", "--configfile", write(tmp_path / "changed.yaml", changed)]
    assert JOB in snakemake(copy, *given).jobs
    assert open_results(copy / "results", "line", "speciation").criterion.values.tolist() == ["leading", "exact", "first"]
    assert dry(copy, *given) == []
    assert before in [values(path) for path in copy.glob("results/line/blocks/*/weight=0.5.nc")]


def test_results_of_another_format_are_made_again_by_a_newer_version_and_refused_by_an_older(copy, edited, study):
    newer = edited("scoreshock/storage/provenance.py", f"FORMAT = {FORMAT}", f"FORMAT = {FORMAT + 1}")
    given = [JOINED, "results/line/sweep.json", "--configfile", study]
    plan = copy / "results/line/sweep.json"
    text = plan.read_text()
    assert dry(copy, *given, repository=newer) == ["plan of the study", JOB]
    plan.write_text(text.replace(f'"format": {FORMAT}', f'"format": {FORMAT + 1}', 1))
    before = plan.read_bytes()
    failed = snakemake(copy, *given, fails=True)
    assert f"results/line/sweep.json is newer: of format {FORMAT + 1}" in failed.output
    assert plan.read_bytes() == before


def lost(plan: Path) -> None:
    plan.unlink()


def cut(plan: Path) -> None:
    os.truncate(plan, plan.stat().st_size // 2)


@pytest.mark.parametrize("spoil", [lost, cut], ids=lambda spoil: spoil.__name__)
def test_a_lost_or_broken_plan_is_written_anew_by_a_run_that_has_nothing_else_to_do(copy, finished, study, spoil):
    plan = copy / "results/line/sweep.json"
    sound = plan.read_bytes()
    spoil(plan)
    run = snakemake(copy, JOINED, "results/line/sweep.json", "--configfile", study)
    assert run.jobs == ["plan of the study"]
    assert plan.read_bytes() == sound
    assert values(copy / JOINED) == values(finished.folder / JOINED)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Finished:
    """The study, run undisturbed up to the joined file."""
    return finish(tmp_path_factory.mktemp("finished"), STUDY, JOINED, "results/line/sweep.json")


@pytest.fixture
def study(finished) -> str:
    return str(finished.folder / "study.yaml")


def truncated(block: Path) -> None:
    os.truncate(block, block.stat().st_size // 2)


def empty(block: Path) -> None:
    os.truncate(block, 0)


def flipped(block: Path) -> None:
    """Change eight bytes at a place where that matters: HDF5 leaves some of a file unused."""
    content, original = block.read_bytes(), values(block)
    for place in range(len(content) // 2, len(content) - 8, 8):
        changed = bytes(byte ^ 0xFF for byte in content[place : place + 8])
        block.write_bytes(content[:place] + changed + content[place + 8 :])
        try:
            if values(block) != original:
                return
        except (OSError, RuntimeError):
            return
    raise AssertionError("no byte matters")


def foreign(block: Path) -> None:
    """Put a file of another program in its place."""
    xr.Dataset({"a": ("b", [1.0, 2.0])}).to_netcdf(block, engine="netcdf4")


@pytest.mark.parametrize("spoil", [truncated, empty, flipped, foreign], ids=lambda spoil: spoil.__name__)
def test_a_broken_block_is_named_with_the_command_that_makes_it_again(copy, monkeypatch, capsys, spoil, study):
    monkeypatch.chdir(copy)
    spoil(block_of(copy))
    assert cli.main(["status", "--full", study]) == 1
    printed = capsys.readouterr().out
    assert "  weight=0.5: broken (" in printed
    assert f"To recompute it: scoreshock run {study} -- --forcerun {JOINED}" in printed


def test_the_command_that_status_tells_makes_a_broken_block_again_and_no_other(copy, finished, study):
    flipped(block_of(copy))
    other = block_of(copy, 0.7).stat().st_mtime_ns
    run = snakemake(copy, JOINED, "--configfile", study, "--forcerun", JOINED)
    assert run.jobs == [JOB]
    for weight in (0.5, 0.7):
        assert values(block_of(copy, weight)) == values(block_of(finished.folder, weight))
    assert values(copy / JOINED) == values(finished.folder / JOINED)
    assert block_of(copy, 0.7).stat().st_mtime_ns == other


def test_joining_refuses_a_broken_block_by_name_and_the_command_that_it_tells_repairs_it(copy, finished, edited, study):
    repository = edited("scoreshock/study/work.py", "RUN_BLOCKS = 128", "RUN_BLOCKS = 1")  # joining is a job of its own
    broken = block_of(copy).relative_to(copy)
    flipped(copy / broken)
    (copy / JOINED).unlink()
    given = [JOINED, "--configfile", study]
    run = snakemake(copy, *given, repository=repository, fails=True)
    assert re.search(f"BrokenFile: {broken} is (corrupt|unreadable): ", run.output)
    assert "To recompute a broken file, add to the same command: --forcerun FILE" in run.output
    assert f"BrokenFile: {broken} is " in (copy / "results/logs/speciation@line@joined.log").read_text()
    run = snakemake(copy, *given, "--forcerun", str(broken), repository=repository)
    assert run.jobs == ["speciation of line, 1 of its blocks from weight=0.5 on", "speciation of line: blocks joined"]
    assert values(copy / broken) == values(finished.folder / broken)
    assert values(copy / JOINED) == values(finished.folder / JOINED)
