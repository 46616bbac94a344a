"""Who may import whom."""

import ast
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest

from scoreshock.storage import provenance
from scoreshock.storage.provenance import PACKAGE

FLAT = ("conventions", "checks", "options", "plugins", "axes", "plot")
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
    "densities": {"kernels", "axes", "plugins", *VOCABULARY},
    "quantities": {"kernels", "schedules", "densities", "axes", "options", "plugins", *VOCABULARY},
    "storage": {"axes", *VOCABULARY},
    "comparison": VOCABULARY,
    "pages": {"storage"},
    "figures": {"plugins", "storage", "pages", *VOCABULARY},
}
"""What each room may import of the package's others."""
ROOMS["conventions"] |= {"checks"}
ROOMS["diagnosis"] = {"quantities"} | ROOMS["quantities"]
ROOMS["networks"] = {"diagnosis", "figures", "storage"} | ROOMS["diagnosis"]
ROOMS["examples"] = {"quantities", "figures", "storage"} | ROOMS["quantities"]
ROOMS["study"] = {"quantities", "storage", "figures"} | ROOMS["quantities"]
ROOMS["running"] = {"study", "comparison", "diagnosis", "figures", "networks", "paper", "examples", "reports"} | ROOMS[
    "study"
]
ROOMS["accessor"] = {"study", "storage"} | ROOMS["study"]
ROOMS["paper"] = {"study", "figures", "pages"} | ROOMS["study"]
ROOMS["reports"] = {"figures", "pages", "quantities", "storage"} | ROOMS["quantities"]
ROOMS["plot"] = {"figures", "checks"}
ROOMS["cli"] = set(ROOMS)
KERNELS: dict[str, set[str]] = {
    "numerics": set(),
    "gaussian": {"numerics"},
    "burgers": {"numerics", "gaussian"},
    "flow": {"numerics", "gaussian"},
    "information": {"numerics", "gaussian"},
    "speciation": {"numerics", "gaussian"},
    "layer": {"numerics", "gaussian", "speciation"},
    "modes": {"numerics", "gaussian"},
    "covariances": {"numerics", "gaussian", "speciation", "modes", "layer"},
    "wells": {"numerics", "gaussian", "layer"},
}
"""The same of the rooms of the kernels."""
LONGEST = 40
"""Most lines of a function below its docstring."""
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem[:2] != "__")


def module_of(path: Path) -> str:
    return ".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def rooms_of(path: Path, level: int) -> tuple[str, set[str]]:
    """A module's room at a level of the package, and those that it imports from."""
    targets = (name.split(".") for name in provenance._parsed(module_of(path), PACKAGE)[1])
    return module_of(path).split(".")[level], {target[min(level, len(target) - 1)] for target in targets}


def test_every_module_is_in_a_room() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "__main__", *FLAT}
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(ROOMS) - set(FLAT)
    assert {path.parent.name for path in PACKAGE.glob("kernels/*/__init__.py")} == set(KERNELS)
    assert [path.stem for path in PACKAGE.glob("kernels/*.py")] == ["__init__"]


def forbidden_imports(paths: Iterable[Path], level: int, allowed: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """By module, the rooms that it imports from and may not; only modules that do."""
    rooms = {module_of(path): rooms_of(path, level) for path in paths}
    assert rooms
    forbidden = {module: there - allowed[here] - {here} for module, (here, there) in rooms.items()}
    return {module: there for module, there in forbidden.items() if there}


@pytest.mark.slow
def test_modules_import_only_from_rooms_below() -> None:
    assert forbidden_imports(SOURCES, 1, ROOMS) == {}


def test_kernels_import_only_from_rooms_below() -> None:
    allowed = {room: below | {"conventions"} for room, below in KERNELS.items()}
    assert forbidden_imports(PACKAGE.glob("kernels/*/*.py"), 2, allowed) == {}


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """All nodes of a module's syntax tree."""
    return list(ast.walk(ast.parse(path.read_text())))


@pytest.mark.parametrize("room", ["", *KERNELS])
def test_kernels_need_numpy_scipy_and_of_the_vocabulary_the_status(room: str) -> None:
    allowed = {"numpy", "scipy", "scoreshock", *sys.stdlib_module_names}
    for path in (PACKAGE / "kernels" / room).glob("*.py"):
        for node in nodes_of(path):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names]
                module = node.module if isinstance(node, ast.ImportFrom) else names[0]
                assert module is not None, path
                assert module.split(".")[0] in allowed, path
                assert module != "scoreshock.conventions" or names == ["Status"], path


def length_of(function: ast.FunctionDef) -> int:
    """Lines of a function below its docstring."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.slow
def test_functions_are_short() -> None:
    functions = ((path, node) for path in SOURCES for node in nodes_of(path) if isinstance(node, ast.FunctionDef))
    lengths = {(module_of(path), function.name): length_of(function) for path, function in functions}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
