"""Files of the diagnosis of networks: parts join to the whole, tables and figures are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.networks import files, tables
from scoreshock.networks.perceptron import Architecture
from scoreshock.networks.workflow import table_files
from scoreshock.storage import store

from .diagnoses import planted

pytestmark = pytest.mark.slow

SHAPE = Architecture(features=1, hidden=4, layers=1, sigma_data=1.0)
SETTINGS = {"levels": 2, "samples": 20}


def test_parts_join_to_the_whole(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(3, 1, SHAPE.size))
    labels = {"damage": ["none", "one-level", "layer"], "seed": [7]}
    networks = xr.DataArray(values, labels, ("damage", "seed", "parameter"))
    files.write(tmp_path / "line.nc", ss.mixture([-1.0, 1.0], variance=0.25), networks, SHAPE)
    parts = [tmp_path / f"{part}.nc" for part in range(2)]
    for part, path in enumerate(parts):
        tables.write_diagnosis(tmp_path / "line.nc", path, part, 2, {"title": "part"}, **SETTINGS)
    tables.write_diagnosis(tmp_path / "line.nc", tmp_path / "whole.nc", **SETTINGS)
    tables.join_diagnoses(parts, tmp_path / "joined.nc", {"title": "joined"})
    whole, joined = (store.open_file(tmp_path / f"{name}.nc").load() for name in ("whole", "joined"))
    assert joined.damage.values.tolist() == ["none", "one-level", "layer"]
    assert joined.attrs["features"] == 1
    for name in whole.variables:
        np.testing.assert_array_equal(joined[name].transpose(*whole[name].dims), whole[name], err_msg=str(name))


def test_tables_and_figures_are_written(tmp_path: Path) -> None:
    names = ["plane", "line"]
    diagnoses, courses = ({name: tmp_path / f"{name}{kind}.nc" for name in names} for kind in ("", "-training"))
    for features, name in enumerate(names[::-1], 1):
        store.write(planted(4, features), diagnoses[name])
        course = planted(3, features, ("none",), training_step=[10, 20, 40]).isel(damage=0, drop=True)
        store.write(course, courses[name])
    written = tables.write_tables(diagnoses, courses, tmp_path / "made", {"title": "tables"}, "0f" * 8)
    assert [path.name for path in written] == table_files(names)
    assert sorted(path.name for path in written) == sorted(
        path.name for path in (tmp_path / "made").iterdir() if path.suffix in (".nc", ".md", ".png", ".html")
    )
    assert "| rotation |" in (tmp_path / "made" / "symptoms.md").read_text()
    assert store.open_file(tmp_path / "made" / "symptoms.nc").truth.values.tolist() == names
