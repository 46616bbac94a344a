"""Guided generation from a Gaussian start, and what it makes: shares, distance from the class, the class's interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from scoreshock.conventions import Status
from scoreshock.kernels.flow.generated import cell, draws_of_class, shares_of, sliced_wasserstein
from scoreshock.kernels.flow.guided import CORES, Guidance, GuidedFlow, guided_flow, guided_noise
from scoreshock.kernels.numerics.batching import boxes
from scoreshock.kernels.numerics.counter_rng import normal_rows

START, NOISE, CLASS, DIRECTION = range(4)
"""What is added to the seed, so that no two uses share random numbers."""

ROOM = 1 << 21
"""Coordinates of samples, times components, that go together: it bounds memory."""


@dataclass(frozen=True)
class Sampling:
    """How samples are generated: how many, and with noise by ``steps`` steps or by the flow to ``rtol``."""

    samples: int
    stochastic: bool
    seed: int
    steps: int
    rtol: float


class Ends(NamedTuple):
    """Partial noise, the times between which samples are generated, and the density that they start from, (...) each."""

    noise: np.ndarray
    tau_min: np.ndarray
    tau_max: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


class Generated(NamedTuple):
    """What is generated, (...), by component (..., k), and at both ends of the class's interval (..., 2)."""

    class_share: np.ndarray
    class_share_error: np.ndarray
    class_count: np.ndarray
    component_share: np.ndarray
    class_distance: np.ndarray
    class_boundary: np.ndarray
    class_boundary_start: np.ndarray
    boundary_status: np.ndarray
    generation_status: np.ndarray


class Interval(NamedTuple):
    """Ends of the interval in which a class is the most probable, at both times (..., 2), errors, and status."""

    end: np.ndarray
    start: np.ndarray
    error: np.ndarray
    status: np.ndarray


