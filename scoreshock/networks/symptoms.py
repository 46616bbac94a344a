"""Which symptom of a diagnosis finds which damage of a network: rates of detection and of false alarms over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.stats import binomtest

from scoreshock.conventions import Status, variables

GOOD = "none"
"""Value of ``damage`` of good networks."""

CONFIDENCE = 0.95

QUANTILES = (0.1, 0.9)
"""Of the values of a symptom over seeds, that are given beside the median."""


LABELS = {
    "truth": "data set of the networks",
    "damage": "what the networks were trained wrongly on",
    "symptom": "name of the symptom",
}
"""Long names of the axes of tables."""


class Symptom(NamedTuple):
    """What a symptom is, in words, and its value (...) of diagnoses; greater is worse."""

    meaning: str
    of: Callable[[xr.Dataset], xr.DataArray]


def _error(found: xr.Dataset) -> xr.DataArray:
    return np.sqrt((found.score_error_relative**2).mean("sigma"))


def _layer(found: xr.Dataset) -> xr.DataArray:
    inside, outside = (found.region_error.sel(region=name, drop=True) for name in ("layer", "outside"))
    return (inside / outside).max("sigma")


def _still(found: xr.Dataset) -> xr.DataArray:
    acts, whole = (((found.sigma**2) * square).sum("sigma") for square in (found.gradient_square, found.score_error**2))
    return _in_plane(found, 1 - acts / whole)


def _curl(found: xr.Dataset) -> xr.DataArray:
    return _in_plane(found, found.asymmetry.max("sigma"))


def _in_plane(found: xr.Dataset, values: xr.DataArray) -> xr.DataArray:
    """The values where they can be anything but 0: in one feature all errors are gradients."""
    return values if found.attrs["features"] > 1 else xr.full_like(values, np.nan)


def _peak(found: xr.Dataset) -> xr.DataArray:
    square = found.score_error_relative**2
    return square.max("sigma") / square.sum("sigma")


def _boundary(found: xr.Dataset) -> xr.DataArray:
    known = found.layer_position.where(found.layer_status == Status.ok)
    return abs(known).max(["boundary_pair", "sigma"])


def _weights(found: xr.Dataset) -> xr.DataArray:
    error = found.mode_weight_change_error
    return np.sqrt(((found.mode_weight_change / error.where(error > 0, np.inf)) ** 2).mean("component")).mean("sampler")


def _samples(found: xr.Dataset) -> xr.DataArray:
    return (found.sliced_wasserstein / found.sliced_wasserstein_floor).mean("sampler")


def _memory(found: xr.Dataset) -> xr.DataArray:
    return (found.training_gain / found.training_gain_error).max("sigma")


SYMPTOMS = {
    "error": Symptom("relative error of the score, root mean square over the levels", _error),
    "layer": Symptom("error in the layer over that outside, at the level where it is greatest", _layer),
    "boundary": Symptom(
        "distance of the learned boundary from the true one in widths of the layer, the greatest", _boundary
    ),
    "one level": Symptom("share of the level with the greatest relative error in the sum of their squares", _peak),
    "no effect": Symptom("share of the error that is not known to move the density", _still),
    "curl": Symptom("antisymmetric share of the Jacobian, the greatest", _curl),
    "weights": Symptom(
        "change of the weights of modes in generated samples, in standard errors, root mean square, mean of both samplers",
        _weights,
    ),
    "samples": Symptom("sliced Wasserstein distance of generated samples over that of the exact score's", _samples),
    "memory": Symptom(
        "gain of the denoiser on the training samples over the exact one, in standard errors, the greatest", _memory
    ),
}
"""Symptoms by name."""

VARIABLES = variables(
    """
    symptom_threshold(truth, symptom), threshold_status: value from which on a network is called bad
        | The greatest of all good networks, and as far again as it is above their median: for another network.
    symptom_median(truth, damage, symptom), symptom_status: median of the symptom over networks
    symptom_low(truth, damage, symptom), symptom_status: tenth percentile of the symptom over networks
    symptom_high(truth, damage, symptom), symptom_status: ninetieth percentile of the symptom over networks
    exceedance(truth, damage, symptom), symptom_status: probability that the symptom exceeds that of a good network
        | Of all pairs of a damaged and a good network, ties half: the area under the curve of detections over false alarms.
    detection_rate(truth, damage, symptom), symptom_status: share of networks above the threshold
        | Each network against the threshold of the good ones of all other seeds; of good ones the rate of false alarms.
    detection_low(truth, damage, symptom), symptom_status: lower end of the interval of detection_rate
        | Clopper and Pearson (1934), 95 %.
    detection_high(truth, damage, symptom), symptom_status: upper end of the interval of detection_rate
        | Clopper and Pearson (1934), 95 %.
    tested(truth) int32: number of networks of each damage that the rates are of
    threshold_status(truth, symptom): outcome of the threshold
        | not_applicable where the symptom is not defined, or where there are fewer than three good networks.
    symptom_status(truth, damage, symptom): outcome of the symptom
        | not_applicable where there is no threshold, or where the symptom is not defined for these networks.
    """
)


def trained(found: xr.Dataset) -> xr.Dataset:
    """Diagnoses of networks at the last step of their training."""
    return found.isel({dim: -1 for dim in ("training_step", "checkpoint") if dim in found.dims}, drop=True)


def values_of(found: xr.Dataset) -> np.ndarray:
    """Symptoms (damage, seed, symptom) of the diagnoses of networks, of the last step of their training."""
    each = [symptom.of(trained(found)).transpose("damage", "seed").values for symptom in SYMPTOMS.values()]
    return np.stack(each, axis=-1)


def symptom_table(diagnoses: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Rates at which each symptom finds each damage, for each truth: of diagnoses by ``damage`` (words) and ``seed``.

    A network is called bad above the threshold that the good networks, of damage ``none``, of all other seeds set. The
    thresholds of two seeds have most of these networks in common, of which the intervals of the rates know nothing.
    """
    damages = list(dict.fromkeys(str(name) for found in diagnoses.values() for name in found.damage.values))
    made: dict[str, list[Any]] = {variable.name: [] for variable in VARIABLES}
    for found in diagnoses.values():
        for name, values in _of_truth(found, damages).items():
            made[name].append(values)
    values = {"truth": list(diagnoses), "damage": damages, "symptom": list(SYMPTOMS)}
    axes = {name: (name, each, {"long_name": LABELS[name]}) for name, each in values.items()}
    table = xr.Dataset({v.name: (v.dims, np.array(made[v.name]), v.attributes()) for v in VARIABLES}, axes)
    words = [symptom.meaning for symptom in SYMPTOMS.values()]
    return table.assign_coords(symptom_meaning=("symptom", words, {"long_name": "what the symptom is; greater is worse"}))


