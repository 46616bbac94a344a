"""Covariances of the classes of a table against NumPy's, whole and along the leading directions."""

import re

import numpy as np
import pytest
from sklearn import datasets
from sklearn.decomposition import PCA

from scoreshock.densities import class_covariances, families
from scoreshock.densities.class_covariances import joint_span
from scoreshock.densities.data import from_labelled, project

from .test_component_covariances import matrices
from .test_data import class_means, table


def in_data(dataset):
    """Covariances (k, d, d) in the data's own coordinates."""
    own, d = matrices(dataset), int(dataset.ambient_dimension)
    if "basis" not in dataset:
        return own
    basis = dataset.basis.values
    floor = dataset.component_variance.broadcast_like(dataset.component_weight).values
    return basis.T @ own @ basis + floor[:, None, None] * (np.eye(d) - basis.T @ basis)


def expected(x, labels, kind):
    """Covariances by NumPy, of each class or averaged by class size, whole or as their diagonals or traces."""
    classes, count = np.unique(labels, return_counts=True)
    own = np.array([np.cov(x[labels == label].T, bias=True) for label in classes])
    if kind.startswith("shared"):
        own = np.repeat(np.average(own, axis=0, weights=count)[None], len(classes), axis=0)
    if kind.endswith("diagonal"):
        own = np.array([np.diag(np.diag(each)) for each in own])
    if kind == "spherical":
        own = np.array([np.eye(x.shape[1]) * np.trace(each) / x.shape[1] for each in own])
    return own


@pytest.mark.parametrize("kind", ["spherical", "shared-diagonal", "diagonal", "shared", "full"])
@pytest.mark.parametrize("source", ["digits", "wine", "iris", "breast_cancer"])
def test_covariances_of_a_table_are_those_of_numpy(source, kind):
    bundled = getattr(datasets, f"load_{source}")()
    names = np.asarray(bundled.target_names)[bundled.target]
    dataset = families.data(source=source, covariance=kind)
    wanted = expected(bundled.data, names, kind)
    np.testing.assert_allclose(in_data(dataset), wanted, atol=2e-13 * np.abs(wanted).max())
    assert dataset.attrs["covariance"] == kind


@pytest.mark.parametrize("kind", ["shared", "full"])
@pytest.mark.parametrize(("n", "d"), [(120, 40), (45, 60)], ids=["by feature", "by row"])
def test_directions_that_are_kept_and_the_variance_of_the_others(kind, n, d):
    x, labels = table(n=n, d=d)
    dataset, rank = from_labelled(x, labels, covariance=kind, rank=4), 4
    assert dataset.sizes["feature"] == (2 + rank if kind == "shared" else 2 + 3 * rank)
    for own, wanted in zip(in_data(dataset), expected(x, labels, kind), strict=True):
        values, vectors = np.linalg.eigh(wanted)
        kept = vectors[:, -rank:]
        rest = values[:-rank].sum() / (d - rank)
        low = rest * np.eye(d) + (kept * (values[-rank:] - rest)) @ kept.T
        np.testing.assert_allclose(own, low, atol=1e-11 * values[-1])
        assert np.trace(own) == pytest.approx(np.trace(wanted), rel=1e-12)


def test_low_rank_is_the_probabilistic_principal_components_of_scikit_learn():
    x, labels = table(n=90, d=12)
    dataset = from_labelled(x, labels, covariance="full", rank=5)
    for j in range(3):
        group = x[labels == j]
        fitted = PCA(5, svd_solver="full").fit(group).get_covariance() * (len(group) - 1) / len(group)
        np.testing.assert_allclose(in_data(dataset)[j], fitted, atol=1e-11 * np.abs(fitted).max())


@pytest.mark.parametrize("kind", ["spherical", "diagonal", "shared", "full"])
def test_means_and_distances_are_those_of_the_data(kind):
    x, labels = table(n=60, d=20)
    dataset = from_labelled(x, labels, covariance=kind, rank=3 if kind in ("shared", "full") else None)
    means = np.array([x[labels == j].mean(axis=0) for j in range(3)])
    inside = project(dataset, means)
    np.testing.assert_allclose(inside, dataset.component_mean.values, atol=1e-12)
    np.testing.assert_allclose(inside.perpendicular_squared, 0.0, atol=1e-20)
    if "basis" in dataset:
        np.testing.assert_allclose(class_means(dataset), means, atol=1e-12)
    points = project(dataset, x)
    centred = ((x - dataset.origin.values) ** 2).sum(axis=1)
    np.testing.assert_allclose((points**2).sum("feature") + points.perpendicular_squared, centred, rtol=1e-12)


def test_large_tables_keep_32_directions_by_default_and_say_so():
    x, labels = table(n=240, d=300)
    dataset = from_labelled(x, labels, covariance="full")
    assert dataset.attrs["covariance_rank"] == 32
    assert dataset.covariance_direction.shape == (3, 32, 2 + 3 * 32)
    whole = from_labelled(*table(n=240, d=20), covariance="full")
    assert (whole.attrs["covariance_rank"], "basis" in whole) == (20, False)


