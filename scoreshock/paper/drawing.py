"""The paper's figures 1-7, drawn from their datasets as offline pages and as pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.figures import save
from scoreshock.figures.description import Level, Line, Panel, Points
from scoreshock.figures.style import DASHES, OKABE_ITO, ramp
from scoreshock.paper.typesetting import typeset

Panels = list[Panel]
Mark = Line | Points | Level

TIME = "diffusion time τ"

HALF_OF_RAMP = 0.72
"""The part of the colour ramp that is visible on white."""

HEAD_LENGTH, HEAD_ANGLE = 0.3, 0.5
"""Arrow head: length of its sides as a fraction of the arrow, and their angle to it in radians."""


def draw(datasets: Mapping[str, xr.Dataset], folder: Path, suffix: str, digest: str = "") -> list[Path]:
    """Draw each figure of ``datasets`` (by name) as ``<name>.<suffix>`` in ``folder``; arguments as in `figures.draw`.

    Returns
    -------
    list of Path
        The files written.
    """
    written = []
    for name, dataset in datasets.items():
        title = dataset.attrs.get("title", name)
        path = folder / f"{name}.{suffix}"
        caption = _caption(dataset) if suffix == "html" else ""
        written.append(save(FIGURES[name](dataset.load()), path, title, caption, digest))
    return written


def _caption(dataset: xr.Dataset) -> str:
    parameters = f"Parameters (config/paper.yaml): {dataset.attrs['parameters']}."
    return typeset(f"{dataset.attrs['caption']} {parameters}")


def figure_1(dataset: xr.Dataset) -> Panels:
    """Score, Burgers velocity, the shock without background, and its universal profile."""
    titles = {"score": "score", "burgers_velocity": "Burgers velocity", "shock": "the shock"}
    shape = _line(dataset.r, dataset.tanh, "tanh r", OKABE_ITO[7], 2, 4.0)
    return [
        *(_family(dataset[name], "x", "tau", title, xlabel="position x") for name, title in titles.items()),
        _family(dataset.scaled, "r", "tau", "the same in units of height and width", marks=[shape]),
    ]


def figure_2(dataset: xr.Dataset) -> Panels:
    """Midpoint derivative with its zero, and width."""
    zero = float(dataset.tau_star)
    marks = [_across(zero)]
    title = f"zero at τ* = {zero:.6g}"
    return [
        _curve(dataset.midpoint_derivative, title, xlabel=TIME, marks=[_level(0.0), *marks]),
        _curve(dataset.width, "width", xlabel=TIME, marks=marks),
    ]


def figure_3(dataset: xr.Dataset) -> Panels:
    """Residuals of both equations, by both methods."""
    titles = {"analytic": "closed forms", "differences": "finite differences"}
    equations = {"score": "score PDE (18)", "burgers": "Burgers (24)"}
    return [
        _family(
            dataset[f"{form}_{method}"],
            "x",
            "tau",
            f"{equation}, {title}",
            logy=True,
            xlabel="position x",
            width=1.2,
        )
        for form, equation in equations.items()
        for method, title in titles.items()
    ]


def figure_4(dataset: xr.Dataset) -> Panels:
    """Exponent, factor, trajectories, and the error of the central trajectory with its bound."""
    stop = dataset.tau_min.attrs["long_name"]
    both = {"closed form": dataset.exponent, "quadrature": dataset.exponent_quadrature}
    after = dataset.isel(tau=slice(1, None))
    error = {"actual error": after.error, "Grönwall bound": after.bound}
    marks = [_across(float(dataset.tau_star))]
    running: dict[str, Any] = {"xlabel": TIME, "marks": marks, "named": False}
    return [
        _named(both, "tau_min", "exponent (55)", xlabel=stop),
        _curve(dataset.factor, "factor", logy=True, xlabel=stop),
        _family(dataset.trajectory, "tau", "start", "generation runs from right to left", **running),
        _named(error, "tau", "error at the centre", logy=True, xlabel=TIME, marks=marks),
    ]


def figure_5(dataset: xr.Dataset) -> Panels:
    """The score as arrows, and the largest curl over tau."""
    x1, x2 = dataset.x1, dataset.x2
    first, second = dataset.component_mean.values.T
    means = Points(first, second, color=OKABE_ITO[5], size=10)
    field = Panel(
        f"score at τ = {float(dataset.tau_shown):.4g}",
        x1.attrs["long_name"],
        x2.attrs["long_name"],
        (_arrows(x1.values, x2.values, dataset.score_first.values, dataset.score_second.values), means),
        square=True,
    )
    largest = dataset.curl.max("point").assign_attrs(dataset.curl.attrs)
    dots = Points(largest.tau.values, largest.values, size=8)
    look: dict[str, Any] = {"logx": True, "logy": True, "xlabel": TIME, "marks": [dots]}
    return [field, _curve(largest, "largest curl over the points", **look)]


def figure_6(dataset: xr.Dataset) -> Panels:
    """Scores of the process and of the heat flow, their difference, and the effective time."""
    zero, tau_star = float(dataset.t_star), float(dataset.tau_star)
    some = dataset.score_mapped.isel(x=slice(None, None, 8))
    points = [
        Points(some.x.values, line.values, color=colour)
        for line, colour in zip(some, ramp(some.sizes["t"], HALF_OF_RAMP), strict=True)
    ]
    lines: dict[str, Any] = {"xlabel": "position x", "marks": points}
    marks = [_across(zero), _level(tau_star, OKABE_ITO[1])]
    return [
        _family(dataset.score_direct, "x", "t", "process: directly (lines), mapped (points)", **lines),
        _family(dataset.score_heat, "y", "t", "heat flow"),
        _dotted(dataset.discrepancy, "x", "t", "difference of lines and points", xlabel="position x"),
        _curve(dataset.tau_effective, f"τ_eff(t* = {zero:.5g}) = {tau_star:.5g} = τ*", marks=marks),
    ]


def figure_7(dataset: xr.Dataset) -> Panels:
    """Errors by scale and by order, C of pairs, and the sign of C in random mixtures."""
    across, c = dataset.covariance, dataset.scaled_coefficient
    by_method = {str(method): dataset.error.sel({"method": method}) for method in dataset["method"].values}
    return [
        _named(by_method, "separation", "triangle: error independent of scale", logy=True, xlabel="scale of the means"),
        _curve(dataset.error_order, "triangle: error by order", logy=True, xlabel="order of the series"),
        _curve(dataset.covariance_coefficient, "pairs", xlabel="weight of the heavier component"),
        Panel(
            "random mixtures",
            across.attrs["long_name"],
            c.attrs["long_name"],
            (Points(across.values, c.values, size=4), Level(0.0), Level(0.0, vertical=True)),
        ),
    ]


FIGURES: dict[str, Callable[[xr.Dataset], Panels]] = {
    "figure-1": figure_1,
    "figure-2": figure_2,
    "figure-3": figure_3,
    "figure-4": figure_4,
    "figure-5": figure_5,
    "figure-6": figure_6,
    "figure-7": figure_7,
}

SYMBOLS = {"tau": "τ", "t": "t"}


def _family(
    values: xr.DataArray, axis: str, by: str, title: str, width: float = 2.0, named: bool = True, **look: Any
) -> Panel:
    """One line for each value of ``by``, in a colour ramp."""
    lines = [
        _line(values[axis], values.sel({by: value}), _name(by, value) if named else "", colour, number, width)
        for number, (value, colour) in enumerate(zip(values[by].values, ramp(values.sizes[by], HALF_OF_RAMP), strict=True))
    ]
    return _framed(lines, values, axis, title, **look)


def _dotted(values: xr.DataArray, axis: str, by: str, title: str, **look: Any) -> Panel:
    """Points for each value of ``by`` on a logarithmic scale, for rounding errors, which are irregular and often zero."""
    colours = ramp(values.sizes[by], HALF_OF_RAMP)
    points = [
        Points(values[axis].values, values.sel({by: value}).values, _name(by, value), colour, size=4)
        for value, colour in zip(values[by].values, colours, strict=True)
    ]
    return _framed(points, values, axis, title, logy=True, **look)


def _named(lines: Mapping[str, xr.DataArray], axis: str, title: str, **look: Any) -> Panel:
    """Named lines in distinct colours; later lines are thinner, so that coincident lines stay visible."""
    drawn = [
        _line(values[axis], values, name, OKABE_ITO[number], number, 4.0 - number)
        for number, (name, values) in enumerate(lines.items())
    ]
    return _framed(drawn, next(iter(lines.values())), axis, title, **look)


def _curve(values: xr.DataArray, title: str, **look: Any) -> Panel:
    """One line over the only dimension of the values."""
    (axis,) = values.dims
    return _framed([_line(values[axis], values)], values, str(axis), title, **look)


def _line(
    x: xr.DataArray, y: xr.DataArray, name: str = "", color: str = OKABE_ITO[4], style: int = 0, width: float = 2.0
) -> Line:
    return Line(x.values, y.values, name, color, DASHES[style % len(DASHES)], width)


def _framed(
    drawn: Sequence[Mark],
    values: xr.DataArray,
    axis: str,
    title: str,
    xlabel: str = "",
    marks: Sequence[Mark] = (),
    logx: bool = False,
    logy: bool = False,
) -> Panel:
    """Panel of lines or points and marks, with title and labels; on a logarithmic scale, values <= 0 become NaN."""
    shown = [mark if isinstance(mark, Level) or not logy else _positive(mark) for mark in (*drawn, *marks)]
    names = xlabel or values[axis].attrs["long_name"], values.attrs["long_name"]
    return Panel(title, *names, tuple(shown), logx=logx, logy=logy)


def _positive(mark: Line | Points) -> Line | Points:
    return replace(mark, y=np.where(mark.y > 0, mark.y, np.nan))


def _arrows(x: np.ndarray, y: np.ndarray, right: np.ndarray, up: np.ndarray) -> Line:
    """Arrows centred on a grid, as one interrupted line; ``right`` and ``up`` have the shape (x, y).

    Lengths are the square roots of the sizes, which differ by orders of magnitude.
    """
    size, angle = np.sqrt(np.hypot(right, up)), np.arctan2(up, right)
    arrow = size / size.max() * np.diff(x).min() * np.exp(1j * angle)
    tail = x[:, None] + 1j * y - arrow / 2
    tip, side = tail + arrow, HEAD_LENGTH * arrow * np.exp(1j * HEAD_ANGLE)
    other = HEAD_LENGTH * arrow * np.exp(-1j * HEAD_ANGLE)
    path = np.stack([tail, tip, tip - side, tip, tip - other, np.full_like(tip, np.nan * (1 + 1j))], axis=-1).ravel()
    return Line(path.real, path.imag, width=1.0)


def _level(height: float, color: str = OKABE_ITO[7]) -> Level:
    return Level(height, color=color)


def _across(value: float, color: str = OKABE_ITO[1]) -> Level:
    return Level(value, vertical=True, color=color)


def _name(by: str, value: float) -> str:
    return f"{SYMBOLS.get(by, by)} = {value:.4g}"
