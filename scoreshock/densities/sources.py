"""Labelled tables and mixtures read from files, and the tables that come with scikit-learn.

Files are data and never code: nothing pickled is read, and what a file declares is measured before any of it is read.
"""

from __future__ import annotations

import csv
import hashlib
import math
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import netCDF4
import numpy as np
import xarray as xr

from scoreshock.checks import counts_rows, listed, readable_file, repeated, shortened, show
from scoreshock.conventions import AXES, SHARED, ListedAxis

BUNDLED = ("digits", "wine", "iris", "breast_cancer")
"""Labelled tables that come with scikit-learn."""

ARRAYS_LIMIT = 4 * 2**30
"""Most bytes that the arrays of a file may have in memory (ours): a small compressed file can stand for any number."""

KEPT_BYTES = 2**26
"""Most bytes of a file whose arrays are kept: checking a study reads each file of mixtures several times."""

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


def read_bundled(source: Any) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of one of scikit-learn's bundled tables; the labels are its class names."""
    if not isinstance(source, str) or source not in BUNDLED:
        raise ValueError(f"source = {show(source)} is not known; allowed: {', '.join(BUNDLED)}")
    from sklearn import datasets  # a second to import, and only bundled tables need it

    table = getattr(datasets, f"load_{source}")()
    return table.data, np.asarray(table.target_names)[table.target]


