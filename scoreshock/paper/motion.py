"""Sections 5.6 and 5.7: motion of the boundary, admissible shocks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.paper import models
from scoreshock.paper.configuration import Setup
from scoreshock.paper.statement import dataset, deviation, relative, residual, statement, value, violation
from scoreshock.quantities.layer import decomposition, layer
from scoreshock.quantities.shocks import rankine_hugoniot

DIFFERENCES = 1e-6
"""Relative tolerance of finite differences in tau."""


def _pairs(setup: Setup) -> xr.Dataset:
    """The unequal pair with several weights."""
    return families.pair(setup.unequal.separation, setup.unequal.variance, np.array(setup.weights))


@statement(
    "Proposition 5.13: Decision boundary dynamics",
    "In the inviscid limit the shock moves at a speed whose minus sign is due to the reversal of time; it drifts to the "
    "minority.",
    {"48": r"\frac{dx_b}{d\tau} = -(s_L + s_R)"},
    "Position and speed of the boundary of pairs of eight weights against the one-sided scores, in both directions of time.",
    (rankine_hugoniot, layer),
    condition="diffusion time increases, as in noising; in generation the sign is reversed",
    truth=r"For pairs (48) is exact at every $\tau$, not only in the inviscid limit: $dx_b/d\tau = -\ln(w_R/w_L)/a$. It is "
    r"a speed in forward $\tau$: the boundary moves to the minority as noise grows, and away from it in generation. "
    "Between groups of several components the speed also has a diffusive part.",
    shown=("shock_speed", "shock_speed_generation", "minus_sum"),
)
def _motion(setup: Setup) -> xr.Dataset:
    tau, pairs = models.times(setup), _pairs(setup)
    result, weight = rankine_hugoniot(pairs, tau), pairs.weight
    speed = -np.log(weight / (1 - weight)) / setup.unequal.separation
    position = (setup.unequal.variance + 2 * tau) / 2 * speed
    last = result.isel(tau=-1, drop=True)  # `residual_constant` tests that the speed does not depend on tau
    to_majority = np.sign(result.shock_speed) != np.sign(0.5 - weight)
    increasing, logarithm = r"as $\tau$ increases", r"\ln(w_R/w_L)"
    reversed_speed = r"speed of the boundary in generation, as $\tau$ decreases"
    return dataset(
        result.coords,
        shock_position=value(result.shock_position, "position of the boundary"),
        shock_speed=value(last.shock_speed, f"speed of the boundary {increasing}"),
        shock_speed_generation=value(last.shock_speed_generation, reversed_speed),
        minus_sum=value(last.minus_sum, "$-(s_L + s_R)$"),
        residual_position=deviation(result.shock_position, position, f"position against $-v{logarithm}/(2a)$"),
        residual_speed=residual(result.shock_residual, f"speed {increasing} against $-(s_L + s_R)$, relative"),
        residual_constant=deviation(result.shock_speed, speed, f"speed against $-{logarithm}/a$"),
        residual_generation=deviation(result.shock_speed_generation, -speed, "speed in generation against its opposite"),
        residual_direction=residual(to_majority, f"whether the boundary moves to the majority {increasing}"),
        **_motion_of_groups(setup, tau),
        violation=violation(result.shock_residual_generation, "residual of (48) as a speed in generation time, relative"),
    )


def _motion_of_groups(setup: Setup, tau: xr.DataArray) -> dict[str, xr.Variable]:
    """Speed of the boundary between groups of several components, which also has a diffusive part."""
    cloud, step = models.cloud(setup), 1e-4 * (setup.cloud.variance + 2 * tau)
    result = layer(cloud, tau)
    omitted = relative(result.speed, result.speed_rankine_hugoniot)
    later, before = (decomposition(cloud, result.boundary, tau + sign * step).log_ratio for sign in (1, -1))
    here = decomposition(cloud, result.boundary, tau)
    length = np.sqrt((here.log_ratio_gradient**2).sum("feature", skipna=False))
    normal = (here.background * here.log_ratio_gradient).sum("feature", skipna=False) / length
    boundary = "boundary of several components"
    rate = rf"speed of the {boundary} against $-\varphi_\tau/\lvert\nabla\varphi\rvert$"
    sides = rf"(48) for the {boundary} against $-2\,\bar s\cdot n$"
    return {
        "beyond": value(omitted, f"part of the speed that (48) omits, {boundary}, relative"),
        "residual_cloud": deviation(result.speed, -((later - before) / (2 * step)) / length, rate, DIFFERENCES),
        "residual_sides": deviation(result.speed_rankine_hugoniot, -2 * normal, sides),
    }


@statement(
    "Proposition 5.14: Scalar entropy admissibility",
    "On a normal slice through a boundary of a Gaussian mixture with well separated modes the score obeys Lax's entropy "
    "condition.",
    {"": r"s_L < s_R\ \iff\ u_L > u_R"},
    "One-sided scores of pairs of eight weights at all times, and of groups in several dimensions.",
    (rankine_hugoniot, layer),
    truth="For a pair it holds at every noise level, even if the boundary does not lie between the means (very unequal "
    "weights), where the paper's argument does not apply.",
)
def _lax(setup: Setup) -> xr.Dataset:
    tau, a = models.times(setup), setup.unequal.separation
    result, v = rankine_hugoniot(_pairs(setup), tau), setup.unequal.variance + 2 * tau
    left, right, position = result.score_left, result.score_right, result.shock_position
    left_gap = relative(left, -(a + position) / v, a / v)
    right_gap = relative(right, (a - position) / v, a / v)
    cloud = layer(models.cloud(setup), tau)
    broken = (cloud.lax != 1) | (cloud.layer_status != Status.ok)
    alone = "component alone, relative to the larger term"
    return dataset(
        result.coords,
        score_left=value(left, "one-sided score on the left"),
        score_right=value(right, "one-sided score on the right"),
        between_means=value(result.between_means, "whether the boundary lies between the means"),
        residual_pairs=residual(result.lax != 1, "whether a pair's shock is not admissible"),
        residual_order=residual(~(left < right), "whether $s_L$ is not below $s_R$"),
        residual_left=residual(left_gap, f"$s_L$ against the score $-(a + x_b)/v$ of the left {alone}"),
        residual_right=residual(right_gap, f"$s_R$ against the score $(a - x_b)/v$ of the right {alone}"),
        residual_cloud=residual(broken, "whether a shock between groups in several dimensions is not admissible"),
    )
