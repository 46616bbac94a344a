"""Responsibilities of a mixture's components at the points of a block, and posterior means.

Equation (85): ``r_k`` proportional to ``w_k exp(-|x - mu_k|**2 / 2v)``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import BLOCK, FEW_FEATURES, Block, combinations, products, rows_of_means, total
from scoreshock.kernels.numerics.log_odds import past_midpoint
from scoreshock.kernels.numerics.vectors import square

FAR = 1e3
"""Logits beyond this carry rounding above 1e-13: where components compete there, differences of means replace them."""

COMPETING = 40.0
"""A component whose logit is below the largest by this and by the logarithm of their size is below rounding everywhere."""

LEAST = -700.0
"""Logit below which an exponential counts as zero: denormal numbers are two orders of magnitude slower."""

CLIP = -650.0
"""Least logarithm of a responsibility over the largest, kept clear of denormal numbers, which cost ten times the work."""

SHARP = 1e280
"""Size of ``mu**2/v``, by which responsibilities are multiplied, above which the smallest of them may count."""

CANCELLED, NEARLY_EQUAL = 2.0**-7, 2.0**-10
"""A posterior mean nearer to the point than this fraction of the point's distance from the centre is computed by
differences: they cost little where there are few features, and much where there are many."""

CLOSE = 16.0
"""Log densities are computed by the exact distance from the nearest mean where the terms of its expansion are larger."""


class Posterior(NamedTuple):
    """Responsibilities ``e / total``, the largest logit ``ln w_k + (y . m_k - |m_k|**2 / 2 + |m_1|**2 / 2) / v``, ``y / v``.

    Points ``y`` and means ``m`` are relative to the centre.
    """

    e: np.ndarray  # (k, B)
    total: np.ndarray  # (B,)
    peak: np.ndarray  # (B,)
    scaled: np.ndarray  # (n, B)


def softmax(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Responsibilities (k, ...), in the memory of the logarithms of weighted densities, and the log of their sum (...).

    Examples
    --------
    >>> r, log_z = softmax(np.log([[0.5], [1.5]]) + 1000.0)
    >>> r.ravel().round(12).tolist(), float(log_z[0].round(9))
    ([0.25, 0.75], 1000.693147181)
    """
    top = logits.max(axis=0)
    logits -= top
    np.maximum(logits, CLIP, out=logits)
    r = np.exp(logits, out=logits)
    mass = total(r)
    r /= mass
    return r, top + np.log(mass)


def posterior_of(b: Block, in_full: bool = False) -> Posterior:
    """Responsibilities by exponentials of logits below the largest; ``in_full``, down to the least that a float holds."""
    n = len(b.x)
    place = b.scratch("scaled", n, b.size) if b.few_features else b.scratch("y", b.size, n).T
    scaled = np.multiply(b.y, b.inverse, out=place)
    logits = _along_means(b, scaled) if b.in_rows else products(b, scaled)
    own = b.by_point.log_weights - b.by_point.half_squares * b.inverse
    logits += own
    peak = logits.max(axis=0)
    logits -= peak
    scale = np.abs(peak) + np.abs(own).max(axis=0)
    far = scale > FAR
    if far.any():
        _restore_far(b, logits, peak, far, COMPETING + np.log(scale) + 16 * np.finfo(float).eps * scale, in_full)
    kept = None if in_full else _clipped(b, logits)
    e = np.exp(logits, out=logits)
    if kept is not None:
        e *= kept
    return Posterior(e, total(e, b.scratch("fold", len(e), e.shape[-1])), peak, scaled)


def _along_means(b: Block, scaled: np.ndarray) -> np.ndarray:
    """Inner products with the shifted means, (k, B), feature by feature."""
    shifted = b.by_point.shifted
    shape = len(shifted), b.size
    logits, product = b.scratch("logits", *shape), b.scratch("work", *shape)
    np.multiply(scaled[0], shifted[:, 0], out=logits)
    for i in range(1, len(scaled)):
        logits += np.multiply(scaled[i], shifted[:, i], out=product)
    return logits


def _clipped(b: Block, logits: np.ndarray) -> np.ndarray | None:
    """Raise logits whose exponentials are zero to one that is fast to compute; which are unchanged, None if all are."""
    if logits.min() >= LEAST:
        return None
    size = np.abs(b.by_point.shifted).max(axis=(0, 1))
    floor = np.where(size * size * b.inverse > SHARP, -np.inf, LEAST)
    kept: np.ndarray = logits >= floor
    np.maximum(logits, floor, out=logits)
    return kept


