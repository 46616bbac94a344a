"""Diffusion times in the terms of schedules: closed forms, statuses beside every NaN, and misreadings that are refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.accessor import conversions
from scoreshock.conventions import Status, TimeStatus
from scoreshock.quantities import declaration

TAU = xr.DataArray([0.125, 0.5, 2.0], dims="n", name="tau")
"""Of noise levels 1/2, 1, 2."""


def test_closed_forms_of_each_convention() -> None:
    data = TAU.to_dataset()
    np.testing.assert_allclose(data.scoreshock.sigma(), [0.5, 1.0, 2.0], rtol=1e-15)
    np.testing.assert_allclose(data.scoreshock.log_snr(), -2 * np.log([0.5, 1.0, 2.0]), rtol=1e-15, atol=1e-15)
    preserved = data.scoreshock.alpha_bar("tau", {"vp": "vp-constant", "ve": "ve"})
    np.testing.assert_allclose(preserved.sel(schedule="vp"), 1 / (1 + 2 * TAU), rtol=1e-14)  # (80)
    np.testing.assert_array_equal(preserved.sel(schedule="ve"), 1.0)
    np.testing.assert_allclose(data.scoreshock.t("tau", "edm").squeeze(), [0.5, 1.0, 2.0], rtol=1e-15)  # EDM's t is sigma
    flow = data.scoreshock.t("tau", "flow-matching").squeeze()
    np.testing.assert_allclose(flow / (1 - flow), [0.5, 1.0, 2.0], rtol=1e-14)  # x_t = (1 - t) x0 + t z
    steps = data.scoreshock.step("tau", ss.schedule("ve", t_end=2.0, steps=4)).squeeze()
    np.testing.assert_allclose(steps, [3.75, 3.0, 0.0], rtol=1e-14)  # at t = tau from 2 in four moves of 1/2


def test_results_agree_with_those_that_the_quantity_stored(stored: xr.Dataset) -> None:
    for name, method in {"time": "t", "alpha_bar": "alpha_bar", "sampling_step": "step"}.items():
        converted = getattr(stored.scoreshock, method)("tau_star")
        np.testing.assert_array_equal(converted, stored[name])
        assert converted.dims == stored[name].dims
        np.testing.assert_array_equal(converted[f"{method}_status"], stored.time_status)
    np.testing.assert_array_equal(stored.scoreshock.sigma("tau_star"), stored.sigma)


def test_every_nan_has_a_status(stored: xr.Dataset) -> None:
    for name in ("tau_star", "tau_root", "cascade"):
        for method in ("sigma", "log_snr", "alpha_bar", "t", "step"):
            converted = getattr(stored.scoreshock, method)(name)
            flags = [converted[flag] for flag in converted.attrs["ancillary_variables"].split()]
            reasons = sum(abs(flag) for flag in flags)
            assert bool(((reasons != Status.ok) | converted.notnull()).all()), (name, method)
            assert converted.name == method
            assert {"long_name", "units", "description"} <= set(converted.attrs)
    edm = stored.scoreshock.t("tau_star", "edm")
    assert edm.t_status.dtype == np.int8
    assert TimeStatus.no_tau in edm.t_status
    assert TimeStatus.before_start in edm.t_status


def test_a_conversion_becomes_a_variable_of_the_dataset_and_can_be_masked(stored: xr.Dataset) -> None:
    sigma = stored.scoreshock.sigma("tau_star")
    joined = stored.assign(level=sigma, t=stored.scoreshock.t("tau_star"))
    assert {"level", "t"} <= set(joined.data_vars)
    assert "tau_star_status" in joined.coords
    xr.testing.assert_equal(sigma.scoreshock.valid(), sigma)
    assert "no_transition" in sigma.scoreshock.explain()


def test_the_selected_schedule_is_that_of_the_conversion(stored: xr.Dataset) -> None:
    one = stored.sel(schedule="fine")
    converted = one.scoreshock.t("tau_star")
    assert "schedule" not in converted.dims
    assert converted.schedule == "fine"
    np.testing.assert_array_equal(converted, one.time)
    assert stored.sel(schedule=["fine"]).scoreshock.t("tau_star").sizes["schedule"] == 1
    assert list(stored.scoreshock.t("tau_star", ["ve", "edm"]).schedule.values) == ["ve", "edm"]


def test_times_that_have_a_schedule_are_placed_in_their_own() -> None:
    tau = xr.DataArray([[0.5], [2.0]], {"schedule": ["a", "b"]}, dims=("schedule", "n"), name="tau")
    schedules = {"b": "edm", "a": "ve"}
    found = tau.scoreshock.t(schedules)
    assert found.dims == ("n", "schedule")
    np.testing.assert_allclose(found, [[0.5, 2.0]])  # t = tau of ve, sigma of EDM
    with pytest.raises(ValueError, match="schedules: b of the dimension schedule is missing"):
        tau.scoreshock.t({"a": "ve"})


def test_lazy_times_stay_lazy_with_the_same_numbers(stored: xr.Dataset) -> None:
    lazy = stored.chunk()
    for method in ("sigma", "t"):
        converted = getattr(lazy.scoreshock, method)("tau_star")
        assert converted.chunks
        xr.testing.assert_identical(converted.compute(), getattr(stored.scoreshock, method)("tau_star"))


@pytest.mark.parametrize("name", ["tau_scaled", "variance", "status", "tau_str", 3, None, "time"])
def test_what_is_no_diffusion_time_is_refused_by_name(stored: xr.Dataset, name: object) -> None:
    scaled = stored.assign_coords(tau_scaled=("n", [1.0]))
    with pytest.raises(
        ValueError, match=r"^tau = .* is not allowed.*; allowed: tau_star, cascade, tau_root, tau_event"
    ) as caught:
        scaled.scoreshock.sigma(name)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["variance", "status", "sigma"])
def test_an_array_that_is_no_diffusion_time_is_refused(stored: xr.Dataset, name: str) -> None:
    with pytest.raises(ValueError, match=f"array = '{name}' is not one of diffusion times"):
        stored[name].scoreshock.sigma()


def test_schedules_are_needed_where_the_data_do_not_define_them() -> None:
    for data in (TAU.to_dataset(), TAU):
        with pytest.raises(ValueError, match=r"^schedules: missing, and the data hold no definitions"):
            data.scoreshock.t()
    named = ss.speciation(ss.families.pair(separation=2.0), "edm")
    with pytest.raises(ValueError, match=r"only the names of schedules, .*; allowed: schedules='edm' for the default"):
        named.scoreshock.step("tau_star")
    with pytest.raises(ValueError, match=r"schedules = \[\] is not allowed"):
        TAU.scoreshock.t([])


@pytest.mark.slow
def test_every_declared_time_is_known_and_nothing_else() -> None:
    declaration.import_all()
    for quantity in declaration.DECLARED.values():
        for variable in quantity.variables:
            array = xr.DataArray(np.zeros(1, variable.dtype), dims="n", name=variable.name, attrs=variable.attributes())
            words = variable.long_name
            times = (
                "diffusion time",
                "speciation time",
                "leading-order speciation time",
                "roots of the exact",
                "exact speciation",
            )
            errors = "minus" in words or "units of" in words or "error" in words
            expected = words.startswith(times) and not errors and variable.flags is None
            assert conversions.is_diffusion_time(array) == expected, (variable.name, words)
