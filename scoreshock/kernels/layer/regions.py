"""Interfacial and regular regions (60) of a mixture on a line, and the profile of the score gradient across them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.expectations import Axis, on_axis
from scoreshock.kernels.gaussian.geometry import half_distance
from scoreshock.kernels.gaussian.mixture import score_jacobian
from scoreshock.kernels.numerics.log_odds import from_midpoint
from scoreshock.kernels.numerics.statuses import status_of_each


class Regions(NamedTuple):
    """Boundaries between neighbouring components, ascending, padded with NaN, and the interfacial region about them."""

    interface_position: np.ndarray  # x_b, (..., k - 1)
    interface_half_gap: np.ndarray  # half the distance a of the two components' means, (..., k - 1)
    interface_width: np.ndarray  # v/a, (..., k - 1)
    interface_status: np.ndarray  # (..., k - 1)
    n_interfaces: np.ndarray  # (...)
    interfacial_probability: np.ndarray  # (...)
    region_status: np.ndarray  # (...)


def regions(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray) -> Regions:
    r"""Interfacial region :math:`\min_b |x - x_b| < v/a_b` (60) and the share of probability inside it.

    Parameters
    ----------
    means, weights, variance
        The mixture, one feature, or a pair in any number of them: (..., k, n), (..., k), (...).
    tau : (...)
        Diffusion time.

    Returns
    -------
    Regions
        A boundary is where the two most responsible components are equally so, with positions from the midpoint towards the
        second mean for a pair in several features. A component that leads nowhere has none; components of equal means are
        one. ``no_transition`` where all means are equal (no boundary, nothing inside); ``singular`` with NaN at v = 0;
        ``not_applicable`` with NaN for three or more components in several features.

    Notes
    -----
    Components lead on the cells of the power diagram (74),
    ``x_ij = (mu_i + mu_j)/2 - v ln(w_j/w_i)/(mu_j - mu_i)`` between neighbours.

    Examples
    --------
    >>> pair = regions(np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(1.0), np.array(0.0))
    >>> pair.interface_position.tolist(), pair.interface_width.tolist()
    ([0.0], [1.0])
    >>> round(float(pair.interfacial_probability), 6)  # of N(1, 1) between -1 and 1
    0.47725
    """
    line, v, lead, (boundary, half_gap, width) = _interfaces(means, weights, variance, tau)
    with np.errstate(all="ignore"):
        inside = np.where(np.isnan(v), np.nan, _probability(line, v, boundary, width))
    count = np.isfinite(boundary).sum(axis=0)
    status = np.where(count > 0, np.int8(Status.ok), np.int8(Status.no_transition))
    status = np.where(np.isnan(v), np.int8(Status.singular if line.known else Status.not_applicable), status)
    boundary, half_gap, width = (_interfaces_last(a, lead) for a in (boundary, half_gap, width))
    count, inside, status = (a.reshape(lead) for a in (count, inside, status))
    each = status_of_each(boundary, status, Status.no_transition)
    return Regions(boundary, half_gap, width, each, count, inside, status)


def gradient_profile(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, distance: np.ndarray
) -> np.ndarray:
    """Score gradient in units of ``1/v``, ``v s_x``, at ``distance`` widths from each boundary, (..., k-1, m).

    ``distance (..., m)``, positive towards larger x; other arguments as for `regions`.
    NaN where there is no boundary. Proposition 6.8 contrasts ``R - 1`` inside with -1 outside; the latter is only an
    asymptote. For a pair it is ``R sech^2(distance) - 1``, ``R = a^2/v``.

    Examples
    --------
    >>> pair = np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.array(0.09), np.array(0.0)
    >>> gradient_profile(*pair, np.array([0.0, 1.0, 1.5, 2.0])).round(2).tolist()
    [[10.11, 3.67, 1.01, -0.21]]
    """
    _, _, lead, rows = _interfaces(means, weights, variance, tau)
    boundary, _, width = (_interfaces_last(row, lead) for row in rows)
    k, n = means.shape[-2:]
    line = means if n == 1 or k > 2 else np.stack([-_half(means), _half(means)], axis=-2)
    x = (boundary[..., None] + distance[..., None, :] * width[..., None])[..., None]
    if line.shape[-1] != 1:
        return np.full(x.shape[:-1], np.nan)
    v = (np.asarray(variance) + 2 * np.asarray(tau))[..., None, None]
    slope = score_jacobian(x, line[..., None, None, :, :], weights[..., None, None, :], v, np.zeros(()))
    return v * slope[..., 0, 0]


def _interfaces(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray
) -> tuple[Axis, np.ndarray, tuple[int, ...], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The mixture on its line, v (B,), the leading shape, and boundaries, half gaps and widths, (k-1, B) each."""
    lead = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], np.shape(variance), np.shape(tau))
    line = on_axis(means, weights, lead)
    v = np.broadcast_to(variance + 2 * np.asarray(tau), lead).ravel()
    v = np.where((v > 0) & line.known, v, np.nan)
    with np.errstate(all="ignore"):
        boundary, half_gap = _boundaries(line, v)
        return line, v, lead, (boundary, half_gap, v / half_gap)


