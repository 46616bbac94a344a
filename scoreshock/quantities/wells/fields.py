"""Fields of a density with two wells at any place and diffusion time, and the boundary of its two parts."""

from __future__ import annotations

import xarray as xr

from scoreshock.checks import switch
from scoreshock.conventions import Variable, variables
from scoreshock.kernels.wells import parts as kernel
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.labelled import apply
from scoreshock.quantities.points import Numbers, labelled_numbers, times
from scoreshock.quantities.shared_variables import along
from scoreshock.quantities.wells.definition import Places, of_wells, parameters_of

FIELDS = (
    along(shared.LOG_DENSITY),
    along(shared.SCORE),
    along(shared.SCORE_JACOBIAN),
    shared.LOG_RATIO,
    along(shared.LOG_RATIO_GRADIENT),
    along(shared.LOG_RATIO_HESSIAN),
    shared.LOG_RATIO_RATE,
    along(shared.BACKGROUND),
    Variable("background_jacobian", "Jacobian of the background score"),
    along(shared.INTERFACIAL),
    shared.DECOMPOSITION_RESIDUAL,
    shared.LOG_RATIO_RESIDUAL,
    shared.SCORE_STATUS,
    shared.LAYER_STATUS,
)
ERROR = Variable(
    "log_density_error",
    "estimated error of the logarithm of a part's density",
    description="By quadrature, of the worse part.",
)
BOUNDARY = (
    along(shared.LINE_BOUNDARY),
    *variables(
        """
        boundary_velocity, layer_status: derivative of the boundary's position in diffusion time
            | As diffusion time grows; in generation the sign is the opposite. | Proposition 5.13
        """
    ),
    along(shared.SCORE),
    shared.NORMAL_HESSIAN,
    shared.BACKGROUND_CURVATURE,
    shared.INTERFACIAL_CURVATURE,
    shared.JUMP,
    shared.WIDTH,
    shared.LAYER_STATUS,
)


def well_fields(well: xr.Dataset, x: Places, tau: Numbers = 0.0, error: bool = False) -> xr.Dataset:
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
        ``log_density_error``, of the worse part. All ``(..., x)``; scores in the inverse unit of ``x``.

    Raises
    ------
    ValueError
        For what is no density with two wells, and for a negative ``tau``.

    Notes
    -----
    ``layer_status`` is ``singular`` at tau = 0, where the parts do not overlap, and ``no_transition`` for one well: their
    results are NaN there.

    References
    ----------
    arXiv:2604.07404, (13), (37)-(38), Proposition 5.13.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.well_fields(ss.well("quartic"), x=0.3, tau=0.1)
    >>> round(float(found.score), 12), round(float(found.log_ratio), 12)
    (0.459147359895, -1.332368315926)
    """
    arguments = {**parameters_of(well), "tau": times(tau), "x": labelled_numbers("x", x, infinite=True)}
    outputs = (*FIELDS, ERROR) if switch("error", error) else FIELDS
    return apply(of_wells(kernel.fields), arguments, outputs, error=bool(error))


def well_boundary(well: xr.Dataset, tau: Numbers) -> xr.Dataset:
    """The boundary of the two parts at diffusion times ``tau``: its place, and the boundary criterion (42) there.

    Parameters
    ----------
    well
        Of :func:`well`; its sweep dimensions carry over.
    tau
        Diffusion time, a number, a 1D array (the axis ``tau``) or a DataArray, >= 0; in units of ``x`` squared.

    Returns
    -------
    Dataset
        ``boundary``, ``boundary_velocity`` (its derivative in tau), ``score`` there, ``normal_hessian`` (42) with
        its parts ``background_curvature`` and ``interfacial_curvature``, ``jump`` and ``width`` of the layer,
        ``layer_status``. At tau = 0 the boundary is the split, ``normal_hessian`` is ``-U''`` there, and the status
        ``singular``. All ``(...)``; positions in the unit of ``x``.

    Raises
    ------
    ValueError
        For what is no density with two wells, and for a negative ``tau``.

    References
    ----------
    arXiv:2604.07404, (34), (41)-(43), Theorem 5.8.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.well_boundary(ss.well("tilted-quartic", tilt=0.1), tau=0.26899458245915)
    >>> round(float(found.boundary), 10), round(float(found.score), 10)
    (-0.0685091498, 0.099995813)
    """
    return apply(of_wells(kernel.boundary), {**parameters_of(well), "tau": times(tau)}, BOUNDARY)
