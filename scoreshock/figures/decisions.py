"""Figures of class decisions: class entropy and its rate, decision windows, clocks, collapse, guided generation."""

from __future__ import annotations

import xarray as xr

from scoreshock.figures.curves import abreast, clock, over, panels, swept
from scoreshock.figures.description import Panel, figure


@figure(of="decisions")
def decisions(dataset: xr.Dataset) -> list[Panel]:
    """Class entropy, the rate at which information on the class is gained, and cloning, over diffusion time."""
    names = ["class_entropy", "class_information_density", "cloning_probability"]
    valid = dataset[names].where(dataset.decisions_status == 0)
    return abreast((valid[name] for name in names), clock(dataset), logy=False)


@figure(of="decisions")
def decision_window(dataset: xr.Dataset) -> list[Panel]:
    """Noise levels at which classes begin to be decided, are half decided, and are decided, over the swept axes."""
    sigma = dataset.sigma_decision.where(dataset.decision_status == 0)
    return over(sigma, [*swept(sigma), "remaining"], most=1)


@figure(of="clocks")
def clocks(dataset: xr.Dataset) -> list[Panel]:
    """Noise levels at equal steps of each clock."""
    return panels(dataset.sigma_level.where(dataset.clocks_status == 0), "clock", axis="level")


@figure(of="collapse")
def collapse(dataset: xr.Dataset) -> list[Panel]:
    """Noise level of the collapse over the swept axes."""
    sigma = dataset.sigma_collapse.where(dataset.collapse_status == 0)
    return over(sigma, swept(sigma))


@figure(of="guidance")
def guidance(dataset: xr.Dataset) -> list[Panel]:
    """Share of the samples at each component, over the guidance weight."""
    shares = dataset.component_share.where(dataset.generation_status == 0)
    return panels(shares, "component", axis="guidance_weight", logy=False)
