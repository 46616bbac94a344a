"""A sweep's comparison in numbers that do not grow with it: of one block of points, and of the sums over all blocks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.comparison.spread import STATISTICS, Spread
from scoreshock.comparison.trust import SERIES, Condition, Reason, across_branches
from scoreshock.conventions import CRITERIA, Status, TimeStatus, attributes

OUTCOMES, TIME_OUTCOMES = len(Status), len(TimeStatus)
OK = Status.ok - Status.missing
"""Index of ``ok`` among the outcomes, of a time in a schedule too."""


AGREED = 1e-9
"""Criteria whose times differ by less than this fraction agree: rounding decides which of them is the earliest."""


class Block:
    """Variables of one block of a sweep as lines, (own dimensions, points) each."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes

    def lines(self, array: xr.DataArray, *own: Hashable) -> np.ndarray:
        """Values of ``array``, (own dimensions, points), repeated along the axes of the sweep that it lacks."""
        absent = {dim: size for dim, size in self.sizes.items() if dim not in array.dims}
        ordered = array.variable.set_dims(absent | dict(array.sizes)).transpose(*own, *self.sizes)
        return np.ascontiguousarray(ordered.values).reshape(*ordered.shape[: len(own)], -1)

    def indices(self, local: np.ndarray, starts: Mapping[str, int], whole: Mapping[str, int]) -> np.ndarray:
        """Indices of this block's points among those of the ``whole`` sweep, which ends at none (-1)."""
        if not self.sizes:
            return local
        inside = np.unravel_index(np.maximum(local, 0), tuple(self.sizes.values()))
        moved = [index + starts[dim] for dim, index in zip(self.sizes, inside, strict=True)]
        return np.where(local < 0, local, np.ravel_multi_index(tuple(moved), tuple(whole[dim] for dim in self.sizes)))


def counted(codes: np.ndarray, length: int) -> np.ndarray:
    """How often each code from 0 to ``length - 1`` occurs along the last axis, (..., length)."""
    rows = [np.bincount(row, minlength=length) for row in codes.reshape(-1, codes.shape[-1])]
    return np.array(rows).reshape(*codes.shape[:-1], length)


def of_criteria(block: Block, speciation: xr.Dataset, mixture: xr.Dataset | None) -> dict[str, Any]:
    """Counts and spreads of each criterion, and of each pair's differences (the earlier name minus the later one)."""
    names = [str(name) for name in speciation.criterion.values]
    tau, status = (block.lines(speciation[name], "criterion") for name in ("tau_star", "status"))
    codes, good = status - np.int8(Status.missing), status == Status.ok
    apart = block.lines(across_branches(speciation))
    clocks = "time" in speciation
    if clocks:
        place, step = (block.lines(speciation[name], "criterion", "schedule") for name in ("time_status", "sampling_step"))
        place = place - np.int8(TimeStatus.missing)
    joint, crossed, joint_time, gaps, where, steps = [], [], [], [], [], []
    shares: tuple[list, list] = ([], [])
    variance = None if mixture is None else block.lines(mixture.component_variance) + 2 * tau
    for i, j in combinations(range(len(names)), 2):
        joint.append(np.bincount(codes[i] * OUTCOMES + codes[j], minlength=OUTCOMES**2))
        both = good[i] & good[j]
        series = {names[i], names[j]} - {"exact"}
        other = both & apart if len(series) == 1 and series <= set(SERIES) else np.zeros(1, bool)
        crossed.append(np.count_nonzero(other))
        index = None if both.all() and not crossed[-1] else np.flatnonzero(both & ~other)
        gap = _picked(tau[i], index) - _picked(tau[j], index)
        gaps.append(gap)
        where.append(index)
        if variance is not None:
            for share, sign, reference in ((shares[0], 2, j), (shares[1], -2, i)):
                share.append(sign * gap / _picked(variance[reference], index))
        if clocks:
            for s in range(place.shape[1]):
                here, there = (_picked(place[c, s], index) for c in (i, j))
                joint_time.append(np.bincount(here * TIME_OUTCOMES + there, minlength=TIME_OUTCOMES**2))
                inside = (here == OK) & (there == OK)
                steps.append((_picked(step[i, s], index) - _picked(step[j, s], index))[inside])
    summary: dict[str, Any] = {
        "points": np.array(tau.shape[-1]),
        "status": counted(codes, OUTCOMES),
        "tau_star": Spread.of([t[g] for t, g in zip(tau, good, strict=True)]),
        "joint": np.array(joint, dtype=int).reshape(-1, OUTCOMES, OUTCOMES),
        "crossed": np.array(crossed, dtype=int),
        "difference": Spread.of(gaps, where),
    }
    if variance is not None:
        summary["difference_relative"] = Spread.of([*shares[0], *shares[1]])
    if clocks:
        shape = (len(joint), place.shape[1], TIME_OUTCOMES, TIME_OUTCOMES)
        summary["joint_time"] = np.array(joint_time, dtype=int).reshape(shape)
        summary["difference_step"] = Spread.of(steps)
    return summary


