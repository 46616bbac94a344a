"""Class entropy, cloning and mean squared errors against sums over a grid, identities of information theory, and limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from scoreshock.conventions import Status
from scoreshock.kernels.information.classes import Method, paired
from scoreshock.kernels.information.decisions import class_decisions, decision_windows

SINGLES = tuple((i,) for i in range(4))
LINE = np.array([[-1.0], [0.2], [1.5]]), np.array([0.5, 0.2, 0.3])
PLANE = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.4, -0.7], [0.3, 0.6]]), np.array([0.4, 0.1, 0.3, 0.2])
SPREADS = {"common": np.full(4, 0.1), "own": np.array([0.05, 0.3, 0.12, 0.2])}
GROUPS = {"single": ((0,), (1,), (2,)), "grouped": ((0, 2), (1,))}


def on_grid(means, weights, variance, tau, groups):
    """The same numbers by sums over a grid of points in all features, from densities and denoisers as they are defined."""
    n, noise = means.shape[1], 2 * tau
    reach = np.abs(means).max() + 12 * np.sqrt(variance.max() + noise)
    axis = np.linspace(-reach, reach, 20_001 if n == 1 else 901)
    x = np.stack(np.meshgrid(*[axis] * n, indexing="ij"), axis=-1).reshape(-1, n)
    v = variance + noise
    square = ((x[:, None] - means) ** 2).sum(axis=-1)
    joint = weights * np.exp(-square / (2 * v)) / (2 * np.pi * v) ** (n / 2)
    p = joint.sum(axis=1)
    r = joint / np.where(p > 0, p, 1.0)[:, None]
    denoised = means + (variance / v)[:, None] * (x[:, None] - means)  # (points, k, n)
    classes = np.stack([r[:, list(group)].sum(axis=1) for group in groups], axis=1)
    of_class = [(r[:, list(g)][..., None] * denoised[:, list(g)]).sum(axis=1) for g in groups]
    share = np.where(classes > 0, classes, 1.0)
    means_of_class = np.stack(of_class, axis=1) / share[..., None]
    mean = (r[..., None] * denoised).sum(axis=1)
    second = (r * ((denoised**2).sum(axis=-1) + n * variance * noise / v)).sum(axis=1)
    cell = (axis[1] - axis[0]) ** n

    def expectation(values):
        return cell * (p * values).sum()

    return {
        "class_entropy": expectation(-(classes * np.log(share)).sum(axis=1)),
        "one_minus_cloning": expectation(1 - (classes**2).sum(axis=1)),
        "class_information_density": expectation(
            (classes * ((means_of_class - mean[:, None]) ** 2).sum(axis=-1)).sum(axis=1) / 2
        ),
        "mmse": expectation(second - (mean**2).sum(axis=-1)),
        "mmse_of_class": expectation(second - (classes * (means_of_class**2).sum(axis=-1)).sum(axis=1)),
    }


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("tau", [0.02, 0.3, 2.0])
def test_numbers_are_those_of_a_sum_over_a_line(spread, groups, tau):
    variance = SPREADS[spread][:3]
    found = class_decisions(*LINE, variance, np.array(tau), np.array(1), GROUPS[groups])
    assert found.decisions_status == Status.ok
    for name, value in on_grid(*LINE, variance, tau, GROUPS[groups]).items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-10, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("groups", [SINGLES, ((0, 3), (1,), (2,))])
def test_numbers_are_those_of_a_sum_over_the_plane(spread, groups):
    found = class_decisions(*PLANE, SPREADS[spread], np.array(0.1), np.array(2), groups)
    assert found.decisions_status == Status.ok
    for name, value in on_grid(*PLANE, SPREADS[spread], 0.1, groups).items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-8, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("dimension", [2, 3, 50])
@pytest.mark.parametrize("spread", SPREADS)
def test_class_entropy_falls_in_gamma_at_the_information_density(spread, dimension):
    h, gamma = 1e-3, 1.3
    at = gamma + h * np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    means = PLANE[0][:, :1] if spread == "own" else PLANE[0]  # the radius across the line is the second coordinate
    found = class_decisions(means, PLANE[1], SPREADS[spread], 0.5 / at, np.array(dimension), ((0, 3), (1,), (2,)))
    entropy = found.class_entropy
    slope = (8 * (entropy[3] - entropy[1]) - (entropy[4] - entropy[0])) / (6 * h)
    assert (found.decisions_status == Status.ok).all()
    assert slope == pytest.approx(-found.class_information_density[2], rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("means", "weights"), [LINE, PLANE])
def test_information_density_of_point_masses_adds_up_to_the_entropy_of_the_weights(means, weights):
    log_gamma = np.linspace(np.log(1e-8), np.log(1e4), 401)
    k = len(weights)
    rate = class_decisions(means, weights, np.zeros(k), 0.5 / np.exp(log_gamma), np.array(2), SINGLES[:k])
    # Below the least gamma the rate is constant.
    total = (
        np.trapezoid(rate.class_information_density * np.exp(log_gamma), log_gamma)
        + 1e-8 * rate.class_information_density[0]
    )
    assert total == pytest.approx(-(weights * np.log(weights)).sum(), abs=1e-6)


@pytest.mark.parametrize(("m", "published"), [(1, 0.6751), (2, 0.7406), (4, 0.7657), (16, 0.7746), (1e8, 0.7752)])
def test_cloning_at_the_spectral_time_is_as_published(m, published):
    """Unit clusters at -m and m at t = ln(1 + m^2)/2: in the OU variable variance 1 and means m/sqrt(1 + m^2)."""
    means = np.array([[-1.0], [1.0]]) * m / np.sqrt(1 + m**2)
    found = class_decisions(means, np.full(2, 0.5), np.ones(2), np.array(0.0), np.array(1), SINGLES[:2])
    assert round(float(found.cloning_probability), 4) == published


@pytest.mark.parametrize("ratio", [1.0, 16.0, 64.0, 100.0])
def test_one_minus_cloning_keeps_its_digits(ratio):
    """``E 2 r_1 r_2 = N(0; 0, v) e^(-a^2/2v) int e^(-x^2/2v)/(2 cosh(a x/v)) dx`` for an equal pair."""
    a = np.sqrt(ratio)
    whole = quad(lambda x: np.exp(-0.5 * x * x) / np.cosh(a * x), 0, 40, epsabs=0, epsrel=1e-12, limit=200)[0]
    expected = whole * np.exp(-0.5 * ratio) / np.sqrt(2 * np.pi)
    pair = np.array([[-a], [a]]), np.full(2, 0.5), np.ones(2)
    found = class_decisions(*pair, np.array(0.0), np.array(1), SINGLES[:2])
    assert found.decisions_status == Status.ok
    assert found.one_minus_cloning == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("dimension", "time"), [(10**4, 2.12252), (10**6, 3.28020)])
def test_classes_that_differ_in_variance_part_as_a_quarter_of_the_logarithm_of_the_dimension(dimension, time):
    """Achilli, Benedetti, Biroli and Mezard, arXiv:2602.04404: cloning probability 0.775 at these times."""
    variance = np.array([1.0, 3.0])
    tau = np.expm1(2 * time) / 2
    found = class_decisions(np.zeros((2, 1)), np.full(2, 0.5), variance, np.array(tau), np.array(dimension), SINGLES[:2])
    assert found.cloning_probability == pytest.approx(0.775, abs=3e-6)


@pytest.mark.slow
@pytest.mark.parametrize("spread", SPREADS)
def test_draws_agree_with_quadrature_within_their_standard_error(spread):
    tau = np.array([0.02, 0.1, 0.5, 2.0])
    arguments = *PLANE, SPREADS[spread], tau, np.array(2), SINGLES
    exact = class_decisions(*arguments)
    errors = []
    for seed in range(6):
        drawn = class_decisions(*arguments, Method("monte-carlo", 1600, seed))
        for name in ("class_entropy", "one_minus_cloning", "class_information_density", "mmse"):
            error = getattr(drawn, f"{name}_error")
            assert (error > 0).all()
            assert (error < 0.1 * getattr(exact, name)).all()
            errors.append((getattr(drawn, name) - getattr(exact, name)) / error)
    assert np.abs(errors).max() < 5
    assert 0.7 < np.sqrt(np.mean(np.square(errors))) < 1.5


def test_draws_are_the_same_at_all_times_so_that_their_curve_is_smooth():
    means = np.eye(6)
    tau = np.exp(np.linspace(-4, 2, 60))
    found = class_decisions(means, np.full(6, 1 / 6), np.full(6, 0.05), tau, np.array(6), tuple((i,) for i in range(6)))
    assert (found.class_entropy_error > 0).all()
    assert (np.diff(found.class_entropy) > 0).all()
    assert (np.abs(np.diff(np.log(found.class_information_density), 3)) < 0.02).all()


def test_a_pair_is_the_same_in_any_number_of_features_and_a_component_in_halves_is_one_class():
    line = class_decisions(
        np.array([[-1.0], [1.0]]), np.array([0.3, 0.7]), np.full(2, 0.2), np.array(0.3), np.array(9), SINGLES[:2]
    )
    means = np.zeros((3, 9))
    means[0, 4], means[1:, 4] = -1.0, 1.0
    halves = class_decisions(means, np.array([0.3, 0.35, 0.35]), np.full(3, 0.2), np.array(0.3), np.array(9), ((0,), (1, 2)))
    for one, other in zip(line, halves, strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("method", ["auto", "monte-carlo"])
def test_a_point_has_the_same_bits_alone(method):
    rng = np.random.default_rng(3)
    means, weights = rng.normal(size=(5, 4, 2)), rng.dirichlet(np.ones(4), size=5)
    means[1, :, 1] = 0.0  # on a line
    variance = np.broadcast_to(np.array([0.1, 0.2, 0.1, 0.1]), (5, 4)).copy()
    variance[2:] = 0.1
    tau = np.array([0.01, 0.1, 1.0, 0.3, 0.0])
    how = Method(method, 160, 1)
    arguments = means, weights, variance, tau, np.full(5, 2)
    together = class_decisions(*arguments, SINGLES, how)
    alone = [class_decisions(*(a[i] for a in arguments), SINGLES, how) for i in range(5)]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        assert whole.tolist() == [part.item() for part in parts]


def test_statuses():
    pair = np.array([[-1.0], [1.0]]), np.full(2, 0.5)
    none = class_decisions(*pair, np.zeros(2), np.array(0.0), np.array(1), SINGLES[:2])
    assert none.decisions_status == Status.singular
    assert np.isnan(none.class_entropy)
    simplex = np.eye(5), np.full(5, 0.2), np.full(5, 0.1), np.array(0.1), np.array(5), tuple((i,) for i in range(5))
    assert class_decisions(*simplex, Method("quadrature")).decisions_status == Status.not_applicable
    assert class_decisions(*simplex).decisions_status == Status.ok


@pytest.mark.slow
def test_at_an_end_of_the_window_the_share_of_the_entropy_is_left():
    share = np.array([0.05, 0.5, 0.95])
    found = decision_windows(*PLANE, np.full(4, 0.001), share, SINGLES)
    assert (found.status == Status.ok).all()
    left = class_decisions(*PLANE, np.full(4, 0.001), found.sigma**2 / 2, np.array(2), SINGLES).class_entropy
    np.testing.assert_allclose(left, -share * (PLANE[1] * np.log(PLANE[1])).sum(), rtol=1e-11)


@pytest.mark.slow
def test_a_window_by_draws_agrees_with_the_exact_one_within_its_standard_error():
    share = np.array([0.05, 0.5, 0.95])
    arguments = *PLANE, np.full(4, 0.001), share, SINGLES, np.array(2)
    exact = decision_windows(*arguments)
    drawn = decision_windows(*arguments, Method("monte-carlo", 1600, 2))
    assert (np.abs(drawn.sigma - exact.sigma) < 5 * drawn.sigma_error).all()
    assert (drawn.sigma_error < 0.05 * exact.sigma).all()


def test_a_window_that_data_leave_open_does_not_begin():
    """With a = sigma0 = 1 and weights .3/.7 data leave 52 % of the entropy."""
    pair = np.array([[-1.0], [1.0]]), np.array([0.3, 0.7]), np.ones(2)
    found = decision_windows(*pair, np.array([0.05, 0.5, 0.52, 0.53, 0.95]), SINGLES[:2])
    assert found.status.tolist() == [Status.below_data_variance] * 3 + [Status.ok] * 2
    assert np.isnan(found.sigma).tolist() == [True] * 3 + [False] * 2
    equal = decision_windows(np.zeros((2, 1)), pair[1], np.ones(2), np.array([0.5]), SINGLES[:2])
    assert equal.status == Status.no_transition
    assert np.isnan(equal.sigma)


def test_windows_scale_with_the_data():
    share = np.array([0.05, 0.95])
    one = decision_windows(*LINE, np.zeros(3), share, SINGLES[:3]).sigma
    many = decision_windows(1e6 * LINE[0], LINE[1], np.zeros(3), share, SINGLES[:3]).sigma
    np.testing.assert_allclose(many, 1e6 * one, rtol=1e-12)


def test_pairs_of_classes_of_different_sizes_are_mixtures_by_themselves():
    groups = ((0, 2), (1,), (3,))
    means, weights, variance, sides = paired(*PLANE, np.full(4, 0.1), groups)
    found = class_decisions(means, weights, variance, np.array(0.2), np.array(2), sides)
    for i, members in enumerate(([0, 2, 1], [0, 2, 3], [1, 3])):
        own = ((0, 1), (2,)) if i < 2 else ((0,), (1,))
        share = PLANE[1][members] / PLANE[1][members].sum()
        alone = class_decisions(PLANE[0][members], share, np.full(len(members), 0.1), np.array(0.2), np.array(2), own)
        assert found.class_entropy[i] == pytest.approx(alone.class_entropy.item(), rel=1e-12)
        assert found.mmse[i] == pytest.approx(alone.mmse.item(), rel=1e-12)
