"""Network calls of a sampler inside a guidance interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status


class GuidedCalls(NamedTuple):
    """Indices of calls from noise (-1: none), their number, whole and fractional, and the interval at calls, (...)."""

    first_call: np.ndarray
    last_call: np.ndarray
    n_calls: np.ndarray
    n_calls_fractional: np.ndarray
    snapped_high: np.ndarray
    snapped_low: np.ndarray
    percent_start: np.ndarray
    percent_end: np.ndarray
    calls_status: np.ndarray


def guided_calls(low: np.ndarray, high: np.ndarray, levels: np.ndarray) -> GuidedCalls:
    """Calls with ``low < sigma <= high (...)`` of a sampler whose calls are at ``levels (m,)``, positive and never rising.

    Levels may repeat, as of solvers of second order, and begin at infinity; fractions are between those that differ.

    Examples
    --------
    >>> found = guided_calls(np.array(0.5), np.array(3.0), np.array([4.0, 2.0, 1.0, 0.5]))
    >>> int(found.first_call), int(found.n_calls), float(found.n_calls_fractional.round(3))
    (1, 2, 2.585)
    """
    count = len(levels)
    rising = levels[::-1]
    first, after = (count - np.searchsorted(rising, end, side="right") for end in (high, low))
    n = np.maximum(after - first, 0)
    none = n == 0
    with np.errstate(all="ignore"):
        finite, place_of = np.unique(np.where(np.isfinite(rising), rising, np.nan), return_index=True)
        known = np.isfinite(finite)
        ladder = np.log(finite[known]), count - 1.0 - place_of[known]
        place = [np.interp(np.log(end), *ladder) for end in (high, low)]
    after_levels = np.append(levels, 0.0)
    numbers = (after_levels[first], after_levels[after], 100 * first / count, 100 * after / count)
    status = np.where(none, np.int8(Status.not_applicable), np.int8(Status.ok))
    indices = np.where(none, -1, first), np.where(none, -1, after - 1), n
    return GuidedCalls._make([*indices, place[1] - place[0], *(np.where(none, np.nan, each) for each in numbers), status])
