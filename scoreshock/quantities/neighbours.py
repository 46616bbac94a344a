"""Neighbouring criteria of speciation, labelled: cloning, stability of the reverse drift, entropy of the class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_real, show
from scoreshock.conventions import attributes
from scoreshock.kernels.speciation import alternatives as kernel
from scoreshock.quantities.labelled import Output, apply, mixture_arguments, number_of_components
from scoreshock.quantities.points import diffusion_times, times, with_times

CRITERIA = ("cloning", "drift", "entropic")


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content: :func:`neighbours`."""
    tau = diffusion_times(mixture, content["options"]["tau"])
    return with_times(neighbours(mixture, tau), tau, "neighbours_status")


def neighbours(mixture: xr.Dataset, tau: float | np.ndarray | list | xr.DataArray) -> xr.Dataset:
    """Cloning probability and class entropy at given diffusion times, with the entropy's rates.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    tau
        Diffusion times; an array becomes the axis ``tau``.

    Returns
    -------
    Dataset
        ``cloning_probability`` (Biroli et al. 2024), ``class_entropy`` in nats, ``entropy_rate`` per tau,
        ``entropy_log_rate`` per log-SNR (negative: information is lost as the signal fades) and ``neighbours_status``:
        ``not_applicable`` for three or more components in several features, ``singular`` where v = 0.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.neighbours import neighbours
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> round(float(neighbours(pair, 0.455).cloning_probability.squeeze()), 4)
    0.7752
    """
    number_of_components(mixture)
    return apply(
        kernel.neighbours,
        [*mixture_arguments(mixture), (times(tau), ())],
        [
            Output("cloning_probability"),
            Output("class_entropy"),
            Output("entropy_rate"),
            Output("entropy_log_rate"),
            Output("neighbours_status", (), np.int8),
        ],
    )


def neighbouring_times(mixture: xr.Dataset, level: float = kernel.LEVEL) -> xr.Dataset:
    """Diffusion times by neighbouring criteria: ``tau_star`` and ``status`` ``(..., criterion)``.

    ``cloning``: the cloning probability falls through ``level``, by default that of an equal pair at its speciation;
    ``drift``: the reverse drift of the VP process loses stability (Raya and Ambrogioni 2023; depends on the units of the
    data); ``entropic``: the entropy of the class changes fastest per log-SNR.

    Raises
    ------
    ValueError
        For a level not in (0, 1), or a mixture of one component.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.neighbours import neighbouring_times
    >>> neighbouring_times(ss.families.pair(separation=1.0, variance=0.0)).tau_star.squeeze().values.round(4).tolist()
    [0.5, 0.7071, 0.3315]
    """
    if as_real("level", level).ndim or not 0 < level < 1:
        raise ValueError(f"level = {show(level)} is not allowed; allowed: a number between 0 and 1")
    number_of_components(mixture)
    found = apply(
        _times,
        mixture_arguments(mixture),
        [Output("tau_star", ("criterion",)), Output("status", ("criterion",), np.int8)],
        sizes={"criterion": len(CRITERIA)},
        level=level,
    )
    return found.assign_coords(criterion=("criterion", list(CRITERIA), attributes("criterion")))


def _times(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    found = [
        kernel.cloning(means, weights, variance, level),
        kernel.drift(means, weights, variance),
        kernel.entropic(means, weights, variance),
    ]
    return np.stack([tau for tau, _ in found], axis=-1), np.stack([status for _, status in found], axis=-1)
