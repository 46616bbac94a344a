"""Figures of the score on a line: as a map over position and diffusion time, as a Burgers velocity, and beside tanh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock.figures import captions
from scoreshock.figures.curves import CLOCKS, clock
from scoreshock.figures.description import (
    FOLLOWING,
    Area,
    Choice,
    Image,
    Labels,
    Level,
    Line,
    Mark,
    Panel,
    Points,
    figure,
)
from scoreshock.figures.selection import selected, shown, spans_decades, spread, swept
from scoreshock.figures.slices import Slice, slices
from scoreshock.figures.style import DASHED, DOTTED, OKABE_ITO, WIDTH, label, ramp, symbol

THIN = 1.0
"""Width in pixels of lines that many others accompany."""

TIMES = 5
"""Largest number of diffusion times of which the score is drawn."""

MAP_TIMES = 12
"""Smallest number of diffusion times of a map."""

DOTS = 24
"""Number of dots of each profile, so that those of several times are seen beside each other."""

WIDTHS = 4.0
"""Half of the shown part of a layer's profile, in widths."""


class OnLine(NamedTuple):
    """The score of one density along a line, and its layer, in increasing order of time; NaN where a status is not ok."""

    title: str
    name: str
    notes: tuple[str, ...]
    times: xr.DataArray  # coordinate of the diffusion times, (t,)
    tau: np.ndarray  # diffusion times themselves, (t,)
    position: np.ndarray  # (t, x)
    score: np.ndarray  # (t, x)
    boundary: np.ndarray  # (t,)
    width: np.ndarray
    half_jump: np.ndarray  # of the score
    background: np.ndarray  # mean of the scores on both sides of the boundary
    background_slope: np.ndarray
    speed: np.ndarray  # of the boundary as tau grows; by the Rankine-Hugoniot condition where the layer has that

    @property
    def chosen(self) -> list[int]:
        """Indices of the times of which the score is drawn."""
        known = np.flatnonzero(np.isfinite(self.half_jump) & np.isfinite(self.score).any(axis=1))
        return [int(known[i]) for i in spread(len(known), TIMES)]

    def time(self, number: int) -> str:
        """Name of a time in a legend."""
        return f"{symbol(str(self.times.name))} = {self.times.values[number]:.2g}"


def _lines(dataset: xr.Dataset, layer: xr.Dataset | None, choice: Choice, most: int) -> list[tuple[Slice, OnLine]]:
    """Points of a sweep with a layer on a line; none without one."""
    axis = next((name for name in CLOCKS if layer is not None and name in dataset.dims and name in layer.dims), None)
    if layer is None or axis is None or dataset.sizes["feature"] != 1:
        return []
    dataset, layer = selected(dataset, choice.select), selected(layer, choice.select)
    along = shown(dataset, "score_along", "score_status")
    cuts = slices(along, choice, choice.select, along=swept(along)[:1], most=most, middle=True)
    found = [(each, _on_line(each, dataset, layer, axis)) for each in cuts]
    return [(each, line) for each, line in found if line.chosen]


def _on_line(here: Slice, dataset: xr.Dataset, layer: xr.Dataset, axis: str) -> OnLine:
    point, there = xr.align(
        here.of(dataset).sortby(axis), here.of(layer).sortby(axis), join="inner", exclude=["x", "x_scaled"]
    )
    grid = next(name for name in ("x", "x_scaled") if name in point.dims)
    score = shown(point, "score", "score_status").isel(feature=0)  # along the feature, whatever the line's direction
    position = point.position.isel(feature=0).broadcast_like(score)
    there = there.where(there.layer_status == 0)
    if "score_behind" in there:
        sign = there.normal.isel(feature=0)
        background, speed = sign * (there.score_behind + there.score_ahead) / 2, sign * there.speed_rankine_hugoniot
    else:  # of wells
        background, speed = there.score_boundary, there.boundary_velocity
    over = (there.boundary.isel(feature=0), there.width, there.jump / 2, background, there.background_curvature, speed)
    notes = tuple(note for note in (*here.notes, captions.missing(score, logy=False)) if note)
    tau = (point.tau if "tau" in point else point[axis]).values
    arrays = [each.transpose(axis, grid).values for each in (position, score)]
    layer_of = (each.transpose(axis).values for each in over)
    return OnLine(here.title, here.name, notes, point[axis], tau, *arrays, *layer_of)


