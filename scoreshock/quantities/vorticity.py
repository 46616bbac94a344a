"""Vorticity of a score or of any field, its equation, and the inviscid evolution of the score's Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import show
from scoreshock.conventions import Variable, variables
from scoreshock.kernels.burgers import riccati as inviscid
from scoreshock.kernels.burgers import rotation
from scoreshock.kernels.burgers.differences import DOUBLE, Field
from scoreshock.kernels.burgers.vorticity import BURGERS, SCORE, VorticityTerms
from scoreshock.options import positive
from scoreshock.quantities.burgers import (
    LARGEST_TERM,
    RESIDUAL,
    RESIDUAL_ERROR,
    RESIDUAL_RELATIVE,
    RESIDUAL_STATUS,
    TERMS,
    checked_field,
    checked_method,
    points_of,
)
from scoreshock.quantities.fields import SCORE_JACOBIAN, SQUARE
from scoreshock.quantities.labelled import Arguments, apply, mixture_arguments
from scoreshock.quantities.points import Numbers, Points, labelled_numbers, positions, times

VORTICITY = Variable("vorticity", "vorticity of the field", SQUARE, description="d_i s_j - d_j s_i.", references="(67)")
MEASURES = (
    VORTICITY,
    SCORE_JACOBIAN,
    Variable("vorticity_largest", "largest entry of the vorticity in magnitude"),
    Variable(
        "vorticity_relative",
        "relative size of the vorticity",
        description="Largest entry over that of the Jacobian, in magnitude.",
    ),
)
VORTICITY_ERROR, STRETCHING_TERM = variables(
    """
    vorticity_error: bound on the error of the vorticity's entries, by estimate
    stretching_term(feature, feature_other), residual_status: stretching term
        | Products of Jacobians, on the right-hand side of the vorticity equation. | (68)
    """
)
RESIDUALS = (
    VORTICITY,
    *(replace(term, dims=SQUARE, description="", references="(68)") for term in TERMS[:3]),
    STRETCHING_TERM,
    replace(RESIDUAL, dims=SQUARE),
    LARGEST_TERM,
    RESIDUAL_RELATIVE,
    RESIDUAL_ERROR,
    RESIDUAL_STATUS,
)
INVISCID = variables(
    """
    jacobian_eigenvalue(eigenmode): eigenvalue of the score Jacobian at the weighted mean
        | Largest first.
    tau_divergence(eigenmode): diffusion time at which the inviscid eigenvalue diverges
    cascade(eigenmode): leading-order speciation time of each eigenvalue
        | Of the between-class covariance. (eigenvalue - sigma0^2)/2. | (77)
    divergence_error(eigenmode): divergence time minus the leading speciation time
        | Of the inviscid eigenvalue.
    inviscid_eigenvalue(eigenmode): eigenvalue along an inviscid characteristic
        | Of the score Jacobian.
    """
)


def vorticity(
    field: xr.Dataset | Field,
    x: Points,
    tau: Numbers,
    jacobian: Field | None = None,
    method: str | None = None,
    length: Numbers | None = None,
    precision: float = DOUBLE,
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
        For a mixture ``analytic`` (its Jacobian is bitwise symmetric, and the vorticity zero) or ``differences`` (of
        the score: a measurement).
    length, precision
        As in :func:`burgers_residual`.

    Returns
    -------
    Dataset
        ``vorticity`` and ``score_jacobian (..., feature, feature_other)``, ``vorticity_largest``,
        ``vorticity_relative`` (largest entry over that of the Jacobian) and, by differences, ``vorticity_error``.
        Vorticity has the unit of the field over that of the data.

    Raises
    ------
    ValueError
        As of :func:`burgers_residual`, and for a Jacobian that is no function.

    Notes
    -----
    Definition 7.3, Theorem 7.5. The vorticity of ``u = -2 s`` is -2 times this.

    References
    ----------
    arXiv:2604.07404, (67), Definition 7.3, Theorem 7.5.

    Examples
    --------
    >>> import scoreshock as ss
    >>> import numpy as np
    >>> rotation = lambda x, tau: np.stack([-x[..., 1], x[..., 0]], axis=-1)
    >>> ss.vorticity(rotation, np.array([3.0, 4.0]), tau=1.0).vorticity.values.round(9).tolist()
    [[0.0, 2.0], [-2.0, 0.0]]
    """
    if jacobian is not None:
        _check_jacobian(jacobian)
    given = jacobian is not None and not isinstance(field, xr.Dataset)
    method = checked_method(field, "score", "analytic" if given else method, jacobian)
    outputs, options = list(MEASURES), dict[str, Any]()
    arguments: Arguments = {"tau": times(tau)}
    if method == "differences":
        outputs.append(VORTICITY_ERROR)
        options["precision"] = positive(precision, "precision")
        step = xr.DataArray(np.nan) if length is None else labelled_numbers("length", length)
        arguments = {"length": step, **arguments}
    function: Callable[..., rotation.Rotation]
    if isinstance(field, xr.Dataset):
        points = positions(field, x)
        arguments = mixture_arguments(field, **arguments)
        function = rotation.of_mixture_by_differences if method == "differences" else rotation.of_mixture
    else:
        points = points_of(x)
        function = rotation.by_differences if method == "differences" else rotation.of_jacobian
        options |= {"field": field} if method == "differences" else {"jacobian": jacobian}
    arguments["x"] = (points, ("feature",))
    sizes = {"feature_other": points.sizes["feature"]}
    return apply(function, arguments, outputs, sizes=sizes, **options).assign_attrs(method=method)


