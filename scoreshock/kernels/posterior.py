"""Responsibilities of a mixture's components at the points of a block, and what follows from them at once.

Equation (85): ``r_k`` proportional to ``w_k exp(-|x - mu_k|**2 / 2v)``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.kernels.blocks import BLOCK, Block, combinations, products, rows_of_means, total

FAR = 1e3
"""Logits beyond this carry rounding above 1e-13: where components still compete there, they are formed again."""


class Posterior(NamedTuple):
    """Responsibilities ``e / total``, and the log of the largest weighted kernel ``w_k exp(-|x - mu_k|**2 / 2v)``."""

    e: np.ndarray  # (k, B)
    total: np.ndarray  # (B,)
    peak: np.ndarray  # (B,)


def posterior_of(b: Block, floor: float | None = None) -> Posterior:
    """Responsibilities by exponentials of logits below the largest one, never below ``floor``.

    The default floor keeps denormal numbers, an order of magnitude slower, out of the sums.
    """
    if b.few_features:
        logits = _scaled(_squares(b), -0.5 * b.inverse)
    else:
        logits = _scaled(products(b, b.mixtures.shifted), b.inverse)
        logits -= b.by_point.half_squares * b.inverse
    logits += b.by_point.log_weights
    if floor is None:
        floor = -700.0 if logits.dtype == np.float64 else -80.0
    peak = logits.max(axis=0)
    logits -= peak
    if not logits.min() >= floor:
        np.maximum(logits, floor, out=logits)
    e = np.exp(logits, out=logits)
    posterior = Posterior(e, total(e, b.scratch("fold", len(e), e.shape[-1])), peak)
    scale = -peak if b.few_features else b.by_point.half_squares.max(axis=0) * b.inverse
    far = scale > FAR
    if far.any() and (far := far & (posterior.total > 1)).any():
        _restore_far(b, posterior, far, floor)
    return posterior


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
    """Product in place where the shape allows."""
    if rows.shape[-1] < factor.shape[-1]:
        return rows * factor
    rows *= factor
    return rows


def _restore_far(b: Block, posterior: Posterior, far: np.ndarray, floor: float) -> None:
    """Form the logits again, relative to the leading component, where components compete at huge logits.

    ``|x - mu_k|**2 - |x - mu_l|**2 = (mu_l - mu_k) . ((x - mu_k) + (x - mu_l))`` loses nothing.
    """
    everywhere = np.flatnonzero(far)
    k, n = b.mixtures.means.shape[:2]
    step = max(1, BLOCK // (k * n))
    for start in range(0, len(everywhere), step):
        at = everywhere[start : start + step]
        means, log_weights = columns(b.by_point.means, at), columns(b.by_point.log_weights, at)
        leading = posterior.e[:, at].argmax(axis=0)
        column = np.arange(len(at)) if means.shape[-1] > 1 else 0
        leader = means[leading, :, column]
        away = np.ascontiguousarray(means.transpose(2, 0, 1)) - leader[:, None]
        away *= (columns(b.x, at).T - leader)[:, None] - 0.5 * away
        logits = away.sum(axis=-1).T * columns(b.inverse, at)
        logits += log_weights - log_weights[leading, column]
        e = np.exp(np.maximum(logits, floor))
        posterior.e[:, at] = e
        posterior.total[at] = total(e)


def weighted_mean(b: Block, posterior: Posterior) -> np.ndarray:
    e, share = posterior.e, 1 / posterior.total
    if not b.few_features:
        return combinations(b, e * share)
    shifted = b.by_point.shifted
    mean = b.scratch("mean", shifted.shape[1], e.shape[-1])
    product = b.scratch("work", *e.shape)
    for i, row in enumerate(mean):
        np.multiply(total(np.multiply(e, shifted[:, i], out=product), product), share, out=row)
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
