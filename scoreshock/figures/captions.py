"""Captions of figures: which slice of the data is shown, what is left out, and why points are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import words_of
from scoreshock.figures.selection import FLAG
from scoreshock.figures.style import short, symbol

LISTED = 6
"""Most values of an axis that a caption lists."""


def of_slice(values: xr.DataArray, taken: dict[str, int]) -> str:
    """At which value of each remaining axis the figure is, and how many others there are; ``taken`` has their indices."""
    parts = []
    for name, index in taken.items():
        known = words_of(values[name].values, values[name].attrs) if name in values.coords else np.arange(values.sizes[name])
        if known.size > 1:
            others = f"of {_values(known)}" if known.size <= LISTED else f"one of {known.size:,} values"
            parts.append(f"{symbol(name)} = {short(known[index])} ({others})")
    return f"At {', '.join(parts)}." if parts else ""


def left_out(what: str, name: str, drawn: int, have: int, of: int) -> str:
    """How many of the values of an axis have lines or panels, unless all have; and how many ``have`` numbers."""
    without = f"; {of - have} of them have no numbers" if have < of else ""
    return f"{what.capitalize()} for {drawn} of {of:,} values of {symbol(name)}{without}." if drawn < of else ""


def without_numbers(names: Sequence[Any]) -> str:
    """Names of lines that have no number."""
    return f"Without numbers here: {', '.join(short(name) for name in names)}." if names else ""


def missing(values: xr.DataArray, logy: bool) -> str:
    """How many of the points of a part of the data are not drawn, by status."""
    numbers = values.values
    gone = ~np.isfinite(numbers) | ((numbers <= 0) if logy else False)
    if not gone.any():
        return ""
    reasons: list[str] = []
    flagged = np.zeros(gone.shape, bool)
    if FLAG in values.coords:
        flags = values[FLAG].broadcast_like(values).transpose(*values.dims)
        words = dict(zip(np.ravel(flags.attrs.get("flag_values", ())).tolist(), _meanings(flags), strict=False))
        for flag, count in zip(*np.unique(flags.values[gone], return_counts=True), strict=True):
            if np.isfinite(flag) and flag != 0:
                reasons.append(f"{count:,} {words.get(flag, f'status {flag:g}')}")
        flagged = np.isfinite(flags.values.astype(float)) & (flags.values != 0)
    rest = gone & ~flagged
    low = int((rest & np.isfinite(numbers)).sum())
    undefined = int(rest.sum()) - low
    reasons += [f"{low:,} not above 0"] if low else []
    reasons += [f"{undefined:,} not a number"] if undefined else []
    return f"{int(gone.sum()):,} of {gone.size:,} points are not drawn: {', '.join(reasons)}."


def _meanings(flags: xr.DataArray) -> list[str]:
    return str(flags.attrs.get("flag_meanings", "")).split()


def caption(first: str, panels: Sequence[Any]) -> str:
    """A figure's caption: the first sentence of its description, and the notes of its panels, each once.

    Examples
    --------
    >>> from scoreshock.figures.description import Panel
    >>> caption("A time.", [Panel("", "", "", (), notes=("At w = 0.5.",))] * 2)
    'A time. At w = 0.5.'
    """
    notes = dict.fromkeys(note for panel in panels for note in panel.notes if note)
    return " ".join([first, *notes]).strip()


def _values(known: np.ndarray) -> str:
    return ", ".join(short(value) for value in known)
