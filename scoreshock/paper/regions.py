"""Section 6.4: effect of a score error on the generated distribution, and slope of the score by region."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import ndtr

from scoreshock.paper import models
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.statement import Statement, relative, residual, value, violation
from scoreshock.quantities.divergence import divergence_bound, gaussian_divergence
from scoreshock.quantities.fields import score_jacobian
from scoreshock.quantities.regions import regions


def _divergence(configuration: Configuration) -> xr.Dataset:
    variance, generation = configuration.pair.variance, configuration.generation
    wrong = models.axis_of("model", configuration.models.variances, "variance of the model in units of the data's")
    shift = models.axis_of("shift", configuration.models.shifts, "shift of the model's mean")
    result = gaussian_divergence(variance, variance * wrong, shift, generation.stop, generation.start)
    start = 2 * generation.start
    standard = gaussian_divergence(
        variance, variance * wrong, shift, generation.stop, generation.start, variance_start=start
    )
    ratio, ratio_start = result.kl_ode / result.kl_bound, standard.kl_ode / standard.kl_bound
    return xr.Dataset(
        {
            "kl": value((), result.kl, "divergence of the density that the reverse SDE generates"),
            "kl_bound": value((), result.kl_bound, "bound (58) of that divergence"),
            "kl_ode": value((), result.kl_ode, "divergence of the density that the probability flow generates"),
            "tv": value((), result.tv, "total variation for the reverse SDE, if it has a closed form"),
            "tv_bound": value((), result.tv_bound, "bound (59) of that total variation"),
            "flow_ratio": value(
                (), ratio.max("shift"), "KL of the probability flow over its bound, largest over the shifts"
            ),
            "flow_ratio_start": value(
                (),
                ratio_start.max("shift"),
                r"the same, started from $N(0, 2\tau_{\max})$, with the start in the bound",
            ),
            **_closed_forms(configuration, result, wrong, shift),
            **_attained(configuration, wrong),
            **_layer_bound(configuration),
            **_excesses(result, standard),
        },
        result.coords,
    )


def _excesses(result: xr.Dataset, standard: xr.Dataset) -> dict[str, xr.Variable]:
    """Excess of divergences over their bounds, from the exact noise and from the ``standard`` one of samplers."""
    excess = {
        "bound": (result.kl / result.kl_bound, "excess of KL over its bound, relative"),
        "start": (standard.kl / standard.kl_bound, r"excess of KL over its bound from $N(0, 2\tau_{\max})$, relative"),
        "flow": (
            result.kl_ode / result.kl_bound,
            "excess of the probability flow's KL over the bound, from the exact noise",
        ),
        "tv": (result.tv / result.tv_bound, "excess of TV over its bound, relative"),
    }
    within = float(not (standard.kl_ode / standard.kl_bound).max() > 1)
    return {f"residual_{name}": residual((), (ratio - 1).clip(0), meaning) for name, (ratio, meaning) in excess.items()} | {
        "residual_flow_start": residual(
            (), within, r"whether the flow's KL from $N(0, 2\tau_{\max})$ is within the bound that includes the start"
        ),
    }


def _closed_forms(
    configuration: Configuration, result: xr.Dataset, wrong: xr.DataArray, shift: xr.DataArray
) -> dict[str, xr.Variable]:
    """Divergences against those of the Gaussians that a linear SDE and a linear flow generate."""
    variance, generation = configuration.pair.variance, configuration.generation
    v, start = variance + 2 * generation.stop, variance + 2 * generation.start
    w, w_start = variance * wrong + 2 * generation.stop, variance * wrong + 2 * generation.start
    # Mean and variance under dx = 2 s_hat dtau + sqrt(2) dW and under dx = s_hat dtau, s_hat = -(x - shift)/w.
    mean, generated = shift * (1 - w / w_start), w + (start - w_start) * (w / w_start) ** 2
    flow = _kl(v, start * w / w_start, shift * (1 - np.sqrt(w / w_start)))
    expected = {
        "kl": (result.kl, _kl(v, generated, mean), "KL against that of the density that a linear SDE generates, relative"),
        "integral": (
            result.score_error_integral,
            _integral(configuration, wrong, shift),
            r"integral of $\mathbb{E}_{p_\tau}\lvert s - \hat s\rvert^2$ in (58) against quadrature, relative",
        ),
        "total": (
            result.tv_bound,
            np.minimum(1.0, np.sqrt(result.kl_bound / 2)),
            "bound of TV against (59), relative",
        ),
        "kl_flow": (result.kl_ode, flow, "KL of the probability flow against that of a linear flow, relative"),
    }
    return {f"residual_{name}": residual((), relative(a, b), meaning) for name, (a, b, meaning) in expected.items()} | {
        "residual_tv_line": residual(
            (), relative(result.tv, _tv(v, generated, mean)), "TV against the trapezoidal rule, relative", 1e-5
        ),
    }


def _attained(configuration: Configuration, wrong: xr.DataArray) -> dict[str, xr.Variable]:
    """Equality in (58): started from the model's noise, the reverse SDE generates the density of the model."""
    variance, generation = configuration.pair.variance, configuration.generation
    start = variance * wrong + 2 * generation.start
    attained = gaussian_divergence(variance, variance * wrong, 0.0, generation.stop, generation.start, variance_start=start)
    expected = _kl(variance + 2 * generation.stop, variance * wrong + 2 * generation.stop, 0.0)
    equality = "KL against its bound if generation starts from the model's noise, relative"
    return {
        "residual_equality": residual((), relative(attained.kl, attained.kl_bound), equality),
        "residual_own": residual((), relative(attained.kl, expected), "that KL against the KL of data and model, relative"),
    }


