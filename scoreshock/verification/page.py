"""The page of the verification: each statement with what was computed, and what is true instead, as HTML and as Markdown."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined

from scoreshock import store
from scoreshock.provenance import package_version
from scoreshock.verification.configuration import Configuration
from scoreshock.verification.pictures import PICTURES
from scoreshock.verification.statement import HOLDS, UNCONFIRMED, Outcome, Statement, judge
from scoreshock.verification.table import SECTIONS, STATEMENTS, TABLES, of_section

ROWS = 12
"""Rows of a table of values at most."""


@dataclass(frozen=True)
class Grid:
    """A table of values: a heading a column, and rows of text."""

    headings: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Entry:
    """A statement with its outcome and the values that are shown of it."""

    statement: Statement
    outcome: Outcome
    grids: list[Grid]

    @property
    def kind(self) -> str:
        """Of the verdict, for its colour."""
        verdict = self.outcome.verdict
        return {HOLDS: "holds", UNCONFIRMED: "unconfirmed"}.get(
            verdict, "condition" if verdict.startswith(HOLDS) else "fails"
        )


def pages(configuration: Configuration, folder: Path) -> dict[str, str]:
    """The page as ``index.html``, which needs nothing from outside, and as ``index.md``, from the files in ``folder``.

    Raises
    ------
    scoreshock.store.BrokenFile
        When a file of the verification is missing or not whole.
    """
    with_pictures = {picture.name: _embedded(folder / "figures" / f"{picture.name}.png") for picture in PICTURES}
    given: dict[str, Any] = {
        "version": package_version(),
        "sections": [(number, title, [_entry(s, folder) for s in of_section(number)]) for number, title in SECTIONS.items()],
        "pictures": {number: [p for p in PICTURES if p.section == number] for number in SECTIONS},
        "tables": {number: _tables(number, folder) for number in SECTIONS},
        "images": with_pictures,
        "parameters": _parameters(configuration),
        "count": len(STATEMENTS),
    }
    given["tally"] = tally(entry for _, _, entries in given["sections"] for entry in entries)
    return {name: _templates().get_template(f"{name}.j2").render(given) for name in ("index.html", "index.md")}


def tally(entries: Any) -> dict[str, int]:
    """How many statements have each kind of verdict."""
    kinds = [entry.kind for entry in entries]
    return {kind: kinds.count(kind) for kind in ("holds", "condition", "fails", "unconfirmed")}


def _entry(statement: Statement, folder: Path) -> Entry:
    with store.open_file(folder / "statements" / f"{statement.name}.nc", chunks=None) as dataset:
        return Entry(statement, judge(dataset, statement.condition), _grids(dataset, statement.shown))


def _tables(section: int, folder: Path) -> list[tuple[str, str, list[Grid]]]:
    found = []
    for name, (home, title, _) in TABLES.items():
        if home == section:
            with store.open_file(folder / "tables" / f"{name}.nc", chunks=None) as dataset:
                found.append((name, title, _grids(dataset, [str(v) for v in dataset.data_vars])))
    return found


def _grids(dataset: xr.Dataset, names: Any) -> list[Grid]:
    """Values as tables: variables of one dimension side by side, those of two each as a table of its own."""
    together: dict[tuple[Any, ...], list[str]] = {}
    for name in names:
        shape = dataset[name].squeeze().dims
        key = shape if len(shape) < 2 else (*shape, name)
        together.setdefault(key, []).append(name)
    return [_grid(dataset, group) for group in together.values()]


def _grid(dataset: xr.Dataset, names: list[str]) -> Grid:
    values = [dataset[name].squeeze() for name in names]
    meanings = [str(value.attrs["long_name"]) for value in values]
    if values[0].ndim == 0:
        return Grid(["", "value"], [[meaning, number(v.item())] for meaning, v in zip(meanings, values, strict=True)])
    first = values[0]
    rows = [_labelled(first, str(first.dims[0]), i) for i in range(min(ROWS, first.shape[0]))]
    if first.ndim == 1:
        columns = [[number(v.values[i]) for v in values] for i in range(len(rows))]
        return Grid([_heading(first, 0), *meanings], [[row, *cells] for row, cells in zip(rows, columns, strict=True)])
    wide = first.transpose(first.dims[0], ...).values.reshape(first.shape[0], -1)
    across = str(first.dims[1])
    headings = [_labelled(first, across, j) for j in range(wide.shape[1])]
    cells = [[row, *map(number, wide[i])] for i, row in enumerate(rows)]
    return Grid([f"{meanings[0]}, by {_heading(first, 0)} and {across}", *headings], cells)


def _heading(values: xr.DataArray, axis: int) -> str:
    name = str(values.dims[axis])
    return name.replace("_", " ")


def _labelled(values: xr.DataArray, dim: str, place: int) -> str:
    return number(values[dim].values[place]) if dim in values.coords else str(place + 1)


def number(value: Any) -> str:
    """A value as text: five significant digits, a dash where there is none.

    Examples
    --------
    >>> number(0.1234567), number(float("nan")), number("exact"), number(3)
    ('0.12346', '–', 'exact', '3')
    """
    if isinstance(value, str | np.str_):
        return str(value)
    if isinstance(value, int | np.integer):
        return str(value)
    return "–" if np.isnan(value) else f"{value:.5g}"


def _parameters(configuration: Configuration) -> list[tuple[str, str, str]]:
    """Key, value and whose it is, of every parameter."""
    published = set(configuration.published)
    return [(key, str(value), "the paper's" if key in published else "ours") for key, value in configuration.values()]


def _embedded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("scoreshock.verification", "templates"),
        undefined=StrictUndefined,
        autoescape=lambda name: bool(name) and ".html" in str(name),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"small": lambda measure: f"{measure:.2g}", "cell": lambda text: str(text).replace("|", "\\|")}
    return environment


def correspondence() -> str:
    """The table theorem, function, dataset, figure, as Markdown: what ``docs/paper.md`` holds."""
    return (
        _templates()
        .get_template("paper.md.j2")
        .render(sections=SECTIONS, of_section=of_section, pictures=PICTURES, tables=TABLES)
    )
