"""What a study will cost before it runs: jobs, points, bytes on disk, memory of a chunk, expected time."""

from __future__ import annotations

from dataclasses import dataclass

from scoreshock.evaluation import POINTS_PER_CHUNK
from scoreshock.study.blocks import Sweep
from scoreshock.study.study import Study

# Seconds of one core, measured by us on an AVX-512 server; good to a factor of three elsewhere.
JOB_SECONDS = 3.0  # a job's start: most of it imports
MERGE_SECONDS = 3.0
COMPARISON_SECONDS = 4.0
FIGURES_SECONDS = 12.0
POINT_SECONDS = {  # a point of a mixture of k components, by module: constant + factor k^power
    "scores": (4e-7, 6e-8, 1),
    "speciation": (6e-5, 2.5e-7, 2),
    "corrections": (2e-5, 4e-7, 2),
    "amplification": (2e-5, 5e-7, 3),
    "layer": (5e-6, 3e-6, 2),
    "wells.scores": (4e-5, 0.0, 0),
    "wells.speciation": (6e-3, 0.0, 0),
}


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
    rows = [head, *(_row(cost) for cost in costs), _row(total)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [_aligned(row, widths) for row in rows]
    rule = "-" * len(lines[0])
    sweeps = study.sweeps.values()
    merges, comparisons = len(costs), sum("speciation" in sweep.quantities for sweep in sweeps)
    after = merges * MERGE_SECONDS + comparisons * COMPARISON_SECONDS + len(sweeps) * FIGURES_SECONDS
    jobs = total.jobs + merges + comparisons + len(sweeps)
    return "\n".join(
        [
            lines[0],
            rule,
            *lines[1:-1],
            rule,
            lines[-1],
            "",
            f"{jobs:,} jobs: {total.jobs:,} of blocks, {merges} of merging, {comparisons} of comparing, "
            f"{len(sweeps)} of drawing.",
            f"About {_time(total.seconds + after)} of one core (our timings, good to a factor of three).",
            "On disk: blocks and merged files before compression. Chunk: results of one chunk in memory.",
        ]
    )


def _cost(sweep: Sweep, quantity: str) -> Cost:
    block = next(sweep.iterate())
    points, size, jobs = block.points(quantity), block.bytes(quantity), sweep.n_blocks
    constant, factor, power = POINT_SECONDS[sweep.module(quantity)]
    return Cost(
        sweep=sweep.name,
        quantity=quantity,
        jobs=jobs,
        points=jobs * points,
        bytes=2 * jobs * size,
        chunk_bytes=size * min(points, POINTS_PER_CHUNK) // points,
        seconds=jobs * (JOB_SECONDS + points * (constant + factor * sweep.components**power)),
    )


def _amounts(cost: Cost) -> tuple[float, ...]:
    return cost.jobs, cost.points, cost.bytes, cost.chunk_bytes, cost.seconds


def _row(cost: Cost) -> tuple[str, ...]:
    chunk = _size(cost.chunk_bytes) if cost.quantity else ""
    amounts = (f"{cost.jobs:,}", f"{cost.points:,}", _size(cost.bytes), chunk, _time(cost.seconds))
    return (cost.sweep, cost.quantity, *amounts)


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
