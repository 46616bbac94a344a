"""Datasets in, figures out: a page that renders offline (HTML) and a picture (PNG) of each; computes nothing.

`times` and `layers` say what is drawn, `curves` how panels are chosen, `style` how lines look, `pages` how they are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import holoviews as hv
import hvplot
import xarray as xr

from scoreshock.figures import layers, times
from scoreshock.figures.pages import arranged, save
from scoreshock.figures.style import DASHES, OKABE_ITO

__all__ = ["DASHES", "FIGURES", "OKABE_ITO", "draw"]

FIGURES: dict[str, tuple[str, Callable[[xr.Dataset, str], list[hv.Overlay]]]] = {
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


def draw(datasets: Mapping[str, xr.Dataset], folder: Path) -> list[Path]:
    """Draw every figure that the datasets of a sweep allow, as ``<name>.html`` and ``<name>.png`` in ``folder``.

    Parameters
    ----------
    datasets
        By quantity, as ``open_results`` gives them.
    folder
        Made if it is not there.

    Returns
    -------
    list of Path
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(name, figure, datasets[q]) for name, (q, figure) in FIGURES.items() if q in datasets]
    written = []
    for backend, suffix in (("bokeh", "html"), ("matplotlib", "png")):
        hvplot.extension(backend, logo=False)
        for name, figure, dataset in wanted:
            panels = figure(dataset, backend)
            if panels:
                written.append(folder / f"{name}.{suffix}")
                save(arranged(panels, backend), written[-1], backend)
    return written
