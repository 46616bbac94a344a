"""Positions and diffusion times of a quantity, from arrays or from a study, also in natural units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from scoreshock import axes
from scoreshock.checks import as_numbers, as_real, mapping_of, show
from scoreshock.conventions import AXES, SHARED, Status, Variable, attributes, attributes_among
from scoreshock.densities.component_covariances import structure
from scoreshock.kernels.covariances import criteria as covariances
from scoreshock.kernels.covariances.components import Components
from scoreshock.kernels.gaussian import geometry, line
from scoreshock.kernels.speciation import criteria
from scoreshock.options import POSITIONS, TIMES, is_finite
from scoreshock.quantities.labelled import (
    Arguments,
    apply,
    checked_mixture,
    covariance_arguments,
    is_general,
    isotropic_only,
    means_and_weights,
    mixture_arguments,
    of_components,
)
from scoreshock.quantities.shared_variables import POSITION, TAU, TAU_STATUS

Numbers = xr.DataArray | np.ndarray | list | float
"""A number, an array or a list of them, or a labelled array."""

Points = Numbers
"""Positions: in one feature numbers, else arrays whose last dimension is that of the features."""

GridSpec = Mapping[str, Any]
"""Positions or times as a study writes them: ``values``, or ``start, stop, num, scale``; with ``unit``."""

DIRECTION = Variable("direction", "unit vector along the line through the layer", ("feature",))


def labelled_numbers(
    name: str, value: Any, axis: str | None = None, meaning: str = "", infinite: bool = False
) -> xr.DataArray:
    """``value`` as a DataArray of numbers; a 1D array becomes the dimension ``axis``, by default named as the argument.

    ``axis`` is empty where an array would be taken for a vector; ``meaning`` is the name in the vocabulary that describes
    the axis; with ``infinite`` infinity is a number too.
    """
    if isinstance(value, xr.DataArray):
        if value.dtype.kind not in "iuf":
            raise ValueError(f"{name} has the type {value.dtype}; allowed: real numbers")
        return value
    values = as_real(name, value, "numbers, or a DataArray of numbers")
    if not values.size:
        raise ValueError(f"{name} is empty; allowed: at least one number")
    if np.isnan(values).any() or not (infinite or np.isfinite(values).all()):
        raise ValueError(f"{name} = {show(value)} is not allowed; allowed: finite numbers")
    along = name if axis is None else axis
    if values.ndim > bool(along):
        one = "a number, a 1D array" if along else "a number"
        raise ValueError(f"{name} has shape {values.shape}; allowed: {one}, or a DataArray with named dimensions")
    if not values.ndim:
        return xr.DataArray(values)
    known = meaning or along
    described = attributes(known) if known in AXES or known in SHARED else {"long_name": f"argument {name}", "units": "1"}
    return xr.DataArray(values, {along: (along, values, described)}, dims=(along,))


def at_least(name: str, array: xr.DataArray, low: float = 0.0, missing: bool = False) -> xr.DataArray:
    """Numbers that are not below ``low``, nor NaN unless some may be ``missing``; those of Dask are not looked at."""
    if array.chunks is None and not bool(((array >= low) | (array.isnull() & missing)).all()):
        raise ValueError(f"{name} = {float(array.min()):g} is not allowed; allowed: numbers >= {low:g}")
    return array


def above(name: str, array: xr.DataArray, low: float = 0.0) -> xr.DataArray:
    """Numbers above ``low``; those of Dask are not looked at."""
    if array.chunks is None and not bool((array > low).all()):
        raise ValueError(f"{name} = {float(array.min()):g} is not allowed; allowed: numbers > {low:g}")
    return array


def positions(mixture: xr.Dataset, x: Points, name: str = "x") -> xr.DataArray:
    """``x`` as a DataArray with the mixture's features; of one feature a number is a point, and a 1D array several."""
    n = checked_mixture(mixture).sizes["feature"]
    if isinstance(x, xr.DataArray):
        x = labelled_numbers(name, x)
        if "feature" not in x.dims and n == 1:
            return x.expand_dims("feature", axis=-1)
        if x.sizes.get("feature") != n:
            size = x.sizes.get("feature")
            raise ValueError(f"{name}: feature has size {size}; the mixture has {n} (see scoreshock.project)")
        return x
    array = as_numbers(name, x)
    if n == 1 and array.ndim == 1:
        grid = xr.DataArray(array, dims="x", coords={"x": ("x", array, attributes("x"))})
        return grid.expand_dims("feature", axis=-1)
    array = array.reshape(1) if n == 1 and not array.ndim else array
    if array.ndim not in (1, 2) or array.shape[-1] != n:
        of_one = ", (points,) or a number" * (n == 1)
        raise ValueError(f"{name}: shape {array.shape}; allowed: ({n},) or (points, {n}){of_one}")
    return xr.DataArray(array, dims=("point", "feature")[-array.ndim :])


def times(tau: Numbers, name: str = "tau") -> xr.DataArray:
    """``tau`` as a DataArray; an array becomes the axis ``name``."""
    array = labelled_numbers(name, tau, meaning="tau", infinite=True)
    if array.chunks is None and bool((array < 0).any()):
        raise ValueError(f"{name} = {float(array.min())} is not allowed; allowed: numbers >= 0")
    return array


