"""Files that hold a schedule: columns of a table, a bare list of numbers, or a scheduler's configuration.

Files are data and never code: nothing pickled is read, and what a file declares is measured before it is read.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
import yaml

from scoreshock.checks import listed, readable_file, repeated, shortened, show
from scoreshock.schedules import lists
from scoreshock.schedules.kinds import MAX_STEPS

FILE_LIMIT = 2**26
YAML_LIMIT = 2**20
"""Most bytes of a file that holds a table, and of one in YAML, whose reading is slow (ours)."""

UNREADABLE = (
    OSError, ValueError, RuntimeError, TypeError, AttributeError, LookupError, ArithmeticError, EOFError, csv.Error,
    yaml.YAMLError, zipfile.BadZipFile,
)  # fmt: skip
"""What the libraries raise on files that are damaged or forged, such as !!int "" in YAML."""


def read(options: dict[str, Any], key: str = "file") -> Any:
    """Columns by name, or a list, of the file that an option names; its digest is checked or noted."""
    file = options[key]
    path = FilePath(file)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"{key} = {file!r} is not a table; allowed: {', '.join(READERS)}")
    limit = YAML_LIMIT if READERS[suffix] is _read_yaml else FILE_LIMIT
    if (size := readable_file(path).stat().st_size) > limit:
        raise ValueError(f"{key} = {file!r} has {size:,} bytes; allowed: at most {limit:,} of {suffix} (our limit)")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if options.setdefault("digest", digest) != digest:
        raise ValueError(f"{key} = {file!r} has changed: sha256 {digest}, expected {options['digest']}")
    try:
        return READERS[suffix](path)
    except UNREADABLE as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else shortened(error, 240)
        raise ValueError(f"{key} = {file!r} cannot be read as {suffix}: {reason}") from None


def read_config(options: dict[str, Any]) -> Mapping[str, Any]:
    """A scheduler's configuration from the file of the option ``config``."""
    contents = read(options, "config")
    if not isinstance(contents, Mapping):
        raise ValueError(f"config = {options['config']!r} holds no mapping; allowed: a scheduler_config.json")
    return contents


def is_file(value: Any) -> bool:
    """Whether text names a file of a schedule, by its ending."""
    return isinstance(value, str) and FilePath(value).suffix.lower() in READERS


def _read_csv(path: FilePath) -> Any:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = (row for row in csv.reader(stream, skipinitialspace=True) if row)
        names = [name.strip() for name in next(rows, [])]
        if names and all(isinstance(_cell(name), float) for name in names):
            return _without_header(names, list(itertools.islice(rows, MAX_STEPS)))
        if again := repeated(names):
            raise ValueError(f"it has the column {show(again[0])} more than once; allowed: each column once")
        cells = list(itertools.islice(rows, MAX_STEPS + 1))
    if len(cells) > MAX_STEPS:
        raise ValueError(f"it has more than {MAX_STEPS:,} rows")
    if any(len(row) > len(names) for row in cells):
        raise ValueError("a line has more cells than the header (columns are separated by commas, with decimal points)")
    return {name: [_cell(row[j]) if j < len(row) else None for row in cells] for j, name in enumerate(names)}


def _without_header(first: list[str], rest: list[list[str]]) -> list[float | str]:
    """Numbers in one column or in one line."""
    if rest and (len(first) > 1 or any(len(row) > 1 for row in rest)):
        raise ValueError("it has several columns and no header; allowed: a first line with their names")
    return [_cell(cell) for row in [first, *rest] for cell in row]


def _cell(text: str) -> float | str:
    """A number where the cell is one; the rest is refused later."""
    try:
        return float(text)
    except ValueError:
        return text


def _read_netcdf(path: FilePath) -> dict[str, np.ndarray]:
    with netCDF4.Dataset(path) as file:
        if file.groups:
            raise ValueError(f"it has groups ({listed(file.groups)}); allowed: variables outside of groups")
        # Before anything is read: a compressed file of a few bytes may declare any length.
        _refuse_long({name: variable.size for name, variable in file.variables.items()})
    with xr.open_dataset(path, engine="netcdf4") as stored:
        return {str(name): stored[name].values for name in stored.variables}


def _refuse_long(sizes: Mapping[str, int]) -> None:
    long = [f"{name} has {size:,} entries" for name, size in sizes.items() if size > MAX_STEPS]
    if long:
        raise ValueError(f"{listed(long)}; allowed: at most {MAX_STEPS:,}")


class _Loader(yaml.SafeLoader):
    """The safe loader without aliases, which multiply: values are then at most as many as the file has characters."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("it has aliases (*name); write the numbers")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if again := repeated(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            raise ValueError(f"it has {show(again[0])} more than once; allowed: each column once")
        return super().construct_mapping(node, deep)


def _plain_number(loader: _Loader, node: yaml.ScalarNode) -> int | float:
    """A number in the digits that it is written with, not those that YAML takes for base 8 or 60."""
    if ":" in node.value or re.fullmatch(r"[-+]?0[0-9_]+", node.value):
        raise ValueError(f"it has {shortened(node.value, 20)}, which YAML reads in base 8 or 60; write a plain number")
    value = loader.construct_yaml_int(node) if node.tag.endswith(":int") else loader.construct_yaml_float(node)
    return float(value) if isinstance(value, float) else int(value)


for _tag in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _plain_number)


def _read_yaml(path: FilePath) -> Any:
    loader = _Loader(path.read_text(encoding="utf-8"))
    try:
        stored = loader.get_single_data()
    finally:
        loader.dispose()
    return _columns_or_list(stored)


def _columns_or_list(stored: Any) -> Any:
    if not isinstance(stored, dict | list):
        raise ValueError("no columns: a list of numbers, or a mapping from column names to lists, is needed")
    return stored


def _read_json(path: FilePath) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if again := repeated(key for key, _ in pairs):
            raise ValueError(f"it has {show(again[0])} more than once; allowed: each key once")
        return dict(pairs)

    return _columns_or_list(json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once))


def _read_text(path: FilePath) -> Any:
    return lists.numbers("its text", path.read_text(encoding="utf-8-sig"))


def _read_npy(path: FilePath) -> np.ndarray:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    _refuse_long({"its array": array.size})
    return np.array(array)


def _read_npz(path: FilePath) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as packed:
        # What is packed may stand for any size.
        _refuse_long(
            {member.filename.removesuffix(".npy"): max(0, member.file_size - 128) // 8 for member in packed.infolist()}
        )
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


READERS: dict[str, Callable[[FilePath], Any]] = {
    ".csv": _read_csv,
    ".nc": _read_netcdf,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".json": _read_json,
    ".txt": _read_text,
    ".npy": _read_npy,
    ".npz": _read_npz,
}
"""Readers by the ending of a file's name."""
