"""Trajectories between noise and data, and the effect of a wrong score on them, labelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from scoreshock import axes
from scoreshock.checks import as_numbers, show, switch, whole
from scoreshock.conventions import Variable, attributes, variables
from scoreshock.kernels.flow import growth, quantiles, sampling
from scoreshock.kernels.flow.trajectory import RTOL, Mixture, Profile
from scoreshock.options import BIAS, ERROR_SUPPORT, POSITIONS, TAU, Grid, Number
from scoreshock.quantities.declaration import Problems, quantity
from scoreshock.quantities.labelled import MEANS, Arguments, apply, isotropic_only, mixture_arguments
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
from scoreshock.quantities.shared_variables import TAU_STATUS

RTOL_LEAST, RTOL_MOST = 1e-12, 1e-2
"""Allowed relative tolerances: double precision carries no smaller one, and a larger one resolves no layer."""

ALONG = ("tau", "feature")
TRAJECTORY, TRAJECTORY_STATUS = variables(
    """
    trajectory(tau, feature), trajectory_status: position along a trajectory between noise and data
        | Of the probability flow dx/dtau = -s, run from the largest tau toward data. | (11), (49)
    trajectory_status(tau): outcome of the trajectory
    """
)
FLOW = variables(
    """
    trajectory
    trajectory_error(tau, feature), trajectory_status: estimate of the integration's error of the trajectory
        | Of the flow the estimate of the integrator; where it exceeds rtol the status is unresolved.
    trajectory_status
    """,
    TRAJECTORY,
    TRAJECTORY_STATUS,
)
EXACT = variables(
    """
    trajectory_exact(tau), exact_status: position along the probability flow by its exact quantiles
        | In one dimension the flow keeps the share of probability on either side of a trajectory.
    trajectory_exact_error(tau), exact_status: estimated rounding of the trajectory by quantiles
        | From the rounding of the quantile.
    log_tail, exact_status: logarithm of the smaller tail beyond the trajectory
        | Of the density, which the flow keeps. Constant along a trajectory of the exact flow in one dimension.
    exact_status(tau): outcome of the trajectory by quantiles
    """
)
DIFFERENCE = variables(
    """
    trajectory
    trajectory_status
    trajectory_difference(tau, feature), trajectory_difference_status: difference of the trajectories by wrong and exact
        score
        | From equal starts. Actual, not linearised, effect of the score error of size bias.
    difference_size(tau), trajectory_difference_status: length of the difference of trajectories
        | Euclidean length of trajectory_difference.
    difference_precision(tau), trajectory_difference_status: estimated error of the difference of trajectories
        | The status is unresolved where it exceeds the tolerance rtol.
    trajectory_difference_status(tau): outcome of the difference of trajectories
    """,
    TRAJECTORY,
    TRAJECTORY_STATUS,
)
GROWTH = variables(
    """
    log_growth(tau), growth_status: logarithm of the growth of a perturbation of the start
        | Infinitesimal. Integral of the growth rate along the exact trajectory. | (50)
    log_bound(tau), growth_status: logarithm of the Gronwall bound of the linearised error
        | For a score error of size one. Its exponential times the size of the score error bounds the error of the
        trajectory. | (52)
    gronwall_bound(tau), growth_status: Gronwall bound of the linearised error of the trajectory
        | Of the trajectory's error where that of the score is at most bias; inf where it overflows. | (52)
    growth_error(tau), growth_status: estimated error of log_growth and log_bound
        | So relative of the bound. Absolute for both logarithms.
    growth_status(tau): outcome of the growth along the trajectory
    """
)
CENTRE = (
    Variable("log_error", "logarithm of the linearised error at the centre", (), "growth_status", "Over the score bias."),
    Variable("error_linear", "linearised error at the centre by a constant score bias", (), "growth_status"),
    replace(GROWTH[0], dims=()),
    replace(GROWTH[-1], dims=()),
)
STATUSES = ("trajectory_status", "exact_status", "trajectory_difference_status", "growth_status")

Bias = Numbers
ErrorField = Callable[[np.ndarray, np.ndarray], Any]


@dataclass(frozen=True)
class _Given:
    """A score error as a function of position and time (a class, so that it can be pickled)."""

    error: ErrorField

    def __call__(self, x: np.ndarray, _mixture: Mixture, tau: np.ndarray) -> Any:
        return self.error(x, tau)


def _two_times(sweep: Any) -> Problems:
    if axes.size(sweep.options["tau"]) < 2:
        rule = "at least two, for trajectories run from the largest to the smallest"
        yield ("tau",), f"one value is not allowed; allowed: {rule}"


@quantity(
    (*FLOW, *EXACT, *DIFFERENCE[2:], *GROWTH, TAU_STATUS),
    {
        "starts": Grid(
            "initial positions of trajectories along the line, at the largest of the times",
            {"start": -3.0, "stop": 3.0, "num": 13, "scale": "linear", "unit": "separation"},
            units=POSITIONS,
        ),
        "tau": TAU,
        "bias": BIAS,
        "error_support": ERROR_SUPPORT,
        "rtol": Number(
            "relative tolerance of trajectories, their difference and its bound; results that miss it are `unresolved`",
            low=RTOL_LEAST,
            high=RTOL_MOST,
        ),
    },
    seconds=(1.4e-4, 4e-5),
    name="trajectories",
    problems=_two_times,
)
def along_line(
    mixture: xr.Dataset,
    starts: GridSpec,
    tau: GridSpec,
    bias: float = 0.01,
    error_support: str = "everywhere",
    rtol: float = RTOL,
) -> xr.Dataset:
    """Probability flow from starts on the line through the layer, its error by a wrong score, and the Gronwall bound.

    Starts and times are as positions and times of :func:`scores`; the score error points along the line.
    """
    at = diffusion_times(mixture, tau)
    clock = "tau" if "tau" in at.dims else "tau_scaled"
    falling = at.sortby(clock, ascending=False)
    points = on_line(mixture, starts, falling.isel({clock: 0}, drop=True), "start")
    track = falling.drop_vars(clock).rename({clock: "tau"}) if clock == "tau_scaled" else falling
    exact = trajectories(mixture, points, track, rtol=rtol).drop_vars("log_tail", errors="ignore")
    grown = error_growth(mixture, points, track, bias * line_direction(mixture), error_support, rtol)
    found = exact.merge(grown.drop_vars(["trajectory", "trajectory_status"]), join="exact")
    statuses = [name for name in STATUSES if name in found]
    found = explained(found, on_the_line(points), *statuses)
    if clock == "tau":
        return found
    placed = found.drop_vars(["times", "tau"], errors="ignore").rename({"tau": clock}).assign_coords({clock: falling[clock]})
    return with_times(placed, falling, *statuses)


def trajectories(
    mixture: xr.Dataset,
    x: Points,
    tau: np.ndarray | list | xr.DataArray,
    bias: Bias | None = None,
    error_support: str | ErrorField = "everywhere",
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
        Size of the score error, a number on a line or with dimension ``feature``: ``s_hat = s + bias * error_support``.
    error_support
        ``everywhere``; ``layer``, with the profile of the layer, ``sech^2(a(x - x_b)/v)`` for a pair; ``outside``, the rest;
        or a function ``f(x (..., feature), tau (...))`` that broadcasts with x.
    stochastic, seed
        Whether to follow the reverse SDE, and the seed of its noise. Each start has independent noise; members of a sweep
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
        ``trajectory(..., tau, feature)``, the estimate ``trajectory_error`` of its error and
        ``trajectory_status(..., tau)``: ``unresolved``, with the numbers as computed, where the error of the flow
        exceeds the tolerance, since rounding of the start grows to more (close to the boundary of a sharp layer);
        NaN with ``singular`` where v = 0 and with ``failed`` where no steps lead on. Of the reverse SDE the error is
        the distance from the path of half as many steps with the same noise. Of the flow on a line without bias also
        ``trajectory_exact(..., tau)``, by quantiles, ``trajectory_exact_error``, the effect of rounding on it,
        ``exact_status`` and ``log_tail(...)``. Positions have the unit of the data.

    Raises
    ------
    ValueError
        For a negative or non-monotonic tau, an unknown error_support, a bias without the mixture's features, or a
        tolerance out of range.

    References
    ----------
    arXiv:2604.07404, (10)-(11), (49).

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
    stochastic = switch("stochastic", stochastic)
    points, at = positions(mixture, x), times_along(tau, falling=stochastic)
    arguments = mixture_arguments(mixture, tau=(at, ("tau",)), x=(points, ("feature",)))
    wrong, shape = _wrong(mixture, bias, error_support)
    if stochastic:
        arguments |= {"trajectory": numbers_of(mixture, points), **wrong}
        return timed(apply(sampling.reverse_sde, arguments, FLOW, steps=steps, seed=seed, profile=shape), at)
    found = apply(sampling.probability_flow, arguments | wrong, FLOW, rtol=checked_rtol(rtol), profile=shape)
    if bias is None and mixture.sizes["feature"] == 1:
        found = found.merge(apply(quantiles.quantile_flow, arguments, EXACT, rtol=rtol), join="exact")
    return timed(found, at)


def error_growth(
    mixture: xr.Dataset,
    x: Points,
    tau: np.ndarray | list | xr.DataArray,
    bias: Bias,
    error_support: str | ErrorField = "everywhere",
    rtol: float = RTOL,
) -> xr.Dataset:
    r"""Actual error of probability-flow trajectories by a wrong score, against the Grönwall bound (52).

    Parameters
    ----------
    mixture, x, tau, bias, error_support, rtol
        As for `trajectories`; tau descending. A function as ``error_support`` should not exceed one, or the bound is not
        one. The tolerance is also that of the difference, relative to its size, and that of the bound.

    Returns
    -------
    Dataset
        ``trajectory`` (exact score), ``trajectory_difference(..., tau, feature)``, its length ``difference_size``
        and the estimate ``difference_precision`` of its error, ``trajectory_difference_status``; ``log_growth``,
        ``log_bound`` for a unit error and ``gronwall_bound = |bias| e^log_bound`` (..., tau), inf where it
        overflows; the estimate ``growth_error`` of the error of both logarithms, so relative of the bound, and
        ``growth_status``. A status is ``unresolved``, with the numbers as computed, where the estimate exceeds the
        tolerance. Trajectories have the unit of the data, logarithms none.

    Raises
    ------
    ValueError
        As of :func:`trajectories`.

    Notes
    -----
    The bound is that of the linearised error on the exact trajectory. At the centre of a symmetric pair it holds for the
    actual error, and the linearised error attains it; an error that carries a trajectory into a layer can exceed it.

    References
    ----------
    arXiv:2604.07404, (50)-(52).

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
    points, at = positions(mixture, x), times_along(tau, falling=True)
    wrong, shape = _wrong(mixture, bias, error_support)
    arguments = mixture_arguments(mixture, tau=(at, ("tau",)), x=(points, ("feature",)), **wrong)
    actual = apply(growth.error_growth, arguments, DIFFERENCE, rtol=checked_rtol(rtol), profile=shape)
    return timed(actual.merge(apply(growth.flow_growth, arguments, GROWTH, rtol=rtol), join="exact"), at)


