"""Zeros of sums of exponentials along a line: all of them and no others."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.kernels.layer import crossings


class TestCrossings:
    @pytest.mark.slow
    @pytest.mark.parametrize("k", [2, 3, 5, 8])
    def test_all_zeros_and_no_others(self, k):
        rng = np.random.default_rng(k)
        log, exponent = rng.uniform(-4, 4, (k, 30)), rng.uniform(-3, 3, (k, 30))
        sign = rng.choice([-1.0, 1.0], (k, 30))
        result = crossings.crossings(log, exponent, sign)
        for i in range(30):
            t = np.linspace(-40, 40, 80001)
            value = (sign[:, i, None] * np.exp(log[:, i, None] + exponent[:, i, None] * t)).sum(axis=0)
            change = np.flatnonzero(np.sign(value[1:]) != np.sign(value[:-1]))
            roots = result[:, i][np.abs(result[:, i]) < 40]
            assert len(roots) == len(change)
            assert (np.abs(roots - t[change]) < 2e-3).all()

    def test_a_polynomial_in_disguise(self):
        # (y - 1)(y - 2)(y - 3) with y = e^t
        coefficients = np.array([-6.0, 11.0, -6.0, 1.0])
        result = crossings.crossings(
            np.log(np.abs(coefficients))[:, None], np.arange(4.0)[:, None], np.sign(coefficients)[:, None]
        )
        np.testing.assert_allclose(result[:, 0], np.log([1, 2, 3]), atol=1e-14)
