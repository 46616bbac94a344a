"""Sections 7.1-7.3: several dimensions, vorticity, and shock surfaces."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.paper import models
from scoreshock.paper.configuration import Setup
from scoreshock.paper.statement import dataset, deviation, residual, statement, value, violation
from scoreshock.quantities.burgers import Field, burgers_residual
from scoreshock.quantities.fields import responsibilities, score, score_jacobian
from scoreshock.quantities.shocks import facets, power_cell
from scoreshock.quantities.vorticity import vorticity, vorticity_residual

MEASURED, TWISTED = 1e-7, 1e-4
"""Relative tolerances of finite differences: of first ones, and of those of a score with an added rotation."""


@statement(
    "Theorem 7.1: Score PDE in several dimensions",
    "The score obeys a vector equation, and $u = -2s$ the vector Burgers system.",
    {
        "62": r"\partial_\tau s = \Delta s + 2\,(s\cdot\nabla)s",
        "63": r"\partial_\tau u + (u\cdot\nabla)u = \Delta u",
    },
    "Both for a random mixture at random points, out to 1e4 times the scale of the means.",
    (burgers_residual,),
)
def _vector(setup: Setup) -> xr.Dataset:
    points = models.cloud(setup), models.cloud_points(setup), models.times(setup)
    result, velocity = burgers_residual(*points).residual_relative, burgers_residual(*points, "burgers")
    field = score(*points)
    advection = (velocity.advection_term + 4 * _along(score_jacobian(*points), field)) / velocity.largest_term
    from_score = r"advection against $-(u\cdot\nabla)u$ from the score and its Jacobian, over the largest term"
    return dataset(
        result.coords,
        residual_score=residual(result, "residual of (62), relative to its largest term"),
        residual_burgers=residual(velocity.residual_relative, "residual of (63), relative to its largest term"),
        residual_velocity=deviation(velocity.burgers_velocity, -2 * field, "velocity against $-2s$"),
        residual_advection=residual(advection, from_score),
    )


def _along(jacobian: xr.DataArray, direction: xr.DataArray) -> xr.DataArray:
    """Product of a Jacobian and a vector."""
    return (jacobian * direction.rename(feature="feature_other")).sum("feature_other", skipna=False)


@statement(
    "Remark 7.2: Cole-Hopf in several dimensions",
    "For a score, which is a gradient, the vector system is the gradient of one scalar equation, which the Cole-Hopf "
    "transform makes linear in any dimension.",
    {
        "": r"h_\tau = \Delta h + \lvert\nabla h\rvert^2,\quad h = \ln p;\qquad u = -2\nu\,\nabla\ln p:\quad"
        r" u_t + (u\cdot\nabla)u = \nu\,\Delta u"
    },
    r"The scalar equation, with $h_\tau$ from the density, and the system at several viscosities, for the same mixture.",
    (burgers_residual,),
    note="Our copy of the paper has no text under the number 7.2; its list of references mentions a Remark 7.2 that cites "
    "Whitham (1974). This statement is our reading of the context.",
)
def _potential(setup: Setup) -> xr.Dataset:
    points = models.cloud(setup), models.cloud_points(setup), models.times(setup)
    viscosity = models.axis_of("viscosity", setup.viscosities, "viscosity")
    scalar = burgers_residual(*points, "log-density").residual_relative
    system = burgers_residual(*points, "cole-hopf", viscosity).residual_relative
    return dataset(
        system.coords,
        residual_scalar=residual(scalar, r"residual of the equation of $\ln p$, relative to its largest term"),
        residual_system=residual(system, r"residual of the system with viscosity $\nu$, relative to its largest term"),
    )


def _rotation(x: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.stack([-x[..., 1], x[..., 0]], axis=-1)


@statement(
    "Definition 7.3: Vorticity",
    "The vorticity is the antisymmetric part of the Jacobian.",
    {"67": r"\omega_{ij} = \partial_i s_j - \partial_j s_i"},
    "The vorticity of a rigid rotation, by finite differences.",
    (vorticity,),
)
def _definition(setup: Setup) -> xr.Dataset:
    result = vorticity(_rotation, models.plane_points(setup), 1.0)
    exact = xr.DataArray([[0.0, 2.0], [-2.0, 0.0]], dims=("feature", "feature_other"))
    across = result.vorticity.rename(feature="feature_other", feature_other="feature")
    gap = abs(result.vorticity - exact) / 2
    return dataset(
        result.coords,
        vorticity=value(result.vorticity, "vorticity of $(-x_2, x_1)$"),
        residual=residual(gap, "vorticity by differences against its exact value 2, relative", MEASURED),
        residual_antisymmetry=residual(result.vorticity + across, "sum of the tensor and its transpose"),
    )


def _rotating(setup: Setup) -> tuple[Field, Field]:
    """The solution ``u = M (1 + tau M)^-1 x`` of the vector Burgers system and its Jacobian; M is not symmetric."""
    shear = np.array(setup.rotation.shear)

    def jacobian(_: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return shear @ np.linalg.inv(np.eye(3) + np.asarray(tau)[..., None, None] * shear)

    def velocity(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return (jacobian(x, tau) @ x[..., None])[..., 0]

    return velocity, jacobian


def _sheared(setup: Setup) -> tuple[Field, Field]:
    """A solution of (62) in the plane whose vorticity varies, and its Jacobian: minus half of a Burgers velocity.

    ``u = (exp(-q^2 T) sin(q y/(1 + tau)), y/(1 + tau))``, ``T = tau/(1 + tau)``: in the stretched coordinate the first
    component obeys the heat equation. The wave number q is the norm of the rotation's shear.
    """
    q = float(np.linalg.norm(setup.rotation.shear))

    def velocity(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        y = x[..., 1] / (1 + tau)
        return -np.stack([np.exp(-(q**2) * tau / (1 + tau)) * np.sin(q * y), y], axis=-1) / 2

    def jacobian(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        stretch = 1 / (1 + tau) + 0.0 * x[..., 1]
        slope = q * stretch * np.exp(-(q**2) * tau / (1 + tau)) * np.cos(q * stretch * x[..., 1])
        none = np.zeros_like(slope)
        return -np.stack([np.stack([none, slope], axis=-1), np.stack([none, stretch], axis=-1)], axis=-2) / 2

    return velocity, jacobian


@statement(
    "Theorem 7.4: Vorticity equation",
    "The vorticity of any solution of the vector Burgers system obeys a linear parabolic system (written here for $s$).",
    {
        "68": r"\partial_\tau\omega_{ij} = \Delta\omega_{ij} + 2\,(s\cdot\nabla)\omega_{ij}"
        r" + 2\bigl[(\partial_i s_l)(\partial_l s_j) - (\partial_j s_l)(\partial_l s_i)\bigr]"
    },
    r"A rotating solution, $u = M(1 + \tau M)^{-1}x$ with non-symmetric $M$, in three dimensions; and a shear in the "
    "plane, whose vorticity varies in space.",
    (vorticity_residual,),
)
def _vorticity_equation(setup: Setup) -> xr.Dataset:
    x = xr.DataArray(np.random.default_rng(setup.plane.seed).normal(size=(20, 3)), dims=("point", "feature"))
    tau = models.axis("tau", setup.rotation.times)
    (velocity, jacobian), (sheared, gradient) = _rotating(setup), _sheared(setup)
    result = vorticity_residual(velocity, x, tau, jacobian, form="burgers")
    layered = vorticity_residual(sheared, x.isel(feature=[0, 1]), tau, gradient, form="score").residual_relative
    shear = "residual of (68) for a shear whose vorticity is diffused, advected and stretched, relative"
    return dataset(
        result.coords,
        vorticity=value(result.vorticity, "vorticity of the rotational solution"),
        stretching_term=value(result.stretching_term, "last term of (68), which does not vanish"),
        residual=residual(result.residual_relative, "residual of (68), relative to its largest term", MEASURED),
        residual_sheared=residual(layered, shear, MEASURED),
    )


@statement(
    "Theorem 7.5: Curl preservation",
    "A solution without curl at one time has no curl at all later times.",
    {"": r"\omega(\cdot,\tau_0) = 0\ \implies\ \omega(\cdot,\tau) = 0\quad(\tau \ge \tau_0)"},
    "Scores of mixtures, whose Jacobian is exactly symmetric, and their curl by finite differences, as in section 10.6; a "
    "rotating solution keeps rotating.",
    (vorticity,),
    shown=("largest", "rotating"),
)
def _preservation(setup: Setup) -> xr.Dataset:
    points = models.plane(setup), models.plane_points(setup), models.axis("tau", setup.plane.times)
    exact, measured = vorticity(*points), vorticity(*points, method="differences")
    cloud = vorticity(models.cloud(setup), models.cloud_points(setup), models.times(setup)).vorticity_largest
    times = models.axis_of("tau_rotating", setup.rotation.times, "diffusion time")
    velocity, jacobian = _rotating(setup)
    rotating = vorticity(velocity, xr.DataArray(np.zeros(3), dims="feature"), times, jacobian).vorticity_largest
    turning = np.stack([jacobian(np.zeros(3), np.array(time)) for time in times.values])
    expected = xr.DataArray(np.abs(turning - turning.swapaxes(-1, -2)).max((-2, -1)), dims="tau_rotating")
    closed = "vorticity of the solution that starts rotational against its closed form"
    entry = "largest entry of the vorticity"
    return dataset(
        measured.coords,
        rotating.coords,
        largest=value(measured.vorticity_largest.max("point"), "largest curl over the points, by differences"),
        rotating=value(rotating, "largest vorticity of a solution that starts rotational"),
        residual_exact=residual(exact.vorticity_largest, f"{entry} in the plane"),
        residual_cloud=residual(cloud.rename(point="point_cloud", tau="tau_cloud"), f"{entry} in several dimensions"),
        residual_rotating=deviation(rotating, expected, closed),
        residual_measured=residual(measured.vorticity_relative, "curl by differences, over the Jacobian", MEASURED),
    )


@statement(
    "Corollary 7.6: Non-conservative scores are artifacts",
    "A score with curl is not the score of a heat flow: the curl is due to the approximation.",
    {},
    "A score plus a rotation: the measured curl is that of the rotation, and the residual of (62) is that of the rotation "
    "in closed form.",
    (vorticity, burgers_residual),
    shown=("burgers_largest", "burgers_noise"),
)
def _artifacts(setup: Setup) -> xr.Dataset:
    plane, x = models.plane(setup), models.plane_points(setup)
    tau, twist = float(setup.plane.times[0]), setup.rotation.twist

    def network(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        points = xr.DataArray(x.reshape(-1, 2), dims=("point", "feature"))
        times = xr.DataArray(np.broadcast_to(tau, x.shape[:-1]).reshape(-1), dims="point")
        return score(plane, points, times).values.reshape(x.shape) + twist * _rotation(x, tau)

    turned, result = vorticity(network, x, tau), burgers_residual(network, x, tau)
    size, largest_term = result.residual_relative, result.largest_term
    error, expected = result.residual_error / largest_term, _left_over(plane, x, tau, twist)
    share = size - np.sqrt((expected**2).sum("feature", skipna=False)) / largest_term
    curl = (turned.vorticity_largest - 2 * twist) / (2 * twist)
    left = (result.residual - expected) / largest_term
    noise, twisted = "error of the finite differences", "residual of (62) of the twisted score"
    return dataset(
        turned.coords,
        burgers_residual=value(size, f"{twisted}, relative"),
        burgers_largest=value(size.max(), "largest residual of (62), relative"),
        burgers_noise=value(error.isel(point=int(size.argmax("point"))), f"{noise} at the point of that residual, relative"),
        burgers_error=value(error, f"{noise}, relative"),
        residual=residual(curl, "curl of a twisted score against its twist, relative", TWISTED),
        residual_left=residual(left, f"{twisted} against its closed form, over the largest term", TWISTED),
        residual_share=residual(share, "size of that residual over the largest term, against the closed form", TWISTED),
    )


def _left_over(plane: xr.Dataset, x: xr.DataArray, tau: float, twist: float) -> xr.DataArray:
    """Residual ``-2 (w J s + w H J x - w^2 x)`` of (62) for ``s + w J x``, where s is a score with Jacobian H."""
    field = score(plane, x, tau)
    turned, across = (xr.DataArray(_rotation(each.values, np.array(tau)), dims=x.dims) for each in (x, field))
    along = _along(score_jacobian(plane, x, tau), turned)
    return -2 * (twist * across + twist * along - twist**2 * x)


@statement(
    "Proposition 7.7: Shock surfaces as Voronoi boundaries",
    "As the noise vanishes, the shock surfaces are the facets of the Voronoi diagram of the means; for unequal weights "
    "those of the power diagram.",
    {"74": r"\lvert x - \mu_i\rvert = \lvert x - \mu_j\rvert \le \lvert x - \mu_k\rvert\quad\text{for all } k"},
    r"The cells of random points at five $\tau$, for point masses of random weights, against both diagrams.",
    (power_cell, facets, responsibilities),
    condition="for unequal weights the diffusion time stays above 0",
    truth=r"At every $\tau$ the facets are those of the power diagram $\lvert x - \mu_i\rvert^2 - 2v\ln w_i$. Their "
    r"distance from the Voronoi facets is $v\,\lvert\ln(w_i/w_j)\rvert/\lvert\mu_i - \mu_j\rvert$, which vanishes in the "
    "limit for any weights.",
    shown=("off_voronoi", "largest_offset"),
)
def _surfaces(setup: Setup) -> xr.Dataset:
    settings, cloud = setup.cloud, models.cloud(setup)
    near = np.random.default_rng(settings.seed + 2).normal(0, 2 * settings.scale, (settings.points, settings.dimension))
    x = xr.DataArray(near, dims=("point", "feature"))
    tau = models.axis("tau", [1e-6, 1e-4, 1e-2, 0.1, 0.5])
    point_masses = cloud.assign(component_variance=0.0 * cloud.component_variance)
    distances = ((x - cloud.component_mean) ** 2).sum("feature")
    power = (distances - 4 * tau * np.log(cloud.component_weight)).argmin("component").transpose("tau", "point")
    cell = power_cell(point_masses, x, tau)
    most = responsibilities(point_masses, x, tau).argmax("component")
    off_voronoi = cell != distances.argmin("component")
    offset = facets(point_masses, tau).facet_offset
    weight, mean = cloud.component_weight.values, cloud.component_mean.values
    first, second = offset.first_component.values, offset.second_component.values
    ratio = np.log(weight[first] / weight[second]) / np.linalg.norm(mean[first] - mean[second], axis=-1)
    expected = 2 * tau * xr.DataArray(ratio, dims="pair")
    law = r"offset of the facets, towards $\mu_j$, against $v\ln(w_i/w_j)/\lvert\mu_i - \mu_j\rvert$"
    moved = r"largest distance by which facets move as $\tau$ decreases to 0"
    limit = "whether the point lies in another Voronoi cell, in the limit"
    return dataset(
        cell.coords,
        offset.coords,
        off_voronoi=value(off_voronoi.mean("point"), "share of points outside the Voronoi cell of their component"),
        facet_offset=value(offset, "distance of the facets from the Voronoi facets, towards the second mean"),
        largest_offset=value(abs(offset).max("pair"), "largest distance of a facet from its Voronoi facet"),
        residual_power=residual(cell != power, "whether the point lies in another power cell"),
        residual_responsibility=residual(cell != most, "whether another component has the largest responsibility"),
        residual_voronoi=residual(off_voronoi.isel(tau=0), limit),
        residual_offset=deviation(offset, expected, law),
        violation=violation(offset.isel(tau=-1) - offset.isel(tau=0), moved),
    )
