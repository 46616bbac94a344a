"""A file is written beside its target, and gets its name when it is whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scoreshock.storage import staging


def test_a_file_is_written_beside_its_target_under_a_name_that_tells_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "results" / "a.txt"
    with staging.staged(path) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == path.parent
        assert temporary.name.startswith(f".{path.name}.")
        assert temporary.name.split(".")[-4] == str(os.getpid())
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "results" / "a.txt"
    staging.write_file("old", path)

    def write_half() -> None:
        with staging.staged(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_remains_of_a_killed_writer_are_removed_and_those_of_other_hosts_and_files_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    code = f"""
import os, signal
from pathlib import Path
from scoreshock.storage import staging
with staging.staged(Path({str(path)!r})) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0
    (left,) = tmp_path.iterdir()
    owner = left.name.split(".")[-4]
    others = {tmp_path / f".a.txt.another-host.{owner}.0.tmp.nc", tmp_path / left.name.replace("a.txt", "b.txt")}
    for other in others:
        other.touch()
    staging.write_file("whole", path)
    assert set(tmp_path.iterdir()) == {path, *others}


def test_a_process_that_ends_at_once_removes_its_unfinished_file(tmp_path: Path) -> None:
    path = tmp_path / "results" / "a.txt"

    def write_half() -> None:
        with staging.staged(path) as temporary:
            temporary.write_text("half")
            staging.discard_unfinished()
            assert list(path.parent.iterdir()) == []

    with pytest.raises(FileNotFoundError):
        write_half()
