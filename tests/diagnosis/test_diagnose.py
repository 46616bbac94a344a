"""Diagnosis of scores with known damages: what is said, and bounds that hold."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.diagnosis.diagnose import DIAGNOSIS
from scoreshock.diagnosis.score_error import of_jacobian

PAIR = ss.mixture([[-1.0, 0.0], [1.0, 0.5]], [0.3, 0.7], variance=0.09)
LEVELS = [0.1, 0.3, 0.6, 1.0, 2.0, 5.0]


def exact(x: np.ndarray, tau: np.ndarray, mixture: xr.Dataset = PAIR) -> np.ndarray:
    return ss.score(mixture, x, float(tau[0])).values


def diagnosed(model, mixture: xr.Dataset = PAIR, **how) -> xr.Dataset:
    return ss.diagnose(ss.learned_score(model), mixture, **({"sigma": LEVELS, "samples": 400} | how))


@pytest.mark.slow
def test_the_exact_score_has_no_error_and_no_finding_but_sampling() -> None:
    found = diagnosed(exact)
    assert float(found.score_error.max()) == 0
    assert float(found.kl_bound) == 0
    assert (found.mode_weight_error == found.mode_weight_floor).all()
    assert "KL" not in found.findings


@pytest.mark.slow
def test_a_rotation_about_the_mean_of_a_gaussian_shows_as_curl_and_moves_nothing() -> None:
    one = ss.mixture([[0.0, 0.0]])
    found = diagnosed(lambda x, tau: exact(x, tau, one) + 0.5 * np.stack([x[:, 1], -x[:, 0]], axis=-1), one)
    assert float(found.asymmetry.min()) > 0.15
    assert float(found.gradient_square.max()) < 1e-10
    assert float(found.kl_gradient) < 1e-8
    assert float(found.kl_bound) > 1
    assert "The score has curl" in found.findings


@pytest.mark.slow
def test_a_constant_error_has_no_curl_and_acts_whole() -> None:
    """KL <= |b|^2 (tau_max - tau_min), theory of the reverse SDE, met for fine levels."""
    sigma = np.geomspace(0.3, 2.0, 24)
    found = diagnosed(lambda x, tau: exact(x, tau) + np.array([0.3, 0.0]), sigma=sigma, samples=100)
    assert float(found.asymmetry.max()) < 1e-9
    np.testing.assert_allclose(found.gradient_square, 0.09, rtol=1e-9)
    assert float(found.kl_bound) == pytest.approx(0.09 * (2.0**2 - 0.3**2) / 2, rel=3e-3)
    assert float(found.kl_gradient) == pytest.approx(float(found.kl_bound), rel=1e-9)
    assert float(found.tv_bound) == pytest.approx(np.sqrt(float(found.kl_bound) / 2), rel=1e-12)


@pytest.mark.slow
def test_wrong_weights_are_found_in_the_layer_and_in_the_samples() -> None:
    other = ss.mixture([[-1.0, 0.0], [1.0, 0.5]], [0.6, 0.4], variance=0.09)
    found = diagnosed(lambda x, tau: exact(x, tau, other), samples=2000)
    assert (abs(found.mode_weight_error - 0.3) < 0.06).all()
    assert (found.mode_weight_floor < 0.04).all()
    # Total variation of the samples' weights is bounded by that of their densities.
    assert (found.mode_weight_error <= found.tv_bound + 0.04).all()
    low = found.sel(sigma=0.3)
    assert float(low.region_error.sel(region="layer")) > 10 * float(low.region_error.sel(region="outside"))
    np.testing.assert_allclose(found.region_probability.sum("region"), 1.0, rtol=1e-12)


@pytest.mark.slow
def test_an_error_at_one_level_is_ranked_first() -> None:
    found = diagnosed(lambda x, tau: exact(x, tau) * (1 + 0.3 * np.exp(-(np.log(2 * tau[0] / 0.36) ** 2) / 0.08)))
    assert float(found.sigma[found.kl_share.values.argmax()]) == 0.6
    assert float(found.kl_share.max()) > 0.95


@pytest.mark.slow
def test_bounds_hold_for_gaussians_whose_divergence_is_known() -> None:
    """A score of N(0, c^2) with another variance: the reverse SDE's law is Gaussian, `ss.gaussian_divergence`."""
    one, other = ss.mixture([0.0], variance=1.0), ss.mixture([0.0], variance=1.3)
    sigma = np.geomspace(0.1, 3.0, 60)
    found = diagnosed(lambda x, tau: exact(x, tau, other), one, sigma=sigma, samples=4000)
    known = ss.gaussian_divergence(1.0, 1.3, 0.0, float(sigma[0] ** 2 / 2), float(sigma[-1] ** 2 / 2))
    names = [name for name in known if name.startswith("kl") and "bound" not in name and "status" not in name]
    assert names
    measured = max(float(known[name]) for name in names if "start" not in name)
    assert measured <= float(found.kl_bound) * 1.02
    assert (found.asymmetry == 0).all()


