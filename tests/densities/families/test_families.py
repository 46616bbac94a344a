"""Families of mixtures against their hand formulas, and what a study may ask of them."""

import json
import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from scoreshock.densities import families
from scoreshock.densities.families import FAMILIES, build
from scoreshock.kernels.gaussian.geometry import decompose
from tests import reference


def eigenvalues(dataset: xr.Dataset) -> np.ndarray:
    """Of the between-class covariance, largest first, from its definition."""
    means, weights = dataset.component_mean.values, dataset.component_weight.values
    centred = means - weights @ means
    return np.linalg.eigvalsh((weights[:, None] * centred).T @ centred)[::-1]


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[..., :, None, :] - points[..., None, :, :], axis=-1)


def test_pair_stands_at_minus_and_plus_separation():
    dataset = families.pair(separation=[1.0, 2.5], weight=0.6)
    assert dataset.component_mean.values.tolist() == [[[-1.0], [1.0]], [[-2.5], [2.5]]]
    assert dataset.component_weight.values.tolist() == [0.4, 0.6]


@given(st.floats(0.01, 50.0), st.floats(0.01, 0.99))
def test_pair_has_the_eigenvalue_of_its_weights(separation, weight):
    dataset = families.pair(separation, weight=weight)
    assert eigenvalues(dataset)[0] == pytest.approx(weight * (1 - weight) * (2 * separation) ** 2, rel=1e-12)


def test_pair_variables_carry_only_the_axes_they_depend_on():
    dataset = families.pair(separation=[1.0, 2.0], variance=[0.5, 1.0], weight=[0.3, 0.5], dimension=[1, 10**6])
    assert dataset.component_mean.dims == ("separation", "component", "feature")
    assert dataset.component_weight.dims == ("weight", "component")
    assert dataset.component_variance.dims == ("variance",)
    assert dataset.ambient_dimension.dims == ("dimension",)
    for axis in ("separation", "variance", "weight", "dimension"):
        assert dataset[axis].attrs["long_name"]


def test_per_coordinate_scaling_grows_as_the_root_of_the_dimension():
    dataset = families.pair(separation=0.5, dimension=[1, 4, 10**6], scaling="per-coordinate")
    assert dataset.component_mean.dims == ("dimension", "component", "feature")
    assert dataset.component_mean.sel(component=1, feature=0).values.tolist() == [0.5, 1.0, 500.0]


def test_a_data_array_axis_keeps_its_own_dimension():
    dataset = families.pair(
        separation=xr.DataArray([1.0, 2.0], dims="model"), variance=xr.DataArray([1.0, 2.0], dims="model")
    )
    assert dataset.component_mean.dims == ("model", "component", "feature")
    assert dataset.component_variance.dims == ("model",)


@pytest.mark.parametrize("family", ["pair", "simplex", "hierarchy", "random"])
def test_axes_along_a_component_or_of_unequal_labels_are_refused(family):
    with pytest.raises(ValueError, match="separation has the dimension 'component'; allowed: sweep dimensions"):
        build(family, {"separation": xr.DataArray([1.0, 2.0], dims="component")})
    separation = xr.DataArray([1.0, 2.0], dims="model", coords={"model": [0, 1]})
    dimension = xr.DataArray([20, 30], dims="model", coords={"model": [1, 2]})
    for scaling in ("fixed", "per-coordinate"):
        with pytest.raises(ValueError, match="model"):
            build(family, {"separation": separation, "dimension": dimension}, {"scaling": scaling})


def test_a_tiny_weight_survives():
    assert families.pair(1.0, weight=1e-300).component_weight.values.tolist() == [1.0, 1e-300]


def test_collinear_marks_the_middle_and_the_others_keep_their_ratio():
    dataset = families.collinear(2.0, weight=[0.1, 0.7], positions=[-1, 0, 3], weights=[1, 5, 3])
    assert dataset.component_mean.values.ravel().tolist() == [-2.0, 0.0, 6.0]
    np.testing.assert_allclose(dataset.component_weight.values, [[0.225, 0.1, 0.675], [0.075, 0.7, 0.225]], rtol=1e-15)


