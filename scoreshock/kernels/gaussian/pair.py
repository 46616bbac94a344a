"""Two components: the score in the form of equation (29), in any dimension and with any weights.

``s = (h tanh z - y) / v`` with ``y`` relative to the midpoint, ``h`` half the difference of the means and
``z = h . y / v + ln(w_1 / w_0) / 2``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import Block, products, total
from scoreshock.kernels.numerics.double_double import SPLIT
from scoreshock.kernels.numerics.posterior import NEARLY_EQUAL, Posterior, anchor, cancelled, columns, normaliser, reach

NEAR = 0.1
"""Bound on ``z = a x / v`` and on ``a**2 / v - 1`` for the series of ``tanh z - z``; its six terms end at 1e-16."""

TANH_SERIES = (-1382 / 155925, 62 / 2835, -17 / 315, 2 / 15, -1 / 3)
"""Coefficients of ``(tanh z - z) / z**3`` in ``z**2``, highest power first."""

PIECE = 32768
"""Points of a pair at a time, where only points differ: three such arrays stay close to the processor."""


class _Pair(NamedTuple):
    """Numbers that the points of a block of pairs share."""

    slope: np.ndarray  # (n, B), h / v
    log_ratio: np.ndarray  # (B,), half the log ratio of the weights
    is_tilted: bool
    is_near_critical: bool
    is_plain: bool  # one feature, one mixture, one v, away from speciation: nothing but points differ


def is_pair(b: Block) -> bool:
    return len(b.mixtures.means) == 2


def _shared(b: Block) -> _Pair:
    if "pair" not in b.memo:
        slope = b.by_point.shifted[1] * b.inverse
        log_ratio = 0.5 * (b.by_point.log_weights[1] - b.by_point.log_weights[0])
        # Adding a zero ratio matters for the sign of a zero score alone, and there only where the slope is negative.
        is_tilted = bool(log_ratio.any() or (slope < 0).any())
        is_near_critical = len(slope) == 1 and bool(_near_critical(b).any())
        is_plain = slope.size == log_ratio.size == 1 and not is_near_critical
        b.memo["pair"] = _Pair(slope, log_ratio, is_tilted, is_near_critical, is_plain)
    return b.memo["pair"]


def argument(b: Block) -> np.ndarray:
    """The argument ``z`` of tanh: half the log ratio of the two weighted densities, (B,)."""
    slope, log_ratio, is_tilted, *_ = _shared(b)
    if not b.few_features:
        return products(b, b.y)[1] * b.inverse + log_ratio
    z = slope[0] * b.y[0]
    for i in range(1, len(slope)):
        z += slope[i] * b.y[i]
    if is_tilted:
        z += log_ratio
    return z


def pair_posterior(z: np.ndarray) -> Posterior:
    e = np.exp(np.minimum(np.stack([-2 * z, 2 * z]), 0))
    return Posterior(e, e[0] + e[1], np.empty(0), np.empty(0))


def pair_log_density(b: Block, z: np.ndarray) -> np.ndarray:
    """The nearer component's log density plus the contribution of the other, ``log1p(exp(-2|z|))``, (B,)."""
    upper = z > 0
    other = np.abs(z)
    other *= -2
    np.log1p(np.exp(other, out=other), out=other)
    if not b.few_features:
        other += anchor(b, np.arange(b.size), np.broadcast_to(upper, b.size).astype(np.intp))
    else:
        means, log_weights = b.by_point.means, b.by_point.log_weights
        squares = total(np.square(b.x - np.where(upper, means[1], means[0])))
        squares *= 0.5 * b.inverse
        other += np.where(upper, log_weights[1], log_weights[0])
        other -= squares
    other += normaliser(b)
    return other


def pair_mean(b: Block, z: np.ndarray) -> np.ndarray:
    """Posterior mean relative to the midpoint, ``h tanh z``, (n, B)."""
    half = b.by_point.shifted[1]
    if b.few_features:
        return half * np.tanh(z)
    return (half.T * np.tanh(z)[:, None]).T


