"""Posterior of a Gaussian mixture along an affine path, and derivatives of the score by it, in twice the working precision.

Along a path ``x_t = alpha x_0 + noise`` with drift ``f x`` and squared diffusion ``g**2`` (``alpha' = f alpha``) components
have means ``alpha mu_k`` and variance ``V = alpha**2 (variance + 2 tau)``, with ``V' = 2 f V + g**2``.

The time derivative of the score comes from the density, not from an equation: with responsibilities ``r_k`` of
the components, their means ``m = sum_k r_k mu_k`` and the growth ``L_k`` of ``ln N(x; alpha mu_k, V)``,
``s_t = [alpha' m + alpha sum_k r_k (L_k - L) mu_k]/V - V'/V s``, where ``L`` is the mean of the ``L_k``.

Points last: ``x (n, B)``, ``means (k, n, B)``, ``weights (k, B)``, and ``(B,)`` for scalars of a point.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.double_double import Doubled, doubled, exponential, scaled, total


class Posterior(NamedTuple):
    """A block of points, ``(n, B)``; components relative to the first one, for differences of means are exact."""

    x: Doubled  # (n, B)
    y: Doubled  # (n, B), relative to the first component's mean alpha mu_0
    first: Doubled  # (n, B), mu_0
    apart: Doubled  # (k, n, B), mu_k - mu_0
    farther: Doubled  # (k, B), |x - alpha mu_k|**2 - |x - alpha mu_0|**2
    r: Doubled  # (k, B)
    mean: Doubled  # (n, B), m - mu_0
    deviation: Doubled  # (k, n, B), mu_k - m
    alpha: Doubled  # (B,)
    v: Doubled  # (B,), of the component along the path
    s: Doubled  # (n, B)


def posterior(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    alpha: np.ndarray,
) -> Posterior:
    """Posterior of the components; each responsibility to twice the working precision."""
    a = doubled(alpha)
    v = (a * a) * (doubled(variance) + 2 * tau)
    positive = v.high > 0
    v = Doubled(np.where(positive, v.high, np.nan), np.where(positive, v.low, np.nan))
    points, first = doubled(x), doubled(means[0])
    apart = doubled(means) - first
    y = points - a * first
    moved = a * apart
    farther = _inner_products(moved, moved - 2.0 * y)
    r = _responsibilities(farther / (v * -2.0), weights)
    mean = total(r[:, None] * apart)
    return Posterior(points, y, first, apart, farther, r, mean, apart - mean, a, v, (a * mean - y) / v)


def _responsibilities(logits: Doubled, weights: np.ndarray) -> Doubled:
    """``w_k exp(l_k)`` over their sum, (k, B); weights enter as factors, so that no digit is lost in a logarithm."""
    leading = (logits.high + np.log(weights)).argmax(axis=0)[None]
    high, low = (np.take_along_axis(part, leading, axis=0) for part in (logits.high, logits.low))
    number, power = exponential(logits - Doubled(high, low))
    fraction, exponent = np.frexp(weights)
    e = scaled(number * fraction, power + exponent - np.take_along_axis(exponent, leading, axis=0))
    return e / total(e)


def _inner_products(a: Doubled, b: Doubled) -> Doubled:
    """Inner products over the features of (k, n, B), (k, B); one factor may be (n, B)."""
    product = a * b
    return total(Doubled(product.high.swapaxes(0, 1), product.low.swapaxes(0, 1)))


def squares(vectors: Doubled) -> Doubled:
    """Squared lengths over the features of (k, n, B), (k, B)."""
    return _inner_products(vectors, vectors)


def score_rate(p: Posterior, spreading: Doubled, drift: np.ndarray) -> Doubled:
    """Time derivative of ``s = (alpha m - x)/V`` through alpha, V and the responsibilities, (n, B)."""
    growth = p.farther * (spreading / (2.0 * (p.v * p.v)))
    # (x - alpha mu_k) . mu_k less the same of the first component
    work = _inner_products(p.apart, p.y - p.alpha * (p.first + p.apart))
    growth = growth + work * (p.alpha * drift / p.v)
    relative = growth - total(p.r * growth)
    shift = total((p.r * relative)[:, None] * p.apart)
    moved = p.alpha * (drift * (p.first + p.mean) + shift)
    return (moved - p.s * spreading) / p.v


def laplacian(p: Posterior) -> Doubled:
    """``alpha**3 sum_k r_k |mu_k - m|**2 (mu_k - m) / V**3``, (n, B)."""
    third = total((p.r * squares(p.deviation))[:, None] * p.deviation)
    ratio = p.alpha / p.v
    return third * (ratio * ratio * ratio)


def along(p: Posterior, vector: Doubled) -> Doubled:
    """``H vector = (alpha/V)**2 Gamma vector - vector/V``, (n, B)."""
    projections = p.r * _inner_products(p.deviation, vector)
    ratio = p.alpha / p.v
    return total(projections[:, None] * p.deviation) * (ratio * ratio) - vector / p.v
