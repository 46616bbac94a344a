"""A numbered statement of the paper, what we compute of it, and how the verdict follows from the computed dataset alone.

A dataset that verifies a statement marks some of its variables. A *residual* (with its ``tolerance``) is how far the
numbers are from what is true; a *violation* (with its ``threshold``) is how far they are from what the paper says, in an
example where it does not hold as stated. All else in the dataset is what they were found from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.paper.configuration import Configuration

MIXTURE_TOLERANCE = 1e-12
"""Residuals of identities of mixtures, relative to the largest term."""

WELL_TOLERANCE = 1e-10
"""The same for wells, whose densities are quadratures."""

SEEN = 1e-3
"""A violation above this is no rounding."""

HOLDS, FAILS, UNCONFIRMED = "holds", "does not hold", "not confirmed"


@dataclass(frozen=True)
class Statement:
    """One numbered statement: what the paper says, what we check, and what is true instead.

    Texts are plain words with formulas between dollar signs, in LaTeX; ``equations`` are formulas alone, by the number
    that the paper gives them. ``note`` says where the statement itself comes from, if not from the paper's text.
    """

    number: str
    title: str
    claim: str
    equations: Mapping[str, str]
    check: str
    compute: Callable[[Configuration], xr.Dataset]
    functions: tuple[Callable[..., Any], ...]
    condition: str = ""
    truth: str = ""
    note: str = ""
    shown: tuple[str, ...] = ()
    figure: str = ""

    @property
    def name(self) -> str:
        """Of its file: ``theorem-4.1``."""
        return self.number.lower().replace(" ", "-")


@dataclass(frozen=True)
class Measure:
    """The largest value of a marked variable, and what it is held against."""

    name: str
    meaning: str
    largest: float
    bound: float

    @property
    def within(self) -> bool:
        """Whether every value is at most the bound: false where one is NaN."""
        return self.largest <= self.bound

    @property
    def beyond(self) -> bool:
        """Whether a value exceeds the bound and all are finite: false where one is NaN."""
        return self.bound < self.largest < np.inf

    @property
    def ratio(self) -> float:
        """Of the largest value to its bound; infinite where a value is NaN."""
        return np.inf if np.isnan(self.largest) else self.largest / self.bound


@dataclass(frozen=True)
class Outcome:
    """The verdict on a statement, and the measures that it follows from."""

    verdict: str
    residuals: tuple[Measure, ...]
    violations: tuple[Measure, ...]

    @property
    def confirmed(self) -> bool:
        """Whether what we say is true was found so."""
        return self.verdict != UNCONFIRMED

    @property
    def closest(self) -> Measure:
        """The residual that is nearest to its tolerance."""
        return max(self.residuals, key=lambda measure: measure.ratio)


def judge(dataset: xr.Dataset, condition: str = "") -> Outcome:
    """The verdict of a statement's dataset.

    Parameters
    ----------
    dataset
        With variables marked as residuals or violations.
    condition
        When the statement holds, where it does not hold as stated.

    Returns
    -------
    Outcome
        ``holds``, ``holds if <condition>`` or ``does not hold``; ``not confirmed`` where a residual is missing, NaN or
        above its tolerance, or a violation is missing, NaN, infinite or below its threshold.

    Examples
    --------
    >>> found = xr.Dataset({"gap": residual("n", [1e-15, 2e-16], "the gap"), "root": violation((), 1.0, "second roots")})
    >>> judge(found).verdict, judge(found.drop_vars("root")).verdict
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
    """Largest size; NaN where one value is NaN, or where there is none."""
    return float(np.abs(values).max()) if values.size else np.nan


def value(dims: Any, values: Any, long_name: str, **attributes: Any) -> xr.Variable:
    """A variable with its meaning; of ``dims`` a DataArray has its own."""
    array = values if isinstance(values, xr.DataArray) else xr.DataArray(np.asarray(values), dims=_names(dims))
    return xr.Variable(array.dims, array.values, {"long_name": long_name, "units": "1", **attributes})


def residual(dims: Any, values: Any, long_name: str, tolerance: float = MIXTURE_TOLERANCE) -> xr.Variable:
    """How far the numbers are from what is true: the statement is not confirmed where one exceeds ``tolerance``."""
    return value(dims, values, long_name, tolerance=tolerance)


def violation(dims: Any, values: Any, long_name: str, threshold: float = SEEN) -> xr.Variable:
    """How far the numbers are from what the paper says, where that fails."""
    return value(dims, values, long_name, threshold=threshold)


def _names(dims: Any) -> Sequence[str]:
    return (dims,) if isinstance(dims, str) else tuple(dims)


def relative(found: Any, expected: Any, *terms: Any) -> Any:
    """``|found - expected|`` over the largest of ``expected`` and the ``terms`` that it is a sum of, point by point."""
    scale = abs(expected)
    for term in terms:
        scale = np.maximum(scale, abs(term))
    gap = abs(found - expected)
    return xr.where(gap == 0, 0.0, gap / scale) if isinstance(gap, xr.DataArray) else np.where(gap == 0, 0.0, gap / scale)


def slope(values: np.ndarray, parameter: np.ndarray) -> np.ndarray:
    """Exponent of a power law, between neighbouring values of the parameter."""
    return np.diff(np.log(np.abs(values))) / np.diff(np.log(parameter))
