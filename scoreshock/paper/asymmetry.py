"""Sections 9.3-9.4: the corrected speciation time, the sign of the correction, and the exact criterion."""

from __future__ import annotations

from typing import Any, NamedTuple

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
"""Variance at data time in the counter-examples, far below every root."""

WIDTH = 8
"""Maximum number of listed roots of a mixture."""

HIGHEST = 12
"""Highest order of the series that is compared."""

SCALES = np.geomspace(1e-3, 1e2, 501)
"""Variances at which the quotient of (94) is evaluated, in units of the squared spread of the means."""


def thresholds(configuration: Configuration) -> xr.Dataset:
    """Approximations of the triangle's threshold and their errors, by scale: the table of section 10.8."""
    result = speciation(models.triangle(configuration), criteria=(*APPROXIMATIONS, "exact"))
    v = result.tau_star + configuration.triangle.variance / 2
    exact = v.sel(criterion="exact", drop=True)
    error = relative(v.sel(criterion=list(APPROXIMATIONS)), exact)
    named = error.rename(criterion="method")
    coefficient = corrections(models.triangle(configuration), 2)
    return xr.Dataset(
        {
            "tau_star": value((), result.tau_star, "speciation time"),
            "error": value((), named, "error of the threshold $v^*$, relative to the exact one"),
            "covariance_coefficient": value((), coefficient.covariance_coefficient, "coefficient $C$"),
        },
        {**result.coords, "method": ("method", list(APPROXIMATIONS), {"long_name": "approximation of the threshold"})},
    )


def _coefficient(configuration: Configuration) -> xr.Dataset:
    cloud = models.cloud(configuration)
    central = moments(cloud)
    leading = np.linalg.eigh(central.between)[1][:, -1]
    direct = leading @ (central.mean_squared * central.between - central.distance_weighted) @ leading
    along = (central.centred @ leading) ** 2
    covariance = central.weights @ (central.squared * along) - central.mean_squared * (central.weights @ along)
    result = corrections(cloud, 1).covariance_coefficient
    return xr.Dataset(
        {
            "covariance_coefficient": value((), result, "coefficient $C$"),
            "residual_definition": residual((), relative(result, direct), "$C$ against its definition, relative", 1e-11),
            "residual_covariance": residual(
                (), relative(direct, -covariance), r"$C$ against $-\operatorname{Cov}_w(D, y^2)$, relative", 1e-11
            ),
        }
    )


def _corrected_time(configuration: Configuration) -> xr.Dataset:
    table = thresholds(configuration)
    pairs = speciation(families.pair(1.0, FLOOR, [0.55, 0.65, 0.8, 0.9]), criteria=(*APPROXIMATIONS, "exact"))
    unreal = pairs.status.sel(criterion="quadratic") == Status.no_real_root
    expected = [_discriminant(weight) < 0 for weight in pairs.weight.values]
    by_scale = table.error.transpose("separation", "method").values
    return table.assign(
        {
            "n_without_root": value((), unreal.astype(int), r"1 where $\lambda_1^2 + 2C < 0$"),
            **_closed_forms(configuration, table),
            "residual_unreal": residual(
                "weight",
                (unreal.values != expected).astype(float),
                r"whether (93) lacks a real root although $\lambda_1^2 + 2C \ge 0$, or vice versa",
            ),
            "residual_scale": residual(
                ("method", "separation"),
                relative(table.error, table.error.isel(separation=0)).transpose("method", "separation").values,
                "errors against those at the first scale, relative",
                1e-9,
            ),
            "residual_better": residual(
                (), float(not (np.diff(by_scale, axis=1) <= 0).all()), "whether a correction increases the error"
            ),
            "violation": violation(
                (),
                table.error.sel({"method": "first"}).min(skipna=False),
                "error of the first order at the largest scales, relative",
            ),
        }
    ).assign_coords(
        weight=pairs.weight, series_order=models.axis_of("series_order", range(HIGHEST + 1), "order of the series")
    )


