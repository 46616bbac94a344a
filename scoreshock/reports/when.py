"""When the modes part, reported: what the command ``when`` prints, and the page that it writes."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock.conventions import WORDS, Status, TimeStatus, is_axis
from scoreshock.figures import page as figure_page
from scoreshock.figures.classes import class_hierarchy, class_pairs
from scoreshock.figures.description import Band, Line, Panel
from scoreshock.figures.moments import WINDOW
from scoreshock.figures.moments import when as levels_of_calls
from scoreshock.figures.style import DASHED, OKABE_ITO, SOLID, WIDTH, short
from scoreshock.pages import shell
from scoreshock.quantities.decisions import class_decisions
from scoreshock.quantities.when import BEGINS, COLLAPSE, ENDS, HALF, when
from scoreshock.reports import cascade, empirical, order
from scoreshock.schedules.schedule import Schedule
from scoreshock.storage import store
from scoreshock.storage.staging import write_file

CURVE = 33
"""Noise levels at which the class entropy is drawn."""

REACH = 4.0
"""How far the curve goes beyond the decision window, as a factor on sigma."""

ROUTES = (("model", "model", OKABE_ITO[4], SOLID), ("empirical", "empirical score of the samples", OKABE_ITO[5], DASHED))
"""Routes to the class entropy, with their names, colours and dashes."""

DRAWN = 1e-6
"""Relative numerical error from which on it is shown: that of draws is larger, that of quadrature smaller."""

FILES = "when.nc", "when.html"


class Report(NamedTuple):
    """What is known of one density in some schedules, and where it comes from, in words.

    The ``curve`` over noise levels has the dimension ``route``, of the model and where there are samples of these alone.
    """

    source: str
    moments: xr.Dataset
    curve: xr.Dataset
    warnings: tuple[str, ...]


def report(
    density: xr.Dataset,
    schedules: Mapping[str, Schedule],
    source: str,
    beside: xr.Dataset | None = None,
    samples: empirical.Samples | None = None,
    notes: Sequence[str] = (),
    *,
    say: Callable[[str], None] = lambda _: None,
    **options: Any,
) -> Report:
    """Moments, class entropy and warnings of a density without sweep dimensions.

    Parameters
    ----------
    density
        A mixture, isotropic or with covariances.
    schedules
        By label; none is allowed.
    source
        What the density is of, in words.
    beside
        How far the isotropic score is off, of ``ss.isotropy`` with the data's covariances.
    samples
        Of the data, for the empirical route.
    notes
        Further sentences for the reader.
    say
        Is told what is computed, as it begins.
    options
        Of :func:`scoreshock.when`.

    Examples
    --------
    >>> import scoreshock as ss
    >>> made = report(ss.families.pair(2.0, variance=0.25), {}, "a pair")
    >>> print(text(made).splitlines()[0])
    a pair
    """
    density = density.squeeze([name for name in density.dims if is_axis(str(name)) and density.sizes[name] == 1], drop=True)
    replicates = options.get("replicates")
    errors = f", and errors from {replicates.sizes['replicate']} replicates" if replicates is not None else ""
    say(f"noise levels{errors}")
    moments = when(density, dict(schedules), **options)
    ends = [float(moments.sigma.sel(moment=name)) for name in WINDOW]
    low, high = (value if np.isfinite(value) else 1.0 for value in ends)
    sigma = np.geomspace(low / REACH, high * REACH, CURVE)
    say("class entropy" + (" of the model and of the samples" if samples is not None else ""))
    draws = {name: options[name] for name in ("draws", "seed") if name in options}
    model = class_decisions(density, sigma**2 / 2, **draws)
    curve = empirical.with_routes(model, samples, options.get("seed", 0))
    fall = model[["class_information_density", "class_information_density_error"]].where(
        model.decisions_status != Status.failed
    )
    moments = empirical.onto(moments, curve)
    warnings = [*notes, *_warnings(density, moments, beside)]
    return Report(source, moments, curve.drop_dims("moment").merge(fall), tuple(warnings))


def text(made: Report) -> str:
    """The report as lines of a terminal."""
    rows = _rows(made.moments)
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    lines = [made.source, ""]
    lines += [
        "  ".join(
            cell.ljust(width) if j == 0 else cell.rjust(width)
            for j, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    moments = made.moments
    of_pairs = order.order(moments), order.last_pairs(moments)
    of_samples = empirical.agreement(moments)
    sections = _intervals(moments), _agreement(moments), of_samples, cascade.sentence(moments), *of_pairs, made.warnings
    for paragraphs in sections:
        if paragraphs:
            lines += ["", *paragraphs]
    return "\n".join(lines)


def as_json(made: Report) -> str:
    """The report as JSON; null stands for what is not a finite number."""
    stored = made.moments.to_dict()
    plain = {"source": made.source, "moments": stored["data_vars"], "coordinates": stored["coords"]}
    text = json.dumps(plain | {"warnings": list(made.warnings)}, default=str)
    return json.dumps(json.loads(text, parse_constant=lambda _: None))


def write(made: Report, folder: Path) -> tuple[Path, Path]:
    """Write ``when.nc`` and ``when.html`` into a folder, which is created where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / name for name in FILES)
    store.write(made.moments.merge(made.curve).assign_attrs(title=made.source), paths[0], {})
    script = shell.script_beside(folder)
    write_file(shell.page("When the modes part", _body(made, script), script=script, wide=True), paths[1])
    return paths  # type: ignore[return-value]


