"""Standard errors of the moments of generation from bootstrap replicates of the data, and which moments agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import show
from scoreshock.conventions import Status, attributes_among, variables
from scoreshock.densities.component_covariances import structure
from scoreshock.kernels.information import collapse as collapse_kernel
from scoreshock.kernels.information import decisions as decisions_kernel
from scoreshock.quantities.class_map import class_arguments, class_map, method_of, of_classes
from scoreshock.quantities.labelled import MEANS, apply, checked_mixture, is_general, mixture_arguments
from scoreshock.quantities.speciation import speciation

FEWER_DRAWS = 256
"""Most draws of each component for a replicate (ours): all replicates have them in common, so that few are enough."""

AGREE = 2.0
"""Standard errors of their difference within which two moments agree (ours)."""

ERRORS = variables(
    """
    tau_moment_error(moment), error_status: standard error of tau_moment from the sampling of the data
        | Standard deviation over bootstrap replicates of the data.
    sigma_error(moment), error_status: standard error of the noise level of the moment
        | From the sampling of the data. Standard deviation over bootstrap replicates of the data.
    sigma_difference(moment), difference_status: noise level of the moment less that of the reference moment
        | The reference, in the attribute reference_moment, is exact, or half decided where exact is not there.
    sigma_difference_error(moment), difference_status: standard error of sigma_difference
        | From the sampling of the data. Standard deviation of the difference in each bootstrap replicate.
    agrees(moment) int8, difference_status: whether it agrees with the reference (-1: unknown)
        | 1 where sigma_difference is within two of its standard errors, which include sigma_numerical_error of both, else 0.
    n_replicates_without(moment) int16: number of replicates without this moment
        | Bootstrap replicates of the data. Any of them leaves no standard error.
    sigma_pair_standard_error(pair, remaining), pair_error_status: standard error of sigma_pair from the sampling of the data
        | Standard deviation over bootstrap replicates of the data; sigma_pair_error is that of its computation.
    error_status(moment): outcome of the standard errors
    difference_status(moment): outcome of the comparison with the reference moment
    pair_error_status(pair, remaining): outcome of the standard errors of pairs
    """
)
OF_PAIRS = ("sigma_pair_standard_error", "pair_error_status")
LEVELS = variables("sigma_pair(pair, remaining): noise level at this share of a pair's class entropy | At which it remains.")
WINDOW = variables(
    """
    sigma(remaining): noise level at which this share of the class entropy remains
    status(remaining): outcome of the decision
    """
)
COLLAPSED = variables(
    """
    sigma_collapse: noise level of the collapse
    collapse_status: outcome of the collapse
    """
)


def checked_replicates(replicates: Any, mixture: xr.Dataset) -> xr.Dataset:
    """The replicates, if they are such of the mixture's data.

    Raises
    ------
    ValueError
        For anything but a mixture over ``replicate`` with the components, features, units and samples of ``mixture``.
    """
    own = dict(checked_mixture(replicates, "replicates").component_mean.sizes)
    count, expected = own.pop("replicate", 0), dict(checked_mixture(mixture).component_mean.sizes)
    given = {name: (replicates.attrs.get(name), mixture.attrs.get(name)) for name in ("data_units", "n_samples")}
    for name, (one, other) in given.items():
        if one != other:
            raise ValueError(f"replicates has {name} = {show(one)}; allowed: {show(other)}, as of the mixture")
    if is_general(mixture):
        kind = structure(mixture)
        raise ValueError(f"replicates have one variance, the mixture has {kind} covariances; allowed: one variance")
    if count < 2 or own != expected:
        sizes = dict(replicates.component_mean.sizes)
        raise ValueError(f"replicates has means of sizes {sizes}; allowed: {expected} and a replicate of 2 or more, as of "
                         "ss.bootstrapped with the table of the mixture")  # fmt: skip
    return replicates


def moment_errors(
    moments: xr.Dataset,
    mixture: xr.Dataset,
    replicates: xr.Dataset,
    criteria: Sequence[str],
    remaining: np.ndarray,
    training_samples: int | None,
    reference: str,
    draws: int,
    seed: int,
) -> xr.Dataset:
    """Errors of ``tau_moment`` and ``moment_status (..., moment)``, and differences from the ``reference`` moment.

    Moments are the criteria, the shares ``remaining`` of the class entropy, and the collapse where there are training
    samples. All replicates have the same draws.
    """
    found = _sigma_of_replicates(mixture, replicates, criteria, remaining, training_samples, min(draws, FEWER_DRAWS), seed)
    values, statuses = (each.transpose(..., "replicate", "moment") for each in found)
    sigma = np.sqrt(2 * moments.tau_moment.where(moments.tau_moment >= 0))
    values, statuses, sigma, status = (
        each.assign_coords(moment=moments.moment) for each in (values, statuses, sigma, moments.moment_status)
    )
    lacking = ~values.notnull()
    error_status = _status(sigma, status, lacking, statuses)
    errors = {"sigma_error": values.std("replicate", ddof=1, skipna=False)}
    errors["tau_moment_error"] = (values**2 / 2).std("replicate", ddof=1, skipna=False)
    result = {name: each.where(error_status == Status.ok) for name, each in errors.items()}
    result |= {"n_replicates_without": lacking.sum("replicate"), "error_status": error_status}
    beside = error_status.sel(moment=reference, drop=True)
    difference_status = error_status.where(beside == Status.ok, beside).where(error_status == Status.ok, error_status)
    compared = difference_status == Status.ok
    difference = (sigma - sigma.sel(moment=reference, drop=True)).where(compared)
    error = (values - values.sel(moment=reference, drop=True)).std("replicate", ddof=1, skipna=False).where(compared)
    numerical = moments.sigma_numerical_error
    whole = np.sqrt(error**2 + numerical**2 + numerical.sel(moment=reference, drop=True) ** 2)
    whole = whole.where(whole.moment != reference, 0.0)
    agrees = (abs(difference) <= AGREE * whole).where(compared, -1)
    result |= {"sigma_difference": difference, "sigma_difference_error": error, "agrees": agrees}
    result["difference_status"] = difference_status
    made = _described(result)
    made["sigma_difference"].attrs["reference_moment"] = reference
    return made


def pair_errors(pairs: xr.Dataset, replicates: xr.Dataset, remaining: np.ndarray) -> xr.Dataset:
    """Errors of ``sigma_pair (..., pair, remaining)`` at the shares ``remaining``."""
    arguments = mixture_arguments(replicates)
    sizes = {"pair": pairs.sizes["pair"], "remaining": len(remaining)}
    levels = apply(decisions_kernel.pair_windows, arguments, LEVELS, sizes, share=remaining).sigma_pair
    status = pairs.pair_status.where(~levels.isnull().any("replicate"), np.int8(Status.below_data_variance))
    status = status.where(pairs.pair_status == Status.ok, pairs.pair_status)
    error = levels.std("replicate", ddof=1, skipna=False).where(status == Status.ok)
    return _described(dict(zip(OF_PAIRS, (error, status), strict=True)))


def _described(result: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """The results as `ERRORS` describes them."""
    chosen = [each for each in ERRORS if each.name in result]
    typed = {each.name: result[each.name].transpose(..., *each.dims).astype(each.dtype) for each in chosen}
    for each in chosen:
        typed[each.name].attrs = attributes_among(each, ERRORS)
    return xr.Dataset(typed)


def _status(sigma: xr.DataArray, status: xr.DataArray, lacking: xr.DataArray, statuses: xr.DataArray) -> xr.DataArray:
    """The moment's own status where it has no noise level, else the greatest of the replicates that have none."""
    of_replicates = statuses.where(lacking, Status.ok).max("replicate")
    # A criterion of negative time is below the variance of the data.
    own = xr.where(status == Status.ok, np.int8(Status.below_data_variance), status)
    return of_replicates.where(sigma.notnull(), own)


