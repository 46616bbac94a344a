"""Components with covariances: what a draw of one says of the others, and one shared covariance as unit variance."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.gaussian.geometry import Geometry, decompose, span


class Along(NamedTuple):
    """Covariances as arguments: variances along directions, beside the one variance along all others.

    ``members`` selects those of the components of a pair out of the components of a mixture.
    """

    eigenvalues: np.ndarray  # (..., k or 1, r)
    directions: np.ndarray | None = None  # (..., k or 1, r, n), orthonormal rows; None: the features, r = n
    members: np.ndarray | None = None  # (..., components of the pair)

    @property
    def lead(self) -> tuple[int, ...]:
        """Leading shape of both arrays."""
        rows = () if self.directions is None else self.directions.shape[:-3]
        return np.broadcast_shapes(self.eigenvalues.shape[:-2], rows)


class Covariances(NamedTuple):
    """Covariances of all mixtures, a component a row."""

    eigenvalues: np.ndarray  # (C, r)
    directions: np.ndarray | None  # (C, r, n)


class Noisy(NamedTuple):
    """The covariance of one component of each of B points with the noise added."""

    floor: np.ndarray  # (B, 1, 1), along directions that are not listed
    along: np.ndarray  # (B, r, 1)
    directions: np.ndarray | None  # (B, r, n)

    @property
    def complete(self) -> bool:
        """Whether the directions are all there are."""
        return self.directions is None or self.directions.shape[1] == self.directions.shape[2]

    def coloured(self, z: np.ndarray) -> np.ndarray:
        """Draws (B, n, J) of this covariance from standard normal ones (1 or B, n, J)."""
        root = np.sqrt(self.along)
        if self.directions is None:
            return root * z
        back = np.swapaxes(self.directions, 1, 2)
        if self.complete:
            return back @ (root * z)
        rest = np.sqrt(self.floor)
        return rest * z + back @ ((root - rest) * (self.directions @ z))

    def solved(self, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of steps (B, n, J) their squared lengths (B, J) in the inverse covariance, and the inverse times them."""
        if self.directions is None:
            pulled = steps / self.along
            return (steps * pulled).sum(axis=1), pulled
        coordinates = self.directions @ steps
        scaled, back = coordinates / self.along, np.swapaxes(self.directions, 1, 2)
        square, pulled = (coordinates * scaled).sum(axis=1), back @ scaled
        if self.complete:
            return square, pulled
        rest = steps - back @ coordinates
        return square + (rest * rest).sum(axis=1) / self.floor[:, 0], pulled + rest / self.floor