def of_orders(
    block: Block, speciation: xr.Dataset, corrections: xr.Dataset, order_clock: xr.Dataset | None
) -> dict[str, Any]:
    """Counts and spreads of the errors of the series through each order against the exact criterion."""
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
        own = ("order", "schedule")
        exact = speciation.sel(criterion="exact", drop=True)
        first = block.lines(order_clock.time_status, *own)
        place = np.where(first == TimeStatus.ok, block.lines(exact.time_status, "schedule"), first)
        absent = np.where(status == Status.missing, np.int8(TimeStatus.missing), np.int8(TimeStatus.no_tau))
        place = np.where(good[:, None], place, absent[:, None])
        gap = block.lines(order_clock.sampling_step, *own) - block.lines(exact.sampling_step, "schedule")
        summary["error_time_status"] = counted(place - np.int8(TimeStatus.missing), TIME_OUTCOMES)
        pairs = zip(gap.reshape(-1, gap.shape[-1]), place.reshape(-1, gap.shape[-1]), strict=True)
        summary["error_step"] = Spread.of([row[codes == TimeStatus.ok] for row, codes in pairs])
    return summary


def of_points(block: Block, speciation: xr.Dataset, found: xr.Dataset) -> dict[str, Any]:
    """Counts and spreads of what is stored of each point: the windows, and the criteria to trust."""
    tau = block.lines(speciation.tau_star.where(speciation.status == Status.ok), "criterion")
    low, high = np.fmin.reduce(tau), np.fmax.reduce(tau)
    wide = high - low > AGREED * np.abs(high)
    places = [CRITERIA.index(str(name)) for name in speciation.criterion.values]
    status = block.lines(found.window_status)
    summary: dict[str, Any] = {
        "window_status": counted(status - np.int8(Status.missing), OUTCOMES),
        "window_width": Spread.of([block.lines(found.window_width)[status == Status.ok]]),
    }
    for end in ("window_start", "window_end"):
        ends = block.lines(found[f"{end}_criterion"])[wide]
        summary[end] = np.bincount(ends + 1, minlength=max(places) + 2)[[place + 1 for place in places]]
    if "window_steps" in found:
        inside = block.lines(found.window_fraction_status, "schedule") == Status.ok
        for name in SHARES:
            rows = zip(block.lines(found[name], "schedule"), inside, strict=True)
            summary[name] = Spread.of([row[good].astype(float) for row, good in rows])
    if "trust_reason" in found:
        reason = block.lines(found.trust_reason) - np.int8(Reason.missing)
        outcome = block.lines(found.trusted_status) - np.int8(Status.missing)
        conditions = block.lines(found.trust_conditions)
        summary["trust"] = counted(reason * OUTCOMES + outcome, len(Reason) * OUTCOMES).reshape(-1, OUTCOMES)
        held = [np.bincount(reason[(conditions & c.value) != 0], minlength=len(Reason)) for c in Condition]
        summary["condition"] = np.stack(held, axis=-1)
    return summary


SHARES = ("window_fraction_range", "window_fraction_steps", "window_steps")
"""What is summarised of the window in each schedule."""


def _picked(row: np.ndarray, index: np.ndarray | None) -> np.ndarray:
    return row if index is None else row[index]


