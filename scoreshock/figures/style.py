"""Colours, line styles and labels of figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import AXES as OURS

OKABE_ITO = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#999999"]
"""Eight colours that are distinct for all common kinds of colour blindness (Okabe and Ito 2008)."""

RAMP = ["#0663c8", "#6451eb", "#b032d0", "#d904aa", "#ec0083", "#fc005d", "#fe2e32", "#ec5b00", "#cd7d01"]
"""Colour ramp of ordered lines: blue to orange by way of magenta, at even steps of hue and of lightness (43 to 60 of 100).

Every colour contrasts with white and with the dark page by 3 or more, as W3C asks of graphics.
"""

APART = RAMP[1]
"""Colour of a curve beside lines of names: apart from all colours of Okabe and Ito, also for colour-blind eyes."""

SEQUENTIAL = [
    "#440154",
    "#48186a",
    "#472d7b",
    "#424086",
    "#3b528b",
    "#33638d",
    "#2c728e",
    "#26828e",
    "#21918c",
    "#1f9f88",
    "#27ad81",
    "#3dbc74",
    "#5cc863",
    "#81d34d",
    "#aadc32",
    "#d5e21a",
    "#fde725",
]
"""Perceptually uniform colours of images: viridis of Matplotlib at 17 even steps."""

DIVERGING = [
    "#2050da",
    "#5162de",
    "#7075e1",
    "#8988e4",
    "#a09ce7",
    "#b5b0ea",
    "#c9c5ec",
    "#dddaee",
    "#ede7e9",
    "#f1d6d0",
    "#f0beb1",
    "#eca593",
    "#e78c76",
    "#df725a",
    "#d6573f",
    "#cb3924",
    "#bf0205",
]
"""Colours of images that diverge from a value: coolwarm of colorcet (Kovesi 2015) at 17 even steps."""

DIVERGING_IN_THE_DARK = [
    "#1881fa",
    "#2873db",
    "#2f65bc",
    "#31589f",
    "#314b82",
    "#2e3e66",
    "#29324c",
    "#232633",
    "#221f20",
    "#332320",
    "#4b2a24",
    "#633129",
    "#7c382e",
    "#953e33",
    "#af4437",
    "#ca4a3c",
    "#e64f41",
]
"""The same on a dark page, where what is drawn over the image is light: bkr of colorcet at 17 even steps."""

SOLID: tuple[float, ...] = ()
DASHED, DOTTED, DASH_DOT, LONG = (3.7, 1.6), (1.0, 1.65), (6.4, 1.6, 1.0, 1.6), (5.0, 1.0)
DASHES = [SOLID, DASHED, DOTTED, DASH_DOT, LONG, SOLID, DASHED, DOTTED]
"""Line styles, which distinguish lines also without colour: lengths of dash and gap in line widths."""


@dataclass(frozen=True)
class Theme:
    """Colours of text, background, grid, axes and cells without a number, those of `pages/theme.css`; and of images."""

    text: str
    paper: str
    line: str
    quiet: str
    soft: str
    diverging: Sequence[str]

    def ink(self, color: str) -> str:
        """``color``, or that of the text for black, which would be invisible on a dark page."""
        return self.text if color == OKABE_ITO[0] else color


THEMES = {
    "light": Theme("#1a1a1a", "#ffffff", "#d8d8d8", "#555555", "#f4f4f4", DIVERGING),
    "dark": Theme("#e6e6e6", "#161616", "#444444", "#aaaaaa", "#242424", DIVERGING_IN_THE_DARK),
}

WIDTH = 1.6
"""Width of lines in pixels."""

SYMBOLS = {
    "separation": "a",
    "variance": "σ₀²",
    "weight": "w",
    "dimension": "d",
    "quartic_coefficient": "c",
    "half_distance": "b",
    "tilt": "h",
    "tau": "τ",
    "tau_scaled": "τ/τ*",
    "tau_star": "τ*",
    "tau_relative": "τ/mean variance",
    "x": "x",
    "x_scaled": "x",
    "start": "start x",
    "start_scaled": "start x",
}
"""Symbols of axes in titles, legends and captions; others have their names."""

AXES = {
    "separation": "separation a",
    "variance": "variance σ₀²",
    "weight": "weight w",
    "dimension": "dimension d",
    "ratio": "ratio of scales of successive levels",
    "quartic_coefficient": "coefficient c of the quartic potential",
    "half_distance": "half-distance b of the wells",
    "tilt": "tilt h",
    "tau": "diffusion time τ",
    "tau_scaled": "diffusion time over speciation time, τ/τ*",
    "x": "position x",
}
"""Labels of our axes, of any family; a file's own axis keeps its words, whatever its name."""


