"""Write what docs/commands.md says of the parsers: ``python -m scoreshock.cli.reference``, in a clone."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path

from scoreshock.cli import COMMANDS, EXIT_CODES, parser_of

PAGE = Path("docs/commands.md")
MARKS = "<!-- {0}: generated from the parsers -->\n", "<!-- end of {0} -->"


def section(name: str) -> str:
    """One command: what it does, an example, its arguments and flags."""
    rows = [(f"`{_form(action)}`", _help(action)) for action in parser_of(name)._actions if action.dest != "help"]
    example = f"scoreshock {name} {COMMANDS[name].example}".strip()
    text = COMMANDS[name].text
    table = ["", *_table(("argument", "meaning"), rows)] if rows else []
    block = ["<!-- run by tests/cli/test_reference.py -->", "```bash", example, "```"]
    return "\n".join([f"### {name}", "", f"{text[0].upper()}{text[1:]}.", "", *block, *table, ""])


def exit_codes() -> str:
    """Exit codes and their meanings."""
    return "\n".join([*_table(("code", "meaning"), [(f"{code}", text) for code, text in EXIT_CODES.items()]), ""])


def filled(page: str) -> str:
    """The page with its generated parts written again."""
    parts = {"exit codes": exit_codes(), "commands": "\n".join(map(section, COMMANDS))}
    for name, text in parts.items():
        begin, end = (mark.format(name) for mark in MARKS)
        page = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _, t=begin + text + end: t, page, flags=re.DOTALL)  # type: ignore[misc]
    return page


def _form(action: argparse.Action) -> str:
    """How an argument is written: its names, and what follows."""
    value = action.metavar or "|".join(action.choices or ())
    follows = "" if action.nargs == 0 else f"{value} ..." if action.nargs in ("+", "*") else str(value)
    return " ".join(filter(None, [", ".join(action.option_strings), follows]))


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%(default)s", str(action.default))


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> list[str]:
    lines = [head, ("---", "---"), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
