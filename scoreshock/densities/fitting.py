"""Mixtures of data without labels: a Gaussian mixture fitted to the samples."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from scoreshock.checks import show, whole
from scoreshock.densities.class_covariances import kind_of
from scoreshock.densities.covariances import Classes
from scoreshock.densities.data import describe_units
from scoreshock.densities.fitted_models import from_sklearn, statistics_of_model
from scoreshock.densities.tables.labels import MOST_CLASSES
from scoreshock.densities.tables.rows import bounds, parts
from scoreshock.densities.tables.table import Table
from scoreshock.densities.units import Units, units_of
from scoreshock.kernels.numerics.counter_rng import uniforms

MOST_NUMBERS = 2**27
"""Most numbers to which a mixture is fitted (1 GiB, ours): the fit has all of them in memory."""

MOST_ITERATIONS = 1000
MOST_SEED = 2**32 - 1  # of NumPy's generator that scikit-learn uses

TYPES = {"isotropic": "spherical", "spherical": "spherical", "diagonal": "diag", "shared": "tied", "full": "full"}
"""Covariances that scikit-learn fits, by our names; an isotropic mixture has the mean variance of spherical ones."""

FLOOR = 1e-6
"""Least variance of a component, over the mean variance of a feature: what keeps one from collapsing to a sample."""


def from_unlabelled(
    table: Table,
    components: int,
    seed: int = 0,
    scaling: Any = "raw",
    covariance: str = "isotropic",
    rank: int | None = None,
) -> xr.Dataset:
    """The mixture of a ``GaussianMixture`` of scikit-learn that is fitted to a table.

    Parameters
    ----------
    table
        Samples; its labels are not used.
    components, seed : int
        Number of components, at least 2, and seed of the fit.
    scaling, covariance
        As of :func:`scoreshock.from_labelled`; all covariances but ``shared-diagonal``, without a ``rank``.

    Returns
    -------
    xarray.Dataset
        As :func:`scoreshock.from_sklearn`, with the units of the data, and the attributes ``fit``, ``fit_converged`` (yes or
        no), ``fit_iterations``, ``n_samples``.

    Raises
    ------
    ValueError
        For a table that cannot be fitted.

    Examples
    --------
    >>> table = Table(np.array([[-11.0], [-9.0], [9.0], [11.0]]), None)
    >>> fitted = from_unlabelled(table, 2)
    >>> fitted.component_mean.values.ravel().round(6), fitted.fit_converged
    (array([-10.,  10.]), 'yes')
    """
    if rank is not None:
        raise ValueError(f"rank = {show(rank)} beside components; allowed: leave it out")
    model, units, constant = _model_of(table, components, seed, scaling, covariance)
    dataset = from_sklearn(model, "isotropic" if covariance == "isotropic" else "fitted")
    x = table.features
    dataset["origin"] = dataset.origin.copy(data=dataset.origin.values + (x[0] - units.offset) / units.divisor)
    described = describe_units(dataset, table, units, constant)
    kind = f"{components} {model.covariance_type} components, random_state {seed}"
    return described.assign_attrs(
        fit=f"GaussianMixture of scikit-learn, {kind}, no labels",
        fit_converged="yes" if model.converged_ else "no",
        fit_iterations=int(model.n_iter_),
    )


def fitted_statistics(table: Table, components: int, seed: int, scaling: Any, covariance: str) -> Classes:
    """Statistics of the components that `from_unlabelled` fits."""
    return statistics_of_model(_model_of(table, components, seed, scaling, covariance)[0])


def _model_of(table: Table, components: int, seed: int, scaling: Any, covariance: str) -> tuple[Any, Units, np.ndarray]:
    """The fitted model, the units of its numbers, and which features are constant."""
    x = table.features
    components = whole("components", components, 2, min(len(x), MOST_CLASSES))
    seed, kind = whole("seed", seed, 0, MOST_SEED), kind_of(covariance)
    if kind not in TYPES:
        raise ValueError(f"covariance = {kind!r} beside components is not allowed; allowed: {', '.join(TYPES)}")
    if len(x) * x.shape[1] > MOST_NUMBERS:
        raise ValueError(
            f"a table of {len(x):,} x {x.shape[1]:,} is too large to be fitted; allowed: {MOST_NUMBERS:,} numbers"
        )
    low, high = bounds("features", x)
    units = units_of(scaling, x, low, high)
    return _fitted(table, components, seed, units.divisor.tobytes(), TYPES[kind]), units, low == high


@lru_cache(maxsize=1)  # checking a study builds its densities several times
def _fitted(table: Table, components: int, seed: int, divisor: bytes, covariance_type: str) -> Any:
    """The model of the rows ``(x - x[0]) / divisor``."""
    from sklearn.mixture import GaussianMixture

    points = _points(table, np.frombuffer(divisor))
    spread = points.var(axis=0).mean()
    if not spread > 0:
        raise ValueError("features has equal samples only; allowed: samples that differ")
    model = GaussianMixture(
        components, covariance_type=covariance_type, random_state=seed, reg_covar=FLOOR * spread, max_iter=MOST_ITERATIONS
    )
    return _fit(model, points)


def _points(table: Table, divisor: np.ndarray) -> np.ndarray:
    """The rows ``(x - x[0]) / divisor``."""
    x = table.features
    return np.concatenate([np.subtract(x[part], x[0], dtype=float) for part in parts(x)]) / divisor


def _fit(model: Any, points: np.ndarray) -> Any:
    """The model, fitted on one thread: the order of a sum would depend on their number."""
    with warnings.catch_warnings(action="ignore"), threadpool_limits(1):
        return model.fit(points)


def refits(
    table: Table, components: int, count: int, seed: int = 0, scaling: Any = "raw"
) -> tuple[Any, list[Any], dict[str, Any]]:
    """The spherical model of `from_unlabelled`, ``count`` refits of it, and the attributes of its units.

    Each refit is to as many samples, drawn with replacement by the seed and its number, and starts from the model, so that
    its components stay those of the model.
    """
    from sklearn.mixture import GaussianMixture

    model, units, _ = _model_of(table, components, seed, scaling, "isotropic")
    points = _points(table, units.divisor)
    start = {f"{name}_init": getattr(model, f"{name}_") for name in ("weights", "means", "precisions")}
    bare = {"covariance_type": "spherical", "reg_covar": model.reg_covar, "max_iter": MOST_ITERATIONS, "random_state": 0}
    found = []
    for number in range(count):
        drawn = np.floor(len(points) * uniforms(seed, np.arange(len(points)), number)).astype(int)
        found.append(_fit(GaussianMixture(components, **bare, **start), points[np.minimum(drawn, len(points) - 1)]))
    return model, found, units.attributes
