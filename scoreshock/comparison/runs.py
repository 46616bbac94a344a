"""Difference of two results of one quantity, on their common axis values."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from scoreshock.checks import listed, shortened, show

TOLERANCE = 1e-12
"""Relative tolerance for equal axis values: ``np.linspace`` yields 1.2000000000000002 for 1.2."""

QUANTITY = "scoreshock_quantity"


def compare(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    """Difference of two results of one quantity, first minus second, on their common axis values.

    Parameters
    ----------
    first, second
        Results of one quantity with the same variables and axes, from ``ss.open_results`` or computed in the session.
        Numbers along an axis match if they agree to 1e-12 relative; text (criteria, schedules) matches if it is equal.

    Returns
    -------
    Dataset
        The difference of each numeric variable, under its name and with the labels of ``first``: NaN where either is NaN, 0
        where both are the same infinity, int64 for integers. Flags such as ``status`` are not subtracted but returned as
        ``status_first`` and ``status_second``. Lazy if the results are. The attribute ``left_out`` lists axis values that
        only one result has, and scalar coordinates that differ.

    Warns
    -----
    UserWarning
        If ``left_out`` is not empty.

    Raises
    ------
    ValueError
        If the quantities, variables, axes or coordinates differ, a variable holds text, an axis repeats a value, or an axis
        has no common value.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> runs = [ss.speciation(ss.families.pair(separation=np.array([1.0, 2.0]), weight=w)) for w in (0.5, 0.7)]
    >>> gap = ss.compare(*runs)
    >>> gap.tau_star.sel(criterion="leading").values.round(2)
    array([0.08, 0.32])
    >>> gap.status_second.sel(criterion="exact").values  # no_real_root
    array([2, 2], dtype=int8)
    """
    _check(first, second)
    notes: list[str] = []
    chosen: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})
    for axis in map(str, first.dims):
        if axis in first.indexes:
            chosen[0][axis], chosen[1][axis] = _shared(axis, first[axis].values, second[axis].values, notes)
    a, b = first.isel(chosen[0]), second.isel(chosen[1])
    b = b.assign_coords({axis: a[axis].variable for axis in chosen[0]})
    notes += _differing(a, b)
    variables: dict[str, xr.DataArray] = {}
    for name in map(str, a.data_vars):
        if "flag_meanings" in a[name].attrs:
            variables |= {f"{name}_first": a[name], f"{name}_second": b[name].transpose(*a[name].dims)}
        else:
            variables[name] = _difference(a[name], b[name])
    text = "; ".join(notes)
    if text:
        warnings.warn(f"left out of the comparison: {text}", UserWarning, stacklevel=2)
    coords = {name: a.coords[name] for name in a.coords if name in b.coords}
    described = {key: a.attrs[key] for key in (QUANTITY,) if key in a.attrs} | ({"left_out": text} if text else {})
    return xr.Dataset(variables, coords, described)


def _check(first: xr.Dataset, second: xr.Dataset) -> None:
    """Check that both are results of one quantity, with the same variables over the same axes."""
    for argument, result in (("first", first), ("second", second)):
        if not isinstance(result, xr.Dataset) or not result.data_vars:
            raise ValueError(f"{argument} = {show(result)} is not allowed; allowed: a Dataset, a result of one quantity")
        text = [name for name, variable in result.data_vars.items() if variable.dtype.kind not in "fiub"]
        if text:
            raise ValueError(f"{argument}: {listed(text)} holds no real numbers; allowed: numeric variables, so drop it")
    quantities = [each.attrs.get(QUANTITY) for each in (first, second)]
    if None not in quantities and quantities[0] != quantities[1]:
        raise ValueError(
            f"second is a result of {show(quantities[1])} and first of {show(quantities[0])}; allowed: one quantity"
        )
    for what, named in (
        ("variables", [set(map(str, each.data_vars)) for each in (first, second)]),
        ("coordinates", [{str(n) for n, c in each.coords.items() if c.ndim} for each in (first, second)]),
    ):
        _refuse_alone(what, *named)
    for name in map(str, first.data_vars):
        _refuse_alone(f"axes of {name}", *(set(map(str, each[name].dims)) for each in (first, second)))
    for axis in map(str, first.dims):
        if axis not in first.indexes and first.sizes[axis] != second.sizes[axis]:
            sizes = f"{first.sizes[axis]} values in first and {second.sizes[axis]} in second"
            raise ValueError(f"{axis} has {sizes}, and no labels; allowed: as many values, or labels along it")


def _refuse_alone(what: str, first: set[str], second: set[str]) -> None:
    """Check that both sets hold the same names."""
    for one, other, names in (("first", "second", first - second), ("second", "first", second - first)):
        if names:
            raise ValueError(
                f"{what}: {listed(sorted(names))} of {one} {'is' if len(names) == 1 else 'are'} not in {other}; "
                "allowed: the same in both, so drop or select what one of them lacks"
            )


def _shared(axis: str, first: np.ndarray, second: np.ndarray, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the common values in ``first`` and in ``second``, in the order of ``first``; ``notes`` gets the others."""
    for argument, values in (("first", first), ("second", second)):
        if len(np.unique(values)) < len(values):
            raise ValueError(f"{axis} of {argument} has a value twice; allowed: each value once")
    match = _matches(first, second)
    here = np.flatnonzero(match >= 0)
    there = match[here]
    if len(np.unique(there)) < len(there):
        raise ValueError(f"{axis} of first has values closer than {TOLERANCE:.0e} relative; allowed: each value once")
    if not len(here):
        shown = f"{shortened(show(first), 60)} in first and {shortened(show(second), 60)} in second"
        raise ValueError(f"{axis} has no value in common: {shown}; allowed: at least one, equal to {TOLERANCE:.0e} relative")
    for argument, values, kept in (("first", first, here), ("second", second, there)):
        alone = np.delete(values, kept)
        if len(alone):
            notes.append(f"{axis} {_few(alone)} of {argument}")
    return here, there


