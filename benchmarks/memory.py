"""Peak memory of writing a sweep of 1e7 points: streamed chunk by chunk, against computing all of it first.

Run ``python benchmarks/memory.py [points]``. Each way runs in a process of its own; what it holds after the imports is
subtracted from its peak. The quantity is the amplification of a pair, seven variables, compressed as in a study.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import dask

from scoreshock.storage import store
from scoreshock.study.evaluation import evaluate

WORKERS = 2


def content(points: int, quantity: str = "amplification") -> dict[str, Any]:
    """A sweep of a pair over separation, variance and weight with about ``points`` points."""
    return {
        "family": "pair",
        "parameters": {"scaling": "fixed"},
        "axes": {
            "separation": {"start": 0.5, "stop": 8.0, "num": max(1, points // 10_000), "scale": "linear"},
            "variance": {"start": 0.05, "stop": 2.0, "num": 100, "scale": "linear"},
            "weight": {"start": 0.05, "stop": 0.95, "num": 100, "scale": "linear"},
        },
        "schedules": {},
        "quantity": quantity,
        "options": {},
    }


def peak() -> int:
    """Most memory that this process has held, in bytes."""
    # Linux counts what the parent held at the fork into a child's ru_maxrss, and not into its VmHWM.
    status = Path("/proc/self/status")
    if status.exists() and "VmHWM" in (text := status.read_text()):
        return int(text.split("VmHWM:")[1].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def write(points: int, quantity: str, computed_first: bool) -> tuple[int, int]:
    """Bytes by which writing raises this process's peak, and bytes of the results."""
    # What is loaded on first use does not belong to the sweep.
    with tempfile.TemporaryDirectory() as folder, dask.config.set(scheduler="threads", num_workers=WORKERS):
        store.write(evaluate(content(1, quantity)), Path(folder) / "first.nc")
        before = peak()
        result = evaluate(content(points, quantity))
        size = result.nbytes
        store.write(result.compute() if computed_first else result, Path(folder) / "sweep.nc")
    return peak() - before, size


def measured(points: int, quantity: str, computed_first: bool) -> tuple[int, int]:
    """The same, in a new process: a peak never falls."""
    call = [sys.executable, __file__, str(points), quantity, "first" if computed_first else "streamed"]
    found, size = subprocess.run(call, check=True, capture_output=True, text=True).stdout.split()
    return int(found), int(size)


def main(points: int, quantity: str) -> None:
    """Print both peaks and their ratio."""
    found = {}
    for name, computed_first in (("streamed", False), ("computed first", True)):
        start = time.perf_counter()
        found[name], size = measured(points, quantity, computed_first)
        mebibytes = f"{found[name] / 2**20:7.0f} MiB for results of {size / 2**20:.0f} MiB"
        print(f"{quantity}, {points:.0e} points, {name:<14} {mebibytes}  ({time.perf_counter() - start:.0f} s)", flush=True)
    print(f"computed first / streamed = {found['computed first'] / found['streamed']:.1f}")


if __name__ == "__main__":
    points = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10_000_000
    quantity = sys.argv[2] if len(sys.argv) > 2 else "amplification"
    if len(sys.argv) > 3:
        print(*write(points, quantity, sys.argv[3] == "first"))
    else:
        main(points, quantity)
