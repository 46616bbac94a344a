"""Cost of a study before it runs: jobs, points, bytes on disk, memory of a chunk, expected time."""

from __future__ import annotations

from dataclasses import dataclass

from scoreshock.checks import aligned, duration, number_of
from scoreshock.study import cost, work
from scoreshock.study.blocks import Sweep
from scoreshock.study.study import Study


@dataclass(frozen=True)
class Cost:
    """Cost of one quantity of a sweep.

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
    """Cost of every quantity of every sweep, without computing anything.

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
    """The plan as an aligned table, with totals and the accuracy of its numbers."""
    costs = plan(study)
    head = ("sweep", "quantity", "blocks", "points", "on disk", "chunk", "time")
    totals = [sum(getattr(each, name) for each in costs) for name in ("blocks", "points", "bytes", "chunk_bytes", "seconds")]
    return f"""{aligned(head, [*map(_row, costs), _row(Cost("total", "", *totals))], left=(0, 1))}

{estimate(*work.amount(study))}: with joining, comparing, drawing and the start of each job.
Our timings, good to a factor of three, of many components to ten. Time in the table: of the numbers alone.
On disk: blocks and joined files before compression. Chunk: results of one chunk in memory."""


def estimate(jobs: int, seconds: float) -> str:
    """Number and expected time of jobs in words, as the plan and the start of a run say it.

    Examples
    --------
    >>> estimate(4, 7.61)
    '4 jobs, about 7.6 s of one core'
    """
    return f"{number_of(jobs, 'job')}, about {duration(seconds)} of one core"


def _cost(sweep: Sweep, quantity: str) -> Cost:
    blocks, points, size = sweep.n_blocks(quantity), sweep.points(quantity), sweep.bytes(quantity)
    copies = 2 if sweep.split_of(quantity) and sweep.is_joined(quantity) else 1
    chunk, seconds = cost.chunk_bytes(sweep, quantity), blocks * cost.block_seconds(sweep, quantity)
    return Cost(sweep.name, quantity, blocks, points, copies * size, chunk, seconds)


def _row(of: Cost) -> tuple[str, ...]:
    chunk = _size(of.chunk_bytes) if of.quantity else ""
    return (of.sweep, of.quantity, f"{of.blocks:,}", f"{of.points:,}", _size(of.bytes), chunk, duration(of.seconds))


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"
