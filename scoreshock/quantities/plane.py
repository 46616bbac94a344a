"""Fields of a mixture of two features on a grid of its plane, and its power diagram there."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Variable, attributes, variables
from scoreshock.kernels.layer import plane as kernel
from scoreshock.options import TAU, Grid
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.class_map import class_map
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.declaration import Problems, quantity
from scoreshock.quantities.labelled import MEANS, Argument, apply, isotropic_only, mixture_arguments, number_of_components
from scoreshock.quantities.points import GridSpec, axis, diffusion_times, unit_of, with_times
from scoreshock.quantities.shared_variables import POSITION, along

UNITS = ("absolute", "separation")
"""Units of coordinates in the plane: those of the features, or half the longer side of the means' rectangle."""

MOST_COMPONENTS = 32
"""Largest number of components, whose triples are tried one by one: 4,960."""

SPAN = {"start": -2.0, "stop": 2.0, "num": 41, "scale": "linear", "unit": "separation"}
PLANE_X = Grid("first coordinates in the plane of the means at which fields are evaluated", SPAN, units=UNITS)
PLANE_Y = Grid("second coordinates in the plane of the means at which fields are evaluated", SPAN, units=UNITS)

POWER_CELL = Variable(
    "power_cell",
    "component of the cell of the power diagram (-1: none)",
    description="Index of the component of largest responsibility; at v = 0 its cell of the Voronoi diagram.",
    references="(74)",
    dtype=np.int32,
)
RESPONSIBILITIES = Variable(
    "responsibilities",
    "posterior probability of each component",
    ("component",),
    "score_status",
    "Of the component from which the noisy point comes.",
    "(85)",
)
DIAGRAM = variables(
    """
    wall_start(pair, feature), wall_status: first end of the wall between two cells
        | Of the power diagram:
        points of the rectangle at which both components have the largest responsibility; pairs (0, 1), (0, 2), ...
        | Proposition 7.7
    wall_end(pair, feature), wall_status: second end of the wall between two cells
        | Of the power diagram:
        points of the rectangle at which both components have the largest responsibility; pairs (0, 1), (0, 2), ...
        | Proposition 7.7
    wall_status(pair): outcome of each wall
    triple_point(triple, feature), triple_point_status: point at which three cells meet
        | Of the power diagram, in the rectangle. All three have the same responsibility there, and no other has more.
        | section 7.3
    triple_point_status(triple): outcome of each point where three cells meet
    """
)
CENTRES = Variable(
    "centre", "mean of each component", ("component", "feature"), description="In the coordinates of the features."
)


def _fields(x: str, y: str) -> tuple[Variable, ...]:
    """The variables on the grid of the coordinates ``x`` and ``y``."""
    score, density = along(shared.SCORE, y, x, "feature"), along(shared.LOG_DENSITY, y, x)
    return score, density, along(RESPONSIBILITIES, y, x, "component"), along(POWER_CELL, y, x), shared.SCORE_STATUS


def _two_features(sweep: Any) -> Problems:
    here = ("quantities", sweep.quantities.index("plane"))
    if sweep.components > MOST_COMPONENTS:
        yield here, f"'plane' is computed of 2 to {MOST_COMPONENTS} components; here are {sweep.components}"
    if sweep.features != 2:
        shape = f"this one has {sweep.components} components in {sweep.features} feature{'s' * (sweep.features != 1)}"
        yield here, f"'plane' is computed of mixtures of two features; {shape}"

    if sweep.options["plane_x"]["unit"] != sweep.options["plane_y"]["unit"]:
        yield ("plane_y",), _other_unit(sweep.options["plane_x"], sweep.options["plane_y"])


def _other_unit(one: GridSpec, other: GridSpec) -> str:
    units = [spec.get("unit", "absolute") for spec in (one, other)]
    return f"the unit {units[1]} is not allowed; allowed: that of plane_x, {units[0]}"


