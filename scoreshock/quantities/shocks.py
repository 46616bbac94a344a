"""Boundaries as shocks: their speed, the shock at frozen time, and the power diagram that they form as noise vanishes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from scoreshock.checks import as_array, show
from scoreshock.conventions import Status, attributes
from scoreshock.kernels.burgers import shock
from scoreshock.kernels.layer import power_diagram
from scoreshock.quantities.labelled import (
    Output,
    apply,
    checked_mixture,
    means_and_weights,
    mixture_arguments,
    number_of_components,
)
from scoreshock.quantities.points import Points, positions, times

VECTOR = ("feature",)


def rankine_hugoniot(mixture: xr.Dataset, tau: float | xr.DataArray = 0.0) -> xr.Dataset:
    """A pair's boundary as a shock moving along its axis, from the first component (left) to the second; (48).

    Gives ``shock_position`` from the midpoint, ``shock_speed`` as tau grows and ``shock_speed_generation`` as noise falls,
    ``score_left, score_right, jump, minus_sum = -(s_L + s_R)``, the relative residuals of (48) in forward tau and read in
    generation time, ``lax``, ``between_means`` and ``shock_status``. Raises ``ValueError`` unless there are two components.
    """
    if number_of_components(mixture) != 2:
        raise ValueError(f"component: the mixture has {mixture.sizes['component']}; allowed: 2 components")
    names = (
        "shock_position",
        "shock_speed",
        "shock_speed_generation",
        "score_left",
        "score_right",
        "jump",
        "minus_sum",
        "shock_residual",
        "shock_residual_generation",
    )
    return apply(
        shock.rankine_hugoniot,
        [*mixture_arguments(mixture), (times(tau), ())],
        [
            *(Output(name) for name in names),
            Output("lax", (), np.int8),
            Output("between_means", (), np.int8),
            Output("shock_status", (), np.int8),
        ],
    )


def frozen_shock(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray = 0.0) -> xr.Dataset:
    """Background-subtracted velocity of an equal pair in one feature, and which equations it obeys; Proposition 5.4.

    ``x`` is the place from the midpoint. Gives ``velocity``, ``stationary_residual`` of ``u u_x = u_xx`` at frozen tau,
    ``burgers_residual`` of Burgers in (x, tau), which it does not solve, ``full_residual`` of the same for ``-2s``, and
    ``transformation_residual`` of ``u = 2x/v + U(x/v)/v``. All residuals are relative to the largest term.
    """
    weights = mixture.component_weight
    pair = mixture.sizes["component"] == 2 and mixture.sizes["feature"] == 1
    if not pair or (weights.chunks is None and bool((weights != 0.5).any())):
        raise ValueError("mixture: allowed: two components with equal weights and one feature")
    names = ("velocity", "stationary_residual", "frozen_burgers_residual", "full_residual", "transformation_residual")
    return apply(
        _frozen_shock,
        [
            (mixture.component_mean, ("component", "feature")),
            (mixture.component_variance, ()),
            (times(tau), ()),
            (positions(mixture, x), VECTOR),
        ],
        [Output(name) for name in names],
    )


def owner(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray = 0.0) -> xr.DataArray:
    """Index of the component that owns ``x``: cell of the power diagram, at ``v = 0`` of the Voronoi diagram; (74)."""
    return apply(
        _owner,
        [*mixture_arguments(mixture), (times(tau), ()), (positions(mixture, x), VECTOR)],
        [Output("owner", (), np.int32)],
    ).owner


def faces(mixture: xr.Dataset, tau: float | xr.DataArray = 0.0) -> xr.Dataset:
    """Planes of equal responsibility between every pair of components; Proposition 7.7.

    ``face_point(..., pair, feature)`` on the line of both means, ``face_normal`` from the first to the second and
    ``face_offset(..., pair)`` from their midpoint, 0 in the Voronoi limit; coordinates ``first_component,
    second_component (pair)``.
    """
    count = number_of_components(mixture)
    first, second = np.triu_indices(count, 1)
    found = apply(
        _faces,
        [*mixture_arguments(mixture), (times(tau), ())],
        [
            Output("face_point", ("pair", "feature")),
            Output("face_normal", ("pair", "feature")),
            Output("face_offset", ("pair",)),
        ],
        sizes={"pair": len(first)},
    )
    names = {"first_component": first, "second_component": second}
    return found.assign_coords({name: ("pair", index, attributes(name)) for name, index in names.items()})


def triple_point(mixture: xr.Dataset, tau: float | xr.DataArray = 0.0, components: Sequence[int] = (0, 1, 2)) -> xr.Dataset:
    """``triple_point(..., feature)`` at which three components have equal responsibility, in the plane of their means.

    ``triple_point_status`` is ``not_applicable`` for means on a line, and ``triple_point_owner`` the component that owns the
    point in the whole mixture: one of the three where it is a vertex of the diagram.
    """
    count = checked_mixture(mixture).sizes["component"]
    chosen = as_array("components", components)
    if chosen.shape != (3,) or not set(chosen.tolist()) <= set(range(count)) or len(set(chosen.tolist())) < 3:
        raise ValueError(f"components = {show(components)} is not allowed; allowed: three indices of 0 ... {count - 1}")
    three = mixture.isel(component=chosen.astype(int))
    found = apply(
        _triple_point,
        [*means_and_weights(three), (three.component_variance, ()), (times(tau), ())],
        [Output("triple_point", VECTOR), Output("triple_point_status", (), np.int8)],
    )
    owned = owner(mixture, found.triple_point, tau)
    owned = owned.where(found.triple_point_status == Status.ok, -1).astype(np.int32)
    return found.assign(triple_point_owner=owned.assign_attrs(attributes("triple_point_owner")))


def _frozen_shock(means: np.ndarray, variance: np.ndarray, tau: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, ...]:
    return shock.frozen_shock(x[..., 0], np.abs(means[..., 1, 0] - means[..., 0, 0]) / 2, variance, tau)


def _owner(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, x: np.ndarray) -> np.ndarray:
    return power_diagram.owner(x, means, weights, variance, tau)


def _triple_point(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    found = power_diagram.triple_point(means, weights, variance, tau)
    return found.point, found.status


def _faces(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = power_diagram.faces(means, weights, variance, tau)
    return found.point, found.normal, found.offset
