"""Eigenmodes of the between-class covariance: how much of the variance each has, and which components it separates most."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.kernels.gaussian.geometry import DEGENERATE, decompose


class Eigenmodes(NamedTuple):
    """Of each eigenmode (..., m): its share of the variance of the means, and the components at either end of it.

    NaN and -1 where all means are equal; -1 also of a multiple eigenvalue, whose directions are arbitrary.
    """

    eigenmode_share: np.ndarray
    eigenmode_first: np.ndarray
    eigenmode_second: np.ndarray


def eigenmodes(means: np.ndarray, weights: np.ndarray) -> Eigenmodes:
    """Shares and extreme components of the eigenmodes of ``means (..., k, n)`` with ``weights (..., k)``.

    Examples
    --------
    A rectangle: its long side is the first eigenmode. Components 0 and 1 share one end of it: the first is named.

    >>> found = eigenmodes(np.array([[-2.0, -1.0], [-2.0, 1.0], [2.0, -1.0], [2.0, 1.0]]), np.full(4, 0.25))
    >>> found.eigenmode_share.tolist(), found.eigenmode_first.tolist(), found.eigenmode_second.tolist()
    ([0.8, 0.2], [0, 0], [2, 1])
    """
    geometry = decompose(means, weights)
    values, y = geometry.eigenvalues, geometry.coordinates
    total = np.add.accumulate(values, axis=-1)[..., -1:]
    # Of coordinates that are equal but for rounding the first component is taken.
    scale = 2 * DEGENERATE * np.abs(y).max(axis=-2, keepdims=True)
    low = (y <= y.min(axis=-2, keepdims=True) + scale).argmax(axis=-2)
    high = (y >= y.max(axis=-2, keepdims=True) - scale).argmax(axis=-2)
    gap = np.abs(np.diff(values, axis=-1)) <= DEGENERATE * values[..., :1]
    edge = np.zeros_like(values[..., :1], dtype=bool)
    tied = np.concatenate([edge, gap], axis=-1) | np.concatenate([gap, edge], axis=-1)
    void = tied | ~(values > 0)
    first, second = (np.where(void, -1, each).astype(np.int16) for each in (np.minimum(low, high), np.maximum(low, high)))
    with np.errstate(invalid="ignore"):
        return Eigenmodes(values / total, first, second)
