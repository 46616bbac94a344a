"""The score as a Burgers velocity: the terms of its equations, in every form, and the residual that they leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_numbers, show, switch
from scoreshock.conventions import Variable, attributes, variables
from scoreshock.kernels.burgers import forms as kernel
from scoreshock.kernels.burgers.differences import DOUBLE, Field
from scoreshock.kernels.burgers.forms import OF_MIXTURES, VELOCITY
from scoreshock.kernels.burgers.terms import Terms
from scoreshock.options import TAU, Names, Switch, X, positive
from scoreshock.quantities.declaration import Problems, quantity
from scoreshock.quantities.fields import LOG_DENSITY, SCORE
from scoreshock.quantities.labelled import Arguments, apply, checked_mixture, checked_names, mixture_arguments
from scoreshock.quantities.points import (
    GridSpec,
    Numbers,
    Points,
    diffusion_times,
    explained,
    labelled_numbers,
    line_direction,
    on_line,
    on_the_line,
    positions,
    times,
    with_times,
)
from scoreshock.quantities.shared_variables import POSITION, TAU_STATUS

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

METHODS = ("analytic", "differences")

TERMS = variables(
    """
    rate_term(feature), residual_status: time derivative
        | Left-hand side of the equation. From the density itself, not from the equation that it checks. | (18)
    diffusion_term(feature), residual_status: diffusion term
        | Term with the Laplacian, on the right-hand side of the equation. With its sign and coefficient in the form of the
        equation. | (18), (24)
    advection_term(feature), residual_status: nonlinear term
        | On the right-hand side of the equation: 2 (s . grad) s of the score, -(u . grad) u of the Burgers velocity. |
        (18), (24)
    growth_term(feature), residual_status: growth term
        | Term with the field itself, on the right-hand side of the equation. The field times its coefficient; zero in forms
        that have no such term. | (78)
    transport_term(feature), residual_status: transport term
        | (x . grad) of the field, on the right-hand side of the equation. Of forms in which the signal shrinks, zero in
        others. | (78)
    """
)
RESIDUAL, LARGEST_TERM, RESIDUAL_RELATIVE, RESIDUAL_ERROR, RESIDUAL_STATUS, BURGERS_VELOCITY = variables(
    """
    residual(feature), residual_status: left-hand side minus right-hand side of the equation
    largest_term, residual_status: length of the longest term of the equation at the point | The scale of residual_relative.
    residual_relative, residual_status: residual relative to the longest term at the point
        | Rounding where the equation holds; 0 where all terms are exactly zero.
    residual_error, residual_status: estimated bound on the residual's numerical error
    residual_status: outcome of the residual
    burgers_velocity(feature): Burgers velocity u
        | -2 s, or -2 nu s where the viscosity is nu.
    """
)
ALONG = tuple(
    replace(
        term,
        long_name=f"{term.long_name}, along the line through the layer",
        dims=("form",),
    )
    for term in TERMS
)
"""Terms of several forms: components along the line through the layer, of the log density the terms themselves."""

OF_FORMS = tuple(replace(variable, dims=("form",)) for variable in (RESIDUAL_RELATIVE, LARGEST_TERM, RESIDUAL_STATUS))


def _conservation(sweep: Any) -> Problems:
    forms = sweep.options["forms"]
    if sweep.features > 1 and "conservation" in forms:
        shape = f"this one has {sweep.components} components in {sweep.features} features"
        yield ("forms", forms.index("conservation")), f"'conservation' is a form in one dimension; {shape}"


@quantity(
    (*OF_FORMS, *ALONG, POSITION, TAU_STATUS),
    {
        "x": X,
        "tau": TAU,
        "forms": Names("forms of the equation", ["score", "burgers", "vp", "log-density"], known=tuple(EQUATIONS)),
        "terms": Switch("whether to give the terms of the equations, along the line"),
    },
    seconds=(2.2e-5, 4e-6),
    problems=_conservation,
)
def burgers(
    mixture: xr.Dataset,
    x: GridSpec,
    tau: GridSpec,
    forms: Sequence[str] = ("score",),
    terms: bool = False,
) -> xr.Dataset:
    """Residuals of the score's equation in several forms, along the line through the layer."""
    at = diffusion_times(mixture, tau)
    points = on_line(mixture, x, at)
    found = residuals(mixture, points, at, forms, terms)
    found = explained(found, on_the_line(points), "residual_status")
    clock = "tau" if "tau" in at.dims else "tau_scaled"
    line = next(str(dim) for dim in points.dims if dim in ("x", "x_scaled"))
    return with_times(found.assign(position=points), at, "residual_status").transpose(..., clock, line, "form", "feature")


