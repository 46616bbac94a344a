"""Panels of curves: which axis lines run over, which distinguishes lines and panels, and the values of the other axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import is_axis
from scoreshock.figures import captions
from scoreshock.figures.description import FOLLOWING, Bars, Choice, Level, Line, Panel, Points
from scoreshock.figures.selection import (
    called,
    first_of,
    geometric,
    named,
    selected,
    shown,
    spans_decades,
    spread,
    swept,
    with_numbers,
)
from scoreshock.figures.style import DASHED, colours, label, line_name, short, stroke, symbol, where

__all__ = ["CLOCKS", "LINES", "PANELS", "abreast", "clock", "coincident", "over", "panels", "shown", "swept"]

PANELS = 4
"""Maximum number of panels of a figure; the title of a panel has its value on the axis."""

LINES = 6
"""Maximum number of lines in a panel, spread evenly over an axis."""

FEW_POINTS = 10
"""Number of points up to which a line has a dot at each."""

ALIKE = 1e-3
"""Distance of lines that coincide, as a fraction of the panel's height."""

MOST = 0.9
"""Share of the numbers of the fullest slice that a slice needs to be drawn."""

CLOCKS = ("tau", "tau_scaled", "tau_relative")
"""Possible names of the dimension of diffusion times."""

FIRST = {"criterion": "exact"}
"""The name that is drawn of a dimension of names that is neither axis nor lines nor panels, if it has numbers."""


def clock(dataset: xr.Dataset) -> str:
    """The dimension of diffusion times of a result."""
    return next(name for name in CLOCKS if name in dataset.dims)


def abreast(each: Iterable[xr.DataArray], first: str, choice: Choice = FOLLOWING, **how: Any) -> list[Panel]:
    """One panel for each variable of a result, as in `over`, at the middle of the remaining axes.

    All have the lines of the first variable, as far as they have its axes.
    """
    variables = list(each)
    axes = dict.fromkeys([first, *(name for values in variables for name in swept(values))])
    most = {} if choice.panels else {"most": 1}
    return [
        panel
        for values in variables
        for panel in over(values, [name for name in axes if name in values.dims], choice, middle=True, **most, **how)
    ]


def over(values: xr.DataArray, order: Sequence[str], choice: Choice = FOLLOWING, **how: Any) -> list[Panel]:
    """Panels of lines over the first axis in ``order`` with several values; the next such axis distinguishes the lines.

    A reader's choice comes before the order.
    """
    if not values.dims:
        values = values.expand_dims(point=[0])
    values = selected(values, choice.select)
    chosen = [name for name in (choice.x, choice.lines) if name in values.dims]
    taken = (*chosen, choice.panels)
    long = [name for name in order if values.sizes[name] > 1 and name not in taken]
    axis = choice.x if choice.x in values.dims else first_of(long, ())
    if axis is None:
        axis = str(next(iter([*order, *values.dims])))
        return panels(values, axis, choice, axis=axis, **how)
    by = choice.lines if choice.lines in values.dims else first_of(long, (axis,))
    if by is None:
        values, by = values.expand_dims("curve"), "curve"
    return panels(values, by, choice, axis=axis, **how)


