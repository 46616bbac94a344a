"""Roots in brackets: to rounding, each point by itself, NaN where the sign does not change."""

import numpy as np
import pytest

from scoreshock.kernels.numerics.bracketing import bracketed, doubling, safeguarded

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


def by_bracket(points):
    return bracketed(lambda x, i: cubic(x, points[i])[0], LOW[points], HIGH[points])


def by_steps(points):
    return bracketed(lambda x, i: newton(x, points[i]), LOW[points], HIGH[points], newton=True)


def by_newton(points):
    return safeguarded(lambda x, i: newton(x, points[i]), LOW[points], HIGH[points], True, step=(1e-13, 0.0))


def without_an_upper_bound(points):
    ends = LOW[points], np.full(len(points), np.inf)
    return safeguarded(lambda x, i: newton(x, points[i]), *ends, True, start=HIGH[points] / 3, middle=doubling)


@pytest.mark.parametrize("solve", [by_bracket, by_steps, by_newton, without_an_upper_bound])
def test_simple_roots_are_right_to_rounding_and_alone_as_in_a_batch(solve):
    simple = np.flatnonzero(np.arange(50) % 3)
    result = solve(simple)
    np.testing.assert_allclose(result, ROOTS[simple], rtol=1e-14, atol=1e-15)
    assert [solve(np.array([i]))[0] for i in simple] == result.tolist()


def test_a_function_that_never_changes_its_sign_has_no_root():
    one = np.ones(1)

    def underflowing(x, _):
        with np.errstate(all="ignore"):
            return -np.exp(-x), x + np.exp(-x) / np.exp(-x)

    assert np.isnan(safeguarded(underflowing, 0 * one, np.inf * one, True, start=one, middle=doubling))


def test_a_tolerance_bounds_the_error_and_saves_steps():
    calls = []

    def counted(x, points):
        calls[-1] += len(points)
        return cubic(x, 3 * points + 1)[0]

    for tolerance in (0.0, 1e-3):
        calls.append(0)
        result = bracketed(counted, LOW[:16], HIGH[:16], tolerance=tolerance)
        assert np.abs(result - ROOTS[1:49:3]).max() <= max(tolerance, 1e-14)
    assert calls[1] < calls[0]


def test_ends_that_are_roots_are_found_and_without_a_change_of_sign_there_is_none():
    result = bracketed(lambda x, points: x - np.array([0.0, 4.0, -1.0, np.nan])[points], LOW[:4], HIGH[:4])
    np.testing.assert_array_equal(result, [0.0, 4.0, np.nan, np.nan])


def test_a_resolution_finer_than_rounding_ends_at_neighbouring_numbers():
    calls = []

    def step(x, _):
        calls.append(x)
        return np.where(x < np.pi, -1.0, 1.0), x + 1.0

    result = safeguarded(step, np.full(1, 3.0), np.full(1, 4.0), True, width=(1e-300, 0.0))
    assert abs(result - np.pi) <= np.spacing(4.0)
    assert len(calls) < 60
