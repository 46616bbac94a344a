"""Differences of any field: the right derivatives, and errors that hold."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.kernels.burgers import terms as burgers
from scoreshock.kernels.burgers.differences import derivatives, field_terms
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.numerics.vectors import lengths

RNG = np.random.default_rng(11)
X = RNG.normal(size=(60, 2))


def wave(x, tau):
    """A field of two values with known derivatives: e**-5tau cos(x + 2y), x**3 y tau**2."""
    return np.stack([np.exp(-5 * tau) * np.cos(x[..., 0] + 2 * x[..., 1]), x[..., 0] ** 3 * x[..., 1] * tau**2], axis=-1)


def exact(x, tau):
    a, b = x[..., 0], x[..., 1]
    decay, phase, zero = np.exp(-5 * tau), a + 2 * b, np.zeros_like(a)
    gradient = np.stack([-decay * np.sin(phase), -2 * decay * np.sin(phase), 3 * a**2 * b * tau**2, a**3 * tau**2], axis=-1)
    laplacian = np.stack([-5 * decay * np.cos(phase), 6 * a * b * tau**2 + zero], axis=-1)
    rate = np.stack([-5 * decay * np.cos(phase), 2 * a**3 * b * tau], axis=-1)
    return gradient.reshape(*a.shape, 2, 2), laplacian, rate


@pytest.mark.parametrize(("richardson", "accuracy"), [(True, 1e-9), (False, 1e-5)])
def test_derivatives_are_right_within_their_errors(richardson, accuracy):
    tau = 0.3
    result = derivatives(wave, X, tau, 1.0, richardson=richardson)
    gradient, laplacian, rate = exact(X, tau)
    for got, error, wanted in (
        (result.gradient, result.gradient_error, gradient),
        (result.laplacian, result.laplacian_error, laplacian),
        (result.rate, result.rate_error, rate),
    ):
        off = np.abs(got - wanted)
        assert (off <= error + 1e-14).all()
        assert off.max() <= accuracy * (1 + np.abs(wanted).max())


def test_time_has_no_earlier_side_at_zero():
    result = derivatives(wave, X, 0.0)
    assert np.isnan(result.rate).all()
    assert np.isfinite(result.gradient).all()


def test_times_before_zero_are_never_asked_for():
    asked = []

    def spy(x, tau):
        asked.append(np.min(tau))
        return wave(x, tau)

    derivatives(spy, X, np.full(60, 1e-9), length=5.0)
    assert min(asked) > 0


def test_single_precision_of_a_field_must_be_declared():
    def single(x, tau):
        return wave(x, tau).astype(np.float32)

    _, laplacian, _ = exact(X, 0.3)
    for precision, holds in ((2.0**-23, True), (2.0**-52, False)):
        result = derivatives(single, X, 0.3, precision=precision)
        assert (np.abs(result.laplacian - laplacian) <= result.laplacian_error).all() == holds


@pytest.mark.parametrize("richardson", [True, False])
@pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 2), (4, 3)])
def test_residual_of_a_true_score_is_below_its_error(k, n, richardson):
    rng = np.random.default_rng([k, n])
    means, weights = rng.normal(size=(k, n)), np.full(k, 1 / k)
    for variance, tau in ((0.09, 0.2), (0.0025, 0.001), (1.0, 50.0)):
        v = variance + 2 * tau
        length = v / (np.sqrt(v) + np.abs(means).max())
        for x in (rng.normal(size=(30, n)), 1e4 * np.sqrt(v) * rng.normal(size=(30, n))):
            result = derivatives(
                lambda x, t, w=weights, s=variance, m=means: mixture.score(x, m, w, s, t),
                x, tau, length, richardson=richardson,
            )  # fmt: skip
            terms = field_terms(result, x)
            assert (lengths(terms.residual.T) <= terms.residual_error).all()
            assert (terms.residual_relative <= (1e-6 if richardson else 1e-3)).all()
            analytic = burgers.score_terms(x, means, weights, variance, tau)
            for name in ("rate_term", "diffusion_term", "advection_term"):
                off = lengths((getattr(terms, name) - getattr(analytic, name)).T)
                assert (off <= terms.residual_error + 1e-15 * analytic.largest_term).all()


def test_terms_with_a_drift():
    """The VP score of standard normal data stands still."""
    result = derivatives(lambda x, t: -x + 0 * t[..., None], X, 0.7)
    terms = field_terms(result, X, drift=-1.0, squared_diffusion=2.0)
    assert (lengths(terms.residual.T) <= terms.residual_error).all()
    np.testing.assert_allclose(terms.transport_term, -X, atol=1e-9)


def test_a_field_that_is_no_score_is_detected():
    result = derivatives(lambda x, t: -1.1 * x / (1 + 2 * t)[..., None], X, 0.5)
    terms = field_terms(result, X)
    assert (lengths(terms.residual.T) > 1e6 * terms.residual_error).all()
    np.testing.assert_allclose(terms.residual_relative, 0.1 / 1.1, rtol=1e-8)
