"""Remove blocks that a study does not have any more."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from scoreshock.cli import studies


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``clean``."""
    studies.add_files(parser)
    parser.add_argument("--yes", action="store_true", help="remove the listed blocks")


def run(options: argparse.Namespace) -> int:
    """List the blocks, and remove them if told so."""
    from scoreshock.running import status

    study = studies.read_study(options.files, options.allow_plugins)
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
