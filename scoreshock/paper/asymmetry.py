"""Section 9.3: correction coefficient, corrected speciation time, and the sign of the correction."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.paper import models
from scoreshock.paper.configuration import Setup
from scoreshock.paper.expansion import leading_and_exact
from scoreshock.paper.moments import Moments, moments, moments_along
from scoreshock.paper.statement import dataset, deviation, relative, residual, statement, value, violation
from scoreshock.quantities.corrections import corrections
from scoreshock.quantities.speciation import speciation

APPROXIMATIONS = ("leading", "first", "quadratic")

FLOOR = 1e-4
"""Variance at data time in the counter-examples, far below every root."""

HIGHEST = 12
"""Highest order of the series that is compared."""

STRETCHES = (-1e-4, 1e-4)
"""Relative excess of the distances of one pair of means over those of the other, for both signs of C."""


def thresholds(setup: Setup) -> xr.Dataset:
    """Approximations of the triangle's threshold and their errors, by scale: the table of section 10.8."""
    result = speciation(models.triangle(setup), criteria=(*APPROXIMATIONS, "exact"))
    v = result.tau_star + setup.triangle.variance / 2
    error = relative(v.sel(criterion=list(APPROXIMATIONS)), v.sel(criterion="exact", drop=True))
    coefficient = corrections(models.triangle(setup), 2).covariance_coefficient
    return dataset(
        result.coords,
        models.labels("method", list(APPROXIMATIONS), "approximation of the threshold"),
        tau_star=value(result.tau_star, "speciation time"),
        error=value(error.rename(criterion="method"), "error of the threshold $v^*$, relative to the exact one"),
        covariance_coefficient=value(coefficient, "coefficient $C$"),
    )


@statement(
    "Definition 9.6: Correction coefficient",
    r"The correction along the leading eigenvector $v_1$ of $\Sigma_B$; with $y_k = v_1\cdot\tilde\mu_k$ it is a "
    "covariance.",
    {"": r"C = v_1^\top(\bar D\,\Sigma_B - \Sigma_D)\,v_1 = -\operatorname{Cov}_w(D, y^2)"},
    "The computed $C$ against its definition and the covariance, for a random mixture.",
    (corrections,),
    shown=("covariance_coefficient",),
)
def _coefficient(setup: Setup) -> xr.Dataset:
    cloud = models.cloud(setup)
    central = moments(cloud)
    direct = central.leading @ central.correction @ central.leading
    covariance = central.covariance(central.squared, central.along)
    result = corrections(cloud, 1).covariance_coefficient
    against = r"$C$ against $-\operatorname{Cov}_w(D, y^2)$, relative"
    return dataset(
        covariance_coefficient=value(result, "coefficient $C$"),
        residual_definition=deviation(result, direct, "$C$ against its definition", 1e-11),
        residual_covariance=residual(relative(direct, -covariance), against, 1e-11),
    )


@statement(
    "Theorem 9.7: Corrected speciation time",
    "The first correction of the speciation time, as a series and as a root.",
    {
        "92": r"\tau^* = \tfrac12(\lambda_1 - \sigma_0^2) + \frac{C}{4\lambda_1} + \ldots",
        "93": r"v^* = \tfrac12\Bigl[\lambda_1 + \sqrt{\lambda_1^2 + 2C}\Bigr]",
    },
    "Both formulas, and their error against the exact criterion for a triangle at three scales (the table of section 10.8).",
    (speciation, corrections),
    condition="the distances from the mean are nearly equal; there is no other small parameter",
    truth="For this triangle each correction reduces the error, but the errors relative to $v^*$ are the same at every "
    r"scale, because $v^*/\lambda_1$ does not depend on it. If $\lambda_1^2 + 2C < 0$, as for pairs of very unequal "
    "weights, (93) has no real root.",
    shown=("error", "covariance_coefficient", "n_without_root", "error_order"),
)
def _corrected_time(setup: Setup) -> xr.Dataset:
    table = thresholds(setup)
    pairs = speciation(families.pair(1.0, FLOOR, [0.55, 0.65, 0.8, 0.9]), criteria=(*APPROXIMATIONS, "exact"))
    unreal = pairs.status.sel(criterion="quadratic", drop=True) == Status.no_real_root
    by_scale = relative(table.error, table.error.isel(separation=0)).transpose("method", "separation")
    one_way = r"whether (93) lacks a real root although $\lambda_1^2 + 2C \ge 0$, or vice versa"
    smallest = table.error.sel({"method": "first"}).min(skipna=False)
    checks = dataset(
        {"weight": pairs.weight, "series_order": models.axis_of("series_order", range(HIGHEST + 1), "order of the series")},
        n_without_root=value(unreal.astype(int), r"1 where $\lambda_1^2 + 2C < 0$"),
        **_closed_forms(setup, table),
        residual_unreal=residual(unreal != (_discriminant(pairs.weight) < 0), one_way),
        residual_scale=residual(by_scale, "errors against those at the first scale, relative", 1e-9),
        residual_better=residual(~(table.error.diff("method") <= 0).all(), "whether a correction increases the error"),
        violation=violation(smallest, "error of the first order at the largest scales, relative"),
    )
    return table.merge(checks)


