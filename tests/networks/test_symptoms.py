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
    assert table.tested.values.tolist() == [10]
    assert (table.symptom_status == Status.ok).all()


def test_intervals_are_those_of_clopper_and_pearson(table: xr.Dataset) -> None:
    end = 0.025**0.1  # of ten of ten the lower end p solves p^10 = 0.025
    every = table.sel(truth="plane", damage="layer", symptom="layer")
    none = table.sel(truth="plane", damage="none", symptom="layer")
    assert (float(every.detection_low), float(every.detection_high)) == (pytest.approx(end), 1.0)
    assert (float(none.detection_low), float(none.detection_high)) == (0.0, pytest.approx(1 - end))


def test_tested_networks_do_not_set_the_threshold() -> None:
    found = planted()
    other = found.copy(deep=True)
    other["score_error_relative"][:, 1::2] *= 5
    one, two = (symptom_table({"plane": each}) for each in (found, other))
    xr.testing.assert_identical(one.symptom_threshold, two.symptom_threshold)
    assert float(two.detection_rate.sel(truth="plane", damage="none", symptom="error")) == 1.0
    known = values_of(found)[0, ::2, list(SYMPTOMS).index("error")]
    assert float(one.symptom_threshold.sel(truth="plane", symptom="error")) == 2 * known.max() - np.median(known)


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
    assert dict(zip(SYMPTOMS, cells, strict=True)) | {"layer": "1.00 (0.69–1.00)", "curl": "–", "no effect": "–"} == dict(
        zip(SYMPTOMS, cells, strict=True)
    )
    assert "Fewer than three good networks: no rates." in text.split("## few")[1]


def test_the_last_step_of_training_counts() -> None:
    found = planted(6, training_step=[10, 20])
    last = symptom_table({"plane": found.isel(training_step=1, drop=True)})
    xr.testing.assert_identical(symptom_table({"plane": found}), last)
