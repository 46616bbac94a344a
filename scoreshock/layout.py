"""Where each variable of each block file belongs in the dataset that the blocks make together.

A block has one value of every split axis. A variable's place is its position along the split axes that it carries:
blocks that differ only along axes that a variable does not carry hold that variable at the same place, once.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from scoreshock import provenance, store
from scoreshock.conventions import Status

Value = int | float | str
Place = tuple[int, ...]

DIGEST_BYTES = 32  # of SHA-256
LISTED = 1000  # blocks; what more of them have of their own would make a header of megabytes, and is in their catalogue


@dataclass(frozen=True)
class Stored:
    """One variable of a file: its dimensions (that of characters apart), and how it is stored."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    chunks: tuple[int, ...]
    attributes: Mapping[str, Any]
    text: np.ndarray | None  # values of text, which are few: their width is known only from all blocks

    @property
    def fill(self) -> float | int:
        """What stands where a block is missing: NaN in floats, -1 (``Status.missing``) in integers and flags."""
        return np.nan if self.dtype.kind == "f" else int(Status.missing)


@dataclass(frozen=True)
class Block:
    """What is known of one block file.

    Attributes
    ----------
    path, size, changed, inode
        The file, its bytes, when it was last changed (nanoseconds since 1970), and its number in the file system.
    values
        Its value of each split axis that it carries.
    form, variables
        A digest of its variables and how they are stored, and these; blocks of one form share the mapping.
    checksums
        SHA-256 of each variable's values, 32 bytes each, in the alphabetical order of the variables.
    attributes
        Global attributes, the completeness marker among them.
    """

    path: Path
    size: int
    changed: int
    inode: int
    values: Mapping[str, Value]
    form: str
    variables: Mapping[str, Stored]
    checksums: bytes
    attributes: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The folder of the block, which says its values, and its file."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def marker(self) -> str:
        """The completeness marker, a digest of the whole header."""
        return self.attributes[store.MARKER]

    @property
    def contents(self) -> str:
        """Digest of the parameters that it was computed from."""
        return str(self.attributes.get("scoreshock_parameters_digest", ""))

    def checksum(self, name: str) -> str:
        """SHA-256 of the values of a variable."""
        position = DIGEST_BYTES * sorted(self.variables).index(name)
        return self.checksums[position : position + DIGEST_BYTES].hex()

    def surely_shares(self, name: str, other: Block) -> bool:
        """Whether texts, or checksums of numbers, tell that both agree (chunks of other shapes have other checksums)."""
        one, two = self.variables[name], other.variables[name]
        if one.text is not None and two.text is not None:
            if one.text is two.text:
                return True
            overlap = tuple(slice(min(lengths)) for lengths in zip(one.shape, two.shape, strict=True))
            return np.array_equal(one.text[overlap], two.text[overlap])
        same = (one.shape, one.dtype, one.chunks) == (two.shape, two.dtype, two.chunks)
        return same and self.checksum(name) == other.checksum(name)


