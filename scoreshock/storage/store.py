"""NetCDF files that are whole or absent: write one, tell whether one is whole, open one that is.

A file is written under a temporary name, read back chunk by chunk, sealed with a marker and only then given its name.
One attribute lists the checksum of every variable's stored values, and the marker is a digest of all that the header
says, those checksums included: so the header alone tells a whole file from any other, and reading it all finds any changed
value. Values are checked when they are loaded, too: a small variable is stored in one piece without filters, read whole
and compared with its checksum; a larger one is stored in chunks that have checksums of their own (Fletcher's).

No variable has a ``_FillValue``, so a cell that nobody wrote holds netCDF's default fill (9.97e36 for floats, the lowest
numbers for integers, -127 for flags), which no result is: NaN stays free to mean a result that its status explains.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
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

from scoreshock import conventions
from scoreshock.storage import descriptions, provenance, staging
from scoreshock.storage.netcdf_lock import NETCDF_LOCK
from scoreshock.storage.provenance import FORMAT
from scoreshock.storage.staging import BrokenFile

MARKER = "scoreshock_complete"
CHECKSUMS = "scoreshock_checksums"
FORMAT_NAME = "scoreshock_format"
SMALL_BYTES = 2**16
"""Smaller variables are stored in one piece; to compress them saves little, and costs most of the time of a small file."""
CHUNK_BYTES = 2**20
CACHE_BYTES = 2**22  # netCDF's own 64 MiB of cache for every variable would be most of a job's memory
FILTERS: dict[str, Any] = {"zlib": True, "complevel": 1, "shuffle": True, "fletcher32": True}
"""Of floats too: zlib saves half of scores and times at 20 ns a byte, nine tenths of values that repeat at 5 ns."""
PLAIN = (str, int, float, np.integer, np.floating, np.ndarray, list, tuple)

_WRITING = threading.RLock()  # one file at a time in a process

State = Literal["ok", "missing", "unreadable", "incomplete", "corrupt", "outdated", "newer"]


@dataclass(frozen=True)
class Inspection:
    """What is known of a file: its state, why it is not ``ok``, and its global attributes where they can be read."""

    state: State
    reason: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


def write(dataset: xr.Dataset, path: str | Path, attributes: Mapping[str, Any] | None = None) -> None:
    """Write ``dataset`` as NetCDF, so that a file named ``path`` is whole at any moment, or absent, or the old one.

    A chunked dataset is computed and written chunk by chunk by Dask's threaded scheduler, so memory is bounded by its
    chunks. The file is then read back, sealed and renamed; calls from several threads take turns. Names, units and
    flags come from `scoreshock.conventions`, descriptions and sources from `storage.descriptions`; attributes of the
    dataset's variables override them.

    Parameters
    ----------
    dataset : Dataset
        Eager or chunked, of floats, integers, booleans (stored as int8) and text (stored as characters).
    path : path
        Its folder is made where it is missing.
    attributes : mapping, optional
        Global attributes: text and numbers. They stand before those of the dataset, and override them.

    Raises
    ------
    TypeError
        For an attribute that NetCDF cannot hold, such as a bool, None or mapping.
    ValueError
        For a variable that has no ``long_name`` and is not in the vocabulary.
    OSError, RuntimeError
        When the file cannot be written or does not read back; what was at ``path`` is then as before.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write(xr.Dataset({"tau_star": ("separation", [0.5, 2.0])}, {"separation": [1.0, 2.0]}), folder / "a.nc")
    >>> inspect(folder / "a.nc", full=True).state
    'ok'
    >>> open_file(folder / "a.nc").tau_star.attrs["long_name"]
    'speciation time by criterion'
    """
    stored = described(dataset, attributes or {})
    with staged(Path(path)) as temporary:
        with dask.config.set(scheduler=patient_threads):
            _to_netcdf(stored, temporary)
        seal(temporary, {str(name): variable.shape for name, variable in stored.variables.items()})


def lay_out(dataset: xr.Dataset, path: Path, attributes: Mapping[str, Any] | None = None) -> None:
    """Write a file as `write` does, but no values of lazy variables, and neither read back, sealed nor renamed."""
    _to_netcdf(described(dataset, attributes or {}), path, compute=False)


def _to_netcdf(stored: xr.Dataset, path: Path, **how: Any) -> None:
    encodings = {str(name): encoding(stored[name]) for name in stored.variables}
    stored.to_netcdf(path, engine="netcdf4", format="NETCDF4", encoding=encodings, **how)


def patient_threads(graph: Any, keys: Any, **options: Any) -> Any:
    """Dask's threaded scheduler, which waits for what still runs when a chunk has failed.

    Dask itself does not, and a chunk that came later would make anew the file that was removed.
    """
    with ThreadPoolExecutor(provenance.dask_threads()) as pool:
        return dask.threaded.get(graph, keys, pool=pool, **options)


def inspect(path: str | Path, full: bool = False) -> Inspection:
    """Return the state of the file at ``path``, by its header, or with ``full`` by reading all of its values.

    Parameters
    ----------
    path : path
        File to look at; it is opened read-only.
    full : bool
        Also compare every variable's values with its checksum.

    Returns
    -------
    Inspection
        ``missing``; ``unreadable`` (empty, truncated, not NetCDF); ``incomplete`` (NetCDF without the marker: never
        finished, or from elsewhere); ``corrupt`` (header or values changed after writing); ``outdated`` or ``newer`` (whole,
        in the format of another version of scoreshock); ``ok``.
    """
    with NETCDF_LOCK:
        file, inspection = _opened(Path(path), full)
        if file is not None:
            file.close()
    return inspection


def open_file(path: str | Path, chunks: Any = "stored") -> xr.Dataset:
    """Open a whole file lazily and read-only: flags as int8, text as str.

    Parameters
    ----------
    path : path
        A file that `write` or `scoreshock.storage.opening.merge` made.
    chunks : mapping, optional
        As in `xarray.open_dataset`; by default the stored chunks, None for no Dask.

    Raises
    ------
    BrokenFile
        When the file is not whole, or when values are loaded of one that is no longer; the message names it and says why.
    """
    check(path)
    with NETCDF_LOCK, _small_cache():
        dataset = xr.open_dataset(
            path,
            engine=_Backend,
            chunks={} if isinstance(chunks, str) else chunks,
            decode_times=False,
            decode_timedelta=False,
        )
    del dataset.attrs[CHECKSUMS]
    return dataset


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Name the file in what the NetCDF library says of it while its values are read."""
    try:
        yield
    except (OSError, RuntimeError, IndexError) as error:
        if isinstance(error, BrokenFile):
            raise
        raise BrokenFile(
            f"{path} cannot be read; it was changed, cut short or removed since it was opened ({error})"
        ) from error


