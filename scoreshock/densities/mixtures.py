"""Labelled Gaussian mixtures: the checked dataset that every quantity takes, and the exact reduction to the means' span."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from threadpoolctl import ThreadpoolController

from scoreshock.axes import CORE, as_axis
from scoreshock.checks import as_numbers, shortened, show
from scoreshock.conventions import AXES, attributes

GREATEST_MEAN = 1e150
"""Largest coordinate of a mean: its squares, and sums of them over features, stay inside double precision."""

LEAST_EXTENT = 1e-150
"""Least distance between means that is not 0, along the feature where it is greatest: its square does not underflow."""


def mixture(means: Any, weights: Any = None, variance: Any = 1.0, dimension: Any = None) -> xr.Dataset:
    r"""A Gaussian mixture with a common isotropic variance, as a checked labelled dataset.

    .. math:: p_0(x) = \sum_k w_k\, N(x; \mu_k, \sigma_0^2 I_d)

    with ``means`` :math:`\mu_k`, ``weights`` :math:`w_k`, ``variance`` :math:`\sigma_0^2` and ``dimension`` d.

    Parameters
    ----------
    means : array or DataArray
        Array (k, n), or a list of k numbers for one feature; a DataArray (..., component, feature), whose other
        dimensions are sweep dimensions. Coordinates are kept as they are given.
    weights : array or DataArray, optional
        Shape (k,), or a DataArray (..., component); finite and > 0. Equal by default. They are divided by their sum,
        taken in the order of the components; weights that sum to one within rounding are kept bit for bit.
    variance : number, 1D array or DataArray
        Component variance, finite and >= 0. A 1D array becomes the dimension ``variance``; one of as many numbers as there
        are components must be a DataArray with that dimension, since it could be meant as one for each component.
    dimension : whole number, 1D array or DataArray, optional
        Ambient dimension, at least n, and n by default: outside the n features the mixture is one Gaussian.

    Returns
    -------
    xarray.Dataset
        ``component_mean (..., component, feature)``, ``component_weight (..., component)``,
        ``component_variance (...)`` and ``ambient_dimension (...)``, each with the sweep dimensions that it depends on.

    Raises
    ------
    ValueError
        Where a value is not allowed; the message names the argument, the value and what is allowed.

    References
    ----------
    arXiv:2604.07404, (13).

    Examples
    --------
    >>> pair = mixture([-2.0, 2.0], weights=[1, 3])
    >>> pair.component_weight.values
    array([0.25, 0.75])
    >>> dict(pair.component_mean.sizes)
    {'component': 2, 'feature': 1}
    """
    mean = as_means(means)
    k, n = mean.sizes["component"], mean.sizes["feature"]
    return assemble(mean, as_weights(weights, k), as_variance(variance, k), as_dimension(dimension, n))


def assemble(means: xr.DataArray, weights: xr.DataArray, variance: xr.DataArray, dimension: xr.DataArray) -> xr.Dataset:
    """The mixture's dataset from checked, labelled parts, with dimensions in order, coordinates and attributes."""
    try:
        parts = xr.align(means, weights, variance, dimension, join="exact", copy=False)
    except ValueError as error:
        reason = shortened(error)
        raise ValueError(f"means, weights, variance and dimension disagree on a shared dimension: {reason}") from error
    far = np.abs(means.values).max(initial=0.0)
    if not far <= GREATEST_MEAN:
        raise ValueError(f"means has a coordinate of size {far:g}; allowed: at most {GREATEST_MEAN:g}")
    extents = (means.max("component") - means.min("component")).max("feature").values
    if (near := extents[extents > 0].min(initial=np.inf)) < LEAST_EXTENT:
        raise ValueError(f"means differ by at most {near:g}; allowed: 0, or at least {LEAST_EXTENT:g}")
    names = ("component_mean", "component_weight", "component_variance", "ambient_dimension")
    dataset = xr.Dataset(dict(zip(names, parts, strict=True)))
    dataset["component_mean"] = dataset.component_mean.transpose(..., *CORE)
    dataset["component_weight"] = dataset.component_weight.transpose(..., "component")
    for dim in CORE:
        if dim not in dataset.coords:
            dataset = dataset.assign_coords({dim: np.arange(dataset.sizes[dim])})
    return describe(dataset)


