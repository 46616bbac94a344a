"""Profile of the score and the density along the line through the layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import mixture as kernel
from scoreshock.quantities.labelled import Arguments, Output, apply, means_and_weights
from scoreshock.quantities.points import (
    axis,
    diffusion_times,
    inner,
    line_through_layer,
    on_line,
    places_on_line,
    unit_of,
    unit_of_length,
    with_times,
)


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content."""
    return scores(mixture, content["options"]["x"], content["options"]["tau"])


def scores(mixture: xr.Dataset, x: Mapping[str, Any], tau: Mapping[str, Any]) -> xr.Dataset:
    """Profile of score and density along the line through the layer, at several diffusion times.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    x
        Grid along the line, as in a study: values or ``start, stop, num``, and ``unit``: ``absolute``, ``separation`` (half
        the means' extent along the line) or ``layer`` (the layer's width ``v/a``, (34)).
    tau
        Diffusion times, likewise; ``unit``: ``absolute`` or ``speciation`` (multiples of the leading time (77)).

    Returns
    -------
    Dataset
        ``score(..., feature)``, ``score_along``, ``log_density``, ``position(..., feature)`` and ``score_status``. The line
        runs from the first mean of a pair to the second, from their midpoint; else through the weighted mean along the
        leading direction, see :func:`scoreshock.kernels.gaussian.geometry.leading_direction`.
    """
    unit = unit_of("x", x)
    grid = axis(x, "x" if unit == "absolute" else "x_scaled")
    line = (str(grid.name),)
    times = diffusion_times(mixture, tau)
    place: Arguments = [*means_and_weights(mixture), (grid, line)]
    moment: Arguments = [(mixture.component_variance, ()), (times, ())]
    found = apply(
        _profile,
        [*place, *moment],
        [
            Output("score", (*line, "feature")),
            Output("score_along", line),
            Output("log_density", line),
            Output("score_status", (), np.int8),
        ],
        unit=unit,
    )
    density = apply(
        _in_all_dimensions,
        [(found.log_density, line), (mixture.ambient_dimension, ()), *moment],
        [Output("log_density", line)],
        features=mixture.sizes["feature"],
    )
    position = on_line(mixture, x, times)
    whole = found.assign(log_density=density.log_density, position=position).assign_coords(grid.coords)
    return with_times(whole, times)


def _profile(
    means: np.ndarray, weights: np.ndarray, grid: np.ndarray, variance: np.ndarray, tau: np.ndarray, unit: str
) -> tuple[np.ndarray, ...]:
    """Score, its component along the line, log density in the means' span, and status, along one line for each mixture."""
    direction, extent = line_through_layer(means, weights)[1:]
    x = places_on_line(means, weights, grid, variance, tau, unit)
    log_p, s = kernel.fields(x, means[..., None, :, :], weights[..., None, :], variance[..., None], tau[..., None])
    outside = np.isnan(tau) | ~np.isfinite(unit_of_length(unit, extent, variance, tau))
    regular = np.where(variance + 2 * tau > 0, Status.ok, Status.singular)
    return s, inner(s, direction[..., None, :]), log_p, np.where(outside, Status.no_transition, regular)


def _in_all_dimensions(
    log_p: np.ndarray, dimension: np.ndarray, variance: np.ndarray, tau: np.ndarray, features: int
) -> np.ndarray:
    """Log density (..., x) in the ambient dimension, from that in the means' span."""
    return log_p + kernel.normal_factor(dimension, features, variance, tau)[..., None]