def _rows(moments: xr.Dataset) -> list[list[str]]:
    """Heading and a row for each moment, in the order of generation where it has a time."""
    labels = [str(name) for name in moments.schedule.values] if "schedule" in moments.dims else []
    heading = ["from noise to data", "sigma ± error" if _agreement(moments) else "sigma"]
    heading += [*(["by samples"] if "sigma_empirical" in moments else []), "tau"]
    for label in labels:
        heading += [f"{label}: step", "time"]
    order = np.argsort(-moments.tau_moment.fillna(-np.inf).values, kind="stable")
    rows = [heading]
    for moment in moments.isel(moment=order).moment.values:
        row = moments.sel(moment=moment)
        status = Status(int(row.moment_status))
        known = bool(row.tau_moment > 0)
        cells = [
            str(moment),
            _with_error(row) if known else "–",
            *([empirical.cell(row)] if "sigma_empirical" in moments else []),
            short(row.tau_moment.item()) if known else status.name,
        ]
        for label in labels:
            placed = row.sel(schedule=label)
            inside = known and int(placed.time_status) == TimeStatus.ok
            why = TimeStatus(int(placed.time_status)).name if known else ""
            cells += [f"{placed.sampling_step.item():.1f}", short(placed.time.item())] if inside else ["–", why]
        rows.append(cells)
    return rows


def _with_error(row: xr.Dataset) -> str:
    """Noise level of a moment, with its standard error, of the data and of the draws, where replicates say it."""
    if "sigma_error" not in row:
        drawn = row.sigma_numerical_error.item()
        return order.with_error(row.sigma.item(), drawn) if drawn > DRAWN * row.sigma.item() else short(row.sigma.item())
    return order.with_error(row.sigma.item(), float(np.hypot(row.sigma_error, row.sigma_numerical_error)))


def _agreement(moments: xr.Dataset) -> list[str]:
    """Which criteria agree with the reference within the error of the data, and which moments have no error."""
    if "agrees" not in moments:
        drawn = bool((moments.sigma_numerical_error > DRAWN * moments.sigma).any())
        return ["Errors are standard errors of the draws."] if drawn else []
    reference = moments.sigma_difference.attrs["reference_moment"]
    criteria = [str(name) for name in moments.moment.values if name not in (BEGINS, HALF, ENDS, COLLAPSE, reference)]
    said = dict(zip(map(str, moments.moment.values), moments.agrees.values.tolist(), strict=True))
    alike, apart = ([name for name in criteria if said[name] == value] for value in (1, 0))
    named = [f"{', '.join(alike)} agree{'s' * (len(alike) == 1)}", f"{', '.join(apart)} do{'es' * (len(apart) == 1)} not"]
    told = "; ".join(text for text, names in zip(named, (alike, apart), strict=True) if names)
    lines = ["Errors are standard errors: of the sampling of the data, by the bootstrap, and of draws."]
    if told:
        lines.append(f"Within two standard errors of their difference from {reference}: {told}.")
    without = moments.n_replicates_without.values
    some = [
        f"{name} ({count})"
        for name, count, error, own in zip(said, without, moments.error_status.values, moments.sigma.values, strict=True)
        if np.isfinite(own) and int(error) != Status.ok
    ]
    return [*lines, f"Without an error, since so many replicates have none: {', '.join(some)}."] if some else lines


