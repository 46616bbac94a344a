"""Comparison of criteria: differences, windows, trust, and their words, against cases worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import scoreshock as ss
from scoreshock import store
from scoreshock.comparison import compare, compare_results, sentence, table
from scoreshock.conventions import ANCILLARY, CRITERIA, VARIABLES, Status, TimeStatus
from scoreshock.mixtures import mixture
from scoreshock.quantities.samples import schedule_samples
from scoreshock.schedules import schedule

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


def between(found: xr.Dataset, variable: str, criterion: str, reference: str) -> float:
    return found[variable].sel(criterion=criterion, reference_criterion=reference).values.squeeze()[()]


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


class TestDifferences:
    def test_a_symmetric_pair_has_one_time_by_every_criterion_but_spectral(self) -> None:
        pair = mixture([-1.0, 1.0], variance=0.09)
        found = compare(result([SYMMETRIC]), mixture=pair)
        six = list(CRITERIA[:6])
        assert (found.difference.sel(criterion=six, reference_criterion=six) == 0).all()
        assert between(found, "difference", "spectral", "exact") == pytest.approx(-0.41)
        assert between(found, "difference_relative", "spectral", "exact") == pytest.approx(-0.82)
        assert (found.difference_status == OK).all()

    def test_unequal_weights_merge_at_another_time_than_the_boundary(self) -> None:
        pair = mixture([-1.0, 1.0], weights=[0.3, 0.7], variance=0.25)
        found = compare(result([UNEQUAL], n_roots=[0]), mixture=pair)
        assert between(found, "difference", "merging", "boundary") == pytest.approx((MERGED - 1) / 2)
        assert between(found, "difference_relative", "merging", "boundary") == pytest.approx(MERGED - 1)
        assert between(found, "difference_relative", "boundary", "merging") == pytest.approx(1 / MERGED - 1)
        assert np.isnan(between(found, "difference", "boundary", "exact"))
        assert between(found, "difference_status", "boundary", "exact") == NO_ROOT
        assert between(found, "difference_status", "exact", "boundary") == NO_ROOT

    def test_log_snr_differs_by_the_logarithm_of_the_ratio_of_times(self) -> None:
        found = compare(simple(leading=2.0, exact=0.5, merging=0.0, spectral=0.0))
        assert between(found, "difference_log_snr", "leading", "exact") == pytest.approx(-math.log(4))
        assert between(found, "difference_log_snr", "merging", "spectral") == 0
        assert between(found, "difference_log_snr", "merging", "exact") == math.inf

    def test_a_value_beside_a_flag_is_not_compared(self) -> None:
        found = compare(result([{"leading": (-0.3, FLOOR), "exact": (math.nan, FLOOR), "spectral": (0.2, OK)}]))
        assert between(found, "difference_status", "leading", "spectral") == FLOOR
        assert np.isnan(between(found, "difference", "leading", "spectral"))
        assert between(found, "difference_status", "leading", "leading") == FLOOR

    def test_the_series_is_not_compared_with_a_root_on_another_branch(self) -> None:
        point = {"leading": (0.36, OK), "exact": (0.3199, OK), "boundary": (math.nan, VOID), "spectral": (0.1, OK)}
        branch = {
            "root_mode": (("separation", "root"), np.array([[1, 1, -1]], dtype=np.int16)),
            "eigenvalue": (("separation", "mode"), [[0.72, 0.64]]),
        }
        found = compare(result([point], n_roots=[2], **branch))
        assert between(found, "difference_status", "leading", "exact") == VOID
        assert between(found, "difference_status", "exact", "leading") == VOID
        assert between(found, "difference", "spectral", "exact") == pytest.approx(0.1 - 0.3199)
        degenerate = {**branch, "eigenvalue": (("separation", "mode"), [[0.72, 0.72]])}
        assert between(compare(result([point], n_roots=[2], **degenerate)), "difference_status", "leading", "exact") == OK

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=3),
        st.lists(st.sampled_from([OK, OK, FLOOR, NO_ROOT]), min_size=3, max_size=3),
    )
    def test_a_difference_changes_sign_when_its_criteria_are_exchanged(self, times: list, states: list) -> None:
        found = compare(result([dict(zip(("first", "boundary", "spectral"), zip(times, states, strict=True), strict=True))]))
        swapped = {"criterion": "reference_criterion", "reference_criterion": "criterion"}
        forward, back = (found.difference.values, found.difference.rename(swapped).transpose(*found.difference.dims).values)
        np.testing.assert_array_equal(forward, -back)
        np.testing.assert_array_equal(np.isnan(forward), found.difference_status.values != OK)

    def test_references_can_be_chosen(self) -> None:
        found = compare(simple(leading=1.0, exact=0.5), references=["exact"])
        assert dict(found.difference.sizes) == {"separation": 1, "criterion": 2, "reference_criterion": 1}
        with pytest.raises(ValueError, match=r"references: \['exakt'\] is not allowed; allowed: .* leading, exact"):
            compare(simple(leading=1.0, exact=0.5), references=["exakt"])

    def test_arguments_on_other_points_are_refused(self) -> None:
        other = mixture([-1.0, 1.0], variance=xr.DataArray([1.0], dims="separation", coords={"separation": [7.0]}))
        with pytest.raises(ValueError, match="not on the same points"):
            compare(simple(leading=1.0, exact=0.5), mixture=other)


class TestSchedules:
    def test_times_and_steps_of_a_schedule_linear_in_tau(self) -> None:
        ve = schedule("ve", t_end=2.0, steps=4)
        found = compare(placed(simple(leading=1.5, exact=0.25, spectral=3.0), ve=ve))
        assert between(found, "difference_time", "leading", "exact") == pytest.approx(1.25)
        assert between(found, "difference_step", "leading", "exact") == pytest.approx(2.5)
        assert between(found, "difference_time_status", "spectral", "exact") == TimeStatus.beyond_end
        assert between(found, "difference_time_status", "exact", "spectral") == TimeStatus.beyond_end
        assert np.isnan(between(found, "difference_time", "spectral", "exact"))

    def test_a_time_that_does_not_exist_has_no_tau_in_a_schedule(self) -> None:
        found = compare(placed(simple(leading=1.5, exact=math.nan), ve=schedule("ve", t_end=2.0)))
        assert between(found, "difference_time_status", "leading", "exact") == TimeStatus.no_tau

    def test_the_variance_preserving_times_of_two_criteria_differ_by_their_logarithms(self) -> None:
        # vp-constant: t = ln(1 + 2 tau)/beta, (83).
        vp = schedule("vp-constant", beta=2.0, t_end=5.0)
        found = compare(placed(simple(leading=1.5, exact=0.5), vp=vp))
        assert between(found, "difference_time", "leading", "exact") == pytest.approx(0.5 * math.log(4 / 2))

    def test_orders_differ_from_exact_by_their_schedule_times(self) -> None:
        speciation = placed(simple(leading=1.0, exact=0.75), ve=schedule("ve", t_end=2.0, steps=8))
        dims = ("separation", "order")
        corrections = xr.Dataset(
            {
                "error": (dims, [[0.25, -0.05, np.nan]]),
                "error_relative": (dims, [[0.3, -0.06, np.nan]]),
                "error_status": (dims, np.array([[0, 0, NO_ROOT]], dtype=np.int8)),
            },
            {"separation": [1.0], "order": [0, 1, 2]},
        )
        clock = xr.Dataset(
            {
                "time": ((*dims, "schedule"), np.array([[[1.0], [0.7], [np.nan]]])),
                "time_status": ((*dims, "schedule"), np.array([[[0], [0], [3]]], dtype=np.int8)),
                "sampling_step": ((*dims, "schedule"), np.array([[[4.0], [2.8], [np.nan]]])),
            },
            {"separation": [1.0], "order": [0, 1, 2], "schedule": ["ve"]},
        )
        found = compare(speciation, corrections, order_clock=clock)
        np.testing.assert_allclose(found.error_time.values.ravel(), [0.25, -0.05, np.nan], rtol=1e-12)
        np.testing.assert_allclose(found.error_step.values.ravel(), [1.0, -0.2, np.nan], rtol=1e-12)
        assert found.error_time_status.values.ravel().tolist() == [0, 0, TimeStatus.no_tau]
        text = table(found)
        assert "Correction series against `exact`" in text
        assert "1/1" in text


class TestWindow:
    def test_the_window_runs_between_the_earliest_and_the_latest_criterion_that_is_ok(self) -> None:
        found = compare(
            result([{"leading": (9.0, FLOOR), "exact": (0.5, OK), "merging": (0.25, OK), "spectral": (1.5, OK)}])
        )
        assert [found[f"window_{name}"].item() for name in ("start", "end", "width")] == [0.25, 1.5, 1.25]
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
        assert (found.difference_time_status.sel(schedule="two") == TimeStatus.missing).all()

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
        found = compare(result([UNEQUAL], n_roots=[0]), mixture=pair)
        assert found.tau_trusted.item() == UNEQUAL["merging"][0]

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
        assert "trust none" in sentence(found)

    def test_coinciding_means_and_missing_points_have_nothing_to_trust(self) -> None:
        none = dict.fromkeys(("leading", "exact"), (math.nan, Status.no_transition))
        absent = dict.fromkeys(("leading", "exact"), (math.nan, Status.missing))
        found = compare(result([none, absent], n_roots=[0, 0]), mixture=mixture([0.0, 0.0]))
        assert found.trusted_status.values.tolist() == [Status.no_transition, Status.missing]
        assert (found.trusted_criterion == -1).all()
        text = sentence(found)
        assert "all means coincide" in text
        assert "the result is missing" in text

    def test_a_few_criteria_are_enough(self) -> None:
        asymmetric = mixture([-1.0, 1.0], weights=[0.3, 0.7])
        assert self.trusted(simple(leading=0.5), asymmetric)[:2] == ("none", "not_computed")
        assert self.trusted(simple(leading=0.5), mixture([-1.0, 1.0]))[:2] == ("leading", "all_distances_equal")

    def test_anisotropic_data_are_said_to_be(self) -> None:
        pair = mixture([-1.0, 1.0], variance=0.09)
        isotropic, not_so = (pair.assign(within_class_anisotropy=value) for value in (1.0, 7.25))
        assert "anisotropic_data" not in self.trusted(result([SYMMETRIC]), isotropic)[2]
        assert "anisotropic_data" in self.trusted(result([SYMMETRIC]), not_so)[2]
        assert "7.25 times" in sentence(compare(result([SYMMETRIC]), mixture=not_so))


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


class TestWords:
    def test_the_sentence_counts_points_and_names_what_to_trust(self) -> None:
        speciation, pairs = sweep([0.5, 0.9, 0.8, 0.7])
        text = sentence(compare(speciation, mixture=pairs))
        assert text.split("; the criteria spread over ")[0] == (
            "Over 4 points, at 1 (25 %) all means are equally far from their weighted mean, and `leading`, `boundary`"
            " and `merging` equal `exact` to the last bit where both exist: trust `exact`; at 3 (75 %) the weights are"
            " unequal, so the weighted mean is not the boundary (`exact` has no root): trust `merging` for the density's"
            " modes and `boundary` for the layer"
        )
        assert text.endswith(" at most, from `merging` to `boundary` for the most part.")
        assert text.count(". ") == 0

    def test_the_sentence_without_a_mixture_judges_nothing(self) -> None:
        assert "not judged" in sentence(compare(sweep([0.5, 0.9])[0]))

    def test_wells_are_told_what_each_criterion_is_good_for(self) -> None:
        # Times of exp(-(x^2 - 1)^2 + h x) at h = 0 and 0.1, of matched Gaussians (1 - 1/8)/2; then one well.
        times = {"boundary": (0.2691, 0.2690), "merging": (0.2691, 0.1938), "matched-gaussian": (0.4375, 0.4373)}
        points = [{name: (tau[i], OK) for name, tau in times.items()} for i in (0, 1)]
        points.append(dict.fromkeys(times, (math.nan, Status.no_transition)))
        found = compare(result(points))
        assert sentence(found) == (
            "Over 3 points, the density has two wells: trust `merging` for the density's modes and `boundary` for the layer"
            " between its two parts; `boundary` differs from `merging` by at most 0.0752 in tau; `matched-gaussian`, only an"
            " estimate, differs from `merging` by at most 0.2435 in tau; at 1 (33 %) there is one well and no transition;"
            " the criteria spread over 0.206 in tau at the median point and 0.244 at most, from `boundary` to"
            " `matched-gaussian` for the most part."
        )
        text = table(found)
        assert "from `merging`: median" in text
        assert "`exact`" not in text
        assert "there is one well" in text
        assert "agrees with `merging`" in sentence(compare(result(points[:1])))
        alone = sentence(compare(result([{"matched-gaussian": (0.4, OK)}])))
        assert alone == "At the one point, `matched-gaussian` is only an estimate; the criteria that have a time agree."

    def test_the_table_prints_a_small_sweep_point_by_point(self) -> None:
        speciation, pairs = sweep([0.5, 0.9])
        text = table(compare(speciation, mixture=pairs), title="pair")
        assert text.startswith("# pair\n")
        assert "no_real_root" in text
        row = next(line for line in text.splitlines() if line.startswith("| 2 "))
        assert [cell.strip() for cell in row.strip("|").split("|")] == [
            "2",
            "0.16",
            "no_real_root",
            "0.48",
            f"{(merging_variance(0.9) - 0.04) / 2:.4g}",
            "merging",
        ]

    def test_the_table_gives_medians_of_a_large_sweep(self) -> None:
        speciation, pairs = sweep([0.5, *np.linspace(0.7, 0.9, 14)])
        text = table(compare(speciation, mixture=pairs))
        assert "Each point" not in text
        row = next(line for line in text.splitlines() if line.startswith("| exact"))
        assert [cell.strip() for cell in row.strip("|").split("|")][:3] == ["exact", "1/15", "0.48"]

    def test_tables_are_aligned(self) -> None:
        ve = schedule("ve", t_end=1.0, steps=10)
        speciation, pairs = sweep([0.5, 0.9])
        found = compare(placed(speciation, ve=ve), mixture=pairs, samples=schedule_samples({"ve": ve}))
        blocks = [block for block in table(found).split("\n\n") if block.startswith("|")]
        assert len(blocks) == 6
        for block in blocks:
            assert len({len(line) for line in block.splitlines()}) == 1

    def test_a_single_point_reads_well(self) -> None:
        speciation, pairs = (part.isel(separation=0, drop=True) for part in sweep([0.7]))
        found = compare(speciation, mixture=pairs)
        assert sentence(found).startswith("At the one point, the weights are unequal")
        assert "| merging" in table(found)


class TestResults:
    def test_two_results_are_compared_variable_by_variable(self) -> None:
        first, second = simple(leading=1.0, exact=0.5), simple(leading=1.25, exact=math.nan)
        found = compare_results(first, second.drop_vars("n_roots"))
        np.testing.assert_array_equal(found.tau_star_difference.values, [[-0.25, np.nan]])
        assert found.tau_star_agreement.values.tolist() == [[1, 2]]
        assert found.status_agreement.values.tolist() == [[0, 1]]
        assert found.attrs["not_compared"] == "n_roots"

    def test_a_result_agrees_with_itself(self) -> None:
        speciation, _ = sweep([0.5, 0.9])
        found = compare_results(speciation, speciation)
        assert all((found[name] == 0).all() for name in found if str(name).endswith("_agreement"))

    def test_results_on_other_points_are_refused(self) -> None:
        first = simple(leading=1.0)
        with pytest.raises(ValueError, match="not on the same points"):
            compare_results(first, first.assign_coords(separation=[3.0]))
        with pytest.raises(ValueError, match="share no numeric variable"):
            compare_results(first, xr.Dataset())


def full_sweep(n: int) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    speciation, pairs = sweep([0.5, *np.linspace(0.6, 0.95, n - 1)])
    clocks = {"ve": schedule("ve", t_end=0.4, steps=7), "vp": schedule("vp-linear", steps=20)}
    return placed(speciation, **clocks), pairs, schedule_samples(clocks)


class TestLaziness:
    def test_chunked_results_are_the_eager_ones_bit_for_bit(self) -> None:
        speciation, pairs, samples = full_sweep(5)
        eager = compare(speciation, mixture=pairs, samples=samples)
        for size in (1, 4):
            lazy = compare(speciation.chunk(separation=size), mixture=pairs.chunk(separation=size), samples=samples)
            xr.testing.assert_identical(lazy.compute(), eager)
            assert all(lazy[name].chunks is not None for name in lazy.data_vars)
            assert sentence(eager.chunk(separation=size)) == sentence(eager)

    def test_chunks_of_the_mixture_and_of_the_result_may_differ(self) -> None:
        speciation, pairs, samples = full_sweep(9)
        lazy = compare(speciation.chunk(separation=4), mixture=pairs.chunk(separation=3), samples=samples)
        xr.testing.assert_identical(lazy.compute(), compare(speciation, mixture=pairs, samples=samples))

    def test_each_variable_may_have_chunks_of_its_own_as_in_a_file(self) -> None:
        speciation, pairs, samples = full_sweep(9)
        uneven = speciation.assign(
            {name: array.chunk(separation=2 + i % 3) for i, (name, array) in enumerate(speciation.data_vars.items())}
        )
        lazy = compare(uneven, mixture=pairs, samples=samples)
        xr.testing.assert_identical(lazy.compute(), compare(speciation, mixture=pairs, samples=samples))

    def test_two_comparisons_of_one_result_are_two_when_computed_together(self) -> None:
        speciation, pairs, _ = full_sweep(9)
        chunked, names = speciation.chunk(separation=4), ("boundary", "leading")

        def gap(result: xr.Dataset) -> xr.DataArray:
            found = [compare(result, mixture=pairs, references=[name]).difference for name in names]
            first, second = (each.squeeze("reference_criterion", drop=True) for each in found)
            return first - second

        xr.testing.assert_identical(gap(chunked).compute(), gap(speciation))
        assert (gap(speciation) != 0).any()

    def test_chunks_are_bounded_whatever_multiplies_the_points(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("scoreshock.comparison.CHUNK", 40)
        pairs = ss.families.pair(separation=np.linspace(1.0, 2.0, 50), variance=0.25, weight=0.6)
        speciation, series = ss.speciation(pairs, criteria=["exact"]), ss.corrections(pairs, order=9)
        found = compare(speciation.chunk(), series.chunk(), pairs)
        assert max(math.prod(map(max, array.chunks)) for array in found.data_vars.values()) <= 40
        xr.testing.assert_identical(found.compute(), compare(speciation, series, pairs))

    def test_dimensions_are_in_order_and_variables_described(self) -> None:
        speciation, pairs, samples = full_sweep(3)
        found = compare(speciation, mixture=pairs, samples=samples)
        assert found.difference_time.dims == ("separation", "criterion", "reference_criterion", "schedule")
        assert found.window_fraction_steps.dims == ("separation", "schedule")
        for name, variable in found.data_vars.items():
            assert name in VARIABLES
            assert name in speciation or variable.attrs["long_name"] == VARIABLES[name][0]

    def test_nothing_is_missing_beside_an_ok_status(self) -> None:
        speciation, pairs, samples = full_sweep(5)
        found = compare(speciation, mixture=pairs, samples=samples)
        for name in (n for n in found.data_vars if found[n].dtype.kind == "f" and n != "within_class_anisotropy"):
            np.testing.assert_array_equal(*xr.broadcast(found[name].isnull(), found[ANCILLARY[name]] != 0))


class TestOnMixtures:
    """Through the public face, with the statements of the paper as authority."""

    def test_pairs_of_two_weights(self, tmp_path: Path) -> None:
        clocks = {"ve": schedule("ve", t_end=4.0, steps=8), "vp": schedule("vp-constant", beta=2.0, t_end=5.0)}
        pairs = ss.families.pair(separation=np.array([1.0, 2.0]), variance=0.25, weight=np.array([0.5, 0.7]))
        speciation, corrections = ss.speciation(pairs, clocks), ss.corrections(pairs, order=3)
        samples, order_clock = schedule_samples(clocks), ss.clock(corrections.tau_order, clocks)
        found = ss.compare(speciation, corrections, pairs, samples, order_clock)
        six = list(CRITERIA[:6])
        equal = found.sel(weight=0.5)
        np.testing.assert_allclose(equal.difference_relative.sel(criterion=six, reference_criterion=six), 0, atol=1e-12)
        np.testing.assert_allclose(equal.error_time, 0, atol=1e-12)
        other = found.sel(weight=0.7)
        np.testing.assert_allclose(
            other.difference_relative.sel(criterion="merging", reference_criterion="boundary"), MERGED - 1, rtol=1e-10
        )
        assert (other.difference_status.sel(criterion="boundary", reference_criterion="exact") == NO_ROOT).all()
        assert [CRITERIA[i] for i in found.trusted_criterion.values[0]] == ["exact", "merging"]
        assert set(found.data_vars) <= set(VARIABLES)
        store.write(found, tmp_path / "comparison.nc")
        again = store.open_file(tmp_path / "comparison.nc")
        assert table(again, "pair") == table(found, "pair")

    def test_the_asymmetric_branch_crossing_is_told(self) -> None:
        means = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 0.8], [0.0, -0.8], [0.0, 0.8], [0.0, -0.8]])
        crossing = ss.mixture(means, weights=[0.04, 0.04, 0.21, 0.21, 0.25, 0.25], variance=0.01)
        found = ss.compare(ss.speciation(crossing), ss.corrections(crossing, order=2), crossing)
        assert found.difference_status.sel(criterion="leading", reference_criterion="exact").item() == VOID
        assert (found.error_status == VOID).all()
        assert "lies on another branch" in sentence(found)

    def test_all_criteria_of_an_equilateral_triangle_that_speak_of_its_centre_agree(self) -> None:
        corners = np.array([[1.0, 0.0], [-0.5, THREE], [-0.5, -THREE]])
        triangle = ss.mixture(corners, variance=0.01)
        found = ss.compare(ss.speciation(triangle), mixture=triangle)
        agreed = found.difference.sel(criterion=["leading", "first", "quadratic"], reference_criterion="exact")
        np.testing.assert_allclose(agreed, 0, atol=1e-12)
        assert found.tau_trusted.item() == pytest.approx(0.245)
        assert "for the centre" in sentence(found)


@pytest.mark.parametrize("given", [None, "results", {}, xr.DataArray([1.0])])
def test_only_datasets_are_compared(given):
    with pytest.raises(ValueError, match=r"second = .* is not allowed; allowed: a Dataset"):
        compare_results(xr.Dataset({"tau_star": ("separation", [1.0])}), given)


def test_results_over_other_axes_are_not_compared():
    first, second = (xr.Dataset({"tau_star": (axis, [1.0, 2.0])}) for axis in ("separation", "variance"))
    with pytest.raises(ValueError, match="tau_star has the dimensions"):
        compare_results(first, second)
