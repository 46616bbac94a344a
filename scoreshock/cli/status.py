"""Print what is done of a study."""

from __future__ import annotations

import argparse

from scoreshock.cli import studies


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``status``."""
    studies.add_files(parser)
    parser.add_argument("--full", action="store_true", help="read all values and verify their checksums")
    parser.add_argument("--json", action="store_true", help="print JSON (docs/results.md)")


def run(options: argparse.Namespace) -> int:
    """Print the state of every quantity; return 1 if something is not done."""
    from scoreshock.running import status

    study = studies.read_study(options.files, options.allow_plugins)
    progress = status.progress(study, options.full)
    command = studies.running(options.files, options.allow_plugins)
    print(status.as_json(study, progress) if options.json else status.as_text(progress, command))
    return 0 if all(each.complete for each in progress) else 1
