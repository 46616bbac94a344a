"""The points of a sweep as lines of numbers, and numbers as text: what sentence and tables are made of."""

from __future__ import annotations

import dask.array as da
import numpy as np
import xarray as xr

from scoreshock.conventions import Status


def criterion_names(comparison: xr.Dataset) -> list[str]:
    return [str(name) for name in comparison.criterion.values]


def of_wells(comparison: xr.Dataset) -> bool:
    """Whether the criteria are those of densities with two wells, which alone have matched Gaussians."""
    return "matched-gaussian" in criterion_names(comparison)


def judge(comparison: xr.Dataset) -> str:
    """The criterion that a reader compares with: ``exact`` where it is there, else the density's own ``merging``."""
    return next((name for name in ("exact", "merging") if name in comparison.reference_criterion), "exact")


def status_of(comparison: xr.Dataset, criterion: str) -> xr.DataArray:
    if criterion not in criterion_names(comparison):
        return xr.DataArray(np.int8(Status.not_applicable))
    return comparison.status.sel(criterion=criterion, drop=True)


def sweep_dims(comparison: xr.Dataset) -> list[str]:
    return [str(dim) for dim in comparison.status.dims if dim != "criterion"]


def points(comparison: xr.Dataset) -> int:
    return int(np.prod([comparison.sizes[dim] for dim in sweep_dims(comparison)], dtype=int))


def flat(comparison: xr.Dataset, *arrays: str | xr.DataArray) -> list[np.ndarray]:
    """Each array over the points of the sweep, in one order, as one line of numbers."""
    dims = sweep_dims(comparison)
    sizes = {dim: comparison.sizes[dim] for dim in dims}
    out = []
    for array in arrays:
        values = comparison[array] if isinstance(array, str) else array
        absent = {dim: size for dim, size in sizes.items() if dim not in values.dims}
        out.append(loaded(values).variable.set_dims(absent | dict(values.sizes)).transpose(*dims).values.reshape(-1))
    return out


def loaded(array: xr.DataArray) -> xr.DataArray:
    """The array in memory, once: computing it would hold its chunks beside what is made of them."""
    if array.chunks is None:
        return array
    values = np.empty(array.shape, array.dtype)
    da.store(array.data, values, lock=False)
    return array.copy(data=values)


def percent(fraction: float) -> str:
    return "0 %" if fraction == 0 else f"{100 * fraction:.2g} %" if fraction < 0.995 else f"{100 * fraction:.0f} %"


def number(value: float) -> str:
    return f"{float(value):.4g}"
