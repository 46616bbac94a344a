"""Modules and their examples import what they use, also in a process of their own."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from scoreshock.storage.provenance import PACKAGE

from .. import forks

ROOT = PACKAGE.parent
SOURCES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = [module_of(path) for path in SOURCES if ">>> " in path.read_text()]


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_hold_in_a_process_of_its_own(module: str, tmp_path: Path) -> None:
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = forks.server().run("tests.project.examples", module, cwd=tmp_path, env=variables)
    assert ended.code == 0, ended.output


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of nested attributes of a name, else nothing."""
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""


@cache
def is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def imported(tree: ast.Module) -> tuple[dict[str, str], set[str]]:
    """Modules by the local names that are bound to them, and every module that an import statement names in full."""
    local: dict[str, str] = {}
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                named.add(alias.name)
                first = alias.name if alias.asname else alias.name.split(".")[0]
                local[alias.asname or first] = first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            result = {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            named |= {node.module, *result.values()}
            local |= {name: module for name, module in result.items() if is_module(module)}
    return local, named


def submodules_reached(source: str) -> Iterator[tuple[str, str]]:
    """Submodules ``package.sub`` whose attributes a source uses without an import that names them, each with the package."""
    tree = ast.parse(source)
    local, named = imported(tree)
    for node in ast.walk(tree):
        first, _, rest = dotted(node).partition(".") if isinstance(node, ast.Attribute) else ("", "", "")
        if first not in local or "." not in rest:
            continue
        module = local[first]
        for part in rest.split(".")[:-1]:
            module = f"{module}.{part}"
            if not is_module(module):
                break
            if not any(name == module or name.startswith(f"{module}.") for name in named):
                yield local[first], module


@pytest.mark.slow
def test_submodules_in_use_are_imported() -> None:
    files = [
        *SOURCES,
        *(ROOT / "workflow").rglob("*.py"),
        *(ROOT / "benchmarks").glob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
    ]
    reached = {pair: path for path in files for pair in submodules_reached(path.read_text())}
    for (package, module), path in sorted(reached.items()):
        code = f"import {package}; {module}"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert run.returncode == 0, f"{path}: import {module} by name: {run.stderr.splitlines()[-1]}"


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import scipy.optimize\nscipy.optimize.elementwise.find_root", ["scipy.optimize.elementwise"]),
        ("import scipy\nscipy.optimize.elementwise.find_root", ["scipy.optimize", "scipy.optimize.elementwise"]),
        ("import scipy.optimize.elementwise\nscipy.optimize.elementwise.find_root", []),
        ("import numpy as np\nnp.linalg.eigh, np.pi.real", ["numpy.linalg"]),
        ("from scipy.optimize import elementwise\nelementwise.find_root", []),
        ("from scipy import optimize\noptimize.elementwise.find_root", ["scipy.optimize.elementwise"]),
        ("from scipy import optimize as o\nimport scipy.optimize.elementwise\no.elementwise.find_root", []),
    ],
)
def test_the_search_finds_submodules_that_no_import_names(source: str, modules: list[str]) -> None:
    assert sorted({module for _, module in submodules_reached(source)}) == modules


@pytest.mark.slow
def test_scipy_does_not_import_elementwise_by_itself() -> None:
    """Otherwise the test above could not fail."""
    code = "import scipy.optimize; scipy.optimize.elementwise"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode != 0
