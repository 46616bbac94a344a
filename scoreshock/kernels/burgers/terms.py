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

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import sub
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.mixture import log_density, normal_factor
from scoreshock.kernels.numerics.batching import in_batches
from scoreshock.kernels.numerics.double_double import Doubled, total
from scoreshock.kernels.numerics.double_double_posterior import Posterior, along, laplacian, posterior, score_rate, squares
from scoreshock.kernels.numerics.vectors import inner, lengths

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
    residual_error: np.ndarray = np.array(np.nan)  # (...) bound on the length of the residual's error, of differences
    residual_status: np.ndarray = np.array(Status.ok)  # (...)


def score_terms(
    x: Any,
    means: Any,
    weights: Any,
    variance: Any,
    tau: Any,
    alpha: Any = 1.0,
    drift: Any = 0.0,
    squared_diffusion: Any = 2.0,
) -> Terms:
    r"""Terms of :math:`s_t = \frac12 g^2 [\Delta s + 2 (s\cdot\nabla) s] - f [s + (x\cdot\nabla) s]`.

    Parameters
    ----------
    x : array (..., n)
        Points, in the coordinates of the path.
    means : array (..., k, n)
        Component means.
    weights : array (..., k)
        Component weights, positive and summing to one.
    variance, tau : array (...)
        Component variance at data time, and (effective) diffusion time (80).
    alpha, drift, squared_diffusion : array (...)
        Signal coefficient, ``f`` of the drift ``f x``, and ``g**2``, at that time; by default diffusion time:
        :math:`s_\tau = \Delta s + 2 (s\cdot\nabla) s`.

    Returns
    -------
    Terms
        Of the score :math:`s_t(x) = s(x/\alpha, \tau)/\alpha`, in the clock of ``f`` and ``g**2``; the rate from the
        density. NaN where ``v = 0``.

    Notes
    -----
    Equations (18), (61)-(62) by default, whose Burgers form (24), (63) for ``u = -2 s`` is minus twice them: see `rescaled`.
    (25) for ``alpha = 1``, ``f = 0``; (78) in d dimensions for ``f = -beta/2``, ``g**2 = beta`` and
    ``alpha = (1 + 2 tau)**-1/2``.

    Examples
    --------
    One Gaussian of variance ``v = 2``: s = -x/v, s_tau = 2 x/v**2, and the advection is 2 (x/v)/v.

    >>> terms = score_terms([4.0], [[0.0]], [1.0], 1.0, 0.5)
    >>> terms.rate_term.tolist(), terms.diffusion_term.tolist(), terms.advection_term.tolist(), terms.residual.tolist()
    ([2.0], [0.0], [2.0], [0.0])

    Standard normal data stay so under VP: nothing changes in time.

    >>> terms = score_terms([3.0], [[0.0]], [1.0], 1.0, 1.5, 0.5, -0.5, 1.0)
    >>> terms.field.tolist(), terms.rate_term.tolist(), terms.residual.tolist()
    ([-3.0], [0.0], [0.0])
    """
    return _in_batches(_of_score, 7, x, means, weights, variance, tau, alpha, drift, squared_diffusion)


def _of_score(p: Posterior, f: np.ndarray, g2: np.ndarray) -> tuple[np.ndarray, ...]:
    rate = score_rate(p, 2.0 * (f * p.v) + g2, f)
    diffusion, advection = 0.5 * (laplacian(p) * g2), along(p, p.s) * g2
    growth, transport = p.s * -f, along(p, p.x) * -f
    return _balance([p.s, rate, diffusion, advection, growth, transport], _size_of_terms(p, f, g2))


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
    return _in_batches(_of_flux, 7, x, means, weights, variance, tau, 1.0)


def _of_flux(p: Posterior) -> tuple[np.ndarray, ...]:
    z = (p.apart - p.y)[:, 0] / p.v
    z_squared = z * z
    first, second, third = (total(p.r * power) for power in (z, z_squared - 1.0 / p.v, z * (z_squared - 3.0 / p.v)))
    rate = score_rate(p, Doubled(np.full_like(p.v.high, 2.0)), np.zeros_like(p.v.high))
    divergence = (third - second * first)[None]
    zero = Doubled(np.zeros_like(p.s.high))
    longest = np.abs(z.high).max(axis=0)
    return _balance([p.s, rate, divergence, zero, zero, zero], longest**3 + 3 * longest / p.v.high)


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
    n = np.shape(means)[-1]
    d = n if dimension is None else dimension
    terms = _in_batches(_of_log_density, 0, x, means, weights, variance, tau, 1.0, d)
    with np.errstate(all="ignore"):
        h = log_density(x, means, weights, variance, tau) + normal_factor(d, n, variance, tau)
    return terms._replace(field=np.broadcast_to(h, terms.rate_term.shape))


