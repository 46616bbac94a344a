r"""Clocks of information: noise levels at equal steps of conditional entropy.

``dH[x_0|x_sigma]/dsigma = mmse/sigma^3`` (Guo, Shamai and Verdu 2005); the rescaled clock has ``mmse/sigma^2`` (Stancevic,
Handke and Ambrogioni 2025). Both are integrated in ln sigma by Gauss-Legendre panels, whose series also gives the levels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import leggauss, legvander

from scoreshock.conventions import Status
from scoreshock.kernels.information.classes import Classes, Method, classes_of, estimated
from scoreshock.kernels.information.covariances import Along
from scoreshock.kernels.information.expectations import mean_square_error
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.bracketing import bracketed

NODES, PANEL = 16, 0.7
"""Gauss-Legendre nodes of a panel, and its greatest width in ln sigma: mean squared errors are smooth over a factor of e."""

Y, SHARES = leggauss(NODES)

TO_SERIES = legvander(Y, NODES - 1).T * SHARES * (np.arange(NODES) + 0.5)[:, None]
"""From values at the nodes to the coefficients of their Legendre series, (NODES, NODES)."""


class Clocks(NamedTuple):
    """Levels (..., n_steps + 1), descending, totals (...), and estimates of the errors of each."""

    sigma_entropic: np.ndarray
    sigma_entropic_error: np.ndarray
    sigma_rescaled: np.ndarray
    sigma_rescaled_error: np.ndarray
    entropic_total: np.ndarray
    entropic_total_error: np.ndarray
    rescaled_total: np.ndarray
    rescaled_total_error: np.ndarray
    clocks_status: np.ndarray


def clock_levels(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    dimension: np.ndarray,
    sigma_min: np.ndarray,
    sigma_max: np.ndarray,
    n_steps: int,
    method: Method,
    along: Along | None = None,
) -> Clocks:
    r"""Noise levels at equal steps of the entropic and of the rescaled entropic time, from ``sigma_max`` to ``sigma_min``.

    Parameters
    ----------
    means, weights, variance
        The mixture: (..., k, n), (..., k), (..., k), the last being the isotropic variance of each component; k may be 1.
    dimension, sigma_min, sigma_max : (...)
        Dimension of the data, and the ends of the clocks, ``0 < sigma_min < sigma_max``.
    n_steps : int
        Steps between the ``n_steps + 1`` levels.
    method, along
        As for `class_decisions`.

    Returns
    -------
    Clocks
        ``not_applicable`` with NaN for ``sigma_min >= sigma_max``; ``no_transition`` where all data are one point, for
        which no clock runs; else as for `class_decisions`.

    Examples
    --------
    Levels of one Gaussian are ``c tan(.)``: at equal steps of the angle.

    >>> one = np.zeros((1, 1)), np.ones(1), np.ones(1), np.array(1)
    >>> ends = np.tan(np.array([0.1, 1.3]))
    >>> found = clock_levels(*one, *ends, 3, Method())
    >>> np.arctan(found.sigma_rescaled).round(12).tolist(), round(float(found.rescaled_total), 12)
    ([1.3, 0.9, 0.5, 0.1], 1.2)
    """
    shapes = (means.shape[:-2], weights.shape[:-1], variance.shape[:-1], *map(np.shape, (dimension, sigma_min, sigma_max)))
    lead = np.broadcast_shapes(*shapes)
    singles = tuple((i,) for i in range(means.shape[-2]))
    points = classes_of(means, weights, variance, dimension, singles, lead, along=along)
    low, high = (np.broadcast_to(np.asarray(a, dtype=float), lead).ravel() for a in (sigma_min, sigma_max))
    runs = (points.extent > 0) | (points.extremes[1] > 0)
    good = np.flatnonzero(runs & (low < high))
    width = n_steps + 1
    columns, status = np.full((2, 2 * width + 2, low.size), np.nan), np.zeros(low.size, dtype=np.int8)
    with np.errstate(all="ignore"):
        found = estimated(_clocks(method, n_steps), points.take(good), method, np.log(low[good]), np.log(high[good]))
    columns[:, :, good] = found[:2]
    status[good] = np.max([found.status(2 * width), found.status(2 * width + 1)], axis=0)
    status[~(low < high)], status[(low < high) & ~runs] = Status.not_applicable, Status.no_transition
    values, errors = (np.moveaxis(a, -1, 0).reshape(*lead, -1) for a in columns)
    parts = [part for at in (slice(width), slice(width, -2), -2, -1) for part in (values[..., at], errors[..., at])]
    return Clocks._make([*parts, status.reshape(lead)])


def _clocks(method: Method, n_steps: int) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Solver of the levels of both clocks and of their totals."""

    def solve(points: Classes, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not low.size:
            return np.empty((2 * n_steps + 4, 0)), np.empty((2 * n_steps + 4, 0))
        panels = np.maximum(1, np.ceil((high - low) / PANEL)).astype(int)
        parts = [_panel(points, method, low, (high - low) / panels, panels, p) for p in range(panels.max())]
        series, errors = map(np.stack, zip(*parts, strict=True))
        clocks = [_levels(series[:, i], errors[:, i], low, high, panels, n_steps) for i in range(2)]
        (entropic, one, *wrong), (rescaled, other, *false) = clocks
        return np.concatenate([entropic, rescaled, one, other]), np.concatenate([wrong[0], false[0], wrong[1], false[1]])

    return solve


def _panel(
    points: Classes, method: Method, low: np.ndarray, width: np.ndarray, panels: np.ndarray, p: int
) -> tuple[np.ndarray, np.ndarray]:
    """Series (2, NODES, B) of both clocks' rates per ln sigma in a panel, 0 where there is none, and their errors (2, B)."""
    at = np.flatnonzero(panels > p)
    log_sigma = low[at] + width[at] * (p + 0.5 * (Y[:, None] + 1))
    sigma = np.exp(log_sigma).ravel()
    mmse, uncertain = mean_square_error(points.take(np.tile(at, NODES)), sigma * sigma, method)
    rates, wrong = np.zeros((2, 2, NODES, low.size))
    for row, value in ((rates, mmse), (wrong, uncertain)):
        row[:, :, at] = np.stack([value / (sigma * sigma), value / sigma]).reshape(2, NODES, -1)
    series = np.stack([total(TO_SERIES.T[:, :, None] * rate[:, None]) for rate in rates])
    # The last terms, of which each is orders of magnitude below the one before, bound what is left out.
    return series, wrong.max(axis=1) + np.abs(series[:, -2:]).max(axis=1) / NODES


def _levels(
    series: np.ndarray, errors: np.ndarray, low: np.ndarray, high: np.ndarray, panels: np.ndarray, n_steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Levels (n_steps + 1, B) at equal steps of the integral of ``series (panels, NODES, B)``, its total (1, B), errors."""
    half = 0.5 * (high - low) / panels
    passed = np.concatenate([np.zeros((1, low.size)), np.cumsum(2 * half * series[:, 0], axis=0)])
    lost = np.cumsum(2 * half * errors, axis=0)[-1]
    goal = passed[-1] * (np.arange(n_steps - 1, 0, -1) / n_steps)[:, None]
    panel = np.minimum((passed[1:, None] <= goal).sum(axis=0), panels - 1)
    number = np.broadcast_to(np.arange(low.size), goal.shape).ravel()
    own = series[panel.ravel(), :, number].T
    rest = (goal - np.take_along_axis(passed, panel, axis=0)).ravel()
    y = _solved(own, rest / half[number])
    rate = total(legvander(y, NODES - 1).T * own).reshape(goal.shape)
    levels = np.exp(np.concatenate([high[None], low + half * (2 * panel + y.reshape(goal.shape) + 1), low[None]]))
    uncertain = np.zeros_like(levels)
    uncertain[1:-1] = levels[1:-1] * (lost / rate)
    return levels, passed[-1:], uncertain, lost[None]


def _solved(series: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """y (P,) in [-1, 1] at which the integral from -1 of ``series (NODES, P)`` is ``goal (P,)``."""
    order = np.arange(NODES)[:, None]
    scaled = series / (2 * order + 1)
    # The integral of P_l is (P_{l+1} - P_{l-1})/(2l + 1), and that of P_0 is y + 1.
    nothing = np.zeros((1, goal.size))
    integral = np.concatenate([series[:1], scaled]) - np.concatenate([scaled[1:], nothing, nothing])

    def newton(y: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        basis = legvander(y, NODES).T
        value = total(basis * integral[:, at]) - goal[at]
        return value, y - value / total(basis[:-1] * series[:, at])

    ends = np.ones_like(goal)
    return bracketed(newton, -ends, ends, -goal, 2 * series[0] - goal, newton=True)
