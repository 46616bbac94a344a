"""Mixtures from large tables and fitted models: time and peak memory, each in a process of its own.

Run ``python benchmarks/data.py``. Memory is above that of the imports and of the table itself. Tables of a file are written
to a temporary folder first, by another process; of memory mapped files the resident pages count.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import scoreshock as ss

CASES = (
    "from_labelled 10000 3072 float64", "from_labelled 60000 784 float64", "from_labelled 60000 784 uint8",
    "from_labelled 1000000 64 float32",
    *(f"from_labelled 10000 3072 float64 {kind}" for kind in ("shared", "full", "diagonal")),
    "from_labelled 60000 784 uint8 full", "file 60000 784 uint8 npy", "file 1000000 64 float32 npy",
    "file 1000000 64 float32 safetensors", "file 100000 64 float64 csv", "file 1000000 64 float32 csv",
    "from_sklearn spherical", "from_sklearn diag", "from_sklearn tied", "from_sklearn full",
)  # fmt: skip
CLASSES = 10
ROWS = 10_000


def table(n: int, d: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of noisy classes."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, n)
    means, features = 100.0 + 20.0 * rng.standard_normal((CLASSES, d)), np.empty((n, d), dtype)
    for start in range(0, n, ROWS):
        rows = slice(start, start + ROWS)
        noisy = means[labels[rows]] + 10.0 * rng.standard_normal((len(labels[rows]), d))
        features[rows] = noisy.clip(0.0, 255.0)
    return features, labels


def write(path: Path, n: int, d: int, dtype: str) -> None:
    """A file of such a table."""
    features, labels = table(n, d, dtype)
    if path.suffix == ".npy":
        np.save(path, features)
        np.save(path.with_name("labels.npy"), labels)
    elif path.suffix == ".csv":
        header = ",".join([*(f"f{j}" for j in range(d)), "label"])
        with path.open("w") as file:
            file.write(header + "\n")
            for row, label in zip(features, labels, strict=True):
                file.write(",".join(map(str, row.tolist())) + f",{label}\n")
    else:
        size = features.nbytes
        tensors = {
            "latents": {"dtype": "F32", "shape": [n, d], "data_offsets": [0, size]},
            "labels": {"dtype": "I64", "shape": [n], "data_offsets": [size, size + labels.nbytes]},
        }
        header = json.dumps(tensors).encode()
        with path.open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            features.tofile(file)
            labels.tofile(file)


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


def call(name: str, arguments: list[str]) -> Callable[[], object]:
    """What is measured, after its imports."""
    if name == "from_sklearn":
        fitted = model(*arguments, d=3072)
        ss.from_sklearn(model(*arguments, d=20))
        return partial(ss.from_sklearn, fitted)
    if name == "from_labelled":
        n, d, dtype, *covariance = arguments
        features, labels = table(int(n), int(d), dtype)
        ss.from_labelled(features[:100], labels[:100])
        return partial(ss.from_labelled, features, labels, "raw", *covariance)
    path = Path(arguments[-1])
    small = path.parent / "small" / path.name
    small.parent.mkdir()
    write(small, 100, 4, "float32")
    data_of(small)
    return partial(data_of, path)


def data_of(path: Path) -> object:
    """The mixture of a file, beside which there are the labels of npy."""
    return ss.families.data(file=str(path), label=str(path.with_name("labels.npy")) if path.suffix == ".npy" else None)


def measure(case: str) -> None:
    """Print the time and memory of one case."""
    name, *arguments = case.split()
    measured = call(name, arguments)
    before, wall, cpu = peak(), time.perf_counter(), time.process_time()
    measured()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    shown = case.rpartition(" ")[0] + f" {Path(case.split()[-1]).suffix}" if name == "file" else case
    print(f"{shown:<36} {wall:6.1f} s, CPU {cpu:6.1f} s, {peak() - before:6.0f} MiB")


def run(*arguments: str) -> None:
    """This script in a process of its own."""
    subprocess.run([sys.executable, __file__, *arguments], check=True)


def main() -> None:
    """Print a line for each case."""
    for case in CASES:
        if not case.startswith("file"):
            run(case)
            continue
        with tempfile.TemporaryDirectory() as folder:
            *sizes, suffix = case.split()[1:]
            path = f"{folder}/table.{suffix}"
            run("write", path, *sizes)
            run(f"file {' '.join(sizes)} {path}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    elif len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        main()
