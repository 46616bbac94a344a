"""The page of a sweep: its figures with their files, what is missing, its settings, and how its results are opened."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
import xarray as xr

import scoreshock as ss
from scoreshock import comparison, figures
from scoreshock.conventions import WORDS, Status
from scoreshock.reports import study as study_page
from scoreshock.reports import sweep
from scoreshock.storage import store

from .. import runs

pytestmark = pytest.mark.slow

FIRST = {"exponent": {"first": True}}
NOTE = "What <this> sweep is for: weights & separations."
AXES = {"separation": [0.1, 1.0, 2.0], "weight": [0.5, 0.7], "schedule": ["ve", "edm"]}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a study whose smallest separation has no speciation, with its pages."""
    output = tmp_path_factory.mktemp("page") / "results"
    study = runs.study(
        output,
        axes=AXES,
        split=[],
        quantities=["speciation", "amplification"],
        criteria=["exact", "merging"],
        note=NOTE,
        figures=FIRST,
    )
    runs.run(study, "plan", "compute", "compare", "draw", "index")
    return output


@pytest.fixture(scope="module")
def page(results: Path) -> str:
    return (results / "line.html").read_text()


def text_of(page: str) -> str:
    """What a reader sees of a page, without its figures."""
    without = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", without)).split())


def test_every_figure_stands_on_the_page_with_its_files(results: Path, page: str) -> None:
    drawn = {path.stem for path in (results / "line" / "figures").glob("*.png")}
    assert drawn >= {"speciation", "time", "exponent"}
    assert set(re.findall(r'<figure id="([^"]*)"', page)) == drawn
    assert "Speciation time τ* by criterion" in text_of(page)
    for name in drawn:
        links = re.findall(r'href="([^"]*)"', page[page.index(f'<figure id="{name}"') :].split("</figure>")[0])
        assert {f"line/figures/{name}.png", f"line/figures/{name}.csv"} <= set(links)
        assert (results / "line" / "figures" / f"{name}.caption").read_text().startswith("<p>")


def test_both_pages_begin_with_what_the_sweep_is_for_and_what_the_study_puts_first(results: Path, page: str) -> None:
    overview = (results / "index.html").read_text()
    for each in (page, overview):
        assert NOTE in text_of(each)
        assert "<this>" not in each
    facts = sweep.read(results / "line" / "figures")
    assert facts is not None
    assert [one.name for one in facts.figures][:2] == ["exponent", "speciation"]
    (panel,), shown = (
        json.loads(re.findall(r'<script type="application/json">(.*)</script>', each)[0]) for each in (overview, page)
    )
    assert panel["title"] in [each["title"] for each in shown]
    assert 'href="line.html#exponent"' in overview


def test_links_and_requests_lead_to_files_of_the_results(results: Path) -> None:
    for name in ("line.html", "index.html"):
        text = (results / name).read_text()
        targets = re.findall(r"(?:src|href)=\"(?!data:)([^\"]*)\"", text)
        assert targets
        for target in targets:
            file, _, anchor = target.partition("#")
            assert (results / (file or name)).is_file(), target
            assert not anchor or f'id="{anchor}"' in (results / (file or name)).read_text(), target


def test_the_sentence_is_that_of_the_comparison(results: Path, page: str) -> None:
    said = comparison.sentence(ss.open_results(results, "line", "comparison")).replace("tau", "τ")
    assert said in text_of(page)
    assert said in text_of((results / "index.html").read_text())


def test_missing_values_are_counted_with_their_meaning(results: Path, page: str) -> None:
    speciation = ss.open_results(results, "line", "speciation")
    expected = int((speciation.status == Status.below_data_variance).sum())
    assert expected > 0
    line = rf"speciation: {expected} of {speciation.status.size} \([^)]*\) in status of tau_star"
    assert re.search(rf"below_data_variance {re.escape(WORDS['below_data_variance'])} .*{line}", text_of(page))
    counts = json.loads((results / "line/figures/facts.json").read_text())["missing"]
    flags = [
        v for q in ("speciation", "amplification") for n, v in ss.open_results(results, "line", q).items() if "status" in n
    ]
    assert counts["below_data_variance"] == sum(
        int((flag == Status.below_data_variance).sum()) for flag in flags if "time" not in flag.name
    )
    assert f"{counts['below_data_variance']} below_data_variance" in text_of((results / "index.html").read_text())


def test_settings_are_those_of_the_files(page: str) -> None:
    shown = text_of(page)
    for line in ("separation 0.1, 1, 2", "weight 0.5, 0.7", "scaling fixed", "criteria exact, merging", "edm edm, rho 7"):
        assert line in shown


def test_code_on_the_pages_opens_the_results(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(results.parent)
    for name in ("line.html", "index.html"):
        code = html.unescape(re.findall(r"<pre>(import.*?)</pre>", (results / name).read_text(), re.DOTALL)[0])
        opened: dict[str, object] = {}
        exec(code, opened)
        datasets = [value for value in opened.values() if isinstance(value, xr.Dataset)]
        assert datasets


def test_files_are_listed_with_the_code_that_computed_them(results: Path, page: str) -> None:
    for quantity in ("speciation", "amplification"):
        attributes = store.inspect(results / "line" / f"{quantity}.nc").attributes
        assert attributes["scoreshock_code_digest"][:12] in page
        assert attributes["source"] in page


def test_the_pages_are_the_same_of_the_same_files(results: Path, tmp_path: Path) -> None:
    files = {quantity: results / "line" / f"{quantity}.nc" for quantity in ("speciation", "amplification")}
    opened = {quantity: store.open_file(path, chunks=None) for quantity, path in files.items()}
    facts = sweep.read(results / "line" / "figures")
    assert facts is not None
    before = (results / "line.html").read_bytes()
    sweep.write(
        "line", opened, (facts.note, facts.sentence), (results, tmp_path), figures.digest_of(results / "line.html"), FIRST
    )
    assert (results / "line.html").read_bytes() == before


def test_text_of_a_study_is_text(tmp_path: Path) -> None:
    about = {"study": "a < b", "author": "<script>", "note": "x & y"}
    page = study_page.write(tmp_path, about, {}, "0f").read_text()
    assert "<title>a &lt; b</title>" in page
    assert "&lt;script&gt;" in page
    assert "x &amp; y" in page
    assert figures.digest_of(tmp_path / "index.html") == "0f"


def test_a_sweep_without_page_names_its_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoreshock.study.blocks.JOINED_BYTES", 0)
    study = runs.study(tmp_path / "results")
    runs.run(study, "plan", "index")
    page = (tmp_path / "results" / "index.html").read_text()
    assert f"line/{runs.planned(study).folder}" in page
    assert "<img" not in page


def test_shares_are_whole_percents_up_to_all() -> None:
    assert [sweep.percent(share) for share in (1.0, 0.5, 0.999, 1e-5)] == ["100 %", "50 %", "99 %", "0.001 %"]


def test_a_page_on_which_all_values_are_missing_says_100_percent(tmp_path: Path) -> None:
    study = runs.study(tmp_path / "all", axes={"separation": [0.1, 0.2]}, split=[], criteria=["exact"])
    runs.run(study, "plan", "compute", "compare", "draw", "index")
    assert "2 of 2 (100 %) in" in text_of((tmp_path / "all" / "line.html").read_text())
