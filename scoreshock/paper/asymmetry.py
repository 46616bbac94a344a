"""Sections 9.3-9.4: the corrected speciation time, the sign of the correction, and the exact criterion."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture
from scoreshock.paper import models
from scoreshock.paper.boundary import merging_odds
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.expansion import Moments, moments
from scoreshock.paper.statement import Statement, relative, residual, value, violation
from scoreshock.quantities.corrections import corrections
from scoreshock.quantities.fields import score_jacobian
from scoreshock.quantities.modes import mode_count
from scoreshock.quantities.speciation import speciation

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
    unreal = pairs.status.sel(criterion="quadratic") == Status.no_real_root
    exact = float(found.sel(criterion="exact").squeeze()) + variance / 2
    through = float(series.tau_order.squeeze()[2]) - (largest - variance + c / (2 * largest) + _second(known)) / 2
    error = (series.tau_order + variance / 2 - exact) / exact
    return table.assign(
        n_without_root=value(
            (),
            unreal.astype(int),
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
        residual_second=residual((), through / exact, "series through its second order against its closed form, relative"),
        residual_series=residual(
            "series_order",
            (series.error_relative - error).values.ravel(),
            "error of the series relative to $v^*$ against the difference of the times",
        ),
        residual_unreal=residual(
            "weight",
            (unreal.values != [_discriminant(pairs.weight.values[i]) < 0 for i in range(unreal.size)]).astype(float),
            r"whether (93) has no real root otherwise than where $\lambda_1^2 + 2C < 0$",
        ),
        residual_scale=residual(
            ("method", "separation"),
            relative(table.error, table.error.isel(separation=0)).transpose("method", "separation").values,
            "errors against those at the first scale, relative",
            1e-9,
        ),
        residual_better=residual(
            (),
            float(not (np.diff(table.error.transpose("separation", "method").values, axis=1) <= 0).all()),
            "whether a correction is worse than what it corrects",
        ),
        violation=violation(
            (),
            table.error.sel({"method": "first"}).min(skipna=False),
            "error of the first order at the largest scales, relative",
        ),
    ).assign_coords(weight=pairs.weight, series_order=order.series_order)


def _second(known: Moments) -> float:
    """The term ``c_2 = E_2/lambda_1^2 - C^2/(4 lambda_1^3)`` of v*, from the moments (15), (87) and their next."""
    w, d, mean = known.weights, known.squared, known.mean_squared
    values, vectors = np.linalg.eigh(known.between)
    largest, lead = values[-1], vectors[:, -1]
    correction = mean * known.between - known.distance_weighted
    third = (w * d) @ known.centred
    fourth = np.einsum("k,ki,kj->ij", w * d**2, known.centred, known.centred)
    next_ = (fourth - 2 * mean * known.distance_weighted + (2 * mean**2 - w @ d**2) * known.between) / 8
    across = (vectors[:, :-1].T @ correction @ lead) ** 2 / (4 * (largest - values[:-1]))
    e_2 = lead @ (next_ - np.outer(third, third) / 4) @ lead + across.sum()
    return float(e_2 / largest**2 - (lead @ correction @ lead) ** 2 / (4 * largest**3))


def _discriminant(weight: float) -> float:
    """``lambda_1^2 + 2C`` of a pair at -1, 1: with the variance L of its means, ``C = -L (8 weight - 4)^2/4``."""
    variance = 4 * weight * (1 - weight)
    return variance**2 - 2 * variance * (4 * weight - 2) ** 2


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
                (), scaled.where(~(covariance < 0), 0.0).clip(0), "positive part of $C$ where the covariance is not negative"
            ),
            "residual_either": residual(
                (),
                float(not ((scaled > 0).any() and ((scaled < 0) & (covariance < 0)).any())),
                "whether $C$ has one sign only where the covariance is negative",
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
    leading, first, exact = (found.tau_star.sel(criterion=name, drop=True) for name in ("leading", "first", "exact"))
    c = corrections(draws, 1).covariance_coefficient
    known = [moments(draws.isel(realization=i).drop_vars("realization")) for i in range(draws.sizes["realization"])]
    largest = np.array([np.linalg.eigvalsh(one.between)[-1] for one in known])
    v = 2 * exact.values + draws.component_variance.values
    rooted = found.status.sel(criterion="exact", drop=True) == Status.ok
    quotients = [_quotient(one, at) if there else 1.0 for one, at, there in zip(known, v, rooted.values, strict=True)]
    later = leading - exact
    negative, positive = rooted & (c < 0), rooted & (c > 0)
    return xr.Dataset(
        {
            "later": value((), later, "time by which generation meets the exact threshold after the leading one"),
            "n_delayed": value((), (negative & (later > 0)).sum(), "mixtures with $C < 0$ met later in generation"),
            "n_not_delayed": value((), (negative & (later < 0)).sum(), "mixtures with $C < 0$ met earlier"),
            "n_hastened": value((), (positive & (later < 0)).sum(), "mixtures with $C > 0$ met earlier"),
            "n_not_hastened": value((), (positive & (later > 0)).sum(), "mixtures with $C > 0$ met later"),
            "n_rootless": value((), (~rooted).sum(), "mixtures without an exact threshold"),
            "residual_first": residual(
                (),
                relative(first - leading, c / (4 * largest), leading),
                r"first order less leading time against $C/(4\lambda_1)$, relative",
            ),
            "residual_exact": residual(
                "realization",
                np.array(quotients) - 1,
                r"$\lambda_{\max}(\Gamma(v))/v$ at the exact thresholds, less one",
                1e-11,
            ),
            "residual_near": residual(
                "stretch",
                [_shift_ratio(stretch) - 1 for stretch in STRETCHES],
                r"exact less leading threshold over $C/(2\lambda_1)$, distances nearly equal, less one",
                10 * max(STRETCHES),
            ),
            "violation": violation(
                (),
                xr.where(negative, later, 0.0).max(skipna=False),
                "largest delay in generation of the exact threshold where $C < 0$, which the paper calls earlier",
            ),
            "violation_order": violation(
                (),
                ((negative & (later < 0)) | (positive & (later > 0))).sum(),
                "number of mixtures whose exact threshold moves against the sign of $C$, distances far from equal",
            ),
        },
        {**draws.realization.coords, "stretch": models.axis_of("stretch", STRETCHES, "relative excess of a distance")},
    )


STRETCHES = (-1e-4, 1e-4)
"""Relative excess of the distances of one pair of means over those of the other, of either sign, as is that of C."""


def _shift_ratio(stretch: float) -> float:
    """Exact less leading threshold over ``C/(2 lambda_1)``: means at +-1 and, across, at +-(1 + stretch)."""
    out = 1 + stretch
    given = mixture([[1.0, 0.0], [-1.0, 0.0], [0.0, out], [0.0, -out]], [0.3, 0.3, 0.2, 0.2], FLOOR)
    found = speciation(given, criteria=("leading", "exact")).tau_star.squeeze()
    # The first pair leads: lambda_1 = 0.6 and C = -Cov_w(D, y^2), with y^2 one on it and zero on the other.
    return float(2 * (found[1] - found[0]) / (0.24 * (out**2 - 1) / 1.2))


def _quotient(known: Moments, v: Any) -> np.ndarray:
    """``lambda_max(Gamma(v))/v`` from the definition of the responsibilities (85) at the weighted mean, of v's shape."""
    v = np.asarray(v)[..., None]
    share = known.weights * np.exp((known.squared.min() - known.squared) / (2 * v))
    share = share / share.sum(-1, keepdims=True)
    offset = known.centred - (share @ known.centred)[..., None, :]
    covariance = np.einsum("...k,...ki,...kj->...ij", share, offset, offset)
    return np.linalg.eigvalsh(covariance)[..., -1] / v[..., 0]