def _of_log_density(p: Posterior, d: np.ndarray) -> tuple[np.ndarray, ...]:
    distance = total(p.y * p.y) + total(p.r * p.farther)
    spread = total(p.r * squares(p.deviation))
    loss = d / p.v
    zero = Doubled(np.zeros_like(d))
    parts = [zero, distance / (p.v * p.v) - loss, spread / (p.v * p.v) - loss, total(p.s * p.s), zero, zero]
    results = _balance([part[None] for part in parts], (np.abs(distance.high) / p.v.high + d) / p.v.high)
    return tuple(value[0] if value.ndim == 2 else value for value in results)


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
    scaled = {name: getattr(terms, name) * of_term for name in Terms._fields[1:7]}
    size = np.abs(of_term[..., 0])
    return terms._replace(
        field=terms.field * of_field,
        largest_term=terms.largest_term * size,
        residual_error=terms.residual_error * size,
        **scaled,
    )


def relative_residual(residual: np.ndarray, terms: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Length of the longest of ``terms (..., n)`` and that of the residual over it; zero where all of them vanish.

    Examples
    --------
    >>> largest, relative = relative_residual(np.array([0.3, 0.4]), [np.array([0.0, 2.0]), np.array([1.0, 0.0])])
    >>> float(largest), float(relative)
    (2.0, 0.25)
    """
    largest = _longest(np.moveaxis(term, -1, 0) for term in terms)
    return largest, _ratio(lengths(np.moveaxis(residual, -1, 0)), largest)


def _ratio(residual: np.ndarray, scale: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.where((scale == 0) & (residual == 0), 0.0, residual / scale)


def _longest(terms: Iterable[np.ndarray]) -> np.ndarray:
    """Length of the longest of ``terms (n, ...)``, (...)."""
    return reduce(np.maximum, map(lengths, terms))


def _size_of_terms(p: Posterior, drift: np.ndarray, squared_diffusion: np.ndarray) -> np.ndarray:
    """Size that the terms would have if nothing in them cancelled, (B,)."""
    alpha, v, r = p.alpha.high, p.v.high, p.r.high
    apart, deviation = (lengths(part.high.swapaxes(0, 1)) for part in (p.apart, p.deviation))
    pull = (lengths(p.y.high) + alpha * inner(r, apart)) / v
    rate = 1 / v + (alpha / v) ** 2 * inner(r, deviation**2)
    skew = (alpha / v) ** 3 * inner(r, deviation**3)
    return squared_diffusion * (pull * rate + skew) + np.abs(drift) * (pull + lengths(p.x.high) * rate)


def _balance(parts: list[Doubled], size: np.ndarray) -> tuple[np.ndarray, ...]:
    """Field and terms rounded; the residual of the unrounded terms; the length of the longest, and the residual over it."""
    nothing = _longest(part.high for part in parts[1:]) < NOTHING * size
    if nothing.any():
        parts = [Doubled(np.where(nothing, 0.0, part.high), np.where(nothing, 0.0, part.low)) for part in parts]
    largest = _longest(part.high for part in parts[1:])
    residual = reduce(sub, parts[1:])
    relative = _ratio(lengths(residual.high), np.maximum(largest, VOID * size))
    return (*(part.high for part in parts), residual.high, largest, relative)


def _in_batches(kernel: Callable[..., tuple[np.ndarray, ...]], vectors: int, *arguments: Any) -> Terms:
    """Run ``kernel`` on posteriors of batches of points and further arguments; ``vectors`` of its results are (n, B)."""

    def of_batch(x: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
        return kernel(posterior(x, *others[:5]), *others[5:])

    x, means, weights, *scalars = (np.asarray(a, dtype=float) for a in arguments)
    k, n = means.shape[-2:]
    outputs = [((n,) if i < vectors else (), float) for i in range(9)]
    inputs = [(x, 1), (means, 2), (weights, 1), *((scalar, 0) for scalar in scalars)]
    return Terms(*in_batches(of_batch, inputs, outputs, BLOCK // (k * n)))
