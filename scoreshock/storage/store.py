"""Atomic writing, verification and reading of NetCDF files.

A file is written under a temporary name, read back chunk by chunk, sealed with a marker and then renamed. One attribute
lists the checksums of the stored values of all variables, and the marker is a digest of the header, including these
checksums. So the header alone shows whether a file is complete, and reading all values detects any change. Values are also
verified when they are loaded: small variables, stored contiguously, by their checksum; larger ones, stored in chunks, by the
Fletcher checksums of the chunks.

No variable has a ``_FillValue``, so unwritten cells hold netCDF's default fill (9.97e36 for floats, the lowest numbers for
integers, -127 for flags), which is never a result; NaN is a result with a status.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import dask
import dask.threaded
import netCDF4
import numpy as np
import xarray as xr
from xarray.backends import BackendEntrypoint, NetCDF4DataStore
from xarray.backends.netCDF4_ import NetCDF4ArrayWrapper
from xarray.backends.store import StoreBackendEntrypoint
from xarray.core.indexing import LazilyIndexedArray

from scoreshock.storage import provenance, staging
from scoreshock.storage.encoding import CHECKSUMS, FORMAT_NAME, MARKER, as_stored, described, is_lazy, laid_out
from scoreshock.storage.netcdf_lock import NETCDF_LOCK
from scoreshock.storage.provenance import FORMAT
from scoreshock.storage.staging import BrokenFile

CACHE_BYTES = 2**22  # netCDF's default of 64 MiB for each variable would be most of the memory of a job

_WRITING = threading.RLock()  # one file at a time in a process

State = Literal["ok", "missing", "unreadable", "incomplete", "corrupt", "outdated", "newer"]


@dataclass(frozen=True)
class Inspection:
    """State of a file, the reason if it is not ``ok``, and its global attributes if they can be read."""

    state: State
    reason: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


def write(dataset: xr.Dataset, path: str | Path, attributes: Mapping[str, Any] | None = None) -> None:
    """Write ``dataset`` as NetCDF atomically.

    Dask's threaded scheduler computes and writes a chunked dataset chunk by chunk, so the chunks bound the memory. The file
    is then read back, sealed and renamed; calls from several threads are serialised. Axes and the variables that
    `scoreshock.conventions` shares are described from there; attributes of the dataset's variables override them.

    Parameters
    ----------
    dataset : Dataset
        Eager or chunked, of floats, integers, booleans (stored as int8) and text (stored as characters).
    path : path
        File to write; its folder is created if missing.
    attributes : mapping, optional
        Global attributes, text and numbers, which precede those of the dataset and override them.

    Raises
    ------
    TypeError
        For an attribute that NetCDF cannot store, such as a bool, None or mapping.
    ValueError
        For a variable that has no ``long_name`` and is not in the vocabulary.
    OSError, RuntimeError
        If the file cannot be written or read back; an existing file at ``path`` is then unchanged.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write(xr.Dataset({"tau": ("separation", [0.5, 2.0])}, {"separation": [1.0, 2.0]}), folder / "a.nc")
    >>> inspect(folder / "a.nc", full=True).state
    'ok'
    >>> open_file(folder / "a.nc").tau.attrs["long_name"]
    'diffusion time tau'
    """
    stored = described(dataset, attributes or {})
    with staged(Path(path)) as temporary:
        with laid_out(stored, temporary) as file, dask.config.set(scheduler=patient_threads):
            if lazy := {str(name): variable.data for name, variable in stored.variables.items() if is_lazy(variable)}:
                import dask.array as da  # slow import

                da.store(list(lazy.values()), [file[name] for name in lazy], lock=NETCDF_LOCK)  # type: ignore[arg-type]
        seal(temporary, {str(name): variable.shape for name, variable in stored.variables.items()})


def patient_threads(graph: Any, keys: Any, **options: Any) -> Any:
    """Dask's threaded scheduler, which here waits for running chunks after one has failed.

    Otherwise a late chunk could recreate the file after its removal.
    """
    with ThreadPoolExecutor(provenance.dask_threads()) as pool:
        return dask.threaded.get(graph, keys, pool=pool, **options)


def inspect(path: str | Path, full: bool = False) -> Inspection:
    """Inspect the header of a file, with ``full`` also its values.

    Parameters
    ----------
    path : path
        File, which is opened read-only.
    full : bool
        Whether to verify the checksums of all values.

    Returns
    -------
    Inspection
        ``missing``; ``unreadable`` (empty, truncated, not NetCDF); ``incomplete`` (NetCDF without the marker: never
        finished, or of another program); ``corrupt`` (header or values changed after writing); ``outdated`` or ``newer``
        (intact, but in the format of another version); ``ok``.
    """
    with NETCDF_LOCK:
        file, inspection = _opened(Path(path), full)
        if file is not None:
            file.close()
    return inspection


def open_file(path: str | Path, chunks: Any = "stored") -> xr.Dataset:
    """Open an intact file lazily and read-only, with flags as int8 and text as str.

    Parameters
    ----------
    path : path
        A file of this package.
    chunks : mapping, optional
        As in `xarray.open_dataset`; by default the stored chunks, None for no Dask.

    Raises
    ------
    BrokenFile
        If the file is damaged, also when values are loaded later; the message contains its name and the reason.
    """
    check(path)
    with NETCDF_LOCK, _small_cache():
        sizes = {} if isinstance(chunks, str) else chunks
        dataset = xr.open_dataset(path, engine=_Backend, chunks=sizes, decode_times=False, decode_timedelta=False)
    del dataset.attrs[CHECKSUMS]
    return dataset


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Convert errors of the NetCDF library in the body to `BrokenFile` with the name of the file."""
    try:
        yield
    except (OSError, RuntimeError, IndexError) as error:
        if isinstance(error, BrokenFile):
            raise
        raise BrokenFile(
            f"{path} cannot be read; it was changed, truncated or removed since it was opened ({error})"
        ) from error