def _roots(configuration: Configuration) -> xr.Dataset:
    counts, taus, gaps, merging, rises, crossed = [], [], [], [], [], []
    for line in configuration.lines:
        given = mixture(line.means, line.weights, FLOOR)
        found = speciation(given, criteria=("exact", "merging"))
        roots = found.tau_root.values[found.root_status.values == Status.ok]
        counts.append(int(found.n_roots))
        taus.append(np.pad(np.sort(roots)[:WIDTH], (0, max(0, WIDTH - roots.size)), constant_values=np.nan))
        gaps.append(_root_residual(given, roots))
        merging.append(float(found.tau_star.sel(criterion="merging")))
        rises.append(_rise(given))
        crossed.append(_crossings(given))
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
            "residual_count": residual(
                "case",
                known - np.array(crossed),
                r"number of roots less that of the crossings of $\lambda_{\max}(\Gamma)/v = 1$",
            ),
            "residual_merging": residual(
                "case",
                [
                    _merging_gap(line.means, line.weights, tau)
                    for line, tau in zip(configuration.lines, merging, strict=True)
                ],
                "whether the number of modes does not fall to one at the merging of the last two, by counting on a grid",
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


def _crossings(given: xr.Dataset) -> int:
    """How often ``lambda_max(Gamma(v))/v`` crosses one, on a grid of v up to where no root is left."""
    known = moments(given)
    most = np.ptp(given.component_mean.values) ** 2 / 4
    quotients = _quotient(known, np.geomspace(FLOOR, 1.01 * most, 4001))
    return int((np.diff(np.sign(quotients - 1)) != 0).sum())


def _merging_gap(means: list[float], weights: list[float], tau: float) -> float:
    """0 if the density has more than one mode just before the time and one just after it, else 1."""
    x = np.linspace(min(means), max(means), 20001)
    counts = []
    for v in (FLOOR + 2 * tau) * np.array([1 - 1e-3, 1 + 1e-3]):
        terms = np.array([w * np.exp(-((x - m) ** 2) / (2 * v)) for m, w in zip(means, weights, strict=True)])
        score = (terms * (np.array(means)[:, None] - x)).sum(0)
        counts.append(int(((score[:-1] > 0) & (score[1:] <= 0)).sum()))
    return float(not (counts[0] > 1 and counts[1] == 1))


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


ROOTLESS = 0.6467
"""Heavier weight of a pair beyond which (94) has no root; the two roots touch at 0.353 of the lighter one."""


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
    exact, merging = (found.status.sel(criterion=name) for name in ("exact", "merging"))
    lost = (exact == Status.no_real_root) & (merging == Status.ok)
    heavier = weights.values
    around = models.axis("tau", [0.24, 0.26, 0.28])  # its criterion is met at v = 0.5, tau = 0.25
    modes = mode_count(families.polygon(1.0, 0.0, vertices=3), around).n_modes.squeeze()
    return xr.Dataset(
        {
            "threshold": value((), times, "variance $v$ at the threshold, in units of $a^2$"),
            "n_modes": value((), modes, r"modes of an equilateral triangle of radius 1 about its criterion, $\tau = 0.25$"),
            "residual": residual(
                (),
                relative(equal, equal.sel(criterion="exact", drop=True)),
                "criteria for equal weights against the exact one",
            ),
            "residual_modes": residual(
                "tau", modes.values - np.array([3, 4, 1]), "number of the triangle's modes less 3, 4 and 1"
            ),
            "residual_merging": residual(
                "heavier",
                merging_odds(v.sel(criterion="merging")) - np.log(heavier / (1 - heavier)) / 2,
                r"$\delta\sqrt{\delta^2 - 1} - \operatorname{arcosh}\delta$ at $v = a^2/\delta^2$, where modes merge, less "
                "half the log-odds (Robertson and Fryer 1969)",
                1e-10,
            ),
            "residual_leading": residual(
                "heavier",
                v.sel(criterion="leading").values - 4 * heavier * (1 - heavier),
                r"leading threshold less $4 w_L w_R\,a^2$, in units of $a^2$",
            ),
            "residual_lost": residual(
                "heavier",
                (lost.values != (heavier > ROOTLESS)).astype(float),
                "whether the exact criterion has no root otherwise than beyond the weight 0.6467",
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
        "The exact threshold of random mixtures against the leading one, by the sign of $C$: generation, which starts from "
        "noise, meets the lower of them later. And both where the distances from the mean are nearly equal.",
        _interpretation,
        (speciation, corrections),
        condition="'earlier' and 'delays' are exchanged, and the distances from the mean are nearly equal",
        truth="Lower noise is met later in generation: to first order $C < 0$ delays speciation there, and $C > 0$ hastens "
        "it. With unequal distances the exact threshold can move against the sign of $C$, and some mixtures have none.",
        shown=("n_delayed", "n_not_delayed", "n_hastened", "n_not_hastened", "n_rootless"),
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
        "All of them for pairs of eight weights, against the merging of the density's own modes; and the number of "
        "modes of an equilateral triangle.",
        _hierarchy,
        (speciation, mode_count),
        condition="the weighted mean is where modes part, as for equal weights",
        truth="The exact criterion is exact at the weighted mean. For unequal weights nothing need happen there: beyond "
        "weights 0.647 and 0.353 it has no root, although the density has two modes. Where it is exact, as for the "
        r"equilateral triangle, modes off the centre outlive it: four at $\tau = 0.26$, one at 0.28.",
        shown=("threshold", "n_modes"),
    ),
)
