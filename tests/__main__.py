"""Run each test file in a process of its own, several at a time: ``python -m tests [pytest arguments]``.

A module that only another test file imports is then missed here as it would be in a job. Files and folders among the
arguments choose what runs; without any, all that ``testpaths`` of pyproject.toml name, in that order.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUTCOMES = ("passed", "failed", "skipped")
NO_TESTS = 5
"""Exit code of pytest where no test was selected."""


def files_of(places: list[Path]) -> list[Path]:
    """Test files at or below the places, in their order, each once."""
    found = [file for place in places for file in (sorted(place.rglob("test_*.py")) if place.is_dir() else [place])]
    return list(dict.fromkeys(found))


def all_files() -> list[Path]:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    return files_of([place for pattern in patterns for place in sorted(ROOT.glob(pattern))])


def run(file: Path, options: list[str]) -> tuple[Path, int, str]:
    """The file's exit code and what pytest printed."""
    command = [sys.executable, "-m", "pytest", str(file), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return file, done.returncode, done.stdout


def counts(output: str) -> Counter[str]:
    """Outcomes in pytest's last line; what could not be collected or set up counts as failed."""
    last = output.rstrip().splitlines()[-1:] or [""]
    found: Counter[str] = Counter()
    for number, name in re.findall(r"(\d+) (passed|failed|skipped|error)", last[0]):
        found[name.replace("error", "failed")] += int(number)
    return found


def main(arguments: list[str]) -> int:
    chosen = [Path(argument) for argument in arguments if Path(argument).exists()]
    options = [argument for argument in arguments if not Path(argument).exists()]
    total: Counter[str] = Counter()
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:  # tests of clusters and faults wait for much of their time
        jobs = [pool.submit(run, file, options) for file in (files_of(chosen) if chosen else all_files())]
        for job in as_completed(jobs):
            file, code, output = job.result()
            found = counts(output)
            if code not in (0, NO_TESTS):
                found["failed"] = max(found["failed"], 1)  # also a process that died without a last line
                print(output)
            print(f"{os.path.relpath(file)}: {output.rstrip().splitlines()[-1] if output else code}", flush=True)
            total += found
    print(", ".join(f"{total[name]} {name}" for name in OUTCOMES))
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
