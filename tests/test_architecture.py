"""Who may import whom."""

import ast
import sys
from pathlib import Path

import pytest

from scoreshock.provenance import PACKAGE, imports

MAY_IMPORT: dict[str, set[str]] = {
    "conventions": set(),
    "kernels": {"conventions"},
    "axes": {"conventions"},
    "schedules": {"kernels", "conventions"},
    "mixtures": {"axes", "conventions"},
    "quantities": {"kernels", "schedules", "axes", "conventions"},
    "evaluation": {"axes", "mixtures", "schedules", "quantities", "conventions"},
    "provenance": {"conventions"},
    "plans": {"provenance", "conventions"},
    "study": {"axes", "mixtures", "schedules", "quantities", "evaluation", "provenance", "plans", "conventions"},
    "store": {"plans", "provenance", "conventions"},
    "cluster": {"provenance", "conventions"},
    "comparison": {"conventions"},
    "figures": {"conventions"},
}
MAY_IMPORT["verification"] = {*MAY_IMPORT["study"], "study", "provenance", "store", "figures"}
MAY_IMPORT["cli"] = set(MAY_IMPORT)
PARTS = {
    "conventions": ("checks",),
    "schedules": ("schedule_kinds", "noise_tables"),
    "mixtures": ("families", "data", "sources"),
    "store": (
        "descriptions",
        "netcdf_lock",
        "joining",
        "results",
        "uniting",
        "exporting",
    ),
    "plans": ("staging",),
    "cli": ("running", "status"),
}
PLACE = {part: place for place, parts in PARTS.items() for part in parts} | {place: place for place in MAY_IMPORT}
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__")


def module_of(path: Path) -> str:
    return ".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_modules_import_only_what_their_place_may(path: Path) -> None:
    here = PLACE[module_of(path).split(".")[1]]
    there = {PLACE[name.split(".")[1]] if "." in name else name for name in imports(module_of(path))}
    assert there <= MAY_IMPORT[here] | {here}


@pytest.mark.parametrize("path", sorted((PACKAGE / "kernels").glob("*.py")), ids=module_of)
def test_kernels_need_numpy_scipy_and_of_the_vocabulary_the_status(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            module = node.module if isinstance(node, ast.ImportFrom) else names[0]
            assert module is not None
            assert module.split(".")[0] in {"numpy", "scipy", "scoreshock", *sys.stdlib_module_names}
            assert module != "scoreshock.conventions" or names == ["Status"]
