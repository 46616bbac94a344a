"""HTML pages of figures: the description of a figure as the data that a page's script draws in the browser."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from scoreshock.figures.description import Panel, with_legend
from scoreshock.pages import shell


def rendered(panels: Sequence[Panel], path: Path, title: str, caption: str, digest: str) -> bytes:
    """The page as bytes; also writes the script to the folder of ``path``, unless it is there."""
    script = shell.script_beside(path.parent)
    body = f'<h1>{html.escape(title)}</h1>\n{on_page(panels, script)}\n<div class="caption">{caption}</div>'
    return shell.page(title, body, digest, script, wide=True).encode()


def on_page(panels: Sequence[Panel], script: str) -> str:
    """HTML of the panels of one figure, which the script draws."""
    described = zip(panels, with_legend(list(panels)), strict=True)
    return shell.figure([_plain(panel, legend) for panel, legend in described], script)


def _plain(panel: Panel, legend: bool) -> dict[str, Any]:
    """A panel as a mapping that JSON can encode."""
    marks = [{"kind": type(mark).__name__} | {k: _packed(v) for k, v in asdict(mark).items()} for mark in panel.marks]
    limits = {f"{axis}limits": panel.limits(axis) for axis in "xy"}
    return asdict(panel) | {"marks": marks, "legend": legend} | limits


def _packed(value: Any) -> Any:
    """Arrays as base64 of 64-bit floats, which preserves all digits and NaN."""
    return base64.b64encode(np.asarray(value, "<f8").tobytes()).decode() if isinstance(value, np.ndarray) else value
