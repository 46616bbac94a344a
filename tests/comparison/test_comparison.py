"""Comparison of criteria and of runs, against cases worked out by hand and against loops over the points."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

import scoreshock as ss
from scoreshock import comparison
from scoreshock.comparison import compare, table
from scoreshock.comparison.spread import MEDIAN_ERROR, Spread
from scoreshock.conventions import ANCILLARY, CRITERIA, VARIABLES, Status, TimeStatus
from scoreshock.densities.mixtures import mixture
from scoreshock.quantities.sampling_times import schedule_samples
from scoreshock.schedules.schedule import schedule
from scoreshock.storage import store

OK, FLOOR, NO_ROOT, VOID = Status.ok, Status.below_floor, Status.no_real_root, Status.not_applicable


def merging_variance(weight: float) -> float:
    """Variance in units of a^2 at which the modes of a pair merge (Robertson and Fryer 1969)."""
    half = 0.5 * abs(math.log(weight / (1 - weight)))
    if half == 0:
        return 1.0
    delta = brentq(lambda d: d * math.sqrt(d * d - 1) - math.acosh(d) - half, 1, 100, xtol=1e-15)
    return delta**-2


def result(points: list[dict[str, tuple[float, Status]]], n_roots: list[int] | None = None, **extra: object) -> xr.Dataset:
    """A speciation result along ``separation`` from (time, status) by criterion."""
    names = [name for name in CRITERIA if name in points[0]]
    tau = np.array([[point[name][0] for name in names] for point in points])
    status = np.array([[point[name][1] for name in names] for point in points], dtype=np.int8)
    dims = ("separation", "criterion")
    return xr.Dataset(
        {
            "tau_star": (dims, tau),
            "status": (dims, status),
            "n_roots": ("separation", np.array(n_roots or [1] * len(points), dtype=np.int16)),
            **extra,
        },
        {"separation": np.arange(1.0, len(points) + 1), "criterion": names},
    )


def simple(**times: float) -> xr.Dataset:
    """A result of one point, all criteria ok; NaN means no real root."""
    return result([{name: (t, NO_ROOT if math.isnan(t) else OK) for name, t in times.items()}])


def placed(speciation: xr.Dataset, **clocks: object) -> xr.Dataset:
    """The result with its times in schedules."""
    parts = []
    for clock in clocks.values():
        time, status = clock.locate(speciation.tau_star)
        parts.append(
            xr.Dataset({"time": time, "time_status": status, "sampling_step": clock.sampling_step(speciation.tau_star)})
        )
    labels = xr.Variable("schedule", list(clocks))
    joined = xr.concat(parts, labels, coords="minimal", compat="override", join="exact").transpose(..., "schedule")
    return speciation.merge(joined, join="exact")


def between(found: xr.Dataset, variable: str, criterion: str, reference: str) -> np.ndarray:
    return found[variable].sel(criterion=criterion, reference_criterion=reference).values


def outcomes(counts: xr.DataArray) -> dict[str, int]:
    """Counts of points by outcome, those that are not 0."""
    (dim,) = counts.dims
    return {str(name): int(n) for name, n in zip(counts[dim].values, counts.values, strict=True) if n}


SYMMETRIC = {**dict.fromkeys(CRITERIA, (0.455, OK)), "spectral": (0.045, OK)}
"""Pair a = 1, sigma0 = 0.3, equal weights: tau* = (1 - 0.09)/2 by all but spectral, (1 + 0.09 - 1)/2."""

MERGED = merging_variance(0.3)

UNEQUAL = {
    "leading": ((0.84 - 0.25) / 2, OK),
    "exact": (math.nan, NO_ROOT),
    "boundary": ((1 - 0.25) / 2, OK),
    "merging": ((MERGED - 0.25) / 2, OK),
}
"""Pair a = 1, sigma0 = 0.5, weights 0.3, 0.7: lambda_1 = 4 w (1 - w) = 0.84."""


def test_the_merging_variance_of_these_tests_is_the_published_one() -> None:
    assert pytest.approx(0.5428, abs=5e-5) == MERGED


class TestWindow:
    def test_the_window_runs_between_the_earliest_and_the_latest_criterion_that_is_ok(self) -> None:
        found = compare(
            result([{"leading": (9.0, FLOOR), "exact": (0.5, OK), "merging": (0.25, OK), "spectral": (1.5, OK)}])
        )
        assert found.window_width.item() == 1.25
        assert CRITERIA[found.window_start_criterion.item()] == "merging"
        assert CRITERIA[found.window_end_criterion.item()] == "spectral"
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
        found = compare(placed(simple(leading=1.2, exact=0.5), ve=ve), samples=schedule_samples({"ve": ve}))
        assert found.window_steps.values.ravel().tolist() == [2]
        assert found.window_fraction_steps.item() == pytest.approx(2 / 5)
        assert found.window_fraction_range.item() == pytest.approx(0.35)

    def test_a_window_is_cut_off_at_the_end_of_the_schedule(self) -> None:
        short, long = schedule("ve", t_end=2.0, steps=4), schedule("ve", t_end=20.0, steps=20)
        clocks = {"short": short, "long": long}
        found = compare(placed(simple(leading=12.0, exact=1.5), **clocks), samples=schedule_samples(clocks))
        np.testing.assert_allclose(found.window_fraction_range.values.ravel(), [0.25, 10.5 / 20])
        assert found.window_steps.values.ravel().tolist() == [2, 11]
        np.testing.assert_allclose(found.window_fraction_steps.values.ravel(), [2 / 5, 11 / 21])

    def test_without_a_window_there_is_no_share_but_a_status(self) -> None:
        ve = schedule("ve", t_end=2.0)
        found = compare(placed(simple(leading=math.nan, exact=math.nan), ve=ve), samples=schedule_samples({"ve": ve}))
        assert found.window_steps.values.ravel().tolist() == [-1]
        assert np.isnan(found.window_fraction_range).all()
        assert (found.window_fraction_status == NO_ROOT).all()

    def test_a_missing_block_of_one_schedule_leaves_the_others(self) -> None:
        ve = schedule("ve", t_end=2.0)
        speciation = placed(simple(leading=1.0, exact=0.5), one=ve, two=ve)
        gone = speciation.schedule == "two"
        speciation["time"] = speciation.time.where(~gone)
        speciation["time_status"] = speciation.time_status.where(~gone, np.int8(TimeStatus.missing))
        found = compare(speciation, samples=schedule_samples({"one": ve, "two": ve}))
        assert found.window_fraction_status.values.ravel().tolist() == [Status.ok, Status.missing]
        assert outcomes(found.difference_time_count[0, 1].sel(schedule="two")) == {"missing": 1}

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


THREE = math.sqrt(3) / 2


class TestTrust:
    def trusted(self, speciation: xr.Dataset, of: xr.Dataset) -> tuple[str, str, set[str]]:
        found = compare(speciation, mixture=of)
        names = found.trust_conditions.attrs["flag_meanings"].split()
        bits = int(found.trust_conditions.values.ravel()[0])
        holds = {n for n, mask in zip(names, found.trust_conditions.attrs["flag_masks"], strict=True) if bits & mask}
        code = int(found.trusted_criterion.values.ravel()[0])
        reason = dict(
            zip(found.trust_reason.attrs["flag_values"], found.trust_reason.attrs["flag_meanings"].split(), strict=True)
        )
        return "none" if code < 0 else CRITERIA[code], reason[int(found.trust_reason.values.ravel()[0])], holds

    def test_equal_distances_make_exact_exact(self) -> None:
        criterion, reason, holds = self.trusted(result([SYMMETRIC]), mixture([-1.0, 1.0], variance=0.09))
        assert (criterion, reason) == ("exact", "all_distances_equal")
        assert holds == {"equal_distances", "equal_weights", "stationary_mean"}

    def test_unequal_weights_leave_the_modes_of_the_density(self) -> None:
        pair = mixture([-1.0, 1.0], weights=[0.3, 0.7], variance=0.25)
        criterion, reason, holds = self.trusted(result([UNEQUAL], n_roots=[0]), pair)
        assert (criterion, reason, holds) == ("merging", "modes_of_the_density", {"no_root"})

    def test_an_equilateral_triangle_is_exact_at_its_centre_whatever_the_offset(self) -> None:
        corners = np.array([[1.0, 0.0], [-0.5, THREE], [-0.5, -THREE]])
        point = {"leading": (0.245, OK), "exact": (0.245, OK), "merging": (math.nan, VOID)}
        for offset in (0.0, 1e4):
            criterion, reason, holds = self.trusted(result([point]), mixture(corners + offset, variance=0.01))
            assert (criterion, reason) == ("exact", "all_distances_equal")
            assert "modes_unknown" in holds

    def test_unequal_weights_on_a_sphere_about_their_mean_keep_the_exactness(self) -> None:
        # Two orthogonal balanced pairs on the unit circle with unequal weights.
        means = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        point = {"leading": (0.3, OK), "exact": (0.3, OK), "merging": (math.nan, VOID)}
        of = mixture(means, weights=[0.35, 0.35, 0.15, 0.15], variance=0.1)
        assert self.trusted(result([point]), of) == (
            "exact",
            "all_distances_equal",
            {"equal_distances", "stationary_mean", "modes_unknown"},
        )

    def test_balanced_means_at_two_distances_make_the_mean_stationary(self) -> None:
        means = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        point = {"leading": (1.0, OK), "exact": (0.8, OK), "merging": (math.nan, VOID)}
        criterion, reason, holds = self.trusted(result([point]), mixture(means))
        assert (criterion, reason) == ("exact", "stationary_mean")
        tilted = mixture(np.array([[3.1, 0.0], *means[1:]]))
        criterion, reason, holds = self.trusted(result([point], n_roots=[2]), tilted)
        assert (criterion, reason) == ("exact", "weighted_mean_only")
        assert "several_roots" in holds

    def test_without_a_root_or_modes_nothing_is_trusted(self) -> None:
        means = np.array([[3.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.3]])
        point = {"leading": (1.0, OK), "exact": (math.nan, NO_ROOT), "merging": (math.nan, VOID)}
        found = compare(result([point], n_roots=[0]), mixture=mixture(means))
        assert found.trusted_criterion.item() == -1
        assert found.trusted_status.item() == NO_ROOT
        assert outcomes(found.trust_count.sel(reason="no_root")) == {"no_real_root": 1}

    def test_coinciding_means_and_missing_points_have_nothing_to_trust(self) -> None:
        none = dict.fromkeys(("leading", "exact"), (math.nan, Status.no_transition))
        absent = dict.fromkeys(("leading", "exact"), (math.nan, Status.missing))
        found = compare(result([none, absent], n_roots=[0, 0]), mixture=mixture([0.0, 0.0]))
        assert found.trusted_status.values.tolist() == [Status.no_transition, Status.missing]
        assert (found.trusted_criterion == -1).all()
        assert outcomes(found.trust_count.sel(reason="no_transition")) == {"no_transition": 1}
        assert outcomes(found.trust_count.sel(reason="missing")) == {"missing": 1}

    def test_a_few_criteria_are_enough(self) -> None:
        asymmetric = mixture([-1.0, 1.0], weights=[0.3, 0.7])
        assert self.trusted(simple(leading=0.5), asymmetric)[:2] == ("none", "not_computed")
        assert self.trusted(simple(leading=0.5), mixture([-1.0, 1.0]))[:2] == ("leading", "all_distances_equal")

    def test_anisotropic_data_are_said_to_be(self) -> None:
        pair = mixture([-1.0, 1.0], variance=0.09)
        isotropic, not_so = (pair.assign(within_class_anisotropy=value) for value in (1.0, 7.25))
        assert "anisotropic_data" not in self.trusted(result([SYMMETRIC]), isotropic)[2]
        assert "anisotropic_data" in self.trusted(result([SYMMETRIC]), not_so)[2]
        assert "not isotropic" in table(compare(result([SYMMETRIC]), mixture=not_so))


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


def random_sweep(seed: int = 0) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset, xr.Dataset, xr.Dataset]:
    """Results on 6 x 7 points in two schedules with every outcome that there is, corrections, mixture, samples, clock."""
    rng = np.random.default_rng(seed)
    names, shape = ["leading", "quadratic", "exact", "merging"], (6, 7)
    dims = ("separation", "weight")
    axes = {"separation": np.arange(1.0, 7.0), "weight": np.linspace(0.2, 0.8, 7)}
    clocks = {"ve": schedule("ve", t_end=2.0, steps=7), "vp": schedule("vp-linear", steps=20)}
    outcome = rng.choice([0, 0, 0, 0, -1, 1, 2, 3, 6], size=(*shape, 4)).astype(np.int8)
    speciation = xr.Dataset(
        {
            "tau_star": (
                (*dims, "criterion"),
                np.where(outcome == 0, rng.choice([0.5, 1.0, 2.5], size=(*shape, 4)), np.nan),
            ),
            "status": ((*dims, "criterion"), outcome),
            "n_roots": (dims, rng.integers(0, 3, shape).astype(np.int16)),
            "root_mode": ((*dims, "root"), rng.integers(0, 2, (*shape, 2)).astype(np.int16)),
            "eigenvalue": ((*dims, "mode"), np.broadcast_to([0.9, 0.4], (*shape, 2))),
        },
        {**axes, "criterion": names},
    )
    error_status = rng.choice([0, 0, 0, 4, 6], size=(*shape, 3)).astype(np.int8)
    error = np.where(error_status == 0, rng.normal(size=(*shape, 3)), np.nan)
    corrections = xr.Dataset(
        {
            "error": ((*dims, "order"), error),
            "error_relative": ((*dims, "order"), error / 3),
            "error_status": ((*dims, "order"), error_status),
            "tau_order": ((*dims, "order"), rng.uniform(0.1, 3.0, (*shape, 3))),
        },
        {**axes, "order": [0, 1, 2]},
    )
    weight = xr.DataArray(axes["weight"], dims="weight", coords={"weight": axes["weight"]})
    means = xr.DataArray([[-1.0], [1.0]], dims=("component", "feature"))
    pairs = mixture(means, xr.concat([1 - weight, weight], "component"), 0.25)
    return (
        placed(speciation, **clocks),
        corrections,
        pairs,
        schedule_samples(clocks),
        ss.clock(corrections.tau_order, clocks),
    )


@pytest.fixture(scope="module")
def arguments() -> tuple[xr.Dataset, ...]:
    return random_sweep()


@pytest.fixture(scope="module")
def found(arguments: tuple[xr.Dataset, ...]) -> xr.Dataset:
    return compare(*arguments)


class TestSummary:
    """Against loops over all points."""

    def points(self, dataset: xr.Dataset) -> list[xr.Dataset]:
        return [dataset.isel(separation=i, weight=j) for i in range(6) for j in range(7)]

    def spread(self, stored: xr.DataArray, values: list[float]) -> None:
        if not values:
            assert np.isnan(stored).all()
            return
        ordered = sorted(values)
        sides = np.array([ordered[(len(values) - 1) // 2], ordered[len(values) // 2]])
        assert [float(stored.sel(statistic=name)) for name in ("min", "max")] == [ordered[0], ordered[-1]]
        assert abs(float(stored.sel(statistic="median")) - sides.mean()) <= 1.0001 * MEDIAN_ERROR * np.abs(sides).mean()

    @pytest.mark.parametrize(
        ("criterion", "reference"), list(itertools.permutations(["leading", "quadratic", "exact", "merging"], 2))
    )
    def test_differences_of_each_pair(self, arguments, found, criterion: str, reference: str) -> None:
        counts, gaps, shares, where = dict.fromkeys([member.name for member in Status], 0), [], [], []
        steps: dict[str, list[float]] = {"ve": [], "vp": []}
        placed_counts = {label: dict.fromkeys([member.name for member in TimeStatus], 0) for label in steps}
        for n, point in enumerate(self.points(arguments[0])):
            mine, other = point.sel(criterion=criterion), point.sel(criterion=reference)
            outcome = int(mine.status) or int(other.status)
            last = min(int(point.n_roots), 2) - 1
            crossing = last >= 0 and int(point.root_mode[last]) == 1  # 0.4 is not the largest eigenvalue
            if outcome == OK and crossing and "exact" in (criterion, reference) and "merging" not in (criterion, reference):
                outcome = VOID
            counts[Status(outcome).name] += 1
            if outcome == OK:
                gaps.append(float(mine.tau_star - other.tau_star))
                shares.append(2 * gaps[-1] / (0.25 + 2 * float(other.tau_star)))
                where.append(n)
            for label in steps:
                one, two = mine.sel(schedule=label), other.sel(schedule=label)
                code = int(one.time_status) or int(two.time_status)
                if outcome != OK:
                    code = TimeStatus.missing if outcome == Status.missing else TimeStatus.no_tau
                placed_counts[label][TimeStatus(code).name] += 1
                if code == TimeStatus.ok:
                    steps[label].append(float(one.sampling_step - two.sampling_step))
        here = found.sel(criterion=criterion, reference_criterion=reference)
        assert dict(zip(here.outcome.values, here.difference_count.values, strict=True)) == counts
        self.spread(here.difference_summary, gaps)
        self.spread(here.difference_relative_summary, shares)
        largest = where[int(np.argmax(np.abs(gaps)))]
        assert here.difference_largest.values.tolist() == [largest // 7, largest % 7]
        assert found.axis.values.tolist() == ["separation", "weight"]
        for label in steps:
            stored = here.sel(schedule=label)
            self.spread(stored.difference_step_summary, steps[label])
            assert (
                dict(zip(here.time_outcome.values, stored.difference_time_count.values, strict=True)) == placed_counts[label]
            )

    def test_orders(self, arguments, found) -> None:
        speciation, corrections, _, _, clock = arguments
        exact = speciation.sel(criterion="exact")
        parts = [self.points(each) for each in (corrections, clock, exact)]
        for order in range(3):
            errors, where, smaller, steps = [], [], 0, []
            counts = dict.fromkeys([member.name for member in Status], 0)
            for n, (point, placed_at, reference) in enumerate(zip(*parts, strict=True)):
                status, error = (point[name].values[order] for name in ("error_status", "error"))
                counts[Status(status).name] += 1
                if status != OK:
                    continue
                errors.append(float(error))
                where.append(n)
                smaller += bool(point.error_status[0] == OK and abs(error) < abs(point.error[0]))
                if placed_at.time_status[order, 1] == 0 and reference.time_status[1] == 0:
                    steps.append(float(placed_at.sampling_step[order, 1] - reference.sampling_step[1]))
            here = found.sel(order=order)
            self.spread(here.error_summary, errors)
            self.spread(here.error_step_summary.sel(schedule="vp"), steps)
            assert dict(zip(here.outcome.values, here.error_count.values, strict=True)) == counts
            assert int(here.error_smaller_count) == smaller
            assert here.error_largest.values.tolist() == list(divmod(where[int(np.argmax(np.abs(errors)))], 7))

    def test_counts_and_spreads_of_what_is_stored_point_by_point(self, arguments, found) -> None:
        speciation = arguments[0]
        for code, name in enumerate(found.criterion.values):
            mine = speciation.sel(criterion=name)
            self.spread(found.tau_star_summary.sel(criterion=name), mine.tau_star.values[mine.status.values == OK].tolist())
            place = CRITERIA.index(name)
            for end in ("start", "end"):
                assert int(found[f"window_{end}_count"][code]) == int(
                    ((found[f"window_{end}_criterion"] == place) & (found.window_width > 0)).sum()
                )
        good = found.window_status == OK
        self.spread(found.window_width_summary, found.window_width.values[good.values].tolist())
        share = found.window_fraction_range.sel(schedule="vp")
        self.spread(found.window_fraction_range_summary.sel(schedule="vp"), share.values[~np.isnan(share.values)].tolist())
        reasons = dict(
            zip(found.trust_reason.attrs["flag_meanings"].split(), found.trust_reason.attrs["flag_values"], strict=True)
        )
        for reason, code in reasons.items():
            mine = found.trust_reason == code
            for outcome in ("ok", "below_floor", "no_real_root"):
                both = mine & (found.trusted_status == Status[outcome])
                assert int(found.trust_count.sel(reason=reason, outcome=outcome)) == int(both.sum())
            roots = mine & ((found.trust_conditions & 8) != 0)
            assert int(found.condition_count.sel(reason=reason, condition="several_roots")) == int(roots.sum())
        assert int(found.trust_count.sum()) == int(found.n_points) == 42

    @pytest.mark.parametrize("room", [1, 24, 8 * 7 * 2, 10**6])
    @pytest.mark.parametrize("chunks", [None, {"separation": 4, "weight": 3}])
    def test_any_blocks_and_chunks_give_the_same_bits(self, arguments, found, room, chunks, monkeypatch) -> None:
        monkeypatch.setattr(comparison, "BLOCK", room)
        speciation, corrections, pairs, samples, clock = arguments
        if chunks:
            speciation, corrections, clock = (each.chunk(chunks) for each in (speciation, corrections, clock))
            pairs = pairs.chunk(weight=2)
        again = compare(speciation, corrections, pairs, samples, clock)
        assert all((again[name].chunks is None) == (room == 10**6) for name in again.data_vars)
        again = again.compute()
        xr.testing.assert_identical(again, found)
        assert all(again[name].values.tobytes() == found[name].values.tobytes() for name in found.data_vars)

    def test_variables_are_described_and_nothing_is_missing_beside_ok(self, found) -> None:
        assert set(found.variables) <= {*VARIABLES, "separation", "weight"}
        for name in set(found.data_vars) & set(ANCILLARY):
            if found[name].dtype.kind == "f":
                np.testing.assert_array_equal(np.isnan(found[name].values), found[ANCILLARY[name]].values != OK)

    def test_the_series_is_compared_with_a_root_of_its_own_eigenspace(self) -> None:
        point = {"leading": (0.36, OK), "exact": (0.3199, OK), "spectral": (0.1, OK)}
        branch = {"root_mode": (("separation", "root"), np.array([[1, 1, -1]], dtype=np.int16))}
        apart, same = (
            compare(result([point], n_roots=[2], **branch, eigenvalue=(("separation", "mode"), [values])))
            for values in ([0.72, 0.64], [0.72, 0.72])
        )
        assert outcomes(apart.difference_count.sel(criterion="leading", reference_criterion="exact")) == {
            "not_applicable": 1
        }
        assert outcomes(apart.difference_count.sel(criterion="spectral", reference_criterion="exact")) == {"ok": 1}
        assert outcomes(same.difference_count.sel(criterion="leading", reference_criterion="exact")) == {"ok": 1}

    def test_arguments_on_other_points_are_refused(self) -> None:
        other = mixture([-1.0, 1.0], variance=xr.DataArray([1.0], dims="separation", coords={"separation": [7.0]}))
        with pytest.raises(ValueError, match="not on the same points"):
            compare(simple(leading=1.0, exact=0.5), mixture=other)
        with pytest.raises(ValueError, match=r"corrections = .* is not allowed; allowed: a Dataset with error"):
            compare(simple(leading=1.0), xr.Dataset({"a": 1}))

    def test_memory_does_not_grow_with_the_sweep(self, tmp_path: Path) -> None:
        peaks = []
        for rows in (400, 1600):
            axes = {"separation": np.arange(1.0, rows + 1), "weight": np.linspace(0.1, 0.9, 1000)}
            factors = [xr.DataArray(values, {name: values}, [name]) for name, values in axes.items()]
            names = xr.DataArray(np.linspace(1, 2, 7), {"criterion": list(CRITERIA[:7])}, ["criterion"])
            tau = factors[0].chunk(separation=50) * factors[1] * names
            path = tmp_path / f"{rows}.nc"
            store.write(xr.Dataset({"tau_star": tau, "status": xr.zeros_like(tau, np.int8)}), path)
            call = [sys.executable, "-c", PEAK_OF_COMPARING, str(path)]
            peaks.append(int(subprocess.run(call, check=True, capture_output=True, text=True).stdout))
        assert peaks[1] - peaks[0] < 0.35 * 1_200_000 * 7 * 9  # bytes of the times and statuses that were added


PEAK_OF_COMPARING = """
import sys, dask
from pathlib import Path
from scoreshock import comparison
from scoreshock.storage import store
with dask.config.set(scheduler="threads", num_workers=2):
    store.write(comparison.compare(store.open_file(sys.argv[1], chunks=None)), sys.argv[1] + ".compared.nc")
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024)
"""


def sweep(weights: list[float]) -> tuple[xr.Dataset, xr.Dataset]:
    """Pairs a = 1, sigma0^2 = 0.04 by weight, with boundary and merging in closed form and exact where it is known."""
    points = []
    for w in weights:
        equal = w == 0.5
        points.append(
            {
                "leading": ((4 * w * (1 - w) - 0.04) / 2, OK),
                "exact": (0.48, OK) if equal else (math.nan, NO_ROOT),
                "boundary": (0.48, OK),
                "merging": ((merging_variance(w) - 0.04) / 2, OK),
            }
        )
    speciation = result(points, n_roots=[int(w == 0.5) for w in weights])
    w = xr.DataArray(weights, dims="separation", coords={"separation": speciation.separation})
    means = xr.DataArray([[-1.0], [1.0]], dims=("component", "feature"))
    return speciation, mixture(means, xr.concat([1 - w, w], "component"), 0.04)


def rows_of(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, header first."""
    block = text.split(f"## {heading}")[1].split("\n\n")[1]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
    return [lines[0], *lines[2:]]


