"""Amplification along the moving boundary of two groups of any mixture: rate, its integral, and the boundary's own time."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

import xarray as xr

from scoreshock.conventions import variables
from scoreshock.kernels.layer import continuation
from scoreshock.kernels.layer import moving_boundary as kernel
from scoreshock.options import GROUPS, TAU, TAU_MIN
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import apply, mixture_arguments, number_of_components
from scoreshock.quantities.layer import Groups, group_codes
from scoreshock.quantities.points import GridSpec, Numbers, diffusion_times, times, with_times
from scoreshock.quantities.shared_variables import GROUP, TAU_STATUS
from scoreshock.quantities.shared_variables import TAU as TAU_VARIABLE


class End(IntEnum):
    """What ends the growth."""

    root = continuation.ROOT
    jump = continuation.JUMP
    vanishing = continuation.VANISHING
    none = continuation.NONE


TIME = variables(
    """
    tau_boundary, tau_boundary_status: diffusion time at which growth on the moving boundary ends
        | Largest tau at which n'Hn vanishes, else that at which the boundary jumps or vanishes. | (42)-(43)
    n_boundary_roots int16, tau_boundary_status: number of roots of the growth rate on the boundary
        | Roots of n'Hn that the scan resolves above tau = 0. | (42)-(43)
    n_boundary_discontinuities int16, tau_boundary_status: number of discontinuities of the moving boundary
        | Jumps and vanishings. Discontinuities that the scan resolves above tau = 0.
    boundary_end, tau_boundary_status: what ends the growth on the moving boundary
        | A root of the rate, a jump of the boundary, or its end.
    tau_boundary_status: outcome of the boundary criterion
    """,
    boundary_end=End,
)
EXPONENT = variables(
    """
    exponent_boundary, exponent_boundary_status: exponent of the growth on the moving boundary
        | Integral over tau where the rate is positive. Of the normal second derivative of the log density, from tau_min up.
        | (42)
    exponent_boundary_error, exponent_boundary_status: estimated error of the exponent on the moving boundary
        | Difference of two quadratures on the same panels; of a pair 0, by closed form.
    n_exponent_discontinuities int16, exponent_boundary_status: number of discontinuities inside the integral
        | Jumps and vanishings of the moving boundary. The integral is the sum of those between them.
    exponent_boundary_status: outcome of the exponent on the moving boundary
    """
)
RATE = variables(
    """
    boundary_rate, boundary_rate_status: growth rate on the moving boundary
        | Normal second derivative of the log density. n'Hn at the point where the line through the layer meets the
        boundary. | (42)
    boundary_rate_status: outcome of the growth rate on the moving boundary
    """
)


@quantity(
    (*EXPONENT, *TIME, *RATE, GROUP, TAU_VARIABLE, TAU_STATUS),
    {"tau_min": TAU_MIN, "tau": replace(TAU, pointwise=False), "groups": GROUPS},
    name="boundary_amplification",
    seconds=(1e-7, 1e-4),
)
def _of_study(mixture: xr.Dataset, tau_min: float = 0.0, tau: GridSpec | None = None, groups: Groups = None) -> xr.Dataset:
    """Integral of the positive growth rate on the moving boundary of two groups, and the rate at each diffusion time."""
    if tau is None:
        return boundary_amplification(mixture, tau_min, groups=groups)
    moments = diffusion_times(mixture, tau)
    return with_times(boundary_amplification(mixture, tau_min, moments, groups), moments, "boundary_rate_status")


def boundary_amplification(
    mixture: xr.Dataset,
    tau_min: Numbers = 0.0,
    tau: Numbers | None = None,
    groups: Groups = None,
) -> xr.Dataset:
    """Integral of the growth rate ``n'Hn`` on the moving boundary of two groups, where it is positive, over tau.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    tau_min
        Diffusion time at which generation stops, >= 0.
    tau
        Diffusion times at which the rate ``boundary_rate`` is given; without them it is left out.
    groups
        Two groups of components, with the defaults of :func:`scoreshock.layer`.

    Returns
    -------
    Dataset
        ``exponent_boundary`` with its estimated error ``exponent_boundary_error``, ``n_exponent_discontinuities``,
        the number of jumps and vanishings of the boundary in the range of integration, and
        ``exponent_boundary_status``; all that :func:`boundary_time` gives; ``boundary_rate(..., tau)`` with
        ``boundary_rate_status``. ``exponent_boundary (...)`` is dimensionless, rates are inverse times.

    Raises
    ------
    ValueError
        For a negative ``tau_min`` or ``tau``, groups that are not allowed, or a mixture of one component.

    Notes
    -----
    The boundary is the point nearest to its start on the line through both groups' weighted means, at each tau, as in
    :func:`scoreshock.layer`. For a pair the exponent is the closed form (55) of :func:`scoreshock.amplification`, for any
    weights, without quadrature. It is the integral of a rate: a Lyapunov exponent only where trajectories stay on the
    boundary, as for equal weights and other symmetric cases. Where the boundary jumps or vanishes, one count says so.

    References
    ----------
    arXiv:2604.07404, (42), (50)-(52).

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.boundary_amplification import boundary_amplification
    >>> triangle = ss.families.polygon(separation=1.0, variance=0.05)
    >>> found = boundary_amplification(triangle, groups=([0], [1, 2]))
    >>> round(float(found.exponent_boundary), 8), round(float(found.tau_boundary), 8)
    (3.91481594, 0.25625)
    """
    number_of_components(mixture)
    codes = group_codes(mixture, groups)
    arguments = mixture_arguments(mixture, tau_min=times(tau_min, "tau_min"), group=(codes, ("component",)))
    found = apply(kernel.boundary_exponent, arguments, (*EXPONENT, *TIME))
    if tau is not None:
        arguments = mixture_arguments(mixture, tau=times(tau), group=(codes, ("component",)))
        found = found.merge(apply(kernel.boundary_rate, arguments, RATE), join="exact")
    return found.assign(group=codes.assign_attrs(GROUP.attributes()))


def boundary_time(mixture: xr.Dataset, groups: Groups = None) -> xr.Dataset:
    """Boundary criterion of two groups of any mixture: the time at which ``n'Hn`` on their moving boundary falls to zero.

    Parameters
    ----------
    mixture, groups
        As for :func:`boundary_amplification`.

    Returns
    -------
    Dataset
        ``tau_boundary`` with ``tau_boundary_status``: the largest tau with ``n'Hn = 0`` (42)-(43), for a pair ``(a^2
        - sigma0^2)/2``; ``below_data_variance`` with a tau that is not positive; ``no_real_root`` where growth ends
        otherwise, at the tau at which the boundary vanishes or jumps, or with NaN where there is no boundary on the
        line. ``boundary_end`` says which; ``n_boundary_roots`` and ``n_boundary_discontinuities`` count what the
        scan resolves above tau = 0; ``group`` the groups. Times ``(...)`` have the unit of the data squared.

    Raises
    ------
    ValueError
        For groups that are not allowed, or a mixture of one component.

    Notes
    -----
    A sign of ``ln p``'s curvature across the boundary, not bimodality: see :func:`scoreshock.speciation` for ``merging``.

    References
    ----------
    arXiv:2604.07404, (42)-(43).

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.boundary_amplification import boundary_time
    >>> means = [[-1.0, 0.0], [1.0, 0.5], [1.0, -0.5]]
    >>> round(float(boundary_time(ss.mixture(means, [0.4, 0.3, 0.3], 0.2), ([0], [1, 2])).tau_boundary), 8)
    0.4
    """
    number_of_components(mixture)
    codes = group_codes(mixture, groups)
    found = apply(kernel.boundary_time, mixture_arguments(mixture, group=(codes, ("component",))), TIME)
    return found.assign(group=codes.assign_attrs(GROUP.attributes()))
