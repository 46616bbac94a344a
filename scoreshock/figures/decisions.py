"""Figures of class decisions: class entropy and its rate, decision windows, clocks, collapse, guided generation."""

from __future__ import annotations

import xarray as xr

from scoreshock.figures.curves import abreast, clock, over, panels, shown, swept
from scoreshock.figures.description import FOLLOWING, Choice, Panel, figure

DECISIONS = {
    "class_entropy": "class entropy H(Z|x), nats",
    "class_information_density": "rate −dH(Z|x)/dγ, γ = 1/(2τ)",
    "cloning_probability": "cloning probability φ",
}
"""Labels of what is drawn of decisions."""


@figure(of="decisions")
def decisions(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Class entropy, the rate at which information on the class is gained, and cloning, over diffusion time."""
    values = (shown(dataset, name, "decisions_status").assign_attrs(long_name=words) for name, words in DECISIONS.items())
    return abreast(values, clock(dataset), choice, logy=False)


@figure(of="decisions")
def decision_window(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Noise levels at which classes begin to be decided, are half decided, and are decided, over the swept axes."""
    sigma = shown(dataset, "sigma_decision", "decision_status").assign_attrs(long_name="noise level σ = √(2τ)")
    return over(sigma, [*swept(sigma), "remaining"], choice, most=1)


@figure(of="clocks")
def clocks(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Noise levels at equal steps of each clock."""
    return panels(shown(dataset, "sigma_level", "clocks_status"), "clock", choice, axis="level")


@figure(of="collapse")
def collapse(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Noise level of the collapse over the swept axes."""
    sigma = shown(dataset, "sigma_collapse", "collapse_status")
    return over(sigma, swept(sigma), choice)


@figure(of="guidance")
def guidance(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Share of the samples at each component, over the guidance weight."""
    shares = shown(dataset, "component_share", "generation_status")
    return panels(shares, "component", choice, axis="guidance_weight", logy=False)
