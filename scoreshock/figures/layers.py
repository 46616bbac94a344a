"""Figures of the layer: the score across it, its boundary, and the growth of errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.figures.curves import abreast, clock, over, panels, shown, swept
from scoreshock.figures.description import FOLLOWING, Choice, Panel, figure
from scoreshock.figures.selection import FEW, selected
from scoreshock.figures.style import symbol

EXACT = 1e-12
"""Relative residual below which an equation holds up to rounding."""


@figure(of="scores")
def profile(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Score along the line through the layer, at several diffusion times."""
    grid = next(name for name in ("x", "x_scaled") if name in dataset.dims)
    times = next((name for name in ("tau", "tau_scaled") if name in dataset.dims), None)
    along = _called(shown(dataset, "score_along", "score_status"), "score s along the line")
    if times is None:
        along, times = along.expand_dims(tau=[0.0]), "tau"
    if grid == "x_scaled":
        in_widths = times in dataset.position.dims
        name = "in widths of the layer, x a/v" if in_widths else "over half the extent of the means, x/a"
        along = along.assign_coords(x_scaled=_called(along.x_scaled, f"position {name}"))
    return panels(along, times, choice, axis=grid, middle=True)


@figure(of="layer")
def layer(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Boundary over diffusion time: position, width of the layer, curvature of the density across it, speed."""
    position = shown(dataset, "boundary", "layer_status").isel(feature=0)
    name = "position x_b of the boundary"
    if dataset.sizes["feature"] > 1:
        name = "position x_b of the boundary on the line between both groups' means, from their midpoint"
        position = shown(dataset, "crossing", "crossing_status").isel(crossing_index=0, drop=True)
    width, hessian = (shown(dataset, each, "layer_status") for each in ("width", "normal_hessian"))
    speed = shown(dataset, "speed" if "speed" in dataset else "boundary_velocity", "layer_status")
    plain = abreast([_called(position, name), _called(width, "width of the layer, 2/|∇φ|")], clock(dataset), choice)
    across = _called(hessian / dataset.interfacial_curvature, "nᵀHn/(½|∇φ|)² on the boundary; > 0: ln p is convex across it")
    curved = abreast([across], clock(dataset), choice, logy=False, mark=0.0)
    moved = (
        "speed of the boundary along its normal, per unit of τ" if "speed" in dataset else "velocity dx_b/dτ of the boundary"
    )
    return [*plain, *curved, *abreast([_called(speed, moved)], clock(dataset), choice)]


@figure(of="regions")
def regions(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Probability of the interfacial region, nearer than v/a to a boundary, and slope of the score across a boundary."""
    inside = _called(shown(dataset, "interfacial_probability", "region_status"), "probability within v/a of a boundary")
    axes = swept(inside)
    long = [name for name in axes[:1] if inside.sizes[name] >= FEW]
    found = over(inside, [*long, clock(dataset), *axes], choice)
    slope = _called(shown(dataset, "gradient", "interface_status"), "slope of the score across the boundary, v ∂s/∂x")
    if found and slope.sizes["distance"] > 1:
        slope = slope.squeeze("interface", drop=True) if slope.sizes["interface"] == 1 else slope
        found += panels(slope, clock(dataset), choice, axis="distance", most=1, middle=True, logy=False, mark=0.0)
    return found


@figure(of="burgers")
def burgers(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Largest relative residual of each form of the score equation, over the axis along which it varies most."""
    residual = selected(shown(dataset, "residual_relative", "residual_status"), choice.select)
    grid = next(name for name in ("x", "x_scaled") if name in dataset.dims)
    order = [name for name in (choice.x, *swept(residual), clock(dataset), grid) if name in residual.dims]
    axis = next((name for name in order if residual.sizes[name] > 1), grid)
    label = {"long_name": f"largest relative residual of the score's equation (grey: {EXACT:g})", "units": "1"}
    kept = (axis, "form", choice.lines, choice.panels)
    over_all = [str(name) for name in residual.dims if name not in kept and residual.sizes[name] > 1]
    largest = residual.drop_vars("flag", errors="ignore").max([name for name in residual.dims if name not in kept])
    largest = largest.assign_attrs(label)
    if axis == grid and residual.sizes[grid] == 1:
        return panels(largest.isel({grid: 0}), "form", axis="form")
    drawn = panels(largest, "form", replace(choice, select={}), axis=axis, logy=True, mark=EXACT)
    note = f"Largest over {', '.join(map(symbol, over_all))}." if over_all else ""
    return [replace(panel, notes=(note, *panel.notes)) for panel in drawn]


@figure(of="boundary_amplification")
def growth(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Integral of the growth rate along the moving boundary, over the swept axes."""
    exponent = shown(dataset, "exponent_boundary", "exponent_boundary_status")
    return over(exponent, swept(exponent), choice)


@figure(of="trajectories")
def trajectories(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Trajectories from noise (left) to data (right), one line each; one panel for each of several features."""
    position = shown(dataset, "trajectory", "trajectory_status")
    count = dataset.sizes["feature"]
    facet = "feature" if count > 1 else None
    position = position.assign_coords(feature=np.arange(count)) if facet else position.isel(feature=0)
    how: dict[str, Any] = {"facet": facet, "middle": True, "logy": False, "falling": True}
    return panels(position, _starts(dataset), choice, axis=clock(dataset), **how)


@figure(of="trajectories")
def errors(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Trajectory error due to a score error, and its Gronwall bound, from noise (left) to data (right)."""
    size = shown(dataset, "difference_size", "trajectory_difference_status")
    bound = shown(dataset, "gronwall_bound", "growth_status")
    method = xr.Variable("method", ["error", "Gronwall bound"])
    label = {"long_name": "trajectory error due to a score error", "units": "1"}
    both = xr.concat([size, bound], method).assign_attrs(label)
    return panels(both, "method", choice, axis=clock(dataset), middle=True, logy=True, falling=True)


@figure(of="divergence")
def divergence(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Bounds on the divergence of the generated density from the true one, over the swept axes."""
    bounds = [shown(dataset, name, "divergence_status") for name in ("kl_bound", "tv_bound")]
    names = xr.Variable("method", ["Kullback-Leibler", "total variation"])
    label = {"long_name": "bound on the divergence of the generated density from the true one", "units": "1"}
    return panels(xr.concat(bounds, names).assign_attrs(label), "method", choice)


def _called(values: xr.DataArray, name: str) -> xr.DataArray:
    """Values with the label of their axis."""
    return values.assign_attrs(long_name=name, units="1")


def _starts(dataset: xr.Dataset) -> str:
    return next(name for name in ("start", "start_scaled") if name in dataset.dims)
