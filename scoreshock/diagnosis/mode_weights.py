r"""Weights of the modes of generated samples: what the score's error predicts to first order, and what is measured.

Under the exact reverse SDE the chance of ending in component j is its responsibility r_j, so that an error e changes the
weight by :math:`2\int E_p[e\cdot\nabla r_j]\,d\tau`: the flux of the error through the layers about the component. The
probability flow ends at one point, :math:`f_j(x) = r_j(x_{end})`, and changes it by
:math:`\int E_p[e\cdot\nabla f_j]\,d\tau`, with :math:`E_p[e\cdot\nabla f] = -E_p[f(\nabla\cdot e + s\cdot e)]`,
which is taken of :math:`f_j - r_j` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import variables
from scoreshock.diagnosis.score_error import Draws
from scoreshock.diagnosis.scores import Score
from scoreshock.diagnosis.truth import CHECK, SAMPLER, Truth
from scoreshock.kernels.flow.generated import sliced_wasserstein
from scoreshock.kernels.flow.solvers import sample
from scoreshock.kernels.numerics.counter_rng import normal_rows

SAMPLERS = ("flow", "reverse SDE")
SOLVERS = ("dpmpp-2m", "ancestral")
"""The solver of each of `SAMPLERS`."""

GENERATING = 200
"""Steps of generation, at least, which make the error of the steps small beside that of a score."""

FEW_FEATURES = 3
"""Features up to which a divergence is that along all axes; in more it is estimated along one random direction a point."""

UNDECIDED = 1e-6
"""Where the ends of the flow and the responsibilities agree within this, no divergence is needed."""

PIECE = 4_000_000
"""Most numbers of the responsibilities' gradients at once."""

WEIGHTS = variables(
    """
    mode_weight_error(sampler): error of the weights of components in generated samples
        | Total variation: half the sum of absolute differences of shares and weights; samples count where a component is the
        most probable.
    mode_weight_floor(sampler): the same of the exact score | What sampling and steps alone do.
    mode_weight_change(sampler, component): change of the weight of a component in generated samples
        | Mean responsibility at the end, less that with the exact score and the same random numbers.
    mode_weight_change_error(sampler, component): standard error of mode_weight_change | Over the samples.
    predicted_mode_weight(sampler, component): change of the weight that the score's error predicts
        | To first order: the flux of the error through the layers, by the trapezoidal rule in ln sigma. | section 6
    predicted_mode_weight_error(sampler, component): standard error of predicted_mode_weight
        | Over the samples; that of the rule between noise levels is not in it.
    predicted_mode_weight_share(sampler, component, sigma): part of each noise level in predicted_mode_weight
        | They add up to it.
    sliced_wasserstein(sampler): sliced Wasserstein distance of generated samples from data | Of order two, 64 directions.
    sliced_wasserstein_floor(sampler): the same of the exact score | What sampling and steps alone do.
    """
)


class Generated(NamedTuple):
    """Ends (N, n) with the learned and the exact score, of each of `SAMPLERS`, and the exact flow's points (L, N, n)."""

    learned: list[np.ndarray]
    exact: list[np.ndarray]
    path: np.ndarray


def level_weights(levels: np.ndarray) -> np.ndarray:
    """Weights (L,) of the trapezoidal rule in ln sigma of an integral over tau: ``d tau = sigma^2 d ln sigma``.

    Examples
    --------
    >>> level_weights(np.array([1.0, np.e])).round(6).tolist()
    [0.5, 3.694528]
    """
    widths = np.gradient(np.log(levels))
    widths[[0, -1]] /= 2
    return widths * levels**2


def generated(scores: Sequence[Score], truth: Truth, levels: np.ndarray, count: int, seed: int) -> list[Generated]:
    """Samples of each score by both samplers, which visit all levels, falling; starts are of the truth."""
    row = _visited(levels)
    starts = truth.starts(count, float(levels[-1]), seed)
    points: dict[float, np.ndarray] = {}

    def remembered(x: np.ndarray, sigma: float) -> np.ndarray:
        points[sigma] = x
        return truth.denoise(x, sigma)

    def ends(*denoisers: Any) -> list[np.ndarray]:
        each = zip(denoisers, SOLVERS, strict=True)
        return [sample(denoise, starts, row, solver, 1.0, 5 * seed + SAMPLER).ends for denoise, solver in each]

    exact = ends(remembered, truth.denoise)
    path = np.stack([exact[0], *(points[float(sigma)] for sigma in levels[1:])])
    return [Generated(ends(score.denoise, score.denoise), exact, path) for score in scores]


