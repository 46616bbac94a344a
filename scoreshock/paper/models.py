"""The mixtures, points and times of the paper's experiments, from their configuration."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import attributes
from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture
from scoreshock.paper.configuration import Grid, Setup
from scoreshock.quantities.fields import score_jacobian
from scoreshock.quantities.wells import well

CENTRE = xr.DataArray([0.0], dims="feature")
"""The midpoint of a pair."""


def pair(setup: Setup) -> xr.Dataset:
    """The symmetric pair (27)."""
    return families.pair(setup.pair.separation, setup.pair.variance)


def unequal_pair(setup: Setup) -> xr.Dataset:
    """The pair with unequal weights."""
    settings = setup.unequal
    return families.pair(settings.separation, settings.variance, settings.weight)


def cloud(setup: Setup) -> xr.Dataset:
    """Random means and weights in several dimensions."""
    settings = setup.cloud
    random = np.random.default_rng(settings.seed)
    means = settings.scale * random.standard_normal((settings.components, settings.dimension))
    return mixture(means, random.dirichlet(np.full(settings.components, 2.0)), settings.variance)


def cloud_points(setup: Setup) -> xr.DataArray:
    """Random points in random directions, at distances of about 0.01 to 1e4 times ``scale``."""
    settings = setup.cloud
    random = np.random.default_rng(settings.seed + 1)
    directions = random.standard_normal((settings.points, settings.dimension))
    distance = settings.scale * 10 ** random.uniform(-2, 4, (settings.points, 1))
    return xr.DataArray(directions * distance, dims=("point", "feature"))


def plane(setup: Setup) -> xr.Dataset:
    """The mixture in the plane of the curl's experiment."""
    settings = setup.plane
    return mixture(settings.means, settings.weights, settings.variance)


def plane_points(setup: Setup) -> xr.DataArray:
    """Random points of the plane, uniform over a square about the means."""
    settings = setup.plane
    half = 2 * np.abs(np.array(settings.means)).max()
    points = np.random.default_rng(settings.seed).uniform(-half, half, (settings.points, 2))
    return xr.DataArray(points, dims=("point", "feature"))


def triangle(setup: Setup) -> xr.Dataset:
    """Three components at unequal distances; the scale of their means is the dimension ``separation``."""
    settings = setup.triangle
    return families.polygon(settings.scales, settings.variance, radii=settings.radii, angles=settings.angles)


def equilateral(setup: Setup) -> xr.Dataset:
    """The equilateral triangle."""
    return families.polygon(setup.equilateral.radius, setup.equilateral.variance)


def cross(outer: float, variance: float) -> xr.Dataset:
    """Means at +-1 along the first axis with total weight 0.6, and at +-outer along the second."""
    return mixture([[1.0, 0.0], [-1.0, 0.0], [0.0, outer], [0.0, -outer]], [0.3, 0.3, 0.2, 0.2], variance)


def wells(setup: Setup) -> xr.Dataset:
    """The quartic wells, along ``case``."""
    rows = [(w.quartic_coefficient, w.half_distance, w.tilt) for w in setup.wells]
    names = [f"c = {c:g}, b = {b:g}" + f", h = {h:g}" * bool(h) for c, b, h in rows]
    case = labels("case", names, "well exp(-c (x^2 - b^2)^2 + h x)")
    columns = (xr.DataArray(list(column), dims="case", coords=case) for column in zip(*rows, strict=True))
    return well("tilted-quartic", *columns)


def draws(setup: Setup) -> xr.Dataset:
    """Random mixtures along ``realization``, with a variance near zero, so that every root exceeds it."""
    settings = setup.draws
    random = np.random.default_rng(settings.seed)
    index = {"realization": np.arange(settings.number)}
    means = random.standard_normal((settings.number, settings.components, settings.dimension))
    weights = random.dirichlet(np.full(settings.components, 4.0), settings.number)
    located = xr.DataArray(means, dims=("realization", "component", "feature"), coords=index)
    return mixture(located, xr.DataArray(weights, dims=("realization", "component"), coords=index), 1e-6)


def grid(settings: Grid) -> xr.DataArray:
    """Positions from the core to both tails, ascending."""
    tail = np.geomspace(settings.core, settings.tail, settings.tail_points + 1)[1:]
    core = np.linspace(-settings.core, settings.core, settings.points)
    return axis("x", np.concatenate([-tail[::-1], core, tail]))


def noise_range(setup: Setup) -> tuple[float, float]:
    """Noised variance of the symmetric pair at stop and at start of generation."""
    return setup.pair.variance + 2 * setup.generation.stop, setup.pair.variance + 2 * setup.generation.start


def labels(name: str, texts: object, long_name: str) -> dict[str, Any]:
    """Texts as the coordinate of a dimension."""
    return {name: (name, texts, {"long_name": long_name})}


def axis(name: str, values: object) -> xr.DataArray:
    """Numbers as an axis with the ``long_name`` of the vocabulary."""
    return axis_of(name, np.asarray(values, dtype=float), str(attributes(name)["long_name"]))


def times(setup: Setup) -> xr.DataArray:
    """The experiment's diffusion times."""
    return axis("tau", setup.times)


def midpoint_slope(setup: Setup, tau: xr.DataArray) -> xr.DataArray:
    """Slope of the score of the symmetric pair at its midpoint, from the Jacobian of the mixture."""
    return score_jacobian(pair(setup), CENTRE, tau).squeeze(["feature", "feature_other"])


def axis_of(name: str, values: object, long_name: str) -> xr.DataArray:
    """Numbers as an axis with a ``long_name``."""
    array = np.asarray(values)
    described = {"long_name": long_name, "units": "1"}
    return xr.DataArray(array, dims=name, coords={name: (name, array, described)}, attrs=described)
