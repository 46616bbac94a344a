"""Boundaries as shocks: their speed, and the power diagram that they form as noise vanishes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from scoreshock.checks import as_array, show
from scoreshock.conventions import Status, Variable, variables
from scoreshock.kernels.burgers import shock
from scoreshock.kernels.layer import power_diagram
from scoreshock.quantities.labelled import apply, checked_mixture, mixture_arguments, number_of_components
from scoreshock.quantities.points import Numbers, Points, positions, times

SHOCK = variables(
    """
    shock_position, shock_status: position of the boundary of a pair
        | From the midpoint of its means.
    shock_speed, shock_status: speed of the boundary of a pair as diffusion time grows
    shock_speed_generation, shock_status: speed of the boundary of a pair in generation
        | As diffusion time falls.
    score_left, shock_status: one-sided score on the left of the boundary
    score_right, shock_status: one-sided score on the right of the boundary
    jump, shock_status: jump of the score across the boundary | s_R - s_L, 2a/v.
    minus_sum, shock_status: speed by the Rankine-Hugoniot condition | -(s_L + s_R). | (48)
    shock_residual, shock_status: relative residual of the Rankine-Hugoniot condition
        | As diffusion time grows.
    shock_residual_generation, shock_status: relative residual of the condition in generation time
        | Of the Rankine-Hugoniot condition.
    lax int8: whether the Lax condition holds (1, 0)
        | Of the one-sided scores.
    between_means int8: whether the boundary lies between the means: 1 yes, 0 no
    shock_status: outcome of the boundary of a pair
    """
)
POWER_CELL = Variable(
    "power_cell",
    "component of the cell of the power diagram (-1: none)",
    references="(74)",
    dtype=np.int32,
)
FACETS = (
    Variable("facet_point", "point of equal responsibility on the line of two means", ("pair", "feature")),
    Variable("facet_normal", "unit vector from the first mean of a pair to the second", ("pair", "feature")),
    Variable("facet_offset", "distance of the facet from the midpoint of two means", ("pair",)),
)
PAIR = (
    Variable("first_component", "first component of the pair", ("pair",)),
    Variable("second_component", "second component of the pair", ("pair",)),
)
TRIPLE_POINT = variables(
    """
    triple_point(feature), triple_point_status: point of equal responsibility of three components
        | In the plane of their means.
    triple_point_status: outcome of the triple point
    """
)
TRIPLE_POINT_OWNER = Variable(
    "triple_point_owner",
    "component that owns the triple point (-1: none)",
    description="In the whole mixture.",
    dtype=np.int32,
)


def rankine_hugoniot(mixture: xr.Dataset, tau: Numbers = 0.0) -> xr.Dataset:
    """Boundary of a pair as a shock moving along the pair's axis, from the first component (left) to the second; (48).

    Parameters
    ----------
    mixture
        A pair; its sweep dimensions carry over.
    tau
        Diffusion time, >= 0.

    Returns
    -------
    Dataset
        ``shock_position`` from the midpoint; ``shock_speed`` as tau grows and ``shock_speed_generation`` as noise
        falls; ``score_left, score_right, jump, minus_sum = -(s_L + s_R)``; the relative residuals of (48) in forward
        tau and read in generation time; ``lax``, ``between_means`` and ``shock_status``. All ``(...)``; positions
        have the unit of the data, scores its inverse.

    Raises
    ------
    ValueError
        Unless the mixture has two components.

    Notes
    -----
    Proposition 5.13. (48) holds at every v in forward tau; read in generation time its sign is wrong.

    References
    ----------
    arXiv:2604.07404, (48).

    Examples
    --------
    The boundary of an equal pair rests at the midpoint.

    >>> import scoreshock as ss
    >>> found = ss.rankine_hugoniot(ss.families.pair(separation=1.0, variance=0.25))
    >>> found.shock_position.item(), found.shock_speed.item(), found.jump.item()
    (0.0, 0.0, 8.0)
    """
    if number_of_components(mixture) != 2:
        raise ValueError(f"component: the mixture has {mixture.sizes['component']}; allowed: 2 components")
    return apply(shock.rankine_hugoniot, mixture_arguments(mixture, tau=times(tau)), SHOCK)


def power_cell(mixture: xr.Dataset, x: Points, tau: Numbers = 0.0) -> xr.DataArray:
    """Index of the component that owns ``x``: cell of the power diagram, at ``v = 0`` of the Voronoi diagram; (74).

    Parameters
    ----------
    mixture, x, tau
        As in :func:`score`.

    Returns
    -------
    DataArray
        ``(...)``, the component of largest responsibility; the first of equals. Dimensionless.

    Raises
    ------
    ValueError
        If ``x`` does not have the mixture's features, or ``tau`` is negative.

    References
    ----------
    arXiv:2604.07404, (74).

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.25, weight=0.75)
    >>> ss.power_cell(pair, np.array([-0.2, 0.2])).values.ravel().tolist()  # the boundary is at -0.137
    [0, 1]
    """
    arguments = mixture_arguments(mixture, tau=times(tau), x=(positions(mixture, x), ("feature",)))
    return apply(power_diagram.power_cell, arguments, [POWER_CELL]).power_cell


def facets(mixture: xr.Dataset, tau: Numbers = 0.0) -> xr.Dataset:
    """Planes of equal responsibility between every pair of components; Proposition 7.7.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    tau
        Diffusion time, >= 0.

    Returns
    -------
    Dataset
        ``facet_point(..., pair, feature)`` on the line of both means, ``facet_normal`` from the first to the second
        and ``facet_offset(..., pair)`` from their midpoint, 0 in the Voronoi limit; coordinates ``first_component,
        second_component (pair)``. Positions have the unit of the data.

    Raises
    ------
    ValueError
        For a negative ``tau`` or a mixture of one component.

    References
    ----------
    arXiv:2604.07404, (74), Proposition 7.7.

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.facets(ss.families.pair(separation=1.0, variance=0.25)).facet_offset.values.tolist()
    [0.0]
    """
    index = np.triu_indices(number_of_components(mixture), 1)
    found = apply(power_diagram.facets, mixture_arguments(mixture, tau=times(tau)), FACETS, sizes={"pair": len(index[0])})
    return found.assign_coords({v.name: ("pair", which, v.attributes()) for v, which in zip(PAIR, index, strict=True)})


def triple_point(mixture: xr.Dataset, tau: Numbers = 0.0, components: Sequence[int] = (0, 1, 2)) -> xr.Dataset:
    """Point at which three components have equal responsibility, in the plane of their means; section 7.3.

    Parameters
    ----------
    mixture
        A mixture of at least three components; its sweep dimensions carry over.
    tau
        Diffusion time, >= 0.
    components
        Indices of the three.

    Returns
    -------
    Dataset
        ``triple_point(..., feature)``; ``triple_point_status``, ``not_applicable`` for means on a line; and
        ``triple_point_owner``, the component that owns the point in the whole mixture: one of the three where it is
        a vertex of the diagram. In units of the data.

    Raises
    ------
    ValueError
        For a negative ``tau``, or other than three components of the mixture.

    References
    ----------
    arXiv:2604.07404, section 7.3, (74).

    Examples
    --------
    >>> import scoreshock as ss
    >>> corners = ss.mixture([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]], variance=0.1)
    >>> ss.triple_point(corners).triple_point.values.round(12).tolist()  # equal weights: the circumcentre
    [1.0, 1.0]
    """
    count = checked_mixture(mixture).sizes["component"]
    chosen = as_array("components", components)
    if chosen.shape != (3,) or not set(chosen.tolist()) <= set(range(count)) or len(set(chosen.tolist())) < 3:
        raise ValueError(f"components = {show(components)} is not allowed; allowed: three indices of 0 ... {count - 1}")
    three = mixture.isel(component=chosen.astype(int))
    found = apply(power_diagram.triple_point, mixture_arguments(three, tau=times(tau)), TRIPLE_POINT)
    owned = power_cell(mixture, found.triple_point, tau)
    owned = owned.where(found.triple_point_status == Status.ok, -1).astype(np.int32)
    return found.assign(triple_point_owner=owned.assign_attrs(TRIPLE_POINT_OWNER.attributes()))
