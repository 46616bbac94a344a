"""Averages over the density of what responsibilities decide, by quadrature on a line, in a plane, or of a line and a radius.

Panels of Gauss-Legendre nodes: each component sets edges at its own standard deviations, so that narrow ones within broad
ones are resolved; in a plane the inner panels are those of the conditional densities, and products of two components set
outer edges too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from scoreshock.kernels.covariances.switches import switches
from scoreshock.kernels.gaussian.expectations import surprise
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import BLOCK, total
from scoreshock.kernels.numerics.posterior import softmax

EDGES = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.5, 12.0])
"""Edges of the panels from a component's mean, in its standard deviations."""

SWITCH_EDGES = np.array([0.0, 1.0, 2.0, 4.0, 7.0, 11.0, 16.0, 24.0, 36.0])
"""The same from where two components weigh the same, in lengths over which their odds change by a factor e."""

LINE_NODES = 16
"""Gauss-Legendre nodes of a panel on a line."""

PLANE_EDGES, PLANE_NODES = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.5, 10.0]), (8, 12)
"""The same in a plane, for a coarser and a finer rule, whose difference is the error of the coarser one."""


FAR_EDGES = np.array([-80.0, -60.0, -45.0, -35.0, -28.0, -22.0, -18.0, -14.0, -12.0])
"""More edges of the logarithm of a squared radius, which few dimensions leave a long tail."""

TOGETHER = 16
"""Mixtures in a plane whose outer nodes are taken together: each has half a million nodes."""


class Averages(NamedTuple):
    """Expectations over the density, (B,) each."""

    agreement: np.ndarray  # E sum_k r_k^2
    disagreement: np.ndarray  # E sum_k r_k (1 - r_k), which is one minus that
    entropy: np.ndarray  # E of the entropy of r, in nats
    error: np.ndarray  # largest error of any, as the difference of two rules; 0 on a line


