"""Roots in brackets: to rounding, each point by itself, NaN where the sign does not change."""

import numpy as np
import pytest

from scoreshock.kernels.numerics.bracketing import bracketed, rising_root, safeguarded

RNG = np.random.default_rng(3)
ROOTS = RNG.uniform(0.1, 3.0, 50)
LOW, HIGH = np.zeros(50), np.full(50, 4.0)


def cubic(x, points):
    """Rises through each root, with an inflection there for every third."""
    offset = x - ROOTS[points]
    return offset * (offset**2 + (points % 3)), 3 * offset**2 + points % 3


def newton(x, points):
    value, slope = cubic(x, points)
    return value, x - value / slope


def arithmetic(low, high):
    return 0.5 * (low + high)


def by_bracket(points):
    return bracketed(lambda x, i: cubic(x, points[i])[0], LOW[points], HIGH[points])


def by_newton(points):
    rising, tolerances = np.ones(len(points), dtype=bool), {"step": (1e-13, 0.0), "width": (1e-15, 0.0)}
    step = lambda x, i: newton(x, points[i])  # noqa: E731
    return safeguarded(step, LOW[points], HIGH[points], rising, middle=arithmetic, **tolerances)


def by_bounds(points):
    bounds = LOW[points], HIGH[points], np.ones(len(points))
    return rising_root(lambda x, i: cubic(x, points[i]), HIGH[points] / 3, *bounds)


@pytest.mark.parametrize("solve", [by_bracket, by_newton, by_bounds])
def test_simple_roots_are_right_to_rounding_and_alone_as_in_a_batch(solve):
    simple = np.flatnonzero(np.arange(50) % 3)
    found = solve(simple)
    np.testing.assert_allclose(found, ROOTS[simple], rtol=1e-14, atol=1e-15)
    assert [solve(np.array([i]))[0] for i in simple] == found.tolist()


def test_a_tolerance_bounds_the_error_and_saves_steps():
    calls = []

    def counted(x, points):
        calls[-1] += len(points)
        return cubic(x, 3 * points + 1)[0]

    for tolerance in (0.0, 1e-3):
        calls.append(0)
        found = bracketed(counted, LOW[:16], HIGH[:16], tolerance=tolerance)
        assert np.abs(found - ROOTS[1:49:3]).max() <= max(tolerance, 1e-14)
    assert calls[1] < calls[0]


def test_ends_that_are_roots_are_found_and_without_a_change_of_sign_there_is_none():
    found = bracketed(lambda x, points: x - np.array([0.0, 4.0, -1.0, np.nan])[points], LOW[:4], HIGH[:4])
    np.testing.assert_array_equal(found, [0.0, 4.0, np.nan, np.nan])
