"""The tasks of the paper, up to its page, and the page as a browser shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from scoreshock.paper import configuration, contents
from scoreshock.running import tasks

from .. import browser

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the paper's results, written by the tasks of its jobs."""
    folder = tmp_path_factory.mktemp("paper")
    keys = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())["paper"]
    content = {"output": str(folder / "paper"), "content": configuration.read(keys).model_dump(mode="json")}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        file = tasks.write_study(content, False)
        drawn = [f"{name}.nc" for names in contents.FILES.values() for name in names if name.startswith("figures/")]
        jobs = [["verify", "", str(section)] for section in contents.FILES]
        for task in [*jobs, ["draw-paper", "", *drawn], ["describe-paper", ""]]:
            tasks.main([file, "--log", "log", json.dumps(task)])
    return folder / "paper"


def test_the_tasks_write_a_page_beside_its_figures(paper: Path) -> None:
    assert {path.name for path in paper.glob("index.*")} == {"index.html", "index.md"}
    assert len(list(paper.glob("figures/*.png"))) == len(list(paper.glob("figures/*.csv"))) == 7


@browser.needs_chromium
def test_the_page_asks_for_its_folder_only_complains_of_nothing_and_fits(paper: Path, tmp_path: Path) -> None:
    with browser.started(tmp_path) as chromium:
        for width in (browser.DESKTOP, browser.PHONE):
            for theme in browser.THEMES:
                page = chromium.open(paper / "index.html", width, theme)
                assert page.outside(paper) == []
                assert page.console == []
                assert page.width <= width
        assert page.evaluate("document.querySelectorAll('figure .bk-Figure').length") > 20
        page = chromium.open(paper / "index.html")
        assert "position" in page.hovered()
        assert page.hidden() == (True, False)
    assert chromium.logged() == set()
