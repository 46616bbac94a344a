"""Bifurcation diagrams: roots of the exact criterion and merging of modes over an axis, and the tree of modes over time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.figures import captions
from scoreshock.figures.curves import coincident, isolated
from scoreshock.figures.description import FOLLOWING, Choice, Labels, Line, Panel, Points, figure
from scoreshock.figures.phases import FEWEST, region_labels
from scoreshock.figures.selection import selected, shown, spans_decades, swept
from scoreshock.figures.slices import Slice, chosen_axis, slices
from scoreshock.figures.style import DASHED, DOTTED, OKABE_ITO, WIDTH, colours, label

Drawn = Line | Points

BLACK, GREEN, BLUE, RED, GREY = (OKABE_ITO[number] for number in (0, 3, 4, 5, 7))

EIGENMODES = 4
"""Maximum number of eigenvalues whose lines are drawn, the largest ones."""

SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

SAME = 1e-6
"""Relative distance in v below which an event is at a root of the exact criterion: a pitchfork at the weighted mean."""


@figure(of="speciation", beside=("modes",))
def branches(dataset: xr.Dataset, choice: Choice = FOLLOWING, modes: xr.Dataset | None = None) -> list[Panel]:
    """Bifurcations: all roots of the exact criterion, and the times at which modes of the density merge.

    Over the axis along which their numbers change most, of sweeps with several roots or events at some point; a result of
    `modes` names the regions by the number of modes.
    """
    chosen = selected(dataset, choice.select)
    if not {"n_roots", "n_events"} <= set(chosen.data_vars):
        return []
    tau, order = shown(chosen, "tau_root").load(), _by_changes(chosen)
    x = chosen_axis(tau, choice.x, order, ("root", choice.panels))
    several = max(int(chosen.n_roots.max()), int(chosen.n_events.max())) > 1
    if x is None or not (several or choice.x):
        return []
    regions = [] if modes is None or "tau" not in modes.dims else [selected(modes, choice.select)]
    number = chosen.n_roots + chosen.n_events
    most = tau.where(number == number.max())  # else a slice could have one root
    found = slices(most, choice, chosen.dims, x=x, middle=True)
    return [panel for here in found for panel in _diagram(here, chosen, regions, x)]


def _diagram(here: Slice, chosen: xr.Dataset, regions: list[xr.Dataset], x: str) -> list[Panel]:
    """The panel of one slice, if it has a root or an event; beside a result of `modes`, if there is one."""
    point, *counted = (here.of(each) for each in (chosen, *regions))
    drawn = [*events(point, x), *roots(point, x)]
    if not drawn:
        return []
    marks = (*drawn, *(mark for each in counted for mark in number_of_modes(each, x)))
    notes = tuple(each for each in (*here.notes, _without_root(point), _truncated(point)) if each)
    times = np.concatenate([mark.y for mark in drawn])
    look: dict[str, Any] = {
        "logx": spans_decades(point[x].values),
        "logy": bool(counted) or spans_decades(times),
        "notes": notes,
    }
    return [Panel(here.title, label(chosen[x]), "diffusion time τ", marks, **look)]


@figure(of="modes", beside=("speciation",))
def merging_tree(dataset: xr.Dataset, choice: Choice = FOLLOWING, speciation: xr.Dataset | None = None) -> list[Panel]:
    """Position of the modes of the density over diffusion time, from data (below) to noise (above).

    Of mixtures on a line. Panels are spread over the axis along which the values vary most. A result of `speciation` adds
    the time of the exact criterion.
    """
    if "branch" not in dataset:
        return []
    chosen = selected(dataset, choice.select)
    tau = shown(chosen, "tau_event").load()
    exact = None
    if speciation is not None and "exact" in speciation.criterion.values:
        exact = shown(selected(speciation, {**choice.select, "criterion": "exact"}), "tau_star").squeeze("criterion")
    order = [name for name in swept(tau) if name != "event"]
    found = slices(chosen.mode_position, choice, chosen.dims, along=order)
    lines = [np.nan if exact is None else float(here.of(exact)) for here in found]
    without = [here.name for here, line in zip(found, lines, strict=True) if exact is not None and np.isnan(line)]
    note = f"Without a time of the exact criterion: {', '.join(without)}." if any(without) else ""
    note = note or "The exact criterion has no time." * bool(without)
    return [
        panel for here, line in zip(found, lines, strict=True) for panel in _tree_panel(here, here.of(chosen), line, note)
    ]


@figure(of="cascade")
def cascade(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Speciation time of each eigenvalue of the between-class covariance, by the exact criterion and to leading order.

    Over the axis along which the times vary most; of one density over the number of the eigenvalue.
    """
    chosen = selected(dataset, choice.select)
    leading = shown(chosen, "cascade").load()
    x = chosen_axis(leading, choice.x, [name for name in swept(leading) if name != "eigenmode"], (choice.panels,))
    x = None if choice.x == "eigenmode" else x
    found = slices(leading, choice, chosen.dims, x=x or "eigenmode", lines="eigenmode")
    return [panel for here in found for panel in _cascade_panel(here, chosen, x)]


