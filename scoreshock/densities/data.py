"""Mixtures from labelled data: class means in their own span, the common variance, and how far the data are from it."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.axes import as_axis
from scoreshock.checks import as_array, as_numbers, as_real, listed, shortened, show
from scoreshock.conventions import attributes
from scoreshock.densities.covariances import Covariances, class_statistics
from scoreshock.densities.mixtures import GREATEST_MEAN, assemble, normalised, span
from scoreshock.densities.sources import refuse_row_numbers

SCALINGS = ("raw", "unit-range", "unit-variance")
MOST_CLASSES = 4096  # as of the components of a family; a column of numbers taken for labels has more


def from_labelled(features: Any, labels: Any, scaling: str = "raw") -> xr.Dataset:
    r"""The mixture of a labelled table: one component a class.

    .. math:: w_k = N_k/N, \quad \mu_k = \text{class mean}, \quad \sigma_0^2 = \operatorname{tr}\Sigma_W/d, \quad
              \Sigma_W = \tfrac1N \sum_i (x_i - \mu_{k(i)})(x_i - \mu_{k(i)})^T

    Parameters
    ----------
    features : array (N, d)
        One sample a row; finite numbers.
    labels : array (N,)
        Class of each sample: text, whole numbers or booleans; at least two classes. Components are in sorted order.
    scaling : {"raw", "unit-range", "unit-variance"}
        What each feature is divided by first: nothing; the range (largest minus smallest value) of the whole table, which
        keeps the geometry; or its own standard deviation (a constant feature is left as it is).

    Returns
    -------
    xarray.Dataset
        The variables of :func:`scoreshock.mixture`, with at most min(k - 1, d) features in principal directions of the class
        means about their weighted mean, a coordinate ``label (component)``, and

        * ``basis (feature, ambient)``, ``origin (ambient)``: the span in scaled data coordinates, for :func:`project`;
        * ``feature_scale (ambient)``: what each feature was divided by;
        * ``within_class_variance (component)``: mean variance of each class, tr Σ_k/d;
        * ``within_class_anisotropy``: λ_max(Σ_W)/σ0², 1 where the classes are isotropic (or have no spread at all);
        * ``total_eigenvalue``: the largest eigenvalue of the total covariance Σ_W + Σ_B.

        Attributes: ``scaling``, ``n_samples``, ``constant_features`` (how many). Variances are those of the sample
        (divided by N), so that total = within + between holds exactly.

    Raises
    ------
    ValueError
        Where the table is not allowed; the message names the argument, the value and what is allowed.

    References
    ----------
    arXiv:2604.07404, (13), (15).

    Examples
    --------
    >>> table = from_labelled([[0.0, 1.0], [0.0, -1.0], [4.0, 1.0], [4.0, -1.0]], ["cat", "cat", "dog", "dog"])
    >>> table.component_mean.values.ravel(), float(table.component_variance), float(table.within_class_anisotropy)
    (array([-2.,  2.]), 0.5, 2.0)
    """
    if hasattr(features, "columns") and hasattr(features, "items"):  # a table of pandas
        refuse_row_numbers("features", features.items())
    x = as_numbers("features", _samples_first(features, labels), copy=False)
    if x.ndim != 2:
        raise ValueError(f"features has shape {x.shape}; allowed: (samples, features)")
    low, high = x.min(axis=0), x.max(axis=0)
    if not (far := max(-low.min(), high.max())) <= GREATEST_MEAN:
        raise ValueError(f"features has a value of size {far:g}; allowed: at most {GREATEST_MEAN:g}")
    names, member = _classes(labels, len(x))
    scale = _feature_scale(x, scaling)
    # Statistics are those of x - x[0]: an offset common to all samples would cost digits.
    classes = class_statistics(x, scale, member)
    eigenvalues = classes.covariances.within_eigenvalue(), classes.covariances.total_eigenvalue(1.0, 1.0)
    dataset = _labelled_mixture(classes.means, classes.weights, classes.variances, *eigenvalues)
    dataset["origin"] = dataset.origin.copy(data=dataset.origin.values + x[0] / scale)
    dataset["feature_scale"] = xr.DataArray(scale, dims="ambient", attrs=attributes("feature_scale"))
    dataset = dataset.assign_coords(label=("component", names, attributes("label")))
    return dataset.assign_attrs(scaling=scaling, n_samples=len(x), constant_features=int((low == high).sum()))


def moved_total_eigenvalue(
    features: Any, labels: Any, scaling: str, separation: xr.DataArray, variance: xr.DataArray | None
) -> xr.DataArray:
    r"""Largest eigenvalue of the total covariance of a table whose classes are moved apart and widened.

    Class means are moved to ``separation`` times their distance from the mean of all samples, and all deviations from them
    are scaled by one factor to the within-class ``variance`` tr Σ_W/d (None: as they are). So the covariance is
    :math:`s^2\Sigma_B + (v/\sigma_0^2)\Sigma_W`. NaN where there are no deviations to scale.

    ``features``, ``labels`` and ``scaling`` as for :func:`from_labelled`; the result has the dimensions of both axes, and
    costs an eigenvalue problem of size min(N + k, d) for each of its values.
    """
    x = as_numbers("features", features, copy=False)
    _, member = _classes(labels, len(x))
    classes = class_statistics(x, _feature_scale(x, scaling), member)
    own = float(classes.weights @ classes.variances)
    spread = xr.DataArray(own) if variance is None else variance
    factor, ratio = xr.broadcast(separation, spread / own if own > 0 else spread.where(spread == 0))
    total = classes.covariances.total_eigenvalue
    values = [total(s, c) for s, c in zip(factor.values.ravel(), ratio.values.ravel(), strict=True)]
    return factor.copy(data=np.reshape(values, factor.shape)).assign_attrs(attributes("total_eigenvalue"))


def from_sklearn(gaussian_mixture: Any) -> xr.Dataset:
    r"""The mixture nearest to a fitted ``sklearn.mixture.GaussianMixture``, of any ``covariance_type``.

    Means and weights are kept; the common variance is :math:`\sigma_0^2 = \sum_k w_k \operatorname{tr}\Sigma_k / d`.

    Returns
    -------
    xarray.Dataset
        As :func:`from_labelled` (without labels and scale), with :math:`\Sigma_W = \sum_k w_k \Sigma_k`;
        ``within_class_anisotropy`` is 1 where the fitted covariances average to an isotropic one, and
        ``within_class_variance`` says how far they differ in size.

    Raises
    ------
    ValueError
        Where the model is not a fitted Gaussian mixture.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> points = np.array([[-101.0], [-99.0], [99.0], [101.0]])
    >>> fitted = GaussianMixture(2, covariance_type="spherical", random_state=0).fit(points)
    >>> from_sklearn(fitted).component_mean.values.ravel().round(3)
    array([-100.,  100.])
    """
    missing = [name for name in ("means_", "weights_", "covariances_") if not hasattr(gaussian_mixture, name)]
    if missing:
        given = type(gaussian_mixture).__name__
        raise ValueError(f"gaussian_mixture = {given} has no {missing[0]}; allowed: a fitted sklearn GaussianMixture")
    means, weights = (as_numbers(name, getattr(gaussian_mixture, name)) for name in ("means_", "weights_"))
    if means.ndim != 2 or weights.shape != means.shape[:1]:
        raise ValueError(f"means_ has shape {means.shape}, weights_ {weights.shape}; allowed: (k, d) and (k,)")
    d = means.shape[1]
    kind = getattr(gaussian_mixture, "covariance_type", None)
    weights = weights / weights.sum()
    covariances = as_numbers("covariances_", gaussian_mixture.covariances_, copy=False)
    variances, within = _variances(covariances, kind, weights, d)
    between = np.sqrt(weights)[:, None] * (means - weights @ means)
    spread = Covariances(between, within, None)
    top = spread.within_eigenvalue(), spread.total_eigenvalue(1.0, 1.0)
    dataset = _labelled_mixture(means, weights, variances, *top)
    return dataset.assign_attrs(source="sklearn GaussianMixture", covariance_type=kind)


def project(mixture: xr.Dataset, x: Any) -> xr.DataArray:
    """Points of the data's own space in coordinates of the means' span.

    Parameters
    ----------
    mixture : Dataset
        A mixture with ``basis`` and ``origin``, from :func:`from_labelled` or :func:`from_sklearn`.
    x : array (ambient,) or (n, ambient), or DataArray with the dimension ``ambient``
        Points in the units that ``features`` had: they are divided by ``feature_scale`` first, as the features were.

    Returns
    -------
    xarray.DataArray
        Dims (feature) or (point, feature), or those of the DataArray with ``ambient`` replaced. Its coordinate
        ``perpendicular_squared`` is the squared distance from the span: there the score is minus the perpendicular part
        divided by v, and the density has the factor exp(-perpendicular_squared/(2v)).

    Raises
    ------
    ValueError
        Where the mixture has no basis or x has another number of coordinates.

    Examples
    --------
    >>> table = from_labelled([[0.0, 1.0], [0.0, -1.0], [4.0, 1.0], [4.0, -1.0]], ["cat", "cat", "dog", "dog"])
    >>> point = project(table, [5.0, 2.0])
    >>> point.values, float(point.perpendicular_squared)
    (array([3.]), 4.0)
    """
    if not isinstance(mixture, xr.Dataset):
        raise ValueError(f"mixture = {show(mixture)} is not allowed; allowed: a mixture from data (ss.from_labelled, ...)")
    if "basis" not in mixture or "origin" not in mixture:
        raise ValueError(
            "mixture has no basis and origin; allowed: a mixture from data (its means are already in its own coordinates)"
        )
    d = mixture.sizes["ambient"]
    points = _as_points(x, d)
    if "feature_scale" in mixture:
        points = points / mixture["feature_scale"]
    offset = (points - mixture["origin"]).transpose(..., "ambient")
    # One feature at a time along contiguous rows: a point's bits do not depend on how many points come with it.
    rows = [(offset * mixture["basis"].isel(feature=j, drop=True)).sum("ambient") for j in range(mixture.sizes["feature"])]
    inside = xr.concat(rows, dim="feature").transpose(..., "feature")
    rest = offset
    for j, row in enumerate(rows):
        rest = rest - row * mixture["basis"].isel(feature=j, drop=True)
    outside = (rest**2).sum("ambient").assign_attrs(attributes("perpendicular_squared"))
    named = inside.rename("position").assign_attrs(attributes("position"))
    return named.assign_coords(feature=mixture["feature"], perpendicular_squared=outside)


def _labelled_mixture(
    means: np.ndarray, weights: np.ndarray, variances: np.ndarray, within: float, total: float
) -> xr.Dataset:
    """The mixture with basis, origin and diagnostics; ``within`` and ``total`` are the covariances' largest eigenvalues."""
    weights = normalised(weights)
    reduced, basis, origin = span(means, weights)
    variance = float(weights @ variances)
    dataset = assemble(
        xr.DataArray(reduced, dims=("component", "feature")),
        xr.DataArray(weights, dims="component"),
        as_axis("variance", variance),
        as_axis("dimension", means.shape[1]),
    )
    extra = {
        "basis": (("feature", "ambient"), basis),
        "origin": (("ambient",), origin),
        "within_class_variance": (("component",), variances),
        "within_class_anisotropy": ((), within / variance if variance > 0 else 1.0),
        "total_eigenvalue": ((), total),
    }
    return dataset.assign({name: (dims, values, attributes(name)) for name, (dims, values) in extra.items()})


