"""Conversion of arguments to arrays of numbers, files that can be read, and text of bounded length for error messages."""

from __future__ import annotations

import math
import os
import reprlib
import stat
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

SHOWN = 80
"""Maximum number of characters for one value in a message."""

LISTED = 160
"""Maximum number of characters for a list of names, or for a library's message, in a message."""


class _Short(reprlib.Repr):
    """``repr`` of bounded length: plain numbers for NumPy scalars, first entries of arrays, variable names of datasets."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = 60

    def repr1(self, x: Any, level: int) -> str:
        if isinstance(x, np.generic):
            x = str(x) if x.dtype.kind in "mM" else x.item()
        if isinstance(x, np.ndarray):
            return self.repr1(_first_entries(x, self.maxlist + 1).tolist(), level)
        if hasattr(x, "data_vars"):
            return f"a Dataset of {listed(x.data_vars)}"
        return super().repr1(x, level)

    def repr_instance(self, x: Any, level: int) -> str:
        if isinstance(x, type) or not isinstance(getattr(x, "shape", None), tuple):
            return super().repr_instance(x, level)
        return f"{type(x).__name__} of shape {tuple(x.shape)}"


def _first_entries(array: np.ndarray, most: int) -> np.ndarray:
    few = array[(slice(most),) * array.ndim]
    return few.astype(str) if array.dtype.kind in "mM" else few


_SHORT = _Short()


def show(value: Any) -> str:
    """``repr`` of a value on one line of at most `SHOWN` characters.

    Examples
    --------
    >>> import numpy as np
    >>> show(np.float64(0.1)), show(np.arange(1000)), show("edm")
    ('0.1', '[0, 1, 2, 3, 4, 5, ...]', "'edm'")
    """
    return shortened(_SHORT.repr(value), SHOWN)


def shortened(text: Any, most: int = LISTED) -> str:
    """Text on one line of at most ``most`` characters.

    Examples
    --------
    >>> shortened("the quick brown fox", 12)
    'the quick...'
    """
    line = " ".join(str(text).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def listed(names: Iterable[object]) -> str:
    """Names on one line of bounded length; ``none`` for an empty list.

    Examples
    --------
    >>> listed(["u", "v"]), listed([])
    ('u, v', 'none')
    """
    return shortened(", ".join(shortened(name, SHOWN) for name in islice(names, LISTED))) or "none"


def number_of(count: int, noun: str) -> str:
    """A count with its noun.

    Examples
    --------
    >>> number_of(1, "block"), number_of(1200, "block")
    ('1 block', '1,200 blocks')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """A Markdown table of aligned columns; those in ``left`` are left-aligned, the others right-aligned."""
    lines = [list(header), *map(list, rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width if i in left else "-" * (width - 1) + ":" for i, width in enumerate(widths)]

    def line(cells: Sequence[str]) -> str:
        texts = (
            cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(texts)} |"

    return "\n".join([line(lines[0]), line(rule), *map(line, lines[1:])])


def as_array(name: str, value: Any) -> np.ndarray:
    """Convert ``value`` to an array; PyTorch tensors are detached and copied to the CPU.

    Raises
    ------
    ValueError
        If ``value`` has masked entries or is not an array; the message contains ``name``.
    """
    for method in ("detach", "cpu"):
        value = getattr(value, method)() if callable(getattr(value, method, None)) else value
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":  # which NumPy does not have
        value = value.float()
    if hasattr(value, "to_numpy") and not hasattr(value, "__array__"):
        value = value.to_numpy()
    if np.ma.is_masked(value):
        raise ValueError(f"{name} has masked entries; allowed: an array without a mask")
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        reason = "rows differ in length" if isinstance(value, list | tuple) else shortened(error)
        raise ValueError(f"{name} = {show(value)} is not allowed: {reason}; allowed: an array of numbers") from error


def as_real(name: str, value: Any, allowed: str = "numbers", copy: bool = True) -> np.ndarray:
    """Convert ``value`` to an array of floats, which may be NaN; raise ``ValueError`` if it is not numeric."""
    array = as_array(name, value)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} = {show(value)} is not numeric; allowed: {allowed}")
    return array.astype(float, copy=copy)


def as_numbers(name: str, value: Any, copy: bool = True) -> np.ndarray:
    """Convert ``value`` to a non-empty array of finite floats; raise ``ValueError`` otherwise."""
    array = as_real(name, value, "finite numbers", copy)
    if array.size == 0:
        raise ValueError(f"{name} is empty; allowed: at least one number")
    if np.isfinite(array).all():
        return array
    if array.ndim == 0:
        raise ValueError(f"{name} = {show(float(array))} is not allowed; allowed: finite numbers")
    at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    raise ValueError(f"{name} has the value {array[at]} at {list(at)}; allowed: finite numbers")


