"""Vorticity of a score or of any field, its equation, and the inviscid evolution of the score's Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import show
from scoreshock.kernels.burgers import differences
from scoreshock.kernels.burgers import vorticity as rotation
from scoreshock.kernels.gaussian import geometry
from scoreshock.kernels.gaussian import mixture as mixtures
from scoreshock.quantities.burgers import (
    Argument,
    Field,
    checked_field,
    checked_method,
    points_of,
    status_of,
    steps_of_mixture,
)
from scoreshock.quantities.labelled import Output, apply, mixture_arguments
from scoreshock.quantities.points import Points, labelled_numbers, positions, times


def vorticity(
    field: xr.Dataset | Field,
    x: Points,
    tau: float | xr.DataArray,
    jacobian: Field | None = None,
    method: str | None = None,
    length: float | xr.DataArray | None = None,
    precision: float = differences.DOUBLE,
) -> xr.Dataset:
    """Vorticity ``omega_ij = d_i s_j - d_j s_i`` (67) of a mixture's score, where it is zero, or of any field.

    Parameters
    ----------
    field, x, tau
        As in :func:`burgers_residual`; the field need not be a score.
    jacobian
        Jacobian of a function, as a function of the same arguments: ``(..., d, d)``, ``d s_i / d x_j``. Without it by
        differences.
    method
        For a mixture ``analytic`` (its Jacobian is symmetric, and the vorticity zero, to the bit) or ``differences`` (of
        the score: a measurement).
    length, precision
        As in :func:`burgers_residual`.

    Returns
    -------
    Dataset
        ``vorticity`` and ``score_jacobian (..., feature, feature_other)``, ``vorticity_largest``, ``vorticity_relative``
        (largest entry over that of the Jacobian) and, by differences, ``vorticity_error``.

    Notes
    -----
    Definition 7.3, Theorem 7.5. The vorticity of ``u = -2 s`` is -2 times this.

    Examples
    --------
    >>> import numpy as np
    >>> rotation = lambda x, tau: np.stack([-x[..., 1], x[..., 0]], axis=-1)
    >>> vorticity(rotation, np.array([3.0, 4.0]), tau=1.0).vorticity.values.round(9).tolist()
    [[0.0, 2.0], [-2.0, 0.0]]
    """
    if jacobian is not None and not callable(jacobian):
        raise ValueError(
            f"jacobian = {show(jacobian)} is not allowed; allowed: a function of (x, tau) that returns (..., d, d)"
        )
    given = jacobian is not None and not isinstance(field, xr.Dataset)
    method = checked_method(field, "score", "analytic" if given else method, jacobian)
    square = ("feature", "feature_other")
    outputs = [Output("vorticity", square), Output("score_jacobian", square)]
    outputs += [Output("vorticity_largest"), Output("vorticity_relative")]
    options: dict[str, Any] = {}
    arguments: list[Argument] = [(times(tau), ())]
    if method == "differences":
        outputs.append(Output("vorticity_error"))
        options["precision"] = precision
        arguments.insert(0, (xr.DataArray(np.nan) if length is None else labelled_numbers("length", length), ()))
    function: Callable[..., Any]
    if isinstance(field, xr.Dataset):
        points = positions(field, x)
        arguments = [*mixture_arguments(field), *arguments]
        function = _mixture_vorticity_by_differences if method == "differences" else _mixture_vorticity
    else:
        points = points_of(x)
        function = _vorticity_by_differences if method == "differences" else _vorticity
        options |= {"field": field} if method == "differences" else {"jacobian": jacobian}
    sizes = {"feature_other": points.sizes["feature"]}
    return apply(function, [*arguments, (points, ("feature",))], outputs, sizes=sizes, **options).assign_attrs(method=method)


def vorticity_residual(
    field: xr.Dataset | Field,
    x: Points,
    tau: float | xr.DataArray,
    jacobian: Field | None = None,
    form: str = "score",
    length: float = 1.0,
    duration: float | None = None,
    precision: float = differences.DOUBLE,
) -> xr.Dataset:
    """Terms of the vorticity equation (68), and what they leave over, for any field with its Jacobian.

    Parameters
    ----------
    field, x, tau, jacobian
        As in :func:`vorticity`; the Jacobian is required of a function, since the equation has third derivatives of the
        field: the vorticity's own derivatives are differences of it.
    form
        ``score`` for a field s that obeys (62), ``burgers`` for one that obeys (63), as in the paper.
    length, duration, precision
        As in :func:`burgers_residual`; of the vorticity.

    Returns
    -------
    Dataset
        ``vorticity``, ``rate_term``, ``diffusion_term``, ``advection_term``, ``stretching_term`` and ``residual``
        ``(..., feature, feature_other)``; ``largest_term``, ``residual_relative`` and ``residual_error`` in Frobenius norm.

    Notes
    -----
    ``omega_tau = Lap omega + c (s . grad) omega + c [(d_i s_l)(d_l s_j) - (d_j s_l)(d_l s_i)]`` with c = 2 (``score``) or
    -1 (``burgers``). With derivatives in closed form: ``kernels.vorticity.vorticity_terms``.

    Examples
    --------
    >>> import numpy as np
    >>> shear = np.array([[0.3, -0.9], [0.5, 0.1]])  # u = S x with S = M (1 + tau M)^-1 solves Burgers
    >>> matrix = lambda tau: shear @ np.linalg.inv(np.eye(2) + tau[..., None, None] * shear)
    >>> u = lambda x, tau: (matrix(tau) @ x[..., None])[..., 0]
    >>> found = vorticity_residual(u, np.array([1.0, -2.0]), 0.7, lambda x, tau: matrix(tau), form="burgers")
    >>> bool(found.residual_relative < 1e-8)
    True
    """
    checked_field(field)
    factors = {"score": rotation.SCORE, "burgers": rotation.BURGERS}
    if not isinstance(form, str) or form not in factors:
        raise ValueError(f"form: {show(form)} is not available; allowed: {', '.join(factors)}")
    square = ("feature", "feature_other")
    names = ("vorticity", "rate_term", "diffusion_term", "advection_term", "stretching_term", "residual")
    outputs = [*(Output(name, square) for name in names), Output("largest_term"), Output("residual_relative")]
    outputs += [Output("residual_error"), Output("residual_status", (), np.int8)]
    options: dict[str, Any] = {"factor": factors[form], "length": length, "duration": duration, "precision": precision}
    function: Callable[..., Any] = _vorticity_terms
    arguments: list[Argument] = [(times(tau), ())]
    if isinstance(field, xr.Dataset):
        points, function = positions(field, x), _mixture_vorticity_terms
        arguments = [*mixture_arguments(field), *arguments]
    elif not callable(jacobian):
        raise ValueError(
            f"jacobian = {show(jacobian)} is not allowed; allowed: a function of (x, tau) that returns (..., d, d)"
        )
    else:
        points = points_of(x)
        options |= {"field": field, "jacobian": jacobian}
    sizes = {"feature_other": points.sizes["feature"]}
    found = apply(function, [*arguments, (points, ("feature",))], outputs, sizes=sizes, **options)
    return found.assign_attrs(form=form, equation="(68)")


def riccati(mixture: xr.Dataset, tau: float | xr.DataArray, elapsed: float | xr.DataArray = 0.0) -> xr.Dataset:
    """Where the inviscid evolution of the Jacobian at the weighted mean diverges, against where modes part.

    Parameters
    ----------
    mixture
        A labelled mixture; its sweep dimensions carry over.
    tau
        Diffusion time from which the inviscid characteristics start.
    elapsed
        Diffusion time since then, of either sign.

    Returns
    -------
    Dataset
        ``jacobian_eigenvalue (..., mode)`` of the score at the weighted mean, largest first; ``tau_divergence``, where
        ``dJ/dtau = 2 J^2`` takes it to infinity; ``cascade``, the leading speciation time (77) of the same mode; and
        ``divergence_error``, their difference; and ``inviscid_eigenvalue`` after ``elapsed``, NaN beyond the divergence.

    Notes
    -----
    Remark 7.9 says that they are the same. They are not: with one mode the divergence depends on ``tau`` and lies at the
    variance ``-lambda v/(v - lambda)`` for a mode of variance lambda, on the other side of ``v = 0``.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = riccati(ss.families.pair(separation=2.0, variance=1.0), tau=3.5)  # v = 8
    >>> found.cascade.item(), found.tau_divergence.item()
    (1.5, -4.5)
    """
    names = ("jacobian_eigenvalue", "tau_divergence", "cascade", "divergence_error", "inviscid_eigenvalue")
    outputs = [Output(name, ("mode",)) for name in names]
    return apply(
        _riccati,
        [*mixture_arguments(mixture), (times(tau), ()), (labelled_numbers("elapsed", elapsed), ())],
        outputs,
        sizes={"mode": mixture.sizes["feature"]},
    )


def _rotation(jacobian: np.ndarray) -> tuple[np.ndarray, ...]:
    omega = rotation.vorticity(jacobian)
    largest = np.abs(omega).max(axis=(-2, -1))
    scale = np.abs(jacobian).max(axis=(-2, -1))
    return omega, jacobian, largest, np.where(largest == 0, np.where(np.isnan(scale), np.nan, 0.0), largest / scale)


def _vorticity(tau: np.ndarray, x: np.ndarray, jacobian: Field) -> tuple[np.ndarray, ...]:
    return _rotation(np.asarray(jacobian(*_together(x, tau)), dtype=float))


def _together(x: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and times over their common shape."""
    shape = np.broadcast_shapes(x.shape[:-1], tau.shape)
    return np.broadcast_to(x, shape + x.shape[-1:]), np.broadcast_to(tau, shape)


