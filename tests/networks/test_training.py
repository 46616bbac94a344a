"""Trained networks: against the exact score of what they were trained on, and without PyTorch a sentence."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from scoreshock.diagnosis.truth import Truth, truth_of
from scoreshock.kernels.covariances.components import Components
from scoreshock.networks import damages
from scoreshock.networks.damages import ALL, DAMAGES, Task
from scoreshock.networks.perceptron import EMBEDDED, score_of
from scoreshock.networks.training import HIGH, LOW, architecture_of, train
from scoreshock.networks.truths import DATA_SETS

PAIR = DATA_SETS["pair"]
STEPS, SEEDS = 1500, 2
LEVELS = (0.1, 0.2, 0.5, 0.8, 2.0, 5.0)
QUARTER = np.array([[0.0, 1.0], [-1.0, 0.0]])


@pytest.fixture(scope="module")
def trained():
    pytest.importorskip("torch")
    return train(PAIR, STEPS, SEEDS)


def as_truth(task: Task) -> Truth:
    variance = np.full(len(task.means), task.variance)
    return Truth(Components(task.means, task.weights, variance, None, None), True)


def wanted(task: Task, x: np.ndarray, sigma: float) -> np.ndarray:
    """The score that a network of the task is to learn, from the sentences of the damages."""
    exact = as_truth(task).score(x, sigma)
    error = task.turn * exact @ QUARTER
    if task.push:
        bump = np.exp(-0.5 * (np.log(sigma / task.level) / damages.WIDTH) ** 2)
        error = error + task.push / sigma * bump * task.direction
    return exact + error


def relative(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.sqrt(((found - exact) ** 2).sum() / (exact**2).sum()))


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_network_learns_the_score_of_its_task_to_a_few_percent(trained, damage: str) -> None:
    truth = PAIR.mixture()
    for seed in range(SEEDS):
        task = DAMAGES[damage](truth, seed, PAIR.memorised)
        score = score_of(trained.architecture, trained.damaged.sel(damage=damage, seed=seed).values.astype(float))
        for sigma in LEVELS:
            x = as_truth(task).starts(1000, sigma, 77)
            limit = 0.03 if damage != "memorising" else 0.2 if sigma >= 0.2 else np.inf  # samples are sharper
            assert relative(score(x, sigma**2 / 2), wanted(task, x, sigma)) < limit, sigma


@pytest.mark.slow
@pytest.mark.parametrize("damage", ALL[1:])
def test_a_damage_is_in_the_weights(trained, damage: str) -> None:
    """Against the true score each is further off, somewhere, than the network without damage by a factor of three."""
    truth = truth_of(PAIR.mixture())
    off = {}
    for name in ("none", damage):
        score = score_of(trained.architecture, trained.damaged.sel(damage=name, seed=0).values.astype(float))
        draws = [(truth.starts(1000, sigma, 77), sigma) for sigma in LEVELS]
        off[name] = np.array([relative(score(x, sigma**2 / 2), truth.score(x, sigma)) for x, sigma in draws])
    assert (off[damage] / off["none"]).max() > 3


@pytest.mark.slow
def test_checkpoints_approach_the_exact_score(trained) -> None:
    truth, sigma = truth_of(PAIR.mixture()), 0.5
    x = truth.starts(1000, sigma, 77)
    scores = [score_of(trained.architecture, row.values.astype(float)) for row in trained.course.isel(seed=0)]
    off = [relative(score(x, sigma**2 / 2), truth.score(x, sigma)) for score in scores]
    assert trained.course.training_step.values.tolist() == [8, 30, 75, 225, 600, 1500]
    assert off[0] > 3 * off[2] > 9 * off[-1]  # between them the learning rate shakes them
    assert off[-1] == min(off)
    assert (trained.course.isel(training_step=-1).values == trained.damaged.sel(damage="none").values).all()
    assert (trained.course.sel(training_step=75).values == trained.damaged.sel(damage="undertrained").values).all()


@pytest.mark.slow
def test_a_seed_is_the_same_network_whatever_is_trained_beside_it() -> None:
    pytest.importorskip("torch")
    few = train(PAIR, 40, 1)
    more = train(PAIR, 40, 3)
    np.testing.assert_allclose(few.damaged.values[:, 0], more.damaged.values[:, 0], atol=1e-4)
    again = train(PAIR, 40, 3)
    assert (again.damaged.values == more.damaged.values).all()
    assert np.abs(more.damaged.values[:, 0] - more.damaged.values[:, 1]).max() > 0.1


def test_the_preconditioning_is_of_the_data_and_the_levels_reach_beyond_it() -> None:
    shape = architecture_of(PAIR, PAIR.mixture())
    assert shape.sigma_data == pytest.approx(np.sqrt(0.59))
    assert shape.sigma_range == pytest.approx((LOW * 0.3, HIGH * np.sqrt(1.09)))
    assert shape.size == (2 + EMBEDDED) * 64 + 64 + 2 * (64 * 64 + 64) + 64 * 2 + 2


def test_without_torch_a_sentence_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs PyTorch: python -m pip install 'scoreshock\[torch\]'"):
        train(PAIR)
