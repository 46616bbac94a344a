"""Sections 9.3-9.4: the corrected speciation time, the sign of the correction, and the exact criterion."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock import families
from scoreshock.conventions import Status
from scoreshock.mixtures import mixture
from scoreshock.quantities.corrections import corrections
from scoreshock.quantities.fields import score_jacobian
from scoreshock.quantities.modes import mode_count
from scoreshock.quantities.speciation import speciation
from scoreshock.verification import models
from scoreshock.verification.configuration import Configuration
from scoreshock.verification.expansion import moments
from scoreshock.verification.statement import Statement, relative, residual, value, violation

APPROXIMATIONS = ("leading", "first", "quadratic")

FLOOR = 1e-4
"""Variance at data time in the counter-examples: far below every root."""

WIDTH = 8
"""Roots of one mixture that are listed at most."""

SCALES = np.geomspace(1e-3, 1e2, 501)
"""Variances, in units of the squared spread of the means, at which the quotient of (94) is looked at."""


def thresholds(configuration: Configuration) -> xr.Dataset:
    """Each approximation of the triangle's threshold against the exact one, by scale: the table of section 10.8."""
    found = speciation(models.triangle(configuration), criteria=(*APPROXIMATIONS, "exact"))
    v = found.tau_star + configuration.triangle.variance / 2
    exact = v.sel(criterion="exact", drop=True)
    error = relative(v.sel(criterion=list(APPROXIMATIONS)), exact)
    named = error.rename(criterion="method")
    coefficient = corrections(models.triangle(configuration), 2)
    return xr.Dataset(
        {
            "tau_star": value((), found.tau_star, "speciation time"),
            "error": value((), named, "error of the threshold $v^*$, relative to the exact one"),
            "covariance_coefficient": value((), coefficient.covariance_coefficient, "coefficient $C$"),
        },
        {**found.coords, "method": ("method", list(APPROXIMATIONS), {"long_name": "approximation of the threshold"})},
    )


def _coefficient(configuration: Configuration) -> xr.Dataset:
    cloud = models.cloud(configuration)
    known = moments(cloud)
    leading = np.linalg.eigh(known.between)[1][:, -1]
    direct = leading @ (known.mean_squared * known.between - known.distance_weighted) @ leading
    along = (known.centred @ leading) ** 2
    covariance = known.weights @ (known.squared * along) - known.mean_squared * (known.weights @ along)
    found = corrections(cloud, 1).covariance_coefficient
    return xr.Dataset(
        {
            "covariance_coefficient": value((), found, "coefficient $C$"),
            "residual_definition": residual((), relative(found, direct), "$C$ against its definition, relative", 1e-11),
            "residual_covariance": residual(
                (), relative(direct, -covariance), r"$C$ against $-\operatorname{Cov}_w(D, y^2)$, relative", 1e-11
            ),
        }
    )


def _corrected_time(configuration: Configuration) -> xr.Dataset:
    table = thresholds(configuration)
    one = models.triangle(configuration).isel(separation=0)
    known, variance = moments(one), configuration.triangle.variance
    largest = np.linalg.eigvalsh(known.between)[-1]
    c = float(table.covariance_coefficient[0])
    first = (largest - variance) / 2 + c / (4 * largest)
    quadratic = ((largest + np.sqrt(largest**2 + 2 * c)) / 2 - variance) / 2
    found = table.tau_star.isel(separation=0)
    uneven = families.pair(1.0, FLOOR, [0.55, 0.65, 0.8, 0.9])
    pairs = speciation(uneven, criteria=(*APPROXIMATIONS, "exact"))
    series = corrections(one, 12)
    order = models.axis_of("series_order", series.order.values, "order of the series")
    return table.assign(
        n_without_root=value(
            (),
            (pairs.status.sel(criterion="quadratic") == Status.no_real_root).astype(int),
            r"1 where $\lambda_1^2 + 2C < 0$",
        ),
        error_order=value(
            (),
            series.error_relative.rename(order="series_order"),
            "error of the series through each order, relative to $v^*$",
        ),
        residual_first=residual(
            (), relative(found.sel(criterion="first"), first).item(), "first order against (92), relative"
        ),
        residual_quadratic=residual(
            (), relative(found.sel(criterion="quadratic"), quadratic).item(), "root against (93), relative"
        ),
        residual_better=residual(
            (),
            float((np.diff(table.error.transpose("separation", "method").values, axis=1) > 0).any()),
            "whether a correction is worse than what it corrects",
        ),
        violation=violation(
            (), table.error.sel({"method": "first"}).min(), "error of the first order at the largest scales, relative"
        ),
    ).assign_coords(weight=pairs.weight, series_order=order.series_order)


