"""Datasets in, figures out: a page that renders offline (HTML) and a picture (PNG) of each; computes nothing."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import colorcet
import holoviews as hv
import hvplot
import hvplot.pandas
import hvplot.xarray
import numpy as np
import xarray as xr
from bokeh.resources import INLINE

from scoreshock.conventions import AXES

OKABE_ITO = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#999999"]
"""Eight colours that people with any common colour blindness tell apart (Okabe and Ito 2008)."""

DASHES: dict[str, list[Any]] = {
    "bokeh": ["solid", "dashed", "dotted", "dotdash", "dashdot", "solid", "dashed", "dotted"],
    "matplotlib": ["-", "--", ":", "-.", (0, (5, 1)), "-", "--", ":"],
}
"""Line styles, so that lines are told apart without colour too."""

PANELS = 4
"""Panels of one figure at most; further values of an axis are left out, and the title says which are shown."""

PANEL_INCHES = (6.2, 4.2)
"""Width and height of a panel of a picture."""

LINES = 6
"""Lines of a family of curves at most, spread evenly over an axis."""


def draw(datasets: Mapping[str, xr.Dataset], folder: Path) -> list[Path]:
    """Draw every figure that the datasets of a sweep allow, as ``<name>.html`` and ``<name>.png`` in ``folder``.

    Parameters
    ----------
    datasets
        By quantity, as ``open_results`` gives them.
    folder
        Made if it is not there.

    Returns
    -------
    list of Path
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(name, figure, datasets[q]) for name, (q, figure) in FIGURES.items() if q in datasets]
    written = []
    for backend, suffix in (("bokeh", "html"), ("matplotlib", "png")):
        hvplot.extension(backend, logo=False)
        for name, figure, dataset in wanted:
            panels = figure(dataset, backend)
            if panels:
                written.append(folder / f"{name}.{suffix}")
                _save(_arranged(panels, backend), written[-1], backend)
    return written


def speciation(dataset: xr.Dataset, backend: str) -> list[hv.Overlay]:
    """Speciation time by criterion over the swept axes."""
    tau = dataset.tau_star.where(dataset.status == 0)
    return _panels(tau, "criterion", backend)


def time(dataset: xr.Dataset, backend: str) -> list[hv.Overlay]:
    """Speciation time by criterion in each schedule's own clock, one panel a schedule."""
    if "time" not in dataset:
        return []
    placed = dataset.time.where(dataset.time_status == 0)
    return [
        panel
        for label in dataset.schedule.values[:PANELS]
        for panel in _panels(placed.sel(schedule=label), "criterion", backend, most=1, middle=True, lead=[str(label)])
    ]


def exponent(dataset: xr.Dataset, backend: str) -> list[hv.Overlay]:
    """Amplification exponent in closed form and by quadrature of the growth rate."""
    closed = dataset.exponent.where(dataset.amplification_status == 0)
    checked = dataset.exponent_quadrature.where(dataset.quadrature_status == 0)
    method = xr.Variable("method", ["closed form", "quadrature"])
    label = {"long_name": "amplification exponent Lambda", "units": "1"}
    return _panels(xr.concat([closed, checked], method).assign_attrs(label), "method", backend)


def corrections(dataset: xr.Dataset, backend: str) -> list[hv.Overlay]:
    """Magnitude of the series' relative error against the exact criterion, by order."""
    error = abs(dataset.error_relative.where(dataset.error_status == 0))
    label = {"long_name": "size of the series' error, relative to the exact v*", "units": "1"}
    swept = _swept(error)
    return _panels(
        error.where(error > 0).assign_attrs(label), swept[0] if swept else "order", backend, axis="order", logy=True
    )


def profile(dataset: xr.Dataset, backend: str) -> list[hv.Overlay]:
    """Score along the line through its layer, at several diffusion times."""
    grid = next(name for name in ("x", "x_scaled") if name in dataset.dims)
    times = next((name for name in ("tau", "tau_scaled") if name in dataset.dims), None)
    along = dataset.score_along.where(dataset.score_status == 0)
    if times is None:
        along, times = along.expand_dims(tau=[0.0]), "tau"
    return _panels(along, times, backend, axis=grid, middle=True)


FIGURES: dict[str, tuple[str, Callable[[xr.Dataset, str], list[hv.Overlay]]]] = {
    "speciation": ("speciation", speciation),
    "time": ("speciation", time),
    "exponent": ("amplification", exponent),
    "corrections": ("corrections", corrections),
    "profile": ("scores", profile),
}
"""Each figure: the quantity that it is drawn from, and how."""


def _swept(values: xr.DataArray) -> list[str]:
    """The sweep axes that the values vary over, the longest first."""
    names = [str(name) for name in values.dims if name in AXES and values.sizes[name] > 1]
    return sorted(names, key=lambda name: -values.sizes[name])


