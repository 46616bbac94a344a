"""The labelled layer: sweeps, statuses, groups, rays and profiles, the power diagram, and chunked results."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.densities.families.registry import build
from scoreshock.quantities import layer
from scoreshock.quantities.declaration import declared


def point(values):
    return xr.DataArray(values, dims="feature")


def test_sweep_tracks_the_boundary_and_chunks_change_no_bit():
    pair = ss.families.pair(separation=np.linspace(0.5, 4, 9), variance=[0.1, 1.0], weight=[0.5, 0.8])
    tau = np.linspace(0, 2, 5)
    result = layer.layer(pair, tau)
    assert set(result.width.dims) == {"separation", "variance", "weight", "tau"}
    a, w, v = result.separation, result.weight, result.variance + 2 * result.tau
    position = result.boundary.squeeze("feature", drop=True)
    expected = (-v / (2 * a) * np.log(w / (1 - w))).transpose(*position.dims)
    np.testing.assert_allclose(position, expected, rtol=1e-12)
    np.testing.assert_allclose(result.width, (v / a).broadcast_like(expected).transpose(*result.width.dims), rtol=1e-12)
    chunked = layer.layer(pair.chunk(separation=2), tau).compute()
    xr.testing.assert_identical(chunked, result)
    assert {name for name in result.data_vars if not result[name].attrs.get("long_name")} == set()


def test_statuses_of_a_sweep():
    pair = ss.families.pair(separation=[0.0, 1.0], variance=[0.0, 1.0])
    result = layer.layer(pair, 0.0).layer_status
    assert result.sel(separation=1.0, variance=0.0) == Status.singular
    assert result.sel(separation=1.0, variance=1.0) == Status.ok
    assert result.sel(separation=0.0, variance=1.0) == Status.no_transition
    content = {"options": {"tau": {"values": [0.5, 1.0], "unit": "speciation"}}}
    study = declared("layer").compute(pair, content)
    assert study.layer_status.sel(separation=0.0, variance=1.0).values.tolist() == [Status.no_transition] * 2
    assert np.isnan(study.width.where(study.layer_status != Status.ok)).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "parameters"),
    [("polygon", {"vertices": k}) for k in (3, 4, 6, 16)]
    + [("simplex", {"vertices": k}) for k in (3, 4, 9)]
    + [("hierarchy", {"levels": 2, "branching": b}) for b in (2, 3, 4)],
)
def test_profiles_and_trajectories_run_through_the_layer_along_its_normal(family, parameters):
    mixture = build(family, {"separation": [1.0, 2.0], "variance": 0.05}, parameters)
    tau, line = {"values": [0.01, 0.1]}, {"values": [-1.0, 0.5]}
    edge = declared("layer").compute(mixture, {"options": {"tau": tau}})
    profile = declared("scores").compute(mixture, {"options": {"x": line, "tau": tau}}).position
    options = {"tau": tau, "starts": line, "bias": 1e-3, "error_support": "everywhere", "rtol": 1e-8}
    paths = declared("trajectories").compute(mixture, {"options": options})
    first = paths.trajectory.sel(tau=0.1)
    steps = [profile.diff("x").isel(x=0) / 1.5, first.diff("start").isel(start=0) / 1.5]
    for step in [*steps, paths.trajectory_difference.sel(tau=0.01, start=0.5)]:
        along = (step * edge.normal).sum("feature")
        np.testing.assert_allclose(along, -np.sqrt((step**2).sum("feature")).broadcast_like(along), rtol=1e-6)
    off = edge.boundary - (edge.boundary * edge.normal).sum("feature") * edge.normal
    np.testing.assert_allclose(off, 0.0, atol=1e-9)


def test_rays_trace_the_boundary_as_a_curve():
    mixture = ss.mixture([[-1.0, 0.0], [1.0, 0.0], [1.0, 1.5]], [0.4, 0.3, 0.3], 0.2)
    start = xr.DataArray([[0.0, y] for y in np.linspace(-1, 1, 7)], dims=("ray", "feature"))
    result = layer.layer(mixture, 0.1, ([0], [1, 2]), start=start, direction=point([1.0, 0.0]))
    assert result.boundary.dims == ("ray", "feature")
    np.testing.assert_allclose(result.boundary.isel(feature=1), start.isel(feature=1), rtol=1e-15)
    on = layer.decomposition(mixture, result.boundary, 0.1, ([0], [1, 2]))
    np.testing.assert_allclose(on.log_ratio, 0, atol=1e-13)


def test_profile_of_a_pair():
    result = layer.profile(ss.families.pair(separation=[1.0, 3.0], variance=0.1, weight=0.7), np.linspace(-4, 4, 9), 0.2)
    assert result.profile_tanh.dims == ("separation", "r")
    assert np.abs(result.profile_difference).max() < 1e-13
