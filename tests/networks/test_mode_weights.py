"""Agreement of predicted and measured errors of mode weights: against NumPy, and how often its interval holds the truth."""

from __future__ import annotations

import numpy as np

from scoreshock.networks.mode_weights import _agreement, weight_errors

from .diagnoses import planted


def test_points_are_labelled_and_agree_as_planted() -> None:
    found = {"plane": planted(5), "other": planted(3)}
    made = weight_errors(found)
    assert made.sizes["point"] == (5 + 3) * 4 * 2 * 2
    np.testing.assert_allclose(made.slope, 0.8, rtol=1e-12)
    np.testing.assert_allclose(made.correlation, 1.0, rtol=1e-12)
    one = {"truth": "other", "damage": "rotation", "seed": 2, "sampler": "reverse SDE", "component": 1}
    at = np.all([made[f"point_{name}"].values == value for name, value in one.items()], axis=0)
    del one["truth"]
    wanted = found["other"].predicted_mode_weight.sel({name: one[name] for name in ("damage", "seed", "sampler")})
    assert made.predicted_mode_weight.values[at].tolist() == [float(wanted.isel(component=1))]


def test_the_correlation_is_that_of_numpy() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50, 3))
    x, y = (each - each.mean(axis=1, keepdims=True) for each in (x, x + y))
    r, low, high, slope = _agreement(x, y)
    assert abs(r - np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 1e-12
    assert abs(slope - np.polyfit(x.ravel(), y.ravel(), 1)[0]) < 1e-12
    assert low < r < high


def test_the_interval_holds_the_true_correlation_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(60):
        x, noise = rng.normal(size=(2, 40, 1))
        _, low, high, _ = _agreement(x * [1, -1], (0.6 * x + 0.8 * noise) * [1, -1])
        held += low <= 0.6 <= high
    assert 50 <= held <= 60  # 57 expected


def test_errors_of_nothing_do_not_agree() -> None:
    x = np.random.default_rng(0).normal(size=(4, 2))
    assert _agreement(x, np.zeros((4, 2)))[:3] == (0.0, 0.0, 0.0)
