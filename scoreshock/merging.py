"""Join block files into one file, chunk by chunk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from scoreshock import provenance, store
from scoreshock.layout import Block, Layout, Stored, agree, arrange, read_block


def merge(
    paths: Iterable[str | Path],
    out: str | Path,
    split: Sequence[str] = (),
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Join block files into one file, chunk by chunk, so that memory does not grow with the sweep.

    Parameters
    ----------
    paths : iterable of paths
        Files of one quantity, one a block; the values of each split axis come out in the order in which these bring them.
    out : path
        The file to write; it appears under this name only when it is whole.
    split : sequence of str
        The axes of which each block has one value, as a dimension of length 1. A variable that carries none of them
        is stored once, and must have the same bits in all blocks (NaN equals NaN).
    attributes : mapping, optional
        Global attributes to set. Others are kept where all blocks agree; what differs is in ``scoreshock_blocks``, as
        JSON by block.

    Raises
    ------
    scoreshock.store.BrokenFile
        When a block is not whole.
    ValueError
        When blocks come from different code, disagree about what they share, or leave a place empty.

    Notes
    -----
    Where blocks have dimensions of different length that are no split axes (a schedule's steps), the longest counts; what
    others lack is NaN, or -1 in integers and flags.
    """
    layout = arrange([read_block(path, split, full=True) for path in paths], split)
    _refuse_mixed_code(layout.blocks)
    gaps = layout.gaps()
    if gaps:
        raise ValueError(f"no block gives {'; '.join(gaps[:5])}" + (f" and {len(gaps) - 5} more" if gaps[5:] else ""))
    with store.staged(Path(out)) as temporary:
        with netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
            file.setncatts(_merged_attributes(layout) | dict(attributes or {}))
            _define(file, layout)
            for block in layout.blocks:
                _copy(file, layout, block)
            for block in layout.blocks:
                _refuse_disagreement(file, layout, block)
        store.seal(temporary, {name: layout.shape(name) for name in layout.variables})


def _refuse_mixed_code(blocks: Sequence[Block]) -> None:
    by_code: dict[str, list[str]] = {}
    for block in blocks:
        by_code.setdefault(str(block.attributes.get("scoreshock_code_digest", "unknown")), []).append(block.name)
    if len(by_code) > 1:
        groups = "; ".join(f"{code[:12]}: {', '.join(names)}" for code, names in by_code.items())
        raise ValueError(f"blocks come from different code and cannot be joined: {groups}")


def _merged_attributes(layout: Layout) -> dict[str, Any]:
    common = layout.common_attributes()
    lines = [str(common["history"])] if "history" in common else []
    lines.append(provenance.history(f"scoreshock merged {len(layout.blocks)} blocks"))
    return common | {"history": "\n".join(lines), "scoreshock_blocks": json.dumps(layout.own_attributes())}


def _define(file: netCDF4.Dataset, layout: Layout) -> None:
    """Create dimensions and variables of the joined file, and write what is text or a split axis."""
    for dim, length in layout.sizes.items():
        file.createDimension(dim, length)
    for name, stored in layout.variables.items():
        if stored.text is not None:
            _write_text(file, name, stored, layout.text(name))
            continue
        shape = layout.shape(name)
        storage = dict(store.FILTERS) if shape else {}
        if shape:
            storage["chunksizes"] = store.chunk_shape(shape, stored.dtype.itemsize, stored.chunks)
        variable = file.createVariable(name, stored.dtype, stored.dims, **storage)
        variable.set_auto_maskandscale(False)
        variable.setncatts(stored.attributes)
        if name in layout.axes:
            variable[:] = np.array(layout.axes[name], stored.dtype)


def _write_text(file: netCDF4.Dataset, name: str, stored: Stored, values: np.ndarray) -> None:
    encoded = np.char.encode(values, "utf-8")
    width = max(1, encoded.dtype.itemsize)
    dim = f"string{width}"
    if dim not in file.dimensions:
        file.createDimension(dim, width)
    variable = file.createVariable(name, "S1", (*stored.dims, dim), **store.FILTERS)
    variable.set_auto_chartostring(False)
    variable.setncatts(stored.attributes)
    variable[...] = np.ascontiguousarray(encoded.astype(f"S{width}")).view("S1").reshape(*values.shape, width)


def _copy(file: netCDF4.Dataset, layout: Layout, block: Block) -> None:
    """Write to the joined file all that ``block`` gives to it."""
    with store.open_raw(block.path) as source:
        for name, stored in block.variables.items():
            place = layout.place(block, stored.dims)
            if stored.text is None and name not in layout.axes and layout.sources[name, place] is block:
                corner = layout.corner(name, place)
                for piece in store.stored_chunks(layout.region_shape(name), source[name]):
                    file[name][_moved(piece, corner)] = _padded(source[name], piece, stored.fill)


def _padded(variable: netCDF4.Variable, piece: tuple[slice, ...], fill: float | int) -> np.ndarray:
    """Values of ``piece``, with ``fill`` where it reaches beyond the variable."""
    inside = tuple(slice(s.start, min(s.stop, n)) for s, n in zip(piece, variable.shape, strict=True))
    if inside == piece:
        return variable[piece]
    values = np.full([s.stop - s.start for s in piece], fill, variable.dtype)
    if all(s.start < s.stop for s in inside):
        values[tuple(slice(0, s.stop - s.start) for s in inside)] = variable[inside]
    return values


def _refuse_disagreement(file: netCDF4.Dataset, layout: Layout, block: Block) -> None:
    """Compare what ``block`` shares with others with what the joined file has of it."""
    shared = layout.shared(block)
    if not shared:
        return
    with store.open_raw(block.path) as source:
        for name, place in shared:
            if block.variables[name].text is not None or not _agrees(file, source[name], layout.corner(name, place)):
                raise ValueError(f"blocks disagree about {name}: {layout.sources[name, place].name}, {block.name}")


def _agrees(file: netCDF4.Dataset, variable: netCDF4.Variable, corner: tuple[int, ...]) -> bool:
    """Whether the joined file holds ``variable`` from ``corner`` on."""
    joined = file[variable.name]
    pieces = store.stored_chunks(variable.shape, variable)
    return all(agree(variable[piece], joined[_moved(piece, corner)]) for piece in pieces)


def _moved(piece: tuple[slice, ...], corner: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(s.start + start, s.stop + start) for s, start in zip(piece, corner, strict=True))
