"""Figures of classes: which pairs part when, and the tree in which sets of classes part from noise to data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.figures import captions
from scoreshock.figures.annotation import on_image
from scoreshock.figures.description import FOLLOWING, Choice, Image, Line, Mark, Panel, figure
from scoreshock.figures.selection import selected, shown
from scoreshock.figures.slices import Slice, slices
from scoreshock.figures.style import WIDTH

WRITTEN = 12
"""Largest number of classes whose noise levels are written into the matrix."""

REACH = 1.05
"""Share by which a tree goes beyond its first and its last parting."""

NOISE = "noise level σ = √(2τ)"

Parting = tuple[float, list[str], list[str]]
"""Noise level of a parting, and the names of the classes on either side."""


def partings(dataset: xr.Dataset) -> list[Parting]:
    """The partings of classes of one density, from noise to data.

    Parameters
    ----------
    dataset
        Of ``ss.when`` or ``ss.decision_windows``, without sweep dimensions.

    Examples
    --------
    >>> import scoreshock as ss
    >>> for sigma, one, other in partings(ss.when(ss.mixture([0.0, 1.0, 4.0], variance=0.01))):
    ...     print(round(sigma, 3), one, other)
    1.465 ['0', '1'] ['2']
    0.479 ['0'] ['1']
    """
    names = class_names(dataset)
    sides = [dataset[name].values for name in ("sigma_parting", "parting_first", "parting_second")]
    together = {i: [i] for i in range(len(names))}
    found = []
    for sigma, first, second in zip(*(side[::-1] for side in sides), strict=True):  # from data to noise sets come together
        if first < 0 or second < 0:
            continue
        one, other = together[int(first)], together[int(second)]
        found.append((float(sigma), [names[i] for i in sorted(one)], [names[i] for i in sorted(other)]))
        for i in one + other:
            together[i] = one + other
    return found[::-1]


def class_names(dataset: xr.Dataset) -> list[str]:
    """Names of the classes of a dataset of pairs, in their order."""
    return list(dict.fromkeys(map(str, [*dataset.class_first.values, *dataset.class_second.values])))


def leaves(tree: Sequence[Parting]) -> list[str]:
    """Classes in an order in which each set of the tree stands together, the earlier parting outside.

    Examples
    --------
    >>> leaves([(2.0, ["a", "b", "c"], ["d"]), (1.0, ["a", "c"], ["b"]), (0.5, ["a"], ["c"])])
    ['a', 'c', 'b', 'd']
    """
    order: list[str] = []
    for _, one, other in tree:
        if not set(one) | set(other) <= set(order):
            order += [*one, *other]
        else:
            start = min(order.index(name) for name in (*one, *other))
            order[start : start + len(one) + len(other)] = [*one, *other]
    return order


@figure(of="decisions")
def class_pairs(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Noise level σ at which half of the class entropy of each pair of classes remains, for three classes or more."""
    return [panel for here, point in _points(dataset, choice) for panel in _pairs_panel(here, point)]


def _pairs_panel(here: Slice, point: xr.Dataset) -> list[Panel]:
    names = class_names(point)
    half = _half_decided(point)
    if len(names) < 3 or not bool(half.notnull().any()):
        return []
    order = leaves(partings(point))
    order += [name for name in names if name not in order]
    place = {name: number for number, name in enumerate(order)}
    sigma = np.full((len(order), len(order)), np.nan)
    for (one, other), value in zip(_pairs(point), half.values, strict=True):
        sigma[place[one], place[other]] = sigma[place[other], place[one]] = value
    index = np.arange(len(order), dtype=float)
    image = Image(index, index, sigma, "half decided at noise level σ")
    marks: tuple[Mark, ...] = (image,)
    if len(order) <= WRITTEN:
        i, j = np.nonzero(np.isfinite(sigma))
        marks += on_image(image, index[j], index[i], [f"{value:.2g}" for value in sigma[i, j]])
    look: dict[str, Any] = {"square": True, "xnames": tuple(order), "ynames": tuple(order)}
    notes = (*here.notes, captions.missing(half, logy=False), "Classes that part late stand together.")
    return [Panel(here.title, "class", "class", marks, notes=tuple(filter(None, notes)), **look)]


