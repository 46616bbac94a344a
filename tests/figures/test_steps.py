"""Figures of steps: winners with their lead, ratios to the best rule, levels by rule."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.figures.description import FIGURES, Choice, Image, Labels, Line
from scoreshock.figures.steps import OPEN


@pytest.fixture
def study() -> xr.Dataset:
    """Two rules and the optimum on two densities: log-snr is best but for far at 10 calls, where none is."""
    axes = {
        "density": ["near", "far-away-density"],
        "score": ["exact"],
        "solver": ["euler"],
        "calls": [5, 10],
        "rule": ["karras", "log-snr", "optimum"],
        "seed": [1, 2],
    }
    error = np.empty((2, 1, 1, 2, 3, 2))
    error[...] = np.array([2.0, 1.0, 0.5])[:, None]
    status = np.array([[Status.ok, Status.ok], [Status.ok, Status.unresolved]], np.int8)
    cells = ("measure", "density", "score", "solver", "calls")
    return xr.Dataset(
        {
            "trajectory_error": (tuple(axes), error),
            "winner": (cells, np.full((1, 2, 1, 1, 2), "log-snr")),
            "advantage": (cells, np.full((1, 2, 1, 1, 2), 2.0)),
            "winner_status": (cells, status[None, :, None, None]),
        },
        {**axes, "measure": ["trajectory_error"]},
    )


def texts(panel) -> dict[tuple[float, float], str]:
    return {
        (float(x), float(y)): text
        for mark in panel.marks
        if isinstance(mark, Labels)
        for x, y, text in zip(mark.x, mark.y, mark.texts, strict=True)
    }


def test_winners_stand_in_cells_and_open_ones_have_no_colour(study: xr.Dataset) -> None:
    (panel,) = FIGURES["steps"].panels({"steps": study})
    assert (panel.xnames, panel.ynames) == (("5", "10"), ("far away\ndensity", "near"))
    assert texts(panel) == {(0, 0): "log-SNR", (1, 0): OPEN, (0, 1): "log-SNR", (1, 1): "log-SNR"}
    (image,) = (mark for mark in panel.marks if isinstance(mark, Image))
    assert np.isnan(image.z).tolist() == [[False, True], [False, False]]
    assert "95 %" in panel.notes[0]


def test_ratios_are_to_the_best_rule_with_a_star_where_it_wins(study: xr.Dataset) -> None:
    (panel,) = FIGURES["step-errors"].panels({"steps": study}, Choice(select={"density": ["far-away-density"]}))
    assert panel.ynames == ("optimum", "Karras", "log-SNR")
    assert texts(panel) == {(0, 0): "0.50", (1, 0): "0.50", (0, 1): "2.00", (1, 1): "2.00", (0, 2): "★", (1, 2): "1.00"}


def test_levels_fall_and_zero_is_left_out() -> None:
    found = ss.allocate_steps(ss.mixture([-1.0, 1.0]), 4, ["karras", "log-snr"], None, 0.1, 10.0)
    (panel,) = FIGURES["step-levels"].panels({"allocate_steps": found})
    lines = [mark for mark in panel.marks if isinstance(mark, Line)]
    assert [line.name for line in lines] == ["Karras", "log-SNR"]
    assert all(len(line.y) == 4 and (np.diff(line.y) < 0).all() for line in lines)
    assert panel.logy


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["holoviews", "matplotlib"])
def test_both_backends_draw_them(study: xr.Dataset, backend: str) -> None:
    assert ss.plot.steps(study, backend=backend, theme="dark") is not None
    assert ss.plot.step_errors(study, backend=backend) is not None
