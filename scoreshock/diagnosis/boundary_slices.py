r"""Slices normal to the boundary between two components: the layer of a learned score beside the true one.

The true normal score is a background and :math:`\frac12\partial_n\varphi\tanh(\varphi/2)`, with the log ratio
:math:`\varphi` of both components, (37). To what a learned score has beyond the same background
``A d_n phi tanh(phi/2 kappa - p) + C`` is fitted: its height, width, position and offset.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares

from scoreshock.conventions import Status, variables
from scoreshock.diagnosis.scores import Score
from scoreshock.diagnosis.truth import Truth
from scoreshock.kernels.flow.solvers import Level

PLACES = 8
"""Most pairs of components whose boundaries are sliced."""

REACH, POINTS = 3.0, 41
"""How far a slice goes on both sides, in widths of the true layer, and its number of points."""

IN_LAYER = 2.0
"""Log odds of the two most probable components below which a point is in the layer: one width v/a from a pair's boundary."""

NARROWEST = 10.0
"""A fitted layer that is this many times narrower or wider than the true one, or beyond the slice, is none."""

EXPLAINED = 0.5
"""A fitted layer has to explain so much of the variance on the slice."""

MOST_CALLS = 200
"""Most calls of the fit, which has four unknowns."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)

SLICES = variables(
    """
    component_first(boundary_pair) int16: index of the component on the near side of the boundary
        | Pairs come by the probability of their layers, the heaviest first; -1 where there are no more.
    component_second(boundary_pair) int16: index of the component on the far side of the boundary
        | The normal points to it; -1 where there are no more pairs.
    layer_probability(boundary_pair, sigma): share of the probability in the layer of the pair
        | Both are the most probable components, within log odds 2.
    layer_height(boundary_pair, sigma), layer_status: jump of the learned normal score across the boundary
        | Of the hyperbolic tangent that fits best. | (41)
    layer_height_true(boundary_pair, sigma), slice_status: jump of the true normal score across the boundary
        | 2a/v of a pair. | (41)
    layer_width(boundary_pair, sigma), layer_status: width of the learned layer | By the fit's slope at its centre. | (34)
    layer_width_true(boundary_pair, sigma), slice_status: width of the true layer | v/a of a pair. | (34)
    layer_position(boundary_pair, sigma), layer_status: position of the learned layer in widths
        | Centre of the fit, from the true boundary, in widths of the true layer, positive towards the second component.
    layer_offset(boundary_pair, sigma), layer_status: error that both sides of the layer share
        | Mean of the one-sided normal scores, less that of the true ones.
    lax(boundary_pair, sigma) int8, layer_status: Lax condition of the learned layer (1, 0; -1: none)
        | u on the near side > speed of the shock > u on the far side. | Proposition 5.14
    lax_true(boundary_pair, sigma) int8, slice_status: Lax condition of the true layer (1, 0; -1: none)
        | u on the near side > speed of the shock > u on the far side. | Proposition 5.14
    layer_growth(boundary_pair, sigma), growth_status: logarithm of the growth of a displacement at the boundary
        | To base 10, from this level down to the least; n'Hn on the boundary, integrated over tau. | (50), (55)
    growth_status(boundary_pair, sigma): outcome of the growth
    layer_status(boundary_pair, sigma): outcome of the learned layer
        | no_transition: ln p is not convex across the boundary; not_applicable: no pair, or a third component is the most
        probable on its boundary; no_real_root: no boundary on the line of the means; unresolved: the learned score has none.
    slice_score(boundary_pair, sigma, slice_point), slice_status: learned normal score on the slice
    slice_score_true(boundary_pair, sigma, slice_point), slice_status: true normal score on the slice
    slice_status(boundary_pair, sigma): whether the boundary crosses the line of the means
    """
)
POSITIONS = variables("slice_distance(slice_point): distance from the true boundary in widths | Positive on the far side.")[
    0
]


class Pairs(NamedTuple):
    """Pairs of components (P,), -1 where there are no more, the share of the probability in the layer of each (P, L)."""

    first: np.ndarray
    second: np.ndarray
    probability: np.ndarray
    left_out: str


class Boundary(NamedTuple):
    """Where the line of two means crosses their boundary at levels (L,), the unit normal there, the layer's width."""

    point: np.ndarray
    normal: np.ndarray
    width: np.ndarray
    status: np.ndarray


