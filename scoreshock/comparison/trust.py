"""Which criterion to trust at a point, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.comparison.variables import described
from scoreshock.comparison.windows import criterion_flags
from scoreshock.conventions import Status, flag_attributes

EQUAL = 1e-9
"""Relative spread up to which distances, weights or moments count as equal: well above the rounding of centred means
(1e-15 times the condition of the input), well below any relevant difference of criteria."""

ANISOTROPIC = 1.1
"""Ratio of the largest to the mean within-class variance above which the isotropic mixture is only an approximation."""

SERIES = ("leading", "first", "quadratic")
"""Criteria that follow the branch of the largest eigenvalue of the between-class covariance."""

DEGENERATE = 1e-10
"""Relative gap up to which eigenvalues belong to one eigenspace, that is, to one branch."""

NONE = -1
"""Code of ``trusted_criterion`` where no criterion is trusted."""


class Reason(IntEnum):
    """The first rule that applies; it selects the trusted criterion."""

    missing = -1
    all_distances_equal = 0
    modes_of_the_density = 1
    stationary_mean = 2
    weighted_mean_only = 3
    no_root = 4
    no_transition = 5
    not_computed = 6


class Condition(IntFlag):
    """Conditions that hold at a point, one bit each."""

    equal_distances = 1
    equal_weights = 2
    stationary_mean = 4
    several_roots = 8
    no_root = 16
    branch_crossing = 32
    modes_unknown = 64
    anisotropic_data = 128


def trusted_by(reason: Reason, criteria: Sequence[str]) -> str | None:
    """The criterion, among the computed ones, that a rule trusts; None if it trusts none."""
    if reason == Reason.modes_of_the_density:
        return "merging"
    if reason == Reason.all_distances_equal:
        return next((name for name in ("exact", *SERIES) if name in criteria), None)
    return "exact" if reason in (Reason.stationary_mean, Reason.weighted_mean_only) else None


def trust(speciation: xr.Dataset, mixture: xr.Dataset) -> xr.Dataset:
    """The criterion to trust at each point, its status, the rule that selects it, and all conditions that hold.

    The rules, in order:

    1. all means coincide: there is no transition, and no criterion is trusted;
    2. all distances to the weighted mean are equal (Corollary 9.3): the responsibilities there equal the weights at every
       tau, so ``leading, first, quadratic, exact`` agree, and the weighted mean is a stationary point: ``exact``;
    3. the modes of the density can be tracked (means on a line): ``merging``. For unequal weights the weighted mean is
       neither the boundary nor a stationary point; ``boundary`` is then the criterion of the layer;
    4. the weighted mean is a stationary point of the density at every tau: ``exact``, a true bifurcation there;
    5. ``exact`` has a root, at a point where the score does not vanish: ``exact``, as a scale, not as a bifurcation;
    6. ``exact`` has no root: no criterion.
    """
    status = {str(name): speciation.status.sel(criterion=name, drop=True) for name in speciation.criterion.values}
    exact, merging = (status.get(name, xr.DataArray(np.int8(Status.not_applicable))) for name in ("exact", "merging"))
    conditions = _conditions(speciation, mixture, exact, merging)
    shared = trusted_by(Reason.all_distances_equal, list(status))
    rules = [
        ((speciation.status == Status.missing).all("criterion"), Reason.missing),
        (_of_means(_coincident, mixture), Reason.no_transition),
        (conditions["equal_distances"] & (shared is not None), Reason.all_distances_equal),
        (merging.isin(_JUDGED), Reason.modes_of_the_density),
        (exact.isin(_JUDGED) & conditions["stationary_mean"], Reason.stationary_mean),
        (exact.isin(_JUDGED), Reason.weighted_mean_only),
        (exact == Status.no_real_root, Reason.no_root),
    ]
    reason, criterion = (xr.DataArray(np.int8(code)) for code in (Reason.not_computed, NONE))
    for applies, rule in reversed(rules):
        name = trusted_by(rule, list(status)) or ""
        reason = xr.where(applies, np.int8(rule), reason)
        criterion = xr.where(applies, np.int8(list(status).index(name) if name in status else NONE), criterion)
    bits: Any = sum(conditions[str(each.name)].astype(np.int16) * np.int16(each) for each in Condition)
    variables = {
        "trusted_criterion": criterion.astype(np.int8),
        "trust_reason": reason.astype(np.int8),
        "trust_conditions": bits.where(reason != Reason.missing, 0).astype(np.int16),
        "trusted_status": _status_of(speciation, criterion, reason),
    }
    masks = {
        "flag_masks": np.array([c.value for c in Condition], dtype=np.int16),
        "flag_meanings": " ".join(str(c.name) for c in Condition),
    }
    meanings = {
        "trusted_criterion": criterion_flags(speciation),
        "trust_reason": flag_attributes(Reason),
        "trust_conditions": masks,
    }
    return described(variables, meanings).drop_vars(["component", "feature"], errors="ignore")


def _conditions(
    speciation: xr.Dataset, mixture: xr.Dataset, exact: xr.DataArray, merging: xr.DataArray
) -> dict[str, xr.DataArray]:
    """Whether each condition holds, by the name of the condition; ``exact`` and ``merging`` are the criteria's statuses."""
    n_roots = speciation.n_roots if "n_roots" in speciation else xr.DataArray(0)
    return {
        "equal_distances": _of_means(_equal_distances, mixture),
        "stationary_mean": _of_means(_stationary, mixture),
        "equal_weights": xr.apply_ufunc(_equal_weights, mixture.component_weight, input_core_dims=[["component"]]),
        "several_roots": n_roots > 1,
        "no_root": exact == Status.no_real_root,
        "branch_crossing": across_branches(speciation),
        "modes_unknown": ~merging.isin([*_JUDGED, Status.no_transition]),
        "anisotropic_data": mixture.get("within_class_anisotropy", xr.DataArray(1.0)) > ANISOTROPIC,
    }


