"""When the modes part: criteria, decision window and collapse as moments of generation, and the calls to guide in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status, attributes, variables
from scoreshock.options import SEED, Names
from scoreshock.quantities.class_map import DRAWS
from scoreshock.quantities.collapse import collapse
from scoreshock.quantities.criteria import chosen_criteria
from scoreshock.quantities.decisions import DECIDED, PAIRS, SHARE, decision_windows
from scoreshock.quantities.declaration import names_of, quantity
from scoreshock.quantities.eigenmodes import EIGENMODES, PLACED, cascade_of_classes
from scoreshock.quantities.guidance import CALLS, guidance_interval
from scoreshock.quantities.labelled import number_of_components
from scoreshock.quantities.schedule_time import VARIABLES as CLOCK
from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.quantities.shared_variables import along
from scoreshock.quantities.speciation import DEFAULT_CRITERIA, speciation
from scoreshock.quantities.when_errors import ERRORS, checked_replicates, moment_errors, pair_errors
from scoreshock.schedules.inputs import Schedules, as_schedules
from scoreshock.schedules.schedule import Schedule

BEGINS, HALF, ENDS, COLLAPSE = "decision begins", "half decided", "decided", "collapse"
"""Moments besides the criteria, by name."""

EXACT = "exact"
"""The criterion that others are compared with."""

MOMENTS = variables(
    """
    tau_moment(moment), moment_status: diffusion time of each moment of generation
        | Speciation time of a criterion; where a share of the class entropy remains; where a perfect fit would memorise.
    sigma_numerical_error(moment), moment_status: estimated numerical error of the moment's noise level
        | Of quadrature, or the standard error of Monte Carlo; 0 of criteria, which are computed to rounding.
    moment_status(moment): outcome of each moment
    """
)
CALL = variables("sigma_call(schedule, call): noise level of each call of the network | From noise; 0 after the last call.")
SIGMA = replace(next(each for each in CLOCK if each.name == "sigma"), dims=("moment",), status="moment_status")
CLOCKS = tuple(variable for variable in CLOCK if "schedule" in variable.dims)
INTERVAL = [along(variable, "schedule") for variable in CALLS]


@quantity(
    (*MOMENTS, *PAIRS, *EIGENMODES, *CLOCKS, *CALL, SIGMA, *INTERVAL, *PLACED, *ERRORS),
    {
        "criteria": Names("criteria of speciation, listed below", DEFAULT_CRITERIA, known=names_of("mixture")),
        "decided": DECIDED,
        "draws": DRAWS,
        "seed": SEED,
    },
    seconds=(4e-3, 0.02),
    covariances=(0.5, 0.3),
)
def when(
    mixture: xr.Dataset,
    schedules: Schedules = None,
    criteria: Sequence[str] = DEFAULT_CRITERIA,
    decided: float = SHARE,
    training_samples: int | None = None,
    draws: int = int(DRAWS.default),
    seed: int = 0,
    replicates: xr.Dataset | None = None,
) -> xr.Dataset:
    """When the classes of ``mixture`` part, by every criterion, in every schedule's own units; and where one would guide.

    Parameters
    ----------
    mixture
        A mixture of 2 to 64 classes, one a component, isotropic or with covariances, of which criteria and the cascade may
        be ``not_applicable``; its sweep dimensions carry over.
    schedules
        Noise schedules by label, or a name, a schedule, a file, or a list of these.
    criteria
        As for :func:`speciation`.
    decided
        Share q of the class entropy that remains where classes count as decided; 5 % is our default.
    training_samples
        Number of samples, for the collapse; by default that of the labelled data that the mixture is of. Without one there
        is no collapse.
    draws, seed
        As for :func:`class_decisions`.
    replicates
        Of :func:`bootstrapped` with the table of the mixture, for standard errors.

    Returns
    -------
    Dataset
        ``tau_moment``, ``sigma``, ``sigma_numerical_error`` and ``moment_status (..., moment)``: the criteria by name, then
        ``decision begins``, ``half decided``, ``decided`` (shares 1 - q, 1/2 and q of the class entropy remain) and
        ``collapse``; with schedules
        ``time, alpha_bar, noise, log_snr, sampling_step, time_status (..., moment, schedule)``, the network calls in the
        interval (sigma decided, sigma begins]: ``first_call, last_call, n_calls, ... (..., schedule)``, and ``sigma_call
        (schedule, call)`` of all calls. With replicates ``tau_moment_error, sigma_error, error_status, n_replicates_without
        (..., moment)``, and ``sigma_difference`` from the moment ``exact`` (without it ``half decided``; attribute
        ``reference_moment``) with its own error and status, and ``agrees``: 1 where within two errors of it. Pairs of
        classes (with replicates ``sigma_pair_standard_error``) and the order in which classes part as of
        :func:`decision_windows`. Of each eigenmode of the between-class covariance ``tau_eigenmode`` and ``sigma_eigenmode``
        by the exact criterion, ``cascade`` and ``sigma_cascade`` to leading order, ``eigenmode_share`` of the variance, and
        the classes that it separates most, ``eigenmode_first`` and ``eigenmode_second``; with schedules ``eigenmode_step``
        and ``cascade_step``. Times have the unit of the data squared, noise levels that of the data.

    Raises
    ------
    ValueError
        As of :func:`speciation` and :func:`decision_windows`.

    Notes
    -----
    A call is inside where ``sigma_low < sigma <= sigma_high``; steps count from noise, the first call being 0. Whether the
    interval is the best to guide in is a question, not a claim.

    References
    ----------
    Kynkäänniemi et al. 2024, arXiv:2404.07724; Biroli, Bonnaire, de Bortoli and Mezard 2024, arXiv:2402.18491.

    Examples
    --------
    >>> import scoreshock as ss
    >>> found = ss.when(ss.families.pair(2.0, variance=0.25), "edm")
    >>> found.sigma.sel(moment=["exact", "decision begins", "decided"]).round(2).values.ravel().tolist()
    [1.94, 7.45, 0.74]
    >>> int(found.first_call.squeeze()), int(found.n_calls.squeeze())
    (7, 4)
    """
    number_of_components(mixture)
    if replicates is not None:
        checked_replicates(replicates, mixture)
    clocks = as_schedules(schedules)
    chosen = [criterion.name for criterion in chosen_criteria(criteria, "mixture")]
    parting = speciation(mixture, criteria=chosen)
    windows = decision_windows(mixture, None, decided, draws=draws, seed=seed)
    columns = [
        tuple(each.rename(criterion="moment") for each in (parting.tau_star, 0.0 * parting.tau_star, parting.status)),
        _backwards(windows.tau_decision, windows.sigma_decision_error, windows.decision_status),
    ]
    count = mixture.attrs.get("n_samples") if training_samples is None else training_samples
    if count is not None:
        found = collapse(mixture, None, count, draws=draws, seed=seed)
        last = found.tau_collapse, found.sigma_collapse_error, found.collapse_status
        columns.append(tuple(each.expand_dims("moment", -1) for each in last))
    names = [*chosen, BEGINS, HALF, ENDS, *([COLLAPSE] if count is not None else [])]
    moments = xr.Dataset(
        {each.name: _joined(parts, each) for each, parts in zip(MOMENTS, zip(*columns, strict=True), strict=True)}
    )
    moments = moments.assign_coords(moment=("moment", names, attributes("moment")))
    if replicates is not None:
        exact = EXACT in chosen and bool((moments.moment_status.sel(moment=EXACT) == Status.ok).all())
        order = windows.remaining.values[::-1]
        reference = EXACT if exact else HALF
        moments = moments.merge(moment_errors(moments, mixture, replicates, chosen, order, count, reference, draws, seed))
    pairs = windows[[each.name for each in PAIRS]]
    if replicates is not None:
        pairs = pairs.merge(pair_errors(pairs, replicates, windows.remaining.values))
    directions = cascade_of_classes(mixture, clocks)
    result = xr.merge([moments, pairs, directions], join="exact", compat="no_conflicts")
    sigma = np.sqrt(2 * moments.tau_moment.where(moments.tau_moment >= 0)).assign_attrs(SIGMA.attributes())
    result = result.assign(sigma=sigma)
    if not clocks:
        return result
    timed = schedule_time(moments.tau_moment, clocks).drop_vars("sigma")
    return xr.merge([result, timed, _guided(sigma, clocks)], join="exact", compat="no_conflicts")


def _backwards(*arrays: xr.DataArray) -> tuple[xr.DataArray, ...]:
    """Arrays of the shares in the order of generation, as moments."""
    order = {"remaining": slice(None, None, -1)}
    return tuple(each.isel(order).rename(remaining="moment") for each in arrays)


def _joined(parts: Sequence[xr.DataArray], variable: Any) -> xr.DataArray:
    bare = [part.drop_vars("moment", errors="ignore") for part in parts]
    joined = xr.concat(bare, "moment", coords="minimal", compat="override", join="exact")
    whole = joined.chunk(moment=-1) if joined.chunks else joined
    return whole.transpose(..., "moment").rename(variable.name).assign_attrs(variable.attributes())


def _guided(sigma: xr.DataArray, clocks: Mapping[str, Schedule]) -> xr.Dataset:
    """The calls of each schedule in the decision window, dimension ``schedule`` last."""
    low, high = (sigma.sel(moment=name, drop=True) for name in (ENDS, BEGINS))
    calls = [one.sample_sigmas()[: len(one.timesteps())] for one in clocks.values()]
    each = [guidance_interval(low, high, levels[levels > 0]) for levels in calls]
    label = xr.Variable("schedule", list(clocks), attributes("schedule"))
    sigma_call = np.zeros((len(calls), max(map(len, calls))))
    for row, levels in zip(sigma_call, calls, strict=True):
        row[: len(levels)] = levels
    index = ("call", np.arange(sigma_call.shape[1]), attributes("call"))
    guided = xr.concat(each, label).transpose(..., "schedule").assign_coords(call=index)
    guided = guided.chunk(schedule=-1) if guided.chunks else guided
    return guided.assign(sigma_call=(("schedule", "call"), sigma_call, CALL[0].attributes()))
