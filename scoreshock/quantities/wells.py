"""Labelled densities with two wells: quartics over sweeps of their parameters, a potential or a table of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Axis, Status, attributes
from scoreshock.kernels import double_wells, well_times
from scoreshock.kernels import wells as kernel
from scoreshock.quantities.labelled import Arguments, Output, apply
from scoreshock.quantities.points import times
from scoreshock.quantities.speciation import clock
from scoreshock.schedules import Schedule

KINDS = ("quartic", "tilted-quartic", "potential", "table")

CRITERIA = ("boundary", "merging", "matched-gaussian")

PARAMETERS = {
    "coefficient": Axis(
        "coefficient c of the quartic potential c (x^2 - b^2)^2 - h x", "a finite number > 0", 0.0, low_open=True
    ),
    "half_distance": Axis(
        "half the distance b of the wells of the potential c (x^2 - b^2)^2 without tilt", "a finite number >= 0", 0.0
    ),
    "tilt": Axis("tilt h of the quartic potential c (x^2 - b^2)^2 - h x", "a finite number", -np.inf, low_open=True),
}

Places = float | Sequence[float] | np.ndarray | xr.DataArray


def well(
    kind: str = "quartic",
    coefficient: Places = 1.0,
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
    r"""A density ``p0 ~ exp(-U)`` of one variable with two wells, split at the barrier between them.

    .. math:: U(x) = c\,(x^2 - b^2)^2 - h\,x

    with ``coefficient`` c, ``half_distance`` b and ``tilt`` h, or a potential or a table of one's own.

    Parameters
    ----------
    kind
        ``quartic`` (h = 0), ``tilted-quartic``, ``potential`` or ``table``.
    coefficient, half_distance, tilt
        Numbers, 1D arrays, which become dimensions of their names, or DataArrays: ``c > 0``, ``b >= 0``. For quartics.
    potential, slope, curvature
        Vectorised U, and U' and U'' if known (else by differences), for ``potential``. U is smooth.
    interval
        Holds all wells and inflections of the potential, which is convex outside; found from ``|x| <= 1e6`` by default.
    x, log_density
        For ``table``: ``ln p0`` up to a constant at ascending places; a cubic spline between them, straight lines
        outside.
    split
        Where to cut a potential or a table; by default at its highest barrier between two wells.

    Returns
    -------
    Dataset
        The parameters; ``well_split, well_low, well_high`` (barrier and wells), ``well_share`` (probability left of
        the split), ``log_normalisation`` (``ln`` of the integral of ``exp(-U)``) and ``well_status``: ``ok``, or
        ``no_transition`` where there is one well, which is then its own split. One of ``kind`` potential holds the
        callable and cannot be written to a file.

    Raises
    ------
    ValueError
        For an unknown kind, a value that is not allowed, or arguments of another kind.

    Notes
    -----
    Source: section 10, (95); the tilt is ours. A tilt ``|h| >= 8 c b^3/(3 sqrt 3)`` leaves one well.

    Examples
    --------
    >>> wells = well("tilted-quartic", coefficient=[1.0, 2.0], tilt=0.1)
    >>> wells.well_split.values.round(12).tolist()
    [-0.02501565437, -0.012501954041]
    """
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is not allowed; allowed: {', '.join(KINDS)}")
    parameters = {"coefficient": coefficient, "half_distance": half_distance, "tilt": tilt}
    own: dict[str, Any] = {"potential": potential, "slope": slope, "curvature": curvature, "interval": interval, "x": x}
    own |= {"log_density": log_density, "split": split}
    _refuse_others(kind, {name for name, value in own.items() if value is not None})
    if kind == "potential":
        assert potential is not None
        return _described(_object(double_wells.potential(potential, slope, curvature, interval, split)), kind)
    if kind == "table":
        return _described(_table(x, log_density, split), kind)
    axes = {name: _parameter(name, value) for name, value in parameters.items()}
    if kind == "quartic" and bool((axes["tilt"] != 0).any()):
        raise ValueError(f"tilt = {tilt!r} is not allowed for kind 'quartic'; allowed: kind 'tilted-quartic'")
    return _described(xr.Dataset({f"well_{name}": array for name, array in axes.items()}), kind)


def _refuse_others(kind: str, given: set[str]) -> None:
    """Refuse arguments of another kind, and require those of this one."""
    needed = {"potential": {"potential"}, "table": {"x", "log_density"}}.get(kind, set())
    allowed = needed | {"potential": {"slope", "curvature", "interval", "split"}, "table": {"split"}}.get(kind, set())
    if not needed <= given:
        raise ValueError(f"kind {kind!r} needs {', '.join(sorted(needed - given))}")
    if not given <= allowed:
        raise ValueError(f"kind {kind!r} takes no {', '.join(sorted(given - allowed))}")


def _parameter(name: str, value: Places) -> xr.DataArray:
    """A parameter as a checked DataArray; a 1D array becomes the dimension of its name."""
    given = value if isinstance(value, xr.DataArray) else None
    array = np.asarray(value if given is None else given.values)
    axis = PARAMETERS[name]
    good = axis.accepts(array.astype(float)) if array.dtype.kind in "iuf" else np.array(False)
    if not np.all(good) or not array.size or (given is None and array.ndim > 1):
        raise ValueError(f"{name} = {value!r} is not allowed; allowed: {axis.allowed}, or a 1D array of distinct such")
    numbers = array.astype(float)
    if given is None:
        given = xr.DataArray(numbers, dims=(name,)[: array.ndim])
    if given.dims == (name,) and name not in given.coords:
        if np.unique(numbers).size < numbers.size:
            raise ValueError(f"{name} = {value!r} has a value more than once; allowed: distinct values")
        return given.copy(data=numbers).assign_coords({name: (name, numbers, _meaning(name))})
    return given.copy(data=numbers)


def _meaning(name: str) -> dict[str, object]:
    return {"long_name": PARAMETERS[name].long_name, "units": "1"}


def _table(x: Any, log_density: Any, split: float | None) -> xr.Dataset:
    places, values = np.asarray(x, dtype=float), np.asarray(log_density, dtype=float)
    if places.ndim != 1 or places.size < 4 or values.shape != places.shape:
        raise ValueError(f"x, log_density: shapes {places.shape}, {values.shape}; allowed: (n,) both, n at least 4")
    if not (np.isfinite(values).all() and np.isfinite(places).all() and (np.diff(places) > 0).all()):
        raise ValueError("x, log_density: allowed: finite numbers, x strictly ascending")
    dataset = xr.Dataset({"table_x": ("knot", places), "table_log_density": ("knot", values)})
    return dataset if split is None else dataset.assign(table_split=float(split))


def _object(wells: kernel.Wells) -> xr.Dataset:
    holder = np.empty((), dtype=object)
    holder[()] = wells
    return xr.Dataset({"potential": ((), holder)})


def _described(parameters: xr.Dataset, kind: str) -> xr.Dataset:
    """The dataset of the parameters with what the search of the wells found, and with attributes."""
    outputs = ["well_split", "well_low", "well_high", "well_share", "log_normalisation"]
    found = apply(_structure, *_call(parameters, [*map(Output, outputs), Output("well_status", (), np.int8)]))
    dataset = parameters.merge(found, join="exact", compat="no_conflicts").assign_attrs(kind=kind)
    for name in parameters.data_vars:
        own = str(name).removeprefix("well_")
        dataset[name].attrs = _meaning(own) if own in PARAMETERS else attributes(str(name))
    return dataset


def _call(dataset: xr.Dataset, outputs: list[Output]) -> tuple[Arguments, list[Output]]:
    """Arguments of a kernel that begins with a density's parameters, which `_wells` makes wells of."""
    if "well_coefficient" in dataset:
        return [(dataset[f"well_{name}"], ()) for name in PARAMETERS], outputs
    return [(xr.DataArray(_given(dataset)), ()), *[(xr.DataArray(0.0), ())] * 2], outputs


