"""Arguments that families share, checked: lengths, weights, whole numbers, choices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.axes import CORE, as_axis
from scoreshock.checks import as_numbers, one_of, show, whole
from scoreshock.densities.mixtures import as_weights

SCALINGS = ("fixed", "per-coordinate")
MOST_COMPONENTS = 4096
"""More components than a k x k eigenproblem at every point of a sweep can bear."""


def scale_of(separation: Any, dimension: Any, scaling: str) -> xr.DataArray:
    """Length of a unit of the means' coordinates: ``separation``, times sqrt(dimension) when it is per coordinate."""
    length = as_axis("separation", separation)
    if one_of("scaling", scaling, SCALINGS) == "fixed":
        return length
    return product(length, xr.ufuncs.sqrt(as_axis("dimension", dimension)))


def product(first: xr.DataArray, second: xr.DataArray) -> xr.DataArray:
    """The product over labelled axes, which must agree where they are shared: by default unequal values would be dropped."""
    with xr.set_options(arithmetic_join="exact"):
        return first * second


def shares_of(k: int, weights: Any, weight: Any, marked: int) -> xr.DataArray:
    """Weights of the components; where ``weight`` is given it is that of ``marked``, and the others keep their ratios."""
    shares, index = as_weights(weights, k), whole("marked", marked, 0, k - 1)
    if weight is None:
        return shares
    chosen = xr.DataArray(np.arange(k) == index, dims="component")
    if k == 1:
        raise ValueError("weight is given for one component, whose weight is 1; allowed: at least two components")
    others = shares.where(~chosen, 0.0)
    share = as_axis("weight", weight)
    return xr.where(chosen, share, (1.0 - share) * (others / math.fsum(others.values)))


def points(coordinates: Any) -> xr.DataArray:
    return xr.DataArray(np.asarray(coordinates, dtype=float), dims=CORE)


def list_of(name: str, values: Any, k: int) -> np.ndarray:
    """``values`` as ``k`` finite numbers."""
    array = as_numbers(name, values)
    if array.shape != (k,):
        raise ValueError(f"{name} = {show(values)} has shape {array.shape}; allowed: {k} numbers, one for each vertex")
    return array
