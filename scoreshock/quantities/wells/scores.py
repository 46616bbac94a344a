"""Profile of the score and the density of two wells, in the form in which a mixture has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.kernels.wells import parts as kernel
from scoreshock.kernels.wells import spectral, times
from scoreshock.quantities.labelled import Output, apply
from scoreshock.quantities.points import axis, unit_of
from scoreshock.quantities.wells.definition import made, parameters_of


def compute(well: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content: :func:`well_scores`."""
    return well_scores(well, content["options"]["x"], content["options"]["tau"])


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
    line = (str(grid.name),)
    times = diffusion_times(well, tau)
    found = apply(
        _profile,
        [*parameters_of(well), (times, ()), (grid, line)],
        [
            Output("score", (*line, "feature")),
            Output("score_along", line),
            Output("log_density", line),
            Output("position", (*line, "feature")),
            Output("score_status", line, np.int8),
        ],
        sizes={"feature": 1},
        unit=unit,
    )
    whole = found.assign_coords(grid.coords)
    return whole if "tau" in times.dims else whole.assign(tau=times)


def diffusion_times(well: xr.Dataset, tau: Mapping[str, Any]) -> xr.DataArray:
    """Diffusion times of a study's ``tau``; in units of speciation, NaN where the matched Gaussians have no time > 0."""
    if unit_of("tau", tau, ("absolute", "speciation")) == "absolute":
        return axis(tau, "tau")
    scaled = axis(tau, "tau_scaled")
    found = apply(_multiples, [*parameters_of(well), (scaled, ("tau_scaled",))], [Output("tau", ("tau_scaled",))])
    return found.tau.assign_coords(scaled.coords)


def _multiples(c: np.ndarray, b: np.ndarray, h: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    tau = times.matched_gaussian(made(c, b, h))[0]
    return np.where(tau > 0, tau, np.nan)[..., None] * scaled


def _profile(
    c: np.ndarray, b: np.ndarray, h: np.ndarray, tau: np.ndarray, grid: np.ndarray, unit: str
) -> tuple[np.ndarray, ...]:
    """Score (..., x, 1), (..., x), log density, position and status of wells (...) at ``grid (x,)`` in its unit."""
    wells = made(c, b, h)
    centre, length, reason = _line(wells, b, tau, unit)
    x = (centre + 0 * tau)[..., None] + length[..., None] * grid
    found = spectral.profile(wells, x, tau)
    finite = np.isfinite(found.score) & np.isfinite(found.log_density)
    outcome = np.where((found.status == Status.failed) | ~finite, np.int8(Status.failed), np.int8(Status.ok))
    status = np.where(np.isnan(tau), np.int8(Status.no_transition), reason)[..., None]
    return (
        found.score[..., None],
        found.score,
        found.log_density,
        x[..., None],
        np.where(status == Status.ok, outcome, status),
    )


def _line(wells: kernel.Wells, b: np.ndarray, tau: np.ndarray, unit: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Position 0, the unit of positions, and the status with which they are defined; (...) each."""
    if unit == "layer":
        found = kernel.boundary(wells, tau)
        return found.position, 2 / np.abs(found.gradient), found.status
    length = b if unit == "separation" else np.ones_like(b)
    return np.zeros_like(b), length, np.full_like(b, Status.ok, dtype=np.int8)
