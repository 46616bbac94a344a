"""The order in which classes part, against SciPy's single linkage."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage

from scoreshock.conventions import Status
from scoreshock.kernels.information.partings import partings


@pytest.mark.parametrize("count", [2, 3, 6, 12])
def test_partings_are_single_linkage_from_above(count):
    rng = np.random.default_rng(count)
    sigma = rng.uniform(0.1, 5.0, size=(20, count * (count - 1) // 2))
    found = partings(sigma, np.zeros(sigma.shape, dtype=np.int8), count)
    for row, point in zip(sigma, zip(*found, strict=True), strict=True):
        tree = linkage(row, "single")
        members = [[i] for i in range(count)]
        for one, other, _, _ in tree:
            members.append(members[int(one)] + members[int(other)])
        sides = [sorted([min(members[int(one)]), min(members[int(other)])]) for one, other, _, _ in tree]
        assert point[0].tolist() == tree[::-1, 2].tolist()
        assert np.stack(point[2:4], axis=-1).tolist() == sides[::-1]
        assert row[point[1]].tolist() == point[0].tolist()


def test_classes_that_never_part_say_why():
    sigma, status = np.array([np.nan, 2.0, 1.0]), np.array([Status.below_data_variance, 0, 0], dtype=np.int8)
    found = partings(sigma, status, 3)
    assert found.sigma_parting[0] == 1.0
    assert np.isnan(found.sigma_parting[1])
    assert found.parting_status.tolist() == [Status.ok, Status.below_data_variance]
    assert found.parting_first.tolist() == [0, -1]
