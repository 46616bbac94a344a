"""Data sets of which the exact score is known: mixtures, from which training draws, and to which a diagnosis holds networks.

Densities of another kind, squares and spirals, are mixtures of many components that overlap. The coordinate ``label`` says
to which class (square, arm, branch, digit) a component belongs; without it each component is a class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from scoreshock.conventions import attributes
from scoreshock.densities.data import from_labelled
from scoreshock.densities.families.shapes import hierarchy as tree
from scoreshock.densities.families.shapes import polygon
from scoreshock.densities.mixtures import mixture
from scoreshock.densities.tables.bundled import read_bundled


@dataclass(frozen=True)
class DataSet:
    """A density with its title; width and hidden layers of its networks, seeds, training steps, and samples to memorise."""

    title: str
    mixture: Callable[[], xr.Dataset]
    hidden: int = 64
    layers: int = 3
    seeds: int = 3
    steps: int = 3000
    memorised: int = 32


def pair() -> xr.Dataset:
    """Two components in the plane, at distance 2, of standard deviation 0.3; their boundary is the second axis."""
    return mixture([[-1.0, 0.0], [1.0, 0.0]], variance=0.09)


def eight_gaussians() -> xr.Dataset:
    """Eight components on a circle of radius 2, of standard deviation 0.25."""
    return mixture(polygon(2.0, vertices=8).component_mean, variance=0.0625)


def checkerboard() -> xr.Dataset:
    """The eight dark squares of a board of four by four, of side 1, each by 16 components of standard deviation 0.14."""
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(4), indexing="ij"), axis=-1).reshape(-1, 2)
    corners = grid[grid.sum(axis=1) % 2 == 0] - 2.0
    inside = (grid + 0.5) / 4
    means = (corners[:, None] + inside).reshape(-1, 2)
    return _labelled(mixture(means, variance=0.14**2), np.repeat([f"square {j}" for j in range(8)], 16))


def spirals() -> xr.Dataset:
    """Two spirals of one turn and a half, each by 80 components at equal distances, of standard deviation 0.15."""
    angle = np.linspace(0.5 * np.pi, 3.5 * np.pi, 4000)
    arc = np.r_[0.0, np.cumsum(np.hypot(*np.diff([angle * np.cos(angle), angle * np.sin(angle)], axis=1)))]
    turned = np.interp(np.linspace(0.0, arc[-1], 80), arc, angle)
    arm = (turned * [np.cos(turned), np.sin(turned)]).T / (1.5 * np.pi)
    return _labelled(mixture(np.concatenate([arm, -arm]), variance=0.15**2), np.repeat(["arm 0", "arm 1"], 80))


def hierarchy() -> xr.Dataset:
    """Three branches of three leaves in eight dimensions, the second level half as far apart; variance 0.09."""
    leaves = tree(2.0, variance=0.09, ratio=0.5, levels=2, branching=3)
    return _labelled(mixture(leaves.component_mean, variance=0.09), np.repeat([f"branch {j}" for j in range(3)], 3))


def digits() -> xr.Dataset:
    """Ten classes in 64 dimensions: class means of scikit-learn's 1,797 images of 8 by 8 pixels, and their mean variance.

    Pixels are from 0 to 1, less the mean image.
    """
    table = read_bundled("digits")
    fitted = from_labelled(table, scaling="unit-range")
    means = fitted.component_mean.values @ fitted.basis.values
    return _labelled(mixture(means, fitted.component_weight.values, float(fitted.component_variance)), fitted.label.values)


def _labelled(truth: xr.Dataset, labels: np.ndarray) -> xr.Dataset:
    return truth.assign_coords(label=("component", labels.astype(str), attributes("label")))


def classes(truth: xr.Dataset) -> np.ndarray:
    """Number of the class of each component (k,), in the order in which they come."""
    if "label" not in truth.coords:
        return np.arange(truth.sizes["component"])
    _, first, number = np.unique(truth.label.values, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]


DATA_SETS = {
    "pair": DataSet("a pair", pair, seeds=20),
    "eight-gaussians": DataSet("eight Gaussians on a circle", eight_gaussians, seeds=20, steps=4000),
    "checkerboard": DataSet("a checkerboard", checkerboard, hidden=128, steps=6000),
    "spirals": DataSet("two spirals", spirals, hidden=128, steps=6000),
    "hierarchy": DataSet("a hierarchy in eight dimensions", hierarchy, hidden=128, memorised=144),
    "digits": DataSet("ten digits in 64 dimensions", digits, hidden=256, steps=2000, memorised=160),
}
"""Data sets by the name of their files."""
