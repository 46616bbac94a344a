"""The error of a learned score at one noise level: its size by region, the part that moves the density, its curl."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status, variables
from scoreshock.diagnosis import gradient_part
from scoreshock.diagnosis.boundary_slices import in_layer
from scoreshock.diagnosis.gradient_part import GradientPart
from scoreshock.diagnosis.scores import Score
from scoreshock.diagnosis.truth import Truth
from scoreshock.diagnosis.wasserstein_bound import POINTS, lipschitz_estimate

REGIONS = ("layer", "outside", "tails")

TAILS = 0.05
"""Share of the probability, that of least density, that is tails."""

OF_JACOBIAN = 200
"""Most samples at which the asymmetry takes the Jacobian."""

ERRORS = variables(
    """
    score_error(sigma): root mean square of the score's error
        | Over the true density; in inverse units of the data. | (58)
    score_error_standard_error(sigma): standard error of score_error | Over the samples.
    score_error_relative(sigma): score_error over the root mean square of the true score | Over the true density.
    region_probability(sigma, region): share of the probability in each region
        | Layer: the two most probable components are within log odds 2. Tails: the twentieth of least density, outside it.
    region_error(sigma, region), region_status: root mean square of the score's error in each region
        | Over the true density in the region; outside: neither layer nor tails. | Definition 6.7
    region_status(sigma, region): outcome of the region's error
    gradient_square(sigma): mean square of the part of the error that moves the density
        | Projection of the error on gradients in L2(p): exact on a line, by quadrature in the plane, else a lower bound.
    gradient_square_error(sigma): estimate of the error of gradient_square
        | Of the basis in the plane, else the standard error.
    gradient_square_upper(sigma): upper bound on the part that moves the density
        | What the best field that keeps the density leaves of the error; in the plane that is gradient_square within errors.
    gradient_square_upper_error(sigma): estimate of the error of gradient_square_upper
        | Of the basis in the plane, else the standard error.
    asymmetry(sigma): share of the Jacobian's square that is antisymmetric
        | E|(J - J')/2|^2/E|J|^2 of the learned score, 0 of every gradient field. | Corollary 7.6
    asymmetry_error(sigma): bound on what differences or rounding alone add to asymmetry
        | From the Jacobian's own error.
    """
)


class Draws(NamedTuple):
    """Points (N, n) of the noisy density at one level, and there the true score and the learned one less it."""

    sigma: float
    x: np.ndarray
    exact: np.ndarray
    error: np.ndarray


def drawn(scores: Sequence[Score], truth: Truth, sigma: float, count: int, seed: int) -> list[Draws]:
    """Draws at one level for each score; ``ValueError`` where a learned score is no number."""
    x = truth.starts(count, sigma, seed)
    exact = truth.score(x, sigma)
    found = [Draws(sigma, x, exact, score(x, 0.5 * sigma * sigma) - exact) for score in scores]
    if not all(np.isfinite(each.error).all() for each in found):
        raise ValueError(f"score is not finite at sigma = {sigma:.6g}, at points of the data with noise; allowed: numbers")
    return found


def errors(scores: Sequence[Score], truth: Truth, draws: Sequence[Draws]) -> list[tuple[dict[str, Any], GradientPart]]:
    """Of each score the values of `ERRORS` and ``lipschitz_estimate`` at one level, and the parts of the mean square."""
    sigma, x, *_ = draws[0]
    inside, parts = _regions(truth, x, sigma), _gradients(scores, truth, draws)
    return [(_values(*each, inside), each[-1]) for each in zip(scores, draws, parts, strict=True)]


def _values(score: Score, draws: Draws, part: GradientPart, inside: np.ndarray) -> dict[str, Any]:
    """The same of one score; whether points are ``inside`` the regions, (3, N)."""
    sigma, x, exact, error = draws
    square = (error**2).sum(axis=-1)
    root = np.sqrt(square.mean())
    shares = inside.mean(axis=-1)
    with np.errstate(all="ignore"):
        by_region = np.sqrt((inside * square).sum(axis=-1) / inside.sum(axis=-1))
        relative = root / np.sqrt((exact**2).sum(axis=-1).mean())
    return {
        "score_error": root,
        "score_error_standard_error": square.std() / np.sqrt(len(x)) / (2 * root) if root else 0.0,
        "score_error_relative": relative,
        "region_probability": shares,
        "region_error": by_region,
        "region_status": np.where(shares > 0, Status.ok, Status.not_applicable).astype(np.int8),
        "gradient_square": part.gradient,
        "gradient_square_error": part.gradient_error,
        "gradient_square_upper": part.upper,
        "gradient_square_upper_error": part.upper_error,
    } | of_jacobian(score, x, sigma)


def _regions(truth: Truth, x: np.ndarray, sigma: float) -> np.ndarray:
    """Whether each point is in each of `REGIONS`, (3, N)."""
    _, layer = in_layer(truth.responsibilities(x, sigma))
    log_p = truth.log_density(x, sigma)
    tails = ~layer & (log_p < np.quantile(log_p, TAILS))
    return np.stack([layer, ~layer & ~tails, tails])


def _gradients(scores: Sequence[Score], truth: Truth, draws: Sequence[Draws]) -> list[GradientPart]:
    """The part of each error that moves the density, by the way that its dimension allows."""
    sigma, x, *_ = draws[0]
    wrong = [each.error for each in draws]
    if x.shape[1] == 1:
        return list(map(gradient_part.on_line, wrong))
    if x.shape[1] > 2 or not gradient_part.is_resolved(truth, sigma):
        return gradient_part.from_samples(truth, sigma, x, wrong)
    points, share = gradient_part.plane_grid(truth, sigma)
    kept = share > share.max() * gradient_part.NEGLIGIBLE
    points, share = points[kept], share[kept] / share[kept].sum()
    exact = truth.score(points, sigma)
    wrong = [score(points, 0.5 * sigma * sigma) - exact for score in scores]
    return gradient_part.in_plane(truth, sigma, points, share, wrong)


def of_jacobian(score: Score, x: np.ndarray, sigma: float) -> dict[str, float]:
    """Values of the Jacobian, of which the asymmetry and the Lipschitz constant share draws ``x (N, n)``.

    They come in the order of components, so that points halfway between two of them are between components.
    """
    many, few = (np.arange(0, len(x), -(-len(x) // most)) for most in (OF_JACOBIAN, POINTS))
    near, far = np.split(x[few][: len(few) // 2 * 2], 2)
    draws = np.union1d(many, few)
    jacobian, error = score.jacobian(np.concatenate([x[draws], 0.5 * (near + far)]), 0.5 * sigma * sigma)
    asymmetry, uncertain = _asymmetry(*(each[np.searchsorted(draws, many)] for each in (jacobian, error)))
    steepest = lipschitz_estimate(np.delete(jacobian, np.searchsorted(draws, np.setdiff1d(many, few)), axis=0))
    return {"asymmetry": asymmetry, "asymmetry_error": uncertain, "lipschitz_estimate": steepest}


def _asymmetry(jacobian: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Antisymmetric share of the square of Jacobians (N, n, n), and a bound on what their errors (N,) add to it."""
    n = jacobian.shape[-1]
    rotation = 0.5 * (jacobian - jacobian.swapaxes(-1, -2))
    size = (jacobian**2).sum(axis=(-1, -2)).mean()
    if n == 1 or size == 0:
        return 0.0, 0.0
    return float((rotation**2).sum(axis=(-1, -2)).mean() / size), float(n**2 * (error**2).mean() / size)
