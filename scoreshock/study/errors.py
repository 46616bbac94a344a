"""Problems of a study: a line for each with key path, value, allowed values, and the closest known name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from scoreshock import checks

Result = TypeVar("Result")

LONGEST = 300
"""Maximum number of characters of one problem."""

MOST = 50
"""Maximum number of problems in the text of an error."""

_KEY = re.compile(r"[A-Za-z0-9_-]+")


class StudyError(ValueError):
    """A study that cannot run; its text is one line a problem.

    Parameters
    ----------
    problems
        Lines of the form ``key path: what was given; what is allowed``.

    Examples
    --------
    >>> print(StudyError(["output: 3 is not text", "sweeps: missing"]))
    output: 3 is not text
    sweeps: missing
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = [bounded(problem) for problem in problems]
        more = [f"... and {len(self.problems) - MOST:,} more problems"] if len(self.problems) > MOST else []
        super().__init__("\n".join([*self.problems[:MOST], *more]))


def bounded(text: str) -> str:
    """``text`` on one line of at most `LONGEST` characters: of a longer one the beginning and the end."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} ... {line[-(LONGEST // 2 - 5) :]}"


def show(value: Any) -> str:
    """Bounded text of any value; with aliases a small file can stand for an arbitrarily large value."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else checks.show(value)


def unknown(name: Any, allowed: Iterable[str]) -> str:
    """Say that ``name`` is none of the allowed ones, and which of them is close."""
    names = list(allowed)
    return f"{show(name)} is not allowed{checks.suggestion(name, names)}; allowed: {', '.join(names) or 'none'}"


def key_path(parts: Iterable[str | int]) -> str:
    """``("sweeps", "pair", "axes", "variance", 1)`` as ``sweeps.pair.axes.variance[1]``."""
    text = ""
    for part in parts:
        if isinstance(part, int) and not isinstance(part, bool):
            text += f"[{part}]"
        elif len(str(part)) <= checks.SHOWN and _KEY.fullmatch(str(part)):
            text += f".{part}" if text else str(part)
        else:
            text += f"[{show(part)}]"
    return text or "the study"


def path_in(raw: Any, location: Sequence[str | int]) -> tuple[str | int, ...]:
    """The keys of the file in a location of pydantic, which also contains tags of unions."""
    kept: list[str | int] = []
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(raw, Mapping) and (part in raw or (last and not is_tag(part))):
            kept.append(part)
            raw = raw.get(part)
        elif isinstance(raw, list | tuple) and isinstance(part, int) and part < len(raw):
            kept.append(part)
            raw = raw[part]
    return tuple(kept)


def is_tag(part: str | int) -> bool:
    """Whether a part of pydantic's location is a union's tag (written ``<tag>``) or its mark of a bad key."""
    return isinstance(part, str) and (part == "[key]" or (part.startswith("<") and part.endswith(">")))


class Report:
    """Collects problems at a key path, so that one bad value does not hide the next."""

    def __init__(self, problems: list[str], path: tuple[str | int, ...] = ()) -> None:
        self.problems = problems
        self.path = path

    def at(self, *parts: str | int) -> Report:
        """The same collection, further down."""
        return Report(self.problems, (*self.path, *parts))

    def add(self, message: str) -> None:
        """Record one problem here."""
        self.problems.append(f"{key_path(self.path)}: {message}")

    def call(self, function: Callable[..., Result], *arguments: Any, **named: Any) -> Result | None:
        """``function``'s result, or None with what it raised recorded as this path's problem."""
        try:
            return function(*arguments, **named)
        except (ValueError, TypeError, OverflowError, OSError, KeyError) as error:
            self.add(" ".join(str(error).split()) or type(error).__name__)
            return None