@dataclass(frozen=True)
class Layout:
    """Blocks, and the ordered values of the split axes that they fill."""

    blocks: tuple[Block, ...]
    axes: Mapping[str, tuple[Value, ...]]

    @cached_property
    def variables(self) -> dict[str, Stored]:
        """Every variable, as the first block that has it stores it."""
        found: dict[str, Stored] = {}
        forms = {block.form: block.variables for block in self.blocks}  # in the order of the first block of each
        for variables in forms.values():
            found = {**variables, **found}
        return found

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Length of every dimension: of a split axis its number of values, of any other the longest of the blocks."""
        sizes: dict[str, int] = {}
        for variables in {block.form: block.variables for block in self.blocks}.values():
            for stored in variables.values():
                for dim, length in zip(stored.dims, stored.shape, strict=True):
                    sizes[dim] = len(self.axes[dim]) if dim in self.axes else max(length, sizes.get(dim, 0))
        return sizes

    @cached_property
    def sources(self) -> dict[tuple[str, Place], Block]:
        """The block that gives each variable at each place: the first of those that hold most of it."""
        found: dict[tuple[str, Place], Block] = {}
        for block in self.blocks:
            for name, stored in block.variables.items():
                key = name, self.place(block, stored.dims)
                if key not in found or math.prod(stored.shape) > math.prod(found[key].variables[name].shape):
                    found[key] = block
        return found

    @cached_property
    def _positions(self) -> dict[str, dict[Value, int]]:
        return {axis: {value: position for position, value in enumerate(values)} for axis, values in self.axes.items()}

    def place(self, block: Block, dims: Sequence[str]) -> Place:
        """Position of ``block`` along the split axes among ``dims``."""
        return tuple(self._positions[dim][block.values[dim]] for dim in dims if dim in self.axes)

    def places(self, name: str) -> Iterator[Place]:
        """All places of a variable."""
        dims = self.variables[name].dims
        return itertools.product(*(range(len(self.axes[dim])) for dim in dims if dim in self.axes))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a variable over all blocks."""
        return tuple(self.sizes[dim] for dim in self.variables[name].dims)

    def region_shape(self, name: str) -> tuple[int, ...]:
        """Shape of what one block gives to a variable."""
        return tuple(1 if dim in self.axes else self.sizes[dim] for dim in self.variables[name].dims)

    def corner(self, name: str, place: Place) -> tuple[int, ...]:
        """First index, along every dimension, of what the block at ``place`` gives to a variable."""
        position = iter(place)
        return tuple(next(position) if dim in self.axes else 0 for dim in self.variables[name].dims)

    def shared(self, block: Block) -> list[tuple[str, Place]]:
        """Variables of ``block`` that another block gives, with their places, unless they surely agree."""
        keys = [(name, self.place(block, stored.dims)) for name, stored in block.variables.items()]
        others = [(name, place) for name, place in keys if self.sources[name, place] is not block]
        return [(name, place) for name, place in others if not block.surely_shares(name, self.sources[name, place])]

    def gaps(self) -> list[str]:
        """What no block gives: ``name at axis=value, ...``."""
        return [
            f"{name} at {self._words(name, place)}"
            for name in self.variables
            for place in self.places(name)
            if (name, place) not in self.sources
        ]

    def _words(self, name: str, place: Place) -> str:
        carried = [dim for dim in self.variables[name].dims if dim in self.axes]
        return ", ".join(f"{dim}={self.axes[dim][i]}" for dim, i in zip(carried, place, strict=True))

    def text(self, name: str) -> np.ndarray:
        """Values of a text variable over all blocks, empty where no block gives them."""
        if name in self.axes:
            return np.array(self.axes[name], dtype=str)
        result = np.full(self.shape(name), "", dtype=object)
        for place in self.places(name):
            source = self.sources.get((name, place))
            if source is not None:
                values = source.variables[name].text
                assert values is not None
                corner = self.corner(name, place)
                result[tuple(slice(i, i + n) for i, n in zip(corner, values.shape, strict=True))] = values
        return result.astype(str)

    def common_attributes(self) -> dict[str, Any]:
        """Global attributes that all blocks share."""
        first = self.blocks[0].attributes
        return {
            name: value
            for name, value in first.items()
            if name != store.MARKER and all(_same(block.attributes.get(name), value) for block in self.blocks)
        }

    def own_attributes(self) -> dict[str, dict[str, Any]]:
        """Global attributes that differ, by the label of the block."""
        common = self.common_attributes()
        return {
            label: {
                name: np.asarray(value).tolist()
                for name, value in block.attributes.items()
                if name != store.MARKER and name not in common
            }
            for label, block in zip(self.labels(), self.blocks, strict=True)
        }

    def listed_attributes(self) -> dict[str, str]:
        """The attribute that lists by block, as JSON, what differs; none where the blocks are too many for a header."""
        return {"scoreshock_blocks": json.dumps(self.own_attributes())} if len(self.blocks) <= LISTED else {}

    def contents(self) -> str:
        """Digest of the blocks' names and parameters."""
        return provenance.contents_digest({block.path.parent.name: block.contents for block in self.blocks})

    def labels(self) -> list[str]:
        """The name of each block's folder; its path where folders share a name."""
        folders = [block.path.parent.name for block in self.blocks]
        return folders if len(set(folders)) == len(folders) else [str(block.path) for block in self.blocks]


