"""Profile of the score and the density of two wells, in the form in which a mixture has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Variable
from scoreshock.kernels.wells import spectral, times
from scoreshock.kernels.wells.parts import Wells
from scoreshock.kernels.wells.spectral import ScoreProfile
from scoreshock.options import TAU, X
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import apply
from scoreshock.quantities.points import GridSpec, line_axis, multiples, times_in_units
from scoreshock.quantities.shared_variables import along
from scoreshock.quantities.wells.definition import made, of_wells, parameters_of


def _profiles(grid: str) -> tuple[Variable, ...]:
    """The variables along the positions ``grid``."""
    vectors = (along(variable, grid, "feature") for variable in (shared.SCORE, shared.POSITION))
    return *vectors, *(along(variable, grid) for variable in (shared.SCORE_ALONG, shared.LOG_DENSITY, shared.SCORE_STATUS))


@quantity(
    (*_profiles("x"), shared.TAU, shared.TAU_STATUS),
    {"x": X, "tau": TAU},
    density="wells",
    name="scores",
    seconds=(4e-5, 4e-5),
)
def well_scores(well: xr.Dataset, x: GridSpec, tau: GridSpec) -> xr.Dataset:
    """Profile of score and density of quartic wells, at several diffusion times.

    Parameters
    ----------
    well
        Of kind ``quartic`` or ``tilted-quartic``; its sweep dimensions carry over.
    x
        Positions, as in a study: values or ``start, stop, num``, and ``unit``: ``absolute``, ``separation`` (the
        half-distance b) or ``layer`` (from the boundary of the two parts, in its width ``2/|phi_x|``).
    tau
        Diffusion times, likewise; ``unit``: ``absolute`` or ``speciation`` (multiples of the matched Gaussians' time).

    Returns
    -------
    Dataset
        As :func:`scoreshock.scores` of one feature: ``score(..., feature)``, ``score_along``, ``log_density``,
        ``position(..., feature)``, but ``score_status`` at each position. NaN with ``no_transition`` where the matched
        Gaussians have no time > 0, or one well has no layer; ``singular`` for the layer at tau = 0.

    Notes
    -----
    By fast Fourier transform where that is within 1e-11 of `well_fields`, else by its quadrature.
    """
    unit, grid = line_axis(x)
    times = diffusion_times(well, tau)
    arguments = {**parameters_of(well), "tau": times, "grid": (grid, (str(grid.name),))}
    found = apply(_profile, arguments, _profiles(str(grid.name)), sizes={"feature": 1}, unit=unit)
    whole = found.assign_coords(grid.coords)
    return whole if "tau" in times.dims else whole.assign(tau=times)


def diffusion_times(well: xr.Dataset, tau: GridSpec) -> xr.DataArray:
    """Diffusion times of a study's ``tau``; in units of speciation, NaN where the matched Gaussians have no time > 0."""
    return times_in_units(tau, of_wells(_multiples), parameters_of(well))


def _multiples(wells: Wells, scaled: np.ndarray) -> np.ndarray:
    return multiples(times.matched_gaussian(wells)[0], scaled)


def _profile(quartic_coefficient: np.ndarray, half_distance: np.ndarray, tilt: np.ndarray, **others: Any) -> ScoreProfile:
    return spectral.score_profile(made(quartic_coefficient, half_distance, tilt), half_distance, **others)
