"""How an error of the score grows along the probability flow: bound (52), its closed form at the centre, actual error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import erfcx

from scoreshock.conventions import Status
from scoreshock.kernels.flow import STEPS, Profile, probability_flow
from scoreshock.kernels.mixture import score_jacobian

FRACTION_FROM = 2.0
"""From here on the continued fraction of erfcx replaces a difference that cancels."""

FRACTION_TERMS = 64
"""The fraction's error at its worst place, z = 2, is below rounding."""

SHORT = 2.0
"""Range of the integrand's logarithm up to which the closed form cancels and one Gauss-Legendre panel is exact."""

NODES, NODE_WEIGHTS = ((np.polynomial.legendre.leggauss(32)[0] + 1) / 2, np.polynomial.legendre.leggauss(32)[1] / 2)


class CentreGrowth(NamedTuple):
    """``log_error`` is ``ln(|e|/|b|)``, ``log_growth`` the integral of the growth rate from tau_min to tau0, (...) each."""

    log_error: np.ndarray
    log_growth: np.ndarray
    status: np.ndarray


class Growth(NamedTuple):
    """At each time of trajectories, (..., t).

    ``log_growth`` of an infinitesimal perturbation of the start; ``log_bound``, of the bound (52) for a unit score error.
    """

    log_growth: np.ndarray
    log_bound: np.ndarray
    status: np.ndarray


class ErrorGrowth(NamedTuple):
    """Exact and perturbed trajectories from equal starts, (..., t, n): they differ by ``difference``.

    ``precision (..., t)`` is the estimate of the integration's own error in their distance.
    """

    x: np.ndarray
    difference: np.ndarray
    precision: np.ndarray
    status: np.ndarray


def centre_growth(a: np.ndarray, variance: np.ndarray, tau_min: np.ndarray, tau0: np.ndarray) -> CentreGrowth:
    r"""Error at the centre of a symmetric pair by a constant score bias b, linearised; it attains the bound (52).

    Parameters
    ----------
    a : (...)
        Half-distance of the means, >= 0.
    variance, tau_min, tau0 : (...)
        Component variance, and the diffusion times at which generation stops and starts, ``tau_min <= tau0``.

    Returns
    -------
    CentreGrowth
        Logarithms, since the error overflows for a signal-to-noise ratio above 1400. ``log_error`` is -inf for
        ``tau0 = tau_min``; ``singular`` with NaN where v = 0; ``not_applicable`` with NaN for ``tau0 < tau_min``.

    Notes
    -----
    With v and S the variances at tau_min and tau0 and :math:`c = a^2/2`,

    .. math:: e = b \sqrt v\, e^{c/v} \left[\sqrt y e^{-c/y} + \sqrt{\pi c}\,\mathrm{erf}\sqrt{c/y}\right]_v^S ,

    here as ``sqrt(y) e^{-c/y} (1 - sqrt(pi) z erfcx z)``, ``z^2 = c/y``, which differs by a constant and does not
    cancel; a short interval by quadrature of ``exp(log_growth)``.

    Examples
    --------
    >>> import numpy as np
    >>> found = centre_growth(np.array(1.2), np.array(0.09), np.array(0.05), np.array(1.5))
    >>> round(0.01 * float(np.exp(found.log_error)), 10)
    0.1248021822
    """
    with np.errstate(all="ignore"):
        v, S = variance + 2 * np.asarray(tau_min), variance + 2 * np.asarray(tau0)
        rise = 2 * (np.asarray(tau0) - tau_min) / np.where(v > 0, v, np.nan)
        q, width = a**2 / 2 / v, np.log1p(rise)
        fall = q * rise / (1 + rise)
        short = np.log(_short_integral(q, width)) + np.log(v)
        top, bottom = _log_primitive(q / (1 + rise)), _log_primitive(q)
        less = np.exp(np.minimum(bottom - top - fall - width / 2, 0.0))
        long = np.log(v) + width / 2 + fall + top + np.log1p(-less)
        log_error, log_growth = np.where(fall + width / 2 < SHORT, short, long), fall - width / 2
    backward = np.where(v > S, np.int8(Status.not_applicable), np.int8(Status.ok))
    status = np.broadcast_to(np.where(v > 0, backward, np.int8(Status.singular)), log_error.shape)
    bad = status != Status.ok
    return CentreGrowth(np.where(bad, np.nan, log_error), np.where(bad, np.nan, log_growth), status)


