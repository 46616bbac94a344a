"""Amplification of score errors across the layer: exponent, factor, signal-to-noise ratio and growth rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from scoreshock.conventions import Status, variables
from scoreshock.kernels.covariances.components import Components
from scoreshock.kernels.covariances.exact import mean_jacobian_eigenvalue
from scoreshock.kernels.covariances.growth import boundary_growth
from scoreshock.kernels.covariances.shared_pair import is_shared_pair, snr
from scoreshock.kernels.layer import amplification as kernel
from scoreshock.kernels.speciation import roots
from scoreshock.options import TAU, TAU_MIN
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import (
    apply,
    covariance_arguments,
    is_general,
    mixture_arguments,
    number_of_components,
    of_components,
)
from scoreshock.quantities.points import GridSpec, Numbers, diffusion_times, times

VARIABLES = variables(
    """
    exponent, amplification_status: amplification exponent Lambda of a pair in closed form
        | (R - 1 - ln R)/2 at tau_min, R = a^2/v; an error grows by its exponential. Pairs only. | (55)
    exponent_quadrature, quadrature_status: amplification exponent Lambda by quadrature of the growth rate
        | Integral over tau, from tau_min up, of the positive growth rate. | (51)
    exponent_quadrature_error, quadrature_status: estimate of the error of the quadrature
        | Of a pair the distance from the closed form, else that between two quadratures.
    log10_factor, quadrature_status: decimal logarithm of the amplification factor exp(Lambda)
        | Exponent over ln 10; the factor itself would overflow. | (55)
    snr, amplification_status: signal-to-noise ratio R of the layer of a pair at tau_min
        | R = a^2/v; the layer amplifies where it exceeds 1. | (55)
    amplification_status: outcome of the amplification exponent in closed form
    quadrature_status: outcome of the exponent by quadrature, and of the factor
    exponent_kind: meaning of the exponent
        | A Lyapunov exponent only where trajectories stay on the boundary; elsewhere an integral of rates.
    """,
    exponent_kind=kernel.ExponentKind,
)
OF_PAIR = variables(
    """
    snr, quadrature_status: signal-to-noise ratio R of the layer of a pair at tau_min
        | R = m'(S + 2 tau)^-1 m of means at -m and +m; the layer amplifies where it exceeds 1. | (55)
    exponent
    amplification_status
    exponent_quadrature, quadrature_status: exponent by quadrature of the largest growth rate
        | On the boundary of a pair. Of the largest eigenvalue of the score Jacobian there, from tau_min to the time at
        which it vanishes. | (51)
    normal_exponent, quadrature_status: exponent of the growth along the boundary's normal
        | Of n'Hn where it is positive, from tau_min up; at most exponent_quadrature. | (42)
    quadrature_status
    log_growth, log_growth_status: logarithm of the largest growth of an error
        | In the linearised flow. Of the largest singular value, from the time at which growth ends down to tau_min; of
        equal weights, whose
        trajectories stay on the boundary. | (50)
    log_growth_status: outcome of the growth in the linearised flow
    """,
    *VARIABLES,
)
"""Of two components that share a covariance."""

GROWTH = variables(
    """
    lyapunov, lyapunov_status: growth rate at the layer's centre
        | Of a perturbation of the probability flow. Of a pair (a^2 - v)/v^2, else the largest eigenvalue of the score
        Jacobian at the weighted mean. | (51)
    lyapunov_status: outcome of the growth rate
    """
)


@quantity(
    (*VARIABLES, *(each for each in OF_PAIR if each.name not in {own.name for own in VARIABLES}), *GROWTH),
    {"tau_min": TAU_MIN, "tau": replace(TAU, pointwise=False)},
    name="amplification",
    seconds=(8e-7, 5e-7),
    covariances=(5e-3, 1e-6),
)
def _of_study(mixture: xr.Dataset, tau_min: float = 0.0, tau: GridSpec | None = None) -> xr.Dataset:
    """Exponent by which an error of the score grows between the speciation time and ``tau_min``."""
    return amplification(mixture, tau_min, None if tau is None else diffusion_times(mixture, tau))


def amplification(mixture: xr.Dataset, tau_min: Numbers = 0.0, tau: xr.DataArray | None = None) -> xr.Dataset:
    """Exponent ``Lambda`` by which an error of the score grows between the speciation time and ``tau_min``.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    tau_min
        Diffusion time at which generation stops, >= 0.
    tau
        Diffusion times at which the growth rate ``lyapunov`` is given; without them it is left out.

    Returns
    -------
    Dataset
        ``exponent`` in closed form (55) and ``snr`` R of a pair, with ``amplification_status``, which is
        ``not_applicable`` with NaN for more components; ``exponent_quadrature`` by Gauss-Legendre quadrature in ``ln
        v`` of the growth rate itself, the estimate ``exponent_quadrature_error`` of its error (of a pair its
        distance from the closed form), and ``log10_factor``, the exponent over ln 10, with ``quadrature_status``;
        ``exponent_kind``; ``lyapunov(..., tau)``. All ``(...)``, with the sweep's dimensions, and dimensionless;
        ``lyapunov`` has the inverse unit of the data squared.

    Raises
    ------
    ValueError
        For a negative ``tau_min`` or ``tau``, or a mixture of one component.

    Notes
    -----
    A pair: ``R = a^2/v``, and the rate is the normal curvature ``n'Hn`` on the moving boundary; with equal weights its
    integral is a Lyapunov exponent (51), with unequal ones only an integral of rates, since trajectories do not stay on
    the boundary (``exponent_kind``). More components: the positive rate ``(lambda_max(Gamma) - v)/v^2`` at the weighted
    mean; its integral has no closed form (with ``a^2 -> lambda_1`` in (55) it would be 50 times too large on the digits of
    scikit-learn). Along the moving boundary of any mixture: ``boundary_amplification``.

    With covariances: of a pair that shares one, on its boundary. ``exponent_quadrature`` is the integral of the largest
    eigenvalue of H, ``normal_exponent`` that of the positive part of ``n'Hn``, n the normal; both are integrals of rates.
    ``log_growth`` is the exponent of the linearised flow, of equal weights; ``exponent`` is defined where all of them agree:
    where, too, the difference of the means is an eigenvector of the covariance. All else is ``not_applicable``.

    References
    ----------
    arXiv:2604.07404, (42), (50)-(52), (55).

    Examples
    --------
    >>> import scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> round(float(ss.amplification(pair).exponent), 8)
    3.85158275
    """
    k = number_of_components(mixture)
    if is_general(mixture):
        return _of_covariances(mixture, times(tau_min, "tau_min"), None if tau is None else times(tau))
    exponent = kernel.pair_exponent if k == 2 else _at_mean
    found = apply(exponent, mixture_arguments(mixture, tau_min=times(tau_min, "tau_min")), VARIABLES)
    if tau is None:
        return found
    return found.merge(apply(kernel.growth, mixture_arguments(mixture, tau=times(tau)), GROWTH), join="exact")


def _at_mean(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau_min: np.ndarray) -> kernel.Exponent:
    return kernel.mean_exponent(means, weights, variance, tau_min, roots.exact(means, weights, variance).roots)


def _of_covariances(mixture: xr.Dataset, tau_min: xr.DataArray, tau: xr.DataArray | None) -> xr.Dataset:
    found = apply(of_components(_along_boundary), covariance_arguments(mixture, tau_min=tau_min), OF_PAIR)
    if tau is None:
        return found
    arguments = covariance_arguments(mixture, tau=tau, dimension=mixture.ambient_dimension)
    return found.merge(apply(of_components(_growth), arguments, GROWTH), join="exact")


def _along_boundary(c: Components, tau_min: np.ndarray) -> dict[str, np.ndarray]:
    grown = boundary_growth(c, tau_min)
    ratio = snr(c, tau_min) if is_shared_pair(c) else np.array(np.nan)
    return {
        "snr": np.where(np.isnan(grown.rate_integral_lambda_max), np.nan, ratio),
        "exponent": grown.exponent,
        "amplification_status": grown.exponent_status,
        "exponent_quadrature": grown.rate_integral_lambda_max,
        "normal_exponent": grown.rate_integral_normal,
        "quadrature_status": grown.rate_status,
        "log_growth": grown.log_growth,
        "log_growth_status": grown.log_growth_status,
    }


def _growth(c: Components, tau: np.ndarray, dimension: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalue of the score Jacobian: of a pair that shares a covariance on its boundary, else at the mean."""
    if is_shared_pair(c):  # on the boundary H is that at the midpoint, for equal weights, whatever the weights are
        c = c._replace(weights=np.full_like(c.weights, 0.5))
    rate = mean_jacobian_eigenvalue(c, tau, dimension)
    reason = np.where(np.isnan(tau), Status.no_transition, Status.singular)
    return rate, np.where(np.isnan(rate), reason, Status.ok).astype(np.int8)
