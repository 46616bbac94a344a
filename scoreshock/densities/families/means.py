"""Families of given means: written out, from a file, or the class means of labelled data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.axes import CORE, as_axis
from scoreshock.checks import mapping_of, shortened, show
from scoreshock.conventions import ListedAxis, attributes
from scoreshock.densities.data import from_labelled, moved_total_eigenvalue
from scoreshock.densities.families.registry import family
from scoreshock.densities.mixtures import as_dimension, as_means, as_variance, as_weights, assemble, span
from scoreshock.densities.sources import read_bundled, read_labelled, read_means, sweep_axes


def file_axes(parameters: Mapping[str, Any]) -> Mapping[str, ListedAxis]:
    """Axes of the file that parameters name."""
    return {} if parameters.get("file") is None else sweep_axes(parameters["file"])


@family(axes_of=file_axes)
def custom(
    separation: Any = 1.0,
    variance: Any = None,
    dimension: Any = None,
    means: Any = None,
    weights: Sequence[float] | None = None,
    file: str | None = None,
    select: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Mixtures of given means, from a list or from a NetCDF file.

    Parameters
    ----------
    separation
        Factor on the means, 1 by default.
    variance
        Component variance: that of the file where it has one, else 1.
    dimension
        Ambient dimension, at least the number of coordinates of the means: that of the file where it has one, else this.
    means, weights : lists, shape (k, n) or (k,), and (k,)
    file : str
        NetCDF file with ``component_mean (component, feature)`` and, optionally, ``component_weight (component)``,
        ``component_variance`` and ``ambient_dimension`` (or ``means``, ``weights``, ...), instead of ``means``. Any further
        dimension, such as ``angle``, is one of a sweep; its coordinate in the file labels it.
    select : mapping of name to values, optional
        Values of such dimensions; all by default.

    Returns
    -------
    xarray.Dataset
        As :func:`scoreshock.mixture`. Means of more coordinates than components are reduced to their span about their
        weighted mean, and ``basis`` and ``origin`` (times separation) lead back.

    Examples
    --------
    >>> custom(means=[[0, 0], [2, 0], [0, 1]], separation=2.0).component_mean.values[1]
    array([4., 0.])
    """
    if (means is None) == (file is None):
        raise ValueError("custom needs either means or file, and not both")
    if file is None and select is not None:
        raise ValueError(f"select = {show(select)} is not allowed; allowed: only with a file that has such dimensions")
    held = {"means": means} if file is None else _selected(read_means(file), select)
    centres = as_means(held["means"])
    k, n = centres.sizes["component"], centres.sizes["feature"]
    share = as_weights(weights if weights is not None else held.get("weights"), k)
    spread = as_axis("variance", held.get("variance", 1.0)) if variance is None else as_variance(variance, k)
    ambient = as_dimension(held.get("dimension") if dimension is None else dimension, n)
    scale = as_axis("separation", separation)
    if n <= k:
        return assemble(scale * centres, share, spread, ambient)
    reduced, basis, origin = xr.apply_ufunc(
        span,
        *(centres, share),
        input_core_dims=[list(CORE), ["component"]],
        output_core_dims=[list(CORE), ["feature", "ambient"], ["ambient"]],
        exclude_dims={"feature"},
        vectorize=True,
    )
    dataset = assemble(scale * reduced, share, spread, ambient)
    dataset["basis"] = basis.assign_attrs(attributes("basis"))
    dataset["origin"] = (scale * origin).assign_attrs(attributes("origin"))
    return dataset


def _selected(held: Mapping[str, Any], select: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a file holds, at some values of its dimensions."""
    select = {} if select is None else mapping_of("select", select, "a mapping from dimensions to values")
    for name, values in select.items():
        carriers = [array for array in held.values() if isinstance(array, xr.DataArray) and name in array.dims]
        if not carriers:
            raise ValueError(f"select has {name!r}, which is no dimension of a sweep in the file")
        known = carriers[0][name].values
        if absent := [value for value in np.atleast_1d(values).tolist() if value not in known]:
            raise ValueError(f"{name} = {absent[0]} is not in the file; allowed: {shortened(', '.join(map(str, known)))}")
    return {
        key: array.sel({name: np.atleast_1d(values) for name, values in select.items() if name in array.dims})
        if isinstance(array, xr.DataArray)
        else array
        for key, array in held.items()
    }


@family
def data(
    separation: Any = 1.0,
    variance: Any = None,
    source: str | None = None,
    file: str | None = None,
    scaling: str = "raw",
) -> xr.Dataset:
    """The mixture of a labelled table: one component a class (:func:`scoreshock.from_labelled`).

    Parameters
    ----------
    separation
        Factor on the class means about their weighted mean, 1 by default.
    variance
        Component variance instead of the data's own mean within-class variance: the samples' deviations from their class
        means are scaled to it.
    source : {"digits", "wine", "iris", "breast_cancer"}
        A table that comes with scikit-learn.
    file : str
        A table of one's own (``.nc``, ``.csv``, ``.npz``), instead of ``source``.
    scaling : {"raw", "unit-range", "unit-variance"}
        As in :func:`scoreshock.from_labelled`.

    Returns
    -------
    xarray.Dataset
        As :func:`scoreshock.from_labelled`; ``total_eigenvalue`` is that of the data so moved and scaled, the other
        diagnostics are those of the data as they are.

    Examples
    --------
    >>> data(source="iris").label.values
    array(['setosa', 'versicolor', 'virginica'], dtype='<U10')
    """
    if (source is None) == (file is None):
        raise ValueError("data needs either source or file, and not both")
    features, labels = read_labelled(file) if file is not None else read_bundled(source)
    try:
        dataset = from_labelled(features, labels, scaling)
    except ValueError as error:
        raise ValueError(f"data from {source or file}: {error}") from error
    scale = as_axis("separation", separation)
    k = dataset.sizes["component"]
    spread = dataset.component_variance if variance is None else as_variance(variance, k)
    scaled = assemble(scale * dataset.component_mean, dataset.component_weight, spread, dataset.ambient_dimension)
    if scale.ndim or variance is not None or scale != 1.0:
        moved = moved_total_eigenvalue(features, labels, scaling, scale, None if variance is None else spread)
        dataset["total_eigenvalue"] = moved
    return dataset.assign(scaled).assign_attrs(source=source or str(file))
