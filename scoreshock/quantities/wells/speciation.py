"""Speciation times of a density with two wells by each criterion, and their place in a schedule's own clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import WELL_CRITERIA, attributes
from scoreshock.kernels.wells import times
from scoreshock.quantities.labelled import Output, apply, checked_names
from scoreshock.quantities.schedule_time import clock
from scoreshock.quantities.wells.definition import made, parameters_of
from scoreshock.schedules.schedule import Schedules, as_schedules


def compute(well: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content."""
    return well_speciation(well, content["schedules"], **content["options"])


def well_speciation(well: xr.Dataset, schedules: Schedules = None, criteria: Sequence[str] = WELL_CRITERIA) -> xr.Dataset:
    """Speciation times of a density with two wells by each criterion, and the state of the boundary at its own.

    Parameters
    ----------
    well
        From :func:`well`; its sweep dimensions carry over.
    schedules
        Noise schedules by label, or a name, a schedule, parameters with ``kind``, or a list of these, which their kinds
        label; with them each ``tau_star`` is also given in each schedule's clock.
    criteria
        Of ``boundary`` (the criterion (42) vanishes on the boundary of the parts left and right of the split),
        ``merging`` (the last time at which two modes become one: later the density has one) and ``matched-gaussian`` (two
        Gaussians at the wells, with the mean of the variances ``1/U''`` there; ``not_applicable`` for more than two wells).

    Returns
    -------
    Dataset
        ``tau_star(..., criterion)`` and ``status(..., criterion)``; at the boundary's time ``x_boundary``,
        ``score_boundary``, ``background_curvature``, ``interfacial_curvature`` and ``jump`` with ``layer_status``;
        ``n_roots`` of the boundary criterion; ``x_merging`` with ``merging_status``. A merging whose place or time is
        below rounding is ``unresolved``.

    Raises
    ------
    ValueError
        For an unknown criterion.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.well_speciation(ss.well("quartic", quartic_coefficient=[1.0]))
    >>> found.tau_star.values.round(12).tolist()
    [[0.269102819666, 0.269102819666, 0.4375]]
    """
    criteria, clocks = checked_names("criteria", criteria, WELL_CRITERIA), as_schedules(schedules)
    outputs = [
        Output("tau_star", ("criterion",)),
        Output("status", ("criterion",), np.int8),
        *map(Output, ("x_boundary", "score_boundary", "background_curvature", "interfacial_curvature", "jump")),
        Output("n_roots", (), np.int16),
        Output("layer_status", (), np.int8),
        Output("x_merging"),
        Output("merging_status", (), np.int8),
    ]
    result = apply(_times, parameters_of(well), outputs, sizes={"criterion": len(criteria)}, criteria=criteria)
    result = result.assign_coords(criterion=("criterion", list(criteria), attributes("criterion")))
    return result.merge(clock(result.tau_star, clocks), join="exact") if clocks else result


def _times(c: np.ndarray, b: np.ndarray, h: np.ndarray, criteria: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    wells = made(c, b, h)
    crossing = times.boundary_time(wells)
    merging = times.merging_time(wells, crossing)
    found = {
        "boundary": (crossing.tau, crossing.status),
        "merging": (merging.tau, merging.status),
        "matched-gaussian": times.matched_gaussian(wells),
    }
    tau, status = (np.stack([found[name][i] for name in criteria], axis=-1) for i in (0, 1))
    return (
        tau,
        status,
        crossing.x,
        crossing.score,
        crossing.background_x,
        0.25 * crossing.gradient**2,
        np.abs(crossing.gradient),
        crossing.n_roots,
        crossing.status,
        merging.x,
        merging.status,
    )
