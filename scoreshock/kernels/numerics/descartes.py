r"""Zeros of the score where it is nearly flat on a line, counted by Descartes' rule of signs.

From ``x`` on, over a width h, ``F sum_j r_j`` is a power series whose coefficients are Hermite polynomials of the means'
offsets ``o_j = mu_j - x``: with ``A_0 = r``, ``A_1 = p r``, ``A_{n+1} = p A_n - n q A_{n-1}``, ``p = h o/v``, ``q = h^2/v``,

.. math:: \tfrac hv \sum_j r_j(x + ht)\,(o_j - ht) \propto \sum_n \frac{t^n}{n!} \sum_j A_{n+1,j}, \qquad 0 \le t \le 1 .

In Bernstein's basis it has no more zeros than its coefficients change sign, and as many but for an even number. What
float64 leaves open is taken in twice its precision, interval by interval.
"""

from __future__ import annotations

from fractions import Fraction
from math import factorial
from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.numerics import blocks, double_double
from scoreshock.kernels.numerics.double_double import Doubled, exponential, scaled
from scoreshock.kernels.numerics.eigenvalues import pick
from scoreshock.kernels.numerics.root_isolation import join

DEGREES = (14, 26)
"""Degree of the series in float64 and in twice its precision: intervals are at most ``WIDE sqrt(v)`` wide."""

EPS = (4 * np.finfo(float).eps, 2.0**-98)
"""Unit of the bound of rounding in either precision."""

WIDE = 2.0**-4
"""Widest interval to begin with, in units of ``sqrt(v)``."""

NARROW = 2.0**-16
"""In an interval narrower than this times ``sqrt(v)`` modes between which F stays below the rounding of float64 are one:
at a pitchfork rounding leaves the position of the mode uncertain by as much."""

HALVINGS = 60
"""Bound of the halvings; intervals that it leaves open are unresolved."""


class Line(NamedTuple):
    """Mixtures on a line, points last: sorted means ``mu (k, P)``, logarithms of the weights ``log_w (k, P)``.

    For twice the precision: ``exact (2, k, P)``, what rounding took from the means, and the weights.
    """

    mu: np.ndarray
    log_w: np.ndarray
    exact: np.ndarray = np.empty(0)

    def take(self, index: np.ndarray) -> Line:
        """The mixtures at ``index``."""
        exact = pick(self.exact, index) if self.exact.size else self.exact
        return Line(pick(self.mu, index), pick(self.log_w, index), exact)

    def rounded(self) -> Line:
        """The fields that float64 arithmetic needs."""
        return Line(self.mu, self.log_w)


class Signs(NamedTuple):
    """Signs of F at positions x, ascending within a point: between neighbouring ones F changes sign once or not at all."""

    point: np.ndarray
    x: np.ndarray
    sign: np.ndarray


def _binomial_shares(degree: int) -> Doubled:
    exact = [Fraction(factorial(degree - n), factorial(degree)) for n in range(degree + 1)]
    high = [float(share) for share in exact]
    return Doubled(high, [float(share - Fraction(value)) for share, value in zip(exact, high, strict=True)])


_SHARES = [_binomial_shares(degree) for degree in DEGREES]


def signs(point: np.ndarray, left: np.ndarray, right: np.ndarray, v: np.ndarray, line: Line) -> tuple[Signs, np.ndarray]:
    """Signs of F on the intervals ``left, right (N,)`` of the points ``point (N,)``, and the points that stay unresolved.

    Examples
    --------
    >>> pair = Line(np.array([[-1.0], [1.0]]), np.log([[0.5], [0.5]]), np.array([[[0.0], [0.0]], [[0.5], [0.5]]]))
    >>> left, right, v = np.array([-0.03]), np.array([0.03]), np.array([0.5])
    >>> changes, unresolved = signs(np.array([0]), left, right, v, pair)
    >>> changes.sign.tolist(), unresolved.tolist()  # F rises at the minimum of the density
    ([-1.0, 1.0], [])
    """
    parts = [_ends(point[:0], left[:0], right[:0], left[:0], left[:0])]
    item: tuple[np.ndarray, ...] = (point, left, right)
    for precision in (0, 1):
        harder: list[tuple[np.ndarray, ...]] = []
        for _ in range(HALVINGS):
            if not len(item[0]):
                break
            point, left, right = item
            first, last, state = _judged(left, right - left, v[point], line.take(point), precision)
            middle = 0.5 * (left + right)
            apart = (left < middle) & (middle < right)
            done = np.flatnonzero(state == DONE)
            parts.append(_ends(point[done], left[done], right[done], first[done], last[done]))
            next_to = np.flatnonzero((state == HALVE) & ~apart)
            parts.append(_neighbours(point[next_to], left[next_to], right[next_to], v, line))
            harder.append(tuple(column[state == HARDER] for column in item))
            halve = np.flatnonzero((state == HALVE) & apart)
            point, left, right, middle = point[halve], left[halve], right[halve], middle[halve]
            item = join([(point, left, middle), (point, middle, right)])
        item = join([item, *harder])
    unresolved = np.unique(item[0])
    where, x, sign, side = join(parts)
    order = np.lexsort((side, x, where))
    kept = order[np.abs(sign[order]) == 1]
    return Signs(where[kept], x[kept], sign[kept]), unresolved


