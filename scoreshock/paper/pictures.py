"""What the paper's figures 1-7 show, as datasets: each figure is drawn from its file alone."""

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
    """A figure of the paper: its name, section, title, what is seen in it, and how its data are computed."""

    name: str
    section: int
    title: str
    caption: str
    compute: Callable[[Configuration], xr.Dataset]


def _profiles(configuration: Configuration) -> xr.Dataset:
    pair, tau = models.pair(configuration), models.times(configuration)
    a = configuration.pair.separation
    x = models.axis("x", np.linspace(-3 * a, 3 * a, 401))
    found = score(pair, x, tau).squeeze("feature")
    v = configuration.pair.variance + 2 * tau
    r = np.linspace(-4, 4, 161)
    along = profile(pair, r, tau)
    return xr.Dataset(
        {
            "score": value((), found, "score s"),
            "burgers_velocity": value((), -2 * found, "Burgers velocity u = -2s"),
            "shock": value((), -2 * (found + x / v).transpose("tau", "x"), "u - 2x/v, less its background"),
            "scaled": value((), along.profile_interfacial / (a / v), "(s + x/v) / (a/v)"),
            "tanh": value("r", np.tanh(r), "tanh r"),
        },
        {**found.coords, "r": ("r", r, {"long_name": "distance r from the midpoint in widths v/a", "units": "1"})},
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
    found = {
        f"{form}_{method}": burgers_residual(pair, x, tau, form, method=method).residual_relative
        for form in ("score", "burgers")
        for method in ("analytic", "differences")
    }
    words = {"score": "(18)", "burgers": "(24)"}
    return xr.Dataset(
        {name: value((), gap, f"relative residual of {words[name.split('_')[0]]}") for name, gap in found.items()},
        found["score_analytic"].coords,
    )


def _amplification(configuration: Configuration) -> xr.Dataset:
    pair, given = models.pair(configuration), configuration.generation
    zero = (configuration.pair.separation**2 - configuration.pair.variance) / 2
    stop = models.axis_of("tau_min", np.linspace(0.0, zero, 81), "diffusion time τ_min at which generation stops")
    found = amplification(pair, stop).squeeze()
    v = np.geomspace(configuration.pair.variance + 2 * given.start, configuration.pair.variance + 2 * given.stop, 61)
    tau = models.axis("tau", np.clip((v - configuration.pair.variance) / 2, given.stop, given.start))
    starts = models.axis_of("start", given.starts, "start in standard deviations of the noise")
    places = (starts * np.sqrt(v[0])).expand_dims("feature", axis=-1)
    path = trajectories(pair, places, tau).trajectory.squeeze("feature")
    actual = error_growth(pair, models.CENTRE, tau, given.bias).squeeze()
    return xr.Dataset(
        {
            "exponent": value((), found.exponent, "amplification exponent Λ"),
            "exponent_quadrature": value((), found.exponent_quadrature, "amplification exponent Λ by quadrature"),
            "factor": value((), np.exp(found.exponent), "amplification factor exp(Λ)"),
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
    given, path = configuration.vp, reduction.clock(configuration)
    t = models.axis_of("t", given.times, "time t of the variance-preserving process")
    pair = families.pair(given.separation, given.variance)
    half = 2 * given.separation
    x = models.axis("x", np.linspace(-half, half, 201))
    alpha, tau = (xr.DataArray(f(t.values), dims="t") for f in (path.alpha, path.tau))
    direct = score(reduction.at_time(pair, path, t), x).squeeze("feature").transpose("t", "x")
    y = models.axis_of("y", x.values, "position y = x/α in the heat flow")
    heat = score(pair, y.expand_dims("feature", axis=-1), tau).squeeze("feature").transpose("t", "y")
    mapped = (score(pair, (x / alpha).expand_dims("feature", axis=-1), tau) / alpha).squeeze("feature").transpose("t", "x")
    clock = models.axis_of("clock", np.linspace(0.0, max(given.times), 121), t.attrs["long_name"])
    return xr.Dataset(
        {
            "score_heat": value((), heat, "score of the heat flow at τ_eff(t)"),
            "score_direct": value((), direct, "score of the process"),
            "score_mapped": value((), mapped, "score of the heat flow, mapped by (81)"),
            "discrepancy": value((), abs(direct - mapped), "difference of the two scores"),
            "tau_effective": value("clock", path.tau(clock.values), "effective diffusion time τ_eff (80)"),
            "tau_star": value((), (given.separation**2 - given.variance) / 2, "speciation time of the heat flow (31)"),
            "t_star": value(
                (), np.log(1 + given.separation**2 - given.variance) / given.beta, "speciation time of the process (83)"
            ),
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
        r"Score $s$ and Burgers velocity $u = -2s$ at five diffusion times, below and above $\tau^*$; $u$ less its linear "
        r"background, a shock that widens and weakens with $\tau$; and the same in units of its height and its width $v/a$, "
        r"in which all times fall on $\tanh r$ (section 10.3).",
        _profiles,
    ),
    Picture(
        "figure-2",
        5,
        "Figure 2: midpoint derivative and width of the layer",
        r"The midpoint derivative (30) changes sign at $\tau^* = (a^2 - \sigma_0^2)/2$ (line across), where the width (34), "
        r"linear in $\tau$, is $a$.",
        _threshold,
    ),
    Picture(
        "figure-3",
        4,
        "Figure 3: residuals of the score PDE and of Burgers",
        "What (18) and (24) leave over, relative to their largest term at each point. Left: closed forms in twice the "
        r"working precision. Right: finite differences in double precision, as in the paper. At $x = \pm a$ and small "
        r"$\tau$ every term of the equations nearly vanishes, so that the same rounding is large beside them: that is the "
        "peaks.",
        _residuals,
    ),
    Picture(
        "figure-4",
        6,
        "Figure 4: amplification, and trajectories of generation",
        "The exponent (55), in closed form and by quadrature, and its factor; trajectories of the probability flow, which "
        r"in generation run from right to left and part below $\tau^*$ (line across); and the error of the one at the "
        "centre under a constant error of the score, with its Grönwall bound (52), which it leaves where it stops being "
        "small.",
        _amplification,
    ),
    Picture(
        "figure-5",
        7,
        "Figure 5: a score in the plane, and its curl",
        "The score of two components of unequal weights turns sharply across their boundary (points: the means; an "
        "arrow's length goes with the root of the score's). Its curl, measured by finite differences at random points, is "
        "rounding.",
        _curl,
    ),
    Picture(
        "figure-6",
        8,
        "Figure 6: the variance-preserving score directly and mapped",
        r"The score of the process, directly (lines) and as that of the heat flow mapped by (81) (points); the heat flow's "
        r"own, at the effective times; their difference, which is rounding; and the clock (80), which takes $t^*$ (83) to "
        r"$\tau^*$ (31) (lines across).",
        _preserving,
    ),
    Picture(
        "figure-7",
        9,
        "Figure 7: the corrections of the speciation time",
        "The triangle's errors by the scale of its means, which do not fall, and by the order of the series, which do; "
        "$C$ of pairs over the weight of the heavier component; and $C$ of random mixtures, which may be positive only "
        "where the covariance of Proposition 9.8 is negative.",
        _corrections,
    ),
)