def _classes(labels: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Names of the classes in sorted order, and the class index of each of ``n`` samples."""
    array = _label_array(labels, n)
    classes, member = np.unique(array, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"labels has one class, {shortened(classes[0])}; allowed: at least two classes")
    if len(classes) > MOST_CLASSES:
        raise ValueError(f"labels has {len(classes):,} classes; allowed: at most {MOST_CLASSES:,}")
    return classes.astype(str), member


def _label_array(labels: Any, n: int) -> np.ndarray:
    """The labels as text, whole numbers or booleans (n,), each of them there."""
    array = as_array("labels", labels)
    if array.shape != (n,):
        raise ValueError(f"labels has shape {array.shape}; allowed: ({n},), one label for each row of features")
    if array.dtype.kind in "OSU":
        array = np.array([_text(label) for label in array])
    elif array.dtype.kind == "f":
        if not (np.isfinite(array) & (array == np.floor(array))).all():
            bad = array[~(np.isfinite(array) & (array == np.floor(array)))][0]
            raise ValueError(f"labels has the value {bad}; allowed: text or whole numbers")
        array = array.astype(np.int64)
    if array.dtype.kind not in "iubU":
        raise ValueError(f"labels of type {array.dtype} are not allowed; allowed: text, whole numbers or booleans")
    if array.dtype.kind == "U":
        if (array == "").any():
            raise ValueError("labels has an empty label; allowed: a label for each sample")
        if (lost := np.isin(array, MISSING)).any():
            raise ValueError(f"labels has {show(array[lost][0])}, which stands for a missing label; allowed: a class")
    return array


MISSING = ("nan", "NaN", "NaT", "<NA>", "NA", "N/A", "#N/A", "null", "NULL", "None", "none")
"""Text that stands for a missing label in tables of NumPy, pandas, R and spreadsheets."""


def _text(label: Any) -> str:
    """A label as text, in one spelling, without blanks around it; whatever stands for a missing one is empty."""
    if isinstance(label, bytes):
        try:
            label = label.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"labels has {show(label)}, which is not UTF-8; allowed: text or whole numbers") from None
    if isinstance(label, float | np.floating) and not math.isnan(label):
        if label != math.floor(label) if math.isfinite(label) else True:
            raise ValueError(f"labels has the value {label}; allowed: text or whole numbers")
        label = int(label)
    missing = label is None or type(label).__name__ in ("NAType", "NaTType") or label != label
    return "" if missing else unicodedata.normalize("NFC", str(label)).strip()


def _samples_first(features: Any, labels: Any) -> Any:
    """Features with the samples first, where labelled arrays say which dimension theirs is."""
    if not isinstance(features, xr.DataArray):
        return features
    own = labels.dims if isinstance(labels, xr.DataArray) else ("sample",) if "sample" in features.dims else ()
    if len(own) == 1 and own[0] not in features.dims:
        raise ValueError(
            f"labels has the dimension {show(own[0])}, features has {listed(features.dims)}; "
            "allowed: labels on the dimension of the samples in features"
        )
    return features.transpose(*own, ...) if len(own) == 1 else features


def _feature_scale(x: np.ndarray, scaling: str) -> np.ndarray:
    """What each feature is divided by, (d,)."""
    if not isinstance(scaling, str) or scaling not in SCALINGS:
        raise ValueError(f"scaling = {show(scaling)} is not allowed; allowed: {', '.join(SCALINGS)}")
    if scaling == "raw":
        return np.ones(x.shape[1])
    if scaling == "unit-range":
        width = x.max() - x.min()
        return np.full(x.shape[1], width if width > 0 else 1.0)
    constant = x.max(axis=0) == x.min(axis=0)
    return np.where(constant, 1.0, (x - x[0]).std(axis=0))


def _variances(covariances: np.ndarray, kind: Any, weights: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean variance of each component (k,) and weighted covariance (d, d) from scikit-learn's four ways to store them."""
    k = len(weights)
    shapes = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}
    if not isinstance(kind, str) or kind not in shapes:
        raise ValueError(f"covariance_type = {show(kind)} is not known; allowed: {', '.join(shapes)}")
    if covariances.shape != shapes[kind]:
        raise ValueError(f"covariances_ has shape {covariances.shape}; allowed: {shapes[kind]} for {kind} covariances")
    if kind == "full":
        return np.trace(covariances, axis1=1, axis2=2) / d, np.tensordot(weights, covariances, 1)
    if kind == "tied":
        return np.full(k, np.trace(covariances) / d), covariances
    diagonals = np.broadcast_to(covariances.reshape(k, -1), (k, d))
    return diagonals.mean(axis=1), np.diag(weights @ diagonals)


def _as_points(x: Any, d: int) -> xr.DataArray:
    """Points as a DataArray with ``ambient``."""
    if isinstance(x, xr.DataArray):
        as_real("x", x)
        if x.sizes.get("ambient") != d:
            raise ValueError(f"x has sizes {dict(x.sizes)}; allowed: a dimension 'ambient' of {d} coordinates")
        return x
    array = as_numbers("x", x)
    if array.ndim not in (1, 2) or array.shape[-1] != d:
        raise ValueError(f"x has shape {array.shape}; allowed: ({d},) or (n, {d})")
    return xr.DataArray(array, dims=("point", "ambient")[-array.ndim :])