def _layer_bound(configuration: Configuration) -> dict[str, xr.Variable]:
    """The bound for the pair with a score error in the layer only."""
    generation = configuration.generation
    layered = divergence_bound(models.pair(configuration), generation.stop, generation.start, generation.bias, "layer")
    bound = layered.kl_bound.squeeze()
    return {
        "kl_bound_layer": value((), bound, "bound for the pair with an error in the layer only"),
        "residual_layer": residual(
            (),
            relative(bound, _in_layer(configuration)),
            "bound for the pair with an error in the layer only against the trapezoidal rule, relative",
            1e-6,
        ),
    }


def _kl(v: float, generated: xr.DataArray, mean: xr.DataArray | float) -> xr.DataArray:
    """``KL(N(0, v) || N(mean, generated))``."""
    return (v / generated - 1 - np.log(v / generated) + mean**2 / generated) / 2


def _tv(v: float, generated: xr.DataArray, mean: xr.DataArray) -> xr.DataArray:
    """Half of the integral of ``|N(0, v) - N(mean, generated)|``, by the trapezoidal rule."""
    x = models.axis("x", np.linspace(-12, 12, 40001)) * np.sqrt(np.maximum(v, generated))
    true, wrong = (np.exp(-((x - m) ** 2) / (2 * s)) / np.sqrt(2 * np.pi * s) for m, s in ((0.0, v), (mean, generated)))
    step = x.diff("x").isel(x=0, drop=True)
    return xr.DataArray(abs(true - wrong)).sum("x", skipna=False) * step / 2


def _over_time(configuration: Configuration) -> tuple[xr.DataArray, xr.DataArray]:
    """Gauss-Legendre nodes in ``ln v`` between stop and start of generation, as v, and their weights in tau."""
    variance, generation = configuration.pair.variance, configuration.generation
    low, high = (np.log(variance + 2 * tau) for tau in (generation.stop, generation.start))
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    v = np.exp((low + high + (high - low) * nodes) / 2)
    return xr.DataArray(v, dims="node"), xr.DataArray(weights * (high - low) / 2 * v / 2, dims="node")


def _integral(configuration: Configuration, wrong: xr.DataArray, shift: xr.DataArray) -> xr.DataArray:
    """Integral over tau of the mean squared error of a Gaussian model's score, ``v (1/w - 1/v)^2 + shift^2/w^2``."""
    v, weight = _over_time(configuration)
    w = v + configuration.pair.variance * (wrong - 1)
    return (weight * (v * (1 / w - 1 / v) ** 2 + shift**2 / w**2)).sum("node", skipna=False)


def _in_layer(configuration: Configuration) -> float:
    """Integral over tau of the mean of ``(bias/cosh^2(a x/v))^2`` under the pair's density."""
    v, weight = _over_time(configuration)
    a = configuration.pair.separation
    x = models.axis("x", np.linspace(-1, 1, 4001)) * (a + 12 * np.sqrt(v))
    density = sum(np.exp(-((x - mean) ** 2) / (2 * v)) for mean in (-a, a)) / np.sqrt(8 * np.pi * v)
    square = (density / np.cosh(np.minimum(abs(a * x / v), 300.0)) ** 4).sum("x") * x.diff("x").isel(x=0, drop=True)
    return float((weight * square).sum() * configuration.generation.bias**2)


NODES = 60
"""Number of nodes of the quadrature over the diffusion time; the integrand is smooth in ``ln v``."""


def _regions(configuration: Configuration) -> xr.Dataset:
    tau, unequal = models.times(configuration), configuration.unequal
    result = regions(models.unequal_pair(configuration), tau).squeeze("interface", drop=True)
    v = unequal.variance + 2 * tau
    position = -v / (2 * unequal.separation) * np.log(unequal.weight / (1 - unequal.weight))
    return xr.Dataset(
        {
            "interface_position": value((), result.interface_position, "position of the boundary"),
            "interface_width": value((), result.interface_width, "width $v/a$"),
            "interfacial_probability": value((), result.interfacial_probability, "probability of the interfacial region"),
            "residual_place": residual(
                (), relative(result.interface_position, position), "position against the closed form, relative"
            ),
            "residual_probability": residual(
                (),
                relative(result.interfacial_probability, _inside(configuration, position, v)),
                "probability of the interfacial region against that of two Gaussians, relative",
            ),
            "residual_width": residual(
                (), relative(result.interface_width, v / unequal.separation), "width against $v/a$, relative"
            ),
        },
        {"tau": tau},
    )


