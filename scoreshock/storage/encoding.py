"""Stored form of datasets: types, attributes, contiguous or chunked storage, and files of this layout."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import netCDF4
import numpy as np
import xarray as xr

from scoreshock import conventions
from scoreshock.storage.netcdf_lock import NETCDF_LOCK

MARKER = "scoreshock_complete"
CHECKSUMS = "scoreshock_checksums"
FORMAT_NAME = "scoreshock_format"
SMALL_BYTES = 2**16
"""Size below which variables are contiguous: compression would save little and take most of the time of a small file."""
CHUNK_BYTES = 2**20
FILTERS: dict[str, Any] = {"zlib": True, "complevel": 1, "shuffle": True, "fletcher32": True}
"""Also for floats: zlib halves scores and times at 20 ns a byte, and saves 90 % of repeated values at 5 ns a byte."""
PLAIN = (str, int, float, np.integer, np.floating, np.ndarray, list, tuple)


def described(dataset: xr.Dataset, attributes: Mapping[str, Any]) -> xr.Dataset:
    """Copy of ``dataset`` in stored types, with the attributes that CF requires."""
    ordered = {**attributes, **dataset.attrs, **attributes}  # those of the file first, title at the top
    merged = {str(name): value for name, value in ordered.items() if name not in (MARKER, CHECKSUMS, FORMAT_NAME)}
    _refuse_attributes("the file", merged)
    result = dataset.copy()
    for name, variable in dataset.variables.items():
        if variable.dtype == bool:
            result[name] = result[name].astype(np.int8)
        elif variable.dtype.kind in "OS":
            result[name] = result[name].astype(str)
        attrs = _variable_attributes(str(name), dataset.variables)
        if variable.dtype.kind == "f" and name not in dataset.coords:
            attrs["missing_value"] = variable.dtype.type(np.nan)
        elif variable.dtype.kind in "OSU":
            attrs["_Encoding"] = "utf-8"
        result.variables[name].attrs = attrs
    result.attrs = merged
    return result


def _variable_attributes(name: str, variables: Mapping[Any, xr.Variable]) -> dict[str, Any]:
    custom = variables[name].attrs
    standard = conventions.attributes(name) if name in {**conventions.AXES, **conventions.SHARED} else {}
    kind = str(standard.get("long_name", ""))
    same = str(custom.get("long_name", kind)).startswith(kind)  # otherwise the name has another meaning here
    result = {**standard, **custom} if same else dict(custom)
    if "long_name" not in result:
        raise ValueError(f"{name}: a variable needs a long_name, and this one is not in the vocabulary")
    flag = result.pop("ancillary_variables", None)
    if flag in variables and set(variables[flag].dims) <= set(variables[name].dims):
        result["ancillary_variables"] = flag
    _refuse_attributes(name, result)
    return result


def _refuse_attributes(what: str, attributes: Mapping[str, Any]) -> None:
    bad = [name for name, value in attributes.items() if isinstance(value, bool) or not isinstance(value, PLAIN)]
    if bad:
        raise TypeError(f"attributes of {what} must be text or numbers; not allowed: {', '.join(map(str, bad))}")


@contextmanager
def laid_out(stored: xr.Dataset, path: Path) -> Iterator[netCDF4.Dataset]:
    """Create a file with the layout of ``stored``, a result of `described`, and write the values that are not lazy.

    All variables are defined before values are written, because the NetCDF library flushes the file in between.
    """
    variables, attributes = xr.conventions.encode_dataset_coordinates(stored)
    with NETCDF_LOCK:
        file = netCDF4.Dataset(path, "w")
    try:
        with NETCDF_LOCK:
            file.setncatts(attributes)
            defined = [(variable, *_define(file, str(name), variable)) for name, variable in variables.items()]
            as_stored(file)
            for variable, target, values in defined:
                if not is_lazy(variable):
                    target[...] = values
        yield file
    finally:
        with NETCDF_LOCK:
            file.close()


def _define(file: netCDF4.Dataset, name: str, variable: xr.Variable) -> tuple[netCDF4.Variable, Any]:
    """Define a variable of a file; return it with the values to write."""
    values, sizes = variable.data, {str(dim): length for dim, length in variable.sizes.items()}
    if variable.dtype.kind == "U":
        values = np.char.encode(variable.values, "utf-8")[..., None].view("S1")
        sizes[f"string{values.shape[-1]}"] = values.shape[-1]
    for dim, length in sizes.items():
        if dim not in file.dimensions:
            file.createDimension(dim, length)
    target = file.createVariable(name, values.dtype, tuple(sizes), **encoding(variable))
    target.setncatts(variable.attrs)
    return target, values


def is_lazy(variable: xr.Variable) -> bool:
    """Whether values are written chunk by chunk."""
    return dask.is_dask_collection(variable.data) and variable.dtype.kind != "U"  # text is written eagerly


def as_stored(file: netCDF4.Dataset) -> netCDF4.Dataset:
    """The open file without conversion of stored values."""
    file.set_auto_maskandscale(False)
    file.set_auto_chartostring(False)
    return file


def encoding(variable: xr.Variable) -> dict[str, Any]:
    """Arguments of `netCDF4.Dataset.createVariable` for a variable, from its shape, type and chunks.

    A variable smaller than ``SMALL_BYTES`` is contiguous without filters; a larger one has compressed chunks
    (`chunk_shape`) with checksums.

    Examples
    --------
    >>> encoding(xr.Variable("point", np.zeros(8191, np.int64)))
    {'contiguous': True}
    >>> encoding(xr.Variable("point", np.zeros(8192, np.int64)))["chunksizes"]
    (8192,)
    """
    small = 0 < variable.nbytes < SMALL_BYTES  # a dimension of length 0 is unlimited, which requires chunks
    result: dict[str, Any] = {"contiguous": True} if small else dict(FILTERS)
    if not small and variable.dtype.kind != "U":
        computed = tuple(steps[0] for steps in variable.chunks) if variable.chunks else variable.shape
        result["chunksizes"] = chunk_shape(variable.shape, variable.dtype.itemsize, computed)
    return result


def chunk_shape(
    shape: tuple[int, ...], itemsize: int, computed: tuple[int, ...], limit: int = CHUNK_BYTES
) -> tuple[int, ...]:
    """Shape of stored chunks of at most ``limit`` bytes, which are parts or multiples of the chunks ``computed``.

    With parts, each computed chunk is compressed once; with multiples, a sweep of tiny blocks does not yield tiny chunks.
    The first dimensions are divided first, the last ones are combined first.

    Examples
    --------
    >>> chunk_shape((1000, 1000), 8, (1000, 1000)), chunk_shape((1000, 1000), 8, (1, 1000))
    ((125, 1000), (131, 1000))
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
