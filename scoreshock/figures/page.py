"""HTML pages of figures: the description of a figure, and a script that draws it with BokehJS in the browser.

Bokeh is not imported, because that would take longer than writing the page. BokehJS is copied from the installed package,
once a folder, so that pages work offline.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from scoreshock.figures.description import Panel, with_legend
from scoreshock.storage.staging import write_file

TEMPLATE = Path(__file__).with_name("page.html")


def rendered(panels: Sequence[Panel], path: Path, title: str, caption: str, digest: str) -> bytes:
    """The page as bytes; also writes BokehJS to the folder of ``path``, unless it is there."""
    described = [_plain(panel, legend) for panel, legend in zip(panels, with_legend(list(panels)), strict=True)]
    parts = {
        "title": html.escape(title),
        "digest": html.escape(digest),
        "script": script(path.parent).name,
        "caption": caption,
        "panels": json.dumps(described).replace("<", "\\u003c"),
    }
    return re.sub(r"\$(\w+)\$", lambda match: parts[match[1]], _template()).encode()


def script(folder: Path) -> Path:
    """Path of BokehJS in a folder, copied from the installed package if absent."""
    target = folder / f"bokeh-{version('bokeh')}.min.js"
    if not target.exists():
        package = find_spec("bokeh")
        assert package is not None
        assert package.origin is not None
        sources = Path(package.origin).parent / "server" / "static" / "js"
        write_file(b"\n".join((sources / name).read_bytes() for name in ("bokeh.min.js", "bokeh-api.min.js")), target)
    return target


@cache
def _template() -> str:
    return TEMPLATE.read_text("utf-8")


def _plain(panel: Panel, legend: bool) -> dict[str, Any]:
    """A panel as a mapping that JSON can encode."""
    marks = [{"kind": type(mark).__name__} | {k: _packed(v) for k, v in asdict(mark).items()} for mark in panel.marks]
    limits = {f"{axis}limits": panel.limits(axis) for axis in "xy"}
    return asdict(panel) | {"marks": marks, "legend": legend} | limits


def _packed(value: Any) -> Any:
    """Arrays as base64 of 64-bit floats, which preserves all digits and NaN."""
    return base64.b64encode(np.asarray(value, "<f8").tobytes()).decode() if isinstance(value, np.ndarray) else value
