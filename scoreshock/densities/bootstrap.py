"""Bootstrap replicates of the mixture of a labelled table: from them come the standard errors of what data say."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scoreshock.axes import CORE, as_axis
from scoreshock.checks import whole
from scoreshock.conventions import attributes
from scoreshock.densities.class_covariances import eigenpairs, eigenpairs_of_rows
from scoreshock.densities.covariances import Classes, ScaledRows, class_statistics
from scoreshock.densities.mixtures import assemble, one_blas_thread, span
from scoreshock.densities.tables.labels import classes_of
from scoreshock.densities.tables.reading import as_table
from scoreshock.densities.tables.rows import bounds
from scoreshock.densities.units import units_of
from scoreshock.kernels.numerics.counter_rng import uniforms

REPLICATES = 32
"""Our default of the number of replicates: standard errors to 13 %."""

MOST_REPLICATES = 10_000

LEADING = 4
"""Leading directions of the data in which the largest variance of a replicate is sought."""

ROOM = 2**23
"""Numbers (64 MiB) of the replicates' class means that are summed together; of more the table is read again."""


def bootstrapped(
    features: Any, labels: Any = None, scaling: Any = "raw", replicates: int = REPLICATES, seed: int = 0
) -> xr.Dataset:
    r"""Bootstrap replicates of the isotropic mixture of a labelled table, as a mixture with the dimension ``replicate``.

    Each replicate gives each sample a random weight, exponential of mean 1 (the Bayesian bootstrap), and has the weighted
    shares, means and variances of the classes. The standard deviation over ``replicate`` of any quantity is its standard
    error from the sampling of the data.

    Parameters
    ----------
    features, labels, scaling
        As for :func:`from_labelled`. The units are those of the table in all replicates.
    replicates
        Number of replicates, 2 to 10000; B of them give a standard error to a relative 1/sqrt(2 (B - 1)).
    seed
        Of the weights. That of a sample depends on its row, the replicate and the seed alone.

    Returns
    -------
    xarray.Dataset
        ``component_mean (replicate, component, feature)``, in coordinates of each replicate's own span,
        ``component_weight (replicate, component)``, ``component_variance (replicate)`` and ``total_eigenvalue
        (replicate)``: the largest variance in the span of the four leading directions of the data themselves, which
        is the largest eigenvalue of the replicate to first order. In units of the data.

    Raises
    ------
    ValueError
        As of :func:`from_labelled`, and for another number of replicates.

    Notes
    -----
    The table is read once more than for its own statistics, in slices. With weights that are never 0, as they are with
    exponential ones, no class is empty in a replicate.

    References
    ----------
    Rubin 1981, The Bayesian bootstrap, Annals of Statistics 9, 130.

    Examples
    --------
    The error of the leading time of two classes of 500 samples each, in one dimension.

    >>> import numpy as np, scoreshock as ss
    >>> x = np.random.default_rng(0).standard_normal((1000, 1)) + np.repeat([[-2.0], [2.0]], 500, axis=0)
    >>> many = ss.bootstrapped(x, np.repeat([0, 1], 500))
    >>> times = ss.speciation(many, criteria=["leading"]).tau_star
    >>> 0.03 < float(times.std()) < 0.12
    True
    """
    count, seed = whole("replicates", replicates, 2, MOST_REPLICATES), whole("seed", seed, 0, 2**63 - 1)
    table = as_table(features, labels)
    x = table.features
    low, high = bounds("features", x)
    names, member = classes_of(table.labels, len(x))
    units = units_of(scaling, x, low, high)
    rows = ScaledRows(x, units.divisor, member)
    classes = class_statistics(x, units.divisor, member)
    means, shares, variances, totals = _replicates(rows, classes, count, seed)
    parts = {
        "means": (("replicate", *CORE), means),
        "weights": (("replicate", "component"), shares),
        "variance": (("replicate",), variances),
    }
    labelled = {name: xr.DataArray(array, dims=dims) for name, (dims, array) in parts.items()}
    dataset = assemble(**labelled, dimension=as_axis("dimension", x.shape[1]))
    dataset["total_eigenvalue"] = ("replicate", totals, attributes("total_eigenvalue"))
    coordinates = {"label": ("component", names), "replicate": ("replicate", np.arange(count))}
    described = {name: (*each, attributes(name)) for name, each in coordinates.items()}
    return dataset.assign_coords(described).assign_attrs(units.attributes | {"n_samples": len(x)})


