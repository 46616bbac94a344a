"""The score as a Burgers velocity: the terms of its equations, in every form, and what they leave over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_numbers, show
from scoreshock.conventions import FORMS, Status, attributes
from scoreshock.kernels.burgers import differences
from scoreshock.kernels.burgers import terms as kernel
from scoreshock.kernels.gaussian import geometry
from scoreshock.kernels.gaussian import mixture as mixtures
from scoreshock.quantities.labelled import Output, apply, checked_mixture, checked_names, mixture_arguments
from scoreshock.quantities.points import (
    Points,
    diffusion_times,
    explained,
    inner,
    labelled_numbers,
    line_direction,
    on_line,
    on_the_line,
    positions,
    times,
    with_times,
)

Field = Callable[[np.ndarray, np.ndarray], np.ndarray]
Argument = tuple[xr.DataArray, tuple[str, ...]]

EQUATIONS = {
    "score": "(18), (62): s_tau = Lap s + 2 (s . grad) s",
    "burgers": "(24), (63): u_tau = Lap u - (u . grad) u, u = -2 s",
    "physical": "(25): s_t = 1/2 g^2 [Lap s + 2 (s . grad) s]",
    "physical-burgers": "(26): u_t = 1/2 g^2 [Lap u - (u . grad) u], u = -2 s",
    "vp": "(78): s_t = 1/2 beta [Lap s + 2 (s . grad) s + s + (x . grad) s]",
    "cole-hopf": "(16): u_t = nu Lap u - (u . grad) u, u = -2 nu s, tau = nu t",
    "conservation": "(23): s_tau = d/dx (s_x + s^2)",
    "log-density": "h_tau = Lap h + |grad h|^2, h = ln p",
}
"""Forms of the equation, each as ``rate_term = diffusion_term + advection_term + ...``."""

OF_MIXTURES = ("conservation", "log-density")
"""Forms that need the density or its moments, not the score alone."""

VELOCITY = ("burgers", "physical-burgers", "cole-hopf")

METHODS = ("analytic", "differences")


ALONG = ("rate_term", "diffusion_term", "advection_term", "growth_term", "transport_term")
"""Terms of an equation, in the order of the kernel's; those that a form does not have are zero."""


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content: :func:`residuals` along the line through the layer."""
    options = dict(content["options"])
    tau = diffusion_times(mixture, options.pop("tau"))
    x = on_line(mixture, options.pop("x"), tau)
    found = residuals(mixture, x, tau, **options)
    found = explained(found, on_the_line(x), "residual_status")
    clock = "tau" if "tau" in tau.dims else "tau_scaled"
    line = next(str(dim) for dim in x.dims if dim in ("x", "x_scaled"))
    return with_times(found.assign(position=x), tau, "residual_status").transpose(..., clock, line, "form", "feature")


def residuals(
    mixture: xr.Dataset, x: Points, tau: float | xr.DataArray, forms: Sequence[str] = ("score",), terms: bool = False
) -> xr.Dataset:
    """Residuals of several forms of the score's equation at ``x`` and ``tau``, by closed forms.

    Parameters
    ----------
    mixture, x, tau
        As in :func:`burgers_residual`; ``x`` in the coordinates of diffusion time for every form.
    forms
        Names in ``EQUATIONS``, with coefficients one.
    terms
        Whether to give the terms of the equations too.

    Returns
    -------
    Dataset
        ``residual_relative``, ``largest_term`` and ``residual_status`` ``(..., form)``; with ``terms`` the components of
        ``rate_term, diffusion_term, advection_term, growth_term, transport_term`` along the line through the layer (of
        ``log-density`` the terms themselves); those that a form does not have are zero.

    Raises
    ------
    ValueError
        For a form that is not available.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.25, weight=0.7)
    >>> found = residuals(pair, np.array([0.0, 0.3]), 0.1, forms=["burgers", "vp"])
    >>> bool((found.residual_relative < 1e-12).all()), found.form.values.tolist()
    (True, ['burgers', 'vp'])
    """
    forms = checked_names("forms", forms, FORMS)
    for form in forms:
        checked_method(mixture, form, None)
    own = ("form",)
    given = [(mixture.ambient_dimension, ()), (times(tau), ())]
    found = apply(
        _of_forms,
        [
            *mixture_arguments(mixture),
            *given,
            (positions(mixture, x), ("feature",)),
            (line_direction(mixture), ("feature",)),
        ],
        [
            *(Output(name, own) for name in ("residual_relative", "largest_term", *(ALONG if terms else ()))),
            Output("residual_status", own, np.int8),
        ],
        sizes={"form": len(forms)},
        forms=forms,
        terms=terms,
    )
    for name in ALONG if terms else ():
        found[name].attrs["long_name"] += ", along the line through the layer"
    return found.assign_coords(form=("form", list(forms), attributes("form")))


def burgers_residual(
    field: xr.Dataset | Field,
    x: Points,
    tau: float | xr.DataArray,
    form: str = "score",
    coefficient: float | xr.DataArray = 1.0,
    method: str | None = None,
    length: float | xr.DataArray | None = None,
    duration: float | xr.DataArray | None = None,
    precision: float = differences.DOUBLE,
    richardson: bool = True,
) -> xr.Dataset:
    """Terms of the score's equation at ``x`` and ``tau``, in one of its forms, and what they leave over.

    Parameters
    ----------
    field
        A labelled mixture, whose sweep dimensions carry over; or any score as a function of points ``(..., d)`` and times
        ``(...)``, returning ``(..., d)``, each point by itself (a score network, say).
    x
        As in ``ss.score``; for a function an array (d,) or (n, d), or a DataArray with dimension ``feature``. In the
        path's own coordinates where the form is ``vp``.
    tau
        Diffusion time, for ``vp`` the effective one (80); for a function the time in its own clock.
    form
        A name in ``EQUATIONS``; a function has all but ``conservation`` and ``log-density``.
    coefficient
        At that time: ``g^2`` of the physical forms, ``beta`` of ``vp``, viscosity of ``cole-hopf``; unused by the others.
    method
        For a mixture ``analytic`` (default: closed forms in twice the working precision, the time derivative from the
        density) or ``differences``; for a function ``differences``.
    length, duration, precision, richardson
        Of the differences, as in ``kernels.differences.derivatives``; by default the length is ``v/(sqrt(v) + extent)`` of
        a mixture, at most its layer's width, and 1 of a function.

    Returns
    -------
    Dataset
        ``rate_term`` and the terms of the right-hand side with their signs; ``residual``, their difference;
        ``largest_term`` and ``residual_relative``, per point, in Euclidean length; the field itself (``score``,
        ``burgers_velocity`` or ``log_density``); ``residual_status``; and with differences ``residual_error``. Where all
        terms vanish together (a centre of symmetry), the relative residual counts the longest as at least 2^-60 of
        what they are differences of, and is 0 where they are exactly zero.

    Raises
    ------
    ValueError
        For a form or method that is not available, points of another number of features, or a negative ``tau``.

    Notes
    -----
    Status ``singular`` where ``v = 0``; ``not_applicable`` where ``tau`` is NaN, or 0 with differences. A residual well
    above ``residual_error`` says that the field is not the score of any heat flow.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.25, weight=0.7)
    >>> found = burgers_residual(pair, np.array([-1e4, 0.0, 0.3, 1e4]), tau=0.1)
    >>> bool((found.residual_relative < 1e-12).all())
    True
    >>> network = lambda x, tau: -1.1 * x / (1 + 2 * tau)[..., None]  # ten per cent too steep
    >>> round(float(burgers_residual(network, np.array([2.0]), tau=0.5).residual_relative), 3)
    0.091
    """
    method = checked_method(field, form, method)
    at, factor = times(tau), labelled_numbers("coefficient", coefficient)
    given_steps = {"length": length, "duration": duration}
    steps = [
        (xr.DataArray(np.nan) if step is None else labelled_numbers(name, step), ()) for name, step in given_steps.items()
    ]
    options: dict[str, Any] = {"form": form}
    if method == "differences":
        options |= {"precision": precision, "richardson": richardson}
    function: Callable[..., Any]
    arguments: list[Argument]
    if not isinstance(field, xr.Dataset):
        function, options = _by_differences, options | {"field": field}
        arguments = [(at, ()), (factor, ()), *steps, (points_of(x), ("feature",))]
    elif method == "differences":
        function = _of_mixture_by_differences
        arguments = [*mixture_arguments(field), (at, ()), (factor, ()), *steps, (positions(field, x), ("feature",))]
    else:
        function, points = _analytic, positions(field, x)
        given = [(field.ambient_dimension, ()), (at, ()), (factor, ())]
        arguments = [*mixture_arguments(field), *given, (points, ("feature",))]
    found = apply(function, arguments, _outputs(form, method), **options)
    return found.assign_attrs(equation=EQUATIONS[form], form=form, method=method)


def _outputs(form: str, method: str) -> list[Output]:
    """What a form's kernels return, as `_wanted` has it."""
    value = "log_density" if form == "log-density" else "burgers_velocity" if form in VELOCITY else "score"
    own = () if form == "log-density" else ("feature",)
    advection = [] if form == "conservation" else ["advection_term"]
    drift = ["growth_term", "transport_term"] if form == "vp" else []
    names = [value, "rate_term", "diffusion_term", *advection, *drift, "residual"]
    outputs = [*(Output(name, own) for name in names), Output("largest_term"), Output("residual_relative")]
    if method == "differences":
        outputs.append(Output("residual_error"))
    return [*outputs, Output("residual_status", (), np.int8)]


