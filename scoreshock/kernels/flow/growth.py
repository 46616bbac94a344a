"""How an error of the score grows along the probability flow: bound (52), its closed form at the centre, actual error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import erfcx

from scoreshock.conventions import Status
from scoreshock.kernels.flow.divergence import NODE_WEIGHTS, NODES
from scoreshock.kernels.flow.sampling import everywhere
from scoreshock.kernels.flow.trajectory import RTOL, VOID, Part, Path, Profile, in_pieces, lasting
from scoreshock.kernels.gaussian.geometry import half_distance
from scoreshock.kernels.numerics.runge_kutta import EPS, length, solve

FRACTION_FROM = 2.0
"""From here on the continued fraction of erfcx replaces a difference that cancels."""

FRACTION_TERMS = 64
"""The fraction's error is largest at z = 2, where it is below rounding."""

SHORT = 2.0
"""Range of the integrand's logarithm up to which the closed form cancels and one Gauss-Legendre panel is exact."""


class CentreGrowth(NamedTuple):
    """``ln(|e|/|b|)``, the error e itself, and the integral of the growth rate from tau_min to tau_start, (...) each."""

    log_error: np.ndarray
    error_linear: np.ndarray
    log_growth: np.ndarray
    growth_status: np.ndarray


class Growth(NamedTuple):
    """At each time of trajectories, (..., t).

    ``log_growth`` of an infinitesimal perturbation of the start; ``log_bound`` of the bound (52) for a unit score error, and
    the bound itself for the bias; the estimate of the error of either logarithm.
    """

    log_growth: np.ndarray
    log_bound: np.ndarray
    gronwall_bound: np.ndarray
    growth_error: np.ndarray
    growth_status: np.ndarray


class ErrorGrowth(NamedTuple):
    """Exact trajectories, and how far perturbed ones from equal starts are from them, (..., t, n).

    The length of the difference and the estimate of the integration's error in it, (..., t); the status of the
    difference is ``unresolved`` where that estimate exceeds the tolerance.
    """

    trajectory: np.ndarray
    trajectory_status: np.ndarray
    trajectory_difference: np.ndarray
    difference_size: np.ndarray
    difference_precision: np.ndarray
    trajectory_difference_status: np.ndarray


def centre_growth(
    a: np.ndarray,
    variance: np.ndarray,
    tau_min: np.ndarray,
    tau_start: np.ndarray,
    bias: np.ndarray | float = 1.0,
) -> CentreGrowth:
    r"""Error at the centre of a symmetric pair by a constant score bias b, linearised; it attains the bound (52).

    Parameters
    ----------
    a : (...)
        Half-distance of the means, >= 0.
    variance, tau_min, tau_start : (...)
        Component variance, and the diffusion times at which generation stops and starts, ``tau_min <= tau_start``.
    bias : (...)
        Score error along the pair.

    Returns
    -------
    CentreGrowth
        Logarithms, since the error overflows for a signal-to-noise ratio above 1400. ``log_error`` is -inf for
        ``tau_start = tau_min``; ``singular`` with NaN where v = 0; ``not_applicable`` with NaN for ``tau_start < tau_min``.

    Notes
    -----
    With v and S the variances at tau_min and tau_start and :math:`c = a^2/2`,

    .. math:: e = b \sqrt v\, e^{c/v} \left[\sqrt y e^{-c/y} + \sqrt{\pi c}\,\mathrm{erf}\sqrt{c/y}\right]_v^S ,

    here as ``sqrt(y) e^{-c/y} (1 - sqrt(pi) z erfcx z)``, ``z^2 = c/y``, which differs by a constant and does not
    cancel; a short interval by quadrature of ``exp(log_growth)``.

    Examples
    --------
    >>> import numpy as np
    >>> result = centre_growth(np.array(1.2), np.array(0.09), np.array(0.05), np.array(1.5))
    >>> round(0.01 * float(np.exp(result.log_error)), 10)
    0.1248021822
    """
    with np.errstate(all="ignore"):
        v, S = variance + 2 * np.asarray(tau_min), variance + 2 * np.asarray(tau_start)
        rise = 2 * (np.asarray(tau_start) - tau_min) / np.where(v > 0, v, np.nan)
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
    log_error = np.where(bad, np.nan, log_error)
    with np.errstate(all="ignore"):
        error = bias * np.exp(log_error)
    return CentreGrowth(log_error, error, np.where(bad, np.nan, log_growth), status)


def centre_growth_of_pair(
    means: np.ndarray, variance: np.ndarray, tau_min: np.ndarray, tau_start: np.ndarray, bias: np.ndarray
) -> CentreGrowth:
    """`centre_growth` of the pair with ``means (..., 2, n)``; ``not_applicable`` of other mixtures."""
    if means.shape[-2] != 2:
        nothing = np.full(means.shape[:-2], np.nan)
        return CentreGrowth(nothing, nothing, nothing, np.full(means.shape[:-2], Status.not_applicable))
    return centre_growth(half_distance(means), variance, tau_min, tau_start, bias)


