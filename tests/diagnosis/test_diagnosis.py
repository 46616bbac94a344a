"""Cases whose effect is known: what a rotation and a shift do, bounds of the divergence, and why the flow has none."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad, solve_ivp
from scipy.stats import norm

import scoreshock as ss
from scoreshock.diagnosis.measured_divergence import of_flow
from scoreshock.diagnosis.truth import truth_of

SIGMA = np.geomspace(0.1, 2.0, 10)


def diagnosed(error, n: int, **how) -> xr.Dataset:
    """Of N(0, 1) in n features, whose score is off by ``error(x)``."""

    def model(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return error(x) - x / (1 + 2 * tau)[:, None]

    return ss.diagnose(ss.learned_score(model), ss.mixture(np.zeros((1, n))), **({"sigma": SIGMA, "samples": 1000} | how))


def antisymmetric(n: int) -> np.ndarray:
    a = np.random.default_rng(n).normal(size=(n, n))
    return (a - a.T) / np.linalg.norm(a - a.T)


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 8])
def test_a_rotation_has_curl_and_no_effect(n: int) -> None:
    a = antisymmetric(n)
    found = diagnosed(lambda x: x @ a, n)
    assert (found.asymmetry > 0.01).all()
    limit = 1e-10 if n == 2 else 3 * found.gradient_square_error + 1e-12
    assert (found.gradient_square < limit).all()
    np.testing.assert_allclose(found.score_error**2, (a**2).sum() * (1 + SIGMA**2), rtol=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 8])
def test_a_shift_has_no_curl_and_its_whole_effect(n: int) -> None:
    found = diagnosed(lambda x: np.full_like(x, 0.2), n)
    assert (found.asymmetry < 1e-9).all()
    np.testing.assert_allclose(found.gradient_square, 0.04 * n, rtol=1e-7)
    assert float(found.kl_gradient) == pytest.approx(float(found.kl_bound), rel=1e-6)


def divergence(matrix: np.ndarray, shift: np.ndarray, eta: float) -> float:
    """KL(p|q) at the least of SIGMA, of the error ``shift + matrix x`` and noise eta: q stays Gaussian."""
    low, high = SIGMA[0] ** 2 / 2, SIGMA[-1] ** 2 / 2
    n = len(shift)

    def slope(back: float, state: np.ndarray) -> np.ndarray:
        a = matrix - np.eye(n) / (1 + 2 * (high - back))
        mean, c = state[:n], state[n:].reshape(n, n)
        drift = (1 + eta**2) * np.concatenate([shift + a @ mean, (a @ c + c @ a.T).ravel()])
        return drift + np.concatenate([np.zeros(n), 2 * eta**2 * np.eye(n).ravel()])

    start = np.concatenate([np.zeros(n), (1 + 2 * high) * np.eye(n).ravel()])
    state = solve_ivp(slope, (0.0, high - low), start, rtol=1e-10, atol=1e-12).y[:, -1]
    mean, c = state[:n], state[n:].reshape(n, n)
    v, inverse = 1 + 2 * low, np.linalg.inv(c)
    return float(0.5 * (v * np.trace(inverse) + mean @ inverse @ mean - n + np.log(np.linalg.det(c)) - n * np.log(v)))


CASES = {
    "shift": (np.zeros((2, 2)), [0.2, 0.1]),
    "spread": (np.diag([0.2, -0.1]), [0.0, 0.0]),
    "shear": (np.array([[0.0, 0.3], [0.0, 0.0]]), [0.1, 0.0]),
    "rotation and shift": (np.array([[0.0, 2.0], [-2.0, 0.0]]), [0.2, 0.2]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_bounds_with_noise_are_never_below_the_divergence(name: str) -> None:
    matrix, shift = CASES[name][0], np.array(CASES[name][1])
    for eta in (0.3, 0.5, 1.0):
        found = diagnosed(lambda x: shift + x @ matrix.T, 2, noise_share=eta, samples=400)
        measured = divergence(matrix, shift, eta)
        assert 0 < measured < float(found.kl_gradient_upper) < 1.01 * float(found.kl_bound)


def change_of_variables(k: float) -> tuple[float, float]:
    """KL(p|q) of the flow on N(0, 1 + 2 tau) from tau = 1 to 0 with e = .1 cos kx, and the integral of its square."""
    share = (np.arange(4000) + 0.5) / 4000
    x = norm.ppf(share)

    def slope(tau: float, state: np.ndarray) -> np.ndarray:
        at = state[: len(x)]
        return np.concatenate([at / (1 + 2 * tau) - 0.1 * np.cos(k * at), -1 / (1 + 2 * tau) - 0.1 * k * np.sin(k * at)])

    done = solve_ivp(slope, (0.0, 1.0), np.concatenate([x, np.zeros(len(x))]), "DOP853", rtol=1e-8, atol=1e-10).y[:, -1]
    log_q = norm.logpdf(done[: len(x)], scale=np.sqrt(3.0)) - done[len(x) :]
    square = 0.005 * (1 + quad(lambda tau: np.exp(-2 * k**2 * (1 + 2 * tau)), 0, 1)[0])
    return float((norm.logpdf(x) - log_q).mean()), square


@pytest.mark.slow
@pytest.mark.parametrize(("k", "ratio"), [(2.0, 1.94), (10.0, 15.6), (30.0, 51.7)])
def test_the_flow_has_no_bound_by_the_part_that_moves_the_density(k: float, ratio: float) -> None:
    kl, square = change_of_variables(k)
    assert kl / square == pytest.approx(ratio, rel=6e-3)


@pytest.mark.slow
def test_the_measured_divergence_of_the_flow_is_that_of_the_change_of_variables() -> None:
    score = ss.learned_score(lambda x, tau: -x / (1 + 2 * tau[:, None]) + 0.1 * np.cos(2 * x))
    found = of_flow(score, truth_of(ss.mixture([0.0])), 0.01, np.sqrt(2.0), 0)
    assert found.kl == pytest.approx(change_of_variables(2.0)[0], abs=4 * found.kl_error)
    assert found.kl_error < 0.2 * found.kl


@pytest.mark.parametrize(("turn", "kl"), [(0.0, 0.0241), (10.0, 0.00099)])
def test_a_rotation_beside_a_shift_moves_its_effect_about_and_shrinks_it(turn: float, kl: float) -> None:
    """On N(0, 1 + 2 tau) in the plane, tau from 1 to 0: the shift b of .3 acts on a mean that turns."""

    def slope(back: float, mean: np.ndarray) -> np.ndarray:
        return -mean / (3 - 2 * back) + [0.3, 0.0] + turn * np.array([-mean[1], mean[0]])

    mean = solve_ivp(slope, (0.0, 1.0), [0.0, 0.0], rtol=1e-10, atol=1e-12).y[:, -1]
    assert 0.5 * mean @ mean == pytest.approx(kl, rel=6e-3)


@pytest.mark.slow
def test_the_measured_divergence_of_a_flow_that_turns_is_right_or_missing() -> None:
    """Fast turns need more steps than there are: no number is better than a wrong one."""
    for turn, kl in ((0.0, 0.0241), (10.0, None)):
        score = ss.learned_score(lambda x, tau, w=turn: -x / (1 + 2 * tau[:, None]) + [0.3, 0.0] + w * x[:, ::-1] * [-1, 1])
        found = of_flow(score, truth_of(ss.mixture([[0.0, 0.0]])), 1e-3, np.sqrt(2.0), 0)
        assert np.isnan(found.kl) if kl is None else found.kl == pytest.approx(kl, abs=4 * found.kl_error)
