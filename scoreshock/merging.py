"""Join block files into one file, chunk by chunk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from scoreshock import catalogue, plans, provenance, store
from scoreshock.assembly import differing_shares
from scoreshock.layout import Block, Layout, Stored, agree, arrange
from scoreshock.netcdf_lock import NETCDF_LOCK
from scoreshock.records import Reader, refuse_changed

SHOWN = 5  # blocks that an error names


def merge(
    paths: Iterable[str | Path],
    out: str | Path,
    split: Sequence[str] = (),
    attributes: Mapping[str, Any] | None = None,
    listing: str | Path | None = None,
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
        JSON by block (of at most `scoreshock.layout.LISTED` blocks; a catalogue has it of all).
    listing : path, optional
        Where to write the catalogue of the blocks.

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
    layout = whole_layout(map(Path, paths), split)
    with store.staged(Path(out)) as temporary:
        with NETCDF_LOCK, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
            file.setncatts(_merged_attributes(layout) | dict(attributes or {}))
            _define(file, layout)
            for block in layout.blocks:
                _copy(file, layout, block)
            for block in layout.blocks:
                _refuse_disagreement(file, layout, block)
        store.seal(temporary, {name: layout.shape(name) for name in layout.variables})
    if listing is not None:
        catalogue.write(layout, listing)


def list_blocks(paths: Iterable[str | Path], listing: str | Path, split: Sequence[str] = ()) -> None:
    """Write the catalogue of blocks that stay the dataset, after reading them all; arguments and errors as of `merge`."""
    layout = whole_layout(map(Path, paths), split)
    for block in layout.blocks:
        with store.opened(block.path, full=True) as (_, seen):
            refuse_changed(block.path, block.marker, seen.attributes)
    differing = differing_shares(layout)
    if differing:
        raise ValueError(f"blocks disagree: {differing[0]}")
    catalogue.write(layout, listing)


def whole_layout(paths: Iterable[Path], split: Sequence[str]) -> Layout:
    """Return the layout of blocks that one code computed and that leave no place empty; refuse others by name."""
    reader, known = Reader(split), {}
    blocks, others = [], []
    for path in paths:
        folder = path.parent.parent.parent
        if folder not in known:
            known[folder] = plans.planned(folder)
        planned = known[folder].get(path.parent.name)
        blocks.append(reader.read(path, planned and planned.values))
        if planned and blocks[-1].contents != planned.contents.get(path.stem, blocks[-1].contents):
            others.append(blocks[-1])
    _refuse_other_parameters(others)
    layout = arrange(blocks, split)
    _refuse_mixed_code(layout.blocks)
    gaps = layout.gaps()
    if gaps:
        raise ValueError(f"no block gives {_named(gaps)}")
    return layout


def _refuse_other_parameters(others: Sequence[Block]) -> None:
    if others:
        files = " ".join(str(block.path) for block in others[:SHOWN]) + (" ..." if others[SHOWN:] else "")
        raise ValueError(
            f"{len(others):,} of the blocks are of other parameters than {plans.PLAN} says, and cannot be joined; to make "
            f"them again, add to the same command: --forcerun {files}"
        )


def _refuse_mixed_code(blocks: Sequence[Block]) -> None:
    by_code: dict[str, list[str]] = {}
    for block in blocks:
        by_code.setdefault(str(block.attributes.get("scoreshock_code_digest", "unknown")), []).append(block.name)
    if len(by_code) > 1:
        groups = "; ".join(f"{code[:12]}: {_named(names)}" for code, names in by_code.items())
        raise ValueError(f"blocks come from different code and cannot be joined: {groups}")


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if names[SHOWN:] else "")


def _merged_attributes(layout: Layout) -> dict[str, Any]:
    common = layout.common_attributes() | {provenance.CONTENTS: layout.contents()}
    lines = [str(common["history"])] if "history" in common else []
    lines.append(provenance.history(f"scoreshock merged {len(layout.blocks)} blocks"))
    return common | {"history": "\n".join(lines)} | layout.listed_attributes()


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
    """Write to the joined file what ``block`` gives to it; each value is read once, and compared with its checksum."""
    with store.opened(block.path) as (source, seen):
        refuse_changed(block.path, block.marker, seen.attributes)
        for name, stored in block.variables.items():
            place = layout.place(block, stored.dims)
            copied = stored.text is None and name not in layout.axes and layout.sources[name, place] is block
            corner, region = layout.corner(name, place), layout.region_shape(name)
            if copied and stored.shape != region:
                for piece in store.stored_chunks(region, source[name]):
                    file[name][_moved(piece, corner)] = np.full([s.stop - s.start for s in piece], stored.fill, stored.dtype)
            for piece, values in _verified(block, source[name]):
                if copied:
                    file[name][_moved(piece, corner)] = values


def _verified(block: Block, variable: netCDF4.Variable) -> Iterator[tuple[tuple[slice, ...], np.ndarray]]:
    """Places and values of all stored chunks of a variable; at the end an error when they are not those of its checksum."""
    digest = hashlib.sha256()
    try:
        for piece in store.stored_chunks(variable.shape, variable):
            values = np.asarray(variable[piece])
            digest.update(np.ascontiguousarray(values).tobytes())
            yield piece, values
    except (OSError, RuntimeError) as error:
        raise store.BrokenFile(f"{block.path} is corrupt: {variable.name}: cannot be read ({error})") from error
    if digest.hexdigest() != block.checksum(variable.name):
        raise store.BrokenFile(f"{block.path} is corrupt: {variable.name}: values differ from their checksum")


def _refuse_disagreement(file: netCDF4.Dataset, layout: Layout, block: Block) -> None:
    """Compare what ``block`` shares with others with what the joined file has of it."""
    shared = layout.shared(block)
    if not shared:
        return
    with NETCDF_LOCK, store.open_raw(block.path) as source:
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
