"""Every variable of a file is described, and its formulas are cited."""

from __future__ import annotations

import re

import pytest

from scoreshock import conventions
from scoreshock.storage import descriptions

CITATION = r"\(\d+\)(-\(\d+\))?|(Definition|Theorem|Proposition|Corollary) \d+\.\d+"
OF_THE_PAPER = rf"arXiv:2604\.07404, ({CITATION})(, ({CITATION}))*"
ANOTHER_WORK = r"[A-Z]\w+(, [A-Z]?[\w ]+)* (19|20)\d\d, .+"


@pytest.mark.parametrize("name", sorted({*descriptions.DESCRIPTIONS, *conventions.FLAGS, *conventions.AXES}))
def test_a_description_is_a_sentence_beside_the_long_name_and_a_reference_is_a_citation(name: str) -> None:
    found = descriptions.attributes(name)
    text, known = found["description"], conventions.attributes(name)
    assert text.rstrip(".").casefold() != str(known["long_name"]).rstrip(".").casefold()
    assert text.isascii()
    assert re.fullmatch(f"{OF_THE_PAPER}|{ANOTHER_WORK}", found.get("references", "arXiv:2604.07404, (1)"))


def test_every_criterion_is_explained_where_criteria_are_listed() -> None:
    explained = dict(part.split(": ", 1) for part in descriptions.attributes("criterion")["description"].split("\n"))
    assert set(explained) == set(conventions.CRITERIA)


def test_a_flag_names_the_values_that_it_explains() -> None:
    text = descriptions.attributes("root_status")["description"]
    assert text.startswith("ok where tau_root and root_mode can be relied on")
