"""Sections 5.1-5.3 and 5.5: the symmetric pair, its speciation time and its layer."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.paper import models
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.frozen_shock import frozen_shock
from scoreshock.paper.statement import Statement, relative, residual, value, violation
from scoreshock.quantities.fields import score, score_jacobian
from scoreshock.quantities.layer import decomposition, layer, profile
from scoreshock.quantities.speciation import speciation


def _exact_score(configuration: Configuration) -> xr.Dataset:
    x, tau = models.grid(configuration.grid), models.times(configuration)
    a, v = configuration.pair.separation, configuration.pair.variance + 2 * tau
    result = score(models.pair(configuration), x, tau).squeeze("feature")
    linear, layered = -x / v, a / v * np.tanh(a * x / v)
    gap = relative(result, linear + layered, linear, layered).transpose("tau", "x")
    return xr.Dataset(
        {"residual": residual((), gap, "score against (29), relative to the larger of its two terms")}, gap.coords
    )


def _midpoint_derivative(configuration: Configuration) -> xr.Dataset:
    tau = models.times(configuration)
    a, v = configuration.pair.separation, configuration.pair.variance + 2 * tau
    result = score_jacobian(models.pair(configuration), models.CENTRE, tau).squeeze(["feature", "feature_other"])
    formula = (a**2 - v) / v**2
    return xr.Dataset(
        {
            "midpoint_derivative": value((), result, "$s_x(0)$ of the mixture's Jacobian"),
            "formula": value((), formula, "$s_x(0)$ by (30)"),
            "residual": residual(
                (), relative(result, formula, a**2 / v**2, 1 / v), "$s_x(0)$ against (30), over the larger term"
            ),
        },
        tau.coords,
    )


def _zero(separation: float, variance: float) -> float:
    """Diffusion time at which s_x(0) changes sign, by bracketing, as in section 10.2."""

    def slope_at(tau: float) -> float:
        return float(score_jacobian(families.pair(separation, variance), models.CENTRE, tau).squeeze())

    return float(brentq(slope_at, 0.0, separation**2, xtol=1e-15, rtol=1e-14))


def _speciation_time(configuration: Configuration) -> xr.Dataset:
    variance = configuration.pair.variance
    separation = np.sqrt(variance) * np.array(configuration.onset)
    result = speciation(families.pair(separation, variance), criteria=("exact", "boundary", "merging"))
    formula = xr.DataArray((separation**2 - variance) / 2, dims="separation")
    open_ = formula.values > 0
    zero = xr.DataArray(
        [_zero(a, variance) if o else np.nan for a, o in zip(separation, open_, strict=True)], dims="separation"
    )
    valid = result.tau_star.where(result.status == Status.ok)
    times = xr.concat([valid, zero.expand_dims(criterion=["zero of $s_x(0)$"])], "criterion")
    gap = relative(times, formula, variance).where(xr.DataArray(open_, dims="separation"), 0.0)
    # Without two modes there is no transition, and no criterion may have a time (at the onset the time is 0).
    finds = (result.status == Status.ok).sum("criterion").where(xr.DataArray(formula.values < 0, dims="separation"), 0)
    return xr.Dataset(
        {
            "tau_star": value((), times, "speciation time"),
            "formula": value("separation", np.where(open_, formula, np.nan), "speciation time by (31)"),
            "residual": residual((), gap, "difference from (31), relative"),
            "residual_status": residual((), finds, r"number of criteria with a time although $a < \sigma_0$"),
        },
        times.coords,
    )


def _layer_profile(configuration: Configuration) -> xr.Dataset:
    pair, tau = models.pair(configuration), models.times(configuration)
    a, v = configuration.pair.separation, configuration.pair.variance + 2 * tau
    x = models.grid(configuration.grid)
    along = profile(pair, np.linspace(-3, 3, 25), tau)
    interfacial = decomposition(pair, x, tau).interfacial.squeeze("feature")
    ends = x[[0, -1]]
    states = relative(interfacial.isel(x=[0, -1]), np.sign(ends) * a / v).rename(x="end")
    tanh = a / v * np.tanh(a * x / v)
    burgers = _frozen_shock(configuration, x[np.abs(x.values) <= configuration.grid.core].rename(x="x_core"), tau)
    return xr.Dataset(
        {
            "interfacial": value((), interfacial, "background-subtracted score (32)"),
            "residual_profile": residual(
                (), along.profile_difference, "profile against tanh within 3 widths, over half the jump"
            ),
            "residual_interfacial": residual(
                (), relative(interfacial, tanh), "background-subtracted score against (32), relative"
            ),
            "residual_states": residual((), states, "states at both ends against (33), relative"),
            "residual_width": residual((), relative(layer(pair, tau).width, v / a), "width against (34), relative"),
        },
        {**interfacial.coords, "r": along.r, "end": models.axis_of("end", ends.values, "outermost positions")},
    ).merge(burgers)


def _frozen_shock(configuration: Configuration, x_core: xr.DataArray, tau: xr.DataArray) -> xr.Dataset:
    """The background-subtracted velocity in Burgers at frozen tau, in (x, tau), and transformed."""
    a, v = configuration.pair.separation, configuration.pair.variance + 2 * tau
    result = frozen_shock(models.pair(configuration), x_core.rename(x_core="x"), tau).rename(x="x_core")
    x = result.x_core
    tanh, inside = np.tanh(a * x / v), a * x / v / np.cosh(a * x / v) ** 2
    # u = -2 (a/v) tanh(a x/v) is stationary at frozen tau, so the residual in (x, tau) is u_tau.
    rate, bend = 4 * a / v**2 * (tanh + inside), 4 * (a / v) ** 3 * tanh * (1 - tanh**2)
    remainder = relative(rate, 0.0 * rate, rate, bend)
    fields = {
        "frozen": (result.frozen_burgers_residual, r"Burgers in $(x, \tau)$: largest relative residual over $x$"),
        "stationary": (result.stationary_residual, r"$u\,u_x = u_{xx}$ at frozen $\tau$: largest relative residual"),
        "transformed": (
            result.transformation_residual,
            "$u = 2x/v + U(x/v)/v$ with the stationary shock: largest relative residual",
        ),
    }
    residuals = {
        "velocity": (
            relative(result.velocity, -2 * a / v * tanh),
            "background-subtracted $u$ against its closed form, relative",
        ),
        "left": (
            result.frozen_burgers_residual - remainder,
            r"residual of Burgers in $(x, \tau)$ minus $u_\tau$, over its largest term",
        ),
        "stationary": (result.stationary_residual, r"residual of $u\,u_x = u_{xx}$ at frozen $\tau$, relative"),
        "transformed": (
            result.transformation_residual,
            "residual of $u = 2x/v + U(x/v)/v$, $U$ the stationary shock, relative",
        ),
    }
    violated = r"residual of Burgers in $(x, \tau)$ of the background-subtracted $u$, relative"
    return xr.Dataset(
        {f"largest_{name}": value((), gap.max("x_core"), meaning) for name, (gap, meaning) in fields.items()}
        | {f"residual_{name}": residual((), gap, meaning) for name, (gap, meaning) in residuals.items()}
        | {"violation": violation((), result.frozen_burgers_residual, violated)},
        result.coords,
    )


def _sharpening(configuration: Configuration) -> xr.Dataset:
    a, variance = configuration.pair.separation, configuration.pair.variance
    variances = models.axis("variance", variance * np.array(configuration.sharpening))
    result = layer(families.pair(a, variances.values), 0.0)
    slope = (a**2 - variances) / variances**2
    point = layer(families.pair(a, 0.0), 0.0)
    return xr.Dataset(
        {
            "width": value((), result.width, r"width at $\tau = 0$"),
            "normal_hessian": value((), result.normal_hessian, r"$s_x(0)$ at $\tau = 0$"),
            "residual_width": residual(
                (), relative(result.width, variances / a), r"width at $\tau = 0$ against $\sigma_0^2/a$, relative"
            ),
            "residual_slope": residual(
                (), relative(result.normal_hessian, slope), r"$s_x(0)$ against $(a^2 - \sigma_0^2)/\sigma_0^4$, relative"
            ),
            "residual_point": residual(
                (),
                int(point.layer_status.item() != Status.singular),
                r"whether point masses at $\tau = 0$ lack the status singular",
            ),
        },
        variances.coords,
    )


def _specialization(configuration: Configuration) -> xr.Dataset:
    variance = configuration.pair.variance
    separation = np.sqrt(variance) * np.array([s for s in configuration.onset if s > 1])
    result = speciation(families.pair(separation, variance), criteria=("boundary", "leading", "exact", "spectral"))
    zero = xr.DataArray([_zero(a, variance) for a in separation], dims="separation")
    agreeing = result.tau_star.sel(criterion=["boundary", "leading", "exact"])
    # Biroli et al. use the time of dx = -x dt + sqrt(2) dW and unit noise, so their criterion depends on units.
    spectral = result.sel(criterion="spectral")
    expected = xr.DataArray((separation**2 + variance - 1) / 2, dims="separation")
    is_there = spectral.status == Status.ok
    apart = xr.where(is_there, abs(spectral.tau_star - zero) / zero, 0.0)
    return xr.Dataset(
        {
            "tau_star": value((), result.tau_star.where(result.status == Status.ok), "speciation time"),
            "zero": value((), zero, "zero of $s_x(0)$, computed numerically"),
            "residual": residual(
                (), relative(agreeing, zero).rename(criterion="agreeing"), "criteria against the zero of $s_x(0)$, relative"
            ),
            "residual_spectral": residual(
                (),
                xr.where(is_there, relative(spectral.tau_star, expected, 1.0), 0.0),
                r"criterion of Biroli et al. against $\tfrac12(a^2 + \sigma_0^2 - 1)$, relative",
            ),
            "residual_status": residual(
                (),
                (is_there != (expected > 0)).astype(float),
                "whether it has a time although that is not positive, or none although it is",
            ),
            "violation": violation(
                (), apart, "difference of the criterion of Biroli et al., as stated, from the zero of $s_x(0)$, relative"
            ),
        },
        {**result.coords, "agreeing": models.axis_of("agreeing", ["boundary", "leading", "exact"], "criterion")},
    )


def _interpretation(configuration: Configuration) -> xr.Dataset:
    pair = models.pair(configuration)
    zero = (configuration.pair.separation**2 - configuration.pair.variance) / 2
    tau = models.axis("tau", zero * np.array(configuration.around))
    slope = score_jacobian(pair, models.CENTRE, tau).squeeze(["feature", "feature_other"])
    ratio = configuration.pair.separation**2 / (configuration.pair.variance + 2 * tau)
    return xr.Dataset(
        {
            "midpoint_derivative": value((), slope, "$s_x(0)$"),
            "snr": value((), ratio, r"spectral signal-to-noise ratio $\lambda_1/v$"),
            "residual": residual(
                (),
                (np.sign(slope) != np.sign(ratio - 1)).astype(float),
                r"whether the signs of $s_x(0)$ and of $\lambda_1/v - 1$ differ",
            ),
        },
        tau.coords,
    )


STATEMENTS = (
    Statement(
        "Proposition 5.1",
        "Exact score formula",
        r"The score of the symmetric pair, with means $\pm a$, equal weights and $v = \sigma_0^2 + 2\tau$, is a line and a "
        "layer.",
        {"29": r"s = -\frac{x}{v} + \frac{a}{v}\tanh\frac{a x}{v}"},
        "The score of the mixture, by the general algorithm for mixtures, against the formula.",
        _exact_score,
        (score,),
        figure="figure-1",
    ),
    Statement(
        "Proposition 5.2",
        "Midpoint derivative of the score",
        "At the midpoint the slope of the score has a closed form.",
        {"30": r"s_x(0,\tau) = \frac{a^2 - v}{v^2}"},
        "The Jacobian of the mixture's score at 0 against the formula.",
        _midpoint_derivative,
        (score_jacobian,),
        shown=("midpoint_derivative", "formula"),
        figure="figure-2",
    ),
    Statement(
        "Definition 5.3",
        "Speciation time",
        r"The symmetric pair speciates where the midpoint derivative changes sign; it does so if $a > \sigma_0$.",
        {"31": r"\tau^* = \tfrac12\,(a^2 - \sigma_0^2)"},
        "Against the sign change of $s_x(0)$ by bracketing (section 10.2), the exact and boundary criteria, and the merging "
        "of the density's modes; below the onset none may have a time.",
        _speciation_time,
        (speciation, score_jacobian),
        shown=("tau_star", "formula"),
        figure="figure-2",
    ),
    Statement(
        "Proposition 5.4",
        "Background-subtracted profile",
        "Without its linear background the layer is exactly the viscous Burgers shock, with two states and a width.",
        {
            "32": r"s + \frac{x}{v} = \frac{a}{v}\tanh\frac{a x}{v}",
            "33": r"\mp\frac{a}{v} \quad (x \to \mp\infty)",
            "34": r"\delta = \frac{v}{a}",
        },
        r"Profile, states and width; the equation $u\,u_x = u_{xx}$ of the stationary shock at each $\tau$ separately; and "
        r"the Burgers equation in $(x, \tau)$, which a classical shock would obey.",
        _layer_profile,
        (frozen_shock, profile, layer, decomposition),
        condition="the diffusion time is frozen",
        truth=r"The background-subtracted field is a stationary shock at every frozen $\tau$, but it does not solve "
        r"Burgers in $(x, \tau)$: the residual is as large as the largest term of the equation, because width and states "
        r"change with $\tau$. The exact solution in $(x, \tau)$ is $u = 2x/v + U(x/v)/v$ with the stationary shock $U(X) = "
        r"-2a\tanh(aX)$.",
        shown=("largest_frozen", "largest_stationary", "largest_transformed"),
        figure="figure-1",
    ),
    Statement(
        "Remark 5.5",
        "Interfacial sharpening",
        r"As $\tau$ decreases to 0, the width shrinks to $\sigma_0^2/a$ and the midpoint derivative grows to a finite "
        "value; a jump appears only for point masses.",
        {"": r"\delta \to \frac{\sigma_0^2}{a},\qquad s_x(0) \to \frac{a^2 - \sigma_0^2}{\sigma_0^4}"},
        r"Both at $\tau = 0$ for decreasing variances, and the status of point masses.",
        _sharpening,
        (layer,),
        shown=("width", "normal_hessian"),
    ),
    Statement(
        "Theorem 5.11",
        "Gaussian specialization",
        "For the symmetric pair the local criterion, the midpoint derivative and the spectral criterion of Biroli et "
        "al. (2024) give the same time.",
        {"47": r"\frac{\lambda_1}{v} = \frac{a^2}{\sigma_0^2 + 2\tau^*} = 1"},
        "Boundary, leading and exact criteria against the numerical zero of $s_x(0)$; and the criterion of Biroli et al. as "
        "stated.",
        _specialization,
        (speciation, score_jacobian),
        condition="the spectral criterion is read as (47), the between-class eigenvalue against the noised variance",
        truth=r"Biroli et al. compare the largest eigenvalue of the total covariance, here $a^2 + \sigma_0^2$, with 1 in "
        r"the time of $dx = -x\,dt + \sqrt2\,dW$. That depends on the units of the data, and agrees with the other criteria "
        "only in the limit of large separation.",
        shown=("tau_star", "zero"),
        figure="figure-2",
    ),
    Statement(
        "Remark 5.12",
        "Interpretation",
        r"The midpoint derivative is positive if and only if the spectral signal-to-noise ratio $\lambda_1/v$ exceeds 1.",
        {"": r"s_x(0) > 0\ \iff\  \frac{\lambda_1}{v} > 1"},
        r"Both at diffusion times below and above $\tau^*$.",
        _interpretation,
        (score_jacobian,),
        shown=("midpoint_derivative", "snr"),
    ),
)
