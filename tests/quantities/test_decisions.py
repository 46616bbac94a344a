"""Labelled class decisions: classes by labels, pairs, windows in schedules, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status

SIDES = ss.mixture([-1.2, -1.0, 1.0], [1, 2, 3], 0.01)


def test_all_classes_and_pairs_agree_with_the_older_route_for_pairs_on_a_line():
    pair = ss.families.pair(separation=[0.5, 1.0], variance=[0.0, 0.09], weight=0.3)
    tau = [0.1, 0.5]
    new, old = ss.class_decisions(pair, tau), ss.alternatives(pair, tau)
    for name in ("cloning_probability", "class_entropy"):
        xr.testing.assert_allclose(new[name], old[name], rtol=1e-12)
    # Per tau the entropy changes at 2 gamma^2 D_Z.
    np.testing.assert_allclose(new.class_information_density / (2 * new.tau**2), old.entropy_rate, rtol=1e-11)
    by_pair = ss.class_decisions(pair, tau, pairs=True)
    np.testing.assert_allclose(by_pair.class_entropy.isel(pair=0), new.class_entropy, rtol=1e-14)


def test_classes_are_taken_by_list_by_coordinate_and_by_label():
    sides = ss.class_decisions(SIDES, 0.1, ["left", "left", "right"])
    named = SIDES.assign_coords(side=("component", ["left", "left", "right"]))
    for classes in ("side", xr.DataArray([0, 0, 1], dims="component")):
        xr.testing.assert_identical(ss.class_decisions(named, 0.1, classes).drop_vars("side", errors="ignore"), sides)
    assert sides.class_entropy < ss.class_decisions(SIDES, 0.1).class_entropy
    windows = ss.decision_windows(named, classes="side")
    assert (windows.class_first.item(), windows.class_second.item()) == ("left", "right")


@pytest.mark.slow
def test_windows_of_labelled_data_name_their_pairs():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [3.0, 0.0], [20.0, 0.0]])
    labels = np.repeat(["cat", "lion", "truck"], 50)
    data = ss.from_labelled(np.repeat(centres, 50, axis=0) + 0.1 * rng.normal(size=(150, 2)), labels)
    found = ss.decision_windows(data, "edm")
    first = found.isel(parting=0)
    assert found.class_second[first.parting_pair].item() == "truck"
    assert found.class_first.values.tolist() == ["cat", "cat", "lion"]
    assert (found.sigma_decision.diff("remaining") > 0).all()
    np.testing.assert_allclose(found.time.sel(schedule="edm"), found.sigma_decision)
    assert ss.collapse(data).collapse_status == Status.ok  # of 150 samples


def test_a_sweep_carries_over():
    found = ss.decision_windows(ss.families.pair(separation=[1.0, 2.0], variance=[0.0, 0.01]))
    assert dict(found.sigma_decision.sizes) == {"separation": 2, "variance": 2, "remaining": 3}
    alone = ss.decision_windows(ss.families.pair(separation=2.0, variance=0.01))
    xr.testing.assert_identical(
        found.sigma_decision.sel(separation=[2.0], variance=[0.01]).squeeze(drop=True),
        alone.sigma_decision.squeeze(drop=True),
    )


@pytest.mark.parametrize("tau", [0.05, 0.5])
def test_the_caustic_norm_is_that_of_the_denoiser_by_differences(tau):
    mixture = ss.mixture([[-1.0, 0.0], [1.0, 0.3], [0.2, 1.0]], variance=0.1, dimension=5)
    x, h = np.array([0.1, 0.2]), 1e-5
    steps = [
        (ss.denoiser(mixture, x + h * e, tau) - ss.denoiser(mixture, x - h * e, tau)).values / (2 * h) for e in np.eye(2)
    ]
    across = 0.1 / (0.1 + 2 * tau)  # in three more dimensions
    expected = np.sqrt(np.square(steps).sum() + 3 * across**2)
    assert ss.caustic_norm(mixture, x, tau).caustic_norm.item() == pytest.approx(expected, rel=1e-8)


def test_levels_of_a_clock_are_those_of_a_sampler():
    found = ss.clocks(ss.families.pair(separation=1.0, variance=0.09), n_steps=6).sigma_level.sel(clock="rescaled").squeeze()
    sampler = ss.schedule("table", sigma_n=found.values.tolist())
    np.testing.assert_allclose(sampler.sigma(sampler.sample_times()), found, rtol=1e-12)


def test_the_caustic_norm_without_noise_is_missing():
    assert ss.caustic_norm(SIDES, np.array([0.0]), 0.0).caustic_status == Status.singular


@pytest.mark.parametrize(
    ("function", "named", "message"),
    [
        (
            ss.class_decisions,
            {"tau": 0.1, "classes": [0, 1]},
            r"classes has shape \(2,\); allowed: \(3,\), a class for each component",
        ),
        (
            ss.class_decisions,
            {"tau": 0.1, "classes": "kind"},
            "classes = 'kind' is not allowed; allowed: a list of 3 classes, or one of",
        ),
        (
            ss.class_decisions,
            {"tau": 0.1, "method": "mc"},
            "method = 'mc' is not allowed.*allowed: auto, quadrature, monte-carlo",
        ),
        (ss.class_decisions, {"tau": 0.1, "draws": 0}, "draws = 0 is not allowed; allowed: a whole number from 16"),
        (ss.decision_windows, {"decided": 0.5}, "decided = 0.5 is not allowed; allowed: a number from 1e-06 to 0.4"),
        (ss.decision_windows, {"classes": [1, 1, 1]}, "classes: there are 1; allowed: 2 to 64 classes"),
        (ss.clocks, {"sigma_min": 0.0}, "sigma_min = 0.0 is not allowed; allowed: numbers > 0"),
        (ss.clocks, {"n_steps": 0}, "n_steps = 0 is not allowed"),
        (ss.collapse, {}, "training_samples = None is not allowed; allowed: numbers >= 2, where data do not say them"),
        (ss.collapse, {"training_samples": 1}, "training_samples = 1 is not allowed; allowed: numbers >= 2"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(function, named, message):
    with pytest.raises(ValueError, match=message) as error:
        function(SIDES, **named)
    assert len(str(error.value)) < 300


def test_variances_along_directions_are_refused():
    with pytest.raises(ValueError, match="mixture has shared covariances, for which this quantity is not defined; allowed"):
        ss.class_decisions(SIDES.assign(covariance_eigenvalue=("direction", [1.0])), 0.1)
