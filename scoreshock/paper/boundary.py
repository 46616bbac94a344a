"""Section 5.4: the binary decomposition of any density, and the boundary between its two parts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture
from scoreshock.paper import models
from scoreshock.paper.configuration import Configuration, Well
from scoreshock.paper.statement import (
    MIXTURE_TOLERANCE,
    WELL_TOLERANCE,
    Statement,
    relative,
    residual,
    slope,
    value,
    violation,
)
from scoreshock.quantities.fields import score, score_jacobian
from scoreshock.quantities.layer import competitors, decomposition, layer, profile
from scoreshock.quantities.speciation import speciation
from scoreshock.quantities.wells import well_boundary, well_fields, well_speciation

NEAR = 0.5 ** np.arange(1.0, 9.0)
"""Distances from the boundary, in widths, at which the local profile (41) is compared."""

NODES = 400
"""Number of Gauss-Legendre nodes on each side of the barrier."""


def _groups(configuration: Configuration) -> tuple[list[int], list[int]]:
    """A partition of the cloud's components into two groups of several."""
    count = configuration.cloud.components
    return list(range(count // 2)), list(range(count // 2, count))


def _of_mixtures(configuration: Configuration, name: str) -> dict[str, xr.DataArray]:
    """A residual of the decomposition for mixtures on the line and in several dimensions."""
    x, tau = models.grid(configuration.grid), models.times(configuration)
    line = decomposition(models.unequal_pair(configuration), x, tau)[name]
    space = decomposition(models.cloud(configuration), models.cloud_points(configuration), tau, _groups(configuration))[name]
    return {"residual_pair": line, "residual_cloud": space}


def _of_wells(configuration: Configuration, name: str) -> xr.DataArray:
    """A residual of the decomposition for the wells, out to tails with densities below 1e-300."""
    tau = models.axis("tau", configuration.well_times)
    x = models.axis("x", np.linspace(-12, 12, 241))
    return well_fields(models.wells(configuration), x, tau)[name].rename(tau="tau_well", x="x_well")


def _both(configuration: Configuration, name: str, equation: str) -> xr.Dataset:
    mixtures, wells = _of_mixtures(configuration, name), _of_wells(configuration, name)
    meaning = f"residual of {equation}, relative to its largest term:"
    return xr.Dataset(
        {
            "residual_pair": residual((), mixtures["residual_pair"], f"{meaning} unequal pair"),
            "residual_cloud": residual(
                (), mixtures["residual_cloud"], f"{meaning} mixture in {configuration.cloud.dimension}D"
            ),
            "residual_wells": residual((), wells, f"{meaning} wells", WELL_TOLERANCE),
        },
        {**mixtures["residual_pair"].coords, **wells.coords},
    )


def _decomposition(configuration: Configuration) -> xr.Dataset:
    unequal, x, tau = configuration.unequal, models.grid(configuration.grid), models.times(configuration)
    result = decomposition(models.unequal_pair(configuration), x, tau)
    odds, rate = np.log((1 - unequal.weight) / unequal.weight), -2 * unequal.separation / (unequal.variance + 2 * tau)
    gap = relative(result.log_ratio, odds + rate * x, odds, rate * x)
    return _both(configuration, "decomposition_residual", "(37)").assign(
        residual_ratio=residual((), gap, r"$\varphi$ of the unequal pair against (36), relative to the larger term"),
        residual_gradient=residual(
            (), relative(result.log_ratio_gradient, rate), r"$\nabla\varphi$ of the unequal pair against $-2a/v$, relative"
        ),
    )


def _log_ratio(configuration: Configuration) -> xr.Dataset:
    return _both(configuration, "log_ratio_residual", "(38)")


def _criterion(configuration: Configuration) -> xr.Dataset:
    tau, times = models.times(configuration), well_speciation(models.wells(configuration))
    threshold, thresholds = _thresholds(configuration)
    # The local profile omits terms of second order in the distance: its error falls at least with that order.
    near = profile(models.cloud(configuration), NEAR, tau, _groups(configuration))
    gap = abs(near.profile_score - near.profile_local).max("tau", skipna=False).values
    pair = _hessian(models.unequal_pair(configuration), tau)
    cloud = _hessian(models.cloud(configuration), tau, _groups(configuration))
    return xr.Dataset(
        {
            "threshold": value((), threshold, "variance $v$ at the threshold, in units of $a^2$"),
            "tau_star": value((), times.tau_star.rename(criterion="well_criterion"), "speciation time of the wells"),
            "x_boundary": value((), times.x_boundary, "position of the boundary of the wells at that time"),
            "score_boundary": value((), times.score_boundary, "score at that position"),
            "residual_pair": residual((), pair, r"$n^\top H n$ from the Jacobian against (42), relative: unequal pair"),
            "residual_cloud": residual(
                (), cloud, r"$n^\top H n$ from the Jacobian against (42), relative: mixture in several dimensions"
            ),
            "residual_order": residual(
                (),
                np.maximum(0.0, 2 - slope(gap, NEAR)[-1]),
                "amount by which the order of the error of (41) in the distance is below 2",
                0.1,
            ),
            **thresholds,
            **_well_residuals(configuration, times),
        },
        {
            "tau": tau,
            "case": times.case,
            **threshold.coords,
            "moment": ("moment", ["boundary", "merging"], {"long_name": "criterion at whose time the wells are evaluated"}),
            "source": ("source", ["times", "boundary", "width", "jump"], {"long_name": "output that is compared"}),
            "well_criterion": ("well_criterion", times.criterion.values, {"long_name": "criterion of the wells"}),
        },
    )


def _thresholds(configuration: Configuration) -> tuple[xr.DataArray, dict[str, xr.Variable]]:
    """Variances ``v/a^2`` at which the criteria of pairs are met, with their residuals and the violation."""
    unequal = configuration.unequal
    pairs = families.pair(unequal.separation, unequal.variance, [0.5, unequal.weight])
    times = speciation(pairs, criteria=("boundary", "merging"))
    threshold = (unequal.variance + 2 * times.tau_star) / unequal.separation**2
    boundary, merging = (threshold.sel(criterion=name, drop=True) for name in ("boundary", "merging"))
    return threshold, {
        "residual_threshold": residual(
            (), boundary - 1, "variance at the threshold of the boundary, in units of $a^2$, minus 1"
        ),
        "residual_odds": residual(
            "weight",
            merging_odds(merging) - np.abs(np.log(times.weight.values / (1 - times.weight.values))) / 2,
            r"$\delta\sqrt{\delta^2 - 1} - \operatorname{arcosh}\delta$ at $v = a^2/\delta^2$, where modes merge, minus "
            r"$\tfrac12\lvert\ln(w_R/w_L)\rvert$ (Robertson and Fryer 1969)",
            WELL_TOLERANCE,
        ),
        "violation": violation(
            (),
            (boundary - merging).isel(weight=-1),
            "variance at the threshold of the boundary minus that at which the two modes merge, in units of $a^2$",
        ),
    }


def _well_residuals(configuration: Configuration, times: xr.Dataset) -> dict[str, xr.Variable]:
    """Residuals of the criterion of the wells at its time, against quadratures and closed forms."""
    at = well_boundary(models.wells(configuration), times.tau_star.sel(criterion="boundary"))
    matched = times.tau_star.sel(criterion="matched-gaussian").values
    share, score, bend, jump = _at_criteria(configuration, times)
    layers = xr.concat(
        [times.interfacial_curvature, at.interfacial_curvature, at.width**-2, at.jump**2 / 4], "source"
    ).values
    background = (times.background_curvature / times.interfacial_curvature).values
    quadratures = {
        "wells": (
            (),
            abs(at.normal_hessian) / at.interfacial_curvature,
            "criterion (42) of the wells at its time, relative",
        ),
        "share": (
            "case",
            share - 0.5,
            "weight of the left part at the boundary of the wells, by quadrature, minus one half",
        ),
        "bend": (("moment", "case"), bend, "$s_x$ of the wells at both thresholds, by quadrature, over its terms"),
        "merging": ("case", score, "score where the modes of the wells merge, by quadrature, over its terms"),
        "parts": (
            "case",
            background + 1,
            "background part of (42) of the wells at its time, over the interfacial one, plus one",
        ),
        "jump": (
            ("source", "case"),
            layers / (jump**2 / 4) - 1,
            r"$\tfrac14\lvert\nabla\varphi\rvert^2$ of the wells against that by quadrature, relative",
        ),
    }
    return {f"residual_{name}": residual(*each, WELL_TOLERANCE) for name, each in quadratures.items()} | {
        "residual_matched": residual(
            "case",
            matched / [_matched(well) for well in configuration.wells] - 1,
            r"estimate by matched Gaussians against $\tfrac12(a^2 - \sigma^2)$ from the roots of $U'$, relative",
        ),
    }


def merging_odds(threshold: Any) -> np.ndarray:
    """Half the log-odds at which the modes of a pair merge at ``v = threshold a^2`` (Robertson and Fryer 1969)."""
    threshold = np.asarray(threshold)
    delta = 1 / np.sqrt(np.where(np.abs(threshold - 1) < MIXTURE_TOLERANCE, 1.0, threshold))
    return delta * np.sqrt(delta**2 - 1) - np.arccosh(delta)


def _matched(settings: Well) -> float:
    """Half of ``a^2 - sigma^2``, with the distance 2a of the minima of the potential and the mean of 1/U'' there."""
    c, b = settings.quartic_coefficient, settings.half_distance
    low, _, high = np.sort(np.roots([4 * c, 0.0, -4 * c * b**2, -settings.tilt]).real)
    variances = [1 / (4 * c * (3 * x**2 - b**2)) for x in (low, high)]
    return float(((high - low) ** 2 / 4 - np.mean(variances)) / 2)


class _Posterior(NamedTuple):
    """Posterior of the initial position given a later one, by quadrature; it yields ``s = (E[y] - x)/(2 tau)``.

    ``share`` is the weight of the left part, ``jump`` the length of grad phi; ``score`` and ``bend`` (its slope) are
    relative to their largest terms.
    """

    share: float
    score: float
    bend: float
    jump: float


def _at_criteria(configuration: Configuration, times: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For each well, by quadrature: share and jump at the boundary time, score at the merging, bend at both."""
    result = [
        [
            _posterior(settings, float(times[position][index]), float(times.tau_star.sel(criterion=name)[index]))
            for name, position in (("boundary", "x_boundary"), ("merging", "x_merging"))
        ]
        for index, settings in enumerate(configuration.wells)
    ]
    share, score, bend, jump = np.moveaxis(np.array(result), -1, 0)
    return share[:, 0], score[:, 1], bend.T, jump[:, 0]


def _posterior(settings: Well, x: float, tau: float) -> _Posterior:
    c, b = settings.quartic_coefficient, settings.half_distance
    split = np.sort(np.roots([4 * c, 0.0, -4 * c * b**2, -settings.tilt]).real)[1]
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    reach = 2 * b + 6 / np.sqrt(c) / b
    y = split + reach / 2 * np.stack([nodes - 1, nodes + 1])
    exponent = -c * (y**2 - b**2) ** 2 + settings.tilt * y - (x - y) ** 2 / (4 * tau)
    density = weights * np.exp(exponent - exponent.max())
    share = density.sum(-1) / density.sum()
    left, right = (density * y).sum(-1) / density.sum(-1)
    mean = share @ [left, right]
    bend = (density * (y - mean) ** 2).sum() / density.sum() / (2 * tau) - 1
    return _Posterior(float(share[0]), float((mean - x) / b), float(bend), float((right - left) / (2 * tau)))


def _hessian(density: xr.Dataset, tau: xr.DataArray, groups: tuple[list[int], list[int]] | None = None) -> xr.DataArray:
    """Difference of the normal Hessian of the score's Jacobian from (42), relative to the largest part."""
    result = layer(density, tau, groups)
    position = xr.concat([result.boundary.isel(tau=i) for i in range(tau.size)], "tau")
    slices = [score_jacobian(density, position.isel(tau=i), float(tau[i])) for i in range(tau.size)]
    jacobian = xr.concat(slices, "tau")
    across = result.normal.rename(feature="feature_other")
    direct = (result.normal * jacobian * across).sum(["feature", "feature_other"])
    parts = result.background_curvature + result.interfacial_curvature
    gap = relative(direct, parts, result.background_curvature, result.interfacial_curvature)
    return gap.where(result.layer_status == Status.ok)


def _universal(configuration: Configuration) -> xr.Dataset:
    x, tau = models.grid(configuration.grid), models.times(configuration)
    a, v = configuration.pair.separation, configuration.pair.variance + 2 * tau
    result = decomposition(models.pair(configuration), x, tau).squeeze(["feature", "feature_other"])
    return xr.Dataset(
        {
            "residual_background": residual((), relative(result.background, -x / v), "background against $-x/v$, relative"),
            "residual_gradient": residual(
                (),
                relative(abs(result.log_ratio_gradient), 2 * a / v),
                r"$\lvert\nabla\varphi\rvert$ against $2a/v$, relative",
            ),
        },
        result.log_ratio.coords,
    )


def _competitors(configuration: Configuration) -> xr.Dataset:
    a, tau = configuration.pair.separation, models.times(configuration)
    far = models.axis_of("distance", a * np.array(configuration.competitors), "distance of the third mean from the boundary")
    third = xr.concat([xr.full_like(far, -a), xr.full_like(far, a), far], "component")
    zero = xr.zeros_like(third)
    means = xr.concat([third.where(third["component"] < 2, 0.0), zero.where(zero["component"] < 2, far)], "feature")
    three = mixture(means.transpose("distance", "component", "feature"), None, configuration.pair.variance)
    x = xr.DataArray(np.stack([np.linspace(-1, 1, 41) * a, np.zeros(41)], -1), dims=("x", "feature"))
    result = competitors(three, x, tau, ([0], [1]), xr.DataArray([2.0, 0.0], dims="feature"))
    two = three.isel(component=[0, 1]).assign(component_weight=("component", [0.5, 0.5]))
    slopes = (score_jacobian(three, x, tau) - score_jacobian(two, x, tau)).isel(feature=0, feature_other=0)
    middle = result.isel(x=20)
    v = configuration.pair.variance + 2 * tau
    law = np.log(0.5) - (far**2 - a**2) / (2 * v)  # equal weights: w/(w + w), distances far and a
    return xr.Dataset(
        {
            "log_epsilon": value((), middle.log_epsilon, r"$\ln\varepsilon$ on the boundary"),
            "residual_score": residual(
                (),
                relative(score(three, x, tau) - score(two, x, tau), result.score_difference, a / v),
                "residual of (45), relative to the larger of the difference and $a/v$",
            ),
            "residual_normal": residual(
                (),
                relative(slopes, result.normal_difference, a**2 / v**2),
                "residual of (46), relative to the larger of the difference and $a^2/v^2$",
            ),
            "residual_law": residual(
                (),
                relative(middle.log_epsilon, law),
                r"$\ln\varepsilon$ on the boundary against $\ln\tfrac12 - (D^2 - a^2)/(2v)$, relative",
            ),
        },
        result.coords,
    )


STATEMENTS = (
    Statement(
        "Theorem 5.6",
        "Exact binary decomposition",
        "Where $p = p_1 + p_2$, both positive heat flows, the score is a background and an interfacial part, exactly.",
        {
            "36": r"\varphi = \ln\frac{p_1}{p_2},\qquad \bar s = \tfrac12\nabla\ln(p_1 p_2)",
            "37": r"s = \bar s + \tfrac12\tanh\Bigl(\frac{\varphi}{2}\Bigr)\nabla\varphi",
        },
        "Both sides for a pair of unequal weights, for a mixture in several dimensions cut in two groups of components, and "
        "for quartic wells cut at the barrier (section 10.4), from the core to the tails.",
        _decomposition,
        (decomposition, well_fields),
    ),
    Statement(
        "Proposition 5.7",
        "Log-ratio advection-diffusion",
        "The log-ratio obeys a linear equation.",
        {"38": r"\varphi_\tau = \Delta\varphi + 2\,\bar s\cdot\nabla\varphi"},
        r"The same densities; $\varphi_\tau$ from the densities and not from the equation.",
        _log_ratio,
        (decomposition, well_fields),
    ),
    Statement(
        "Theorem 5.8",
        "Boundary-normal reduction and speciation criterion",
        r"On a regular boundary $\varphi = 0$ with normal $n$ and distance $r$ the score has a local layer; its normal "
        "slope has a closed form; and the slice is locally bimodal if and only if that is positive.",
        {
            "41": r"s\cdot n \approx \bar s\cdot n + \tfrac12\lvert\nabla\varphi\rvert"
            r"\tanh\bigl(\tfrac12\lvert\nabla\varphi\rvert\,r\bigr)",
            "42": r"n^\top H\,n = n^\top(\nabla\bar s)\,n + \tfrac14\lvert\nabla\varphi\rvert^2",
            "43": r"n^\top(\nabla\bar s)\,n + \tfrac14\lvert\nabla\varphi\rvert^2 > 0",
        },
        r"$n^\top H n$ from the score's Jacobian; the order in $r$ of the error of (41); the criterion of the wells at its "
        "root, also by quadrature; and the threshold of the boundary against the merging of the density's modes, for two "
        "pairs of weights.",
        _criterion,
        (layer, profile, score_jacobian, speciation, well_boundary, well_speciation),
        condition="'locally bimodal' means only that the log-density is convex across the boundary",
        truth="(41) and (42) hold exactly. But convexity implies bimodality only if the normal score also vanishes there, "
        "as for equal weights. For two Gaussians of any weights (42) vanishes at $v = a^2$, while for weights 0.3 and 0.7 "
        r"the two modes merge already at $v = 0.5428\,a^2$. On the boundary of the tilted well the score is not zero.",
        shown=("threshold", "tau_star", "x_boundary", "score_boundary"),
    ),
    Statement(
        "Remark 5.9",
        "What is universal, and what is not",
        "In the symmetric Gaussian case the general statement becomes Propositions 5.4 and 5.11.",
        {"": r"\bar s = -\frac{x}{v},\qquad \lvert\nabla\varphi\rvert = \frac{2a}{v}"},
        "Both, from the core to the tails.",
        _universal,
        (decomposition,),
    ),
    Statement(
        "Proposition 5.10",
        "Error from non-binary competitors",
        r"With $p = p_1 + p_2 + r$ and $\varepsilon = r/(p_1 + p_2)$ the score differs from the binary $s_{12}$, and so "
        "does its normal slope; for well separated modes both differences are exponentially small.",
        {
            "45": r"s - s_{12} = \frac{\nabla\varepsilon}{1 + \varepsilon}",
            "46": r"\partial_n(s - s_{12})\cdot n = \frac{\varepsilon_{nn}}{1 + \varepsilon}"
            r" - \Bigl(\frac{\varepsilon_n}{1 + \varepsilon}\Bigr)^2",
        },
        r"A third component off the line of a pair, at five distances: both identities, and $\ln\varepsilon$ on the "
        "boundary.",
        _competitors,
        (competitors,),
        truth=r"The exponent is the difference of the squared distances over $2v$: $\ln\varepsilon = \ln\,[w_3/(w_1 + "
        r"w_2)] - (D^2 - a^2)/(2v)$ for a third mean at distance $D$ from the boundary.",
    ),
)