def flow_growth(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    rtol: float = RTOL,
    bias: np.ndarray | None = None,
) -> Growth:
    r"""Grönwall bound (52) of the error that a score error of at most one causes, along exact trajectories.

    .. math:: |e(\tau_1)| \le \varepsilon \int_{\tau_1}^{\tau_0} \exp\Big(\int_{\tau_1}^{\tau'} \mu\, d\tau''\Big) d\tau'

    with :math:`\mu` the largest eigenvalue of the score Jacobian on the trajectory (``s_x`` on a line).

    Parameters
    ----------
    x, means, weights, variance, tau
        As for `probability_flow`; tau descending.
    rtol : float
        Tolerance of the bound, relative, and of the growth.
    bias : (..., n), optional
        Largest score error, of length one by default, to which ``gronwall_bound`` belongs.

    Returns
    -------
    Growth
        ``log_bound`` -inf at the start. Status ``unresolved`` from where the error exceeds the tolerance (as on a
        trajectory that is itself unresolved), ``failed`` and ``singular`` as for `probability_flow`; ``not_applicable``
        with NaN where tau rises.

    Notes
    -----
    Integrated with the trajectory, in sigma: with lambda the largest eigenvalue of the posterior covariance,
    :math:`\mu = \lambda/v^2 - 1/v`, :math:`dK = -\lambda\sigma^{-3} d\sigma` and :math:`dJ = -e^{-K} d\sigma` the growth is
    :math:`e^K\sigma/\sigma_0` and the bound :math:`\sigma e^K J`: nothing overflows or cancels.

    The rate is taken on the exact trajectory, so this is the bound of the linearised error. The actual error obeys it
    where no rate between the two trajectories exceeds the rate on the exact one: always at the centre of a symmetric
    pair, not in general (a trajectory that the error carries into a layer grows faster).

    Examples
    --------
    >>> import numpy as np
    >>> pair = np.array([[-1.2], [1.2]]), np.array([0.5, 0.5]), np.array(0.09)
    >>> result = flow_growth(np.array([0.0]), *pair, np.array([1.5, 0.05]))
    >>> round(0.01 * float(np.exp(result.log_bound[-1])), 8)
    0.12480218
    """

    def solved(part: Part) -> tuple[np.ndarray, ...]:
        sigma = part.sigma()
        rising = (np.diff(part.tau, axis=0) > 0).any(axis=0)
        start = np.concatenate([np.where(rising, np.nan, part.y), np.zeros_like(sigma[[0, 0]])])
        done = solve(_Linear(part, everywhere, sigma), start, sigma, rtol)
        outcome = part.status(done.failed, lasting(done.resolved.all(axis=1)))
        outcome = np.where(rising, np.int8(Status.not_applicable), outcome)
        error = np.where(done.results[:, -1] > -np.inf, done.error[:, -2:].max(axis=1), 0.0)
        void = np.isin(outcome, VOID)
        return *(np.where(void, np.nan, a) for a in (done.results[:, -2], done.results[:, -1], error)), outcome

    times = tau.shape[-1:]
    outputs = [(times, float), (times, float), (times, float), (times, np.int8)]
    log_growth, log_bound, error, status = in_pieces(solved, outputs, x, means, weights, variance, tau)
    with np.errstate(over="ignore"):
        bound = np.exp(log_bound) if bias is None else length(np.moveaxis(bias, -1, 0))[..., None] * np.exp(log_bound)
    return Growth(log_growth, log_bound, bound, error, status)


def error_growth(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    bias: np.ndarray,
    profile: Profile,
    rtol: float = RTOL,
) -> ErrorGrowth:
    """Actual, nonlinear error of trajectories that follow the score ``s + bias profile`` instead of ``s``.

    Parameters as for `probability_flow`; ``rtol`` is also the tolerance of the difference, relative to itself. On a line
    the error that is worst at every time among all score errors of size ``|bias|`` is that of ``profile = everywhere`` with
    one sign or the other: scalar flows keep their order.

    Examples
    --------
    >>> import numpy as np
    >>> from scoreshock.kernels.flow.sampling import everywhere
    >>> pair = np.array([[-1.2], [1.2]]), np.array([0.5, 0.5]), np.array(0.09)
    >>> result = error_growth(np.array([0.0]), *pair, np.array([1.5, 0.05]), np.array([0.01]), everywhere)
    >>> round(float(result.trajectory_difference[-1, 0]), 8)  # below the linear 0.12480218
    0.11582825
    """
    times, n = tau.shape[-1], x.shape[-1]

    def solved(part: Part) -> tuple[np.ndarray, ...]:
        done = solve(_Both(part, profile), np.concatenate([part.y, np.zeros_like(part.y)]), part.sigma(), rtol)
        sound = lasting(done.resolved[:, 0])
        status, status_of_difference = (part.status(done.failed, a) for a in (sound, sound & done.resolved[:, 1]))
        void = np.isin(status, VOID)
        rows = np.where(void[:, None], np.nan, done.results)
        size, precision = length(rows[:, n:].swapaxes(0, 1)), length(done.error[:, n:].swapaxes(0, 1))
        precision = np.where(void, np.nan, precision)
        return part.absolute(rows[:, :n]), status, rows[:, n:], size, precision, status_of_difference

    vector, scalar, status = ((times, n), float), ((times,), float), ((times,), np.int8)
    outputs = [vector, status, vector, scalar, scalar, status]
    return ErrorGrowth(*in_pieces(solved, outputs, x, means, weights, variance, tau, bias))


