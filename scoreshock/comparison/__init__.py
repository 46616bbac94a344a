"""Comparison of criteria over a sweep: window and trusted criterion of each point, and a summary of the differences."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import xarray as xr

from scoreshock.checks import shortened, show
from scoreshock.comparison import summaries
from scoreshock.comparison.summaries import Block
from scoreshock.comparison.tables import sentence, table
from scoreshock.comparison.trust import trust
from scoreshock.comparison.variables import DECLARED, attributes
from scoreshock.comparison.windows import window

if TYPE_CHECKING:
    import dask.array as da
    from dask.delayed import Delayed

__all__ = ["block_sizes", "compare", "sentence", "table"]

NEEDED = {
    "speciation": ("tau_star", "status", "criterion"),
    "corrections": ("error", "error_relative", "error_status", "order"),
    "mixture": ("component_mean", "component_weight", "component_variance"),
    "samples": ("sample_time", "sample_tau", "n_samples", "schedule"),
    "order_clock": ("time_status", "sampling_step"),
}
"""Variables that each argument must have."""

OPTIONAL = ("n_roots", "root_eigenmode", "eigenvalue", "time", "time_status", "sampling_step", "within_class_anisotropy")
"""Further variables that are read where an argument has them."""

BLOCK = 2**19
"""Maximum size of a variable in one block of points (4 MB)."""


def compare(
    speciation: xr.Dataset,
    corrections: xr.Dataset | None = None,
    mixture: xr.Dataset | None = None,
    samples: xr.Dataset | None = None,
    order_clock: xr.Dataset | None = None,
) -> xr.Dataset:
    r"""Compare the speciation criteria over a sweep: their window, the criterion to trust, and their differences.

    .. math:: \Delta_{cr} = \tau^*_c - \tau^*_r, \qquad
              \Delta^{\rm rel}_{cr} = 2\Delta_{cr} / v^*_r, \qquad v^*_r = \sigma_0^2 + 2\tau^*_r

    for each criterion c and reference criterion r; positive where c comes later in the forward process, that is, earlier in
    generation. Windows and trusted criteria are stored for each point, differences as statistics over the points at which
    both criteria are ``ok``.

    Parameters
    ----------
    speciation
        Result of ``speciation``: ``tau_star, status (..., criterion)``; with schedules also ``time, time_status,
        sampling_step (..., criterion, schedule)``.
    corrections
        Result of ``corrections`` at the same points.
    mixture
        Mixture (or sweep of mixtures) of these results; needed for relative differences and the trusted criterion.
    samples
        Sampling times of the schedules, from ``quantities.samples.schedule_samples``; needed for the window's fractions.
    order_clock
        ``schedule_time(corrections.tau_order, schedules)``: the times of the orders in each schedule.

    Returns
    -------
    Dataset
        For each point: ``window_width, window_status, window_start_criterion, window_end_criterion``, with ``samples`` also
        ``window_fraction_range, window_fraction_steps, window_steps, window_fraction_status (..., schedule)``, with a
        ``mixture`` also ``trusted_criterion, trusted_status, trust_reason, trust_conditions``.

        For the sweep: numbers of points (``*_count``) by outcome, rule or condition, and ``*_summary (..., statistic)`` with
        minimum, median and maximum: ``tau_star`` and ``status`` of each criterion; ``difference, difference_relative,
        difference_step`` of each ``(criterion, reference_criterion)``; ``error, error_relative, error_step`` of each order;
        the windows. ``difference_largest, error_largest (..., axis)`` are the indices of the first point with the largest
        absolute value. Differences between ``exact`` and ``leading, first, quadratic`` count as ``not_applicable`` where
        the exact root lies on the branch of another eigenvalue.

        All values are bitwise identical for any chunks. Results of more than one block of points are lazy; computing all
        variables together reads each point once.

    Raises
    ------
    ValueError
        If an argument lacks variables or has other points than ``speciation``, or ``samples`` lacks a schedule.

    References
    ----------
    arXiv:2604.07404, section 9: (77), (92), (93), (94), Corollary 9.3; (42)-(43) for ``boundary``.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.comparison import compare
    >>> pair = ss.families.pair(separation=2.0, variance=0.25, weight=0.7)
    >>> comparison = compare(ss.speciation(pair), mixture=pair)
    >>> gap = comparison.difference_summary.sel(criterion="merging", reference_criterion="boundary")
    >>> round(float(gap.sel(statistic="median")), 3)
    -0.914
    """
    others = {"corrections": corrections, "mixture": mixture, "order_clock": order_clock, "samples": samples}
    present = {name: other for name, other in others.items() if other is not None}
    _check_results({"speciation": speciation} | present)
    present.pop("samples", None)
    results = {"speciation": _used("speciation", speciation)} | {name: _used(name, each) for name, each in present.items()}
    for name in present:
        _check_points(results["speciation"], results[name])
    lengths = block_sizes(speciation, corrections)
    sizes = {dim: speciation.sizes[dim] for dim in lengths}
    compared = partial(_compared, results, samples, sizes)
    finish = partial(
        summaries.variables, dims=sizes, n=speciation.sizes["criterion"], schedules=speciation.sizes.get("schedule", 0)
    )
    starts = list(itertools.product(*(range(0, sizes[dim], length) for dim, length in lengths.items())))
    if len(starts) == 1:
        stored, total = compared(starts[0], lengths)
        return _described(stored.data_vars, finish(total), speciation)
    # Without traverse=False Dask would split a lazy block into many tasks; here one task computes it.
    blocks = {start: dask.delayed(compared, pure=False, traverse=False)(start, lengths) for start in starts}
    stored, total = compared(starts[0], dict.fromkeys(lengths, 1))
    return _described(_assembled(blocks, stored, lengths, sizes), _total(blocks, finish, finish(total)), speciation)


def _compared(
    results: Mapping[str, xr.Dataset],
    samples: xr.Dataset | None,
    sizes: Mapping[str, int],
    start: tuple[int, ...],
    lengths: Mapping[str, int],
) -> tuple[xr.Dataset, dict[str, Any]]:
    """Variables stored for each point of the block at the indices ``start``, and the summary of the block."""
    first = dict(zip(sizes, start, strict=True))
    block_of = {dim: slice(index, index + lengths[dim]) for dim, index in first.items()}
    loaded = {}
    for name, result in results.items():
        part = result.isel(block_of, missing_dims="ignore").load(scheduler="synchronous")
        # The points agree already; without their coordinates xarray does not compare them in each operation.
        loaded[name] = part.drop_vars(set(part.coords) - {"criterion", "schedule"})
    speciation, mixture = loaded["speciation"], loaded.get("mixture")
    stored = window(speciation, samples)
    if mixture is not None:
        stored = stored.merge(trust(speciation, mixture), join="exact", compat="override", combine_attrs="override")
    # Variables are repeated along the axes that the density lacks.
    points = speciation.status.isel(criterion=0, drop=True)
    stored = stored.map(lambda array: array.broadcast_like(points), keep_attrs=True).transpose(*first, ...)
    block = Block({dim: points.sizes[dim] for dim in first})
    summary = summaries.of_criteria(block, speciation, mixture)
    if "corrections" in loaded:
        summary |= summaries.of_orders(block, speciation, loaded["corrections"], loaded.get("order_clock"))
    summary |= summaries.of_points(block, speciation, stored)
    for name in {"difference", "error"} & set(summary):
        summary[name] = replace(summary[name], at=block.indices(summary[name].at, first, sizes))
    return stored, summary


def _sum(summary: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: value + other[name] for name, value in summary.items()}


def _total(
    blocks: Mapping[Any, Delayed], finish: Callable[..., dict[str, np.ndarray]], single: Mapping[str, np.ndarray]
) -> dict[str, da.Array]:
    """Lazy variables of the summary over all blocks; ``single``, of one point, has the same shapes and types."""
    import dask.array as da  # its import takes as long as the comparison of a small sweep

    total: Any = None
    for block in blocks.values():
        total = block[1] if total is None else dask.delayed(_sum)(total, block[1])  # type: ignore[index]
    stored = dask.delayed(finish)(total)
    return {name: da.from_delayed(stored[name], value.shape, value.dtype) for name, value in single.items()}


def _assembled(
    blocks: Mapping[tuple[int, ...], Delayed], single: xr.Dataset, lengths: Mapping[str, int], sizes: Mapping[str, int]
) -> dict[str, xr.Variable]:
    """Lazy variables of all points, one chunk a block; ``single`` holds those of one point."""
    import dask.array as da
    from dask.highlevelgraph import HighLevelGraph

    variables, token = {}, dask.base.tokenize([block.key for block in blocks.values()])
    steps = [[*range(0, size, lengths[dim]), size] for dim, size in sizes.items()]
    for name, array in single.data_vars.items():
        inner = array.shape[len(lengths) :]
        graph: dict[Any, Any] = {}
        for start, block in blocks.items():
            index = [first // length for first, length in zip(start, lengths.values(), strict=True)]
            graph[(f"{name}-{token}", *index, *[0] * len(inner))] = (_values, block.key, name)
        layer = HighLevelGraph.from_collections(f"{name}-{token}", graph, dependencies=[*blocks.values()])  # type: ignore[list-item]
        chunks = (*(tuple(np.diff(edges).tolist()) for edges in steps), *((size,) for size in inner))
        data = da.Array(layer, f"{name}-{token}", chunks, dtype=array.dtype)
        variables[str(name)] = xr.Variable(array.dims, data, array.attrs)
    return variables


def _values(compared: tuple[xr.Dataset, dict[str, Any]], name: str) -> np.ndarray:
    return compared[0][name].values


def _described(
    points: Mapping[Any, Any], summary: Mapping[str, np.ndarray | da.Array], speciation: xr.Dataset
) -> xr.Dataset:
    """One dataset of the variables of the points and of the summary, with the coordinates of ``speciation``."""
    axes = [str(dim) for dim in speciation.status.dims if dim != "criterion"]
    kept = {"criterion", "schedule", *axes}
    labels = {name: each.variable for name, each in speciation.coords.items() if set(each.dims) <= kept}
    reference = xr.Variable("reference_criterion", speciation.criterion.values, attributes("reference_criterion"))
    described = {name: xr.Variable(DECLARED[name].dims, values, attributes(name)) for name, values in summary.items()}
    used = {dim for variable in described.values() for dim in variable.dims}
    coords = labels | {"reference_criterion": reference} | summaries.coordinates(axes, used)
    return xr.Dataset(dict(points) | described, coords)


def _check_results(arguments: Mapping[str, Any]) -> None:
    """Check that each argument is a Dataset with the variables `NEEDED`."""
    for name, dataset in arguments.items():
        if not isinstance(dataset, xr.Dataset) or not set(NEEDED[name]) <= set(dataset.variables):
            wanted = f"a Dataset with {', '.join(NEEDED[name])}"
            raise ValueError(f"{name} = {show(dataset)} is not allowed; allowed: {wanted}")


def _used(name: str, dataset: xr.Dataset) -> xr.Dataset:
    """The variables of an argument that are read."""
    return dataset[[variable for variable in (*NEEDED[name], *OPTIONAL) if variable in dataset.data_vars]]


def _check_points(speciation: xr.Dataset, other: xr.Dataset) -> None:
    try:
        xr.align(speciation, other, join="exact", copy=False)
    except ValueError as error:
        raise ValueError(f"the datasets to compare are not on the same points: {shortened(error)}") from error


def block_sizes(speciation: xr.Dataset, corrections: xr.Dataset | None = None) -> dict[str, int]:
    """Lengths along the sweep axes of a block of points in which no variable exceeds `BLOCK` numbers."""
    orders = 0 if corrections is None else corrections.sizes.get("order", 1)
    room = BLOCK // (max(speciation.sizes["criterion"], orders) * speciation.sizes.get("schedule", 1))
    lengths = {}
    for dim in reversed([str(dim) for dim in speciation.status.dims if dim != "criterion"]):
        lengths[dim] = max(1, min(room, speciation.sizes[dim]))
        room //= lengths[dim]
    return dict(reversed(lengths.items()))
