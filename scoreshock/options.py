"""Options of quantities: what a study may write under a sweep, and what each may be.

The study makes the fields of its model, the JSON schema and the documentation from these; an option that several quantities
take is the same in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Option:
    """An option: its meaning, and its default in a study where that differs from the function's own."""

    meaning: str
    default: Any = None


@dataclass(frozen=True)
class Number(Option):
    """A finite number from ``low`` to ``high``."""

    low: float = -float("inf")
    high: float = float("inf")
    not_zero: bool = False


@dataclass(frozen=True)
class Whole(Option):
    """A whole number from ``low`` to ``high``."""

    low: int = 0
    high: int = 2**53


@dataclass(frozen=True)
class Switch(Option):
    """True or false."""


@dataclass(frozen=True)
class Choice(Option):
    """One of the ``known`` names."""

    known: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names(Choice):
    """Some of the ``known`` names, each once."""


@dataclass(frozen=True)
class Groups(Option):
    """Two lists of component indices."""


@dataclass(frozen=True)
class Grid(Option):
    """Numbers in ascending order, one by one or as a range, in one of the ``units``; each makes points of its own.

    ``low`` is the smallest allowed number; ``pointwise`` is false where the numbers are one argument of a result and make no
    points of their own.
    """

    units: tuple[str, ...] = ()
    low: float = -float("inf")
    pointwise: bool = True


POSITIONS = ("absolute", "separation", "layer")
"""Units of positions along the line through the layer."""

TIMES = ("absolute", "speciation")
"""Units of diffusion times."""

X = Grid(
    "positions along the line through the layer",
    {"start": -3.0, "stop": 3.0, "num": 301, "scale": "linear", "unit": "separation"},
    units=POSITIONS,
)
"""Positions along the line at which profiles are evaluated."""

TAU = Grid("diffusion times, in any order", {"values": [0.25, 0.5, 1.0, 2.0], "unit": "speciation"}, units=TIMES, low=0.0)
"""Diffusion times of which each makes points of its own."""

TAU_MIN = Number("diffusion time at which generation stops", 0.0, low=0.0)
GROUPS = Groups(
    "components on each side, such as [[0], [1, 2]]; others are left out; by default the two of a pair, else the two sides "
    "along the line of x"
)
BIAS = Number("size of the score error; for trajectories along the line", 0.01, not_zero=True)
ERROR_SUPPORT = Choice("region in which the score error acts", "everywhere", known=("everywhere", "layer", "outside"))

Options = Mapping[str, Option]
