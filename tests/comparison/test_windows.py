"""The window between the criteria, and the share of a schedule that lies in it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scoreshock.comparison import compare
from scoreshock.conventions import Status, TimeStatus
from scoreshock.quantities.sampling_times import schedule_samples
from scoreshock.schedules.schedule import schedule

from .cases import FLOOR, NO_ROOT, OK, VOID, named, outcomes, placed, result, simple


class TestWindow:
    def test_the_window_runs_between_the_earliest_and_the_latest_criterion_that_is_ok(self) -> None:
        found = compare(
            result([{"leading": (9.0, FLOOR), "exact": (0.5, OK), "merging": (0.25, OK), "spectral": (1.5, OK)}])
        )
        assert found.window_width.item() == 1.25
        assert named(found.window_start_criterion) == ["merging"]
        assert named(found.window_end_criterion) == ["spectral"]
        assert found.window_status.item() == OK

    def test_without_a_time_the_window_tells_the_reason_that_all_criteria_share(self) -> None:
        floor = {"leading": (-0.1, FLOOR), "exact": (math.nan, FLOOR), "boundary": (math.nan, VOID)}
        mixed = {"leading": (-0.1, FLOOR), "exact": (math.nan, NO_ROOT), "boundary": (math.nan, VOID)}
        absent = dict.fromkeys(floor, (math.nan, Status.missing))
        found = compare(result([floor, mixed, absent, dict.fromkeys(floor, (math.nan, VOID))]))
        assert found.window_status.values.tolist() == [FLOOR, VOID, Status.missing, VOID]
        assert np.isnan(found.window_width).all()
        assert (found.window_start_criterion == -1).all()

    def test_shares_of_a_schedule_by_counting(self) -> None:
        # Sampling times of tau: 2, 1.5, 1, 0.5, 0. The window 0.5 ... 1.2 holds two of them, and 0.7 of a range of 2.
        ve = schedule("ve", t_end=2.0, steps=4)
        result = compare(placed(simple(leading=1.2, exact=0.5), ve=ve), samples=schedule_samples({"ve": ve}))
        assert result.window_steps.values.ravel().tolist() == [2]
        assert result.window_fraction_steps.item() == pytest.approx(2 / 5)
        assert result.window_fraction_range.item() == pytest.approx(0.35)

    def test_a_window_is_cut_off_at_the_end_of_the_schedule(self) -> None:
        short, long = schedule("ve", t_end=2.0, steps=4), schedule("ve", t_end=20.0, steps=20)
        clocks = {"short": short, "long": long}
        result = compare(placed(simple(leading=12.0, exact=1.5), **clocks), samples=schedule_samples(clocks))
        np.testing.assert_allclose(result.window_fraction_range.values.ravel(), [0.25, 10.5 / 20])
        assert result.window_steps.values.ravel().tolist() == [2, 11]
        np.testing.assert_allclose(result.window_fraction_steps.values.ravel(), [2 / 5, 11 / 21])

    def test_without_a_window_there_is_no_share_but_a_status(self) -> None:
        ve = schedule("ve", t_end=2.0)
        result = compare(placed(simple(leading=math.nan, exact=math.nan), ve=ve), samples=schedule_samples({"ve": ve}))
        assert result.window_steps.values.ravel().tolist() == [-1]
        assert np.isnan(result.window_fraction_range).all()
        assert (result.window_fraction_status == NO_ROOT).all()

    def test_a_missing_block_of_one_schedule_leaves_the_others(self) -> None:
        ve = schedule("ve", t_end=2.0)
        speciation = placed(simple(leading=1.0, exact=0.5), one=ve, two=ve)
        gone = speciation.schedule == "two"
        speciation["time"] = speciation.time.where(~gone)
        speciation["time_status"] = speciation.time_status.where(~gone, np.int8(TimeStatus.missing))
        result = compare(speciation, samples=schedule_samples({"one": ve, "two": ve}))
        assert result.window_fraction_status.values.ravel().tolist() == [Status.ok, Status.missing]
        assert outcomes(result.difference_time_count[0, 1].sel(schedule="two")) == {"missing": 1}

    def test_samples_must_hold_every_schedule(self) -> None:
        ve = schedule("ve", t_end=2.0)
        speciation = placed(simple(leading=1.0, exact=0.5), one=ve, two=ve)
        with pytest.raises(ValueError, match="no sampling times of two"):
            compare(speciation, samples=schedule_samples({"one": ve}))
        with pytest.raises(ValueError, match="schedules: none given"):
            schedule_samples({})

    def test_a_schedule_that_ends_in_pure_noise_has_an_infinite_last_tau(self) -> None:
        samples = schedule_samples({"flow": schedule("flow-matching", steps=4), "ve": schedule("ve", t_end=1.0, steps=2)})
        assert samples.sample_tau.values[0, 0] == np.inf
        assert samples.n_samples.values.tolist() == [5, 3]
        assert np.isnan(samples.sample_tau.values[1, 3:]).all()