def vorticity_residual(
    field: xr.Dataset | Field,
    x: Points,
    tau: Numbers,
    jacobian: Field | None = None,
    form: str = "score",
    length: float = 1.0,
    duration: float | None = None,
    precision: float = DOUBLE,
) -> xr.Dataset:
    """Terms of the vorticity equation (68), and their residual, for any field with its Jacobian.

    Parameters
    ----------
    field, x, tau, jacobian
        As in :func:`vorticity`; the Jacobian is required of a function, since the equation has third derivatives of the
        field: the derivatives of the vorticity are differences of it.
    form
        ``score`` for a field s that obeys (62), ``burgers`` for one that obeys (63), as in the paper.
    length, duration, precision
        As in :func:`burgers_residual`; of the vorticity.

    Returns
    -------
    Dataset
        ``vorticity``, ``rate_term``, ``diffusion_term``, ``advection_term``, ``stretching_term`` and ``residual``
        ``(..., feature, feature_other)``; ``largest_term``, ``residual_relative`` and ``residual_error`` in
        Frobenius norm. Relative residuals are dimensionless.

    Raises
    ------
    ValueError
        As of :func:`vorticity`, for a form that is unknown, and for lengths that are not above 0.

    Notes
    -----
    ``omega_tau = Lap omega + c (s . grad) omega + c [(d_i s_l)(d_l s_j) - (d_j s_l)(d_l s_i)]`` with c = 2 (``score``) or
    -1 (``burgers``). With derivatives in closed form: ``kernels.burgers.vorticity.vorticity_terms``.

    References
    ----------
    arXiv:2604.07404, (62)-(63), (67)-(68).

    Examples
    --------
    >>> import scoreshock as ss
    >>> import numpy as np
    >>> shear = np.array([[0.3, -0.9], [0.5, 0.1]])  # u = S x with S = M (1 + tau M)^-1 solves Burgers
    >>> matrix = lambda tau: shear @ np.linalg.inv(np.eye(2) + tau[..., None, None] * shear)
    >>> u = lambda x, tau: (matrix(tau) @ x[..., None])[..., 0]
    >>> found = ss.vorticity_residual(u, np.array([1.0, -2.0]), 0.7, lambda x, tau: matrix(tau), form="burgers")
    >>> bool(found.residual_relative < 1e-8)
    True
    """
    checked_field(field)
    factors = {"score": SCORE, "burgers": BURGERS}
    if not isinstance(form, str) or form not in factors:
        raise ValueError(f"form: {show(form)} is not available; allowed: {', '.join(factors)}")
    options: dict[str, Any] = {
        "factor": factors[form],
        "length": positive(length, "length"),
        "duration": None if duration is None else positive(duration, "duration"),
        "precision": positive(precision, "precision"),
    }
    arguments: Arguments = {"tau": times(tau)}
    function: Callable[..., VorticityTerms]
    if isinstance(field, xr.Dataset):
        points, function = positions(field, x), rotation.mixture_residual
        arguments = mixture_arguments(field, **arguments)
    else:
        _check_jacobian(jacobian)
        points, function = points_of(x), rotation.residual
        options |= {"field": field, "jacobian": jacobian}
    arguments["x"] = (points, ("feature",))
    found = apply(function, arguments, RESIDUALS, sizes={"feature_other": points.sizes["feature"]}, **options)
    return found.assign_attrs(form=form, equation="(68)")


def _check_jacobian(jacobian: Any) -> None:
    if not callable(jacobian):
        raise ValueError(
            f"jacobian = {show(jacobian)} is not allowed; allowed: a function of (x, tau) that returns (..., d, d)"
        )


def riccati(mixture: xr.Dataset, tau: Numbers, elapsed: Numbers = 0.0) -> xr.Dataset:
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
        ``jacobian_eigenvalue (..., eigenmode)`` of the score at the weighted mean, largest first;
        ``tau_divergence``, where ``dJ/dtau = 2 J^2`` takes it to infinity; ``cascade``, the leading speciation time
        (77) of the same mode; and ``divergence_error``, their difference; and ``inviscid_eigenvalue`` after
        ``elapsed``, NaN beyond the divergence. Eigenvalues have the inverse unit of the data squared, times the unit
        of the data squared.

    Raises
    ------
    ValueError
        For what is no mixture, and for a negative ``tau``.

    Notes
    -----
    Remark 7.9 says that they are the same. They are not: with one mode the divergence depends on ``tau`` and lies at the
    variance ``-lambda v/(v - lambda)`` for a mode of variance lambda, on the other side of ``v = 0``.

    References
    ----------
    arXiv:2604.07404, Remark 7.9, (77).

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.riccati(ss.families.pair(separation=2.0, variance=1.0), tau=3.5)  # v = 8
    >>> found.cascade.item(), found.tau_divergence.item()
    (1.5, -4.5)
    """
    return apply(
        inviscid.riccati,
        mixture_arguments(mixture, tau=times(tau), elapsed=labelled_numbers("elapsed", elapsed)),
        INVISCID,
        sizes={"eigenmode": mixture.sizes["feature"]},
    )
