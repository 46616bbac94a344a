"""Summary of a comparison, whose size does not depend on the number of points: of one block, and summed over blocks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.comparison.spread import STATISTICS, Spread
from scoreshock.comparison.trust import SERIES, Condition, Reason, across_branches
from scoreshock.comparison.variables import attributes
from scoreshock.conventions import Status, TimeStatus

OUTCOMES, TIME_OUTCOMES = len(Status), len(TimeStatus)
OK = Status.ok - Status.missing
"""Index of ``ok`` among the outcomes, of ``Status`` and of ``TimeStatus``."""

AGREED = 1e-9
"""Relative difference up to which two criteria have the same time: below it, rounding decides which is earlier."""

SHARES = ("window_fraction_range", "window_fraction_steps", "window_steps")
"""Variables of the window that are summarised for each schedule."""


class Block:
    """One block of a sweep, whose variables are read as arrays (other dimensions, points)."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes

    def lines(self, array: xr.DataArray, *dims: Hashable) -> np.ndarray:
        """Values of ``array`` as (dims, points), repeated along the sweep axes that it lacks."""
        absent = {dim: size for dim, size in self.sizes.items() if dim not in array.dims}
        ordered = array.variable.set_dims(absent | dict(array.sizes)).transpose(*dims, *self.sizes)
        return np.ascontiguousarray(ordered.values).reshape(*ordered.shape[: len(dims)], -1)

    def indices(self, local: np.ndarray, starts: Mapping[str, int], sizes: Mapping[str, int]) -> np.ndarray:
        """Flat indices in a sweep of ``sizes`` of points of this block, which begins at ``starts``; -1 stays -1."""
        if not self.sizes:
            return local
        inside = np.unravel_index(np.maximum(local, 0), tuple(self.sizes.values()))
        moved = [index + starts[dim] for dim, index in zip(self.sizes, inside, strict=True)]
        return np.where(local < 0, local, np.ravel_multi_index(tuple(moved), tuple(sizes[dim] for dim in self.sizes)))


def counted(codes: np.ndarray, length: int) -> np.ndarray:
    """Number of occurrences of each code from 0 to ``length - 1`` along the last axis, (..., length)."""
    rows = [np.bincount(row, minlength=length) for row in codes.reshape(-1, codes.shape[-1])]
    return np.array(rows).reshape(*codes.shape[:-1], length)


def of_criteria(block: Block, speciation: xr.Dataset, mixture: xr.Dataset | None) -> dict[str, Any]:
    """Counts and spreads of each criterion, and of the differences of each pair (first minus second in their order)."""
    names = [str(name) for name in speciation.criterion.values]
    tau, status = (block.lines(speciation[name], "criterion") for name in ("tau_star", "status"))
    codes, good = status - np.int8(Status.missing), status == Status.ok
    across = block.lines(across_branches(speciation))
    joint, crossed, where, gaps = [], [], [], []
    for i, j in combinations(range(len(names)), 2):
        joint.append(np.bincount(codes[i] * OUTCOMES + codes[j], minlength=OUTCOMES**2))
        index, excluded = _comparable(good[i] & good[j], across, {names[i], names[j]})
        crossed.append(excluded)
        where.append(index)
        gaps.append(_picked(tau[i], index) - _picked(tau[j], index))
    summary: dict[str, Any] = {
        "points": np.array(tau.shape[-1]),
        "status": counted(codes, OUTCOMES),
        "tau_star": Spread.of([t[g] for t, g in zip(tau, good, strict=True)]),
        "joint": np.array(joint, dtype=int).reshape(-1, OUTCOMES, OUTCOMES),
        "crossed": np.array(crossed, dtype=int),
        "difference": Spread.of(gaps, where),
    }
    if mixture is not None:
        variance = block.lines(mixture.component_variance) + 2 * tau
        summary["difference_relative"] = Spread.of(_relative(gaps, where, variance))
    return summary | (_of_times(block, speciation, where) if "time" in speciation else {})


def _comparable(both: np.ndarray, across: np.ndarray, names: set[str]) -> tuple[np.ndarray | None, int]:
    """Indices of the points at which two criteria are compared (None: all), and how many another branch excludes.

    The series and ``exact`` are not compared where the exact root lies ``across`` branches.
    """
    series = names - {"exact"}
    excluded = both & across if len(series) == 1 and series <= set(SERIES) else np.zeros(1, bool)
    number = int(np.count_nonzero(excluded))
    return (None if both.all() and not number else np.flatnonzero(both & ~excluded)), number


def _relative(gaps: list[np.ndarray], where: list[np.ndarray | None], variance: np.ndarray) -> list[np.ndarray]:
    """``2 gap / v`` of each pair with the variance of the second criterion, then ``-2 gap / v`` with that of the first."""
    pairs = list(zip(combinations(range(len(variance)), 2), gaps, where, strict=True))
    upper = [2 * gap / _picked(variance[j], index) for (_, j), gap, index in pairs]
    return upper + [-2 * gap / _picked(variance[i], index) for (i, _), gap, index in pairs]


