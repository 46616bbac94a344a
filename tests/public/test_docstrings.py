"""Every public docstring says what a reader needs: arguments, shapes, units, errors, source, and an example."""

from __future__ import annotations

import ast
import builtins
import doctest
import inspect
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.accessor.accessors import DatasetAccessor

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(ss, name) for name in ss.__all__ if not isinstance(getattr(ss, name), ModuleType)
}
ACCESSOR = {f"scoreshock.{name}": method for name, method in vars(DatasetAccessor).items() if name[0] != "_"}
FUNCTIONS |= {name: method for name, method in ACCESSOR.items() if "see ``ss." not in (method.__doc__ or "")}
IN_MODULES = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (ss.families, ss.plot)
    for name in dir(module)
    if inspect.isfunction(getattr(module, name))
}
AS_ANOTHER = {"scoreshock.log_snr", "scoreshock.t", "scoreshock.step"}
"""Methods whose arguments, result and errors are those of another one, as their docstrings say."""

WITHOUT_FORMULA = {
    *(
        "compare",
        "criterion",
        "diagnosis_report",
        "evaluate",
        "explain",
        "family",
        "figure",
        "load_study",
        "open_results",
        "project",
        "quantity",
        "save_steps",
    ),
    *("schedule_kind", "valid", "well", "scoreshock.recompute", "scoreshock.to_tidy"),
}
"""Functions that compute no formula, which need no source."""

HEADERS = ["Parameters", "Returns", "Warns", "Raises", "Notes", "References", "Examples"]
"""Sections of numpydoc."""

SHAPE = re.compile(
    r"\(\.\.\.|\((?:feature|component|replicate|schedule|tau|point|basis|\[)|each ``|All ``|str\b|function|shape|scalar"
)
UNIT = re.compile(r"unit|[Dd]imensionless|\bnats\b|no unit")


def sections(function: Callable[..., Any]) -> dict[str, str]:
    """Text of each section of a docstring; what stands before them under the empty name."""
    parts = re.split(rf"\n(?=(?:{'|'.join(HEADERS)})\n-+\n)", f"\n{inspect.getdoc(function)}")
    return {"": parts[0].strip()} | {part.partition("\n")[0]: part.split("\n", 2)[2] for part in parts[1:]}


def documented(text: str) -> list[str]:
    """Names of the arguments of the section Parameters."""
    lines = [line.partition(" :")[0] for line in text.splitlines() if line and not line.startswith(" ")]
    return [name.strip().lstrip("*") for line in lines for name in line.split(",")]


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - AS_ANOTHER))
def test_arguments_result_and_errors_are_documented(name: str) -> None:
    found = sections(FUNCTIONS[name])
    needed = [argument for argument in inspect.signature(FUNCTIONS[name]).parameters if argument != "self"]
    assert sorted(documented(found["Parameters"])) == sorted(needed)
    assert SHAPE.search(found["Returns"]) or name in WITHOUT_FORMULA or "As of" in found["Returns"], found["Returns"]
    assert found["Raises"].strip()
    assert list(found)[1:] == sorted(list(found)[1:], key=HEADERS.index)
    first = found[""].partition("\n\n")[0]
    assert first.endswith(".")
    assert len(first) <= 160


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - AS_ANOTHER - WITHOUT_FORMULA))
def test_shapes_units_and_a_source_are_said(name: str) -> None:
    found = sections(FUNCTIONS[name])
    assert SHAPE.search(found["Returns"]), found["Returns"]
    assert UNIT.search(found["Returns"]), found["Returns"]
    assert re.search(r"(19|20)\d\d|arXiv:\d{4}\.\d{5}", found["References"])
    assert found["References"].strip().endswith(".")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_an_example_calls_the_function(name: str) -> None:
    called = name.rpartition(".")[2]
    assert re.search(rf">>>.*\b{called}\b", sections(FUNCTIONS[name])["Examples"])


def unbound(examples: str) -> list[str]:
    """Names that examples use before they have defined or imported them."""
    missing, known = [], set(dir(builtins))
    for example in doctest.DocTestParser().get_examples(examples):
        nodes = list(ast.walk(ast.parse(example.source)))
        known |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        known |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        known |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ExceptHandler) and node.name}
        known |= {(node.asname or node.name).partition(".")[0] for node in nodes if isinstance(node, ast.alias)}
        missing += [node.id for node in nodes if isinstance(node, ast.Name) and node.id not in known]
    return missing


@pytest.mark.parametrize("name", sorted(FUNCTIONS | IN_MODULES))
def test_an_example_runs_alone_as_help_prints_it(name: str) -> None:
    function = (FUNCTIONS | IN_MODULES)[name]
    assert unbound(inspect.getdoc(function) or "") == []


@pytest.mark.parametrize("name", sorted(AS_ANOTHER))
def test_the_others_say_of_which_method_they_take_arguments_and_result(name: str) -> None:
    assert re.search(r"Parameters, (result, )?errors and statuses are those of `\w+`", inspect.getdoc(FUNCTIONS[name]) or "")


def test_results_are_what_the_annotations_say() -> None:
    annotated = {name: inspect.signature(function).return_annotation for name, function in FUNCTIONS.items()}
    assert all(annotation is not inspect.Signature.empty for annotation in annotated.values())
    assert isinstance(ss.score(ss.mixture([0.0]), 0.0), xr.DataArray)
