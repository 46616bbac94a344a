"""Datasets in, figures out, one format at a time; computes nothing.

`times` and `layers` describe what is drawn, as the plain data of `description`; `curves` chooses panels and lines, `style`
how they look. `page` makes HTML of a description with BokehJS, `picture` PNG and SVG with Matplotlib. A call imports the
renderer of its format only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import xarray as xr

from scoreshock.figures import layers, times
from scoreshock.figures.description import Panel
from scoreshock.figures.files import digest_of, replace
from scoreshock.figures.style import DASHES, OKABE_ITO

__all__ = ["DASHES", "FIGURES", "OKABE_ITO", "RENDERERS", "digest_of", "draw", "save"]

FIGURES: dict[str, tuple[str, Callable[[xr.Dataset], list[Panel]]]] = {
    "speciation": ("speciation", times.speciation),
    "time": ("speciation", times.time),
    "exponent": ("amplification", layers.exponent),
    "corrections": ("corrections", times.corrections),
    "profile": ("scores", layers.profile),
    "layer": ("layer", layers.layer),
    "burgers": ("burgers", layers.burgers),
    "trajectories": ("trajectories", layers.trajectories),
    "errors": ("trajectories", layers.errors),
    "divergence": ("divergence", layers.divergence),
    "regions": ("regions", layers.regions),
    "modes": ("modes", times.modes),
    "one-mode": ("modes", times.one_mode),
    "cascade": ("cascade", times.cascade),
    "neighbours": ("neighbours", times.neighbours),
    "growth": ("boundary_amplification", layers.growth),
}
"""Each figure: the quantity that it is drawn from, and how."""

RENDERERS = {"html": "page", "png": "picture", "svg": "picture"}
"""The module that writes each format; imported by name, so that `storage.provenance` sees one without the other."""


def draw(datasets: Mapping[str, xr.Dataset], folder: Path, suffix: str, digest: str = "") -> list[Path]:
    """Draw every figure that the datasets of a sweep allow, as ``<name>.<suffix>`` in ``folder``.

    Figures of the same format that the datasets do not allow are removed from the folder.

    Parameters
    ----------
    datasets
        By quantity, as ``open_results`` gives them.
    folder
        Made if it is not there.
    suffix
        ``html``, ``png`` or ``svg``. Pages load ``bokeh-<version>.min.js``, which is written beside them, and nothing else.
    digest
        Digest of what the figures are made from: letters and digits, which `digest_of` reads from each file.

    Returns
    -------
    list of Path
        The figures written.

    Raises
    ------
    ValueError
        If there is no such format.

    Examples
    --------
    >>> import tempfile, scoreshock as ss
    >>> tau = ss.speciation(ss.families.pair(separation=[1.0, 2.0, 3.0], variance=0.25))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in draw({"speciation": tau}, Path(folder), "png")]
    ['speciation.png']
    """
    described = {name: figure(datasets[q]) for name, (q, figure) in FIGURES.items() if q in datasets}
    written = [save(panels, folder / f"{name}.{suffix}", digest=digest) for name, panels in described.items() if panels]
    for name in FIGURES:
        if folder / f"{name}.{suffix}" not in written:
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    return written


def save(panels: Sequence[Panel], path: Path, title: str = "", caption: str = "", digest: str = "") -> Path:
    """Write one figure in the format of the path's suffix; ``caption`` is HTML, which only pages show.

    The file appears under its name when it is complete.
    """
    suffix = path.suffix[1:]
    if suffix not in RENDERERS:
        raise ValueError(f"format {suffix!r} is not known; known: {', '.join(RENDERERS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    renderer = import_module(f"{__name__}.{RENDERERS[suffix]}")
    replace(path, renderer.rendered(panels, path, title or path.stem, caption, digest))
    return path