class _Backend(BackendEntrypoint):
    """xarray's reader of NetCDF files, which checks the values that it loads."""

    def open_dataset(self, filename_or_obj: Any, *, drop_variables: Any = None, **options: Any) -> xr.Dataset:  # type: ignore[override]
        opened = _Opened.open(filename_or_obj, lock=NETCDF_LOCK)
        return StoreBackendEntrypoint().open_dataset(opened, drop_variables=drop_variables, **options)


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


def read(variable: netCDF4.Variable, place: Any = ...) -> np.ndarray:
    """Return stored values of a variable of an open, whole file, at a slice or index for each of its dimensions.

    Raises
    ------
    BrokenFile
        When they are not those that were written. Errors of the NetCDF library pass; see `reading`.
    """
    file = variable.group()
    if variable.chunking() != "contiguous":
        values = variable[place]
        _refuse_unwritten(variable, values)
        return values
    values = np.asarray(variable[...])
    if _digest([values]) != checksums(file.getncattr(CHECKSUMS))[variable.name]:
        raise BrokenFile(f"{file.filepath()} is corrupt: {variable.name}: values differ from their checksum")
    for axis in reversed(range(0 if place is ... else variable.ndim)):  # each by itself, as netCDF4 does
        values = values[(slice(None),) * axis + (place[axis],)]
    return values


