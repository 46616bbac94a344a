"""How lines and labels of figures look."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import colorcet
import numpy as np
import xarray as xr

OKABE_ITO = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#999999"]
"""Eight colours that people with any common colour blindness tell apart (Okabe and Ito 2008)."""

DASHES: dict[str, list[Any]] = {
    "bokeh": ["solid", "dashed", "dotted", "dotdash", "dashdot", "solid", "dashed", "dotted"],
    "matplotlib": ["-", "--", ":", "-.", (0, (5, 1)), "-", "--", ":"],
}
"""Line styles, so that lines are told apart without colour too."""


def stroke(number: int, count: int, backend: str) -> dict[str, Any]:
    """Style and width of the line ``number`` of ``count``: later ones are thinner, so that lines that coincide all show."""
    style, width = ("line_dash", "line_width") if backend == "bokeh" else ("linestyle", "linewidth")
    dashes = DASHES[backend]
    again = number // len(dashes)  # the ninth line has the first's colour, and so the second's style
    return {style: dashes[(number + again) % len(dashes)], width: 1.5 + 0.7 * (count - 1 - number)}


def colours(count: int, ordered: bool) -> Sequence[str]:
    """Colours of ``count`` lines: a perceptually uniform ramp for ordered values, distinct hues for names."""
    if not ordered:
        return [OKABE_ITO[i % len(OKABE_ITO)] for i in range(count)]
    ramp = colorcet.bmy
    return [ramp[int(i * 0.85 * (len(ramp) - 1) / max(count - 1, 1))] for i in range(count)]


def where(values: xr.DataArray, names: Sequence[str]) -> list[str]:
    """Where on the axes that are not drawn: ``variance = 0.25`` and so on."""
    return [f"{_spoken(name)} = {short(values[name].item())}" for name in names if name in values.coords]


def title(parts: Sequence[str]) -> str:
    """The title of a panel, in lines that fit it."""
    return "\n".join(textwrap.wrap(", ".join(parts), 48))


def line_name(by: str, value: Any) -> str:
    """Name of a line in the legend."""
    return str(value) if isinstance(value, str) else f"{_spoken(by)} {short(value)}"


def label(values: xr.DataArray, letters: int = 52) -> str:
    """An axis label from ``long_name`` and ``units``, in lines of so many letters."""
    units = values.attrs.get("units", "1")
    text = values.attrs.get("long_name", str(values.name)) + ("" if units in ("1", "") else f" ({units})")
    return "\n".join(textwrap.wrap(text, letters))


def _spoken(name: str) -> str:
    return {"tau_scaled": "tau in units of speciation", "start_scaled": "start"}.get(name, name.replace("_", " "))


def short(value: Any) -> str:
    """A value in a title or legend."""
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
