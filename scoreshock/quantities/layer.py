"""The layer between two groups of a mixture's components: where its boundary lies, how it moves, and its profile."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import show
from scoreshock.conventions import Variable, variables
from scoreshock.kernels.gaussian.groups import FIRST, REST, SECOND
from scoreshock.kernels.layer import boundary as kernel
from scoreshock.kernels.layer import competitors as competitors_kernel
from scoreshock.kernels.layer import decomposition as decomposition_kernel
from scoreshock.options import GROUPS, TAU
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import (
    Argument,
    Arguments,
    apply,
    checked_mixture,
    means_and_weights,
    mixture_arguments,
    number_of_components,
)
from scoreshock.quantities.points import (
    GridSpec,
    Numbers,
    Points,
    diffusion_times,
    labelled_numbers,
    positions,
    times,
    with_times,
)

Groups = Sequence[Sequence[int]] | xr.DataArray | None

VECTOR = ("feature",)

VARIABLES = variables(
    """
    boundary
    normal(feature), layer_status: unit normal of the boundary
        | Into the region of the first group. Gradient of the log ratio of both groups, of length 1. | Theorem 5.8
    width
    jump
    background_curvature
    interfacial_curvature
    normal_hessian
    speed, layer_status: speed of the boundary along its normal
        | Per unit of diffusion time as it grows. Of the point of the boundary along its normal; in generation the sign is
        the opposite. | Proposition 5.13
    speed_rankine_hugoniot, layer_status: speed of the boundary by the Rankine-Hugoniot condition
        | -(s_L + s_R). Equal to speed for two components; in generation the sign is the opposite. | (48)
    score_behind, layer_status: normal score on the side from which the normal comes
        | Of the group that the normal leaves, on the boundary. | (48)
    score_ahead, layer_status: normal score on the side to which the normal points
        | Of the group that the normal enters, on the boundary. | (48)
    lax int8, layer_status: whether the Lax condition holds (1, 0; -1: no boundary)
        | Of the one-sided scores. Admissible where the score rises across the boundary. | Proposition 5.14
    crossing(crossing_index), crossing_status: positions at which the line crosses the boundary
        | Ascending. Distances from the line's start at which both groups have equal densities.
    crossing_status(crossing_index): outcome of each crossing
    n_boundaries int16: number of crossings of the line with the boundary | Number of crossings that are not NaN.
    layer_status
    """,
    *shared.LAYER,
)
LINE = (
    Variable("line_start", "midpoint of the weighted means of both groups", VECTOR),
    Variable(
        "line_direction",
        "direction of the line from the first group to the second",
        VECTOR,
        description="Unit vector between their weighted means.",
    ),
)
DECOMPOSITION = variables(
    """
    log_ratio
    log_ratio_rate
    log_ratio_laplacian: Laplacian of the log ratio
    log_ratio_advection: advection of the log ratio | 2 sbar . grad phi.
    log_ratio_gradient
    background
    interfacial
    score
    log_ratio_hessian
    decomposition_residual
    log_ratio_residual
    """,
    *shared.DECOMPOSITION,
    shared.SCORE,
)
COMPETITORS = (
    Variable("epsilon", "density of the competitors over that of both groups"),
    Variable(
        "log_epsilon",
        "logarithm of the competitors' share epsilon",
        description="Density of the competitors over that of both groups.",
    ),
    Variable("epsilon_normal", "first derivative of epsilon along the normal"),
    Variable("epsilon_normal_normal", "second derivative of epsilon along the normal"),
    Variable(
        "normal_difference",
        "contribution of the competitors to the normal slope",
        description="To the normal derivative of the normal score.",
    ),
    Variable("score_difference", "contribution of the competitors to the score", VECTOR),
    shared.SCORE,
    Variable("binary_score", "score of both groups without their competitors", VECTOR),
    Variable(
        "competitor_residual",
        "relative residual of the competitors' part of the score",
        description="Relative to the largest term.",
    ),
    Variable(
        "competitor_normal_residual",
        "relative residual of the competitors' normal derivative",
        description="Relative to the largest term.",
    ),
)
PROFILE = (
    Variable("profile_interfacial", "interfacial part of the normal score along the normal", ("r",)),
    Variable("profile_tanh", "hyperbolic tangent beside the interfacial part", ("r",)),
    Variable("profile_score", "normal score along the normal", ("r",)),
    Variable(
        "profile_local", "local form of the normal score", ("r",), description="Linear background plus hyperbolic tangent."
    ),
    Variable(
        "profile_difference", "interfacial part minus hyperbolic tangent", ("r",), description="Relative to half the jump."
    ),
)


@quantity(
    (*VARIABLES, shared.GROUP, shared.TAU, shared.TAU_STATUS),
    {"tau": TAU, "groups": GROUPS},
    name="layer",
    seconds=(2.2e-6, 5e-7),
)
def _of_study(mixture: xr.Dataset, tau: GridSpec, groups: Groups = None) -> xr.Dataset:
    """Boundary between two groups of components, and the layer across it, at each diffusion time."""
    moments = diffusion_times(mixture, tau)
    return with_times(layer(mixture, moments, groups), moments, "layer_status", "crossing_status")


def layer(
    mixture: xr.Dataset,
    tau: Numbers = 0.0,
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
        On each line the point of the boundary ``phi = 0`` nearest to ``start``: ``boundary(..., feature)``,
        ``normal(..., feature)`` into the first group's region, ``width = 2/|grad phi|`` (``v/a`` for a pair, (34)),
        the score's ``jump = |grad phi|``, ``normal_hessian`` (42) with its parts ``background_curvature,
        interfacial_curvature``; ``speed`` along the normal as tau grows (the opposite in generation),
        ``speed_rankine_hugoniot`` (48), ``score_behind``, ``score_ahead`` and ``lax``; ``crossing(...,
        crossing_index)``, every place of a boundary on the line, with ``crossing_status``, and ``n_boundaries``;
        ``layer_status``. Positions and widths have the unit of the data, the jump its inverse.

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

    References
    ----------
    arXiv:2604.07404, (34), (41)-(43), (48), Theorem 5.8, Propositions 5.13 and 5.14.

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
    arguments = _arguments(mixture, tau, codes, start=(begin, VECTOR), direction=(toward, VECTOR))
    found = apply(kernel.layer_on_line, arguments, VARIABLES, sizes={"crossing_index": mixture.sizes["component"] - 1})
    return found.assign(group=codes.assign_attrs(shared.GROUP.attributes())).assign_coords(counted(found, "crossing_index"))


def decomposition(mixture: xr.Dataset, x: Points, tau: Numbers = 0.0, groups: Groups = None) -> xr.Dataset:
    """Binary decomposition at ``x``: both sides of (37) and (38), with their relative residuals.

    Parameters
    ----------
    mixture
        A labelled mixture; its sweep dimensions carry over.
    x
        As in :func:`score`: of one feature a number or (n,), else (feature,) or (n, feature), or a DataArray; in units of
        the data.
    tau
        Diffusion time, a number, a 1D array (the axis ``tau``) or a DataArray, >= 0; in units of the data squared.
    groups
        Two lists of components, such as ``([0], [1, 2])``; by default as in :func:`layer`.

    Returns
    -------
    Dataset
        ``log_ratio`` phi, ``log_ratio_gradient``, ``background`` sbar, ``interfacial`` part and ``score`` of (37)
        with ``decomposition_residual``; ``log_ratio_rate`` (from the densities), ``log_ratio_laplacian`` and
        ``log_ratio_advection`` of (38) with ``log_ratio_residual``. NaN where ``v = 0``. Scores are ``(...,
        feature)`` in the inverse unit of the data; the others ``(...)``.

    Raises
    ------
    ValueError
        For groups that are not allowed, points without the mixture's features, or a negative ``tau``.

    References
    ----------
    arXiv:2604.07404, (37)-(38), Theorem 5.8.

    Examples
    --------
    >>> import scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.25)
    >>> found = ss.decomposition(pair, 0.3, 0.1)
    >>> bool((found.decomposition_residual < 1e-14).all()), bool((found.log_ratio_residual < 1e-12).all())
    (True, True)
    """
    arguments = _arguments(mixture, tau, group_codes(mixture, groups), x=(positions(mixture, x), VECTOR))
    return apply(
        decomposition_kernel.decomposition, arguments, DECOMPOSITION, sizes={"feature_other": mixture.sizes["feature"]}
    )


def competitors(mixture: xr.Dataset, x: Points, tau: Numbers, groups: Groups, normal: Points) -> xr.Dataset:
    """Effect at ``x`` of the components in neither group: ``epsilon`` and what it does to the score, (44)-(46).


    Parameters
    ----------
    mixture
        A labelled mixture; its sweep dimensions carry over.
    x
        As in :func:`score`: of one feature a number or (n,), else (feature,) or (n, feature), or a DataArray; in units of
        the data.
    tau
        Diffusion time, a number, a 1D array (the axis ``tau``) or a DataArray, >= 0; in units of the data squared.
    groups
        Two lists of components, such as ``([0], [1])``; the effect is that of all others.
    normal
        A direction of any length, of the shape of ``x``.

    Returns
    -------
    Dataset
        ``epsilon, log_epsilon, epsilon_normal, epsilon_normal_normal, normal_difference (...)``, ``score_difference``,
        ``score`` and ``binary_score (..., feature)``, and the relative residuals of (45) and (46),
        ``competitor_residual`` and ``competitor_normal_residual``. Scores have the inverse unit of the data,
        ``epsilon`` has none.

    Raises
    ------
    ValueError
        For groups that are not allowed, and points without the mixture's features.

    References
    ----------
    arXiv:2604.07404, (44)-(46), Propositions 5.13 and 5.14.

    Examples
    --------
    >>> import scoreshock as ss
    >>> three = ss.mixture([[-1.0, 0.0], [1.0, 0.0], [0.0, 9.0]], variance=0.25)
    >>> found = ss.competitors(three, [0.0, 0.0], 0.1, ([0], [1]), [1.0, 0.0])
    >>> bool(found.epsilon < 1e-30), bool(found.competitor_residual < 1e-12)  # the third component is far away
    (True, True)
    """
    points = {"x": (positions(mixture, x), VECTOR), "normal": (positions(mixture, normal, "normal"), VECTOR)}
    arguments = _arguments(mixture, tau, group_codes(mixture, groups), **points)
    return apply(competitors_kernel.remainder, arguments, COMPETITORS)


def profile(mixture: xr.Dataset, r: Sequence[float] | np.ndarray, tau: Numbers = 0.0, groups: Groups = None) -> xr.Dataset:
    """The layer's profile along the normal through its boundary against the ``tanh`` of (41).

    ``r`` are distances in widths. Gives ``profile_interfacial, profile_tanh, profile_score, profile_local (..., r)``,
    ``profile_difference`` relative to half the jump, and ``layer_status``. Other arguments as in :func:`layer`.
    """
    codes = group_codes(mixture, groups)
    found = layer(mixture, tau, codes)
    grid = labelled_numbers("r", r, infinite=True)
    line = _line_between(mixture, codes)
    points = {"start": (line.line_start, VECTOR), "direction": (line.line_direction, VECTOR), "r": (grid, ("r",))}
    result = apply(kernel.profile_on_line, _arguments(mixture, tau, codes, **points), PROFILE)
    return result.assign_coords(r=grid.r).assign(layer_status=found.layer_status)


def _line_between(mixture: xr.Dataset, codes: xr.DataArray) -> xr.Dataset:
    return apply(kernel.line_between, means_and_weights(mixture) | {"group": (codes, ("component",))}, LINE)


def _arguments(mixture: xr.Dataset, tau: Any, codes: xr.DataArray, **others: Argument) -> Arguments:
    return mixture_arguments(mixture, tau=times(tau), group=(codes, ("component",)), **others)


def group_codes(mixture: xr.Dataset, groups: Groups) -> xr.DataArray:
    """Groups as codes along ``component``."""
    if groups is None:
        return apply(kernel.leading_split, means_and_weights(mixture), [shared.GROUP]).group
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