def _closed_forms(setup: Setup, table: xr.Dataset) -> dict[str, xr.Variable]:
    """The times of the triangle at its first scale against closed forms, and the error of the series by order."""
    one, variance = models.triangle(setup).isel(separation=0), setup.triangle.variance
    central, c = moments(one), float(table.covariance_coefficient[0])
    largest = central.largest
    first = (largest - variance) / 2 + c / (4 * largest)
    quadratic = ((largest + np.sqrt(largest**2 + 2 * c)) / 2 - variance) / 2
    times, series = table.tau_star.isel(separation=0), corrections(one, HIGHEST)
    exact = float(times.sel(criterion="exact")) + variance / 2
    through = float(series.tau_order[2]) - (largest - variance + c / (2 * largest) + _second(central)) / 2
    error = (series.tau_order + variance / 2 - exact) / exact
    by_order = "error of the series through each order, relative to $v^*$"
    difference = "error of the series relative to $v^*$ against the difference of the times"
    return {
        "error_order": value(series.error_relative.rename(order="series_order"), by_order),
        "residual_first": deviation(times.sel(criterion="first"), first, "first order against (92)"),
        "residual_quadratic": deviation(times.sel(criterion="quadratic"), quadratic, "root against (93)"),
        "residual_second": residual(through / exact, "series through second order against its closed form, relative"),
        "residual_series": residual((series.error_relative - error).rename(order="series_order"), difference),
    }


def _second(central: Moments) -> float:
    """The term ``c_2 = E_2/lambda_1^2 - C^2/(4 lambda_1^3)`` of v*, from the moments (15), (87) and the next order."""
    values, vectors = np.linalg.eigh(central.between)
    largest, lead = values[-1], vectors[:, -1]
    across = (vectors[:, :-1].T @ central.correction @ lead) ** 2 / (4 * (largest - values[:-1]))
    e_2 = lead @ central.next_order @ lead + across.sum()
    return float(e_2 / largest**2 - (lead @ central.correction @ lead) ** 2 / (4 * largest**3))


def _discriminant(weight: xr.DataArray) -> xr.DataArray:
    """``lambda_1^2 + 2C`` of a pair at -1, 1: with the variance L of its means, ``C = -L (8 weight - 4)^2/4``."""
    variance = 4 * weight * (1 - weight)
    return variance**2 - 2 * variance * (4 * weight - 2) ** 2


@statement(
    "Proposition 9.8: When the correction is negative",
    r"$C \le 0$ if the squared distance across $v_1$ does not decrease with $y^2$, in particular on a line; otherwise both "
    "signs are possible.",
    {"": r"\operatorname{Cov}_w\bigl(\lvert\tilde\mu_\perp\rvert^2, y^2\bigr) \ge 0\ \implies\ C \le 0"},
    "$C$ and the covariance for random mixtures, and for random means on a line.",
    (corrections,),
    truth="Positive $C$ occurs, although rarely: the sign is a property of the mixture.",
    shown=("share_positive",),
)
def sign(setup: Setup) -> xr.Dataset:
    draws = models.draws(setup)
    c = corrections(draws, 1).covariance_coefficient
    central = moments_along(draws, "realization")
    size = xr.DataArray([m.deviation(m.squared) * m.deviation(m.along) for m in central], dims="realization")
    across = xr.DataArray([m.covariance(m.squared - m.along, m.along) for m in central], dims="realization")
    covariance, scaled = across / size, c / size
    both = (scaled > 0).any() & ((scaled < 0) & (covariance < 0)).any()
    line = corrections(draws.isel(feature=[0]), 1).covariance_coefficient
    spread = "over the standard deviations of $D$ and $y^2$"
    unexpected = scaled.where(~(covariance < 0), 0.0).clip(0)
    return dataset(
        draws.realization.coords,
        scaled_coefficient=value(scaled, f"$C$ {spread}: minus their correlation"),
        covariance=value(covariance, f"covariance of the squared distance across and $y^2$, {spread}"),
        share_positive=value((scaled > 0).mean(), "fraction of random mixtures with positive $C$"),
        residual_sign=residual(unexpected, "positive part of $C$ if the covariance is not negative"),
        residual_either=residual(~both, "whether only one sign of $C$ occurs for negative covariance"),
        residual_line=residual(line.clip(0), "positive part of $C$ for means on a line"),
    )


