"""Mixtures from labelled data: class means in their own span, the common variance, and how far the data are from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scoreshock.axes import CORE, as_axis
from scoreshock.checks import as_numbers, as_real, listed, show
from scoreshock.conventions import attributes
from scoreshock.densities.class_covariances import Fit, fit, joint_span, kind_of, rank_of
from scoreshock.densities.covariances import Classes, class_statistics
from scoreshock.densities.mixtures import GREATEST_MEAN, assemble, normalised
from scoreshock.densities.tables.labels import classes_of
from scoreshock.densities.tables.reading import as_table
from scoreshock.densities.tables.rows import bounds
from scoreshock.densities.tables.table import Table
from scoreshock.densities.units import Units, units_of


def from_labelled(
    features: Any, labels: Any = None, scaling: Any = "raw", covariance: str = "isotropic", rank: int | None = None
) -> xr.Dataset:
    r"""The mixture of a labelled table: one component a class.

    .. math:: w_k = N_k/N, \quad \mu_k = \text{class mean}, \quad \sigma_0^2 = \operatorname{tr}\Sigma_W/d, \quad
              \Sigma_W = \tfrac1N \sum_i (x_i - \mu_{k(i)})(x_i - \mu_{k(i)})^T

    Parameters
    ----------
    features : array (N, d), or a table with its labels
        One sample a row; finite numbers, read slice by slice in their own type. Also arrays of Dask, Zarr and h5py,
        tensors, frames of pandas, Polars and PyArrow, datasets, a Bunch of scikit-learn, and the path of a file as
        :func:`scoreshock.families.data` reads it.
    labels : array (N,) or str, optional
        Class of each sample: text, whole numbers or booleans; at least two classes. Components are in sorted order. Of a
        frame, dataset or file the name of its column, by default the one named label, class, target, species or the like.
    scaling : {"raw", "unit-range", "unit-variance"} or mapping
        Units of the model. The data's own; or what each feature is divided by: the range (largest minus smallest value)
        of the whole table, which keeps the geometry, or its own standard deviation (a constant feature is left as it is). Or
        ``{"scale": c, "shift": b}``: (x - b) c, such as the factors of latents, b = 0 by default. Or ``{"range": [a, b]}``:
        the least and greatest number of the table, of the type uint8 0 and 255, become a and b.
    covariance : {"isotropic", "spherical", "shared-diagonal", "diagonal", "shared", "full"}
        Covariances of the components: the common variance :math:`\sigma_0^2`; the mean variance of each class; variances of
        the features, of all classes (the diagonal of :math:`\Sigma_W`) or of each; :math:`\Sigma_W`; that of each class.
    rank : int, optional
        With ``shared`` and ``full``: how many directions of largest variance are kept; all others have the mean of the
        variances left (probabilistic principal components). By default all of up to 256 features, if the samples are more
        than the features, else 32. Fewer than samples (of the smallest class) less 1, unless all are kept.

    Returns
    -------
    xarray.Dataset
        The variables of :func:`scoreshock.mixture`, with at most min(k - 1, d) features in principal directions of the class
        means about their weighted mean, followed by the further directions of the covariances, if any, a coordinate ``label
        (component)``, and

        * ``basis (feature, ambient)``, ``origin (ambient)``: the span in scaled data coordinates, for :func:`project`;
          without ``basis`` (diagonals, and directions that span all of the space) the features are the data's own;
        * ``feature_scale (ambient)``: what each feature was divided by, after ``feature_offset``, if any, was subtracted;
        * ``within_class_variance (component)``: mean variance of each class, tr Σ_k/d;
        * ``within_class_anisotropy``: λ_max(Σ_W)/σ0², 1 where the classes are isotropic (or have no spread at all);
        * ``total_eigenvalue``: the largest eigenvalue of the total covariance Σ_W + Σ_B.

        Attributes: ``scaling``, ``data_units``, ``n_samples``, ``constant_features`` (how many); with a ``covariance`` that
        is not isotropic also ``covariance`` and ``covariance_rank``; and what was chosen where the table was read, such as
        ``label_column``. Of named columns the coordinate ``feature_name (ambient)``. Variances are those of the sample
        (divided by N), so that total = within + between holds exactly.

    Raises
    ------
    ValueError
        Where the table is not allowed; the message names the argument, the value and what is allowed.

    References
    ----------
    arXiv:2604.07404, (13), (15). Tipping and Bishop 1999, probabilistic principal component analysis.

    Examples
    --------
    >>> import scoreshock as ss
    >>> table = ss.from_labelled([[0.0, 1.0], [0.0, -1.0], [4.0, 1.0], [4.0, -1.0]], ["cat", "cat", "dog", "dog"])
    >>> table.component_mean.values.ravel(), float(table.component_variance), float(table.within_class_anisotropy)
    (array([-2.,  2.]), 0.5, 2.0)
    """
    table = as_table(features, labels)
    x = table.features
    low, high = bounds("features", x)
    if not (far := max(-low.min(), high.max())) <= GREATEST_MEAN:
        raise ValueError(f"features has a value of size {far:g}; allowed: at most {GREATEST_MEAN:g}")
    names, member = classes_of(table.labels, len(x))
    kind = kind_of(covariance)
    kept = rank_of(kind, rank, np.bincount(member), x.shape[1])
    units = units_of(scaling, x, low, high)
    # Statistics are those of x - x[0]: an offset common to all samples would cost digits.
    classes = class_statistics(x, units.divisor, member)
    eigenvalues = classes.covariances.within_eigenvalue(), classes.covariances.total_eigenvalue(1.0, 1.0)
    fitted = None if kind == "isotropic" else fit(kind, kept, x, units.divisor, member, classes)
    dataset = mixture_of_classes(classes.means, classes.weights, classes.variances, *eigenvalues, fitted)
    if kind != "isotropic":
        dataset = dataset.assign_attrs(covariance=kind, **({"covariance_rank": kept} if kept else {}))
    dataset["origin"] = dataset.origin.copy(data=dataset.origin.values + (x[0] - units.offset) / units.divisor)
    dataset = dataset.assign_coords(label=("component", names, attributes("label")))
    return describe_units(dataset, table, units, low == high)


def describe_units(dataset: xr.Dataset, table: Table, units: Units, constant: np.ndarray) -> xr.Dataset:
    """The mixture with the units of the data, the names of the features, and what is known of the table."""
    dataset["feature_scale"] = xr.DataArray(units.divisor, dims="ambient", attrs=attributes("feature_scale"))
    if units.offset != 0.0:
        dataset["feature_offset"] = xr.DataArray(units.offset, attrs=attributes("feature_offset"))
    if table.names is not None:
        dataset = dataset.assign_coords(feature_name=("ambient", list(table.names), attributes("feature_name")))
        named = [name for name, is_constant in zip(table.names, constant, strict=True) if is_constant]
        dataset.attrs |= {"constant_feature_names": listed(named)} if named else {}
    dataset.attrs |= units.attributes | {"n_samples": len(table.features), "constant_features": int(constant.sum())}
    return dataset.assign_attrs(table.notes)


def statistics_of(table: Table, scaling: Any) -> Classes:
    """Statistics of the classes of a table, in the units of the model."""
    x = table.features
    _, member = classes_of(table.labels, len(x))
    return class_statistics(x, units_of(scaling, x, *bounds("features", x)).divisor, member)


def moved_total_eigenvalue(classes: Classes, separation: xr.DataArray, variance: xr.DataArray | None) -> xr.DataArray:
    r"""Largest eigenvalue of the total covariance of classes that are moved apart and widened.

    Class means are moved to ``separation`` times their distance from the mean of all samples, and all deviations from them
    are scaled by one factor to the within-class ``variance`` tr Σ_W/d (None: as they are). So the covariance is
    :math:`s^2\Sigma_B + (v/\sigma_0^2)\Sigma_W`. NaN where there are no deviations to scale.

    The result has the dimensions of both axes, and costs an eigenvalue problem of size min(N + k, d) for each of its values.
    """
    own = float(classes.weights @ classes.variances)
    spread = xr.DataArray(own) if variance is None else variance
    factor, ratio = xr.broadcast(separation, spread / own if own > 0 else spread.where(spread == 0))
    total = classes.covariances.total_eigenvalue
    values = [total(s, c) for s, c in zip(factor.values.ravel(), ratio.values.ravel(), strict=True)]
    return factor.copy(data=np.reshape(values, factor.shape)).assign_attrs(attributes("total_eigenvalue"))


def project(mixture: xr.Dataset, x: Any) -> xr.DataArray:
    """Points of the data's own space in coordinates of the means' span.

    Parameters
    ----------
    mixture : Dataset
        A mixture with ``origin``, and ``basis`` unless its features are the data's own: from :func:`from_labelled` or
        :func:`from_sklearn`.
    x : array (ambient,) or (n, ambient), or DataArray with the dimension ``ambient``
        Points in the units that ``features`` had: they are brought into those of the model first, as the features were.

    Returns
    -------
    xarray.DataArray
        Dims (feature) or (point, feature), or those of the DataArray with ``ambient`` replaced. Its coordinate
        ``perpendicular_squared`` is the squared distance from the span: there the score of an isotropic mixture is
        minus the perpendicular part divided by v, and the density has the factor exp(-perpendicular_squared/(2v)).
        Without ``basis`` the features are the data's own, and it is 0. In units of the data, scaled as the
        mixture's.

    Raises
    ------
    ValueError
        Where the mixture has no origin or x has another number of coordinates.

    Examples
    --------
    >>> import scoreshock as ss
    >>> table = ss.from_labelled([[0.0, 1.0], [0.0, -1.0], [4.0, 1.0], [4.0, -1.0]], ["cat", "cat", "dog", "dog"])
    >>> point = ss.project(table, [5.0, 2.0])
    >>> point.values, float(point.perpendicular_squared)
    (array([3.]), 4.0)
    """
    if not isinstance(mixture, xr.Dataset):
        raise ValueError(f"mixture = {show(mixture)} is not allowed; allowed: a mixture from data (ss.from_labelled, ...)")
    if "origin" not in mixture:
        raise ValueError(
            "mixture has no origin; allowed: a mixture from data (its means are already in its own coordinates)"
        )
    d = mixture.sizes["ambient"]
    points = _as_points(x, d)
    if "feature_offset" in mixture:
        points = points - mixture["feature_offset"]
    if "feature_scale" in mixture:
        points = points / mixture["feature_scale"]
    offset = (points - mixture["origin"]).transpose(..., "ambient")
    if "basis" not in mixture:  # the features are the data's own
        outside = xr.zeros_like(offset.isel(ambient=0, drop=True)).assign_attrs(attributes("perpendicular_squared"))
        named = offset.rename("position").assign_attrs(attributes("position")).drop_vars("ambient", errors="ignore")
        return named.rename(ambient="feature").assign_coords(feature=mixture["feature"], perpendicular_squared=outside)
    # One feature at a time along contiguous rows: a point's bits do not depend on how many points come with it.
    rows = [(offset * mixture["basis"].isel(feature=j, drop=True)).sum("ambient") for j in range(mixture.sizes["feature"])]
    inside = xr.concat(rows, dim="feature").transpose(..., "feature")
    rest = offset
    for j, row in enumerate(rows):
        rest = rest - row * mixture["basis"].isel(feature=j, drop=True)
    outside = (rest**2).sum("ambient").assign_attrs(attributes("perpendicular_squared"))
    named = inside.rename("position").assign_attrs(attributes("position"))
    return named.assign_coords(feature=mixture["feature"], perpendicular_squared=outside)


def mixture_of_classes(
    means: np.ndarray, weights: np.ndarray, variances: np.ndarray, within: float, total: float, fitted: Fit | None
) -> xr.Dataset:
    """The mixture with basis, origin and diagnostics; ``within`` and ``total`` are the covariances' largest eigenvalues.

    Covariances are ``fitted``, or the mean of the ``variances`` where there are none.
    """
    weights, d = normalised(weights), means.shape[1]
    variance = float(weights @ variances)
    spread = Fit(np.asarray(variance)) if fitted is None else fitted
    # Diagonals, and as many directions as there are, leave nothing to reduce.
    complete = spread.eigenvalues is not None and spread.eigenvalues.shape[-1] == d
    lines = None if spread.directions is None else spread.directions.reshape(-1, d)
    reduced = None if complete else joint_span(means, weights, lines)
    centre = means[0] + np.cumsum(weights[:, None] * (means - means[0]), axis=0)[-1] if reduced is None else reduced.origin
    parts = {
        "means": (CORE, means - centre if reduced is None else reduced.means),
        "weights": (("component",), weights),
        "variance": (("component",), spread.variance),
        "eigenvalues": (("component", "direction"), spread.eigenvalues),
        "directions": (
            ("component", "direction", "feature"),
            spread.directions if reduced is None or lines is None else spread.directions @ reduced.basis.T,
        ),
    }
    labelled = {
        name: xr.DataArray(array, dims=dims[len(dims) - array.ndim :])
        for name, (dims, array) in parts.items()
        if array is not None
    }
    dataset = assemble(**labelled, dimension=as_axis("dimension", d))
    extra = {
        "origin": (("ambient",), centre),
        "within_class_variance": (("component",), variances),
        "within_class_anisotropy": ((), within / variance if variance > 0 else 1.0),
        "total_eigenvalue": ((), total),
    }
    if reduced is not None:
        extra = {"basis": (("feature", "ambient"), reduced.basis)} | extra
    return dataset.assign({name: (dims, values, attributes(name)) for name, (dims, values) in extra.items()})


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