class TestPage:
    def test_it_counts_the_points_at_which_each_criterion_is_to_be_trusted_and_says_why(self) -> None:
        speciation, pairs = sweep([0.5, 0.9, 0.8, 0.7])
        text = table(compare(speciation, mixture=pairs), title="pair")
        assert text.startswith("# pair\n\n4 points: separation (1, 2, 3, 4).\n")
        trusted = rows_of(text, "Which criterion to trust")
        assert [row[:4] for row in trusted[1:]] == [["`exact`", "1", "25 %", "0"], ["`merging`", "3", "75 %", "0"]]
        assert "all means are equally far" in trusted[1][4]
        assert "not equally far" in trusted[2][4]
        assert "| `exact` has no root |      3 |" in text
        times = rows_of(text, "Points by outcome, and speciation times tau")
        assert times[0] == ["criterion", "ok", "no_real_root", "min", "median", "max", "earliest at", "latest at"]
        assert times[2][:6] == ["exact", "1", "3", "0.48", "0.48", "0.48"]
        assert "`no_real_root`: the criterion has no solution" in text

    def test_differences_are_from_the_criterion_that_is_trusted_most_often(self) -> None:
        speciation, pairs = sweep([0.5, 0.9, 0.8, 0.7])
        found = compare(speciation, mixture=pairs)
        rows = rows_of(table(found), "Difference from `merging` in tau, and relative to v = sigma0^2 + 2 tau")
        gaps = [(1 - merging_variance(w)) / 2 for w in (0.5, 0.9, 0.8, 0.7)]
        assert rows[3][:3] == ["boundary", "4", "0"]
        assert rows[3][4] == f"{max(gaps):.3g}"
        assert float(rows[3][3]) == pytest.approx(np.median(gaps), rel=0.01)
        assert rows[3][-1] == "separation 2"
        assert "Difference from `exact`" in table(compare(speciation))
        assert "not judged" in table(compare(speciation))

    def test_wells_are_told_what_each_criterion_is_good_for(self) -> None:
        times = {"boundary": (0.2691, OK), "merging": (0.1938, OK), "matched-gaussian": (0.4375, OK)}
        text = table(compare(result([times, dict.fromkeys(times, (math.nan, Status.no_transition))])))
        assert "The density has two wells" in text
        assert "Difference from `merging`" in text
        assert "there is one well" in text

    def test_it_reads_no_variable_of_the_points(self) -> None:
        speciation, corrections, pairs, samples, clock = random_sweep()
        found = compare(speciation, corrections, pairs, samples, clock)
        points = [name for name in found.data_vars if "weight" in found[name].dims]
        assert len(points) == 12
        emptied = found.assign({name: xr.full_like(found[name], 0) for name in points})
        assert table(emptied) == table(found)

    def test_tables_are_aligned_and_few(self) -> None:
        text = table(compare(*random_sweep()))
        blocks = [block for block in text.split("\n\n") if block.startswith("|")]
        assert 6 <= len(blocks) <= 8
        assert all(len({len(line) for line in block.splitlines()}) == 1 for block in blocks)

    def test_a_single_point_reads_well(self, tmp_path: Path) -> None:
        speciation, pairs = (part.isel(separation=0, drop=True) for part in sweep([0.7]))
        found = compare(speciation, mixture=pairs)
        text = table(found, "one")
        assert "One point." in text
        assert "largest at" not in text
        store.write(found, tmp_path / "comparison.nc")
        assert table(store.open_file(tmp_path / "comparison.nc", chunks=None), "one") == text


