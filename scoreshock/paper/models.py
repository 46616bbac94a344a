"""The mixtures, points and times of the paper's experiments, from their configuration."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import attributes
from scoreshock.densities import families
from scoreshock.densities.mixtures import mixture
from scoreshock.paper.configuration import Configuration, Grid
from scoreshock.quantities.wells import well

CENTRE = xr.DataArray([0.0], dims="feature")
"""The midpoint of a pair."""


def pair(configuration: Configuration) -> xr.Dataset:
    """The symmetric pair (27)."""
    return families.pair(configuration.pair.separation, configuration.pair.variance)


def unequal_pair(configuration: Configuration) -> xr.Dataset:
    """The pair with unequal weights."""
    settings = configuration.unequal
    return families.pair(settings.separation, settings.variance, settings.weight)


def cloud(configuration: Configuration) -> xr.Dataset:
    """Random means and weights in several dimensions."""
    settings = configuration.cloud
    random = np.random.default_rng(settings.seed)
    means = settings.scale * random.standard_normal((settings.components, settings.dimension))
    return mixture(means, random.dirichlet(np.full(settings.components, 2.0)), settings.variance)


def cloud_points(configuration: Configuration) -> xr.DataArray:
    """Random points in random directions, at distances of about 0.01 to 1e4 times ``scale``."""
    settings = configuration.cloud
    random = np.random.default_rng(settings.seed + 1)
    directions = random.standard_normal((settings.points, settings.dimension))
    distance = settings.scale * 10 ** random.uniform(-2, 4, (settings.points, 1))
    return xr.DataArray(directions * distance, dims=("point", "feature"))


def plane(configuration: Configuration) -> xr.Dataset:
    """The mixture in the plane of the curl's experiment."""
    settings = configuration.plane
    return mixture(settings.means, settings.weights, settings.variance)


def plane_points(configuration: Configuration) -> xr.DataArray:
    """Random points of the plane, uniform over a square about the means."""
    settings = configuration.plane
    half = 2 * np.abs(np.array(settings.means)).max()
    points = np.random.default_rng(settings.seed).uniform(-half, half, (settings.points, 2))
    return xr.DataArray(points, dims=("point", "feature"))


def triangle(configuration: Configuration) -> xr.Dataset:
    """Three components at unequal distances, with their scales as the dimension ``separation``."""
    settings = configuration.triangle
    scales = np.array(settings.scales)
    # Only the means are scaled.
    return families.polygon(scales, settings.variance, radii=settings.radii, angles=settings.angles)


def equilateral(configuration: Configuration) -> xr.Dataset:
    """The equilateral triangle."""
    return families.polygon(configuration.equilateral.radius, configuration.equilateral.variance)


def wells(configuration: Configuration) -> xr.Dataset:
    """The quartic wells, along ``case``."""
    settings = configuration.wells
    names = [
        f"c = {w.quartic_coefficient:g}, b = {w.half_distance:g}" + f", h = {w.tilt:g}" * bool(w.tilt) for w in settings
    ]
    case = {"case": ("case", names, {"long_name": "well exp(-c (x^2 - b^2)^2 + h x)"})}
    columns = [xr.DataArray([getattr(w, name) for w in settings], dims="case", coords=case) for name in PARAMETERS]
    return well("tilted-quartic", *columns)


PARAMETERS = ("quartic_coefficient", "half_distance", "tilt")


def draws(configuration: Configuration) -> xr.Dataset:
    """Random mixtures along ``realization``, with a variance near zero, so that every root exceeds it."""
    settings = configuration.draws
    random = np.random.default_rng(settings.seed)
    means = random.standard_normal((settings.number, settings.components, settings.dimension))
    weights = random.dirichlet(np.full(settings.components, 4.0), settings.number)
    index = {"realization": np.arange(settings.number)}
    return mixture(
        xr.DataArray(means, dims=("realization", "component", "feature"), coords=index),
        xr.DataArray(weights, dims=("realization", "component"), coords=index),
        1e-6,
    )


def grid(settings: Grid) -> xr.DataArray:
    """Positions from the core to both tails, ascending."""
    tail = np.geomspace(settings.core, settings.tail, settings.tail_points + 1)[1:]
    core = np.linspace(-settings.core, settings.core, settings.points)
    return axis("x", np.concatenate([-tail[::-1], core, tail]))


def axis(name: str, values: object) -> xr.DataArray:
    """Numbers as an axis with the ``long_name`` of the vocabulary."""
    array = np.asarray(values, dtype=float)
    return axis_of(name, array, str(attributes(name)["long_name"]))


def times(configuration: Configuration) -> xr.DataArray:
    """The experiment's diffusion times."""
    return axis("tau", configuration.times)


def axis_of(name: str, values: object, long_name: str) -> xr.DataArray:
    """Numbers as an axis with the given ``long_name``."""
    array = np.asarray(values)
    described = {"long_name": long_name, "units": "1"}
    return xr.DataArray(array, dims=name, coords={name: (name, array, described)}, attrs=described)
