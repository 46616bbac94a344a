r"""The boundary of two groups of components as a function of v: its position, its rate ``n'Hn``, and where either breaks.

The boundary is followed on one line, through the weighted means of both groups from their midpoint: at each v the crossing
nearest to the midpoint, of two that are equally near the first. There, with ``m_i, Gamma_i`` the posterior mean and
covariance of the means within group i, (42) reads :math:`n^THn = (G - v)/v^2`,
:math:`G = \frac12 n^T(\Gamma_1 + \Gamma_2)n + \frac14|m_1 - m_2|^2`. G is a variance along n, at most a quarter of the
largest squared distance of two means, so that nothing grows at any larger v. It depends on tau through v alone.

The rate has one sign between its roots and *breaks*, at which the boundary vanishes (two crossings merge) or jumps (another
crossing becomes the nearest). A scan in ``ln v`` finds in which steps they lie: all crossings at a v are certain, and a step
across which their number or the nearest one's rank changes holds a change, which repeated cuts locate to rounding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.groups import FIRST, REST, SECOND, moments
from scoreshock.kernels.layer.boundary import line_between
from scoreshock.kernels.layer.crossings import crossings_on_line
from scoreshock.kernels.numerics.batching import core_first, slices
from scoreshock.kernels.numerics.bracketing import bracketed
from scoreshock.kernels.numerics.vectors import inner, square

ROOT, JUMP, VANISHING, NONE = range(4)
"""How growth ends: at a root of ``n'Hn``, at a jump of the boundary, where the boundary vanishes, or not at all."""

STEPS = 64
"""Steps of the scan, from v well below the least distance of means of different groups up to where growth has ended."""

DEEP_STEPS, DEEP_STEP = 100, 0.35
"""Most steps below that, and their width in ``ln v``: down to sigma0^2, or all where the rate is not positive further up."""

MARGIN = 1.125
"""Factor of the largest v at which the rate can vanish: a root there has a change of sign below it."""

TIED = 1e-9
"""Crossings whose distances from the line's start differ by less than this fraction are equally near."""

FOLDED = 1e-11
"""The same where they are close to each other: this over their distance, for rounding grows so as two of them merge."""

DISCONTINUITY = 1e-6
"""A boundary that moves by more than this fraction of the means' extent within the rounding of v has jumped."""

SETTLED = 2.0**-36
"""Fraction of v past a change of the crossings from which on rounding decides nothing about it."""

FLAT = 1e-6
"""Largest ``v n'Hn`` at a root; more is a change of sign without one, of a boundary that has jumped unseen."""

SECTIONS, ROUNDS = (16, *[4] * 22), 4
"""Parts into which a step of the scan is cut to see the first change, then again the part with it, down to rounding; and how
many changes of the boundary are looked for in one step."""

BATCH = 4096
"""Evaluations at a time: their arrays stay in cache."""

V, RATE, POSITION, COUNT, RANK = range(5)
"""Rows of a state ``(5, B)`` of the boundary: v, ``v n'Hn``, its position, how many crossings there are and which it is."""


class Lines(NamedTuple):
    """Mixtures, last, each with the line on which its boundary is followed, in units of a power of two near its extent."""

    means: np.ndarray  # (k, n, P)
    weights: np.ndarray  # (k, P)
    group: np.ndarray  # (k, P)
    start: np.ndarray  # (n, P)
    direction: np.ndarray  # (n, P)
    low: np.ndarray  # lower end of the scan, (P,)
    high: np.ndarray  # a v from which on nothing grows, (P,)
    unit: np.ndarray  # exponent of the unit of length, (P,)
    status: np.ndarray  # (P,)

    @property
    def size(self) -> int:
        return len(self.low)

    @classmethod
    def of(cls, means: np.ndarray, weights: np.ndarray, group: np.ndarray, shape: tuple[int, ...]) -> Lines:
        codes, w = core_first(group, 1, shape), core_first(weights, 1, shape)
        relative = core_first(means - means[..., :1, :], 2, shape)
        extent = np.abs(relative).max(axis=(0, 1))
        finite = np.isfinite(extent) & np.isfinite(w).all(axis=0)
        unit = np.where(finite & (extent > 0), np.frexp(np.where(finite, extent, 1.0))[1], 0)
        scaled = np.ldexp(np.where(finite, relative, 0.0), -unit)
        with np.errstate(all="ignore"):
            start, direction = line_between(np.moveaxis(scaled, -1, 0), w.T, codes.T)
            low, high = _range(scaled, codes)
            line = np.ascontiguousarray(start.T), np.ascontiguousarray(direction.T)
            some_v = np.where(high > 0, high, 1.0)
            status = crossings_on_line(*line, scaled, w, some_v, np.zeros_like(high), codes)[1]
        status = np.where(status == Status.no_real_root, np.int8(Status.ok), status)
        status = np.where(finite, status, np.int8(Status.failed))
        return cls(scaled, w, codes, *line, low, high, unit, status)

    def take(self, points: np.ndarray | slice) -> Lines:
        return Lines._make(row[..., points] for row in self)