def sign(configuration: Configuration) -> xr.Dataset:
    draws = models.draws(configuration)
    c = corrections(draws, 1).covariance_coefficient
    covariances, sizes = [], []
    for index in range(draws.sizes["realization"]):
        known = moments(draws.isel(realization=index).drop_vars("realization"))
        direction = np.linalg.eigh(known.between)[1][:, -1]
        along = (known.centred @ direction) ** 2
        across = known.squared - along
        covariances.append(known.weights @ (across * along) - (known.weights @ across) * (known.weights @ along))
        sizes.append(_deviation(known.weights, known.squared) * _deviation(known.weights, along))
    size = xr.DataArray(sizes, dims="realization")
    covariance = xr.DataArray(covariances, dims="realization") / size
    scaled = c / size
    on_line = draws.isel(feature=[0])
    line = corrections(on_line, 1).covariance_coefficient
    return xr.Dataset(
        {
            "scaled_coefficient": value((), scaled, "$C$ over the deviations of $D$ and $y^2$: less their correlation"),
            "covariance": value(
                (), covariance, "covariance of the squared distance across with $y^2$, over the deviations of $D$ and $y^2$"
            ),
            "share_positive": value((), (scaled > 0).mean(), "share of random mixtures whose $C$ is positive"),
            "residual_sign": residual(
                (), scaled.where(covariance >= 0, 0.0).clip(0), "positive part of $C$ where the covariance is not negative"
            ),
            "residual_line": residual((), line.clip(0), "positive part of $C$ for means on a line"),
        },
        draws.realization.coords,
    )


def _deviation(weights: np.ndarray, values: np.ndarray) -> float:
    return float(np.sqrt(weights @ (values - weights @ values) ** 2))


def _interpretation(configuration: Configuration) -> xr.Dataset:
    draws = models.draws(configuration)
    found = speciation(draws, criteria=("leading", "first", "exact"))
    c = corrections(draws, 1).covariance_coefficient
    shift = found.tau_star.sel(criterion="first") - found.tau_star.sel(criterion="leading")
    start = float(found.tau_star.max()) + 1
    elapsed = (start - found.tau_star).sel(criterion=["leading", "first"])
    later = elapsed.diff("criterion").squeeze().drop_vars("criterion")
    negative = c < 0
    return xr.Dataset(
        {
            "shift": value((), shift, "speciation time by first order less the leading one"),
            "delayed": value((), (later > 0).where(negative).mean(), "share met later in generation, of those with $C < 0$"),
            "hastened": value(
                (), (later < 0).where(~negative).mean(), "share met earlier in generation, of those with $C > 0$"
            ),
            "later": value((), later, "time by which the correction delays speciation in generation"),
            "residual_sign": residual(
                (), (np.sign(shift) != np.sign(c)).astype(float), "whether noise level and $C$ move differently"
            ),
            "violation": violation(
                (), later.where(negative).max(), "largest delay in generation where $C < 0$, which the paper calls earlier"
            ),
        },
        draws.realization.coords,
    )


