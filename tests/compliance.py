"""The CF checker, at its strictest."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Any

REPEATED = (
    *("get_auxiliary_coordinate_variables", "get_axis_variables", "get_climatology_variable"),
    *("get_coordinate_variables", "get_time_variable", "get_time_variables"),
)
"""Functions of an open file that the checker calls for each of its variables, always with the same result."""


def check(path: Path, folder: Path) -> None:
    """Assert that the file at ``path`` passes; the checker's report goes to ``folder``."""
    report = folder / f"{path.stem}.txt"
    _checker().run_checker(str(path), ["cf:1.11"], 0, "strict", output_filename=str(report), output_format="text")
    assert "All tests passed!" in report.read_text(), report.read_text()


@cache
def _checker() -> Any:
    from compliance_checker import runner
    from compliance_checker.cf import util

    for name in REPEATED:
        setattr(util, name, _once(getattr(util, name)))
    runner.CheckSuite.load_all_available_checkers()
    return runner.ComplianceChecker


def _once(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function, which remembers its result for the last file and returns copies of it."""
    remembered = lru_cache(1)(function)
    return wraps(function)(lambda dataset: copy(remembered(dataset)))
