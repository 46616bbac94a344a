"""The order of decisions in a report: partings, and which pairs of classes part last."""

from __future__ import annotations

import numpy as np

import scoreshock as ss
from scoreshock.figures.style import short
from scoreshock.reports import order


def test_the_pairs_that_part_last_are_the_nearest():
    moments = ss.when(ss.mixture([0.0, 1.0, 3.0, 7.0], variance=0.01), criteria=["exact"])
    rows = order.pair_rows(moments)
    assert [row[:2] for row in rows] == [["0", "3"], ["1", "3"], ["2", "3"], ["0", "2"], ["1", "2"], ["0", "1"]]
    levels = moments.sigma_pair.sel(remaining=0.5).values
    assert [row[2] for row in rows] == [short(each) for each in np.sort(levels)[::-1]]
    assert order.last_pairs(moments)[0].endswith(f"0 and 3 at {rows[0][2]}.")
    assert order.order_rows(moments)[0][1] == "0, 1, 2 | 3"
