"""The CF checker, at its strictest."""

from __future__ import annotations

from functools import cache
from pathlib import Path


def check(path: Path, folder: Path) -> None:
    """Assert that the file at ``path`` passes; the checker's report goes to ``folder``."""
    report = folder / f"{path.stem}.txt"
    _checker().run_checker(str(path), ["cf:1.11"], 0, "strict", output_filename=str(report), output_format="text")
    assert "All tests passed!" in report.read_text(), report.read_text()


@cache
def _checker():
    from compliance_checker import runner

    runner.CheckSuite.load_all_available_checkers()
    return runner.ComplianceChecker
