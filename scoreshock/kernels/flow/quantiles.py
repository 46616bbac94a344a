"""Probability flow on a line without integration: the flow keeps quantiles, ``F_tau(x(tau))`` is constant along it."""

from __future__ import annotations

from functools import partial, reduce
from typing import Any, NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from scoreshock.conventions import Status
from scoreshock.kernels.flow.trajectory import RTOL
from scoreshock.kernels.numerics.batching import in_batches
from scoreshock.kernels.numerics.log_odds import about_centre
from scoreshock.kernels.numerics.runge_kutta import EPS

BLOCK = 1 << 15
"""Quantiles solved together."""

ROUNDINGS = 8
"""Roundings in the logarithm of a tail, relative to its size plus one."""


class Quantiles(NamedTuple):
    """Positions of equal probability (..., t), and the log of the smaller tail (...), which they share.

    The error (..., t) is the effect of rounding of that logarithm; ``upper (...)`` says which tail it is; status (..., t).
    """

    trajectory_exact: np.ndarray
    trajectory_exact_error: np.ndarray
    log_tail: np.ndarray
    upper: np.ndarray
    exact_status: np.ndarray


def quantile_flow(
    x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    rtol: float = RTOL,
) -> Quantiles:
    r"""Exact trajectories of the probability flow on a line: :math:`F_{\tau}(x) = F_{\tau_0}(x_0)`.

    Parameters
    ----------
    x : (..., 1)
        Starts, at the first time.
    means, weights, variance
        The mixture: (..., k, 1), (..., k), (...).
    tau : (..., t)
        Diffusion times, the first being the start.
    rtol : float
        Tolerance of the error, as for `probability_flow`.

    Returns
    -------
    Quantiles
        Solved in the logarithm of the smaller tail, so precise to the far tails; between modes to some 1e-15 of the tail
        over the density there. ``unresolved``, with the positions as computed, where the error exceeds the tolerance;
        ``singular`` with NaN where v = 0, and everywhere if it is so at the start; ``not_applicable`` in several features;
        ``failed`` where the root finder fails.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.zeros((1, 1)), np.ones(1), np.array(1.0)
    >>> quantile_flow(np.array([2.0]), *one, np.array([1.5, 0.0])).trajectory_exact.round(12).tolist()
    [2.0, 1.0]
    """
    times = tau.shape[-1:]
    if means.shape[-1] != 1:
        lead = np.broadcast_shapes(x.shape[:-1], means.shape[:-2], weights.shape[:-1], np.shape(variance), tau.shape[:-1])
        nothing, status = np.full(lead + times, np.nan), np.full(lead + times, Status.not_applicable, dtype=np.int8)
        return Quantiles(nothing, nothing, nothing[..., 0], np.zeros(lead, bool), status)
    with np.errstate(all="ignore"):
        arguments = [(x, 1), (means, 2), (np.log(weights), 1), (variance[..., None] + 2 * tau, 1)]
    outputs = [(times, float), (times, float), ((), float), ((), bool), (times, np.int8)]
    return Quantiles(*in_batches(partial(_quantiles, rtol=rtol), arguments, outputs, BLOCK))


def _quantiles(x: np.ndarray, means: np.ndarray, log_w: np.ndarray, v: np.ndarray, rtol: float) -> tuple[np.ndarray, ...]:
    """Fields of `Quantiles` for ``x (1, B)``, ``means (k, 1, B)``, ``log_w (k, B)`` and ``v (t, B)``."""
    (centre,), (remainder,), offset = about_centre(means)
    line = offset[:, 0], log_w
    y = (x[0] - centre) - remainder
    scale = np.sqrt(np.where(v > 0, v, np.nan))
    lower, upper = _log_tail(y, scale[0], *line, 1.0), _log_tail(y, scale[0], *line, -1.0)
    side, target = np.where(lower <= upper, 1.0, -1.0), np.minimum(lower, upper)
    later = [position_of_tail(target, side, each, *line) for each in scale[1:]]
    positions = np.stack([np.where(scale[0] > 0, y, np.nan), *later])
    rounding = ROUNDINGS * EPS * (1 + np.abs(target))
    errors = rounding * np.exp(target - _log_density(positions, scale, *line)) + ROUNDINGS * EPS * np.abs(positions)
    errors[:1] = 0 * positions[:1]
    allowed = rtol * (np.abs(positions) + np.abs(line[0]).max(axis=0))
    status = np.where(errors <= allowed, np.int8(Status.ok), np.int8(Status.unresolved))
    status = np.where(np.isnan(positions), np.int8(Status.failed), status)
    status[~(v > 0) | ~(v[:1] > 0)] = Status.singular
    return centre + (remainder + positions), errors, target, side < 0, status


def _log_tail(y: np.ndarray, scale: np.ndarray, mu: np.ndarray, log_w: np.ndarray, side: Any) -> np.ndarray:
    """``ln P(Y <= y)``, or with ``side = -1`` ``ln P(Y >= y)``, (B,)."""
    return reduce(np.logaddexp, log_w + log_ndtr(side * (y - mu) / scale))


def _log_density(y: np.ndarray, scale: np.ndarray, mu: np.ndarray, log_w: np.ndarray) -> np.ndarray:
    """``ln p``, (t, B)."""
    parts = [w - 0.5 * ((y - m) / scale) ** 2 for m, w in zip(mu, log_w, strict=True)]
    return reduce(np.logaddexp, parts) - np.log(np.sqrt(2 * np.pi) * scale)


def position_of_tail(
    target: np.ndarray, side: np.ndarray, scale: np.ndarray, mu: np.ndarray, log_w: np.ndarray
) -> np.ndarray:
    """Positions whose tail on their ``side`` is ``target``: between the quantiles of the outermost components, (B,)."""
    from scipy.optimize.elementwise import find_root  # slow to import

    z = side * ndtri_exp(target)
    low, high = mu.min(axis=0) + scale * z, mu.max(axis=0) + scale * z
    margin = 1e-6 * (scale + (high - low)) + 1e-12 * np.abs(scale * z)

    def excess(y: np.ndarray, number: np.ndarray) -> np.ndarray:
        i = number.astype(np.intp)
        return side[i] * (_log_tail(y, scale[i], mu[:, i], log_w[:, i], side[i]) - target[i])

    result = find_root(excess, (low - margin, high + margin), args=(np.arange(target.size, dtype=float),))
    return np.where(result.success, result.x, np.nan)
