"""Description of a figure as plain data: panels of lines, points, bars, levels and bands, independent of the renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.figures.style import OKABE_ITO, SOLID
from scoreshock.plugins import Registry

PADDING = {"x": 0.02, "y": 0.05}
"""Margin between the data and the end of an axis, as a fraction of the data range."""

ROUNDING = 1e-9
"""Relative spread below which values are constant up to rounding."""


@dataclass(frozen=True)
class Line:
    """A line through the points (x, y), interrupted by NaN; with ``step`` piecewise constant around each point."""

    x: np.ndarray
    y: np.ndarray
    name: str = ""
    color: str = OKABE_ITO[4]
    dash: tuple[float, ...] = SOLID
    width: float = 2.0
    step: bool = False


@dataclass(frozen=True)
class Points:
    """Dots with a diameter of ``size`` pixels."""

    x: np.ndarray
    y: np.ndarray
    name: str = ""
    color: str = OKABE_ITO[4]
    size: float = 5.0


@dataclass(frozen=True)
class Bars:
    """One bar for each name."""

    names: tuple[str, ...]
    y: np.ndarray
    color: str = OKABE_ITO[4]


@dataclass(frozen=True)
class Level:
    """A straight line across the panel at a value of y, or of x if ``vertical``."""

    value: float
    vertical: bool = False
    color: str = OKABE_ITO[7]
    dash: tuple[float, ...] = SOLID
    width: float = 1.5


@dataclass(frozen=True)
class Band:
    """The part of the panel between two values of y, or of x if ``vertical``, shaded."""

    low: float
    high: float
    vertical: bool = False
    color: str = OKABE_ITO[1]


@dataclass(frozen=True)
class Area:
    """The region between two curves over x, shaded."""

    x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    name: str = ""
    color: str = OKABE_ITO[1]


@dataclass(frozen=True)
class Image:
    """Colours of ``z (y, x)`` on a grid whose x and y need not be uniform, with a colour bar.

    Without ``centre`` the colours are sequential, else they diverge from that value. ``logarithmic`` applies to the colours,
    and ``categories`` names whole numbers 0, 1, ... instead of a scale.
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    label: str
    centre: float | None = None
    logarithmic: bool = False
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contour:
    """The line on which ``z (y, x)`` has one value."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    level: float
    name: str = ""
    color: str = OKABE_ITO[0]
    dash: tuple[float, ...] = SOLID
    width: float = 1.6


@dataclass(frozen=True)
class Arrows:
    """Arrows from points (x, y) with components (u, v) in data units, scaled so that the longest span about one cell."""

    x: np.ndarray
    y: np.ndarray
    u: np.ndarray
    v: np.ndarray
    color: str = OKABE_ITO[0]


@dataclass(frozen=True)
class Labels:
    """Short texts at points."""

    x: np.ndarray
    y: np.ndarray
    texts: tuple[str, ...]
    color: str = OKABE_ITO[0]


Mark = Line | Points | Bars | Level | Band | Area | Image | Contour | Arrows | Labels


@dataclass(frozen=True)
class Choice:
    """What a reader chose of a figure, of the key ``figures`` of a sweep or of the arguments of `scoreshock.plot`.

    ``x``, ``lines`` and ``panels`` name dimensions; ``select`` maps dimensions to values, slices or lists of values; ``scale``
    maps ``x`` or ``y`` to ``linear`` or ``log``. What is empty follows the data.
    """

    x: str = ""
    lines: str = ""
    panels: str = ""
    select: Mapping[str, Any] = field(default_factory=dict)
    scale: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Panel:
    """One pair of axes: with ``falling`` the x-axis runs from right to left, with ``square`` both axes have one scale."""

    title: str
    xlabel: str
    ylabel: str
    marks: tuple[Mark, ...]
    logx: bool = False
    logy: bool = False
    falling: bool = False
    square: bool = False
    yticks: tuple[int, ...] = ()

    @property
    def names(self) -> list[str]:
        """Entries of the legend."""
        return [mark.name for mark in self.marks if isinstance(mark, Line | Points) and mark.name]

    @property
    def bars(self) -> Bars | None:
        """The bars of the panel, or None."""
        return next((mark for mark in self.marks if isinstance(mark, Bars)), None)

    def limits(self, axis: str) -> tuple[float, float]:
        """Lower and upper end of the axis ``x`` or ``y``: the range of data and levels with a margin.

        For data that are constant up to rounding, the range is as large as the data. Bars start at 0, on a logarithmic axis
        one decade below the shortest bar.
        """
        logarithmic = self.logx if axis == "x" else self.logy
        values = np.concatenate([np.ravel(each) for each in self._values(axis)])
        values = values[np.isfinite(values) & ((values > 0) | (not logarithmic))]
        if values.size == 0:
            values = np.array([1.0])
        if self.bars is not None:
            values = np.append(values, values.min() / 10 if logarithmic else 0.0)
        low, high = np.log10([values.min(), values.max()]) if logarithmic else (values.min(), values.max())
        margin = PADDING[axis] * (high - low)
        size = max(abs(low), abs(high))
        if high - low <= ROUNDING * size:
            margin = 0.5 if logarithmic else size / 2 or 0.5
        ends = float(low - margin), float(high + margin)
        if self.bars is not None and not logarithmic:  # bars stand on the axis
            ends = (0.0 if low == 0 else ends[0], 0.0 if high == 0 and low < 0 else ends[1])
        return (10 ** ends[0], 10 ** ends[1]) if logarithmic else ends

    def _values(self, axis: str) -> Iterator[np.ndarray | float]:
        for mark in self.marks:
            if isinstance(mark, Band):
                continue
            if not isinstance(mark, Level):
                yield mark.y if axis == "y" else getattr(mark, "x", np.empty(0))
            elif mark.vertical == (axis == "x"):
                yield mark.value


def with_legend(panels: list[Panel]) -> list[bool]:
    """Whether each panel shows its legend: not if all panels have a single name, and not if the next has the same legend."""
    following = [*(panel.names for panel in panels[1:]), []]
    several = len({name for panel in panels for name in panel.names}) > 1
    return [several and panel.names != later for panel, later in zip(panels, following, strict=True)]


@dataclass(frozen=True)
class Figure:
    """A figure of every sweep that has a quantity: the name of that quantity, and the panels of its dataset."""

    of: str
    describe: Callable[[xr.Dataset], list[Panel]]


FIGURES: Registry[Figure] = Registry("figure", "figures")


def figure(of: str, name: str = "") -> Callable[[Callable[..., list[Panel]]], Callable[..., list[Panel]]]:
    """Declare the decorated function as the description of a figure.

    Parameters
    ----------
    of
        Quantity whose dataset it takes; where it returns no panel, nothing is drawn.
    name
        Name of its files; by default that of the function, with ``-`` for ``_``.
    """

    def declare(function: Callable[..., list[Panel]]) -> Callable[..., list[Panel]]:
        FIGURES.add(name or function.__name__.replace("_", "-"), Figure(of, function), function)
        return function

    return declare