def _vorticity_by_differences(
    length: np.ndarray, tau: np.ndarray, x: np.ndarray, field: Field, precision: float
) -> tuple[np.ndarray, ...]:
    length = np.where(np.isnan(length), 1.0, length)
    found = differences.derivatives(field, x, tau, length, None, precision)
    error = (found.gradient_error + found.gradient_error.swapaxes(-1, -2)).max(axis=(-2, -1))
    return (*_rotation(found.gradient), error)


def _mixture_vorticity(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, ...]:
    return _rotation(mixtures.score_jacobian(x, means, weights, variance, tau))


def _mixture_vorticity_by_differences(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    length: np.ndarray,
    tau: np.ndarray,
    x: np.ndarray,
    precision: float,
) -> tuple[np.ndarray, ...]:
    score, x, _, length = steps_of_mixture(means, weights, variance, tau, x, length)
    return _vorticity_by_differences(length, tau, x, score, precision)


def _vorticity_terms(
    tau: np.ndarray,
    x: np.ndarray,
    field: Field,
    jacobian: Field,
    factor: float,
    length: Any,
    duration: Any,
    precision: float,
    v: Any = 1.0,
) -> tuple[np.ndarray, ...]:
    x, tau = _together(x, tau)

    def omega(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        matrix = rotation.vorticity(jacobian(x, tau))
        return np.broadcast_to(matrix, x.shape + x.shape[-1:]).reshape(*x.shape[:-1], -1)

    found = differences.derivatives(omega, x, tau, length, duration, precision)
    value, matrix = np.asarray(field(x, tau), dtype=float), np.asarray(jacobian(x, tau), dtype=float)
    terms, error = differences.vorticity_field_terms(value, matrix, found, factor)
    first = terms[:6]
    return (*first, terms.largest, terms.relative, error, status_of(terms, v, tau, needs_earlier=True))


def _mixture_vorticity_terms(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    x: np.ndarray,
    **options: Any,
) -> tuple[np.ndarray, ...]:
    score, x, v, _ = steps_of_mixture(means, weights, variance, tau, x, np.nan)

    def jacobian(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return mixtures.score_jacobian(x, means, weights, variance, tau)

    return _vorticity_terms(tau, x, field=score, jacobian=jacobian, v=v, **options)


def _riccati(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, elapsed: np.ndarray
) -> tuple[np.ndarray, ...]:
    offset = geometry.centred(means, weights)
    jacobian = mixtures.score_jacobian(np.zeros(offset.shape[-1]), offset, weights, variance, tau)
    void = np.isnan(jacobian[..., 0, 0])
    found = np.linalg.eigvalsh(np.where(void[..., None, None], 0.0, jacobian))[..., ::-1]
    eigenvalue = np.where(void[..., None], np.nan, found)
    divergence = np.asarray(tau)[..., None] + rotation.riccati_divergence(eigenvalue)
    between = sum(
        weights[..., j, None, None] * offset[..., j, :, None] * offset[..., j, None, :] for j in range(offset.shape[-2])
    )
    leading = 0.5 * (np.linalg.eigvalsh(between)[..., ::-1] - np.asarray(variance)[..., None])
    carried = rotation.riccati_eigenvalue(eigenvalue, np.asarray(elapsed)[..., None])
    return tuple(np.broadcast_arrays(eigenvalue, divergence, leading, divergence - leading, carried))
