"""Named arrays of files, of which features and labels are chosen: npy, npz, NetCDF, safetensors, idx.

Files are data and never code: nothing pickled is read, and what a file declares is measured before any of it is read.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import netCDF4
import numpy as np
import xarray as xr

from scoreshock.checks import listed, repeated, shortened, show
from scoreshock.densities.tables.labels import missing_labels
from scoreshock.densities.tables.rows import CHUNK, Convert, Spool, Stored, as_rows, parts
from scoreshock.densities.tables.table import LABELS, Choice, Table

UNPACKED_LIMIT = 4 * 2**30
"""Most bytes that are unpacked from a file (ours), unless it is large itself: a small one can stand for any number."""

RATIO = 16
"""Most bytes that are unpacked from a byte of a larger file (ours)."""

HEADER_LIMIT = 2**24
"""Most bytes of a header (ours)."""

PIECE = 2**24
"""Bytes that are unpacked at a time."""

UNREADABLE = (
    ValueError, OSError, RuntimeError, EOFError, LookupError, TypeError, OverflowError, BadZipFile, zlib.error,
    RecursionError, AttributeError, struct.error,
)  # fmt: skip
"""What the libraries raise on files that are damaged or forged."""


class Held(NamedTuple):
    """An array: the names of its dimensions where it has them, and the array in its file, or how to open it."""

    dims: tuple[str, ...]
    array: Stored | Callable[[], AbstractContextManager[xr.Variable]]

    def values(self) -> np.ndarray:
        """All of it."""
        if isinstance(self.array, Stored):
            return self._checked(self.array)[:]
        with self.array() as variable:
            return variable.values

    def rows(self, axis: str | None) -> np.ndarray | Stored:
        """The samples along ``axis`` (by default the first one) as rows, each of all its numbers."""
        if isinstance(self.array, Stored):
            return self._checked(self.array).flat()
        spool = Spool()
        with self.array() as variable:
            first, n = axis or variable.dims[0], variable.sizes[axis or variable.dims[0]]
            step = max(1, CHUNK * n // max(1, variable.size))
            for start in range(0, n, step):
                rows = variable.isel({first: slice(start, start + step)}).transpose(first, ...).values
                spool.append(rows.reshape(len(rows), -1))
        return spool.rows()

    @staticmethod
    def _checked(array: Stored) -> Stored:
        if not math.prod(array.shape) or not array.ndim:
            raise ValueError(f"it has an array of shape {array.shape}; allowed: a row for each sample")
        return array


def read_arrays(path: Path, choice: Choice, labels: np.ndarray | None = None) -> Table:
    """The table of a file of arrays; ``labels`` are those of another file."""
    choice.refuse(f"file {path}", "delimiter", "decimal")
    return table_of(f"file {path}", open_arrays(path), choice, labels)


def table_of(source: str, held: Mapping[str, Held], choice: Choice, labels: np.ndarray | None = None) -> Table:
    """The table of named arrays."""
    label = None if choice.labels_apart else _label(source, held, choice)
    name = _features(source, held, label, choice)
    axis = None
    if label is not None:
        own, dims = held[label].dims, held[name].dims
        if len(own) == 1 and dims:
            if own[0] not in dims:
                where = f"{label} on {listed(own)}, {name} on {listed(dims)}"
                raise ValueError(f"{source} has {where}; allowed: labels on the dimension of the samples in {name}")
            axis = own[0]
        labels = _values(source, held[label])
    try:
        rows = held[name].rows(axis)
    except UNREADABLE as error:
        raise ValueError(f"{source} cannot be read: {shortened(error)}") from error
    notes: dict[str, str | int] = {} if label is None else {"label_array": label}
    notes |= {} if name == "features" else {"feature_array": name}
    notes |= {"ignored_arrays": listed(choice.ignore)} if choice.ignore else {}
    table = Table(as_rows(f"{source}: {name}", rows), labels, None, notes)
    return _without_missing(source, table) if choice.missing == "drop" else table


def read_labels(path: Path) -> np.ndarray:
    """Labels of a file that holds nothing else."""
    held = open_arrays(path)
    if len(held) != 1:
        raise ValueError(f"file {path} has the arrays {listed(held)}; allowed: one array of labels")
    return _values(f"file {path}", next(iter(held.values())))


def _values(source: str, held: Held) -> np.ndarray:
    try:
        return held.values()
    except UNREADABLE as error:
        raise ValueError(f"{source} cannot be read: {shortened(error)}") from error


def _label(source: str, held: Mapping[str, Held], choice: Choice) -> str:
    """Name of the array of labels."""
    if choice.label is not None:
        return _named(source, held, "label", choice.label)
    usual = [name for name in held if name.casefold() in LABELS and name not in (*choice.ignore, *(choice.features or ()))]
    if len(usual) == 1:
        return usual[0]
    what = "no labels" if not usual else f"several arrays that can be labels ({listed(usual)})"
    raise ValueError(
        f"{source} has {what}; variables found: {listed(held)}; allowed: 'features' and 'labels', or label: its name"
    )


def _features(source: str, held: Mapping[str, Held], label: str | None, choice: Choice) -> str:
    """Name of the array of features, beside which there may be no other that would be ignored."""
    for name in choice.ignore:
        _named(source, held, "ignore", name)
    if choice.features is not None and len(choice.features) > 1:
        raise ValueError(f"features = {listed(choice.features)} is not allowed; allowed: one array")
    rest = [name for name in held if name != label and name not in choice.ignore]
    if choice.features is not None:
        name = _named(source, held, "features", choice.features[0])
    elif "features" in rest:
        name = "features"
    elif len(others := [one for one in rest if held[one].dims != (one,)]) == 1:  # beside coordinates of dimensions
        name = others[0]
    else:
        what = f"no features; variables found: {listed(held)}"
        raise ValueError(f"{source} has {what}; allowed: 'features' and 'labels', or features: its name")
    dims = {dim for used in (name, label) if used is not None for dim in held[used].dims}
    unused = [one for one in rest if one != name and not (one in dims and held[one].dims == (one,))]
    if unused:
        allowed = f"'features' and 'labels' (ignore: [{shortened(', '.join(unused), 60)}])"
        raise ValueError(f"{source} has {listed(unused)}, which would be ignored; allowed: {allowed}")
    return name


def _named(source: str, held: Mapping[str, Held], option: str, name: str) -> str:
    if name not in held:
        raise ValueError(f"{option} = {show(name)} is not in {source}; variables found: {listed(held)}")
    return name


def _without_missing(source: str, table: Table) -> Table:
    """The table without samples in which a number or the label is missing."""
    spool, keep = Spool(), np.ones(len(table.features), dtype=bool)
    if table.labels is not None and np.shape(table.labels) == keep.shape:
        keep &= ~missing_labels(table.labels)
    for part in parts(table.features):
        rows = table.features[part]
        keep[part] &= ~np.isnan(rows).any(axis=1)
        spool.append(rows[keep[part]])
    if not keep.any():
        raise ValueError(f"{source} has no sample without a missing number; allowed: samples with all numbers")
    labels = table.labels[keep] if np.shape(table.labels) == keep.shape else table.labels
    return replace(table, features=spool.rows(), labels=labels, notes={**table.notes, "dropped_rows": int((~keep).sum())})


def open_arrays(path: Path) -> dict[str, Held]:
    """The arrays of a file by name, of which nothing but headers (and what is packed) is read."""
    suffix = path.with_suffix("").suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    try:
        if is_idx(path):
            return {"features": Held((), _idx(path))}
        if suffix == ".npy":
            with _plain(path) as stream:
                return {"features": Held((), _npy(path.name, path, stream, 0, path.suffix.lower() == ".gz"))}
        opened = {".npz": _npz, ".safetensors": _safetensors, ".nc": _netcdf}[suffix]
        return dict(opened(path))
    except UNREADABLE as error:
        raise ValueError(f"file {path} cannot be read: {shortened(error)}") from error


def unpacked_limit(path: Path) -> int:
    """Most bytes that are unpacked from a file."""
    return max(UNPACKED_LIMIT, RATIO * path.stat().st_size)


def refuse_large(size: int, limit: int) -> None:
    """Refuse to unpack more than the limit."""
    if size > limit:
        raise ValueError(f"it holds {size / 2**20:,.0f} MiB; allowed: at most {limit // 2**20:,} MiB (our limit)")


def _stored(
    file: Any, dtype: np.dtype, shape: tuple[int, ...], offset: int, order: str = "C", convert: Convert | None = None
) -> Stored:
    """The array, if the file is as long as it has to be."""
    size = math.prod(shape) * dtype.itemsize
    there = file.tell() if hasattr(file, "tell") else Path(file).stat().st_size
    if offset + size > there:
        raise ValueError(f"it declares {size / 2**20:,.0f} MiB and has {max(0, there - offset) / 2**20:,.0f} MiB")
    return Stored(file, dtype, shape, offset, order, convert)


def _unpacked(path: Path, stream: IO[bytes], dtype: np.dtype, shape: tuple[int, ...], order: str = "C") -> Stored:
    """The array that follows in the packed stream of a file, in a temporary file."""
    size = math.prod(shape) * dtype.itemsize
    refuse_large(size, unpacked_limit(path))
    file = TemporaryFile()  # noqa: SIM115 - of the result
    while size > file.tell() and (piece := stream.read(min(PIECE, size - file.tell()))):
        file.write(piece)
    file.flush()
    stream.read(1)  # where checksums are compared
    return _stored(file, dtype, shape, 0, order)


def _plain(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def _npy(name: str, path: Path, stream: Any, start: int, packed: bool) -> Stored:
    """An array in NumPy's format: from ``start`` of the file ``path``, or in the packed stream."""
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    if version not in headers:
        raise ValueError(f"{name} has version {version} of NumPy's format; allowed: 1.0 and 2.0")
    shape, fortran, dtype = headers[version](stream)
    if dtype.hasobject:
        raise ValueError(
            f"{name} holds Python objects, which only pickle could read; allowed: numbers and text (save labels.astype(str))"
        )
    order = "F" if fortran else "C"
    if packed:
        return _unpacked(path, stream, dtype, shape, order)
    return _stored(path, dtype, shape, start + stream.tell(), order)


