"""Labelled densities with two wells: quartics over sweeps of their parameters, a potential or a table of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.axes import as_axis
from scoreshock.checks import as_real, show
from scoreshock.conventions import Variable, attributes
from scoreshock.kernels.wells import double_wells
from scoreshock.kernels.wells import parts as kernel
from scoreshock.quantities.labelled import Arguments, apply
from scoreshock.quantities.wells.callables import checked_function, checked_interval, checked_split, probe

STRUCTURE = (
    Variable("well_split", "barrier between the wells, at which the density is split"),
    Variable("well_low", "left well of the potential"),
    Variable("well_high", "right well of the potential"),
    Variable("well_share", "probability on the left of the split at data time"),
    Variable("log_normalisation", "natural logarithm of the integral of exp(-U)"),
    Variable("well_status", "outcome of the search for two wells"),
)
"""Variables of a density that `double_wells` finds."""

GIVEN = {
    "potential": Variable("potential", "the potential U, p0 ~ exp(-U)"),
    "table_x": Variable("table_x", "position in the table of the density"),
    "table_log_density": Variable("table_log_density", "natural logarithm of the tabulated density, up to a constant"),
    "table_split": Variable("table_split", "position at which the tabulated density is split"),
}
"""Variables of a density by its potential or by a table."""

KINDS = ("quartic", "tilted-quartic", "potential", "table")

PARAMETERS = ("quartic_coefficient", "half_distance", "tilt")
"""Axes of the quartics, as arguments of the kernel."""

Places = float | Sequence[float] | np.ndarray | xr.DataArray


def well(
    kind: str = "quartic",
    quartic_coefficient: Places = 1.0,
    half_distance: Places = 1.0,
    tilt: Places = 0.0,
    *,
    potential: Callable[[np.ndarray], np.ndarray] | None = None,
    slope: Callable[[np.ndarray], np.ndarray] | None = None,
    curvature: Callable[[np.ndarray], np.ndarray] | None = None,
    interval: tuple[float, float] | None = None,
    x: Sequence[float] | np.ndarray | None = None,
    log_density: Sequence[float] | np.ndarray | None = None,
    split: float | None = None,
) -> xr.Dataset:
    r"""A density ``p0 ~ exp(-U)`` of one variable with two wells or more, split at its highest barrier.

    .. math:: U(x) = c\,(x^2 - b^2)^2 - h\,x

    with ``quartic_coefficient`` c, ``half_distance`` b and ``tilt`` h, or a potential or a table of one's own.

    Parameters
    ----------
    kind
        ``quartic`` (h = 0), ``tilted-quartic``, ``potential`` or ``table``.
    quartic_coefficient, half_distance, tilt
        Numbers, 1D arrays, which become dimensions of their names, or DataArrays: ``c > 0``, ``b >= 0``. For quartics.
    potential, slope, curvature
        Vectorised U, and U' and U'' if known (else by differences), for ``potential``: functions of an array of places that
        return a real number for each, in double precision. U is smooth.
    interval
        Holds all wells and inflections of the potential, which is convex outside; found from ``|x| <= 1e6`` by default.
        Wells nearer to each other than 1/20,000 of it count as one.
    x, log_density
        For ``table``: ``ln p0`` up to a constant at ascending places; a cubic spline between them, straight lines
        outside.
    split
        Where to cut a potential or a table; by default at its highest barrier, also where there are more than two wells.

    Returns
    -------
    Dataset
        The parameters; ``well_split, well_low, well_high`` (the split and the deepest well on either side),
        ``well_share`` (probability left of the split), ``log_normalisation`` (``ln`` of the integral of ``exp(-U)``)
        and ``well_status``: ``ok``, or ``no_transition`` where one side of the split has no well; a single well is
        its own split. One of ``kind`` potential holds the callable and cannot be written to a file. Each ``(...)``,
        with the axes of the arguments; positions in the unit of ``x``.

    Raises
    ------
    ValueError
        For an unknown kind, a value that is not allowed, arguments of another kind, a potential that is not a real smooth
        function of each place, or derivatives that are not those of the potential.

    Notes
    -----
    Source: section 10, (95); the tilt is ours. A tilt ``|h| >= 8 c b^3/(3 sqrt 3)`` leaves one well.

    Examples
    --------
    >>> import scoreshock as ss
    >>> wells = ss.well("tilted-quartic", quartic_coefficient=[1.0, 2.0], tilt=0.1)
    >>> wells.well_split.values.round(12).tolist()
    [-0.02501565437, -0.012501954041]
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind = {show(kind)} is not allowed; allowed: {', '.join(KINDS)}")
    parameters = dict(zip(PARAMETERS, (quartic_coefficient, half_distance, tilt), strict=True))
    own: dict[str, Any] = {"potential": potential, "slope": slope, "curvature": curvature, "interval": interval, "x": x}
    own |= {"log_density": log_density, "split": split}
    _refuse_others(kind, {name for name, value in own.items() if value is not None})
    if kind == "potential":
        return _described(_potential(potential, slope, curvature, interval, split), kind)
    if kind == "table":
        return _described(_table(x, log_density, split), kind)
    axes = {name: as_axis(name, value) for name, value in parameters.items()}
    if kind == "quartic" and bool((axes["tilt"] != 0).any()):
        raise ValueError(f"tilt = {show(tilt)} is not allowed for kind 'quartic'; allowed: kind 'tilted-quartic'")
    return _described(xr.Dataset({f"well_{name}": array for name, array in axes.items()}), kind)


