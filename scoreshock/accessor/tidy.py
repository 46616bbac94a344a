"""Results as a table for pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from scoreshock.checks import listed, show, suggestion


def tidy(dataset: xr.Dataset, names: tuple[Any, ...]) -> pd.DataFrame:
    """A row for each point of the variables ``names``, by default of the first, and of those along its dimensions."""
    known = [str(name) for name in dataset.data_vars]
    for name in names:
        if name not in known:
            raise ValueError(f"names: {show(name)} is not a variable{suggestion(name, known)}; allowed: {listed(known)}")
    if not known:
        raise ValueError("names: the dataset has no variable; allowed: results of a quantity")
    first = {*dataset[known[0]].dims, "schedule"}
    chosen = list(names) or [name for name in known if set(dataset[name].dims) <= first]
    flags = {str(flag) for name in chosen for flag in str(dataset[name].attrs.get("ancillary_variables", "")).split()}
    taken = [name for name in known if name in {*chosen, *flags}]
    points = dataset[taken]
    dims = [dim for dim in dataset.dims if dim in points.dims]
    labelled = points.assign_coords({dim: np.arange(points.sizes[dim]) for dim in dims if dim not in points.coords})
    words = labelled.load().assign({name: in_words(labelled[name]) for name in taken if is_flag(labelled[name])})
    table = words.to_dataframe(dim_order=dims).reset_index() if dims else pd.DataFrame([_row(words)])
    others = [str(name) for name in words.coords if name not in dims]
    table = table[[*dims, *others, *taken]]
    table.attrs = attributes_of(dataset, list(map(str, table.columns)))
    left_out = [name for name in known if name not in taken]
    if left_out:
        table.attrs["left_out"] = left_out
    return table


def _row(point: xr.Dataset) -> dict[str, Any]:
    return {str(name): variable.values[()] for name, variable in point.variables.items()}


def is_flag(array: xr.DataArray) -> bool:
    """Whether the values of an array are flags."""
    return "flag_meanings" in array.attrs and "flag_values" in array.attrs


def in_words(flag: xr.DataArray) -> xr.DataArray:
    """The words of a flag variable."""
    meanings = dict(zip(np.ravel(flag.attrs["flag_values"]).tolist(), flag.attrs["flag_meanings"].split(), strict=True))
    words = np.array([meanings.get(value, str(value)) for value in np.ravel(flag.values).tolist()], dtype=object)
    return flag.copy(data=words.reshape(flag.shape))


def attributes_of(dataset: xr.Dataset, names: list[str]) -> dict[str, Any]:
    """Attributes of the dataset, and in ``variables`` those of each column, as plain values."""
    columns = {name: _plain(dataset[name].attrs) for name in names if name in dataset.variables}
    return {**_plain(dataset.attrs), "variables": columns}


def _plain(attributes: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): np.asarray(value).tolist() for name, value in attributes.items()}
