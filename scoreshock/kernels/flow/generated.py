"""What is generated, against the class it should be of: shares of components, distances, and the class's cell on a line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.kernels.flow.quantiles import position_of_tail
from scoreshock.kernels.gaussian.mixture import responsibilities
from scoreshock.kernels.numerics.batching import in_batches
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.counter_rng import normal_rows
from scoreshock.kernels.numerics.vectors import inner

DIRECTIONS = 64
"""Random directions of the sliced distance."""


class Shares(NamedTuple):
    """Shares of the ends of which each component, and the class, is the most probable, (..., k) and (...)."""

    component_share: np.ndarray
    class_count: np.ndarray


def shares_of(
    ends: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    groups: np.ndarray,
    target: int,
) -> Shares:
    """Shares of ``ends (..., N, n)`` at time ``tau (...)``; component j is of the class ``groups[j]``. NaN counts for none.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.full(2, 0.5), np.array(0.1), np.array(0.0)
    >>> found = shares_of(np.array([[-2.0], [0.5], [3.0], [1.0]]), *pair, np.array([0, 1]), 1)
    >>> found.component_share.tolist(), int(found.class_count)
    ([0.25, 0.75], 3)
    """
    every = (means[..., None, :, :], weights[..., None, :], variance[..., None], tau[..., None])
    r = responsibilities(ends, *every)
    exists = ~np.isnan(r).any(axis=-1)
    k = means.shape[-2]
    first = np.where(exists, np.where(np.isnan(r), 0.0, r).argmax(axis=-1), -1)
    by_class = np.stack([total(np.moveaxis(r[..., groups == c], -1, 0).copy()) for c in range(groups.max() + 1)])
    most = np.where(exists, np.where(exists, by_class, 0.0).argmax(axis=0), -1)
    components = np.stack([(first == j).sum(axis=-1) for j in range(k)], axis=-1)
    return Shares(components / ends.shape[-2], (most == target).sum(axis=-1))


def cell(means: np.ndarray, weights: np.ndarray, v: np.ndarray, target: int) -> np.ndarray:
    """Ends (..., 2) of the interval of a line in which one component is the most probable; NaN where there is none.

    ``means (..., k)``, ``weights (..., k)``, and the components' common variance ``v (...)``. Ends may be infinite.

    Examples
    --------
    >>> cell(np.array([0.0, 1.0, 3.0]), np.full(3, 1 / 3), np.array(0.1), 1).tolist()
    [0.5, 2.0]
    """
    mean, weight = means[..., target, None], weights[..., target, None]
    step = means - mean
    log_odds = np.log(weights) - np.log(weight)
    crossing = mean + 0.5 * step - v[..., None] * log_odds / np.where(step == 0, np.nan, step)
    low = np.where(step < 0, crossing, -np.inf).max(axis=-1)
    high = np.where(step > 0, crossing, np.inf).min(axis=-1)
    hidden = ((step == 0) & (log_odds > 0)).any(axis=-1) | ~(low < high)
    return np.where(hidden[..., None], np.nan, np.stack([low, high], axis=-1))


def draws_of_class(means: np.ndarray, class_weights: np.ndarray, v: np.ndarray, count: int, seed: int) -> np.ndarray:
    """``count`` points of a class, (..., count, n): quantiles on a line, else draws with equal shares of each component.

    Examples
    --------
    >>> one = np.zeros((1, 1)), np.ones(1), np.array(1.0)
    >>> draws_of_class(*one, 3, 0).ravel().round(6).tolist()
    [-0.967422, 0.0, 0.967422]
    """
    p = (np.arange(count) + 0.5) / count
    if means.shape[-1] == 1:
        tail, side = np.log(np.minimum(p, 1 - p)), np.where(p <= 0.5, 1.0, -1.0)
        arguments = [(means[..., None, :, :], 2), (class_weights[..., None, :], 1), (v[..., None], 0), (tail, 0), (side, 0)]
        return in_batches(_quantiles, arguments, [((1,), float)])[0]
    passed = np.cumsum(class_weights, axis=-1)
    component = (passed[..., None, :] < p[:, None] * passed[..., -1:, None]).sum(axis=-1)
    z = normal_rows(seed, np.arange(count), means.shape[-1])
    return np.take_along_axis(means, component[..., None], axis=-2) + np.sqrt(v)[..., None, None] * z


def sliced_wasserstein(one: np.ndarray, other: np.ndarray, seed: int, directions: int = DIRECTIONS) -> np.ndarray:
    r"""Sliced Wasserstein distance of order two between samples ``(..., N, n)`` of equal size, (...).

    .. math:: \mathrm{SW}_2^2 = \frac1D\sum_\theta\frac1N\sum_i (\theta\cdot x_{(i)} - \theta\cdot y_{(i)})^2

    over D random unit vectors; on a line there is one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((500, 2))
    >>> round(float(sliced_wasserstein(x, x + 1.0, 0, 4096)), 2)  # the mean of (theta . shift)^2 is |shift|^2/2
    1.0
    """
    count, n = one.shape[-2:]
    z = normal_rows(seed, np.arange(directions), n) if n > 1 else np.ones((1, 1))
    lead = np.broadcast_shapes(one.shape[:-2], other.shape[:-2])
    square = np.zeros(lead)
    for vector in z / np.sqrt((z * z).sum(axis=-1, keepdims=True)):
        ones, others = (np.sort(inner(np.moveaxis(x, -1, 0), vector), axis=-1) for x in (one, other))
        apart = np.ascontiguousarray(np.moveaxis(np.broadcast_to(ones - others, (*lead, count)), -1, 0))
        square = square + total(apart * apart) / count
    return np.sqrt(square / len(z))


def _quantiles(
    means: np.ndarray, weights: np.ndarray, v: np.ndarray, log_tail: np.ndarray, side: np.ndarray
) -> tuple[np.ndarray]:
    """Positions (1, B) whose tail on their ``side`` is ``log_tail (B,)``, of ``means (k, 1, B)``; weights may be 0."""
    within = np.where(weights > 0, means[:, 0], np.nan)
    there = np.where(weights > 0, means[:, 0], np.fmin.reduce(within))
    return (position_of_tail(log_tail, side, np.sqrt(v), there, np.log(weights))[None],)
