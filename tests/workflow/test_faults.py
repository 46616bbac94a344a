"""Runs that are cut short, and files that are broken: named, and made again with the same values."""

import json
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

import netCDF4
import psutil
import pytest
import xarray as xr

from scoreshock import cli, open_results, results, store

from ..disks import mounted
from .conftest import Finished, checksums, dry, processes, snakemake, started, values, write

# Blocks of more than an instant, so that one that is hit is mostly not yet whole.
SLOW = {
    "sweeps": {
        "line": {
            "family": "pair",
            "axes": {"separation": {"start": 0.5, "stop": 8.0, "num": 40000}, "weight": [0.5, 0.7]},
            "split": ["weight"],
            "quantities": ["speciation"],
        }
    }
}
# Two blocks of an instant, for what needs no time to be hit.
QUICK = {
    "sweeps": {
        "line": SLOW["sweeps"]["line"] | {"axes": {"separation": [1.0, 2.0, 4.0], "weight": [0.5, 0.7]}},
    }
}
MERGED = "results/line/speciation.nc"
BLOCK = "results/line/blocks/weight=0.5/speciation.nc"
PATIENCE = 300


def until(condition):
    """Wait for a condition, and return what it found."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


# Holds each job of a run, where it has written its block and is about to give it its name, while there is a file ``hold``.
HOLD = f"""
import os
import sys
import time

END = time.monotonic() + {PATIENCE}  # should the tests be killed


def wait(event, arguments):
    if event == "os.rename" and "/blocks/" in os.fsdecode(arguments[1]):
        while os.path.exists(os.path.join(os.path.dirname(__file__), "hold")) and time.monotonic() < END:
            time.sleep(0.01)


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
        """Processes of the blocks that are being computed."""
        return [process for process in processes(self.process.pid, self.folder) if self._is_block(process)]

    @staticmethod
    def _is_block(process: psutil.Process) -> bool:
        try:
            return "python" in process.name() and any(part.endswith("block.py") for part in process.cmdline())
        except psutil.NoSuchProcess:
            return False

    def both_jobs(self) -> list[psutil.Process]:
        """Wait for the processes of both blocks."""
        return until(lambda: len(found := self.jobs()) == 2 and found)

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
    """A function that starts a run in the test's folder with flags of Snakemake, of the slow study unless told otherwise."""
    holder = tmp_path / "holder"
    holder.mkdir()
    (holder / "sitecustomize.py").write_text(HOLD)
    (holder / "hold").touch()
    slow = write(tmp_path / "study.yaml", SLOW)
    with ExitStack() as runs:

        def start(*arguments: str, configuration: str = slow) -> Running:
            log = tmp_path / f"terminal-{uuid4().hex}.txt"
            given = (MERGED, "--configfile", configuration, *arguments)
            with log.open("w") as output:
                process = runs.enter_context(started(tmp_path, *given, output=output, first=holder))
            return Running(tmp_path, process, log, holder / "hold")

        yield start


def again(folder: Path) -> dict[str, str]:
    """Run as before, with no other flag, and return the checksums of the joined file."""
    snakemake(folder, MERGED, "--configfile", str(folder / "study.yaml"), "--cores", "2")
    assert not list(folder.rglob("*.tmp.nc"))
    return checksums(folder / MERGED)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    write(folder / "study.yaml", SLOW)
    return again(folder)


def test_jobs_killed_while_they_compute_and_write_are_made_again(tmp_path, running, undisturbed):
    run = running()
    first, second = run.both_jobs()
    first.kill()
    temporary = until(lambda: run.unfinished(second))[0]
    second.kill()
    printed = run.ended()
    assert "Error in rule speciation" in printed
    assert temporary.exists()
    assert not list(tmp_path.glob("results/line/**/speciation.nc"))
    assert again(tmp_path) == undisturbed


def test_after_an_interrupt_the_same_command_finishes(tmp_path, running, undisturbed):
    run = running()
    until(run.unfinished)
    os.killpg(run.process.pid, signal.SIGINT)  # what a terminal does on Ctrl-C
    run.ended()
    assert again(tmp_path) == undisturbed


def test_jobs_whose_snakemake_was_killed_run_on_and_do_no_harm_to_the_next_run(tmp_path, running, undisturbed):
    run = running()
    orphans = run.both_jobs()
    begun = [until(lambda: run.unfinished(orphan))[0] for orphan in orphans]  # noqa: B023 - called at once
    run.process.kill()
    run.ended()
    configuration = str(tmp_path / "study.yaml")
    assert "--unlock" in snakemake(tmp_path, MERGED, "--configfile", configuration, fails=True).output
    snakemake(tmp_path, "--unlock", "--configfile", configuration)
    snakemake(tmp_path, MERGED, "--configfile", configuration)
    assert checksums(tmp_path / MERGED) == undisturbed
    assert all(path.exists() for path in begun)
    run.release()
    until(lambda: not processes(run.process.pid, tmp_path))
    assert not any(path.exists() for path in begun)
    assert again(tmp_path) == undisturbed