def of_family(dataset: xr.Dataset) -> xr.Dataset:
    """A result whose axis ``separation`` says what it is in the family of the result: half a distance only of a pair."""
    if "separation" not in dataset.coords or dataset.attrs.get("family", "pair") == "pair":
        return dataset
    words = dataset.separation.assign_attrs(long_name="scale a of the means")
    return dataset.assign_coords(separation=words)


def stroke(number: int) -> dict[str, Any]:
    """Dash and width of line ``number``; lines that cross or meet differ in colour and dash."""
    cycle = number // len(DASHES)  # the ninth line repeats the first colour, so it takes the second style
    return {"dash": DASHES[(number + cycle) % len(DASHES)], "width": WIDTH}


def ramp(count: int) -> list[str]:
    """``count`` colours, evenly spaced over the ramp of lines."""
    return between(RAMP, count)


def between(anchors: Sequence[str], count: int) -> list[str]:
    """``count`` colours at even steps through ``anchors``.

    Examples
    --------
    >>> between(["#000000", "#ffffff"], 3)
    ['#000000', '#808080', '#ffffff']
    """
    channels = [[int(color[i : i + 2], 16) for color in anchors] for i in (1, 3, 5)]
    steps = np.linspace(0, len(anchors) - 1, count)
    red, green, blue = (np.interp(steps, range(len(anchors)), channel).round().astype(int) for channel in channels)
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in zip(red, green, blue, strict=True)]


def colours(count: int, ordered: bool) -> Sequence[str]:
    """Colours of ``count`` lines: a colour ramp for ordered values, distinct hues for names."""
    return ramp(count) if ordered else [OKABE_ITO[i % len(OKABE_ITO)] for i in range(count)]


def where(values: xr.DataArray, names: Sequence[str]) -> list[str]:
    """Values of the scalar coordinates ``names``, as ``σ₀² = 0.25``; a name alone of what has names."""
    present = [name for name in names if name in values.coords]
    return [_at(values[name]) for name in present if name != "curve"]


def _at(coordinate: xr.DataArray) -> str:
    value = coordinate.item()
    return str(value) if isinstance(value, str) else f"{symbol(str(coordinate.name))} = {short(value)}{_units(coordinate)}"


def line_name(by: str, values: Sequence[Any]) -> str:
    """Name in the legend of a line, which may be that of several values.

    Examples
    --------
    >>> line_name("separation", [1.0, 2.5]), line_name("criterion", ["leading", "exact"]), line_name("component", [0])
    ('a = 1, 2.5', 'leading = exact', 'component 0')
    """
    if isinstance(values[0], str):
        return " = ".join(map(str, values))
    return f"{symbol(by)}{' =' if by in SYMBOLS else ''} {', '.join(map(short, values))}"


def symbol(name: str) -> str:
    """Symbol of an axis, or its name with spaces."""
    return SYMBOLS.get(name, name.replace("_", " "))


def label(values: xr.DataArray) -> str:
    """Axis label: ours of an axis of the vocabulary, else from ``long_name`` and ``units``."""
    words = str(values.attrs.get("long_name", values.name))
    name = str(values.name)
    if name in AXES and values.dims in ((name,), ()) and (name not in OURS or words in (name, OURS[name].long_name)):
        return AXES[name]
    return words + (f" ({_units(values).strip()})" if _units(values) else "")


def _units(values: xr.DataArray) -> str:
    units = str(values.attrs.get("units", "1"))
    return "" if units in ("1", "") else f" {units}"


def short(value: Any) -> str:
    """Text of a value in a title or legend, with four significant digits."""
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
