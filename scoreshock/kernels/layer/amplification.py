"""Amplification of score errors along the layer: exponent in closed form and by quadrature, factor, growth rate.

Section 6 of the paper. ``v = sigma0^2 + 2 tau``; ``R = a^2/v`` is the layer's signal-to-noise ratio. A perturbation of a
probability-flow trajectory, run backward, grows at the rate ``(a^2 - v)/v^2`` (51), positive below the speciation time.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import Geometry, decompose, half_distance
from scoreshock.kernels.layer.panels import Rate, integral, refined
from scoreshock.kernels.numerics.batching import core_first
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.double_double import two_product, two_sum
from scoreshock.kernels.numerics.eigenvalues import largest
from scoreshock.kernels.numerics.posterior import softmax

NEAR_ONE = 0.1
"""Below this excess ``R - 1`` the closed form cancels, and its power series takes over."""

SERIES_TERMS = 18
"""``NEAR_ONE**18`` is below rounding."""

PAIR_PANEL = 48.0
"""Widest interval of ``ln v`` that 32 nodes integrate to rounding for the rate ``R - 1`` of a pair."""

MEAN_PANEL = 4.0
"""The same where responsibilities switch like ``exp(-D/(2v))``, which is sharper in ``ln v``."""

RESOLVED = 1e-8
"""Error of a rate integral, relative to 1 and its value, above which it is unresolved."""


class ExponentKind(IntEnum):
    """Meaning of an exponent."""

    lyapunov_exponent = 0
    rate_integral = 1


class Exponent(NamedTuple):
    """Amplification exponent of each point, (...) each.

    ``exponent`` in closed form and ``exponent_quadrature`` of the growth rate, dimensionless, >= 0, and the estimate
    ``exponent_quadrature_error``; ``log10_factor``, the exponent over ln 10; ``snr`` R at ``tau_min``;
    ``amplification_status`` of the closed form and the snr, ``quadrature_status``, also of the factor; ``exponent_kind``.
    """

    exponent: np.ndarray
    exponent_quadrature: np.ndarray
    exponent_quadrature_error: np.ndarray
    log10_factor: np.ndarray
    snr: np.ndarray
    amplification_status: np.ndarray
    quadrature_status: np.ndarray
    exponent_kind: np.ndarray


class Growth(NamedTuple):
    """Growth rate at the layer's centre and its status, (...) each."""

    lyapunov: np.ndarray
    lyapunov_status: np.ndarray


def pair_exponent(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau_min: np.ndarray) -> Exponent:
    """Exponent ``Lambda = integral of n'Hn over tau from tau_min to tau*`` on the moving boundary of a pair, (55).

    Parameters
    ----------
    means : array (..., 2, n)
        Two means at a distance 2a.
    weights : array (..., 2)
        Positive, summing to one.
    variance : array (...)
        Component variance sigma0^2 >= 0.
    tau_min : array (...)
        Diffusion time at which generation stops, >= 0.

    Returns
    -------
    Exponent
        ``exponent`` is ``(R - 1 - ln R)/2``; ``exponent_quadrature`` integrates the score Jacobian at the boundary point
        itself, so near R = 1 it has absolute, not relative, precision. Status: ``ok``, also for ``tau_min`` past tau*,
        where nothing is left to amplify and Lambda is 0; ``below_data_variance`` with 0 where ``a^2 <= sigma0^2`` (the
        layer never grows); ``no_transition`` with 0 for equal means; ``singular`` with NaN at v = 0;
        ``not_applicable`` with NaN unless k = 2.

    Notes
    -----
    A Lyapunov exponent for equal weights. With unequal ones trajectories do not stay on the boundary, and it is the
    integral of a rate.

    Examples
    --------
    >>> one = pair_exponent(np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.09), np.array(0.0))
    >>> round(float(one.exponent), 8), round(float(one.exponent_quadrature), 8)
    (3.85158275, 3.85158275)
    """
    shape = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], np.shape(variance), np.shape(tau_min))
    if means.shape[-2] != 2:
        return _not_applicable(shape)
    a = np.broadcast_to(half_distance(means), shape)
    v = np.broadcast_to(variance + 2 * np.asarray(tau_min), shape)
    log_odds = np.broadcast_to(np.log(weights[..., 1]) - np.log(weights[..., 0]), shape)
    u, ratio = excess(a, variance, tau_min), np.broadcast_to(snr(a, variance, tau_min), shape)
    closed, status = _closed(u, a > 0, a**2 > variance, v)
    quadrature = np.where(status == Status.singular, np.nan, 0.0).ravel()
    grows = np.flatnonzero((closed > 0) & (status == Status.ok))
    a, v, log_odds, width = (array.ravel()[grows] for array in (a, v, log_odds, np.log1p(np.where(closed > 0, u, 0.0))))
    quadrature[grows] = integral(lambda i: _boundary_rate(a[i], log_odds[i]), v, width, PAIR_PANEL)
    ratio, summed = np.where(status == Status.singular, np.nan, ratio), quadrature.reshape(shape)
    equal = weights[..., 0] == weights[..., 1]
    kind = np.broadcast_to(np.where(equal, ExponentKind.lyapunov_exponent, ExponentKind.rate_integral), shape)
    return Exponent(closed, summed, np.abs(summed - closed), closed / np.log(10), ratio, status, status, kind)


