"""Modes of the density of components with covariances, and the largest diffusion time with more than one.

On a line modes are zeros of the score. Of two components in any number of features all stationary points lie on the
ridgeline (Ray and Lindsay 2005), where ``ln(alpha/(1-alpha)) = phi``: modes are every other zero of the difference. A pair
of one covariance has the closed form of Robertson and Fryer in R.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from scoreshock.conventions import Status
from scoreshock.kernels.covariances.components import Components, Outcome, covariance, is_finite, is_shared, spread_over
from scoreshock.kernels.covariances.criteria import not_applicable
from scoreshock.kernels.covariances.pencil import Pair, ratio_on_ridge
from scoreshock.kernels.covariances.reduction import largest_distance, reduced, smallest_variance
from scoreshock.kernels.covariances.shared_pair import is_shared_pair, time_of_snr
from scoreshock.kernels.covariances.stationary import Rises, rises
from scoreshock.kernels.covariances.switches import switches
from scoreshock.kernels.modes import modes
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.bracketing import bracketed
from scoreshock.kernels.numerics.posterior import softmax

RATIO, LOWEST = 2.0**-0.25, 1e-10
"""Ratio of the times scanned downwards, and the least, over the squared distance of the means."""

RIDGE_NODES = 193
"""Nodes of ``ln(alpha/(1-alpha))``, in which what decides changes over lengths of one."""

SPREAD = np.linspace(-6.0, 6.0, 49)
"""Nodes on a line, from a component's mean in its standard deviations."""

SWITCH = np.array([-4.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 4.0])
"""Nodes from where two components weigh the same, in lengths over which their odds change by a factor e."""

BESIDE = 1e-7
"""Relative distances in tau, below and above the last merging, at which there have to be several modes, and one."""

ROUNDING = 32 * float(np.finfo(float).eps)
"""Rounding of what falls through zero at modes, over the size of its terms."""

PIECE = 1 << 18
"""Nodes taken together."""

Counted = Callable[[np.ndarray, np.ndarray], Rises]


class ModeNumber(NamedTuple):
    """Number of modes and its status, (...) each."""

    n_modes: np.ndarray
    status: np.ndarray


def count_modes(c: Components, tau: Any, dimension: Any = None) -> ModeNumber:
    """Number of modes of the density, of any components on a line, or of two components.

    ``not_applicable`` with 0 otherwise, ``singular`` with 0 where the density does not exist. What it can miss: a mode and a
    minimum nearer to each other than the nodes between which nothing shows them.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> count_modes(components([[-1.0], [1.0]], [0.5, 0.5], [0.2, 0.3]), np.array([0.1, 0.5])).n_modes.tolist()
    [2, 1]
    """
    tau = np.asarray(tau, dtype=float)
    lead, d = _dimensions(c, dimension, tau.shape)
    if not _applies(c):
        return ModeNumber(np.zeros(lead, dtype=np.int64), np.full(lead, Status.not_applicable, dtype=np.int8))
    flat, t = spread_over(reduced(c), lead), np.broadcast_to(tau, lead).ravel()
    finite = np.broadcast_to(is_finite(c), lead).ravel() & np.isfinite(t)
    exists = finite & (np.broadcast_to(smallest_variance(flat), t.shape) + 2 * t > 0)
    count, good = np.zeros(t.size, dtype=np.int64), np.flatnonzero(exists)
    count[good] = 1 + _counted(flat.take(good), c.means.shape[-1], d[good])(t[good], np.arange(good.size)).number
    status = np.where(exists, np.int8(Status.ok), np.where(finite, np.int8(Status.singular), np.int8(Status.failed)))
    return ModeNumber(count.reshape(lead), status.reshape(lead))


