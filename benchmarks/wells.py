"""Density and score of two wells along a line: by transform, by quadrature, and by what one would write by hand.

Run ``python benchmarks/wells.py``. Prints ratios of CPU time a value, taken in one run between interleaved rivals, and the
error of each: the largest of ``|score - exact|/(|exact| + 1)``, where exact is the quadrature with 64 nodes a window. The
wells are at -1 and 1, the places from -3 to 3. One thread.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
import warnings
from collections.abc import Callable

import numpy as np
from scipy.fft import irfft, rfft
from scipy.integrate import quad

from scoreshock.kernels.wells.double_wells import quartic
from scoreshock.kernels.wells.parts import Wells, state
from scoreshock.kernels.wells.spectral import profile
from scoreshock.kernels.wells.times import boundary_time, merging_time

TILT, ROUNDS = 0.1, 7
NODES = np.linspace(-6, 6, 241)[:, None]
Values = tuple[np.ndarray, np.ndarray]


def density(y: np.ndarray | float, c: float) -> np.ndarray:
    """The density of the wells, not normalised."""
    return np.exp(-c * (y * y - 1) ** 2 + TILT * y)


def trapezoid(x: np.ndarray, c: float, tau: float) -> np.ndarray:
    """Score by the trapezoidal rule on 241 nodes, as one would write it with NumPy."""
    terms = density(NODES, c) * np.exp(-((x - NODES) ** 2) / (4 * tau))
    return ((NODES - x) * terms).sum(axis=0) / (2 * tau) / terms.sum(axis=0)


def adaptive(x: np.ndarray, c: float, tau: float) -> np.ndarray:
    """Score by SciPy's adaptive quadrature, place by place."""

    def integral(place: float, power: int) -> float:
        return quad(lambda y: (y - place) ** power * density(y, c) * np.exp(-((place - y) ** 2) / (4 * tau)), -6, 6)[0]

    return np.array([integral(place, 1) / integral(place, 0) / (2 * tau) for place in x])


def transform_alone(size: int, c: float, tau: float) -> Values:
    """Density and score on the grid of one transform, which nothing interpolates and nothing checks."""
    step = 12 / size
    y = -6 + step * np.arange(size)
    k = 2 * np.pi / 12 * np.arange(size // 2 + 1)
    after = rfft(density(y, c)) * np.exp(-tau * k * k)
    found = irfft(after, size)
    return y, irfft(1j * k * after, size) / found


def exact(wells: Wells, x: np.ndarray, tau: float) -> np.ndarray:
    """Score by quadrature with more nodes."""
    return state(wells, x, np.array(tau), nodes=64).score


def error(score: np.ndarray, expected: np.ndarray) -> float:
    return float(np.max(np.abs(score - expected) / (np.abs(expected) + 1)))


def ratios(calls: dict[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    """CPU time a value of each over that of the first: median of the rounds."""
    times = np.empty((ROUNDS, len(calls)))
    for row in times:
        for i, (call, count) in enumerate(calls.values()):
            start = time.process_time()
            call()
            row[i] = (time.process_time() - start) / count
    return dict(zip(calls, np.median(times, axis=0) / np.median(times[:, 0]), strict=True))


def one_density(count: int, tau: float) -> None:
    """A line of ``count`` places of one density."""
    wells, x, time = quartic(np.array(1.0), np.array(1.0), np.array(TILT)), np.linspace(-3, 3, count), np.array(tau)
    some, few, size = x[:: max(1, count // 300)], x[:: count // 20], 1024
    calls: dict[str, tuple[Callable[[], object], int]] = {
        "ours, by transform": (lambda: profile(wells, x, time), count),
        "trapezoid, 241 nodes": (lambda: trapezoid(x, 1.0, tau), count),
        "scipy.integrate.quad": (lambda: adaptive(few, 1.0, tau), few.size),
        "ours, by quadrature": (lambda: state(wells, x, time), count),
        "one transform's grid": (lambda: [transform_alone(size, 1.0, tau) for _ in range(50)], 50 * size),
    }
    grid, score = transform_alone(size, 1.0, tau)
    core = np.abs(grid) < 3
    found = profile(wells, some, time)
    expected = exact(wells, some, tau)
    errors = [
        error(found.score, expected),
        error(trapezoid(some, 1.0, tau), expected),
        error(adaptive(few, 1.0, tau), exact(wells, few, tau)),
        error(state(wells, some, time).score, expected),
        error(score[core], exact(wells, grid[core], tau)),
    ]
    share = f"{100 * found.by_transform.mean():.0f} % by transform"
    for (name, ratio), lost in zip(ratios(calls).items(), errors, strict=True):
        print(f"tau {tau:<6g} {count:6} places of 1 density, {share}  {name:<21} {ratio:8.2f}  error {lost:.0e}")


def sweep(densities: int, count: int, tau: float) -> None:
    """Profiles of many densities."""
    c, x, time = np.linspace(0.3, 3, densities), np.linspace(-3, 3, count), np.array(tau)
    wells = quartic(c, np.array(1.0), np.array(TILT))
    lines = wells._replace(shape=(densities, 1))
    expected, number = exact(lines, x, tau), densities * count
    calls: dict[str, tuple[Callable[[], np.ndarray], int]] = {
        "ours, by transform": (lambda: profile(wells, x, time).score, number),
        "trapezoid, 241 nodes": (lambda: np.stack([trapezoid(x, one, tau) for one in c]), number),
        "ours, by quadrature": (lambda: state(lines, x, time).score, number),
    }
    for name, ratio in ratios(dict(calls)).items():
        lost = error(calls[name][0](), expected)
        print(f"tau {tau:<6g} {count:6} places of {densities} densities  {name:<21} {ratio:8.2f}  error {lost:.0e}")


def times(densities: int) -> None:
    """Speciation times in units of places of a profile by quadrature."""
    wells = quartic(np.linspace(0.3, 3, densities), np.array(1.0), np.array(TILT))
    first, x = quartic(np.array(1.0), np.array(1.0), np.array(TILT)), np.linspace(-3, 3, 4096)
    crossing = boundary_time(wells)
    found = ratios(
        {
            "a place by quadrature": (lambda: state(first, x, np.array(0.2)), x.size),
            "boundary time": (lambda: boundary_time(wells), densities),
            "merging time": (lambda: merging_time(wells, crossing), densities),
        }
    )
    for name, value in list(found.items())[1:]:
        print(f"{name} of {densities} densities: as much as {value:.0f} places by quadrature")


def main() -> None:
    """Print one line for each problem and rival."""
    print("CPU time a value over that of ours, by transform")
    one_density(301, 0.2)
    one_density(30001, 0.2)
    one_density(3001, 1e-4)
    sweep(64, 301, 0.2)
    times(200)


if __name__ == "__main__":
    # Of the rivals, in the tails.
    warnings.simplefilter("ignore")
    main()