def check(path: str | Path, full: bool = False) -> Inspection:
    """Return the inspection of the file at ``path``, or raise `BrokenFile` when it is not whole."""
    inspection = inspect(path, full)
    if inspection.state != "ok":
        raise _broken(path, inspection)
    return inspection


@contextmanager
def opened(path: Path, full: bool = False) -> Iterator[tuple[netCDF4.Dataset, Inspection]]:
    """Open a whole file once, as `open_raw` does, with its inspection; raise `BrokenFile` when it is not whole."""
    with NETCDF_LOCK:
        file, inspection = open_whole(path, full)
        with file:
            yield file, inspection


def open_whole(path: Path, full: bool = False) -> tuple[netCDF4.Dataset, Inspection]:
    """Return a whole file, open, and its inspection; raise `BrokenFile` when it is not whole."""
    with NETCDF_LOCK:
        file, inspection = _opened(path, full)
        if file is not None and inspection.state == "ok":
            return file, inspection
        if file is not None:
            file.close()
    raise _broken(path, inspection)


def _opened(path: Path, full: bool) -> tuple[netCDF4.Dataset | None, Inspection]:
    """The file at ``path``, open where it can be opened, and its inspection."""
    if not path.exists():
        return None, Inspection("missing", "no such file")
    if path.is_file() and path.stat().st_size == 0:
        return None, Inspection("unreadable", "the file is empty")
    try:
        file = open_raw(path)
    except (OSError, RuntimeError, ValueError, UnicodeError) as error:
        return None, Inspection("unreadable", f"not a NetCDF file, or cut short ({error})")
    return file, _inspect_open(file, full)


def _broken(path: str | Path, inspection: Inspection) -> BrokenFile:
    return BrokenFile(f"{path} is {inspection.state}: {inspection.reason}")


def open_raw(path: Path, mode: Literal["r", "a"] = "r") -> netCDF4.Dataset:
    """Open with netCDF4, by default read-only, with values as they are stored."""
    with _small_cache():
        file = netCDF4.Dataset(path, mode)
    file.set_auto_maskandscale(False)
    file.set_auto_chartostring(False)
    return file


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A temporary name for a NetCDF file, which is renamed to ``path`` when the body succeeds (`staging.staged`)."""
    with _WRITING, staging.staged(path) as temporary, _small_cache():
        yield temporary


def seal(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Read back all of the file at ``path``, then add checksums and marker.

    Raises
    ------
    BrokenFile
        When a variable has not the shape of ``shapes`` (its length of text apart), or a cell was never written.
    """
    with NETCDF_LOCK, open_raw(path, "a") as file:
        for name, shape in shapes.items():
            stored = file.variables[name].shape if name in file.variables else None
            if stored is None or stored[: len(shape)] != tuple(shape):
                raise BrokenFile(f"{path}: {name} reads back with shape {stored}, not {tuple(shape)}")
        found = {name: checksum(variable, _refuse_unwritten) for name, variable in file.variables.items()}
        file.setncattr(CHECKSUMS, "\n".join(f"{value}  {name}" for name, value in found.items()))
        file.setncattr(FORMAT_NAME, FORMAT)
        file.setncattr(MARKER, _header_digest(file))
    check(path)


def checksums(table: str) -> dict[str, str]:
    """Return the checksums of a file's variables by name, from its attribute ``CHECKSUMS``.

    Examples
    --------
    >>> checksums("2c26b4  tau_star\\n5feceb  status")
    {'tau_star': '2c26b4', 'status': '5feceb'}
    """
    return {name: value for value, _, name in (line.partition("  ") for line in table.splitlines())}