def _intervals(moments: xr.Dataset) -> list[str]:
    """The decision window, and the calls in it of each schedule."""
    low, high = (float(moments.sigma.sel(moment=name)) for name in WINDOW)
    if not (np.isfinite(low) and np.isfinite(high)):
        return ["There is no decision window: the data leave the class open, or no noise tells classes apart."]
    lines = [f"Classes are decided in sigma ({short(low)}, {short(high)}]."]
    for label in moments.schedule.values if "schedule" in moments.dims else ():
        one = moments.sel(schedule=label)
        total, inside = int((one.sigma_call > 0).sum()), int(one.n_calls)
        first, last = int(one.first_call), int(one.last_call)
        where = f"steps {first} to {last} of 0 to {total - 1}, {inside} of {total} calls ({inside / total:.0%})"
        if not inside:
            lines.append(f"{label}: none of its {total} calls lies inside")
            continue
        lines.append(f"{label}: {where}; {first} before it, {total - 1 - last} after it{_past_collapse(one)}")
    return lines


def _past_collapse(one: xr.Dataset) -> str:
    """How many calls of a schedule come after the collapse."""
    if COLLAPSE not in one.moment.values:
        return ""
    sigma = float(one.sigma.sel(moment=COLLAPSE))
    count = int(((one.sigma_call > 0) & (one.sigma_call < sigma)).sum())
    return f", {count} where a perfect fit would memorise" if np.isfinite(sigma) else ""


def _warnings(density: xr.Dataset, moments: xr.Dataset, beside: xr.Dataset | None) -> list[str]:
    """What a reader must know, in sentences."""
    found = []
    if units := density.attrs.get("data_units"):
        found.append(f"Units: {units}.")
    if beside is not None:
        found.append(_isotropic_from(beside, density))
    failed: dict[str, list[str]] = {}
    for name, status in zip(moments.moment.values, moments.moment_status.values, strict=True):
        if int(status) != Status.ok:
            failed.setdefault(Status(int(status)).name, []).append(str(name))
    for label in moments.schedule.values if "schedule" in moments.dims else ():
        placed = moments.sel(schedule=label)
        for name, status in zip(moments.moment.values, placed.time_status.values, strict=True):
            if int(status) not in (TimeStatus.ok, TimeStatus.no_tau):
                failed.setdefault(TimeStatus(int(status)).name, []).append(f"{name} in {label}")
    found += [f"{', '.join(names)}: {WORDS[status]} ({status})." for status, names in failed.items()]
    return found


def _isotropic_from(beside: xr.Dataset, density: xr.Dataset) -> str:
    """From which noise on the isotropic model may be used."""
    exact = {
        str(name): float(np.sqrt(2 * max(value, 0.0)))
        for name, value in zip(beside.structure.values, beside.tau_exact.values, strict=True)
    }
    others = ", ".join(
        f"{short(sigma)} with {name} covariances" for name, sigma in exact.items() if sigma > 0 and name != "isotropic"
    )
    spread = f"largest variance within classes {short(float(density.within_class_anisotropy))} times the mean"
    if int(beside.tau_isotropic_status) == Status.ok:
        sigma = short(float(np.sqrt(2 * beside.tau_isotropic)))
        start = f"The isotropic score is within 5 % of that with covariances by class above sigma {sigma}"
    else:
        start = "The isotropic score is not within 5 % of that with covariances by class at any noise that was tried"
    return f"{start} ({spread}). The exact criterion gives sigma {others}." if others else f"{start} ({spread})."


