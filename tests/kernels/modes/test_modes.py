"""Modes of one-dimensional mixtures and their merging events."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, fsolve

from scoreshock.conventions import Status
from scoreshock.kernels.modes.modes import Merging, merging, modes, pair_merging
from tests.reference import cases, check, identify, means_of, weights_of

pytestmark = pytest.mark.filterwarnings("error")

NEARLY_FLAT = json.loads(Path(__file__).with_name("near-flat-modes.json").read_text())["cases"]
LAST_OF_LATTICE = {6: 0.5766063905063, 10: 0.8997325585428, 12: 1.0607201351126, 16: 1.3820246189925}
"""v of the last merging of k equal components at 0, ..., k - 1, to 1e-11: halved by counts in 230-bit arithmetic."""


def line(means) -> np.ndarray:
    return np.asarray(means, dtype=float)[..., None]


def merge(means, weights, variance=0.0) -> Merging:
    weights = np.asarray(weights, dtype=float)
    return merging(line(means), weights / weights.sum(-1, keepdims=True), np.asarray(variance))


def random_line(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    k = rng.integers(2, 8)
    means = rng.standard_normal(k) * (10 ** rng.uniform(-1.5, 0, k) if rng.integers(2) else 1)
    weights = (rng.uniform(0.3, 1, k), rng.dirichlet(np.full(k, 0.5)) + 1e-12, 10 ** rng.uniform(-6, 0, k))[rng.integers(3)]
    return means, weights / weights.sum()


def drift(means: np.ndarray, weights: np.ndarray, v: float, x: np.ndarray) -> np.ndarray:
    """v times the score, straight from the definition."""
    r = np.log(weights) - (x[:, None] - means) ** 2 / (2 * v)
    r = np.exp(r - r.max(1, keepdims=True))
    return (r * (means - x[:, None])).sum(1) / r.sum(1)


def last_fold(means: np.ndarray) -> float:
    """Variance at which equal components come down to one mode: ``s = s_x = 0`` from where a scan sees three zeros last."""
    weights = np.full(len(means), 1 / len(means))
    x = np.linspace(means.min(), means.max(), 20_001)

    def zeros(v: float) -> np.ndarray:
        return x[:-1][np.diff(np.sign(drift(means, weights, v, x))) != 0]

    low, high = 0.01, np.ptp(means) ** 2 / 4
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if len(zeros(middle)) > 1 else (low, middle)
    result = zeros(low)
    closest = np.argmin(np.diff(result))

    def fold(at: np.ndarray) -> tuple[float, float]:
        position, v = at
        r = weights * np.exp(-((position - means) ** 2) / (2 * v))
        r /= r.sum()
        mean = r @ means
        return mean - position, r @ (means - mean) ** 2 - v

    return float(fsolve(fold, (result[closest : closest + 2].mean(), low), xtol=1e-13)[1])


@pytest.mark.parametrize("case", cases("modes_1d"), ids=identify)
def test_reference_modes(case):
    inputs = case["inputs"]
    count, position = modes(means_of(case), weights_of(case), np.array(inputs["sigma0"] ** 2 + 2 * inputs["tau"]))
    check(case, "n_modes", int(count))
    check(case, "modes", position[: int(count)])


@pytest.mark.parametrize("case", cases("folds_1d"), ids=identify)
def test_reference_merges(case):
    inputs = case["inputs"]
    means, weights = means_of(case), weights_of(case)
    result = merging(means, weights, np.array(inputs["sigma0"] ** 2))
    count = int(result.n_events)
    check(case, "tau_merge", result.tau_event[:count])
    check(case, "x_merge", result.x_event[:count])
    check(case, "tau_last_merge", result.tau_star)
    start = max(inputs["sigma0"] ** 2, inputs["s2_floor"] * np.ptp(means) ** 2)
    check(case, "n_modes_at_start", int(modes(means, weights, np.array(start))[0]))


@pytest.mark.parametrize("case", cases("fold_two_component"), ids=identify)
def test_reference_pair_merge(case):
    inputs, expected = case["inputs"], case["expected"]
    a, variance = inputs["a"], inputs["sigma0"] ** 2
    result = merge([-a, a], [inputs["wL"], inputs["wR"]], variance)
    check(case, "tau_fold", result.tau_star)
    check(case, "s2_fold", 2 * result.tau_star + variance)
    if "x_fold" in expected:
        check(case, "x_fold", result.x_event[0])


@pytest.mark.parametrize("weight", [1e-300, 1e-20, 0.1, 0.3, 0.4999, 0.5 - 1e-9, 0.5 - 1e-15])
def test_pair_merge_is_a_fold(weight):
    ratio, x = pair_merging(np.array(1 - weight), np.array(weight))
    # s = 0 and s_x = 0 at means -1 and 1, in theta = x/v + ln(w_R/w_L)/2.
    theta = x / ratio + 0.5 * (np.log(weight) - np.log1p(-weight))
    assert np.tanh(theta) == pytest.approx(x, rel=1e-9)
    assert 1 / np.cosh(theta) ** 2 == pytest.approx(ratio, rel=1e-9)


def test_equal_pair_merges_at_its_centre_where_the_variance_is_the_squared_separation():
    result = merge([-3.0, 3.0], [0.5, 0.5], [1.0, 9.0, 16.0])
    assert result.tau_star.tolist() == [4.0, 0.0, -3.5]
    assert result.status.tolist() == [Status.ok, Status.below_data_variance, Status.below_data_variance]
    assert result.x_event[0, 0] == 0.0
    assert np.isnan(result.x_event[1:]).all()


def test_pair_in_many_features_merges_along_its_axis():
    rng = np.random.default_rng(0)
    means = rng.standard_normal((2, 5))
    weights = np.array([0.3, 0.7])
    half = np.linalg.norm(means[1] - means[0]) / 2
    flat = merging(np.array([[-half], [half]]), weights, np.array(0.0))
    assert merging(means, weights, np.array(0.0)).tau_star == pytest.approx(flat.tau_star, rel=1e-13)


@pytest.mark.slow
def test_symmetric_triple_loses_two_modes_at_once_or_merges_at_the_centre():
    outer = merge([-1.0, 0.0, 1.0], [1, 1, 1])
    assert outer.modes_before[0] == 3
    assert outer.modes_after[0] == 1
    inner = merge([-1.0, 0.0, 1.0], [0.45, 0.1, 0.45])
    assert inner.n_events == 2
    np.testing.assert_allclose(inner.x_event, [0.0, 0.0], atol=1e-8)
    assert inner.modes_before.tolist() == [3, 2]
    # At the centre s_x = 0 is the exact criterion: .9 e^{-y} / (.1 + .9 e^{-y}) = v with y = 1/(2v).
    v = 2 * inner.tau_event
    np.testing.assert_allclose(0.9 / (0.9 + 0.1 * np.exp(0.5 / v)), v, rtol=1e-10)


@pytest.mark.slow
def test_modes_agree_with_a_dense_grid():
    rng = np.random.default_rng(1)
    for _ in range(40):
        means, weights = random_line(rng)
        span = np.ptp(means)
        v = span**2 * 10 ** rng.uniform(-4, -0.6, 4)
        count, position = modes(line(means), weights, v)
        grid = np.linspace(means.min() - 0.1 * span, means.max() + 0.1 * span, 20_001)
        for j in range(4):
            positive = drift(means, weights, v[j], grid) > 0
            falls = np.flatnonzero(positive[:-1] & ~positive[1:])
            assert count[j] == len(falls)
            kept = position[j, : count[j]]
            assert np.all((kept >= grid[falls] - 1e-9) & (kept <= grid[falls + 1] + 1e-9))


@pytest.mark.slow
def test_events_chain_from_every_mean_to_one_mode_and_change_the_count():
    rng = np.random.default_rng(3)
    for _ in range(25):
        means, weights = random_line(rng)
        result = merge(means, weights)
        last = int(result.n_events)
        assert result.modes_before[0] == len(means)
        assert result.modes_after[last - 1] == 1
        np.testing.assert_array_equal(result.modes_before[1:last], result.modes_after[: last - 1])
        v = 2 * result.tau_event[:last]
        assert np.all(np.diff(v) > 0)
        np.testing.assert_array_equal(modes(line(means), weights, v * (1 - 1e-7))[0], result.modes_before[:last])
        np.testing.assert_array_equal(modes(line(means), weights, v * (1 + 1e-7))[0], result.modes_after[:last])
        for x, each in zip(result.x_event[:last], v, strict=True):
            assert abs(drift(means, weights, each, np.array([x]))[0]) < 1e-10 * np.ptp(means)


def test_pair_agrees_with_three_components_of_which_two_coincide():
    result = merge([-1.0, -1.0, 1.0], [0.2, 0.1, 0.7])
    # Robertson and Fryer's condition, solved here anew.
    c = 0.5 * np.log(7 / 3)
    delta = brentq(lambda d: d * np.sqrt(d * d - 1) - np.arccosh(d) - c, 1 + 1e-9, 5, xtol=1e-15)
    assert result.tau_star == pytest.approx(0.5 / delta**2, rel=1e-10)
    assert result.modes_before[0] == 2


def test_tiny_weights_still_make_modes():
    result = merge([-3.0, -2.9, 0.1, 2.9, 3.0], [0.1, 1e-5, 0.4, 1e-100, 0.3])
    assert result.modes_before.tolist() == [5, 4, 3, 2]


@pytest.mark.slow
def test_statuses():
    assert merge([1.0, 1.0], [0.5, 0.5]).status == Status.no_transition
    assert merge([1.0, 1.0, 1.0], [1, 1, 1]).status == Status.no_transition
    assert merge([1.0], [1.0]).status == Status.no_transition
    assert merge([0.0, 1.0, np.nan], [1, 1, 1]).status == Status.failed
    assert merging(np.zeros((3, 2)), np.ones(3) / 3, np.array(0.0)).status == Status.not_applicable
    below = merge([0.0, 1.0, 3.0], [1, 1, 1], 4.0)
    assert below.status == Status.below_data_variance
    assert below.tau_star == pytest.approx((last_fold(np.array([0.0, 1.0, 3.0])) - 4) / 2, rel=1e-8)
    some = merge([0.0, 1.0, 3.0], [1, 1, 1], 0.5)
    assert some.n_events == 1
    assert some.event_status.tolist() == [Status.ok, Status.no_transition]


def test_modes_without_density_or_with_equal_means():
    count, position = modes(line([0.7, 0.7]), np.array([0.5, 0.5]), np.array([0.0, 1.0]))
    assert count.tolist() == [0, 1]
    assert position[1, 0] == 0.7


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-100, 1e-3, 7.0, 1e100]))
def test_reflection_and_scaling(seed, scale):
    means, weights = random_line(np.random.default_rng(seed))
    plain, mirrored = merge(means, weights), merge(-scale * means[::-1], weights[::-1])
    assert plain.n_events == mirrored.n_events
    np.testing.assert_allclose(mirrored.tau_event / scale**2, plain.tau_event, rtol=1e-8)
    np.testing.assert_allclose(mirrored.x_event / scale, -plain.x_event, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 3, 4])
def test_a_point_has_the_same_bits_alone_in_a_batch_and_in_any_split(k):
    rng = np.random.default_rng(k)
    means, weights = rng.standard_normal((30, k, 1)), rng.uniform(0.2, 1, (30, k))
    weights /= weights.sum(-1, keepdims=True)
    zero = np.array(0.0)
    whole = merging(means, weights, zero)
    parts = [merging(means[i : i + 7], weights[i : i + 7], zero) for i in range(0, 30, 7)]
    alone = [merging(means[i], weights[i], zero) for i in range(5)]
    for name in Merging._fields:
        values = getattr(whole, name)
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), values)
        np.testing.assert_array_equal(np.stack([getattr(p, name) for p in alone]), values[:5])
    count, position = modes(means, weights, np.array(0.2))
    for i in range(5):
        one = modes(means[i], weights[i], np.array(0.2))
        assert one[0] == count[i]
        np.testing.assert_array_equal(one[1], position[i])


@pytest.mark.slow
@pytest.mark.parametrize("k", LAST_OF_LATTICE)
def test_a_lattice_has_one_mode_from_its_last_merging_on(k):
    lattice, weights, last = np.arange(float(k)), np.full(k, 1 / k), LAST_OF_LATTICE[k]
    result = merge(lattice, weights)
    assert result.status == Status.ok
    assert 2 * result.tau_star == pytest.approx(last, rel=3e-9)
    assert modes(line(lattice), weights, last * np.array([1 - 1e-7, 1 + 1e-7]))[0].tolist() == [2, 1]


@pytest.mark.slow
@pytest.mark.parametrize("case", NEARLY_FLAT, ids=range(len(NEARLY_FLAT)))
def test_numbers_of_modes_are_those_of_longer_arithmetic(case):
    count, _ = modes(line(case["means"]), np.array(case["weights"]), np.array(case["v"]))
    assert count.tolist() == case["modes"]


@pytest.mark.slow
@pytest.mark.parametrize("k", [9, 12, 16])
def test_numbers_of_modes_never_rise_with_v(k):
    v = np.concatenate([np.linspace(0.2, 1.5, 150), LAST_OF_LATTICE.get(k, 0.73) * (1 + np.linspace(-1e-8, 1e-8, 21))])
    count, _ = modes(line(np.arange(float(k))), np.full(k, 1 / k), np.sort(v))
    assert count.min() == 1
    assert (np.diff(count) <= 0).all()


@pytest.mark.slow
def test_a_ripple_below_twice_the_precision_is_unresolved():
    # The ripple of the lattice is exp(-2 pi^2 v): 1e-38 at v = 4.4, where the ends are still felt less than that.
    lattice, weights = np.arange(80.0), np.full(80, 1 / 80)
    count, position = modes(line(lattice), weights, np.array([1.0, 4.4]))
    assert count.tolist()[1] == 0
    assert count[0] > 1
    assert np.isnan(position[1]).all()
    result = merge(lattice, weights)
    assert (result.status, result.n_events) == (Status.unresolved, 0)
    assert np.isnan(result.tau_star)
    assert (result.event_status == Status.unresolved).all()


@pytest.mark.slow
def test_a_nearly_flat_point_has_the_same_bits_alone_and_in_a_batch():
    means = np.arange(16.0) + 1e-10 * np.random.default_rng(9).standard_normal((6, 16))
    weights, v = np.full(16, 1 / 16), np.array([0.5, 0.9, 1.2, 1.38, 1.3819, 1.5])
    count, position = modes(line(means), weights, v)
    for i in range(6):
        one = modes(line(means[i]), weights, v[i])
        assert one[0] == count[i]
        np.testing.assert_array_equal(one[1], position[i])
