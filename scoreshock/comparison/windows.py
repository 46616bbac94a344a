"""The window between the earliest and the latest criterion, and how much of each schedule lies inside it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import CRITERIA, Status, TimeStatus, attributes

NO_STEPS = -1
"""Number of sampling times where there is no window."""


def window(speciation: xr.Dataset, samples: xr.Dataset | None) -> xr.Dataset:
    """Width and ends of the window of the criteria that have a time, and its share of each schedule.

    The ends are named by criterion: their times are in the result of ``speciation``.
    """
    tau, status = speciation.tau_star, speciation.status
    good = status == Status.ok
    start, end = tau.where(good, np.inf).min("criterion"), tau.where(good, -np.inf).max("criterion")
    outcome = _status(status)
    some = outcome == Status.ok
    found = {
        "window_width": (end - start).where(some),
        "window_status": outcome,
        "window_start_criterion": _which(good & (tau == start)),
        "window_end_criterion": _which(good & (tau == end)),
    }
    if samples is not None:
        found |= _shares(speciation, samples, start.where(some), end.where(some), outcome)
    result = xr.Dataset({name: array.drop_attrs().assign_attrs(attributes(name)) for name, array in found.items()})
    for name in ("window_start_criterion", "window_end_criterion"):
        result[name].attrs |= criterion_flags()
        del result[name].attrs["units"]
    return result


def criterion_flags() -> dict[str, object]:
    """CF attributes of a variable that names a criterion by its place in the vocabulary; -1 is none."""
    return {
        "flag_values": np.arange(-1, len(CRITERIA), dtype=np.int8),
        "flag_meanings": " ".join(("none", *CRITERIA)),
    }


def _status(status: xr.DataArray) -> xr.DataArray:
    """``ok`` where any criterion is; else the reason that all applicable ones share, or ``not_applicable``."""
    applicable = status != Status.not_applicable
    low = status.where(applicable, np.int8(Status.not_applicable)).min("criterion")
    high = status.where(applicable, np.int8(Status.missing)).max("criterion")
    shared = low.where((low == high) & applicable.any("criterion"), np.int8(Status.not_applicable))
    return shared.where(~(status == Status.ok).any("criterion"), np.int8(Status.ok)).astype(np.int8)


def _which(chosen: xr.DataArray) -> xr.DataArray:
    """Place in the vocabulary of the first criterion that is chosen; -1 where none is."""
    places = [CRITERIA.index(str(name)) for name in chosen.criterion.values]
    codes = xr.DataArray(np.array(places, dtype=np.int8), dims="criterion")
    none = np.int8(len(CRITERIA))
    first = codes.where(chosen, none).min("criterion")
    return first.where(first != none, np.int8(-1)).astype(np.int8)


def _shares(
    speciation: xr.Dataset, samples: xr.Dataset, start: xr.DataArray, end: xr.DataArray, outcome: xr.DataArray
) -> dict[str, xr.DataArray]:
    """Fractions of each schedule's range and of its sampling times inside the window."""
    if "time" not in speciation:
        raise ValueError("samples: the speciation result has no schedule; allowed: only with schedules")
    labels = [str(label) for label in speciation.schedule.values]
    known = [str(label) for label in samples.schedule.values]
    absent = [label for label in labels if label not in known]
    if absent:
        raise ValueError(f"samples: no sampling times of {', '.join(absent)}; allowed: all schedules of the result")
    chosen = samples.sel(schedule=speciation.schedule)
    count = _count(start, end, chosen)
    unplaced = speciation.time_status.isin([TimeStatus.missing, TimeStatus.no_tau])
    missing = ((speciation.status == Status.ok) & unplaced).any("criterion")
    status = xr.where(missing, np.int8(Status.missing), outcome).astype(np.int8)
    inside = status == Status.ok
    return {
        "window_fraction_range": _range_fraction(speciation, chosen).where(inside),
        "window_steps": count.where(inside, np.int32(NO_STEPS)).astype(np.int32),
        "window_fraction_steps": (count / chosen.n_samples).where(inside),
        "window_fraction_status": status,
    }


def _range_fraction(speciation: xr.Dataset, samples: xr.Dataset) -> xr.DataArray:
    """Fraction of ``[range_start, range_end]`` between the times of the window's ends, each cut off at the range."""
    status, first, last = speciation.time_status, samples.range_start, samples.range_end
    time = xr.where(status == TimeStatus.before_start, first, speciation.time)
    time = xr.where(status == TimeStatus.beyond_end, last, time)
    good = speciation.status == Status.ok
    earliest, latest = time.where(good, np.inf).min("criterion"), time.where(good, -np.inf).max("criterion")
    # A point without a window has no earliest time, and an infinite difference would only warn.
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
