"""Axes as written in a study, and the arrays that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def values(spec: Mapping[str, Any]) -> np.ndarray:
    """Values of an axis: ``{"values": [...]}`` or ``{"start", "stop", "num", "scale": "linear" | "log"}``, ends included."""
    if "values" in spec:
        return np.asarray(spec["values"])
    spaced = np.geomspace if spec.get("scale", "linear") == "log" else np.linspace
    return spaced(float(spec["start"]), float(spec["stop"]), int(spec["num"]))


def size(spec: Mapping[str, Any]) -> int:
    """Number of values of an axis, without making them."""
    return len(spec["values"]) if "values" in spec else int(spec["num"])
