"""The paper's figures 1-7, each drawn from its file alone, as a page that renders offline and as a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import colorcet
import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.embed import file_html
from bokeh.resources import INLINE

from scoreshock.figures import DASHES, OKABE_ITO
from scoreshock.verification.typesetting import typeset

Panels = list[hv.Overlay]

PANEL_INCHES = (5.2, 3.6)
"""Width and height of a panel of a picture."""

PANEL_PIXELS = {"frame_width": 430, "frame_height": 290}
"""The same of a page."""

SQUARE_PIXELS = {"frame_width": 430, "frame_height": 430}
"""The same of a panel whose axes have one scale."""

TIME = "diffusion time τ"

HALF_OF_RAMP = 0.72
"""The part of the colour ramp that stands out from white."""


def draw(datasets: Mapping[str, xr.Dataset], folder: Path) -> list[Path]:
    """Draw each figure of ``datasets`` (by name) as ``<name>.html`` and ``<name>.png`` in ``folder``.

    Returns
    -------
    list of Path
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for backend, suffix, save in (("bokeh", "html", _save_page), ("matplotlib", "png", _save_picture)):
        hv.extension(backend, logo=False)
        for name, dataset in datasets.items():
            written.append(folder / f"{name}.{suffix}")
            save(FIGURES[name](dataset.load(), backend), dataset, written[-1])
    return written


def figure_1(dataset: xr.Dataset, backend: str) -> Panels:
    """Score, Burgers velocity, the shock that is left when the background is taken away, and its one shape."""
    titles = {"score": "score", "burgers_velocity": "Burgers velocity", "shock": "the shock"}
    shape = _line(dataset.r, dataset.tanh, backend, "tanh r", OKABE_ITO[7], 2, 4.0)
    return [
        *(_family(dataset[name], "x", "tau", backend, title, xlabel="position x") for name, title in titles.items()),
        _family(dataset.scaled, "r", "tau", backend, "the same in units of height and width", marks=[shape]),
    ]


def figure_2(dataset: xr.Dataset, backend: str) -> Panels:
    """The midpoint derivative with its zero, and the width."""
    zero = float(dataset.tau_star)
    marks = [_across(zero)]
    title = f"zero at τ* = {zero:.6g}"
    return [
        _curve(dataset.midpoint_derivative, backend, title, xlabel=TIME, marks=[_level(0.0), *marks]),
        _curve(dataset.width, backend, "width", xlabel=TIME, marks=marks),
    ]


def figure_3(dataset: xr.Dataset, backend: str) -> Panels:
    """Residuals of both equations by both methods."""
    titles = {"analytic": "closed forms", "differences": "finite differences"}
    equations = {"score": "score PDE (18)", "burgers": "Burgers (24)"}
    return [
        _family(
            dataset[f"{form}_{method}"],
            "x",
            "tau",
            backend,
            f"{equation}, {title}",
            logy=True,
            xlabel="position x",
            width=1.2,
        )
        for form, equation in equations.items()
        for method, title in titles.items()
    ]


def figure_4(dataset: xr.Dataset, backend: str) -> Panels:
    """The exponent, the factor, trajectories, and the error of one of them under its bound."""
    stop = dataset.tau_min.attrs["long_name"]
    both = {"closed form": dataset.exponent, "quadrature": dataset.exponent_quadrature}
    after = dataset.isel(tau=slice(1, None))
    error = {"actual error": after.error, "Grönwall bound": after.bound}
    marks = [_across(float(dataset.tau_star))]
    running: dict[str, Any] = {"xlabel": TIME, "marks": marks, "named": False}
    return [
        _named(both, "tau_min", backend, "exponent (55)", xlabel=stop),
        _curve(dataset.factor, backend, "factor", logy=True, xlabel=stop),
        _family(dataset.trajectory, "tau", "start", backend, "generation runs from right to left", **running),
        _named(error, "tau", backend, "error at the centre", logy=True, xlabel=TIME, marks=marks),
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
    ).opts(color=OKABE_ITO[4], magnitude="length", pivot="mid")
    places = (dataset.component_mean[:, 0].values, dataset.component_mean[:, 1].values)
    means = hv.Scatter(places, "x1", "x2").opts(color=OKABE_ITO[5], **_size(backend, 10))
    if backend == "bokeh":
        arrows, means = arrows.opts(**SQUARE_PIXELS), means.opts(**SQUARE_PIXELS)
    names = {"xlabel": dataset.x1.attrs["long_name"], "ylabel": dataset.x2.attrs["long_name"]}
    field = hv.Overlay([arrows, means]).opts(title=f"score at τ = {float(dataset.tau_shown):.4g}", **names)
    largest = dataset.curl.max("point").assign_attrs(dataset.curl.attrs)
    dots = hv.Scatter((largest.tau.values, largest.values), "horizontal", "vertical")
    dots = dots.opts(color=OKABE_ITO[4], **_size(backend, 8))
    look: dict[str, Any] = {"logx": True, "logy": True, "xlabel": TIME, "marks": [dots]}
    return [field, _curve(largest, backend, "largest curl over the points", **look)]