def _closed_forms(configuration: Configuration, table: xr.Dataset) -> dict[str, xr.Variable]:
    """The times of the triangle at its first scale against closed forms, and the error of the series by order."""
    one, variance = models.triangle(configuration).isel(separation=0), configuration.triangle.variance
    central = moments(one)
    largest = np.linalg.eigvalsh(central.between)[-1]
    c = float(table.covariance_coefficient[0])
    first = (largest - variance) / 2 + c / (4 * largest)
    quadratic = ((largest + np.sqrt(largest**2 + 2 * c)) / 2 - variance) / 2
    times, series = table.tau_star.isel(separation=0), corrections(one, HIGHEST)
    exact = float(times.sel(criterion="exact").squeeze()) + variance / 2
    through = float(series.tau_order.squeeze()[2]) - (largest - variance + c / (2 * largest) + _second(central)) / 2
    error = (series.tau_order + variance / 2 - exact) / exact
    return {
        "error_order": value(
            (),
            series.error_relative.rename(order="series_order"),
            "error of the series through each order, relative to $v^*$",
        ),
        "residual_first": residual(
            (), relative(times.sel(criterion="first"), first).item(), "first order against (92), relative"
        ),
        "residual_quadratic": residual(
            (), relative(times.sel(criterion="quadratic"), quadratic).item(), "root against (93), relative"
        ),
        "residual_second": residual((), through / exact, "series through second order against its closed form, relative"),
        "residual_series": residual(
            "series_order",
            (series.error_relative - error).values.ravel(),
            "error of the series relative to $v^*$ against the difference of the times",
        ),
    }


def _second(central: Moments) -> float:
    """The term ``c_2 = E_2/lambda_1^2 - C^2/(4 lambda_1^3)`` of v*, from the moments (15), (87) and the next order."""
    w, d, mean = central.weights, central.squared, central.mean_squared
    values, vectors = np.linalg.eigh(central.between)
    largest, lead = values[-1], vectors[:, -1]
    correction = mean * central.between - central.distance_weighted
    third = (w * d) @ central.centred
    fourth = np.einsum("k,ki,kj->ij", w * d**2, central.centred, central.centred)
    next_ = (fourth - 2 * mean * central.distance_weighted + (2 * mean**2 - w @ d**2) * central.between) / 8
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
        central = moments(draws.isel(realization=index).drop_vars("realization"))
        direction = np.linalg.eigh(central.between)[1][:, -1]
        along = (central.centred @ direction) ** 2
        across = central.squared - along
        covariances.append(central.weights @ (across * along) - (central.weights @ across) * (central.weights @ along))
        sizes.append(_deviation(central.weights, central.squared) * _deviation(central.weights, along))
    size = xr.DataArray(sizes, dims="realization")
    covariance = xr.DataArray(covariances, dims="realization") / size
    scaled = c / size
    on_line = draws.isel(feature=[0])
    line = corrections(on_line, 1).covariance_coefficient
    return xr.Dataset(
        {
            "scaled_coefficient": value(
                (), scaled, "$C$ over the standard deviations of $D$ and $y^2$: minus their correlation"
            ),
            "covariance": value(
                (),
                covariance,
                "covariance of the squared distance across and $y^2$, over the standard deviations of $D$ and $y^2$",
            ),
            "share_positive": value((), (scaled > 0).mean(), "fraction of random mixtures with positive $C$"),
            "residual_sign": residual(
                (), scaled.where(~(covariance < 0), 0.0).clip(0), "positive part of $C$ if the covariance is not negative"
            ),
            "residual_either": residual(
                (),
                float(not ((scaled > 0).any() and ((scaled < 0) & (covariance < 0)).any())),
                "whether only one sign of $C$ occurs for negative covariance",
            ),
            "residual_line": residual((), line.clip(0), "positive part of $C$ for means on a line"),
        },
        draws.realization.coords,
    )


def _deviation(weights: np.ndarray, values: np.ndarray) -> float:
    return float(np.sqrt(weights @ (values - weights @ values) ** 2))


