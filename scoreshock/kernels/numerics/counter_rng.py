"""Random numbers that are a function of seed, trajectory and index: no order of computation changes them.

SplitMix64 (Steele, Lea and Flood 2014): each trajectory starts from a different state, a hash of its number and the seed.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""The odd number next to 2^64 over the golden ratio: the step from one state to the next."""


def normals(seed: int, trajectory: np.ndarray, index: int | np.ndarray) -> np.ndarray:
    """The standard normal number with this ``index`` in each trajectory's stream, (...), by broadcasting.

    ``seed``, ``index`` and ``trajectory`` are whole numbers >= 0. Numbers have 52 bits, so that none lies beyond 8.3.

    Examples
    --------
    >>> import numpy as np
    >>> together = normals(7, np.arange(3), 5)
    >>> bool(together[2] == normals(7, np.array(2), 5))
    True
    """
    return ndtri(uniforms(seed, trajectory, index))


def normal_rows(seed: int, trajectory: np.ndarray, n: int, first: int = 0) -> np.ndarray:
    """``n`` standard normal numbers of each trajectory's stream, from index ``first`` on, (..., n)."""
    return normals(seed, np.asarray(trajectory)[..., None], np.arange(first, first + n))


def uniforms(seed: int, trajectory: np.ndarray, index: int | np.ndarray) -> np.ndarray:
    """The number strictly between 0 and 1 of which `normals` is the normal quantile, by broadcasting."""
    with np.errstate(over="ignore"):
        start = np.asarray(trajectory).astype(np.uint64) * GOLDEN + _mixed(np.asarray(seed).astype(np.uint64) + GOLDEN)
        bits = _mixed(_mixed(start) + np.asarray(index + 1).astype(np.uint64) * GOLDEN) >> np.uint64(12)
    return (bits.astype(float) + 0.5) * 2.0**-52


def _mixed(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
