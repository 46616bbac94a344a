"""Perceptrons in NumPy: against PyTorch's layers, differences, and the denoiser that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.diagnosis.scores import Score
from scoreshock.networks.perceptron import FREQUENCIES, ROWS, Architecture, forward, jacobian, score_of

SHAPE = Architecture(features=2, hidden=16, layers=2, sigma_data=0.7, sigma_range=(0.01, 40.0))
RNG = np.random.default_rng(0)
PARAMETERS = RNG.normal(size=SHAPE.size) / 3
X, LEVEL = RNG.normal(size=(7, 2)), RNG.uniform(-1, 1, size=7)


def by_hand(x: np.ndarray, c: float) -> np.ndarray:
    """The same network, written out for one point."""
    h, first = np.concatenate([x, [c], np.sin(np.multiply(FREQUENCIES, c)), np.cos(np.multiply(FREQUENCIES, c))]), 0
    for i, o in ((11, 16), (16, 16), (16, 2)):
        weight = PARAMETERS[first : first + i * o].reshape(i, o)
        z = sum(h[j] * weight[j] for j in range(i)) + PARAMETERS[first + i * o : first + i * o + o]
        first += i * o + o
        h = z * (1 / (1 + np.exp(-z))) if o == 16 else z
    return h


def test_the_values_are_those_of_the_layers_in_the_order_of_the_format() -> None:
    values = forward(SHAPE, PARAMETERS, X, LEVEL)
    np.testing.assert_allclose(values, [by_hand(x, c) for x, c in zip(X, LEVEL, strict=True)], rtol=1e-12)
    assert SHAPE.size == 11 * 16 + 16 + 16 * 16 + 16 + 16 * 2 + 2


@pytest.mark.slow
def test_torch_makes_the_same_of_the_same_parameters() -> None:
    torch = pytest.importorskip("torch")
    layers = [torch.nn.Linear(i, o) for i, o in ((11, 16), (16, 16), (16, 2))]
    model = torch.nn.Sequential(layers[0], torch.nn.SiLU(), layers[1], torch.nn.SiLU(), layers[2])
    pieces = [torch.cat([layer.weight.T.reshape(-1), layer.bias]) for layer in layers]
    angles = np.multiply.outer(LEVEL, FREQUENCIES)
    inputs = torch.tensor(np.c_[X, LEVEL, np.sin(angles), np.cos(angles)], dtype=torch.float32)
    values = forward(SHAPE, torch.cat(pieces).detach().numpy(), X, LEVEL)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, model(inputs).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_the_score_is_that_of_the_denoiser_inside_the_preconditioning() -> None:
    sigma, data = 0.6, SHAPE.sigma_data
    score = score_of(SHAPE, PARAMETERS)
    spread = sigma**2 + data**2
    c_noise = np.full(len(X), np.log(sigma) / 4)
    inside = forward(SHAPE, PARAMETERS, X / np.sqrt(spread), c_noise)
    denoised = data**2 / spread * X + sigma * data / np.sqrt(spread) * inside
    np.testing.assert_allclose(score(X, sigma**2 / 2), (denoised - X) / sigma**2, rtol=1e-11)
    assert score.sigma_range == (0.01, 40.0)


def test_the_jacobian_is_that_of_differences() -> None:
    step = 1e-6
    exact = jacobian(SHAPE, PARAMETERS, X, LEVEL)
    moved = [[forward(SHAPE, PARAMETERS, X + side * step * e, LEVEL) for side in (-1, 1)] for e in np.eye(2)]
    sides = [high - low for low, high in moved]
    np.testing.assert_allclose(exact, np.stack(sides, axis=-1) / (2 * step), rtol=1e-7, atol=1e-8)


def test_the_jacobian_of_the_score_agrees_with_its_differences_within_both_errors() -> None:
    score = score_of(SHAPE, PARAMETERS)
    exact, error = score.jacobian(X, 0.18)
    found, uncertain = Score.jacobian(score, X, 0.18)
    assert (np.abs(exact - found).max(axis=(1, 2)) <= error + uncertain).all()
    assert (error < 0.02 * uncertain).all()


def test_the_jacobian_in_single_precision_is_off_by_less_than_its_error() -> None:
    rounded = PARAMETERS.astype(np.float32)
    exact, _ = score_of(SHAPE, rounded.astype(float)).jacobian(X, 0.18)
    found, error = score_of(SHAPE, rounded).jacobian(X, 0.18)
    off = np.abs(exact - found).max(axis=(1, 2))
    assert (off <= error).all()
    assert (off > 0).any()


def test_a_point_has_the_same_bits_among_any_others() -> None:
    for shape in (SHAPE, Architecture(1, 64, 2, 1.0)):
        parameters = RNG.normal(size=shape.size)
        x, level = RNG.normal(size=(3 * ROWS + 5, shape.features)), RNG.normal(size=3 * ROWS + 5)
        together = forward(shape, parameters, x, level)
        alone = np.concatenate([forward(shape, parameters, x[i : i + 1], level[i : i + 1]) for i in range(len(x))])
        assert (together == alone).all()


def test_no_points_have_no_values() -> None:
    assert forward(SHAPE, PARAMETERS, np.zeros((0, 2)), np.zeros(0)).shape == (0, 2)


def test_parameters_of_another_architecture_are_refused() -> None:
    with pytest.raises(ValueError, match=r"parameters has shape \(3,\); allowed: \(498,\)"):
        score_of(SHAPE, np.zeros(3))
