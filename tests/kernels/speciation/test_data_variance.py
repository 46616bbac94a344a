"""Roots cut at the floor: statuses, places, and what failed points carry."""

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.speciation.data_variance import above_data_variance

NO = np.array(False)


def test_each_status_is_reached_in_its_order():
    v = np.array([[1.0, 2.0], [1.0, 2.0], [np.nan, np.nan], [np.nan, np.nan], [1.0, 2.0], [1.0, 2.0]])
    equal, failed = np.arange(6) == 3, np.arange(6) == 4
    result = above_data_variance(v, equal, failed, np.array([1.5, 2.0, 1.0, 1.0, 1.0, np.nan]), 3)
    assert result.status.tolist() == [
        Status.ok,
        Status.below_data_variance,
        Status.no_real_root,
        Status.no_transition,
        Status.failed,
        Status.failed,
    ]
    np.testing.assert_array_equal(result.tau_star, [0.25, 0.0, np.nan, np.nan, np.nan, np.nan])
    assert result.n_roots.tolist() == [1, 0, 0, 0, 0, 0]
    assert (np.isnan(result.tau_root) == (result.root_status != Status.ok)).all()
    assert result.root_status[0].tolist() == [Status.ok, Status.no_real_root, Status.no_real_root]


def test_of_more_roots_than_places_the_largest_stay():
    result = above_data_variance(np.array([1.0, 2.0, 3.0, np.nan]), NO, NO, np.array([0.0, 2.5]), 2)
    np.testing.assert_array_equal(result.roots, [[2.0, 3.0], [3.0, np.nan]])
    assert result.root_truncated.tolist() == [True, False]
    assert result.kept[0].tolist() == [1, 2]


def test_a_failed_point_has_no_roots_and_none_too_many():
    result = above_data_variance(np.array([1.0, 2.0]), NO, NO, np.array(np.nan), 1)
    assert (result.n_roots.item(), result.root_truncated.item()) == (0, False)
