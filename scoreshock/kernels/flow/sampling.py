"""Trajectories between data and noise: the probability-flow ODE and the reverse SDE, for many starts at once.

In ``sigma = sqrt(v)`` the flow (11)/(49) is ``dx/dsigma = -sigma s = (x - m)/sigma`` with ``m`` the posterior mean: a
straight line wherever m is constant, so that steps are short only where a trajectory passes between components. A score
error ``e(x, tau)`` adds to ``s``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.flow.trajectory import RTOL, VOID, Mixture, Part, Path, Profile, in_pieces, lasting
from scoreshock.kernels.gaussian.mixture import responsibilities
from scoreshock.kernels.numerics.counter_rng import normals
from scoreshock.kernels.numerics.runge_kutta import EPS, solve
from scoreshock.kernels.numerics.vectors import inner

STEPS = 512
"""Default number of steps of the reverse SDE over all times."""


class Flow(NamedTuple):
    """Positions at the times (..., t, n), the estimate of their error (..., t, n), and status (..., t)."""

    trajectory: np.ndarray
    trajectory_error: np.ndarray
    trajectory_status: np.ndarray


def everywhere(*_point: Any) -> float:
    """A score error that is the same at all points."""
    return 1.0


def in_layer(x: np.ndarray, mixture: Mixture, tau: np.ndarray) -> np.ndarray:
    """Share ``(1 - sum r^2) k/(k - 1)`` by which a score error acts inside the layers, in [0, 1], (..., 1).

    For a pair it is ``4 r_1 r_2 = sech^2(a(x - x_b)/v)``: one on the boundary, with the width ``v/a`` of the layer (34).
    """
    r = np.moveaxis(responsibilities(x, *mixture, tau), -1, 0)
    return (4 * r[0] * r[1] if len(r) == 2 else ambiguity(r))[..., None]


def ambiguity(r: np.ndarray) -> np.ndarray:
    """``(1 - sum r^2) k/(k - 1)`` of responsibilities (k, ...): one where all components are equally likely.

    Examples
    --------
    >>> ambiguity(np.array([[0.25, 1.0]] * 2 + [[0.25, 0.0]] * 2)).tolist()[0]
    1.0
    """
    return inner(r, 1 - r) * (len(r) / max(len(r) - 1, 1))


def outside_layer(x: np.ndarray, mixture: Mixture, tau: np.ndarray) -> np.ndarray:
    """One minus `in_layer`: the share of a score error that acts in the regular region, (..., 1)."""
    return 1 - in_layer(x, mixture, tau)


PROFILES: dict[str, Profile] = {"everywhere": everywhere, "layer": in_layer, "outside": outside_layer}


def probability_flow(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    rtol: float = RTOL,
    bias: np.ndarray | None = None,
    profile: Profile = everywhere,
) -> Flow:
    r"""Trajectories of the probability-flow ODE :math:`dx/d\tau = -(s + e)`, (11)/(49), with the score error e.

    Parameters
    ----------
    x : (..., n)
        Starts, at the first time.
    means, weights, variance
        The mixture: (..., k, n), (..., k), (...).
    tau : (..., t)
        Diffusion times of the trajectory, monotonic, the first being the start; descending generates data.
    rtol : float
        Tolerance of the error, relative to the distances of the trajectory and of the furthest mean from the means' centre.
    bias : (..., n), optional
        Score error ``e = bias * profile``; without it the score is exact.
    profile : callable
        ``profile(x (..., n), Mixture, tau (...))``, a number or an array that broadcasts with x.

    Returns
    -------
    Flow
        Status ``ok`` where the error has stayed within the tolerance; ``unresolved``, with the values as computed, from the
        first time at which it has not: rounding errors of the start grow to more than the tolerance (close to the
        boundary of a sharp layer); from there on the error may be too small. ``failed`` with NaN where x is not finite, tau
        is not monotonic or no steps lead on; ``singular`` with NaN at v = 0, and at all times after it.

    Notes
    -----
    Each trajectory takes independent steps, `kernels.numerics.runge_kutta`, twice. The error is the difference of both
    runs, of which the finer is returned: it exceeds the finer one's error a hundredfold where truncation prevails.

    Examples
    --------
    A single Gaussian contracts with its standard deviation.

    >>> import numpy as np
    >>> one = probability_flow(np.array([2.0]), np.zeros((1, 1)), np.ones(1), np.array(1.0), np.array([1.5, 0.0]))
    >>> round(float(one.trajectory[-1, 0]), 12)
    1.0
    """

    def solved(part: Part) -> tuple[np.ndarray, ...]:
        done = solve(Path(part, profile), part.y, part.sigma(), rtol)
        results = part.absolute(done.results)
        status = part.status(done.failed, lasting(done.resolved[:, 0]))
        void = np.isin(status, VOID)[:, None]
        return np.where(void, np.nan, results), np.where(void, np.nan, done.error + EPS * np.abs(results)), status

    return Flow(*in_pieces(solved, _outputs(tau, x), x, means, weights, variance, tau, bias))


def reverse_sde(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    trajectory: np.ndarray,
    seed: int = 0,
    steps: int = STEPS,
    bias: np.ndarray | None = None,
    profile: Profile = everywhere,
) -> Flow:
    r"""Trajectories of the reverse SDE (10), :math:`dx = 2(s + e)\,d\tau_{rev} + \sqrt2\,d\bar W`.

    Parameters
    ----------
    x, means, weights, variance, bias, profile
        As for `probability_flow`.
    tau : (..., t)
        Diffusion times, descending.
    trajectory : (...)
        Whole number >= 0 of each trajectory: with ``seed`` it determines the noise, independently of the other trajectories.
    steps : int
        Steps over all times, the same number in each interval between them (rounded up to an even number).

    Returns
    -------
    Flow
        The error is the distance, in each coordinate, from the path of half as many steps through the same noise: an
        estimate of the path's error, which falls like one over ``steps``. Status ``singular`` with NaN from v = 0 on.

    Notes
    -----
    Exponential Euler steps, equal in ``ln v``: the posterior mean is held during a step and the rest is solved, mean and
    noise. Exact for one Gaussian at any number of steps; otherwise of order one in the steps' width, path by path and in
    law. Nothing adapts the steps to a tolerance: where the error is too large, take more.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.zeros((1, 1)), np.ones(1), np.array(1.0)
    >>> path = reverse_sde(np.array([2.0]), *one, np.array([1.5, 0.0]), np.array(3), seed=1)
    >>> path.trajectory.shape
    (2, 1)
    """
    count = 2 * max(1, -(-steps // (2 * max(tau.shape[-1] - 1, 1))))

    def sampled(part: Part) -> tuple[np.ndarray, ...]:
        void = part.singular()
        y, difference = map(np.stack, zip(*_noisy(part, profile, seed, count), strict=True))
        results, error = (np.where(void[:, None], np.nan, a) for a in (part.absolute(y), difference))
        return results, error, np.where(void, np.int8(Status.singular), np.int8(Status.ok))

    return Flow(*in_pieces(sampled, _outputs(tau, x), x, means, weights, variance, tau, bias, trajectory))


def _outputs(tau: np.ndarray, x: np.ndarray) -> list[tuple[tuple[int, ...], Any]]:
    """Core shape and type of each field of `Flow`."""
    times, features = tau.shape[-1], x.shape[-1]
    return [((times, features), float), ((times, features), float), ((times,), np.int8)]


def _noisy(part: Part, profile: Profile, seed: int, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Position of each point at each time, (n, P), and its distance from the path of half as many steps, same noise."""
    fine, coarse, n = part.y.copy(), part.y.copy(), len(part.y)
    yield fine, np.zeros_like(fine)
    for i in range(1, len(part.tau)):
        v = part.variance + 2 * part.tau[i - 1]
        width = np.log1p(2 * (part.tau[i] - part.tau[i - 1]) / v)
        h, noise = width / count, np.zeros_like(fine)
        for j in range(count):
            indices = [((i - 1) * count + j) * n + feature for feature in range(n)]
            z = np.stack([normals(seed, part.number, index) for index in indices])
            at = v * np.exp(width * (j / count))
            fresh = np.sqrt(-at * np.exp(h) * np.expm1(h)) * z
            fine = _drifted(part, profile, fine, at, h) + fresh
            noise = np.exp(h) * noise + fresh
            if j % 2:
                coarse = _drifted(part, profile, coarse, v * np.exp(width * ((j - 1) / count)), 2 * h) + noise
                noise = np.zeros_like(fine)
        yield fine, np.abs(fine - coarse)


def _drifted(part: Part, profile: Profile, y: np.ndarray, v: np.ndarray, h: np.ndarray) -> np.ndarray:
    """A step of the reverse SDE from ``v`` to ``v e^h``, ``h < 0``, without its noise."""
    drift = -np.expm1(h) * (part.posterior.mean(y, v) - y)
    if len(part.bias):
        drift -= np.exp(h) * v * h * part.score_error(y, v, profile)
    return y + drift
