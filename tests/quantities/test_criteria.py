"""Criteria by their declarations: what a result says of them, and a formula that shares the results of ours."""

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.quantities.declaration import CRITERIA, criterion

PAIR = ss.families.pair(separation=[1.0, 2.0], variance=0.09)


@pytest.fixture
def declared():
    before = dict(CRITERIA)
    yield
    for name in set(CRITERIA) - set(before):
        del CRITERIA[name], CRITERIA._functions[name]


def test_a_result_explains_its_criteria_in_their_order():
    result = ss.speciation(PAIR, criteria=["merging", "leading"])
    lines = result.criterion.attrs["description"].split("\n")
    assert [line.partition(": ")[0] for line in lines] == ["merging", "leading"] == result.criterion.values.tolist()
    assert all(line.partition(": ")[2] for line in lines)


@pytest.mark.usefixtures("declared")
def test_a_formula_takes_inputs_by_name_and_may_have_arguments_of_its_own():
    @criterion("half", "half of the exact variance")
    def half(exact, variance, factor=0.5):
        tau = factor * (exact.tau_star + variance / 2) - variance / 2
        return tau, np.where(tau > 0, Status.ok, Status.below_data_variance)

    result = ss.speciation(PAIR, criteria=["half", "exact"])
    one, exact = (result.tau_star.sel(criterion=name).values.squeeze() for name in ("half", "exact"))
    np.testing.assert_allclose(one, 0.5 * (exact + 0.045) - 0.045, rtol=1e-15)
    assert (result.status == Status.ok).all()
    assert "half" not in ss.speciation(PAIR).criterion
    with pytest.raises(ValueError, match="half"):
        ss.well_speciation(ss.well("quartic"), criteria=["half"])
