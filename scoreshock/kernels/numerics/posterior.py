"""Responsibilities of a mixture's components at the points of a block, and posterior means.

Equation (85): ``r_k`` proportional to ``w_k exp(-|x - mu_k|**2 / 2v)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import BLOCK, Block, combinations, products, rows_of_means, total
from scoreshock.kernels.numerics.log_odds import past_midpoint

FAR = 1e3
"""Logits beyond this carry rounding above 1e-13: where components compete there, differences of means replace them."""

COMPETING = 40.0
"""A component whose logit is below the largest by this and by the logarithm of their size is below rounding everywhere."""

LEAST = -700.0
"""Logit below which an exponential counts as zero: denormal numbers are two orders of magnitude slower."""

SHARP = 1e280
"""Size of ``mu**2/v``, by which responsibilities are multiplied, above which the smallest of them may count."""

CANCELLED = 2.0**-10
"""A posterior mean nearer to the point than this fraction of their distance from the centre is computed by differences."""


class Posterior(NamedTuple):
    """Responsibilities ``e / total``, and the log of the largest weighted kernel ``w_k exp(-|x - mu_k|**2 / 2v)``."""

    e: np.ndarray  # (k, B)
    total: np.ndarray  # (B,)
    peak: np.ndarray  # (B,)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Responsibilities (k, ...) of components with logarithms of weighted densities ``logits (k, ...)``.

    Examples
    --------
    >>> softmax(np.log([[0.25], [0.75]]) + 1000.0).ravel().round(12).tolist()
    [0.25, 0.75]
    """
    r = np.exp(logits - logits.max(axis=0))
    r /= total(r)
    return r


def posterior_of(b: Block, in_full: bool = False) -> Posterior:
    """Responsibilities by exponentials of logits below the largest; ``in_full``, down to the least that a float holds."""
    if b.few_features:
        logits = _scaled(_squares(b), -0.5 * b.inverse)
    else:
        logits = _scaled(products(b, b.mixtures.shifted), b.inverse)
        logits -= b.by_point.half_squares * b.inverse
    logits += b.by_point.log_weights
    peak = logits.max(axis=0)
    logits -= peak
    scale = -peak if b.few_features else b.by_point.half_squares.max(axis=0) * b.inverse
    far = scale > FAR
    if far.any():
        limit = COMPETING + np.log(scale) + 16 * np.finfo(float).eps * scale
        limit = np.maximum(limit, 750.0) if in_full else limit
        # Squared distances that overflow leave NaN.
        _restore_far(b, logits, peak, far & (np.count_nonzero(~(logits < -limit), axis=0) > 1))
    kept = None if in_full else _clipped(b, logits)
    e = np.exp(logits, out=logits)
    if kept is not None:
        e *= kept
    return Posterior(e, total(e, b.scratch("fold", len(e), e.shape[-1])), peak)


def _clipped(b: Block, logits: np.ndarray) -> np.ndarray | None:
    """Raise logits whose exponentials are zero to one that is fast to compute; which are unchanged, None if all are."""
    if logits.min() >= LEAST:
        return None
    size = np.abs(b.by_point.shifted).max(axis=(0, 1))
    floor = np.where(size * size * b.inverse > SHARP, -np.inf, LEAST)
    kept: np.ndarray = logits >= floor
    np.maximum(logits, floor, out=logits)
    return kept


def _squares(b: Block) -> np.ndarray:
    """Squared distances ``|x - mu_k|**2``, (k, B), from exact differences."""
    x, means = b.x, b.by_point.means
    shape = len(means), max(x.shape[-1], means.shape[-1])
    squares, difference = b.scratch("squares", *shape), b.scratch("work", *shape)
    for i, coordinate in enumerate(x):
        place = difference if i else squares
        np.subtract(coordinate, means[:, i], out=place)
        place *= place
        if i:
            squares += difference
    return squares


