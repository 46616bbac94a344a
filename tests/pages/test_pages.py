"""Pages of a study as a browser shows them, on a laptop and on a telephone, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from .. import browser, runs

pytestmark = [pytest.mark.slow, browser.needs_chromium]

PAGES = ("index.html", "line.html")
AXES = {"separation": [0.1, 1.0, 2.0, 4.0], "weight": [0.5, 0.7], "schedule": ["ve", "edm"]}
QUANTITIES = ["scores", "speciation", "corrections", "amplification"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a study with its pages, in a folder with a blank in its name."""
    output = tmp_path_factory.mktemp("pages") / "my results"
    criteria = ["leading", "exact", "boundary", "merging"]
    runs.run(
        runs.study(output, axes=AXES, split=[], quantities=QUANTITIES, criteria=criteria),
        *("plan", "compute", "compare", "draw", "index"),
    )
    return output


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    with browser.started(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.mark.parametrize(("name", "width", "theme"), [*product(PAGES, (browser.DESKTOP, browser.PHONE), browser.THEMES)])
def test_a_page_asks_for_its_folder_only_complains_of_nothing_and_fits(
    results: Path, chromium: browser.Browser, name: str, width: int, theme: str
) -> None:
    page = chromium.open(results / name, width, theme)
    assert page.requests
    assert page.outside(results) == []
    assert page.console == []
    assert page.width <= width
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 22, 22)"}[theme]


@pytest.mark.parametrize("width", [browser.DESKTOP, browser.PHONE])
def test_every_figure_is_drawn_within_the_screen(results: Path, chromium: browser.Browser, width: int) -> None:
    page = chromium.open(results / "line.html", width)
    drawn = page.evaluate("[...document.querySelectorAll('figure')].map(one => one.querySelectorAll('.bk-Figure').length)")
    assert len(drawn) == len(list((results / "line" / "figures").glob("*.png"))) >= 4
    assert all(drawn)
    edges = page.evaluate("[...document.querySelectorAll('.bk-Figure')].map(one => one.getBoundingClientRect().right)")
    assert max(edges) <= width


def test_the_mouse_over_a_line_shows_its_numbers_and_a_click_on_the_legend_hides_it(
    results: Path, chromium: browser.Browser
) -> None:
    page = chromium.open(results / "line.html")
    assert "speciation time" in page.hovered()  # the first figure of the page
    assert page.hidden() == (True, False)
    assert page.console == []


def test_the_overview_draws_a_figure_of_each_sweep_that_leads_to_it(results: Path, chromium: browser.Browser) -> None:
    page = chromium.open(results / "index.html")
    assert page.evaluate("document.querySelectorAll('.sweep').length === Bokeh.documents.length")
    assert page.evaluate("[...document.querySelectorAll('.sweep figure section')].every(one => one.clientHeight > 200)")
    page.evaluate("document.querySelector('.sweep figure a').click()")
    page.until("location.hash && document.querySelector(location.hash)")
    assert page.evaluate("document.title") == "line"


def test_the_net_log_of_a_session_has_no_request_for_a_page_but_one_that_asks(results: Path, tmp_path: Path) -> None:
    asking = tmp_path / "asking.html"
    asking.write_text('<img src="http://127.0.0.2:9/outside.png">')
    for paths, asked in ([results / name for name in PAGES], set()), ([asking], {"http://127.0.0.2:9/outside.png"}):
        with browser.started(tmp_path / paths[0].stem) as chromium:
            outside = {url for path in paths for url in chromium.open(path).outside(path.parent)}
        assert outside == chromium.logged() == asked


def test_pages_share_one_script_and_are_small(results: Path) -> None:
    assert len(list(results.rglob("*.js"))) == 1
    assert sum(path.stat().st_size for path in results.glob("*.*")) < 2.5e6


def test_without_its_script_a_page_says_so(results: Path, tmp_path: Path, chromium: browser.Browser) -> None:
    alone = tmp_path / "line.html"
    alone.write_bytes((results / "line.html").read_bytes())
    page = chromium.open(alone)
    assert "This figure needs the file figures-" in page.evaluate("document.querySelector('.panels').innerText")
