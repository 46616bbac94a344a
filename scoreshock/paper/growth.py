"""Sections 6.1-6.3: growth of a score error across the layer."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.integrate import solve_ivp
from scipy.special import erf

from scoreshock.densities import families
from scoreshock.paper import models
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.statement import Statement, relative, residual, value, violation
from scoreshock.quantities.amplification import amplification
from scoreshock.quantities.trajectories import centre_growth, error_growth

INTEGRATION = 1e-8
"""Relative tolerance of integrated trajectories."""

FAR = 50.0
"""Distance from the layer, in standard deviations at the first time, at which its tanh equals one up to rounding."""


def _track(configuration: Configuration, count: int = 41) -> xr.DataArray:
    """Decreasing times from start to stop, evenly spaced in ln v."""
    variance, generation = configuration.pair.variance, configuration.generation
    v = np.geomspace(variance + 2 * generation.start, variance + 2 * generation.stop, count)
    return models.axis("tau", np.clip((v - variance) / 2, generation.stop, generation.start))


def _rate(configuration: Configuration) -> xr.Dataset:
    pair, tau = models.pair(configuration), _track(configuration)
    a, v = configuration.pair.separation, configuration.pair.variance + 2 * tau
    rate = amplification(pair, tau=tau).lyapunov
    formula = (a**2 - v) / v**2
    grown = error_growth(pair, models.CENTRE, tau, configuration.generation.bias).log_growth
    start = v.isel(tau=0)
    integral = (a**2 / v - a**2 / start + np.log(v / start)) / 2
    return xr.Dataset(
        {
            "lyapunov": value((), rate, "growth rate at the centre"),
            "log_growth": value((), grown.squeeze(), "logarithm of the growth of a perturbation at the centre"),
            "residual_rate": residual(
                (), relative(rate, formula, a**2 / v**2), "growth rate against (51), over the larger term"
            ),
            "residual_growth": residual(
                (),
                relative(grown.squeeze(), integral, 1.0),
                "growth of a perturbation against the integral of (51), relative",
                INTEGRATION,
            ),
        },
        tau.coords,
    )


def _bound(configuration: Configuration) -> xr.Dataset:
    pair, tau, bias = models.pair(configuration), _track(configuration), configuration.generation.bias
    starts = models.axis_of("start", configuration.generation.starts, "position of the trajectory at the first time")
    positions = starts * np.sqrt(configuration.pair.variance + 2 * configuration.generation.start)
    result = error_growth(pair, positions.expand_dims("feature", axis=-1), tau, bias)
    actual, on_exact = (each.transpose("start", "tau").values for each in (result.difference_size, result.gronwall_bound))
    error, bound = _integrated(configuration, positions.values, tau.values)
    # This start is so close to the layer that the error moves the trajectory across.
    edge = error_growth(pair, np.array([EDGE * bias]), tau, bias)
    excess = (edge.difference_size / edge.gronwall_bound - 1).isel(tau=-1).squeeze()
    later = models.axis_of("later", tau.values[1:], "diffusion time after the first")
    return xr.Dataset(
        {
            "difference_size": value((), result.difference_size, "actual error of the trajectory"),
            "gronwall_bound": value((), result.gronwall_bound, "bound with the rate on the exact trajectory"),
            **_centre_residuals(configuration, tau, result.difference_size),
            "residual_error": residual(
                ("start", "tau"),
                (actual - error) / error.max(-1, keepdims=True),
                "actual error against that of another integrator, over its largest value",
                INTEGRATION,
            ),
            "residual_rate": residual(
                ("start", "later"),
                on_exact[:, 1:] / bound[:, 1:] - 1,
                "bound with the rate on the exact trajectory against that of another integrator, relative",
                10 * INTEGRATION,
            ),
            "excess": value((), excess, "excess of an actual error over the bound with the rate on the exact trajectory"),
        },
        {**result.coords, **starts.coords, "later": later},
    )


def _centre_residuals(configuration: Configuration, tau: xr.DataArray, actual: xr.DataArray) -> dict[str, xr.Variable]:
    """The bound at the centre, where the rate is largest, against actual errors and the linearised error."""
    pair, generation = models.pair(configuration), configuration.generation
    bound = error_growth(pair, models.CENTRE, tau, generation.bias).squeeze().gronwall_bound
    linear = centre_growth(pair, tau, generation.start, generation.bias).error_linear.squeeze()
    return {
        "centre_bound": value((), bound, "bound with the rate at the centre"),
        "residual_bound": residual(
            (),
            ((actual - bound) / bound.where(bound > 0, 1.0)).clip(0),
            "excess of the actual error over the bound with the largest rate, relative",
            INTEGRATION,
        ),
        "residual_linear": residual(
            (),
            relative(bound, linear).isel(tau=slice(1, None)).rename(tau="later"),
            "bound at the centre against the closed form of the linearised error, relative",
            INTEGRATION,
        ),
    }


def _integrated(configuration: Configuration, positions: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Actual errors and bounds (52) along exact trajectories, (start, tau), by SciPy's integrator from (29)."""
    a, variance, bias = configuration.pair.separation, configuration.pair.variance, configuration.generation.bias

    def push(elapsed: float, state: np.ndarray) -> np.ndarray:
        v = variance + 2 * (tau[0] - elapsed)
        true, wrong, _ = state
        tanh = np.tanh(a * true / v)
        scores = [(a * np.tanh(a * x / v) - x) / v for x in (true, wrong)]
        return np.array([scores[0], scores[1] + bias, (a**2 * (1 - tanh**2) - v) / v**2 * state[2] + bias])

    runs = [
        solve_ivp(push, (0.0, tau[0] - tau[-1]), [x, x, 0.0], "DOP853", tau[0] - tau, rtol=1e-12, atol=1e-14).y
        for x in positions
    ]
    return np.array([np.abs(run[1] - run[0]) for run in runs]), np.array([run[2] for run in runs])


