r"""What a noisy point tells of its class: cloning probability and class entropy, and the time of a level of the first.

Both are averages over the density of functions of the responsibilities. Of one shared covariance these depend on the
whitened differences of the means alone: one coordinate for a pair, ``R`` its squared half-distance. Covariances of their
own need all coordinates, but isotropic ones with their means on a line only that along it and the distance from it. Where
more than two are needed it is ``not_applicable`` here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.covariances.averages import Averages, line_averages, plane_averages, radial_averages
from scoreshock.kernels.covariances.components import Components, Outcome, covariance, is_finite, is_shared, spread_over
from scoreshock.kernels.covariances.reduction import reduced
from scoreshock.kernels.covariances.shared_pair import is_shared_pair, snr, time_of_snr
from scoreshock.kernels.gaussian.geometry import span
from scoreshock.kernels.numerics.bracketing import bracketed
from scoreshock.kernels.speciation import alternatives

RESOLVED = 1e-8
"""Difference of two rules of quadrature in a plane above which averages are unresolved."""

EARLIEST, LATEST = 1e-12, 40
"""Least tau over the scale of the mixture at which a level is sought, and how often the largest is made 8 times as large."""


class ClassInformation(NamedTuple):
    """Averages over the density, and their status, (...) each."""

    cloning_probability: np.ndarray  # E sum_k r_k^2
    one_minus_cloning: np.ndarray  # E sum_k r_k (1 - r_k), with digits of its own
    class_entropy: np.ndarray  # -E sum_k r_k ln r_k, in nats
    status: np.ndarray


def class_information(c: Components, tau: Any, dimension: Any = None) -> ClassInformation:
    r"""Cloning probability :math:`\phi = E\sum_k r_k^2` and class entropy :math:`S = -E\sum_k r_k\ln r_k`.

    Parameters
    ----------
    c : Components
    tau : array (...)
        Diffusion time.
    dimension : array (...), optional
        Ambient dimension, if larger than the number of features.

    Returns
    -------
    ClassInformation
        Errors are some 1e-13 of the values on a line; in a plane those that may exceed 1e-8 are ``unresolved``.
        ``singular`` with NaN where the density does not exist, ``failed`` for input that is not finite; ``not_applicable``
        with NaN where the responsibilities depend on more than two coordinates.

    Notes
    -----
    phi is the chance that two reverse SDE paths from one noisy point end in the same class (Biroli et al. 2024).

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> found = class_information(components([[-1.0, 0.0], [1.0, 0.0]], [0.5, 0.5], 0.0, [[0.5, 9.0]]), 0.25)  # R = 1
    >>> round(float(found.cloning_probability), 4)
    0.7752
    """
    tau = np.asarray(tau, dtype=float)
    lead = np.broadcast_shapes(c.lead, tau.shape, () if dimension is None else np.shape(dimension))
    known, coordinates = coordinates_needed(c, dimension)
    if not known:
        return _everywhere(lead, Status.not_applicable)
    with np.errstate(all="ignore"):
        if _is_radial(c):
            averages, exists = _of_radius(c, tau, lead, dimension)
        else:
            averages, exists = _averages(c, tau, lead, coordinates)
    finite = np.broadcast_to(is_finite(c), lead) & np.isfinite(tau)
    exists = exists.reshape(lead) & finite
    values = [np.where(exists, a.reshape(lead), np.nan) for a in averages]
    status = np.where(values[3] > RESOLVED, np.int8(Status.unresolved), np.int8(Status.ok))
    status = np.where(exists, status, np.where(finite, np.int8(Status.singular), np.int8(Status.failed)))
    agreement, disagreement, entropy, _ = values
    return ClassInformation(agreement, disagreement, entropy, status)


def _everywhere(lead: tuple[int, ...], status: Status) -> ClassInformation:
    missing = np.full(lead, np.nan)
    return ClassInformation(missing, missing.copy(), missing.copy(), np.full(lead, status, dtype=np.int8))


def coordinates_needed(c: Components, dimension: Any = None) -> tuple[bool, int]:
    """Whether responsibilities depend on at most two coordinates, and on how many.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> coordinates_needed(components(np.eye(5)[:3], np.full(3, 1 / 3), 1.0))
    (True, 2)
    """
    k, n = c.means.shape[-2:]
    if is_shared(c):
        count = max(1, min(n, k - 1))
        return count <= 2, count
    if _is_radial(c):
        return True, 2
    return _ambient(c, dimension) == n and n <= 2, n


def _ambient(c: Components, dimension: Any) -> int:
    """Largest of the ambient dimensions."""
    return int(np.max(c.means.shape[-1] if dimension is None else dimension, initial=0))


def _is_radial(c: Components) -> bool:
    """Whether covariances are own and isotropic, and means on a line: across it only the distance counts."""
    k, n = c.means.shape[-2:]
    return not is_shared(c) and c.eigenvalues is None and min(n, k - 1) <= 1


def _averages(c: Components, tau: np.ndarray, lead: tuple[int, ...], coordinates: int) -> tuple[Averages, np.ndarray]:
    """Averages and whether the density exists, (B,) each."""
    k = c.means.shape[-2]
    log_w = _flat(np.log(c.weights), lead, 1)
    if is_shared(c):
        mu = _flat(_whitened(c, tau), lead, 2)
        exists = np.isfinite(mu).all(axis=(0, 1))
        mu = np.where(exists, mu, 0.0)
        unit = np.broadcast_to(np.eye(coordinates)[None, :, :, None], (k, coordinates, coordinates, len(exists)))
    else:
        mu = _flat(c.means, lead, 2)
        unit = covariance(c) + 2 * tau[..., None, None, None] * np.eye(coordinates)
        unit = _flat(np.broadcast_to(unit, (*unit.shape[:-3], k, *unit.shape[-2:])), lead, 3)
        exists = (np.linalg.eigvalsh(np.moveaxis(unit, -1, 0))[..., 0] > 0).all(axis=-1)
        unit = np.where(exists, unit, np.eye(coordinates)[None, :, :, None])
    if coordinates == 1:
        return line_averages(mu[:, 0], unit[:, 0, 0], log_w), exists
    return plane_averages(mu, unit, log_w), exists


def _of_radius(c: Components, tau: np.ndarray, lead: tuple[int, ...], dimension: Any) -> tuple[Averages, np.ndarray]:
    """The same of own isotropic covariances, by a coordinate along the line of the means and the distance from it."""
    v = _flat(c.variance + 2 * tau[..., None], lead, 1)
    exists = np.logical_and.reduce(v > 0)
    mu, log_w = _flat(reduced(c).means[..., 0], lead, 1), _flat(np.log(c.weights), lead, 1)
    v = np.where(exists, v, 1.0)
    d = np.broadcast_to(c.means.shape[-1] if dimension is None else dimension, lead).ravel()
    found = np.empty((4, d.size))
    for at in (np.flatnonzero(d == 1), np.flatnonzero(d > 1)):
        part = mu[:, at], v[:, at], log_w[:, at]
        found[:, at] = line_averages(*part) if (d[at] == 1).all() else radial_averages(*part, d[at] - 1.0)
    return Averages(*found), exists


def _flat(array: np.ndarray, lead: tuple[int, ...], core: int) -> np.ndarray:
    """(..., *core) as (*core, B)."""
    own = array.shape[array.ndim - core :]
    return np.ascontiguousarray(np.moveaxis(np.broadcast_to(array, (*lead, *own)).reshape(-1, *own), 0, -1))


def _whitened(c: Components, tau: np.ndarray) -> np.ndarray:
    """Means over the standard deviations of the shared noisy covariance, in the coordinates of their span, (..., k, m)."""
    if is_shared_pair(c):
        root = np.sqrt(snr(c, tau))
        return np.stack([-root, root], axis=-1)[..., None]
    steps = c.means - c.means[..., :1, :]
    floor = c.variance[..., None] + 2 * tau[..., None, None]
    if c.eigenvalues is None:
        return span(steps / np.sqrt(floor))
    deviations = np.sqrt(c.eigenvalues + 2 * tau[..., None, None])
    if c.directions is None:
        return span(steps / deviations)
    u = c.directions[..., 0, :, :]
    along = steps @ np.swapaxes(u, -1, -2)
    scaled = along / deviations
    if c.complete:
        return span(scaled)
    rest = (steps - along @ u) / np.sqrt(floor)
    lead = np.broadcast_shapes(scaled.shape[:-1], rest.shape[:-1])
    return span(np.concatenate([np.broadcast_to(a, (*lead, a.shape[-1])) for a in (scaled, rest)], axis=-1))


def cloning(c: Components, level: Any = alternatives.LEVEL, dimension: Any = None) -> Outcome:
    """Diffusion time at which the cloning probability falls through ``level (...)``; by default 0.7752.

    ``no_transition`` with NaN for equal means of one covariance, and where ``level <= sum w^2``, which no noise reaches;
    ``below_data_variance`` where the probability is lower at all tau > 0: with the negative time for a pair of one
    covariance, else with NaN; ``not_applicable`` as for `class_information`.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> round(float(cloning(components([[-1.0, 0.0], [1.0, 0.0]], [0.5, 0.5], 0.0, [[0.5, 9.0]])).tau), 9)
    0.25
    """
    level = np.asarray(level, dtype=float)
    lead = np.broadcast_shapes(c.lead, level.shape, () if dimension is None else np.shape(dimension))
    if is_shared_pair(c):
        # A pair at -1 and 1 of variance v has R = 1/v.
        time, status = alternatives.cloning(np.array([[-1.0], [1.0]]), c.weights, np.zeros(()), level)
        tau, own = time_of_snr(c, np.where(status == Status.ok, 0.5 / time, np.nan))
        return Outcome(tau, np.where(status == Status.ok, own, status).astype(np.int8))
    if not coordinates_needed(c, dimension)[0]:
        return Outcome(np.full(lead, np.nan), np.full(lead, Status.not_applicable, dtype=np.int8))
    flat = spread_over(c, lead)
    d = np.broadcast_to(c.means.shape[-1] if dimension is None else dimension, lead).ravel()
    tau, status = _falling(flat, np.broadcast_to(level, lead).ravel(), d)
    return Outcome(tau.reshape(lead), status.reshape(lead))


def _falling(c: Components, level: np.ndarray, dimension: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Time (B,) at which the probability is the level, and its status."""

    def above(t: np.ndarray, i: np.ndarray) -> np.ndarray:
        return class_information(c.take(i), np.exp(t), dimension[i]).cloning_probability - level[i]

    scale = covariance(c).max(axis=(-1, -2, -3)) + ((c.means - c.means[:, :1]) ** 2).max(axis=(-1, -2))
    apart = (c.means != c.means[:, :1]).any(axis=(-1, -2)) | (not is_shared(c))
    reached = apart & (level > (c.weights**2).sum(axis=-1)) & (scale > 0) & np.isfinite(scale)
    low = np.log(EARLIEST * np.where(scale > 0, scale, 1.0))
    high, todo = np.log(np.where(scale > 0, scale, 1.0)), np.flatnonzero(reached)
    before = np.full(level.shape, np.nan)
    before[todo] = above(low[todo], todo)
    rising = todo[before[todo] > 0]
    for _ in range(LATEST):
        rising = rising[above(high[rising], rising) > 0]
        high[rising] += np.log(8.0)
    at = np.setdiff1d(np.flatnonzero(reached & (before > 0)), rising)
    tau = np.full(level.shape, np.nan)
    tau[at] = np.exp(bracketed(lambda t, i: above(t, at[i]), low[at], high[at], tolerance=1e-13))
    status = np.where(np.isnan(tau), np.int8(Status.no_transition), np.int8(Status.ok))
    status = np.where(reached & (before <= 0), np.int8(Status.below_data_variance), status)
    return tau, np.where(np.isfinite(scale), status, np.int8(Status.failed))
