"""Derivatives of any field by central differences, each with an estimate of its error.

A field is a function of points ``(..., n)`` and diffusion times ``(...)`` that returns ``(..., m)`` and treats every point
by itself: a score network, a closed form, a table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.burgers.terms import Terms, relative_residual
from scoreshock.kernels.burgers.vorticity import VorticityTerms, vorticity_terms
from scoreshock.kernels.gaussian import geometry, mixture
from scoreshock.kernels.numerics import vectors
from scoreshock.kernels.numerics.vectors import added, dot

Field = Callable[[np.ndarray, np.ndarray], np.ndarray]

DOUBLE = 2.0**-52
"""Relative rounding of a field computed in float64."""


class Derivatives(NamedTuple):
    """A field of m values at points of n coordinates, its derivatives, and bounds on their errors by estimate."""

    value: np.ndarray  # (..., m)
    gradient: np.ndarray  # (..., m, n), of value i along coordinate j
    laplacian: np.ndarray  # (..., m)
    rate: np.ndarray  # (..., m), in tau
    gradient_error: np.ndarray  # (..., m, n)
    laplacian_error: np.ndarray  # (..., m)
    rate_error: np.ndarray  # (..., m)


def derivatives(
    field: Field,
    x: Any,
    tau: Any,
    length: Any = 1.0,
    duration: Any = None,
    precision: float = DOUBLE,
    richardson: bool = True,
) -> Derivatives:
    r"""Gradient, Laplacian and rate of change of a field by central differences.

    Parameters
    ----------
    field : callable
        From points ``(..., n)`` and times ``(...)`` to values ``(..., m)``.
    x : array (..., n)
        Points.
    tau : array (...)
        Times; positive, since a central difference also needs earlier ones (NaN at zero).
    length, duration : array (...)
        Distance and time over which the field varies; ``duration`` is ``length**2`` by default. The steps
        are fractions of these (see Notes).
    precision : float
        Relative rounding error of the field's values: ``2**-52`` in float64, ``2**-23`` in float32.
    richardson : bool
        Extrapolate steps ``h, h/2, h/4`` to sixth order; else steps ``h, h/2``, second order.

    Returns
    -------
    Derivatives
        Each error is the change by the last refinement, plus a bound on the effect of the rounding of
        the largest value nearby and of the field's arguments.

    Notes
    -----
    The longest step balances truncation against rounding of the Laplacian: ``h = 4 precision**(1/8) length`` with
    extrapolation, ``2 precision**(1/4) length`` without, down to a power of two, so that ``x + h`` is not rounded; in
    time the same fraction of ``duration``, and at most ``tau/2``.

    Examples
    --------
    >>> result = derivatives(lambda x, tau: np.sin(x) * np.exp(-tau)[..., None], [1.0], 0.5)
    >>> bool(abs(result.laplacian[0] + np.sin(1) * np.exp(-0.5)) < result.laplacian_error[0] < 1e-9)
    True
    """
    x, tau = np.asarray(x, dtype=float), np.asarray(tau, dtype=float)
    length = np.asarray(length, dtype=float)
    duration = length**2 if duration is None else np.asarray(duration, dtype=float)
    shape = np.broadcast_shapes(x.shape[:-1], tau.shape, length.shape, duration.shape)
    x, tau = np.broadcast_to(x, shape + x.shape[-1:]), np.broadcast_to(tau, shape)
    fraction = 4 * precision**0.125 if richardson else 2 * precision**0.25
    step = _power_of_two(np.broadcast_to(length * fraction, shape))
    step_tau = _power_of_two(np.minimum(duration * fraction, tau / 2))
    step_tau = np.where(tau > 0, step_tau, np.nan)
    centre = np.asarray(field(x, tau), dtype=float)
    levels = 3 if richardson else 2
    with np.errstate(all="ignore"):
        slopes, curvatures, size = _in_space(field, x, tau, centre, step, levels)
        rate, rate_change = _refined([_rate(field, x, tau, step_tau / 2**level) for level in range(levels)])
        laplacian, change = (added([pair[i] for pair in curvatures]) for i in (0, 1))
        gradient, gradient_change = (np.stack([pair[i] for pair in slopes], axis=-1) for i in (0, 1))
        # A stable field is that of points and times that are rounded themselves.
        backward = dot(np.abs(gradient), np.abs(x)[..., None, :])
        backward += np.where(tau[..., None] > 0, np.abs(rate) * tau[..., None], 0)
        rounding = 2 * precision * (size[..., None] + backward)
        of_first = rounding * _carried(levels, 1)
        of_second = rounding * (_carried(levels, 2) * 4)
        wide = step[..., None]
        return Derivatives(
            centre,
            gradient,
            laplacian,
            rate,
            gradient_change + (of_first / wide)[..., None],
            change + len(curvatures) * of_second / wide**2,
            rate_change + of_first / step_tau[..., None],
        )


def field_terms(result: Derivatives, x: Any, drift: Any = 0.0, squared_diffusion: Any = 2.0) -> Terms:
    r"""Terms of :math:`s_t = \frac12 g^2 [\Delta s + 2 (s\cdot\nabla) s] - f [s + (x\cdot\nabla) s]` for any field.

    Parameters
    ----------
    result : Derivatives
        The field's, from `derivatives` or from closed forms (m = n; errors zero if there are none).
    x : array (..., n)
        The points.
    drift, squared_diffusion : array (...)
        ``f`` and ``g**2`` as in `terms.score_terms`; by default diffusion time, (18), (62).

    Returns
    -------
    Terms
        With ``residual_error``, a bound on the length of the residual's error, from those of the derivatives: for a true
        score the residual is below it.

    Examples
    --------
    >>> x = np.array([4.0])
    >>> gaussian = lambda x, tau: -x / (1 + 2 * tau)[..., None]
    >>> terms = field_terms(derivatives(gaussian, x, 0.5), x)
    >>> bool(abs(terms.residual[0]) <= terms.residual_error)
    True
    """
    x = np.asarray(x, dtype=float)
    f, g2 = (np.asarray(a, dtype=float)[..., None] for a in (drift, squared_diffusion))
    s, jacobian = result.value, result.gradient
    diffusion, advection = 0.5 * g2 * result.laplacian, g2 * dot(jacobian, s[..., None, :])
    growth, transport = -f * s, -f * dot(jacobian, x[..., None, :])
    residual = result.rate - diffusion - advection - growth - transport
    parts = np.broadcast_arrays(result.rate, diffusion, advection, growth, transport)
    largest, relative = relative_residual(residual, parts)
    of_gradient = dot(result.gradient_error, (np.abs(g2 * s) + np.abs(f * x))[..., None, :])
    error = result.rate_error + np.abs(0.5 * g2) * result.laplacian_error + of_gradient
    return Terms(*[s, *parts, residual, largest, relative, vectors.length(error) + 4 * DOUBLE * largest])


def mixture_field(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, x: np.ndarray, length: Any
) -> tuple[Field, np.ndarray, np.ndarray, np.ndarray]:
    """A mixture's score as a field, its points over the common shape, v, and a length over which the score varies.

    The length is ``v/(sqrt(v) + extent)`` where ``length`` is NaN.

    Examples
    --------
    >>> one = np.zeros((1, 1)), np.ones(1), np.array(1.0), np.array(1.5)
    >>> float(mixture_field(*one, np.array([3.0]), np.nan)[3])
    2.0
    """
    v = variance + 2 * tau
    extent = vectors.length(geometry.centred(means, weights)).max(axis=-1)
    length = np.where(np.isnan(length), v / (np.sqrt(v) + extent), length)
    shape = np.broadcast_shapes(x.shape[:-1], v.shape, means.shape[:-2], weights.shape[:-1])

    def score(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return mixture.score(x, means, weights, variance, tau)

    return score, np.broadcast_to(x, shape + x.shape[-1:]), v, length


def vorticity_field_terms(
    value: np.ndarray, jacobian: np.ndarray, of_vorticity: Derivatives, factor: float
) -> VorticityTerms:
    """Terms of the vorticity equation (68) from differences of the vorticity, with a bound on the residual's error.

    Parameters
    ----------
    value, jacobian : array (..., n), (..., n, n)
        The field and ``d s_i / d x_j``.
    of_vorticity : Derivatives
        Of the vorticity ``(..., n * n)``, row by row.
    factor : float
        As in `vorticity.vorticity_terms`.

    Examples
    --------
    >>> def shear_vorticity(x, tau):
    ...     return np.broadcast_to([0.0, -1.0, 1.0, 0.0], (*tau.shape, 4))
    >>> result = derivatives(shear_vorticity, [1.0, 1.0], 1.0)
    >>> terms = vorticity_field_terms(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [0.0, 0.0]]), result, -1.0)
    >>> float(terms.residual_relative)
    0.0
    """
    n = value.shape[-1]
    rate, laplacian, gradient = of_vorticity.rate, of_vorticity.laplacian, of_vorticity.gradient
    square = (*rate.shape[:-1], n, n)
    terms = vorticity_terms(
        value, jacobian, rate.reshape(square), gradient.reshape(*square, n), laplacian.reshape(square), factor
    )
    error = of_vorticity.rate_error + of_vorticity.laplacian_error
    error = error + abs(factor) * dot(of_vorticity.gradient_error, np.abs(value)[..., None, :])
    return terms._replace(residual_error=vectors.length(error) + 4 * n * DOUBLE * terms.largest_term)


Refined = list[tuple[np.ndarray, np.ndarray]]
"""Values from halved steps, each with the change by the last refinement."""


def _in_space(
    field: Field, x: np.ndarray, tau: np.ndarray, centre: np.ndarray, step: np.ndarray, levels: int
) -> tuple[Refined, Refined, np.ndarray]:
    """First and second differences along each coordinate, and the largest value nearby (...)."""
    slopes, curvatures, size = [], [], np.abs(centre).max(axis=-1)
    for j in range(x.shape[-1]):
        first, second = [], []
        for level in range(levels):
            h = step / 2**level
            ahead, behind = (_moved(field, x, tau, j, sign * h) for sign in (1, -1))
            size = np.maximum(size, np.maximum(np.abs(ahead), np.abs(behind)).max(axis=-1))
            first.append((ahead - behind) / (2 * h)[..., None])
            second.append(((ahead - centre) - (centre - behind)) / (h * h)[..., None])
        slopes.append(_refined(first))
        curvatures.append(_refined(second))
    return slopes, curvatures, size


def _rate(field: Field, x: np.ndarray, tau: np.ndarray, step: np.ndarray) -> np.ndarray:
    later, earlier = tau + step, tau - step
    change = np.asarray(field(x, later), dtype=float) - np.asarray(field(x, earlier), dtype=float)
    return change / (later - earlier)[..., None]


def _power_of_two(step: np.ndarray) -> np.ndarray:
    """The largest power of two that is not above ``step``."""
    return np.exp2(np.floor(np.log2(np.where(step > 0, step, 1.0))))


def _moved(field: Field, x: np.ndarray, tau: np.ndarray, coordinate: int, step: np.ndarray) -> np.ndarray:
    shifted = x.copy()
    shifted[..., coordinate] += step
    return np.asarray(field(shifted, tau), dtype=float)


def _refined(by_level: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Best value from halved steps, and how much the last refinement changed it."""
    if len(by_level) == 2:
        return by_level[1], np.abs(by_level[1] - by_level[0])
    coarse, fine = ((4 * by_level[i + 1] - by_level[i]) / 3 for i in (0, 1))
    best = (16 * fine - coarse) / 15
    return best, np.abs(best - fine)


def _carried(levels: int, order: int) -> float:
    """Sum of the weights that `_refined` gives to values differenced over ``h, h/2, h/4``, in units of ``h**-order``."""
    if levels == 2:
        return 2.0**order
    return (64 * 4.0**order + 20 * 2.0**order + 1) / 45