def diffusion_times(mixture: xr.Dataset, tau: GridSpec) -> xr.DataArray:
    """Diffusion times of a study's ``tau``; in units of speciation, NaN where the leading criterion has no time > 0."""
    if unit_of("tau", tau, TIMES) == "absolute":
        return axis(tau, "tau")
    if is_general(mixture):
        if structure(mixture) == "own":
            raise ValueError("tau: the unit speciation is not defined for own covariances; allowed: absolute")
        return times_in_units(tau, of_components(_multiples_of_general), covariance_arguments(mixture))
    return times_in_units(tau, _multiples_of_leading, mixture_arguments(mixture))


def times_in_units(tau: GridSpec, kernel: Callable[..., np.ndarray], arguments: Arguments) -> xr.DataArray:
    """Diffusion times of a study's ``tau``; in units of speciation by a ``kernel`` of the arguments and of ``scaled``."""
    if unit_of("tau", tau, TIMES) == "absolute":
        return axis(tau, "tau")
    scaled = axis(tau, "tau_scaled")
    found = apply(kernel, {**arguments, "scaled": (scaled, ("tau_scaled",))}, [TAU])
    return found.tau.assign_coords(scaled.coords)


def multiples(tau: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """Multiples ``scaled (m,)`` of ``tau (...)``, (..., m); NaN where it is not positive."""
    return np.where(tau > 0, tau, np.nan)[..., None] * scaled


def _multiples_of_leading(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    return multiples(criteria.leading(geometry.decompose(means, weights), variance)[0], scaled)


def _multiples_of_general(c: Components, scaled: np.ndarray) -> np.ndarray:
    return multiples(covariances.leading(c).tau, scaled)


def as_grid(numbers: Any) -> Any:
    """Numbers as the absolute positions or times of a study; a study's own stay as they are."""
    is_array = isinstance(numbers, list | tuple | np.ndarray | xr.DataArray) or is_finite(numbers)
    return {"values": np.atleast_1d(as_numbers("values", numbers)).tolist()} if is_array else numbers


def unit_of(name: str, spec: Any, units: tuple[str, ...] = POSITIONS) -> str:
    """Unit of positions or times in a study; ``ValueError`` unless they have the form of a grid."""
    allowed = f"a mapping of values, or start, stop, num and scale; with unit, one of {', '.join(units)}"
    keys = set(mapping_of(name, spec, allowed)) - {"unit"}
    numbers = keys == {"values"} or {"start", "stop", "num"} <= keys <= {"start", "stop", "num", "scale"}
    unit = spec.get("unit", "absolute")
    if not numbers or unit not in units:
        raise ValueError(f"{name} = {show(spec)} is not allowed; allowed: {allowed}")
    return str(unit)


def axis(spec: GridSpec, name: str) -> xr.DataArray:
    values = axes.values(spec).astype(float)
    return xr.DataArray(values, dims=name, coords={name: (name, values, attributes(name))}, name=name)


def line_axis(x: GridSpec, name: str = "x") -> tuple[str, xr.DataArray]:
    """Unit of a study's positions ``x`` along the line, and their axis ``name`` or ``<name>_scaled``."""
    unit = unit_of(name, x)
    return unit, axis(x, name if unit == "absolute" else f"{name}_scaled")


def on_line(mixture: xr.Dataset, x: GridSpec, tau: xr.DataArray, name: str = "x") -> xr.DataArray:
    """Points of the line through the layer at a study's positions ``x``, (..., name, feature).

    Their dimension is ``name`` where the ``unit`` is absolute, else ``<name>_scaled``; with the unit ``layer`` they also
    depend on ``tau``.
    """
    unit, grid = line_axis(x, name)
    along = (str(grid.name),)
    if unit == "layer":
        isotropic_only(mixture, "the unit layer")
    arguments: Arguments = means_and_weights(mixture) | {"grid": (grid, along)}
    arguments |= {"variance": mixture.component_variance, "tau": tau} if unit == "layer" else {}
    found = apply(line.points_on_line, arguments, [replace(POSITION, dims=(*along, "feature"))], unit=unit)
    return found.position.assign_coords(grid.coords)


def on_the_line(points: xr.DataArray) -> xr.DataArray:
    """Which points of `on_line` exist: in units of the layer none where the means coincide."""
    return (abs(points) < np.inf).all("feature")


def line_direction(mixture: xr.Dataset) -> xr.DataArray:
    """Unit vector along the line through the layer, (..., feature)."""
    return apply(line.line_through_layer, means_and_weights(mixture), [DIRECTION]).direction


def explained(found: xr.Dataset, known: xr.DataArray, *statuses: str) -> xr.Dataset:
    """The result with ``no_transition`` in ``statuses`` where a time or position of the study is not ``known``."""
    return found.assign({name: found[name].where(known, np.int8(Status.no_transition)) for name in statuses})


def with_times(found: xr.Dataset, tau: xr.DataArray, *statuses: str) -> xr.Dataset:
    """The result with the diffusion times ``tau`` of a study, NaN where they are multiples of a missing speciation time.

    There ``tau_status`` and ``statuses`` are ``no_transition``.
    """
    if "tau" in tau.dims:
        return found
    status = xr.zeros_like(tau.drop_attrs(), dtype=np.int8).assign_attrs(attributes_among(TAU_STATUS, [TAU]))
    return explained(found.assign(tau=tau, tau_status=status), tau.notnull(), "tau_status", *statuses)
