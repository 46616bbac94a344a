"""One point of stored results, computed again from the stored content and compared with the stored values."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock import axes
from scoreshock.accessor.content import content_of
from scoreshock.checks import listed, shortened, show
from scoreshock.storage import provenance
from scoreshock.study.evaluation import evaluate

TOLERANCE = 1e-12
"""Relative tolerance for a value of an axis: ``np.linspace`` yields 1.2000000000000002 for 1.2."""


def recompute(dataset: xr.Dataset, point: Mapping[str, Any]) -> xr.Dataset:
    """The stored values at a point, those that this code computes from the stored content, and their difference."""
    content = content_of(dataset)
    assert content is not None
    known = [*content["axes"], *(str(name) for name in dataset.indexes if name not in content["axes"])]
    if unknown := [name for name in point if name not in known]:
        raise ValueError(f"{unknown[0]}: not an axis of these results; allowed: {listed(known)}")
    chosen = {}
    for name, spec in content["axes"].items():
        values = axes.values(spec)
        chosen[name] = values[_position(name, _value(dataset, name, point), values)].item()
    wanted = {name: value for name, value in {**point, **chosen}.items() if name in dataset.dims}
    stored = dataset.isel({name: _position(name, value, dataset[name].values) for name, value in wanted.items()}).load()
    return _with_notes(_compared(stored, _again(content, chosen, stored)), dataset, content)


def _value(dataset: xr.Dataset, name: str, point: Mapping[str, Any]) -> Any:
    """The value of an axis: that of the point, or the only one that is left in the dataset."""
    if name in point:
        return point[name]
    if name in dataset.coords and dataset[name].size == 1:
        return dataset[name].values.item()
    left = show(dataset[name].values) if name in dataset.coords else "a value of the axis"
    raise ValueError(f"{name}: missing, and a point has one value on each axis; allowed: {left}")


def _position(name: str, value: Any, values: np.ndarray) -> int:
    """Index of a value among those of an axis."""
    numeric = values.dtype.kind in "iuf"
    same = np.zeros(len(values), bool)
    if numeric and isinstance(value, int | float | np.number) and not isinstance(value, bool):
        same = np.isclose(values.astype(float), float(value), rtol=TOLERANCE, atol=0)
    elif not numeric and isinstance(value, str):
        same = values.astype(str) == value
    if not same.any():
        raise ValueError(f"{name} = {show(value)} is not a value of the axis; allowed: {shortened(show(values))}")
    return int(same.argmax())


def _again(content: Mapping[str, Any], chosen: Mapping[str, Any], stored: xr.Dataset) -> xr.Dataset:
    """The result at the ``chosen`` values of the axes, with those labels of its other dimensions that ``stored`` has."""
    one = {**content, "axes": {name: {"values": [value]} for name, value in chosen.items()}}
    if content["schedules"] and "schedule" in stored.coords:
        labels = np.atleast_1d(stored["schedule"].values).tolist()
        one["schedules"] = {label: definition for label, definition in content["schedules"].items() if label in labels}
    result = evaluate(one, chunked=False)
    result = result.isel({name: 0 for name in chosen if name in result.dims})
    for name in map(str, result.indexes):
        if name in stored.coords:
            labels = stored[name].values
            positions = [_position(name, label, result[name].values) for label in np.atleast_1d(labels).tolist()]
            result = result.isel({name: positions if labels.ndim else positions[0]})
    return result


def _compared(stored: xr.Dataset, again: xr.Dataset) -> xr.Dataset:
    """Each variable with its recomputed values and, of numbers, their difference."""
    compared: dict[str, xr.DataArray] = {}
    for name in map(str, stored.data_vars):
        if name not in again.variables:
            continue
        if gone := set(map(str, again[name].dims)) - set(map(str, stored[name].dims)):
            raise ValueError(f"{min(gone)}: dropped from the results; allowed: results that keep their coordinates")
        old, new = stored[name], again[name].reset_coords(drop=True).transpose(*stored[name].dims)
        compared |= {name: old, f"{name}_recomputed": new.drop_vars(new.coords).assign_attrs(_of(old, "_recomputed"))}
        if old.dtype.kind in "iuf" and "flag_meanings" not in old.attrs:
            compared[f"{name}_difference"] = _difference(old, new.values).assign_attrs(_of(old, "_difference"))
    return xr.Dataset(compared)


def _difference(old: xr.DataArray, new: np.ndarray) -> xr.DataArray:
    """Recomputed minus stored; 0 where both are missing or the same infinity, NaN where one is missing."""
    one, two = old.values.astype(float), new.astype(float)
    same = (one == two) | (np.isnan(one) & np.isnan(two))
    with np.errstate(invalid="ignore"):
        return old.copy(data=np.where(same, 0.0, two - one))


def _of(old: xr.DataArray, suffix: str) -> dict[str, Any]:
    """Attributes of a variable that is derived from another."""
    words = {"_recomputed": "recomputed", "_difference": "recomputed minus stored"}[suffix]
    flag = (
        {"ancillary_variables": f"{old.attrs['ancillary_variables']}_recomputed"}
        if "ancillary_variables" in old.attrs
        else {}
    )
    return {**old.attrs, "long_name": f"{old.attrs.get('long_name', old.name)}, {words}", **flag}


def _with_notes(compared: xr.Dataset, dataset: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The comparison, whether all values agree bitwise, and a warning where other code computed the stored ones."""
    names = [name for name in map(str, compared.data_vars) if f"{name}_recomputed" in compared]
    differing = [name for name in names if not _agree(compared[name].values, compared[f"{name}_recomputed"].values)]
    attributes = {"title": f"stored and recomputed {content['quantity']} at one point", "differing": " ".join(differing)}
    if provenance.is_of_this_code(dataset.attrs, content["quantity"]):
        return compared.assign_attrs(attributes)
    text = (
        f"the stored {content['quantity']} was computed by another code version ({dataset.attrs.get('source', 'unknown')}), "
        "so differences may be those of the code"
    )
    warnings.warn(text, UserWarning, stacklevel=4)
    return compared.assign_attrs({**attributes, "scoreshock_warnings": text})


def _agree(old: np.ndarray, new: np.ndarray) -> bool:
    """Whether values agree bitwise; text by its characters."""
    if old.dtype.kind in "OUS" or new.dtype.kind in "OUS":
        return bool((old.astype(str) == new.astype(str)).all())
    return bool(np.array_equal(old, new, equal_nan=old.dtype.kind == "f" and new.dtype.kind == "f"))
