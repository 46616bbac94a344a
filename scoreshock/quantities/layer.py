"""The layer between two groups of a mixture's components: where its boundary lies, how it moves, and its profile."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import show
from scoreshock.conventions import Status, attributes
from scoreshock.kernels.gaussian.groups import FIRST, REST, SECOND
from scoreshock.kernels.layer import boundary as kernel
from scoreshock.kernels.layer import competitors as competitors_kernel
from scoreshock.kernels.layer import decomposition as decomposition_kernel
from scoreshock.kernels.numerics.vectors import dot
from scoreshock.quantities.counting_axes import counted, status_of_places
from scoreshock.quantities.labelled import (
    Output,
    apply,
    checked_mixture,
    means_and_weights,
    mixture_arguments,
    number_of_components,
)
from scoreshock.quantities.points import Points, diffusion_times, positions, times, with_times

Groups = Sequence[Sequence[int]] | xr.DataArray | None

VECTOR = ("feature",)
MATRIX = ("feature", "feature_other")


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content."""
    options = dict(content["options"])
    tau = diffusion_times(mixture, options.pop("tau"))
    return with_times(layer(mixture, tau, **options), tau, "layer_status", "crossing_status")


def layer(
    mixture: xr.Dataset,
    tau: float | xr.DataArray = 0.0,
    groups: Groups = None,
    start: Points | None = None,
    direction: Points | None = None,
) -> xr.Dataset:
    """Boundary between two groups of components, and the layer across it, at each diffusion time.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    tau
        Diffusion time, >= 0; an array tracks the boundary over it.
    groups
        Two lists of component indices, ``([0], [1, 2])``, or a DataArray of 0, 1 and 2 along ``component``; components in
        neither (2) are left out. By default the two components of a pair, else the two sides of the weighted mean along
        the leading direction, that of the line of `scores`; means at zero belong to the second group.
    start, direction
        A line, or with further dimensions many lines, which trace the boundary as a curve or surface. By default the line
        through the weighted means of both groups, from their midpoint.

    Returns
    -------
    Dataset
        On each line the point of the boundary ``phi = 0`` nearest to ``start``: ``boundary(..., feature)``, ``normal(...,
        feature)`` into the first group's region, ``width = 2/|grad phi|`` (``v/a`` for a pair, (34)), the score's
        ``jump = |grad phi|``, ``normal_hessian`` (42) with its parts ``background_curvature, interfacial_curvature``;
        ``speed`` along the normal as tau grows (the opposite in generation), ``speed_rankine_hugoniot`` (48),
        ``score_behind``, ``score_ahead`` and ``lax``; ``crossing(..., crossing_index)``, every place of a boundary on the
        line, with ``crossing_status``, and ``n_boundaries``; ``layer_status``.

    Raises
    ------
    ValueError
        For groups that are empty, overlap or name components that are not there, a negative ``tau``, or one component.

    Notes
    -----
    Theorem 5.8, Propositions 5.13-5.14. The leading direction is that of
    :func:`kernels.gaussian.geometry.leading_direction`, which says what it is where the leading eigenvalue is degenerate.
    With the default groups of a regular polygon, simplex or tree the normal is along it, by symmetry; in general it turns
    away, and so does the line through both groups' means. ``normal_hessian > 0`` says that ``ln p`` is convex across the
    boundary; it is bimodality only where the normal score vanishes there too, as for equal weights. The speed is (48)
    exactly for a pair; for larger groups it has a diffusive part, ``-Laplacian(phi)/|grad phi|``, besides.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.layer import layer
    >>> found = layer(ss.families.pair(separation=1.0, variance=0.09, weight=0.7), tau=0.2)
    >>> round(found.boundary.item(), 10), round(found.width.item(), 10), int(found.lax)
    (-0.2075879758, 0.49, 1)
    """
    number_of_components(mixture)
    codes = group_codes(mixture, groups)
    line = _line_between(mixture, codes)
    begin = line.line_start if start is None else positions(mixture, start, "start")
    toward = line.line_direction if direction is None else positions(mixture, direction, "direction")
    found = apply(
        _layer,
        [*_arguments(mixture, tau, codes), (begin, VECTOR), (toward, VECTOR)],
        [
            Output("boundary", VECTOR),
            Output("normal", VECTOR),
            *(Output(name) for name in LAYER),
            Output("lax", (), np.int8),
            Output("crossing", ("crossing_index",)),
            Output("crossing_status", ("crossing_index",), np.int8),
            Output("n_boundaries", (), np.int16),
            Output("layer_status", (), np.int8),
        ],
        sizes={"crossing_index": mixture.sizes["component"] - 1},
    )
    named = found.assign(group=codes.assign_attrs(attributes("group")))
    return named.assign_coords(counted(found, "crossing_index"))


