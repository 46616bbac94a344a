"""What the components beside the two of a layer add to its score."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.kernels.layer import competitors, decomposition

from .test_decomposition import draw


class TestCompetitors:
    @pytest.mark.parametrize(("k", "n"), [(3, 1), (4, 2), (6, 5)])
    def test_competitors_explain_the_rest_of_the_score_and_of_its_slope(self, k, n):
        x, means, weights, group = draw(k, n)
        group[-1] = decomposition.REST
        result = competitors.remainder(x, means, weights, 0.3, 0.2, group, np.ones(n))
        assert max(result.competitor_residual.max(), result.competitor_normal_residual.max()) < 1e-13

    def test_they_vanish_exponentially_with_distance(self):
        distance = np.array([4.0, 8.0])[:, None, None] * np.array([0.0, 0.0, 1.0])[:, None]
        means = np.array([[-1.0], [1.0], [0.0]]) + distance
        result = competitors.remainder([0.0], means, [0.4, 0.4, 0.2], 1.0, 0.0, [0, 1, 2], [1.0])
        np.testing.assert_allclose(result.log_epsilon, np.log(0.25) + 0.5 - np.array([8.0, 32.0]), rtol=1e-12)

    def test_none_where_there_are_none_and_no_overflow_where_they_are_all(self):
        x, means, weights, group = draw(3, 2)
        assert np.isnan(competitors.remainder(x, means, weights, 0.3, 0.2, group, [1.0, 0.0]).log_epsilon).all()
        codes = np.array([0, 1, 2])
        far = competitors.remainder(means[2] + [1e-3, 0], 1e3 * means, weights, 1e-2, 0.0, codes, [1.0, 0.0])
        assert np.isfinite(far.score_difference).all()
        assert np.isfinite(far.normal_difference)
