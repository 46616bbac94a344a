"""What labelling and chunking cost: a sweep of 1e6 points through Dask against its bare kernels, and against peers.

Run ``python benchmarks/sweep.py [points]``. Rivals are interleaved and medians of the rounds are compared, so that ratios
hold on a busy machine where bare times do not. The bare kernels run in one loop on the arrays of the sweep's own chunks; the
sweep builds its mixture and labels, runs through Dask's threads, and hands every variable on chunk by chunk, as to a file.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import product
from typing import Any
from unittest import mock

import dask.array as da
import numpy as np
from scipy.optimize import brentq
from threadpoolctl import threadpool_limits

from scoreshock.quantities import labelled
from scoreshock.study.evaluation import evaluate

ROUNDS = 5
LOOPED = 2000
PROFILE = {
    "x": {"start": -3.0, "stop": 3.0, "num": 100, "unit": "separation"},
    "tau": {"values": [0.25, 0.5, 1.0, 2.0], "unit": "speciation"},
}
PROFILE_POINTS = 400
OPTIONS: dict[str, dict[str, Any]] = {"speciation": {}, "amplification": {}, "corrections": {"order": 8}, "scores": PROFILE}

Call = tuple[Callable[..., Any], dict[str, Any]]


def content(quantity: str, mixtures: float) -> dict[str, Any]:
    """A sweep of a pair over separation, variance and weight."""
    length = max(1, round(mixtures ** (1 / 3)))
    return {
        "family": "pair",
        "parameters": {"scaling": "fixed"},
        "axes": {
            "separation": {"start": 0.5, "stop": 8.0, "num": length, "scale": "linear"},
            "variance": {"start": 0.05, "stop": 2.0, "num": length, "scale": "linear"},
            "weight": {"start": 0.05, "stop": 0.95, "num": length, "scale": "linear"},
        },
        "schedules": {},
        "quantity": quantity,
        "options": OPTIONS[quantity],
    }


def calls_of(asked: dict[str, Any]) -> list[Call]:
    """Every call of a kernel that the sweep makes, in the order of the chunks."""
    calls: list[Call] = []
    at_once = labelled._Kernel._at_once

    def record(kernel: labelled._Kernel, *arrays: np.ndarray) -> Any:
        calls.append((kernel.function, dict(zip(kernel.inputs, arrays, strict=True)) | dict(kernel.options)))
        return at_once(kernel, *arrays)

    with mock.patch.object(labelled._Kernel, "_at_once", record):
        evaluate(asked).compute(scheduler="synchronous")
    return calls


def bare(calls: list[Call]) -> None:
    """Run the kernels and drop what they return."""
    with np.errstate(all="ignore"):
        for function, arguments in calls:
            function(**arguments)


class Sink:
    """Takes the place of a file's variable."""

    def __setitem__(self, place: object, values: np.ndarray) -> None:
        """Drop the values."""


def streamed(asked: dict[str, Any], workers: int) -> None:
    """Run the labelled sweep chunk by chunk and drop the results."""
    arrays = [variable.data for variable in evaluate(asked).data_vars.values()]
    sinks: list[Any] = [Sink() for _ in arrays]
    da.store(arrays, sinks, lock=False, scheduler="threads", num_workers=workers)


