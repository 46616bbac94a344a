"""Random means: the distances of the draw, shared and independent draws, tiny weights."""

import numpy as np

from scoreshock.densities import families
from scoreshock.densities.families import build

from .test_shapes import distances


def test_random_preserves_the_distances_of_the_draw_it_documents():
    dataset = families.random(realization=3, separation=2.0, dimension=50, components=5, seed=11)
    drawn = 2.0 * np.random.default_rng([11, 3, 5, 50]).standard_normal((5, 50))
    np.testing.assert_allclose(distances(dataset.component_mean.values), distances(drawn), rtol=1e-12, atol=1e-12)


def test_random_draws_are_shared_by_other_axes_and_alone_as_in_a_batch():
    axes = {"realization": [0, 1, 7], "dimension": [1, 2, 300], "separation": [1.0, 3.0], "variance": [0.5, 1.0]}
    sweep = build("random", axes, {"seed": 4})
    assert set(sweep.component_mean.dims) == {"realization", "dimension", "separation", "component", "feature"}
    for r in axes["realization"]:
        for d in axes["dimension"]:
            alone = build("random", {"realization": [r], "dimension": [d], "separation": [3.0]}, {"seed": 4})
            inside = sweep.component_mean.sel(realization=r, dimension=d, separation=3.0)
            assert (alone.component_mean.squeeze(["realization", "dimension", "separation"]).values == inside.values).all()


def test_random_seeds_and_realizations_differ():
    draws = [families.random(r, seed=s).component_mean.values for r, s in ((0, 0), (1, 0), (0, 1))]
    assert not np.allclose(draws[0], draws[1])
    assert not np.allclose(draws[0], draws[2])
    assert not np.allclose(draws[1], draws[2])


def test_random_has_the_same_features_in_any_dimension():
    for d in (1, 2, 9):
        means = families.random(0, dimension=d, components=4).component_mean
        assert means.sizes["feature"] == 3
        assert (means.isel(feature=slice(d, None)) == 0).all()


def test_random_fixed_scaling_divides_by_the_root_of_the_dimension():
    grown = families.random(0, dimension=[4, 100])
    fixed = families.random(0, dimension=[4, 100], scaling="fixed")
    np.testing.assert_allclose(fixed.component_mean, grown.component_mean / np.sqrt([4, 100])[:, None, None], rtol=1e-15)


def test_random_reaches_a_million_dimensions_with_its_law_of_large_numbers():
    means = families.random(0, dimension=10**6, components=3).component_mean.values
    np.testing.assert_allclose(distances(means)[~np.eye(3, dtype=bool)] ** 2, 2e6, rtol=0.01)


def test_random_weights_depend_on_realization_only():
    sweep = families.random([0, 1], dimension=[2, 3], concentration=0.5)
    assert sweep.component_weight.dims == ("realization", "component")
    np.testing.assert_allclose(sweep.component_weight.sum("component"), 1.0, rtol=1e-15)
    assert not np.allclose(*sweep.component_weight.values)


def test_random_weights_of_tiny_concentration_stay_positive():
    assert (families.random(range(20), concentration=1e-3).component_weight > 0).all()
