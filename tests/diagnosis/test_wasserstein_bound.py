"""The bound on the flow's Wasserstein distance: met where the error only shifts, and never below what is measured."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp
from scipy.linalg import sqrtm

import scoreshock as ss
from scoreshock.diagnosis.score_error import of_jacobian
from scoreshock.diagnosis.truth import flowed, truth_of
from scoreshock.diagnosis.wasserstein_bound import w2_bound

LEVELS = np.geomspace(0.2, 2.0, 12)
LOW, HIGH = LEVELS[0] ** 2 / 2, LEVELS[-1] ** 2 / 2


def diagnosed(matrix: np.ndarray, shift: np.ndarray, variance: float) -> xr.Dataset:
    """Of the score ``(shift + matrix x - x)/v`` of N(0, variance) in the plane."""

    def model(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return (shift + x @ matrix.T - x) / (variance + 2 * tau)[:, None]

    return ss.diagnose(ss.learned_score(model), ss.mixture([[0.0, 0.0]], variance=variance), LEVELS, samples=1000)


def generated(matrix: np.ndarray, shift: np.ndarray, variance: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance at LOW of that score's flow, which starts exact at HIGH."""

    def slope(back: float, state: np.ndarray) -> np.ndarray:
        v = variance + 2 * (HIGH - back)
        mean, c = state[:2], state[2:].reshape(2, 2)
        a = (matrix - np.eye(2)) / v
        return np.concatenate([shift / v + a @ mean, (a @ c + c @ a.T).ravel()])

    start = np.concatenate([np.zeros(2), (variance + 2 * HIGH) * np.eye(2).ravel()])
    state = solve_ivp(slope, (0.0, HIGH - LOW), start, rtol=1e-10, atol=1e-12).y[:, -1]
    return state[:2], state[2:].reshape(2, 2)


def distance(mean: np.ndarray, c: np.ndarray, v: float) -> float:
    """Wasserstein distance of order two of N(mean, c) from N(0, v I) (Bures)."""
    return float(np.sqrt(mean @ mean + np.trace(c) + 2 * v - 2 * np.sqrt(v) * np.trace(sqrtm(c).real)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("matrix", "shift"),
    [
        ([[0.0, 0.0], [0.0, 0.0]], [0.3, 0.0]),
        ([[0.2, 0.0], [0.0, -0.3]], [0.0, 0.0]),
        ([[0.0, 0.4], [0.0, 0.0]], [0.1, -0.2]),
        ([[0.0, 2.0], [-2.0, 0.0]], [0.3, 0.3]),
    ],
)
def test_it_is_never_below_the_distance_of_gaussians(matrix: list, shift: list) -> None:
    """A linear score keeps Gaussians Gaussian."""
    own = np.array(matrix), np.array(shift), 0.25
    measured = distance(*generated(*own), 0.25 + 2 * LOW)
    bound = float(diagnosed(*own).w2_bound)
    assert 0.05 < measured < bound * (1 + 1e-4)  # between the levels by interpolation; a shift meets it


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0.0, 2.0])
def test_of_a_shift_it_is_the_distance_and_a_rotation_beside_it_adds_nothing(turn: float) -> None:
    """The rate of N(0, v) is -1/v, which the estimate finds, and a shift is off by its whole error."""
    shift = np.zeros((2, 2)), np.array([0.3, 0.0]), 0.25
    found = diagnosed(np.array([[0.0, turn], [-turn, 0.0]]), *shift[1:])
    np.testing.assert_allclose(found.lipschitz_estimate, -1 / (0.25 + LEVELS**2), rtol=1e-6)
    assert float(found.w2_bound) == pytest.approx(distance(*generated(*shift), 0.25 + 2 * LOW), rel=1e-4)


@pytest.mark.slow
def test_it_is_not_below_the_distance_where_modes_part() -> None:
    """On a line the flow is monotone, so the distance is that of ends with the same start."""
    pair, other = (ss.mixture([-1.0, 1.0], weights=[0.5 - w, 0.5 + w], variance=0.09) for w in (0.0, 0.03))
    score = ss.learned_score(lambda x, tau: ss.score(other, x, tau[0]).values)
    truth = truth_of(pair)
    levels = np.geomspace(0.1, 4.0, 40)
    draws = [truth.starts(2000, float(level), 0) for level in levels]
    rates = np.array(
        [of_jacobian(score, x, float(level))["lipschitz_estimate"] for x, level in zip(draws, levels, strict=True)]
    )
    v = 0.09 + levels**2
    np.testing.assert_allclose(rates[v < 1], ((1 - v) / v**2)[v < 1], rtol=0.1)  # (30), between the modes
    errors = np.array(
        [
            np.sqrt(((score(x, level**2 / 2) - truth.score(x, float(level))) ** 2).mean())
            for x, level in zip(draws, levels, strict=True)
        ]
    )
    starts = truth.starts(2000, 4.0, 1)
    ends, exact = (flowed(each.denoise, starts, 4.0, 0.1) for each in (score, truth))
    measured = np.sqrt(((ends - exact) ** 2).mean())
    assert 0.1 < measured < w2_bound(levels, errors, rates)