def merging(c: Components, dimension: Any = None) -> Outcome:
    r"""Largest diffusion time at which the density has more than one mode.

    Parameters
    ----------
    c : Components
        Any number on a line, or two in any number of features.
    dimension : array (...), optional
        Ambient dimension, if larger than the number of features. It counts where components have own covariances.

    Returns
    -------
    Outcome
        ``no_transition`` with NaN where it has one mode at all tau > 0, as with equal means; ``below_data_variance`` with
        the negative time for a pair of one covariance and on a line of equal variances; ``not_applicable`` for more
        components in several features; ``unresolved`` with NaN where rounding hides the modes; ``failed`` for input that is
        not finite.

    Notes
    -----
    A pair of one covariance: :math:`\tfrac12|\ln(w_2/w_1)| = \delta\sqrt{\delta^2-1} - \operatorname{arccosh}\delta`,
    :math:`\delta^2 = R`. One variance on a line: module ``modes``. Otherwise tau is scanned downwards, from ``D^2/2``,
    above which there is one mode, by ``RATIO``; in several features the number may rise with tau, and a range of tau with
    several modes between two nodes is not seen.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> merging(components([[-2.0, 0.0], [2.0, 0.0]], [0.5, 0.5], 0.0, [[1.0, 9.0]])).tau.round(12).item()
    1.5
    """
    if not _applies(c):
        return not_applicable(c)
    if is_shared_pair(c):
        with np.errstate(all="ignore"):
            ratio, _ = modes.pair_merging(c.weights[..., 0], c.weights[..., 1])
        return time_of_snr(c, 1 / ratio)
    if is_shared(c):
        variance = c.variance if c.eigenvalues is None else c.eigenvalues[..., 0]
        last = modes.merging(c.means, c.weights, variance[..., 0])
        return Outcome(last.tau_star, last.status)
    lead, d = _dimensions(c, dimension, ())
    finite, flat = is_finite(c), spread_over(reduced(c), lead)
    distance = largest_distance(flat)
    good = np.flatnonzero(np.broadcast_to(finite, lead).ravel() & (distance > 0))
    tau, some = np.full(distance.shape, np.nan), flat.take(good)
    counted = _counted(some, c.means.shape[-1], d[good])
    tau[good] = _last(some, distance[good] ** 2, counted)
    status = np.where(np.isnan(tau), np.int8(Status.no_transition), np.int8(Status.ok))
    # Where rounding decides, the number of modes does not fall to one there.
    ok = np.flatnonzero(status[good] == Status.ok)
    below, above = (counted(tau[good[ok]] * (1 + step), ok).margin for step in (-BESIDE, BESIDE))
    hidden = good[ok[~((below > ROUNDING) & (above < -ROUNDING))]]
    tau[hidden], status[hidden] = np.nan, Status.unresolved
    return Outcome(tau.reshape(lead), np.where(finite, status.reshape(lead), np.int8(Status.failed)))


def _dimensions(c: Components, dimension: Any, shape: tuple[int, ...]) -> tuple[tuple[int, ...], np.ndarray]:
    """Leading shape of all arguments, and the ambient dimension of each point, (B,)."""
    d = np.asarray(c.means.shape[-1] if dimension is None else dimension)
    lead = np.broadcast_shapes(c.lead, shape, d.shape)
    return lead, np.broadcast_to(d, lead).ravel()


def _applies(c: Components) -> bool:
    return c.means.shape[-1] == 1 or c.means.shape[-2] == 2


def _last(c: Components, square: np.ndarray, counted: Counted) -> np.ndarray:
    """Largest time (B,) with more than one mode, NaN without any."""
    high, low = 0.5 * square, np.full(square.shape, np.nan)
    least = np.maximum(LOWEST * square, 1e-3 * smallest_variance(c) * np.minimum(1.0, smallest_variance(c) / square))
    todo = np.arange(square.size)
    while todo.size:
        lower = high[todo] * RATIO
        several = counted(lower, todo).number > 0
        low[todo[several]] = lower[several]
        high[todo[~several]] = lower[~several]
        todo = todo[~several & (lower > least[todo])]
    at = np.flatnonzero(low > 0)
    ends, result = (np.log(low[at]), np.log(high[at])), np.full(square.shape, np.nan)
    result[at] = np.exp(bracketed(lambda t, i: counted(np.exp(t), at[i]).margin, *ends, tolerance=1e-13))
    return result


