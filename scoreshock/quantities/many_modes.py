"""Mixtures of many modes: the sign of their first correction, and each criterion against the density's own modes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from scoreshock.conventions import DEFAULT_CRITERIA, Status, attributes
from scoreshock.kernels.gaussian import geometry
from scoreshock.kernels.modes import mode_counts
from scoreshock.kernels.numerics.batching import core_first
from scoreshock.kernels.speciation import criteria as closed
from scoreshock.quantities.labelled import Output, apply, means_and_weights, mixture_arguments, number_of_components
from scoreshock.quantities.modes import last_merging
from scoreshock.quantities.speciation import speciation

SIGN = 64 * np.finfo(float).eps
"""A covariance below this, relative to the sum of its terms' magnitudes, is zero within rounding."""


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
    degenerate, the direction is the one for which C is largest (and where C ties too, that of the line of `scores`).

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
    w, d = core_first(weights, 1, lead), core_first(unit.distances, 1, lead)
    squares = core_first(geometry.along_leading(unit, weights), 1, lead) ** 2
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


def _covariance(w: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of ``a`` and ``b (k, B)`` under the weights, and its sign, 0 within rounding."""
    deviation = -geometry.deviation(a, w)
    total, size = np.zeros(a.shape[1]), np.zeros(a.shape[1])
    for j in range(len(w)):
        total = total + w[j] * deviation[j] * b[j]
        size = size + w[j] * (np.abs(a[j]) + np.abs(deviation[j])) * b[j]
    return total, np.where(np.abs(total) <= SIGN * size, 0, np.sign(total)).astype(np.int64)


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
        [*mixture_arguments(mixture), (found.tau_star, ("criterion",))],
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