def line_averages(mu: np.ndarray, variance: np.ndarray, log_w: np.ndarray) -> Averages:
    """Averages of mixtures on a line: means, variances > 0 and logarithms of weights, (k, B) each.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.ones((2, 1)), np.log(np.full((2, 1), 0.5))
    >>> line_averages(*pair).agreement.round(4).tolist()
    [0.7752]
    """
    k, size = mu.shape
    results = np.empty((3, size))
    offsets = _both_ways(EDGES)
    for at in slices(size, BLOCK // (k * k * (len(offsets) + k * len(SWITCH_EDGES)) * LINE_NODES)):
        root = np.sqrt(variance[:, at])
        x, width = switches(mu[:, at], variance[:, at], log_w[:, at])
        edges = [(mu[:, at], root, offsets), (np.where(np.isnan(x), mu[:1, at], x), width, _both_ways(SWITCH_EDGES))]
        x, share = _nodes(edges, LINE_NODES)
        z = (x - mu[:, None, at]) / root[:, None]
        logits = log_w[:, None, at] - 0.5 * z * z - np.log(root)[:, None]
        results[:, at] = [total(value * share) for value in _weighted(logits)]
    agreement, disagreement, entropy = results
    return Averages(agreement, disagreement, entropy, np.zeros(size))


def plane_averages(mu: np.ndarray, covariance: np.ndarray, log_w: np.ndarray) -> Averages:
    """Averages of mixtures in a plane: means (k, 2, B), covariances (k, 2, 2, B), logarithms of weights (k, B).

    Examples
    --------
    >>> mu = np.array([[-1.0, 0.0], [1.0, 0.0]])[..., None]
    >>> same = np.broadcast_to(np.eye(2)[None, :, :, None], (2, 2, 2, 1))
    >>> plane_averages(mu, same, np.log(np.full((2, 1), 0.5))).agreement.round(4).tolist()
    [0.7752]
    """
    return _by_two_rules(_plane, mu, covariance, log_w)


def radial_averages(mu: np.ndarray, variance: np.ndarray, log_w: np.ndarray, others: np.ndarray) -> Averages:
    """Averages of isotropic components, means on a line, with ``others (B,)`` >= 1 dimensions across it; (k, B) each.

    Examples
    --------
    >>> one = np.zeros((2, 1)), np.array([[1.0], [4.0]]), np.log(np.full((2, 1), 0.5))
    >>> plane = plane_averages(np.zeros((2, 2, 1)), np.eye(2)[None, :, :, None] * one[1][:, None, None], one[2])
    >>> bool(np.abs(radial_averages(*one, np.ones(1)).agreement - plane.agreement) < 1e-9)
    True
    """
    return _by_two_rules(_radial, mu, variance, log_w, others)


def _by_two_rules(rule: Callable[..., np.ndarray], *mixtures: np.ndarray) -> Averages:
    """The finer of two rules, which have the number of nodes of a panel as their last argument."""
    size = mixtures[0].shape[-1]
    coarse, fine = np.empty((2, 3, size))
    for at in slices(size, TOGETHER):
        for values, count in zip((coarse, fine), PLANE_NODES, strict=True):
            values[:, at] = rule(*(a[..., at] for a in mixtures), count)
    agreement, disagreement, entropy = fine
    return Averages(agreement, disagreement, entropy, np.abs(fine - coarse).max(axis=0))


def _radial(mu: np.ndarray, variance: np.ndarray, log_w: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """Agreement, disagreement and entropy, (3, B): over the logarithm of the squared radius, and along the line."""
    k, size = mu.shape
    results, half = np.zeros((3, size)), 0.5 * others
    root, peak, width = np.sqrt(variance), np.log(others) + np.log(variance), np.broadcast_to(1 / np.sqrt(half), (k, size))
    x, x_share = _nodes([(mu, root, _both_ways(PLANE_EDGES))], count)
    z = (x - mu[:, None]) / root[:, None]
    along = log_w[:, None] - 0.5 * z * z - np.log(root)[:, None]
    y, y_share = _nodes([(peak, width, np.concatenate([FAR_EDGES, _both_ways(PLANE_EDGES)]))], count)
    for part in slices(len(y), max(1, BLOCK // (k * len(x) * max(size, 1)))):
        # Of y = ln s, s/v chi-squared: the logarithm of its density from the peak, which loses no digits in many dimensions.
        u = y[part] - peak[:, None]
        radial = half * (u - np.expm1(u)) + _log_peak(half)
        logits = (along[:, None] + radial[:, :, None]).reshape(k, -1, size)
        for share, row in zip(
            y_share[part], np.reshape(_weighted(logits), (3, -1, len(x), size)).swapaxes(0, 1), strict=True
        ):
            results += share * np.stack([total(value * x_share) for value in row])
    return results


def _log_peak(z: np.ndarray) -> np.ndarray:
    """``z ln z - z - ln Gamma(z)``, by Stirling's series where z is large."""
    with np.errstate(all="ignore"):
        series = 0.5 * np.log(z / (2 * np.pi)) - 1 / (12 * z) + 1 / (360 * z**3) - 1 / (1260 * z**5)
        return np.where(z > 30, series, z * np.log(z) - z - gammaln(z))


def _plane(mu: np.ndarray, covariance: np.ndarray, log_w: np.ndarray, count: int) -> np.ndarray:
    """Agreement, disagreement and entropy, (3, B), with so many nodes of a panel."""
    k, _, size = mu.shape
    results = np.zeros((3, size))
    offsets = _both_ways(PLANE_EDGES)
    first, deviation = _outer_scales(mu, covariance)
    slope = covariance[:, 0, 1] / covariance[:, 0, 0]
    inner = np.sqrt(covariance[:, 1, 1] - slope * covariance[:, 0, 1])
    outer = np.sqrt(covariance[:, 0, 0])
    x, share = _nodes([(first, deviation, offsets)], count)
    for part in slices(len(x), max(1, BLOCK // (k * k * len(offsets) * count * max(size, 1)))):
        z = (x[part] - mu[:, None, 0]) / outer[:, None]
        centre = mu[:, None, 1] + slope[:, None] * (x[part] - mu[:, None, 0])
        flat, width = (np.broadcast_to(a, centre.shape).reshape(k, -1) for a in (centre, inner[:, None]))
        y, y_share = _nodes([(flat, width, offsets)], count)
        u = (y - flat[:, None]) / width[:, None]
        constant = (log_w - np.log(outer * inner))[:, None] - 0.5 * z * z
        logits = constant.reshape(k, 1, -1) - 0.5 * u * u
        values = [total(value * y_share) / np.sqrt(2 * np.pi) for value in _weighted(logits)]
        # One row of the outer nodes after the other: pairs of sums would depend on how they are cut.
        for row in np.moveaxis(np.reshape(values, (3, -1, size)) * share[part], 1, 0):
            results += row
    return results


def _outer_scales(mu: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First coordinates of centres and standard deviations there, of the components and of products of two, (m, B)."""
    k = len(mu)
    precision = np.moveaxis(np.linalg.inv(np.moveaxis(covariance, (1, 2), (-2, -1))), (-2, -1), (1, 2))
    pull = np.stack([precision[:, i, 0] * mu[:, 0] + precision[:, i, 1] * mu[:, 1] for i in range(2)], axis=1)
    one, other = np.triu_indices(k)
    both, of_both = precision[one] + precision[other], pull[one] + pull[other]
    determinant = both[:, 0, 0] * both[:, 1, 1] - both[:, 0, 1] ** 2
    centre = (both[:, 1, 1] * of_both[:, 0] - both[:, 0, 1] * of_both[:, 1]) / determinant
    # A component with itself is narrower than the component by a square root of two.
    return centre, np.sqrt(np.where(one == other, 2.0, 1.0)[:, None] * both[:, 1, 1] / determinant)


def _both_ways(edges: np.ndarray) -> np.ndarray:
    """Edges from 0 on both sides, ascending."""
    return np.concatenate([-edges[:0:-1], edges])


def _nodes(scales: list[tuple[np.ndarray, np.ndarray, np.ndarray]], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights (J, B) of the panels between all edges ``centre + offset unit``: of (m, B), (m, B) and (e,)."""
    size = scales[0][0].shape[1]
    edges = [(centre[:, None] + offset[:, None] * unit[:, None]).reshape(-1, size) for centre, unit, offset in scales]
    # What is infinitely long sets no edge.
    edges = [np.where(np.isfinite(a), a, edges[0][:1]) for a in edges]
    stacked = np.sort(np.concatenate(edges), axis=0)
    place, weight = np.polynomial.legendre.leggauss(count)
    half = 0.5 * np.diff(stacked, axis=0)[:, None]
    x = stacked[:-1, None] + half * (1 + place[:, None])
    return x.reshape(-1, size), (half * weight[:, None]).reshape(-1, size)


def _weighted(logits: np.ndarray) -> tuple[np.ndarray, ...]:
    """Density, without a power of 2 pi, times agreement, disagreement and entropy, (J, B), of logits (k, J, B)."""
    r, log_p = softmax(logits.copy())
    p = np.exp(log_p) / np.sqrt(2 * np.pi)
    rest = r.copy()
    rest[r.argmax(axis=0), *np.indices(log_p.shape, sparse=True)] = 0.0
    # Of the largest, the complement is the sum of the others: 1 - r would lose its digits.
    mixed = total(rest * (1 - rest)) + r.max(axis=0) * total(rest)
    return p * total(r * r), p * mixed, p * surprise(logits, r)
