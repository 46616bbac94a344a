"""The tasks of the paper, up to its page."""

import json
from pathlib import Path

import pytest
import yaml

from scoreshock.paper import configuration, contents
from scoreshock.running import tasks

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_tasks_of_the_paper_write_its_page_beside_its_figures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paper = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())["paper"]
    file = tasks.write_study({"output": "paper", "content": configuration.read(paper).model_dump(mode="json")}, False)
    drawn = [f"{name}.nc" for names in contents.FILES.values() for name in names if name.startswith("figures/")]
    jobs = [["verify", "", str(section)] for section in contents.FILES]
    for task in [*jobs, ["draw-paper", "", *drawn], ["describe-paper", ""]]:
        tasks.main([file, "--log", "log", json.dumps(task)])
    assert {path.name for path in Path("paper").glob("index.*")} == {"index.html", "index.md"}
