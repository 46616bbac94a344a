"""The data behind a figure as a table: one row for each point of each mark."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import numpy as np

from scoreshock.figures import geometry
from scoreshock.figures.description import (
    Area,
    Arrows,
    Band,
    Bars,
    Contour,
    Image,
    Labels,
    Level,
    Mark,
    Panel,
)

COLUMNS = ("panel", "x label", "y label", "mark", "name", "x", "y", "low", "high", "u", "v", "z")
"""All columns in order; those without an entry are left out."""


def table(panels: Sequence[Panel]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the data of a figure, unrounded.

    The label of x or y is in the head of its column where all panels have the same, otherwise in a column ``x label`` or
    ``y label``. ``z`` is the colour of an image.

    Examples
    --------
    >>> from scoreshock.figures.description import Line
    >>> table([Panel("w = 0.5", "a", "τ*", (Line(np.array([1.0, 2.0]), np.array([0.1, np.nan]), "exact"),))])
    (['panel', 'mark', 'name', 'x: a', 'y: τ*'], [['w = 0.5', 'line', 'exact', 1.0, 0.1]])
    """
    found = [
        {"panel": panel.title, "x label": panel.xlabel, "y label": panel.ylabel, "mark": type(mark).__name__.lower()}
        | _called(row, panel)
        for panel in panels
        for mark in panel.marks
        for row in _rows(mark)
    ]
    labels = {axis: {row[f"{axis} label"] for row in found} for axis in "xy"}
    common = {axis: words.pop() for axis, words in labels.items() if len(words) == 1}
    omitted = {f"{axis} label" for axis in common}
    columns = [name for name in COLUMNS if name not in omitted and any(row.get(name, "") != "" for row in found)]
    heads = [f"{name}: {common[name]}" if common.get(name) else name for name in columns]
    return heads, [[row.get(name, "") for name in columns] for row in found]


def as_csv(panels: Sequence[Panel]) -> str:
    """The data of a figure as comma-separated values, with all digits.

    Examples
    --------
    >>> from scoreshock.figures.description import Level
    >>> print(as_csv([Panel("", "x", "y", (Level(0.1),))]), end="")
    mark,y: y
    level,0.1
    """
    columns, rows = table(panels)
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _rows(mark: Mark) -> Iterator[dict[str, Any]]:
    """Rows of a mark, without points that do not exist."""
    match mark:
        case Level():
            yield {"x" if mark.vertical else "y": float(mark.value)}
        case Band():
            yield {"low": float(mark.low), "high": float(mark.high), "name": "x" if mark.vertical else "y"}
        case Bars():
            yield from _points({"y": mark.y}, mark.names)
        case Labels():
            yield from _points({"x": mark.x, "y": mark.y}, mark.texts)
        case Area():
            yield from _points({"x": mark.x, "low": mark.low, "high": mark.high}, mark.name)
        case Arrows():
            yield from _points({"x": mark.x, "y": mark.y, "u": mark.u, "v": mark.v})
        case Image():
            yield from _cells(mark)
        case Contour():
            x, y = geometry.isoline(mark.x, mark.y, mark.z, mark.level)
            yield from _points({"x": x, "y": y}, mark.name)
        case _:
            yield from _points({"x": mark.x, "y": mark.y}, mark.name)


def _called(row: dict[str, Any], panel: Panel) -> dict[str, Any]:
    """A row of a panel of images, with names in place of the numbers of an axis of names."""
    names = {"x": panel.xnames, "y": panel.ynames} if panel.images else {}
    return row | {axis: each[int(row[axis])] for axis, each in names.items() if each and axis in row}


def _cells(mark: Image) -> Iterator[dict[str, Any]]:
    x, y = np.broadcast_arrays(mark.x, np.asarray(mark.y)[:, None])
    if not mark.categories:
        yield from _points({"x": x, "y": y, "z": mark.z}, mark.label)
        return
    for row in _points({"x": x, "y": y, "z": mark.z}):
        yield {**row, "name": mark.categories[int(row.pop("z"))]}


def _points(columns: dict[str, Any], names: str | Sequence[str] = "") -> Iterator[dict[str, Any]]:
    arrays = [np.ravel(each).astype(float) for each in np.broadcast_arrays(*columns.values())]
    for index, values in enumerate(zip(*(each.tolist() for each in arrays), strict=True)):
        if np.isfinite(values).all():
            name = names if isinstance(names, str) else names[index]
            yield dict(zip(columns, values, strict=True)) | ({"name": name} if name else {})
