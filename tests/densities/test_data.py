"""Mixtures of labelled data: class means, the isometry to their span, and tables from files."""

import re

import numpy as np
import pytest
import xarray as xr
from sklearn import datasets
from sklearn.preprocessing import scale

from scoreshock import speciation
from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.densities.data import from_labelled, project
from scoreshock.kernels.gaussian.geometry import decompose


def table(seed: int = 0, n: int = 60, d: int = 7, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % k)
    return rng.normal(size=(n, d)) * np.arange(1, d + 1) + 3.0 * rng.normal(size=(k, d))[labels], labels


def covariances(x: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Within-class and total covariance, divided by N, by a plain loop."""
    within = np.zeros((x.shape[1], x.shape[1]))
    for label in np.unique(labels):
        group = x[labels == label]
        within += len(group) / len(x) * np.cov(group.T, bias=True)
    return within, np.cov(x.T, bias=True)


def class_means(dataset: xr.Dataset) -> np.ndarray:
    """Means in (scaled) data coordinates."""
    return (
        (dataset.component_mean.dot(dataset.basis, dim="feature") + dataset.origin).transpose("component", "ambient").values
    )


def log_sum_exp(terms: np.ndarray) -> np.ndarray:
    top = terms.max(axis=-1, keepdims=True)
    return top[..., 0] + np.log(np.exp(terms - top).sum(axis=-1))


@pytest.mark.parametrize("source", ["digits", "wine", "iris", "breast_cancer"])
def test_class_means_are_those_of_a_plain_group_by(source):
    bundled = getattr(datasets, f"load_{source}")()
    dataset = families.data(source=source)
    result = class_means(dataset)
    for j, label in enumerate(dataset.label.values):
        code = [str(name) for name in bundled.target_names].index(label)
        group = bundled.data[bundled.target == code]
        np.testing.assert_allclose(result[j], group.mean(axis=0), rtol=1e-12, atol=1e-12)
        assert dataset.component_weight.values[j] == pytest.approx(len(group) / len(bundled.data), rel=1e-15)


@pytest.mark.parametrize(("source", "sizes"), [("iris", [50, 50, 50]), ("wine", [59, 71, 48])])
def test_class_sizes_are_the_published_ones(source, sizes):
    dataset = families.data(source=source)
    np.testing.assert_allclose(dataset.component_weight * dataset.attrs["n_samples"], sizes, rtol=1e-14)


def test_total_eigenvalue_of_iris_is_the_first_principal_variance_of_the_textbooks():
    dataset = families.data(source="iris")
    assert dataset.total_eigenvalue.item() * 150 / 149 == pytest.approx(4.22824, abs=5e-6)


def test_digits_have_nine_features_of_sixty_four():
    dataset = families.data(source="digits")
    assert dataset.component_mean.shape == (10, 9)
    assert dataset.ambient_dimension.item() == 64
    assert dataset.label.values.tolist() == list("0123456789")
    assert dataset.attrs["constant_features"] == 3
    assert (dataset.attrs["source"], dataset.attrs["scaling"]) == ("digits", "raw")


def test_variance_and_diagnostics_are_those_of_the_covariances():
    x, labels = table()
    dataset = from_labelled(x, labels)
    within, total = covariances(x, labels)
    variance = np.trace(within) / 7
    assert dataset.component_variance.item() == pytest.approx(variance, rel=1e-12)
    assert dataset.within_class_anisotropy.item() == pytest.approx(np.linalg.eigvalsh(within)[-1] / variance, rel=1e-12)
    assert dataset.total_eigenvalue.item() == pytest.approx(np.linalg.eigvalsh(total)[-1], rel=1e-12)
    for j in range(3):
        own = np.trace(np.cov(x[labels == j].T, bias=True)) / 7
        assert dataset.within_class_variance.values[j] == pytest.approx(own, rel=1e-12)


def test_between_class_eigenvalues_are_those_of_total_minus_within():
    x, labels = table()
    dataset = from_labelled(x, labels)
    within, total = covariances(x, labels)
    result = decompose(dataset.component_mean.values, dataset.component_weight.values).eigenvalues
    np.testing.assert_allclose(result, np.linalg.eigvalsh(total - within)[::-1][:2], rtol=1e-11)


def test_more_features_than_samples_give_the_same_diagnostics():
    x, labels = table(n=9, d=40)
    within, total = covariances(x, labels)
    dataset = from_labelled(x, labels)
    assert dataset.total_eigenvalue.item() == pytest.approx(np.linalg.eigvalsh(total)[-1], rel=1e-12)
    top = dataset.within_class_anisotropy * dataset.component_variance
    assert top.item() == pytest.approx(np.linalg.eigvalsh(within)[-1], rel=1e-12)


def test_a_common_offset_changes_only_the_origin():
    x, labels = table()
    plain, moved = from_labelled(x, labels), from_labelled(x + 1e8, labels)
    np.testing.assert_allclose(moved.component_mean, plain.component_mean, atol=1e-6)
    np.testing.assert_allclose(moved.component_variance, plain.component_variance, rtol=1e-7)
    np.testing.assert_allclose(moved.origin - 1e8, plain.origin, atol=1e-6)


def test_unit_range_divides_all_features_by_the_range_of_the_table():
    x, labels = table()
    raw, scaled = from_labelled(x, labels), from_labelled(x, labels, scaling="unit-range")
    width = x.max() - x.min()
    np.testing.assert_allclose(scaled.component_mean * width, raw.component_mean, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(scaled.component_variance * width**2, raw.component_variance, rtol=1e-12)
    assert scaled.within_class_anisotropy.item() == pytest.approx(raw.within_class_anisotropy.item(), rel=1e-12)
    assert scaled.attrs["scaling"] == "unit-range"


def test_unit_variance_divides_each_feature_by_its_own_deviation_but_constant_ones():
    x, labels = table()
    x[:, 2] = 0.1
    dataset = from_labelled(x, labels, scaling="unit-variance")
    by_hand = x / np.where(np.arange(7) == 2, 1.0, x.std(axis=0))
    np.testing.assert_allclose(dataset.feature_scale, np.where(np.arange(7) == 2, 1.0, x.std(axis=0)), rtol=1e-12)
    np.testing.assert_allclose(class_means(dataset), [by_hand[labels == j].mean(axis=0) for j in range(3)], atol=1e-12)
    assert dataset.attrs["constant_features"] == 1


@pytest.mark.parametrize("scaling", ["raw", "unit-range", "unit-variance"])
def test_density_of_the_span_times_the_perpendicular_factor_is_the_density_of_the_data_space(scaling):
    x, labels = table()
    dataset = from_labelled(x, labels, scaling=scaling)
    points = x[:5] * 1.3 + 0.2
    v = dataset.component_variance.item() + 2 * 0.7
    at = project(dataset, points)
    assert at.dims == ("point", "feature")
    scaled = points / dataset.feature_scale.values
    weights, d, n = dataset.component_weight.values, 7, dataset.sizes["feature"]

    def log_density(y, means, dimension):
        squares = ((y[:, None] - means) ** 2).sum(axis=-1)
        return log_sum_exp(np.log(weights) - squares / (2 * v)) - dimension / 2 * np.log(2 * np.pi * v)

    naive = log_density(scaled, class_means(dataset), d)
    outside = -(d - n) / 2 * np.log(2 * np.pi * v) - at.perpendicular_squared.values / (2 * v)
    np.testing.assert_allclose(log_density(at.values, dataset.component_mean.values, n) + outside, naive, rtol=1e-12)


def test_score_in_the_span_and_across_it_is_the_score_of_the_data_space():
    x, labels = table()
    dataset = from_labelled(x, labels)
    v, point = dataset.component_variance.item() + 0.4, x[3]

    def score(y, means):
        logs = np.log(dataset.component_weight.values) - ((y - means) ** 2).sum(axis=-1) / (2 * v)
        shares = np.exp(logs - log_sum_exp(logs))
        return (shares @ means - y) / v

    at = project(dataset, point)
    basis, origin = dataset.basis.values, dataset.origin.values
    across = point - origin - at.values @ basis
    assert at.perpendicular_squared.item() == pytest.approx(across @ across, rel=1e-12)
    recovered = score(at.values, dataset.component_mean.values) @ basis - across / v
    np.testing.assert_allclose(recovered, score(point, class_means(dataset)), rtol=1e-11, atol=1e-12)


def test_a_projected_point_does_not_depend_on_its_company():
    x, labels = table(d=33)
    dataset = from_labelled(x, labels)
    together = project(dataset, x)
    for j in (0, 17, 59):
        alone = project(dataset, x[j])
        assert alone.dims == ("feature",)
        assert (alone.values == together.values[j]).all()
        assert alone.perpendicular_squared.item() == together.perpendicular_squared.values[j]


def test_project_takes_labelled_points_of_any_dimensions():
    x, labels = table()
    dataset = from_labelled(x, labels)
    points = xr.DataArray(x[:6].reshape(2, 3, 7), dims=("run", "sample", "ambient"))
    assert project(dataset, points).dims == ("run", "sample", "feature")


def test_class_means_project_to_the_component_means():
    x, labels = table()
    dataset = from_labelled(x, labels)
    at = project(dataset, class_means(dataset))
    np.testing.assert_allclose(at.values, dataset.component_mean.values, atol=1e-13)
    np.testing.assert_allclose(at.perpendicular_squared, 0.0, atol=1e-20)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([10, 9, 10, 9], ["9", "10"]),
        ([1.0, 0.0, 1.0, 0.0], ["0", "1"]),
        (["b", "a", "b", "a"], ["a", "b"]),
        (np.array([b"b", b"a", b"b", b"a"]), ["a", "b"]),
        (np.array(["b", "a", "b", "a"], dtype=object), ["a", "b"]),
        ([True, False, True, False], ["False", "True"]),
    ],
)
def test_labels_of_any_kind_name_the_components_in_order(labels, names):
    dataset = from_labelled([[1.0], [0.0], [1.5], [0.5]], labels)
    assert dataset.label.values.tolist() == names
    assert dataset.label.dims == ("component",)


def test_classes_without_spread_have_no_variance():
    dataset = from_labelled([[0.0, 0.0], [1.0, 0.0]], ["a", "b"])
    assert dataset.component_variance.item() == 0.0
    assert dataset.within_class_anisotropy.item() == 1.0


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        ([[1.0], [np.nan]], [0, 1], "features has the value nan at [1, 0]; allowed: finite numbers"),
        ([1.0, 2.0], [0, 1], "features has shape (2,); allowed: (samples, features)"),
        ([[1.0], [2.0]], [0, 1, 1], "labels has shape (3,); allowed: (2,), one label for each row of features"),
        ([[1.0], [2.0]], [0.5, 1.0], "labels has the value 0.5; allowed: text or whole numbers"),
        ([[1.0], [2.0]], [np.nan, 1.0], "labels has the value nan; allowed: text or whole numbers"),
        ([[1.0], [2.0]], ["a", "a"], "labels has one class, a; allowed: at least two classes"),
        ([[1.0], [2.0]], ["a", ""], "labels has an empty label"),
        ([[1.0], [2.0]], [None, "a"], "labels has an empty label"),
        ([[1.0], [2.0]], [1j, 2j], "labels of type complex128 are not allowed"),
        ([["x"], ["y"]], [0, 1], "features = [['x'], ['y']] is not numeric"),
    ],
)
def test_a_table_that_is_not_allowed_is_named(features, labels, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        from_labelled(features, labels)


def test_project_names_what_it_lacks():
    x, labels = table()
    with pytest.raises(ValueError, match="mixture has no origin"):
        project(families.pair(1.0), [1.0])
    with pytest.raises(ValueError, match=re.escape("x has shape (6,); allowed: (7,) or (n, 7)")):
        project(from_labelled(x, labels), np.zeros(6))
    with pytest.raises(ValueError, match="allowed: a dimension 'ambient' of 7 coordinates"):
        project(from_labelled(x, labels), xr.DataArray(np.zeros(7), dims="feature"))


def test_data_family_scales_means_and_overrides_the_variance():
    plain = families.data(source="iris")
    dataset = families.data(separation=[1.0, 2.0], variance=[0.1, 0.2], source="iris")
    assert dataset.component_mean.dims == ("separation", "component", "feature")
    assert dataset.component_variance.dims == ("variance",)
    assert (dataset.component_mean.sel(separation=2.0) == 2 * plain.component_mean).all()


@pytest.mark.parametrize(("scaling", "prepared"), [("unit-variance", scale), ("unit-range", lambda x: x / np.ptp(x))])
@pytest.mark.parametrize("source", ["digits", "wine", "iris", "breast_cancer"])
def test_the_spectral_time_of_data_is_that_of_their_own_total_covariance(source, scaling, prepared):
    x = prepared(getattr(datasets, f"load_{source}")().data)
    largest = np.linalg.eigvalsh(np.cov(x.T, bias=True))[-1]
    result = speciation(families.data(source=source, scaling=scaling), criteria=["spectral"])
    assert result.tau_star.item() == pytest.approx((largest - 1) / 2, rel=1e-11)
    assert result.status.item() == (Status.ok if largest > 1 else Status.no_transition)


@pytest.mark.parametrize(("n", "d"), [(60, 7), (9, 40)])
def test_moved_apart_and_widened_classes_have_the_total_covariance_of_the_samples_so_moved(tmp_path, n, d):
    x, labels = table(n=n, d=d)
    np.savez(tmp_path / "table.npz", features=x, labels=labels)
    own = np.trace(covariances(x, labels)[0]) / d
    separation, variance = np.array([0.0, 0.5, 3.0]), own * np.array([0.0, 0.1, 1.0, 4.0])
    dataset = families.data(separation=separation, variance=variance, file=str(tmp_path / "table.npz"))
    assert dataset.total_eigenvalue.dims == ("separation", "variance")
    means = np.stack([x[labels == label].mean(axis=0) for label in range(3)])[labels]
    for i, s in enumerate(separation):
        for j, v in enumerate(variance):
            moved = x.mean(axis=0) + s * (means - x.mean(axis=0)) + np.sqrt(v / own) * (x - means)
            expected = np.linalg.eigvalsh(np.cov(moved.T, bias=True))[-1]
            assert dataset.total_eigenvalue.values[i, j] == pytest.approx(expected, rel=1e-11, abs=1e-13)
    only = families.data(separation=separation[1:], file=str(tmp_path / "table.npz"))
    np.testing.assert_allclose(only.total_eigenvalue, dataset.total_eigenvalue[1:, 2], rtol=1e-12)
    plain = families.data(file=str(tmp_path / "table.npz")).total_eigenvalue
    swept = families.data(separation=[1.0, 2.0], file=str(tmp_path / "table.npz")).total_eigenvalue
    assert plain.item() == swept[0].item()
    result = speciation(dataset, criteria=["spectral"]).tau_star
    np.testing.assert_allclose(result.squeeze()[1:], (dataset.total_eigenvalue[1:] - 1) / 2, rtol=1e-14)


def test_classes_without_any_spread_have_no_total_covariance_at_another_variance(tmp_path):
    np.savez(tmp_path / "points.npz", features=np.array([[0.0, 1.0], [4.0, 0.0], [0.0, 0.0]]), labels=np.arange(3))
    dataset = families.data(variance=[0.0, 0.5], file=str(tmp_path / "points.npz"))
    result = speciation(dataset, criteria=["spectral", "leading"])
    assert result.status.sel(criterion="spectral").values.tolist() == [Status.ok, Status.not_applicable]
    assert result.tau_star.sel(criterion="spectral").isnull().values.tolist() == [False, True]
    assert (result.status.sel(criterion="leading") == Status.ok).all()


def test_a_data_mixture_survives_netcdf(tmp_path):
    dataset = families.data(source="iris")
    dataset.to_netcdf(tmp_path / "iris.nc", engine="netcdf4")
    with xr.open_dataset(tmp_path / "iris.nc", engine="netcdf4") as stored:
        assert stored.label.values.tolist() == dataset.label.values.tolist()
        again = families.custom(file=str(tmp_path / "iris.nc"))
    assert (again.component_mean.values == dataset.component_mean.values).all()
    assert again.ambient_dimension.item() == 4
    assert again.component_variance.item() == dataset.component_variance.item()
