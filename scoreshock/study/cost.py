"""What a job costs, from the size of its block: the plan of a study prints it, and the workflow asks a cluster for it.

One model for both. Seconds are those of one core of an AVX-512 server, measured by us and good to a factor of three
elsewhere; what is asked of a cluster has room for that, and more at each further attempt.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import NamedTuple

from scoreshock import axes as written
from scoreshock.evaluation import densities_per_chunk
from scoreshock.study.blocks import Block, Sweep
from scoreshock.study.quantities import Quantity, lengths

JOB_SECONDS = 3.0  # a job's start: most of it imports
MERGE_SECONDS = 3.0
HEADER_SECONDS = 0.026  # of merging, a block: its header, and checksums of all variables
PRODUCT_SECONDS = {"comparison": 4.0, "figures": 12.0}  # of a sweep of few points
SECTION_SECONDS = 10.0  # the longest of the paper's sections
BYTES_PER_SECOND = 25e6  # that are compressed, written and read back: most of merging
COMPARED_PER_SECOND = 40e6  # bytes of a comparison, computed and written; measured 31e6 to 69e6
READ_SECONDS = 1e-7  # of the comparison's page, a point: for each criterion it reads all pairs; measured 0.85e-7


class Law(NamedTuple):
    """Seconds of one point of k components whose means span n dimensions: ``constant + factor k^p n^q``."""

    constant: float
    factor: float = 0.0
    p: int = 0
    q: int = 0

    def __call__(self, k: int, n: int) -> float:
        return self.constant + self.factor * k**self.p * n**self.q


POINT_SECONDS: dict[str, tuple[Law, Law, Law]] = {  # by module: of a pair, of more components on a line, of more in space
    "scores": (Law(1.6e-7), Law(5e-8, 4.2e-8, 1), Law(1e-7, 1.2e-8, 1, 1)),
    "speciation": (Law(4e-6), Law(4e-5, 1e-6, 3), Law(5e-6, 5e-8, 1, 2)),
    "corrections": (Law(2e-6), Law(1e-6, 7e-7, 1), Law(5e-6, 3.5e-7, 1, 2)),
    "amplification": (Law(8e-7), Law(8e-6, 1e-6, 1), Law(1e-5, 2.2e-7, 1, 2)),
    "boundary_amplification": (Law(1e-7), Law(3e-4, 3e-4, 1), Law(3e-4, 3e-4, 1)),
    "layer": (Law(2.2e-6), Law(2e-6, 1e-6, 1), Law(3e-6, 3.6e-7, 1, 1)),
    "burgers": (Law(2.2e-5), Law(2e-5, 6e-6, 1), Law(2e-5, 2.6e-6, 1, 1)),
    "trajectories": (Law(1.4e-4), Law(1e-4, 5e-5, 1), Law(2e-4, 4e-5, 1, 1)),
    "divergence": (Law(4e-3), Law(2e-3, 5e-4, 2), Law(1e-6)),
    "regions": (Law(1.6e-5), Law(0.0, 8e-6, 1), Law(1e-6)),
    "modes": (Law(6e-5), Law(8e-5, 3.7e-6, 3), Law(2e-4, 7.5e-6, 2, 1)),
    "cascade": (Law(2.5e-5), Law(0.0, 1.1e-5, 1), Law(2.5e-4, 3.5e-6, 1, 1)),
    "neighbours": (Law(1.5e-4), Law(1.2e-4, 1.5e-5, 2), Law(1e-6)),
    "wells.scores": (Law(4e-5),) * 3,
    "wells.speciation": (Law(6e-3),) * 3,
    "wells.layer": (Law(3.2e-4),) * 3,
}
UNMEASURED = (Law(1e-4),) * 3

COMPARISON = Quantity(
    (), {"": 70, "criterion": 9, "schedule": 21, "criterion criterion": 25, "criterion criterion schedule": 17}
)
"""What the comparison holds of one point: each criterion against each, in each schedule."""
COMPARISON_OF_ORDERS = Quantity((), {"": 8, "order": 17, "order schedule": 17})
"""What it holds besides where there are corrections."""

MEBIBYTE = 2**20
LIBRARIES = 800  # MiB of a job that holds nothing else: measured 150 to 350, and two Snakemakes of 180 that wait for it
HEADER_BYTES = 30_000  # of a block's header while blocks are joined and listed; measured 12,000 to 20,000
BASE_MEMORY = 1200  # MiB, with the two Snakemakes, of a job that goes through files chunk by chunk, or draws
COMPARED_HELD = 0.15  # of a comparison's bytes: the graph, and columns of its page; measured 0.07 to 0.09
CHUNKS_HELD = 12  # of each thread: results that wait to be written, and what a kernel needs beside its results
DENSITY_COPIES = 6  # of means and weights while they are made and chunked; measured 2.0 to 5.6
MATRICES_HELD = 2  # of each thread: an n x n matrix for every component of every point

ROOM = 5  # times the expected time is asked for: other cores, busy nodes
START_MINUTES = 2  # of a job on a node: two starts of Snakemake from a file system that others use
THREAD_SECONDS = 1800  # of work for each thread that a block gets
THREADS_LIMIT = 8

LEAST_SECONDS = 60  # of work in a job of a cluster: shorter jobs are grouped
SWEEP_SECONDS = 600  # of all that is made of a sweep: up to that it is one job, above each part is one of its own
CLASSES = (3, 6, 12, 24, 48)  # seconds; a group holds jobs of one class, the shortest being a job's start


def block_seconds(block: Block, quantity: str) -> float:
    """Expected seconds of one core for a quantity of a block.

    Examples
    --------
    >>> from scoreshock.study import Study
    >>> line = {"start": 1.0, "stop": 2.0, "num": 1000000}
    >>> study = Study.from_mapping({"sweeps": {"line": {
    ...     "family": "pair", "axes": {"separation": line}, "quantities": ["speciation"]}}})
    >>> block_seconds(study.sweeps["line"].blocks()[0], "speciation")
    7.0
    """
    sweep, k = block.sweep, block.sweep.components
    laws = POINT_SECONDS.get(sweep.module(quantity), UNMEASURED)
    law = laws[0 if k <= 2 else 1 if sweep.features == 1 else 2]
    return JOB_SECONDS + block.points(quantity) * law(k, sweep.features)


def sweep_seconds(sweep: Sweep) -> float:
    """Expected seconds of one core for what is made of a sweep's blocks: merged files, comparison and figures."""
    merged = sum(merge_seconds(sweep, quantity) for quantity in sweep.quantities)
    return merged + sum(product_seconds(sweep, product) for product in sweep.products)