def panels(
    values: xr.DataArray,
    by: str,
    choice: Choice = FOLLOWING,
    axis: str | None = None,
    facet: str | None = None,
    most: int = PANELS,
    middle: bool = False,
    lead: Sequence[str] = (),
    **how: Any,
) -> list[Panel]:
    """Panels of lines over ``axis``, one line for each value of ``by`` and one panel for each value of ``facet``.

    Parameters
    ----------
    values
        A variable, of `shown` if its caption shall count what is missing.
    by, axis, facet
        Dimensions, which a reader's ``choice`` replaces. ``axis`` and ``facet`` default to the sweep axes over which the
        values vary most and second most. On each other axis one value is drawn: the first with most numbers, or the middle.
    choice
        Of a reader; values that it lists are all drawn.
    most
        Limit of the number of panels.
    lead
        Text before each title.
    how
        Passed to `_panel`.

    Returns
    -------
    list of Panel
        None where there is no number. Their notes say which slice they show, and what they leave out.
    """
    numbers = selected(values, choice.select).load()
    axis, by, facet, numbers = _roles(numbers, by, axis, facet, choice, most)
    how = _scales(numbers, axis, by, choice, how.pop("logy", None)) | how
    logy = bool(how["logy"])
    finite = numbers.where(numbers > 0) if logy else numbers
    if not bool(finite.notnull().any()):
        return []
    taken = slice_indices(finite, (axis, by, facet), middle)
    part, finite = numbers.isel(taken), finite.isel(taken)
    notes = [captions.of_slice(numbers, taken), *_ignored(values, choice)]
    indices, told = _lines(finite, by, axis, choice)
    part, notes = part.isel({by: indices}) if by != axis else part, [*notes, *told]
    pieces = [part]
    if facet is not None:
        have = with_numbers(part.where(part > 0) if logy else part, facet)
        kept = have if choice.lists(facet) else [have[i] for i in spread(len(have), most)]
        notes.append(captions.left_out("panels", facet, len(kept), len(have), numbers.sizes[facet]))
        pieces = [part.isel({facet: i}) for i in kept]
    together = part if facet is None else part.isel({facet: kept})
    notes.append(captions.missing(together, logy))
    alone = by != axis and part.sizes[by] == 1
    fixed = [str(name) for name in numbers.dims if name not in (axis, by) or (alone and name == by)]
    told_all = tuple(note for note in notes if note)
    looks = indices if named(numbers, by) else range(len(indices))  # a name has one look, whichever others have numbers
    return [_panel(piece, axis, by, [*lead, *where(piece, fixed)], looks, notes=told_all, **how) for piece in pieces]


def _roles(
    values: xr.DataArray, by: str, axis: str | None, facet: str | None, choice: Choice, most: int
) -> tuple[str, str, str | None, xr.DataArray]:
    """Dimensions of the axis, the lines and the panels, those that a reader chose first; and the values with all of them."""
    x, lines, panel = (name if name in values.dims else None for name in (choice.x, choice.lines, choice.panels))
    by = lines or by
    order = swept(values)
    if by == panel or (by == x and x is not None and not named(values, x)):
        axis = x or axis or first_of(order, (panel, facet))
        by = first_of(order, (panel, axis, facet)) or "curve"
        values = values if by in values.dims else values.expand_dims(curve=[""])
    axis = x or (axis if axis != panel else None)
    if axis is None or (axis == by and by == lines):
        axis = first_of(order, (by, panel, facet)) or by
    facet = panel or (facet if facet not in (axis, by) else None)
    if facet is None and most > 1:
        facet = first_of(order, (axis, by))
    return axis, by, facet, values


def _scales(values: xr.DataArray, axis: str, by: str, choice: Choice, logy: bool | None) -> dict[str, Any]:
    """Whether the axes are logarithmic: as a reader chose, as the figure says, or because the numbers span decades."""
    if axis == by and logy is None and values.size:  # bars of one panel, whatever the others have
        rows = np.moveaxis(values.values, values.get_axis_num(by), -1).reshape(-1, values.sizes[by])
        logy = any(map(spans_decades, rows))
    numeric = (is_axis(axis) or axis in CLOCKS) and axis in values.coords
    found = {
        "x": numeric and (spans_decades(values[axis].values) or geometric(values[axis].values)),
        "y": spans_decades(values.values) if logy is None else logy,
    }
    return {f"log{name}": choice.scale.get(name, "log" if log else "linear") == "log" for name, log in found.items()}


