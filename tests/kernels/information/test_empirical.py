"""Class decisions by the empirical score, against the softmax written out, and against the density that samples are of."""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.kernels.information.empirical import empirical_decisions
from scoreshock.kernels.numerics.counter_rng import normals


def test_numbers_are_those_of_the_softmax_written_out():
    rng = np.random.default_rng(0)
    training, classes = rng.normal(size=(7, 3)), np.array([0, 2, 1, 0, 2, 2, 0])
    held, own = 5.0 + rng.normal(size=(4, 3)), np.array([0, 1, 2, 2])
    training += 5.0
    found = empirical_decisions(training, classes, held, own, np.array([0.05, 0.8]), seed=3)
    z = np.stack([normals(3, np.arange(4), row) for row in range(3)], axis=-1)
    for i, tau in enumerate((0.05, 0.8)):
        y = held + np.sqrt(2 * tau) * z
        e = np.exp(-((y[:, None] - training) ** 2).sum(axis=-1) / (4 * tau))
        r = e / e.sum(axis=1, keepdims=True)
        p = np.stack([r[:, classes == c].sum(axis=1) for c in range(3)], axis=1)
        entropy = -(p * np.log(p)).sum(axis=1)
        assert found.class_entropy[i] == pytest.approx(entropy.mean(), rel=1e-10)
        assert found.class_entropy_error[i] == pytest.approx(entropy.std(ddof=1) / 2, rel=1e-8)
        assert found.one_minus_cloning[i] == pytest.approx((1 - (p * p).sum(axis=1)).mean(), rel=1e-10)
        assert found.own_class_probability[i] == pytest.approx(p[np.arange(4), own].mean(), rel=1e-10)


@pytest.mark.slow
def test_samples_of_a_mixture_decide_as_its_density_above_the_collapse():
    rng = np.random.default_rng(1)
    labels = np.arange(9000) % 3
    means = np.array([[0.0, 0.0], [1.5, 0.0], [0.0, 4.0]])
    x = means[labels] + 0.3 * rng.normal(size=(9000, 2))
    tau = np.array([0.2, 0.5, 2.0])
    found = ss.empirical_decisions(x, labels, tau)
    exact = ss.class_decisions(ss.mixture(means, variance=0.09), tau)
    for name in ("class_entropy", "one_minus_cloning"):
        error = np.abs(found[name] - exact[name])
        # Besides the noise of the held-out samples there is that of the score, of 4000 samples.
        assert (error < 4 * found[f"{name}_error"] + 0.01).all()
    calibrated = np.abs(found.own_class_probability - found.cloning_probability)
    assert (calibrated < 4 * found.own_class_probability_error + 0.01).all()


def test_below_the_collapse_it_follows_single_samples():
    """Labels that say nothing: the empirical score is sure of the class of the nearest sample, and right by chance."""
    rng = np.random.default_rng(2)
    x, labels = rng.normal(size=(400, 20)), np.arange(400) % 2
    tau = ss.collapse(ss.mixture([0.0], dimension=20), training_samples=200).tau_collapse.item()
    found = ss.empirical_decisions(x, labels, [tau / 30, 100 * tau])
    assert found.cloning_probability[0] > 0.9
    assert found.own_class_probability[0] == pytest.approx(0.5, abs=5 * found.own_class_probability_error[0].item())
    assert found.cloning_probability[1] == pytest.approx(0.5, abs=0.01)


def test_statuses_limits_and_refusals():
    x, labels = np.arange(12.0)[:, None], ["a"] * 6 + ["b"] * 6
    found = ss.empirical_decisions(x, labels, [0.0, 1e-13, 1.0])
    assert found.decisions_status.values.tolist() == [Status.singular, Status.unresolved, Status.ok]
    assert ss.empirical_decisions(x, labels, 1.0, samples=4).decisions_status.shape == ()
    with pytest.raises(ValueError, match="class 'c' has 1 sample; allowed: at least 2 of each class"):
        ss.empirical_decisions(x, [*labels[:-1], "c"], 1.0)
    with pytest.raises(ValueError, match=r"held_out = 1\.0 is not allowed"):
        ss.empirical_decisions(x, labels, 1.0, held_out=1.0)
    with pytest.raises(ValueError, match=r"features and labels have shapes \(12, 1\), \(11,\)"):
        ss.empirical_decisions(x, labels[1:], 1.0)
