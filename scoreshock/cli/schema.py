"""Print the JSON schema of a study."""

from __future__ import annotations

import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command ``schema`` has no flags."""


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 - all commands have the same signature
    """Print the schema."""
    from scoreshock.study.schema import schema

    print(schema(), end="")
    return 0
