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
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from scoreshock.figures.description import Band, Bars, Level, Line, Mark, Panel, Points, with_legend

AXES = (4.1, 2.75)
"""Width and height of a panel's axes in inches."""

LEFT, RIGHT, BOTTOM, TOP = 1.1, 0.2, 0.8, 0.55
"""Margins around the axes in inches, for two lines of each label and of the title."""

LEGEND, LETTER = 0.75, 0.075
"""Width in inches of the lines and margins of a legend, and of one letter of its names."""

DPI = 100
WRAP = {"title": 62, "xlabel": 56, "ylabel": 40, "legend": 26}
"""Maximum number of letters in a line of text."""

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def rendered(panels: Sequence[Panel], path: Path, title: str, caption: str, digest: str) -> bytes:  # noqa: ARG001
    """The picture as bytes, in the format of the path's suffix, with panels in two columns."""
    columns, legends = min(2, len(panels)), with_legend(list(panels))
    rows = -(-len(panels) // columns)
    wide, high = (AXES[0], AXES[0] if any(panel.square for panel in panels) else AXES[1])
    alone = len(panels) % columns != 0  # the legend of the last panel then fits into the empty cell beside it
    shown = [legend and not (alone and panel is panels[-1]) for panel, legend in zip(panels, legends, strict=True)]
    beside = [_legend_width(panels[column::columns], shown[column::columns]) for column in range(columns)]
    step_x, step_y = LEFT + wide + RIGHT, BOTTOM + high + TOP
    width, height = columns * step_x + sum(beside), rows * step_y
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    for number, (panel, legend) in enumerate(zip(panels, legends, strict=True)):
        row, column = divmod(number, columns)
        left, bottom = column * step_x + sum(beside[:column]) + LEFT, (rows - 1 - row) * step_y + BOTTOM
        axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
        _draw(axes, panel)
        if legend:
            axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=8, borderaxespad=0)
    content, kind, key = BytesIO(), path.suffix[1:], f"{digest};"
    metadata = {"scoreshock-digest": key} if kind == "png" else {"Identifier": f"scoreshock-digest:{key}", "Date": None}
    with matplotlib.rc_context({"svg.hashsalt": "scoreshock"}):
        figure.savefig(content, format=kind, dpi=DPI, metadata=metadata)
    return content.getvalue()


def _legend_width(panels: Sequence[Panel], legends: Sequence[bool]) -> float:
    shown = [name for panel, legend in zip(panels, legends, strict=True) if legend for name in panel.names]
    return LEGEND + LETTER * max(len(line) for name in shown for line in _entry(name).split("\n")) if shown else 0.0


def _entry(name: str) -> str:
    """A legend's entry in lines."""
    return textwrap.fill(name, WRAP["legend"])


def _draw(axes: Axes, panel: Panel) -> None:
    axes.set_title(textwrap.fill(panel.title, WRAP["title"]), fontsize=10)
    axes.set_xlabel(textwrap.fill(panel.xlabel, WRAP["xlabel"]))
    axes.set_ylabel(textwrap.fill(panel.ylabel, WRAP["ylabel"]))
    if panel.logx:
        axes.set_xscale("log")
    if panel.logy:
        axes.set_yscale("log")
    for mark in panel.marks:
        _mark(axes, mark, panel)
    low, high = panel.limits("y")
    axes.set_ylim(low, high)
    if panel.logy:
        _powers(axes.yaxis, low, high)
    if panel.bars is None:
        low, high = panel.limits("x")
        axes.set_xlim(*((high, low) if panel.falling else (low, high)))
        if panel.logx:
            _powers(axes.xaxis, low, high)
    if panel.yticks:
        axes.set_yticks(panel.yticks)
    if panel.square:
        axes.set_aspect("equal")
    axes.grid(visible=True, axis="both" if panel.bars is None else "y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


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


def _mark(axes: Axes, mark: Mark, panel: Panel) -> None:
    match mark:
        case Line():
            look = {"linestyle": _dash(mark.dash), "color": mark.color, "linewidth": mark.width}
            (line,) = axes.plot(mark.x, mark.y, label=_entry(mark.name) or None, **look)
            line.set_drawstyle("steps-mid" if mark.step else "default")
        case Points():
            axes.plot(mark.x, mark.y, "o", label=_entry(mark.name) or None, color=mark.color, markersize=0.7 * mark.size)
        case Bars():
            bottom = panel.limits("y")[0] if panel.logy else 0.0
            axes.bar(range(len(mark.names)), mark.y - bottom, bottom=bottom, color=mark.color, tick_label=mark.names)
            axes.tick_params(axis="x", labelsize=9, rotation=20 if len("".join(mark.names)) > 40 else 0)
        case Band():
            shade = axes.axvspan if mark.vertical else axes.axhspan
            shade(mark.low, mark.high, color=mark.color, alpha=0.18, linewidth=0)
        case Level():
            draw = axes.axvline if mark.vertical else axes.axhline
            draw(mark.value, color=mark.color, linestyle=_dash(mark.dash), linewidth=mark.width)


def _dash(lengths: tuple[float, ...]) -> Any:
    return (0, lengths) if lengths else "-"
