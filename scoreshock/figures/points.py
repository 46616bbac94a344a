"""Points of a sweep of which a figure with several marks is drawn, one panel each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import xarray as xr

from scoreshock.conventions import is_axis
from scoreshock.figures import captions
from scoreshock.figures.description import Choice
from scoreshock.figures.selection import spread, swept, with_numbers
from scoreshock.figures.slices import not_used
from scoreshock.figures.style import where


class Point(NamedTuple):
    """One point of a sweep: the title of its panel, and its name beside the others, its coordinates, and notes."""

    title: str
    name: str
    coordinates: dict[str, Any]
    notes: tuple[str, ...]

    def of(self, dataset: xr.Dataset) -> xr.Dataset:
        """The dataset at this point, without sweep axes of one value."""
        point = dataset.sel({name: value for name, value in self.coordinates.items() if name in dataset.dims})
        return point.isel({name: 0 for name, size in point.sizes.items() if size == 1 and _is_swept(point, str(name))})


def points(values: xr.DataArray, choice: Choice, most: int, along: str = "") -> list[Point]:
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
    >>> [each.title for each in points(tau, Choice(), 2)], points(tau, Choice(), 2)[0].coordinates
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
    notes = tuple(
        each
        for each in (captions.of_slice(values, taken), left, not_used(replace(choice, select={}), (), panels=chosen))
        if each
    )
    titled = [
        str(name) for name in values.dims if name in (*taken, chosen) or (values.sizes[name] == 1 and is_axis(str(name)))
    ]
    found = []
    for index in indices:
        one = point.isel({chosen: index}) if chosen else point
        one = one.isel({name: 0 for name, size in one.sizes.items() if size == 1})
        here = {name: one[name].item() for name in (*taken, chosen) if name in one.coords}
        found.append(Point(", ".join(where(one, titled)), ", ".join(where(one, [chosen])), here, notes))
    return found


def _is_swept(dataset: xr.Dataset, name: str) -> bool:
    return name in dataset.coords and is_axis(name)
