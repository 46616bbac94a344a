"""Tables of named columns, which come as frames piece by piece: pandas' and others', Parquet files, text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from scoreshock.checks import shortened, show
from scoreshock.densities.tables.labels import MISSING, label_text, whole_where_possible
from scoreshock.densities.tables.rows import CHUNK, Rows, Spool, parts
from scoreshock.densities.tables.table import ROW_NUMBERS, Choice, Columns, Table, choose_columns, refuse_nameless, without

COUNTED = 10
"""Fewest rows in which a column of any name that counts them, 0, 1, 2, ..., is no feature (ours)."""


def collect(source: str, names: Sequence[str], columns: Columns, pieces: Iterable[Any], choice: Choice) -> Table:
    """The table of which ``pieces`` are consecutive rows, as pandas frames with columns in the order of ``names``.

    Raises
    ------
    ValueError
        At the first entry that is no number, and where one is missing, unless such rows are dropped.
    """
    collected = _Collected(source, names, columns, choice)
    for piece in pieces:
        if len(piece):
            collected.add(piece)
    return collected.table()


class _Collected:
    """Rows and labels of the pieces so far."""

    def __init__(self, source: str, names: Sequence[str], columns: Columns, choice: Choice) -> None:
        self._source, self._names, self._columns, self._choice = source, names, columns, choice
        self._rows, self._codes, self._spellings = Spool(), Spool(), dict[str, int]()
        self._count = self._dropped = 0
        chosen = columns.features if choice.features is None else []
        refuse_nameless(source, names, chosen)
        self._chosen = self._counting = set(chosen)

    def add(self, piece: Any) -> None:
        used, label = self._columns.features, self._columns.label
        rows = np.empty((len(piece), len(used)))
        for place, j in enumerate(used):
            rows[:, place] = numbers = self._numbers(self._names[j], piece.iloc[:, j])
            if j in self._counting and not self._counts(numbers):
                self._counting = self._counting - {j}
        codes, lost = (None, np.zeros(len(rows), bool)) if label is None else self._coded(piece.iloc[:, label])
        keep = self._complete(rows, lost)
        self._rows.append(rows[keep])
        if codes is not None:
            self._codes.append(codes[keep])
        self._count += len(rows)

    def _counts(self, numbers: np.ndarray) -> bool:
        """Whether the numbers of the next rows count these, from 0 or 1."""
        before = numbers[0] - self._count
        return before in (0, 1) and bool((numbers - np.arange(len(numbers)) == numbers[0]).all())

    def _row_numbers(self, rows: Rows) -> list[str]:
        """Columns that number the rows: that count them, or have such a name and another whole number in each row."""
        found = []
        for place, j in enumerate(self._columns.features):
            named = j in self._chosen and self._names[j].strip().casefold() in ROW_NUMBERS
            if j in self._counting and (named or self._count >= COUNTED):
                found.append(self._names[j])
            elif named:
                numbers = np.concatenate([rows[part][:, place] for part in parts(rows)])
                if (numbers == np.floor(numbers)).all() and len(np.unique(numbers)) == len(numbers):
                    found.append(self._names[j])
        return found

    def _numbers(self, name: str, column: Any) -> np.ndarray:
        """A column as floats, NaN where one is missing."""
        import pandas as pd

        kind = getattr(column.dtype, "kind", "O")
        if kind in "iuf":
            return column.to_numpy(dtype=float, na_value=np.nan)
        if kind in "mM" or kind not in "Ob" or isinstance(column.dtype, pd.CategoricalDtype):
            what = "dates" if kind in "mM" else f"entries of the type {shortened(column.dtype)}"
            self._refuse(name, f"holds {what}")
        text = column.map(lambda entry: entry.strip() if isinstance(entry, str) else entry)
        if self._choice.decimal == ",":
            text = text.map(lambda entry: entry.replace(".", "?").replace(",", ".") if isinstance(entry, str) else entry)
        numbers = pd.to_numeric(text, errors="coerce").astype(float).to_numpy()
        missing = (column.isna() | text.isin(("",))).to_numpy()
        switches = column.map(lambda entry: isinstance(entry, bool | np.bool_)).to_numpy(dtype=bool)
        if len(bad := np.flatnonzero(switches | (np.isnan(numbers) & ~missing))):
            entry = str(column.iloc[bad[0]])
            digits = entry.replace(",", "", 1).strip(" +-")
            hint = " (or decimal: ',')" if "," in entry and digits.isdigit() else ""
            self._refuse(name, f"has the value {show(entry)} in row {self._count + bad[0] + 1}", hint)
        return numbers

    def _refuse(self, name: str, what: str, hint: str = "") -> None:
        allowed = f"numbers{hint}, or {without(self._source, name)}"
        raise ValueError(f"{self._source}, column {show(name)} {what}; allowed: {allowed}")

    def _complete(self, rows: np.ndarray, lost: np.ndarray) -> np.ndarray:
        """Which rows have all numbers and a label."""
        lacking = np.isnan(rows)
        keep = ~(lacking.any(axis=1) | lost)
        if self._choice.missing == "drop":
            self._dropped += int((~keep).sum())
        elif lacking.any():
            row, place = (int(i) for i in np.argwhere(lacking)[0])
            name = self._names[self._columns.features[place]]
            where = f"column {show(name)} has no number (blank, NA or NaN) in row {self._count + row + 1}"
            raise ValueError(f"{self._source}, {where}; allowed: numbers in all rows, or missing: drop")
        return keep

    def _coded(self, labels: Any) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the labels' spellings, and which labels are missing."""
        import pandas as pd

        name = self._names[self._columns.label or 0]
        if getattr(labels.dtype, "kind", "O") in "mM":
            raise ValueError(f"{self._source}, column {show(name)} holds dates; allowed: labels of classes")
        codes, entries = pd.factorize(labels.to_numpy(dtype=object), use_na_sentinel=False)
        spellings = [label_text(entry) for entry in entries]
        lost = np.isin(spellings, ("", *MISSING))[codes]
        if lost.any() and self._choice.missing != "drop":
            row = int(np.flatnonzero(lost)[0])
            text = spellings[codes[row]]
            what = f"{show(text)}, which stands for a missing label," if text else "an empty label"
            where = f"column {show(name)} has {what} in row {self._count + row + 1}"
            raise ValueError(f"{self._source}, {where}; allowed: a label for each sample, or missing: drop")
        known = self._spellings
        for text in (text for text in spellings if text not in known and text not in ("", *MISSING)):
            known[text] = len(known)
        return np.array([known.get(text, 0) for text in spellings], dtype=np.int64)[codes], lost

    def table(self) -> Table:
        if not self._count:
            found = f"columns found: {shortened(', '.join(self._names))}"
            raise ValueError(f"{self._source} has no rows; {found}; allowed: a row for each sample")
        if self._dropped == self._count:
            raise ValueError(f"{self._source} has no row without a missing entry; allowed: samples with all numbers")
        for name in self._row_numbers(rows := self._rows.rows()):
            allowed = f"features ({without(self._source, name)})"
            raise ValueError(f"{self._source} has the column {show(name)}, which numbers the rows; allowed: {allowed}")
        labels = None
        if self._columns.label is not None:
            labels = whole_where_possible(self._source, list(self._spellings))[np.asarray(self._codes.rows()[:])]
        notes = self._columns.notes | ({"dropped_rows": self._dropped} if self._choice.missing == "drop" else {})
        return Table(rows, labels, tuple(self._names[j] for j in self._columns.features), notes)


def is_frame(value: Any) -> bool:
    """Whether ``value`` is a table with named columns: of pandas, Polars, PyArrow or what has ``to_pandas``."""
    named = hasattr(value, "columns") or hasattr(value, "column_names")
    return named and (hasattr(value, "iloc") or hasattr(value, "to_pandas"))


def read_frame(source: str, frame: Any, choice: Choice) -> Table:
    """The table of a frame."""
    pandas = _pandas(frame)
    names = [str(name) for name in pandas.columns]
    columns = choose_columns(source, names, choice)
    step = max(1, CHUNK // len(names))
    pieces = (pandas.iloc[start : start + step] for start in range(0, len(pandas), step))
    return collect(source, names, columns, pieces, choice)


def _pandas(frame: Any) -> Any:
    """A pandas frame of any frame; that of Polars needs no PyArrow."""
    import pandas as pd

    if hasattr(frame, "iloc"):
        return frame
    names = getattr(frame, "columns", None)
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return pd.DataFrame({name: frame[name].to_numpy() for name in names})
    return frame.to_pandas()
