"""Phase diagrams: over two swept axes, when one criterion is met, and the front of each: where its transition ends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.ndimage import distance_transform_cdt, maximum_filter, minimum_filter

from scoreshock.conventions import Status
from scoreshock.figures import captions
from scoreshock.figures.description import FOLLOWING, Choice, Contour, Image, Labels, Mark, Panel, figure
from scoreshock.figures.selection import selected, shown, spans_decades, swept
from scoreshock.figures.slices import Slice, chosen_axis, slices
from scoreshock.figures.style import OKABE_ITO, WIDTH, colours, label, stroke

FEWEST = 4
"""Least number of values of an axis of a phase diagram, unless a reader chose it."""

REFERENCE = "exact"
"""Criterion whose time is drawn."""

LARGE = 0.05
"""Share of the diagram from which on a region is labelled."""

REGIONS = {
    Status.no_transition: "no transition",
    Status.no_real_root: "no root",
    Status.below_data_variance: "v* < σ₀²",
    Status.diverged: "diverged",
}
"""Why there is no transition at any tau > 0, by status."""


def signed(tau: np.ndarray, status: np.ndarray) -> np.ndarray:
    """Speciation times that are negative where there is no transition, so that they vanish on the front.

    They vanish smoothly where ``v*`` reaches the data variance. Where the root itself ends, the other side of the front has
    no number: it is the negative of a typical time, and the front is right to one cell of the grid.

    Examples
    --------
    >>> signed(np.array([-0.5, 1.0, np.nan]), np.array([3, 0, 2]))
    array([-0.5,  1. , -1. ])
    """
    typical = np.median(tau[status == Status.ok]) if (status == Status.ok).any() else 1.0
    absent = np.isnan(tau) & np.isin(status, list(REGIONS))
    return np.where(absent, -typical, tau)


def with_one_front(fields: np.ndarray) -> list[list[int]]:
    """Groups of ``fields (criterion, y, x)`` with the same signs, in order; without those that have one sign everywhere."""
    groups: dict[bytes, list[int]] = {}
    for number, field in enumerate(fields):
        positive = field > 0
        if positive.any() and (field <= 0).any():
            groups.setdefault(positive.tobytes(), []).append(number)
    return list(groups.values())


def inner_point(region: np.ndarray, lines: np.ndarray | bool = False) -> tuple[int, int]:
    """Indices of a cell of a region ``(y, x)`` that is as far from its edge, and from cells with ``lines``, as any.

    Examples
    --------
    >>> inner_point(np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0]]) == 1)
    (1, 1)
    """
    free = region & ~np.asarray(lines)
    distance = distance_transform_cdt(np.pad(free if free.any() else region, 1), "taxicab")[1:-1, 1:-1]
    cells = np.argwhere(distance == distance.max())
    row, column = cells[len(cells) // 2]
    return int(row), int(column)


@figure(of="speciation")
def phase_diagram(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Speciation time over two axes, where there is a transition, and the front of each criterion.

    A front is where the transition of a criterion ends: its v* reaches the data variance, or its root ends. Of sweeps with
    two axes of several values; ``x`` and ``lines`` of a choice name them.
    """
    chosen = selected(dataset, choice.select)
    own = shown(chosen, "tau_star").sel(criterion=_reference(chosen)).load()
    long = [name for name in swept(own) if own.sizes[name] >= FEWEST]
    x = chosen_axis(own, choice.x, long, (choice.panels,))
    y = chosen_axis(own, choice.lines, long, (x, choice.panels))
    if x is None or y is None or not bool(own.notnull().any()):
        return []
    found = slices(own, choice, chosen.dims, x=x, lines=y)
    return [_diagram(here, here.of(chosen), here.of(own), x, y) for here in found]


def _reference(dataset: xr.Dataset) -> str:
    names = [str(name) for name in dataset.criterion.values]
    return REFERENCE if REFERENCE in names else names[0]


def _diagram(here: Slice, point: xr.Dataset, time: xr.DataArray, x: str, y: str) -> Panel:
    """The diagram of one slice of a result, with the time of its reference."""
    reference = _reference(point)
    marks = phase_marks(point, reference, x, y)
    fronts = [name for mark in marks if isinstance(mark, Contour) for name in mark.name.split(" = ")]
    lacking = [str(name) for name in point.criterion.values if name not in fronts]
    missing = captions.missing(time, logy=False)
    notes = (
        "A line is the front of a criterion: on one side of it there is no transition." if fronts else "",
        f"Without a front here: {', '.join(lacking)}." if lacking else "",
        f"Criterion {reference}: {missing}" if missing else "",
        *here.notes,
    )
    logx, logy = (spans_decades(point[name].values) for name in (x, y))
    kept = tuple(each for each in notes if each)
    return Panel(here.title, label(point[x]), label(point[y]), marks, logx, logy, notes=kept)


def phase_marks(point: xr.Dataset, reference: str, x: str, y: str) -> tuple[Mark, ...]:
    """Image of the time of the criterion ``reference``, and the front of each criterion, over two axes of one slice."""
    tau = point.tau_star.transpose("criterion", y, x)
    status = point.status.transpose("criterion", y, x).values
    names = [str(name) for name in tau.criterion.values]
    horizontal, vertical = point[x].values, point[y].values
    own = names.index(reference)
    time = np.where(status[own] == Status.ok, tau.values[own], np.nan)
    fields = np.stack([signed(*each) for each in zip(tau.values, status, strict=True)])
    regions = {text: status[own] == flag for flag, text in REGIONS.items()}
    result: list[Mark] = [
        Image(horizontal, vertical, time, f"speciation time τ*, {reference}", logarithmic=spans_decades(time)),
        *region_labels(regions, horizontal, vertical, fronts(fields > 0)),
    ]
    tints = colours(len(names), ordered=False)
    for group in with_one_front(fields):
        first = own if own in group else group[0]
        look = {"dash": (), "width": 1.5 * WIDTH} if first == own else stroke(first)
        name = " = ".join(names[number] for number in group)
        result.append(Contour(horizontal, vertical, fields[first], 0.0, name, tints[first], **look))
    return tuple(result)


def fronts(positive: np.ndarray) -> np.ndarray:
    """Cells ``(y, x)`` with a neighbour at which some of ``positive (criterion, y, x)`` has another value.

    Examples
    --------
    >>> fronts(np.array([[[False, False, True, True]]]))
    array([[False,  True,  True, False]])
    """
    around = (1, 3, 3)
    near: np.ndarray = (maximum_filter(positive, around) != minimum_filter(positive, around)).any(axis=0)
    return near


def region_labels(
    regions: Mapping[str, np.ndarray], x: np.ndarray, y: np.ndarray, lines: np.ndarray | bool = False
) -> list[Labels]:
    """A text within each large region ``(y, x)``, as far from its edge, and from cells with ``lines``, as possible."""
    large = {text: inner_point(region, lines) for text, region in regions.items() if region.mean() > LARGE}
    rows, columns = ([cell[axis] for cell in large.values()] for axis in (0, 1))
    return [Labels(x[columns], y[rows], tuple(large), OKABE_ITO[0])] if large else []
