"""The layer of a density with two wells: the boundary of its two parts, in the form in which a mixture has it."""

from __future__ import annotations

import xarray as xr

from scoreshock.options import TAU
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.points import GridSpec, with_times
from scoreshock.quantities.wells.fields import BOUNDARY, well_boundary
from scoreshock.quantities.wells.scores import diffusion_times

VARIABLES = (
    shared.LINE_BOUNDARY,
    shared.SCORE_BOUNDARY,
    *(variable for variable in BOUNDARY if variable.name not in ("boundary", "score")),
)


@quantity((*VARIABLES, shared.TAU, shared.TAU_STATUS), {"tau": TAU}, density="wells", name="layer", seconds=(3.2e-4, 3.2e-4))
def _of_study(well: xr.Dataset, tau: GridSpec) -> xr.Dataset:
    """Boundary between the parts left and right of the barrier, and the layer across it, at each diffusion time."""
    moments = diffusion_times(well, tau)
    return with_times(well_layer(well, moments), moments, "layer_status")


def well_layer(well: xr.Dataset, tau: xr.DataArray) -> xr.Dataset:
    """Boundary between the parts left and right of the barrier, and the layer across it, at each diffusion time.

    Parameters
    ----------
    well
        From ``ss.well``; its sweep dimensions carry over.
    tau
        Diffusion times, >= 0.

    Returns
    -------
    Dataset
        As ``ss.layer`` of one feature: ``boundary(..., feature)``, ``width``, ``jump``, ``normal_hessian`` (42) with its
        parts ``background_curvature, interfacial_curvature`` and ``layer_status``; and ``boundary_velocity``, the boundary's
        derivative in tau, and ``score_boundary``, the score on it.

    Notes
    -----
    NaN with ``no_transition`` for one well. At tau = 0 the status is ``singular``: of the layer only the boundary's place
    and ``normal_hessian`` are left.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = well_layer(ss.well("tilted-quartic", tilt=0.1), xr.DataArray(0.26899458245915))
    >>> round(found.boundary.item(), 10), round(found.score_boundary.item(), 10)
    (-0.0685091498, 0.099995813)
    """
    found = well_boundary(well, tau).rename(score="score_boundary")
    found.score_boundary.attrs = shared.SCORE_BOUNDARY.attributes()
    return found.assign(boundary=found.boundary.expand_dims("feature", axis=-1))
