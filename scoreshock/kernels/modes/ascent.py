r"""Modes of a density in several features, reached by ascents from many starts.

Notation: ``F(x) = m(x) - x = v s(x)`` with the posterior mean m, ``K = I - Gamma/v = -v H``, so that a mode is a zero of F
where K is positive definite, and ``K^-1 F`` is Newton's step. Features first, points last.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.eigenvalues import pick
from scoreshock.kernels.numerics.posterior import softmax
from scoreshock.kernels.numerics.root_isolation import TINY
from scoreshock.kernels.numerics.vectors import square

SAME = 1e-4
"""Modes nearer than this times ``sqrt(v)`` are one. Rounding of F leaves the position of a mode that is flat to third order,
as at a pitchfork, uncertain by some 1e-5 of ``sqrt(v)``; two modes come as near as this only within a relative 1e-8 in v."""

CLEAR = 1e-6
"""Where K has no pivot below this, a zero of F is a mode; elsewhere K's eigenvalues decide, as far as rounding lets them."""

STEPS = 100
"""Bound of the ascent; six are typical, and only along a nearly flat ridge do they not suffice."""

RIDGE = 1e-2
"""Least pivot of K below which steps follow a ridge, and are led back to it where it bends."""

STIFF = 100.0
"""Eigenvalues of K that exceed the least by this factor belong to directions across the ridge."""

SETTLED = 1e-9
"""A Newton step, in units of ``sqrt(v)``, whose square is below rounding: the ascent ends with it."""

LAST = 1e-2
"""A Newton step, in units of ``sqrt(v)``, that is taken although F is below rounding: K is small there, not F."""

ROUNDING = 16 * np.finfo(float).eps
"""F below this times the means' extent is rounding."""


class Means(NamedTuple):
    """Means in coordinates of their span ``(m, k, P)``, and logarithms of the weights ``(k, P)``."""

    mu: np.ndarray
    log_w: np.ndarray

    def take(self, index: np.ndarray) -> Means:
        """The mixtures at ``index``."""
        return Means(pick(self.mu, index), pick(self.log_w, index))


class Ascents(NamedTuple):
    """Results of the ascents from S starts in each of P mixtures."""

    kept: np.ndarray  # starts that reach a mode which no earlier one did, (S, P)
    r: np.ndarray  # responsibilities there, (k, S, P)
    settled: np.ndarray  # whether all ascents settled, (P,)
    unresolved: np.ndarray  # whether rounding hides modes
    saddle: np.ndarray  # whether an ascent ended at a stationary point that certainly is no mode


def ascents(means: Means, v: np.ndarray) -> Ascents:
    """Modes reached from all means, all midpoints of two means and the weighted mean, at component variances ``v (P,)``.

    Two modes nearer than ``SAME sqrt(v)`` count once. A single flat stationary point is a mode, as at a pitchfork; several
    cannot be told from saddles, and leave the mixture unresolved. The count is a lower bound.

    Examples
    --------
    >>> pair = Means(np.array([[[-1.0], [1.0]], [[0.0], [0.0]]]), np.log([[0.5], [0.5]]))
    >>> ascents(pair, np.array([0.5])).kept.sum(axis=0).tolist(), ascents(pair, np.array([2.0])).kept.sum(axis=0).tolist()
    ([2], [1])
    """
    start = _starts(means)
    m, number, size = start.shape
    point = np.tile(np.arange(size), number)
    each = means.take(point)
    x, outcome = _ascend(start.reshape(m, -1), v[point], each)
    r = _posterior(x, v[point], each)[2].reshape(-1, number, size)
    x, outcome = x.reshape(m, number, size), outcome.reshape(number, size)
    kept = outcome >= MODE
    for s in range(1, number):
        apart = square(x[:, :s] - x[:, s : s + 1]) > SAME * SAME * v
        kept[s] &= (apart | ~kept[:s]).all(axis=0)
    hidden = (np.count_nonzero(kept & (outcome == FLAT), axis=0) > 1) | np.any(outcome == LOST, axis=0)
    return Ascents(kept, r, np.all(outcome != UNSETTLED, axis=0), hidden, np.any(outcome == NO_MODE, axis=0))


LOST, UNSETTLED, NO_MODE, MODE, FLAT = range(-2, 3)


def _starts(means: Means) -> np.ndarray:
    """All means, all midpoints and the weighted mean, (m, S, P)."""
    middle = [0.5 * (means.mu[:, i] + means.mu[:, j]) for i, j in combinations(range(means.mu.shape[1]), 2)]
    mean = total((np.exp(means.log_w) * means.mu).swapaxes(0, 1))
    return np.concatenate([means.mu, np.stack([*middle, mean], axis=1)], axis=1)


