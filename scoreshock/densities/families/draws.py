"""The family of randomly drawn means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.axes import CORE, as_axis
from scoreshock.checks import as_numbers, one_of, show, whole
from scoreshock.densities.families.arguments import MOST_COMPONENTS, SCALINGS, product
from scoreshock.densities.families.registry import family
from scoreshock.densities.mixtures import as_weights, assemble, span

SMALLEST_WEIGHT = 1e-300
"""Floor of a drawn weight: a Dirichlet draw of small concentration can be zero in floating point."""


@family
def random(
    realization: Any = 0,
    separation: Any = 1.0,
    variance: Any = 1.0,
    dimension: Any = 2,
    components: int = 4,
    seed: int = 0,
    weights: Sequence[float] | None = None,
    concentration: float | None = None,
    scaling: str = "per-coordinate",
) -> xr.Dataset:
    """Means drawn from a normal distribution: ``separation`` times standard normal coordinates, in ``dimension`` of them.

    The draw depends on (seed, realization, components, dimension) and nothing else, so that other axes share it.

    Parameters
    ----------
    realization
        Index of the draw, a whole number >= 0.
    separation, variance, dimension
        Scale of the means, component variance, ambient dimension.
    components, seed : int
        Number k of components (at least 1), and seed (>= 0).
    weights : sequence of k numbers > 0, optional
        Equal by default.
    concentration : number > 0, optional
        Draw the weights from the symmetric Dirichlet distribution of this concentration instead, by (seed, realization, k).
    scaling : {"per-coordinate", "fixed"}
        Each coordinate of a mean has standard deviation separation, so that its squared length grows as dimension; or
        separation / sqrt(dimension), so that it does not.

    Returns
    -------
    xarray.Dataset
        A mixture of max(1, k - 1) features, whatever the dimension: an exact isometry of the draw about its weighted mean
        (features beyond the dimension are zero).

    Examples
    --------
    >>> import scoreshock as ss
    >>> sweep = ss.families.random(realization=[0, 1, 2], separation=[1.0, 2.0], dimension=1000)
    >>> dict(sweep.component_mean.sizes)
    {'separation': 2, 'realization': 3, 'component': 4, 'feature': 3}
    """
    k, root = whole("components", components, 1, MOST_COMPONENTS), whole("seed", seed, 0)
    if weights is not None and concentration is not None:
        raise ValueError("weights and concentration are both given; allowed: one of them")
    draw, ambient = as_axis("realization", realization), as_axis("dimension", dimension)
    share = as_weights(weights, k) if concentration is None else _drawn_weights(draw, root, k, concentration)
    means = xr.apply_ufunc(
        lambda r, d, w: _draw_means(root, k, int(r), int(d), w),
        *(draw, ambient, share),
        input_core_dims=[[], [], ["component"]],
        output_core_dims=[list(CORE)],
        vectorize=True,
    )
    scale = as_axis("separation", separation)
    if one_of("scaling", scaling, SCALINGS) == "fixed":
        scale = product(scale, 1 / xr.ufuncs.sqrt(ambient))
    return assemble(product(scale, means), share, as_axis("variance", variance), ambient)


def _draw_means(seed: int, k: int, realization: int, dimension: int, weights: np.ndarray) -> np.ndarray:
    """One draw of standard normal means, reduced to max(1, k - 1) features, (k, features)."""
    drawn = np.random.default_rng([seed, realization, k, dimension]).standard_normal((k, dimension))
    reduced = span(drawn, weights).means
    return np.pad(reduced, ((0, 0), (0, max(1, k - 1) - reduced.shape[1])))


def _drawn_weights(realization: xr.DataArray, seed: int, k: int, concentration: float) -> xr.DataArray:
    """Dirichlet weights (..., component) of each realization."""
    strength = as_numbers("concentration", concentration)
    if strength.ndim or strength <= 0:
        raise ValueError(f"concentration = {show(concentration)} is not allowed; allowed: a finite number > 0")

    def draw(index: int) -> np.ndarray:
        # A dimension is at least 1, so that the 0 here names a stream that no draw of means uses.
        shares = np.random.default_rng([seed, int(index), k, 0]).dirichlet(np.full(k, float(strength)))
        return np.maximum(shares, SMALLEST_WEIGHT)

    drawn = xr.apply_ufunc(draw, realization, output_core_dims=[["component"]], vectorize=True)
    return as_weights(drawn, k)