def _visited(levels: np.ndarray) -> np.ndarray:
    """Falling levels of about `GENERATING` steps, evenly in ln sigma between the levels, which are among them."""
    steps = np.maximum(1, np.round(GENERATING * np.diff(np.log(levels)) / np.log(levels[-1] / levels[0]))).astype(int)
    parts = [np.geomspace(low, high, n + 1)[:-1] for low, high, n in zip(levels, levels[1:], steps, strict=False)]
    row = np.concatenate([*parts, levels[-1:]])[::-1]
    row[np.cumsum([0, *steps[::-1]])] = levels[::-1]
    return row


def measured(truth: Truth, made: Generated, low: float, seed: int) -> dict[str, Any]:
    """Errors of the generated samples at the least level, and the changes of the weights of components."""
    data = truth.starts(len(made.path[0]), low, seed + 1)
    found: dict[str, list[Any]] = {}
    for learned, exact in zip(made.learned, made.exact, strict=True):
        change = truth.responsibilities(learned, low) - truth.responsibilities(exact, low)
        for name, value in (
            ("mode_weight_error", truth.mode_weight_error(learned, low)),
            ("mode_weight_floor", truth.mode_weight_error(exact, low)),
            ("mode_weight_change", change.mean(axis=0)),
            ("mode_weight_change_error", change.std(axis=0) / np.sqrt(len(change))),
            ("sliced_wasserstein", float(sliced_wasserstein(learned, data, seed))),
            ("sliced_wasserstein_floor", float(sliced_wasserstein(exact, data, seed))),
        ):
            found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


def predicted(score: Score, truth: Truth, draws: Sequence[Draws], path: np.ndarray, seed: int) -> dict[str, Any]:
    """Changes of the weights of components to first order in the error, with their parts by level."""
    levels = np.array([each.sigma for each in draws])
    weights, low = level_weights(levels), float(levels[0])
    count, k = len(path[0]), truth.size[0]
    goal = truth.responsibilities(path[0], low)
    shares, each_sample = np.empty((2, k, len(levels))), np.zeros((2, count, k))
    for number, (at, x, weight) in enumerate(zip(draws, path, weights, strict=True)):
        flow = _through_flow(score, truth, x, at.sigma, goal, seed)
        noisy = 2 * _through_layers(truth, at.x, at.sigma, at.error)
        for row, values in enumerate((flow, noisy)):
            each_sample[row] += weight * values
            shares[row, :, number] = weight * values.mean(axis=0)
    return {
        "predicted_mode_weight": shares.sum(axis=-1),
        "predicted_mode_weight_error": each_sample.std(axis=1) / np.sqrt(count),
        "predicted_mode_weight_share": shares,
    }


def _through_layers(truth: Truth, x: np.ndarray, sigma: float, error: np.ndarray) -> np.ndarray:
    """``e . grad r_j`` at each point, (N, k)."""
    k, n = truth.size
    piece = max(1, PIECE // (k * n))
    cuts = [slice(first, first + piece) for first in range(0, len(x), piece)]
    parts = [np.einsum("Nkn,Nn->Nk", truth.responsibility_gradients(x[cut], sigma), error[cut]) for cut in cuts]
    return np.concatenate(parts)


def _through_flow(score: Score, truth: Truth, x: np.ndarray, sigma: float, goal: np.ndarray, seed: int) -> np.ndarray:
    """What averages to ``E[e . grad f_j]``, (N, k); ``goal`` are the f_j of points of the flow."""
    exact = truth.score(x, sigma)
    error = score(x, 0.5 * sigma * sigma) - exact
    found = _through_layers(truth, x, sigma, error)
    rest = goal - truth.responsibilities(x, sigma)
    open_ = np.flatnonzero(np.abs(rest).max(axis=1) > UNDECIDED)
    if open_.size:
        spread = divergence(score, truth, x[open_], sigma, seed) + (error * exact)[open_].sum(axis=1)
        found[open_] -= rest[open_] * spread[:, None]
    return found


def divergence(score: Score, truth: Truth, x: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """Divergence of the score's error at ``x (N, n)``, (N,), by central differences.

    In more than `FEW_FEATURES` features along one random direction at each point, which averages to it.
    """
    count, n = x.shape
    rows = np.broadcast_to(np.eye(n)[:, None], (n, count, n))
    if n > FEW_FEATURES:
        rows = np.sqrt(n) * _units(normal_rows(5 * seed + CHECK, np.arange(count), n))[None]
    step = score.rounding(x, 0.5 * sigma * sigma) ** (1 / 3) * sigma

    def error(moved: np.ndarray) -> np.ndarray:
        flat = moved.reshape(-1, n)
        return (score(flat, 0.5 * sigma * sigma) - truth.score(flat, sigma)).reshape(moved.shape)

    unit = _units(rows)
    slopes = (error(x + step * unit) - error(x - step * unit)) / (2 * step)
    return (slopes * rows * np.sqrt((rows**2).sum(axis=-1, keepdims=True))).sum(axis=(0, -1))


def _units(rows: np.ndarray) -> np.ndarray:
    return rows / np.sqrt((rows**2).sum(axis=-1, keepdims=True))
