"""The documentation site builds without a warning, executes its notebooks, and is read without a network, on a phone too."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import scoreshock as ss

from .. import browser

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
NOTEBOOKS = ("sweep", "data", "schedule", "paper")

needs_sphinx = pytest.mark.skipif(
    not (find_spec("sphinx") and find_spec("myst_nb")) and not os.environ.get("CI"), reason="needs the extra docs"
)


@pytest.fixture(scope="module")
def site() -> Path:
    """The site, built where CI builds it; what has not changed is not built again."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(ROOT / "docs"), str(SITE)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return SITE


def pages(site: Path) -> list[Path]:
    """All written pages, and three of those that are generated from docstrings."""
    written = [path for path in sorted(site.rglob("*.html")) if not {"_modules", "api"} & set(path.relative_to(site).parts)]
    return [*written, *sorted((site / "api").glob("*.html"))[:3]]


def test_the_api_lists_every_public_name_and_no_other() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    families = re.findall(r"currentmodule:: scoreshock\.families\n(.*?)```", text, flags=re.DOTALL)[0]
    assert set(re.findall(r"^   (\w+)$", families, flags=re.MULTILINE)) <= set(dir(ss.families))
    listed = re.findall(r"^   (\w+)$", text.replace(families, ""), flags=re.MULTILINE)
    assert sorted(listed) == sorted(set(ss.__all__) - {"families", "plot"})


@pytest.mark.slow
@needs_sphinx
def test_every_notebook_is_executed_and_offered(site: Path) -> None:
    for name in NOTEBOOKS:
        (link,) = re.findall(rf'href="([^"]*{name}\.ipynb)"', (site / "notebooks" / f"{name}.html").read_text())
        cells = [c for c in json.loads((site / "notebooks" / link).read_text())["cells"] if c["cell_type"] == "code"]
        assert all(cell["execution_count"] for cell in cells)
        outputs = [output for cell in cells for output in cell["outputs"]]
        assert not [output for output in outputs if output["output_type"] == "error"]
        assert any("image/svg+xml" in output.get("data", {}) for output in outputs)


@pytest.mark.slow
@needs_sphinx
def test_formulas_are_set_without_a_script(site: Path) -> None:
    text = (site / "theory.html").read_text()
    assert text.count("<math") > 30
    assert not re.search(r"\\(frac|tau|nabla|sigma)\b", re.sub(r"<math.*?</math>", "", text, flags=re.DOTALL))
    assert not re.search(r"<script[^>]*mathjax", text, flags=re.IGNORECASE)


@pytest.mark.slow
@needs_sphinx
@browser.needs_chromium
def test_pages_ask_for_nothing_outside_and_fit_on_a_phone(site: Path, tmp_path: Path) -> None:
    wrong = []
    with browser.started(tmp_path) as chromium:
        for path in pages(site):
            for width, theme in ((browser.DESKTOP, "light"), (browser.PHONE, "dark")):
                page = chromium.open(path, width, theme)
                wrong += [f"{path.name} at {width}: {said}" for said in [*page.outside(site), *page.console]]
                wrong += [f"{path.name}: {page.width} pixels wide on {width}"] if page.width > width else []
                page.call("Page.close")
    assert not wrong
    assert {url for url in chromium.logged() if not url.startswith("file://")} == set()


@pytest.mark.slow
@needs_sphinx
@browser.needs_chromium
def test_the_search_works_from_a_disk(site: Path, tmp_path: Path) -> None:
    with browser.started(tmp_path) as chromium:
        page = chromium.open(site / "index.html")
        page.evaluate(f"location.href = '{(site / 'search.html').as_uri()}?q=speciation'")
        page.until("document.querySelectorAll('#search-results li a').length > 5")
        page.until(
            "[...document.querySelectorAll('#search-results li a')].some(each => each.href.includes('concepts.html'))"
        )
        assert not page.console
