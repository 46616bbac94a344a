"""Sections 7.4 and 9.1-9.2: expansion of responsibilities and Jacobian at the weighted mean in inverse noise variance."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture
from scoreshock.paper import models
from scoreshock.paper.configuration import Setup
from scoreshock.paper.moments import Moments, moments, moments_along
from scoreshock.paper.statement import dataset, deviation, relative, residual, slope, statement, value, violation
from scoreshock.quantities.cascade import exact_cascade
from scoreshock.quantities.corrections import corrections
from scoreshock.quantities.fields import responsibilities, score_jacobian
from scoreshock.quantities.speciation import speciation
from scoreshock.quantities.vorticity import riccati

LARGE = 10.0 ** np.array([1.0, 1.5, 2.0, 2.5, 3.0])
"""Noise variances at which the order of a remainder is measured, in units of the mean squared distance."""

ORDER = 0.02
"""Tolerance of a measured order, which the next term still affects."""

RICCATI = np.array([-20.0, -1.0, -0.1, 0.1, 0.5, 0.9])
"""Elapsed diffusion times along a characteristic, of both signs, in units of the time to its divergence."""

OUTER = 1.2
"""Distance of the second pair in `_unequal_but_exact`: at smaller or larger ones the leading time cannot be exact."""


def leading_and_exact(density: xr.Dataset) -> list[float]:
    """Leading and exact speciation time of one mixture."""
    return [float(time) for time in speciation(density, criteria=("leading", "exact")).tau_star]


def _at_large_noise(density: xr.Dataset, ratios: np.ndarray = LARGE) -> tuple[Moments, xr.DataArray, np.ndarray]:
    """Moments, diffusion times of noise variances v in units of the mean squared distance, and v as (v, 1, 1)."""
    central = moments(density)
    v = central.mean_squared * ratios
    return central, models.axis("tau", (v - float(density.component_variance)) / 2), v[:, None, None]


def _order(tau: xr.DataArray, gap: np.ndarray, v: np.ndarray, order: int, what: str) -> xr.Dataset:
    """Largest entries of a remainder at each v, and the exponent of their power law in 1/v against ``order``."""
    largest = np.abs(gap).reshape(tau.size, -1).max(-1)
    measured = -slope(largest, v.ravel())
    return dataset(
        tau.coords,
        remainder=value(largest, f"largest of the {what}", dims="tau"),
        order=value(measured, r"order of the remainder in $1/v$, between consecutive $\tau$", dims="interval"),
        residual=residual(measured[-1] - order, f"order in $1/v$ of the {what}, minus {order}", ORDER),
    )


@statement(
    "Definition 9.1: Posterior responsibility",
    r"The responsibility of a component, at the weighted mean with $D_k = \lvert\mu_k - \bar\mu\rvert^2$.",
    {"85": r"r_k = \frac{w_k\,e^{-D_k/2v}}{\sum_l w_l\,e^{-D_l/2v}}"},
    "The responsibilities of a random mixture at the weighted mean.",
    (responsibilities,),
)
def _responsibilities_at_mean(setup: Setup) -> xr.Dataset:
    cloud = models.cloud(setup)
    central = moments(cloud)
    tau = models.axis("tau", [*setup.times, 10.0, 1e3])
    weighted = central.weights * np.exp(-central.squared / (2 * (setup.cloud.variance + 2 * tau.values[:, None])))
    expected = weighted / weighted.sum(-1, keepdims=True)
    result = responsibilities(cloud, central.centre, tau)
    return dataset(
        tau.coords,
        responsibilities=value(result, "responsibility at the weighted mean"),
        residual=residual(relative(result, expected, 1.0), "responsibilities against $w_k e^{-D_k/2v}$, normalised"),
    )


@statement(
    "Proposition 9.2: Responsibility expansion",
    r"For large $v$ the responsibilities have an expansion in $\epsilon = 1/(2v)$, with $\delta_k = D_k - \bar D$.",
    {
        "86": r"r_k = w_k\bigl[1 - \epsilon\,\delta_k + \tfrac12\epsilon^2\,(\delta_k^2 - \overline{\delta^2})"
        r" + O(\epsilon^3)\bigr]"
    },
    "The order of the remainder after three terms.",
    (responsibilities,),
    shown=("remainder", "order"),
)
def _responsibility_expansion(setup: Setup) -> xr.Dataset:
    cloud = models.cloud(setup)
    central, tau, v = _at_large_noise(cloud)
    away, small = central.squared - central.mean_squared, 1 / (2 * v[..., 0])
    second = (away**2 - central.weights @ away**2) / 2
    series = central.weights * (1 - small * away + small**2 * second)
    gap = responsibilities(cloud, central.centre, tau).values - series
    return _order(tau, gap, v, 3, "responsibilities minus (86) through second order")


@statement(
    "Proposition 7.8: Leading-order specialization",
    r"For $v \to \infty$ the Jacobian at the weighted mean $\bar\mu$ has a leading form, which gives the speciation times; "
    "they are exact where the responsibilities stay equal, and hierarchical data have a cascade of them.",
    {
        "75": r"H(\bar\mu) = -\frac{I}{v} + \frac{\Sigma_B}{v^2} + \ldots",
        "77": r"\tau^*_j = \tfrac12(\lambda_j - \sigma_0^2)",
    },
    "The order of the remainder of (75), the cascade, and the error of (77) for a triangle at three scales.",
    (score_jacobian, speciation, exact_cascade),
    condition="it is read as a limit of large noise at fixed means",
    truth=r"At the threshold $v$ is $\lambda_1$, and there is no small parameter: the error of (77) relative to $v^*$ does "
    "not fall with the separation of the means. It vanishes where their distances from the mean are equal.",
    shown=("order", "error_leading"),
)
def _leading_jacobian(setup: Setup) -> xr.Dataset:
    cloud = models.cloud(setup)
    central, tau, v = _at_large_noise(cloud)
    series = -np.eye(setup.cloud.dimension) / v + central.between / v**2
    gap = score_jacobian(cloud, central.centre, tau).values - series
    eigenvalues = np.linalg.eigvalsh(central.between)[::-1]
    cascade = speciation(cloud).cascade
    expected = (eigenvalues[: cascade.size] - setup.cloud.variance) / 2
    cascade_gap = relative(cascade, expected, eigenvalues[0])
    tree = exact_cascade(families.hierarchy(setup.pair.separation, 1e-3, ratio=0.5, levels=3))
    tree_gap = relative(tree.cascade, tree.tau_eigenmode).rename(eigenmode="tree_eigenmode")
    leading, exact = leading_and_exact(models.equilateral(setup))
    result = _order(tau, gap, v, 3, "Jacobian minus (75)").merge(_triangle_errors(setup))
    return result.assign(
        residual_cascade=residual(cascade_gap, "cascade against eigenvalues of (15), relative"),
        residual_hierarchy=residual(tree_gap, "cascade of a hierarchy against the exact one", 1e-9),
        residual_equal=deviation(leading, exact, "leading against exact time for equal distances"),
    )


def _triangle_errors(setup: Setup) -> xr.Dataset:
    """Error of the leading threshold of the triangle, which does not depend on the scale."""
    triangle, variance = models.triangle(setup), setup.triangle.variance
    tau_star = speciation(triangle, criteria=("leading", "exact")).tau_star
    leading, exact = (tau_star.sel(criterion=name, drop=True) for name in ("leading", "exact"))
    error = relative(leading + variance / 2, exact + variance / 2)
    expected = np.array([(central.largest - variance) / 2 for central in moments_along(triangle, "separation")])
    by_scale = "error of the leading threshold against that at the first scale, relative"
    against = r"leading time of the triangle against $\tfrac12(\lambda_1 - \sigma_0^2)$, relative"
    return dataset(
        {"separation": tau_star.separation},
        error_leading=value(error, "error of the leading threshold $v^*$ of the triangle, relative, by scale"),
        residual_scale=residual(relative(error, error[0]), by_scale, 1e-9),
        residual_leading=residual(leading / expected - 1, against),
        violation=violation(error.min(skipna=False), "error of the leading threshold at the largest scales, relative"),
    )


@statement(
    "Remark 7.9: Matrix Riccati structure",
    "Along inviscid characteristics the Jacobian obeys a Riccati equation; the divergence of its eigenvalues gives the "
    "threshold (77).",
    {"": r"\frac{dJ}{d\tau} = 2J^2,\qquad \mu(\tau) = \frac{\mu_0}{1 - 2\mu_0\,(\tau - \tau_0)}"},
    r"The evolution against an integrator, and its divergence time for four $\tau_0$ above $\tau^*$.",
    (riccati,),
    truth="The equation holds, the conclusion does not. With one mode the eigenvalue is negative and the divergence lies "
    r"before $\tau_0$, at the variance $-\lambda_1 v/(v - \lambda_1)$: it depends on $\tau_0$, and is not $\tau^*$, which "
    "is where the eigenvalue vanishes.",
    shown=("jacobian_eigenvalue", "tau_divergence", "cascade"),
)
def _riccati(setup: Setup) -> xr.Dataset:
    a, variance, zero = setup.pair.separation, setup.pair.variance, setup.pair.tau_star
    tau = models.axis("tau", zero * np.array(setup.riccati))
    result = riccati(models.pair(setup), tau).squeeze("eigenmode")
    rate, v = result.jacobian_eigenvalue, variance + 2 * tau
    closed = (-(a**2) * v / (v - a**2) - variance) / 2
    elapsed = models.axis_of("elapsed", RICCATI, "elapsed diffusion time, in units of the time to the divergence")
    carried = riccati(models.pair(setup), tau, elapsed / (2 * rate)).inviscid_eigenvalue.squeeze("eigenmode")
    eigenvalue = relative(rate, (a**2 - v) / v**2, a**2 / v**2)
    error = relative(result.divergence_error, closed - zero, tau)
    evolved = r"eigenvalue along a characteristic against an integrator of $dJ/d\tau = 2J^2$, relative"
    later = "divergence minus the leading speciation time, against its closed form, relative"
    position = r"divergence against the variance $-\lambda_1 v/(v - \lambda_1)$, relative"
    return dataset(
        tau.coords,
        elapsed.coords,
        jacobian_eigenvalue=value(rate, "eigenvalue of the Jacobian at the centre"),
        tau_divergence=value(result.tau_divergence, "diffusion time at which its inviscid evolution diverges"),
        cascade=value(result.cascade, "leading speciation time (77)"),
        residual_eigenvalue=residual(eigenvalue, "eigenvalue against (30), over the larger term"),
        residual_equation=residual(carried.transpose("tau", "elapsed") / _carried(rate.values) - 1, evolved, 1e-9),
        residual_cascade=deviation(result.cascade, zero, "leading time against (77)"),
        residual_error=residual(error, later),
        residual_divergence=residual(relative(result.tau_divergence, closed, tau), position),
        violation=violation(abs(result.divergence_error) / zero, r"divergence time from $\tau^*$, in units of $\tau^*$"),
    )


def _carried(rates: np.ndarray) -> np.ndarray:
    """Solution of ``dJ/dtau = 2 J^2`` from each rate, (tau, elapsed), by SciPy's integrator."""

    def at(rate: float, end: float) -> float:
        return solve_ivp(lambda _, j: 2 * j**2, (0.0, end), [rate], "DOP853", rtol=1e-12, atol=0.0).y[0, -1]

    return np.array([[at(rate, elapsed / (2 * rate)) for elapsed in RICCATI] for rate in rates])


