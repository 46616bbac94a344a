"""Families by name: what each takes, and the density of one that a study names.

Functions with the decorator `family` are families, of this package, of a session or of a plugin.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, overload

import xarray as xr

from scoreshock.axes import as_axis
from scoreshock.checks import show, suggestion
from scoreshock.conventions import AXES, Axis, ListedAxis
from scoreshock.plugins import Registry

REQUIRED: Final = inspect.Parameter.empty
"""Stands for the default of an argument that has none."""

Function = Callable[..., xr.Dataset]
Declared = TypeVar("Declared", bound=Function)


@dataclass(frozen=True, eq=False)
class Family:
    """A family of densities: its function, the kind of its densities, axes and parameters, with the parameters' defaults."""

    function: Function
    density: str
    axes: tuple[str, ...]
    required_axes: tuple[str, ...]
    parameters: Mapping[str, Any]
    axes_of: Callable[[Mapping[str, Any]], Mapping[str, ListedAxis]]

    @property
    def of_files(self) -> bool:
        """Whether a file can give it further axes."""
        return self.axes_of is not _no_axes

    def axes_with(self, parameters: Mapping[str, Any]) -> dict[str, Axis]:
        """Its axes by name, with those of the file that the parameters name."""
        return {name: AXES[name] for name in self.axes} | dict(self.axes_of(parameters))


def _no_axes(_parameters: Mapping[str, Any]) -> Mapping[str, ListedAxis]:
    return {}


FAMILIES: Registry[Family] = Registry("family", "families")


@overload
def family(function: Declared) -> Declared: ...
@overload
def family(
    *,
    density: str = "mixture",
    name: str = "",
    axes_of: Callable[[Mapping[str, Any]], Mapping[str, ListedAxis]] = _no_axes,
) -> Callable[[Declared], Declared]: ...
def family(
    function: Function | None = None,
    *,
    density: str = "mixture",
    name: str = "",
    axes_of: Callable[[Mapping[str, Any]], Mapping[str, ListedAxis]] = _no_axes,
) -> Any:
    """Declare the decorated function as a family.

    Parameters
    ----------
    function
        Of labelled axes, those of its arguments that are in `scoreshock.conventions.AXES`, and of parameters, to a density.
    density
        Kind of its densities: ``mixture``, ``wells`` or ``networks``.
    name
        As a study writes it; by default that of the function, with ``-`` for ``_``.
    axes_of
        Further axes, from parameters; the function takes their values as the mapping ``select``.

    Returns
    -------
    function
        The decorated function, which ``ss.families`` then has by its name; it returns a mixture as :func:`mixture` does.

    Raises
    ------
    ValueError
        For a name that is taken, an argument that cannot be one of a study, and an unknown kind of densities.

    Examples
    --------
    >>> import scoreshock as ss
    >>> @ss.family
    ... def shifted_pair(separation, shift=0.5):
    ...     return ss.mixture((ss.families.pair(separation).component_mean + shift))
    >>> ss.families.build("shifted-pair", {"separation": 1.0}).component_mean.values.ravel()
    array([-0.5,  1.5])
    """

    def declare(function: Function) -> Function:
        defaults = {key: given.default for key, given in inspect.signature(function).parameters.items()}
        axes = tuple(key for key in defaults if key in AXES)
        required = tuple(key for key in axes if defaults[key] is REQUIRED)
        taken = AXES if axes_of is _no_axes else (*AXES, "select")
        parameters = {key: _plain(value) for key, value in defaults.items() if key not in taken}
        key = name or function.__name__.replace("_", "-")
        FAMILIES.add(key, Family(function, density, axes, required, parameters, axes_of), function)
        return function

    return declare if function is None else declare(function)


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
    >>> import scoreshock as ss
    >>> pairs = ss.families.build("pair", {"separation": [1.0, 2.0]}, {"scaling": "fixed"})
    >>> pairs.component_mean.sel(component=1, feature=0).values
    array([1., 2.])
    """
    known = family_of(family)
    more = known.axes_of(parameters or {}) if set(axes) - set(known.axes) else {}
    _check_names(family, "axis", axes, [*known.axes, *more])
    _check_names(family, "parameter", parameters or {}, known.parameters)
    needed = [*known.required_axes, *(name for name, value in known.parameters.items() if value is REQUIRED)]
    missing = [name for name in needed if name not in axes and name not in (parameters or {})]
    if missing:
        raise ValueError(f"family {family!r} needs {', '.join(missing)}")
    # A study's axis is a sweep by its name; a bare list could also be one value for each component.
    given = {name: as_axis(name, value) for name, value in axes.items() if name not in more}
    selected = {"select": {name: values for name, values in axes.items() if name in more}} if more else {}
    return known.function(**given, **selected, **(parameters or {}))


def family_of(family: str) -> Family:
    """The family of this name; ``ValueError`` where there is none."""
    if not isinstance(family, str) or family not in FAMILIES:
        raise ValueError(
            f"family = {show(family)} is not known{suggestion(family, FAMILIES)}; allowed: {', '.join(FAMILIES)}"
        )
    return FAMILIES[family]


def _check_names(family: str, kind: str, given: Mapping[str, Any], allowed: Any) -> None:
    for name in given:
        if name not in allowed:
            listed = ", ".join(allowed) or "none"
            meant = MEANT.get(name, "") if isinstance(name, str) else ""
            hint = f" (write {meant})" if meant.partition(":")[0] in allowed else suggestion(name, allowed)
            raise ValueError(f"family {family!r} takes no {kind} {show(name)}{hint}; allowed: {listed}")


MEANT = {
    **{"scale": "scaling: {scale: ...}", "shift": "scaling: {scale: ..., shift: ...}", "range": "scaling: {range: [...]}"},
    **dict.fromkeys(("labels", "target", "class"), "label: ..."),
    **dict.fromkeys(("sep", "separator"), "delimiter: ..."),
}
"""How a study writes what other programs have as parameters."""


def _plain(value: Any) -> Any:
    """A default as it stands in a study: tuples are lists."""
    return list(value) if isinstance(value, tuple) else value
