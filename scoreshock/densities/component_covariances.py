"""Covariances of components as variances along orthonormal directions, with one variance in all other directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock.axes import CORE, as_axis
from scoreshock.checks import as_numbers, listed, mapping_of, show
from scoreshock.conventions import check_axis

ASYMMETRY = 1e-8
"""Largest difference of two mirrored entries, relative to the largest entry, that counts as rounding."""

NEGATIVE = 1e-10
"""Size of a negative eigenvalue, relative to the largest, up to which it counts as a rounded zero."""

BLOCK = 2**20
"""Numbers of matrices that are decomposed together (8 MiB)."""

SKEW = 1e-8
"""Largest error of the products of directions, which are orthonormal."""

PARTS: dict[str, tuple[str, ...]] = {
    "component_mean": CORE,
    "component_weight": ("component",),
    "component_variance": ("component",),
    "ambient_dimension": (),
    "covariance_eigenvalue": ("component", "direction"),
    "covariance_direction": ("component", "direction", "feature"),
}
"""Variables of a mixture, and those of their dimensions that are no sweep's; what all components share has no component."""

SPREAD = ("component_variance", "covariance_eigenvalue", "covariance_direction")
"""Those of covariances."""

MATRIX = ("feature", "feature_other")

FORMS = (
    "matrices (n, n) or (k, n, n); xr.DataArray with 'feature' and 'feature_other' (matrices) or 'feature' (diagonals), "
    "and 'component' where each has its own; or a mapping of eigenvalues and directions"
)


class Spread(NamedTuple):
    """Covariances of components: variances along directions (None: the features), and in all other directions."""

    variance: xr.DataArray  # (..., [component])
    eigenvalues: xr.DataArray | None = None  # (..., [component,] direction)
    directions: xr.DataArray | None = None  # (..., [component,] direction, feature)


def as_spread(variance: Any, covariance: Any, means: xr.DataArray, dimension: xr.DataArray) -> Spread:
    """Covariances of a mixture's components from its arguments; ``variance`` alone, or that of directions not listed.

    Raises
    ------
    ValueError
        For a covariance that is not symmetric or has a negative eigenvalue, for directions that are not orthonormal, and for
        a ``variance`` that is missing or would be ignored.
    """
    k, n = means.sizes["component"], means.sizes["feature"]
    if covariance is None:
        return Spread(as_variance(1.0 if variance is None else variance, k))
    eigenvalues, directions = _decomposed(covariance, k, n)
    rest = bool((dimension > eigenvalues.sizes["direction"]).any())
    if rest and variance is None:
        least = int(eigenvalues.sizes["direction"])
        raise ValueError(
            f"covariance has {least} of {int(dimension.max())} directions; allowed: beside it variance, that in all others"
        )
    if not rest and np.any(variance):
        raise ValueError(f"variance = {show(variance)} beside covariance, which has all directions; allowed: one of them")
    floor = xr.DataArray(0.0) if variance is None else as_variance(variance, k)
    return Spread(floor, eigenvalues, directions)


def as_variance(variance: Any, k: int) -> xr.DataArray:
    """The variance of ``k`` components as a checked DataArray, with ``component`` where each has its own.

    A bare list of ``k`` numbers is refused: it could be a sweep too.
    """
    if isinstance(variance, xr.DataArray) and "component" in variance.dims:
        if "feature" in variance.dims or variance.sizes["component"] != k:
            raise ValueError(f"variance has sizes {dict(variance.sizes)}; allowed: {k} numbers, one for each component")
        return variance.copy(data=check_axis("variance", variance.values)).transpose(..., "component")
    axis = as_axis("variance", variance)
    if k > 1 and axis.shape == (k,) and not isinstance(variance, xr.DataArray):
        raise ValueError(
            f"variance = {show(variance)} has {k} numbers for {k} components; allowed: one number, or for one of each "
            "component xr.DataArray(values, dims='component'), or for a sweep dims='variance'"
        )
    return axis