def test_collinear_without_weight_keeps_its_weights():
    dataset = families.collinear(1.0, weights=[1, 2, 1])
    assert dataset.component_weight.values.tolist() == [0.25, 0.5, 0.25]
    assert dataset.component_weight.dims == ("component",)


@pytest.mark.parametrize("vertices", [3, 4, 7])
def test_regular_polygon_is_isotropic_with_half_the_squared_radius(vertices):
    np.testing.assert_allclose(eigenvalues(families.polygon(3.0, vertices=vertices)), [4.5, 4.5], rtol=1e-14)


def test_polygon_takes_radii_and_angles():
    dataset = families.polygon(2.0, radii=[1, 2, 0.5], angles=[0, 90, 180], weights=[2, 1, 1])
    np.testing.assert_allclose(dataset.component_mean.values, [[2, 0], [0, 4], [-1, 0]], atol=1e-15)
    assert dataset.component_weight.values.tolist() == [0.5, 0.25, 0.25]


@pytest.mark.parametrize("vertices", [2, 3, 4, 9])
def test_simplex_is_regular_with_equal_eigenvalues(vertices):
    dataset = families.simplex(2.0, vertices=vertices)
    points = dataset.component_mean.values
    assert points.shape == (vertices, vertices - 1)
    assert dataset.ambient_dimension.item() == vertices - 1
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 2.0, rtol=1e-14)
    side = 2.0 * np.sqrt(2 * vertices / (vertices - 1))
    np.testing.assert_allclose(distances(points)[~np.eye(vertices, dtype=bool)], side, rtol=1e-14)
    np.testing.assert_allclose(eigenvalues(dataset), 4.0 / (vertices - 1), rtol=1e-13)


def test_simplex_of_two_is_the_pair():
    assert families.simplex(1.5, vertices=2).component_mean.equals(families.pair(1.5).component_mean)


@pytest.mark.parametrize(("levels", "branching"), [(1, 2), (3, 2), (2, 3)])
def test_hierarchy_cascades_with_the_eigenvalue_of_each_level(levels, branching):
    a, ratio = 3.0, 0.4
    dataset = families.hierarchy(a, ratio=ratio, levels=levels, branching=branching)
    expected = [
        a**2 * ratio ** (2 * level) / (branching**level * (branching - 1))
        for level in range(levels)
        for _ in range(branching**level * (branching - 1))
    ]
    np.testing.assert_allclose(eigenvalues(dataset), expected, rtol=1e-13)


def test_hierarchy_carries_its_ratio_even_with_one_level():
    dataset = families.hierarchy(1.0, ratio=[0.2, 0.5], levels=1)
    assert dataset.component_mean.dims == ("ratio", "component", "feature")
    assert dataset.component_mean.isel(ratio=0, drop=True).equals(dataset.component_mean.isel(ratio=1, drop=True))


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


@pytest.mark.parametrize("case", reference.cases("corrections"), ids=reference.identify)
def test_custom_means_keep_their_leading_eigenvalue(case):
    dataset = families.custom(means=case["inputs"]["means"], weights=case["inputs"]["weights"])
    geometry = decompose(dataset.component_mean.values, dataset.component_weight.values)
    reference.check(case, "lambda1", geometry.eigenvalues[0])


def test_custom_reduces_many_features_and_leads_back():
    drawn = np.random.default_rng(0).normal(size=(3, 20))
    dataset = families.custom(separation=[1.0, 2.0], means=drawn.tolist(), weights=[1, 2, 1])
    assert dataset.component_mean.sizes == {"separation": 2, "component": 3, "feature": 2}
    assert dataset.ambient_dimension.item() == 20
    back = dataset.component_mean.dot(dataset.basis, dim="feature") + dataset.origin
    np.testing.assert_allclose(
        back.transpose("separation", "component", "ambient"), np.stack([drawn, 2 * drawn]), atol=1e-13
    )


@pytest.mark.parametrize("names", [("component_mean", "component_weight"), ("means", "weights")])
def test_custom_reads_a_file(tmp_path, names):
    stored = xr.Dataset(
        {
            names[0]: (("component", "feature"), [[0.0, 1.0], [2.0, 3.0]]),
            names[1]: ("component", [1.0, 3.0]),
            "variance": 0.25,
        }
    )
    stored.to_netcdf(tmp_path / "mixture.nc", engine="netcdf4")
    dataset = families.custom(file=str(tmp_path / "mixture.nc"))
    assert dataset.component_mean.values.tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert dataset.component_weight.values.tolist() == [0.25, 0.75]
    assert dataset.component_variance.item() == 0.25


