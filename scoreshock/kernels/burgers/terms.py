"""The score as a Burgers velocity: the terms of its equations for a Gaussian mixture, and their residual.

Notation as in the paper, sections 4 and 7.1: ``s`` the score, ``u = -2 s``, ``H = grad s``. Along a path
``x_t = alpha x_0 + noise`` with drift ``f x`` and squared diffusion ``g**2`` (``alpha' = f alpha``) the components have
means ``alpha mu_k`` and variance ``V = alpha**2 (variance + 2 tau)``, with ``V' = 2 f V + g**2``, and

``s_t = 1/2 g**2 [Lap s + 2 (s . grad) s] - f [s + (x . grad) s]``.

Diffusion time is ``alpha = 1, f = 0, g**2 = 2``: (18), (62). Physical time has any ``g**2``: (25). VP has ``f = -beta/2``,
``g**2 = beta``, ``alpha = (1 + 2 tau)**-1/2``: (78).

The time derivative comes from the density, not from the equation. All is computed in twice the working precision
(``double_double_posterior``), for the terms cancel: both near a centre of symmetry, where each of them vanishes, and in the
tails, where squared distances are large and their differences are not.

Arguments of every function: ``x (..., n)``, ``means (..., k, n)``, ``weights (..., k)`` positive and summing to one,
``variance (...)`` and ``tau (...)`` not negative; leading dimensions broadcast. Where ``v = 0`` results are NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.gaussian.mixture import log_density, normal_factor
from scoreshock.kernels.numerics.batching import in_batches
from scoreshock.kernels.numerics.double_double import Doubled, total
from scoreshock.kernels.numerics.double_double_posterior import Posterior, along, laplacian, posterior, score_rate, squares
from scoreshock.kernels.numerics.vectors import added, lengths

BLOCK = 32768
"""Numbers in one temporary; each operation keeps some ten of them."""

VOID = 2.0**-60
"""Terms this much smaller than the numbers whose differences they are have this size in relative residuals: of
their 106 bits 46 are left."""

NOTHING = 2.0**-94
"""Terms this much smaller are rounding alone, and are set to zero: at an exact centre of symmetry they vanish."""


class Terms(NamedTuple):
    """Terms of an equation ``rate = diffusion + advection + growth + transport``, with their signs on its right-hand side.

    Vectors ``(..., n)`` for the score's equations, scalars ``(...)`` for the log density's.
    """

    field: np.ndarray  # s, u or ln p
    rate_term: np.ndarray  # its time derivative
    diffusion_term: np.ndarray  # with the Laplacian
    advection_term: np.ndarray  # the nonlinear term
    growth_term: np.ndarray  # with the field itself, by a drift
    transport_term: np.ndarray  # (x . grad) of the field, by a drift
    residual: np.ndarray  # rate - diffusion - advection - growth - transport
    largest_term: np.ndarray  # (...) Euclidean length of the longest term
    residual_relative: np.ndarray  # (...) length of the residual over that of the longest term


def score_terms(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> Terms:
    r"""Terms of the score equation :math:`s_\tau = \Delta s + 2 (s\cdot\nabla) s`.

    Parameters
    ----------
    x : array (..., n)
        Points.
    means : array (..., k, n)
        Component means.
    weights : array (..., k)
        Component weights, positive and summing to one.
    variance, tau : array (...)
        Component variance at data time and diffusion time.

    Returns
    -------
    Terms
        ``field`` s, ``rate`` s_tau from the density, ``diffusion`` Laplacian of s, ``advection`` 2 (s . grad) s, and the
        residual; ``growth`` and ``transport`` are zero. NaN where ``v = 0``.

    Notes
    -----
    Equations (18), (61)-(62). The Burgers equation (24), (63) for ``u = -2 s`` is minus twice it: see `rescaled`.

    Examples
    --------
    One Gaussian of variance ``v = 2``: s = -x/v, s_tau = 2 x/v**2, and the advection is 2 (x/v)/v.

    >>> terms = score_terms([4.0], [[0.0]], [1.0], 1.0, 0.5)
    >>> terms.rate_term.tolist(), terms.diffusion_term.tolist(), terms.advection_term.tolist(), terms.residual.tolist()
    ([2.0], [0.0], [2.0], [0.0])
    """
    return affine_terms(x, means, weights, variance, tau, 1.0, 0.0, 2.0)


def affine_terms(
    x: Any, means: Any, weights: Any, variance: Any, tau: Any, alpha: Any, drift: Any, squared_diffusion: Any
) -> Terms:
    r"""Terms of :math:`s_t = \frac12 g^2 [\Delta s + 2 (s\cdot\nabla) s] - f [s + (x\cdot\nabla) s]`.

    Parameters
    ----------
    x : array (..., n)
        Points, in the coordinates of the path.
    means, weights, variance, tau
        As in `score_terms`; ``tau`` is the effective diffusion time (80).
    alpha, drift, squared_diffusion : array (...)
        Signal coefficient, ``f`` of the drift ``f x``, and ``g**2``, at that time.

    Returns
    -------
    Terms
        Of the score :math:`s_t(x) = s(x/\alpha, \tau)/\alpha`, in the clock of ``f`` and ``g**2``.

    Notes
    -----
    Equation (25) for ``alpha = 1``, ``f = 0``; (78) in d dimensions for ``f = -beta/2``, ``g**2 = beta`` and
    ``alpha = (1 + 2 tau)**-1/2``.

    Examples
    --------
    Standard normal data stay so under VP: nothing changes in time.

    >>> terms = affine_terms([3.0], [[0.0]], [1.0], 1.0, 1.5, 0.5, -0.5, 1.0)
    >>> terms.field.tolist(), terms.rate_term.tolist(), terms.residual.tolist()
    ([-3.0], [0.0], [0.0])
    """

    def kernel(x: np.ndarray, means: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
        weights, variance, tau, alpha, f, g2 = others
        p = posterior(x, means, weights, variance, tau, alpha)
        rate = score_rate(p, 2.0 * (f * p.v) + g2, f)
        diffusion, advection = 0.5 * (laplacian(p) * g2), along(p, p.s) * g2
        growth, transport = p.s * -f, along(p, p.x) * -f
        return _balance([p.s, rate, diffusion, advection, growth, transport], _size_of_terms(p, f, g2))

    return _in_batches(kernel, 7, x, means, weights, variance, tau, alpha, drift, squared_diffusion)


def conservation_terms(x: Any, means: Any, weights: Any, variance: Any, tau: Any) -> Terms:
    r"""Terms of the conservation form :math:`s_\tau = \partial_x (s_x + s^2)` in one dimension, equation (23).

    The flux is :math:`s_x + s^2 = p_{xx}/p`, so that its derivative, ``diffusion`` here, is
    :math:`p_{xxx}/p - p_{xx} p_x/p^2`, from the third derivative of the density. Arguments as in `score_terms`, n = 1.

    Examples
    --------
    >>> terms = conservation_terms([4.0], [[0.0]], [1.0], 1.0, 0.5)
    >>> terms.rate_term.tolist(), terms.diffusion_term.tolist()
    ([2.0], [2.0])
    """

    def kernel(x: np.ndarray, means: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
        weights, variance, tau = others
        p = posterior(x, means, weights, variance, tau, np.ones_like(tau))
        z = (p.apart - p.y)[:, 0] / p.v
        z_squared = z * z
        first, second, third = (total(p.r * power) for power in (z, z_squared - 1.0 / p.v, z * (z_squared - 3.0 / p.v)))
        rate = score_rate(p, Doubled(np.full_like(p.v.high, 2.0)), np.zeros_like(p.v.high))
        divergence = (third - second * first)[None]
        zero = Doubled(np.zeros_like(p.s.high))
        longest = np.abs(z.high).max(axis=0)
        size = longest**3 + 3 * longest / p.v.high
        return _balance([p.s, rate, divergence, zero, zero, zero], size)

    return _in_batches(kernel, 7, x, means, weights, variance, tau)


def log_density_terms(x: Any, means: Any, weights: Any, variance: Any, tau: Any, dimension: Any = None) -> Terms:
    r"""Terms of :math:`h_\tau = \Delta h + |\nabla h|^2` for the log density ``h``: the heat equation over ``p``.

    Parameters
    ----------
    x, means, weights, variance, tau
        As in `score_terms`.
    dimension : array (...), optional
        Ambient dimension where the means span less of it and ``x`` lies in their span; else n.

    Returns
    -------
    Terms
        Scalars: ``field`` h, ``rate`` the mean of ``|x - mu_k|**2/v**2 - d/v``, ``diffusion`` the trace of H,
        ``advection`` |s|**2.

    Notes
    -----
    The origin of Cole-Hopf (16): ``p_tau = Lap p`` divided by ``p``.

    Examples
    --------
    >>> terms = log_density_terms([4.0], [[0.0]], [1.0], 1.0, 0.5)  # v = 2
    >>> float(terms.rate_term), float(terms.diffusion_term), float(terms.advection_term)
    (3.5, -0.5, 4.0)
    """

    def kernel(x: np.ndarray, means: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
        weights, variance, tau, d = others
        p = posterior(x, means, weights, variance, tau, np.ones_like(tau))
        distance = total(p.y * p.y) + total(p.r * p.farther)
        spread = total(p.r * squares(p.deviation))
        loss = d / p.v
        rate = distance / (p.v * p.v) - loss
        diffusion = spread / (p.v * p.v) - loss
        steepness = total(p.s * p.s)
        zero = Doubled(np.zeros_like(d))
        parts = [zero, rate, diffusion, steepness, zero, zero]
        found = _balance([part[None] for part in parts], (np.abs(distance.high) / p.v.high + d) / p.v.high)
        return tuple(value[0] if value.ndim == 2 else value for value in found)

    n = np.shape(means)[-1]
    d = n if dimension is None else dimension
    terms = _in_batches(kernel, 0, x, means, weights, variance, tau, d)
    with np.errstate(all="ignore"):
        h = log_density(x, means, weights, variance, tau) + normal_factor(d, n, variance, tau)
    return terms._replace(field=np.broadcast_to(h, terms.rate_term.shape))


def rescaled(terms: Terms, field: Any, time: Any = 1.0) -> Terms:
    r"""The terms of a vector equation for ``field`` times the score, in a clock that runs ``time`` times as fast.

    ``rescaled(score_terms(...), -2)`` has those of Burgers (24), (63), :math:`u_\tau = \Delta u - (u\cdot\nabla)u`;
    with ``field = -2 nu, time = nu`` those of viscosity nu (16).

    Examples
    --------
    >>> terms = rescaled(score_terms([4.0], [[0.0]], [1.0], 1.0, 0.5), -2.0)
    >>> terms.field.tolist(), terms.rate_term.tolist(), terms.advection_term.tolist()
    ([4.0], [-4.0], [-4.0])
    """
    of_field = np.asarray(field, dtype=float)[..., None]
    of_term = of_field * np.asarray(time, dtype=float)[..., None]
    first, *rest = terms[:7]
    vectors = [first * of_field, *(part * of_term for part in rest)]
    return Terms._make([*vectors, terms.largest_term * np.abs(of_term[..., 0]), terms.residual_relative])


def relative_residual(residual: np.ndarray, terms: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Length of the longest of ``terms (..., n)`` and that of the residual over it; zero where all of them vanish.

    Examples
    --------
    >>> largest, relative = relative_residual(np.array([0.3, 0.4]), [np.array([0.0, 2.0]), np.array([1.0, 0.0])])
    >>> float(largest), float(relative)
    (2.0, 0.25)
    """
    largest = lengths(np.moveaxis(terms[0], -1, 0))
    for term in terms[1:]:
        largest = np.maximum(largest, lengths(np.moveaxis(term, -1, 0)))
    return largest, _ratio(lengths(np.moveaxis(residual, -1, 0)), largest)


