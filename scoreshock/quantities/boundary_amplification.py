"""Amplification along the moving boundary of two groups of any mixture: rate, its integral, and the boundary's own time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status, attributes
from scoreshock.kernels.layer import moving_boundary as kernel
from scoreshock.quantities.labelled import Arguments, Output, apply, mixture_arguments, number_of_components
from scoreshock.quantities.layer import Groups, group_codes
from scoreshock.quantities.points import diffusion_times, times, with_times

ENDS = ("root", "jump", "vanishing", "none")
"""Meanings of what ends the growth, in the order of the kernel's codes."""

TIME = (
    Output("tau_boundary"),
    Output("n_boundary_roots", (), np.int16),
    Output("n_boundary_breaks", (), np.int16),
    Output("boundary_end", (), np.int8),
    Output("tau_boundary_status", (), np.int8),
)
EXPONENT = (
    Output("exponent_boundary"),
    Output("exponent_boundary_error"),
    Output("n_exponent_breaks", (), np.int16),
    Output("exponent_boundary_status", (), np.int8),
)


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content."""
    options = dict(content["options"])
    if "tau" not in options:
        return boundary_amplification(mixture, **options)
    tau = diffusion_times(mixture, options.pop("tau"))
    return with_times(boundary_amplification(mixture, tau=tau, **options), tau, "boundary_rate_status")


def boundary_amplification(
    mixture: xr.Dataset,
    tau_min: float | xr.DataArray = 0.0,
    tau: float | xr.DataArray | None = None,
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
        ``exponent_boundary`` with its estimated error ``exponent_boundary_error``, ``n_exponent_breaks``, the number of
        jumps and vanishings of the boundary in the range of integration, and ``exponent_boundary_status``; all that
        :func:`boundary_time` gives; ``boundary_rate(..., tau)`` with ``boundary_rate_status``.

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

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.boundary_amplification import boundary_amplification
    >>> triangle = ss.families.polygon(separation=1.0, variance=0.05)
    >>> found = boundary_amplification(triangle, groups=([0], [1, 2]))
    >>> round(float(found.exponent_boundary), 8), round(float(found.tau_boundary), 8)
    (3.91481594, 0.25625)
    """
    arguments = _arguments(mixture, groups)
    codes = arguments.pop()
    stop = times(tau_min, "tau_min")
    found = _described(apply(_exponent, [*arguments, (stop, ()), codes], [*EXPONENT, *TIME]), codes[0])
    if tau is None:
        return found
    rate = apply(
        _rate,
        [*arguments, (times(tau), ()), codes],
        [Output("boundary_rate"), Output("boundary_rate_status", (), np.int8)],
    )
    return found.merge(rate, join="exact")


def boundary_time(mixture: xr.Dataset, groups: Groups = None) -> xr.Dataset:
    """Boundary criterion of two groups of any mixture: the time at which ``n'Hn`` on their moving boundary falls to zero.

    Parameters
    ----------
    mixture, groups
        As for :func:`boundary_amplification`.

    Returns
    -------
    Dataset
        ``tau_boundary`` with ``tau_boundary_status``: the largest tau with ``n'Hn = 0`` (42)-(43), for a pair ``(a^2 -
        sigma0^2)/2``; ``below_floor`` with a tau that is not positive; ``no_real_root`` where growth ends otherwise, at
        the tau at which the boundary vanishes or jumps, or with NaN where there is no boundary on the line.
        ``boundary_end`` says which; ``n_boundary_roots`` and ``n_boundary_breaks`` count what was seen above the floor;
        ``group`` the groups.

    Raises
    ------
    ValueError
        For groups that are not allowed, or a mixture of one component.

    Notes
    -----
    A sign of ``ln p``'s curvature across the boundary, not bimodality: see :func:`scoreshock.speciation` for ``merging``.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.boundary_amplification import boundary_time
    >>> means = [[-1.0, 0.0], [1.0, 0.5], [1.0, -0.5]]
    >>> round(float(boundary_time(ss.mixture(means, [0.4, 0.3, 0.3], 0.2), ([0], [1, 2])).tau_boundary), 8)
    0.4
    """
    arguments = _arguments(mixture, groups)
    return _described(apply(_time, arguments, TIME), arguments[-1][0])


def _arguments(mixture: xr.Dataset, groups: Groups) -> Arguments:
    number_of_components(mixture)
    codes = group_codes(mixture, groups)
    return [*mixture_arguments(mixture), (codes, ("component",))]


def _described(found: xr.Dataset, codes: xr.DataArray) -> xr.Dataset:
    """The result with its groups, and the meanings of what ends the growth."""
    found["boundary_end"].attrs |= {
        "flag_values": np.arange(len(ENDS), dtype=np.int8),
        "flag_meanings": " ".join(ENDS),
    }
    del found["boundary_end"].attrs["units"]
    return found.assign(group=codes.assign_attrs(attributes("group")))


def _exponent(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau_min: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, ...]:
    *found, time = kernel.boundary_exponent(means, weights, variance, tau_min, group)
    return *found, *time


def _time(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, ...]:
    return kernel.boundary_time(means, weights, variance, group)


def _rate(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    rate, status = kernel.boundary_rate(means, weights, variance, tau, group)
    return rate, np.where(np.isnan(tau), np.int8(Status.no_transition), status)
