"""Figures of the layer: the score across it, its boundary, and the growth of errors."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.figures.curves import abreast, clock, over, panels, swept
from scoreshock.figures.description import Panel, figure

EXACT = 1e-12
"""Relative residual below which an equation holds up to rounding."""


@figure(of="scores")
def profile(dataset: xr.Dataset) -> list[Panel]:
    """Score along the line through the layer, at several diffusion times."""
    grid = next(name for name in ("x", "x_scaled") if name in dataset.dims)
    times = next((name for name in ("tau", "tau_scaled") if name in dataset.dims), None)
    along = dataset.score_along.where(dataset.score_status == 0)
    if times is None:
        along, times = along.expand_dims(tau=[0.0]), "tau"
    return panels(along, times, axis=grid, middle=True)


@figure(of="layer")
def layer(dataset: xr.Dataset) -> list[Panel]:
    """Boundary over diffusion time: position, width of the layer, curvature of the density across it, speed."""
    valid = dataset.where(dataset.layer_status == 0)
    position = valid.boundary.isel(feature=0)
    if dataset.sizes["feature"] > 1:
        label = {"long_name": "position of the boundary on the line between both groups' means, from their midpoint"}
        crossing = dataset.crossing.where(dataset.crossing_status == 0)
        position = crossing.isel(crossing_index=0, drop=True).assign_attrs(label)
    speed = valid.speed if "speed" in valid else valid.boundary_velocity
    plain = abreast([position, valid.width], clock(dataset))
    curved = abreast([valid.normal_hessian], clock(dataset), logy=False, mark=0.0)
    return [*plain, *curved, *abreast([speed], clock(dataset))]


@figure(of="regions")
def regions(dataset: xr.Dataset) -> list[Panel]:
    """Probability of the interfacial regions over the swept axes, at several diffusion times."""
    inside = dataset.interfacial_probability.where(dataset.region_status == 0)
    axes = swept(inside)
    return over(inside, [*axes[:1], clock(dataset), *axes[1:]])


@figure(of="burgers")
def burgers(dataset: xr.Dataset) -> list[Panel]:
    """Maximum relative residual of each form of the score equation, over the longest axis."""
    residual = dataset.residual_relative.where(dataset.residual_status == 0)
    grid = next(name for name in ("x", "x_scaled") if name in dataset.dims)
    axis = next((name for name in [*swept(residual), clock(dataset), grid] if residual.sizes[name] > 1), grid)
    label = {"long_name": f"largest relative residual of the score's equation (grey: {EXACT:g})", "units": "1"}
    largest = residual.max([name for name in residual.dims if name not in (axis, "form")]).assign_attrs(label)
    if axis == grid and residual.sizes[grid] == 1:
        return panels(largest.isel({grid: 0}), "form", axis="form")
    return panels(largest, "form", axis=axis, logy=True, mark=EXACT)


@figure(of="amplification")
def exponent(dataset: xr.Dataset) -> list[Panel]:
    """Amplification exponent by quadrature of the growth rate, for pairs also in closed form."""
    closed = dataset.exponent.where(dataset.amplification_status == 0)
    integrated = dataset.exponent_quadrature.where(dataset.quadrature_status == 0)
    method = xr.Variable("method", ["closed form", "quadrature"])
    label = {"long_name": "amplification exponent Lambda", "units": "1"}
    both = xr.concat([closed, integrated], method).dropna("method", how="all")
    return panels(both.assign_attrs(label), "method")


@figure(of="boundary_amplification")
def growth(dataset: xr.Dataset) -> list[Panel]:
    """Integral of the growth rate along the moving boundary, over the swept axes."""
    exponent = dataset.exponent_boundary.where(dataset.exponent_boundary_status == 0)
    return over(exponent, swept(exponent))


@figure(of="trajectories")
def trajectories(dataset: xr.Dataset) -> list[Panel]:
    """Trajectories from noise (left) to data (right), one line each; one panel for each of several features."""
    position = dataset.trajectory.where(dataset.trajectory_status == 0)
    count = dataset.sizes["feature"]
    facet = "feature" if count > 1 else None
    position = position.assign_coords(feature=np.arange(count)) if facet else position.isel(feature=0)
    return panels(position, _starts(dataset), axis=clock(dataset), facet=facet, middle=True, logy=False, falling=True)


@figure(of="trajectories")
def errors(dataset: xr.Dataset) -> list[Panel]:
    """Trajectory error due to a score error, and its Gronwall bound, from noise (left) to data (right)."""
    size = dataset.difference_size.where(dataset.trajectory_difference_status == 0)
    bound = dataset.gronwall_bound.where(dataset.growth_status == 0)
    method = xr.Variable("method", ["error", "Gronwall bound"])
    label = {"long_name": "trajectory error due to a score error", "units": "1"}
    both = xr.concat([size, bound], method).assign_attrs(label)
    return panels(both, "method", axis=clock(dataset), middle=True, logy=True, falling=True)


@figure(of="divergence")
def divergence(dataset: xr.Dataset) -> list[Panel]:
    """Bounds on the divergence of the generated density from the true one, over the swept axes."""
    valid = dataset[["kl_bound", "tv_bound"]].where(dataset.divergence_status == 0)
    names = xr.Variable("method", ["Kullback-Leibler", "total variation"])
    label = {"long_name": "bound on the divergence of the generated density from the true one", "units": "1"}
    return panels(xr.concat([valid.kl_bound, valid.tv_bound], names).assign_attrs(label), "method")


def _starts(dataset: xr.Dataset) -> str:
    return next(name for name in ("start", "start_scaled") if name in dataset.dims)
