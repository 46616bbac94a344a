"""A file is written on a node's scratch disk where there is one, and named beside its target when it is whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from scoreshock import staging, store

from .disks import mounted


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("NODES_OWN", str(folder))
    monkeypatch.setenv(staging.SCRATCH, "$NODES_OWN")
    return folder


def small() -> xr.Dataset:
    return xr.Dataset({"tau_star": ("separation", np.linspace(0.0, 1.0, 50))}).chunk(separation=10)


def test_a_file_is_written_on_scratch_and_stands_beside_its_target_empty_until_it_is_whole(
    tmp_path: Path, scratch: Path
) -> None:
    path = tmp_path / "results" / "a.txt"
    with staging.staged(path) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == scratch
        assert [left.stat().st_size for left in path.parent.iterdir()] == [0]
        (beside,) = path.parent.iterdir()
        # The same process and the same token, by which both are known for one writer's.
        assert beside.name.startswith(f".{path.name}.")
        assert beside.name.split(".")[-4:] == temporary.name.split(".")[-4:]
        assert beside.name.split(".")[-4] == str(os.getpid())
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]
    assert list(scratch.iterdir()) == []


def test_files_of_one_name_have_names_of_their_own_on_scratch(tmp_path: Path, scratch: Path) -> None:
    with staging.staged(tmp_path / "one" / "a.nc") as first, staging.staged(tmp_path / "two" / "a.nc") as second:
        assert first.parent == second.parent == scratch
        # A process of another container does not see the owner of either, and must take none but its own for abandoned.
        assert first.name.split(".")[1] != second.name.split(".")[1]
        first.touch()
        second.touch()


@pytest.mark.usefixtures("scratch")
def test_values_are_the_same_by_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write(small(), tmp_path / "by-scratch.nc")
    monkeypatch.delenv(staging.SCRATCH)
    store.write(small(), tmp_path / "beside.nc")
    assert store.inspect(tmp_path / "by-scratch.nc", full=True).state == "ok"
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "by-scratch.nc"), xr.load_dataset(tmp_path / "beside.nc"))


def test_a_failure_leaves_the_old_file_and_nothing_on_either_disk(tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "results" / "a.txt"
    staging.write_text("old", path)

    def write_half() -> None:
        with staging.staged(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]
    assert list(scratch.iterdir()) == []


def test_remains_of_a_killed_writer_are_removed_from_both_disks(tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "results" / "a.txt"
    code = f"""
import os, signal
from pathlib import Path
from scoreshock import staging
with staging.staged(Path({str(path)!r})) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0
    assert len(list(scratch.iterdir())) == len(list(path.parent.iterdir())) == 1
    with staging.staged(path) as temporary:
        temporary.write_text("whole")
    assert list(path.parent.iterdir()) == [path]
    assert list(scratch.iterdir()) == []


def test_a_copy_that_differs_is_refused_and_leaves_nothing(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging.shutil, "copyfile", lambda _, target: Path(target).write_text("other"))
    with pytest.raises(OSError, match=r"a\.nc\..*differs from .*scratch.*, of which it is a copy"):
        store.write(small(), tmp_path / "results" / "a.nc")
    assert list(scratch.iterdir()) == list((tmp_path / "results").iterdir()) == []


def test_small_texts_are_written_beside_their_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(staging.SCRATCH, "/no/such/folder")  # of the nodes; a login node has none
    staging.write_text("whole", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_a_process_that_ends_at_once_removes_what_it_writes_from_both_disks(tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "results" / "a.txt"

    def write_half() -> None:
        with staging.staged(path) as temporary:
            temporary.write_text("half")
            staging.discard_unfinished()
            assert list(scratch.iterdir()) == list(path.parent.iterdir()) == []

    with pytest.raises(FileNotFoundError):
        write_half()


@pytest.mark.parametrize("given", ["", "$A_VARIABLE_OF_NO_QUEUE", "${A_VARIABLE_OF_NO_QUEUE}/mine"])
def test_without_the_queues_variable_a_file_is_written_beside_its_target(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(staging.SCRATCH, given)
    with staging.staged(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
        assert temporary.parent == tmp_path
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_a_scratch_that_is_no_folder_is_named_with_what_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODES_OWN", str(tmp_path / "missing"))
    monkeypatch.setenv(staging.SCRATCH, "$NODES_OWN")
    with pytest.raises(ValueError, match=r"SCORESHOCK_SCRATCH = '\$NODES_OWN': .*missing is no folder on .*; allowed: "):
        store.write(small(), tmp_path / "a.nc")
    assert list(tmp_path.iterdir()) == []


def test_a_scratch_that_is_full_is_named(tmp_path: Path, scratch: Path) -> None:
    with mounted(scratch, "-t", "tmpfs", "-o", "size=1m", "tmpfs", lazy=True):
        noise = xr.Dataset({"tau_star": ("separation", np.random.default_rng(0).normal(size=300_000))})
        with pytest.raises(OSError, match=rf"the disk is full: \d\.\d MiB are free in {scratch}; .*a\.nc was not written"):
            store.write(noise, tmp_path / "results" / "a.nc")
        assert list(scratch.iterdir()) == list((tmp_path / "results").iterdir()) == []
