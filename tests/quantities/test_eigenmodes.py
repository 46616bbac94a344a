"""The cascade of a report: times of the quantity cascade, and steps that a schedule itself gives."""

from __future__ import annotations

import numpy as np

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.quantities.eigenmodes import cascade_of_classes

TREE = ss.families.hierarchy(4.0, variance=0.01, ratio=0.4, levels=2)


def test_times_are_those_of_the_cascade_and_steps_those_of_the_schedule():
    found, own = cascade_of_classes(TREE, {"edm": ss.schedule("edm")}), ss.exact_cascade(TREE)
    for name in ("tau_eigenmode", "cascade", "eigenmode_status"):
        np.testing.assert_array_equal(found[name], own[name])
    np.testing.assert_allclose(found.sigma_cascade**2 / 2, own.cascade, rtol=1e-15)
    for route, name in (("eigenmode", "tau_eigenmode"), ("cascade", "cascade")):
        step = ss.schedule_time(own[name], "edm").sampling_step
        np.testing.assert_array_equal(found[f"{route}_step"], step)


def test_the_leading_direction_of_a_tree_parts_its_first_branches():
    found = cascade_of_classes(TREE).squeeze()
    assert int(found.eigenmode_first[0]) < 2 <= int(found.eigenmode_second[0])
    np.testing.assert_allclose(found.eigenmode_share.sum(), 1.0, rtol=1e-14)


def test_of_covariances_it_is_not_applicable():
    found = cascade_of_classes(ss.mixture([[0.0, 0.0], [2.0, 0.0]], covariance=np.diag([1.0, 2.0])), "edm")
    assert (found.eigenmode_status == Status.not_applicable).all()
    assert (found.cascade_status == Status.not_applicable).all()
    assert found.tau_eigenmode.isnull().all()
    assert found.eigenmode_share.item() == 1.0