def _decomposed(covariance: Any, k: int, n: int) -> tuple[xr.DataArray, xr.DataArray | None]:
    """Variances and directions of a covariance in any of its `FORMS`."""
    if isinstance(covariance, Mapping):
        return _listed(covariance, k, n)
    labelled = covariance if isinstance(covariance, xr.DataArray) else _matrices(covariance, k, n)
    second = [dim for dim in labelled.dims if str(dim).startswith("feature") and dim != "feature"]
    if len(second) == 1:  # by any name, as in files: never a sweep of diagonals
        labelled = labelled.rename({second[0]: "feature_other"})
    own = [dim for dim in ("component", *MATRIX) if dim in labelled.dims]
    sizes = {"component": k, "feature": n, "feature_other": n}
    if "feature" not in own or len(second) > 1 or any(labelled.sizes[dim] != sizes[dim] for dim in own):
        raise ValueError(f"covariance has sizes {dict(labelled.sizes)}; allowed for {k} means of {n} features: {FORMS}")
    labelled = labelled.copy(data=as_numbers("covariance", labelled.values)).transpose(..., *own)
    if "feature_other" not in own:
        _not_negative("covariance", labelled.values)
        return _bare(labelled.rename(feature="direction")), None
    values, vectors = eigenpairs("covariance", labelled.values)
    leading = labelled.dims[:-2]
    coordinates = {name: coordinate for name, coordinate in labelled.coords.items() if set(coordinate.dims) <= set(leading)}
    return (
        xr.DataArray(values, coordinates, dims=(*leading, "direction")),
        xr.DataArray(vectors, coordinates, dims=(*leading, "direction", "feature")),
    )


def _matrices(covariance: Any, k: int, n: int) -> xr.DataArray:
    """Bare arrays, which are matrices: a diagonal is named, since (k, n) variances could be a matrix where k = n."""
    array = as_numbers("covariance", covariance)
    if array.shape not in ((n, n), (k, n, n)):
        remedy = " (diagonals: xr.DataArray(values, dims=('component', 'feature')))" if array.shape in ((k, n), (n,)) else ""
        one = " (one variance is the argument variance)" if not array.ndim else ""
        raise ValueError(
            f"covariance has shape {array.shape}; allowed: ({n}, {n}) or ({k}, {n}, {n}), or labelled{remedy}{one}"
        )
    return xr.DataArray(array, dims=("component", *MATRIX)[-array.ndim :])


def _bare(array: xr.DataArray) -> xr.DataArray:
    return array.drop_vars("direction", errors="ignore")


def _not_negative(name: str, values: np.ndarray) -> None:
    if not (values >= 0).all():
        raise ValueError(f"{name} has the variance {values[~(values >= 0)].flat[0]:g}; allowed: finite numbers >= 0")