@statement(
    "Corollary 9.3: Exactness condition",
    "The responsibilities are the weights exactly if and only if all distances are equal: two equal components, and equal "
    "weights on a regular simplex.",
    {"": r"r_k(\bar\mu) = w_k\ \iff\ D_1 = \cdots = D_K"},
    "Responsibilities, $C$ and both times for a pair, an equilateral triangle, a simplex, and unequal weights on a circle; "
    "and a mixture with unequal $D$ whose leading time is exact.",
    (responsibilities, corrections, speciation),
    truth="It holds for any weights on a sphere about the mean. For the times the condition is sufficient, but not "
    "necessary: near and far components can balance at one $v$.",
    shown=("unequal_distances",),
)
def _exactness(setup: Setup) -> xr.Dataset:
    densities = {
        "pair": models.pair(setup),
        "equilateral": models.equilateral(setup),
        "sphere": models.cross(1.0, 0.05),
        "simplex": families.simplex(2.0, 0.1, vertices=5),
    }
    cases = xr.concat([_at_equal_distances(density) for density in densities.values()], "case")
    other = _unequal_but_exact()
    spread, converse = np.ptp(moments(other).squared), relative(*leading_and_exact(other))
    return dataset(
        models.labels("case", list(densities), "mixture whose means are equally far from their weighted mean"),
        unequal_distances=value(spread, "spread of $D$ in an example whose leading time is exact"),
        residual_weights=residual(cases.weights, "responsibilities at the weighted mean minus the weights"),
        residual_times=residual(cases.times, "leading against exact time, relative"),
        residual_coefficient=residual(cases.coefficient, "coefficient $C$ over the squared mean of $D$"),
        residual_converse=residual(converse, "leading against exact time in the example with unequal distances", 1e-9),
    )


