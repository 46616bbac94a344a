"""Profile of the score and the density along the line through the layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import xarray as xr

from scoreshock.conventions import Variable
from scoreshock.kernels.gaussian import line
from scoreshock.options import TAU, X
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.fields import LOG_DENSITY, SCORE
from scoreshock.quantities.labelled import Arguments, apply, means_and_weights
from scoreshock.quantities.points import axis, diffusion_times, on_line, unit_of, with_times
from scoreshock.quantities.shared_variables import POSITION, TAU_STATUS

VARIABLES = (
    replace(SCORE, dims=("x", "feature"), status="score_status"),
    Variable(
        "score_along",
        "component of the score along the line through the layer",
        ("x",),
        "score_status",
        "Scalar product of the score and the unit vector of the line.",
        SCORE.references,
    ),
    replace(LOG_DENSITY, dims=("x",), status="score_status"),
    Variable("score_status", "outcome of the score"),
)


@quantity((*VARIABLES, POSITION, TAU_STATUS), {"x": X, "tau": TAU}, seconds=(1.6e-7, 2e-8))
def scores(mixture: xr.Dataset, x: Mapping[str, Any], tau: Mapping[str, Any]) -> xr.Dataset:
    """Profile of score and density along the line through the layer, at several diffusion times.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    x
        Grid along the line, as in a study: values or ``start, stop, num``, and ``unit``: ``absolute``, ``separation`` (half
        the means' extent along the line) or ``layer`` (the layer's width ``v/a``, (34)).
    tau
        Diffusion times, likewise; ``unit``: ``absolute`` or ``speciation`` (multiples of the leading time (77)).

    Returns
    -------
    Dataset
        ``score(..., feature)``, ``score_along``, ``log_density``, ``position(..., feature)`` and ``score_status``. The line
        runs from the first mean of a pair to the second, from their midpoint; else through the weighted mean along the
        leading direction, see :func:`scoreshock.kernels.gaussian.geometry.leading_direction`.

    Raises
    ------
    ValueError
        For a grid of another form or unit.

    Examples
    --------
    At the midpoint of an equal pair the score vanishes.

    >>> import scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.25)
    >>> ss.scores(pair, x={"values": [0.0]}, tau={"values": [0.1]}).score_along.values.ravel().tolist()
    [0.0]
    """
    unit = unit_of("x", x)
    grid = axis(x, "x" if unit == "absolute" else "x_scaled")
    own = (str(grid.name),)
    outputs = [replace(v, dims=tuple(own[0] if dim == "x" else dim for dim in v.dims)) for v in VARIABLES]
    times = diffusion_times(mixture, tau)
    place: Arguments = [*means_and_weights(mixture), (grid, own)]
    moment: Arguments = [(mixture.component_variance, ()), (times, ())]
    found = apply(line.profile, [*place, *moment], outputs, unit=unit)
    density = apply(
        line.in_all_dimensions,
        [(found.log_density, own), (mixture.ambient_dimension, ()), *moment],
        [outputs[2]],
        features=mixture.sizes["feature"],
    )
    complete = found.assign(log_density=density.log_density, position=on_line(mixture, x, times))
    return with_times(complete.assign_coords(grid.coords), times)
