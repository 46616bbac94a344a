"""Collapse against published times, and against mutual information from the density itself."""

import numpy as np
import pytest

from scoreshock.conventions import Status
from scoreshock.kernels.information.classes import Method
from scoreshock.kernels.information.collapse import collapse, gaussian_collapse

from .test_clocks import information

AUTO = Method()


@pytest.mark.parametrize(("dimension", "time"), [(256, 1.2988), (1024, 1.9775), (4096, 2.6671)])
def test_times_of_a_gaussian_are_those_of_the_formula(dimension, time):
    """``t_C = ln(1 + 1/(n^(2/d) - 1))/2`` at n = 20000, also where the mixture's own entropy decides."""
    assert gaussian_collapse(np.array(1.0), np.array(dimension), np.array(20000)).time_collapse == pytest.approx(
        time, abs=5e-5
    )
    own = collapse(np.zeros((1, 1)), np.ones(1), np.ones(1), np.array(dimension), np.array(20000), AUTO)
    assert own.time_collapse == pytest.approx(time, abs=5e-5)
    assert own.collapse_status == Status.ok


@pytest.mark.parametrize("variance", [[0.01, 0.01, 0.01], [0.04, 0.3, 0.1]])
@pytest.mark.parametrize("samples", [2, 50, 1e4])
def test_the_point_tells_as_many_samples_apart_as_there_are(variance, samples):
    means, weights = np.array([-1.0, 0.3, 2.0]), np.array([0.2, 0.5, 0.3])
    found = collapse(means[:, None], weights, np.array(variance), np.array(1), np.array(samples), AUTO)
    known = information(means, weights, np.array(variance), float(found.sigma_collapse))
    assert known == pytest.approx(np.log(samples), abs=1e-9)
    assert found.sigma_collapse_error < 1e-9 * found.sigma_collapse


def test_far_apart_components_of_equal_shares_collapse_as_one_of_fewer_samples():
    one = gaussian_collapse(np.array(0.01), np.array(5), np.array(1000))
    means = np.array([[0.0], [1e4], [2e4], [3e4]])
    four = collapse(means, np.full(4, 0.25), np.full(4, 0.01), np.array(5), np.array(4000), AUTO)
    assert four.sigma_collapse == pytest.approx(one.sigma_collapse.item(), rel=1e-12)


def test_statuses():
    masses = np.array([[0.0], [1.0]]), np.full(2, 0.5), np.zeros(2), np.array(1)
    assert collapse(*masses, np.array([2, 3]), AUTO).collapse_status.tolist() == [Status.no_real_root] * 2
    assert collapse(*masses[:2], np.full(2, 1e-6), np.array(1), np.array([1, 2, 3]), AUTO).collapse_status.tolist() == [
        Status.not_applicable,
        Status.ok,
        Status.ok,
    ]
    assert gaussian_collapse(np.array([0.0, 1.0]), np.array(3), np.array([5, 1])).collapse_status.tolist() == [
        Status.no_transition,
        Status.not_applicable,
    ]


@pytest.mark.slow
def test_by_draws_within_the_standard_error():
    means = 3 * np.eye(5)
    arguments = means, np.full(5, 0.2), np.full(5, 0.5), np.array(5), np.array(20)
    found, again = (collapse(*arguments, Method("auto", 1600, seed)) for seed in (0, 1))
    assert abs(found.sigma_collapse - again.sigma_collapse) < 5 * np.hypot(
        found.sigma_collapse_error, again.sigma_collapse_error
    )
    assert 0 < found.sigma_collapse_error < 0.02 * found.sigma_collapse
