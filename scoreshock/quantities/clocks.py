"""Clocks of information, labelled: noise levels at equal steps of conditional entropy, and the rates of the clocks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.checks import whole
from scoreshock.conventions import attributes, variables
from scoreshock.kernels.information import clocks as kernel
from scoreshock.kernels.information.classes import Method
from scoreshock.kernels.information.covariances import Along
from scoreshock.kernels.information.decisions import class_decisions
from scoreshock.options import SEED, SIGMA_MAX, SIGMA_MIN, Whole
from scoreshock.quantities.class_map import DRAWS, class_arguments, method_of, of_classes
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.declaration import Problems, quantity
from scoreshock.quantities.labelled import apply
from scoreshock.quantities.points import Numbers, above, labelled_numbers, times
from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.schedules.inputs import Schedules, as_schedules

CLOCKS = ("entropic", "rescaled")
MOST_STEPS = 10_000

LEVELS = variables(
    """
    tau_level(clock, level), clocks_status: diffusion time of each level of a clock | At equal steps of the clock.
    sigma_level(clock, level), clocks_status: noise level of each level of a clock
        | sqrt(2 tau), from sigma_max down to sigma_min. | Stancevic, Handke, Ambrogioni 2025, entropic time schedulers
    sigma_level_error(clock, level), clocks_status: estimate of the error of sigma_level
        | Of quadrature, or the standard error of Monte Carlo.
    clock_total(clock), clocks_status: time that a clock shows between its ends
        | Conditional entropy in nats of the entropic one; that weighted with sigma of the rescaled one. | Guo, Shamai, Verdu
        2005, I-MMSE relation
    clock_total_error(clock), clocks_status: estimate of the error of clock_total
        | Of quadrature, or the standard error of Monte Carlo.
    clocks_status: outcome of the clocks
    """
)
RATES = variables(
    """
    mmse, rates_status: mean squared error of the denoiser
        | Mean squared distance of data from their posterior mean, over all dimensions of the data.
    mmse_error, rates_status: estimate of the error of mmse | Of quadrature, or the standard error of Monte Carlo.
    entropic_rate, rates_status: rate of the conditional entropy per sigma, mmse/sigma^3
        | Derivative of the entropy of data given the noisy point. | Guo, Shamai, Verdu 2005, I-MMSE relation
    rescaled_rate, rates_status: rate of the rescaled entropic time per sigma, mmse/sigma^2
        | sigma times entropic_rate. | Stancevic, Handke, Ambrogioni 2025, entropic time schedulers
    rates_status: outcome of the rates
    """
)


def _ascending(sweep: object) -> Problems:
    low, high = (sweep.options[name] for name in ("sigma_min", "sigma_max"))  # type: ignore[attr-defined]
    if not low < high:
        yield ("sigma_max",), f"{high} is not allowed; allowed: a number above sigma_min, which is {low}"


@quantity(
    LEVELS,
    {
        "sigma_min": SIGMA_MIN,
        "sigma_max": SIGMA_MAX,
        "n_steps": Whole("steps of a clock between its ends", low=1, high=MOST_STEPS),
        "draws": DRAWS,
        "seed": SEED,
    },
    seconds=(4e-3, 0.09),
    problems=_ascending,
    covariances=(1.0, 0.06),
)
def clocks(
    mixture: xr.Dataset,
    schedules: Schedules = None,
    sigma_min: Numbers = SIGMA_MIN.default,
    sigma_max: Numbers = SIGMA_MAX.default,
    n_steps: int = 18,
    method: str = "auto",
    draws: int = int(DRAWS.default),
    seed: int = 0,
) -> xr.Dataset:
    r"""Noise levels at equal steps of entropic time and of rescaled entropic time, from ``sigma_max`` to ``sigma_min``.

    .. math:: \int\mathrm{mmse}\,\sigma^{-3}d\sigma = \Delta H[x_0|x_\sigma], \qquad \int\mathrm{mmse}\,\sigma^{-2}d\sigma

    Parameters
    ----------
    mixture
        A mixture of any number of components, one included; its sweep dimensions carry over.
    schedules
        Noise schedules; with them each level is also given in each schedule's clock.
    sigma_min, sigma_max
        Ends of the clocks, ``sigma = sqrt(2 tau)``, 0 < sigma_min < sigma_max. The entropic clock of data with a density
        diverges like ln(sigma_min).
    n_steps
        Steps between the ``n_steps + 1`` levels.
    method, draws, seed
        As for :func:`class_decisions`.

    Returns
    -------
    Dataset
        ``sigma_level, tau_level (..., clock, level)``, descending, and ``clock_total (..., clock)`` of the clocks
        ``entropic`` and ``rescaled``, with estimates of errors. ``no_transition`` with NaN where all data are one
        point; ``not_applicable`` with NaN where sigma_min is not below sigma_max. Noise levels have the unit of the
        data.

    Raises
    ------
    ValueError
        For ends that are not positive, or a number of steps that is no whole number from 1 to 10000.

    Notes
    -----
    A sampler takes one clock's levels as its own by ``ss.schedule("table", sigma_n=levels.values)``.

    References
    ----------
    Stancevic, Handke and Ambrogioni 2025; Guo, Shamai and Verdu 2005.

    Examples
    --------
    Rescaled levels of a Gaussian are ``c tan(.)``, optimal for Euler steps there.

    >>> import numpy as np, scoreshock as ss
    >>> low, high = np.tan([0.1, 1.3])
    >>> levels = ss.clocks(ss.mixture([0.0]), None, low, high, n_steps=2).sigma_level
    >>> np.arctan(levels.sel(clock="rescaled")).round(12).values.tolist()
    [1.3, 0.7, 0.1]
    """
    steps, chosen = whole("n_steps", n_steps, 1, MOST_STEPS), as_schedules(schedules)
    ends = {
        name: above(name, labelled_numbers(name, value))
        for name, value in (("sigma_min", sigma_min), ("sigma_max", sigma_max))
    }
    sizes = {"clock": 2, "level": steps + 1}
    way = method_of(method, draws, seed)
    found = apply(of_classes(_levels), class_arguments(mixture) | ends, LEVELS, sizes, n_steps=steps, method=way)
    own = {"clock": ("clock", list(CLOCKS), attributes("clock")), **counted(found, "level")}
    found = found.assign_coords(own)
    return found.merge(schedule_time(found.tau_level, chosen), join="exact") if chosen else found


def clock_rates(
    mixture: xr.Dataset,
    tau: Numbers,
    method: str = "auto",
    draws: int = int(DRAWS.default),
    seed: int = 0,
) -> xr.Dataset:
    """Mean squared error of the denoiser, and the rates of both clocks per sigma, at diffusion times.

    Parameters
    ----------
    mixture
        A mixture of any number of components, one included.
    tau
        Diffusion times; an array becomes the axis ``tau``.
    method, draws, seed
        As for :func:`class_decisions`.

    Returns
    -------
    Dataset
        ``mmse``, ``entropic_rate`` (mmse/sigma^3), ``rescaled_rate`` (mmse/sigma^2), with ``mmse_error`` and
        ``rates_status``: ``singular`` with NaN at tau = 0; else as for :func:`class_decisions`. All ``(...)``, with
        the dimensions of ``tau``; ``mmse`` has the unit of the data squared, sigma that of the data.

    Raises
    ------
    ValueError
        For a negative ``tau``, an unknown method, or components without isotropic variances.

    References
    ----------
    Stancevic, Handke and Ambrogioni 2025, entropic time schedulers. Guo, Shamai and Verdu 2005, I-MMSE relation.

    Examples
    --------
    >>> import scoreshock as ss
    >>> float(ss.clock_rates(ss.mixture([0.0]), 0.5).mmse)  # variances of data and noise are 1
    0.5
    """
    arguments = class_arguments(mixture) | {"tau": times(tau)}
    return apply(of_classes(_rates), arguments, RATES, method=method_of(method, draws, seed))


def _levels(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    dimension: np.ndarray,
    sigma_min: np.ndarray,
    sigma_max: np.ndarray,
    n_steps: int,
    method: Method,
    along: Along | None,
) -> dict[str, np.ndarray]:
    """Variables of `LEVELS` as arrays."""
    found = kernel.clock_levels(means, weights, variance, dimension, sigma_min, sigma_max, n_steps, method, along)
    levels = np.stack([found.sigma_entropic, found.sigma_rescaled], axis=-2)
    return {
        "tau_level": levels * levels / 2,
        "sigma_level": levels,
        "sigma_level_error": np.stack([found.sigma_entropic_error, found.sigma_rescaled_error], axis=-2),
        "clock_total": np.stack([found.entropic_total, found.rescaled_total], axis=-1),
        "clock_total_error": np.stack([found.entropic_total_error, found.rescaled_total_error], axis=-1),
        "clocks_status": found.clocks_status,
    }


def _rates(
    means: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    tau: np.ndarray,
    dimension: np.ndarray,
    method: Method,
    along: Along | None,
) -> dict[str, np.ndarray]:
    """Variables of `RATES` as arrays."""
    groups = tuple((i,) for i in range(means.shape[-2]))
    noisy = np.where(tau > 0, tau, np.nan)
    found = class_decisions(means, weights, variance, noisy, dimension, groups, method, along)
    sigma = np.sqrt(2 * noisy)
    return {
        "mmse": found.mmse,
        "mmse_error": found.mmse_error,
        "entropic_rate": found.mmse / sigma**3,
        "rescaled_rate": found.mmse / sigma**2,
        "rates_status": found.decisions_status,
    }
