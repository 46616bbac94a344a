"""Profiles of wells by fast Fourier transform: against closed forms, the quadrature and reference values."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.wells.double_wells import potential, quartic, table
from scoreshock.kernels.wells.parts import state
from scoreshock.kernels.wells.spectral import Profile, profile
from tests.reference import cases, check, identify

pytestmark = pytest.mark.filterwarnings("error")


def pair(weight):
    """Two Gaussians of variance 1 at -2 and 2 as a potential."""

    def log_parts(x):
        return np.log(weight) - (x + 2) ** 2 / 2, np.log1p(-weight) - (x - 2) ** 2 / 2

    def share(x):
        return np.exp(log_parts(x)[1] - np.logaddexp(*log_parts(x)))

    return potential(
        lambda x: -np.logaddexp(*log_parts(x)) + np.log(2 * np.pi) / 2,
        lambda x: x + 2 - 4 * share(x),
        lambda x: 1 - 16 * share(x) * (1 - share(x)),
    )


def random_quartics(count, seed=0):
    """Barriers from ``exp(0.01)`` to ``exp(300)``, a third without tilt, some with one well."""
    rng = np.random.default_rng(seed)
    b = 10 ** rng.uniform(-1, 1, count)
    c = 10 ** rng.uniform(-2, 2.5, count) / b**4
    h = np.where(rng.random(count) < 1 / 3, 0, rng.uniform(-1.5, 1.5, count) * 8 * c * b**3 / (3 * 3**0.5))
    size = np.maximum(b, c**-0.25)
    tau = 10 ** rng.uniform(-9, 3, count) * size**2
    reach = np.maximum(size, np.where(rng.random(count) < 0.5, np.sqrt(2 * tau), 0))
    return quartic(c, b, h), rng.uniform(-4, 4, (count, 31)) * reach[:, None], tau, np.sqrt(size**2 + 2 * tau)[:, None]


@pytest.mark.parametrize("case", cases("quartic_state"), ids=identify)
def test_reference_score(case):
    i = case["inputs"]
    wells = quartic(*(np.array(i[key]) for key in "cbh"))
    result = profile(wells, np.array([i["x"]]), np.array(i["tau"]))
    check(case, "score", result.score[0])


@pytest.mark.parametrize("weight", [0.5, 1e-3])
def test_two_gaussians_are_the_mixture_wherever_they_are_transformed(weight):
    x, means, weights = np.linspace(-40, 40, 401), np.array([[-2.0], [2.0]]), np.array([weight, 1 - weight])
    for tau in (1e-9, 1e-3, 0.1, 1.0, 100.0):
        result = profile(pair(weight), x, np.array(tau))
        arguments = x[:, None], means, weights, np.array(1.0), np.array(tau)
        log_p, score = mixture.log_density(*arguments), mixture.score(*arguments)[:, 0]
        good = result.by_transform
        # Farther out the potential's own values have lost digits; behind a well of a thousandth there is a valley.
        assert np.all(good[np.abs(x) < 14 * np.sqrt(1 + 2 * tau)]) or weight < 0.5
        assert good[np.abs(x) < 24 * np.sqrt(1 + 2 * tau)].mean() > 0.85
        assert np.max(np.abs(result.log_density - log_p)[good]) < 2e-12
        assert np.max(np.abs(result.score - score)[good] / (1 / np.sqrt(1 + 2 * tau) + np.abs(score[good]))) < 1e-11


def test_it_differs_from_the_quadrature_by_less_than_its_tolerance():
    wells, x, tau, length = random_quartics(150)
    result = profile(wells, x, tau)
    expected = state(wells._replace(shape=(150, 1)), x, tau[:, None])
    good = result.by_transform
    assert 0.5 < good.mean() < 1
    assert np.max(np.abs(result.log_density - expected.log_density)[good]) < 1e-11
    error = np.abs(result.score - expected.score) / (np.abs(expected.score) + 1 / length)
    assert np.max(error[good]) < 1e-11
    assert np.array_equal(result.score[~good], expected.score[~good])
    assert np.array_equal(result.status, expected.status)


@pytest.mark.parametrize("tau", [1e-3, 0.27, 30.0])
def test_a_profile_across_the_wells_is_transformed_throughout(tau):
    wells = quartic(np.array([0.3, 1.0, 3.0]), np.array(1.0), np.array([0.0, 0.1, 0.2]))
    result = profile(wells, np.linspace(-2.2, 2.2, 301), np.array(tau))
    assert np.all(result.by_transform)
    assert np.min(result.log_density) < -30 or tau > 0.1  # into the tails


@pytest.mark.slow
def test_lines_and_places_do_not_depend_on_their_batch():
    wells, x, tau, _ = random_quartics(70, seed=1)
    whole = profile(wells, x, tau)
    backwards = profile(wells, x[:, ::-1], tau)
    assert np.array_equal(backwards.score[:, ::-1], whole.score, equal_nan=True)
    for i in range(0, 70, 7):
        for chosen in (slice(None), slice(3, 4), slice(0, 31, 6)):
            places = np.full_like(x, np.nan)
            places[i, chosen] = x[i, chosen]
            one = profile(wells, places, tau)
            for name in Profile._fields:
                assert np.array_equal(getattr(one, name)[i, chosen], getattr(whole, name)[i, chosen], equal_nan=True)


@pytest.mark.slow
def test_a_line_by_itself_has_the_same_bits():
    rng = np.random.default_rng(2)
    c, b, h, tau = rng.uniform(0.3, 3, 70), rng.uniform(0.5, 2, 70), rng.normal(0, 0.2, 70), 10 ** rng.uniform(-5, 1, 70)
    x = rng.uniform(-4, 4, (70, 9))
    whole = profile(quartic(c, b, h), x, tau)
    for i in range(70):
        one = profile(quartic(c[i], b[i], h[i]), x[i], tau[i])
        single = profile(quartic(c[i], b[i], h[i]), x[i, 4:5], tau[i])
        for name in Profile._fields:
            assert np.array_equal(getattr(one, name), getattr(whole, name)[i])
            assert np.array_equal(getattr(single, name), getattr(whole, name)[i, 4:5])


@pytest.mark.slow
def test_a_table_has_kinks_and_is_left_to_the_quadrature():
    places = np.linspace(-3, 3, 121)
    wells = table(places, -((places**2 - 1) ** 2))
    result = profile(wells, places, np.array([1e-3, 0.1, 10.0]))
    assert not np.any(result.by_transform)
    assert np.array_equal(result.score, state(wells._replace(shape=(1,)), places, np.array([[1e-3], [0.1], [10.0]])).score)


def test_statuses_are_those_of_the_state():
    wells = quartic(np.array(1.0), np.array([1.0, 0.0, 1e4]), np.array(0.0))
    x, tau = np.array([0.3, np.nan, np.inf, 1e300]), np.array([[0.1], [0.0], [-1.0], [np.nan], [1e12]])
    result = profile(wells, x, tau)
    expected = state(wells._replace(shape=(3, 1)), x, tau[..., None])
    assert np.array_equal(result.status, expected.status)
    assert np.array_equal(np.isnan(result.score), np.isnan(expected.score))
    assert result.status[0, :, 0].tolist() == [Status.ok, Status.no_transition, Status.failed]
    assert np.array_equal(result.by_transform[..., 0].sum(axis=1), [2, 0, 0, 0, 0])
