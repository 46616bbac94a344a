"""Bifurcation diagrams: roots of the exact criterion and merging of modes over an axis, and the tree of modes over time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.figures import captions
from scoreshock.figures.curves import PANELS, coincident, isolated
from scoreshock.figures.description import FOLLOWING, Choice, Labels, Line, Panel, Points, figure
from scoreshock.figures.phases import FEWEST, region_labels
from scoreshock.figures.selection import selected, shown, spans_decades, spread, swept
from scoreshock.figures.slices import chosen_axis, not_used, slice_of
from scoreshock.figures.style import DASHED, DOTTED, OKABE_ITO, WIDTH, colours, label, where

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
    x = chosen_axis(tau, choice.x, order, ("root",))
    several = max(int(chosen.n_roots.max()), int(chosen.n_events.max())) > 1
    if x is None or not (several or choice.x):
        return []
    regions = [] if modes is None or "tau" not in modes.dims else [selected(modes, choice.select)]
    number = chosen.n_roots + chosen.n_events
    most = tau.where(number == number.max())  # else a slice could have one root
    (point, *counted), titles, note = slice_of(most, (x,), chosen, *regions, middle=True)
    drawn = [*events(point, x), *roots(point, x)]
    if not drawn:
        return []
    marks = (*drawn, *(mark for each in counted for mark in number_of_modes(each, x)))
    notes = tuple(
        each for each in (note, _without_root(point), _truncated(point), not_used(choice, chosen.dims, x=x)) if each
    )
    times = np.concatenate([mark.y for mark in drawn])
    look: dict[str, Any] = {
        "logx": spans_decades(point[x].values),
        "logy": bool(counted) or spans_decades(times),
        "notes": notes,
    }
    return [Panel(", ".join(titles), label(chosen[x]), "diffusion time τ", marks, **look)]


@figure(of="modes", beside=("speciation",))
def merging_tree(dataset: xr.Dataset, choice: Choice = FOLLOWING, speciation: xr.Dataset | None = None) -> list[Panel]:
    """Modes of the density from data, below, to noise, above, and which mode joins which, beside the exact criterion.

    Of mixtures on a line. Panels are spread over the axis along which the values vary most.
    """
    if "branch" not in dataset:
        return []
    chosen = selected(dataset, choice.select)
    tau = shown(chosen, "tau_event").load()
    facet = chosen_axis(tau, choice.panels, swept(tau), ("event",))
    results = [chosen, *([] if speciation is None else [selected(speciation, choice.select)])]
    cut, titles, note = slice_of(tau, (facet,), *results)
    count = 1 if facet is None else tau.sizes[facet]
    kept = range(count) if facet is not None and choice.lists(facet) else spread(count, PANELS)
    left = captions.left_out("panels", str(facet), len(kept), count, count)
    notes = tuple(each for each in (note, left, not_used(choice, chosen.dims, panels=facet)) if each)
    at = [{} if facet is None else {facet: index} for index in kept]
    return [panel for one in at for panel in _tree_panel([each.isel(one) for each in cut], titles, facet, notes)]


@figure(of="cascade")
def cascade(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Speciation time of each eigenvalue of the between-class covariance, by the exact criterion and to leading order.

    Over the axis along which the times vary most; of one density over the number of the eigenvalue.
    """
    chosen = selected(dataset, choice.select)
    exact, leading = (shown(chosen, name).load() for name in ("tau_eigenmode", "cascade"))
    x = chosen_axis(leading, choice.x, [name for name in swept(leading) if name != "eigenmode"])
    x = None if choice.x == "eigenmode" else x
    (point,), titles, note = slice_of(leading, (x, "eigenmode"), chosen)
    marks = cascade_by_number(point) if x is None else cascade_over(point, x)
    times = np.concatenate([mark.y for mark in marks])
    if not np.isfinite(times).any():
        return []
    (own,), *_ = slice_of(leading, (x, "eigenmode"), exact.to_dataset(name="tau"))
    missing = captions.missing(own.tau, logy=False)
    count = own.sizes["eigenmode"]
    left = "" if x is None else captions.left_out("lines", "eigenmode", min(EIGENMODES, count), count, count)
    ignored = not_used(choice, chosen.dims, x=x or "eigenmode", lines="eigenmode")
    notes = tuple(each for each in (note, left, f"Exact criterion: {missing}" if missing else "", ignored) if each)
    words = "number j of the eigenvalue λⱼ, largest first" if x is None else label(chosen[x])
    look: dict[str, Any] = {
        "logx": x is not None and spans_decades(point[x].values),
        "logy": spans_decades(times),
        "notes": notes,
    }
    return [Panel(", ".join(titles), words, "speciation time τ of the eigenvalue", tuple(marks), **look)]


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


def _tree_panel(results: list[xr.Dataset], titles: list[str], facet: str | None, notes: tuple[str, ...]) -> list[Panel]:
    """The panel of one density, if it has a mode: results of `modes`, and of `speciation` if the sweep has it."""
    point, *times = results
    marks = tree(point)
    x = np.concatenate([mark.x for mark in marks])
    if not np.isfinite(x).any():
        return []
    ends = np.array([np.nanmin(x), np.nanmax(x)])
    title = ", ".join([*titles, *(where(point.tau_event, [facet]) if facet else [])])
    for each in times:
        exact = shown(each, "tau_star").sel(criterion="exact") if "exact" in each.criterion.values else None
        if exact is not None and bool(exact.notnull()):
            marks.append(Line(ends, np.full(2, float(exact)), "exact criterion, τ*", GREEN, DASHED, WIDTH))
        elif exact is not None:
            notes += (f"At {title} the exact criterion has no time.",)
    return [Panel(title, "position of the mode, x", "diffusion time τ", tuple(marks), logy=True, notes=notes)]


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
    result += [Line(np.array([x, to]), np.array([at, at]), color=GREY, dash=DOTTED, width=WIDTH) for x, to, at in joins]
    if joins:
        result.append(Points(np.array([x for x, _, _ in joins]), np.array([at for _, _, at in joins]), "a mode ends", RED))
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
