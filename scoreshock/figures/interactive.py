"""Figures as HoloViews objects, drawn by Bokeh: in sessions as they are, on pages as the JSON that BokehJS draws."""

from __future__ import annotations

import math
import re
import sys
import textwrap
from collections.abc import Sequence
from functools import partial
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
from bokeh.core.properties import value
from bokeh.document import Document
from bokeh.models.annotations import Legend
from bokeh.models.renderers import GlyphRenderer
from bokeh.models.tools import HoverTool

from scoreshock.figures import geometry
from scoreshock.figures.description import (
    DOTS,
    Area,
    Arrows,
    Band,
    Bars,
    Contour,
    Image,
    Labels,
    Level,
    Line,
    Mark,
    Panel,
    Points,
    with_legend,
)
from scoreshock.figures.style import SOLID, THEMES, Theme

HEIGHT, WIDTH, SQUARE = 270, 420, 360
"""Height and width of a panel's frame in pixels, and both of a square one."""

PLAIN, EXPONENT = (1e-3, 1e4), 4
"""Ends between which numbers of a logarithmic axis are written without a power of ten, and the power for Bokeh."""

WRAP = {"title": 60, "xlabel": 60, "ylabel": 38, "name": 26}
"""Maximum number of letters in a line of text."""


def drawn(panels: Sequence[Panel], theme: str = "light") -> hv.Layout:
    """Panels in two columns, each with its legend unless the next panel has the same.

    Parameters
    ----------
    panels
        Of a figure.
    theme
        ``light`` or ``dark``.

    Examples
    --------
    >>> line = Line(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    >>> len(drawn([Panel("a title", "x", "y", (line,))]))
    1
    """
    overlays = [
        _overlay(panel, legend, THEMES[theme]).opts(
            backend="bokeh", frame_height=SQUARE if panel.square else HEIGHT, frame_width=SQUARE if panel.square else WIDTH
        )
        for panel, legend in zip(panels, with_legend(list(panels)), strict=True)
    ]
    return hv.Layout(overlays).opts(backend="bokeh", shared_axes=False).cols(2)


def load_in_notebook() -> None:
    """Load BokehJS into a notebook in which HoloViews has no backend yet; elsewhere nothing happens."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and hasattr(shell, "kernel") and not hv.extension._loaded:
        hv.extension("bokeh", logo=False)


def as_json(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Each panel as the data from which a page's script draws it: title, frame, colours in the dark, document of Bokeh."""
    shown = zip(panels, with_legend(list(panels)), strict=True)
    return [
        {
            "title": panel.title,
            "square": panel.square,
            "dark": [tint for image in panel.images if image.centre is not None for tint in image.colours(THEMES["dark"])],
            "document": _document(_overlay(panel, legend, THEMES["light"]).opts(title="")),
        }
        for panel, legend in shown
    ]


def _document(overlay: hv.Overlay) -> dict[str, Any]:
    document = Document()
    document.add_root(hv.render(overlay, backend="bokeh"))
    return dict(document.to_json(deferred=False))


def _overlay(panel: Panel, legend: bool, theme: Theme) -> hv.Overlay:
    elements = [element for mark in panel.marks for element in _elements(mark, panel, theme)]
    names = {"x": panel.bars.names if panel.bars else panel.xnames, "y": panel.ynames}
    look: dict[str, Any] = {"yticks": list(panel.yticks)} if panel.yticks else {}
    look |= {f"{axis}ticks": list(enumerate(texts)) for axis, texts in names.items() if texts}
    look["xrotation"] = 30 * (len("".join(map(str, names["x"]))) > 40)
    return hv.Overlay(elements).opts(
        title=textwrap.fill(panel.title, WRAP["title"]),
        xlabel=textwrap.fill(panel.xlabel, WRAP["xlabel"]),
        ylabel=textwrap.fill(panel.ylabel, WRAP["ylabel"]),
        xlim=panel.limits("x"),
        ylim=panel.limits("y"),
        logx=panel.logx,
        logy=panel.logy,
        invert_xaxis=panel.falling,
        show_grid=not panel.images,
        show_legend=legend,
        legend_position="right",
        legend_opts={"click_policy": "hide"},
        default_tools=["pan", "wheel_zoom", "box_zoom", "reset", "save"],
        active_tools=[],
        toolbar="above",
        hooks=[partial(_finish, panel=panel, theme=theme)],
        backend="bokeh",
        **look,
    )


