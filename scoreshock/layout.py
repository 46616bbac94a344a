"""Where each variable of each block file belongs in the dataset that the blocks make together.

A block has one value of every split axis. A variable's place is its position along the split axes that it carries:
blocks that differ only along axes that a variable does not carry hold that variable at the same place, once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from scoreshock import store
from scoreshock.conventions import Status

Value = int | float | str
Place = tuple[int, ...]


@dataclass(frozen=True)
class Stored:
    """One variable of one file: its dimensions (that of characters apart), how it is stored, and its checksum."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    chunks: tuple[int, ...]
    checksum: str
    attributes: Mapping[str, Any]
    text: np.ndarray | None  # values of text, which are few: their width is known only from all blocks

    @property
    def fill(self) -> float | int:
        """What stands where a block is missing: NaN in floats, -1 (``Status.missing``) in integers and flags."""
        return np.nan if self.dtype.kind == "f" else int(Status.missing)

    def surely_equals(self, other: Stored) -> bool:
        """Whether texts, or checksums of numbers, tell that both agree (chunks of other shapes have other checksums)."""
        if self.text is not None and other.text is not None:
            overlap = tuple(slice(min(lengths)) for lengths in zip(self.shape, other.shape, strict=True))
            return np.array_equal(self.text[overlap], other.text[overlap])
        return (self.shape, self.dtype, self.chunks, self.checksum) == (
            other.shape,
            other.dtype,
            other.chunks,
            other.checksum,
        )


@dataclass(frozen=True)
class Block:
    """The header of one block file, and its value of each split axis that it carries."""

    path: Path
    values: Mapping[str, Value]
    variables: Mapping[str, Stored]
    attributes: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The folder of the block, which says its values, and its file."""
        return f"{self.path.parent.name}/{self.path.name}"


@dataclass(frozen=True)
class Layout:
    """Blocks, and the ordered values of the split axes that they fill."""

    blocks: tuple[Block, ...]
    axes: Mapping[str, tuple[Value, ...]]

    @cached_property
    def variables(self) -> dict[str, Stored]:
        """Every variable, as the first block that has it stores it."""
        return {name: stored for block in reversed(self.blocks) for name, stored in block.variables.items()}

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Length of every dimension: of a split axis its number of values, of any other the longest of the blocks."""
        sizes: dict[str, int] = {}
        for block in self.blocks:
            for stored in block.variables.values():
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
                if key not in found or np.prod(stored.shape) > np.prod(found[key].variables[name].shape):
                    found[key] = block
        return found

    def place(self, block: Block, dims: Sequence[str]) -> Place:
        """Position of ``block`` along the split axes among ``dims``."""
        return tuple(self.axes[dim].index(block.values[dim]) for dim in dims if dim in self.axes)

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
        return [
            (name, place)
            for name, place in others
            if not block.variables[name].surely_equals(self.sources[name, place].variables[name])
        ]

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
        """Global attributes that differ, by the name of the block's folder (its path where folders share a name)."""
        common = self.common_attributes()
        folders = [block.path.parent.name for block in self.blocks]
        labels = folders if len(set(folders)) == len(folders) else [str(block.path) for block in self.blocks]
        return {
            label: {
                name: np.asarray(value).tolist()
                for name, value in block.attributes.items()
                if name != store.MARKER and name not in common
            }
            for label, block in zip(labels, self.blocks, strict=True)
        }


def arrange(blocks: Sequence[Block], split: Sequence[str], order: Mapping[str, Sequence[Value]] | None = None) -> Layout:
    """Return the layout of ``blocks``: the values of each split axis come as in ``order``, or as the blocks bring them.

    Raises
    ------
    ValueError
        Without blocks, or when a variable has other dimensions in one block than in another.
    """
    if not blocks:
        raise ValueError("no blocks to join")
    axes = {}
    for axis in split:
        brought = dict.fromkeys(block.values[axis] for block in blocks if axis in block.values)
        if brought:
            axes[axis] = tuple((order or {}).get(axis, ())) or tuple(brought)
    layout = Layout(tuple(blocks), axes)
    for block in blocks:
        for name, stored in block.variables.items():
            first = layout.variables[name]
            if (stored.dims, stored.dtype.kind) != (first.dims, first.dtype.kind):
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
    inspection = store.check(path, full)
    with store.open_raw(Path(path)) as file:
        variables = {name: _stored(variable) for name, variable in file.variables.items()}
        values = {axis: _only_value(path, axis, file[axis], variables[axis]) for axis in split if axis in variables}
    return Block(Path(path), values, variables, inspection.attributes)


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
        checksum=attributes.pop(store.CHECKSUM),
        attributes=attributes,
        text=_text(variable[...]) if is_text else None,
    )


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
    return left is not None and np.array_equal(np.asarray(left), np.asarray(right))
