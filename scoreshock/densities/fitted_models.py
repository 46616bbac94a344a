"""Mixtures of models that scikit-learn has fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_numbers, show
from scoreshock.densities.class_covariances import Fit
from scoreshock.densities.component_covariances import eigenpairs
from scoreshock.densities.covariances import Classes, Covariances
from scoreshock.densities.data import mixture_of_classes
from scoreshock.densities.mixtures import one_blas_thread

FITTED = ("fitted", "isotropic")
"""Covariances of the mixture: those of the model, or one variance."""


def from_sklearn(gaussian_mixture: Any, covariance: str = "fitted") -> xr.Dataset:
    r"""The mixture of a fitted ``sklearn.mixture.GaussianMixture``, of any ``covariance_type``.

    Parameters
    ----------
    gaussian_mixture
        The fitted model, or an object with its ``means_, weights_, covariances_, covariance_type``: ``full``, ``tied``,
        ``diag``, ``spherical``, or ``tied-diag`` with the variances (d,) that all components share.
    covariance : {"fitted", "isotropic"}
        Covariances as they are fitted; or the isotropic mixture of the same means and weights, whose common variance is
        :math:`\sigma_0^2 = \sum_k w_k \operatorname{tr}\Sigma_k / d`.

    Returns
    -------
    xarray.Dataset
        ``component_mean (component, feature)`` and all else as :func:`from_labelled` (without labels and scale), with
        :math:`\Sigma_W = \sum_k w_k \Sigma_k`;
        ``within_class_anisotropy`` is 1 where the fitted covariances average to an isotropic one, and
        ``within_class_variance`` says how far they differ in size. In units of the data.

    Raises
    ------
    ValueError
        Where the model is not a fitted Gaussian mixture, or ``covariance`` is another.

    References
    ----------
    Pedregosa et al. 2011, scikit-learn.

    Examples
    --------
    >>> import scoreshock as ss
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> points = np.array([[-101.0], [-99.0], [99.0], [101.0]])
    >>> fitted = GaussianMixture(2, covariance_type="spherical", random_state=0).fit(points)
    >>> ss.from_sklearn(fitted).component_mean.values.ravel().round(3)
    array([-100.,  100.])
    """
    if not isinstance(covariance, str) or covariance not in FITTED:
        raise ValueError(f"covariance = {show(covariance)} is not allowed; allowed: {', '.join(FITTED)}")
    classes = statistics_of_model(gaussian_mixture)
    spread, kind = classes.covariances, gaussian_mixture.covariance_type
    top = spread.within_eigenvalue(), spread.total_eigenvalue(1.0, 1.0)
    fitted = (
        None
        if covariance == "isotropic"
        else _as_fit(as_numbers("covariances_", gaussian_mixture.covariances_, copy=False), kind)
    )
    dataset = mixture_of_classes(classes.means, classes.weights, classes.variances, *top, fitted)
    return dataset.assign_attrs(source="sklearn GaussianMixture", covariance_type=kind)


def statistics_of_model(gaussian_mixture: Any) -> Classes:
    """Means, weights, mean variances and covariances of a fitted model, checked."""
    missing = [name for name in ("means_", "weights_", "covariances_") if not hasattr(gaussian_mixture, name)]
    if missing:
        given = type(gaussian_mixture).__name__
        raise ValueError(f"gaussian_mixture = {given} has no {missing[0]}; allowed: a fitted sklearn GaussianMixture")
    means, weights = (as_numbers(name, getattr(gaussian_mixture, name)) for name in ("means_", "weights_"))
    if means.ndim != 2 or weights.shape != means.shape[:1]:
        raise ValueError(f"means_ has shape {means.shape}, weights_ {weights.shape}; allowed: (k, d) and (k,)")
    kind = getattr(gaussian_mixture, "covariance_type", None)
    weights = weights / weights.sum()
    covariances = as_numbers("covariances_", gaussian_mixture.covariances_, copy=False)
    variances, within = _variances(covariances, kind, weights, means.shape[1])
    between = np.sqrt(weights)[:, None] * (means - weights @ means)
    return Classes(means, weights, variances, Covariances(between, within, None))


def _as_fit(covariances: np.ndarray, kind: Any) -> Fit:
    """Fitted covariances as variances along directions."""
    if kind == "spherical":
        return Fit(covariances)
    if kind in ("diag", "tied-diag"):
        return Fit(np.asarray(0.0), covariances)
    with one_blas_thread():
        return Fit(np.asarray(0.0), *eigenpairs("covariances_", covariances))


def _variances(covariances: np.ndarray, kind: Any, weights: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean variance of each component (k,) and weighted covariance (d, d) from scikit-learn's four ways to store them."""
    k = len(weights)
    shapes = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,), "tied-diag": (d,)}
    if not isinstance(kind, str) or kind not in shapes:
        raise ValueError(f"covariance_type = {show(kind)} is not known; allowed: {', '.join(shapes)}")
    if covariances.shape != shapes[kind]:
        raise ValueError(f"covariances_ has shape {covariances.shape}; allowed: {shapes[kind]} for {kind} covariances")
    if kind == "full":
        return np.trace(covariances, axis1=1, axis2=2) / d, np.tensordot(weights, covariances, 1)
    if kind == "tied":
        return np.full(k, np.trace(covariances) / d), covariances
    if (covariances < 0).any():
        raise ValueError(f"covariances_ has the variance {covariances.min():g}; allowed: finite numbers >= 0")
    diagonals = np.broadcast_to(covariances.reshape(d if kind == "tied-diag" else (k, -1)), (k, d))
    return diagonals.mean(axis=1), np.diag(weights @ diagonals)
