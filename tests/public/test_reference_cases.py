"""Every reference case of every kind, met in every field, at its own tolerances, through the public names alone."""

import pytest

from tests.public.cases import ANSWERS, covariances, fields, layers, times  # noqa: F401 (they enter their answers)
from tests.reference import all_cases, check, identify


def test_every_kind_of_the_file_is_answered_and_no_other():
    assert set(ANSWERS) == {case["kind"] for case in all_cases()}


@pytest.mark.slow
@pytest.mark.parametrize("case", all_cases(), ids=identify)
def test_case_is_met_in_every_field(case):
    met = set()
    for field, got in ANSWERS[case["kind"]](case, **case["inputs"]):
        if field in case["expected"]:
            check(case, field, got)
            met.add(field)
    assert met == set(case["expected"])
