"""Description of a figure as plain data: panels of marks on axes, independent of the renderer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.figures.geometry import arrows, edges
from scoreshock.figures.selection import dimension
from scoreshock.figures.style import OKABE_ITO, SEQUENTIAL, SOLID, THEMES, WIDTH, Theme, between, of_family, short
from scoreshock.plugins import Registry

PADDING = {"x": 0.02, "y": 0.05}
"""Margin between the data and the end of an axis, as a fraction of the data range."""

ABOVE = 0.1
"""Margin above bars, on which their values are written."""

FEWEST_BARS = 4
"""Bars that fit into a panel at least: a lone bar is not as wide as the panel."""

MOST_VALUES = 12
"""Number of bars above which their values are not written."""

DOTS = 5.0
"""Diameter in pixels of the dots of a line."""

ROUNDING = 1e-9
"""Relative spread below which values are constant up to rounding."""


@dataclass(frozen=True)
class Line:
    """A line through the points (x, y), interrupted by NaN.

    With ``step`` it is piecewise constant around each point, with ``dots`` each point has one.
    """

    x: np.ndarray
    y: np.ndarray
    name: str = ""
    color: str = OKABE_ITO[4]
    dash: tuple[float, ...] = SOLID
    width: float = WIDTH
    step: bool = False
    dots: bool = False


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

    @property
    def texts(self) -> list[str]:
        """The value of each bar, where there is one and the bars are not too many."""
        return [short(float(y)) if np.isfinite(y) and self.y.size <= MOST_VALUES else "" for y in self.y]


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
    ``categories`` names whole numbers 0, 1, ... instead of a scale, and ``bounds`` are the values of the first and of the
    last colour, by default the least and the greatest of ``z``.
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    label: str
    centre: float | None = None
    logarithmic: bool = False
    categories: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None

    def colours(self, theme: Theme = THEMES["light"]) -> list[str]:
        """Its colours in order, one for each category."""
        if self.categories:
            return [OKABE_ITO[1 + i % (len(OKABE_ITO) - 1)] for i in range(len(self.categories))]
        return between(SEQUENTIAL if self.centre is None else theme.diverging, 256)

    @property
    def limits(self) -> tuple[float, float]:
        """Values of the first and of the last colour, at equal distances from the centre if there is one."""
        if self.categories:
            return -0.5, len(self.categories) - 0.5
        if self.bounds is not None:
            return self.bounds
        shown = self.z[np.isfinite(self.z) & ((self.z > 0) | (not self.logarithmic))]
        low, high = (float(shown.min()), float(shown.max())) if shown.size else (0.5, 1.5)
        if self.centre is not None:
            reach = max(abs(low - self.centre), abs(high - self.centre)) or 1.0
            return self.centre - reach, self.centre + reach
        if high - low <= ROUNDING * max(abs(low), abs(high)):
            half = abs(low) / 2 or 0.5
            return (low / 2, high * 2) if self.logarithmic else (low - half, high + half)
        return low, high


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
    """What a reader chose of a figure, by the key ``figures`` of a sweep or by arguments of `scoreshock.plot`.

    ``x``, ``lines`` and ``panels`` name dimensions. ``select`` maps dimensions to values, slices or lists of values, and
    ``scale`` maps ``x`` or ``y`` to ``linear`` or ``log``. What is empty follows the data.
    """

    x: str = ""
    lines: str = ""
    panels: str = ""
    select: Mapping[str, Any] = field(default_factory=dict)
    scale: Mapping[str, str] = field(default_factory=dict)

    def of(self, known: Iterable[Hashable]) -> Choice:
        """The same choice by the names of dimensions, which a reader may call as a study does."""
        x, lines, panels = (dimension(name, known) if name else "" for name in (self.x, self.lines, self.panels))
        select = {dimension(name, known): value for name, value in self.select.items()}
        return replace(self, x=x, lines=lines, panels=panels, select=select)

    def lists(self, name: str) -> bool:
        """Whether values of a dimension are selected one by one, all of which are drawn; of a slice, some are."""
        return name in self.select and not isinstance(self.select[name], slice)


FOLLOWING = Choice()
"""No choice: everything follows the data."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes: with ``falling`` the x-axis runs from right to left, with ``square`` both axes have one scale.

    ``notes`` are sentences of the figure's caption: which slice is shown, and what is left out. ``xnames`` and ``ynames``
    stand on an axis in place of the numbers 0, 1, ...
    """

    title: str
    xlabel: str
    ylabel: str
    marks: tuple[Mark, ...]
    logx: bool = False
    logy: bool = False
    falling: bool = False
    square: bool = False
    yticks: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    xnames: tuple[str, ...] = ()
    ynames: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Entries of the legend."""
        of_marks = [getattr(mark, "name", "") for mark in self.marks]
        return [name for name in of_marks if name] + [name for image in self.images for name in image.categories]

    @property
    def images(self) -> list[Image]:
        """Images of the panel."""
        return [mark for mark in self.marks if isinstance(mark, Image)]

    @property
    def bars(self) -> Bars | None:
        """The bars of the panel, or None."""
        return next((mark for mark in self.marks if isinstance(mark, Bars)), None)

    def limits(self, axis: str) -> tuple[float, float]:
        """Lower and upper end of the axis ``x`` or ``y``: the range of data and levels with a margin.

        For data that are constant up to rounding, the range is as large as the data. Bars start at 0, on a logarithmic axis
        one decade below the shortest bar.
        """
        if axis == "x" and self.bars is not None:
            beside = max(FEWEST_BARS - len(self.bars.names), 0) / 2
            return -0.6 - beside, len(self.bars.names) - 0.4 + beside
        logarithmic = self.logx if axis == "x" else self.logy
        values = np.concatenate([np.empty(0), *(np.ravel(each) for each in self._values(axis))])
        values = values[np.isfinite(values) & ((values > 0) | (not logarithmic))]
        if values.size == 0:
            values = np.array([1.0])
        if self.bars is not None:
            values = np.append(values, values.min() / 10 if logarithmic else 0.0)
        low, high = np.log10([values.min(), values.max()]) if logarithmic else (values.min(), values.max())
        margin = 0.0 if self.images else (ABOVE if self.bars else PADDING[axis]) * (high - low)
        size = max(abs(low), abs(high))
        if high - low <= ROUNDING * size:
            margin = 0.5 if logarithmic else size / 2 or 0.5
        ends = float(low - margin), float(high + margin)
        if self.bars is not None and not logarithmic:  # bars stand on the axis
            ends = (0.0 if low == 0 else ends[0], 0.0 if high == 0 and low < 0 else ends[1])
        return (10 ** ends[0], 10 ** ends[1]) if logarithmic else ends

    def _values(self, axis: str) -> Iterator[np.ndarray | float]:
        for mark in self.marks:
            match mark:
                case Band():
                    continue
                case Level():
                    if mark.vertical == (axis == "x"):
                        yield mark.value
                case Image():
                    yield edges(getattr(mark, axis), self.logx if axis == "x" else self.logy)
                case Arrows():
                    yield arrows(mark.x, mark.y, mark.u, mark.v)[axis == "y"]
                case Area() if axis == "y":
                    yield from (mark.low, mark.high)
                case _:
                    yield getattr(mark, axis)


