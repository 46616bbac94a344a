"""The upper bound on what moves the density: rotations leave nothing, shifts all, and both are told apart."""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.diagnosis.gradient_part import from_samples
from scoreshock.diagnosis.solenoidal_part import upper_bounds
from scoreshock.diagnosis.truth import Truth, truth_of

SIGMA = 0.5


def mixture(n: int, weights: np.ndarray | None = None) -> Truth:
    return truth_of(ss.mixture(np.random.default_rng(0).normal(size=(3, n)), weights, variance=0.25))


def turn(n: int) -> np.ndarray:
    matrix = np.random.default_rng(1).normal(size=(n, n)) / np.sqrt(n)
    return matrix - matrix.T


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 8, 40])
def test_the_turned_score_keeps_a_mixture_and_a_shift_does_not(n: int) -> None:
    """p A grad ln p = A grad p has no divergence for antisymmetric A."""
    truth = mixture(n)
    x = truth.starts(1000, SIGMA, 0)
    kept = truth.score(x, SIGMA) @ turn(n).T
    (least, _), (above, error) = upper_bounds(truth, SIGMA, x, [kept, np.full((1000, n), 0.3)])
    assert least < 1e-3 * (kept**2).sum(axis=1).mean()
    assert abs(above - 0.09 * n) < 4 * error + 0.03 * 0.09 * n


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 8])
def test_of_both_together_it_is_above_and_the_fit_of_a_gradient_below(n: int) -> None:
    truth, other = mixture(n), mixture(n, np.array([0.5, 0.3, 0.2]))
    x = truth.starts(2000, SIGMA, 0)
    gradient = other.score(x, SIGMA) - truth.score(x, SIGMA)
    both = gradient + truth.score(x, SIGMA) @ turn(n).T
    (found,) = from_samples(truth, SIGMA, x, [both])
    known = (gradient**2).sum(axis=1).mean()  # both parts are orthogonal over p
    assert found.whole > 5 * known
    assert found.gradient < known + 4 * found.gradient_error
    assert known - 4 * found.upper_error < found.upper < 2 * known
    assert found.upper <= found.whole


def test_an_error_of_nothing_leaves_nothing() -> None:
    truth = mixture(3)
    x = truth.starts(40, SIGMA, 0)
    assert upper_bounds(truth, SIGMA, x, [np.zeros_like(x)]) == [(0.0, 0.0)]
