"""The command ``scoreshock``: check a study, say what it costs and what of it is done; open, merge and export results."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scoreshock.study.errors import StudyError
from scoreshock.study.layers import overridden, read_layers
from scoreshock.study.plan import table
from scoreshock.study.reading import read_yaml
from scoreshock.study.schema import schema
from scoreshock.study.study import Study, check_output

DEFAULT_STUDY = "config/config.yaml"
DEFAULT_PAPER = "config/paper.yaml"
PAPERS = (Path(DEFAULT_PAPER), Path(__file__).parents[1] / DEFAULT_PAPER)
"""Where the paper's parameters are: in this folder, else in the clone that this package lies in."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0 when all is well, 1 when results are not complete, 2 when the input is not valid."""
    given = _parser().parse_args(arguments)
    try:
        return given.run(given)
    except StudyError as error:
        print(f"The study is not valid:\n{error}", file=sys.stderr)
    except (ValueError, OSError, KeyError, ModuleNotFoundError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(error.args[0] if isinstance(error, KeyError) else error, file=sys.stderr)
    return 2


def read_study(files: Sequence[str]) -> Study:
    """The study of one or several YAML files, of which the later ones override; without sweeps, over the default study.

    That is how the workflow reads them.
    """
    return Study.from_mapping(_read_files(files))


def _read_files(files: Sequence[str]) -> dict[str, Any]:
    return read_layers(files, DEFAULT_STUDY if Path(DEFAULT_STUDY).is_file() else None)


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
    status = command("status", _status, "which blocks are done, running, missing, broken or stale, and when they were made")
    status.add_argument("--full", action="store_true", help="read every value and compare it with its checksum")
    status.add_argument("--json", action="store_true", help="print it as JSON")
    opened = command("open", _open, "print how to open results, and what one of them holds")
    opened.add_argument("sweep", nargs="?", help="name of a sweep (the first of the study)")
    opened.add_argument("quantity", nargs="?", help="one of its quantities (the first)")
    merged = command("merge", _merge, "put the results of two folders together, such as those of two machines", parents=())
    merged.add_argument("folders", nargs=2, metavar="FOLDER", help="results; the first is added to, unless --into is given")
    merged.add_argument("--into", metavar="FOLDER", help="a folder for all of them; the two are then left as they are")
    exported = command("export", _export, "write one quantity of a sweep for programs that do not read NetCDF", parents=())
    exported.add_argument("format", choices=["zarr"])
    exported.add_argument("results", metavar="RESULTS", help="folder of the results")
    exported.add_argument("sweep", metavar="SWEEP")
    exported.add_argument("quantity", metavar="QUANTITY")
    exported.add_argument("target", metavar="TARGET", help="what to write; it must not exist")
    cleaned = command("clean", _clean, "name blocks of other parameters or code than the study's; with --yes remove them")
    cleaned.add_argument("--yes", action="store_true", help="remove them")
    command("schema", _schema, "print the JSON schema of a study", parents=())
    return parser


def _validate(given: argparse.Namespace) -> int:
    content = _read_files(given.configfile)
    study = Study.from_mapping(content)
    check_output(study.output)
    file = next((path for path in PAPERS if path.is_file()), None)
    if file is None and "paper" in content:
        print(f"paper: not checked, for there is no {DEFAULT_PAPER} here")
    if file is not None:
        from scoreshock.paper import configuration

        paper = configuration.read(overridden(read_yaml(file)["paper"], content.get("paper") or {}))
        configuration.refuse_shared_folder(paper, study.output, study.sweeps)
        if "paper" in content:
            check_output(paper.output, "paper.output")
    for name, sweep in study.sweeps.items():
        parts = [f"{q} ({_blocks(sweep.n_blocks(q))})" if sweep.split_of(q) else q for q in sweep.quantities]
        print(f"{name}: {sweep.family}, {', '.join(parts)}")
        if sweep.unused:
            print(f"{name}: {', '.join(sweep.unused)}: used by none of these quantities")
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
    from scoreshock.running import status

    study = read_study(given.configfile)
    found = status.progress(study, given.full)
    flags = [] if list(given.configfile) == [DEFAULT_STUDY] else ["--configfile", *given.configfile]
    print(status.as_json(study, found) if given.json else status.as_text(found, flags))
    return 0 if all(each.complete for each in found) else 1


def _clean(given: argparse.Namespace) -> int:
    from scoreshock.running import status

    study = read_study(given.configfile)
    found = [
        Path(study.output, name, each)
        for name, sweep in study.sweeps.items()
        for each in status.unlisted(Path(study.output, name), sweep)
    ]
    for path in found:
        print(f"{'removed' if given.yes else 'would be removed'}: {path}")
        if given.yes:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    print(
        f"{len(found):,} of other parameters or code than the study's"
        + ("" if given.yes or not found else "; --yes removes them")
    )
    return 0


def _open(given: argparse.Namespace) -> int:
    from scoreshock.storage import opening

    study = read_study(given.configfile)
    name = _one_of("sweep", given.sweep, list(study.sweeps))
    quantity = _one_of("quantity", given.quantity, list(study.sweeps[name].quantities))
    print("import scoreshock as ss")
    print(f"ds = ss.open_results({study.output!r}, {name!r}, {quantity!r})")
    print("print(ds)\n", flush=True)
    print(opening.open_results(study.output, name, quantity))
    return 0


def _merge(given: argparse.Namespace) -> int:
    from scoreshock.storage import transfer

    target = given.into or given.folders[0]
    copied = transfer.unite(given.folders, target)
    print("\n".join(f"{name}: {number:,} file{'' if number == 1 else 's'} copied" for name, number in copied.items()))
    print(f"Results in {target}. Run the workflow on the study of both to join them.")
    return 0


def _export(given: argparse.Namespace) -> int:
    from scoreshock.storage import export

    export.export_zarr(given.results, given.sweep, given.quantity, given.target)
    print(f"import xarray as xr\nds = xr.open_zarr({given.target!r})")
    return 0


def _one_of(what: str, given: str | None, known: Sequence[str]) -> str:
    if given is None:
        return known[0]
    if given not in known:
        raise ValueError(f"{what} {given!r} is not in the study; allowed: {', '.join(known)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