def centre_growth(
    mixture: xr.Dataset,
    tau_min: Numbers,
    tau_start: Numbers,
    bias: Numbers = 1.0,
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
        ``log_error = ln |e/bias|``, ``error_linear = e`` (inf where it overflows), ``log_growth``,
        ``growth_status``. All ``(...)``; ``e`` has the unit of the data, ``bias`` its inverse.

    Raises
    ------
    ValueError
        Unless the mixture is a pair; for a negative time, or one that is no number.

    References
    ----------
    arXiv:2604.07404, (50)-(52).

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.trajectories import centre_growth
    >>> found = centre_growth(ss.families.pair(separation=1.2, variance=0.09), 0.05, 1.5, bias=0.01)
    >>> round(float(found.error_linear.squeeze()), 10)
    0.1248021822
    """
    return apply(
        growth.centre_growth_of_pair,
        {
            "means": (isotropic_only(mixture).component_mean, MEANS),
            "variance": mixture.component_variance,
            "tau_min": times(tau_min, "tau_min"),
            "tau_start": times(tau_start, "tau_start"),
            "bias": labelled_numbers("bias", bias),
        },
        CENTRE,
    )


def checked_rtol(rtol: float) -> float:
    """The tolerance, if it is one that double precision carries."""
    if isinstance(rtol, bool) or not isinstance(rtol, int | float | np.number) or not RTOL_LEAST <= rtol <= RTOL_MOST:
        raise ValueError(f"rtol: {show(rtol)} is not allowed; allowed: a number from {RTOL_LEAST:g} to {RTOL_MOST:g}")
    return float(rtol)


def times_along(tau: np.ndarray | list | xr.DataArray, falling: bool) -> xr.DataArray:
    """Times along the trajectory, with dimension ``tau``."""
    at = times(tau)
    if "tau" not in at.dims:
        raise ValueError(f"tau = {show(tau)} is not allowed; allowed: several times, or a DataArray with the dimension tau")
    step = at.diff("tau")
    wanted = (step <= 0).all("tau") if falling else (step <= 0).all("tau") | (step >= 0).all("tau")
    if at.chunks is None and not bool((wanted | at.isnull().any("tau")).all()):
        raise ValueError(f"tau: {show(at.values)}; allowed: {'descending' if falling else 'descending or ascending'} times")
    return at


def _wrong(mixture: xr.Dataset, bias: Bias | None, error_support: str | ErrorField) -> tuple[Arguments, Profile]:
    """The score error as a further argument of a kernel, unless it is None, and its profile."""
    if error_support not in sampling.PROFILES if isinstance(error_support, str) else not callable(error_support):
        allowed = f"{', '.join(sampling.PROFILES)} or a function"
        raise ValueError(f"error_support: {show(error_support)} is not allowed; allowed: {allowed}")
    profile = sampling.PROFILES[error_support] if isinstance(error_support, str) else _Given(error_support)
    if bias is None:
        return {}, profile
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
    return {"bias": (given, ("feature",))}, profile


def numbers_of(mixture: xr.Dataset, points: xr.DataArray) -> xr.DataArray:
    """Number of each start, over the dimensions that only starts have."""
    own = [dim for dim in points.dims if dim != "feature" and dim not in mixture.dims]
    shape = [points.sizes[dim] for dim in own]
    numbers = xr.DataArray(np.arange(int(np.prod(shape))).reshape(shape), dims=own)
    return numbers.assign_coords({dim: points.coords[dim] for dim in own if dim in points.coords})


def timed(found: xr.Dataset, at: xr.DataArray) -> xr.Dataset:
    """The result with its times: a coordinate where they are shared, else a variable."""
    if at.dims == ("tau",):
        return found.assign_coords(tau=("tau", at.data, attributes("tau")))
    return found.assign(times=at.assign_attrs(attributes("tau")))
