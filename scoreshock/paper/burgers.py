"""Section 4: the score is a Burgers velocity."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.paper import models
from scoreshock.paper.configuration import Setup
from scoreshock.paper.statement import dataset, relative, residual, statement
from scoreshock.quantities.burgers import burgers_residual
from scoreshock.quantities.fields import score, score_jacobian

DIFFERENCES = 1e-3
"""Tolerance of residuals by finite differences, which reach 1e-4 where all terms of an equation nearly vanish."""

ADVECTION = 1e-8
"""Tolerance of a product of score and Jacobian in double precision, near the zeros of the score, where all terms vanish."""


def _pairs(setup: Setup) -> tuple[xr.Dataset, xr.Dataset]:
    return models.pair(setup), models.unequal_pair(setup)


def _on_pairs(setup: Setup, form: str, coefficient: float | xr.DataArray = 1.0) -> xr.Dataset:
    """Field and residual of one form for the equal and the unequal pair, from the core to the tails."""
    x, tau = models.grid(setup.grid), models.times(setup)
    result = [burgers_residual(m, x, tau, form, coefficient) for m in _pairs(setup)]
    return xr.concat(result, xr.Variable("weights", ["equal", "unequal"], {"long_name": "weights of the pair"}))


def _field_gap(setup: Setup, result: xr.DataArray, factor: float | xr.DataArray = 1.0) -> xr.DataArray:
    """Difference of a field of the pairs from ``factor`` times their score, relative to its larger term."""
    x, tau = models.grid(setup.grid), models.times(setup)
    gaps = []
    pairs = (setup.pair, 0.5), (setup.unequal, setup.unequal.weight)
    for (settings, weight), field in zip(pairs, result.squeeze("feature"), strict=True):
        a, v = settings.separation, settings.variance + 2 * tau
        linear, layered = -x / v, a / v * np.tanh(a * x / v + np.log(weight / (1 - weight)) / 2)
        gaps.append(relative(field, factor * (linear + layered), factor * linear, factor * layered))
    return xr.concat(gaps, result.weights)


def _advection(setup: Setup, result: xr.Dataset, factor: float | xr.DataArray = -2.0) -> xr.Variable:
    """Difference of a velocity's advection from ``-u u_x``, ``u = factor s``, over the largest term."""
    x, tau = models.grid(setup.grid), models.times(setup)
    gaps = []
    for index, density in enumerate(_pairs(setup)):
        terms = result.isel(weights=index).squeeze("feature")
        slope = score_jacobian(density, x, tau).squeeze(["feature", "feature_other"])
        expected = -(factor**2) * score(density, x, tau).squeeze("feature") * slope
        gaps.append(relative(terms.advection_term, expected, terms.largest_term))
    from_score = r"advection against $-u\,u_x$ from the score and its Jacobian, over the largest term"
    return residual(xr.concat(gaps, result.weights), from_score, ADVECTION)


def _twice(setup: Setup, form: str, number: str, field: str, factor: float) -> xr.Dataset:
    """Residual of a form of the equation by closed forms, and by finite differences of the score, as in the paper."""
    analytic, x = _on_pairs(setup, form), models.grid(setup.grid)
    core = x[np.abs(x.values) <= setup.grid.core]
    differences = burgers_residual(models.pair(setup), core, models.times(setup), form, method="differences")
    measured = differences.residual_relative.rename(x="x_core")
    closed = "the field against its closed form for two weights, relative to the larger term"
    return dataset(
        analytic.coords | measured.coords,
        residual_relative=residual(analytic.residual_relative, f"residual of {number}, relative to its largest term"),
        residual_differences=residual(measured, "residual by finite differences of the score, relative", DIFFERENCES),
        residual_field=residual(_field_gap(setup, analytic[field], factor), closed),
    )


@statement(
    "Theorem 4.1: Score PDE",
    r"In one dimension the score $s = \partial_x \ln p$ of a positive heat flow obeys a nonlinear parabolic equation.",
    {"18": r"s_\tau = s_{xx} + 2\,s\,s_x"},
    r"Both sides from closed-form derivatives, with $s_\tau$ from the density, not from the equation, for pairs of equal "
    "and of unequal weights, from the core far into the tails. They are evaluated in double-double precision, so that "
    "residuals below 1e-16 are meaningful. Also by finite differences, as in section 10.1.",
    (burgers_residual,),
)
def _score_equation(setup: Setup) -> xr.Dataset:
    return _twice(setup, "score", "(18)", "score", 1.0)


