"""PNG and SVG files of figures, drawn by Matplotlib without pyplot and without a display.

Margins have fixed sizes and powers of ten are plain text, because measuring text and typesetting formulas would take most of
the time.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

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
from scoreshock.figures.style import THEMES, Theme

AXES = (4.1, 2.75)
"""Width and height of a panel's axes in inches."""

LEFT, RIGHT, BOTTOM, TOP = 1.1, 0.2, 0.8, 0.55
"""Margins around the axes in inches, for two lines of each label and of the title."""

BAR = 1.1
"""Width in inches of a colour bar with its numbers and label."""

LEGEND, LETTER = 0.75, 0.075
"""Width in inches of the lines and margins of a legend, and of one letter of its names."""

DPI = 150
WRAP = {"title": 62, "xlabel": 56, "ylabel": 40, "legend": 26}
"""Maximum number of letters in a line of text."""

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def rendered(panels: Sequence[Panel], path: Path, title: str, caption: str, digest: str) -> bytes:  # noqa: ARG001
    """The picture as bytes, in the format of the path's suffix."""
    content, kind, key = BytesIO(), path.suffix[1:], f"{digest};"
    metadata = {"scoreshock-digest": key} if kind == "png" else {"Identifier": f"scoreshock-digest:{key}", "Date": None}
    with matplotlib.rc_context({"svg.hashsalt": "scoreshock"}):
        drawn(panels).savefig(content, format=kind, dpi=DPI, metadata=metadata)
    return content.getvalue()


def drawn(panels: Sequence[Panel], theme: str = "light") -> Figure:
    """Panels in two columns, in a theme ``light`` or ``dark``, each with its legend unless the next panel has the same.

    Examples
    --------
    >>> import numpy as np
    >>> line = Line(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    >>> len(drawn([Panel("a title", "x", "y", (line,))]).axes)
    1
    """
    look = THEMES[theme]
    columns, legends = min(2, len(panels)), with_legend(list(panels))
    rows = -(-len(panels) // columns)
    wide, high = (AXES[0], AXES[0] if any(panel.square for panel in panels) else AXES[1])
    alone = len(panels) % columns != 0  # the legend of the last panel then fits into the empty cell beside it
    shown = [legend and not (alone and panel is panels[-1]) for panel, legend in zip(panels, legends, strict=True)]
    beside = [_beside(panels[column::columns], shown[column::columns]) for column in range(columns)]
    step_x, step_y = LEFT + wide + RIGHT, BOTTOM + high + TOP
    width, height = columns * step_x + sum(beside), rows * step_y
    figure = Figure(figsize=(width, height), facecolor=look.paper)
    FigureCanvasAgg(figure)
    for number, (panel, legend) in enumerate(zip(panels, legends, strict=True)):
        row, column = divmod(number, columns)
        left, bottom = column * step_x + sum(beside[:column]) + LEFT, (rows - 1 - row) * step_y + BOTTOM
        axes = figure.add_axes((left / width, bottom / height, wide / width, high / height), facecolor=look.paper)
        _draw(axes, panel, look)
        if legend:
            _legend(axes, look, 1.02 + (BAR / wide if _has_bar(panel) else 0.0))
    return figure


def _legend(axes: Axes, theme: Theme, left: float) -> None:
    place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (left, 0.5), "borderaxespad": 0}
    axes.legend(fontsize=8, labelcolor=theme.text, facecolor=theme.paper, edgecolor=theme.line, framealpha=1, **place)


def _has_bar(panel: Panel) -> bool:
    return any(not image.categories for image in panel.images)


def _beside(panels: Sequence[Panel], legends: Sequence[bool]) -> float:
    """Width in inches of what is right of the panels of a column."""
    bars = BAR if any(map(_has_bar, panels)) else 0.0
    return bars + _legend_width(panels, legends)


def _legend_width(panels: Sequence[Panel], legends: Sequence[bool]) -> float:
    shown = [name for panel, legend in zip(panels, legends, strict=True) if legend for name in panel.names]
    return LEGEND + LETTER * max(len(line) for name in shown for line in _entry(name).split("\n")) if shown else 0.0


def _entry(name: str) -> str:
    """A legend's entry in lines."""
    return textwrap.fill(name, WRAP["legend"])


def _draw(axes: Axes, panel: Panel, theme: Theme) -> None:
    axes.set_title(textwrap.fill(panel.title, WRAP["title"]), fontsize=10, color=theme.text)
    axes.set_xlabel(textwrap.fill(panel.xlabel, WRAP["xlabel"]), color=theme.text)
    axes.set_ylabel(textwrap.fill(panel.ylabel, WRAP["ylabel"]), color=theme.text)
    axes.tick_params(which="both", color=theme.quiet, labelcolor=theme.text)
    axes.spines[:].set_color(theme.quiet)
    if panel.logx:
        axes.set_xscale("log")
    if panel.logy:
        axes.set_yscale("log")
    for mark in panel.marks:
        if isinstance(mark, Image):
            _image(axes, mark, panel, theme)
        else:
            _mark(axes, mark, panel, theme)
    _scales(axes, panel)
    if not panel.images:
        axes.grid(visible=True, axis="both" if panel.bars is None else "y", color=theme.line, linewidth=0.6)
    axes.set_axisbelow(True)


