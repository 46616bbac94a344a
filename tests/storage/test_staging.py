"""A file is written beside its target, and gets its name when it is whole."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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
from concurrent.futures import ThreadPoolExecutor
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


def test_a_folder_takes_the_place_of_the_old_one_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "figures"
    for number in range(2):
        with staging.staged_folder(target) as folder:
            (folder / f"{number}.png").write_text("drawn")
            assert not (target / f"{number}.png").exists()
        assert [path.name for path in target.iterdir()] == [f"{number}.png"]
    with suppress(ZeroDivisionError), staging.staged_folder(target) as folder:
        (folder / "half.png").write_text("drawn")
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["figures", "1.png"]


def test_several_writers_of_one_folder_leave_one_whole_folder_and_nothing_else(tmp_path: Path) -> None:
    def write(number: int) -> None:
        for _ in range(30):
            with staging.staged_folder(tmp_path / "figures") as folder:
                for name in "ab":
                    staging.write_file(str(number), folder / name)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "figures"]
    assert len({(tmp_path / "figures" / name).read_text() for name in "ab"}) == 1


def test_a_folder_of_a_killed_writer_is_removed_by_the_next(tmp_path: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    abandoned = tmp_path / f".figures.{socket.gethostname()}.{gone.stdout.strip()}.00000000.tmp"
    abandoned.mkdir()
    (abandoned / "half.png").write_text("drawn")
    with staging.staged_folder(tmp_path / "figures"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["figures"]
