"""Effect of a wrong score on the generated density: bounds (58)-(59) and, for Gaussians, the exact divergences."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import erf, ndtr

from scoreshock.conventions import Status
from scoreshock.kernels.flow.sampling import ambiguity
from scoreshock.kernels.gaussian.expectations import Axis, Integrand, expectation, on_axis

NEAR = 0.1
"""Below this size ``x - ln(1 + x)`` cancels, and its power series takes over."""

SERIES_TERMS = 18

NODES, NODE_WEIGHTS = ((np.polynomial.legendre.leggauss(32)[0] + 1) / 2, np.polynomial.legendre.leggauss(32)[1] / 2)

PANEL = 2.0
"""Width in ``ln v`` of the panels, 32 nodes each, over which a mean squared score error is integrated."""

ErrorField = Callable[[np.ndarray, np.ndarray], np.ndarray]


class GaussianDivergence(NamedTuple):
    """Truth ``N(0, (A + 2 tau_min) I)`` against the density that the wrong score generates, (...) each, >= 0.

    Divergence, mean and variance of the reverse SDE and, with ``_ode``, of the probability flow; ``tv`` of the reverse SDE
    where the variances are equal or d = 1; ``score_error_integral`` and ``kl_start`` sum up to ``kl_bound`` (58);
    ``tv_bound`` (59).
    """

    kl: np.ndarray
    generated_mean: np.ndarray
    generated_variance: np.ndarray
    kl_ode: np.ndarray
    generated_mean_ode: np.ndarray
    generated_variance_ode: np.ndarray
    tv: np.ndarray
    score_error_integral: np.ndarray
    kl_start: np.ndarray
    kl_bound: np.ndarray
    tv_bound: np.ndarray
    divergence_status: np.ndarray
    tv_status: np.ndarray


class DivergenceBound(NamedTuple):
    """Integral of the mean squared score error over tau, ``kl_bound`` (58) and ``tv_bound`` (59), (...)."""

    score_error_integral: np.ndarray
    kl_bound: np.ndarray
    tv_bound: np.ndarray
    divergence_status: np.ndarray


def gaussian_divergence(
    variance: np.ndarray,
    variance_model: np.ndarray,
    shift: np.ndarray,
    tau_min: np.ndarray,
    tau_max: np.ndarray,
    dimension: np.ndarray,
    variance_start: np.ndarray,
) -> GaussianDivergence:
    r"""Exact and bounding divergences for data ``N(0, A I)`` and the score of ``N(shift, B I)``, section 6.4.

    .. math:: \hat s = -\frac{x - \delta}{B + 2\tau},\qquad
       \mathrm{KL}(p\,\|\,\hat p) \le \mathrm{KL}(\tau_{max}) + \int E_{p_\tau}|s - \hat s|^2 d\tau,\qquad
       \mathrm{TV} \le \min(1, \sqrt{\mathrm{KL}/2})

    Parameters
    ----------
    variance, variance_model : (...)
        A and B, >= 0.
    shift : (...)
        Length of the model's mean, in the same units.
    tau_min, tau_max : (...)
        Diffusion times at which generation stops and starts, ``tau_min <= tau_max``.
    dimension : (...)
        d, >= 1.
    variance_start : (...)
        Variance of the density N(0, .) that generation starts from; ``A + 2 tau_max`` is exact, ``2 tau_max`` usual.

    Returns
    -------
    GaussianDivergence
        ``singular`` with NaN where a variance vanishes at tau_min, and for a start of zero variance;
        ``not_applicable`` with NaN for ``tau_max < tau_min``, and for ``tv`` where its closed form does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> arguments = [np.array(x) for x in (1.3, 0.7, 0.0, 0.05, 3.0, 1.0, 7.3)]
    >>> result = gaussian_divergence(*arguments)
    >>> round(float(result.kl), 10), round(float(result.kl_bound), 10)
    (0.091252908, 0.0932993975)
    """
    A, B, d = variance, variance_model, dimension
    with np.errstate(all="ignore"):
        v1, v0, w1, w0 = A + 2 * tau_min, A + 2 * tau_max, B + 2 * tau_min, B + 2 * tau_max
        ratio, lost = w1 / w0, 2 * (tau_max - tau_min) / w0
        # Generated less true, from differences that vanish where score and start are right.
        start, model = variance_start - v0, A - B
        extra = start * ratio**2 - model * lost * (1 + ratio)
        extra_ode = start * ratio - model * lost
        mean, mean_ode = shift * lost, shift * lost / (1 + np.sqrt(ratio))
        kl, kl_ode, kl_start = _kl(v1, extra, mean, d), _kl(v1, extra_ode, mean_ode, d), _kl(v0, start, 0.0, d)
        # E|s - s_hat|^2 = d (A - B)^2/(v w^2) + shift^2/w^2, integrated over dtau = dv/2.
        integral = 0.5 * (d * (_less_log(model / w1) - _less_log(model / w0)) + shift**2 * lost / w1)
        bound = kl_start + integral
        tv = np.where(extra == 0, erf(np.abs(mean) / np.sqrt(8 * v1)), _tv_on_line(v1, extra, mean))
    backward = np.where(tau_max < tau_min, np.int8(Status.not_applicable), np.int8(Status.ok))
    exists = (v1 > 0) & (w1 > 0) & (variance_start > 0)
    status = np.broadcast_to(np.where(exists, backward, np.int8(Status.singular)), bound.shape)
    closed = (status != Status.ok) | (d == 1) | (extra == 0)
    tv_status = np.where(closed, status, np.int8(Status.not_applicable))
    columns = (kl, mean, v1 + extra, kl_ode, mean_ode, v1 + extra_ode, tv, integral, kl_start, bound, tv_bound(bound))
    result = [np.where(tv_status if c is tv else status, np.nan, c) for c in columns]
    return GaussianDivergence._make([*result, status, tv_status])


def divergence_bound(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau_min: np.ndarray,
    tau_max: np.ndarray,
    bias: np.ndarray,
    error_support: str = "everywhere",
    error: ErrorField | None = None,
    kl_start: np.ndarray | float = 0.0,
) -> DivergenceBound:
    """Bounds (58)-(59) for a mixture and a score error that is constant, in the layers or outside them, or any field.

    Parameters
    ----------
    means, weights, variance
        The mixture: (..., k, n), (..., k), (...).
    tau_min, tau_max : (...)
        Diffusion times at which generation stops and starts.
    bias : (...)
        Length of the score error.
    error_support : str
        ``everywhere``, ``layer`` or ``outside``: shape of the error, as for trajectories (`flow.PROFILES`).
    error : callable, optional
        Score error on a line instead, ``error(x, tau)``, times ``bias``; smooth on the scale of ``sqrt(v)/8``.
    kl_start : (...)
        Divergence of the density that generation starts from.

    Returns
    -------
    DivergenceBound
        ``singular`` with NaN where v = 0 at tau_min and the error is not constant; ``not_applicable`` with NaN for
        ``tau_max < tau_min``, and for an error that varies in a mixture that does not reduce to a line (pairs do).

    Examples
    --------
    >>> import numpy as np
    >>> pair = np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.09)
    >>> times = np.array(0.0), np.array(2.0)
    >>> [round(float(divergence_bound(*pair, *times, np.array(0.1), at).kl_bound), 4) for at in ("everywhere", "layer")]
    [0.02, 0.0092]
    """
    lead = np.broadcast_shapes(
        means.shape[:-2], weights.shape[:-1], *(np.shape(a) for a in (variance, tau_min, tau_max, bias, kl_start))
    )
    backward = np.broadcast_to(np.asarray(tau_max < tau_min), lead)
    status = np.where(backward, np.int8(Status.not_applicable), np.int8(Status.ok))
    with np.errstate(all="ignore"):
        if error_support == "everywhere" and error is None:
            integral = np.broadcast_to(bias**2 * (tau_max - tau_min), lead)
        else:
            line = on_axis(means, weights, lead)
            low, s2, span = (np.broadcast_to(a, lead).ravel() for a in (tau_min, variance, 2 * (tau_max - tau_min)))
            v = s2 + 2 * low
            alone = np.where(v > 0, np.int8(Status.ok), np.int8(Status.singular)).reshape(lead)
            reducible = line.known and (error is None or means.shape[-1] == 1)
            status = np.where(backward | (not reducible), np.int8(Status.not_applicable), alone)
            mean = np.full(v.shape, np.nan)
            good = np.flatnonzero((status == Status.ok).ravel())
            mean[good] = _over_time(error_support, error, line.take(good), v[good], span[good], s2[good])
            integral = bias**2 * mean.reshape(lead)
        bound = kl_start + integral
    result = [np.where(status == Status.ok, c, np.nan) for c in (integral, bound, tv_bound(bound))]
    return DivergenceBound._make([*result, status])


def tv_bound(kl: np.ndarray) -> np.ndarray:
    """Total variation at most ``min(1, sqrt(KL/2))``, (59), (...)."""
    return np.minimum(1.0, np.sqrt(kl / 2))


def _kl(v: np.ndarray, extra: np.ndarray, mean: np.ndarray | float, d: np.ndarray) -> np.ndarray:
    """``KL(N(0, v) || N(mean, v + extra))`` in d dimensions."""
    wide = v + extra
    return 0.5 * (d * _less_log(-extra / wide) + mean**2 / wide)


def _less_log(y: np.ndarray) -> np.ndarray:
    """``y - ln(1 + y)`` for y > -1, by its series near 0."""
    small = np.clip(y, -NEAR, NEAR)
    series = np.polyval(1 / np.arange(SERIES_TERMS, 1.0, -1), -small)
    return np.where(np.abs(y) < NEAR, small**2 * series, y - np.log1p(y))


def _tv_on_line(v: np.ndarray, extra: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Total variation of ``N(0, v)`` and ``N(mean, v + extra)`` on a line, from the two points where they are equal."""
    wide, m = v + extra, np.abs(mean)
    curvature, slope, level = extra / (v * wide), m / wide, m**2 / wide + np.log1p(extra / v)
    far = -(slope + np.sqrt(slope**2 + curvature * level))
    ends = far / curvature, -level / far
    p = ndtr(ends[1] / np.sqrt(v)) - ndtr(ends[0] / np.sqrt(v))
    q = ndtr((ends[1] - m) / np.sqrt(wide)) - ndtr((ends[0] - m) / np.sqrt(wide))
    return np.abs(p - q)