@figure(of="scores", beside=("layer", "modes", "trajectories"))
def score_map(
    dataset: xr.Dataset,
    choice: Choice = FOLLOWING,
    layer: xr.Dataset | None = None,
    modes: xr.Dataset | None = None,
    trajectories: xr.Dataset | None = None,
) -> list[Panel]:
    """Score over diffusion time and position, with its layer, the modes of the density, and the probability flow.

    On a line, where the sweep has ``layer`` at a dozen diffusion times or more, at the same positions.
    """
    lines = _lines(dataset, layer, choice, most=2)
    others = [None if each is None else selected(each, choice.select) for each in (modes, trajectories)]
    return [
        _map(line, *(None if each is None else here.of(each) for each in others))
        for here, line in lines
        if line.times.size >= MAP_TIMES and (line.position == line.position[0]).all()
    ]


def _map(line: OnLine, modes: xr.Dataset | None, trajectories: xr.Dataset | None) -> Panel:
    """The panel of one density."""
    times, position = line.times.values, line.position[0]
    ends = float(position.min()), float(position.max())
    scaled = (line.score / line.half_jump[:, None]).T
    low, high = line.boundary - line.width, line.boundary + line.width
    edge = np.concatenate([_inside(low, ends), [np.nan], _inside(high, ends)])
    marks: list[Mark] = [
        Image(times, position, scaled, "score s in units of half its jump, a/v", centre=0.0),
        Area(times, np.clip(low, *ends), np.clip(high, *ends), "", OKABE_ITO[0]),
        Line(np.concatenate([times, [np.nan], times]), edge, "layer, x_b ± v/a", OKABE_ITO[0], DOTTED, THIN),
    ]
    notes = [*line.notes, "Shaded: the layer."]
    if trajectories is not None:
        path = shown(trajectories, "trajectory", "trajectory_status").isel(feature=0)
        marks.append(_flow(path, clock(trajectories), ends))
        notes.append(captions.missing(path, logy=False))
    marks.append(Line(times, _inside(line.boundary, ends), "boundary x_b", OKABE_ITO[0], DASHED, WIDTH))
    if modes is not None:
        marks.append(_modes(modes, ends))
    if line.times.name == "tau_scaled":
        top = np.array([0.93 * ends[1] + 0.07 * ends[0]])
        marks += [Level(1.0, vertical=True, dash=DASHED, width=THIN), Labels(np.array([0.85]), top, ("τ*",))]
        notes.append("τ* is the leading speciation time.")
    look: dict[str, Any] = {"logx": _has_decades(times), "falling": True}
    xlabel = f"diffusion time {symbol(str(line.times.name))}, from noise to data"
    return Panel(line.title, xlabel, "position x", tuple(marks), notes=tuple(filter(None, notes)), **look)


def _has_decades(times: np.ndarray) -> bool:
    """Whether times are positive and reach over a decade."""
    return bool(times.min() > 0 and times.max() >= 10 * times.min())


def _flow(path: xr.DataArray, axis: str, ends: tuple[float, float]) -> Line:
    """Trajectories of the probability flow as one line."""
    start = next(name for name in ("start", "start_scaled") if name in path.dims)
    rows = _inside(path.transpose(start, axis).values, ends)
    gap = np.full((len(rows), 1), np.nan)
    x = np.concatenate([np.broadcast_to(path[axis].values, rows.shape), gap], axis=1)
    return Line(x.ravel(), np.concatenate([rows, gap], axis=1).ravel(), "probability flow", OKABE_ITO[0], width=0.7)


def _modes(modes: xr.Dataset, ends: tuple[float, float]) -> Points:
    axis = clock(modes)
    found = shown(modes, "mode_position", "mode_position_status").isel(feature=0).transpose(axis, "mode")
    x = np.repeat(modes[axis].values, found.sizes["mode"])
    return Points(x, _inside(found.values.ravel(), ends), "modes of the density", OKABE_ITO[3], 3.5)


