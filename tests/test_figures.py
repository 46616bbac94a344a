"""Figures: what is drawn, and that the pages need nothing from outside."""

import re
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock import figures


@pytest.fixture(scope="module")
def datasets() -> dict[str, xr.Dataset]:
    pair = ss.families.pair(separation=np.linspace(0.5, 4, 8), variance=[0.25, 1.0], weight=[0.5, 0.6])
    schedules = {"ddpm": ss.schedule("vp-linear"), "edm": ss.schedule("edm")}
    return {
        "speciation": ss.speciation(pair, schedules),
        "corrections": ss.corrections(pair, order=4),
        "amplification": ss.amplification(pair),
        "scores": ss.scores(
            pair,
            {"start": -2, "stop": 2, "num": 21, "unit": "separation"},
            {"values": [0.5, 1.0], "unit": "speciation"},
        ),
    }


@pytest.fixture(scope="module")
def drawn(datasets: dict[str, xr.Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    figures.draw(datasets, folder)
    return folder


@pytest.mark.parametrize("name", ["speciation", "time", "exponent", "corrections", "profile"])
def test_each_figure_is_a_page_and_a_picture(drawn: Path, name: str) -> None:
    picture = matplotlib.image.imread(drawn / f"{name}.png")
    assert min(picture.shape[:2]) > 250
    assert picture.std() > 0.01  # not blank
    assert (drawn / f"{name}.html").stat().st_size > 1_000_000  # its scripts are inside


def test_pages_ask_nothing_of_the_network(drawn: Path) -> None:
    for page in drawn.glob("*.html"):
        tags = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?https?://[^>]*>", page.read_text())
        assert tags == []


def test_labels_come_from_the_vocabulary(drawn: Path) -> None:
    page = (drawn / "speciation.html").read_text()
    assert "speciation time by criterion" in page
    assert "half-distance a of a pair" in page


def test_a_panel_without_numbers_is_left_out(datasets: dict[str, xr.Dataset]) -> None:
    # With equal weights the series has no error: only the panel of weight 0.6 is left.
    panels = figures.corrections(datasets["corrections"].isel(variance=[0]), "bokeh")
    assert len(panels) == 1


def test_a_sweep_of_one_point_is_drawn_as_bars(tmp_path: Path) -> None:
    point = ss.speciation(ss.families.pair(separation=2.0, variance=0.25, weight=0.6))
    written = figures.draw({"speciation": point}, tmp_path)
    assert [path.name for path in written] == ["speciation.html", "speciation.png"]


def test_wells_are_drawn_like_mixtures(tmp_path: Path) -> None:
    axes = {"half_distance": {"values": [0.0, 1.0, 1.5]}, "tilt": {"values": [0.0, 0.2]}}
    profile = {"x": {"start": -2, "stop": 2, "num": 5, "unit": "separation"}, "tau": {"values": [0.5], "unit": "speciation"}}
    content = {"family": "tilted-quartic", "parameters": {}, "axes": axes, "schedules": {}}
    datasets = {
        "speciation": ss.evaluate(content | {"quantity": "speciation", "options": {}}),
        "scores": ss.evaluate(content | {"quantity": "scores", "options": profile}),
    }
    figures.draw(datasets, tmp_path)
    assert {path.stem for path in tmp_path.glob("*.html")} == {"speciation", "profile"}


def test_colours_differ_for_people_with_any_common_colour_blindness() -> None:
    # The published palette of Okabe and Ito (2008), black first, grey in place of yellow, which is faint on white.
    published = {"#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#000000"}
    assert published <= set(figures.OKABE_ITO)
