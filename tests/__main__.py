"""Run each test file in a process of its own, several at a time: ``python -m tests [pytest arguments]``.

A module of the package that only another test file imports is then missed here as it would be in a job. Libraries are
imported once, by the process that all others are forked from. Files and folders among the arguments choose what runs; by
default, all that ``testpaths`` of pyproject.toml name, in that order.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

from . import forks

ROOT = Path(__file__).parents[1]
WITHOUT = (
    *("cacheprovider", "debugging", "doctest", "junitxml", "legacypath", "pastebin", "setuponly", "setupplan", "stepwise"),
    *("threadexception", "unraisableexception"),  # which search for garbage at the end
)
"""Plugins of pytest that no test uses, and that take a third of the time in which a file of few tests is run."""
OUTCOMES = ("passed", "failed", "skipped")
NO_TESTS = 5
"""Exit code of pytest where no test was selected."""


def files_of(places: list[Path]) -> list[Path]:
    """Test files at or below the places, in their order, each once."""
    result = [
        file for position in places for file in (sorted(position.rglob("test_*.py")) if position.is_dir() else [position])
    ]
    return list(dict.fromkeys(result))


def all_files() -> list[Path]:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    return files_of([position for pattern in patterns for position in sorted(ROOT.glob(pattern))])


def start(file: Path, options: list[str], output: IO[str]) -> int:
    """Run a file's tests in a fork of this process, and return the fork's number."""
    process = os.fork()
    if not process:
        forks.write_to(output.fileno())
        plugins = ["_hypothesis_pytestplugin", *(f"no:{name}" for name in WITHOUT)]
        forks.leave(pytest.main([str(file), *options, *(f"-p{name}" for name in plugins)]))
    return process


def results(files: list[Path], options: list[str]) -> Iterator[tuple[Path, int, str]]:
    """Each file as its process ends: with its exit code and what pytest printed."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # plugins import more than most files need
    forks.preload()
    forks.NEEDED = "not slow" not in options
    running: dict[int, tuple[Path, IO[str]]] = {}
    waiting = iter(files)
    while True:
        slots = (os.cpu_count() or 1) + 1 - len(running)  # tests of clusters and faults wait for much of their time
        for file in islice(waiting, slots):
            output = TemporaryFile("w+")  # noqa: SIM115 - closed when it has been read
            running[start(file, options, output)] = file, output
        if not running:
            return
        process, status = os.wait()
        file, output = running.pop(process)
        with output:
            output.seek(0)
            yield file, os.waitstatus_to_exitcode(status), output.read()


def counts(output: str) -> Counter[str]:
    """Outcomes in pytest's last line; what could not be collected or set up counts as failed."""
    last = output.rstrip().splitlines()[-1:] or [""]
    result: Counter[str] = Counter()
    for number, name in re.findall(r"(\d+) (passed|failed|skipped|error)", last[0]):
        result[name.replace("error", "failed")] += int(number)
    return result


def main(arguments: list[str]) -> int:
    chosen = [Path(argument) for argument in arguments if Path(argument).exists()]
    options = [argument for argument in arguments if not Path(argument).exists()]
    total: Counter[str] = Counter()
    for file, code, output in results(files_of(chosen) if chosen else all_files(), options):
        result = counts(output)
        if code not in (0, NO_TESTS):
            result["failed"] = max(result["failed"], 1)  # also a process that died without a last line
            print(output)
        print(f"{os.path.relpath(file)}: {output.rstrip().splitlines()[-1] if output else code}", flush=True)
        total += result
    print(", ".join(f"{total[name]} {name}" for name in OUTCOMES))
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
