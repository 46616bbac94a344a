"""The order of decisions in a report: which classes part when, and which pairs of them last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.figures.style import short
from scoreshock.reports import cascade

NAMED = 12
"""Classes of one side of a parting that are named; of more their number is."""

PAIRS_SHOWN = 12
"""Pairs of classes in a report: those that part last."""


def with_error(value: float, error: float) -> str:
    """A number and its standard error, where it has one."""
    return f"{short(value)} ± {f'{error:.2g}' if np.isfinite(error) else '–'}"


def partings(moments: xr.Dataset) -> list[tuple[float, list[str], list[str]]]:
    """Noise level of each parting, from noise to data, and the names of the classes on either side.

    Examples
    --------
    >>> import scoreshock as ss
    >>> for sigma, one, other in partings(ss.when(ss.mixture([0.0, 1.0, 4.0], variance=0.01))):
    ...     print(round(sigma, 3), one, other)
    1.465 ['0', '1'] ['2']
    0.479 ['0'] ['1']
    """
    names = cascade.names_of_classes(moments)
    sides = [moments[name].values for name in ("sigma_parting", "parting_first", "parting_second")]
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


def order(moments: xr.Dataset) -> list[str]:
    """In which order classes part."""
    rows = order_rows(moments)
    return ["Classes part, from noise to data, at sigma:", *(f"  {' '.join(row)}" for row in rows)] if rows else []


def order_rows(moments: xr.Dataset) -> list[list[str]]:
    """Noise level and both sides of each parting."""
    if moments.sizes["pair"] < 2:
        return []
    return [[short(sigma), f"{_named(one)} | {_named(other)}"] for sigma, one, other in partings(moments)]


def _named(classes: Sequence[str]) -> str:
    return ", ".join(classes) if len(classes) <= NAMED else f"{len(classes)} classes"


def last_pairs(moments: xr.Dataset) -> list[str]:
    """Which pairs of classes part last."""
    if moments.sizes["pair"] < 2:
        return []
    half = moments.sigma_pair.isel(remaining=1)
    order, sigmas = np.argsort(half.fillna(np.inf).values)[:PAIRS_SHOWN], _pair_levels(moments)
    pairs = [f"{moments.class_first.values[i]} and {moments.class_second.values[i]} at {sigmas[i]}" for i in order]
    return [f"Pairs of classes that part last, half decided at sigma: {', '.join(pairs)}."]


def pair_rows(moments: xr.Dataset) -> list[list[str]]:
    half = moments.sigma_pair.isel(remaining=1).values
    if len(half) < 2:
        return []
    order = np.argsort(-np.nan_to_num(half), kind="stable")
    names = zip(moments.class_first.values[order], moments.class_second.values[order], strict=True)
    return [[str(a), str(b), level] for (a, b), level in zip(names, _pair_levels(moments, order), strict=True)]


def _pair_levels(moments: xr.Dataset, order: Any = slice(None)) -> list[str]:
    """Noise level at which each pair is half decided, with its standard error from the data, if there is one."""
    half = moments.isel(remaining=1)
    sigma = half.sigma_pair.values[order]
    if "sigma_pair_standard_error" not in moments:
        return [short(value) for value in sigma]
    return [
        with_error(value, error) for value, error in zip(sigma, half.sigma_pair_standard_error.values[order], strict=True)
    ]