def _replicates(
    rows: ScaledRows, classes: Classes, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Means (count, k, n) in their own spans, shares (count, k), variances (count,) and total eigenvalues (count,)."""
    directions = _leading(rows, classes)
    batch = max(1, ROOM // classes.means.size)
    found = []
    with one_blas_thread():
        for start in range(0, count, batch):
            numbers = np.arange(start, min(start + batch, count))
            weight, moved, squares, first, second = _sums(rows, classes.means, directions, numbers, seed)
            shares = weight / weight.sum(axis=1, keepdims=True)
            shift = moved / weight[..., None]
            d = classes.means.shape[1]
            spread = squares / weight - np.einsum("bkd,bkd->bk", shift, shift)
            # What is lost to rounding where a class is one point.
            spread = np.where(spread > 1e-14 * squares / weight, spread, 0.0) / d
            total = weight.sum(axis=1)
            means = np.stack([span(classes.means + each, w).means for each, w in zip(shift, shares, strict=True)])
            mean, product = first / total[:, None], second / total[:, None, None]
            covariance = product - mean[:, :, None] * mean[:, None]
            found.append((means, shares, (shares * spread).sum(axis=1), np.linalg.eigvalsh(covariance)[:, -1]))
    return tuple(np.concatenate(each) for each in zip(*found, strict=True))  # type: ignore[return-value]


def _leading(rows: ScaledRows, classes: Classes) -> np.ndarray:
    """Directions (r, d) of the largest eigenvalues of the total covariance, by the smaller matrix."""
    held, most = classes.covariances, min(LEADING, classes.means.shape[1], len(rows.member))
    with one_blas_thread():
        if held.mixed is None:
            return eigenpairs(held.within + held.between.T @ held.between, most)[1]
        residuals = rows.residuals(slice(None), classes.means) / np.sqrt(len(rows.member))
        stacked = np.concatenate([held.between, residuals])
        return eigenpairs_of_rows(stacked @ stacked.T, stacked, most)[1]


def _sums(
    rows: ScaledRows, means: np.ndarray, directions: np.ndarray, numbers: np.ndarray, seed: int
) -> tuple[np.ndarray, ...]:
    """Weighted sums of the replicates ``numbers (B,)``.

    Of each class of weights (B, k), of deviations from its mean (B, k, d) and of their squared lengths (B, k); and of all
    samples of their coordinates along ``directions (r, d)`` about the mean of all (B, r), and of the products of these
    (B, r, r).
    """
    (k, d), r = means.shape, len(directions)
    weight, squares = np.zeros((2, numbers.size, k))
    moved, first, second = np.zeros((numbers.size, k, d)), np.zeros((numbers.size, r)), np.zeros((numbers.size, r, r))
    share = np.bincount(rows.member) / len(rows.member)
    centres = (means - share @ means) @ directions.T
    for part in rows.parts():
        residuals = rows.residuals(part, means)
        member = rows.member[part]
        row = np.arange(part.start, part.start + len(member))
        weights = np.stack([-np.log(uniforms(seed, row, int(number))) for number in numbers])  # (B, n)
        lengths = np.einsum("nd,nd->n", residuals, residuals)
        along = residuals @ directions.T + centres[member]
        first += weights @ along
        second += (weights @ (along[:, :, None] * along[:, None]).reshape(-1, r * r)).reshape(second.shape)
        for j in np.unique(member):
            at = np.flatnonzero(member == j)
            own = weights[:, at]
            weight[:, j] += own.sum(axis=1)
            squares[:, j] += own @ lengths[at]
            moved[:, j] += own @ residuals[at]
    return weight, moved, squares, first, second
