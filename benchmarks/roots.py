"""Exact speciation roots: all of them by the package, against one root by SciPy with its bracket given.

Prints ratios of CPU time taken in one run, one thread: ``python benchmarks/roots.py``. Both rivals are handed a bracket of
the largest root, and only mixtures that have one; the package gets no bracket, finds every root and its direction.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
from collections.abc import Callable

import numpy as np
import scipy
from scipy.optimize import brentq
from scipy.optimize.elementwise import find_root

from scoreshock.kernels.speciation.roots import exact

CASES = ((2, 1), (3, 8), (4, 2), (8, 8), (10, 64))
POINTS, LOOPED, REPEATS = 20_000, 150, 5
LARGE = 1_000
"""Points of mixtures in many features."""


def random(k: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and weights of random mixtures."""
    rng = np.random.default_rng(0)
    points = POINTS if k * n <= 64 else LARGE
    means = rng.standard_normal((points, k, n))
    weights = rng.uniform(0.75, 1.0, (points, k))
    return means, weights / weights.sum(-1, keepdims=True)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """The class means of scikit-learn's ten digits under random weights."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    means = np.array([images[labels == label].mean(axis=0) for label in range(10)])
    weights = np.random.default_rng(0).uniform(0.5, 1.0, (LARGE, 10))
    return np.repeat(means[None], LARGE, axis=0), weights / weights.sum(-1, keepdims=True)


def bracketed(means: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mixtures with at least one root, their means centred, and a bracket of the largest root."""
    found = exact(means, weights, np.array(0.0))
    some = found.n_roots > 0
    means, weights, n_roots = means[some], weights[some], found.n_roots[some]
    index = np.arange(len(n_roots))
    top = found.roots[some][index, n_roots - 1]
    below = np.where(n_roots > 1, found.roots[some][index, np.maximum(n_roots - 2, 0)], top / 4)
    offset = means - np.einsum("pk,pkn->pn", weights, means)[:, None]
    return offset, weights, np.sqrt(below * top), (offset**2).sum(-1).max(-1)


def excess(v: np.ndarray, offset: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``lambda_max(Gamma(v)) - v`` as one would write it with NumPy."""
    distance = (offset**2).sum(-1)
    r = np.log(weights) - distance / (2 * v[..., None])
    r = np.exp(r - r.max(-1, keepdims=True))
    r /= r.sum(-1, keepdims=True)
    c = offset - np.einsum("...k,...kn->...n", r, offset)[..., None, :]
    gamma = np.einsum("...k,...ki,...kj->...ij", r, c, c)
    return np.linalg.eigvalsh(gamma)[..., -1] - v


def single(v: float, offset: np.ndarray, weights: np.ndarray, distance: np.ndarray) -> float:
    """The same for one mixture, without the cost of general broadcasting."""
    r = weights * np.exp((distance.min() - distance) / (2 * v))
    r /= r.sum()
    c = offset - r @ offset
    return np.linalg.eigvalsh((r * c.T) @ c)[-1] - v


def seconds(call: Callable[[], object]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def compare(name: str, means: np.ndarray, weights: np.ndarray) -> None:
    """Interleave the three, print the ratios of the medians."""
    offset, weights, low, high = bracketed(means, weights)
    size = len(low)

    def loop() -> None:
        for i in range(LOOPED):
            distance = (offset[i] ** 2).sum(-1)
            brentq(single, low[i], high[i] * 1.01, args=(offset[i], weights[i], distance), rtol=1e-14)

    def elementwise() -> None:
        index = np.arange(size)
        find_root(lambda v, i: excess(v, offset[i], weights[i]), (low, high * 1.01), args=(index,))

    times = np.array(
        [
            (
                seconds(loop) / LOOPED,
                seconds(elementwise) / size,
                seconds(lambda: exact(offset, weights, np.array(0.0))) / size,
            )
            for _ in range(REPEATS)
        ]
    )
    ours, ratio = np.median(times[:, 2]), np.median(times, axis=0)
    print(
        f"{name}: brentq loop / ours = {ratio[0] / ours:.0f}, find_root / ours = {ratio[1] / ours:.1f}"
        f"   (brentq {ratio[0] * 1e6:.0f} us, ours {ours * 1e6:.2f} us a point, all roots)"
    )


if __name__ == "__main__":
    print(f"numpy {np.__version__}, scipy {scipy.__version__}")
    for k, n in CASES:
        compare(f"k={k} d={n}", *random(k, n))
    try:
        compare("digits, k=10 d=64", *digits())
    except ImportError:
        print("digits: scikit-learn is not installed")
