"""What a mixture costs in the kernels that iterate: CPU time a point, on one thread.

Run ``python benchmarks/kernels.py [--repeat N]``. Random mixtures of k components in n features, a thousand at a time.
Compare two versions by running this file in both, on the same machine, one after the other.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import time
from collections.abc import Callable

import numpy as np

from scoreshock.kernels.layer.moving_boundary import boundary_exponent
from scoreshock.kernels.modes import mode_counts
from scoreshock.kernels.speciation import alternatives, exact_cascade

VARIANCE = np.array(0.05)
SHAPES = ((2, 1), (4, 1), (4, 2))
POINTS = 1000


def mixtures(k: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Means (P, k, n) and weights (P, k)."""
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.5, 1.0, (POINTS, k))
    return rng.standard_normal((POINTS, k, n)), weights / weights.sum(-1, keepdims=True)


def calls(k: int, n: int) -> dict[str, Callable[[], object]]:
    """Kernels by name; class entropy and cloning are defined on a line and for pairs."""
    means, weights = mixtures(k, n)
    group = np.broadcast_to(np.arange(k) >= k // 2, (POINTS, k)).astype(np.int8)
    each: dict[str, Callable[[], object]] = {
        "boundary_amplification": lambda: boundary_exponent(means, weights, VARIANCE, np.array(0.0), group),
        "modes": lambda: mode_counts.last_merging(means, weights, VARIANCE),
        "cascade": lambda: exact_cascade.exact_cascade(means, weights, VARIANCE),
    }
    if n == 1 or k == 2:
        each["cloning"] = lambda: alternatives.cloning(means, weights, VARIANCE)
        each["entropic"] = lambda: alternatives.entropic(means, weights, VARIANCE)
    return each


def main() -> None:
    """Print a line for each kernel and shape: the least of the repeats."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    for k, n in SHAPES:
        for name, call in calls(k, n).items():
            times = []
            for _ in range(repeat):
                start = time.process_time()
                call()
                times.append(time.process_time() - start)
            print(f"{name:<24} k={k} n={n} {min(times) / POINTS * 1e6:9.1f} us a point", flush=True)


if __name__ == "__main__":
    main()