EDGE = -2.0
"""Start of the counter-example in units of the bias, at which the error moves the trajectory across the layer."""


def exponents(configuration: Configuration) -> xr.Dataset:
    """The table of section 10.5."""
    a, variance = configuration.pair.separation, configuration.pair.variance
    stops = models.axis_of("tau_min", configuration.stops, "diffusion time at which generation stops")
    stops = stops[stops.values < (a**2 - variance) / 2]
    result = amplification(models.pair(configuration), stops).squeeze()
    trapezoid = np.array([_trapezoid(a, variance, stop, configuration.quadrature_points) for stop in stops.values])
    closed = result.exponent
    return xr.Dataset(
        {
            "snr": value((), result.snr, "signal-to-noise ratio $R$"),
            "exponent": value((), closed, "exponent in closed form (55)"),
            "exponent_quadrature": value(
                (), result.exponent_quadrature, "exponent by Gauss-Legendre quadrature of $s_x(0)$"
            ),
            "exponent_trapezoid": value("tau_min", trapezoid, "exponent by the trapezoidal rule, as in the paper"),
            "factor": value((), np.exp(closed), r"amplification factor $e^\Lambda$"),
            "residual": residual(
                (), relative(result.exponent_quadrature, closed), "closed form against quadrature, relative"
            ),
            "residual_snr": residual(
                (), relative(result.snr, a**2 / (variance + 2 * stops)), "signal-to-noise ratio against $a^2/v$, relative"
            ),
            "residual_trapezoid": residual(
                "tau_min", relative(trapezoid, closed.values), "closed form against the trapezoidal rule, relative", 1e-6
            ),
        },
        stops.coords,
    )


def _trapezoid(a: float, variance: float, stop: float, points: int) -> float:
    v = variance + 2 * np.linspace(stop, (a**2 - variance) / 2, points)
    return float(np.trapezoid((a**2 - v) / v**2, v) / 2)


def _asymptotics(configuration: Configuration) -> xr.Dataset:
    a = configuration.pair.separation
    ratio = models.axis_of("noise_ratio", configuration.noise_ratios, "signal-to-noise ratio R")
    pairs = families.pair(a, xr.DataArray(a**2 / ratio.values, dims="noise_ratio", coords=ratio.coords))
    exponent = amplification(pairs).exponent
    law = (ratio - np.log(ratio)) / 2
    return xr.Dataset(
        {
            "exponent": value((), exponent, r"exponent $\Lambda$"),
            "law": value((), law, r"$R/2 - \ln(R)/2$ (57)"),
            "factor_ratio": value((), np.exp(law - exponent), "factor by (57), over the actual factor"),
            "residual": residual((), relative(exponent, law - 0.5), r"exponent against $R/2 - \ln(R)/2 - 1/2$, relative"),
            "violation": violation((), np.exp(law - exponent) - 1, "excess of the factor by (57), relative"),
        },
        ratio.coords,
    )


def _illustration(configuration: Configuration) -> xr.Dataset:
    pair, generation = models.pair(configuration), configuration.generation
    result = amplification(pair, generation.stop).squeeze()
    tau = models.axis("tau", [generation.start, generation.stop])
    far = configuration.pair.separation + FAR * np.sqrt(configuration.pair.variance + 2 * generation.start)
    smooth = error_growth(pair, np.array([far]), tau, generation.bias).difference_size.squeeze()[-1]
    linear = centre_growth(pair, generation.stop, generation.start, generation.bias).error_linear.squeeze()
    alone, crossing = _by_bias(configuration)
    return xr.Dataset(
        {
            "snr": value((), result.snr, "signal-to-noise ratio $R$"),
            "exponent": value((), result.exponent, r"exponent $\Lambda$"),
            "factor": value((), np.exp(result.exponent), r"amplification factor $e^\Lambda$"),
            "error_centre": value((), linear, "linearised error at the centre due to the constant bias"),
            "error_smooth": value((), smooth, "error due to the same bias far from the layer"),
            "error_ratio": value((), linear / smooth, "error at the centre over the error far from the layer"),
            "residual": residual(
                (), relative(result.exponent_quadrature, result.exponent), "closed form against quadrature, relative"
            ),
            "residual_snr": residual(
                (),
                relative(result.snr, configuration.pair.separation**2 / (configuration.pair.variance + 2 * generation.stop)),
                "signal-to-noise ratio against $a^2/v$, relative",
            ),
            "residual_centre": residual(
                (), linear / crossing - 1, "error at the centre against its closed form, relative", INTEGRATION
            ),
            "residual_smooth": residual(
                (), smooth / alone - 1, "error far from the layer against that of one Gaussian, relative", INTEGRATION
            ),
            "violation": violation(
                (),
                (linear / smooth) / np.exp(result.exponent) - 1,
                r"error at the centre over that far from the layer, in units of $e^\Lambda$, minus one",
            ),
        }
    )


