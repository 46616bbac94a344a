"""Groups of a mixture's components at a batch of points, and one group against another.

Everything that depends on a difference is formed from differences of means about a leading component, so that it keeps its
digits under any offset and in the tails. Arrays have core dimensions first and points last.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels import mixture
from scoreshock.kernels.vectors import inner, square

FIRST, SECOND, REST = 0, 1, 2
"""Codes of a ``group (..., k)``: components of p1, of p2, and competitors that belong to neither."""


class Group(NamedTuple):
    """One group of components at a batch of points: its leading component and moments relative to it."""

    leader: np.ndarray  # mean of the component of largest weighted density, (n, B)
    log_weight: np.ndarray  # (B,)
    log_excess: np.ndarray  # ln of the group's density over its leader's, (B,)
    offset: np.ndarray  # posterior mean minus the leader, (n, B)
    covariance: np.ndarray  # posterior covariance of the means, (n, n, B)
    square: np.ndarray  # mean squared distance of x from the means, minus the leader's, (B,)


def moments(x: np.ndarray, means: np.ndarray, log_weights: np.ndarray, v: np.ndarray, inside: np.ndarray) -> Group:
    k, n = means.shape[:2]
    peak = np.full(x.shape[-1], -np.inf)
    leader, log_weight = np.full_like(x, np.nan), np.full_like(peak, np.nan)
    which = np.full(x.shape[-1], -1)
    for j in range(k):
        logit = log_weights[j] - square(x - means[j]) / (2 * v)
        better = inside[j] & ((logit > peak) | (which < 0))
        peak, which = np.where(better, logit, peak), np.where(better, j, which)
        leader = np.where(better, means[j], leader)
        log_weight = np.where(better, log_weights[j], log_weight)
    near = x - leader
    rows, steps, squares, total = [], [], [], np.zeros_like(peak)
    for j in range(k):
        step = means[j] - leader
        squares.append(-inner(step, (x - means[j]) + near))
        e = np.exp(log_weights[j] - log_weight - squares[-1] / (2 * v))
        e = np.where(inside[j] & (which != j), e, np.where(which == -1, np.nan, 0.0))
        total = total + e
        rows.append(np.where(which == j, 1.0, e))
        steps.append(step)
    share = 1 / (1 + total)
    offset, squared = np.zeros_like(x), np.zeros_like(peak)
    for j in range(k):
        rows[j] = rows[j] * share
        offset = offset + rows[j] * steps[j]
        squared = squared + rows[j] * squares[j]
    covariance = np.zeros((n, n, x.shape[-1]))
    for j in range(k):
        away = steps[j] - offset
        for a in range(n):
            for b in range(a, n):
                covariance[a, b] += rows[j] * away[a] * away[b]
    for a in range(n):
        for b in range(a):
            covariance[a, b] = covariance[b, a]
    return Group(leader, log_weight, np.log1p(total), offset, covariance, squared)


class Contrast(NamedTuple):
    """Group 1 against group 2 at a batch of points."""

    log_ratio: np.ndarray
    gradient: np.ndarray
    square: np.ndarray  # difference of the mean squared distances


def contrast(x: np.ndarray, v: np.ndarray, one: Group, two: Group) -> Contrast:
    step = one.leader - two.leader
    squared = -inner(step, (x - one.leader) + (x - two.leader))
    weights = (one.log_weight - two.log_weight) + (one.log_excess - two.log_excess)
    gradient = (step + (one.offset - two.offset)) / v
    return Contrast(weights - squared / (2 * v), gradient, squared + (one.square - two.square))


def score_of(x: Any, means: Any, weights: Any, variance: Any, tau: Any, inside: np.ndarray) -> np.ndarray:
    """Score of the components marked ``inside (..., k)`` alone, (..., n)."""
    return mixture.score(x, means, np.where(inside, weights, 0.0), variance, tau)


def jacobian_of(x: Any, means: Any, weights: Any, variance: Any, tau: Any, inside: np.ndarray) -> np.ndarray:
    return mixture.score_jacobian(x, means, np.where(inside, weights, 0.0), variance, tau)


def positive(v: np.ndarray) -> np.ndarray:
    return np.where(v > 0, v, np.nan)


def ratio(difference: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Relative size; zero where nothing is there to differ."""
    return np.where(size == 0, 0.0, difference / np.where(size == 0, 1.0, size))
