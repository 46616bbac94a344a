"""The key ``figures`` of a sweep: which figures are drawn, in which formats, and what a reader chose of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from scoreshock.checks import listed, suggestion
from scoreshock.figures import ALL, FIGURES, FORMATS, RENDERERS, choice_of
from scoreshock.figures.selection import choosable, dimension, selected
from scoreshock.study.blocks import Sweep
from scoreshock.study.errors import Report, show, unknown

AXES = ("x", "lines", "panels")
"""Keys that name a dimension."""


def chosen(entry: Mapping[str, Any], sweep: Sweep, known: Sequence[str], report: Report) -> dict[str, dict[str, Any]]:
    """What a sweep's figures take from the study, by figure: what is under ``all``, and above it what is under its name.

    Names of dimensions and selected values are checked against the layout of the results; problems are recorded.
    """
    drawn = [name for name in known if FIGURES[name].of in sweep.quantities]
    for name, of_figure in entry.items():
        if name != ALL and name not in drawn:
            report.at(name).add(
                f"is drawn of {FIGURES[name].of}, which the sweep does not compute; allowed: {listed((ALL, *drawn))}"
            )
        else:
            taken = sweep.quantities if name == ALL else (FIGURES[name].of, *FIGURES[name].beside)
            _check(of_figure, [sweep.template(each) for each in taken if each in sweep.quantities], report.at(name))
    everywhere = entry.get(ALL, {})
    together = {name: _over(everywhere, entry.get(name, {})) for name in drawn}
    return {name: of_figure for name, of_figure in together.items() if of_figure}


def formats(sweep: Sweep) -> list[str]:
    """Formats in which some figure of a sweep is drawn, in the order of `scoreshock.figures.RENDERERS`."""
    drawn = [name for name, each in FIGURES.items() if each.of in sweep.quantities]
    wanted = {each for name in drawn for each in sweep.figures.get(name, {}).get("formats", FORMATS)}
    return [each for each in RENDERERS if each in wanted | (set() if drawn else set(FORMATS))]


def _over(everywhere: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a figure above those of all; selections and scales are joined."""
    joined = {key: {**everywhere.get(key, {}), **own.get(key, {})} for key in ("select", "scale")}
    return {key: value for key, value in {**everywhere, **own, **joined}.items() if value not in ({}, "", None)}


def _check(entry: Mapping[str, Any], layouts: Sequence[xr.Dataset], report: Report) -> None:
    """Record dimensions that the data do not have or that are chosen twice, and selected values that are not there."""
    known = dict.fromkeys(str(name) for layout in layouts for name in layout.dims)
    allowed = choosable(layouts)
    roles = {key: dimension(entry[key], known) for key in AXES if entry.get(key)}
    for key, name in roles.items():
        if name not in known:
            report.at(key).add(unknown(name, allowed))
        elif name in list(roles.values())[: list(roles).index(key)]:
            report.at(key).add(f"{show(entry[key])} is chosen twice; allowed: each of x, lines and panels another dimension")
    for written, wanted in choice_of(entry).select.items():
        name = dimension(written, known)
        if name not in known:
            report.at("select", written).add(f"not a dimension{suggestion(written, allowed)}; allowed: {listed(allowed)}")
            continue
        layout = next(layout for layout in layouts if name in layout.dims)
        report.at("select", written).call(selected, layout.coords.to_dataset(), {name: wanted})
