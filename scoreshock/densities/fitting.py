"""Mixtures of data without labels: a Gaussian mixture fitted to the samples."""

from __future__ import annotations

import warnings
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from scoreshock.checks import whole
from scoreshock.densities.data import describe_units, from_sklearn
from scoreshock.densities.tables.labels import MOST_CLASSES
from scoreshock.densities.tables.rows import bounds, parts
from scoreshock.densities.tables.table import Table
from scoreshock.densities.units import units_of

MOST_NUMBERS = 2**27
"""Most numbers to which a mixture is fitted (1 GiB, ours): the fit has all of them in memory."""

MOST_ITERATIONS = 1000
MOST_SEED = 2**32 - 1  # of NumPy's generator that scikit-learn uses

FLOOR = 1e-6
"""Least variance of a component, over the mean variance of a feature: what keeps one from collapsing to a sample."""


def from_unlabelled(table: Table, components: int, seed: int = 0, scaling: Any = "raw") -> xr.Dataset:
    """The mixture nearest to a ``GaussianMixture`` of scikit-learn of spherical components, fitted to a table.

    Parameters
    ----------
    table
        Samples; its labels are not used.
    components, seed : int
        Number of components, at least 2, and seed of the fit.
    scaling
        As of :func:`scoreshock.from_labelled`.

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
    x = table.features
    components = whole("components", components, 2, min(len(x), MOST_CLASSES))
    seed = whole("seed", seed, 0, MOST_SEED)
    if len(x) * x.shape[1] > MOST_NUMBERS:
        raise ValueError(
            f"a table of {len(x):,} x {x.shape[1]:,} is too large to be fitted; allowed: {MOST_NUMBERS:,} numbers"
        )
    low, high = bounds("features", x)
    units = units_of(scaling, x, low, high)
    model = _fitted(table, components, seed, units.divisor.tobytes())
    held = ("means_", "weights_", "covariances_", "covariance_type")
    dataset = from_sklearn(SimpleNamespace(**{name: getattr(model, name) for name in held}))
    dataset["origin"] = dataset.origin.copy(data=dataset.origin.values + (x[0] - units.offset) / units.divisor)
    described = describe_units(dataset, table, units, low == high)
    return described.assign_attrs(
        fit=f"GaussianMixture of scikit-learn, {components} spherical components, random_state {seed}, no labels",
        fit_converged="yes" if model.converged_ else "no",
        fit_iterations=int(model.n_iter_),
    )


@lru_cache(maxsize=1)  # checking a study builds its densities several times
def _fitted(table: Table, components: int, seed: int, divisor: bytes) -> Any:
    """The model of the rows ``(x - x[0]) / divisor``."""
    from sklearn.mixture import GaussianMixture

    x = table.features
    points = np.concatenate([np.subtract(x[part], x[0], dtype=float) for part in parts(x)]) / np.frombuffer(divisor)
    spread = points.var(axis=0).mean()
    if not spread > 0:
        raise ValueError("features has equal samples only; allowed: samples that differ")
    model = GaussianMixture(
        components, covariance_type="spherical", random_state=seed, reg_covar=FLOOR * spread, max_iter=MOST_ITERATIONS
    )
    # On one thread: the order of a sum would depend on their number.
    with warnings.catch_warnings(action="ignore"), threadpool_limits(1):
        return model.fit(points)
