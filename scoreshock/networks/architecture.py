"""What a file says of its networks' architecture, and whether parameters fit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import one_of, show
from scoreshock.networks.perceptron import ACTIVATION, EMBEDDING, PREDICTS, Architecture

WORDS = {"network_activation": ACTIVATION, "network_embedding": EMBEDDING, "network_predicts": PREDICTS}
"""Attributes that have one value."""

NUMBERS = {"hidden": int, "layers": int, "sigma_data": float}
"""Attributes ``network_...`` that are numbers > 0."""


def architecture_of(source: str, about: Mapping[str, Any], features: int) -> Architecture:
    """The architecture that attributes ``network_...`` state; errors name their ``source``."""
    for name, word in WORDS.items():
        if name not in about:
            raise ValueError(f"{source} has no attribute {name}; allowed: {word!r}")
        one_of(f"{name} of {source}", about[name], (word,))
    numbers = {name: _number(source, f"network_{name}", about, kind) for name, kind in NUMBERS.items()}
    ends = float(about.get("network_sigma_min", 0.0)), float(about.get("network_sigma_max", np.inf))
    if not 0 <= ends[0] < ends[1]:
        raise ValueError(f"{source} has the noise levels {ends[0]:g} to {ends[1]:g}; allowed: network_sigma_min < _max")
    return Architecture(features, **numbers, sigma_range=ends)


def _number(source: str, name: str, about: Mapping[str, Any], kind: type) -> Any:
    value = about.get(name)
    if not isinstance(value, int | float | np.number) or not 0 < value < np.inf or kind(value) != value:
        what = "a whole number" if kind is int else "a number"
        raise ValueError(f"{source} has {name} = {show(value)}; allowed: {what} > 0")
    return kind(value)


def check_fit(file: str, truth: xr.Dataset, parameters: xr.DataArray, architecture: Architecture) -> None:
    """Refuse parameters that the architecture does not have, axes without labels, and another number of features."""
    if truth.sizes["feature"] != architecture.features:
        n, d = truth.sizes["feature"], architecture.features
        raise ValueError(f"{file}: the mixture has {n} features, the networks {d}; allowed: as many")
    if parameters.sizes.get("parameter") != architecture.size:
        allowed = f"parameter: {architecture.size}, of {architecture}"
        raise ValueError(f"{file}: network_parameter has sizes {dict(parameters.sizes)}; allowed: {allowed:.160}")
    if not np.isfinite(parameters.values).all():
        raise ValueError(f"{file}: network_parameter has values that are not finite; allowed: numbers")
    for dim in parameters.dims:
        if dim != "parameter" and (dim not in parameters.coords or len(np.unique(parameters[dim])) < parameters.sizes[dim]):
            raise ValueError(f"{file}: the axis {dim} of network_parameter has no labels, or one twice; allowed: each once")
