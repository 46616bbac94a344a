"""Mixtures of many modes: the exact cascade, the sign of the correction, the density's modes and their merging."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from scoreshock.conventions import DEFAULT_CRITERIA, Status, attributes
from scoreshock.kernels import criteria as closed
from scoreshock.kernels import exact_cascade as cascades
from scoreshock.kernels import geometry, mode_counts
from scoreshock.kernels import merging_tree as trees
from scoreshock.quantities.labelled import Output, apply, means_and_weights, number_of_components
from scoreshock.quantities.points import times
from scoreshock.quantities.speciation import speciation

SIGN = 64 * np.finfo(float).eps
"""A covariance below this, relative to the sum of its terms' magnitudes, is zero within rounding."""


def exact_cascade(mixture: xr.Dataset, places: int | None = None) -> xr.Dataset:
    """Speciation times of every mode by the exact criterion, against the leading cascade.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    places
        Length of the axis ``root``, ``2 k - 1`` by default; of more roots the largest are kept.

    Returns
    -------
    Dataset
        ``tau_mode(..., mode)``, the largest root of ``lambda_j(Gamma(v)) = v`` at the weighted mean as a time, negative
        where ``mode_status`` is ``below_floor``; ``tau_mode_root(..., mode, root)`` ascending with ``mode_root_status``,
        ``n_mode_roots`` and ``mode_root_truncated``; ``cascade``, ``cascade_status`` of leading order, (77), and
        ``cascade_error = cascade - tau_mode``, NaN where either is.

    Notes
    -----
    The first mode is the criterion ``exact`` (94). Where the distances of the means from their mean are equal, leading and
    exact cascade agree (Corollary 9.3), whatever the hierarchy.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.many_modes import exact_cascade
    >>> tree = ss.families.hierarchy(4.0, variance=0.0, ratio=0.5, levels=2)
    >>> exact_cascade(tree).tau_mode.squeeze().values.round(12).tolist()
    [8.0, 1.0, 1.0]
    """
    k = number_of_components(mixture)
    rank = max(1, min(k - 1, mixture.sizes["feature"]))
    places = 2 * k - 1 if places is None else places
    if places < 1:
        raise ValueError(f"places = {places} is not allowed; allowed: a whole number >= 1")
    found = apply(
        _cascades,
        [*means_and_weights(mixture), (mixture.component_variance, ())],
        [
            Output("tau_mode", ("mode",)),
            Output("mode_status", ("mode",), np.int8),
            Output("n_mode_roots", ("mode",), np.int16),
            Output("tau_mode_root", ("mode", "root")),
            Output("mode_root_status", ("mode", "root"), np.int8),
            Output("mode_root_truncated", ("mode",), np.int8),
            Output("cascade", ("mode",)),
            Output("cascade_status", ("mode",), np.int8),
            Output("cascade_error", ("mode",)),
        ],
        sizes={"mode": rank, "root": places},
        places=places,
    )
    return found.assign_coords(_counted(found, "mode", "root"))


def _cascades(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, places: int) -> tuple[np.ndarray, ...]:
    exact = cascades.exact_cascade(means, weights, variance, places)
    tau, status = closed.cascade(geometry.decompose(means, weights), variance)
    roots = (exact.n_roots, exact.tau_root, exact.root_status, exact.truncated)
    return exact.tau, exact.status, *roots, tau, status, tau - exact.tau


def covariance_condition(mixture: xr.Dataset) -> xr.Dataset:
    """The sign of the correction coefficient C and the condition under which Proposition 9.8 says that it is not positive.

    Returns
    -------
    Dataset
        ``covariance_coefficient`` C = -Cov_w(D, y²), ``covariance_sign`` (-1, 0, 1; 0 within rounding);
        ``perpendicular_covariance`` Cov_w(|mu_perp|², y²) of the means' parts across and along the leading direction;
        ``collinear``, ``equal_distances``: 1 where the means lie on a line, or all at one distance from their mean;
        ``condition_holds``: 1 where the perpendicular covariance is not negative; ``proposition_holds``: 1 where then
        C <= 0, 0 where it is positive all the same, -1 where nothing is said.

    Notes
    -----
    ``C = -Var_w(y²) - Cov_w(|mu_perp|², y²)``: the condition suffices and is not necessary. Where the leading eigenvalue is
    degenerate, the direction is the one for which C is largest.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.many_modes import covariance_condition
    >>> line = ss.families.custom(means=[[-3.0], [0.0], [1.0]])
    >>> found = covariance_condition(line)
    >>> int(found.covariance_sign), int(found.collinear), int(found.proposition_holds)
    (-1, 1, 1)
    """
    number_of_components(mixture)
    flags = ("covariance_sign", "collinear", "equal_distances", "condition_holds", "proposition_holds")
    return apply(
        _covariance_condition,
        means_and_weights(mixture),
        [
            Output("covariance_coefficient"),
            Output("perpendicular_covariance"),
            *(Output(name, (), np.int8) for name in flags),
        ],
    )


