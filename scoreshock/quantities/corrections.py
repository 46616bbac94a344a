"""The correction series of the speciation time, order by order, against the exact criterion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import whole
from scoreshock.conventions import Status, attributes
from scoreshock.kernels.gaussian import geometry
from scoreshock.kernels.speciation import criteria as closed
from scoreshock.kernels.speciation import roots, series
from scoreshock.quantities.labelled import Output, apply, mixture_arguments, number_of_components, without_variance

MAXIMUM_ORDER = 40
"""Terms beyond this are beyond double precision of the recursion, and the series has long stopped improving."""


OF_MEANS_AND_WEIGHTS = (
    Output("coefficient", ("order",)),
    Output("smallest_term", (), np.int16),
    Output("covariance_coefficient"),
)
"""What the variance does not change."""


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content."""
    return corrections(mixture, **content["options"])


def corrections(mixture: xr.Dataset, order: int = 8) -> xr.Dataset:
    """Speciation time of the series through each order, and its error against the exact criterion.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    order
        Highest order, from 0 (leading, (77)) over 1 (first, (92)) to 40.

    Returns
    -------
    Dataset
        ``tau_order(..., order)`` and its ``order_status``; ``coefficient(..., order)``, the terms ``c_n`` of
        ``v* = lambda_1 + c_1 + c_2 + ...``; ``error(..., order) = tau_order - tau_star[exact]`` and ``error_relative``
        (relative to the exact ``v*``) with ``error_status``: ``not_applicable`` where the exact root lies on another
        eigenvalue's branch; ``smallest_term``; ``covariance_coefficient`` C.

    Raises
    ------
    ValueError
        For an order outside 0 ... 40 or a mixture of one component.

    Notes
    -----
    The series has no small parameter: it improves as the distances of the means from their mean become equal, not as they
    grow, and it may diverge. Its terms follow from ``v = lambda(1/v)`` by Lagrange inversion.

    Examples
    --------
    >>> import scoreshock as ss
    >>> pair = ss.families.pair(separation=2.0, variance=0.25)
    >>> bool((abs(ss.corrections(pair, order=3).error) < 1e-12).all())
    True
    """
    check_order(order)
    number_of_components(mixture)
    found = apply(
        _corrections,
        mixture_arguments(mixture),
        [
            Output("tau_order", ("order",)),
            Output("order_status", ("order",), np.int8),
            Output("error", ("order",)),
            Output("error_relative", ("order",)),
            Output("error_status", ("order",), np.int8),
            *OF_MEANS_AND_WEIGHTS,
        ],
        sizes={"order": order + 1},
        order=order,
    )
    for output in OF_MEANS_AND_WEIGHTS:
        found[output.name] = without_variance(mixture, found[output.name])
    return found.assign_coords(order=("order", np.arange(order + 1), attributes("order")))


def check_order(order: int) -> None:
    """Raise ``ValueError`` unless ``order`` is a whole number from 0 to the highest of the series."""
    whole("order", order, 0, MAXIMUM_ORDER)


def _corrections(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, order: int) -> tuple[np.ndarray, ...]:
    spectrum = geometry.decompose(means, weights)
    found = series.corrections(spectrum, weights, variance, order)
    exact = roots.exact(means, weights, variance)
    same_branch = _on_leading_branch(spectrum.eigenvalues, exact.mode, exact.n_roots)
    incomparable = np.where(exact.status != Status.ok, exact.status, np.where(same_branch, Status.ok, Status.not_applicable))
    incomparable = incomparable.astype(np.int8)[..., None]
    comparable = incomparable == Status.ok
    # A value that stands beside a flag, such as a time below the floor, can be compared all the same.
    known = ~np.isnan(found.tau)
    error = np.where(known & comparable, found.tau - exact.tau_star[..., None], np.nan)
    relative = error / (variance / 2 + exact.tau_star)[..., None]
    status = np.where(comparable, np.where(known, np.int8(Status.ok), found.status), incomparable)
    coefficient = closed.correction_coefficient(spectrum, weights)
    return found.tau, found.status, error, relative, status, found.coefficient, found.smallest_term, coefficient


def _on_leading_branch(eigenvalues: np.ndarray, mode: np.ndarray, n_roots: np.ndarray) -> np.ndarray:
    """Whether the largest root's direction belongs to the eigenspace of the largest eigenvalue."""
    last = np.maximum(np.minimum(n_roots, mode.shape[-1]) - 1, 0)[..., None]
    index = np.maximum(np.take_along_axis(mode, last, axis=-1), 0)
    spread = np.broadcast_to(eigenvalues, (*mode.shape[:-1], eigenvalues.shape[-1]))
    own = np.take_along_axis(spread, index.astype(np.intp), axis=-1)[..., 0]
    return own >= eigenvalues[..., 0] * (1 - geometry.DEGENERATE)
