r"""KL divergence and total variation between the true density and the generated one, as they are.

The probability flow has a density along its trajectories, by the change of variables. On a line the reverse SDE has one by
the Fokker-Planck equation of :math:`f = q/p` in the true probability m below a point, along the exact flow:
:math:`\partial f = \partial_m(p^2\partial_m f - 2pef)`, which keeps f = 1 where the error e is 0. Elsewhere the shares of
components bound both from below.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline
from scipy.special import ndtr

from scoreshock.conventions import Status, variables
from scoreshock.diagnosis.scores import Score
from scoreshock.diagnosis.truth import Truth

FEW_FEATURES, DRAWS = 3, 500
"""Features up to which the flow's density is followed, and the most points of it."""

FLOW_STEPS, FLOW_STEP = 24, 0.15
"""Least number of Runge-Kutta steps of the flow, and their greatest length in ln sigma."""

FOLLOWED = 0.1
"""Root mean square change of ln q by half as many steps below which the steps suffice; their error is a fifteenth of it."""

CELLS, ENDS, STORED = 400, 6.0, 65
"""Cells of a line, normal quantile of their ends, and noise levels at which the error is evaluated on their edges."""

RTOL = 1e-8

SPACING = 0.05
"""Greatest distance of those levels in ln sigma, which makes them more than `STORED`, and longest step between them."""

DIVERGENCES = variables(
    """
    kl_measured(sampler), divergence_status: KL divergence of the generated density from the true one
        | KL(p|q) in nats: of the flow by the change of variables, of the reverse SDE by the Fokker-Planck equation.
    kl_measured_error(sampler), divergence_status: estimate of the error of kl_measured
        | Standard error of the flow's draws; of the reverse SDE what half of the cells change.
    tv_measured(sampler), divergence_status: total variation of the generated density from the true one
    tv_measured_error(sampler), divergence_status: estimate of the error of tv_measured
        | Standard error of the flow's draws; of the reverse SDE what half of the cells change.
    divergence_status(sampler): outcome of the measurement
        | not_applicable: the flow in more than three features, the reverse SDE in more than one; failed: the generated
        density cannot be followed.
    kl_shares(sampler): KL divergence of the shares of components | Of their mean responsibilities: a lower bound on KL(p|q).
    kl_shares_error(sampler): standard error of kl_shares | Over the samples.
    tv_shares(sampler): total variation of the shares of components | A lower bound on the total variation.
    """
)


class Divergence(NamedTuple):
    """KL(p|q) and total variation, and estimates of their errors."""

    kl: float
    tv: float
    kl_error: float
    tv_error: float


def divergences(
    score: Score, truth: Truth, levels: np.ndarray, change: np.ndarray, change_error: np.ndarray, seed: int
) -> dict[str, Any]:
    """Values of `DIVERGENCES`; ``change (sampler, component)`` of the weights with standard errors."""
    low, high, n = float(levels[0]), float(levels[-1]), truth.size[1]
    ways = [
        of_flow(score, truth, low, high, seed) if n <= FEW_FEATURES else None,
        on_line(score, truth, low, high) if n == 1 else None,
    ]
    applies = [n <= FEW_FEATURES, n == 1]
    nothing = Divergence(*[np.nan] * 4)
    found = np.array([nothing if way is None else way for way in ways])
    status = [
        Status.ok if np.isfinite(row).all() else Status.failed if there else Status.not_applicable
        for row, there in zip(found, applies, strict=True)
    ]
    names = ("kl_measured", "tv_measured", "kl_measured_error", "tv_measured_error")
    values = {name: found[:, column] for column, name in enumerate(names)}
    return (
        values
        | {"divergence_status": np.array(status, dtype=np.int8)}
        | of_shares(truth.parts.weights, change, change_error)
    )


def of_shares(weights: np.ndarray, change: np.ndarray, error: np.ndarray) -> dict[str, np.ndarray]:
    """Divergences of the shares ``weights + change`` (sampler, component) from the weights (component,).

    Examples
    --------
    >>> found = of_shares(np.array([0.5, 0.5]), np.array([[0.1, -0.1]]), np.zeros((1, 2)))
    >>> found["kl_shares"].round(6).tolist(), found["tv_shares"].tolist()  # ln(.5/.6)/2 + ln(.5/.4)/2
    ([0.020411], [0.1])
    """
    shares = weights + change
    with np.errstate(all="ignore"):
        kl = -(weights * np.log1p(change / weights)).sum(axis=-1)
        slope = change / shares  # of KL by a share, less what all shares have in common
        return {
            "kl_shares": np.maximum(np.where((shares > 0).all(axis=-1), kl, np.inf), 0.0),
            "kl_shares_error": np.sqrt(((slope * error) ** 2).sum(axis=-1)),
            "tv_shares": 0.5 * np.abs(change).sum(axis=-1),
        }


