"""The order of decisions in a report: which classes part when, and which pairs of them last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.figures.classes import partings
from scoreshock.figures.style import short

NAMED = 12
"""Classes of one side of a parting that are named; of more their number is."""

PAIRS_SHOWN = 12
"""Pairs of classes in a report: those that part last."""


def with_error(value: float, error: float) -> str:
    """A number and its standard error, where it has one."""
    return f"{short(value)} ± {f'{error:.2g}' if np.isfinite(error) else '–'}"


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
