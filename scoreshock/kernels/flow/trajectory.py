"""Parts that trajectories share: arguments in pieces with the points last, the posterior, the equation of the flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.mixture import responsibilities, score
from scoreshock.kernels.numerics.batching import boxes, core_first
from scoreshock.kernels.numerics.blocks import FEW_FEATURES
from scoreshock.kernels.numerics.eigenvalues import largest
from scoreshock.kernels.numerics.log_odds import about_centre
from scoreshock.kernels.numerics.runge_kutta import EPS, length
from scoreshock.kernels.numerics.vectors import added, inner

PIECE = 1 << 13
"""Coordinates that go together: the arrays of a step stay in cache."""

VOID = (Status.singular, Status.not_applicable, Status.failed)
"""Statuses of trajectories without numbers."""

ZERO = np.zeros(())

RTOL = 1e-8
"""Default tolerance of trajectories and of integrals along them."""

Profile = Callable[..., Any]


class Mixture(NamedTuple):
    """``means (..., k, n)``, ``weights (..., k)``, ``variance (...)``."""

    means: np.ndarray
    weights: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True)
class Posterior:
    """Posterior moments of ``means (k, n, Q)`` with ``weights (k, Q)``; Q = 1 where all points share a mixture."""

    means: np.ndarray
    weights: np.ndarray

    def take(self, index: np.ndarray) -> Posterior:
        return self if self.means.shape[-1] == 1 else Posterior(self.means[..., index], self.weights[:, index])

    def mean(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Posterior mean (n, P) at ``x (n, P)`` and component variance ``v (P,)``."""
        k, n, _ = self.means.shape
        if n > FEW_FEATURES:
            return x + v * score(x.T, *self._core_last(), v, ZERO).T
        if k == 2:
            half, z = self._pair(x, v)
            return half * np.tanh(z)
        e, total = self._shares(x, v)
        return added([e[j] * self.means[j] for j in range(k)]) / total

    def change(self, x: np.ndarray, step: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean (n, P), and how much a step (n, P) from ``x`` changes it, to the last digits of a short one."""
        mean = self.mean(x, v)
        r = self._responsibilities(x, v)
        offset = [mu - mean for mu in self.means]
        logit = [inner(o, step) / v for o in offset]
        gained = [share * np.expm1(g) for share, g in zip(r, logit, strict=True)]
        short = added([g * o for g, o in zip(gained, offset, strict=True)]) / (1 + added(gained))
        near = reduce(np.maximum, [np.abs(g) for g in logit]) < 1
        return mean, np.where(near, short, self.mean(x + step, v) - mean)

    def moments(self, x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean (n, P) and the largest eigenvalue of the posterior covariance, (P,)."""
        k, n, _ = self.means.shape
        if k == 2 and n <= FEW_FEATURES:
            half, z = self._pair(x, v)
            return half * np.tanh(z), inner(half, half) / np.cosh(z) ** 2
        mean = self.mean(x, v)
        r = self._responsibilities(x, v)
        if n > FEW_FEATURES:
            return mean, _largest(_weighted(r, self._products(r)))
        offset = [mu - mean for mu in self.means]
        if n < k:
            rows = [[inner(r, [o[i] * o[j] for o in offset]) for j in range(n)] for i in range(n)]
            return mean, _largest(np.array(rows))
        products = np.array([[inner(a, b) for b in offset] for a in offset])
        return mean, _largest(_weighted(r, products))

    def _pair(self, x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Half the difference of the means, and half the log-odds of the second."""
        half = 0.5 * (self.means[1] - self.means[0])
        return half, inner(half, x) / v + 0.5 * (np.log(self.weights[1]) - np.log(self.weights[0]))

    def _shares(self, x: np.ndarray, v: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Responsibilities times a number, k of (P,), and their sum."""
        logits = [
            (inner(mu, x) - 0.5 * inner(mu, mu)) / v + log_weight
            for mu, log_weight in zip(self.means, np.log(self.weights), strict=True)
        ]
        peak = reduce(np.maximum, logits)
        e = [np.exp(logit - peak) for logit in logits]
        return e, added(e)

    def _responsibilities(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """(k, P)."""
        if len(x) > FEW_FEATURES:
            return responsibilities(x.T, *self._core_last(), v, ZERO).T
        e, total = self._shares(x, v)
        return np.array([row / total for row in e])

    def _core_last(self) -> tuple[np.ndarray, np.ndarray]:
        return np.moveaxis(self.means, -1, 0), self.weights.T

    def _products(self, r: np.ndarray) -> np.ndarray:
        """Inner products of the means about the mean with weights ``r (k, P)``, (k, k, P)."""
        products = np.array([[inner(a, b) for b in self.means] for a in self.means])
        about = added([share * row for share, row in zip(r, products, strict=True)])
        return products - about - about[:, None] + inner(r, about)


@dataclass(frozen=True)
class Part:
    """A piece of the arguments, P points: posterior and starts ``y (n, P)`` about the ``centre`` (+ ``remainder``).

    ``variance (P,)``, ``tau (t, P)``, ``means (k, n, Q)`` in absolute coordinates, ``bias (n, P)``, and the
    ``number (P,)`` of each trajectory.
    """

    posterior: Posterior
    variance: np.ndarray
    tau: np.ndarray
    y: np.ndarray
    means: np.ndarray
    centre: np.ndarray
    remainder: np.ndarray
    bias: np.ndarray
    number: np.ndarray

    def take(self, index: np.ndarray) -> Part:
        """Some of the points."""
        by_mixture = ("means", "centre", "remainder") if self.centre.shape[-1] > 1 else ()
        names = ("variance", "tau", "y", *by_mixture, "bias", "number")
        rows = {name: getattr(self, name)[..., index] for name in names}
        return replace(self, posterior=self.posterior.take(index), **rows)

    @property
    def extent(self) -> np.ndarray:
        """Distance of the furthest mean from the centre, (P,) or (1,)."""
        return reduce(np.maximum, [length(mu) for mu in self.posterior.means])

    def mixture(self) -> Mixture:
        """The mixture in absolute coordinates, with the points first."""
        return Mixture(np.moveaxis(self.means, -1, 0), self.posterior.weights.T, self.variance)

    def score_error(self, y: np.ndarray, v: np.ndarray, profile: Profile) -> np.ndarray:
        """``bias * profile`` at ``y (n, P)``, (n, P)."""
        share = profile((y + self.centre).T, self.mixture(), (v - self.variance) / 2)
        return self.bias * np.broadcast_to(share, y.T.shape).T

    def singular(self) -> np.ndarray:
        """Which times come at or after the first at which v = 0, (t, P)."""
        return np.logical_or.accumulate(~(self.variance + 2 * self.tau > 0), axis=0)

    def sigma(self) -> np.ndarray:
        """``sqrt(v)`` at the times, (t, P), constant from where it is singular."""
        sigma = np.where(self.singular(), np.inf, np.sqrt(self.variance + 2 * self.tau))
        least = sigma.min(axis=0)
        return np.where(np.isfinite(sigma), sigma, np.where(np.isfinite(least), least, 1.0))

    def status(self, failed: np.ndarray, resolved: np.ndarray) -> np.ndarray:
        """Outcome at each time, (t, P)."""
        status = np.where(resolved, np.int8(Status.ok), np.int8(Status.unresolved))
        status = np.where(failed, np.int8(Status.failed), status)
        return np.where(self.singular(), np.int8(Status.singular), status)


def pieces_of(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    bias: np.ndarray | None = None,
    number: np.ndarray = ZERO,
) -> tuple[tuple[int, ...], Iterator[tuple[tuple[slice, ...], Part]]]:
    """The leading shape of all arguments, and where each piece of it lies with its part of them."""
    extra = np.zeros(0) if bias is None else bias
    given = [(x, 1), (means, 2), (weights, 1), (variance, 0), (tau, 1), (extra, 1), (number, 0)]
    lead = np.broadcast_shapes(*(a.shape[: a.ndim - core] for a, core in given))
    own = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1])
    limit = max(1, PIECE // (x.shape[-1] if prod(own) == 1 else prod(means.shape[-2:])))

    def parts() -> Iterator[tuple[tuple[slice, ...], Part]]:
        for cut in boxes(lead, limit):
            yield cut, _part(given, cut, lead)

    return lead, parts()


def _part(given: list[tuple[np.ndarray, int]], cut: tuple[slice, ...], lead: tuple[int, ...]) -> Part:
    x, means, weights, variance, tau, bias, number = (_cut(a, core, cut, lead) for a, core in given)
    shape = tuple(len(range(*c.indices(size))) for c, size in zip(cut, lead, strict=True))
    own = shape
    if np.prod(np.broadcast_shapes(means.shape[:-2], weights.shape[:-1])) == 1:
        own, means, weights = (), means.reshape(means.shape[-2:]), weights.ravel()
    in_place = core_first(means, 2, own)
    centre, remainder, offset = about_centre(in_place)
    start = (core_first(x, 1, shape) - centre) - remainder
    times = core_first(tau, 1, shape)
    step = np.diff(times, axis=0)
    monotonic = ~((step > 0).any(axis=0) & (step < 0).any(axis=0))
    y = np.where(monotonic, start, np.nan)
    posterior = Posterior(offset, core_first(weights, 1, own))
    errors = core_first(bias, 1, shape) if bias.size else np.empty((0, y.shape[1]))
    numbers = core_first(number, 0, shape)
    return Part(posterior, core_first(variance, 0, shape), times, y, in_place, centre, remainder, errors, numbers)


@dataclass(frozen=True)
class Path:
    """The flow's equation ``dx/dsigma = (x - m)/sigma - sigma e`` for the points of a part; with a bias also its error."""

    part: Part
    profile: Profile

    @property
    def blocks(self) -> tuple[slice, ...]:
        return (slice(None),)

    def take(self, index: np.ndarray) -> Path:
        return replace(self, part=self.part.take(index))

    def field(self, y: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        v = sigma * sigma
        slope = (y - self.part.posterior.mean(y, v)) / sigma
        if len(self.part.bias):
            slope -= sigma * self.part.score_error(y, v, self.profile)
        return slope

    def allowed(self, y: np.ndarray, after: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
        # Relative to the position alone, down to rounding: near a symmetric centre the flow is linear and keeps its digits.
        return (tolerance * np.maximum(length(y), length(after)) + 16 * EPS * self.part.extent)[None]

    def results(self, y: np.ndarray) -> np.ndarray:
        return y

    def limit(self, results: np.ndarray, rtol: float) -> np.ndarray:
        return (rtol * (length(results.swapaxes(0, 1)) + self.part.extent))[:, None]


def lasting(resolved: Any) -> np.ndarray:
    """Whether all was resolved up to each time, (t, P): where it was not, the trajectory may be another one from then on."""
    return np.logical_and.accumulate(resolved, axis=0)


def store(target: np.ndarray, cut: tuple[slice, ...], rows: np.ndarray) -> None:
    """Write (*core, P) into the piece of an array (..., *core)."""
    target[cut] = np.moveaxis(rows, -1, 0).reshape(target[cut].shape)


def _cut(array: np.ndarray, core: int, cut: tuple[slice, ...], lead: tuple[int, ...]) -> np.ndarray:
    """A piece of an argument, which keeps its dimensions of size one."""
    own = array.shape[: array.ndim - core]
    return array[tuple(slice(None) if s == 1 else c for s, c in zip(own, cut[len(lead) - len(own) :], strict=True))]


def _weighted(r: np.ndarray, products: np.ndarray) -> np.ndarray:
    root = np.sqrt(r)
    return products * root * root[:, None]


def _largest(matrix: np.ndarray) -> np.ndarray:
    """Largest eigenvalue (P,) of positive semidefinite matrices (m, m, P)."""
    finite = np.isfinite(matrix).all(axis=(0, 1))
    return np.where(finite, largest(np.where(finite, matrix, 0.0))[0], np.nan)
