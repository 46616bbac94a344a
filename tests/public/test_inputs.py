"""What a session passes: a number or an array where a DataArray is, and schedules in all the forms that they have."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss

from .test_arguments import FUNCTIONS, LINE, arguments_of

POINT = {"denoiser", "denoiser_covariance", "log_density", "responsibilities", "score", "score_jacobian", "power_cell"}
"""Functions of points, which of one feature are numbers."""

NUMBERS: dict[str, dict[str, list[float]]] = {
    **{name: {"x": [0.3, 0.7], "tau": [0.5, 0.25]} for name in sorted({*POINT, "caustic_norm", "decomposition"})},
    **{name: {"tau": [0.5, 0.25]} for name in ("layer", "facets", "triple_point", "mode_count", "mean_jacobian", "regions")},
    **{name: {"tau": [0.5, 0.25]} for name in ("class_decisions", "clock_rates", "well_boundary")},
    "amplification": {"tau_min": [0.1, 0.2]},
    "boundary_amplification": {"tau_min": [0.0, 0.1], "tau": [0.05, 0.1]},
    "burgers_residual": {"x": [2.0], "tau": [0.5, 0.25], "coefficient": [1.0, 2.0], "length": [0.5, 1.0]},
    "centre_growth": {"tau_min": [0.1, 0.2], "tau_start": [1.0, 2.0], "bias": [0.1, 0.2]},
    "clocks": {"sigma_min": [0.1, 0.2], "sigma_max": [10.0, 20.0]},
    "collapse": {"training_samples": [100.0, 1000.0]},
    "divergence_bound": {"tau_min": [0.0, 0.1], "tau_max": [1.0, 2.0], "bias": [0.1, 0.2], "kl_start": [0.0, 0.1]},
    "gaussian_divergence": {
        "variance": [1.0, 2.0],
        "variance_model": [1.0, 0.5],
        "shift": [0.0, 1.0],
        "dimension": [1.0, 2.0],
    },
    "guidance_interval": {"sigma_low": [0.5, 0.25], "sigma_high": [3.0, 4.0]},
    "rankine_hugoniot": {"tau": [0.5, 0.25]},
    "riccati": {"tau": [0.5, 0.25], "elapsed": [0.1, 0.2]},
    "schedule_time": {"tau_star": [0.5, 0.25]},
    "vorticity": {"tau": [0.5, 0.25]},
    "well_fields": {"x": [0.3, 0.7], "tau": [0.5, 0.25]},
}
"""Arguments of numbers, and values of each."""

PLACES = [(name, argument) for name, arguments in NUMBERS.items() for argument in arguments]


def result(name: str, argument: str, value: Any) -> xr.Dataset:
    found = FUNCTIONS[name](**{**arguments_of(name), argument: value})
    return found.to_dataset(name="value") if isinstance(found, xr.DataArray) else found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "argument"), PLACES)
def test_a_number_and_an_array_are_the_labelled_array_of_the_same_numbers(name: str, argument: str) -> None:
    values = NUMBERS[name][argument]
    one = result(name, argument, values[0])
    labelled = (
        xr.DataArray(values[0]).expand_dims(feature=1)
        if argument == "x" and name != "well_fields"
        else xr.DataArray(values[0])
    )
    xr.testing.assert_equal(one.drop_vars(one.coords), (two := result(name, argument, labelled)).drop_vars(two.coords))
    for scalar in (
        np.float64(values[0]),
        np.array(values[0]),
        int(values[0]) if values[0] % 1 == 0 else values[0],
    ):
        xr.testing.assert_equal(result(name, argument, scalar), one)
    if len(values) == 1:
        return
    several = result(name, argument, values)
    xr.testing.assert_identical(result(name, argument, np.array(values)), several)
    (axis,) = set(several.coords) - set(one.coords)
    assert several[axis].values.tolist() == values
    assert several[axis].attrs["long_name"]
    for index, value in enumerate(values):
        alone = result(name, argument, value)
        chosen = several.isel({axis: index}, drop=True)
        for variable in alone.data_vars:
            np.testing.assert_array_equal(
                chosen[variable].transpose(*alone[variable].dims), alone[variable], err_msg=variable
            )


def test_a_number_is_a_point_of_one_feature_only() -> None:
    score = ss.score(ss.mixture([-1.0, 1.0], variance=0.5), x=0.0, tau=0.5)
    assert score.sizes == {"feature": 1}
    assert float(score.squeeze()) == 0.0  # the midpoint of an equal pair
    with pytest.raises(ValueError, match=r"x: shape \(\); allowed: \(2,\) or \(points, 2\)$"):
        ss.score(LINE, x=0.0)


def test_a_profile_takes_numbers_as_a_study_does() -> None:
    pair = ss.families.pair(separation=1.0, variance=0.25)
    grids = {"x": {"values": [0.0, 0.5]}, "tau": {"values": [0.1]}}
    for x, tau in (([0.0, 0.5], 0.1), (np.array([0.0, 0.5]), [0.1])):
        xr.testing.assert_identical(ss.scores(pair, x, tau), ss.scores(pair, **grids))


def test_a_vector_is_not_taken_for_several_numbers() -> None:
    with pytest.raises(ValueError, match=r"start_mean has shape \(2,\); allowed: a number, or a DataArray"):
        ss.guided_generation(LINE, 1, start_mean=[0.0, 1.0], samples=4)
    bias = ss.trajectories(LINE, [0.1, 0.2], [1.0, 0.5], bias=[0.1, 0.0])
    assert "bias" not in bias.dims


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A schedule in a file."""
    path = tmp_path / "mine.csv"
    path.write_text("sigma_n\n0.01\n0.1\n1\n10\n80\n")
    return path


TAKING = [name for name, function in FUNCTIONS.items() if "schedules" in inspect.signature(function).parameters]


def test_every_function_with_schedules_is_tested() -> None:
    assert {"speciation", "schedule_time", "when", "clocks", "collapse", "decision_windows", "well_speciation"} <= set(
        TAKING
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", TAKING)
def test_schedules_are_taken_in_every_form(name: str, file: Path) -> None:
    made = ss.schedule("edm")
    forms: list[tuple[Any, list[str]]] = [
        ("edm", ["edm"]),
        (made, ["edm"]),
        ({"kind": "edm"}, ["edm"]),
        (str(file), ["table"]),
        (file, ["table"]),
        (["edm", {"kind": "ve"}, file], ["edm", "ve", "table"]),
        ((made, "ve"), ["edm", "ve"]),
        ({"a": "edm", "b": made, "c": {"kind": "edm"}, "d": str(file)}, ["a", "b", "c", "d"]),
    ]
    taken = {index: result(name, "schedules", form) for index, (form, _) in enumerate(forms)}
    for index, (_, labels) in enumerate(forms):
        assert taken[index].schedule.values.tolist() == labels
    several = taken[len(forms) - 1]
    for label in ("b", "c"):
        drop = {"drop": True}
        xr.testing.assert_identical(several.sel(schedule=label, **drop), several.sel(schedule="a", **drop))


@pytest.mark.slow
@pytest.mark.parametrize("name", TAKING)
@pytest.mark.parametrize(
    "wrong", ["edn", 3, object(), ["edm", "edm"], {"a": 3}, {"kind": "edn"}, [None], "nowhere.csv"], ids=str
)
def test_wrong_schedules_are_refused_in_one_sentence(name: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"schedule|kind|file") as caught:
        result(name, "schedules", wrong)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300
    assert "allowed" in str(caught.value) or "does not exist" in str(caught.value)
