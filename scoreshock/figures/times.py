"""Figures of speciation: times by criterion, errors of the correction series, modes of the density, class entropy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from scoreshock.figures import captions
from scoreshock.figures.curves import clock, over, panels, shown, swept
from scoreshock.figures.description import FOLLOWING, Choice, Labels, Level, Line, Panel, Points, figure
from scoreshock.figures.selection import FLAG, selected, spread, variation, with_numbers
from scoreshock.figures.slices import chosen_axis, slices
from scoreshock.figures.style import DASHED, OKABE_ITO, short

ROWS = 3
"""Maximum number of values of an axis that have two panels each, of times and of ratios."""


@figure(of="speciation")
def speciation(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Speciation time τ* by criterion over the swept axes and, beside it, its ratio to that of the exact criterion."""
    tau = selected(shown(dataset, "tau_star", "status"), choice.select).load().assign_attrs(long_name="speciation time τ*")
    roles = (choice.x, choice.lines, choice.panels)
    if "exact" not in tau.criterion.values or tau.sizes["criterion"] < 2 or "criterion" in roles or choice.lines:
        return panels(tau, "criterion", replace(choice, select={}))
    x = chosen_axis(tau, choice.x, swept(tau))
    facet = chosen_axis(tau, choice.panels, swept(_ratio(tau)), (x,))
    (here,) = slices(tau, choice, dataset.dims, x=x, keep=[facet] if facet else [])
    cut = here.of(tau)
    rows, left = ([0], "") if facet is None else _rows(cut, facet, complete=choice.lists(facet))
    look = replace(choice, select={}, panels="")
    drawn = [panel for row in rows for panel in _row(cut if facet is None else cut.isel({facet: [row]}), x, look)]
    return [
        replace(
            panel,
            title=", ".join(each for each in (here.title, panel.title) if each),
            notes=tuple(each for each in (*here.notes, left, *_at(panel)) if each),
        )
        for panel in drawn
    ]


def _at(panel: Panel) -> list[str]:
    """Notes of a panel that name it."""
    return [f"At {panel.title}: {note[:1].lower()}{note[1:]}" if panel.title else note for note in panel.notes]


def _rows(tau: xr.DataArray, facet: str, complete: bool) -> tuple[list[int], str]:
    """Indices of the values that are drawn: all of a few, else of those with a ratio, if there are such; and a note."""
    have = with_numbers(tau, facet)
    among = with_numbers(_ratio(tau), facet) or have if len(have) > ROWS else have
    rows = have if complete else [among[i] for i in spread(len(among), ROWS)]
    return rows, captions.left_out("panels", facet, len(rows), len(have), tau.sizes[facet])


def _ratio(tau: xr.DataArray) -> xr.DataArray:
    """Times over that of the exact criterion, with the status of whichever is missing."""
    exact = tau.sel(criterion="exact").drop_vars("criterion")
    flag = xr.where(tau[FLAG] != 0, tau[FLAG], exact[FLAG]).transpose(*tau[FLAG].dims).assign_attrs(tau[FLAG].attrs)
    ratio = tau.drop_vars(FLAG) / exact.drop_vars(FLAG)
    return ratio.assign_coords({FLAG: flag}).assign_attrs(long_name="ratio τ*/τ*(exact)", units="1")


def _row(tau: xr.DataArray, x: str | None, choice: Choice) -> list[Panel]:
    """Two panels of one slice, times and ratios; the second is empty but for a word where there is no exact time."""
    ratio = _ratio(tau)
    times, ratios = (panels(each, "criterion", choice, axis=x or "criterion", most=1) for each in (tau, ratio))
    if not times or ratios:  # what has no ratio has no time, or no exact one, which the times' notes tell
        return [*times, *(replace(panel, notes=()) for panel in ratios)]
    lines = [replace(mark, y=np.full(mark.y.shape, np.nan)) for mark in times[0].marks if isinstance(mark, Line)]
    at = np.array([float(np.mean(each)) for each in (lines[0].x if lines else [0.0],)])
    exact = tau.sel(criterion="exact")
    word = Labels(at, np.ones(1), ("no transition of the exact criterion",))
    return [
        *times,
        replace(
            times[0],
            ylabel=str(ratio.attrs["long_name"]),
            marks=(*lines, word),
            logy=False,
            notes=(f"Criterion exact: {captions.missing(exact, logy=False)}",),
        ),
    ]


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
    """Size of the error of the correction series through each order, relative to the exact v*; the least one is marked.

    Where all means are equally far from their mean the series has no error, which a logarithmic axis cannot show.
    """
    error = shown(dataset, "error_relative", "error_status").load()
    label = {"long_name": "size of the series' error, relative to the exact v*", "units": "1"}
    error = abs(error).assign_attrs(label)
    error["order"] = error.order.assign_attrs(long_name="order of the correction")
    lines = sorted(swept(error), key=lambda name: -variation(error, name))
    most = {} if choice.panels else {"most": 1}
    drawn = over(error, ["order", *lines], choice, logy=True, middle=True, **most)
    return [replace(panel, marks=(*panel.marks, *_least(panel))) for panel in drawn]


def _least(panel: Panel) -> list[Points]:
    """The least point of every line with several."""
    lines = [mark for mark in panel.marks if isinstance(mark, Line) and np.isfinite(mark.y).sum() > 1]
    at = [int(np.nanargmin(line.y)) for line in lines]
    x, y = (np.array([getattr(line, axis)[i] for line, i in zip(lines, at, strict=True)]) for axis in "xy")
    return [Points(x, y, "least error", OKABE_ITO[0], 7.0)] if lines and panel.xlabel.startswith("order") else []


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
    """Relative error of the isotropic score over diffusion time, and the exact speciation time by kind of covariance."""
    error = shown(dataset, "isotropic_error", "isotropic_error_status")
    error = error.assign_attrs(long_name="relative error of the isotropic score, √(E|s_iso − s|²/E|s|²)")
    found = over(error, ["tau_relative", *swept(error)], choice, logy=True)
    start = shown(dataset, "tau_isotropic", "tau_isotropic_status")
    if start.size == 1 and bool(start.notnull().all()):
        relative = float((start * dataset.tau_relative / dataset.tau).isel(tau_relative=-1).squeeze())
        level = Level(relative, vertical=True, dash=DASHED)
        note = f"From the dashed line on, τ = {short(start.item())}, the isotropic score may be used."
        found = [replace(panel, marks=(*panel.marks, level), notes=(*panel.notes, note)) for panel in found]
    exact = shown(dataset, "tau_exact", "exact_status").assign_attrs(long_name="exact speciation time τ*")
    return [*found, *panels(exact, "structure", choice, axis=None if swept(exact) else "structure", most=1, middle=True)]
