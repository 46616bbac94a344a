"""The public names of the package, for people, editors and type checkers."""

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import scoreshock as ss

PACKAGE = Path(ss.__file__).parent


def test_dir_is_exactly_the_public_names_and_each_is_described() -> None:
    assert dir(ss) == ss.__all__ == sorted(set(ss.__all__))
    assert all(getattr(ss, name).__doc__ for name in ss.__all__)


def test_type_checkers_see_the_same_names() -> None:
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    exported = [alias for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert all(alias.asname == alias.name for alias in exported)  # else a checker takes them as private
    assert sorted(alias.name for alias in exported) == ss.__all__
    assert (PACKAGE / "py.typed").exists()


SCRIPT = """
import scoreshock as ss

pair = ss.families.pair(separation=[1.0, 2.0], variance=0.25)
reveal_type(ss.speciation(pair, ["edm", {"kind": "ve"}]))
reveal_type(ss.score(pair, x=0.3, tau=[0.5, 1.0]))
reveal_type(ss.open_results("results"))
reveal_type(ss.open_results("results", "pair", "speciation"))
reveal_type(ss.explain(1))
reveal_type(ss.valid(ss.score(pair, 0.0)))
ss.speciation(3)
ss.open_results("results", quantity="speciation")
ss.speciatio
"""
"""What a user writes; the last three lines are wrong."""

REVEALED = ["Dataset", "DataArray", "DataTree", "Dataset", "str", "DataArray"]


@pytest.mark.slow
def test_a_type_checker_knows_what_functions_take_and_return(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    words = ["mypy", "--config-file", "", "--follow-imports", "silent", "--ignore-missing-imports"]
    words += ["--cache-dir", str(tmp_path / "cache"), "script.py"]
    printed = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=os.environ | {"MYPYPATH": str(PACKAGE.parent)},  # an editable install is invisible to mypy
    ).stdout
    assert [name.rpartition(".")[2] for name in re.findall(r'Revealed type is "(.*)"', printed)] == REVEALED, printed
    errors = [line for line in printed.splitlines() if " error: " in line]
    assert len(errors) == 3, printed
    for line, said in zip(errors, ("speciation", "open_results", "speciatio"), strict=True):
        assert said in line


@pytest.mark.slow
def test_editors_show_the_arguments_of_every_function() -> None:
    for name in ss.__all__:
        value = getattr(ss, name)
        if not isinstance(value, ModuleType):
            assert list(inspect.signature(value).parameters) not in ([], ["args", "kwargs"]), name