def rows_of(along: Along, count: int, lead: tuple[int, ...]) -> tuple[Covariances, np.ndarray]:
    """Covariances as rows, and the row of each component of each of the ``lead`` points, (k or 1, B)."""
    own, rows = along.lead, along.directions
    k = max(along.eigenvalues.shape[-2], 1 if rows is None else rows.shape[-3])
    r = along.eigenvalues.shape[-1]
    eigenvalues = np.broadcast_to(along.eigenvalues, (*own, k, r)).reshape(-1, r)
    directions = None if rows is None else np.broadcast_to(rows, (*own, k, *rows.shape[-2:])).reshape(-1, *rows.shape[-2:])
    first = k * np.arange(len(eigenvalues) // k).reshape(own)[..., None]
    members = np.arange(k) if along.members is None or k == 1 else along.members
    index = np.broadcast_to(first + members, (*lead, 1 if k == 1 else count)).reshape(-1, 1 if k == 1 else count)
    return Covariances(eigenvalues, directions), np.ascontiguousarray(index.T)


def differing(covariances: Covariances, floor: np.ndarray, member: np.ndarray) -> np.ndarray:
    """The largest variance of a point whose components differ in covariance, else 0, (B,)."""
    columns, inverse = np.unique(np.concatenate([member, floor.view(np.int64)]), axis=1, return_inverse=True)
    result = np.zeros(columns.shape[1])
    for point, column in enumerate(columns.T):
        rows, spread = column[: len(member)], column[len(member) :].copy().view(float)
        parts = [covariances.eigenvalues, *([] if covariances.directions is None else [covariances.directions])]
        if (spread != spread[0]).any() or any((part[rows[1:]] != part[rows[0]]).any() for part in parts):
            result[point] = max(spread.max(), covariances.eigenvalues[rows].max())
    return result[inverse.ravel()]


def turned(geometry: Geometry, other: Geometry) -> np.ndarray:
    """Coordinates (..., k, m) in the rotation nearest to those of ``other``, where both have all m of them."""
    u, _, v = np.linalg.svd(np.swapaxes(geometry.coordinates, -1, -2) @ other.coordinates)
    complete = np.asarray((geometry.eigenvalues[..., -1] > 0) & (other.eigenvalues[..., -1] > 0))
    return np.where(complete[..., None, None], geometry.coordinates @ (u @ v), geometry.coordinates)


def whitened(
    means: np.ndarray, covariances: Covariances, floor: np.ndarray, row: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means ``(k, n, B)`` in units of the deviations of the one noisy covariance, and posterior means, both (k, m, B).

    Coordinates of the first are those of the means' principal directions, turned to be nearest to those of the means as
    they are, so that draws at one noise level are those at the next. Posterior means are relative to what all have in
    common.
    """
    mu = np.moveaxis(means, -1, 0)  # (B, k, n)
    rest, along = (floor + noise)[:, None, None], covariances.eigenvalues[row][:, None] + noise[:, None, None]
    if covariances.directions is None:
        parts, of = [mu], [along]
    else:
        u = covariances.directions[row]
        coordinates = mu @ np.swapaxes(u, 1, 2)
        parts, of = [coordinates], [along]
        if u.shape[1] < u.shape[2]:
            parts, of = [coordinates, mu - coordinates @ u], [along, rest]
    white = np.concatenate([part / np.sqrt(v) for part, v in zip(parts, of, strict=True)], axis=-1)
    share = np.full(mu.shape[1], 1 / mu.shape[1])
    near = turned(decompose(white, share), decompose(np.concatenate(parts, axis=-1), share))
    denoised = np.concatenate([part * (noise[:, None, None] / v) for part, v in zip(parts, of, strict=True)], axis=-1)
    return np.moveaxis(near, 0, -1).copy(), np.moveaxis(span(denoised), 0, -1).copy()


def at_nodes(
    noisy: Callable[[int], Noisy],
    means: np.ndarray,
    log_weights: np.ndarray,
    log_determinants: np.ndarray,
    noise: np.ndarray,
    j: int,
    z: np.ndarray,
    radial: bool,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Logits (k, J, B) relative to component j at draws of it, and posterior means (B, c, J) relative to the draw.

    ``z (c, J, 1 or B)`` are standard normal, the last row with ``radial`` a radius across the features.
    """
    flat = np.moveaxis(z[:-1] if radial else z, -1, 0)
    own, start = (flat * flat).sum(axis=1), noisy(j)
    drawn = start.coloured(flat)
    logits, positions = np.empty((len(means), z.shape[1], noise.size)), []
    for i, mean in enumerate(means):
        there = noisy(i)
        square, pulled = there.solved(drawn + (means[j] - mean).T[:, :, None])
        excess = square - own
        if radial:
            radius = np.sqrt(start.floor) * np.moveaxis(z[-1:], -1, 0)  # (B, 1, J)
            across = radius / there.floor
            excess = excess + (radius * across)[:, 0] - (z[-1] * z[-1]).T
            pulled = np.concatenate([pulled, across], axis=1)
        level = log_weights[i] - log_weights[j] - 0.5 * (log_determinants[i] - log_determinants[j])
        logits[i] = (level[:, None] - 0.5 * excess).T
        positions.append(-noise[:, None, None] * pulled)
    return logits, positions


def spreads(
    groups: tuple[tuple[int, ...], ...], r: np.ndarray, shares: np.ndarray, positions: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared distances (J, B) of the classes' posterior means from that of all, and of the components' from theirs."""
    r, shares = (np.moveaxis(a, -1, 1)[:, :, None] for a in (r, shares))  # (k, B, 1, J)
    mean = r[0] * positions[0]
    for i in range(1, len(r)):
        mean += r[i] * positions[i]
    between, within = np.zeros((2, r.shape[1], r.shape[3]))
    for group, share in zip(groups, shares, strict=True):
        centre = positions[group[0]]
        if len(group) > 1:
            parts = [r[i] / np.where(share > 0, share, 1.0) * positions[i] for i in group]
            centre = np.add.reduce(parts)
            for i in group:
                within += r[i][:, 0] * ((positions[i] - centre) ** 2).sum(axis=1)
        between += share[:, 0] * ((centre - mean) ** 2).sum(axis=1)
    return between.T, within.T
