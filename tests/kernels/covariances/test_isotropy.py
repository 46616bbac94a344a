"""Error of the isotropic score: closed forms of one Gaussian, and matrices averaged by a loop."""

import numpy as np
import pytest

from scoreshock.conventions import Status
from scoreshock.kernels.covariances.components import components, covariance
from scoreshock.kernels.covariances.isotropy import pooled, score_error

RNG = np.random.default_rng(0)
LINES = np.linalg.qr(RNG.normal(size=(4, 4)))[0]


def closed_form(variances: np.ndarray, v: float, tau: float) -> float:
    """Of one Gaussian: s = -x/(variance + 2 tau) along each direction, and -x/(v + 2 tau) of the isotropic one."""
    at = variances + 2 * tau
    return np.sqrt(((1 / (v + 2 * tau) - 1 / at) ** 2 * at).sum() / (1 / at).sum())


@pytest.mark.parametrize("tau", [0.05, 0.5, 5.0])
@pytest.mark.parametrize("dimension", [4, 9])
def test_one_gaussian_has_the_error_of_its_closed_form(dimension, tau):
    rest, kept = 0.3, np.array([4.0, 1.0])
    all_variances = np.concatenate([kept, np.full(dimension - 2, rest)])
    v = all_variances.mean()
    c = components(np.zeros((1, 4)), [1.0], rest, [kept], [LINES[:2]])
    error, uncertainty, status, _ = score_error(c, np.array(dimension), np.array(v), np.array(tau), 20_000, 1)
    assert status == Status.ok
    assert 0 < uncertainty < 0.02 * error
    assert error == pytest.approx(closed_form(all_variances, v, tau), abs=4 * uncertainty)


def test_the_standard_error_is_the_scatter_of_independent_draws():
    c = components([[-1.0, 0.0], [2.0, 0.0]], [0.2, 0.8], 0.0, [[0.2, 1.0], [1.0, 0.5]])
    arguments = (c, np.array(2), np.array(0.7), np.array(0.1), 400)
    drawn = np.array([score_error(*arguments, seed)[:2] for seed in range(200)])
    assert drawn[:, 0].std() == pytest.approx(drawn[:, 1].mean(), rel=0.2)


def test_an_isotropic_mixture_has_no_error_and_a_flat_one_none_to_tell():
    c = components([[-1.0, 0.0], [2.0, 0.0]], [0.2, 0.8], 0.5)
    error, uncertainty, *_ = score_error(c, np.array(5), np.array(0.5), np.array(0.1), 200, 0)
    assert (error <= 1e-14, uncertainty <= 1e-14) == (True, True)
    flat = components(np.zeros((1, 2)), [1.0], 0.0, [[1.0, 0.0]])
    result = score_error(flat, np.array(2), np.array(0.5), np.array([0.0, 0.1]), 200, 0)
    assert result.isotropic_error_status.tolist() == [Status.singular, Status.ok]


def test_a_point_does_not_depend_on_those_beside_it():
    scales = np.linspace(0.5, 2.0, 7)
    means = scales[:, None, None] * np.array([[-1.0, 0.0, 0.0], [2.0, 1.0, 0.0]])
    rows = np.broadcast_to(LINES[:3, :3], (7, 2, 3, 3))
    rows = np.linalg.qr(rows)[0]
    c = components(means, [0.4, 0.6], 0.0, np.broadcast_to([[1.0, 0.3, 0.1], [2.0, 0.2, 0.4]], (7, 2, 3)), rows)
    taus = np.array([0.1, 1.0])[:, None]
    together = score_error(c, np.array(3), np.array(0.7), taus, 300, 0)
    for j in range(7):
        one = components(means[j], [0.4, 0.6], 0.0, c.eigenvalues[j], rows[j])
        alone = score_error(one, np.array(3), np.array(0.7), np.array(1.0), 300, 0)
        assert all(part[1, j] == own for part, own in zip(together, alone, strict=True))


@pytest.mark.parametrize("kind", ["full", "diagonal", "variances", "low rank"])
def test_the_pooled_covariance_is_the_weighted_mean(kind):
    weights = np.array([0.2, 0.3, 0.5])
    values, rows = RNG.uniform(0.1, 2.0, (3, 4)), np.stack([np.linalg.qr(RNG.normal(size=(4, 4)))[0] for _ in range(3)])
    c = {
        "full": components(np.zeros((3, 4)), weights, 0.0, values, rows),
        "diagonal": components(np.zeros((3, 4)), weights, 0.0, values),
        "variances": components(np.zeros((3, 4)), weights, values[:, 0]),
        "low rank": components(np.zeros((3, 4)), weights, values[:, 0], values[:, 1:3], rows[:, :2]),
    }[kind]
    floor, *along = pooled(c)
    expected = sum(w * s for w, s in zip(weights, covariance(c), strict=True))
    values = along[0] if along else np.full(4, floor)
    directions = along[1] if len(along) == 2 else np.eye(4)
    np.testing.assert_allclose((directions.T * values) @ directions, expected, atol=1e-14)
    np.testing.assert_allclose(floor, weights @ np.broadcast_to(c.variance, 3), atol=1e-15)
