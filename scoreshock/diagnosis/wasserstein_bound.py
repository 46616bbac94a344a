r"""A bound on the Wasserstein distance of the density that the probability flow generates, from an estimate.

With a score whose one-sided Lipschitz constant is L, and the part :math:`\nabla\psi` of its error that moves the density p,
:math:`dW_2/d\tau_{rev} \le L W_2 + \|\nabla\psi\|_p`: p may as well be moved by the score less that part. The constant is
the greatest eigenvalue of the symmetric part of the score's Jacobian anywhere; at draws of the density, and
halfway between draws of different components, it is seen only as far as they reach.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import cumulative_trapezoid, trapezoid
from scipy.interpolate import PchipInterpolator

from scoreshock.conventions import variables

TRANSPORT = variables(
    """
    lipschitz_estimate(sigma): one-sided Lipschitz constant of the score, estimated
        | Greatest eigenvalue of the symmetric part of its Jacobian at draws and halfway between them: not too large.
    w2_bound: estimated bound on the Wasserstein distance of the flow's density
        | Of order two, from the true density, by lipschitz_estimate and gradient_square_upper.
        | Kwon, Fan and Lee 2022, arXiv:2212.06359
    """
)

POINTS = 100
"""Most draws at which the estimate takes the Jacobian, and most points between them."""

FINE = 32
"""Parts of an interval between two levels, over which both integrands are interpolated by monotone cubics in ln sigma."""


def lipschitz_estimate(jacobian: np.ndarray) -> float:
    """Greatest eigenvalue of the symmetric part of Jacobians ``(N, n, n)``.

    Examples
    --------
    >>> lipschitz_estimate(np.array([[[-2.0, 5.0], [-5.0, -1.0]]]))
    -1.0
    """
    return float(np.linalg.eigvalsh(0.5 * (jacobian + jacobian.swapaxes(-1, -2)))[:, -1].max())


def w2_bound(levels: np.ndarray, error: np.ndarray, lipschitz: np.ndarray) -> float:
    r"""Solution at the least of the rising ``levels (S,)`` of :math:`dW/d\tau_{rev} = L W + e`, 0 at the greatest.

    Examples
    --------
    Without growth it is the integral of the error over tau.

    >>> round(w2_bound(np.geomspace(1.0, 2.0, 40), np.full(40, 0.2), np.zeros(40)), 4)
    0.3
    """
    log_levels = np.log(levels)
    fine = np.interp(np.arange((len(levels) - 1) * FINE + 1) / FINE, np.arange(len(levels)), log_levels)
    rate, source = (PchipInterpolator(log_levels, levels**2 * each)(fine) for each in (lipschitz, error))
    with np.errstate(over="ignore"):
        return float(trapezoid(source * np.exp(cumulative_trapezoid(rate, fine, initial=0.0)), fine))
