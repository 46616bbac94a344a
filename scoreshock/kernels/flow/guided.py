r"""Guided generation: a class's score mixed with the score of all, on an interval of noise levels.

At weight w the score is ``s_w = w s(x|c) + (1 - w) s(x)``, so that in ``sigma = sqrt(v)`` the flow is
``dx/dsigma = (x - m_w)/sigma`` with ``m_w = w m_c + (1 - w) m`` of the posterior means. With partial noise
``dx = (1 + eta^2) s dtau_rev + eta sqrt(2) dW``, which for eta = 1 is the reverse SDE.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.flow.trajectory import RTOL, Posterior, lasting
from scoreshock.kernels.numerics.batching import in_batches
from scoreshock.kernels.numerics.counter_rng import normals
from scoreshock.kernels.numerics.log_odds import about_centre
from scoreshock.kernels.numerics.runge_kutta import EPS, length, solve

STEPS = 512
"""Default number of steps with noise over all times."""

CUT = 2.0**-42
"""Relative width of the step in which the guidance weight jumps: its error is as small, and rounding is smaller."""

BATCH = 1 << 12


CORES = (2, 1, 1, 0, 0, 0, 0, 0)
"""Own dimensions of each field of `Guidance`."""


class Guidance(NamedTuple):
    """A mixture and how its score is guided: :math:`s_w = w\\,s(x|c) + (1-w)\\,s(x)`; leading dimensions broadcast.

    ``means (..., k, n)``, ``weights (..., k)``, ``variance (...)``; ``class_weights (..., k)`` are the weights of the
    components of the class, 0 of others; ``weight`` is w where ``sigma_low < sigma <= sigma_high``, ``sigma = sqrt(2 tau)``,
    and ``outside_weight`` elsewhere: 1 is the class's score, 0 that of all.
    """

    means: np.ndarray
    weights: np.ndarray
    class_weights: np.ndarray
    variance: np.ndarray
    weight: np.ndarray
    sigma_low: np.ndarray
    sigma_high: np.ndarray
    outside_weight: np.ndarray

    def over(self, lead: tuple[int, ...]) -> Guidance:
        """All fields with the leading shape ``lead``."""
        return Guidance(*(np.broadcast_to(a, lead + a.shape[a.ndim - core :]) for a, core in zip(self, CORES, strict=True)))

    def of_samples(self) -> Guidance:
        """The fields with a last leading dimension of length 1."""
        return Guidance(*(np.expand_dims(a, a.ndim - core) for a, core in zip(self, CORES, strict=True)))


class GuidedFlow(NamedTuple):
    """Positions (..., t, n), the estimate of their error (..., t, n), and status (..., t)."""

    trajectory: np.ndarray
    trajectory_error: np.ndarray
    trajectory_status: np.ndarray


@dataclass(frozen=True)
class Guide:
    """Posteriors of all components and of the class, and the weight of the class's, for each of P points."""

    everything: Posterior
    of_class: Posterior
    weight: np.ndarray
    outside: np.ndarray
    low: np.ndarray  # of sigma = sqrt(v)
    high: np.ndarray

    def take(self, index: np.ndarray) -> Guide:
        everything, of_class = self.everything.take(index), self.of_class.take(index)
        return Guide(everything, of_class, self.weight[index], self.outside[index], self.low[index], self.high[index])

    def mean(self, y: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """Posterior mean (n, P) of the guided score at ``y (n, P)``."""
        w = np.where((sigma > self.low) & (sigma <= self.high), self.weight, self.outside)
        mean, v = self.everything.mean(y, sigma * sigma), sigma * sigma
        # At weight 0 the class may be so far that its own mean is of no use.
        return mean + np.where(w == 0, 0.0, w * (self.of_class.mean(y, v) - mean))


@dataclass(frozen=True)
class _Flow:
    """The equation of the probability flow, as `runge_kutta.System`."""

    guide: Guide
    extent: np.ndarray

    @property
    def blocks(self) -> tuple[slice, ...]:
        return (slice(None),)

    def take(self, index: np.ndarray) -> _Flow:
        return replace(self, guide=self.guide.take(index), extent=self.extent[index])

    def field(self, y: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        return (y - self.guide.mean(y, sigma)) / sigma

    def allowed(self, y: np.ndarray, after: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
        return (tolerance * np.maximum(length(y), length(after)) + 16 * EPS * self.extent)[None]

    def results(self, y: np.ndarray) -> np.ndarray:
        return y

    def limit(self, results: np.ndarray, rtol: float) -> np.ndarray:
        return (rtol * (length(results.swapaxes(0, 1)) + self.extent))[:, None]


def guided_flow(
    x: np.ndarray,
    tau: np.ndarray,
    guidance: Guidance,
    rtol: float = RTOL,
) -> GuidedFlow:
    r"""Probability flow :math:`dx/d\tau = -s_w` with the score :math:`s_w = w\,s(x|c) + (1-w)\,s(x)`.

    Parameters
    ----------
    x : (..., n)
        Starts, at the first time.
    tau : (..., t)
        Diffusion times, monotonic, the first being the start.
    guidance
        The mixture, the class, weights and interval.
    rtol : float
        Tolerance of the error, relative to the distances of the trajectory and of the furthest mean from the means' centre.

    Returns
    -------
    GuidedFlow
        Status as of `sampling.probability_flow`.

    Notes
    -----
    Steps end at both ends of the interval, `kernels.numerics.runge_kutta`.

    Examples
    --------
    A strong weight drives a sample beyond the class's mean.

    >>> pair = np.array([[-1.0], [1.0]]), np.full(2, 0.5), np.array([0.0, 1.0]), np.array(0.01)
    >>> guides = [Guidance(*pair, *map(np.array, (w, 0.0, 9.0, 1.0))) for w in (1.0, 4.0)]
    >>> ends = [guided_flow(np.zeros(1), np.array([2.0, 0.0]), guide) for guide in guides]
    >>> [round(float(end.trajectory[-1, 0]), 3) for end in ends]
    [0.95, 1.034]
    """
    times, n = tau.shape[-1], x.shape[-1]

    def solved(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        x, tau, *guided = arrays
        start, guide, origin, sigma, void = _prepared(x, tau, Guidance(*guided))
        system = _Flow(guide, np.max([length(mean) for mean in guide.everything.means], axis=0))
        track, back = _with_ends(sigma, guide)
        done = solve(system, start, track, rtol)
        results, error = (np.take_along_axis(rows, back[:, None], axis=0) for rows in (done.results, done.error))
        resolved = np.take_along_axis(lasting(done.resolved[:, 0]), back, axis=0)
        status = np.where(resolved, np.int8(Status.ok), np.int8(Status.unresolved))
        status = np.where(done.failed, np.int8(Status.failed), status)
        status = np.where(void, np.int8(Status.singular), status)
        missing = np.isin(status, (Status.singular, Status.failed))[:, None]
        return np.where(missing, np.nan, origin + results), np.where(missing, np.nan, error), status

    outputs = [((times, n), float), ((times, n), float), ((times,), np.int8)]
    arguments = [(x, 1), (tau, 1), *zip(guidance, CORES, strict=True)]
    return GuidedFlow(*in_batches(solved, arguments, outputs, BATCH))


def guided_noise(
    x: np.ndarray,
    tau: np.ndarray,
    guidance: Guidance,
    noise: np.ndarray,
    trajectory: np.ndarray,
    seed: int = 0,
    steps: int = STEPS,
) -> GuidedFlow:
    r"""Generation with partial noise, :math:`dx = (1+\eta^2) s_w\,d\tau_{rev} + \eta\sqrt2\,d\bar W`.

    Parameters
    ----------
    x, tau, guidance
        As for `guided_flow`; tau descending.
    noise : (...)
        eta >= 0: 0 is the probability flow, 1 the reverse SDE. With the exact score marginals are the same for all.
    trajectory : (...)
        Whole number >= 0 of each trajectory, which with ``seed`` determines its noise.
    steps : int
        Steps over all times, equal in ln v, the same number in each interval between times.

    Returns
    -------
    GuidedFlow
        The error is the distance from the path of half as many steps through the same noise.

    Notes
    -----
    Exponential steps: the posterior mean is held during a step, with the weight at its noisier end, as samplers do. The rest
    is solved: ``y -> y (v'/v)^((1 + eta^2)/2)``, y the distance from that mean, plus noise of variance
    ``v' (1 - (v'/v)^(eta^2))``.

    Examples
    --------
    >>> one = np.zeros((1, 1)), np.ones(1), np.ones(1), np.array(1.0)
    >>> guide = Guidance(*one, *map(np.array, (1.0, 0.0, 9.0, 1.0)))
    >>> found = guided_noise(np.array([2.0]), np.array([1.5, 0.0]), guide, np.array(0.0), np.array(0))
    >>> float(found.trajectory[-1, 0].round(12))  # one Gaussian contracts with its standard deviation
    1.0
    """
    times, n = tau.shape[-1], x.shape[-1]
    count = 2 * max(1, -(-steps // (2 * max(times - 1, 1))))

    def sampled(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        x, tau, *guided, eta, number = arrays
        start, guide, origin, sigma, void = _prepared(x, tau, Guidance(*guided))
        y, error = _noisy(start, guide, sigma, eta, number, seed, count)
        status = np.where(void, np.int8(Status.singular), np.int8(Status.ok))
        missing = void[:, None]
        return np.where(missing, np.nan, origin + y), np.where(missing, np.nan, error), status

    outputs = [((times, n), float), ((times, n), float), ((times,), np.int8)]
    arguments = [(x, 1), (tau, 1), *zip(guidance, CORES, strict=True), (noise, 0), (trajectory, 0)]
    return GuidedFlow(*in_batches(sampled, arguments, outputs, BATCH))


def _prepared(
    x: np.ndarray, tau: np.ndarray, guidance: Guidance
) -> tuple[np.ndarray, Guide, np.ndarray, np.ndarray, np.ndarray]:
    """Starts about the centre (n, P), the guide, the centre (n, P), ``sqrt(v)`` and whether it is singular, (t, P)."""
    centre, remainder, offset = about_centre(guidance.means)
    low, high = (np.sqrt(guidance.variance + sigma * sigma) for sigma in (guidance.sigma_low, guidance.sigma_high))
    everything, of_class = Posterior(offset, guidance.weights), Posterior(offset, guidance.class_weights)
    guide = Guide(everything, of_class, guidance.weight, guidance.outside_weight, low, high)
    v = guidance.variance + 2 * tau
    void = np.logical_or.accumulate(~(v > 0), axis=0)
    sigma = np.sqrt(np.where(void, np.inf, v))
    least = np.where(np.isfinite(sigma), sigma, np.inf).min(axis=0)
    sigma = np.where(np.isfinite(sigma), sigma, np.where(np.isfinite(least), least, 1.0))
    return (x - centre) - remainder, guide, centre + remainder, sigma, void


def _with_ends(sigma: np.ndarray, guide: Guide) -> tuple[np.ndarray, np.ndarray]:
    """Times (t + 4, P) with those just at and just above both ends of the interval, and where the first ones are, (t, P)."""
    first, last = sigma[0], sigma[-1]
    ends = np.stack([each * (1 + shift) for each in (guide.low, guide.high) for shift in (0.0, CUT)])
    ends = np.clip(ends, np.minimum(first, last), np.maximum(first, last))
    track = np.concatenate([sigma, ends])
    order = np.argsort(np.where(first > last, -track, track), axis=0, kind="stable")
    place = np.argsort(order, axis=0, kind="stable")
    return np.take_along_axis(track, order, axis=0), place[: len(sigma)]


def _noisy(
    start: np.ndarray, guide: Guide, sigma: np.ndarray, eta: np.ndarray, number: np.ndarray, seed: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Positions at the times (t, n, P), and their distance from the path of half as many steps through the same noise."""
    fine, coarse, n = start.copy(), start.copy(), len(start)
    positions, errors = [fine], [np.zeros_like(fine)]
    square = eta * eta
    for i in range(1, len(sigma)):
        h = 2 * np.log(sigma[i] / sigma[i - 1]) / count
        gone = np.zeros_like(fine)
        for j in range(count):
            at = sigma[i - 1] * np.exp(0.5 * h * j)
            draws = np.stack([normals(seed, number, ((i - 1) * count + j) * n + row) for row in range(n)])
            fresh = at * np.exp(0.5 * h) * np.sqrt(-np.expm1(h * square)) * draws
            fine = _drifted(guide, fine, at, h, square) + fresh
            gone = np.exp(0.5 * h * (1 + square)) * gone + fresh
            if j % 2:
                coarse = _drifted(guide, coarse, at * np.exp(-0.5 * h), 2 * h, square) + gone
                gone = np.zeros_like(fine)
        positions.append(fine)
        errors.append(np.abs(fine - coarse))
    return np.stack(positions), np.stack(errors)


def _drifted(guide: Guide, y: np.ndarray, sigma: np.ndarray, h: np.ndarray, square: np.ndarray) -> np.ndarray:
    """A step from ``v`` to ``v e^h`` without its noise."""
    mean = guide.mean(y, sigma)
    return y - np.expm1(0.5 * h * (1 + square)) * (mean - y)