def flow_growth(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    steps: int = STEPS,
) -> Growth:
    r"""Grönwall bound (52) of the error that a score error of at most one causes, along exact trajectories.

    .. math:: |e(\tau_1)| \le \varepsilon \int_{\tau_1}^{\tau_0} \exp\Big(\int_{\tau_1}^{\tau'} \mu\, d\tau''\Big) d\tau'

    with :math:`\mu` the largest eigenvalue of the score Jacobian on the trajectory (``s_x`` on a line).

    Parameters
    ----------
    x, means, weights, variance, tau
        As for `probability_flow`; tau descending.
    steps : int
        Steps of the trajectory over all times, and twice the panels of the integrals, by Simpson's rule on it.

    Returns
    -------
    Growth
        ``log_bound`` -inf at the start. ``singular`` with NaN from v = 0 on.

    Notes
    -----
    The rate is taken on the exact trajectory, so this is the bound of the linearised error. The actual error obeys it
    where no rate between the two trajectories exceeds the rate on the exact one: always at the centre of a symmetric
    pair, not in general (a trajectory that the error carries into a layer grows faster).

    Examples
    --------
    >>> import numpy as np
    >>> pair = np.array([[-1.2], [1.2]]), np.array([0.5, 0.5]), np.array(0.09)
    >>> found = flow_growth(np.array([0.0]), *pair, np.array([1.5, 0.05]))
    >>> round(0.01 * float(np.exp(found.log_bound[-1])), 8)
    0.12480218
    """
    panels = max(2, 2 * -(-steps // (4 * max(tau.shape[-1] - 1, 1))))
    times = _refined(variance, tau, panels)
    path = probability_flow(x, means, weights, variance, times, steps=2 * (times.shape[-1] - 1))
    with np.errstate(all="ignore"):
        jacobian = score_jacobian(path.x, means[..., None, :, :], weights[..., None, :], variance[..., None], times)
        rate = jacobian[..., 0, 0] if jacobian.shape[-1] == 1 else _largest(jacobian)
        v = np.broadcast_to(variance[..., None] + 2 * times, rate.shape)
        log_growth, log_bound = _accumulated(rate, v, panels)
    status = path.status[..., ::panels]
    good = status == Status.ok
    return Growth(np.where(good, log_growth, np.nan), np.where(good, log_bound, np.nan), status)


def error_growth(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    bias: np.ndarray,
    profile: Profile,
    steps: int = STEPS,
) -> ErrorGrowth:
    """Actual, nonlinear error of trajectories that follow the score ``s + bias profile`` instead of ``s``.

    Parameters as for `probability_flow`. On a line the error that is worst at every time among all score errors of size
    ``|bias|`` is that of ``profile = everywhere`` with one sign or the other: scalar flows keep their order.

    Examples
    --------
    >>> import numpy as np
    >>> from scoreshock.kernels.flow import everywhere
    >>> pair = np.array([[-1.2], [1.2]]), np.array([0.5, 0.5]), np.array(0.09)
    >>> found = error_growth(np.array([0.0]), *pair, np.array([1.5, 0.05]), np.array([0.01]), everywhere)
    >>> round(float(found.difference[-1, 0]), 8)  # below the linear 0.12480218
    0.11582825
    """
    exact = probability_flow(x, means, weights, variance, tau, steps)
    wrong = probability_flow(x, means, weights, variance, tau, steps, bias, profile)
    difference = wrong.x - exact.x
    precision = length(exact.error) + length(wrong.error)
    status = np.broadcast_to(exact.status, precision.shape)
    return ErrorGrowth(np.broadcast_to(exact.x, difference.shape), difference, precision, status)


def length(vector: np.ndarray) -> np.ndarray:
    """Euclidean length over the last axis, summed in a fixed order."""
    square = vector[..., 0] ** 2
    for i in range(1, vector.shape[-1]):
        square = square + vector[..., i] ** 2
    return np.sqrt(square)


def _short_integral(q: np.ndarray, width: np.ndarray) -> np.ndarray:
    """``1/2 int e^{t/2 + q(1 - e^-t)} dt`` over [0, width]: the error over b and v, for a small range of the exponent."""
    total = np.zeros(np.broadcast_shapes(q.shape, width.shape))
    for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
        t = node * width
        total += weight * np.exp(t / 2 - q * np.expm1(-t))
    return total * width / 2


def _log_primitive(q: np.ndarray) -> np.ndarray:
    """``ln(1 - sqrt(pi) z erfcx z)`` of ``q = z^2``: for large z ``-ln(2 z^2)``, by the continued fraction of erfcx."""
    z = np.sqrt(q)
    far = np.maximum(z, FRACTION_FROM)
    tail = far
    for j in range(FRACTION_TERMS, 1, -1):
        tail = far + 0.5 * j / tail
    rest = 0.5 / tail
    return np.log(np.where(z < FRACTION_FROM, 1 - np.sqrt(np.pi) * z * erfcx(z), rest / (far + rest)))


def _refined(variance: np.ndarray, tau: np.ndarray, panels: int) -> np.ndarray:
    """The times with ``panels - 1`` more in each interval, equally spaced in ``ln v``, (..., t')."""
    before, after = tau[..., :-1], tau[..., 1:]
    with np.errstate(all="ignore"):
        v = variance[..., None] + 2 * before
        width = np.log1p(2 * (after - before) / v)
        inner = [before + 0.5 * v * np.expm1(width * (j / panels)) for j in range(panels)]
    stacked = np.stack(np.broadcast_arrays(*inner), axis=-1)
    stacked[..., 0] = before
    flat = stacked.reshape(*stacked.shape[:-2], -1)
    return np.concatenate([flat, np.broadcast_to(tau[..., -1:], (*flat.shape[:-1], 1))], axis=-1)


def _largest(matrices: np.ndarray) -> np.ndarray:
    finite = np.isfinite(matrices).all(axis=(-2, -1))
    return np.where(finite, np.linalg.eigvalsh(np.where(finite[..., None, None], matrices, 0.0))[..., -1], np.nan)


def _accumulated(rate: np.ndarray, v: np.ndarray, panels: int) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of growth and bound at every ``panels``-th place, by Simpson's rule in ``ln v`` on pairs of steps.

    The growth at a pair's middle is that of the parabola through the rate; what was gathered grows with the pair.
    """
    speed = 0.5 * rate * v
    count = rate.shape[-1]
    growth, bound = np.zeros(rate.shape[:-1]), np.full(rate.shape[:-1], -np.inf)
    kept = [(growth, bound)]
    for i in range(0, count - 1, 2):
        h = np.log(v[..., i] / v[..., i + 1])
        f0, f1, f2 = (speed[..., i + j] for j in range(3))
        late = h * (5 * f2 + 8 * f1 - f0) / 12
        whole = h * (f0 + 4 * f1 + f2) / 3
        gained = h / 6 * (v[..., i] * np.exp(whole) + 4 * v[..., i + 1] * np.exp(late) + v[..., i + 2])
        growth = growth + whole
        bound = np.logaddexp(bound + whole, np.log(gained))
        if (i + 2) % panels == 0:
            kept.append((growth, bound))
    return np.stack([g for g, _ in kept], axis=-1), np.stack([b for _, b in kept], axis=-1)
