"""Limits of the size of a study, checked before anything is computed.

The limits are ours: far above the work of a job in a day, far below the size of a study with a typing error.
"""

from __future__ import annotations

import math

from scoreshock import axes as written
from scoreshock.study.blocks import Sweep
from scoreshock.study.errors import Finder

POINTS_LIMIT = 10**9
GRID_LIMIT = 10**7
BLOCKS_LIMIT = 10**5
BYTES_LIMIT = 64 * 2**30
POINT_BYTES = 5000  # upper bound of the results of a point for each component, dimension and schedule
DRAW_LIMIT = 2 * 2**30
COMPONENTS_LIMIT = 4096


def countable(sweep: Sweep, find: Finder) -> bool:
    """Whether the numbers of blocks and points are within the limits; nothing is computed."""
    sizes = {axis: written.size(spec) for axis, spec in sweep.axes.items()} | {"schedule": len(sweep.schedules)}
    blocks = math.prod(sizes[axis] for axis in sweep.split)
    if blocks > BLOCKS_LIMIT:
        find.at("split").add(f"asks for {blocks:,} blocks; at most {BLOCKS_LIMIT:,} are allowed (our limit)")
        return False
    for name in {grid for quantity in sweep.quantities for grid in sweep.known(quantity).grids}:
        if (size := written.size(sweep.options[name])) > GRID_LIMIT:
            find.at(name).add(f"has {_count(size)} values; at most {_count(GRID_LIMIT)} are allowed (our limit)")
            return False
    densities = math.prod(sizes[axis] for axis in sweep.axes if axis not in sweep.split)
    for quantity in sweep.quantities:
        points = densities * sweep.grid(quantity)
        if points > POINTS_LIMIT:
            find.at("axes").add(
                f"{quantity} has {_count(points)} points in each of {blocks:,} blocks; at most {_count(POINTS_LIMIT)} a "
                "block are allowed (our limit): take fewer values, or split along more axes"
            )
            return False
    return True


def storable(sweep: Sweep, find: Finder) -> bool:
    """Whether the number of components and the size of a block are within the limits."""
    if sweep.components > COMPONENTS_LIMIT:
        find.at("parameters").add(
            f"the mixture has {sweep.components:,} components; at most {COMPONENTS_LIMIT:,} are allowed (our limit)"
        )
        return False
    densities = math.prod(written.size(spec) for spec in sweep.axes.values())
    most = POINT_BYTES * densities * (1 + len(sweep.schedules)) * sweep.components * sweep.features
    for quantity in sweep.quantities:
        if most * sweep.grid(quantity) <= BYTES_LIMIT:
            continue  # which need not be counted
        if (size := sweep.block_bytes(quantity)) > BYTES_LIMIT:
            find.at("axes").add(
                f"{quantity} fills {size / 2**30:,.0f} GiB in each block; at most {BYTES_LIMIT // 2**30} GiB a block are "
                "allowed (our limit): take fewer values, or split along more axes"
            )
            return False
    return True


def drawable(sweep: Sweep, find: Finder) -> bool:
    """Whether a random draw of all coordinates fits into memory."""
    ends = sweep.axes.get("dimension", {"values": [2]})
    largest, k = max(ends["values"]), sweep.parameters.get("components")
    size = 8 * largest * k if isinstance(k, int) else 0
    if size > DRAW_LIMIT:
        find.at("axes", "dimension").add(
            f"{largest:,} coordinates of {k} means fill {size / 2**30:,.0f} GiB; at most {DRAW_LIMIT // 2**30} GiB are "
            "allowed (our limit)"
        )
    return size <= DRAW_LIMIT


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**7 else f"{number:.3g}"
