"""Figures of the layer: the score across it, its boundary, and how errors grow there."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.figures.curves import abreast, clock, over, panels, swept
from scoreshock.figures.description import Panel

EXACT = 1e-12
"""Relative size of a residual below which an equation holds to rounding."""


def profile(dataset: xr.Dataset) -> list[Panel]:
    """Score along the line through its layer, at several diffusion times."""
    grid = next(name for name in ("x", "x_scaled") if name in dataset.dims)
    times = next((name for name in ("tau", "tau_scaled") if name in dataset.dims), None)
    along = dataset.score_along.where(dataset.score_status == 0)
    if times is None:
        along, times = along.expand_dims(tau=[0.0]), "tau"
    return panels(along, times, axis=grid, middle=True)


def layer(dataset: xr.Dataset) -> list[Panel]:
    """The boundary over diffusion time: its place, the layer's width, the density's curvature across it, its speed."""
    there = dataset.where(dataset.layer_status == 0)
    place = there.boundary.isel(feature=0)
    if dataset.sizes["feature"] > 1:
        label = {"long_name": "place of the boundary on the line between both groups' means, from their midpoint"}
        place = dataset.crossing.where(dataset.crossing_status == 0).isel(crossing_index=0, drop=True).assign_attrs(label)
    speed = there.speed if "speed" in there else there.boundary_velocity
    plain = abreast([place, there.width], clock(dataset))
    curved = abreast([there.normal_hessian], clock(dataset), logy=False, mark=0.0)
    return [*plain, *curved, *abreast([speed], clock(dataset))]


def regions(dataset: xr.Dataset) -> list[Panel]:
    """Probability of the interfacial regions over the swept axes, at several diffusion times."""
    inside = dataset.interfacial_probability.where(dataset.region_status == 0)
    axes = swept(inside)
    return over(inside, [*axes[:1], clock(dataset), *axes[1:]])


def burgers(dataset: xr.Dataset) -> list[Panel]:
    """Largest relative residual of each form of the score's equation, over the longest axis."""
    residual = dataset.residual_relative.where(dataset.residual_status == 0)
    grid = next(name for name in ("x", "x_scaled") if name in dataset.dims)
    axis = next((name for name in [*swept(residual), clock(dataset), grid] if residual.sizes[name] > 1), grid)
    label = {"long_name": f"largest relative residual of the score's equation (grey: {EXACT:g})", "units": "1"}
    largest = residual.max([name for name in residual.dims if name not in (axis, "form")]).assign_attrs(label)
    if axis == grid and residual.sizes[grid] == 1:
        return panels(largest.isel({grid: 0}), "form", axis="form")
    return panels(largest, "form", axis=axis, logy=True, mark=EXACT)


def exponent(dataset: xr.Dataset) -> list[Panel]:
    """Amplification exponent by quadrature of the growth rate, and of pairs in closed form."""
    closed = dataset.exponent.where(dataset.amplification_status == 0)
    checked = dataset.exponent_quadrature.where(dataset.quadrature_status == 0)
    method = xr.Variable("method", ["closed form", "quadrature"])
    label = {"long_name": "amplification exponent Lambda", "units": "1"}
    both = xr.concat([closed, checked], method).dropna("method", how="all")
    return panels(both.assign_attrs(label), "method")


def growth(dataset: xr.Dataset) -> list[Panel]:
    """Integral of the growth rate on the moving boundary over the swept axes."""
    grown = dataset.exponent_boundary.where(dataset.exponent_boundary_status == 0)
    return over(grown, swept(grown))


def trajectories(dataset: xr.Dataset) -> list[Panel]:
    """Trajectories from noise on the left to data on the right, a line each; in several features a panel a feature."""
    followed = dataset.trajectory.where(dataset.trajectory_status == 0)
    count = dataset.sizes["feature"]
    facet = "feature" if count > 1 else None
    placed = followed.assign_coords(feature=np.arange(count)) if facet else followed.isel(feature=0)
    return panels(placed, _starts(dataset), axis=clock(dataset), facet=facet, middle=True, logy=False, falling=True)


def errors(dataset: xr.Dataset) -> list[Panel]:
    """Growth of a trajectory's error by a wrong score, against its bound, from noise to data."""
    size = dataset.difference_size.where(dataset.trajectory_difference_status == 0)
    bound = dataset.gronwall_bound.where(dataset.growth_status == 0)
    method = xr.Variable("method", ["error", "Gronwall bound"])
    label = {"long_name": "error of the trajectory by a wrong score", "units": "1"}
    both = xr.concat([size, bound], method).assign_attrs(label)
    return panels(both, "method", axis=clock(dataset), middle=True, logy=True, falling=True)


def divergence(dataset: xr.Dataset) -> list[Panel]:
    """Bounds on the divergence of the generated density from the true one, over the swept axes."""
    there = dataset[["kl_bound", "tv_bound"]].where(dataset.divergence_status == 0)
    names = xr.Variable("method", ["Kullback-Leibler", "total variation"])
    label = {"long_name": "bound on the divergence of the generated density from the true one", "units": "1"}
    return panels(xr.concat([there.kl_bound, there.tv_bound], names).assign_attrs(label), "method")


def _starts(dataset: xr.Dataset) -> str:
    return next(name for name in ("start", "start_scaled") if name in dataset.dims)