@dataclass(frozen=True)
class _Linear(Path):
    """A trajectory with ``K`` and ``J`` as its last rows; results are position, log growth and log bound at ``sigma``."""

    sigma: np.ndarray

    @property
    def blocks(self) -> tuple[slice, ...]:
        return slice(-2), slice(-2, -1), slice(-1, None)

    def take(self, index: np.ndarray) -> _Linear:
        return replace(self, part=self.part.take(index), sigma=self.sigma[:, index])

    def field(self, y: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        slope = np.empty_like(y)
        mean, spread = self.part.posterior.moments(y[:-2], sigma * sigma)
        slope[:-2] = (y[:-2] - mean) / sigma
        slope[-2], slope[-1] = -spread / (sigma * sigma) / sigma, -np.exp(-y[-2])
        return slope

    def allowed(self, y: np.ndarray, after: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
        position = super().allowed(y[:-2], after[:-2], tolerance)
        return np.stack([*position, tolerance + 4 * EPS * after[-2], tolerance * after[-1]])

    def results(self, y: np.ndarray) -> np.ndarray:
        # Times that differ by less than rounding of sigma lie apart as tau says.
        apart, rounded = self.part.tau[0] - self.part.tau, self.sigma[0] - self.sigma
        apart = 2 * apart / (self.sigma[0] + self.sigma)
        integral = np.where(rounded > 0, y[:, -1] * (apart / rounded), apart)
        rows = np.log(self.sigma / self.sigma[0]) + y[:, -2], np.log(self.sigma) + y[:, -2] + np.log(integral)
        return np.concatenate([y[:, :-2], np.stack(rows, axis=1)], axis=1)

    def limit(self, results: np.ndarray, rtol: float) -> np.ndarray:
        position = super().limit(results[:, :-2], rtol)
        return np.concatenate([position, np.full((len(results), 2, results.shape[-1]), rtol)], axis=1)


@dataclass(frozen=True)
class _Both(Path):
    """An exact trajectory, and in the last rows how far the wrong score's one is from it."""

    @property
    def blocks(self) -> tuple[slice, ...]:
        n = len(self.part.y)
        return slice(n), slice(n, None)

    def field(self, y: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        x, difference = (y[rows] for rows in self.blocks)
        v = sigma * sigma
        mean, change = self.part.posterior.change(x, difference, v)
        wrong = self.part.score_error(x + difference, v, self.profile)
        return np.concatenate([(x - mean) / sigma, (difference - change) / sigma - sigma * wrong])

    def allowed(self, y: np.ndarray, after: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
        (x, difference), (x_after, difference_after) = ([length(rows[b]) for b in self.blocks] for rows in (y, after))
        rounding = 4 * EPS * np.maximum(x, x_after)
        bound = tolerance * np.maximum(difference, difference_after) + rounding
        return np.stack([*super().allowed(y[self.blocks[0]], after[self.blocks[0]], tolerance), bound])

    def limit(self, results: np.ndarray, rtol: float) -> np.ndarray:
        position = super().limit(results[:, self.blocks[0]], rtol)
        return np.concatenate([position, rtol * length(results[:, self.blocks[1]].swapaxes(0, 1))[:, None]], axis=1)


def _short_integral(q: np.ndarray, width: np.ndarray) -> np.ndarray:
    """``1/2 int e^{t/2 + q(1 - e^-t)} dt`` over [0, width]: the error over b and v, for a small range of the exponent."""
    weighted = zip(NODE_WEIGHTS, (node * width for node in NODES), strict=True)
    return sum(weight * np.exp(t / 2 - q * np.expm1(-t)) for weight, t in weighted) * width / 2


def _log_primitive(q: np.ndarray) -> np.ndarray:
    """``ln(1 - sqrt(pi) z erfcx z)`` of ``q = z^2``: for large z ``-ln(2 z^2)``, by the continued fraction of erfcx."""
    z = np.sqrt(q)
    far = np.maximum(z, FRACTION_FROM)
    tail = far
    for j in range(FRACTION_TERMS, 1, -1):
        tail = far + 0.5 * j / tail
    rest = 0.5 / tail
    return np.log(np.where(z < FRACTION_FROM, 1 - np.sqrt(np.pi) * z * erfcx(z), rest / (far + rest)))
