"""Results by criterion: the variables, the formulas run together, and the coordinate that explains each criterion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import attributes, variables
from scoreshock.quantities.declaration import CRITERIA, Criterion, criteria_of
from scoreshock.quantities.labelled import checked_names
from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.schedules.schedule import Schedule

BIROLI = "Biroli, Bonnaire, de Bortoli, Mezard 2024, arXiv:2402.18491"
RAYA = "Raya, Ambrogioni 2023, arXiv:2305.19693"

TAU_STAR, STATUS = variables(
    """
    tau_star(criterion), status: speciation time by criterion
        | Diffusion time at which the classes part in generation; a time <= 0 does not occur. | (77), (92), (93), (94)
    status(criterion): outcome of each criterion
    """
)

Outcome = tuple[np.ndarray, np.ndarray]
"""Diffusion times and their statuses, (...) each."""


def chosen_criteria(names: Any, density: str) -> tuple[Criterion, ...]:
    """The criteria of these names, in their order; ``ValueError`` for one that is not computed of such densities."""
    prefix = "" if density == "mixture" else f"{density}."
    return tuple(CRITERIA[prefix + name] for name in checked_names("criteria", names, criteria_of(density)))


def outcomes(criteria: Sequence[Criterion], inputs: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """``tau_star`` and ``status`` (..., criterion) of the criteria at points (...) of this shape.

    The inputs are arguments of the formulas by name: arrays, and results that are computed once for all criteria.
    """
    tau, status = zip(*(criterion(**inputs) for criterion in criteria), strict=True)
    return {"tau_star": stacked(tau, shape), "status": stacked(status, shape)}


def stacked(columns: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Results (...) of several criteria as (..., criterion)."""
    return np.stack([np.broadcast_to(column, shape) for column in columns], axis=-1)


def with_criteria(
    result: xr.Dataset, criteria: Sequence[Criterion], schedules: Mapping[str, Schedule], **others: Any
) -> xr.Dataset:
    """The result with the coordinate ``criterion``, which explains the criteria, and its times in the schedules, if any."""
    meanings = {"description": "\n".join(f"{criterion.name}: {criterion.meaning}" for criterion in criteria)}
    names = [criterion.name for criterion in criteria]
    labels = {"criterion": ("criterion", names, attributes("criterion") | meanings), **others}
    result = result.assign_coords(labels)
    return result.merge(schedule_time(result.tau_star, schedules), join="exact") if schedules else result
