"""Layers as shocks: their speed and their direction."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.conventions import Status
from scoreshock.kernels.burgers import shock
from scoreshock.kernels.gaussian import mixture


class TestShock:
    def test_the_boundary_moves_to_the_minority_as_noise_grows_and_away_from_it_in_generation(self):
        result = shock.rankine_hugoniot([[-1.0], [1.0]], [0.3, 0.7], 0.09, np.array([0.0, 0.2, 0.5]))
        assert (np.diff(result.shock_position) < 0).all()
        np.testing.assert_allclose(np.diff(result.shock_position), result.shock_speed[0] * np.array([0.2, 0.3]), rtol=1e-12)
        assert (result.shock_residual < 1e-15).all()
        assert (result.shock_speed_generation > 0).all()
        assert (result.shock_residual_generation > 0.1).all()

    @pytest.mark.slow
    def test_statuses(self):
        assert shock.rankine_hugoniot([[1.0], [1.0]], [0.3, 0.7], 0.09, 0.2).shock_status == Status.no_transition
        assert shock.rankine_hugoniot([[-1.0], [1.0]], [0.3, 0.7], 0.0, 0.0).shock_status == Status.singular

    def test_lax_holds_for_an_exact_slice_and_fails_for_its_reflection(self):
        pair = np.array([[-1.0], [1.0]]), np.array([0.3, 0.7]), 0.09, 0.0
        position = shock.rankine_hugoniot(*pair).shock_position
        r = np.linspace(-0.5, 0.5, 201)
        s = mixture.score((position + r)[:, None], *pair)[:, 0]
        behind, ahead, status = shock.one_sided(r, s, 0.09)
        assert status == Status.ok
        exact = shock.rankine_hugoniot(*pair)
        np.testing.assert_allclose([behind, ahead], [exact.score_left, exact.score_right], rtol=0.06)
        assert shock.one_sided(r, -s, 0.09)[2] == Status.failed
        assert shock.one_sided(r, s, 9.0)[2] == Status.not_applicable
