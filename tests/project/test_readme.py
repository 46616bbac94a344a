"""What README prints is what one gets."""

import re
import textwrap
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
import yaml

import scoreshock as ss
from scoreshock.conventions import Status, TimeStatus
from scoreshock.study.study import Study

README = (Path(__file__).parents[2] / "README.md").read_text()
CONFIG = Path(__file__).parents[2] / "config" / "config.yaml"


def test_commands_that_ci_runs_are_marked() -> None:
    for name in ("install", "test"):
        assert re.search(rf"<!-- ci:{name} -->\n```bash\n[^\n]+\n```\n", README)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (CONFIG.parents[1] / target).exists(), target


def test_the_session_prints_what_readme_shows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    session = README[README.index("Open the files in a session") : README.index("## The same in a notebook")]
    code = re.findall(r"```python\n(.*?)```", session, flags=re.DOTALL)
    shown = [textwrap.dedent(block).split() for block in re.findall(r"(?:^    .*\n)+", session, flags=re.MULTILINE)]
    study = ss.load_study(CONFIG)
    monkeypatch.setitem(vars(ss), "open_results", lambda _, sweep, quantity: ss.evaluate(study.sweeps[sweep], quantity))
    scope: dict[str, object] = {}
    for block, expected in zip(code, shown, strict=True):
        exec(block, scope)
        printed = capsys.readouterr().out.split()
        assert printed[-len(expected) :] == expected


@pytest.mark.slow
def test_the_notebook_runs_as_it_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README[README.index("## The same in a notebook") :], flags=re.DOTALL)
    monkeypatch.chdir(CONFIG.parents[1])
    scope: dict[str, Any] = {}
    exec(code, scope)
    assert scope["digits"].sizes["component"] == 10


def test_the_small_study_is_valid_and_makes_the_file_that_readme_names() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    study = Study.from_mapping(yaml.safe_load(text))
    result = [
        f"{study.output}/{name}/{quantity}.nc" for name, sweep in study.sweeps.items() for quantity in sweep.quantities
    ]
    assert result == re.findall(r"snakemake --cores all (\S+\.nc)", README)


@pytest.mark.parametrize("member", [*Status, *TimeStatus], ids=lambda member: f"{type(member).__name__}.{member.name}")
def test_every_reason_of_a_missing_number_is_explained(member: IntEnum) -> None:
    page = (CONFIG.parents[1] / "docs" / "results.md").read_text()
    of_times = page.index("Of a time in a schedule")
    table = page[of_times:] if isinstance(member, TimeStatus) else page[:of_times]
    assert f"| `{member.name}` | {member.value} |" in table