def of_flow(score: Score, truth: Truth, low: float, high: float, seed: int) -> Divergence:
    r"""Of the probability flow between two levels, by the change of variables along trajectories from data to noise.

    ``ln q(x) = ln p_high(x_high) - \int div s dtau`` at draws x of the truth, with the control variate
    ``q/p - 1``, whose mean is 0.

    Examples
    --------
    >>> from scoreshock.diagnosis.scores import learned_score
    >>> from scoreshock.diagnosis.truth import truth_of
    >>> import scoreshock as ss
    >>> one = truth_of(ss.mixture([0.0]))  # a shift of .1 in the mean at the end, over a deviation of sqrt(2)
    >>> wrong = learned_score(lambda x, tau: -(x - 0.3) / (1 + 2 * tau[:, None]))
    >>> found = of_flow(wrong, one, 1.0, 3.0, 0)
    >>> shift = 0.3 * (1 - np.sqrt(2 / 10))
    >>> bool(abs(found.kl - shift**2 / 4) < 4 * found.kl_error), found.kl_error < 0.1 * found.kl
    (True, True)
    """
    x = truth.starts(DRAWS, low, seed)
    log_p = truth.log_density(x, low)
    steps = max(FLOW_STEPS, int(np.log(high / low) / FLOW_STEP) + 1)
    levels = np.linspace(np.log(low), np.log(high), steps + steps % 2 + 1)
    with np.errstate(all="ignore"):
        share = score.rounding(x, 0.5 * low * low) ** (1 / 3)
        fine, coarse = (_log_density(score, truth, x, levels[::each], share) - log_p for each in (1, 2))
        apart = float(np.sqrt(np.mean((fine - coarse) ** 2)))
        found = _averaged(fine)
    if not apart < FOLLOWED:
        return Divergence(*[np.nan] * 4)
    return found._replace(kl_error=found.kl_error + apart / 15, tv_error=found.tv_error + apart / 15)


def _log_density(score: Score, truth: Truth, x: np.ndarray, levels: np.ndarray, share: float) -> np.ndarray:
    """Logarithm of the flow's density at ``x``, from steps between ``levels`` of ln sigma to the exact density.

    Differences in positions are over ``share`` of the noise level.
    """
    log_volume = np.zeros(len(x))
    for start, end in pairwise(levels):
        x, log_volume = _step(score, x, log_volume, float(start), float(end - start), share)
    return truth.log_density(x, float(np.exp(levels[-1]))) - log_volume


def _averaged(log_ratio: np.ndarray) -> Divergence:
    """KL and total variation of ``ln(q/p)`` at draws of p, with standard errors."""
    rest, loss = np.expm1(log_ratio), -log_ratio
    spread = rest.var()
    factor = np.clip(-np.mean((loss - loss.mean()) * rest) / spread, 0.0, 1.0) if 0 < spread < np.inf else 0.0
    kl, tv = loss + (factor * rest if factor else 0.0), np.maximum(-rest, 0.0)
    deviations = (float(each.std() / np.sqrt(len(each))) for each in (kl, tv))
    return Divergence(float(kl.mean()), float(tv.mean()), *deviations)


