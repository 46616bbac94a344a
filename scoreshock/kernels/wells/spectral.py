r"""Density and score of ``p0 ~ exp(-U)`` along lines of many positions, by fast Fourier transform.

The transform of the heat kernel G is :math:`e^{-\tau k^2}`, and one grid serves all positions of a line. But a transform has
one error for its whole grid, some 1e-16 of the largest value, and is of no use in the tails. For them the density is tilted
first: with :math:`q(y) = e^{sy}p_0(y)`, exactly

.. math:: p(x) = e^{-sx + \tau s^2}\,(q * G)(x - 2\tau s), \qquad \partial_x\ln p = -s + \partial_x\ln(q * G),

and ``q * G`` is largest in the tail. A fan of tilts serves a line. Tilts and grids follow from the density and tau alone,
never from the positions asked for. Where a grid's estimated error is above ``TOLERANCE`` the quadrature takes over: in the
valley of a high barrier, beyond the last tilt, and where the kernel is far wider than the wells.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.wells.convolution import Part
from scoreshock.kernels.wells.parts import Wells, at, boundary, within
from scoreshock.kernels.wells.potentials import Potential

TOLERANCE = 1e-11
"""Estimated error, of p relative and of the score in units of ``1/sqrt(v)``, above which the quadrature takes over."""

TILTS = np.arange(-4.0, 5.0)
"""Tilts of a line, in units of ``SPACING/sqrt(v)``, v that of the well on their side."""

SPACING = 6.0
"""Standard deviations between the peaks of neighbours: half way between them a Gaussian is at a hundredth of its peak."""

DEPTH = 40.0
"""A tilted density is cut off below ``exp(-DEPTH)`` of its peak: 4e-18."""

FARTHEST = 550.0
"""Height of U up to which tilted densities are looked for: a Gaussian's 33 standard deviations."""

LADDER = 2.0 ** np.arange(-14, 6, 0.25)[:, None]
"""Distances, in units of a length of the core, at which it is seen how far U has risen."""

SCAN = 257
"""Positions among which the peak and the ends of each tilted density are looked for."""

ROOM = 13.2
"""Widths ``sqrt(2 tau)`` left between a density and its periodic image, which is then at 1e-17 of what is read."""

PER_WIDTH, PER_WELL = 0.3, 0.35
"""Samples are so many widths ``sqrt(v)`` and so many of the narrowest well apart: transforms then fall to 1e-16."""

PER_RESULT = 0.075
"""Results are so many widths ``sqrt(v)`` apart, so that they can be interpolated."""

NEIGHBOURS = 14
"""Results that an interpolation takes."""

LEAST, MOST = 128, 16384
"""Samples of a grid, and results, a power of two."""

SMALLEST = -300.0
"""Exponents are not let fall below this: arithmetic is slow where numbers underflow."""

NOISE = 2 * np.finfo(float).eps
"""Rounding of a transform, relative to its largest value times the root of the number of wave numbers."""

LINES, SAMPLES, POINTS = 64, 8192, 4096
"""Lines, samples of transforms and interpolated points done at a time: temporaries take a megabyte."""


class Profile(NamedTuple):
    """Log density and score along lines; (..., X) each."""

    log_density: np.ndarray
    score: np.ndarray
    by_transform: np.ndarray  # else by quadrature
    status: np.ndarray


class ScoreProfile(NamedTuple):
    """Score, log density and positions along lines of X positions."""

    score: np.ndarray  # (..., X, 1)
    score_along: np.ndarray  # (..., X)
    log_density: np.ndarray  # (..., X)
    position: np.ndarray  # (..., X, 1)
    score_status: np.ndarray  # (..., X)


class Grids(NamedTuple):
    """Grids of tilted densities, (R,) each."""

    line: np.ndarray
    tilt: np.ndarray  # s
    top: np.ndarray  # where exp(-U + s y) is about largest
    start: np.ndarray  # the first sample
    length: np.ndarray  # the period
    sizes: np.ndarray  # numbers of samples and of results (2, R), 0 where there is no grid
    width: np.ndarray  # sqrt(v), v from the narrowest well in it and 2 tau

    def take(self, index: np.ndarray) -> Grids:
        return Grids(*(a[..., index] for a in self))


