"""``data.scoreshock``: where it exists, what its card says, and tables for pandas."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.accessor import card
from scoreshock.conventions import Status

METHODS = {"alpha_bar", "explain", "log_snr", "recompute", "sigma", "step", "t", "to_tidy", "valid"}


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import xarray, scoreshock",
        "import scoreshock, xarray",
        "import scoreshock as ss; ss.mixture",
        "import importlib.util, scoreshock; importlib.util.find_spec('xarray'); import xarray",
    ],
)
def test_the_accessor_is_there_whatever_is_imported_first(imports: str) -> None:
    made = "import sys; print(hasattr(sys.modules['xarray'].Dataset, 'scoreshock'), sys.meta_path)"
    printed = python(f"{imports}; {made}")
    assert printed.startswith("True ")
    assert "AfterXarray" not in printed


@pytest.mark.slow
def test_importing_the_package_imports_no_xarray() -> None:
    assert python("import sys, scoreshock; print('xarray' in sys.modules)") == "False\n"


@pytest.mark.slow
def test_registering_imports_no_quantity() -> None:
    loaded = python("import scoreshock, sys, xarray; print(*(n for n in sys.modules if n.startswith('scoreshock.')))")
    assert loaded.split() == ["scoreshock.accessor"]


def test_editors_complete_the_methods(stored: xr.Dataset) -> None:
    assert {name for name in dir(stored.scoreshock) if name[0] != "_"} == METHODS
    assert {name for name in dir(stored.tau_star.scoreshock) if name[0] != "_"} == METHODS - {"recompute", "to_tidy"}


class _Text(HTMLParser):
    """Tags of a page, which are closed in order, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open[-1:] != ["style"] else ""


def test_the_card_says_what_the_dataset_is(stored: xr.Dataset) -> None:
    text = repr(stored.scoreshock)
    counts = {member.name: int((stored.status == member).sum()) for member in Status}
    for said in (
        "speciation of the sweep line (family pair)",
        "separation: 0.0, 1.0, 2.0 (3)",
        "fine: vp-linear",
        f"status: {counts['ok']} ok, {counts['no_transition']} no_transition",
        "this version of the code",
    ):
        assert said in text
    page = _Text()
    page.feed(stored.scoreshock._repr_html_())
    assert not page.open
    for key in ("axes", "variables", "schedules", "status"):
        assert key in page.text
    assert "--xr-font-color0" in stored.scoreshock._repr_html_()


@pytest.mark.slow
def test_the_card_of_opened_results_says_how_to_open_them_again(opened: xr.Dataset) -> None:
    command = re.search(r"ss\.open_results\(.*\)", repr(opened.scoreshock))
    assert command is not None
    xr.testing.assert_identical(eval(command[0], {"ss": ss}), opened)
    assert next(iter(opened.attrs)) == "title"
    assert list(opened.attrs)[1] == "summary"


def test_texts_of_a_study_are_no_html(stored: xr.Dataset) -> None:
    text = stored.assign_attrs(title="<script>x</script>", comment="a & b")
    page = text.scoreshock._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "a &amp; b" in page


def test_any_data_have_a_card(stored: xr.Dataset) -> None:
    for data in (xr.Dataset(), xr.Dataset({"a": 1.0}), xr.Dataset({"a": ("n", [1.0])}), stored.tau_star, stored.status):
        assert repr(data.scoreshock)
        assert data.scoreshock._repr_html_()
    assert "speciation time by criterion" in repr(stored.tau_star.scoreshock)


def test_many_flags_are_not_read_for_the_card(stored: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "COUNTED", 10)
    assert "not counted here" in repr(stored.scoreshock)


def test_warnings_stand_first(stored: xr.Dataset) -> None:
    lines = repr(stored.assign_attrs(scoreshock_warnings="a block is missing").scoreshock).splitlines()
    assert lines[1].split(maxsplit=1) == ["warning", "a block is missing"]
    many = repr(stored.assign_attrs(scoreshock_warnings="\n".join(map(str, range(9)))).scoreshock)
    assert "... and 6 more" in many


@pytest.mark.slow
def test_a_tree_lists_its_results(folder: Path) -> None:
    tree = ss.open_results(folder)
    text = repr(tree.scoreshock)
    assert "line/speciation" in text
    assert "separation 3 x variance 2" in text
    assert "line/speciation" in tree.scoreshock._repr_html_()
    masked = tree.scoreshock.valid()
    xr.testing.assert_identical(masked["line/speciation"].to_dataset(), ss.valid(tree["line/speciation"].to_dataset()))
    assert tree.scoreshock.explain().startswith("/line/speciation\n  status\n")


def test_a_table_has_a_row_for_each_point_with_statuses_as_words(stored: xr.Dataset) -> None:
    table = stored.scoreshock.to_tidy()
    dims = ["separation", "variance", "criterion", "schedule"]
    assert list(table.columns[:4]) == dims
    assert len(table) == stored.time.size
    assert not table.duplicated(dims).any()
    for name in ("tau_star", "time", "sampling_step"):
        np.testing.assert_array_equal(table[name], stored[name].broadcast_like(stored.time).stack(row=dims))
    words = [Status(value).name for value in stored.status.broadcast_like(stored.time).stack(row=dims).values]
    assert table.status.tolist() == words
    assert table.attrs["title"] == stored.title
    assert table.attrs["variables"]["tau_star"]["long_name"] == stored.tau_star.long_name
    assert table.attrs["variables"]["status"]["flag_values"] == [member.value for member in Status]
    assert not set(table.attrs["left_out"]) & set(table.columns)
    assert {*table.attrs["left_out"], *table.columns} >= set(stored.data_vars)
    pd.concat([table, table])  # compares attributes


def test_a_table_of_named_variables_has_their_points_and_flags(stored: xr.Dataset) -> None:
    table = stored.scoreshock.to_tidy("time")
    assert list(table.columns) == ["separation", "variance", "criterion", "schedule", "time", "time_status"]
    assert set(table.time_status) <= {"ok", "before_start", "beyond_end", "no_tau"}
    assert table.time[table.time_status != "ok"].isna().all()
    lone = stored.isel(separation=1, variance=0, criterion=0).scoreshock.to_tidy("tau_star")
    assert len(lone) == 1
    assert lone.tau_star[0] == 0.25
    assert lone.separation[0] == 1.0
    unlabelled = xr.Dataset({"a": ("n", [1.0, 2.0])}).scoreshock.to_tidy()
    assert unlabelled.to_dict("list") == {"n": [0, 1], "a": [1.0, 2.0]}


@pytest.mark.parametrize("wrong", ["tau_sta", 3])
def test_a_table_of_no_variable_is_refused(stored: xr.Dataset, wrong: object) -> None:
    with pytest.raises(ValueError, match=r"^names: .* is not a variable.*; allowed: tau_star, status"):
        stored.scoreshock.to_tidy(wrong)
    with pytest.raises(ValueError, match="the dataset has no variable"):
        xr.Dataset().scoreshock.to_tidy()
