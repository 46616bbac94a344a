"""Geometry of the means: eigenpairs of the between-class covariance, exact for any size, scale, weight and batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreshock.kernels import geometry
from tests import reference


def draw(seed: int, k: int, n: int, lead: tuple[int, ...] = ()) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = rng.random((*lead, k)) + 0.01
    return rng.standard_normal((*lead, k, n)), weights / weights.sum(axis=-1, keepdims=True)


def between(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    offset = means - weights @ means
    return offset.T @ (weights[:, None] * offset)


@pytest.mark.parametrize("case", reference.cases("mean_jacobian"), ids=reference.identify)
def test_spectrum_is_that_of_the_reference_between_class_covariance(case):
    means, weights = reference.means_of(case), reference.weights_of(case)
    found = geometry.decompose(means, weights)
    expected = case["expected"].get("Sigma_B", between(means, weights))
    top = np.linalg.eigvalsh(expected)[::-1][: found.eigenvalues.size]
    np.testing.assert_allclose(found.eigenvalues, top, rtol=1e-12, atol=1e-14 * top[0])
    if "max_D" in case["expected"]:
        assert found.distances.max() == pytest.approx(case["expected"]["max_D"], rel=1e-13)


@given(seed=st.integers(0, 10**6), k=st.integers(2, 7), n=st.integers(1, 9))
def test_coordinates_are_the_centred_means_in_the_eigenbasis(seed, k, n):
    means, weights = draw(seed, k, n)
    values, y, d = geometry.decompose(means, weights)
    offset = means - weights @ means
    assert values.shape == (max(1, min(k - 1, n)),)
    assert np.all(np.diff(values) <= 0)
    np.testing.assert_allclose(y @ y.T, offset @ offset.T, atol=1e-12)
    np.testing.assert_allclose(y.T @ (weights[:, None] * y), np.diag(values), atol=1e-12)
    np.testing.assert_allclose(d, (offset**2).sum(axis=1), rtol=1e-11)
    np.testing.assert_allclose(geometry.centred(means, weights), offset, atol=1e-13)


@given(seed=st.integers(0, 10**6), k=st.integers(2, 5), n=st.integers(1, 6))
def test_translation_rotation_permutation_and_an_added_coordinate_change_nothing(seed, k, n):
    means, weights = draw(seed, k, n)
    rng = np.random.default_rng(seed + 1)
    rotation = np.linalg.qr(rng.standard_normal((n, n)))[0]
    order = rng.permutation(k)
    moved = (means @ rotation + rng.standard_normal(n))[order]
    moved = np.concatenate([moved, np.full((k, 1), 3.0)], axis=1)
    values, y, d = geometry.decompose(means, weights)
    values_moved, y_moved, d_moved = geometry.decompose(moved, weights[order])
    np.testing.assert_allclose(values_moved[: values.size], values, atol=1e-12)
    np.testing.assert_allclose(y_moved @ y_moved.T, (y @ y.T)[np.ix_(order, order)], atol=1e-12)
    np.testing.assert_allclose(d_moved, d[order], atol=1e-12)


@pytest.mark.parametrize("exponent", [-330, -100, 100, 330])
def test_scaling_by_a_power_of_two_scales_exactly(exponent):
    means, weights = draw(3, 4, 3)
    plain, scaled = geometry.decompose(means, weights), geometry.decompose(np.ldexp(means, exponent), weights)
    np.testing.assert_allclose(np.ldexp(scaled.eigenvalues, -2 * exponent), plain.eigenvalues, rtol=1e-13)
    unit, e = geometry.normalised(scaled)
    assert 0.25 <= unit.distances.max() < 1
    assert np.array_equal(np.ldexp(unit.distances, 2 * e), scaled.distances)


def test_offset_of_1e8_costs_no_digits_and_an_outlier_of_tiny_weight_none():
    means = np.array([[-1.0], [0.5], [1.0]])
    weights = np.array([0.25, 0.5, 0.25])
    assert np.array_equal(geometry.centred(means + 1e8, weights), geometry.centred(means, weights))
    outlier = geometry.decompose(np.array([[1e8], [-1.0], [1.0]]), np.array([1e-40, 0.5, 0.5]))
    np.testing.assert_allclose(outlier.distances[1:], [1.0, 1.0], rtol=1e-15)
    assert outlier.eigenvalues[0] == pytest.approx(1.0, rel=1e-15)


def test_tiny_weight_keeps_its_own_distance_and_the_others_spectrum():
    means = np.array([[-1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 0.0]])
    values, y, d = geometry.decompose(means, np.array([0.5, 0.5, 1e-300]))
    assert values[0] == pytest.approx(1.0, rel=1e-14)
    np.testing.assert_allclose(d, [1.0, 1.0, 25.0], rtol=1e-14)
    np.testing.assert_allclose((y**2).sum(axis=1), d, rtol=1e-14)


def test_small_levels_of_a_hierarchy_keep_their_digits():
    """Two far pairs, split further at 1e-4 and 1e-8 of the scale along orthogonal axes: eigenvalues 1, 1e-8, 1e-16."""
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], dtype=float)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    found = geometry.decompose(signs * [1.0, 1e-4, 1e-8] @ turn, np.full(8, 1 / 8))
    np.testing.assert_allclose(found.eigenvalues[:2], [1.0, 1e-8], rtol=1e-11)
    assert found.eigenvalues[2] == pytest.approx(1e-16, rel=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 1), (2, 5), (4, 2), (4, 9)])
def test_equal_means_have_no_spread(shape):
    means = np.broadcast_to(np.random.default_rng(1).standard_normal(shape[1]), shape)
    values, y, d = geometry.decompose(means, np.full(shape[0], 1 / shape[0]))
    assert not values.any()
    assert not y.any()
    assert not d.any()


def test_collinear_means_in_space_have_rank_one():
    values = geometry.decompose(np.outer([-1.0, 0.1, 2.0, 3.3], [0.3, -0.4, 1.2, 7.0, 0.1]), np.full(4, 0.25)).eigenvalues
    assert values[0] > 0
    assert not values[1:].any()


def test_a_million_features_cost_no_accuracy():
    rng = np.random.default_rng(5)
    means, weights = rng.standard_normal((3, 10**6)), np.array([0.2, 0.3, 0.5])
    values, _, d = geometry.decompose(means, weights)
    offset = means - weights @ means
    gram = np.sqrt(weights[:, None] * weights) * (offset @ offset.T)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(gram)[:0:-1], rtol=1e-11)
    np.testing.assert_allclose(d, (offset**2).sum(axis=1), rtol=1e-11)


@pytest.mark.parametrize(("k", "n"), [(2, 1), (2, 3), (3, 1), (3, 2), (3, 40), (5, 4), (6, 17), (9, 5)])
def test_a_point_alone_has_the_bits_that_it_has_in_a_batch(k, n):
    means, weights = draw(7, k, n, (37,))
    whole = geometry.decompose(means, weights)
    backward = geometry.decompose(np.asfortranarray(means)[::-1], np.asfortranarray(weights)[::-1])
    for i in range(37):
        alone = geometry.decompose(means[i : i + 1], weights[i : i + 1])
        for a, b, c in zip(whole, backward, alone, strict=True):
            assert np.array_equal(a[i], c[0])
            assert np.array_equal(b[36 - i], c[0])


def test_leading_dimensions_broadcast_and_keep_their_bits():
    means, _ = draw(1, 4, 3, (5, 1))
    _, weights = draw(2, 4, 3, (6,))
    whole = geometry.decompose(means, weights)
    assert whole.coordinates.shape == (5, 6, 4, 3)
    for found, one in zip(whole, geometry.decompose(means[3, 0], weights[4]), strict=True):
        assert np.array_equal(found[3, 4], one)


def test_half_distance_of_a_pair_in_any_number_of_features():
    assert geometry.half_distance(np.array([[1.0], [-3.0]])) == 2.0
    assert geometry.half_distance(np.array([[1.0, 2.0, 0.0], [4.0, 6.0, 0.0]])) == pytest.approx(2.5, rel=1e-15)