def pair_score(b: Block, z: np.ndarray | None = None) -> np.ndarray:
    """Score of a pair, (n, B); an argument ``z`` is overwritten."""
    slope, _, _, is_near_critical, is_plain = _shared(b)
    if z is None and is_plain and b.y.shape[-1] == b.size:
        return _plain_score(b)
    z = argument(b) if z is None else z
    at, exact = _near_midpoint(b, z) if is_near_critical else (None, None)
    tanh = np.tanh(z, out=z)
    if b.few_features:
        s = np.multiply(slope, tanh, out=tanh[None] if len(slope) == 1 else b.scratch("score", len(slope), len(tanh)))
        pull = np.multiply(b.y, b.inverse, out=b.scratch("pull", *s.shape))
    else:
        s = (slope.T * tanh[:, None]).T
        pull = b.y * b.inverse
    s -= pull
    if is_near_critical:
        s[0, at] = exact
    _restore_near_means(b, s, cancelled(b, s, NEARLY_EQUAL))
    return s


def _plain_score(b: Block) -> np.ndarray:
    """As `pair_score`, in pieces that stay in the innermost caches, (1, B)."""
    slope, log_ratio, is_tilted, *_ = _shared(b)
    y, s = b.y[0], b.memory_of_score()
    limit, scratch, near = reach(b, NEARLY_EQUAL), b.scratch("pull", PIECE), []
    for piece in slices(len(y), PIECE):
        points, z = y[piece], s[0, piece]
        pull = scratch[: len(points)]
        np.multiply(slope[0], points, out=z)
        if is_tilted:
            z += log_ratio
        np.tanh(z, out=z)
        z *= slope[0]
        z -= np.multiply(points, b.inverse, out=pull)
        near.append(piece.start + (np.abs(z, out=pull) < limit).nonzero()[0])
    _restore_near_means(b, s, cancelled(b, s, NEARLY_EQUAL, np.concatenate(near)))
    return s


def _restore_near_means(b: Block, s: np.ndarray, at: np.ndarray) -> None:
    """Form the score of the points ``at`` again, relative to the nearer mean, unless both components count there."""
    if not len(at):
        return
    slope, log_ratio, *_ = _shared(b)
    z = (columns(slope, at) * columns(b.y, at)).T.copy().sum(axis=-1) + columns(log_ratio, at)
    beyond = np.abs(z) > 1
    at, z = at[beyond], z[beyond]
    means, half = columns(b.by_point.means, at), columns(b.by_point.shifted[1], at)
    other = np.exp(-2 * np.abs(z))
    other /= 1 + other
    near = np.where(z > 0, means[1], means[0]) - columns(b.x, at)
    s[:, at] = (near - np.copysign(2 * other, z) * half) * columns(b.inverse, at)


def _near_critical(b: Block) -> np.ndarray:
    """Where an equal pair of one feature has ``a**2`` near ``v``, so that the two parts of its score cancel."""
    half, log_weights = b.by_point.shifted[1, 0], b.by_point.log_weights
    return (np.abs(half * half - b.v) < NEAR * b.v) & (log_weights[0] == log_weights[1])


def _excess(b: Block, at: np.ndarray) -> np.ndarray:
    """``a**2 - v`` at some points of a pair of one feature, corrected for the rounding errors of ``a**2`` and ``v``."""
    half, variance, noise = (columns(a, at) for a in (b.by_point.shifted[1, 0], b.times.variance, b.times.noise))
    v = variance + noise
    back = v - variance
    lost = (variance - (v - back)) + (noise - back)
    # Veltkamp's splitting makes the error of a product exact.
    big = half * SPLIT
    high = big - (big - half)
    low = half - high
    square = half * half
    return (square - v) + ((((high * high - square) + 2 * high * low) + low * low) - lost)


def _near_midpoint(b: Block, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points where the two parts of the score cancel, and ``(a (tanh z - z) + y (a**2 - v) / v) / v`` there."""
    at = np.flatnonzero(_near_critical(b) & (np.abs(z) < NEAR))
    z, y, half, inverse = (columns(a, at) for a in (z, b.y[0], b.by_point.shifted[1, 0], b.inverse))
    series = np.polyval(TANH_SERIES, z * z) * z * z * z
    # Adding zero gives a zero one sign, whatever the block.
    return at, (half * series + y * (_excess(b, at) * inverse)) * inverse + 0.0


def restore_midpoint_derivative(b: Block, hessian: np.ndarray) -> None:
    """Near speciation, write ``(a**2 - v - (a tanh z)**2) / v**2`` with an exact difference into (1, 1, B)."""
    at = np.flatnonzero(np.broadcast_to(_near_critical(b), hessian.shape[-1:]))
    mean, inverse = columns(pair_mean(b, argument(b))[0], at), columns(b.inverse, at)
    hessian[0, 0, at] = (_excess(b, at) - mean * mean) * inverse * inverse
