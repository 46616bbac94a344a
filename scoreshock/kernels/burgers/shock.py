r"""The layer as a shock: the Rankine-Hugoniot and the Lax condition; sections 5.6-5.7.

The score obeys :math:`s_\tau = \partial_x(s_x + s^2)` (23), so that in forward tau a jump from ``s_L`` to ``s_R`` moves at
``-(s_L + s_R)``, (48). Generation runs tau backwards: there the sign of every speed is the opposite.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import half_distance
from scoreshock.kernels.gaussian.groups import positive, ratio
from scoreshock.kernels.numerics.log_odds import log_odds
from scoreshock.kernels.numerics.vectors import dot

OUTSIDE = (2.0, 4.0)
"""Widths from the boundary between which one-sided states are read: for ``tanh`` they come out 6 % small."""


class RankineHugoniot(NamedTuple):
    """The boundary of a pair as a moving shock, (...); along the axis from the first component (left) to the second."""

    shock_position: np.ndarray  # x_b, from the midpoint of the means
    shock_speed: np.ndarray  # dx_b/dtau, by differentiating x_b
    shock_speed_generation: np.ndarray  # in generation time, as noise falls
    score_left: np.ndarray  # s_L
    score_right: np.ndarray  # s_R
    jump: np.ndarray  # s_R - s_L = 2a/v
    minus_sum: np.ndarray  # -(s_L + s_R)
    shock_residual: np.ndarray  # of (48) in forward tau, relative to its largest term
    shock_residual_generation: np.ndarray  # of (48) read in generation time
    lax: np.ndarray  # s_L < s_R, bool
    between_means: np.ndarray  # whether the boundary lies between the means, bool
    shock_status: np.ndarray  # ok, no_transition (equal means), singular (v = 0)


def rankine_hugoniot(means: Any, weights: Any, variance: Any, tau: Any) -> RankineHugoniot:
    """Position and speed of a pair's boundary against the one-sided scores on it; Proposition 5.13, (48).

    Parameters
    ----------
    means : array (..., 2, n)
        Left and right mean, at a distance 2a.
    weights : array (..., 2)
        Positive.
    variance, tau : array (...)
        ``v = variance + 2 tau``.

    Returns
    -------
    RankineHugoniot
        NaN beside a status that is not ``ok``. (48) is exact at every v, not only in the inviscid limit, and in forward tau:
        the boundary moves towards the minority as noise grows, and away from it in generation.

    Notes
    -----
    ``x_b = -(v/2a) ln(w_R/w_L)``, ``s_L = (-a - x_b)/v``, ``s_R = (a - x_b)/v``. The minus sign of (48) is that of the
    flux ``-s**2`` in forward tau; it does not come from a reversal of time.

    Examples
    --------
    >>> shock = rankine_hugoniot([[-1.0], [1.0]], [0.3, 0.7], 0.09, 0.2)
    >>> round(float(shock.shock_speed), 10), bool(shock.shock_residual < 1e-15), bool(shock.shock_residual_generation > 0.1)
    (-0.8472978604, True, True)
    """
    means, weights = np.asarray(means, dtype=float), np.asarray(weights, dtype=float)
    v = variance + 2 * np.asarray(tau, dtype=float)
    with np.errstate(all="ignore"):
        v, a = positive(v), positive(half_distance(means))
        odds = log_odds(weights[..., 1], weights[..., 0])
        position = -v / (2 * a) * odds + 0.0
        speed = np.broadcast_to(-odds / a + 0.0 * v + 0.0, position.shape)
        left, right = (-a - position) / v, (a - position) / v
        jump = np.broadcast_to(2 * a / v, position.shape)
        # The two halves of the jump cancel in the sum of the one-sided scores.
        minus_sum = 2 * position / v
        largest = np.maximum(np.abs(speed), np.maximum(np.abs(left), np.abs(right)))
        status = np.where(np.isnan(a), np.int8(Status.no_transition), np.int8(Status.ok))
        return RankineHugoniot(
            position,
            speed,
            -speed + 0.0,
            left,
            right,
            jump,
            minus_sum,
            ratio(np.abs(speed - minus_sum), largest),
            ratio(np.abs(-speed - minus_sum), largest),
            jump > 0,  # s_R - s_L, which left < right would lose to rounding
            np.abs(position) <= a,
            np.where(np.isnan(v), np.int8(Status.singular), status),
        )


def one_sided(r: Any, s: Any, width: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One-sided states of any score slice across a boundary, and whether it satisfies the Lax condition.

    Parameters
    ----------
    r : array (..., m)
        Signed distances from the boundary along the slice.
    s : array (..., m)
        Component of the score along the slice, of a model or of anything else.
    width : array (...)
        Width of the layer, ``v/a`` or ``2/|grad phi|``.

    Returns
    -------
    behind, ahead : array (...)
        States ``s_L, s_R``: straight lines through the points between 2 and 4 widths on either side, taken back to the
        boundary, so that the linear background drops out. NaN with fewer than two points on a side.
    status : array (...) of int8
        ``ok`` where ``s_L < s_R`` (admissible, Proposition 5.14), ``failed`` where not: a non-physical shock;
        ``not_applicable`` with fewer than two points on a side.

    Notes
    -----
    Another mode within four widths bends the lines; near the speciation time a layer as wide as the modes' distance has no
    outside. The exact one-sided scores of a decomposition are in `scoreshock.kernels.layer.boundary.Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> r = np.linspace(-1, 1, 40)
    >>> behind, ahead, status = one_sided(r, -r / 0.2 + 5 * np.tanh(5 * r), 0.2)
    >>> round(float(behind), 1), round(float(ahead), 1), int(status)
    (-4.8, 4.8, 0)
    """
    r, s, width = (np.asarray(array, dtype=float) for array in (r, s, width))
    r, s = np.broadcast_arrays(r, s)
    with np.errstate(all="ignore"):
        behind, ahead = (_intercept(sign * r / width[..., None], s) for sign in (-1, 1))
        status = np.where(behind < ahead, np.int8(Status.ok), np.int8(Status.failed))
        return behind, ahead, np.where(np.isnan(behind + ahead), np.int8(Status.not_applicable), status)


def _intercept(distance: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Value at distance 0 of the least-squares line through the points outside the layer, summed in a fixed order."""
    used = (distance >= OUTSIDE[0]) & (distance <= OUTSIDE[1])
    r, value = np.where(used, distance, 0.0), np.where(used, s, 0.0)
    count, sum_r, sum_s = dot(used, used.astype(float)), dot(r, used), dot(value, used)
    square, product = dot(r, r), dot(r, value)
    return (sum_s * square - sum_r * product) / np.where(count > 1, count * square - sum_r**2, np.nan)
