r"""Samplers of few steps in the noise level ``sigma``, for any denoiser: Euler, Heun, DPM-Solver++(2M), ancestral.

In VE coordinates ``x_sigma = x_0 + sigma z`` the probability flow is :math:`dx/d\sigma = (x - D(x, \sigma))/\sigma`, D the
denoiser ``E[x_0 | x]``. Other paths, of ``x_t = alpha x_0 + varsigma z``, are sampled at ``x_t/alpha``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.numerics.counter_rng import normal_rows

Level = float | np.ndarray
"""One noise level, or several that broadcast against points (...): one of each, or (..., 1) one of each list."""

Denoiser = Callable[[np.ndarray, Any], np.ndarray]
"""``D(x (..., N, n), sigma) -> (..., N, n)``, ``sigma`` a `Level`."""

SOLVERS = ("euler", "heun", "dpmpp-2m", "ancestral")


class Sampled(NamedTuple):
    """Ends (..., N, n) at the last level, and how often the denoiser was called."""

    ends: np.ndarray
    calls: int


def calls_of(solver: str, levels: np.ndarray) -> int:
    """Calls of the denoiser for these levels: Heun takes two a step, one where the step ends at 0.

    Examples
    --------
    >>> [calls_of(name, np.array([2.0, 1.0, 0.0])) for name in SOLVERS]
    [2, 3, 2, 2]
    """
    steps = levels.shape[-1] - 1
    return 2 * steps - int((levels[..., -1] == 0).all()) if solver == "heun" else steps


def sample(
    denoise: Denoiser, x: np.ndarray, levels: np.ndarray, solver: str = "euler", eta: float = 1.0, seed: int = 0
) -> Sampled:
    r"""Samples from ``x`` at the first level to the last.

    Parameters
    ----------
    denoise
        ``D(x, sigma)``, of points (N, n) and a number or, for several lists, of (..., N, n) and (..., 1).
    x : (N, n)
        Starts at the first level.
    levels : (..., S + 1)
        Lists of falling noise levels; the last may be 0, then of all lists. Samples of all have the same numbers.
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
    several = levels.ndim > 1
    row = [levels[..., j, None] if several else float(levels[j]) for j in range(levels.shape[-1])]
    x = np.broadcast_to(x, (*levels.shape[:-1], *x.shape))
    step = {"euler": _euler, "heun": _heun, "ancestral": _ancestral}.get(solver)
    if step is None:
        return Sampled(_multistep(denoise, x, row), calls_of(solver, levels))
    for index, (high, low) in enumerate(pairwise(row)):
        x = step(denoise, x, high, low, (eta, seed, index))
    return Sampled(x, calls_of(solver, levels))


def _of(factor: Level) -> Level:
    """A factor of each point as one of its coordinates."""
    return factor[..., None] if isinstance(factor, np.ndarray) else factor


def _euler(denoise: Denoiser, x: np.ndarray, high: Level, low: Level, _noise: tuple[float, int, int]) -> np.ndarray:
    ratio = low / high
    return _of(ratio) * x + _of(1 - ratio) * denoise(x, high)


def _heun(denoise: Denoiser, x: np.ndarray, high: Level, low: Level, _noise: tuple[float, int, int]) -> np.ndarray:
    first = (x - denoise(x, high)) / _of(high)
    end = x + _of(low - high) * first
    if np.all(low == 0):
        return end
    second = (end - denoise(end, low)) / _of(low)
    return x + 0.5 * _of(low - high) * (first + second)


def _ancestral(denoise: Denoiser, x: np.ndarray, high: Level, low: Level, noise: tuple[float, int, int]) -> np.ndarray:
    eta, seed, index = noise
    up = np.minimum(low, eta * low * np.sqrt(np.maximum(1 - (low / high) ** 2, 0.0)))
    down = np.sqrt(np.maximum(low**2 - up**2, 0.0))
    x = _euler(denoise, x, high, down, noise)
    if np.all(up == 0):
        return x
    count, n = x.shape[-2:]
    return x + _of(up) * normal_rows(seed, np.arange(count), n, index * n)


def _multistep(denoise: Denoiser, x: np.ndarray, row: list[Level]) -> np.ndarray:
    """DPM-Solver++(2M) in the noise level: data prediction, first order at the start and on the step to 0."""
    before, gap = x, np.zeros(())
    for high, low in pairwise(row):
        data = denoise(x, high)
        if np.all(low == 0):
            return data
        step = np.log(high / low)
        lean = np.divide(0.5 * step, gap, out=np.zeros_like(step), where=gap > 0)
        x = _of(low / high) * x - _of(np.expm1(-step)) * (data + _of(lean) * (data - before))
        before, gap = data, step
    return x
