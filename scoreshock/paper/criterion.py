"""Section 9.4: the exact speciation criterion, its roots, and the hierarchy of formulas."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture
from scoreshock.paper import models
from scoreshock.paper.asymmetry import APPROXIMATIONS, FLOOR
from scoreshock.paper.boundary import MERGING, merging_gap
from scoreshock.paper.configuration import Line, Setup
from scoreshock.paper.moments import moments
from scoreshock.paper.statement import dataset, relative, residual, statement, value, violation
from scoreshock.quantities.fields import score_jacobian
from scoreshock.quantities.modes import mode_count
from scoreshock.quantities.speciation import speciation

WIDTH = 8
"""Maximum number of listed roots of a mixture."""

SCALES = np.geomspace(1e-3, 1e2, 501)
"""Variances at which the quotient of (94) is evaluated, in units of the squared spread of the means."""

AROUND = (0.24, 0.26, 0.28)
"""Diffusion times near that of the exact criterion of an equilateral triangle of radius 1, 0.25."""

ROOTLESS = 0.6467
"""Heavier weight of a pair above which (94) has no root; there the two roots coincide."""


@statement(
    "Theorem 9.10: Exact speciation criterion",
    r"The speciation time is the unique solution of an equation for the posterior covariance $\Gamma$ of the means at "
    r"$\bar\mu$, because $\lambda_{\max}(\Gamma(v))/v$ decreases with $v$.",
    {"94": r"\lambda_{\max}\bigl(\Gamma(v)\bigr) = v,\qquad v = \sigma_0^2 + 2\tau^*"},
    r"All roots of seven mixtures on a line, each inserted into the Jacobian; increases of $\lambda_{\max}(\Gamma(v))/v$; "
    "and the merging of the density's modes.",
    (speciation, score_jacobian),
    truth=r"There can be 0, 1, 2, 3, 4 or more roots, and $\lambda_{\max}(\Gamma(v))/v$ increases before it decreases: "
    "unless two means share the least distance from the weighted mean, it tends to 0 for small and for large $v$, and the "
    r"number of roots is even. $\tau^*$ is the largest root; without a root the density can still have two modes.",
    shown=("n_roots", "tau_root", "tau_merging"),
)
def _roots(setup: Setup) -> xr.Dataset:
    lines = xr.concat([_on_line(line) for line in setup.lines], "case")
    triangle = models.triangle(setup).isel(separation=0)
    root = speciation(triangle, criteria=("exact",)).tau_star.values
    crossed = r"number of roots minus that of the crossings of $\lambda_{\max}(\Gamma)/v = 1$"
    counted = "whether the number of modes, counted on a grid, does not fall to one at the last merging"
    inserted = "largest eigenvalue of the triangle's Jacobian at its root, in units of $1/v$"
    rising = r"largest increase of $\lambda_{\max}(\Gamma(v))/v$ with $v$; the paper states a decrease"
    return dataset(
        models.labels("case", [line.name for line in setup.lines], "mixture on a line"),
        n_roots=value(lines.number, "number of roots of (94)"),
        tau_root=value(lines.roots, "roots of (94), ascending"),
        tau_merging=value(lines.merging, "time at which the last two modes of the density merge"),
        residual_roots=residual(lines.gap, "largest eigenvalue of the Jacobian at the roots, in units of $1/v$", 1e-11),
        residual_count=residual(lines.number - lines.crossings, crossed),
        residual_merging=residual(lines.unmerged, counted),
        residual_triangle=residual(_root_residual(triangle, root), inserted, 1e-11),
        violation=violation(abs(lines.number - 1), "number of roots minus the one that the paper states"),
        violation_monotone=violation(lines.rise, rising),
    )


def _on_line(line: Line) -> xr.Dataset:
    """Roots of (94) of a mixture on a line, its last merging, and their checks."""
    density = mixture(line.means, line.weights, FLOOR)
    result = speciation(density, criteria=("exact", "merging"))
    roots = result.tau_root.values[result.root_status.values == Status.ok]
    merging = float(result.tau_star.sel(criterion="merging"))
    listed = np.pad(np.sort(roots)[:WIDTH], (0, max(0, WIDTH - roots.size)), constant_values=np.nan)
    # This grid of v contains all roots.
    quotients = moments(density).quotient(np.geomspace(FLOOR, 1.01 * np.ptp(line.means) ** 2 / 4, 4001))
    return dataset(
        number=int(result.n_roots),
        roots=("root", listed),
        gap=_root_residual(density, roots),
        merging=merging,
        unmerged=not _merges(line, merging),
        rise=_rise(density),
        crossings=int((np.diff(np.sign(quotients - 1)) != 0).sum()),
    )


def _merges(line: Line, tau: float) -> bool:
    """Whether the density has several modes just before the time and one just after it."""
    x = np.linspace(min(line.means), max(line.means), 20001)
    means, weights = np.array(line.means), np.array(line.weights)
    counts = []
    for v in (FLOOR + 2 * tau) * np.array([1 - 1e-3, 1 + 1e-3]):
        offset = means[:, None] - x
        score = (weights[:, None] * np.exp(-(offset**2) / (2 * v)) * offset).sum(0)
        counts.append(int(((score[:-1] > 0) & (score[1:] <= 0)).sum()))
    return counts[0] > 1 and counts[1] == 1


def _rise(density: xr.Dataset) -> float:
    """Largest increase with v of the largest eigenvalue of the posterior covariance over v, above its previous minimum."""
    central = moments(density)
    v = central.squared.max() * SCALES
    tau = models.axis("tau", (v[v > FLOOR] - FLOOR) / 2)
    largest = 1 + v[v > FLOOR] * score_jacobian(density, central.centre, tau).values.ravel()
    return float((largest - np.minimum.accumulate(largest)).max())


def _root_residual(density: xr.Dataset, roots: np.ndarray) -> float:
    """Largest eigenvalue, times v, of the score's Jacobian at the weighted mean, which (94) sets to zero."""
    if not roots.size:
        return 0.0
    jacobian = score_jacobian(density, moments(density).centre, models.axis("tau", roots)).values
    v = float(density.component_variance) + 2 * roots
    return float(np.abs(np.linalg.eigvalsh(jacobian)[:, -1] * v).max())