@pytest.mark.parametrize("size", [700, 60])
def test_leading_directions_of_a_large_matrix_are_those_of_all_of_them(size):
    from scoreshock.densities.class_covariances import eigenpairs

    rows = np.random.default_rng(0).normal(size=(40, size)) * np.linspace(1, 9, 40)[:, None]
    values, vectors = eigenpairs(rows.T @ rows, 5)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(rows.T @ rows)[: -size - 1 : -1][:5], rtol=1e-12)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(5), atol=1e-12)
    np.testing.assert_allclose((rows.T @ rows) @ vectors.T, vectors.T * values, atol=1e-6 * values[0])


@pytest.mark.parametrize("kind", ["diagonal", "shared", "full"])
@pytest.mark.parametrize(("n", "d"), [(300, 6), (45, 60)])
def test_a_table_is_read_in_slices(kind, n, d, monkeypatch):
    x, labels = table(n=n, d=d)
    expected = from_labelled(x, labels, covariance=kind)
    monkeypatch.setattr(class_covariances, "CHUNK", 7 * d)
    sliced = from_labelled(x, labels, covariance=kind)
    np.testing.assert_allclose(in_data(sliced), in_data(expected), atol=1e-11 * np.abs(in_data(expected)).max())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"covariance": "ful"}, "covariance = 'ful' is not allowed (did you mean 'full'?); allowed: isotropic, spherical"),
        (
            {"covariance": "diagonal", "rank": 2},
            "rank = 2 beside covariance = 'diagonal'; allowed: with shared or full only",
        ),
        ({"covariance": "full", "rank": 8}, "rank = 8 is not allowed; allowed: a whole number from 1 to 7"),
        ({"covariance": "full", "rank": 0}, "rank = 0 is not allowed; allowed: a whole number from 1 to 7"),
    ],
)
def test_errors_name_what_is_wrong_with_a_kind(arguments, message):
    x, labels = table()
    with pytest.raises(ValueError, match=re.escape(message)):
        from_labelled(x, labels, **arguments)


def test_a_class_of_too_few_samples_has_no_covariance_of_its_own():
    x, labels = table()
    with pytest.raises(ValueError, match=re.escape("covariance = 'full' needs more samples: the smallest class has 2")):
        from_labelled(np.concatenate([x, x[:2]]), np.concatenate([labels, [9, 9]]), covariance="full")
    with pytest.raises(ValueError, match=re.escape("rank = 19 is not allowed; allowed: a whole number from 1 to 18")):
        from_labelled(*table(n=60, d=30), covariance="full", rank=19)  # 20 samples a class span 19 directions


@pytest.mark.parametrize("kind", ["shared", "full", "diagonal", "spherical"])
def test_the_variance_of_a_study_scales_all_covariances(kind):
    plain = families.data(source="iris", covariance=kind)
    scaled = families.data(source="iris", covariance=kind, variance=[0.1, 0.4])
    own = (plain.component_weight * plain.within_class_variance).sum().item()
    for value in (0.1, 0.4):
        np.testing.assert_allclose(matrices(scaled.sel(variance=value)), matrices(plain) * value / own, rtol=1e-12)


def test_directions_inside_the_means_span_add_no_features():
    rng = np.random.default_rng(3)
    means = rng.normal(size=(3, 50))
    lines = np.linalg.qr((means[1:] - means[0]).T)[0].T
    assert joint_span(means, np.full(3, 1 / 3), lines).means.shape == (3, 2)
    further = np.linalg.qr(np.concatenate([lines, rng.normal(size=(1, 50))]).T)[0].T
    wider = joint_span(means, np.full(3, 1 / 3), further)
    assert wider.means.shape == (3, 3)
    np.testing.assert_allclose(wider.basis @ wider.basis.T, np.eye(3), atol=1e-14)
    assert joint_span(means[:, :3], np.full(3, 1 / 3), np.eye(3)) is None


@pytest.mark.parametrize("kind", ["spherical", "shared-diagonal", "diagonal", "shared", "full"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize(("n", "d"), [(60, 7), (12, 40)])
def test_rows_of_any_type_in_memory_or_in_a_file_have_the_covariances_of_their_numbers(tmp_path, kind, dtype, n, d):
    x = np.random.default_rng(0).integers(0, 256, (n, d)).astype(dtype)
    labels = np.arange(n) % 3
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", labels)
    expected = from_labelled(x.astype(float), labels, covariance=kind)
    assert from_labelled(x, labels, covariance=kind).identical(expected)
    stored = families.data(file=str(tmp_path / "x.npy"), label=str(tmp_path / "y.npy"), covariance=kind)
    for name, variable in expected.variables.items():
        assert (stored[name].values == variable.values).all()
