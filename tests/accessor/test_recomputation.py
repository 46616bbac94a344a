"""One point again: the same bits from the stored content, changed values and other code noticed, misreadings refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.storage import provenance
from scoreshock.study.study import Study


def test_a_point_is_recomputed_bit_by_bit(stored: xr.Dataset) -> None:
    again = stored.scoreshock.recompute(separation=2.0, variance=1.5)
    assert again.differing == ""
    assert "scoreshock_warnings" not in again.attrs
    point = stored.sel(separation=2.0, variance=1.5)
    for name in stored.data_vars:
        np.testing.assert_array_equal(again[name], point[name])
        np.testing.assert_array_equal(again[f"{name}_recomputed"], point[name])
    assert float(again.tau_star.sel(criterion="leading")) == (4.0 - 1.5) / 2  # (77)
    assert not again.tau_star_difference.any()
    assert "status_difference" not in again
    assert again.tau_star_recomputed.attrs["ancillary_variables"] == "status_recomputed"


@pytest.mark.slow
def test_opened_results_are_recomputed(opened: xr.Dataset) -> None:
    assert opened.chunks
    assert opened.scoreshock.recompute(separation=1.0, variance=0.5).differing == ""


def test_a_changed_value_is_noticed(stored: xr.Dataset) -> None:
    spoilt = stored.assign(tau_star=stored.tau_star.where(stored.tau_star != 0.25, 0.3))
    again = spoilt.scoreshock.recompute(separation=1.0, variance=0.5)
    assert again.differing == "tau_star"
    assert float(again.tau_star_difference.sel(criterion="leading")) == pytest.approx(0.25 - 0.3, abs=1e-16)
    missing = stored.assign(tau_star=stored.tau_star.where(stored.tau_star != 0.25))
    again = missing.scoreshock.recompute(separation=1.0, variance=0.5)
    assert again.differing == "tau_star"
    assert np.isnan(again.tau_star_difference.sel(criterion="leading"))


def test_where_both_are_missing_the_difference_is_zero(stored: xr.Dataset) -> None:
    again = stored.scoreshock.recompute(separation=0.0, variance=0.5)
    assert np.isnan(again.tau_star).any()
    assert not again.tau_star_difference.any()


@pytest.mark.parametrize(
    ("select", "point", "dims"),
    [
        ({}, {"separation": 1, "variance": 0.5, "criterion": "exact", "schedule": "fine"}, ()),
        ({"separation": 1.0}, {"variance": 0.5}, ("criterion", "schedule")),
        ({"separation": [1.0], "variance": [0.5], "schedule": "edm"}, {}, ("criterion",)),
        ({"criterion": ["exact"]}, {"separation": 1.0 + 1e-15, "variance": 0.5}, ("criterion", "schedule")),
    ],
)
def test_selections_of_results_are_recomputed(
    stored: xr.Dataset, select: dict[str, Any], point: dict[str, Any], dims: tuple[str, ...]
) -> None:
    again = stored.sel(select).scoreshock.recompute(**point)
    assert again.differing == ""
    assert again.time.dims == dims


WRONG = {
    "no value": ({"separation": 1.0}, "variance: missing, and a point has one value on each axis; allowed: [0.5, 1.5]"),
    "another value": (
        {"separation": 1.1, "variance": 0.5},
        "separation = 1.1 is not a value of the axis; allowed: [0.0, 1.0",
    ),
    "text": ({"separation": "1.0", "variance": 0.5}, "separation = '1.0' is not a value of the axis"),
    "true": ({"separation": True, "variance": 0.5}, "separation = True is not a value of the axis"),
    "no axis": ({"seperation": 1.0}, "seperation: not an axis of these results; allowed: separation, variance, criterion"),
    "no criterion": ({"separation": 1.0, "variance": 0.5, "criterion": "x"}, "criterion = 'x' is not a value of the axis"),
}


@pytest.mark.parametrize(("point", "line"), WRONG.values(), ids=WRONG)
def test_what_is_no_point_is_refused_with_one_line(stored: xr.Dataset, point: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=r"allowed: ") as caught:
        stored.scoreshock.recompute(**point)
    assert str(caught.value).startswith(line)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("attributes", [{}, {"scoreshock_parameters": "{"}, {"scoreshock_parameters": "[1]"}])
def test_results_without_their_content_are_refused(stored: xr.Dataset, attributes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^the attribute scoreshock_parameters: missing"):
        stored.drop_attrs().assign_attrs(attributes).scoreshock.recompute(separation=1.0, variance=0.5)


def test_results_of_other_code_come_with_a_warning(stored: xr.Dataset) -> None:
    older = stored.assign_attrs(scoreshock_code_digest="0" * 64, source="scoreshock 0.0.1")
    with pytest.warns(UserWarning, match=r"another code version \(scoreshock 0\.0\.1\)") as caught:
        again = older.scoreshock.recompute(separation=1.0, variance=0.5)
    assert caught[0].filename == __file__
    assert again.attrs["scoreshock_warnings"] == str(caught[0].message)
    assert again.differing == ""


def test_a_changed_data_file_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "two.csv"
    file.write_text("x,label\n0,a\n1,a\n4,b\n6,b\n")
    sweep = {
        "family": "data",
        "axes": {"separation": [1.0]},
        "parameters": {"file": str(file)},
        "quantities": ["corrections"],
    }
    study = {"output": str(tmp_path / "out"), "sweeps": {"s": sweep}}
    content = Study.from_mapping(study).sweeps["s"].content("corrections")
    result = ss.evaluate(content, chunked=False).assign_attrs(
        provenance.attributes(json.loads(json.dumps(content)), "corrections")
    )
    assert result.scoreshock.recompute(separation=1.0).differing == ""
    file.write_text("x,label\n0,a\n1,a\n4,b\n7,b\n")
    with pytest.raises(ValueError, match="has changed: sha256"):
        result.scoreshock.recompute(separation=1.0)