def _counted(c: Components, features: int, dimension: np.ndarray) -> Counted:
    """A function of times and mixtures to the rises of what falls through zero at modes, in ``dimension (B,)``."""
    k = c.means.shape[-2]
    one = _on_line(c, dimension) if features == 1 else _on_ridge(c, dimension)
    numbers = k * (len(SPREAD) + len(SWITCH) * k) if features == 1 else RIDGE_NODES * c.means.shape[-1]

    def counted(tau: np.ndarray, index: np.ndarray) -> Rises:
        result = Rises(np.zeros(len(tau), dtype=np.int64), np.full(len(tau), np.nan))
        for part in slices(len(tau), PIECE // numbers):
            result.number[part], result.margin[part] = one(tau[part], index[part])
        return result

    return counted


def _on_ridge(c: Components, dimension: np.ndarray) -> Counted:
    """Of two components, along the ridgeline."""
    pair, share = Pair.of(c, dimension), np.linspace(0.0, 1.0, RIDGE_NODES)[:, None]

    def counted(tau: np.ndarray, index: np.ndarray) -> Rises:
        p = pair.at(tau, index)
        low, high = (np.log(np.maximum(total(a), 1.0)) + 3 for a in ((p.g * p.b) ** 2, p.b * p.b / p.g))
        size = low + high

        def difference(u: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            alpha, rest = expit(u), expit(-u)
            phi, slope = ratio_on_ridge(p.take(points), alpha, rest)
            return (phi - u) / size[points], alpha * rest * slope - 1

        return rises(difference, -low + share * (low + high))

    return counted


def _on_line(c: Components, dimension: np.ndarray) -> Counted:
    """Of any components on a line, by the score."""
    mu, log_w = c.means[..., 0].T, np.log(c.weights).T
    s2 = np.broadcast_to(covariance(c)[..., 0, 0], c.weights.shape).T
    # Across the line each has its own variance, whose determinant weighs the components.
    beside, outside = dimension - 1, np.broadcast_to(c.variance, c.weights.shape).T

    def counted(tau: np.ndarray, index: np.ndarray) -> Rises:
        m, v, w = mu[:, index], s2[:, index] + 2 * tau, log_w[:, index]
        size = (m.max(axis=0) - m.min(axis=0)) / v.min(axis=0)
        w = w - 0.5 * beside[index] * np.log(np.where(beside[index] > 0, outside[:, index] + 2 * tau, 1.0))

        def score(x: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            y, variance = m[:, points] - x, v[:, points]
            r, _ = softmax(w[:, points] - 0.5 * y * y / variance - 0.5 * np.log(variance))
            g = y / variance
            s = total(r * g)
            return s / size[points], (total(r * (g - s) ** 2) - total(r / variance)) / size[points]

        return rises(score, _line_nodes(m, v, w))

    return counted


def _line_nodes(mu: np.ndarray, v: np.ndarray, log_w: np.ndarray) -> np.ndarray:
    """Nodes (J, P) between the outermost means: about each mean, and about where two components weigh the same."""
    low, high = mu.min(axis=0), mu.max(axis=0)
    nodes = [(mu[:, None] + SPREAD[:, None] * np.sqrt(v)[:, None]).reshape(-1, mu.shape[1])]
    x, width = switches(mu, v, log_w)
    nodes.append((x[:, None] + SWITCH[:, None] * width[:, None]).reshape(-1, mu.shape[1]))
    stacked = np.concatenate([low[None], high[None], *nodes])
    # Pairs that never weigh the same, and nodes outside, add nothing.
    return np.sort(np.clip(np.where(np.isfinite(stacked), stacked, low), low, high), axis=0)
