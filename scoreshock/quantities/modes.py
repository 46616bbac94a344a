"""The density's own modes: how many there are at each diffusion time, where they merge, and which into which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import whole
from scoreshock.conventions import Status
from scoreshock.kernels.modes import merging_tree as trees
from scoreshock.kernels.modes import mode_counts
from scoreshock.quantities.counting_axes import counted, status_of_places
from scoreshock.quantities.labelled import Output, apply, checked_mixture, mixture_arguments, number_of_components
from scoreshock.quantities.points import diffusion_times, times, with_times


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content: modes at its times, the last merging, and of one feature the merging tree."""
    tau = diffusion_times(mixture, content["options"]["tau"])
    on_a_line, k = mixture.sizes["feature"] == 1, mixture.sizes["component"]
    counts = with_times(
        mode_count(mixture, tau, places=k if on_a_line else 2 * k), tau, "modes_status", "mode_position_status"
    )
    events = [merging_tree(mixture)] if on_a_line else []
    return xr.merge([counts, last_merging(mixture), *events], join="exact", compat="no_conflicts")


def mode_count(
    mixture: xr.Dataset, tau: float | np.ndarray | list | xr.DataArray = 0.0, places: int | None = None
) -> xr.Dataset:
    """Modes of the density at given diffusion times: ``n_modes``, ``mode_position(..., maximum, feature)`` and statuses.

    Parameters
    ----------
    mixture
        A mixture; its sweep dimensions carry over.
    tau
        Diffusion times; an array becomes the axis ``tau``.
    places
        Length of the axis ``maximum``, ``2 k`` by default.

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
    found = apply(
        _modes,
        [*mixture_arguments(mixture), (times(tau), ())],
        [
            Output("n_modes", (), np.int32),
            Output("mode_position", ("maximum", "feature")),
            Output("mode_position_status", ("maximum",), np.int8),
            Output("modes_status", (), np.int8),
        ],
        sizes={"maximum": places},
        places=places,
    )
    return found.assign_coords(counted(found, "maximum"))


def _modes(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, places: int
) -> tuple[np.ndarray, ...]:
    found = mode_counts.count_modes(means, weights, variance + 2 * tau, places)
    each = status_of_places(found.position[..., 0], found.status, Status.no_transition)
    return found.number, found.position, each, found.status


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
    return apply(
        mode_counts.last_merging,
        mixture_arguments(mixture),
        [
            Output("tau_density"),
            Output("density_status", (), np.int8),
            Output("modes_before_last", (), np.int32),
            Output("density_scanned", (), np.int8),
        ],
    )


def merging_tree(mixture: xr.Dataset) -> xr.Dataset:
    """Which modes merge into which, event by event, of a mixture with one feature.

    Returns
    -------
    Dataset
        ``tau_event(..., event)`` with ``event_status``; ``x_before, x_after(..., event, maximum)``: modes just below and
        just above the event, ascending; ``merges_into(..., event, maximum)``: place after the event of each mode before it;
        ``vanishes``: 1 where it ends there, 0 where it goes on; ``branch(..., event, maximum)``: place after the event of
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
    found = apply(
        _tree,
        mixture_arguments(mixture),
        [
            Output("tau_event", ("event",)),
            Output("event_status", ("event",), np.int8),
            Output("x_before", ("event", "maximum")),
            Output("x_after", ("event", "maximum")),
            Output("merges_into", ("event", "maximum"), np.int16),
            Output("vanishes", ("event", "maximum"), np.int8),
            Output("branch", ("event", "maximum"), np.int16),
            Output("x_before_status", ("event", "maximum"), np.int8),
            Output("x_after_status", ("event", "maximum"), np.int8),
        ],
        sizes={"event": k - 1, "maximum": k},
    )
    return found.assign_coords(counted(found, "event", "maximum"))


def _tree(means: np.ndarray, weights: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, ...]:
    found = trees.merging_tree(means, weights, variance)
    each = (status_of_places(x, found.event_status, Status.no_transition) for x in (found.x_before, found.x_after))
    return (*found, *each)
