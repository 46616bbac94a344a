"""Families by name: what each takes, what is computed of it, and the density of one that a study names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import xarray as xr

from scoreshock.axes import as_axis
from scoreshock.checks import show, suggestion
from scoreshock.conventions import AXES, DEFAULT_CRITERIA, MIXTURE_CRITERIA, QUANTITIES, WELL_CRITERIA
from scoreshock.densities.families.draws import random
from scoreshock.densities.families.means import custom, data
from scoreshock.densities.families.shapes import collinear, hierarchy, pair, polygon, simplex
from scoreshock.densities.families.wells import quartic, tilted_quartic

REQUIRED: Final = inspect.Parameter.empty
"""Stands for the default of an argument that has none."""


@dataclass(frozen=True)
class Kind:
    """What the members of a family are: the quantities that are computed of them, and the criteria of their speciation.

    Attributes
    ----------
    quantities
        Name of each quantity, and the module of ``scoreshock.quantities`` whose ``compute`` gives it.
    criteria, default_criteria
        Criteria that may be asked for, and those that are by default.
    """

    quantities: Mapping[str, str]
    criteria: tuple[str, ...]
    default_criteria: tuple[str, ...]


MIXTURE: Final = Kind({name: name for name in QUANTITIES}, MIXTURE_CRITERIA, DEFAULT_CRITERIA)
WELL: Final = Kind({name: f"wells.{name}" for name in ("scores", "speciation", "layer")}, WELL_CRITERIA, WELL_CRITERIA)


@dataclass(frozen=True)
class Family:
    """A family of densities: its function, kind, axes and parameters, with the parameters' defaults."""

    function: Callable[..., xr.Dataset]
    kind: Kind
    axes: tuple[str, ...]
    required_axes: tuple[str, ...]
    parameters: Mapping[str, Any]

    @classmethod
    def of(cls, function: Callable[..., xr.Dataset], kind: Kind) -> Family:
        """The family that the function's signature describes."""
        defaults = {name: given.default for name, given in inspect.signature(function).parameters.items()}
        axes = tuple(name for name in defaults if name in AXES)
        required = tuple(name for name in axes if defaults[name] is REQUIRED)
        parameters = {name: _plain(value) for name, value in defaults.items() if name not in AXES}
        return cls(function, kind, axes, required, parameters)


def build(family: str, axes: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> xr.Dataset:
    """The density of a family by name: what a study names, checked.

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
        As :func:`scoreshock.mixture`, or the parameters of wells, with a dimension for each axis that is an array.

    Raises
    ------
    ValueError
        For an unknown family, axis or parameter, a missing or a disallowed one; the message says what is allowed.

    Examples
    --------
    >>> build("pair", {"separation": [1.0, 2.0]}, {"scaling": "fixed"}).component_mean.sel(component=1, feature=0).values
    array([1., 2.])
    """
    known = _known(family)
    _check_names(family, "axis", axes, known.axes)
    _check_names(family, "parameter", parameters or {}, known.parameters)
    needed = [*known.required_axes, *(name for name, value in known.parameters.items() if value is REQUIRED)]
    missing = [name for name in needed if name not in axes and name not in (parameters or {})]
    if missing:
        raise ValueError(f"family {family!r} needs {', '.join(missing)}")
    # A study's axis is a sweep by its name; a bare list could also be one value for each component.
    return known.function(**{name: as_axis(name, value) for name, value in axes.items()}, **(parameters or {}))


def module_of(family: str, quantity: str) -> str:
    """The module of ``scoreshock.quantities`` that computes a quantity of a family.

    Raises
    ------
    ValueError
        For an unknown family, or a quantity that is not computed of it; the message says what is allowed.

    Examples
    --------
    >>> module_of("pair", "speciation"), module_of("quartic", "speciation")
    ('speciation', 'wells.speciation')
    """
    modules = _known(family).kind.quantities
    if not isinstance(quantity, str) or quantity not in modules:
        raise ValueError(
            f"quantity = {show(quantity)} is not computed of the family {family!r}{suggestion(quantity, modules)}; "
            f"allowed: {', '.join(modules)}"
        )
    return modules[quantity]


def _known(family: str) -> Family:
    if not isinstance(family, str) or family not in FAMILIES:
        raise ValueError(
            f"family = {show(family)} is not known{suggestion(family, FAMILIES)}; allowed: {', '.join(FAMILIES)}"
        )
    return FAMILIES[family]


def _check_names(family: str, kind: str, given: Mapping[str, Any], allowed: Any) -> None:
    for name in given:
        if name not in allowed:
            listed = ", ".join(allowed) or "none"
            raise ValueError(f"family {family!r} takes no {kind} {show(name)}{suggestion(name, allowed)}; allowed: {listed}")


def _plain(value: Any) -> Any:
    """A default as it stands in a study: tuples are lists."""
    return list(value) if isinstance(value, tuple) else value


FAMILIES: dict[str, Family] = {
    function.__name__.replace("_", "-"): Family.of(function, kind)
    for kind, functions in (
        (MIXTURE, (pair, collinear, polygon, simplex, hierarchy, random, custom, data)),
        (WELL, (quartic, tilted_quartic)),
    )
    for function in functions
}