LAYER = (
    "width",
    "jump",
    "background_curvature",
    "interfacial_curvature",
    "normal_hessian",
    "speed",
    "speed_rankine_hugoniot",
    "score_behind",
    "score_ahead",
)
"""Numbers of a boundary point, in the order in which :func:`_layer` returns them."""


def decomposition(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray = 0.0, groups: Groups = None) -> xr.Dataset:
    """Binary decomposition at ``x``: both sides of (37) and (38), with their relative residuals.

    Arguments as in :func:`layer` and ``ss.score``.

    Returns
    -------
    Dataset
        ``log_ratio`` phi, ``log_ratio_gradient``, ``background`` sbar, ``interfacial`` part and ``score`` of (37) with
        ``decomposition_residual``; ``log_ratio_rate`` (from the densities), ``log_ratio_laplacian`` and
        ``log_ratio_advection`` of (38) with ``log_ratio_residual``. NaN where ``v = 0``.
    """
    names = ("log_ratio", "log_ratio_rate", "log_ratio_laplacian", "log_ratio_advection")
    vectors = ("log_ratio_gradient", "background", "interfacial", "score")
    return apply(
        _decomposition,
        [*_arguments(mixture, tau, group_codes(mixture, groups)), (positions(mixture, x), VECTOR)],
        [
            *(Output(name) for name in names),
            *(Output(name, VECTOR) for name in vectors),
            Output("log_ratio_hessian", MATRIX),
            Output("decomposition_residual"),
            Output("log_ratio_residual"),
        ],
        sizes={"feature_other": mixture.sizes["feature"]},
    )


def competitors(mixture: xr.Dataset, x: Points, tau: float | xr.DataArray, groups: Groups, normal: Points) -> xr.Dataset:
    """Effect at ``x`` of the components in neither group: ``epsilon`` and what it does to the score, (44)-(46).

    ``normal`` is a direction of any length; other arguments as in :func:`layer`. Gives ``epsilon, log_epsilon,
    epsilon_normal, epsilon_normal_normal, score_difference(..., feature), normal_difference``, ``score`` and
    ``binary_score``, and the relative residuals of (45) and (46), ``competitor_residual, competitor_normal_residual``.
    """
    names = ("epsilon", "log_epsilon", "epsilon_normal", "epsilon_normal_normal", "normal_difference")
    return apply(
        _competitors,
        [
            *_arguments(mixture, tau, group_codes(mixture, groups)),
            (positions(mixture, x), VECTOR),
            (positions(mixture, normal, "normal"), VECTOR),
        ],
        [
            *(Output(name) for name in names),
            *(Output(name, VECTOR) for name in ("score_difference", "score", "binary_score")),
            Output("competitor_residual"),
            Output("competitor_normal_residual"),
        ],
    )


def profile(
    mixture: xr.Dataset, r: Sequence[float] | np.ndarray, tau: float | xr.DataArray = 0.0, groups: Groups = None
) -> xr.Dataset:
    """The layer's profile along the normal through its boundary against the ``tanh`` of (41).

    ``r`` are distances in widths. Gives ``profile_interfacial, profile_tanh, profile_score, profile_local (..., r)``,
    ``profile_difference`` relative to half the jump, and ``layer_status``. Other arguments as in :func:`layer`.
    """
    codes = group_codes(mixture, groups)
    found = layer(mixture, tau, codes)
    values = np.asarray(r, dtype=float)
    grid = xr.DataArray(values, dims="r", coords={"r": ("r", values, attributes("r"))})
    names = ("interfacial", "tanh", "score", "local", "difference")
    line = _line_between(mixture, codes)
    result = apply(
        _profile,
        [*_arguments(mixture, tau, codes), (line.line_start, VECTOR), (line.line_direction, VECTOR), (grid, ("r",))],
        [Output(f"profile_{name}", ("r",)) for name in names],
    )
    return result.assign_coords(r=grid.r).assign(layer_status=found.layer_status)


def _line_between(mixture: xr.Dataset, codes: xr.DataArray) -> xr.Dataset:
    return apply(
        kernel.line_between,
        [*means_and_weights(mixture), (codes, ("component",))],
        [Output("line_start", VECTOR), Output("line_direction", VECTOR)],
    )


