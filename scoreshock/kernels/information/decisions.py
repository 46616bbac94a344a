"""What a noisy point says of its class: probabilities, entropies, squared errors, and the noise at which it is decided."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import expit

from scoreshock.conventions import Status
from scoreshock.kernels.information.classes import Classes, Method, Solver, classes_of, estimated, pairs_of
from scoreshock.kernels.information.covariances import Along
from scoreshock.kernels.information.expectations import Moments, mean_square_errors, moments
from scoreshock.kernels.numerics.bracketing import bracketed

AUTOMATIC = Method()

WIDEN, TIMES = np.log(1e3), 12
"""Steps, in the logarithm of sigma^2, by which a bracket grows, and how many."""

ODDS, NODES = 1e7, 65
"""Largest ratio of the weights of a pair whose levels are interpolated, and at how many ratios they are computed."""

STILL = 1e-20
"""Noise variance, over the squared extent of the means, at which point masses do not overlap."""


class Decisions(NamedTuple):
    """At each point (...): what is known of the class, with the estimate of the error of each number beside it.

    ``cloning_probability`` in (0, 1] and one minus it; ``class_entropy`` in nats; ``class_information_density`` per
    ``gamma = 1/(2 tau)``; mean squared errors of the denoiser, without and with knowledge of the class.
    """

    cloning_probability: np.ndarray
    one_minus_cloning: np.ndarray
    one_minus_cloning_error: np.ndarray
    class_entropy: np.ndarray
    class_entropy_error: np.ndarray
    class_information_density: np.ndarray
    class_information_density_error: np.ndarray
    mmse: np.ndarray
    mmse_of_class: np.ndarray
    mmse_error: np.ndarray
    decisions_status: np.ndarray


class Windows(NamedTuple):
    """Noise levels at which a share of the entropy remains, (..., share), their errors, and status (..., share)."""

    sigma: np.ndarray
    sigma_error: np.ndarray
    status: np.ndarray


def class_decisions(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    dimension: np.ndarray,
    groups: tuple[tuple[int, ...], ...],
    method: Method = AUTOMATIC,
    along: Along | None = None,
) -> Decisions:
    r"""Cloning probability, entropy of the class, its rate, and mean squared errors at diffusion times.

    .. math:: \phi = E\sum_c R_c^2,\quad H = -E\sum_c R_c\ln R_c,\quad
       D_Z = -\frac{dH}{d\gamma} = \tfrac12 E\sum_c R_c |E[x_0|x,c] - E[x_0|x]|^2 = \tfrac12(\mathrm{mmse} - \mathrm{mmse}_Z)

    with :math:`R_c` the posterior probability of the class c and :math:`\gamma = 1/(2\tau)`.

    Parameters
    ----------
    means, weights, variance
        The mixture: (..., k, n), (..., k), (..., k), the last being the isotropic variance of each component.
    tau, dimension : (...)
        Diffusion time, and dimension of the data, which adds to mean squared errors.
    groups
        Components of each class.
    method
        Quadrature in at most two coordinates, or three where it is asked for, else Monte Carlo.
    along
        Covariances of components, for which ``variance`` is that along all other directions.

    Returns
    -------
    Decisions
        ``singular`` with NaN where a component has no variance; ``unresolved``, with the numbers as computed, where
        quadrature misses a relative error of 1e-9; ``not_applicable`` where quadrature is asked for in more coordinates.

    Notes
    -----
    Biroli, Bonnaire, de Bortoli and Mezard 2024; Guo, Shamai and Verdu 2005. One minus the cloning probability is a sum of
    positive terms, which keeps its digits where classes hardly overlap, to some 1e-20.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.full(2, 0.5), np.zeros(2)
    >>> found = class_decisions(*pair, np.array(0.5), np.array(1), ((0,), (1,)))
    >>> round(float(found.cloning_probability), 4), round(float(found.class_information_density), 4)
    (0.7752, 0.2248)
    """
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], variance.shape[:-1], np.shape(tau), np.shape(dimension))
    points = classes_of(means, weights, variance, dimension, groups, lead, along=along)
    noise = np.broadcast_to(2 * np.asarray(tau, dtype=float), lead).ravel()
    good = np.flatnonzero(noise + points.extremes[0] > 0)
    columns, status = np.full((10, noise.size), np.nan), np.full(noise.size, Status.singular, dtype=np.int8)
    with np.errstate(all="ignore"):
        found = estimated(_numbers(method), points.take(good), method, noise[good])
    value, error = found.values, found.errors
    rows = [1 - value[0], value[0], error[0], value[1], error[1], value[2], error[2], value[3], value[4], error[3]]
    columns[:, good] = rows
    status[good] = np.max([found.status(i) for i in range(4)], axis=0)
    return Decisions._make([*columns.reshape(10, *lead), status.reshape(lead)])


def decision_windows(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    share: np.ndarray,
    groups: tuple[tuple[int, ...], ...],
    dimension: np.ndarray | None = None,
    method: Method = AUTOMATIC,
    frame: np.ndarray | None = None,
    along: Along | None = None,
) -> Windows:
    r"""Noise levels ``sigma = sqrt(2 tau)`` at which the class entropy is a ``share (m,)`` of that of the weights.

    Mixtures near that of the means ``frame (..., k, n)`` have draws in common (see `classes_of`); ``along`` as for
    `class_decisions`.

    Returns
    -------
    Windows
        The entropy rises with sigma, so each is unique. ``below_data_variance`` with NaN where data leave more of it;
        ``no_transition`` with NaN where noise never tells classes apart, as for equal components, or there is one class.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.full(2, 0.5), np.zeros(2)
    >>> decision_windows(*pair, np.array([0.05, 0.5, 0.95]), ((0,), (1,))).sigma.round(4).tolist()
    [0.4478, 0.9787, 3.7326]
    """
    d = np.asarray(means.shape[-1] if dimension is None else dimension)
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], variance.shape[:-1], d.shape)
    points = classes_of(means, weights, variance, d, groups, lead, frame, along)
    columns, status = np.full((2, points.size, len(share)), np.nan), np.zeros((points.size, len(share)), dtype=np.int8)
    with np.errstate(all="ignore"):
        for i, part in enumerate(share):
            found = estimated(_level(method, float(part)), points, method)
            columns[0, :, i], columns[1, :, i] = found.values[0], found.errors[0]
            left = found.values[1] >= part * points.weight_entropy
            reason = np.where(left, np.int8(Status.below_data_variance), np.int8(Status.no_transition))
            status[:, i] = np.where(np.isnan(found.values[0]) & ~found.beyond, reason, found.status(0))
    sigma, error = columns.reshape(2, *lead, len(share))
    return Windows(sigma, error, status.reshape(sigma.shape))


def pair_windows(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, share: np.ndarray) -> np.ndarray:
    r"""Levels ``sigma (..., pair, share)`` of `decision_windows` for each pair of components of one ``variance (...)``.

    They are :math:`\sigma^2 = |\mu_i - \mu_j|^2 c(w) - \sigma_0^2`, c interpolated in the log odds to a relative 1e-6.
    NaN where data leave more of the entropy, and where one component is `ODDS` times rarer than the other.

    Examples
    --------
    >>> pair_windows(np.array([[-1.0], [1.0]]), np.full(2, 0.5), np.array(0.0), np.array([0.5])).round(4).tolist()
    [[0.9787]]
    """
    one, other = pairs_of(means.shape[-2])
    step = means[..., one, :] - means[..., other, :]
    odds = np.abs(np.log(weights[..., one]) - np.log(weights[..., other]))
    alone = np.exp(2 * _unit_pair(tuple(share.tolist()))(odds))
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.einsum("...n,...n->...", step, step)[..., None] * alone - variance[..., None, None])


@lru_cache(maxsize=8)
def _unit_pair(share: tuple[float, ...]) -> CubicSpline:
    """Logarithm of the levels of two point masses at distance 1, over the log odds of their weights."""
    odds = np.linspace(0.0, np.log(ODDS), NODES)
    weights = np.stack([expit(odds), expit(-odds)], axis=-1)
    found = decision_windows(np.array([[-0.5], [0.5]]), weights, np.zeros(2), np.array(share), ((0,), (1,)))
    return CubicSpline(odds, np.log(found.sigma), extrapolate=False)


def _numbers(method: Method) -> Solver:
    def solve(points: Classes, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = moments(points, noise, method)
        both, of_class = mean_square_errors(points, noise, found)
        values = np.stack([found.doubt, found.entropy, found.between / 2, both, of_class])
        errors = np.abs(values) * found.error
        errors[3] = (found.between + found.within) * found.error
        return values, errors

    return solve


def _level(method: Method, share: float) -> Solver:
    """Solver of the noise level at which ``share`` of the weights' entropy is left; and of what is left without noise."""

    def solve(points: Classes) -> tuple[np.ndarray, np.ndarray]:
        goal = share * points.weight_entropy
        # The limit of point masses is reached where noise is far below their distances.
        least = np.where(points.extremes[0] > 0, 0.0, STILL * points.extent)
        log_q, relative, left = np.full((3, points.size), np.nan)
        at = np.flatnonzero((goal > 0) & (points.extent > 0))
        left[at] = moments(points.take(at), least[at], method).entropy
        at = at[left[at] < goal[at]]
        if at.size:
            log_q[at], last = _crossing(points.take(at), goal[at], method)
            relative[at] = goal[at] * last.error * np.exp(log_q[at]) / last.between
        sigma = np.exp(0.5 * log_q)
        return np.stack([sigma, left]), np.stack([sigma * relative, np.zeros_like(sigma)])

    return solve


def _crossing(points: Classes, goal: np.ndarray, method: Method) -> tuple[np.ndarray, Moments]:
    """``ln sigma^2`` (B,) at which the entropy is ``goal``, NaN where it is at no noise, and the moments there."""

    def excess(log_q: np.ndarray, i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = moments(points.take(i), np.exp(log_q), method)
        value = found.entropy - goal[i]
        return value, log_q - value * 2 * np.exp(log_q) / found.between

    ends, values = [], []
    for sign in (-1.0, 1.0):
        end = np.log(points.extent) + 2 * sign
        value = excess(end, np.arange(goal.size))[0]
        for _ in range(TIMES):
            at = np.flatnonzero(sign * value < 0)
            if not at.size:
                break
            end[at] += sign * WIDEN
            value[at] = excess(end[at], at)[0]
        ends.append(end)
        values.append(value)
    root = bracketed(excess, *ends, *values, newton=True)
    return root, moments(points, np.exp(root), method)
