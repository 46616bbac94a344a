"""Every variable of a file is described, and its formulas are cited."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import scoreshock
from scoreshock.comparison import variables as of_comparisons
from scoreshock.conventions import AXES, SHARED, Variable, attributes
from scoreshock.quantities import declaration

CITATION = r"\(\d+\)(-\(\d+\))?|(Definition|Theorem|Proposition|Corollary|Lemma) \d+\.\d+|section \d+(\.\d+)?"
OF_THE_PAPER = rf"arXiv:2604\.07404, ({CITATION})(, ({CITATION}))*"
LONG_NAME = 60
"""Most characters of a long name: it labels axes and heads tables."""
ANOTHER_WORK = r"[A-Z][\w-]+(, [A-Z]?[\w ]+)* (19|20)\d\d, .+"


def declared() -> dict[str, Variable]:
    """Variables that modules declare, by module and name."""
    result = {}
    for module in pkgutil.walk_packages(scoreshock.__path__, "scoreshock."):
        if module.name.split(".")[1] in ("quantities", "conventions", "comparison"):
            for value in vars(importlib.import_module(module.name)).values():
                for each in value if isinstance(value, tuple) else [value]:
                    if isinstance(each, Variable):
                        result[f"{each.name} in {module.name}"] = each
    return result


VARIABLES = declared()


@pytest.mark.parametrize("variable", VARIABLES.values(), ids=list(VARIABLES))
def test_a_description_is_a_sentence_beside_the_long_name_and_a_reference_is_a_citation(variable: Variable) -> None:
    told = variable.attributes()
    text = str(told.get("description", ""))
    assert text.rstrip(".").casefold() != variable.long_name.rstrip(".").casefold()
    assert text.isascii()
    assert variable.long_name.isascii()
    assert re.fullmatch(f"{OF_THE_PAPER}|{ANOTHER_WORK}", str(told.get("references", "arXiv:2604.07404, (1)")))


@pytest.mark.parametrize("variable", VARIABLES.values(), ids=list(VARIABLES))
def test_a_long_name_fits_beside_an_axis_and_defines_nothing(variable: Variable) -> None:
    assert 0 < len(variable.long_name) <= LONG_NAME
    assert not re.search(r"=|sqrt|\.", variable.long_name)


@pytest.mark.parametrize("name", AXES)
def test_a_long_name_of_an_axis_fits_beside_it(name: str) -> None:
    assert 0 < len(AXES[name].long_name) <= LONG_NAME
    assert str(attributes(name)["description"]).endswith(f"allowed is {AXES[name].allowed}.")


def test_flags_end_in_status_and_a_link_leads_to_a_flag() -> None:
    for variable in VARIABLES.values():
        assert not variable.status or variable.status.endswith("status")
        if variable.name.endswith("status"):
            assert variable.flags is not None


def test_the_status_of_a_variable_is_one_of_its_quantity() -> None:
    declaration.import_all()
    for quantity in declaration.DECLARED.values():
        names = {variable.name for variable in quantity.variables}
        lacking = {v.name: v.status for v in quantity.variables if v.status and v.status not in names | {"status"}}
        assert not lacking, quantity.module


@pytest.mark.parametrize("name", [*AXES, *SHARED])
def test_axes_and_shared_variables_are_described(name: str) -> None:
    assert attributes(name)["long_name"]


def test_a_flag_names_the_values_that_it_explains() -> None:
    assert of_comparisons.attributes("window_status")["description"] == (
        "ok where window_width can be relied on, else the reason why not."
    )
