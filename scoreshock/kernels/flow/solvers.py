r"""Samplers of few steps in the noise level ``sigma``, for any denoiser: Euler, Heun, DPM-Solver++(2M), ancestral.

In VE coordinates ``x_sigma = x_0 + sigma z`` the probability flow is :math:`dx/d\sigma = (x - D(x, \sigma))/\sigma`, D the
denoiser ``E[x_0 | x]``. Other paths, of ``x_t = alpha x_0 + varsigma z``, are sampled at ``x_t/alpha``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from scoreshock.kernels.numerics.counter_rng import normal_rows

Denoiser = Callable[[np.ndarray, float], np.ndarray]
"""``D(x (N, n), sigma) -> (N, n)``."""

SOLVERS = ("euler", "heun", "dpmpp-2m", "ancestral")


class Sampled(NamedTuple):
    """Ends (N, n) at the last level, and how often the denoiser was called."""

    ends: np.ndarray
    calls: int


def calls_of(solver: str, levels: np.ndarray) -> int:
    """Calls of the denoiser for these levels: Heun takes two a step, one where the step ends at 0.

    Examples
    --------
    >>> [calls_of(name, np.array([2.0, 1.0, 0.0])) for name in SOLVERS]
    [2, 3, 2, 2]
    """
    steps = len(levels) - 1
    return steps + int((levels[1:] > 0).sum()) if solver == "heun" else steps


def sample(
    denoise: Denoiser, x: np.ndarray, levels: np.ndarray, solver: str = "euler", eta: float = 1.0, seed: int = 0
) -> Sampled:
    r"""Samples from ``x`` at the first level to the last.

    Parameters
    ----------
    denoise
        ``D(x (N, n), sigma)``.
    x : (N, n)
        Starts at ``levels[0]``.
    levels : (S + 1,)
        Falling noise levels; the last may be 0.
    solver
        ``euler`` (DDIM), ``heun`` (Karras et al. 2022, algorithm 1), ``dpmpp-2m`` (Lu et al. 2022, algorithm 2), or
        ``ancestral``: Euler to :math:`\sigma_{down}`, then noise :math:`\sigma_{up}` (k-diffusion).
    eta, seed
        Share of the noise of the ancestral solver, 0 to 1 (0: Euler), and the seed of its numbers.

    Returns
    -------
    Sampled

    References
    ----------
    Song et al. 2021 (DDIM); Karras et al. 2022, arXiv:2206.00364; Lu et al. 2022, arXiv:2211.01095.

    Examples
    --------
    For N(0, 1) at levels ``tan`` of equal angles each step of Euler's method loses a factor of the cosine.

    >>> import numpy as np
    >>> levels = np.tan([1.3, 0.65, 0.0])
    >>> one = sample(lambda x, sigma: x / (1 + sigma**2), np.array([[np.hypot(1, levels[0])]]), levels)
    >>> round(float(one.ends[0, 0] / np.cos(0.65) ** 2), 12), one.calls
    (1.0, 2)
    """
    step = {"euler": _euler, "heun": _heun, "ancestral": _ancestral}.get(solver)
    if step is None:
        return Sampled(_multistep(denoise, x, levels), calls_of(solver, levels))
    for index in range(len(levels) - 1):
        x = step(denoise, x, float(levels[index]), float(levels[index + 1]), (eta, seed, index))
    return Sampled(x, calls_of(solver, levels))


def _euler(denoise: Denoiser, x: np.ndarray, high: float, low: float, _noise: tuple[float, int, int]) -> np.ndarray:
    ratio = low / high
    return ratio * x + (1 - ratio) * denoise(x, high)


def _heun(denoise: Denoiser, x: np.ndarray, high: float, low: float, _noise: tuple[float, int, int]) -> np.ndarray:
    first = (x - denoise(x, high)) / high
    end = x + (low - high) * first
    if low == 0:
        return end
    second = (end - denoise(end, low)) / low
    return x + 0.5 * (low - high) * (first + second)


def _ancestral(denoise: Denoiser, x: np.ndarray, high: float, low: float, noise: tuple[float, int, int]) -> np.ndarray:
    eta, seed, index = noise
    up = min(low, eta * low * np.sqrt(max(1 - (low / high) ** 2, 0.0)))
    down = np.sqrt(max(low**2 - up**2, 0.0))
    x = _euler(denoise, x, high, down, noise)
    if up == 0:
        return x
    count, n = x.shape
    return x + up * normal_rows(seed, np.arange(count), n, index * n)


def _multistep(denoise: Denoiser, x: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """DPM-Solver++(2M) in the noise level: data prediction, first order at the start and on the step to 0."""
    before, gap = np.empty(0), 0.0
    for high, low in pairwise(levels):
        data = denoise(x, float(high))
        if low == 0:
            return data
        step = float(np.log(high / low))
        point = data if gap == 0 else data + 0.5 * (step / gap) * (data - before)
        x = (low / high) * x - np.expm1(-step) * point
        before, gap = data, step
    return x
