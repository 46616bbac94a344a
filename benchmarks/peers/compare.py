"""One sweep in five ways: CPU seconds of each process with its imports, lines of code, difference of its numbers from ours.

Run ``python benchmarks/peers/compare.py [separations ...]``; a separation has a hundred points. Each way is a script of its
own, which writes a NetCDF file. Ways whose package is not installed are skipped, and said to be. The rounds are interleaved,
and the least of them counts, since other work on the machine only adds.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import xarray as xr

import scoreshock as ss

HERE = Path(__file__).parent
WAYS = ("script", "xyzpy", "pipefunc", "arrays", "scoreshock")
ROUNDS = 3


def seconds(way: str, size: int, target: Path) -> float:
    """CPU seconds of one process, on one thread."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    command = [sys.executable, str(HERE / f"with_{way}.py"), str(size), str(target)]
    subprocess.run(command, env=os.environ | one, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def lines(way: str) -> int:
    """Lines of code of a way, with the physics that it needs, without comments, blank lines and docstrings."""
    text = (HERE / f"with_{way}.py").read_text()
    if "from point import" in text:
        text += (HERE / "point.py").read_text()
    return sum(bool(line.strip()) and not line.strip().startswith(("#", '"""')) for line in text.splitlines())


def difference(path: Path, ours: xr.DataArray) -> str:
    """Largest relative difference of a way's numbers from ours, and the points where only one has a number."""
    with xr.open_dataset(path) as dataset:
        values = (ss.valid(dataset) if "status" in dataset else dataset).tau_star.values.reshape(ours.shape)
    both = np.isfinite(values) & np.isfinite(ours.values)
    error = np.abs(values / ours.values - 1)[both].max()
    return f"{error:.0e}, {int((np.isfinite(values) != np.isfinite(ours.values)).sum())} points differ"


def main(sizes: list[int]) -> None:
    """Print a line for each way and size."""
    ways = [way for way in WAYS if way in ("script", "arrays") or find_spec(way)]
    for way in set(WAYS) - set(ways):
        print(f"{way}: skipped, it is not installed")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            times = {way: [seconds(way, size, Path(folder, f"{way}.nc")) for _ in range(ROUNDS)] for way in ways}
            with xr.open_dataset(Path(folder, "scoreshock.nc")) as dataset:
                ours = ss.valid(dataset).tau_star.squeeze("criterion").load()
            print(f"{ours.size:,} points")
            for way in ways:
                text = difference(Path(folder, f"{way}.nc"), ours)
                print(f"  {way:<12} {min(times[way]):6.2f} s CPU  {lines(way):3} lines  difference from ours {text}")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [40, 1000])
