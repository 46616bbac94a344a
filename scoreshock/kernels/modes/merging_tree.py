"""The tree of merging modes of a one-dimensional mixture: which modes end at each event, and in which they end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.mixture import score
from scoreshock.kernels.modes.modes import merging, modes
from scoreshock.kernels.numerics.statuses import status_of_each

NEAR = 1e-4
"""Relative distance in v from an event at which modes are looked at, or a quarter of that to the next event."""


class MergingTree(NamedTuple):
    """Merging of modes on a line, event by event. Leading shape ``(...)``: that of all arguments together."""

    tau_event: np.ndarray
    event_status: np.ndarray
    x_before: np.ndarray
    x_after: np.ndarray
    merges_into: np.ndarray
    vanishes: np.ndarray
    branch: np.ndarray
    x_before_status: np.ndarray
    x_after_status: np.ndarray


def merging_tree(means: np.ndarray, weights: np.ndarray, variance: np.ndarray) -> MergingTree:
    """Which modes merge into which at each merging event of a mixture on a line.

    Parameters
    ----------
    means : (..., k, 1)
    weights : (..., k)
        Positive, summing to one.
    variance : (...)
        Component variance ``sigma0^2 >= 0``; events at or below it are cut off.

    Returns
    -------
    MergingTree
        ``tau_event, event_status (..., k - 1)`` as of ``modes.merging``; ``x_before, x_after (..., k - 1, k)``: positions of
        the modes just below and just above each event, ascending, NaN-padded; ``merges_into (..., k - 1, k)`` int16: the
        index among the modes after the event of each mode before it (-1: no mode); ``vanishes (..., k - 1, k)`` int8: 1 for
        a mode that ends there, 0 for one that goes on (at a pitchfork both modes meet, and the left one counts as going on),
        -1; ``branch (..., k - 1, k)`` int16: where each of the modes before the first event is after the event.

    Notes
    -----
    Just above the event, the score at the position of a mode points to the mode that it becomes: the next on that side.

    Examples
    --------
    >>> tree = merging_tree(np.array([[0.0], [1.0], [3.0]]), np.full(3, 1 / 3), np.array(0.0))
    >>> tree.merges_into.tolist(), tree.vanishes.tolist()
    ([[0, 0, 1], [0, 0, -1]], [[1, 0, 0], [0, 1, -1]])
    """
    k = means.shape[-2]
    events = merging(means, weights, variance)
    variance = np.asarray(variance, dtype=float)[..., None]
    v = variance + 2 * events.tau_event
    with np.errstate(all="ignore"):
        gap = _gaps(v)
        many = (means[..., None, :, :], weights[..., None, :])
        before = modes(*many, v * (1 - gap), k)[1]
        after = modes(*many, v * (1 + gap), k)[1]
        x = np.where(np.isnan(before), 0.0, before)[..., None]
        s = score(x, many[0][..., None, :, :], many[1][..., None, :], (v * (1 + gap))[..., None], 0.0)[..., 0]
    into = _destinations(before, after, s, np.sqrt(v)[..., None])
    vanishes = _vanishing(before, after, into)
    branch, at = [], np.where(into[..., 0, :] >= 0, np.arange(k), -1) if k > 1 else into[..., :0, :]
    for event in range(k - 1):
        moved = np.take_along_axis(into[..., event, :], np.maximum(at, 0), axis=-1)
        at = np.where((at >= 0) & (events.event_status[..., event, None] == Status.ok), moved, -1)
        branch.append(at)
    branches = np.stack(branch, axis=-2) if branch else into
    return MergingTree(
        events.tau_event,
        events.event_status,
        before,
        after,
        into.astype(np.int16),
        vanishes,
        branches.astype(np.int16),
        *(status_of_each(x, events.event_status, Status.no_transition) for x in (before, after)),
    )


def _gaps(v: np.ndarray) -> np.ndarray:
    """Relative distance in v from each event at which modes are looked at: a part of that to its neighbours."""
    ratio = v[..., 1:] / v[..., :-1] - 1
    gap = np.full(v.shape, NEAR)
    gap[..., 1:] = np.fmin(gap[..., 1:], ratio / 4)
    gap[..., :-1] = np.fmin(gap[..., :-1], ratio / 4)
    return gap


def _destinations(before: np.ndarray, after: np.ndarray, s: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Index of the mode after the event that each mode before it becomes, (..., E, k)."""
    k = before.shape[-1]
    distance = np.abs(after[..., None, :] - before[..., :, None])
    nearest = np.argmin(np.where(np.isnan(distance), np.inf, distance), axis=-1)
    right = np.count_nonzero(after[..., None, :] <= before[..., :, None], axis=-1)
    last = np.count_nonzero(after == after, axis=-1)[..., None] - 1
    into = np.clip(np.where(s > 0, right, np.where(s < 0, right - 1, nearest)), 0, np.maximum(last, 0))
    # A mode that goes on may not move by more than rounding, and then the sign tells nothing.
    unmoved = np.take_along_axis(distance, nearest[..., None], axis=-1)[..., 0] <= 1e-9 * unit
    into = np.where(unmoved, nearest, into)
    return np.where(np.isnan(before) | (last < 0), -1, into).reshape(*before.shape[:-1], k)


def _vanishing(before: np.ndarray, after: np.ndarray, into: np.ndarray) -> np.ndarray:
    """1 where a mode is not the nearest of those that become the same mode, 0 where it is, -1 where there is none."""
    index = np.maximum(into, 0)
    distance = np.abs(np.take_along_axis(after, index, axis=-1) - before)
    # Of every mode (second last axis) all others (last axis) that become the same.
    rival = (into[..., None, :] == into[..., :, None]) & ~np.eye(before.shape[-1], dtype=bool)
    excess, margin = distance[..., None, :] - distance[..., :, None], 1e-6 * distance[..., :, None]
    # Equal within rounding, as at a pitchfork: the left one goes on.
    left = np.tri(before.shape[-1], k=-1, dtype=bool)
    vanishes = (rival & ((excess < -margin) | ((np.abs(excess) <= margin) & left))).any(axis=-1)
    return np.where(into >= 0, vanishes, -1).astype(np.int8)
