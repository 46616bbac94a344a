"""Components in the coordinates that matter: centred at the mixture's mean, in the span of means and listed directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from scoreshock.kernels.covariances.components import Components
from scoreshock.kernels.gaussian.geometry import centred
from scoreshock.kernels.numerics.blocks import total

LOWEST = 1e-16
"""Least tau that is searched, over the squared distance of the means, where nothing shows that roots end earlier."""


def reduced(c: Components) -> Components:
    """Components about their weighted mean, with fewer features where all directions and means lie in a smaller span.

    Across the span every component has its ``variance``, as in dimensions outside the features. What is not finite becomes
    0, for callers to mark.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> reduced(components([[-1.0, 0.0, 0.0], [3.0, 0.0, 0.0]], [0.5, 0.5], 1.0)).means.round(12).tolist()
    [[-2.0], [2.0]]
    """
    c = Components(*(None if a is None else np.where(np.isfinite(a), a, 0.0) for a in c))  # type: ignore[arg-type]
    c = c._replace(means=centred(c.means, c.weights))
    k, n = c.means.shape[-2:]
    diagonal = c.eigenvalues is not None and c.directions is None
    rows = 0 if c.directions is None else c.directions.shape[-3] * c.directions.shape[-2]
    if diagonal or rows + max(k - 1, 1) >= n:
        return c
    steps = c.means[..., 1:, :] - c.means[..., :1, :] if k > 1 else c.means
    spanning = [steps]
    if c.directions is not None:
        spanning.insert(0, c.directions.reshape(*c.directions.shape[:-3], rows, n))
    lead = np.broadcast_shapes(*(a.shape[:-2] for a in spanning))
    stacked = np.concatenate([np.broadcast_to(a, lead + a.shape[-2:]) for a in spanning], axis=-2)
    # Of equal means and repeated directions any basis holds the span.
    basis = np.linalg.qr(np.swapaxes(stacked, -1, -2))[0]
    directions = None if c.directions is None else c.directions @ basis[..., None, :, :]
    means = c.means @ basis
    # A column of either sign: the first mean of a line comes first.
    if means.shape[-1] == 1 and k > 1:
        means = means * np.where(means[..., -1:, :] < means[..., :1, :], -1.0, 1.0)
    return c._replace(means=means, directions=directions)


def largest_distance(c: Components) -> np.ndarray:
    """Largest distance of two means, (...)."""
    k = c.means.shape[-2]
    steps = [c.means[..., j + 1 :, :] - c.means[..., j, None, :] for j in range(k - 1)]
    if not steps:
        return np.zeros(c.means.shape[:-2])
    return np.sqrt(total(np.moveaxis(np.concatenate(steps, axis=-2) ** 2, -1, 0)).max(axis=-1))


def smallest_variance(c: Components, dimension: Any = None) -> np.ndarray:
    """Smallest variance of any component along any direction, (...), of the ambient ``dimension (...)``."""
    beyond = dimension is not None and bool(np.any(np.asarray(dimension) > c.means.shape[-1]))
    values = [] if c.complete and not beyond else [c.variance.min(axis=-1)]
    values += [] if c.eigenvalues is None else [c.eigenvalues.min(axis=(-1, -2))]
    return np.minimum(*np.broadcast_arrays(*values)) if len(values) == 2 else values[0]
