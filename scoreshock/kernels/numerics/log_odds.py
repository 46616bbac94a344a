"""One component against another, without loss of digits: their log odds, and positions relative to their midpoint.

``|x - b|**2 - |x - a|**2 = (a - b) . [(x - a) + (x - b)]``, and the bracket is twice the distance from the midpoint: where
that is small against ``a`` and ``b`` it must not be formed from ``x - a`` and ``x - b``, which are already rounded.
"""

from __future__ import annotations

import numpy as np

from scoreshock.kernels.numerics.double_double import two_sum


def log_odds(weight: np.ndarray, other: np.ndarray) -> np.ndarray:
    """``ln(weight/other)`` of positive weights, with its digits also where they are nearly equal.

    Examples
    --------
    >>> float(log_odds(np.array(0.5 + 2.0**-40), np.array(0.5)) / 2.0**-39).__round__(9)
    1.0
    """
    near = (weight < 2 * other) & (other < 2 * weight)
    return np.where(near, np.log1p((weight - other) / other), np.log(weight) - np.log(other))


def past_midpoint(x: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """``(x - one) + (x - other)`` to a relative rounding error, also at the midpoint of means far from zero.

    Examples
    --------
    >>> float(past_midpoint(np.array(1e-13), np.array(-1.0), np.array(1.0)))
    2e-13
    """
    total, lost = two_sum(one, other)
    return (2 * x - total) - lost


def from_midpoint(one: np.ndarray, other: np.ndarray, step: np.ndarray) -> np.ndarray:
    """``(one + other)/2 + step``, with what rounding takes from the sum.

    Examples
    --------
    >>> float(from_midpoint(np.array(1.0), np.array(2.0**-53), np.array(-0.5))) == 2.0**-54
    True
    """
    total, lost = two_sum(one, other)
    return 0.5 * total + (0.5 * lost + step)
