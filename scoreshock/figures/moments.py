"""Figures of schedules: the noise level of each step of a sampler, with the decision window and the criteria."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import xarray as xr

from scoreshock.conventions import TimeStatus
from scoreshock.figures import captions
from scoreshock.figures.description import FOLLOWING, Band, Choice, Level, Line, Mark, Panel, Points, figure
from scoreshock.figures.selection import selected, shown
from scoreshock.figures.slices import Slice, slices
from scoreshock.figures.style import APART, DASHED, OKABE_ITO, WIDTH, colours, stroke

WINDOW = ("decided", "decision begins")
"""Moments that bound the decision window, from data to noise."""

NEAR = 0.004
"""Distance in decades of noise below which no eye could tell two points apart."""

TICK = 0.05
"""Length of a tick from the line, as a fraction of the decades of noise of the schedule, at least one."""

POINTS = 100
"""Number of calls above which they are not drawn one by one."""


@figure(of="when")
def when(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Noise level of each call of a schedule's sampler, the decision window shaded, the other moments as ticks.

    One panel a schedule, at the middle of the swept axes.
    """
    if "sigma_call" not in dataset:
        return []
    chosen = selected(dataset, choice.select)
    found = slices(shown(chosen, "tau_moment").load(), choice, chosen.dims, middle=True)
    return [_of_calls(here, here.of(chosen.sel(schedule=label))) for here, label in product(found, chosen.schedule.values)]


@figure(of="speciation", beside=("when",))
def schedule(dataset: xr.Dataset, choice: Choice = FOLLOWING, when: xr.Dataset | None = None) -> list[Panel]:
    """Noise level at each step of a schedule's sampler, as far as the times of the sweep reach, and the criteria as ticks.

    One panel a schedule, at the middle of the swept axes. A result of `when` has all calls, and a figure of its own.
    """
    if "sampling_step" not in dataset or when is not None:
        return []
    chosen = selected(dataset, choice.select)
    inside = (chosen.time_status == TimeStatus.ok).any([name for name in chosen.time_status.dims if name != "schedule"])
    without = [str(label) for label in chosen.schedule.values[~inside.values]]
    note = f"No time of the sweep is in: {', '.join(without)}." if without else ""
    found = slices(shown(chosen, "tau_star").load(), choice, chosen.dims, middle=True)
    each_one = product(found, chosen.schedule.values[inside.values])
    return [_of_criteria(here, chosen.sel(schedule=label), note) for here, label in each_one]


def _of_calls(here: Slice, point: xr.Dataset) -> Panel:
    """The panel of one schedule of one point of a result of `when`."""
    levels = point.sigma_call.values
    calls = np.flatnonzero(np.isfinite(levels) & (levels > 0))
    line: list[Mark] = [Line(calls.astype(float), levels[calls], "calls of the network", APART, width=WIDTH)]
    if calls.size <= POINTS:
        line.append(Points(calls.astype(float), levels[calls], color=APART))
    window = tuple(float(point.sigma.sel(moment=name)) for name in WINDOW)
    inside, total = int(point.n_calls), int((levels > 0).sum())  # of infinite noise, too, which no axis has
    share = f"{inside} of {total} calls ({inside / total:.0%}) in the decision window"
    title = f"{point.schedule.item()}: {share if inside else 'no call in the decision window'}"
    others = point.sel(moment=[name for name in point.moment.values if name not in WINDOW])
    names = [str(name) for name in others.moment.values]
    marks = [*_window(*window), *line, *_ticks(names, others.sampling_step.values, others.sigma.values, levels[calls])]
    missing = captions.missing(shown(point, "tau_moment"), logy=False).replace("points", "moments")
    return _panel(here, title, marks, missing)


def _of_criteria(here: Slice, every: xr.Dataset, note: str) -> Panel:
    """The panel of one schedule of one point of a result of `speciation`."""
    point = here.of(every)
    step = every.sampling_step.where(every.time_status == TimeStatus.ok)
    step, sigma = xr.broadcast(step, every.sigma)
    names = [str(name) for name in point.criterion.values]
    own = point.sampling_step.where(point.time_status == TimeStatus.ok).values
    line = Line(*steps_of(step.values.ravel(), sigma.values.ravel()), "steps that the sweep reaches", APART, width=WIDTH)
    marks = [line, *_ticks(names, own, point.sigma.values, line.y)]
    ends = sorted({f"{step:.4g}" for step in (np.nanmin(own), np.nanmax(own))}, key=float) if np.isfinite(own).any() else []
    within = f"criteria at step{'s' * (len(ends) - 1)} {' to '.join(ends)}" if ends else "no criterion"
    missing = captions.missing(shown(point, "tau_star"), logy=False).replace("points", "criteria")
    return _panel(here, f"{point.schedule.item()}: {within}", marks, missing, note)


def _panel(here: Slice, title: str, marks: Sequence[Mark], *notes: str) -> Panel:
    labels = "step of the sampler, from noise", "noise level σ = √(2τ)"
    told = tuple(filter(None, (*here.notes, *notes)))
    return Panel(", ".join(filter(None, (here.title, title))), *labels, tuple(marks), logy=True, notes=told)


def _window(low: float, high: float) -> list[Mark]:
    """The decision window, if it has both ends."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return []
    return [Band(low, high), *(Level(end, dash=DASHED, color=OKABE_ITO[1], width=WIDTH) for end in (low, high))]


def steps_of(step: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps and noise levels of all times of a sweep in one schedule, in order: points of the schedule's curve.

    A step with several noise levels is an end of the sampler, beyond which they lie.

    Examples
    --------
    >>> steps_of(np.array([3.0, 0.0, 1.0, 0.0, 3.0]), np.array([2.0, 80.0, 9.0, 90.0, 2.0]))
    (array([1., 3.]), array([9., 2.]))
    """
    pairs = np.unique(np.stack([step, sigma], axis=1)[np.isfinite(step) & (sigma > 0)], axis=0)
    steps, count = np.unique(pairs[:, 0], return_counts=True)
    return tuple(pairs[np.isin(pairs[:, 0], steps[count == 1])].T)


def _ticks(names: Sequence[str], step: np.ndarray, sigma: np.ndarray, levels: np.ndarray) -> list[Mark]:
    """A tick across the line for each moment that has both numbers; those that no eye could tell apart are one tick."""
    tints = colours(len(names), ordered=False)
    reach = 10 ** (TICK * max(float(np.ptp(np.log10(levels))) if levels.size else 0.0, 1.0))
    groups: list[list[int]] = []
    for number in np.flatnonzero(np.isfinite(step) & (sigma > 0)).tolist():
        near = (group for group in groups if abs(np.log10(sigma[number] / sigma[group[0]])) <= NEAR)
        same = next(near, None)
        if same is None:
            groups.append([number])
        else:
            same.append(number)
    return [
        Line(
            np.full(2, step[group[0]]),
            sigma[group[0]] * np.array([1 / reach, reach]),
            " ≈ ".join(names[each] for each in group),
            tints[group[0]],
            stroke(group[0])["dash"] if group[0] >= len(OKABE_ITO) else (),
            2.0,
        )
        for group in groups
    ]
