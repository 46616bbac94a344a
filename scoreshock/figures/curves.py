"""Panels of curves: which axes of labelled values are drawn, and which values of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import AXES
from scoreshock.figures.description import Bars, Level, Line, Panel
from scoreshock.figures.style import DASHED, colours, label, line_name, short, stroke, where

PANELS = 4
"""Panels of one figure at most; further values of an axis are left out, and the title says which are shown."""

LINES = 6
"""Lines of a family of curves at most, spread evenly over an axis."""

CLOCKS = ("tau", "tau_scaled")
"""Names of the axis of diffusion times."""


def clock(dataset: xr.Dataset) -> str:
    """The dimension of diffusion times of a result."""
    return next(name for name in CLOCKS if name in dataset.dims)


def swept(values: xr.DataArray) -> list[str]:
    """The sweep axes that the values vary over, the longest first."""
    names = [str(name) for name in values.dims if name in AXES and values.sizes[name] > 1]
    return sorted(names, key=lambda name: -values.sizes[name])


def abreast(each: Iterable[xr.DataArray], first: str, **how: Any) -> list[Panel]:
    """A panel of each of several variables of one result, as `over` draws it, in the middle of the axes left over."""
    return [panel for values in each for panel in over(values, [first, *swept(values)], most=1, middle=True, **how)]


def over(values: xr.DataArray, order: Sequence[str], **how: Any) -> list[Panel]:
    """Panels of lines over the first axis in ``order`` that has several values, by the next one that has."""
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
    """Panels of lines ``by`` over ``axis`` (else the longest sweep axis), one a value of ``facet`` (else the next longest).

    A line, a panel and a place on the axes left over are only chosen where there is a number at all; ``how`` as in `_panel`.
    """
    free = [name for name in swept(values) if name not in (axis, by, facet)]
    if axis is None:
        axis, *free = free or [by]
    if facet is None and most > 1:
        facet = free[0] if free else None
    known = values.load()
    if how.get("logy"):
        known = known.where(known > 0)
    if not bool(known.notnull().any()):
        return []
    for name in map(str, values.dims):
        if name not in (axis, by, facet):
            shown = _places_with_numbers(known, name)
            known = known.isel({name: shown[len(shown) // 2 if middle else 0]})
    if by != axis and not _named(known, by):
        known = known.isel({by: _places_with_numbers(known, by)})
    pieces = [known]
    if facet is not None:
        shown = _places_with_numbers(known, facet)
        pieces = [known.isel({facet: shown[place]}) for place in _spread(len(shown), most)]
    alone = by != axis and known.sizes[by] == 1
    fixed = [str(name) for name in values.dims if name not in (axis, by) or (alone and name == by)]
    scale = {"logy": _spans_decades(known.values)} | how
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
    """One panel: a line a value of ``by``, or a bar each where that is the only axis; ``mark`` is a level beside them."""
    look |= {"title": ", ".join(titles), "xlabel": label(values[axis]), "ylabel": label(values), "logy": logy}
    if axis == by:
        return Panel(marks=(Bars(tuple(short(each) for each in values[by].values), values.values),), **look)
    named = _named(values, by)
    places = list(range(values.sizes[by])) if named else _spread(values.sizes[by], LINES)
    tints = colours(len(places), ordered=not named)
    shown = (values.where(values > 0) if logy else values).transpose(by, axis).values
    lines = tuple(
        Line(
            values[axis].values,
            shown[place],
            name=line_name(by, values[by].values[place]),
            color=tints[number],
            step=step,
            **stroke(number, len(places)),
        )
        for number, place in enumerate(places)
    )
    logx = axis in (*AXES, *CLOCKS) and _spans_decades(values[axis].values)
    level = () if mark is None else (Level(mark, dash=DASHED),)
    return Panel(marks=lines + level, logx=logx, **look)


def _named(values: xr.DataArray, by: str) -> bool:
    return values[by].dtype.kind not in "iuf"


def _places_with_numbers(values: xr.DataArray, axis: str) -> list[int]:
    """The places along ``axis`` that hold a number at all."""
    others = [name for name in values.dims if name != axis]
    known: xr.DataArray = values.notnull().any(others)
    return [int(place) for place in np.flatnonzero(known.values)]


def _spread(count: int, most: int) -> list[int]:
    """At most ``most`` indices, evenly over ``count``, ends included."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most)).round()})


def _spans_decades(values: np.ndarray) -> bool:
    """Whether numeric values are positive and span more than a factor of 50."""
    if values.dtype.kind not in "iuf":
        return False
    known = values[np.isfinite(values)]
    return bool(known.size > 1 and known.min() > 0 and known.max() > 50 * known.min())
