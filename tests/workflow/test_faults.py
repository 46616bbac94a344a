"""Runs that are cut short, and files that are broken: named, and made again with the same values."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
import xarray as xr

from scoreshock import cli

from .conftest import MINIATURE, checksums, command, environment, snakemake, values, write

# Each of the two blocks takes seconds, so that there is time to hit it.
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
MERGED = "results/line/speciation.nc"
BLOCK = "results/line/blocks/weight=0.5/speciation.nc"
PATIENCE = 120


def until(condition):
    """Wait for a condition, and return what it found."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


class Running:
    """A run of the slow study up to the joined file, whose processes can be hit."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.log = folder / "terminal.txt"
        configuration = write(folder / "study.yaml", SLOW)
        self.process = subprocess.Popen(
            command(folder, MERGED, "--configfile", configuration, "--cores", "2"),
            cwd=folder,
            env=environment(),
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def jobs(self) -> list[psutil.Process]:
        """Processes of the blocks that are being computed."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if self._is_block(child)]

    @staticmethod
    def _is_block(process: psutil.Process) -> bool:
        try:
            return "python" in process.name() and any(part.endswith("block.py") for part in process.cmdline())
        except psutil.NoSuchProcess:
            return False

    def unfinished(self) -> list[Path]:
        """Files that are being written; their names hold their writer's process."""
        return [path for path in self.folder.glob("results/line/blocks/*/.*.tmp.nc") if path.stat().st_size]

    def ended(self) -> str:
        """Wait for the end of a run that must fail, and return what it printed."""
        assert self.process.wait(PATIENCE) != 0
        return self.log.read_text()


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


def test_jobs_killed_while_they_compute_and_write_are_made_again(tmp_path, undisturbed):
    run = Running(tmp_path)
    first, second = until(lambda: run.jobs()[1:] and run.jobs())
    first.kill()
    temporary = until(lambda: [path for path in run.unfinished() if f".{second.pid}." in path.name])[0]
    second.kill()
    printed = run.ended()
    assert "Error in rule speciation" in printed
    assert temporary.exists()
    assert not list(tmp_path.glob("results/line/**/speciation.nc"))
    assert again(tmp_path) == undisturbed


def test_after_an_interrupt_the_same_command_finishes(tmp_path, undisturbed):
    run = Running(tmp_path)
    until(run.unfinished)
    os.killpg(run.process.pid, signal.SIGINT)  # what a terminal does on Ctrl-C
    run.ended()
    assert again(tmp_path) == undisturbed


def test_after_snakemake_itself_was_killed_unlocking_and_the_same_command_finish(tmp_path, undisturbed):
    run = Running(tmp_path)
    until(run.unfinished)
    finishing, *others = run.jobs()
    run.process.kill()
    run.ended()
    for orphan in others:
        orphan.kill()
    for orphan in (finishing, *others):
        orphan.wait(PATIENCE)
    configuration = str(tmp_path / "study.yaml")
    assert "--unlock" in snakemake(tmp_path, MERGED, "--configfile", configuration, fails=True).output
    snakemake(tmp_path, "--unlock", "--configfile", configuration)
    assert again(tmp_path) == undisturbed


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
def test_a_broken_block_is_named_with_the_command_that_makes_it_again(copy, monkeypatch, capsys, spoil):
    monkeypatch.chdir(copy)
    spoil(copy / BLOCK)
    assert cli.main(["status", "--full", "--configfile", str(MINIATURE)]) == 1
    printed = capsys.readouterr().out
    assert "line speciation: 1 broken, 1 done" in printed
    assert "  weight=0.5: broken (" in printed
    assert f"To make it again: snakemake --cores all --configfile {MINIATURE} --forcerun {BLOCK}" in printed


def test_joining_refuses_a_broken_block_by_name_and_the_command_that_it_tells_repairs_it(copy, finished):
    flipped(copy / BLOCK)
    run = snakemake(copy, MERGED, "--configfile", str(MINIATURE), fails=True)
    assert re.search(f"BrokenFile: {BLOCK} is (corrupt|unreadable): ", run.output)
    assert "snakemake --cores all --forcerun" in run.output
    assert f"BrokenFile: {BLOCK} is " in (copy / "results/line/logs/merge.speciation.log").read_text()
    run = snakemake(copy, MERGED, "--configfile", str(MINIATURE), "--forcerun", BLOCK)
    assert run.jobs == ["speciation of line, block weight=0.5", "speciation of line: blocks joined"]
    for name in (BLOCK, MERGED):
        assert values(copy / name) == values(finished.folder / name)


def test_a_deleted_block_is_made_again_when_asked_for(copy, finished):
    shutil.rmtree((copy / BLOCK).parent)
    run = snakemake(copy, BLOCK, "--configfile", str(MINIATURE))
    assert run.jobs == ["speciation of line, block weight=0.5"]
    assert checksums(copy / BLOCK) == checksums(finished.folder / BLOCK)
