"""One run minus another."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss


def run(separations: object, weight: float = 0.5, **options: object) -> xr.Dataset:
    return ss.speciation(ss.families.pair(separation=np.asarray(separations), weight=weight), **options)


class TestRuns:
    def test_differences_are_labelled_and_stand_beside_the_statuses_of_both(self) -> None:
        axis = [1.0, 2.0, 3.0]
        a, b = run(axis), run(axis, 0.7)
        result = ss.compare(a, b)
        assert "left_out" not in result.attrs
        # leading: tau* = (4 w (1 - w) a^2 - sigma0^2)/2
        np.testing.assert_allclose(result.tau_star.sel(criterion="leading")[1:], 0.16 * np.array([4, 9]) / 2, rtol=1e-12)
        xr.testing.assert_equal(result.status_first, a.status)
        xr.testing.assert_equal(result.status_second, b.status)
        assert result.n_roots.values.tolist() == (a.n_roots.astype(int) - b.n_roots.astype(int)).values.tolist()
        assert not {"status", "root_status"} & set(result.data_vars)
        assert result.tau_star.attrs["long_name"] == "first minus second: speciation time by criterion"

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

    def test_values_match_up_to_rounding_and_unmatched_ones_are_listed(self) -> None:
        a, b = run(np.linspace(0, 2, 11)[1:]), run([3.0, 2.0, 1.2], criteria=("exact", "leading"))
        assert a.separation.values[5] != 1.2
        with pytest.warns(UserWarning, match="separation 3.0 of second") as output:
            result = ss.compare(a, b)
        assert result.separation.values.tolist() == [a.separation.values[5], 2.0]
        assert result.criterion.values.tolist() == ["leading", "exact"]
        np.testing.assert_allclose(result.tau_star, 0, atol=1e-14)
        for text in (result.attrs["left_out"], str(output[0].message)):
            assert "separation 0.2, 0.4, 0.6000000000000001, 0.8, 1.0 and 3 more of first" in text
            assert "criterion first, quadratic, boundary, merging, spectral of first" in text
        with pytest.raises(ValueError, match=r"no value in common: .*equal to 1e-12 relative"):
            ss.compare(run([1.0, 2.0]), run([1.0 + 3e-12, 4.0]))

    def test_different_fixed_values_are_listed(self) -> None:
        whole = run([1.0, 2.0])
        with pytest.warns(UserWarning, match=r"separation = 1.0 in first and 2.0 in second"):
            result = ss.compare(whole.isel(separation=0), whole.isel(separation=1))
        assert float(result.cascade[0]) == -1.5

    def test_datasets_that_do_not_match_are_refused(self) -> None:
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