class _Backend(BackendEntrypoint):
    """xarray backend for NetCDF that verifies loaded values."""

    def open_dataset(self, filename_or_obj: Any, *, drop_variables: Any = None, **options: Any) -> xr.Dataset:  # type: ignore[override]
        opened = _Opened.open(filename_or_obj, lock=NETCDF_LOCK)
        try:
            dataset = StoreBackendEntrypoint().open_dataset(opened, drop_variables=drop_variables, **options)
            for name in dataset.coords.keys() & dataset.sizes.keys():
                dataset.variables[name].load()  # xarray needs them for its indexes, where it would not close the file
        except BaseException:  # HDF5 would show the content of an open file for any that comes to its path
            opened.close()
            raise
        return dataset


class _Opened(NetCDF4DataStore):
    """An open file whose variables are `_Checked`."""

    def open_store_variable(self, name: str, var: netCDF4.Variable) -> xr.Variable:
        variable = super().open_store_variable(name, var)
        return variable._replace(data=LazilyIndexedArray(_Checked(name, self)))


class _Checked(NetCDF4ArrayWrapper):
    """The values of a variable, read by `read`."""

    def _getitem(self, key: Any) -> np.ndarray:
        with self.datastore.lock, reading(self.datastore._filename):
            return np.asarray(read(self.get_array(needs_lock=False), key))


def read(variable: netCDF4.Variable, key: Any = ...) -> np.ndarray:
    """Read stored values of a variable of an open, intact file, at a slice or index for each dimension.

    Raises
    ------
    BrokenFile
        If the values changed since they were written. Errors of the NetCDF library are passed on; see `reading`.
    """
    file = variable.group()
    if variable.chunking() != "contiguous":
        values = variable[key]
        _refuse_unwritten(variable, values)
        return values
    values = np.asarray(variable[...])
    if _digest([values]) != checksums(file.getncattr(CHECKSUMS))[variable.name]:
        raise BrokenFile(f"{file.filepath()} is corrupt: {variable.name}: values differ from their checksum")
    for axis in reversed(range(0 if key is ... else variable.ndim)):  # orthogonal indexing, as in netCDF4
        values = values[(slice(None),) * axis + (key[axis],)]
    return values


