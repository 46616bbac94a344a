"""Tables of options, quantities, criteria, flags and variables for the documentation, generated from the declarations.

``python -m scoreshock.study.reference`` in a clone writes them between the marks in the pages of `PAGES`, and writes
``docs/variables.md``. The sweeps of the default study are described by their notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

import yaml

from scoreshock import options
from scoreshock.conventions import WORDS, Status, TimeStatus, Variable
from scoreshock.figures import FIGURES
from scoreshock.quantities.declaration import CRITERIA
from scoreshock.study.vocabulary import Vocabulary, vocabulary

PAGES = (Path("config/README.md"), Path("docs/results.md"), Path("docs/start.md"))
VARIABLES = Path("docs/variables.md")
STUDY = Path(__file__).parents[2] / "config" / "config.yaml"


def option_table(known: Vocabulary) -> str:
    """Options of sweeps: meaning, default, and the quantities that take them."""
    rows = []
    for name in known.options:
        takers = known.quantities_with(name)
        option = takers[0].options[name]
        default = "the family's" if name == "criteria" else _written(takers[0].default(name))
        allowed = "" if name == "criteria" else _allowed(option)
        names = ", ".join(f"`{each}`" for each in dict.fromkeys(taker.name for taker in takers))
        rows.append((f"`{name}`", option.meaning + allowed, default, names))
    return _table(("key", "meaning", "default", "of"), rows)


def quantity_table(known: Vocabulary) -> str:
    """Quantities: contents, the densities that have them, and their options."""
    rows = [
        (
            f"`{each.name}`",
            "mixtures" if each.density == "mixture" else each.density,
            each.meaning.replace("``", "`"),
            ", ".join(f"`{option}`" for option in each.options),
        )
        for each in known.quantities
    ]
    return _table(("quantity", "of", "contents", "options"), rows)


def figure_table(known: Vocabulary) -> str:
    """Figures: the quantity that each is drawn of, with those beside it, and what it shows."""
    rows = []
    for name in known.figures:
        figure = FIGURES[name]
        of = ", ".join(f"`{each}`" for each in (figure.of, *figure.beside))
        rows.append((f"`{name}`", of, figure.words))
    return _table(("figure", "of", "shows"), rows)


def criterion_table() -> str:
    """Criteria: what each says, and whether it is computed by default."""
    declared = sorted((CRITERIA[key] for key in CRITERIA.builtin()), key=lambda each: each.density)
    rows = [
        (f"`{each.name}`", "mixtures" if each.density == "mixture" else each.density, each.meaning, "yes" * each.by_default)
        for each in declared
    ]
    return _table(("criterion", "of", "meaning", "by default"), rows)


def variables_page(known: Vocabulary) -> str:
    """All variables of the results, by quantity."""
    head = """# Variables of the results

By quantity, with the dimensions of each besides those of the sweep, and the flag that says why a value is missing.
This page is generated from the declarations (`python -m scoreshock.study.reference`).
"""
    parts = [head]
    for each in known.quantities:
        of = "" if each.density == "mixture" else f" of {each.density}"
        rows = [_variable(variable) for variable in each.variables]
        parts.append(f"## {each.name}{of}\n\n{_table(('variable', 'meaning', 'dimensions', 'flag', 'source'), rows)}")
    return "\n".join(parts)


def sweep_table(study: str) -> str:
    """Sweeps of a study, with the first sentence of the note of each."""
    notes = {name: " ".join(sweep["note"].split()) for name, sweep in yaml.safe_load(study)["sweeps"].items()}
    return _table(("sweep", "shows"), [(f"`{name}`", note.split(". ")[0].rstrip(".")) for name, note in notes.items()])


def flag_table(kind: type[IntEnum]) -> str:
    """Values of flag variables, and their meanings."""
    rows = [(f"`{member.name}`", str(member.value), WORDS[member.name]) for member in kind]
    return _table(("flag", "value", "meaning"), rows)


def filled(text: str) -> str:
    """A page with its tables generated again."""
    known = vocabulary()
    tables = {
        "options": option_table(known),
        "quantities": quantity_table(known),
        "criteria": criterion_table(),
        "figures": figure_table(known),
        "status": flag_table(Status),
        "time_status": flag_table(TimeStatus),
        "sweeps": sweep_table(STUDY.read_text("utf-8")),
    }
    for name, table in tables.items():
        begin, end = f"<!-- {name}: generated from the declarations -->\n", f"<!-- end of {name} -->"
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _, t=begin + table + end: t, text, flags=re.DOTALL)  # type: ignore[misc]
    return text


def _variable(variable: Variable) -> tuple[str, ...]:
    dims = ", ".join(f"`{dim}`" for dim in variable.dims)
    meaning = ". ".join(filter(None, [variable.long_name, variable.description.rstrip(".")]))
    flag = f"`{variable.status}`" if variable.status else ""
    return f"`{variable.name}`", meaning, dims, flag, variable.references


def _allowed(option: options.Option) -> str:
    """What an option may be, for a reader."""
    match option:
        case options.Choice(known=known):
            return ": " + ", ".join(f"`{name}`" for name in known)
        case options.Positive(high=options.GREATEST, or_zero=or_zero):
            return f" ({'>=' if or_zero else '>'} 0)"
        case options.Number(low=low, high=high) | options.Whole(low=low, high=high) if high not in (float("inf"), 2**53):
            return f" ({low:g} to {high:g})"
        case options.Number(not_zero=True):
            return " (not 0)"
    return ""


def _written(value: Any) -> str:
    """A default as it is written in a study."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | tuple):
        return f"`[{', '.join(map(str, value))}]`"
    if not isinstance(value, dict):
        return f"`{value}`"
    unit = f", `unit: {value['unit']}`" if "unit" in value else ""
    if "values" in value:
        return ", ".join(f"{each:g}" for each in value["values"]) + unit
    return f"{value['start']:g} ... {value['stop']:g}, {value['num']} values{unit}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def main() -> None:
    """Write the tables of this clone."""
    for page in PAGES:
        page.write_text(filled(page.read_text("utf-8")), "utf-8")
    VARIABLES.write_text(variables_page(vocabulary()), "utf-8")


if __name__ == "__main__":
    main()
