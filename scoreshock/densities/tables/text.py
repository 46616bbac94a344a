"""Tables as text: columns between commas, semicolons, tabs or any mark, plain or compressed."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from scoreshock.checks import listed, shortened, show
from scoreshock.densities.tables.arrays import refuse_large, unpacked_limit
from scoreshock.densities.tables.columns import collect
from scoreshock.densities.tables.labels import whole_where_possible
from scoreshock.densities.tables.rows import CHUNK
from scoreshock.densities.tables.table import Choice, Columns, Table, choose_columns

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data")
PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
"""What opens a packed file, by its last suffix."""

MARKS = (",", ";", "\t", "|")
"""Marks between columns that are looked for in the header."""

BLANKS = "whitespace"
"""Delimiter of columns with any number of blanks between them."""

ROW_LIMIT = 2**26
"""Most bytes of a row of text (ours): the parser holds one in memory."""

HEAD = 2**16
"""Characters from the beginning of a text from which delimiter and decimal mark are found."""

NO_NUMBER = ("", "nan", "NaN", "NAN", "<NA>", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "None", "none")
"""Entries that stand for a missing number."""

UNREADABLE = (ValueError, OSError, EOFError, csv.Error, lzma.LZMAError, zlib.error)


def read_text(path: Path, choice: Choice) -> Table:
    """The table of a text file, of which one piece at a time is in memory."""
    source = f"file {path}"
    named = None if choice.delimiter is None else _named(choice.delimiter)
    with _reasons(path, UNREADABLE):
        head = _head(path)
    with _reasons(path, csv.Error):
        delimiter = named or _delimiter(source, head)
        names, *first = [[name.strip() for name in row] for row in _rows(head, delimiter)] or [[]]
    if not names:
        raise ValueError(f"{source} cannot be read as CSV: it is empty")
    columns = choose_columns(source, names, choice)
    decimal = choice.decimal or _decimal(delimiter, columns, first)
    columns.notes.update(delimiter={"\t": "tab"}.get(delimiter, delimiter), decimal=decimal)
    pieces = _pieces(path, names, columns, delimiter, decimal)
    return collect(source, names, columns, pieces, replace(choice, decimal=decimal))


def read_lines(path: Path, n: int) -> np.ndarray:
    """Labels of a text file with one a line; the first is a name, where there is one more than the ``n`` samples."""
    with _reasons(path, UNREADABLE), _opened(path) as stream:
        lines = [line.strip() for line in io.TextIOWrapper(stream, "utf-8-sig")]
    while lines and not lines[-1]:
        lines.pop()
    for mark in MARKS:
        if len(widths := {len(row) for row in csv.reader(lines, delimiter=mark)}) == 1 and widths != {1}:
            raise ValueError(f"file {path} has {widths.pop()} columns, with {show(mark)} between; allowed: one label a line")
    spellings, index = np.unique(np.array(lines[len(lines) == n + 1 :], dtype=str), return_inverse=True)
    return whole_where_possible(f"file {path}", spellings.tolist())[index]


@contextmanager
def _reasons(path: Path, errors: Any) -> Iterator[None]:
    """One sentence with the file and the reason in place of a library's errors."""
    try:
        yield
    except errors as error:
        reason = shortened(error)
        if isinstance(error, UnicodeDecodeError):
            reason = f"not UTF-8 at byte {error.start}; allowed: UTF-8"
        raise ValueError(f"file {path} cannot be read as CSV: {reason}") from error


def _head(path: Path) -> str:
    """Whole lines from the beginning of a text, of about `HEAD` characters, at least two."""
    with _opened(path) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
        head = text.read(HEAD)
        while head.count("\n") < 2 and (more := text.read(HEAD)):
            head += more
        return head[: head.rindex("\n")] if text.read(1) else head


def _named(delimiter: str) -> str:
    mark = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}.get(delimiter, delimiter)
    if (len(mark) != 1 and mark != BLANKS) or mark in '"\n\r':
        raise ValueError(f"delimiter = {show(delimiter)} is not allowed; allowed: one character, tab or {BLANKS}")
    return mark


