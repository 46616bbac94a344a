"""Dimensions of a file of mixtures are axes of its sweeps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.densities.families import build
from scoreshock.study.errors import StudyError
from scoreshock.study.study import Study

from .. import runs

MEANS = np.array([[[-1.0, 0.0], [1.0, 0.0]], [[-2.0, 0.0], [2.0, 0.0]], [[-1.0, -1.0], [1.0, 1.0]]])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mixtures.nc"
    xr.Dataset(
        {
            "component_mean": (("angle", "component", "feature"), MEANS),
            "component_weight": (("guidance", "component"), [[0.5, 0.5], [0.25, 0.75]]),
            "component_variance": ("angle", [0.1, 0.2, 0.3]),
        },
        {
            "angle": (
                "angle",
                np.array([0.0, 0.1, 0.2], dtype=np.float32),
                {"long_name": "angle of the pair", "units": "degree"},
            ),
            "guidance": ("guidance", [1, 3]),
        },
    ).to_netcdf(path, engine="netcdf4")
    return path


def study(file: Path, output: Path | str = "results", **changes: Any) -> Study:
    sweep = {"family": "custom", "axes": {}, "parameters": {"file": str(file)}, "quantities": ["speciation"]}
    return ss.load_study({"output": str(output), "sweeps": {"line": sweep | changes}})


def test_all_values_are_taken_by_default_in_the_order_of_the_file(file: Path) -> None:
    result = ss.evaluate(study(file).sweeps["line"], "speciation")
    assert list(result.tau_star.sizes.items())[:2] == [("angle", 3), ("guidance", 2)]
    assert result.angle.values.tolist() == [0.0, 0.1, 0.2]  # as written, in single precision in the file
    assert result.angle.attrs == {"long_name": "angle of the pair", "units": "degree"}
    assert result.guidance.attrs["long_name"] == "guidance"
    alone = ss.speciation(ss.mixture(MEANS[1], [0.25, 0.75], 0.2))
    one = result.sel(angle=0.1, guidance=3)
    np.testing.assert_array_equal(one.tau_star, alone.tau_star)


def test_axes_choose_values_and_combine_with_those_of_the_family(file: Path) -> None:
    axes = {"separation": [1.0, 2.0], "angle": [0.2, 0.1], "guidance": 3}
    result = ss.evaluate(study(file, axes=axes).sweeps["line"], "speciation")
    assert dict(result.tau_star.sizes) == {"separation": 2, "angle": 2, "guidance": 1, "criterion": 7}
    alone = ss.speciation(ss.mixture(2 * MEANS[2], [0.25, 0.75], 0.3))
    np.testing.assert_array_equal(result.tau_star.sel(separation=2.0, angle=0.2).squeeze(), alone.tau_star)


@pytest.mark.slow
def test_a_file_axis_is_split_stored_joined_and_drawn(file: Path, tmp_path: Path) -> None:
    made = study(file, tmp_path / "results", axes={"angle": [0.0, 0.2]}, split=["angle"])
    assert [Path(each).stem for each in made.sweeps["line"].planned("speciation").files] == ["angle=0.0", "angle=0.2"]
    runs.run(made, "plan", "compute", "join", "compare", "draw")
    result = ss.open_results(tmp_path / "results", "line", "speciation")
    assert result.angle.attrs["units"] == "degree"
    whole = ss.evaluate(made.sweeps["line"], "speciation").load()
    np.testing.assert_array_equal(result.tau_star.transpose(*whole.tau_star.dims), whole.tau_star)
    assert (tmp_path / "results" / "line.html").is_file()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"axes": {"angle": [0.0, 0.15]}}, "axes.angle[1]: 0.15 is not allowed; allowed: values of the file: 0.0, 0.1, 0.2"),
        ({"axes": {"angel": [0.0]}}, "axes.angel: unknown key (did you mean 'angle'?)"),
        ({"axes": {"angle": {"start": 0.0, "stop": 0.2, "num": 5}}}, "0.05 is not allowed; allowed: values of the file"),
        ({"family": "pair", "axes": {"separation": 1.0, "angle": 0.0}, "parameters": {}}, "axes.angle: unknown key"),
        ({"parameters": {"file": "nowhere.nc"}}, "file nowhere.nc does not exist"),
    ],
)
def test_other_values_and_names_are_refused(file: Path, changes: dict[str, Any], line: str) -> None:
    with pytest.raises(StudyError, match=re.escape(line)):
        study(file, **changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ds: ds.rename(angle="tau"), "has the dimension 'tau'; allowed: a name"),
        (lambda ds: ds.drop_vars("guidance"), "has the dimension 'guidance' without a coordinate of numbers"),
        (lambda ds: ds.assign_coords(angle=["a", "b", "c"]), "has the dimension 'angle' without a coordinate of numbers"),
        (lambda ds: ds.assign_coords(angle=[0.0, 0.0, 1.0]), "has the coordinate 'angle' with a value more than once"),
    ],
)
def test_dimensions_need_a_name_and_a_coordinate(file: Path, tmp_path: Path, change: Any, message: str) -> None:
    with xr.open_dataset(file, engine="netcdf4") as whole:
        change(whole.load()).to_netcdf(tmp_path / "other.nc", engine="netcdf4")
    with pytest.raises(ValueError, match=message):
        build("custom", {}, {"file": str(tmp_path / "other.nc")})


def test_wide_means_are_reduced_one_by_one(tmp_path: Path) -> None:
    wide = np.random.default_rng(0).normal(size=(3, 2, 7))
    values = {"component_mean": (("angle", "component", "feature"), wide)}
    xr.Dataset(values, {"angle": [1, 2, 3]}).to_netcdf(tmp_path / "wide.nc", engine="netcdf4")
    result = ss.families.custom(file=str(tmp_path / "wide.nc"))
    for number, means in enumerate(wide):
        alone = ss.families.custom(means=means)
        xr.testing.assert_equal(result.isel(angle=number, drop=True), alone)