def _of_truth(found: xr.Dataset, damages: Sequence[str]) -> dict[str, Any]:
    """Variables of one truth, rows in the order of ``damages``."""
    values, own = values_of(found), [str(name) for name in found.damage.values]
    good = values[own.index(GOOD)]
    defined = np.isfinite(good).all(axis=0) & (len(good) > 2)
    lacking = np.full_like(good, np.nan)
    others = [np.delete(good, seed, axis=0) for seed in range(len(good))] if len(good) > 2 else []
    thresholds = np.stack([_threshold(each) for each in others]) if others else lacking
    rows = [_row(values[own.index(name)] if name in own else lacking, good, thresholds) for name in damages]
    made: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    status = np.where(defined, Status.ok, Status.not_applicable)
    threshold = np.where(defined, _threshold(good), np.nan)
    return made | {"symptom_threshold": threshold, "threshold_status": status, "tested": len(good)}


def _threshold(good: np.ndarray) -> np.ndarray:
    """Value (symptom) from which on a network is called bad, of good ones (seed, symptom)."""
    return 2 * good.max(axis=0) - np.median(good, axis=0)


def _row(every: np.ndarray, good: np.ndarray, thresholds: np.ndarray) -> dict[str, np.ndarray]:
    """Variables of one damage, from its networks, the good ones and the thresholds of each, all (seed, symptom)."""
    defined, count = np.isfinite(thresholds + every).all(axis=0), len(every)
    with np.errstate(invalid="ignore"):
        exceedance = ((every[:, None] > good) + 0.5 * (every[:, None] == good)).mean(axis=(0, 1))
        hits = (every > thresholds).sum(axis=0)
    ends = [binomtest(int(hit), count).proportion_ci(CONFIDENCE, "exact") for hit in hits]
    made = {
        "symptom_median": np.median(every, axis=0),
        "symptom_low": np.quantile(every, QUANTILES[0], axis=0),
        "symptom_high": np.quantile(every, QUANTILES[1], axis=0),
        "exceedance": exceedance,
        "detection_rate": hits / count,
        "detection_low": np.array([end.low for end in ends]),
        "detection_high": np.array([end.high for end in ends]),
    }
    status = np.where(defined, Status.ok, Status.not_applicable)
    return {name: np.where(defined, value, np.nan) for name, value in made.items()} | {"symptom_status": status}


def as_markdown(table: xr.Dataset) -> str:
    """The table of symptoms: for each truth the rates of detection with their intervals, that of good networks first."""
    parts = [part for truth in table.truth.values for part in (f"## {truth}\n", _rows(table.sel(truth=truth)))]
    meanings = [f"* {name}: {text}" for name, text in zip(table.symptom.values, table.symptom_meaning.values, strict=True)]
    intro = "Share of networks that each symptom finds, with its 95 % interval (Clopper and Pearson); a bar: not defined."
    return "\n".join(["# Which symptom finds which damage\n", intro + "\n", *meanings, "", *parts])


def _rows(table: xr.Dataset) -> str:
    """The table of one truth."""
    known = [name for name in table.damage.values if bool((table.symptom_status.sel(damage=name) == Status.ok).any())]
    if not known:
        return "Fewer than three good networks: no rates.\n"
    head = ["damage", *map(str, table.symptom.values)]
    rows = [[str(name), *(_cell(table.sel(damage=name, symptom=each)) for each in table.symptom.values)] for name in known]
    lines = [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows)]
    return "\n".join([*lines, "", f"{int(table.tested)} networks of each damage; none: false alarms.", ""])


def _cell(point: xr.Dataset) -> str:
    if point.symptom_status != Status.ok:
        return "–"
    return f"{float(point.detection_rate):.2f} ({float(point.detection_low):.2f}–{float(point.detection_high):.2f})"
