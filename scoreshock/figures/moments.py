"""Figures of when the modes part: the noise level of each call of a sampler, with the decision window and the criteria."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from scoreshock.figures import captions
from scoreshock.figures.curves import swept
from scoreshock.figures.description import FOLLOWING, Band, Choice, Level, Line, Mark, Panel, Points, figure
from scoreshock.figures.selection import selected
from scoreshock.figures.style import DASHED, OKABE_ITO, WIDTH, colours, where

WINDOW = ("decided", "decision begins")
"""Moments that bound the decision window, from data to noise."""


@figure(of="when")
def when(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Noise level of each call of a schedule's sampler, the decision window shaded, the other moments on the line.

    One panel a schedule, at the middle of the swept axes.
    """
    if "sigma_call" not in dataset:
        return []
    dataset = selected(dataset, choice.select)
    taken = {name: dataset.sizes[name] // 2 for name in swept(dataset.tau_moment)}
    note = captions.of_slice(dataset.tau_moment, taken)
    point = dataset.isel(taken)
    return [replace(_panel(point.sel(schedule=label)), notes=(note,) if note else ()) for label in dataset.schedule.values]


def _panel(point: xr.Dataset) -> Panel:
    """The panel of one schedule of one point."""
    levels = point.sigma_call.values
    calls = np.flatnonzero(np.isfinite(levels) & (levels > 0))
    moments = [str(name) for name in point.moment.values]
    sigma = dict(zip(moments, point.sigma.values.tolist(), strict=True))
    step = dict(zip(moments, point.sampling_step.values.tolist(), strict=True))
    shown = [name for name in moments if np.isfinite(sigma[name]) and np.isfinite(step[name])]
    tints = dict(zip(shown, colours(len(shown), ordered=False), strict=True))
    marks: list[Mark] = []
    low, high = (sigma.get(name, np.nan) for name in WINDOW)
    if np.isfinite(low) and np.isfinite(high):
        marks.append(Band(low, high))
        marks += [Level(end, dash=DASHED, color=OKABE_ITO[1], width=WIDTH) for end in (low, high)]
    marks.append(Line(calls.astype(float), levels[calls], "calls of the network", width=WIDTH))
    size = 3.0 if calls.size > 100 else 5.0
    marks.append(Points(calls.astype(float), levels[calls], size=size))
    others = [name for name in shown if name not in WINDOW]
    marks += [Points(np.array([step[name]]), np.array([sigma[name]]), name, tints[name], 9.0) for name in others]
    inside = int(point.n_calls)
    title = ", ".join([*where(point.tau_moment, swept_names(point)), str(point.schedule.item())])
    title += (
        f": {inside} of {int((levels > 0).sum())} calls in the decision window"
        if inside
        else ": no call in the decision window"
    )
    return Panel(title, "step of the sampler, from noise", "noise level σ = √(2τ)", tuple(marks), logy=True)


def swept_names(point: xr.Dataset) -> list[str]:
    """Names of the scalar coordinates that a sweep had."""
    return [str(name) for name in point.tau_moment.coords if name not in ("schedule", "moment") and not point[name].dims]
