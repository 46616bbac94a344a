"""Sections 6.1-6.3: how an error of the score grows across the layer."""

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
"""Tolerance of what an integrator of trajectories enters, relative."""


FAR = 50.0
"""Distance from the layer, in standard deviations at the first time, at which its tanh is one within rounding."""


def _track(configuration: Configuration, count: int = 41) -> xr.DataArray:
    """Falling times between start and stop, even in ln v."""
    variance, given = configuration.pair.variance, configuration.generation
    v = np.geomspace(variance + 2 * given.start, variance + 2 * given.stop, count)
    return models.axis("tau", np.clip((v - variance) / 2, given.stop, given.start))


def _rate(configuration: Configuration) -> xr.Dataset:
    pair, tau = models.pair(configuration), _track(configuration)
    a, v = configuration.pair.separation, configuration.pair.variance + 2 * tau
    rate = amplification(pair, tau=tau).lyapunov
    formula = (a**2 - v) / v**2
    # What two trajectories do that start side by side, against the integral of the rate.
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
    pair, tau = models.pair(configuration), _track(configuration)
    starts = models.axis_of("start", configuration.generation.starts, "place of the trajectory at the first time")
    places = starts * np.sqrt(configuration.pair.variance + 2 * configuration.generation.start)
    bias = configuration.generation.bias
    found = error_growth(pair, places.expand_dims("feature", axis=-1), tau, bias)
    centre = error_growth(pair, models.CENTRE, tau, bias).squeeze()
    over = found.difference_size - centre.gronwall_bound
    error, bound = _integrated(configuration, places.values, tau.values)
    linear = centre_growth(pair, tau, configuration.generation.start, bias).error_linear.squeeze()
    # A start just off the layer, whose error carries the trajectory into it.
    edge = error_growth(pair, np.array([EDGE * bias]), tau, bias)
    excess = (edge.difference_size / edge.gronwall_bound - 1).isel(tau=-1).squeeze()
    return xr.Dataset(
        {
            "difference_size": value((), found.difference_size, "actual error of the trajectory"),
            "gronwall_bound": value((), found.gronwall_bound, "bound with the rate on the exact trajectory"),
            "centre_bound": value((), centre.gronwall_bound, "bound with the rate at the centre"),
            "residual_bound": residual(
                (),
                (over / centre.gronwall_bound.where(centre.gronwall_bound > 0, 1.0)).clip(0),
                "excess of the actual error over the bound with the largest rate, relative",
                INTEGRATION,
            ),
            "residual_linear": residual(
                (),
                relative(centre.gronwall_bound, linear).isel(tau=slice(1, None)).rename(tau="later"),
                "bound at the centre against the closed form of the linearised error, relative",
                INTEGRATION,
            ),
            "residual_error": residual(
                ("start", "tau"),
                (found.difference_size.transpose("start", "tau").values - error) / error.max(-1, keepdims=True),
                "actual error against that of another integrator, over its largest value",
                INTEGRATION,
            ),
            "residual_rate": residual(
                ("start", "later"),
                found.gronwall_bound.transpose("start", "tau").values[:, 1:] / bound[:, 1:] - 1,
                "bound with the rate on the exact trajectory against that of another integrator, relative",
                10 * INTEGRATION,
            ),
            "excess": value((), excess, "excess of an actual error over the bound with the rate on the exact trajectory"),
        },
        {
            **found.coords,
            **starts.coords,
            "later": models.axis_of("later", tau.values[1:], "diffusion time after the first"),
        },
    )


