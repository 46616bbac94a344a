"""Differences: of one criterion from another, of the series from the exact criterion, of one result from another."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import xarray as xr

from scoreshock.checks import shortened, show
from scoreshock.conventions import Status, TimeStatus, attributes

SERIES = ("leading", "first", "quadratic")
"""Criteria that follow the branch of the largest eigenvalue of the between-class covariance."""

DEGENERATE = 1e-10
"""Eigenvalues closer than this fraction of the largest are one eigenspace, so no branches to tell apart."""


class Agreement(IntEnum):
    """Whether two results hold the same value at a point."""

    same = 0
    differs = 1
    only_first = 2
    only_second = 3


def between_criteria(speciation: xr.Dataset, mixture: xr.Dataset | None, references: Sequence[str]) -> xr.Dataset:
    """Difference of each criterion's time from each reference's: in tau, in log-SNR, and in each schedule's clock."""

    def reference(array: xr.DataArray) -> xr.DataArray:
        chosen = array.sel(criterion=list(references)).rename(criterion="reference_criterion")
        chosen["reference_criterion"].attrs = attributes("reference_criterion")
        return chosen

    tau = speciation.tau_star.where(speciation.status == Status.ok)
    tau_reference = reference(tau)
    status = _first_reason(speciation.status, reference(speciation.status))
    comparable = ~(across_branches(speciation) & _series_against_exact(speciation.criterion.values, references))
    status = status.where((status != Status.ok) | comparable, np.int8(Status.not_applicable))
    good = status == Status.ok
    found = {
        "difference": (tau - tau_reference).where(good),
        "difference_log_snr": _log_ratio(tau_reference, tau).where(good),
        "difference_status": status,
    }
    if mixture is not None:
        variance = mixture.component_variance + 2 * tau_reference
        found["difference_relative"] = 2 * found["difference"] / variance
    if "time" in speciation:
        placed = _first_reason(speciation.time_status, reference(speciation.time_status))
        time_status = placed.where(good, _no_time(status))
        inside = time_status == TimeStatus.ok
        for name, source in (("difference_time", "time"), ("difference_step", "sampling_step")):
            found[name] = (speciation[source] - reference(speciation[source])).where(inside)
        found["difference_time_status"] = time_status
    return _described(found)


def of_orders(speciation: xr.Dataset, corrections: xr.Dataset, order_clock: xr.Dataset | None) -> xr.Dataset:
    """Errors of the series through each order against the exact criterion, also in each schedule's clock."""
    names = ("error", "error_relative", "error_status", "smallest_term")
    found = {name: corrections[name] for name in names if name in corrections}
    if order_clock is not None and "time" in speciation and "exact" in speciation.criterion:
        exact = speciation.sel(criterion="exact", drop=True)
        good = corrections.error_status == Status.ok
        placed = _first_reason(order_clock.time_status, exact.time_status)
        status = placed.where(good, _no_time(corrections.error_status))
        inside = status == TimeStatus.ok
        found["error_time"] = (order_clock.time - exact.time).where(inside)
        found["error_step"] = (order_clock.sampling_step - exact.sampling_step).where(inside)
        found["error_time_status"] = status
    return _described(found)


def across_branches(speciation: xr.Dataset) -> xr.DataArray:
    """Whether the largest exact root belongs to another eigenspace than the largest eigenvalue's."""
    if not {"root_mode", "n_roots", "eigenvalue"} <= set(speciation.data_vars):
        return xr.DataArray(False)
    root, mode = (xr.DataArray(np.arange(speciation.sizes[dim]), dims=dim) for dim in ("root", "mode"))
    last = np.minimum(speciation.n_roots, speciation.sizes["root"]) - 1
    own = speciation.root_mode.drop_vars("root", errors="ignore").where(root == last, -1).max("root")
    eigenvalue = speciation.eigenvalue.drop_vars("mode", errors="ignore")
    at_root = eigenvalue.where(mode == own, 0.0).max("mode")
    return (own > 0) & (at_root < eigenvalue.isel(mode=0) * (1 - DEGENERATE))


