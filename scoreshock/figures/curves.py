"""Panels of curves: which axes of labelled values are drawn, and which values of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import holoviews as hv
import hvplot.pandas
import hvplot.xarray  # noqa: F401
import numpy as np
import xarray as xr

from scoreshock.conventions import AXES
from scoreshock.figures.style import OKABE_ITO, colours, label, line_name, short, stroke, title, where

PANELS = 4
"""Panels of one figure at most; further values of an axis are left out, and the title says which are shown."""

HIGH = 42
"""Letters of a line of a vertical label at most."""

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


def abreast(each: Iterable[xr.DataArray], first: str, backend: str, **how: Any) -> list[hv.Overlay]:
    """A panel of each of several variables of one result, as `over` draws it, in the middle of the axes left over."""
    return [panel for values in each for panel in over(values, [first, *swept(values)], backend, most=1, middle=True, **how)]


def over(values: xr.DataArray, order: Sequence[str], backend: str, **how: Any) -> list[hv.Overlay]:
    """Panels of lines over the first axis in ``order`` that has several values, by the next one that has."""
    if not values.dims:
        values = values.expand_dims(point=[0])
    long = [name for name in order if values.sizes[name] > 1]
    if not long:
        only = str([*order, *values.dims][0])
        return panels(values, only, backend, axis=only, **how)
    if len(long) == 1:
        return panels(values.expand_dims("curve"), "curve", backend, axis=long[0], **how)
    return panels(values, long[1], backend, axis=long[0], **how)


def panels(
    values: xr.DataArray,
    by: str,
    backend: str,
    axis: str | None = None,
    facet: str | None = None,
    most: int = PANELS,
    middle: bool = False,
    lead: Sequence[str] = (),
    **how: Any,
) -> list[hv.Overlay]:
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
    return [_panel(piece, axis, by, backend, [*lead, *where(piece, fixed)], **scale) for piece in pieces]


def _panel(
    values: xr.DataArray,
    axis: str,
    by: str,
    backend: str,
    titles: Sequence[str],
    logy: bool,
    mark: float | None = None,
    falling: bool = False,
    kind: str = "line",
    **look: Any,
) -> hv.Overlay:
    """One panel: a line a value of ``by``, or a bar each where that is the only axis; ``mark`` is a level beside them."""
    shown = (values.where(values > 0) if logy else values).rename("value").reset_coords(drop=True)
    look = {
        "xlabel": label(values[axis]),
        "ylabel": label(values, HIGH),
        "title": title(titles),
        "grid": True,
        **({} if backend == "matplotlib" else {"frame_width": 400, "frame_height": 280}),
        **look,
    }
    if axis == by:
        shown = (
            values.rename("value").reset_coords(drop=True).assign_coords({by: [short(each) for each in values[by].values]})
        )
        return hv.Overlay([shown.to_dataframe().reset_index().hvplot.bar(x=by, y="value", color=OKABE_ITO[4], **look)])
    look |= _height(shown.values, mark)
    named = _named(values, by)
    places = list(range(values.sizes[by])) if named else _spread(values.sizes[by], LINES)
    tints = colours(len(places), ordered=not named)
    scales = {"logx": axis in (*AXES, *CLOCKS) and _spans_decades(values[axis].values), "logy": logy}
    lines = [
        getattr(shown.isel({by: place}, drop=True).hvplot, kind)(
            x=axis,
            y="value",
            label=line_name(by, values[by].values[place]),
            color=tints[number],
            **look,
            **scales,
            **stroke(number, len(places), backend),
        )
        for number, place in enumerate(places)
    ]
    level = [] if mark is None else [hv.HLine(mark).opts(color="#999999", **stroke(1, 2, backend))]
    legend = {"show_legend": True, "legend_position": "right"} if len(places) > 1 else {"show_legend": False}
    return hv.Overlay([*lines, *level]).opts(**legend, **({"invert_xaxis": True} if falling else {}))


def _height(values: np.ndarray, mark: float | None) -> dict[str, Any]:
    """Limits of the vertical axis where the values are one number but for rounding, which is not worth a scale."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    size = max(abs(low), abs(high))
    return {"ylim": (low - size / 2, high + size / 2)} if mark is None and size > 0 and high - low < 1e-9 * size else {}


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
