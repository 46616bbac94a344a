"""Limits of the size of a study, checked before anything is computed.

The limits are ours: far above the work of a job in a day, far below the size of a study with a typing error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from scoreshock import axes as written
from scoreshock.checks import listed
from scoreshock.quantities.declaration import Problems
from scoreshock.study.blocks import Sweep
from scoreshock.study.errors import Report
from scoreshock.study.vocabulary import vocabulary

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


def of_covariances(sweep: Sweep) -> Problems:
    """Problems of what is computed of isotropic mixtures only, where the components have other covariances."""
    if sweep.covariances == "isotropic":
        return
    known = [each.name for each in vocabulary().quantities if each.density == "mixture" and each.covariances]
    for place, name in enumerate(sweep.quantities):
        if not sweep.declaration(name).covariances:
            yield (
                ("quantities", place),
                f"{name!r} is not defined for {sweep.covariances} covariances; allowed: {listed(known)}, or one variance "
                "of all components",
            )
    taken = dict.fromkeys(option for name in sweep.quantities for option in sweep.declaration(name).options)
    for option in taken:
        unit = spec.get("unit") if isinstance(spec := sweep.options[option], Mapping) else None
        if unit == "layer" or (unit == "speciation" and sweep.covariances == "own"):
            allowed = "absolute" if unit == "speciation" else "absolute, separation"
            yield (option, "unit"), f"{unit!r} is not defined for {sweep.covariances} covariances; allowed: {allowed}"


def _within(report: Report, what: str, number: int, limit: int, unit: str) -> bool:
    """Whether a number is at most ``limit``; a problem is recorded otherwise."""
    if number > limit:
        advice = ": take fewer values, or split along more axes" if unit.endswith("block") else ""
        report.add(f"{what} has {_count(number)} {unit}; at most {_count(limit)} are allowed (our limit){advice}")
    return number <= limit


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**7 else f"{number:.3g}"
