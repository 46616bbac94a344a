"""Slices of results for figures of several variables: one value of each axis that a figure does not show."""

from __future__ import annotations

from collections.abc import Container, Hashable, Sequence
from typing import Any

import xarray as xr

from scoreshock.conventions import is_axis
from scoreshock.figures import captions
from scoreshock.figures.curves import slice_indices
from scoreshock.figures.description import Choice
from scoreshock.figures.selection import first_of
from scoreshock.figures.style import where


def slice_of(
    values: xr.DataArray, keep: Sequence[str | None], *results: xr.Dataset, middle: bool = False
) -> tuple[list[Any], list[str], str]:
    """Results at one value of each sweep axis that is not kept, the values of these axes as a title, and a caption's note.

    Parameters
    ----------
    values
        A variable of the first result, as of `shown`: of its slices with most numbers the first is taken, or the
        ``middle`` one.
    keep
        Axes that the figure shows.
    results
        Of one sweep; the values are the same for all.
    """
    others = [str(name) for name in values.dims if name in keep or not is_axis(str(name))]
    taken = slice_indices(values, others, middle)
    note = captions.of_slice(values, taken)
    cut = [each.isel({name: index for name, index in taken.items() if name in each.dims}) for each in results]
    return cut, where(values.isel(taken), list(taken)), note


def chosen_axis(values: xr.DataArray, wanted: str, order: Sequence[str], but: Sequence[str | None] = ()) -> str | None:
    """The axis that a reader wants, if the values have it, else the first in ``order`` that is none of ``but``."""
    return wanted if wanted in values.dims and wanted not in but else first_of(order, but)


def not_used(choice: Choice, dims: Container[Hashable], **used: str | None) -> str:
    """A note that names what a reader chose and the figure does not use.

    ``used`` are the dimensions that it has as ``x``, ``lines`` and ``panels``; selections are used of its data's ``dims``.

    Examples
    --------
    >>> not_used(Choice(x="weight", panels="variance", select={"level": 0}), ["weight", "variance"], x="weight")
    'panels: variance, select level: not used by this figure.'
    """
    chosen = {"x": choice.x, "lines": choice.lines, "panels": choice.panels}
    lacking = [f"{key}: {name}" for key, name in chosen.items() if name and name != used.get(key)]
    lacking += [f"select {name}" for name in choice.select if name not in dims]
    return f"{', '.join(lacking)}: not used by this figure." if lacking else ""
