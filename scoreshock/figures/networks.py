"""Figures of networks and their damages: errors by noise level and by training, the table of symptoms, mode weights."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scoreshock.conventions import words_of
from scoreshock.figures import captions
from scoreshock.figures.annotation import on_image
from scoreshock.figures.curves import LINES
from scoreshock.figures.description import FOLLOWING, Area, Choice, Image, Level, Line, Mark, Panel, Points, figure
from scoreshock.figures.selection import selected, shown, spread
from scoreshock.figures.slices import not_used
from scoreshock.figures.style import DASHED, OKABE_ITO, colours, label, line_name, stroke

GOOD = "none"
"""Value of ``damage`` of good networks, which stand in every panel."""

BAND = (0.1, 0.9)
"""Quantiles over the seeds between which a band is drawn."""

GREY, INK = OKABE_ITO[7], OKABE_ITO[4]

ERROR = {"long_name": "relative error of the score", "units": "1"}

STEPS = ("training_step", "checkpoint")
"""Axes of the training, the last of which a figure without them shows."""


@figure(of="diagnosis")
def error_by_level(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Relative error of the learned score over the noise level: the median over seeds, and the band of eight in ten."""
    values = shown(_with_words(dataset), "score_error_relative").assign_attrs(ERROR)
    return _bands(values, "sigma", choice, "damage")


