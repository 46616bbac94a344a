"""The paper's figures 1-7, each drawn from its file alone, as a page that renders offline and as a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import holoviews as hv
import hvplot
import numpy as np
import xarray as xr

from scoreshock.figures import OKABE_ITO, PANEL_INCHES, _label, _panel, _save

Panels = list[hv.Overlay]


def draw(datasets: Mapping[str, xr.Dataset], folder: Path) -> list[Path]:
    """Draw each figure of ``datasets`` (by name) as ``<name>.html`` and ``<name>.png`` in ``folder``.

    Returns
    -------
    list of Path
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for backend, suffix in (("bokeh", "html"), ("matplotlib", "png")):
        hvplot.extension(backend, logo=False)
        for name, dataset in datasets.items():
            written.append(folder / f"{name}.{suffix}")
            _save(_arranged(FIGURES[name](dataset.load(), backend), backend), written[-1], backend)
    return written


def figure_1(dataset: xr.Dataset, backend: str) -> Panels:
    """Score, Burgers velocity and the shock that is left when the background is taken away."""
    names = {"score": "score", "burgers_velocity": "Burgers velocity", "shock": "less its background: the shock"}
    return [_panel(dataset[name], "x", "tau", backend, [title], False) for name, title in names.items()]


def figure_2(dataset: xr.Dataset, backend: str) -> Panels:
    """The midpoint derivative with its zero, and the width."""
    zero = float(dataset.tau_star)
    panels = [
        _curve(dataset.midpoint_derivative, backend, f"zero at tau* = {zero:.6g}") * hv.HLine(0).opts(color="gray"),
        _curve(dataset.width, backend, "width v/a"),
    ]
    return [panel * hv.VLine(zero).opts(color=OKABE_ITO[1]) for panel in panels]


def figure_3(dataset: xr.Dataset, backend: str) -> Panels:
    """Residuals of both equations by both methods."""
    titles = {"analytic": "closed forms", "differences": "finite differences"}
    equations = {"score": "score PDE (18)", "burgers": "Burgers (24)"}
    return [
        _panel(dataset[f"{form}_{method}"], "x", "tau", backend, [equation, title], True)
        for form, equation in equations.items()
        for method, title in titles.items()
    ]


def figure_4(dataset: xr.Dataset, backend: str) -> Panels:
    """The exponent, the factor, trajectories, and the error of one of them under its bound."""
    exponent = _named(dataset, ["exponent", "exponent_quadrature"], ["closed form", "quadrature"])
    error = _named(dataset.isel(tau=slice(1, None)), ["error", "bound"], ["actual error", "Gronwall bound"])
    zero = hv.VLine(float(dataset.tau_star)).opts(color="gray")
    return [
        _panel(exponent, "tau_min", "method", backend, ["exponent (55)"], False),
        _curve(dataset.factor, backend, "amplification factor", logarithmic=True),
        _panel(dataset.trajectory, "tau", "start", backend, ["generation runs from right to left"], False) * zero,
        _panel(error, "tau", "method", backend, ["error at the centre"], True) * zero,
    ]


def figure_5(dataset: xr.Dataset, backend: str) -> Panels:
    """The score as arrows, and the largest curl by tau."""
    first, second = np.meshgrid(dataset.x1, dataset.x2, indexing="ij")
    right, up = dataset.score_first.values, dataset.score_second.values
    length = np.hypot(right, up)
    # The arrows' lengths differ by orders of magnitude; their square roots show the layer and the tails together.
    shown = np.sqrt(length / length.max())
    arrows = hv.VectorField(
        (first.ravel(), second.ravel(), np.arctan2(up, right).ravel(), shown.ravel()), ["x1", "x2"], ["angle", "length"]
    )
    means = hv.Scatter((dataset.component_mean[:, 0].values, dataset.component_mean[:, 1].values), "x1", "x2")
    if backend == "bokeh":
        arrows = arrows.opts(color=OKABE_ITO[4], magnitude="length", pivot="mid", frame_width=400, frame_height=280)
        means = means.opts(color=OKABE_ITO[5], size=10)
    else:
        arrows = arrows.opts(color=OKABE_ITO[4], magnitude="length", pivot="mid")
        means = means.opts(color=OKABE_ITO[5], s=60)
    title = f"score at tau = {float(dataset.tau_shown):.4g}; arrows' length: square root"
    field = hv.Overlay([arrows, means]).opts(title=title, xlabel="x1", ylabel="x2")
    largest = dataset.curl.max("point").assign_attrs(dataset.curl.attrs)
    return [field, _curve(largest, backend, "largest over the points", logarithmic=True)]


