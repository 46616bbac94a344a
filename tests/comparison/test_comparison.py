"""Comparison of criteria and of runs, against cases worked out by hand and against loops over the points."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.comparison import compare, table
from scoreshock.quantities.sampling_times import schedule_samples
from scoreshock.schedules.schedule import schedule

from .cases import MERGED, THREE, named, outcomes


def between(found: xr.Dataset, variable: str, criterion: str, reference: str) -> np.ndarray:
    return found[variable].sel(criterion=criterion, reference_criterion=reference).values


def test_the_merging_variance_of_these_tests_is_the_published_one() -> None:
    assert pytest.approx(0.5428, abs=5e-5) == MERGED


class TestOnMixtures:
    """Through the public face, with the statements of the paper as authority."""

    def test_pairs_of_two_weights(self) -> None:
        clocks = {"ve": schedule("ve", t_end=4.0, steps=8), "vp": schedule("vp-constant", beta=2.0, t_end=5.0)}
        pairs = ss.families.pair(separation=np.array([1.0, 2.0]), variance=0.25, weight=np.array([0.5, 0.7]))
        speciation, corrections = ss.speciation(pairs, clocks), ss.corrections(pairs, order=3)
        result = compare(
            speciation, corrections, pairs, schedule_samples(clocks), ss.schedule_time(corrections.tau_order, clocks)
        )
        # Robertson and Fryer: the modes merge at v = MERGED a^2, the boundary is a boundary until v = a^2.
        gap = between(result, "difference_relative_summary", "merging", "boundary")
        np.testing.assert_allclose(gap[[0, 2]], [MERGED - 1, 0], rtol=1e-10, atol=1e-12)
        assert between(result, "difference_largest", "merging", "boundary").tolist() == [1, 1]
        assert named(result.trusted_criterion[0]) == ["exact", "merging"]
        assert outcomes(result.difference_count.sel(criterion="boundary", reference_criterion="exact")) == {
            "ok": 2,
            "no_real_root": 2,
        }

    def test_a_branch_crossing_is_flagged(self) -> None:
        means = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 0.8], [0.0, -0.8], [0.0, 0.8], [0.0, -0.8]])
        crossing = ss.mixture(means, weights=[0.04, 0.04, 0.21, 0.21, 0.25, 0.25], variance=0.01)
        result = compare(ss.speciation(crossing), ss.corrections(crossing, order=2), crossing)
        assert outcomes(result.difference_count.sel(criterion="leading", reference_criterion="exact")) == {
            "not_applicable": 1
        }
        assert "another eigenvalue's branch" in table(result)
        assert "at no point does `exact` have a root on its branch" in table(result)

    def test_all_criteria_of_an_equilateral_triangle_that_speak_of_its_centre_agree(self) -> None:
        corners = np.array([[1.0, 0.0], [-0.5, THREE], [-0.5, -THREE]])
        triangle = ss.mixture(corners, variance=0.01)
        result = compare(ss.speciation(triangle), mixture=triangle)
        agreed = result.difference_summary.sel(criterion=["leading", "first", "quadratic"], reference_criterion="exact")
        np.testing.assert_allclose(agreed, 0, atol=1e-12)
        assert "holds at the weighted mean only" in table(result)
