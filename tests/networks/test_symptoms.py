"""Symptoms find what is planted, with intervals of closed form; what is not defined has a status."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr
from scipy.stats import mannwhitneyu

from scoreshock.conventions import Status
from scoreshock.networks.symptoms import SYMPTOMS, as_markdown, symptom_table, values_of

from .diagnoses import planted

FOUND_BY = {"layer": {"layer", "boundary"}, "rotation": {"curl", "no effect"}, "memorising": {"memory"}, "none": set()}
"""Symptoms that are planted in each damage."""


@pytest.fixture(scope="module")
def table() -> xr.Dataset:
    return symptom_table({"plane": planted()})


def test_each_planted_symptom_finds_its_damage_and_no_other(table: xr.Dataset) -> None:
    rate = table.detection_rate.sel(truth="plane")
    for damage, names in FOUND_BY.items():
        for symptom in SYMPTOMS:
            found = float(rate.sel(damage=damage, symptom=symptom))
            assert found == 1 if symptom in names else found <= 0.3, (damage, symptom)
    assert table.tested.values.tolist() == [20]
    assert (table.symptom_status == Status.ok).all()


def test_intervals_are_those_of_clopper_and_pearson(table: xr.Dataset) -> None:
    end = 0.025 ** (1 / 20)  # of twenty of twenty the lower end p solves p^20 = 0.025
    every = table.sel(truth="plane", damage="layer", symptom="layer")
    none = table.sel(truth="plane", damage="none", symptom="layer")
    assert (float(every.detection_low), float(every.detection_high)) == (pytest.approx(end), 1.0)
    assert (float(none.detection_low), float(none.detection_high)) == (0.0, pytest.approx(1 - end))


def test_no_network_sets_the_threshold_that_it_is_held_against() -> None:
    found, place = planted(), list(SYMPTOMS).index("error")
    found["score_error_relative"][0, 4] *= 5  # one good network, beyond all others
    table = symptom_table({"plane": found}).sel(truth="plane", symptom="error")
    assert float(table.detection_rate.sel(damage="none")) == 1 / 20
    good = values_of(found)[0, :, place]
    assert float(table.symptom_threshold) == 2 * good.max() - np.median(good)
    found["score_error_relative"][1, :5] *= 3  # damaged ones of five seeds: only the fifth is above the others' threshold
    table = symptom_table({"plane": found}).sel(truth="plane", symptom="error")
    assert float(table.detection_rate.sel(damage="layer")) == 1 / 20


@pytest.mark.parametrize(("error", "rate"), [(0.05, 0.0), (0.005, 1.0)])
def test_weights_are_changed_where_sampling_does_not_explain_it(error: float, rate: float) -> None:
    found = planted()
    found["mode_weight_change"][:] = 0.0
    found["mode_weight_change_error"][:] = 0.0  # no sample is elsewhere: the change is 0 for sure
    found["mode_weight_change"].loc[{"damage": "layer"}] = 0.04 * np.array([1.0, -1.0])
    found["mode_weight_change_error"].loc[{"damage": "layer"}] = error
    found["mode_weight_change_error"].loc[{"damage": "none"}] = 0.01
    found["mode_weight_change"].loc[{"damage": "none", "seed": slice(0, 9)}] = 0.01 * np.array([1.0, -1.0])
    table = symptom_table({"plane": found}).sel(truth="plane", symptom="weights")
    assert float(table.symptom_median.sel(damage="layer")) == pytest.approx(0.04 / error)
    assert float(table.symptom_median.sel(damage="rotation")) == 0
    assert float(table.detection_rate.sel(damage="layer")) == rate


def test_exceedance_is_the_statistic_of_mann_and_whitney(table: xr.Dataset) -> None:
    values = values_of(planted())
    for number, damage in enumerate(table.damage.values):
        for place, symptom in enumerate(SYMPTOMS):
            u = mannwhitneyu(values[number, :, place], values[0, :, place]).statistic / values.shape[1] ** 2
            assert float(table.exceedance.sel(truth="plane", damage=damage, symptom=symptom)) == pytest.approx(u)


def test_what_is_not_defined_has_a_status() -> None:
    line = planted(features=1, damages=("none", "layer"))
    table = symptom_table({"plane": planted(), "line": line, "few": planted(2)})
    status = table.symptom_status
    assert (status.sel(truth="line", symptom=["curl", "no effect"]) == Status.not_applicable).all()
    assert (status.sel(truth="line", damage="rotation") == Status.not_applicable).all()
    assert (status.sel(truth="line", damage="layer", symptom=["error", "layer"]) == Status.ok).all()
    assert (status.sel(truth="few") == Status.not_applicable).all()
    for name in table.data_vars:
        flag = table[name].attrs.get("ancillary_variables", "")
        assert not (table[name].isnull() & (table[flag] == Status.ok)).any() if flag else table[name].notnull().all()
    text = as_markdown(table)
    (row,) = re.findall(r"\n(\| layer \|.*)", text.split("## line")[1].split("##")[0])
    cells = [cell.strip() for cell in row.strip("| ").split("|")[1:]]
    assert dict(zip(SYMPTOMS, cells, strict=True)) | {"layer": "1.00 (0.83–1.00)", "curl": "–", "no effect": "–"} == dict(
        zip(SYMPTOMS, cells, strict=True)
    )
    assert "Fewer than three good networks: no rates." in text.split("## few")[1]


def test_the_last_step_of_training_counts() -> None:
    found = planted(6, training_step=[10, 20])
    last = symptom_table({"plane": found.isel(training_step=1, drop=True)})
    xr.testing.assert_identical(symptom_table({"plane": found}), last)
