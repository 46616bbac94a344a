"""Score, density and their relatives at labelled points.

All is computed in float64 and given as float64; float32 arguments (mixture, ``x``, ``tau``) are converted first, exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import attributes
from scoreshock.kernels.gaussian import mixture as kernel
from scoreshock.quantities.labelled import Output, apply, mixture_arguments
from scoreshock.quantities.points import Points, positions, times


def score(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray = 0.0) -> xr.DataArray:
    """Score ``s = grad ln p_tau`` at ``x``: ``(m - x)/v``, ``m`` the posterior mean, ``v = sigma0^2 + 2 tau``.

    Parameters
    ----------
    mixture
        Labelled mixture; its sweep dimensions carry over.
    x
        A DataArray with dimension ``feature``, or an array (d,) or (n, d), which gets ``feature`` or ``(point, feature)``;
        with one feature a 1D array is a grid ``x``. In coordinates of the mixture's features (see ``ss.project``).
    tau
        Diffusion time, >= 0; NaN where ``v = 0``.

    Returns
    -------
    DataArray
        ``(..., feature)``, in inverse units of ``x``; float64, in which all is computed, also for float32 arguments.

    Raises
    ------
    ValueError
        If ``x`` does not have the mixture's features, or ``tau`` is negative.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> round(float(ss.score(pair, x=np.array([0.5]), tau=0.2).squeeze()), 10)
    0.5510872058
    """
    return _field(kernel.score, "score", ("feature",), mixture, x, tau)


def log_density(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray = 0.0) -> xr.DataArray:
    """``ln p_tau(x)`` in the mixture's ambient dimension.

    ``x`` lies in the means' span, unless it carries ``perpendicular_squared`` (from ``ss.project``), its squared distance
    from the span; outside the span the density is a Gaussian factor. Arguments, type and errors as in :func:`score`.
    """
    points, at = positions(mixture, x), times(tau)
    inside = _field(kernel.log_density, "log_density", (), mixture, points, at)
    zero = xr.DataArray(0.0)
    outside = apply(
        kernel.normal_factor,
        [
            (mixture.ambient_dimension, ()),
            (xr.DataArray(mixture.sizes["feature"]), ()),
            (mixture.component_variance, ()),
            (at, ()),
            (points.coords["perpendicular_squared"].drop_vars("perpendicular_squared"), ())
            if "perpendicular_squared" in points.coords
            else (zero, ()),
        ],
        [Output("log_density")],
    ).log_density
    total = inside + outside
    own = [dim for dim in points.dims if dim in total.dims and dim not in mixture.dims]
    return total.transpose(..., *own).assign_attrs(attributes("log_density"))


def score_jacobian(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray = 0.0) -> xr.DataArray:
    """Jacobian of the score, the Hessian of ``ln p_tau``: ``-I/v + Gamma/v^2``, ``(..., feature, feature_other)``.

    In the means' span; across it the Jacobian is ``-1/v``. Arguments, type and errors as in :func:`score`.
    """
    return _field(kernel.score_jacobian, "score_jacobian", ("feature", "feature_other"), mixture, x, tau)


def responsibilities(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray = 0.0) -> xr.DataArray:
    """Posterior probability of each component (85), ``(..., component)``. Arguments and type as in :func:`score`."""
    return _field(kernel.responsibilities, "responsibilities", ("component",), mixture, x, tau)


def denoiser(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray = 0.0) -> xr.DataArray:
    """``E[x_0 | x_tau = x] = x + 2 tau s`` (Tweedie), ``(..., feature)``. Arguments and type as in :func:`score`."""
    return _field(kernel.denoiser, "denoiser", ("feature",), mixture, x, tau)


def denoiser_covariance(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray = 0.0) -> xr.DataArray:
    """``Cov[x_0 | x_tau = x] = 2 tau I + (2 tau)^2 H``, ``(..., feature, feature_other)``.

    In the means' span; across it the covariance is ``2 tau sigma0^2/v``. Arguments, type and errors as in :func:`score`.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> point_masses = ss.families.pair(separation=1.0, variance=0.0)
    >>> float(ss.denoiser_covariance(point_masses, np.array([0.0]), tau=0.5).squeeze())
    1.0
    """
    return _field(kernel.denoiser_covariance, "denoiser_covariance", ("feature", "feature_other"), mixture, x, tau)


def _field(
    function: Any, name: str, dims: tuple[str, ...], mixture: xr.Dataset, x: Points, tau: float | xr.DataArray
) -> xr.DataArray:
    """One kernel of ``x`` and ``tau`` on the mixture; dimensions of the mixture first, then of ``tau``, then of ``x``."""
    points, at = positions(mixture, x), times(tau)
    result = apply(
        _of_mixture_first,
        [
            *mixture_arguments(mixture),
            (at, ()),
            (points, ("feature",)),
        ],
        [Output(name, dims)],
        sizes={"feature_other": mixture.sizes["feature"]},
        function=function,
    )
    return result[name]


def _of_mixture_first(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, x: np.ndarray, function: Any
) -> np.ndarray:
    return function(x, means, weights, variance, tau)
