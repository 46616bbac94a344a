"""Arithmetic in twice the working precision: an unevaluated sum of two float64, about 31 digits.

For identities whose terms cancel: the rounding errors of the terms then are far below the terms themselves. Elementwise,
so that a point's bits depend on that point alone. Notation as in Dekker (1971) and Hida, Li and Bailey (2001).
"""

from __future__ import annotations

from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np

SPLIT = 2.0**27 + 1
"""Veltkamp's constant: halves a mantissa of 53 bits."""

LOG_2 = (0.6931471805599453, 2.3190468138462996e-17)
"""ln 2 in two parts."""

HALVINGS = 9
"""The argument of the exponential's series is halved this often: eight terms then end at 1e-34."""

BELOW = -2000.0
"""Exponentials of less than this are zero, whatever power of two they are scaled by."""


class Doubled:
    """An array of numbers ``high + low`` with ``|low|`` at most half a unit in the last place of ``high``."""

    __slots__ = ("high", "low")
    __array_ufunc__ = None  # so that an array on the left leaves the operation to this class

    def __init__(self, high: Any, low: Any = None) -> None:
        self.high = np.asarray(high, dtype=float)
        self.low = np.zeros_like(self.high) if low is None else np.asarray(low, dtype=float)

    def __getitem__(self, index: Any) -> Doubled:
        return Doubled(self.high[index], self.low[index])

    def __len__(self) -> int:
        return len(self.high)

    def __neg__(self) -> Doubled:
        return Doubled(-self.high, -self.low)

    def __add__(self, other: Any) -> Doubled:
        other = doubled(other)
        total, error = two_sum(self.high, other.high)
        small, smaller = two_sum(self.low, other.low)
        total, error = _renormalised(total, error + small)
        return Doubled(*_renormalised(total, error + smaller))

    def __sub__(self, other: Any) -> Doubled:
        return self + (-doubled(other))

    def __mul__(self, other: Any) -> Doubled:
        other = doubled(other)
        product, error = two_product(self.high, other.high)
        return Doubled(*_renormalised(product, error + (self.high * other.low + self.low * other.high)))

    def __truediv__(self, other: Any) -> Doubled:
        other = doubled(other)
        first = self.high / other.high
        rest = self - other * first
        second = rest.high / other.high
        third = (rest - other * second).high / other.high
        return Doubled(*_renormalised(first, second)) + third

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Any) -> Doubled:
        return doubled(other) - self

    def __rtruediv__(self, other: Any) -> Doubled:
        return doubled(other) / self


def doubled(value: Any) -> Doubled:
    """The value itself if it is a `Doubled`, else an array of float64."""
    return value if isinstance(value, Doubled) else Doubled(value)


def two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rounded sum and its error, exactly."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def two_product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rounded product and its error, exactly while neither overflows nor underflows."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    big = SPLIT * a
    high = big - (big - a)
    return high, a - high


def _renormalised(high: np.ndarray, low: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = high + low
    return total, low - (total - high)


def total(rows: Doubled) -> Doubled:
    """Sum over the first axis, always in the same pairs."""
    while (count := len(rows)) > 1:
        half = count // 2
        folded = rows[:half] + rows[half : 2 * half]
        if count % 2:
            last = folded[:1] + rows[count - 1 :]
            folded = Doubled(np.concatenate([last.high, folded.high[1:]]), np.concatenate([last.low, folded.low[1:]]))
        rows = folded
    return rows[0]


def exponential(t: Doubled) -> tuple[Doubled, np.ndarray]:
    """``exp(t)`` as a number between 0.7 and 1.5 and a power of two, for ``t`` up to some thousands.

    Examples
    --------
    >>> number, power = exponential(Doubled([1.0]))
    >>> exact = Fraction(number.high[0]) + Fraction(number.low[0])
    >>> float(exact * 2 ** int(power[0]) - Fraction(27182818284590452353602874713527, 10**31)) < 1e-30
    True
    """
    low_enough = t.high < BELOW
    t = Doubled(np.where(low_enough, BELOW, t.high), np.where(low_enough, 0.0, t.low))
    power = np.rint(t.high / LOG_2[0])
    part = (t - Doubled(*LOG_2) * power) * 2.0**-HALVINGS
    series = part * _INVERSE_FACTORIALS[0]
    for coefficient in _INVERSE_FACTORIALS[1:]:
        series = part * (series + coefficient)
    for _ in range(HALVINGS):
        series = series * 2.0 + series * series
    return series + 1.0, np.where(np.isfinite(power), power, 0).astype(int)


def scaled(a: Doubled, power: np.ndarray) -> Doubled:
    """``a`` times a power of two."""
    return Doubled(np.ldexp(a.high, power), np.ldexp(a.low, power))


def _nearest(value: Fraction) -> Doubled:
    high = float(value)
    return Doubled(high, float(value - Fraction(high)))


_INVERSE_FACTORIALS = [_nearest(Fraction(1, factorial(i))) for i in range(9, 0, -1)]
