"""Sections 7.4 and 9.1-9.2: expansion of responsibilities and Jacobian at the weighted mean in inverse noise variance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture
from scoreshock.paper import models
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.statement import Statement, relative, residual, slope, value, violation
from scoreshock.quantities.cascade import exact_cascade
from scoreshock.quantities.corrections import corrections
from scoreshock.quantities.fields import responsibilities, score_jacobian
from scoreshock.quantities.speciation import speciation
from scoreshock.quantities.vorticity import riccati

LARGE = 10.0 ** np.array([1.0, 1.5, 2.0, 2.5, 3.0])
"""Noise variances at which the order of a remainder is measured, in units of the mean squared distance."""

ORDER = 0.02
"""Tolerance of a measured order, which the next term still affects."""


class Moments(NamedTuple):
    """Moments of the centred means, from their definitions."""

    centre: np.ndarray
    centred: np.ndarray
    weights: np.ndarray
    squared: np.ndarray
    between: np.ndarray
    distance_weighted: np.ndarray

    @property
    def mean_squared(self) -> float:
        """Mean squared distance."""
        return float(self.weights @ self.squared)


def moments(density: xr.Dataset) -> Moments:
    """Weighted mean, squared distances D, Sigma_B (15) and Sigma_D (87) of one mixture."""
    means, weights = density.component_mean.values, density.component_weight.values
    centre = weights @ means
    centred = means - centre
    squared = (centred**2).sum(-1)
    between = np.einsum("k,ki,kj->ij", weights, centred, centred)
    return Moments(centre, centred, weights, squared, between, np.einsum("k,ki,kj->ij", weights * squared, centred, centred))


def _noisy(density: xr.Dataset) -> tuple[Moments, xr.DataArray, np.ndarray]:
    """Moments, large diffusion times, and their noise variances."""
    result = moments(density)
    v = result.mean_squared * LARGE
    return result, models.axis("tau", (v - float(density.component_variance)) / 2), v


def _responsibilities_at_mean(configuration: Configuration) -> xr.Dataset:
    cloud = models.cloud(configuration)
    central = moments(cloud)
    tau = models.axis("tau", [*configuration.times, 10.0, 1e3])
    v = (configuration.cloud.variance + 2 * tau).values
    weighted = central.weights * np.exp(-central.squared / (2 * v[:, None]))
    expected = weighted / weighted.sum(-1, keepdims=True)
    result = responsibilities(cloud, central.centre, tau)
    return xr.Dataset(
        {
            "responsibilities": value((), result, "responsibility at the weighted mean"),
            "residual": residual(
                ("tau", "component"),
                relative(result.values, expected, 1.0),
                "responsibilities against $w_k e^{-D_k/2v}$, normalised",
            ),
        },
        tau.coords,
    )


def _responsibility_expansion(configuration: Configuration) -> xr.Dataset:
    cloud = models.cloud(configuration)
    central, tau, v = _noisy(cloud)
    away, small = central.squared - central.mean_squared, 1 / (2 * v)[:, None]
    second = (away**2 - central.weights @ away**2) / 2
    series = central.weights * (1 - small * away + small**2 * second)
    gap = np.abs(responsibilities(cloud, central.centre, tau).values - series).max(-1)
    return _order(tau, gap, v, 3, "responsibilities minus (86) through second order")


def _order(tau: xr.DataArray, gap: np.ndarray, v: np.ndarray, order: int, what: str) -> xr.Dataset:
    return xr.Dataset(
        {
            "remainder": value("tau", gap, f"largest of the {what}"),
            "order": value("interval", -slope(gap, v), r"order of the remainder in $1/v$, between consecutive $\tau$"),
            "residual": residual((), -slope(gap, v)[-1] - order, f"order in $1/v$ of the {what}, minus {order}", ORDER),
        },
        tau.coords,
    )


def _leading_jacobian(configuration: Configuration) -> xr.Dataset:
    cloud = models.cloud(configuration)
    central, tau, v = _noisy(cloud)
    identity = np.eye(configuration.cloud.dimension)
    leading = -identity / v[:, None, None] + central.between / v[:, None, None] ** 2
    gap = np.abs(score_jacobian(cloud, central.centre, tau).values - leading).max((-2, -1))
    eigenvalues = np.linalg.eigvalsh(central.between)[::-1]
    cascade = speciation(cloud).cascade.values
    expected = (eigenvalues[: cascade.size] - configuration.cloud.variance) / 2
    tree = exact_cascade(families.hierarchy(configuration.pair.separation, 1e-3, ratio=0.5, levels=3))
    equal = speciation(models.equilateral(configuration), criteria=("leading", "exact")).tau_star.squeeze()
    return (
        _order(tau, gap, v, 3, "Jacobian minus (75)")
        .merge(_triangle_errors(configuration))
        .assign(
            residual_cascade=residual(
                "eigenmode", relative(cascade, expected, eigenvalues[0]), "cascade against eigenvalues of (15), relative"
            ),
            residual_hierarchy=residual(
                "level",
                relative(tree.cascade, tree.tau_eigenmode).values.ravel(),
                "cascade of a hierarchy against the exact one",
                1e-9,
            ),
            residual_equal=residual(
                (), relative(equal[0], equal[1]), "leading against exact time for equal distances, relative"
            ),
        )
    )


def _triangle_errors(configuration: Configuration) -> xr.Dataset:
    """Error of the leading threshold of the triangle, which does not depend on the scale."""
    result = speciation(models.triangle(configuration), criteria=("leading", "exact"))
    threshold = result.tau_star + configuration.triangle.variance / 2
    error = relative(threshold.sel(criterion="leading"), threshold.sel(criterion="exact"))
    return xr.Dataset(
        {
            "error_leading": value((), error, "error of the leading threshold $v^*$ of the triangle, relative, by scale"),
            "residual_scale": residual(
                "separation",
                relative(error, error[0]).values.ravel(),
                "error of the leading threshold against that at the first scale, relative",
                1e-9,
            ),
            "residual_leading": residual(
                "separation",
                _leading_gap(configuration, result.tau_star.sel(criterion="leading")),
                r"leading time of the triangle against $\tfrac12(\lambda_1 - \sigma_0^2)$, relative",
            ),
            "violation": violation(
                (), error.min(skipna=False), "error of the leading threshold at the largest scales, relative"
            ),
        },
        {"separation": result.separation},
    )


RICCATI = np.array([-20.0, -1.0, -0.1, 0.1, 0.5, 0.9])
"""Elapsed diffusion times along a characteristic, of both signs, in units of the time to its divergence."""


def _carried(rate: np.ndarray, elapsed: np.ndarray) -> np.ndarray:
    """Solution of ``dJ/dtau = 2 J^2`` from each ``rate``, (tau, elapsed), by SciPy's integrator."""
    ends = elapsed / (2 * rate[:, None])
    runs = [
        [solve_ivp(lambda _, j: 2 * j**2, (0.0, end), [start], "DOP853", rtol=1e-12, atol=0.0).y[0, -1] for end in row]
        for start, row in zip(rate, ends, strict=True)
    ]
    return np.array(runs)


