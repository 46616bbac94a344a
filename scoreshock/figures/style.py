"""How lines and labels of figures look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

OKABE_ITO = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#999999"]
"""Eight colours that people with any common colour blindness tell apart (Okabe and Ito 2008)."""

RAMP = ["#000c7c", "#0015a8", "#7d0795", "#bd0086", "#f11a74", "#ff5a5d", "#ff9739", "#ffc71d", "#fff123"]
"""A perceptually uniform ramp: ``bmy`` of colorcet (Kovesi 2015) at nine equal steps.

Importing colorcet would import Matplotlib, which a page does not need.
"""

SOLID: tuple[float, ...] = ()
DASHED, DOTTED, DASH_DOT, LONG = (3.7, 1.6), (1.0, 1.65), (6.4, 1.6, 1.0, 1.6), (5.0, 1.0)
DASHES = [SOLID, DASHED, DOTTED, DASH_DOT, LONG, SOLID, DASHED, DOTTED]
"""Line styles, so that lines are told apart without colour too: lengths of dash and gap in widths of the line."""


def stroke(number: int, count: int) -> dict[str, Any]:
    """Dash and width of the line ``number`` of ``count``: later ones are thinner, so that lines that coincide all show."""
    again = number // len(DASHES)  # the ninth line has the first's colour, and so the second's style
    return {"dash": DASHES[(number + again) % len(DASHES)], "width": 1.5 + 0.7 * (count - 1 - number)}


def ramp(count: int, part: float) -> list[str]:
    """``count`` colours evenly over the first ``part`` of the ramp; its end is faint on white."""
    parts = [[int(color[place : place + 2], 16) for color in RAMP] for place in (1, 3, 5)]
    shares = np.linspace(0, part * (len(RAMP) - 1), count)
    red, green, blue = (np.interp(shares, range(len(RAMP)), channel).round().astype(int) for channel in parts)
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in zip(red, green, blue, strict=True)]


def colours(count: int, ordered: bool) -> Sequence[str]:
    """Colours of ``count`` lines: a perceptually uniform ramp for ordered values, distinct hues for names."""
    return ramp(count, 0.85) if ordered else [OKABE_ITO[i % len(OKABE_ITO)] for i in range(count)]


def where(values: xr.DataArray, names: Sequence[str]) -> list[str]:
    """Position on the axes that are not drawn: ``variance = 0.25`` and so on."""
    return [f"{_spoken(name)} = {short(values[name].item())}" for name in names if name in values.coords]


def line_name(by: str, value: Any) -> str:
    """Name of a line in the legend."""
    return str(value) if isinstance(value, str) else f"{_spoken(by)} {short(value)}"


def label(values: xr.DataArray) -> str:
    """An axis label from ``long_name`` and ``units``."""
    units = values.attrs.get("units", "1")
    return str(values.attrs.get("long_name", values.name)) + ("" if units in ("1", "") else f" ({units})")


def _spoken(name: str) -> str:
    return {"tau_scaled": "tau in units of speciation", "start_scaled": "start"}.get(name, name.replace("_", " "))


def short(value: Any) -> str:
    """A value in a title or legend."""
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
