"""Score, density and their relatives at labelled points, of isotropic components and of those with covariances.

With covariances ``S_k``: ``P_k = (S_k + 2 tau I)^-1``, ``g_k = P_k (mu_k - x)``, ``s = sum_k r_k g_k``, and the Jacobian is
``-sum_k r_k P_k + sum_k r_k (g_k - s)(g_k - s)'``. Where the components' variances across the features differ, all fields
depend on the distance from the features too, ``perpendicular_squared`` of the points.

All is computed and returned in float64; float32 arguments (mixture, ``x``, ``tau``) are converted first, exactly.
"""

from __future__ import annotations

from dataclasses import replace

import xarray as xr

from scoreshock.conventions import Variable, variables
from scoreshock.kernels.covariances import fields as covariances
from scoreshock.kernels.gaussian import mixture as kernel
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.labelled import apply, covariance_arguments, is_general, mixture_arguments, of_components
from scoreshock.quantities.points import Numbers, Points, positions, times

SQUARE = ("feature", "feature_other")

SCORE, LOG_DENSITY = (replace(variable, status="") for variable in (shared.SCORE, shared.LOG_DENSITY))
SCORE_JACOBIAN, RESPONSIBILITIES = variables(
    """
    score_jacobian(feature, feature_other): Jacobian of the score, the Hessian of the log density
        | In the means' span; across it the Jacobian is -1/v. | section 9.1
    responsibilities(component): posterior probability of each component at x | | (85)
    """
)
DENOISER = Variable("denoiser", "posterior mean of the clean data", ("feature",), description="E[x_0 | x_tau = x].")
DENOISER_COVARIANCE = Variable(
    "denoiser_covariance", "posterior covariance of the clean data", SQUARE, description="Cov[x_0 | x_tau = x]."
)


