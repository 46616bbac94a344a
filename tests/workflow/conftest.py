"""The workflow as a user runs it: snakemake in a folder of its own, on a miniature study."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import psutil
import pytest
import xarray as xr
import yaml

from scoreshock import open_results
from scoreshock.storage import store

from .. import forks

ROOT = Path(__file__).parents[2]
MINIATURE = Path(__file__).parent / "miniature.yaml"
SOURCES = ("Snakefile", "workflow", "profiles", "config", "scoreshock", "environment.yml")
TIMEOUT = 1200  # for a run that hangs: a busy machine is to be waited for


@dataclass(frozen=True)
class Run:
    """One call of snakemake: its exit code and all that it printed."""

    code: int
    output: str

    @property
    def jobs(self) -> list[str]:
        """What its jobs, or in a dry run those that would run, call themselves."""
        names = re.findall(r"^Job \d+: (.*)$", self.output, re.MULTILINE)
        return sorted(name for name in names if name != "the study is complete")


def command(folder: Path, *arguments: str, repository: Path = ROOT) -> list[str]:
    given = ["-s", str(repository / "Snakefile"), "-d", str(folder), *arguments]
    return [sys.executable, "-m", "snakemake", *([] if "--cores" in given else ["--cores", "2"]), *given]


def environment(repository: Path = ROOT, first: Path | None = None) -> dict[str, str]:
    """Variables of a process that looks for modules in ``first``, where there is such a folder, then in the repository."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, filter(None, (first, repository))))}


@contextmanager
def started(folder: Path, *arguments: str, output: Any, first: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """A run of the workflow in ``folder``, of which no process is left after the body."""
    with subprocess.Popen(
        command(folder, *arguments),
        cwd=folder,
        env=environment(first=first),
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            end(process.pid, folder)


def end(group: int, folder: Path) -> None:
    """Kill the processes of a group that work in ``folder``, until none is left."""
    while left := processes(group, folder):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.01)


def processes(group: int, folder: Path) -> list[psutil.Process]:
    """Processes of a group that work in ``folder``; another group may have the same number by now."""
    members = []
    for number in psutil.pids():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(number) == group and Path(psutil.Process(number).cwd()) == folder.resolve():
                members.append(psutil.Process(number))
    return members


def snakemake(folder: Path, *arguments: str, repository: Path = ROOT, first: Path | None = None, fails: bool = False) -> Run:
    """Run the workflow in ``folder``, and insist on its success, or on its failure.

    Jobs run in forks, but for those of a cluster and those that take modules from ``first``.
    """
    folder.mkdir(exist_ok=True)
    words = command(folder, *arguments, repository=repository)[3:]
    fork_jobs = first is None and "--workflow-profile" not in arguments
    variables = environment(repository, first)
    ended = forks.server().run("snakemake", *words, cwd=folder, env=variables, limit=TIMEOUT, fork_jobs=fork_jobs)
    end(ended.process, folder)
    assert (ended.code != 0) == fails, ended.output
    return Run(ended.code, ended.output)


def dry(folder: Path, *arguments: str, repository: Path = ROOT) -> list[str]:
    """What a run in ``folder`` would do, without doing it."""
    return snakemake(folder, "--dry-run", *arguments, repository=repository).jobs


def values(path: Path) -> dict[str, tuple[tuple[int, ...], bytes]]:
    """Shape and bytes of every variable of a file."""
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        return {name: (v.shape, np.ascontiguousarray(v[...]).tobytes()) for name, v in file.variables.items()}


def checksums(path: Path) -> dict[str, str]:
    """The checksums of a file's variables."""
    return store.checksums(store.inspect(path).attributes[store.CHECKSUMS])


def miniature() -> dict:
    return yaml.safe_load(MINIATURE.read_text())


def write(path: Path, study: object) -> str:
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return str(path)


@dataclass(frozen=True)
class Finished:
    """A folder in which a study has run, its file, and what that run printed."""

    folder: Path
    study: str
    run: Run

    def file(self, name: str) -> Path:
        return self.folder / "results" / name

    def open(self, quantity: str) -> xr.Dataset:
        """A quantity of the sweep ``line``."""
        return open_results(self.file(""), "line", quantity)


def finish(folder: Path, study: object, *targets: str, repository: Path = ROOT) -> Finished:
    """Run a study in ``folder`` on two cores: everything, or these targets."""
    path = write(folder / "study.yaml", study)
    run = snakemake(folder, *targets, "--configfile", path, "--cores", "2", repository=repository)
    return Finished(folder, path, run)


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """A copy of the folder that the file's fixture ``finished`` has, which may be spoilt."""
    return Path(shutil.copytree(finished.folder, tmp_path / "copy"))


@pytest.fixture
def edited(tmp_path) -> Callable[[str, str, str], Path]:
    """A function that edits a file in a copy of the repository, and returns the copy."""
    repository = tmp_path / "repository"

    def edit(file: str, old: str, new: str) -> Path:
        if not repository.exists():
            copy_sources(repository)
        replace(repository / file, old, new)
        return repository

    return edit


def replace(file: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text in a file, which must have it."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def copy_sources(repository: Path, names: Sequence[str] = SOURCES) -> None:
    repository.mkdir()
    for name in names:
        source, target = ROOT / name, repository / name
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
