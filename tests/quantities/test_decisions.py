"""Labelled class decisions: classes by labels, pairs, windows in schedules, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits

import scoreshock as ss
from scoreshock.conventions import Status

SIDES = ss.mixture([-1.2, -1.0, 1.0], [1, 2, 3], 0.01)


def test_a_pair_is_the_one_pair_of_its_classes():
    pair = ss.families.pair(separation=[0.5, 1.0], variance=[0.0, 0.09], weight=0.3)
    tau = [0.1, 0.5]
    by_pair = ss.class_decisions(pair, tau, pairs=True)
    np.testing.assert_allclose(by_pair.class_entropy.isel(pair=0), ss.class_decisions(pair, tau).class_entropy, rtol=1e-14)


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
        (ss.clocks, {"sigma_min": 0.0}, "sigma_min = 0 is not allowed; allowed: numbers > 0"),
        (ss.clocks, {"n_steps": 0}, "n_steps = 0 is not allowed"),
        (ss.collapse, {}, "training_samples = None is not allowed; allowed: numbers >= 2, where data do not say them"),
        (ss.collapse, {"training_samples": 1}, "training_samples = 1 is not allowed; allowed: numbers >= 2"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(function, named, message):
    with pytest.raises(ValueError, match=message) as error:
        function(SIDES, **named)
    assert len(str(error.value)) < 300


PLANE = [[-1.0, 0.0], [1.0, 0.3], [0.2, 1.0]]
MATRICES = 0.1 * np.array([[[0.2, 0.1], [0.1, 0.4]], [[0.3, 0.0], [0.0, 0.1]], [[0.1, -0.05], [-0.05, 0.2]]])


@pytest.mark.slow
@pytest.mark.parametrize("covariance", [MATRICES[0], MATRICES, np.diag([0.02, 0.04])])
def test_covariances_in_any_form_are_those_of_their_matrices(covariance):
    mixture = ss.mixture(PLANE, [1, 2, 3], covariance=covariance)
    diagonal = ss.mixture(PLANE, [1, 2, 3], covariance=xr.DataArray([0.02, 0.04], dims="feature"))
    found = ss.class_decisions(mixture, [0.1, 1.0])
    assert (found.decisions_status == Status.ok).all()
    if np.ndim(covariance) == 2 and covariance[0, 1] == 0:
        xr.testing.assert_allclose(found, ss.class_decisions(diagonal, [0.1, 1.0]), rtol=1e-10)
    windows = ss.decision_windows(mixture)
    assert (windows.pair_status == Status.ok).all()
    first = ss.mixture(PLANE[:2], [1, 2], covariance=covariance if np.ndim(covariance) == 2 else covariance[:2])
    np.testing.assert_allclose(windows.sigma_pair[0], ss.decision_windows(first).sigma_decision, rtol=1e-8)
    by_pair = ss.class_decisions(mixture, 0.3, pairs=True).class_entropy[0]
    assert by_pair.item() == pytest.approx(ss.class_decisions(first, 0.3).class_entropy.item(), rel=1e-9)


@pytest.mark.slow
def test_cloning_of_two_digits_is_as_their_densities_say():
    """Of two digits by their own covariances, from densities and draws of SciPy."""
    x, y = load_digits(return_X_y=True)
    keep = np.isin(y, (1, 8))
    mixture = ss.from_labelled(x[keep], y[keep], {"range": [-1, 1]}, "full")
    tau = 0.3
    found = ss.class_decisions(mixture, tau, draws=8192)
    scaled = x[keep] / 8 - 1
    rng, values = np.random.default_rng(0), []
    classes = [scaled[y[keep] == digit] for digit in (1, 8)]
    noisy = [multivariate_normal(each.mean(axis=0), np.cov(each.T, bias=True) + 2 * tau * np.eye(64)) for each in classes]
    shares = np.array([len(each) for each in classes]) / keep.sum()
    for j, share in enumerate(shares):
        drawn = noisy[j].rvs(4000, random_state=rng)
        odds = np.log(shares[1] / shares[0]) + noisy[1].logpdf(drawn) - noisy[0].logpdf(drawn)
        values.append(share * 2 * expit(odds) * expit(-odds))
    error = np.sqrt(sum(each.var() / each.size for each in values))
    expected = sum(each.mean() for each in values)
    assert abs(found.one_minus_cloning - expected) < 4 * np.hypot(error, found.one_minus_cloning_error)


@pytest.mark.slow
@pytest.mark.parametrize("rank", [2, 5])
def test_few_directions_of_data_agree_with_densities_in_all_dimensions(rank):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 6)) * np.where(np.arange(60) % 2, 1.0, 2.0)[:, None] * [3, 2, 1, 1, 0.5, 0.5]
    tau = np.array([0.1, 2.0])
    found = ss.class_decisions(ss.from_labelled(x, np.arange(60) % 2, covariance="full", rank=rank), tau)
    centres = np.stack([x[i::2].mean(axis=0) for i in range(2)])
    covariances = []
    for i in range(2):
        values, vectors = np.linalg.eigh(np.cov(x[i::2].T, bias=True))
        values[: 6 - rank] = values[: 6 - rank].mean()
        covariances.append((vectors * values) @ vectors.T)
    for i, time in enumerate(tau):
        laws = [multivariate_normal(c, s + 2 * time * np.eye(6)) for c, s in zip(centres, covariances, strict=True)]
        points = np.concatenate([law.rvs(4000, random_state=rng) for law in laws])
        densities = np.stack([law.pdf(points) for law in laws])
        same = ((densities / densities.sum(axis=0)) ** 2).sum(axis=0)
        error = np.hypot(found.one_minus_cloning_error[i], same.std() / np.sqrt(8000))
        assert found.cloning_probability[i].item() == pytest.approx(same.mean(), abs=4 * float(error))


@pytest.mark.slow
def test_clocks_and_collapse_of_covariances_carry_a_sweep_and_are_the_same_in_chunks():
    mixture = xr.concat([ss.mixture(PLANE, covariance=c * MATRICES) for c in (0.5, 1.0)], "width")
    mixture = mixture.assign_coords(width=[0.5, 1.0]).assign(ambient_dimension=2)
    for compute in (
        lambda each: ss.clocks(each, n_steps=3, method="monte-carlo", draws=64),
        lambda each: ss.collapse(each, training_samples=200),
        lambda each: ss.decision_windows(each, method="monte-carlo", draws=64),
    ):
        eager = compute(mixture)
        assert eager.sizes["width"] == 2
        xr.testing.assert_identical(compute(mixture.chunk(width=1)).compute(), eager)
