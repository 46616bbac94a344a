"""Figures from datasets, one format at a time.

`times`, `layers` and `decisions` describe each figure as the plain data of `description`; `curves` selects panels and lines,
`style` their look. `page` renders a description as HTML with BokehJS, `picture` as PNG or SVG with Matplotlib. A call
imports only the renderer of its format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import xarray as xr

from scoreshock.figures import decisions, layers, moments, times
from scoreshock.figures.description import FIGURES, Panel, figure
from scoreshock.figures.files import digest_of
from scoreshock.figures.style import DASHES, OKABE_ITO
from scoreshock.storage.staging import write_file

__all__ = [
    "DASHES",
    "FIGURES",
    "OKABE_ITO",
    "RENDERERS",
    "decisions",
    "digest_of",
    "draw",
    "figure",
    "layers",
    "moments",
    "save",
    "times",
]

RENDERERS = {"html": "page", "png": "picture", "svg": "picture"}
"""Module that writes each format; imported by name, so that the code digest of one format excludes the other."""


def draw(datasets: Mapping[str, xr.Dataset], folder: Path, suffix: str, digest: str = "") -> list[Path]:
    """Draw all figures of the datasets of a sweep, as ``<name>.<suffix>`` in ``folder``.

    Other figures of this format are removed from the folder.

    Parameters
    ----------
    datasets
        Results of ``open_results`` by quantity.
    folder
        Created if absent.
    suffix
        ``html``, ``png`` or ``svg``. Pages load only ``figures-<digest>.min.js``, which is written to the same folder.
    digest
        Digest of the inputs, of letters and digits; `digest_of` reads it from a file.

    Returns
    -------
    list of Path
        Files that were written.

    Raises
    ------
    ValueError
        If the format is unknown.

    Examples
    --------
    >>> import tempfile, scoreshock as ss
    >>> tau = ss.speciation(ss.families.pair(separation=[1.0, 2.0, 3.0], variance=0.25))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in draw({"speciation": tau}, Path(folder), "png")]
    ['speciation.png']
    """
    described = {name: each.describe(datasets[each.of]) for name, each in FIGURES.items() if each.of in datasets}
    written = [save(panels, folder / f"{name}.{suffix}", digest=digest) for name, panels in described.items() if panels]
    for name in FIGURES:
        if folder / f"{name}.{suffix}" not in written:
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    return written


def save(panels: Sequence[Panel], path: Path, title: str = "", caption: str = "", digest: str = "") -> Path:
    """Write one figure in the format of the path's suffix, atomically; ``caption`` is HTML, which only pages show."""
    suffix = path.suffix[1:]
    if suffix not in RENDERERS:
        raise ValueError(f"format {suffix!r} is not allowed; allowed: {', '.join(RENDERERS)}")
    renderer = import_module(f"{__name__}.{RENDERERS[suffix]}")
    write_file(renderer.rendered(panels, path, title or path.stem, caption, digest), path)
    return path
