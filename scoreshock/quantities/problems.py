"""What makes a quantity impossible for a sweep of a study."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scoreshock.quantities.declaration import Problems


def is_reducible(sweep: Any) -> bool:
    """Whether integrals over the sweep's densities reduce to a line."""
    return bool(sweep.features == 1 or sweep.components == 2)


def shape_of(sweep: Any) -> str:
    """Numbers of components and features in words."""
    return f"this one has {sweep.components} components in {sweep.features} features"


def on_a_line_or_pairs(quantity: str) -> Callable[[Any], Problems]:
    """Problems of a quantity whose integrals over the density are computed on a line only."""

    def problems(sweep: Any) -> Problems:
        if not is_reducible(sweep):
            keys = ("quantities", sweep.quantities.index(quantity))
            yield keys, f"'{quantity}' is computed of mixtures on a line and of pairs; {shape_of(sweep)}"

    return problems