def slice_indices(values: xr.DataArray, roles: Sequence[str | None], middle: bool) -> dict[str, int]:
    """The index that is drawn on each axis that is neither x nor lines nor panels: of those with most numbers."""
    taken: dict[str, int] = {}
    for name in map(str, values.dims):
        if name not in roles:
            rest = values.isel(taken)
            counts = rest.notnull().sum([dim for dim in rest.dims if dim != name]).values
            have = np.flatnonzero(counts >= MOST * counts.max()).tolist()
            at = have[len(have) // 2 if middle else 0]
            if name in FIRST and FIRST[name] in values[name].values:
                wanted = int(np.flatnonzero(values[name].values == FIRST[name])[0])
                at = wanted if counts[wanted] else at
            taken[name] = at
    return taken


def _ignored(values: xr.DataArray, choice: Choice) -> list[str]:
    """Notes on choices of dimensions that a variable does not have."""
    chosen = {"x": choice.x, "lines": choice.lines, "panels": choice.panels}
    chosen |= {f"select {called(name)}": name for name in choice.select}
    lacking = [
        key if key.startswith("select") else f"{key} = {called(name)}"
        for key, name in chosen.items()
        if name and name not in values.dims
    ]
    return [f"{', '.join(lacking)} does not apply to {label(values)}." if len(lacking) else ""]


def _lines(values: xr.DataArray, by: str, axis: str, choice: Choice) -> tuple[list[int], list[str]]:
    """Indices of the lines that are drawn, and notes on the others."""
    have = with_numbers(values, by)
    if by == axis:
        return list(range(values.sizes[by])), []
    if by == "curve":
        return have, []
    if named(values, by):
        lacking = [values[by].values[i] for i in range(values.sizes[by]) if i not in have]
        return have, [captions.without_numbers(lacking)]
    kept = have if choice.lists(by) else [have[i] for i in spread(len(have), LINES)]
    return kept, [captions.left_out("lines", by, len(kept), len(have), values.sizes[by])]


def _panel(
    values: xr.DataArray,
    axis: str,
    by: str,
    titles: Sequence[str],
    looks: Sequence[int],
    logx: bool,
    logy: bool,
    mark: float | None = None,
    step: bool = False,
    **look: Any,
) -> Panel:
    """One panel: a line for each value of ``by``, or a bar if ``by`` is ``axis``; ``mark`` adds a level."""
    look |= {"title": ", ".join(titles), "xlabel": label(values[axis]), "ylabel": label(values), "logy": logy}
    if axis == by:
        look |= {"xlabel": symbol(axis) if named(values, by) else look["xlabel"]}
        return Panel(marks=(Bars(tuple(short(each) for each in values[by].values), values.values),), **look)
    tints = colours(max(looks) + 1, ordered=not named(values, by))
    shown = (values.where(values > 0) if logy else values).transpose(by, axis).values
    lines = tuple(
        Line(
            values[axis].values,
            shown[group[0]],
            name="" if by == "curve" else line_name(by, values[by].values[group].tolist()),
            color=tints[looks[group[0]]],
            step=step,
            dots=len(values[axis]) <= FEW_POINTS and not step,
            **stroke(looks[group[0]]),
        )
        for group in coincident(shown, logy)
        if np.isfinite(shown[group[0]]).any()
    )
    dots = tuple(
        Points(line.x[alone], line.y[alone], color=line.color)
        for line in lines
        if (alone := isolated(line.y)).any() and not line.dots
    )
    level = () if mark is None else (Level(mark, dash=DASHED),)
    return Panel(marks=lines + dots + level, logx=logx, **look)


def isolated(values: np.ndarray) -> np.ndarray:
    """Which numbers have none beside them, so that no line shows them.

    Examples
    --------
    >>> isolated(np.array([1.0, np.nan, 2.0, 3.0]))
    array([ True, False, False, False])
    """
    exists = np.concatenate([[False], np.isfinite(values), [False]])
    alone: np.ndarray = exists[1:-1] & ~exists[:-2] & ~exists[2:]
    return alone


def coincident(lines: np.ndarray, logy: bool) -> list[list[int]]:
    """Groups of ``lines (line, point)`` that no eye could tell apart, each in order, from the first on.

    They exist at the same points, and differ nowhere by more than a thousandth of the panel's height. A line without a
    number is in a group of its own.

    Examples
    --------
    >>> coincident(np.array([[0.0, 1.0], [0.5, 1.0], [1e-9, 1.0]]), logy=False)
    [[0, 2], [1]]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        heights = np.log(lines) if logy else lines
    finite = heights[np.isfinite(heights)]
    least = ALIKE * float(np.ptp(finite)) if finite.size else 0.0
    groups: list[list[int]] = []
    for number, line in enumerate(heights):
        exists = np.isfinite(line)
        for group in groups:
            other = heights[group[0]]
            same = exists.any() and (exists == np.isfinite(other)).all()
            if same and np.abs(line - other)[exists].max() <= least:
                group.append(number)
                break
        else:
            groups.append([number])
    return groups