def _at_equal_distances(density: xr.Dataset) -> xr.Dataset:
    """Three numbers that vanish if all means are equally far from their weighted mean."""
    central = moments(density)
    shares = responsibilities(density, central.centre, 0.01)
    return dataset(
        weights=abs(shares - density.component_weight).max(skipna=False),
        times=relative(*leading_and_exact(density)),
        coefficient=abs(corrections(density, 1).covariance_coefficient) / central.mean_squared**2,
    )


def _unequal_but_exact() -> xr.Dataset:
    """Means at +-1 along the first axis (total weight 0.6), at +-OUTER along the second, and at the centre.

    Near and far components balance, so that the leading time is exact for unequal distances.
    """
    means = [[1.0, 0.0], [-1.0, 0.0], [0.0, OUTER], [0.0, -OUTER], [0.0, 0.0]]

    def crossed(share: float) -> xr.Dataset:
        return mixture(means, [0.3, 0.3, share / 2, share / 2, 0.4 - share], 1e-3)

    def error(share: float) -> float:
        leading, exact = leading_and_exact(crossed(share))
        return leading - exact

    return crossed(float(brentq(error, 0.31, 0.38, xtol=1e-15)))


@statement(
    "Definition 9.4: Distance-weighted covariance",
    r"The covariance of the centred means $\tilde\mu_k$, weighted with their squared distances.",
    {"87": r"\Sigma_D = \sum_k w_k D_k\,\tilde\mu_k\tilde\mu_k^\top,\qquad \bar D = \sum_k w_k D_k"},
    "Its trace, which is the mean of $D^2$; positive eigenvalues; and its value in the software, from the slope of the "
    "posterior covariance at large $v$.",
    (score_jacobian,),
)
def _distance_weighted(setup: Setup) -> xr.Dataset:
    cloud = models.cloud(setup)
    central = moments(cloud)
    weighted, trace = central.distance_weighted, np.trace(central.distance_weighted)
    mean = central.weights @ central.squared**2
    gap = np.abs(_slope_of_covariance(cloud) - weighted).max() / trace
    smallest = np.minimum(0.0, np.linalg.eigvalsh(weighted)[0])
    between = relative(np.trace(central.between), central.mean_squared)
    return dataset(
        sigma_d=value(weighted, r"$\Sigma_D$ (87)", dims=("feature", "feature_other")),
        residual_trace=deviation(trace, mean, r"trace of $\Sigma_D$ against the mean of $D^2$"),
        residual_software=residual(gap, r"$\Sigma_D$ from the score's Jacobian at large $v$, over the trace", 1e-4),
        residual_positive=residual(
            smallest / trace, r"negative part of the smallest eigenvalue of $\Sigma_D$, over the trace"
        ),
        residual_mean=residual(between, r"trace of $\Sigma_B$ against $\bar D$, relative"),
    )