@statement(
    "Statement 4.2: Conservation form",
    "The score PDE is a conservation law, with flux $-(s_x + s^2)$.",
    {"23": r"s_\tau = \partial_x\bigl(s_x + s^2\bigr)"},
    r"The flux's derivative, from the density's moments, against $s_\tau$.",
    (burgers_residual,),
    note="Our copy of the paper has no text under the number 4.2. Between Theorem 4.1 and section 4.2 is equation (23), "
    "which the proof of Proposition 5.13 uses; it is computed here.",
)
def _conservation(setup: Setup) -> xr.Dataset:
    result = _on_pairs(setup, "conservation").residual_relative
    return dataset(result.coords, residual_relative=residual(result, "residual of (23), relative to its largest term"))


@statement(
    "Theorem 4.3: Score-Burgers correspondence",
    "$u = -2s$ obeys the viscous Burgers equation with unit viscosity.",
    {"24": r"u_\tau + u\,u_x = u_{xx}"},
    "As for Theorem 4.1.",
    (burgers_residual,),
)
def _burgers(setup: Setup) -> xr.Dataset:
    result = _twice(setup, "burgers", "(24)", "burgers_velocity", -2.0)
    return result.assign(residual_advection=_advection(setup, _on_pairs(setup, "burgers")))


@statement(
    "Remark 4.4: Exactness",
    "The correspondence is an identity, not an approximation: it is the Cole-Hopf transform of the heat equation "
    r"$\varphi_t = \nu\,\varphi_{xx}$, taken at $\nu = 1$.",
    {"16": r"u = -2\nu\,\partial_x \ln\varphi", "17": r"u_t + u\,u_x = \nu\,u_{xx}"},
    r"Burgers with viscosity $\nu$ for $u = -2\nu s$, with the heat flow at $\tau = \nu t$.",
    (burgers_residual,),
)
def _cole_hopf(setup: Setup) -> xr.Dataset:
    viscosity = models.axis_of("viscosity", setup.viscosities, "viscosity nu of (16)-(17)")
    result = _on_pairs(setup, "cole-hopf", viscosity)
    field = _field_gap(setup, result.burgers_velocity, -2 * viscosity)
    rate = relative(result.rate_term, -2 * viscosity**2 * _on_pairs(setup, "score").rate_term, result.largest_term)
    return dataset(
        result.coords,
        residual_relative=residual(result.residual_relative, "residual of (17), relative to its largest term"),
        residual_field=residual(field, "velocity against (16), relative"),
        residual_rate=residual(rate, r"$u_t$ against $-2\nu^2 s_\tau$, over the largest term"),
        residual_advection=_advection(setup, result, -2 * viscosity),
    )


@statement(
    "Corollary 4.5: Score PDE in physical time",
    r"In the time of the VE-SDE the right-hand sides are multiplied by $\tfrac12 g^2$.",
    {
        "25": r"s_t = \tfrac12 g^2\,\bigl[s_{xx} + 2\,s\,s_x\bigr]",
        "26": r"u_t = \tfrac12 g^2\,\bigl[u_{xx} - u\,u_x\bigr]",
    },
    "Both equations, for several $g^2$.",
    (burgers_residual,),
)
def _physical(setup: Setup) -> xr.Dataset:
    squared = models.axis_of("squared_diffusion", setup.squared_diffusion, "g^2 of the VE-SDE")
    score, velocity = (_on_pairs(setup, form, squared) for form in ("physical", "physical-burgers"))
    rate = squared / 2 * _on_pairs(setup, "score").rate_term
    score_rate = relative(score.rate_term, rate, score.largest_term)
    velocity_rate = relative(velocity.rate_term, -2 * rate, velocity.largest_term)
    return dataset(
        score.coords,
        residual_score=residual(score.residual_relative, "residual of (25), relative to its largest term"),
        residual_burgers=residual(velocity.residual_relative, "residual of (26), relative to its largest term"),
        residual_rate=residual(score_rate, r"$s_t$ against $\tfrac12 g^2 s_\tau$, over the largest term of (25)"),
        residual_velocity=residual(velocity_rate, r"$u_t$ against $-g^2 s_\tau$, over the largest term of (26)"),
    )