@statement(
    "Remark 9.9: Physical interpretation",
    "$C < 0$ makes speciation occur at a lower noise level, earlier in the reverse process; $C > 0$ delays it.",
    {},
    "The exact threshold of random mixtures against the leading one, by the sign of $C$: generation starts from noise and "
    "reaches the lower threshold later. Also both thresholds for nearly equal distances from the mean.",
    (speciation, corrections),
    condition="'earlier' and 'delays' are exchanged, and the distances from the mean are nearly equal",
    truth="Generation reaches lower noise later: to first order $C < 0$ delays speciation in generation, and $C > 0$ "
    "advances it. For unequal distances the exact threshold can move against the sign of $C$, and some mixtures have none.",
    shown=("n_delayed", "n_not_delayed", "n_hastened", "n_not_hastened", "n_rootless"),
)
def _interpretation(setup: Setup) -> xr.Dataset:
    draws = models.draws(setup)
    result = speciation(draws, criteria=("leading", "first", "exact"))
    leading, first, exact = (result.tau_star.sel(criterion=name, drop=True) for name in ("leading", "first", "exact"))
    c = corrections(draws, 1).covariance_coefficient
    rooted = result.status.sel(criterion="exact", drop=True) == Status.ok
    central, v = moments_along(draws, "realization"), 2 * exact + draws.component_variance
    quotients = [m.quotient(at) if root else 1.0 for m, at, root in zip(central, v.values, rooted.values, strict=True)]
    later = leading - exact
    delayed, hastened = later > 0, later < 0
    negative, positive = rooted & (c < 0), rooted & (c > 0)
    contrary = (negative & hastened) | (positive & delayed)
    delay = xr.where(negative, later, 0.0).max(skipna=False)
    shift = relative(first - leading, c / (4 * np.array([m.largest for m in central])), leading)
    stretched = [_shift_ratio(stretch) - 1 for stretch in STRETCHES]
    near = r"exact minus leading threshold over $C/(2\lambda_1)$, distances nearly equal, minus one"
    quotient = r"$\lambda_{\max}(\Gamma(v))/v$ at the exact thresholds, minus one"
    paper = "largest delay in generation of the exact threshold for $C < 0$, which the paper calls earlier"
    against = "number of mixtures whose exact threshold moves against the sign of $C$, distances far from equal"
    return dataset(
        draws.realization.coords,
        {"stretch": models.axis_of("stretch", STRETCHES, "relative excess of a distance")},
        later=value(later, "delay in generation of the exact threshold relative to the leading one"),
        n_delayed=value((negative & delayed).sum(), "mixtures with $C < 0$ whose threshold comes later"),
        n_not_delayed=value((negative & hastened).sum(), "mixtures with $C < 0$ whose threshold comes earlier"),
        n_hastened=value((positive & hastened).sum(), "mixtures with $C > 0$ whose threshold comes earlier"),
        n_not_hastened=value((positive & delayed).sum(), "mixtures with $C > 0$ whose threshold comes later"),
        n_rootless=value((~rooted).sum(), "mixtures without an exact threshold"),
        residual_first=residual(shift, r"first order minus leading time against $C/(4\lambda_1)$, relative"),
        residual_exact=residual(np.array(quotients) - 1, quotient, 1e-11, dims="realization"),
        residual_near=residual(stretched, near, 10 * max(STRETCHES), dims="stretch"),
        violation=violation(delay, paper),
        violation_order=violation(contrary.sum(), against),
    )


def _shift_ratio(stretch: float) -> float:
    """Exact minus leading threshold over ``C/(2 lambda_1)``, for means at +-1 and, across, at +-(1 + stretch)."""
    out = 1 + stretch
    leading, exact = leading_and_exact(models.cross(out, FLOOR))
    # The first pair leads: lambda_1 = 0.6 and C = -Cov_w(D, y^2), where y^2 is 1 for this pair and 0 for the other.
    return 2 * (exact - leading) / (0.24 * (out**2 - 1) / 1.2)
