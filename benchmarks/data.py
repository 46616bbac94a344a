"""Mixtures from large tables and fitted models: time and peak memory, each in a process of its own.

Run ``python benchmarks/data.py``. Memory is above that of the imports and of the table itself.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np

import scoreshock as ss

CASES = (
    "from_labelled 10000 3072", "from_labelled 60000 784",
    "from_sklearn spherical", "from_sklearn diag", "from_sklearn tied", "from_sklearn full",
)  # fmt: skip
CLASSES = 10


def table(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of noisy classes."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, n)
    features = rng.standard_normal((n, d))
    for j in range(CLASSES):
        features[labels == j] += rng.standard_normal(d)
    return features, labels


def model(kind: str, d: int) -> SimpleNamespace:
    """A fitted GaussianMixture's attributes in ``d`` dimensions."""
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((d, 8)) / np.sqrt(d)
    covariance = 0.5 * np.eye(d) + factor @ factor.T
    stored = {
        "spherical": np.full(CLASSES, 0.5),
        "diag": np.full((CLASSES, d), 0.5),
        "tied": covariance,
        "full": np.repeat(covariance[None], CLASSES, axis=0) if kind == "full" else None,
    }
    weights, means = np.full(CLASSES, 1 / CLASSES), rng.standard_normal((CLASSES, d))
    return SimpleNamespace(weights_=weights, means_=means, covariances_=stored[kind], covariance_type=kind)


def peak() -> float:
    """Largest memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(case: str) -> None:
    """Print the time and memory of one case."""
    name, *arguments = case.split()
    if name == "from_labelled":
        given = table(*map(int, arguments))
        ss.from_labelled(given[0][:100], given[1][:100])  # imports
    else:
        given = (model(*arguments, d=3072),)
        ss.from_sklearn(model(*arguments, d=20))
    before, wall, cpu = peak(), time.perf_counter(), time.process_time()
    getattr(ss, name)(*given)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{case:<26} {wall:6.1f} s, CPU {cpu:6.1f} s, {peak() - before:6.0f} MiB")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        for case in CASES:
            subprocess.run([sys.executable, __file__, case], check=True)
