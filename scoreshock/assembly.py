"""Blocks put together as one lazy dataset, of which each chunk opens its block when it is computed, and checks it then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import dask.array as da
import netCDF4
import numpy as np
import xarray as xr
from xarray.backends import CachingFileManager

from scoreshock import store
from scoreshock.layout import Block, Layout, agree
from scoreshock.netcdf_lock import NETCDF_LOCK
from scoreshock.records import refuse_changed

DECODED = ("coordinates", "missing_value", "_Encoding")  # attributes that xarray turns into structure on opening


def assembled(layout: Layout) -> xr.Dataset:
    """Return the blocks of a layout as one lazy dataset; NaN in floats and -1 in others where no block gives them.

    Nothing is opened but one file for every coordinate. A chunk is a part of one block; computing it raises
    `scoreshock.store.BrokenFile` where the file is no longer whole, or no longer the one that the layout knows.
    """
    files = {block.path: _manager(block) for block in layout.blocks}
    variables = {name: _variable(layout, name, files) for name in layout.variables}
    named = {name for stored in layout.variables.values() for name in str(stored.attributes.get("coordinates", "")).split()}
    common = layout.common_attributes()
    named |= {*str(common.pop("coordinates", "")).split(), *(name for name, v in variables.items() if v.dims == (name,))}
    return xr.Dataset(
        {name: variable for name, variable in variables.items() if name not in named},
        {name: variable for name, variable in variables.items() if name in named},
        common | layout.listed_attributes(),
    )


def differing_shares(layout: Layout) -> list[str]:
    """Notes on variables that blocks share but hold differently."""
    return [
        f"{name} differs between {layout.sources[name, place].name} and {block.name}; the first is shown"
        for block in layout.blocks
        for name, place in layout.shared(block)
        if not _agree(layout.sources[name, place], block, name)
    ]


def _manager(block: Block) -> CachingFileManager:
    """The block's file, opened when it is first read, and kept open while not too many others are."""
    return CachingFileManager(_open, block.path.absolute(), block.marker, lock=NETCDF_LOCK)


def _open(path: Path, marker: str) -> netCDF4.Dataset:
    file, seen = store.open_whole(path)
    try:
        refuse_changed(path, marker, seen.attributes)
    except store.BrokenFile:
        file.close()
        raise
    return file


def _variable(layout: Layout, name: str, files: Mapping[Path, CachingFileManager]) -> xr.Variable:
    stored = layout.variables[name]
    plain = {key: value for key, value in stored.attributes.items() if key not in DECODED}
    if stored.text is not None:
        return xr.Variable(stored.dims, layout.text(name), plain)
    if name in layout.axes:
        return xr.Variable(stored.dims, np.array(layout.axes[name], stored.dtype), plain)
    values = _lazy(layout, name, files)
    return xr.Variable(stored.dims, values.compute() if stored.dims in ((name,), ()) else values, plain)


def _lazy(layout: Layout, name: str, files: Mapping[Path, CachingFileManager]) -> da.Array:
    stored = layout.variables[name]
    region = layout.region_shape(name)
    splits = tuple(dim in layout.axes for dim in stored.dims)
    places = np.full([n for n, is_split in zip(layout.shape(name), splits, strict=True) if is_split], None, dtype=object)
    for place in layout.places(name):
        source = layout.sources.get((name, place))
        if source is not None:
            places[place] = files[source.path]
    chunks = tuple(
        (1,) * length if is_split else _lengths(length, step)
        for length, step, is_split in zip(layout.shape(name), stored.chunks, splits, strict=True)
    )
    whole = places.reshape([n if is_split else 1 for n, is_split in zip(layout.shape(name), splits, strict=True)])
    sources = np.broadcast_to(whole, [len(lengths) for lengths in chunks])
    return da.map_blocks(
        _read,
        da.from_array(sources, chunks=1, name=False),
        chunks=chunks,
        dtype=stored.dtype,
        meta=np.empty((0,) * len(region), stored.dtype),
        variable=name,
        region=region,
        steps=tuple(0 if is_split else lengths[0] for lengths, is_split in zip(chunks, splits, strict=True)),
        fill=stored.fill,
        kind=stored.dtype,
    )


def _lengths(length: int, step: int) -> tuple[int, ...]:
    step = max(1, step)
    return tuple(min(step, length - start) for start in range(0, length, step)) or (0,)


def _read(
    sources: np.ndarray,
    block_id: tuple[int, ...],
    variable: str,
    region: tuple[int, ...],
    steps: tuple[int, ...],
    fill: float | int,
    kind: np.dtype,
) -> np.ndarray:
    """Values of one chunk. Its file is the only entry of ``sources``; along split axes, of step 0, a file has one value."""
    starts = [position * step for position, step in zip(block_id, steps, strict=True)]
    piece = tuple(slice(start, min(start + (step or 1), n)) for start, step, n in zip(starts, steps, region, strict=True))
    source = sources.item()
    if source is None:
        return np.full([s.stop - s.start for s in piece], fill, kind)
    with NETCDF_LOCK:
        file = source.acquire()
        with store.reading(file.filepath()):
            return _padded(file[variable], piece, fill)


def _padded(variable: netCDF4.Variable, piece: tuple[slice, ...], fill: float | int) -> np.ndarray:
    """Values of ``piece``, with ``fill`` where it reaches beyond the variable."""
    inside = tuple(slice(s.start, min(s.stop, n)) for s, n in zip(piece, variable.shape, strict=True))
    if inside == piece:
        return variable[piece]
    values = np.full([s.stop - s.start for s in piece], fill, variable.dtype)
    if all(s.start < s.stop for s in inside):
        values[tuple(slice(0, s.stop - s.start) for s in inside)] = variable[inside]
    return values


def _agree(one: Block, other: Block, name: str) -> bool:
    if one.variables[name].text is not None:
        return False
    with NETCDF_LOCK, store.open_raw(one.path) as left, store.open_raw(other.path) as right:
        shape = tuple(map(min, left[name].shape, right[name].shape))
        return all(agree(left[name][piece], right[name][piece]) for piece in store.stored_chunks(shape, right[name]))
