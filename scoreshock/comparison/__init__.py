"""Comparison of results: criterion against criterion, order against exact, their window, and which criterion to trust."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xarray as xr

from scoreshock.checks import shortened, show
from scoreshock.comparison.differences import between_criteria, compare_results, of_orders
from scoreshock.comparison.tables import table
from scoreshock.comparison.trust import trust
from scoreshock.comparison.windows import window
from scoreshock.comparison.wording import sentence

__all__ = ["chunked", "chunked_as", "compare", "compare_results", "sentence", "table"]

COPIED = ("tau_star", "status", "n_roots")
"""Of the speciation dataset: what a reader of the comparison needs beside the differences."""

USED = {
    "speciation": (*COPIED, "root_mode", "eigenvalue", "time", "time_status", "sampling_step"),
    "corrections": ("error", "error_relative", "error_status", "smallest_term"),
    "mixture": ("component_mean", "component_weight", "component_variance", "within_class_anisotropy"),
    "order_clock": ("time", "time_status", "sampling_step"),
}
"""What is compared of each argument; the rest is not read."""

NEEDED = {
    "speciation": ("tau_star", "status", "criterion"),
    "corrections": ("error", "error_status", "order"),
    "mixture": ("component_mean", "component_weight", "component_variance"),
    "samples": ("sample_time", "sample_tau", "n_samples", "schedule"),
    "order_clock": ("time", "time_status", "sampling_step"),
}
"""By what each argument is recognised."""

CHUNK = 500_000
"""Numbers of the largest result in one chunk: pairs of criteria in each schedule multiply the points (4 MB an array)."""


def compare(
    speciation: xr.Dataset,
    corrections: xr.Dataset | None = None,
    mixture: xr.Dataset | None = None,
    samples: xr.Dataset | None = None,
    order_clock: xr.Dataset | None = None,
    references: Sequence[str] | None = None,
) -> xr.Dataset:
    r"""How far the criteria of speciation disagree at each point of a sweep, and which of them to trust there.

    .. math:: \Delta_{cr} = \tau^*_c - \tau^*_r, \qquad
              \Delta^{\rm rel}_{cr} = 2\Delta_{cr} / v^*_r, \qquad v^*_r = \sigma_0^2 + 2\tau^*_r

    for each criterion c and reference criterion r; positive where c comes later in the forward process, that is, first in
    generation.

    Parameters
    ----------
    speciation
        Result of ``speciation``: ``tau_star, status (..., criterion)``; with schedules also ``time, time_status,
        sampling_step (..., criterion, schedule)``.
    corrections
        Result of ``corrections`` on the same points; its errors against ``exact`` are taken over.
    mixture
        The mixture (or its sweep) that both were computed from; needed for relative differences and for trust.
    samples
        Sampling times of the schedules, from ``quantities.samples.schedule_samples``; needed for the window's fractions.
    order_clock
        ``clock(corrections.tau_order, schedules)``: the orders in each schedule's clock.
    references
        Reference criteria; by default all criteria, which stores each pair twice, with both signs.

    Returns
    -------
    Dataset
        Sweep dimensions first; everything lazy where an argument is.

        * ``difference, difference_relative, difference_log_snr, difference_status (..., criterion, reference_criterion)``;
          with schedules ``difference_time, difference_step, difference_time_status (..., schedule)``. ``not_applicable``
          between ``exact`` and ``leading, first, quadratic`` where the exact root lies on another eigenvalue's branch.
        * ``error, error_relative, error_status (..., order)`` of the series against ``exact``; with ``order_clock`` also
          ``error_time, error_step, error_time_status (..., order, schedule)``.
        * ``window_start, window_end, window_width`` between the earliest and latest criterion that is ``ok``, their names
          ``window_start_criterion, window_end_criterion``, ``window_status``; with ``samples``
          ``window_fraction_range, window_fraction_steps, window_steps, window_fraction_status (..., schedule)``.
        * ``trusted_criterion, trust_reason, trust_conditions``, and its time ``tau_trusted`` with ``trusted_status``.

    Raises
    ------
    ValueError
        For an unknown reference, ``samples`` without a schedule of the sweep, or arguments on other points.

    References
    ----------
    arXiv:2604.07404, section 9: (77), (92), (93), (94), Corollary 9.3; (42)-(43) for ``boundary``.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.comparison import compare
    >>> pair = ss.families.pair(separation=2.0, variance=0.25, weight=0.7)
    >>> found = compare(ss.speciation(pair), mixture=pair)
    >>> round(float(found.difference.sel(criterion="merging", reference_criterion="boundary")), 3)
    -0.914
    """
    _check_results({"speciation": speciation})
    given = {"corrections": corrections, "mixture": mixture, "samples": samples, "order_clock": order_clock}
    _check_results({name: other for name, other in given.items() if other is not None})
    names = [str(name) for name in speciation.criterion.values]
    references = _references(references, names)
    speciation = _used("speciation", speciation)
    if any(variable.chunks for variable in speciation.variables.values()):
        speciation = chunked(speciation, corrections, references)
    given.pop("samples")
    others = [other if other is None else _aligned(speciation, _used(name, other)) for name, other in given.items()]
    whole = _compared(speciation, *others, samples=samples, references=references)
    if not speciation.chunks:
        return whole
    # Each block of points as one task, which gives all variables: one by one, each would wait for the whole of the others.
    fixed = {"samples": samples, "references": references}
    return xr.map_blocks(_compared, speciation, others, kwargs=fixed, template=chunked_as(speciation, whole))


def _compared(
    speciation: xr.Dataset,
    corrections: xr.Dataset | None,
    mixture: xr.Dataset | None,
    order_clock: xr.Dataset | None,
    *,
    samples: xr.Dataset | None,
    references: list[str],
) -> xr.Dataset:
    parts = [between_criteria(speciation, mixture, references)]
    if corrections is not None:
        parts.append(of_orders(speciation, corrections, order_clock))
    parts.append(window(speciation, samples))
    if mixture is not None:
        parts.append(trust(speciation, mixture))
    copied = speciation[[name for name in COPIED if name in speciation]]
    result = xr.merge([copied, *parts], join="exact", compat="override", combine_attrs="override").drop_attrs(deep=False)
    own = ("criterion", "reference_criterion", "order", "schedule")
    return result.transpose(..., *[name for name in own if name in result.dims])


def _check_results(given: Mapping[str, Any]) -> None:
    """Refuse arguments that are not the datasets that their names say."""
    for name, dataset in given.items():
        if not isinstance(dataset, xr.Dataset) or not set(NEEDED[name]) <= set(dataset.variables):
            wanted = f"a Dataset with {', '.join(NEEDED[name])}"
            raise ValueError(f"{name} = {show(dataset)} is not allowed; allowed: {wanted}")


def _references(given: Any, names: list[str]) -> list[str]:
    """The reference criteria, which are among those of the result."""
    if given is None:
        return names
    several = [given] if isinstance(given, str) else list(given) if isinstance(given, Iterable) else []
    unknown = [name for name in several if not isinstance(name, str) or name not in names]
    if unknown or not several:
        shown = show(unknown or given)
        raise ValueError(f"references: {shown} is not allowed; allowed: criteria of the result, {', '.join(names)}")
    return several


def _used(name: str, given: xr.Dataset) -> xr.Dataset:
    """The variables of an argument that are compared."""
    return given[[variable for variable in USED[name] if variable in given]]


def chunked(
    speciation: xr.Dataset, corrections: xr.Dataset | None = None, references: Sequence[str] | None = None
) -> xr.Dataset:
    """Times in chunks of so few points that no variable of their comparison has more than ``CHUNK`` numbers in one.

    Of a file that was opened without Dask each chunk is then read when it is compared. Were it opened in its own chunks,
    which are larger, all their parts would wait in memory.
    """
    speciation = _used("speciation", speciation).unify_chunks()  # of a file, each variable has chunks of its own
    criteria, orders = speciation.sizes["criterion"], 0 if corrections is None else corrections.sizes.get("order", 1)
    pairs = criteria * (criteria if references is None else len(references))
    room = CHUNK // (max(pairs, orders) * speciation.sizes.get("schedule", 1))
    chunks = dict.fromkeys(speciation.dims, -1)
    for dim in reversed([dim for dim in speciation.status.dims if dim != "criterion"]):
        chunks[dim] = max(1, min(room, *speciation.chunksizes.get(dim, (speciation.sizes[dim],))[:1]))
        room //= chunks[dim]
    return speciation.chunk(chunks)


def _aligned(speciation: xr.Dataset, other: xr.Dataset) -> xr.Dataset:
    """The other dataset in the chunks of ``speciation``, after checking that it is on the same points."""
    try:
        xr.align(speciation, other, join="exact", copy=False)
    except ValueError as error:
        raise ValueError(f"the datasets to compare are not on the same points: {shortened(error)}") from error
    return chunked_as(speciation, other) if speciation.chunks else other


def chunked_as(speciation: xr.Dataset, other: xr.Dataset) -> xr.Dataset:
    """The other dataset in the chunks of ``speciation``."""
    return other.chunk({dim: speciation.chunksizes.get(dim, -1) for dim in other.dims})
