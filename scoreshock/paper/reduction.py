"""Section 8: the variance-preserving process is the heat flow in another time."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture
from scoreshock.paper import models
from scoreshock.paper.configuration import Setup
from scoreshock.paper.statement import dataset, deviation, relative, residual, statement, value
from scoreshock.quantities.burgers import burgers_residual
from scoreshock.quantities.fields import log_density, score
from scoreshock.quantities.layer import layer
from scoreshock.quantities.speciation import speciation
from scoreshock.schedules.schedule import Schedule, schedule

PATHS = ("vp-linear", "vp-cosine", "sub-vp", "flow-matching")
"""Other affine paths to which the reduction also applies."""


def preserved_pair(setup: Setup) -> xr.Dataset:
    """The symmetric pair under the variance-preserving process."""
    return families.pair(setup.vp.separation, setup.vp.variance)


def process(setup: Setup) -> Schedule:
    """The schedule of the variance-preserving process."""
    return schedule("vp-constant", beta=setup.vp.beta, t_end=10 / setup.vp.beta)


def on_path(path: Schedule, t: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Signal level and effective diffusion time of an affine path."""
    return xr.DataArray(path.alpha(t.values), dims=t.dims), xr.DataArray(path.tau(t.values), dims=t.dims)


def _times(setup: Setup) -> xr.DataArray:
    return models.axis_of("t", setup.vp.times, "time of the variance-preserving process")


def at_time(density: xr.Dataset, path: Schedule, t: xr.DataArray) -> xr.Dataset:
    """The mixture at the times of an affine path, computed directly, without the reduction."""
    alpha, noise = (xr.DataArray(f(t.values), dims=t.dims, coords=t.coords) for f in (path.alpha, path.noise))
    variance = alpha**2 * density.component_variance + noise**2
    return mixture(density.component_mean * alpha, density.component_weight, variance)


@statement(
    "Theorem 8.1: VP score PDE",
    "Under the variance-preserving process the score obeys the score PDE with a linear forcing.",
    {"78": r"s_t = \tfrac12\beta\,\bigl[s_{xx} + 2\,s\,s_x + s + x\,s_x\bigr]"},
    r"Both sides in closed form for three $\beta$, from the core to the tails; and in several dimensions, with "
    r"$(x\cdot\nabla)s$.",
    (burgers_residual,),
)
def _preserving_equation(setup: Setup) -> xr.Dataset:
    beta = models.axis_of("beta", setup.vp.rates, "rate beta of the process")
    tau, x = models.times(setup), models.grid(setup.grid)
    line = burgers_residual(models.unequal_pair(setup), x, tau, "vp", beta).residual_relative
    space = burgers_residual(models.cloud(setup), models.cloud_points(setup), tau, "vp", beta).residual_relative
    return dataset(
        line.coords,
        space.coords,
        residual_pair=residual(line, "residual of (78), relative to its largest term: unequal pair"),
        residual_cloud=residual(space, "residual of (78), relative to its largest term: several dimensions"),
    )


@statement(
    "Remark 8.2: Structure",
    "(78) is the score PDE with a source that is linear in the score.",
    {"79": r"s_t = \tfrac12\beta\,\bigl[s_{xx} + 2\,s\,s_x\bigr] + \tfrac12\beta\,\partial_x(x\,s)"},
    "The growth of the forcing against $s$, and the other terms against those of the heat flow.",
    (burgers_residual,),
)
def _structure(setup: Setup) -> xr.Dataset:
    tau, x = models.times(setup), models.grid(setup.grid)
    beta, pair, alpha = setup.vp.beta, models.unequal_pair(setup), 1 / np.sqrt(1 + 2 * tau)
    result = burgers_residual(pair, x, tau, "vp", beta).squeeze("feature")
    heat = burgers_residual(pair, x / np.sqrt(1 / (1 + 2 * tau)), tau, "score").squeeze("feature")
    # Without the forcing, the equation is the score PDE of the heat flow, scaled: x = alpha y, s_t = s/alpha.
    diffusion = relative(result.diffusion_term, beta / 2 * heat.diffusion_term / alpha**3, result.largest_term)
    forcing = relative(result.growth_term, beta / 2 * result.score, result.largest_term)
    return dataset(
        {"tau": tau, "x": x},
        residual_forcing=residual(forcing, r"linear growth against $\beta s/2$, over the largest term"),
        residual_diffusion=residual(diffusion, "diffusion against that of the heat flow, over the largest term"),
    )


@statement(
    "Definition 8.3: Effective diffusion time",
    r"The diffusion time of the heat flow that corresponds to a variance-preserving process at signal level $\alpha$.",
    {"80": r"\tau_{\mathrm{eff}} = \frac{1 - \alpha^2}{2\alpha^2}"},
    "The effective time of the schedule and its inverse.",
    (schedule,),
    shown=("tau",),
)
def _effective_time(setup: Setup) -> xr.Dataset:
    t, path = _times(setup), process(setup)
    alpha = np.exp(-setup.vp.beta * t / 2)
    result = xr.DataArray(path.tau(t.values), dims="t")
    back = xr.DataArray(path.time(result.values), dims="t")
    return dataset(
        t.coords,
        tau=value(result, "effective diffusion time"),
        residual_tau=deviation(result, (1 - alpha**2) / (2 * alpha**2), "effective time against (80)"),
        residual_inverse=deviation(back, t, "time from effective time against the time itself"),
    )