def _step(
    score: Score, x: np.ndarray, volume: np.ndarray, start: float, length: float, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """One Runge-Kutta step in ln sigma of points and of the logarithm of their volume: ``dx/dtau = -s``, to more noise."""
    slopes: list[tuple[np.ndarray, np.ndarray]] = []
    for part in (0.0, 0.5, 0.5, 1.0):
        moved = x + part * length * slopes[-1][0] if slopes else x
        slopes.append(_velocity(score, moved, float(np.exp(start + part * length)), share))
    rows = list(zip(*slopes, strict=True))
    x, volume = (each + length / 6 * (a + 2 * b + 2 * c + d) for each, (a, b, c, d) in zip((x, volume), rows, strict=True))
    return x, volume


def _velocity(score: Score, x: np.ndarray, sigma: float, share: float) -> tuple[np.ndarray, np.ndarray]:
    """``-sigma^2 s`` and ``sigma^2 div s``, the latter by central differences, the sign that ln q needs."""
    count, n = x.shape
    step = share * sigma
    unit = step * np.eye(n)
    rows = score(np.concatenate([x, *(x + sign * e for sign in (1, -1) for e in unit)]), 0.5 * sigma * sigma)
    rows = rows.reshape(2 * n + 1, count, n)
    spread = np.einsum("iNi->N", rows[1 : n + 1] - rows[n + 1 :]) / (2 * step)
    return -sigma * sigma * rows[0], sigma * sigma * spread


def on_line(score: Score, truth: Truth, low: float, high: float) -> Divergence:
    """Of the reverse SDE of one feature between two levels, by the Fokker-Planck equation in cells of true probability.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.diagnosis.scores import learned_score
    >>> from scoreshock.diagnosis.truth import truth_of
    >>> wrong = learned_score(lambda x, tau: -(x - 0.3) / (1 + 2 * tau[:, None]))
    >>> found = on_line(wrong, truth_of(ss.mixture([0.0])), 1.0, 3.0)
    >>> known = ss.gaussian_divergence(1.0, 1.0, 0.3, 0.5, 4.5)
    >>> round(found.kl / float(known.kl), 3), round(found.tv / float(known.tv), 3)
    (1.0, 1.0)
    """
    edges = np.linspace(-ENDS, ENDS, CELLS + 1)
    stored = max(STORED, int(np.log(high / low) / SPACING) + 2)
    log_levels = np.linspace(np.log(high), np.log(low), stored)
    x = np.stack([quantiles(truth, ndtr(edges), float(np.exp(each))) for each in log_levels])
    speed, drift = np.empty((2, stored, CELLS + 1))
    for row, each in enumerate(log_levels):
        sigma, points = float(np.exp(each)), x[row][:, None]
        density = np.exp(truth.log_density(points, sigma))
        error = score(points, 0.5 * sigma * sigma) - truth.score(points, sigma)
        speed[row], drift[row] = sigma**2 * density, 2 * sigma**2 * density * error[:, 0]
    fine, coarse = (_evolved(log_levels, edges[::each], *(a[:, ::each] for a in (x, speed, drift))) for each in (1, 2))
    return Divergence(*fine, *(abs(a - b) for a, b in zip(fine, coarse, strict=True)))


def _evolved(
    log_levels: np.ndarray, edges: np.ndarray, x: np.ndarray, speed: np.ndarray, drift: np.ndarray
) -> tuple[float, float]:
    """KL and total variation at the end; ``x, speed, drift`` at levels and edges (L, M + 1)."""
    mass = np.diff(ndtr(edges))
    conduct = speed[:, 1:-1] / (0.5 * (x[:, 2:] - x[:, :-2]))
    time = log_levels[0] - log_levels
    flux = CubicSpline(time, np.stack([conduct, drift[:, 1:-1]], axis=1))

    def change(t: float, f: np.ndarray) -> np.ndarray:
        through, carried = flux(t)
        flow = through * np.diff(f) - 0.5 * carried * (f[1:] + f[:-1])
        return np.diff(flow, prepend=0.0, append=0.0) / mass

    how = {"rtol": RTOL, "atol": RTOL, "lband": 1, "uband": 1, "max_step": time[1]}  # f = 1 would let it step over an error
    done = solve_ivp(change, (0.0, time[-1]), np.ones(len(mass)), "LSODA", [time[-1]], **how)
    if not done.success:
        return np.nan, np.nan
    f = done.y[:, -1]
    with np.errstate(all="ignore"):
        return float(-(mass * np.log(f)).sum()), float(0.5 * (mass * np.abs(f - 1)).sum())


def quantiles(truth: Truth, share: np.ndarray, sigma: float) -> np.ndarray:
    """Positions (M,) below which the true density of one feature has these shares, by bisection.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.diagnosis.truth import truth_of
    >>> quantiles(truth_of(ss.mixture([-1.0, 1.0])), np.array([0.5]), 1.0).round(9).tolist() == [0.0]
    True
    """
    means, c = truth.parts.means[:, 0], truth.parts
    data = c.variance if c.eigenvalues is None else c.eigenvalues[:, 0]
    deviation = np.sqrt(data + sigma * sigma)
    reach = 40 * deviation.max()
    low, high = np.full(share.shape, means.min() - reach), np.full(share.shape, means.max() + reach)
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = (c.weights * ndtr((middle[:, None] - means) / deviation)).sum(axis=1) < share
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)