def _body(made: Report, script: str) -> str:
    heading, *rows = _rows(made.moments)
    parts = [f"<h1>When the modes part</h1>\n<p>{html.escape(made.source)}</p>"]
    parts += [f"<p><strong>{html.escape(line)}</strong></p>" for line in _intervals(made.moments)]
    parts.append(_table(heading, rows))
    told = [*_agreement(made.moments), *empirical.agreement(made.moments)]
    parts += [f"<p>{html.escape(line)}</p>" for line in told]
    if described := levels_of_calls(made.moments):
        parts.append("<h2>Noise level of each call</h2>")
        shaded = "Shaded: the decision window, in which the class entropy falls from 95 % to 5 %."
        parts += _figure(described, script, shaded)
    parts.append(f"<h2>What is still open</h2>\n{figure_page.on_page(_curves(made), script)}")
    parts += _classes(made.moments, script)
    if made.warnings:
        parts.append("<h2>To know</h2>\n<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in made.warnings) + "</ul>")
    parts.append('<p class="caption">Data: <a href="when.nc">when.nc</a>.</p>')
    return "\n".join(parts)


def _classes(moments: xr.Dataset, script: str) -> list[str]:
    """Which directions between classes speciate when, in which order classes part, and when each pair does."""
    parts = []
    if directions := cascade.rows(moments):
        parts.append("<h2>Which directions between the classes speciate when</h2>")
        parts += [f"<p>{html.escape(line)}</p>" for line in cascade.sentence(moments)]
        parts += _figure(cascade.panel(moments), script, cascade.CAPTION)
        parts.append(_table(directions[0], directions[1:]))
        without = sorted({cell for row in directions[1:] for cell in row[2:4]} & set(WORDS))
        parts += [f'<p class="caption">{status}: {html.escape(WORDS[status])}.</p>' for status in without]
    if partings := order.order_rows(moments):
        parts.append("<h2>In which order classes part</h2>")
        parted = "A set of classes parts where half of the class entropy of the last pair between its sides remains."
        parts += _figure(class_hierarchy(moments), script, parted)
        parts.append(_table(["at sigma", "sides"], partings))
    if pairs := order.pair_rows(moments):
        table = _table(["first", "second", "half decided at sigma"], pairs)
        if len(pairs) > order.PAIRS_SHOWN:
            table = f"<details><summary>{len(pairs)} pairs</summary>\n{table}</details>"
        parts.append("<h2>Pairs of classes, by when they part</h2>")
        parts += _figure(class_pairs(moments), script, "Classes that part late stand together.")
        parts.append(table)
    return parts


def _figure(panels: list[Panel], script: str, caption: str) -> list[str]:
    """The panels, if there are any, and what a reader must know of them."""
    if not panels:
        return []
    return [figure_page.on_page(panels, script), f'<p class="caption">{caption}</p>']


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in heading)
    lines = "".join(
        f"<tr><td>{html.escape(row[0])}</td>"
        + "".join(f'<td class="n">{html.escape(cell)}</td>' for cell in row[1:])
        + "</tr>\n"
        for row in rows
    )
    return f'<div class="wide"><table>\n<tr>{head}</tr>\n{lines}</table></div>'


def _curves(made: Report) -> list[Panel]:
    """Class entropy over sigma by each route, and its fall per ln sigma by the model."""
    curve, sigma = made.curve, np.sqrt(2 * made.curve.tau.values)
    low, high = (float(made.moments.sigma.sel(moment=name)) for name in WINDOW)
    band = (Band(low, high, vertical=True),) if np.isfinite(low) and np.isfinite(high) else ()
    entropy = curve.class_entropy.where(curve.decisions_status.isin([Status.ok, Status.unresolved]))
    lines = [
        Line(sigma, entropy.sel(route=route).values, name if curve.sizes["route"] > 1 else "", color, dash, WIDTH)
        for (route, name, color, dash) in ROUTES
        if route in curve.route
    ]
    fall = 2 * curve.class_information_density.values / sigma**2
    label = "noise level σ = √(2τ)"
    look: dict[str, Any] = {"logx": True, "falling": True}
    return [
        Panel("", label, "class entropy, nats", (*band, *lines), **look),
        Panel("", label, "its fall per unit of ln σ, nats", (*band, Line(sigma, fall, width=WIDTH)), **look),
    ]
