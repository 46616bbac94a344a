"""Rules that space noise levels: formulas, densities of steps over ln sigma, and the optimum by direct minimisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.integrate import cumulative_trapezoid
from scipy.optimize import least_squares

from scoreshock.densities.component_covariances import mean_variance
from scoreshock.diagnosis.truth import Truth, ends_of, trajectories
from scoreshock.kernels.flow.solvers import Denoiser, sample
from scoreshock.quantities.fields import score_jacobian
from scoreshock.schedules import levels

GITS = (
    *(14.61464119, 5.85520077, 2.84484982, 1.67050016, 1.08895338, 0.74807048),
    *(0.50118381, 0.32104823, 0.19894916, 0.09824532, 0.02916753),
)
"""Levels of ten steps for Stable Diffusion, coefficient 1.20 (Chen et al. 2024, arXiv:2405.11326, the authors' table)."""

NODES = 401
"""Nodes in ln sigma of a density of steps."""

KNOTS = 10
"""Most parameters of the optimum: logarithms of the sizes of steps, linear between."""

POINTS = 256
"""Trajectories over which the optimum and the bound are averaged."""


STARTS, FIRST, MOST = 3, 4, 10
"""Rules that the search for the optimum starts from, and its iterations from each of them and from the best of those."""

STEP = 1e-5
"""Step of the derivatives in the search, of logarithms."""


class Ends(NamedTuple):
    """Greatest and least level, and whether a last move leads to 0."""

    high: float
    low: float
    to_zero: bool

    @property
    def nodes(self) -> np.ndarray:
        """Rising levels at equal steps of ln sigma, (NODES,)."""
        return np.geomspace(self.low, self.high, NODES)


class Paths(NamedTuple):
    """Exact trajectories: starts and ends (N, n), and how fast their direction turns at each node, (NODES,)."""

    starts: np.ndarray
    ends: np.ndarray
    bending: np.ndarray


def paths_of(denoise: Denoiser, truth: Truth, ends: Ends, seed: int, least: float = 0.0) -> Paths:
    """Trajectories of a denoiser from draws of the noisy density; ``bending`` is the root mean square of d2x/dsigma2."""
    starts, nodes = truth.starts(POINTS, ends.high, seed), ends.nodes

    along = trajectories(denoise, starts, nodes[::-1])[::-1]
    slopes = np.stack([(x - denoise(x, float(sigma))) / sigma for x, sigma in zip(along, nodes, strict=True)])
    bending = np.gradient(slopes, nodes, axis=0)
    return Paths(starts, ends_of(denoise, starts, *ends, least), np.sqrt((bending**2).sum(axis=-1).mean(axis=-1)))


def by_density(density: np.ndarray, ends: Ends, moves: int) -> np.ndarray:
    """``moves + 1`` falling levels at equal steps of the integral over ln sigma of a density at the nodes.

    Examples
    --------
    >>> by_density(np.ones(NODES), Ends(4.0, 1.0, False), 2).round(12).tolist()
    [4.0, 2.0, 1.0]
    """
    passed = cumulative_trapezoid(density, np.log(ends.nodes), initial=0.0)
    return np.exp(np.interp(np.linspace(passed[-1], 0.0, moves + 1), passed, np.log(ends.nodes)))


def layer_density(density: xr.Dataset, ends: Ends) -> np.ndarray:
    """Steps per ln sigma of ``dtau = 1/max(s_x, 1/v)``: s_x the largest slope of the score at the weighted mean."""
    slope, variance = _slopes(density, ends)
    return ends.nodes**2 * np.maximum(slope, 1 / variance)


def truncation_density(density: xr.Dataset, paths: Paths, ends: Ends) -> np.ndarray:
    """Steps per ln sigma of the least bound (52) on Euler's error, up to a factor.

    A step h in sigma is off by ``h^2 |x''|/2``, which grows by ``exp(int s_x dtau)`` till the end: the sum is least for
    steps inverse to the root of their product.
    """
    slope, _ = _slopes(density, ends)
    growth = cumulative_trapezoid(slope * ends.nodes**2, np.log(ends.nodes), initial=0.0)
    with np.errstate(divide="ignore"):
        log_density = np.log(ends.nodes) + 0.5 * (np.log(paths.bending) + growth)
    return np.exp(log_density - log_density.max())


def _slopes(density: xr.Dataset, ends: Ends) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalue of the score's Jacobian at the weighted mean, and the mean variance of components, (NODES,)."""
    tau = 0.5 * ends.nodes**2
    mean = (density.component_mean * density.component_weight).sum("component").squeeze(drop=True).values
    jacobian = score_jacobian(density, np.atleast_1d(mean)[None], xr.DataArray(tau, dims="tau")).squeeze(drop=True)
    n = np.atleast_1d(mean).size
    slope = np.linalg.eigvalsh(jacobian.values.reshape(NODES, n, n))[:, -1]
    return slope, float(mean_variance(density).mean()) + ends.nodes**2


def _stretched(published: Sequence[float]) -> Callable[[float, float, int], np.ndarray]:
    """A published list, its ln sigma stretched to the ends and interpolated."""

    def row(high: float, low: float, moves: int) -> np.ndarray:
        logs = np.log(levels.log_linear_sigmas(np.asarray(published, dtype=float), moves + 1))
        share = (logs - logs[-1]) / (logs[0] - logs[-1])
        return np.exp(np.log(low) + share * np.log(high / low))

    return row


def _cosine(high: float, low: float, moves: int) -> np.ndarray:
    """Equal steps of the time of the cosine schedule, whose sigma is the tangent of an angle linear in it."""
    return np.tan(np.linspace(np.arctan(high), np.arctan(low), moves + 1))


FORMULAS: dict[str, Callable[[float, float, int], np.ndarray]] = {
    "uniform": lambda high, low, moves: np.linspace(high, low, moves + 1),
    "log-snr": lambda high, low, moves: levels.polyexponential_sigmas(low, high, 1.0, moves + 1),
    "karras": lambda high, low, moves: levels.karras_sigmas(low, high, 7.0, moves + 1),
    "cosine": _cosine,
    "align-your-steps": _stretched(levels.ALIGN_YOUR_STEPS["align-your-steps-sd1"]),
    "gits": _stretched(GITS),
}
"""Levels (moves + 1,) of rules that ask for no density."""


def errors_of(denoise: Denoiser, paths: Paths, rows: np.ndarray, solver: str) -> np.ndarray:
    """Root mean square distance (R,) of a solver's ends from those of the exact flow, for lists of levels (R, S + 1)."""
    apart = sample(denoise, paths.starts, rows, solver).ends - paths.ends
    return np.sqrt((apart**2).sum(axis=-1).mean(axis=-1))


def optimum(denoise: Denoiser, paths: Paths, rows: Sequence[np.ndarray], ends: Ends, solver: str) -> np.ndarray:
    """The levels with the least error of the trajectories' ends, searched from the best of ``rows``, all of one size.

    The logarithm of the steps in ln sigma is linear between at most `KNOTS` knots; of fewer steps each is free. The search
    is Gauss and Newton's (`scipy.optimize.least_squares`), of the distances of all ends.
    """
    errors = errors_of(denoise, paths, np.stack(rows), solver)
    best, least = rows[int(np.argmin(errors))], float(errors.min())
    moves = len(best) - 1 - ends.to_zero
    if moves < 2 or not least > 0:
        return best
    at = np.linspace(0, moves - 1, min(moves, KNOTS))
    scale = least * np.sqrt(len(paths.starts))

    def apart(logs: np.ndarray) -> np.ndarray:
        made = sample(denoise, paths.starts, _row_of(logs, at, moves, ends), solver).ends
        return ((made - paths.ends) / scale).reshape(*logs.shape[:-1], -1)

    def slopes(logs: np.ndarray) -> np.ndarray:
        moved = apart(np.concatenate([logs[None], logs + STEP * np.eye(len(logs))]))
        return (moved[1:] - moved[0]).T / STEP

    def searched(logs: np.ndarray, most: int) -> tuple[float, np.ndarray]:
        found = least_squares(apart, logs, slopes, max_nfev=most)
        return float(found.cost), found.x

    starts = np.stack([_logs_of(row[: moves + 1], at) for row in rows])
    nearest = np.argsort((apart(starts) ** 2).sum(axis=-1), kind="stable")[:STARTS]
    _, first = min((searched(starts[index], FIRST) for index in nearest), key=lambda each: each[0])
    row = _row_of(searched(first, MOST)[1], at, moves, ends)
    return row if float(errors_of(denoise, paths, row[None], solver)[0]) < least else best


def _row_of(logs: np.ndarray, at: np.ndarray, moves: int, ends: Ends) -> np.ndarray:
    """Levels (...) whose steps in ln sigma have these logarithms (..., K) at ``at``, up to a factor, linear between."""
    if logs.ndim > 1:
        return np.stack([_row_of(each, at, moves, ends) for each in logs])
    sizes = np.exp(np.interp(np.arange(moves), at, logs - logs.max()))
    passed = np.concatenate([[0.0], np.cumsum(sizes)]) / sizes.sum()
    row = np.exp(np.log(ends.high) - passed * np.log(ends.high / ends.low))
    row[0], row[-1] = ends.high, ends.low
    return np.append(row, 0.0) if ends.to_zero else row


def _logs_of(row: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Logarithms of the steps in ln sigma of falling levels, at ``at``."""
    sizes = np.maximum(-np.diff(np.log(row)), 1e-12)
    return np.interp(at, np.arange(len(sizes)), np.log(sizes))
