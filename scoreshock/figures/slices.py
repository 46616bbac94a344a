"""Slices of results for figures of several variables or marks: values of the axes that a figure does not show."""

from __future__ import annotations

from collections.abc import Container, Hashable, Sequence
from typing import Any, NamedTuple

import xarray as xr

from scoreshock.conventions import is_axis
from scoreshock.figures import captions
from scoreshock.figures.curves import slice_indices
from scoreshock.figures.description import Choice
from scoreshock.figures.selection import first_of, spread, swept, with_numbers
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


class Slice(NamedTuple):
    """One point of a sweep: the title of its panel, and its name beside the others, its coordinates, and notes."""

    title: str
    name: str
    coordinates: dict[str, Any]
    notes: tuple[str, ...]

    def of(self, dataset: xr.Dataset) -> xr.Dataset:
        """The dataset at this point, without sweep axes of one value."""
        point = dataset.sel({name: value for name, value in self.coordinates.items() if name in dataset.dims})
        return point.isel({name: 0 for name, size in point.sizes.items() if size == 1 and _is_swept(point, str(name))})


def slices(values: xr.DataArray, choice: Choice, most: int, along: str = "") -> list[Slice]:
    """At most ``most`` points of a sweep: along the dimension that a reader chose for panels, at the middle of the others.

    Parameters
    ----------
    values
        A variable with the dimensions of the sweep, NaN where it is not ok, after a reader's selection.
    choice
        Of a reader; what it selects is drawn completely. Its ``x`` and ``lines`` do not apply, which the notes say.
    most
        Limit of the number of points; with 1 it is in the middle of all axes.
    along
        Dimension of the panels where a reader chose none; by default the sweep axis over which the values vary most.

    Examples
    --------
    >>> import scoreshock as ss
    >>> tau = ss.speciation(ss.families.pair([1.0, 2.0, 3.0], variance=0.25, weight=[0.5, 0.6])).tau_star
    >>> [each.title for each in slices(tau, Choice(), 2)], slices(tau, Choice(), 2)[0].coordinates
    (['a = 1, w = 0.6', 'a = 3, w = 0.6'], {'weight': 0.6, 'separation': 1.0})
    """
    axes = list(dict.fromkeys([*swept(values), *([along] if along in values.dims else [])]))
    by_default = along or (axes[0] if axes and most > 1 else "")
    chosen = choice.panels if choice.panels in values.dims else by_default
    taken: dict[str, int] = {}
    for name in axes:
        if name != chosen:
            have = with_numbers(values.isel(taken), name) or list(range(values.sizes[name]))
            taken[name] = have[len(have) // 2]
    point = values.isel(taken)
    have = with_numbers(point, chosen) if chosen else [0]
    count = values.sizes.get(chosen, 1)
    indices = have if chosen in choice.select else [have[i] for i in spread(len(have), most)]
    left = captions.left_out("panels", chosen, len(indices), len(have), count)
    unused = not_used(choice, values.dims, panels=chosen)
    notes = tuple(each for each in (captions.of_slice(values, taken), left, unused) if each)
    titled = [
        str(name) for name in values.dims if name in (*taken, chosen) or (values.sizes[name] == 1 and is_axis(str(name)))
    ]
    found = []
    for index in indices:
        one = point.isel({chosen: index}) if chosen else point
        one = one.isel({name: 0 for name, size in one.sizes.items() if size == 1})
        here = {name: one[name].item() for name in (*taken, chosen) if name in one.coords}
        found.append(Slice(", ".join(where(one, titled)), ", ".join(where(one, [chosen])), here, notes))
    return found


def _is_swept(dataset: xr.Dataset, name: str) -> bool:
    return name in dataset.coords and is_axis(name)
