"""A table: features, labels, and what was chosen to read them; and how the columns of classes and features are chosen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from scoreshock.checks import listed, repeated, show, suggestion
from scoreshock.densities.tables.rows import Rows

LABELS = ("label", "labels", "class", "classes", "target", "targets", "species", "category", "y")
"""Usual names of classes, in any case; ``y`` only where there is no ``x``, whose coordinate it then is."""

ROW_NUMBERS = ("index", "id", "idx", "row", "rownames", "sample")
"""Names of columns that, where they have another whole number in each row, are no features."""


@dataclass(frozen=True, eq=False)
class Table:
    """Samples as rows of numbers (N, d), their labels (N,), names of the features, and what a reader should know."""

    features: Rows
    labels: Any
    names: tuple[str, ...] | None = None
    notes: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """What of a file is read, and how.

    Attributes
    ----------
    label
        Name of the column or array of the classes, or a file of them; by default the one that has a usual name.
    features, ignore
        Names of the columns (or the array) of features, all others by default; and of those that are left out.
    missing
        ``refuse`` or ``drop``: what happens to samples in which a number or the label is missing.
    delimiter, decimal
        Of text: what stands between columns, found in the header by default, and the decimal mark.
    labels_apart
        Why the table has no labels of its own to use; empty where it has.
    """

    label: str | None = None
    features: Sequence[str] | None = None
    ignore: Sequence[str] = ()
    missing: str = "refuse"
    delimiter: str | None = None
    decimal: str | None = None
    labels_apart: str = ""

    def __post_init__(self) -> None:
        for name in ("label", "delimiter", "decimal"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value):
                raise ValueError(f"{name} = {show(value)} is not allowed; allowed: text")
        for name in ("features", "ignore"):
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        for name, allowed in (("missing", ("refuse", "drop")), ("decimal", (".", ","))):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value in allowed):
                known = " or ".join(map(show, allowed))
                raise ValueError(f"{name} = {show(value)} is not allowed{suggestion(value, allowed)}; allowed: {known}")

    def refuse(self, source: str, *names: str) -> None:
        """Refuse options that do not apply to ``source``."""
        default = {one.name: one.default for one in fields(self)}
        for name in names:
            if (value := getattr(self, name)) != default[name]:
                raise ValueError(f"{name} = {show(value)} is not used by {source}; allowed: leave it out")


def _names(name: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    given = (value,) if isinstance(value, str) else value
    if (
        not isinstance(given, Sequence)
        or (not given and name == "features")
        or not all(isinstance(one, str) for one in given)
    ):
        raise ValueError(f"{name} = {show(value)} is not allowed; allowed: a list of names")
    if twice := repeated(given):
        raise ValueError(f"{name} has {show(twice[0])} more than once; allowed: each name once")
    return tuple(given)


class Columns(NamedTuple):
    """Positions of the columns of features and of the labels (None without), and what was chosen."""

    features: list[int]
    label: int | None
    notes: dict[str, str | int]


def choose_columns(source: str, names: Sequence[str], choice: Choice) -> Columns:
    """Columns of a table with these names.

    Raises
    ------
    ValueError
        Where a name is missing, unknown, or there more than once, or what the author means is not certain.
    """
    folded = [name.casefold() for name in names]
    twice = [*repeated(names), *(name for name in repeated(folded) if name in LABELS)]
    if twice and twice[0]:
        raise ValueError(f"{source} has the column {show(twice[0])} more than once; allowed: a name for each column")
    chosen = None if choice.features is None else {_known("features has", name, source, names) for name in choice.features}
    ignored = {_known("ignore has", name, source, names) for name in choice.ignore}
    label, notes = _label_column(
        source, names, choice, [j for j in range(len(names)) if j not in ignored | (chosen or set())]
    )
    if both := ignored & {label, *(chosen or ())}:
        raise ValueError(f"ignore has {show(names[min(both)])}, which is also named to be used; allowed: one of both")
    used = [j for j in range(len(names)) if j != label and (j in chosen if chosen is not None else j not in ignored)]
    if not used:
        raise ValueError(f"{source} has no features; columns found: {listed(names)}; allowed: numbers in other columns")
    if left := [name for j, name in enumerate(names) if j != label and j not in used]:
        notes["ignored_columns"] = listed(name or "(without a name)" for name in left)
    return Columns(used, label, notes)


def _label_column(
    source: str, names: Sequence[str], choice: Choice, free: list[int]
) -> tuple[int | None, dict[str, str | int]]:
    """Position of the labels; by default the only one of the ``free`` columns that has a usual name."""
    usual = [j for j in free if _is_usual(names[j], names)]
    if choice.labels_apart:
        if usual and choice.features is None:
            name = names[usual[0]]
            both = f"the column {show(name)}, and {choice.labels_apart}"
            raise ValueError(f"{source} has {both}; allowed: one of both ({without(source, name)})")
        return None, {}
    if choice.label is not None:
        label = _known("label =", choice.label, source, names)
        return label, {"label_column": names[label]}
    if len(usual) == 1:
        return usual[0], {"label_column": f"{names[usual[0]]} (by its name)"}
    if usual:
        several = listed(names[j] for j in usual)
        raise ValueError(f"{source} has several columns that can be labels: {several}; allowed: label: one of them")
    raise ValueError(
        f"{source} has no labels; columns found: {listed(names)}; allowed: label: the column of the classes{_advice(names)}"
    )


def _is_usual(name: str, names: Sequence[str]) -> bool:
    folded = name.casefold()
    return folded in LABELS and (folded != "y" or not any(other.casefold() == "x" for other in names))


def _advice(names: Sequence[str]) -> str:
    if len(names) == 1 and (marks := re.findall(r"[^\w\s.\-]", names[0])):
        return f" (and delimiter, if columns are separated by {show(marks[0])})"
    if all(re.fullmatch(r"[-+]?\d+\.?\d*(e[-+]?\d+)?", name) for name in names):
        return " (the first line is numbers: it has to be the names of the columns)"
    return ""


def _known(what: str, name: str, source: str, names: Sequence[str]) -> int:
    """Position of the column, by its name or by that in another case."""
    folded = [one.casefold() for one in names]
    if name in names:
        return list(names).index(name)
    if folded.count(name.casefold()) == 1:
        return folded.index(name.casefold())
    near = suggestion(name, names)
    raise ValueError(f"{what} {show(name)}, which is no column of {source}{near}; columns found: {listed(names)}")


def without(source: str, name: str) -> str:
    """How a column is left out: by an option where the table is in a file."""
    return f"ignore: [{name or show(name)}]" if source.startswith("file ") else f"a table without {show(name)}"


NAMELESS = re.compile(r"(unnamed: \d+|__index_level_\d+__)?", re.IGNORECASE)
"""Names that stand for none, as of a saved index."""


def refuse_nameless(source: str, names: Sequence[str], used: Iterable[int]) -> None:
    """Refuse to take a column without a name for a feature."""
    for j in used:
        if NAMELESS.fullmatch(names[j].strip()):
            raise ValueError(
                f"{source} has a column without a name (column {j + 1}), such as pandas writes for an index; "
                f"allowed: named columns of numbers ({without(source, names[j])}, or save with index=False)"
            )
