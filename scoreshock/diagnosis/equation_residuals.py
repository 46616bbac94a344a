r"""Whether a learned score obeys the equation of scores: residuals by differences, with their errors.

A score obeys :math:`\partial_\tau s = \nabla(\nabla\cdot s + |s|^2)`, and as a gradient field Burgers' equation
:math:`\partial_\tau s = \Delta s + 2(s\cdot\nabla)s`. Both are one equation on a line, and for every field without curl.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status, variables
from scoreshock.diagnosis.frameworks import SUMS
from scoreshock.diagnosis.scores import Score

EQUATIONS = ("gradient", "burgers")
"""The equation for the gradient of the log density, and Burgers' equation."""

FEW_FEATURES = 3
"""Features up to which the gradient of the divergence is taken, which has a mixed derivative for each two of them."""

MOST_POINTS = 100
"""Most samples at which residuals are taken."""

RESIDUALS = variables(
    """
    equation_residual(equation, sigma), equation_status: residual of the score's equation relative to its terms
        | Root mean square over the true density, over that of the terms: 0 of every score of a density that diffuses.
        | (18), (61)-(63)
    equation_residual_error(equation, sigma), equation_status: estimate of the error of equation_residual
        | Of differences at two steps, and of rounding.
    equation_status(equation, sigma): outcome of the residual
        | not_applicable: the equation of the gradient is taken in three features at most.
    """
)


class Terms(NamedTuple):
    """Derivatives of the score at one step, (N, n) each but the mixed one, which is None in many features."""

    rate: np.ndarray
    laplacian: np.ndarray
    advection: np.ndarray  # (s . grad) s
    gradient: np.ndarray | None  # grad(div s + |s|^2)


def residuals(score: Score, x: np.ndarray, sigma: float) -> dict[str, Any]:
    """Values of `RESIDUALS` at one level, of points ``x (N, n)`` of the noisy density.

    Examples
    --------
    >>> from scoreshock.diagnosis.scores import learned_score
    >>> exact = learned_score(lambda x, tau: -x / (1 + 2 * tau[:, None]))
    >>> found = residuals(exact, np.array([[0.3], [1.0]]), 1.0)
    >>> bool((found["equation_residual"] <= found["equation_residual_error"]).all())
    True
    >>> wrong = learned_score(lambda x, tau: -x / (1 + tau[:, None]))  # s_tau = x/2.25, 2 s s' = 2x/2.25
    >>> residuals(wrong, np.array([[0.3], [1.0]]), 1.0)["equation_residual"].round(3).tolist()
    [0.447, 0.447]
    """
    x = x[:: -(-len(x) // MOST_POINTS)]
    rounding = score.rounding(x, 0.5 * sigma * sigma)
    step = rounding ** (1 / 6) * sigma
    tau, share = _inside(score, sigma, rounding ** (1 / 5))
    here = score(x, tau)
    fine, coarse = (_terms(score, x, here, tau, factor * step, factor * share) for factor in (1.0, 2.0))
    # Each difference sums up values whose rounding it divides by its step.
    noise = SUMS * rounding * np.sqrt((here**2).mean()) * np.array([1 / (share * tau), np.sqrt(x.shape[1]) / step**2])
    best = [None if one is None else one + (one - other) / 3 for one, other in zip(fine, coarse, strict=True)]
    made = [_relative(best, fine, noise, equation) for equation in EQUATIONS]
    return {name: np.array([each[i] for each in made]) for i, name in enumerate(each.name for each in RESIDUALS)}


def _relative(best: list[np.ndarray | None], fine: Terms, noise: np.ndarray, equation: str) -> tuple[float, float, Status]:
    """Residual of one equation over the size of its terms, its error, and its outcome."""
    if equation == "gradient" and fine.gradient is None:
        return np.nan, np.nan, Status.not_applicable

    def parts(rate: Any, laplacian: Any, advection: Any, gradient: Any) -> np.ndarray:
        return np.stack([rate, -gradient] if equation == "gradient" else [rate, -laplacian, -2 * advection])

    size = np.sqrt((parts(*best) ** 2).sum(axis=(0, -1)).mean())
    residual, rough = parts(*best).sum(axis=0), parts(*fine).sum(axis=0)
    with np.errstate(all="ignore"):
        value, change = (np.sqrt((each**2).sum(axis=-1).mean()) / size for each in (residual, residual - rough))
        error = change + np.sqrt(residual.shape[1]) * np.hypot(*noise) / size
    return (0.0, 0.0, Status.ok) if size == 0 else (float(value), float(error), Status.ok)


def _inside(score: Score, sigma: float, share: float) -> tuple[float, float]:
    """The diffusion time, moved by so little that differences over ``share`` of it stay within the schedule."""
    least, most = (0.5 * end * end for end in score.sigma_range)
    room = 2.5 * share
    return float(np.clip(0.5 * sigma * sigma, least * (1 + room), most / (1 + room))), share


def _terms(score: Score, x: np.ndarray, here: np.ndarray, tau: float, step: float, share: float) -> Terms:
    """Central differences at one step in positions, and one share of tau."""
    count, n = x.shape
    later, before = score(x, tau * (1 + share)), score(x, tau * (1 - share))
    unit = step * np.eye(n)
    moved = score((x + np.concatenate([unit, -unit])[:, None]).reshape(-1, n), tau).reshape(2, n, count, n)
    jacobian = (moved[0] - moved[1]) / (2 * step)  # derivative by the first axis
    second = (moved[0] - 2 * here + moved[1]) / (step * step)
    advection = np.einsum("Nj,jNi->Ni", here, jacobian)
    gradient = None
    if n <= FEW_FEATURES:
        mixed = _gradient_of_divergence(score, x, tau, step, second)
        gradient = mixed + 2 * np.einsum("Nj,iNj->Ni", here, jacobian)
    return Terms((later - before) / (2 * share * tau), second.sum(axis=0), advection, gradient)


def _gradient_of_divergence(score: Score, x: np.ndarray, tau: float, step: float, second: np.ndarray) -> np.ndarray:
    """``grad(div s)``, (N, n), from second derivatives along the axes (axis, N, n) and mixed ones."""
    n = x.shape[1]
    unit = step * np.eye(n)
    found = np.einsum("iNi->Ni", second).copy()
    for i in range(n):
        for j in range(i):
            corners = [score(x + a * unit[i] + b * unit[j], tau) * (a * b) for a in (1, -1) for b in (1, -1)]
            mixed = np.sum(corners, axis=0) / (4 * step * step)
            found[:, i] += mixed[:, j]
            found[:, j] += mixed[:, i]
    return found