_JUDGED = [Status.ok, Status.below_data_variance]
"""Statuses of a definite answer: a time, or no transition above the variance of the data."""


def _status_of(speciation: xr.Dataset, criterion: xr.DataArray, reason: xr.DataArray) -> xr.DataArray:
    """Status of the trusted criterion; where none is trusted, the reason as a status."""
    outcome = {
        Reason.missing: Status.missing,
        Reason.no_root: Status.no_real_root,
        Reason.no_transition: Status.no_transition,
    }
    status: xr.DataArray = xr.full_like(reason, Status.not_applicable)
    for rule, code in outcome.items():
        status = status.where(reason != rule, np.int8(code))
    names = [str(name) for name in speciation.criterion.values]
    for name in set(names) & {trusted_by(rule, names) for rule in Reason}:
        trusted = criterion == names.index(name)
        status = xr.where(trusted, speciation.status.sel(criterion=name, drop=True), status)
    return status.astype(np.int8)


def across_branches(speciation: xr.Dataset) -> xr.DataArray:
    """Whether the largest exact root belongs to an eigenspace other than that of the largest eigenvalue."""
    if not {"root_eigenmode", "n_roots", "eigenvalue"} <= set(speciation.data_vars):
        return xr.DataArray(False)
    root, mode = (xr.DataArray(np.arange(speciation.sizes[dim]), dims=dim) for dim in ("root", "eigenmode"))
    last = np.minimum(speciation.n_roots, speciation.sizes["root"]) - 1
    at_last = speciation.root_eigenmode.drop_vars("root", errors="ignore").where(root == last, -1).max("root")
    eigenvalue = speciation.eigenvalue.drop_vars("eigenmode", errors="ignore")
    at_root = eigenvalue.where(mode == at_last, 0.0).max("eigenmode")
    return (at_last > 0) & (at_root < eigenvalue.isel(eigenmode=0) * (1 - DEGENERATE))


def _of_means(condition: Callable[..., np.ndarray], mixture: xr.Dataset) -> xr.DataArray:
    means, weights = mixture.component_mean, mixture.component_weight
    return xr.apply_ufunc(condition, means, weights, input_core_dims=[["component", "feature"], ["component"]])


def _centred(means: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means minus their weighted mean, (..., k, n), and squared distances, (..., k), scaled to a maximum distance of 1.

    Sums run over components and features in a fixed order, so that a point's result does not depend on its batch.
    """
    shifted = means - means[..., :1, :]
    mean = sum(weights[..., j, None] * shifted[..., j, :] for j in range(means.shape[-2]))
    offset = shifted - mean[..., None, :]
    size = np.abs(offset).max(axis=(-2, -1))
    offset = offset / np.where(size > 0, size, 1.0)[..., None, None]
    distance = sum(offset[..., i] ** 2 for i in range(offset.shape[-1]))
    largest = distance.max(axis=-1)
    scale = np.where(largest > 0, largest, 1.0)
    return offset / np.sqrt(scale)[..., None, None], distance / scale[..., None]


def _coincident(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whether all means coincide."""
    same = (means == means[..., :1, :]).all(axis=(-2, -1))
    return np.broadcast_to(same, np.broadcast_shapes(same.shape, weights.shape[:-1])).copy()


def _equal_distances(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whether all ``D_k`` are equal, Corollary 9.3."""
    return _centred(means, weights)[1].min(axis=-1) >= 1 - EQUAL


def _equal_weights(weights: np.ndarray) -> np.ndarray:
    return weights.max(axis=-1) - weights.min(axis=-1) <= EQUAL * weights.max(axis=-1)


def _stationary(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whether the score vanishes at the weighted mean at every tau.

    It does if ``sum w exp(-D/2v) (mu - mubar) = 0`` for all v, that is, if the moments ``sum w D^n (mu - mubar)`` vanish for
    all n below the number of components.
    """
    offset, distance = _centred(means, weights)
    k = offset.shape[-2]
    holds = np.ones(np.broadcast_shapes(distance.shape[:-1], weights.shape[:-1]), dtype=bool)
    power = weights * np.ones_like(distance)
    for _ in range(1, k):
        power = power * distance
        moment = sum(power[..., j, None] * offset[..., j, :] for j in range(k))
        size = sum(power[..., j] for j in range(k))
        holds &= np.abs(moment).max(axis=-1) <= EQUAL * size
    return holds
