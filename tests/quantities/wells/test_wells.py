"""Densities with two wells as a study evaluates them: reference cases, units of the profile, statuses, files."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from tests.reference import cases, check, identify

QUARTIC = {"half_distance": {"values": [0.0, 1.0, 2.0]}}
TILTED = QUARTIC | {"tilt": {"values": [-0.1, 0.0, 0.1]}}
PROFILE = {"x": {"start": -2.0, "stop": 2.0, "num": 9}, "tau": {"values": [0.0, 0.1, 0.5]}}


def evaluated(quantity, axes=TILTED, schedules=(), chunked=False, **options):
    content = {
        "family": "tilted-quartic" if "tilt" in axes else "quartic",
        "parameters": {},
        "axes": axes,
        "schedules": dict(schedules),
        "quantity": quantity,
        "options": options,
    }
    return ss.evaluate(content, chunked=chunked)


def at(case):
    """The case's parameters as axes of one value."""
    names = {"c": "quartic_coefficient", "b": "half_distance", "h": "tilt"}
    return {names[key]: {"values": [value]} for key, value in case["inputs"].items() if key in names}


def profile(unit="absolute", clock="absolute", **options):
    """Options of a profile in other units."""
    return {name: spec | {"unit": u} for (name, spec), u in zip((PROFILE | options).items(), (unit, clock), strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("quartic_symmetric") + cases("quartic_tilted"), ids=identify)
def test_times(case):
    result = evaluated("speciation", at(case)).squeeze()
    merging = result.tau_star.sel(criterion="merging").item()
    boundary = result.tau_star.sel(criterion="boundary").item()
    check(case, "sbar_x", result.background_curvature.item())
    check(case, "grad_phi_abs", result.jump.item())
    check(case, "interfacial_term", result.interfacial_curvature.item())
    if case["kind"] == "quartic_symmetric":
        check(case, "tau_star", boundary)
        check(case, "tau_star", merging)
        return
    check(case, "tau_boundary", boundary)
    check(case, "x_boundary", result.x_boundary.item())
    check(case, "score_at_boundary", result.score_boundary.item())
    check(case, "tau_mode_merge", merging)
    check(case, "x_mode_merge", result.x_merging.item())
    check(case, "split", ss.well("tilted-quartic", *(case["inputs"][key] for key in "cbh")).well_split.item())


@pytest.mark.parametrize("case", cases("quartic_state"), ids=identify)
def test_state(case):
    i = case["inputs"]
    well = ss.well("tilted-quartic", i["c"], i["b"], i["h"])
    result = ss.well_fields(well, i["x"], i["tau"])
    names = {
        "phi": "log_ratio",
        "phi_x": "log_ratio_gradient",
        "phi_xx": "log_ratio_hessian",
        "phi_tau": "log_ratio_rate",
        "sbar": "background",
        "sbar_x": "background_jacobian",
        "score": "score",
        "score_x": "score_jacobian",
    }
    for field, name in names.items():
        check(case, field, result[name].item())
    check(case, "split", well.well_split.item())
    sweep = evaluated("scores", at(case), x={"values": [i["x"]]}, tau={"values": [i["tau"]]})
    check(case, "score", sweep.score.item())


def test_a_sweep_over_wells_has_its_axes_first_and_its_times_in_schedules():
    axes = {"tilt": {"values": [0.0, 0.1]}, "half_distance": {"start": 1.0, "stop": 2.0, "num": 3}}
    result = evaluated("speciation", axes, {"vp": {"kind": "vp-constant", "beta": 1.0}}, criteria=["boundary", "merging"])
    assert result.tau_star.dims == ("tilt", "half_distance", "criterion")
    assert result.time.dims == ("tilt", "half_distance", "criterion", "schedule")
    assert result.half_distance.attrs["long_name"].startswith("half-distance b")
    # alpha^2 = exp(-t), so t = ln(1 + 2 tau).
    np.testing.assert_allclose(result.time.squeeze("schedule"), np.log1p(2 * result.tau_star), rtol=1e-12)
    tau = result.tau_star.isel(tilt=0, half_distance=0).values
    np.testing.assert_allclose(tau, 0.269102819666421, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["scores", "speciation"])
def test_chunks_give_the_same_bits(quantity, monkeypatch):
    monkeypatch.setattr("scoreshock.study.evaluation.POINTS_PER_CHUNK", 60)
    options = profile("layer", "speciation") if quantity == "scores" else {"criteria": ["boundary", "matched-gaussian"]}
    lazy = evaluated(quantity, chunked=True, **options)
    assert quantity == "speciation" or max(map(len, lazy.score.chunks)) > 1
    xr.testing.assert_identical(lazy.compute(), evaluated(quantity, **options))


@pytest.mark.parametrize("unit", ["absolute", "separation", "layer"])
def test_the_profile_is_that_of_the_fields_at_its_positions(unit):
    result = evaluated("scores", **profile(unit)).sel(half_distance=2.0)
    well = ss.well("tilted-quartic", half_distance=2.0, tilt=TILTED["tilt"]["values"])
    position = result.position.squeeze("feature")
    fields = ss.well_fields(well, position.fillna(0.0), position.tau)
    good = result.score_status == Status.ok
    assert bool((good == ((position.tau > 0) | (unit != "layer"))).all())
    for name in ("score", "log_density"):
        got, expected = xr.broadcast(result[name].squeeze(), fields[name].where(good))
        np.testing.assert_allclose(got, expected, rtol=3e-12, atol=3e-12)
    np.testing.assert_array_equal(result.score_along, result.score.squeeze("feature"))


def test_positions_are_counted_in_their_unit():
    scaled = evaluated("scores", **profile("separation")).position.squeeze("feature")
    np.testing.assert_array_equal(*xr.broadcast(scaled, scaled.half_distance * scaled.x_scaled))
    layer = evaluated("scores", **profile("layer")).position.squeeze("feature").sel(half_distance=2.0, tau=0.5)
    tilts = TILTED["tilt"]["values"]
    edge = ss.well_boundary(ss.well("tilted-quartic", half_distance=2.0, tilt=tilts), 0.5)
    np.testing.assert_allclose(*xr.broadcast(layer, edge.boundary + edge.width * layer.x_scaled), rtol=1e-14, atol=1e-15)


def test_times_are_counted_in_those_of_the_matched_gaussians():
    result = evaluated("scores", **profile("absolute", "speciation"))
    # (b^2 - 1/(8 c b^2))/2 without tilt.
    expected = (4 - 1 / 32) / 2 * np.array(PROFILE["tau"]["values"])
    np.testing.assert_allclose(result.tau.sel(half_distance=2.0, tilt=0.0), expected, rtol=1e-14)


def test_one_well_has_a_score_but_neither_layer_nor_time():
    single = {"half_distance": {"values": [0.0]}}
    assert (evaluated("scores", single, **PROFILE).score_status == Status.ok).all()
    for units in (("layer", "absolute"), ("absolute", "speciation")):
        result = evaluated("scores", single, **profile(*units))
        assert (result.score_status == Status.no_transition).all()
        assert result.score.isnull().all()
    times = evaluated("speciation", single)
    assert (times.status == Status.no_transition).all()
    assert times.tau_star.isnull().all()


def test_the_layer_is_singular_at_data_time():
    result = evaluated("scores", **profile("layer")).sel(half_distance=1.0, tau=0.0)
    assert (result.score_status == Status.singular).all()
    assert result.score.isnull().all()


@pytest.mark.parametrize(
    ("quantity", "family", "message"),
    [
        (
            "corrections",
            "quartic",
            "quantity = 'corrections' is not computed of wells; allowed: layer, scores",
        ),
        ("sores", "quartic", "did you mean 'scores'"),
        ("speciation", "quartik", "did you mean 'quartic'"),
    ],
)
def test_quantities_that_wells_do_not_have_are_refused(quantity, family, message):
    content = {"family": family, "parameters": {}, "axes": QUARTIC, "schedules": {}, "quantity": quantity, "options": {}}
    with pytest.raises(ValueError, match=message):
        ss.evaluate(content)


def test_criteria_of_the_other_kind_are_refused():
    with pytest.raises(ValueError, match=r"criteria: \['leading'\] is not allowed; allowed: boundary, merging, matched"):
        evaluated("speciation", criteria=["leading", "boundary"])
    with pytest.raises(ValueError, match=r"criteria: \['matched-gaussian'\] is not allowed; allowed: leading"):
        ss.speciation(ss.families.pair(1.0), criteria=["matched-gaussian"])


@pytest.mark.slow
def test_a_study_of_a_layer_is_the_layer_at_each_time():
    content = {"family": "polygon", "parameters": {}, "axes": {"separation": {"values": [1.0, 3.0]}}, "schedules": {}}
    options = {"tau": {"values": [0.1, 0.5]}, "groups": [[0], [1, 2]]}
    result = ss.evaluate(content | {"quantity": "layer", "options": options})
    direct = ss.layer(ss.families.polygon([1.0, 3.0]), xr.DataArray([0.1, 0.5], dims="tau"), ([0], [1, 2]))
    assert result.group.values.tolist() == [0, 1, 1]
    assert result.boundary.dims == ("separation", "tau", "feature")
    for name in direct.data_vars:
        np.testing.assert_array_equal(result[name], direct[name])
    scaled = ss.evaluate(
        content | {"quantity": "layer", "options": {"tau": {"values": [0.5], "unit": "speciation"}, "groups": None}}
    )
    # (a^2/2 - 1)/2 for means on a circle of radius a in the plane, below zero at a = 1.
    np.testing.assert_allclose(scaled.tau.squeeze(), [np.nan, 0.5 * (4.5 - 1) / 2], rtol=1e-14)
    assert scaled.layer_status.squeeze().values.tolist() == [Status.no_transition, Status.ok]
