"""The isotropic theory beside covariances: published figures, samples of the data themselves, and plain matrices."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq
from sklearn import datasets

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.densities import families
from scoreshock.quantities.isotropy import isotropy

TABLES = ("digits", "wine", "iris", "breast_cancer")


@pytest.fixture(scope="module", params=TABLES)
def table(request):
    mixture = families.data(source=request.param, scaling="unit-variance", covariance="full")
    return request.param, mixture, isotropy(mixture, [0.1, 1.0, 10.0], points=4000)


@pytest.mark.slow
def test_real_classes_are_as_far_from_isotropic_as_is_known(table):
    """69 to 85 %, 30 to 46 % and 4 to 8 % at 0.1, 1 and 10 times the variance, to the precision of those figures."""
    _, _, found = table
    for error, (low, high) in zip(found.isotropic_error.values, [(0.69, 0.85), (0.30, 0.46), (0.04, 0.085)], strict=True):
        assert low - 0.005 <= error <= high + 0.005
    assert (found.isotropic_error_uncertainty < 0.01).all()


@pytest.mark.slow
def test_noisy_samples_of_the_table_itself_have_that_error(table):
    source, mixture, found = table
    x = getattr(datasets, f"load_{source}")().data
    rng = np.random.default_rng(1)
    plain, points = ss.isotropic(mixture), ss.project(mixture, np.concatenate([x] * (1 + 4000 // len(x))))
    for j, tau in enumerate(found.tau.values):
        noisy = points + np.sqrt(2 * tau) * rng.standard_normal(points.shape)
        right, wrong = (ss.score(each, noisy, tau) for each in (mixture, plain))
        error = np.sqrt((((wrong - right) ** 2).sum() / (right**2).sum()).item())
        assert found.isotropic_error.values[j] == pytest.approx(error, rel=0.12)


def largest_zero(mixture):
    """Largest tau at which the largest eigenvalue of the score Jacobian at the weighted mean vanishes, by a scan."""
    mean = (mixture.component_weight * mixture.component_mean).sum("component")

    def top(tau):
        return np.linalg.eigvalsh(ss.score_jacobian(mixture, mean, tau).values)[-1]

    taus = np.geomspace(1.0, 0.05, 60)
    last = next(j for j, tau in enumerate(taus) if top(tau) > 0)
    return brentq(top, taus[last], taus[last - 1], xtol=1e-12)


@pytest.mark.slow
def test_zeros_at_the_mean_of_the_digits_are_those_of_plain_matrices():
    kinds = {kind: families.data(source="digits", scaling="unit-range", covariance=kind) for kind in KINDS}
    found = isotropy(kinds["full"], [1.0], points=100).tau_exact
    for kind, structure in KINDS.items():
        assert found.sel(structure=structure).item() == pytest.approx(largest_zero(kinds[kind]), rel=1e-8)
    assert found.sel(structure="isotropic").item() == pytest.approx(0.161, abs=5e-4)


KINDS = {"isotropic": "isotropic", "shared": "shared", "full": "own"}


@pytest.mark.slow
def test_the_time_from_which_the_isotropic_score_may_be_used_is_where_the_error_is_the_threshold(table):
    _, mixture, _ = table
    found = isotropy(mixture, np.geomspace(0.1, 100.0, 13))
    assert found.tau_isotropic_status == Status.ok
    at = isotropy(mixture, [(found.tau_isotropic / found.tau[0] * 0.1).item()])
    assert at.isotropic_error.item() == pytest.approx(0.05, rel=0.02)


def test_a_threshold_that_is_not_reached_is_a_status():
    mixture = families.data(source="iris", covariance="full")
    found = isotropy(mixture, [0.1, 1.0])
    assert (found.tau_isotropic_status.item(), np.isnan(found.tau_isotropic.item())) == (Status.no_real_root, True)
    generous = isotropy(mixture, [0.1, 1.0], threshold=1.0)
    assert generous.tau_isotropic.item() == generous.tau.values[0]


def test_an_isotropic_mixture_is_its_own():
    pair = ss.families.pair(separation=[1.0, 2.0], variance=0.3)
    found = isotropy(pair, [0.5, 1.0])
    assert (found.isotropic_error < 1e-12).all()
    assert found.isotropic_error.dims == ("separation", "tau_relative")
    exact = ss.speciation(pair).tau_star.sel(criterion="exact")
    assert (found.tau_exact == exact).all()
    assert found.tau_isotropic.values.tolist() == [0.15, 0.15]


@pytest.mark.parametrize("kind", ["spherical", "diagonal", "full"])
def test_the_shared_time_is_that_of_the_mean_covariance(kind):
    mixture = families.data(source="wine", scaling="unit-variance", covariance=kind, separation=[1.0, 2.0])
    shared = {"spherical": "isotropic", "diagonal": "shared-diagonal", "full": "shared"}[kind]
    expected = families.data(source="wine", scaling="unit-variance", covariance=shared, separation=[1.0, 2.0])
    found = isotropy(mixture, [1.0], points=100).tau_exact.sel(structure="shared")
    times = ss.speciation(expected, criteria=["exact"]).tau_star
    np.testing.assert_allclose(found, times.isel(criterion=0), rtol=1e-10)


def test_low_rank_covariances_have_a_mean_of_more_directions():
    wine = datasets.load_wine()
    x = np.concatenate([wine.data / wine.data.std(axis=0), np.random.default_rng(0).standard_normal((178, 20))], axis=1)
    mixture = ss.from_labelled(x, wine.target, covariance="full", rank=2)
    found = isotropy(mixture, [1.0], points=100).tau_exact
    weights = mixture.component_weight.values
    each = [low_rank(x[wine.target == label], 2) for label in range(3)]
    means = [x[wine.target == label].mean(axis=0) for label in range(3)]
    dense = ss.mixture(means, weights, covariance=sum(w * s for w, s in zip(weights, each, strict=True)))
    expected = ss.speciation(dense, criteria=["exact"]).tau_star.item()
    assert found.sel(structure="shared").item() == pytest.approx(expected, rel=1e-8)


def low_rank(rows, rank):
    values, vectors = np.linalg.eigh(np.cov(rows.T, bias=True))
    values[:-rank] = values[:-rank].mean()
    return (vectors * values) @ vectors.T


def test_chunks_change_no_bit():
    named = xr.DataArray(
        np.random.default_rng(0).uniform(0.1, 2.0, (6, 2, 3)), {"angle": np.arange(6.0)}, ("angle", "component", "feature")
    )
    mixture = ss.mixture([[0.0, 0.0, 0.0], [2.0, 1.0, 0.0]], [1, 2], covariance=named)
    whole, parts = (isotropy(each, [0.1, 1.0]).compute() for each in (mixture, mixture.chunk(angle=2)))
    xr.testing.assert_identical(whole, parts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"tau_relative": [1.0, 0.5]},
            "tau_relative = [1.0, 0.5] is not allowed; allowed: a list of numbers >= 0",
        ),
        ({"tau_relative": 1.0}, "tau_relative = 1.0 is not allowed"),
        ({"threshold": -1.0}, "-1.0 is not allowed; allowed: a number >= 0"),
        ({"points": 1}, "1 is not allowed; allowed: a whole number from 100"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match="allowed") as caught:
        isotropy(ss.families.pair(1.0), **arguments)
    assert message in str(caught.value)
