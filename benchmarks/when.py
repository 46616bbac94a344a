"""The command ``when`` on data: time and peak memory of the whole command, each in a process of its own.

Run ``python benchmarks/when.py``. Fashion-MNIST is left out with a line where Debian's package is not installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from scoreshock.densities.tables.bundled import read_bundled

N, D, CLASSES = 100_000, 512, 10
ROWS = 10_000


def synthetic(folder: Path) -> Path:
    """Samples of ten classes in 512 dimensions, with their labels beside them."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, N)
    means = rng.standard_normal((CLASSES, D))
    samples = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (N, D))
    for start in range(0, N, ROWS):
        own = labels[start : start + ROWS]
        samples[start : start + ROWS] = means[own] + 0.5 * rng.standard_normal((len(own), D))
    samples.flush()
    np.save(folder / "labels.npy", labels)
    return folder / "x.npy"


def measured(name: str, *flags: str) -> None:
    """Print the wall and CPU time and the peak memory of one command."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "scoreshock", "when", *flags, "--schedule", "edm", "--into", folder]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    outcome = "" if status == 0 else "  FAILED"
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(f"{name:<28} {wall:5.1f} s, CPU {cpu:5.1f} s, {peak:5.0f} MiB in all{outcome}", flush=True)


def main() -> None:
    """Digits, Fashion-MNIST and a table of 1e5 x 512."""
    measured("digits, 1797 x 64", "--data", "digits", "--range", "-1", "1")
    try:
        read_bundled("fashion-mnist")
    except (ValueError, OSError) as error:
        print(f"Fashion-MNIST is left out: {error}")
    else:
        measured("Fashion-MNIST, 60000 x 784", "--data", "fashion-mnist", "--range", "-1", "1")
    with tempfile.TemporaryDirectory() as folder:
        file = synthetic(Path(folder))
        measured(f"synthetic, {N} x {D}", "--data", str(file), "--label", str(file.with_name("labels.npy")))


if __name__ == "__main__":
    main()