def finished(total: Mapping[str, Any], dims: Mapping[str, int], n: int, schedules: int) -> dict[str, np.ndarray]:
    """The stored summary of a whole sweep with axes ``dims``, of ``n`` criteria in so many schedules."""
    first, second = np.triu_indices(n, 1)
    joint, crossed = total["joint"], total["crossed"]

    def square(upper: np.ndarray, lower: np.ndarray, diagonal: Any) -> np.ndarray:
        """Values of pairs, (pairs, ...), as (criterion, reference_criterion, ...)."""
        whole = np.empty((n, n, *upper.shape[1:]), upper.dtype)
        whole[first, second], whole[second, first] = upper, lower
        whole[np.arange(n), np.arange(n)] = diagonal
        return whole

    def reasons(cells: np.ndarray) -> np.ndarray:
        """Counts by the first outcome that is not ``ok``, of counts by both, (..., first, second)."""
        counts = cells.sum(-1)
        counts[..., OK] = 0
        return counts + cells[..., OK, :]

    counts = [reasons(cells) for cells in (joint, joint.swapaxes(-1, -2))]
    for one in counts:
        one[:, OK] -= crossed
        one[:, Status.not_applicable - Status.missing] += crossed
    spread = total["difference"]
    gap, largest = spread.statistics(), _unravelled(spread.at, dims)
    found = {
        "n_points": total["points"],
        "status_count": total["status"],
        "tau_star_summary": total["tau_star"].statistics(),
        "difference_summary": square(gap, 0.0 - gap[:, ::-1], np.nan),
        "difference_count": square(counts[0], counts[1], total["status"]),
        "difference_largest": square(largest, largest, -1),
        "window_count": total["window_status"],
        "window_width_summary": total["window_width"].statistics()[0],
        "window_start_count": total["window_start"],
        "window_end_count": total["window_end"],
        **{f"{name}_summary": total[name].statistics() for name in SHARES if name in total},
    }
    if "difference_relative" in total:
        shares = np.split(total["difference_relative"].statistics(), 2)
        found["difference_relative_summary"] = square(shares[0], shares[1], np.nan)
    if "difference_step" in total:
        shape = (len(crossed), schedules, len(STATISTICS))
        step = total["difference_step"].statistics().reshape(shape)
        found["difference_step_summary"] = square(step, 0.0 - step[..., ::-1], np.nan)
        placed = [reasons(cells) for cells in (total["joint_time"], total["joint_time"].swapaxes(-1, -2))]
        for one, status in zip(placed, counts, strict=True):
            absent = status[:, Status.missing - Status.missing]
            one[..., TimeStatus.missing - TimeStatus.missing] += absent[:, None]
            one[..., TimeStatus.no_tau - TimeStatus.missing] += (status.sum(-1) - status[:, OK] - absent)[:, None]
        found["difference_time_count"] = square(placed[0], placed[1], 0)
    if "error" in total:
        found |= {
            "error_summary": total["error"].statistics(),
            "error_relative_summary": total["error_relative"].statistics(),
            "error_count": total["error_status"],
            "error_largest": _unravelled(total["error"].at, dims),
            "error_smaller_count": total["error_smaller"],
        }
    if "error_step" in total:
        shape = (*total["error_time_status"].shape[:2], len(STATISTICS))
        found["error_step_summary"] = total["error_step"].statistics().reshape(shape)
        found["error_time_count"] = total["error_time_status"]
    if "trust" in total:
        found |= {"trust_count": total["trust"], "condition_count": total["condition"]}
    return found


def _unravelled(points: np.ndarray, dims: Mapping[str, int]) -> np.ndarray:
    """Indices of points as indices along each axis, (..., axis); -1 where there is none."""
    if not dims:
        return np.empty((*points.shape, 0), dtype=int)
    along = np.stack(np.unravel_index(np.maximum(points, 0), tuple(dims.values())), axis=-1)
    return np.where(points[..., None] < 0, -1, along)


PAIR = ("criterion", "reference_criterion")
DIMENSIONS: dict[str, tuple[str, ...]] = {
    "n_points": (),
    "status_count": ("criterion", "outcome"),
    "tau_star_summary": ("criterion", "statistic"),
    "difference_summary": (*PAIR, "statistic"),
    "difference_relative_summary": (*PAIR, "statistic"),
    "difference_count": (*PAIR, "outcome"),
    "difference_largest": (*PAIR, "axis"),
    "difference_step_summary": (*PAIR, "schedule", "statistic"),
    "difference_time_count": (*PAIR, "schedule", "time_outcome"),
    "error_summary": ("order", "statistic"),
    "error_relative_summary": ("order", "statistic"),
    "error_count": ("order", "outcome"),
    "error_largest": ("order", "axis"),
    "error_smaller_count": ("order",),
    "error_step_summary": ("order", "schedule", "statistic"),
    "error_time_count": ("order", "schedule", "time_outcome"),
    "window_count": ("outcome",),
    "window_width_summary": ("statistic",),
    "window_start_count": ("criterion",),
    "window_end_count": ("criterion",),
    **{f"{name}_summary": ("schedule", "statistic") for name in SHARES},
    "trust_count": ("reason", "outcome"),
    "condition_count": ("reason", "condition"),
}
"""Dimensions of each variable of the summary."""


def coordinates(axes: Sequence[str], used: set[Hashable]) -> dict[str, xr.Variable]:
    """Labels of the summary's own dimensions, of those that are ``used``."""
    labels = {
        "statistic": list(STATISTICS),
        "outcome": [member.name for member in Status],
        "time_outcome": [member.name for member in TimeStatus],
        "reason": [member.name for member in Reason],
        "condition": [str(member.name) for member in Condition],
        "axis": list(axes),
    }
    return {name: xr.Variable(name, names, attributes(name)) for name, names in labels.items() if names and name in used}
