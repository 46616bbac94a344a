"""Figures of speciation: times by criterion, errors of the correction series, modes of the density, class entropy."""

from __future__ import annotations

import xarray as xr

from scoreshock.figures.curves import PANELS, clock, over, panels, swept
from scoreshock.figures.description import Panel, figure


@figure(of="speciation")
def speciation(dataset: xr.Dataset) -> list[Panel]:
    """Speciation time by criterion over the swept axes."""
    tau = dataset.tau_star.where(dataset.status == 0)
    return panels(tau.assign_attrs(long_name="speciation time τ*"), "criterion")


@figure(of="speciation")
def time(dataset: xr.Dataset) -> list[Panel]:
    """Speciation time by criterion in the time of each schedule, one panel a schedule."""
    if "time" not in dataset:
        return []
    times = dataset.time.where(dataset.time_status == 0)
    return [
        panel
        for label in dataset.schedule.values[:PANELS]
        for panel in panels(times.sel(schedule=label), "criterion", most=1, middle=True, lead=[str(label)])
    ]


@figure(of="corrections")
def corrections(dataset: xr.Dataset) -> list[Panel]:
    """Absolute error of the series relative to the exact criterion, by order."""
    error = abs(dataset.error_relative.where(dataset.error_status == 0))
    label = {"long_name": "size of the series' error, relative to the exact v*", "units": "1"}
    return over(error.assign_attrs(label), ["order", *swept(error)], logy=True)


@figure(of="cascade")
def cascade(dataset: xr.Dataset) -> list[Panel]:
    """Speciation time of each eigenmode, by the exact criterion and to leading order, one panel an eigenmode."""
    exact = dataset.tau_eigenmode.where(dataset.eigenmode_status == 0)
    leading = dataset.cascade.where(dataset.cascade_status == 0)
    label = {"long_name": "speciation time of the mode", "units": "1"}
    both = xr.concat([exact, leading], xr.Variable("method", ["exact", "leading"])).assign_attrs(label)
    return panels(both, "method", facet="eigenmode" if both.sizes["eigenmode"] > 1 else None)


@figure(of="modes")
def modes(dataset: xr.Dataset) -> list[Panel]:
    """Number of modes of the density over diffusion time."""
    number = dataset.n_modes.where(dataset.modes_status == 0)
    ticks = tuple(range(1, int(number.max().fillna(1)) + 1))
    return over(number, [clock(dataset), *swept(number)], step=True, logy=False, yticks=ticks)


@figure(of="modes")
def one_mode(dataset: xr.Dataset) -> list[Panel]:
    """Diffusion time above which the density has one mode, over the swept axes."""
    tau = dataset.tau_density.where(dataset.density_status == 0)
    return over(tau, swept(tau))


@figure(of="isotropy")
def isotropy(dataset: xr.Dataset) -> list[Panel]:
    """Relative error of the isotropic score over diffusion time in units of the mean variance."""
    error = dataset.isotropic_error.where(dataset.isotropic_error_status == 0)
    return over(error, ["tau_relative", *swept(error)], logy=True)
