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
    given = configuration.unequal
    return families.pair(given.separation, given.variance, given.weight)


def cloud(configuration: Configuration) -> xr.Dataset:
    """Random means and weights in several dimensions."""
    given = configuration.cloud
    random = np.random.default_rng(given.seed)
    means = given.scale * random.standard_normal((given.components, given.dimension))
    return mixture(means, random.dirichlet(np.full(given.components, 2.0)), given.variance)


def cloud_points(configuration: Configuration) -> xr.DataArray:
    """Random points from the core to ten times as far, and their mirror images far out in the tails."""
    given = configuration.cloud
    random = np.random.default_rng(given.seed + 1)
    directions = random.standard_normal((given.points, given.dimension))
    distance = given.scale * 10 ** random.uniform(-2, 4, (given.points, 1))
    return xr.DataArray(directions * distance, dims=("point", "feature"))


def plane(configuration: Configuration) -> xr.Dataset:
    """The mixture in the plane of the curl's experiment."""
    given = configuration.plane
    return mixture(given.means, given.weights, given.variance)


def plane_points(configuration: Configuration) -> xr.DataArray:
    """Random points of the plane, uniform over a square about the means."""
    given = configuration.plane
    half = 2 * np.abs(np.array(given.means)).max()
    points = np.random.default_rng(given.seed).uniform(-half, half, (given.points, 2))
    return xr.DataArray(points, dims=("point", "feature"))


def triangle(configuration: Configuration) -> xr.Dataset:
    """Three components at unequal distances, over ``separation``, their scales."""
    given = configuration.triangle
    scales = np.array(given.scales)
    # The variance is that of the paper's smallest scale throughout: only the means are scaled.
    return families.polygon(scales, given.variance, radii=given.radii, angles=given.angles)


def equilateral(configuration: Configuration) -> xr.Dataset:
    """The equilateral triangle."""
    return families.polygon(configuration.equilateral.radius, configuration.equilateral.variance)


def wells(configuration: Configuration) -> xr.Dataset:
    """The quartic wells, over ``case``."""
    given = configuration.wells
    names = [f"c = {w.quartic_coefficient:g}, b = {w.half_distance:g}" + f", h = {w.tilt:g}" * bool(w.tilt) for w in given]
    case = {"case": ("case", names, {"long_name": "well exp(-c (x^2 - b^2)^2 + h x)"})}
    columns = [xr.DataArray([getattr(w, name) for w in given], dims="case", coords=case) for name in PARAMETERS]
    return well("tilted-quartic", *columns)


PARAMETERS = ("quartic_coefficient", "half_distance", "tilt")


def draws(configuration: Configuration) -> xr.Dataset:
    """Random mixtures over ``realization``, with variance near zero so that every root is above the floor."""
    given = configuration.draws
    random = np.random.default_rng(given.seed)
    means = random.standard_normal((given.number, given.components, given.dimension))
    weights = random.dirichlet(np.full(given.components, 4.0), given.number)
    index = {"realization": np.arange(given.number)}
    return mixture(
        xr.DataArray(means, dims=("realization", "component", "feature"), coords=index),
        xr.DataArray(weights, dims=("realization", "component"), coords=index),
        1e-6,
    )


def grid(given: Grid) -> xr.DataArray:
    """Positions from the core to both tails, ascending."""
    tail = np.geomspace(given.core, given.tail, given.tail_points + 1)[1:]
    core = np.linspace(-given.core, given.core, given.points)
    return axis("x", np.concatenate([-tail[::-1], core, tail]))


def axis(name: str, values: object) -> xr.DataArray:
    """Numbers as a labelled axis of the vocabulary."""
    array = np.asarray(values, dtype=float)
    return axis_of(name, array, str(attributes(name)["long_name"]))


def times(configuration: Configuration) -> xr.DataArray:
    """The experiment's diffusion times."""
    return axis("tau", configuration.times)


def axis_of(name: str, values: object, long_name: str) -> xr.DataArray:
    """Numbers as an axis that is not in the vocabulary."""
    array = np.asarray(values)
    described = {"long_name": long_name, "units": "1"}
    return xr.DataArray(array, dims=name, coords={name: (name, array, described)}, attrs=described)