def check(path: str | Path, full: bool = False) -> Inspection:
    """Inspect the file at ``path``; raise `BrokenFile` unless it is intact."""
    with opened(Path(path), full) as (_, inspection):
        return inspection


@contextmanager
def opened(path: Path, full: bool = False) -> Iterator[tuple[netCDF4.Dataset, Inspection]]:
    """Open an intact file as `open_raw` does; yield it with its inspection, or raise `BrokenFile`."""
    with NETCDF_LOCK:
        file, inspection = open_whole(path, full)
        with file:
            yield file, inspection


def open_whole(path: Path, full: bool = False) -> tuple[netCDF4.Dataset, Inspection]:
    """Open an intact file; return it with its inspection, or raise `BrokenFile`."""
    with NETCDF_LOCK:
        file, inspection = _opened(path, full)
        if file is not None and inspection.state == "ok":
            return file, inspection
        if file is not None:
            file.close()
    raise BrokenFile(f"{path} is {inspection.state}: {inspection.reason}")


def _opened(path: Path, full: bool) -> tuple[netCDF4.Dataset | None, Inspection]:
    """The open file at ``path``, None if it cannot be opened, and its inspection."""
    if not path.exists():
        return None, Inspection("missing", "no such file")
    if path.is_file() and path.stat().st_size == 0:
        return None, Inspection("unreadable", "the file is empty")
    try:
        file = open_raw(path)
    except (OSError, RuntimeError, ValueError, UnicodeError) as error:
        return None, Inspection("unreadable", f"not a NetCDF file, or truncated ({error})")
    return file, _inspect_open(file, full)


def open_raw(path: Path, mode: Literal["r", "a"] = "r") -> netCDF4.Dataset:
    """Open with netCDF4, by default read-only, without conversion of stored values."""
    with _small_cache():
        file = netCDF4.Dataset(path, mode)
    return as_stored(file)


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """`staging.staged` for a NetCDF file: one at a time in a process, with a small cache."""
    with _WRITING, staging.staged(path) as temporary, _small_cache():
        yield temporary


