"""Made-up values under names of results, described as these are."""

from __future__ import annotations

from typing import Any

import xarray as xr

from scoreshock.quantities import schedule_time
from scoreshock.quantities.declaration import declared

VARIABLES = {each.name: each for each in (*declared("speciation").variables, *schedule_time.VARIABLES)}


def described(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with the attributes of speciation's variables."""
    return dataset.assign({n: v.assign_attrs(VARIABLES[n].attributes()) for n, v in dataset.items() if n in VARIABLES})


def made(*arguments: Any) -> xr.Dataset:
    """A described dataset."""
    return described(xr.Dataset(*arguments))
