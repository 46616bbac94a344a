"""Rows of samples (N, d) that are read slice by slice, in their own type: arrays, files, temporary files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from copy import copy
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_array, show

CHUNK = 2**21
"""Numbers of a slice (16 MiB as floats): what is derived from the rows is never held for more of them at once."""

IN_MEMORY = 2**25
"""Bytes from which collected rows are written to a temporary file."""

Convert = Callable[[np.ndarray], np.ndarray]


class Stored:
    """An array of a file, of which a slice of rows is read at a time; nothing of it stays in memory.

    Parameters
    ----------
    file
        Path, or an open file (a temporary one lives as long as this object).
    dtype, shape, offset, order
        As the array is stored.
    convert
        From what is stored to numbers, where NumPy has no such type.
    """

    def __init__(
        self,
        file: Any,
        dtype: Any,
        shape: tuple[int, ...],
        offset: int = 0,
        order: str = "C",
        convert: Convert | None = None,
    ) -> None:
        self._memory: Any = (file, np.dtype(dtype), "r", offset, shape, order)
        self._convert = convert
        self.shape = shape
        self.dtype = np.dtype(dtype) if convert is None else convert(np.empty(0, dtype)).dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: Any) -> np.ndarray:
        # Mapped for each slice alone: pages of the file count as memory of the process as long as they are mapped.
        mapped: np.ndarray = np.memmap(*self._memory)
        rows = np.array(mapped[part], order="C")
        rows = rows if self._convert is None else self._convert(rows)
        return rows.reshape(*rows.shape[: rows.ndim - len(self._memory[4]) + 1], *self.shape[1:])

    def flat(self) -> Stored:
        """The same with the numbers of each sample in one row, (N, d)."""
        rows = copy(self)
        rows.shape = (self.shape[0], int(np.prod(self.shape[1:])))
        return rows


class Lazy:
    """Rows of an array of Dask, Zarr or h5py, a slice at a time."""

    def __init__(self, array: Any) -> None:
        self._array, self._lock = array, threading.Lock()
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, len(array.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: Any) -> np.ndarray:
        with self._lock:
            return np.asarray(self._array[part])


Rows = np.ndarray | Stored | Lazy


class Spool:
    """Rows that are collected in pieces: in memory while they are few, else in a temporary file."""

    def __init__(self) -> None:
        self._pieces: list[np.ndarray] = []
        self._held = self._count = 0
        self._file: IO[bytes] | None = None

    def append(self, rows: np.ndarray) -> None:
        """Add rows (n, d) of the shape and type of the first."""
        self._pieces.append(rows)
        self._held += rows.nbytes
        self._count += len(rows)
        if self._held > IN_MEMORY:
            self._file = self._file or TemporaryFile()  # noqa: SIM115 - of the result, which outlives this method
            for piece in self._pieces:
                self._file.write(np.ascontiguousarray(piece).data)
            self._pieces, self._held = [rows[:0]], 0

    def rows(self) -> np.ndarray | Stored:
        """All of them."""
        if self._file is None:
            return np.concatenate(self._pieces)
        for piece in self._pieces:
            self._file.write(np.ascontiguousarray(piece).data)
        self._file.flush()
        return Stored(self._file, self._pieces[0].dtype, (self._count, *self._pieces[0].shape[1:]))


def as_rows(name: str, value: Any) -> Rows:
    """``value`` as rows of real numbers (N, d), without a copy of them in another type.

    Raises
    ------
    ValueError
        If it is no table of numbers; the message contains ``name``.
    """
    if isinstance(value, xr.DataArray) and value.chunks is not None:
        value = value.data
    is_sliced = hasattr(value, "chunks") and isinstance(getattr(value, "dtype", None), np.dtype)
    rows: Rows
    if isinstance(value, Stored):
        rows = value.flat() if value.ndim > 2 else value
    else:
        rows = Lazy(value) if is_sliced and not isinstance(value, xr.DataArray) else as_array(name, value)
    if rows.dtype.kind not in "iuf":
        what = f"{name} of type {rows.dtype}" if isinstance(value, Stored) else f"{name} = {show(value)}"
        raise ValueError(f"{what} is not numeric; allowed: finite numbers")
    if rows.ndim != 2:
        hint = " (flatten each sample: x.reshape(len(x), -1))" if rows.ndim > 2 else ""
        raise ValueError(f"{name} has shape {rows.shape}; allowed: (samples, features){hint}")
    if 0 in rows.shape:
        raise ValueError(f"{name} is empty; allowed: at least one number")
    return rows


def parts(x: Rows) -> Iterator[slice]:
    """Slices of rows that cover ``x``, each of about `CHUNK` numbers."""
    size = max(1, CHUNK // x.shape[1])
    for start in range(0, len(x), size):
        yield slice(start, start + size)


def bounds(name: str, x: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest number of each feature, (d,) and (d,).

    Raises
    ------
    ValueError
        At the first number that is not finite.

    Examples
    --------
    >>> bounds("x", np.array([[1, 5], [3, 4]], dtype="uint8"))
    (array([1., 4.]), array([3., 5.]))
    """
    low, high = np.full(x.shape[1], np.inf), np.full(x.shape[1], -np.inf)
    for part in parts(x):
        rows = x[part]
        np.minimum(low, rows.min(axis=0), out=low)
        np.maximum(high, rows.max(axis=0), out=high)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            row, column = (int(i) for i in np.argwhere(~np.isfinite(rows))[0])
            where = f"the value {rows[row, column]} at {[part.start + row, column]}"
            remedy = " (of a file, missing: drop leaves such rows out)" if np.isnan(rows[row, column]) else ""
            raise ValueError(f"{name} has {where}; allowed: finite numbers{remedy}")
    return low, high


def deviations(x: Rows) -> np.ndarray:
    """Standard deviation of each feature (d,), divided by N, from the sums of ``x - x[0]``."""
    n, first = len(x), x[0]
    total = squares = np.zeros((0, x.shape[1]))
    # Sums are continued from slice to slice, row by row: they do not depend on the size of a slice.
    for part in parts(x):
        total = np.concatenate([total, np.subtract(x[part], first, dtype=float)]).sum(axis=0, keepdims=True)
    mean = total / n
    for part in parts(x):
        shifted = np.subtract(x[part], first, dtype=float) - mean
        squares = np.concatenate([squares, shifted * shifted]).sum(axis=0, keepdims=True)
    return np.sqrt(squares[0] / n)
