r"""Binary decomposition of a density into two positive heat solutions, in any dimension; section 5.4 of the paper.

Notation: :math:`p = p_1 + p_2`, :math:`\varphi = \ln(p_1/p_2)`, :math:`\bar s = \frac12\nabla\ln(p_1p_2)`, ``s1, s2`` the
scores of the two parts. Then exactly (37) :math:`s = \bar s + \frac12\tanh(\varphi/2)\nabla\varphi` and (38)
:math:`\varphi_\tau = \Delta\varphi + 2\bar s\cdot\nabla\varphi`.

The parts are two groups of a mixture's components (`decomposition`) or any two heat solutions (`of_sides`). For groups,
everything that depends on a difference of the parts is formed from differences of means, so that it keeps its digits in
the tails, where the log densities of the parts agree to all of theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.gaussian.groups import FIRST, REST, SECOND, contrast, moments, positive, ratio, score_of
from scoreshock.kernels.numerics.batching import in_batches
from scoreshock.kernels.numerics.vectors import diagonal_sum, dot, length, trace

TIME_STEP = 2.0**-9
"""Step, as a fraction of the time scale, of the sixth-order difference for a side without a rate."""


class Side(NamedTuple):
    """One positive heat solution at some points: ``ln p (...)``, its gradient ``(..., n)`` and Hessian ``(..., n, n)``.

    ``rate (...)`` is the derivative of ``ln p`` in tau, taken from the density and not from its equation.
    """

    log_density: np.ndarray
    score: np.ndarray
    hessian: np.ndarray
    rate: np.ndarray


class Decomposition(NamedTuple):
    """The two parts of a density at some points; leading shape (...), n coordinates. Equations (37)-(38)."""

    log_ratio: np.ndarray  # phi
    log_ratio_gradient: np.ndarray  # grad phi, (..., n)
    log_ratio_hessian: np.ndarray  # Hessian of phi, (..., n, n)
    first_score: np.ndarray  # s1, (..., n)
    second_score: np.ndarray  # s2, (..., n)
    background: np.ndarray  # sbar, (..., n)
    background_jacobian: np.ndarray  # (..., n, n)
    interfacial: np.ndarray  # tanh(phi/2) grad phi / 2, (..., n)
    score: np.ndarray  # of p1 + p2, by another way than (37), (..., n)
    log_ratio_rate: np.ndarray  # phi_tau, from the densities
    log_ratio_laplacian: np.ndarray  # of phi
    log_ratio_advection: np.ndarray  # 2 sbar . grad phi
    decomposition_residual: np.ndarray  # of (37), relative to its largest term
    log_ratio_residual: np.ndarray  # of (38), relative to its largest term


def decomposition(x: Any, means: Any, weights: Any, variance: Any, tau: Any, group: Any) -> Decomposition:
    r"""Both sides of (37) and (38) for two groups of a mixture's components.

    Parameters
    ----------
    x : array (..., n)
        Points.
    means : array (..., k, n)
        Component means.
    weights : array (..., k)
        Component weights, positive.
    variance, tau : array (...)
        Component variance at data time and diffusion time, ``v = variance + 2 tau``.
    group : array (..., k) of int
        0 for the components of ``p1``, 1 for those of ``p2``, 2 for those of neither, which are left out of p.

    Returns
    -------
    Decomposition
        NaN where ``v = 0`` or a group is empty. ``score`` is that of the components of both groups together, by their
        responsibilities. Residuals are relative to the largest term, with sums written out by side, so that they mean
        something where symmetry makes all terms vanish: ``|s|, |sbar|, |interfacial|, |s1|/2, |s2|/2`` for (37),
        ``|phi_tau|, |Laplacian|``, that of either part in excess of one Gaussian's, ``|s1||grad phi|, |s2||grad phi|``
        for (38).

    Notes
    -----
    Theorem 5.6, Proposition 5.7. With ``m_i, Gamma_i`` the posterior mean and covariance of the means within a group,
    ``grad phi = (m_1 - m_2)/v``, Hessian ``(Gamma_1 - Gamma_2)/v**2``, and ``phi_tau`` is the difference of the mean
    squared distances over ``v**2``: the derivative of the Gaussians, not the right-hand side of (38).

    Examples
    --------
    A pair at -1 and 1 with v = 0.5: ``phi = -2 a x/v``.

    >>> parts = decomposition([0.25], [[-1.0], [1.0]], [0.5, 0.5], 0.5, 0.0, [0, 1])
    >>> float(parts.log_ratio), parts.log_ratio_gradient.tolist(), parts.background.tolist()
    (-1.0, [-4.0], [-0.5])
    """
    n = np.shape(means)[-1]
    vector, matrix = ((n,), float), ((n, n), float)
    number = ((), float)
    arguments = [(x, 1), (means, 2), (weights, 1), (variance, 0), (tau, 0), (group, 1)]
    outputs = [number, vector, matrix, vector, vector, vector, matrix, number, number, number]
    parts = in_batches(_decompose, arguments, outputs)
    phi, gradient, hessian, first, second, background, jacobian, rate, laplacian, excess = parts
    s = score_of(x, means, weights, variance, tau, np.asarray(group) != REST)
    with np.errstate(all="ignore"):
        longest = np.maximum(length(first), length(second)) * length(gradient)
        size = np.maximum(longest, excess)
        return _assembled(phi, gradient, hessian, first, second, background, jacobian, rate, laplacian, s, size)


def of_sides(first: Side, second: Side, total_score: np.ndarray | None = None) -> Decomposition:
    """Both sides of (37) and (38) for any two positive heat solutions at the same points.

    ``total_score (..., n)`` is the score of ``p1 + p2`` computed in another way, which makes (37) a check; by default it
    is the mean of the sides' scores weighted by their densities. Terms of (38) are written out by side for its relative
    residual: ``|h_tau|, |Laplacian of h|, |grad h|**2`` of either. Theorem 5.6, Proposition 5.7.

    Examples
    --------
    >>> def gaussian(x, tau, mean, v0):
    ...     v = v0 + 2 * tau
    ...     y = x - mean
    ...     return Side(-y @ y / (2 * v) - np.log(v) / 2, -y / v, -np.eye(1) / v, y @ y / v**2 - 1 / v)
    >>> x = np.array([0.3])
    >>> parts = of_sides(gaussian(x, 0.1, -1.0, 0.2), gaussian(x, 0.1, 2.0, 0.7))
    >>> bool(parts.decomposition_residual < 1e-15), bool(parts.log_ratio_residual < 1e-15)
    (True, True)
    """
    with np.errstate(all="ignore"):
        phi = first.log_density - second.log_density
        hessian = first.hessian - second.hessian
        share = np.exp(-np.logaddexp(0.0, -phi))[..., None]
        s = share * first.score + np.exp(-np.logaddexp(0.0, phi))[..., None] * second.score
        sizes = [
            np.maximum(np.maximum(np.abs(side.rate), np.abs(trace(side.hessian))), length(side.score) ** 2)
            for side in (first, second)
        ]
        return _assembled(
            phi,
            first.score - second.score,
            hessian,
            first.score,
            second.score,
            0.5 * (first.score + second.score),
            0.5 * (first.hessian + second.hessian),
            first.rate - second.rate,
            trace(hessian),
            s if total_score is None else total_score,
            np.maximum(*sizes),
        )


def side(solution: Callable[[Any, Any], tuple[np.ndarray, ...]], x: Any, tau: Any, time_scale: Any) -> Side:
    """A heat solution as a callable, converted to a `Side`.

    ``solution(x, tau)`` returns ``(ln p, its gradient, its Hessian)`` or those and the derivative of ``ln p`` in tau.
    Without it, that is the sixth-order central difference of ``ln p`` in tau with the step ``time_scale / 512``, which
    must not exceed a third of tau; ``time_scale`` is over what tau the density changes, half its least variance say.

    Examples
    --------
    >>> def gaussian(x, tau):
    ...     v = 0.2 + 2 * tau
    ...     return -(x @ x) / (2 * v) - np.log(v) / 2, -x / v, -np.eye(1) / v
    >>> float(side(gaussian, np.array([0.3]), 0.1, 0.1).rate.round(9))  # x^2/v^2 - 1/v
    -1.9375
    """
    log_density, score, hessian, *rate = solution(x, tau)
    if rate:
        return Side(log_density, score, hessian, *rate)
    step = TIME_STEP * np.asarray(time_scale, dtype=float)
    difference = sum(
        factor * (solution(x, tau + j * step)[0] - solution(x, tau - j * step)[0])
        for j, factor in ((1, 45.0), (2, -9.0), (3, 1.0))
    )
    return Side(log_density, score, hessian, difference / (60.0 * step))


def hessian_of_log_density(parts: Decomposition) -> np.ndarray:
    r"""Hessian of ``ln(p1 + p2)`` from the parts, (..., n, n), anywhere.

    :math:`H = \nabla\bar s + \frac12\tanh(\varphi/2)\nabla^2\varphi + \frac14\mathrm{sech}^2(\varphi/2)
    \nabla\varphi\nabla\varphi^T`, the derivative of (37); on the boundary its normal part is (42).

    Examples
    --------
    >>> parts = decomposition([0.0], [[-1.0], [1.0]], [0.5, 0.5], 0.5, 0.0, [0, 1])
    >>> hessian_of_log_density(parts).tolist()  # (1 - 0.5)/0.5**2
    [[2.0]]
    """
    t = np.tanh(0.5 * parts.log_ratio)[..., None, None]
    # 1 - tanh(z)**2 loses its digits where tanh(z) is near 1.
    w = np.exp(-np.abs(parts.log_ratio))[..., None, None]
    outer = parts.log_ratio_gradient[..., :, None] * parts.log_ratio_gradient[..., None, :]
    return parts.background_jacobian + 0.5 * t * parts.log_ratio_hessian + w / (1 + w) ** 2 * outer


def _decompose(
    x: np.ndarray, means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The fields of `Decomposition` that follow from the moments of both groups; core dimensions first, points last."""
    v = positive(variance + 2 * tau)
    one, two = (moments(x, means, weights, v, group == code) for code in (FIRST, SECOND))
    phi, gradient, square, background = contrast(x, v, one, two)
    scores = [((g.leader - x) + g.offset) / v for g in (one, two)]
    jacobian = 0.5 * (one.covariance + two.covariance) / v / v
    for i in range(len(x)):
        jacobian[i, i] -= 1 / v
    spreads = [diagonal_sum(g.covariance) / v / v for g in (one, two)]
    hessian = (one.covariance - two.covariance) / v / v
    return (
        phi,
        gradient,
        hessian,
        *scores,
        background,
        jacobian,
        square / v / v,
        diagonal_sum(hessian),
        np.maximum(*spreads),
    )


def _assembled(
    phi: np.ndarray,
    gradient: np.ndarray,
    hessian: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    background: np.ndarray,
    jacobian: np.ndarray,
    rate: np.ndarray,
    laplacian: np.ndarray,
    s: np.ndarray,
    size: np.ndarray,
) -> Decomposition:
    """The decomposition with its two relative residuals; ``size`` is the largest term of (38) written out by side."""
    interfacial = 0.5 * np.tanh(0.5 * phi)[..., None] * gradient
    advection = 2 * dot(background, gradient)
    largest = np.maximum(np.maximum(length(s), length(interfacial)), 0.5 * np.maximum(length(first), length(second)))
    size = np.maximum(np.maximum(size, np.abs(rate)), np.maximum(np.abs(laplacian), np.abs(advection)))
    return Decomposition(
        phi,
        gradient,
        hessian,
        first,
        second,
        background,
        jacobian,
        interfacial,
        s,
        rate,
        laplacian,
        advection,
        ratio(length(s - (background + interfacial)), largest),
        ratio(np.abs(rate - (laplacian + advection)), size),
    )
