"""Profile of the score and the density of two wells, in the form in which a mixture has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Variable
from scoreshock.kernels.wells import spectral, times
from scoreshock.options import TAU, X
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import apply
from scoreshock.quantities.points import axis, unit_of
from scoreshock.quantities.shared_variables import along
from scoreshock.quantities.wells.definition import made, parameters_of


def _profiles(line: str) -> tuple[Variable, ...]:
    """The variables along the positions ``line``."""
    vectors = (along(variable, line, "feature") for variable in (shared.SCORE, shared.POSITION))
    return *vectors, *(along(variable, line) for variable in (shared.SCORE_ALONG, shared.LOG_DENSITY, shared.SCORE_STATUS))


@quantity(
    (*_profiles("x"), shared.TAU, shared.TAU_STATUS),
    {"x": X, "tau": TAU},
    density="wells",
    name="scores",
    seconds=(4e-5, 4e-5),
)
def well_scores(well: xr.Dataset, x: Mapping[str, Any], tau: Mapping[str, Any]) -> xr.Dataset:
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
    unit = unit_of("x", x)
    grid = axis(x, "x" if unit == "absolute" else "x_scaled")
    times = diffusion_times(well, tau)
    arguments = [*parameters_of(well), (times, ()), (grid, (str(grid.name),))]
    found = apply(_profile, arguments, _profiles(str(grid.name)), sizes={"feature": 1}, unit=unit)
    whole = found.assign_coords(grid.coords)
    return whole if "tau" in times.dims else whole.assign(tau=times)


def diffusion_times(well: xr.Dataset, tau: Mapping[str, Any]) -> xr.DataArray:
    """Diffusion times of a study's ``tau``; in units of speciation, NaN where the matched Gaussians have no time > 0."""
    if unit_of("tau", tau, ("absolute", "speciation")) == "absolute":
        return axis(tau, "tau")
    scaled = axis(tau, "tau_scaled")
    found = apply(_multiples, [*parameters_of(well), (scaled, ("tau_scaled",))], [shared.TAU])
    return found.tau.assign_coords(scaled.coords)


def _multiples(c: np.ndarray, b: np.ndarray, h: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    tau = times.matched_gaussian(made(c, b, h))[0]
    return np.where(tau > 0, tau, np.nan)[..., None] * scaled


def _profile(
    c: np.ndarray, b: np.ndarray, h: np.ndarray, tau: np.ndarray, grid: np.ndarray, unit: str
) -> spectral.ScoreProfile:
    return spectral.score_profile(made(c, b, h), b, tau, grid, unit)