def _pieces(path: Path, names: list[str], columns: Columns, delimiter: str, decimal: str) -> Iterator[Any]:
    """Consecutive rows as frames."""
    import pandas as pd  # comes with xarray

    exact = {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
    with _reasons(path, UNREADABLE), _opened(path) as stream:
        reader = pd.read_csv(
            stream, header=0, names=range(len(names)), sep=r"\s+" if delimiter == BLANKS else delimiter,
            dtype=None if columns.label is None else {columns.label: str}, decimal=decimal,
            keep_default_na=False, na_values=dict.fromkeys(columns.features, NO_NUMBER), skipinitialspace=True,
            encoding="utf-8-sig", low_memory=False, chunksize=max(1, CHUNK // len(names)), **exact,
        )  # fmt: skip
        for piece in reader:
            if not isinstance(piece.index, pd.RangeIndex):
                raise ValueError("its rows have more fields than its header")
            yield piece


def _delimiter(source: str, head: str) -> str:
    """The one mark between columns for which the rows of the head have as many as the header."""
    fitting = {mark: rows for mark in MARKS if len((rows := _rows(head, mark) or [[]])[0]) > 1}
    if len(fitting) > 1:
        regular = {mark: rows for mark, rows in fitting.items() if {len(row) for row in rows} == {len(rows[0])}}
        fitting = regular or fitting
    if len(fitting) > 1:
        ways = listed(f"{show(mark)} ({len(rows[0])} columns)" for mark, rows in fitting.items())
        raise ValueError(f"{source} can be read with several delimiters: {ways}; allowed: delimiter: one of them")
    if fitting:
        return next(iter(fitting))
    rows = _rows(head, BLANKS)
    return BLANKS if len(rows) > 1 and len(rows[0]) > 1 and {len(row) for row in rows} == {len(rows[0])} else ","


def _rows(head: str, delimiter: str) -> list[list[str]]:
    """Fields of the rows that are not blank."""
    if delimiter == BLANKS:
        return [line.split() for line in head.splitlines() if line.strip()]
    return [row for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, skipinitialspace=True) if row]


def _decimal(delimiter: str, columns: Columns, rows: list[list[str]]) -> str:
    """A comma where the numbers have commas that separate no thousands, and no points."""
    entries = [row[j].strip() for row in rows for j in columns.features if j < len(row)]
    marked = [entry for entry in entries if "," in entry or "." in entry]
    comma = re.compile(r"[-+]?\d*,\d*(e[-+]?\d+)?", re.IGNORECASE)
    if delimiter == "," or not marked or not all(comma.fullmatch(entry) for entry in marked):
        return "."
    return "," if any(not re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", entry) for entry in marked) else "."


def _opened(path: Path) -> Any:
    """The text of a file as bytes, unpacked, within limits."""
    packed = path.suffix.lower() in PACKED
    plain: IO[bytes] = PACKED.get(path.suffix.lower(), open)(path, "rb")
    return io.BufferedReader(_Limited(plain, unpacked_limit(path) if packed else sys.maxsize))


class _Limited(io.RawIOBase):
    """Bytes of a stream, which may be neither too many nor in rows that are too long."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._limit, self._total, self._row, self._quotes = stream, limit, 0, 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self._stream.read(len(buffer))
        buffer[: len(read)] = read
        self._total += len(read)
        end = read.rfind(b"\n") + 1
        # A line that ends within quotes goes on.
        self._quotes += read.count(b'"', 0, end)
        self._row = len(read) - end if end and self._quotes % 2 == 0 else self._row + len(read)
        self._quotes += read.count(b'"', end)
        refuse_large(self._total, self._limit)
        if self._row > ROW_LIMIT:
            raise ValueError(f"a row has more than {ROW_LIMIT / 2**20:,.0f} MiB (is a quotation mark not closed?)")
        return len(read)

    def close(self) -> None:
        self._stream.close()
        super().close()
