"""Profile of the score and the density along the line through the layer."""

from __future__ import annotations

import xarray as xr

from scoreshock.conventions import Variable
from scoreshock.kernels.covariances import line as covariances
from scoreshock.kernels.gaussian import line
from scoreshock.options import TAU, X
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import (
    Arguments,
    apply,
    covariance_arguments,
    is_general,
    means_and_weights,
    of_components,
)
from scoreshock.quantities.points import (
    GridSpec,
    as_grid,
    diffusion_times,
    line_axis,
    line_direction,
    on_line,
    with_times,
)
from scoreshock.quantities.shared_variables import along


def _profiles(grid: str) -> tuple[Variable, ...]:
    """The variables along the positions ``grid``."""
    scalars = (along(variable, grid) for variable in (shared.SCORE_ALONG, shared.LOG_DENSITY))
    return along(shared.SCORE, grid, "feature"), *scalars, shared.SCORE_STATUS


@quantity(
    (*_profiles("x"), shared.POSITION, shared.TAU_STATUS),
    {"x": X, "tau": TAU},
    seconds=(1.6e-7, 2e-8),
    covariances=(5e-7, 3e-8),
)
def scores(mixture: xr.Dataset, x: GridSpec, tau: GridSpec) -> xr.Dataset:
    """Profile of score and density along the line through the layer, at several diffusion times.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    x
        Grid along the line: numbers, or as in a study values or ``start, stop, num``, and ``unit``: ``absolute``,
        ``separation`` (half the means' extent along the line) or ``layer`` (the layer's width ``v/a``, (34); not of
        covariances).
    tau
        Diffusion times, likewise; ``unit``: ``absolute`` or ``speciation`` (multiples of the leading time (77)).

    Returns
    -------
    Dataset
        ``score(..., feature)``, ``score_along``, ``log_density``, ``position(..., feature)`` and ``score_status``.
        The line runs from the first mean of a pair to the second, from their midpoint; else through the weighted
        mean along the leading direction, see :func:`scoreshock.kernels.gaussian.geometry.leading_direction`.
        Positions have the unit of the data, scores its inverse.

    Raises
    ------
    ValueError
        For a grid of another form or unit.

    References
    ----------
    arXiv:2604.07404, (13)-(14), (29), (34).

    Examples
    --------
    At the midpoint of an equal pair the score vanishes.

    >>> import scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.25)
    >>> ss.scores(pair, x={"values": [0.0]}, tau={"values": [0.1]}).score_along.values.ravel().tolist()
    [0.0]
    """
    x, tau = as_grid(x), as_grid(tau)
    unit, grid = line_axis(x)
    own = (str(grid.name),)
    outputs = _profiles(*own)
    times = diffusion_times(mixture, tau)
    if is_general(mixture):
        return _of_covariances(mixture, x, times, outputs)
    moment: Arguments = {"variance": mixture.component_variance, "tau": times}
    found = apply(line.profile, {**means_and_weights(mixture), "grid": (grid, own), **moment}, outputs, unit=unit)
    inside: Arguments = {"log_density": (found.log_density, own), "dimension": mixture.ambient_dimension}
    density = apply(line.in_all_dimensions, inside | moment, [outputs[2]], features=mixture.sizes["feature"])
    complete = found.assign(log_density=density.log_density, position=on_line(mixture, x, times))
    return with_times(complete.assign_coords(grid.coords), times)


def _of_covariances(mixture: xr.Dataset, x: GridSpec, tau: xr.DataArray, outputs: tuple[Variable, ...]) -> xr.Dataset:
    """The profile of components with covariances."""
    points, direction = on_line(mixture, x, tau), line_direction(mixture)
    grid = outputs[1].dims
    arguments = covariance_arguments(
        mixture,
        tau=tau,
        x=(points, (*grid, "feature")),
        along=(direction, ("feature",)),
        dimension=mixture.ambient_dimension,
    )
    found = apply(of_components(covariances.profile), arguments, outputs)
    complete = found.assign(position=points).assign_coords(points[grid[0]].coords)
    return with_times(complete, tau)
