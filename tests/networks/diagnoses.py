"""Made-up diagnoses of networks, whose symptoms are planted."""

from __future__ import annotations

import numpy as np
import xarray as xr

DAMAGES = ("none", "layer", "rotation", "memorising")
LEVELS = np.geomspace(0.1, 5.0, 4)
DIMS = {
    "score_error_relative": ("sigma",),
    "score_error": ("sigma",),
    "region_error": ("sigma", "region"),
    "gradient_square": ("sigma",),
    "asymmetry": ("sigma",),
    "mode_weight_error": ("sampler",),
    "mode_weight_floor": ("sampler",),
    "sliced_wasserstein": ("sampler",),
    "sliced_wasserstein_floor": ("sampler",),
    "training_gain": ("sigma",),
    "training_gain_error": ("sigma",),
    "layer_position": ("boundary_pair", "sigma"),
}


def planted(seeds: int = 20, features: int = 2, damages: tuple[str, ...] = DAMAGES, **axes: list[int]) -> xr.Dataset:
    """Diagnoses that scatter by a tenth about 1, but for one symptom of each damage, which is ten times as great."""
    rng = np.random.default_rng(seeds)
    labels = {"damage": list(damages), "seed": list(range(seeds)), **axes}
    sizes = {name: len(values) for name, values in labels.items()} | {
        "sigma": 4,
        "region": 3,
        "sampler": 2,
        "boundary_pair": 1,
    }
    made = {}
    for name, own in DIMS.items():
        dims = (*labels, *own)
        made[name] = (dims, 1 + 0.1 * rng.uniform(size=[sizes[dim] for dim in dims]))
    coordinates = {"sigma": LEVELS, "region": ["layer", "outside", "tails"], "sampler": ["flow", "reverse SDE"]}
    found = xr.Dataset(made, {**labels, **coordinates}, {"features": features})
    found["gradient_square"] = 0.9 * found.score_error**2
    ten = {name: xr.where(found.damage == name, 10.0, 1.0) for name in damages}
    if "layer" in damages:
        found["region_error"] = found.region_error * xr.where(found.region == "layer", ten["layer"], 1.0)
        found["layer_position"] = found.layer_position * ten["layer"]
    if "rotation" in damages:
        found["asymmetry"] = found.asymmetry * ten["rotation"]
        found["gradient_square"] = found.gradient_square / ten["rotation"]
    if "memorising" in damages:
        found["training_gain"] = found.training_gain * ten["memorising"]
    found["layer_status"] = xr.zeros_like(found.layer_position, dtype=np.int8)
    errors = xr.DataArray(0.01 * rng.normal(size=(len(damages), seeds, 2)), dims=("damage", "seed", "sampler"))
    both = xr.DataArray([1.0, -1.0], dims="component")
    found["predicted_mode_weight"] = errors * both
    found["mode_weight_change"] = 0.8 * errors * both
    found["mode_weight_change_error"] = xr.full_like(found.mode_weight_change, 0.01)
    for name, variable in found.variables.items():
        variable.attrs = {"long_name": str(name), "units": "1"}
    return found