def read_labelled(file: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, d) and labels (N,) of a labelled table.

    NetCDF (``.nc``) and ``.npz`` hold ``features`` (sample, feature) and ``labels`` (sample) and nothing else but
    coordinates of their dimensions; ``.csv`` has a header, a column ``label`` and numbers in every other column, separated
    by commas. Nothing pickled is read.
    """
    path = _existing(file, (".nc", ".csv", ".npz"))
    if path.suffix.lower() == ".csv":
        return _read_csv(path)
    held = _read_arrays(path)
    for name in ("labels", "features"):
        if name not in held:
            found = listed(held)
            raise ValueError(f"file {path} has no {name}; variables found: {found}; allowed: 'features' and 'labels'")
    _refuse_unused(path, held, ("features", "labels"), "'features' and 'labels'")
    features, labels = held["features"], held["labels"]
    if len(labels.dims) == 1:
        if labels.dims[0] not in features.dims:
            own = f"labels on {listed(labels.dims)}, features on {listed(features.dims)}"
            raise ValueError(f"file {path} has {own}; allowed: labels on the dimension of the samples in features")
        features = features.transpose(*labels.dims, ...)
    return features.values, labels.values


MEANS = {
    "means": "component_mean",
    "weights": "component_weight",
    "variance": "component_variance",
    "dimension": "ambient_dimension",
}
"""Short and long names of what a file of one mixture holds."""

DESCRIBING = (
    "basis", "origin", "feature_scale", "label", "within_class_variance", "within_class_anisotropy", "total_eigenvalue"
)  # fmt: skip
"""Variables of our own mixtures of data that say where they come from; a mixture of the means does without them."""


def read_means(file: str | Path) -> dict[str, Any]:
    """Arrays ``means``, and ``weights``, ``variance``, ``dimension`` where it has them, of a NetCDF file of mixtures.

    The names there are those of a mixture's variables (``component_mean``, ...) or these short ones. The variance is one
    number, or the values of a sweep along a dimension ``variance``. What has axes (`sweep_axes`) is labelled.
    """
    path, held, found = _read_mixtures(file)
    if "means" not in found:
        raise ValueError(f"file {path} has no means; variables found: {listed(held)}; allowed: 'component_mean' or 'means'")
    twice = [f"{short!r} and {long!r}" for short, long in MEANS.items() if short in held and long in held]
    if twice:
        raise ValueError(f"file {path} has both {twice[0]}, which are the same; allowed: one of them")
    _refuse_unused(path, held, (*MEANS, *MEANS.values(), *DESCRIBING), "one variance common to all components")
    axes = _sweep_axes(path, held, found)
    means = found["means"] if axes else _components_first(path, found["means"], found.get("weights"))
    spread = found.get("variance")
    if spread is not None and not set(spread.dims) <= {*axes, "variance"}:
        raise ValueError(
            f"file {path} has a variance for each {listed(spread.dims)}; allowed: one number, the variance that all "
            "components share (such as the mean of theirs, weighted by the components' weights)"
        )
    coordinates = {name: (name, np.array(axis.values), dict(axis.attributes)) for name, axis in axes.items()}
    return {
        name: xr.DataArray(array, {dim: coordinates[dim] for dim in array.dims if dim in axes})
        if set(axes) & set(array.dims)
        else array.values
        for name, array in (found | {"means": means}).items()
    }


def sweep_axes(file: str | Path) -> dict[str, ListedAxis]:
    """Axes of a NetCDF file of mixtures: dimensions besides component and feature, each with a coordinate of numbers.

    Raises
    ------
    ValueError
        Where a dimension has no such coordinate, or the name of something else.
    """
    return _sweep_axes(*_read_mixtures(file))


def _read_mixtures(file: str | Path) -> tuple[Path, dict[str, xr.Variable], dict[str, xr.Variable]]:
    """Path of a NetCDF file of mixtures, all its arrays, and those of a mixture by their short names."""
    path = _existing(file, (".nc",))
    status = path.stat()
    version = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    held = _read_once(path, version) if status.st_size <= KEPT_BYTES else _read_arrays(path)
    return path, held, {short: held[name] for short, long in MEANS.items() for name in (short, long) if name in held}


@lru_cache(maxsize=1)
def _read_once(path: Path, version: tuple[int, ...]) -> dict[str, xr.Variable]:  # noqa: ARG001 - a changed file is read again
    return _read_arrays(path)


def _sweep_axes(path: Path, held: Mapping[str, xr.Variable], found: Mapping[str, xr.Variable]) -> dict[str, ListedAxis]:
    if "means" not in found or not {"component", "feature"} <= set(found["means"].dims):
        return {}
    dims = dict.fromkeys(str(dim) for name in MEANS if name in found for dim in found[name].dims)
    names = [dim for dim in dims if dim not in ("component", "feature", *AXES)]
    return {name: _listed_axis(path, name, held.get(name)) for name in names}


def _listed_axis(path: Path, name: str, coordinate: xr.Variable | None) -> ListedAxis:
    if name in SHARED or not re.fullmatch(r"[A-Za-z]\w{0,63}", name):
        raise ValueError(
            f"file {path} has the dimension {name!r}; allowed: a name of letters, digits and _ that is not taken"
        )
    if coordinate is None or coordinate.dtype.kind not in "iuf" or not np.isfinite(coordinate.values).all():
        raise ValueError(
            f"file {path} has the dimension {name!r} without a coordinate of numbers; allowed: one, of its name"
        )
    # A number of single precision is the decimal that it is written as.
    values = tuple(float(str(each)) if coordinate.dtype.kind == "f" else int(each) for each in coordinate.values)
    if len(set(values)) < len(values):
        raise ValueError(f"file {path} has the coordinate {name!r} with a value more than once; allowed: each once")
    described = {"long_name": name, "units": "1"} | dict(coordinate.attrs)
    meaning, integer = str(described["long_name"]), coordinate.dtype.kind != "f"
    return ListedAxis(meaning, -np.inf, values=values, attributes=tuple(described.items()), integer=integer)


def _components_first(path: Path, means: xr.Variable, weights: xr.Variable | None) -> xr.Variable:
    """Means with the dimension of the components first, which ``component`` or the weights name."""
    names = {"component", *(weights.dims if weights is not None else ())} & set(means.dims)
    if "feature" in means.dims and not names:
        if len(means.dims) == 1:
            raise ValueError(f"file {path} has means on the dimension 'feature' alone; allowed: (component, feature)")
        return means.transpose(..., "feature")
    return means.transpose(*names, ...) if len(names) == 1 and means.ndim == 2 else means


def _refuse_unused(path: Path, held: Mapping[str, xr.Variable], used: Iterable[str], allowed: str) -> None:
    """Refuse a variable that would be ignored: all but coordinates, which label a dimension of the used ones."""
    dims = {dim for name in used if name in held for dim in held[name].dims}
    unused = [name for name, array in held.items() if name not in used and not (name in dims and array.dims == (name,))]
    if unused:
        raise ValueError(f"file {path} has {listed(unused)}, which would be ignored; allowed: {allowed} (remove the rest)")


def _existing(file: str | Path, suffixes: tuple[str, ...]) -> Path:
    """The path, if there is such a file and its kind can be read."""
    if not isinstance(file, str | os.PathLike):
        raise ValueError(f"file = {show(file)} is not a path; allowed: a path to {', '.join(suffixes)}")
    path = Path(file)
    if path.suffix.lower() not in suffixes:
        advice = COMMAS if path.suffix.lower() in (".tsv", ".tab", ".txt", ".dat") and ".csv" in suffixes else ""
        raise ValueError(f"file {path} has the suffix {path.suffix!r}; allowed: {', '.join(suffixes)}{advice}")
    return readable_file(path)


COMMAS = " (write the table with commas between columns and decimal points)"


def _read_csv(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of a CSV table with a header and a column ``label``."""
    import pandas as pd  # comes with xarray

    _refuse_large(path, path.stat().st_size, TEXT_LIMIT)
    names = _header(path)
    label = _label_column(path, names)
    try:
        table = pd.read_csv(
            path, header=0, names=range(len(names)), dtype={label: str}, keep_default_na=False, skipinitialspace=True,
            encoding="utf-8-sig", low_memory=False,
        )  # fmt: skip
    except (ValueError, OSError) as error:
        raise ValueError(f"file {path} cannot be read as CSV: {_reason(error)}") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError(f"file {path} cannot be read as CSV: its rows have more fields than its header")
    if not len(table):
        raise ValueError(f"file {path} has no rows; columns found: {listed(names)}; allowed: a row for each sample")
    refuse_row_numbers(f"file {path}", [(name, table[j]) for j, name in enumerate(names)])
    features = [_numbers(path, name, table[j]) for j, name in enumerate(names) if j != label]
    return np.stack(features, axis=1), _whole_where_possible(path, table[label].to_numpy(dtype=object))