@figure(of="decisions")
def class_hierarchy(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Order in which sets of classes part from noise (left) to data (right), for three classes or more.

    A set parts where half of the class entropy of the last pair between its sides remains.
    """
    return [panel for here, point in _points(dataset, choice) for panel in _hierarchy_panel(here, point)]


def _hierarchy_panel(here: Slice, point: xr.Dataset) -> list[Panel]:
    tree = [parting for parting in partings(point) if parting[0] > 0]
    if len(tree) < 2:
        return []
    order = leaves(tree)
    names = _with_inseparable(point, order)
    alike = [name for name, leaf in zip(names, order, strict=True) if name != leaf]
    note = f"Classes that never part have one line: {'; '.join(alike)}." if alike else ""
    look: dict[str, Any] = {"logx": True, "falling": True, "ynames": names}
    notes = tuple(filter(None, (*here.notes, note)))
    return [Panel(here.title, f"{NOISE}, from noise to data", "class", (_tree(tree, order),), notes=notes, **look)]


@figure(of="when", beside=("decisions",))
def when_pairs(dataset: xr.Dataset, choice: Choice = FOLLOWING, decisions: xr.Dataset | None = None) -> list[Panel]:
    """Noise level σ at which half of the class entropy of each pair of classes remains.

    Nothing where the sweep has ``decisions``, whose figure is the same.
    """
    return class_pairs(dataset, choice) if decisions is None else []


@figure(of="when", beside=("decisions",))
def when_hierarchy(dataset: xr.Dataset, choice: Choice = FOLLOWING, decisions: xr.Dataset | None = None) -> list[Panel]:
    """Order in which sets of classes part from noise (left) to data (right).

    Nothing where the sweep has ``decisions``, whose figure is the same.
    """
    return class_hierarchy(dataset, choice) if decisions is None else []


def _points(dataset: xr.Dataset, choice: Choice) -> list[tuple[Slice, xr.Dataset]]:
    """The middle of a sweep, or what a reader chose."""
    chosen = selected(dataset, choice.select)
    return [(here, here.of(chosen)) for here in slices(chosen.sigma_parting, choice, chosen.dims, middle=True)]


def _half_decided(point: xr.Dataset) -> xr.DataArray:
    """Noise level at which each pair is half decided."""
    return shown(point, "sigma_pair", "pair_status").isel(remaining=1)


def _tree(tree: Sequence[Parting], order: Sequence[str]) -> Line:
    """Brackets from the sides of each parting to its noise level, as one line interrupted by NaN."""
    levels = [sigma for sigma, *_ in tree]
    begin, end = max(levels) * REACH, min(levels) / REACH
    sets = {name: (float(number), end) for number, name in enumerate(order)}  # position and noise level of each class's set
    x: list[float] = []
    y: list[float] = []
    for sigma, one, other in tree[::-1]:  # from data to noise
        (low, near), (high, far) = sets[one[0]], sets[other[0]]
        x += [near, sigma, sigma, far, np.nan]
        y += [low, low, high, high, np.nan]
        sets |= dict.fromkeys([*one, *other], ((low + high) / 2, sigma))
    for position, sigma in dict.fromkeys(sets.values()):  # sets that are together from the start
        x += [sigma, begin, np.nan]
        y += [position, position, np.nan]
    return Line(np.array(x), np.array(y), width=WIDTH)


def _with_inseparable(point: xr.Dataset, order: Sequence[str]) -> tuple[str, ...]:
    """Names of the leaves, each with those of the classes that never part from it."""
    never = [set(pair) for pair, sigma in zip(_pairs(point), _half_decided(point).values, strict=True) if np.isnan(sigma)]
    others = [name for name in class_names(point) if name not in order]
    return tuple(", ".join([name, *(other for other in others if {name, other} in never)]) for name in order)


def _pairs(point: xr.Dataset) -> list[tuple[str, str]]:
    """Names of both classes of each pair."""
    return [(str(one), str(other)) for one, other in zip(point.class_first.values, point.class_second.values, strict=True)]