def figure_6(dataset: xr.Dataset, backend: str) -> Panels:
    """Both scores, their difference, and the clock."""
    zero, there = float(dataset.t_star), float(dataset.tau_star)
    clock = _curve(dataset.tau_effective, backend, f"tau_eff(t* = {zero:.5g}) = {there:.5g}")
    return [
        _panel(dataset.score_direct, "x", "t", backend, ["direct"], False),
        _panel(dataset.score_mapped, "x", "t", backend, ["mapped from the heat flow"], False),
        _panel(dataset.discrepancy, "x", "t", backend, ["their difference"], True),
        clock * hv.VLine(zero).opts(color=OKABE_ITO[1]) * hv.HLine(there).opts(color=OKABE_ITO[1]),
    ]


def figure_7(dataset: xr.Dataset, backend: str) -> Panels:
    """Errors by scale and by order, C of pairs, and the sign of C in random mixtures."""
    points = hv.Scatter((dataset.covariance.values, dataset.scaled_coefficient.values), "Cov(D across, y^2)", "C")
    look = {"size": 4} if backend == "bokeh" else {"s": 12}
    if backend == "bokeh":
        look |= {"frame_width": 400, "frame_height": 280}
    scatter = points.opts(color=OKABE_ITO[4], title="random mixtures, over the squared mean D", **look)
    return [
        _panel(dataset.error, "separation", "method", backend, ["triangle: no better at any scale"], True),
        _curve(dataset.error_order, backend, "triangle: better by order", logarithmic=True),
        _curve(dataset.covariance_coefficient, backend, "pair of unequal weights"),
        hv.Overlay([scatter, hv.HLine(0).opts(color="gray"), hv.VLine(0).opts(color="gray")]),
    ]


FIGURES: dict[str, Callable[[xr.Dataset, str], Panels]] = {
    "figure-1": figure_1,
    "figure-2": figure_2,
    "figure-3": figure_3,
    "figure-4": figure_4,
    "figure-5": figure_5,
    "figure-6": figure_6,
    "figure-7": figure_7,
}


def _named(dataset: xr.Dataset, names: Sequence[str], labels: Sequence[str] = ()) -> xr.DataArray:
    """Variables of one shape as lines of names; the axis is labelled as the first of them."""
    lines = [dataset[name].reset_coords(drop=True) for name in names]
    method = xr.Variable("method", list(labels or [_label(line) for line in lines]))
    return xr.concat(lines, method, combine_attrs="override").assign_attrs(lines[0].attrs)


def _curve(values: xr.DataArray, backend: str, title: str, logarithmic: bool = False) -> hv.Overlay:
    """One line over the only dimension of the values."""
    (axis,) = values.dims
    look: dict[str, Any] = {"frame_width": 400, "frame_height": 280} if backend == "bokeh" else {"linewidth": 2}
    shown = values.where(values > 0) if logarithmic else values
    line = hv.Curve((values[axis].values, shown.values), "horizontal", "vertical")
    labels = {"xlabel": _label(values[axis]), "ylabel": _label(values), "title": title}
    return hv.Overlay([line.opts(color=OKABE_ITO[4], logy=logarithmic, show_grid=True, **labels, **look)])


def _arranged(panels: Panels, backend: str) -> hv.Layout:
    """The panels in two columns, each with its legend where it has several lines."""
    columns = min(2, len(panels))
    layout = hv.Layout([panel.opts(show_legend=_lines(panel) > 1, legend_position="right") for panel in panels]).cols(
        columns
    )
    if backend == "bokeh":
        return layout.opts(shared_axes=False)
    inches = (1.2 * PANEL_INCHES[0] * columns, PANEL_INCHES[1] * -(-len(panels) // columns))
    return layout.opts(shared_axes=False, sublabel_format="", fig_inches=inches, hspace=0.6, vspace=0.5)


def _lines(panel: Any) -> int:
    return sum(isinstance(element, hv.Curve) for element in panel)
