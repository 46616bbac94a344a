"""The study that the arguments of a command name."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoreshock.cli import shipped

if TYPE_CHECKING:
    from scoreshock.study.study import Study


OWN = "study.yaml"
"""The study of a folder, which `scoreshock init` writes and which is read where no file is named."""


def add_files(parser: argparse.ArgumentParser) -> None:
    """The files of a study, and whether its plugins may run."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help=f"study; later files override earlier ones ({OWN}, else the default study)"
    )
    parser.add_argument("--allow-plugins", action="store_true", help="run the code of the plugins that the study names")


def unnamed() -> list[str]:
    """The files of a study where none is named, which is said on stderr."""
    if Path(OWN).is_file():
        print(f"Study: {OWN}", file=sys.stderr)
        return [OWN]
    print(f"Study: the default one, {shipped.STUDY}; to write your own: scoreshock init", file=sys.stderr)
    return []


def read_study(files: Sequence[str], allow_plugins: bool = False) -> Study:
    """Read a study from YAML files, as the workflow does; later files override earlier ones.

    Files without ``sweeps`` override the default study.
    """
    from scoreshock.study.study import Study

    return Study.from_mapping(content_of(files), allow_plugins)


def content_of(files: Sequence[str]) -> dict[str, Any]:
    """The files of a study, laid over each other."""
    from scoreshock.study.layers import read_layers

    for file in files:
        if not Path(file).exists():
            raise FileNotFoundError(f"{file} does not exist; to write a study: scoreshock init {shlex.quote(file)}")
        if Path(file).is_dir():
            raise ValueError(f"{file} is a folder, which is not allowed; allowed: the file of a study, such as mine.yaml")
    return read_layers(files, shipped.STUDY)


def running(files: Sequence[str], allow_plugins: bool = False) -> list[str]:
    """The command that runs the study."""
    return ["scoreshock", "run", *files, *(["--allow-plugins"] if allow_plugins else [])]
