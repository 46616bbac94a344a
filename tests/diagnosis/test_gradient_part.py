"""The part of a score's error that moves the density: rotations, shifts, and fields whose flow keeps a mixture."""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.diagnosis.gradient_part import COLUMNS, GradientPart, from_samples, in_plane, on_line, plane_grid
from scoreshock.diagnosis.truth import truth_of

ONE = truth_of(ss.mixture([[0.0, 0.0]], variance=1.0))
PAIR = truth_of(ss.mixture([[-1.0, 0.0], [1.0, 0.5]], [0.3, 0.7], variance=0.25))
SIGMA = 0.5


@pytest.mark.slow
def test_a_rotation_has_curl_and_no_effect_a_shift_the_reverse() -> None:
    x, share = plane_grid(ONE, 1.0)
    (rotation,) = in_plane(ONE, 1.0, x, share, [np.stack([3 * x[:, 1], -3 * x[:, 0]], axis=-1)])
    assert rotation.whole == pytest.approx(9 * 2 * 2, rel=1e-12)
    assert rotation.gradient < 1e-10
    (shift,) = in_plane(ONE, 1.0, x, share, [np.full_like(x, 0.3)])
    assert shift.gradient == pytest.approx(shift.whole, rel=1e-12)
    assert shift.whole == pytest.approx(0.18, rel=1e-12)


def test_both_together_split_without_a_rest() -> None:
    x, share = plane_grid(ONE, 1.0)
    (both,) = in_plane(ONE, 1.0, x, share, [np.stack([0.3 + 3 * x[:, 1], 0.3 - 3 * x[:, 0]], axis=-1)])
    assert both.gradient == pytest.approx(0.18, abs=1e-10)
    assert both.whole == pytest.approx(36.18, rel=1e-12)


@pytest.mark.slow
def test_a_field_that_keeps_a_mixture_has_no_gradient_part() -> None:
    """e = rot(p h)/p, whose p e has no divergence."""
    x, share = plane_grid(PAIR, SIGMA)
    s = PAIR.score(x, SIGMA)
    h, slope = np.sin(x[:, 0]), np.stack([np.cos(x[:, 0]), np.zeros(len(x))], axis=-1)
    along = slope + h[:, None] * s
    (found,) = in_plane(PAIR, SIGMA, x, share, [np.stack([along[:, 1], -along[:, 0]], axis=-1)])
    assert found.whole > 0.1
    assert found.gradient < 1e-10


@pytest.mark.slow
def test_an_error_that_is_a_gradient_is_found_whole() -> None:
    """A score of other weights is off by the gradient of a log-ratio."""
    other = truth_of(ss.mixture([[-1.0, 0.0], [1.0, 0.5]], [0.6, 0.4], variance=0.25))
    x, share = plane_grid(PAIR, SIGMA)
    (found,) = in_plane(PAIR, SIGMA, x, share, [other.score(x, SIGMA) - PAIR.score(x, SIGMA)])
    assert found.gradient == pytest.approx(found.whole, rel=1e-6)
    assert found.whole - found.gradient < found.gradient_error


@pytest.mark.slow
@pytest.mark.parametrize("sigma", [0.2, 0.5, 2.0])
def test_in_the_plane_both_bounds_meet(sigma: float) -> None:
    """A gradient, of other weights, with a field that keeps the density: the gap between the bounds is their error."""
    other = truth_of(ss.mixture([[-1.0, 0.0], [1.0, 0.5]], [0.6, 0.4], variance=0.25))
    x, share = plane_grid(PAIR, sigma)
    s, f, zero = PAIR.score(x, sigma), np.cos(2 * x[:, 0]), np.zeros(len(x))
    along = f[:, None] * s + np.stack([-2 * np.sin(2 * x[:, 0]), zero], axis=-1)
    gradient = other.score(x, sigma) - s
    known = share @ (gradient**2).sum(axis=-1)
    (found,) = in_plane(PAIR, sigma, x, share, [gradient + np.stack([along[:, 1], -along[:, 0]], axis=-1)])
    assert found.whole > 2 * known
    assert found.gradient == pytest.approx(known, rel=2e-3)
    assert found.gradient - found.gradient_error - 1e-9 <= known <= found.upper + found.upper_error + 1e-9
    assert found.upper - found.gradient <= 3 * (found.gradient_error + found.upper_error) + 1e-9


def test_on_a_line_all_of_it_acts() -> None:
    error = np.random.default_rng(0).normal(size=(1000, 1))
    found = on_line(error)
    assert found.gradient == found.whole == pytest.approx(1.0, abs=4 * found.gradient_error)


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 8])
def test_from_samples_it_is_a_bound_within_its_error(n: int) -> None:
    rng = np.random.default_rng(0)
    means, weights = rng.normal(size=(3, n)), rng.dirichlet(np.full(3, 5.0))
    truth, other = (truth_of(ss.mixture(means, w, variance=0.25)) for w in (None, weights))
    x = truth.starts(2000, SIGMA, 0)
    gradient = other.score(x, SIGMA) - truth.score(x, SIGMA)
    shift, found = from_samples(truth, SIGMA, x, [np.full_like(x, 0.3), gradient])
    assert shift.gradient == pytest.approx(0.09 * n, rel=1e-8)
    assert found.gradient == pytest.approx(found.whole, abs=4 * found.gradient_error)
    one = truth_of(ss.mixture(np.zeros((1, n))))
    x, turn = one.starts(2000, 1.0, 0), rng.normal(size=(n, n))
    (rotation,) = from_samples(one, 1.0, x, [x @ (turn - turn.T)])
    assert rotation.gradient < 3 * rotation.gradient_error + 1e-12
    assert rotation.whole > 1


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 5])
def test_errors_together_are_each_as_if_alone_in_any_order(n: int) -> None:
    """More of them than one matrix product takes."""
    rng = np.random.default_rng(0)
    truth = truth_of(ss.mixture(rng.normal(size=(3, n)), variance=0.25))
    x, share = plane_grid(truth, 1.0) if n == 2 else (truth.starts(300, 1.0, 0), np.zeros(0))
    errors = [np.sin(x @ rng.normal(size=(n, n)) + each) for each in range(COLUMNS + 6)]

    def parts(some: list[np.ndarray]) -> list[GradientPart]:
        return in_plane(truth, 1.0, x, share, some) if n == 2 else from_samples(truth, 1.0, x, some)

    together = parts(errors)
    assert parts(errors[::-1]) == together[::-1]
    assert [parts([errors[each]])[0] for each in (0, 5, COLUMNS)] == [together[each] for each in (0, 5, COLUMNS)]
