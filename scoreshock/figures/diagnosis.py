"""Figures of one diagnosis: where a learned score is wrong, what of that moves the density, its layers, weights of modes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import Status
from scoreshock.figures import captions
from scoreshock.figures.description import FOLLOWING, Area, Choice, Level, Line, Mark, Panel, Points, figure
from scoreshock.figures.selection import selected, shown, spread
from scoreshock.figures.slices import not_used
from scoreshock.figures.style import DASHED, DOTTED, OKABE_ITO, SOLID, WIDTH, ramp

SIGMA = "noise level σ = √(2τ)"

PAIRS, PROFILES = 4, 3
"""Most pairs of components with panels, and most noise levels of a panel."""

SEEN = 0.01
"""Share of the probability from which on a layer is drawn."""

REGIONS = {"layer": OKABE_ITO[5], "outside": OKABE_ITO[4], "tails": OKABE_ITO[3]}

SAMPLERS = {"flow": OKABE_ITO[4], "reverse SDE": OKABE_ITO[5]}

TRUE = OKABE_ITO[0]


@figure(of="diagnosis")
def diagnosis(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Error of a learned score by region, the part that moves the density, what no score of a density has, mode weights.

    At one point of a sweep. The part that moves the density is between its bounds; weights of modes are as generated and as
    the error across the layers predicts.
    """
    point, notes = _point(dataset, choice)
    return [errors(point, notes), parts(point), shares(point), equation(point), weights(point)]