def test_jobs_ended_by_a_queue_or_for_want_of_memory_are_tried_again_in_the_same_run(tmp_path, running, undisturbed):
    run = running("--retries", "1")
    first, second = run.both_jobs()
    second.kill()  # what the kernel does to a process for which no memory is left
    begun = until(lambda: run.unfinished(first))
    first.terminate()
    first.wait(PATIENCE)
    assert not any(path.exists() for path in begun)
    printed = run.finished()
    assert printed.count("Error in rule speciation") == 2
    assert again(tmp_path) == undisturbed


def test_a_second_snakemake_in_the_folder_is_refused_and_the_first_is_not_disturbed(tmp_path, running, undisturbed):
    run = running()
    until(run.jobs)
    second = snakemake(tmp_path, MERGED, "--configfile", str(tmp_path / "study.yaml"), fails=True)
    assert "Directory cannot be locked" in second.output
    run.finished()
    assert checksums(tmp_path / MERGED) == undisturbed


def test_two_snakemakes_that_are_forced_into_one_folder_end_in_the_same_values(tmp_path, running, finished, study):
    pair = [running("--cores", "1", "--nolock", configuration=study) for _ in range(2)]
    until(lambda: len(pair[0].unfinished()) == 2)
    pair[0].release()
    for run in pair:
        run.process.wait(PATIENCE)
    snakemake(tmp_path, MERGED, "--configfile", study)
    assert checksums(tmp_path / MERGED) == checksums(finished.folder / MERGED)
    assert not list(tmp_path.rglob("*.tmp.nc"))


def test_a_full_disk_is_called_so_and_after_making_room_the_same_command_finishes(tmp_path, finished, study):
    target = tmp_path / "results"
    target.mkdir()
    with mounted(target, "-t", "tmpfs", "-o", "size=8m", "tmpfs"):
        assert target.stat().st_dev != tmp_path.stat().st_dev  # and so no file can come from another folder by a rename
        whole = tmp_path / BLOCK
        shutil.copytree((finished.folder / BLOCK).parent, whole.parent)
        ballast = target / "ballast"
        with ballast.open("wb") as file:
            file.write(bytes(shutil.disk_usage(target).free - 2**15))
        failed = snakemake(tmp_path, MERGED, "--configfile", study, fails=True)
        assert re.search(r"the disk is full: 0\.\d MiB are free in .*; .*speciation.nc was not written", failed.output)
        assert values(whole) == values(finished.folder / BLOCK)
        assert [path.name for path in target.rglob("*.nc")] == [whole.name]
        ballast.unlink()
        snakemake(tmp_path, MERGED, "--configfile", study)
        assert checksums(tmp_path / MERGED) == checksums(finished.folder / MERGED)


def test_a_read_only_folder_is_refused_and_opens_and_once_writable_the_same_command_finishes(copy, finished, study):
    target = copy / "results"
    (copy / MERGED).unlink()
    with mounted(target, "--bind", str(target)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(target)], check=True)
        failed = snakemake(copy, MERGED, "--configfile", study, fails=True)
        assert "nothing was run" in failed.output
        assert f"output: 'results' cannot be written: Read-only file system: {target}" in failed.output
        assert open_results(target, "line", "speciation").sizes["weight"] == 2
    run = snakemake(copy, MERGED, "--configfile", study)
    assert run.jobs == ["speciation of line: blocks joined"]
    assert checksums(copy / MERGED) == checksums(finished.folder / MERGED)


def test_a_log_folder_that_cannot_be_one_stops_the_run_by_name_and_damages_nothing(copy, finished, study):
    logs = copy / "results/line/logs"
    shutil.rmtree(logs)
    logs.touch()
    (copy / MERGED).unlink()
    failed = snakemake(copy, MERGED, "--configfile", study, fails=True)
    assert "results/line/logs/merge.speciation.log" in failed.output
    assert values(copy / BLOCK) == values(finished.folder / BLOCK)
    logs.unlink()
    snakemake(copy, MERGED, "--configfile", study)
    assert checksums(copy / MERGED) == checksums(finished.folder / MERGED)


def test_after_a_clock_was_set_back_nothing_runs_without_need_and_nothing_stays_stale(copy, finished, study):
    ahead = time.time() + 3 * 86400
    made = sorted((copy / "results").rglob("*"), key=lambda path: path.stat().st_mtime_ns)
    for step, path in enumerate(made):
        os.utime(path, (ahead + step, ahead + step))
    assert dry(copy, MERGED, "--configfile", study) == []
    assert all(path.stat().st_mtime <= time.time() for path in made)
    run = snakemake(copy, BLOCK, "--configfile", study, "--forcerun", BLOCK)
    assert run.jobs == ["speciation of line, block weight=0.5"]
    assert dry(copy, MERGED, "--configfile", study) == ["speciation of line: blocks joined"]
    assert checksums(copy / BLOCK) == checksums(finished.folder / BLOCK)


