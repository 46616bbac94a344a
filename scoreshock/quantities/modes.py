"""The density's own modes: how many there are at each diffusion time, where they merge, and which into which."""

from __future__ import annotations

import xarray as xr

from scoreshock.checks import whole
from scoreshock.conventions import variables
from scoreshock.kernels.modes import merging_tree as trees
from scoreshock.kernels.modes import mode_counts
from scoreshock.options import TAU
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import apply, checked_mixture, mixture_arguments, number_of_components
from scoreshock.quantities.points import GridSpec, Numbers, diffusion_times, times, with_times

COUNT = variables(
    """
    n_modes int32, modes_status: number of modes of the density
        | In several features at least so many. Local maxima of the density at tau.
    mode_position(mode, feature), mode_position_status: position of each mode of the density | In one feature ascending.
    mode_position_status(mode): outcome of each mode
    modes_status: outcome of the count of modes
    """
)
LAST = variables(
    """
    tau_density, density_status: diffusion time above which the density has one mode
        | Of two components in closed form, else the last event.
    density_status: outcome of the density's last change to one mode
    modes_before_last int32, density_status: number of modes below the last change to one mode
        | 2 unless symmetry makes more of them merge at once.
    density_scanned int8, density_status: whether the last change results from a scan (1, 0)
        | A scan may miss modes that come and go between two of its times.
    """
)
TREE = (
    shared.TAU_EVENT,
    shared.EVENT_STATUS,
    *variables(
        """
        x_before(event, mode), x_before_status: position of each mode just below the merging event | Ascending along mode.
        x_after(event, mode), x_after_status: position of each mode just above the merging event | Ascending along mode.
        merges_into(event, mode) int16, event_status: index after the event of each mode before it (-1: no mode)
            | Two modes with one index are one after the event.
        vanishes(event, mode) int8, event_status: whether the mode ends at the event: 1 yes, 0 no, -1 no mode
            | Of two modes in a saddle-node the one that does not continue.
        branch(event, mode) int16, event_status: index of each first mode after the event (-1: no mode)
            | Of the modes before the first event. The tree of modes from data to noise, one column an event.
        x_before_status(event, mode): outcome of each mode just below the merging event
        x_after_status(event, mode): outcome of each mode just above the merging event
        """
    ),
)


@quantity((*COUNT, *LAST, *TREE, shared.TAU, shared.TAU_STATUS), {"tau": TAU}, name="modes", seconds=(6e-5, 2e-5))
def _of_study(mixture: xr.Dataset, tau: GridSpec) -> xr.Dataset:
    """Modes of the density at each diffusion time, their last merging, and of one feature the merging tree."""
    moments = diffusion_times(mixture, tau)
    on_a_line, k = mixture.sizes["feature"] == 1, mixture.sizes["component"]
    counts = mode_count(mixture, moments, places=k if on_a_line else 2 * k)
    events = [merging_tree(mixture)] if on_a_line else []
    parts = [with_times(counts, moments, "modes_status", "mode_position_status"), last_merging(mixture), *events]
    return xr.merge(parts, join="exact", compat="no_conflicts")


