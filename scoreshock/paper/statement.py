"""Numbered statements of the paper, their computed datasets, and the verdicts that follow from the datasets.

Some variables of a dataset are marked. A *residual* (with its ``tolerance``) is the deviation of the numbers from the
correct statement; a *violation* (with its ``threshold``) is their deviation from the paper's statement in a
counter-example. The other variables are intermediate results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.paper.configuration import Configuration

MIXTURE_TOLERANCE = 1e-12
"""Tolerance of identities of mixtures, relative to the largest term."""

WELL_TOLERANCE = 1e-10
"""Tolerance of identities of wells, whose densities are computed by quadrature."""

VISIBLE = 1e-3
"""Default threshold of violations, far above rounding."""

HOLDS, FAILS, UNCONFIRMED = "holds", "does not hold", "not confirmed"


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
    compute: Callable[[Configuration], xr.Dataset]
    functions: tuple[Callable[..., Any], ...]
    condition: str = ""
    truth: str = ""
    note: str = ""
    shown: tuple[str, ...] = ()
    figure: str = ""

    @property
    def name(self) -> str:
        """Name of its file, such as ``theorem-4.1``."""
        return self.number.lower().replace(" ", "-")


@dataclass(frozen=True)
class Measure:
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


@dataclass(frozen=True)
class Outcome:
    """The verdict on a statement, and the measures that determine it."""

    verdict: str
    residuals: tuple[Measure, ...]
    violations: tuple[Measure, ...]

    @property
    def confirmed(self) -> bool:
        """Whether the numbers confirm the correct statement."""
        return self.verdict != UNCONFIRMED

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
    >>> dataset = xr.Dataset({"gap": residual("n", [1e-15, 2e-16], "the gap"), "root": violation((), 1.0, "second roots")})
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


def value(dims: Any, values: Any, long_name: str, **attributes: Any) -> xr.Variable:
    """A variable with its ``long_name``; ``dims`` is ignored for a DataArray."""
    array = values if isinstance(values, xr.DataArray) else xr.DataArray(np.asarray(values), dims=_names(dims))
    return xr.Variable(array.dims, array.values, {"long_name": long_name, "units": "1", **attributes})


def residual(dims: Any, values: Any, long_name: str, tolerance: float = MIXTURE_TOLERANCE) -> xr.Variable:
    """Deviation from the correct statement, which is not confirmed if a value exceeds ``tolerance``."""
    return value(dims, values, long_name, tolerance=tolerance)


def violation(dims: Any, values: Any, long_name: str, threshold: float = VISIBLE) -> xr.Variable:
    """Deviation from the paper's statement in a counter-example."""
    return value(dims, values, long_name, threshold=threshold)


def _names(dims: Any) -> Sequence[str]:
    return (dims,) if isinstance(dims, str) else tuple(dims)


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
