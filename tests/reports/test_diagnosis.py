"""The page of a diagnosis: its findings, tables and figures, in a browser on a laptop and on a telephone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss

from .. import browser

pytestmark = pytest.mark.slow

MEANS = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
SOURCE = "Three Gaussians & a score of other weights"


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    other = ss.mixture(MEANS, [0.5, 0.3, 0.2], variance=0.05)
    score = ss.learned_score(lambda x, tau: ss.score(other, x, tau[0]).values)
    return ss.diagnose(score, ss.mixture(MEANS, variance=0.04), sigma=8, samples=1000)


@pytest.fixture(scope="module")
def page(found: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ss.diagnosis_report(found, tmp_path_factory.mktemp("a folder") / "my report", SOURCE)


def test_it_says_the_findings_and_what_is_left_out(page: Path, found: xr.Dataset) -> None:
    text = page.read_text("utf-8")
    assert SOURCE.replace("&", "&amp;") in text
    for line in found.findings.splitlines():
        assert line.replace("'", "&#39;") in text
    assert "not_applicable: the quantity is not defined here" in text  # the reverse SDE in the plane


def test_tables_have_the_numbers_of_the_dataset(page: Path, found: xr.Dataset) -> None:
    text = page.read_text("utf-8")
    one = found.isel(component=0).sel(sampler="flow")
    assert f"{100 * float(one.predicted_mode_weight):+.2f} ± {100 * float(one.predicted_mode_weight_error):.2f} %" in text
    assert f"{float(one.kl_measured):.3g} ± {float(one.kl_measured_error):.1g}" in text
    rows = re.findall(r'data-label="share of KL">([\d.e-]+) %', text)
    np.testing.assert_allclose([float(row) for row in rows], 100 * found.kl_share.values[::-1], rtol=6e-3)


def test_the_data_are_beside_it(page: Path, found: xr.Dataset) -> None:
    with xr.open_dataset(page.parent / "diagnosis.nc", engine="netcdf4") as stored:
        xr.testing.assert_equal(stored.load(), found)
        assert stored.attrs["findings"] == found.findings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.drop_vars("layer_height"), "found = .* is not allowed; allowed: what ss.diagnose returns"),
        (lambda found: found.expand_dims(seed=[0, 1]), "found has seed; allowed: what ss.diagnose returns, one diagnosis"),
        (lambda _: 3, "found = 3 is not allowed; allowed: what ss.diagnose returns"),
    ],
)
def test_what_is_no_diagnosis_is_refused(change, message: str, found: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        ss.diagnosis_report(change(found), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_perfect_score_on_a_line_has_a_page(tmp_path: Path) -> None:
    one = ss.mixture([0.0])
    exact = ss.learned_score(lambda x, tau: ss.score(one, x, tau[0]).values)
    page = ss.diagnosis_report(ss.diagnose(exact, one, sigma=3, samples=50), tmp_path)
    assert "Weights of the modes are off by 0 with the flow" in page.read_text("utf-8")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    with browser.started(tmp_path_factory.mktemp("browser")) as started:
        yield started


@browser.needs_chromium
@pytest.mark.parametrize(("width", "theme"), [*product((browser.DESKTOP, browser.PHONE), browser.THEMES)])
def test_it_asks_for_its_folder_only_complains_of_nothing_and_fits(
    page: Path, chromium: browser.Browser, width: int, theme: str
) -> None:
    shown = chromium.open(page, width, theme)
    assert shown.requests
    assert shown.outside(page.parent) == []
    assert shown.console == []
    assert shown.width <= width
    assert shown.evaluate("document.querySelectorAll('.bk-Figure').length") >= 9
    edges = shown.evaluate("[...document.querySelectorAll('.bk-Figure')].map(one => one.getBoundingClientRect().right)")
    assert max(edges) <= width
