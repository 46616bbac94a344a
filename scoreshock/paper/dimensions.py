"""Sections 7.1-7.3: several dimensions, vorticity, and shock surfaces."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.paper import models
from scoreshock.paper.configuration import Configuration
from scoreshock.paper.statement import Statement, relative, residual, value, violation
from scoreshock.quantities.burgers import Field, burgers_residual
from scoreshock.quantities.fields import responsibilities, score, score_jacobian
from scoreshock.quantities.shocks import faces, owner
from scoreshock.quantities.vorticity import vorticity, vorticity_residual

MEASURED = 1e-7
"""Tolerance of what is measured by finite differences, relative."""


def _vector(configuration: Configuration) -> xr.Dataset:
    cloud, x, tau = models.cloud(configuration), models.cloud_points(configuration), models.times(configuration)
    found = burgers_residual(cloud, x, tau).residual_relative
    velocity = burgers_residual(cloud, x, tau, "burgers")
    field = score(cloud, x, tau)
    along = (score_jacobian(cloud, x, tau) * field.rename(feature="feature_other")).sum("feature_other", skipna=False)
    return xr.Dataset(
        {
            "residual_score": residual((), found, "residual of (62), relative to its largest term"),
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
        found.coords,
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
    found = vorticity(_rotation, models.plane_points(configuration), 1.0)
    exact = xr.DataArray([[0.0, 2.0], [-2.0, 0.0]], dims=("feature", "feature_other"))
    across = found.vorticity.rename(feature="feature_other", feature_other="feature")
    return xr.Dataset(
        {
            "vorticity": value((), found.vorticity, "vorticity of $(-x_2, x_1)$"),
            "residual": residual(
                (),
                abs(found.vorticity - exact) / 2,
                "vorticity by differences against its exact value 2, relative",
                MEASURED,
            ),
            "residual_antisymmetry": residual((), found.vorticity + across, "sum of the tensor and its transpose"),
        },
        found.coords,
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
    component obeys the heat equation. Its wave number q is a length of the rotation's shear.
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
    found = vorticity_residual(velocity, x, tau, jacobian, form="burgers")
    sheared, gradient = _sheared(configuration)
    layered = vorticity_residual(sheared, x.isel(feature=[0, 1]), tau, gradient, form="score")
    return xr.Dataset(
        {
            "vorticity": value((), found.vorticity, "vorticity of the rotational solution"),
            "stretching_term": value((), found.stretching_term, "last term of (68), which does not vanish"),
            "residual": residual((), found.residual_relative, "residual of (68), relative to its largest term", MEASURED),
            "residual_sheared": residual(
                (),
                layered.residual_relative,
                "the same for a shear whose vorticity is diffused, carried and stretched, relative",
                MEASURED,
            ),
        },
        found.coords,
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
    whole = burgers_residual(network, x, tau)
    left = _left_over(plane, x, tau, twist)
    largest = np.sqrt((left**2).sum("feature", skipna=False)) / whole.largest_term
    return xr.Dataset(
        {
            "burgers_residual": value((), whole.residual_relative, "residual of (62) of the twisted score, relative"),
            "burgers_largest": value((), whole.residual_relative.max(), "largest of the residual of (62), relative"),
            "burgers_noise": value(
                (),
                (whole.residual_error / whole.largest_term).isel(point=int(whole.residual_relative.argmax("point"))),
                "what of it the differences may be",
            ),
            "burgers_error": value(
                (), whole.residual_error / whole.largest_term, "what of it the differences may be, relative"
            ),
            "residual": residual(
                (),
                (turned.vorticity_largest - 2 * twist) / (2 * twist),
                "curl of a twisted score against its twist, relative",
                1e-4,
            ),
            "residual_left": residual(
                (),
                (whole.residual - left) / whole.largest_term,
                "what (62) leaves over of the twisted score against its closed form, over the largest term",
                1e-4,
            ),
            "residual_share": residual(
                (), whole.residual_relative - largest, "length of that over the largest term, against its closed form", 1e-4
            ),
        },
        turned.coords,
    )


def _left_over(plane: xr.Dataset, x: xr.DataArray, tau: float, twist: float) -> xr.DataArray:
    """What (62) leaves over of ``s + w J x``, s a score with Jacobian H: ``-2 (w J s + w H J x - w^2 x)``."""
    turned = xr.DataArray(_rotation(x.values, np.array(tau)), dims=x.dims)
    field, jacobian = score(plane, x, tau), score_jacobian(plane, x, tau)
    across = xr.DataArray(_rotation(field.values, np.array(tau)), dims=x.dims)
    along = (jacobian * turned.rename(feature="feature_other")).sum("feature_other", skipna=False)
    return -2 * (twist * across + twist * along - twist**2 * x)


def _surfaces(configuration: Configuration) -> xr.Dataset:
    given, cloud = configuration.cloud, models.cloud(configuration)
    near = np.random.default_rng(given.seed + 2).normal(0, 2 * given.scale, (given.points, given.dimension))
    x = xr.DataArray(near, dims=("point", "feature"))
    point_masses = cloud.assign(component_variance=0.0 * cloud.component_variance)
    tau = models.axis("tau", [1e-6, 1e-4, 1e-2, 0.1, 0.5])
    distances = ((x - cloud.component_mean) ** 2).sum("feature")
    power = (distances - 4 * tau * np.log(cloud.component_weight)).argmin("component").transpose("tau", "point")
    voronoi = distances.argmin("component")
    owned = owner(point_masses, x, tau)
    most = responsibilities(point_masses, x, tau).argmax("component")
    offset = faces(point_masses, tau).face_offset
    gap = cloud.component_weight.values
    first, second = offset.first_component.values, offset.second_component.values
    apart = np.linalg.norm(cloud.component_mean.values[first] - cloud.component_mean.values[second], axis=-1)
    law = 2 * tau * xr.DataArray(np.log(gap[first] / gap[second]) / apart, dims="pair")
    return xr.Dataset(
        {
            "off_voronoi": value((), (owned != voronoi).mean("point"), "share of points that the nearest mean does not own"),
            "face_offset": value((), offset, "distance of the faces from the Voronoi faces, towards the second mean"),
            "largest_offset": value((), abs(offset).max("pair"), "largest distance of a face from its Voronoi face"),
            "residual_power": residual(
                (), (owned != power).astype(float), "whether another cell of the power diagram holds the point"
            ),
            "residual_owner": residual(
                (), (owned != most).astype(float), "whether another component has the largest responsibility"
            ),
            "residual_voronoi": residual(
                (),
                (owned != voronoi).isel(tau=0).astype(float),
                "whether another Voronoi cell holds the point, in the limit",
            ),
            "residual_offset": residual(
                (),
                relative(offset, law),
                r"offset of the faces, towards $\mu_j$, against $v\ln(w_i/w_j)/\lvert\mu_i - \mu_j\rvert$, relative",
            ),
            "violation": violation(
                (),
                offset.isel(tau=-1) - offset.isel(tau=0),
                r"largest distance by which faces move as $\tau$ falls to 0",
            ),
        },
        {**owned.coords, **offset.coords},
    )


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
        r"The scalar equation, $h_\tau$ from the density, and the system at several viscosities, for the same mixture.",
        _potential,
        (burgers_residual,),
        note="The text that we have of the paper holds nothing under the number 7.2; its list of references says that "
        "there is a Remark 7.2, which cites Whitham (1974). What stands here is our reading of the context.",
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
        r"A solution that rotates, $u = M(1 + \tau M)^{-1}x$ with $M$ not symmetric, in three dimensions; and a "
        "shear in the plane, whose vorticity varies in space.",
        _vorticity_equation,
        (vorticity_residual,),
    ),
    Statement(
        "Theorem 7.5",
        "Curl preservation",
        "A solution that is free of curl at one time is so ever after.",
        {"": r"\omega(\cdot,\tau_0) = 0\ \implies\ \omega(\cdot,\tau) = 0\quad(\tau \ge \tau_0)"},
        "Scores of mixtures, whose Jacobian is symmetric to the bit, and their curl measured by differences, as in "
        "section 10.6; a solution that rotates keeps rotating.",
        _preservation,
        (vorticity,),
        shown=("largest", "rotating"),
        figure="figure-5",
    ),
    Statement(
        "Corollary 7.6",
        "Non-conservative scores are artifacts",
        "A score with curl is no score of a heat flow: its curl comes from the approximation.",
        {},
        "A score to which a rotation is added: the measured curl is the added one, and what (62) leaves over is that of the "
        "rotation, in closed form.",
        _artifacts,
        (vorticity, burgers_residual),
        shown=("burgers_largest", "burgers_noise"),
        figure="figure-5",
    ),
    Statement(
        "Proposition 7.7",
        "Shock surfaces as Voronoi boundaries",
        "As noise vanishes the shock surfaces are the faces of the Voronoi diagram of the means; for unequal weights those "
        "of the power diagram.",
        {"74": r"\lvert x - \mu_i\rvert = \lvert x - \mu_j\rvert \le \lvert x - \mu_k\rvert\quad\text{for all } k"},
        r"Which mean owns random points at five $\tau$, for point masses of random weights, against both diagrams.",
        _surfaces,
        (owner, faces, responsibilities),
        condition="for unequal weights the diffusion time is kept above 0",
        truth=r"At every $\tau$ the faces are those of the power diagram $\lvert x - \mu_i\rvert^2 - 2v\ln w_i$. They lie "
        r"$v\,\lvert\ln(w_i/w_j)\rvert/\lvert\mu_i - \mu_j\rvert$ from the Voronoi faces, and in the limit, whatever the "
        "weights, on them.",
        shown=("off_voronoi", "largest_offset"),
    ),
)