def _interpretation(configuration: Configuration) -> xr.Dataset:
    draws = models.draws(configuration)
    result = speciation(draws, criteria=("leading", "first", "exact"))
    leading, first, exact = (result.tau_star.sel(criterion=name, drop=True) for name in ("leading", "first", "exact"))
    c = corrections(draws, 1).covariance_coefficient
    rooted = result.status.sel(criterion="exact", drop=True) == Status.ok
    largest, quotients = _at_thresholds(draws, exact, rooted)
    later = leading - exact
    negative, positive = rooted & (c < 0), rooted & (c > 0)
    contrary = (negative & (later < 0)) | (positive & (later > 0))
    delay = xr.where(negative, later, 0.0).max(skipna=False)
    stretched = [_shift_ratio(stretch) - 1 for stretch in STRETCHES]
    shift = r"first order minus leading time against $C/(4\lambda_1)$, relative"
    near = r"exact minus leading threshold over $C/(2\lambda_1)$, distances nearly equal, minus one"
    quotient = r"$\lambda_{\max}(\Gamma(v))/v$ at the exact thresholds, minus one"
    return xr.Dataset(
        {
            "later": value((), later, "delay in generation of the exact threshold relative to the leading one"),
            "n_delayed": value((), (negative & (later > 0)).sum(), "mixtures with $C < 0$ whose threshold comes later"),
            "n_not_delayed": value(
                (), (negative & (later < 0)).sum(), "mixtures with $C < 0$ whose threshold comes earlier"
            ),
            "n_hastened": value((), (positive & (later < 0)).sum(), "mixtures with $C > 0$ whose threshold comes earlier"),
            "n_not_hastened": value((), (positive & (later > 0)).sum(), "mixtures with $C > 0$ whose threshold comes later"),
            "n_rootless": value((), (~rooted).sum(), "mixtures without an exact threshold"),
            "residual_first": residual((), relative(first - leading, c / (4 * largest), leading), shift),
            "residual_exact": residual("realization", quotients - 1, quotient, 1e-11),
            "residual_near": residual("stretch", stretched, near, 10 * max(STRETCHES)),
            "violation": violation(
                (), delay, "largest delay in generation of the exact threshold for $C < 0$, which the paper calls earlier"
            ),
            "violation_order": violation(
                (),
                contrary.sum(),
                "number of mixtures whose exact threshold moves against the sign of $C$, distances far from equal",
            ),
        },
        {**draws.realization.coords, "stretch": models.axis_of("stretch", STRETCHES, "relative excess of a distance")},
    )


