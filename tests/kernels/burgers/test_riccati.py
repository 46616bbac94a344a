"""The Riccati evolution of the score's Jacobian, and why it is no threshold of speciation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreshock.kernels.burgers.riccati import riccati_divergence, riccati_eigenvalue
from scoreshock.kernels.gaussian import mixture


@given(st.floats(-3, 3).filter(lambda m: abs(m) > 1e-3), st.floats(-1, 1))
def test_solves_its_equation(start, elapsed):
    h = 1e-6
    before, at, after = (riccati_eigenvalue(start, elapsed + s * h) for s in (-1, 0, 1))
    if np.isfinite([before, at, after]).all() and abs(at) < 50:
        assert abs((after - before) / (2 * h) - 2 * at**2) <= 1e-4 * (1 + at**4)


def test_of_one_gaussian_is_exact():
    v = np.array([0.5, 2.0, 10.0])
    np.testing.assert_allclose(riccati_eigenvalue(-1 / v, 3.0), -1 / (v + 6.0), rtol=1e-15)


def test_diverges_where_it_says():
    at = riccati_divergence(np.array([-0.25, 4.0]))
    np.testing.assert_array_equal(at, [-2.0, 0.125])
    assert np.isinf(riccati_eigenvalue([-0.25, 4.0], at)).all()
    assert np.isnan(riccati_eigenvalue([-0.25, 4.0], 1.1 * at)).all()


@pytest.mark.parametrize("a", [0.7, 2.0])
def test_divergence_is_not_the_speciation_of_a_pair(a):
    """From any v above a**2, where there is one mode, it diverges at the variance -a**2 v/(v - a**2) < 0."""
    v = a**2 * np.array([1.01, 2.0, 10.0, 1e6])
    eigenvalue = mixture.score_jacobian([0.0], [[-a], [a]], [0.5, 0.5], v, 0.0)[..., 0, 0]
    result = v + 2 * riccati_divergence(eigenvalue)
    np.testing.assert_allclose(result, -(a**2) * v / (v - a**2), rtol=1e-9)
    assert (result <= -(a**2)).all()
    assert np.ptp(result) > a**2


def test_its_inviscid_jacobian_is_not_the_score_s():
    """a = 2, from v = 8 to 6: -1/16 becomes -1/14; the score has -1/18."""
    arguments = [0.0], [[-2.0], [2.0]], [0.5, 0.5]
    start, end = (mixture.score_jacobian(*arguments, v, 0.0)[0, 0] for v in (8.0, 6.0))
    assert float(start) == -1 / 16
    np.testing.assert_allclose(riccati_eigenvalue(start, -1.0), -1 / 14, rtol=1e-15)
    np.testing.assert_allclose(end, -1 / 18, rtol=1e-15)