def _leading_gap(configuration: Configuration, result: xr.DataArray) -> list[float]:
    """Relative difference of the triangle's leading time from that of Sigma_B, by scale."""
    triangle, variance = models.triangle(configuration), configuration.triangle.variance
    largest = [np.linalg.eigvalsh(moments(triangle.isel(separation=i)).between)[-1] for i in range(result.size)]
    return [float(tau / ((top - variance) / 2) - 1) for tau, top in zip(result.values.ravel(), largest, strict=True)]


def _riccati(configuration: Configuration) -> xr.Dataset:
    a, variance = configuration.pair.separation, configuration.pair.variance
    zero = (a**2 - variance) / 2
    tau = models.axis("tau", zero * np.array(configuration.riccati))
    result = riccati(models.pair(configuration), tau).squeeze("eigenmode")
    rate, v = result.jacobian_eigenvalue, variance + 2 * tau
    closed = (-(a**2) * v / (v - a**2) - variance) / 2
    elapsed = models.axis_of("elapsed", RICCATI, "elapsed diffusion time, in units of the time to the divergence")
    carried = riccati(models.pair(configuration), tau, elapsed / (2 * rate)).inviscid_eigenvalue.squeeze("eigenmode")
    return xr.Dataset(
        {
            "jacobian_eigenvalue": value((), rate, "eigenvalue of the Jacobian at the centre"),
            "tau_divergence": value((), result.tau_divergence, "diffusion time at which its inviscid evolution diverges"),
            "cascade": value((), result.cascade, "leading speciation time (77)"),
            "residual_eigenvalue": residual(
                (), relative(rate, (a**2 - v) / v**2, a**2 / v**2), "eigenvalue against (30), over the larger term"
            ),
            "residual_equation": residual(
                ("tau", "elapsed"),
                carried.transpose("tau", "elapsed").values / _carried(rate.values, elapsed.values) - 1,
                r"eigenvalue along a characteristic against an integrator of $dJ/d\tau = 2J^2$, relative",
                1e-9,
            ),
            "residual_cascade": residual((), relative(result.cascade, zero), "leading time against (77), relative"),
            "residual_error": residual(
                (),
                relative(result.divergence_error, closed - zero, tau),
                r"divergence minus the leading speciation time, against its closed form, relative",
            ),
            "residual_divergence": residual(
                (),
                relative(result.tau_divergence, closed, tau),
                r"divergence against the variance $-\lambda_1 v/(v - \lambda_1)$, relative",
            ),
            "violation": violation(
                (), abs(result.divergence_error) / zero, r"divergence time from $\tau^*$, in units of $\tau^*$"
            ),
        },
        {**tau.coords, **elapsed.coords},
    )


