"""Results that the arguments of a command name: those of a study, or those in a folder."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scoreshock.cli import studies

if TYPE_CHECKING:
    import xarray as xr


class Results(NamedTuple):
    """A folder of results, and the quantities of each sweep."""

    folder: str
    sweeps: Mapping[str, Sequence[str]]


class Choice(NamedTuple):
    """One dataset of the results."""

    folder: str
    sweep: str
    quantity: str


def add_results(parser: argparse.ArgumentParser) -> None:
    """Flags that name results, a sweep, and a quantity."""
    studies.add_files(parser)
    parser.usage = f"{parser.prog} [FILE ... | FOLDER] [flags]"
    for action in parser._actions:
        if action.dest == "files":
            action.help = f"{action.help}; or a folder of results"
    parser.add_argument("--sweep", metavar="NAME", help="a sweep (the first)")


def results_of(options: argparse.Namespace) -> Results:
    """The results of a study, or those in a folder, which need no study.

    Raises
    ------
    FileNotFoundError
        If the folder has no results.
    ValueError
        If more is named beside a folder.
    """
    if len(options.files) > 1 and Path(options.files[0]).is_dir():
        flags = "--sweep NAME" + (" --quantity NAME" if hasattr(options, "quantity") else "")
        raise ValueError(f"{options.files[1]!r:.80} beside the folder {options.files[0]} is not allowed; allowed: {flags}")
    if len(options.files) == 1 and Path(options.files[0]).is_dir():
        return in_folder(options.files[0])
    study = studies.read_study(options.files, options.allow_plugins)
    return Results(study.output, {name: list(sweep.quantities) for name, sweep in study.sweeps.items()})


def in_folder(folder: str | Path) -> Results:
    """The results in a folder, by the plans in it."""
    from scoreshock.storage.plans import PLAN, planned

    sweeps = {path.parent.name: list(planned(path.parent)) for path in sorted(Path(folder).glob(f"*/{PLAN}"))}
    if not sweeps:
        raise FileNotFoundError(f"{folder} holds no results (SWEEP/{PLAN}); to compute a study: scoreshock run FILE")
    return Results(str(folder), sweeps)


def chosen(results: Results, sweep: str | None, quantity: str | None) -> Choice:
    """The sweep and the quantity, by default the first of each."""
    name = one_of("--sweep", sweep, results.sweeps)
    return Choice(results.folder, name, one_of("--quantity", quantity, results.sweeps[name]))


def open_chosen(options: argparse.Namespace, choice: Choice) -> xr.Dataset:
    """The dataset; if it is not there, and a study is named, the error ends with the command that computes it."""
    from scoreshock.storage.opening import open_results

    try:
        return open_results(*choice)
    except FileNotFoundError as error:
        if options.files and Path(options.files[0]).is_dir():
            raise
        command = shlex.join(studies.running(options.files, options.allow_plugins))
        raise FileNotFoundError(f"{error}; to compute it: {command}") from error


def one_of(flag: str, name: str | None, allowed: Iterable[str]) -> str:
    """The name, or the first of the allowed ones.

    Raises
    ------
    ValueError
        If the name is not allowed.
    """
    from scoreshock.checks import suggestion

    names = list(allowed)
    if name is None:
        return names[0]
    if name not in names:
        raise ValueError(f"{flag} = {name!r:.80} is not allowed{suggestion(name, names)}; allowed: {', '.join(names)}")
    return name