def _over_time(
    error_support: str, error: ErrorField | None, line: Axis, v: np.ndarray, span: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    """Mean square of a score error of size one, integrated over tau from ``v`` to ``v + span``."""
    width = np.log1p(span / v)
    count = np.ceil(width / PANEL).astype(int)
    total = np.zeros_like(v)
    for p in range(count.max(initial=0)):
        i = np.flatnonzero(count > p)
        step, some = width[i] / count[i], line.take(i)
        for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
            at = v[i] * np.exp(step * (p + node))
            square = _square(error_support, error, some.mu[0], np.sqrt(at), (at - variance[i]) / 2)
            total[i] += 0.5 * step * weight * at * expectation(square, some, at)[0]
    return total


def _square(error_support: str, error: ErrorField | None, first: np.ndarray, root: np.ndarray, tau: np.ndarray) -> Integrand:
    """Square of the score error; positions come from the ``first`` mean and ``root``, the noise's deviation."""
    if error is not None:
        return lambda nodes: (error(first[nodes.cut] + (nodes.z - nodes.delta[0]) * root[nodes.cut], tau[nodes.cut]) ** 2,)
    if error_support == "layer":
        return lambda nodes: (ambiguity(nodes.shares) ** 2,)
    return lambda nodes: ((1 - ambiguity(nodes.shares)) ** 2,)