def _interfaces_last(rows: np.ndarray, lead: tuple[int, ...]) -> np.ndarray:
    """Rows (k-1, B) as (..., k-1)."""
    return np.moveaxis(rows.reshape(len(rows), *lead), 0, -1)


def _half(means: np.ndarray) -> np.ndarray:
    return half_distance(means)[..., None]


def _boundaries(line: Axis, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boundaries and half gaps, (k-1, B) each: the left ends of the cells of all components but the leftmost."""
    order = np.argsort(line.mu, axis=0, kind="stable")
    mu, log_w = np.take_along_axis(line.mu, order, axis=0), np.take_along_axis(line.log_w, order, axis=0)
    k = len(mu)
    for j in range(1, k):
        same = mu[j] == mu[j - 1]
        log_w[j] = np.where(same, np.logaddexp(log_w[j], log_w[j - 1]), log_w[j])
        log_w[j - 1] = np.where(same, -np.inf, log_w[j - 1])
    starts, gaps = [], []
    for j in range(1, k):
        start, gap = np.full(mu.shape[1], -np.inf), np.full(mu.shape[1], np.nan)
        for i in range(j):
            position = _equal(mu, log_w, v, i, j)
            later = position > start
            start, gap = np.where(later, position, start), np.where(later, (mu[j] - mu[i]) / 2, gap)
        end = np.full(mu.shape[1], np.inf)
        for i in range(j + 1, k):
            position = _equal(mu, log_w, v, j, i)
            end = np.where(position < end, position, end)
        leads = np.isfinite(start) & (start < end) & np.isfinite(log_w[j])
        starts.append(np.where(leads, start, np.nan))
        gaps.append(np.where(leads, gap, np.nan))
    positions, gap = np.reshape([starts, gaps], (2, k - 1, mu.shape[1]))
    order = np.argsort(positions, axis=0, kind="stable")
    return np.take_along_axis(positions, order, axis=0), np.take_along_axis(gap, order, axis=0)


def _equal(mu: np.ndarray, log_w: np.ndarray, v: np.ndarray, i: int, j: int) -> np.ndarray:
    """Where components i < j, in order of their means, are equally responsible; NaN where one has no weight."""
    position = from_midpoint(mu[i], mu[j], -v * (log_w[j] - log_w[i]) / (mu[j] - mu[i]))
    return np.where(np.isfinite(log_w[i] - log_w[j]), position, np.nan)


def _probability(line: Axis, v: np.ndarray, boundary: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Probability of the union of the intervals ``boundary -+ width``, whose boundaries ascend, (B,)."""
    reached = np.full(v.shape, -np.inf)
    total = np.zeros(v.shape)
    # An interval starts where those before it end; one of a smaller gap may reach back over its neighbour's start.
    starts = [b - w for b, w in zip(boundary, width, strict=True)]
    for i in range(len(starts) - 1, 0, -1):
        starts[i - 1] = np.fmin(starts[i - 1], starts[i])
    for start, b, w in zip(starts, boundary, width, strict=True):
        low, high = np.fmax(start, reached), b + w
        some = high > low
        total += np.where(some, _between(line, v, low, high), 0.0)
        reached = np.where(some, high, reached)
    return total


def _between(line: Axis, v: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    root, total = np.sqrt(v), np.zeros(v.shape)
    for mu, log_w in zip(line.mu, line.log_w, strict=True):
        first, last = (low - mu) / root, (high - mu) / root
        # The tail that is small: differences of numbers near one would lose it.
        upper = first > 0
        first, last = np.where(upper, -last, first), np.where(upper, -first, last)
        total += np.exp(log_w) * (ndtr(last) - ndtr(first))
    return total
