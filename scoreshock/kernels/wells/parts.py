r"""Densities ``p0 ~ exp(-U)`` of one variable, split at the barrier between their wells and convolved with the heat kernel.

Notation of section 5.4 of the paper: ``p = p1 + p2``, ``p1`` from the left of the split, :math:`\varphi = \ln(p_1/p_2)`,
:math:`\bar s = \frac12\partial_x\ln(p_1p_2)`. Every derivative of a part has two exact forms: by
moments of ``y - x`` (derivatives of the kernel), which loses digits as tau goes to 0, and by moments of ``U'`` and ``U''``
with the integrand at the split (integration by parts), which loses them as tau grows. At each point the form is taken
whose terms are smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.layer.decomposition import Decomposition, Side, of_sides
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.bracketing import rising_root
from scoreshock.kernels.wells.convolution import BLOCK, DEPTH, NODES, Moments, Part, moments
from scoreshock.kernels.wells.potentials import Quartic

CHECK_NODES = 64
"""Nodes of the finer rule against which the quadrature's error is estimated."""


class Group(NamedTuple):
    """Densities with equally many cells: their indices among the wells, and their parts, the right one reflected."""

    indices: np.ndarray
    left: Part
    right: Part


class Structure(NamedTuple):
    """The two wells of a density, (...) each; fields as in `Wells`."""

    well_split: np.ndarray
    well_low: np.ndarray
    well_high: np.ndarray
    well_share: np.ndarray
    log_normalisation: np.ndarray
    well_status: np.ndarray


class Wells(NamedTuple):
    """Densities split at the barrier, flat (P,) of the leading ``shape``; see `scoreshock.kernels.wells.double_wells`."""

    shape: tuple[int, ...]
    groups: tuple[Group, ...]
    split: np.ndarray  # the barrier; the well itself where there is one only
    low: np.ndarray  # the deepest well on either side, NaN where there is none
    high: np.ndarray
    barrier_curvature: np.ndarray  # U'' at the split
    variances: np.ndarray  # 1/U'' at the two wells, (2, P)
    symmetric: np.ndarray  # a quartic without tilt: about the split
    n_wells: np.ndarray
    log_total: np.ndarray  # ln of the integral of exp(-U)
    share: np.ndarray  # of the left part in it
    status: np.ndarray  # ok, no_transition (one well), failed (a barrier beyond the number of cells)

    @property
    def quartic(self) -> bool:
        """Whether the potentials are quartics, with two wells at most."""
        return all(isinstance(group.left.potential, Quartic) for group in self.groups)

    def structure(self) -> Structure:
        """The two wells, in the leading shape."""
        values = (self.split, self.low, self.high, self.share, self.log_total, self.status)
        return Structure(*(value.reshape(self.shape) for value in values))


class State(NamedTuple):
    """A density and its two parts at points x and times tau; leading shape (...)."""

    log_density: np.ndarray
    score: np.ndarray
    score_x: np.ndarray
    score_xx: np.ndarray
    score_tau: np.ndarray
    log_ratio: np.ndarray  # phi, with the digits that the difference of the two logarithms would lose in the tails
    log_parts: np.ndarray  # ln p1, ln p2, (2, ...)
    scores: np.ndarray  # of the parts, (2, ...)
    score_xs: np.ndarray  # their x-derivatives, (2, ...)
    rates: np.ndarray  # tau-derivatives of ln p1, ln p2, (2, ...)
    status: np.ndarray


