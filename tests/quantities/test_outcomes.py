"""Statuses in words, and results without what is flagged."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import WORDS, Status, TimeStatus
from scoreshock.quantities import outcomes


def test_every_status_has_words():
    assert set(WORDS) == {member.name for kind in (Status, TimeStatus) for member in kind}
    assert ss.explain(Status.singular) == ss.explain(6 - 1) == ss.explain("singular")


@pytest.mark.parametrize("number", [1, np.int8(1)])
def test_a_number_of_both_kinds_of_status_is_explained_as_both(number):
    both = f"1: no_transition, {WORDS['no_transition']}; of a time status before_start, {WORDS['before_start']}"
    assert ss.explain(number) == both
    assert ss.explain(TimeStatus.before_start) == f"before_start: {WORDS['before_start']}"
    assert ss.explain(0) == f"ok: {WORDS['ok']}"


@pytest.mark.parametrize("wrong", [99, "singulr", None, True, 1.5])
def test_an_unknown_status_is_refused(wrong):
    with pytest.raises(ValueError, match=r"status = .* is not allowed"):
        ss.explain(wrong)


def test_a_dataset_is_explained_with_its_counts():
    result = ss.speciation(ss.families.pair(separation=[0.0, 1.0, 2.0], variance=0.5), "edm", ["leading"])
    lines = ss.explain(result).splitlines()
    assert lines[:3] == ["status", f"  2 ok: {WORDS['ok']}", f"  1 no_transition: {WORDS['no_transition']}"]
    assert "time_status" in lines
    assert f"  1 no_tau: {WORDS['no_tau']}" in lines


@pytest.mark.parametrize("piece", [1, 7, 10**6])
def test_statuses_are_counted_in_pieces(monkeypatch, piece):
    monkeypatch.setattr(outcomes, "PIECE", piece)
    values = np.random.default_rng(0).integers(-1, 3, (5, 4))
    flag = xr.DataArray(
        values, attrs={"flag_values": [-1, 0, 1, 2], "flag_meanings": "missing ok no_transition no_real_root"}
    )
    counts = dict(zip(flag.attrs["flag_meanings"].split(), np.bincount(values.ravel() + 1).tolist(), strict=True))
    assert outcomes.occurrences(flag) == counts
    assert outcomes.occurrences(flag[0, 0]) == {list(counts)[values[0, 0] + 1]: 1}
    assert outcomes.occurrences(flag[:0]) == outcomes.occurrences(flag.drop_attrs()) == {}


def test_valid_masks_flagged_values_only():
    result = ss.speciation(ss.families.pair(separation=[0.0, 1.0, 2.0], variance=2.0), criteria=["leading", "exact"])
    kept = ss.valid(result)
    good = (result.status == Status.ok).values
    assert not good.all()
    assert np.isfinite(result.tau_star.values[~good]).any()
    assert np.isnan(kept.tau_star.values[~good]).all()
    np.testing.assert_array_equal(kept.tau_star.values[good], result.tau_star.values[good])
    np.testing.assert_array_equal(kept.status, result.status)
    assert kept.tau_star.attrs == result.tau_star.attrs
    with pytest.raises(ValueError, match="results = 3 is not a dataset"):
        ss.valid(3)
