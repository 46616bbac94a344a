"""Derivatives of a diffused density and of its two parts, each in the one of two exact forms whose terms are smaller.

By moments of ``y - x`` (derivatives of the kernel) they lose digits as tau goes to 0; by moments of ``U'`` and ``U''`` with
the integrand at the split (integration by parts) they lose them as tau grows. Notation as in module ``parts``.
"""

from __future__ import annotations

import numpy as np

from scoreshock.kernels.wells.convolution import Moments, Part, moments


def convolved(left: Part, right: Part, x: np.ndarray, tau: np.ndarray, nodes: int) -> np.ndarray:
    """The fields of `parts.State` but its status, (14, B), before normalisation, at points x and times tau > 0, (B,).

    Examples
    --------
    >>> from scoreshock.kernels.wells.convolution import part
    >>> from scoreshock.kernels.wells.potentials import tabulated
    >>> x = np.linspace(-9, 9, 37)
    >>> half = part(tabulated(x, -(x**2) / 2), np.linspace(-2, 0, 5)[:, None], np.ones(1))  # of a Gaussian
    >>> convolved(half, half, np.array([0.5]), np.array([0.5]), 40)[1].round(9).tolist()  # -x/(1 + 2 tau)
    [-0.25]
    """
    kappa, width = 0.25 / tau, 2 * tau
    one, two = moments(left, x, kappa, nodes), _reflected(moments(right, -x, kappa, nodes))
    noise = left.potential.noise
    kernel = 0.5 * np.log(kappa / np.pi)
    logs = [one.log_mass + kernel, two.log_mass + kernel]
    phi = _log_ratio(left, one, two, kappa)
    total = np.logaddexp(*logs)
    small = np.exp(-np.abs(phi))
    more, less = 1 / (1 + small), small / (1 + small)
    first, second, share = np.where(phi > 0, more, less), np.where(phi > 0, less, more), more * less
    shift = one.mean - two.mean
    by_kernel = _mean(first, one.mean, second, two.mean) / width
    by_potential = -_mean(first, one.slope, second, two.slope)
    size = _mean(first, one.mean_size, second, two.mean_size) / width
    s = _chosen(by_kernel, size, by_potential, noise * _mean(first, one.slope_size, second, two.slope_size))
    variance = _mean(first, one.variance, second, two.variance) + share * shift * shift
    size = _mean(first, one.variance_size, second, two.variance_size) + share * shift * shift
    push = share * (one.slope - two.slope) ** 2
    inner, inner_size = (_mean(first, a, second, b) + push for a, b in zip(_inner(one), _inner(two), strict=True))
    s_x = _chosen((variance / width - 1) / width, (size / width + 1) / width, inner, noise * inner_size)
    third = _mean(first, one.third, second, two.third)
    third = third + share * shift * (3 * (one.variance - two.variance) + (second - first) * shift * shift)
    s_xx = third / width**3
    s_tau = -2 * by_kernel / width + s_xx + 2 * by_kernel * variance / width / width
    sides = [_side(m, sign, width, noise) for m, sign in ((one, 1.0), (two, -1.0))]
    return np.stack([total, s, s_x, s_xx, s_tau, phi, *logs, *(side[i] for i in range(3) for side in sides)])


def _log_ratio(left: Part, one: Moments, two: Moments, kappa: np.ndarray) -> np.ndarray:
    """``ln(p1/p2)`` from the difference of the exponents at the two origins, not of the logarithms."""
    step = one.origin - two.origin
    # From both ends, so that a reflection changes the sign and nothing else.
    rise = 0.5 * (left.potential.change(two.origin, step) - left.potential.change(one.origin, -step))
    drop = rise + kappa * step * (one.origin_offset + two.origin_offset)
    return (one.log_relative - two.log_relative) - drop


def _mean(first: np.ndarray, one: np.ndarray, second: np.ndarray, two: np.ndarray) -> np.ndarray:
    return first * one + second * two


def _chosen(one: np.ndarray, one_size: np.ndarray, two: np.ndarray, two_size: np.ndarray) -> np.ndarray:
    """Of two values that are equal but for rounding, that whose terms are smaller."""
    return np.where(one_size <= two_size, one, two)


def _side(m: Moments, sign: float, width: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score of a part, its x-derivative, and the tau-derivative of ln p, the integrand at the split being ``sign e``."""
    e, u, pull = sign * m.edge, m.slope, m.edge_slope + m.edge_offset / width
    size = m.edge * (np.abs(m.edge_slope) + np.abs(m.edge_offset) / width)
    score = _chosen(m.mean / width, m.mean_size / width, -(u + e), noise * (m.slope_size + m.edge))
    inner, inner_size = _inner(m)
    score_x = _chosen(
        (m.variance / width - 1) / width,
        (m.variance_size / width + 1) / width,
        inner + e * (pull - 2 * u - e),
        noise * (inner_size + size + m.edge * (2 * np.abs(u) + m.edge)),
    )
    square = m.variance + m.mean * m.mean
    rate = _chosen(
        (square / width - 1) / width,
        ((m.variance_size + m.mean_size**2) / width + 1) / width,
        inner + u * u + e * pull,
        noise * (inner_size + m.slope_size**2 + size),
    )
    return score, score_x, rate


def _inner(m: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Second derivative of ``ln p`` inside a part, by the potential, and the size of its terms."""
    return m.slope_variance - m.curvature, m.slope_variance_size + m.curvature_size


def _reflected(m: Moments) -> Moments:
    """Moments of the right part in the density's own direction."""
    odd = "origin", "origin_offset", "mean", "third", "slope", "edge_slope", "edge_offset"
    return m._replace(**{name: -getattr(m, name) for name in odd})


def undiffused(left: Part, right: Part, x: np.ndarray) -> np.ndarray:
    """The same at tau = 0, where the parts do not overlap.

    Examples
    --------
    >>> from scoreshock.kernels.wells.convolution import part
    >>> from scoreshock.kernels.wells.potentials import tabulated
    >>> x = np.linspace(-9, 9, 37)
    >>> half = part(tabulated(x, -(x**2) / 2), np.linspace(-2, 0, 5)[:, None], np.ones(1))  # of a Gaussian
    >>> undiffused(half, half, np.array([0.5]))[1].round(9).tolist()  # -x
    [-0.5]
    """
    potential, split = left.potential, left.edges[-1]
    log_p, slope = -potential.value(x), potential.slope(x)
    nothing = np.full_like(x, np.nan)
    logs = [np.where(side, log_p, -np.inf) for side in (x <= split, -x <= right.edges[-1])]
    return np.stack([log_p, -slope, -potential.curvature(x), nothing, nothing, logs[0] - logs[1], *logs, *[nothing] * 6])
