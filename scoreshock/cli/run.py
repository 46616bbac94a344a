"""Run a study: Snakemake on the workflow of the package, with its progress in a line for each job."""

from __future__ import annotations

import argparse
import io
import logging
import re
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoreshock.cli import shipped, studies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scoreshock.cli.parser import Parser
    from scoreshock.cli.progress import Progress
    from scoreshock.cli.validate import Checked

REFUSED = {
    ("--configfile", "--configfiles"): "name the files before --",
    ("--config", "-C"): "write the keys into a file, and name it after the study: FILE OVER.yaml",
    ("--snakefile", "-s"): "leave it out; to run another workflow, call snakemake",
    ("--directory", "-d"): "go into that folder first",
}
"""Flags of Snakemake that would run another study than the one that was checked, and what to do instead."""

DRY = ("-n", "--dry-run", "--dryrun")
PROFILE = "--workflow-profile"


def add_flags(parser: Parser) -> None:
    """Flags of the command ``run``."""
    parser.hint = "; flags of snakemake follow --"
    parser.usage = "scoreshock run [FILE ...] [flags] [-- flags and targets of snakemake]"
    studies.add_files(parser)
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--paper", action="store_true", help="compute the paper's statements instead, with the keys `paper`")
    target.add_argument("--examples", action="store_true", help="compute the worked examples instead")
    target.add_argument("--networks", action="store_true", help="train and diagnose networks instead (needs PyTorch)")
    parser.add_argument("-c", "--cores", type=_cores, metavar="N", help="number of cores (all)")
    parser.add_argument(
        "--profile",
        metavar="NAME|FOLDER",
        help=f"where jobs run: {', '.join(_profiles())}, or the folder of a profile of your own (default)",
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="list the jobs that would run")
    parser.add_argument("-v", "--verbose", action="store_true", help="show Snakemake's own output")


def _cores(text: str) -> str:
    if text != "all" and not re.fullmatch("[1-9][0-9]*", text):
        raise argparse.ArgumentTypeError(f"{text!r:.40} is not allowed; allowed: a whole number from 1 on, or all")
    return text


def run(options: argparse.Namespace) -> int:
    """Compute what is missing, and say where it is."""
    from scoreshock.cli.progress import Progress
    from scoreshock.cli.validate import check
    from scoreshock.networks.workflow import VERSIONS
    from scoreshock.study import cost, work

    refuse(options.passed)
    options.dry_run |= any(word in DRY for word in options.passed)
    words = snakemake_words(options)
    checked = check(options)
    expected = {job.name: job.expected for job in work.jobs_of(checked.study)} | VERSIONS["full"].seconds()
    progress = Progress(expected, cost.SECTION_SECONDS, None if options.verbose else sys.stderr, options.dry_run)
    printed = io.StringIO()
    streams = (sys.stderr, sys.stdout) if options.verbose else (printed, printed if options.dry_run else sys.stdout)
    with redirect_stderr(streams[0]), redirect_stdout(streams[1]):
        code = _snakemake(words, progress)
    return _concluded(code, progress, options, checked, printed.getvalue())


def refuse(passed: Sequence[str]) -> None:
    """Refuse flags of Snakemake that would run another study than the one that was checked."""
    for flags, remedy in REFUSED.items():
        for word in passed:
            if word.partition("=")[0] in flags:
                raise ValueError(f"{word} is not allowed after --; {remedy}")


def snakemake_words(options: argparse.Namespace) -> list[str]:
    """The command line of Snakemake. What takes any number of words comes first, or it would take targets too."""
    words = []
    if options.files:
        words += ["--configfile", *(str(Path(file).absolute()) for file in options.files)]
    if options.allow_plugins:
        words += ["--config", "allow_plugins=true"]
    words += ["--snakefile", str(shipped.SNAKEFILE)]
    if not any(word.partition("=")[0] == PROFILE for word in options.passed):
        words += [PROFILE, str(_profile(options.profile or "default"))]
        if options.profile in (None, "default") and not options.cores:
            words += ["--cores", "all"]
    words += ["--cores", options.cores] if options.cores else []
    words += ["--dry-run"] if options.dry_run else []
    target = [name for name, chosen in _targets(options).items() if chosen]
    return [*words, *target, *options.passed]


def _targets(options: argparse.Namespace) -> dict[str, bool]:
    """Targets of the workflow other than the study, and whether each is asked for."""
    return {"verify": options.paper, "examples": options.examples, "networks": options.networks}


def _profiles() -> list[str]:
    return sorted(path.name for path in shipped.PROFILES.glob("*"))


def _profile(name: str) -> Path:
    """The folder of a profile: one of the package's by its name, or one by its path."""
    for folder in (shipped.PROFILES / name, Path(name).absolute()):
        if (folder / "config.yaml").is_file():
            return folder
    raise ValueError(
        f"--profile {name!r:.100} is not allowed; allowed: {', '.join(_profiles())}, or a folder with config.yaml"
    )


def _snakemake(words: Sequence[str], progress: Progress) -> int:
    """Run Snakemake in this process; return its exit code, or 130 after Ctrl-C."""
    from snakemake.cli import main

    logger = logging.getLogger("snakemake")
    logger.addHandler(progress)
    with _noted_interrupts() as interrupts:
        try:
            main(list(words))
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        except KeyboardInterrupt:
            code = 130
        finally:
            logger.removeHandler(progress)
    return 130 if interrupts else code


@contextmanager
def _noted_interrupts() -> Iterator[list[int]]:
    """Interrupts by Ctrl-C, after which Snakemake itself ends like after a failure."""
    interrupts: list[int] = []

    def note(number: int, frame: Any) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _concluded(code: int, progress: Progress, options: argparse.Namespace, checked: Checked, printed: str) -> int:
    """Say how the run ended and what to do next; return the exit code."""
    chosen = [f"--{name}" for name in ("paper", "examples", "networks") if getattr(options, name)]
    again = shlex.join([*studies.running(options.files, options.allow_plugins), *chosen])
    if code == 130:
        print(f"Interrupted. Finished results are kept; to continue: {again}", file=sys.stderr)
    elif code:
        text = progress.failures() or _of_flags(printed)
        print(*([] if options.verbose else [text]), *_next_step(progress, again), sep="\n", file=sys.stderr)
        code = 1 if progress.counts else 2
    elif progress.nothing:  # else the workflow has said where the results are
        print("Nothing to do: all results are up to date.", file=sys.stderr)
        if not options.dry_run:
            print(_where(options, checked))
    elif not progress.counts and printed.strip():  # asked for something else: --unlock, --report
        print(printed.strip().splitlines()[-1], file=sys.stderr)
    return code


def _of_flags(printed: str) -> str:
    """What Snakemake said of its flags, without their list."""
    return f"{printed.rpartition('error: ')[2].strip()} (`snakemake --help` lists its flags)"


def _next_step(progress: Progress, again: str) -> list[str]:
    if any(kind == "LockException" for kind, _ in progress.errors):
        return [f"If no other run uses this folder: {again} -- --unlock"]
    return [f"Finished results are kept. Remove the cause, then continue: {again}"] if progress.failed else []


def _where(options: argparse.Namespace, checked: Checked) -> str:
    from scoreshock.running import tasks

    if options.paper:
        return tasks.paper_summary(checked.paper)
    if options.examples:
        return tasks.examples_summary()
    if options.networks:
        return tasks.networks_summary()
    return tasks.summary(checked.study)
