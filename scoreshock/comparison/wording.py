"""One sentence a sweep: which criterion to trust at how many of its points, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from scoreshock.comparison.differences import SERIES
from scoreshock.comparison.selection import criterion_names, flat, number, of_wells, percent, points, status_of
from scoreshock.comparison.trust import Condition, Reason
from scoreshock.conventions import CRITERIA, Status

AGREED = 1e-9
"""Criteria whose variances v* differ by less than this fraction are said to agree."""


def sentence(comparison: xr.Dataset) -> str:
    """One sentence on a sweep: which criterion to trust at how many of its points, and why.

    Parameters
    ----------
    comparison
        Result of ``compare``; of a single point too.

    Returns
    -------
    str
        Counts and shares of points by rule, the spread of the criteria, and how isotropic the data are; for wells what each
        criterion is good for.
    """
    total = points(comparison)
    head = f"over {total} points" if total != 1 else "at the one point"
    if of_wells(comparison):
        clauses = _of_wells(comparison)
    elif "trust_reason" not in comparison:
        clauses = ["which criterion to trust is not judged, because no mixture was given"]
    else:
        reason, conditions, outcome = flat(comparison, "trust_reason", "trust_conditions", "trusted_status")
        clauses = []
        for member in Reason:
            chosen = reason == member
            if chosen.any():
                where = _share(int(chosen.sum()), total)
                clauses.append(f"{where} {_explain(member, conditions[chosen], outcome[chosen], comparison)}".strip())
    clauses += [clause for clause in (_spread(comparison), _anisotropy(comparison)) if clause]
    text = f"{head}, {'; '.join(clauses)}."
    return text[0].upper() + text[1:]


def _of_wells(comparison: xr.Dataset) -> list[str]:
    """What to trust of densities with two wells: a rule that is the same at all points, and how far the others are off."""
    asked = [name for name in ("merging", "boundary") if name in criterion_names(comparison)]
    tasks = {"merging": "`merging` for the density's modes", "boundary": "`boundary` for the layer between its two parts"}
    trusted = " and ".join(tasks[name] for name in asked)
    clauses = [f"the density has two wells: trust {trusted}" if trusted else "`matched-gaussian` is only an estimate"]
    if "merging" in comparison.get("reference_criterion", ()):
        others = {"boundary": "`boundary`", "matched-gaussian": "`matched-gaussian`, only an estimate,"}
        told = [_against_merging(comparison, name, text) for name, text in others.items() if name in comparison.criterion]
        clauses += [text for text in told if text]
    single = int((flat(comparison, comparison.status.isel(criterion=0, drop=True))[0] == Status.no_transition).sum())
    if single:
        clauses.append(f"{_share(single, points(comparison))} there is one well and no transition".strip())
    return clauses


def _against_merging(comparison: xr.Dataset, name: str, text: str) -> str:
    """How far a criterion is from the merging of the modes, where both have a time."""
    gap, tau = flat(
        comparison,
        comparison.difference.sel(criterion=name, reference_criterion="merging", drop=True),
        comparison.tau_star.sel(criterion="merging", drop=True),
    )
    known = np.isfinite(gap)
    if not known.any():
        return ""
    size = np.abs(gap[known])
    if (size < AGREED * tau[known]).all():
        return f"{text} agrees with `merging`"
    return f"{text} differs from `merging` by at most {number(size.max())} in tau"


def _explain(reason: Reason, conditions: np.ndarray, outcome: np.ndarray, comparison: xr.Dataset) -> str:
    """The rule in words, for the points at which it applies: why, what to trust, and where that finds no transition."""
    roots, n = _roots(conditions), len(conditions)
    whom = _judge(reason, comparison)
    floor = _some(int((outcome == Status.below_floor).sum()), n, f"where `{whom}` finds no transition at any tau > 0")
    centre = " for the centre (the density's own modes are not followed)"
    only = centre if _count(conditions, Condition.modes_unknown) else ""
    if reason == Reason.all_distances_equal:
        return f"all means are equally far from their weighted mean{_agreeing(comparison)}: trust `{whom}`{only}{floor}"
    if reason == Reason.modes_of_the_density:
        if applies(comparison, "boundary"):
            why = "the weights are unequal, so the weighted mean is not the boundary"
        else:
            why = "the means lie on a line and are not equally far from their weighted mean"
        layer = " and `boundary` for the layer" if applies(comparison, "boundary") else ""
        return f"{why}{roots}: trust `merging` for the density's modes{layer}{floor}"
    if reason == Reason.stationary_mean:
        return f"the weighted mean is a stationary point of the density at every tau{roots}: trust `exact`{only}{floor}"
    if reason == Reason.weighted_mean_only:
        why = "the score does not vanish at the weighted mean, and the density's modes are not followed"
        return f"{why}{roots}: trust `exact`, as the scale of the transition and not as a bifurcation{floor}"
    return WITHOUT[reason]


WITHOUT = {
    Reason.no_root: "`exact` has no root and the density's modes are not followed: trust none (`leading` is only a scale)",
    Reason.no_transition: "all means coincide: there is no transition and nothing to trust",
    Reason.not_computed: "the criteria that would decide are not computed or not solved: trust none",
    Reason.missing: "the result is missing",
}


def _judge(reason: Reason, comparison: xr.Dataset) -> str:
    """The criterion that a rule trusts."""
    if reason == Reason.modes_of_the_density:
        return "merging"
    return next((name for name in ("exact", *SERIES) if name in criterion_names(comparison)), "exact")


def _some(count: int, total: int, text: str) -> str:
    """``text`` as a clause for ``count`` of ``total`` points; nothing for none of them."""
    if not count:
        return ""
    return f", {text}" if count == total else f", {text} at {count} of them"


def _agreeing(comparison: xr.Dataset) -> str:
    """Which criteria agree with exact wherever all distances are equal: measured, not presumed.

    ``spectral`` depends on the units of the data, so that an agreement of it says nothing.
    """
    if "difference_relative" not in comparison or "exact" not in comparison.reference_criterion:
        return ""
    relative = comparison.difference_relative.sel(reference_criterion="exact", drop=True)
    names, largest = [], 0.0
    for name in [str(n) for n in comparison.criterion.values if str(n) not in ("exact", "spectral")]:
        gap, reason = flat(comparison, relative.sel(criterion=name, drop=True), "trust_reason")
        gap = np.abs(gap[(reason == Reason.all_distances_equal) & np.isfinite(gap)])
        if gap.size and gap.max() < AGREED:
            names.append(f"`{name}`")
            largest = max(largest, float(gap.max()))
    if not names:
        return ""
    within = f"within {largest:.0e} of v*" if largest else "to the last bit"
    return f", and {_listed(names)} {'equal' if len(names) > 1 else 'equals'} `exact` {within} where both exist"


def _roots(conditions: np.ndarray) -> str:
    """What is wrong with the exact criterion at some of the points."""
    n = len(conditions)
    found = [
        (_count(conditions, Condition.no_root), "`exact` has no root"),
        (_count(conditions, Condition.several_roots), "`exact` has several roots and means the largest"),
        (_count(conditions, Condition.branch_crossing), "`exact` lies on another branch than `leading` and the series"),
    ]
    clauses = [text if count == n else f"{text} at {count} of them" for count, text in found if count]
    return f" ({', '.join(clauses)})" if clauses else ""


def _spread(comparison: xr.Dataset) -> str:
    """How far apart the criteria are, and which two are most often the outermost."""
    names = ("window_width", "window_end", "window_start_criterion", "window_end_criterion")
    width, latest, start, end = flat(comparison, *names)
    known = np.isfinite(width)
    if not known.any():
        return "no criterion has a time"
    with np.errstate(invalid="ignore"):
        open_ = known & (width > AGREED * np.abs(latest))
    if not open_.any():
        return "the criteria that have a time agree"
    low, high = (np.bincount(codes[open_]).argmax() for codes in (start, end))
    ends = f", from `{CRITERIA[low]}` to `{CRITERIA[high]}`"
    width = width[known]
    if len(width) == 1:
        return f"the criteria spread over {width[0]:.3g} in tau{ends}"
    spread = f"{np.median(width):.3g} in tau at the median point and {width.max():.3g} at most"
    return f"the criteria spread over {spread}{ends} for the most part"


def _anisotropy(comparison: xr.Dataset) -> str:
    if "within_class_anisotropy" not in comparison:
        return ""
    (ratio,) = flat(comparison, "within_class_anisotropy")
    conditions = flat(comparison, "trust_conditions")[0]
    if not _count(conditions, Condition.anisotropic_data):
        return "the pooled covariance within the classes is isotropic, as every criterion assumes of each class"
    return (
        f"the data are not isotropic within classes (largest variance {np.nanmax(ratio):.3g} times the mean one), so that"
        " every criterion is that of an isotropic approximation"
    )


def applies(comparison: xr.Dataset, criterion: str) -> bool:
    """Whether a criterion has a time anywhere."""
    return bool((flat(comparison, status_of(comparison, criterion))[0] == Status.ok).any())


def _count(conditions: np.ndarray, condition: Condition) -> int:
    return int(((conditions & condition.value) != 0).sum())


def _share(count: int, total: int) -> str:
    """How many of the points, and their share."""
    if count == total:
        return "at all of them" if total > 1 else ""
    return f"at {count} ({percent(count / total)})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