def _at_thresholds(draws: xr.Dataset, exact: xr.DataArray, rooted: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalue of Sigma_B of each mixture, and the quotient of (94) at its exact time, 1 without one."""
    central = [moments(draws.isel(realization=i).drop_vars("realization")) for i in range(draws.sizes["realization"])]
    largest = np.array([np.linalg.eigvalsh(one.between)[-1] for one in central])
    v = 2 * exact.values + draws.component_variance.values
    quotients = [_quotient(one, at) if root else 1.0 for one, at, root in zip(central, v, rooted.values, strict=True)]
    return largest, np.array(quotients)


STRETCHES = (-1e-4, 1e-4)
"""Relative excess of the distances of one pair of means over those of the other, for both signs of C."""


def _shift_ratio(stretch: float) -> float:
    """Exact minus leading threshold over ``C/(2 lambda_1)``, for means at +-1 and, across, at +-(1 + stretch)."""
    out = 1 + stretch
    density = mixture([[1.0, 0.0], [-1.0, 0.0], [0.0, out], [0.0, -out]], [0.3, 0.3, 0.2, 0.2], FLOOR)
    result = speciation(density, criteria=("leading", "exact")).tau_star.squeeze()
    # The first pair leads: lambda_1 = 0.6 and C = -Cov_w(D, y^2), where y^2 is 1 for this pair and 0 for the other.
    return float(2 * (result[1] - result[0]) / (0.24 * (out**2 - 1) / 1.2))


def _quotient(central: Moments, v: Any) -> np.ndarray:
    """``lambda_max(Gamma(v))/v`` from the responsibilities (85) at the weighted mean, in the shape of v."""
    v = np.asarray(v)[..., None]
    share = central.weights * np.exp((central.squared.min() - central.squared) / (2 * v))
    share = share / share.sum(-1, keepdims=True)
    offset = central.centred - (share @ central.centred)[..., None, :]
    covariance = np.einsum("...k,...ki,...kj->...ij", share, offset, offset)
    return np.linalg.eigvalsh(covariance)[..., -1] / v[..., 0]


def _roots(configuration: Configuration) -> xr.Dataset:
    lines = [_roots_of_line(line.means, line.weights) for line in configuration.lines]
    columns = {name: [getattr(line, name) for line in lines] for name in _LineRoots._fields}
    triangle = models.triangle(configuration).isel(separation=0)
    root = speciation(triangle, criteria=("exact",)).tau_star.values
    count = np.array(columns["number"])
    return xr.Dataset(
        {
            "n_roots": value("case", count, "number of roots of (94)"),
            "tau_root": value(("case", "root"), columns["roots"], "roots of (94), ascending"),
            "tau_merging": value("case", columns["merging"], "time at which the last two modes of the density merge"),
            "residual_roots": residual(
                "case", columns["gap"], "largest eigenvalue of the Jacobian at the roots, in units of $1/v$", 1e-11
            ),
            "residual_count": residual(
                "case",
                count - np.array(columns["crossings"]),
                r"number of roots minus that of the crossings of $\lambda_{\max}(\Gamma)/v = 1$",
            ),
            "residual_merging": residual(
                "case",
                columns["merging_gap"],
                "whether the number of modes, counted on a grid, does not fall to one at the last merging",
            ),
            "residual_triangle": residual(
                (),
                _root_residual(triangle, root),
                "largest eigenvalue of the triangle's Jacobian at its root, in units of $1/v$",
                1e-11,
            ),
            "violation": violation("case", np.abs(count - 1), "number of roots minus the one that the paper states"),
            "violation_monotone": violation(
                "case",
                columns["rise"],
                r"largest increase of $\lambda_{\max}(\Gamma(v))/v$ with $v$; the paper states a decrease",
            ),
        },
        {"case": ("case", [line.name for line in configuration.lines], {"long_name": "mixture on a line"})},
    )


class _LineRoots(NamedTuple):
    """Roots of (94) of a mixture on a line, its last merging, and their checks."""

    number: int
    roots: np.ndarray
    gap: float
    merging: float
    merging_gap: float
    rise: float
    crossings: int


def _roots_of_line(means: list[float], weights: list[float]) -> _LineRoots:
    density = mixture(means, weights, FLOOR)
    result = speciation(density, criteria=("exact", "merging"))
    roots = result.tau_root.values[result.root_status.values == Status.ok]
    merging = float(result.tau_star.sel(criterion="merging"))
    return _LineRoots(
        int(result.n_roots),
        np.pad(np.sort(roots)[:WIDTH], (0, max(0, WIDTH - roots.size)), constant_values=np.nan),
        _root_residual(density, roots),
        merging,
        _merging_gap(means, weights, merging),
        _rise(density),
        _crossings(density),
    )


def _crossings(density: xr.Dataset) -> int:
    """Number of crossings of ``lambda_max(Gamma(v))/v = 1`` on a grid of v that contains all roots."""
    central = moments(density)
    most = np.ptp(density.component_mean.values) ** 2 / 4
    quotients = _quotient(central, np.geomspace(FLOOR, 1.01 * most, 4001))
    return int((np.diff(np.sign(quotients - 1)) != 0).sum())


def _merging_gap(means: list[float], weights: list[float], tau: float) -> float:
    """0 if the density has several modes just before the time and one just after it, otherwise 1."""
    x = np.linspace(min(means), max(means), 20001)
    counts = []
    for v in (FLOOR + 2 * tau) * np.array([1 - 1e-3, 1 + 1e-3]):
        terms = np.array([w * np.exp(-((x - m) ** 2) / (2 * v)) for m, w in zip(means, weights, strict=True)])
        score = (terms * (np.array(means)[:, None] - x)).sum(0)
        counts.append(int(((score[:-1] > 0) & (score[1:] <= 0)).sum()))
    return float(not (counts[0] > 1 and counts[1] == 1))


def _rise(density: xr.Dataset) -> float:
    """Largest increase with v of the largest eigenvalue of the posterior covariance over v, above its previous minimum."""
    central = moments(density)
    v = central.squared.max() * SCALES
    tau = models.axis("tau", (v[v > FLOOR] - FLOOR) / 2)
    largest = 1 + v[v > FLOOR] * score_jacobian(density, central.centre, tau).values.ravel()
    return float((largest - np.minimum.accumulate(largest)).max())


def _root_residual(density: xr.Dataset, roots: np.ndarray) -> float:
    """Largest eigenvalue, times v, of the score's Jacobian at the weighted mean, which (94) sets to zero."""
    one = density.squeeze(drop=True) if density.component_mean.ndim > 2 else density
    if not roots.size:
        return 0.0
    jacobian = score_jacobian(one, moments(one).centre, models.axis("tau", roots)).values
    v = float(one.component_variance) + 2 * roots
    return float(np.abs(np.linalg.eigvalsh(jacobian)[:, -1] * v).max())


AROUND = (0.24, 0.26, 0.28)
"""Diffusion times near that of the exact criterion of an equilateral triangle of radius 1, 0.25."""

ROOTLESS = 0.6467
"""Heavier weight of a pair above which (94) has no root; there the two roots coincide."""


def _hierarchy(configuration: Configuration) -> xr.Dataset:
    weights = models.axis_of("heavier", configuration.heavier, "weight of the heavier component")
    heavier = weights.values
    result = speciation(families.pair(1.0, FLOOR, heavier), criteria=(*APPROXIMATIONS, "exact", "merging"))
    v = 2 * result.tau_star + FLOOR
    times = v.where(result.status == Status.ok).rename(weight="heavier").drop_vars("heavier")
    equal = result.tau_star.isel(weight=0, drop=True)
    exact, merging = (result.status.sel(criterion=name) for name in ("exact", "merging"))
    lost, around = (exact == Status.no_real_root) & (merging == Status.ok), models.axis("tau", AROUND)
    modes = mode_count(families.polygon(1.0, 0.0, vertices=3), around).n_modes.squeeze()
    return xr.Dataset(
        {
            "threshold": value((), times, "variance $v$ at the threshold, in units of $a^2$"),
            "n_modes": value((), modes, r"modes of an equilateral triangle of radius 1 near its criterion, $\tau = 0.25$"),
            "residual": residual(
                (),
                relative(equal, equal.sel(criterion="exact", drop=True)),
                "criteria for equal weights against the exact one",
            ),
            "residual_modes": residual("tau", modes.values - np.array([3, 4, 1]), "modes of the triangle minus 3, 4 and 1"),
            "residual_merging": residual(
                "heavier",
                merging_odds(v.sel(criterion="merging")) - np.log(heavier / (1 - heavier)) / 2,
                r"$\delta\sqrt{\delta^2 - 1} - \operatorname{arcosh}\delta$ at $v = a^2/\delta^2$, where modes merge, minus "
                "half the log-odds (Robertson and Fryer 1969)",
                1e-10,
            ),
            "residual_leading": residual(
                "heavier",
                v.sel(criterion="leading").values - 4 * heavier * (1 - heavier),
                r"leading threshold minus $4 w_L w_R\,a^2$, in units of $a^2$",
            ),
            "residual_lost": residual(
                "heavier",
                (lost.values != (heavier > ROOTLESS)).astype(float),
                "whether the exact criterion lacks a root up to the weight 0.6467, or has one beyond",
            ),
            "violation": violation((), lost.sum(), "number of pairs that have two modes and no root of (94)"),
        },
        {**weights.coords, "tau": around, "criterion": result.criterion},
    )


STATEMENTS = (
    Statement(
        "Definition 9.6",
        "Correction coefficient",
        r"The correction along the leading eigenvector $v_1$ of $\Sigma_B$; with $y_k = v_1\cdot\tilde\mu_k$ it is a "
        "covariance.",
        {"": r"C = v_1^\top(\bar D\,\Sigma_B - \Sigma_D)\,v_1 = -\operatorname{Cov}_w(D, y^2)"},
        "The computed $C$ against both forms, for a random mixture.",
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
        truth="For this triangle each correction reduces the error, but the errors relative to $v^*$ are the same at every "
        r"scale, because $v^*/\lambda_1$ does not depend on it. If $\lambda_1^2 + 2C < 0$, as for pairs of very unequal "
        "weights, (93) has no real root.",
        shown=("error", "covariance_coefficient", "n_without_root", "error_order"),
        figure="figure-7",
    ),
    Statement(
        "Proposition 9.8",
        "When the correction is negative",
        r"$C \le 0$ if the squared distance across $v_1$ does not decrease with $y^2$, in particular on a line; otherwise "
        "both signs are possible.",
        {"": r"\operatorname{Cov}_w\bigl(\lvert\tilde\mu_\perp\rvert^2, y^2\bigr) \ge 0\ \implies\ C \le 0"},
        "$C$ and the covariance for random mixtures, and for random means on a line.",
        sign,
        (corrections,),
        truth="Positive $C$ occurs, although rarely: the sign is a property of the mixture.",
        shown=("share_positive",),
        figure="figure-7",
    ),
    Statement(
        "Remark 9.9",
        "Physical interpretation",
        "$C < 0$ makes speciation occur at a lower noise level, earlier in the reverse process; $C > 0$ delays it.",
        {},
        "The exact threshold of random mixtures against the leading one, by the sign of $C$: generation starts from noise "
        "and reaches the lower threshold later. Also both thresholds for nearly equal distances from the mean.",
        _interpretation,
        (speciation, corrections),
        condition="'earlier' and 'delays' are exchanged, and the distances from the mean are nearly equal",
        truth="Generation reaches lower noise later: to first order $C < 0$ delays speciation in generation, and $C > 0$ "
        "advances it. For unequal distances the exact threshold can move against the sign of $C$, and some mixtures have "
        "none.",
        shown=("n_delayed", "n_not_delayed", "n_hastened", "n_not_hastened", "n_rootless"),
    ),
    Statement(
        "Theorem 9.10",
        "Exact speciation criterion",
        r"The speciation time is the unique solution of an equation for the posterior covariance $\Gamma$ of the means at "
        r"$\bar\mu$, because $\lambda_{\max}(\Gamma(v))/v$ decreases with $v$.",
        {"94": r"\lambda_{\max}\bigl(\Gamma(v)\bigr) = v,\qquad v = \sigma_0^2 + 2\tau^*"},
        r"All roots of seven mixtures on a line, each inserted into the Jacobian; increases of "
        r"$\lambda_{\max}(\Gamma(v))/v$; and the merging of the density's modes.",
        _roots,
        (speciation, score_jacobian),
        truth=r"There can be 0, 1, 2, 3, 4 or more roots, and $\lambda_{\max}(\Gamma(v))/v$ increases before it decreases: "
        "unless two means share the least distance from the weighted mean, it tends to 0 for small and for large $v$, and "
        r"the number of roots is even. $\tau^*$ is the largest root; without a root the density can still have two modes.",
        shown=("n_roots", "tau_root", "tau_merging"),
    ),
    Statement(
        "Remark 9.11",
        "Hierarchy of formulas",
        "The exact criterion is always valid; the closed forms are exact where symmetric, and corrected otherwise.",
        {},
        "All criteria for pairs of eight weights, against the merging of the density's modes; and the number of modes of an "
        "equilateral triangle.",
        _hierarchy,
        (speciation, mode_count),
        condition="the modes separate at the weighted mean, as for equal weights",
        truth="The exact criterion is exact at the weighted mean. For unequal weights this point can be irrelevant: beyond "
        "weights 0.647 and 0.353 the criterion has no root, although the density has two modes. Even where it is exact, as "
        r"for the equilateral triangle, modes away from the centre persist: four at $\tau = 0.26$, one at 0.28.",
        shown=("threshold", "n_modes"),
    ),
)
