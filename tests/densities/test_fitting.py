"""Mixtures fitted to tables without labels."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from scoreshock import speciation
from scoreshock.densities import families
from scoreshock.densities.data import project
from scoreshock.densities.fitting import from_unlabelled
from scoreshock.densities.tables.table import Table

RNG = np.random.default_rng(0)
CENTRES = np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 12.0, 0.0]])
KIND = np.repeat([0, 1, 2], [200, 300, 500])
X = CENTRES[KIND] + RNG.normal(size=(1000, 3)) * 0.7
TABLE = Table(X, None)


def sorted_means(dataset):
    means = (
        (dataset.component_mean.dot(dataset.basis, dim="feature") + dataset.origin).transpose("component", "ambient").values
    )
    order = np.argsort(dataset.component_weight.values)
    return means[order], dataset.component_weight.values[order]


def test_well_separated_clouds_are_found_with_their_weights_and_variance():
    dataset = from_unlabelled(TABLE, 3)
    means, weights = sorted_means(dataset)
    np.testing.assert_allclose(means, [X[j == KIND].mean(axis=0) for j in range(3)], atol=1e-5)
    np.testing.assert_allclose(weights, [0.2, 0.3, 0.5], atol=1e-5)
    within = sum(((X[j == KIND] - X[j == KIND].mean(axis=0)) ** 2).sum() for j in range(3)) / X.size
    assert dataset.component_variance.item() == pytest.approx(within, rel=1e-4)
    assert dataset.attrs["fit"].startswith("GaussianMixture of scikit-learn, 3 spherical components, random_state 0")
    assert dataset.attrs["fit_converged"] == "yes"
    assert dataset.attrs["fit_iterations"] >= 1
    assert "label" not in dataset.coords


def test_the_fit_is_that_of_scikit_learn_in_any_units():
    model = GaussianMixture(
        3, covariance_type="spherical", random_state=1, reg_covar=1e-6 * X.var(axis=0).mean(), max_iter=1000
    ).fit(X)
    plain = from_unlabelled(TABLE, 3, seed=1)
    np.testing.assert_allclose(sorted_means(plain)[0], model.means_[np.argsort(model.weights_)], atol=1e-6)
    scaled = from_unlabelled(TABLE, 3, seed=1, scaling={"scale": 1e-5, "shift": 4.0})
    np.testing.assert_allclose(sorted_means(scaled)[0] * 1e5 + 4.0, sorted_means(plain)[0], atol=1e-6)
    np.testing.assert_allclose(project(scaled, X[:5]) * 1e5, project(plain, X[:5]), atol=1e-6)
    far = from_unlabelled(Table(X + 1e7, None), 3, seed=1)
    np.testing.assert_allclose(far.component_variance, plain.component_variance, rtol=1e-6)


def test_a_fit_that_does_not_converge_says_so(monkeypatch):
    monkeypatch.setattr("scoreshock.densities.fitting.MOST_ITERATIONS", 1)
    assert from_unlabelled(Table(RNG.normal(size=(300, 2)), None), 5).attrs["fit_converged"] == "no"


def test_the_family_fits_files_and_moves_their_components(tmp_path):
    np.save(tmp_path / "x.npy", X.astype("float32"))
    result = families.data(file=str(tmp_path / "x.npy"), components=3, separation=[1.0, 2.0], variance=2.0)
    means, weights = result.component_mean.sel(separation=2.0).values, result.component_weight.values
    largest = np.linalg.eigvalsh((means.T * weights) @ means)[-1] + 2.0
    assert result.total_eigenvalue.sel(separation=2.0).item() == pytest.approx(largest, rel=1e-9)
    tau = speciation(result, criteria=["spectral"]).tau_star.sel(separation=2.0).item()
    assert tau == pytest.approx((largest - 1) / 2, rel=1e-9)
    assert result.attrs["source"] == str(tmp_path / "x.npy")


def test_labels_are_not_both_used_and_ignored(tmp_path):
    (tmp_path / "t.csv").write_text("u,v,label\n0,0,1\n1,0,1\n9,9,2\n9,8,2\n")
    file = str(tmp_path / "t.csv")
    with pytest.raises(ValueError, match="label = 'label' and components = 2 are both given; allowed: one of them"):
        families.data(file=file, label="label", components=2)
    with pytest.raises(
        ValueError, match=r"has the column 'label', and components .* allowed: one of both \(ignore: \[label\]\)"
    ):
        families.data(file=file, components=2)
    result = families.data(file=file, components=2, ignore=["label"])
    assert result.sizes["ambient"] == 2
    np.savez(tmp_path / "t.npz", features=X, labels=KIND)
    with pytest.raises(ValueError, match="has labels, which would be ignored"):
        families.data(file=str(tmp_path / "t.npz"), components=2)
    assert families.data(source="iris", components=4).sizes["component"] == 4


@pytest.mark.parametrize(
    ("table", "components", "seed", "said"),
    [
        (TABLE, 1, 0, "components = 1 is not allowed; allowed: a whole number from 2 to 1000"),
        (TABLE, 2.5, 0, "components = 2.5 is not allowed"),
        (Table(X[:3], None), 4, 0, "components = 4 is not allowed; allowed: a whole number from 2 to 3"),
        (TABLE, 3, -1, "seed = -1 is not allowed"),
        (Table(np.ones((5, 2)), None), 2, 0, "features has equal samples only"),
        (Table(np.broadcast_to(0.0, (2**20, 129)), None), 2, 0, "a table of 1,048,576 x 129 is too large to be fitted"),
        (Table(np.array([[0.0], [np.nan]]), None), 2, 0, r"features has the value nan at \[1, 0\]"),
    ],
)
def test_what_cannot_be_fitted_is_refused(table, components, seed, said):
    with pytest.raises(ValueError, match=said):
        from_unlabelled(table, components, seed)


def test_a_seed_without_a_fit_is_refused():
    with pytest.raises(ValueError, match="seed = 3 is not used without components"):
        families.data(source="iris", seed=3)


def covariances(dataset):
    """Covariances of the components in the data's own coordinates, in the order of their weights."""
    k, d = dataset.sizes["component"], dataset.ambient_dimension.item()
    floor = np.broadcast_to(dataset.component_variance.values, k)
    result = floor[:, None, None] * np.eye(d)
    if "covariance_eigenvalue" in dataset:
        values = np.broadcast_to(dataset.covariance_eigenvalue.values, (k, dataset.sizes["direction"]))
        if "covariance_direction" in dataset:
            lines = dataset.covariance_direction.values
            lines = lines if "basis" not in dataset else lines @ dataset.basis.values
        else:
            lines = np.eye(d)
        lines = np.broadcast_to(lines, (k, *lines.shape[-2:]))
        result = result + np.einsum("kr,kri,krj->kij", values - floor[:, None], lines, lines)
    return result[np.argsort(dataset.component_weight.values)]