def state(wells: Wells, x: np.ndarray, tau: np.ndarray, nodes: int = NODES) -> State:
    r"""The density, its score and its two parts at ``x`` and ``tau``.

    Parameters
    ----------
    wells : Wells
        Densities of leading shape (...).
    x, tau : array (...)
        Points and diffusion times >= 0; leading shapes broadcast.
    nodes : int
        Gauss-Legendre nodes of a window.

    Returns
    -------
    State
        ``log_density`` and ``log_parts`` normalised. ``score_xx`` and ``score_tau`` come from the kernel's moments only,
        with an error of ``eps/(2 tau)^(3/2)``. ``status``: ``ok``; ``no_transition`` for one well (density and score hold,
        the parts are those of a cut at the well); ``singular`` at tau = 0, where density and score are those of p0, the
        parts' logarithms are -inf beyond the split, and their derivatives NaN; ``failed`` where x or tau is not a number,
        tau < 0, or double precision holds no density, score or derivative of it.

    Notes
    -----
    Errors of ln p: ``1e-14`` of its largest term. Of the derivatives: rounding of the smaller of two exact forms (see the
    module), so that the score keeps 1e-12 relative to its terms from tau = 1e-12 to 1e6 and from the core to the tails.

    Examples
    --------
    >>> import numpy as np
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> one = state(quartic(np.array(1.0), np.array(1.0), np.array(0.0)), np.array(0.3), np.array(0.1))
    >>> float(one.score.round(12)), float((one.log_parts[0] - one.log_parts[1]).round(12))
    (0.459147359895, -1.332368315926)
    """
    shape = np.broadcast_shapes(wells.shape, np.shape(x), np.shape(tau))
    which = np.arange(max(1, int(np.prod(wells.shape)))).reshape(wells.shape)
    flat = [np.ascontiguousarray(np.broadcast_to(a, shape)).reshape(-1) for a in (which, x, tau)]
    found = at(wells, flat[0], flat[1].astype(float), flat[2].astype(float), nodes)
    return State(*(a.reshape(a.shape[:-1] + shape) for a in found))


def at(wells: Wells, which: np.ndarray, x: np.ndarray, tau: np.ndarray, nodes: int = NODES) -> State:
    """The state of the densities ``which (B,)`` at points ``x (B,)`` and times ``tau (B,)``."""
    found = np.full((14, x.size), np.nan)
    valid = np.isfinite(x) & (tau >= 0) & np.isfinite(tau) & (wells.status[which] != Status.failed)
    with np.errstate(all="ignore"):
        for group, positions, points in within(wells, which, np.flatnonzero(valid)):
            parts = group.left.take(positions), group.right.take(positions)
            here, time = x[points], tau[points]
            clean = time == 0
            values = _convolved(*parts, here, np.where(clean, 1.0, time), nodes)
            values[:, clean] = _undiffused(*parts, here)[:, clean]
            values[[0, 6, 7]] -= wells.log_total[which[points]]
            found[:, points] = values
    status = wells.status[which].copy()
    status[valid & (tau == 0)] = Status.singular
    status[~valid | ((tau > 0) & ~np.isfinite(found[:3]).all(axis=0))] = Status.failed
    log_parts, scores, score_xs, rates = found[6:].reshape(4, 2, -1)
    log_p, s, s_x, s_xx, s_tau, phi = found[:6]
    return State(log_p, s, s_x, s_xx, s_tau, phi, log_parts, scores, score_xs, rates, status)


def within(
    wells: Wells, which: np.ndarray, points: np.ndarray, size: int = BLOCK
) -> Iterator[tuple[Group, np.ndarray, np.ndarray]]:
    """Blocks of points of one group, with the index of each point's density in it."""
    for group in wells.groups:
        inside = np.full(wells.split.size, -1)
        inside[group.indices] = np.arange(group.indices.size)
        own = points[inside[which[points]] >= 0]
        for part in slices(own.size, size):
            yield group, inside[which[own[part]]], own[part]


