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


def _divergence(configuration: Configuration) -> xr.Dataset:
    variance, given = configuration.pair.variance, configuration.generation
    wrong = models.axis_of("model", configuration.models.variances, "variance of the model in units of the data's")
    shift = models.axis_of("shift", configuration.models.shifts, "shift of the model's mean")
    found = gaussian_divergence(variance, variance * wrong, shift, given.stop, given.start)
    usual = gaussian_divergence(variance, variance * wrong, shift, given.stop, given.start, variance_start=2 * given.start)
    layered = divergence_bound(models.pair(configuration), given.stop, given.start, given.bias, "layer")
    return xr.Dataset(
        {
            "kl": value((), found.kl, "divergence of the density that the reverse SDE generates"),
            "kl_bound": value((), found.kl_bound, "bound (58) of that divergence"),
            "kl_ode": value((), found.kl_ode, "divergence of the density that the probability flow generates"),
            "tv": value((), found.tv, "total variation of the reverse SDE's, where it has a closed form"),
            "tv_bound": value((), found.tv_bound, "bound (59) of that total variation"),
            "kl_bound_layer": value((), layered.kl_bound.squeeze(), "bound for the pair with an error in the layer alone"),
            "flow_ratio": value(
                (),
                (found.kl_ode / found.kl_bound).max("shift"),
                "KL of the probability flow over its bound, at most over the shifts",
            ),
            "flow_ratio_start": value(
                (),
                (usual.kl_ode / usual.kl_bound).max("shift"),
                r"KL of the probability flow started from $N(0, 2\tau_{\max})$ over its bound, start counted",
            ),
            "residual_kl": residual((), (found.kl / found.kl_bound - 1).clip(0), "excess of KL over its bound, relative"),
            "residual_start": residual(
                (),
                (usual.kl / usual.kl_bound - 1).clip(0),
                r"excess of KL over its bound from $N(0, 2\tau_{\max})$, relative",
            ),
            "residual_flow": residual(
                (),
                (found.kl_ode / found.kl_bound - 1).clip(0),
                "excess of the probability flow's KL over the bound, from the exact noise",
            ),
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
            "interface_width": value((), found.interface_width, "width $v/a$"),
            "interfacial_probability": value((), found.interfacial_probability, "probability of the interfacial region"),
            "residual_place": residual(
                (), relative(found.interface_position, place), "place against the closed form, relative"
            ),
            "residual_width": residual(
                (), relative(found.interface_width, v / given.separation), "width against $v/a$, relative"
            ),
        },
        {"tau": tau},
    )


def _gradients(configuration: Configuration) -> xr.Dataset:
    pair = models.pair(configuration)
    a, v = configuration.pair.separation, configuration.pair.variance
    distances = np.array(configuration.distances)
    found = regions(pair, 0.0, distances).gradient.squeeze()
    ratio = a**2 / v
    profile = ratio / np.cosh(np.minimum(distances, 300.0)) ** 2 - 1
    places = distances * v / a
    direct = v * score_jacobian(pair, places, 0.0).squeeze(["feature", "feature_other"]).values
    outside = distances >= 1
    return xr.Dataset(
        {
            "gradient": value("distance", found.values, r"$v\,s_x$"),
            "profile": value("distance", profile, r"$R/\cosh^2(r) - 1$"),
            "residual_profile": residual(
                "distance", relative(found.values, profile, ratio), r"$v\,s_x$ against its profile, over $R$"
            ),
            "residual_direct": residual(
                "distance",
                relative(direct, profile, ratio),
                r"$v\,s_x$ of the score's Jacobian against the profile, over $R$",
            ),
            "residual_peak": residual((), relative(float(found[0]), ratio - 1), "peak against $(a^2 - v)/v^2$, relative"),
            "residual_far": residual((), float(found[-1]) + 1, r"$v\,s_x + 1$ at the farthest distance"),
            "violation": violation(
                (), np.abs(found.values + 1)[outside].max(), r"largest $\lvert v\,s_x + 1\rvert$ in the regular region"
            ),
        },
        models.axis_of("distance", distances, "distance from the boundary in widths v/a").coords,
    )


STATEMENTS = (
    Statement(
        "Proposition 6.6",
        "KL bound for the reverse SDE",
        r"The density $\hat p$ that the reverse SDE generates with a wrong score $\hat s$ is no further from the truth "
        "than the score's error allows.",
        {
            "58": r"\mathrm{KL}(p\,\Vert\,\hat p) \le \tfrac12\int g^2\,\mathbb{E}_{p_t}\lvert s - \hat s\rvert^2\,dt"
            r" = \int_{\tau_{\min}}^{\tau_{\max}}\mathbb{E}_{p_\tau}\lvert s - \hat s\rvert^2\,d\tau",
            "59": r"\mathrm{TV}(p, \hat p) \le \sqrt{\tfrac12\,\mathrm{KL}(p\,\Vert\,\hat p)}",
        },
        "Gaussian data and wrong Gaussian models, for which KL and TV are known exactly, started from the exact noise.",
        _divergence,
        (gaussian_divergence, divergence_bound),
        truth=r"The bound is the reverse SDE's, and has $\mathrm{KL}(\tau_{\max})$ besides where generation starts from "
        "another density. The probability flow obeys it for Gaussians when started from the exact noise, but not "
        r"otherwise: started from $N(0, 2\tau_{\max})$, as samplers do, its KL exceeds even the bound that counts the "
        "start.",
        shown=("flow_ratio", "flow_ratio_start"),
    ),
    Statement(
        "Definition 6.7",
        "Interfacial and regular regions",
        "Interfacial is what lies within one width of a boundary $x_b$, regular the rest.",
        {"60": r"\min_b\,\lvert x - x_b(\tau)\rvert < \frac{v}{a}"},
        "Place and width of the boundary of an unequal pair, and the probability inside.",
        _regions,
        (regions,),
        shown=("interface_position", "interface_width", "interfacial_probability"),
    ),
    Statement(
        "Proposition 6.8",
        "Score regularity by region",
        "The slope of the score has one value in the regular region, and another in the interfacial one.",
        {"": r"s_x \approx -\frac1v \ \text{(regular)},\qquad s_x \approx \frac{a^2 - v}{v^2}\ \text{(interfacial)}"},
        r"The profile of $v\,s_x$ over the distance from the boundary.",
        _gradients,
        (regions, score_jacobian),
        condition="'regular' is far outside: asymptotically, not from one width on",
        truth=r"There are not two values but a profile, $v\,s_x = R/\cosh^2(r) - 1$ at $r$ widths, with $R = a^2/v$: at $R "
        "= 11$ it is 10.1 at the centre, still 3.67 at one width, and +1.0 at one and a half.",
        shown=("gradient", "profile"),
    ),
)
