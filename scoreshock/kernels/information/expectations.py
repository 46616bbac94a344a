r"""Expectations over a noisy mixture of what responsibilities say of the class: by trapezoidal sums, or by draws.

Each component's density is averaged in turn, ``E f = sum_j w_j E f(mu_j + sqrt(v_j) z)``: by the trapezoidal rule on a grid
of z, whose error falls exponentially with its spacing. Grids are halved, for each point by itself, until two agree.
Components with one covariance are those of unit variance in its deviations; of different ones a root of each takes the place
of sqrt(v_j).
"""

from __future__ import annotations

from functools import cache, lru_cache, partial
from typing import NamedTuple

import numpy as np
from scipy.special import entr, gammaincinv, ndtr

from scoreshock.kernels.information import covariances
from scoreshock.kernels.information.classes import ROOM, Classes, Method
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.blocks import BLOCK, total
from scoreshock.kernels.numerics.counter_rng import normals
from scoreshock.kernels.numerics.vectors import added, inner

REACH = {0: 12.0, 1: 12.0, 2: 9.5, 3: 9.0}
"""Nodes lie within this distance of a mean, in standard deviations: beyond it lies less than 1e-19 of a component."""

LEVELS = {1: (2, 3, 4, 5, 6), 2: (1, 2, 3, 4), 3: (1, 2, 3)}
"""Spacings ``2**-level`` that are tried in turn, by the number of coordinates."""

FINER = {1: (7, 8, 9, 10), 2: (5, 6), 3: ()}
"""Further ones of components with different covariances, which are narrow in some direction more often; not of a radius,
whose nodes would fill the memory."""

LOWEST = -110.0
"""Least node of the logarithm of a squared radius, in its standard deviations: for one dimension its tail is long."""

KEPT = 1 << 14
"""Draws of one component that are kept for the next noise level."""

SLICE = 4096
"""Nodes that go together: the order of sums depends on it."""

AGREE, POWER = 1e-7, 1.45
"""Relative difference of two spacings at which the finer one is exact. Its error is that difference squared, but for chance:
of random mixtures where they agreed to 1e-6 to 1e-9 it was at most the difference to the power of 1.45."""

NOTHING, SLIGHT = 1e-28, 1e-5
"""Shares of the largest possible value, and of what a caller compares a number with, below which it needs fewer digits."""

GREAT = 700.0
"""Logit whose exponential is large, and does not overflow in a sum."""


class Moments(NamedTuple):
    """Expectations, (B,) each, and the estimate of their largest relative error.

    ``entropy`` of the class given a noisy point; ``doubt``, that two draws of the class differ; the mean squared distances
    ``between`` the classes' posterior means and that of all, and ``within`` classes of components' and the class's.
    """

    entropy: np.ndarray
    doubt: np.ndarray
    between: np.ndarray
    within: np.ndarray
    error: np.ndarray


class Nodes(NamedTuple):
    """Nodes ``z (c, J, 1 or B)`` in standard deviations, their shares (J, 1 or B); the ``first`` are the coarser grid's."""

    z: np.ndarray
    shares: np.ndarray
    first: int


def moments(points: Classes, noise: np.ndarray, method: Method) -> Moments:
    """Expectations at noise variance ``noise (B,)``, ``sigma^2``.

    Points whose replicate is -1 go by quadrature, to `AGREE`; others by that replicate's draws, without an error.
    """
    return Moments(*_by_kind(points, noise, method, NOTHING * np.stack([np.ones(points.size), points.extent])))


def mean_square_error(points: Classes, noise: np.ndarray, method: Method) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared error of the best denoiser, to digits of its own alone, and the estimate of its error, (B,) each."""
    alone = _alone(points, noise)
    *_, between, within, error = _by_kind(points, noise, method, SLIGHT * alone[None])
    return alone + within + between, (between + within) * error


def mean_square_errors(points: Classes, noise: np.ndarray, found: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared errors of the best denoisers, without and with knowledge of the class, (B,) each."""
    of_class = _alone(points, noise) + found.within
    return of_class + found.between, of_class


def _alone(points: Classes, noise: np.ndarray) -> np.ndarray:
    """Mean squared error that is left where the component is known, (B,)."""
    if points.covariances is not None:
        return total(np.exp(points.log_w) * points.over_directions(lambda s, q: q * s / (s + q), noise))
    return total(np.exp(points.log_w) * (points.dimension * noise * points.variance / (points.variance + noise)))


