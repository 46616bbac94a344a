"""The physics of one point, as one writes it with SciPy: the largest root of the exact criterion of a pair."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit


def exact(separation: float, variance: float, weight: float) -> float:
    """Diffusion time at which the score's slope at the weighted mean vanishes; NaN where it never does."""

    def excess(v: float) -> float:
        right = expit(logit(weight) + 2 * separation**2 * (2 * weight - 1) / v)
        return 4 * separation**2 * right * (1 - right) - v

    grid = np.geomspace(4 * separation**2, variance, 40)  # a double root between two of its points is missed
    values = [excess(v) for v in grid]
    for high, low, above, below in zip(grid, grid[1:], values, values[1:], strict=False):
        if above < 0 <= below:
            return (brentq(excess, low, high, rtol=1e-14) - variance) / 2
    return np.nan
