"""Interfacial and regular regions of the score, labelled."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock import axes
from scoreshock.checks import as_numbers
from scoreshock.conventions import Variable, attributes, variables
from scoreshock.kernels.layer import regions as kernel
from scoreshock.options import TAU, Grid
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.declaration import on_a_line_or_pairs, quantity
from scoreshock.quantities.labelled import apply, mixture_arguments, number_of_components
from scoreshock.quantities.points import GridSpec, Numbers, diffusion_times, times, with_times

VARIABLES = variables(
    """
    interface_position(interface), interface_status: position of the boundary between neighbouring components
        | Where neighbouring cells of the power diagram meet. | (74)
    interface_half_gap(interface), interface_status: half the distance of the means on both sides of the boundary
        | a of the boundary, as for a pair. | (60)
    interface_width(interface), interface_status: width v/a of the layer at the boundary
        | The interfacial region is nearer than this to the boundary. | (34), (60)
    interface_status(interface): outcome of each boundary between neighbouring components
    n_interfaces int16, region_status: number of boundaries between neighbouring components
        | Components of no cell have no boundary. | (74)
    interfacial_probability, region_status: probability of the interfacial region
        | Share of the density at tau that lies nearer than its width to a boundary. | (60)
    region_status: outcome of the regions
    """
)
GRADIENT = Variable(
    "gradient",
    "score gradient across the boundary in units of 1/v",
    ("interface", "distance"),
    "interface_status",
    "v times the slope of the score; R - 1 on a pair's boundary and -1 only far from it.",
    "Proposition 6.8",
)
DISTANCE = Grid(
    "distances from each boundary, in widths of its layer",
    {"start": -3.0, "stop": 3.0, "num": 25, "scale": "linear"},
    pointwise=False,
)


@quantity(
    (*VARIABLES, GRADIENT, shared.TAU, shared.TAU_STATUS),
    {"tau": TAU, "distance": DISTANCE},
    name="regions",
    seconds=(1.6e-5, 8e-6),
    problems=on_a_line_or_pairs("regions"),
)
def _of_study(mixture: xr.Dataset, tau: GridSpec, distance: GridSpec) -> xr.Dataset:
    """Interfacial regions, the share of probability inside, and the profile of the score gradient across them."""
    moments = diffusion_times(mixture, tau)
    found = regions(mixture, moments, axes.values(distance))
    return with_times(found, moments, "region_status", "interface_status")


def regions(
    mixture: xr.Dataset,
    tau: Numbers,
    distance: np.ndarray | list | None = None,
) -> xr.Dataset:
    """Interfacial regions (60), the share of probability inside, and the profile of the score gradient (Prop. 6.8).

    Parameters
    ----------
    mixture
        A mixture on a line, or pairs in any number of features; its sweep dimensions carry over.
    tau
        Diffusion times; an array becomes the axis ``tau``.
    distance
        Distances from each boundary, in widths v/a of its layer, at which the gradient is given.

    Returns
    -------
    Dataset
        ``interface_position, interface_half_gap, interface_width (..., interface)`` with ``interface_status``,
        ``n_interfaces``, ``interfacial_probability``, ``region_status``; ``gradient = v s_x (..., interface,
        distance)``. Positions and widths have the unit of the data; the others are dimensionless.

    Raises
    ------
    ValueError
        For more than one feature, a negative ``tau``, and distances that are no numbers.

    Notes
    -----
    For a pair the gradient is ``R sech^2(distance) - 1``, ``R = a^2/v``: not two values, R - 1 inside and -1 outside, but a
    profile, still positive at one width for R > 2.4.

    References
    ----------
    arXiv:2604.07404, (34), (60), (74), Proposition 6.8.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.regions import regions
    >>> found = regions(ss.families.pair(separation=1.0, variance=0.09), 0.0, distance=[0.0, 1.0, 1.5, 2.0])
    >>> found.gradient.squeeze().values.round(2).tolist()
    [10.11, 3.67, 1.01, -0.21]
    """
    k = number_of_components(mixture)
    arguments = mixture_arguments(mixture, tau=times(tau))
    sizes = {"interface": k - 1}
    found = apply(kernel.regions, arguments, VARIABLES, sizes=sizes)
    found = found.assign_coords(counted(found, "interface"))
    if distance is None:
        return found
    at = xr.DataArray(np.atleast_1d(as_numbers("distance", distance)), dims="distance")
    profile = apply(kernel.gradient_profile, arguments | {"distance": (at, ("distance",))}, [GRADIENT], sizes=sizes)
    return found.assign(gradient=profile.gradient).assign_coords(distance=("distance", at.data, attributes("distance")))
