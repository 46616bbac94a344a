"""The shell of pages: what it escapes, what it asks for, and what it says without its script."""

import re
from pathlib import Path

import pytest

from scoreshock.figures.files import digest_of
from scoreshock.pages import shell

from .. import browser

TABLE = "<table><tr><th>" + "</th><th>".join(f"a long heading {i}" for i in range(12)) + "</th></tr></table>"


def test_a_title_is_text_and_the_digest_is_found(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(shell.page("a < b & $body$", "<p>$title$</p>", digest="0f"))
    text = path.read_text()
    assert "<title>a &lt; b &amp; $body$</title>" in text
    assert "<p>$title$</p>" in text
    assert digest_of(path) == "0f"
    assert re.findall(r"(?:src|href)=[\"']?([^\"' >]*)", text) == ["data:,"]


def test_the_script_is_written_once_and_named_by_what_it_holds(tmp_path: Path) -> None:
    name = shell.script_beside(tmp_path)
    written = (tmp_path / name).stat().st_mtime_ns
    assert shell.script_beside(tmp_path) == name
    assert (tmp_path / name).stat().st_mtime_ns == written
    text = (tmp_path / name).read_text()
    assert "Bokeh" in text
    assert text.endswith((shell.PARTS / "panels.js").read_text())


def test_data_cannot_end_their_script() -> None:
    assert "</script><b>" not in shell.figure([{"title": "</script><b>"}], "figures.js")


@pytest.mark.slow
@browser.needs_chromium
def test_a_telephone_shows_a_page_without_scrolling_sideways(tmp_path: Path) -> None:
    title = "a_title_" + "that_does_not_break_" * 5
    (tmp_path / "page.html").write_text(shell.page("t", f'<h1>{title}</h1><div class="wide">{TABLE}</div>'))
    with browser.started(tmp_path / "browser") as chromium:
        page = chromium.open(tmp_path / "page.html", browser.PHONE)
        assert page.width <= browser.PHONE
        assert page.evaluate("document.querySelector('table').clientWidth") > browser.PHONE