def compare_results(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    """Two results of the same quantity, variable by variable.

    Parameters
    ----------
    first, second
        Results of one quantity on the same points, for example of two versions, two machines, or two mixtures.

    Returns
    -------
    Dataset
        For each numeric variable of both: ``<name>_agreement`` (flag: ``same``, ``differs``, ``only_first``,
        ``only_second``; the last two where only one of them has a number), and for real variables ``<name>_difference``,
        first minus second, NaN where either has no number. Statuses and counts have an agreement only. The attribute
        ``not_compared`` names variables that are in one dataset only.

    Raises
    ------
    ValueError
        If one of them is no dataset, their coordinates or dimensions differ, or they share no numeric variable.

    Examples
    --------
    >>> import xarray as xr
    >>> a, b = (xr.Dataset({"tau_star": ("criterion", [0.5, t])}) for t in (1.0, 1.25))
    >>> compare_results(a, b).tau_star_difference.values
    array([ 0.  , -0.25])
    """
    for place, given in (("first", first), ("second", second)):
        if not isinstance(given, xr.Dataset):
            raise ValueError(f"{place} = {show(given)} is not allowed; allowed: a Dataset, a result of one quantity")
    try:
        first, second = xr.align(first, second, join="exact", copy=False)
    except ValueError as error:
        raise ValueError(f"the results to compare are not on the same points: {shortened(error)}") from error
    shared = [n for n in first.data_vars if n in second.data_vars and first[n].dtype.kind in "fiub"]
    if not shared:
        own = " and ".join(show(list(map(str, given.data_vars))) for given in (first, second))
        raise ValueError(f"the results share no numeric variable: {own}")
    for name in shared:
        if set(first[name].dims) != set(second[name].dims):
            raise ValueError(
                f"the results to compare are not on the same points: {name} has the dimensions "
                f"{first[name].dims} in the first and {second[name].dims} in the second"
            )
    found: dict[str, xr.DataArray] = {}
    for name in shared:
        a, b = first[name], second[name]
        meaning = a.attrs.get("long_name", name)
        found[f"{name}_agreement"] = _agreement(a, b).assign_attrs(
            long_name=f"whether the two results agree: {meaning}", **flags(Agreement)
        )
        if a.dtype.kind == "f":
            # Equal infinities differ by nothing.
            gap = xr.where(a == b, 0.0, a - b)
            found[f"{name}_difference"] = gap.assign_attrs(long_name=f"difference of two results: {meaning}", units="1")
    alone = sorted(str(name) for name in set(first.data_vars) ^ set(second.data_vars))
    return xr.Dataset(found, attrs={"not_compared": " ".join(alone)} if alone else {})


def flags(kind: type[IntEnum], dtype: type = np.int8) -> dict[str, object]:
    """CF attributes of a variable whose values are the members of ``kind``."""
    return {
        "flag_values": np.array([member.value for member in kind], dtype=dtype),
        "flag_meanings": " ".join(member.name for member in kind),
    }


def _agreement(a: xr.DataArray, b: xr.DataArray) -> xr.DataArray:
    absent_a, absent_b = a.isnull(), b.isnull()
    differs = xr.where((a == b) | (absent_a & absent_b), Agreement.same, Agreement.differs)
    one_sided = xr.where(absent_b & ~absent_a, Agreement.only_first, differs)
    return xr.where(absent_a & ~absent_b, Agreement.only_second, one_sided).astype(np.int8)


def _first_reason(status: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """``status`` where it is not ``ok`` (0), or else the other's."""
    return xr.where(status != 0, status, other).astype(np.int8)


def _no_time(status: xr.DataArray) -> xr.DataArray:
    """Status of a time whose diffusion time has the ``status``, not ``ok``: there is none to place, or it is missing."""
    return xr.where(status == Status.missing, TimeStatus.missing, TimeStatus.no_tau).astype(np.int8)


def _series_against_exact(criteria: Sequence[str], references: Sequence[str]) -> xr.DataArray:
    """Which pairs hold a criterion of the leading branch and the exact one."""
    names = [str(name) for name in criteria]
    pairs = [[(c in SERIES and r == "exact") or (c == "exact" and r in SERIES) for r in references] for c in names]
    return xr.DataArray(pairs, dims=("criterion", "reference_criterion"))


def _log_ratio(numerator: xr.DataArray, denominator: xr.DataArray) -> xr.DataArray:
    """``ln(numerator/denominator)``, 0 where both are equal (0 too), infinite where one is 0."""

    def compute(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(a == b, 0.0, np.log(a) - np.log(b))

    return xr.apply_ufunc(compute, numerator, denominator, dask="parallelized", output_dtypes=[float])


def _described(found: dict[str, xr.DataArray]) -> xr.Dataset:
    return xr.Dataset({name: array.drop_attrs().assign_attrs(attributes(name)) for name, array in found.items()})