@pytest.mark.parametrize("kind", ["spherical", "diagonal", "shared", "full"])
def test_covariances_are_those_that_scikit_learn_fits(kind):
    stretched = X * np.array([1.0, 2.0, 0.5])
    sklearn = {"spherical": "spherical", "diagonal": "diag", "shared": "tied", "full": "full"}[kind]
    floor = 1e-6 * stretched.var(axis=0).mean()
    model = GaussianMixture(3, covariance_type=sklearn, random_state=0, reg_covar=floor, max_iter=1000).fit(stretched)
    expected = {
        "spherical": lambda held: held[:, None, None] * np.eye(3),
        "diag": lambda held: held[:, :, None] * np.eye(3),
        "tied": lambda held: np.stack([held] * 3),
        "full": lambda held: held,
    }[sklearn](model.covariances_)[np.argsort(model.weights_)]
    dataset = from_unlabelled(Table(stretched, None), 3, covariance=kind)
    np.testing.assert_allclose(covariances(dataset), expected, atol=1e-6)
    scaled = from_unlabelled(Table(stretched, None), 3, covariance=kind, scaling={"scale": 0.1, "shift": 2.0})
    np.testing.assert_allclose(covariances(scaled) * 100, expected, atol=1e-6)


def test_covariances_that_are_not_fitted_are_refused():
    with pytest.raises(
        ValueError, match="covariance = 'shared-diagonal' beside components is not allowed; allowed: isotropic"
    ):
        from_unlabelled(TABLE, 3, covariance="shared-diagonal")
    with pytest.raises(ValueError, match="rank = 1 beside components; allowed: leave it out"):
        from_unlabelled(TABLE, 3, covariance="full", rank=1)
