"""Eigenmodes of the means against an eigenvalue problem of the between-class covariance itself."""

from __future__ import annotations

import numpy as np

from scoreshock.kernels.speciation.eigenmodes import eigenmodes


def test_shares_and_ends_are_those_of_the_between_class_covariance():
    rng = np.random.default_rng(3)
    means, weights = rng.standard_normal((4, 6, 9)), rng.dirichlet(np.ones(6), 4)
    found = eigenmodes(means, weights)
    for i in range(4):
        away = means[i] - weights[i] @ means[i]
        values, vectors = np.linalg.eigh(away.T * weights[i] @ away)
        np.testing.assert_allclose(found.eigenmode_share[i], values[:-6:-1] / values.sum(), rtol=1e-12)
        along = away @ vectors[:, :-6:-1]
        ends = np.sort([along.argmin(axis=0), along.argmax(axis=0)], axis=0)
        np.testing.assert_array_equal([found.eigenmode_first[i], found.eigenmode_second[i]], ends)


def test_directions_of_a_multiple_eigenvalue_and_of_equal_means_have_no_ends():
    square = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    tall = np.concatenate([square, [[0.0, 0.0, 3.0], [0.0, 0.0, -3.0]]])
    found = eigenmodes(tall, np.full(6, 1 / 6))
    assert found.eigenmode_first.tolist() == [4, -1, -1]
    assert found.eigenmode_second.tolist() == [5, -1, -1]
    equal = eigenmodes(np.zeros((3, 2)), np.full(3, 1 / 3))
    assert np.isnan(equal.eigenmode_share).all()
    assert (equal.eigenmode_first == -1).all()
