"""Divergence of what a wrong score generates from the truth: bounds (58)-(59), exact for Gaussians, labelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import show
from scoreshock.kernels.flow import divergence as kernel
from scoreshock.kernels.flow import sampling
from scoreshock.quantities.labelled import Output, apply, mixture_arguments
from scoreshock.quantities.points import labelled_numbers, times

Number = float | xr.DataArray

GAUSSIAN = (
    "kl",
    "generated_mean",
    "generated_variance",
    "kl_ode",
    "generated_mean_ode",
    "generated_variance_ode",
    "tv",
    "score_error_integral",
    "kl_start",
    "kl_bound",
    "tv_bound",
)
"""Names of the fields of the kernel's `GaussianDivergence`, in its order."""


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content: :func:`divergence_bound`."""
    return divergence_bound(mixture, **content["options"])


def gaussian_divergence(
    variance: Number,
    variance_model: Number | None = None,
    shift: Number = 0.0,
    tau_min: Number = 0.0,
    tau_max: Number = 1.0,
    dimension: Number = 1,
    variance_start: Number | None = None,
) -> xr.Dataset:
    r"""Exact divergences and their bounds for Gaussian data and a Gaussian's score that is wrong.

    Parameters
    ----------
    variance, variance_model
        Variance of the data, and of the model whose score is used (the same by default).
    shift
        Distance of the model's mean from the data's.
    tau_min, tau_max
        Diffusion times at which generation stops and starts.
    dimension
        Ambient dimension.
    variance_start
        Variance of the Gaussian that generation starts from; by default the exact ``variance + 2 tau_max``.

    Returns
    -------
    Dataset
        ``kl`` of the reverse SDE and ``kl_ode`` of the probability flow, with the generated means and variances; ``tv``
        where it has a closed form (one dimension, or equal variances); ``score_error_integral + kl_start = kl_bound`` (58),
        ``tv_bound`` (59); ``divergence_status, tv_status``.

    Raises
    ------
    ValueError
        For a negative diffusion time.

    Notes
    -----
    The bounds are those of the reverse SDE. From the exact noise they hold for the probability flow of Gaussians too: with
    A and B the variances of data and model, ``w = B + 2 tau``, ``rho = w(tau_min)/w(tau_max)``, ``y = (A - B)/w(tau_min)``:
    ``kl_bound - kl_ode = d (1 - rho) rho y^2/(2 (1 + rho y)) >= 0`` without a shift, and a shift adds more to the bound.
    From another start ``kl_ode`` can be larger: the flow keeps the start's divergence, to which the score's error adds in
    first order, where the bound counts its square.

    Examples
    --------
    >>> from scoreshock.quantities.divergence import gaussian_divergence
    >>> found = gaussian_divergence(1.3, 0.7, tau_min=0.05, tau_max=3.0)
    >>> round(float(found.kl), 10), round(float(found.kl_bound), 10)
    (0.091252908, 0.0932993975)
    >>> usual = gaussian_divergence(1.0, 0.5, tau_max=1.0, variance_start=2.0)  # started from the noise alone
    >>> round(float(usual.kl_ode), 4), round(float(usual.kl_bound), 4)
    (0.2919, 0.1919)
    """
    low, high = times(tau_min, "tau_min"), times(tau_max, "tau_max")
    variance = labelled_numbers("variance", variance)
    given = [variance, variance if variance_model is None else variance_model, shift, low, high, dimension]
    given.append(variance + 2 * high if variance_start is None else variance_start)
    names = ("variance", "variance_model", "shift", "tau_min", "tau_max", "dimension", "variance_start")
    return apply(
        kernel.gaussian_divergence,
        [(labelled_numbers(name, value).astype(float), ()) for name, value in zip(names, given, strict=True)],
        [
            *(Output(name) for name in GAUSSIAN),
            Output("divergence_status", (), np.int8),
            Output("tv_status", (), np.int8),
        ],
    )


def divergence_bound(
    mixture: xr.Dataset,
    tau_min: Number = 0.0,
    tau_max: Number = 1.0,
    bias: Number = 1.0,
    place: str | kernel.ErrorField = "everywhere",
    kl_start: Number = 0.0,
) -> xr.Dataset:
    r"""Bounds of KL (58) and TV (59) for a mixture under a score error: :math:`\int E|s-\hat s|^2 d\tau` by quadrature.

    Parameters
    ----------
    mixture
        Labelled mixture; its sweep dimensions carry over.
    tau_min, tau_max
        Diffusion times at which generation stops and starts.
    bias
        Length of the score error.
    place
        Where it acts: ``everywhere``, ``layer``, ``outside`` as for `trajectories`, or on a line a function
        ``f(x, tau)`` of arrays, smooth on the scale of the noise.
    kl_start
        Divergence of the density that generation starts from.

    Returns
    -------
    Dataset
        ``score_error_integral, kl_bound, tv_bound, divergence_status``. ``not_applicable`` for an error that varies in
        a mixture of three or more components in several features.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.divergence import divergence_bound
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> round(float(divergence_bound(pair, 0.0, 2.0, bias=0.1, place="layer").kl_bound.squeeze()), 4)
    0.0092
    """
    if place not in sampling.PROFILES if isinstance(place, str) else not callable(place):
        raise ValueError(f"place: {show(place)} is not allowed; allowed: {', '.join(sampling.PROFILES)} or a function")
    start = labelled_numbers("kl_start", kl_start)
    if start.chunks is None and bool((start < 0).any()):
        raise ValueError(f"kl_start = {float(start.min())} is not allowed; allowed: numbers >= 0")
    named: dict[str, Any] = {"place": place} if isinstance(place, str) else {"error": place}
    return apply(
        _bound,
        [
            *mixture_arguments(mixture),
            (times(tau_min, "tau_min"), ()),
            (times(tau_max, "tau_max"), ()),
            (labelled_numbers("bias", bias), ()),
            (start, ()),
        ],
        [
            Output("score_error_integral"),
            Output("kl_bound"),
            Output("tv_bound"),
            Output("divergence_status", (), np.int8),
        ],
        **named,
    )


def _bound(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau_min: np.ndarray,
    tau_max: np.ndarray,
    bias: np.ndarray,
    kl_start: np.ndarray,
    **named: Any,
) -> tuple[np.ndarray, ...]:
    return kernel.divergence_bound(means, weights, variance, tau_min, tau_max, bias, kl_start=kl_start, **named)