def _panels(
    values: xr.DataArray,
    by: str,
    backend: str,
    axis: str | None = None,
    logy: bool | None = None,
    most: int = PANELS,
    middle: bool = False,
    lead: Sequence[str] = (),
) -> list[hv.Overlay]:
    """Panels of lines ``by`` over ``axis`` (else the longest sweep axis), one a value of the next longest that has any."""
    swept = [name for name in _swept(values) if name not in (axis, by)]
    if axis is None:
        axis, *swept = swept or [by]
    facet = swept[0] if swept and most > 1 else None
    known = values.load()
    fixed = [str(d) for d in values.dims if d not in (axis, by)]
    for name in fixed:
        shown = _places_with_numbers(known, name)
        if name != facet and shown:
            known = known.isel({name: shown[len(shown) // 2 if middle else 0]})
    if facet is None:
        pieces = [known] if bool(known.notnull().any()) else []
    else:
        shown = _places_with_numbers(known, facet)
        pieces = [known.isel({facet: shown[place]}) for place in _spread(len(shown), most)]
    return [_panel(piece, axis, by, backend, [*lead, *_where(piece, fixed)], logy) for piece in pieces]


def _places_with_numbers(values: xr.DataArray, axis: str) -> list[int]:
    """The places along ``axis`` that hold a number at all."""
    others = [name for name in values.dims if name != axis]
    known: xr.DataArray = values.notnull().any(others)
    return [int(place) for place in np.flatnonzero(known.values)]


def _where(values: xr.DataArray, fixed: Sequence[str]) -> list[str]:
    """Where on the axes that are not drawn: ``variance = 0.25`` and so on."""
    return [f"{name} = {_short(values[name].item())}" for name in fixed if name in values.coords]


def _panel(values: xr.DataArray, axis: str, by: str, backend: str, titles: Sequence[str], logy: bool | None) -> hv.Overlay:
    """One panel: a line a value of ``by``, or a bar each where ``by`` is the only axis."""
    logarithmic = _spans_decades(values.values) if logy is None else logy
    shown = (values.where(values > 0) if logarithmic else values).rename("value").reset_coords(drop=True)
    look: dict[str, Any] = {
        "xlabel": _label(values[axis]),
        "ylabel": _label(values),
        "title": "\n".join(textwrap.wrap(", ".join(titles), 56)),
        "grid": True,
        **({} if backend == "matplotlib" else {"frame_width": 400, "frame_height": 280}),
    }
    if axis == by:
        return hv.Overlay([shown.to_dataframe().reset_index().hvplot.bar(x=by, y="value", color=OKABE_ITO[4], **look)])
    named = by in ("criterion", "method")
    places = _spread(values.sizes[by], len(OKABE_ITO) if named else LINES)
    colours = _colours(len(places), ordered=not named)
    scales = {"logx": axis in AXES and _spans_decades(values[axis].values), "logy": logarithmic}
    lines = [
        shown.isel({by: place}, drop=True).hvplot.line(
            x=axis,
            y="value",
            label=_line_name(by, values[by].values[place]),
            color=colours[number],
            **look,
            **scales,
            **_stroke(number, len(places), backend),
        )
        for number, place in enumerate(places)
    ]
    return hv.Overlay(lines).opts(legend_position="right")


def _stroke(number: int, count: int, backend: str) -> dict[str, Any]:
    """Style and width of the line ``number`` of ``count``: later ones are thinner, so that lines that coincide all show."""
    style, width = ("line_dash", "line_width") if backend == "bokeh" else ("linestyle", "linewidth")
    return {style: DASHES[backend][number % len(DASHES[backend])], width: 1.5 + 0.7 * (count - 1 - number)}


def _colours(count: int, ordered: bool) -> Sequence[str]:
    """Colours of ``count`` lines: a perceptually uniform ramp for ordered values, distinct hues for names."""
    if not ordered:
        return [OKABE_ITO[i % len(OKABE_ITO)] for i in range(count)]
    ramp = colorcet.bmy
    return [ramp[int(i * 0.85 * (len(ramp) - 1) / max(count - 1, 1))] for i in range(count)]


def _spread(count: int, most: int) -> list[int]:
    """At most ``most`` indices, evenly over ``count``, ends included."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most)).round()})


def _spans_decades(values: np.ndarray) -> bool:
    """Whether numeric values are positive and span more than a factor of 50."""
    if values.dtype.kind not in "iuf":
        return False
    known = values[np.isfinite(values)]
    return bool(known.size > 1 and known.min() > 0 and known.max() > 50 * known.min())


def _line_name(by: str, value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{by.replace('_', ' ')} {_short(value)}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def _label(values: xr.DataArray) -> str:
    """An axis label from ``long_name`` and ``units``."""
    units = values.attrs.get("units", "1")
    text = values.attrs.get("long_name", str(values.name)) + ("" if units in ("1", "") else f" ({units})")
    return "\n".join(textwrap.wrap(text, 52))


def _arranged(panels: Sequence[hv.Overlay], backend: str) -> hv.Layout:
    """The panels in two columns; their lines are the same, so the last panel's legend serves all."""
    *others, last = panels
    columns = min(2, len(panels))
    layout = hv.Layout([*[panel.opts(show_legend=False) for panel in others], last]).cols(columns)
    if backend == "bokeh":
        return layout.opts(shared_axes=False)
    inches = (PANEL_INCHES[0] * columns, PANEL_INCHES[1] * -(-len(panels) // columns))
    return layout.opts(shared_axes=False, sublabel_format="", fig_inches=inches, hspace=0.3, vspace=0.35)


def _save(layout: hv.Layout, path: Path, backend: str) -> None:
    """Save as a picture, or as a page that needs nothing from outside."""
    if backend == "matplotlib":
        picture = hv.renderer("matplotlib").get_plot(layout).state
        for axes in picture.axes:
            axes.set_aspect("auto")
        picture.savefig(path, dpi=100, bbox_inches="tight")
        return
    hvplot.save(layout, str(path), resources=INLINE, title=path.stem)
    # The page names scripts and icons on network hosts although it needs none of them.
    outside = r"""<script[^>]*src="https?://[^"]*"[^>]*></script>|<link[^>]*href="https?://[^"]*"[^>]*>"""
    path.write_text(re.sub(outside, "", path.read_text()))
