"""Variables of comparisons: their meaning, and what is said of each statistic by the last word of its name."""

from __future__ import annotations

from scoreshock import conventions
from scoreshock.conventions import Variable, attributes_among

_DECLARED = (
    Variable(
        "reference_criterion",
        "name of the criterion that is subtracted",
        description="As criterion, whose description says what each is.",
    ),
    Variable(
        "statistic",
        "smallest, middle and largest value over the points of the sweep; middle ones are right to 0.4 %",
        description="min and max are exact; median is counted in bins.",
    ),
    Variable("outcome", "name of an outcome", description="As flag_meanings of the status that is counted."),
    Variable("time_outcome", "name of an outcome in the schedule", description="As flag_meanings of time_status."),
    Variable("reason", "name of a rule by which a criterion is trusted", description="As flag_meanings of trust_reason."),
    Variable("condition", "name of a condition", description="As flag_meanings of trust_conditions."),
    Variable("axis", "name of an axis of the sweep", description="Those along which some result varies."),
    Variable("n_points", "number of points of the sweep", description="Densities of the sweep, in all of its axes."),
    Variable("status_count", "number of points by outcome of the criterion"),
    Variable("tau_star_summary", "speciation time by criterion over the sweep"),
    Variable("difference_summary", "speciation time of the criterion minus that of the reference criterion, over the sweep"),
    Variable(
        "difference_relative_summary", "difference of the criteria relative to the reference's variance v*, over the sweep"
    ),
    Variable("difference_count", "number of points by outcome of the difference of criteria"),
    Variable("difference_largest", "index along each axis of the first point with the largest difference (-1: none)"),
    Variable(
        "difference_step_summary", "sampling step of the criterion minus that of the reference criterion, over the sweep"
    ),
    Variable("difference_time_count", "number of points by outcome of the difference of criteria in the schedule"),
    Variable("error_summary", "error of the series through each order against the exact criterion, over the sweep"),
    Variable("error_relative_summary", "relative error of the series through each order, over the sweep"),
    Variable("error_count", "number of points by outcome of the error of the series"),
    Variable("error_largest", "index along each axis of the first point with the largest error (-1: none)"),
    Variable("error_smaller_count", "number of points where the order is nearer to the exact criterion than order 0"),
    Variable("error_step_summary", "sampling step of the series through each order minus that of the exact criterion"),
    Variable("error_time_count", "number of points by outcome of the error of the series in the schedule"),
    Variable(
        "window_width",
        "diffusion time between the earliest and the latest criterion",
        status="window_status",
        description="Latest minus earliest tau_star of the criteria whose status is ok.",
    ),
    Variable("window_status", "outcome of the window between the criteria"),
    Variable("window_start_criterion", "earliest criterion", description="The first of those with one time."),
    Variable("window_end_criterion", "latest criterion", description="The first of those with one time."),
    Variable("window_count", "number of points by outcome of the window"),
    Variable("window_width_summary", "diffusion time between the earliest and the latest criterion, over the sweep"),
    Variable("window_start_count", "number of points at which the criterion is the earliest and not all agree"),
    Variable("window_end_count", "number of points at which the criterion is the latest and not all agree"),
    Variable(
        "window_fraction_range",
        "fraction of the schedule's time range inside the window",
        status="window_fraction_status",
        description="In the schedule's own time.",
    ),
    Variable(
        "window_fraction_steps",
        "fraction of the schedule's sampling times inside the window",
        status="window_fraction_status",
        description="Steps inside over all steps of the sampler.",
    ),
    Variable(
        "window_steps",
        "number of the schedule's sampling times inside the window (-1: no window)",
        status="window_fraction_status",
        description="Steps of the sampler at which the criteria do not agree whether classes have parted.",
    ),
    Variable("window_fraction_status", "outcome of the window's share of the schedule"),
    Variable("window_fraction_range_summary", "fraction of the schedule's time range inside the window, over the sweep"),
    Variable("window_fraction_steps_summary", "fraction of the schedule's sampling times inside the window, over the sweep"),
    Variable("window_steps_summary", "number of the schedule's sampling times inside the window, over the sweep"),
    Variable(
        "trusted_criterion",
        "criterion to trust at this point",
        description="By the first rule that holds; trust_reason says which.",
    ),
    Variable(
        "trust_reason",
        "rule by which the criterion is trusted",
        description="The first of the rules that holds.",
        references="Corollary 9.3",
    ),
    Variable(
        "trust_conditions",
        "conditions that hold at this point, one bit each",
        description="What may differ from the assumptions of a criterion, whichever rule chose it.",
    ),
    Variable("trusted_status", "outcome of the trusted criterion"),
    Variable("trust_count", "number of points by rule and by outcome of the criterion that it trusts"),
    Variable("condition_count", "number of points by rule and condition"),
)

COUNTED = {
    "summary": "Of the points whose outcome is ok.",
    "count": "Of the n_points of the sweep.",
    "largest": "First in the order of the sweep's dimensions.",
}
"""Descriptions of statistics by the last word of their names."""


def attributes(name: str) -> dict[str, object]:
    """CF attributes of a variable of a comparison."""
    variable = next((each for each in _DECLARED if each.name == name), None)
    if variable is None:
        return conventions.attributes(name)
    told = COUNTED.get(name.rpartition("_")[2])
    implied: dict[str, object] = {"description": told} if told else {}
    return implied | attributes_among(variable, _DECLARED)
