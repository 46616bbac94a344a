"""Fields of a density with two wells at any place and diffusion time, and the boundary of its two parts."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.kernels.wells import parts as kernel
from scoreshock.quantities.labelled import Output, apply
from scoreshock.quantities.points import labelled_numbers, times
from scoreshock.quantities.wells.definition import Places, made, parameters_of


def _places(x: Places) -> xr.DataArray:
    """Positions as a DataArray; a 1D array is the grid ``x``."""
    return labelled_numbers("x", x, "x")


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
        the score, ``background_jacobian`` (the former's derivative), ``decomposition_residual`` of (37) and
        ``log_ratio_residual`` of (38) relative to their largest terms, with ``layer_status``. With ``error``
        ``log_density_error``, of the worse part.

    Notes
    -----
    ``layer_status`` is ``singular`` at tau = 0, where the parts do not overlap, and ``no_transition`` for one well: their
    results are NaN there.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.well_fields(ss.well("quartic"), x=0.3, tau=0.1)
    >>> round(float(found.score), 12), round(float(found.log_ratio), 12)
    (0.459147359895, -1.332368315926)
    """
    names = ["log_density", "score", "score_jacobian", *LAYER]
    statuses = [Output("score_status", (), np.int8), Output("layer_status", (), np.int8)]
    outputs = [*map(Output, names), *statuses, *([Output("log_density_error")] if error else [])]
    return apply(_fields, [*parameters_of(well), (times(tau), ()), (_places(x), ())], outputs, error=error)


LAYER = (
    "log_ratio",
    "log_ratio_gradient",
    "log_ratio_hessian",
    "log_ratio_rate",
    "background",
    "background_jacobian",
    "interfacial",
    "decomposition_residual",
    "log_ratio_residual",
)
"""Results of `well_fields` that need two parts."""


def _fields(
    c: np.ndarray, b: np.ndarray, h: np.ndarray, tau: np.ndarray, x: np.ndarray, error: bool
) -> tuple[np.ndarray, ...]:
    wells = made(c, b, h)
    found = kernel.state(wells, x, tau)
    parts = kernel.decomposed(found)
    layer = (
        parts.log_ratio,
        parts.gradient[..., 0],
        parts.hessian[..., 0, 0],
        parts.rate,
        parts.background[..., 0],
        parts.background_jacobian[..., 0, 0],
        parts.interfacial[..., 0],
        parts.identity_residual,
        parts.equation_residual,
    )
    lost = found.status == Status.failed
    finite = np.isfinite(layer).all(axis=0)
    status = np.where((found.status == Status.ok) & ~finite, np.int8(Status.failed), found.status)
    estimate = [kernel.quadrature_error(wells, x, tau)] if error else []
    return (
        found.log_density,
        found.score,
        found.score_x,
        *(np.where(status == Status.ok, value, np.nan) for value in layer),
        np.where(lost, np.int8(Status.failed), np.int8(Status.ok)),
        status,
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
    >>> import scoreshock as ss
    >>> found = ss.well_boundary(ss.well("tilted-quartic", tilt=0.1), tau=0.26899458245915)
    >>> round(float(found.boundary), 10), round(float(found.score), 10)
    (-0.0685091498, 0.099995813)
    """
    names = ("boundary", "boundary_velocity", "score", "normal_hessian", "background_curvature", "interfacial_curvature")
    outputs = [*map(Output, (*names, "jump", "width")), Output("layer_status", (), np.int8)]
    return apply(_boundary, [*parameters_of(well), (times(tau), ())], outputs)


def _boundary(c: np.ndarray, b: np.ndarray, h: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, ...]:
    found = kernel.boundary(made(c, b, h), tau)
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