def pair_closed(means: np.ndarray, variance: np.ndarray, tau_min: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The closed form (55) and its status, (...), of :func:`pair_exponent`, for any weights.

    Examples
    --------
    >>> exponent, status = pair_closed(np.array([[-1.0], [1.0]]), np.array(0.09), np.array(0.0))
    >>> round(float(exponent), 8), int(status)
    (3.85158275, 0)
    """
    a = half_distance(means)
    v = np.asarray(variance + 2 * np.asarray(tau_min))
    return _closed(excess(a, variance, tau_min), a > 0, a**2 > variance, v)


def mean_exponent(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau_min: np.ndarray, roots_v: np.ndarray
) -> Exponent:
    """Exponent at the weighted mean of any mixture, by quadrature.

    Parameters
    ----------
    means, weights, variance, tau_min
        As for :func:`pair_exponent`, with any number k of components.
    roots_v : array (..., r)
        All roots of ``lambda_max(Gamma(v)) = v`` with v > sigma0^2, ascending, padded with NaN.

    Returns
    -------
    Exponent
        ``exponent_quadrature`` integrates the positive part of ``(lambda_max(Gamma(v)) - v)/v^2``, the largest eigenvalue
        of the score Jacobian, over tau from ``tau_min``, and ``log10_factor`` is that over ln 10. ``quadrature_status`` is
        ``no_real_root`` with 0 where there is no root: the rate is then negative at every v > sigma0^2; ``no_transition``
        with 0 for equal means; ``singular`` with NaN at v = 0; ``unresolved`` where ``exponent_quadrature_error``
        exceeds 1e-8 (1 + value). The closed form and R are those of a pair: ``not_applicable`` with NaN.

    Notes
    -----
    Between roots the rate has one sign. Panels of 32 nodes, up to 4 of ``ln v`` wide, are halved until the halves agree with
    the whole to 1e-12: at once where the rate is smooth, some 14 times at a kink, where two eigenvalues cross.

    Examples
    --------
    >>> means, weights = np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([0.5, 0.5])
    >>> one = mean_exponent(means, weights, np.array(0.09), np.array(0.0), np.array([1.0]))
    >>> round(float(one.exponent_quadrature), 8)
    3.85158275
    """
    geometry = decompose(means, weights)
    shape = np.broadcast_shapes(geometry.eigenvalues.shape[:-1], np.shape(variance), np.shape(tau_min), roots_v.shape[:-1])
    v = np.broadcast_to(variance + 2 * np.asarray(tau_min), shape)
    none = np.broadcast_to(np.isnan(roots_v).all(axis=-1), shape)
    status = np.where(none, np.int8(Status.no_real_root), np.int8(Status.ok))
    status = np.where(geometry.eigenvalues[..., 0] > 0, status, np.int8(Status.no_transition))
    status = np.where(v > 0, status, np.int8(Status.singular))
    quadrature = np.where(status == Status.singular, np.nan, 0.0).ravel()
    error = quadrature.copy()
    rooted = np.flatnonzero(status == Status.ok)
    if rooted.size:
        levels = core_first(roots_v, 1, shape)[:, rooted]
        spread = _Spread.of(geometry, weights, shape).at(rooted)
        quadrature[rooted], error[rooted] = _positive_part(spread, v.ravel()[rooted], levels)
    rough = (error > RESOLVED * (1 + quadrature)).reshape(shape)
    exact = quadrature.reshape(shape)
    return _not_applicable(shape)._replace(
        exponent_quadrature=exact,
        exponent_quadrature_error=error.reshape(shape),
        log10_factor=exact / np.log(10),
        quadrature_status=np.where(rough, np.int8(Status.unresolved), status),
    )


def growth_rate(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """Growth rate of a perturbation at the layer's centre, (...), NaN at v = 0.

    A pair: ``n'Hn`` on its boundary, ``(a^2 - v)/v^2`` for any weights, (51). More components: the largest eigenvalue
    ``(lambda_max(Gamma(v)) - v)/v^2`` of the score Jacobian at the weighted mean. ``means (..., k, n)``, ``weights
    (..., k)``, ``variance (...)``, ``tau (...)``; per unit of tau, positive where errors grow as noise falls.

    Examples
    --------
    >>> float(growth_rate(np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.25), np.array(0.125)))
    2.0
    """
    shape = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], np.shape(variance), np.shape(tau))
    v = np.broadcast_to(variance + 2 * np.asarray(tau), shape)
    safe = np.where(v > 0, v, np.nan)
    if means.shape[-2] == 2:
        with np.errstate(over="ignore"):
            return np.broadcast_to(excess(half_distance(means), variance, tau) / safe, shape)
    spread = _Spread.of(decompose(means, weights), weights, shape)
    valid = np.flatnonzero(v > 0)
    rate = np.full(v.size, np.nan)
    v_valid = v.ravel()[valid]
    rate[valid] = spread.at(valid).relative_growth(v_valid) / v_valid
    return rate.reshape(shape)


def growth(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray) -> Growth:
    """The :func:`growth_rate` with its status: ``singular`` at v = 0, ``no_transition`` where tau is NaN.

    Examples
    --------
    >>> tau = np.array([0.125, np.nan])
    >>> growth(np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.25), tau).lyapunov_status.tolist()
    [0, 1]
    """
    rate = growth_rate(means, weights, variance, tau)
    unknown = np.where(np.isnan(tau), Status.no_transition, Status.singular)
    return Growth(rate, np.where(np.isnan(rate), unknown, Status.ok))


def snr(a: np.ndarray, variance: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """The layer's signal-to-noise ratio ``R = a^2/v``, (...); infinite at v = 0.

    Examples
    --------
    >>> float(snr(np.array(2.0), np.array(1.0), np.array(0.5)))
    2.0
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return a**2 / (variance + 2 * np.asarray(tau))