@figure(of="diagnosis")
def error_by_training_step(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Errors over the steps of training: that of the score over all levels, and that of the weights of modes in samples."""
    axis = next((name for name in STEPS if dataset.sizes.get(name, 1) > 1), None)
    if axis is None:
        return []
    known = _with_words(dataset)
    error = np.sqrt((known.score_error_relative**2).mean("sigma"))
    error.attrs = ERROR
    weights = known.mode_weight_error.sel(sampler="flow", drop=True)
    weights.attrs = {"long_name": "error of mode weights, flow", "units": "1"}
    floor = float(known.mode_weight_floor.sel(sampler="flow").mean())
    return [*_bands(error, axis, choice), *_bands(weights, axis, choice, level=floor)]


@figure(of="symptoms")
def symptoms(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Share of networks of each damage that each symptom finds; of good networks (none) the share of false alarms."""
    kept = selected(dataset, choice.select)
    rated = kept.detection_rate.notnull().any(["damage", "symptom"]).values
    told = (captions.without_numbers(kept.truth.values[~rated].tolist()), not_used(choice, dataset.dims))
    return [_matrix(kept.sel(truth=truth), told) for truth in kept.truth.values[rated]]


@figure(of="mode-weights")
def mode_weights(dataset: xr.Dataset, choice: Choice = FOLLOWING) -> list[Panel]:
    """Error of the weight of each component in generated samples, over the error that the diagnosis predicts."""
    kept = selected(dataset, choice.select)
    note = not_used(choice, dataset.dims)
    return [_agreement(kept.sel(truth=t, sampler=s), note) for t in kept.truth.values for s in kept.sampler.values]


def _with_words(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with the words that the numbers of a coordinate stand for."""
    flags = {name: axis for name, axis in dataset.coords.items() if "flag_meanings" in axis.attrs}
    return dataset.assign_coords({name: (axis.dims, words_of(axis.values, axis.attrs)) for name, axis in flags.items()})


def _bands(values: xr.DataArray, axis: str, choice: Choice, facet: str = "", level: float | None = None) -> list[Panel]:
    """Panels over ``axis``: one for each value of ``facet`` beside the good networks, else lines over what else there is."""
    values = selected(values, choice.select)
    others = [str(name) for name in values.dims if name not in (axis, "seed") and values.sizes[name] > 1]
    facet = next((name for name in (choice.panels, facet if facet != choice.lines else "") if name in others), "")
    free = [name for name in others if name != facet and not (name in STEPS and others != [name])]
    lines = choice.lines if choice.lines in others else next(iter(free), "")
    taken = {str(n): -1 if n in STEPS else 0 for n in values.dims if n not in (axis, "seed", facet, lines)}
    notes = (captions.of_slice(values, taken), not_used(choice, values.dims, x=axis, lines=lines, panels=facet))
    values = values.isel(taken, drop=True)
    more = () if level is None else (Level(level, dash=DASHED),)
    if not facet:
        return [_panel(values, axis, (*more, *_banded(values, axis, lines)), "", notes)]
    names = values[facet].values.tolist()
    good = _banded(values.sel({facet: GOOD}, drop=True), axis, "", GREY, GOOD) if GOOD in names and len(names) > 1 else ()
    return [
        _panel(one, axis, (*more, *good, *_banded(one, axis, lines, INK, str(name))), str(name), notes)
        for name in names
        if not (good and name == GOOD)
        for one in [values.sel({facet: name}, drop=True)]
    ]


def _banded(values: xr.DataArray, axis: str, lines: str, color: str = "", name: str = "") -> tuple[Mark, ...]:
    """For each of the ``lines`` the median over the seeds, and a band of them where it is alone or of good networks."""
    pieces = [values.isel({lines: i}) for i in spread(values.sizes[lines], LINES)] if lines else [values]
    tints = colours(len(pieces), ordered=lines in values.coords and values[lines].dtype.kind in "iuf")
    marks: list[Mark] = []
    for number, piece in enumerate(pieces):
        tint = color if color and not lines else tints[number]
        words = line_name(lines, [piece[lines].item()]) if lines else name
        x, rows = piece[axis].values, piece.transpose(..., axis).values.reshape(-1, piece.sizes[axis])
        if len(rows) > 1 and (not lines or words == GOOD):
            low, high = np.nanquantile(rows, BAND, axis=0)
            marks.append(Area(x, low, high, color=tint))
        marks.append(Line(x, np.nanmedian(rows, axis=0), words, tint, **stroke(number if lines else 0)))
    return tuple(marks)


def _panel(values: xr.DataArray, axis: str, marks: tuple[Mark, ...], title: str, notes: tuple[str, ...]) -> Panel:
    words = label(values[axis]) if axis != "sigma" else "noise level σ"
    logy = bool((values > 0).all())
    told = tuple(filter(None, notes))
    return Panel(title, words, label(values), marks, logx=True, logy=logy, falling=axis == "sigma", notes=told)


def _matrix(table: xr.Dataset, told: tuple[str, ...]) -> Panel:
    """The rates of one truth, as an image with numbers."""
    rates = shown(table, "detection_rate").transpose("symptom", "damage").isel(symptom=slice(None, None, -1))
    kept = rates.isel(damage=rates.notnull().any("symptom").values, symptom=rates.notnull().any("damage").values)
    x, y = (np.arange(kept.sizes[name], dtype=float) for name in ("damage", "symptom"))
    image = Image(x, y, kept.values, "share of networks found", bounds=(0.0, 1.0))
    j, i = np.nonzero(np.isfinite(kept.values))
    texts = [f"{value:.2f}".removesuffix("0") for value in kept.values[j, i]]
    left = [str(name) for name in rates.symptom.values if name not in kept.symptom.values]
    notes = (f"{int(table.tested)} networks of each damage at {table.truth.item()}.", captions.without_numbers(left), *told)
    xnames, ynames = (tuple(map(str, kept[name].values)) for name in ("damage", "symptom"))
    marks: tuple[Mark, ...] = (image, *on_image(image, x[i], y[j], texts))
    notes = tuple(filter(None, notes))
    return Panel(str(table.truth.item()), "damage", "symptom", marks, notes=notes, xnames=xnames, ynames=ynames)


def _agreement(table: xr.Dataset, note: str) -> Panel:
    """Measured over predicted errors of one truth and sampler, with the line on which they agree."""
    truth, sampler = str(table.truth.item()), str(table.sampler.item())
    own = (table.point_truth.values == truth) & (table.point_sampler.values == sampler)
    predicted, measured = (table[name].values[own] for name in ("predicted_mode_weight", "mode_weight_change"))
    damages = table.point_damage.values[own]
    names = list(dict.fromkeys(damages.tolist()))
    ends = np.array([min(predicted.min(), measured.min()), max(predicted.max(), measured.max())])
    dots = (
        Points(predicted[damages == name], measured[damages == name], name, OKABE_ITO[1 + i % 6] if name != GOOD else GREY)
        for i, name in enumerate(sorted(names, key=lambda name: name == GOOD))
    )
    found = [float(table[name]) for name in ("correlation", "correlation_low", "correlation_high", "slope")]
    title = f"{truth}, {sampler}: r = {found[0]:.2f}"
    words = f"{truth}, {sampler}: correlation {found[0]:.2f} ({found[1]:.2f} to {found[2]:.2f}), slope {found[3]:.2f}."
    marks: tuple[Mark, ...] = (Line(ends, ends, "", OKABE_ITO[0], DASHED, 1.0), *dots)
    labels = "predicted error of a mode's weight", "measured error"
    return Panel(title, *labels, marks, square=True, notes=tuple(filter(None, (words, note))))