def whole(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return ``value`` if it is an integer from ``low`` to ``high`` inclusive; raise ``ValueError`` otherwise."""
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < low or value > (math.inf if high is None else high):
        limit = f">= {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} = {show(value)} is not allowed; allowed: a whole number {limit}")
    return int(value)


def switch(name: str, value: Any) -> bool:
    """Return ``value`` if it is True or False; raise ``ValueError`` otherwise: Python takes the text "no" as true."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} = {show(value)} is not allowed; allowed: true or false")
    return bool(value)


def one_of(name: str, value: Any, allowed: Collection[str]) -> str:
    """The value, where it is one of the allowed names; ``ValueError`` with the closest of them otherwise.

    Examples
    --------
    >>> one_of("solver", "heum", ("euler", "heun"))
    Traceback (most recent call last):
    ValueError: solver = 'heum' is not allowed (did you mean 'heun'?); allowed: euler, heun
    """
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} = {show(value)} is not allowed{suggestion(value, allowed)}; allowed: {', '.join(allowed)}")
    return value


def repeated(names: Iterable[str]) -> list[str]:
    """Names that occur more than once, in order of first occurrence.

    Examples
    --------
    >>> repeated(["a", "b", "a"])
    ['a']
    """
    return [name for name, count in Counter(names).items() if count > 1]


def counts_rows(values: Any) -> bool:
    """Whether a column is a row index: 0, 1, 2, ... or 1, 2, 3, ..."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iuf" or not array.size:
        return False
    return bool(array[0] in (0, 1) and (array == array[0] + np.arange(array.size)).all())


def readable_file(file: str | os.PathLike[str]) -> Path:
    """Path of a file, if it can be opened.

    Raises
    ------
    ValueError
        For a file that does not exist or cannot be opened, a folder or a device.

    Examples
    --------
    >>> readable_file("/")
    Traceback (most recent call last):
    ValueError: file / is a folder or a device; allowed: a file
    """
    path = Path(file)
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
        if regular:
            path.open("rb").close()
    except FileNotFoundError:
        raise ValueError(f"file {path} does not exist; paths are relative to the folder {Path.cwd()}") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"file {shortened(path)} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not regular:
        raise ValueError(f"file {path} is a folder or a device; allowed: a file")
    return path


def check_folder(path: str | Path, name: str, deepest: Sequence[str] = ()) -> None:
    """Refuse a folder that cannot be written, before anything is computed; nothing is left behind.

    Raises
    ------
    ValueError
        Where the folder ``path``, or its nearest existing parent, is a file, a link that leads nowhere, or takes no new
        files; where a path of ``deepest`` in it is too long. The message begins with ``name``.
    """
    described = f"{name} {show(str(path))}"
    folder = Path(path).absolute().joinpath(*deepest)
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            folder.lstat()  # fails for paths that are too long
        while not os.path.lexists(folder):
            folder = folder.parent
        if not folder.exists():
            raise ValueError(f"{described} cannot be a folder: {folder} is a link to {folder.readlink()}, which is not "
                             "there; make that folder, or remove the link")  # fmt: skip
        if not folder.is_dir():
            raise ValueError(f"{described} cannot be a folder: {folder} is a file")
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"{described} cannot be written: {error.strerror}: {folder!s:.100}") from None


def mapping_of(name: str, value: Any, allowed: str) -> Mapping[str, Any]:
    """Return ``value`` if it is a mapping; raise ``ValueError`` otherwise."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} = {show(value)} is not a mapping; allowed: {allowed}")
    return value


def nearest(name: object, allowed: Iterable[str]) -> str | None:
    """The allowed name of which ``name`` is probably a misspelling, or None."""
    names = {str(each).casefold(): str(each) for each in allowed}
    word = shortened(name, SHOWN).casefold()
    swapped = [each for each in names if sorted(each) == sorted(word)]  # emd for edm
    near = swapped or get_close_matches(word, names, n=1, cutoff=0.7)
    return names[near[0]] if near else None


def duration(seconds: float) -> str:
    """A duration for readers.

    Examples
    --------
    >>> duration(0.004), duration(0.25), duration(42.4), duration(150), duration(9000)
    ('< 0.1 s', '0.2 s', '42 s', '2 min', '2.5 h')
    """
    if seconds < 120:
        return "< 0.1 s" if 0 < seconds < 0.05 else f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def suggestion(name: object, allowed: Iterable[str]) -> str:
    """Text ' (did you mean ...?)' with the closest allowed name; empty if none is close.

    Examples
    --------
    >>> suggestion("speciaton", ["scores", "speciation"])
    " (did you mean 'speciation'?)"
    """
    near = nearest(name, allowed)
    return f" (did you mean {near!r}?)" if near else ""
