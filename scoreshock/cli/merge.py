"""Merge two folders of results."""

from __future__ import annotations

import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``merge``."""
    parser.add_argument(
        "folders", nargs=2, metavar="FOLDER", help="results; files are added to the first, unless --into is set"
    )
    parser.add_argument("--into", metavar="FOLDER", help="write the merged results here and leave both folders unchanged")


def run(options: argparse.Namespace) -> int:
    """Copy what the target lacks, and print how much that was."""
    from scoreshock.checks import number_of
    from scoreshock.storage import transfer

    target = options.into or options.folders[0]
    copied = transfer.unite(options.folders, target)
    print("\n".join(f"{name}: {number_of(number, 'file')} copied" for name, number in copied.items()))
    print(f"Merged into {target}. To join the blocks, run a study that covers both: scoreshock run FILE")
    return 0
