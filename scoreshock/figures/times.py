"""Figures of speciation: times by criterion, errors of the correction series, modes of the density, class entropy."""

from __future__ import annotations

import xarray as xr

from scoreshock.figures.curves import clock, over, panels, shown, swept
from scoreshock.figures.description import FOLLOWING, Choice, Panel, figure


@figure(of="speciation")
def speciation(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Speciation time τ* by criterion over the swept axes."""
    tau = shown(dataset, "tau_star", "status")
    return panels(tau.assign_attrs(long_name="speciation time τ*"), "criterion", choice)


@figure(of="speciation")
def time(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Speciation time by criterion in the time of each schedule, one panel a schedule."""
    if "time" not in dataset:
        return []
    times = shown(dataset, "time", "time_status").assign_attrs(long_name="speciation time in schedule time t")
    facet = "schedule" if "schedule" not in (choice.x, choice.lines) else None
    return panels(times, "criterion", choice, facet=facet, most=dataset.sizes["schedule"], middle=True)


@figure(of="corrections")
def corrections(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Absolute error of the series relative to the exact criterion, by order."""
    error = shown(dataset, "error_relative", "error_status")
    label = {"long_name": "size of the series' error, relative to the exact v*", "units": "1"}
    error = abs(error).assign_attrs(label)
    return over(error, ["order", *swept(error)], choice, logy=True)


@figure(of="cascade")
def cascade(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Speciation time of each eigenmode, by the exact criterion and to leading order, one panel an eigenmode."""
    exact = shown(dataset, "tau_eigenmode", "eigenmode_status")
    leading = shown(dataset, "cascade", "cascade_status")
    label = {"long_name": "speciation time of the eigenmode", "units": "1"}
    both = xr.concat([exact, leading], xr.Variable("method", ["exact", "leading"])).assign_attrs(label)
    return panels(both, "method", choice, facet="eigenmode" if both.sizes["eigenmode"] > 1 else None)


@figure(of="modes")
def modes(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Number of modes of the density over diffusion time."""
    number = shown(dataset, "n_modes", "modes_status")
    ticks = tuple(range(1, int(number.max().fillna(1)) + 1))
    return over(number, [clock(dataset), *swept(number)], choice, step=True, logy=False, yticks=ticks)


@figure(of="modes")
def one_mode(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Diffusion time above which the density has one mode, over the swept axes."""
    tau = shown(dataset, "tau_density", "density_status")
    return over(tau, swept(tau), choice)


@figure(of="isotropy")
def isotropy(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Relative error of the isotropic score over diffusion time in units of the mean variance."""
    error = shown(dataset, "isotropic_error", "isotropic_error_status")
    return over(error, ["tau_relative", *swept(error)], choice, logy=True)