def _cascade_panel(here: Slice, chosen: xr.Dataset, x: str | None) -> list[Panel]:
    """The panel of one slice, if an eigenvalue has a time."""
    point = here.of(chosen)
    marks = cascade_by_number(point) if x is None else cascade_over(point, x)
    times = np.concatenate([mark.y for mark in marks])
    if not np.isfinite(times).any():
        return []
    missing = captions.missing(shown(point, "tau_eigenmode"), logy=False)
    count = point.sizes["eigenmode"]
    left = "" if x is None else captions.left_out("lines", "eigenmode", min(EIGENMODES, count), count, count)
    notes = tuple(each for each in (*here.notes, left, f"Exact criterion: {missing}" if missing else "") if each)
    words = "number j of the eigenvalue λⱼ, largest first" if x is None else label(chosen[x])
    look: dict[str, Any] = {
        "logx": x is not None and spans_decades(point[x].values),
        "logy": spans_decades(times),
        "notes": notes,
    }
    return [Panel(here.title, words, "speciation time τ of the eigenvalue", tuple(marks), **look)]


def _by_changes(dataset: xr.Dataset) -> list[str]:
    """Axes of several values, first the one along which the numbers of roots and events change most."""
    number = (dataset.n_roots + dataset.n_events).load()
    changes = {name: int((number.diff(name) != 0).sum()) for name in swept(number)}
    return sorted((name for name in changes if number.sizes[name] >= FEWEST), key=lambda name: -changes[name])


def _without_root(point: xr.Dataset) -> str:
    """How many points have no root, by status."""
    if "exact" not in point.criterion.values:
        return ""
    missing = captions.missing(shown(point, "tau_star").sel(criterion="exact"), logy=False)
    return f"Exact criterion: {missing}" if missing else ""


def _truncated(point: xr.Dataset) -> str:
    count = int(point.root_truncated.sum())
    return f"{count} points have more roots than are stored." if count else ""


def _tree_panel(here: Slice, point: xr.Dataset, exact: float, note: str) -> list[Panel]:
    """The panel of one density, if it has a mode: its tree, and the time of the exact criterion unless that is NaN."""
    marks = tree(point)
    x = np.concatenate([mark.x for mark in marks])
    if not np.isfinite(x).any():
        return []
    ends = np.array([np.nanmin(x), np.nanmax(x)])
    if np.isfinite(exact):
        marks.append(Line(ends, np.full(2, exact), "exact criterion, τ*", GREEN, DASHED, WIDTH))
    notes = tuple(filter(None, (*here.notes, note)))
    return [Panel(here.title, "position of the mode, x", "diffusion time τ", tuple(marks), logy=True, notes=notes)]


def roots(point: xr.Dataset, x: str) -> list[Drawn]:
    """Lines of all roots of the exact criterion over ``x``: the last, which counts, solid, and the earlier ones dashed."""
    tau = point.tau_root.where(point.root_status == Status.ok).transpose(x, "root").values
    columns = [row[np.isfinite(row)][::-1] for row in tau]  # from the last root on
    going = [_going_on(one, other) for one, other in pairwise(columns)]
    look: dict[str, Any] = {"color": GREEN, "width": WIDTH}
    result: list[Drawn] = []
    for earlier in range(max(map(len, columns), default=0)):
        values = np.array([column[earlier] if earlier < len(column) else np.nan for column in columns])
        breaks = [index + 1 for index, count in enumerate(going) if earlier >= count]
        at, broken = np.insert(point[x].values, breaks, point[x].values[breaks]), np.insert(values, breaks, np.nan)
        name, dash = ("earlier roots", DASHED) if earlier else ("last root of exact, τ*", ())
        result.append(Line(at, broken, name if earlier < 2 else "", dash=dash, **look))
        if (alone := isolated(broken)).any():
            result.append(Points(at[alone], broken[alone], color=GREEN))
    return result


def _going_on(one: np.ndarray, other: np.ndarray) -> int:
    """How many of the last roots at one point go on at the next; of those before them two meet, or some pass the end.

    Examples
    --------
    >>> _going_on(np.array([9.0, 2.0, 1.0]), np.array([9.1])), _going_on(np.array([9.0, 8.9, 1.0]), np.array([1.1]))
    (1, 0)
    """
    few = min(len(one), len(other))
    if len(one) == len(other):
        return few
    costs = []
    for count in range(few + 1):  # the others go on from the first root
        rest = few - count
        last = np.abs(np.log(one[:count] / other[:count])).sum()
        costs.append(last + np.abs(np.log(one[len(one) - rest :] / other[len(other) - rest :])).sum())
    return int(max(np.flatnonzero(np.array(costs) == min(costs))))