def _inside(configuration: Configuration, position: xr.DataArray, v: xr.DataArray) -> xr.DataArray:
    """Probability of the unequal pair within ``v/a`` of ``place``."""
    a, heavier = configuration.unequal.separation, configuration.unequal.weight
    total = 0.0 * position
    for mean, weight in ((-a, 1 - heavier), (a, heavier)):
        low, high = ((position + side * v / a - mean) / np.sqrt(v) for side in (-1, 1))
        total = total + weight * xr.apply_ufunc(lambda low, high: ndtr(high) - ndtr(low), low, high)
    return total


def _gradients(configuration: Configuration) -> xr.Dataset:
    pair = models.pair(configuration)
    a, v = configuration.pair.separation, configuration.pair.variance
    distances = np.array(configuration.distances)
    result = regions(pair, 0.0, distances).gradient.squeeze()
    ratio = a**2 / v
    profile = ratio / np.cosh(np.minimum(distances, 300.0)) ** 2 - 1
    positions = distances * v / a
    direct = v * score_jacobian(pair, positions, 0.0).squeeze(["feature", "feature_other"]).values
    outside = distances >= 1
    return xr.Dataset(
        {
            "gradient": value("distance", result.values, r"$v\,s_x$"),
            "profile": value("distance", profile, r"$R/\cosh^2(r) - 1$"),
            "residual_profile": residual(
                "distance", relative(result.values, profile, ratio), r"$v\,s_x$ against its profile, over $R$"
            ),
            "residual_direct": residual(
                "distance",
                relative(direct, profile, ratio),
                r"$v\,s_x$ of the score's Jacobian against the profile, over $R$",
            ),
            "residual_peak": residual((), relative(float(result[0]), ratio - 1), "peak against $(a^2 - v)/v^2$, relative"),
            "residual_far": residual((), float(result[-1]) + 1, r"$v\,s_x + 1$ at the farthest distance"),
            "violation": violation(
                (), np.abs(result.values + 1)[outside].max(), r"largest $\lvert v\,s_x + 1\rvert$ in the regular region"
            ),
        },
        models.axis_of("distance", distances, "distance from the boundary in widths v/a").coords,
    )


STATEMENTS = (
    Statement(
        "Proposition 6.6",
        "KL bound for the reverse SDE",
        r"The score error bounds the divergence of the density $\hat p$ that the reverse SDE generates with a score "
        r"$\hat s$.",
        {
            "58": r"\mathrm{KL}(p\,\Vert\,\hat p) \le \tfrac12\int g^2\,\mathbb{E}_{p_t}\lvert s - \hat s\rvert^2\,dt"
            r" = \int_{\tau_{\min}}^{\tau_{\max}}\mathbb{E}_{p_\tau}\lvert s - \hat s\rvert^2\,d\tau",
            "59": r"\mathrm{TV}(p, \hat p) \le \sqrt{\tfrac12\,\mathrm{KL}(p\,\Vert\,\hat p)}",
        },
        "Gaussian data and wrong Gaussian models, with KL and TV in closed form, started from the exact noise; the integral "
        "of (58) against quadrature; and equality if generation starts from the model's noise.",
        _divergence,
        (gaussian_divergence, divergence_bound),
        truth=r"The bound is for the reverse SDE, plus $\mathrm{KL}(\tau_{\max})$ if generation starts from another "
        "density; started from the model's noise, it is attained. For Gaussians the probability flow obeys it when started "
        r"from the exact noise, but not otherwise: started from $N(0, 2\tau_{\max})$, as in samplers, its KL exceeds even "
        "the bound that includes the start.",
        shown=("flow_ratio", "flow_ratio_start"),
    ),
    Statement(
        "Definition 6.7",
        "Interfacial and regular regions",
        "The interfacial region is within one width of a boundary $x_b$; the rest is regular.",
        {"60": r"\min_b\,\lvert x - x_b(\tau)\rvert < \frac{v}{a}"},
        "Position and width of the boundary of an unequal pair, and the probability inside.",
        _regions,
        (regions,),
        shown=("interface_position", "interface_width", "interfacial_probability"),
    ),
    Statement(
        "Proposition 6.8",
        "Score regularity by region",
        "The slope of the score has one value in the regular region, and another in the interfacial one.",
        {"": r"s_x \approx -\frac1v \ \text{(regular)},\qquad s_x \approx \frac{a^2 - v}{v^2}\ \text{(interfacial)}"},
        r"The profile of $v\,s_x$ over the distance from the boundary.",
        _gradients,
        (regions, score_jacobian),
        condition="'regular' means asymptotically far, not beyond one width",
        truth=r"The slope has a profile instead of two values, $v\,s_x = R/\cosh^2(r) - 1$ at $r$ widths, with $R = a^2/v$: "
        "for $R = 11$ it is 10.1 at the centre, still 3.67 at one width, and +1.0 at one and a half.",
        shown=("gradient", "profile"),
    ),
)
