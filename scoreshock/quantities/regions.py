"""Interfacial and regular regions of the score, labelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock import axes
from scoreshock.checks import as_numbers
from scoreshock.conventions import Status, attributes
from scoreshock.kernels.layer import regions as kernel
from scoreshock.quantities.counting_axes import counted, status_of_places
from scoreshock.quantities.labelled import Output, apply, mixture_arguments, number_of_components
from scoreshock.quantities.points import diffusion_times, times, with_times


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content: :func:`regions`."""
    options = content["options"]
    tau = diffusion_times(mixture, options["tau"])
    found = regions(mixture, tau, axes.values(options["distance"]))
    return with_times(found, tau, "region_status", "interface_status")


def regions(
    mixture: xr.Dataset,
    tau: float | np.ndarray | list | xr.DataArray,
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
        ``n_interfaces``, ``interfacial_probability``, ``region_status``; ``gradient = v s_x (..., interface, distance)``.

    Notes
    -----
    For a pair the gradient is ``R sech^2(distance) - 1``, ``R = a^2/v``: not two values, R - 1 inside and -1 outside, but a
    profile, still positive at one width for R > 2.4.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.regions import regions
    >>> found = regions(ss.families.pair(separation=1.0, variance=0.09), 0.0, distance=[0.0, 1.0, 1.5, 2.0])
    >>> found.gradient.squeeze().values.round(2).tolist()
    [10.11, 3.67, 1.01, -0.21]
    """
    k = number_of_components(mixture)
    arguments = [*mixture_arguments(mixture), (times(tau), ())]
    found = apply(
        _regions,
        arguments,
        [
            *(Output(f"interface_{name}", ("interface",)) for name in ("position", "half_gap", "width")),
            Output("interface_status", ("interface",), np.int8),
            Output("n_interfaces", (), np.int16),
            Output("interfacial_probability"),
            Output("region_status", (), np.int8),
        ],
        sizes={"interface": k - 1},
    )
    found = found.assign_coords(counted(found, "interface"))
    if distance is None:
        return found
    at = xr.DataArray(np.atleast_1d(as_numbers("distance", distance)), dims="distance")
    profile = apply(
        kernel.gradient_profile,
        [*arguments, (at, ("distance",))],
        [Output("gradient", ("interface", "distance"))],
        sizes={"interface": k - 1},
    )
    return found.assign(gradient=profile.gradient).assign_coords(distance=("distance", at.data, attributes("distance")))


def _regions(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, ...]:
    found = kernel.regions(means, weights, variance, tau)
    each = status_of_places(found.boundary, found.status, Status.no_transition)
    return found.boundary, found.half_gap, found.width, each, found.number, found.inside, found.status
