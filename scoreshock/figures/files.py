"""Files of figures: written atomically, with the digest of their inputs in the first bytes."""

from __future__ import annotations

import os
import re
from pathlib import Path

HEAD = 4096
"""Number of bytes at the start of a file that contain its digest."""


def replace(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then rename it."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """Digest in the first bytes of a figure, ``""`` if there is none."""
    with path.open("rb") as file:
        match = re.search(rb'scoreshock-digest(?:" content="|\0|:)([^";]*)[";]', file.read(HEAD))
    return match[1].decode() if match else ""
