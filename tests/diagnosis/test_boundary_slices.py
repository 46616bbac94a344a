"""Slices through layers: closed forms of a pair, planted layers, and slices on which there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.diagnosis.boundary_slices import PLACES, boundary, heaviest, sliced
from scoreshock.diagnosis.scores import Score, learned_score
from scoreshock.diagnosis.truth import Truth, truth_of

A, DATA = 1.0, 0.09
LEVELS = np.array([0.3, 0.5, 0.7, 2.0])
V = DATA + LEVELS**2
ODDS = np.log(0.7 / 0.3)


def pair(weights: list[float] | None = None) -> Truth:
    """Means at -1 and 1 along the first of two axes."""
    return truth_of(ss.mixture([[-A, 0.0], [A, 0.0]], weights or [0.3, 0.7], variance=DATA))


def of(function: Any) -> Score:
    """A score of ``function(x, sigma)``."""
    return learned_score(lambda x, tau: function(x, float(np.sqrt(2 * tau[0]))))


def slices(function: Any, truth: Truth | None = None, levels: np.ndarray = LEVELS) -> dict[str, Any]:
    truth = truth or pair()
    points = np.stack([truth.starts(400, float(sigma), 0) for sigma in levels])
    return sliced([of(function)], truth, levels, points)[0][0]


def test_of_the_exact_score_of_a_pair_they_are_the_closed_forms() -> None:
    found = slices(pair().score)
    assert found["layer_status"][0].tolist() == [Status.ok] * 3 + [Status.no_transition]
    np.testing.assert_allclose(found["layer_height_true"][0], 2 * A / V, rtol=1e-10)
    np.testing.assert_allclose(found["layer_width_true"][0], V / A, rtol=1e-10)
    np.testing.assert_allclose(found["layer_height"][0, :3], 2 * A / V[:3], rtol=1e-9)
    np.testing.assert_allclose(found["layer_width"][0, :3], V[:3] / A, rtol=1e-9)
    np.testing.assert_allclose(found["layer_position"][0, :3], 0.0, atol=1e-9)
    np.testing.assert_allclose(found["layer_offset"][0, :3], 0.0, atol=1e-9)
    assert found["lax"][0].tolist() == [1, 1, 1, -1]
    assert np.isnan(found["layer_height"][0, 3])
    # The integral of (a^2 - v)/v^2 over tau = (v - sigma0^2)/2, (51).
    exponent = 0.5 * ((-(A**2) / V - np.log(V)) - (-(A**2) / V[0] - np.log(V[0])))
    np.testing.assert_allclose(found["layer_growth"][0], exponent / np.log(10), rtol=1e-8, atol=1e-12)


def test_the_boundary_is_where_both_are_equally_probable() -> None:
    edge = boundary(pair(), LEVELS, 0, 1)
    np.testing.assert_allclose(edge.point, np.stack([-V / (2 * A) * ODDS, 0 * V], axis=-1), atol=1e-10)
    np.testing.assert_allclose(edge.normal, [[1.0, 0.0]] * 4, atol=1e-12)


def test_other_weights_move_the_layer_and_leave_its_profile() -> None:
    """By half the difference of log odds, in widths v/a."""
    found = slices(pair([0.4, 0.6]).score)
    np.testing.assert_allclose(found["layer_position"][0, :3], -0.5 * (np.log(0.6 / 0.4) - ODDS), rtol=1e-8)
    np.testing.assert_allclose(found["layer_height"][0, :3], 2 * A / V[:3], rtol=1e-8)
    np.testing.assert_allclose(found["layer_width"][0, :3], V[:3] / A, rtol=1e-8)


def layer(x: np.ndarray, sigma: float, height: float = 1.0, width: float = 1.0, moved: float = 0.0) -> np.ndarray:
    """Another layer of the pair: of so many times its height and width, moved by widths."""
    v = DATA + sigma**2
    r = (x[:, :1] + v / (2 * A) * ODDS) / (v / A)
    return -x / v + height * A / v * np.tanh((r - moved) / width) * np.array([1.0, 0.0])


def test_planted_layers_are_measured() -> None:
    found = slices(lambda x, sigma: layer(x, sigma, 0.7, 1.6, 0.4) + np.array([0.2, 0.5]))
    np.testing.assert_allclose(found["layer_height"][0, :3], 0.7 * 2 * A / V[:3], rtol=1e-8)
    np.testing.assert_allclose(found["layer_width"][0, :3], 1.6 * V[:3] / A, rtol=1e-8)
    np.testing.assert_allclose(found["layer_position"][0, :3], 0.4, rtol=1e-8)
    np.testing.assert_allclose(found["layer_offset"][0, :3], 0.2, rtol=1e-8)
    assert (found["lax"][0, :3] == 1).all()


def test_a_layer_the_wrong_way_round_fails_the_lax_condition() -> None:
    found = slices(lambda x, sigma: layer(x, sigma, -1.0))
    np.testing.assert_allclose(found["layer_height"][0, :3], -2 * A / V[:3], rtol=1e-8)
    assert found["lax"][0].tolist() == [0, 0, 0, -1]
    assert found["lax_true"][0].tolist() == [1, 1, 1, 1]


def test_a_score_without_a_layer_is_said_to_have_none() -> None:
    found = slices(lambda x, sigma: -x / (DATA + sigma**2))
    assert found["layer_status"][0].tolist() == [Status.unresolved] * 3 + [Status.no_transition]
    assert np.isnan(found["layer_width"][0]).all()
    assert np.isfinite(found["layer_width_true"][0]).all()


def covariances() -> Truth:
    own = np.array([[[0.2, 0.1], [0.1, 0.3]], [[0.05, 0.0], [0.0, 0.4]]])
    return truth_of(ss.mixture([[-1.0, 0.0], [1.0, 0.5]], [0.3, 0.7], covariance=own))


def test_the_exact_score_has_the_true_layer_for_covariances_of_their_own() -> None:
    truth = covariances()
    found = slices(truth.score, truth, np.array([0.1, 0.3]))
    assert (found["layer_status"] == Status.ok).all()
    np.testing.assert_allclose(found["layer_height"], found["layer_height_true"], rtol=1e-7)
    np.testing.assert_allclose(found["layer_width"], found["layer_width_true"], rtol=1e-7)
    edge = boundary(truth, np.array([0.3]), 0, 1)
    r = truth.responsibilities(edge.point, 0.3)
    np.testing.assert_allclose(r, 0.5, rtol=1e-9)


def test_pairs_come_by_the_probability_of_their_layers_and_what_is_left_out_is_said() -> None:
    line = truth_of(ss.mixture(np.arange(12.0)[:, None], np.arange(1, 13), variance=0.04))
    levels = np.array([0.2, 0.4])
    points = np.stack([line.starts(2000, float(sigma), 0) for sigma in levels])
    found = heaviest(line, points, levels)
    assert len(found.first) == PLACES
    assert (found.second - found.first == 1).all()  # neighbours only
    assert found.first[0] >= 9  # the weights rise
    total = found.probability.sum(axis=1)
    assert (np.diff(total) <= 0).all()
    assert found.left_out.startswith("3 of 11 pairs with a layer")


def test_a_boundary_under_a_third_component_is_none() -> None:
    three = truth_of(ss.mixture([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.1]], [0.25, 0.25, 0.5], variance=0.04))
    levels = np.array([0.1])
    points = np.stack([[[0.0, -8.0]] * 20])  # where the first two are the most probable
    found = sliced([of(three.score)], three, levels, points)[0][0]
    assert [found["component_first"][0], found["component_second"][0]] == [0, 1]
    assert found["layer_status"][0, 0] == Status.not_applicable


@pytest.mark.parametrize("mixture", [ss.mixture([0.0]), ss.mixture([[0.0], [0.0]], [0.3, 0.7])])
def test_without_two_means_there_is_no_slice(mixture: xr.Dataset) -> None:
    truth = truth_of(mixture)
    found = slices(truth.score, truth)
    assert not (found["layer_status"] == Status.ok).any()
    assert np.isnan(found["slice_score"]).all()
