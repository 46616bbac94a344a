r"""Growth of errors along the boundary of a pair with one shared covariance.

On the boundary ``H = -P + (Pm)(Pm)'`` for any weights, m half the difference of the means. In the eigenbasis of S it is a
diagonal matrix and a product, so that its largest eigenvalue solves ``sum_i p_i^2/(lambda + 1/v_i) = 1``, ``p = Pm``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.covariances.components import Components
from scoreshock.kernels.covariances.shared_pair import (
    half_distance,
    is_shared_pair,
    normal_roots,
    secular_root,
    snr,
    time_of_snr,
)
from scoreshock.kernels.layer.amplification import exponent_of_excess
from scoreshock.kernels.layer.panels import Rate, refined
from scoreshock.kernels.numerics.batching import core_first
from scoreshock.kernels.numerics.blocks import total

PANEL = 4.0
"""Widest panel, in ln of the variance."""

RESOLVED = 1e-8
"""Error, relative to 1 and its value, above which a result is unresolved."""

STEPS = 1 / 32, 1 / 64
"""Longest steps in ln R of the linearised flow, in two runs, whose difference is the error."""

RADAU_NODES = np.array([(4 - 6**0.5) / 10, (4 + 6**0.5) / 10, 1.0])
RADAU = np.array(
    [
        [(88 - 7 * 6**0.5) / 360, (296 - 169 * 6**0.5) / 1800, (-2 + 3 * 6**0.5) / 225],
        [(296 + 169 * 6**0.5) / 1800, (88 + 7 * 6**0.5) / 360, (-2 - 3 * 6**0.5) / 225],
        [(16 - 6**0.5) / 36, (16 + 6**0.5) / 36, 1 / 9],
    ]
)
"""Radau IIA (Hairer and Wanner, *Solving Ordinary Differential Equations II*, table IV.5.6)."""

EIGENVECTOR = 1e-10
"""``|Sm - (m'Sm/m'm) m|`` over ``|S||m|`` below which m is an eigenvector of S."""


class BoundaryGrowth(NamedTuple):
    """Growth from the boundary criterion's time down to ``tau_min``, (...) each, dimensionless.

    Rate integrals: of ``lambda_max(H)``, and of the positive part of ``n'Hn``, n the Euclidean normal ``Pm/|Pm|``.
    """

    rate_integral_lambda_max: np.ndarray
    rate_integral_normal: np.ndarray
    rate_status: np.ndarray
    exponent: np.ndarray
    exponent_status: np.ndarray
    log_growth: np.ndarray  # ln of the largest singular value of the linearised flow
    log_growth_status: np.ndarray


def boundary_growth(c: Components, tau_min: np.ndarray) -> BoundaryGrowth:
    r"""Growth of errors on the boundary of a pair with one covariance, from ``R = 1`` to ``tau_min (...)``.

    Returns
    -------
    BoundaryGrowth
        The rate integrals for any weights. For equal ones, where trajectories stay on the boundary, ``log_growth`` is
        :math:`\ln\|\Phi\|` of :math:`d\Phi/d\tau = -H\Phi`. Where m also is an eigenvector of S, ``exponent`` is
        :math:`\tfrac12(R - 1 - \ln R)`, and all four agree. Else ``not_applicable`` with NaN. Statuses: ``ok``, with 0 for
        ``tau_min`` past the criterion's time; ``below_data_variance`` with 0 where the eigenvalue is negative at all tau;
        ``no_transition`` with 0 for equal means; ``singular`` with NaN where P does not exist; ``unresolved`` where an error
        exceeds 1e-8 (1 + value).

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> c = components([[-1.0, 0.0], [1.0, 0.0]], [0.5, 0.5], 0.0, [[0.09, 4.0]])
    >>> one = boundary_growth(c, np.array(0.01))
    >>> [round(float(a), 8) for a in (one.exponent, one.rate_integral_normal, one.log_growth)]
    [2.94181709, 2.94181709, 2.94181709]
    """
    tau_min = np.asarray(tau_min, dtype=float)
    lead = np.broadcast_shapes(c.lead, tau_min.shape)
    if not is_shared_pair(c):
        return _everywhere(lead)
    ratio, (tau, status) = np.broadcast_to(snr(c, tau_min), lead), time_of_snr(c, np.ones(lead))
    base = np.where(np.isfinite(ratio) | (status == Status.failed), status, np.int8(Status.singular))
    equal = np.broadcast_to(c.weights[..., 0] == c.weights[..., 1], lead)
    void = np.where(np.isin(base, (Status.singular, Status.failed)), np.nan, 0.0)
    columns, errors = np.stack([void.ravel()] * 3), np.zeros((3, void.size))
    at = np.flatnonzero((base == Status.ok) & (tau > tau_min))
    found = _grown(c, lead, at, np.broadcast_to(tau_min, lead).ravel(), tau.ravel(), equal.ravel()[at])
    columns[:, at], errors[:, at] = found
    rough = ~(errors <= RESOLVED * (1 + np.abs(np.nan_to_num(columns)))).reshape(3, *lead)
    largest, normal, grown = columns.reshape(3, *lead)
    rates = np.where(rough[0] | rough[1], np.int8(Status.unresolved), base)
    closed = np.where(np.isnan(void), np.nan, exponent_of_excess(np.where(np.isfinite(ratio), ratio - 1, 0.0)))
    exponent = _where(equal & np.broadcast_to(_is_eigenvector(c), lead), closed, base)
    flow = _where(equal, grown, np.where(rough[2], np.int8(Status.unresolved), base))
    return BoundaryGrowth(largest, normal, rates, exponent[0], exponent[1], flow[0], flow[1])


def _grown(
    c: Components, lead: tuple[int, ...], at: np.ndarray, low: np.ndarray, high: np.ndarray, equal: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The two rate integrals and the logarithm of the flow's growth, where weights are equal, and their errors, (3, P)."""
    pair, values, errors = _Pair.of(c, lead).take(at), np.full((3, at.size), np.nan), np.zeros((3, at.size))
    if not at.size:
        return values, errors
    whole = c._replace(weights=np.broadcast_to(c.weights, (*lead, 2)))
    ends = np.stack([low[at], high[at]])
    turns = np.clip(np.where(np.isnan(changes := normal_roots(whole, high, at).T), ends[1], changes), ends[0], ends[1])
    values[0], errors[0] = _integral(lambda i: _weighted(pair.take(i).largest), pair.origin, ends)
    breaks = np.concatenate([ends[:1], turns, ends[1:]])
    values[1], errors[1] = _integral(lambda i: _weighted(pair.take(i).normal), pair.origin, breaks)
    i = np.flatnonzero(equal)
    values[2, i], errors[2, i] = _flow(pair.take(i), ends[0, i], ends[1, i])
    return values, errors