def figure_6(dataset: xr.Dataset, backend: str) -> Panels:
    """Both scores, that of the heat flow, their difference, and the clock."""
    zero, there = float(dataset.t_star), float(dataset.tau_star)
    some = dataset.score_mapped.isel(x=slice(None, None, 8))
    points = [
        hv.Scatter((some.x.values, line.values), "horizontal", "vertical").opts(color=colour, **_size(backend, 5))
        for line, colour in zip(some, _ramp(some.sizes["t"]), strict=True)
    ]
    lines: dict[str, Any] = {"xlabel": "position x", "marks": points}
    marks = [_across(zero), _level(there, OKABE_ITO[1])]
    return [
        _family(dataset.score_direct, "x", "t", backend, "process: directly (lines), mapped (points)", **lines),
        _family(dataset.score_heat, "y", "t", backend, "heat flow"),
        _dotted(dataset.discrepancy, "x", "t", backend, "difference of lines and points", xlabel="position x"),
        _curve(dataset.tau_effective, backend, f"τ_eff(t* = {zero:.5g}) = {there:.5g} = τ*", marks=marks),
    ]


def figure_7(dataset: xr.Dataset, backend: str) -> Panels:
    """Errors by scale and by order, C of pairs, and the sign of C in random mixtures."""
    across, c = dataset.covariance, dataset.scaled_coefficient
    points = hv.Scatter((across.values, c.values), "horizontal", "vertical").opts(color=OKABE_ITO[4], **_size(backend, 4))
    points = points.opts(show_grid=True, **(PANEL_PIXELS if backend == "bokeh" else {}))
    names = {"xlabel": across.attrs["long_name"], "ylabel": c.attrs["long_name"], "title": "random mixtures"}
    by_method = {str(method): dataset.error.sel({"method": method}) for method in dataset["method"].values}
    return [
        _named(by_method, "separation", backend, "triangle: no better at any scale", logy=True, xlabel="scale of the means"),
        _curve(dataset.error_order, backend, "triangle: better by order", logy=True, xlabel="order of the series"),
        _curve(dataset.covariance_coefficient, backend, "pairs", xlabel="weight of the heavier component"),
        hv.Overlay([points, _level(0.0), _across(0.0, OKABE_ITO[7])]).opts(**names),
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

LEGEND = {"bokeh": "right", "matplotlib": "inner"}

SYMBOLS = {"tau": "τ", "t": "t"}


def _family(
    values: xr.DataArray,
    axis: str,
    by: str,
    backend: str,
    title: str,
    width: float = 2.0,
    named: bool = True,
    **look: Any,
) -> hv.Overlay:
    """A line a value of ``by``, in a ramp of colours, as its values are ordered."""
    known = _drawable(values, look)
    lines = []
    for number, (place, colour) in enumerate(zip(values[by].values, _ramp(values.sizes[by]), strict=True)):
        label = _name(by, place) if named else ""
        lines.append(_line(values[axis], known.sel({by: place}), backend, label, colour, number, width))
    return _framed(lines, values, axis, backend, title, **look)


def _dotted(values: xr.DataArray, axis: str, by: str, backend: str, title: str, **look: Any) -> hv.Overlay:
    """The same as points on a logarithmic scale: rounding, which jumps from point to point and is zero at many."""
    points = []
    for place, colour in zip(values[by].values, _ramp(values.sizes[by]), strict=True):
        line = values.sel({by: place})
        known = line.values > 0
        dots = hv.Scatter((line[axis].values[known], line.values[known]), "horizontal", "vertical", label=_name(by, place))
        points.append(
            dots.opts(color=colour, logy=True, **_size(backend, 4), **(PANEL_PIXELS if backend == "bokeh" else {}))
        )
    return _framed(points, values, axis, backend, title, logy=True, **look)


def _named(lines: Mapping[str, xr.DataArray], axis: str, backend: str, title: str, **look: Any) -> hv.Overlay:
    """Lines with names, in distinct colours; the later ones thinner, so that lines that coincide all show."""
    first = next(iter(lines.values()))
    drawn = [
        _line(values[axis], _drawable(values, look), backend, name, OKABE_ITO[number], number, 4.0 - number)
        for number, (name, values) in enumerate(lines.items())
    ]
    return _framed(drawn, first, axis, backend, title, **look)


def _curve(values: xr.DataArray, backend: str, title: str, **look: Any) -> hv.Overlay:
    """One line over the only dimension of the values."""
    (axis,) = values.dims
    line = _line(values[axis], _drawable(values, look), backend, "", OKABE_ITO[4])
    return _framed([line], values, str(axis), backend, title, **look)


def _drawable(values: xr.DataArray, look: Mapping[str, Any]) -> xr.DataArray:
    """The values that the scale has a place for."""
    return values.where(values > 0) if look.get("logy") else values


def _line(
    x: xr.DataArray, y: xr.DataArray, backend: str, label: str, color: str, style: int = 0, width: float = 2.0
) -> hv.Curve:
    dash, thickness = ("line_dash", "line_width") if backend == "bokeh" else ("linestyle", "linewidth")
    line = hv.Curve((x.values, y.values), "horizontal", "vertical", label=label)
    look = {dash: DASHES[backend][style % len(DASHES[backend])], thickness: width}
    return line.opts(color=color, show_grid=True, **look, **(PANEL_PIXELS if backend == "bokeh" else {}))


def _framed(
    drawn: Sequence[Any],
    values: xr.DataArray,
    axis: str,
    backend: str,
    title: str,
    xlabel: str = "",
    marks: Sequence[Any] = (),
    **scales: bool,
) -> hv.Overlay:
    """Lines or points, and marks between them, with title, labels and scales."""
    names = {"xlabel": xlabel or values[axis].attrs["long_name"], "ylabel": values.attrs["long_name"], "title": title}
    shown = [*(element.opts(**scales) for element in drawn), *marks]
    return hv.Overlay(shown).opts(**names, **(scales if backend == "matplotlib" else {}))


def _level(height: float, color: str = OKABE_ITO[7]) -> hv.HLine:
    return hv.HLine(height).opts(color=color)


def _across(place: float, color: str = OKABE_ITO[1]) -> hv.VLine:
    return hv.VLine(place).opts(color=color)


def _size(backend: str, size: float) -> dict[str, float]:
    return {"size": size} if backend == "bokeh" else {"s": size**2 / 2}


def _ramp(count: int) -> list[str]:
    ramp = colorcet.bmy
    return [ramp[int(i * HALF_OF_RAMP * (len(ramp) - 1) / max(count - 1, 1))] for i in range(count)]


def _name(by: str, value: float) -> str:
    return f"{SYMBOLS.get(by, by)} = {value:.4g}"


def _arranged(panels: Panels, backend: str) -> hv.Layout:
    """The panels in two columns; a legend that the next panel repeats is left out."""
    following = [*map(_labels, panels[1:]), []]
    shown = [
        panel.opts(show_legend=len(_labels(panel)) > 1 and _labels(panel) != later, legend_position=LEGEND[backend])
        for panel, later in zip(panels, following, strict=True)
    ]
    return hv.Layout(shown).cols(2).opts(shared_axes=False)


def _labels(panel: hv.Overlay) -> list[str]:
    return [element.label for element in panel if element.label]


def _save_page(panels: Panels, dataset: xr.Dataset, path: Path) -> None:
    """A page that needs nothing from outside, with the caption below."""
    title = dataset.attrs.get("title", path.stem)
    page = file_html(hv.render(_arranged(panels, "bokeh"), backend="bokeh"), INLINE, title)
    # All that the page needs is in it; what it names besides is not there.
    page = re.sub(r"<script[^>]*\ssrc=[^>]*></script>", "", page)
    parameters = f"Parameters (ours, in config/paper.yaml): {dataset.attrs['parameters']}."
    caption = typeset(f"{dataset.attrs['caption']} {parameters}")
    words = f"<p style='font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 1rem'>{caption}</p>"
    path.write_text(page.replace("</body>", f"{words}</body>"))


def _save_picture(panels: Panels, _: xr.Dataset, path: Path) -> None:
    layout = _arranged(panels, "matplotlib").opts(sublabel_format="")
    picture = hv.renderer("matplotlib").get_plot(layout).state
    rows = -(-len(panels) // 2)
    square = [isinstance(next(iter(panel)), hv.VectorField) for panel in panels]
    # Axes of one scale fill their panel only where it is about as high as wide.
    picture.set_size_inches(2 * PANEL_INCHES[0], rows * PANEL_INCHES[0 if any(square) else 1])
    for number, axes in enumerate(picture.axes):
        row, column = divmod(number, 2)
        axes.set_aspect("equal" if square[number] else "auto")
        axes.set_position(((column + 0.12) / 2, (rows - row - 0.85) / rows, 0.8 / 2, 0.7 / rows))
    picture.savefig(path, dpi=110, bbox_inches="tight")