def _slope_of_covariance(density: xr.Dataset) -> np.ndarray:
    """Sigma_D from the score's Jacobian ``H = -I/v + Gamma/v^2`` at the weighted mean.

    ``Gamma = Sigma_B + (D-bar Sigma_B - Sigma_D)/(2v) + O(v^-2)``: two large v eliminate the next order.
    """
    central, tau, v = _at_large_noise(density, np.array([1e3, 2e3]))
    covariance = v**2 * (score_jacobian(density, central.centre, tau).values + np.eye(len(central.centre)) / v)
    once = central.mean_squared * central.between - 2 * v * (covariance - central.between)
    return 2 * once[1] - once[0]


@statement(
    "Theorem 9.5: Corrected Jacobian",
    "The next term of the Jacobian's expansion.",
    {"88": r"H(\bar\mu) = -\frac{I}{v} + \frac{\Sigma_B}{v^2} + \frac{\bar D\,\Sigma_B - \Sigma_D}{2v^3} + O(v^{-4})"},
    "The order of the remainder of (88), and the coefficient of the next order.",
    (score_jacobian,),
    shown=("remainder", "order"),
)
def _corrected_jacobian(setup: Setup) -> xr.Dataset:
    cloud = models.cloud(setup)
    central, tau, v = _at_large_noise(cloud)
    series = -np.eye(setup.cloud.dimension) / v + central.between / v**2 + central.correction / (2 * v**3)
    gap = score_jacobian(cloud, central.centre, tau).values - series
    following = np.abs(gap[-1] * v[-1] ** 4 - central.next_order).max() / np.abs(central.next_order).max()
    return _order(tau, gap, v, 4, "Jacobian minus (88)").assign(
        residual_next=residual(following, "coefficient of the next order against its closed form, relative", ORDER)
    )
