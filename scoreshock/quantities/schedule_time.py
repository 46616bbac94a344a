"""Diffusion times in the times of noise schedules."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.checks import show
from scoreshock.conventions import TimeStatus, attributes, variables
from scoreshock.quantities.labelled import apply
from scoreshock.quantities.points import Numbers, labelled_numbers
from scoreshock.schedules.inputs import Schedules, as_schedules
from scoreshock.schedules.schedule import Schedule

VARIABLES = variables(
    """
    time(schedule), time_status: schedule time of the speciation time
        | In the schedule's own variable t, found by inverting its effective diffusion time.
    time_status(schedule): outcome of placing the speciation time in the schedule
    noise(schedule), time_status: noise standard deviation of the schedule's own variable
        | Standard deviation of the noise in alpha x0 + noise z.
    alpha_bar(schedule), time_status: squared signal coefficient alpha^2
        | Square of alpha in x = alpha x0 + noise z; 1/(1 + 2 tau) where variance is preserved. | (80)
    log_snr(schedule), time_status: logarithm of the signal-to-noise ratio alpha^2/noise^2
        | ln(alpha^2/noise^2) = -ln(2 tau).
    sampling_step(schedule), time_status: sampling step at the speciation time
        | Fractional. Index of sample_time, from 0 as the sampler runs: 0 is the first and noisiest call of the network.
        Linear in time.
    sigma, status: noise level sigma_n of x/alpha, as in EDM
        | sqrt(2 tau). Noise over signal, whose square is 2 tau in every schedule.
    """,
    time_status=TimeStatus,
)


def schedule_time(tau_star: Numbers, schedules: Schedules) -> xr.Dataset:
    """Diffusion times in the clock of each noise schedule.

    ``time`` is the schedule's own t; ``noise, alpha_bar, log_snr, sampling_step`` are read at that tau; ``sigma`` is
    ``sqrt(2 tau)`` (EDM's noise level of ``x/alpha``) and the same for all schedules.

    Parameters
    ----------
    tau_star
        Diffusion times: a DataArray, or a number or a 1D array, which becomes the axis ``tau``.
    schedules
        Noise schedules by label, or a name, a schedule, parameters with ``kind``, or a list of these, which their kinds
        label.

    Returns
    -------
    Dataset
        ``time, time_status, noise, alpha_bar, log_snr, sampling_step (..., schedule)`` and ``sigma (...)``; NaN beside a
        ``time_status`` that is not ``ok``. ``sigma`` has the unit of the data, the others none.

    Raises
    ------
    ValueError
        Without a schedule, or for one that is not known.

    References
    ----------
    arXiv:2604.07404, (80), Lemma 8.4. Karras et al. 2022, arXiv:2206.00364.

    Examples
    --------
    >>> import scoreshock as ss
    >>> round(float(ss.schedule_time(0.5, "edm").time.sel(schedule="edm")), 12)
    1.0
    """
    chosen = as_schedules(schedules)
    if not chosen:
        raise ValueError(f"schedules = {show(schedules)} is not allowed; allowed: at least one schedule")
    tau_star = labelled_numbers("tau_star", tau_star, "tau", infinite=True)
    return apply(
        _placed,
        {"tau": tau_star},
        VARIABLES,
        sizes={"schedule": len(chosen)},
        schedules=tuple(chosen.values()),
    ).assign_coords(schedule=("schedule", list(chosen), attributes("schedule")))


def _placed(tau: np.ndarray, schedules: tuple[Schedule, ...]) -> tuple[np.ndarray, ...]:
    """The clock of each schedule at ``tau (...)``, (..., schedules) each, and the noise level that they share."""
    columns = zip(*(_in_schedule(tau, schedule) for schedule in schedules), strict=True)
    return *(np.stack(column, axis=-1) for column in columns), np.sqrt(2 * np.where(tau >= 0, tau, np.nan))


def _in_schedule(tau: np.ndarray, schedule: Schedule) -> tuple[np.ndarray, ...]:
    """One schedule's clock at ``tau``; NaN wherever the status is not ``ok``."""
    time, status = schedule.locate(tau)
    inside = np.where(status == TimeStatus.ok, tau, np.nan)
    return (
        np.where(status == TimeStatus.ok, time, np.nan),
        status,
        schedule.noise_at(inside),
        schedule.alpha_bar_at(inside),
        -np.log(2 * inside),
        schedule.sampling_step(inside),
    )
