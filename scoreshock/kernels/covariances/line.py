"""Score and density along a line, of Gaussian components with covariances."""

from __future__ import annotations

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.covariances.components import CORES, Components
from scoreshock.kernels.covariances.fields import fields
from scoreshock.kernels.gaussian.line import Profile
from scoreshock.kernels.numerics.vectors import dot


def profile(x: np.ndarray, along: np.ndarray, c: Components, tau: np.ndarray, dimension: np.ndarray) -> Profile:
    """Score and log density in all dimensions at points ``x (..., m, n)``, and the score along ``along (..., n)``.

    ``no_transition`` where a time is NaN, ``singular`` where a component has no variance along some direction.

    Examples
    --------
    >>> from scoreshock.kernels.covariances.components import components
    >>> c = components([[-1.0, 0.0], [1.0, 0.0]], [0.5, 0.5], 0.0, [[0.5, 4.0]])
    >>> x, along = np.array([[0.0, 0.0]]), np.array([1.0, 0.0])
    >>> profile(x, along, c, np.array(0.1), np.array(2)).score_along.tolist()
    [0.0]
    """
    log_p, s = fields(x, with_axes(c, 1), tau[..., None], dimension[..., None])
    regular = np.where(np.isnan(log_p).any(axis=-1), Status.singular, Status.ok)
    status = np.where(np.isnan(tau), Status.no_transition, regular).astype(np.int8)
    return Profile(s, dot(s, along[..., None, :]), log_p, status)


def with_axes(c: Components, count: int) -> Components:
    """The components with further leading dimensions of length 1, the last ones."""
    added = (None if a is None else np.expand_dims(a, _axes(core, count)) for a, core in zip(c, CORES, strict=True))
    return Components(*added)  # type: ignore[arg-type]


def _axes(core: int, count: int) -> tuple[int, ...]:
    return tuple(-core - 1 - j for j in range(count))