def _roots(configuration: Configuration) -> xr.Dataset:
    counts, taus, gaps, merging, rises = [], [], [], [], []
    for line in configuration.lines:
        given = mixture(line.means, line.weights, FLOOR)
        found = speciation(given, criteria=("exact", "merging"))
        roots = found.tau_root.values[found.root_status.values == Status.ok]
        counts.append(int(found.n_roots))
        taus.append(np.pad(np.sort(roots)[:WIDTH], (0, max(0, WIDTH - roots.size)), constant_values=np.nan))
        gaps.append(_root_residual(given, roots))
        merging.append(float(found.tau_star.sel(criterion="merging")))
        rises.append(_rise(given))
    known = np.array(counts)
    triangle = models.triangle(configuration).isel(separation=0)
    root = speciation(triangle, criteria=("exact",)).tau_star.values
    return xr.Dataset(
        {
            "n_roots": value("case", known, "number of roots of (94)"),
            "tau_root": value(("case", "root"), taus, "roots of (94), ascending"),
            "tau_merging": value("case", merging, "time at which the density's last two modes merge"),
            "residual_roots": residual(
                "case", gaps, "largest eigenvalue of the Jacobian at the roots, in units of $1/v$", 1e-11
            ),
            "residual_triangle": residual(
                (),
                _root_residual(triangle, root),
                "largest eigenvalue of the triangle's Jacobian at its root, in units of $1/v$",
                1e-11,
            ),
            "violation": violation("case", np.abs(known - 1), "number of roots, less the one that the paper has"),
            "violation_monotone": violation(
                "case", rises, r"largest rise of $\lambda_{\max}(\Gamma(v))/v$ with $v$, which the paper has falling"
            ),
        },
        {"case": ("case", [line.name for line in configuration.lines], {"long_name": "mixture on a line"})},
    )


def _rise(given: xr.Dataset) -> float:
    """How much the largest eigenvalue of the posterior covariance over v rises with v, from its least value before."""
    known = moments(given)
    v = known.squared.max() * SCALES
    tau = models.axis("tau", (v[v > FLOOR] - FLOOR) / 2)
    largest = 1 + v[v > FLOOR] * score_jacobian(given, known.centre, tau).values.ravel()
    return float((largest - np.minimum.accumulate(largest)).max())


def _root_residual(given: xr.Dataset, roots: np.ndarray) -> float:
    """Largest eigenvalue of the score's Jacobian at the weighted mean, which (94) makes zero, times v."""
    one = given.squeeze(drop=True) if given.component_mean.ndim > 2 else given
    if not roots.size:
        return 0.0
    jacobian = score_jacobian(one, moments(one).centre, models.axis("tau", roots)).values
    v = float(one.component_variance) + 2 * roots
    return float(np.abs(np.linalg.eigvalsh(jacobian)[:, -1] * v).max())


def _hierarchy(configuration: Configuration) -> xr.Dataset:
    weights = models.axis_of("heavier", configuration.heavier, "weight of the heavier component")
    found = speciation(families.pair(1.0, FLOOR, weights.values), criteria=(*APPROXIMATIONS, "exact", "merging"))
    v = 2 * found.tau_star + FLOOR
    times = (
        v.rename(weight="heavier")
        .drop_vars("heavier")
        .where((found.status == Status.ok).rename(weight="heavier").drop_vars("heavier"))
    )
    equal = found.tau_star.isel(weight=0, drop=True)
    lost = times.sel(criterion="exact").isnull() & times.sel(criterion="merging").notnull()
    around = models.axis("tau", [0.24, 0.26, 0.28])  # its criterion is met at v = 0.5, tau = 0.25
    modes = mode_count(families.polygon(1.0, 0.0, vertices=3), around).n_modes.squeeze()
    return xr.Dataset(
        {
            "threshold": value((), times, "variance $v$ at the threshold, in units of $a^2$"),
            "n_modes": value((), modes, r"modes of an equilateral triangle of radius 1 about its criterion, $\tau = 0.25$"),
            "residual": residual(
                (),
                relative(equal, equal.sel(criterion="exact", drop=True)).max(),
                "criteria for equal weights against the exact one",
            ),
            "violation": violation((), lost.sum(), "number of pairs that have two modes and no root of (94)"),
        },
        {**weights.coords, "tau": around, "criterion": found.criterion},
    )


