"""The density's own modes: how many there are at each diffusion time, where they merge, and which into which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import whole
from scoreshock.conventions import Variable
from scoreshock.kernels.modes import merging_tree as trees
from scoreshock.kernels.modes import mode_counts
from scoreshock.options import TAU
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import apply, checked_mixture, mixture_arguments, number_of_components
from scoreshock.quantities.points import diffusion_times, times, with_times

COUNT = (
    Variable(
        "n_modes",
        "number of modes of the density (in several features: at least)",
        (),
        "modes_status",
        "Local maxima of the density at tau.",
        dtype=np.int32,
    ),
    Variable(
        "mode_position",
        "position of each mode of the density",
        ("mode", "feature"),
        "mode_position_status",
        "In one feature ascending.",
    ),
    Variable("mode_position_status", "outcome of each mode", ("mode",)),
    Variable("modes_status", "outcome of the count of modes"),
)
LAST = (
    Variable(
        "tau_density",
        "diffusion time above which the density has one mode",
        (),
        "density_status",
        "Of two components in closed form, else the last event.",
    ),
    Variable("density_status", "outcome of the density's last change to one mode"),
    Variable(
        "modes_before_last",
        "number of modes just below the density's last change to one mode",
        (),
        "density_status",
        "2 unless symmetry makes more of them merge at once.",
        dtype=np.int32,
    ),
    Variable(
        "density_scanned",
        "whether the last change to one mode results from a scan: 1 yes, 0 no",
        (),
        "density_status",
        "A scan may miss modes that come and go between two of its times.",
        dtype=np.int8,
    ),
)
EVENT_AND_MODE = ("event", "mode")
TREE = (
    shared.TAU_EVENT,
    shared.EVENT_STATUS,
    Variable(
        "x_before",
        "position of each mode just below the merging event",
        EVENT_AND_MODE,
        "x_before_status",
        "Ascending along mode.",
    ),
    Variable(
        "x_after",
        "position of each mode just above the merging event",
        EVENT_AND_MODE,
        "x_after_status",
        "Ascending along mode.",
    ),
    Variable(
        "merges_into",
        "index after the event of each mode before it (-1: no mode)",
        EVENT_AND_MODE,
        "event_status",
        "Two modes with one index are one after the event.",
        dtype=np.int16,
    ),
    Variable(
        "vanishes",
        "whether the mode ends at the event: 1 yes, 0 no, -1 no mode",
        EVENT_AND_MODE,
        "event_status",
        "Of two modes in a saddle-node the one that does not continue.",
        dtype=np.int8,
    ),
    Variable(
        "branch",
        "index after the event of each mode before the first event (-1: no mode)",
        EVENT_AND_MODE,
        "event_status",
        "The tree of modes from data to noise, one column an event.",
        dtype=np.int16,
    ),
    Variable("x_before_status", "outcome of each mode just below the merging event", EVENT_AND_MODE),
    Variable("x_after_status", "outcome of each mode just above the merging event", EVENT_AND_MODE),
)


@quantity((*COUNT, *LAST, *TREE, shared.TAU, shared.TAU_STATUS), {"tau": TAU}, name="modes", seconds=(6e-5, 2e-5))
def _of_study(mixture: xr.Dataset, tau: Mapping[str, Any]) -> xr.Dataset:
    """Modes of the density at each diffusion time, their last merging, and of one feature the merging tree."""
    moments = diffusion_times(mixture, tau)
    on_a_line, k = mixture.sizes["feature"] == 1, mixture.sizes["component"]
    counts = mode_count(mixture, moments, places=k if on_a_line else 2 * k)
    events = [merging_tree(mixture)] if on_a_line else []
    parts = [with_times(counts, moments, "modes_status", "mode_position_status"), last_merging(mixture), *events]
    return xr.merge(parts, join="exact", compat="no_conflicts")


def mode_count(
    mixture: xr.Dataset, tau: float | np.ndarray | list | xr.DataArray = 0.0, places: int | None = None
) -> xr.Dataset:
    """Modes of the density at given diffusion times: ``n_modes``, ``mode_position(..., mode, feature)`` and statuses.

    Parameters
    ----------
    mixture
        A mixture; its sweep dimensions carry over.
    tau
        Diffusion times; an array becomes the axis ``tau``.
    places
        Length of the axis ``mode``, ``2 k`` by default.

    Notes
    -----
    With one feature no mode is missed, and the number never rises with tau. With several the number is a lower bound, of
    what an ascent from each mean, each midpoint of two means and the weighted mean reaches: it may exceed the number of
    components, and may rise with tau. Where the density is so flat that double precision cannot tell, the status is
    ``unresolved`` and the number 0.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> from scoreshock.quantities.modes import mode_count
    >>> triangle = ss.families.polygon(1.0, variance=0.0, vertices=3)
    >>> mode_count(triangle, [0.24, 0.26, 0.28]).n_modes.squeeze().values.tolist()
    [3, 4, 1]
    """
    places = 2 * checked_mixture(mixture).sizes["component"] if places is None else whole("places", places, 1)
    arguments = [*mixture_arguments(mixture), (times(tau), ())]
    found = apply(mode_counts.modes_over_time, arguments, COUNT, sizes={"mode": places}, places=places)
    return found.assign_coords(counted(found, "mode"))


def last_merging(mixture: xr.Dataset) -> xr.Dataset:
    """Time above which the density has one mode: ``tau_density`` with ``density_status``.

    ``modes_before_last`` is the number of modes below it: at the next v below at which rounding does not hide them, as it
    does near the centre of a regular polygon. ``density_scanned`` is 1 where the time was found by a scan in v with the
    modes that an ascent reaches (several features and three or more components), accurate to 1e-9 in v but blind to what
    lies between its nodes; 0 where it was solved.

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

    Returns
    -------
    Dataset
        ``tau_event(..., event)`` with ``event_status``; ``x_before, x_after(..., event, mode)``: modes just below and
        just above the event, ascending; ``merges_into(..., event, mode)``: place after the event of each mode before it;
        ``vanishes``: 1 where it ends there, 0 where it goes on; ``branch(..., event, mode)``: place after the event of
        each mode that there is before the first event. -1 or NaN where there is no mode, which
        ``x_before_status, x_after_status`` say.

    Raises
    ------
    ValueError
        Unless the mixture has one feature and at least two components.

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
