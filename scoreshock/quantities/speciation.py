"""Speciation times of a mixture by every criterion, and their place in a schedule's own clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import DEFAULT_CRITERIA, MIXTURE_CRITERIA, attributes
from scoreshock.kernels.gaussian import geometry
from scoreshock.kernels.modes import modes
from scoreshock.kernels.speciation import alternatives, roots
from scoreshock.kernels.speciation import criteria as closed
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.labelled import (
    Output,
    apply,
    checked_names,
    mixture_arguments,
    number_of_components,
    without_variance,
)
from scoreshock.quantities.schedule_time import clock
from scoreshock.schedules.schedule import Schedules, as_schedules


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content."""
    return speciation(mixture, content["schedules"], **content["options"])


def speciation(
    mixture: xr.Dataset,
    schedules: Schedules = None,
    criteria: Sequence[str] = DEFAULT_CRITERIA,
) -> xr.Dataset:
    """Speciation times of ``mixture`` by each criterion, with their statuses, all roots and all merging events.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    schedules
        Noise schedules by label, or a name, a schedule, parameters with ``kind``, or a list of these, which their kinds
        label; with them each ``tau_star`` is also given in each schedule's clock.
    criteria
        Which criteria to report: by default ``leading, first, quadratic, exact, boundary, merging, spectral``; further
        ``drift, cloning, entropic`` (of these the last two cost about a millisecond a point).

    Returns
    -------
    Dataset
        ``tau_star(..., criterion)`` and ``status(..., criterion)``; ``n_roots``, ``tau_root(..., root)`` ascending with
        ``root_mode``; ``cascade(..., mode)``; ``tau_event(..., event)`` ascending with ``modes_before`` and ``modes_after``;
        with schedules ``time, time_status, sigma, noise, alpha_bar, log_snr, sampling_step (..., criterion, schedule)``.
        NaN stands only beside a status that is not ``ok``.

    Raises
    ------
    ValueError
        For an unknown criterion or a mixture of one component.

    Notes
    -----
    ``exact`` is the largest root of ``lambda_max(Gamma(v)) = v`` at the weighted mean (94); that root need not be unique
    (Theorem 9.10 says it is), and need not lie on the branch of ``leading`` (77), ``first`` (92) and ``quadratic`` (93).
    ``boundary`` is (42)-(43) for a pair, ``merging`` the density's own last merging of modes. ``spectral`` takes the largest
    eigenvalue of the total covariance: of a mixture from data the data's own, ``total_eigenvalue``.

    Examples
    --------
    >>> import scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> round(float(ss.speciation(pair).tau_star.sel(criterion="exact")), 12)
    0.455
    """
    criteria, clocks = checked_names("criteria", criteria, MIXTURE_CRITERIA), as_schedules(schedules)
    k = number_of_components(mixture)
    rank = max(1, min(k - 1, mixture.sizes["feature"]))
    arguments = mixture_arguments(mixture)
    if "total_eigenvalue" in mixture:
        arguments.append((mixture.total_eigenvalue, ()))
    times = apply(
        _times,
        arguments,
        [
            Output("tau_star", ("criterion",)),
            Output("status", ("criterion",), np.int8),
            Output("cascade", ("mode",)),
            Output("cascade_status", ("mode",), np.int8),
            Output("tau_root", ("root",)),
            Output("root_status", ("root",), np.int8),
            Output("root_mode", ("root",), np.int16),
            Output("n_roots", (), np.int16),
            Output("root_truncated", (), np.int8),
            Output("tau_event", ("event",)),
            Output("event_status", ("event",), np.int8),
            Output("x_event", ("event",)),
            Output("modes_before", ("event",), np.int16),
            Output("modes_after", ("event",), np.int16),
            Output("n_events", (), np.int16),
            Output("eigenvalue", ("mode",)),
        ],
        sizes={"criterion": len(criteria), "mode": rank, "root": 2 * k - 1, "event": k - 1},
        criteria=criteria,
    )
    times["eigenvalue"] = without_variance(mixture, times.eigenvalue)
    named = {"criterion": ("criterion", list(criteria), attributes("criterion"))}
    result = times.assign_coords(counted(times, "mode", "root", "event") | named)
    return result.merge(clock(result.tau_star, clocks), join="exact") if clocks else result


def _times(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    total: np.ndarray | None = None,
    *,
    criteria: tuple[str, ...],
) -> tuple:
    """All criteria at each point, in the order of the outputs of :func:`speciation`."""
    shape = np.broadcast_shapes(means.shape[:-2], weights.shape[:-1], variance.shape)
    spectrum = geometry.decompose(means, weights)
    exact = roots.exact(means, weights, variance)
    merging = modes.merging(means, weights, variance)
    outcome = {
        "leading": lambda: closed.leading(spectrum, variance),
        "first": lambda: closed.first(spectrum, weights, variance),
        "quadratic": lambda: closed.quadratic(spectrum, weights, variance),
        "exact": lambda: (exact.tau_star, exact.status),
        "boundary": lambda: closed.boundary(means, weights, variance),
        "merging": lambda: (merging.tau_star, merging.status),
        "spectral": lambda: closed.spectral(spectrum, variance, total),
        "drift": lambda: alternatives.drift(means, weights, variance),
        "cloning": lambda: alternatives.cloning(means, weights, variance),
        "entropic": lambda: alternatives.entropic(means, weights, variance),
    }
    found = [outcome[name]() for name in criteria]
    tau, status = (np.stack([np.broadcast_to(f[i], shape) for f in found], axis=-1) for i in (0, 1))
    return (
        tau,
        status,
        *closed.cascade(spectrum, variance),
        exact.tau_root,
        exact.root_status,
        exact.mode,
        exact.n_roots,
        exact.truncated,
        merging.tau_event,
        merging.event_status,
        merging.x_event,
        merging.modes_before,
        merging.modes_after,
        merging.n_events,
        spectrum.eigenvalues,
    )
