"""The vocabulary: axes, status flags, how a variable is declared, and the variables that no quantity makes alone.

Data are in the model's own units, so that the unit of every variable is 1; flags end in ``status``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from scoreshock.checks import as_array, shortened, show

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


WORDS = {
    "missing": "not computed, or its file cannot be read",
    "ok": "the value can be relied on",
    "no_transition": "nothing to merge or to separate: coinciding means, a single well, for spectral no variance above 1",
    "no_real_root": "the equation of the criterion has no real root",
    "below_data_variance": "the condition would hold only below the data variance, at tau <= 0: no transition happens",
    "diverged": "the series diverges: its partial sums do not settle",
    "singular": "a denominator or a determinant vanishes, such as v = 0",
    "not_applicable": "the quantity is not defined here, or its method does not apply to this density",
    "failed": "the computation ended without an answer: please report the parameters",
    "unresolved": "what decides is smaller than rounding or the tolerance",
    "before_start": "the schedule never has so little noise",
    "beyond_end": "the schedule never has so much noise",
    "no_tau": "there is no diffusion time to find in the schedule",
}
"""Meanings of the members of `Status` and `TimeStatus`, by name."""


@dataclass(frozen=True)
class Axis:
    """An axis of a sweep: its meaning, a sentence more, and the values from ``low`` to ``high`` that it can have."""

    long_name: str
    low: float = 0.0
    high: float = np.inf
    low_open: bool = False
    integer: bool = False
    description: str = ""

    @property
    def meaning(self) -> str:
        """What the axis is, with the sentence more if there is one."""
        return ". ".join(filter(None, [self.long_name, self.description.rstrip(".")]))

    @property
    def allowed(self) -> str:
        """Allowed values, in words."""
        if self.integer:
            return f"a whole number >= {self.low:g}"
        if np.isfinite(self.high):
            return f"a number strictly between {self.low:g} and {self.high:g}"
        limit = f" {'>' if self.low_open else '>='} {self.low:g}" if np.isfinite(self.low) else ""
        return f"a finite number{limit}"

    def accepts(self, values: np.ndarray) -> np.ndarray:
        """Which of ``values`` are allowed, element by element (NaN never is)."""
        above = values > self.low if self.low_open else values >= self.low
        is_number = values == np.floor(values) if self.integer else np.isfinite(values)
        return above & (values < self.high) & is_number


AXES = {
    "separation": Axis(
        "separation a, the scale of the means",
        description="Half the distance of the means of a pair, at -a and +a, and the scale of the means in other families.",
    ),
    "variance": Axis("component variance sigma0^2 at data time"),
    "weight": Axis(
        "weight of the marked component",
        high=1.0,
        low_open=True,
        description="Of a pair the component at +separation.",
    ),
    "dimension": Axis("ambient dimension d of the data", 1, 2.0**53, integer=True),
    "ratio": Axis("ratio of the scales of successive levels of a hierarchy", high=1.0, low_open=True),
    "realization": Axis("index of a random draw of the means", 0, 2.0**53, integer=True),
    "quartic_coefficient": Axis("coefficient c of the quartic potential c (x^2 - b^2)^2 - h x", low_open=True),
    "half_distance": Axis("half-distance b of the wells", description="Of the potential c (x^2 - b^2)^2 without tilt."),
    "tilt": Axis("tilt h of the quartic potential c (x^2 - b^2)^2 - h x", -np.inf, low_open=True),
}


@dataclass(frozen=True)
class ListedAxis(Axis):
    """An axis of a file, which takes the values of its coordinate there, described by the ``attributes`` there."""

    values: tuple[float, ...] = ()
    attributes: tuple[tuple[str, object], ...] = ()

    @property
    def allowed(self) -> str:
        """Allowed values, in words."""
        return f"values of the file: {shortened(', '.join(map(str, self.values)))}"

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
        meaning: dict[str, object] = {"units": "1"} if self.flags is None else flag_attributes(self.flags)
        return {"long_name": self.long_name} | meaning | {key: text for key, text in told.items() if text}


def flag_attributes(kind: type[IntEnum]) -> dict[str, object]:
    """CF attributes of a variable whose values are members of ``kind``."""
    values = np.array([member.value for member in kind], dtype=np.int8)
    return {"flag_values": values, "flag_meanings": " ".join(member.name for member in kind)}


def words_of(values: np.ndarray, attributes: Mapping[Any, Any]) -> np.ndarray:
    """Words that values stand for by the CF attributes of a flag; the values themselves where there are none.

    Examples
    --------
    >>> words_of(np.array([1, 0]), {"flag_values": [0, 1], "flag_meanings": "none layer"}).tolist()
    ['layer', 'none']
    """
    known = dict(
        zip(
            np.ravel(attributes.get("flag_values", ())).tolist(),
            str(attributes.get("flag_meanings", "")).split(),
            strict=True,
        )
    )
    return np.array([known[value] for value in values.tolist()]) if known else values


def entries(text: str) -> list[str]:
    """Entries of `variables`, one line each; the lines of an entry after its first are indented.

    Examples
    --------
    >>> entries('''
    ...     width: width of the layer
    ...         | Of a pair v/a.
    ...     jump: jump of the score
    ...     ''')
    ['width: width of the layer | Of a pair v/a.', 'jump: jump of the score']
    """
    return [" ".join(entry.split()) for entry in re.split(r"\n(?! )", inspect.cleandoc(text))]


def variables(text: str, *known: Variable, **flags: type[IntEnum]) -> tuple[Variable, ...]:
    """Declare several variables, with an entry for each.

    Parameters
    ----------
    text
        Entries ``name(dimensions) type, status: long name | description | references``; everything but the name and the
        long name may be left out. An entry that is the name of a ``known`` variable stands for this one.
    flags
        Meanings of flag variables by name, where they are not those of `Status`.

    Examples
    --------
    >>> jump, count = variables('''
    ...     jump(feature), layer_status: jump of the score | Across the boundary. | (41)
    ...     n_roots int16: number of roots
    ...     ''')
    >>> jump.dims, jump.status, jump.references, count.dtype
    (('feature',), 'layer_status', '(41)', 'int16')
    """
    named = {variable.name: variable for variable in known}
    return tuple(named[entry] if entry in named else _variable(entry, flags) for entry in entries(text))


_ENTRY = re.compile(r"(?P<name>\w+)(\((?P<dims>[^)]*)\))?( (?P<dtype>\w+))?(, (?P<status>\w+))?: (?P<long_name>.*)")


def _variable(entry: str, flags: Mapping[str, type[IntEnum]]) -> Variable:
    begin, description, references, *more = [*map(str.strip, re.split(r" \|(?= )", entry)), "", ""]
    declared = _ENTRY.fullmatch(begin)
    if declared is None or any(more):
        allowed = "name: long name | description | references, or a known name"
        raise ValueError(f"{show(entry)} declares no variable; allowed: {allowed}")
    name, dims, dtype, status, long_name = declared.group("name", "dims", "dtype", "status", "long_name")
    own = tuple(dims.split(", ")) if dims else ()
    return Variable(name, long_name, own, status or "", description, references, dtype, flags.get(name))


_SHARED = variables(
    """
    component_mean: mean of each mixture component
        | In coordinates of the means' span.
    component_weight: weight of each mixture component
    component_variance: component variance sigma0^2 at data time
        | In all directions, of all components unless it has the dimension component; beside covariance_eigenvalue in all
        directions other than those.
    covariance_eigenvalue: variance of the components at data time along each direction
        | Of all components, unless it has the dimension component.
    covariance_direction: directions of the variances covariance_eigenvalue
        | Unit vectors in coordinates of the features. Without this variable the directions are the features.
    ambient_dimension: ambient dimension d of the data
    basis: orthonormal basis of the means' span
        | In the data's own coordinates.
    origin: origin of the coordinates of the means' span
        | In the data's own coordinates.
    perpendicular_squared: squared distance of the point from the means' span
    feature_scale: what each feature of the data was divided by
    feature_offset: what was subtracted from each feature of the data
        | Before it was divided by feature_scale.
    feature_name: name of each feature of the data
    label: label of the class
    within_class_variance: variance within each class, mean over the features
    within_class_anisotropy: anisotropy of the within-class covariance
        | Its largest eigenvalue over the mean variance: 1 where isotropic.
    total_eigenvalue: largest eigenvalue of the total covariance of the data
    well_quartic_coefficient: coefficient c of the quartic potential c (x^2 - b^2)^2 - h x
    well_half_distance: half-distance b of the wells
        | Of the potential c (x^2 - b^2)^2 without tilt.
    well_tilt: tilt h of the quartic potential c (x^2 - b^2)^2 - h x
    position: coordinates of the point at which the score is given
        | Point of the line through the layer in coordinates of the means' span.
    x: position along the line through the layer | Distance from the line's point 0 along its direction.
    x_scaled: position along the line through the layer, in natural units
        | Multiples of half the extent of the means, or of the layer's width, as the option unit of x says.
    tau: diffusion time tau
        | p_tau is p_0 convolved with N(0, 2 tau I). The component variance at tau is sigma0^2 + 2 tau; in EDM's notation 2
        tau = sigma^2.
    tau_scaled: diffusion time in units of the leading speciation time
        | Of wells that of their matched Gaussians. tau is this multiple of the point's own leading speciation time.
    tau_relative: diffusion time in units of the mean component variance | Of sigma0^2, the mean of tr S_k/d over components.
    structure: structure of the components' covariances
        | One variance, one matrix that is the mean of theirs, and their own.
    plane_x: first coordinate in the plane of the means | Of the grid on which fields are given.
    plane_y: second coordinate in the plane of the means | Of the grid on which fields are given.
    plane_x_scaled: first coordinate in the plane, in natural units
        | From the centre of the means, in multiples of half the longer side of the rectangle that they span.
    plane_y_scaled: second coordinate in the plane, in natural units
        | From the centre of the means, in multiples of half the longer side of the rectangle that they span.
    start: start of the trajectory on the line through the layer
        | Distance from the line's point 0, at the largest tau.
    start_scaled: start of the trajectory on the line, in natural units
        | Multiples of half the extent of the means, or of the layer's width, as the option unit of starts says.
    r: distance from the boundary along its normal, in widths
    point: index of the point
    component: index of the mixture component
    feature: index of the coordinate in the means' span
    feature_other: index of the coordinate in the means' span
    ambient: index of the coordinate in the data's own space
    direction: index of the direction of covariance_eigenvalue
    criterion: name of the speciation criterion | What the quantity was told to look for.
    schedule: label of the noise schedule | Labels of the global attribute schedules, which defines each.
    eigenmode: index of the eigenvalue, largest first
        | Of the between-class covariance. Level of the cascade: the eigenvalue of this number speciates at this level.
    root: index of the root of the exact criterion, ascending in tau | Places that no root fills are NaN beside root_status.
    event: index of the merging event, ascending in tau | Places that no event fills are NaN beside event_status.
    order: order of the correction series in the inverse noise variance
        | 0 is the leading order; each further one adds a term to v*.
    step: index of the schedule's sampling time, from noise to data
        | Counts from 0 as the sampler runs: 0 is the first and noisiest call of the network.
    call: index of the call of the network, from noise to data | Places that no call fills are 0.
    form: name of the form of the score's equation
        | Score in diffusion time, Burgers velocity, physical time, variance preserving, log density.
    interface: index of the boundary between neighbouring components
        | Ascending in position. Places that no boundary fills are NaN beside interface_status.
    distance: distance from the boundary in widths v/a of its layer | Negative on the left of the boundary.
    mode: index of the mode of the density | Places that no mode of the density fills are NaN beside a status.
    crossing_index: index of the crossing of the line with the boundary
        | Places that no crossing fills are NaN beside crossing_status.
    remaining: share of the entropy of the classes that remains
        | In generation it falls from the greatest, where classes are open, to the least, where they are decided.
    moment: name of the moment of generation
        | A criterion of speciation; "decision begins", "half decided" and "decided" by class entropy; "collapse".
    route: route to a number | By the model of the data, or of their samples alone, by the empirical score.
    pair: index of the pair of classes | Classes in the order of their components, the first with each later one first.
    triple: index of the triple of components
        | In the order (0, 1, 2), (0, 1, 3), ... Each with all later ones, as pairs are.
    class_first: name of the first class of the pair | Label of a component, or of the class that components form.
    class_second: name of the second class of the pair | Label of a component, or of the class that components form.
    class_name: name of the component | Label of its class, else its index.
    parting: index of the parting of classes, in the order of generation | From much noise to little.
    clock: name of the clock
        | Equal steps of int mmse/sigma^3 dsigma, conditional entropy: entropic; of int mmse/sigma^2 dsigma: rescaled.
    rule: rule that spaces the noise levels of a sampler
    solver: name of the sampler
    calls: calls of the score that a sampler may make
    reading: how a model is read as a score
    region: region of space | By the layer between the two most probable components.
    sampler: name of the sampler | The probability flow, or the reverse SDE.
    equation: name of the equation of the score
        | gradient: s_tau = grad(div s + |s|^2); burgers: s_tau = Lap s + 2 (s . grad) s.
    boundary_pair: index of the pair of components with a boundary | The heaviest layer first.
    slice_point: index of the point of the slice normal to the boundary | From the first component's side to the second's.
    level: index of the noise level, in the order of generation | From much noise to little.
    guidance_weight: weight of the class's score, 1 without guidance
        | The score is w s(x given c) + (1 - w) s(x).
    sigma_low: noise level at and below which there is no guidance | sqrt(2 tau), the noise of x/alpha.
    sigma_high: noise level up to which there is guidance | sqrt(2 tau), the noise of x/alpha.
    outside_weight: weight of the class's score outside the guidance interval | 1 the class's score alone, 0 that of all.
    noise_share: share eta of noise in generation | 0 is the probability flow, 1 the reverse SDE.
    edge: end of the interval on the line | lower or upper.
    replicate: index of the bootstrap replicate of the data | Of samples with random weights.
    training_samples: number of samples that a score is fitted to | Draws of the density.
    network_parameter: weights and biases of the network
        | Of one multilayer perceptron, layer after layer, each as weight (in, out) by rows, then bias (out).
    training_sample: sample of the data that a network may have learned by heart
    parameter: index of the weight or bias of a network
    sample: index of the sample
    """
)
SHARED = {variable.name: variable for variable in _SHARED}
"""Variables of densities, and coordinates, which no quantity makes alone."""


def is_axis(name: str) -> bool:
    """Whether a dimension is an axis of a sweep, and not one that a density or a result has of its own."""
    return name in AXES or name not in SHARED


def attributes(name: str) -> dict[str, object]:
    """CF attributes of an axis, or of a variable that is shared."""
    if name in AXES:
        told = f"{AXES[name].description} ".lstrip()
        words = f"{told}Parameter of the density, and axis of the sweep; allowed is {AXES[name].allowed}."
        return {"long_name": AXES[name].long_name, "units": "1", "description": words}
    return SHARED[name].attributes()


def attributes_among(variable: Variable, variables: Iterable[Variable]) -> dict[str, object]:
    """CF attributes of one of several variables; a flag without a description names those that it explains."""
    about = [other.name for other in variables if other.status == variable.name]
    words = f"ok where {' and '.join(about) or 'the result'} can be relied on, else the reason why not."
    implied = {"description": words} if variable.flags is not None else {}
    return implied | variable.attributes()
