"""Numbered statements of the paper, their computed datasets, and the verdicts that follow from the datasets.

Some variables of a dataset are marked. A *residual* (with its ``tolerance``) is the deviation of the numbers from the
correct statement; a *violation* (with its ``threshold``) is their deviation from the paper's statement in a
counter-example. The other variables are intermediate results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock.paper.configuration import Setup

MIXTURE_TOLERANCE = 1e-12
"""Tolerance of identities of mixtures, relative to the largest term."""

VISIBLE = 1e-3
"""Default threshold of violations, far above rounding."""

HOLDS, FAILS, UNCONFIRMED = "holds", "does not hold", "not confirmed"


Compute = Callable[[Setup], xr.Dataset]
Functions = tuple[Callable[..., Any], ...]
Dims = str | Sequence[str]


@dataclass(frozen=True)
class Statement:
    """One numbered statement: the paper's claim, our check, and the correct statement.

    Texts contain formulas in LaTeX between dollar signs; ``equations`` are formulas by their number in the paper. ``note``
    explains the source of a statement that is not in the paper's text.
    """

    number: str
    title: str
    claim: str
    equations: Mapping[str, str]
    check: str
    functions: Functions
    compute: Compute
    condition: str = ""
    truth: str = ""
    note: str = ""
    shown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of its file, such as ``theorem-4.1``."""
        return self.number.lower().replace(" ", "-")


def statement(
    heading: str, claim: str, equations: Mapping[str, str], check: str, functions: Functions, **optional: Any
) -> Callable[[Compute], Statement]:
    """Declare a statement by decorating the function that computes its dataset.

    ``heading`` is its number and title, such as ``"Theorem 4.1: Score PDE"``; the others are fields of `Statement`.
    """
    number, title = heading.split(": ")
    return lambda compute: Statement(number, title, claim, equations, check, functions, compute, **optional)


class Measure(NamedTuple):
    """The largest absolute value of a marked variable, and its bound."""

    name: str
    meaning: str
    largest: float
    bound: float

    @property
    def within(self) -> bool:
        """Whether all values are at most the bound; False if one is NaN."""
        return self.largest <= self.bound

    @property
    def beyond(self) -> bool:
        """Whether a value exceeds the bound and all are finite; False if one is NaN."""
        return self.bound < self.largest < np.inf

    @property
    def ratio(self) -> float:
        """Ratio of the largest value to the bound; infinite if one is NaN."""
        return np.inf if np.isnan(self.largest) else self.largest / self.bound


class Outcome(NamedTuple):
    """The verdict on a statement, and the measures that determine it."""

    verdict: str
    residuals: tuple[Measure, ...]
    violations: tuple[Measure, ...]

    @property
    def closest(self) -> Measure:
        """The residual that is closest to its tolerance."""
        return max(self.residuals, key=lambda measure: measure.ratio)


def judge(dataset: xr.Dataset, condition: str = "") -> Outcome:
    """Derive the verdict from the dataset of a statement.

    Parameters
    ----------
    dataset
        Dataset with variables marked as residuals or violations.
    condition
        Condition under which the statement holds, if it does not hold as stated.

    Returns
    -------
    Outcome
        ``holds``, ``holds if <condition>`` or ``does not hold``; ``not confirmed`` if a residual is missing, NaN or above
        its tolerance, or a violation is missing, NaN, infinite or below its threshold.

    Examples
    --------
    >>> dataset = xr.Dataset({"gap": residual([1e-15, 2e-16], "the gap", dims="n"), "root": violation(1.0, "second roots")})
    >>> judge(dataset).verdict, judge(dataset.drop_vars("root")).verdict
    ('does not hold', 'holds')
    """
    residuals = _measures(dataset, "tolerance")
    violations = _measures(dataset, "threshold")
    sound = bool(residuals) and all(measure.within for measure in residuals)
    if not sound or not all(measure.beyond for measure in violations):
        verdict = UNCONFIRMED
    elif violations:
        verdict = f"{HOLDS} if {condition}" if condition else FAILS
    else:
        verdict = UNCONFIRMED if condition else HOLDS
    return Outcome(verdict, residuals, violations)


def _measures(dataset: xr.Dataset, bound: str) -> tuple[Measure, ...]:
    marked = [variable for variable in dataset.data_vars.values() if bound in variable.attrs]
    return tuple(Measure(str(v.name), str(v.attrs["long_name"]), _largest(v.values), float(v.attrs[bound])) for v in marked)


def _largest(values: np.ndarray) -> float:
    """Largest absolute value; NaN if one value is NaN or there is none."""
    return float(np.abs(values).max()) if values.size else np.nan


def dataset(*coords: Mapping[Any, Any], **variables: Any) -> xr.Dataset:
    """Dataset of named variables with the coordinates of several mappings."""
    return xr.Dataset(variables, {name: each for mapping in coords for name, each in mapping.items()})


def value(values: Any, long_name: str, dims: Dims = (), **attributes: Any) -> xr.Variable:
    """A variable with its ``long_name``; ``dims`` are those of an array; a DataArray has dimensions."""
    names = (dims,) if isinstance(dims, str) else dims
    array = values if isinstance(values, xr.DataArray) else xr.DataArray(np.asarray(values), dims=names)
    return xr.Variable(array.dims, array.values, {"long_name": long_name, "units": "1", **attributes})


def residual(values: Any, long_name: str, tolerance: float = MIXTURE_TOLERANCE, dims: Dims = ()) -> xr.Variable:
    """Deviation from the correct statement, which must be at most ``tolerance``; a condition counts as 1."""
    variable = value(values, long_name, dims, tolerance=tolerance)
    return variable.astype(float) if variable.dtype == bool else variable


def deviation(actual: Any, expected: Any, meaning: str, tolerance: float = MIXTURE_TOLERANCE) -> xr.Variable:
    """Residual of ``actual`` relative to ``expected``."""
    return residual(relative(actual, expected), f"{meaning}, relative", tolerance)


def violation(values: Any, long_name: str, dims: Dims = ()) -> xr.Variable:
    """Deviation from the paper's statement in a counter-example."""
    return value(values, long_name, dims, threshold=VISIBLE)


def relative(actual: Any, expected: Any, *terms: Any) -> Any:
    """``|actual - expected|`` over the largest of ``|expected|`` and the absolute values of its ``terms``, pointwise."""
    scale = abs(expected)
    for term in terms:
        scale = np.maximum(scale, abs(term))
    gap = abs(actual - expected)
    return xr.where(gap == 0, 0.0, gap / scale) if isinstance(gap, xr.DataArray) else np.where(gap == 0, 0.0, gap / scale)


def slope(values: np.ndarray, parameter: np.ndarray) -> np.ndarray:
    """Exponent of a power law, between consecutive values of the parameter."""
    return np.diff(np.log(np.abs(values))) / np.diff(np.log(parameter))
