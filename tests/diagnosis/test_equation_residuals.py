"""Residuals of the score's equation: 0 of exact scores, closed forms of linear fields."""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.diagnosis.equation_residuals import residuals
from scoreshock.diagnosis.scores import learned_score
from scoreshock.diagnosis.truth import truth_of

PAIR = truth_of(ss.mixture([[-1.0, 0.0], [1.0, 0.5]], [0.3, 0.7], variance=0.09))
MANY = truth_of(ss.mixture(np.random.default_rng(0).normal(size=(4, 12)), variance=0.09))
QUARTER_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


@pytest.mark.parametrize("kind", ["float64", "float32"])
@pytest.mark.parametrize("sigma", [0.06, 0.3, 1.0, 5.0])
def test_of_an_exact_score_it_is_0_within_its_error(sigma: float, kind: str) -> None:
    exact = learned_score(lambda x, tau: PAIR.score(x, float(np.sqrt(2 * tau[0]))).astype(kind))
    found = residuals(exact, PAIR.starts(200, sigma, 0), sigma)
    assert (found["equation_residual"] <= found["equation_residual_error"]).all()
    assert (found["equation_residual_error"] < (1e-5 if kind == "float64" else 0.1)).all()


def test_in_many_features_only_burgers_equation_is_taken() -> None:
    exact = learned_score(lambda x, tau: MANY.score(x, float(np.sqrt(2 * tau[0]))))
    found = residuals(exact, MANY.starts(100, 0.5, 0), 0.5)
    assert found["equation_status"].tolist() == [Status.not_applicable, Status.ok]
    assert np.isnan(found["equation_residual"][0])
    assert found["equation_residual"][1] <= found["equation_residual_error"][1] < 1e-5


def test_of_a_rotating_field_both_are_closed_forms() -> None:
    """s = -x/v + w Jx, v = 1 + 2 tau: s_tau = 2x/v^2, (s.grad)s = (1/v^2 - w^2)x - 2w/v Jx, grad |s|^2 = 2(1/v^2 + w^2)x."""
    turning, sigma = 0.4, 0.8
    v = 1 + sigma**2
    field = learned_score(lambda x, tau: -x / (1 + 2 * tau[:, None]) + turning * x @ QUARTER_TURN.T)
    found = residuals(field, np.random.default_rng(0).normal(size=(50, 2)), sigma)
    gradient = 2 * turning**2 / np.hypot(2 / v**2, 2 * (1 / v**2 + turning**2))
    advection = np.hypot(2 * (1 / v**2 - turning**2), 4 * turning / v)
    burgers = np.hypot(2 * turning**2, 4 * turning / v) / np.hypot(2 / v**2, advection)
    np.testing.assert_allclose(found["equation_residual"], [gradient, burgers], rtol=1e-6)


def test_at_the_ends_of_a_schedule_it_stays_inside() -> None:
    edm = ss.schedule("edm")
    exact = learned_score(lambda x, t: -x / (1 + np.asarray(t)[:, None] ** 2), schedule=edm)
    sigma = float(edm.sigma(edm.end))
    found = residuals(exact, np.array([[0.5], [2.0]]), sigma)
    assert (found["equation_residual"] <= found["equation_residual_error"]).all()
