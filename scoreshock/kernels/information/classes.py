"""Mixtures whose components form classes, in coordinates of the means' span, and the numbers of a batch of points.

Components have isotropic variances, common or of their own, or covariances. What depends on a point are its
responsibilities; they depend on the coordinates in the means' span and, where variances differ, on the distance across the
span; of different covariances on all features.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import entr

from scoreshock.conventions import Status
from scoreshock.kernels.gaussian.geometry import decompose
from scoreshock.kernels.information.covariances import Along, Covariances, Noisy, differing, rows_of, turned, whitened
from scoreshock.kernels.numerics.batching import core_first, slices
from scoreshock.kernels.numerics.blocks import total

REPLICATES = 16
"""Independent parts of the draws of a Monte Carlo result: it is their mean, and its standard error is from their spread."""

SAMPLES = 4096
"""Default number of draws of each component."""

METHODS = ("auto", "quadrature", "monte-carlo")
AUTO, MOST = 2, 3
"""Coordinates up to which quadrature is used by default, and where it is asked for."""

ROOM = 1 << 20
"""Numbers in the means of the points, times nodes or replicates, that are solved together: it bounds memory."""

RESOLVED, ZERO = 1e-9, 1e-25
"""Relative error by quadrature above which a number is unresolved, unless it is below a share of the weights' entropy."""


class Method(NamedTuple):
    """How expectations are computed: a name in `METHODS`, and draws of each component with their seed and independent parts.

    One part is enough, and fastest, where its standard error, NaN, is not asked for.
    """

    name: str = "auto"
    samples: int = SAMPLES
    seed: int = 0
    parts: int = REPLICATES