def _given(dataset: xr.Dataset) -> np.ndarray:
    """Wells of a callable or of a table, as an array of no dimension."""
    if "potential" in dataset:
        return dataset["potential"].values
    split = float(dataset.table_split) if "table_split" in dataset else None
    found = double_wells.table(dataset.table_x.values, dataset.table_log_density.values, split)
    return _object(found)["potential"].values


def _wells(coefficient: np.ndarray, half_distance: np.ndarray, tilt: np.ndarray) -> kernel.Wells:
    if coefficient.dtype == object:
        found: kernel.Wells = coefficient.reshape(-1)[0]
        return found
    return double_wells.quartic(coefficient, half_distance, tilt)


def _structure(c: np.ndarray, b: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
    wells = _wells(c, b, h)
    values = (wells.split, wells.low, wells.high, wells.share, wells.log_total, wells.status)
    return tuple(value.reshape(wells.shape) for value in values)


def _places(x: Places) -> xr.DataArray:
    """Positions as a DataArray; a 1D array is the grid ``x``."""
    if isinstance(x, xr.DataArray):
        return x
    array = np.asarray(x, dtype=float)
    if array.ndim > 1:
        raise ValueError(f"x has {array.ndim} dimensions; allowed: a number, a 1D array, or a DataArray")
    return xr.DataArray(array, {"x": ("x", array, attributes("x"))} if array.ndim else None, ("x",)[: array.ndim])


def well_fields(
    well: xr.Dataset, x: Places, tau: float | np.ndarray | xr.DataArray = 0.0, error: bool = False
) -> xr.Dataset:
    """Density, score and binary decomposition of a density with two wells, at ``x`` and ``tau``.

    Parameters
    ----------
    well
        From :func:`well`; its sweep dimensions carry over.
    x
        Positions: a number, a 1D array (the dimension ``x``), or a DataArray.
    tau
        Diffusion times >= 0; an array is the dimension ``tau``.
    error
        Also estimate the error of the quadrature, at three times the cost.

    Returns
    -------
    Dataset
        ``log_density``, ``score``, ``score_jacobian`` (its derivative) with ``score_status``; for the left part
        ``p1`` and the right part ``p2``: ``log_ratio`` phi = ``ln(p1/p2)``, its ``log_ratio_gradient``,
        ``log_ratio_hessian`` (second derivative) and ``log_ratio_rate``, ``background`` and ``interfacial`` part of
        the score, ``decomposition_residual`` of (37) and ``log_ratio_residual`` of (38) relative to their largest
        terms, with ``layer_status``. With ``error`` ``log_density_error``, of the worse part.

    Notes
    -----
    ``layer_status`` is ``singular`` at tau = 0, where the parts do not overlap, and ``no_transition`` for one well: their
    results are NaN there.

    Examples
    --------
    >>> found = well_fields(well("quartic"), x=0.3, tau=0.1)
    >>> round(float(found.score), 12), round(float(found.log_ratio), 12)
    (0.459147359895, -1.332368315926)
    """
    names = ["log_density", "score", "score_jacobian", *LAYER]
    statuses = [Output("score_status", (), np.int8), Output("layer_status", (), np.int8)]
    outputs = [*map(Output, names), *statuses, *([Output("log_density_error")] if error else [])]
    arguments, outputs = _call(well, outputs)
    return apply(_fields, [*arguments, (times(tau), ()), (_places(x), ())], outputs, error=error)


LAYER = (
    "log_ratio",
    "log_ratio_gradient",
    "log_ratio_hessian",
    "log_ratio_rate",
    "background",
    "interfacial",
    "decomposition_residual",
    "log_ratio_residual",
)
"""Results of `well_fields` that need two parts."""


def _fields(
    c: np.ndarray, b: np.ndarray, h: np.ndarray, tau: np.ndarray, x: np.ndarray, error: bool
) -> tuple[np.ndarray, ...]:
    wells = _wells(c, b, h)
    found = kernel.state(wells, x, tau)
    parts = kernel.decomposed(found)
    layer = (
        parts.log_ratio,
        parts.gradient[..., 0],
        parts.hessian[..., 0, 0],
        parts.rate,
        parts.background[..., 0],
        parts.interfacial[..., 0],
        parts.identity_residual,
        parts.equation_residual,
    )
    lost = found.status == Status.failed
    estimate = [kernel.quadrature_error(wells, x, tau)] if error else []
    return (
        found.log_density,
        found.score,
        found.score_x,
        *(np.where(found.status == Status.ok, value, np.nan) for value in layer),
        np.where(lost, np.int8(Status.failed), np.int8(Status.ok)),
        found.status,
        *estimate,
    )


def well_boundary(well: xr.Dataset, tau: float | np.ndarray | xr.DataArray) -> xr.Dataset:
    """The boundary of the two parts at diffusion times ``tau``: its place, and the boundary criterion (42) there.

    Returns
    -------
    Dataset
        ``boundary``, ``boundary_velocity`` (its derivative in tau), ``score`` there, ``normal_hessian`` (42) with its
        parts ``background_curvature`` and ``interfacial_curvature``, ``jump`` and ``width`` of the layer,
        ``layer_status``. At tau = 0 the boundary is the split, ``normal_hessian`` is ``-U''`` there, and the status
        ``singular``.

    Examples
    --------
    >>> found = well_boundary(well("tilted-quartic", tilt=0.1), tau=0.26899458245915)
    >>> round(float(found.boundary), 10), round(float(found.score), 10)
    (-0.0685091498, 0.099995813)
    """
    names = ("boundary", "boundary_velocity", "score", "normal_hessian", "background_curvature", "interfacial_curvature")
    outputs = [*map(Output, (*names, "jump", "width")), Output("layer_status", (), np.int8)]
    arguments, outputs = _call(well, outputs)
    return apply(_boundary, [*arguments, (times(tau), ())], outputs)


def _boundary(c: np.ndarray, b: np.ndarray, h: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, ...]:
    found = kernel.boundary(_wells(c, b, h), tau)
    jump = np.abs(found.gradient)
    return (
        found.position,
        found.velocity,
        found.score,
        found.criterion,
        found.background_x,
        0.25 * jump * jump,
        jump,
        2 / jump,
        found.status,
    )


def well_speciation(
    well: xr.Dataset, schedules: Mapping[str, Schedule] | None = None, criteria: Sequence[str] = CRITERIA
) -> xr.Dataset:
    """Speciation times of a density with two wells by each criterion, and the state of the boundary at its own.

    Parameters
    ----------
    well
        From :func:`well`; its sweep dimensions carry over.
    schedules
        Noise schedules by label; with them each ``tau_star`` is also given in each schedule's clock.
    criteria
        Of ``boundary`` (the criterion (42) vanishes on the boundary), ``merging`` (the density's two modes become
        one) and ``matched-gaussian`` (two Gaussians at the wells, with the mean of the variances ``1/U''`` there).

    Returns
    -------
    Dataset
        ``tau_star(..., criterion)`` and ``status(..., criterion)``; at the boundary's time ``x_boundary``,
        ``score_boundary``, ``background_curvature``, ``interfacial_curvature`` and ``jump`` with ``layer_status``;
        ``n_roots`` of the boundary criterion; ``x_merging`` with ``merging_status``.

    Raises
    ------
    ValueError
        For an unknown criterion.

    Examples
    --------
    >>> found = well_speciation(well("quartic", coefficient=[1.0], half_distance=1.0))
    >>> found.tau_star.values.round(12).tolist()
    [[0.269102819666, 0.269102819666, 0.4375]]
    """
    unknown = [name for name in criteria if name not in CRITERIA]
    if unknown or not criteria:
        raise ValueError(f"criteria: {unknown or list(criteria)!r} is not allowed; allowed: {', '.join(CRITERIA)}")
    outputs = [
        Output("tau_star", ("criterion",)),
        Output("status", ("criterion",), np.int8),
        *map(Output, ("x_boundary", "score_boundary", "background_curvature", "interfacial_curvature", "jump")),
        Output("n_roots", (), np.int16),
        Output("layer_status", (), np.int8),
        Output("x_merging"),
        Output("merging_status", (), np.int8),
    ]
    arguments, outputs = _call(well, outputs)
    result = apply(_times, arguments, outputs, sizes={"criterion": len(criteria)}, criteria=tuple(criteria))
    result = result.assign_coords(criterion=("criterion", list(criteria), attributes("criterion")))
    return result.merge(clock(result.tau_star, schedules), join="exact") if schedules else result


def _times(c: np.ndarray, b: np.ndarray, h: np.ndarray, criteria: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    wells = _wells(c, b, h)
    crossing = well_times.boundary_time(wells)
    merging = well_times.merging_time(wells, crossing)
    found = {
        "boundary": (crossing.tau, crossing.status),
        "merging": (merging.tau, merging.status),
        "matched-gaussian": well_times.matched_gaussian(wells),
    }
    tau, status = (np.stack([found[name][i] for name in criteria], axis=-1) for i in (0, 1))
    return (
        tau,
        status,
        crossing.x,
        crossing.score,
        crossing.background_x,
        0.25 * crossing.gradient**2,
        np.abs(crossing.gradient),
        crossing.n_roots,
        crossing.status,
        merging.x,
        merging.status,
    )