def _by_bias(configuration: Configuration) -> tuple[float, float]:
    """Error due to a constant bias for one Gaussian, and linearised at the centre of the pair, in closed form."""
    generation, c = configuration.generation, configuration.pair.separation**2 / 2
    v, start = (configuration.pair.variance + 2 * tau for tau in (generation.stop, generation.start))
    layered = [np.sqrt(y) * np.exp(-c / y) + np.sqrt(np.pi * c) * erf(np.sqrt(c / y)) for y in (v, start)]
    crossing = np.sqrt(v) * np.exp(c / v) * (layered[1] - layered[0])
    return float(generation.bias * np.sqrt(v) * (np.sqrt(start) - np.sqrt(v))), float(generation.bias * crossing)


STATEMENTS = (
    Statement(
        "Proposition 6.1",
        "Lyapunov exponent at the shock",
        r"At the centre of the symmetric pair a perturbation grows in generation at a rate that is positive below $\tau^*$.",
        {"51": r"\lambda(\tau) = s_x(0,\tau) = \frac{a^2 - v}{v^2}"},
        "The rate of the mixture's Jacobian, and the growth of a perturbation along an integrated trajectory.",
        _rate,
        (amplification, error_growth),
        figure="figure-4",
    ),
    Statement(
        "Theorem 6.2",
        "Trajectory error amplification",
        r"Trajectories of the exact score and of one with $\lvert s - \hat s\rvert \le \varepsilon$, from the same point at "
        r"$\tau_0$, differ at most by the Grönwall bound, where $\xi$ lies between them.",
        {
            "52": r"\lvert e(\tau_1)\rvert \le \varepsilon\int_{\tau_1}^{\tau_0}"
            r"\exp\Bigl(\int_{\tau_1}^{\tau'} s_x(\xi,\tau'')\,d\tau''\Bigr)d\tau'"
        },
        "Integrated trajectories with a constant score error, against the bound with the largest rate $s_x$ (at the centre) "
        "and with the rate on the exact trajectory; all against another integrator.",
        _bound,
        (error_growth, centre_growth),
        truth="With the rate on the exact trajectory, as for a linearised error, the bound can be exceeded if the error "
        "moves the trajectory across the layer. At the centre the linearised error attains the bound, and the actual error "
        "is smaller.",
        shown=("excess",),
        figure="figure-4",
    ),
    Statement(
        "Theorem 6.3",
        "Amplification exponent",
        r"Along the centre errors are amplified by $e^\Lambda$ from $\tau^*$ to $\tau_{\min}$, with $v$ at "
        r"$\tau_{\min}$.",
        {
            "55": r"\Lambda(\tau_{\min}) = \int_{\tau_{\min}}^{\tau^*} s_x(0,\tau)\,d\tau"
            r" = \tfrac12\Bigl[\frac{a^2}{v} - 1 - \ln\frac{a^2}{v}\Bigr]"
        },
        r"Closed form against quadrature of $s_x(0)$, at several $\tau_{\min}$: the table of section 10.5.",
        exponents,
        (amplification,),
        shown=("snr", "exponent", "exponent_quadrature", "exponent_trapezoid", "factor"),
        figure="figure-4",
    ),
    Statement(
        "Corollary 6.4",
        "Asymptotic amplification",
        r"For $R = a^2/v \gg 1$ the constant is negligible, and the factor grows as $e^{R/2}/\sqrt R$.",
        {"57": r"\Lambda \sim \frac{R}{2} - \tfrac12\ln R"},
        "Exponent and factor against the closed form for increasing $R$.",
        _asymptotics,
        (amplification,),
        condition="the constant −1/2 is kept in the factor",
        truth=r"Relative to $\Lambda$ the constant $-1/2$ vanishes, in the factor it does not: $e^{R/2}/\sqrt R$ is "
        r"too large by $\sqrt e = 1.6487$ at every $R$.",
        shown=("exponent", "law", "factor_ratio"),
    ),
    Statement(
        "Remark 6.5",
        "Numerical illustration",
        r"Errors of the score near the boundary are amplified by about $e^\Lambda$ relative to those in the smooth region.",
        {},
        r"$R$, $\Lambda$ and the factor, and the errors due to a constant bias at the centre and far from the layer.",
        _illustration,
        (amplification, centre_growth, error_growth),
        condition="the perturbation exists already at the speciation time",
        truth="A score error acts along the complete trajectory: the ratio of the errors due to a constant bias is of the "
        r"order of $e^\Lambda$, but not equal to it.",
        shown=("snr", "exponent", "factor", "error_centre", "error_smooth", "error_ratio"),
    ),
)
