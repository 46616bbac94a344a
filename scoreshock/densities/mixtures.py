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
from scoreshock.densities.component_covariances import (
    PARTS,
    SPREAD,
    as_spread,
    mean_variance,
    shared_where_equal,
    structure,
)

GREATEST_MEAN = 1e150
"""Largest coordinate of a mean: its squares, and sums of them over features, stay inside double precision."""

LEAST_EXTENT = 1e-150
"""Least distance between means that is not 0, along the feature where it is greatest: its square does not underflow."""


def mixture(
    means: Any, weights: Any = None, variance: Any = None, dimension: Any = None, covariance: Any = None
) -> xr.Dataset:
    r"""A Gaussian mixture as a checked labelled dataset: isotropic with a common variance, or with any covariances.

    .. math:: p_0(x) = \sum_k w_k\, N(x; \mu_k, S_k)

    with ``means`` :math:`\mu_k`, ``weights`` :math:`w_k`, and :math:`S_k = \sigma_0^2 I_d` where there is no ``covariance``:
    ``variance`` :math:`\sigma_0^2`, ``dimension`` d.

    Parameters
    ----------
    means : array or DataArray
        Array (k, n), or a list of k numbers for one feature; a DataArray (..., component, feature), whose other
        dimensions are sweep dimensions. Coordinates are kept as they are given.
    weights : array or DataArray, optional
        Shape (k,), or a DataArray (..., component); finite and > 0. Equal by default. They are divided by their sum,
        taken in the order of the components; weights that sum to one within rounding are kept bit for bit.
    variance : number, 1D array or DataArray, optional
        Component variance, finite and >= 0; 1 by default. A 1D array becomes the dimension ``variance``; a DataArray with
        ``component`` is one of each component; a bare list of as many numbers as components is refused, since it could be
        either. With ``covariance`` that of the directions which it does not have.
    dimension : whole number, 1D array or DataArray, optional
        Ambient dimension, at least n, and n by default: outside the n features the mixture has the one variance.
    covariance : array, DataArray or mapping, optional
        Covariances, symmetric and positive semidefinite. A matrix (n, n), which all components share, or (k, n, n). A
        DataArray (..., [component,] feature, feature_other), also of another name that begins with feature, or
        (..., [component,] feature) for diagonals. Or variances along some directions: a mapping of ``eigenvalues``
        ([k,] r) and orthonormal ``directions`` ([k,] r, n), with ``variance`` in all others.

    Returns
    -------
    xarray.Dataset
        ``component_mean (..., component, feature)``, ``component_weight (..., component)``, ``component_variance
        (..., [component])`` and ``ambient_dimension (...)``, each with the sweep dimensions that it depends on. With
        ``covariance`` also ``covariance_eigenvalue (..., [component,] direction)`` and ``covariance_direction (...,
        [component,] direction, feature)``, without which the directions are the features; ``component_variance`` is
        then that of all other directions. What is equal in all components has no ``component``. In the units of
        ``means``, variances in their square.

    Raises
    ------
    ValueError
        Where a value is not allowed; the message names the argument, the value and what is allowed.

    References
    ----------
    arXiv:2604.07404, (13).

    Examples
    --------
    >>> import scoreshock as ss
    >>> pair = ss.mixture([-2.0, 2.0], weights=[1, 3])
    >>> pair.component_weight.values
    array([0.25, 0.75])
    >>> dict(pair.component_mean.sizes)
    {'component': 2, 'feature': 1}
    >>> shared = ss.mixture([[-2.0, 0.0], [2.0, 0.0]], covariance=[[1.0, 0.6], [0.6, 1.0]])
    >>> shared.covariance_eigenvalue.values.round(9)
    array([1.6, 0.4])
    """
    mean = as_means(means)
    k, n = mean.sizes["component"], mean.sizes["feature"]
    ambient = as_dimension(dimension, n)
    spread = as_spread(variance, covariance, mean, ambient)
    return assemble(mean, as_weights(weights, k), spread.variance, ambient, spread.eigenvalues, spread.directions)


def assemble(
    means: xr.DataArray,
    weights: xr.DataArray,
    variance: xr.DataArray,
    dimension: xr.DataArray,
    eigenvalues: xr.DataArray | None = None,
    directions: xr.DataArray | None = None,
) -> xr.Dataset:
    """The mixture's dataset from checked, labelled parts, with dimensions in order, coordinates and attributes."""
    all_parts = zip(PARTS, (means, weights, variance, dimension, eigenvalues, directions), strict=True)
    given = {name: part for name, part in all_parts if part is not None}
    given = {name: shared_where_equal(part) if name in SPREAD else part for name, part in given.items()}
    try:
        parts = xr.align(*given.values(), join="exact", copy=False)
    except ValueError as error:
        reason = shortened(error)
        raise ValueError(f"means, weights, variance and dimension disagree on a shared dimension: {reason}") from error
    far = np.abs(means.values).max(initial=0.0)
    if not far <= GREATEST_MEAN:
        raise ValueError(f"means has a coordinate of size {far:g}; allowed: at most {GREATEST_MEAN:g}")
    extents = (means.max("component") - means.min("component")).max("feature").values
    if (near := extents[extents > 0].min(initial=np.inf)) < LEAST_EXTENT:
        raise ValueError(f"means differ by at most {near:g}; allowed: 0, or at least {LEAST_EXTENT:g}")
    dataset = xr.Dataset(dict(zip(given, parts, strict=True)))
    for name in given:
        dataset[name] = dataset[name].transpose(..., *(dim for dim in PARTS[name] if dim in dataset[name].dims))
    for dim in PARTS["covariance_direction"]:
        if dim in dataset.dims and dim not in dataset.coords:
            dataset = dataset.assign_coords({dim: np.arange(dataset.sizes[dim])})
    return describe(dataset)


def isotropic(mixture: xr.Dataset) -> xr.Dataset:
    r"""The isotropic mixture nearest to one with covariances: the same means and weights, and the mean variance.

    .. math:: \sigma_0^2 = \sum_k w_k \operatorname{tr} S_k / d

    Parameters
    ----------
    mixture : Dataset
        A mixture; of an isotropic one the result is itself.

    Returns
    -------
    xarray.Dataset
        The mixture without ``covariance_eigenvalue`` and ``covariance_direction``, whose ``component_variance (...)`` is
        that :math:`\sigma_0^2`, in units of the data squared; all else is kept.

    Raises
    ------
    ValueError
        For anything but a mixture.

    References
    ----------
    arXiv:2604.07404, (13).

    Examples
    --------
    >>> import scoreshock as ss
    >>> float(ss.isotropic(ss.mixture([[-2.0, 0.0], [2.0, 0.0]], covariance=[[1.0, 0.6], [0.6, 3.0]])).component_variance)
    2.0
    """
    if not isinstance(mixture, xr.Dataset) or not set(list(PARTS)[:4]) <= set(mixture):
        raise ValueError(f"mixture = {show(mixture)} is not a mixture; allowed: one from ss.mixture or ss.from_labelled")
    if structure(mixture) == "isotropic":
        return mixture
    alike = mixture.assign(component_variance=mean_variance(mixture)).drop_dims("direction", errors="ignore")
    alike.attrs = {name: value for name, value in mixture.attrs.items() if not name.startswith("covariance")}
    return describe(alike)


def describe(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with the attributes of the vocabulary on each of its variables and coordinates."""
    known = {*PARTS, *PARTS["covariance_direction"], *AXES}
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
