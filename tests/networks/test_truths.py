"""Data sets as exact mixtures: their shapes, classes, and that many components are as flat as what they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

import scoreshock as ss
from scoreshock.networks.truths import DATA_SETS, classes


@pytest.mark.parametrize(
    ("name", "components", "features", "count"),
    [
        ("pair", 2, 2, 2),
        ("eight-gaussians", 8, 2, 8),
        ("checkerboard", 128, 2, 8),
        ("spirals", 160, 2, 2),
        ("hierarchy", 9, 8, 3),
        pytest.param("digits", 10, 64, 10, marks=pytest.mark.slow),
    ],
)
def test_each_data_set_is_one_isotropic_mixture_of_its_classes(
    name: str, components: int, features: int, count: int
) -> None:
    truth = DATA_SETS[name].mixture()
    assert dict(truth.component_mean.sizes) == {"component": components, "feature": features}
    assert truth.component_variance.ndim == 0
    assert int(truth.ambient_dimension) == features
    number = classes(truth)
    assert number.max() + 1 == count
    assert (np.unique(number, return_index=True)[1][1:] > 0).all()
    assert number[0] == 0


def test_a_square_of_the_checkerboard_is_flat_and_its_light_neighbour_empty() -> None:
    truth = DATA_SETS["checkerboard"].mixture()
    inside = np.stack(np.meshgrid(np.linspace(0.3, 0.7, 9), np.linspace(0.3, 0.7, 9)), axis=-1).reshape(-1, 2)
    density = np.exp(ss.log_density(truth, inside, 0.0).values)
    assert density.max() / density.min() < 1.15
    assert density.mean() == pytest.approx(1 / 8, rel=0.1)  # eight squares of area 1
    light = np.exp(ss.log_density(truth, inside - [1.0, 0.0], 0.0).values)
    assert light.min() < 0.02 * density.mean()


def test_the_spirals_are_each_other_turned_by_half_a_turn_and_smooth_along_an_arm() -> None:
    truth = DATA_SETS["spirals"].mixture()
    means = truth.component_mean.values
    np.testing.assert_allclose(means[:80], -means[80:], atol=1e-12)
    middle = 0.5 * (means[20:60] + means[21:61])
    on, between = (np.exp(ss.log_density(truth, x, 0.0).values) for x in (means[20:60], middle))
    np.testing.assert_allclose(on, between, rtol=0.02)


@pytest.mark.slow
def test_the_digits_have_the_class_means_and_the_mean_variance_of_the_images() -> None:
    images, label = load_digits(return_X_y=True)
    images = images / 16
    truth = DATA_SETS["digits"].mixture()
    means = np.array([images[label == digit].mean(axis=0) for digit in range(10)])
    np.testing.assert_allclose(truth.component_mean.values, means - images.mean(axis=0), atol=1e-12)
    spread = ((images - means[label]) ** 2).sum() / images.size
    assert float(truth.component_variance) == pytest.approx(spread, rel=1e-12)
