"""Levels of every rule: closed forms, theorems, and the optimum, which no rule beats."""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.diagnosis.step_rules import errors_of
from scoreshock.diagnosis.steps import RULES, Spaced, checked_ends

PAIR = ss.mixture([-1.0, 1.0], variance=0.09)


@pytest.mark.slow
@pytest.mark.parametrize("to_zero", [True, False])
def test_every_list_falls_from_end_to_end(to_zero: bool) -> None:
    found = ss.allocate_steps(PAIR, 7, None, "edm", 0.02, 30.0, to_zero=to_zero)
    rows = found.sigma_level.values
    assert list(found.rule.values) == list(RULES)
    assert rows.shape == (len(RULES), 8)
    assert (np.diff(rows) < 0).all()
    assert (rows[:, 0] == 30.0).all()
    assert (rows[:, -1] == (0.0 if to_zero else 0.02)).all()
    if to_zero:
        assert (rows[:, -2] == 0.02).all()
    np.testing.assert_allclose(found.time.sel(schedule="edm"), rows, rtol=1e-12)
    np.testing.assert_allclose(found.tau_level, rows**2 / 2, rtol=1e-15)


@pytest.mark.parametrize("c", [0.5, 2.0])
def test_rescaled_levels_of_a_gaussian_are_tangents_and_the_optimum_of_euler(c: float) -> None:
    """Sabour et al. 2024, theorem 3.1."""
    low, high = c * np.tan([0.05, 1.4])
    one = ss.mixture([0.0], variance=c * c)
    found = ss.allocate_steps(one, 6, ["rescaled", "optimum"], None, low, high, to_zero=False).sigma_level
    angles = np.linspace(1.4, 0.05, 7)
    np.testing.assert_allclose(np.arctan(found.sel(rule="rescaled") / c), angles, atol=1e-9)
    np.testing.assert_allclose(np.arctan(found.sel(rule="optimum") / c), angles, atol=2e-3)


def test_published_lists_are_kept_at_their_own_ends_and_size() -> None:
    names = ["align-your-steps", "gits", "karras", "log-snr", "uniform"]
    found = ss.allocate_steps(PAIR, 10, names, None, 0.0291671582, 14.6146412293, to_zero=False).sigma_level
    assert found.sel(rule="align-your-steps").values[1] == pytest.approx(6.4745760956, rel=1e-9)
    assert found.sel(rule="gits").values[5] == pytest.approx(0.74807048, rel=1e-5)
    assert np.ptp(np.diff(np.log(found.sel(rule="log-snr")))) < 1e-12
    assert np.ptp(np.diff(found.sel(rule="uniform"))) < 1e-12
    assert np.ptp(np.diff(found.sel(rule="karras") ** (1 / 7))) < 1e-12


def test_steps_of_the_layer_are_inverse_to_the_slope_at_the_centre() -> None:
    """Of a pair of equal weights the slope is (a^2 - v)/v^2, (30)."""
    row = ss.allocate_steps(PAIR, 400, "layer", None, 0.02, 30.0, to_zero=False).sigma_level.values[0]
    middle, step = np.sqrt(row[1:] * row[:-1]), -np.diff(row**2 / 2)
    v = 0.09 + middle**2
    rate = step * np.maximum((1 - v) / v**2, 1 / v)
    assert rate.std() / rate.mean() < 2e-3


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["euler", "heun", "dpmpp-2m"])
def test_no_rule_beats_the_optimum(solver: str) -> None:
    spaced = Spaced(PAIR, checked_ends(0.02, 30.0, True), None, 0)
    rows = spaced.rows(list(RULES), 8, solver)
    errors = errors_of(spaced.denoise, spaced.paths, rows, solver)
    best = min(error for name, error in zip(RULES, errors, strict=True) if name != "optimum")
    assert errors[list(RULES).index("optimum")] < 0.99 * best


@pytest.mark.slow
def test_the_bound_s_steps_have_the_least_bound() -> None:
    """The sum of h^2 |x''| exp(growth)/2 over the steps, for steps by the rule and by others."""
    spaced = Spaced(PAIR, checked_ends(0.05, 10.0, False), None, 0)
    nodes = spaced.ends.nodes
    v = 0.09 + nodes**2
    growth = 0.5 * (1 / v[0] - 1 / v + np.log(v[0] / v))  # int (1 - v)/v^2 dtau
    weight = spaced.paths.bending * np.exp(growth)

    def bound(row: np.ndarray) -> float:
        step = -np.diff(row)
        return float((step**2 * np.interp(0.5 * (row[1:] + row[:-1]), nodes, weight)).sum())

    rows = spaced.rows(["bound", "log-snr", "karras", "uniform", "cosine", "layer"], 60, "euler")
    bounds = [bound(row) for row in rows]
    assert min(bounds) == bounds[0]


def test_one_step_is_the_first_level_and_its_landing() -> None:
    assert ss.allocate_steps(PAIR, 1, ["karras", "rescaled", "optimum"]).sigma_level.values.tolist() == [[80.0, 0.0]] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rules": "karas"}, r"karas.*allowed|allowed.*karras"),
        ({"sigma_min": 3.0, "sigma_max": 2.0}, r"sigma_max = 2.0 is not allowed; allowed: a number above sigma_min = 3.0"),
        ({"sigma_min": 0.0}, r"sigma_min = 0.0 is not allowed; allowed: a finite number > 0"),
        ({"solver": "ancestral"}, "ancestral"),
        ({"score": 3}, r"score = 3 is not allowed; allowed: what ss.learned_score returns"),
        ({"to_zero": "no"}, r"to_zero = 'no' is not allowed; allowed: True or False"),
        ({"mixture": ss.families.pair(separation=[1.0, 2.0])}, r"mixture has the sweep dimensions separation"),
    ],
)
def test_what_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ss.allocate_steps(**({"mixture": PAIR, "steps": 3} | arguments))
