"""Colours, line styles and labels of figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

OKABE_ITO = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#999999"]
"""Eight colours that are distinct for all common kinds of colour blindness (Okabe and Ito 2008)."""

RAMP = ["#000c7c", "#0015a8", "#7d0795", "#bd0086", "#f11a74", "#ff5a5d", "#ff9739", "#ffc71d", "#fff123"]
"""Perceptually uniform colour ramp: ``bmy`` of colorcet (Kovesi 2015) at nine equal steps.

colorcet itself would import Matplotlib, which pages do not need.
"""

SOLID: tuple[float, ...] = ()
DASHED, DOTTED, DASH_DOT, LONG = (3.7, 1.6), (1.0, 1.65), (6.4, 1.6, 1.0, 1.6), (5.0, 1.0)
DASHES = [SOLID, DASHED, DOTTED, DASH_DOT, LONG, SOLID, DASHED, DOTTED]
"""Line styles, which distinguish lines also without colour: lengths of dash and gap in line widths."""


WIDTH = 1.6
"""Width of lines in pixels."""

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
"""Labels of axes, shorter than the descriptions in files."""


def stroke(number: int) -> dict[str, Any]:
    """Dash and width of line ``number``; lines that cross or meet differ in colour and dash."""
    cycle = number // len(DASHES)  # the ninth line repeats the first colour, so it takes the second style
    return {"dash": DASHES[(number + cycle) % len(DASHES)], "width": WIDTH}


def ramp(count: int, part: float) -> list[str]:
    """``count`` colours, evenly spaced over the first ``part`` of the ramp, whose end is too faint on white."""
    channels = [[int(color[i : i + 2], 16) for color in RAMP] for i in (1, 3, 5)]
    steps = np.linspace(0, part * (len(RAMP) - 1), count)
    red, green, blue = (np.interp(steps, range(len(RAMP)), channel).round().astype(int) for channel in channels)
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in zip(red, green, blue, strict=True)]


def colours(count: int, ordered: bool) -> Sequence[str]:
    """Colours of ``count`` lines: a colour ramp for ordered values, distinct hues for names."""
    return ramp(count, 0.85) if ordered else [OKABE_ITO[i % len(OKABE_ITO)] for i in range(count)]


def where(values: xr.DataArray, names: Sequence[str]) -> list[str]:
    """Values of the scalar coordinates ``names``, as ``variance = 0.25``."""
    return [f"{_readable(name)} = {short(values[name].item())}" for name in names if name in values.coords]


def line_name(by: str, value: Any) -> str:
    """Name of a line in the legend."""
    return str(value) if isinstance(value, str) else f"{_readable(by)} {short(value)}"


def label(values: xr.DataArray) -> str:
    """Axis label: ours of an axis that we know, else from ``long_name`` and ``units``."""
    if values.name in AXES and values.dims == (values.name,):
        return AXES[str(values.name)]
    units = values.attrs.get("units", "1")
    return str(values.attrs.get("long_name", values.name)) + ("" if units in ("1", "") else f" ({units})")


def _readable(name: str) -> str:
    return {"tau_scaled": "tau in units of speciation", "start_scaled": "start"}.get(name, name.replace("_", " "))


def short(value: Any) -> str:
    """Text of a value in a title or legend, with four significant digits."""
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