def _ascend(x: np.ndarray, v: np.ndarray, means: Means) -> tuple[np.ndarray, np.ndarray]:
    """Stationary points that the starts ``x (m, N)`` rise to, and what they are.

    Steps that do not rise are taken back and a quarter as far; any of them rises if it is short enough.
    """
    result, outcome = x.copy(), np.full(x.shape[1], UNSETTLED)
    active = np.arange(x.shape[1])
    extent = np.sqrt(square(means.mu.reshape(-1, means.mu.shape[-1])))
    radius = np.full(x.shape[1], np.inf)
    height, f, r = _posterior(x, v, means)
    for _ in range(STEPS):
        matrix = _curvature(x, v, means, f, r)
        step, least = _newton(matrix, f)
        length, force = np.sqrt(square(step)), np.sqrt(square(f))
        settled = (least > 0) & (length <= SETTLED * np.sqrt(v))
        ended = settled | (force <= ROUNDING * extent)
        nearer = (least > 0) & (length <= LAST * np.sqrt(v))
        result[:, active] = np.where(ended & nearer, x + step, x)
        outcome[active] = np.where(ended, MODE, UNSETTLED)
        doubtful = np.flatnonzero(ended & ~(least > CLEAR))
        seen = pick(x, doubtful), v[doubtful], means.take(doubtful), pick(r, doubtful)
        outcome[active[doubtful]] = _kind(pick(matrix, doubtful), *seen)
        go = np.flatnonzero(~ended)
        if not len(go):
            break
        active, v, means, extent, least = active[go], v[go], means.take(go), extent[go], least[go]
        x, f, r, height, step = pick(x, go), pick(f, go), pick(r, go), height[go], pick(step, go)
        radius = np.minimum(radius[go], np.maximum(np.sqrt(v), force[go]))
        step = step * np.minimum(1.0, radius / length[go])
        step, after, rises = _tried(x, step, v, means, height, least)
        radius = np.where(rises, 2 * radius, 0.25 * np.sqrt(square(step)))
        x = np.where(rises, x + step, x)
        height, f, r = (np.where(rises, new, old) for new, old in zip(after, (height, f, r), strict=True))
    else:
        _, least = _newton(_curvature(x, v, means, f, r), f)
        outcome[active[least <= CLEAR]] = LOST
    return result, outcome


def _tried(
    x: np.ndarray, step: np.ndarray, v: np.ndarray, means: Means, height: np.ndarray, least: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
    """Steps, led back to a ridge where they leave it, the posterior after them, and whether they rise."""
    after = _posterior(x + step, v, means)
    rises = (after[0] >= height) | (total(after[1] * step) >= 0)
    off = np.flatnonzero(~rises & (np.abs(least) <= RIDGE))
    if len(off):
        there, each, f, r = pick(x + step, off), means.take(off), pick(after[1], off), pick(after[2], off)
        step[:, off] += _along_eigenvectors(_curvature(there, v[off], each, f, r), f, _across_ridge)
        for rows, values in zip(after, _posterior(pick(x + step, off), v[off], each), strict=True):
            rows[..., off] = values
        rises[off] = after[0][off] >= height[off]
    return step, after, rises


def _kind(matrix: np.ndarray, x: np.ndarray, v: np.ndarray, means: Means, r: np.ndarray) -> np.ndarray:
    """Whether zeros of F are modes, by the least eigenvalue of K.

    It must exceed what lets rounding of F displace the mode by a part of ``SAME sqrt(v)``: where it is less, several ascents
    to one mode end apart.
    """
    least = np.linalg.eigvalsh(np.ascontiguousarray(matrix.transpose(2, 0, 1)))[:, 0]
    offset = means.mu - x[:, None]
    distance = square(offset) / v
    rounding = total(r * np.sqrt(distance) * (2 - means.log_w + distance)) * np.finfo(float).eps
    doubt = 4 * rounding / SAME
    return np.where(least > doubt, MODE, np.where(least < -doubt, NO_MODE, FLAT))


def _posterior(x: np.ndarray, v: np.ndarray, means: Means) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``ln Z`` (N,), F (m, N) and responsibilities (k, N) at ``x (m, N)``."""
    offset = means.mu - x[:, None]
    r, log_z = softmax(means.log_w - square(offset) / (2 * v))
    return log_z, total((r * offset).swapaxes(0, 1)), r


def _curvature(x: np.ndarray, v: np.ndarray, means: Means, f: np.ndarray, r: np.ndarray) -> np.ndarray:
    """K at ``x (m, N)``, (m, m, N)."""
    m = len(x)
    c = means.mu - (x + f)[:, None]
    weighted = r * c
    matrix = np.empty((m, m, x.shape[1]))
    for a in range(m):
        for b in range(a + 1):
            matrix[a, b] = matrix[b, a] = -total(weighted[a] * c[b]) / v
        matrix[a, a] += 1
    return matrix


def _newton(matrix: np.ndarray, f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Step (m, N) and the least pivot of K (N,), by elimination.

    The step is ``K^-1 F`` where K is positive definite. Elsewhere its eigenvalues count by magnitude, and as no more than 1,
    so that the step rises, moves off a saddle, and is no shorter than ``m(x) - x`` far from one.
    """
    m = len(f)
    step, work = f.copy(), matrix.copy()
    least = np.full(f.shape[1], np.inf)
    for j in range(m):
        np.minimum(least, work[j, j], out=least)
        for i in range(j + 1, m):
            ratio = work[i, j] / work[j, j]
            work[i, j + 1 : i + 1] -= ratio * work[j + 1 : i + 1, j]
            step[i] -= ratio * step[j]
    for j in range(m - 1, -1, -1):
        for i in range(j + 1, m):
            step[j] -= work[i, j] * step[i]
        step[j] /= work[j, j]
    rest = np.flatnonzero(~(least > 0))
    if len(rest):
        step[:, rest] = _along_eigenvectors(pick(matrix, rest), pick(f, rest), lambda size: 1 / np.clip(size, TINY, 1.0))
    return step, least


def _along_eigenvectors(matrix: np.ndarray, f: np.ndarray, weight: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """F (m, N) with its parts along K's eigenvectors multiplied by a function of the eigenvalues' magnitudes (m, N)."""
    values, vectors = np.linalg.eigh(np.ascontiguousarray(matrix.transpose(2, 0, 1)))
    vectors = vectors.transpose(1, 2, 0)
    along = total(vectors * f[:, None]) * weight(np.abs(values.T))
    return total((vectors * along).swapaxes(0, 1))


def _across_ridge(size: np.ndarray) -> np.ndarray:
    """Weights of Newton's step in the directions in which K is much larger than along a ridge."""
    return np.where(size > STIFF * size.min(axis=0), 1 / size, 0.0)