def _matches(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Index in ``second`` of each value of ``first``, -1 for none."""
    if not (first.dtype.kind in "fiu" and second.dtype.kind in "fiu"):
        return pd.Index(second.astype(str)).get_indexer(pd.Index(first.astype(str)))
    order = np.argsort(second)
    near = pd.Index(second[order].astype(float)).get_indexer(
        pd.Index(first.astype(float)), method="nearest", tolerance=TOLERANCE * np.abs(first)
    )
    return np.append(order, -1)[near]


def _few(values: Iterable) -> str:
    shown = [str(value) for value in np.asarray(values).tolist()]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5:,} more" if shown[5:] else "")


def _differing(a: xr.Dataset, b: xr.Dataset) -> list[str]:
    """Scalar coordinates that differ; other coordinates must agree."""
    notes = []
    for name in sorted(map(str, {*a.coords, *b.coords} - set(a.indexes))):
        values = [each.coords[name].values if name in each.coords else None for each in (a, b)]
        if all(value is not None and value.ndim for value in values) and not _agree(*values):
            raise ValueError(f"{name} differs between first and second on their common axes; allowed: the same positions")
        if any(value is None or not value.ndim for value in values) and not _agree(*values):
            notes.append(f"{name} = {show(_plain(values[0]))} in first and {show(_plain(values[1]))} in second")
    return notes


def _plain(value: np.ndarray | None) -> object:
    return None if value is None else value[()]


def _agree(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    if first is None or second is None or first.shape != second.shape:
        return False
    if first.dtype.kind in "fiu" and second.dtype.kind in "fiu":
        return bool(np.allclose(first, second, rtol=TOLERANCE, atol=0, equal_nan=True))
    return bool(np.array_equal(first, second))


def _difference(a: xr.DataArray, b: xr.DataArray) -> xr.DataArray:
    if a.dtype.kind != "f" and b.dtype.kind != "f":
        gap = a.astype(np.int64) - b.astype(np.int64)
    else:
        gap = (a - b).where(~((a == b) & np.isinf(a)), 0.0)
    units: Mapping = {key: a.attrs[key] for key in ("units",) if key in a.attrs}
    return gap.transpose(*a.dims).assign_attrs(long_name=f"first minus second: {a.attrs.get('long_name', a.name)}", **units)