def merge_seconds(sweep: Sweep, quantity: str) -> float:
    """Expected seconds of one core for joining the blocks of a quantity, or for listing them."""
    size = sweep.n_blocks * next(sweep.iterate()).bytes(quantity)
    written = size / BYTES_PER_SECOND if sweep.is_joined(quantity) else 0.0
    return MERGE_SECONDS + sweep.n_blocks * HEADER_SECONDS + written


def product_seconds(sweep: Sweep, product: str) -> float:
    """Expected seconds of one core for the comparison or the figures of a sweep."""
    if product != "comparison":
        return PRODUCT_SECONDS[product]
    criteria, labels = len(sweep.options["criteria"]), len(sweep.schedules)
    page = READ_SECONDS * (criteria**3 + (criteria * labels) ** 2) * densities(sweep)
    return PRODUCT_SECONDS[product] + comparison_bytes(sweep) / COMPARED_PER_SECOND + page


def densities(sweep: Sweep) -> int:
    """Points of a sweep at which criteria are compared."""
    return math.prod(written.size(spec) for spec in sweep.axes.values())


def comparison_bytes(sweep: Sweep) -> int:
    """Bytes of a sweep's comparison before compression: of seven criteria without a schedule, 1.4 kB a point."""
    if "comparison" not in sweep.products:
        return 0
    known = lengths(sweep, len(sweep.schedules))
    orders = COMPARISON_OF_ORDERS.size(known) if "corrections" in sweep.quantities else 0
    return densities(sweep) * (COMPARISON.size(known) + orders)


