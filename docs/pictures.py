"""Pictures of the documentation's pages: vector graphics in the page itself, which follow its light or dark theme."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from IPython.display import HTML, display
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PINK, GREY = "#2f80c0", "#D55E00", "#009E73", "#CC79A7", "#888888"
"""Four hues of Okabe and Ito (2008), the blue lightened, and a grey: legible on white and on black."""

STYLE: dict[str, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",  # text stays text, in the page's own font
    "figure.constrained_layout.use": True,
}
mpl.rcParams.update(STYLE)


def panels(count: int = 1, height: float = 3.0, **keywords: Any) -> tuple[Figure, Any]:
    """A figure as wide as the text, with ``count`` axes side by side."""
    return plt.subplots(1, count, figsize=(8.0, height), **keywords)


def show(figure: Figure, alt: str) -> None:
    """Display ``figure`` as part of the page; black becomes the page's text colour. ``alt`` says what is to be seen."""
    mpl.rcParams["svg.hashsalt"] = alt
    text = StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    plt.close(figure)
    svg = text.getvalue()[text.getvalue().index("<svg") :].replace("#000000", "currentColor")
    svg = re.sub(r"(<svg[^>]*?) width=\"[^\"]*\"| height=\"[^\"]*pt\"", r"\1", svg)
    tag = f'<svg role="img" aria-label="{alt}" fill="currentColor"'
    display(HTML(f'<div class="picture">{svg.replace("<svg", tag, 1)}</div>'))
