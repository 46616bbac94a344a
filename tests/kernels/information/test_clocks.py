"""Clocks against closed forms of a Gaussian, and against mutual information from the density itself."""

import numpy as np
import pytest
from scipy.integrate import quad

from scoreshock.conventions import Status
from scoreshock.kernels.information.classes import Method
from scoreshock.kernels.information.clocks import clock_levels

AUTO = Method()


def information(means, weights, variance, sigma):
    """``h(x_sigma) - ln(2 pi e sigma^2)/2`` of a mixture on a line, by quadrature of the density."""
    v = variance + sigma**2

    def integrand(x):
        p = (weights * np.exp(-((x - means) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)).sum()
        return -p * np.log(p) if p > 0 else 0.0

    reach = np.abs(means).max() + 15 * np.sqrt(v.max())
    entropy = quad(integrand, -reach, reach, points=means, epsabs=1e-13, epsrel=1e-12, limit=500)[0]
    return entropy - 0.5 * np.log(2 * np.pi * np.e * sigma**2)


@pytest.mark.parametrize("c", [0.01, 0.5, 3.0])
@pytest.mark.parametrize("dimension", [1, 3072])
def test_rescaled_levels_of_a_gaussian_are_equal_steps_of_an_angle(c, dimension):
    ends = 0.002, 80.0
    found = clock_levels(
        np.zeros((1, 1)), np.ones(1), np.array([c * c]), np.array(dimension), *map(np.array, ends), 40, AUTO
    )
    angles = np.linspace(*np.arctan(np.array(ends[::-1]) / c), 41)
    np.testing.assert_allclose(found.sigma_rescaled, c * np.tan(angles), rtol=1e-9)
    assert found.rescaled_total == pytest.approx(dimension * c * (angles[0] - angles[-1]), rel=1e-12)
    gained = 0.5 * dimension * np.log1p(c * c / np.array(ends) ** 2)
    assert found.entropic_total == pytest.approx(gained[0] - gained[1], rel=1e-12)


@pytest.mark.parametrize("variance", [[0.01, 0.01, 0.01], [0.04, 0.3, 0.1]])
def test_entropic_time_is_mutual_information(variance):
    means, weights = np.array([-1.0, 0.3, 2.0]), np.array([0.2, 0.5, 0.3])
    arguments = means[:, None], weights, np.array(variance), np.array(1)
    found = clock_levels(*arguments, np.array(0.05), np.array(10.0), 6, AUTO)
    assert found.clocks_status == Status.ok
    gained = [information(means, weights, np.array(variance), sigma) for sigma in found.sigma_entropic]
    np.testing.assert_allclose(np.diff(gained), found.entropic_total / 6, rtol=1e-8)
    assert found.sigma_entropic[[0, -1]].tolist() == pytest.approx([10.0, 0.05], rel=1e-15)


@pytest.mark.slow
def test_entropic_time_of_point_masses_is_the_entropy_of_their_weights():
    weights = np.array([0.1, 0.2, 0.7])
    found = clock_levels(
        np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]),
        weights,
        np.zeros(3),
        np.array(2),
        np.array(0.01),
        np.array(1e5),
        4,
        AUTO,
    )
    assert found.entropic_total == pytest.approx(-(weights * np.log(weights)).sum(), abs=1e-9)


@pytest.mark.slow
def test_levels_by_draws_have_standard_errors():
    means, weights = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.4, -0.7]]), np.array([0.4, 0.3, 0.3])
    arguments = means, weights, np.full(3, 0.05), np.array(2), np.array(0.05), np.array(10.0), 5
    exact, drawn = (clock_levels(*arguments, method) for method in (AUTO, Method("monte-carlo", 640, 1)))
    for name in ("sigma_entropic", "sigma_rescaled"):
        error = getattr(drawn, f"{name}_error")[1:-1]
        apart = np.abs(getattr(drawn, name) - getattr(exact, name))[1:-1]
        assert (apart < 5 * error).all()
        assert (error < 0.1 * getattr(exact, name)[1:-1]).all()
    assert abs(drawn.entropic_total - exact.entropic_total) < 5 * drawn.entropic_total_error


def test_a_clock_has_the_same_bits_alone_and_statuses():
    low, high = np.array([0.01, 0.002, 1.0, 0.1]), np.array([20.0, 80.0, 0.5, 9.0])
    means, variance = (
        np.array([[[-1.0], [1.0]]] * 3 + [[[0.0], [0.0]]]),
        np.array([[0.1, 0.1], [0.05, 0.2], [0.1, 0.1], [0.0, 0.0]]),
    )
    arguments = means, np.full((4, 2), 0.5), variance, np.ones(4, dtype=int), low, high
    together = clock_levels(*arguments, 5, AUTO)
    assert together.clocks_status.tolist() == [Status.ok, Status.ok, Status.not_applicable, Status.no_transition]
    for i in range(4):
        alone = clock_levels(*(a[i] for a in arguments), 5, AUTO)
        for whole, part in zip(together, alone, strict=True):
            np.testing.assert_array_equal(whole[i], part)