@statement(
    "Lemma 8.4: Density under rescaling",
    "The rescaled variable has the heat flow's density.",
    {"": r"y = \frac{x}{\alpha} \sim p_{\mathrm{VE}}(y, \tau_{\mathrm{eff}})"},
    "The mixture of the path, computed directly, on five affine paths.",
    (log_density, schedule),
)
def _density_map(setup: Setup) -> xr.Dataset:
    return _mapped(setup, density=True)


@statement(
    "Theorem 8.5: VP-VE score equivalence",
    "The score of the process is that of the heat flow, rescaled.",
    {"81": r"s_t(x) = \frac1\alpha\,s_{\mathrm{VE}}\Bigl(\frac{x}{\alpha}, \tau_{\mathrm{eff}}\Bigr)"},
    "The score of the mixture of the path, on five affine paths.",
    (score, schedule),
    truth="It holds on every affine path, not only for the variance-preserving process.",
)
def _score_map(setup: Setup) -> xr.Dataset:
    return _mapped(setup, density=False)


def _mapped(setup: Setup, density: bool) -> xr.Dataset:
    """Density or score of the mixture on several affine paths, against that of the heat flow."""
    t, inside = _times(setup), models.axis_of("fraction", [0.01, 0.2, 0.5, 0.9], "time of a path")
    paths = {"vp": (process(setup), t)} | {kind: (schedule(kind), inside) for kind in PATHS}
    what = "Lemma 8.4: log density" if density else "(81): score"
    residuals = {}
    for kind, (path, times) in paths.items():
        gap = _gap(setup, path, times, density)
        residuals[f"residual_{kind.replace('-', '_')}"] = residual(gap, f"{what} on the path {kind}, relative")
    return dataset(t.coords, inside.coords, **residuals)


def _gap(setup: Setup, path: Schedule, t: xr.DataArray, density: bool) -> xr.DataArray:
    pair, x = preserved_pair(setup), models.grid(setup.grid)
    scaled = at_time(pair, path, t)
    alpha, tau = on_path(path, t)
    positions = (x / alpha).expand_dims("feature", axis=-1)
    if density:
        return relative(log_density(scaled, x), log_density(pair, positions, tau) - np.log(alpha), 1.0)
    # Relative to the score's terms, which cancel near its zeros.
    direct, mapped = (s.squeeze("feature") for s in (score(scaled, x), score(pair, positions, tau) / alpha))
    scale = np.maximum(abs(x), setup.vp.separation * alpha) / scaled.component_variance
    return relative(direct, mapped, scale)


@statement(
    "Corollary 8.6: VP speciation time",
    r"With constant $\beta$ the symmetric pair speciates at a time in closed form.",
    {
        "82": r"\tau_{\mathrm{eff}}(t^*) = \tau^*",
        "83": r"t^* = \frac1\beta\ln\bigl(1 + a^2 - \sigma_0^2\bigr)",
    },
    "Exact, boundary and merging criteria, converted to the time of the schedule.",
    (speciation, schedule),
    shown=("time", "formula"),
)
def _speciation_time(setup: Setup) -> xr.Dataset:
    path, formula = process(setup), setup.vp.t_star
    result = speciation(preserved_pair(setup), {"vp": path}, criteria=("exact", "boundary", "merging")).squeeze()
    return dataset(
        {"criterion": result.criterion},
        time=value(result.time, "speciation time in the time of the process"),
        formula=value(formula, "$t^*$ by (83)"),
        residual_time=deviation(result.time, formula, "speciation time against (83)"),
        residual_tau=deviation(path.tau(formula), setup.vp.tau_star, r"effective time at $t^*$ against $\tau^*$"),
    )


@statement(
    "Corollary 8.7: VP interfacial width",
    "The width of the layer in the coordinate $x$ of the process.",
    {"84": r"\delta_x = \frac{\alpha^2\sigma_0^2 + 1 - \alpha^2}{\alpha\,a}"},
    r"The width of the layer of the path, and $\alpha$ times that of the heat flow.",
    (layer, schedule),
    shown=("width",),
)
def _width(setup: Setup) -> xr.Dataset:
    vp, t, pair, path = setup.vp, _times(setup), preserved_pair(setup), process(setup)
    alpha, tau = on_path(path, t)
    formula = (alpha**2 * vp.variance + 1 - alpha**2) / (alpha * vp.separation)
    direct, mapped = layer(at_time(pair, path, t)).width, alpha * layer(pair, tau).width
    return dataset(
        t.coords,
        width=value(direct, "width of the layer in the coordinate of the process"),
        residual_direct=deviation(direct, formula, "width of the layer of the process against (84)"),
        residual_mapped=deviation(mapped, formula, r"$\alpha$ times the heat flow's width against (84)"),
    )
