"""Sampling times of noise schedules, on one labelled array."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import attributes, variables
from scoreshock.schedules.inputs import Schedules, as_schedules

VARIABLES = variables(
    """
    sample_time: schedule time of each sampling step, from noise to data
        | In the sampler's order, 0 the first and noisiest call of the network; NaN from n_samples on.
    sample_tau: diffusion time of each sampling step, from noise to data
        | Diffusion time of sample_time, NaN from n_samples on.
    n_samples: number of sampling times of the schedule | Calls of the network, and the end where the schedule has it.
    range_start: first time of the schedule
    range_end: last time of the schedule
    range_start_tau: diffusion time at the schedule's first time
    range_end_tau: diffusion time at the schedule's last time
    """
)


def schedule_samples(schedules: Schedules) -> xr.Dataset:
    """Sampling times of each schedule, its range, and their diffusion times.

    Parameters
    ----------
    schedules
        Noise schedules by label, or a name, a schedule, parameters with ``kind``, or a list of these, which their kinds
        label; at least one.

    Returns
    -------
    Dataset
        ``sample_time, sample_tau (schedule, step)`` in the sampler's order, from noise to data, NaN from ``n_samples
        (schedule)`` on; ``range_start, range_end (schedule)``, the schedule's first and last time t, and
        ``range_start_tau, range_end_tau``, their diffusion times (the last may be infinite).

    Raises
    ------
    ValueError
        Without a schedule.

    Examples
    --------
    >>> import scoreshock as ss
    >>> samples = schedule_samples({"coarse": ss.schedule("ve", t_end=2.0, steps=4)})
    >>> samples.sample_tau.sel(schedule="coarse").values
    array([2. , 1.5, 1. , 0.5, 0. ])
    """
    chosen = as_schedules(schedules)
    if not chosen:
        raise ValueError("schedules: none given; allowed: at least one")
    times = [schedule.sample_times() for schedule in chosen.values()]
    taus = [schedule.tau(time) for schedule, time in zip(chosen.values(), times, strict=True)]
    longest = max(map(len, times))
    ends = np.array([[schedule.start, schedule.end] for schedule in chosen.values()], dtype=float)
    end_taus = np.array([s.tau(end) for s, end in zip(chosen.values(), ends, strict=True)])
    places = ("schedule", "step")
    variables = {
        "sample_time": (places, _padded(times, longest)),
        "sample_tau": (places, _padded(taus, longest)),
        "n_samples": ("schedule", np.array([len(time) for time in times], dtype=np.int32)),
        "range_start": ("schedule", ends[:, 0]),
        "range_end": ("schedule", ends[:, 1]),
        "range_start_tau": ("schedule", end_taus[:, 0]),
        "range_end_tau": ("schedule", end_taus[:, 1]),
    }
    return xr.Dataset(
        {each.name: (*variables[each.name], each.attributes()) for each in VARIABLES},
        coords={
            "schedule": ("schedule", list(chosen), attributes("schedule")),
            "step": ("step", np.arange(longest), attributes("step")),
        },
    )


def _padded(rows: list[np.ndarray], length: int) -> np.ndarray:
    """The rows as one array, NaN beyond each row's end."""
    out = np.full((len(rows), length), np.nan)
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = values
    return out
