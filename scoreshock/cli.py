"""The command ``scoreshock``: check a study, estimate its cost, report its progress; open, merge and export results."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scoreshock.checks import number_of
from scoreshock.study.errors import StudyError
from scoreshock.study.layers import overridden, read_layers
from scoreshock.study.plan import table
from scoreshock.study.reading import read_yaml
from scoreshock.study.schema import schema
from scoreshock.study.study import Study, check_output

DEFAULT_STUDY = "config/config.yaml"
DEFAULT_PAPER = "config/paper.yaml"
PAPERS = (Path(DEFAULT_PAPER), Path(__file__).parents[1] / DEFAULT_PAPER)
"""Files with the paper's parameters: that of the current folder, else that of the clone that contains this package."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0 for success, 1 for incomplete results, 2 for invalid input."""
    options = _parser((sys.argv[1:] if arguments is None else arguments)[:1]).parse_args(arguments)
    try:
        return options.run(options)
    except StudyError as error:
        print(f"The study is not valid:\n{error}", file=sys.stderr)
    except (ValueError, OSError, KeyError, ModuleNotFoundError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(error.args[0] if isinstance(error, KeyError) else error, file=sys.stderr)
    return 2


def read_study(files: Sequence[str], allow_plugins: bool = False) -> Study:
    """Read a study from YAML files, as the workflow does; later files override earlier ones.

    Files without ``sweeps`` override the default study.
    """
    return Study.from_mapping(_read_files(files), allow_plugins)


def _read_files(files: Sequence[str]) -> dict[str, Any]:
    return read_layers(files, DEFAULT_STUDY if Path(DEFAULT_STUDY).is_file() else None)


def _parser(asked_for: Sequence[str] = ()) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scoreshock", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    files = argparse.ArgumentParser(add_help=False)
    files.add_argument(
        "--configfile", nargs="+", default=[DEFAULT_STUDY], metavar="FILE", help="study; later files override (%(default)s)"
    )
    files.add_argument("--allow-plugins", action="store_true", help="run the code of the plugins that the study names")

    def command(name: str, run: Any, text: str, parents: Sequence[Any] = (files,)) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=list(parents))
        added.set_defaults(run=run)
        return added

    command("validate", _validate, "check a study and report every problem")
    command("plan", _plan, "print the jobs, points, bytes and expected time of a study")
    status = command("status", _status, "count the blocks that are done, running, missing, broken or stale")
    status.add_argument("--full", action="store_true", help="read all values and verify their checksums")
    status.add_argument("--json", action="store_true", help="print JSON")
    opened = command("open", _open, "print the code that opens results, and the contents of one dataset")
    opened.add_argument("sweep", nargs="?", help="name of a sweep (default: the first of the study)")
    opened.add_argument("quantity", nargs="?", help="one of its quantities (default: the first)")
    merged = command("merge", _merge, "merge two folders of results, for example from two machines", parents=())
    merged.add_argument(
        "folders", nargs=2, metavar="FOLDER", help="results; files are added to the first, unless --into is set"
    )
    merged.add_argument("--into", metavar="FOLDER", help="write the merged results here and leave both folders unchanged")
    exported = command("export", _export, "convert one quantity of a sweep to another format", parents=())
    exported.add_argument("format", choices=["zarr"])
    exported.add_argument("results", metavar="RESULTS", help="folder of the results")
    exported.add_argument("sweep", metavar="SWEEP")
    exported.add_argument("quantity", metavar="QUANTITY")
    exported.add_argument("target", metavar="TARGET", help="path to write; it must not exist")
    cleaned = command(
        "clean", _clean, "list blocks whose parameters or code differ from the study's; remove them with --yes"
    )
    cleaned.add_argument("--yes", action="store_true", help="remove the listed blocks")
    asked = command("when", _when, "say when the classes of data or of a family part, in noise schedules", parents=())
    _add_flags_of_when(asked, asked_for)
    command("schema", _schema, "print the JSON schema of a study", parents=())
    return parser


def _add_flags_of_when(parser: argparse.ArgumentParser, asked_for: Sequence[str]) -> None:
    """Its flags name families and sets, whose import takes longer than other commands."""
    if "when" in asked_for:
        from scoreshock.reports.command import add_flags

        add_flags(parser)