def _exactness(configuration: Configuration) -> xr.Dataset:
    cases = {"pair": models.pair(configuration), "equilateral": models.equilateral(configuration), "sphere": _on_sphere()}
    cases["simplex"] = families.simplex(2.0, 0.1, vertices=5)
    gaps, times, sizes = [], [], []
    for density in cases.values():
        one = density.squeeze(drop=True) if "separation" in density.dims else density
        central = moments(one)
        result = responsibilities(one, central.centre, 0.01)
        gaps.append(float(abs(result - one.component_weight).max(skipna=False)))
        compared = speciation(one, criteria=("leading", "exact")).tau_star
        times.append(float(relative(compared[..., 0], compared[..., 1]).squeeze()))
        sizes.append(float(abs(corrections(one, 1).covariance_coefficient.squeeze())) / central.mean_squared**2)
    other = _unequal_but_exact(OUTER)
    compared = speciation(other, criteria=("leading", "exact")).tau_star.squeeze()
    spread = moments(other).squared
    return xr.Dataset(
        {
            "unequal_distances": value(
                (), spread.max() - spread.min(), "spread of $D$ in an example whose leading time is exact"
            ),
            "residual_weights": residual("case", gaps, "responsibilities at the weighted mean minus the weights"),
            "residual_times": residual("case", times, "leading against exact, relative"),
            "residual_coefficient": residual("case", sizes, "coefficient $C$ over the squared mean of $D$"),
            "residual_converse": residual(
                (), relative(compared[0], compared[1]), "leading against exact in that example", 1e-9
            ),
        },
        {"case": ("case", list(cases), {"long_name": "mixture whose means are equally far from their weighted mean"})},
    )


OUTER = 1.2
"""Distance of the second pair in `_crossed`: at smaller or larger ones the leading time cannot be exact."""


