"""The layer of a density with two wells: the boundary of its two parts, in the form in which a mixture has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from scoreshock.conventions import attributes
from scoreshock.quantities.points import with_times
from scoreshock.quantities.wells.fields import well_boundary
from scoreshock.quantities.wells.scores import diffusion_times


def compute(well: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content: :func:`well_layer`."""
    tau = diffusion_times(well, content["options"]["tau"])
    return with_times(well_layer(well, tau), tau, "layer_status")


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
    found.score_boundary.attrs = attributes("score_boundary")
    return found.assign(boundary=found.boundary.expand_dims("feature", axis=-1))