def _elements(mark: Mark, panel: Panel, theme: Theme) -> list[Any]:
    """HoloViews elements of a mark."""
    dims: dict[str, Any] = {
        "kdims": hv.Dimension("x", label=panel.xlabel or "x"),
        "vdims": hv.Dimension("y", label=panel.ylabel or "y"),
    }
    match mark:
        case Line() | Contour() | Arrows():
            dots = Points(mark.x, mark.y, mark.name, mark.color, DOTS) if isinstance(mark, Line) and mark.dots else None
            return [_line(mark, dims, theme), *(_elements(dots, panel, theme) if dots else ())]
        case Points():
            look = {"size": mark.size, "color": theme.ink(mark.color), "line_color": None}
            return [hv.Scatter((mark.x, mark.y), label=mark.name, **dims).opts(backend="bokeh", **look)]
        case Bars():
            return _bars(mark, panel, theme)
        case Level():
            look = {"color": theme.ink(mark.color), "line_width": mark.width, "line_dash": _dash(mark.dash, mark.width)}
            return [(hv.VLine if mark.vertical else hv.HLine)(mark.value).opts(backend="bokeh", **look)]
        case Band():
            look = {"fill_color": mark.color, "fill_alpha": 0.18, "line_color": None, "level": "underlay"}
            return [(hv.VSpan if mark.vertical else hv.HSpan)(mark.low, mark.high).opts(backend="bokeh", **look)]
        case Area():
            return _areas(mark, theme)
        case Image():
            return _image(mark, panel, theme)
        case Labels():
            look = {"text_color": theme.ink(mark.color), "text_font_size": "9pt"}
            return [hv.Labels((mark.x, mark.y, list(mark.texts))).opts(backend="bokeh", **look)]


def _line(mark: Line | Contour | Arrows, dims: dict[str, Any], theme: Theme) -> hv.Curve:
    name, dash, width, steps = "", SOLID, 1.0, "linear"
    match mark:
        case Contour():
            x, y = geometry.isoline(mark.x, mark.y, mark.z, mark.level)
            name, dash, width = mark.name, mark.dash, mark.width
        case Arrows():
            x, y = geometry.arrows(mark.x, mark.y, mark.u, mark.v)
        case Line():
            x, y, name, dash, width = mark.x, mark.y, mark.name, mark.dash, mark.width
            steps = "steps-mid" if mark.step else "linear"
    look = {"color": theme.ink(mark.color), "line_width": width, "line_dash": _dash(dash, width), "interpolation": steps}
    return hv.Curve((x, y), label=name, **dims).opts(backend="bokeh", **look)


def _bars(mark: Bars, panel: Panel, theme: Theme) -> list[Any]:
    """Bars, each with its value above it."""
    bottom = panel.limits("y")[0] if panel.logy else 0.0
    place, count = np.arange(len(mark.names)), len(mark.names)
    columns = (place - 0.4, np.full(count, bottom), place + 0.4, mark.y, list(mark.names))
    look = {"color": theme.ink(mark.color), "line_color": None}
    bars = hv.Rectangles(columns, vdims="name").opts(backend="bokeh", **look)
    words = {"text_baseline": "bottom", "text_font_size": "8pt", "text_color": theme.text}
    return [bars, hv.Labels((place, mark.y, mark.texts)).opts(backend="bokeh", **words)]


def _areas(mark: Area, theme: Theme) -> list[hv.Area]:
    """Areas between the curves, one for each stretch without a missing number."""
    exists = np.isfinite(mark.x) & np.isfinite(mark.low) & np.isfinite(mark.high)
    stretches = np.split(np.arange(exists.size), np.flatnonzero(np.diff(exists)) + 1)
    look = {"fill_color": theme.ink(mark.color), "fill_alpha": 0.18, "line_color": None}
    return [
        hv.Area((mark.x[part], mark.high[part], mark.low[part]), "x", ["high", "low"], label=mark.name).opts(
            backend="bokeh", **look
        )
        for part in stretches
        if part.size > 1 and exists[part[0]]
    ]


def _image(mark: Image, panel: Panel, theme: Theme) -> list[Any]:
    """An image of 32-bit floats, which hold seven digits; its categories as entries of the legend."""
    (left, right), (low, high), cells = geometry.even(mark.x, mark.y, mark.z, panel.logx, panel.logy)
    dims = [hv.Dimension("x", label=panel.xlabel or "x"), hv.Dimension("y", label=panel.ylabel or "y")]
    image = hv.Image(
        np.asarray(cells, "f4")[::-1], bounds=(left, low, right, high), kdims=dims, vdims=hv.Dimension("z", label=mark.label)
    ).opts(
        cmap=mark.colours(theme),
        clim=mark.limits,
        clipping_colors={"NaN": theme.soft},
        cnorm="log" if mark.logarithmic else "linear",
        colorbar=not mark.categories,
        colorbar_opts={"title": textwrap.fill(mark.label, WRAP["ylabel"]), "width": 14, "border_line_color": None},
        backend="bokeh",
    )
    nowhere = np.array([math.nan])
    entries = [
        hv.Scatter((nowhere, nowhere), label=name).opts(backend="bokeh", color=color, marker="square", size=9)
        for name, color in zip(mark.categories, mark.colours(), strict=False)
    ]
    return [image, *entries]


