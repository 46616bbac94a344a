"""The window between the earliest and the latest criterion, and its share of each schedule."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.comparison.variables import described
from scoreshock.conventions import Status, TimeStatus

NO_STEPS = -1
"""Number of sampling times in a window that does not exist."""


def window(speciation: xr.Dataset, samples: xr.Dataset | None) -> xr.Dataset:
    """Width of the window between the criteria that are ``ok``, the criteria at its ends, and its share of each schedule."""
    tau, status = speciation.tau_star, speciation.status
    good = status == Status.ok
    start, end = tau.where(good, np.inf).min("criterion"), tau.where(good, -np.inf).max("criterion")
    outcome = _status(status)
    some = outcome == Status.ok
    variables = {
        "window_width": (end - start).where(some),
        "window_status": outcome,
        "window_start_criterion": _which(good & (tau == start)),
        "window_end_criterion": _which(good & (tau == end)),
    }
    if samples is not None:
        variables |= _shares(speciation, samples, start.where(some), end.where(some), outcome)
    ends = ("window_start_criterion", "window_end_criterion")
    return described(variables, dict.fromkeys(ends, criterion_flags(speciation)))


def criterion_flags(speciation: xr.Dataset) -> dict[str, object]:
    """CF attributes of a variable that names a criterion by its index along ``criterion``; -1 is none."""
    names = speciation.criterion.values
    return {
        "flag_values": np.arange(-1, len(names), dtype=np.int8),
        "flag_meanings": " ".join(("none", *map(str, names))),
    }


def _status(status: xr.DataArray) -> xr.DataArray:
    """``ok`` if any criterion is; else the status that all applicable criteria share, or ``not_applicable``."""
    applicable = status != Status.not_applicable
    low = status.where(applicable, np.int8(Status.not_applicable)).min("criterion")
    high = status.where(applicable, np.int8(Status.missing)).max("criterion")
    shared = low.where((low == high) & applicable.any("criterion"), np.int8(Status.not_applicable))
    return shared.where(~(status == Status.ok).any("criterion"), np.int8(Status.ok)).astype(np.int8)


def _which(chosen: xr.DataArray) -> xr.DataArray:
    """Index of the first chosen criterion; -1 where none is chosen."""
    none = np.int8(chosen.sizes["criterion"])
    codes = xr.DataArray(np.arange(none, dtype=np.int8), dims="criterion")
    first = codes.where(chosen, none).min("criterion")
    return first.where(first != none, np.int8(-1)).astype(np.int8)


def _shares(
    speciation: xr.Dataset, samples: xr.Dataset, start: xr.DataArray, end: xr.DataArray, outcome: xr.DataArray
) -> dict[str, xr.DataArray]:
    """Fractions of each schedule's time range and of its sampling times inside the window."""
    if "time" not in speciation:
        raise ValueError("samples: the speciation result has no schedule; allowed: only with schedules")
    labels = [str(label) for label in speciation.schedule.values]
    absent = [label for label in labels if label not in samples.schedule.values]
    if absent:
        raise ValueError(f"samples: no sampling times of {', '.join(absent)}; allowed: all schedules of the result")
    chosen = samples.sel(schedule=speciation.schedule)
    count = _count(start, end, chosen)
    timeless = speciation.time_status.isin([TimeStatus.missing, TimeStatus.no_tau])
    missing = ((speciation.status == Status.ok) & timeless).any("criterion")
    status = xr.where(missing, np.int8(Status.missing), outcome).astype(np.int8)
    inside = status == Status.ok
    return {
        "window_fraction_range": _range_fraction(speciation, chosen).where(inside),
        "window_steps": count.where(inside, np.int32(NO_STEPS)).astype(np.int32),
        "window_fraction_steps": (count / chosen.n_samples).where(inside),
        "window_fraction_status": status,
    }


def _range_fraction(speciation: xr.Dataset, samples: xr.Dataset) -> xr.DataArray:
    """Fraction of ``[range_start, range_end]`` inside the window, whose ends are clipped to that range."""
    status, first, last = speciation.time_status, samples.range_start, samples.range_end
    time = xr.where(status == TimeStatus.before_start, first, speciation.time)
    time = xr.where(status == TimeStatus.beyond_end, last, time)
    good = speciation.status == Status.ok
    earliest, latest = time.where(good, np.inf).min("criterion"), time.where(good, -np.inf).max("criterion")
    # Without a window the times are infinite, and their difference would raise a warning.
    width = latest.where(good.any("criterion"), 0.0) - earliest.where(good.any("criterion"), 0.0)
    return width / (last - first)


def _count(start: xr.DataArray, end: xr.DataArray, samples: xr.Dataset) -> xr.DataArray:
    """Number of each schedule's sampling times with ``start <= tau <= end``."""

    def between(low: np.ndarray, high: np.ndarray, rising: np.ndarray) -> np.ndarray:
        return np.searchsorted(rising, high, side="right") - np.searchsorted(rising, low, side="left")

    counts = []
    for i in range(samples.sizes["schedule"]):
        tau = samples.sample_tau.isel(schedule=i).values
        counts.append(xr.apply_ufunc(between, start, end, kwargs={"rising": np.sort(tau[~np.isnan(tau)])}))
    return xr.concat(counts, samples.schedule, coords="minimal", compat="override", join="exact").transpose(..., "schedule")
