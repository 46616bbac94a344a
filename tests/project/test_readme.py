"""README is one page, and its links lead somewhere. What it prints is run by `tests.project.test_pages`."""

import re
from enum import IntEnum
from pathlib import Path

import pytest

from scoreshock.conventions import Status, TimeStatus

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_commands_that_ci_runs_are_marked() -> None:
    for name in ("install", "test"):
        assert re.search(rf"<!-- ci:{name} -->\n```bash\n[^\n]+\n```\n", README)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_readme_is_a_page() -> None:
    assert README.count("\n") < 100
    assert README.index("cloning-mnist.png") < README.index("## Run it")


@pytest.mark.parametrize("member", [*Status, *TimeStatus], ids=lambda member: f"{type(member).__name__}.{member.name}")
def test_every_reason_of_a_missing_number_is_explained(member: IntEnum) -> None:
    page = (ROOT / "docs" / "results.md").read_text()
    of_times = page.index("Of a time in a schedule")
    table = page[of_times:] if isinstance(member, TimeStatus) else page[:of_times]
    assert f"| `{member.name}` | {member.value} |" in table