def test_registry_follows_the_signatures():
    assert FAMILIES["pair"].axes == ("separation", "variance", "weight", "dimension")
    assert FAMILIES["pair"].required_axes == ("separation",)
    assert FAMILIES["pair"].parameters == {"scaling": "fixed"}
    mixtures = ["pair", "collinear", "polygon", "simplex", "hierarchy", "random", "custom", "data"]
    assert list(FAMILIES) == [*mixtures, "quartic", "tilted-quartic"]
    assert FAMILIES["tilted-quartic"].axes == ("quartic_coefficient", "half_distance", "tilt")
    assert [FAMILIES["quartic"].kind.quantities[name] for name in ("scores", "speciation")] == [
        "wells.scores",
        "wells.speciation",
    ]


def test_wells_are_their_parameters():
    found = build("tilted-quartic", {"half_distance": [1.0, 2.0], "tilt": np.array([-0.1, 0.0, 0.1])})
    assert dict(found.sizes) == {"half_distance": 2, "tilt": 3}
    assert found.well_tilt.values.tolist() == [-0.1, 0.0, 0.1]
    assert found.well_quartic_coefficient.item() == 1.0
    assert build("quartic", {"half_distance": [1.0, 2.0]}).well_tilt.item() == 0.0
    with pytest.raises(ValueError, match="quartic_coefficient = 0"):
        families.quartic(quartic_coefficient=0.0)


@pytest.mark.parametrize("name", FAMILIES)
def test_defaults_are_plain_json(name):
    defaults = dict(FAMILIES[name].parameters)
    assert json.loads(json.dumps(defaults)) == defaults


@pytest.mark.parametrize("name", ["pair", "collinear", "polygon", "simplex", "hierarchy", "random"])
def test_a_build_with_the_resolved_defaults_is_the_build_without(name):
    axes = {"separation": np.array([1.0, 2.0])}
    assert build(name, axes, FAMILIES[name].parameters).identical(build(name, axes))


