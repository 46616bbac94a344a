"""Lock for all calls of the NetCDF library, which is not thread-safe."""

from __future__ import annotations

import threading

from xarray.backends.locks import acquire
from xarray.backends.netCDF4_ import NETCDF4_PYTHON_LOCK


class ReentrantLock:
    """xarray's lock around the library, made reentrant.

    xarray acquires its lock to open a file and to read values, but not while it reads a header. Therefore this lock is held
    while xarray opens a file, and passed to xarray.
    """

    def __init__(self) -> None:
        self._owner = threading.RLock()
        self._depth = 0

    def acquire(self, blocking: bool = True) -> bool:
        """Acquire the lock; without ``blocking`` only if it is free."""
        if not self._owner.acquire(blocking):
            return False
        taken = False
        try:
            taken = self._depth > 0 or acquire(NETCDF4_PYTHON_LOCK, blocking)
        finally:  # also after an interrupt
            if not taken:
                self._owner.release()
        self._depth += taken
        return taken

    def release(self) -> None:
        """Release the lock, once for each acquisition."""
        self._depth -= 1
        if self._depth == 0:
            NETCDF4_PYTHON_LOCK.release()
        self._owner.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __reduce__(self) -> str:
        return "NETCDF_LOCK"  # unpickling returns the lock of the process


NETCDF_LOCK = ReentrantLock()
