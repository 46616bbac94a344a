"""When each direction between the classes speciates, and the classes that it separates most."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status, TimeStatus, attributes_among, variables
from scoreshock.kernels.speciation import eigenmodes as kernel
from scoreshock.quantities.cascade import VARIABLES as CASCADE
from scoreshock.quantities.cascade import exact_cascade
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.labelled import apply, is_general, means_and_weights
from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.schedules.inputs import Schedules

DIRECTIONS = variables(
    """
    eigenmode_share(eigenmode), eigenmode_status: share of the variance between classes, by eigenmode
        | Eigenvalue of the between-class covariance over their sum.
    eigenmode_first(eigenmode) int16, eigenmode_status: class at one end of each eigenmode (-1: none)
        | Its index. With eigenmode_second the classes that it separates most. Directions of a multiple eigenvalue are
        arbitrary: -1.
    eigenmode_second(eigenmode) int16, eigenmode_status: class at the other end of each eigenmode (-1: none)
        | Greater than eigenmode_first.
    """
)
TIMES = tuple(each for each in CASCADE if each.name in ("tau_eigenmode", "eigenmode_status", "cascade", "cascade_status"))
SIGMA = variables(
    """
    sigma_eigenmode(eigenmode), eigenmode_status: exact noise level of each eigenmode's speciation
        | By the exact criterion, sqrt(2 tau_eigenmode). | (94)
    sigma_cascade(eigenmode), cascade_status: leading-order noise level of each eigenmode's speciation
        | sqrt(2 cascade). | (77)
    """
)
PLACED = variables(
    """
    eigenmode_step(eigenmode, schedule), eigenmode_step_status: sampling step of sigma_eigenmode (fractional)
        | Index of sample_time, from 0 as the sampler runs. Linear in time.
    eigenmode_step_status(eigenmode, schedule): outcome of placing sigma_eigenmode in the schedule
    cascade_step(eigenmode, schedule), cascade_step_status: sampling step of sigma_cascade (fractional)
        | Index of sample_time, from 0 as the sampler runs. Linear in time.
    cascade_step_status(eigenmode, schedule): outcome of placing sigma_cascade in the schedule
    """,
    eigenmode_step_status=TimeStatus,
    cascade_step_status=TimeStatus,
)
EIGENMODES = (*TIMES, *SIGMA, *DIRECTIONS)
ROUTES = {"eigenmode": "tau_eigenmode", "cascade": "cascade"}
"""Diffusion times by the exact criterion and to leading order, by the beginning of the names of what follows from them."""


def cascade_of_classes(mixture: xr.Dataset, schedules: Schedules = None) -> xr.Dataset:
    """When each eigenmode of the between-class covariance speciates, and which two classes it separates most.

    Of components with covariances both statuses are ``not_applicable``, with NaN.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = cascade_of_classes(ss.mixture([[-2.0, -1.0], [-2.0, 1.0], [2.0, -1.0], [2.0, 1.0]], variance=0.0))
    >>> found.sigma_eigenmode.round(6).values.tolist(), found.eigenmode_second.values.tolist()
    ([2.0, 1.0], [2, 1])
    """
    sizes = {"eigenmode": max(1, min(mixture.sizes["component"] - 1, mixture.sizes["feature"]))}
    found = apply(kernel.eigenmodes, means_and_weights(mixture), DIRECTIONS, sizes)
    found = found.assign_coords(counted(found, "eigenmode"))
    if is_general(mixture):
        missing = xr.full_like(found.eigenmode_share, np.nan)
        void = xr.full_like(missing, Status.not_applicable, np.int8)
        times = {each.name: void if each.name.endswith("status") else missing for each in TIMES}
    else:
        own = exact_cascade(mixture)
        times = {each.name: own[each.name] for each in TIMES}
    found = found.assign(times)
    for route, name in ROUTES.items():
        found[f"sigma_{route}"] = np.sqrt(2 * found[name].where(found[name] >= 0))
        if schedules:
            placed = schedule_time(found[name], schedules)
            found[f"{route}_step"], found[f"{route}_step_status"] = placed.sampling_step, placed.time_status
    for each in (*EIGENMODES, *(PLACED if schedules else ())):
        found[each.name].attrs = attributes_among(each, (*EIGENMODES, *PLACED))
    return found
