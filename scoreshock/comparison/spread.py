"""Minimum, median and maximum of chunked numbers, bitwise identical for any chunks in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

STATISTICS = ("min", "median", "max")

BINS = 2**16
"""Number of bins for medians: a bin is the upper half of a 4-byte float (sign, exponent, seven bits of the mantissa).

Exact medians would need memory proportional to the sweep."""

MEDIAN_ERROR = 2.0**-8
"""Maximum relative error of a median: half the widest bin."""


@dataclass(frozen=True)
class Spread:
    """Statistics of R rows of numbers; ``a + b`` are those of the concatenated rows, and the sum commutes.

    ``low, high, largest (R,)`` are minimum, maximum and maximum absolute value of each row; ``at (R,)`` is the index of the
    first point with that absolute value (-1 for an empty row); ``keys, counts (K,)`` are the occupied bins, row by row.
    """

    low: np.ndarray
    high: np.ndarray
    largest: np.ndarray
    at: np.ndarray
    keys: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[np.ndarray], points: Sequence[np.ndarray | None] | None = None) -> Spread:
        """Statistics of ``rows``, each (n,); ``points`` are the indices of their points, (n,) or None for 0 to n - 1."""
        low, high = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
        largest, at = np.full(len(rows), -1.0), np.full(len(rows), -1)
        keys, counts = [np.empty(0, int)], [np.empty(0, int)]
        for r, row in enumerate(rows):
            if not row.size:
                continue
            row = row + 0.0  # turns -0.0 into 0.0; otherwise the order of the chunks would decide between them
            low[r], high[r] = row.min(), row.max()
            largest[r] = max(high[r], -low[r])
            if points is not None:
                i, index = np.argmax(np.abs(row)), points[r]
                at[r] = i if index is None else index[i]
            with np.errstate(over="ignore", under="ignore"):
                bins = np.bincount(row.astype(np.float32).view(np.uint32) >> 16, minlength=BINS)
            used = np.flatnonzero(bins)
            keys.append(r * BINS + np.where(used < BINS // 2, used + BINS // 2, BINS - 1 - used))
            counts.append(bins[used])
        return cls(low, high, largest, at, *_sorted(np.concatenate(keys), np.concatenate(counts)))

    def __add__(self, other: Spread) -> Spread:
        later = (other.largest > self.largest) | ((other.largest == self.largest) & (other.at < self.at))
        return Spread(
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            np.where(later, other.largest, self.largest),
            np.where(later, other.at, self.at),
            *_sorted(np.concatenate([self.keys, other.keys]), np.concatenate([self.counts, other.counts])),
        )

    def statistics(self) -> np.ndarray:
        """`STATISTICS` of each row, (R, 3); NaN for an empty row."""
        ends = np.searchsorted(self.keys, np.arange(len(self.low) + 1) * BINS)
        middle = np.full(len(self.low), np.nan)
        for r, (start, end) in enumerate(pairwise(ends)):
            if end > start:
                total = np.cumsum(self.counts[start:end])
                both = np.searchsorted(total, [(total[-1] - 1) // 2, total[-1] // 2], side="right")
                middle[r] = np.clip(_middle(self.keys[start + both] - r * BINS).mean(), self.low[r], self.high[r])
        empty = np.isnan(middle)
        return np.stack([np.where(empty, np.nan, self.low), middle, np.where(empty, np.nan, self.high)], axis=-1)


def _sorted(keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unique keys in ascending order, with the sums of their counts."""
    unique, inverse = np.unique(keys, return_inverse=True)
    return unique, np.bincount(inverse, weights=counts, minlength=len(unique)).astype(int)


def _middle(keys: np.ndarray) -> np.ndarray:
    """Centres of bins by their ascending number; 0 for the bin of 0, finite for the bin of infinity."""
    positive = keys >= BINS // 2
    upper = np.where(positive, keys - BINS // 2, BINS // 2 - 1 - keys)
    bits = (np.minimum(upper, 0x7F7F) << 16 | 0x8000).astype(np.uint32)
    return np.where(upper == 0, 0.0, np.where(positive, 1.0, -1.0) * bits.view(np.float32))
