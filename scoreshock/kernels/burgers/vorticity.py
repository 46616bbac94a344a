"""Vorticity of a vector field and its equation.

Notation as in the paper, section 7.2: ``omega_ij = d_i s_j - d_j s_i``, zero for a gradient. Jacobians are
``J_ij = d s_i / d x_j``, so that ``omega`` is the transpose of J less J.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.burgers.terms import relative_residual

SCORE, BURGERS = 2.0, -1.0
"""Factor of ``(s . grad) s`` in the equation of the score, of ``(u . grad) u`` in Burgers', on the right-hand side."""


class VorticityTerms(NamedTuple):
    """Terms of ``rate = diffusion + advection + stretching``, with their signs on its right-hand side, ``(..., n, n)``."""

    vorticity: np.ndarray
    rate_term: np.ndarray
    diffusion_term: np.ndarray
    advection_term: np.ndarray
    stretching_term: np.ndarray
    residual: np.ndarray
    largest_term: np.ndarray  # (...) Frobenius norm of the largest term
    residual_relative: np.ndarray  # (...) norm of the residual over it
    residual_error: np.ndarray = np.array(np.nan)  # (...) bound on the norm of the residual's error, of differences
    residual_status: np.ndarray = np.array(Status.ok)  # (...)


def vorticity(jacobian: Any) -> np.ndarray:
    r"""Vorticity :math:`\omega_{ij} = \partial_i s_j - \partial_j s_i`, equation (67).

    Parameters
    ----------
    jacobian : array (..., n, n)
        ``J_ij = d s_i / d x_j``.

    Returns
    -------
    array (..., n, n)
        Antisymmetric; zero if and only if the field is locally a gradient.

    Examples
    --------
    Rigid rotation, s = (-y, x), turns at twice its rate.

    >>> vorticity([[0.0, -1.0], [1.0, 0.0]]).tolist()
    [[0.0, 2.0], [-2.0, 0.0]]
    """
    jacobian = np.asarray(jacobian, dtype=float)
    return jacobian.swapaxes(-1, -2) - jacobian


def vorticity_terms(field: Any, jacobian: Any, rate: Any, gradient: Any, laplacian: Any, factor: float) -> VorticityTerms:
    r"""Terms of the vorticity equation (68) for any field with its derivatives.

    .. math:: \partial_\tau\omega_{ij} = \Delta\omega_{ij} + c\,(s\cdot\nabla)\omega_{ij}
              + c\,[(\partial_i s_l)(\partial_l s_j) - (\partial_j s_l)(\partial_l s_i)]

    Parameters
    ----------
    field : array (..., n)
        The field s or u.
    jacobian : array (..., n, n)
        ``d s_i / d x_j``.
    rate, laplacian : array (..., n, n)
        Time derivative and Laplacian of the vorticity.
    gradient : array (..., n, n, n)
        ``d omega_ij / d x_l``, l last.
    factor : float
        ``c``: `SCORE` for a field that obeys (62), `BURGERS` for one that obeys (63), as the paper writes (68).

    Returns
    -------
    VorticityTerms
        The residual is zero for a solution of the vector equation, rotational or not. The bracket, which is ``J J``
        transposed less ``J J``, vanishes with the vorticity (Theorem 7.5).

    Examples
    --------
    Steady shear, u = (y, 0), solves Burgers, and nothing turns it.

    >>> nothing = np.zeros((2, 2))
    >>> terms = vorticity_terms([1.0, 0.0], [[0.0, 1.0], [0.0, 0.0]], nothing, np.zeros((2, 2, 2)), nothing, BURGERS)
    >>> terms.vorticity.tolist(), float(terms.largest_term), float(terms.residual_relative)
    ([[0.0, -1.0], [1.0, 0.0]], 0.0, 0.0)
    """
    s, jacobian, rate, gradient, laplacian = (
        np.asarray(a, dtype=float) for a in (field, jacobian, rate, gradient, laplacian)
    )
    n = s.shape[-1]
    advection = sum(gradient[..., j] * s[..., j, None, None] for j in range(n)) * factor
    square = sum(jacobian[..., :, j, None] * jacobian[..., None, j, :] for j in range(n))
    stretching = vorticity(square) * factor
    residual = rate - laplacian - advection - stretching
    parts = np.broadcast_arrays(rate, laplacian, advection, stretching)
    flat = [part.reshape(*part.shape[:-2], n * n) for part in (residual, *parts)]
    largest, relative = relative_residual(flat[0], flat[1:])
    omega = np.broadcast_to(vorticity(jacobian), residual.shape)
    return VorticityTerms(*[omega, *parts, residual, largest, relative])
