"""The shell of every page: its theme, and figures as data that one script beside the pages draws with BokehJS.

Pages ask for nothing outside of their folder.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scoreshock.storage.staging import write_file

PARTS = Path(__file__).parent
BOKEH = "bokeh.min.js"
"""The file of BokehJS that the panels need."""


def page(title: str, body: str, digest: str = "", script: str = "", style: str = "", wide: bool = False) -> str:
    """A whole page.

    Parameters
    ----------
    title
        Plain text.
    body
        HTML; panels in it are of `figure`.
    digest
        Digest of the inputs, which `scoreshock.figures.digest_of` reads from the file.
    script
        Name of the file from `script_beside`, where the body has panels.
    style
        CSS besides the theme's.
    wide
        Whether text runs over the width of two panels.

    Examples
    --------
    >>> "<title>a &amp; b</title>" in page("a & b", "<p>text</p>")
    True
    """
    parts = {
        "title": html.escape(title),
        "digest": html.escape(digest),
        "style": _part("theme.css") + style,
        "script": f'<script src="{html.escape(script)}"></script>\n' if script else "",
        "width": ' class="wide-page"' if wide else "",
        "body": body,
    }
    return re.sub(r"\$(\w+)\$", lambda match: parts[match[1]], _part("shell.html"))


def figure(panels: Sequence[Mapping[str, Any]], script: str) -> str:
    """HTML of panels as `figures.interactive` describes them; without the script a sentence says which file is missing."""
    data = json.dumps(panels, separators=(",", ":")).replace("<", "\\u003c")
    missing = json.dumps(f"This figure needs the file {html.escape(script)} in the same folder.")
    check = f"window.Bokeh || document.currentScript.parentElement.append({missing})"
    return f'<div class="panels">\n<script type="application/json">{data}</script>\n<script>{check}</script>\n</div>'


def script_beside(folder: Path) -> str:
    """Name of the script in a folder, BokehJS of the installed package and ours; written unless it is there."""
    name, content = _script()
    if not (folder / name).exists():
        write_file(content, folder / name)
    return name


@cache
def _script() -> tuple[str, bytes]:
    package = find_spec("bokeh")
    assert package is not None
    assert package.origin is not None
    sources = Path(package.origin).parent / "server" / "static" / "js"
    content = b"\n".join([(sources / BOKEH).read_bytes(), _part("panels.js").encode()])
    return f"figures-{hashlib.sha256(content).hexdigest()[:8]}.min.js", content


@cache
def _part(name: str) -> str:
    return (PARTS / name).read_text("utf-8")