class TestOnMixtures:
    """Through the public face, with the statements of the paper as authority."""

    def test_pairs_of_two_weights(self) -> None:
        clocks = {"ve": schedule("ve", t_end=4.0, steps=8), "vp": schedule("vp-constant", beta=2.0, t_end=5.0)}
        pairs = ss.families.pair(separation=np.array([1.0, 2.0]), variance=0.25, weight=np.array([0.5, 0.7]))
        speciation, corrections = ss.speciation(pairs, clocks), ss.corrections(pairs, order=3)
        found = compare(speciation, corrections, pairs, schedule_samples(clocks), ss.clock(corrections.tau_order, clocks))
        # Robertson and Fryer: the modes merge at v = MERGED a^2, the boundary is a boundary until v = a^2.
        gap = between(found, "difference_relative_summary", "merging", "boundary")
        np.testing.assert_allclose(gap[[0, 2]], [MERGED - 1, 0], rtol=1e-10, atol=1e-12)
        assert between(found, "difference_largest", "merging", "boundary").tolist() == [1, 1]
        assert [CRITERIA[i] for i in found.trusted_criterion.values[0]] == ["exact", "merging"]
        assert outcomes(found.difference_count.sel(criterion="boundary", reference_criterion="exact")) == {
            "ok": 2,
            "no_real_root": 2,
        }

    def test_a_branch_crossing_is_told(self) -> None:
        means = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 0.8], [0.0, -0.8], [0.0, 0.8], [0.0, -0.8]])
        crossing = ss.mixture(means, weights=[0.04, 0.04, 0.21, 0.21, 0.25, 0.25], variance=0.01)
        found = compare(ss.speciation(crossing), ss.corrections(crossing, order=2), crossing)
        assert outcomes(found.difference_count.sel(criterion="leading", reference_criterion="exact")) == {
            "not_applicable": 1
        }
        assert "another eigenvalue's branch" in table(found)
        assert "At no point does `exact` have a root on the branch of the series" in table(found)

    def test_all_criteria_of_an_equilateral_triangle_that_speak_of_its_centre_agree(self) -> None:
        corners = np.array([[1.0, 0.0], [-0.5, THREE], [-0.5, -THREE]])
        triangle = ss.mixture(corners, variance=0.01)
        found = compare(ss.speciation(triangle), mixture=triangle)
        agreed = found.difference_summary.sel(criterion=["leading", "first", "quadratic"], reference_criterion="exact")
        np.testing.assert_allclose(agreed, 0, atol=1e-12)
        assert "holds for the centre only" in table(found)