def _by_kind(points: Classes, noise: np.ndarray, method: Method, least: np.ndarray) -> np.ndarray:
    """Moments (5, B): each point among those of its kind alone, so that its arithmetic is its own.

    Numbers below ``least (2, B)``, an entropy and a mean squared distance, need fewer digits; with one row, (1, B), that of
    distances, entropies are not computed.
    """
    result = np.full((5, points.size), np.nan)
    if points.shared:
        points, noise = points.whitened(noise), np.ones_like(noise)
    differ = points.variance.min(axis=0) != points.variance.max(axis=0)
    kinds = np.stack([points.rank, points.across > 0, differ, points.replicate >= 0]).astype(int)
    for kind in np.unique(kinds, axis=1).T:
        at = np.flatnonzero((kinds == kind[:, None]).all(axis=0))
        sums = Sums(rank=int(kind[0]), radial=bool(kind[1]), differ=bool(kind[2]), entropies=len(least) > 1)
        some, q = points.take(at), noise[at]
        result[:, at] = _sampled(some, q, sums, method) if kind[3] else _integrated(some, q, sums, least[:, at])
    return result


class Sums(NamedTuple):
    """What is summed, and over which coordinates."""

    rank: int  # of the means
    radial: bool  # whether also over the radius across them
    differ: bool  # whether variances do
    entropies: bool  # whether entropy and doubt too

    @property
    def first(self) -> int:
        """Index in `Moments` of the first that is computed."""
        return 0 if self.entropies else 2


def _integrated(points: Classes, noise: np.ndarray, sums: Sums, least: np.ndarray) -> np.ndarray:
    """Moments by quadrature, (5, B)."""
    result, at = np.zeros((5, points.size)), np.arange(points.size)
    if len(points.log_w) == 1:
        return result
    floor = np.repeat(least, 2, axis=0)
    finer = points.covariances is not None and not sums.radial
    for level in LEVELS[sums.rank + sums.radial] + (FINER[sums.rank] if finer else ()):
        fine, coarse = np.zeros((2, 4 - sums.first, at.size))
        # Of a radius each point has nodes of its own.
        for cut in slices(at.size, ROOM >> 3 * level if sums.radial else at.size):
            some = points.take(at[cut])
            nodes = _radial(sums.rank, level, some.across) if sums.radial else _grid(sums.rank, level)
            fine[:, cut], coarse[:, cut] = _averages(some, noise[at[cut]], [nodes] * len(points.log_w), sums)
        difference = np.abs(fine - coarse)
        apart = difference / np.where(fine == 0, 1.0, np.abs(fine))
        result[sums.first : 4, at] = fine
        result[4, at] = np.minimum(apart, apart**POWER).max(axis=0) + 4 * np.finfo(float).eps
        at = at[~(difference <= AGREE * (np.abs(fine) + floor[:, at])).all(axis=0)]
        if not at.size:
            break
    return result