STATEMENTS = (
    Statement(
        "Definition 9.6",
        "Correction coefficient",
        r"The correction along the leading eigenvector $v_1$ of $\Sigma_B$; with $y_k = v_1\cdot\tilde\mu_k$ it is a "
        "covariance.",
        {"": r"C = v_1^\top(\bar D\,\Sigma_B - \Sigma_D)\,v_1 = -\operatorname{Cov}_w(D, y^2)"},
        "The software's $C$ against both, for a random mixture.",
        _coefficient,
        (corrections,),
        shown=("covariance_coefficient",),
    ),
    Statement(
        "Theorem 9.7",
        "Corrected speciation time",
        "The first correction of the speciation time, as a series and as a root.",
        {
            "92": r"\tau^* = \tfrac12(\lambda_1 - \sigma_0^2) + \frac{C}{4\lambda_1} + \ldots",
            "93": r"v^* = \tfrac12\Bigl[\lambda_1 + \sqrt{\lambda_1^2 + 2C}\Bigr]",
        },
        "Both formulas, and their error against the exact criterion for a triangle at three scales (the table of "
        "section 10.8).",
        _corrected_time,
        (speciation, corrections),
        condition="the distances from the mean are nearly equal; there is no other small parameter",
        truth="For this triangle each correction improves on the last, but the errors relative to $v^*$ are the same at "
        r"every scale: $v^*/\lambda_1$ does not depend on it. Where $\lambda_1^2 + 2C < 0$, as for pairs of very unequal "
        "weights, (93) has no real root.",
        shown=("error", "covariance_coefficient", "n_without_root", "error_order"),
        figure="figure-7",
    ),
    Statement(
        "Proposition 9.8",
        "When the correction is negative",
        r"$C \le 0$ where the squared distance across $v_1$ does not fall with $y^2$, in particular on a line; else it has "
        "either sign.",
        {"": r"\operatorname{Cov}_w\bigl(\lvert\tilde\mu_\perp\rvert^2, y^2\bigr) \ge 0\ \implies\ C \le 0"},
        "$C$ and the covariance for random mixtures, and for random means on a line.",
        sign,
        (corrections,),
        truth="Positive $C$ do occur, if seldom: the sign is a property of the mixture.",
        shown=("share_positive",),
        figure="figure-7",
    ),
    Statement(
        "Remark 9.9",
        "Physical interpretation",
        "$C < 0$ makes speciation occur at a lower noise level, earlier in the reverse process; $C > 0$ delays it.",
        {},
        "Sign of the correction, and the time at which generation, which starts from noise, meets speciation.",
        _interpretation,
        (speciation, corrections),
        condition="'earlier' and 'delays' are exchanged",
        truth="Lower noise is met later in generation: $C < 0$ delays speciation there, $C > 0$ hastens it.",
        shown=("delayed", "hastened"),
    ),
    Statement(
        "Theorem 9.10",
        "Exact speciation criterion",
        r"The speciation time is the unique solution of an equation for the posterior covariance $\Gamma$ of the means at "
        r"$\bar\mu$, since $\lambda_{\max}(\Gamma(v))/v$ falls with $v$.",
        {"94": r"\lambda_{\max}\bigl(\Gamma(v)\bigr) = v,\qquad v = \sigma_0^2 + 2\tau^*"},
        r"All roots of seven mixtures on a line, each put back into the Jacobian; whether $\lambda_{\max}(\Gamma(v))/v$ "
        "rises anywhere; and the merging of the density's modes.",
        _roots,
        (speciation, score_jacobian),
        truth=r"There may be 0, 1, 2, 3, 4 and more roots, and $\lambda_{\max}(\Gamma(v))/v$ rises before it falls: unless "
        "two means tie for the least distance from the weighted mean, it goes to 0 for small $v$ as for large, and the "
        r"number of roots is even. $\tau^*$ is the largest root, and where there is none the density still has two modes.",
        shown=("n_roots", "tau_root", "tau_merging"),
    ),
    Statement(
        "Remark 9.11",
        "Hierarchy of formulas",
        "The exact criterion is always valid; the closed forms are exact where symmetric, and corrected otherwise.",
        {},
        "All of them for pairs of eight weights, against the merging of the density's own modes.",
        _hierarchy,
        (speciation, mode_count),
        condition="the weighted mean is where modes part, as for equal weights",
        truth="The exact criterion is exact at the weighted mean. For unequal weights nothing need happen there: beyond "
        "weights 0.647 and 0.353 it has no root, although the density has two modes. Where it is exact, as for the "
        r"equilateral triangle, modes off the centre outlive it: four at $\tau = 0.26$, one at 0.28.",
        shown=("threshold", "n_modes"),
    ),
)
