"""Geometry of the means: eigenpairs of the between-class covariance, exact for any size, scale, weight and batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scoreshock.kernels.gaussian import geometry
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
    result = geometry.decompose(means, weights)
    expected = case["expected"].get("Sigma_B", between(means, weights))
    top = np.linalg.eigvalsh(expected)[::-1][: result.eigenvalues.size]
    np.testing.assert_allclose(result.eigenvalues, top, rtol=1e-12, atol=1e-14 * top[0])
    if "max_D" in case["expected"]:
        assert result.distances.max() == pytest.approx(case["expected"]["max_D"], rel=1e-13)


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
    result = geometry.decompose(signs * [1.0, 1e-4, 1e-8] @ turn, np.full(8, 1 / 8))
    np.testing.assert_allclose(result.eigenvalues[:2], [1.0, 1e-8], rtol=1e-11)
    assert result.eigenvalues[2] == pytest.approx(1e-16, rel=1e-6)


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


@pytest.mark.slow
def test_a_million_features_cost_no_accuracy():
    rng = np.random.default_rng(5)
    means, weights = rng.standard_normal((3, 10**6)), np.array([0.2, 0.3, 0.5])
    values, _, d = geometry.decompose(means, weights)
    offset = means - weights @ means
    gram = np.sqrt(weights[:, None] * weights) * (offset @ offset.T)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(gram)[:0:-1], rtol=1e-11)
    np.testing.assert_allclose(d, (offset**2).sum(axis=1), rtol=1e-11)


@pytest.mark.slow
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
    for each, one in zip(whole, geometry.decompose(means[3, 0], weights[4]), strict=True):
        assert np.array_equal(each[3, 4], one)


def test_half_distance_of_a_pair_in_any_number_of_features():
    assert geometry.half_distance(np.array([[1.0], [-3.0]])) == 2.0
    assert geometry.half_distance(np.array([[1.0, 2.0, 0.0], [4.0, 6.0, 0.0]])) == pytest.approx(2.5, rel=1e-15)


def polygon(k: int) -> np.ndarray:
    angle = 2 * np.pi * np.arange(k) / k
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def rotation(n: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def with_tie(seed: int, k: int, n: int, tied: int) -> tuple[np.ndarray, np.ndarray]:
    """Random means and weights whose ``tied`` largest eigenvalues are one up to rounding."""
    means, weights = draw(seed, k, n)
    values, vectors = np.linalg.eigh(between(means, weights))
    scale = np.where(np.arange(n) < tied, 1.0, 0.7)
    return (means - weights @ means) @ vectors / np.sqrt(values) * scale @ rotation(n, seed), weights


class TestLeadingDirection:
    @given(seed=st.integers(0, 10**6), k=st.integers(3, 8), n=st.integers(1, 9))
    def test_it_is_the_leading_eigenvector_with_its_largest_entry_positive(self, seed, k, n):
        means, weights = draw(seed, k, n)
        result = geometry.leading_direction(means, weights)
        expected = np.linalg.eigh(between(means, weights))[1][:, -1]
        assert abs(result @ expected) == pytest.approx(1, abs=1e-9)
        assert result[np.abs(result).argmax()] > 0
        along = geometry.along_leading(geometry.decompose(means, weights), weights)
        expected = (means - weights @ means) @ result
        np.testing.assert_allclose(along * np.sign(along @ expected), expected, atol=1e-9)

    def test_of_a_pair_it_runs_from_the_first_mean_to_the_second(self):
        weights = np.array([0.9, 0.1])
        assert geometry.leading_direction(np.array([[3.0, 4.0], [0.0, 0.0]]), weights).tolist() == [-0.6, -0.8]
        assert geometry.leading_direction(np.array([[1.0], [1.0 - 1e-300]]) * 1e-200, weights).tolist() == [1.0]

    @pytest.mark.parametrize("size", [1e-170, 1.0, 1e149])
    def test_it_has_no_scale_and_equal_means_take_the_first_axis(self, size):
        means, weights = draw(3, 5, 4)
        np.testing.assert_allclose(
            geometry.leading_direction(means * size, weights), geometry.leading_direction(means, weights), rtol=1e-12
        )
        assert geometry.leading_direction(np.full((3, 2), size), np.full(3, 1 / 3)).tolist() == [1.0, 0.0]

    @pytest.mark.slow
    @given(seed=st.integers(0, 10**6), n=st.integers(2, 5), more=st.integers(1, 6), part=st.floats(0, 1))
    def test_a_tie_is_broken_by_the_correction_on_the_eigenspace(self, seed, n, more, part):
        """Theory: v_1 is then the leading eigenvector of Dbar Sigma_B - Sigma_D on that eigenspace, C its eigenvalue."""
        means, weights = with_tie(seed, n + more, n, tied := 2 + int(part * (n - 2)))
        offset = means - weights @ means
        d = (offset**2).sum(axis=1)
        space = np.linalg.eigh(between(means, weights))[1][:, n - tied :]
        levels = geometry.decompose(means, weights).eigenvalues
        assume(levels[tied - 1] >= levels[0] * (1 - 0.1 * geometry.DEGENERATE))  # a small weight may leave a wider tie
        correction = offset.T @ ((weights * (weights @ d - d))[:, None] * offset)
        values, vectors = np.linalg.eigh(space.T @ correction @ space)
        if values[-1] - values[-2] < 1e-4 * d.max():
            return
        result = geometry.leading_direction(means, weights)
        assert abs(result @ space @ vectors[:, -1]) == pytest.approx(1, abs=1e-8)
        order, turn = np.random.default_rng(seed).permutation(len(means)), rotation(n, seed + 1)
        np.testing.assert_allclose(geometry.leading_direction(means[order], weights[order]), result, atol=1e-8)
        assert abs(geometry.leading_direction(means @ turn, weights) @ (result @ turn)) == pytest.approx(1, abs=1e-8)

    @pytest.mark.parametrize("k", range(3, 17))
    def test_of_a_regular_polygon_it_is_an_axis_of_symmetry_that_rounding_and_rotation_do_not_turn(self, k):
        means, weights = polygon(k), np.full(k, 1 / k)
        result = geometry.leading_direction(means, weights)
        axis = np.angle(complex(*result)) * k / np.pi
        assert axis == pytest.approx(round(axis), abs=1e-12)
        assert (np.abs(means @ result) > 0.05).all()
        for seed in range(5):
            noise = 1e-12 * np.random.default_rng(seed).standard_normal((k, 2))
            np.testing.assert_allclose(geometry.leading_direction(means + noise, weights), result, atol=1e-10)
            turn = rotation(2, seed)
            assert abs(geometry.leading_direction(means @ turn, weights) @ (result @ turn)) == pytest.approx(1, abs=1e-12)

    def test_every_mixture_has_its_own_bits(self):
        tied = [with_tie(seed, 5, 2, 2) for seed in range(20)]
        means = np.stack([polygon(5), *(one for one, _ in tied), draw(1, 5, 2)[0]])
        weights = np.stack([np.full(5, 0.2), *(one for _, one in tied), np.full(5, 0.2)])
        alone = [geometry.leading_direction(*one) for one in zip(means, weights, strict=True)]
        np.testing.assert_array_equal(geometry.leading_direction(means, weights), alone)
