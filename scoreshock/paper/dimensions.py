"""Sections 7.1-7.3: several dimensions, vorticity, and shock surfaces."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.paper import models
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.statement import Statement, relative, residual, value, violation
from scoreshock.quantities.burgers import Field, burgers_residual
from scoreshock.quantities.fields import responsibilities, score, score_jacobian
from scoreshock.quantities.shocks import facets, power_cell
from scoreshock.quantities.vorticity import vorticity, vorticity_residual

MEASURED = 1e-7
"""Relative tolerance of finite differences."""


def _vector(configuration: Configuration) -> xr.Dataset:
    cloud, x, tau = models.cloud(configuration), models.cloud_points(configuration), models.times(configuration)
    result = burgers_residual(cloud, x, tau).residual_relative
    velocity = burgers_residual(cloud, x, tau, "burgers")
    field = score(cloud, x, tau)
    along = (score_jacobian(cloud, x, tau) * field.rename(feature="feature_other")).sum("feature_other", skipna=False)
    return xr.Dataset(
        {
            "residual_score": residual((), result, "residual of (62), relative to its largest term"),
            "residual_burgers": residual((), velocity.residual_relative, "residual of (63), relative to its largest term"),
            "residual_velocity": residual(
                (), relative(velocity.burgers_velocity, -2 * field), "velocity against $-2s$, relative"
            ),
            "residual_advection": residual(
                (),
                (velocity.advection_term + 4 * along) / velocity.largest_term,
                r"advection against $-(u\cdot\nabla)u$ from the score and its Jacobian, over the largest term",
            ),
        },
        result.coords,
    )


def _potential(configuration: Configuration) -> xr.Dataset:
    cloud, x, tau = models.cloud(configuration), models.cloud_points(configuration), models.times(configuration)
    viscosity = models.axis_of("viscosity", configuration.viscosities, "viscosity")
    scalar = burgers_residual(cloud, x, tau, "log-density").residual_relative
    system = burgers_residual(cloud, x, tau, "cole-hopf", viscosity).residual_relative
    return xr.Dataset(
        {
            "residual_scalar": residual((), scalar, r"residual of the equation of $\ln p$, relative to its largest term"),
            "residual_system": residual(
                (), system, r"residual of the system with viscosity $\nu$, relative to its largest term"
            ),
        },
        system.coords,
    )


def _rotation(x: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.stack([-x[..., 1], x[..., 0]], axis=-1)


def _definition(configuration: Configuration) -> xr.Dataset:
    result = vorticity(_rotation, models.plane_points(configuration), 1.0)
    exact = xr.DataArray([[0.0, 2.0], [-2.0, 0.0]], dims=("feature", "feature_other"))
    across = result.vorticity.rename(feature="feature_other", feature_other="feature")
    return xr.Dataset(
        {
            "vorticity": value((), result.vorticity, "vorticity of $(-x_2, x_1)$"),
            "residual": residual(
                (),
                abs(result.vorticity - exact) / 2,
                "vorticity by differences against its exact value 2, relative",
                MEASURED,
            ),
            "residual_antisymmetry": residual((), result.vorticity + across, "sum of the tensor and its transpose"),
        },
        result.coords,
    )


def _rotating(configuration: Configuration) -> tuple[Field, Field]:
    """The solution ``u = M (1 + tau M)^-1 x`` of the vector Burgers system and its Jacobian; M is not symmetric."""
    shear = np.array(configuration.rotation.shear)

    def jacobian(_: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return shear @ np.linalg.inv(np.eye(3) + np.asarray(tau)[..., None, None] * shear)

    def velocity(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return (jacobian(x, tau) @ x[..., None])[..., 0]

    return velocity, jacobian


def _sheared(configuration: Configuration) -> tuple[Field, Field]:
    """A solution of (62) in the plane whose vorticity varies, and its Jacobian: minus half of a Burgers velocity.

    ``u = (exp(-q^2 T) sin(q y/(1 + tau)), y/(1 + tau))``, ``T = tau/(1 + tau)``: in the stretched coordinate the first
    component obeys the heat equation. The wave number q is the norm of the rotation's shear.
    """
    q = float(np.linalg.norm(configuration.rotation.shear))

    def velocity(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        y = x[..., 1] / (1 + tau)
        return -np.stack([np.exp(-(q**2) * tau / (1 + tau)) * np.sin(q * y), y], axis=-1) / 2

    def jacobian(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        stretch = 1 / (1 + tau) + 0.0 * x[..., 1]
        slope = q * stretch * np.exp(-(q**2) * tau / (1 + tau)) * np.cos(q * stretch * x[..., 1])
        none = np.zeros_like(slope)
        return -np.stack([np.stack([none, slope], axis=-1), np.stack([none, stretch], axis=-1)], axis=-2) / 2

    return velocity, jacobian


def _vorticity_equation(configuration: Configuration) -> xr.Dataset:
    x = xr.DataArray(np.random.default_rng(configuration.plane.seed).normal(size=(20, 3)), dims=("point", "feature"))
    tau = models.axis("tau", configuration.rotation.times)
    velocity, jacobian = _rotating(configuration)
    result = vorticity_residual(velocity, x, tau, jacobian, form="burgers")
    sheared, gradient = _sheared(configuration)
    layered = vorticity_residual(sheared, x.isel(feature=[0, 1]), tau, gradient, form="score")
    return xr.Dataset(
        {
            "vorticity": value((), result.vorticity, "vorticity of the rotational solution"),
            "stretching_term": value((), result.stretching_term, "last term of (68), which does not vanish"),
            "residual": residual((), result.residual_relative, "residual of (68), relative to its largest term", MEASURED),
            "residual_sheared": residual(
                (),
                layered.residual_relative,
                "residual of (68) for a shear whose vorticity is diffused, advected and stretched, relative",
                MEASURED,
            ),
        },
        result.coords,
    )


def _preservation(configuration: Configuration) -> xr.Dataset:
    plane, x = models.plane(configuration), models.plane_points(configuration)
    tau = models.axis("tau", configuration.plane.times)
    exact, measured = vorticity(plane, x, tau), vorticity(plane, x, tau, method="differences")
    cloud = vorticity(models.cloud(configuration), models.cloud_points(configuration), models.times(configuration))
    later = models.axis_of("later", configuration.rotation.times, "diffusion time")
    velocity, jacobian = _rotating(configuration)
    rotating = vorticity(velocity, xr.DataArray(np.zeros(3), dims="feature"), later, jacobian)
    turning = np.stack([jacobian(np.zeros(3), np.array(time)) for time in later.values])
    expected = np.abs(turning - turning.swapaxes(-1, -2)).max((-2, -1))
    return xr.Dataset(
        {
            "largest": value((), measured.vorticity_largest.max("point"), "largest curl over the points, by differences"),
            "rotating": value((), rotating.vorticity_largest, "largest vorticity of a solution that starts rotational"),
            "residual_exact": residual((), exact.vorticity_largest, "largest entry of the vorticity in the plane"),
            "residual_cloud": residual(
                (),
                cloud.vorticity_largest.rename(point="place", tau="moment"),
                "largest entry of the vorticity in several dimensions",
            ),
            "residual_rotating": residual(
                (),
                relative(rotating.vorticity_largest, xr.DataArray(expected, dims="later")),
                "vorticity of the solution that starts rotational against its closed form, relative",
            ),
            "residual_measured": residual(
                (), measured.vorticity_relative, "curl by differences, over the Jacobian", MEASURED
            ),
        },
        {**measured.coords, **rotating.coords},
    )


def _artifacts(configuration: Configuration) -> xr.Dataset:
    plane, x = models.plane(configuration), models.plane_points(configuration)
    tau, twist = float(configuration.plane.times[0]), configuration.rotation.twist

    def network(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        points = xr.DataArray(x.reshape(-1, 2), dims=("point", "feature"))
        times = xr.DataArray(np.broadcast_to(tau, x.shape[:-1]).reshape(-1), dims="point")
        return score(plane, points, times).values.reshape(x.shape) + twist * _rotation(x, tau)

    turned = vorticity(network, x, tau)
    result = burgers_residual(network, x, tau)
    error = result.residual_error / result.largest_term
    expected = _left_over(plane, x, tau, twist)
    largest = np.sqrt((expected**2).sum("feature", skipna=False)) / result.largest_term
    curl = (turned.vorticity_largest - 2 * twist) / (2 * twist)
    remainder = (result.residual - expected) / result.largest_term
    return xr.Dataset(
        {
            "burgers_residual": value((), result.residual_relative, "residual of (62) of the twisted score, relative"),
            "burgers_largest": value((), result.residual_relative.max(), "largest residual of (62), relative"),
            "burgers_noise": value(
                (),
                error.isel(point=int(result.residual_relative.argmax("point"))),
                "error of the finite differences at that point, relative",
            ),
            "burgers_error": value((), error, "error of the finite differences, relative"),
            "residual": residual((), curl, "curl of a twisted score against its twist, relative", 1e-4),
            "residual_left": residual(
                (), remainder, "residual of (62) of the twisted score against its closed form, over the largest term", 1e-4
            ),
            "residual_share": residual(
                (), result.residual_relative - largest, "its length over the largest term, against the closed form", 1e-4
            ),
        },
        turned.coords,
    )


def _left_over(plane: xr.Dataset, x: xr.DataArray, tau: float, twist: float) -> xr.DataArray:
    """Residual ``-2 (w J s + w H J x - w^2 x)`` of (62) for ``s + w J x``, where s is a score with Jacobian H."""
    turned = xr.DataArray(_rotation(x.values, np.array(tau)), dims=x.dims)
    field, jacobian = score(plane, x, tau), score_jacobian(plane, x, tau)
    across = xr.DataArray(_rotation(field.values, np.array(tau)), dims=x.dims)
    along = (jacobian * turned.rename(feature="feature_other")).sum("feature_other", skipna=False)
    return -2 * (twist * across + twist * along - twist**2 * x)


def _surfaces(configuration: Configuration) -> xr.Dataset:
    settings, cloud = configuration.cloud, models.cloud(configuration)
    near = np.random.default_rng(settings.seed + 2).normal(0, 2 * settings.scale, (settings.points, settings.dimension))
    x = xr.DataArray(near, dims=("point", "feature"))
    point_masses = cloud.assign(component_variance=0.0 * cloud.component_variance)
    tau = models.axis("tau", [1e-6, 1e-4, 1e-2, 0.1, 0.5])
    distances = ((x - cloud.component_mean) ** 2).sum("feature")
    power = (distances - 4 * tau * np.log(cloud.component_weight)).argmin("component").transpose("tau", "point")
    owned = power_cell(point_masses, x, tau)
    off_voronoi = owned != distances.argmin("component")
    most = responsibilities(point_masses, x, tau).argmax("component")
    offset = facets(point_masses, tau).facet_offset
    largest_offset = abs(offset).max("pair")
    moved = offset.isel(tau=-1) - offset.isel(tau=0)
    law = r"offset of the facets, towards $\mu_j$, against $v\ln(w_i/w_j)/\lvert\mu_i - \mu_j\rvert$, relative"
    return xr.Dataset(
        {
            "off_voronoi": value(
                (), off_voronoi.mean("point"), "share of points outside the Voronoi cell of their component"
            ),
            "facet_offset": value((), offset, "distance of the facets from the Voronoi facets, towards the second mean"),
            "largest_offset": value((), largest_offset, "largest distance of a facet from its Voronoi facet"),
            "residual_power": residual((), (owned != power).astype(float), "whether the point lies in another power cell"),
            "residual_owner": residual(
                (), (owned != most).astype(float), "whether another component has the largest responsibility"
            ),
            "residual_voronoi": residual(
                (), off_voronoi.isel(tau=0).astype(float), "whether the point lies in another Voronoi cell, in the limit"
            ),
            "residual_offset": residual((), relative(offset, _offsets(cloud, offset, tau)), law),
            "violation": violation((), moved, r"largest distance by which facets move as $\tau$ decreases to 0"),
        },
        {**owned.coords, **offset.coords},
    )


def _offsets(cloud: xr.Dataset, offset: xr.DataArray, tau: xr.DataArray) -> xr.DataArray:
    """Offsets ``2 tau ln(w_i/w_j)/|mu_i - mu_j|`` of the facets of point masses, (tau, pair)."""
    weight, mean = cloud.component_weight.values, cloud.component_mean.values
    first, second = offset.first_component.values, offset.second_component.values
    apart = np.linalg.norm(mean[first] - mean[second], axis=-1)
    return 2 * tau * xr.DataArray(np.log(weight[first] / weight[second]) / apart, dims="pair")


STATEMENTS = (
    Statement(
        "Theorem 7.1",
        "Score PDE in several dimensions",
        "The score obeys a vector equation, and $u = -2s$ the vector Burgers system.",
        {
            "62": r"\partial_\tau s = \Delta s + 2\,(s\cdot\nabla)s",
            "63": r"\partial_\tau u + (u\cdot\nabla)u = \Delta u",
        },
        "Both for a random mixture at random points, out to 1e4 times the scale of the means.",
        _vector,
        (burgers_residual,),
    ),
    Statement(
        "Remark 7.2",
        "Cole-Hopf in several dimensions",
        "For a score, which is a gradient, the vector system is the gradient of one scalar equation, which the Cole-Hopf "
        "transform makes linear in any dimension.",
        {
            "": r"h_\tau = \Delta h + \lvert\nabla h\rvert^2,\quad h = \ln p;\qquad u = -2\nu\,\nabla\ln p:\quad"
            r" u_t + (u\cdot\nabla)u = \nu\,\Delta u"
        },
        r"The scalar equation, with $h_\tau$ from the density, and the system at several viscosities, for the same mixture.",
        _potential,
        (burgers_residual,),
        note="Our copy of the paper has no text under the number 7.2; its list of references mentions a Remark 7.2 that "
        "cites Whitham (1974). This statement is our reading of the context.",
    ),
    Statement(
        "Definition 7.3",
        "Vorticity",
        "The vorticity is the antisymmetric part of the Jacobian.",
        {"67": r"\omega_{ij} = \partial_i s_j - \partial_j s_i"},
        "Measured on a rigid rotation.",
        _definition,
        (vorticity,),
    ),
    Statement(
        "Theorem 7.4",
        "Vorticity equation",
        "The vorticity of any solution of the vector Burgers system obeys a linear parabolic system (written here for $s$).",
        {
            "68": r"\partial_\tau\omega_{ij} = \Delta\omega_{ij} + 2\,(s\cdot\nabla)\omega_{ij}"
            r" + 2\bigl[(\partial_i s_l)(\partial_l s_j) - (\partial_j s_l)(\partial_l s_i)\bigr]"
        },
        r"A rotating solution, $u = M(1 + \tau M)^{-1}x$ with non-symmetric $M$, in three dimensions; and a shear in the "
        "plane, whose vorticity varies in space.",
        _vorticity_equation,
        (vorticity_residual,),
    ),
    Statement(
        "Theorem 7.5",
        "Curl preservation",
        "A solution without curl at one time has no curl at all later times.",
        {"": r"\omega(\cdot,\tau_0) = 0\ \implies\ \omega(\cdot,\tau) = 0\quad(\tau \ge \tau_0)"},
        "Scores of mixtures, whose Jacobian is exactly symmetric, and their curl by finite differences, as in section 10.6; "
        "a rotating solution keeps rotating.",
        _preservation,
        (vorticity,),
        shown=("largest", "rotating"),
        figure="figure-5",
    ),
    Statement(
        "Corollary 7.6",
        "Non-conservative scores are artifacts",
        "A score with curl is not the score of a heat flow: the curl is due to the approximation.",
        {},
        "A score plus a rotation: the measured curl is that of the rotation, and the residual of (62) is that of the "
        "rotation in closed form.",
        _artifacts,
        (vorticity, burgers_residual),
        shown=("burgers_largest", "burgers_noise"),
        figure="figure-5",
    ),
    Statement(
        "Proposition 7.7",
        "Shock surfaces as Voronoi boundaries",
        "As the noise vanishes, the shock surfaces are the facets of the Voronoi diagram of the means; for unequal weights "
        "those of the power diagram.",
        {"74": r"\lvert x - \mu_i\rvert = \lvert x - \mu_j\rvert \le \lvert x - \mu_k\rvert\quad\text{for all } k"},
        r"The cells of random points at five $\tau$, for point masses of random weights, against both diagrams.",
        _surfaces,
        (power_cell, facets, responsibilities),
        condition="for unequal weights the diffusion time stays above 0",
        truth=r"At every $\tau$ the facets are those of the power diagram $\lvert x - \mu_i\rvert^2 - 2v\ln w_i$. Their "
        r"distance from the Voronoi facets is $v\,\lvert\ln(w_i/w_j)\rvert/\lvert\mu_i - \mu_j\rvert$, which vanishes in "
        "the limit for any weights.",
        shown=("off_voronoi", "largest_offset"),
    ),
)
