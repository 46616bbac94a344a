"""The exact cascade: speciation times of every eigenvalue of the between-class covariance, against the leading ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import whole
from scoreshock.kernels.gaussian import geometry
from scoreshock.kernels.speciation import criteria as closed
from scoreshock.kernels.speciation import exact_cascade as cascades
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.labelled import Output, apply, mixture_arguments, number_of_components


def compute(mixture: xr.Dataset, _content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content: :func:`exact_cascade`."""
    return exact_cascade(mixture)


def exact_cascade(mixture: xr.Dataset, places: int | None = None) -> xr.Dataset:
    """Speciation times of every mode by the exact criterion, against the leading cascade.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    places
        Length of the axis ``root``, ``2 k - 1`` by default; of more roots the largest are kept.

    Returns
    -------
    Dataset
        ``tau_mode(..., mode)``, the largest root of ``lambda_j(Gamma(v)) = v`` at the weighted mean as a time, negative
        where ``mode_status`` is ``below_floor``; ``tau_mode_root(..., mode, root)`` ascending with ``mode_root_status``,
        ``n_mode_roots`` and ``mode_root_truncated``; ``cascade``, ``cascade_status`` of leading order, (77), and
        ``cascade_error = cascade - tau_mode``, NaN where either is.

    Notes
    -----
    The first mode is the criterion ``exact`` (94). Where the distances of the means from their mean are equal, leading and
    exact cascade agree (Corollary 9.3), whatever the hierarchy.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.cascade import exact_cascade
    >>> tree = ss.families.hierarchy(4.0, variance=0.0, ratio=0.5, levels=2)
    >>> exact_cascade(tree).tau_mode.squeeze().values.round(12).tolist()
    [8.0, 1.0, 1.0]
    """
    k = number_of_components(mixture)
    rank = max(1, min(k - 1, mixture.sizes["feature"]))
    places = 2 * k - 1 if places is None else whole("places", places, 1)
    found = apply(
        _cascades,
        mixture_arguments(mixture),
        [
            Output("tau_mode", ("mode",)),
            Output("mode_status", ("mode",), np.int8),
            Output("n_mode_roots", ("mode",), np.int16),
            Output("tau_mode_root", ("mode", "root")),
            Output("mode_root_status", ("mode", "root"), np.int8),
            Output("mode_root_truncated", ("mode",), np.int8),
            Output("cascade", ("mode",)),
            Output("cascade_status", ("mode",), np.int8),
            Output("cascade_error", ("mode",)),
        ],
        sizes={"mode": rank, "root": places},
        places=places,
    )
    return found.assign_coords(counted(found, "mode", "root"))


def _cascades(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, places: int) -> tuple[np.ndarray, ...]:
    exact = cascades.exact_cascade(means, weights, variance, places)
    tau, status = closed.cascade(geometry.decompose(means, weights), variance)
    roots = (exact.n_roots, exact.tau_root, exact.root_status, exact.truncated)
    return exact.tau, exact.status, *roots, tau, status, tau - exact.tau
