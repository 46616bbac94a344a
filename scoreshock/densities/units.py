"""Units of a mixture of data: what is subtracted from each feature, and what it is divided by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from scoreshock.checks import show, suggestion
from scoreshock.densities.tables.rows import Rows, deviations

SCALINGS = ("raw", "unit-range", "unit-variance")
ALLOWED = f"{', '.join(SCALINGS)}, {{scale: 0.18215}} (with shift: ... before it), {{range: [-1, 1]}}"
PIXELS = 255.0
"""Greatest number of the type uint8, which images have whatever their own greatest one is."""


class Units(NamedTuple):
    """The model's coordinates of a feature x are ``(x - offset) / divisor``."""

    offset: float
    divisor: np.ndarray  # (d,)
    attributes: dict[str, str]


def units_of(scaling: Any, x: Rows, low: np.ndarray, high: np.ndarray) -> Units:
    """Units of a table whose features have these least and greatest numbers, (d,) each.

    Raises
    ------
    ValueError
        For an unknown scaling.

    Examples
    --------
    >>> pixels = np.array([[0, 51], [102, 153]], dtype="uint8")
    >>> units_of({"range": [-1, 1]}, pixels, pixels.min(axis=0), pixels.max(axis=0)).attributes["scaling"]
    'range: 0 to 255 (of the type uint8) becomes -1 to 1'
    """
    if isinstance(scaling, Mapping):
        return _affine(scaling, x, low, high)
    if not isinstance(scaling, str) or scaling not in SCALINGS:
        raise ValueError(f"scaling = {show(scaling)} is not allowed{suggestion(scaling, SCALINGS)}; allowed: {ALLOWED}")
    words = {"scaling": scaling, "data_units": "as given" if scaling == "raw" else "as given, divided by feature_scale"}
    if scaling == "unit-variance":
        return Units(0.0, np.where(high == low, 1.0, deviations(x)), words)
    width = high.max() - low.min() if scaling == "unit-range" else 1.0
    return Units(0.0, np.full(x.shape[1], width if width > 0 else 1.0), words)


def _affine(scaling: Mapping[str, Any], x: Rows, low: np.ndarray, high: np.ndarray) -> Units:
    """Units by a factor after a shift, or from one range to another."""
    keys = set(scaling)
    if keys == {"range"}:
        start, stop = _numbers("range", scaling["range"], 2)
        pixels = x.dtype == np.uint8
        least, greatest = (0.0, PIXELS) if pixels else (float(low.min()), float(high.max()))
        if not start < stop or not least < greatest:
            raise ValueError(
                f"range = {show(scaling['range'])} of numbers from {least:g} to {greatest:g} is not allowed; allowed: a < b"
            )
        divisor = (greatest - least) / (stop - start)
        rule = "of the type uint8" if pixels else "of the table"
        words = f"range: {least:.12g} to {greatest:.12g} ({rule}) becomes {start:.12g} to {stop:.12g}"
        offset = least - start * divisor
    elif keys in ({"scale"}, {"scale", "shift"}):
        (factor,), (offset,) = (_numbers(key, scaling.get(key, 0.0), 1) for key in ("scale", "shift"))
        if not 1e-60 <= abs(factor) <= 1e60:
            raise ValueError(f"scale = {show(scaling['scale'])} is not allowed; allowed: a factor other than 0")
        divisor, words = 1.0 / factor, f"scale: (x - {offset:.12g}) {factor:.12g}"
    else:
        raise ValueError(f"scaling = {show(scaling)} is not allowed; allowed: {ALLOWED}")
    attributes = {"scaling": words, "data_units": "(as given - feature_offset) / feature_scale"}
    return Units(offset, np.full(x.shape[1], divisor), attributes)


def _numbers(name: str, value: Any, count: int) -> tuple[float, ...]:
    """``count`` finite numbers."""
    given = (value,) if count == 1 else tuple(value) if isinstance(value, list | tuple) else ()
    is_number = (isinstance(one, int | float | np.integer | np.floating) and not isinstance(one, bool) for one in given)
    if len(given) != count or not all(is_number) or not np.isfinite(given).all():
        allowed = "a finite number" if count == 1 else "two finite numbers"
        raise ValueError(f"{name} = {show(value)} is not allowed; allowed: {allowed}")
    return tuple(map(float, given))
