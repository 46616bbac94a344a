"""What many blocks cost those who handle them all: Snakemake's graph, joining, the catalogue, opening, status.

Run ``python benchmarks/blocks.py [blocks ...] [--points 100]``. The blocks, one a value of a pair's weight, are made here
by what a job calls. Then each step runs in a process of its own, which tells its CPU seconds and its peak of memory, imports
included in both.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir, suppress
from multiprocessing import get_context
from pathlib import Path

import yaml
from memory import peak
from orchestration import ROOT, study

from scoreshock import jobs
from scoreshock.cli import main as scoreshock
from scoreshock.merging import list_blocks, merge
from scoreshock.results import open_results
from scoreshock.study import Study

QUANTITY = "speciation"


def prepare(points: int, blocks: int) -> None:
    """Write a study of ``points`` points in ``blocks`` blocks, and the blocks, as its run leaves them before joining."""
    Path("study.yaml").write_text(yaml.safe_dump(study(points, blocks), sort_keys=False))
    parsed = Study.from_file("study.yaml")
    jobs.record_plan(parsed)
    contents = {block.name: block.content(QUANTITY) for block in parsed.sweeps["pair"].blocks()}
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for _ in pool.map(_compute, contents, contents.values(), chunksize=50):
            pass


def _compute(name: str, content: dict) -> None:
    log, data = Path(f"results/pair/logs/{name}.{QUANTITY}.log"), Path(f"results/pair/blocks/{name}/{QUANTITY}.nc")
    for path in (log, data):
        path.parent.mkdir(parents=True, exist_ok=True)
    with jobs.logged(log):
        jobs.compute(content, str(data))


def graph(folder: str = "empty") -> None:
    """Build the workflow's graph of a run that has made nothing yet."""
    from snakemake.cli import main as snakemake

    with suppress(SystemExit):
        snakemake(["-n", "-s", str(ROOT / "Snakefile"), "-d", folder, "--configfile", "study.yaml", "--quiet", "all"])


def again() -> None:
    """Build the graph of a run that finds all blocks, without Snakemake's records of them, and has yet to join them."""
    graph(".")


def opened() -> None:
    """Open all blocks as one dataset, and read one value."""
    float(open_results("results", "pair", QUANTITY).tau_star[-1, 0, 0])


def status() -> None:
    """Print what is done and what is missing, without the flags of single blocks."""
    scoreshock(["status", "--configfile", "study.yaml"])


def _paths() -> list[Path]:
    blocks = Study.from_file("study.yaml").sweeps["pair"].blocks()
    return [Path(f"results/pair/blocks/{block.name}/{QUANTITY}.nc") for block in blocks]


def listed() -> None:
    """Check every value of every block, and write the catalogue."""
    list_blocks(_paths(), f"results/pair/{QUANTITY}.catalogue.nc", ["weight"])


def joined() -> None:
    """Check every value of every block, and write the joined file."""
    merge(_paths(), "joined.nc", ["weight"])


STEPS = {
    "graph": graph,
    "graph, all blocks there": again,
    "open, from the jobs' receipts": opened,
    "status": status,
    "catalogue": listed,
    "open, from the catalogue": opened,
    "join": joined,
}
"""In this order: the catalogue is there for the step after it."""


def measured(step: str, folder: Path) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak bytes of a step in a new process."""
    start = time.perf_counter()
    call = [sys.executable, __file__, "--step", step]
    output = subprocess.run(call, check=True, capture_output=True, text=True, cwd=folder).stdout
    cpu, most = map(float, output.splitlines()[-1].split())
    return cpu, time.perf_counter() - start, most


def main() -> None:
    """Print one line for each number of blocks and each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("blocks", nargs="*", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--points", type=int, default=100, help="points of a block")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        STEPS[given.step]()
        print(f"\n{time.process_time()} {peak()}")
        return
    print(f"{'blocks':>7} {'step':<30} {'CPU, s':>8} {'wall, s':>8} {'peak, MiB':>10}")
    for blocks in given.blocks:
        with tempfile.TemporaryDirectory() as name:
            start = time.perf_counter()
            with chdir(name):
                prepare(given.points * blocks, blocks)
            print(f"{blocks:7d} {'computed, two processes':<30} {'':8} {time.perf_counter() - start:8.1f}", flush=True)
            for step in STEPS:
                cpu, wall, most = measured(step, Path(name))
                print(f"{blocks:7d} {step:<30} {cpu:8.1f} {wall:8.1f} {most / 2**20:10.0f}", flush=True)


if __name__ == "__main__":
    main()
