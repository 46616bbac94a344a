"""Mixtures of models fitted by scikit-learn: their covariances, their mean variance, and what is refused."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from scoreshock import speciation
from scoreshock.densities.data import project
from scoreshock.densities.fitted_models import from_sklearn

from .test_class_covariances import in_data
from .test_data import class_means, table


@pytest.mark.parametrize("kind", ["spherical", "tied", "diag", "full"])
def test_a_fitted_model_of_any_covariance_type_gives_its_mean_variance(kind):
    x, _ = table(n=200)
    fitted = GaussianMixture(3, covariance_type=kind, random_state=0).fit(x)
    dataset = from_sklearn(fitted, covariance="isotropic")
    each = {
        "spherical": lambda j: fitted.covariances_[j] * np.eye(7),
        "tied": lambda _: fitted.covariances_,
        "diag": lambda j: np.diag(fitted.covariances_[j]),
        "full": lambda j: fitted.covariances_[j],
    }[kind]
    within = sum(fitted.weights_[j] * each(j) for j in range(3))
    assert dataset.component_variance.item() == pytest.approx(np.trace(within) / 7, rel=1e-12)
    top = np.linalg.eigvalsh(within)[-1]
    assert dataset.within_class_anisotropy.item() == pytest.approx(top / (np.trace(within) / 7), rel=1e-12)
    np.testing.assert_allclose(class_means(dataset), fitted.means_, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dataset.component_weight, fitted.weights_, rtol=1e-12)
    centred = fitted.means_ - fitted.weights_ @ fitted.means_
    total = within + (fitted.weights_[:, None] * centred).T @ centred
    assert dataset.total_eigenvalue.item() == pytest.approx(np.linalg.eigvalsh(total)[-1], rel=1e-12)


def test_a_model_that_is_not_fitted_is_named():
    with pytest.raises(ValueError, match="GaussianMixture has no means_; allowed: a fitted"):
        from_sklearn(GaussianMixture(2))


def test_the_spectral_time_of_a_fitted_model_is_that_of_its_covariances():
    x, _ = table(n=200)
    fitted = GaussianMixture(3, covariance_type="full", random_state=0).fit(x)
    # Of a converged fit by expectation maximisation: the model's covariance is the sample's (up to reg_covar).
    largest = np.linalg.eigvalsh(np.cov(x.T, bias=True))[-1]
    result = speciation(from_sklearn(fitted), criteria=["spectral"])
    assert result.tau_star.item() == pytest.approx((largest - 1) / 2, rel=1e-5)


@pytest.mark.parametrize("kind", ["spherical", "tied", "diag", "full", "tied-diag"])
def test_a_fitted_model_keeps_its_covariances(kind):
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(4, 5, 3))
    full = np.swapaxes(rows, 1, 2) @ rows
    stored = {
        "spherical": np.array([0.5, 1.0, 2.0, 3.0]),
        "tied": full[0],
        "diag": np.abs(rng.normal(size=(4, 3))),
        "full": full,
        "tied-diag": np.array([1.0, 2.0, 3.0]),
    }[kind]
    each = {
        "spherical": lambda j: stored[j] * np.eye(3),
        "tied": lambda _: stored,
        "diag": lambda j: np.diag(stored[j]),
        "full": lambda j: stored[j],
        "tied-diag": lambda _: np.diag(stored),
    }[kind]
    model = SimpleNamespace(
        means_=rng.normal(size=(4, 3)), weights_=np.full(4, 0.25), covariances_=stored, covariance_type=kind
    )
    dataset = from_sklearn(model)
    np.testing.assert_allclose(in_data(dataset), [each(j) for j in range(4)], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(project(dataset, model.means_), dataset.component_mean.values, atol=1e-13)


def test_errors_name_the_covariance():
    with pytest.raises(ValueError, match=re.escape("covariance = 'full' is not allowed; allowed: fitted, isotropic")):
        from_sklearn(SimpleNamespace(), covariance="full")
