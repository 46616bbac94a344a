"""One-dimensional potentials U of densities ``p0 ~ exp(-U)``: the tilted quartic, a callable, a table.

A potential gives differences rather than values: ``change(y, d) = U(y + d) - U(y)``, which keeps its digits however large
U itself is. Parameters have the points of a batch as their last axis, of length 1 where all share them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

Function = Callable[[np.ndarray], np.ndarray]

STEP = 2.0**-9
"""Step of five-point differences in units of the potential's scale: truncation and rounding then are both near 1e-12."""

DIFFERENCED = 1e5
"""Rounding of a second derivative by differences, in units of that of a formula: ``eps/STEP^2``, rounded down."""


class Potential(Protocol):
    """Interface of a potential: values, derivatives and differences."""

    @property
    def noise(self) -> float:
        """Rounding of the second derivative, in units of that of a formula."""

    def value(self, y: np.ndarray) -> np.ndarray:
        """U(y)."""

    def slope(self, y: np.ndarray) -> np.ndarray:
        """U'(y)."""

    def curvature(self, y: np.ndarray) -> np.ndarray:
        """U''(y)."""

    def change(self, y: np.ndarray, d: np.ndarray) -> np.ndarray:
        """U(y + d) - U(y)."""

    def slope_change(self, y: np.ndarray, d: np.ndarray) -> np.ndarray:
        """U'(y + d) - U'(y)."""

    def take(self, index: np.ndarray) -> Potential:
        """The potentials of the points of that index."""

    def reflected(self) -> Potential:
        """U(-y)."""


def pick(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Columns of the last axis, unless it is shared by all points.

    Examples
    --------
    >>> pick(np.array([5.0]), np.array([0, 0])).tolist(), pick(np.array([5.0, 6.0]), np.array([1])).tolist()
    ([5.0], [6.0])
    """
    return array if array.shape[-1] == 1 else array[..., index]


@dataclass(frozen=True)
class Quartic:
    """``U(y) = c (y^2 - b^2)^2 - h y``, (95) with a tilt; ``c, b, h (B,)`` or ``(1,)``."""

    c: np.ndarray
    b: np.ndarray
    h: np.ndarray

    @property
    def noise(self) -> float:
        return 1.0

    def value(self, y: np.ndarray) -> np.ndarray:
        return self.c * ((y - self.b) * (y + self.b)) ** 2 - self.h * y

    def slope(self, y: np.ndarray) -> np.ndarray:
        return 4 * self.c * y * ((y - self.b) * (y + self.b)) - self.h

    def curvature(self, y: np.ndarray) -> np.ndarray:
        return 4 * self.c * (3 * y * y - self.b * self.b)

    def change(self, y: np.ndarray, d: np.ndarray) -> np.ndarray:
        two = 2 * y + d
        return d * (self.c * two * (2 * (y - self.b) * (y + self.b) + d * two) - self.h)

    def slope_change(self, y: np.ndarray, d: np.ndarray) -> np.ndarray:
        return 4 * self.c * d * (3 * y * y - self.b * self.b + d * (3 * y + d))

    def take(self, index: np.ndarray) -> Quartic:
        return Quartic(pick(self.c, index), pick(self.b, index), pick(self.h, index))

    def reflected(self) -> Quartic:
        return replace(self, h=-self.h)


@dataclass(frozen=True)
class CallablePotential:
    """A callable potential; missing derivatives are five-point differences with a step of ``length/512``.

    The length is ``scale``, or what ``lengths`` (positions and lengths) interpolate where U bends within less.
    """

    function: Function
    first: Function | None
    second: Function | None
    scale: float
    sign: float = 1.0
    lengths: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def noise(self) -> float:
        return 1.0 if self.first is not None and self.second is not None else DIFFERENCED

    def value(self, y: np.ndarray) -> np.ndarray:
        return np.asarray(self.function(self.sign * y), dtype=float)

    def slope(self, y: np.ndarray) -> np.ndarray:
        x = self.sign * y
        if self.first is not None:
            return self.sign * np.asarray(self.first(x), dtype=float)
        t = self.step(x)
        near, far = (self.function(x + s) - self.function(x - s) for s in (t, 2 * t))
        return self.sign * (8 * near - far) / (12 * t)

    def curvature(self, y: np.ndarray) -> np.ndarray:
        x = self.sign * y
        if self.second is not None:
            return np.asarray(self.second(x), dtype=float)
        t = self.step(x)
        centre = 2 * self.function(x)
        near, far = (self.function(x + s) + self.function(x - s) - centre for s in (t, 2 * t))
        return (16 * near - far) / (12 * t * t)

    def step(self, x: np.ndarray) -> np.ndarray | float:
        """Step of the differences at x."""
        return STEP * (self.scale if self.lengths is None else np.interp(x, *self.lengths))

    def change(self, y: np.ndarray, d: np.ndarray) -> np.ndarray:
        return self.value(y + d) - self.value(y)

    def slope_change(self, y: np.ndarray, d: np.ndarray) -> np.ndarray:
        return self.slope(y + d) - self.slope(y)

    def take(self, index: np.ndarray) -> CallablePotential:  # noqa: ARG002 - one potential for all points
        return self

    def reflected(self) -> CallablePotential:
        return replace(self, sign=-self.sign)


@dataclass(frozen=True)
class Spline:
    """Cubic spline of U through a table, continued by straight lines: the density has exponential tails outside it."""

    spline: CubicSpline

    def __call__(self, x: np.ndarray) -> np.ndarray:
        low, high = self.spline.x[[0, -1]]
        inside = np.clip(x, low, high)
        return self.spline(inside) + self.spline(inside, 1) * (x - inside)

    def slope(self, x: np.ndarray) -> np.ndarray:
        return self.spline(np.clip(x, *self.spline.x[[0, -1]]), 1)

    def curvature(self, x: np.ndarray) -> np.ndarray:
        low, high = self.spline.x[[0, -1]]
        return np.where((x < low) | (x > high), 0.0, self.spline(np.clip(x, low, high), 2))


def tabulated(x: np.ndarray, log_density: np.ndarray) -> CallablePotential:
    """Potential of a table of ``ln p`` at ascending ``x``: cubic spline (not-a-knot) of ``ln p``, straight lines outside.

    Examples
    --------
    >>> x = np.linspace(-3, 3, 13)
    >>> tabulated(x, -(x**2) / 2).curvature(np.array([0.1, 9.0])).round(12).tolist()
    [1.0, 0.0]
    """
    from scipy.interpolate import CubicSpline  # slow to import, and quartics do not come here

    spline = Spline(CubicSpline(x, -log_density))
    return CallablePotential(spline, spline.slope, spline.curvature, float(x[-1] - x[0]))
