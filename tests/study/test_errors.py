"""Messages of a wrong study are short, however much is wrong."""

import numpy as np
import pytest

from scoreshock.study.errors import LONGEST, MOST, StudyError, show
from scoreshock.study.study import load_study

from .test_models import GOOD, lines_of


@pytest.mark.slow
def test_a_long_list_makes_no_long_message():
    with pytest.raises(StudyError, match=r"schedules\.mine: ") as caught:
        load_study({**GOOD, "schedules": {"mine": {"kind": "table", "betas": [1 + j / 1000 for j in range(1000)]}}})
    assert len(str(caught.value)) <= LONGEST
    many = {f"s{n}": {"family": "pear", "axes": {"separation": 1.0}, "quantities": ["scores"]} for n in range(MOST + 50)}
    lines = lines_of({"sweeps": many, "schedules": GOOD["schedules"]})
    assert len(lines) == MOST + 1
    assert lines[-1] == "... and 50 more problems"


@pytest.mark.parametrize("value", [list(range(10**5)), "x" * 10**6, {"a" * 10**4: [[[1]]]}, 10**400, [np.float64(0.1)] * 9])
def test_shown_values_are_short(value):
    assert len(show(value)) < 200
    assert "\n" not in show(value)