def describe(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with the attributes of the vocabulary on each of its variables and coordinates."""
    known = {"component_mean", "component_weight", "component_variance", "ambient_dimension", *CORE, *AXES}
    for name in known & set(dataset.variables):
        dataset[name].attrs = attributes(str(name))
    return dataset


def as_means(means: Any) -> xr.DataArray:
    """Means as a DataArray (..., component, feature)."""
    if isinstance(means, xr.DataArray):
        if "component" not in means.dims:
            raise ValueError(f"means has dimensions {means.dims}; allowed: (..., component, feature)")
        labelled = means if "feature" in means.dims else means.expand_dims("feature", axis=-1)
        return labelled.copy(data=as_numbers("means", labelled.values)).transpose(..., *CORE)
    array = as_numbers("means", means)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"means has shape {array.shape}; allowed: (components, features), or a DataArray with named dims")
    return xr.DataArray(array, dims=CORE)


def as_weights(weights: Any, k: int) -> xr.DataArray:
    """Weights of ``k`` components as a DataArray with ``component``, positive and summing to one."""
    if weights is None:
        return xr.DataArray(np.full(k, 1.0 / k), dims="component")
    labelled = weights if isinstance(weights, xr.DataArray) else None
    array = as_numbers("weights", weights if labelled is None else labelled.values)
    if labelled is None:
        if array.ndim != 1:
            raise ValueError(f"weights has shape {array.shape}; allowed: ({k},), or a DataArray with named dims")
        labelled = xr.DataArray(array, dims="component")
    if labelled.sizes.get("component") != k or "feature" in labelled.dims:
        raise ValueError(f"weights has sizes {dict(labelled.sizes)}; allowed: {k} weights, one for each component")
    ordered = labelled.transpose("component", ...)
    return ordered.copy(data=normalised(ordered.values)).transpose(..., "component")


def as_variance(variance: Any, k: int) -> xr.DataArray:
    """The variance that ``k`` components share as a checked DataArray; refused where it could be one for each of them."""
    axis = as_axis("variance", variance)
    if k > 1 and axis.shape == (k,) and not isinstance(variance, xr.DataArray):
        raise ValueError(
            f"variance = {show(variance)} has {k} numbers for {k} components; allowed: one number, which they "
            "share, or for a sweep xr.DataArray(values, dims='variance')"
        )
    return axis


def as_dimension(dimension: Any, n: int) -> xr.DataArray:
    """The ambient dimension as a checked DataArray, at least ``n``, the means' features, and ``n`` by default."""
    ambient = as_axis("dimension", n if dimension is None else dimension)
    if (least := int(ambient.min())) < n:
        raise ValueError(f"dimension = {least} is not allowed; allowed: a whole number >= {n}, the means' features")
    return ambient


def normalised(weights: np.ndarray) -> np.ndarray:
    """Weights (k, ...) divided by their sum over the first axis; already normalised ones are kept bit for bit."""
    if not (weights > 0).all():
        bad = weights[weights <= 0].flat[0]
        raise ValueError(f"weights has the value {bad}; allowed: finite numbers > 0 (they are normalised to sum to one)")
    # The largest is divided out so that the sum cannot overflow.
    scaled = weights / weights.max(axis=0)
    shares = scaled / _ordered_sum(scaled)
    settled = np.abs(_ordered_sum(weights) - 1.0) <= len(weights) * np.finfo(float).eps
    shares = np.where(settled, weights, shares)
    if not (shares > 0).all():
        raise ValueError("weights differ by more than a factor 1e308; allowed: weights that stay > 0 when normalised")
    return shares


def _ordered_sum(values: np.ndarray) -> np.ndarray:
    """Sum over the first axis in its order: the same bits for any number of columns."""
    with np.errstate(over="ignore"):
        return np.cumsum(values, axis=0)[-1]


class Span(NamedTuple):
    """Means in orthonormal coordinates of their own span: ``means (k, n) @ basis (n, d) + origin (d,)`` gives them back."""

    means: np.ndarray
    basis: np.ndarray
    origin: np.ndarray


def span(means: np.ndarray, weights: np.ndarray) -> Span:
    """Exact isometry of ``means (k, d)`` to ``n = min(k - 1, d)`` features (at least 1) about their weighted mean.

    The features are the eigen-directions of the between-class covariance, largest eigenvalue first; the sign of each puts
    the component that lies farthest along it (the last of them, when some lie equally far) on the positive side.
    """
    k, d = means.shape
    # Differences of components first, so that a common offset costs no digits.
    shifted = means - means[0]
    origin = means[0] + _ordered_sum(weights[:, None] * shifted)
    if k == 1:
        return Span(np.zeros((1, 1)), np.eye(1, d), origin)
    with one_blas_thread():
        q, r = np.linalg.qr(shifted[1:].T)  # (d, n), (n, k - 1)
        corners = np.concatenate([np.zeros((1, len(r))), r.T])
        corners = corners - _ordered_sum(weights[:, None] * corners)
        rotation = np.linalg.svd(np.sqrt(weights)[:, None] * corners, full_matrices=False)[2]
        reduced = corners @ rotation.T
        signs = _signs(reduced)
        return Span(reduced * signs, (rotation @ q.T) * signs[:, None], origin)


def _signs(coordinates: np.ndarray) -> np.ndarray:
    """For each column the sign of its entry of largest magnitude, the last one within a tie."""
    sizes = np.abs(coordinates)
    tied = sizes >= (1 - 1e-8) * sizes.max(axis=0)
    last = len(coordinates) - 1 - np.argmax(tied[::-1], axis=0)
    return np.where(coordinates[last, np.arange(coordinates.shape[1])] < 0, -1.0, 1.0)


def one_blas_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS runs on one thread: the bits must not depend on how many the machine has."""
    return _blas().limit(limits=1, user_api="blas")


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()