def _of_times(block: Block, speciation: xr.Dataset, where: list[np.ndarray | None]) -> dict[str, Any]:
    """Counts of the time statuses of each pair of criteria in each schedule, and spreads of their sampling steps."""
    dims = ("criterion", "schedule")
    code = block.lines(speciation.time_status, *dims) - np.int8(TimeStatus.missing)
    step = block.lines(speciation.sampling_step, *dims)
    n, schedules = step.shape[:2]
    joint, steps = [], []
    for (i, j), index in zip(combinations(range(n), 2), where, strict=True):
        for s in range(schedules):
            first, second = (_picked(code[c, s], index) for c in (i, j))
            joint.append(np.bincount(first * TIME_OUTCOMES + second, minlength=TIME_OUTCOMES**2))
            inside = (first == OK) & (second == OK)
            steps.append((_picked(step[i, s], index) - _picked(step[j, s], index))[inside])
    shape = (len(where), schedules, TIME_OUTCOMES, TIME_OUTCOMES)
    return {"joint_time": np.array(joint, dtype=int).reshape(shape), "difference_step": Spread.of(steps)}


def of_orders(
    block: Block, speciation: xr.Dataset, corrections: xr.Dataset, order_clock: xr.Dataset | None
) -> dict[str, Any]:
    """Counts and spreads of the error of the series at each order, relative to the exact criterion."""
    error, share, status = (block.lines(corrections[n], "order") for n in ("error", "error_relative", "error_status"))
    good = status == Status.ok
    where = [np.flatnonzero(row) for row in good]
    summary: dict[str, Any] = {
        "error_status": counted(status - np.int8(Status.missing), OUTCOMES),
        "error": Spread.of([row[index] for row, index in zip(error, where, strict=True)], where),
        "error_relative": Spread.of([row[index] for row, index in zip(share, where, strict=True)]),
        "error_smaller": np.count_nonzero(good & good[0] & (np.abs(error) < np.abs(error[0])), axis=-1),
    }
    if order_clock is not None and "time" in speciation and "exact" in speciation.criterion:
        dims = ("order", "schedule")
        exact = speciation.sel(criterion="exact", drop=True)
        code = block.lines(order_clock.time_status, *dims)
        code = np.where(code == TimeStatus.ok, block.lines(exact.time_status, "schedule"), code)
        absent = np.where(status == Status.missing, np.int8(TimeStatus.missing), np.int8(TimeStatus.no_tau))
        code = np.where(good[:, None], code, absent[:, None])
        gap = block.lines(order_clock.sampling_step, *dims) - block.lines(exact.sampling_step, "schedule")
        summary["error_time_status"] = counted(code - np.int8(TimeStatus.missing), TIME_OUTCOMES)
        pairs = zip(gap.reshape(-1, gap.shape[-1]), code.reshape(-1, gap.shape[-1]), strict=True)
        summary["error_step"] = Spread.of([row[codes == TimeStatus.ok] for row, codes in pairs])
    return summary


def of_points(block: Block, speciation: xr.Dataset, stored: xr.Dataset) -> dict[str, Any]:
    """Counts and spreads of the variables stored for each point: windows and trusted criteria."""
    tau = block.lines(speciation.tau_star.where(speciation.status == Status.ok), "criterion")
    low, high = np.fmin.reduce(tau), np.fmax.reduce(tau)
    wide = high - low > AGREED * np.abs(high)
    status = block.lines(stored.window_status)
    summary: dict[str, Any] = {
        "window_status": counted(status - np.int8(Status.missing), OUTCOMES),
        "window_width": Spread.of([block.lines(stored.window_width)[status == Status.ok]]),
    }
    for end in ("window_start", "window_end"):
        ends = block.lines(stored[f"{end}_criterion"])[wide]
        summary[end] = np.bincount(ends + 1, minlength=speciation.sizes["criterion"] + 1)[1:]
    if "window_steps" in stored:
        inside = block.lines(stored.window_fraction_status, "schedule") == Status.ok
        for name in SHARES:
            rows = zip(block.lines(stored[name], "schedule"), inside, strict=True)
            summary[name] = Spread.of([row[good].astype(float) for row, good in rows])
    if "trust_reason" in stored:
        reason = block.lines(stored.trust_reason) - np.int8(Reason.missing)
        outcome = block.lines(stored.trusted_status) - np.int8(Status.missing)
        conditions = block.lines(stored.trust_conditions)
        summary["trust"] = counted(reason * OUTCOMES + outcome, len(Reason) * OUTCOMES).reshape(-1, OUTCOMES)
        counts = [np.bincount(reason[(conditions & c.value) != 0], minlength=len(Reason)) for c in Condition]
        summary["condition"] = np.stack(counts, axis=-1)
    return summary


def _picked(row: np.ndarray, index: np.ndarray | None) -> np.ndarray:
    return row if index is None else row[index]