@quantity(
    (
        *_fields("plane_x", "plane_y"),
        along(POSITION, "plane_y", "plane_x", "feature"),
        *DIAGRAM,
        CENTRES,
        shared.TAU,
        shared.TAU_STATUS,
    ),
    {"plane_x": PLANE_X, "plane_y": PLANE_Y, "tau": TAU},
    seconds=(1.5e-7, 1.5e-8),
    problems=_two_features,
)
def plane(mixture: xr.Dataset, tau: GridSpec, plane_x: GridSpec = SPAN, plane_y: GridSpec = SPAN) -> xr.Dataset:
    """Score, density, responsibilities and power cells of a mixture in a plane, at several diffusion times.

    Parameters
    ----------
    mixture
        A mixture of at least two components in two features; its sweep dimensions carry over.
    tau
        Diffusion times, as for :func:`scores`.
    plane_x, plane_y
        Coordinates of the grid, as in a study: values or ``start, stop, num``, and ``unit``: ``absolute`` (those of the
        features) or ``separation`` (from the centre of the rectangle that the means span, in half its longer side). By
        default 41 values from -2 to 2 of the latter.

    Returns
    -------
    Dataset
        ``score(..., plane_y, plane_x, feature)``, ``log_density``, ``responsibilities(..., component)``, ``power_cell`` and
        ``position`` with ``score_status``; walls of the power diagram inside the rectangle of the grid as ``wall_start,
        wall_end (..., pair, feature)``, and ``triple_point(..., triple, feature)``, NaN with ``not_applicable`` where cells
        do not meet there; ``centre(..., component, feature)``, with the coordinate ``class_name``. Positions have
        the unit of the data, scores its inverse.

    Raises
    ------
    ValueError
        Unless the mixture has two features, and for a grid of another form or unit.

    Notes
    -----
    Section 7.3: at every v the regions of largest responsibility are cells of a power diagram, as v -> 0 of the Voronoi
    diagram of the means.

    References
    ----------
    arXiv:2604.07404, (13)-(14), (29), (74), (85), Proposition 7.7, section 7.3.

    Examples
    --------
    The cells of a regular triangle meet at its centre, where all responsibilities are 1/3.

    >>> import scoreshock as ss
    >>> grid = {"values": [0.0, 0.5]}
    >>> found = ss.plane(ss.families.polygon(1.0, variance=0.1, vertices=3), {"values": [0.2]}, grid, grid)
    >>> found.responsibilities.isel(plane_x=0, plane_y=0).values.ravel().round(12).tolist()
    [0.333333333333, 0.333333333333, 0.333333333333]
    >>> bool(abs(found.triple_point).max() < 1e-15)
    True
    """
    across, up = _axes(mixture, plane_x, plane_y)
    unit = unit_of("plane_x", plane_x, UNITS)
    times = diffusion_times(mixture, tau)
    means: dict[str, Argument] = {"means": (mixture.component_mean, MEANS)}
    grid: dict[str, Argument] = {"x": (across, (str(across.name),)), "y": (up, (str(up.name),))}
    dims = (str(up.name), str(across.name), "feature")
    position = apply(kernel.grid_points, means | grid, [along(POSITION, *dims)], unit=unit).position
    arguments = mixture_arguments(mixture, tau=times)
    at: dict[str, Argument] = {"points": (position, dims), "dimension": mixture.ambient_dimension}
    found = apply(kernel.fields, arguments | at, _fields(dims[1], dims[0]))
    k = mixture.sizes["component"]
    sizes = {"pair": k * (k - 1) // 2, "triple": k * (k - 1) * (k - 2) // 6}
    diagram = apply(kernel.diagram, arguments | grid, DIAGRAM, sizes=sizes, unit=unit)
    diagram = diagram.assign_coords(counted(diagram, "pair", "triple"))
    centre = mixture.component_mean.drop_vars(MEANS, errors="ignore").assign_attrs(CENTRES.attributes())
    names = ("component", list(class_map(mixture).names), attributes("class_name"))
    whole = found.merge(diagram, join="exact").assign(position=position, centre=centre)
    whole = whole.assign_coords({str(each.name): each for each in (across, up)} | {"class_name": names})
    return with_times(whole, times, "score_status", "wall_status", "triple_point_status")


def _axes(mixture: xr.Dataset, plane_x: GridSpec, plane_y: GridSpec) -> tuple[xr.DataArray, xr.DataArray]:
    """Both axes of the grid; ``ValueError`` where they or the mixture are not allowed."""
    if number_of_components(isotropic_only(mixture)) > MOST_COMPONENTS:
        k = mixture.sizes["component"]
        raise ValueError(f"component: the mixture has {k}; allowed: 2 to {MOST_COMPONENTS} components")
    if mixture.sizes["feature"] != 2:
        raise ValueError(f"feature: the mixture has {mixture.sizes['feature']}; allowed: 2 features")
    unit = unit_of("plane_x", plane_x, UNITS)
    if unit_of("plane_y", plane_y, UNITS) != unit:
        raise ValueError(f"plane_y: {_other_unit(plane_x, plane_y)}")
    ending = "" if unit == "absolute" else "_scaled"
    return axis(plane_x, f"plane_x{ending}"), axis(plane_y, f"plane_y{ending}")
