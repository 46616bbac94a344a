"""Comparison of criteria over a sweep: their window and which to trust at each point, their differences in summary."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import xarray as xr

from scoreshock.checks import shortened, show
from scoreshock.comparison import summaries
from scoreshock.comparison.summaries import DIMENSIONS, Block
from scoreshock.comparison.tables import table
from scoreshock.comparison.trust import trust
from scoreshock.comparison.windows import window
from scoreshock.conventions import attributes

if TYPE_CHECKING:
    import dask.array as da
    from dask.delayed import Delayed

__all__ = ["block_sizes", "compare", "table"]

USED = {
    "speciation": ("tau_star", "status", "n_roots", "root_mode", "eigenvalue", "time", "time_status", "sampling_step"),
    "corrections": ("error", "error_relative", "error_status"),
    "mixture": ("component_mean", "component_weight", "component_variance", "within_class_anisotropy"),
    "order_clock": ("time_status", "sampling_step"),
}
"""What is compared of each argument; the rest is not read."""

NEEDED = {
    "speciation": ("tau_star", "status", "criterion"),
    "corrections": ("error", "error_relative", "error_status", "order"),
    "mixture": ("component_mean", "component_weight", "component_variance"),
    "samples": ("sample_time", "sample_tau", "n_samples", "schedule"),
    "order_clock": ("time_status", "sampling_step"),
}
"""By what each argument is recognised."""

BLOCK = 2**19
"""Numbers of the largest variable in one block of points (4 MB)."""


def compare(
    speciation: xr.Dataset,
    corrections: xr.Dataset | None = None,
    mixture: xr.Dataset | None = None,
    samples: xr.Dataset | None = None,
    order_clock: xr.Dataset | None = None,
) -> xr.Dataset:
    r"""Compare the criteria of speciation over a sweep: the window between them, which to trust, how far they differ.

    .. math:: \Delta_{cr} = \tau^*_c - \tau^*_r, \qquad
              \Delta^{\rm rel}_{cr} = 2\Delta_{cr} / v^*_r, \qquad v^*_r = \sigma_0^2 + 2\tau^*_r

    for each criterion c and reference criterion r; positive where c comes later in the forward process, that is, first in
    generation. Windows and trust are stored point by point, differences as statistics over the points at which both
    criteria are ``ok``.

    Parameters
    ----------
    speciation
        Result of ``speciation``: ``tau_star, status (..., criterion)``; with schedules also ``time, time_status,
        sampling_step (..., criterion, schedule)``.
    corrections
        Result of ``corrections`` on the same points.
    mixture
        The mixture (or its sweep) that both were computed from; needed for relative differences and for trust.
    samples
        Sampling times of the schedules, from ``quantities.samples.schedule_samples``; needed for the window's fractions.
    order_clock
        ``clock(corrections.tau_order, schedules)``: the orders in each schedule's clock.

    Returns
    -------
    Dataset
        Of each point: ``window_width, window_status, window_start_criterion, window_end_criterion``, with ``samples`` also
        ``window_fraction_range, window_fraction_steps, window_steps, window_fraction_status (..., schedule)``, with a
        ``mixture`` also ``trusted_criterion, trusted_status, trust_reason, trust_conditions``.

        Of the sweep: counts of points (``*_count``) by outcome, rule or condition, and ``*_summary (..., statistic)`` with
        smallest, middle and largest value: ``tau_star`` and ``status`` of each criterion; ``difference,
        difference_relative, difference_step`` of each ``(criterion, reference_criterion)``; ``error, error_relative,
        error_step`` of each order; the windows. ``difference_largest, error_largest (..., axis)`` are the indices of the
        first point with the largest. Between ``exact`` and ``leading, first, quadratic`` points where the exact root lies
        on another eigenvalue's branch count as ``not_applicable``. All of it is bitwise the same for any chunks. Of more
        than one block of points all variables are lazy, and computing them together reads each point once.

    Raises
    ------
    ValueError
        For arguments that are not these results or on other points, and ``samples`` without a schedule of the sweep.

    References
    ----------
    arXiv:2604.07404, section 9: (77), (92), (93), (94), Corollary 9.3; (42)-(43) for ``boundary``.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.comparison import compare
    >>> pair = ss.families.pair(separation=2.0, variance=0.25, weight=0.7)
    >>> found = compare(ss.speciation(pair), mixture=pair)
    >>> gap = found.difference_summary.sel(criterion="merging", reference_criterion="boundary")
    >>> round(float(gap.sel(statistic="median")), 3)
    -0.914
    """
    given = {"corrections": corrections, "mixture": mixture, "order_clock": order_clock}
    _check_results({"speciation": speciation} | {k: v for k, v in (given | {"samples": samples}).items() if v is not None})
    results = {"speciation": _used("speciation", speciation)}
    for name, other in given.items():
        if other is not None:
            results[name] = _used(name, other)
            _check_points(results["speciation"], results[name])
    lengths = block_sizes(speciation, corrections)
    whole = {dim: speciation.sizes[dim] for dim in lengths}
    compared = partial(_compared, results, samples, whole)
    corners = list(itertools.product(*(range(0, whole[dim], length) for dim, length in lengths.items())))
    if len(corners) == 1:
        found, total = compared(corners[0], lengths)
        return _described(found.data_vars, _finished(total, whole, speciation), speciation)
    # Dask is not to look into the results: a block that is itself a graph is then computed inside the block's one task.
    blocks = {corner: dask.delayed(compared, pure=False, traverse=False)(corner, lengths) for corner in corners}
    found, total = compared(corners[0], dict.fromkeys(lengths, 1))
    return _described(_put_together(blocks, found, lengths, whole), _added(blocks, total, whole, speciation), speciation)


def _compared(
    results: Mapping[str, xr.Dataset],
    samples: xr.Dataset | None,
    whole: Mapping[str, int],
    corner: tuple[int, ...],
    lengths: Mapping[str, int],
) -> tuple[xr.Dataset, dict[str, Any]]:
    """What is stored of each point of the block at the indices ``corner``, and the summary of its points."""
    first = dict(zip(whole, corner, strict=True))
    block_of = {dim: slice(start, start + lengths[dim]) for dim, start in first.items()}
    loaded = {}
    for name, result in results.items():
        part = result.isel(block_of, missing_dims="ignore").load(scheduler="synchronous")
        # All are on the same points, which need not be compared again for each sum of two variables.
        loaded[name] = part.drop_vars(set(part.coords) - {"criterion", "schedule"})
    speciation, mixture = loaded["speciation"], loaded.get("mixture")
    found = window(speciation, samples)
    if mixture is not None:
        found = found.merge(trust(speciation, mixture), join="exact", compat="override", combine_attrs="override")
    # Of a density that lacks an axis of the result, all points along that axis are alike.
    points = speciation.status.isel(criterion=0, drop=True)
    found = found.map(lambda array: array.broadcast_like(points), keep_attrs=True).transpose(*first, ...)
    block = Block({dim: points.sizes[dim] for dim in first})
    summary = summaries.of_criteria(block, speciation, mixture)
    if "corrections" in loaded:
        summary |= summaries.of_orders(block, speciation, loaded["corrections"], loaded.get("order_clock"))
    summary |= summaries.of_points(block, speciation, found)
    for name in {"difference", "error"} & set(summary):
        summary[name] = replace(summary[name], at=block.indices(summary[name].at, first, whole))
    return found, summary


def _sum(summary: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: value + other[name] for name, value in summary.items()}


def _finished(total: dict[str, Any], whole: Mapping[str, int], speciation: xr.Dataset) -> dict[str, np.ndarray]:
    return summaries.finished(total, whole, speciation.sizes["criterion"], speciation.sizes.get("schedule", 0))


def _added(
    blocks: Mapping[Any, Delayed], single: dict[str, Any], whole: Mapping[str, int], speciation: xr.Dataset
) -> dict[str, da.Array]:
    """The summary of all blocks, lazily; ``single`` is that of one point, which has the same shapes."""
    import dask.array as da  # takes as long to import as a small sweep to compare

    total: Any = None
    for block in blocks.values():
        total = block[1] if total is None else dask.delayed(_sum)(total, block[1])  # type: ignore[index]
    shapes = _finished(single, whole, speciation)
    counts = speciation.sizes["criterion"], speciation.sizes.get("schedule", 0)
    stored = dask.delayed(summaries.finished)(total, dict(whole), *counts)
    return {name: da.from_delayed(stored[name], value.shape, value.dtype) for name, value in shapes.items()}


def _put_together(
    blocks: Mapping[tuple[int, ...], Delayed], single: xr.Dataset, lengths: Mapping[str, int], whole: Mapping[str, int]
) -> dict[str, xr.Variable]:
    """The variables of all points, lazily, each chunk from its block; ``single`` holds those of one point."""
    import dask.array as da
    from dask.highlevelgraph import HighLevelGraph

    variables, token = {}, dask.base.tokenize([block.key for block in blocks.values()])
    steps = [[*range(0, size, lengths[dim]), size] for dim, size in whole.items()]
    for name, array in single.data_vars.items():
        own = array.shape[len(lengths) :]
        graph: dict[Any, Any] = {}
        for corner, block in blocks.items():
            index = [start // length for start, length in zip(corner, lengths.values(), strict=True)]
            graph[(f"{name}-{token}", *index, *[0] * len(own))] = (_values, block.key, name)
        layer = HighLevelGraph.from_collections(f"{name}-{token}", graph, dependencies=[*blocks.values()])  # type: ignore[list-item]
        chunks = (*(tuple(np.diff(edges).tolist()) for edges in steps), *((size,) for size in own))
        data = da.Array(layer, f"{name}-{token}", chunks, dtype=array.dtype)
        variables[str(name)] = xr.Variable(array.dims, data, array.attrs)
    return variables


def _values(compared: tuple[xr.Dataset, dict[str, Any]], name: str) -> np.ndarray:
    return compared[0][name].values


def _described(
    points: Mapping[Any, Any], summary: Mapping[str, np.ndarray | da.Array], speciation: xr.Dataset
) -> xr.Dataset:
    """Variables of points and of the sweep as one dataset with the coordinates of the result."""
    axes = [str(dim) for dim in speciation.status.dims if dim != "criterion"]
    kept = {"criterion", "schedule", *axes}
    own = {name: each.variable for name, each in speciation.coords.items() if set(each.dims) <= kept}
    reference = xr.Variable("reference_criterion", speciation.criterion.values, attributes("reference_criterion"))
    described = {name: xr.Variable(DIMENSIONS[name], values, attributes(name)) for name, values in summary.items()}
    used = {dim for variable in described.values() for dim in variable.dims}
    coords = own | {"reference_criterion": reference} | summaries.coordinates(axes, used)
    return xr.Dataset(dict(points) | described, coords)


def _check_results(given: Mapping[str, Any]) -> None:
    """Refuse arguments that are not the datasets that their names say."""
    for name, dataset in given.items():
        if not isinstance(dataset, xr.Dataset) or not set(NEEDED[name]) <= set(dataset.variables):
            wanted = f"a Dataset with {', '.join(NEEDED[name])}"
            raise ValueError(f"{name} = {show(dataset)} is not allowed; allowed: {wanted}")


def _used(name: str, given: xr.Dataset) -> xr.Dataset:
    """The variables of an argument that are compared."""
    return given[[variable for variable in USED[name] if variable in given]]


def _check_points(speciation: xr.Dataset, other: xr.Dataset) -> None:
    try:
        xr.align(speciation, other, join="exact", copy=False)
    except ValueError as error:
        raise ValueError(f"the datasets to compare are not on the same points: {shortened(error)}") from error


def block_sizes(speciation: xr.Dataset, corrections: xr.Dataset | None = None) -> dict[str, int]:
    """Length along each axis of the sweep of a block of points, in which no variable has more than `BLOCK` numbers."""
    orders = 0 if corrections is None else corrections.sizes.get("order", 1)
    room = BLOCK // (max(speciation.sizes["criterion"], orders) * speciation.sizes.get("schedule", 1))
    lengths = {}
    for dim in reversed([str(dim) for dim in speciation.status.dims if dim != "criterion"]):
        lengths[dim] = max(1, min(room, speciation.sizes[dim]))
        room //= lengths[dim]
    return dict(reversed(lengths.items()))