def score(mixture: xr.Dataset, x: Points, tau: Numbers = 0.0) -> xr.DataArray:
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

    References
    ----------
    arXiv:2604.07404, (13)-(14), (29).

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> round(float(ss.score(pair, x=np.array([0.5]), tau=0.2).squeeze()), 10)
    0.5510872058
    """
    return _field("score", SCORE, mixture, x, tau)


def log_density(mixture: xr.Dataset, x: Points, tau: Numbers = 0.0) -> xr.DataArray:
    """Natural logarithm of the density ``p_tau(x)`` in the mixture's ambient dimension.

    ``x`` lies in the means' span, unless it carries ``perpendicular_squared`` (from ``ss.project``), its squared distance
    from the span; outside the span the density is a Gaussian factor.

    Parameters
    ----------
    mixture
        A labelled mixture; its sweep dimensions carry over.
    x
        As in :func:`score`: of one feature a number or (n,), else (feature,) or (n, feature), or a DataArray; in units of
        the data.
    tau
        Diffusion time, a number, a 1D array (the axis ``tau``) or a DataArray, >= 0; in units of the data squared.

    Returns
    -------
    DataArray
        ``(...)``, in nats, of a density per unit of the data in each ambient dimension. NaN where ``v = 0``.

    Raises
    ------
    ValueError
        If ``x`` does not have the mixture's features, or ``tau`` is negative.

    References
    ----------
    arXiv:2604.07404, (13)-(14).

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> one = ss.mixture([[0.0]], variance=1.0)
    >>> round(float(ss.log_density(one, np.array([0.0])).squeeze()), 10)  # -ln(2 pi)/2
    -0.9189385332
    """
    points, at = positions(mixture, x), times(tau)
    if is_general(mixture):
        return _general_field("log_density", LOG_DENSITY, mixture, points, at)
    inside = _field("log_density", LOG_DENSITY, mixture, points, at)
    beyond = points.coords.get("perpendicular_squared", xr.DataArray(0.0))
    outside = apply(
        kernel.normal_factor,
        {
            "dimension": mixture.ambient_dimension,
            "variance": mixture.component_variance,
            "tau": at,
            "perpendicular_squared": beyond.drop_vars("perpendicular_squared", errors="ignore"),
        },
        [LOG_DENSITY],
        n=mixture.sizes["feature"],
    ).log_density
    total = inside + outside
    own = [dim for dim in points.dims if dim in total.dims and dim not in mixture.dims]
    return total.transpose(..., *own).assign_attrs(LOG_DENSITY.attributes())


def score_jacobian(mixture: xr.Dataset, x: Points, tau: Numbers = 0.0) -> xr.DataArray:
    """Jacobian of the score, the Hessian of ``ln p_tau``: ``-I/v + Gamma/v^2``.

    Parameters
    ----------
    mixture
        A labelled mixture; its sweep dimensions carry over.
    x
        As in :func:`score`: of one feature a number or (n,), else (feature,) or (n, feature), or a DataArray; in units of
        the data.
    tau
        Diffusion time, a number, a 1D array (the axis ``tau``) or a DataArray, >= 0; in units of the data squared.

    Returns
    -------
    DataArray
        ``(..., feature, feature_other)`` in the means' span, in the inverse unit of the data squared; across the span it is
        ``-1/v``.

    Raises
    ------
    ValueError
        If ``x`` does not have the mixture's features, or ``tau`` is negative.

    References
    ----------
    arXiv:2604.07404, (30), section 9.1.

    Examples
    --------
    At the midpoint of an equal pair it is ``(a^2 - v)/v^2``, (30).

    >>> import numpy as np, scoreshock as ss
    >>> pair = ss.families.pair(separation=2.0, variance=1.0)
    >>> float(ss.score_jacobian(pair, np.array([0.0]), tau=0.5).squeeze())
    0.5
    """
    return _field("score_jacobian", SCORE_JACOBIAN, mixture, x, tau)


def responsibilities(mixture: xr.Dataset, x: Points, tau: Numbers = 0.0) -> xr.DataArray:
    """Posterior probability of each component (85).

    Parameters
    ----------
    mixture
        A labelled mixture; its sweep dimensions carry over.
    x
        As in :func:`score`: of one feature a number or (n,), else (feature,) or (n, feature), or a DataArray; in units of
        the data.
    tau
        Diffusion time, a number, a 1D array (the axis ``tau``) or a DataArray, >= 0; in units of the data squared.

    Returns
    -------
    DataArray
        ``(..., component)``, dimensionless, with sum 1; NaN where ``v = 0``.

    Raises
    ------
    ValueError
        If ``x`` does not have the mixture's features, or ``tau`` is negative.

    References
    ----------
    arXiv:2604.07404, (85).

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> ss.responsibilities(ss.families.pair(separation=1.0, variance=0.25), np.array([0.0])).values.ravel().tolist()
    [0.5, 0.5]
    """
    return _field("responsibilities", RESPONSIBILITIES, mixture, x, tau)


def denoiser(mixture: xr.Dataset, x: Points, tau: Numbers = 0.0) -> xr.DataArray:
    """Posterior mean of the data, ``E[x_0 | x_tau = x] = x + 2 tau s`` (Tweedie).

    Parameters
    ----------
    mixture
        A labelled mixture; its sweep dimensions carry over.
    x
        As in :func:`score`: of one feature a number or (n,), else (feature,) or (n, feature), or a DataArray; in units of
        the data.
    tau
        Diffusion time, a number, a 1D array (the axis ``tau``) or a DataArray, >= 0; in units of the data squared.

    Returns
    -------
    DataArray
        ``(..., feature)``, in units of the data; NaN where ``v = 0``.

    Raises
    ------
    ValueError
        If ``x`` does not have the mixture's features, or ``tau`` is negative.

    References
    ----------
    arXiv:2604.07404, (29), (85). Efron 2011, Tweedie's formula and selection bias.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> one = ss.mixture([[0.0]], variance=1.0)
    >>> float(ss.denoiser(one, np.array([4.0]), tau=0.5).squeeze())  # half signal, half noise
    2.0
    """
    return _field("denoiser", DENOISER, mixture, x, tau)


def denoiser_covariance(mixture: xr.Dataset, x: Points, tau: Numbers = 0.0) -> xr.DataArray:
    """Posterior covariance of the data, ``Cov[x_0 | x_tau = x] = 2 tau I + (2 tau)^2 H``.

    Parameters
    ----------
    mixture
        A labelled mixture; its sweep dimensions carry over.
    x
        As in :func:`score`: of one feature a number or (n,), else (feature,) or (n, feature), or a DataArray; in units of
        the data.
    tau
        Diffusion time, a number, a 1D array (the axis ``tau``) or a DataArray, >= 0; in units of the data squared.

    Returns
    -------
    DataArray
        ``(..., feature, feature_other)`` in the means' span, in units of the data squared; across the span it is ``2 tau
        sigma0^2/v``.

    Raises
    ------
    ValueError
        If ``x`` does not have the mixture's features, or ``tau`` is negative.

    References
    ----------
    arXiv:2604.07404, section 9.1. Efron 2011, Tweedie's formula and selection bias.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> point_masses = ss.families.pair(separation=1.0, variance=0.0)
    >>> float(ss.denoiser_covariance(point_masses, np.array([0.0]), tau=0.5).squeeze())
    1.0
    """
    return _field("denoiser_covariance", DENOISER_COVARIANCE, mixture, x, tau)


def _field(name: str, variable: Variable, mixture: xr.Dataset, x: Points, tau: Numbers) -> xr.DataArray:
    """A field at ``x`` and ``tau``; dimensions of the mixture come first, then those of ``tau``, then those of ``x``."""
    points, at = positions(mixture, x), times(tau)
    if is_general(mixture):
        return _general_field(name, variable, mixture, points, at)
    arguments = mixture_arguments(mixture, tau=at, x=(points, ("feature",)))
    sizes = {"feature_other": mixture.sizes["feature"]}
    return apply(getattr(kernel, name), arguments, [variable], sizes=sizes)[variable.name]


def _general_field(
    name: str, variable: Variable, mixture: xr.Dataset, points: xr.DataArray, tau: xr.DataArray
) -> xr.DataArray:
    """As `_field`, of components with covariances, whose posterior depends on the distance from the features too."""
    beyond = points.coords.get("perpendicular_squared", xr.DataArray(0.0))
    arguments = covariance_arguments(
        mixture,
        tau=tau,
        x=(points, ("feature",)),
        dimension=mixture.ambient_dimension,
        perpendicular_squared=beyond.drop_vars("perpendicular_squared", errors="ignore"),
    )
    sizes = {"feature_other": mixture.sizes["feature"]}
    return apply(of_components(getattr(covariances, name)), arguments, [variable], sizes=sizes)[variable.name]