def _arguments(mixture: xr.Dataset, tau: Any, codes: xr.DataArray) -> list[tuple[xr.DataArray, tuple[str, ...]]]:
    return [
        *mixture_arguments(mixture),
        (times(tau), ()),
        (codes, ("component",)),
    ]


def group_codes(mixture: xr.Dataset, groups: Groups) -> xr.DataArray:
    """Groups as codes along ``component``."""
    if groups is None:
        return apply(kernel.leading_split, means_and_weights(mixture), [Output("group", ("component",), np.int8)]).group
    count = checked_mixture(mixture).sizes["component"]
    if isinstance(groups, xr.DataArray):
        if groups.sizes.get("component") != count:
            raise ValueError(f"groups: component has size {groups.sizes.get('component')}; the mixture has {count}")
        return groups.astype(np.int8)
    return codes_of(groups, count)


def codes_of(groups: Sequence[Sequence[int]], count: int) -> xr.DataArray:
    """Two lists of indices as codes of ``count`` components, or ``ValueError`` that says what is allowed."""
    try:
        parts = [[operator.index(index) for index in part] for part in groups]
    except TypeError:
        parts = []
    members = [index for part in parts for index in part]
    if len(parts) != 2 or not all(parts) or len(set(members)) < len(members) or not set(members) <= set(range(count)):
        raise ValueError(
            f"groups = {show(groups)} is not allowed; allowed: two lists of different components, of 0 ... {count - 1}"
        )
    codes = np.full(count, REST, dtype=np.int8)
    codes[parts[0]], codes[parts[1]] = FIRST, SECOND
    return xr.DataArray(codes, dims="component")


def _layer(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    group: np.ndarray,
    start: np.ndarray,
    direction: np.ndarray,
) -> tuple[np.ndarray, ...]:
    places, status, step, apart = _nearest_boundary(means, weights, variance, tau, group, start, direction)
    found = kernel.mixture_layer(step, apart, weights, variance, tau, group)
    there = ~np.isnan(found.slope)
    status = np.where(np.isnan(tau), np.int8(Status.no_transition), status)
    return (
        start + kernel.nearest(places)[..., None] * direction,
        found.normal,
        found.width,
        found.slope,
        found.background_curvature,
        found.interfacial_curvature,
        found.normal_hessian,
        found.speed,
        found.rankine_hugoniot,
        found.behind,
        found.ahead,
        np.where(there, found.lax, -1),
        places,
        status_of_places(places, status, Status.no_real_root),
        (~np.isnan(places)).sum(axis=-1),
        status,
    )


def _nearest_boundary(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    group: np.ndarray,
    start: np.ndarray,
    direction: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Places of all boundaries on a line, their status, and the nearest one and the means relative to the line's start.

    The layer can be thinner than the rounding of its position in coordinates whose origin is far away.
    """
    places, status = kernel.on_line(start, direction, means, weights, variance, tau, group)
    apart, place = means - start[..., None, :], kernel.nearest(places)
    here = decomposition_kernel.decomposition(place[..., None] * direction, apart, weights, variance, tau, group)
    # The rounding of the differences moves the boundary, by less than this.
    most = 64 * np.finfo(float).eps * np.abs(apart).max(axis=(-2, -1))
    shift = here.log_ratio / dot(here.gradient, direction)
    place = np.where(np.abs(shift) <= most, place - shift, place)
    return places, status, place[..., None] * direction, apart


def _decomposition(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, group: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, ...]:
    found = decomposition_kernel.decomposition(x, means, weights, variance, tau, group)
    return (
        found.log_ratio,
        found.rate,
        found.laplacian,
        found.advection,
        found.gradient,
        found.background,
        found.interfacial,
        found.score,
        found.hessian,
        found.identity_residual,
        found.equation_residual,
    )


def _competitors(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    group: np.ndarray,
    x: np.ndarray,
    normal: np.ndarray,
) -> tuple[np.ndarray, ...]:
    found = competitors_kernel.remainder(x, means, weights, variance, tau, group, normal)
    return (
        found.epsilon,
        found.log_epsilon,
        found.normal_slope,
        found.normal_curvature,
        found.normal_difference,
        found.score_difference,
        found.score,
        found.binary_score,
        found.residual,
        found.normal_residual,
    )


def _profile(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    group: np.ndarray,
    start: np.ndarray,
    direction: np.ndarray,
    r: np.ndarray,
) -> tuple[np.ndarray, ...]:
    *_, step, apart = _nearest_boundary(means, weights, variance, tau, group, start, direction)
    width = kernel.mixture_layer(step, apart, weights, variance, tau, group).width
    return kernel.profile(step, r * width[..., None], apart, weights, variance, tau, group)
