"""Who may import whom."""

import ast
import sys
from pathlib import Path

import pytest

from scoreshock.storage import provenance
from scoreshock.storage.provenance import PACKAGE

FLAT = ("conventions", "checks", "options", "plugins", "axes", "cli")
"""Modules of the package outside its rooms."""
VOCABULARY = {"conventions", "checks"}
ROOMS: dict[str, set[str]] = {
    "conventions": set(),
    "checks": set(),
    "options": {"checks"},
    "plugins": {"checks"},
    "axes": VOCABULARY,
    "kernels": {"conventions"},
    "schedules": {"kernels", "options", "plugins", *VOCABULARY},
    "densities": {"axes", "plugins", *VOCABULARY},
    "quantities": {"kernels", "schedules", "densities", "axes", "options", "plugins", *VOCABULARY},
    "storage": VOCABULARY,
    "comparison": VOCABULARY,
    "figures": {"plugins", *VOCABULARY},
}
"""What each room may import of the package's others."""
ROOMS["conventions"] |= {"checks"}
ROOMS["study"] = {"quantities", "storage"} | ROOMS["quantities"]
ROOMS["running"] = {"study", "comparison", "figures", "paper"} | ROOMS["study"]
ROOMS["paper"] = {"study", "figures"} | ROOMS["study"]
ROOMS["cli"] = set(ROOMS)
KERNELS: dict[str, set[str]] = {
    "numerics": set(),
    "gaussian": {"numerics"},
    "burgers": {"numerics", "gaussian"},
    "flow": {"numerics", "gaussian"},
    "speciation": {"numerics", "gaussian"},
    "layer": {"numerics", "gaussian", "speciation"},
    "modes": {"numerics", "gaussian"},
    "wells": {"numerics", "gaussian", "layer"},
}
"""The same of the rooms of the kernels."""
LONGEST = 40
"""Most lines of a function below its docstring."""
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__")


def module_of(path: Path) -> str:
    return ".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def rooms_of(path: Path, level: int) -> tuple[str, set[str]]:
    """A module's room at a level of the package, and those that it imports from."""
    targets = (name.split(".") for name in provenance._parsed(module_of(path), PACKAGE)[1])
    return module_of(path).split(".")[level], {target[min(level, len(target) - 1)] for target in targets}


def test_every_module_is_in_a_room() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", *FLAT}
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(ROOMS) - set(FLAT)
    assert {path.parent.name for path in PACKAGE.glob("kernels/*/__init__.py")} == set(KERNELS)
    assert [path.stem for path in PACKAGE.glob("kernels/*.py")] == ["__init__"]


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_modules_import_only_from_rooms_below(path: Path) -> None:
    here, there = rooms_of(path, 1)
    assert there <= ROOMS[here] | {here}


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("kernels/*/*.py")), ids=module_of)
def test_kernels_import_only_from_rooms_below(path: Path) -> None:
    here, there = rooms_of(path, 2)
    assert there <= KERNELS[here] | {here, "conventions"}


@pytest.mark.parametrize("path", sorted((PACKAGE / "kernels").rglob("*.py")), ids=module_of)
def test_kernels_need_numpy_scipy_and_of_the_vocabulary_the_status(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            module = node.module if isinstance(node, ast.ImportFrom) else names[0]
            assert module is not None
            assert module.split(".")[0] in {"numpy", "scipy", "scoreshock", *sys.stdlib_module_names}
            assert module != "scoreshock.conventions" or names == ["Status"]


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_functions_are_short(path: Path) -> None:
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    for function in functions:
        body = function.body[ast.get_docstring(function) is not None :]
        assert not body or body[-1].end_lineno - body[0].lineno < LONGEST, function.name
