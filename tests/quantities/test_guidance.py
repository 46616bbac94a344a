"""Labelled guided generation: axes of weights and intervals, classes by name, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.study.errors import StudyError
from scoreshock.study.evaluation import evaluate
from scoreshock.study.study import Study

TOY = ss.mixture([-1.0, 1.0, 2.0], [1, 1, 2], 0.01)
KINDS = ["cat", "cat", "dog"]


@pytest.mark.slow
def test_weights_and_intervals_are_axes():
    found = ss.guided_generation(TOY, "cat", [1.0, 4.0], [0.0, 0.2], np.array([0.8, np.inf]), classes=KINDS, samples=100)
    assert found.component_share.dims == ("guidance_weight", "sigma_low", "sigma_high", "component")
    one = ss.guided_generation(TOY, "cat", 4.0, 0.2, 0.8, classes=KINDS, samples=100)
    xr.testing.assert_identical(
        found.component_share.sel(guidance_weight=4.0, sigma_low=0.2, sigma_high=0.8).reset_coords(drop=True),
        one.component_share.reset_coords(drop=True),
    )
    # Kynkaanniemi et al. 2024: everywhere the strong weight loses a mode, in the middle it keeps both.
    assert found.component_share.sel(guidance_weight=4.0, sigma_low=0.0, sigma_high=np.inf, component=1) < 0.02
    assert one.component_share.sel(component=1) > 0.45


@pytest.mark.slow
def test_the_decision_window_is_an_interval():
    window = ss.decision_windows(TOY, classes=KINDS).sigma_decision
    low, high = (window.isel(remaining=i).item() for i in (0, 2))
    found = ss.guided_generation(TOY, "cat", 4.0, low, high, classes=KINDS, samples=200)
    assert found.generation_status == Status.ok
    calls = ss.guidance_interval(
        window.isel(remaining=0, drop=True), window.isel(remaining=2, drop=True), ss.schedule("edm").sample_times()[:-1]
    )
    assert calls.snapped_low <= low < calls.snapped_high <= high
    assert calls.n_calls == calls.last_call - calls.first_call + 1


def test_trajectories_with_noise_share_it_over_a_sweep_and_are_chunked_alike():
    weight = xr.DataArray([1.0, 3.0], dims="guidance_weight")
    x = np.array([-2.0, 0.0, 2.0])
    named = {"classes": KINDS, "noise_share": 1.0, "steps": 64, "seed": 5}
    found = ss.guided_trajectories(TOY, x, [2.0, 0.0], "cat", weight, **named)
    lazy = ss.guided_trajectories(TOY, x, [2.0, 0.0], "cat", weight.chunk(guidance_weight=1), **named)
    xr.testing.assert_identical(lazy.compute(), found)
    alone = ss.guided_trajectories(TOY, x, [2.0, 0.0], "cat", 3.0, **named)
    np.testing.assert_array_equal(found.trajectory.isel(guidance_weight=1), alone.trajectory)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"target": "cow"}, "target = 'cow' is no class; allowed: cat, dog"),
        ({"sigma_low": 2.0, "sigma_high": 1.0}, "sigma_low = 2 is not allowed; allowed: numbers below sigma_high"),
        ({"noise_share": -1.0}, "noise_share = -1 is not allowed; allowed: numbers >= 0"),
        ({"samples": 0}, "samples = 0 is not allowed"),
        ({"sigma_min": 0.0}, "sigma_min = 0 is not allowed; allowed: numbers > 0"),
        ({"rtol": 1.0}, "rtol: 1.0 is not allowed"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(named, message):
    with pytest.raises(ValueError, match=message):
        ss.guided_generation(TOY, **({"target": "cat", "classes": KINDS} | named))


def test_variances_of_components_and_levels_that_do_not_fall_are_refused():
    with pytest.raises(ValueError, match="one variance of all components"):
        ss.guided_generation(TOY.assign(component_variance=("component", [0.1, 0.2, 0.3])), 0)
    with pytest.raises(ValueError, match=r"levels = \[1.0, 2.0\] is not allowed; allowed: noise levels"):
        ss.guidance_interval(0.1, 1.0, [1.0, 2.0])


def study(**more):
    family = {
        "family": "custom",
        "axes": {"variance": 0.01},
        "parameters": {"means": [[-1.0], [1.0], [2.0]], "weights": [1, 1, 2]},
    }
    return Study.from_mapping({"sweeps": {"toy": family | more}}).sweeps["toy"]


@pytest.mark.slow
def test_a_study_says_which_components_form_a_class():
    interval = {"sigma_low": 0.2, "sigma_high": 0.8, "guidance_weight": [1.0, 4.0], "samples": 100}
    found = evaluate(study(quantities=["guidance"], classes=[7, 7, 3], target=7, **interval), "guidance", chunked=False)
    own = ss.guided_generation(TOY, 7, [1.0, 4.0], 0.2, 0.8, classes=[7, 7, 3], samples=100)
    np.testing.assert_array_equal(found.component_share.squeeze(), own.component_share)
    windows = evaluate(study(quantities=["decisions"], classes=[7, 7, 3]), "decisions", chunked=False)
    np.testing.assert_array_equal(windows.sigma_decision.squeeze(), ss.decision_windows(TOY, classes=KINDS).sigma_decision)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"target": 3}, "target: 3 is not allowed; allowed: a component, below 3"),
        ({"target": 2, "classes": [0, 0, 1]}, "target: 2 is not allowed; allowed: the classes 0, 1"),
        ({"classes": [0, 1]}, r"classes: \[0, 1\] has 2 numbers; allowed: 3, one for each component of this family"),
        ({"classes": ["a", "a", "b"]}, "classes.*is not allowed; allowed: a whole number"),
        (
            {"sigma_low": 1.0, "sigma_high": 0.5},
            "sigma_high: 0.5 is not allowed; allowed: a number above sigma_low, which is 1",
        ),
        ({"quantities": ["decisions"], "classes": [1, 1, 1]}, "'decisions' compares 2 to 64 classes; here are 1"),
        (
            {"quantities": ["clocks"], "sigma_min": 3.0, "sigma_max": 2.0},
            "sigma_max: 2.0 is not allowed; allowed: a number above",
        ),
    ],
)
def test_a_study_that_cannot_be_computed_is_refused(more, message):
    with pytest.raises(StudyError, match=message):
        study(**({"quantities": ["guidance"]} | more))


def test_published_intervals_in_steps_are_those_of_the_documentation():
    """Kynkaanniemi et al. 2024, table 1; where they say how many steps lie inside, as many do."""
    page = (Path(__file__).parents[2] / "docs" / "examples.md").read_text("utf-8")
    row = re.compile(
        r"\| \((\S+), (\S+)\] \| `(\S+)`, (\d+) steps.* \| (\d+) to (\d+) \| (\d+) of \d+ \| (?:–|(\d+) of \d+) \|"
    )
    rows = row.findall(page)
    assert len(rows) == 4
    for low, high, kind, steps, first, last, inside, published in rows:
        levels = ss.schedule(kind, steps=int(steps)).sample_sigmas()[: int(steps)]
        found = ss.guidance_interval(float(low), float(high), levels)
        assert [int(found[name]) for name in ("first_call", "last_call", "n_calls")] == [int(first), int(last), int(inside)]
        assert published in ("", inside)
