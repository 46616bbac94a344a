"""Weights of modes: what is predicted to first order against closed forms and against what is generated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

import scoreshock as ss
from scoreshock.diagnosis.mode_weights import divergence, generated, level_weights, measured, predicted
from scoreshock.diagnosis.score_error import drawn
from scoreshock.diagnosis.scores import Score, learned_score
from scoreshock.diagnosis.truth import Truth, truth_of

LEVELS = np.geomspace(0.1, 6.0, 20)
WEIGHT, LEARNED, VARIANCE = 0.4, 0.41, 0.09


def line(weight: float) -> Truth:
    return truth_of(ss.mixture([-1.0, 1.0], [1 - weight, weight], variance=VARIANCE))


def score_of(truth: Truth) -> Score:
    return learned_score(lambda x, tau: truth.score(x, float(np.sqrt(2 * tau[0]))))


def found(score: Score, truth: Truth, count: int = 2000, levels: np.ndarray = LEVELS) -> dict[str, Any]:
    draws = [drawn([score], truth, float(sigma), count, 0)[0] for sigma in levels]
    (made,) = generated([score], truth, levels, count, 0)
    return predicted(score, truth, draws, made.path, 0) | measured(truth, made, float(levels[0]), 0)


def density(x: float, weight: float, deviation: float) -> float:
    return (1 - weight) * norm.pdf(x, -1, deviation) + weight * norm.pdf(x, 1, deviation)


def share_of_the_reverse_sde() -> float:
    """Samples of the true noisy density end in a component with its chance under the learned mixture."""
    deviation = np.hypot(LEVELS[-1], np.sqrt(VARIANCE))

    def chance(x: float) -> float:
        return LEARNED * norm.pdf(x, 1, deviation) / density(x, LEARNED, deviation)

    return quad(lambda x: density(x, WEIGHT, deviation) * chance(x), -60, 60, epsabs=1e-12)[0]


def share_of_the_flow() -> float:
    """On a line the flow keeps the order: the right mode gets what is above the learned mixture's quantile."""
    deviation = np.hypot(LEVELS[-1], np.sqrt(VARIANCE))

    def above(x: float, weight: float) -> float:
        return (1 - weight) * norm.sf(x, -1, deviation) + weight * norm.sf(x, 1, deviation)

    return above(brentq(lambda x: above(x, LEARNED) - LEARNED, -40, 40, xtol=1e-12), WEIGHT)


@pytest.fixture(scope="module")
def other_weights() -> dict[str, Any]:
    return found(score_of(line(LEARNED)), line(WEIGHT))


@pytest.mark.slow
def test_prediction_and_measurement_are_the_closed_forms_of_a_pair(other_weights: dict[str, Any]) -> None:
    exact = np.array([share_of_the_flow(), share_of_the_reverse_sde()]) - WEIGHT
    assert (exact > 0.004).all()
    values, errors = (other_weights[f"predicted_mode_weight{each}"][:, 1] for each in ("", "_error"))
    assert (abs(values - exact) < 4 * errors + 0.05 * exact).all()
    assert (errors < 0.1 * exact).all()
    values, errors = (other_weights[f"mode_weight_change{each}"][:, 1] for each in ("", "_error"))
    assert (abs(values - exact) < 4 * errors + 0.05 * exact).all()


@pytest.mark.slow
def test_changes_add_up_to_nothing_and_levels_to_the_whole(other_weights: dict[str, Any]) -> None:
    for name in ("predicted_mode_weight", "mode_weight_change"):
        np.testing.assert_allclose(other_weights[name].sum(axis=-1), 0.0, atol=1e-12)
    parts = other_weights["predicted_mode_weight_share"]
    np.testing.assert_allclose(parts.sum(axis=-1), other_weights["predicted_mode_weight"], rtol=1e-12)


PLANE = truth_of(ss.mixture([[-1.0, 0.0], [1.0, 0.5], [0.0, 2.0]], [0.3, 0.3, 0.4], variance=0.09))


@pytest.mark.slow
def test_a_field_that_keeps_the_density_predicts_nothing() -> None:
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])

    def rotated(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        s = PLANE.score(x, float(np.sqrt(2 * tau[0])))
        return s + s @ turn.T

    made = found(learned_score(rotated), PLANE, 1000, np.geomspace(0.2, 4.0, 8))
    assert (abs(made["predicted_mode_weight"]) < 4 * made["predicted_mode_weight_error"]).all()
    assert (made["predicted_mode_weight_error"] > 0).all()


@pytest.mark.slow
def test_the_exact_score_changes_nothing() -> None:
    made = found(score_of(PLANE), PLANE, 200, np.geomspace(0.2, 4.0, 5))
    for name in ("predicted_mode_weight", "mode_weight_change", "mode_weight_change_error"):
        assert (abs(made[name]) < 1e-9).all()
    np.testing.assert_array_equal(made["mode_weight_error"], made["mode_weight_floor"])


@pytest.mark.slow
def test_a_shift_across_the_layer_moves_weight_as_predicted_in_many_features() -> None:
    means = np.zeros((2, 8))
    means[:, 0] = -1.0, 1.0
    truth = truth_of(ss.mixture(means, variance=0.09))
    shifted = learned_score(lambda x, tau: truth.score(x, float(np.sqrt(2 * tau[0]))) + 0.02 * np.eye(8)[0])
    made = found(shifted, truth, 4000, np.geomspace(0.1, 3.0, 16))
    difference = made["predicted_mode_weight"] - made["mode_weight_change"]
    error = np.hypot(made["predicted_mode_weight_error"], made["mode_weight_change_error"])
    assert (abs(difference) < 4 * error).all()
    assert (made["predicted_mode_weight"][:, 1] > 5 * made["predicted_mode_weight_error"][:, 1]).all()


@pytest.mark.parametrize("n", [2, 6])
def test_the_divergence_of_an_error_is_that_of_its_jacobian(n: int) -> None:
    truth = truth_of(ss.mixture(np.random.default_rng(0).normal(size=(3, n)), variance=0.25))
    matrix = np.random.default_rng(1).normal(size=(n, n))
    wrong = learned_score(lambda x, tau: truth.score(x, float(np.sqrt(2 * tau[0]))) + x @ matrix.T + 0.5 * x**2)
    x = truth.starts(4000, 0.7, 0)
    known = np.trace(matrix) + x.sum(axis=1)
    values = divergence(wrong, truth, x, 0.7, 0)
    if n == 2:
        np.testing.assert_allclose(values, known, rtol=1e-6, atol=1e-7)
    else:  # along one random direction a point
        off = values - known
        assert abs(off.mean()) < 4 * off.std() / np.sqrt(len(x))


def test_weights_of_levels_integrate_over_tau() -> None:
    levels = np.geomspace(0.1, 2.0, 200)
    assert level_weights(levels).sum() == pytest.approx((2.0**2 - 0.1**2) / 2, rel=1e-4)
