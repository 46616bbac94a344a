"""The labelled layer: reference cases through the public functions, sweeps, statuses, and chunked results."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.quantities import layer, shocks
from tests.reference import cases, check, identify, means_of, weights_of


def mixture_of(case):
    return ss.mixture(means_of(case), weights_of(case), case["inputs"]["sigma0"] ** 2)


def pair_of(inputs, weight=0.5):
    return ss.families.pair(separation=inputs["a"], variance=inputs["sigma0"] ** 2, weight=weight)


def point(values):
    return xr.DataArray(values, dims="feature")


def groups_of(case):
    return case["inputs"]["group1"], case["inputs"]["group2"]


@pytest.mark.parametrize("case", cases("binary_decomposition"), ids=identify)
def test_decomposition(case):
    found = layer.decomposition(mixture_of(case), point(case["inputs"]["x"]), case["inputs"]["tau"], groups_of(case))
    names = {
        "phi": "log_ratio",
        "grad_phi": "log_ratio_gradient",
        "sbar": "background",
        "score": "score",
        "interfacial": "interfacial",
        "phi_tau": "log_ratio_rate",
        "lap_phi": "log_ratio_laplacian",
        "adv": "log_ratio_advection",
    }
    for field, name in names.items():
        check(case, field, found[name].values)
    assert max(found.decomposition_residual, found.log_ratio_residual) < 1e-14


@pytest.mark.parametrize("case", cases("binary_boundary"), ids=identify)
def test_boundary(case):
    inputs = case["inputs"]
    line = {"start": point(inputs["point"]), "direction": point(inputs["direction"])}
    found = layer.layer(mixture_of(case), inputs["tau"], groups_of(case), **line)
    check(case, "x_boundary", found.boundary.values)
    check(case, "normal", found.normal.values)
    check(case, "grad_phi_norm", found.jump.item())
    check(case, "n_grad_sbar_n", found.background_curvature.item())
    check(case, "interfacial_term", found.interfacial_curvature.item())
    check(case, "nHn", found.normal_hessian.item())
    check(case, "nHn_positive", found.normal_hessian.item() > 0)
    check(case, "normal_speed", found.speed.item())
    assert found.layer_status == Status.ok


@pytest.mark.parametrize("case", cases("nonbinary_remainder"), ids=identify)
def test_competitors(case):
    inputs = case["inputs"]
    at = point(inputs["x"]), inputs["tau"], groups_of(case), point(inputs["normal"])
    found = layer.competitors(mixture_of(case), *at)
    names = {
        "eps": "epsilon",
        "log_eps": "log_epsilon",
        "eps_n": "epsilon_normal",
        "eps_nn": "epsilon_normal_normal",
        "score_diff": "score_difference",
        "normal_derivative_diff": "normal_difference",
        "s_full": "score",
        "s12": "binary_score",
    }
    for field, name in names.items():
        check(case, field, found[name].values)


@pytest.mark.parametrize("case", cases("rankine_hugoniot"), ids=identify)
def test_rankine_hugoniot(case):
    inputs = case["inputs"]
    mixture = ss.mixture([[-inputs["a"]], [inputs["a"]]], [inputs["wL"], inputs["wR"]], inputs["sigma0"] ** 2)
    found = shocks.rankine_hugoniot(mixture, inputs["tau"])
    names = {
        "x_b": "shock_position",
        "dxb_dtau": "shock_speed",
        "sL": "score_left",
        "sR": "score_right",
        "jump": "jump",
        "minus_sum": "minus_sum",
    }
    for field, name in names.items():
        check(case, field, found[name].item())
    check(case, "lax", bool(found.lax))
    check(case, "boundary_between_means", bool(found.between_means))
    same = layer.layer(mixture, inputs["tau"])
    check(case, "x_b", same.boundary.item())
    check(case, "dxb_dtau", (same.speed * same.normal).item())


@pytest.mark.parametrize("case", cases("sym1d_midpoint"), ids=identify)
def test_width_of_the_symmetric_layer(case):
    found = layer.layer(pair_of(case["inputs"]), case["inputs"]["tau"])
    check(case, "width", found.width.item())
    check(case, "s_x0", found.normal_hessian.item())


@pytest.mark.parametrize("case", cases("sym1d_score"), ids=identify)
def test_background_subtracted_score(case):
    x, tau = np.array([case["inputs"]["x"]]), case["inputs"]["tau"]
    check(case, "s_bg", layer.decomposition(pair_of(case["inputs"]), x, tau).interfacial.item())
    check(case, "s_bg", -0.5 * shocks.frozen_shock(pair_of(case["inputs"]), x, tau).velocity.item())


def test_sweep_tracks_the_boundary_and_chunks_change_no_bit():
    pair = ss.families.pair(separation=np.linspace(0.5, 4, 9), variance=[0.1, 1.0], weight=[0.5, 0.8])
    tau = np.linspace(0, 2, 5)
    found = layer.layer(pair, tau)
    assert set(found.width.dims) == {"separation", "variance", "weight", "tau"}
    a, w, v = found.separation, found.weight, found.variance + 2 * found.tau
    place = found.boundary.squeeze("feature", drop=True)
    expected = (-v / (2 * a) * np.log(w / (1 - w))).transpose(*place.dims)
    np.testing.assert_allclose(place, expected, rtol=1e-12)
    np.testing.assert_allclose(found.width, (v / a).broadcast_like(expected).transpose(*found.width.dims), rtol=1e-12)
    chunked = layer.layer(pair.chunk(separation=2), tau).compute()
    xr.testing.assert_identical(chunked, found)
    assert {name for name in found.data_vars if not found[name].attrs.get("long_name")} == set()


def test_statuses_of_a_sweep():
    pair = ss.families.pair(separation=[0.0, 1.0], variance=[0.0, 1.0])
    found = layer.layer(pair, 0.0).layer_status
    assert found.sel(separation=1.0, variance=0.0) == Status.singular
    assert found.sel(separation=1.0, variance=1.0) == Status.ok
    assert found.sel(separation=0.0, variance=1.0) == Status.no_transition
    content = {"options": {"tau": {"values": [0.5, 1.0], "unit": "speciation"}}}
    study = layer.compute(pair, content)
    assert study.layer_status.sel(separation=0.0, variance=1.0).values.tolist() == [Status.no_transition] * 2
    assert np.isnan(study.width.where(study.layer_status != Status.ok)).all()


def test_groups_of_more_components():
    polygon = ss.families.polygon(separation=1.0, variance=0.1)
    found = layer.layer(polygon, 0.1, ([0], [1]))
    assert found.group.values.tolist() == [0, 1, 2]
    assert found.jump > 0
    for wrong in (([0], []), ([0], [0]), ([0], [3]), ([0],)):
        with pytest.raises(ValueError, match="groups"):
            layer.layer(polygon, 0.1, wrong)
    with pytest.raises(ValueError, match="component"):
        shocks.rankine_hugoniot(polygon)


def test_rays_trace_the_boundary_as_a_curve():
    mixture = ss.mixture([[-1.0, 0.0], [1.0, 0.0], [1.0, 1.5]], [0.4, 0.3, 0.3], 0.2)
    start = xr.DataArray([[0.0, y] for y in np.linspace(-1, 1, 7)], dims=("ray", "feature"))
    found = layer.layer(mixture, 0.1, ([0], [1, 2]), start=start, direction=point([1.0, 0.0]))
    assert found.boundary.dims == ("ray", "feature")
    np.testing.assert_allclose(found.boundary.isel(feature=1), start.isel(feature=1), rtol=1e-15)
    on = layer.decomposition(mixture, found.boundary, 0.1, ([0], [1, 2]))
    np.testing.assert_allclose(on.log_ratio, 0, atol=1e-13)


def test_profile_of_a_pair():
    found = layer.profile(ss.families.pair(separation=[1.0, 3.0], variance=0.1, weight=0.7), np.linspace(-4, 4, 9), 0.2)
    assert found.profile_tanh.dims == ("separation", "r")
    assert np.abs(found.profile_difference).max() < 1e-13


def test_power_diagram():
    mixture = ss.mixture([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.5]], [0.2, 0.3, 0.5], 0.1)
    tau = np.array([0.0, 0.2])
    grid = xr.DataArray(np.random.default_rng(0).standard_normal((50, 2)), dims=("point", "feature"))
    largest = ss.responsibilities(mixture, grid, tau).argmax("component")
    assert (shocks.owner(mixture, grid, tau) == largest).all()
    faces = shocks.faces(mixture, tau)
    assert faces.face_point.dims == ("tau", "pair", "feature")
    assert faces.first_component.values.tolist() == [0, 0, 1]
    corner = shocks.triple_point(mixture, tau)
    np.testing.assert_allclose(ss.responsibilities(mixture, corner.triple_point, tau), 1 / 3, rtol=1e-12)
    assert corner.triple_point_owner.isin([0, 1, 2]).all()


def test_frozen_shock():
    found = shocks.frozen_shock(ss.families.pair(separation=[1.0, 2.0], variance=0.09), np.linspace(-2, 2, 41), 0.2)
    assert found.velocity.dims == ("separation", "x")
    assert max(found.stationary_residual.max(), found.full_residual.max(), found.transformation_residual.max()) < 1e-14
    with pytest.raises(ValueError, match="equal weights"):
        shocks.frozen_shock(ss.families.pair(separation=1.0, variance=0.09, weight=0.7), np.array([0.1]))
    assert found.frozen_burgers_residual.where(np.abs(found.x) > 0.01).min() > 0.01
