"""Replicates of a table against plain weighted statistics, in any slices, and against the theory of their spread."""

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.densities import bootstrap, covariances
from scoreshock.kernels.numerics.counter_rng import uniforms


def table(n, d, k=3, seed=0):
    rng = np.random.default_rng(seed)
    member = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    return 50.0 + 3 * rng.standard_normal((k, d))[member] + rng.standard_normal((n, d)) * rng.uniform(0.5, 2.0, d), member


def plain(x, member, weights):
    """Shares, means, mean variance within classes and largest eigenvalue of one weighting of the samples."""
    k = member.max() + 1
    share = np.bincount(member, weights) / weights.sum()
    means = np.stack([np.average(x[member == j], axis=0, weights=weights[member == j]) for j in range(k)])
    within = np.average(((x - means[member]) ** 2).mean(axis=1), weights=weights)
    return share, means, within, np.linalg.eigvalsh(np.atleast_2d(np.cov(x.T, aweights=weights, ddof=0)))[-1]


def distances(means):
    return np.linalg.norm(means[:, None] - means, axis=-1)


@pytest.mark.parametrize(("n", "d"), [(400, 5), (400, 1), (30, 60)])
def test_replicates_are_weighted_statistics_with_exponential_weights(n, d):
    x, member = table(n, d)
    found = ss.bootstrapped(x, member, replicates=5, seed=3)
    assert dict(found.component_mean.sizes) == {"replicate": 5, "component": 3, "feature": min(2, d)}
    for b in range(5):
        one = found.isel(replicate=b)
        share, means, within, _ = plain(x, member, -np.log(uniforms(3, np.arange(n), b)))
        np.testing.assert_allclose(one.component_weight, share, rtol=1e-12)
        np.testing.assert_allclose(distances(one.component_mean.values), distances(means), rtol=1e-10, atol=1e-10)
        assert float(one.component_variance) == pytest.approx(within, rel=1e-10)


@pytest.mark.parametrize(("n", "d"), [(2000, 5), (50, 60)])
def test_the_total_eigenvalue_is_that_of_each_replicate_to_first_order(n, d):
    x, member = table(n, d)
    found = ss.bootstrapped(x, member, replicates=24).total_eigenvalue.values
    exact = np.array([plain(x, member, -np.log(uniforms(0, np.arange(n), b)))[3] for b in range(24)])
    assert (found <= exact * (1 + 1e-12)).all()  # a variance along one direction
    np.testing.assert_allclose(found.std(ddof=1), exact.std(ddof=1), rtol=0.15)
    assert np.corrcoef(found, exact)[0, 1] > 0.98


@pytest.mark.parametrize(("chunk", "room"), [(1, 2**23), (97, 1), (2**22, 20)])
def test_slices_change_nothing(chunk, room, monkeypatch):
    x, member = table(80, 4)
    whole = ss.bootstrapped(x, member, replicates=6)
    monkeypatch.setattr(covariances, "CHUNK", chunk)
    monkeypatch.setattr(bootstrap, "ROOM", room)
    parts = ss.bootstrapped(x, member, replicates=6)
    for name in ("component_mean", "component_weight", "component_variance", "total_eigenvalue"):
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-10, atol=1e-12)


def test_more_replicates_continue_fewer_and_a_seed_changes_all():
    x, member = table(60, 3)
    few, many, other = (ss.bootstrapped(x, member, replicates=b, seed=s) for b, s in [(3, 0), (5, 0), (3, 1)])
    np.testing.assert_array_equal(few.component_weight, many.component_weight[:3])
    assert not (few.component_weight == other.component_weight).any()


def test_the_spread_of_replicates_is_the_standard_error_of_a_mean_and_of_a_variance():
    n, sigma = 3000, 0.8
    rng = np.random.default_rng(5)
    member = rng.permutation(np.repeat([0, 1], [n // 3, n - n // 3]))
    x = np.array([-2.0, 2.0])[member] + sigma * rng.standard_normal(n)
    found = ss.bootstrapped(x[:, None], member, replicates=800)
    gap = found.component_mean.isel(component=1) - found.component_mean.isel(component=0)
    assert float(np.abs(gap).std()) == pytest.approx(sigma * np.sqrt(3 / n + 1.5 / n), rel=0.1)
    assert float(found.component_variance.std()) == pytest.approx(sigma**2 * np.sqrt(2 / n), rel=0.1)
    assert float(found.component_weight.isel(component=0).std()) == pytest.approx(np.sqrt(2 / 9 / n), rel=0.1)


def test_a_class_of_one_sample_is_in_every_replicate():
    found = ss.bootstrapped([[0.0, 1.0], [5.0, 1.0], [9.0, 2.0]], ["a", "b", "c"], replicates=200)
    assert (found.component_weight > 0).all()
    assert (found.component_variance == 0).all()
    assert found.label.values.tolist() == ["a", "b", "c"]


def test_units_are_those_of_the_table():
    x, member = table(90, 4)
    low, high = ss.bootstrapped(x, member, {"range": [0, 1]}), ss.bootstrapped(x, member)
    factor = high.component_variance / low.component_variance
    np.testing.assert_allclose(factor, (x.max() - x.min()) ** 2, rtol=1e-10)


@pytest.mark.parametrize("replicates", [1, 0, 2.5, "many", 10**6])
def test_another_number_of_replicates_is_refused(replicates):
    with pytest.raises(ValueError, match=r"replicates = .* allowed: a whole number"):
        ss.bootstrapped([[0.0], [1.0], [2.0]], [0, 1, 1], replicates=replicates)
