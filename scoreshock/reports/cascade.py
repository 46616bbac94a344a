"""The cascade in a report: which direction between the classes speciates at which noise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.figures.classes import class_names
from scoreshock.figures.description import Band, Line, Panel, Points
from scoreshock.figures.moments import WINDOW
from scoreshock.figures.style import DOTTED, OKABE_ITO, colours, short

NAMED = 7
"""Directions with a name in the figure; of more the legend would be longer than the panel."""

ROOM = 0.03
"""How far the line at 0 goes beyond the first and the last direction, as a share of the axis: no dot is cut."""

TOLD = 5
"""Directions in the sentence."""

CAPTION = (
    "A direction is an eigenvector of the covariance of the class means, named after the two classes that it separates "
    "most. Its dot is at the noise level at which it speciates to leading order: where the variance of the noise and within "
    "classes is that along the direction. A dotted line is at that of the exact criterion."
)


def directions(moments: xr.Dataset) -> list[str]:
    """The two classes that each direction separates most, such as ``3 | 4``; a dash where it has no direction of its own."""
    names = class_names(moments)
    ends = zip(moments.eigenmode_first.values.tolist(), moments.eigenmode_second.values.tolist(), strict=True)
    return [f"{names[i]} | {names[j]}" if i >= 0 else "–" for i, j in ends]


def exists(moments: xr.Dataset) -> bool:
    """Whether there is a cascade: several directions, of components with one variance."""
    return moments.sizes["eigenmode"] > 1 and int(moments.cascade_status.isel(eigenmode=0)) != Status.not_applicable


def sentence(moments: xr.Dataset) -> list[str]:
    """When the first directions speciate, and how many do."""
    if not exists(moments):
        return []
    sigma, share = moments.sigma_cascade.values, moments.eigenmode_share.values
    there = np.flatnonzero(np.isfinite(sigma))
    ends = [name.replace(" | ", " from ") for name in directions(moments)]
    told = [f"{short(sigma[i])} ({share[i]:.0%}, most of all {ends[i]})" for i in there[:TOLD]]
    if not told:
        return ["No direction between the classes speciates: each has less variance between classes than within."]
    rest = f", and {there.size - TOLD} more" if there.size > TOLD else ""
    counted = f"{there.size} of {sigma.size} directions between the classes speciate, to leading order at sigma"
    return [f"{counted} {', '.join(told)}{rest} (in brackets: share of the variance between classes, what is separated)."]


def rows(moments: xr.Dataset) -> list[list[str]]:
    """Heading and a row for each direction, if there are several."""
    if not exists(moments):
        return []
    labels = [str(name) for name in moments.schedule.values] if "schedule" in moments.dims else []
    heading = ["separates most", "share of variance", "sigma, leading order", "sigma, exact"]
    table = [[*heading, *(f"{label}: step" for label in labels)]]
    for i, name in enumerate(directions(moments)):
        one = moments.isel(eigenmode=i)
        levels = [
            short(value.item()) if np.isfinite(value) else Status(int(status)).name
            for value, status in ((one.sigma_cascade, one.cascade_status), (one.sigma_eigenmode, one.eigenmode_status))
        ]
        steps = [one.cascade_step.sel(schedule=label).item() for label in labels]
        table.append([name, f"{one.eigenmode_share.item():.1%}", *levels, *(_step(value) for value in steps)])
    return table


def _step(value: float) -> str:
    return f"{value:.1f}" if np.isfinite(value) else "–"


def panel(moments: xr.Dataset) -> list[Panel]:
    """Share of the variance between classes of each direction over the noise level at which it speciates."""
    sigma, share = moments.sigma_cascade.values, moments.eigenmode_share.values
    there = np.flatnonzero(np.isfinite(sigma))
    if not exists(moments) or not there.size:
        return []
    low, high = (float(moments.sigma.sel(moment=name)) for name in WINDOW)
    marks: list[Band | Line | Points] = [Band(low, high, vertical=True)] if np.isfinite(low) and np.isfinite(high) else []
    tints = [*colours(NAMED, ordered=False), *[OKABE_ITO[7]] * max(0, there.size - NAMED)]
    exact, names = moments.sigma_eigenmode.values, directions(moments)
    levels = np.concatenate([sigma[there], exact[there]])
    if (levels := levels[levels > 0]).size:
        wider = (levels.max() / levels.min()) ** ROOM
        ends = np.array([levels.min() / wider, levels.max() * wider])
        marks.append(Line(ends, np.zeros(2), color=OKABE_ITO[7], width=1.0))
    for number, (i, tint) in enumerate(zip(there, tints, strict=False)):
        marks.append(Line(sigma[[i, i]], np.array([0.0, share[i]]), color=tint, width=1.2))
        marks.append(Points(sigma[[i]], share[[i]], names[i] if number < NAMED else "", tint, 9.0))
        if np.isfinite(exact[i]):
            name = f"exact: {names[i]}" if number < NAMED else ""
            marks.append(Line(exact[[i, i]], np.array([0.0, share[i]]), name, tint, DOTTED, 4.0))
    return [
        Panel("", "noise level σ = √(2τ)", "share of the variance between classes", tuple(marks), logx=True, falling=True)
    ]
