"""What a study will cost before it runs: jobs, points, bytes on disk, memory of a chunk, expected time."""

from __future__ import annotations

from dataclasses import dataclass

from scoreshock.study import cost, work
from scoreshock.study.blocks import Sweep
from scoreshock.study.study import Study


@dataclass(frozen=True)
class Cost:
    """What one quantity of a sweep costs.

    Attributes
    ----------
    blocks, points
        Number of its blocks, and points of all of them.
    bytes
        Bytes of blocks and joined file before compression.
    chunk_bytes
        Bytes of the results of one chunk in memory.
    seconds
        Expected time on one core.
    """

    sweep: str
    quantity: str
    blocks: int
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
    >>> [(cost.blocks, cost.points) for cost in plan(study)]
    [(2, 2000)]
    """
    return [_cost(sweep, quantity) for sweep in study.sweeps.values() for quantity in sweep.quantities]


def table(study: Study) -> str:
    """The plan as an aligned table, with totals and what the limits of its numbers are."""
    costs = plan(study)
    head = ("sweep", "quantity", "blocks", "points", "on disk", "chunk", "time")
    total = Cost("total", "", *(sum(values) for values in zip(*map(_amounts, costs), strict=True)))  # type: ignore[arg-type]
    rows = [head, *(_row(each) for each in costs), _row(total)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [_aligned(row, widths) for row in rows]
    rule = "-" * len(lines[0])
    jobs, seconds = work.amount(study)
    return "\n".join(
        [
            lines[0],
            rule,
            *lines[1:-1],
            rule,
            lines[-1],
            "",
            f"{jobs:,} job{'' if jobs == 1 else 's'}, with joining, comparing and drawing.",
            f"About {_time(seconds)} of one core (our timings, good to a factor of three, of many components to ten).",
            "On disk: blocks and joined files before compression. Chunk: results of one chunk in memory.",
        ]
    )


def _cost(sweep: Sweep, quantity: str) -> Cost:
    blocks, size = sweep.n_blocks(quantity), sweep.bytes(quantity)
    is_twice = bool(sweep.split_of(quantity)) and sweep.is_joined(quantity)
    return Cost(
        sweep=sweep.name,
        quantity=quantity,
        blocks=blocks,
        points=sweep.points(quantity),
        bytes=size * (1 + is_twice),
        chunk_bytes=cost.chunk_bytes(sweep, quantity),
        seconds=blocks * cost.block_seconds(sweep, quantity),
    )


def _amounts(of: Cost) -> tuple[float, ...]:
    return of.blocks, of.points, of.bytes, of.chunk_bytes, of.seconds


def _row(of: Cost) -> tuple[str, ...]:
    chunk = _size(of.chunk_bytes) if of.quantity else ""
    amounts = (f"{of.blocks:,}", f"{of.points:,}", _size(of.bytes), chunk, _time(of.seconds))
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
