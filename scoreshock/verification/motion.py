"""Sections 5.6 and 5.7: how the boundary moves, and which shocks are admissible."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock import families
from scoreshock.conventions import Status
from scoreshock.quantities.layer import layer
from scoreshock.quantities.shocks import rankine_hugoniot
from scoreshock.verification import models
from scoreshock.verification.configuration import Configuration
from scoreshock.verification.statement import Statement, relative, residual, value, violation

WEIGHTS = (0.01, 0.1, 0.3, 0.45, 0.55, 0.7, 0.9, 0.99)
"""Weights of the right component, on both sides of one half (at which the boundary does not move)."""


def _motion(configuration: Configuration) -> xr.Dataset:
    given, tau = configuration.unequal, models.times(configuration)
    pairs = families.pair(given.separation, given.variance, np.array(WEIGHTS))
    found = rankine_hugoniot(pairs, tau)
    weight = pairs.weight
    speed = -np.log(weight / (1 - weight)) / given.separation
    place = (given.variance + 2 * tau) / 2 * speed
    direction = np.sign(found.shock_speed) != np.sign(0.5 - weight)
    # Groups of several components: their boundary has a diffusive speed besides.
    cloud = layer(models.cloud(configuration), tau)
    beyond = relative(cloud.speed, cloud.speed_rankine_hugoniot).where(cloud.layer_status == Status.ok, 0.0)
    return xr.Dataset(
        {
            "shock_position": value((), found.shock_position, "place of the boundary"),
            "shock_speed": value((), found.shock_speed, "speed of the boundary as tau grows"),
            "beyond": value(
                (), beyond.rename(tau="tau"), "part of the speed that (48) lacks, boundary of several components, relative"
            ),
            "residual_place": residual(
                (), relative(found.shock_position, place), "place against -(v/2a) ln(w_R/w_L), relative"
            ),
            "residual_speed": residual((), found.shock_residual, "speed as tau grows against -(s_L + s_R), relative"),
            "residual_constant": residual(
                (), relative(found.shock_speed, speed), "speed against -(1/a) ln(w_R/w_L), relative"
            ),
            "residual_direction": residual((), direction.astype(float), "whether it moves to the majority as tau grows"),
            "violation": violation((), found.shock_residual_generation, "the same speed read in generation time, relative"),
        },
        found.coords,
    )


def _lax(configuration: Configuration) -> xr.Dataset:
    given, tau = configuration.unequal, models.times(configuration)
    found = rankine_hugoniot(families.pair(given.separation, given.variance, np.array(WEIGHTS)), tau)
    cloud = layer(models.cloud(configuration), tau)
    broken = (cloud.lax == 0) & (cloud.layer_status == Status.ok)
    return xr.Dataset(
        {
            "score_left": value((), found.score_left, "one-sided score on the left"),
            "score_right": value((), found.score_right, "one-sided score on the right"),
            "between_means": value((), found.between_means, "whether the boundary lies between the means"),
            "residual_pairs": residual((), (found.lax != 1).astype(float), "whether a pair's shock is not admissible"),
            "residual_order": residual(
                (), (found.score_left >= found.score_right).astype(float), "whether s_L is not below s_R"
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
        "In the inviscid limit the shock moves with dx_b/dtau = -(s_L + s_R) (48), where the minus sign comes from "
        "reversing time; it drifts toward the minority.",
        "Place and speed of the boundary of pairs of eight weights against the one-sided scores, in both directions of "
        "time.",
        _motion,
        ("rankine_hugoniot", "layer"),
        condition="tau grows, as in noising; in generation the sign is the opposite",
        truth="For pairs (48) is exact at every tau, not only in the inviscid limit, and it is in forward tau: the "
        "boundary moves to the minority as noise grows, and away from it in generation. Between groups of several "
        "components it has a diffusive part besides.",
    ),
    Statement(
        "Proposition 5.14",
        "Scalar entropy admissibility",
        "On a normal slice through a boundary of a Gaussian mixture the score obeys Lax, s_L < s_R.",
        "One-sided scores of pairs of eight weights at all times, and of groups in several dimensions.",
        _lax,
        ("rankine_hugoniot", "layer"),
        truth="For a pair it holds at every noise level, also where the boundary lies outside the means (very unequal "
        "weights), where the paper's argument does not apply.",
    ),
)
