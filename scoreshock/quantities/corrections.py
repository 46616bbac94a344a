"""The correction series of the speciation time, order by order, against the exact criterion."""

from __future__ import annotations

import xarray as xr

from scoreshock.checks import whole
from scoreshock.conventions import Variable, variables
from scoreshock.kernels.speciation import corrections as comparison
from scoreshock.options import Whole
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import apply, mixture_arguments, number_of_components, without_variance

MAXIMUM_ORDER = 40
"""Terms beyond this are beyond double precision of the recursion, and the series has long stopped improving."""

COVARIANCE_COEFFICIENT = Variable(
    "covariance_coefficient",
    "coefficient C of the first correction",
    description="-Cov_w(D, y^2): D are squared distances of the means from their mean, y places on the leading direction.",
    references="Definition 9.6",
)

VARIABLES = variables(
    """
    tau_order(order), order_status: speciation time of the series through each order
        | (v* - sigma0^2)/2 with the terms up to this order. | (77), (92)
    order_status(order): outcome of the series through each order
    error(order), error_status: error of the series through each order
        | tau_order minus tau_star of the criterion exact; not applicable where that follows another eigenvalue.
    error_relative(order), error_status: relative error of the series through each order
        | Relative to the exact variance v*. The same difference of 2 tau over sigma0^2 + 2 tau_star.
    error_status(order): outcome of the comparison with the exact criterion
    coefficient(order), order_status: term that each order adds to the variance v* of the series
        | c_n of v* = lambda_1 + c_1 + c_2 + ..., by Lagrange inversion of v = lambda(1/v).
    smallest_term int16: order of the term of least magnitude
        | A hint at where the series stops improving. Beyond it terms of a divergent series grow again.
    covariance_coefficient
    """,
    COVARIANCE_COEFFICIENT,
)
OF_MEANS_AND_WEIGHTS = ("coefficient", "smallest_term", "covariance_coefficient")
"""Variables that do not depend on the component variance."""


@quantity(
    VARIABLES,
    {"order": Whole("highest order of the series", low=0, high=MAXIMUM_ORDER)},
    seconds=(2e-6, 4e-7),
)
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

        Times have the unit of the data squared.

    Raises
    ------
    ValueError
        For an order outside 0 ... 40 or a mixture of one component.

    Notes
    -----
    The series has no small parameter: it improves as the distances of the means from their mean become equal, not as they
    grow, and it may diverge. Its terms follow from ``v = lambda(1/v)`` by Lagrange inversion.

    References
    ----------
    arXiv:2604.07404, (77), (92), Definition 9.6.

    Examples
    --------
    >>> import scoreshock as ss
    >>> pair = ss.families.pair(separation=2.0, variance=0.25)
    >>> bool((abs(ss.corrections(pair, order=3).error) < 1e-12).all())
    True
    """
    check_order(order)
    number_of_components(mixture)
    arguments = mixture_arguments(mixture)
    result = apply(comparison.corrections, arguments, VARIABLES, sizes={"order": order + 1}, order=order)
    for name in OF_MEANS_AND_WEIGHTS:
        result[name] = without_variance(mixture, result[name])
    return result.assign_coords(counted(result, "order"))


def check_order(order: int) -> None:
    """Raise ``ValueError`` unless ``order`` is a whole number from 0 to the highest of the series."""
    whole("order", order, 0, MAXIMUM_ORDER)
