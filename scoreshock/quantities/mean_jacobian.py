"""The score's Jacobian at the weighted mean, whose largest eigenvalue decides speciation, and its expansion in noise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status, attributes
from scoreshock.kernels.gaussian import mixture as fields
from scoreshock.kernels.gaussian.geometry import centred, decompose
from scoreshock.kernels.speciation import series
from scoreshock.quantities.corrections import check_order
from scoreshock.quantities.labelled import Output, apply, means_and_weights, mixture_arguments, number_of_components
from scoreshock.quantities.points import times

VECTOR = ("feature",)
MATRIX = ("feature", "feature_other")


def mean_jacobian(mixture: xr.Dataset, tau: float | xr.DataArray = 0.0, order: int = 2) -> xr.Dataset:
    r"""Jacobian of the score at the weighted mean, and its expansion in ``1/v`` through each order, (88).

    .. math:: H(\bar\mu) = -I/v + \Sigma_B/v^2 + (\bar D\Sigma_B - \Sigma_D)/(2v^3) + \dots

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    tau
        Diffusion time, >= 0.
    order
        Highest order, from 0 (the term in ``v^-2``) to 40.

    Returns
    -------
    Dataset
        ``weighted_mean(..., feature)``; ``score_jacobian(..., feature, feature_other)`` there, exact, with
        ``score_status``; ``jacobian_term(..., order, feature, feature_other)``, the coefficient of ``v^-(order + 2)``, at
        order 0 the between-class covariance (15); ``jacobian_through``, the expansion through each order, with
        ``order_status``; ``eigenvalue_term(..., order)``, the coefficient of ``v^-order`` of the eigenvalue of
        ``Gamma = v^2 H + v I`` that starts at ``lambda_1``, NaN for equal means, which :func:`corrections` sets equal to v.
        Statuses: ``singular`` where ``v = 0``, ``diverged`` beyond floating point.

    Raises
    ------
    ValueError
        For an order outside 0 ... 40, a negative ``tau``, or a mixture of one component.

    Notes
    -----
    In the means' span; across it the Jacobian is ``-1/v``. Exact at order 0 where all distances of the means from their
    mean are equal (Corollary 9.3).

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.mean_jacobian(ss.families.pair(separation=1.0, variance=0.5, weight=0.75), tau=10.0)
    >>> found.jacobian_term.values.ravel().tolist()
    [0.75, -0.375, -0.046875]
    >>> bool(abs(found.jacobian_through.isel(order=2) - found.score_jacobian).max() < 1e-6)
    True
    """
    check_order(order)
    number_of_components(mixture)
    sizes = {"feature_other": mixture.sizes["feature"], "order": order + 1}
    terms = apply(
        _terms,
        means_and_weights(mixture),
        [
            Output("weighted_mean", VECTOR),
            Output("jacobian_term", ("order", *MATRIX)),
            Output("eigenvalue_term", ("order",)),
        ],
        sizes=sizes,
        order=order,
    )
    found = apply(
        _at_mean,
        [
            *mixture_arguments(mixture),
            (times(tau), ()),
            (terms.jacobian_term, ("order", *MATRIX)),
        ],
        [
            Output("score_jacobian", MATRIX),
            Output("score_status", (), np.int8),
            Output("jacobian_through", ("order", *MATRIX)),
            Output("order_status", ("order",), np.int8),
        ],
    )
    counted = ("order", np.arange(order + 1), attributes("order"))
    return found.merge(terms, join="exact").assign_coords(order=counted)


def _terms(means: np.ndarray, weights: np.ndarray, order: int) -> tuple[np.ndarray, ...]:
    mean = means[..., 0, :] - centred(means, weights)[..., 0, :]
    branch = series.corrections(decompose(means, weights), weights, np.zeros(()), order).lambda_series
    return mean, series.jacobian_terms(means, weights, order), branch


def _at_mean(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, terms: np.ndarray
) -> tuple[np.ndarray, ...]:
    offset = centred(means, weights)
    exact = fields.score_jacobian(np.zeros(offset.shape[-1]), offset, weights, variance, tau)
    v = variance + 2 * tau
    v = np.where(v > 0, v, np.nan)[..., None, None]
    total, through = -np.eye(offset.shape[-1]) / v, []
    for n in range(terms.shape[-3]):
        term = terms[..., n, :, :]
        total = total + np.where(term == 0, 0.0, term / v ** (n + 2))
        through.append(total)
    partial = np.stack(through, axis=-3)
    finite = np.asarray(np.isfinite(partial).all(axis=(-2, -1)))
    void = np.isnan(v[..., 0, 0])
    order_status = np.where(finite, Status.ok, np.where(void, Status.singular, Status.diverged)[..., None])
    partial = np.where(finite[..., None, None], partial, np.nan)
    return exact, np.where(void, Status.singular, Status.ok), partial, order_status
