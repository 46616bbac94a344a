"""Datasets of the paper's figures 1-7."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from scoreshock.densities import families
from scoreshock.paper import asymmetry, models, reduction
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.statement import value
from scoreshock.quantities.amplification import amplification
from scoreshock.quantities.burgers import burgers_residual
from scoreshock.quantities.corrections import corrections
from scoreshock.quantities.fields import score, score_jacobian
from scoreshock.quantities.layer import layer, profile
from scoreshock.quantities.trajectories import error_growth, trajectories
from scoreshock.quantities.vorticity import vorticity


@dataclass(frozen=True)
class Picture:
    """A figure of the paper: name, section, title, caption, and the function that computes its data."""

    name: str
    section: int
    title: str
    caption: str
    compute: Callable[[Configuration], xr.Dataset]


def _profiles(configuration: Configuration) -> xr.Dataset:
    pair, tau = models.pair(configuration), models.times(configuration)
    a = configuration.pair.separation
    x = models.axis("x", np.linspace(-3 * a, 3 * a, 401))
    result = score(pair, x, tau).squeeze("feature")
    v = configuration.pair.variance + 2 * tau
    r = np.linspace(-4, 4, 161)
    along = profile(pair, r, tau)
    return xr.Dataset(
        {
            "score": value((), result, "score s"),
            "burgers_velocity": value((), -2 * result, "Burgers velocity u = -2s"),
            "shock": value((), -2 * (result + x / v).transpose("tau", "x"), "u - 2x/v, without background"),
            "scaled": value((), along.profile_interfacial / (a / v), "(s + x/v) / (a/v)"),
            "tanh": value("r", np.tanh(r), "tanh r"),
        },
        {**result.coords, "r": ("r", r, {"long_name": "distance r from the midpoint in widths v/a", "units": "1"})},
    )


def _threshold(configuration: Configuration) -> xr.Dataset:
    pair = models.pair(configuration)
    zero = (configuration.pair.separation**2 - configuration.pair.variance) / 2
    tau = models.axis("tau", zero * np.linspace(0.4, 2.5, 106))
    slope = score_jacobian(pair, models.CENTRE, tau).squeeze(["feature", "feature_other"])
    return xr.Dataset(
        {
            "midpoint_derivative": value((), slope, "midpoint derivative s_x(0, τ)"),
            "width": value((), layer(pair, tau).width, "width of the layer v/a"),
            "tau_star": value((), zero, "speciation time (31)"),
        },
        tau.coords,
    )


def _residuals(configuration: Configuration) -> xr.Dataset:
    pair, tau = models.pair(configuration), models.times(configuration)
    x = models.axis("x", np.linspace(-configuration.grid.core, configuration.grid.core, 201))
    result = {
        f"{form}_{method}": burgers_residual(pair, x, tau, form, method=method).residual_relative
        for form in ("score", "burgers")
        for method in ("analytic", "differences")
    }
    words = {"score": "(18)", "burgers": "(24)"}
    return xr.Dataset(
        {name: value((), gap, f"relative residual of {words[name.split('_')[0]]}") for name, gap in result.items()},
        result["score_analytic"].coords,
    )


def _amplification(configuration: Configuration) -> xr.Dataset:
    pair, generation = models.pair(configuration), configuration.generation
    zero = (configuration.pair.separation**2 - configuration.pair.variance) / 2
    stop = models.axis_of("tau_min", np.linspace(0.0, zero, 81), "diffusion time τ_min at which generation stops")
    result = amplification(pair, stop).squeeze()
    v = np.geomspace(
        configuration.pair.variance + 2 * generation.start, configuration.pair.variance + 2 * generation.stop, 61
    )
    tau = models.axis("tau", np.clip((v - configuration.pair.variance) / 2, generation.stop, generation.start))
    starts = models.axis_of("start", generation.starts, "start in standard deviations of the noise")
    positions = (starts * np.sqrt(v[0])).expand_dims("feature", axis=-1)
    path = trajectories(pair, positions, tau).trajectory.squeeze("feature")
    actual = error_growth(pair, models.CENTRE, tau, generation.bias).squeeze()
    return xr.Dataset(
        {
            "exponent": value((), result.exponent, "amplification exponent Λ"),
            "exponent_quadrature": value((), result.exponent_quadrature, "amplification exponent Λ by quadrature"),
            "factor": value((), np.exp(result.exponent), "amplification factor exp(Λ)"),
            "trajectory": value((), path, "position x on the probability flow"),
            "error": value((), actual.difference_size, "error of the trajectory at the centre"),
            "bound": value((), actual.gronwall_bound, "its Grönwall bound (52)"),
            "tau_star": value((), zero, "speciation time (31)"),
        },
        {**stop.coords, **path.coords},
    )


def _curl(configuration: Configuration) -> xr.Dataset:
    plane, tau = models.plane(configuration), models.axis("tau", configuration.plane.times)
    half = 1.6 * float(np.abs(plane.component_mean).max())
    side = np.linspace(-half, half, 17)
    names = {"x1": "first coordinate x₁", "x2": "second coordinate x₂"}
    first, second = (models.axis_of(name, side, meaning) for name, meaning in names.items())
    points = xr.concat([first.broadcast_like(second), second.broadcast_like(first)], "feature").transpose(
        "x1", "x2", "feature"
    )
    field = score(plane, points.drop_vars(["x1", "x2"]), float(tau[0]))
    measured = vorticity(plane, models.plane_points(configuration), tau, method="differences")
    return xr.Dataset(
        {
            "score_first": value(("x1", "x2"), field[..., 0].transpose("x1", "x2"), "first component of the score"),
            "score_second": value(("x1", "x2"), field[..., 1].transpose("x1", "x2"), "second component of the score"),
            "component_mean": value(("component", "feature"), plane.component_mean, "means of the components"),
            "curl": value((), measured.vorticity_largest, "curl of the score by finite differences"),
            "tau_shown": value((), float(tau[0]), "diffusion time of the arrows"),
        },
        {**first.coords, **second.coords, "tau": tau},
    )


def _preserving(configuration: Configuration) -> xr.Dataset:
    vp, path = configuration.vp, reduction.clock(configuration)
    t = models.axis_of("t", vp.times, "time t of the variance-preserving process")
    pair = families.pair(vp.separation, vp.variance)
    half = 2 * vp.separation
    x = models.axis("x", np.linspace(-half, half, 201))
    alpha, tau = (xr.DataArray(f(t.values), dims="t") for f in (path.alpha, path.tau))
    direct = score(reduction.at_time(pair, path, t), x).squeeze("feature").transpose("t", "x")
    y = models.axis_of("y", x.values, "position y = x/α in the heat flow")
    heat = score(pair, y.expand_dims("feature", axis=-1), tau).squeeze("feature").transpose("t", "y")
    mapped = (score(pair, (x / alpha).expand_dims("feature", axis=-1), tau) / alpha).squeeze("feature").transpose("t", "x")
    clock = models.axis_of("clock", np.linspace(0.0, max(vp.times), 121), t.attrs["long_name"])
    return xr.Dataset(
        {
            "score_heat": value((), heat, "score of the heat flow at τ_eff(t)"),
            "score_direct": value((), direct, "score of the process"),
            "score_mapped": value((), mapped, "score of the heat flow, mapped by (81)"),
            "discrepancy": value((), abs(direct - mapped), "difference of the two scores"),
            "tau_effective": value("clock", path.tau(clock.values), "effective diffusion time τ_eff (80)"),
            "tau_star": value((), (vp.separation**2 - vp.variance) / 2, "speciation time of the heat flow (31)"),
            "t_star": value((), np.log(1 + vp.separation**2 - vp.variance) / vp.beta, "speciation time of the process (83)"),
        },
        {"t": t, "x": x, "y": y, "clock": clock},
    )


def _corrections(configuration: Configuration) -> xr.Dataset:
    table = asymmetry.thresholds(configuration)
    one = models.triangle(configuration).isel(separation=[0])
    series = abs(corrections(one, 12).error_relative.squeeze("separation", drop=True))
    draws = asymmetry.sign(configuration)
    weights = models.axis("weight", np.linspace(0.5, 0.64, 29))
    pairs = families.pair(1.0, 1e-4, weights.values)
    coefficient = corrections(pairs, 1).covariance_coefficient
    return xr.Dataset(
        {
            "error": value((), table.error, "error of v*, relative to the exact one"),
            "error_order": value((), series, "error of v* by the series through this order"),
            "covariance_coefficient": value((), coefficient, "coefficient C of a pair at -1 and 1"),
            "scaled_coefficient": value((), draws.scaled_coefficient, "C over the deviations of D and y²"),
            "covariance": value((), draws.covariance, "Cov(|μ̃⊥|², y²) over the same"),
        },
        {
            "separation": table.separation,
            "method": table["method"],
            "order": series.order,
            **weights.coords,
            "realization": draws.realization,
        },
    )


PICTURES = (
    Picture(
        "figure-1",
        5,
        "Figure 1: score and Burgers velocity of the symmetric pair",
        r"Score $s$ and Burgers velocity $u = -2s$ at five diffusion times, below and above $\tau^*$; $u$ without its "
        r"linear background, a shock that widens and weakens with $\tau$; and the same in units of its height and its width "
        r"$v/a$, in which all times collapse onto $\tanh r$ (section 10.3).",
        _profiles,
    ),
    Picture(
        "figure-2",
        5,
        "Figure 2: midpoint derivative and width of the layer",
        r"The midpoint derivative (30) changes sign at $\tau^* = (a^2 - \sigma_0^2)/2$ (vertical line), where the width "
        r"(34), linear in $\tau$, equals $a$.",
        _threshold,
    ),
    Picture(
        "figure-3",
        4,
        "Figure 3: residuals of the score PDE and of Burgers",
        "Residuals of (18) and (24), relative to their largest term at each point. Left: closed forms in double-double "
        r"precision. Right: finite differences in double precision, as in the paper. The peaks are at $x = \pm a$ and small "
        r"$\tau$, where all terms of the equations nearly vanish, so that rounding errors are relatively large.",
        _residuals,
    ),
    Picture(
        "figure-4",
        6,
        "Figure 4: amplification, and trajectories of generation",
        "The exponent (55), in closed form and by quadrature, and its factor; trajectories of the probability flow, which "
        r"run from right to left in generation and separate below $\tau^*$ (vertical line); and the error of the central "
        "trajectory for a constant score error, with its Grönwall bound (52), from which it deviates when it is no longer "
        "small.",
        _amplification,
    ),
    Picture(
        "figure-5",
        7,
        "Figure 5: a score in the plane, and its curl",
        "The score of two components of unequal weights turns sharply across their boundary (points: the means; arrow "
        "lengths are proportional to the square root of the score). Its curl, by finite differences at random points, is "
        "zero up to rounding.",
        _curl,
    ),
    Picture(
        "figure-6",
        8,
        "Figure 6: the variance-preserving score directly and mapped",
        r"The score of the process, directly (lines) and mapped from the heat flow by (81) (points); the score of the heat "
        r"flow at the effective times; the difference of lines and points, which is rounding; and the effective time (80), "
        r"which maps $t^*$ (83) to $\tau^*$ (31) (straight lines).",
        _preserving,
    ),
    Picture(
        "figure-7",
        9,
        "Figure 7: the corrections of the speciation time",
        "Errors for the triangle by the scale of its means, which do not decrease, and by the order of the series, which "
        "do; $C$ of pairs over the weight of the heavier component; and $C$ of random mixtures, which can be positive only "
        "if the covariance of Proposition 9.8 is negative.",
        _corrections,
    ),
)