def _finish(plot: Any, element: Any, panel: Panel, theme: Theme) -> None:  # noqa: ARG001 - a hook's arguments
    """Names of what is drawn, hover with them, the legend's text, and the colours of the theme."""
    figure = plot.state
    figure.sizing_mode = None  # as frames have sizes, and Bokeh warns of a fixed size of the whole
    figure.center = [each for each in figure.center if not isinstance(each, Legend)]  # empty, of a panel without legend
    items: list[Any] = [item for each in figure.right if isinstance(each, Legend) for item in each.items]
    for item in items:
        name = item.label.value
        first, *others = item.renderers  # of a line its dots, which a click on the legend would toggle once more
        for renderer in item.renderers:
            renderer.name = name
        for renderer in others:
            first.js_link("visible", renderer, "visible")
        item.renderers = [first]
        item.label = value(textwrap.fill(name, WRAP["name"]))
    for renderer in figure.select(GlyphRenderer):  # selected and muted marks, which no tool makes, are half of a page
        renderer.update(nonselection_glyph=None, selection_glyph=None, muted_glyph=None)
    figure.tools = [*(tool for tool in figure.tools if not isinstance(tool, HoverTool)), *_hover(figure, panel)]
    for axis, ends, logarithmic in (
        (figure.xaxis, panel.limits("x"), panel.logx),
        (figure.yaxis, panel.limits("y"), panel.logy),
    ):
        if logarithmic and PLAIN[0] <= ends[0] and ends[1] < PLAIN[1]:
            axis.formatter.min_exponent = EXPONENT
    _paint(figure, theme)


def _hover(figure: Any, panel: Panel) -> list[HoverTool]:
    """A tool for each kind of glyph, which shows name and values."""
    x, y = (re.split(r"[;(]", text)[0].strip() for text in (panel.xlabel, panel.ylabel))
    named = [("", "$name")] if panel.names else []
    points = [*named, (x, "@x{%.5g}"), (y, "@y{%.5g}")]
    z = panel.images[0].label if panel.images else ""
    tips: dict[str, list[tuple[str, str]]] = {
        "Line": points,
        "Scatter": points,
        "Quad": [("", "@name"), (y, "@top{%.5g}")],
        "Image": [(x, "$x{%.5g}"), (y, "$y{%.5g}"), (z, "@image{%.5g}")],
    }
    form: Any = dict.fromkeys(("$x", "$y", "@x", "@y", "@top", "@image"), "printf")
    drawings: list[Any] = [each for each in figure.renderers if isinstance(each, GlyphRenderer)]
    tools = []
    for kind, tip in tips.items():
        if found := [each for each in drawings if type(each.glyph).__name__ == kind]:
            tools.append(HoverTool(renderers=found, tooltips=tip, formatters=form))
    return tools


def _paint(figure: Any, theme: Theme) -> None:
    """The colours of a theme, as `pages/panels.js` sets them on pages."""
    figure.update(output_backend="canvas")  # as WebGL warns in the console where there is no graphics card
    figure.update(background_fill_color=theme.paper, border_fill_color=theme.paper, outline_line_color=theme.line)
    figure.title.text_color = theme.text
    figure.toolbar.logo = None
    for axis in (*figure.xaxis, *figure.yaxis):
        axis.update(axis_label_text_color=theme.text, major_label_text_color=theme.text, axis_line_color=theme.quiet)
        axis.update(major_tick_line_color=theme.quiet, minor_tick_line_color=theme.quiet)
    for grid in (*figure.xgrid, *figure.ygrid):
        grid.grid_line_color = theme.line if grid.grid_line_color else None
    for beside in figure.right:
        if isinstance(beside, Legend):
            beside.update(label_text_color=theme.text, border_line_color=theme.line, background_fill_color=None)
        else:
            beside.update(background_fill_color=None, title_text_color=theme.text, major_label_text_color=theme.text)


def _dash(lengths: tuple[float, ...], width: float) -> Any:
    return [max(1, round(length * width)) for length in lengths] or "solid"  # whole pixels, as Bokeh asks
