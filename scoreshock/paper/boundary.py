"""Section 5.4: the binary decomposition of any density, and the boundary between its two parts."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture
from scoreshock.paper import models
from scoreshock.paper.configuration import Setup, Well
from scoreshock.paper.statement import dataset, deviation, relative, residual, slope, statement, value, violation
from scoreshock.quantities.fields import score, score_jacobian
from scoreshock.quantities.layer import competitors, decomposition, layer, profile
from scoreshock.quantities.speciation import speciation
from scoreshock.quantities.wells import well_boundary, well_fields, well_speciation

WELL_TOLERANCE = 1e-10
"""Tolerance of identities of wells, whose densities are computed by quadrature."""

NEAR = 0.5 ** np.arange(1.0, 9.0)
"""Distances from the boundary, in widths, at which the local profile (41) is compared."""

NODES = 400
"""Number of Gauss-Legendre nodes on each side of the barrier."""

MERGING = r"$\delta\sqrt{\delta^2 - 1} - \operatorname{arcosh}\delta$ at $v = a^2/\delta^2$, where modes merge, minus"
"""First words of the meaning of `merging_gap`."""


def _groups(setup: Setup) -> tuple[list[int], list[int]]:
    """A partition of the cloud's components into two groups of several."""
    count = setup.cloud.components
    return list(range(count // 2)), list(range(count // 2, count))


def _both(setup: Setup, name: str, equation: str) -> xr.Dataset:
    """A residual of the decomposition for mixtures on the line and in several dimensions, and for wells."""
    tau = models.times(setup)
    line = decomposition(models.unequal_pair(setup), models.grid(setup.grid), tau)[name]
    space = decomposition(models.cloud(setup), models.cloud_points(setup), tau, _groups(setup))[name]
    x_well, tau_well = models.axis("x", np.linspace(-12, 12, 241)), models.axis("tau", setup.well_times)
    # In the tails of the wells, densities are below 1e-300.
    far = well_fields(models.wells(setup), x_well, tau_well)[name].rename(tau="tau_well", x="x_well")
    meaning = f"residual of {equation}, relative to its largest term:"
    return dataset(
        line.coords,
        far.coords,
        residual_pair=residual(line, f"{meaning} unequal pair"),
        residual_cloud=residual(space, f"{meaning} mixture in {setup.cloud.dimension}D"),
        residual_wells=residual(far, f"{meaning} wells", WELL_TOLERANCE),
    )


@statement(
    "Theorem 5.6: Exact binary decomposition",
    "Where $p = p_1 + p_2$, both positive heat flows, the score is a background and an interfacial part, exactly.",
    {
        "36": r"\varphi = \ln\frac{p_1}{p_2},\qquad \bar s = \tfrac12\nabla\ln(p_1 p_2)",
        "37": r"s = \bar s + \tfrac12\tanh\Bigl(\frac{\varphi}{2}\Bigr)\nabla\varphi",
    },
    "Both sides for a pair of unequal weights, for a mixture in several dimensions cut in two groups of components, and "
    "for quartic wells cut at the barrier (section 10.4), from the core to the tails.",
    (decomposition, well_fields),
)
def _decomposition(setup: Setup) -> xr.Dataset:
    unequal, x, tau = setup.unequal, models.grid(setup.grid), models.times(setup)
    result = decomposition(models.unequal_pair(setup), x, tau)
    odds, rate = np.log((1 - unequal.weight) / unequal.weight), -2 * unequal.separation / (unequal.variance + 2 * tau)
    gap = relative(result.log_ratio, odds + rate * x, odds, rate * x)
    of_pair = "of the unequal pair against"
    return _both(setup, "decomposition_residual", "(37)").assign(
        residual_ratio=residual(gap, rf"$\varphi$ {of_pair} (36), relative to the larger term"),
        residual_gradient=deviation(result.log_ratio_gradient, rate, rf"$\nabla\varphi$ {of_pair} $-2a/v$"),
    )


@statement(
    "Proposition 5.7: Log-ratio advection-diffusion",
    "The log-ratio obeys a linear equation.",
    {"38": r"\varphi_\tau = \Delta\varphi + 2\,\bar s\cdot\nabla\varphi"},
    r"For the densities of Theorem 5.6, with $\varphi_\tau$ from the densities and not from the equation.",
    (decomposition, well_fields),
)
def _log_ratio(setup: Setup) -> xr.Dataset:
    return _both(setup, "log_ratio_residual", "(38)")


@statement(
    "Theorem 5.8: Boundary-normal reduction and speciation criterion",
    r"On a regular boundary $\varphi = 0$ with normal $n$ and distance $r$ the score has a local layer; its normal slope "
    "has a closed form; and the slice is locally bimodal if and only if that is positive.",
    {
        "41": r"s\cdot n \approx \bar s\cdot n + \tfrac12\lvert\nabla\varphi\rvert"
        r"\tanh\bigl(\tfrac12\lvert\nabla\varphi\rvert\,r\bigr)",
        "42": r"n^\top H\,n = n^\top(\nabla\bar s)\,n + \tfrac14\lvert\nabla\varphi\rvert^2",
        "43": r"n^\top(\nabla\bar s)\,n + \tfrac14\lvert\nabla\varphi\rvert^2 > 0",
    },
    r"$n^\top H n$ from the score's Jacobian; the order in $r$ of the error of (41); the criterion of the wells at its "
    "root, also by quadrature; and the threshold of the boundary against the merging of the density's modes, for two pairs "
    "of weights.",
    (layer, profile, score_jacobian, speciation, well_boundary, well_speciation),
    condition="'locally bimodal' means only that the log-density is convex across the boundary",
    truth="(41) and (42) hold exactly. But convexity implies bimodality only if the normal score also vanishes there, as "
    "for equal weights. For two Gaussians of any weights (42) vanishes at $v = a^2$, while for weights 0.3 and 0.7 the two "
    r"modes merge already at $v = 0.5428\,a^2$. On the boundary of the tilted well the score is not zero.",
    shown=("threshold", "tau_star", "x_boundary", "score_boundary"),
)
def _criterion(setup: Setup) -> xr.Dataset:
    tau, times = models.times(setup), well_speciation(models.wells(setup))
    threshold, thresholds = _thresholds(setup)
    # The local profile omits terms of second order in the distance: its error falls at least with that order.
    near = profile(models.cloud(setup), NEAR, tau, _groups(setup))
    order = slope(abs(near.profile_score - near.profile_local).max("tau", skipna=False).values, NEAR)[-1]
    pair = _hessian(models.unequal_pair(setup), tau)
    cloud = _hessian(models.cloud(setup), tau, _groups(setup))
    below = "amount by which the order of the error of (41) in the distance is below 2"
    hessian = r"$n^\top H n$ from the Jacobian against (42), relative:"
    return dataset(
        threshold.coords,
        {"tau": tau, "case": times.case},
        models.labels("at_criterion", ["boundary", "merging"], "criterion at whose time the wells are evaluated"),
        models.labels("source", ["times", "boundary", "width", "jump"], "output that is compared"),
        models.labels("well_criterion", times.criterion.values, "criterion of the wells"),
        threshold=value(threshold, "variance $v$ at the threshold, in units of $a^2$"),
        tau_star=value(times.tau_star.rename(criterion="well_criterion"), "speciation time of the wells"),
        x_boundary=value(times.x_boundary, "position of the boundary of the wells at that time"),
        score_boundary=value(times.score_boundary, "score at the boundary of the wells at that time"),
        residual_pair=residual(pair, f"{hessian} unequal pair"),
        residual_cloud=residual(cloud, f"{hessian} mixture in several dimensions"),
        residual_order=residual(np.maximum(0.0, 2 - order), below, 0.1),
        **thresholds,
        **_well_residuals(setup, times),
    )


def _thresholds(setup: Setup) -> tuple[xr.DataArray, dict[str, xr.Variable]]:
    """Variances ``v/a^2`` at which the criteria of pairs are met, with their residuals and the violation."""
    unequal = setup.unequal
    pairs = families.pair(unequal.separation, unequal.variance, [0.5, unequal.weight])
    times = speciation(pairs, criteria=("boundary", "merging"))
    threshold = (unequal.variance + 2 * times.tau_star) / unequal.separation**2
    boundary, merging = (threshold.sel(criterion=name, drop=True) for name in ("boundary", "merging"))
    odds = rf"{MERGING} $\tfrac12\lvert\ln(w_R/w_L)\rvert$ (Robertson and Fryer 1969)"
    at_boundary = "variance at the threshold of the boundary"
    apart = (boundary - merging).isel(weight=-1)
    return threshold, {
        "residual_threshold": residual(boundary - 1, f"{at_boundary}, in units of $a^2$, minus 1"),
        "residual_odds": residual(merging_gap(merging, times.weight.values), odds, WELL_TOLERANCE),
        "violation": violation(apart, f"{at_boundary} minus that at which the two modes merge, in units of $a^2$"),
    }


def merging_gap(threshold: xr.DataArray, weight: np.ndarray) -> xr.DataArray:
    """Half the log-odds at which modes of a pair merge at ``v = threshold a^2``, minus those of its weight.

    Robertson and Fryer (1969).
    """
    equal_weights = abs(threshold - 1) < 1e-12  # up to rounding
    delta = 1 / np.sqrt(threshold.where(~equal_weights, 1.0))
    return delta * np.sqrt(delta**2 - 1) - np.arccosh(delta) - abs(np.log(weight / (1 - weight))) / 2


def _well_residuals(setup: Setup, times: xr.Dataset) -> dict[str, xr.Variable]:
    """Residuals of the criterion of the wells at its time, against quadratures and closed forms."""
    at = well_boundary(models.wells(setup), times.tau_star.sel(criterion="boundary"))
    quadrature = _by_quadrature(setup, times)
    here, merged = quadrature.isel(at_criterion=0), quadrature.isel(at_criterion=1)
    background = times.background_curvature / times.interfacial_curvature
    layers = [times.interfacial_curvature, at.interfacial_curvature, at.width**-2, at.jump**2 / 4]
    jump = xr.concat(layers, "source").drop_vars("case") / (here.jump**2 / 4) - 1
    matched, expected = times.tau_star.sel(criterion="matched-gaussian", drop=True), [_matched(w) for w in setup.wells]
    in_units, wells = "by quadrature, over its terms", "of the wells"
    gaps = {
        "wells": (abs(at.normal_hessian) / at.interfacial_curvature, f"criterion (42) {wells} at its time, relative"),
        "share": (here.share - 0.5, f"weight of the left part at the boundary {wells}, by quadrature, minus one half"),
        "bend": (quadrature.bend.T, f"$s_x$ {wells} at both thresholds, {in_units}"),
        "merging": (merged.score, f"score where the modes {wells} merge, {in_units}"),
        "parts": (background + 1, f"background part of (42) {wells} at its time, over the interfacial one, plus one"),
        "jump": (jump, rf"$\tfrac14\lvert\nabla\varphi\rvert^2$ {wells} against that by quadrature, relative"),
    }
    estimate = r"estimate by matched Gaussians against $\tfrac12(a^2 - \sigma^2)$ from the roots of $U'$, relative"
    residuals = {f"residual_{name}": residual(*gap, WELL_TOLERANCE) for name, gap in gaps.items()}
    return residuals | {"residual_matched": residual(matched / np.array(expected) - 1, estimate)}


def _extrema(settings: Well) -> np.ndarray:
    """The two minima of a potential and the barrier between them, ascending."""
    c, b = settings.quartic_coefficient, settings.half_distance
    return np.sort(np.roots([4 * c, 0.0, -4 * c * b**2, -settings.tilt]).real)


def _matched(settings: Well) -> float:
    """Half of ``a^2 - sigma^2``, with the distance 2a of the minima of the potential and the mean of 1/U'' there."""
    c, b = settings.quartic_coefficient, settings.half_distance
    low, _, high = _extrema(settings)
    variances = [1 / (4 * c * (3 * x**2 - b**2)) for x in (low, high)]
    return float(((high - low) ** 2 / 4 - np.mean(variances)) / 2)


def _by_quadrature(setup: Setup, times: xr.Dataset) -> xr.Dataset:
    """Posterior of the initial position of each well at the times and positions of two criteria, (case, at_criterion)."""
    criteria = {"boundary": times.x_boundary, "merging": times.x_merging}
    rows = [
        [_posterior(settings, float(x[i]), float(times.tau_star.sel(criterion=name)[i])) for name, x in criteria.items()]
        for i, settings in enumerate(setup.wells)
    ]
    result = xr.DataArray(rows, dims=("case", "at_criterion", "part"), coords={"part": ["share", "score", "bend", "jump"]})
    return result.to_dataset("part")


def _posterior(settings: Well, x: float, tau: float) -> tuple[float, float, float, float]:
    """Posterior of the initial position for a later one, by quadrature; it yields ``s = (E[y] - x)/(2 tau)``.

    Returns the weight of the left part, the score and its slope over their largest terms, and the length of grad phi.
    """
    c, b = settings.quartic_coefficient, settings.half_distance
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    reach = 2 * b + 6 / np.sqrt(c) / b
    y = _extrema(settings)[1] + reach / 2 * np.stack([nodes - 1, nodes + 1])
    exponent = -c * (y**2 - b**2) ** 2 + settings.tilt * y - (x - y) ** 2 / (4 * tau)
    density = weights * np.exp(exponent - exponent.max())
    share = density.sum(-1) / density.sum()
    left, right = (density * y).sum(-1) / density.sum(-1)
    mean = share @ [left, right]
    bend = (density * (y - mean) ** 2).sum() / density.sum() / (2 * tau) - 1
    return float(share[0]), float((mean - x) / b), float(bend), float((right - left) / (2 * tau))


def _hessian(density: xr.Dataset, tau: xr.DataArray, groups: tuple[list[int], list[int]] | None = None) -> xr.DataArray:
    """Difference of the normal Hessian of the score's Jacobian from (42), relative to the largest part."""
    result = layer(density, tau, groups)
    background, interfacial = result.background_curvature, result.interfacial_curvature
    jacobian = score_jacobian(density, result.boundary, tau)
    across = result.normal.rename(feature="feature_other")
    direct = (result.normal * jacobian * across).sum(["feature", "feature_other"])
    return relative(direct, background + interfacial, background, interfacial).where(result.layer_status == Status.ok)


@statement(
    "Remark 5.9: What is universal, and what is not",
    "In the symmetric Gaussian case the general statement becomes Propositions 5.4 and 5.11.",
    {"": r"\bar s = -\frac{x}{v},\qquad \lvert\nabla\varphi\rvert = \frac{2a}{v}"},
    "Both formulas, from the core to the tails.",
    (decomposition,),
)
def _universal(setup: Setup) -> xr.Dataset:
    x, tau = models.grid(setup.grid), models.times(setup)
    a, v = setup.pair.separation, setup.pair.variance + 2 * tau
    result = decomposition(models.pair(setup), x, tau).squeeze(["feature", "feature_other"])
    gradient = r"$\lvert\nabla\varphi\rvert$ against $2a/v$"
    return dataset(
        result.log_ratio.coords,
        residual_background=deviation(result.background, -x / v, "background against $-x/v$"),
        residual_gradient=deviation(abs(result.log_ratio_gradient), 2 * a / v, gradient),
    )


@statement(
    "Proposition 5.10: Error from non-binary competitors",
    r"With $p = p_1 + p_2 + r$ and $\varepsilon = r/(p_1 + p_2)$ the score differs from the binary $s_{12}$, and so does "
    "its normal slope; for well separated modes both differences are exponentially small.",
    {
        "45": r"s - s_{12} = \frac{\nabla\varepsilon}{1 + \varepsilon}",
        "46": r"\partial_n(s - s_{12})\cdot n = \frac{\varepsilon_{nn}}{1 + \varepsilon}"
        r" - \Bigl(\frac{\varepsilon_n}{1 + \varepsilon}\Bigr)^2",
    },
    (r"A third component off the line of a pair, at five distances: both identities, and $\ln\varepsilon$ on the boundary."),
    (competitors,),
    truth=r"The exponent is the difference of the squared distances over $2v$: $\ln\varepsilon = \ln\,[w_3/(w_1 + w_2)] - "
    "(D^2 - a^2)/(2v)$ for a third mean at distance $D$ from the boundary.",
)
def _competitors(setup: Setup) -> xr.Dataset:
    a, tau = setup.pair.separation, models.times(setup)
    far = models.axis_of("distance", a * np.array(setup.competitors), "distance of the third mean from the boundary")
    means = np.zeros((far.size, 3, 2))
    means[:, 0, 0], means[:, 1, 0], means[:, 2, 1] = -a, a, far
    located = xr.DataArray(means, dims=("distance", "component", "feature"), coords=far.coords)
    three = mixture(located, None, setup.pair.variance)
    x = xr.DataArray(np.stack([np.linspace(-1, 1, 41) * a, np.zeros(41)], -1), dims=("x", "feature"))
    result = competitors(three, x, tau, ([0], [1]), xr.DataArray([2.0, 0.0], dims="feature"))
    two = three.isel(component=[0, 1]).assign(component_weight=("component", [0.5, 0.5]))
    slopes = (score_jacobian(three, x, tau) - score_jacobian(two, x, tau)).isel(feature=0, feature_other=0)
    middle, v = result.log_epsilon.isel(x=20), setup.pair.variance + 2 * tau
    law = np.log(0.5) - (far**2 - a**2) / (2 * v)  # equal weights: w/(w + w), distances far and a
    difference = relative(score(three, x, tau) - score(two, x, tau), result.score_difference, a / v)
    normal = relative(slopes, result.normal_difference, a**2 / v**2)
    larger, epsilon = "relative to the larger of the difference and", r"$\ln\varepsilon$ on the boundary"
    against = rf"{epsilon} against $\ln\tfrac12 - (D^2 - a^2)/(2v)$, relative"
    return dataset(
        result.coords,
        log_epsilon=value(middle, epsilon),
        residual_score=residual(difference, f"residual of (45), {larger} $a/v$"),
        residual_normal=residual(normal, f"residual of (46), {larger} $a^2/v^2$"),
        residual_law=residual(relative(middle, law), against),
    )