def eigenpairs(name: str, matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (..., n), largest first, and eigenvectors (..., n, n) as rows, of symmetric matrices (..., n, n)."""
    n = matrices.shape[-1]
    flat = matrices.reshape(-1, n, n)
    values, vectors = np.empty(flat.shape[:-1]), np.empty(flat.shape)
    step = max(1, BLOCK // n**2)
    for start in range(0, len(flat), step):
        part = slice(start, start + step)
        ascending, columns = np.linalg.eigh(_symmetric(name, flat[part]))
        if (ascending[:, 0] < -NEGATIVE * np.abs(ascending[:, -1])).any():
            raise ValueError(f"{name} has the eigenvalue {ascending.min():g}; allowed: positive semidefinite matrices")
        values[part] = np.maximum(ascending, 0.0)[:, ::-1]
        vectors[part] = np.swapaxes(columns, 1, 2)[:, ::-1]
    return values.reshape(matrices.shape[:-1]), vectors.reshape(matrices.shape)


def _symmetric(name: str, matrices: np.ndarray) -> np.ndarray:
    """The symmetric part of matrices (m, n, n) that are symmetric within rounding."""
    mirrored = np.swapaxes(matrices, 1, 2)
    uneven = np.abs(matrices - mirrored).max(axis=(1, 2)) > ASYMMETRY * np.abs(matrices).max(axis=(1, 2))
    if uneven.any():
        matrix = matrices[uneven][0]
        i, j = np.unravel_index(np.abs(matrix - matrix.T).argmax(), matrix.shape)
        raise ValueError(
            f"{name} has the entries {matrix[i, j]:g} at [{i}, {j}] and {matrix[j, i]:g} at [{j}, {i}]; allowed: "
            "symmetric matrices"
        )
    # Halves are summed, so that entries near the largest double do not overflow.
    return matrices / 2 + mirrored / 2


def _listed(covariance: Mapping[Any, Any], k: int, n: int) -> tuple[xr.DataArray, xr.DataArray | None]:
    """Variances along listed directions, checked."""
    given = dict(mapping_of("covariance", covariance, FORMS))
    if set(given) - {"eigenvalues", "directions"} or "eigenvalues" not in given:
        raise ValueError(f"covariance has the keys {listed(given)}; allowed: eigenvalues, directions")
    eigenvalues = _labelled("eigenvalues", given["eigenvalues"], ("component", "direction"), k)
    _not_negative("covariance eigenvalues", eigenvalues.values)
    if given.get("directions") is None:
        if (r := eigenvalues.sizes["direction"]) != n:
            raise ValueError(
                f"covariance has {r} eigenvalues for {n} features and no directions; allowed: {n}, or directions"
            )
        return _bare(eigenvalues), None
    directions = _labelled("directions", given["directions"], ("component", "direction", "feature"), k)
    sizes = {"direction": eigenvalues.sizes["direction"], "feature": n}
    if any(directions.sizes[dim] != size for dim, size in sizes.items()):
        raise ValueError(f"covariance directions have sizes {dict(directions.sizes)}; allowed: {sizes}")
    vectors = directions.values
    products = vectors @ np.swapaxes(vectors, -1, -2)
    if (error := np.abs(products - np.eye(sizes["direction"])).max(initial=0.0)) > SKEW:
        raise ValueError(f"covariance directions have products that are {error:.2g} off; allowed: orthonormal rows")
    return _bare(eigenvalues), _bare(directions)


def _labelled(name: str, value: Any, dims: tuple[str, ...], k: int) -> xr.DataArray:
    """A list, with or without the dimension of the components in front, as a DataArray."""
    if not isinstance(value, xr.DataArray):
        array = as_numbers(name, value)
        if array.ndim not in (len(dims) - 1, len(dims)):
            raise ValueError(f"covariance {name} have shape {array.shape}; allowed: dimensions {listed(dims)}")
        value = xr.DataArray(array, dims=dims[-array.ndim :])
    own = [dim for dim in dims if dim in value.dims]
    if own[-(len(dims) - 1) :] != list(dims[1:]) or value.sizes.get("component", k) != k:
        raise ValueError(
            f"covariance {name} have sizes {dict(value.sizes)}; allowed: dimensions {listed(dims)} ({k} components)"
        )
    return value.copy(data=as_numbers(name, value.values)).transpose(..., *own)


def shared_where_equal(part: xr.DataArray) -> xr.DataArray:
    """A variable of covariances without ``component``, where all components have the same numbers."""
    if "component" not in part.dims:
        return part
    first = part.isel(component=0, drop=True)
    return first if bool((part == first).all()) else part


def parts_of(dataset: xr.Dataset) -> Spread:
    """The covariances that a mixture's dataset holds."""
    return Spread(dataset.component_variance, dataset.get("covariance_eigenvalue"), dataset.get("covariance_direction"))


def mean_variance(dataset: xr.Dataset) -> xr.DataArray:
    r"""Mean variance of a mixture's components over all d directions, ``sum_k w_k tr S_k / d``, (...)."""
    floor, eigenvalues, _ = parts_of(dataset)
    d = dataset.ambient_dimension
    own = floor
    if eigenvalues is not None:
        own = (eigenvalues.sum("direction") + (d - eigenvalues.sizes["direction"]) * floor) / d
    return (dataset.component_weight * own).sum("component") if "component" in own.dims else own


def structure(dataset: xr.Dataset) -> str:
    """Structure of a mixture's covariances: ``isotropic`` with a common variance, else ``shared`` or ``own``."""
    parts = [part for part in parts_of(dataset) if part is not None]
    if any("component" in part.dims for part in parts):
        return "own"
    return "isotropic" if len(parts) == 1 else "shared"
