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


def about_centre(means: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre of ``means (k, ...)``, its rounding error (...), and the means relative to it (k, ...).

    It is the midpoint of a pair, whose remainder is exact, so that a point in the middle stays there. Of more components it
    is their unweighted mean, rounded to twice its distance from the farthest: of few digits, so that it loses none of the
    means', and zero where that is as good.

    Examples
    --------
    >>> centre, remainder, offset = about_centre(np.array([1.0, 2.0**-53]))
    >>> float(centre), float(remainder) == 2.0**-54
    (0.5, True)
    >>> float(about_centre(np.array([-0.1, 0.0, 0.1]))[0]) == 0
    True
    """
    first, k = means[0], len(means)
    if k == 2:
        total, lost = two_sum(first, means[1])
        half = 0.5 * (means[1] - first)
        return 0.5 * total, 0.5 * lost, np.stack([-half, half])
    centre = first
    for mean in means[1:]:
        centre = centre + (mean - first) / k
    width = np.abs(means - centre).max(axis=0)
    _, exponent = np.frexp(width)
    centre = np.where(width > 0, np.ldexp(np.rint(np.ldexp(centre, -1 - exponent)), exponent + 1), centre)
    return centre, np.zeros_like(centre), means - centre


def from_midpoint(one: np.ndarray, other: np.ndarray, step: np.ndarray) -> np.ndarray:
    """``(one + other)/2 + step``, corrected for the rounding error of the sum.

    Examples
    --------
    >>> float(from_midpoint(np.array(1.0), np.array(2.0**-53), np.array(-0.5))) == 2.0**-54
    True
    """
    total, lost = two_sum(one, other)
    return 0.5 * total + (0.5 * lost + step)