def with_legend(panels: list[Panel]) -> list[bool]:
    """Whether each panel shows its legend: not if all panels have a single name or it none, nor if the next has the same."""
    following = [*(panel.names for panel in panels[1:]), []]
    several = len({name for panel in panels for name in panel.names}) > 1
    return [several and bool(panel.names) and panel.names != later for panel, later in zip(panels, following, strict=True)]


@dataclass(frozen=True)
class Figure:
    """A figure of every sweep that has a quantity: the name of that quantity, and the panels of its dataset.

    ``beside`` names other quantities, whose datasets ``describe`` takes by keyword, None where there is none.
    """

    of: str
    describe: Callable[..., list[Panel]]
    beside: tuple[str, ...] = ()

    def panels(self, datasets: Mapping[str, xr.Dataset], choice: Choice = FOLLOWING) -> list[Panel]:
        """Panels of the datasets of a sweep, by quantity; on the scales that a reader chose."""
        own = {name: of_family(datasets[name]) if name in datasets else None for name in (self.of, *self.beside)}
        known = dict.fromkeys(name for dataset in own.values() if dataset is not None for name in dataset.dims)
        described = self.describe(own.pop(self.of), choice.of(known), **own)
        scales = {f"log{axis}": scale == "log" for axis, scale in choice.scale.items()}
        return [replace(panel, **scales) for panel in described] if scales else described  # type: ignore[arg-type]

    @property
    def words(self) -> str:
        """What the figure shows: the first paragraph of its function's docstring."""
        return " ".join((inspect.getdoc(self.describe) or "").partition("\n\n")[0].split())


FIGURES: Registry[Figure] = Registry("figure", "figures")


def figure(
    of: str, name: str = "", beside: Sequence[str] = ()
) -> Callable[[Callable[..., list[Panel]]], Callable[..., list[Panel]]]:
    """Declare the decorated function as the description of a figure.

    Parameters
    ----------
    of
        Quantity whose dataset it takes first; where it returns no panel, nothing is drawn. Its second argument is the
        reader's `Choice`. The first paragraph of its docstring begins the caption.
    name
        Name of its files; by default that of the function, with ``-`` for ``_``.
    beside
        Quantities whose datasets it takes by keyword, None where the sweep has none.

    Returns
    -------
    function
        A decorator of a function from the dataset of the quantity to its panels, which is returned as it is.

    Raises
    ------
    ValueError
        For a name that is taken.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.figures import FIGURES
    >>> from scoreshock.figures.curves import over, shown, swept
    >>> @ss.figure(of="modes")
    ... def my_figure(dataset, choice):
    ...     "Diffusion time above which the density has one mode."
    ...     tau = shown(dataset, "tau_density")
    ...     return over(tau, swept(tau), choice)
    >>> del FIGURES["my-figure"]
    """

    def declare(function: Callable[..., list[Panel]]) -> Callable[..., list[Panel]]:
        declared = Figure(of, function, tuple(beside))
        FIGURES.add(name or function.__name__.replace("_", "-"), declared, function)
        return function

    return declare
