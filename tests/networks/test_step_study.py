"""The study of steps: published facts, intervals, and trained scores that are the exact one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.networks import files, step_study
from scoreshock.networks.perceptron import Architecture
from scoreshock.networks.plans import PLANS, Plan
from scoreshock.networks.step_files import write_steps
from scoreshock.networks.step_findings import compared, findings
from scoreshock.networks.step_study import DENSITIES, OPTIMUM, of_density
from scoreshock.networks.step_winners import joined, with_winners
from scoreshock.networks.workflow import SHARES, STEPS, step_files

TINY = Plan(("gaussian", "overlapping", "atoms"), (6, 12), 5, 100)


def test_all_densities_are_planned() -> None:
    assert PLANS["full"].densities == tuple(DENSITIES) == tuple(STEPS)
    assert SHARES.keys() == PLANS.keys()
    assert set(PLANS["brief"].densities) < set(DENSITIES)


def steps_of(plan: Plan, files: dict[str, Path] | None = None) -> xr.Dataset:
    return joined([of_density(name, (files or {}).get(name), plan) for name in plan.densities])


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    return steps_of(TINY)


@pytest.mark.slow
def test_of_a_gaussian_rescaled_time_wins_with_euler_and_is_its_optimum(found: xr.Dataset) -> None:
    """Sabour et al. 2024, theorem 3.1: nothing is better."""
    own = found.sel(density="gaussian", score="exact", solver="euler", measure="trajectory_error")
    assert (own.winner == "rescaled").all()
    assert (own.winner_status == Status.ok).all()
    np.testing.assert_allclose(own.optimum_ratio, 1.0, atol=2e-3)


@pytest.mark.slow
def test_entropic_time_loses_on_overlapping_components_and_wins_weights_of_atoms_with_dpm(found: xr.Dataset) -> None:
    """Stancevic, Handke and Ambrogioni 2025; of atoms it holds for the weights of modes alone."""
    ratio, apart, width = compared(found.sel(score="exact"), "trajectory_error", "entropic", "rescaled")
    without_noise = ["euler", "heun", "dpmpp-2m"]
    assert (apart > width).sel(density="overlapping", solver=without_noise).all()
    assert (ratio.sel(density="overlapping", solver=without_noise) > 2).all()
    weights = compared(found.sel(score="exact"), "mode_weight_error", "entropic", "rescaled")[0]
    assert float(weights.sel(density="atoms", solver="dpmpp-2m", calls=12)) < 0.8
    assert float(ratio.sel(density="atoms", solver="euler", calls=12)) > 1


@pytest.mark.slow
def test_what_is_missing_is_flagged(found: xr.Dataset) -> None:
    noisy = found.sel(measure="trajectory_error", solver=["ancestral 0.3", "ancestral 1"])
    assert (noisy.winner_status == Status.not_applicable).all()
    assert (found.winner_status.sel(score="trained") == Status.not_applicable).all()
    exact = found.sel(score="exact")
    assert (exact.winner_status.sel(measure="sliced_wasserstein") != Status.not_applicable).all()
    assert exact.trajectory_error.sel(rule=OPTIMUM, density=["overlapping", "atoms"]).isnull().all()
    # One component has no weights to be wrong: no rule is better.
    assert (exact.winner_status.sel(measure="mode_weight_error", density="gaussian") == Status.unresolved).all()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File of networks without weights, which are the score of N(0, sigma_data^2)."""
    shape = Architecture(features=1, hidden=4, layers=1, sigma_data=0.5)
    labels = {"damage": ["none", "layer"], "seed": [0, 1]}
    zeros = xr.DataArray(np.zeros((2, 2, shape.size)), labels, (*labels, "parameter"))
    file = tmp_path_factory.mktemp("networks") / "gaussian.nc"
    files.write(file, ss.mixture([0.0], variance=0.25), zeros, shape)
    return file


@pytest.mark.slow
def test_a_network_that_is_the_exact_score_has_its_errors(network: Path) -> None:
    plan = Plan(("gaussian",), (4,), 2, 50)
    found = steps_of(plan, {"gaussian": network})
    assert found.density.values.tolist() == ["gaussian"]
    for measure in step_study.MEASURES:
        exact, trained = (found[measure].sel(score=score, drop=True) for score in ("exact", "trained"))
        np.testing.assert_allclose(trained, exact, rtol=1e-6, atol=1e-9)
    assert (steps_of(plan).trajectory_error == found.trajectory_error).sel(score="exact", solver="heun").all()


def errors(rows: dict[str, list[float]]) -> xr.Dataset:
    """A dataset of one density, solver and number of calls, with these errors of rules by seed."""
    values = np.array(list(rows.values()))[None, None, None, None]
    dims = ("density", "score", "solver", "calls", "rule", "seed")
    axes = {"density": ["one"], "score": ["exact"], "solver": ["euler"], "calls": [5], "rule": list(rows), "seed": [1, 2, 3]}
    return xr.Dataset(dict.fromkeys(step_study.MEASURES, (dims, values)), axes)


def test_the_winner_leads_by_a_paired_interval() -> None:
    """All rules vary alike: the difference is sure where each error is not; the optimum does not compete."""
    found = with_winners(errors({"a": [1.0, 2.0, 3.0], "b": [1.2, 2.2, 3.2], "c": [9.0] * 3, OPTIMUM: [0.1] * 3})).squeeze()
    own = found.isel(measure=0)
    assert (str(own.winner.item()), str(own.next_best.item())) == ("a", "b")
    assert float(own.lead) == pytest.approx(0.2)
    assert float(own.lead_error) == pytest.approx(0.0, abs=1e-12)
    assert float(own.advantage) == pytest.approx(1.1)
    assert float(own.optimum_ratio) == pytest.approx(20.0)
    assert int(own.winner_status) == Status.ok


def test_no_rule_wins_where_the_interval_has_zero_in_it() -> None:
    """Differences .1, .1, .4: mean .2, Student's half width 4.303 times .1."""
    found = with_winners(errors({"a": [1.0, 1.0, 1.0], "b": [1.1, 1.1, 1.4], OPTIMUM: [0.1] * 3})).squeeze()
    own = found.isel(measure=0)
    assert float(own.lead_error) == pytest.approx(4.303 * 0.1, rel=1e-3)
    assert int(own.winner_status) == Status.unresolved
    tied = with_winners(errors({"a": [0.0] * 3, "b": [0.0] * 3, OPTIMUM: [0.0] * 3})).squeeze()
    assert (tied.winner_status == Status.unresolved).all()


@pytest.mark.slow
def test_sentences_name_the_counts_and_where_the_rules_of_the_layer_win(found: xr.Dataset) -> None:
    said = findings(found)
    assert said == str(found.attrs["findings"]).split("\n")
    count = int((found.sel(measure="trajectory_error", score="exact").winner_status == Status.ok).sum())
    assert f"one rule is best in {count} of 18 combinations" in said[0]
    assert any(sentence.startswith("The rule of the layer (section 11.2) wins ") for sentence in said)
    assert any(
        "Overlapping, by trajectory error: entropic time is better than rescaled in 0, worse in 6 of 6" in s for s in said
    )
    assert max(map(len, said)) < 420


@pytest.mark.slow
def test_files_are_those_that_the_workflow_expects(tmp_path: Path, network: Path) -> None:
    written = write_steps(steps_of(Plan(("gaussian", "pair"), (4, 8), 3, 30), {"gaussian": network}), tmp_path)
    assert [path.name for path in written] == step_files()
    assert all(path.stat().st_size > 50 for path in written)
    assert (tmp_path / "steps.md").read_text().startswith("* By trajectory error")