def sweep_memory(sweep: Sweep, product: str | None = None) -> int:
    """MiB that a job needs for merging, or for a product of a sweep.

    Chunks, and the header of every block; for the comparison all means and weights, and a share of what it finds.
    """
    compared = COMPARED_HELD * comparison_bytes(sweep) + DENSITY_COPIES * density_bytes(sweep)
    held = compared if product == "comparison" else 0
    return BASE_MEMORY + math.ceil((sweep.n_blocks * HEADER_BYTES + held) / MEBIBYTE)


def chunk_bytes(block: Block, quantity: str) -> int:
    """Bytes of the results of one chunk."""
    return block.bytes(quantity) * chunk_densities(block, quantity) // block.densities


def chunk_densities(block: Block, quantity: str) -> int:
    """Densities of one chunk, each with all of its grid."""
    return min(block.densities, densities_per_chunk(block.content(quantity), block.sweep.components))


def density_bytes(sweep: Sweep, fixed: Collection[str] = ()) -> int:
    """Bytes of a sweep's densities, each variable over the axes that it depends on but the ``fixed`` ones."""
    return sum(
        each * math.prod(written.size(sweep.axes[axis]) for axis in dims if axis not in fixed)
        for dims, each in sweep.held.items()
    )


def block_memory(block: Block, quantity: str, threads: int = 1) -> int:
    """MiB that a job needs for a quantity of a block: that of chunks of its results, and of all its means and weights."""
    points = chunk_densities(block, quantity) * block.points(quantity) // block.densities
    matrices = 8 * points * block.sweep.components * block.sweep.features**2
    held = CHUNKS_HELD * chunk_bytes(block, quantity) + MATRICES_HELD * matrices
    return LIBRARIES + math.ceil((threads * held + DENSITY_COPIES * density_bytes(block.sweep, block.values)) / MEBIBYTE)


def threads(seconds: float) -> int:
    """Threads that a job gets: one for each half an hour of work, so that a large block does not hold up the rest."""
    return min(THREADS_LIMIT, max(1, math.ceil(seconds / THREAD_SECONDS)))


def minutes(seconds: float, threads: int = 1, attempt: int = 1, members: int = 1) -> int:
    """Minutes to ask of a cluster for work of so many seconds, at the first attempt or a further one.

    Where ``members`` jobs are one of the cluster, which asks for the sum, each has its share of the start; one minute is the
    least that a job can ask for.

    Examples
    --------
    >>> minutes(7.0), minutes(600.0), minutes(600.0, attempt=2)
    (3, 52, 104)
    >>> 20 * minutes(3.5, members=20)
    20
    """
    return attempt * math.ceil(START_MINUTES / members + ROOM * seconds / threads / 60)


def group_class(seconds: float) -> int | None:
    """The class of jobs of so many seconds, or None where one of them is enough for a job of a cluster.

    Examples
    --------
    >>> [group_class(seconds) for seconds in (3.5, 7.0, 59.0, 60.0)]
    [3, 6, 48, None]
    """
    if seconds >= LEAST_SECONDS:
        return None
    return max((least for least in CLASSES if least <= seconds), default=CLASSES[0])


def sweep_class(seconds: float) -> int | None:
    """The class of what is made of a sweep in so many seconds, or None where each part of it is a job of its own.

    Examples
    --------
    >>> [sweep_class(seconds) for seconds in (15.0, 60.0, 599.0, 600.0)]
    [12, 60, 60, None]
    """
    return LEAST_SECONDS if LEAST_SECONDS <= seconds < SWEEP_SECONDS else group_class(seconds)


def group_components() -> dict[int, int]:
    """How many jobs of each class make a cluster's job of about one to two and a half minutes.

    Examples
    --------
    >>> group_components()
    {3: 20, 6: 10, 12: 5, 24: 3, 48: 2}
    """
    return {least: math.ceil(LEAST_SECONDS / least) for least in CLASSES}
