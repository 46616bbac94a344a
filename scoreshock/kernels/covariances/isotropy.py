"""How far the score of an isotropic mixture is from that of one with covariances and the same means and weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaincinv

from scoreshock.conventions import Status
from scoreshock.kernels.covariances.components import CORES, Components, covariance
from scoreshock.kernels.covariances.fields import responsibilities, score
from scoreshock.kernels.covariances.line import with_axes
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.numerics.batching import boxes

BLOCK = 2**21
"""Coordinates of the points of a block (16 MiB)."""

FEWEST = 8
"""Points drawn from each component, at least."""


class IsotropyError(NamedTuple):
    """Relative root mean square error of the isotropic score, its standard error, their status, and time, (...) each."""

    isotropic_error: np.ndarray
    isotropic_error_uncertainty: np.ndarray
    isotropic_error_status: np.ndarray
    tau: np.ndarray


def score_error(
    c: Components, dimension: np.ndarray, mean_variance: np.ndarray, tau: np.ndarray, samples: int, seed: int
) -> IsotropyError:
    r"""Relative error of the isotropic score, :math:`\sqrt{E|s_{iso} - s|^2 / E|s|^2}`, over the density with covariances.

    Parameters
    ----------
    c : Components
        Leading shape (...).
    dimension, mean_variance, tau : (...)
        Ambient dimension, variance of the isotropic mixture, diffusion time.
    samples, seed
        Points in all: the same number from each component, weighted with its weight; and seed of the draws, which all
        mixtures and times share.

    Returns
    -------
    IsotropyError
        ``singular`` with NaN where a component has no variance along some direction.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> one = components([[0.0]], [1.0], 1.0)
    >>> round(float(score_error(one, np.array(1), np.array(3.0), np.array(0.0), 100, 0)[0]), 12)  # -x/3 in place of -x
    0.666666666667
    """
    k, n = c.means.shape[-2:]
    each = max(FEWEST, samples // k)
    rng = np.random.default_rng(seed)
    draws = rng.standard_normal((2, k, each, n)), rng.random((k, each))
    shape = np.broadcast_shapes(c.lead, *map(np.shape, (dimension, mean_variance, tau)))
    full = [None if a is None else _broadcast(a, core, shape) for a, core in zip(c, CORES, strict=True)]
    points = [np.broadcast_to(a, shape) for a in (dimension, mean_variance, tau)]
    error, uncertainty = np.empty(shape), np.empty(shape)
    with np.errstate(all="ignore"):
        for box in boxes(shape, max(1, BLOCK // (k * each * n))):
            part = Components(*(a if a is None else a[box] for a in full))  # type: ignore[arg-type]
            d, spread, t = (a[box] for a in points)
            error[box], uncertainty[box] = _of_block(part, d, spread, t, *draws)
    status = np.where(np.isnan(error), Status.singular, Status.ok).astype(np.int8)
    return IsotropyError(error, uncertainty, status, points[-1])


def _broadcast(array: np.ndarray, core: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(array, shape + array.shape[array.ndim - core :])


def _of_block(
    c: Components,
    dimension: np.ndarray,
    mean_variance: np.ndarray,
    tau: np.ndarray,
    normals: np.ndarray,
    uniforms: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    n = c.means.shape[-1]
    several = with_axes(c, 2)
    d, spread, t = (a[..., None, None] for a in (dimension, mean_variance, tau))
    x = c.means[..., None, :] + _deviations(c, normals[0]) + np.sqrt(2 * t)[..., None] * normals[1]  # (..., k, each, n)
    # The squared distance in the other dimensions, of a chi-squared distribution.
    outside = (c.variance[..., None] + 2 * t) * np.where(d > n, 2 * gammaincinv(np.maximum(d - n, 1) / 2, uniforms), 0.0)
    exact = score(x, several, t, d, outside)
    plain = mixture.score(x, several.means, several.weights, spread, t)
    wrong, right = ((plain - exact) ** 2).sum(axis=-1), (exact**2).sum(axis=-1)
    if (d > n).any():
        r = responsibilities(x, several, t, d, outside)
        pull = (r / (several.variance + 2 * t[..., None])).sum(axis=-1)
        wrong += np.where(d > n, outside * (pull - 1 / (spread + 2 * t)) ** 2, 0.0)
        right += np.where(d > n, outside * pull**2, 0.0)
    return _ratio(c.weights, wrong, right)


def _deviations(c: Components, z: np.ndarray) -> np.ndarray:
    """Normal deviations of each component from its mean, (..., k, each, n)."""
    floor = np.sqrt(c.variance)[..., None, None]
    if c.eigenvalues is None:
        return floor * z
    along = np.sqrt(c.eigenvalues)[..., None, :]
    if c.directions is None:
        return along * z
    coordinates = z @ np.swapaxes(c.directions, -1, -2)
    if c.complete:
        return (along * coordinates) @ c.directions
    return floor * z + ((along - floor) * coordinates) @ c.directions


def _ratio(weights: np.ndarray, wrong: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root of the ratio of two weighted means over draws of each component, (..., k, each), and its standard error."""
    above, below = ((weights * part.mean(axis=-1)).sum(axis=-1) for part in (wrong, right))
    ratio = above / below
    residual = wrong - ratio[..., None, None] * right
    variance = (weights**2 * residual.var(axis=-1, ddof=1)).sum(axis=-1) / residual.shape[-1]
    root = np.sqrt(ratio)
    return root, np.where(root > 0, np.sqrt(variance) / below / (2 * root), 0.0)


def pooled(c: Components) -> tuple[np.ndarray, ...]:
    """Mean of the covariances under the weights: variance in other directions (...), eigenvalues (..., r), directions.

    Directions ``(..., n, n)`` are rows, r = n; of covariances along the features there are none, and of variances alone no
    eigenvalues.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> pooled(components([[0.0], [1.0]], [0.25, 0.75], 0.0, [[1.0], [2.0]]))[1].tolist()
    [1.75]
    """
    floor = _weighted(c, c.variance[..., None])[..., 0]
    if c.eigenvalues is None:
        return (floor,)
    if c.directions is None:
        return floor, _weighted(c, c.eigenvalues)
    values, vectors = np.linalg.eigh(sum(_share(c, j) for j in range(c.weights.shape[-1])))
    return floor, np.maximum(values, 0.0)[..., ::-1], np.swapaxes(vectors, -1, -2)[..., ::-1, :]


def _weighted(c: Components, values: np.ndarray) -> np.ndarray:
    """Weighted mean (..., r) of values (..., k or 1, r)."""
    return sum(c.weights[..., j, None] * values[..., j % values.shape[-2], :] for j in range(c.weights.shape[-1]))


def _share(c: Components, j: int) -> np.ndarray:
    """Weight times covariance of one component, (..., n, n)."""
    fields = zip(c, CORES, strict=True)
    parts = (None if a is None else np.take(a, [j % a.shape[-core]], axis=-core) for a, core in fields)
    one = Components(*parts)  # type: ignore[arg-type]
    return c.weights[..., j, None, None] * covariance(one)[..., 0, :, :]
