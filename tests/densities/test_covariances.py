"""Class statistics against plain NumPy, whatever the chunks, and the largest eigenvalue against LAPACK."""

import numpy as np
import pytest

from scoreshock.densities import covariances
from scoreshock.densities.covariances import class_statistics, largest_eigenvalue


def table(n, d, k=3):
    rng = np.random.default_rng(n + d)
    member = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    return 1e3 + rng.standard_normal((k, d))[member] + rng.standard_normal((n, d)), rng.uniform(0.5, 2.0, d), member


def plain(x, scale, member):
    x = (x - x[0]) / scale
    means = np.stack([x[member == j].mean(axis=0) for j in range(member.max() + 1)])
    residuals = x - means[member]
    centred = means[member] - x.mean(axis=0)
    return means, centred.T @ centred / len(x), residuals.T @ residuals / len(x), residuals


@pytest.mark.parametrize(("n", "d"), [(500, 7), (20, 50)])
@pytest.mark.parametrize("chunk", [1, 60, 2**22])
def test_statistics_are_those_of_plain_numpy_for_any_chunk(n, d, chunk, monkeypatch):
    monkeypatch.setattr(covariances, "CHUNK", chunk)
    x, scale, member = table(n, d)
    means, between, within, residuals = plain(x, scale, member)
    result = class_statistics(x, scale, member)
    np.testing.assert_allclose(result.means, means, rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.weights, np.bincount(member) / n, rtol=1e-15)
    np.testing.assert_allclose(result.variances, [(residuals[member == j] ** 2).mean() for j in range(3)], rtol=1e-12)
    spread = result.covariances
    assert spread.within_eigenvalue() == pytest.approx(np.linalg.eigvalsh(within)[-1], rel=1e-12)
    for s, c in [(1.0, 1.0), (2.0, 0.5), (0.0, 3.0)]:
        expected = np.linalg.eigvalsh(s**2 * between + c * within)[-1]
        assert spread.total_eigenvalue(s, c) == pytest.approx(expected, rel=1e-12)
    assert np.isnan(spread.total_eigenvalue(1.0, np.nan))


@pytest.mark.slow
def test_the_largest_eigenvalue_of_a_large_matrix_is_that_of_lapack():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2000, 600))
    for matrix in (noise.T @ noise, np.eye(600), np.zeros((600, 600)), np.diag(np.r_[np.ones(599), 1 + 1e-9])):
        assert largest_eigenvalue(matrix) == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-12, abs=1e-300)
