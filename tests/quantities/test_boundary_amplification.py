"""The labelled growth on the moving boundary: pairs, sweeps, groups, chunks, a study's content."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.kernels.layer import continuation
from scoreshock.quantities.boundary_amplification import End, boundary_amplification, boundary_time
from scoreshock.quantities.declaration import declared
from tests.reference import cases, check, identify

OTHERS = ([0], [1, 2])


def missing_without_reason(found):
    """Variables that hold NaN beside a status that is ``ok``."""
    reasons = {name: v.attrs["ancillary_variables"] for name, v in found.items() if "ancillary_variables" in v.attrs}
    assert reasons
    return [n for n, reason in reasons.items() if bool((found[n].isnull() & (found[reason] == Status.ok)).any())]


@pytest.mark.parametrize("case", cases("amplification"), ids=identify)
def test_a_pair_meets_the_references(case):
    inputs = case["inputs"]
    pair = ss.families.pair(separation=inputs["a"], variance=inputs["sigma0"] ** 2)
    result = boundary_amplification(pair, inputs["tau_min"], tau=xr.DataArray(inputs["tau_min"]))
    check(case, "Lambda", result.exponent_boundary.item())
    check(case, "lyapunov_at_tau_min", result.boundary_rate.item())


def test_a_sweep_of_pairs_has_the_closed_exponent_and_the_criterion_of_its_speciation():
    pair = ss.families.pair(separation=np.linspace(0.0, 4, 9), variance=[0.0, 0.1, 1.0], weight=[0.5, 0.8])
    result = boundary_amplification(pair, 0.05)
    closed, times = ss.amplification(pair, 0.05), ss.speciation(pair, criteria=["boundary"]).isel(criterion=0)
    for ours, theirs in (
        (result.exponent_boundary, closed.exponent),
        (result.exponent_boundary_status, closed.amplification_status),
        (result.tau_boundary, times.tau_star),
        (result.tau_boundary_status, times.status),
    ):
        np.testing.assert_array_equal(ours, theirs.broadcast_like(ours).transpose(*ours.dims))
    assert (result.exponent_boundary_error == 0).all()
    assert missing_without_reason(result) == []


def test_a_polygon_s_vertex_against_the_others_over_a_sweep():
    separation, variance, tau = [0.5, 1.0, 2.0], [0.05, 0.5], np.array([0.0, 0.1])
    triangle = ss.families.polygon(separation=separation, variance=variance)
    result = boundary_amplification(triangle, xr.DataArray([0.0, 0.02], dims="stop"), tau, OTHERS)
    assert set(result.exponent_boundary.dims) == {"separation", "variance", "stop"}
    assert set(result.tau_boundary.dims) >= {"separation", "variance"}
    v = result.variance + 2 * xr.DataArray([0.0, 0.02], dims="stop")
    ratio = (0.75 * result.separation) ** 2 / v
    expected = xr.where(ratio > 1, (ratio - 1 - np.log(ratio)) / 2, 0.0)
    xr.testing.assert_allclose(result.exponent_boundary.drop_attrs(), expected.transpose(*result.exponent_boundary.dims))
    v = result.variance + 2 * result.tau
    rate = (((0.75 * result.separation) ** 2 - v) / v**2).transpose(*result.boundary_rate.dims)
    np.testing.assert_allclose(result.boundary_rate, rate, rtol=1e-10)
    floor = (0.75 * result.separation) ** 2 <= result.variance
    np.testing.assert_array_equal(
        result.tau_boundary_status == Status.below_data_variance, floor.broadcast_like(result.tau_boundary)
    )
    assert missing_without_reason(result) == []


def test_the_time_alone_is_that_beside_the_exponent():
    collinear = ss.families.collinear(separation=[0.5, 1.0, 3.0], variance=[0.1, 1.0], positions=[-1.0, 0.2, 1.0])
    whole, alone = boundary_amplification(collinear), boundary_time(collinear)
    xr.testing.assert_identical(whole[list(alone.data_vars)], alone)
    assert (alone.group == [0, 1, 1]).all()


def test_chunks_change_no_bit():
    collinear = ss.families.collinear(separation=np.linspace(0.5, 3, 5), variance=[0.1, 0.3], positions=[-1.0, 0.2, 1.0])
    eager = boundary_amplification(collinear, 0.01, np.array([0.0, 0.3]))
    lazy = boundary_amplification(collinear.chunk(separation=2), 0.01, np.array([0.0, 0.3]))
    assert lazy.exponent_boundary.chunks is not None
    xr.testing.assert_identical(eager, lazy.compute(scheduler="threads", num_workers=2))


def test_a_study_s_content():
    triangle = ss.families.polygon(separation=[0.0, 1.0], variance=[0.0, 0.1])
    content = {"options": {"tau_min": 0.01, "tau": {"values": [0.5, 1.0], "unit": "speciation"}, "groups": [[0], [1, 2]]}}
    result = declared("boundary_amplification").compute(triangle, content)
    assert result.boundary_rate_status.sel(separation=0.0).values.tolist() == [[Status.no_transition] * 2] * 2
    assert missing_without_reason(result) == []
    plain = declared("boundary_amplification").compute(triangle, {"options": {"tau_min": 0.01, "groups": [[0], [1, 2]]}})
    xr.testing.assert_identical(plain.exponent_boundary, result.exponent_boundary.drop_vars("tau_scaled", errors="ignore"))
    assert "boundary_rate" not in plain


def test_every_variable_is_described():
    result = boundary_amplification(ss.families.polygon(separation=1.0, variance=0.1), 0.0, 0.1, OTHERS)
    assert all(variable.attrs.get("long_name") for variable in result.data_vars.values())
    assert all("flag_meanings" in result[name].attrs for name in result.data_vars if str(name).endswith("status"))
    assert result.boundary_end.attrs["flag_meanings"].split() == [end.name for end in End]
    codes = (continuation.ROOT, continuation.JUMP, continuation.VANISHING, continuation.NONE)
    assert result.boundary_end.attrs["flag_values"].tolist() == list(codes)


def test_wrong_input_is_named():
    triangle = ss.families.polygon(separation=1.0, variance=0.1)
    for wrong in (([0], []), ([0], [0]), ([0], [3]), ([0],)):
        with pytest.raises(ValueError, match="groups"):
            boundary_amplification(triangle, groups=wrong)
    with pytest.raises(ValueError, match="tau_min"):
        boundary_amplification(triangle, tau_min=-0.1)
    with pytest.raises(ValueError, match="component"):
        boundary_time(ss.mixture([[0.0]], [1.0], 1.0))


@pytest.mark.parametrize("mixture", [ss.families.polygon(1.0, 0.05, vertices=4), ss.families.simplex(1.0, 0.05, vertices=4)])
def test_the_default_boundary_of_two_equal_halves_grows_as_their_mean_does(mixture):
    """By symmetry the boundary passes through the weighted mean, where ``n'Hn = (lambda_1 - v)/v^2`` at any v."""
    result, centre = boundary_amplification(mixture), ss.amplification(mixture)
    assert result.group.values.sum() == 2
    assert float(result.exponent_boundary) == pytest.approx(float(centre.exponent_quadrature), rel=1e-10)
    expected = ss.speciation(mixture, criteria=["leading"]).tau_star.item()
    assert float(result.tau_boundary) == pytest.approx(expected, rel=1e-10)
