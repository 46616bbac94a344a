"""Digest of the inputs of a figure, in the first bytes of its file."""

from __future__ import annotations

import re
from pathlib import Path

HEAD = 4096
"""Number of bytes at the start of a file that contain its digest."""


def digest_of(path: Path) -> str:
    """Digest in the first bytes of a figure, ``""`` if there is none."""
    with path.open("rb") as file:
        match = re.search(rb'scoreshock-digest(?:" content="|\0|:)([^";]*)[";]', file.read(HEAD))
    return match[1].decode() if match else ""
