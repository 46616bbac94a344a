"""Largest eigenvalues of many small matrices, against LAPACK."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.kernels.numerics.eigenvalues import LAPACK_FROM, largest

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("m", [1, 2, 3, 7, LAPACK_FROM])
@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_largest_eigenpair_agrees_with_lapack(m, spread):
    rng = np.random.default_rng(m)
    factor = rng.standard_normal((300, m + 1, m)) * 10 ** rng.uniform(-spread, 0, (300, m + 1, 1))
    matrix = factor.transpose(0, 2, 1) @ factor
    value, vector = largest(np.ascontiguousarray(matrix.transpose(1, 2, 0)))
    np.testing.assert_allclose(value, np.linalg.eigvalsh(matrix)[:, -1], rtol=1e-13)
    residual = np.einsum("pij,jp->ip", matrix, vector) - value * vector
    assert np.max(np.linalg.norm(residual, axis=0) / value) < 1e-12


def test_largest_eigenvalue_of_degenerate_and_zero_matrices():
    identity = np.repeat(np.eye(4)[..., None], 3, axis=-1) * np.array([0.0, 1.0, 1e-200])
    np.testing.assert_allclose(largest(identity)[0], [0.0, 1.0, 1e-200], rtol=1e-14)