def _sampled(points: Classes, noise: np.ndarray, sums: Sums, method: Method) -> np.ndarray:
    """Moments by the draws of each point's replicate, (5, B)."""
    result = np.zeros((5, points.size))
    count = -(-method.samples // method.parts)
    for part in np.unique(points.replicate):
        at = np.flatnonzero(points.replicate == part)
        some = points.take(at)
        nodes = [_drawn(sums, some.across, method.seed, int(part), j, count) for j in range(len(points.log_w))]
        result[sums.first : 4, at] = _averages(some, noise[at], nodes, sums)[0]
    return result


@cache
def _grid(rank: int, level: int) -> Nodes:
    """Nodes of a standard normal density in ``rank`` dimensions."""
    step = 2.0**-level
    if rank == 0:
        return Nodes(np.zeros((0, 1, 1)), np.ones((1, 1)), 1)
    most = int(REACH[rank] / step)
    index = np.indices((2 * most + 1,) * rank).reshape(rank, -1) - most
    index = index[:, (index * index).sum(axis=0) <= most * most]
    even = (index % 2 == 0).all(axis=0)
    z = step * np.concatenate([index[:, even], index[:, ~even]], axis=1)
    shares = (step / np.sqrt(2 * np.pi)) ** rank * np.exp(-0.5 * (z * z).sum(axis=0))
    return Nodes(z[..., None], shares[:, None], int(even.sum()))


def _radial(rank: int, level: int, across: np.ndarray) -> Nodes:
    """Nodes of `_grid` times those of a radius in ``across (B,)`` dimensions, equal in the radius's logarithm."""
    flat, step = _grid(rank, level), 2.0**-level
    index = np.arange(int(LOWEST / step), int(REACH[1] / step) + 1)
    order = np.argsort(index % 2, kind="stable")
    y, even = step * index[order][:, None], int((index % 2 == 0).sum())
    stretch = np.sqrt(2 / across) * y
    share = np.exp(0.5 * across * (stretch - np.expm1(stretch)))
    share /= total(share)
    radius = np.sqrt(across) * np.exp(0.5 * stretch)
    # The coarser grid is of the first nodes of both.
    coarse, finer = slice(0, flat.first), slice(flat.first, None)
    z, shares = [], []
    for one, other in ((coarse, slice(0, even)), (coarse, slice(even, None)), (finer, slice(None))):
        lengths = flat.z[:, one].shape[1], radius[other].shape[0], across.size
        rows = [np.broadcast_to(row[:, None], lengths) for row in flat.z[:, one]]
        z.append(np.stack([*rows, np.broadcast_to(radius[other], lengths)]).reshape(rank + 1, -1, across.size))
        shares.append((flat.shares[one][:, None] * share[other]).reshape(-1, across.size))
    return Nodes(np.concatenate(z, axis=1), np.concatenate(shares), flat.first * even)


def _normals(seed: int, replicate: int, component: int, rows: int, count: int) -> np.ndarray:
    """Draws (rows, count) of one component, which no other result and no noise level changes."""
    number = np.arange(replicate * count, (replicate + 1) * count)
    return np.stack([normals(seed, number, component + row * (1 << 20)) for row in range(rows)])


_kept_normals = lru_cache(maxsize=512)(_normals)


def _drawn(sums: Sums, across: np.ndarray, seed: int, replicate: int, component: int, count: int) -> Nodes:
    """Nodes at random; the radius by the quantile of a normal number."""
    rows = sums.rank + sums.radial
    draws = _kept_normals if rows * count <= KEPT else _normals
    z = draws(seed, replicate, component, rows, count)[..., None]
    if sums.radial:
        radius = np.sqrt(2 * gammaincinv(0.5 * across, ndtr(z[-1])))
        z = np.concatenate([np.broadcast_to(z[:-1], (sums.rank, count, across.size)), radius[None]])
    return Nodes(z, np.full((count, 1), 1 / count), count)


def _averages(points: Classes, noise: np.ndarray, nodes: list[Nodes], sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    """Expectations (4 or 2, B) with all nodes, and with the coarser grid's alone."""
    fine, coarse = np.zeros((2, 4 - sums.first, points.size))
    doubled = 2.0 ** nodes[0].z.shape[0]
    features = 1 if points.covariances is None else points.means.shape[1]
    for at in slices(points.size, BLOCK // (len(points.log_w) * features * min(SLICE, nodes[0].shares.shape[0]))):
        block, sigma2 = points.take(np.arange(points.size)[at]), noise[at]
        fixed = points.singles and not sums.differ and points.covariances is None
        apart = _distances(block, sigma2) if fixed else None
        for j, own in enumerate(nodes):
            weight = np.exp(block.log_w[j])
            first, rest = np.zeros((2, len(fine), weight.size))
            for row, some in ((first, slice(0, own.first)), (rest, slice(own.first, None))):
                z, shares = own.z[:, some], own.shares[some]
                for cut in slices(z.shape[1], SLICE):
                    here = z[:, cut] if z.shape[2] == 1 else z[:, cut, at]
                    share = shares[cut] if shares.shape[1] == 1 else shares[cut, at]
                    values = _at_nodes(block, sigma2, j, here, sums, apart)
                    row += np.stack([total(share * value) for value in values])
            fine[:, at] += np.where(weight > 0, weight * (first + rest), 0.0)
            coarse[:, at] += np.where(weight > 0, weight * first * doubled, 0.0)
    return fine, coarse


def _at_nodes(
    points: Classes, noise: np.ndarray, j: int, z: np.ndarray, sums: Sums, apart: np.ndarray | None
) -> tuple[np.ndarray, ...]:
    """Integrands (J, B) of `Moments` at ``mu_j + sqrt(v_j) z``; ``apart`` are `_distances` where components are classes."""
    if points.covariances is not None:
        return _at_nodes_of_covariances(points, noise, j, z, sums)
    v = points.variance + noise
    delta = (points.means[:, : sums.rank] - points.means[j, : sums.rank]) / np.sqrt(v[j])  # (k, rank, B)
    logits = _logits(points, v, j, delta, z, sums)
    r, shares, doubts = _of_classes(points, logits, sums)
    if apart is not None:
        return *doubts, _between_singles(r, apart), np.zeros_like(r[0])
    return *doubts, *_spreads(points, r, shares, _positions(points, noise, v, j, delta, z, sums))


def _at_nodes_of_covariances(
    points: Classes, noise: np.ndarray, j: int, z: np.ndarray, sums: Sums
) -> tuple[np.ndarray, ...]:
    """The same for components with different covariances."""
    determinants = points.over_directions(lambda s, q: np.log(s + q), noise)
    mixture = points.means, points.log_w, determinants
    logits, positions = covariances.at_nodes(partial(points.noisy, noise), *mixture, noise, j, z, sums.radial)
    r, shares, doubts = _of_classes(points, logits, sums)
    return *doubts, *covariances.spreads(points.groups, r, shares, positions)


def _of_classes(points: Classes, logits: np.ndarray, sums: Sums) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Responsibilities (k, J, B), class probabilities, and their entropy and doubt where those are summed."""
    e = np.exp(np.minimum(logits, GREAT))
    r = np.divide(e, total(e), out=e)
    shares = r if points.singles else np.stack([total(r[list(group)]) for group in points.groups])
    return r, shares, entropy_and_doubt(shares) if sums.entropies else ()


def _logits(points: Classes, v: np.ndarray, j: int, delta: np.ndarray, z: np.ndarray, sums: Sums) -> np.ndarray:
    """Logits (k, J, B) relative to the component j."""
    level = points.log_w - points.log_w[j]
    excess = (points.variance[j] - points.variance) / v if sums.differ else np.zeros_like(v)
    ratio = 1 + excess
    for i in range(sums.rank):
        level = level - 0.5 * ratio * delta[:, i] ** 2
    logits = level[:, None] + np.zeros((1, z.shape[1], 1))
    for i in range(sums.rank):
        logits += (ratio * delta[:, i])[:, None] * z[i]
    if sums.differ:
        logits += (0.5 * points.dimension * np.log1p(excess))[:, None] - 0.5 * excess[:, None] * inner(z, z)
    return logits


def _positions(
    points: Classes, noise: np.ndarray, v: np.ndarray, j: int, delta: np.ndarray, z: np.ndarray, sums: Sums
) -> list[np.ndarray]:
    """Posterior mean of each component, (c, J or 1, B), relative to what all have in common."""
    if points.positions is not None:
        return [position[:, None] for position in points.positions]
    root = np.sqrt(v[j])
    means = [(noise / v[i] * root * delta[i])[:, None] for i in range(len(v))]
    if not sums.differ:
        return means
    if sums.radial:
        means = [np.concatenate([mean, np.zeros((1, *mean.shape[1:]))]) for mean in means]
    # The slope s/v of a component less that of j.
    slope = noise * (points.variance - points.variance[j]) / (v * v[j])
    return [mean + (slope[i] * root) * z for i, mean in enumerate(means)]


def entropy_and_doubt(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entropy of class probabilities ``shares (classes, J, B)``, and one minus the sum of their squares."""
    others = shares.copy()
    others[shares.argmax(axis=0), *np.indices(shares.shape[1:], sparse=True)] = 0.0
    rest = total(others)
    entropy = total(entr(others)) - (1 - rest) * np.log1p(-rest)
    others *= others
    return entropy, (1 - rest) * rest + rest - total(others)


def _distances(points: Classes, noise: np.ndarray) -> np.ndarray:
    """Squared distances (k, k, B) of the components' posterior means, which one variance moves alike."""
    if points.positions is None:
        steps = (points.means[:, None] - points.means) * (noise / (points.variance[0] + noise))
    else:
        steps = points.positions[:, None] - points.positions
    return total(np.ascontiguousarray(np.moveaxis(steps * steps, 2, 0)))


def _between_singles(r: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Mean squared distance (J, B) of means from the posterior mean: the sum of ``r_i r_l |m_i - m_l|^2`` over pairs."""
    result = np.zeros_like(r[0])
    for i in range(1, len(r)):
        for other in range(i):
            result += r[i] * (r[other] * apart[i, other])
    return result


def _spreads(
    points: Classes, r: np.ndarray, shares: np.ndarray, positions: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared distances (J, B) of the classes' posterior means from that of all, and of the components' from theirs."""
    mean = added([share * position for share, position in zip(r, positions, strict=True)])
    between, within = np.zeros((2, *r.shape[1:]))
    for group, share in zip(points.groups, shares, strict=True):
        centre = positions[group[0]]
        if len(group) > 1:
            part = r[list(group)] / np.where(share > 0, share, 1.0)
            centre = added([part[i] * positions[member] for i, member in enumerate(group)])
            for member in group:
                away = positions[member] - centre
                within += r[member] * inner(away, away)
        away = centre - mean
        between += share * inner(away, away)
    return between, within
