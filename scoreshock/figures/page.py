"""HTML pages of figures: panels as the data that a page's script draws in the browser."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from scoreshock.figures.description import Panel
from scoreshock.pages import shell


def rendered(panels: Sequence[Panel], path: Path, title: str, caption: str, digest: str) -> bytes:
    """The page as bytes; also writes the script to the folder of ``path``, unless it is there."""
    script = shell.script_beside(path.parent)
    body = f'<h1>{html.escape(title)}</h1>\n{on_page(panels, script)}\n<div class="caption">{caption}</div>'
    return shell.page(title, body, digest, script, wide=True).encode()


def on_page(panels: Sequence[Panel], script: str) -> str:
    """HTML of the panels of one figure, which the script draws."""
    from scoreshock.figures.interactive import as_json  # imports HoloViews, which takes a second

    return shell.figure(as_json(panels), script)
