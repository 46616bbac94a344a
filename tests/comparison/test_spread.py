"""Statistics of differences, gathered in parts."""

from __future__ import annotations

import itertools

import numpy as np

from scoreshock.comparison.spread import MEDIAN_ERROR, Spread


class TestSpread:
    def test_statistics_are_those_of_sorting_whatever_the_parts_and_their_order(self) -> None:
        rng = np.random.default_rng(3)
        rows = [
            rng.normal(size=1001) * 10.0 ** rng.integers(-9, 9, 1001),
            np.repeat([0.0, -0.0, 2.5], [4, 5, 3]),
            np.array([1e300, -1e300, 5e-320, 1.0]),
            np.array([-7.25]),
            np.empty(0),
        ]
        whole = Spread.of(rows, [None] * len(rows))
        for row, (low, middle, high), at in zip(rows[:-1], whole.statistics(), whole.at, strict=False):
            ordered = np.sort(row)
            sides = ordered[[(len(row) - 1) // 2, len(row) // 2]]
            assert (low, high) == (ordered[0], ordered[-1])
            assert abs(middle - sides.mean()) <= 1.0001 * MEDIAN_ERROR * np.abs(sides).mean() + 1e-38 or abs(middle) > 1e38
            assert at == np.flatnonzero(np.abs(row) == np.abs(row).max())[0]
        assert np.isnan(whole.statistics()[-1]).all()
        assert whole.at[-1] == -1
        cuts = [np.sort(rng.integers(0, len(row) + 1, 3)) for row in rows]
        parts = [
            [np.arange(len(row))[start:end] for row, start, end in zip(rows, starts, ends, strict=True)]
            for starts, ends in itertools.pairwise([[0] * len(rows), *zip(*cuts, strict=True), [len(row) for row in rows]])
        ]
        for order in itertools.permutations(parts):
            spreads = [Spread.of([row[i] for row, i in zip(rows, part, strict=True)], part) for part in order]
            added = spreads[0] + spreads[1] + (spreads[2] + spreads[3])
            assert added.statistics().tobytes() == whole.statistics().tobytes()
            assert added.at.tolist() == whole.at.tolist()