def _scales(axes: Axes, panel: Panel) -> None:
    """Limits and ticks of both axes."""
    low, high = panel.limits("y")
    axes.set_ylim(low, high)
    if panel.logy:
        _powers(axes.yaxis, low, high)
    low, high = panel.limits("x")
    axes.set_xlim(*((high, low) if panel.falling else (low, high)))
    if panel.logx:
        _powers(axes.xaxis, low, high)
    if panel.yticks:
        axes.set_yticks(panel.yticks)
    for axis, names in ((axes.xaxis, panel.xnames), (axes.yaxis, panel.ynames)):
        if names:
            axis.set_ticks(range(len(names)), names)
            axis.set_tick_params(length=0, rotation=20 if axis is axes.xaxis and len("".join(names)) > 40 else 0)
    if panel.square:
        axes.set_aspect("equal")
        if not (panel.logx or panel.xnames):
            axes.xaxis.set_major_locator(MaxNLocator(6))


def _powers(axis: Any, low: float, high: float) -> None:
    """Label a logarithmic axis at powers of ten; below two decades also between them, below a factor of 3 linearly."""
    if high < 3 * low:
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
        axis.set_minor_formatter(NullFormatter())
        return
    plain, digits = low >= 1e-3 and high < 1e4, "125" if high >= 10 * low else "123456789"
    label = FuncFormatter(lambda value, _: power(value, plain, digits))
    axis.set_major_formatter(label)
    if high >= 100 * low:
        axis.set_minor_locator(NullLocator())  # drawing a tick takes as long as drawing a line
    else:
        axis.set_minor_formatter(label)


def power(value: float, plain: bool, digits: str = "125") -> str:
    """Text of one of the ``digits`` times a power of ten, plain or as a power; empty for other values.

    Examples
    --------
    >>> power(0.05, plain=True), power(5e-13, plain=False), power(10, plain=False), power(30, plain=True)
    ('0.05', '5·10⁻¹³', '10¹', '')
    """
    digit, exponent = f"{value:.0e}".split("e")
    if digit not in digits or not math.isclose(value, float(f"{digit}e{exponent}")):
        return ""
    return (
        f"{value:g}" if plain else ("" if digit == "1" else f"{digit}·") + "10" + str(int(exponent)).translate(SUPERSCRIPT)
    )


def _mark(axes: Axes, mark: Mark, panel: Panel, theme: Theme) -> None:
    """Draw a mark that is no image."""
    name = _entry(getattr(mark, "name", "")) or None
    color = theme.ink(getattr(mark, "color", ""))
    match mark:
        case Line():
            look = {"linestyle": _dash(mark.dash), "color": color, "linewidth": mark.width}
            look |= {"drawstyle": "steps-mid" if mark.step else "default", "marker": "o" if mark.dots else ""}
            axes.plot(mark.x, mark.y, label=name, markersize=0.7 * DOTS, markeredgewidth=0, **look)
        case Contour():
            path = geometry.isoline(mark.x, mark.y, mark.z, mark.level)
            axes.plot(*path, label=name, linestyle=_dash(mark.dash), color=color, linewidth=mark.width)
        case Arrows():
            axes.plot(*geometry.arrows(mark.x, mark.y, mark.u, mark.v), color=color, linewidth=1.0)
        case Points():
            axes.plot(mark.x, mark.y, "o", label=name, color=color, markersize=0.7 * mark.size, markeredgewidth=0)
        case Area():
            axes.fill_between(mark.x, mark.low, mark.high, label=name, color=color, alpha=0.18, linewidth=0)
        case Bars():
            bottom = panel.limits("y")[0] if panel.logy else 0.0
            bars = axes.bar(range(len(mark.names)), mark.y - bottom, bottom=bottom, color=color, tick_label=mark.names)
            axes.bar_label(bars, mark.texts, fontsize=8, padding=1, color=theme.text)
            axes.tick_params(axis="x", labelsize=9, rotation=20 if len("".join(mark.names)) > 40 else 0)
        case Labels():
            for x, y, text in zip(mark.x, mark.y, mark.texts, strict=True):
                axes.text(x, y, text, color=color, fontsize=8, ha="center", va="center", clip_on=True)
        case Band() | Level():
            _straight(axes, mark, color)


def _straight(axes: Axes, mark: Band | Level, color: str) -> None:
    if isinstance(mark, Band):
        (axes.axvspan if mark.vertical else axes.axhspan)(mark.low, mark.high, color=color, alpha=0.18, linewidth=0)
    else:
        look = {"color": color, "linestyle": _dash(mark.dash), "linewidth": mark.width}
        (axes.axvline if mark.vertical else axes.axhline)(mark.value, **look)


def _image(axes: Axes, mark: Image, panel: Panel, theme: Theme) -> None:
    """Draw an image with its colour bar, or its categories as entries of the legend."""
    borders = (geometry.edges(mark.x, panel.logx), geometry.edges(mark.y, panel.logy))
    low, high = mark.limits
    norm = LogNorm(low, high) if mark.logarithmic else Normalize(low, high)
    cells = np.ma.masked_invalid(mark.z)
    tints = ListedColormap(mark.colours(theme)).with_extremes(bad=theme.soft)
    mesh = axes.pcolormesh(*borders, cells, cmap=tints, norm=norm, rasterized=True)
    for name, color in zip(mark.categories, mark.colours(), strict=True) if mark.categories else ():
        axes.plot([], [], "s", color=color, label=_entry(name))
    if mark.categories:
        return
    bar = axes.inset_axes((1.0 + 0.12 / AXES[0], 0.0, 0.14 / AXES[0], 1.0))
    axes.figure.colorbar(mesh, cax=bar)
    bar.set_ylabel(textwrap.fill(mark.label, WRAP["ylabel"]), color=theme.text)
    bar.tick_params(which="both", color=theme.quiet, labelcolor=theme.text, labelsize=8)
    bar.spines[:].set_color(theme.quiet)


def _dash(lengths: tuple[float, ...]) -> Any:
    return (0, lengths) if lengths else "-"
