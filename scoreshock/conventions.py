"""The vocabulary: axes, status flags, how a variable is declared, and the variables that no quantity makes alone.

Data are in the model's own units, so that the unit of every variable is 1; flags end in ``status``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from scoreshock.checks import as_array, show

CF_VERSION = "CF-1.11"
REFERENCE = "arXiv:2604.07404"


class Status(IntEnum):
    """Outcome of a criterion at one point; anything but ``ok`` says why a number is missing or void."""

    missing = -1
    ok = 0
    no_transition = 1
    no_real_root = 2
    below_data_variance = 3
    diverged = 4
    singular = 5
    not_applicable = 6
    failed = 7
    unresolved = 8  # what decides is below rounding


class TimeStatus(IntEnum):
    """Outcome of placing a diffusion time in a schedule's own clock."""

    missing = -1
    ok = 0
    before_start = 1
    beyond_end = 2
    no_tau = 3


@dataclass(frozen=True)
class Axis:
    """An axis that a sweep can run over: its meaning, and the values that it may take."""

    long_name: str
    allowed: str
    low: float
    high: float = np.inf
    low_open: bool = False
    high_open: bool = True
    integer: bool = False

    def accepts(self, values: np.ndarray) -> np.ndarray:
        """Which of ``values`` are allowed, element by element (NaN never is)."""
        above = values > self.low if self.low_open else values >= self.low
        below = values < self.high if self.high_open else values <= self.high
        whole = values == np.floor(values) if self.integer else np.isfinite(values)
        return above & below & whole


AXES = {
    "separation": Axis(
        "half-distance a of a pair (means at -a and +a); scale of the means in other families",
        "a finite number >= 0",
        0.0,
    ),
    "variance": Axis("component variance sigma0^2 at data time", "a finite number >= 0", 0.0),
    "weight": Axis(
        "weight of the component at +separation (pair), of the marked component of other families",
        "a number strictly between 0 and 1",
        0.0,
        1.0,
        low_open=True,
    ),
    "dimension": Axis("ambient dimension d of the data", "a whole number >= 1", 1, 2.0**53, integer=True),
    "ratio": Axis(
        "ratio of the scales of successive levels of a hierarchy",
        "a number strictly between 0 and 1",
        0.0,
        1.0,
        low_open=True,
    ),
    "realization": Axis("index of a random draw of the means", "a whole number >= 0", 0, 2.0**53, integer=True),
    "quartic_coefficient": Axis(
        "coefficient c of the quartic potential c (x^2 - b^2)^2 - h x", "a finite number > 0", 0.0, low_open=True
    ),
    "half_distance": Axis(
        "half the distance b of the wells of the potential c (x^2 - b^2)^2 without tilt", "a finite number >= 0", 0.0
    ),
    "tilt": Axis("tilt h of the quartic potential c (x^2 - b^2)^2 - h x", "a finite number", -np.inf, low_open=True),
}


@dataclass(frozen=True)
class ListedAxis(Axis):
    """An axis of a file, which takes the values of its coordinate there, described by the ``attributes`` there."""

    values: tuple[float, ...] = ()
    attributes: tuple[tuple[str, object], ...] = ()

    def accepts(self, values: np.ndarray) -> np.ndarray:
        """Which of ``values`` are in the file."""
        return np.isin(values, self.values)


def check_axis(name: str, values: np.ndarray) -> np.ndarray:
    """Return ``values`` as a float (or integer) array, or raise ``ValueError`` naming axis, value and what is allowed."""
    axis = AXES[name]
    array = as_array(name, values)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name}: {show(values)} is not numeric; allowed: {axis.allowed}")
    good = axis.accepts(array.astype(float))
    if not good.all():
        raise ValueError(f"{name} = {array[~good].flat[0]!s} is not allowed; allowed: {axis.allowed}")
    return array.astype(np.int64) if axis.integer else array.astype(float)


@dataclass(frozen=True)
class Variable:
    """A variable of a result: its meaning, its dimensions besides the sweep's, and why a value may be missing.

    Attributes
    ----------
    name, long_name
        As in files; units are 1, since data are in the model's own units.
    dims
        Own dimensions, which come last.
    status
        Name of the flag variable that says why a value is missing or void.
    description, references
        A sentence more, and the source of the formula; a source that begins with a number in brackets, or with the name of a
        statement, is the paper's. Neither counts in the digest of the code.
    dtype
        By default int8 for flags, else float64.
    flags
        Meanings of a flag variable's values; by default `Status` where the name ends in ``status``.
    """

    name: str
    long_name: str
    dims: tuple[str, ...] = ()
    status: str = ""
    description: str = ""
    references: str = ""
    dtype: Any = None
    flags: type[IntEnum] | None = None

    def __post_init__(self) -> None:
        if self.flags is None and self.name.endswith("status"):
            object.__setattr__(self, "flags", Status)
        if self.dtype is None:
            object.__setattr__(self, "dtype", float if self.flags is None else np.int8)

    def attributes(self) -> dict[str, object]:
        """CF attributes: ``long_name``, ``units`` or flag values with their meanings, what is known of the rest."""
        ours = self.references.startswith(("(", "Definition", "Theorem", "Proposition", "Corollary", "Lemma", "section"))
        told = {
            "description": self.description,
            "references": f"{REFERENCE}, {self.references}" if ours else self.references,
            "ancillary_variables": self.status,
        }
        if self.flags is None:
            meaning: dict[str, object] = {"units": "1"}
        else:
            values = np.array([member.value for member in self.flags], dtype=np.int8)
            meaning = {"flag_values": values, "flag_meanings": " ".join(member.name for member in self.flags)}
        return {"long_name": self.long_name} | meaning | {key: text for key, text in told.items() if text}