@pytest.mark.slow
def test_less_noise_has_a_larger_bound_and_none_has_none() -> None:
    bounds = [
        float(diagnosed(lambda x, tau: exact(x, tau) + 0.1, sigma=[0.5, 1.0], samples=50, noise_share=eta).kl_bound)
        for eta in (1.0, 0.5, 0.0)
    ]
    assert bounds[1] == pytest.approx(bounds[0] * 1.25**2 / (4 * 0.25), rel=1e-12)
    assert bounds[2] == np.inf


@pytest.mark.slow
def test_more_features_than_two_and_statuses() -> None:
    means = np.random.default_rng(0).normal(size=(3, 5))
    mixture = ss.mixture(means, variance=0.25)
    found = ss.diagnose(ss.learned_score(lambda x, tau: exact(x, tau, mixture) + 0.1), mixture, samples=400)
    assert found.sizes["sigma"] == 16
    np.testing.assert_allclose(found.gradient_square, 0.05, rtol=1e-6)
    empty = found.region_probability == 0
    assert (found.region_status.where(empty, Status.not_applicable) == Status.not_applicable).all()
    assert (found.region_error.isnull() == empty).all()


@pytest.mark.slow
def test_levels_may_be_counted() -> None:
    found = diagnosed(exact, sigma=3, samples=50)
    assert found.sizes["sigma"] == 3
    np.testing.assert_allclose(found.sigma[[0, 2]], ss.diagnose(ss.learned_score(exact), PAIR, samples=20).sigma[[0, -1]])


@pytest.mark.slow
def test_what_is_not_a_number_has_a_status_everywhere() -> None:
    found = diagnosed(lambda x, tau: exact(x, tau) * 1.1, sigma=[0.2, 1.0, 8.0], samples=200)
    flags = {v.name: v.status for v in DIAGNOSIS if v.status}
    for name, flag in flags.items():
        missing = found[name].isnull() if found[name].dtype.kind == "f" else found[name] == -1
        assert (found[flag].broadcast_like(missing).where(missing, Status.failed) != Status.ok).all(), name
    for variable in DIAGNOSIS:
        if not variable.status and variable.dtype is float:
            assert found[variable.name].notnull().all(), variable.name