def seal(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Read back the complete file at ``path``, then add checksums and marker.

    Raises
    ------
    BrokenFile
        If the shape of a variable differs from ``shapes`` (without the length of text), or a cell was never written.
    """
    with NETCDF_LOCK, open_raw(path, "a") as file:
        for name, shape in shapes.items():
            stored = file.variables[name].shape if name in file.variables else None
            if stored is None or stored[: len(shape)] != tuple(shape):
                raise BrokenFile(f"{path}: {name} reads back with shape {stored}, not {tuple(shape)}")
        digests = {name: checksum(variable, _refuse_unwritten) for name, variable in file.variables.items()}
        file.setncattr(CHECKSUMS, "\n".join(f"{value}  {name}" for name, value in digests.items()))
        file.setncattr(FORMAT_NAME, FORMAT)
        file.setncattr(MARKER, _header_digest(file))


def checksums(table: str) -> dict[str, str]:
    """Parse the attribute ``CHECKSUMS`` into checksums by variable.

    Examples
    --------
    >>> checksums("2c26b4  tau_star\\n5feceb  status")
    {'tau_star': '2c26b4', 'status': '5feceb'}
    """
    return {name: value for value, _, name in (line.partition("  ") for line in table.splitlines())}


def checksum(variable: netCDF4.Variable, visit: Callable[[netCDF4.Variable, np.ndarray], None] | None = None) -> str:
    """SHA-256 digest of the values of a variable, chunk by chunk; ``visit`` is called with each chunk."""

    def pieces() -> Iterator[np.ndarray]:
        for chunk in stored_chunks(variable.shape, variable):
            values = np.asarray(variable[chunk])
            if visit is not None:
                visit(variable, values)
            yield values

    return _digest(pieces())


def _digest(pieces: Iterable[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for values in pieces:
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def stored_chunks(shape: tuple[int, ...], variable: netCDF4.Variable) -> Iterator[tuple[slice, ...]]:
    """Yield slices that cover ``shape`` in the stored chunks of ``variable``."""
    chunking = variable.chunking() if variable.ndim else []
    steps = chunking if isinstance(chunking, list) else shape
    starts = [range(0, length, max(1, step)) for length, step in zip(shape, steps, strict=True)]
    for first in itertools.product(*starts):
        ends = (min(start + step, length) for start, step, length in zip(first, steps, shape, strict=True))
        yield tuple(slice(start, end) for start, end in zip(first, ends, strict=True))


def _inspect_open(file: netCDF4.Dataset, full: bool) -> Inspection:
    try:
        attributes = {name: file.getncattr(name) for name in file.ncattrs()}
        state, reason = _state(file, attributes)
    except Exception as error:  # a damaged header can raise any exception
        return Inspection("corrupt", f"the header cannot be read ({error})")
    if state == "ok" and full and (reason := _changed_variables(file)):
        state = "corrupt"
    return Inspection(state, reason, attributes)


def _state(file: netCDF4.Dataset, attributes: Mapping[str, Any]) -> tuple[State, str]:
    """State of a file by its header, and the reason."""
    if MARKER not in attributes:
        return "incomplete", "no completeness marker: never finished, or not written by scoreshock"
    if attributes[MARKER] != _header_digest(file):
        return "corrupt", "the header has changed"
    number = int(attributes.get(FORMAT_NAME, 1))  # format 1 had no number
    text = f"of format {number}, and this scoreshock reads format {FORMAT}"
    if number < FORMAT:
        return "outdated", f"{text}: recompute it, or open it with the older version"
    if number > FORMAT:
        return "newer", f"{text}: update scoreshock, or write results to another folder"
    return "ok", ""


def _changed_variables(file: netCDF4.Dataset) -> str:
    reasons, written = [], checksums(file.getncattr(CHECKSUMS))
    for name, variable in file.variables.items():
        try:
            if checksum(variable) != written[name]:
                reasons.append(f"{name}: values differ from their checksum")
        except (OSError, RuntimeError) as error:
            reasons.append(f"{name}: cannot be read ({error})")
    return "; ".join(reasons)


def _header_digest(file: netCDF4.Dataset) -> str:
    """Digest of dimensions, variables, types and all attributes except the marker."""
    header = {
        "dimensions": {name: dimension.size for name, dimension in file.dimensions.items()},
        "attributes": _plain_attributes(file),
        "variables": {
            name: [variable.dimensions, np.dtype(variable.dtype).str, _plain_attributes(variable)]
            for name, variable in file.variables.items()
        },
    }
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()


def _plain_attributes(holder: netCDF4.Dataset | netCDF4.Variable) -> dict[str, Any]:
    return {name: np.asarray(holder.getncattr(name)).tolist() for name in holder.ncattrs() if name != MARKER}


def _refuse_unwritten(variable: netCDF4.Variable, values: np.ndarray) -> None:
    # Empty text equals the fill value, but text is written eagerly, so none stays unwritten.
    if values.dtype.kind != "S" and (values == netCDF4.default_fillvals[values.dtype.str[1:]]).any():
        raise BrokenFile(f"{variable.group().filepath()}: {variable.name} has cells that were never written")


@contextmanager
def _small_cache() -> Iterator[None]:
    """Limit the chunk cache of files that are opened in the body to `CACHE_BYTES` for each variable."""
    size, elements, preemption = netCDF4.get_chunk_cache()
    netCDF4.set_chunk_cache(CACHE_BYTES, elements, preemption)
    try:
        yield
    finally:
        netCDF4.set_chunk_cache(size, elements, preemption)
