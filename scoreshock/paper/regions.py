"""Section 6.4: what a wrong score does to the generated distribution, and where the score is steep."""

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
    variance, given = configuration.pair.variance, configuration.generation
    wrong = models.axis_of("model", configuration.models.variances, "variance of the model in units of the data's")
    shift = models.axis_of("shift", configuration.models.shifts, "shift of the model's mean")
    found = gaussian_divergence(variance, variance * wrong, shift, given.stop, given.start)
    usual = gaussian_divergence(variance, variance * wrong, shift, given.stop, given.start, variance_start=2 * given.start)
    # Started from the model's own noise, the reverse SDE generates the model's own density, and (58) is an equality.
    own = gaussian_divergence(
        variance, variance * wrong, 0.0, given.stop, given.start, variance_start=variance * wrong + 2 * given.start
    )
    layered = divergence_bound(models.pair(configuration), given.stop, given.start, given.bias, "layer")
    v, start = variance + 2 * given.stop, variance + 2 * given.start
    w, w_start = variance * wrong + 2 * given.stop, variance * wrong + 2 * given.start
    # Mean and variance under dx = 2 s_hat dtau + sqrt(2) dW and under dx = s_hat dtau, s_hat = -(x - shift)/w.
    mean, generated = shift * (1 - w / w_start), w + (start - w_start) * (w / w_start) ** 2
    flow = _kl(v, start * w / w_start, shift * (1 - np.sqrt(w / w_start)))
    return xr.Dataset(
        {
            "kl": value((), found.kl, "divergence of the density that the reverse SDE generates"),
            "kl_bound": value((), found.kl_bound, "bound (58) of that divergence"),
            "kl_ode": value((), found.kl_ode, "divergence of the density that the probability flow generates"),
            "tv": value((), found.tv, "total variation of the reverse SDE's, where it has a closed form"),
            "tv_bound": value((), found.tv_bound, "bound (59) of that total variation"),
            "kl_bound_layer": value((), layered.kl_bound.squeeze(), "bound for the pair with an error in the layer alone"),
            "flow_ratio": value(
                (),
                (found.kl_ode / found.kl_bound).max("shift"),
                "KL of the probability flow over its bound, at most over the shifts",
            ),
            "flow_ratio_start": value(
                (),
                (usual.kl_ode / usual.kl_bound).max("shift"),
                r"KL of the probability flow started from $N(0, 2\tau_{\max})$ over its bound, start counted",
            ),
            "residual_bound": residual((), (found.kl / found.kl_bound - 1).clip(0), "excess of KL over its bound, relative"),
            "residual_kl": residual(
                (),
                relative(found.kl, _kl(v, generated, mean)),
                "KL against that of the density that a linear SDE generates, relative",
            ),
            "residual_integral": residual(
                (),
                relative(found.score_error_integral, _integral(configuration, wrong, shift)),
                r"integral of $\mathbb{E}_{p_\tau}\lvert s - \hat s\rvert^2$ in (58) against quadrature, relative",
            ),
            "residual_equality": residual(
                (),
                relative(own.kl, own.kl_bound),
                "KL against its bound where generation starts from the model's own noise, relative",
            ),
            "residual_own": residual(
                (),
                relative(own.kl, _kl(v, w, 0.0)),
                "KL there against that of the data and the model, relative",
            ),
            "residual_total": residual(
                (),
                relative(found.tv_bound, np.minimum(1.0, np.sqrt(found.kl_bound / 2))),
                "bound of TV against (59), relative",
            ),
            "residual_layer": residual(
                (),
                relative(layered.kl_bound.squeeze(), _in_layer(configuration)),
                "bound for the pair with an error in the layer alone against the trapezoidal rule, relative",
                1e-6,
            ),
            "residual_start": residual(
                (),
                (usual.kl / usual.kl_bound - 1).clip(0),
                r"excess of KL over its bound from $N(0, 2\tau_{\max})$, relative",
            ),
            "residual_kl_flow": residual(
                (), relative(found.kl_ode, flow), "KL of the probability flow against that of a linear flow, relative"
            ),
            "residual_tv_line": residual(
                (), relative(found.tv, _tv(v, generated, mean)), "TV against the trapezoidal rule, relative", 1e-5
            ),
            "residual_flow": residual(
                (),
                (found.kl_ode / found.kl_bound - 1).clip(0),
                "excess of the probability flow's KL over the bound, from the exact noise",
            ),
            "residual_flow_start": residual(
                (),
                float(not (usual.kl_ode / usual.kl_bound).max() > 1),
                r"whether the flow's KL stays within the bound that counts the start, from $N(0, 2\tau_{\max})$",
            ),
            "residual_tv": residual((), (found.tv / found.tv_bound - 1).clip(0), "excess of TV over its bound, relative"),
        },
        found.coords,
    )


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
    """Gauss-Legendre nodes in ``ln v`` between stop and start of the generation, as v, and their weights in tau."""
    variance, given = configuration.pair.variance, configuration.generation
    low, high = (np.log(variance + 2 * tau) for tau in (given.stop, given.start))
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
"""Of a quadrature over the diffusion time, which is smooth in ``ln v``."""