def mode_count(mixture: xr.Dataset, tau: Numbers = 0.0, places: int | None = None) -> xr.Dataset:
    """Modes (local maxima) of the density at given diffusion times.

    Parameters
    ----------
    mixture
        A mixture; its sweep dimensions carry over.
    tau
        Diffusion times; an array becomes the axis ``tau``.
    places
        Length of the axis ``mode``, ``2 k`` by default.

    Returns
    -------
    Dataset
        ``n_modes (...)``, with the dimensions of ``tau``, ``mode_position (..., mode, feature)`` in units of the data, and
        their statuses.

    Raises
    ------
    ValueError
        For a mixture of one component, a negative ``tau``, and a number of places that is no whole number above 0.

    Notes
    -----
    With one feature no mode is missed, and the number never rises with tau. With several the number is a lower bound, of
    what an ascent from each mean, each midpoint of two means and the weighted mean reaches: it may exceed the number of
    components, and may rise with tau. Where the density is so flat that double precision cannot tell, the status is
    ``unresolved`` and the number 0.

    References
    ----------
    Robertson and Fryer 1969, modes of two normal components.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> from scoreshock.quantities.modes import mode_count
    >>> triangle = ss.families.polygon(1.0, variance=0.0, vertices=3)
    >>> mode_count(triangle, [0.24, 0.26, 0.28]).n_modes.squeeze().values.tolist()
    [3, 4, 1]
    """
    places = 2 * checked_mixture(mixture).sizes["component"] if places is None else whole("places", places, 1)
    found = apply(
        mode_counts.modes_over_time, mixture_arguments(mixture, tau=times(tau)), COUNT, sizes={"mode": places}, places=places
    )
    return found.assign_coords(counted(found, "mode"))


def last_merging(mixture: xr.Dataset) -> xr.Dataset:
    """Time above which the density has one mode: ``tau_density`` with ``density_status``.

    ``modes_before_last`` is the number of modes below it: at the next v below at which rounding does not hide them, as it
    does near the centre of a regular polygon. ``density_scanned`` is 1 where the time was found by a scan in v with the
    modes that an ascent reaches (several features and three or more components), accurate to 1e-9 in v but blind to what
    lies between its nodes; 0 where it was solved.

    Parameters
    ----------
    mixture
        A labelled mixture of at least two components; its sweep dimensions carry over.

    Returns
    -------
    Dataset
        ``tau_density``, ``density_status``, ``modes_before_last``, ``density_scanned``, each ``(...)``. Times have the unit
        of the data squared.

    Raises
    ------
    ValueError
        For what is no mixture, or a mixture of one component.

    References
    ----------
    Robertson and Fryer 1969, modes of two normal components.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.modes import last_merging
    >>> triangle = ss.families.polygon(1.0, variance=0.0, vertices=3)
    >>> round(2 * float(last_merging(triangle).tau_density.squeeze()), 4)  # the centre's own criterion says 0.5
    0.5463
    """
    number_of_components(mixture)
    return apply(mode_counts.last_merging, mixture_arguments(mixture), LAST)


def merging_tree(mixture: xr.Dataset) -> xr.Dataset:
    """Which modes merge into which, event by event, of a mixture with one feature.

    Parameters
    ----------
    mixture
        A labelled mixture of at least two components and one feature; its sweep dimensions carry over.

    Returns
    -------
    Dataset
        ``tau_event(..., event)`` with ``event_status``; ``x_before, x_after(..., event, mode)``: modes just below
        and just above the event, ascending; ``merges_into(..., event, mode)``: place after the event of each mode
        before it; ``vanishes``: 1 where it ends there, 0 where it goes on; ``branch(..., event, mode)``: place after
        the event of each mode that there is before the first event. -1 or NaN where there is no mode, which
        ``x_before_status, x_after_status`` say. Times have the unit of the data squared, positions that of the data.

    Raises
    ------
    ValueError
        Unless the mixture has one feature and at least two components.

    References
    ----------
    Robertson and Fryer 1969, modes of two normal components.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.modes import merging_tree
    >>> tree = merging_tree(ss.families.custom(means=[[0.0], [1.0], [3.0]], variance=0.0))
    >>> tree.merges_into.squeeze().values.tolist()  # the first two meet, then the third joins them
    [[0, 0, 1], [0, 0, -1]]
    """
    k = number_of_components(mixture)
    if mixture.sizes["feature"] != 1:
        raise ValueError(f"feature: the mixture has {mixture.sizes['feature']}; allowed: 1 feature")
    sizes = {"event": k - 1, "mode": k}
    found = apply(trees.merging_tree, mixture_arguments(mixture), TREE, sizes=sizes)
    return found.assign_coords(counted(found, "event", "mode"))
