"""A wrong formula changes the verdict of a statement of the paper, or makes a test fail.

That the verdict is right and the test passes without the mistake, the tests of the paper and the test itself hold.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

import scoreshock
from scoreshock.paper.table import STATEMENTS
from tests.mutation.table import MUTATIONS, Mutation
from tests.paper.test_table import verdict_of

ROOT = Path(__file__).parents[2]
PACKAGE = Path(scoreshock.__file__).parent
VERDICTS = {each.number: verdict_of(each) for each in STATEMENTS}


class Runner:
    """A process that runs each check in a fork with one module replaced, so that libraries are imported once."""

    def __init__(self) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        paths = os.pathsep.join([str(PACKAGE.parent), *filter(None, [own.get("PYTHONPATH")])])
        own |= {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        own |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # which takes longer than most checks
        command = [sys.executable, str(Path(__file__).with_name("runner.py"))]
        self.process = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT, env=own)

    def __call__(self, check: str, module: str, source: str) -> dict[str, Any]:
        """The result of the check: a ``verdict``, names of exceptions as ``failed``, or an ``error``."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"check": check, "module": module, "source": source}) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    if not hasattr(os, "fork"):
        pytest.skip("needs os.fork")
    runner = Runner()
    yield runner
    runner.process.communicate()


def name(mutation: Mutation) -> str:
    return f"{mutation.check.rpartition('::')[2]}-{mutation.path}-{mutation.text.strip()}".replace(" ", "_")


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=name)
def test_a_wrong_formula_is_noticed(mutation: Mutation, runner: Runner) -> None:
    source = (PACKAGE / mutation.path).read_text()
    assert source.count(mutation.text) == 1, "the formula is no longer there, once: bring the table up to date"
    module = "scoreshock." + mutation.path.removesuffix(".py").replace("/", ".")
    result = runner(mutation.check, module, source.replace(mutation.text, mutation.wrong))
    assert "error" not in result, result
    if "::" in mutation.check:
        assert result["failed"] == ["AssertionError"]
    else:
        assert result["verdict"] != VERDICTS[mutation.check]


def test_every_statement_of_the_page_is_held_by_a_mutation() -> None:
    assert {m.check for m in MUTATIONS if "::" not in m.check} == {s.number for s in STATEMENTS}


def test_tests_that_have_to_fail_are_named_as_they_are() -> None:
    for path, test in {tuple(m.check.split("::")) for m in MUTATIONS if "::" in m.check}:
        assert re.search(rf"^def {test}\(", (ROOT / path).read_text(), re.MULTILINE), test