def variables(total: Mapping[str, Any], dims: Mapping[str, int], n: int, schedules: int) -> dict[str, np.ndarray]:
    """Variables of the summary of a sweep, from the sums over its blocks.

    ``dims`` are the sizes of the sweep's axes, ``n`` and ``schedules`` the numbers of criteria and schedules.
    """
    result = {
        "n_points": total["points"],
        "status_count": total["status"],
        "tau_star_summary": total["tau_star"].statistics(),
        **_difference_variables(total, dims, n, schedules),
        "window_count": total["window_status"],
        "window_width_summary": total["window_width"].statistics()[0],
        "window_start_count": total["window_start"],
        "window_end_count": total["window_end"],
        **{f"{name}_summary": total[name].statistics() for name in SHARES if name in total},
    }
    if "error" in total:
        result |= {
            "error_summary": total["error"].statistics(),
            "error_relative_summary": total["error_relative"].statistics(),
            "error_count": total["error_status"],
            "error_largest": _unravelled(total["error"].at, dims),
            "error_smaller_count": total["error_smaller"],
        }
    if "error_step" in total:
        shape = (*total["error_time_status"].shape[:2], len(STATISTICS))
        result["error_step_summary"] = total["error_step"].statistics().reshape(shape)
        result["error_time_count"] = total["error_time_status"]
    if "trust" in total:
        result |= {"trust_count": total["trust"], "condition_count": total["condition"]}
    return result


def _difference_variables(
    total: Mapping[str, Any], dims: Mapping[str, int], n: int, schedules: int
) -> dict[str, np.ndarray]:
    """Variables with the dimensions (criterion, reference_criterion, ...)."""
    counts = [_by_outcome(cells) for cells in (total["joint"], total["joint"].swapaxes(-1, -2))]
    for count in counts:
        count[:, OK] -= total["crossed"]
        count[:, Status.not_applicable - Status.missing] += total["crossed"]
    spread = total["difference"]
    gap, largest = spread.statistics(), _unravelled(spread.at, dims)
    result = {
        "difference_summary": _square(n, gap, 0.0 - gap[:, ::-1], np.nan),
        "difference_count": _square(n, counts[0], counts[1], total["status"]),
        "difference_largest": _square(n, largest, largest, -1),
    }
    if "difference_relative" in total:
        upper, lower = np.split(total["difference_relative"].statistics(), 2)
        result["difference_relative_summary"] = _square(n, upper, lower, np.nan)
    if "difference_step" in total:
        step = total["difference_step"].statistics().reshape(-1, schedules, len(STATISTICS))
        result["difference_step_summary"] = _square(n, step, 0.0 - step[..., ::-1], np.nan)
        times = [_by_outcome(cells) for cells in (total["joint_time"], total["joint_time"].swapaxes(-1, -2))]
        for time, count in zip(times, counts, strict=True):
            absent = count[:, Status.missing - Status.missing]
            time[..., TimeStatus.missing - TimeStatus.missing] += absent[:, None]
            time[..., TimeStatus.no_tau - TimeStatus.missing] += (count.sum(-1) - count[:, OK] - absent)[:, None]
        result["difference_time_count"] = _square(n, times[0], times[1], 0)
    return result


def _square(n: int, upper: np.ndarray, lower: np.ndarray, diagonal: Any) -> np.ndarray:
    """Values of the pairs of ``n`` criteria, (pairs, ...), as a matrix (n, n, ...)."""
    first, second = np.triu_indices(n, 1)
    matrix = np.empty((n, n, *upper.shape[1:]), upper.dtype)
    matrix[first, second], matrix[second, first] = upper, lower
    matrix[np.arange(n), np.arange(n)] = diagonal
    return matrix


def _by_outcome(joint: np.ndarray) -> np.ndarray:
    """Counts by the first outcome, or by the second where the first is ``ok``; ``joint`` is (..., first, second)."""
    counts = joint.sum(-1)
    counts[..., OK] = 0
    return counts + joint[..., OK, :]


def _unravelled(points: np.ndarray, dims: Mapping[str, int]) -> np.ndarray:
    """Flat indices of points as indices along each axis, (..., axis); -1 stays -1."""
    if not dims:
        return np.empty((*points.shape, 0), dtype=int)
    along = np.stack(np.unravel_index(np.maximum(points, 0), tuple(dims.values())), axis=-1)
    return np.where(points[..., None] < 0, -1, along)


def coordinates(axes: Sequence[str], used: set[Hashable]) -> dict[str, xr.Variable]:
    """Coordinates of the dimensions of the summary that are ``used``."""
    labels = {
        "statistic": list(STATISTICS),
        "outcome": [member.name for member in Status],
        "time_outcome": [member.name for member in TimeStatus],
        "reason": [member.name for member in Reason],
        "condition": [str(member.name) for member in Condition],
        "axis": list(axes),
    }
    return {name: xr.Variable(name, names, attributes(name)) for name, names in labels.items() if names and name in used}