def _convolved(left: Part, right: Part, x: np.ndarray, tau: np.ndarray, nodes: int) -> np.ndarray:
    """The fields of `State` before normalisation, (14, B), at tau > 0."""
    kappa, width = 0.25 / tau, 2 * tau
    one, two = moments(left, x, kappa, nodes), _reflected(moments(right, -x, kappa, nodes))
    noise = left.potential.noise
    kernel = 0.5 * np.log(kappa / np.pi)
    logs = [one.log_mass + kernel, two.log_mass + kernel]
    phi = _log_ratio(left, one, two, kappa)
    total = np.logaddexp(*logs)
    small = np.exp(-np.abs(phi))
    more, less = 1 / (1 + small), small / (1 + small)
    first, second, share = np.where(phi > 0, more, less), np.where(phi > 0, less, more), more * less
    shift = one.mean - two.mean
    by_kernel = _mean(first, one.mean, second, two.mean) / width
    by_potential = -_mean(first, one.slope, second, two.slope)
    s = _chosen(
        by_kernel,
        _mean(first, one.mean_size, second, two.mean_size) / width,
        by_potential,
        noise * _mean(first, one.slope_size, second, two.slope_size),
    )
    variance = _mean(first, one.variance, second, two.variance) + share * shift * shift
    size = _mean(first, one.variance_size, second, two.variance_size) + share * shift * shift
    push = share * (one.slope - two.slope) ** 2
    s_x = _chosen(
        (variance / width - 1) / width,
        (size / width + 1) / width,
        _mean(first, one.slope_variance - one.curvature, second, two.slope_variance - two.curvature) + push,
        noise
        * (
            _mean(first, one.slope_variance_size + one.curvature_size, second, two.slope_variance_size + two.curvature_size)
            + push
        ),
    )
    third = _mean(first, one.third, second, two.third)
    third = third + share * shift * (3 * (one.variance - two.variance) + (second - first) * shift * shift)
    s_xx = third / width**3
    s_tau = -2 * by_kernel / width + s_xx + 2 * by_kernel * variance / width / width
    sides = [_side(m, sign, width, noise) for m, sign in ((one, 1.0), (two, -1.0))]
    return np.stack([total, s, s_x, s_xx, s_tau, phi, *logs, *(side[i] for i in range(3) for side in sides)])


def _log_ratio(left: Part, one: Moments, two: Moments, kappa: np.ndarray) -> np.ndarray:
    """``ln(p1/p2)`` from the difference of the exponents at the two origins, not of the logarithms."""
    step = one.origin - two.origin
    # From both ends, so that a reflection changes the sign and nothing else.
    rise = 0.5 * (left.potential.change(two.origin, step) - left.potential.change(one.origin, -step))
    drop = rise + kappa * step * (one.origin_offset + two.origin_offset)
    return (one.log_relative - two.log_relative) - drop


def _mean(first: np.ndarray, one: np.ndarray, second: np.ndarray, two: np.ndarray) -> np.ndarray:
    return first * one + second * two


def _chosen(one: np.ndarray, one_size: np.ndarray, two: np.ndarray, two_size: np.ndarray) -> np.ndarray:
    """Of two values that are equal but for rounding, that whose terms are smaller."""
    return np.where(one_size <= two_size, one, two)


