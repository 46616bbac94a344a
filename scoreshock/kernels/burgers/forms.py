"""The score's equation in each of its forms, for a mixture or for any field, and the residual that it leaves.

Forms: ``score`` (18), (62); ``burgers`` (24), (63); ``physical`` (25); ``physical-burgers`` (26); ``vp`` (78); ``cole-hopf``
(16); ``conservation`` (23); ``log-density``, which the heat equation implies. The coefficient is ``g**2`` of the physical
forms, ``beta`` of ``vp`` and the viscosity of ``cole-hopf``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.burgers import terms as equations
from scoreshock.kernels.burgers.differences import Field, derivatives, field_terms, mixture_field
from scoreshock.kernels.burgers.terms import Terms
from scoreshock.kernels.numerics.vectors import dot

OF_MIXTURES = ("conservation", "log-density")
"""Forms that need the density or its moments, not the score alone."""

VELOCITY = ("burgers", "physical-burgers", "cole-hopf")
"""Forms of the velocity ``u = -2 s``, of ``cole-hopf`` ``u = -2 nu s``."""


class Residuals(NamedTuple):
    """Residuals of several forms, (..., forms), and components of their terms along a direction."""

    residual_relative: np.ndarray
    largest_term: np.ndarray
    rate_term: np.ndarray
    diffusion_term: np.ndarray
    advection_term: np.ndarray
    growth_term: np.ndarray
    transport_term: np.ndarray
    residual_status: np.ndarray


def analytic(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    dimension: np.ndarray,
    tau: np.ndarray,
    coefficient: Any,
    x: np.ndarray,
    form: str,
) -> Terms:
    """Terms of a form for a mixture by closed forms, with their residual and its status.

    Parameters
    ----------
    means, weights, variance, dimension, tau, x
        As in `terms.log_density_terms`; ``x`` in the coordinates of the path where the form is ``vp``.
    coefficient : array (...)
        Of the form, see above.
    form : str
        Any of the forms above; ``conservation`` for n = 1.

    Examples
    --------
    >>> one = np.zeros((1, 1)), np.ones(1), np.array(1.0), np.array(1), np.array(0.5)
    >>> analytic(*one, np.array(1.0), np.array([4.0]), "burgers").rate_term.tolist()  # u = 2 x/v
    [-4.0]
    """
    if form == "log-density":
        terms = equations.log_density_terms(x, means, weights, variance, tau, dimension)
    elif form == "conservation":
        terms = equations.conservation_terms(x, means, weights, variance, tau)
    else:
        alpha = _signal(tau) if form == "vp" else 1.0
        drift, squared = _drift_and_diffusion(form, coefficient)
        terms = equations.score_terms(x, means, weights, variance, tau, alpha, drift, squared)
        terms = _in_form(terms, form, coefficient)
    return terms._replace(residual_status=status_of(terms, variance + 2 * tau, tau))


def several_forms(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    dimension: np.ndarray,
    tau: np.ndarray,
    x: np.ndarray,
    direction: np.ndarray,
    forms: tuple[str, ...],
) -> Residuals:
    """Residuals of ``forms`` with coefficients one at ``x (..., n)`` in diffusion time's coordinates.

    Terms are components along ``direction (..., n)``, of ``log-density`` the terms themselves.

    Examples
    --------
    >>> one = np.zeros((1, 1)), np.ones(1), np.array(1.0), np.array(1), np.array(0.5)
    >>> several_forms(*one, np.array([4.0]), np.array([1.0]), ("score", "burgers")).rate_term.tolist()
    [2.0, -4.0]
    """
    columns = []
    for form in forms:
        at = x * _signal(tau)[..., None] if form == "vp" else x
        terms = analytic(means, weights, variance, dimension, tau, np.ones(()), at, form)
        along = (term if form == "log-density" else dot(term, direction) for term in terms[1:6])
        columns.append(np.broadcast_arrays(terms.residual_relative, terms.largest_term, *along, terms.residual_status))
    return Residuals._make(np.stack(column, axis=-1) for column in zip(*columns, strict=True))


def by_differences(
    tau: np.ndarray,
    coefficient: np.ndarray,
    length: np.ndarray,
    duration: np.ndarray,
    x: np.ndarray,
    field: Field,
    form: str,
    precision: float,
    richardson: bool,
) -> Terms:
    """Residual of a form for any ``field`` in the time of the form, by differences with steps as in `derivatives`.

    ``length`` is 1 and ``duration`` its square where they are NaN. ``not_applicable`` where ``tau`` is 0 or NaN.

    Examples
    --------
    >>> too_steep = lambda x, tau: -1.1 * x / (1 + 2 * tau)[..., None]
    >>> nothing = np.array(np.nan), np.array(np.nan)
    >>> result = by_differences(np.array(0.5), np.array(1.0), *nothing, np.array([2.0]), too_steep, "score", 2**-52, True)
    >>> round(float(result.residual_relative), 3)
    0.091
    """
    length = np.where(np.isnan(length), 1.0, length)
    duration = np.where(np.isnan(duration), length**2, duration)
    result = derivatives(field, x, tau, length, duration, precision, richardson)
    terms = _in_form(field_terms(result, x, *_drift_and_diffusion(form, coefficient)), form, coefficient)
    return terms._replace(residual_status=status_of(terms, 1.0, tau, needs_earlier=True))


def of_mixture_by_differences(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    coefficient: np.ndarray,
    length: np.ndarray,
    duration: np.ndarray,
    x: np.ndarray,
    form: str,
    precision: float,
    richardson: bool,
) -> Terms:
    """As `by_differences` for a mixture's score, whose time is diffusion time: physical time runs g^2/2 times as fast."""
    score, x, v, length = mixture_field(means, weights, variance, tau, x, length)
    duration = np.where(np.isnan(duration), length**2, duration)
    terms = field_terms(derivatives(score, x, tau, length, duration, precision, richardson), x)
    speed = 0.5 * coefficient if form.startswith("physical") else 1.0
    terms = _in_form(equations.rescaled(terms, 1.0, speed), form, coefficient)
    return terms._replace(residual_status=status_of(terms, v, tau, needs_earlier=True))


def status_of(terms: Any, v: Any, tau: Any, needs_earlier: bool = False) -> np.ndarray:
    """Status (...) of terms with a ``residual_relative``; with ``needs_earlier`` there is none at ``tau = 0``."""
    status = np.where(np.isfinite(terms.residual_relative), Status.ok, Status.failed)
    status = np.where(np.isnan(tau) | (needs_earlier & (np.asarray(tau) == 0)), Status.not_applicable, status)
    return np.where(np.asarray(v) == 0, Status.singular, status).astype(np.int8)


def _signal(tau: np.ndarray) -> np.ndarray:
    """Signal coefficient alpha of the variance-preserving process at its effective diffusion time."""
    return 1 / np.sqrt(1 + 2 * tau)


def _drift_and_diffusion(form: str, coefficient: np.ndarray) -> tuple[Any, Any]:
    """``f`` of the drift ``f x`` and ``g**2``."""
    if form == "vp":
        return -0.5 * coefficient, coefficient
    return 0.0, coefficient if form.startswith("physical") else 2.0


def _in_form(terms: Terms, form: str, coefficient: np.ndarray) -> Terms:
    if form == "cole-hopf":
        return equations.rescaled(terms, -2 * coefficient, coefficient)
    return equations.rescaled(terms, -2.0) if form in VELOCITY else terms
