"""Sections 5.6 and 5.7: how the boundary moves, and which shocks are admissible."""

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
"""Tolerance of what is measured by differences in tau, relative."""


def _motion(configuration: Configuration) -> xr.Dataset:
    given, tau = configuration.unequal, models.times(configuration)
    pairs = families.pair(given.separation, given.variance, np.array(configuration.weights))
    found = rankine_hugoniot(pairs, tau)
    weight = pairs.weight
    speed = -np.log(weight / (1 - weight)) / given.separation
    place = (given.variance + 2 * tau) / 2 * speed
    last = found.isel(tau=-1, drop=True)  # the speed does not depend on tau, which `residual_constant` holds
    direction = np.sign(found.shock_speed) != np.sign(0.5 - weight)
    # Groups of several components: their boundary has a diffusive speed besides.
    cloud = layer(models.cloud(configuration), tau)
    beyond = relative(cloud.speed, cloud.speed_rankine_hugoniot)
    ratio_rate, gradient, background = _at_boundary(configuration, cloud, tau)
    return xr.Dataset(
        {
            "shock_position": value((), found.shock_position, "place of the boundary"),
            "shock_speed": value((), last.shock_speed, r"speed of the boundary as $\tau$ grows"),
            "shock_speed_generation": value(
                (), last.shock_speed_generation, r"speed of the boundary in generation, as $\tau$ falls"
            ),
            "minus_sum": value((), last.minus_sum, "$-(s_L + s_R)$"),
            "beyond": value(
                (), beyond.rename(tau="tau"), "part of the speed that (48) lacks, boundary of several components, relative"
            ),
            "residual_place": residual(
                (), relative(found.shock_position, place), r"place against $-v\ln(w_R/w_L)/(2a)$, relative"
            ),
            "residual_speed": residual((), found.shock_residual, r"speed as $\tau$ grows against $-(s_L + s_R)$, relative"),
            "residual_constant": residual(
                (), relative(found.shock_speed, speed), r"speed against $-\ln(w_R/w_L)/a$, relative"
            ),
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
            "residual_generation": residual(
                (), relative(found.shock_speed_generation, -speed), "speed in generation against its opposite, relative"
            ),
            "residual_direction": residual((), direction.astype(float), r"whether it moves to the majority as $\tau$ grows"),
            "violation": violation(
                (), found.shock_residual_generation, "(48) read in generation time: its residual, relative"
            ),
        },
        found.coords,
    )


def _at_boundary(
    configuration: Configuration, found: xr.Dataset, tau: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Rate of the log-ratio by differences in tau, length of its gradient, and the background across, on a boundary."""
    cloud = models.cloud(configuration)
    rates, lengths, backgrounds = [], [], []
    for index, time in enumerate(tau.values):
        place, step = found.boundary.isel(tau=index), 1e-4 * (configuration.cloud.variance + 2 * time)
        later, before = (decomposition(cloud, place, time + sign * step).log_ratio for sign in (1, -1))
        rates.append((later - before) / (2 * step))
        here = decomposition(cloud, place, time)
        lengths.append(np.sqrt((here.log_ratio_gradient**2).sum("feature", skipna=False)))
        backgrounds.append((here.background * here.log_ratio_gradient).sum("feature", skipna=False) / lengths[-1])
    return xr.concat(rates, tau), xr.concat(lengths, tau), xr.concat(backgrounds, tau)


def _lax(configuration: Configuration) -> xr.Dataset:
    given, tau = configuration.unequal, models.times(configuration)
    found = rankine_hugoniot(families.pair(given.separation, given.variance, np.array(configuration.weights)), tau)
    cloud = layer(models.cloud(configuration), tau)
    broken = (cloud.lax != 1) | (cloud.layer_status != Status.ok)
    a, v = given.separation, given.variance + 2 * tau
    return xr.Dataset(
        {
            "score_left": value((), found.score_left, "one-sided score on the left"),
            "score_right": value((), found.score_right, "one-sided score on the right"),
            "between_means": value((), found.between_means, "whether the boundary lies between the means"),
            "residual_pairs": residual((), (found.lax != 1).astype(float), "whether a pair's shock is not admissible"),
            "residual_order": residual(
                (), (~(found.score_left < found.score_right)).astype(float), "whether $s_L$ is not below $s_R$"
            ),
            "residual_left": residual(
                (),
                relative(found.score_left, -(a + found.shock_position) / v, a / v),
                "$s_L$ against the score $-(a + x_b)/v$ of the left component alone, relative to the larger term",
            ),
            "residual_right": residual(
                (),
                relative(found.score_right, (a - found.shock_position) / v, a / v),
                "$s_R$ against the score $(a - x_b)/v$ of the right component alone, relative to the larger term",
            ),
            "residual_cloud": residual(
                (), broken.astype(float), "whether a shock between groups in several dimensions is not"
            ),
        },
        found.coords,
    )


STATEMENTS = (
    Statement(
        "Proposition 5.13",
        "Decision boundary dynamics",
        "In the inviscid limit the shock moves with a speed whose minus sign comes from reversing time; it drifts toward "
        "the minority.",
        {"48": r"\frac{dx_b}{d\tau} = -(s_L + s_R)"},
        "Place and speed of the boundary of pairs of eight weights against the one-sided scores, in both directions of "
        "time.",
        _motion,
        (rankine_hugoniot, layer),
        condition="diffusion time grows, as in noising; in generation the sign is the opposite",
        truth=r"For pairs (48) is exact at every $\tau$, not only in the inviscid limit: $dx_b/d\tau = "
        r"-\ln(w_R/w_L)/a$. It is a speed in forward $\tau$: the boundary moves to the minority as noise grows, "
        "and away from it in generation. Between groups of several components it has a diffusive part besides.",
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
        truth="For a pair it holds at every noise level, also where the boundary lies outside the means (very unequal "
        "weights), where the paper's argument does not apply.",
    ),
)
