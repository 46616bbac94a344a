"""Figures of the score on a line, of pairs whose score is known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.figures import fields
from scoreshock.figures.description import Area, Choice, Image, Level, Line, Panel, Points
from scoreshock.study.evaluation import evaluate
from scoreshock.study.study import Study

A, VARIANCE, WEIGHT = 1.5, 0.1, 0.7
LAMBDA = 4 * WEIGHT * (1 - WEIGHT) * A**2  # variance between the components, (15)
TAU_STAR = (LAMBDA - VARIANCE) / 2  # (77)


def datasets_of(**changes: Any) -> dict[str, xr.Dataset]:
    entry = {
        "family": "pair",
        "axes": {"separation": A, "variance": VARIANCE, "weight": WEIGHT},
        "quantities": ["scores", "layer", "modes", "trajectories"],
        "x": {"start": -2.0, "stop": 2.0, "num": 41, "unit": "separation"},
        "starts": {"values": [-1.0, 0.5, 2.0], "unit": "absolute"},
        "tau": {"start": 0.05, "stop": 2.0, "num": 20, "scale": "log", "unit": "speciation"},
    } | changes
    sweep = Study.from_mapping({"sweeps": {"s": entry}}).sweeps["s"]
    return {name: evaluate(sweep, name, chunked=False) for name in sweep.quantities}


@pytest.fixture(scope="module")
def datasets() -> dict[str, xr.Dataset]:
    return datasets_of()


def drawn(figure: Any, datasets: dict[str, xr.Dataset]) -> list[Panel]:
    panels: list[Panel] = figure(
        datasets["scores"], **{name: each for name, each in datasets.items() if name in BESIDE[figure]}
    )
    return panels


BESIDE = {
    fields.score_map: ("layer", "modes", "trajectories"),
    fields.burgers_velocity: ("layer",),
    fields.layer_profile: ("layer",),
}


def line(panel: Panel, name: str) -> Line:
    return next(mark for mark in panel.marks if isinstance(mark, Line) and mark.name == name)


def test_the_map_shows_the_score_in_units_of_half_its_jump(datasets: dict[str, xr.Dataset]) -> None:
    (panel,) = drawn(fields.score_map, datasets)
    (image,) = panel.images
    x, v = image.y[:, None], VARIANCE + 2 * TAU_STAR * image.x
    shift = 0.5 * np.log(WEIGHT / (1 - WEIGHT))
    np.testing.assert_allclose(image.z, np.tanh(A * x / v + shift) - x / A, atol=1e-12)  # (29) over a/v
    assert (panel.falling, panel.logx, image.centre) == (True, True, 0.0)
    assert [mark.value for mark in panel.marks if isinstance(mark, Level)] == [1.0]  # tau*, in its units


def test_the_map_has_boundary_and_layer_where_theory_has_them(datasets: dict[str, xr.Dataset]) -> None:
    (panel,) = drawn(fields.score_map, datasets)
    boundary = line(panel, "boundary x_b")
    v = VARIANCE + 2 * TAU_STAR * boundary.x
    expected = -v / (2 * A) * np.log(WEIGHT / (1 - WEIGHT))  # section 5.6
    np.testing.assert_allclose(boundary.y, expected, rtol=1e-12)
    (area,) = (mark for mark in panel.marks if isinstance(mark, Area))
    np.testing.assert_allclose(area.low, np.clip(expected - v / A, -2 * A, 2 * A), rtol=1e-12)
    np.testing.assert_allclose(area.high, np.clip(expected + v / A, -2 * A, 2 * A), rtol=1e-12)


def test_the_score_vanishes_at_the_modes_and_trajectories_keep_their_quantile(datasets: dict[str, xr.Dataset]) -> None:
    (panel,) = drawn(fields.score_map, datasets)
    pair = ss.families.pair(A, variance=VARIANCE, weight=WEIGHT)
    (modes,) = (mark for mark in panel.marks if isinstance(mark, Points))
    found = np.isfinite(modes.y)
    assert found.sum() > 20
    for tau, x in zip(modes.x[found] * TAU_STAR, modes.y[found], strict=True):
        assert float(ss.score(pair, np.array([x]), tau).squeeze()) == pytest.approx(0, abs=1e-9)
    flow = line(panel, "probability flow")
    starts = flow.y[np.isclose(flow.x, 2.0)]
    assert starts.tolist() == [-1.0, 0.5, 2.0]
    first = flow.y[:20]
    np.testing.assert_array_equal(first, datasets["trajectories"].trajectory.isel(start=0).squeeze())


def test_the_velocity_is_a_shock_of_the_height_and_speed_of_rankine_and_hugoniot(datasets: dict[str, xr.Dataset]) -> None:
    velocity, position, height = drawn(fields.burgers_velocity, datasets)
    times = datasets["scores"].tau_scaled.values
    lines = [mark for mark in velocity.marks if isinstance(mark, Line)]
    curves, jumps = lines[::2], lines[1::2]
    v = VARIANCE + 2 * TAU_STAR * times[[0, 5, 10, 14, 19]]
    shift, log_odds = 0.5 * np.log(WEIGHT / (1 - WEIGHT)), np.log(WEIGHT / (1 - WEIGHT))
    for curve, jump, each in zip(curves, jumps, v, strict=True):
        np.testing.assert_allclose(curve.y, curve.x / A - np.tanh(A * curve.x / each + shift), atol=1e-12)  # u/(2a/v)
        np.testing.assert_allclose(jump.x, -each * log_odds / (2 * A), rtol=1e-12)
        left, right = -2 * (-A - jump.x[0]) / each, -2 * (A - jump.x[0]) / each  # u = -2 s, (33)
        np.testing.assert_allclose(jump.y, np.array([left, right]) * each / (2 * A), rtol=1e-12)
    tangents = [mark for mark in position.marks if isinstance(mark, Line)][1:]
    slopes = [np.ptp(mark.y) / np.ptp(mark.x * TAU_STAR) for mark in tangents]
    np.testing.assert_allclose(slopes, log_odds / A, rtol=1e-9)  # (48)
    assert all(np.diff(mark.y).max() < 0 for mark in tangents)  # to the minority as noise grows
    (heights,) = (mark for mark in height.marks if isinstance(mark, Line))
    np.testing.assert_allclose(heights.y, 4 * A / (VARIANCE + 2 * TAU_STAR * times), rtol=1e-12)


def test_profiles_of_a_pair_collapse_onto_tanh_at_every_time(datasets: dict[str, xr.Dataset]) -> None:
    (panel,) = drawn(fields.layer_profile, datasets)
    dots = [mark for mark in panel.marks if isinstance(mark, Points)]
    assert len(dots) == fields.TIMES
    for each in dots:
        assert len(each.x) > 5
        np.testing.assert_allclose(each.y, np.tanh(each.x), atol=1e-11)  # (32), exactly
    np.testing.assert_array_equal(line(panel, "tanh ξ").y, np.tanh(line(panel, "tanh ξ").x))


def test_profiles_of_wells_leave_tanh_away_from_the_boundary_only() -> None:
    wells = datasets_of(
        family="tilted-quartic",
        axes={"half_distance": 1.5, "tilt": 0.2},
        quantities=["scores", "layer"],
        tau={"start": 0.1, "stop": 0.4, "num": 12, "unit": "speciation"},
    )
    (panel,) = drawn(fields.layer_profile, wells)
    dots = [mark for mark in panel.marks if isinstance(mark, Points)]
    x, y = (np.concatenate([getattr(each, axis) for each in dots]) for axis in "xy")
    away = np.abs(y - np.tanh(x))
    assert away[np.abs(x) < 0.3].max() < 0.02  # (41)
    assert away.max() > 0.05


def test_lines_that_run_backwards_have_the_same_picture() -> None:
    custom = {"family": "custom", "axes": {"variance": 0.1}, "quantities": ["scores", "layer"]}
    ahead, behind = (
        drawn(fields.layer_profile, datasets_of(**custom, parameters={"means": means, "weights": weights}))
        for means, weights in (([[-1.0], [1.0]], [0.3, 0.7]), ([[1.0], [-1.0]], [0.7, 0.3]))
    )
    for one, other in zip(ahead[0].marks, behind[0].marks, strict=True):
        assert isinstance(one, Line | Points)
        assert isinstance(other, Line | Points)
        order = np.argsort(other.x)
        np.testing.assert_allclose(one.x, other.x[order], atol=1e-12)
        np.testing.assert_allclose(one.y, other.y[order], atol=1e-12)


def test_images_of_a_sweep_need_many_times() -> None:
    few = datasets_of(tau={"values": [0.5, 1.0], "unit": "speciation"})
    assert drawn(fields.score_map, few) == []
    assert Image(np.arange(2.0), np.arange(2.0), np.eye(2), "z", bounds=(-1.0, 3.0)).limits == (-1.0, 3.0)


def swept() -> dict[str, xr.Dataset]:
    return datasets_of(axes={"separation": [1.0, 1.5, 2.0], "variance": [0.1, 0.2], "weight": WEIGHT})


@pytest.mark.slow
def test_a_reader_chooses_points_and_panels() -> None:
    every = swept()
    by_default = drawn(fields.score_map, every)
    assert [panel.title for panel in by_default] == ["a = 1, σ₀² = 0.2, w = 0.7", "a = 2, σ₀² = 0.2, w = 0.7"]
    assert {"At σ₀² = 0.2 (of 0.1, 0.2).", "Panels for 2 of 3 values of a."} < set(by_default[0].notes)
    choice = Choice(panels="variance", select={"separation": 1.5, "tau_scaled": slice(None, 1.0)})
    chosen = fields.score_map(every["scores"], choice, **{name: every[name] for name in BESIDE[fields.score_map]})
    assert [panel.title for panel in chosen] == ["a = 1.5, σ₀² = 0.1, w = 0.7", "a = 1.5, σ₀² = 0.2, w = 0.7"]
    (image,) = chosen[0].images
    assert image.x.max() <= 1.0 < by_default[0].images[0].x.max()
    (whole,) = drawn(fields.score_map, datasets_of())[0].images
    np.testing.assert_allclose(image.z, whole.z[:, : image.x.size], rtol=1e-12)


@pytest.mark.slow
def test_what_a_reader_chose_and_does_not_apply_is_named() -> None:
    every = swept()
    (panel, *_) = fields.layer_profile(every["scores"], Choice(x="tau", lines="variance"), layer=every["layer"])
    assert "Not used by this figure: x = tau, lines = variance." in panel.notes


def test_a_point_without_a_layer_has_no_panel() -> None:
    none = datasets_of(axes={"separation": [0.0, 1.5], "variance": 0.1}, quantities=["scores", "layer"])
    assert [panel.title for panel in drawn(fields.layer_profile, none)] == ["a = 1.5, σ₀² = 0.1"]


@pytest.mark.slow
def test_points_that_are_not_drawn_are_counted() -> None:
    sharp = datasets_of(
        axes={"separation": 1.0, "variance": 1e-6},
        tau={"start": 1e-5, "stop": 2.0, "num": 20, "scale": "log", "unit": "speciation"},
        starts={"values": [1e-9, 0.5], "unit": "absolute"},
        rtol=1e-9,
    )
    status = sharp["trajectories"].trajectory_status
    lost = int((status != 0).sum())
    assert 0 < lost < status.size
    (panel,) = drawn(fields.score_map, sharp)
    assert f"{lost} of 40 points are not drawn: {lost} unresolved." in panel.notes
