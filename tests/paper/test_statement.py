"""How the verdict on a statement follows from the numbers that were computed of it."""

import numpy as np
import pytest
import xarray as xr

from scoreshock.paper import statement


def test_a_verdict_follows_from_the_numbers() -> None:
    good, bad = (statement.residual(size, "gap") for size in (1e-15, 1e-3))
    seen, unseen = (statement.violation(size, "case") for size in (1.0, 0.0))
    verdicts = {
        "holds": statement.judge(xr.Dataset({"a": good})),
        "not confirmed": statement.judge(xr.Dataset({"a": good, "b": bad})),
        "does not hold": statement.judge(xr.Dataset({"a": good, "c": seen})),
        "holds if so": statement.judge(xr.Dataset({"a": good, "c": seen}), "so"),
    }
    assert {name: outcome.verdict for name, outcome in verdicts.items()} == {name: name for name in verdicts}
    for lacking in (xr.Dataset({"a": good, "c": unseen}), xr.Dataset({"a": good})):
        assert statement.judge(lacking, "so").verdict == "not confirmed"


@pytest.mark.parametrize("condition", ["", "so"])
@pytest.mark.parametrize("size", [[], [np.nan], [0.0, np.nan], [1.0, np.nan]], ids=["none", "nan", "0-nan", "1-nan"])
def test_nan_neither_confirms_nor_contradicts(size: list[float], condition: str) -> None:
    good, case = statement.residual(1e-15, "gap"), statement.violation(1.0, "case")
    nothing = statement.judge(xr.Dataset({"a": good, "c": statement.violation(size, "case", dims="n")}), condition)
    unknown = statement.judge(xr.Dataset({"a": good, "b": statement.residual(size, "gap", dims="n"), "c": case}), condition)
    alone = statement.judge(xr.Dataset({"b": statement.residual(size, "gap", dims="n")}), condition)
    assert {nothing.verdict, unknown.verdict, alone.verdict} == {"not confirmed"}
    assert unknown.closest.name == "b", "the page shows the residual that nobody knows"


def test_an_infinite_counter_example_is_none() -> None:
    result = xr.Dataset({"a": statement.residual(1e-15, "gap"), "c": statement.violation(np.inf, "case")})
    assert statement.judge(result).verdict == "not confirmed"