def arrange(blocks: Sequence[Block], split: Sequence[str], order: Mapping[str, Sequence[Value]] | None = None) -> Layout:
    """Return the layout of ``blocks``: the values of each split axis come as in ``order``, or as the blocks bring them.

    Raises
    ------
    ValueError
        Without blocks, or when a variable has other dimensions or another type in one block than in another.
    """
    if not blocks:
        raise ValueError("no blocks to join")
    axes = {}
    for axis in split:
        brought = dict.fromkeys(block.values[axis] for block in blocks if axis in block.values)
        if brought:
            axes[axis] = tuple((order or {}).get(axis, ())) or tuple(brought)
    layout = Layout(tuple(blocks), axes)
    for block in {block.form: block for block in blocks}.values():
        for name, stored in block.variables.items():
            first = layout.variables[name]
            if (stored.dims, stored.dtype) != (first.dims, first.dtype):
                raise ValueError(f"{name} is {_kind(stored)} in {block.name}, {_kind(first)} in another block")
    return layout


def read_block(path: str | Path, split: Sequence[str], full: bool = False) -> Block:
    """Return the header of the whole block file at ``path``, with ``full`` after comparing all values with checksums.

    Raises
    ------
    scoreshock.store.BrokenFile
        When the file is not whole.
    ValueError
        When it has more than one value of an axis of ``split``.
    """
    path = Path(path)
    with store.opened(path, full) as (file, seen):
        return read_open_block(path, file, seen.attributes, split)


def read_open_block(path: Path, file: Any, attributes: Mapping[str, Any], split: Sequence[str]) -> Block:
    """Return the header of a block file that is open, with the global attributes that its inspection found."""
    status = os.stat(path)
    variables = {name: _stored(variable) for name, variable in file.variables.items()}
    checksums = [file[name].getncattr(store.CHECKSUM) for name in sorted(variables)]
    return Block(
        path=path,
        size=status.st_size,
        changed=status.st_mtime_ns,
        inode=status.st_ino,
        values={axis: _only_value(path, axis, file[axis], variables[axis]) for axis in split if axis in variables},
        form=_form(variables),
        variables=variables,
        checksums=bytes.fromhex("".join(checksums)),
        attributes=interned(attributes),
    )


def interned(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with texts that many blocks have held once."""
    return {sys.intern(name): sys.intern(value) if type(value) is str else value for name, value in attributes.items()}


def agree(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two arrays of one shape have the same bits, all NaN being equal."""
    if left.dtype != right.dtype:
        return False
    if left.dtype.kind != "f":
        return np.array_equal(left, right)
    numbers = ~(np.isnan(left) & np.isnan(right))
    return left[numbers].tobytes() == right[numbers].tobytes()


def _stored(variable: Any) -> Stored:
    is_text = variable.dtype.kind == "S"
    attributes = {name: variable.getncattr(name) for name in variable.ncattrs()}
    chunking = variable.chunking() if variable.ndim else []
    ndim = variable.ndim - is_text
    return Stored(
        dims=variable.dimensions[:ndim],
        shape=variable.shape[:ndim],
        dtype=variable.dtype,
        chunks=tuple(chunking[:ndim]) if isinstance(chunking, list) else variable.shape[:ndim],
        attributes={name: value for name, value in attributes.items() if name != store.CHECKSUM},
        text=_text(variable[...]) if is_text else None,
    )


def _form(variables: Mapping[str, Stored]) -> str:
    """Digest of all that two files of one form have in common."""
    said = {
        name: [
            *(stored.dims, stored.shape, stored.dtype.str, stored.chunks),
            {key: np.asarray(value).tolist() for key, value in stored.attributes.items()},
            None if stored.text is None else stored.text.tolist(),
        ]
        for name, stored in variables.items()
    }
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _text(characters: np.ndarray) -> np.ndarray:
    width = characters.shape[-1]
    joined = np.ascontiguousarray(characters).view(f"S{width}")[..., 0]
    return np.char.decode(joined, "utf-8")


def _only_value(path: str | Path, axis: str, variable: Any, stored: Stored) -> Value:
    if stored.dims != (axis,) or stored.shape != (1,):
        raise ValueError(f"{path}: the split axis {axis} has dimensions {stored.dims}, shape {stored.shape}, not one value")
    values = variable[...] if stored.text is None else stored.text
    return values[0].item()


def _kind(stored: Stored) -> str:
    return f"{stored.dtype.name}({', '.join(stored.dims)})"


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, str | int | float) and isinstance(right, str | int | float):
        return left == right
    return left is not None and np.array_equal(np.asarray(left), np.asarray(right))
