"""Disks for tests: small, or read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, *arguments: str, lazy: bool = False) -> Iterator[None]:
    """Mount something at ``folder``, with the arguments of ``mount``; it takes root to do so.

    With ``lazy`` files may still be open at the end: the NetCDF library keeps those open that it could not finish.
    """
    result = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, text=True, check=False)
    if result.returncode:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"needs root, to mount a disk: {result.stderr}")
    try:
        yield
    finally:
        subprocess.run(["umount", *(["--lazy"] if lazy else []), str(folder)], check=True)