def _ends(
    point: np.ndarray, left: np.ndarray, right: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Point, x, sign and side of x of the signs inside intervals at either end."""
    side = np.repeat([0, 1], len(point))
    return np.concatenate([point, point]), np.concatenate([right, left]), np.concatenate([last, first]), side


def _neighbours(point: np.ndarray, left: np.ndarray, right: np.ndarray, v: np.ndarray, line: Line) -> tuple[np.ndarray, ...]:
    """The same of intervals between neighbouring numbers, inside which nothing is to be told."""
    here = line.take(point)
    first, last = (np.sign(precise_score(x, v[point], here)[0]) if len(x) else x for x in (left, right))
    return _ends(point, left, right, first, last)


def summable(left: np.ndarray, width: np.ndarray, v: np.ndarray, line: Line) -> np.ndarray:
    """Whether the series over the interval ends within rounding: not where F is steep.

    Examples
    --------
    >>> pair = Line(np.array([[-1.0], [1.0]]), np.log([[0.5], [0.5]]), np.array([[[0.0], [0.0]], [[0.5], [0.5]]]))
    >>> summable(np.zeros(1), np.array([0.05]), np.array([1.0]), pair).tolist()
    [True]
    """
    rounding, rest = _errors(left, width, v, line, DEGREES[0])
    return np.isfinite(rest) & (rest <= EPS[0] * rounding)


DONE, HALVE, HARDER = range(3)


def _judged(
    left: np.ndarray, width: np.ndarray, v: np.ndarray, line: Line, precision: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signs of F inside the intervals at either end (NaN: not told), and what is to be done with them."""
    coefficients = bernstein(left, width, v, line, precision)
    rounding, rest = _errors(left, width, v, line, DEGREES[precision])
    bound = EPS[precision] * rounding + rest
    sign = np.where(np.abs(coefficients) > bound, np.sign(coefficients), 0.0)
    ends = (sign[0] != 0) & (sign[-1] != 0)
    # A zero within rounding of an end is seen by the signs on its two sides.
    first, last = np.where(sign[0] != 0, sign[0], sign[1]), np.where(sign[-1] != 0, sign[-1], sign[-2])
    certain = (first != 0) & (last != 0) & (_changes(sign) <= np.where(ends, 1, 0))
    truncated = ~(rest <= EPS[precision] * rounding) | ~np.isfinite(rest)
    blank = (sign == 0).all(axis=0) & ~truncated
    if precision == 0:
        state = np.where(certain & ends, DONE, np.where(truncated | (ends & ~blank), HALVE, HARDER))
        return first, last, state
    alike = (width <= NARROW * np.sqrt(v)) & (np.abs(coefficients) <= EPS[0] * rounding).all(axis=0)
    first, last = np.where(alike, np.nan, first), np.where(alike, np.nan, last)
    return first, last, np.where(certain | alike, DONE, np.where(blank, HARDER, HALVE))


def _changes(sign: np.ndarray) -> np.ndarray:
    """Most changes of sign along the first axis: zeros stand for either sign, and are left out at the ends."""
    up = np.where(sign[0] < 0, -np.inf, 0.0)
    down = np.where(sign[0] > 0, -np.inf, 0.0)
    blank = sign[0] == 0
    for row in sign[1:-1]:
        turned_up, turned_down = np.maximum(up, down + 1), np.maximum(down, up + 1)
        turned_up, turned_down = np.where(blank, 0.0, turned_up), np.where(blank, 0.0, turned_down)
        up, down = np.where(row < 0, -np.inf, turned_up), np.where(row > 0, -np.inf, turned_down)
        blank = np.zeros(len(row), dtype=bool)
    last = sign[-1]
    return np.where(last > 0, np.maximum(up, down + 1), np.where(last < 0, np.maximum(down, up + 1), np.maximum(up, down)))


def _errors(left: np.ndarray, width: np.ndarray, v: np.ndarray, line: Line, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of a coefficient's rounding, in units of the last place, and of what the series leaves out.

    ``|He_n(d)| <= (|d| + sqrt n)^n``, and the sum over all n is the generating function ``exp(s d + s^2/2)``.
    """
    offset = (line.mu - left) + line.exact[0]
    t = line.log_w - offset * offset / (2 * v)
    t = t - t.max(axis=0)
    s, d = width / np.sqrt(v), np.abs(offset) / np.sqrt(v)
    share = np.exp(t)
    bound = s * (d + s) * np.exp(t + s * d + s * s / 2)
    weight = np.where(share > 0, degree + np.abs(line.log_w) + d * d, 0.0)
    n = degree + 1
    ratio = s * (d + np.sqrt(n + 1)) / n
    tail = 2 * np.exp(t + (n + 1) * np.log(ratio) + (n + 1) * np.log(n) - _log_factorial(n))
    tail = np.where(np.e * ratio < 0.5, tail, bound)
    return blocks.total(np.where(share > 0, weight * bound, 0.0)), blocks.total(tail)


def _log_factorial(n: int) -> float:
    return float(np.log(float(factorial(n))))


def bernstein(left: np.ndarray, width: np.ndarray, v: np.ndarray, line: Line, precision: int) -> np.ndarray:
    """Coefficients (degree + 1, N) in Bernstein's basis of ``h F/v``, times a positive number, over ``left + width t``."""
    degree, shares = DEGREES[precision], _SHARES[precision]
    r, offset = responsibilities(left, v, line) if precision else _single(left, v, line)
    p, q = offset * width / v, (Doubled(width) if precision else width) * width / v
    before: Any = r
    now: Any = p * r
    differences: list[Any] = []
    total: Any = double_double.total if precision else blocks.total
    for n in range(degree + 1):
        moment = total(now)
        differences.append(moment * (shares[n] if precision else shares.high[n]))
        before, now = now, p * now - q * (n + 1.0) * before
    table: Any = _stacked(differences) if precision else np.stack(differences)
    values = [table[0]]
    for _ in range(degree):
        table = table[:-1] + table[1:]
        values.append(table[0])
    return _stacked(values).high if precision else np.stack(values)


def _stacked(rows: list[Any]) -> Doubled:
    return Doubled(np.stack([row.high for row in rows]), np.stack([row.low for row in rows]))


def _single(x: np.ndarray, v: np.ndarray, line: Line) -> tuple[np.ndarray, np.ndarray]:
    offset = (line.mu - x) + line.exact[0]
    t = line.log_w - offset * offset / (2 * v)
    return np.exp(t - t.max(axis=0)), offset


def responsibilities(x: np.ndarray, v: np.ndarray, line: Line) -> tuple[Doubled, Doubled]:
    """Responsibilities over the largest and the means' offsets from ``x``, in twice the precision.

    Examples
    --------
    >>> pair = Line(np.array([[-1.0], [1.0]]), np.log([[0.5], [0.5]]), np.array([[[0.0], [0.0]], [[0.5], [0.5]]]))
    >>> r, offset = responsibilities(np.zeros(1), np.array([0.5]), pair)
    >>> (r.high[0] / r.high[1]).tolist(), offset.high[:, 0].tolist()
    ([1.0], [-1.0, 1.0])
    """
    offset = Doubled(line.mu) - x + line.exact[0]
    exponent = -(offset * offset) / (v * 2.0)
    top = (line.log_w + exponent.high).max(axis=0)
    number, power = exponential(exponent - top)
    mantissa, shift = np.frexp(line.exact[1])
    return scaled(number * mantissa, power + shift), offset


def precise_score(x: np.ndarray, v: np.ndarray, line: Line) -> tuple[np.ndarray, np.ndarray]:
    """F and its slope in x, summed in twice the precision.

    Examples
    --------
    >>> pair = Line(np.array([[-1.0], [1.0]]), np.log([[0.5], [0.5]]), np.array([[[0.0], [0.0]], [[0.5], [0.5]]]))
    >>> [a.tolist() for a in precise_score(np.zeros(1), np.array([0.5]), pair)]  # slope 1/v - 1
    [[0.0], [1.0]]
    """
    r, offset = responsibilities(x, v, line)
    weight = double_double.total(r).high
    f = double_double.total(r * offset).high / weight
    excess = double_double.total(r * (offset * offset - v)).high / weight
    return f, (excess - f * f) / v
