"""Trajectories on a line by their quantile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreshock.kernels.flow import sampling
from scoreshock.kernels.flow.quantiles import quantile_flow

from .test_trajectory import HALF, PAIR, TRACK


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 2.0), st.integers(1, 4))
def test_flow_keeps_quantiles_within_its_own_estimate(seed, variance, k):
    rng = np.random.default_rng(seed)
    mixture = rng.normal(size=(k, 1)), rng.dirichlet(np.ones(k)), np.array(variance)
    x = rng.normal(size=(20, 1)) * 3
    exact, marched = quantile_flow(x, *mixture, TRACK), sampling.probability_flow(x, *mixture, TRACK)
    assert np.all(np.abs(marched.trajectory[..., 0] - exact.trajectory_exact) <= marched.trajectory_error[..., 0] + 1e-11)


def test_quantiles_do_not_depend_on_those_beside_them(monkeypatch):
    x = np.linspace(-4, 4, 100)[:, None]
    whole = quantile_flow(x, PAIR, HALF, np.array(0.09), TRACK).trajectory_exact
    monkeypatch.setattr("scoreshock.kernels.flow.quantiles.BLOCK", 7)
    assert np.array_equal(quantile_flow(x, PAIR, HALF, np.array(0.09), TRACK).trajectory_exact, whole)
    assert all(
        np.array_equal(quantile_flow(x[i], PAIR, HALF, np.array(0.09), TRACK).trajectory_exact, whole[i])
        for i in (0, 49, 99)
    )
