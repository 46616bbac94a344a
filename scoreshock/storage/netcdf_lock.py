"""The lock of threads that open, read or join files: the NetCDF library crashes when several are in it at a time."""

from __future__ import annotations

import threading

from xarray.backends.locks import acquire
from xarray.backends.netCDF4_ import NETCDF4_PYTHON_LOCK


class ReentrantLock:
    """xarray's own lock around the library, which a thread that holds it may take again.

    xarray takes its lock to open a file and to read values, and not while it reads a header. Whoever opens a file with
    xarray holds this one meanwhile, and has xarray take it too.
    """

    def __init__(self) -> None:
        self._owner = threading.RLock()
        self._depth = 0

    def acquire(self, blocking: bool = True) -> bool:
        """Take the lock; without ``blocking`` only where that needs no waiting."""
        if not self._owner.acquire(blocking):
            return False
        taken = False
        try:
            taken = self._depth > 0 or acquire(NETCDF4_PYTHON_LOCK, blocking)
        finally:  # of an interrupt, too
            if not taken:
                self._owner.release()
        self._depth += taken
        return taken

    def release(self) -> None:
        """Give the lock back, as often as it was taken."""
        self._depth -= 1
        if self._depth == 0:
            NETCDF4_PYTHON_LOCK.release()
        self._owner.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __reduce__(self) -> str:
        return "NETCDF_LOCK"  # each process has its own


NETCDF_LOCK = ReentrantLock()
