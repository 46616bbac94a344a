"""Limits of the size of a study, checked before anything is computed.

The limits are ours: far above the work of a job in a day, far below the size of a study with a typing error.
"""

from __future__ import annotations

import math

from scoreshock import axes as written
from scoreshock.study.blocks import Sweep
from scoreshock.study.errors import Report

POINTS_LIMIT = 10**9
GRID_LIMIT = 10**7
BLOCKS_LIMIT = 10**5
BYTES_LIMIT = 64 * 2**30
POINT_BYTES = 5000  # upper bound of the results of a point for each component, dimension and schedule
DRAW_LIMIT = 2 * 2**30
COMPONENTS_LIMIT = 4096


def countable(sweep: Sweep, report: Report) -> bool:
    """Whether the numbers of blocks and points are within the limits; nothing is computed."""
    sizes = {axis: written.size(spec) for axis, spec in sweep.axes.items()} | {"schedule": len(sweep.schedules)}
    blocks = math.prod(sizes[axis] for axis in sweep.split)
    grids = {grid for quantity in sweep.quantities for grid in sweep.declaration(quantity).grids}
    densities = math.prod(sizes[axis] for axis in sweep.axes if axis not in sweep.split)
    points = {quantity: densities * sweep.grid(quantity) for quantity in sweep.quantities}
    return (
        _within(report.at("split"), "the study", blocks, BLOCKS_LIMIT, "blocks")
        and all(_within(report.at(name), name, written.size(sweep.options[name]), GRID_LIMIT, "values") for name in grids)
        and all(_within(report.at("axes"), name, n, POINTS_LIMIT, "points in each block") for name, n in points.items())
    )


def storable(sweep: Sweep, report: Report) -> bool:
    """Whether the number of components and the size of a block are within the limits."""
    if not _within(report.at("parameters"), "the mixture", sweep.components, COMPONENTS_LIMIT, "components"):
        return False
    densities = math.prod(written.size(spec) for spec in sweep.axes.values())
    most = POINT_BYTES * densities * (1 + len(sweep.schedules)) * sweep.components * sweep.features
    large = [name for name in sweep.quantities if most * sweep.grid(name) > BYTES_LIMIT]  # others need not be counted
    return all(
        _within(
            report.at("axes"), name, math.ceil(sweep.block_bytes(name) / 2**30), BYTES_LIMIT // 2**30, "GiB in each block"
        )
        for name in large
    )


def drawable(sweep: Sweep, report: Report) -> bool:
    """Whether a random draw of all coordinates fits into memory."""
    ends = sweep.axes.get("dimension", {"values": [2]})
    largest, k = max(ends["values"]), sweep.parameters.get("components")
    size = math.ceil(8 * largest * k / 2**30) if isinstance(k, int) else 0
    return _within(report.at("axes", "dimension"), f"a draw of {k} means", size, DRAW_LIMIT // 2**30, "GiB")


def _within(report: Report, what: str, number: int, limit: int, unit: str) -> bool:
    """Whether a number is at most ``limit``; a problem is recorded otherwise."""
    if number > limit:
        advice = ": take fewer values, or split along more axes" if unit.endswith("block") else ""
        report.add(f"{what} has {_count(number)} {unit}; at most {_count(limit)} are allowed (our limit){advice}")
    return number <= limit


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**7 else f"{number:.3g}"