def excess(a: np.ndarray, variance: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """``R - 1 = (a^2 - sigma0^2 - 2 tau)/v`` without cancellation, (...).

    ``sigma0^2`` is taken as the exact square of its rounded root, as in ``(a - sigma0)(a + sigma0)``: a variance that came
    from a standard deviation is then as precise as that, even where ``R - 1`` is 1e-9. Squares are kept as unevaluated
    sums.

    Examples
    --------
    >>> float(excess(np.array(1.0), np.array(0.25), np.array(0.125)))
    1.0
    """
    noise, root = 2 * np.asarray(tau), np.sqrt(variance)
    square, lost = two_product(a, a)
    data, data_lost = two_product(root, root)
    step, step_lost = two_sum(square, -data)
    rest, rest_lost = two_sum(step, -noise)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return (rest + (rest_lost + step_lost + (lost - data_lost))) / (variance + noise)


def exponent_of_excess(u: np.ndarray) -> np.ndarray:
    """``Lambda = (u - ln(1 + u))/2`` of the excess ``u = R - 1``; 0 for u <= 0. By its series below 0.1.

    Examples
    --------
    >>> exponent_of_excess(np.array([-0.5, 2e-9, 10.0])).round(12)
    array([0.        , 0.        , 3.80105236])
    """
    u = np.maximum(u, 0.0)
    small = np.minimum(u, NEAR_ONE)
    series = np.zeros_like(small)
    for j in range(SERIES_TERMS, 1, -1):
        series = 1 / j - small * series
    return np.where(u < NEAR_ONE, small**2 * series, u - np.log1p(u)) / 2


def _closed(u: np.ndarray, apart: np.ndarray, grows: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    status = np.where(grows, np.int8(Status.ok), np.int8(Status.below_data_variance))
    status = np.where(apart, status, np.int8(Status.no_transition))
    status = np.where(v > 0, status, np.int8(Status.singular))
    closed = exponent_of_excess(np.where(status == Status.ok, u, 0.0))
    return np.where(v > 0, closed, np.nan), status


def _not_applicable(shape: tuple[int, ...]) -> Exponent:
    nothing, status = np.full(shape, np.nan), np.full(shape, Status.not_applicable, dtype=np.int8)
    kind = np.full(shape, ExponentKind.rate_integral)
    return Exponent(nothing, nothing, nothing, nothing, nothing, status, status, kind)


def _boundary_rate(a: np.ndarray, log_odds: np.ndarray) -> Rate:
    """``v n'Hn`` of a pair at its boundary point, from the posterior variance there: ``Gamma/v - 1``."""

    def rate(v: np.ndarray) -> np.ndarray:
        x = -v / (2 * a) * log_odds
        # log-odds of the right component at x; (x + a)^2 - (x - a)^2 is factored, it would cancel for v << a^2.
        odds = np.exp(log_odds + 2 * a * x / v)
        right = odds / (1 + odds)
        return (right * (1 - right) * (2 * a) ** 2 - v) / v

    return rate


class _Spread(NamedTuple):
    """Components about the weighted mean, a point last: ``w (k, B)``, ``excess_distance (k, B)`` the ``D_k - min D``,
    ``y (k, m, B)``.
    """

    w: np.ndarray
    excess_distance: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, geometry: Geometry, weights: np.ndarray, shape: tuple[int, ...]) -> _Spread:
        d = core_first(geometry.distances, 1, shape)
        return cls(core_first(weights, 1, shape), d - d.min(axis=0), core_first(geometry.coordinates, 2, shape))

    def at(self, points: np.ndarray) -> _Spread:
        return _Spread(self.w[:, points], self.excess_distance[:, points], self.y[..., points])

    def relative_growth(self, v: np.ndarray) -> np.ndarray:
        """``v`` times the largest eigenvalue of the score Jacobian there, ``lambda_max(Gamma)/v - 1``, (B,)."""
        r = softmax(np.log(self.w) - self.excess_distance / (2 * v))[0][:, None]
        offset = (self.y - total(r * self.y)) / np.sqrt(v)
        return largest(total((r * offset)[:, :, None] * offset[:, None]))[0] - 1


def _positive_part(spread: _Spread, v_min: np.ndarray, roots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integral over tau, from ``v_min (B,)`` up, of the rate's positive part, and an estimate of its error.

    ``roots (r, B)`` are where the sign of the rate changes.
    """
    result, error, low = np.zeros_like(v_min), np.zeros_like(v_min), v_min
    for root in roots:
        high = np.fmax(root, low)
        part, part_error = refined(lambda i: spread.at(i).relative_growth, low, np.log1p((high - low) / low), MEAN_PANEL)
        result += np.maximum(part, 0.0)
        error += part_error
        low = high
    return result, error
