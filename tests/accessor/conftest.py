"""Results of a small study as a session opens them, and as it computes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.storage import provenance
from scoreshock.study.study import Study

from .. import runs

SCHEDULES = {"edm": {"kind": "edm"}, "fine": {"kind": "vp-linear", "steps": 50}}
SWEEP: dict[str, Any] = {
    "family": "pair",
    "axes": {"separation": [0.0, 1.0, 2.0], "variance": [0.5, 1.5], "schedule": ["edm", "fine"]},
    "quantities": ["speciation"],
    "criteria": ["leading", "exact"],
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of results."""
    path = tmp_path_factory.mktemp("results")
    runs.run(Study.from_mapping({"output": str(path), "schedules": SCHEDULES, "sweeps": {"line": SWEEP}}))
    return path


@pytest.fixture
def opened(folder: Path) -> xr.Dataset:
    """The speciation of that folder."""
    return ss.open_results(folder, "line", "speciation")


@pytest.fixture(scope="session")
def stored() -> xr.Dataset:
    """Results with the attributes of a file, without a file."""
    study = Study.from_mapping({"output": "results", "schedules": SCHEDULES, "sweeps": {"line": SWEEP}})
    content = study.sweeps["line"].content("speciation")
    result = ss.evaluate(content, chunked=False)
    return result.assign_attrs(provenance.attributes(content, "speciation", sweep="line"))