class Classes(NamedTuple):
    """Mixtures with classes at B points, a point last."""

    means: np.ndarray  # (k, m, B), coordinates in the span about the centre of the means, zero beyond the rank
    log_w: np.ndarray  # (k, B), -inf for a component that is not there
    variance: np.ndarray  # (k, B), at data time
    rank: np.ndarray  # (B,), coordinates that matter
    across: np.ndarray  # (B,), dimensions across them that matter: 0 where all variances are equal
    dimension: np.ndarray  # (B,), of the data
    replicate: np.ndarray  # (B,), which draws, -1 for quadrature
    groups: tuple[tuple[int, ...], ...]  # components of each class
    covariances: Covariances | None = None  # beside the variance, which is along directions that are not listed
    member: np.ndarray | None = None  # (k or 1, B), rows of the covariances
    differing: np.ndarray | None = None  # (B,), largest variance of components that differ in covariance
    positions: np.ndarray | None = None  # (k, m, B), posterior means, where they do not depend on the point

    def take(self, points: np.ndarray) -> Classes:
        arrays = ((name, array) for name, array in self._asdict().items() if isinstance(array, np.ndarray))
        taken: dict[str, Any] = {name: array[..., points] for name, array in arrays}
        return self._replace(**taken)

    @property
    def shared(self) -> bool:
        """Whether all components have one covariance that is not isotropic."""
        return self.member is not None and len(self.member) == 1

    def noisy(self, noise: np.ndarray, component: int) -> Noisy:
        """The covariance of one component at noise variance ``noise (B,)``."""
        assert self.covariances is not None
        assert self.member is not None
        row, u = self.member[component % len(self.member)], self.covariances.directions
        along = self.covariances.eigenvalues[row] + noise[:, None]
        return Noisy((self.variance[component] + noise)[:, None, None], along[..., None], None if u is None else u[row])

    def whitened(self, noise: np.ndarray) -> Classes:
        """The same with one shared covariance and noise as unit variance."""
        assert self.covariances is not None
        assert self.member is not None
        means, positions = whitened(self.means, self.covariances, self.variance[0], self.member[0], noise)
        bare = self._replace(covariances=None, member=None, differing=None)
        return bare._replace(means=means, variance=np.zeros_like(self.variance), positions=positions)

    def over_directions(self, function: Callable[[np.ndarray, np.ndarray], np.ndarray], noise: np.ndarray) -> np.ndarray:
        """Sum of a function of variance and ``noise (B,)`` over all directions of each component, (k, B)."""
        if self.covariances is None or self.member is None:
            return self.dimension * function(self.variance, noise)
        values = np.moveaxis(self.covariances.eigenvalues[self.member], -1, 0)  # (r, k or 1, B)
        rest = self.dimension - len(values)
        return total(function(values, noise)) + np.where(rest > 0, rest * function(self.variance, noise), 0.0)

    @property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest variance of any component along any direction, (B,) each."""
        if self.covariances is None or self.member is None:
            return self.variance.min(axis=0), self.variance.max(axis=0)
        values = self.covariances.eigenvalues[self.member]
        low, high, beyond = values.min(axis=(0, 2)), values.max(axis=(0, 2)), self.dimension > values.shape[2]
        least, greatest = self.variance.min(axis=0), self.variance.max(axis=0)
        return np.where(beyond, np.minimum(low, least), low), np.where(beyond, np.maximum(high, greatest), high)

    @property
    def size(self) -> int:
        return self.rank.size

    @property
    def coordinates(self) -> np.ndarray:
        """Number of coordinates of which responsibilities depend, (B,); too many for a grid with a radius across a plane."""
        return self.rank + np.where(self.across > 0, np.where(self.rank < AUTO, 1, MOST), 0)

    @property
    def singles(self) -> bool:
        """Whether each component is a class, in their order."""
        return self.groups == tuple((i,) for i in range(len(self.log_w)))

    @property
    def class_weights(self) -> np.ndarray:
        """(classes, B)."""
        w = np.exp(self.log_w)
        return np.stack([total(w[list(group)]) for group in self.groups])

    @property
    def weight_entropy(self) -> np.ndarray:
        """Entropy of the class of data, (B,)."""
        w = self.class_weights
        others = w.copy()
        others[w.argmax(axis=0), np.arange(self.size)] = 0.0
        rest = total(others)
        return total(entr(others)) - (1 - rest) * np.log1p(-rest)

    @property
    def extent(self) -> np.ndarray:
        """Largest squared distance of two means, or largest difference of variances (a bound of it), (B,)."""
        square = np.zeros(self.size)
        for mean in self.means:
            step = self.means - mean
            square = np.maximum(square, total(np.ascontiguousarray((step * step).swapaxes(0, 1))).max(axis=0))
        apart = self.variance.max(axis=0) - self.variance.min(axis=0) if self.differing is None else self.differing
        return np.maximum(square, apart)


def classes_of(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    dimension: np.ndarray,
    groups: tuple[tuple[int, ...], ...],
    lead: tuple[int, ...],
    frame: np.ndarray | None = None,
    along: Along | None = None,
) -> Classes:
    """Mixtures ``(..., k, n)``, ``(..., k)``, ``(..., k)`` in ``dimension (...)`` dimensions, over ``lead`` points.

    Coordinates are turned to be nearest to those of the means ``frame (..., k, n)``, if any: mixtures that differ little
    then have draws in common. With covariances, of which the variance is that ``along`` no listed direction, coordinates are
    the features.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    >>> arguments = line, np.full(3, 1 / 3), np.ones(3), np.array(9), ((0,), (1,), (2,))
    >>> found = classes_of(*arguments, ())
    >>> found.rank.tolist(), found.across.tolist(), found.extent.round(12).tolist()
    ([1], [0], [4.0])
    """
    k = means.shape[-2]
    geometry = decompose(means, np.full(k, 1 / k))
    resolved = (geometry.eigenvalues > 0).sum(axis=-1)
    with np.errstate(divide="ignore"):
        log_w, spread = core_first(np.log(weights), 1, lead), core_first(variance, 1, lead)
    rank, d = core_first(resolved, 0, lead), core_first(np.asarray(dimension), 0, lead)
    if along is not None:
        return _with_covariances(means, log_w, spread, np.maximum(rank, 1), d, groups, lead, along)
    own = (spread.min(axis=0) != spread.max(axis=0)) & (d > rank)
    across = np.where(own, d - rank, 0)
    rank = np.where(own, rank, np.maximum(rank, 1))
    nothing = np.full(rank.shape, -1)
    coordinates = geometry.coordinates if frame is None else turned(geometry, decompose(frame, np.full(k, 1 / k)))
    means = core_first(coordinates, 2, lead)
    return Classes(means, log_w, spread, rank, across, d, nothing, groups)


def _with_covariances(
    means: np.ndarray,
    log_w: np.ndarray,
    spread: np.ndarray,
    rank: np.ndarray,
    dimension: np.ndarray,
    groups: tuple[tuple[int, ...], ...],
    lead: tuple[int, ...],
    along: Along,
) -> Classes:
    """Mixtures of components with covariances; of different ones all features matter, and the radius across them."""
    covariances, member = rows_of(along, means.shape[-2], lead)
    n, shared = means.shape[-1], len(member) == 1
    across = np.where((spread.min(axis=0) != spread.max(axis=0)) & (dimension > n), dimension - n, 0)
    apart = np.zeros(rank.shape) if shared else differing(covariances, spread, member)
    steps = core_first(means - means[..., :1, :], 2, lead)
    coordinates = rank if shared else np.full_like(rank, n)
    nothing = np.full(rank.shape, -1)
    return Classes(steps, log_w, spread, coordinates, across, dimension, nothing, groups, covariances, member, apart)


def pairs_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the first and of the second of each pair of ``count`` things, in order.

    Examples
    --------
    >>> [side.tolist() for side in pairs_of(3)]
    [[0, 0, 1], [1, 2, 2]]
    """
    first, second = np.triu_indices(count, 1)
    return first, second


