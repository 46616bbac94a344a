"""Snakemake's report of a study: pictures and comparisons by sweep with labels and captions, offline."""

import html
import re
import zipfile
from pathlib import Path

import pytest

from .. import browser
from .conftest import finish, snakemake

pytestmark = pytest.mark.slow

PAIR = {"family": "pair", "axes": {"separation": [0.1, 1.0, 2.0]}, "quantities": ["speciation"]}
STUDY = {"title": "two sweeps", "sweeps": {"one": PAIR, "other": PAIR | {"quantities": ["speciation", "amplification"]}}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return finish(tmp_path_factory.mktemp("reported"), STUDY)


@pytest.fixture(scope="module")
def report(finished):
    snakemake(finished.folder, "--configfile", finished.study, "--report", "report.html")
    return finished.folder / "report.html"


def pictures(finished):
    """Sweep, name and caption of every picture."""
    paths = sorted(finished.file("").glob("*/figures/*.png"))
    assert {path.stem for path in paths} >= {"speciation", "exponent"}
    return [(path.parts[-3], path.stem, path.with_suffix(".caption").read_text()) for path in paths]


@browser.needs_chromium
def test_a_browser_shows_every_picture_with_its_caption_without_a_request(finished, report, tmp_path):
    with browser.started(tmp_path) as chromium:
        page = chromium.open(report)
        assert "Pictures and comparisons of a study" in page.evaluate("document.body.innerText")
        for sweep, name, caption in pictures(finished):
            page.evaluate(f"app.showCategory('{sweep}')")
            page.until(f"document.body.innerText.includes('{name}')")
            page.evaluate(f"app.showResultInfo('results/{sweep}/figures/{name}.png')")
            said = html.unescape(re.sub("<[^>]*>", "", caption)).strip()
            page.until(f"document.body.innerText.includes({said[:60]!r})")
            picture = f"results['results/{sweep}/figures/{name}.png'].data_uri"
            loaded = (
                "new Promise(done => { const i = new Image(); i.onload = () => done(i.naturalWidth); i.src = PICTURE; })"
            )
            assert page.evaluate(loaded.replace("PICTURE", picture)) > 100
        assert page.outside(Path("/nowhere")) == [report.as_uri()]
        assert page.errors == []
    assert chromium.logged() == set()


def test_the_zip_has_every_picture_and_comparison(finished):
    snakemake(finished.folder, "--configfile", finished.study, "--report", "report.zip")
    with zipfile.ZipFile(finished.folder / "report.zip") as archive:
        names = [Path(name).name for name in archive.namelist()]
        text = archive.read("report/report.html").decode()
    for sweep, name, caption in pictures(finished):
        assert names.count(f"{name}.png") >= 1
        assert f"results/{sweep}/figures/{name}.png" in text
        assert caption
    assert names.count("comparison.md") == 2
