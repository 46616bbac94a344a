"""Sections 5.1-5.3 and 5.5: the symmetric pair, its speciation time and its layer."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.paper import models
from scoreshock.paper.configuration import Setup
from scoreshock.paper.frozen_shock import frozen_shock
from scoreshock.paper.statement import dataset, deviation, relative, residual, statement, value, violation
from scoreshock.quantities.fields import score, score_jacobian
from scoreshock.quantities.layer import decomposition, layer, profile
from scoreshock.quantities.speciation import speciation


@statement(
    "Proposition 5.1: Exact score formula",
    r"The score of the symmetric pair, with means $\pm a$, equal weights and $v = \sigma_0^2 + 2\tau$, is a line and a "
    "layer.",
    {"29": r"s = -\frac{x}{v} + \frac{a}{v}\tanh\frac{a x}{v}"},
    "The score of the mixture, by the general algorithm for mixtures, against the formula.",
    (score,),
)
def _exact_score(setup: Setup) -> xr.Dataset:
    x, tau = models.grid(setup.grid), models.times(setup)
    a, v = setup.pair.separation, setup.pair.variance + 2 * tau
    result = score(models.pair(setup), x, tau).squeeze("feature")
    linear, layered = -x / v, a / v * np.tanh(a * x / v)
    gap = relative(result, linear + layered, linear, layered).transpose("tau", "x")
    return dataset(gap.coords, residual=residual(gap, "score against (29), relative to the larger of its two terms"))


@statement(
    "Proposition 5.2: Midpoint derivative of the score",
    "At the midpoint the slope of the score has a closed form.",
    {"30": r"s_x(0,\tau) = \frac{a^2 - v}{v^2}"},
    "The Jacobian of the mixture's score at 0 against the formula.",
    (score_jacobian,),
    shown=("midpoint_derivative", "formula"),
)
def _midpoint_derivative(setup: Setup) -> xr.Dataset:
    tau = models.times(setup)
    a, v = setup.pair.separation, setup.pair.variance + 2 * tau
    result, formula = models.midpoint_slope(setup, tau), (a**2 - v) / v**2
    return dataset(
        tau.coords,
        midpoint_derivative=value(result, "$s_x(0)$ of the mixture's Jacobian"),
        formula=value(formula, "$s_x(0)$ by (30)"),
        residual=residual(relative(result, formula, a**2 / v**2, 1 / v), "$s_x(0)$ against (30), over the larger term"),
    )


def _zeros(separations: np.ndarray, variance: float) -> xr.DataArray:
    """Diffusion time at which s_x(0) changes sign, by bracketing, as in section 10.2; NaN below the onset."""

    def slope(tau: float, a: float) -> float:
        return float(score_jacobian(families.pair(a, variance), models.CENTRE, tau).squeeze())

    def zero(a: float) -> float:
        return float(brentq(slope, 0.0, a**2, (a,), xtol=1e-15, rtol=1e-14))

    return xr.DataArray([zero(a) if a**2 > variance else np.nan for a in separations], dims="separation")


@statement(
    "Definition 5.3: Speciation time",
    r"The symmetric pair speciates where the midpoint derivative changes sign; it does so if $a > \sigma_0$.",
    {"31": r"\tau^* = \tfrac12\,(a^2 - \sigma_0^2)"},
    "Against the sign change of $s_x(0)$ by bracketing (section 10.2), the exact and boundary criteria, and the merging of "
    "the density's modes; below the onset none may have a time.",
    (speciation, score_jacobian),
    shown=("tau_star", "formula"),
)
def _speciation_time(setup: Setup) -> xr.Dataset:
    variance = setup.pair.variance
    separation = np.sqrt(variance) * np.array(setup.onset)
    result = speciation(families.pair(separation, variance), criteria=("exact", "boundary", "merging"))
    formula = xr.DataArray((separation**2 - variance) / 2, dims="separation")
    ok = result.status == Status.ok
    zeros = _zeros(separation, variance).expand_dims(criterion=["zero of $s_x(0)$"])
    times = xr.concat([result.tau_star.where(ok), zeros], "criterion")
    gap = relative(times, formula, variance).where(formula > 0, 0.0)
    # Without two modes there is no transition, and no criterion may have a time (at the onset the time is 0).
    times_below = ok.sum("criterion").where(formula < 0, 0)
    return dataset(
        times.coords,
        tau_star=value(times, "speciation time"),
        formula=value(formula.where(formula > 0), "speciation time by (31)"),
        residual=residual(gap, "difference from (31), relative"),
        residual_status=residual(times_below, r"number of criteria with a time although $a < \sigma_0$"),
    )


@statement(
    "Proposition 5.4: Background-subtracted profile",
    "Without its linear background the layer is exactly the viscous Burgers shock, with two states and a width.",
    {
        "32": r"s + \frac{x}{v} = \frac{a}{v}\tanh\frac{a x}{v}",
        "33": r"\mp\frac{a}{v} \quad (x \to \mp\infty)",
        "34": r"\delta = \frac{v}{a}",
    },
    r"Profile, states and width; the equation $u\,u_x = u_{xx}$ of the stationary shock at each $\tau$ separately; and the "
    r"Burgers equation in $(x, \tau)$, which a classical shock would obey.",
    (frozen_shock, profile, layer, decomposition),
    condition="the diffusion time is frozen",
    truth=r"The background-subtracted field is a stationary shock at every frozen $\tau$, but it does not solve Burgers in "
    r"$(x, \tau)$: the residual is as large as the largest term of the equation, because width and states change with "
    r"$\tau$. The exact solution in $(x, \tau)$ is $u = 2x/v + U(x/v)/v$ with the stationary shock $U(X) = -2a\tanh(aX)$.",
    shown=("largest_frozen", "largest_stationary", "largest_transformed"),
)
def _layer_profile(setup: Setup) -> xr.Dataset:
    pair, tau, x = models.pair(setup), models.times(setup), models.grid(setup.grid)
    a, v = setup.pair.separation, setup.pair.variance + 2 * tau
    along = profile(pair, np.linspace(-3, 3, 25), tau)
    interfacial, ends = decomposition(pair, x, tau).interfacial.squeeze("feature"), x[[0, -1]]
    states = relative(interfacial.isel(x=[0, -1]), np.sign(ends) * a / v).rename(x="end")
    layered = a / v * np.tanh(a * x / v)
    return dataset(
        interfacial.coords,
        {"r": along.r, "end": models.axis_of("end", ends.values, "outermost positions")},
        interfacial=value(interfacial, "background-subtracted score (32)"),
        residual_profile=residual(along.profile_difference, "profile against tanh within 3 widths, over half the jump"),
        residual_interfacial=deviation(interfacial, layered, "background-subtracted score against (32)"),
        residual_states=residual(states, "states at both ends against (33), relative"),
        residual_width=deviation(layer(pair, tau).width, v / a, "width against (34)"),
    ).merge(_frozen_shock(setup, x[np.abs(x.values) <= setup.grid.core], tau))


def _frozen_shock(setup: Setup, x: xr.DataArray, tau: xr.DataArray) -> xr.Dataset:
    """The background-subtracted velocity in Burgers at frozen tau, in (x, tau), and transformed."""
    a, v = setup.pair.separation, setup.pair.variance + 2 * tau
    result = frozen_shock(models.pair(setup), x, tau)
    residuals = result.frozen_burgers_residual, result.stationary_residual, result.transformation_residual
    burgers, stationary, transformed = (each.rename(x="x_core") for each in residuals)
    tanh, inside = np.tanh(a * x / v), a * x / v / np.cosh(a * x / v) ** 2
    # u = -2 (a/v) tanh(a x/v) is stationary at frozen tau, so the residual in (x, tau) is u_tau.
    rate, bend = 4 * a / v**2 * (tanh + inside), 4 * (a / v) ** 3 * tanh * (1 - tanh**2)
    left = burgers - relative(rate, 0.0 * rate, rate, bend).rename(x="x_core")
    velocity = relative(result.velocity, -2 * a / v * tanh).rename(x="x_core")
    in_both, largest = r"Burgers in $(x, \tau)$", "largest relative residual"
    shock = "residual of $u = 2x/v + U(x/v)/v$, $U$ the stationary shock, relative"
    return dataset(
        burgers.coords,
        largest_frozen=value(burgers.max("x_core"), f"{in_both}: {largest} over $x$"),
        largest_stationary=value(stationary.max("x_core"), rf"$u\,u_x = u_{{xx}}$ at frozen $\tau$: {largest}"),
        largest_transformed=value(transformed.max("x_core"), f"$u = 2x/v + U(x/v)/v$ with the stationary shock: {largest}"),
        residual_velocity=residual(velocity, "background-subtracted $u$ against its closed form, relative"),
        residual_left=residual(left, rf"residual of {in_both} minus $u_\tau$, over its largest term"),
        residual_stationary=residual(stationary, r"residual of $u\,u_x = u_{xx}$ at frozen $\tau$, relative"),
        residual_transformed=residual(transformed, shock),
        violation=violation(burgers, f"residual of {in_both} of the background-subtracted $u$, relative"),
    )


@statement(
    "Remark 5.5: Interfacial sharpening",
    r"As $\tau$ decreases to 0, the width shrinks to $\sigma_0^2/a$ and the midpoint derivative grows to a finite value; a "
    "jump appears only for point masses.",
    {"": r"\delta \to \frac{\sigma_0^2}{a},\qquad s_x(0) \to \frac{a^2 - \sigma_0^2}{\sigma_0^4}"},
    r"Width and derivative at $\tau = 0$ for decreasing variances, and the status of point masses.",
    (layer,),
    shown=("width", "normal_hessian"),
)
def _sharpening(setup: Setup) -> xr.Dataset:
    a = setup.pair.separation
    variances = models.axis("variance", setup.pair.variance * np.array(setup.sharpening))
    result, point = (layer(families.pair(a, variance), 0.0) for variance in (variances.values, 0.0))
    slope = (a**2 - variances) / variances**2
    singular = r"whether point masses at $\tau = 0$ lack the status singular"
    return dataset(
        variances.coords,
        width=value(result.width, r"width at $\tau = 0$"),
        normal_hessian=value(result.normal_hessian, r"$s_x(0)$ at $\tau = 0$"),
        residual_width=deviation(result.width, variances / a, r"width at $\tau = 0$ against $\sigma_0^2/a$"),
        residual_slope=deviation(result.normal_hessian, slope, r"$s_x(0)$ against $(a^2 - \sigma_0^2)/\sigma_0^4$"),
        residual_point=residual(point.layer_status != Status.singular, singular),
    )


@statement(
    "Theorem 5.11: Gaussian specialization",
    "For the symmetric pair the local criterion, the midpoint derivative and the spectral criterion of Biroli et al. "
    "(2024) give the same time.",
    {"47": r"\frac{\lambda_1}{v} = \frac{a^2}{\sigma_0^2 + 2\tau^*} = 1"},
    "Boundary, leading and exact criteria against the numerical zero of $s_x(0)$; and the criterion of Biroli et al. as "
    "stated.",
    (speciation, score_jacobian),
    condition="the spectral criterion is read as (47), the between-class eigenvalue against the noised variance",
    truth=r"Biroli et al. compare the largest eigenvalue of the total covariance, here $a^2 + \sigma_0^2$, with 1 in the "
    r"time of $dx = -x\,dt + \sqrt2\,dW$. That depends on the units of the data, and agrees with the other criteria only "
    "in the limit of large separation.",
    shown=("tau_star", "zero"),
)
def _specialization(setup: Setup) -> xr.Dataset:
    variance, local = setup.pair.variance, ["boundary", "leading", "exact"]
    separation = np.sqrt(variance) * np.array([s for s in setup.onset if s > 1])
    result = speciation(families.pair(separation, variance), criteria=(*local, "spectral"))
    zero = _zeros(separation, variance)
    agreeing = relative(result.tau_star.sel(criterion=local), zero).rename(criterion="agreeing")
    # Biroli et al. use the time of dx = -x dt + sqrt(2) dW and unit noise, so their criterion depends on units.
    spectral, expected = result.sel(criterion="spectral"), (result.separation**2 + variance - 1) / 2
    exists = spectral.status == Status.ok
    gap = xr.where(exists, relative(spectral.tau_star, expected, 1.0), 0.0)
    apart = xr.where(exists, abs(spectral.tau_star - zero) / zero, 0.0)
    stated = "difference of the criterion of Biroli et al., as stated, from the zero of $s_x(0)$, relative"
    spectral_time = r"criterion of Biroli et al. against $\tfrac12(a^2 + \sigma_0^2 - 1)$, relative"
    unexpected = "whether that criterion has a time although the formula is not positive, or none although it is"
    return dataset(
        result.coords,
        {"agreeing": models.axis_of("agreeing", local, "criterion")},
        tau_star=value(result.tau_star.where(result.status == Status.ok), "speciation time"),
        zero=value(zero, "zero of $s_x(0)$, computed numerically"),
        residual=residual(agreeing, "criteria against the zero of $s_x(0)$, relative"),
        residual_spectral=residual(gap, spectral_time),
        residual_status=residual(exists != (expected > 0), unexpected),
        violation=violation(apart, stated),
    )


@statement(
    "Remark 5.12: Interpretation",
    r"The midpoint derivative is positive if and only if the spectral signal-to-noise ratio $\lambda_1/v$ exceeds 1.",
    {"": r"s_x(0) > 0\ \iff\  \frac{\lambda_1}{v} > 1"},
    r"The signs of both sides at diffusion times below and above $\tau^*$.",
    (score_jacobian,),
    shown=("midpoint_derivative", "snr"),
)
def _interpretation(setup: Setup) -> xr.Dataset:
    tau = models.axis("tau", setup.pair.tau_star * np.array(setup.around))
    slope = models.midpoint_slope(setup, tau)
    ratio = setup.pair.separation**2 / (setup.pair.variance + 2 * tau)
    differ = r"whether the signs of $s_x(0)$ and of $\lambda_1/v - 1$ differ"
    return dataset(
        tau.coords,
        midpoint_derivative=value(slope, "$s_x(0)$"),
        snr=value(ratio, r"spectral signal-to-noise ratio $\lambda_1/v$"),
        residual=residual(np.sign(slope) != np.sign(ratio - 1), differ),
    )
