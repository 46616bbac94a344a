"""Normal numbers by trajectory and position, from counters."""

from __future__ import annotations

import numpy as np
from scipy.stats import kstest, norm

from scoreshock.kernels.numerics.counter_rng import normal_rows, normals


def test_normals_are_normal_and_independent_between_trajectories_and_places():
    many = np.stack([normals(0, np.arange(20000), position) for position in range(4)])
    assert kstest(many.ravel(), norm.cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(many) - np.eye(4)).max() < 0.03
    assert abs(np.corrcoef(many[0, 1:], many[0, :-1])[0, 1]) < 0.03
    assert abs(np.corrcoef(many[0, 1:], many[1, :-1])[0, 1]) < 0.03
    assert abs(np.corrcoef(many[0], normals(1, np.arange(20000), 0))[0, 1]) < 0.03


def test_rows_are_the_numbers_one_by_one():
    rows = normal_rows(3, np.array([[4, 2], [0, 1 << 40]]), 5, first=2)
    assert rows.shape == (2, 2, 5)
    np.testing.assert_array_equal(rows[1, 1], [normals(3, np.array(1 << 40), 2 + column) for column in range(5)])
