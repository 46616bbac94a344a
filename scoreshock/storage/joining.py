"""Join the blocks of a quantity into one file, which has the layout of the first block with expanded split axes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scoreshock import axes
from scoreshock.storage import encoding, provenance, store
from scoreshock.storage.netcdf_lock import NETCDF_LOCK
from scoreshock.storage.plans import Planned

HELD_BYTES = 2**22
"""Variables up to this size over all blocks are assembled in memory and written once."""


def join(folder: str | Path, part: Planned) -> None:
    """Join the blocks of a quantity into ``<quantity>.nc``, one by one, so that memory does not grow with the sweep.

    Parameters
    ----------
    folder : path
        Folder of the sweep.
    part : Planned
        Plan of the quantity.

    Raises
    ------
    scoreshock.storage.store.BrokenFile
        If a block is damaged, with its name.
    ValueError
        If the digest of a block is not that of its folder, its variables or coordinates differ from those of the first
        block, or it disagrees with the first block about a variable that depends on no split axis.
    """
    folder, quantity = Path(folder), str(part.content["quantity"])
    blocks = {folder / file: values for file, values in part.files.items()}
    first, *_ = blocks
    with store.open_file(first, chunks=None) as opened:
        joined = axes.expanded(opened, part.labels)
    positions = {axis: {value: i for i, value in enumerate(named)} for axis, named in part.split.items()}
    with store.staged(folder / f"{quantity}.nc") as temporary:
        stored = encoding.described(joined, _attributes(joined.attrs, part, len(blocks)))
        with NETCDF_LOCK, encoding.laid_out(stored, temporary) as file:
            # Small variables would take most of the time if they were written once for each block.
            held = {name: np.array(v[...]) for name, v in file.variables.items() if v.size * v.dtype.itemsize <= HELD_BYTES}
            for path, values in blocks.items():
                position = {axis: positions[axis][value] for axis, value in values.items()}
                _copy({**file.variables, **held}, path, part, position)
            for name, array in held.items():
                file[name][...] = array
        store.seal(temporary, {str(name): variable.shape for name, variable in joined.variables.items()})


def _attributes(of_block: Mapping[str, Any], part: Planned, number: int) -> dict[str, Any]:
    """Global attributes of the joined file: those of the first block, and those of the content of all blocks."""
    about = provenance.of_content(part.content)
    history = (
        f"{of_block['history']}\n{provenance.history(f'scoreshock joined {number} blocks, of which the first is above')}"
    )
    return {**of_block, **about, "history": history, provenance.DIGEST: part.digest}


def _copy(targets: Mapping[str, Any], path: Path, part: Planned, position: Mapping[str, int]) -> None:
    """Copy a block to its region; variables that lack a split axis must agree with those of earlier blocks."""
    with store.opened(path) as (block, inspected), store.reading(path):
        if inspected.attributes.get(provenance.DIGEST) != part.blocks_digest:
            raise ValueError(
                f"{path} has other code or parameters than its folder and cannot be joined; to recompute it, add to the "
                f"same command: --forcerun {path}"
            )
        types, first = ({name: variable.dtype.str for name, variable in each.items()} for each in (block.variables, targets))
        if types != first:
            others = sorted(name for name in types | first if types.get(name) != first.get(name))
            raise ValueError(f"{path} does not fit the layout of the first block: {', '.join(others)}")
        checksums = store.checksums(inspected.attributes[store.CHECKSUMS])
        for name, variable in block.variables.items():
            start = [position.get(dim, 0) for dim in variable.dimensions]
            is_first = all(position[dim] == 0 for dim in position if dim not in variable.dimensions)
            is_index = name in variable.dimensions
            digest = hashlib.sha256()
            for piece in store.stored_chunks(variable.shape, variable):
                values = np.asarray(variable[piece], order="C")
                digest.update(values.data)
                region = tuple(slice(s.start + c, s.stop + c) for s, c in zip(piece, start, strict=True))
                if is_first and not is_index:
                    targets[name][region] = values
                elif not agree(values, np.asarray(targets[name][region])):
                    raise ValueError(f"blocks disagree about {name}: the first one, {path}")
            if digest.hexdigest() != checksums[name]:
                raise store.BrokenFile(f"{path} is corrupt: {name}: values differ from their checksum")


def agree(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two arrays have the same shape, type and bits, with all NaN equal."""
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.dtype.kind != "f":
        return np.array_equal(left, right)
    numbers = ~(np.isnan(left) & np.isnan(right))
    return left[numbers].tobytes() == right[numbers].tobytes()