def checked_method(field: xr.Dataset | Field, form: str, method: str | None, jacobian: Field | None = None) -> str:
    """The method, if it and the form are available for the field."""
    is_mixture = checked_field(field)
    method = ("analytic" if is_mixture else "differences") if method is None else method
    methods = METHODS if is_mixture else METHODS[:1] if jacobian is not None else METHODS[1:]
    if not isinstance(method, str) or method not in methods:
        raise ValueError(f"method: {show(method)} is not available; allowed: {', '.join(methods)}")
    forms = list(EQUATIONS)
    if method == "differences":
        forms = [name for name in forms if name not in OF_MIXTURES and not (is_mixture and name == "vp")]
    if not isinstance(form, str) or form not in forms:
        raise ValueError(f"form: {show(form)} is not available with {method}; allowed: {', '.join(forms)}")
    if form == "conservation" and isinstance(field, xr.Dataset) and field.sizes["feature"] != 1:
        raise ValueError(f"form: 'conservation' has one dimension; the mixture has {field.sizes['feature']} features")
    return method


def checked_field(field: Any) -> bool:
    """Whether the field is a mixture, not a function; ``ValueError`` where it is neither."""
    if isinstance(field, xr.Dataset):
        checked_mixture(field, "field")
        return True
    if not callable(field):
        raise ValueError(f"field = {show(field)} is not allowed; allowed: a mixture, or a function of (x, tau)")
    return False