def _range(means: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends (P,) of the scan: from a quarter of the least squared half-distance across the groups to above the largest."""
    least, largest = np.full(means.shape[-1], np.inf), np.zeros(means.shape[-1])
    for i in range(len(means)):
        for j in range(i):
            distance = square(means[i] - means[j])
            both = (group[i] != REST) & (group[j] != REST)
            largest = np.where(both, np.maximum(largest, distance), largest)
            across = both & (group[i] != group[j]) & (distance > 0)
            least = np.where(across, np.minimum(least, distance), least)
    return np.minimum(least, largest) / 16, MARGIN * largest / 4


def follow(lines: Lines, mixture: np.ndarray, v: np.ndarray) -> np.ndarray:
    """State (5, B) of the boundary of the lines of index ``mixture (B,)`` at ``v (B,)``, in rows ``V, RATE, ...``.

    Examples
    --------
    >>> pair = Lines.of(np.array([[[-1.0], [1.0]]]), np.array([[0.5, 0.5]]), np.array([[0, 1]]), (1,))
    >>> v = np.ldexp([0.5], -2 * pair.unit)
    >>> follow(pair, np.array([0]), v)[[RATE, COUNT], 0].tolist()  # a^2/v - 1
    [1.0, 1.0]
    """
    state = np.empty((5, len(v)))
    with np.errstate(all="ignore"):
        for part in slices(len(v), BATCH):
            state[:, part] = _state(lines.take(mixture[part]), v[part])
    return state


def _state(lines: Lines, v: np.ndarray) -> np.ndarray:
    means, weights, group, start, direction, *_ = lines
    positions = crossings_on_line(start, direction, means, weights, v, np.zeros_like(v), group)[0]
    distance = np.where(np.isnan(positions), np.inf, np.abs(positions))
    at = np.arange(len(v))
    least = distance.argmin(axis=0)
    near = positions[least, at]
    # Only across the start: on one side it is certain which is nearer.
    tied = (positions * near <= 0) & (distance <= distance[least, at] * (1 + TIED) + FOLDED / np.abs(positions - near))
    rank = np.where(tied.any(axis=0), np.minimum(tied.argmax(axis=0), least), least)
    position = positions[rank, at]
    one, two = (moments(start + position * direction, means, weights, v, group == code) for code in (FIRST, SECOND))
    step = (one.leader - two.leader) + (one.offset - two.offset)
    apart = square(step)
    # Where two crossings merge on a line, the gradient vanishes and the normal does not.
    normal = np.where(apart > 0, step / np.sqrt(apart), direction)
    spread = inner(normal, [inner(row, normal) for row in one.covariance + two.covariance])
    rate = (0.5 * spread + 0.25 * apart) / v - 1
    count = (~np.isnan(positions)).sum(axis=0)
    return np.stack([v, np.where(count > 0, rate, np.nan), position, count, np.where(count > 0, rank, -1)])


class Marks(NamedTuple):
    """Roots of the rate and breaks of the boundary, by mixture and ascending; (N,) each."""

    mixture: np.ndarray
    low: np.ndarray  # v just below
    high: np.ndarray  # v just above, the same for a root
    below: np.ndarray  # whether the rate is positive just below
    kind: np.ndarray

    def of(self, mixture: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Each of the points ``mixture (F,)`` with each of its mixture's marks: indices of points and of marks."""
        first = np.searchsorted(self.mixture, np.arange(size + 1))
        count = np.diff(first)[mixture]
        point = np.repeat(np.arange(len(mixture)), count)
        index = np.arange(len(point)) - np.repeat(np.cumsum(count) - count, count)
        return point, first[mixture[point]] + index


@np.errstate(all="ignore")
def marks_of(lines: Lines, floor: np.ndarray) -> Marks:
    """All roots and breaks of the lines' boundaries that a scan down to ``floor (P,)`` sees, and down to growth.

    Examples
    --------
    >>> pair = Lines.of(np.array([[[-1.0], [1.0]]]), np.array([[0.5, 0.5]]), np.array([[0, 1]]), (1,))
    >>> marks = marks_of(pair, np.array([0.1]))
    >>> np.ldexp(marks.low, 2 * pair.unit).round(12).tolist(), marks.kind.tolist() == [ROOT]
    ([1.0], True)
    """
    valid = np.flatnonzero(lines.status == Status.ok)
    top, low = lines.high[valid], lines.low[valid]
    spans, bottom = _scan(lines, valid, top, (np.log(top) - np.log(low)) / STEPS, np.full(len(valid), STEPS))
    needed = np.ceil((np.log(low) - np.log(floor[valid])) / DEEP_STEP)
    needed = np.where(bottom[RATE] > 0, np.clip(needed, 0, DEEP_STEPS), DEEP_STEPS).astype(int)
    more, _ = _scan(lines, valid, bottom[V], np.full(len(valid), DEEP_STEP), needed)
    mixture, low, high = (np.concatenate(both, axis=-1) for both in zip(spans, more, strict=True))
    unbroken, breaks = _split(lines, mixture, low, high)
    parts = [_roots(lines, *unbroken)]
    if len(breaks[0]):
        mixture, low, high = breaks
        kind = np.where(np.isnan(low[RATE] + high[RATE]), VANISHING, JUMP)
        parts.append(Marks(mixture, low[V], high[V], low[RATE] > 0, kind))
    marks = Marks._make(np.concatenate(rows) for rows in zip(*parts, strict=True))
    order = np.lexsort((marks.low, marks.mixture))
    return Marks._make(row[order] for row in marks)


Spans = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Stretches of v: the mixture (N,) and the states (5, N) at both ends."""


def _scan(
    lines: Lines, mixture: np.ndarray, top: np.ndarray, width: np.ndarray, steps: np.ndarray
) -> tuple[Spans, np.ndarray]:
    """Steps, of ``steps`` down from ``top``, in which crossings or the sign of the rate change; states (5, P) at the end."""
    at = np.repeat(np.arange(len(mixture)), steps + 1)
    last = np.cumsum(steps + 1) - 1
    index = np.arange(len(at)) - (last - steps)[at]
    state = follow(lines, mixture[at], top[at] * np.exp(-width[at] * index))
    above, below = state[:, :-1], state[:, 1:]
    changes = ~_same(below, above) | ((below[RATE] > 0) != (above[RATE] > 0))
    changes = np.flatnonzero(changes & (at[1:] == at[:-1]))
    return (mixture[at[changes]], below[:, changes], above[:, changes]), state[:, last]


def _same(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Whether two states have equally many crossings, and of the same rank the nearest."""
    return (one[COUNT] == two[COUNT]) & (one[RANK] == two[RANK])


def _split(lines: Lines, mixture: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[Spans, Spans]:
    """Spans cut where the crossings change: those without a change, and the changes that tear the boundary."""
    unbroken, breaks = [], []
    for _ in range(ROUNDS):
        same = _same(low, high)
        unbroken.append((mixture[same], low[:, same], high[:, same]))
        mixture, low, high = mixture[~same], low[:, ~same], high[:, ~same]
        before, just_after = _first_change(lines, mixture, low, high)
        # Within rounding of where two crossings merge they may come and go several times.
        after = follow(lines, mixture, np.minimum(just_after[V] * (1 + SETTLED), high[V]))
        unbroken.append((mixture, low, before))
        moved = np.abs(after[POSITION] - before[POSITION]) <= DISCONTINUITY * (1 + np.abs(before[POSITION]))
        discontinuous = ~moved & (np.maximum(before[COUNT], after[COUNT]) > 0)
        after, low = after.copy(), after
        after[V] = just_after[V]
        breaks.append((mixture[discontinuous], before[:, discontinuous], after[:, discontinuous]))
    joined = [tuple(np.concatenate(rows, axis=-1) for rows in zip(*parts, strict=True)) for parts in (unbroken, breaks)]
    return joined[0], joined[1]  # type: ignore[return-value]


def _first_change(lines: Lines, mixture: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """States (5, N) on both sides of a change of the crossings, next to each other, between states that differ."""
    at = np.arange(len(mixture))
    for sections in SECTIONS if len(mixture) else ():
        inner = low[V] + (high[V] - low[V]) * (np.arange(1, sections)[:, None] / sections)
        state = follow(lines, np.tile(mixture, sections - 1), inner.ravel()).reshape(5, sections - 1, -1)
        state = np.concatenate([low[:, None], state, high[:, None]], axis=1)
        first = np.argmin(_same(state[:, :-1], low[:, None]), axis=0)
        first = np.where(_same(state[:, -2], low), sections, first)
        low, high = state[:, first - 1, at], state[:, first, at]
    return low, high


def _roots(lines: Lines, mixture: np.ndarray, low: np.ndarray, high: np.ndarray) -> Marks:
    """Roots of the rate in spans over which the boundary is in one piece."""
    falls = (low[RATE] > 0) & (high[RATE] <= 0)
    rises = (low[RATE] <= 0) & (high[RATE] > 0)
    at = np.flatnonzero(falls | rises)
    mixture = mixture[at]
    if not len(at):
        return Marks(mixture, low[V, at], low[V, at], falls[at], mixture)

    def rate(v: np.ndarray, points: np.ndarray) -> np.ndarray:
        return follow(lines, mixture[points], v)[RATE]

    root = bracketed(rate, low[V, at], high[V, at], low[RATE, at], high[RATE, at])
    kind = np.where(np.abs(rate(root, np.arange(len(root)))) <= FLAT, ROOT, JUMP)
    return Marks(mixture, root, root, falls[at], kind)
