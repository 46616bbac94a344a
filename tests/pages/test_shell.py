"""The shell of pages: what it escapes, what it asks for, and what it says without its script."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scoreshock.figures.files import digest_of
from scoreshock.pages import shell

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PHONE = 390
"""Width in pixels of a small telephone."""

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
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_telephone_shows_a_page_without_scrolling_sideways(tmp_path: Path) -> None:
    check = "<script>document.title = document.documentElement.scrollWidth</script>"
    title = "a_title_" + "that_does_not_break_" * 5
    (tmp_path / "page.html").write_text(shell.page("t", f'<h1>{title}</h1><div class="wide">{TABLE}</div>{check}'))
    frame = f'<iframe width="{PHONE}" height="900" style="border: 0" src="page.html"></iframe>'
    report = "<script>onload = () => { document.body.dataset.width = frames[0].document.title; }</script>"
    (tmp_path / "all.html").write_text(frame + report)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--virtual-time-budget=5000"]
    command = [str(CHROMIUM), *options, f"--user-data-dir={tmp_path}", "--dump-dom", (tmp_path / "all.html").as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    width = re.search(r'data-width="(\d+)"', dom)
    assert width is not None
    assert int(width[1]) <= PHONE


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_without_its_script_a_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        shell.page("t", shell.figure([{"title": "t"}], "figures-0.js"), script="figures-0.js")
    )
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom"]
    command = [str(CHROMIUM), *options, (tmp_path / "page.html").as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "This figure needs the file figures-0.js in the same folder." in re.sub(
        r"<script.*?</script>", "", dom, flags=re.S
    )