def points_of(x: Points) -> xr.DataArray:
    """``x`` as a DataArray, for a function whose number of features is not known."""
    if isinstance(x, xr.DataArray):
        if "feature" not in x.dims:
            raise ValueError(f"x: dimensions {x.dims}; allowed: any that include feature")
        return labelled_numbers("x", x)
    array = as_numbers("x", x)
    if array.ndim not in (1, 2):
        raise ValueError(f"x: shape {array.shape}; allowed: (d,) or (points, d)")
    return xr.DataArray(array, dims=("point", "feature")[-array.ndim :])


def _analytic(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    dimension: np.ndarray,
    tau: np.ndarray,
    coefficient: np.ndarray,
    x: np.ndarray,
    form: str,
) -> tuple[np.ndarray, ...]:
    terms = _terms(means, weights, variance, dimension, tau, coefficient, x, form)
    return (*_wanted(terms, form), status_of(terms, variance + 2 * tau, tau))


def _terms(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    dimension: np.ndarray,
    tau: np.ndarray,
    coefficient: Any,
    x: np.ndarray,
    form: str,
) -> kernel.Terms:
    """Terms of a form of the equation by closed forms."""
    if form == "log-density":
        return kernel.log_density_terms(x, means, weights, variance, tau, dimension)
    if form == "conservation":
        return kernel.conservation_terms(x, means, weights, variance, tau)
    alpha = _signal(tau) if form == "vp" else 1.0
    drift, squared = _clock(form, coefficient)
    return _in_form(kernel.affine_terms(x, means, weights, variance, tau, alpha, drift, squared), form, coefficient)


def _signal(tau: np.ndarray) -> np.ndarray:
    """Signal coefficient alpha of the VP process at its effective diffusion time."""
    return 1 / np.sqrt(1 + 2 * tau)