def _header(path: Path) -> list[str]:
    """Names of the columns, in the first line that is not blank."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            first = next((row for row in csv.reader(opened, skipinitialspace=True) if row), None)
    except (ValueError, OSError, csv.Error) as error:
        raise ValueError(f"file {path} cannot be read as CSV: {_reason(error)}") from error
    if first is None:
        raise ValueError(f"file {path} cannot be read as CSV: it is empty")
    return [name.strip() for name in first]


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}; allowed: UTF-8"
    return shortened(error)


def _label_column(path: Path, names: list[str]) -> int:
    """Place of the column ``label`` among the header's names, of which none may be missing or occur twice."""
    folded = [name.casefold() for name in names]
    if "label" not in folded:
        one = len(names) == 1 and any(mark in names[0] for mark in ";\t|")
        advice = COMMAS if one else " (rename the column of the classes)"
        raise ValueError(
            f"file {path} has no labels; columns found: {listed(names)}; allowed: a column 'label' beside columns of "
            f"numbers{advice}"
        )
    if len(names) == 1:
        raise ValueError(f"file {path} has no features; columns found: label; allowed: numbers in other columns")
    twice = [*repeated(names), *(["label"] if folded.count("label") > 1 else [])]
    if twice and twice[0]:
        raise ValueError(f"file {path} has the column {show(twice[0])} more than once; allowed: a name for each column")
    return folded.index("label")