class Slice(NamedTuple):
    """One slice: indices of its pair and level, points (P, n), and the true layer on it."""

    at: tuple[int, int]
    x: np.ndarray
    normal: np.ndarray
    width: float
    true: np.ndarray
    phi: np.ndarray
    slope: np.ndarray


class Fit(NamedTuple):
    """Half the jump, width and position in true widths, and offset of a hyperbolic tangent."""

    half_jump: float
    width: float
    position: float
    offset: float


def in_layer(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the two most probable components (N, 2), rising, and whether they are within log odds 2, (N,)."""
    if r.shape[1] == 1:
        return np.zeros((len(r), 2), dtype=int), np.zeros(len(r), dtype=bool)
    two = np.argpartition(r, -2, axis=1)[:, -2:]
    both = np.sort(np.take_along_axis(r, two, 1), axis=1)
    return np.sort(two, axis=1), both[:, 1] < np.exp(IN_LAYER) * both[:, 0]


def places_of(k: int) -> int:
    """Places for the pairs of ``k`` components."""
    return max(1, min(PLACES, k * (k - 1) // 2))


def heaviest(truth: Truth, points: np.ndarray, levels: np.ndarray) -> Pairs:
    """The pairs whose layers have most of the probability, of draws ``points (L, N, n)``, summed over the levels.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.diagnosis.truth import truth_of
    >>> three = truth_of(ss.mixture([[0.0], [1.0], [2.0]], variance=0.04))
    >>> heaviest(three, np.array([[[0.49], [1.5], [1.55], [2.2]]]), np.array([0.1])).first.tolist()
    [1, 0, -1]
    """
    k, count = truth.size[0], points.shape[1]
    shares = np.zeros((len(levels), k, k))
    for level, (x, sigma) in enumerate(zip(points, levels, strict=True)):
        two, inside = in_layer(truth.responsibilities(x, float(sigma)))
        np.add.at(shares[level], tuple(two[inside].T), 1 / count)
    total = shares.sum(axis=0)
    order = np.argsort(-total, axis=None, kind="stable")[: int((total > 0).sum())]
    first, second = (index.astype(np.int16) for index in np.unravel_index(order, (k, k)))
    places = places_of(k)
    kept = order[:places]
    filled = np.full((2, places), -1, dtype=np.int16)
    filled[:, : len(kept)] = first[:places], second[:places]
    probability = np.zeros((places, len(levels)))
    probability[: len(kept)] = shares.reshape(len(levels), -1)[:, kept].T
    rest = shares.reshape(len(levels), -1)[:, order[places:]].sum(axis=1)
    said = (
        f"{len(order) - places} of {len(order)} pairs with a layer, which have at most {rest.max():.2g} of the probability"
    )
    return Pairs(filled[0], filled[1], probability, said if len(order) > places else "")


def boundary(truth: Truth, sigma: np.ndarray, first: int, second: int) -> Boundary:
    """The boundary of two components on the line of their means, at levels (L,).

    The log ratio is a quadratic function on the line, linear where variances are equal.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.diagnosis.truth import truth_of
    >>> edge = boundary(truth_of(ss.mixture([[-1.0], [1.0]], [0.3, 0.7], variance=0.09)), np.array([0.4]), 0, 1)
    >>> edge.point.round(6).tolist(), float(edge.width[0].round(6))  # -v/2a ln(w_R/w_L), v/a
    ([[-0.105912]], 0.25)
    """
    means = truth.parts.means
    step = means[second] - means[first]
    nothing = np.full((len(sigma), len(step)), np.nan)
    if not step.any():
        status = np.full(len(sigma), Status.no_transition)
        return Boundary(nothing, nothing, nothing[:, 0], status)
    places = (np.tile(means[first] + t * step, (len(sigma), 1)) for t in (0.0, 0.5, 1.0))
    start, middle, end = (log_ratio(truth, place, sigma, first, second) for place in places)
    bend = 2 * (start - 2 * middle + end)
    slope = end - start - bend
    with np.errstate(all="ignore"):
        q = -0.5 * (slope + np.copysign(np.sqrt(slope**2 - 4 * bend * start), slope))
        roots = np.stack([start / q, q / bend])
        roots = np.where(np.isfinite(roots), roots, np.nan)
    near = np.where(np.isnan(roots), np.inf, np.abs(roots - 0.5)).argmin(axis=0)
    t = np.take_along_axis(roots, near[None], 0)[0]
    point = means[first] + t[:, None] * step
    normal = difference(truth, point, sigma, first, second)
    length = np.sqrt((normal**2).sum(axis=-1))
    with np.errstate(all="ignore"):
        status = np.where(length > 0, Status.ok, Status.no_real_root)
        return Boundary(point, normal / length[:, None], 2 / length, status)


def log_ratio(truth: Truth, x: np.ndarray, sigma: Level, first: int, second: int) -> np.ndarray:
    """Logarithm of the second component's density over the first's, with weights, at ``x (..., n)``."""
    near, far = (truth.alone(k).log_density(x, sigma) + np.log(truth.parts.weights[k]) for k in (first, second))
    return far - near


def difference(truth: Truth, x: np.ndarray, sigma: Level, first: int, second: int) -> np.ndarray:
    """Gradient of the `log_ratio`, (..., n)."""
    return truth.alone(second).score(x, sigma) - truth.alone(first).score(x, sigma)


def sliced(
    scores: Sequence[Score], truth: Truth, levels: np.ndarray, points: np.ndarray
) -> tuple[list[dict[str, Any]], Pairs]:
    """Of each score values of `SLICES` of the heaviest pairs at the levels (L,); ``points (L, N, n)`` are draws there."""
    pairs = heaviest(truth, points, levels)
    shape = (len(pairs.first), len(levels))
    made = _empty(shape) | {"component_first": pairs.first, "component_second": pairs.second}
    made["layer_probability"] = pairs.probability
    slices: list[list[Slice]] = [[] for _ in levels]
    for place, (i, j) in enumerate(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)):
        if i < 0:
            continue
        edge = boundary(truth, levels, i, j)
        made["layer_growth"][place], made["growth_status"][place] = _growth(truth, levels, i, j)
        made["layer_status"][place] = _status(truth, levels, edge, i, j)
        made["slice_status"][place] = np.where(edge.status == Status.ok, Status.ok, edge.status)
        for level in np.flatnonzero(edge.status == Status.ok).tolist():
            at, width = (place, level), edge.width[level]
            each = _slice(truth, float(levels[level]), at, edge, i, j)
            centre = float(each.true[POINTS // 2])
            made["slice_score_true"][at] = each.true
            made["layer_height_true"][at], made["layer_width_true"][at] = 2 / width, width
            made["lax_true"][at] = fulfils_lax(centre - 1 / width, centre + 1 / width)
            slices[level].append(each)
    return [_learned(score, made, levels, slices) for score in scores], pairs


def _slice(truth: Truth, sigma: float, at: tuple[int, int], edge: Boundary, first: int, second: int) -> Slice:
    """The slice of one pair at one level, which has this boundary."""
    width, normal = edge.width[at[1]], edge.normal[at[1]]
    x = edge.point[at[1]] + (np.linspace(-REACH, REACH, POINTS) * width)[:, None] * normal
    phi, slope = log_ratio(truth, x, sigma, first, second), difference(truth, x, sigma, first, second) @ normal
    return Slice(at, x, normal, width, truth.score(x, sigma) @ normal, phi, slope)


def _learned(score: Score, true: dict[str, Any], levels: np.ndarray, slices: list[list[Slice]]) -> dict[str, Any]:
    """Values of `SLICES` of one score, from those of the ``true`` one; ``slices`` by level."""
    made = {name: values.copy() for name, values in true.items()}
    for sigma, some in zip(levels.tolist(), slices, strict=True):
        if not some:
            continue
        values = score(np.concatenate([each.x for each in some]), 0.5 * sigma * sigma)
        for each, learned in zip(some, np.split(values, len(some)), strict=True):
            made["slice_score"][each.at] = learned @ each.normal
            if made["layer_status"][each.at] == Status.ok:
                _layer(made, each)
    return made


def _layer(made: dict[str, Any], on: Slice) -> None:
    """Height, width, position, offset and the Lax condition of one slice, put into ``made``."""
    at, width = on.at, on.width
    found = fitted(on.phi, on.slope, made["slice_score"][at] - on.true, width)
    if found is None:
        made["layer_status"][at] = Status.unresolved
        return
    made["layer_height"][at], made["layer_width"][at] = 2 * found.half_jump, found.width * width
    made["layer_position"][at], made["layer_offset"][at] = found.position, found.offset
    mean = float(on.true[POINTS // 2]) + found.offset
    made["lax"][at] = fulfils_lax(mean - found.half_jump, mean + found.half_jump)


def fulfils_lax(behind: float, ahead: float) -> bool:
    """Whether ``u = -2 s`` falls across the layer, with the speed of the shock between: ``u_L > -(s_L + s_R) > u_R``.

    Examples
    --------
    >>> fulfils_lax(-1.0, 1.0), fulfils_lax(1.0, -1.0)
    (True, False)
    """
    return -2 * behind > -(behind + ahead) > -2 * ahead


def fitted(phi: np.ndarray, slope: np.ndarray, error: np.ndarray, width: float) -> Fit | None:
    """The hyperbolic tangent that fits the learned layer best, or None where there is none.

    ``phi (M,)`` is the log ratio on the slice, ``slope`` its normal derivative, ``error`` learned less true normal score.

    Examples
    --------
    Without an error it is the true layer.

    >>> r = np.linspace(-3.0, 3.0, 41)
    >>> fitted(2 * r, np.full(41, 2.0), np.zeros(41), 1.0)
    Fit(half_jump=1.0, width=1.0, position=0.0, offset=0.0)
    """
    shape = 0.5 * slope * width  # 1 on the boundary
    layer = shape * np.tanh(0.5 * phi) + error * width

    def model(parameters: np.ndarray) -> np.ndarray:
        height, narrowness, position, offset = parameters
        return height * shape * np.tanh(narrowness * (0.5 * phi - position)) + offset - layer

    def slopes(parameters: np.ndarray) -> np.ndarray:
        height, narrowness, position, _ = parameters
        tanh = np.tanh(narrowness * (0.5 * phi - position))
        steep = height * shape * (1 - tanh * tanh)
        return np.stack([shape * tanh, steep * (0.5 * phi - position), -steep * narrowness, np.ones_like(phi)], axis=-1)

    found = least_squares(model, [1.0, 1.0, 0.0, 0.0], slopes, method="lm", max_nfev=MOST_CALLS)
    height, narrowness, position, offset = found.x.tolist()
    sharp = 1 / NARROWEST < abs(narrowness) < NARROWEST and abs(position) < REACH
    explained = 2 * found.cost < (1 - EXPLAINED) * ((layer - layer.mean()) ** 2).sum()
    if not (found.success and sharp and explained):
        return None
    return Fit(math.copysign(height / width, height * narrowness), 1 / abs(narrowness), position, offset / width)


def _status(truth: Truth, levels: np.ndarray, edge: Boundary, first: int, second: int) -> np.ndarray:
    """Whether there is a layer at each level: a boundary, on which these two are most probable and ln p is convex."""
    found = edge.status.copy()
    known = np.flatnonzero(found == Status.ok)
    r = truth.responsibilities(edge.point[known], levels[known])
    others = np.delete(r, [first, second], axis=1).max(axis=1, initial=0.0)
    found[known[others > r[:, first] * (1 + 1e-9)]] = Status.not_applicable
    convex = _curvature(truth, levels[known], edge.point[known], edge.normal[known]) > 0
    found[known[~convex & (found[known] == Status.ok)]] = Status.no_transition
    return found


def _curvature(truth: Truth, sigma: np.ndarray, point: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """``n'Hn``, (L,)."""
    return np.einsum("Li,Lij,Lj->L", normal, truth.jacobian(point, sigma), normal)


def _growth(truth: Truth, levels: np.ndarray, first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
    """Integral over tau of ``n'Hn`` on the boundary from the least level to each, over ln 10, and its outcome."""
    ends = np.log(levels)
    half = 0.5 * np.diff(ends)[:, None]
    nodes = np.exp(0.5 * (ends[1:] + ends[:-1])[:, None] + half * NODES)
    sigma = nodes.ravel()
    edge = boundary(truth, sigma, first, second)
    known = edge.status == Status.ok
    rate = np.full(len(sigma), np.nan)
    rate[known] = _curvature(truth, sigma[known], edge.point[known], edge.normal[known])
    parts = (half * WEIGHTS * (rate * sigma**2).reshape(nodes.shape)).sum(axis=1)
    growth = np.append(0.0, np.cumsum(parts)) / np.log(10)
    return growth, np.where(np.isfinite(growth), Status.ok, Status.no_real_root)


def _empty(shape: tuple[int, int]) -> dict[str, Any]:
    """Arrays of `SLICES` without any value."""
    made: dict[str, Any] = {}
    for variable in SLICES:
        if variable.dims[:2] != ("boundary_pair", "sigma"):
            continue
        full = (*shape, POINTS) if len(variable.dims) == 3 else shape
        kind = np.dtype(variable.dtype)
        empty = Status.not_applicable if variable.flags else -1
        made[variable.name] = np.full(full, np.nan if kind.kind == "f" else empty, dtype=kind)
    return made
