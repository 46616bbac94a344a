"""Guided generation on mixtures, labelled: trajectories, what is generated, and the calls of a sampler in an interval."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import as_real, listed, show, whole
from scoreshock.conventions import attributes, variables
from scoreshock.kernels.flow import guided
from scoreshock.kernels.flow.generation import Sampling, generate
from scoreshock.kernels.flow.guided_calls import guided_calls
from scoreshock.kernels.flow.trajectory import RTOL
from scoreshock.options import SEED, SIGMA_MAX, SIGMA_MIN, Grid, Number, Positive, Whole
from scoreshock.quantities.class_map import (
    CLASSES,
    ClassMap,
    class_map,
    target_class,
    unfit_classes,
)
from scoreshock.quantities.declaration import Problems, quantity
from scoreshock.quantities.labelled import WEIGHTS, Argument, Arguments, apply, isotropic_only, mixture_arguments
from scoreshock.quantities.points import GridSpec, Numbers, Points, above, at_least, axis, labelled_numbers, positions
from scoreshock.quantities.trajectories import checked_rtol, numbers_of, timed, times_along

EDGES = ("lower", "upper")

FLOW = variables(
    """
    trajectory(tau, feature), trajectory_status: position along a trajectory of guided generation
        | Of dx/dtau = -s_w, s_w = w s(x given c) + (1 - w) s(x), or with partial noise.
    trajectory_error(tau, feature), trajectory_status: estimate of the integration's error of the trajectory
        | Of the flow the estimate of the integrator; with noise the distance from the path of half as many steps.
    trajectory_status(tau): outcome of the trajectory
    """
)
GENERATED = variables(
    """
    class_share, generation_status: share of the start that ends in the target class
        | Where the target is the most probable class. On a line, of a class of one component, by the ends of its interval
        carried back; else of the samples.
    class_share_error, generation_status: estimate of the error of class_share
        | Of integration, or the share of one sample on a line, or the standard error of independent samples.
    class_count int32, generation_status: number of samples whose most probable class is the target
        | Of the option samples.
    component_share(component), generation_status: share of the samples nearest to each component
        | Of which this component is the most probable. Of the samples that end; a mode is lost where it is far below the
        component's weight in the target class.
    class_distance, generation_status: distance of the samples from the target class
        | Sliced Wasserstein distance of order two. From as many quantiles (on a line) or draws of the class's noisy density.
    class_boundary(edge), boundary_status: end of the interval of the target class
        | In which it is the most probable. At the end of generation; infinite where the interval is.
    class_boundary_start(edge), boundary_status: start of the trajectory that ends on class_boundary
        | Infinite where the interval is.
    boundary_status(edge): outcome of the ends of the interval
        | On a line, of a class of one component.
    generation_status: outcome of what is generated
    """
)
CALLS = variables(
    """
    first_call int32, calls_status: first guided network call, from noise (-1: none)
        | Its index.
    last_call int32, calls_status: index of the last guided network call, from noise (-1: none)
    n_calls int32: number of network calls inside the interval | Those with sigma_low < sigma <= sigma_high.
    n_calls_fractional, calls_status: length of the interval in network calls
        | Between calls by interpolation in ln sigma; calls beyond the sampler's are not counted.
    snapped_high, calls_status: noise level of the first guided call | The greatest level not above sigma_high.
    snapped_low, calls_status: noise level of the first call after the guided ones
        | 0 after the last. The greatest level not above sigma_low: with snapped_high it guides the same calls.
    percent_start, calls_status: percentage of the sampler's calls before the guided ones
    percent_end, calls_status: percentage of the sampler's calls up to the last guided one
    calls_status: outcome of the guided calls
    """
)


def _in_order(sweep: Any) -> Problems:
    for low, high in (("sigma_min", "sigma_max"), ("sigma_low", "sigma_high")):
        small, great = sweep.options[low], sweep.options[high]
        if not small < great:
            yield (high,), f"{great} is not allowed; allowed: a number above {low}, which is {small}"
    target, given = sweep.options["target"], sweep.options["classes"]
    if wrong := unfit_classes(sweep):
        yield ("classes",), wrong
    elif target not in (given or range(sweep.components)):
        rule = f"the classes {listed(sorted(set(given)))}" if given else f"a component, below {sweep.components}"
        yield ("target",), f"{target} is not allowed; allowed: {rule}"


@quantity(
    GENERATED,
    {
        "target": Whole("component, or number of the class, that guidance is towards", 0),
        "classes": CLASSES,
        "guidance_weight": Grid("weights of the class's score, 1 without guidance", {"values": [1.0, 2.0, 4.0]}),
        "sigma_low": Positive("noise level at and below which guidance ends", 0.0, or_zero=True),
        "sigma_high": Positive("noise level up to which there is guidance", 1e6),
        "outside_weight": Number("weight outside the guidance interval: 1 the class's score, 0 that of all", 1.0),
        "noise_share": Number("share eta of noise: 0 probability flow, 1 reverse SDE", 0.0, low=0.0, high=100.0),
        "samples": Whole("number of samples that are generated", 1000, low=1, high=10**7),
        "sigma_min": SIGMA_MIN,
        "sigma_max": SIGMA_MAX,
        "seed": SEED,
    },
    name="guidance",
    seconds=(0.06, 0.03),
    problems=_in_order,
)
def _of_study(
    mixture: xr.Dataset,
    target: int,
    guidance_weight: GridSpec,
    sigma_low: float,
    sigma_high: float,
    outside_weight: float,
    noise_share: float,
    samples: int,
    sigma_min: float,
    sigma_max: float,
    seed: int,
    classes: list[int] | None = None,
) -> xr.Dataset:
    """Guided generation: what is generated for each guidance weight, by shares of components and distance from the class."""
    return guided_generation(
        mixture,
        target,
        axis(guidance_weight, "guidance_weight"),
        sigma_low,
        sigma_high,
        outside_weight,
        sigma_min,
        sigma_max,
        samples=samples,
        classes=list(range(mixture.sizes["component"])) if classes is None else classes,
        noise_share=noise_share,
        seed=seed,
    )


def guided_trajectories(
    mixture: xr.Dataset,
    x: Points,
    tau: np.ndarray | list | xr.DataArray,
    target: Any,
    weight: Numbers = 1.0,
    sigma_low: Numbers = 0.0,
    sigma_high: Numbers = np.inf,
    outside_weight: Numbers = 1.0,
    classes: Any = None,
    noise_share: Numbers = 0.0,
    seed: int = 0,
    steps: int = guided.STEPS,
    rtol: float = RTOL,
) -> xr.Dataset:
    r"""Trajectories of generation under the guided score :math:`s_w = w\,s(x|c) + (1-w)\,s(x)`, with partial noise.

    .. math:: dx = (1 + \eta^2)\, s_w\, d\tau_{rev} + \eta\sqrt2\, d\bar W

    Parameters
    ----------
    mixture
        A mixture with a common variance; its sweep dimensions carry over.
    x, tau
        Starts at the first time, and the times of the trajectories, as for :func:`trajectories`.
    target
        Class that guidance is towards: its name, or the index of a component.
    weight
        Guidance weight w where ``sigma_low < sigma <= sigma_high``, ``sigma = sqrt(2 tau)``: 1 is the class's score alone;
        an array becomes the axis ``guidance_weight``.
    sigma_low, sigma_high
        Ends of the guidance interval; arrays become axes.
    outside_weight
        Weight outside it: 1 the class's score, 0 that of all, as some pipelines do.
    classes
        As for :func:`class_decisions`.
    noise_share, seed, steps
        Share eta of noise: 0 is the probability flow, 1 the reverse SDE, in so many steps over all times, equal in ln v.
    rtol
        Tolerance of the flow, as for :func:`trajectories`.

    Returns
    -------
    Dataset
        ``trajectory, trajectory_error (..., tau, feature)`` and ``trajectory_status (..., tau)``, as of
        :func:`trajectories`. Positions have the unit of the data.

    Raises
    ------
    ValueError
        For an unknown class, numbers out of range, or components with variances of their own.

    References
    ----------
    Kynkäänniemi et al. 2024, arXiv:2404.07724. Ho and Salimans 2022, arXiv:2207.12598. arXiv:2604.07404, (10), (49).

    Examples
    --------
    >>> import numpy as np, scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.01)
    >>> found = ss.guided_trajectories(pair, np.array([0.0]), [2.0, 0.0], target=1, weight=[0.0, 1.0, 4.0])
    >>> found.trajectory.isel(tau=-1).squeeze().round(3).values.tolist()
    [0.0, 0.95, 1.034]
    """
    way = _guide(mixture, target, weight, sigma_low, sigma_high, outside_weight, classes)[1]
    points, at, eta = positions(mixture, x), times_along(tau, falling=False), _axis("noise_share", noise_share)
    arguments = way | {"tau": (at, ("tau",)), "x": (points, ("feature",))}
    if not _is_zero(eta):
        at = times_along(tau, falling=True)
        arguments |= {"noise": eta, "trajectory": numbers_of(mixture, points)}
        number, count = whole("seed", seed, 0), whole("steps", steps, 1)
        return timed(apply(_of_guidance(guided.guided_noise), arguments, FLOW, seed=number, steps=count), at)
    return timed(apply(_of_guidance(guided.guided_flow), arguments, FLOW, rtol=checked_rtol(rtol)), at)


def guided_generation(
    mixture: xr.Dataset,
    target: Any,
    weight: Numbers = 1.0,
    sigma_low: Numbers = 0.0,
    sigma_high: Numbers = np.inf,
    outside_weight: Numbers = 1.0,
    sigma_min: Numbers = SIGMA_MIN.default,
    sigma_max: Numbers = SIGMA_MAX.default,
    start_mean: Numbers = 0.0,
    start_variance: Numbers | None = None,
    samples: int = 1000,
    classes: Any = None,
    noise_share: Numbers = 0.0,
    seed: int = 0,
    steps: int = guided.STEPS,
    rtol: float = RTOL,
) -> xr.Dataset:
    """What guided generation makes of a Gaussian start: class shares, shares of components, distance from the class.

    Parameters
    ----------
    mixture, target, weight, sigma_low, sigma_high, outside_weight, classes, noise_share, seed, steps, rtol
        As for :func:`guided_trajectories`.
    sigma_min, sigma_max
        Noise levels at which generation ends and starts.
    start_mean, start_variance
        Of the density N(mean, variance I) that generation starts from; by default the noise alone, N(0, sigma_max^2).
    samples
        Number of samples: on a line quantiles (i + 1/2)/samples of the start, else independent draws.

    Returns
    -------
    Dataset
        ``class_share`` with its error, ``class_count``, ``component_share (..., component)``, ``class_distance``; on
        a line, for a class of one component, ``class_boundary, class_boundary_start (..., edge)``;
        ``boundary_status`` and ``generation_status``, the worst of the samples. Shares are ``(...)`` and
        dimensionless, positions have the unit of the data.

    Raises
    ------
    ValueError
        As of :func:`guided_trajectories`, and for noise levels that are not positive.

    Notes
    -----
    On a line the flow keeps the order of trajectories, so that the share of the start that ends in the class follows from
    the ends of its interval, carried back. Independent samples of the class itself have a ``class_distance`` above 0 too.

    References
    ----------
    Kynkäänniemi et al. 2024, arXiv:2404.07724.

    Examples
    --------
    >>> import scoreshock as ss
    >>> pair = ss.families.pair(separation=1.0, variance=0.09)
    >>> found = ss.guided_generation(pair, target=1, weight=0.0)
    >>> round(float(found.class_share.squeeze()), 9), int(found.class_count.squeeze())
    (0.5, 500)
    """
    known, way = _guide(mixture, target, weight, sigma_low, sigma_high, outside_weight, classes)
    low, high = (
        above(name, labelled_numbers(name, value)) for name, value in (("sigma_min", sigma_min), ("sigma_max", sigma_max))
    )
    spread = (
        high**2 if start_variance is None else above("start_variance", labelled_numbers("start_variance", start_variance))
    )
    eta = _axis("noise_share", noise_share)
    arguments = way | {
        "tau_min": 0.5 * low**2,
        "tau_max": 0.5 * high**2,
        "start_mean": labelled_numbers("start_mean", start_mean, axis=""),
        "start_variance": spread,
        "noise": eta,
    }
    count, numbers, parts = whole("samples", samples, 1, 10**7), whole("seed", seed, 0), whole("steps", steps, 1)
    named: dict[str, Any] = {"groups": known.groups, "target": target_class(known, target)}
    sampling = Sampling(count, not _is_zero(eta), numbers, parts, checked_rtol(rtol))
    found = apply(_of_guidance(generate), arguments, GENERATED, {"edge": 2}, sampling=sampling, **named)
    return found.assign_coords(edge=("edge", list(EDGES), attributes("edge")))


def guidance_interval(sigma_low: Numbers, sigma_high: Numbers, levels: np.ndarray | list) -> xr.Dataset:
    """The network calls of a sampler that lie inside a guidance interval (sigma_low, sigma_high].

    Parameters
    ----------
    sigma_low, sigma_high
        Ends of the interval, such as ``sigma_decision`` of :func:`decision_windows`.
    levels
        Noise levels ``sigma = sqrt(2 tau)`` of the network calls, falling or repeated, without the final 0.

    Returns
    -------
    Dataset
        ``first_call, last_call`` from noise, the first call being 0; ``n_calls`` and ``n_calls_fractional``; the
        levels ``snapped_low, snapped_high`` that guide the same calls; ``percent_start, percent_end`` of the calls;
        ``calls_status``: ``not_applicable`` where no call lies inside. All ``(...)``; levels have the unit of the
        data, calls and shares none.

    Raises
    ------
    ValueError
        For levels that rise, or are not positive.

    References
    ----------
    Kynkäänniemi et al. 2024, arXiv:2404.07724.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.guidance_interval(0.5, 3.0, [8.0, 4.0, 2.0, 1.0, 0.5, 0.25])
    >>> int(found.first_call), int(found.last_call), float(found.snapped_low), float(found.snapped_high)
    (2, 3, 0.5, 2.0)
    """
    calls = as_real("levels", levels).astype(float)
    if calls.ndim != 1 or not calls.size or not (calls[1:] <= calls[:-1]).all() or not 0 < calls[-1] < np.inf:
        raise ValueError(f"levels = {show(levels)} is not allowed; allowed: noise levels of network calls, falling, above 0")
    given = (("low", "sigma_low", sigma_low), ("high", "sigma_high", sigma_high))
    ends: Arguments = {end: at_least(name, labelled_numbers(name, value), missing=True) for end, name, value in given}
    return apply(guided_calls, ends, CALLS, levels=calls)


def _guide(
    mixture: xr.Dataset,
    target: Any,
    weight: Numbers,
    sigma_low: Numbers,
    sigma_high: Numbers,
    outside_weight: Numbers,
    classes: Any,
) -> tuple[ClassMap, Arguments]:
    """The classes, and the arguments that a guided score has."""
    known = class_map(isotropic_only(mixture), classes)
    inside = np.isin(known.of_component, target_class(known, target))
    share = mixture.component_weight * xr.DataArray(inside.astype(float), dims="component")
    low = _axis("sigma_low", sigma_low)
    high = labelled_numbers("sigma_high", np.inf if sigma_high is None else sigma_high, infinite=True)
    if low.chunks is None and high.chunks is None and not bool((low < high).all()):
        raise ValueError(f"sigma_low = {float(low.max()):g} is not allowed; allowed: numbers below sigma_high")
    own: dict[str, Argument] = {
        "class_weights": (share / share.sum("component"), WEIGHTS),
        "weight": labelled_numbers("weight", weight, "guidance_weight", infinite=True),
        "sigma_low": low,
        "sigma_high": high,
        "outside_weight": labelled_numbers("outside_weight", outside_weight, infinite=True),
    }
    return known, mixture_arguments(mixture, **own)


def _axis(name: str, value: Numbers) -> xr.DataArray:
    """Numbers >= 0, of which an array becomes the axis of their name."""
    return at_least(name, labelled_numbers(name, value, infinite=True))


def _of_guidance(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that takes its argument ``guidance`` as one array for each of its fields."""
    return partial(_with_guidance, kernel)


def _with_guidance(kernel: Callable[..., Any], **arrays: Any) -> Any:
    return kernel(guidance=guided.Guidance(*(arrays.pop(name) for name in guided.Guidance._fields)), **arrays)


def _is_zero(array: xr.DataArray) -> bool:
    return array.chunks is None and not bool(array.any())
