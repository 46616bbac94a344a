"""Sampler's calls inside published guidance intervals."""

import numpy as np
import pytest

from scoreshock.conventions import Status
from scoreshock.kernels.flow.guided_calls import guided_calls
from scoreshock.schedules.levels import karras_sigmas


def test_the_interval_of_edm2_holds_six_of_32_steps():
    """(0.19, 1.61], Kynkaanniemi et al. 2024, table 1."""
    found = guided_calls(np.array(0.19), np.array(1.61), karras_sigmas(0.002, 80.0, 7.0, 32))
    assert found.n_calls == 6
    assert found.n_calls_fractional == pytest.approx(6, abs=0.6)


def test_the_interval_of_dit_holds_75_of_250_steps():
    """(0.34, 1.02] under the cosine schedule, Kynkaanniemi et al. 2024."""
    t = np.arange(250, 0, -1) / 250
    alpha_bar = (np.cos(np.pi / 2 * (t + 0.008) / 1.008) / np.cos(np.pi / 2 * 0.008 / 1.008)) ** 2
    found = guided_calls(np.array(0.34), np.array(1.02), np.sqrt((1 - alpha_bar[1:]) / alpha_bar[1:]))
    assert found.n_calls == 75
    assert found.n_calls_fractional == pytest.approx(74.99, abs=0.02)


def test_snapped_ends_guide_the_same_calls_and_an_empty_interval_says_so():
    levels = karras_sigmas(0.002, 80.0, 7.0, 18)
    low, high = np.array([0.1, 0.5, 60.0, 0.0]), np.array([2.0, np.inf, 70.0, 0.01])
    found = guided_calls(low, high, levels)
    again = guided_calls(found.snapped_low, found.snapped_high, levels)
    for i in (0, 1, 3):
        inside = np.flatnonzero((levels > low[i]) & (levels <= high[i]))
        assert [found.first_call[i], found.last_call[i], found.n_calls[i]] == [inside[0], inside[-1], len(inside)]
        assert again.first_call[i] == found.first_call[i]
        assert again.n_calls[i] == found.n_calls[i]
    assert found.calls_status.tolist() == [Status.ok, Status.ok, Status.not_applicable, Status.ok]
    assert found.n_calls[2] == 0
    assert np.isnan(found.snapped_high[2])
    assert found.percent_end[3] == 100
