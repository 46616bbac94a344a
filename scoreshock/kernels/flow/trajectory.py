"""Parts that trajectories share: arguments in pieces with the points last, the posterior, the equation of the flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.mixture import responsibilities, score
from scoreshock.kernels.numerics.batching import boxes, core_first
from scoreshock.kernels.numerics.blocks import FEW_FEATURES, total
from scoreshock.kernels.numerics.eigenvalues import largest
from scoreshock.kernels.numerics.log_odds import about_centre
from scoreshock.kernels.numerics.runge_kutta import EPS, length
from scoreshock.kernels.numerics.vectors import inner

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
        e, total_e = self._shares(x, v)
        return inner(e, self.means) / total_e

    def change(self, x: np.ndarray, step: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean (n, P), and how much a step (n, P) from ``x`` changes it, to the last digits of a short one."""
        mean = self.mean(x, v)
        r = self._responsibilities(x, v)
        offset = self.means - mean
        logit = inner(offset.swapaxes(0, 1), step) / v
        gained = r * np.expm1(logit)
        short = inner(gained, offset) / (1 + total(gained))
        near = np.abs(logit).max(axis=0) < 1
        return mean, np.where(near, short, self.mean(x + step, v) - mean)

    def moments(self, x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean (n, P) and the largest eigenvalue of the posterior covariance, (P,)."""
        k, n, _ = self.means.shape
        if k == 2 and n <= FEW_FEATURES:
            half, z = self._pair(x, v)
            return half * np.tanh(z), inner(half, half) / np.cosh(z) ** 2
        mean = self.mean(x, v)
        r = self._responsibilities(x, v)
        root = np.sqrt(r)
        if n > FEW_FEATURES:
            return mean, _largest(self._products(r) * root * root[:, None])
        scaled = root[:, None] * (self.means - mean)  # its Gram matrix over either axis has the covariance's eigenvalues
        return mean, _largest(_gram(scaled if n < k else scaled.swapaxes(0, 1)))

    def _pair(self, x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Half the difference of the means, and half the log-odds of the second."""
        half = 0.5 * (self.means[1] - self.means[0])
        return half, inner(half, x) / v + 0.5 * (np.log(self.weights[1]) - np.log(self.weights[0]))

    def _shares(self, x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Responsibilities times a number, (k, P), and their sum."""
        means = self.means.swapaxes(0, 1)
        logits = (inner(means, x) - 0.5 * inner(means, means)) / v + np.log(self.weights)
        e = np.exp(logits - logits.max(axis=0))
        return e, total(e)

    def _responsibilities(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """(k, P)."""
        if len(x) > FEW_FEATURES:
            return responsibilities(x.T, *self._core_last(), v, ZERO).T
        e, total_e = self._shares(x, v)
        return e / total_e

    def _core_last(self) -> tuple[np.ndarray, np.ndarray]:
        return np.moveaxis(self.means, -1, 0), self.weights.T

    def _products(self, r: np.ndarray) -> np.ndarray:
        """Inner products of the means about the mean with weights ``r (k, P)``, (k, k, P)."""
        products = _gram(self.means.swapaxes(0, 1))
        about = inner(r, products)
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

    def absolute(self, y: np.ndarray) -> np.ndarray:
        """Positions (..., n, P) of ``y (..., n, P)``, which is relative to the centre."""
        return self.centre + (self.remainder + y)

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


def in_pieces(
    kernel: Callable[[Part], tuple[np.ndarray, ...]],
    outputs: Sequence[tuple[tuple[int, ...], Any]],
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    bias: np.ndarray | None = None,
    number: np.ndarray = ZERO,
) -> list[np.ndarray]:
    """Run ``kernel`` on each piece of the broadcast leading shape.

    Parameters
    ----------
    kernel : callable
        From a `Part` of P points to arrays ``(*core, P)``, elementwise in P.
    outputs : sequence of (core shape, dtype)
        Of each result.
    x, means, weights, variance, tau, bias, number : array
        ``(..., n)``, ``(..., k, n)``, ``(..., k)``, ``(...)``, ``(..., t)``, ``(..., n)`` and ``(...)``.

    Returns
    -------
    list of array (..., *core)

    Examples
    --------
    >>> one = np.zeros((1, 1)), np.ones(1), np.array(1.0), np.array([1.5, 0.0])
    >>> in_pieces(lambda part: (part.sigma(),), [((2,), float)], np.zeros((3, 1)), *one)[0].tolist()
    [[2.0, 1.0], [2.0, 1.0], [2.0, 1.0]]
    """
    extra = np.zeros(0) if bias is None else bias
    arguments = [(x, 1), (means, 2), (weights, 1), (variance, 0), (tau, 1), (extra, 1), (number, 0)]
    lead = np.broadcast_shapes(*(a.shape[: a.ndim - core] for a, core in arguments))
    own = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1])
    limit = max(1, PIECE // (x.shape[-1] if prod(own) == 1 else prod(means.shape[-2:])))
    results = [np.empty((*lead, *core), dtype) for core, dtype in outputs]
    with np.errstate(all="ignore"):
        for cut in boxes(lead, limit):
            for target, rows in zip(results, kernel(_part(arguments, cut, lead)), strict=True):
                target[cut] = np.moveaxis(rows, -1, 0).reshape(target[cut].shape)
    return results


def _part(arguments: list[tuple[np.ndarray, int]], cut: tuple[slice, ...], lead: tuple[int, ...]) -> Part:
    x, means, weights, variance, tau, bias, number = (_cut(a, core, cut, lead) for a, core in arguments)
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


def _cut(array: np.ndarray, core: int, cut: tuple[slice, ...], lead: tuple[int, ...]) -> np.ndarray:
    """A piece of an argument, which keeps its dimensions of size one."""
    own = array.shape[: array.ndim - core]
    return array[tuple(slice(None) if s == 1 else c for s, c in zip(own, cut[len(lead) - len(own) :], strict=True))]


def _gram(rows: np.ndarray) -> np.ndarray:
    """Inner products over the first axis of ``rows (k, n, P)``, (n, n, P)."""
    return inner(rows[:, :, None], rows[:, None])


def _largest(matrix: np.ndarray) -> np.ndarray:
    """Largest eigenvalue (P,) of positive semidefinite matrices (m, m, P)."""
    finite = np.isfinite(matrix).all(axis=(0, 1))
    return np.where(finite, largest(np.where(finite, matrix, 0.0))[0], np.nan)
