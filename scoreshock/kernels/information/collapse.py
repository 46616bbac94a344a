r"""Collapse: the noise level below which the empirical score of n samples follows single samples.

The excess entropy ``I(x_0; x_sigma) - ln n`` changes sign there (Biroli, Bonnaire, de Bortoli and Mezard 2024). Of a mixture
the information is that on the component and that on the sample within it, ``H(w) - H(k|x) + sum_k w_k (d/2) ln(1 +
s_k/sigma^2)``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.information.classes import Classes, Method, Solver, classes_of, estimated
from scoreshock.kernels.information.covariances import Along
from scoreshock.kernels.information.expectations import mean_square_errors, moments
from scoreshock.kernels.numerics.blocks import total
from scoreshock.kernels.numerics.bracketing import Stepping, bracketed

WIDEN, TIMES = np.log(1e4), 40
"""Steps, in the logarithm of sigma^2, by which a bracket grows, and how many."""


class Collapse(NamedTuple):
    """Collapse as diffusion time, noise level with its error, and time of the Ornstein-Uhlenbeck process, (...) each."""

    tau_collapse: np.ndarray
    sigma_collapse: np.ndarray
    sigma_collapse_error: np.ndarray
    time_collapse: np.ndarray
    collapse_status: np.ndarray


def gaussian_collapse(variance: np.ndarray, dimension: np.ndarray, samples: np.ndarray) -> Collapse:
    r"""Collapse of ``samples`` draws n of a Gaussian of ``variance`` s in d dimensions, in closed form.

    .. math:: \sigma_C^2 = \frac{s}{n^{2/d} - 1}, \qquad t_C = \tfrac12\ln(1 + \sigma_C^2)

    Returns
    -------
    Collapse
        ``no_transition`` with NaN for a variance of 0, whose samples are one point; ``not_applicable`` with NaN for n < 2.

    Examples
    --------
    >>> found = gaussian_collapse(np.array(1.0), np.array([256, 1024, 4096]), np.array(20000))
    >>> found.time_collapse.round(4).tolist()
    [1.2988, 1.9775, 2.6671]
    """
    s, d, n = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (variance, dimension, samples)))
    with np.errstate(all="ignore"):
        square = np.where((s > 0) & (n >= 2), s / np.expm1(2 * np.log(n) / d), np.nan)
    status = np.where(s > 0, np.int8(Status.ok), np.int8(Status.no_transition))
    status = np.where(n >= 2, status, np.int8(Status.not_applicable))
    return _timed(square, 4 * np.finfo(float).eps * np.sqrt(square), status)


def collapse(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    dimension: np.ndarray,
    samples: np.ndarray,
    method: Method,
    frame: np.ndarray | None = None,
    along: Along | None = None,
) -> Collapse:
    """Collapse of ``samples (...)`` draws of a mixture, from its own entropy.

    Parameters
    ----------
    means, weights, variance, dimension, method, along
        As for `clock_levels`; ``frame`` as for `decision_windows`.
    samples : (...)
        Number of draws, at least 2.

    Returns
    -------
    Collapse
        ``no_real_root`` with NaN for point masses that tell fewer than n samples apart, and for more samples of one point;
        ``not_applicable`` with NaN for fewer than two samples; else as for `class_decisions`.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.full(2, 0.5), np.full(2, 0.09), np.array(1)
    >>> round(float(collapse(*pair, np.array(100), Method()).sigma_collapse), 9)
    0.005993737
    """
    shapes = means.shape[:-2], weights.shape[:-1], variance.shape[:-1], np.shape(dimension), np.shape(samples)
    lead = np.broadcast_shapes(*shapes)
    singles = tuple((i,) for i in range(means.shape[-2]))
    points = classes_of(means, weights, variance, dimension, singles, lead, frame, along)
    n = np.broadcast_to(np.asarray(samples, dtype=float), lead).ravel()
    # Without variance there are no more than the components to tell apart.
    exists = (points.extremes[1] > 0) | (np.log(n) < points.weight_entropy)
    good = np.flatnonzero(exists & (n >= 2))
    columns, status = np.full((2, n.size), np.nan), np.full(n.size, Status.no_real_root, dtype=np.int8)
    with np.errstate(all="ignore"):
        found = estimated(_informed(method), points.take(good), method, np.log(n[good]))
    columns[:, good] = found.values[0], found.errors[0]
    status[good] = found.status(0)
    status[~(n >= 2)] = Status.not_applicable
    sigma, error = columns.reshape(2, *lead)
    return _timed(sigma * sigma, error, status.reshape(lead))


def _timed(square: np.ndarray, error: np.ndarray, status: np.ndarray) -> Collapse:
    return Collapse(0.5 * square, np.sqrt(square), error, 0.5 * np.log1p(square), status.astype(np.int8))


def _informed(method: Method) -> Solver:
    """Solver of the noise level at which what is known of a sample is ``ln n``."""

    def solve(points: Classes, log_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        def excess(log_q: np.ndarray, i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            some, q = points.take(i), np.exp(log_q)
            found = moments(some, q, method)
            within = _within(some, q)
            value = some.weight_entropy - found.entropy + within - log_n[i]
            return value, log_q + value * 2 * q / mean_square_errors(some, q, found)[0]

        log_q = _root(excess, points)
        found = moments(points, np.exp(log_q), method)
        mmse = mean_square_errors(points, np.exp(log_q), found)[0]
        sigma = np.exp(0.5 * log_q)
        slack = found.entropy * found.error + 4 * np.finfo(float).eps * log_n
        return sigma[None], (sigma * slack * np.exp(log_q) / mmse)[None]

    return solve


def _within(points: Classes, noise: np.ndarray) -> np.ndarray:
    """Information of a noisy sample on the sample where the component is known, (B,)."""
    if points.covariances is not None:
        return 0.5 * total(np.exp(points.log_w) * points.over_directions(lambda s, q: np.log1p(s / q), noise))
    return 0.5 * points.dimension * total(np.exp(points.log_w) * np.log1p(points.variance / noise))


def _root(excess: Stepping, points: Classes) -> np.ndarray:
    """Root (B,) in ``ln sigma^2`` of a falling function with its Newton steps."""
    start = np.log(np.maximum(points.extent, points.extremes[1]))
    ends, values = [], []
    for sign in (-1.0, 1.0):
        end = start + sign
        value = excess(end, np.arange(end.size))[0]
        for _ in range(TIMES):
            at = np.flatnonzero(sign * value > 0)
            if not at.size:
                break
            end[at] += sign * WIDEN
            value[at] = excess(end[at], at)[0]
        ends.append(end)
        values.append(value)
    return bracketed(excess, *ends, *values, newton=True)
