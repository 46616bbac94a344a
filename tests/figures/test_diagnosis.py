"""Figures of a diagnosis: what is drawn are the numbers of the dataset, and what is left out is said."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.figures import diagnosis
from scoreshock.figures.description import Area, Level, Line, Panel, Points

MEANS = np.stack([np.cos(np.pi * np.arange(6) / 3), np.sin(np.pi * np.arange(6) / 3)], axis=-1)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    truth, other = (ss.mixture(MEANS, weights, variance=0.02) for weights in (None, [3, 1, 1, 1, 1, 1]))
    score = ss.learned_score(lambda x, tau: ss.score(other, x, tau[0]).values)
    return ss.diagnose(score, truth, sigma=6, samples=800)


def line(panel: Panel, name: str) -> Line:
    return next(mark for mark in panel.marks if isinstance(mark, Line) and mark.name == name)


def test_errors_and_parts_are_those_of_the_dataset(found: xr.Dataset) -> None:
    errors, parts, shares, equation, weights = diagnosis.diagnosis(found)
    np.testing.assert_array_equal(line(errors, "everywhere").y, found.score_error)
    np.testing.assert_array_equal(line(errors, "in the layer").y, found.region_error.sel(region="layer"))
    (area,) = (mark for mark in parts.marks if isinstance(mark, Area))
    np.testing.assert_allclose(area.high, found.gradient_square_upper)
    np.testing.assert_allclose(line(shares, "").y, 100 * found.kl_share)
    np.testing.assert_allclose(line(equation, "residual of the score's equation").y, found.equation_residual[1])
    dots = next(mark for mark in weights.marks if isinstance(mark, Points) and mark.name == "flow")
    np.testing.assert_allclose(dots.x, 100 * found.predicted_mode_weight.sel(sampler="flow"))
    np.testing.assert_allclose(dots.y, 100 * found.mode_weight_change.sel(sampler="flow"))


def test_layers_are_drawn_where_scores_differ_most_in_units_of_half_the_jump(found: xr.Dataset) -> None:
    panels = diagnosis.diagnosis_layers(found)
    assert [panel.title for panel in panels[-3:]] == ["Height of the layer", "Width of the layer", "Position of the layer"]
    titles = [panel.title for panel in panels[:-3]]
    assert len(titles) == diagnosis.PAIRS
    assert all("components 0 and" in title for title in titles[:2])  # the one whose weight is wrong
    assert "The 4 of " in panels[0].notes[0]
    true = line(panels[0], "true score")
    assert abs(np.interp(0.0, true.x, true.y)) < 1  # between the one-sided values, -1 and 1
    position = panels[-1]
    assert next(mark.value for mark in position.marks if isinstance(mark, Level)) == 0.0


def test_of_a_sweep_the_middle_is_drawn_and_said(found: xr.Dataset) -> None:
    sweep = xr.concat([found, 2 * found], dim=xr.Variable("training_step", [10, 20]))
    (first, *_) = diagnosis.diagnosis(sweep)
    np.testing.assert_array_equal(line(first, "everywhere").y, 2 * found.score_error)
    assert first.notes == ("At training step = 20 (of 10, 20).",)
    (first, *_) = ss.plot.diagnosis(found, backend="matplotlib").axes
    assert first.get_xlabel() == diagnosis.SIGMA


def test_without_a_layer_there_is_no_panel_of_layers() -> None:
    one = ss.mixture([[0.0, 0.0]])
    score = ss.learned_score(lambda x, tau: ss.score(one, x, tau[0]).values * 1.1)
    assert diagnosis.diagnosis_layers(ss.diagnose(score, one, sigma=3, samples=50)) == []
