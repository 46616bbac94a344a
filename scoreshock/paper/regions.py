"""Section 6.4: effect of a score error on the generated distribution, and slope of the score by region."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.special import ndtr

from scoreshock.paper import models
from scoreshock.paper.configuration import Setup
from scoreshock.paper.statement import dataset, deviation, relative, residual, statement, value, violation
from scoreshock.quantities.divergence import divergence_bound, gaussian_divergence
from scoreshock.quantities.fields import score_jacobian
from scoreshock.quantities.regions import regions

NODES = 60
"""Number of nodes of the quadrature over the diffusion time; the integrand is smooth in ``ln v``."""


@statement(
    "Proposition 6.6: KL bound for the reverse SDE",
    (r"The score error bounds the divergence of the density $\hat p$ that the reverse SDE generates with a score $\hat s$."),
    {
        "58": r"\mathrm{KL}(p\,\Vert\,\hat p) \le \tfrac12\int g^2\,\mathbb{E}_{p_t}\lvert s - \hat s\rvert^2\,dt"
        r" = \int_{\tau_{\min}}^{\tau_{\max}}\mathbb{E}_{p_\tau}\lvert s - \hat s\rvert^2\,d\tau",
        "59": r"\mathrm{TV}(p, \hat p) \le \sqrt{\tfrac12\,\mathrm{KL}(p\,\Vert\,\hat p)}",
    },
    "Gaussian data and wrong Gaussian models, with KL and TV in closed form, started from the exact noise; the integral of "
    "(58) against quadrature; and equality if generation starts from the model's noise.",
    (gaussian_divergence, divergence_bound),
    truth=r"The bound is for the reverse SDE, plus $\mathrm{KL}(\tau_{\max})$ if generation starts from another density; "
    "started from the model's noise, it is attained. For Gaussians the probability flow obeys it when started from the "
    r"exact noise, but not otherwise: started from $N(0, 2\tau_{\max})$, as in samplers, its KL exceeds even the bound "
    "that includes the start.",
    shown=("flow_ratio", "flow_ratio_start"),
)
def _divergence(setup: Setup) -> xr.Dataset:
    wrong = models.axis_of("model", setup.models.variances, "variance of the model in units of the data's")
    shift = models.axis_of("shift", setup.models.shifts, "shift of the model's mean")
    result = _generated(setup, wrong, shift)
    standard = _generated(setup, wrong, shift, variance_start=2 * setup.generation.start)
    ratio, ratio_start = (each.kl_ode / each.kl_bound for each in (result, standard))
    largest = "KL of the probability flow over its bound, largest over the shifts"
    from_standard = r"from $N(0, 2\tau_{\max})$"
    within = rf"whether the flow's KL {from_standard} is within the bound that includes the start"
    flow = "excess of the probability flow's KL over the bound, from the exact noise"
    return dataset(
        result.coords,
        kl=value(result.kl, "divergence of the density that the reverse SDE generates"),
        kl_bound=value(result.kl_bound, "bound (58) of that divergence"),
        kl_ode=value(result.kl_ode, "divergence of the density that the probability flow generates"),
        tv=value(result.tv, "total variation for the reverse SDE, if it has a closed form"),
        tv_bound=value(result.tv_bound, "bound (59) of that total variation"),
        flow_ratio=value(ratio.max("shift"), largest),
        flow_ratio_start=value(ratio_start.max("shift"), f"the same, started {from_standard}, with the start in the bound"),
        **_closed_forms(setup, result, wrong, shift),
        **_attained(setup, wrong),
        residual_bound=_excess(result.kl / result.kl_bound, "excess of KL over its bound, relative"),
        residual_start=_excess(standard.kl / standard.kl_bound, f"excess of KL over its bound {from_standard}, relative"),
        residual_flow=_excess(ratio, flow),
        residual_tv=_excess(result.tv / result.tv_bound, "excess of TV over its bound, relative"),
        residual_flow_start=residual(~(ratio_start.max() > 1), within),
    )


def _generated(setup: Setup, wrong: xr.DataArray, shift: xr.DataArray | float, **start: Any) -> xr.Dataset:
    """Divergences of the densities that wrong Gaussian models generate, and their bounds."""
    variance, generation = setup.pair.variance, setup.generation
    return gaussian_divergence(variance, variance * wrong, shift, generation.stop, generation.start, **start)


def _excess(ratio: xr.DataArray, meaning: str) -> xr.Variable:
    return residual((ratio - 1).clip(0), meaning)


def _closed_forms(setup: Setup, result: xr.Dataset, wrong: xr.DataArray, shift: xr.DataArray) -> dict[str, xr.Variable]:
    """Divergences against those of the Gaussians that a linear SDE and a linear flow generate."""
    v, start = models.noise_range(setup)
    w, w_start = (setup.pair.variance * wrong + 2 * tau for tau in (setup.generation.stop, setup.generation.start))
    # Mean and variance under dx = 2 s_hat dtau + sqrt(2) dW and under dx = s_hat dtau, s_hat = -(x - shift)/w.
    mean, generated = shift * (1 - w / w_start), w + (start - w_start) * (w / w_start) ** 2
    flow = _kl(v, start * w / w_start, shift * (1 - np.sqrt(w / w_start)))
    total = np.minimum(1.0, np.sqrt(result.kl_bound / 2))
    integral = _integral(setup, wrong, shift)
    squared = r"integral of $\mathbb{E}_{p_\tau}\lvert s - \hat s\rvert^2$ in (58) against quadrature"
    linear = "KL against that of the density that a linear SDE generates"
    return {
        "residual_kl": deviation(result.kl, _kl(v, generated, mean), linear),
        "residual_integral": deviation(result.score_error_integral, integral, squared),
        "residual_total": deviation(result.tv_bound, total, "bound of TV against (59)"),
        "residual_kl_flow": deviation(result.kl_ode, flow, "KL of the probability flow against that of a linear flow"),
        "residual_tv_line": deviation(result.tv, _tv(v, generated, mean), "TV against the trapezoidal rule", 1e-5),
    }


def _attained(setup: Setup, wrong: xr.DataArray) -> dict[str, xr.Variable]:
    """Equality in (58) if generation starts from the model's noise; and the bound for an error in the pair's layer only."""
    variance, generation = setup.pair.variance, setup.generation
    attained = _generated(setup, wrong, 0.0, variance_start=variance * wrong + 2 * generation.start)
    expected = _kl(variance + 2 * generation.stop, variance * wrong + 2 * generation.stop, 0.0)
    layered = divergence_bound(models.pair(setup), generation.stop, generation.start, generation.bias, "layer")
    bound, meaning = layered.kl_bound.squeeze(), "bound for the pair with an error in the layer only"
    equality = "KL against its bound if generation starts from the model's noise"
    return {
        "residual_equality": deviation(attained.kl, attained.kl_bound, equality),
        "residual_model": deviation(attained.kl, expected, "KL in that case against the KL of data and model"),
        "kl_bound_layer": value(bound, meaning),
        "residual_layer": deviation(bound, _in_layer(setup), f"{meaning} against the trapezoidal rule", 1e-6),
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


def _over_time(setup: Setup) -> tuple[xr.DataArray, xr.DataArray]:
    """Gauss-Legendre nodes in ``ln v`` between stop and start of generation, as v, and their weights in tau."""
    low, high = np.log(models.noise_range(setup))
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    v = np.exp((low + high + (high - low) * nodes) / 2)
    return xr.DataArray(v, dims="node"), xr.DataArray(weights * (high - low) / 2 * v / 2, dims="node")


def _integral(setup: Setup, wrong: xr.DataArray, shift: xr.DataArray) -> xr.DataArray:
    """Integral over tau of the mean squared error of a Gaussian model's score, ``v (1/w - 1/v)^2 + shift^2/w^2``."""
    v, weight = _over_time(setup)
    w = v + setup.pair.variance * (wrong - 1)
    return (weight * (v * (1 / w - 1 / v) ** 2 + shift**2 / w**2)).sum("node", skipna=False)