def _side(m: Moments, sign: float, width: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score of a part, its x-derivative, and the tau-derivative of ln p, the integrand at the split being ``sign e``."""
    e, u, pull = sign * m.edge, m.slope, m.edge_slope + m.edge_offset / width
    size = m.edge * (np.abs(m.edge_slope) + np.abs(m.edge_offset) / width)
    score = _chosen(m.mean / width, m.mean_size / width, -(u + e), noise * (m.slope_size + m.edge))
    inner = m.slope_variance - m.curvature
    inner_size = m.slope_variance_size + m.curvature_size
    score_x = _chosen(
        (m.variance / width - 1) / width,
        (m.variance_size / width + 1) / width,
        inner + e * (pull - 2 * u - e),
        noise * (inner_size + size + m.edge * (2 * np.abs(u) + m.edge)),
    )
    square = m.variance + m.mean * m.mean
    rate = _chosen(
        (square / width - 1) / width,
        ((m.variance_size + m.mean_size**2) / width + 1) / width,
        inner + u * u + e * pull,
        noise * (inner_size + m.slope_size**2 + size),
    )
    return score, score_x, rate


def _reflected(m: Moments) -> Moments:
    """Moments of the right part in the density's own direction."""
    return m._replace(
        origin=-m.origin,
        origin_offset=-m.origin_offset,
        mean=-m.mean,
        third=-m.third,
        slope=-m.slope,
        edge_slope=-m.edge_slope,
        edge_offset=-m.edge_offset,
    )


def _undiffused(left: Part, right: Part, x: np.ndarray) -> np.ndarray:
    """The fields of `State` at tau = 0, (14, B)."""
    potential, split = left.potential, left.edges[-1]
    log_p, slope = -potential.value(x), potential.slope(x)
    nothing = np.full_like(x, np.nan)
    logs = [np.where(side, log_p, -np.inf) for side in (x <= split, -x <= right.edges[-1])]
    return np.stack([log_p, -slope, -potential.curvature(x), nothing, nothing, logs[0] - logs[1], *logs, *[nothing] * 6])


def decomposition(wells: Wells, x: np.ndarray, tau: np.ndarray) -> Decomposition:
    """Both sides of the identity (37) and of the log-ratio equation (38) for the canonical split, vectors of one coordinate.

    Arguments as in `state`. The score of the whole comes from moments of the whole, those of the parts each from its own,
    and the tau-derivatives from the kernel's or from integration by parts: no side of an equation is taken from the other.
    NaN at tau = 0. Theorem 5.6, Proposition 5.7.

    Examples
    --------
    >>> import numpy as np
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> found = decomposition(quartic(np.array(1.0), np.array(1.0), np.array(0.1)), np.array(0.3), np.array(0.1))
    >>> bool(found.decomposition_residual < 1e-13), bool(found.log_ratio_residual < 1e-13)
    (True, True)
    """
    return decomposed(state(wells, x, tau))


def decomposed(found: State) -> Decomposition:
    """The decomposition of a state."""
    # Only the difference of the logarithms matters there.
    logs = (found.log_ratio, np.zeros_like(found.log_ratio))
    sides = [
        Side(log_p, s[..., None], s_x[..., None, None], rate)
        for log_p, s, s_x, rate in zip(logs, found.scores, found.score_xs, found.rates, strict=True)
    ]
    return of_sides(sides[0], sides[1], total_score=found.score[..., None])


class Fields(NamedTuple):
    """Density, score and binary decomposition (37)-(38) at points and times, (...) each."""

    log_density: np.ndarray
    score: np.ndarray
    score_jacobian: np.ndarray
    score_status: np.ndarray
    log_ratio: np.ndarray
    log_ratio_gradient: np.ndarray
    log_ratio_hessian: np.ndarray
    log_ratio_rate: np.ndarray
    background: np.ndarray
    background_jacobian: np.ndarray
    interfacial: np.ndarray
    decomposition_residual: np.ndarray
    log_ratio_residual: np.ndarray
    layer_status: np.ndarray
    log_density_error: np.ndarray  # NaN unless asked for


def fields(wells: Wells, x: np.ndarray, tau: np.ndarray, error: bool = False) -> Fields:
    """The state and its decomposition as numbers; those of the parts are NaN unless ``layer_status`` is ok.

    Arguments as in `state`; with ``error`` also `quadrature_error`.
    """
    found = state(wells, x, tau)
    parts = decomposed(found)
    of_parts = (
        parts.log_ratio,
        parts.log_ratio_gradient[..., 0],
        parts.log_ratio_hessian[..., 0, 0],
        parts.log_ratio_rate,
        parts.background[..., 0],
        parts.background_jacobian[..., 0, 0],
        parts.interfacial[..., 0],
        parts.decomposition_residual,
        parts.log_ratio_residual,
    )
    finite = np.isfinite(of_parts).all(axis=0)
    layer_status = np.where((found.status == Status.ok) & ~finite, np.int8(Status.failed), found.status)
    parts_alone = [np.where(layer_status == Status.ok, value, np.nan) for value in of_parts]
    values = [
        found.log_density,
        found.score,
        found.score_x,
        np.where(found.status == Status.failed, np.int8(Status.failed), np.int8(Status.ok)),
        *parts_alone,
        layer_status,
        quadrature_error(wells, x, tau) if error else np.full_like(found.score, np.nan),
    ]
    return Fields(*values)


def quadrature_error(wells: Wells, x: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """Estimated error (...) of ``ln p1`` and ``ln p2``, the larger: the change to a finer rule, and the mass left out.

    The change includes rounding, about ``eps |ln p|``, which both rules share only in part. Arguments as in `state`.
    """
    coarse, fine = (state(wells, x, tau, nodes).log_parts for nodes in (NODES, CHECK_NODES))
    with np.errstate(all="ignore"):
        return np.maximum(*np.where(fine == coarse, 0.0, np.abs(fine - coarse))) + np.exp(-DEPTH)


class Boundary(NamedTuple):
    """The boundary ``phi = 0`` at each time; leading shape (...)."""

    boundary: np.ndarray  # its position
    boundary_velocity: np.ndarray  # dx/dtau
    score: np.ndarray
    normal_hessian: np.ndarray  # n'Hn = s_x on the boundary, the sum of the two curvatures (42)
    background_curvature: np.ndarray  # d sbar/dx
    interfacial_curvature: np.ndarray  # phi_x^2/4
    jump: np.ndarray  # |phi_x|
    width: np.ndarray  # 2/|phi_x|
    layer_status: np.ndarray


def boundary(wells: Wells, tau: np.ndarray) -> Boundary:
    """The boundary of the two parts at each diffusion time: its position, and the criterion (42) there.

    Parameters
    ----------
    wells : Wells
        Densities of leading shape (...).
    tau : array (...)
        Diffusion times >= 0. At 0 the boundary is the split, the criterion ``-U''`` there, and the rest NaN with status
        ``singular``.

    Returns
    -------
    Boundary
        ``phi`` falls in x (``phi_x = (m1 - m2)/(2 tau)``, m1 < split < m2), so the boundary is one point; found to rounding.
        ``no_transition`` with NaN for one well.

    Examples
    --------
    >>> import numpy as np
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> tilted = quartic(np.array(1.0), np.array(1.0), np.array(0.1))
    >>> round(float(boundary(tilted, np.array(0.26899458245915)).boundary), 10)
    -0.0685091498
    """
    shape = np.broadcast_shapes(wells.shape, np.shape(tau))
    which = np.arange(max(1, int(np.prod(wells.shape)))).reshape(wells.shape)
    which, tau = (np.ascontiguousarray(np.broadcast_to(a, shape)).reshape(-1) for a in (which, tau))
    found = boundary_at(wells, which, tau.astype(float))
    return Boundary(*(a.reshape(shape) for a in found))


def boundary_at(wells: Wells, which: np.ndarray, tau: np.ndarray) -> Boundary:
    """The boundary of the densities ``which (B,)`` at times ``tau (B,)``."""
    x = wells.split[which].copy()
    usable = (wells.status[which] == Status.ok) & (tau >= 0) & np.isfinite(tau)
    points = np.flatnonzero(usable & (tau > 0))
    x[points] = _crossing(wells, which[points], tau[points])
    x[~usable] = np.nan
    found = at(wells, which, x, tau)
    with np.errstate(all="ignore"):
        background = 0.5 * (found.score_xs[0] + found.score_xs[1])
        gradient = found.scores[0] - found.scores[1]
        jump = np.abs(gradient)
        velocity = -(found.rates[0] - found.rates[1]) / gradient
        interfacial, width = 0.25 * jump * jump, 2 / jump
        whole = background + interfacial
    # The two parts of the criterion cancel as tau goes to 0; the derivative of the whole does not.
    criterion = np.where(np.isnan(whole), np.where(usable, found.score_x, np.nan), found.score_x)
    status = np.where(usable, found.status, wells.status[which])
    lost = np.isnan(tau) | (tau < 0) | ((status == Status.ok) & ~np.isfinite([x, criterion, whole, velocity]).all(axis=0))
    status = np.where(lost, np.int8(Status.failed), status)
    status = status.astype(np.int8)
    return Boundary(x, velocity, found.score, criterion, background, interfacial, jump, width, status)


def _crossing(wells: Wells, which: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """Root in x of the falling ``phi``."""

    def ratio(x: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        here = at(wells, which[points], x, tau[points])
        return -here.log_ratio, here.scores[1] - here.scores[0]

    split, unbounded = wells.split[which], np.full(tau.shape, np.inf)
    return rising_root(ratio, split, -unbounded, unbounded, 0.5 * (wells.high - wells.low)[which])