def test_outputs_of_long_ago_are_not_made_again(copy, study):
    for path in (copy / "results").rglob("*"):
        os.utime(path, (0, 0))
    assert dry(copy, MERGED, "--configfile", study) == []


def test_results_of_another_format_are_made_again_by_a_newer_version_and_refused_by_an_older(copy, finished, edited, study):
    newer = edited("scoreshock/provenance.py", "FORMAT = 1", "FORMAT = 2")
    run = snakemake(copy, MERGED, "--configfile", study, repository=newer)
    assert len(run.jobs) == 3
    for name in (BLOCK, MERGED):
        assert checksums(copy / name) == checksums(finished.folder / name)
        with netCDF4.Dataset(copy / name) as file:
            assert file.scoreshock_format == 2
    before = values(copy / BLOCK)
    with pytest.raises(store.BrokenFile, match="is newer: of format 2, and this scoreshock reads format 1: update"):
        store.open_file(copy / BLOCK)
    failed = snakemake(copy, MERGED, "--configfile", study, fails=True)
    assert "results/line/sweep.json is newer: of format 2" in failed.output
    assert values(copy / BLOCK) == before


POISON = {
    "NaN": '{"blocks": [{"name": "weight=0.5", "values": {"weight": NaN}}]}',
    "another program's": '["a", "b"]',
    "half": '{"blocks": [{"na',
    "nested": "[" * 100_000,
    "outside": '{"blocks": [{"name": "../../../secret", "values": {}}]}',
    "above": '{"blocks": [{"name": "..", "values": {}}]}',
    "absolute": '{"blocks": [{"name": "/etc", "values": {}}]}',
    "binary": "\udcff\udcfe",
}


@pytest.mark.parametrize("text", POISON.values(), ids=POISON)
def test_a_plan_that_scoreshock_did_not_write_is_refused_by_name_and_written_anew(copy, text):
    plan = copy / "results/line/sweep.json"
    sound = plan.read_bytes()
    plan.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(store.BrokenFile, match=r"sweep\.json is not a plan that scoreshock wrote .* writes it anew"):
        open_results(copy / "results", "line", "speciation")
    results.write_plan(plan.parent, {key: value for key, value in json.loads(sound).items() if key != "format"})
    assert plan.read_bytes() == sound


def lost(plan: Path) -> None:
    plan.unlink()


def cut(plan: Path) -> None:
    os.truncate(plan, plan.stat().st_size // 2)


def another_programs(plan: Path) -> None:
    plan.write_text(POISON["another program's"])


@pytest.mark.parametrize("spoil", [lost, cut, another_programs], ids=lambda spoil: spoil.__name__)
def test_a_lost_or_broken_plan_is_written_anew_by_a_run_that_has_nothing_else_to_do(copy, finished, study, spoil):
    plan = copy / "results/line/sweep.json"
    sound = plan.read_bytes()
    spoil(plan)
    assert "Nothing to be done" in snakemake(copy, MERGED, "--configfile", study).output
    assert plan.read_bytes() == sound
    assert values(copy / MERGED) == values(finished.folder / MERGED)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Finished:
    """The quick study, run undisturbed up to the joined file."""
    folder = tmp_path_factory.mktemp("finished")
    configuration = write(folder / "study.yaml", QUICK)
    return Finished(folder, snakemake(folder, MERGED, "--configfile", configuration, "--cores", "2"))


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
    spoil(copy / BLOCK)
    assert cli.main(["status", "--full", "--configfile", study]) == 1
    printed = capsys.readouterr().out
    assert "line speciation: 1 broken, 1 done" in printed
    assert "  weight=0.5: broken (" in printed
    assert f"To make it again: snakemake --cores all --configfile {study} --forcerun {BLOCK}" in printed


def test_joining_refuses_a_broken_block_by_name_and_the_command_that_it_tells_repairs_it(copy, finished, study):
    flipped(copy / BLOCK)
    run = snakemake(copy, MERGED, "--configfile", study, fails=True)
    assert re.search(f"BrokenFile: {BLOCK} is (corrupt|unreadable): ", run.output)
    assert "To make a broken file again, add to the same command: --forcerun FILE" in run.output
    assert f"BrokenFile: {BLOCK} is " in (copy / "results/line/logs/merge.speciation.log").read_text()
    run = snakemake(copy, MERGED, "--configfile", study, "--forcerun", BLOCK)
    assert run.jobs == ["speciation of line, block weight=0.5", "speciation of line: blocks joined"]
    for name in (BLOCK, MERGED):
        assert values(copy / name) == values(finished.folder / name)


def test_a_deleted_block_is_made_again_when_asked_for(copy, finished, study):
    shutil.rmtree((copy / BLOCK).parent)
    run = snakemake(copy, BLOCK, "--configfile", study)
    assert run.jobs == ["speciation of line, block weight=0.5"]
    assert checksums(copy / BLOCK) == checksums(finished.folder / BLOCK)