def _refuse_others(kind: str, given: set[str]) -> None:
    """Refuse arguments of another kind, and require those of this one."""
    needed = {"potential": {"potential"}, "table": {"x", "log_density"}}.get(kind, set())
    allowed = needed | {"potential": {"slope", "curvature", "interval", "split"}, "table": {"split"}}.get(kind, set())
    if not needed <= given:
        raise ValueError(f"kind {kind!r} needs {', '.join(sorted(needed - given))}")
    if not given <= allowed:
        raise ValueError(f"kind {kind!r} takes no {', '.join(sorted(given - allowed))}")


def _potential(potential: Any, slope: Any, curvature: Any, interval: Any, split: Any) -> xr.Dataset:
    ends = checked_interval(interval)
    places = probe(ends)
    given = {"potential": potential, "slope": slope, "curvature": curvature}
    functions = [None if f is None else checked_function(name, f, places) for name, f in given.items()]
    assert functions[0] is not None
    return _object(double_wells.potential(functions[0], functions[1], functions[2], ends, checked_split(split, ends)))


def _table(x: Any, log_density: Any, split: float | None) -> xr.Dataset:
    places, values = as_real("x", x), as_real("log_density", log_density)
    if places.ndim != 1 or places.size < 4 or values.shape != places.shape:
        raise ValueError(f"x, log_density: shapes {places.shape}, {values.shape}; allowed: (n,) both, n at least 4")
    if not (np.isfinite(values).all() and np.isfinite(places).all() and (np.diff(places) > 0).all()):
        raise ValueError("x, log_density: allowed: finite numbers, x strictly ascending")
    dataset = xr.Dataset({"table_x": ("knot", places), "table_log_density": ("knot", values)})
    return dataset if split is None else dataset.assign(table_split=checked_split(split, (places[0], places[-1])))


def _object(wells: kernel.Wells) -> xr.Dataset:
    holder = np.empty((), dtype=object)
    holder[()] = wells
    return xr.Dataset({"potential": ((), holder)})


def _described(parameters: xr.Dataset, kind: str) -> xr.Dataset:
    """The dataset of the parameters with the wells, and with attributes."""
    named = parameters.copy()
    for name in {*named.data_vars, *PARAMETERS} & set(named.variables):
        named[name].attrs = GIVEN[str(name)].attributes() if name in GIVEN else attributes(str(name))
    found = apply(of_wells(kernel.Wells.structure), parameters_of(named), STRUCTURE)
    return named.merge(found, join="exact", compat="no_conflicts").assign_attrs(kind=kind)


def parameters_of(well: xr.Dataset) -> Arguments:
    """The wells' parameters as arguments of a kernel `of_wells`."""
    forms = ({f"well_{name}" for name in PARAMETERS}, {"potential"}, {"table_x", "table_log_density"})
    if not isinstance(well, xr.Dataset) or not any(form <= set(well.data_vars) for form in forms):
        raise ValueError(f"well = {show(well)} is not allowed; allowed: a density with two wells, from ss.well")
    if "well_quartic_coefficient" in well:
        return {name: well[f"well_{name}"] for name in PARAMETERS}
    return dict(zip(PARAMETERS, (xr.DataArray(_given(well)), xr.DataArray(0.0), xr.DataArray(0.0)), strict=True))


def _given(dataset: xr.Dataset) -> np.ndarray:
    """Wells of a callable or of a table, as an array of no dimension."""
    if "potential" in dataset:
        return dataset["potential"].values
    split = float(dataset.table_split) if "table_split" in dataset else None
    found = double_wells.table(dataset.table_x.values, dataset.table_log_density.values, split)
    return _object(found)["potential"].values


def of_wells(function: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel of wells as a kernel of the arguments `parameters_of` (a partial, so that it can be pickled)."""
    return partial(_of_wells, function)


def _of_wells(function: Callable[..., Any], **arguments: Any) -> Any:
    return function(made(*(arguments.pop(name) for name in PARAMETERS)), **arguments)


def made(coefficient: np.ndarray, half_distance: np.ndarray, tilt: np.ndarray) -> kernel.Wells:
    """The kernel's wells from the arrays of `parameters_of`."""
    if coefficient.dtype == object:
        found: kernel.Wells = coefficient.reshape(-1)[0]
        return found
    return double_wells.quartic(coefficient, half_distance, tilt)
