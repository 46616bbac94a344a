r"""A pair of components with one shared covariance S, means -m and m about their midpoint: what depends on R alone.

On the line of the means the density is that of a pair on a line with ``R(tau) = m'(S + 2 tau I)^-1 m`` in the place of
``a^2/v``, and all critical points and the average over all of space depend on R and the weights only. Every criterion of
the isotropic pair is therefore a level of R, which falls with tau.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.covariances.components import Components, Outcome, is_shared
from scoreshock.kernels.numerics.batching import core_first
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.bracketing import safeguarded
from scoreshock.kernels.numerics.root_search import roots

RELATIVE = 64 * np.finfo(float).eps
"""Share of |m|^2 below which what lies across the listed directions is rounding."""


EARLIEST = 1e-16
"""Least time searched, over the largest."""


class HalfDistance(NamedTuple):
    """Half the difference of the means in the eigenbasis of S: ``coordinates`` and ``variances``, (..., q) each."""

    coordinates: np.ndarray
    variances: np.ndarray


def is_shared_pair(c: Components) -> bool:
    """Whether there are two components with one covariance.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> is_shared_pair(components([[-1.0], [1.0]], [0.5, 0.5], 1.0))
    True
    """
    return is_shared(c) and c.means.shape[-2] == 2


def half_distance(c: Components) -> HalfDistance:
    """Half the difference of the means of a shared pair along the listed directions, and its part across them.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> half = half_distance(components([[-2.0, -1.0], [2.0, 1.0]], [0.5, 0.5], 0.0, [[4.0, 0.25]]))
    >>> half.coordinates.tolist(), half.variances.tolist()
    ([2.0, 1.0], [4.0, 0.25])
    """
    half = 0.5 * (c.means[..., 1, :] - c.means[..., 0, :])
    if c.eigenvalues is None:
        along, values = half[..., :0], np.empty((*c.variance.shape[:-1], 0))
        rest = half
    else:
        values = c.eigenvalues[..., 0, :]
        along = half if c.directions is None else (c.directions[..., 0, :, :] @ half[..., None])[..., 0]
        rest = (
            half
            if c.directions is None
            else half - (np.swapaxes(c.directions[..., 0, :, :], -1, -2) @ along[..., None])[..., 0]
        )
    if not c.complete:
        size = np.sqrt(total(np.moveaxis(rest * rest, -1, 0)))
        whole = np.sqrt(total(np.moveaxis(half * half, -1, 0)))
        size = np.where(size <= RELATIVE * whole, 0.0, size)[..., None]
        shape = np.broadcast_shapes(along.shape[:-1], size.shape[:-1], values.shape[:-1], c.variance.shape[:-1])
        along, size, values, floor = (np.broadcast_to(a, (*shape, a.shape[-1])) for a in (along, size, values, c.variance))
        along, values = np.concatenate([along, size], axis=-1), np.concatenate([values, floor], axis=-1)
    return HalfDistance(*np.broadcast_arrays(along, values))


def snr(c: Components, tau: np.ndarray) -> np.ndarray:
    """Signal-to-noise ratio ``R = m'(S + 2 tau I)^-1 m``, (...); infinite where a direction of m has no variance.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> float(snr(components([[-2.0, -1.0], [2.0, 1.0]], [0.5, 0.5], 0.0, [[4.0, 0.25]]), np.array(0.0)))
    5.0
    """
    m, s = half_distance(c)
    v = s + 2 * np.asarray(tau)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(m == 0, 0.0, m * (m / v))
    return total(np.moveaxis(terms, -1, 0))


def time_of_snr(c: Components, level: np.ndarray) -> Outcome:
    """Diffusion time at which R falls through ``level (...)``.

    ``below_data_variance`` with the negative time where R is below the level at all tau > 0, ``no_transition`` with NaN for
    equal means and where the level is NaN, ``failed`` where input is not finite.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> c = components([[-2.0, -1.0], [2.0, 1.0]], [0.5, 0.5], 0.0, [[4.0, 0.25]])
    >>> round(float(time_of_snr(c, np.array(1.0)).tau), 4)
    1.2049
    """
    m, s = half_distance(c)
    lead = np.broadcast_shapes(m.shape[:-1], np.shape(level))
    squares, poles, goal = core_first(m * m, 1, lead), core_first(s, 1, lead), np.broadcast_to(level, lead).ravel()
    finite = np.isfinite(squares).all(axis=0) & np.isfinite(poles).all(axis=0)
    tau = 0.5 * secular_root(squares, poles, goal)
    status = np.where(tau > 0, np.int8(Status.ok), np.int8(Status.below_data_variance))
    status = np.where(np.isnan(tau), np.int8(Status.no_transition), status)
    status = np.where(finite, status, np.int8(Status.failed))
    return Outcome(tau.reshape(lead), status.reshape(lead))


def normal_roots(c: Components, latest: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Times at which ``n'Hn = 0`` on the boundary, n its Euclidean normal, of the pairs of numbers ``index (P,)``.

    They end at the boundary criterion's ``latest (B,)``; ascending, NaN-padded, (P, R).

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> c = components([[-2.0, -1.0], [2.0, 1.0]], [0.5, 0.5], 0.0, [[4.0, 0.25]])
    >>> normal_roots(c, np.array([1.2049]), np.array([0])).round(4).tolist()
    [[0.7484]]
    """
    m, s = half_distance(c)
    lead = np.broadcast_shapes(m.shape[:-1], c.lead)
    m, s = (core_first(np.broadcast_to(a, (*lead, a.shape[-1])), 1, lead)[:, index] for a in (m, s))

    def function(t: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        v = s[:, points] + 2 * np.exp(t)
        pull = m[:, points] / v
        square = total(pull * pull)
        share = pull * pull / square
        # (m'P^2 m)^2 / m'P^3 m, a level of one.
        return np.log(square) - np.log(total(share / v)), share

    high = np.log(latest[index])
    return np.exp(roots(function, high + np.log(EARLIEST), high + 1e-3))


def secular_root(squares: np.ndarray, poles: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The largest x with ``sum_i squares_i / (poles_i + x) = level``, (B,), of (q, B); NaN without positive squares.

    ``1/sum`` rises with x and is nearly straight, so that Newton's method needs few steps.

    Examples
    --------
    >>> secular_root(np.array([[4.0], [0.0]]), np.array([[1.0], [-9.0]]), np.array([2.0])).tolist()
    [1.0]
    """
    first = np.where(squares > 0, poles, np.inf).min(axis=0)
    apart = np.where(squares > 0, poles - first, 0.0)
    with np.errstate(all="ignore"):
        # A term alone, and all at the first pole, bound the root.
        low = (squares / level - apart).max(axis=0)
        high = total(squares / level) * (1 + 1e-14)
    good = np.flatnonzero((low > 0) & np.isfinite(low) & np.isfinite(first))
    squares, apart, level = squares[:, good], apart[:, good], level[good]

    def step(x: np.ndarray, i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        terms = squares[:, i] / (apart[:, i] + x)
        sums, slopes = total(terms), total(terms / (apart[:, i] + x))
        excess = sums / level[i] - 1
        return -excess, x + sums * excess / slopes

    root = np.full(first.shape, np.nan)
    root[good] = safeguarded(step, low[good] * (1 - 1e-14), high[good], True, start=low[good]) - first[good]
    return root
