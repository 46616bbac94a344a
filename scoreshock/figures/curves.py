"""Panels of curves: selects the axes of labelled values that are drawn, and the values of the other axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import is_axis
from scoreshock.figures.description import Bars, Level, Line, Panel
from scoreshock.figures.style import DASHED, colours, label, line_name, short, stroke, where

PANELS = 4
"""Maximum number of panels of a figure; the title of a panel has its value on the axis."""

LINES = 6
"""Maximum number of lines in a panel, spread evenly over an axis."""

ALIKE = 1e-3
"""Distance of lines that coincide, as a fraction of the panel's height."""

CLOCKS = ("tau", "tau_scaled", "tau_relative")
"""Possible names of the dimension of diffusion times."""


def clock(dataset: xr.Dataset) -> str:
    """The dimension of diffusion times of a result."""
    return next(name for name in CLOCKS if name in dataset.dims)


def swept(values: xr.DataArray) -> list[str]:
    """The sweep axes with more than one value, the longest first."""
    numeric = [name for name in values.dims if name in values.coords and values[name].dtype.kind in "iuf"]
    names = [str(name) for name in numeric if is_axis(str(name)) and values.sizes[name] > 1]
    return sorted(names, key=lambda name: -values.sizes[name])


def abreast(each: Iterable[xr.DataArray], first: str, **how: Any) -> list[Panel]:
    """One panel for each variable of a result, as in `over`, at the middle of the remaining axes."""
    return [panel for values in each for panel in over(values, [first, *swept(values)], most=1, middle=True, **how)]


def over(values: xr.DataArray, order: Sequence[str], **how: Any) -> list[Panel]:
    """Panels of lines over the first axis in ``order`` with several values; the next such axis distinguishes the lines."""
    if not values.dims:
        values = values.expand_dims(point=[0])
    long = [name for name in order if values.sizes[name] > 1]
    if not long:
        only = str([*order, *values.dims][0])
        return panels(values, only, axis=only, **how)
    if len(long) == 1:
        return panels(values.expand_dims("curve"), "curve", axis=long[0], **how)
    return panels(values, long[1], axis=long[0], **how)


def panels(
    values: xr.DataArray,
    by: str,
    axis: str | None = None,
    facet: str | None = None,
    most: int = PANELS,
    middle: bool = False,
    lead: Sequence[str] = (),
    **how: Any,
) -> list[Panel]:
    """Panels of lines over ``axis``, one line for each value of ``by`` and one panel for each value of ``facet``.

    ``axis`` and ``facet`` default to the longest and second longest sweep axes, ``most`` limits the number of panels. On the
    remaining axes the first value is drawn, or the ``middle`` one. Values without any finite number are skipped. ``lead`` is
    text before each title; ``how`` is passed to `_panel`.
    """
    free = [name for name in swept(values) if name not in (axis, by, facet)]
    if axis is None:
        axis, *free = free or [by]
    if facet is None and most > 1:
        facet = free[0] if free else None
    numbers = values.load()
    if how.get("logy"):
        numbers = numbers.where(numbers > 0)
    if not bool(numbers.notnull().any()):
        return []
    for name in map(str, values.dims):
        if name not in (axis, by, facet):
            shown = _indices_with_numbers(numbers, name)
            numbers = numbers.isel({name: shown[len(shown) // 2 if middle else 0]})
    if by != axis and not _named(numbers, by):
        numbers = numbers.isel({by: _indices_with_numbers(numbers, by)})
    pieces = [numbers]
    if facet is not None:
        shown = _indices_with_numbers(numbers, facet)
        pieces = [numbers.isel({facet: shown[i]}) for i in _spread(len(shown), most)]
    alone = by != axis and numbers.sizes[by] == 1
    fixed = [str(name) for name in values.dims if name not in (axis, by) or (alone and name == by)]
    scale = {"logy": _spans_decades(numbers.values)} | how
    return [_panel(piece, axis, by, [*lead, *where(piece, fixed)], **scale) for piece in pieces]


def _panel(
    values: xr.DataArray,
    axis: str,
    by: str,
    titles: Sequence[str],
    logy: bool,
    mark: float | None = None,
    step: bool = False,
    **look: Any,
) -> Panel:
    """One panel: a line for each value of ``by``, or a bar if ``by`` is ``axis``; ``mark`` adds a level."""
    look |= {"title": ", ".join(titles), "xlabel": label(values[axis]), "ylabel": label(values), "logy": logy}
    if axis == by:
        return Panel(marks=(Bars(tuple(short(each) for each in values[by].values), values.values),), **look)
    named = _named(values, by)
    indices = list(range(values.sizes[by])) if named else _spread(values.sizes[by], LINES)
    tints = colours(len(indices), ordered=not named)
    shown = (values.where(values > 0) if logy else values).transpose(by, axis).values
    lines = tuple(
        Line(
            values[axis].values,
            shown[indices[group[0]]],
            name=" = ".join(line_name(by, values[by].values[indices[number]]) for number in group),
            color=tints[group[0]],
            step=step,
            **stroke(group[0]),
        )
        for group in coincident(shown[indices], logy)
    )
    logx = (is_axis(axis) or axis in CLOCKS) and _spans_decades(values[axis].values)
    level = () if mark is None else (Level(mark, dash=DASHED),)
    return Panel(marks=lines + level, logx=logx, **look)


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


def _named(values: xr.DataArray, by: str) -> bool:
    return values[by].dtype.kind not in "iuf"


def _indices_with_numbers(values: xr.DataArray, axis: str) -> list[int]:
    """The indices along ``axis`` at which some value is not NaN."""
    present: xr.DataArray = values.notnull().any([name for name in values.dims if name != axis])
    return [int(i) for i in np.flatnonzero(present.values)]


def _spread(count: int, most: int) -> list[int]:
    """At most ``most`` indices, evenly spaced from 0 to ``count - 1``."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most)).round()})


def _spans_decades(values: np.ndarray) -> bool:
    """Whether numeric values are positive and span more than a factor of 50."""
    if values.dtype.kind not in "iuf":
        return False
    finite = values[np.isfinite(values)]
    return bool(finite.size > 1 and finite.min() > 0 and finite.max() > 50 * finite.min())