def checksum(variable: netCDF4.Variable, look: Callable[[netCDF4.Variable, np.ndarray], None] | None = None) -> str:
    """Return the SHA-256 digest of a variable's values, stored chunk after stored chunk; ``look`` is shown each."""

    def pieces() -> Iterator[np.ndarray]:
        for place in stored_chunks(variable.shape, variable):
            values = np.asarray(variable[place])
            if look is not None:
                look(variable, values)
            yield values

    return _digest(pieces())


def _digest(pieces: Iterable[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for values in pieces:
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def stored_chunks(shape: tuple[int, ...], variable: netCDF4.Variable) -> Iterator[tuple[slice, ...]]:
    """Yield slices that cover ``shape`` in the steps in which ``variable`` is stored."""
    chunking = variable.chunking() if variable.ndim else []
    steps = chunking if isinstance(chunking, list) else shape
    starts = [range(0, length, max(1, step)) for length, step in zip(shape, steps, strict=True)]
    for corner in itertools.product(*starts):
        ends = (min(start + step, length) for start, step, length in zip(corner, steps, shape, strict=True))
        yield tuple(slice(start, end) for start, end in zip(corner, ends, strict=True))


def chunk_shape(
    shape: tuple[int, ...], itemsize: int, computed: tuple[int, ...], limit: int = CHUNK_BYTES
) -> tuple[int, ...]:
    """Return the shape of stored chunks: at most ``limit`` bytes, parts or multiples of the chunks ``computed``.

    Parts, so that a computed chunk is compressed once; multiples, so that a sweep of tiny blocks does not become a file
    of tiny chunks. The first dimensions are cut first, the last are joined first.
    """
    room = max(1, limit // itemsize)
    chunk = [max(1, min(length, step)) for length, step in zip(shape, computed, strict=True)]
    for axis in range(len(chunk)):
        while math.prod(chunk) > room and chunk[axis] > 1:
            chunk[axis] = -(-chunk[axis] // 2)
    for axis in reversed(range(len(chunk))):
        multiple = max(1, room // math.prod(chunk))
        chunk[axis] = max(1, min(shape[axis], chunk[axis] * multiple))
    return tuple(chunk)


def _inspect_open(file: netCDF4.Dataset, full: bool) -> Inspection:
    try:
        attributes = {name: file.getncattr(name) for name in file.ncattrs()}
        if MARKER not in attributes:
            return Inspection("incomplete", "no completeness marker: never finished, or not from scoreshock", attributes)
        if attributes[MARKER] != _header_digest(file):
            return Inspection("corrupt", "the header is not the one that was written", attributes)
        if (number := _format(attributes)) != FORMAT:
            return _of_other_format(number, attributes)
    except Exception as error:  # a damaged header raises whatever the damaged bytes happen to mean
        return Inspection("corrupt", f"the header cannot be read ({error})")
    reason = _changed_variables(file) if full else ""
    return Inspection("corrupt" if reason else "ok", reason, attributes)


def _format(attributes: Mapping[str, Any]) -> int:
    """Number of a file's format; files written before formats had numbers are of the first."""
    return int(attributes.get(FORMAT_NAME, 1))


def _of_other_format(number: int, attributes: Mapping[str, Any]) -> Inspection:
    text = f"of format {number}, and this scoreshock reads format {FORMAT}"
    if number < FORMAT:
        return Inspection("outdated", f"{text}: make it again, or open it with the older version", attributes)
    return Inspection("newer", f"{text}: update scoreshock, or write results to another folder", attributes)


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
    """Digest of dimensions, variables, types and all attributes but the marker itself."""
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
    # An empty text is all zero bytes, as an unwritten one is; text is written in one piece, so none stays unwritten.
    if values.dtype.kind != "S" and (values == netCDF4.default_fillvals[values.dtype.str[1:]]).any():
        raise BrokenFile(f"{variable.group().filepath()}: {variable.name} has cells that were never written")


def described(dataset: xr.Dataset, attributes: Mapping[str, Any]) -> xr.Dataset:
    """Copy of ``dataset`` in types that are stored, with the attributes that CF asks for."""
    given = {**attributes, **dataset.attrs, **attributes}  # those of the file first, title at the top
    merged = {str(name): value for name, value in given.items() if name not in (MARKER, CHECKSUMS, FORMAT_NAME)}
    _refuse_attributes("the file", merged)
    result = dataset.drop_encoding()
    for name, variable in dataset.variables.items():
        if variable.dtype == bool:
            result[name] = result[name].astype(np.int8)
        elif variable.dtype.kind == "O":
            result[name] = result[name].astype(str)
        result.variables[name].attrs = _variable_attributes(str(name), dataset.variables)
    result.attrs = merged
    return result


def _variable_attributes(name: str, variables: Mapping[Any, xr.Variable]) -> dict[str, Any]:
    known = conventions.attributes(name) if name in conventions.VARIABLES or name in conventions.AXES else {}
    own = {key: value for key, value in variables[name].attrs.items() if key != "ancillary_variables"}
    kind = str(known.get("long_name", ""))
    same = str(own.get("long_name", kind)).startswith(kind)  # else another thing of that name
    result = {**known, **(descriptions.attributes(name) if same else {}), **own}
    if "long_name" not in result:
        raise ValueError(f"{name}: a variable needs a long_name, and this one is not in the vocabulary")
    flag = variables[name].attrs.get("ancillary_variables") or conventions.ANCILLARY.get(name)
    if flag in variables and set(variables[flag].dims) <= set(variables[name].dims):
        result["ancillary_variables"] = flag
    _refuse_attributes(name, result)
    return result


def _refuse_attributes(owner: str, attributes: Mapping[str, Any]) -> None:
    bad = [name for name, value in attributes.items() if isinstance(value, bool) or not isinstance(value, PLAIN)]
    if bad:
        raise TypeError(f"attributes of {owner} hold text and numbers only, not so: {', '.join(map(str, bad))}")


def encoding(array: xr.DataArray) -> dict[str, Any]:
    """Return how a variable is stored, as `xarray.Dataset.to_netcdf` takes it; by its shape, type and chunks alone.

    A variable of less than ``SMALL_BYTES`` is stored in one piece without filters, a larger one in chunks (`chunk_shape`)
    that are compressed and have checksums of their own.

    Examples
    --------
    >>> encoding(xr.DataArray(np.zeros(8191, np.int64), dims="point"))
    {'contiguous': True, '_FillValue': None}
    >>> encoding(xr.DataArray(np.zeros(8192, np.int64), dims="point"))["chunksizes"]
    (8192,)
    """
    small = 0 < array.nbytes < SMALL_BYTES  # a length of 0 is that of a record dimension, which has chunks
    result: dict[str, Any] = {"contiguous": True} if small else dict(FILTERS)
    if array.dtype.kind in "US":
        return {"dtype": "S1", **result}
    result["_FillValue"] = None
    if array.dtype.kind == "f" and array.name not in array.coords:
        result["missing_value"] = array.dtype.type(np.nan)
    if not small:
        computed = tuple(steps[0] for steps in array.chunks) if array.chunks else array.shape
        result["chunksizes"] = chunk_shape(array.shape, array.dtype.itemsize, computed)
    return result


@contextmanager
def _small_cache() -> Iterator[None]:
    """Have files that are opened in the body cache little of each variable."""
    size, elements, preemption = netCDF4.get_chunk_cache()
    netCDF4.set_chunk_cache(CACHE_BYTES, elements, preemption)
    try:
        yield
    finally:
        netCDF4.set_chunk_cache(size, elements, preemption)
