"""Slices of a sweep for figures: one value of each axis that a panel does not show."""

from __future__ import annotations

from collections.abc import Container, Hashable, Sequence
from typing import Any, NamedTuple

import xarray as xr

from scoreshock.checks import show
from scoreshock.conventions import is_axis
from scoreshock.figures import captions
from scoreshock.figures.curves import PANELS, slice_indices
from scoreshock.figures.description import Choice
from scoreshock.figures.selection import Labelled, called, first_of, spread, with_numbers
from scoreshock.figures.style import where


class Slice(NamedTuple):
    """What one panel shows: its title, its name beside the others, the coordinates of the slice, and notes."""

    title: str
    name: str
    coordinates: dict[str, Any]
    notes: tuple[str, ...]

    def of(self, values: Labelled) -> Labelled:
        """A variable or a result of the same sweep at this slice."""
        at = {name: value for name, value in self.coordinates.items() if name in values.dims}
        try:
            return values.sel(at)
        except KeyError as error:
            raise ValueError(f"{show(at)} is not in every result of the figure; allowed: results of one sweep") from error


def slices(
    values: xr.DataArray,
    choice: Choice,
    dims: Container[Hashable] = (),
    x: str | None = None,
    lines: str | None = None,
    keep: Sequence[str] = (),
    along: Sequence[str] = (),
    most: int = PANELS,
    middle: bool = False,
) -> list[Slice]:
    """Slices of a sweep, one a panel: at one value of each axis that is neither x nor lines nor panels.

    Parameters
    ----------
    values
        A variable, as of `shown`, after a reader's selection: of its slices with most numbers the first is taken, or the
        ``middle`` one.
    choice
        Of a reader. What the figure does not use of it is noted: axes other than ``x``, ``lines`` and that of the panels,
        and selections of none of the ``dims`` of the figure's data.
    x, lines, keep
        Dimensions that a panel shows, or that a caller distributes over panels by itself.
    along
        Axes of the panels in order of preference, where a reader chose none; without any there is one panel.
    most
        Limit of the number of panels, spread evenly; those that a reader lists are all drawn.

    Examples
    --------
    >>> import scoreshock as ss
    >>> tau = ss.speciation(ss.families.pair([1.0, 2.0, 3.0], variance=0.25, weight=[0.5, 0.6])).tau_star
    >>> found = slices(tau, Choice(), along=["separation"], most=2, middle=True)
    >>> [each.title for each in found], found[0].name, found[0].notes
    (['a = 1, w = 0.6', 'a = 3, w = 0.6'], 'a = 1', ('At w = 0.6 (of 0.5, 0.6).', 'Panels for 2 of 3 values of a.'))
    """
    panels = chosen_axis(values, choice.panels, [name for name in along if name in values.dims], (x, lines, *keep))
    whole = [name for name in map(str, values.dims) if not is_axis(name) and name not in along]
    taken = slice_indices(values, [x, lines, *keep, panels, *whole], middle)
    here, indices, left = values.isel(taken), [0], ""
    if panels is not None:
        have = with_numbers(here, panels)
        indices = have if choice.lists(panels) else [have[i] for i in spread(len(have), most)]
        left = captions.left_out("panels", panels, len(indices), len(have), values.sizes[panels])
    used = choice.panels if choice.panels in keep else panels
    told = captions.of_slice(values, taken), left, not_used(choice, dims, x=x, lines=lines, panels=used)
    titled = [str(name) for name in values.dims if name in taken or name == panels]
    found = []
    for index in indices:
        one = here if panels is None else here.isel({panels: index})
        at = taken if panels is None else {**taken, panels: index}
        coordinates = {name: one[name].item() if name in one.coords else place for name, place in at.items()}
        alone = "" if panels is None else ", ".join(where(one, [panels]))
        found.append(Slice(", ".join(where(one, titled)), alone, coordinates, tuple(note for note in told if note)))
    return found


def chosen_axis(values: xr.DataArray, wanted: str, order: Sequence[str], but: Sequence[str | None] = ()) -> str | None:
    """The axis that a reader wants, if the values have it, else the first in ``order`` that is none of ``but``."""
    return wanted if wanted in values.dims and wanted not in but else first_of(order, but)


def not_used(choice: Choice, dims: Container[Hashable], **used: str | None) -> str:
    """A note that names what a reader chose and the figure does not use.

    ``used`` are the dimensions that it has as ``x``, ``lines`` and ``panels``; selections are used of its data's ``dims``.

    Examples
    --------
    >>> not_used(Choice(x="weight", panels="variance", select={"level": 0}), ["weight", "variance"], x="weight")
    'Not used by this figure: panels = variance, select level.'
    """
    chosen = {"x": choice.x, "lines": choice.lines, "panels": choice.panels}
    lacking = [f"{key} = {called(name)}" for key, name in chosen.items() if name and name != used.get(key)]
    lacking += [f"select {called(name)}" for name in choice.select if name not in dims]
    return f"Not used by this figure: {', '.join(lacking)}." if lacking else ""