ROW_NUMBERS = ("index", "id", "idx", "row", "rownames", "sample")
"""Names of columns that, where they count the rows, are no features."""


def refuse_row_numbers(source: str, columns: Iterable[tuple[Any, Any]]) -> None:
    """Refuse columns that no author means as features: nameless ones, as of a saved index, and those that count the rows."""
    for place, (name, column) in enumerate(columns):
        text = str(name).strip().casefold()
        if not text or re.fullmatch(r"unnamed: \d+", text):
            raise ValueError(
                f"{source} has a column without a name (column {place + 1}), such as pandas writes for an index; "
                "allowed: named columns of numbers (save with index=False, or remove the column)"
            )
        if text in ROW_NUMBERS and counts_rows(column):
            raise ValueError(f"{source} has the column {show(name)}, which counts the rows; allowed: features (remove it)")


def _numbers(path: Path, name: str, column: Any) -> np.ndarray:
    """A column of a CSV table as floats."""
    import pandas as pd

    if column.dtype.kind in "iuf":
        return column.to_numpy(dtype=float)
    values = pd.to_numeric(column, errors="coerce")
    bad = column[values.isna()] if column.dtype.kind == "O" else column
    if len(bad):
        where = f"the value {show(str(bad.iloc[0]))} in row {int(bad.index[0]) + 1}"
        raise ValueError(f"file {path}, column {show(name)} has {where}; allowed: numbers")
    return values.to_numpy(dtype=float)


def _whole_where_possible(path: Path, labels: np.ndarray) -> np.ndarray:
    """Text labels as whole numbers where all of them are (so that 10 sorts after 9), else as they are."""
    text = np.array(["" if label != label else str(label).strip() for label in labels])
    values: dict[float, str] = {}
    for label in np.unique(text):
        try:
            number = float(label)
        except ValueError:
            continue
        if math.isfinite(number) and number != math.floor(number):
            raise ValueError(f"file {path} has the label {label}; allowed: names of classes or whole numbers")
        if (other := values.setdefault(number, label)) != label:
            raise ValueError(f"file {path} has the labels {other} and {label}, which are one number; allowed: one spelling")
    plain = all(label.isascii() and label.isdigit() and str(int(label)) == label for label in text)
    return text.astype(np.int64) if plain else text


def _read_arrays(path: Path) -> dict[str, xr.Variable]:
    """All arrays of a NetCDF or npz file, with the names of their dimensions; of npz those are numbers."""
    npz = path.suffix.lower() == ".npz"
    try:
        size = _declared_npz(path) if npz else _declared_netcdf(path)
    except UNREADABLE as error:
        raise ValueError(f"file {path} cannot be read: {shortened(error)}") from error
    _refuse_large(path, size, ARRAYS_LIMIT)
    try:
        if npz:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return {name: xr.Variable([f"axis {j}" for j in range(array.ndim)], array) for name, array in arrays.items()}
        with xr.open_dataset(path, engine="netcdf4") as stored:
            dataset = stored.load()
    except UNREADABLE as error:
        raise ValueError(f"file {path} cannot be read: {shortened(error)}") from error
    return {str(name): variable for name, variable in dataset.variables.items()}


def _refuse_large(path: Path, size: int, limit: int) -> None:
    if size > limit:
        raise ValueError(f"file {path} holds {size / 2**20:,.0f} MiB; allowed: at most {limit // 2**20:,} MiB (our limit)")


def _declared_netcdf(path: Path) -> int:
    """Bytes of all variables of a NetCDF file, by its header; of a text, those of its reference."""
    with netCDF4.Dataset(path) as file:
        if file.groups:
            raise ValueError(f"it has groups ({listed(file.groups)}); allowed: variables outside of groups")
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
            if dtype.hasobject:
                raise ValueError(
                    f"{member.filename} holds Python objects, which only pickle could read; "
                    "allowed: numbers and text (save labels.astype(str))"
                )
            total += max(member.file_size, math.prod(shape) * dtype.itemsize)
    return total
