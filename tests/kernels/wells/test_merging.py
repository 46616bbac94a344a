"""The last merging of wells against brute force: modes of exact Gaussian mixtures, counted on fine grids and bisected.

A Gaussian mixture stays one under the heat kernel: ``sum w_k N(m_k, sigma_k^2 + 2 tau)``.
"""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.kernels.wells import merging
from scoreshock.kernels.wells.double_wells import potential, quartic, table
from scoreshock.kernels.wells.parts import state
from scoreshock.kernels.wells.times import boundary_time, matched_gaussian, merging_time

pytestmark = pytest.mark.filterwarnings("error")

UNEQUAL = ([0.243, 0.757], [-0.095, 1.564], [0.076, 0.925])
THREE = ([0.597, 0.285, 0.118], [-3.948, -1.057, 4.114], [0.081, 0.051, 0.718])


def potential_of(weights, means, widths):
    """``-ln`` of the mixture, up to a constant."""
    components = list(zip(np.log(np.divide(weights, widths)), means, np.divide(1, widths), strict=True))

    def u(x):
        terms = [log - ((x - mean) * inverse) ** 2 / 2 for log, mean, inverse in components]
        top = terms[0]
        for term in terms[1:]:
            top = np.maximum(top, term)
        return -(top + np.log(sum(np.exp(term - top) for term in terms)))

    return u


def table_of(weights, means, widths, rows=3601):
    reach = 8 * np.asarray(widths)
    x = np.linspace(np.min(means - reach), np.max(means + reach), rows)
    return x, -potential_of(weights, means, widths)(x)


