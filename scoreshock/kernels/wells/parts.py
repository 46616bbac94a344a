r"""Densities ``p0 ~ exp(-U)`` of one variable, split at the barrier between their wells and convolved with the heat kernel.

Notation of section 5.4 of the paper: ``p = p1 + p2``, ``p1`` from the left of the split, :math:`\varphi = \ln(p_1/p_2)`,
:math:`\bar s = \frac12\partial_x\ln(p_1p_2)`. Every derivative of a part has two exact forms (module ``derivatives``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.layer.decomposition import Decomposition, Side, of_sides
from scoreshock.kernels.numerics.batching import slices
from scoreshock.kernels.numerics.bracketing import EPS, doubling, safeguarded
from scoreshock.kernels.wells.convolution import BLOCK, DEPTH, NODES, Part
from scoreshock.kernels.wells.derivatives import convolved, undiffused
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

    def broadcast(self, *arrays: np.ndarray) -> tuple[Any, ...]:
        """Index of the density of each point and the arrays, broadcast and flat, (B,) each; and the shape of the points."""
        shape = np.broadcast_shapes(self.shape, *(np.shape(a) for a in arrays))
        which = np.broadcast_to(np.arange(self.split.size).reshape(self.shape), shape).ravel()
        return which, *(np.broadcast_to(np.asarray(a, dtype=float), shape).ravel() for a in arrays), shape

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
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> one = state(quartic(np.array(1.0), np.array(1.0), np.array(0.0)), np.array(0.3), np.array(0.1))
    >>> float(one.score.round(12)), float((one.log_parts[0] - one.log_parts[1]).round(12))
    (0.459147359895, -1.332368315926)
    """
    which, points, times, shape = wells.broadcast(x, tau)
    return State(*(a.reshape(a.shape[:-1] + shape) for a in at(wells, which, points, times, nodes)))


def at(wells: Wells, which: np.ndarray, x: np.ndarray, tau: np.ndarray, nodes: int = NODES) -> State:
    """The state of the densities ``which (B,)`` at points ``x (B,)`` and times ``tau (B,)``.

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> wells = quartic(np.array(1.0), np.array(1.0), np.array(0.0))
    >>> at(wells, np.zeros(2, dtype=int), np.array([-0.3, 0.3]), np.full(2, 0.1)).score.round(6).tolist()
    [-0.459147, 0.459147]
    """
    rows = np.full((14, x.size), np.nan)
    valid = np.isfinite(x) & (tau >= 0) & np.isfinite(tau) & (wells.status[which] != Status.failed)
    with np.errstate(all="ignore"):
        for group, positions, points in within(wells, which, np.flatnonzero(valid)):
            parts = group.left.take(positions), group.right.take(positions)
            here, time = x[points], tau[points]
            clean = time == 0
            values = convolved(*parts, here, np.where(clean, 1.0, time), nodes)
            values[:, clean] = undiffused(*parts, here)[:, clean]
            values[[0, 6, 7]] -= wells.log_total[which[points]]
            rows[:, points] = values
    status = wells.status[which].copy()
    status[valid & (tau == 0)] = Status.singular
    status[~valid | ((tau > 0) & ~np.isfinite(rows[:3]).all(axis=0))] = Status.failed
    log_parts, scores, score_xs, rates = rows[6:].reshape(4, 2, -1)
    log_p, s, s_x, s_xx, s_tau, phi = rows[:6]
    return State(log_p, s, s_x, s_xx, s_tau, phi, log_parts, scores, score_xs, rates, status)


def within(
    wells: Wells, which: np.ndarray, points: np.ndarray, size: int = BLOCK
) -> Iterator[tuple[Group, np.ndarray, np.ndarray]]:
    """Blocks of points of one group, with the index of each point's density in it.

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> wells = quartic(np.array(1.0), np.array(1.0), np.array(0.1))
    >>> [(index.tolist(), points.tolist()) for _, index, points in within(wells, np.zeros(3, dtype=int), np.arange(3), 2)]
    [([0, 0], [0, 1]), ([0], [2])]
    """
    for group in wells.groups:
        inside = np.full(wells.split.size, -1)
        inside[group.indices] = np.arange(group.indices.size)
        members = points[inside[which[points]] >= 0]
        for part in slices(members.size, size):
            yield group, inside[which[members[part]]], members[part]


def decomposition(wells: Wells, x: np.ndarray, tau: np.ndarray) -> Decomposition:
    """Both sides of the identity (37) and of the log-ratio equation (38) for the canonical split, vectors of one coordinate.

    Arguments as in `state`. The score comes from moments of the density, those of the parts from moments of either part,
    and the tau-derivatives from the kernel's or from integration by parts: no side of an equation is taken from the other.
    NaN at tau = 0. Theorem 5.6, Proposition 5.7.

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> both = decomposition(quartic(np.array(1.0), np.array(1.0), np.array(0.1)), np.array(0.3), np.array(0.1))
    >>> bool(both.decomposition_residual < 1e-13), bool(both.log_ratio_residual < 1e-13)
    (True, True)
    """
    return decomposed(state(wells, x, tau))


