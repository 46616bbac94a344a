"""Amplification of score errors across the layer: exponent, factor, signal-to-noise ratio and growth rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.kernels.layer import amplification as kernel
from scoreshock.kernels.speciation import roots
from scoreshock.quantities.labelled import Output, apply, mixture_arguments, number_of_components
from scoreshock.quantities.points import diffusion_times, times

LYAPUNOV, RATE_INTEGRAL = 0, 1


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content."""
    options = dict(content["options"])
    tau = options.pop("tau", None)
    return amplification(mixture, tau=None if tau is None else diffusion_times(mixture, tau), **options)


def amplification(mixture: xr.Dataset, tau_min: float | xr.DataArray = 0.0, tau: xr.DataArray | None = None) -> xr.Dataset:
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
        ``exponent`` in closed form (55) and ``snr`` R of a pair, with ``amplification_status``, which is ``not_applicable``
        with NaN for more components; ``exponent_quadrature`` by Gauss-Legendre quadrature in ``ln v`` of the growth rate
        itself, the estimate ``exponent_quadrature_error`` of its error (of a pair its distance from the closed form), and
        ``log10_factor``, the exponent over ln 10, with ``quadrature_status``; ``exponent_kind``; ``lyapunov(..., tau)``.

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

    Examples
    --------
    >>> import scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> round(float(ss.amplification(pair).exponent), 8)
    3.85158275
    """
    k = number_of_components(mixture)
    stop = times(tau_min, "tau_min")
    found = apply(
        _pair if k == 2 else _at_mean,
        [*mixture_arguments(mixture), (stop, ())],
        [
            Output("exponent"),
            Output("exponent_quadrature"),
            Output("exponent_quadrature_error"),
            Output("log10_factor"),
            Output("snr"),
            Output("amplification_status", (), np.int8),
            Output("quadrature_status", (), np.int8),
            Output("exponent_kind", (), np.int8),
        ],
    )
    found["exponent_kind"].attrs |= {
        "flag_values": np.array([LYAPUNOV, RATE_INTEGRAL], dtype=np.int8),
        "flag_meanings": "lyapunov_exponent rate_integral",
    }
    del found["exponent_kind"].attrs["units"]
    if tau is None:
        return found
    rate = apply(
        _growth_rate,
        [*mixture_arguments(mixture), (times(tau), ())],
        [Output("lyapunov"), Output("lyapunov_status", (), np.int8)],
    )
    return found.merge(rate, join="exact")


def _pair(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau_min: np.ndarray) -> tuple[np.ndarray, ...]:
    found = kernel.pair_exponent(means, weights, variance, tau_min)
    equal = weights[..., 0] == weights[..., 1]
    return *_columns(found), np.broadcast_to(np.where(equal, LYAPUNOV, RATE_INTEGRAL), found.closed.shape)


def _at_mean(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau_min: np.ndarray) -> tuple[np.ndarray, ...]:
    exact = roots.exact(means, weights, variance)
    found = kernel.mean_exponent(means, weights, variance, tau_min, exact.roots)
    return *_columns(found), np.full(found.closed.shape, RATE_INTEGRAL)


def _columns(found: kernel.Exponent) -> tuple[np.ndarray, ...]:
    ratios = found.log10_factor, found.snr
    return found.closed, found.quadrature, found.quadrature_error, *ratios, found.status, found.quadrature_status


def _growth_rate(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    rate = kernel.growth_rate(means, weights, variance, tau)
    unknown = np.where(np.isnan(tau), Status.no_transition, Status.singular)
    return rate, np.where(np.isnan(rate), unknown, Status.ok)
