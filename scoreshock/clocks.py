"""Times of files after a clock was set back, or from a node whose clock is ahead of the others.

Snakemake goes by times: it refuses what is made of a file of the future, and until that time has come it takes what was made
before for newer than what it makes now.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

STEP = 1000
"""Nanoseconds between files that are brought to the present."""


def bring_to_present(paths: Iterable[str | Path]) -> None:
    """Give files and folders of a later time than now a time just before now; which is newer than which stays.

    Parameters
    ----------
    paths : paths
        Those that are missing, or may not be changed, are left to Snakemake.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "block.nc"
    >>> file.touch()
    >>> os.utime(file, (4e9, 4e9))
    >>> bring_to_present([file])
    >>> file.stat().st_mtime <= time.time()
    True
    """
    ahead: dict[int, list[str | Path]] = {}
    for path in paths:
        with suppress(OSError):
            if (modified := os.stat(path).st_mtime_ns) > time.time_ns():
                ahead.setdefault(modified, []).append(path)
    now = time.time_ns()
    for rank, modified in enumerate(sorted(ahead, reverse=True)):
        present = now - STEP * rank
        for path in ahead[modified]:
            with suppress(OSError):
                os.utime(path, ns=(present, present))


def within(folder: str | Path) -> Iterator[str]:
    """All files and folders below ``folder``, one by one; nothing where there is none."""
    for place, folders, files in os.walk(folder):
        yield from (os.path.join(place, name) for name in (*folders, *files))
