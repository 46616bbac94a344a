"""Mixtures read from NetCDF files: means, weights, (co)variances, the axes of sweeps, and networks beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.axes import CORE
from scoreshock.checks import listed, repeated, show
from scoreshock.conventions import AXES, SHARED, ListedAxis
from scoreshock.densities.component_covariances import PARTS
from scoreshock.densities.sources import existing_netcdf, read_attributes, read_netcdf, refuse_unused

KEPT_BYTES = 2**26
"""Most bytes of a file whose arrays are kept: checking a study reads each file of mixtures several times."""

NAMES = {
    "means": ("component_mean",),
    "weights": ("component_weight",),
    "variance": ("component_variance", "variances"),
    "dimension": ("ambient_dimension",),
    "covariance": ("covariances",),
    "eigenvalues": ("covariance_eigenvalue",),
    "directions": ("covariance_direction",),
}
"""Short names of what a file of one mixture holds, and the others that each has."""

DESCRIBING = (
    "basis", "origin", "feature_scale", "feature_offset", "feature_name", "label",
    "within_class_variance", "within_class_anisotropy", "total_eigenvalue",
)  # fmt: skip
"""Variables of our own mixtures of data that say where they come from; a mixture of the means does without them."""

NETWORKS: dict[str, tuple[str, ...]] = {"network_parameter": ("parameter",), "training_sample": ("sample", "feature")}
"""Variables of networks beside a mixture, and those of their dimensions that are no sweep's."""

Arrays = Mapping[str, xr.Variable]


def read_means(file: str | Path, beside: Iterable[str] = ()) -> dict[str, Any]:
    """Arrays of a NetCDF file of mixtures by the short names of `NAMES`, as far as it has them.

    The variance is one number, or one for each component, or the values of a sweep along a dimension ``variance``. A
    covariance is ``(feature, other)`` or ``(component, feature, other)``, whatever the name of the other dimension, or
    diagonals without it. What has axes (`sweep_axes`) or the dimensions of components and features is labelled.
    Variables ``beside`` the mixture are passed over, all others refused.
    """
    path, held, found = _read_mixtures(file)
    if "means" not in found:
        raise ValueError(f"file {path} has no means; variables found: {listed(held)}; allowed: 'component_mean' or 'means'")
    known = [name for short, others in NAMES.items() for name in (short, *others)]
    refuse_unused(path, held, (*known, *DESCRIBING, *beside), "means, weights, variance(s), covariance(s) and dimension")
    axes = _sweep_axes(path, held, found)
    coordinates = {name: (name, np.array(axis.values), dict(axis.attributes)) for name, axis in axes.items()}
    read: dict[str, Any] = {}
    for name, array in found.items():
        swept = {dim: coordinates[dim] for dim in array.dims if dim in axes}
        bare = not swept and name in ("means", "weights", "dimension")
        read[name] = array.values if bare or not array.ndim else xr.DataArray(array, swept)
    return read


def sweep_axes(file: str | Path) -> dict[str, ListedAxis]:
    """Axes of a NetCDF file of mixtures: dimensions besides those of a mixture, each with a coordinate of numbers.

    Raises
    ------
    ValueError
        Where a dimension has no such coordinate, or the name of something else.
    """
    return _sweep_axes(*_read_mixtures(file))


def read_networks(file: str | Path) -> dict[str, xr.DataArray]:
    """Networks of a NetCDF file, by the names of `NETWORKS`, as far as it has them, and the labels of its components.

    What a file says of networks in global attributes ``network_...`` is attributes of ``network_parameter``.

    Raises
    ------
    ValueError
        Where there are none, and where the mixture beside them has an axis.
    """
    path, held, found = _read_mixtures(file)
    if "network_parameter" not in held or "parameter" not in held["network_parameter"].dims:
        allowed = "network_parameter (..., parameter) beside a mixture"
        raise ValueError(f"file {path} has no networks; variables found: {listed(held)}; allowed: {allowed}")
    if swept := _sweep_axes(path, held, found):
        raise ValueError(f"file {path} has networks beside mixtures along {listed(swept)}; allowed: one mixture")
    axes = network_axes(path)
    coordinates = {name: (name, np.array(axis.values), dict(axis.attributes)) for name, axis in axes.items()}
    read = {name: held[name] for name in NETWORKS if name in held}
    labelled = {
        name: xr.DataArray(array, {dim: coordinates[dim] for dim in array.dims if dim in axes}, name=name)
        for name, array in read.items()
    }
    said = {name: value for name, value in read_attributes(path).items() if name.startswith("network_")}
    classes = {"label": xr.DataArray(held["label"].astype(str))} if "label" in held else {}
    return labelled | classes | {"network_parameter": labelled["network_parameter"].assign_attrs(said)}


