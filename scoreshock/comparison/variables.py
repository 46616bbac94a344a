"""Variables of comparisons; statistics are described by the last word of their names."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from scoreshock import conventions
from scoreshock.conventions import attributes_among, variables

_DECLARED = variables(
    """
    reference_criterion: name of the criterion that is subtracted | As criterion, whose description says what each is.
    statistic: statistic over the points of the sweep
        | Smallest, middle and largest value. min and max are exact; median is counted in bins and right to 0.4 %.
    outcome: name of an outcome | As flag_meanings of the status that is counted.
    time_outcome: name of an outcome in the schedule | As flag_meanings of time_status.
    reason: name of a rule by which a criterion is trusted | As flag_meanings of trust_reason.
    condition: name of a condition | As flag_meanings of trust_conditions.
    axis: name of an axis of the sweep | Those along which some result varies.
    n_points: number of points of the sweep | Densities of the sweep, in all of its axes.
    status_count(criterion, outcome): number of points by outcome of the criterion
    tau_star_summary(criterion, statistic): speciation time by criterion over the sweep
    difference_summary(criterion, reference_criterion, statistic): statistics of the difference of two criteria
        | Speciation time of the criterion minus that of the reference criterion, over the sweep.
    difference_relative_summary(criterion, reference_criterion, statistic): statistics of the relative difference of two
        criteria
        | Relative to the variance v* at the reference's time, over the sweep.
    difference_count(criterion, reference_criterion, outcome): number of points by outcome of the difference of criteria
    difference_largest(criterion, reference_criterion, axis): where two criteria differ most (-1: none)
        | Index along each axis of the first point with the largest difference.
    difference_step_summary(criterion, reference_criterion, schedule, statistic): statistics of the difference of two
        criteria in steps
        | Sampling step of the criterion minus that of the reference criterion, over the sweep. Positive where the sampler,
        which runs from noise, comes to it later.
    difference_time_count(criterion, reference_criterion, schedule, time_outcome): number of points by outcome in the
        schedule
        | Of the difference of two criteria.
    error_summary(order, statistic): statistics of the error of the series by order
        | Against the exact criterion, over the sweep.
    error_relative_summary(order, statistic): statistics of the relative error of the series by order
        | Relative to the exact variance v*, over the sweep.
    error_count(order, outcome): number of points by outcome of the error of the series
    error_largest(order, axis): where the series errs most, by order (-1: none)
        | Index along each axis of the first point with the largest error.
    error_smaller_count(order): number of points where the order improves on order 0
        | Where it is nearer to the exact criterion.
    error_step_summary(order, schedule, statistic): statistics of the error of the series in steps
        | Sampling step of the series through each order minus that of the exact criterion. Positive where the sampler,
        which runs from noise, comes to it later.
    error_time_count(order, schedule, time_outcome): number of points by outcome in the schedule
        | Of the error of the series.
    window_width, window_status: diffusion time between the earliest and the latest criterion
        | Latest minus earliest tau_star of the criteria whose status is ok.
    window_status: outcome of the window between the criteria
    window_start_criterion: earliest criterion | The first of those with one time.
    window_end_criterion: latest criterion | The first of those with one time.
    window_count(outcome): number of points by outcome of the window
    window_width_summary(statistic): statistics of the width of the window of the criteria
        | Diffusion time between the earliest and the latest criterion, over the sweep.
    window_start_count(criterion): number of points at which the criterion is the earliest
        | Where not all agree.
    window_end_count(criterion): number of points at which the criterion is the latest
        | Where not all agree.
    window_fraction_range, window_fraction_status: fraction of the schedule's time range inside the window
        | In the schedule's own time.
    window_fraction_steps, window_fraction_status: fraction of the schedule's sampling times inside the window
        | Steps inside over all steps of the sampler.
    window_steps, window_fraction_status: number of steps inside the window (-1: no window)
        | Steps of the sampler at which the criteria do not agree whether classes have parted.
    window_fraction_status: outcome of the window's share of the schedule
    window_fraction_range_summary(schedule, statistic): statistics of the fraction of time inside the window
        | Of the schedule's range of times, over the sweep.
    window_fraction_steps_summary(schedule, statistic): statistics of the fraction of steps inside the window
        | Of the schedule's sampling times, over the sweep.
    window_steps_summary(schedule, statistic): statistics of the number of steps inside the window
        | Of the schedule's sampling times, over the sweep.
    trusted_criterion: criterion to trust at this point | By the first rule that holds; trust_reason says which.
    trust_reason: rule by which the criterion is trusted | The first of the rules that holds. | Corollary 9.3
    trust_conditions: conditions that hold at this point, one bit each
        | What may differ from the assumptions of a criterion, whichever rule chose it.
    trusted_status: outcome of the trusted criterion
    trust_count(reason, outcome): number of points by rule and by outcome
        | Outcome of the criterion that the rule trusts.
    condition_count(reason, condition): number of points by rule and condition
    """
)
DECLARED = {variable.name: variable for variable in _DECLARED}

COUNTED = {
    "summary": "Of the points whose outcome is ok.",
    "count": "Of the n_points of the sweep.",
    "largest": "First in the order of the sweep's dimensions.",
}
"""Descriptions of statistics by the last word of their names."""


def attributes(name: str) -> dict[str, object]:
    """CF attributes of a variable of a comparison."""
    if name not in DECLARED:
        return conventions.attributes(name)
    counted = COUNTED.get(name.rpartition("_")[2])
    implied: dict[str, object] = {"description": counted} if counted else {}
    return implied | attributes_among(DECLARED[name], _DECLARED)


def described(variables: Mapping[str, xr.DataArray], flags: Mapping[str, Mapping[str, object]]) -> xr.Dataset:
    """The variables as a dataset with their attributes; those of ``flags`` have these instead of units."""
    result = xr.Dataset({name: array.drop_attrs().assign_attrs(attributes(name)) for name, array in variables.items()})
    for name, meanings in flags.items():
        result[name].attrs.update(meanings)
        del result[name].attrs["units"]
    return result
