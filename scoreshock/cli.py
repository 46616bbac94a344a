"""The command ``scoreshock``: check a study, say what it costs, what of it is done, and how to open it."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scoreshock.study import Block, Study, StudyError, schema
from scoreshock.study.plan import table
from scoreshock.study.reading import read_yaml

DEFAULT_STUDY = "config/config.yaml"
SHOWN = 20  # blocks that are not done, named for each quantity; the rest are counted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 when results are not complete, 2 when the input is not valid."""
    given = _parser().parse_args(arguments)
    try:
        return given.run(given)
    except StudyError as error:
        print(f"The study is not valid:\n{error}", file=sys.stderr)
    except (ValueError, OSError, KeyError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(error.args[0] if isinstance(error, KeyError) else error, file=sys.stderr)
    return 2


def read_study(files: Sequence[str]) -> Study:
    """The study of one or several YAML files, of which the later ones override; without sweeps, over the default study.

    That is how the workflow reads them.
    """
    merged: dict[str, Any] = {}
    problems: list[str] = []
    for file in files:
        try:
            content = read_yaml(file)
            if not isinstance(content, Mapping):
                raise StudyError([f"{file}: {content!r:.60} is not a mapping (key: value)"])
            merged = _overridden(merged, content)
        except StudyError as error:
            problems += error.problems
    if problems:
        raise StudyError(problems)
    if "sweeps" not in merged and Path(DEFAULT_STUDY).is_file():
        merged = _overridden(read_yaml(DEFAULT_STUDY), merged)
    return Study.from_mapping(merged)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scoreshock", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    files = argparse.ArgumentParser(add_help=False)
    files.add_argument(
        "--configfile", nargs="+", default=[DEFAULT_STUDY], metavar="FILE", help="study; later files override (%(default)s)"
    )

    def command(name: str, run: Any, text: str, parents: Sequence[Any] = (files,)) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=list(parents))
        added.set_defaults(run=run)
        return added

    command("validate", _validate, "check a study; name every problem in it")
    command("plan", _plan, "jobs, points, bytes and expected time of a study")
    status = command("status", _status, "which blocks are done, missing, broken, or of other code or parameters")
    status.add_argument("--full", action="store_true", help="read every value and compare it with its checksum")
    opened = command("open", _open, "print how to open results, and what one of them holds")
    opened.add_argument("sweep", nargs="?", help="name of a sweep (the first of the study)")
    opened.add_argument("quantity", nargs="?", help="one of its quantities (the first)")
    command("schema", _schema, "print the JSON schema of a study", parents=())
    return parser


def _validate(given: argparse.Namespace) -> int:
    study = read_study(given.configfile)
    for name, sweep in study.sweeps.items():
        print(f"{name}: {sweep.family}, {_blocks(sweep.n_blocks)} of {', '.join(sweep.quantities)}")
    print("The study is valid.")
    return 0


def _blocks(number: int) -> str:
    return f"{number:,} block{'' if number == 1 else 's'}"


def _plan(given: argparse.Namespace) -> int:
    print(table(read_study(given.configfile)))
    return 0


def _schema(given: argparse.Namespace) -> int:  # noqa: ARG001 - every command is called alike
    print(schema(), end="")
    return 0


def _status(given: argparse.Namespace) -> int:
    study = read_study(given.configfile)
    complete = True
    for name, sweep in study.sweeps.items():
        folder = Path(study.output) / name / "blocks"
        for quantity in sweep.quantities:
            found = {b.name: _state(folder / b.name / f"{quantity}.nc", b, quantity, given.full) for b in sweep.blocks()}
            counts = Counter(state for state, _ in found.values())
            print(f"{name} {quantity}: " + ", ".join(f"{number:,} {state}" for state, number in counts.items()))
            wrong = [(block, *why) for block, why in found.items() if why[0] != "done"]
            for block, state, reason in wrong[:SHOWN]:
                print(f"  {block}: {state}{f' ({reason})' if reason else ''}")
            if len(wrong) > SHOWN:
                print(f"  ... and {len(wrong) - SHOWN:,} more")
            broken = [str(folder / block / f"{quantity}.nc") for block, state, _ in wrong if state == "broken"]
            if broken:
                print(f"  To make {'it' if len(broken) == 1 else 'them'} again: {_rebuild(given.configfile, broken)}")
            complete &= not wrong
        known = {block.name for block in sweep.blocks()}
        others = sorted(path.name for path in folder.glob("*") if path.is_dir() and path.name not in known)
        if others:
            print(f"{name}: {_blocks(len(others))} that the study does not list, left alone: {', '.join(others[:SHOWN])}")
    return 0 if complete else 1


def _rebuild(files: Sequence[str], broken: Sequence[str]) -> str:
    """The command that makes broken files again, and what was made from them."""
    study = [] if list(files) == [DEFAULT_STUDY] else ["--configfile", *files]
    return shlex.join(["snakemake", "--cores", "all", *study, "--forcerun", *broken])


def _state(path: Path, block: Block, quantity: str, full: bool) -> tuple[str, str]:
    """``done``, ``missing``, ``stale`` or ``broken``, and why."""
    from scoreshock import provenance, store

    seen = store.inspect(path, full=full)
    if seen.state == "missing":
        return "missing", ""
    if seen.state != "ok":
        return "broken", f"{seen.state}: {seen.reason}"
    if seen.attributes.get("scoreshock_parameters_digest") != provenance.parameters_digest(block.content(quantity)):
        return "stale", "other parameters"
    if not provenance.is_of_this_code(seen.attributes, quantity):
        return "stale", "other code"
    return "done", ""


def _open(given: argparse.Namespace) -> int:
    from scoreshock import results

    study = read_study(given.configfile)
    name = _one_of("sweep", given.sweep, list(study.sweeps))
    quantity = _one_of("quantity", given.quantity, list(study.sweeps[name].quantities))
    print("import scoreshock as ss")
    print(f"ds = ss.open_results({study.output!r}, {name!r}, {quantity!r})")
    print("print(ds)\n", flush=True)
    print(results.open_results(study.output, name, quantity))
    return 0


def _one_of(what: str, given: str | None, known: Sequence[str]) -> str:
    if given is None:
        return known[0]
    if given not in known:
        raise ValueError(f"{what} {given!r} is not in the study; allowed: {', '.join(known)}")
    return given


def _overridden(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the keys of ``top``, mappings within mappings merged."""
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _overridden(merged[key], value) if both else value
    return merged


if __name__ == "__main__":
    sys.exit(main())
