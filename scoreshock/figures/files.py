"""Files of figures: each is complete under its name, and holds the digest of what it was drawn from in its head."""

from __future__ import annotations

import os
import re
from pathlib import Path

HEAD = 4096
"""Bytes of a file within which its digest stands."""


def replace(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """Return the digest that a figure was drawn with, ``""`` where there is none; reads the file's head only."""
    with path.open("rb") as file:
        match = re.search(rb'scoreshock-digest(?:" content="|\0|:)([^";]*)[";]', file.read(HEAD))
    return match[1].decode() if match else ""