def _integrated(configuration: Configuration, places: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Actual errors and bounds (52) along exact trajectories, (start, tau), by an integrator of SciPy from (29)."""
    a, variance, bias = configuration.pair.separation, configuration.pair.variance, configuration.generation.bias

    def push(elapsed: float, state: np.ndarray) -> np.ndarray:
        v = variance + 2 * (tau[0] - elapsed)
        true, wrong, _ = state
        tanh = np.tanh(a * true / v)
        scores = [(a * np.tanh(a * x / v) - x) / v for x in (true, wrong)]
        return np.array([scores[0], scores[1] + bias, (a**2 * (1 - tanh**2) - v) / v**2 * state[2] + bias])

    runs = [
        solve_ivp(push, (0.0, tau[0] - tau[-1]), [x, x, 0.0], "DOP853", tau[0] - tau, rtol=1e-12, atol=1e-14).y
        for x in places
    ]
    return np.array([np.abs(run[1] - run[0]) for run in runs]), np.array([run[2] for run in runs])


EDGE = -2.0
"""Start of the counter-example, in units of the bias: so near to the layer that the error carries the trajectory across."""


def exponents(configuration: Configuration) -> xr.Dataset:
    """The table of section 10.5."""
    a, variance = configuration.pair.separation, configuration.pair.variance
    stops = models.axis_of("tau_min", configuration.stops, "diffusion time at which generation stops")
    stops = stops[stops.values < (a**2 - variance) / 2]
    found = amplification(models.pair(configuration), stops).squeeze()
    trapezoid = np.array([_trapezoid(a, variance, stop, configuration.quadrature_points) for stop in stops.values])
    closed = found.exponent
    return xr.Dataset(
        {
            "snr": value((), found.snr, "signal-to-noise ratio $R$"),
            "exponent": value((), closed, "exponent in closed form (55)"),
            "exponent_quadrature": value((), found.exponent_quadrature, "exponent by Gauss-Legendre quadrature of $s_x(0)$"),
            "exponent_trapezoid": value("tau_min", trapezoid, "exponent by the trapezoidal rule, as in the paper"),
            "factor": value((), np.exp(closed), r"amplification factor $e^\Lambda$"),
            "residual": residual(
                (), relative(found.exponent_quadrature, closed), "closed form against quadrature, relative"
            ),
            "residual_snr": residual(
                (), relative(found.snr, a**2 / (variance + 2 * stops)), "signal-to-noise ratio against $a^2/v$, relative"
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
            "factor_ratio": value((), np.exp(law - exponent), "factor by (57) over the factor"),
            "residual": residual((), relative(exponent, law - 0.5), r"exponent against $R/2 - \ln(R)/2 - 1/2$, relative"),
            "violation": violation((), np.exp(law - exponent) - 1, "excess of the factor by (57), relative"),
        },
        ratio.coords,
    )


def _illustration(configuration: Configuration) -> xr.Dataset:
    pair, given = models.pair(configuration), configuration.generation
    found = amplification(pair, given.stop).squeeze()
    tau = models.axis("tau", [given.start, given.stop])
    far = configuration.pair.separation + FAR * np.sqrt(configuration.pair.variance + 2 * given.start)
    smooth = error_growth(pair, np.array([far]), tau, given.bias).difference_size.squeeze()[-1]
    linear = centre_growth(pair, given.stop, given.start, given.bias).error_linear.squeeze()
    alone, crossing = _by_bias(configuration)
    return xr.Dataset(
        {
            "snr": value((), found.snr, "signal-to-noise ratio $R$"),
            "exponent": value((), found.exponent, r"exponent $\Lambda$"),
            "factor": value((), np.exp(found.exponent), r"amplification factor $e^\Lambda$"),
            "error_centre": value((), linear, "linearised error at the centre by the constant bias"),
            "error_smooth": value((), smooth, "error of the same bias far from the layer"),
            "error_ratio": value((), linear / smooth, "error at the centre over the error far from the layer"),
            "residual": residual(
                (), relative(found.exponent_quadrature, found.exponent), "closed form against quadrature, relative"
            ),
            "residual_snr": residual(
                (),
                relative(found.snr, configuration.pair.separation**2 / (configuration.pair.variance + 2 * given.stop)),
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
                (linear / smooth) / np.exp(found.exponent) - 1,
                r"error at the centre over that far from the layer, in units of $e^\Lambda$, less one",
            ),
        }
    )


def _by_bias(configuration: Configuration) -> tuple[float, float]:
    """What a constant bias adds up to in one Gaussian, and, linearised, at the centre of the pair: closed forms."""
    given, c = configuration.generation, configuration.pair.separation**2 / 2
    v, start = (configuration.pair.variance + 2 * tau for tau in (given.stop, given.start))
    layered = [np.sqrt(y) * np.exp(-c / y) + np.sqrt(np.pi * c) * erf(np.sqrt(c / y)) for y in (v, start)]
    crossing = np.sqrt(v) * np.exp(c / v) * (layered[1] - layered[0])
    return float(given.bias * np.sqrt(v) * (np.sqrt(start) - np.sqrt(v))), float(given.bias * crossing)


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
        r"Trajectories of the true and of a wrong score, $\lvert s - \hat s\rvert \le \varepsilon$, that start from one "
        r"point at $\tau_0$ part by no more than the Grönwall bound, where $\xi$ lies between them.",
        {
            "52": r"\lvert e(\tau_1)\rvert \le \varepsilon\int_{\tau_1}^{\tau_0}"
            r"\exp\Bigl(\int_{\tau_1}^{\tau'} s_x(\xi,\tau'')\,d\tau''\Bigr)d\tau'"
        },
        "Integrated trajectories under a constant score error, against the bound with the largest rate $s_x$ anywhere "
        "(that of the centre), and with the rate on the exact trajectory; all of them against another integrator.",
        _bound,
        (error_growth, centre_growth),
        truth="Taken on the exact trajectory, as for a linearised error, the bound can be exceeded: where an error "
        "carries the trajectory across the layer. At the centre the linearised error attains the bound, and the actual "
        "one is smaller.",
        shown=("excess",),
        figure="figure-4",
    ),
    Statement(
        "Theorem 6.3",
        "Amplification exponent",
        r"Through the centre errors are amplified by $e^\Lambda$ between $\tau^*$ and $\tau_{\min}$, where $v$ is taken at "
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
        "Exponent and factor against the closed form at growing $R$.",
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
        r"$R$, $\Lambda$ and the factor, and the errors that one constant bias causes at the centre and far from the layer.",
        _illustration,
        (amplification, centre_growth, error_growth),
        condition="it speaks of a perturbation that is already there at the speciation time",
        truth="An error of the score acts all along the way: the ratio of the errors that a constant bias causes is of "
        r"the order of $e^\Lambda$, and not equal to it.",
        shown=("snr", "exponent", "factor", "error_centre", "error_smooth", "error_ratio"),
    ),
)