def _sigma_of_replicates(
    mixture: xr.Dataset,
    replicates: xr.Dataset,
    criteria: Sequence[str],
    remaining: np.ndarray,
    training_samples: int | None,
    draws: int,
    seed: int,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Noise levels and statuses (..., replicate, moment)."""
    parting = speciation(replicates, criteria=criteria)
    tau = parting.tau_star.where(parting.tau_star >= 0)
    known: Mapping[str, Any] = class_arguments(replicates) | {"frame": (mixture.component_mean, MEANS)}
    way = method_of("auto", draws, seed)._replace(parts=1)
    window = apply(
        of_classes(decisions_kernel.decision_windows),
        known,
        WINDOW,
        {"remaining": len(remaining)},
        share=remaining,
        groups=class_map(mixture).groups,
        method=way,
    )
    columns = [
        (np.sqrt(2 * tau).rename(criterion="moment"), parting.status.rename(criterion="moment")),
        (window.sigma.rename(remaining="moment"), window.status.rename(remaining="moment")),
    ]
    if training_samples is not None:
        found = apply(
            of_classes(collapse_kernel.collapse),
            {**known, "samples": xr.DataArray(float(training_samples))},
            COLLAPSED,
            method=way,
        )
        columns.append((found.sigma_collapse.expand_dims("moment", -1), found.collapse_status.expand_dims("moment", -1)))
    values, statuses = (
        xr.concat(
            [part.drop_vars("moment", errors="ignore") for part in parts],
            "moment",
            coords="minimal",
            compat="override",
            join="exact",
        )
        for parts in zip(*columns, strict=True)
    )
    return values, statuses