def score_profile(wells: Wells, half_distance: np.ndarray, tau: np.ndarray, grid: np.ndarray, unit: str) -> ScoreProfile:
    """Score and log density at positions ``grid (X,)`` in a unit, of quartic wells (...) at times ``tau (...)``.

    The unit is 1 (``absolute``), the ``half_distance`` of the wells (``separation``), or the width of the layer from its
    boundary (``layer``). A NaN of tau is ``no_transition``.

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> wells = quartic(np.array(1.0), np.array(1.0), np.array(0.0))
    >>> line = score_profile(wells, np.array(1.0), np.array(0.1), np.array([-0.3, 0.3]), "absolute")
    >>> line.score_along.round(6).tolist(), line.position[:, 0].tolist()
    ([-0.459147, 0.459147], [-0.3, 0.3])
    """
    origin, length = np.zeros_like(half_distance), np.ones_like(half_distance)
    defined = np.full_like(half_distance, Status.ok, dtype=np.int8)
    if unit == "separation":
        length = half_distance
    elif unit == "layer":
        edge = boundary(wells, tau)
        origin, length, defined = edge.boundary, edge.width, edge.layer_status
    x = (origin + 0 * tau)[..., None] + length[..., None] * grid
    line = profile(wells, x, tau)
    finite = np.isfinite(line.score) & np.isfinite(line.log_density)
    outcome = np.where((line.status == Status.failed) | ~finite, np.int8(Status.failed), np.int8(Status.ok))
    status = np.where(np.isnan(tau), np.int8(Status.no_transition), defined)[..., None]
    status = np.where(status == Status.ok, outcome, status)
    return ScoreProfile(line.score[..., None], line.score, line.log_density, x[..., None], status)


def profile(wells: Wells, x: np.ndarray, tau: np.ndarray) -> Profile:
    r"""Log density and score along lines of positions, each of one density at one diffusion time.

    Parameters
    ----------
    wells : Wells
        Densities of leading shape (...).
    x : array (..., X)
        Positions.
    tau : array (...)
        Diffusion times >= 0; leading shapes broadcast.

    Returns
    -------
    Profile
        As `scoreshock.kernels.wells.parts.state`, also ``status``.

    Notes
    -----
    Differs from the quadrature by less than 3e-12, of p relative and of the score relative to itself or ``1/sqrt(v)``, v the
    variance of a well and 2 tau, whichever is larger; by 1e-13 at nine positions of ten. Among many, a line costs as much as
    some ten positions by quadrature, and a position of it a thirtieth; a line alone costs as much as seventy.

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> line = profile(quartic(np.array(1.0), np.array(1.0), np.array(0.0)), np.array([0.3, 40.0]), np.array(0.1))
    >>> float(line.score[0].round(12)), line.by_transform.tolist()
    (0.459147359895, [True, False])
    """
    which, _, times, lead = wells.broadcast(np.zeros(np.shape(x)[:-1]), tau)
    shape = (*lead, np.shape(x)[-1])
    positions = np.broadcast_to(x, shape).reshape(which.size, -1).astype(float)
    rows = np.full((2, *positions.shape), np.nan)
    with np.errstate(all="ignore"):
        usable = (times > 0) & np.isfinite(times) & (wells.status[which] != Status.failed)
        for group, index, lines in within(wells, which, np.flatnonzero(usable), LINES):
            rows[:, lines] = _lines(group.left.take(index), group.right.take(index), positions[lines], times[lines])
        rows[0] -= wells.log_total[which][:, None]
    by_transform = np.isfinite(rows[1])
    line, column = np.nonzero(~by_transform)
    rest = at(wells, which[line], positions[line, column], times[line])
    rows[:, line, column] = rest.log_density, rest.score
    status = np.repeat(wells.status[which][:, None], shape[-1], axis=1)
    status[line, column] = rest.status
    return Profile(*(a.reshape(shape) for a in (*rows, by_transform, status)))