def residuals(
    mixture: xr.Dataset, x: Points, tau: Numbers, forms: Sequence[str] = ("score",), terms: bool = False
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
    forms = checked_names("forms", forms, tuple(EQUATIONS))
    for form in forms:
        checked_method(mixture, form, None)
    relative, largest, status = OF_FORMS
    found = apply(
        kernel.several_forms,
        mixture_arguments(
            mixture,
            dimension=mixture.ambient_dimension,
            tau=times(tau),
            x=(positions(mixture, x), ("feature",)),
            direction=(line_direction(mixture), ("feature",)),
        ),
        [relative, largest, *(ALONG if terms else ()), status],
        sizes={"form": len(forms)},
        forms=forms,
    )
    return found.assign_coords(form=("form", list(forms), attributes("form")))


def burgers_residual(
    field: xr.Dataset | Field,
    x: Points,
    tau: Numbers,
    form: str = "score",
    coefficient: Numbers = 1.0,
    method: str | None = None,
    length: Numbers | None = None,
    duration: Numbers | None = None,
    precision: float = DOUBLE,
    richardson: bool = True,
) -> xr.Dataset:
    """Terms of the score's equation at ``x`` and ``tau``, in one of its forms, and their residual.

    Parameters
    ----------
    field
        A labelled mixture, whose sweep dimensions carry over; or any score as a function of points ``(..., d)`` and times
        ``(...)``, returning ``(..., d)``, each point by itself (a score network, say).
    x
        As in ``ss.score``; for a function an array (d,) or (n, d), or a DataArray with dimension ``feature``. In the
        coordinates of the path where the form is ``vp``.
    tau
        Diffusion time, for ``vp`` the effective one (80); for a function its own time.
    form
        A name in ``EQUATIONS``; a function has all but ``conservation`` and ``log-density``.
    coefficient
        At that time: ``g^2`` of the physical forms, ``beta`` of ``vp``, viscosity of ``cole-hopf``; unused by the others.
    method
        For a mixture ``analytic`` (default: closed forms in twice the working precision, the time derivative from the
        density) or ``differences``; for a function ``differences``.
    length, duration, precision, richardson
        Of the differences, as in ``kernels.burgers.differences.derivatives``; by default the length is
        ``v/(sqrt(v) + extent)`` of a mixture, at most its layer's width, and 1 of a function.

    Returns
    -------
    Dataset
        ``rate_term`` and the terms of the right-hand side with their signs; ``residual``, their difference;
        ``largest_term`` and ``residual_relative``, per point, in Euclidean length; the field itself (``score``,
        ``burgers_velocity`` or ``log_density``); ``residual_status``; and with differences ``residual_error``. Where
        all terms vanish together (a centre of symmetry), the relative residual counts the longest as at least 2^-60
        of the numbers whose differences they are, and is 0 where they are exactly zero. Terms are ``(...,
        feature)``, of ``log-density`` ``(...)``, in units of the field over the data squared; relative residuals are
        dimensionless.

    Raises
    ------
    ValueError
        For a form or method that is not available, points of another number of features, or a negative ``tau``.

    Notes
    -----
    Status ``singular`` where ``v = 0``; ``not_applicable`` where ``tau`` is NaN, or 0 with differences. A residual well
    above ``residual_error`` says that the field is not the score of any heat flow.

    References
    ----------
    arXiv:2604.07404, (13), (18), (24), (62)-(63), (78).

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.25, weight=0.7)
    >>> found = ss.burgers_residual(pair, np.array([-1e4, 0.0, 0.3, 1e4]), tau=0.1)
    >>> bool((found.residual_relative < 1e-12).all())
    True
    >>> network = lambda x, tau: -1.1 * x / (1 + 2 * tau)[..., None]  # ten per cent too steep
    >>> round(float(ss.burgers_residual(network, np.array([2.0]), tau=0.5).residual_relative), 3)
    0.091
    """
    method = checked_method(field, form, method)
    at = {"tau": times(tau), "coefficient": labelled_numbers("coefficient", coefficient)}
    options: dict[str, Any] = {"form": form}
    points = positions(field, x) if isinstance(field, xr.Dataset) else points_of(x)
    given: Arguments = mixture_arguments(field) if isinstance(field, xr.Dataset) else {}
    function: Callable[..., Terms] = kernel.analytic
    if method == "differences":
        function = kernel.of_mixture_by_differences if given else kernel.by_differences
        at |= {"length": _step("length", length), "duration": _step("duration", duration)}
        options |= {"precision": positive(precision, "precision"), "richardson": switch("richardson", richardson)}
        options |= {} if given else {"field": field}
    else:
        given["dimension"] = field.ambient_dimension  # type: ignore[union-attr]
    found = apply(function, {**given, **at, "x": (points, ("feature",))}, _outputs(form, method), **options)
    named = found.rename(field=_value(form).name)
    return named.assign_attrs(equation=EQUATIONS[form], form=form, method=method)


def _step(name: str, step: Numbers | None) -> xr.DataArray:
    """The length or duration of differences; NaN for the default."""
    return xr.DataArray(np.nan) if step is None else labelled_numbers(name, step)


def _value(form: str) -> Variable:
    """The field of a form's equation."""
    return LOG_DENSITY if form == "log-density" else BURGERS_VELOCITY if form in VELOCITY else SCORE


def _outputs(form: str, method: str) -> list[Variable]:
    """Variables of a form, of which the first is the ``field``."""
    lacking = {"conservation": ("advection_term", "growth_term", "transport_term"), "vp": ()}
    left_out = lacking.get(form, ("growth_term", "transport_term"))
    vectors = [replace(_value(form), name="field"), *(term for term in TERMS if term.name not in left_out), RESIDUAL]
    if form == "log-density":
        vectors = [replace(variable, dims=()) for variable in vectors]
    errors = [RESIDUAL_ERROR] if method == "differences" else []
    return [*vectors, LARGEST_TERM, RESIDUAL_RELATIVE, *errors, RESIDUAL_STATUS]


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
    """``x`` as a DataArray, for a function whose number of features is arbitrary."""
    if isinstance(x, xr.DataArray):
        if "feature" not in x.dims:
            raise ValueError(f"x: dimensions {x.dims}; allowed: any that include feature")
        return labelled_numbers("x", x)
    array = np.atleast_1d(as_numbers("x", x))
    if array.ndim > 2:
        raise ValueError(f"x: shape {array.shape}; allowed: (d,) or (points, d), or a number in one dimension")
    return xr.DataArray(array, dims=("point", "feature")[-array.ndim :])
