"""What a plan counts, and how fast."""

import sys

import pytest

from scoreshock.study.plan import plan, table
from scoreshock.study.study import load_study

from .test_study import DEFAULT, PAIR, study_of


@pytest.mark.slow
def test_a_plan_counts_blocks_and_points():
    default = load_study(DEFAULT)
    costs = {(cost.sweep, cost.quantity): cost for cost in plan(default)}
    assert costs["pair", "scores"].blocks == 2
    assert costs["pair", "speciation"].points == 76 * 2 * 3
    assert costs["pair", "scores"].points == 76 * 2 * 3 * 2 * 301 * 5
    last = [line for line in table(default).splitlines() if line.startswith("| total")]
    assert f"{sum(cost.points for cost in costs.values()):,}" in last[0]
    lengths = {len(line) for line in table(default).split("\n\n")[0].splitlines()}
    assert len(lengths) == 1


@pytest.mark.slow
def test_planning_ten_thousand_blocks_takes_few_calls_of_functions_each():
    many = {"start": 0.1, "stop": 5.0, "num": 100}
    sweep = PAIR | {"axes": {"separation": many, "variance": many, "schedule": ["ve"]}, "split": ["separation", "variance"]}
    study = study_of(sweep)
    plan(study)  # what does not grow with the number of blocks
    calls = 0

    def count(*_):
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    costs = plan(study)
    names = {block.name for block in study.sweeps["pair"].blocks("speciation")}
    sys.setprofile(None)
    assert (costs[1].blocks, len(names)) == (10_000, 10_000)
    assert calls < 40 * len(names)
