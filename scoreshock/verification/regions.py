"""Section 6.4: what a wrong score does to the generated distribution, and where the score is steep."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.quantities.divergence import divergence_bound, gaussian_divergence
from scoreshock.quantities.fields import score_jacobian
from scoreshock.quantities.regions import regions
from scoreshock.verification import models
from scoreshock.verification.configuration import Configuration
from scoreshock.verification.statement import Statement, relative, residual, value, violation

MODELS = (0.1, 0.3, 0.5, 0.8, 1.25, 2.0, 5.0)
"""Variance of the wrong Gaussian model, in units of the data's."""

DISTANCES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Distances from the boundary, in widths, of the gradient's profile; beyond 1 is the regular region."""


def _divergence(configuration: Configuration) -> xr.Dataset:
    variance, given = configuration.pair.variance, configuration.generation
    wrong = models.axis_of("model", MODELS, "variance of the model in units of the data's")
    shift = models.axis_of("shift", [0.0, 0.1, 0.5], "shift of the model's mean")
    found = gaussian_divergence(variance, variance * wrong, shift, given.stop, given.start)
    layered = divergence_bound(models.pair(configuration), given.stop, given.start, given.bias, "layer")
    return xr.Dataset(
        {
            "kl": value((), found.kl, "divergence of the density that the reverse SDE generates"),
            "kl_bound": value((), found.kl_bound, "its bound (58)"),
            "kl_ode": value((), found.kl_ode, "divergence of the density that the probability flow generates"),
            "tv": value((), found.tv, "total variation of the reverse SDE's, where it has a closed form"),
            "tv_bound": value((), found.tv_bound, "its bound (59)"),
            "kl_bound_layer": value((), layered.kl_bound.squeeze(), "bound for the pair with an error in the layer alone"),
            "flow_ratio": value(
                (), (found.kl_ode / found.kl_bound).max(), "largest KL of the probability flow over that bound"
            ),
            "residual_kl": residual((), (found.kl / found.kl_bound - 1).clip(0), "excess of KL over its bound, relative"),
            "residual_tv": residual(
                (), (found.tv / found.tv_bound - 1).clip(0).fillna(0.0), "excess of TV over its bound, relative"
            ),
        },
        found.coords,
    )


def _regions(configuration: Configuration) -> xr.Dataset:
    tau, given = models.times(configuration), configuration.unequal
    found = regions(models.unequal_pair(configuration), tau).squeeze("interface", drop=True)
    v = given.variance + 2 * tau
    place = -v / (2 * given.separation) * np.log(given.weight / (1 - given.weight))
    return xr.Dataset(
        {
            "interface_position": value((), found.interface_position, "place of the boundary"),
            "interface_width": value((), found.interface_width, "width v/a"),
            "interfacial_probability": value((), found.interfacial_probability, "probability of the interfacial region"),
            "residual_place": residual(
                (), relative(found.interface_position, place), "place against the closed form, relative"
            ),
            "residual_width": residual(
                (), relative(found.interface_width, v / given.separation), "width against v/a, relative"
            ),
        },
        {"tau": tau},
    )


def _gradients(configuration: Configuration) -> xr.Dataset:
    pair = models.pair(configuration)
    a, v = configuration.pair.separation, configuration.pair.variance
    found = regions(pair, 0.0, np.array(DISTANCES)).gradient.squeeze()
    ratio = a**2 / v
    profile = ratio / np.cosh(np.minimum(DISTANCES, 300.0)) ** 2 - 1
    places = np.array(DISTANCES) * v / a
    direct = v * score_jacobian(pair, places, 0.0).squeeze(["feature", "feature_other"]).values
    outside = np.array(DISTANCES) >= 1
    return xr.Dataset(
        {
            "gradient": value("distance", found.values, "v s_x"),
            "profile": value("distance", profile, "R/cosh(distance)^2 - 1"),
            "residual_profile": residual(
                "distance", relative(found.values, profile, ratio), "v s_x against its profile, over R"
            ),
            "residual_direct": residual(
                "distance", relative(direct, profile, ratio), "the same from the score's Jacobian, over R"
            ),
            "residual_peak": residual((), relative(float(found[0]), ratio - 1), "peak against (a^2 - v)/v^2, relative"),
            "residual_far": residual((), float(found[-1]) + 1, "v s_x + 1 thirty widths away"),
            "violation": violation((), np.abs(found.values + 1)[outside].max(), "largest |v s_x + 1| in the regular region"),
        },
        models.axis_of("distance", DISTANCES, "distance from the boundary in widths v/a").coords,
    )


STATEMENTS = (
    Statement(
        "Proposition 6.6",
        "KL bound for the reverse SDE",
        "KL is at most the integral of E|s - s_hat|^2 (58), and TV at most sqrt(KL/2) (59).",
        "Gaussian data and wrong Gaussian models, for which KL and TV are known exactly, started from the exact noise.",
        _divergence,
        ("gaussian_divergence", "divergence_bound"),
        truth="The bound is the reverse SDE's, and has KL(tau_max) besides where generation starts from another density. "
        "Nothing promises it for the probability flow, whose KL comes near it in these examples.",
        shown=("flow_ratio",),
    ),
    Statement(
        "Definition 6.7",
        "Interfacial and regular regions",
        "Interfacial is what lies within one width v/a of a boundary (60).",
        "Place and width of the boundary of an unequal pair, and the probability inside.",
        _regions,
        ("regions",),
        shown=("interface_position", "interface_width", "interfacial_probability"),
    ),
    Statement(
        "Proposition 6.8",
        "Score regularity by region",
        "In the regular region s_x is about -1/v, in the interfacial region about (a^2 - v)/v^2.",
        "The profile of v s_x over the distance from the boundary.",
        _gradients,
        ("regions", "score_jacobian"),
        condition="'regular' is far outside: asymptotically, not from one width on",
        truth="There are not two values but a profile, v s_x = R/cosh(r)^2 - 1 at r widths: at R = 11 it is 10.1 at the "
        "centre, still 3.67 at one width, and +1.0 at one and a half.",
        shown=("gradient", "profile"),
    ),
)
