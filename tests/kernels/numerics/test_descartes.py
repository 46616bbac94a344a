"""Bernstein coefficients of the score, in both precisions."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.kernels.numerics import descartes

pytestmark = pytest.mark.filterwarnings("error")


def test_the_series_of_the_score_agree_in_both_precisions_within_their_bound():
    rng = np.random.default_rng(8)
    mu, w = np.sort(rng.uniform(0, 1, (6, 200)), axis=0), rng.dirichlet(np.ones(6), 200).T
    mixtures = descartes.Line(mu, np.log(w), np.stack([np.zeros_like(mu), w]))
    left, v = rng.uniform(0, 1, 200), 10 ** rng.uniform(-3, 0, 200)
    width = np.sqrt(v) * 2.0 ** -rng.uniform(4, 12, 200)
    single, double = (descartes.bernstein(left, width, v, mixtures, precision) for precision in (0, 1))
    assert descartes.summable(left, width, v, mixtures).all()
    rounding, rest = descartes._errors(left, width, v, mixtures, descartes.DEGREES[0])
    # The polynomials' values at both ends: their degrees differ.
    assert (np.abs(single[[0, -1]] - double[[0, -1]]) <= descartes.EPS[0] * rounding + rest).all()
    assert (np.abs(double[0]) > 1e3 * descartes.EPS[0] * rounding).mean() > 0.9