def network_axes(file: str | Path) -> dict[str, ListedAxis]:
    """Axes of a file of networks: dimensions of the networks alone, with a coordinate of numbers or of words.

    Words are numbered from 0 on, and are the axis' ``flag_meanings``.
    """
    path, held, _ = _read_mixtures(file)
    dims = dict.fromkeys(
        str(dim) for name, own in NETWORKS.items() if name in held for dim in held[name].dims if dim not in own
    )
    return {name: _listed_axis(path, name, _numbered(path, name, held.get(name))) for name in dims}


def _numbered(path: Path, name: str, coordinate: xr.Variable | None) -> xr.Variable | None:
    """The coordinate, with numbers in place of words."""
    if coordinate is None or coordinate.dtype.kind not in "OUT":
        return coordinate
    words = [str(each) for each in coordinate.values]
    if bad := [word for word in words if not re.fullmatch(r"[\w.+@-]+", word)]:
        raise ValueError(f"file {path} has {name} = {show(bad[0])}; allowed: words of letters, digits and _-.+@")
    if again := repeated(words):
        raise ValueError(
            f"file {path} has the coordinate {name!r} with a value more than once; allowed: each once: {again[0]}"
        )
    flags = {"flag_values": list(range(len(words))), "flag_meanings": " ".join(words)}
    return xr.Variable((name,), np.arange(len(words)), dict(coordinate.attrs) | flags)


def _read_mixtures(file: str | Path) -> tuple[Path, Arrays, Arrays]:
    """Path of a NetCDF file of mixtures, all its arrays, and those of a mixture by short names, with our dimensions."""
    path = existing_netcdf(file)
    status = path.stat()
    version = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    held = _read_once(path, version) if status.st_size <= KEPT_BYTES else read_netcdf(path)
    spelled = {short: [name for name in (short, *others) if name in held] for short, others in NAMES.items()}
    for names in spelled.values():
        if len(names) > 1:
            raise ValueError(f"file {path} has both {names[0]!r} and {names[1]!r}, which are the same; allowed: one of them")
    found = {short: held[names[0]] for short, names in spelled.items() if names}
    return path, held, _renamed(path, held, found) if "means" in found else found


@lru_cache(maxsize=1)
def _read_once(path: Path, version: tuple[int, ...]) -> dict[str, xr.Variable]:  # noqa: ARG001 - a changed file is read again
    return read_netcdf(path)


def _renamed(path: Path, held: Arrays, found: Arrays) -> Arrays:
    """The arrays of a mixture, with our names of the dimensions of its components and features."""
    means = found["means"]
    if set(CORE) <= set(means.dims):
        means = means.transpose(..., *CORE)
    else:
        means = _components_first(path, means, found.get("weights"))
    if means.ndim in (1, 2) and not set(CORE) <= set(means.dims):
        ours = dict(zip(means.dims, CORE[: means.ndim], strict=True))
        found = {name: _with_dims(array, ours) for name, array in found.items()}
        means = _with_dims(means, ours)
    found = {**found, "means": means}
    if (other := _other_feature(held, found)) is not None:
        found["covariance"] = _with_dims(found["covariance"], {other: "feature_other"})
    return found


def _with_dims(array: xr.Variable, names: Mapping[Any, str]) -> xr.Variable:
    return xr.Variable([names.get(dim, dim) for dim in array.dims], array.values)


def _other_feature(held: Arrays, found: Arrays) -> Any:
    """The dimension of a covariance that is a second one of features, if it has one: named so, or else without numbers."""
    if "covariance" not in found:
        return None
    covariance, n = found["covariance"], found["means"].sizes.get("feature", 1)
    taken = {
        *AXES,
        *PARTS["covariance_direction"],
        *(dim for name in found if name != "covariance" for dim in found[name].dims),
    }
    others = [dim for dim in covariance.dims if dim not in taken and covariance.sizes[dim] == n]
    named = [dim for dim in others if str(dim).startswith("feature")] or [dim for dim in others if dim not in held]
    return named[-1] if named else None


def _components_first(path: Path, means: xr.Variable, weights: xr.Variable | None) -> xr.Variable:
    """Means with the dimension of the components first, which ``component`` or the weights name."""
    names = {"component", *(weights.dims if weights is not None else ())} & set(means.dims)
    if "feature" in means.dims and not names:
        if len(means.dims) == 1:
            raise ValueError(f"file {path} has means on the dimension 'feature' alone; allowed: (component, feature)")
        return means.transpose(..., "feature")
    return means.transpose(*names, ...) if len(names) == 1 and means.ndim == 2 else means


def _sweep_axes(path: Path, held: Arrays, found: Arrays) -> dict[str, ListedAxis]:
    if "means" not in found or "component" not in found["means"].dims:
        return {}
    dims = dict.fromkeys(str(dim) for array in found.values() for dim in array.dims)
    ours = {*PARTS["covariance_direction"], "feature_other", *AXES}
    return {name: _listed_axis(path, name, held.get(name)) for name in dims if name not in ours}


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
