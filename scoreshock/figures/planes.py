"""Figures of a mixture in a plane: the cells of its components and where they meet, and its score."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.figures.annotation import LIGHT, on_image
from scoreshock.figures.curves import clock
from scoreshock.figures.description import FOLLOWING, Arrows, Choice, Image, Labels, Line, Mark, Panel, Points, figure
from scoreshock.figures.selection import selected, shown
from scoreshock.figures.slices import Slice, slices
from scoreshock.figures.style import OKABE_ITO, WIDTH

ARROWS = 17
"""Largest number of arrows along a side."""


@figure(of="plane")
def cells(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Power cells of components at several diffusion times, with the probability of the likeliest component."""
    return [_cells(here, point) for here, point in _points(dataset, choice)]


@figure(of="plane")
def score_field(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Score as arrows over the density at several diffusion times; the longest arrow of each panel has one length."""
    return [_score(here, point) for here, point in _points(dataset, choice)]


def _points(dataset: xr.Dataset, choice: Choice) -> list[tuple[Slice, xr.Dataset]]:
    """At most four points at which there is a density, by default at several diffusion times."""
    chosen = selected(dataset, choice.select)
    density = shown(chosen, "log_density", "score_status")
    times = slices(density, choice, chosen.dims, along=[clock(dataset)], middle=True)
    found = [(here, here.of(chosen)) for here in times]
    return [
        (here, each) for here, each in found if bool((each.score_status == 0).all()) and float(np.ptp(_grid(each)[0])) > 0
    ]


def _grid(point: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates x and y of the grid of a point."""
    y, x = (next(str(name) for name in point.log_density.dims if str(name).startswith(f"plane_{letter}")) for letter in "yx")
    place = point.position.transpose(y, x, "feature").values
    return place[0, :, 0], place[:, 0, 1]


def _cells(here: Slice, point: xr.Dataset) -> Panel:
    x, y = _grid(point)
    largest = point.responsibilities.max("component").values
    least = 1 / point.sizes["component"]
    image = Image(x, y, largest, "probability of the likeliest component", bounds=(least, 1.0))
    start, end = (point[name].transpose("pair", "feature").values for name in ("wall_start", "wall_end"))
    walls = np.stack([start, end, np.full_like(start, np.nan)], axis=1).reshape(-1, 2)
    meets = point.triple_point.transpose("triple", "feature").values
    marks: tuple[Mark, ...] = (
        image,
        Line(walls[:, 0], walls[:, 1], "wall between power cells", OKABE_ITO[1], width=WIDTH),
        Points(meets[:, 0], meets[:, 1], "three cells meet", OKABE_ITO[5], 8.0),
        *_centres(point, image),
    )
    return Panel(here.title, "x", "y", marks, square=True, notes=here.notes)


def _score(here: Slice, point: xr.Dataset) -> Panel:
    x, y = _grid(point)
    image = Image(x, y, point.log_density.values, "log density ln p")
    columns, rows = (_every(len(each)) for each in (x, y))
    across, up = np.meshgrid(x[columns], y[rows])
    score = point.score.values[np.ix_(rows, columns)]
    arrows = Arrows(across.ravel(), up.ravel(), score[..., 0].ravel(), score[..., 1].ravel(), LIGHT)
    return Panel(here.title, "x", "y", (image, arrows, *_centres(point, image)), square=True, notes=here.notes)


def _every(count: int) -> np.ndarray:
    """Indices of at most `ARROWS` of ``count`` points, half a step from the first."""
    step = -(-count // ARROWS)
    return np.arange(step // 2, count, step)


def _centres(point: xr.Dataset, image: Image) -> tuple[Labels, ...]:
    """Names of the components at their means."""
    x, y = point.centre.transpose("feature", "component").values
    return on_image(image, x, y, [str(name) for name in point.class_name.values])