def _lines(left: Part, right: Part, x: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """``ln p`` before normalisation and the score of lines ``x (B, X)``, (2, B, X); NaN where no transform reaches."""
    potential, count = left.potential, tau.size
    low, high = (np.broadcast_to(end, tau.shape) for end in (left.edges[0], -right.edges[0]))
    near, far = _falls(potential, low, high, np.maximum(left.scale, right.scale))
    # A Gaussian has fallen by 8 at four standard deviations.
    unit = SPACING / np.sqrt((near / 4) ** 2 + 2 * tau)
    s = TILTS[:, None] * np.where(TILTS[:, None] < 0, unit[0], unit[1])
    begin, gap = low - far[0], ((high + far[1]) - (low - far[0])) / (SCAN - 1)
    y = begin + gap * np.arange(SCAN)[:, None]
    height = -potential.value(y)
    between = 0.5 * (s[1:] + s[:-1])
    tops = begin + gap * np.argmax(height + between[:, None] * y, axis=1)
    tilt = np.zeros(x.shape, dtype=np.int64)
    for edge in tops + 2 * tau * between:
        tilt += x > edge[:, None]
    row, x = (tilt * count + np.arange(count)[:, None]).reshape(-1), x.reshape(-1)
    needed = np.zeros(s.size, dtype=bool)
    needed[row[np.isfinite(x)]] = True
    rows = np.flatnonzero(needed)
    grids = _grids(y, height, np.abs(potential.curvature(y)), rows % count, s.reshape(-1)[rows], tau)
    slot, result = np.full(s.size, -1), np.full((2, x.size), np.nan)
    for block in _blocks(grids.sizes):
        chosen = grids.take(block)
        table, least = _convolved(potential.take(chosen.line), chosen, tau[chosen.line])
        slot[:] = -1
        slot[rows[block]] = np.arange(block.size)
        points = np.flatnonzero(slot[row] >= 0)
        offset = -potential.take(chosen.line).value(chosen.top)
        for part in slices(points.size, POINTS):
            at_grid = points[part]
            result[:, at_grid] = _read(table, least, offset, chosen, tau[chosen.line], slot[row[at_grid]], x[at_grid])
    return result.reshape(2, count, -1)


def _falls(potential: Potential, low: np.ndarray, high: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far outside ``low`` and ``high (B,)`` U is 8 above its value there, and ``FARTHEST`` above the lesser; (2, B)."""
    excess = potential.value(low) - potential.value(high)
    result = np.empty((2, 2, low.size))
    for i, (end, sign, above) in enumerate(((low, -1.0, excess), (high, 1.0, -excess))):
        rise = potential.value(end + sign * scale * LADDER) - potential.value(end)
        for j, level in enumerate((8.0, np.maximum(FARTHEST - np.maximum(above, 0.0), 8.0))):
            reached = rise >= level
            distance = scale * LADDER[np.argmax(reached, axis=0), 0]
            result[j, i] = np.where(reached[-1], distance, np.nan)
    return result[0], result[1]


def _grids(y: np.ndarray, height: np.ndarray, bend: np.ndarray, line: np.ndarray, s: np.ndarray, tau: np.ndarray) -> Grids:
    """Grids of the densities ``exp(height + s y)``, seen at positions ``y (S, B)`` where ``|U''|`` is ``bend``."""
    y, tilted = y[:, line], height[:, line] + s * y[:, line]
    gap = y[1] - y[0]
    best, peak = np.argmax(tilted, axis=0), tilted.max(axis=0)
    inside = tilted >= peak - DEPTH
    first, last = np.argmax(inside, axis=0), SCAN - 1 - np.argmax(inside[::-1], axis=0)
    narrow = 1 / np.sqrt(np.where(tilted >= peak - 0.5 * DEPTH, bend[:, line], 0.0).max(axis=0))
    kernel = 2 * tau[line]
    width, room = np.sqrt(narrow * narrow + kernel), ROOM * np.sqrt(kernel)
    length = gap * (last - first + 2) + room
    wanted = length / np.stack([np.minimum(PER_WIDTH * width, PER_WELL * narrow), PER_RESULT * width])
    sizes = 2.0 ** np.ceil(np.log2(np.maximum(wanted, LEAST)))
    sizes[:, ~((first > 0) & (last < SCAN - 1) & (sizes <= MOST).all(axis=0))] = 0
    start = y[0] + gap * (first - 1) - 0.5 * room
    return Grids(line, s, y[0] + gap * best, start, length, sizes.astype(np.int64), width)


def _blocks(sizes: np.ndarray) -> Iterator[np.ndarray]:
    """Grids of equal sizes."""
    for pair in np.unique(sizes[:, sizes[0] > 0], axis=1).T:
        grids = np.flatnonzero((sizes == pair[:, None]).all(axis=0))
        yield from (grids[part] for part in slices(grids.size, SAMPLES // int(pair.max())))


def _convolved(potential: Potential, grids: Grids, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``q * G`` and its derivative as real and imaginary part (R, N), and the least of it (R,) that is within tolerance."""
    samples, results = grids.sizes[:, 0].tolist()
    y = grids.start + grids.length * (np.arange(samples)[:, None] / samples)
    d = y - grids.top
    exponent = grids.tilt * d - potential.change(grids.top, d)
    from scipy import fft  # slow to import for those that only ask what quantities there are

    before = fft.rfft(np.ascontiguousarray(np.exp(np.maximum(exponent, SMALLEST)).T))
    k = (2 * np.pi / grids.length)[:, None] * np.arange(samples // 2 + 1)
    decay = np.exp(np.maximum(-tau[:, None] * (k * k), SMALLEST))
    after = results / samples * before * decay
    table = np.empty((tau.size, results), dtype=complex)
    table.real = fft.irfft(after, results)
    table.imag = fft.irfft(1j * k * after, results)
    return table, _error(before, decay, k * grids.width[:, None], samples / results) / TOLERANCE


def _error(before: np.ndarray, decay: np.ndarray, k: np.ndarray, ratio: float) -> np.ndarray:
    """Estimated error (R,) of ``q * G``, and of its derivative in units of ``1/width``: the larger.

    ``ratio`` is that of the steps of results and samples. What rounding of U does to the samples shows in the last wave
    numbers, and so enters too.
    """
    half = before.shape[1] - 1
    size = np.abs(before)
    # Wave numbers beyond the last, which samples do not tell from lower ones, are taken to be no larger than the last few.
    aliased = size[:, -(half // 8) :].max(axis=1)[:, None]
    phase = 0.5 * np.pi * np.minimum(ratio * np.arange(half + 1) / half, 1.0)
    bound = (aliased + size * np.sin(phase) ** NEIGHBOURS) * decay
    noise = NOISE * np.sqrt(half) * decay
    sums = [_row_sum(bound * weight) + np.sqrt(_row_sum((noise * weight) ** 2)) for weight in (np.ones_like(k), k)]
    return np.maximum(*sums) / half


def _row_sum(rows: np.ndarray) -> np.ndarray:
    """Sum along each row, in an order that does not depend on the number of rows."""
    return np.cumsum(rows, axis=1)[:, -1]


def _read(
    table: np.ndarray, least: np.ndarray, offset: np.ndarray, grids: Grids, tau: np.ndarray, slot: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """``ln p`` and the score (2, B) at positions ``x (B,)`` of the grids ``slot (B,)``; NaN beyond the tolerance."""
    results = table.shape[1]
    s, shift = grids.tilt[slot], x - tau[slot] * grids.tilt[slot]
    u = (shift - tau[slot] * s - grids.start[slot]) * (results / grids.length[slot])
    cell = np.floor(u)
    first = cell - (NEIGHBOURS // 2 - 1)
    inside = (first >= 0) & (first <= results - NEIGHBOURS)
    begin = slot * results + np.where(inside, first, 0).astype(np.int64)
    values = np.lib.stride_tricks.sliding_window_view(table.reshape(-1), NEIGHBOURS)[begin]
    # Barycentric formula for equal steps; no position may be a node.
    t = np.maximum(u - cell, 1e-30)
    weights, total = np.zeros(x.size), np.zeros(x.size, dtype=complex)
    for i, factor in enumerate(_factors()):
        weight = factor / (t + (NEIGHBOURS // 2 - 1 - i))
        weights += weight
        total += weight * values[:, i]
    density = total.real / weights
    log_p = np.log(density) + offset[slot] - s * (shift - grids.top[slot])
    return np.where(inside & (density >= least[slot]), [log_p, total.imag / total.real - s], np.nan)


@cache
def _factors() -> list[float]:
    """Binomial coefficients of alternating sign."""
    factors = [1.0]
    for i in range(1, NEIGHBOURS):
        factors.append(-factors[-1] * (NEIGHBOURS - i) / i)
    return factors
