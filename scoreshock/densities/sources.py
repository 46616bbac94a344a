"""Mixtures read from files, and digests of files.

Files are data and never code: nothing pickled is read, and what a file declares is measured before any of it is read.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import listed, readable_file, shortened, show
from scoreshock.conventions import AXES, SHARED, ListedAxis
from scoreshock.densities.tables.arrays import UNPACKED_LIMIT, UNREADABLE, refuse_large_netcdf

KEPT_BYTES = 2**26
"""Most bytes of a file whose arrays are kept: checking a study reads each file of mixtures several times."""


def digest(*files: str | Path) -> str:
    """SHA-256 of a data file, 64 hexadecimal digits; of several the digest of theirs in order."""
    digests = []
    for file in files:
        with Path(file).open("rb") as opened:
            digests.append(hashlib.file_digest(opened, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


MEANS = {
    "means": "component_mean",
    "weights": "component_weight",
    "variance": "component_variance",
    "dimension": "ambient_dimension",
}
"""Short and long names of what a file of one mixture holds."""

DESCRIBING = (
    "basis", "origin", "feature_scale", "feature_offset", "feature_name", "label",
    "within_class_variance", "within_class_anisotropy", "total_eigenvalue"
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
    path = _existing(file)
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


def _existing(file: str | Path) -> Path:
    """The path, if there is such a file and it is NetCDF by its suffix."""
    if not isinstance(file, str | os.PathLike):
        raise ValueError(f"file = {show(file)} is not a path; allowed: a path to .nc")
    path = Path(file)
    if path.suffix.lower() != ".nc":
        raise ValueError(f"file {path} has the suffix {path.suffix!r}; allowed: .nc")
    return readable_file(path)


def _read_arrays(path: Path) -> dict[str, xr.Variable]:
    """All arrays of a NetCDF file."""
    try:
        refuse_large_netcdf(path, UNPACKED_LIMIT)
        with xr.open_dataset(path, engine="netcdf4") as stored:
            dataset = stored.load()
    except UNREADABLE as error:
        raise ValueError(f"file {path} cannot be read: {shortened(error)}") from error
    return {str(name): variable for name, variable in dataset.variables.items()}