def _in_layer(setup: Setup) -> float:
    """Integral over tau of the mean of ``(bias/cosh^2(a x/v))^2`` under the pair's density."""
    v, weight = _over_time(setup)
    a = setup.pair.separation
    x = models.axis("x", np.linspace(-1, 1, 4001)) * (a + 12 * np.sqrt(v))
    density = sum(np.exp(-((x - mean) ** 2) / (2 * v)) for mean in (-a, a)) / np.sqrt(8 * np.pi * v)
    square = (density / np.cosh(np.minimum(abs(a * x / v), 300.0)) ** 4).sum("x") * x.diff("x").isel(x=0, drop=True)
    return float((weight * square).sum() * setup.generation.bias**2)


@statement(
    "Definition 6.7: Interfacial and regular regions",
    "The interfacial region is within one width of a boundary $x_b$; the rest is regular.",
    {"60": r"\min_b\,\lvert x - x_b(\tau)\rvert < \frac{v}{a}"},
    "Position and width of the boundary of an unequal pair, and the probability inside.",
    (regions,),
    shown=("interface_position", "interface_width", "interfacial_probability"),
)
def _regions(setup: Setup) -> xr.Dataset:
    tau, unequal = models.times(setup), setup.unequal
    result = regions(models.unequal_pair(setup), tau).squeeze("interface", drop=True)
    position, width, inside = result.interface_position, result.interface_width, result.interfacial_probability
    v = unequal.variance + 2 * tau
    expected = -v / (2 * unequal.separation) * np.log(unequal.weight / (1 - unequal.weight))
    meaning = "probability of the interfacial region"
    return dataset(
        {"tau": tau},
        interface_position=value(position, "position of the boundary"),
        interface_width=value(width, "width $v/a$"),
        interfacial_probability=value(inside, meaning),
        residual_position=deviation(position, expected, "position against the closed form"),
        residual_probability=deviation(inside, _inside(setup, expected, v), f"{meaning} against that of two Gaussians"),
        residual_width=deviation(width, v / unequal.separation, "width against $v/a$"),
    )


