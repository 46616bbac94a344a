"""The summary of a comparison as Markdown that is readable in a terminal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from scoreshock.checks import aligned, number_of
from scoreshock.comparison.trust import Reason, trusted_by
from scoreshock.conventions import WORDS, Status

ABSENT = "-"
"""Table cell without a number."""

REASONS = {
    "all_distances_equal": "all means are equally far from their weighted mean, where the score vanishes at every tau",
    "modes_of_the_density": "the means are not equally far from their weighted mean; the density's modes are tracked",
    "stationary_mean": "the weighted mean is a stationary point of the density at every tau",
    "weighted_mean_only": "a scale of the transition, not a bifurcation: the score does not vanish at the weighted mean",
    "no_root": "`exact` has no root, and the modes of the density are not tracked",
    "no_transition": "all means coincide: there is no transition",
    "not_computed": "the deciding criteria were not computed or failed",
    "missing": "not computed yet",
}

CONDITIONS = {
    "several_roots": "`exact` has several roots; the largest is taken",
    "no_root": "`exact` has no root",
    "branch_crossing": "`exact` is on another eigenvalue's branch than `leading`, `first` and `quadratic`",
    "modes_unknown": "the modes of the density are not tracked: the criterion holds at the weighted mean only",
    "anisotropic_data": "the classes are anisotropic; every criterion assumes isotropic ones",
}
"""Conditions that the table reports."""

ON_WELLS = """The density has two wells. Trust `merging` for the modes of the density and `boundary` for the layer between
its two parts; they agree where the wells are equally deep. `matched-gaussian`, two Gaussians at the wells, is an
estimate."""

NOTE = """Differences are taken over the points at which both criteria are `ok`; they are positive where the criterion comes
later in tau than the reference. Medians are accurate to 0.4 %; comparison.nc holds all numbers, also for each point."""

NOT_JUDGED = "The trusted criterion is not determined: its rules are for mixtures of one variance, given with the results."


def table(comparison: xr.Dataset, title: str = "Speciation by criterion") -> str:
    """Format the comparison of a sweep as Markdown that is readable in a terminal.

    Parameters
    ----------
    comparison
        Result of ``compare``; only its summary is read, so the time does not grow with the sweep.
    title
        Heading, for example the name of the sweep.

    Returns
    -------
    str
        The axes of the sweep, and tables: the criterion to trust, with the number of points and the reason; outcomes and
        times of each criterion; differences from the criterion that is trusted most often (else ``exact``, ``merging`` or
        the first); errors of the correction series; the window of the criteria and its share of each schedule; flags.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.comparison import compare, table
    >>> pair = ss.families.pair(separation=2.0, variance=0.25, weight=0.7)
    >>> text = table(compare(ss.speciation(pair), mixture=pair), "one pair")
    >>> text.splitlines()[:3]
    ['# one pair', '', 'One point.']
    """
    read = [name for name in comparison.data_vars if str(name).endswith(("_summary", "_count", "_largest", "n_points"))]
    summary = comparison.assign(comparison[read].load().data_vars)
    reference = _reference(summary)
    sections = [
        ("", _axes(summary)),
        ("", sentence(summary)),
        ("Which criterion to trust", _trust(summary)),
        ("Points by outcome, and speciation times tau", _criteria(summary)),
        (f"Difference from `{reference}` in tau, and relative to v = sigma0^2 + 2 tau", _differences(summary, reference)),
        (f"Difference from `{reference}` in sampling steps (+: later): min, median, max", _steps(summary, reference)),
        ("Correction series against `exact`: error relative to v", _orders(summary)),
        ("Window from the earliest to the latest criterion", _windows(summary)),
        ("Flags", _flags(summary)),
    ]
    parts = [f"# {title}"]
    for heading, body in sections:
        if body:
            parts += ([f"## {heading}"] if heading else []) + [body]
    return "\n\n".join(parts) + "\n"


def _names(summary: xr.Dataset) -> list[str]:
    return [str(name) for name in summary.criterion.values]


def _counts(array: xr.DataArray, dim: str) -> dict[str, int]:
    """Nonzero counts along ``dim``, by label."""
    return {str(name): int(n) for name, n in zip(array[dim].values, array.values, strict=True) if n}


def sentence(comparison: xr.Dataset) -> str:
    """The comparison of a sweep in one sentence.

    It says which criterion is to be trusted at most points (else ``exact``, ``merging`` or the first), its times, and how
    far the criteria are apart.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.comparison import compare, sentence
    >>> pair = ss.families.pair(separation=2.0, variance=0.25, weight=0.7)
    >>> print(sentence(compare(ss.speciation(pair), mixture=pair)))
    merging, to be trusted at 100 % of 1 point, gives tau* = 0.961; the criteria span 0.96 in tau.
    """
    read = ("_summary", "trust_count", "n_points")
    summary = comparison[[name for name in comparison.data_vars if str(name).endswith(read)]].load()
    name, n = _reference(summary), number_of(int(summary.n_points), "point")
    low, median, high = _statistics(summary.tau_star_summary.sel(criterion=name))
    if median == ABSENT:
        return f"{name} has a time at none of {n}."
    trusted = _trusted(summary)[name]
    whose = f"{name}, to be trusted at {_percent(trusted / int(summary.n_points))} of {n}," if trusted else f"{name} of {n}"
    times = f"gives tau* = {low}" if low == high else f"gives tau* from {low} to {high} (median {median})"
    width = _statistics(summary.window_width_summary)[1]
    if width == ABSENT or len(_names(summary)) == 1:
        return f"{whose} {times}."
    typical = " in the median" if int(summary.n_points) > 1 else ""
    return f"{whose} {times}; the criteria span {width} in tau{typical}{_most_steps(summary)}."


def _most_steps(summary: xr.Dataset) -> str:
    """The largest number of sampling steps between criteria, and its schedule."""
    if "window_steps_summary" not in summary:
        return ""
    steps = summary.window_steps_summary.sel(statistic="max").fillna(0)
    largest = int(np.argmax(steps.values))
    if not steps.values[largest]:
        return ""
    return f", and at most {steps.values[largest]:.0f} sampling steps ({steps.schedule.values[largest]})"


def _trusted(summary: xr.Dataset, outcome: str = "") -> dict[str, int]:
    """Number of points at which each criterion is to be trusted, or to be trusted with this outcome."""
    names = _names(summary)
    trusted = dict.fromkeys(names, 0)
    if "trust_count" in summary:
        counts = summary.trust_count.sel(outcome=outcome) if outcome else summary.trust_count.sum("outcome")
        for reason, n in _counts(counts, "reason").items():
            whom = trusted_by(Reason[reason], names)
            trusted |= {whom: trusted[whom] + n} if whom in trusted else {}
    return trusted


def _reference(summary: xr.Dataset) -> str:
    """The criterion that is trusted most often; if none is, ``exact``, ``merging`` or the first one."""
    names, trusted = _names(summary), _trusted(summary, "ok")
    most = max(trusted, key=trusted.__getitem__)
    return most if trusted[most] else next((name for name in ("exact", "merging") if name in names), names[0])


def _axes(summary: xr.Dataset) -> str:
    total = int(summary.n_points)
    if "axis" not in summary.coords:
        return "One point."
    along = []
    for axis in map(str, summary.axis.values):
        values = summary[axis].values if axis in summary.coords else np.arange(summary.sizes[axis])
        several = f"{len(values)} from {_value(values[0])} to {_value(values[-1])}"
        along.append(f"{axis} ({', '.join(map(_value, values)) if len(values) <= 4 else several})")
    return f"{number_of(total, 'point')}: {' × '.join(along)}."


def _trust(summary: xr.Dataset) -> str:
    if "trust_count" not in summary:
        return ON_WELLS if "matched-gaussian" in _names(summary) else NOT_JUDGED
    rows = []
    for reason, why in REASONS.items():
        outcomes = _counts(summary.trust_count.sel(reason=reason), "outcome")
        if outcomes:
            whom = trusted_by(Reason[reason], _names(summary))
            n = sum(outcomes.values())
            timeless = str(n - outcomes.get("ok", 0))
            share = _percent(n / int(summary.n_points))
            rows.append([f"`{whom}`" if whom else "none", str(n), share, timeless if whom else ABSENT, why])
    counts = _counts(summary.condition_count.sum("reason"), "condition")
    notes = [[text, str(counts[name])] for name, text in CONDITIONS.items() if name in counts]
    trusted = aligned(["trust", "points", "share", "without a time", "because"], rows, left=(0, 4))
    return f"{trusted}\n\n{aligned(['also', 'points'], notes)}" if notes else trusted


def _criteria(summary: xr.Dataset) -> str:
    outcomes = list(_counts(summary.status_count.sum("criterion"), "outcome"))
    rows = []
    for name in _names(summary):
        here = summary.sel(criterion=name)
        counts = [str(int(here.status_count.sel(outcome=outcome))) for outcome in outcomes]
        ends = [str(int(here[f"window_{end}_count"])) for end in ("start", "end")]
        rows.append([name, *counts, *_statistics(here.tau_star_summary), *ends])
    return aligned(["criterion", *outcomes, "min", "median", "max", "earliest at", "latest at"], rows)


def _differences(summary: xr.Dataset, reference: str) -> str:
    here = summary.sel(reference_criterion=reference)
    rows = []
    for name in _names(summary):
        one = here.sel(criterion=name)
        if name == reference or not int(one.difference_count.sel(outcome="ok")):
            continue
        relative = _statistics(one.difference_relative_summary) if "difference_relative_summary" in one else []
        position = [_position(summary, one.difference_largest)] if "axis" in summary.coords else []
        points = str(int(one.difference_count.sel(outcome="ok")))
        rows.append([name, points, *_statistics(one.difference_summary), *relative, *position])
    header = ["criterion", "points", "min", "median", "max"]
    header += ["relative: min", "median", "max"] if "difference_relative_summary" in summary else []
    return aligned([*header, *["largest at"] * ("axis" in summary.coords)], rows) if rows else ""


def _steps(summary: xr.Dataset, reference: str) -> str:
    if "difference_step_summary" not in summary:
        return ""
    steps = summary.difference_step_summary.sel(reference_criterion=reference)
    labels = [str(label) for label in summary.schedule.values]
    rows = [
        [name, *(", ".join(_statistics(steps.sel(criterion=name, schedule=label))) for label in labels)]
        for name in _names(summary)
        if name != reference
    ]
    rows = [[cell.replace("-, -, -", ABSENT) for cell in row] for row in rows]
    rows = [row for row in rows if any(cell != ABSENT for cell in row[1:])]
    return aligned(["criterion", *labels], rows) if rows else ""


def _orders(summary: xr.Dataset) -> str:
    if "error_summary" not in summary:
        return ""
    if not int(summary.error_count.sel(outcome="ok").sum()):
        return "The error of the series is undefined: at no point does `exact` have a root on its branch."
    rows = []
    for i, order in enumerate(summary.order.values):
        here = summary.isel(order=i)
        position = [_position(summary, here.error_largest)] if "axis" in summary.coords else []
        smaller = str(int(here.error_smaller_count)) if i else ABSENT
        good = str(int(here.error_count.sel(outcome="ok")))
        rows.append([str(int(order)), good, *_statistics(here.error_relative_summary), *position, smaller])
    header = ["order", "points", "min", "median", "max"]
    return aligned([*header, *["largest at"] * ("axis" in summary.coords), "nearer than order 0 at"], rows)


def _windows(summary: xr.Dataset) -> str:
    points = str(int(summary.window_count.sel(outcome="ok")))
    rows = [["width in tau", points, *_statistics(summary.window_width_summary)]]
    if "window_steps_summary" in summary:
        for label in map(str, summary.schedule.values):
            here = summary.sel(schedule=label)
            share = _statistics(here.window_fraction_range_summary, _percent)
            rows.append([f"share of the time of {label}", "", *share])
            rows.append([f"sampling steps of {label}", "", *_statistics(here.window_steps_summary, "{:.0f}".format)])
    return aligned(["window", "points", "min", "median", "max"], rows)


def _flags(summary: xr.Dataset) -> str:
    occurring = set(_counts(summary.status_count.sum("criterion"), "outcome"))
    occurring |= set(_counts(summary.difference_count.sum(["criterion", "reference_criterion"]), "outcome"))
    lines = [f"- `{member.name}`: {WORDS[member.name]}" for member in Status if member.name in occurring - {"ok"}]
    return "\n".join([*lines, *[""][: len(lines)], NOTE])


def _position(summary: xr.Dataset, indices: xr.DataArray) -> str:
    """Position of a point as ``axis value, ...``, without the axes that have one value."""
    if (indices < 0).any():
        return ABSENT
    along = zip(map(str, summary.axis.values), indices.values, strict=True)
    several = [(axis, i) for axis, i in along if summary.sizes[axis] > 1]
    position = [(axis, summary[axis].values[i] if axis in summary.coords else int(i)) for axis, i in several]
    return ", ".join(f"{axis} {_value(value)}" for axis, value in position) or ABSENT


def _statistics(summary: xr.DataArray, form: Callable[[float], str] = "{:.3g}".format) -> list[str]:
    return [ABSENT if np.isnan(value) else form(float(value)) for value in summary.values]


def _percent(fraction: float) -> str:
    return "0 %" if fraction == 0 else f"{100 * fraction:.2g} %" if fraction < 0.995 else f"{100 * fraction:.0f} %"


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float | np.number) else str(value)