def _validate(options: argparse.Namespace) -> int:
    content = _read_files(options.configfile)
    study = Study.from_mapping(content, options.allow_plugins)
    check_output(study.output)
    file = next((path for path in PAPERS if path.is_file()), None)
    if file is None and "paper" in content:
        print(f"paper: not checked, because {DEFAULT_PAPER} does not exist here")
    if file is not None:
        from scoreshock.paper import configuration

        paper = configuration.read(overridden(read_yaml(file)["paper"], content.get("paper") or {}))
        configuration.refuse_shared_folder(paper, study.output, study.sweeps)
        if "paper" in content:
            check_output(paper.output, "paper.output")
    for name, sweep in study.sweeps.items():
        parts = [f"{q} ({number_of(sweep.n_blocks(q), 'block')})" if sweep.split_of(q) else q for q in sweep.quantities]
        print(f"{name}: {sweep.family}, {', '.join(parts)}")
        if sweep.unused:
            print(f"{name}: {', '.join(sweep.unused)}: used by none of its quantities")
    print("The study is valid.")
    return 0


def _plan(options: argparse.Namespace) -> int:
    print(table(read_study(options.configfile, options.allow_plugins)))
    return 0


def _when(options: argparse.Namespace) -> int:
    from scoreshock.reports.command import run

    return run(options)


def _schema(options: argparse.Namespace) -> int:  # noqa: ARG001 - all commands have the same signature
    print(schema(), end="")
    return 0


def _status(options: argparse.Namespace) -> int:
    from scoreshock.running import status

    study = read_study(options.configfile, options.allow_plugins)
    progress = status.progress(study, options.full)
    flags = [] if list(options.configfile) == [DEFAULT_STUDY] else ["--configfile", *options.configfile]
    flags += ["--config", "allow_plugins=true"] if options.allow_plugins else []
    print(status.as_json(study, progress) if options.json else status.as_text(progress, flags))
    return 0 if all(each.complete for each in progress) else 1


def _clean(options: argparse.Namespace) -> int:
    from scoreshock.running import status

    study = read_study(options.configfile, options.allow_plugins)
    outdated = [
        Path(study.output, name, each)
        for name, sweep in study.sweeps.items()
        for each in status.unlisted(Path(study.output, name), sweep)
    ]
    for path in outdated:
        print(f"{'removed' if options.yes else 'would be removed'}: {path}")
        if options.yes:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    print(
        f"{len(outdated):,} with parameters or code that differ from the study's"
        + ("" if options.yes or not outdated else "; remove them with --yes")
    )
    return 0


def _open(options: argparse.Namespace) -> int:
    from scoreshock.storage import opening

    study = read_study(options.configfile, options.allow_plugins)
    name = _one_of("sweep", options.sweep, list(study.sweeps))
    quantity = _one_of("quantity", options.quantity, list(study.sweeps[name].quantities))
    print("import scoreshock as ss")
    print(f"ds = ss.open_results({study.output!r}, {name!r}, {quantity!r})")
    print("print(ds)\n", flush=True)
    print(opening.open_results(study.output, name, quantity))
    return 0


def _merge(options: argparse.Namespace) -> int:
    from scoreshock.storage import transfer

    target = options.into or options.folders[0]
    copied = transfer.unite(options.folders, target)
    print("\n".join(f"{name}: {number_of(number, 'file')} copied" for name, number in copied.items()))
    print(f"Merged into {target}. Run the workflow with a study that covers both to join the blocks.")
    return 0


def _export(options: argparse.Namespace) -> int:
    from scoreshock.storage import export

    export.export_zarr(options.results, options.sweep, options.quantity, options.target)
    print(f"import xarray as xr\nds = xr.open_zarr({options.target!r})")
    return 0


def _one_of(what: str, name: str | None, allowed: Sequence[str]) -> str:
    if name is None:
        return allowed[0]
    if name not in allowed:
        raise ValueError(f"{what} {name!r} is not in the study; allowed: {', '.join(allowed)}")
    return name


if __name__ == "__main__":
    sys.exit(main())