def _scaled(rows: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Product, in the memory of the rows where the shape allows."""
    if rows.shape[-1] < factor.shape[-1]:
        return rows * factor
    rows *= factor
    return rows


def _restore_far(b: Block, logits: np.ndarray, peak: np.ndarray, where: np.ndarray) -> None:
    """Form the logits again, relative to the leading component, where components compete at huge logits.

    ``|x - mu_k|**2 - |x - mu_l|**2 = (mu_l - mu_k) . ((x - mu_k) + (x - mu_l))`` loses nothing.
    """
    everywhere = np.flatnonzero(where)
    k, n = b.mixtures.means.shape[:2]
    for part in slices(len(everywhere), BLOCK // (k * n)):
        at = everywhere[part]
        leading = logits[:, at].argmax(axis=0)
        for _ in range(k):
            logits[:, at], peak[at] = _relative_logits(b, at, leading)
            # Rounding may have hidden which component leads.
            wrong = logits[:, at].max(axis=0) > 0
            if not wrong.any():
                break
            at = at[wrong]
            leading = logits[:, at].argmax(axis=0)


def _relative_logits(b: Block, at: np.ndarray, leading: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits (k, P) of the points ``at (P,)`` relative to those of the components ``leading (P,)``, and these (P,)."""
    means, log_weights, half = (
        columns(b.by_point.means, at),
        columns(b.by_point.log_weights, at),
        0.5 * columns(b.inverse, at),
    )
    column = np.arange(len(at)) if means.shape[-1] > 1 else 0
    leader, own = means[leading, :, column], log_weights[leading, column]
    means, x = np.ascontiguousarray(means.transpose(2, 0, 1)), np.ascontiguousarray(columns(b.x, at).T)
    away = (means - leader[:, None]) * past_midpoint(x[:, None], means, leader[:, None])
    distance = x - leader
    return away.sum(axis=-1).T * half + (log_weights - own), own - (distance * distance).sum(axis=-1) * half


def displacement(b: Block, posterior: Posterior) -> np.ndarray:
    """Posterior mean relative to the point, ``sum_k r_k (mu_k - x)``, (n, B)."""
    if b.few_features:
        return _weighted(b, posterior, lambda i, out: np.subtract(b.by_point.means[:, i], b.x[i], out=out))
    r = posterior.e / posterior.total
    found = combinations(b, r) - b.y
    near = np.abs(found).max(axis=0) < CANCELLED * np.abs(b.y).max(axis=0)
    k, n = b.mixtures.means.shape[:2]
    everywhere = np.flatnonzero(near)
    for part in slices(len(everywhere), BLOCK // (k * n)):
        at = everywhere[part]
        found[:, at] = total(r[:, None, at] * (columns(b.by_point.means, at) - columns(b.x, at)))
    return found


def posterior_mean(b: Block, posterior: Posterior) -> np.ndarray:
    """Posterior mean: in absolute coordinates of few features, relative to the centre of more, (n, B)."""
    if b.few_features:
        return _weighted(b, posterior, lambda i, _: b.by_point.means[:, i])
    return combinations(b, posterior.e / posterior.total)


def _weighted(b: Block, posterior: Posterior, rows: Callable[[int, np.ndarray], np.ndarray]) -> np.ndarray:
    """``sum_k r_k rows_k`` by feature, (n, B); ``rows(i, out)`` are (k, B) or (k, 1), formed in ``out`` if at all."""
    e, share = posterior.e, 1 / posterior.total
    mean = b.scratch("mean", len(b.x), e.shape[-1])
    product = b.scratch("work", *e.shape)
    for i, row in enumerate(mean):
        np.multiply(total(np.multiply(e, rows(i, product), out=product), product), share, out=row)
    return mean


def anchor(b: Block, nearest: np.ndarray) -> np.ndarray:
    """Log of the weighted kernel of the component ``nearest (B,)`` at each point, by its exact distance, (B,)."""
    difference = rows_of_means(b, nearest)
    np.subtract(b.x.T, difference, out=difference)
    difference *= difference
    log_weights = np.take_along_axis(b.by_point.log_weights, nearest[None], axis=0)[0]
    return log_weights - difference.sum(axis=-1) * (0.5 * b.inverse)


def normaliser(b: Block) -> np.ndarray:
    if "normaliser" not in b.memo:
        b.memo["normaliser"] = -0.5 * len(b.x) * np.log(2 * np.pi * b.v)
    return b.memo["normaliser"]


def columns(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Columns of an array whose last axis is the block's points, or one shared value."""
    return array[..., index] if array.shape[-1] > 1 else array
