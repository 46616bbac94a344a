"""Section 8: the variance-preserving process is the heat flow in another time."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture
from scoreshock.paper import models
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.statement import Statement, relative, residual, value
from scoreshock.quantities.burgers import burgers_residual
from scoreshock.quantities.fields import log_density, score
from scoreshock.quantities.layer import layer
from scoreshock.quantities.speciation import speciation
from scoreshock.schedules.schedule import Schedule, schedule

PATHS = ("vp-linear", "vp-cosine", "sub-vp", "flow-matching")
"""Other affine paths to which the reduction also applies."""


def _pair(configuration: Configuration) -> xr.Dataset:
    return families.pair(configuration.vp.separation, configuration.vp.variance)


def clock(configuration: Configuration) -> Schedule:
    """The schedule of the experiment."""
    return schedule("vp-constant", beta=configuration.vp.beta, t_end=10 / configuration.vp.beta)


def _times(configuration: Configuration) -> xr.DataArray:
    return models.axis_of("t", configuration.vp.times, "time of the variance-preserving process")


def at_time(density: xr.Dataset, path: Schedule, t: xr.DataArray) -> xr.Dataset:
    """The mixture at the times of an affine path, computed directly, without the reduction."""
    alpha, noise = (xr.DataArray(f(t.values), dims=t.dims, coords=t.coords) for f in (path.alpha, path.noise))
    variance = alpha**2 * density.component_variance + noise**2
    return mixture(density.component_mean * alpha, density.component_weight, variance)


def _preserving_equation(configuration: Configuration) -> xr.Dataset:
    beta = models.axis_of("beta", configuration.vp.rates, "rate beta of the process")
    tau, x = models.times(configuration), models.grid(configuration.grid)
    line = burgers_residual(models.unequal_pair(configuration), x, tau, "vp", beta).residual_relative
    space = burgers_residual(
        models.cloud(configuration), models.cloud_points(configuration), tau, "vp", beta
    ).residual_relative
    return xr.Dataset(
        {
            "residual_pair": residual((), line, "residual of (78), relative to its largest term: unequal pair"),
            "residual_cloud": residual((), space, "residual of (78), relative to its largest term: several dimensions"),
        },
        {**line.coords, **space.coords},
    )


def _structure(configuration: Configuration) -> xr.Dataset:
    tau, x = models.times(configuration), models.grid(configuration.grid)
    beta, pair = configuration.vp.beta, models.unequal_pair(configuration)
    result = burgers_residual(pair, x, tau, "vp", beta).squeeze("feature")
    heat = burgers_residual(pair, x / np.sqrt(1 / (1 + 2 * tau)), tau, "score").squeeze("feature")
    alpha = 1 / np.sqrt(1 + 2 * tau)
    # Without the forcing, the equation is the score PDE of the heat flow, scaled: x = alpha y, s_t = s/alpha.
    diffusion = relative(result.diffusion_term, beta / 2 * heat.diffusion_term / alpha**3, result.largest_term)
    forcing = relative(result.growth_term, beta / 2 * result.score, result.largest_term)
    return xr.Dataset(
        {
            "residual_forcing": residual((), forcing, r"linear growth against $\beta s/2$, over the largest term"),
            "residual_diffusion": residual((), diffusion, "diffusion against that of the heat flow, over the largest term"),
        },
        {"tau": tau, "x": x},
    )


def _effective_time(configuration: Configuration) -> xr.Dataset:
    t, path = _times(configuration), clock(configuration)
    alpha = np.exp(-configuration.vp.beta * t / 2)
    formula = (1 - alpha**2) / (2 * alpha**2)
    result = xr.DataArray(path.tau(t.values), dims="t")
    back = xr.DataArray(path.time(result.values), dims="t")
    return xr.Dataset(
        {
            "tau": value((), result, "effective diffusion time"),
            "residual_tau": residual((), relative(result, formula), "effective time against (80), relative"),
            "residual_inverse": residual(
                (), relative(back, t), "time from effective time against the time itself, relative"
            ),
        },
        t.coords,
    )


def _density_map(configuration: Configuration) -> xr.Dataset:
    return _mapped(configuration, density=True)


def _score_map(configuration: Configuration) -> xr.Dataset:
    return _mapped(configuration, density=False)


def _mapped(configuration: Configuration, density: bool) -> xr.Dataset:
    """Density or score of the mixture on several affine paths, against that of the heat flow."""
    t, pair = _times(configuration), _pair(configuration)
    result = {"residual_vp": _gap(configuration, clock(configuration), t, pair, density)}
    inside = models.axis_of("fraction", [0.01, 0.2, 0.5, 0.9], "time of a path")
    for kind in PATHS:
        name = f"residual_{kind.replace('-', '_')}"
        result[name] = _gap(configuration, schedule(kind), inside, pair, density)
    what = "Lemma 8.4: log density" if density else "(81): score"
    return xr.Dataset(
        {
            name: residual((), gap, f"{what} on the path {name.removeprefix('residual_').replace('_', '-')}, relative")
            for name, gap in result.items()
        },
        {**t.coords, **inside.coords},
    )


def _gap(configuration: Configuration, path: Schedule, t: xr.DataArray, pair: xr.Dataset, density: bool) -> xr.DataArray:
    scaled, x = at_time(pair, path, t), models.grid(configuration.grid)
    alpha, tau = (xr.DataArray(f(t.values), dims=t.dims) for f in (path.alpha, path.tau))
    positions = (x / alpha).expand_dims("feature", axis=-1)
    if density:
        return relative(log_density(scaled, x), log_density(pair, positions, tau) - np.log(alpha), 1.0)
    # Relative to the score's terms, which cancel near its zeros.
    direct, mapped = (s.squeeze("feature") for s in (score(scaled, x), score(pair, positions, tau) / alpha))
    scale = np.maximum(abs(x), configuration.vp.separation * alpha) / scaled.component_variance
    return relative(direct, mapped, scale)


def _speciation_time(configuration: Configuration) -> xr.Dataset:
    vp, path = configuration.vp, clock(configuration)
    result = speciation(_pair(configuration), {"vp": path}, criteria=("exact", "boundary", "merging")).squeeze()
    formula = np.log(1 + vp.separation**2 - vp.variance) / vp.beta
    tau = (vp.separation**2 - vp.variance) / 2
    return xr.Dataset(
        {
            "time": value((), result.time, "speciation time in the time of the process"),
            "formula": value((), formula, "$t^*$ by (83)"),
            "residual_time": residual((), relative(result.time, formula), "speciation time against (83), relative"),
            "residual_tau": residual(
                (), relative(path.tau(formula), tau), r"effective time at $t^*$ against $\tau^*$, relative"
            ),
        },
        {"criterion": result.criterion},
    )


def _width(configuration: Configuration) -> xr.Dataset:
    vp, t, path = configuration.vp, _times(configuration), clock(configuration)
    alpha = xr.DataArray(path.alpha(t.values), dims="t")
    tau = xr.DataArray(path.tau(t.values), dims="t")
    formula = (alpha**2 * vp.variance + 1 - alpha**2) / (alpha * vp.separation)
    mapped = alpha * layer(_pair(configuration), tau).width
    direct = layer(at_time(_pair(configuration), path, t)).width
    return xr.Dataset(
        {
            "width": value((), direct, "width of the layer in the coordinate of the process"),
            "residual_direct": residual(
                (), relative(direct, formula), "width of the layer of the process against (84), relative"
            ),
            "residual_mapped": residual(
                (), relative(mapped, formula), r"$\alpha$ times the heat flow's width against (84), relative"
            ),
        },
        t.coords,
    )


STATEMENTS = (
    Statement(
        "Theorem 8.1",
        "VP score PDE",
        "Under the variance-preserving process the score obeys the score PDE with a linear forcing.",
        {"78": r"s_t = \tfrac12\beta\,\bigl[s_{xx} + 2\,s\,s_x + s + x\,s_x\bigr]"},
        r"Both sides in closed form for three $\beta$, from the core to the tails; and in several dimensions, with "
        r"$(x\cdot\nabla)s$.",
        _preserving_equation,
        (burgers_residual,),
    ),
    Statement(
        "Remark 8.2",
        "Structure",
        "(78) is the score PDE with a source that is linear in the score.",
        {"79": r"s_t = \tfrac12\beta\,\bigl[s_{xx} + 2\,s\,s_x\bigr] + \tfrac12\beta\,\partial_x(x\,s)"},
        "The growth of the forcing against $s$, and the other terms against those of the heat flow.",
        _structure,
        (burgers_residual,),
    ),
    Statement(
        "Definition 8.3",
        "Effective diffusion time",
        r"The diffusion time of the heat flow that corresponds to a variance-preserving process at signal level $\alpha$.",
        {"80": r"\tau_{\mathrm{eff}} = \frac{1 - \alpha^2}{2\alpha^2}"},
        "The effective time of the schedule and its inverse.",
        _effective_time,
        (schedule,),
        shown=("tau",),
    ),
    Statement(
        "Lemma 8.4",
        "Density under rescaling",
        "The rescaled variable has the heat flow's density.",
        {"": r"y = \frac{x}{\alpha} \sim p_{\mathrm{VE}}(y, \tau_{\mathrm{eff}})"},
        "The mixture of the path, computed directly, on five affine paths.",
        _density_map,
        (log_density, schedule),
    ),
    Statement(
        "Theorem 8.5",
        "VP-VE score equivalence",
        "The score of the process is that of the heat flow, rescaled.",
        {"81": r"s_t(x) = \frac1\alpha\,s_{\mathrm{VE}}\Bigl(\frac{x}{\alpha}, \tau_{\mathrm{eff}}\Bigr)"},
        "The score of the mixture of the path, on five affine paths.",
        _score_map,
        (score, schedule),
        truth="It holds on every affine path, not only for the variance-preserving process.",
        figure="figure-6",
    ),
    Statement(
        "Corollary 8.6",
        "VP speciation time",
        r"With constant $\beta$ the symmetric pair speciates at a time in closed form.",
        {
            "82": r"\tau_{\mathrm{eff}}(t^*) = \tau^*",
            "83": r"t^* = \frac1\beta\ln\bigl(1 + a^2 - \sigma_0^2\bigr)",
        },
        "Exact, boundary and merging criteria, converted to the time of the schedule.",
        _speciation_time,
        (speciation, schedule),
        shown=("time", "formula"),
        figure="figure-6",
    ),
    Statement(
        "Corollary 8.7",
        "VP interfacial width",
        "The width of the layer in the coordinate $x$ of the process.",
        {"84": r"\delta_x = \frac{\alpha^2\sigma_0^2 + 1 - \alpha^2}{\alpha\,a}"},
        r"The width of the layer of the path, and $\alpha$ times that of the heat flow.",
        _width,
        (layer, schedule),
        shown=("width",),
    ),
)
