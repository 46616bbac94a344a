"""Conversion of axes, from a study or from arguments of functions, to labelled arrays."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from itertools import accumulate, repeat
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import check_axis

CORE = ("component", "feature")
"""Dimensions of a single mixture; all other dimensions are sweep dimensions."""

RATIO_DIGITS = 50
"""Decimal digits of the products of a logarithmic range: 1e6 products lose six digits, and a double needs seventeen."""


def values(spec: Mapping[str, Any]) -> np.ndarray:
    """Values of an axis: ``{"values": [...]}`` or ``{"start", "stop", "num", "scale": "linear" | "log"}``.

    A range includes both ends. ``start`` and ``stop`` are read as decimals, and each value is correctly rounded.
    Therefore 0.6 in a range equals the literal ``0.6``, and extending a range at the same step keeps its values.

    Examples
    --------
    >>> values({"start": 0.5, "stop": 1.0, "num": 6}).tolist()
    [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    >>> values({"start": 0.01, "stop": 10.0, "num": 4, "scale": "log"}).tolist()
    [0.01, 0.1, 1.0, 10.0]
    """
    if "values" in spec:
        return np.asarray(spec["values"])
    if spec["num"] == 1:
        return np.array([float(spec["start"])])
    spaced = _even_ratios if spec.get("scale", "linear") == "log" else _even_steps
    return spaced(Decimal(repr(float(spec["start"]))), Decimal(repr(float(spec["stop"]))), int(spec["num"]))


def _even_steps(start: Decimal, stop: Decimal, num: int) -> np.ndarray:
    first, step = Fraction(start), (Fraction(stop) - Fraction(start)) / (num - 1)
    shared = math.lcm(first.denominator, step.denominator)
    offset, slope = int(first * shared), int(step * shared)
    # Integers up to 2**53 are exact as doubles, so their quotient is correctly rounded; Python's integer division always is.
    exact = max(abs(offset), abs(offset + slope * (num - 1)), slope * (num - 1), shared) <= 2**53
    return ((offset + slope * np.arange(num, dtype=np.int64 if exact else object)) / shared).astype(float)


def _even_ratios(start: Decimal, stop: Decimal, num: int) -> np.ndarray:
    with localcontext(Context(prec=RATIO_DIGITS)):
        ratio = (stop / start) ** (Decimal(1) / (num - 1))
        inner = [float(value) for value in accumulate(repeat(ratio, num - 2), operator.mul, initial=start)]
    return np.array([*inner, float(stop)])


def size(spec: Mapping[str, Any]) -> int:
    """Number of values of an axis, without computing them."""
    return len(spec["values"]) if "values" in spec else int(spec["num"])


def expanded(result: xr.Dataset, labels: Mapping[str, np.ndarray], one_chunk: bool = False) -> xr.Dataset:
    """The layout of ``result`` with its axes expanded to other ``labels``; lazy zeros in place of numbers.

    Chunks have the shape of ``result``, or there is one chunk for each variable.

    Examples
    --------
    >>> one = xr.Dataset({"tau_star": ("separation", [1.5])}, {"separation": [1.0]})
    >>> expanded(one, {"separation": np.arange(3.0)}).tau_star.values
    array([0., 0., 0.])
    """
    import dask.array as da  # its import takes as long as drawing a small sweep

    def zeros(variable: xr.Variable) -> xr.Variable:
        shape = [len(labels.get(str(dim), range(length))) for dim, length in variable.sizes.items()]
        chunks = shape if one_chunk else variable.shape
        name = f"zeros-{shape}-{chunks}-{variable.dtype}"  # the digest that Dask would take takes most of the time
        return xr.Variable(variable.dims, da.zeros(shape, dtype=variable.dtype, chunks=chunks, name=name), variable.attrs)

    axes = {axis: xr.Variable((axis,), values, result[axis].attrs) for axis, values in labels.items()}
    indexes = {name: axes.get(str(name), result.variables[name]) for name in result.xindexes}
    others = {name: zeros(variable) for name, variable in result.variables.items() if name not in indexes}
    return xr.Dataset(others, indexes, result.attrs).set_coords([name for name in result.coords if name not in indexes])


def as_axis(name: str, value: Any) -> xr.DataArray:
    """Convert a sweep argument to a DataArray and check its values.

    Parameters
    ----------
    name
        One of ``conventions.AXES``, which defines the allowed values.
    value
        A number (no dimension), a 1D array (dimension ``name``, with its values as coordinate), or a DataArray, which keeps
        its dimensions.

    Raises
    ------
    ValueError
        For values that are not allowed, repeated labels, an array of two or more dimensions, and a DataArray with the
        dimension ``component`` or ``feature``.

    Examples
    --------
    >>> as_axis("variance", [0.25, 1.0]).coords["variance"].values
    array([0.25, 1.  ])
    """
    if isinstance(value, xr.DataArray):
        array = value.copy(data=check_axis(name, value.values))
        refused = [dim for dim in CORE if dim in array.dims]
        if refused:
            raise ValueError(f"{name} has the dimension {refused[0]!r}; allowed: sweep dimensions (one value for a mixture)")
        unlabelled = array.dims == (name,) and name not in array.coords
        return array.assign_coords({name: _distinct(name, array.values)}) if unlabelled else array
    values = check_axis(name, value)
    if values.ndim > 1:
        raise ValueError(
            f"{name} has {values.ndim} dimensions; allowed: a number, a 1D array, or a DataArray with named dims"
        )
    return xr.DataArray(values, {name: _distinct(name, values)} if values.ndim else None)


def _distinct(name: str, values: np.ndarray) -> np.ndarray:
    """Check that ``values`` are not empty and distinct, as labels of an axis have to be."""
    if values.size == 0:
        raise ValueError(f"{name} is empty; allowed: at least one value")
    ordered = np.sort(values)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if again.size:
        raise ValueError(f"{name} has the value {again[0]!s} more than once; allowed: distinct values")
    return values