def _on_sphere() -> xr.Dataset:
    """Unequal weights on a circle about the weighted mean: two pairs of opposite means with different weights."""
    return mixture([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [0.3, 0.3, 0.2, 0.2], 0.05)


def _crossed(outer: float, share: float) -> xr.Dataset:
    """Means at +-1 along the first axis (total weight 0.6), at +-outer along the second, and at the centre."""
    rest = 0.4 - share
    return mixture(
        [[1.0, 0.0], [-1.0, 0.0], [0.0, outer], [0.0, -outer], [0.0, 0.0]], [0.3, 0.3, share / 2, share / 2, rest], 1e-3
    )


def _unequal_but_exact(outer: float) -> xr.Dataset:
    """The mixture whose near and far components balance, so that the leading time is exact for unequal distances."""

    def error(share: float) -> float:
        compared = speciation(_crossed(outer, share), criteria=("leading", "exact")).tau_star.squeeze()
        return float(compared[0] - compared[1])

    return _crossed(outer, float(brentq(error, 0.31, 0.38, xtol=1e-15)))


def _distance_weighted(configuration: Configuration) -> xr.Dataset:
    central = moments(models.cloud(configuration))
    trace, mean = np.trace(central.distance_weighted), central.weights @ central.squared**2
    smallest = np.linalg.eigvalsh(central.distance_weighted)[0]
    # Gamma = Sigma_B + (D-bar Sigma_B - Sigma_D)/(2v) + O(v^-2), and H = -I/v + Gamma/v^2: two v eliminate the next order.
    result = _slope_of_covariance(models.cloud(configuration), central)
    return xr.Dataset(
        {
            "sigma_d": value(("feature", "feature_other"), central.distance_weighted, r"$\Sigma_D$ (87)"),
            "residual_trace": residual(
                (), relative(trace, mean), r"trace of $\Sigma_D$ against the mean of $D^2$, relative"
            ),
            "residual_software": residual(
                (),
                np.abs(result - central.distance_weighted).max() / trace,
                r"$\Sigma_D$ from the score's Jacobian at large $v$, over the trace",
                1e-4,
            ),
            "residual_positive": residual(
                (), np.minimum(0.0, smallest) / trace, "negative part of its smallest eigenvalue, over the trace"
            ),
            "residual_mean": residual(
                (),
                relative(np.trace(central.between), central.mean_squared),
                r"trace of $\Sigma_B$ against $\bar D$, relative",
            ),
        }
    )


def _slope_of_covariance(density: xr.Dataset, central: Moments) -> np.ndarray:
    """Sigma_D extrapolated from the score's Jacobian at the weighted mean at two large noise variances."""
    v = central.mean_squared * np.array([1e3, 2e3])
    tau = models.axis("tau", (v - float(density.component_variance)) / 2)
    jacobian = score_jacobian(density, central.centre, tau).values
    step = v[:, None, None]
    covariance = step**2 * (jacobian + np.eye(len(central.centre)) / step)
    once = central.mean_squared * central.between - 2 * step * (covariance - central.between)
    return 2 * once[1] - once[0]


def _corrected_jacobian(configuration: Configuration) -> xr.Dataset:
    cloud = models.cloud(configuration)
    central, tau, v = _noisy(cloud)
    w, d, mean = central.weights, central.squared, central.mean_squared
    correction = mean * central.between - central.distance_weighted
    step = v[:, None, None]
    series = -np.eye(configuration.cloud.dimension) / step + central.between / step**2 + correction / (2 * step**3)
    gap = score_jacobian(cloud, central.centre, tau).values - series
    third = np.einsum("k,ki->i", w * d, central.centred)
    fourth = np.einsum("k,ki,kj->ij", w * d**2, central.centred, central.centred)
    known_next = (fourth - 2 * mean * central.distance_weighted + (2 * mean**2 - w @ d**2) * central.between) / 8
    known_next = known_next - np.outer(third, third) / 4
    scale = np.abs(known_next).max()
    following = np.abs(gap[-1] * v[-1] ** 4 - known_next).max() / scale
    return _order(tau, np.abs(gap).max((-2, -1)), v, 4, "Jacobian minus (88)").assign(
        residual_next=residual((), following, "coefficient of the next order against its closed form, relative", ORDER)
    )


STATEMENTS = (
    Statement(
        "Proposition 7.8",
        "Leading-order specialization",
        r"For $v \to \infty$ the Jacobian at the weighted mean $\bar\mu$ has a leading form, which gives the speciation "
        "times; they are exact where the responsibilities stay equal, and hierarchical data have a cascade of them.",
        {
            "75": r"H(\bar\mu) = -\frac{I}{v} + \frac{\Sigma_B}{v^2} + \ldots",
            "77": r"\tau^*_j = \tfrac12(\lambda_j - \sigma_0^2)",
        },
        "The order of the remainder of (75), the cascade, and the error of (77) for a triangle at three scales.",
        _leading_jacobian,
        (score_jacobian, speciation, exact_cascade),
        condition="it is read as a limit of large noise at fixed means",
        truth=r"At the threshold $v$ is $\lambda_1$, and there is no small parameter: the error of (77) relative to $v^*$ "
        "does not fall with the separation of the means. It vanishes where their distances from the mean are equal.",
        shown=("order", "error_leading"),
    ),
    Statement(
        "Remark 7.9",
        "Matrix Riccati structure",
        "Along inviscid characteristics the Jacobian obeys a Riccati equation; the divergence of its eigenvalues gives the "
        "threshold (77).",
        {"": r"\frac{dJ}{d\tau} = 2J^2,\qquad \mu(\tau) = \frac{\mu_0}{1 - 2\mu_0\,(\tau - \tau_0)}"},
        r"The evolution against an integrator, and its divergence time for four $\tau_0$ above $\tau^*$.",
        _riccati,
        (riccati,),
        truth="The equation holds, the conclusion does not. With one mode the eigenvalue is negative and the divergence "
        r"lies before $\tau_0$, at the variance $-\lambda_1 v/(v - \lambda_1)$: it depends on $\tau_0$, and is not "
        r"$\tau^*$, which is where the eigenvalue vanishes.",
        shown=("jacobian_eigenvalue", "tau_divergence", "cascade"),
    ),
    Statement(
        "Definition 9.1",
        "Posterior responsibility",
        r"The responsibility of a component, at the weighted mean with $D_k = \lvert\mu_k - \bar\mu\rvert^2$.",
        {"85": r"r_k = \frac{w_k\,e^{-D_k/2v}}{\sum_l w_l\,e^{-D_l/2v}}"},
        "The responsibilities of a random mixture there.",
        _responsibilities_at_mean,
        (responsibilities,),
    ),
    Statement(
        "Proposition 9.2",
        "Responsibility expansion",
        r"For large $v$ the responsibilities have an expansion in $\epsilon = 1/(2v)$, with $\delta_k = D_k - \bar D$.",
        {
            "86": r"r_k = w_k\bigl[1 - \epsilon\,\delta_k + \tfrac12\epsilon^2\,(\delta_k^2 - \overline{\delta^2})"
            r" + O(\epsilon^3)\bigr]"
        },
        "The order of the remainder after three terms.",
        _responsibility_expansion,
        (responsibilities,),
        shown=("remainder", "order"),
    ),
    Statement(
        "Corollary 9.3",
        "Exactness condition",
        "The responsibilities are the weights exactly if and only if all distances are equal: two equal components, and "
        "equal weights on a regular simplex.",
        {"": r"r_k(\bar\mu) = w_k\ \iff\ D_1 = \cdots = D_K"},
        "Responsibilities, $C$ and both times for a pair, an equilateral triangle, a simplex, and unequal weights on a "
        "circle; and a mixture with unequal $D$ whose leading time is exact.",
        _exactness,
        (responsibilities, corrections, speciation),
        truth="It holds for any weights on a sphere about the mean. For the times the condition is sufficient, but not "
        "necessary: near and far components can balance at one $v$.",
        shown=("unequal_distances",),
    ),
    Statement(
        "Definition 9.4",
        "Distance-weighted covariance",
        r"The covariance of the centred means $\tilde\mu_k$, weighted with their squared distances.",
        {"87": r"\Sigma_D = \sum_k w_k D_k\,\tilde\mu_k\tilde\mu_k^\top,\qquad \bar D = \sum_k w_k D_k"},
        "Its trace, which is the mean of $D^2$; positive eigenvalues; and its value in the software, from the slope of the "
        "posterior covariance at large $v$.",
        _distance_weighted,
        (score_jacobian,),
    ),
    Statement(
        "Theorem 9.5",
        "Corrected Jacobian",
        "The next term of the Jacobian's expansion.",
        {"88": r"H(\bar\mu) = -\frac{I}{v} + \frac{\Sigma_B}{v^2} + \frac{\bar D\,\Sigma_B - \Sigma_D}{2v^3} + O(v^{-4})"},
        "The order of the remainder of (88), and the coefficient of the next order.",
        _corrected_jacobian,
        (score_jacobian,),
        shown=("remainder", "order"),
    ),
)
