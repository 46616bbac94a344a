"""Expectations over a mixture's density of functions of its responsibilities, along the line through the means.

A component's density is averaged by the trapezoidal rule, which is exact to rounding for the smooth functions that
responsibilities are: they vary over ``v/a``, and where that is far below ``sqrt(v)`` they contribute ``exp(-a^2/2v)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.gaussian.geometry import half_distance
from scoreshock.kernels.numerics.batching import core_first, slices
from scoreshock.kernels.numerics.blocks import BLOCK, total

REACH, SPACING = 12.0, 1 / 12
"""Nodes from each mean, in standard deviations: beyond the reach lies 4e-33 of a component."""

MOST = 700.0
"""Logit whose exponential is large, and does not overflow in a sum of squares of ratios."""


class Nodes(NamedTuple):
    """Points of the quadrature: J on the density of one component, for each of B mixtures."""

    logits: np.ndarray  # (k, J, B), of the components, relative to the one whose density is averaged
    shares: np.ndarray  # (k, J, B), responsibilities
    z: np.ndarray  # (J, 1), position relative to the mean of that component, over sqrt(v)
    delta: np.ndarray  # (k, 1, B), each mean relative to it, over sqrt(v)
    heavier: np.ndarray  # (k, 1, B), delta**2 of components that have more weight (of equals the first), 0 of others
    cut: slice  # which of all the mixtures these are


Integrand = Callable[[Nodes], tuple[np.ndarray, ...]]


class Axis(NamedTuple):
    """Mixtures along a line, a point last: positions ``mu (k, B)`` and logarithms of weights ``log_w (k, B)``.

    ``known`` is False where the mixture does not reduce to a line.
    """

    mu: np.ndarray
    log_w: np.ndarray
    known: bool

    def take(self, points: np.ndarray) -> Axis:
        return Axis(self.mu[:, points], self.log_w[:, points], self.known)


def on_axis(means: np.ndarray, weights: np.ndarray, lead: tuple[int, ...]) -> Axis:
    """A mixture of one feature, or a pair in any number of features with its midpoint at 0, over ``lead`` points."""
    k, n = means.shape[-2:]
    log_w = core_first(np.log(weights), 1, lead)
    if n == 1:
        return Axis(core_first(means[..., 0], 1, lead), log_w, True)
    if k == 2:
        a = half_distance(means)
        return Axis(core_first(np.stack([-a, a], axis=-1), 1, lead), log_w, True)
    return Axis(np.zeros_like(log_w), log_w, False)


def expectation(integrand: Integrand, line: Axis, v: np.ndarray, stride: int = 1) -> tuple[np.ndarray, ...]:
    """Expectations ``E_p f``, (B,) each, of the functions that ``integrand`` returns.

    Parameters
    ----------
    integrand
        From `Nodes` to arrays (J, B).
    line
        Mixtures, B points.
    v
        Component variance at each point, (B,), positive; NaN gives NaN.
    stride
        Every how many nodes are used: 1 to rounding, 3 for a look.
    """
    nodes = SPACING * stride * np.arange(-int(REACH / SPACING / stride), int(REACH / SPACING / stride) + 1)
    share = SPACING * stride / np.sqrt(2 * np.pi) * np.exp(-0.5 * nodes**2)
    k, size = line.mu.shape
    results: list[list[np.ndarray]] = []
    for at in slices(max(size, 1), BLOCK // (k * len(nodes))):
        mu, log_w, root = line.mu[:, at], line.log_w[:, at], np.sqrt(v[at])
        sums = None
        for j in range(k):
            delta = ((mu - mu[j]) / root)[:, None]
            logits = (log_w - log_w[j])[:, None] + delta * (nodes[:, None] - 0.5 * delta)
            heavier = (log_w > log_w[j]) | ((log_w == log_w[j]) & (np.arange(k)[:, None] < j))
            # Within the reach logits are at most REACH**2/2, and the logarithm of a ratio of weights.
            e = np.exp(np.minimum(logits, MOST))
            r = np.divide(e, total(e), out=e)
            squares = np.where(heavier[:, None], delta * delta, 0.0)
            values = integrand(Nodes(logits, r, nodes[:, None], delta, squares, at))
            parts = [np.exp(log_w[j]) * total(share[:, None] * value) for value in values]
            sums = parts if sums is None else [a + b for a, b in zip(sums, parts, strict=True)]
        results.append(sums or [])
    return tuple(np.concatenate(column) for column in zip(*results, strict=True))


def surprise(logits: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Entropy of the responsibilities ``r (k, ...)`` in nats, (...), from the logits, so that a tiny one keeps its digits.

    Examples
    --------
    >>> surprise(np.log([[0.5], [0.5]]), np.array([[0.5], [0.5]])).round(12).tolist()
    [0.69314718056]
    """
    peak = logits.max(axis=0)
    others = np.exp(logits - peak)
    others[np.argmax(logits, axis=0), *np.indices(peak.shape, sparse=True)] = 0.0
    return np.log1p(total(others)) + total(r * (peak - np.where(r > 0, logits, peak)))


def spread(nodes: Nodes) -> np.ndarray:
    """Integrand of ``E Gamma/v``, (J, B): the sum of ``r_i r_j (mu_i - mu_j)^2`` over pairs, with ``p r_j = w_j N_j``.

    Of each pair the lighter component's density is averaged: the heavier one's nodes do not reach where they compete.
    """
    return total(nodes.heavier * nodes.shares)
