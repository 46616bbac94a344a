"""The tree of modes that merge as v grows: its events, and what it leaves out of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from scoreshock.conventions import Status
from scoreshock.kernels.modes.merging_tree import merging_tree
from scoreshock.kernels.modes.mode_counts import count_modes, last_merging
from tests.reference import cases, check, identify, means_of, weights_of

from .test_mode_counts import ZERO, climbed, regular_polygon

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("case", cases("folds_1d"), ids=identify)
def test_tree_has_the_reference_events(case):
    variance = np.array(case["inputs"]["sigma0"] ** 2)
    tree = merging_tree(means_of(case), weights_of(case), variance)
    events = tree.tau_event[tree.event_status == Status.ok]
    check(case, "tau_merge", events)
    check(case, "n_modes_at_start", int(np.count_nonzero(tree.branch[0] >= 0)))
    assert np.isnan(tree.x_after[len(events) - 1]).sum() == tree.x_after.shape[-1] - 1


def basins(x, means, weights, v):
    """Where the plain iteration leads from ``x``, on a line."""
    return climbed(x[:, None], means, weights, v)[:, 0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_modes_merge_into_the_mode_that_the_plain_iteration_reaches(seed):
    rng = np.random.default_rng([seed, 3])
    means, weights = 2 * rng.standard_normal((5, 1)), rng.dirichlet(np.full(5, 3.0))
    tree = merging_tree(means, weights, ZERO)
    for event in np.flatnonzero(tree.event_status == Status.ok):
        v = 2 * tree.tau_event[event] * (1 + 1e-4)
        before = tree.x_before[event][~np.isnan(tree.x_before[event])]
        after = tree.x_after[event][~np.isnan(tree.x_after[event])]
        reached = basins(before, means, weights, v)
        into = np.argmin(np.abs(reached[:, None] - after), axis=1)
        assert tree.merges_into[event][: len(before)].tolist() == into.tolist()
        assert np.count_nonzero(tree.vanishes[event] == 1) == len(before) - len(after)


@pytest.mark.slow
def test_tree_follows_each_first_mode_to_the_last():
    means = np.array([[-10.0], [-9.0], [0.0], [9.5], [10.0]])
    tree = merging_tree(means, np.full(5, 0.2), ZERO)
    assert tree.branch.tolist() == [[0, 1, 2, 3, 3], [0, 0, 1, 2, 2], *tree.branch.tolist()[2:]]
    assert set(tree.branch[tree.event_status == Status.ok][-1].tolist()) == {0}


def test_a_pitchfork_counts_the_left_mode_as_going_on():
    tree = merging_tree(np.array([[-1.0], [1.0]]), np.full(2, 0.5), ZERO)
    assert (tree.merges_into.tolist(), tree.vanishes.tolist()) == ([[0, 0]], [[0, 1]])
    np.testing.assert_allclose(tree.x_after[0, 0], 0, atol=1e-12)


def test_of_two_unequal_modes_the_lighter_ends():
    weights = np.array([0.3, 0.7])
    tree = merging_tree(np.array([[-1.0], [1.0]]), weights, ZERO)
    assert tree.vanishes.tolist() == [[1, 0]]
    # Robertson and Fryer's condition, solved here anew.
    c = 0.5 * np.log(7 / 3)
    delta = brentq(lambda d: d * np.sqrt(d * d - 1) - np.arccosh(d) - c, 1 + 1e-9, 5, xtol=1e-15)
    np.testing.assert_allclose(2 * tree.tau_event[0], delta**-2, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("p", [4, 5, 6, 8, 10, 12, 16])
def test_a_regular_polygon_loses_all_its_modes_at_its_centre(p):
    result = last_merging(*regular_polygon(p), ZERO)
    assert result.density_status == Status.ok
    np.testing.assert_allclose(2 * result.tau_density, 0.5, rtol=1e-8)  # the eigenvalue of the means' covariance
    assert result.modes_before_last == p


def test_statuses_say_where_rounding_hides_the_modes():
    means, weights = regular_polygon(10)
    result = count_modes(means, weights, np.array([0.4, 0.4998]))
    assert result.modes_status.tolist() == [Status.ok, Status.unresolved]
    assert result.n_modes.tolist() == [10, 0]
    assert np.isnan(result.mode_position[1]).all()
    lattice = np.arange(80.0)[:, None]
    on_line = count_modes(lattice, np.full(80, 1 / 80), np.array(4.4))
    assert (on_line.modes_status, on_line.n_modes) == (Status.unresolved, 0)
