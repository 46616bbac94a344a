"""Profiles along a line: components with covariances against the isotropic profile and against matrices."""

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.covariances.components import components, covariance
from scoreshock.kernels.covariances.line import profile, with_axes
from scoreshock.kernels.gaussian import line

RNG = np.random.default_rng(0)
MEANS, WEIGHTS = RNG.normal(size=(3, 2)), np.array([0.2, 0.3, 0.5])
GRID = np.linspace(-2.0, 2.0, 5)


def test_equal_variances_give_the_isotropic_profile():
    variance, tau = np.array(0.4), np.array(0.3)
    expected = line.profile(MEANS, WEIGHTS, GRID, variance, tau, "absolute")
    x = line.points_on_line(MEANS, WEIGHTS, GRID)
    along = line.line_through_layer(MEANS, WEIGHTS).direction
    result = profile(x, along, components(MEANS, WEIGHTS, 0.4), tau, np.array(2))
    for name in ("score", "score_along", "log_density"):
        np.testing.assert_allclose(getattr(result, name), getattr(expected, name), rtol=1e-12, atol=1e-13)
    assert result.score_status == Status.ok


def test_the_score_along_the_line_is_the_slope_of_the_log_density():
    c = components(MEANS, WEIGHTS, 0.0, RNG.uniform(0.2, 2.0, (3, 2)))
    along = np.array([0.6, 0.8])
    step = 1e-5
    x = (GRID[:, None] + np.array([-step, 0.0, step])).ravel()[:, None] * along
    result = profile(x, along, c, np.array(0.1), np.array(2))
    sides = result.log_density.reshape(-1, 3)
    np.testing.assert_allclose((sides[:, 2] - sides[:, 0]) / (2 * step), result.score_along[1::3], rtol=1e-7, atol=1e-8)


def test_statuses_say_what_is_missing():
    flat = components(MEANS, WEIGHTS, 0.0, [[1.0, 0.0]])
    tau = np.array([0.0, 0.1, np.nan])
    result = profile(np.zeros((1, 2)), np.array([1.0, 0.0]), flat, tau, np.full(3, 2))
    assert result.score_status.tolist() == [Status.singular, Status.ok, Status.no_transition]


def test_further_axes_are_the_last_leading_ones():
    c = with_axes(components(np.stack([MEANS] * 4), WEIGHTS, 0.1, [[1.0]], [[[1.0, 0.0]]]), 2)
    assert c.lead == (4, 1, 1)
    assert covariance(c).shape == (1, 1, 1, 2, 2)
