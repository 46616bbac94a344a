"""Effect of components outside the two groups of a binary decomposition on the score; Proposition 5.10 of the paper."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.gaussian.groups import REST, contrast, jacobian_of, moments, positive, ratio, score_of
from scoreshock.kernels.numerics.batching import in_batches
from scoreshock.kernels.numerics.vectors import along, dot, inner, length, square


class Remainder(NamedTuple):
    """Effect of competitors outside the two groups; ``epsilon = r/(p1 + p2)``, equations (44)-(46)."""

    epsilon: np.ndarray  # overflows to inf where competitors dominate by more than 1e308
    log_epsilon: np.ndarray
    epsilon_gradient: np.ndarray  # grad epsilon, (..., n)
    epsilon_normal: np.ndarray  # epsilon_n
    epsilon_normal_normal: np.ndarray  # epsilon_nn
    score_difference: np.ndarray  # s - s12 = grad epsilon/(1 + epsilon), (..., n)
    normal_difference: np.ndarray  # of the normal derivative of the normal score, (46)
    score: np.ndarray  # s, of all components, (..., n)
    binary_score: np.ndarray  # s12, of p1 + p2, (..., n)
    competitor_residual: np.ndarray  # of (45): s - s12 against grad epsilon/(1 + epsilon), relative to the largest term
    competitor_normal_residual: np.ndarray  # of (46), relative to its largest term


def remainder(x: Any, means: Any, weights: Any, variance: Any, tau: Any, group: Any, normal: Any) -> Remainder:
    """Effect of competitors on the score and on its normal derivative; Proposition 5.10, (44)-(46).

    Parameters as in `decomposition`; the components with group 2 are the competitors ``r``, and ``normal (..., n)``, of any
    length, is the direction of normal derivatives. NaN where ``v = 0`` or there are no competitors.

    Examples
    --------
    >>> three = [[-2.0], [0.0], [2.0]], [0.25, 0.5, 0.25]
    >>> effect = remainder([0.0], *three, 1.0, 0.0, [0, 1, 2], [1.0])
    >>> round(float(effect.epsilon), 6), round(float(effect.competitor_normal_residual), 14)
    (0.063379, 0.0)
    """
    n = np.shape(means)[-1]
    vector, number = ((n,), float), ((), float)
    binary = np.asarray(group) != REST
    arguments = [(x, 1), (means, 2), (weights, 1), (variance, 0), (tau, 0), (group, 1), (normal, 1)]
    with np.errstate(all="ignore"):
        log_epsilon, gradient, curvature = in_batches(_competition, arguments, [number, vector, number])
        unit = normal / length(np.asarray(normal, dtype=float))[..., None]
        slope = dot(gradient, unit)  # of ln epsilon
        epsilon = np.exp(log_epsilon)
        share = np.exp(-np.logaddexp(0.0, -log_epsilon))  # epsilon/(1 + epsilon)
        complement = np.exp(-np.logaddexp(0.0, log_epsilon))
        s = mixture.score(x, means, weights, variance, tau)
        s12 = score_of(x, means, weights, variance, tau, binary)
        difference = share[..., None] * gradient
        size = np.maximum(np.maximum(length(s), length(s12)), length(difference))
        full = along(mixture.score_jacobian(x, means, weights, variance, tau), unit)
        pair = along(jacobian_of(x, means, weights, variance, tau, binary), unit)
        terms = share * curvature, share * complement * slope * slope
        largest = np.maximum(np.maximum(np.abs(full), np.abs(pair)), np.maximum(np.abs(terms[0]), terms[1]))
        return Remainder(
            epsilon,
            log_epsilon,
            epsilon[..., None] * gradient,
            epsilon * slope,
            epsilon * (slope * slope + curvature),
            difference,
            terms[0] + terms[1],
            s,
            s12,
            ratio(length(s - s12 - difference), size),
            ratio(np.abs((full - pair) - (terms[0] + terms[1])), largest),
        )


def _competition(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    group: np.ndarray,
    normal: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``ln epsilon``, its gradient, and its second derivative along the normal."""
    v = positive(variance + 2 * tau)
    rest, binary = (moments(x, means, weights, v, inside) for inside in (group == REST, group != REST))
    log_ratio, gradient, *_ = contrast(x, v, rest, binary)
    unit = normal / np.sqrt(square(normal))
    curvature = inner(unit, [inner(row, unit) for row in rest.covariance - binary.covariance])
    return log_ratio, gradient, curvature / v / v
