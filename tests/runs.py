"""What a run leaves in its folder, made in this process by the tasks of its jobs and without Snakemake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.running import tasks
from scoreshock.storage import store
from scoreshock.storage.plans import Planned
from scoreshock.study.study import Study
from scoreshock.study.work import jobs_of

AXES: dict[str, Any] = {"separation": [1.0, 2.0], "weight": [0.5, 0.6, 0.7], "schedule": ["ve", "edm"]}
SWEEP: dict[str, Any] = {"family": "pair", "axes": AXES, "split": ["weight"], "quantities": ["speciation"]}


def study(output: Path, **changes: Any) -> Study:
    """A study of one small sweep, ``line``."""
    sweep = SWEEP | {"criteria": ["leading", "first"]} | changes
    return Study.from_mapping({"output": str(output), "sweeps": {"line": sweep}})


def run(study: Study, *actions: str) -> None:
    """Do those of the tasks whose action is named; by default write the plans and compute."""
    content = json.loads(json.dumps(tasks.content_of(study)))
    for job in jobs_of(study):
        for task in job.tasks.values() if isinstance(job.tasks, Mapping) else job.tasks:
            action, *words = json.loads(task)
            if action in (actions or ("plan", "compute")):
                tasks.ACTIONS[action](content, *words)


def planned(study: Study, quantity: str = "speciation") -> Planned:
    """What the sweep is to hold of a quantity."""
    return study.sweeps["line"].planned(quantity)


def files(study: Study, quantity: str = "speciation") -> list[Path]:
    """The files that are computed of a quantity."""
    return [Path(study.output, "line", file) for file in planned(study, quantity).files]


def rewrite(path: Path, attributes: Mapping[str, Any] | None = None, **variables: Any) -> None:
    """Write a whole file again with other attributes, and with variables changed by functions of them."""
    with store.open_file(path, chunks=None) as dataset:
        loaded = dataset.load()
    store.write(loaded.assign({name: change(loaded[name]) for name, change in variables.items()}), path, attributes)


def same_bits(left: xr.Dataset, right: xr.Dataset) -> None:
    """Assert that two datasets have the same variables: dimensions, types (text of any length), values and roles."""
    assert set(left.data_vars) == set(right.data_vars)
    assert set(left.coords) == set(right.coords)
    for name in left.variables:
        one, two = left[name], right[name]
        assert one.dims == two.dims, name
        assert one.dtype == two.dtype or {one.dtype.kind, two.dtype.kind} <= set("OU"), name
        np.testing.assert_array_equal(one.values, two.values, err_msg=str(name))
