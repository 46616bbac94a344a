"""The score's Jacobian at the weighted mean, whose largest eigenvalue decides speciation, and its expansion in noise."""

from __future__ import annotations

from dataclasses import replace

import xarray as xr

from scoreshock.conventions import Variable, variables
from scoreshock.kernels.speciation import mean_jacobian as kernel
from scoreshock.quantities.corrections import check_order
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.fields import SCORE_JACOBIAN, SQUARE
from scoreshock.quantities.labelled import apply, means_and_weights, mixture_arguments, number_of_components
from scoreshock.quantities.points import Numbers, times

TERMS = variables(
    """
    weighted_mean(feature): weighted mean of the components' means
    jacobian_term(order, feature, feature_other): term of the expansion of the score Jacobian
        | Coefficient of v^-(order + 2), at the weighted mean. | (88)
    eigenvalue_term(order): term of the expansion of the leading eigenvalue
        | Coefficient of v^-order, of the means' posterior covariance.
    """
)
AT_MEAN = (
    replace(SCORE_JACOBIAN, status="score_status"),
    Variable("score_status", "outcome of the score"),
    Variable(
        "jacobian_through",
        "score Jacobian by its expansion through each order",
        ("order", *SQUARE),
        "order_status",
        references="(88)",
    ),
    Variable("order_status", "outcome of the series through each order", ("order",)),
)


def mean_jacobian(mixture: xr.Dataset, tau: Numbers = 0.0, order: int = 2) -> xr.Dataset:
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
        ``score_status``; ``jacobian_term(..., order, feature, feature_other)``, the coefficient of ``v^-(order +
        2)``, at order 0 the between-class covariance (15); ``jacobian_through``, the expansion through each order,
        with ``order_status``; ``eigenvalue_term(..., order)``, the coefficient of ``v^-order`` of the eigenvalue of
        ``Gamma = v^2 H + v I`` that starts at ``lambda_1``, NaN for equal means, which :func:`corrections` sets
        equal to v. Statuses: ``singular`` where ``v = 0``, ``diverged`` beyond floating point. Jacobians have the
        inverse unit of the data squared.

    Raises
    ------
    ValueError
        For an order outside 0 ... 40, a negative ``tau``, or a mixture of one component.

    Notes
    -----
    In the means' span; across it the Jacobian is ``-1/v``. Exact at order 0 where all distances of the means from their
    mean are equal (Corollary 9.3).

    References
    ----------
    arXiv:2604.07404, section 9.1, (15), (88).

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
    terms = apply(kernel.terms, means_and_weights(mixture), TERMS, sizes=sizes, order=order)
    arguments = mixture_arguments(mixture, tau=times(tau), jacobian_term=(terms.jacobian_term, ("order", *SQUARE)))
    found = apply(kernel.mean_jacobian, arguments, AT_MEAN)
    return found.merge(terms, join="exact").assign_coords(counted(terms, "order"))
