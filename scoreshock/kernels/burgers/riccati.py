"""Inviscid evolution of the score Jacobian, where it diverges, and where modes part; Remark 7.9."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.kernels.gaussian import geometry, mixture


class Riccati(NamedTuple):
    """Of each eigenvalue of the score Jacobian at the weighted mean, largest first, (..., n)."""

    jacobian_eigenvalue: np.ndarray
    tau_divergence: np.ndarray  # where the inviscid evolution takes it to infinity
    cascade: np.ndarray  # leading speciation time (77)
    divergence_error: np.ndarray  # tau_divergence - cascade
    inviscid_eigenvalue: np.ndarray  # after the elapsed time


def riccati(means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, elapsed: np.ndarray) -> Riccati:
    """The inviscid evolution from ``tau (...)`` on, against the leading speciation times.

    Examples
    --------
    >>> pair = np.array([[-2.0], [2.0]]), np.array([0.5, 0.5])
    >>> result = riccati(*pair, np.array(1.0), np.array(3.5), np.array(0.0))  # v = 8
    >>> result.cascade.tolist(), result.tau_divergence.tolist()
    ([1.5], [-4.5])
    """
    offset = geometry.centred(means, weights)
    jacobian = mixture.score_jacobian(np.zeros(offset.shape[-1]), offset, weights, variance, tau)
    void = np.isnan(jacobian[..., 0, 0])
    result = np.linalg.eigvalsh(np.where(void[..., None, None], 0.0, jacobian))[..., ::-1]
    eigenvalue = np.where(void[..., None], np.nan, result)
    divergence = np.asarray(tau)[..., None] + riccati_divergence(eigenvalue)
    between = sum(
        weights[..., j, None, None] * offset[..., j, :, None] * offset[..., j, None, :] for j in range(offset.shape[-2])
    )
    leading = 0.5 * (np.linalg.eigvalsh(between)[..., ::-1] - np.asarray(variance)[..., None])
    carried = riccati_eigenvalue(eigenvalue, np.asarray(elapsed)[..., None])
    return Riccati._make(np.broadcast_arrays(eigenvalue, divergence, leading, divergence - leading, carried))


def riccati_eigenvalue(eigenvalue: Any, elapsed: Any) -> np.ndarray:
    r"""Eigenvalue of the score Jacobian along an inviscid characteristic, :math:`\mu_0/(1 - 2\mu_0(\tau-\tau_0))`.

    Solves :math:`dJ/d\tau = 2 J^2` (Remark 7.9), which is (62) without its Laplacian along ``dx/dtau = -2 s``.

    Parameters
    ----------
    eigenvalue : array (...)
        ``mu_0``, at ``tau_0``.
    elapsed : array (...)
        ``tau - tau_0``, of either sign, on ``mu_0``'s side of the divergence.

    Returns
    -------
    array (...)
        Infinite at the divergence, NaN beyond it.

    Examples
    --------
    One Gaussian of variance v: ``-1/v`` becomes ``-1/(v + 2 elapsed)``, exactly.

    >>> float(riccati_eigenvalue(-1.0, 1.5))
    -0.25
    """
    eigenvalue, elapsed = np.asarray(eigenvalue, dtype=float), np.asarray(elapsed, dtype=float)
    with np.errstate(all="ignore"):
        factor = 1 - 2 * eigenvalue * elapsed
        return np.where(factor >= 0, eigenvalue / np.abs(factor), np.nan)


def riccati_divergence(eigenvalue: Any) -> np.ndarray:
    r"""Time from ``tau_0`` to where the inviscid eigenvalue diverges, :math:`1/(2\mu_0)`: negative for a stable one.

    Notes
    -----
    Remark 7.9 takes it for the speciation threshold, which it is not. At the midpoint of an equal pair
    ``mu_0 = (a**2 - v)/v**2``, and the divergence is at the variance ``-a**2 v/(v - a**2)``: it depends on where one
    starts, and where the density has one mode it is negative, ``-a**2`` at most, while speciation is at ``+a**2``.

    Examples
    --------
    a = 2, from v = 8: speciation is at v = 4, the divergence at v = -8.

    >>> 8 + 2 * float(riccati_divergence((4 - 8) / 8**2))
    -8.0
    """
    with np.errstate(all="ignore"):
        return 0.5 / np.asarray(eigenvalue, dtype=float)
