"""The command ``scoreshock``: one module for each of its commands, imported when it is asked for.

A module has ``add_flags(parser)`` and ``run(options)``, which returns the exit code. `COMMANDS` lists them; everything else
that is said of a command, in its help and in docs/commands.md, is made from that and from the flags.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scoreshock.cli.parser import Parser

DESCRIPTION = "Check, run and open studies of scoreshock: labelled parameter sweeps over the structure of diffusion scores."

WIDTH = 79
"""Columns of a terminal that has been left as it was."""

EXIT_CODES = {
    0: "success; of status: complete, of diff: equal, of doctor: nothing stops a run",
    1: "of run: a job failed, of status: incomplete, of diff: different, of doctor: something stops a run",
    2: "invalid input, or something named is not there; nothing was computed",
    130: "interrupted by Ctrl-C",
}
"""Meaning of the exit codes of all commands."""


class Command(NamedTuple):
    """A command: the module that runs it, what it does, and how it is called."""

    module: str
    text: str
    example: str


COMMANDS: dict[str, Command] = {
    "run": Command("cli.run", "compute what is missing or out of date of a study, and draw it", "mine.yaml --cores 4"),
    "init": Command("cli.init", "write a commented study", "mine.yaml --data iris --schedule edm"),
    "validate": Command("cli.validate", "check a study and report every problem", "mine.yaml"),
    "plan": Command("cli.plan", "print the jobs, points, bytes and expected time of a study", "mine.yaml"),
    "status": Command("cli.status", "count the files that are done, running, missing, broken or stale", "mine.yaml --full"),
    "open": Command(
        "cli.open", "print the code that opens results, and the contents of one dataset", "mine.yaml --sweep iris"
    ),
    "diff": Command("cli.diff", "compare two folders of results, or two files, number by number", "results results-old"),
    "figure": Command(
        "cli.figure",
        "draw figures of results, with axes of your choice",
        "results --sweep pair --name speciation --x weight",
    ),
    "export": Command(
        "cli.export", "convert one quantity of a sweep to another format", "zarr results pair speciation pair.zarr"
    ),
    "merge": Command("cli.merge", "merge two folders of results, for example from two machines", "results from-cluster"),
    "clean": Command("cli.clean", "list blocks whose parameters or code differ from the study's; remove them", "mine.yaml"),
    "when": Command(
        "reports.command",
        "say when the classes of data or of a family part, in noise schedules",
        "--data iris --schedule edm",
    ),
    "doctor": Command("cli.doctor", "report versions, optional packages and what could stop a run", ""),
    "schema": Command("cli.schema", "print the JSON schema of a study, for editors", "> study.schema.json"),
}
"""All commands, in the order of the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code, which is one of `EXIT_CODES`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview())
        return 0 if words else 2
    if words[0] in ("-V", "--version"):
        print(f"scoreshock {version('scoreshock')}")
        return 0
    if words[0] not in COMMANDS:
        print(f"scoreshock: {_unknown(words[0])}", file=sys.stderr)
        return 2
    try:
        return _run(words[0], words[1:])
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, KeyError, ModuleNotFoundError) as error:
        print(_text(error), file=sys.stderr)
        return 2


def parser_of(name: str) -> Parser:
    """The parser of one command."""
    from scoreshock.cli.parser import Parser

    command = COMMANDS[name]
    parser = Parser(
        prog=f"scoreshock {name}",
        description=f"{command.text[0].upper()}{command.text[1:]}.",
        epilog=f"example:\n  {f'scoreshock {name} {command.example}'.strip()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    import_module(f"scoreshock.{command.module}").add_flags(parser)
    return parser


def overview() -> str:
    """The help of the command as a whole."""
    commands = "\n".join(_wrapped(name, command.text) for name, command in COMMANDS.items())
    codes = "\n".join(_wrapped(str(code), text) for code, text in EXIT_CODES.items())
    return f"""usage: scoreshock COMMAND [ARGUMENTS]

{textwrap.fill(DESCRIPTION, WIDTH)}

commands:
{commands}

options:
  --version show the version
  -h, --help show this text; `scoreshock COMMAND --help` shows that of a command

exit codes:
{codes}

first steps:
  scoreshock init mine.yaml --data iris --schedule edm
  scoreshock run mine.yaml"""


def _wrapped(name: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=f"  {name:9} ", subsequent_indent=" " * 12)


def _run(name: str, words: Sequence[str]) -> int:
    """Parse the words of a command and run it; what follows ``--`` is Snakemake's."""
    passed: list[str] = []
    if name == "run" and "--" in words:
        place = list(words).index("--")
        words, passed = words[:place], list(words[place + 1 :])
    options = parser_of(name).parse(words)
    options.passed = passed
    if getattr(options, "files", None) == []:
        from scoreshock.cli.studies import unnamed

        options.files = unnamed()
    return import_module(f"scoreshock.{COMMANDS[name].module}").run(options)


def _unknown(name: str) -> str:
    from scoreshock.checks import suggestion

    return f"{name!r:.60} is not a command{suggestion(name, COMMANDS)}; allowed: {', '.join(COMMANDS)}"


def _text(error: Exception) -> str:
    """The message of an error; that of a study has one line for each problem."""
    from scoreshock.study.errors import StudyError

    if isinstance(error, StudyError):
        return f"The study is not valid:\n{error}"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{str(error.filename)!r:.200} cannot be read or written: {error.strerror}; allowed: another path"
    return str(error.args[0] if isinstance(error, KeyError) else error)
