"""The paper's figures 1-7, drawn from their datasets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.figures import as_csv, save
from scoreshock.figures.description import Arrows, Level, Line, Panel, Points
from scoreshock.figures.style import DASHES, OKABE_ITO, WIDTH, ramp
from scoreshock.storage.staging import write_file

Panels = list[Panel]
Mark = Line | Points | Level

TIME = "diffusion time τ"


def draw(datasets: Mapping[str, xr.Dataset], folder: Path) -> list[Path]:
    """Draw each figure of ``datasets`` (by name) in ``folder``, and write its data.

    Returns
    -------
    list of Path
        The files written: ``<name>.png`` and ``<name>.csv`` of each.
    """
    written = []
    for name, dataset in datasets.items():
        panels, data = FIGURES[name](dataset.load()), folder / f"{name}.csv"
        write_file(as_csv(panels), data)
        written += [save(panels, folder / f"{name}.png"), data]
    return written


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
    title, across = f"zero at τ* = {zero:.6g}", _across(zero)
    return [
        _curve(dataset.midpoint_derivative, title, xlabel=TIME, marks=[Level(0.0), across]),
        _curve(dataset.width, "width", xlabel=TIME, marks=[across]),
    ]


def figure_3(dataset: xr.Dataset) -> Panels:
    """Residuals of both equations, by both methods."""
    methods = {"analytic": "closed forms", "differences": "finite differences"}
    equations = {"score": "score PDE (18)", "burgers": "Burgers (24)"}
    look: dict[str, Any] = {"logy": True, "xlabel": "position x", "width": 1.2}
    return [
        _family(dataset[f"{form}_{method}"], "x", "tau", f"{equation}, {words}", **look)
        for form, equation in equations.items()
        for method, words in methods.items()
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
    score = dataset.score_first.values + 1j * dataset.score_second.values  # (x1, x2)
    score = score / np.sqrt(abs(score)).clip(min=np.finfo(float).tiny)  # sizes differ by orders of magnitude
    arrows = Arrows(x1.values[:, None], x2.values, score.real, score.imag)
    first, second = dataset.component_mean.values.T
    means = Points(first, second, color=OKABE_ITO[5], size=10)
    title, names = f"score at τ = {float(dataset.tau_shown):.4g}", (x1.attrs["long_name"], x2.attrs["long_name"])
    largest = dataset.curl.max("point").assign_attrs(dataset.curl.attrs)
    dots = Points(largest.tau.values, largest.values, size=8)
    return [
        Panel(title, *names, (arrows, means), square=True),
        _curve(largest, "largest curl over the points", logx=True, logy=True, xlabel=TIME, marks=[dots]),
    ]


def figure_6(dataset: xr.Dataset) -> Panels:
    """Scores of the process and of the heat flow, their difference, and the effective time."""
    zero, tau_star = float(dataset.t_star), float(dataset.tau_star)
    some = dataset.score_mapped.isel(x=slice(None, None, 8))
    colours = ramp(some.sizes["t"])
    points = [Points(some.x.values, line.values, color=colour) for line, colour in zip(some, colours, strict=True)]
    title = "process: directly (lines), mapped (points)"
    marks = [_across(zero), Level(tau_star, color=OKABE_ITO[1])]
    return [
        _family(dataset.score_direct, "x", "t", title, xlabel="position x", marks=points),
        _family(dataset.score_heat, "y", "t", "heat flow"),
        _dotted(dataset.discrepancy, "x", "t", "difference of lines and points", xlabel="position x"),
        _curve(dataset.tau_effective, f"τ_eff(t* = {zero:.5g}) = {tau_star:.5g} = τ*", marks=marks),
    ]


def figure_7(dataset: xr.Dataset) -> Panels:
    """Errors by scale and by order, C of pairs, and the sign of C in random mixtures."""
    across, c = dataset.covariance, dataset.scaled_coefficient
    by_method = {str(method): dataset.error.sel({"method": method}) for method in dataset["method"].values}
    draws, names = Points(across.values, c.values, size=4), (across.attrs["long_name"], c.attrs["long_name"])
    return [
        _named(by_method, "separation", "triangle: error independent of scale", logy=True, xlabel="scale of the means"),
        _curve(dataset.error_order, "triangle: error by order", logy=True, xlabel="order of the series"),
        _curve(dataset.covariance_coefficient, "pairs", xlabel="weight of the heavier component"),
        Panel("random mixtures", *names, (draws, Level(0.0), Level(0.0, vertical=True))),
    ]


_DRAWN = (figure_1, figure_2, figure_3, figure_4, figure_5, figure_6, figure_7)
FIGURES: dict[str, Callable[[xr.Dataset], Panels]] = {each.__name__.replace("_", "-"): each for each in _DRAWN}


def _coloured(values: xr.DataArray, by: str) -> list[tuple[xr.DataArray, str, str]]:
    """Values for each value of ``by``, with the name of the line and a colour of the ramp."""
    colours = ramp(values.sizes[by])
    name = "τ" if by == "tau" else by
    members = zip(values[by].values, colours, strict=True)
    return [(values.sel({by: value}), f"{name} = {value:.4g}", colour) for value, colour in members]


def _family(
    values: xr.DataArray, axis: str, by: str, title: str, width: float = WIDTH, named: bool = True, **look: Any
) -> Panel:
    """One line for each value of ``by``, in a colour ramp."""
    lines = [
        _line(values[axis], each, name if named else "", colour, number, width)
        for number, (each, name, colour) in enumerate(_coloured(values, by))
    ]
    return _framed(lines, values, axis, title, **look)


def _dotted(values: xr.DataArray, axis: str, by: str, title: str, **look: Any) -> Panel:
    """Points for each value of ``by`` on a logarithmic scale, for rounding errors, which are irregular and often zero."""
    members = _coloured(values, by)
    points = [Points(values[axis].values, each.values, name, colour, size=4) for each, name, colour in members]
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
    x: xr.DataArray, y: xr.DataArray, name: str = "", color: str = OKABE_ITO[4], style: int = 0, width: float = WIDTH
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


def _across(value: float) -> Level:
    return Level(value, vertical=True, color=OKABE_ITO[1])