def generate(
    guidance: Guidance,
    noise: np.ndarray,
    tau_min: np.ndarray,
    tau_max: np.ndarray,
    start_mean: np.ndarray,
    start_variance: np.ndarray,
    groups: tuple[tuple[int, ...], ...],
    target: int,
    sampling: Sampling,
) -> Generated:
    """Samples of guided generation from ``N(start_mean, start_variance I)`` at ``tau_max``, judged at ``tau_min``.

    Parameters
    ----------
    guidance, noise
        As for `guided.guided_noise`.
    tau_min, tau_max, start_mean, start_variance : (...)
        Ends of generation, and the start in each feature.
    groups, target
        Components of each class, and the index of the class that guidance is towards.
    sampling
        On a line samples are quantiles of the start, else independent draws.

    Returns
    -------
    Generated
        ``singular`` with NaN where v = 0 at tau_min; ``not_applicable`` with NaN for ``tau_min > tau_max``.
        ``boundary_status`` is ``not_applicable`` with noise, in several features and of a class of several components;
        ``no_transition`` where the class is nowhere the most probable.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.full(2, 0.5), np.array([0.0, 1.0]), np.array(0.09)
    >>> guide, ends = map(np.array, (0.0, 0.0, 9.0, 1.0)), map(np.array, (0.0, 0.01, 8.0, 0.0, 16.0))
    >>> found = generate(Guidance(*pair, *guide), *ends, ((0,), (1,)), 1, Sampling(100, False, 0, 1, 1e-8))
    >>> int(found.class_count)
    50
    """
    ends = Ends(noise, tau_min, tau_max, start_mean, start_variance)
    shapes = [a.shape[: a.ndim - core] for a, core in zip(guidance, CORES, strict=True)]
    lead = np.broadcast_shapes(*shapes, *map(np.shape, ends))
    full, ends = guidance.over(lead), Ends(*(np.broadcast_to(a, lead) for a in ends))
    k, n = guidance.means.shape[-2:]
    cores = [(), (), (), (k,), (), (2,), (2,), (2,), ()]
    whole = {2: np.int32, 7: np.int8, 8: np.int8}
    results = [np.empty(lead + core, whole.get(i, float)) for i, core in enumerate(cores)]
    for box in boxes(lead, ROOM // (sampling.samples * k * n)):
        part = _generated(Guidance(*(a[box] for a in full)), Ends(*(a[box] for a in ends)), groups, target, sampling)
        for result, value in zip(results, part, strict=True):
            result[box] = value
    return Generated._make(results)


def _generated(
    guidance: Guidance, between: Ends, groups: tuple[tuple[int, ...], ...], target: int, sampling: Sampling
) -> Generated:
    """What is generated at some of the points, of which all arguments have the leading shape."""
    ends, status = _ends(guidance, between, sampling)
    k, n = guidance.means.shape[-2:]
    of = np.empty(k, dtype=int)
    for index, group in enumerate(groups):
        of[list(group)] = index
    shares = shares_of(ends, guidance.means, guidance.weights, guidance.variance, between.tau_min, of, target)
    with np.errstate(all="ignore"):
        v, seed = guidance.variance + 2 * between.tau_min, sampling.seed
        reference = draws_of_class(guidance.means, guidance.class_weights, v, sampling.samples, seed + CLASS)
        distance = sliced_wasserstein(ends, reference, seed + DIRECTION)
        interval = _interval(guidance, groups[target], between.tau_min, between.tau_max, sampling)
        share, error = _share(interval, shares.class_count, between.mean, np.sqrt(between.variance), sampling.samples, n)
    unsure = (status == Status.ok) & (interval.status == Status.unresolved).any(axis=-1)
    status = np.where(unsure, np.int8(Status.unresolved), status)
    void = np.isin(status, (Status.singular, Status.not_applicable, Status.failed))
    share, error, distance = (np.where(void, np.nan, a) for a in (share, error, distance))
    components = np.where(void[..., None], np.nan, shares.component_share)
    ends_of_class = interval.end, interval.start, interval.status
    return Generated(share, error, shares.class_count, components, distance, *ends_of_class, status)


def _ends(guidance: Guidance, between: Ends, sampling: Sampling) -> tuple[np.ndarray, np.ndarray]:
    """Where samples end, (..., N, n), and the worst of their statuses, (...)."""
    eta, tau_min, tau_max, mean, variance = between
    n, count, seed = guidance.means.shape[-1], sampling.samples, sampling.seed
    number = np.arange(count)
    z = ndtri((number + 0.5) / count)[:, None] if n == 1 else normal_rows(seed + START, number, n)
    x = mean[..., None, None] + np.sqrt(variance)[..., None, None] * z
    forward = tau_min <= tau_max
    tau = np.stack([tau_max, np.where(forward, tau_min, tau_max)], axis=-1)[..., None, :]
    many = guidance.of_samples()
    if sampling.stochastic:
        flow = guided_noise(x, tau, many, eta[..., None], number, seed + NOISE, sampling.steps)
    else:
        flow = guided_flow(x, tau, many, rtol=sampling.rtol)
    status = np.where(forward, _worst(flow), np.int8(Status.not_applicable))
    return flow.trajectory[..., 1, :], status.astype(np.int8)


def _worst(flow: GuidedFlow) -> np.ndarray:
    """The worst status of all samples at the last time, (...)."""
    return flow.trajectory_status[..., -1].max(axis=-1)


def _interval(
    guidance: Guidance, group: tuple[int, ...], tau_min: np.ndarray, tau_max: np.ndarray, sampling: Sampling
) -> Interval:
    """The class's interval on a line, and where the trajectories that end at its ends start."""
    lead, n = tau_min.shape, guidance.means.shape[-1]
    nothing = np.full((*lead, 2), np.nan)
    if sampling.stochastic or n > 1 or len(group) > 1:
        return Interval(nothing, nothing, nothing, np.full((*lead, 2), Status.not_applicable, dtype=np.int8))
    v = guidance.variance + 2 * tau_min
    end = cell(guidance.means[..., 0], guidance.weights, v, group[0])
    finite = np.isfinite(end)
    tau = np.stack([np.minimum(tau_min, tau_max), tau_max], axis=-1)[..., None, :]
    flow = guided_flow(np.where(finite, end, 0.0)[..., None], tau, guidance.of_samples(), rtol=sampling.rtol)
    start = np.where(finite, flow.trajectory[..., 1, 0], end)
    error = np.where(finite, flow.trajectory_error[..., 1, 0], 0.0)
    status = np.where(finite, flow.trajectory_status[..., 1], np.int8(Status.ok))
    status = np.where(np.isnan(end), np.int8(Status.no_transition), status)
    status = np.where((v > 0)[..., None], status, np.int8(Status.singular))
    status = np.where((tau_min <= tau_max)[..., None], status, np.int8(Status.not_applicable))
    void = ~np.isin(status, (Status.ok, Status.unresolved))
    end, start, error = (np.where(void, np.nan, a) for a in (end, start, error))
    return Interval(end, start, error, status.astype(np.int8))


def _share(
    interval: Interval, count: np.ndarray, mean: np.ndarray, deviation: np.ndarray, samples: int, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the start that ends in the class, and its error: from the ends of its interval, else from the samples."""
    z = (interval.start - mean[..., None]) / deviation[..., None]
    # Of the upper tails the difference keeps its digits.
    below = np.where(z[..., 0] > 0, ndtr(-z[..., 0]) - ndtr(-z[..., 1]), ndtr(z[..., 1]) - ndtr(z[..., 0]))
    slope = np.exp(-0.5 * np.where(np.isinf(z), np.inf, z) ** 2) / (np.sqrt(2 * np.pi) * deviation[..., None])
    carried = (slope * interval.error).sum(axis=-1) + 4 * np.finfo(float).eps
    share = count / samples
    counted = np.full(share.shape, 1 / samples) if n == 1 else np.sqrt(share * (1 - share) / samples)
    by_ends = ~np.isnan(z).any(axis=-1)
    absent = (interval.status == Status.no_transition).any(axis=-1)
    share, error = np.where(by_ends, below, share), np.where(by_ends, carried, counted)
    return np.where(absent, 0.0, share), np.where(absent, 0.0, error)