@figure(of="diagnosis")
def diagnosis_layers(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Learned score along the normal through the boundary of two components, beside the true one (dashed), by noise level.

    At one point of a sweep; boundaries where the scores differ most, and levels at which their layers have probability.
    """
    point, notes = _point(dataset, choice)
    return layers(point, notes)


def _point(dataset: xr.Dataset, choice: Choice) -> tuple[xr.Dataset, tuple[str, ...]]:
    """The middle of the swept axes, and what a caption says of it."""
    chosen = selected(dataset, choice.select)
    taken = {str(name): size // 2 for name, size in chosen.score_error.sizes.items() if name != "sigma"}
    notes = captions.of_slice(chosen.score_error, taken), not_used(choice, chosen.dims)
    return chosen.isel(taken).load(), tuple(note for note in notes if note)


def _over_sigma(title: str, ylabel: str, marks: list[Mark], notes: tuple[str, ...] = (), logy: bool = True) -> Panel:
    return Panel(title, SIGMA, ylabel, tuple(marks), logx=True, logy=logy, falling=True, notes=notes)


def errors(point: xr.Dataset, notes: tuple[str, ...] = ()) -> Panel:
    """Error of the score over the noise level, in all and by region."""
    sigma = point.sigma.values
    by_region = shown(point, "region_error")
    marks: list[Mark] = [
        Line(sigma, _positive(by_region.sel(region=name).values), f"in the {name}" if name != "outside" else name, color)
        for name, color in REGIONS.items()
    ]
    marks.append(Line(sigma, _positive(point.score_error.values), "everywhere", TRUE, SOLID, 1.5 * WIDTH))
    return _over_sigma("Error of the score", "root mean square error", marks, notes)


def parts(point: xr.Dataset) -> Panel:
    """The mean square error, and the bounds between which the part is that moves the density."""
    sigma, whole = point.sigma.values, point.score_error.values**2
    low, high = (_positive(point[name].values) for name in ("gradient_square", "gradient_square_upper"))
    filled = np.where(np.isnan(low), 1e-3 * np.nanmin([whole, high]), low) if np.isfinite(high).any() else low
    marks: list[Mark] = [
        Area(sigma, filled, high, "the part that moves the density", OKABE_ITO[4]),
        Line(sigma, high, "its upper bound", OKABE_ITO[4]),
        Line(sigma, low, "its lower bound", OKABE_ITO[4], DASHED),
        Line(sigma, _positive(whole), "whole error", TRUE),
    ]
    return _over_sigma("What moves the density", "mean square error", marks)


def shares(point: xr.Dataset) -> Panel:
    """Share of each noise level in the divergence that the error makes."""
    sigma, share = point.sigma.values, 100 * point.kl_share.values
    marks: list[Mark] = [Line(sigma, share), Points(sigma, share)]
    return _over_sigma("Which noise levels matter", "share of the KL divergence, %", marks, logy=False)


def equation(point: xr.Dataset) -> Panel:
    """Residual of the score's equation with its error, and the antisymmetric share of the Jacobian."""
    sigma = point.sigma.values
    residual, error = (shown(point, f"equation_residual{each}").sel(equation="burgers") for each in ("", "_error"))
    asymmetry = point.asymmetry.values
    marks: list[Mark] = [
        Line(sigma, _positive(residual.values), "residual of the score's equation", OKABE_ITO[4]),
        Line(sigma, _positive(error.values), "its numerical error", OKABE_ITO[4], DOTTED),
    ]
    if (asymmetry > 10 * point.asymmetry_error.values).any():
        marks.append(Line(sigma, _positive(asymmetry), "antisymmetric share of the Jacobian", OKABE_ITO[5], DASHED))
    return _over_sigma("What no score of a density has", "relative to the terms", marks)


def weights(point: xr.Dataset) -> Panel:
    """Change of the weight of each component, as generated, over the change that the error across the layers predicts."""
    marks: list[Mark] = []
    for name, color in SAMPLERS.items():
        one = point.sel(sampler=name)
        x, y = 100 * one.predicted_mode_weight.values, 100 * one.mode_weight_change.values
        dx, dy = (100 * one[f"{each}_error"].values for each in ("predicted_mode_weight", "mode_weight_change"))
        gap = np.full(len(x), np.nan)
        bars = [
            (np.stack([x, x, gap]), np.stack([y - dy, y + dy, gap])),
            (np.stack([x - dx, x + dx, gap]), np.stack([y, y, gap])),
        ]
        marks += [Line(across.T.ravel(), up.T.ravel(), color=color, width=1.0) for across, up in bars]
        marks.append(Points(x, y, name, color, 6.0))
    ends = np.array([100 * point.predicted_mode_weight.min().item(), 100 * point.predicted_mode_weight.max().item()])
    marks.insert(0, Line(ends, ends, "as predicted", OKABE_ITO[7], DASHED))
    return Panel(
        "Weights of the modes", "predicted change, percentage points", "change as generated, percentage points", tuple(marks)
    )


def layers(point: xr.Dataset, notes: tuple[str, ...] = ()) -> list[Panel]:
    """Panels of the pairs with layers: profiles, and height, width and position over the noise level."""
    seen = (point.layer_status == Status.ok) & (point.layer_probability > SEEN)
    off = (abs(point.slice_score - point.slice_score_true).max("slice_point") * point.layer_width_true).where(seen)
    worst = off.max("sigma").fillna(-1.0).values
    known = int((worst >= 0).sum())
    pairs = np.argsort(-worst, kind="stable")[: min(known, PAIRS)]
    left = f"The {PAIRS} of {known} boundaries with a layer where the scores differ most."
    noted = (*notes, *([left] if known > PAIRS else []))
    drawn = [_profile(point.isel(boundary_pair=pair), np.flatnonzero(seen.values[pair]), noted) for pair in pairs]
    return [*drawn, *_measures(point.isel(boundary_pair=pairs), seen.isel(boundary_pair=pairs))] if known else []


def _profile(one: xr.Dataset, levels: np.ndarray, notes: tuple[str, ...]) -> Panel:
    """Normal scores of one pair at some of the levels, in units of half the true jump."""
    chosen = [levels[i] for i in spread(len(levels), PROFILES)]
    r, marks = one.slice_distance.values, list[Mark]()
    for color, level in zip(ramp(len(chosen)), chosen, strict=True):
        at = one.isel(sigma=level)
        scale = float(at.layer_width_true)
        marks.append(Line(r, scale * at.slice_score.values, f"σ = {float(at.sigma):.3g}", color))
        marks.append(Line(r, scale * at.slice_score_true.values, "" if marks[1:] else "true score", color, DASHED))
    return Panel(
        f"Across the boundary of {_named(one)}",
        "distance from the true boundary, layer widths",
        "normal score / half its true jump",
        (Level(0.0, vertical=True, width=1.0), *marks),
        notes=notes,
    )


def _measures(point: xr.Dataset, seen: xr.DataArray) -> list[Panel]:
    """Height and width of learned layers over the true ones, and their positions, over the noise level."""
    sigma, kept = point.sigma.values, point.where(seen)
    names = [_named(point.isel(boundary_pair=i)) for i in range(point.sizes["boundary_pair"])]
    tints = [OKABE_ITO[i] for i in (4, 5, 3, 6)]
    values = {
        "Height of the layer": ("learned over true", kept.layer_height / kept.layer_height_true, 1.0),
        "Width of the layer": ("learned over true", kept.layer_width / kept.layer_width_true, 1.0),
        "Position of the layer": ("from the true boundary, layer widths", kept.layer_position, 0.0),
    }
    panels = []
    for title, (ylabel, array, exact) in values.items():
        marks: list[Mark] = [Level(exact, dash=DASHED, width=1.0)]
        for row, name, color in zip(array.transpose("boundary_pair", "sigma").values, names, tints, strict=False):
            there = np.isfinite(row)
            marks += [Line(sigma[there], row[there], name, color), Points(sigma[there], row[there], color=color, size=4.0)]
        panels.append(_over_sigma(title, ylabel, marks, logy=False))
    return panels


def _named(one: xr.Dataset) -> str:
    return f"components {int(one.component_first)} and {int(one.component_second)}"


def _positive(values: np.ndarray) -> np.ndarray:
    """Values above 0, NaN elsewhere: a logarithmic axis has no others."""
    return np.where(values > 0, values, np.nan)
