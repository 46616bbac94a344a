"""Statuses in words, and results without what is flagged."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import show, suggestion
from scoreshock.conventions import WORDS, Status

PIECE = 2**24
"""Number of flags that are read at a time."""


def explain(status: Any) -> str:
    """Words for a status, or for the statuses of a dataset with their counts.

    Parameters
    ----------
    status
        A `Status`, its number or its name; or a dataset, of which every flag variable is explained.

    Returns
    -------
    str
        A sentence; of a dataset a line for each status that occurs in each flag variable.

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> import scoreshock as ss
    >>> explain("no_real_root")
    'no_real_root: the equation of the criterion has no real root'
    >>> found = ss.corrections(ss.families.pair(separation=[0.0, 2.0]), order=0)
    >>> print(explain(found))
    order_status
      1 ok: the value can be relied on
      1 no_transition: nothing to merge or to separate: coinciding means, a single well, for spectral no variance above 1
    error_status
      1 ok: the value can be relied on
      1 no_transition: nothing to merge or to separate: coinciding means, a single well, for spectral no variance above 1
    """
    if isinstance(status, xr.Dataset):
        return "\n".join(line for name, flag in status.data_vars.items() for line in _counted(str(name), flag))
    if isinstance(status, IntEnum):
        name = status.name
    elif isinstance(status, int | np.integer) and not isinstance(status, bool) and status in list(Status):
        name = Status(int(status)).name
    else:
        name = status
    if not isinstance(name, str) or name not in WORDS:
        allowed = ", ".join(WORDS)
        raise ValueError(
            f"status = {show(status)} is not allowed{suggestion(str(name), WORDS)}; allowed: a dataset, or one of {allowed}"
        )
    return f"{name}: {WORDS[name]}"


def _counted(name: str, flag: xr.DataArray) -> list[str]:
    found = occurrences(flag) if name.endswith("status") else {}
    return [name, *(f"  {count:,} {meaning}: {WORDS[meaning]}" for meaning, count in found.items())] if found else []


def occurrences(flag: xr.DataArray) -> dict[str, int]:
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


def valid(results: xr.Dataset) -> xr.Dataset:
    """The results with NaN for every value whose status is not ``ok``.

    Parameters
    ----------
    results
        A dataset of this package, whose variables name their flags in the attribute ``ancillary_variables``.

    Returns
    -------
    Dataset
        The same variables; whole numbers become floats where some are masked.

    Raises
    ------
    ValueError
        For anything but a dataset.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.speciation(ss.families.pair(separation=1.0, variance=4.0), criteria=["leading"])
    >>> found.tau_star.item(), valid(found).tau_star.item()
    (-1.5, nan)
    """
    if not isinstance(results, xr.Dataset):
        raise ValueError(f"results = {show(results)} is not a dataset; allowed: a result of this package")
    masked = {}
    for name, variable in results.data_vars.items():
        flag = results.get(variable.attrs.get("ancillary_variables"))
        if flag is not None and set(flag.dims) <= set(variable.dims):
            masked[name] = variable.where(flag == Status.ok)
    return results.assign(masked)