def paired(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, groups: tuple[tuple[int, ...], ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[tuple[int, ...], ...]]:
    """Each pair of classes as a mixture by itself: means, weights, variances ``(..., pair, k', ...)``, and the groups.

    Classes of fewer components than the largest one are filled with components of weight 0.

    Examples
    --------
    >>> import numpy as np
    >>> three = np.arange(3.0)[:, None], np.array([0.5, 0.3, 0.2]), np.ones(3)
    >>> paired(*three, ((0,), (1,), (2,)))[1].round(12).tolist()
    [[0.625, 0.375], [0.714285714286, 0.285714285714], [0.6, 0.4]]
    """
    (members, present), most = _members(groups), max(map(len, groups))
    share = np.where(present, weights[..., members], 0.0)
    share = share / total(np.moveaxis(share, -1, 0).copy())[..., None]
    return means[..., members, :], share, variance[..., members], (tuple(range(most)), tuple(range(most, 2 * most)))


def paired_along(along: Along | None, groups: tuple[tuple[int, ...], ...]) -> Along | None:
    """The covariances of the components of each pair of classes, in the order of `paired`."""
    if along is None:
        return None
    rows = None if along.directions is None else along.directions[..., None, :, :, :]
    return Along(along.eigenvalues[..., None, :, :], rows, _members(groups)[0])


def _members(groups: tuple[tuple[int, ...], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Components of each pair of classes, (pair, components), and whether they are there and not only fill up."""
    most = max(map(len, groups))
    index = np.array([[*group, *[group[0]] * (most - len(group))] for group in groups])
    there = np.array([[True] * len(group) + [False] * (most - len(group)) for group in groups])
    one, other = pairs_of(len(groups))
    members, present = (np.concatenate([rows[one], rows[other]], axis=-1) for rows in (index, there))
    return members, present


Solver = Callable[..., tuple[np.ndarray, np.ndarray]]
"""From `Classes` and further arrays (..., B) to values (m, B) and the estimates of their errors."""


class Estimates(NamedTuple):
    """Values and their errors (m, B); which points were drawn, and are beyond the quadrature asked for; what is 0, (B,)."""

    values: np.ndarray
    errors: np.ndarray
    drawn: np.ndarray
    beyond: np.ndarray
    zero: np.ndarray

    def status(self, index: int) -> np.ndarray:
        """Outcome of the value of this index, (B,): ``unresolved`` where quadrature missed `RESOLVED`."""
        value, error = self.values[index], self.errors[index]
        missed = ~self.drawn & ~(error <= RESOLVED * np.abs(value) + self.zero)
        status = np.where(missed, np.int8(Status.unresolved), np.int8(Status.ok))
        status = np.where(np.isnan(value), np.int8(Status.failed), status)
        return np.where(self.beyond, np.int8(Status.not_applicable), status).astype(np.int8)


def estimated(solve: Solver, points: Classes, method: Method, *more: np.ndarray) -> Estimates:
    """Values by quadrature where there are few coordinates, and by Monte Carlo elsewhere.

    A Monte Carlo value is the mean of those of the method's parts, and its error the standard error of the mean.
    """
    most = {"auto": AUTO, "quadrature": MOST, "monte-carlo": 0}[method.name]
    smooth = (points.coordinates <= most) | (len(points.log_w) == 1)
    drawn = ~smooth & (method.name != "quadrature")
    empty = solve(points.take(np.empty(0, dtype=int)), *(a[..., :0] for a in more))[0]
    values, errors = np.full((2, len(empty), points.size), np.nan)
    for by, some in ((solve, np.flatnonzero(smooth)), (_replicated(solve, method.parts), np.flatnonzero(drawn))):
        for cut in slices(some.size, ROOM // (REPLICATES**2 * points.means.shape[0] * points.means.shape[1])):
            at = some[cut]
            values[:, at], errors[:, at] = by(points.take(at), *(a[..., at] for a in more))
    zero = ZERO * np.minimum(points.weight_entropy, 1.0)  # a class of weight 1e-50 has an entropy of that size
    return Estimates(values, errors, drawn, ~smooth & ~drawn, zero)


def _replicated(solve: Solver, count: int) -> Solver:
    """The solver by Monte Carlo: means over ``count`` replicates, and standard errors of the means."""

    def averaged(points: Classes, *more: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        often = np.repeat(np.arange(points.size), count)
        many = points.take(often)._replace(replicate=np.tile(np.arange(count), points.size))
        parts = solve(many, *(a[..., often] for a in more))[0].reshape(-1, points.size, count)
        rows = np.ascontiguousarray(np.moveaxis(parts, -1, 0))
        mean = total(rows) / count
        away = rows - mean
        return mean, np.sqrt(total(away * away) / (count * (count - 1)))

    return averaged
