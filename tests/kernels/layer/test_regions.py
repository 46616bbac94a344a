"""Regions against a fine grid and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from scoreshock.conventions import Status
from scoreshock.kernels.layer.regions import gradient_profile, regions

PAIR = np.array([[-1.0], [1.0]])
HALF = np.array([0.5, 0.5])
ZERO = np.array(0.0)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.floats(0.01, 2.0))
def test_boundaries_and_probability_are_those_of_a_grid(seed, k, v):
    rng = np.random.default_rng(seed)
    means, weights = np.round(2 * rng.normal(size=k), 1), rng.dirichlet(np.ones(k))
    result = regions(means[:, None], weights, np.array(v), ZERO)
    position, group = np.unique(means, return_inverse=True)
    mass = np.bincount(group, weights)
    x = np.linspace(-60, 60, 600001)
    leader = (np.log(mass)[:, None] - (x - position[:, None]) ** 2 / (2 * v)).argmax(axis=0)
    change = np.flatnonzero(np.diff(leader))
    near = result.interface_position[np.abs(result.interface_position) < 60]
    np.testing.assert_allclose(near, (x[change] + x[change + 1]) / 2, atol=2e-4)
    np.testing.assert_allclose(
        result.interface_half_gap[: result.n_interfaces][np.abs(result.interface_position[: result.n_interfaces]) < 60],
        (position[leader[change + 1]] - position[leader[change]]) / 2,
        rtol=1e-12,
    )
    inside = np.zeros(x.shape, bool)
    for b, w in zip(
        result.interface_position[: result.n_interfaces], result.interface_width[: result.n_interfaces], strict=True
    ):
        inside |= np.abs(x - b) < w
    density = sum(w * norm.pdf(x, m, np.sqrt(v)) for w, m in zip(weights, means, strict=True))
    assert result.interfacial_probability == pytest.approx((density * inside).sum() * (x[1] - x[0]), abs=2e-3)


def test_symmetric_pair_has_the_share_within_a_width():
    """``Phi((a + v/a)/sqrt v) - Phi((a - v/a)/sqrt v)``, also where it is 1e-200."""
    v = np.array([1.0, 0.1, 0.01, 1e-3])
    result = regions(PAIR, HALF, v, ZERO)
    expected = norm.cdf((v - 1) / np.sqrt(v)) - norm.cdf((-v - 1) / np.sqrt(v))
    np.testing.assert_allclose(result.interfacial_probability, expected, rtol=1e-10)


def test_profile_of_a_pair_is_in_closed_form_for_any_weights():
    distance = np.linspace(-4, 4, 17)
    for weights in (HALF, np.array([0.9, 0.1])):
        result = gradient_profile(PAIR * 3, weights, np.array(0.5), np.array(0.2), distance)
        np.testing.assert_allclose(result[0], 10 / np.cosh(distance) ** 2 - 1, rtol=1e-11, atol=1e-12)


def test_regular_value_is_reached_only_far_away():
    """R = 11.1 as in Proposition 6.8's contrast: positive at one width and still at one and a half."""
    result = gradient_profile(PAIR, HALF, np.array(0.09), ZERO, np.array([1.0, 1.5, 2.0, 9.0]))[0]
    assert result[:3].round(2).tolist() == [3.67, 1.01, -0.21]
    assert result[3] == pytest.approx(-1, abs=1e-6)


def test_pairs_in_any_direction_and_any_place_are_alike():
    turned = np.array([[-0.6, 0.8], [0.6, -0.8]]) + 1e4
    weights = np.array([0.3, 0.7])
    one, other = (regions(m, weights, np.array(0.3), ZERO) for m in (PAIR, turned))
    for field in ("interface_position", "interface_width", "interfacial_probability"):
        np.testing.assert_allclose(getattr(other, field), getattr(one, field), rtol=1e-9)
    far = regions(PAIR + 1e8, weights, np.array(0.3), ZERO)
    np.testing.assert_allclose(far.interface_position - 1e8, one.interface_position, atol=3e-8)
    np.testing.assert_allclose(far.interfacial_probability, one.interfacial_probability, rtol=1e-7)


@pytest.mark.slow
def test_statuses():
    assert regions(0 * PAIR, HALF, np.array(1.0), ZERO).region_status == Status.no_transition
    assert regions(0 * PAIR, HALF, np.array(1.0), ZERO).interfacial_probability == 0
    assert regions(PAIR, HALF, ZERO, ZERO).region_status == Status.singular
    assert np.isnan(regions(PAIR, HALF, ZERO, ZERO).interfacial_probability)
    plane = regions(np.eye(3), np.ones(3) / 3, np.array(1.0), ZERO)
    assert plane.region_status == Status.not_applicable
    assert np.isnan(plane.interface_position).all()


def test_a_component_that_leads_nowhere_has_no_boundary():
    result = regions(np.array([[-1.0], [0.0], [1.0]]), np.array([0.5 - 5e-3, 0.01, 0.5 - 5e-3]), np.array(1.0), ZERO)
    assert result.n_interfaces == 1
    np.testing.assert_allclose(result.interface_position, [0, np.nan], atol=1e-15)
    np.testing.assert_allclose(result.interface_half_gap, [1, np.nan])


def test_a_region_does_not_depend_on_those_beside_it():
    tau = np.linspace(0, 3, 200)
    means, weights = np.array([[-2.0], [0.1], [1.0]]), np.array([0.5, 0.2, 0.3])
    whole = regions(means, weights, np.array(0.1), tau)
    profile = gradient_profile(means, weights, np.array(0.1), tau, np.array([0.0, 1.0]))
    for i in (0, 77, 199):
        alone = regions(means, weights, np.array(0.1), tau[i])
        for one, many in zip(alone, whole, strict=True):
            assert np.array_equal(one, many[i], equal_nan=True)
        single = gradient_profile(means, weights, np.array(0.1), tau[i], np.array([0.0, 1.0]))
        assert np.array_equal(single, profile[i], equal_nan=True)


def test_one_component_has_no_boundary_and_nothing_inside():
    result = regions(np.zeros((3, 1, 1)), np.ones((3, 1)), np.array(1.0), np.array([0.0, 0.1, 0.2]))
    assert result.interface_position.shape == (3, 0)
    assert result.interfacial_probability.tolist() == [0.0, 0.0, 0.0]
    assert (result.region_status == Status.no_transition).all()