def score(x, weights, means, v):
    """Score of a mixture and its derivative at x (n,)."""
    logs = np.log(weights) - np.log(v) / 2 - (x[:, None] - means) ** 2 / (2 * v)
    share = np.exp(logs - logs.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    pull = (means - x[:, None]) / v
    s = (share * pull).sum(axis=1)
    return s, (share * ((pull - s[:, None]) ** 2 - 1 / v)).sum(axis=1)


def modes(tau, weights, means, widths):
    """Number of modes: signs of the score on a fine grid with every extremum of the score between its places, bisected."""
    weights, means, v = np.asarray(weights), np.asarray(means), np.square(widths) + 2 * tau
    own = [mean + np.sqrt(width) * np.linspace(-9, 9, 801) for mean, width in zip(means, v, strict=True)]
    x = np.unique(np.concatenate([*own, np.linspace(means.min(), means.max(), 801)]))
    # Every mode lies between the outermost means.
    x = x[(x >= means.min()) & (x <= means.max())]
    s, bend = score(x, weights, means, v)
    i = np.flatnonzero(np.sign(bend[:-1]) != np.sign(bend[1:]))
    low, high, at_low = x[i], x[i + 1], bend[i]
    for _ in range(40):
        middle = (low + high) / 2
        same = np.sign(score(middle, weights, means, v)[1]) == np.sign(at_low)
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    order = np.argsort(np.concatenate([x, low]), kind="stable")
    signs = np.sign(np.concatenate([s, score(low, weights, means, v)[0]])[order])
    signs = np.concatenate([[1.0], signs[signs != 0], [-1.0]])
    return int(np.sum((signs[:-1] > 0) & (signs[1:] < 0)))


def last_merging(weights, means, widths):
    """The time after which the mixture has one mode; NaN where it always has."""
    if modes(0.0, weights, means, widths) < 2:
        return np.nan
    low, high = 1e-12, np.ptp(means) ** 2 + np.max(widths) ** 2
    assert modes(high, weights, means, widths) == 1
    while high > low * (1 + 1e-9):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if modes(middle, weights, means, widths) > 1 else (low, middle)
    return np.sqrt(low * high)


def random_wells(seed):
    """Two to five wells, widths over two decades, weights down to 1e-6."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 6))
    weights = np.maximum(10 ** rng.uniform(-6, 0, k), 1e-6)
    return weights / weights.sum(), np.sort(rng.uniform(-5, 5, k)), 10 ** rng.uniform(-2, 0, k)


def check(wells, mixture, rel=1e-6):
    result, expected = merging_time(wells), last_merging(*mixture)
    if np.isnan(expected):
        assert (result.merging_status, np.isnan(result.tau)) == (Status.no_transition, True)
        return
    assert result.merging_status == Status.ok
    assert float(result.tau) == pytest.approx(expected, rel=rel)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_random_wells_merge_last_where_brute_force_says(seed):
    mixture = random_wells(seed)
    check(potential(potential_of(*mixture)), mixture)


@pytest.mark.slow
@pytest.mark.parametrize("mixture", [UNEQUAL, THREE])
def test_wells_of_unequal_width_and_three_wells_from_a_callable_and_from_a_table(mixture):
    for wells in (potential(potential_of(*mixture)), table(*table_of(*mixture))):
        check(wells, mixture)


def test_a_table_of_3601_rows_has_few_cells():
    x = np.linspace(-8, 10, 3601)
    wells = table(x, -potential_of(*UNEQUAL)(x))
    assert sum(side.edges.shape[0] for side in wells.groups[0][1:]) < 400


def test_joined_intervals_of_a_table_give_the_density_of_the_single_ones(monkeypatch):
    x, log_density = table_of(*UNEQUAL, rows=301)
    joined = table(x, log_density)
    monkeypatch.setattr("scoreshock.kernels.wells.double_wells.KINK", 0.0)
    single = table(x, log_density)
    assert single.groups[0].left.edges.size > 2 * joined.groups[0].left.edges.size
    places, tau = np.linspace(-2, 5, 29), np.array([1e-6, 1e-3, 0.2, 10.0])[:, None]
    one, other = (state(wells, places, tau) for wells in (joined, single))
    assert np.max(np.abs(one.log_density - other.log_density)) < 1e-12
    assert np.max(np.abs(one.score - other.score) * np.sqrt(tau)) < 1e-11


@pytest.mark.slow
@pytest.mark.parametrize("asymmetry", [0.0, 1e-12, 1e-8])
def test_a_pitchfork_and_folds_close_to_it(asymmetry):
    # Equal Gaussians of variance s^2 at -a and a: (a^2 - s^2)/2, and the fold is earlier by the 2/3 power of the asymmetry.
    mixture = [0.5 + asymmetry, 0.5 - asymmetry], [-0.7, 0.7], [0.3, 0.3]
    wells = potential(potential_of(*mixture))
    if asymmetry < 1e-12:
        assert float(merging_time(wells).tau) == pytest.approx((0.7**2 - 0.3**2) / 2, rel=1e-7)
    check(wells, mixture)


@pytest.mark.slow
def test_side_wells_of_three_symmetric_ones_vanish_at_one_time():
    mixture = [0.1, 0.8, 0.1], [-2.0, 0.0, 2.0], [0.1, 0.3, 0.1]
    assert modes(0.99 * last_merging(*mixture), *mixture) == 3
    check(potential(potential_of(*mixture)), mixture)


@pytest.mark.slow
def test_an_almost_degenerate_pitchfork_of_three_wells():
    # The fold at 0.171436235588141: s = s_x = 0 solved with 40 digits.
    weights = [float.fromhex(w) for w in ("0x1.2ad32ebd2ae7bp-2", "0x1.aa59a2860dc0cp-2", "0x1.2ad32ebcc7579p-2")]
    means = float.fromhex("0x1.05081b9060999p+0") * np.array([-1.0, 0.0, 1.0])
    widths = [float.fromhex(s) for s in ("0x1.b8e0df0b4f85fp-4", "0x1.81c1ae67a2a81p-2", "0x1.b8e0df0b4f85fp-4")]
    result = merging_time(potential(potential_of(weights, means, widths)))
    assert float(result.tau) == pytest.approx(0.171436235588141, rel=1e-9)


@pytest.mark.slow
def test_the_last_merging_of_quartics_is_that_of_counted_modes():
    c, b, h = np.array([1.0, 0.3, 20.0, 5.0]), np.array([1.0, 2.0, 0.7, 1.0]), np.array([0.1, -1.0, 0.5, 1e-6])
    wells = quartic(c, b, h)
    tau = merging_time(wells).tau
    for i in range(4):
        result = merging.bracket(wells, i, 1e-4)
        assert result.low < tau[i] < result.high * (1 + 1e-5)


@pytest.mark.slow
def test_a_split_does_not_move_the_last_merging():
    wells = [potential(potential_of(*THREE), split=split) for split in (-2.5, 7.0)]
    tau = [float(merging_time(one).tau) for one in wells]
    assert tau == pytest.approx([last_merging(*THREE)] * 2, rel=1e-6)
    # Beyond all wells there is nothing to decide between.
    assert boundary_time(wells[1]).layer_status == Status.no_transition


def test_more_than_two_wells_are_cut_at_the_highest_barrier_and_have_no_matched_gaussians():
    wells = potential(potential_of(*THREE))
    x = np.linspace(-4, 4.2, 200001)
    u = potential_of(*THREE)(x)
    tops = x[1:-1][(u[1:-1] > u[:-2]) & (u[1:-1] > u[2:])]
    assert wells.n_wells == 3
    assert float(wells.split[0]) == pytest.approx(tops[np.argmax(potential_of(*THREE)(tops))], abs=1e-4)
    tau, status = matched_gaussian(wells)
    assert (np.isnan(tau), status) == (True, Status.not_applicable)


@pytest.mark.slow
def test_a_barrier_near_rounding_is_unresolved():
    result = merging_time(potential(potential_of([0.5, 0.5], [-0.400004, 0.400004], [0.4, 0.4])))
    assert (result.merging_status, np.isnan(result.tau)) == (Status.unresolved, True)


@pytest.mark.slow
def test_labelled_times_of_the_unequal_wells():
    result = ss.well_speciation(ss.well("potential", potential=potential_of(*UNEQUAL)))
    assert (result.status == Status.ok).all()
    assert result.tau_star.sel(criterion="merging").item() == pytest.approx(last_merging(*UNEQUAL), rel=1e-6)
    x, log_density = table_of(*THREE)
    three = ss.well_speciation(ss.well("table", x=x, log_density=log_density))
    assert three.status.sel(criterion="merging") == Status.ok
    assert three.status.sel(criterion="matched-gaussian") == Status.not_applicable
    assert three.tau_star.sel(criterion="merging").item() == pytest.approx(last_merging(*THREE), rel=1e-6)
