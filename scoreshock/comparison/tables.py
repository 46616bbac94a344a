"""The comparison of a sweep as Markdown that is readable in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import xarray as xr

from scoreshock.comparison.selection import (
    criterion_names,
    flat,
    judge,
    loaded,
    number,
    of_wells,
    percent,
    points,
    status_of,
    sweep_dims,
)
from scoreshock.comparison.wording import sentence
from scoreshock.conventions import CRITERIA, Status

ABSENT = "-"
"""What stands in a table where there is no number."""

FEW = 12
"""A sweep of at most so many points is printed point by point."""

NOTE = """A number is missing only where a status says why: `no_transition` (all means coincide; for `spectral`,
no direction of the data has a variance above 1), `no_real_root` (the criterion has no solution), `below_floor` (its
solution lies at v <= sigma0^2, so at no tau > 0), `diverged`, `singular` (v = 0), `not_applicable` (the criterion is not
defined there; between the series and `exact`, the exact root lies on another eigenvalue's branch), `failed`, `unresolved`
(what decides it is below rounding), `missing` (not computed). Differences run over the points at which both sides are
`ok`, and are given by their size, without sign; relative ones are of v = sigma0^2 + 2 tau, relative to v* of the
reference. `spectral` alone depends on the units of the data."""

NOTE_ON_WELLS = """A number is missing only where a status says why: `no_transition` (there is one well), `no_real_root`
(the criterion has no solution), `below_floor` (its solution lies at no tau > 0), `failed` (a barrier too high to compute),
`unresolved` (what decides it is below rounding), `missing` (not computed). `boundary` is when `ln p` stops being convex
across the boundary of the two parts, `merging` when the density's modes become one; they agree where the wells are equally
deep. `matched-gaussian` takes two Gaussians at the wells in place of the density. Differences run over the points at which
both sides are `ok`, and are given by their size, without sign."""


def table(comparison: xr.Dataset, title: str = "Speciation by criterion") -> str:
    """The comparison of a sweep as Markdown that is readable in a terminal.

    Parameters
    ----------
    comparison
        Result of ``compare``.
    title
        Heading, for example the name of the sweep.

    Returns
    -------
    str
        Heading, :func:`sentence`, and tables: each criterion's times and its differences from ``exact`` (where it is not,
        from ``merging``) in tau and in each schedule's time, the orders of the correction series, the window's share of each
        schedule, statuses; for at most 12 points also the times point by point; and what a missing number means.
    """
    sections = [
        ("", sentence(comparison)),
        ("Criteria", _criteria(comparison)),
        ("Criterion (row) against reference (column): median difference in tau", _against(comparison)),
        (f"Difference from `{judge(comparison)}` in each schedule's time t: median", _in_schedules(comparison)),
        ("Each point: speciation time tau by criterion, or its status", _each_point(comparison)),
        ("Correction series against `exact`", _orders(comparison)),
        ("Window between the earliest and the latest criterion", _windows(comparison)),
        ("Points by status", _statuses(comparison)),
        ("How to read this", NOTE_ON_WELLS if of_wells(comparison) else NOTE),
    ]
    parts = [f"# {title}"]
    for heading, body in sections:
        if body:
            parts += ([f"## {heading}"] if heading else []) + [body]
    return "\n\n".join(parts) + "\n"


def _criteria(comparison: xr.Dataset) -> str:
    reference, relative = judge(comparison), "difference_relative" in comparison
    gaps = {name: [_median(gap), _largest(gap)] for name, gap in _sizes(comparison, "difference", reference)}
    if relative:
        for name, share in _sizes(comparison, "difference_relative", reference):
            gaps[name] = [gaps[name][0], _median(share), _largest(share)]
    rows = []
    for name in criterion_names(comparison):
        tau, status = flat(comparison, *(comparison[v].sel(criterion=name, drop=True) for v in ("tau_star", "status")))
        tau = tau[status == Status.ok]
        rows.append([name, f"{len(tau)}/{len(status)}", *_summary(tau), *gaps[name]])
    columns = ["relative", "at most"] if relative else ["at most"]
    return _markdown(["criterion", "ok", "tau* median", "min", "max", f"from `{reference}`: median", *columns], rows)


def _against(comparison: xr.Dataset) -> str:
    references = [str(name) for name in comparison.reference_criterion.values]
    columns = [{name: _median(gap) for name, gap in _sizes(comparison, "difference", each)} for each in references]
    rows = [[name, *(column[name] for column in columns)] for name in criterion_names(comparison)]
    return _markdown(["criterion", *references], rows)


def _in_schedules(comparison: xr.Dataset) -> str:
    if "difference_time" not in comparison:
        return ""
    labels = [str(label) for label in comparison.schedule.values]
    reference = judge(comparison)
    columns = [
        {name: _median(gap) for name, gap in _sizes(comparison.sel(schedule=label), "difference_time", reference)}
        for label in labels
    ]
    rows = [[name, *(column[name] for column in columns)] for name in criterion_names(comparison)]
    if all(cell == ABSENT for name, *cells in rows for cell in cells if name != reference):
        return ""
    return _markdown(["criterion", *labels], rows)


def _sizes(comparison: xr.Dataset, variable: str, reference: str) -> Iterator[tuple[str, np.ndarray]]:
    """Each criterion, and the sizes of its difference from one reference at the points where that exists.

    All criteria are read at once: chunks of a file hold all pairs, and each reading unpacks all of them.
    """
    there = variable in comparison and reference in comparison.reference_criterion
    against = loaded(comparison[variable].sel(reference_criterion=reference, drop=True)) if there else None
    for name in criterion_names(comparison):
        if against is None:
            yield name, np.empty(0)
            continue
        (values,) = flat(comparison, against.sel(criterion=name, drop=True))
        yield name, np.abs(values[~np.isnan(values)])


def _median(sizes: np.ndarray) -> str:
    return number(np.median(sizes)) if sizes.size else ABSENT


def _largest(sizes: np.ndarray) -> str:
    return number(np.max(sizes)) if sizes.size else ABSENT


def _each_point(comparison: xr.Dataset) -> str:
    total = points(comparison)
    if total > FEW:
        return ""
    dims = sweep_dims(comparison)
    names = criterion_names(comparison)
    places = [_place(comparison, dims, index) for index in np.ndindex(*(comparison.sizes[dim] for dim in dims))]
    columns = []
    for name in names:
        tau, status = flat(comparison, *(comparison[v].sel(criterion=name, drop=True) for v in ("tau_star", "status")))
        columns.append([number(t) if s == Status.ok else Status(int(s)).name for t, s in zip(tau, status, strict=True)])
    rows = [[*place, *(column[i] for column in columns)] for i, place in enumerate(places)]
    if "trusted_criterion" in comparison:
        (trusted,) = flat(comparison, "trusted_criterion")
        rows = [[*row, "none" if i < 0 else CRITERIA[i]] for row, i in zip(rows, trusted, strict=True)]
        names = [*names, "trust"]
    return _markdown([*dims, *names], rows)


def _place(comparison: xr.Dataset, dims: Sequence[str], index: tuple[int, ...]) -> list[str]:
    at = zip(dims, index, strict=True)
    return [number(comparison[dim].values[i]) if dim in comparison.coords else str(i) for dim, i in at]


def _orders(comparison: xr.Dataset) -> str:
    if "order" not in comparison.dims or "error_relative" not in comparison:
        return ""
    if not bool((comparison.error_status == Status.ok).any()):
        return "At no point does `exact` have a root on the branch of the series, so there is no error to give."
    labels = [str(label) for label in comparison.schedule.values] if "error_time" in comparison else []
    first = comparison.isel(order=0, drop=True)
    leading, known = flat(comparison, first.error, first.error_status)
    rows = []
    for i, order in enumerate(comparison.order.values):
        here = comparison.isel(order=i, drop=True)
        error, relative, status = flat(comparison, here.error, here.error_relative, here.error_status)
        good = status == Status.ok
        both = good & (known == Status.ok)
        better = f"{int((np.abs(error) < np.abs(leading))[both].sum())}/{int(both.sum())}" if i else ABSENT
        times = [flat(comparison, here.error_time.sel(schedule=label, drop=True))[0] for label in labels]
        placed = [_median(np.abs(values[~np.isnan(values)])) for values in times]
        relative = np.abs(relative[good])
        medians = [_median(np.abs(error[good])), _median(relative), _largest(relative), *placed]
        rows.append([str(int(order)), f"{int(good.sum())}/{len(good)}", *medians, better])
    times_of = [f"in t of {label}" for label in labels]
    return _markdown(["order", "ok", "error: median", "relative", "at most", *times_of, "better than leading"], rows)


def _windows(comparison: xr.Dataset) -> str:
    (width,) = flat(comparison, "window_width")
    width = width[np.isfinite(width)]
    rows = [["tau", str(len(width)), *_summary(width), ABSENT, ABSENT]]
    if "window_fraction_range" in comparison:
        for label in map(str, comparison.schedule.values):
            here = comparison.sel(schedule=label)
            names = ("window_fraction_range", "window_fraction_steps", "window_steps", "window_fraction_status")
            share, steps, count, status = flat(comparison, *(here[name] for name in names))
            good = status == Status.ok
            inside = [percent(np.median(steps[good])), number(np.median(count[good]))] if good.any() else [ABSENT, ABSENT]
            rows.append([f"t of {label}", str(int(good.sum())), *_summary(share[good], percent), *inside])
    header = ["range", "points", "median width", "min", "max", "median share of steps", "median steps"]
    return _markdown(header, rows)


def _statuses(comparison: xr.Dataset) -> str:
    names = criterion_names(comparison)
    columns = [flat(comparison, status_of(comparison, name))[0] for name in names]
    occurring = [member for member in Status if any((column == member).any() for column in columns)]
    rows = [[name, *(str(int((column == m).sum())) for m in occurring)] for name, column in zip(names, columns, strict=True)]
    return _markdown(["criterion", *(member.name for member in occurring)], rows)


def _summary(values: np.ndarray, form: Callable[[float], str] = number) -> list[str]:
    return [form(f(values)) for f in (np.median, np.min, np.max)] if values.size else [ABSENT] * 3


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with columns of even width, numbers to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(lines[0]), line(rule), *map(line, lines[1:])])
