"""Speciation times of a density with two wells by each criterion, and these times in a schedule's own clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from scoreshock.conventions import variables
from scoreshock.kernels.wells import times
from scoreshock.kernels.wells.parts import Wells
from scoreshock.options import Names
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.criteria import (
    STATUS,
    TAU_STAR,
    Outcome,
    chosen_criteria,
    outcomes,
    with_criteria,
)
from scoreshock.quantities.declaration import Criterion, criterion, names_of, quantity
from scoreshock.quantities.labelled import apply
from scoreshock.quantities.wells.definition import of_wells, parameters_of
from scoreshock.schedules.inputs import Schedules, as_schedules


@criterion("boundary", "the log density turns convex across the boundary (42)-(43)", by_default=True, density="wells")
def _boundary(crossing: times.BoundaryTime) -> Outcome:
    return crossing.tau, crossing.layer_status


@criterion("merging", "the density's own modes merge for the last time", by_default=True, density="wells")
def _merging(merging: times.MergingTime) -> Outcome:
    return merging.tau, merging.merging_status


criterion(
    "matched-gaussian", "boundary of two Gaussians instead of the two wells (section 10)", by_default=True, density="wells"
)(times.matched_gaussian)

WELL_CRITERIA = names_of("wells", default=True)

VARIABLES = variables(
    """
    tau_star
    status
    x_boundary, layer_status: position of the boundary where its criterion vanishes
        | Point where the densities of both parts are equal, at the time of the criterion boundary. | (42)-(43)
    score_boundary
    background_curvature
    interfacial_curvature
    jump
    n_roots int16: number of roots of the boundary criterion
        | Changes of sign in a scan in octaves of tau; the largest root counts. | (42)-(43)
    layer_status
    x_merging, merging_status: position at which the two modes merge
        | Point where gradient and curvature of the log density vanish together.
    merging_status: outcome of the merging of the two modes
    """,
    TAU_STAR,
    STATUS,
    *shared.LAYER,
)


@quantity(
    VARIABLES,
    {"criteria": Names("criteria of speciation, listed below", WELL_CRITERIA, known=names_of("wells"))},
    density="wells",
    name="speciation",
    seconds=(6e-3, 6e-3),
)
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
        ``n_roots`` of the boundary criterion; ``x_merging`` with ``merging_status``. A merging whose place or time
        is below rounding is ``unresolved``. Times have the unit of ``x`` squared.

    Raises
    ------
    ValueError
        For an unknown criterion.

    References
    ----------
    arXiv:2604.07404, (41)-(43), (92)-(94).

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.well_speciation(ss.well("quartic", quartic_coefficient=[1.0]))
    >>> found.tau_star.values.round(12).tolist()
    [[0.269102819666, 0.269102819666, 0.4375]]
    """
    chosen, clocks = chosen_criteria(criteria, "wells"), as_schedules(schedules)
    result = apply(of_wells(_times), parameters_of(well), VARIABLES, sizes={"criterion": len(chosen)}, criteria=chosen)
    return with_criteria(result, chosen, clocks)


def _times(wells: Wells, criteria: Sequence[Criterion]) -> Mapping[str, Any]:
    """All variables at each point: the criteria, and the state of the boundary and of the merging that they share."""
    crossing = times.boundary_time(wells)
    merging = times.merging_time(wells, crossing)
    inputs = {"wells": wells, "crossing": crossing, "merging": merging}
    return crossing._asdict() | merging._asdict() | outcomes(criteria, inputs, wells.shape)