def _npz(path: Path) -> Iterator[tuple[str, Held]]:
    with ZipFile(path) as archive:
        members = archive.infolist()
        if twice := repeated(member.filename for member in members):
            raise ValueError(f"it has {show(twice[0])} more than once; allowed: each array once")
        refuse_large(sum(member.file_size for member in members if member.compress_type != ZIP_STORED), unpacked_limit(path))
        for member in members:
            packed = member.compress_type != ZIP_STORED
            with archive.open(member) as stream:
                array = _npy(member.filename, path, stream, 0 if packed else _start(path, member), packed)
                while stream.read(PIECE):  # to the end, where checksums are compared
                    pass
            yield member.filename.removesuffix(".npy"), Held((), array)


def _start(path: Path, member: ZipInfo) -> int:
    """Where the bytes of a stored member begin: after its local header, the name, and the extra field."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(30)
    name, extra = struct.unpack("<HH", header[26:30])
    return member.header_offset + 30 + name + extra


IDX = re.compile(r"(.*)images([-.]idx)\d(-ubyte.*)", re.IGNORECASE)
"""Names of files of images, beside which the labels are."""

IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def is_idx(path: Path) -> bool:
    """Whether the name is that of a file in the format of MNIST."""
    return re.search(r"[-.]idx\d-ubyte(\.gz)?$|\.idx(\.gz)?$", path.name, re.IGNORECASE) is not None


def labels_beside(path: Path) -> Path | None:
    """The file of the labels beside one of images in the format of MNIST, if it is there."""
    named = IDX.fullmatch(path.name)
    beside = path.with_name(f"{named[1]}labels{named[2]}1{named[3]}") if named else None
    return beside if beside is not None and beside.is_file() else None


def _idx(path: Path) -> Stored:
    """An array in the format of MNIST: two zeros, type, number of dimensions, their sizes, numbers."""
    with _plain(path) as stream:
        zeros, kind, ndim = struct.unpack(">HBB", stream.read(4))
        if zeros or kind not in IDX_TYPES or not 0 < ndim < 9:
            raise ValueError("it does not begin as an idx file")
        shape = struct.unpack(f">{ndim}I", stream.read(4 * ndim))
        if path.suffix.lower() == ".gz":
            return _unpacked(path, stream, np.dtype(IDX_TYPES[kind]), shape)
        return _stored(path, np.dtype(IDX_TYPES[kind]), shape, stream.tell())


SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "BF16": "<u2",
}  # fmt: skip
"""Types of safetensors as NumPy has them; bfloat16 is the upper half of a float32."""


def _safetensors(path: Path) -> Iterator[tuple[str, Held]]:
    """Tensors: the length of a header, the header in JSON (type, shape, first and last byte of each), bytes."""
    with path.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > HEADER_LIMIT:
            raise ValueError(f"its header has {length:,} bytes; allowed: at most {HEADER_LIMIT:,} (our limit)")
        header = json.loads(stream.read(length))
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        if tensor["dtype"] not in SAFETENSORS:
            raise ValueError(f"{name} has the type {show(tensor['dtype'])}; allowed: {', '.join(SAFETENSORS)}")
        dtype, shape = np.dtype(SAFETENSORS[tensor["dtype"]]), tuple(map(int, tensor["shape"]))
        first, last = map(int, tensor["data_offsets"])
        if last - first != math.prod(shape) * dtype.itemsize or min((first, *shape)) < 0:
            raise ValueError(f"{name} has {last - first:,} bytes, which do not fit its shape {shape}")
        array = _stored(path, dtype, shape, 8 + length + first, convert=_widened if tensor["dtype"] == "BF16" else None)
        yield name, Held((), array)


def _widened(halves: np.ndarray) -> np.ndarray:
    """Numbers of bfloat16 from their bits."""
    return (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)


def _netcdf(path: Path) -> Iterator[tuple[str, Held]]:
    refuse_large_netcdf(path, unpacked_limit(path))
    with xr.open_dataset(path, engine="netcdf4", cache=False) as dataset:
        held = {str(name): tuple(map(str, one.dims)) for name, one in dataset.variables.items()}
    for name, dims in held.items():
        yield name, Held(dims, partial(_variable, path, name))


@contextmanager
def _variable(path: Path, name: str) -> Iterator[xr.Variable]:
    with xr.open_dataset(path, engine="netcdf4", cache=False) as dataset:
        yield dataset.variables[name]


def refuse_large_netcdf(path: Path, limit: int) -> None:
    """Refuse a NetCDF file with groups, or whose variables are too large by its header."""
    with netCDF4.Dataset(path) as file:
        if file.groups:
            raise ValueError(f"it has groups ({listed(file.groups)}); allowed: variables outside of groups")
        # Of a text in memory there is a reference.
        each = [(one.shape, 8 if one.dtype is str else np.dtype(one.dtype).itemsize) for one in file.variables.values()]
        refuse_large(sum(math.prod(shape) * size for shape, size in each), limit)
