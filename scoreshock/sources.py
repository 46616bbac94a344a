"""Labelled tables and mixtures read from files, and the tables that come with scikit-learn.

Files are data and never code: nothing pickled is read, and what a file declares is measured before any of it is read.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import netCDF4
import numpy as np
import xarray as xr

BUNDLED = ("digits", "wine", "iris", "breast_cancer")
"""Labelled tables that come with scikit-learn."""

ARRAYS_LIMIT = 4 * 2**30
"""Most bytes that the arrays of a file may have in memory (ours): a small compressed file can stand for any number."""

TEXT_LIMIT = 2**28
"""Most bytes of a CSV file (ours); larger tables are NetCDF or npz."""

UNREADABLE = (
    ValueError, OSError, RuntimeError, EOFError, LookupError, TypeError, OverflowError, BadZipFile, zlib.error
)  # fmt: skip
"""What the libraries raise on files that are damaged or forged."""


def digest(file: str | Path) -> str:
    """SHA-256 of a data file, 64 hexadecimal digits."""
    with Path(file).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_bundled(source: str) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of one of scikit-learn's bundled tables; the labels are its class names."""
    if source not in BUNDLED:
        raise ValueError(f"source = {source!r} is not known; allowed: {', '.join(BUNDLED)}")
    from sklearn import datasets  # a second to import, and only bundled tables need it

    table = getattr(datasets, f"load_{source}")()
    return table.data, np.asarray(table.target_names)[table.target]


def read_labelled(file: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, d) and labels (N,) of a labelled table.

    NetCDF (``.nc``) and ``.npz`` hold ``features`` (sample, feature) and ``labels``; ``.csv`` has a header, a column
    ``label`` and numbers in every other column. Nothing pickled is read.
    """
    path = _existing(file, (".nc", ".csv", ".npz"))
    if path.suffix == ".csv":
        return _read_csv(path)
    held = _read_arrays(path)
    if "labels" not in held:
        raise ValueError(f"file {path} has no labels; variables found: {_listed(held)}; allowed: 'features' and 'labels'")
    if "features" not in held:
        raise ValueError(f"file {path} has no features; variables found: {_listed(held)}; allowed: 'features' and 'labels'")
    return held["features"], held["labels"]


def read_means(file: str | Path) -> dict[str, np.ndarray]:
    """Arrays ``means``, and ``weights``, ``variance``, ``dimension`` where it has them, of a NetCDF file of one mixture.

    The names there are those of a mixture's variables (``component_mean``, ...) or these short ones.
    """
    path = _existing(file, (".nc",))
    held = _read_arrays(path)
    names = {
        "means": "component_mean",
        "weights": "component_weight",
        "variance": "component_variance",
        "dimension": "ambient_dimension",
    }
    found = {short: held[name] for short, long in names.items() for name in (long, short) if name in held}
    if "means" not in found:
        raise ValueError(f"file {path} has no means; variables found: {_listed(held)}; allowed: 'component_mean' or 'means'")
    return found


def _existing(file: str | Path, suffixes: tuple[str, ...]) -> Path:
    """The path, if there is such a file and its kind can be read."""
    path = Path(file)
    if path.suffix not in suffixes:
        raise ValueError(f"file {path} has the suffix {path.suffix!r}; allowed: {', '.join(suffixes)}")
    if not path.is_file():
        raise ValueError(f"file {path} does not exist; paths are relative to the folder {Path.cwd()}")
    return path


def _read_csv(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of a CSV table with a header and a column ``label``."""
    import pandas as pd  # comes with xarray

    _refuse_large(path, path.stat().st_size, TEXT_LIMIT)
    try:
        table = pd.read_csv(path, dtype={"label": str}, keep_default_na=False, skipinitialspace=True, encoding="utf-8-sig")
    except (ValueError, OSError) as error:
        raise ValueError(f"file {path} cannot be read as CSV: {error}") from error
    if "label" not in table.columns:
        raise ValueError(f"file {path} has no labels; columns found: {_listed(table.columns)}; allowed: a column 'label'")
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError(f"file {path} cannot be read as CSV: its rows have more fields than its header")
    features = table.drop(columns="label")
    if features.shape[1] == 0:
        raise ValueError(f"file {path} has no features; columns found: label; allowed: numbers in other columns")
    for name, column in features.items():
        if column.dtype.kind not in "iuf":
            bad = column[pd.to_numeric(column, errors="coerce").isna()]
            where = f" in row {int(bad.index[0]) + 1}" if len(bad) else ""
            value = bad.iloc[0] if len(bad) else column.iloc[0]
            raise ValueError(f"file {path}, column {name!r} has the value {str(value)!r}{where}; allowed: numbers")
    labels = table["label"].to_numpy(dtype=object)
    return features.to_numpy(dtype=float), _whole_where_possible(labels)


def _whole_where_possible(labels: np.ndarray) -> np.ndarray:
    """Text labels as whole numbers where all of them are (so that 10 sorts after 9), else as they are."""
    text = np.array([str(label) for label in labels])
    plain = all(label.isascii() and label.isdigit() and str(int(label)) == label for label in text)
    return text.astype(np.int64) if plain else text


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a NetCDF or npz file, features and labels with samples first."""
    try:
        size = _declared_npz(path) if path.suffix == ".npz" else _declared_netcdf(path)
    except UNREADABLE as error:
        raise ValueError(f"file {path} cannot be read: {error}") from error
    _refuse_large(path, size, ARRAYS_LIMIT)
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        with xr.open_dataset(path, engine="netcdf4") as stored:
            dataset = stored.load()
    except UNREADABLE as error:
        raise ValueError(f"file {path} cannot be read: {error}") from error
    if {"features", "labels"} <= set(dataset.variables) and dataset.labels.ndim == 1:
        dataset["features"] = dataset.features.transpose(*dataset.labels.dims, ...)
    if "component_mean" in dataset and {"component", "feature"} <= set(dataset.component_mean.dims):
        dataset["component_mean"] = dataset.component_mean.transpose(..., "component", "feature")
    return {str(name): variable.values for name, variable in dataset.variables.items()}


def _refuse_large(path: Path, size: int, limit: int) -> None:
    if size > limit:
        raise ValueError(f"file {path} holds {size / 2**20:,.0f} MiB; allowed: at most {limit // 2**20:,} MiB (our limit)")


def _declared_netcdf(path: Path) -> int:
    """Bytes of all variables of a NetCDF file, by its header; of a text, those of its reference."""
    with netCDF4.Dataset(path) as file:
        return sum(math.prod(variable.shape) * _itemsize(variable.dtype) for variable in file.variables.values())


def _itemsize(dtype: Any) -> int:
    return 8 if dtype is str else np.dtype(dtype).itemsize


def _declared_npz(path: Path) -> int:
    """Bytes of all arrays of an npz file, by its members' headers, which NumPy trusts, and by the archive's."""
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    total = 0
    with ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                if version not in headers:
                    raise ValueError(f"{member.filename} has version {version} of NumPy's format; allowed: 1.0 and 2.0")
                shape, _, dtype = headers[version](stream)
            total += max(member.file_size, math.prod(shape) * dtype.itemsize)
    return total


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names) or "none"
