"""Diffusion times of results as noise levels, and as times and steps of noise schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.accessor.content import content_of
from scoreshock.checks import listed, show, suggestion
from scoreshock.conventions import variables
from scoreshock.quantities.labelled import apply
from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.schedules.inputs import Schedules, as_schedules
from scoreshock.schedules.schedule import KINDS, Schedule

OTHER_TIMES = ("cascade", "sample_tau", "range_start_tau", "range_end_tau")
"""Diffusion times whose names do not begin with tau."""

NO_TIMES = ("tau_scaled", "tau_relative", "tau_moment_error")
"""Variables whose names begin with tau and which are multiples or errors of diffusion times."""

VARIABLES = {
    variable.name: variable
    for variable in variables(
        """
        sigma: noise level sigma_n of x/alpha
            | sqrt(2 tau), noise over signal as EDM counts it, in every schedule; never sqrt(1 - alpha_bar).
        log_snr: logarithm of the signal-to-noise ratio | ln(alpha^2/noise^2) = -ln(2 tau), in every schedule.
        alpha_bar: squared signal coefficient alpha^2
            | Of x = alpha x0 + noise z at this diffusion time; 1/(1 + 2 tau) where variance is preserved, 1 where it
            explodes. | (80)
        t: time t of the noise schedule
            | The schedule's own variable, 0 at data; of a table its 0-based entry, which may be fractional.
        step: step of the sampler, from noise to data
            | Fractional index of sample_time from 0, the first and noisiest call of the network; linear in time.
        """
    )
}
"""What diffusion times are converted to."""

IN_SCHEDULES = {"alpha_bar": "alpha_bar", "t": "time", "step": "sampling_step"}
"""Variables of ``ss.schedule_time`` that conversions in schedules have."""

SHARED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigma": lambda tau: np.sqrt(2 * np.where(tau >= 0, tau, np.nan)),
    "log_snr": lambda tau: -np.log(2 * np.where(tau >= 0, tau, np.nan)),
}
"""Conversions that are the same in every schedule."""


def is_diffusion_time(array: xr.DataArray) -> bool:
    """Whether the name of an array is that of diffusion times, or it has none."""
    name = array.name
    if name is None or name in OTHER_TIMES:
        return array.dtype.kind in "iuf" and "flag_meanings" not in array.attrs
    named = str(name) == "tau" or str(name).startswith("tau_")
    return named and name not in NO_TIMES and array.dtype.kind in "iuf" and "flag_meanings" not in array.attrs


def diffusion_time(dataset: xr.Dataset, tau: Any) -> xr.DataArray:
    """The variable of diffusion times named ``tau``, without other coordinates than its own, with its flag.

    Raises
    ------
    ValueError
        If the dataset has no such variable, or it holds no diffusion times.
    """
    known = [str(name) for name in dataset.variables if is_diffusion_time(dataset[name])]
    if not isinstance(tau, str) or tau not in known:
        raise ValueError(f"tau = {show(tau)} is not allowed{suggestion(tau, known)}; allowed: {listed(known)}")
    array = dataset[tau]
    flag = dataset.get(str(array.attrs.get("ancillary_variables")))
    if flag is None or not set(flag.dims) <= set(array.dims):
        return array
    return array.assign_coords({f"{tau}_status": flag.variable})


def in_every_schedule(tau: xr.DataArray, name: str) -> xr.DataArray:
    """A conversion that does not depend on the schedule."""
    converted = apply(SHARED[name], {"tau": tau}, [VARIABLES[name]])[name]
    return _described(converted, tau, [])


def in_schedules(tau: xr.DataArray, name: str, schedules: dict[str, Schedule]) -> xr.DataArray:
    """A conversion in each schedule, dimension ``schedule`` last, with why it is missing in the coordinate NAME_status."""
    if "schedule" in tau.dims:
        labels = tau.schedule.values.tolist()
        if lacking := [label for label in labels if label not in schedules]:
            raise ValueError(f"schedules: {listed(lacking)} of the dimension schedule is missing; allowed: {listed(labels)}")
        each = [schedule_time(tau.sel(schedule=label, drop=True), {label: schedules[label]}) for label in labels]
        placed = xr.concat(each, "schedule", data_vars="all", coords="minimal", join="exact", combine_attrs="override")
        placed = placed.transpose(..., "schedule").assign_coords(schedule=tau.schedule)
    else:
        placed = schedule_time(tau.drop_vars("schedule", errors="ignore"), schedules)
    own = f"{name}_status"
    converted = placed[IN_SCHEDULES[name]].rename(name)
    return _described(converted.assign_coords({own: placed.time_status.variable}), tau, [own])


def _described(converted: xr.DataArray, tau: xr.DataArray, flags: list[str]) -> xr.DataArray:
    """The result with the vocabulary's words, and with the names of the coordinates that say why a value is missing."""
    flags = [*flags, *(str(name) for name in converted.coords if name == f"{tau.name}_status")]
    attributes = VARIABLES[str(converted.name)].attributes() | ({"ancillary_variables": " ".join(flags)} if flags else {})
    source = f"{attributes['description']} Of {tau.name or 'diffusion times'}."
    return converted.drop_attrs(deep=False).assign_attrs(attributes | {"description": source})


def of_stored_schedule(converted: xr.DataArray, data: xr.Dataset | xr.DataArray, schedules: Schedules) -> xr.DataArray:
    """The conversion without the dimension ``schedule``, if one schedule of the data's own is selected there."""
    is_selected = schedules is None and "schedule" in data.coords and data["schedule"].ndim == 0
    return converted.isel(schedule=0) if is_selected else converted


def schedules_of(dataset: xr.Dataset | xr.DataArray, schedules: Schedules) -> dict[str, Schedule]:
    """The ``schedules`` by label, by default those that define the dataset's results, as far as its coordinate has them.

    Raises
    ------
    ValueError
        If none are passed and the dataset does not say which it has.
    """
    if schedules is not None:
        if not (chosen := as_schedules(schedules)):
            raise ValueError(f"schedules = {show(schedules)} is not allowed; allowed: at least one schedule")
        return chosen
    content = content_of(dataset, needed=False)
    stored = as_schedules((content or {}).get("schedules"))
    if not stored:
        kinds = np.atleast_1d(dataset["schedule"].values).tolist() if "schedule" in dataset.coords else []
        if kinds and set(kinds) <= set(KINDS):
            named = show(kinds[0] if len(kinds) == 1 else kinds)
            raise ValueError(
                "schedules: missing, and the data hold only the names of schedules, not their parameters; allowed: "
                f"schedules={named} for the default ones, or a schedule of ss.schedule"
            )
        raise ValueError(
            "schedules: missing, and the data hold no definitions of schedules; allowed: a name such as 'edm', "
            "a schedule of ss.schedule, a mapping with kind, a path to a file, or a list or mapping of these"
        )
    if "schedule" not in dataset.coords:
        return stored
    labels = np.atleast_1d(dataset["schedule"].values).tolist()
    return {label: stored[label] for label in labels if label in stored}