_SHARED = (
    Variable("component_mean", "mean of each mixture component, in coordinates of the means' span"),
    Variable("component_weight", "weight of each mixture component"),
    Variable("component_variance", "common component variance sigma0^2 at data time"),
    Variable("ambient_dimension", "ambient dimension d of the data"),
    Variable("basis", "orthonormal basis of the means' span in the data's own coordinates"),
    Variable("origin", "origin of the span's coordinates in the data's own coordinates"),
    Variable("perpendicular_squared", "squared distance of the point from the means' span"),
    Variable("feature_scale", "what each feature of the data was divided by"),
    Variable("label", "label of the class"),
    Variable("within_class_variance", "variance within each class, mean over the features"),
    Variable(
        "within_class_anisotropy",
        "largest eigenvalue of the within-class covariance over the mean variance: 1 where isotropic",
    ),
    Variable("total_eigenvalue", "largest eigenvalue of the total covariance of the data"),
    Variable("well_quartic_coefficient", "coefficient c of the quartic potential c (x^2 - b^2)^2 - h x"),
    Variable("well_half_distance", "half the distance b of the wells of the potential c (x^2 - b^2)^2 without tilt"),
    Variable("well_tilt", "tilt h of the quartic potential c (x^2 - b^2)^2 - h x"),
    Variable(
        "position",
        "coordinates of the point at which the score is given",
        description="Point of the line through the layer in coordinates of the means' span.",
    ),
    Variable(
        "x", "position along the line through the layer", description="Distance from the line's point 0 along its direction."
    ),
    Variable(
        "x_scaled",
        "position along the line through the layer, in natural units",
        description="Multiples of half the extent of the means, or of the layer's width, as the option unit of x says.",
    ),
    Variable(
        "tau",
        "diffusion time tau, p_tau = p_0 * N(0, 2 tau I)",
        description="The component variance at tau is sigma0^2 + 2 tau; in EDM's notation 2 tau = sigma^2.",
    ),
    Variable(
        "tau_scaled",
        "diffusion time in units of the leading speciation time (wells: of their matched Gaussians)",
        description="tau is this multiple of the point's own leading speciation time.",
    ),
    Variable(
        "start",
        "position along the line through the layer from which a trajectory starts",
        description="Distance from the line's point 0, at the largest tau.",
    ),
    Variable(
        "start_scaled",
        "position along the line through the layer from which a trajectory starts, in natural units",
        description="Multiples of half the extent of the means, or of the layer's width, as the option unit of starts says.",
    ),
    Variable("r", "distance from the boundary along its normal, in widths"),
    Variable("point", "index of the point"),
    Variable("component", "index of the mixture component"),
    Variable("feature", "index of the coordinate in the means' span"),
    Variable("feature_other", "index of the coordinate in the means' span"),
    Variable("ambient", "index of the coordinate in the data's own space"),
    Variable("criterion", "name of the speciation criterion", description="What the quantity was told to look for."),
    Variable(
        "schedule",
        "label of the noise schedule",
        description="Labels of the global attribute schedules, which defines each.",
    ),
    Variable(
        "eigenmode",
        "index of the eigenvalue of the between-class covariance, largest first",
        description="Level of the cascade: the eigenvalue of this number speciates at this level.",
    ),
    Variable(
        "root",
        "index of the root of the exact criterion, ascending in tau",
        description="Places that no root fills are NaN beside root_status.",
    ),
    Variable(
        "event",
        "index of the merging event, ascending in tau",
        description="Places that no event fills are NaN beside event_status.",
    ),
    Variable(
        "order",
        "order of the correction series in the inverse noise variance",
        description="0 is the leading order; each further one adds a term to v*.",
    ),
    Variable("step", "index of the schedule's sampling time"),
    Variable(
        "form",
        "name of the form of the score's equation",
        description="Score in diffusion time, Burgers velocity, physical time, variance preserving, log density.",
    ),
    Variable(
        "interface",
        "index of the boundary between neighbouring components, ascending in position",
        description="Places that no boundary fills are NaN beside interface_status.",
    ),
    Variable(
        "distance",
        "distance from the boundary in widths v/a of its layer",
        description="Negative on the left of the boundary.",
    ),
    Variable(
        "mode",
        "index of the mode of the density",
        description="Places that no mode of the density fills are NaN beside a status.",
    ),
    Variable(
        "crossing_index",
        "index of the crossing of the line with the boundary",
        description="Places that no crossing fills are NaN beside crossing_status.",
    ),
)
SHARED = {variable.name: variable for variable in _SHARED}
"""Variables of densities, and coordinates, which no quantity makes alone."""


def is_axis(name: str) -> bool:
    """Whether a dimension is an axis of a sweep, and not one that a density or a result has of its own."""
    return name in AXES or name not in SHARED


def attributes(name: str) -> dict[str, object]:
    """CF attributes of an axis, or of a variable that is shared."""
    if name in AXES:
        words = f"Parameter of the density, and axis of the sweep; allowed is {AXES[name].allowed}."
        return {"long_name": AXES[name].long_name, "units": "1", "description": words}
    return SHARED[name].attributes()


def attributes_among(variable: Variable, variables: Iterable[Variable]) -> dict[str, object]:
    """CF attributes of one of several variables; a flag without a description names those that it explains."""
    about = [other.name for other in variables if other.status == variable.name]
    words = f"ok where {' and '.join(about) or 'the result'} can be relied on, else the reason why not."
    implied = {"description": words} if variable.flags is not None else {}
    return implied | variable.attributes()
