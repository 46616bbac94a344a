"""Figures from datasets, one format at a time.

`times`, `phases`, `branches`, `amplification`, `layers`, `fields`, `planes`, `decisions`, `classes`, `moments`,
`diagnosis` and `networks` describe each figure as the plain data of `description`; `curves` lays out lines by what varies
most and by what a reader chose, `slices` takes a value of each axis that no panel shows, `style` has their look, `captions`
says what is left out.
`interactive` draws a description with HoloViews, `page` puts that on HTML, `picture` draws PNG and SVG with Matplotlib,
`table` is the data as CSV. A call imports only the library of its format.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import xarray as xr

from scoreshock.figures import (
    amplification,
    branches,
    classes,
    decisions,
    diagnosis,
    fields,
    layers,
    moments,
    networks,
    phases,
    planes,
    steps,
    times,
)
from scoreshock.figures.captions import caption
from scoreshock.figures.description import FIGURES, Choice, Panel, figure
from scoreshock.figures.files import digest_of
from scoreshock.figures.style import DASHES, OKABE_ITO
from scoreshock.figures.table import as_csv
from scoreshock.storage.staging import write_file

__all__ = [
    "ALL",
    "DASHES",
    "FIGURES",
    "FORMATS",
    "OKABE_ITO",
    "RENDERERS",
    "Captioned",
    "amplification",
    "as_csv",
    "branches",
    "captioned",
    "choice_of",
    "classes",
    "decisions",
    "diagnosis",
    "digest_of",
    "draw",
    "fields",
    "figure",
    "layers",
    "moments",
    "networks",
    "phases",
    "planes",
    "save",
    "steps",
    "times",
]

RENDERERS = {"html": "page", "png": "picture", "svg": "picture"}
"""Module that writes each format; imported by name, so that the code digest of one format excludes the other."""


ALL = "all"
"""Stands for every figure in the key ``figures`` of a sweep."""

FORMATS = ("png",)
"""Formats of the files of figures, unless a study says others; the page of a sweep shows all of them in any case."""


class Captioned(NamedTuple):
    """A figure's panels, and its caption as plain text."""

    panels: list[Panel]
    caption: str


def choice_of(entry: Mapping[str, Any]) -> Choice:
    """The choice in the plain values of a study: a range ``{start, stop}`` is a slice.

    Examples
    --------
    >>> choice_of({"x": "tau", "select": {"variance": {"start": 1.0}}, "skip": False}).select
    {'variance': slice(1.0, None, None)}
    """
    select = {
        name: slice(wanted.get("start"), wanted.get("stop")) if isinstance(wanted, Mapping) else wanted
        for name, wanted in entry.get("select", {}).items()
    }
    return Choice(
        **{key: entry.get(key, "") for key in ("x", "lines", "panels")}, select=select, scale=entry.get("scale", {})
    )


def captioned(
    datasets: Mapping[str, xr.Dataset], choices: Mapping[str, Mapping[str, Any]] = MappingProxyType({}), suffix: str = ""
) -> dict[str, Captioned]:
    """All figures of the datasets of a sweep, by name, as panels and captions; nothing is drawn.

    Parameters
    ----------
    datasets
        Results of ``open_results`` by quantity.
    choices
        By figure, plain values of the key ``figures`` of the sweep. What is to be skipped is left out.
    suffix
        Only figures of this format; without ``choices`` all are.

    Examples
    --------
    >>> import scoreshock as ss
    >>> tau = ss.speciation(ss.families.pair(separation=[0.1, 2.0, 3.0], weight=[0.5, 0.6], variance=0.25))
    >>> captioned({"speciation": tau}, {"speciation": {"select": {"criterion": "exact"}}})["speciation"].panels[0].notes
    ('2 of 6 points are not drawn: 2 below_data_variance.',)
    """
    result: dict[str, Captioned] = {}
    usual = FORMATS if choices else (suffix,)
    for name, each in FIGURES.items():
        entry = choices.get(name, {})
        if each.of in datasets and not entry.get("skip") and suffix in ("", *entry.get("formats", usual)):
            panels = each.panels(datasets, choice_of(entry))
            if panels:
                result[name] = Captioned(panels, caption(each.words, panels))
    return result


def draw(
    datasets: Mapping[str, xr.Dataset],
    folder: Path,
    suffix: str,
    digest: str = "",
    choices: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> list[Path]:
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
    choices
        As in `captioned`.

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
    found = captioned(datasets, choices, suffix)
    written = [
        save(panels, folder / f"{name}.{suffix}", caption=html.escape(words), digest=digest)
        for name, (panels, words) in found.items()
    ]
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
