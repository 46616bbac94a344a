"""Proposition 5.4: the background-subtracted layer of an equal pair is a Burgers shock at frozen time only."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock.conventions import Variable
from scoreshock.kernels.gaussian import mixture as fields
from scoreshock.kernels.gaussian.groups import ratio
from scoreshock.quantities.labelled import MEANS, apply
from scoreshock.quantities.points import Points, positions, times

VARIABLES = (
    Variable("velocity", "background-subtracted Burgers velocity -2(s + x/v)"),
    Variable("stationary_residual", "residual of u u_x = u_xx at frozen diffusion time, relative"),
    Variable("frozen_burgers_residual", "residual of the Burgers equation of the background-subtracted velocity, relative"),
    Variable("full_residual", "residual of the Burgers equation of the full velocity -2s, relative"),
    Variable("transformation_residual", "residual of u = 2x/v + U(x/v)/v with the stationary shock U, relative"),
)


class FrozenShock(NamedTuple):
    """Velocity of Proposition 5.4 and residuals of the equations that it may obey (`VARIABLES`), each (...)."""

    velocity: np.ndarray
    stationary_residual: np.ndarray
    frozen_burgers_residual: np.ndarray  # about v/a**2 in a sharp layer, 1 outside it
    full_residual: np.ndarray  # zero
    transformation_residual: np.ndarray


def frozen_shock(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray = 0.0) -> xr.Dataset:
    """Background-subtracted velocity of an equal pair in one feature, and residuals of equations; Proposition 5.4.

    ``x`` is the position relative to the midpoint. Returns `VARIABLES`; residuals are relative to their largest term.
    """
    weights = mixture.component_weight
    pair = mixture.sizes["component"] == 2 and mixture.sizes["feature"] == 1
    if not pair or (weights.chunks is None and bool((weights != 0.5).any())):
        raise ValueError("mixture: allowed: two components with equal weights and one feature")
    point = {"tau": times(tau), "x": (positions(mixture, x), ("feature",))}
    parameters = {"means": (mixture.component_mean, MEANS), "variance": mixture.component_variance}
    return apply(_of_pair, parameters | point, VARIABLES)


def _of_pair(means: np.ndarray, variance: np.ndarray, tau: np.ndarray, x: np.ndarray) -> FrozenShock:
    return shock_at_frozen_time(x[..., 0], np.abs(means[..., 1, 0] - means[..., 0, 0]) / 2, variance, tau)


def shock_at_frozen_time(x: Any, separation: Any, variance: Any, tau: Any) -> FrozenShock:
    """Velocity of the background-subtracted layer of an equal pair, and residuals of equations; Proposition 5.4, (32)-(34).

    Parameters
    ----------
    x, separation, variance, tau : array (...)
        Positions on the axis of the pair, ``a > 0``, and ``v = variance + 2 tau``.

    Returns
    -------
    FrozenShock
        NaN where ``v = 0``. Derivatives in x and tau are those of the density, by responsibilities; the exact relation to
        the stationary shock U is ``u = 2x/v + U(x/v)/v``.

    Examples
    --------
    >>> result = shock_at_frozen_time(0.3, 1.0, 0.09, 0.2)
    >>> bool(result.stationary_residual < 1e-15), bool(result.full_residual < 1e-15)
    (True, True)
    >>> round(float(result.frozen_burgers_residual), 3)
    1.0
    """
    x, a, variance, tau = np.broadcast_arrays(*(np.asarray(y, dtype=float) for y in (x, separation, variance, tau)))
    v = variance + 2 * tau
    with np.errstate(all="ignore"):
        v = np.where(v > 0, v, np.nan)
        odds = np.exp(-2 * a * np.abs(x) / v)
        far = odds / (1 + odds)  # responsibility of the farther component
        mean = np.copysign(a * -np.expm1(-2 * a * np.abs(x) / v) / (1 + odds), x)
        covariance = 4 * a * a * far / (1 + odds)
        third = -2 * mean * covariance  # third central moment of two points
        u, u_x, u_xx = -2 * mean / v, -2 * covariance / v / v, -2 * third / v / v / v
        u_tau = (4 * mean + 4 * x * covariance / v) / v / v
        means = np.stack([-a, a], axis=-1)[..., None]
        full = -2 * fields.score(x[..., None], means, np.array([0.5, 0.5]), variance, tau)[..., 0]
        full_tau = -2 * full / v + 4 * x * covariance / v / v / v
        shock = -2 * a * np.tanh(a * (x / v)) / v
        return FrozenShock(
            u,
            _balance(u * u_x, -u_xx),
            _balance(u_tau, u * u_x, -u_xx),
            _balance(full_tau, full * u_x, full * (2 / v), -u_xx),
            _balance(full, -2 * x / v, -shock),
        )


def _balance(*terms: np.ndarray) -> np.ndarray:
    """Size of a sum that should vanish, relative to its largest term."""
    return ratio(np.abs(sum(terms)), np.abs(terms).max(axis=0))