def events(point: xr.Dataset, x: str) -> list[Drawn]:
    """Points at which modes of the density merge over ``x``.

    At a pitchfork the density is symmetric about its mean, where the exact criterion holds at the same time; elsewhere a
    mode and a minimum end in a saddle-node.
    """
    tau = point.tau_event.where(point.event_status == Status.ok).transpose(x, "event").values
    root = point.tau_root.where(point.root_status == Status.ok).transpose(x, "root").values
    at = np.broadcast_to(point[x].values[:, None], tau.shape)
    distance = np.abs(tau[:, :, None] - root[:, None, :])
    at_root = (distance <= SAME * np.abs(tau)[:, :, None]).any(axis=-1)
    found = np.isfinite(tau)
    kinds = [("pitchfork of the modes", found & at_root, BLACK), ("saddle-node of the modes", found & ~at_root, RED)]
    return [Points(at[where], tau[where], name, color, 3.0) for name, where, color in kinds if where.any()]


def number_of_modes(point: xr.Dataset, x: str) -> list[Labels]:
    """The number of modes in each region of ``x`` and diffusion time, of a result of `modes` with an axis ``tau``."""
    number = point.n_modes.where(point.modes_status == Status.ok).transpose("tau", x).values
    counts = [int(count) for count in np.unique(number[np.isfinite(number)])]
    regions = {"1 mode" if count == 1 else f"{count} modes": number == count for count in counts}
    return region_labels(regions, point[x].values, point.tau.values)


def tree(point: xr.Dataset) -> list[Drawn]:
    """The modes of one density over diffusion time, which runs upwards, and which one a mode joins where it ends."""
    known = np.isfinite(point.tau_event.values) & (point.event_status == Status.ok).values
    number = int(np.isfinite(point.x_before.values[0]).sum()) if known.any() else 1
    lives = [_life(point, leaf, int(known.sum())) for leaf in range(number)]
    names = ["modes of the density", *[""] * (len(lives) - 1)]
    result: list[Drawn] = [Line(x, y, name, BLUE, width=WIDTH) for (x, y, _), name in zip(lives, names, strict=True)]
    joins = [join for _, _, join in lives if join is not None]
    if joins:
        ends, goals, at = np.array(joins).T
        gap = np.full(len(joins), np.nan)
        x, y = (np.stack(each, axis=1).ravel() for each in ((ends, goals, gap), (at, at, gap)))
        result += [Line(x, y, "to the mode that remains", GREY, DOTTED, WIDTH), Points(ends, at, "a mode ends", RED)]
    return result


def _life(point: xr.Dataset, leaf: int, count: int) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float] | None]:
    """Positions and times of a mode of the data until it ends, and position, goal and time of its end, if it ends."""
    tau, places = point.tau.values, point.mode_position.isel(feature=0).transpose(..., "mode").values
    events, before = point.tau_event.values[:count], point.x_before.values
    index = [leaf, *point.branch.values[:count, leaf].tolist()]
    ends = [number for number in range(count) if point.vanishes.values[number, index[number]] == 1]
    last = ends[0] if ends else count
    edges, x, y = [0.0, *events, np.inf], [], []
    for number in range(last + 1):
        inside = np.flatnonzero((tau > edges[number]) & (tau < edges[number + 1]))
        x += places[inside, index[number]].tolist()
        y += tau[inside].tolist()
        if number < count:
            x.append(before[number, index[number]])
            y.append(events[number])
    join = (x[-1], float(point.x_after.values[last, index[last + 1]]), y[-1]) if ends else None
    return np.array(x), np.array(y), join


def cascade_over(point: xr.Dataset, x: str) -> list[Drawn]:
    """Speciation time of each eigenvalue over ``x``, by the exact criterion, solid, and to leading order, dashed."""
    exact = point.tau_eigenmode.where(point.eigenmode_status == Status.ok).transpose("eigenmode", x).values
    leading = point.cascade.where(point.cascade_status == Status.ok).transpose("eigenmode", x).values
    shown = range(min(len(exact), EIGENMODES))
    rows = np.stack([row for number in shown for row in (exact[number], leading[number])])
    names = [f"λ{number + 1} {method}".translate(SUBSCRIPT) for number in shown for method in ("exact", "leading")]
    tints = colours(len(shown), ordered=False)
    return [
        Line(
            point[x].values,
            rows[first],
            " = ".join(names[each] for each in (first, *others)),
            tints[first // 2],
            DASHED if first % 2 else (),
            WIDTH,
        )
        for first, *others in coincident(rows, logy=True)
    ]


def cascade_by_number(point: xr.Dataset) -> list[Drawn]:
    """Speciation time against the number of the eigenvalue of one density, with all roots of the exact criterion."""
    number = point.eigenmode.values + 1.0
    leading = point.cascade.where(point.cascade_status == Status.ok).values
    exact = point.tau_eigenmode.where(point.eigenmode_status == Status.ok).values
    every = point.tau_eigenmode_root.where(point.eigenmode_root_status == Status.ok).transpose("eigenmode", "root").values
    earlier = np.isfinite(every) & (every < exact[:, None] * (1 - SAME))
    at = np.broadcast_to(number[:, None], every.shape)
    result: list[Drawn] = [
        Line(number, leading, "leading", BLACK, DASHED, WIDTH),
        Points(number, leading, color=BLACK),
        Points(number, exact, "exact", GREEN, 9.0),
    ]
    return [*result, Points(at[earlier], every[earlier], "earlier roots of exact", GREEN)] if earlier.any() else result
