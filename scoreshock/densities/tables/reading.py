"""Tables from whatever people have: a file by its kind, a frame, a Bunch, a dataset, arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import xarray as xr

from scoreshock.checks import listed, readable_file, show
from scoreshock.densities.tables import arrays, text
from scoreshock.densities.tables.bundled import is_bunch, read_bunch
from scoreshock.densities.tables.columns import is_frame, read_frame
from scoreshock.densities.tables.parquet import read_parquet
from scoreshock.densities.tables.rows import as_rows
from scoreshock.densities.tables.table import Choice, Table

COLUMNS = (*text.SUFFIXES, ".parquet")
ARRAYS = (".nc", ".npz", ".npy", ".safetensors")
PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib")
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", *ARRAYS)
"""Suffixes of files that are read, as a message lists them."""


def read_file(file: str | Path, choice: Choice | None = None) -> Table:
    """The table of a file.

    Text (``.csv``, ``.tsv``, ``.txt``, ..., also packed) and Parquet have named columns, one with the classes. NetCDF,
    npz, safetensors, npy and idx files have arrays: of samples, whose numbers are the features whatever their dimensions,
    and of labels; those of npy and idx are in another file, which ``label`` of the choice names. Nothing pickled is read.

    Raises
    ------
    ValueError
        Where the file cannot be read, or would be misread; the message names what is allowed.
    """
    path, choice = _existing(file), choice or Choice()
    apart = [] if choice.labels_apart else [readable_file(label) for label in label_files(file, choice.label)]
    states = [each.stat() for each in (path, *apart)]
    versions = tuple((state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size) for state in states)
    return _read(path, choice, apart[0] if apart else None, versions)


@lru_cache(maxsize=1)  # checking a study reads its file several times
def _read(path: Path, choice: Choice, apart: Path | None, versions: tuple[Any, ...]) -> Table:  # noqa: ARG001 - changed files
    if apart is None:
        return _whole(path, choice, None)
    if suffix_of(path) in COLUMNS:
        choice.refuse(f"file {path} with labels in another file", "missing")
    choice = replace(choice, label=None, labels_apart=f"{apart} has its labels")
    if suffix_of(apart) not in text.SUFFIXES:
        table = _whole(path, choice, arrays.read_labels(apart))
    else:
        table = _whole(path, choice, None)
        table = replace(table, labels=text.read_lines(apart, len(table.features)))
    return replace(table, notes={**table.notes, "label_file": str(apart)})


def _whole(path: Path, choice: Choice, labels: Any) -> Table:
    """The table of a file, with ``labels`` where these are known."""
    suffix = suffix_of(path)
    if suffix in COLUMNS:
        table = (read_parquet if suffix == ".parquet" else text.read_text)(path, choice)
        return table if labels is None else replace(table, labels=labels)
    if not choice.labels_apart and (suffix == ".npy" or arrays.is_idx(path)):
        raise ValueError(f"file {path} has no labels; allowed: label: the file of the labels")
    return arrays.read_arrays(path, choice, labels)


def label_files(file: str | Path, label: str | None) -> list[str]:
    """Files of labels beside the table in ``file``: the one that ``label`` names, or that of idx files."""
    if label is not None:
        named = Path(label)
        return [label] if suffix_of(named) in (*text.SUFFIXES, *ARRAYS) or arrays.is_idx(named) else []
    beside = arrays.labels_beside(Path(file))
    return [] if beside is None else [str(beside)]


def data_files(parameters: Mapping[str, Any]) -> list[str]:
    """Files that the parameters of a family name: that of the data, and that of its labels."""
    file, label = parameters.get("file"), parameters.get("label")
    if file is None:
        return []
    return [file, *label_files(file, label)] if label is None or isinstance(label, str) else [file]


def as_table(features: Any, labels: Any) -> Table:
    """The table of what a session has.

    ``features`` is an array (N, d) with ``labels`` (N,), a frame or dataset with the name of its labels, a
    Bunch of scikit-learn, or a path as of `read_file`.
    """
    if isinstance(features, Table):
        return features
    name = labels if isinstance(labels, str) else None
    whole = labels is None or name is not None
    if isinstance(features, str | os.PathLike):
        if not whole:
            raise ValueError(
                f"labels = {show(labels)} is not allowed beside a file; allowed: the name of its column or file of labels"
            )
        return read_file(os.fspath(features), Choice(label=name))
    if is_bunch(features) and labels is None:
        return read_bunch("features", features)
    if isinstance(features, xr.Dataset) and whole:
        return _read_dataset(features, Choice(label=name))
    if is_frame(features) and not isinstance(features, xr.DataArray):
        if whole:
            return read_frame("features", features, Choice(label=name))
        if hasattr(labels, "iloc") and hasattr(features, "iloc") and not features.index.equals(labels.index):
            raise ValueError(
                "labels has another index than features; allowed: labels in the order of the rows (reset_index)"
            )
        return replace(read_frame("features", features, Choice(labels_apart="labels are given apart")), labels=labels)
    if labels is None:
        raise ValueError(
            f"features = {show(features)} has no labels; allowed: an array with labels (N,), a frame, a Bunch, a path"
        )
    return Table(as_rows("features", _samples_first(features, labels)), labels)


def _read_dataset(dataset: xr.Dataset, choice: Choice) -> Table:
    """The table of a dataset's variables, as of a NetCDF file."""
    opened: dict[str, Callable[[], Any]] = {str(name): partial(nullcontext, one) for name, one in dataset.variables.items()}
    held = {name: arrays.Held(tuple(map(str, dataset[name].dims)), call) for name, call in opened.items()}
    return arrays.table_of("features", held, choice)


def _samples_first(features: Any, labels: Any) -> Any:
    """Features with the samples first, where labelled arrays say which dimension theirs is."""
    if not isinstance(features, xr.DataArray):
        return features
    own = labels.dims if isinstance(labels, xr.DataArray) else ("sample",) if "sample" in features.dims else ()
    if len(own) == 1 and own[0] not in features.dims:
        raise ValueError(
            f"labels has the dimension {show(own[0])}, features has {listed(features.dims)}; "
            "allowed: labels on the dimension of the samples in features"
        )
    return features.transpose(*own, ...) if len(own) == 1 else features


def suffix_of(path: Path) -> str:
    """Suffix that says what a file holds, in lower case, without that of its packing."""
    return (Path(path.stem) if path.suffix.lower() in text.PACKED else path).suffix.lower()


def _existing(file: Any) -> Path:
    """The path, if there is such a file and its kind can be read."""
    if not isinstance(file, str | os.PathLike):
        raise ValueError(f"file = {show(file)} is not a path; allowed: a path to {', '.join(SUFFIXES)}")
    path = Path(file)
    last = path.suffix.lower()
    kinds = (*COLUMNS, *ARRAYS) if last not in text.PACKED else (*text.SUFFIXES, ".npy") if last == ".gz" else text.SUFFIXES
    if suffix_of(path) not in kinds and not arrays.is_idx(path):
        why = ", and pickles run code (save arrays or tensors without)" if suffix_of(path) in PICKLES else ""
        allowed = f"{', '.join(SUFFIXES)}, idx3-ubyte, packed text"
        raise ValueError(f"file {path} has the suffix {path.suffix!r}{why}; allowed: {allowed}")
    return readable_file(path)
