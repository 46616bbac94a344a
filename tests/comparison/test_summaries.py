"""Differences of criteria in summary, against loops over the points."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from scoreshock import comparison
from scoreshock.comparison import compare
from scoreshock.comparison.spread import MEDIAN_ERROR
from scoreshock.conventions import Status, TimeStatus
from scoreshock.densities.mixtures import mixture
from scoreshock.storage import store

from ..described import made
from .cases import CRITERIA, OK, VOID, outcomes, random_sweep, result, simple

CHUNKS = {"separation": 4, "weight": 3}


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

    @pytest.mark.slow
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
            crossing = last >= 0 and int(point.root_eigenmode[last]) == 1  # 0.4 is not the largest eigenvalue
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
            for end in ("start", "end"):
                assert int(found[f"window_{end}_count"][code]) == int(
                    ((found[f"window_{end}_criterion"] == code) & (found.window_width > 0)).sum()
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
            for outcome in ("ok", "below_data_variance", "no_real_root"):
                both = mine & (found.trusted_status == Status[outcome])
                assert int(found.trust_count.sel(reason=reason, outcome=outcome)) == int(both.sum())
            roots = mine & ((found.trust_conditions & 8) != 0)
            assert int(found.condition_count.sel(reason=reason, condition="several_roots")) == int(roots.sum())
        assert int(found.trust_count.sum()) == int(found.n_points) == 42

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("block", "chunks"), [(1, CHUNKS), (24, None), (8 * 7 * 2, CHUNKS), (10**6, None), (10**6, CHUNKS)]
    )
    def test_any_blocks_and_chunks_give_the_same_bits(self, arguments, found, block, chunks, monkeypatch) -> None:
        monkeypatch.setattr(comparison, "BLOCK", block)
        speciation, corrections, pairs, samples, clock = arguments
        if chunks:
            speciation, corrections, clock = (each.chunk(chunks) for each in (speciation, corrections, clock))
            pairs = pairs.chunk(weight=2)
        again = compare(speciation, corrections, pairs, samples, clock)
        assert all((again[name].chunks is None) == (block == 10**6) for name in again.data_vars)
        again = again.compute()
        xr.testing.assert_identical(again, found)
        assert all(again[name].values.tobytes() == found[name].values.tobytes() for name in found.data_vars)

    def test_variables_are_described_and_nothing_is_missing_beside_ok(self, found) -> None:
        assert all("long_name" in variable.attrs for name, variable in found.variables.items() if name not in found.dims)
        linked = {name: v.attrs["ancillary_variables"] for name, v in found.items() if "ancillary_variables" in v.attrs}
        assert {"window_width", "window_fraction_range"} <= set(linked)
        for name, flag in linked.items():
            if found[name].dtype.kind == "f":
                np.testing.assert_array_equal(np.isnan(found[name].values), found[flag].values != OK)

    def test_the_series_is_compared_with_a_root_of_its_own_eigenspace(self) -> None:
        point = {"leading": (0.36, OK), "exact": (0.3199, OK), "spectral": (0.1, OK)}
        branch = {"root_eigenmode": (("separation", "root"), np.array([[1, 1, -1]], dtype=np.int16))}
        apart, same = (
            compare(result([point], n_roots=[2], **branch, eigenvalue=(("separation", "eigenmode"), [values])))
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

    @pytest.mark.slow
    def test_memory_does_not_grow_with_the_sweep(self, tmp_path: Path) -> None:
        peaks = []
        for rows in (400, 1600):
            axes = {"separation": np.arange(1.0, rows + 1), "weight": np.linspace(0.1, 0.9, 1000)}
            factors = [xr.DataArray(values, {name: values}, [name]) for name, values in axes.items()]
            names = xr.DataArray(np.linspace(1, 2, 7), {"criterion": list(CRITERIA[:7])}, ["criterion"])
            tau = factors[0].chunk(separation=50) * factors[1] * names
            path = tmp_path / f"{rows}.nc"
            store.write(made({"tau_star": tau, "status": xr.zeros_like(tau, np.int8)}), path)
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