def _regions(configuration: Configuration) -> xr.Dataset:
    tau, given = models.times(configuration), configuration.unequal
    found = regions(models.unequal_pair(configuration), tau).squeeze("interface", drop=True)
    v = given.variance + 2 * tau
    place = -v / (2 * given.separation) * np.log(given.weight / (1 - given.weight))
    return xr.Dataset(
        {
            "interface_position": value((), found.interface_position, "place of the boundary"),
            "interface_width": value((), found.interface_width, "width $v/a$"),
            "interfacial_probability": value((), found.interfacial_probability, "probability of the interfacial region"),
            "residual_place": residual(
                (), relative(found.interface_position, place), "place against the closed form, relative"
            ),
            "residual_probability": residual(
                (),
                relative(found.interfacial_probability, _inside(configuration, place, v)),
                "probability of the interfacial region against that of two Gaussians, relative",
            ),
            "residual_width": residual(
                (), relative(found.interface_width, v / given.separation), "width against $v/a$, relative"
            ),
        },
        {"tau": tau},
    )


def _inside(configuration: Configuration, place: xr.DataArray, v: xr.DataArray) -> xr.DataArray:
    """Probability of the unequal pair within ``v/a`` of ``place``."""
    a, heavier = configuration.unequal.separation, configuration.unequal.weight
    total = 0.0 * place
    for mean, weight in ((-a, 1 - heavier), (a, heavier)):
        low, high = ((place + side * v / a - mean) / np.sqrt(v) for side in (-1, 1))
        total = total + weight * xr.apply_ufunc(lambda low, high: ndtr(high) - ndtr(low), low, high)
    return total


def _gradients(configuration: Configuration) -> xr.Dataset:
    pair = models.pair(configuration)
    a, v = configuration.pair.separation, configuration.pair.variance
    distances = np.array(configuration.distances)
    found = regions(pair, 0.0, distances).gradient.squeeze()
    ratio = a**2 / v
    profile = ratio / np.cosh(np.minimum(distances, 300.0)) ** 2 - 1
    places = distances * v / a
    direct = v * score_jacobian(pair, places, 0.0).squeeze(["feature", "feature_other"]).values
    outside = distances >= 1
    return xr.Dataset(
        {
            "gradient": value("distance", found.values, r"$v\,s_x$"),
            "profile": value("distance", profile, r"$R/\cosh^2(r) - 1$"),
            "residual_profile": residual(
                "distance", relative(found.values, profile, ratio), r"$v\,s_x$ against its profile, over $R$"
            ),
            "residual_direct": residual(
                "distance",
                relative(direct, profile, ratio),
                r"$v\,s_x$ of the score's Jacobian against the profile, over $R$",
            ),
            "residual_peak": residual((), relative(float(found[0]), ratio - 1), "peak against $(a^2 - v)/v^2$, relative"),
            "residual_far": residual((), float(found[-1]) + 1, r"$v\,s_x + 1$ at the farthest distance"),
            "violation": violation(
                (), np.abs(found.values + 1)[outside].max(), r"largest $\lvert v\,s_x + 1\rvert$ in the regular region"
            ),
        },
        models.axis_of("distance", distances, "distance from the boundary in widths v/a").coords,
    )


STATEMENTS = (
    Statement(
        "Proposition 6.6",
        "KL bound for the reverse SDE",
        r"The density $\hat p$ that the reverse SDE generates with a wrong score $\hat s$ is no further from the truth "
        "than the score's error allows.",
        {
            "58": r"\mathrm{KL}(p\,\Vert\,\hat p) \le \tfrac12\int g^2\,\mathbb{E}_{p_t}\lvert s - \hat s\rvert^2\,dt"
            r" = \int_{\tau_{\min}}^{\tau_{\max}}\mathbb{E}_{p_\tau}\lvert s - \hat s\rvert^2\,d\tau",
            "59": r"\mathrm{TV}(p, \hat p) \le \sqrt{\tfrac12\,\mathrm{KL}(p\,\Vert\,\hat p)}",
        },
        "Gaussian data and wrong Gaussian models, for which KL and TV are known exactly, started from the exact noise; the "
        "integral of (58) against quadrature; and its equality where generation starts from the model's own noise.",
        _divergence,
        (gaussian_divergence, divergence_bound),
        truth=r"The bound is the reverse SDE's, and has $\mathrm{KL}(\tau_{\max})$ besides where generation starts from "
        "another density; started from the model's own noise, it is attained. The probability flow obeys it for Gaussians "
        r"when started from the exact noise, but not otherwise: started from $N(0, 2\tau_{\max})$, as samplers do, its KL "
        "exceeds even the bound that counts the start.",
        shown=("flow_ratio", "flow_ratio_start"),
    ),
    Statement(
        "Definition 6.7",
        "Interfacial and regular regions",
        "Interfacial is what lies within one width of a boundary $x_b$, regular the rest.",
        {"60": r"\min_b\,\lvert x - x_b(\tau)\rvert < \frac{v}{a}"},
        "Place and width of the boundary of an unequal pair, and the probability inside.",
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
        condition="'regular' is far outside: asymptotically, not from one width on",
        truth=r"There are not two values but a profile, $v\,s_x = R/\cosh^2(r) - 1$ at $r$ widths, with $R = a^2/v$: at $R "
        "= 11$ it is 10.1 at the centre, still 3.67 at one width, and +1.0 at one and a half.",
        shown=("gradient", "profile"),
    ),
)