def medians(calls: dict[str, Callable[[], object]]) -> dict[str, tuple[float, float]]:
    """Median CPU and wall seconds of each call, interleaved."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            times[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {name: tuple(np.median(values, axis=0).tolist()) for name, values in times.items()}


def sweep(quantity: str, points: int) -> None:
    """Print what the labelled, chunked sweep takes, relative to its kernels."""
    asked = content(quantity, points / (PROFILE_POINTS if quantity == "scores" else 1))
    calls = calls_of(asked)
    found = medians(
        {
            "bare": lambda: bare(calls),
            "1 worker": lambda: streamed(asked, 1),
            "2 workers": lambda: streamed(asked, 2),
        }
    )
    size = asked["axes"]["separation"]["num"] ** 3 * (PROFILE_POINTS if quantity == "scores" else 1)
    cpu, wall = found.pop("bare")
    print(f"{quantity}: {size:.1e} points, bare kernels {cpu / size * 1e6:.2f} us a point (CPU)")
    for name, (cpu_, wall_) in found.items():
        print(
            f"  labelled, {name:<9} / bare: {cpu_ / cpu:5.2f} in CPU time, {wall_ / wall:5.2f} in wall time"
            f"  (the layer: {(cpu_ - cpu) / size * 1e9:.0f} ns a point)",
            flush=True,
        )
    gain = found["1 worker"][1] / found["2 workers"][1]
    print(f"  wall time falls as cores^{-np.log2(gain):.2f}, from one to two", flush=True)


def root_by_brentq(separation: float, variance: float, weight: float) -> float:
    """Largest root of the exact criterion of one pair, as one would write it with SciPy."""

    def excess(v: float) -> float:
        shift = separation * separation * (2 * weight - 1) * 2 / v
        right = 1 / (1 + (1 - weight) / weight * np.exp(-shift))
        return right * (1 - right) * 4 * separation**2 - v

    grid = np.geomspace(4 * separation**2, variance, 40)
    values = [excess(v) for v in grid]
    for high, low, above, below in zip(grid, grid[1:], values, values[1:], strict=False):
        if above < 0 <= below:
            return (brentq(excess, low, high, rtol=1e-14) - variance) / 2
    return np.nan


def leading(separation: float, variance: float, weight: float) -> float:
    """A point function that costs nothing: what a peer takes for it is what the peer itself costs."""
    return (4 * weight * (1 - weight) * separation**2 - variance) / 2


def peers(points_a_second: float) -> None:
    """Print how many times the points a second of other ways through a sweep ours are."""
    axes = content("speciation", LOOPED)["axes"]
    values = {name: np.linspace(spec["start"], spec["stop"], spec["num"]) for name, spec in axes.items()}
    for name, run in (
        ("brentq in a Python loop (one root)", _loop),
        ("xyzpy (no work)", _xyzpy),
        ("pipefunc (no work)", _pipefunc),
    ):
        try:
            start = time.perf_counter()
            count = run(values)
        except ImportError as error:
            print(f"  {name}: skipped, {error.name} is not installed")
            continue
        rate = count / (time.perf_counter() - start)
        print(f"  {name}: {rate:,.0f} points a second; ours (seven criteria, all roots) {points_a_second / rate:,.0f} times")


def _loop(values: dict[str, np.ndarray]) -> int:
    return len([root_by_brentq(*point) for point in product(*values.values())])


def _xyzpy(values: dict[str, np.ndarray]) -> int:
    import xyzpy

    return int(xyzpy.Runner(leading, var_names=["tau"]).run_combos(values, verbosity=0).tau.size)


def _pipefunc(values: dict[str, np.ndarray]) -> int:
    from pipefunc import PipeFunc, Pipeline

    mapspec = "separation[i], variance[j], weight[k] -> tau[i, j, k]"
    pipeline = Pipeline([PipeFunc(leading, output_name="tau", mapspec=mapspec)])
    return int(pipeline.map(values, parallel=False, storage="dict")["tau"].output.size)


RIVALS: dict[str, Callable[[dict[str, np.ndarray]], int]] = {
    "brentq in a Python loop (one root)": _loop,
    "xyzpy (no work)": _xyzpy,
    "pipefunc (no work)": _pipefunc,
}


def main(points: int) -> None:
    """Print one line for each quantity and number of workers, then one for each peer."""
    for quantity in OPTIONS:
        sweep(quantity, points)
    asked = content("speciation", points)
    wall = medians({"ours": lambda: streamed(asked, 1)})["ours"][1]
    print("peers, wall time, one process")
    peers(points / wall)


if __name__ == "__main__":
    with threadpool_limits(1):
        main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000)
