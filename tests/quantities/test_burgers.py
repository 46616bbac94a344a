"""Labelled residuals of the score's equations: references, sweeps, forms, functions and statuses."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.kernels.gaussian import mixture as kernel
from scoreshock.quantities.burgers import EQUATIONS, burgers_residual
from tests.reference import cases, check, identify, means_of, weights_of

BOUND = 1e-12
TERMS = ("rate_term", "diffusion_term", "advection_term", "growth_term", "transport_term")


def mixture_of(case):
    return ss.mixture(means_of(case), weights_of(case), case["inputs"]["sigma0"] ** 2)


def triple(**sweep):
    return ss.families.collinear(separation=xr.DataArray([0.5, 2.0], dims="separation"), variance=0.09, **sweep)


def grid():
    core = np.linspace(-4, 4, 41)
    tails = np.logspace(1, 4, 10)
    return np.concatenate([-tails[::-1], core, tails])


def gaussian(x, tau):
    return -x / (1 + 2 * tau)[..., None]


@pytest.mark.parametrize("case", cases("pde_nd"), ids=identify)
def test_terms_at_the_reference_points(case):
    x, tau = xr.DataArray(np.array(case["inputs"]["x"]), dims="feature"), case["inputs"]["tau"]
    result = burgers_residual(mixture_of(case), x, tau)
    check(case, "s", result.score.values)
    check(case, "s_tau", result.rate_term.values)
    check(case, "lap_s", result.diffusion_term.values)
    check(case, "adv_2s_grad_s", result.advection_term.values)
    velocity = burgers_residual(mixture_of(case), x, tau, form="burgers")
    check(case, "u", velocity.burgers_velocity.values)
    check(case, "u_tau", velocity.rate_term.values)
    assert result.residual_relative <= BOUND


@pytest.mark.parametrize("form", EQUATIONS)
def test_every_form_holds_from_core_to_tails_at_every_time(form):
    result = burgers_residual(triple(), grid(), [0.0, 1e-6, 0.2, 30.0, 1e12], form=form, coefficient=0.7)
    assert result.residual_relative.dims == ("separation", "tau", "x")
    assert (result.residual_status == Status.ok).all()
    assert float(result.residual_relative.max()) <= BOUND
    terms = [result[name] for name in TERMS[1:] if name in result]
    np.testing.assert_allclose(result.rate_term, sum(terms), rtol=1e-11, atol=1e-15 * float(result.largest_term.max()))
    assert result.attrs["equation"] == EQUATIONS[form]
    for name, variable in result.data_vars.items():
        assert variable.attrs["long_name"], name


def test_forms_are_the_same_equation_in_other_units():
    x, tau, g2, nu = grid(), 0.2, 0.7, 0.3
    score = burgers_residual(triple(), x, tau)
    velocity = burgers_residual(triple(), x, tau, form="burgers")
    np.testing.assert_array_equal(velocity.burgers_velocity, -2 * score.score)
    np.testing.assert_array_equal(velocity.rate_term, -2 * score.rate_term)
    physical = burgers_residual(triple(), x, tau, form="physical", coefficient=g2)
    np.testing.assert_allclose(physical.rate_term, 0.5 * g2 * score.rate_term, rtol=1e-14)
    viscous = burgers_residual(triple(), x, tau, form="cole-hopf", coefficient=nu)
    np.testing.assert_allclose(viscous.diffusion_term, -2 * nu**2 * score.diffusion_term, rtol=1e-14)
    flux = burgers_residual(triple(), x, tau, form="conservation")
    np.testing.assert_array_equal(flux.rate_term, score.rate_term)


def test_variance_preserving_terms_are_those_of_the_mapped_score():
    """(81): s_t(x) = s(x/alpha, tau)/alpha, and d alpha/dt = -beta alpha/2."""
    tau, beta = 0.4, 2.5
    alpha = 1 / np.sqrt(1 + 2 * tau)
    still = burgers_residual(triple(), grid(), tau)
    result = burgers_residual(triple(), alpha * grid(), tau, form="vp", coefficient=beta)
    np.testing.assert_allclose(result.score, still.score / alpha, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(result.growth_term, 0.5 * beta * result.score, rtol=1e-14)
    np.testing.assert_allclose(result.diffusion_term, 0.5 * beta * still.diffusion_term / alpha**3, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(result.advection_term, 0.5 * beta * still.advection_term / alpha**3, rtol=1e-9, atol=1e-13)


def test_log_density_is_that_of_the_ambient_dimension():
    pair = ss.families.pair(separation=1.0, variance=0.25, dimension=100)
    result = burgers_residual(pair, np.array([0.3]), 0.1, form="log-density")
    np.testing.assert_allclose(result.log_density, ss.log_density(pair, np.array([0.3]), 0.1), rtol=1e-14)
    v = 0.45
    assert float(result.rate_term.squeeze()) < -99 / v + 10


def test_chunks_change_no_bit():
    whole = burgers_residual(triple(), grid(), [0.1, 0.2], form="burgers")
    lazy = burgers_residual(triple().chunk(separation=1), grid(), [0.1, 0.2], form="burgers")
    assert lazy.residual.chunks
    xr.testing.assert_identical(whole, lazy.compute())


@pytest.mark.parametrize("form", [name for name in EQUATIONS if name not in ("conservation", "log-density", "vp")])
def test_differences_of_a_mixture_agree_within_their_error(form):
    arguments = triple(), grid(), [0.05, 0.5]
    exact = burgers_residual(*arguments, form=form, coefficient=0.7)
    result = burgers_residual(*arguments, form=form, coefficient=0.7, method="differences")
    assert (np.abs(result.residual.squeeze("feature")) <= result.residual_error).all()
    assert float(result.residual_relative.median()) <= 1e-9
    for name in TERMS[:3]:
        assert (np.abs(result[name] - exact[name]).squeeze("feature") <= result.residual_error * 1.0001).all(), name


def test_a_function_is_told_apart_from_a_score():
    points = np.random.default_rng(2).normal(size=(20, 3))
    right = burgers_residual(gaussian, points, 0.5)
    assert right.residual.dims == ("point", "feature")
    assert (right.residual_relative <= 1e-8).all()
    wrong = burgers_residual(lambda x, tau: 1.1 * gaussian(x, tau), points, 0.5)
    np.testing.assert_allclose(wrong.residual_relative, 0.1 / 1.1, rtol=1e-7)
    velocity = burgers_residual(gaussian, points, 0.5, form="burgers")
    np.testing.assert_allclose(velocity.burgers_velocity, points, rtol=1e-14)


def test_a_function_in_its_own_clock():
    """VP with constant beta: the function knows t, and the equation is (78)."""
    beta, pair = 2.0, ss.families.pair(separation=1.0, variance=0.25)
    means, weights = pair.component_mean.values, pair.component_weight.values

    def network(x, t):
        alpha = np.exp(-0.5 * beta * t)
        s = kernel.score(x / alpha[..., None], means, weights, 0.25, 0.5 * np.expm1(beta * t))
        return s / alpha[..., None]

    x = np.linspace(-2, 2, 21)[:, None]
    result = burgers_residual(network, x, 0.4, form="vp", coefficient=beta, length=0.3)
    assert (np.abs(result.residual[:, 0]) <= result.residual_error).all()
    assert (result.residual_relative <= 1e-7).all()
    unforced = burgers_residual(network, x, 0.4, form="physical", coefficient=beta, length=0.3)
    assert float(unforced.residual_relative.max()) > 0.1


def test_why_a_residual_is_missing():
    pair = ss.families.pair(separation=1.0, variance=xr.DataArray([0.0, 0.25], dims="variance"))
    tau = xr.DataArray([0.0, 0.3, np.nan], dims="tau")
    result = burgers_residual(pair, np.array([0.3]), tau).residual_status.squeeze("x").transpose("variance", "tau")
    assert result.values.tolist() == [
        [Status.singular, Status.ok, Status.not_applicable],
        [Status.ok, Status.ok, Status.not_applicable],
    ]
    by = (
        burgers_residual(pair, np.array([0.3]), tau, method="differences")
        .residual_status.squeeze("x")
        .transpose("variance", "tau")
    )
    assert by.values.tolist() == [
        [Status.singular, Status.ok, Status.not_applicable],
        [Status.not_applicable, Status.ok, Status.not_applicable],
    ]
    assert "singular" in result.attrs["flag_meanings"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "euler"}, "form: 'euler' is not available with analytic; allowed: score, burgers"),
        ({"method": "guess"}, "method: 'guess' is not available; allowed: analytic, differences"),
        ({"form": "vp", "method": "differences"}, "form: 'vp' is not available with differences"),
        ({"tau": -1.0}, "tau = -1.0 is not allowed"),
    ],
)
def test_errors_name_the_allowed_values(options, message):
    arguments = {"x": np.array([0.1]), "tau": 0.1} | options
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        burgers_residual(triple(), **arguments)


def test_functions_have_no_density():
    with pytest.raises(ValueError, match="form: 'log-density' is not available with differences"):
        burgers_residual(gaussian, np.zeros(2), 0.1, form="log-density")
    with pytest.raises(ValueError, match=r"field = 3\.0 is not allowed; allowed: a mixture, or a function"):
        burgers_residual(3.0, np.zeros(2), 0.1)


def test_conservation_form_has_one_dimension():
    with pytest.raises(ValueError, match="'conservation' has one dimension; the mixture has 2 features"):
        burgers_residual(ss.families.polygon(separation=1.0, variance=0.1), np.zeros(2), 0.1, form="conservation")