def _inside(setup: Setup, position: xr.DataArray, v: xr.DataArray) -> xr.DataArray:
    """Probability of the unequal pair within ``v/a`` of ``position``."""
    a, heavier = setup.unequal.separation, setup.unequal.weight
    total = 0.0 * position
    for mean, weight in ((-a, 1 - heavier), (a, heavier)):
        low, high = ((position + side * v / a - mean) / np.sqrt(v) for side in (-1, 1))
        total = total + weight * xr.apply_ufunc(lambda low, high: ndtr(high) - ndtr(low), low, high)
    return total


@statement(
    "Proposition 6.8: Score regularity by region",
    "The slope of the score has one value in the regular region, and another in the interfacial one.",
    {"": r"s_x \approx -\frac1v \ \text{(regular)},\qquad s_x \approx \frac{a^2 - v}{v^2}\ \text{(interfacial)}"},
    r"The profile of $v\,s_x$ over the distance from the boundary.",
    (regions, score_jacobian),
    condition="'regular' means asymptotically far, not beyond one width",
    truth=r"The slope has a profile instead of two values, $v\,s_x = R/\cosh^2(r) - 1$ at $r$ widths, with $R = a^2/v$: "
    "for $R = 11$ it is 10.1 at the centre, still 3.67 at one width, and +1.0 at one and a half.",
    shown=("gradient", "profile"),
)
def _gradients(setup: Setup) -> xr.Dataset:
    pair, a, v = models.pair(setup), setup.pair.separation, setup.pair.variance
    distance = models.axis_of("distance", setup.distances, "distance from the boundary in widths v/a")
    ratio = a**2 / v
    gradient = regions(pair, 0.0, distance.values).gradient.squeeze().values
    profile = ratio / np.cosh(np.minimum(distance, 300.0)) ** 2 - 1
    direct = v * score_jacobian(pair, distance.values * v / a, 0.0).squeeze(["feature", "feature_other"]).values
    of_jacobian = r"$v\,s_x$ of the score's Jacobian against the profile, over $R$"
    regular = np.abs(gradient + 1)[distance.values >= 1].max()
    return dataset(
        distance.coords,
        gradient=value(gradient, r"$v\,s_x$", dims="distance"),
        profile=value(profile, r"$R/\cosh^2(r) - 1$"),
        residual_profile=residual(relative(gradient, profile, ratio), r"$v\,s_x$ against its profile, over $R$"),
        residual_direct=residual(relative(direct, profile, ratio), of_jacobian),
        residual_peak=deviation(gradient[0], ratio - 1, "peak against $(a^2 - v)/v^2$"),
        residual_far=residual(gradient[-1] + 1, r"$v\,s_x + 1$ at the farthest distance"),
        violation=violation(regular, r"largest $\lvert v\,s_x + 1\rvert$ in the regular region"),
    )
