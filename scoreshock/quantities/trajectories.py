"""Trajectories between noise and data, and what a wrong score does to them, labelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_numbers, show, whole
from scoreshock.conventions import Status, attributes
from scoreshock.kernels.flow import growth, quantiles, sampling
from scoreshock.kernels.flow.trajectory import RTOL, Mixture, Profile
from scoreshock.kernels.gaussian.geometry import half_distance
from scoreshock.kernels.numerics.runge_kutta import length
from scoreshock.quantities.labelled import MEANS, Output, apply, checked_mixture, mixture_arguments
from scoreshock.quantities.points import (
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

RTOL_LEAST, RTOL_MOST = 1e-12, 1e-2
"""Allowed relative tolerances: double precision carries no smaller one, and a larger one finds no layer."""

STATUSES = ("trajectory_status", "exact_status", "trajectory_difference_status", "growth_status")

Bias = float | np.ndarray | list | xr.DataArray
ErrorField = Callable[[np.ndarray, np.ndarray], Any]


@dataclass(frozen=True)
class _Given:
    """A score error that the user gives as a function of position and time (a class, so that it can be pickled)."""

    error: ErrorField

    def __call__(self, x: np.ndarray, _mixture: Mixture, tau: np.ndarray) -> Any:
        return self.error(x, tau)


def compute(mixture: xr.Dataset, content: Mapping[str, Any]) -> xr.Dataset:
    """The quantity of a study's content: trajectories from its starts, and their error by a score that is wrong.

    They start at the largest of the times, on the line through the layer, and the score error points along that line.
    """
    options = content["options"]
    tau = diffusion_times(mixture, options["tau"])
    clock = "tau" if "tau" in tau.dims else "tau_scaled"
    falling = tau.sortby(clock, ascending=False)
    starts = on_line(mixture, options["starts"], falling.isel({clock: 0}, drop=True), "start")
    track = falling.drop_vars(clock).rename({clock: "tau"}) if clock == "tau_scaled" else falling
    bias = options["bias"] * line_direction(mixture)
    rtol = options["rtol"]
    exact = trajectories(mixture, starts, track, rtol=rtol).drop_vars("log_tail", errors="ignore")
    grown = error_growth(mixture, starts, track, bias, options["place"], rtol)
    found = exact.merge(grown.drop_vars(["trajectory", "trajectory_status"]), join="exact")
    statuses = [name for name in STATUSES if name in found]
    found = explained(found, on_the_line(starts), *statuses)
    if clock == "tau":
        return found
    placed = found.drop_vars(["times", "tau"], errors="ignore").rename({"tau": clock}).assign_coords({clock: falling[clock]})
    return with_times(placed, falling, *statuses)


def trajectories(
    mixture: xr.Dataset,
    x: Points,
    tau: np.ndarray | list | xr.DataArray,
    bias: Bias | None = None,
    place: str | ErrorField = "everywhere",
    stochastic: bool = False,
    seed: int = 0,
    steps: int = sampling.STEPS,
    rtol: float = RTOL,
) -> xr.Dataset:
    r"""Trajectories of the probability-flow ODE :math:`dx/d\tau = -\hat s` (49), or of the reverse SDE (10).

    Parameters
    ----------
    mixture
        Labelled mixture; its sweep dimensions carry over.
    x
        Starts at the first time, as in `score`.
    tau
        Diffusion times, the first being the start; an array, or a DataArray with dimension ``tau`` (and sweep dimensions).
        Descending times generate data; the reverse SDE takes no others.
    bias
        Size of the score error, a number on a line or with dimension ``feature``: ``s_hat = s + bias * place``.
    place
        ``everywhere``; ``layer``, with the layer's own profile, ``sech^2(a(x - x_b)/v)`` for a pair; ``outside``, the rest;
        or a function ``f(x (..., feature), tau (...))`` that broadcasts with x.
    stochastic, seed
        Whether to follow the reverse SDE, and the seed of its noise. Starts have noise of their own; members of a sweep
        share it.
    steps
        Of the reverse SDE: steps over all times, equal in ``ln v`` between two of them. Its error falls like one over
        them; they are not adapted to a tolerance.
    rtol
        Of the flow: tolerance of ``trajectory_error``, relative to the distance of the trajectory, plus that of the
        furthest mean, from the centre of the means; from 1e-12 to 1e-2.

    Returns
    -------
    Dataset
        ``trajectory(..., tau, feature)``, the estimate ``trajectory_error`` of its error and ``trajectory_status(...,
        tau)``: ``unresolved``, with the numbers as computed, where the error of the flow exceeds the tolerance, since
        rounding of the start grows to more (close to the boundary of a sharp layer); NaN with ``singular`` where v = 0 and
        with ``failed`` where no steps lead on. Of the reverse SDE the error is the distance from the path of half as many
        steps with the same noise. Of the flow on a line without bias also ``trajectory_exact(..., tau)``, by quantiles,
        ``trajectory_exact_error``, what rounding moves it by, ``exact_status`` and ``log_tail(...)``.

    Raises
    ------
    ValueError
        For a negative or non-monotonic tau, an unknown place, a bias without the mixture's features, or a tolerance out of
        range.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> from scoreshock.quantities.trajectories import trajectories
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> found = trajectories(pair, np.array([0.1]), [2.0, 0.0])
    >>> round(float(found.trajectory[..., -1, 0].squeeze()), 6), round(float(found.trajectory_exact[..., -1].squeeze()), 6)
    (0.456049, 0.456049)
    """
    steps, seed = whole("steps", steps, 1), whole("seed", seed, 0)
    points, at = positions(mixture, x), _track(tau, falling=stochastic)
    arguments = _arguments(mixture, points, at)
    wrong = _wrong(mixture, bias, place)
    own = ("tau", "feature")
    outputs = [Output("trajectory", own), Output("trajectory_error", own), Output("trajectory_status", ("tau",), np.int8)]
    if stochastic:
        found = apply(
            _sde, [*arguments, (_numbers(mixture, points), ()), *wrong[0]], outputs, steps=steps, seed=seed, **wrong[1]
        )
        return _timed(found, at)
    found = apply(_ode, [*arguments, *wrong[0]], outputs, rtol=checked_rtol(rtol), **wrong[1])
    if bias is None and mixture.sizes["feature"] == 1:
        exact = apply(
            _exact,
            arguments,
            [
                Output("trajectory_exact", ("tau",)),
                Output("trajectory_exact_error", ("tau",)),
                Output("log_tail"),
                Output("exact_status", ("tau",), np.int8),
            ],
            rtol=rtol,
        )
        found = found.merge(exact, join="exact")
    return _timed(found, at)


def error_growth(
    mixture: xr.Dataset,
    x: Points,
    tau: np.ndarray | list | xr.DataArray,
    bias: Bias,
    place: str | ErrorField = "everywhere",
    rtol: float = RTOL,
) -> xr.Dataset:
    r"""Actual error of probability-flow trajectories by a wrong score, against the Grönwall bound (52).

    Parameters
    ----------
    mixture, x, tau, bias, place, rtol
        As for `trajectories`; tau descending. A function as ``place`` should not exceed one, or the bound is not one. The
        tolerance is also that of the difference, relative to its size, and that of the bound.

    Returns
    -------
    Dataset
        ``trajectory`` (exact score), ``trajectory_difference(..., tau, feature)``, its length ``difference_size`` and the
        estimate ``difference_precision`` of its error, ``trajectory_difference_status``; ``log_growth``, ``log_bound`` for
        a unit error and ``gronwall_bound = |bias| e^log_bound`` (..., tau), inf where it overflows; the estimate
        ``growth_error`` of the error of both logarithms, so relative of the bound, and ``growth_status``. A status is
        ``unresolved``, with the numbers as computed, where the estimate exceeds the tolerance.

    Notes
    -----
    The bound is that of the linearised error on the exact trajectory. At the centre of a symmetric pair it holds for the
    actual error, and the linearised error attains it; an error that carries a trajectory into a layer can exceed it.

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> from scoreshock.quantities.trajectories import error_growth
    >>> found = error_growth(ss.families.pair(separation=1.2, variance=0.09), np.array([0.0]), [1.5, 0.05], bias=0.01)
    >>> last = found.isel(tau=-1).squeeze()
    >>> round(float(last.difference_size), 8), round(float(last.gronwall_bound), 8)
    (0.11582825, 0.12480218)
    """
    if bias is None:
        raise ValueError("bias = None is not allowed; allowed: a number, or one for each feature")
    points, at = positions(mixture, x), _track(tau, falling=True)
    arguments = _arguments(mixture, points, at)
    fields, options = _wrong(mixture, bias, place)
    own = ("tau", "feature")
    actual = apply(
        _difference,
        [*arguments, *fields],
        [
            Output("trajectory", own),
            Output("trajectory_status", ("tau",), np.int8),
            Output("trajectory_difference", own),
            Output("difference_size", ("tau",)),
            Output("difference_precision", ("tau",)),
            Output("trajectory_difference_status", ("tau",), np.int8),
        ],
        rtol=checked_rtol(rtol),
        **options,
    )
    bound = apply(
        _growth,
        [*arguments, *fields],
        [
            Output("log_growth", ("tau",)),
            Output("log_bound", ("tau",)),
            Output("gronwall_bound", ("tau",)),
            Output("growth_error", ("tau",)),
            Output("growth_status", ("tau",), np.int8),
        ],
        rtol=rtol,
    )
    return _timed(actual.merge(bound, join="exact"), at)


def centre_growth(
    mixture: xr.Dataset,
    tau_min: float | xr.DataArray,
    tau_start: float | xr.DataArray,
    bias: float | xr.DataArray = 1.0,
) -> xr.Dataset:
    """Linearised error at the centre of a symmetric pair by a constant score bias, in closed form; it attains (52).

    Parameters
    ----------
    mixture
        Pairs of any weights (the centre of unequal ones is no trajectory, so their numbers are rate integrals); other
        mixtures are ``not_applicable``.
    tau_min, tau_start
        Diffusion times at which generation stops and starts.
    bias
        Score error along the pair.

    Returns
    -------
    Dataset
        ``log_error = ln |e/bias|``, ``error_linear = e`` (inf where it overflows), ``log_growth``, ``growth_status``.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.trajectories import centre_growth
    >>> found = centre_growth(ss.families.pair(separation=1.2, variance=0.09), 0.05, 1.5, bias=0.01)
    >>> round(float(found.error_linear.squeeze()), 10)
    0.1248021822
    """
    return apply(
        _centre,
        [
            (checked_mixture(mixture).component_mean, MEANS),
            (mixture.component_variance, ()),
            (times(tau_min, "tau_min"), ()),
            (times(tau_start, "tau_start"), ()),
            (labelled_numbers("bias", bias), ()),
        ],
        [Output("log_error"), Output("error_linear"), Output("log_growth"), Output("growth_status", (), np.int8)],
    )


def checked_rtol(rtol: float) -> float:
    """The tolerance, if it is one that double precision carries."""
    if isinstance(rtol, bool) or not isinstance(rtol, int | float | np.number) or not RTOL_LEAST <= rtol <= RTOL_MOST:
        raise ValueError(f"rtol: {show(rtol)} is not allowed; allowed: a number from {RTOL_LEAST:g} to {RTOL_MOST:g}")
    return float(rtol)


def _track(tau: np.ndarray | list | xr.DataArray, falling: bool) -> xr.DataArray:
    """Times along the trajectory, with dimension ``tau``."""
    at = times(tau)
    if "tau" not in at.dims:
        raise ValueError(f"tau: dimensions {at.dims}; allowed: a dimension tau")
    step = at.diff("tau")
    wanted = (step <= 0).all("tau") if falling else (step <= 0).all("tau") | (step >= 0).all("tau")
    if at.chunks is None and not bool((wanted | at.isnull().any("tau")).all()):
        raise ValueError(f"tau: {show(at.values)}; allowed: {'descending' if falling else 'descending or ascending'} times")
    return at


def _arguments(mixture: xr.Dataset, points: xr.DataArray, at: xr.DataArray) -> list[tuple[xr.DataArray, tuple[str, ...]]]:
    return [
        *mixture_arguments(mixture),
        (at, ("tau",)),
        (points, ("feature",)),
    ]


def _wrong(
    mixture: xr.Dataset, bias: Bias | None, place: str | ErrorField
) -> tuple[list[tuple[xr.DataArray, tuple[str, ...]]], dict[str, Any]]:
    """The score error as a further argument and as options of a kernel."""
    if place not in sampling.PROFILES if isinstance(place, str) else not callable(place):
        raise ValueError(f"place: {show(place)} is not allowed; allowed: {', '.join(sampling.PROFILES)} or a function")
    profile = sampling.PROFILES[place] if isinstance(place, str) else _Given(place)
    if bias is None:
        return [], {"profile": profile}
    n = mixture.sizes["feature"]
    if isinstance(bias, xr.DataArray):
        given = labelled_numbers("bias", bias)
    else:
        values = as_numbers("bias", bias)
        if values.shape not in ((), (n,)):
            raise ValueError(f"bias has shape {values.shape}; allowed: a number or ({n},), the mixture's features")
        given = xr.DataArray(values, dims=("feature",) if values.shape == (n,) and values.ndim else ())
    if "feature" not in given.dims and n == 1:
        given = given.expand_dims("feature", axis=-1)
    if given.sizes.get("feature") != n:
        raise ValueError(f"bias: feature has size {given.sizes.get('feature')}; the mixture has {n}")
    return [(given, ("feature",))], {"profile": profile}


def _numbers(mixture: xr.Dataset, points: xr.DataArray) -> xr.DataArray:
    """Number of each start, over the dimensions that only starts have."""
    own = [dim for dim in points.dims if dim != "feature" and dim not in mixture.dims]
    shape = [points.sizes[dim] for dim in own]
    numbers = xr.DataArray(np.arange(int(np.prod(shape))).reshape(shape), dims=own)
    return numbers.assign_coords({dim: points.coords[dim] for dim in own if dim in points.coords})


def _timed(found: xr.Dataset, at: xr.DataArray) -> xr.Dataset:
    """The result with its times: a coordinate where they are shared, else a variable."""
    if at.dims == ("tau",):
        return found.assign_coords(tau=("tau", at.data, attributes("tau")))
    return found.assign(times=at.assign_attrs(attributes("tau")))


def _bias(extra: tuple[np.ndarray, ...]) -> np.ndarray | None:
    return extra[0] if extra else None


def _ode(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    x: np.ndarray,
    *extra: np.ndarray,
    rtol: float,
    profile: Profile,
) -> tuple[np.ndarray, ...]:
    return sampling.probability_flow(x, means, weights, variance, tau, rtol, _bias(extra), profile)


def _sde(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    x: np.ndarray,
    number: np.ndarray,
    *extra: np.ndarray,
    steps: int,
    seed: int,
    profile: Profile,
) -> tuple[np.ndarray, ...]:
    return sampling.reverse_sde(x, means, weights, variance, tau, number, seed, steps, _bias(extra), profile)


def _exact(
    means: np.ndarray, weights: np.ndarray, variance: np.ndarray, tau: np.ndarray, x: np.ndarray, rtol: float
) -> tuple[np.ndarray, ...]:
    found = quantiles.quantile_flow(x, means, weights, variance, tau, rtol)
    return found.x, found.error, found.log_tail, found.status


def _difference(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    x: np.ndarray,
    bias: np.ndarray,
    rtol: float,
    profile: Profile,
) -> tuple[np.ndarray, ...]:
    found = growth.error_growth(x, means, weights, variance, tau, bias, profile, rtol)
    size = length(np.moveaxis(found.difference, -1, 0))
    return found.x, found.status, found.difference, size, found.precision, found.difference_status


def _growth(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    x: np.ndarray,
    bias: np.ndarray,
    rtol: float,
) -> tuple[np.ndarray, ...]:
    found = growth.flow_growth(x, means, weights, variance, tau, rtol)
    bound = length(np.moveaxis(bias, -1, 0))[..., None] * np.exp(found.log_bound)
    return found.log_growth, found.log_bound, bound, found.error, found.status


def _centre(
    means: np.ndarray, variance: np.ndarray, tau_min: np.ndarray, tau_start: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, ...]:
    if means.shape[-2] != 2:
        return np.nan, np.nan, np.nan, Status.not_applicable  # type: ignore[return-value]
    found = growth.centre_growth(half_distance(means), variance, tau_min, tau_start)
    return found.log_error, bias * np.exp(found.log_error), found.log_growth, found.status
