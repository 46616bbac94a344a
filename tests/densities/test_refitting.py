"""Refits against fits of the same samples by scikit-learn itself, and against the theory of their spread."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

import scoreshock as ss
from scoreshock.densities import refitting
from scoreshock.densities.fitting import from_unlabelled
from scoreshock.densities.tables.table import Table
from scoreshock.kernels.numerics.counter_rng import uniforms

CENTRES = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 12.0]])


def clouds(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    member = np.arange(count) % 3
    return CENTRES[member] + rng.standard_normal((count, 2)), member


def distances(means: np.ndarray) -> np.ndarray:
    return np.linalg.norm(means[..., :, None, :] - means[..., None, :, :], axis=-1)


def test_a_replicate_is_a_fit_to_its_samples_with_the_components_in_the_order_of_the_fit():
    x, _ = clouds(240)
    found = ss.refitted(x, 3, replicates=3, seed=5)
    model = GaussianMixture(3, covariance_type="spherical", random_state=5, reg_covar=1e-6).fit(x - x[0])
    for number in range(3):
        drawn = (x - x[0])[np.floor(240 * uniforms(5, np.arange(240), number)).astype(int)]
        alone = GaussianMixture(3, covariance_type="spherical", random_state=1, reg_covar=1e-6, tol=1e-8).fit(drawn)
        order = [np.linalg.norm(alone.means_ - mean, axis=1).argmin() for mean in model.means_]
        one = found.isel(replicate=number)
        np.testing.assert_allclose(
            distances(one.component_mean.values), distances(alone.means_[order]), rtol=1e-3, atol=1e-6
        )
        np.testing.assert_allclose(one.component_weight, alone.weights_[order], rtol=1e-3)
        assert float(one.component_variance) == pytest.approx(alone.weights_ @ alone.covariances_, rel=1e-3)


def test_components_in_another_order_are_brought_into_that_of_the_fit(monkeypatch):
    x, _ = clouds(91)
    expected = ss.refitted(x, 3, replicates=2)
    plain = refitting.refits

    def turned(*arguments):
        model, fits, units = plain(*arguments)
        for fit in fits:
            for name in ("means_", "weights_", "covariances_"):
                setattr(fit, name, getattr(fit, name)[[2, 0, 1]])
        return model, fits, units

    monkeypatch.setattr(refitting, "refits", turned)
    found = ss.refitted(x, 3, replicates=2)
    np.testing.assert_allclose(distances(found.component_mean.values), distances(expected.component_mean.values), rtol=1e-12)
    np.testing.assert_allclose(found.component_weight, expected.component_weight, rtol=1e-12)


@pytest.mark.slow
def test_errors_of_well_separated_components_are_those_of_labelled_data():
    x, member = clouds(900)
    fitted, labelled = ss.refitted(x, 3, replicates=100), ss.bootstrapped(x, member, replicates=100)
    for name in ("component_variance", "total_eigenvalue"):
        one, other = (float(each[name].std("replicate")) for each in (fitted, labelled))
        assert one == pytest.approx(other, rel=0.4)
    spread = [distances(each.component_mean.values).std(axis=0).max() for each in (fitted, labelled)]
    assert spread[0] == pytest.approx(spread[1], rel=0.4)


@pytest.mark.slow
def test_moments_of_a_fit_have_errors():
    x, _ = clouds(300)
    mixture = from_unlabelled(Table(x, None), 3)
    found = ss.when(mixture, "edm", draws=64, replicates=ss.refitted(x, 3, replicates=8))
    assert (found.sigma_error.sel(moment=["leading", "half decided"]) > 0).all()


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"components": 1}, "components = 1 is not allowed"),
        ({"components": 3, "replicates": 1}, "replicates = 1 is not allowed"),
        ({"components": 3, "seed": -1}, "seed = -1 is not allowed"),
    ],
)
def test_wrong_arguments_are_refused(named, said):
    with pytest.raises(ValueError, match=said):
        ss.refitted(clouds(30)[0], **named)
