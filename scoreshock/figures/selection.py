"""What of a variable a figure draws: values that can be relied on, a reader's selection, and the axes that vary most."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from scoreshock.checks import listed, show, suggestion
from scoreshock.conventions import is_axis

Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)

FLAG = "flag"
"""Coordinate of a drawn variable with the status of each value, which indexing takes along."""

FEW = 4
"""Least number of values of an axis that lines run over, if there is an axis with so many; otherwise the longest."""

SAME = 1e-9
"""Relative difference of a selected value and the coordinate that it selects."""


def shown(dataset: xr.Dataset, name: str, flag: str = "") -> xr.DataArray:
    """A variable where its status is ok, NaN elsewhere, with the status as coordinate, by which a caption counts.

    Parameters
    ----------
    dataset
        A result.
    name
        The variable.
    flag
        Its status; by default the one that its attribute ``ancillary_variables`` names.

    Examples
    --------
    >>> import scoreshock as ss
    >>> tau = shown(ss.speciation(ss.families.pair(separation=[0.1, 2.0], variance=0.25)), "tau_star")
    >>> tau.sel(criterion="exact").isnull().values.ravel(), "flag" in tau.coords
    (array([ True, False]), True)
    """
    values = dataset[name].compute()
    named = [each for each in str(values.attrs.get("ancillary_variables", "")).split() if each.endswith("status")]
    flag = flag or next((each for each in named if each in dataset), "")
    if not flag:
        return values
    return (
        values.where(dataset[flag] == 0)
        .assign_coords({FLAG: dataset[flag].reset_coords(drop=True)})
        .assign_attrs(values.attrs)
    )


def selected(values: Labelled, select: Mapping[str, Any]) -> Labelled:
    """The part of a variable or of a dataset at a reader's selection, which has values, lists of values, and slices.

    Dimensions that it does not have are passed over.

    Raises
    ------
    ValueError
        Where a selected value is not among those of the dimension.
    """
    for name, wanted in select.items():
        if name not in values.dims:
            continue
        known = values[name].values if name in values.coords else np.arange(values.sizes[name])
        if isinstance(wanted, slice):
            inside = np.ones(known.size, bool)
            inside &= known >= wanted.start if wanted.start is not None else True
            inside &= known <= wanted.stop if wanted.stop is not None else True
            values = values.isel({name: np.flatnonzero(inside)})
            if not inside.any():
                raise ValueError(
                    f"select: {called(name)} from {show(wanted.start)} to {show(wanted.stop)} has no values{_has(known)}"
                )
        else:
            each = wanted if isinstance(wanted, list | tuple | np.ndarray) else [wanted]
            values = values.isel({name: [_index(name, known, one) for one in each]})
    return values


def _index(name: str, known: np.ndarray, wanted: Any) -> int:
    """Index of a selected value, which may differ by rounding."""
    if known.dtype.kind in "iuf" and isinstance(wanted, int | float | np.number) and not isinstance(wanted, bool):
        found = np.flatnonzero(np.abs(known - wanted) <= SAME * np.abs(wanted))
    else:
        found = np.flatnonzero(known.astype(str) == str(wanted))
    if not found.size:
        hint = suggestion(wanted, known.astype(str)) if known.dtype.kind not in "iuf" else ""
        raise ValueError(f"select: {called(name)} = {show(wanted)} is not in the data{hint}{_has(known)}")
    return int(found[0])


def _has(known: np.ndarray) -> str:
    texts = [f"{value:g}" if known.dtype.kind in "iuf" else str(value) for value in known.tolist()]
    return f"; allowed: {listed(texts)}"


def called(name: str) -> str:
    """What a reader calls a dimension, as a study does: its name without its unit.

    Examples
    --------
    >>> called("tau_scaled"), called("tau_relative"), called("weight")
    ('tau', 'tau', 'weight')
    """
    return name.removesuffix("_scaled").removesuffix("_relative")


def dimension(wanted: str, known: Iterable[Hashable]) -> str:
    """The dimension among those ``known`` that a reader means: by its name, or by what it is `called`.

    Examples
    --------
    >>> dimension("tau", ["weight", "tau_scaled"]), dimension("tau", ["tau", "weight"]), dimension("sigma", ["tau"])
    ('tau_scaled', 'tau', 'sigma')
    """
    names = [str(name) for name in known]
    return wanted if wanted in names else next((name for name in names if called(name) == wanted), wanted)


def choosable(datasets: Iterable[xr.Dataset]) -> list[str]:
    """What a reader can choose of datasets: what their dimensions of several values are `called`, else all dimensions."""
    sizes = {called(str(name)): size for dataset in datasets for name, size in dataset.sizes.items()}
    return [name for name, size in sizes.items() if size > 1] or list(sizes)


def swept(values: xr.DataArray) -> list[str]:
    """The sweep axes with more than one value: first the one that lines run over, the others by how much values vary.

    Lines run over the axis along which the values vary most, among those that have enough values for a line (`FEW`).
    """
    numeric = [name for name in values.dims if name in values.coords and values[name].dtype.kind in "iuf"]
    names = [str(name) for name in numeric if is_axis(str(name)) and values.sizes[name] > 1]
    order = sorted(names, key=lambda name: -variation(values, name)) if len(names) > 1 else names
    enough = min(FEW, max((values.sizes[name] for name in order), default=FEW))
    long = [name for name in order if values.sizes[name] >= enough]
    return [*long[:1], *(name for name in order if name not in long[:1])]


def variation(values: xr.DataArray, name: str) -> float:
    """Median range of the values along a dimension: of their logarithms if they span decades, else over their size."""
    numbers = np.moveaxis(np.asarray(values.values, float), values.get_axis_num(name), 0)
    if spans_decades(numbers):
        numbers = np.log(numbers)
    exists = np.isfinite(numbers)
    several = exists.sum(axis=0) > 1
    if not several.any():
        return 0.0
    high = np.where(exists, numbers, -np.inf).max(axis=0)[several]
    low = np.where(exists, numbers, np.inf).min(axis=0)[several]
    return float(np.median(high - low))


def spans_decades(values: np.ndarray) -> bool:
    """Whether numeric values are positive and span more than a factor of 50."""
    if values.dtype.kind not in "iuf":
        return False
    finite = values[np.isfinite(values)]
    return bool(finite.size > 1 and finite.min() > 0 and finite.max() > 50 * finite.min())


def geometric(values: np.ndarray) -> bool:
    """Whether three or more positive values have one ratio, as on a logarithmic axis.

    Examples
    --------
    >>> geometric(np.array([1.0, 2.0, 4.0])), geometric(np.array([1.0, 2.0, 3.0])), geometric(np.array([1.0, 2.0]))
    (True, False, False)
    """
    if values.dtype.kind not in "iuf" or values.size < 3 or not (values > 0).all():
        return False
    steps = np.diff(np.log(values))
    return bool(np.ptp(steps) <= 1e-2 * np.abs(steps).max())


def with_numbers(values: xr.DataArray, axis: str) -> list[int]:
    """The indices along ``axis`` at which some value is not NaN."""
    present: xr.DataArray = values.notnull().any([name for name in values.dims if name != axis])
    return [int(i) for i in np.flatnonzero(present.values)]


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` indices, evenly spaced from 0 to ``count - 1``."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most)).round()})


def named(values: xr.DataArray, by: str) -> bool:
    """Whether a dimension has names or indices without coordinate instead of numbers."""
    return values[by].dtype.kind not in "iuf"


def first_of(names: Sequence[str], but: Sequence[str | None]) -> str | None:
    """The first of ``names`` that is none of ``but``."""
    return next((name for name in names if name not in but), None)