@pytest.mark.slow
def test_findings_name_the_layer_and_the_component_that_gains() -> None:
    far = ss.mixture([[-1.0, 0.0], [1.0, 0.0]], [0.5, 0.5], variance=0.04)
    other = ss.mixture([[-1.0, 0.0], [1.0, 0.0]], [0.2, 0.8], variance=0.04)
    said = diagnosed(lambda x, tau: exact(x, tau, other), far, samples=2000).findings
    assert "The layer between components 0 and 1" in said
    assert "of its widths off towards the second" in said  # negative: to the first
    assert "Component 0 has -0." in said
    assert "100 % of that moves the density" in said
    assert "equation of scores is broken" not in said  # it is the score of a density


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": 1}, "sigma = 1 is not allowed; allowed: a whole number from 2 to 1000"),
        ({"sigma": 0.5}, "sigma = 0.5 is not allowed; allowed: two or more rising numbers > 0, or how many"),
        ({"score": None}, "score = None is not allowed; allowed: what ss.learned_score returns"),
        ({"sigma": [1.0, 0.5]}, r"sigma = \[1.0, 0.5\] is not allowed; allowed: two or more rising numbers > 0"),
        ({"noise_share": -1}, "noise_share = -1 is not allowed; allowed: a number from 0 to 1"),
        ({"mixture": ss.families.pair(separation=[1.0, 2.0])}, "mixture has the sweep dimensions separation"),
    ],
)
def test_what_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ss.diagnose(**({"score": ss.learned_score(exact), "mixture": PAIR} | arguments))


@pytest.mark.slow
def test_the_bound_is_not_below_the_divergence_where_no_gradient_is_found() -> None:
    """e = .1 cos(10 x1) in three features: all of it acts, and no basis function shows it."""
    one = ss.mixture([[0.0, 0.0, 0.0]])
    found = diagnosed(lambda x, tau: exact(x, tau, one) + 0.1 * np.cos(10 * x) * np.array([1.0, 0.0, 0.0]), one)
    assert float(found.kl_gradient) < 0.1 * float(found.kl_bound)
    assert float(found.kl_bound) > 1e-4  # the divergence is 9.7e-5 between .1 and sqrt(2), by the Fokker-Planck equation


@pytest.mark.slow
def test_far_modes_are_resolved_by_samples() -> None:
    far = ss.mixture([[-300.0, 0.0], [300.0, 0.0]], variance=0.25)
    found = diagnosed(lambda x, tau: exact(x, tau, far) + np.array([0.2, 0.0]), far, sigma=[0.2, 0.5])
    np.testing.assert_allclose(found.gradient_square, 0.04, rtol=1e-6)


def test_a_score_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match=r"score is not finite at sigma = 0.5, at points of the data with noise"):
        diagnosed(lambda x, _: np.where(x > 0, np.nan, -x), sigma=[0.5, 1.0], samples=50)


@pytest.mark.slow
def test_the_exact_score_in_single_precision_is_exact_within_stated_errors() -> None:
    torch = pytest.importorskip("torch")

    class Exact(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = torch.nn.Parameter(torch.ones(()))

        def forward(self, x, tau):
            return -x / (self.one + 2 * tau[:, None])

    found = ss.diagnose(ss.learned_score(Exact()), ss.mixture([[0.0, 0.0]]), sigma=4, samples=200)
    assert float(found.kl_bound) < 1e-10
    assert (found.equation_residual <= found.equation_residual_error).all()
    assert float(found.equation_residual_error.max()) < 0.02
    assert (found.asymmetry <= found.asymmetry_error).all()
    assert abs(float(found.kl_measured.sel(sampler="flow"))) < 1e-4


def test_of_the_jacobian_both_measures_have_their_own_draws() -> None:
    """Every third draw of 500 for the asymmetry, every fifth for the greatest slope, and halfway between those."""
    score = ss.learned_score(lambda x, _: np.stack([np.sin(x[:, 1]), x[:, 0] ** 2], axis=-1))
    x = np.random.default_rng(0).normal(size=(500, 2)) + np.linspace(0.0, 3.0, 500)[:, None]
    found = of_jacobian(score, x, 1.0)
    turn, slope = (0.5 * (2 * x[::3, 0] + sign * np.cos(x[::3, 1])) for sign in (-1, 1))
    assert found["asymmetry"] == pytest.approx((turn**2).sum() / (turn**2 + slope**2).sum(), rel=1e-8)
    few = np.concatenate([x[::5], 0.5 * (x[:250:5] + x[250::5])])
    assert found["lipschitz_estimate"] == pytest.approx(abs(few[:, 0] + 0.5 * np.cos(few[:, 1])).max(), rel=1e-8)
