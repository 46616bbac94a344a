"""Where two components on a line weigh the same, and over which length that changes."""

from __future__ import annotations

import numpy as np


def switches(mu: np.ndarray, v: np.ndarray, log_w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions (m, P) at which two components have one weighted density, and lengths over which their odds change by e.

    Of means, variances and logarithms of weights (k, P); two positions for each pair, NaN where they do not exist.

    Examples
    --------
    >>> x, width = switches(np.array([[-1.0], [1.0]]), np.ones((2, 1)), np.zeros((2, 1)))
    >>> x.ravel().tolist(), width[1].tolist()
    ([nan, 0.0], [0.5])
    """
    one, two = np.triu_indices(len(mu), 1)
    step = mu[two] - mu[one]
    # The log-odds at mu_one + y are a y^2 + 2 b y + c.
    a, b = 0.5 * (1 / v[one] - 1 / v[two]), 0.5 * step / v[two]
    c = log_w[two] - log_w[one] + 0.5 * np.log(v[one] / v[two]) - 0.5 * step * step / v[two]
    with np.errstate(all="ignore"):
        root = np.sqrt(b * b - a * c)
        q = -(b + np.where(b < 0, -root, root))
        x = mu[one] + np.stack([q / a, c / q])
        x = np.where(np.isfinite(x), x, np.nan)
    return x.reshape(-1, mu.shape[1]), (0.5 / np.stack([root, root])).reshape(-1, mu.shape[1])