def _weighted(rate: Rate) -> Rate:
    return lambda v: v * rate(v)


def _where(applies: np.ndarray, value: np.ndarray, status: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.where(applies, value, np.nan), np.where(applies, status, np.int8(Status.not_applicable))


def _everywhere(lead: tuple[int, ...]) -> BoundaryGrowth:
    missing, status = np.full(lead, np.nan), np.full(lead, Status.not_applicable, dtype=np.int8)
    return BoundaryGrowth(missing, missing.copy(), status, missing.copy(), status.copy(), missing.copy(), status.copy())


def _is_eigenvector(c: Components) -> np.ndarray:
    m, s = (np.moveaxis(a, -1, 0) for a in half_distance(c))
    squares = m * m
    mean = total(squares * s) / np.maximum(total(squares), np.finfo(float).tiny)
    residual = total(squares * (s - mean) ** 2)
    return residual <= (EIGENVECTOR * np.abs(s).max(axis=0)) ** 2 * total(squares)


@dataclass(frozen=True)
class _Pair:
    """Pairs in the eigenbasis of S: half-difference ``m (q, B)``, variances ``s (q, B)``, of which ``origin (B,)`` is least.

    The variable of all integrals is ``v = origin + 2 tau``.
    """

    m: np.ndarray
    s: np.ndarray
    origin: np.ndarray

    @classmethod
    def of(cls, c: Components, lead: tuple[int, ...]) -> _Pair:
        half = half_distance(c)
        m, s = (core_first(np.broadcast_to(a, (*lead, a.shape[-1])), 1, lead) for a in half)
        origin = np.where(m != 0, s, np.inf).min(axis=0)
        return cls(m, s, np.where(np.isfinite(origin), origin, 0.0))

    def take(self, index: np.ndarray) -> _Pair:
        return _Pair(self.m[:, index], self.s[:, index], self.origin[index])

    def pull(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``p = Pm`` and the variances, (q, B)."""
        variances = (self.s - self.origin) + v
        return self.m / variances, variances

    def largest(self, v: np.ndarray) -> np.ndarray:
        """Largest eigenvalue of H, (B,)."""
        p, variances = self.pull(v)
        return secular_root(p * p, 1 / variances, np.ones(v.shape))

    def normal(self, v: np.ndarray) -> np.ndarray:
        """``n'Hn = |p|^2 - p'Pp/|p|^2``, (B,)."""
        p, variances = self.pull(v)
        square = total(p * p)
        return square - total(p / square * (p / variances))


def _integral(
    rate_at: Callable[[np.ndarray], Rate], origin: np.ndarray, breaks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Integral over tau of a rate's positive part, and its error, (B,); its sign changes at some of ``breaks (j, B)``."""
    result, error = np.zeros((2, len(origin)))
    for low, high in pairwise(breaks):
        start = origin + 2 * low
        part, part_error = refined(rate_at, start, np.log1p(2 * (high - low) / start), PANEL)
        result += np.maximum(part, 0.0)
        error += part_error
    return result, error


def _flow(pair: _Pair, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Logarithm of the largest singular value of the linearised flow from ``high`` to ``low (B,)``, and its error, (B,).

    In ``y = P^{1/2} x`` the flow is ``dy/dtau = -c d'y``, ``c = P^{3/2} m``, ``d = P^{1/2} m``, and as
    ``dR/dtau = -2 c'd``, ``y = e^{(R-1)/2} W`` with ``dW/dR = (c d'/c'd - I) W/2``: what does not grow relaxes at rates that
    rise with R, which the implicit method bears.
    """
    log_ratio = np.log(total(pair.m * pair.pull(pair.origin + 2 * low)[0]))
    runs = [_singular_value(pair, low, high, log_ratio, step) for step in STEPS]
    return 0.5 * np.expm1(log_ratio) + np.log(runs[1]), np.abs(np.log(runs[0] / runs[1]))


def _singular_value(pair: _Pair, low: np.ndarray, high: np.ndarray, log_ratio: np.ndarray, longest: float) -> np.ndarray:
    """Largest singular value of the flow without its factor ``e^{(R-1)/2}``, (B,), by equal steps in ln R."""
    q, size = pair.m.shape
    w = np.repeat(np.eye(q)[None], size, axis=0)
    count = np.maximum(np.ceil(log_ratio / longest), 1).astype(int)
    for i in range(int(count.max(initial=0))):
        at = np.flatnonzero(i < count)
        step, some = (log_ratio / count)[at], pair.take(at)
        w[at] = _stepped(w[at], some, step, np.exp(step * (i + RADAU_NODES[:, None])))
    ends = [np.sqrt(pair.pull(pair.origin + 2 * tau)[1]).T for tau in (low, high)]
    return np.linalg.svd(ends[0][:, :, None] * w / ends[1][:, None], compute_uv=False)[:, 0]


def _stepped(w: np.ndarray, pair: _Pair, step: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """``W (B, q, q)`` after a step in ln R, at whose stages R is ``ratio (3, B)``.

    Stages ``W_i = b_i W + sum_j g_ij c_j z_j`` follow from the three rows ``z_j = d_j'W_j``.
    """
    stages = []
    for level in ratio:
        pull, variances = pair.pull(pair.origin + secular_root(pair.m * pair.m, pair.s, level))
        stages.append((pull * np.sqrt(variances), pull / np.sqrt(variances) / total(pull * pull)))
    d, c = (np.stack(rows).transpose(2, 0, 1) for rows in zip(*stages, strict=True))  # (B, 3, q)
    rates = step[:, None, None] * RADAU * (0.5 * ratio.T)[:, None]
    inverse = np.linalg.inv(np.eye(3) + rates)
    b, g = inverse.sum(axis=-1), inverse @ rates
    z = np.linalg.solve(np.eye(3) - g * (d @ np.swapaxes(c, -1, -2)), b[:, :, None] * (d @ w))
    return b[:, -1, None, None] * w + np.swapaxes(c, -1, -2) @ (g[:, -1, :, None] * z)