def _ratio(residual: np.ndarray, scale: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.where((scale == 0) & (residual == 0), 0.0, residual / scale)


def _size_of_terms(p: Posterior, drift: np.ndarray, squared_diffusion: np.ndarray) -> np.ndarray:
    """Size that the terms would have if nothing in them cancelled, (B,)."""
    alpha, v, r = p.alpha.high, p.v.high, p.r.high
    apart, deviation = (lengths(part.high.swapaxes(0, 1)) for part in (p.apart, p.deviation))
    pull = (lengths(p.y.high) + alpha * added(r * apart)) / v
    rate = 1 / v + (alpha / v) ** 2 * added(r * deviation**2)
    skew = (alpha / v) ** 3 * added(r * deviation**3)
    position = lengths(p.x.high)
    return squared_diffusion * (pull * rate + skew) + np.abs(drift) * (pull + position * rate)


def _balance(parts: list[Doubled], size: np.ndarray) -> tuple[np.ndarray, ...]:
    """Field and terms rounded; the residual of the unrounded terms; the length of the longest, and the residual over it."""
    largest = _longest(parts[1:])
    nothing = largest < NOTHING * size
    if nothing.any():
        parts = [Doubled(np.where(nothing, 0.0, part.high), np.where(nothing, 0.0, part.low)) for part in parts]
        largest = _longest(parts[1:])
    rate, *right = parts[1:]
    residual = rate
    for term in right:
        residual = residual - term
    relative = _ratio(lengths(residual.high), np.maximum(largest, VOID * size))
    return (*(part.high for part in parts), residual.high, largest, relative)


def _longest(terms: list[Doubled]) -> np.ndarray:
    largest = lengths(terms[0].high)
    for term in terms[1:]:
        largest = np.maximum(largest, lengths(term.high))
    return largest


def _in_batches(kernel: Callable[..., tuple[np.ndarray, ...]], vectors: int, *arguments: Any) -> Terms:
    """Run ``kernel`` on batches of points, core dimensions first; its first ``vectors`` results have the features."""
    x, means, weights, *scalars = (np.asarray(a, dtype=float) for a in arguments)
    k, n = means.shape[-2:]
    outputs = [((n,) if i < vectors else (), float) for i in range(len(Terms._fields))]
    given = [(x, 1), (means, 2), (weights, 1), *((scalar, 0) for scalar in scalars)]
    return Terms._make(in_batches(kernel, given, outputs, BLOCK // (k * n)))