def _of_forms(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    dimension: np.ndarray,
    tau: np.ndarray,
    x: np.ndarray,
    direction: np.ndarray,
    forms: tuple[str, ...],
    terms: bool,
) -> tuple[np.ndarray, ...]:
    """Relative residual, largest term, terms along ``direction (..., n)`` if wanted, and status, (..., forms) each."""
    columns = []
    for form in forms:
        place = x * _signal(tau)[..., None] if form == "vp" else x
        found = _terms(means, weights, variance, dimension, tau, np.ones(()), place, form)
        named = (found.rate, found.diffusion, found.advection, found.growth, found.transport) if terms else ()
        along = (term if form == "log-density" else inner(term, direction) for term in named)
        status = status_of(found, variance + 2 * tau, tau)
        columns.append(np.broadcast_arrays(found.relative, found.largest, *along, status))
    return tuple(np.stack(column, axis=-1) for column in zip(*columns, strict=True))


def _clock(form: str, coefficient: np.ndarray) -> tuple[Any, Any]:
    """``f`` of the drift ``f x`` and ``g**2``."""
    if form == "vp":
        return -0.5 * coefficient, coefficient
    return 0.0, coefficient if form.startswith("physical") else 2.0


def _in_form(terms: kernel.Terms, form: str, coefficient: np.ndarray) -> kernel.Terms:
    if form == "cole-hopf":
        return kernel.rescaled(terms, -2 * coefficient, coefficient)
    return kernel.rescaled(terms, -2.0) if form in VELOCITY else terms


def _wanted(terms: kernel.Terms, form: str) -> tuple[np.ndarray, ...]:
    advection = () if form == "conservation" else (terms.advection,)
    drift = (terms.growth, terms.transport) if form == "vp" else ()
    first = (terms.field, terms.rate, terms.diffusion, *advection, *drift, terms.residual)
    return (*first, terms.largest, terms.relative)


def status_of(terms: Any, v: Any, tau: Any, needs_earlier: bool = False) -> np.ndarray:
    status = np.where(np.isfinite(terms.relative), Status.ok, Status.failed)
    status = np.where(np.isnan(tau) | (needs_earlier & (np.asarray(tau) == 0)), Status.not_applicable, status)
    return np.where(np.asarray(v) == 0, Status.singular, status).astype(np.int8)


def _by_differences(
    tau: np.ndarray,
    coefficient: np.ndarray,
    length: np.ndarray,
    duration: np.ndarray,
    x: np.ndarray,
    field: Field,
    form: str,
    precision: float,
    richardson: bool,
) -> tuple[np.ndarray, ...]:
    length = np.where(np.isnan(length), 1.0, length)
    duration = np.where(np.isnan(duration), length**2, duration)
    found = differences.derivatives(field, x, tau, length, duration, precision, richardson)
    terms, error = differences.field_terms(found, x, *_clock(form, coefficient))
    terms, error = _in_form(terms, form, coefficient), error * _stretch(form, coefficient)
    return (*_wanted(terms, form), error, status_of(terms, 1.0, tau, needs_earlier=True))


def _of_mixture_by_differences(
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
) -> tuple[np.ndarray, ...]:
    score, x, v, length = steps_of_mixture(means, weights, variance, tau, x, length)
    duration = np.where(np.isnan(duration), length**2, duration)
    found = differences.derivatives(score, x, tau, length, duration, precision, richardson)
    terms, error = differences.field_terms(found, x)
    # A mixture's clock is diffusion time; physical time runs g^2/2 times as fast.
    speed = 0.5 * coefficient if form.startswith("physical") else 1.0
    terms = _in_form(kernel.rescaled(terms, 1.0, speed), form, coefficient)
    error = error * speed * _stretch(form, coefficient)
    return (*_wanted(terms, form), error, status_of(terms, v, tau, needs_earlier=True))


def _stretch(form: str, coefficient: np.ndarray) -> Any:
    """Length of a form's terms over that of the score's."""
    return 2 * coefficient**2 if form == "cole-hopf" else 2.0 if form in VELOCITY else 1.0


def steps_of_mixture(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, x: np.ndarray, length: Any
) -> tuple[Field, np.ndarray, np.ndarray, np.ndarray]:
    """A mixture's score as a function, its points over the whole shape, v, and a length over which the score varies."""
    v = variance + 2 * tau
    offset = geometry.centred(means, weights)
    extent = kernel.lengths(np.moveaxis(offset, -1, 0)).max(axis=-1)
    length = np.where(np.isnan(length), v / (np.sqrt(v) + extent), length)
    shape = np.broadcast_shapes(x.shape[:-1], v.shape, means.shape[:-2], weights.shape[:-1])

    def score(x: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return mixtures.score(x, means, weights, variance, tau)

    return score, np.broadcast_to(x, shape + x.shape[-1:]), v, length
