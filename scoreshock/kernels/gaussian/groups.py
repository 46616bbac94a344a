"""Groups of a mixture's components at a batch of points, and one group against another.

Everything that depends on a difference is formed from differences of means about a leading component, so that it keeps its
digits under any offset and in the tails. Arrays have core dimensions first and points last.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.log_odds import log_odds, past_midpoint
from scoreshock.kernels.numerics.vectors import inner

FIRST, SECOND, REST = 0, 1, 2
"""Codes of a ``group (..., k)``: components of p1, of p2, and competitors that belong to neither."""


class Group(NamedTuple):
    """One group of components at a batch of points: its leading component and moments relative to it."""

    leader: np.ndarray  # mean of the component of largest weighted density, (n, B)
    weight: np.ndarray  # of that component, (B,)
    log_excess: np.ndarray  # ln of the group's density over its leader's, (B,)
    offset: np.ndarray  # posterior mean minus the leader, (n, B)
    covariance: np.ndarray  # posterior covariance of the means, (n, n, B)
    square: np.ndarray  # mean squared distance of x from the means, minus the leader's, (B,)


def moments(x: np.ndarray, means: np.ndarray, weights: np.ndarray, v: np.ndarray, inside: np.ndarray) -> Group:
    """Leader and posterior moments of the components marked ``inside (k, B)`` at ``x (n, B)``, (85).

    Parameters
    ----------
    x, means, weights, v
        Points (n, B), mixtures (k, n, B) and (k, B), and the component variance (B,), positive or NaN.
    inside : array of bool (k, B)
        Components of the group; NaN where there is none.

    Examples
    --------
    >>> pair = np.array([[[-1.0]], [[1.0]]]), np.array([[0.5], [0.5]])
    >>> both = moments(np.zeros((1, 1)), *pair, np.ones(1), np.ones((2, 1), dtype=bool))
    >>> both.leader.tolist(), both.offset.tolist(), both.covariance.ravel().tolist()
    ([[-1.0]], [[1.0]], [1.0])
    """
    which, leader, weight = leader_of(x, means, weights, v, inside)
    number = np.arange(len(means))[:, None]
    steps = means - leader  # (k, n, B)
    squares = -inner(steps.swapaxes(0, 1), past_midpoint(x, means, leader).swapaxes(0, 1))
    e = np.exp(log_odds(weights, weight) - squares / (2 * v))
    e = np.where(inside & (which != number), e, np.where(which == -1, np.nan, 0.0))
    others = total(e)
    r = np.where(which == number, 1.0, e) / (1 + others)
    offset = inner(r, steps)
    away, covariance = steps - offset, np.empty((len(x), *x.shape))
    for i, j in combinations_with_replacement(range(len(x)), 2):
        covariance[i, j] = covariance[j, i] = inner(r, away[:, i] * away[:, j])
    return Group(leader, weight, np.log1p(others), offset, covariance, inner(r, squares))


def leader_of(
    x: np.ndarray, means: np.ndarray, weights: np.ndarray, v: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index (B,), mean (n, B) and weight (B,) of the component inside of largest weighted density, the first of equals."""
    which = np.full(x.shape[-1], -1)
    leader, weight = np.full_like(x, np.nan), np.full(x.shape[-1], np.nan)
    for j in range(len(means)):
        gain = log_odds(weights[j], weight) + inner(means[j] - leader, past_midpoint(x, means[j], leader)) / (2 * v)
        better = inside[j] & ((gain > 0) | (which < 0))
        which, weight = np.where(better, j, which), np.where(better, weights[j], weight)
        leader = np.where(better, means[j], leader)
    return which, leader, weight


class Contrast(NamedTuple):
    """Group 1 against group 2 at a batch of points."""

    log_ratio: np.ndarray
    gradient: np.ndarray
    square: np.ndarray  # difference of the mean squared distances
    background: np.ndarray  # mean of the two scores, (n, B)


def contrast(x: np.ndarray, v: np.ndarray, one: Group, two: Group) -> Contrast:
    step = one.leader - two.leader
    beyond = past_midpoint(x, one.leader, two.leader)
    squared = -inner(step, beyond)
    odds = log_odds(one.weight, two.weight) + (one.log_excess - two.log_excess)
    gradient = (step + (one.offset - two.offset)) / v
    background = 0.5 * ((one.offset + two.offset) - beyond) / v
    return Contrast(odds - squared / (2 * v), gradient, squared + (one.square - two.square), background)


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
