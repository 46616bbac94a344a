"""What Snakemake, processes, files and joining cost a sweep, over the time of its kernels alone.

Run ``python benchmarks/orchestration.py [--points 1e3 1e5 1e7] [--blocks 1 10 100 1000] [--cores 2]``. Each cell is one
run of the workflow, in a folder of its own, to the joined file of a pair's ``speciation``: so many points in so many blocks.
The kernels' time is that of the same points in one process, chunk by chunk, with nothing labelled and nothing written.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from sweep import bare, calls_of
from threadpoolctl import threadpool_limits

from scoreshock.study import Study

ROOT = Path(__file__).parents[1]
SAMPLE = 1_000_000
"""Points on which the kernels are timed; they are linear in the number of points."""


def study(points: int, blocks: int) -> dict:
    """A pair's speciation at ``points`` points in ``blocks`` blocks, one for each weight."""
    separation = {"start": 0.5, "stop": 8.0, "num": points // blocks} if points > blocks else 2.0
    weight = {"start": 0.55, "stop": 0.95, "num": blocks} if blocks > 1 else 0.55
    return {
        "output": "results",
        "sweeps": {
            "pair": {
                "family": "pair",
                "axes": {"weight": weight, "separation": separation},
                "split": ["weight"],
                "quantities": ["speciation"],
            }
        },
    }


def kernel_seconds(points: int) -> float:
    """CPU seconds of the kernels alone for so many points."""
    sweep = Study.from_mapping(study(min(points, SAMPLE), 1)).sweeps["pair"]
    calls = calls_of(sweep.content("speciation"))
    bare(calls)
    rounds = 5
    start = time.process_time()
    for _ in range(rounds):
        bare(calls)
    return (time.process_time() - start) / rounds * points / min(points, SAMPLE)


def workflow_seconds(points: int, blocks: int, cores: int) -> tuple[float, int]:
    """Wall seconds from the command to the joined file, and the number of files that are left."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "study.yaml").write_text(yaml.safe_dump(study(points, blocks), sort_keys=False))
        target = "results/pair/speciation.nc"
        command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-d", name, target]
        command += ["--configfile", str(folder / "study.yaml"), "--cores", str(cores), "--quiet", "all"]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        return seconds, sum(path.is_file() for path in (folder / "results").rglob("*"))


def main() -> None:
    """Print one line for each number of points and of blocks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", nargs="+", type=float, default=[1e3, 1e5, 1e7])
    parser.add_argument("--blocks", nargs="+", type=int, default=[1, 10, 100, 1000])
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    print(f"{'points':>8} {'blocks':>7} {'kernels, s':>11} {'workflow, s':>12} {'ratio':>10} {'s a block':>10} {'files':>6}")
    for points in map(int, given.points):
        alone = kernel_seconds(points)
        for blocks in given.blocks:
            if points < blocks:
                continue
            seconds, files = workflow_seconds(points, blocks, given.cores)
            row = f"{points:8.0e} {blocks:7d} {alone:11.4f} {seconds:12.1f} {seconds / alone:10.1f} {seconds / blocks:10.2f}"
            print(f"{row} {files:6d}", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