def _covariance_condition(means: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    spectrum = geometry.decompose(means, weights)
    unit, e = geometry.normalised(spectrum)
    lead = unit.eigenvalues.shape[:-1]
    w, d = geometry.core_first(weights, 1, lead), geometry.core_first(unit.distances, 1, lead)
    y = geometry.core_first(unit.coordinates, 2, lead)
    squares = _along_leading(unit, w, d, y) ** 2
    across, sign_across = _covariance(w, np.maximum(d - squares, 0.0), squares)
    _, sign_all = _covariance(w, d, squares)
    on_line = (unit.eigenvalues[..., 1:] == 0).all(axis=-1).reshape(-1)
    sign_across, across = np.where(on_line, 0, sign_across), np.where(on_line, 0.0, across)
    deviation = np.abs(geometry.deviation(d, w)).max(axis=0)
    equal = deviation <= SIGN * d.max(axis=0)
    sign = np.where(equal, 0, -sign_all)
    holds = sign_across >= 0
    proposition = np.where(holds, sign <= 0, -1)
    scaled = np.ldexp(across.reshape(lead), 4 * e)
    flags = (column.reshape(lead).astype(np.int8) for column in (sign, on_line, equal, holds, proposition))
    return closed.correction_coefficient(spectrum, weights), scaled, *flags


def _along_leading(unit: geometry.Geometry, w: np.ndarray, d: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coordinates of the means in the leading direction, (k, B)."""
    lead = unit.eigenvalues.shape[:-1]
    space = geometry.core_first(geometry.leading_space(unit.eigenvalues), 1, lead)
    wd, inside = w * geometry.deviation(d, w), y * space
    matrix = wd[0] * inside[0, :, None] * inside[0, None, :]
    for j in range(1, len(w)):
        matrix = matrix + wd[j] * inside[j, :, None] * inside[j, None, :]
    vector = closed.masked_eigh(matrix, space)[1][:, 0]
    along = y[:, 0] * vector[0]
    for i in range(1, len(vector)):
        along = along + y[:, i] * vector[i]
    return along


def _covariance(w: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of ``a`` and ``b (k, B)`` under the weights, and its sign, 0 within rounding."""
    deviation = -geometry.deviation(a, w)
    total, size = np.zeros(a.shape[1]), np.zeros(a.shape[1])
    for j in range(len(w)):
        total = total + w[j] * deviation[j] * b[j]
        size = size + w[j] * (np.abs(a[j]) + np.abs(deviation[j])) * b[j]
    return total, np.where(np.abs(total) <= SIGN * size, 0, np.sign(total)).astype(np.int64)


def mode_count(
    mixture: xr.Dataset, tau: float | np.ndarray | list | xr.DataArray = 0.0, places: int | None = None
) -> xr.Dataset:
    """Modes of the density at given diffusion times: ``n_modes``, ``mode_position(..., maximum, feature)`` and a status.

    Parameters
    ----------
    mixture
        A mixture; its sweep dimensions carry over.
    tau
        Diffusion times; an array becomes the axis ``tau``.
    places
        Length of the axis ``maximum``, ``2 k`` by default.

    Notes
    -----
    With one feature no mode is missed. With several the number is a lower bound, of what an ascent from each mean, each
    midpoint of two means and the weighted mean reaches: it may exceed the number of components, and may rise with tau.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> from scoreshock.quantities.many_modes import mode_count
    >>> triangle = ss.families.polygon(1.0, variance=0.0, vertices=3)
    >>> mode_count(triangle, [0.24, 0.26, 0.28]).n_modes.squeeze().values.tolist()
    [3, 4, 1]
    """
    places = 2 * mixture.sizes["component"] if places is None else places
    if places < 1:
        raise ValueError(f"places = {places} is not allowed; allowed: a whole number >= 1")
    found = apply(
        _modes,
        [*means_and_weights(mixture), (mixture.component_variance, ()), (times(tau), ())],
        [
            Output("n_modes", (), np.int32),
            Output("mode_position", ("maximum", "feature")),
            Output("modes_status", (), np.int8),
        ],
        sizes={"maximum": places},
        places=places,
    )
    return found.assign_coords(_counted(found, "maximum"))


def _modes(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, places: int
) -> tuple[np.ndarray, ...]:
    return tuple(mode_counts.count_modes(means, weights, variance + 2 * tau, places))


def last_merging(mixture: xr.Dataset) -> xr.Dataset:
    """Time above which the density has one mode: ``tau_density`` with ``density_status``.

    ``modes_before_last`` is the number of modes just below it. ``density_scanned`` is 1 where the time was found by a scan
    in v with the modes that an ascent reaches (several features and three or more components), accurate to 1e-10 in v but
    blind to what lies between its nodes; 0 where it was solved.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.many_modes import last_merging
    >>> triangle = ss.families.polygon(1.0, variance=0.0, vertices=3)
    >>> round(2 * float(last_merging(triangle).tau_density.squeeze()), 4)  # the centre's own criterion says 0.5
    0.5463
    """
    number_of_components(mixture)
    return apply(
        mode_counts.last_merging,
        [*means_and_weights(mixture), (mixture.component_variance, ())],
        [
            Output("tau_density"),
            Output("density_status", (), np.int8),
            Output("modes_before_last", (), np.int32),
            Output("density_scanned", (), np.int8),
        ],
    )


def merging_tree(mixture: xr.Dataset) -> xr.Dataset:
    """Which modes merge into which, event by event, of a mixture with one feature.

    Returns
    -------
    Dataset
        ``tau_event(..., event)`` with ``event_status``; ``x_before, x_after(..., event, maximum)``: modes just below and
        just above the event, ascending; ``merges_into(..., event, maximum)``: place after the event of each mode before it;
        ``vanishes``: 1 where it ends there, 0 where it goes on; ``branch(..., event, maximum)``: place after the event of
        each mode that there is before the first event. -1 or NaN where there is no mode.

    Raises
    ------
    ValueError
        Unless the mixture has one feature and at least two components.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.many_modes import merging_tree
    >>> tree = merging_tree(ss.families.custom(means=[[0.0], [1.0], [3.0]], variance=0.0))
    >>> tree.merges_into.squeeze().values.tolist()  # the first two meet, then the third joins them
    [[0, 0, 1], [0, 0, -1]]
    """
    k = number_of_components(mixture)
    if mixture.sizes["feature"] != 1:
        raise ValueError(f"feature: the mixture has {mixture.sizes['feature']}; allowed: 1 feature")
    found = apply(
        trees.merging_tree,
        [*means_and_weights(mixture), (mixture.component_variance, ())],
        [
            Output("tau_event", ("event",)),
            Output("event_status", ("event",), np.int8),
            Output("x_before", ("event", "maximum")),
            Output("x_after", ("event", "maximum")),
            Output("merges_into", ("event", "maximum"), np.int16),
            Output("vanishes", ("event", "maximum"), np.int8),
            Output("branch", ("event", "maximum"), np.int16),
        ],
        sizes={"event": k - 1, "maximum": k},
    )
    return found.assign_coords(_counted(found, "event", "maximum"))


def against_density(mixture: xr.Dataset, criteria: Sequence[str] = DEFAULT_CRITERIA) -> xr.Dataset:
    """Each criterion's time against the last change of the density to one mode.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    criteria
        Which criteria to compare, as for :func:`scoreshock.speciation`.

    Returns
    -------
    Dataset
        What :func:`last_merging` gives; ``tau_star(..., criterion)`` and ``status``; ``density_difference``, tau of the
        criterion minus that of the density, ``density_difference_relative`` to the density's ``v = sigma0² + 2 tau``, and
        ``density_difference_status``: the first reason, of the criterion or of the density, for which there is none;
        ``modes_at(..., criterion)``, the number of modes that the density has at the criterion's time (-1: no time > 0).

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.many_modes import against_density
    >>> found = against_density(ss.families.polygon(1.0, variance=0.0, vertices=3)).squeeze()
    >>> round(float(found.density_difference.sel(criterion="exact")), 5), int(found.modes_at.sel(criterion="exact"))
    (-0.02316, 4)
    """
    found = speciation(mixture, criteria=criteria)[["tau_star", "status"]]
    density = last_merging(mixture)
    status = found.status.where(found.status != Status.ok, density.density_status)
    good = status == Status.ok
    difference = (found.tau_star - density.tau_density).where(good)
    counts = apply(
        _modes_at,
        [*means_and_weights(mixture), (mixture.component_variance, ()), (found.tau_star, ("criterion",))],
        [Output("modes_at", ("criterion",), np.int32)],
        sizes={"criterion": found.sizes["criterion"]},
    )
    own = {
        "density_difference": difference,
        "density_difference_relative": 2 * difference / (mixture.component_variance + 2 * density.tau_density),
        "density_difference_status": status.astype(np.int8),
    }
    described = {name: array.assign_attrs(attributes(name)) for name, array in own.items()}
    result = found.merge(density, join="exact").assign(described)
    return result.assign(modes_at=counts.modes_at.transpose(*found.tau_star.dims))


def _modes_at(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray) -> np.ndarray:
    inside = tau > 0
    v = np.where(inside, variance[..., None] + 2 * tau, np.nan)
    found = mode_counts.count_modes(means[..., None, :, :], weights[..., None, :], v)
    return np.where(inside & (found.status == Status.ok), found.number, -1)


def _counted(dataset: xr.Dataset, *dims: str) -> dict[str, tuple[str, np.ndarray, dict[str, object]]]:
    """Coordinates 0, 1, ... of dimensions that only count."""
    return {dim: (dim, np.arange(dataset.sizes[dim]), attributes(dim)) for dim in dims}
