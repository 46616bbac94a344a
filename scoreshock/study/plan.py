"""What a study will cost before it runs: jobs, points, bytes on disk, memory of a chunk, expected time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from scoreshock.study import cost
from scoreshock.study.blocks import Sweep
from scoreshock.study.study import Study


@dataclass(frozen=True)
class Cost:
    """What one quantity of a sweep costs.

    Attributes
    ----------
    jobs, points
        Jobs, one a block, and points of all of them.
    bytes
        Bytes of blocks and merged file before compression.
    chunk_bytes
        Bytes of the results of one chunk in memory.
    seconds
        Expected time of all its jobs on one core.
    """

    sweep: str
    quantity: str
    jobs: int
    points: int
    bytes: int
    chunk_bytes: int
    seconds: float


def plan(study: Study) -> list[Cost]:
    """The cost of every quantity of every sweep, without computing anything.

    Examples
    --------
    >>> study = Study.from_mapping({"sweeps": {"line": {
    ...     "family": "pair", "axes": {"separation": {"start": 1.0, "stop": 2.0, "num": 1000}, "weight": [0.4, 0.5]},
    ...     "split": ["weight"], "quantities": ["speciation"]}}})
    >>> [(cost.jobs, cost.points) for cost in plan(study)]
    [(2, 2000)]
    """
    return [_cost(sweep, quantity) for sweep in study.sweeps.values() for quantity in sweep.quantities]


def table(study: Study) -> str:
    """The plan as an aligned table, with totals and what the limits of its numbers are."""
    costs = plan(study)
    head = ("sweep", "quantity", "jobs", "points", "on disk", "chunk", "time")
    total = Cost("total", "", *(sum(values) for values in zip(*map(_amounts, costs), strict=True)))  # type: ignore[arg-type]
    rows = [head, *(_row(each) for each in costs), _row(total)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [_aligned(row, widths) for row in rows]
    rule = "-" * len(lines[0])
    sweeps = study.sweeps.values()
    made = Counter(product for sweep in sweeps for product in sweep.products)
    after = sum(map(cost.sweep_seconds, sweeps))
    compared = sum(map(cost.comparison_bytes, sweeps))
    jobs = total.jobs + len(costs) + made.total()
    return "\n".join(
        [
            lines[0],
            rule,
            *lines[1:-1],
            rule,
            lines[-1],
            "",
            f"{jobs:,} jobs: {total.jobs:,} of blocks, {len(costs)} of merging, {made['comparison']} of comparing, "
            f"{made['figures']} of drawing.",
            f"About {_time(total.seconds + after)} of one core (our timings, good to a factor of three).",
            f"On disk: blocks and merged files before compression; comparisons add {_size(compared)}. "
            "Chunk: results of one chunk in memory.",
        ]
    )


def _cost(sweep: Sweep, quantity: str) -> Cost:
    block = next(sweep.iterate())
    points, size, jobs = block.points(quantity), block.bytes(quantity), sweep.n_blocks
    return Cost(
        sweep=sweep.name,
        quantity=quantity,
        jobs=jobs,
        points=jobs * points,
        bytes=jobs * size * (1 + sweep.is_joined(quantity)),
        chunk_bytes=cost.chunk_bytes(block, quantity),
        seconds=jobs * cost.block_seconds(block, quantity),
    )


def _amounts(of: Cost) -> tuple[float, ...]:
    return of.jobs, of.points, of.bytes, of.chunk_bytes, of.seconds


def _row(of: Cost) -> tuple[str, ...]:
    chunk = _size(of.chunk_bytes) if of.quantity else ""
    amounts = (f"{of.jobs:,}", f"{of.points:,}", _size(of.bytes), chunk, _time(of.seconds))
    return (of.sweep, of.quantity, *amounts)


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    names = [text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True)]
    amounts = [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join([*names, *amounts])


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
