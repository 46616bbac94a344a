"""Statuses in words, and results without what is flagged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, overload

import numpy as np
import xarray as xr

from scoreshock.checks import show, suggestion
from scoreshock.conventions import WORDS, Status, TimeStatus, flag_attributes

PIECE = 2**24
"""Number of flags that are read at a time."""


def explain(status: Any) -> str:
    """Words for a status, or for the statuses of results with their counts.

    Parameters
    ----------
    status
        A `Status`, its number or its name; or a dataset, of which every flag variable is explained; a DataArray that is a
        flag, or has flags as coordinates; a DataTree of results; an array of the numbers of `Status`. A bare number that
        `TimeStatus` has under another name is explained in both readings.

    Returns
    -------
    str
        A sentence; of results a line for each status that occurs in each flag variable.

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.explain("no_real_root")
    'no_real_root: the equation of the criterion has no real root'
    >>> ss.explain(3).rpartition("; ")[2]
    'of a time status no_tau, there is no diffusion time to find in the schedule'
    >>> found = ss.corrections(ss.families.pair(separation=[0.0, 2.0]), order=0)
    >>> print(ss.explain(found.order_status))
    order_status
      1 ok: the value can be relied on
      1 no_transition: nothing to merge or to separate: coinciding means, a single well, for spectral no variance above 1
    """
    if isinstance(status, xr.Dataset):
        return "\n".join(line for name in status.variables for line in _counted(str(name), status[name]))
    if isinstance(status, xr.DataTree):
        return "\n".join(line for node in status.subtree for line in _of_node(node))
    if isinstance(status, xr.DataArray):
        return _of_array(status)
    if isinstance(status, np.ndarray) and status.dtype.kind in "iu" and np.isin(status, list(Status)).all():
        return "\n".join(_counted("status", xr.DataArray(status.reshape(-1), attrs=flag_attributes(Status))))
    if isinstance(status, IntEnum):
        name = status.name
    elif isinstance(status, int | np.integer) and not isinstance(status, bool) and status in list(Status):
        name = Status(int(status)).name
        if status in list(TimeStatus) and (other := TimeStatus(int(status)).name) != name:
            return f"{status:d}: {name}, {WORDS[name]}; of a time status {other}, {WORDS[other]}"
    else:
        name = status
    if not isinstance(name, str) or name not in WORDS:
        allowed = f"results, a number from {min(Status):d} to {max(Status):d}, or one of {', '.join(WORDS)}"
        raise ValueError(f"status = {show(status)} is not allowed{suggestion(str(name), WORDS)}; allowed: {allowed}")
    return f"{name}: {WORDS[name]}"


def _of_node(node: xr.DataTree) -> list[str]:
    text = explain(node.to_dataset(inherit=False))
    return [node.path, *(f"  {line}" for line in text.splitlines())] if text else []


def _of_array(array: xr.DataArray) -> str:
    """The statuses of a flag, else those of the coordinates that are flags."""
    lines = _counted(str(array.name or "status"), array)
    for name in array.coords:
        lines += _counted(str(name), array.coords[name])
    if not lines:
        raise ValueError(
            f"status = {show(array.name)} has no flags; allowed: a flag variable, or the dataset that it is from"
        )
    return "\n".join(lines)


def _counted(name: str, flag: xr.DataArray | xr.Variable) -> list[str]:
    found = occurrences(flag) if name.endswith("status") else {}
    return [name, *(f"  {count:,} {meaning}: {WORDS[meaning]}" for meaning, count in found.items())] if found else []


def occurrences(flag: xr.DataArray | xr.Variable) -> dict[str, int]:
    """How often each status occurs in a flag variable, by name; none of a variable that is no flag.

    The variable is read in pieces, so that it may be larger than memory.

    Examples
    --------
    >>> import scoreshock as ss
    >>> occurrences(ss.speciation(ss.families.pair(separation=[0.1, 2.0]), criteria=["leading"]).status)
    {'ok': 1, 'below_data_variance': 1}
    """
    if "flag_meanings" not in flag.attrs:
        return {}
    meanings = dict(zip(np.asarray(flag.attrs["flag_values"]).tolist(), flag.attrs["flag_meanings"].split(), strict=True))
    counts: Counter[int] = Counter()
    rows = max(1, PIECE * len(flag) // max(flag.size, 1)) if flag.ndim else 1
    for piece in (flag[i : i + rows] for i in range(0, len(flag), rows)) if flag.ndim else [flag]:
        counts.update(dict(zip(*map(np.ndarray.tolist, np.unique(piece.values, return_counts=True)), strict=True)))
    return {meanings[value]: counts[value] for value in sorted(counts)}


@overload
def valid(results: xr.Dataset) -> xr.Dataset: ...
@overload
def valid(results: xr.DataArray) -> xr.DataArray: ...
@overload
def valid(results: xr.DataTree) -> xr.DataTree: ...
def valid(results: Any) -> Any:
    """The results with NaN for every value whose status is not ``ok``.

    Parameters
    ----------
    results
        A dataset of this package, whose variables name their flags in the attribute ``ancillary_variables``; a DataArray
        with its flags as coordinates, as ``data.scoreshock`` returns them; or a DataTree of datasets.

    Returns
    -------
    Dataset, DataArray or DataTree
        As passed, with the same variables; whole numbers become floats where some are masked.

    Raises
    ------
    ValueError
        For anything else, and for a DataArray without its flags.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.speciation(ss.families.pair(separation=1.0, variance=4.0), criteria=["leading"])
    >>> found.tau_star.item(), ss.valid(found).tau_star.item()
    (-1.5, nan)
    """
    if isinstance(results, xr.DataTree):
        return xr.DataTree.from_dict(
            {node.path: valid(node.to_dataset(inherit=False)) for node in results.subtree}, name=results.name
        )
    if isinstance(results, xr.DataArray):
        flags = _flags(results, results.coords)
        if not flags:
            raise ValueError(
                f"results = {show(results.name)} has no flags; allowed: the dataset that it is from, or part of it"
            )
        return _masked(results, flags)
    if not isinstance(results, xr.Dataset):
        raise ValueError(f"results = {show(results)} is not a dataset; allowed: a result of this package")
    masked = {name: _flags(variable, results) for name, variable in results.data_vars.items()}
    return results.assign({name: _masked(results[name], flags) for name, flags in masked.items() if flags})


def _flags(array: xr.DataArray, known: Mapping[Any, xr.DataArray]) -> list[xr.DataArray]:
    """The flags that an array names, as far as they are ``known`` and have no dimension that it lacks."""
    named = str(array.attrs.get("ancillary_variables", "")).split()
    return [known[name] for name in named if name in known and set(known[name].dims) <= set(array.dims)]


def _masked(array: xr.DataArray, flags: list[xr.DataArray]) -> xr.DataArray:
    for flag in flags:
        array = array.where(flag == Status.ok)
    return array
