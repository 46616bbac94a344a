"""The guidance interval that serves best, by search, beside the decision window: a class of two modes and another class.

The class has modes at -1 and 1, the other one is at 1 + distance. Guidance that is too strong at high noise drives samples
to the mode away from the other class (Kynkäänniemi et al. 2024, arXiv:2404.07724).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.densities.mixtures import mixture
from scoreshock.figures.description import Line, Panel, Points
from scoreshock.figures.style import DASH_DOT, DASHED, DOTTED, OKABE_ITO, SOLID
from scoreshock.quantities.decisions import decision_windows
from scoreshock.quantities.guidance import guided_generation

DISTANCES = (1.0, 1.5, 2.0, 3.0, 4.0)
VARIANCE, CLASSES, TARGET = 0.04, ("class", "class", "other"), "class"
WEIGHTS, OUTSIDE = (2.0, 4.0), (0.0, 1.0)
"""Guidance weights w, and weights outside the interval: the score of all classes, and that of the class."""

EDGES = 0.1 * 2 ** (np.arange(14) / 2)
"""Ends of the intervals that are searched: 0.1 ... 9.05, by factors of the square root of 2."""

SAMPLES, RTOL, SIGMA = 50, 1e-6, (0.02, 20.0)
WAYS = ("best interval", "decision window", "all noise levels", "no guidance")
COMPARED = 1.5, 2.0
"""Distance and weight of the example in the caption."""

DISTANCE, OTHER = "sliced Wasserstein distance from the class", "distance D of the other class"
AXES = {
    "distance": (DISTANCES, "distance of the other class from the nearest mode of the class"),
    "guidance_weight": (WEIGHTS, "guidance weight w"),
    "outside_weight": (OUTSIDE, "weight outside the interval: 0 the score of all classes, 1 that of the class"),
    "way": (WAYS, "where there is guidance"),
}

Ends = float | xr.DataArray


def compute() -> xr.Dataset:
    """Distance from the class for each interval, the best one, and beside it the decision window."""
    toy = toys()
    low, high = (xr.DataArray(EDGES[at], dims="interval") for at in np.triu_indices(len(EDGES), 1))
    sigma = decision_windows(toy, classes=list(CLASSES)).sigma_decision
    decided, begins = (sigma.isel(remaining=i, drop=True) for i in (0, -1))
    searched = _distance(toy, low, high)
    best = searched.argmin("interval")
    outside = xr.DataArray([*OUTSIDE], dims="outside_weight")
    found = [
        searched.min("interval"),
        _distance(toy, decided, begins),
        _distance(toy, 0.0, np.inf),
        _distance(toy, 0.0, np.inf, outside),
    ]
    told = {
        "class_distance": (searched, DISTANCE),
        "sigma_low": (low, "noise level at and below which guidance ends"),
        "sigma_high": (high, "noise level up to which there is guidance"),
        "best_low": (low.isel(interval=best), "lower end of the best interval"),
        "best_high": (high.isel(interval=best), "upper end of the best interval"),
        "sigma_decision": (sigma, "noise level at which this share of the class entropy remains"),
        "distance_by_way": (xr.concat(xr.broadcast(*found), "way"), DISTANCE),
    }
    variables = {name: _plain(values).assign_attrs(long_name=text, units="1") for name, (values, text) in told.items()}
    axes = {name: (name, [*values], {"long_name": text, "units": "1"}) for name, (values, text) in AXES.items()}
    return xr.Dataset(variables, {**axes, "remaining": sigma.remaining}, {"samples": SAMPLES})


def toys() -> xr.Dataset:
    """The mixtures, by distance of the other class."""
    distance = xr.DataArray([*DISTANCES], dims="distance")
    means = xr.concat([xr.full_like(distance, -1.0), xr.full_like(distance, 1.0), 1 + distance], "component")
    return mixture(means.expand_dims(feature=1).transpose("distance", "component", "feature"), [1, 1, 2], VARIANCE)


def describe(dataset: xr.Dataset) -> list[Panel]:
    """Best intervals on the decision window, and what guidance in either generates."""
    return [
        *(_intervals(dataset.sel(guidance_weight=w, outside_weight=0.0)) for w in WEIGHTS),
        *(_ways(dataset.sel(guidance_weight=WEIGHTS[0], outside_weight=outside)) for outside in OUTSIDE),
    ]


def caption(dataset: xr.Dataset) -> str:
    """What is found, in words."""
    outside = dataset.sel(outside_weight=0.0)
    low, high = outside.best_low / _end(outside, 0), outside.best_high / _end(outside, -1)
    best, window, everywhere, _ = (outside.distance_by_way.sel(way=way) for way in WAYS)
    at = outside.sel(distance=COMPARED[0], guidance_weight=COMPARED[1])
    one, own = at.distance_by_way, dataset.distance_by_way.sel(outside_weight=1.0)
    gain = (own.sel(way=WAYS[3]) - own.sel(way=WAYS[0])).max()
    return (
        "A class of two modes at -1 and 1, another class at 1 + D, half of the weight each; guidance weight w. Where the "
        f"score of all classes guides outside the interval, the best interval of all with ends from {EDGES[0]:g} to "
        f"{EDGES[-1]:.3g} has its upper end at {_range(high)} of the decision window's, its lower end at {_range(low)} "
        "times the window's: it moves with the window, which does not predict its ends. Guided in the window, samples "
        f"are {_range(window / best)} times as far from the class as in the best interval, guided everywhere "
        f"{_range(everywhere / best)} times. Counter-example: at D = {COMPARED[0]:g}, w = {COMPARED[1]:g} the window is "
        f"({float(_end(at, 0)):.2f}, {float(_end(at, -1)):.2f}], the best interval ({float(at.best_low):.2f}, "
        f"{float(at.best_high):.2f}], and the distances from the class are {float(one.sel(way=WAYS[1])):.2f} and "
        f"{float(one.sel(way=WAYS[0])):.2f}. With the class's exact score outside, the best interval gains "
        f"{max(0.0, float(gain)):.3f} over no guidance, which has no error to mend. {SAMPLES} samples of the probability "
        "flow, from quantiles."
    )


def _range(values: xr.DataArray) -> str:
    """Least and greatest value in words."""
    return f"{float(values.min()):.2g} to {float(values.max()):.2g}"


def _distance(toy: xr.Dataset, low: Ends, high: Ends, weight: xr.DataArray | None = None) -> xr.DataArray:
    """Distance of what is generated from the class, for each weight outside."""
    chosen = xr.DataArray([*WEIGHTS], dims="guidance_weight") if weight is None else weight
    outside = xr.DataArray([*OUTSIDE], dims="outside_weight")
    ends: dict[str, Any] = {"sigma_min": SIGMA[0], "sigma_max": SIGMA[1]}
    found = guided_generation(
        toy, TARGET, chosen, low, high, outside, samples=SAMPLES, classes=list(CLASSES), rtol=RTOL, **ends
    )
    return found.class_distance.where(found.generation_status == Status.ok)


def _plain(values: xr.DataArray) -> xr.DataArray:
    """Without coordinates, which the dataset has."""
    return values.drop_vars([*values.coords])


def _end(dataset: xr.Dataset, number: int) -> xr.DataArray:
    """An end of the decision window."""
    return dataset.sigma_decision.isel(remaining=number, drop=True)


def _intervals(dataset: xr.Dataset) -> Panel:
    """The best intervals of one weight, on the decision window."""
    x, low, high = dataset.distance.values, dataset.best_low.values, dataset.best_high.values
    gap, orange, blue = np.full_like(x, np.nan), OKABE_ITO[1], OKABE_ITO[4]
    names = ("", "half decided", "decision window")
    dashes = (SOLID, DOTTED, SOLID)
    window = (
        Line(x, _end(dataset, i).values, name, orange, dash, 1.2)
        for i, (name, dash) in enumerate(zip(names, dashes, strict=True))
    )
    bars = np.column_stack([x, x, gap]).ravel(), np.column_stack([low, high, gap]).ravel()
    ends = Points(np.concatenate([x, x]), np.concatenate([low, high]), "", blue, 5.0)
    title = f"w = {float(dataset.guidance_weight):g}, score of all classes outside"
    return Panel(title, OTHER, "noise level σ", (*window, Line(*bars, "best interval", blue, width=1.6), ends), logy=True)


def _ways(dataset: xr.Dataset) -> Panel:
    """Distance of what is generated from the class."""
    looks = zip(
        WAYS, (OKABE_ITO[4], OKABE_ITO[1], OKABE_ITO[5], OKABE_ITO[0]), (SOLID, DASHED, DASH_DOT, DOTTED), strict=True
    )
    lines = (
        Line(dataset.distance.values, dataset.distance_by_way.sel(way=way).values, way, colour, dash, 1.2)
        for way, colour, dash in looks
    )
    score = "score of the class" if float(dataset.outside_weight) else "score of all classes"
    return Panel(f"w = {float(dataset.guidance_weight):g}, {score} outside", OTHER, "distance from the class", tuple(lines))