@pytest.mark.parametrize(
    ("family", "axes", "parameters", "message"),
    [
        ("piar", {}, {}, "family = 'piar' is not known (did you mean 'pair'?); allowed: pair, collinear"),
        ("pair", {"seperation": 1.0}, {}, "family 'pair' takes no axis 'seperation' (did you mean 'separation'?)"),
        ("pair", {"separation": 1.0, "ratio": 0.5}, {}, "takes no axis 'ratio'; allowed: separation, variance, weight"),
        ("pair", {"separation": 1.0}, {"scalling": "fixed"}, "takes no parameter 'scalling' (did you mean 'scaling'?)"),
        ("pair", {}, {}, "family 'pair' needs separation"),
        ("pair", {"separation": 1.0}, {"scaling": "fixd"}, "scaling = 'fixd' is not allowed (did you mean 'fixed'?)"),
        ("pair", {"separation": 1.0}, {"scaling": ["fixed"]}, "scaling = ['fixed'] is not allowed"),
        ("pair", {"separation": -1.0}, {}, "separation = -1.0 is not allowed; allowed: a finite number >= 0"),
        ("pair", {"separation": np.nan}, {}, "separation = nan is not allowed"),
        ("pair", {"separation": True}, {}, "separation: True is not numeric; allowed: a finite number >= 0"),
        ("pair", {"separation": "1e-3"}, {}, "separation: '1e-3' is not numeric; allowed: a finite number >= 0"),
        ("pair", {"separation": None}, {}, "separation: None is not numeric"),
        ("pair", {"separation": [[1], [1, 2]]}, {}, "separation = [[1], [1, 2]] is not allowed"),
        ("pair", {"separation": []}, {}, "separation is empty"),
        ("pair", {"separation": [1.0, 1.0]}, {}, "separation has the value 1.0 more than once"),
        ("pair", {"separation": 1.0, "weight": 0.0}, {}, "weight = 0.0 is not allowed; allowed: a number strictly between"),
        ("pair", {"separation": 1.0, "weight": 1.2}, {}, "weight = 1.2 is not allowed"),
        ("pair", {"separation": 1.0, "variance": -0.1}, {}, "variance = -0.1 is not allowed"),
        ("pair", {"separation": 1.0, "dimension": 0}, {}, "dimension = 0 is not allowed"),
        ("collinear", {"separation": 1.0}, {"positions": []}, "positions is empty"),
        ("collinear", {"separation": 1.0}, {"positions": [[1.0]]}, "positions = [[1.0]] is not allowed"),
        (
            "collinear",
            {"separation": 1.0, "weight": 0.5},
            {"marked": 3},
            "marked = 3 is not allowed; allowed: a whole number",
        ),
        ("collinear", {"separation": 1.0, "weight": 0.5}, {"positions": [1]}, "weight is given for one component"),
        ("collinear", {"separation": 1.0}, {"weights": [1, 1]}, "weights has sizes {'component': 2}; allowed: 3 weights"),
        ("polygon", {"separation": 1.0, "dimension": 1}, {}, "dimension = 1 is not allowed; allowed: a whole number >= 2"),
        ("polygon", {"separation": 1.0}, {"vertices": 2}, "vertices = 2 is not allowed; allowed: a whole number from 3"),
        ("polygon", {"separation": 1.0}, {"vertices": 3.5}, "vertices = 3.5 is not allowed"),
        ("polygon", {"separation": 1.0}, {"radii": [1, 2]}, "radii = [1, 2] has shape (2,); allowed: 3 numbers"),
        ("polygon", {"separation": 1.0}, {"radii": [1, 2, -1]}, "radii has the value -1.0; allowed: numbers >= 0"),
        ("polygon", {"separation": 1.0}, {"angles": [0, 1, "x"]}, "angles"),
        ("simplex", {"separation": 1.0, "dimension": 2}, {}, "dimension = 2 is not allowed; allowed: a whole number >= 3"),
        ("hierarchy", {"separation": 1.0, "ratio": 1.0}, {}, "ratio = 1.0 is not allowed"),
        ("hierarchy", {"separation": 1.0}, {"levels": 12, "branching": 3}, "make 531441 components; allowed: at most 4096"),
        ("random", {"realization": -1}, {}, "realization = -1 is not allowed"),
        ("random", {}, {"components": 0}, "components = 0 is not allowed"),
        ("random", {}, {"seed": -1}, "seed = -1 is not allowed; allowed: a whole number >= 0"),
        ("random", {}, {"concentration": 0}, "concentration = 0 is not allowed; allowed: a finite number > 0"),
        ("random", {}, {"concentration": 1, "weights": [1] * 4}, "weights and concentration are both given"),
        ("custom", {}, {}, "custom needs either means or file, and not both"),
        ("custom", {}, {"means": [1, 2], "file": "x.nc"}, "custom needs either means or file, and not both"),
        (
            "custom",
            {"dimension": 1},
            {"means": [[0, 1], [1, 0]]},
            "dimension = 1 is not allowed; allowed: a whole number >= 2",
        ),
        ("custom", {}, {"file": "nowhere.nc"}, "file nowhere.nc does not exist"),
        ("custom", {}, {"file": "means.txt"}, "file means.txt has the suffix '.txt'; allowed: .nc"),
        ("data", {}, {}, "data needs either source or file, and not both"),
        ("data", {}, {"source": "mnist"}, "source = 'mnist' is not known; allowed: digits, wine, iris, breast_cancer"),
        ("data", {}, {"source": "iris", "scaling": "unit"}, "scaling = 'unit' is not allowed; allowed: raw, unit-range"),
    ],
)
def test_what_is_not_allowed_is_named(family, axes, parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build(family, axes, parameters)


def test_a_mixture_file_without_means_is_named_with_what_it_has(tmp_path):
    xr.Dataset({"centre": ("component", [1.0, 2.0])}).to_netcdf(tmp_path / "bad.nc", engine="netcdf4")
    with pytest.raises(ValueError, match=r"bad\.nc has no means; variables found: centre; allowed"):
        families.custom(file=str(tmp_path / "bad.nc"))