def _restore_far(b: Block, logits: np.ndarray, peak: np.ndarray, far: np.ndarray, limit: np.ndarray, in_full: bool) -> None:
    """Form logits (k, B) within ``limit (B,)`` of the largest again, by differences, where several are huge.

    ``|x - mu_k|**2 - |x - mu_l|**2 = (mu_l - mu_k) . ((x - mu_k) + (x - mu_l))`` loses nothing.
    """
    limit = np.maximum(limit, 750.0) if in_full else limit
    # Squared distances that overflow leave NaN.
    competing = far & ~(logits < -limit)
    at = np.flatnonzero(np.count_nonzero(competing, axis=0) > 1)
    for _ in range(len(logits)):
        if not len(at):
            return
        leading = logits[:, at].argmax(axis=0)
        # The largest logit stays the reference of the log density.
        peak[at] += logits[leading, at]
        component, point = np.nonzero(competing[:, at])
        logits[leading, at] = 0.0
        for part in slices(len(point), BLOCK // len(b.x)):
            k, p = component[part], point[part]
            logits[k, at[p]] = _relative_logits(b, at[p], k, leading[p])
        # Rounding may have hidden which component leads.
        at = at[logits[:, at].max(axis=0) > 0]


def _relative_logits(b: Block, at: np.ndarray, component: np.ndarray, leading: np.ndarray) -> np.ndarray:
    """Logits (P,) of components (P,) at the points ``at (P,)`` relative to those of the components ``leading (P,)``."""
    one, leader, x = rows_of_means(b, component, at), rows_of_means(b, leading, at), columns(b.x, at).T
    log_weights = b.by_point.log_weights
    column = at if log_weights.shape[-1] > 1 else 0
    odds = log_weights[component, column] - log_weights[leading, column]
    return ((one - leader) * past_midpoint(x, one, leader)).sum(axis=-1) * columns(0.5 * b.inverse, at) + odds


def score_of(b: Block, posterior: Posterior) -> np.ndarray:
    """Score ``(sum_k r_k mu_k - x) / v``, (n, B); the posterior is overwritten."""
    share = b.inverse / posterior.total
    s = b.memory_of_score()
    if b.in_rows:
        product = b.scratch("work", *posterior.e.shape)
        for i, row in enumerate(s):
            np.subtract(b.by_point.means[:, i], b.x[i], out=product)
            np.multiply(total(np.multiply(product, posterior.e, out=product), product), share, out=row)
        return s
    r = np.multiply(posterior.e, share, out=posterior.e)
    if b.few_features:
        for mean, pull, row in zip(combinations(b, r), posterior.scaled, s, strict=True):
            np.subtract(mean, pull, out=row)
    else:
        s = combinations(b, r, out=s)
        s -= posterior.scaled
    _restore_near(b, r, s)
    return s


def _restore_near(b: Block, r: np.ndarray, s: np.ndarray) -> None:
    """Form the score (n, B) by differences where its two parts cancel."""
    k, n = b.mixtures.means.shape[:2]
    everywhere = cancelled(b, s, CANCELLED if b.few_features else NEARLY_EQUAL)
    for part in slices(len(everywhere), BLOCK // (k * n)):
        at = everywhere[part]
        s[:, at] = total(r[:, None, at] * (columns(b.by_point.means, at) - columns(b.x, at)))


def reach(b: Block, small: float) -> np.ndarray:
    """Bound on each feature of a score that is a fraction ``small`` of its part ``y / v``, because the two cancel.

    There, the point lies hardly further from the centre than the farthest mean.
    """
    return 1.1 * small * np.sqrt(2 * (b.by_point.half_squares.max(axis=0) + b.by_point.half_first)) * b.inverse


def cancelled(b: Block, s: np.ndarray, small: float, at: np.ndarray | None = None) -> np.ndarray:
    """Points whose score (n, B) is a fraction ``small`` of its part ``y / v``; of ``at (P,)``, those within `reach`."""
    at = (np.abs(s[0]) < reach(b, small)).nonzero()[0] if at is None else at
    y = (columns(b.x, at) - columns(b.by_point.centre, at)) - columns(b.by_point.remainder, at)
    return at[np.abs(s[:, at]).max(axis=0) < small * np.abs(y * columns(b.inverse, at)).max(axis=0)]


def squared_lengths(columns: np.ndarray) -> np.ndarray:
    """Squared lengths of the columns of (n, B), (B,), in an order that depends on n alone."""
    if len(columns) <= FEW_FEATURES:
        return square(columns)
    rows = np.ascontiguousarray(columns.T)
    return np.einsum("bn,bn->b", rows, rows)


def posterior_mean(b: Block, posterior: Posterior) -> np.ndarray:
    """Posterior mean relative to the centre, (n, B); the posterior is overwritten."""
    r = np.multiply(posterior.e, 1 / posterior.total, out=posterior.e)
    return np.stack([total(r * row) for row in b.by_point.shifted.swapaxes(0, 1)]) if b.in_rows else combinations(b, r)


def half_distance(b: Block) -> np.ndarray:
    """``(|y|**2 + |m_1|**2) / 2v``, which the logits of `posterior_of` lack, (B,); before it, which may overwrite ``y``."""
    half = 0.5 * squared_lengths(b.y)
    half += b.by_point.half_first
    return half * b.inverse  # of points that share a place, but not their time, too


def log_density_of(b: Block, posterior: Posterior, half: np.ndarray) -> np.ndarray:
    """Log density, (B,), with `half_distance`; close to a mean, by the exact distance from it."""
    log_total = np.log(posterior.total)
    log_p = posterior.peak - half
    at = np.flatnonzero(half > CLOSE * np.maximum(-log_p, 1))
    if len(at):
        log_p[at] = anchor(b, at, posterior.e[:, at].argmax(axis=0))
    log_p += log_total
    log_p += normaliser(b)
    return log_p


def anchor(b: Block, at: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """Log of the weighted kernel of the component ``nearest (P,)`` at the points ``at (P,)``, by exact distances, (P,)."""
    log_weights = b.by_point.log_weights
    difference = np.ascontiguousarray(columns(b.x, at).T) - rows_of_means(b, nearest, at)
    own = log_weights[nearest, at if log_weights.shape[-1] > 1 else 0]
    return own - squared_lengths(difference.T) * columns(0.5 * b.inverse, at)


def normaliser(b: Block) -> np.ndarray:
    if "normaliser" not in b.memo:
        b.memo["normaliser"] = -0.5 * len(b.x) * np.log(2 * np.pi * b.v)
    return b.memo["normaliser"]


def columns(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Columns of an array whose last axis is the block's points, or one shared value."""
    return array[..., index] if array.shape[-1] > 1 else array