def _inside(values: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """Values between two ends, NaN elsewhere."""
    return np.where((values >= ends[0]) & (values <= ends[1]), values, np.nan)


@figure(of="scores", beside=("layer",))
def burgers_velocity(dataset: xr.Dataset, choice: Choice = FOLLOWING, layer: xr.Dataset | None = None) -> list[Panel]:
    """Burgers velocity u = −2s at several diffusion times, and position, speed and height of its shock.

    On a line, where the sweep has ``layer``.
    """
    lines = [line for _, line in _lines(dataset, layer, choice, most=2)]
    return [*map(_velocity, lines), *_shock(lines)] if lines else []


def _velocity(line: OnLine) -> Panel:
    """Velocity of one density in units of half its jump, and the jump of an inviscid shock on the boundary."""
    marks: list[Mark] = []
    for number, color in zip(line.chosen, ramp(len(line.chosen)), strict=True):
        x, unit = line.position[number], line.half_jump[number]
        centre, middle = line.boundary[number], -line.background[number] / unit
        marks.append(Line(x, -line.score[number] / unit, line.time(number), color, width=THIN))
        if x.min() <= centre <= x.max():
            marks.append(Line(np.full(2, centre), middle + np.array([1.0, -1.0]), "", color, DASHED, THIN))
            marks.append(Points(np.array([centre]), np.array([middle]), "", color, 4.0))
    notes = (*line.notes, "Dashed: the inviscid shock, from u_L to u_R at the boundary.")
    return Panel(line.title, "position x", "velocity u in units of half its jump, 2a/v", tuple(marks), notes=notes)


def _shock(lines: Sequence[OnLine]) -> list[Panel]:
    """Position of the shock, with tangents at its speed by Rankine and Hugoniot, and its height."""
    position: list[Mark] = []
    height: list[Mark] = []
    for number, line in enumerate(lines):
        color = OKABE_ITO[(4, 5, 3, 6)[number % 4]]
        position.append(Line(line.times.values, line.boundary, line.name, color, width=THIN))
        for each in line.chosen:
            position.append(_tangent(line, each, color))
        height.append(Line(line.times.values, 4 * line.half_jump, line.name, color, width=THIN))
    x, logx = label(lines[0].times), _has_decades(lines[0].times.values)
    heights = np.concatenate([line.half_jump for line in lines])
    notes = ("Thick: tangents at the speed of Rankine and Hugoniot, −(s_L + s_R).",)
    return [
        Panel("", x, "position x_b of the shock", tuple(position), logx=logx, notes=notes),
        Panel("", x, "height of the shock, u_L − u_R = 4a/v", tuple(height), logx=logx, logy=spans_decades(heights)),
    ]


def _tangent(line: OnLine, number: int, color: str) -> Line:
    """Part of the tangent of the boundary over tau at one time, which a logarithmic axis bends."""
    tau = line.tau[number] * np.geomspace(0.7, 1 / 0.7, 9)
    y = line.boundary[number] + line.speed[number] * (tau - line.tau[number])
    return Line(line.times.values[number] * np.geomspace(0.7, 1 / 0.7, 9), y, "", color, width=3.0)


@figure(of="scores", beside=("layer",))
def layer_profile(dataset: xr.Dataset, choice: Choice = FOLLOWING, layer: xr.Dataset | None = None) -> list[Panel]:
    """Score across the layer less its linear background, in units of the layer: tanh ξ for two components at every time.

    For other densities it is tanh near the boundary. On a line, where the sweep has ``layer``.
    """
    return [_profile(line) for _, line in _lines(dataset, layer, choice, most=4)]


def _profile(line: OnLine) -> Panel:
    """The panel of one density."""
    xi = np.linspace(-WIDTHS, WIDTHS, 161)
    marks: list[Mark] = [Line(xi, np.tanh(xi), "tanh ξ", OKABE_ITO[0], width=THIN)]
    for number, color in zip(line.chosen, ramp(len(line.chosen)), strict=True):
        away = line.position[number] - line.boundary[number]
        part = line.score[number] - line.background[number] - line.background_slope[number] * away
        near = np.flatnonzero(np.abs(away) <= WIDTHS * line.width[number])
        near = near[:: max(1, len(near) // DOTS)]
        x, y = away[near] / line.width[number], part[near] / line.half_jump[number]
        marks.append(Points(x, y, line.time(number), color, 4.0))
    xlabel = "ξ = (x − x_b) a/v, distance from the boundary in widths"
    return Panel(line.title, xlabel, "(s − background) v/a", tuple(marks), notes=line.notes)
