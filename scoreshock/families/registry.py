"""Families by name: what each takes, and the mixture of one that a study names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import xarray as xr

from scoreshock.conventions import AXES
from scoreshock.families.arguments import suggestion
from scoreshock.families.draws import random
from scoreshock.families.given import custom, data
from scoreshock.families.shapes import collinear, hierarchy, pair, polygon, simplex

REQUIRED: Final = inspect.Parameter.empty
"""Stands for the default of an argument that has none."""


@dataclass(frozen=True)
class Family:
    """A family of mixtures: its function, the axes and the parameters that it takes, with the parameters' defaults."""

    function: Callable[..., xr.Dataset]
    axes: tuple[str, ...]
    required_axes: tuple[str, ...]
    parameters: Mapping[str, Any]

    @classmethod
    def of(cls, function: Callable[..., xr.Dataset]) -> Family:
        """The family that the function's signature describes."""
        defaults = {name: given.default for name, given in inspect.signature(function).parameters.items()}
        axes = tuple(name for name in defaults if name in AXES)
        required = tuple(name for name in axes if defaults[name] is REQUIRED)
        parameters = {name: _plain(value) for name, value in defaults.items() if name not in AXES}
        return cls(function, axes, required, parameters)


def build(family: str, axes: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> xr.Dataset:
    """The mixture of a family by name: what a study names, checked.

    Parameters
    ----------
    family : str
        One of ``FAMILIES``.
    axes : mapping of name to array
        Values of the family's axes; those left out have their defaults.
    parameters : mapping
        The family's other arguments; those left out have their defaults.

    Returns
    -------
    xarray.Dataset
        As :func:`scoreshock.mixture`, with a dimension for each axis that is an array.

    Raises
    ------
    ValueError
        For an unknown family, axis or parameter, a missing or a disallowed one; the message says what is allowed.

    Examples
    --------
    >>> build("pair", {"separation": [1.0, 2.0]}, {"scaling": "fixed"}).component_mean.sel(component=1, feature=0).values
    array([1., 2.])
    """
    if family not in FAMILIES:
        raise ValueError(f"family = {family!r} is not known{suggestion(family, FAMILIES)}; allowed: {', '.join(FAMILIES)}")
    known = FAMILIES[family]
    _check_names(family, "axis", axes, known.axes)
    _check_names(family, "parameter", parameters or {}, known.parameters)
    needed = [*known.required_axes, *(name for name, value in known.parameters.items() if value is REQUIRED)]
    missing = [name for name in needed if name not in axes and name not in (parameters or {})]
    if missing:
        raise ValueError(f"family {family!r} needs {', '.join(missing)}")
    return known.function(**axes, **(parameters or {}))


def _check_names(family: str, kind: str, given: Mapping[str, Any], allowed: Any) -> None:
    for name in given:
        if name not in allowed:
            listed = ", ".join(allowed) or "none"
            raise ValueError(f"family {family!r} takes no {kind} {name!r}{suggestion(name, allowed)}; allowed: {listed}")


def _plain(value: Any) -> Any:
    """A default as it stands in a study: tuples are lists."""
    return list(value) if isinstance(value, tuple) else value


FAMILIES: dict[str, Family] = {
    function.__name__: Family.of(function)
    for function in (pair, collinear, polygon, simplex, hierarchy, random, custom, data)
}