def run(separations: object, weight: float = 0.5, **options: object) -> xr.Dataset:
    return ss.speciation(ss.families.pair(separation=np.asarray(separations), weight=weight), **options)


class TestRuns:
    def test_differences_are_labelled_and_stand_beside_the_statuses_of_both(self) -> None:
        axis = [1.0, 2.0, 3.0]
        a, b = run(axis), run(axis, 0.7)
        found = ss.compare(a, b)
        assert "left_out" not in found.attrs
        # leading: tau* = (4 w (1 - w) a^2 - sigma0^2)/2
        np.testing.assert_allclose(found.tau_star.sel(criterion="leading")[1:], 0.16 * np.array([4, 9]) / 2, rtol=1e-12)
        xr.testing.assert_equal(found.status_first, a.status)
        xr.testing.assert_equal(found.status_second, b.status)
        assert found.n_roots.values.tolist() == (a.n_roots.astype(int) - b.n_roots.astype(int)).values.tolist()
        assert not {"status", "root_status"} & set(found.data_vars)
        assert found.tau_star.attrs["long_name"] == "first minus second: speciation time by criterion"

    def test_a_run_equals_itself_lazily_and_chunks_do_not_matter(self) -> None:
        a, b = run(np.linspace(1, 3, 9)), run(np.linspace(1, 3, 9), 0.6)
        itself = ss.compare(a, a)
        assert all(
            (itself[name].fillna(0) == 0).all() for name in itself.data_vars if "flag_meanings" not in itself[name].attrs
        )
        lazy = ss.compare(a.chunk(separation=2), b.chunk(separation=3))
        assert all(lazy[name].chunks is not None for name in lazy.data_vars)
        xr.testing.assert_identical(lazy.compute(), ss.compare(a, b))

    def test_equal_infinities_differ_by_nothing_and_numbers_from_them_by_infinity(self) -> None:
        a, b = (xr.Dataset({"time": ("n", values)}) for values in ([np.inf, np.inf, np.nan], [np.inf, 1.0, 2.0]))
        np.testing.assert_array_equal(ss.compare(a, b).time, [0, np.inf, np.nan])

    def test_values_are_matched_to_rounding_and_what_is_left_out_is_said(self) -> None:
        a, b = run(np.linspace(0, 2, 11)[1:]), run([3.0, 2.0, 1.2], criteria=("exact", "leading"))
        assert a.separation.values[5] != 1.2
        with pytest.warns(UserWarning, match="separation 3.0 of second") as said:
            found = ss.compare(a, b)
        assert found.separation.values.tolist() == [a.separation.values[5], 2.0]
        assert found.criterion.values.tolist() == ["leading", "exact"]
        np.testing.assert_allclose(found.tau_star, 0, atol=1e-14)
        for text in (found.attrs["left_out"], str(said[0].message)):
            assert "separation 0.2, 0.4, 0.6000000000000001, 0.8, 1.0 and 3 more of first" in text
            assert "criterion first, quadratic, boundary, merging, spectral of first" in text
        with pytest.raises(ValueError, match=r"no value in common: .*equal to 1e-12 relative"):
            ss.compare(run([1.0, 2.0]), run([1.0 + 3e-12, 4.0]))

    def test_fixed_values_that_differ_are_said(self) -> None:
        whole = run([1.0, 2.0])
        with pytest.warns(UserWarning, match=r"separation = 1.0 in first and 2.0 in second"):
            found = ss.compare(whole.isel(separation=0), whole.isel(separation=1))
        assert float(found.cascade[0]) == -1.5

    def test_what_would_be_ignored_is_refused(self) -> None:
        a = run([1.0, 2.0])
        refused = {
            r"variables: .*time.* of second are not in first": run([1.0, 2.0], schedules="ve"),
            r"coordinates: separation of first is not in second": a.isel(separation=0),
            r"variables: n_roots of first is not in second": a.drop_vars("n_roots"),
            r"axes of n_events: variance of second is not in first": a.assign(n_events=a.n_events.expand_dims(variance=2)),
            r"second is a result of 'corrections' and first of 'speciation'": a.assign_attrs(
                scoreshock_quantity="corrections"
            ),
            r"second: note holds no real numbers": a.assign(note="text"),
            r"separation of second has a value twice": a.isel(separation=[0, 0]),
            r"place differs between first and second": a.assign_coords(place=("separation", [1.0, 3.0])),
            r"second = None is not allowed; allowed: a Dataset": None,
        }
        first = a.assign_attrs(scoreshock_quantity="speciation")
        for message, second in refused.items():
            base = first.assign_coords(place=("separation", [1.0, 2.0])) if message.startswith("place") else first
            with pytest.raises(ValueError, match=message), warnings.catch_warnings(action="error"):
                ss.compare(base, second)
        plain = [xr.Dataset({"a": ("n", np.zeros(n))}) for n in (2, 3)]
        with pytest.raises(ValueError, match="n has 2 values in first and 3 in second, and no labels"):
            ss.compare(*plain)