def decomposed(state: State) -> Decomposition:
    """The decomposition of a `State` computed before."""
    # Only the difference of the logarithms matters there.
    logs = (state.log_ratio, np.zeros_like(state.log_ratio))
    sides = [
        Side(log_p, s[..., None], s_x[..., None, None], rate)
        for log_p, s, s_x, rate in zip(logs, state.scores, state.score_xs, state.rates, strict=True)
    ]
    return of_sides(sides[0], sides[1], total_score=state.score[..., None])


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

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> wells = quartic(np.array(1.0), np.array(1.0), np.array(0.1))
    >>> here = fields(wells, np.array(0.3), np.array(0.1))
    >>> bool(abs(here.score - here.background - here.interfacial) < 1e-12), int(here.layer_status)
    (True, 0)
    """
    here = state(wells, x, tau)
    parts = decomposed(here)
    of_parts = np.stack(
        [
            parts.log_ratio,
            parts.log_ratio_gradient[..., 0],
            parts.log_ratio_hessian[..., 0, 0],
            parts.log_ratio_rate,
            parts.background[..., 0],
            parts.background_jacobian[..., 0, 0],
            parts.interfacial[..., 0],
            parts.decomposition_residual,
            parts.log_ratio_residual,
        ]
    )
    lost = (here.status == Status.ok) & ~np.isfinite(of_parts).all(axis=0)
    layer_status = np.where(lost, np.int8(Status.failed), here.status)
    of_parts = np.where(layer_status == Status.ok, of_parts, np.nan)
    score_status = np.where(here.status == Status.failed, np.int8(Status.failed), np.int8(Status.ok))
    errors = quadrature_error(wells, x, tau) if error else np.full_like(here.score, np.nan)
    return Fields._make((here.log_density, here.score, here.score_x, score_status, *of_parts, layer_status, errors))


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
        ``phi`` falls in x (``phi_x = (m1 - m2)/(2 tau)``, m1 < split < m2), so the boundary is one point, right to rounding.
        ``no_transition`` with NaN for one well.

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> tilted = quartic(np.array(1.0), np.array(1.0), np.array(0.1))
    >>> round(float(boundary(tilted, np.array(0.26899458245915)).boundary), 10)
    -0.0685091498
    """
    which, times, shape = wells.broadcast(tau)
    return Boundary(*(a.reshape(shape) for a in boundary_at(wells, which, times)))


def boundary_at(wells: Wells, which: np.ndarray, tau: np.ndarray) -> Boundary:
    """The boundary of the densities ``which (B,)`` at times ``tau (B,)``.

    Examples
    --------
    >>> from scoreshock.kernels.wells.double_wells import quartic
    >>> wells = quartic(np.array(1.0), np.array(1.0), np.array(0.1))
    >>> boundary_at(wells, np.zeros(1, dtype=int), np.array([0.0])).boundary.round(12).tolist()  # the split
    [-0.02501565437]
    """
    x = wells.split[which].copy()
    usable = (wells.status[which] == Status.ok) & (tau >= 0) & np.isfinite(tau)
    points = np.flatnonzero(usable & (tau > 0))
    x[points] = _crossing(wells, which[points], tau[points])
    x[~usable] = np.nan
    here = at(wells, which, x, tau)
    with np.errstate(all="ignore"):
        background = 0.5 * (here.score_xs[0] + here.score_xs[1])
        gradient = here.scores[0] - here.scores[1]
        jump = np.abs(gradient)
        velocity = -(here.rates[0] - here.rates[1]) / gradient
        interfacial, width = 0.25 * jump * jump, 2 / jump
        curvature = background + interfacial
    # The two parts of the criterion cancel as tau goes to 0; the derivative of the curvature does not.
    criterion = np.where(np.isnan(curvature), np.where(usable, here.score_x, np.nan), here.score_x)
    status = np.where(usable, here.status, wells.status[which])
    lost = (
        np.isnan(tau) | (tau < 0) | ((status == Status.ok) & ~np.isfinite([x, criterion, curvature, velocity]).all(axis=0))
    )
    status = np.where(lost, np.int8(Status.failed), status)
    status = status.astype(np.int8)
    return Boundary(x, velocity, here.score, criterion, background, interfacial, jump, width, status)


def _crossing(wells: Wells, which: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """Root in x of the falling ``phi``."""

    def newton(x: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        here = at(wells, which[points], x, tau[points])
        return -here.log_ratio, x - here.log_ratio / (here.scores[0] - here.scores[1])

    split, unbounded = wells.split[which], np.full(tau.shape, np.inf)
    width = (EPS * (wells.high - wells.low)[which], 2 * EPS)
    return safeguarded(newton, -unbounded, unbounded, True, start=split, middle=doubling, width=width)