@statement(
    "Remark 9.11: Hierarchy of formulas",
    "The exact criterion is always valid; the closed forms are exact where symmetric, and corrected otherwise.",
    {},
    "All criteria for pairs of eight weights, against the merging of the density's modes; and the number of modes of an "
    "equilateral triangle.",
    (speciation, mode_count),
    condition="the modes separate at the weighted mean, as for equal weights",
    truth="The exact criterion is exact at the weighted mean. For unequal weights this point can be irrelevant: beyond "
    "weights 0.647 and 0.353 the criterion has no root, although the density has two modes. Even where it is exact, as for "
    r"the equilateral triangle, modes away from the centre persist: four at $\tau = 0.26$, one at 0.28.",
    shown=("threshold", "n_modes"),
)
def _hierarchy(setup: Setup) -> xr.Dataset:
    weights = models.axis_of("heavier", setup.heavier, "weight of the heavier component")
    criteria, heavier = (*APPROXIMATIONS, "exact", "merging"), weights.values
    result = speciation(families.pair(1.0, FLOOR, heavier), criteria=criteria).rename(weight="heavier").drop_vars("heavier")
    v, equal = 2 * result.tau_star + FLOOR, result.tau_star.isel(heavier=0, drop=True)
    of = {name: v.sel(criterion=name, drop=True) for name in ("leading", "merging")}
    exact, merging = (result.status.sel(criterion=name, drop=True) for name in ("exact", "merging"))
    lost = (exact == Status.no_real_root) & (merging == Status.ok)
    around = models.axis("tau", AROUND)
    modes = mode_count(families.polygon(1.0, 0.0, vertices=3), around).n_modes.squeeze()
    symmetric = relative(equal, equal.sel(criterion="exact", drop=True))
    leading = of["leading"] - 4 * heavier * (1 - heavier)
    merged = f"{MERGING} half the log-odds (Robertson and Fryer 1969)"
    unexpected = "whether the exact criterion lacks a root up to the weight 0.6467, or has one beyond"
    return dataset(
        weights.coords,
        {"tau": around, "criterion": result.criterion},
        threshold=value(v.where(result.status == Status.ok), "variance $v$ at the threshold, in units of $a^2$"),
        n_modes=value(modes, r"modes of an equilateral triangle of radius 1 near its criterion, $\tau = 0.25$"),
        residual=residual(symmetric, "criteria for equal weights against the exact one"),
        residual_modes=residual(modes - [3, 4, 1], "modes of the triangle minus 3, 4 and 1"),
        residual_merging=residual(merging_gap(of["merging"], heavier), merged, 1e-10),
        residual_leading=residual(leading, r"leading threshold minus $4 w_L w_R\,a^2$, in units of $a^2$"),
        residual_lost=residual(lost != (heavier > ROOTLESS), unexpected),
        violation=violation(lost.sum(), "number of pairs that have two modes and no root of (94)"),
    )
