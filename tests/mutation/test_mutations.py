"""A wrong formula is noticed: by the verdict of the paper's page that stands for it, or by a test."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

import scoreshock
from scoreshock.paper.table import STATEMENTS
from tests.mutation.table import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]
PACKAGE = Path(scoreshock.__file__).parent


class Runner:
    """A process that runs checks, each in a fork of its own, so that imports are paid once."""

    def __init__(self, *arguments: str) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        paths = os.pathsep.join([str(PACKAGE.parent), *filter(None, [own.get("PYTHONPATH")])])
        own |= {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        own |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # which takes longer than most checks
        command = [sys.executable, str(Path(__file__).with_name("runner.py")), *arguments]
        self.process = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT, env=own)

    def __call__(self, check: str, **replaced: str) -> dict[str, Any]:
        """What the check gives: a ``verdict``, names of exceptions as ``failed``, or an ``error``."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"check": check, **replaced}) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))


@pytest.fixture(scope="module")
def runners() -> Iterator[tuple[Callable[..., dict[str, Any]], Runner]]:
    """Of the package as it is, which remembers its answers, and of the package with a mistake."""
    if not hasattr(os, "fork"):
        pytest.skip("needs os.fork")
    right, wrong = Runner("right"), Runner()
    yield cache(right), wrong
    for runner in (right, wrong):
        runner.process.communicate()


def name(mutation: Mutation) -> str:
    return f"{mutation.check.rpartition('::')[2]}-{mutation.path}-{mutation.text.strip()}".replace(" ", "_")


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=name)
def test_a_wrong_formula_is_noticed(mutation: Mutation, runners: tuple[Callable[..., dict[str, Any]], Runner]) -> None:
    source = (PACKAGE / mutation.path).read_text()
    assert source.count(mutation.text) == 1, "the formula is no longer there, once: bring the table up to date"
    module = "scoreshock." + mutation.path.removesuffix(".py").replace("/", ".")
    ask_right, ask_wrong = runners
    right = ask_right(mutation.check)
    wrong = ask_wrong(mutation.check, module=module, source=source.replace(mutation.text, mutation.wrong))
    assert "error" not in right | wrong, (right, wrong)
    if "::" in mutation.check:
        assert right == {"failed": []}
        assert wrong["failed"] == ["AssertionError"]
    else:
        assert right["verdict"] != "not confirmed"
        assert wrong["verdict"] != right["verdict"]


def test_every_statement_of_the_page_is_held_by_a_mutation() -> None:
    assert {m.check for m in MUTATIONS if "::" not in m.check} == {s.number for s in STATEMENTS}


def test_tests_that_have_to_fail_are_named_as_they_are() -> None:
    for path, found in {tuple(m.check.split("::")) for m in MUTATIONS if "::" in m.check}:
        assert re.search(rf"^def {found}\(", (ROOT / path).read_text(), re.MULTILINE), found
