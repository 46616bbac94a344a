"""Cascades of a hierarchy: the exact criterion against the leading one."""

import numpy as np

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.quantities import cascade


def test_leading_and_exact_cascade_agree_at_every_level_of_a_hierarchy():
    # Corollary 9.3: all leaves are at one distance from their mean.
    tree = ss.families.hierarchy([1.0, 4.0], variance=0.01, ratio=[0.2, 0.5], levels=3)
    result = cascade.exact_cascade(tree)
    assert (result.eigenmode_status == result.cascade_status).all()
    assert (result.n_eigenmode_roots == (result.eigenmode_status == Status.ok)).all()
    assert (abs(result.cascade_error) <= 1e-12 * tree.separation**2).all()


def test_leading_and_exact_cascade_part_where_distances_are_unequal():
    # Two pairs at the ends of a pair, one twice as close as the other: the closer one never splits by the exact criterion.
    means = [[1, 0.6, 0], [1, -0.6, 0], [-1, 0, 0.3], [-1, 0, -0.3]]
    mixture = ss.families.custom(means=means, variance=0.0)
    result, exact = cascade.exact_cascade(mixture).squeeze(), ss.speciation(mixture).squeeze()
    np.testing.assert_array_equal(result.tau_eigenmode[0], exact.tau_star.sel(criterion="exact"))
    np.testing.assert_array_equal(result.cascade, exact.cascade)
    assert result.eigenmode_status.values.tolist() == [Status.ok, Status.ok, Status.no_real_root]
    assert result.cascade_status.values.tolist() == [Status.ok] * 3
    assert (abs(result.cascade_error[:2]) > 1e-3).all()
    assert np.isnan(result.cascade_error[2])
