"""Cost of a job, which the plan of a study prints and the workflow requests from a cluster.

Sizes are those of the template of the results. Seconds are of one core of an AVX-512 server: a measured rate of each
quantity (in its declaration), accurate to a factor of ten for many components; 0.018 to 0.058 s for a file of seven
quantities, and 0.007 to 0.016 s for joining one of their blocks. Requests have a margin, which increases with each attempt.
"""

from __future__ import annotations

import math

from scoreshock import axes as written
from scoreshock.study.blocks import Sweep
from scoreshock.study.evaluation import densities_per_chunk

JOB_SECONDS = 2.0  # start of a job, mostly imports
FILE_SECONDS = 0.03  # writing a file and reading it back, without computing its numbers; mean of the measured ones
JOINED_SECONDS = 0.01  # joining one block; mean of the measured ones
BYTES_PER_SECOND = 25e6  # compressed, written and read back
PRODUCT_SECONDS = {"comparison": 0.5, "figures": 3.0}  # for a sweep of few points
COMPARED_SECONDS = 5e-6  # comparing one point
SECTION_SECONDS = 10.0  # the longest section of the paper

MEBIBYTE = 2**20
BASE_MEMORY = 1000  # MiB of a job without data: measured 150 to 400, and two processes of Snakemake with 180 each
CHUNKS_HELD = 12  # chunks in memory for each thread: results that wait to be written, and temporary arrays of a kernel
DENSITY_COPIES = 6  # copies of means and weights while they are computed and chunked; measured 2.0 to 5.6
MATRICES_HELD = 2  # n x n matrices in memory for each thread, component and point

ROOM = 5  # requested time over expected time, for slower cores and busy nodes
START_MINUTES = 2  # start of a job on a node: two starts of Snakemake from a shared file system
THREAD_SECONDS = 1800  # work for each thread of a block
THREADS_LIMIT = 8


def block_seconds(sweep: Sweep, quantity: str) -> float:
    """Expected seconds of one core for a quantity of one block, without the start of the job.

    Examples
    --------
    >>> from scoreshock.study.study import Study
    >>> line = {"start": 1.0, "stop": 2.0, "num": 1000000}
    >>> study = Study.from_mapping({"sweeps": {"line": {
    ...     "family": "pair", "axes": {"separation": line}, "quantities": ["speciation"]}}})
    >>> round(block_seconds(study.sweeps["line"], "speciation"), 1)
    4.0
    """
    declared = sweep.declaration(quantity)
    pair, more = (declared.covariances or declared.seconds) if sweep.covariances != "isotropic" else declared.seconds
    k, n = sweep.components, sweep.features
    rate = pair if k <= 2 else pair + more * k * n
    return FILE_SECONDS + rate * sweep.points(quantity) / sweep.n_blocks(quantity)


def join_seconds(sweep: Sweep, quantity: str) -> float:
    """Expected seconds of one core for joining the blocks of a quantity."""
    return FILE_SECONDS + sweep.n_blocks(quantity) * JOINED_SECONDS + sweep.bytes(quantity) / BYTES_PER_SECOND


def product_seconds(sweep: Sweep, product: str) -> float:
    """Expected seconds of one core for the comparison or the figures of a sweep."""
    read = sum(map(sweep.bytes, sweep.inputs_of(product))) / (4 * BYTES_PER_SECOND)
    compared = COMPARED_SECONDS * sweep.points("speciation") if product == "comparison" else 0.0
    return PRODUCT_SECONDS[product] + read + compared


def chunk_bytes(sweep: Sweep, quantity: str) -> int:
    """Bytes of the results of one chunk."""
    densities = math.prod(written.size(spec) for name, spec in sweep.axes.items() if name not in sweep.split_of(quantity))
    chunk = densities_per_chunk(sweep.content(quantity), sweep.components)
    return sweep.block_bytes(quantity) * min(chunk, densities) // densities


def block_memory(sweep: Sweep, quantity: str, threads: int = 1) -> int:
    """MiB that a job needs for a quantity of a block: that of chunks of its results, and of all its means and weights."""
    split = sweep.split_of(quantity)
    sizes = {axis: written.size(spec) for axis, spec in sweep.axes.items() if axis not in split}
    density = sum(each * math.prod(sizes.get(axis, 1) for axis in dims) for dims, each in sweep.density_bytes.items())
    points = min(densities_per_chunk(sweep.content(quantity), sweep.components), math.prod(sizes.values()))
    matrices = 8 * points * sweep.grid(quantity) * sweep.components * sweep.features**2
    held = CHUNKS_HELD * chunk_bytes(sweep, quantity) + MATRICES_HELD * matrices
    return BASE_MEMORY + math.ceil((threads * held + DENSITY_COPIES * density) / MEBIBYTE)


def threads(seconds: float) -> int:
    """Threads that a job gets: one for each half an hour of work, so that a large block does not hold up the rest."""
    return min(THREADS_LIMIT, max(1, math.ceil(seconds / THREAD_SECONDS)))


def minutes(seconds: float, threads: int = 1, attempt: int = 1) -> int:
    """Minutes to ask of a cluster for work of so many seconds, at the first attempt or a further one.

    Examples
    --------
    >>> minutes(7.0), minutes(600.0), minutes(600.0, attempt=2)
    (3, 52, 104)
    """
    return attempt * math.ceil(START_MINUTES + ROOM * seconds / threads / 60)
