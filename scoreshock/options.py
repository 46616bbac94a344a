"""Options of quantities and parameters of schedules: their meanings, and the values that each may have.

The model of a study, the JSON schema and the documentation are derived from them. Options with one name are equal in all
quantities.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from scoreshock.checks import show, suggestion

LEAST, GREATEST = 1e-60, 1e60
"""Magnitudes of positive numbers: squares and ratios of squares of such numbers stay inside double precision."""


@dataclass(frozen=True)
class Option:
    """An option: its meaning, and its default in a study where that differs from the function's own."""

    meaning: str
    default: Any = None

    @property
    def allowed(self) -> str:
        """Allowed values, in words."""
        return "any value"

    def check(self, value: Any) -> Any:
        """Return ``value`` as a plain Python object; raise ``ValueError`` with the allowed values unless it is one."""
        if not self._accepts(value):
            raise ValueError(f"{show(value)} is not allowed{self._hint(value)}; allowed: {self.allowed}")
        return value

    def _accepts(self, _value: Any) -> bool:
        return True

    def _hint(self, _value: Any) -> str:
        return ""


@dataclass(frozen=True)
class Number(Option):
    """A finite number from ``low`` to ``high``, other than 0 where ``not_zero``; ``check`` returns it as a float."""

    low: float = -float("inf")
    high: float = float("inf")
    not_zero: bool = False

    @property
    def allowed(self) -> str:
        if self.not_zero:
            return "a number other than 0"
        if math.isfinite(self.high):
            return f"a number from {self.low:g} to {self.high:g}"
        return f"a number >= {self.low:g}" if math.isfinite(self.low) else "a finite number"

    def check(self, value: Any) -> Any:
        return float(super().check(value))

    def _accepts(self, value: Any) -> bool:
        return is_finite(value) and self.low <= value <= self.high and not (self.not_zero and value == 0)

    def _hint(self, value: Any) -> str:
        return text_hint(value)


@dataclass(frozen=True)
class Positive(Number):
    """A number above 0, or from 0 on where ``or_zero``, of moderate magnitude."""

    low: float = 0.0
    high: float = GREATEST
    or_zero: bool = False

    @property
    def allowed(self) -> str:
        if self.high < GREATEST:
            return super().allowed
        return f"a finite number {'>=' if self.or_zero else '>'} 0, of magnitude {LEAST:g} to {GREATEST:g}"

    def _accepts(self, value: Any) -> bool:
        return super()._accepts(value) and (value >= LEAST or (self.or_zero and value == 0))


@dataclass(frozen=True)
class Whole(Number):
    """A whole number from ``low`` to ``high``; ``check`` returns it as an integer."""

    low: float = 0
    high: float = 2**53

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def check(self, value: Any) -> int:
        return int(super().check(value))

    def _accepts(self, value: Any) -> bool:
        return super()._accepts(value) and value == math.floor(value)


@dataclass(frozen=True)
class Switch(Option):
    """True or false."""


@dataclass(frozen=True)
class Choice(Option):
    """One of the ``known`` names."""

    known: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        return ", ".join(self.known)

    def _accepts(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.known

    def _hint(self, value: Any) -> str:
        return suggestion(value, self.known)


@dataclass(frozen=True)
class Names(Choice):
    """Some of the ``known`` names, each once."""


@dataclass(frozen=True)
class Other(Option):
    """A value of another ``form``, which the function that takes it checks; of text only that it is not empty."""

    form: str = ""

    @property
    def allowed(self) -> str:
        return self.form

    def check(self, value: Any) -> Any:
        """A copy of ``value``, as in `Option.check`."""
        try:
            return deepcopy(super().check(value))
        except TypeError:  # generators and the like
            raise ValueError(f"{show(value)} is not allowed; allowed: {self.form}") from None

    def _accepts(self, value: Any) -> bool:
        return not self.form.startswith("text") or (isinstance(value, str) and bool(value))


@dataclass(frozen=True)
class Groups(Option):
    """Two lists of component indices."""


@dataclass(frozen=True)
class Classes(Option):
    """A whole number for each component."""


@dataclass(frozen=True)
class Grid(Option):
    """Numbers in ascending order, one by one or as a range, in one of the ``units``; each value is a separate point.

    ``low`` is the smallest allowed number; ``pointwise`` is false where the numbers are one argument of a result and are no
    separate points.
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
"""Diffusion times of which each value is a separate point."""

TAU_MIN = Number("diffusion time at which generation stops", 0.0, low=0.0)
GROUPS = Groups(
    "components on each side, such as [[0], [1, 2]]; others are left out; by default the two of a pair, else the two sides "
    "along the line of x"
)
BIAS = Number("size of the score error; for trajectories along the line", 0.01, not_zero=True)
ERROR_SUPPORT = Choice("region in which the score error acts", "everywhere", known=("everywhere", "layer", "outside"))

SIGMA_MIN = Positive("noise level at which clocks and guided generation end", 0.002)
SIGMA_MAX = Positive("noise level from which clocks and guided generation run", 80.0)
"""As Karras et al. (2022)."""

Options = Mapping[str, Option]


def is_finite(value: Any) -> bool:
    """Whether ``value`` is a finite number; true and false are none."""
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return bool(is_number and abs(value) <= sys.float_info.max)


def number(value: Any, allowed: str, name: str) -> float:
    """The finite number ``value`` of the argument ``name`` as a float; raise ``ValueError`` for anything else."""
    if not is_finite(value):
        raise ValueError(f"{name} = {show(value)} is not allowed{text_hint(value)}; allowed: {allowed}")
    return float(value)


def positive(value: Any, name: str) -> float:
    """The number above 0 of the argument ``name`` as a float; raise ``ValueError`` for anything else."""
    allowed = "a finite number > 0"
    if number(value, allowed, name) <= 0:
        raise ValueError(f"{name} = {show(value)} is not allowed; allowed: {allowed}")
    return float(value)


def text_hint(value: Any) -> str:
    """For text in place of a number, a remark with the spelling that YAML reads as a number; empty for other values."""
    if not isinstance(value, str):
        return ""
    spelled = spelling(value)
    return f" (text, not a number: write {spelled}; YAML reads 1e-3 as text)" if spelled else " (text, not a number)"


def spelling(text: str) -> str:
    """A spelling of the finite number in a text that YAML reads as a number; empty for other text.

    Examples
    --------
    >>> spelling("1e-3"), spelling("1e20"), spelling("nan")
    ('0.001', '1.0e+20', '')
    """
    try:
        number = float(text)
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    mantissa, _, exponent = repr(number).partition("e")
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return f"{mantissa}e{exponent}" if exponent else mantissa


SEED = Whole("seed of random numbers", 0)
"""Option of everything that draws."""
