"""What README prints is what one gets."""

import re
import textwrap
from pathlib import Path

import pytest

import scoreshock as ss

README = (Path(__file__).parents[1] / "README.md").read_text()
CONFIG = Path(__file__).parents[1] / "config" / "config.yaml"


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
