"""Sections 5.6 and 5.7: motion of the boundary, admissible shocks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.paper import models
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.statement import Statement, relative, residual, value, violation
from scoreshock.quantities.layer import decomposition, layer
from scoreshock.quantities.shocks import rankine_hugoniot

DIFFERENCES = 1e-6
"""Relative tolerance of finite differences in tau."""


def _motion(configuration: Configuration) -> xr.Dataset:
    unequal, tau = configuration.unequal, models.times(configuration)
    pairs = families.pair(unequal.separation, unequal.variance, np.array(configuration.weights))
    result = rankine_hugoniot(pairs, tau)
    weight = pairs.weight
    speed = -np.log(weight / (1 - weight)) / unequal.separation
    position = (unequal.variance + 2 * tau) / 2 * speed
    last = result.isel(tau=-1, drop=True)  # `residual_constant` tests that the speed does not depend on tau
    direction = np.sign(result.shock_speed) != np.sign(0.5 - weight)
    shift = r"position against $-v\ln(w_R/w_L)/(2a)$, relative"
    generation = r"speed of the boundary in generation, as $\tau$ decreases"
    return xr.Dataset(
        {
            "shock_position": value((), result.shock_position, "position of the boundary"),
            "shock_speed": value((), last.shock_speed, r"speed of the boundary as $\tau$ increases"),
            "shock_speed_generation": value((), last.shock_speed_generation, generation),
            "minus_sum": value((), last.minus_sum, "$-(s_L + s_R)$"),
            "residual_place": residual((), relative(result.shock_position, position), shift),
            "residual_speed": residual(
                (), result.shock_residual, r"speed as $\tau$ increases against $-(s_L + s_R)$, relative"
            ),
            "residual_constant": residual(
                (), relative(result.shock_speed, speed), r"speed against $-\ln(w_R/w_L)/a$, relative"
            ),
            "residual_generation": residual(
                (), relative(result.shock_speed_generation, -speed), "speed in generation against its opposite, relative"
            ),
            "residual_direction": residual(
                (), direction.astype(float), r"whether it moves to the majority as $\tau$ increases"
            ),
            **_motion_of_groups(configuration, tau),
            "violation": violation(
                (), result.shock_residual_generation, "residual of (48) as a speed in generation time, relative"
            ),
        },
        result.coords,
    )


def _motion_of_groups(configuration: Configuration, tau: xr.DataArray) -> dict[str, xr.Variable]:
    """Speed of the boundary between groups of several components, which also has a diffusive part."""
    cloud = layer(models.cloud(configuration), tau)
    ratio_rate, gradient, background = _at_boundary(configuration, cloud, tau)
    beyond = relative(cloud.speed, cloud.speed_rankine_hugoniot)
    return {
        "beyond": value((), beyond, "part of the speed that (48) omits, boundary of several components, relative"),
        "residual_cloud": residual(
            (),
            relative(cloud.speed, -ratio_rate / gradient),
            r"speed of the boundary of several components against $-\varphi_\tau/\lvert\nabla\varphi\rvert$, relative",
            DIFFERENCES,
        ),
        "residual_sides": residual(
            (),
            relative(cloud.speed_rankine_hugoniot, -2 * background),
            r"(48) for the boundary of several components against $-2\,\bar s\cdot n$, relative",
        ),
    }


def _at_boundary(
    configuration: Configuration, result: xr.Dataset, tau: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """On a boundary: time derivative of the log-ratio by differences, length of its gradient, normal background score."""
    cloud = models.cloud(configuration)
    rates, lengths, backgrounds = [], [], []
    for index, time in enumerate(tau.values):
        position, step = result.boundary.isel(tau=index), 1e-4 * (configuration.cloud.variance + 2 * time)
        later, before = (decomposition(cloud, position, time + sign * step).log_ratio for sign in (1, -1))
        rates.append((later - before) / (2 * step))
        here = decomposition(cloud, position, time)
        lengths.append(np.sqrt((here.log_ratio_gradient**2).sum("feature", skipna=False)))
        backgrounds.append((here.background * here.log_ratio_gradient).sum("feature", skipna=False) / lengths[-1])
    return xr.concat(rates, tau), xr.concat(lengths, tau), xr.concat(backgrounds, tau)


def _lax(configuration: Configuration) -> xr.Dataset:
    unequal, tau = configuration.unequal, models.times(configuration)
    result = rankine_hugoniot(families.pair(unequal.separation, unequal.variance, np.array(configuration.weights)), tau)
    cloud = layer(models.cloud(configuration), tau)
    broken = (cloud.lax != 1) | (cloud.layer_status != Status.ok)
    a, v = unequal.separation, unequal.variance + 2 * tau
    return xr.Dataset(
        {
            "score_left": value((), result.score_left, "one-sided score on the left"),
            "score_right": value((), result.score_right, "one-sided score on the right"),
            "between_means": value((), result.between_means, "whether the boundary lies between the means"),
            "residual_pairs": residual((), (result.lax != 1).astype(float), "whether a pair's shock is not admissible"),
            "residual_order": residual(
                (), (~(result.score_left < result.score_right)).astype(float), "whether $s_L$ is not below $s_R$"
            ),
            "residual_left": residual(
                (),
                relative(result.score_left, -(a + result.shock_position) / v, a / v),
                "$s_L$ against the score $-(a + x_b)/v$ of the left component alone, relative to the larger term",
            ),
            "residual_right": residual(
                (),
                relative(result.score_right, (a - result.shock_position) / v, a / v),
                "$s_R$ against the score $(a - x_b)/v$ of the right component alone, relative to the larger term",
            ),
            "residual_cloud": residual(
                (), broken.astype(float), "whether a shock between groups in several dimensions is not admissible"
            ),
        },
        result.coords,
    )


STATEMENTS = (
    Statement(
        "Proposition 5.13",
        "Decision boundary dynamics",
        "In the inviscid limit the shock moves at a speed whose minus sign is due to the reversal of time; it drifts to the "
        "minority.",
        {"48": r"\frac{dx_b}{d\tau} = -(s_L + s_R)"},
        "Position and speed of the boundary of pairs of eight weights against the one-sided scores, in both directions of "
        "time.",
        _motion,
        (rankine_hugoniot, layer),
        condition="diffusion time increases, as in noising; in generation the sign is reversed",
        truth=r"For pairs (48) is exact at every $\tau$, not only in the inviscid limit: $dx_b/d\tau = "
        r"-\ln(w_R/w_L)/a$. It is a speed in forward $\tau$: the boundary moves to the minority as noise grows, "
        "and away from it in generation. Between groups of several components the speed also has a diffusive part.",
        shown=("shock_speed", "shock_speed_generation", "minus_sum"),
    ),
    Statement(
        "Proposition 5.14",
        "Scalar entropy admissibility",
        "On a normal slice through a boundary of a Gaussian mixture with well separated modes the score obeys Lax's entropy "
        "condition.",
        {"": r"s_L < s_R\ \iff\ u_L > u_R"},
        "One-sided scores of pairs of eight weights at all times, and of groups in several dimensions.",
        _lax,
        (rankine_hugoniot, layer),
        truth="For a pair it holds at every noise level, even if the boundary does not lie between the means (very unequal "
        "weights), where the paper's argument does not apply.",
    ),
)
