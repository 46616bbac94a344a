"""Panels in, files out: a page that renders offline, or a picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import holoviews as hv
import hvplot
from bokeh.resources import INLINE

PANEL_INCHES = (6.2, 4.2)
"""Width and height of a panel of a picture."""


def arranged(panels: Sequence[hv.Overlay], backend: str) -> hv.Layout:
    """The panels in two columns; their lines are the same, so the last panel's legend serves all."""
    *others, last = panels
    columns = min(2, len(panels))
    layout = hv.Layout([*[panel.opts(show_legend=False) for panel in others], last]).cols(columns)
    if backend == "bokeh":
        return layout.opts(shared_axes=False)
    inches = (PANEL_INCHES[0] * columns, PANEL_INCHES[1] * -(-len(panels) // columns))
    return layout.opts(shared_axes=False, sublabel_format="", fig_inches=inches, hspace=0.35, vspace=0.6)


def save(layout: hv.Layout, path: Path, backend: str) -> None:
    """Save as a picture, or as a page that needs nothing from outside."""
    if backend == "matplotlib":
        picture = hv.renderer("matplotlib").get_plot(layout).state
        for axes in picture.axes:
            axes.set_aspect("auto")
        picture.savefig(path, dpi=100, bbox_inches="tight")
        return
    hvplot.save(layout, str(path), resources=INLINE, title=path.stem)
    # The page names scripts and icons on network hosts although it needs none of them.
    outside = r"""<script[^>]*src="https?://[^"]*"[^>]*></script>|<link[^>]*href="https?://[^"]*"[^>]*>"""
    path.write_text(re.sub(outside, "", path.read_text()))
