"""Datasets of the paper's figures 1-7."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr

from scoreshock.densities import families
from scoreshock.paper import asymmetry, growth, models, reduction
from scoreshock.paper.configuration import Setup
from scoreshock.paper.statement import Compute, dataset, value
from scoreshock.quantities.amplification import amplification
from scoreshock.quantities.burgers import burgers_residual
from scoreshock.quantities.corrections import corrections
from scoreshock.quantities.fields import score
from scoreshock.quantities.layer import layer, profile
from scoreshock.quantities.trajectories import error_growth, trajectories
from scoreshock.quantities.vorticity import vorticity


class Picture(NamedTuple):
    """A figure of the paper: title, section, numbers of the statements that it shows, caption, and function of its data."""

    title: str
    section: int
    statements: tuple[str, ...]
    caption: str
    compute: Compute

    @property
    def name(self) -> str:
        """Name of its files, such as ``figure-1``."""
        return self.title.partition(":")[0].lower().replace(" ", "-")


def picture(title: str, section: int, statements: tuple[str, ...], caption: str) -> Callable[[Compute], Picture]:
    """Declare a figure by decorating the function that computes its data; the title starts with its number."""
    return lambda compute: Picture(title, section, statements, caption, compute)


@picture(
    "Figure 1: score and Burgers velocity of the symmetric pair",
    5,
    ("Proposition 5.1", "Proposition 5.4"),
    r"Score $s$ and Burgers velocity $u = -2s$ at five diffusion times, below and above $\tau^*$; $u$ without its linear "
    r"background, a shock that widens and weakens with $\tau$; and the same in units of its height and its width $v/a$, in "
    r"which all times collapse onto $\tanh r$ (section 10.3).",
)
def _profiles(setup: Setup) -> xr.Dataset:
    pair, tau, a = models.pair(setup), models.times(setup), setup.pair.separation
    x = models.axis("x", np.linspace(-3 * a, 3 * a, 401))
    r = models.axis_of("r", np.linspace(-4, 4, 161), "distance r from the midpoint in widths v/a")
    result, v = score(pair, x, tau).squeeze("feature"), setup.pair.variance + 2 * tau
    return dataset(
        result.coords,
        r.coords,
        score=value(result, "score s"),
        burgers_velocity=value(-2 * result, "Burgers velocity u = -2s"),
        shock=value(-2 * (result + x / v).transpose("tau", "x"), "u - 2x/v, without background"),
        scaled=value(profile(pair, r.values, tau).profile_interfacial / (a / v), "(s + x/v) / (a/v)"),
        tanh=value(np.tanh(r), "tanh r"),
    )


@picture(
    "Figure 2: midpoint derivative and width of the layer",
    5,
    ("Proposition 5.2", "Definition 5.3", "Theorem 5.11"),
    r"The midpoint derivative (30) changes sign at $\tau^* = (a^2 - \sigma_0^2)/2$ (vertical line), where the width (34), "
    r"linear in $\tau$, equals $a$.",
)
def _threshold(setup: Setup) -> xr.Dataset:
    tau = models.axis("tau", setup.pair.tau_star * np.linspace(0.4, 2.5, 106))
    return dataset(
        tau.coords,
        midpoint_derivative=value(models.midpoint_slope(setup, tau), "midpoint derivative s_x(0, τ)"),
        width=value(layer(models.pair(setup), tau).width, "width of the layer v/a"),
        tau_star=value(setup.pair.tau_star, "speciation time (31)"),
    )


@picture(
    "Figure 3: residuals of the score PDE and of Burgers",
    4,
    ("Theorem 4.1", "Theorem 4.3"),
    "Residuals of (18) and (24), relative to their largest term at each point. Left: closed forms in double-double "
    r"precision. Right: finite differences in double precision, as in the paper. The peaks are at $x = \pm a$ and small "
    r"$\tau$, where all terms of the equations nearly vanish, so that rounding errors are relatively large.",
)
def _residuals(setup: Setup) -> xr.Dataset:
    pair, tau = models.pair(setup), models.times(setup)
    x = models.axis("x", np.linspace(-setup.grid.core, setup.grid.core, 201))
    residuals = {}
    for form, number in {"score": "(18)", "burgers": "(24)"}.items():
        for method in ("analytic", "differences"):
            gap = burgers_residual(pair, x, tau, form, method=method).residual_relative
            residuals[f"{form}_{method}"] = value(gap, f"relative residual of {number}")
    return dataset(tau.coords, x.coords, **residuals)


@picture(
    "Figure 4: amplification, and trajectories of generation",
    6,
    ("Proposition 6.1", "Theorem 6.2", "Theorem 6.3"),
    "The exponent (55), in closed form and by quadrature, and its factor; trajectories of the probability flow, which run "
    r"from right to left in generation and separate below $\tau^*$ (vertical line); and the error of the central "
    "trajectory for a constant score error, with its Grönwall bound (52), from which it deviates when it is no longer "
    "small.",
)
def _amplification(setup: Setup) -> xr.Dataset:
    pair, generation = models.pair(setup), setup.generation
    stops = np.linspace(0.0, setup.pair.tau_star, 81)
    stop = models.axis_of("tau_min", stops, "diffusion time τ_min at which generation stops")
    result, tau = amplification(pair, stop).squeeze(), growth.track(setup, 61)
    starts = models.axis_of("start", generation.starts, "start in standard deviations of the noise")
    positions = (starts * np.sqrt(models.noise_range(setup)[1])).expand_dims("feature", axis=-1)
    path = trajectories(pair, positions, tau).trajectory.squeeze("feature")
    actual = error_growth(pair, models.CENTRE, tau, generation.bias).squeeze()
    return dataset(
        stop.coords,
        path.coords,
        exponent=value(result.exponent, "amplification exponent Λ"),
        exponent_quadrature=value(result.exponent_quadrature, "amplification exponent Λ by quadrature"),
        factor=value(np.exp(result.exponent), "amplification factor exp(Λ)"),
        trajectory=value(path, "position x on the probability flow"),
        error=value(actual.difference_size, "error of the trajectory at the centre"),
        bound=value(actual.gronwall_bound, "its Grönwall bound (52)"),
        tau_star=value(setup.pair.tau_star, "speciation time (31)"),
    )


@picture(
    "Figure 5: a score in the plane, and its curl",
    7,
    ("Theorem 7.5", "Corollary 7.6"),
    "The score of two components of unequal weights turns sharply across their boundary (points: the means; arrow lengths "
    "are proportional to the square root of the score). Its curl, by finite differences at random points, is zero up to "
    "rounding.",
)
def _curl(setup: Setup) -> xr.Dataset:
    plane, tau = models.plane(setup), models.axis("tau", setup.plane.times)
    half = 1.6 * float(np.abs(plane.component_mean).max())
    names = {"x1": "first coordinate x₁", "x2": "second coordinate x₂"}
    x1, x2 = (models.axis_of(name, np.linspace(-half, half, 17), meaning) for name, meaning in names.items())
    points = xr.concat(xr.broadcast(x1, x2), "feature").drop_vars(names).transpose("x1", "x2", "feature")
    first, second = score(plane, points, float(tau[0])).transpose("feature", "x1", "x2")
    measured = vorticity(plane, models.plane_points(setup), tau, method="differences")
    return dataset(
        x1.coords,
        x2.coords,
        {"tau": tau},
        score_first=value(first, "first component of the score"),
        score_second=value(second, "second component of the score"),
        component_mean=value(plane.component_mean, "means of the components"),
        curl=value(measured.vorticity_largest, "curl of the score by finite differences"),
        tau_shown=value(float(tau[0]), "diffusion time of the arrows"),
    )


@picture(
    "Figure 6: the variance-preserving score directly and mapped",
    8,
    ("Theorem 8.5", "Corollary 8.6"),
    "The score of the process, directly (lines) and mapped from the heat flow by (81) (points); the score of the heat flow "
    "at the effective times; the difference of lines and points, which is rounding; and the effective time (80), which "
    r"maps $t^*$ (83) to $\tau^*$ (31) (straight lines).",
)
def _preserving(setup: Setup) -> xr.Dataset:
    vp, path, pair = setup.vp, reduction.process(setup), reduction.preserved_pair(setup)
    t = models.axis_of("t", vp.times, "time t of the variance-preserving process")
    x = models.axis("x", np.linspace(-2 * vp.separation, 2 * vp.separation, 201))
    y = models.axis_of("y", x.values, "position y = x/α in the heat flow")
    times = models.axis_of("clock", np.linspace(0.0, max(vp.times), 121), t.attrs["long_name"])
    alpha, tau = reduction.on_path(path, t)
    direct = score(reduction.at_time(pair, path, t), x).squeeze("feature").transpose("t", "x")
    heat, back = (score(pair, at.expand_dims("feature", axis=-1), tau).squeeze("feature") for at in (y, x / alpha))
    mapped = (back / alpha).transpose("t", "x")
    return dataset(
        {"t": t, "x": x, "y": y, "clock": times},
        score_heat=value(heat.transpose("t", "y"), "score of the heat flow at τ_eff(t)"),
        score_direct=value(direct, "score of the process"),
        score_mapped=value(mapped, "score of the heat flow, mapped by (81)"),
        discrepancy=value(abs(direct - mapped), "difference of the two scores"),
        tau_effective=value(path.tau(times.values), "effective diffusion time τ_eff (80)", dims="clock"),
        tau_star=value(vp.tau_star, "speciation time of the heat flow (31)"),
        t_star=value(setup.vp.t_star, "speciation time of the process (83)"),
    )


@picture(
    "Figure 7: the corrections of the speciation time",
    9,
    ("Theorem 9.7", "Proposition 9.8"),
    "Errors for the triangle by the scale of its means, which do not decrease, and by the order of the series, which do; "
    "$C$ of pairs over the weight of the heavier component; and $C$ of random mixtures, which can be positive only if the "
    "covariance of Proposition 9.8 is negative.",
)
def _corrections(setup: Setup) -> xr.Dataset:
    table, draws = asymmetry.thresholds(setup), asymmetry.sign.compute(setup)
    one = models.triangle(setup).isel(separation=0, drop=True)
    series = abs(corrections(one, asymmetry.HIGHEST).error_relative)
    weights = models.axis("weight", np.linspace(0.5, 0.64, 29))
    coefficient = corrections(families.pair(1.0, asymmetry.FLOOR, weights.values), 1).covariance_coefficient
    axes = (table.separation, table["method"], series.order, draws.realization)
    return dataset(
        weights.coords,
        {axis.name: axis for axis in axes},
        error=value(table.error, "error of v*, relative to the exact one"),
        error_order=value(series, "error of v* by the series through this order"),
        covariance_coefficient=value(coefficient, "coefficient C of a pair at -1 and 1"),
        scaled_coefficient=value(draws.scaled_coefficient, "C over the deviations of D and y²"),
        covariance=value(draws.covariance, "Cov(|μ̃⊥|², y²) over the same"),
    )


PICTURES = tuple(each for each in list(globals().values()) if isinstance(each, Picture))
"""All figures, in order."""
