"""Trajectories between data and noise: the probability-flow ODE and the reverse SDE, for many starts at once.

In ``l = ln v`` the flow (11)/(49) is ``dx/dl = -(v/2) s = (x - m)/2`` with ``m`` the posterior mean: it is not stiff, and
equal steps in ``l`` resolve every level of noise alike. A score error ``e(x, tau)`` adds to ``s``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.blocks import FEW_FEATURES
from scoreshock.kernels.mixture import responsibilities, score
from scoreshock.kernels.noise import normals

STEPS = 512
"""Default number of steps over all times: some nine digits where a trajectory does not linger in a sharp layer."""

PIECE = 1 << 15
"""Coordinates that march together: the few arrays of a step stay in cache."""

Profile = Callable[..., Any]
Field = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Mixture(NamedTuple):
    """``means (..., k, n)``, ``weights (..., k)``, ``variance (...)``."""

    means: np.ndarray
    weights: np.ndarray
    variance: np.ndarray


class Flow(NamedTuple):
    """Trajectories at the times asked for: ``x`` and ``error (..., t, n)``, ``status (..., t)``.

    ``error`` is the estimate of the integration's error by step doubling, >= 0.
    """

    x: np.ndarray
    error: np.ndarray
    status: np.ndarray


def everywhere(*_point: Any) -> float:
    """A score error that is the same at all points."""
    return 1.0


def in_layer(x: np.ndarray, mixture: Mixture, tau: np.ndarray) -> np.ndarray:
    """Share ``(1 - sum r^2) k/(k - 1)`` by which a score error acts inside the layers, in [0, 1], (..., 1).

    For a pair it is ``4 r_1 r_2 = sech^2(a(x - x_b)/v)``: one on the boundary, with the layer's own width ``v/a`` (34).
    """
    r = responsibilities(x, *mixture, tau)
    k = r.shape[-1]
    if k == 2:
        return 4 * r[..., :1] * r[..., 1:]
    mixed = r[..., :1] * (1 - r[..., :1])
    for j in range(1, k):
        mixed += r[..., j : j + 1] * (1 - r[..., j : j + 1])
    return mixed * (k / max(k - 1, 1))


def outside_layer(x: np.ndarray, mixture: Mixture, tau: np.ndarray) -> np.ndarray:
    """What `in_layer` leaves: the share of a score error that acts in the regular region."""
    return 1 - in_layer(x, mixture, tau)


PROFILES: dict[str, Profile] = {"everywhere": everywhere, "layer": in_layer, "outside": outside_layer}


def probability_flow(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    steps: int = STEPS,
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
        Diffusion times at which the trajectory is wanted, the first being the start; descending generates data.
    steps : int
        Steps over all times, the same number in each interval between them (rounded up to an even number).
    bias : (..., n), optional
        Score error ``e = bias * profile``; without it the score is exact.
    profile : callable
        ``profile(x (..., n), Mixture, tau (...))``, a number or an array that broadcasts with x.

    Returns
    -------
    Flow
        The classical fourth-order method in ``ln v``, extrapolated from ``steps`` and ``steps/2`` (so of order five, while
        ``error`` is that of order four). ``singular`` with NaN at v = 0, and at all times after it.

    Examples
    --------
    A single Gaussian contracts with its standard deviation.

    >>> import numpy as np
    >>> one = probability_flow(np.array([2.0]), np.zeros((1, 1)), np.ones(1), np.array(1.0), np.array([1.5, 0.0]))
    >>> round(float(one.x[-1, 0]), 12)
    1.0
    """
    given = [(x, 1), (means, 2), (weights, 1), (variance, 0), (tau, 1)] + ([] if bias is None else [(bias, 1)])
    lead = np.broadcast_shapes(*(a.shape[: a.ndim - core] for a, core in given))
    size = (*lead, tau.shape[-1], x.shape[-1])
    found, error = np.empty(size), np.empty(size)
    half = max(1, -(-steps // (2 * max(tau.shape[-1] - 1, 1))))
    with np.errstate(all="ignore"):
        for cut in pieces(lead, max(1, PIECE // x.shape[-1])):
            start, mu, w, s2, times, *extra = (part(a, core, cut, lead) for a, core in given)
            shape = found[cut].shape[:-2]
            centre = centre_of(mu)
            mixture = Mixture(mu - centre[..., None, :], w, s2)
            wrong = None if bias is None else (extra[0], profile, centre, Mixture(mu, w, s2))
            field = _field(mixture, wrong)
            fine = np.broadcast_to(start - centre, (*shape, x.shape[-1])).copy()
            coarse = fine.copy()
            for i in range(times.shape[-1]):
                if i:
                    v, width = _interval(times, s2, i)
                    _march(fine, field, v, width, 2 * half)
                    _march(coarse, field, v, width, half)
                difference = (fine - coarse) / 15
                found[cut][..., i, :] = centre + (fine + difference)
                error[cut][..., i, :] = np.abs(difference)
    status = np.broadcast_to(_status(variance, tau), size[:-1])
    bad = status == Status.singular
    found[bad], error[bad] = np.nan, np.nan
    return Flow(found, error, status)


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
) -> tuple[np.ndarray, np.ndarray]:
    r"""Trajectories of the reverse SDE (10), :math:`dx = 2(s + e)\,d\tau_{rev} + \sqrt2\,d\bar W`.

    Parameters
    ----------
    x, means, weights, variance, steps, bias, profile
        As for `probability_flow`.
    tau : (..., t)
        Diffusion times, descending.
    trajectory : (...)
        Whole number >= 0 of each trajectory: with ``seed`` it decides the noise, whatever is computed beside it.

    Returns
    -------
    x : (..., t, n)
    status : (..., t)
        ``singular`` with NaN from v = 0 on.

    Notes
    -----
    Exponential Euler steps, equal in ``ln v``: the posterior mean is held during a step and the rest is solved, mean and
    noise. Exact for one Gaussian at any number of steps, of weak order one otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.zeros((1, 1)), np.ones(1), np.array(1.0)
    >>> x, _ = reverse_sde(np.array([2.0]), *one, np.array([1.5, 0.0]), np.array(3), seed=1)
    >>> x.shape
    (2, 1)
    """
    given = [(x, 1), (means, 2), (weights, 1), (variance, 0), (tau, 1), (trajectory, 0)]
    given += [] if bias is None else [(bias, 1)]
    lead = np.broadcast_shapes(*(a.shape[: a.ndim - core] for a, core in given))
    n, count = x.shape[-1], max(1, -(-steps // max(tau.shape[-1] - 1, 1)))
    found = np.empty((*lead, tau.shape[-1], n))
    with np.errstate(all="ignore"):
        for cut in pieces(lead, max(1, PIECE // n)):
            start, mu, w, s2, times, number, *extra = (part(a, core, cut, lead) for a, core in given)
            centre = centre_of(mu)
            mixture = Mixture(mu - centre[..., None, :], w, s2)
            wrong = None if bias is None else (extra[0], profile, centre, Mixture(mu, w, s2))
            mean = _posterior_mean(mixture)
            y = np.broadcast_to(start - centre, (*found[cut].shape[:-2], n)).copy()
            found[cut][..., 0, :] = centre + y
            for i in range(1, times.shape[-1]):
                v, width = _interval(times, s2, i)
                for j in range(count):
                    places = [((i - 1) * count + j) * n + feature for feature in range(n)]
                    z = np.stack([normals(seed, number, place) for place in places], axis=-1)
                    _diffuse(y, mean, v * np.exp(width * (j / count)), width / count, z, wrong)
                found[cut][..., i, :] = centre + y
    status = np.broadcast_to(_status(variance, tau), found.shape[:-1])
    found[status == Status.singular] = np.nan
    return found, status


def pieces(lead: tuple[int, ...], limit: int) -> Iterator[tuple[slice, ...]]:
    """Cuts of the leading shape, along its longest axis, into pieces of about ``limit`` points."""
    if not lead:
        yield ()
        return
    axis = int(np.argmax(lead))
    others = int(np.prod(lead)) // max(lead[axis], 1)
    step = max(1, limit // max(others, 1))
    for start in range(0, lead[axis], step):
        yield tuple(slice(start, start + step) if i == axis else slice(None) for i in range(len(lead)))


def part(array: np.ndarray, core: int, cut: tuple[slice, ...], lead: tuple[int, ...]) -> np.ndarray:
    """A piece of an argument, which keeps its dimensions of size one."""
    own = array.shape[: array.ndim - core]
    return array[tuple(slice(None) if s == 1 else c for s, c in zip(own, cut[len(lead) - len(own) :], strict=True))]


def centre_of(means: np.ndarray) -> np.ndarray:
    """Unweighted mean of the means, (..., n): exactly the midpoint of a pair. A march keeps its digits relative to it."""
    k = means.shape[-2]
    if k == 2:
        return 0.5 * (means[..., 0, :] + means[..., 1, :])
    centre = means[..., 0, :]
    for j in range(1, k):
        centre = centre + (means[..., j, :] - means[..., 0, :]) / k
    return centre


def _interval(tau: np.ndarray, variance: np.ndarray, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Variance at time ``i - 1`` and the step in ``ln v`` to time ``i``; differences of tau are exact."""
    v = variance + 2 * tau[..., i - 1]
    return v, np.log1p(2 * (tau[..., i] - tau[..., i - 1]) / v)


def _error(x: np.ndarray, v: np.ndarray, wrong: tuple[Any, ...]) -> np.ndarray:
    bias, profile, centre, mixture = wrong
    return bias * profile(x + centre, mixture, (v - mixture.variance) / 2)


def _field(mixture: Mixture, wrong: tuple[Any, ...] | None) -> Field:
    """The flow's ``dx/d(ln v) = (x - m)/2 - (v/2) e``, in an array of its own."""
    mean = _posterior_mean(mixture)

    def field(x: np.ndarray, v: np.ndarray) -> np.ndarray:
        slope = x - mean(x, v)
        if wrong is not None:
            slope -= v[..., None] * _error(x, v, wrong)
        slope *= 0.5
        return slope

    return field


def _posterior_mean(mixture: Mixture) -> Field:
    """Posterior mean relative to the centre, (..., n); what does not change along a trajectory is formed once."""
    means, weights, _ = mixture
    k, n = means.shape[-2:]
    if n > FEW_FEATURES:
        zero = np.zeros(())
        return lambda x, v: x + v[..., None] * score(x, means, weights, v, zero)
    if k == 2:
        half = 0.5 * (means[..., 1, :] - means[..., 0, :])
        odds = 0.5 * (np.log(weights[..., 1]) - np.log(weights[..., 0]))
        return lambda x, v: half * np.tanh(_inner(half, x) / v + odds)[..., None]
    log_weights = np.log(weights)
    squares = [0.5 * _inner(means[..., j, :], means[..., j, :]) for j in range(k)]

    def mean(x: np.ndarray, v: np.ndarray) -> np.ndarray:
        logits = [(_inner(means[..., j, :], x) - squares[j]) / v + log_weights[..., j] for j in range(k)]
        peak = reduce(np.maximum, logits)
        e = [np.exp(logit - peak)[..., None] for logit in logits]
        return reduce(np.add, [e[j] * means[..., j, :] for j in range(k)]) / reduce(np.add, e)

    return mean


def _inner(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return reduce(np.add, [a[..., i] * b[..., i] for i in range(a.shape[-1])])


def _march(x: np.ndarray, field: Field, v: np.ndarray, width: np.ndarray, count: int) -> None:
    """``count`` classical Runge-Kutta steps in ``ln v`` from ``v`` over ``width``, in place."""
    h = np.asarray(width / count)[..., None]
    stage, end = np.empty_like(x), v
    for j in range(count):
        begin, middle, end = end, v * np.exp(width * ((j + 0.5) / count)), v * np.exp(width * ((j + 1) / count))
        slope = field(x, begin)
        rise = slope
        for factor, weight, at in ((0.5, 2.0, middle), (0.5, 2.0, middle), (1.0, 1.0, end)):
            np.multiply(slope, factor * h, out=stage)
            stage += x
            slope = field(stage, at)
            rise = _raised(rise, slope, weight)
        rise *= h / 6
        x += rise


def _raised(rise: np.ndarray, slope: np.ndarray, weight: float) -> np.ndarray:
    """``rise + weight slope``; the last slope may be spent."""
    return rise + slope if weight == 1 else rise + weight * slope


def _diffuse(y: np.ndarray, mean: Field, v: np.ndarray, h: np.ndarray, z: np.ndarray, wrong: tuple[Any, ...] | None) -> None:
    """One step of the reverse SDE from ``v`` to ``v e^h``, ``h < 0``, in place."""
    after = v * np.exp(h)
    drift = -np.expm1(h)[..., None] * (mean(y, v) - y)
    if wrong is not None:
        drift -= (after * h)[..., None] * _error(y, v, wrong)
    y += drift
    y += np.sqrt(-after * np.expm1(h))[..., None] * z


def _status(variance: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """``singular`` from the first time at which v = 0, (..., t)."""
    empty = ~(variance[..., None] + 2 * tau > 0)
    return np.where(np.logical_or.accumulate(empty, axis=-1), np.int8(Status.singular), np.int8(Status.ok))
