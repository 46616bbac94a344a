"""The page of the verification, as HTML and Markdown: statements with results, verdicts and corrections."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jinja2 import Environment
from markupsafe import Markup

from scoreshock.figures import page as figure_page
from scoreshock.pages import shell, templates
from scoreshock.paper import drawing
from scoreshock.paper.configuration import Setup
from scoreshock.paper.contents import SECTIONS
from scoreshock.paper.pictures import PICTURES, Picture
from scoreshock.paper.statement import FAILS, HOLDS, UNCONFIRMED, Outcome, Statement, judge
from scoreshock.paper.table import STATEMENTS, TABLES, of_section
from scoreshock.paper.typesetting import formula, typeset
from scoreshock.storage import store
from scoreshock.storage.provenance import package_version

TITLE = "Score Shocks, statement by statement"

ROWS = 16
"""Maximum number of rows of a table of values."""

LISTED = 8
"""Maximum number of listed values of an axis; of longer axes, number and range are shown."""

SYMBOLS = {
    "tau": r"$\tau$",
    "tau_well": r"$\tau$ (wells)",
    "later": r"$\tau$ after the first",
    "tau_cloud": r"$\tau$ (several dimensions)",
    "tau_rotating": r"$\tau$ (rotating solution)",
    "point_cloud": "point (several dimensions)",
    "end": "outermost $x$",
    "agreeing": "criterion",
    "at_criterion": "criterion of the wells",
    "source": "compared output",
    "fraction": "time of the other paths",
    "tree_eigenmode": "eigenmode (hierarchy)",
    "start": "start in standard deviations",
    "elapsed": r"$(\tau - \tau_0)$ over the time to the divergence",
    "stretch": "excess of a distance",
    "x": "$x$",
    "x_core": "$x$ (core)",
    "x_well": "$x$ (wells)",
    "r": "$r$",
    "t": "$t$",
    "tau_min": r"$\tau_{\min}$",
    "separation": "half-distance or scale $a$",
    "variance": r"$\sigma_0^2$",
    "viscosity": r"$\nu$",
    "squared_diffusion": "$g^2$",
    "beta": r"$\beta$",
    "noise_ratio": "$R$",
    "weight": "weight on the right",
    "heavier": "heavier weight",
    "model": "model's variance over the data's",
    "series_order": "order",
    "well_criterion": "criterion",
    "feature_other": "feature",
    "realization": "random mixtures",
}
"""Names of axes on the page, if different from the dimension."""


class Grid(NamedTuple):
    """A table of values: headings of columns, and rows of text."""

    headings: list[str]
    rows: list[list[str]]


class Entry(NamedTuple):
    """A statement with its outcome and the values shown on the page."""

    statement: Statement
    outcome: Outcome
    grids: list[Grid]
    over: list[tuple[str, str]]
    parameters: list[str]

    @property
    def kind(self) -> str:
        """Kind of the verdict, which determines its colour."""
        kinds = {HOLDS: "holds", UNCONFIRMED: "unconfirmed", FAILS: "fails"}
        return kinds.get(self.outcome.verdict, "condition")


def pages(setup: Setup, folder: Path) -> dict[str, str]:
    """Render the page as ``index.html`` and as ``index.md``, from the files in ``folder``.

    The script that draws the figures of ``index.html`` is written to ``folder`` unless it is there.

    Raises
    ------
    scoreshock.storage.store.BrokenFile
        If a file of the verification is missing or damaged.
    """
    script = shell.script_beside(folder)
    sections = [(number, title, [_entry(s, folder) for s in of_section(number)]) for number, title in SECTIONS.items()]
    entries = [entry for _, _, group in sections for entry in group]
    kinds = [entry.kind for entry in entries]
    context: dict[str, Any] = {
        "version": package_version(),
        "sections": sections,
        "exceptions": [entry for entry in entries if entry.kind != "holds"],
        "tally": {kind: kinds.count(kind) for kind in ("holds", "condition", "fails", "unconfirmed")},
        "pictures": {number: [_drawn(p, folder, script) for p in PICTURES if p.section == number] for number in SECTIONS},
        "tables": {
            number: [(name, title, _table(name, folder)) for name, (home, title, _) in TABLES.items() if home == number]
            for number in SECTIONS
        },
        "functions": functions(),
        "parameters": _parameters(setup),
        "count": len(STATEMENTS),
    }
    made = {name: _templates().get_template(f"{name}.j2").render(context) for name in ("index.html", "index.md")}
    style = _templates().get_template("index.css.j2").render()
    return made | {"index.html": shell.page(TITLE, made["index.html"], script=script, style=style)}


def functions() -> list[tuple[str, str, str]]:
    """Name, module and first sentence of every function that computes a statement."""
    used = {function.__name__: function for statement in STATEMENTS for function in statement.functions}
    return [(name, function.__module__, _summary(function)) for name, function in sorted(used.items())]


def _summary(function: Callable[..., Any]) -> str:
    first = (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")
    return re.sub(r":math:`([^`]*)`", r"$\1$", first).replace("`", "")


def _entry(statement: Statement, folder: Path) -> Entry:
    with store.open_file(folder / "statements" / f"{statement.name}.nc", chunks=None) as dataset:
        outcome = judge(dataset, statement.condition)
        over = _over(dataset, [measure.name for measure in (*outcome.residuals, *outcome.violations)])
        return Entry(statement, outcome, _grids(dataset, statement.shown), over, _read(dataset))


def _drawn(picture: Picture, folder: Path, script: str) -> dict[str, Any]:
    with store.open_file(folder / "figures" / f"{picture.name}.nc", chunks=None) as dataset:
        panels = drawing.FIGURES[picture.name](dataset.load())
        return {
            "picture": picture,
            "panels": Markup(figure_page.on_page(panels, script)),
            "parameters": _read(dataset),
        }


def _read(dataset: xr.Dataset) -> list[str]:
    """Configuration keys that a dataset depends on."""
    return [key for key in str(dataset.attrs["parameters"]).split(", ") if key]


def _over(dataset: xr.Dataset, names: Iterable[str]) -> list[tuple[str, str]]:
    """Names and values of the axes of the measures."""
    dims = dict.fromkeys(str(dim) for name in names for dim in dataset[name].dims)
    shown = [dim for dim in dims if dataset.sizes[dim] > 1 and not dim.startswith("feature")]
    return [(_symbol(dim), _values(dataset, dim)) for dim in shown]


def _values(dataset: xr.Dataset, dim: str) -> str:
    size = dataset.sizes[dim]
    if dim not in dataset.coords or dim == "realization":
        return str(size)
    values = dataset[dim].values
    if values.dtype.kind not in "iuf":
        return " · ".join(map(str, values))
    if size <= LISTED:
        return ", ".join(map(number, values))
    return f"{size} from {number(values.min())} to {number(values.max())}"


def _table(name: str, folder: Path) -> list[Grid]:
    with store.open_file(folder / "tables" / f"{name}.nc", chunks=None) as dataset:
        return _grids(dataset, dataset.data_vars)


def _grids(dataset: xr.Dataset, names: Any) -> list[Grid]:
    """Tables of values: variables with the same single dimension share a table, those with two have one each."""
    together: dict[tuple[Any, ...], list[str]] = {}
    for name in names:
        shape = dataset[name].squeeze().dims
        key = shape if len(shape) < 2 else (*shape, name)
        together.setdefault(key, []).append(name)
    return [_grid(dataset, group) for group in together.values()]


def _grid(dataset: xr.Dataset, names: list[str]) -> Grid:
    values = [dataset[name].squeeze() for name in names]
    meanings, first = [str(each.attrs["long_name"]) for each in values], values[0]
    if first.ndim == 0:
        return Grid(["", "value"], [[meaning, number(v.item())] for meaning, v in zip(meanings, values, strict=True)])
    down, *across = (str(dim) for dim in first.dims)
    labels = [_labelled(first, down, i) for i in range(min(ROWS, first.shape[0]))]
    if across:
        headings = [_labelled(first, across[0], j) for j in range(first.shape[1])]
        columns, corner = list(first.values.T), f"{meanings[0]}, by {_symbol(down)} and {_symbol(across[0])}"
    else:
        headings, columns, corner = meanings, [each.values for each in values], _symbol(down)
    return Grid([corner, *headings], [[label, *(number(c[i]) for c in columns)] for i, label in enumerate(labels)])


def _symbol(dim: str) -> str:
    return SYMBOLS.get(dim, dim.replace("_", " "))


def _labelled(values: xr.DataArray, dim: str, index: int) -> str:
    return number(values[dim].values[index]) if dim in values.coords else str(index + 1)


def number(value: Any) -> str:
    """Text of a value with five significant digits; a dash for NaN.

    Examples
    --------
    >>> number(0.1234567), number(float("nan")), number("exact"), number(3)
    ('0.12346', '–', 'exact', '3')
    """
    if isinstance(value, str | np.str_ | int | np.integer):
        return str(value)
    return "–" if np.isnan(value) else f"{value:.5g}"


def _parameters(setup: Setup) -> list[tuple[str, str, str]]:
    """Key, value and origin of every parameter."""
    published = set(setup.published)
    return [(key, str(value), "paper" if key in published else "our choice") for key, value in setup.values()]


@cache
def _templates() -> Environment:
    environment = templates.environment("scoreshock.paper")
    environment.filters |= {
        "small": lambda measure: f"{measure:.2g}",
        "cell": lambda text: str(text).replace("|", "\\|"),
        "typeset": typeset,
        "display": lambda latex: formula(latex, display=True),
        "source": lambda function: f"{function.__module__.replace('.', '/')}.py",
        "words": lambda name: name.replace("-", " "),
    }
    environment.globals["figure_of"] = {number: p.name for p in PICTURES for number in p.statements}
    return environment


def correspondence() -> str:
    """Markdown table of statement, function, dataset and figure: ``docs/paper.md``."""
    template = _templates().get_template("paper.md.j2")
    return template.render(sections=SECTIONS, of_section=of_section, pictures=PICTURES, tables=TABLES)
