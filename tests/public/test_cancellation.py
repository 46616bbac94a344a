"""Numbers that are small differences of large ones, against 100-digit decimal arithmetic on the same inputs."""

import functools
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.kernels.burgers import shock
from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.layer import boundary, decomposition, power_diagram
from scoreshock.kernels.numerics.log_odds import from_midpoint, log_odds, past_midpoint
from scoreshock.quantities.layer import profile

EPS = np.finfo(float).eps


@pytest.fixture(autouse=True)
def hundred_digits():
    with localcontext() as context:
        context.prec = 100
        context.Emin, context.Emax = -(10**12), 10**12
        yield


def exact(array):
    """The array's numbers as decimals, exactly."""
    return [exact(row) for row in array] if np.ndim(array) else Decimal(float(array))


class Reference:
    """Responsibilities and moments of some components at a point, by their definitions."""

    def __init__(self, x, means, weights, v, inside):
        self.v, self.x = Decimal(float(v)), exact(x)
        self.mu, w = [exact(means)[j] for j in inside], [exact(weights)[j] for j in inside]
        self.squares = [sum((a - b) ** 2 for a, b in zip(self.x, m, strict=True)) for m in self.mu]
        logs = [a.ln() - s / (2 * self.v) for a, s in zip(w, self.squares, strict=True)]
        top = max(logs)
        e = [(value - top).exp() for value in logs]
        self.log = top + sum(e).ln()
        self.r = [value / sum(e) for value in e]
        self.mean = self.average(self.mu)
        self.score = [(m - a) / self.v for m, a in zip(self.mean, self.x, strict=True)]
        self.square = sum(r * s for r, s in zip(self.r, self.squares, strict=True))

    def average(self, vectors):
        return [sum(r * c for r, c in zip(self.r, column, strict=True)) for column in zip(*vectors, strict=True)]

    @property
    def jacobian(self):
        away = [[a - m for a, m in zip(mu, self.mean, strict=True)] for mu in self.mu]
        n = range(len(self.x))
        return [
            [
                sum(r * d[i] * d[j] for r, d in zip(self.r, away, strict=True)) / self.v**2 - Decimal(int(i == j)) / self.v
                for j in n
            ]
            for i in n
        ]


def roundoff(x, means, v):
    """Rounding of the exponents by which components compete at x, were each term of their differences rounded once."""
    step = means[:, None] - means[None]
    beyond = past_midpoint(x, means[:, None], means[None])
    return EPS * (1 + np.abs(step * beyond).sum(axis=-1).max() / v)


def cases(count, components, seed):
    """Mixtures at offsets up to 1e6 and points at a layer, near a mean, or anywhere; v over 14 decades."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        k, n = int(rng.choice(components)), int(rng.integers(1, 6))
        size = 10.0 ** rng.uniform(-3, 6)
        means = rng.choice([0, 1, 1e3, 1e6]) * rng.standard_normal(n) + size * rng.standard_normal((k, n))
        weights = rng.dirichlet(np.ones(k)) if index % 3 else np.full(k, 1 / k)
        v = size**2 * 10.0 ** rng.uniform(-13, 1)
        step = means[0] - means[1]
        at_layer = (means[0] + means[1]) / 2 + v * rng.standard_normal() * step / (step @ step)
        yield (at_layer, means[0] + np.sqrt(v) * rng.standard_normal(n))[index % 2], means, weights, v


def close(found, expected, tolerance):
    expected = np.array(expected, dtype=object)
    errors = np.array([abs(Decimal(float(a)) - b) for a, b in zip(np.ravel(found), expected.ravel(), strict=True)])
    assert max(errors) <= Decimal(float(tolerance)) * max(abs(b) for b in expected.ravel())


@pytest.mark.parametrize(
    ("a", "sigma0", "tau", "x", "interfacial"),
    [(1.0, 0.0, 1e-12, 1e-13, 24979187478.939987), (1e6, 1.0, 0.0, 1e-6, 761594.1559557648)],
)
def test_interfacial_part_of_a_sharp_pair(a, sigma0, tau, x, interfacial):
    # phi_x tanh(phi/2)/2 = (a/v) tanh(a x/v)
    result = ss.decomposition(ss.mixture([-a, a], None, sigma0**2), np.array([x]), tau)
    assert result.interfacial.item() == pytest.approx(interfacial, rel=1e-14, abs=0)
    assert result.log_ratio.item() == pytest.approx(-2 * a * x / (sigma0**2 + 2 * tau), rel=1e-14, abs=0)


def test_speed_of_a_wide_pair():
    pair, speed = ss.mixture([-1e6, 1e6], [0.3, 0.7], 1.0), -8.472978603872036e-07  # -ln(7/3)/a
    result = ss.layer(pair)
    assert -result.speed.item() == pytest.approx(speed, rel=1e-14, abs=0)  # its normal points to the left
    assert -result.speed_rankine_hugoniot.item() == pytest.approx(speed, rel=1e-14, abs=0)
    assert result.boundary.item() == pytest.approx(speed / 2, rel=1e-14, abs=0)
    of_shock = ss.rankine_hugoniot(pair)
    assert of_shock.shock_speed.item() == pytest.approx(speed, rel=1e-14, abs=0)
    assert of_shock.minus_sum.item() == pytest.approx(speed, rel=1e-14, abs=0)
    assert ss.facets(pair).facet_point.item() == pytest.approx(speed / 2, rel=1e-14, abs=0)


@pytest.mark.parametrize("offset", [1e3, 1e6])
@pytest.mark.parametrize("v", [1e-4, 1e-10])
def test_speed_and_profile_of_a_layer_thinner_than_the_rounding_of_its_position(offset, v):
    pair = ss.mixture([offset, offset + 2], [0.3, 0.7], v)
    result = ss.layer(pair)
    assert -result.speed.item() == pytest.approx(-np.log(7 / 3), rel=1e-12, abs=0)
    assert result.speed_rankine_hugoniot.item() == pytest.approx(result.speed.item(), rel=1e-12, abs=0)
    np.testing.assert_allclose(profile(pair, [-1.0, 0.5]).profile_difference, 0.0, atol=1e-12)


def test_nearly_equal_weights_keep_the_digits_of_their_odds():
    weights = np.array([0.3, 0.3 + 2.0**-40])
    odds = np.log1p((weights[1] - weights[0]) / weights[0])  # a difference of the logarithms is 1e-5 off
    pair, v = [[-1.0], [1.0]], 0.1
    close_to_odds = functools.partial(pytest.approx, rel=1e-15, abs=0)
    assert log_odds(weights[1], weights[0]) == close_to_odds(odds)
    assert shock.rankine_hugoniot(pair, weights, v, 0.0).shock_speed == close_to_odds(-odds)
    assert boundary.on_line([0.0], [1.0], pair, weights, v, 0.0, [0, 1])[0][0] == close_to_odds(-odds * v / 2)
    assert decomposition.decomposition([0.0], pair, weights, v, 0.0, [0, 1]).log_ratio == close_to_odds(-odds)
    assert power_diagram.facets(pair, weights, v, 0.0).facet_offset.item() == close_to_odds(-odds * v / 2)


def test_places_about_a_midpoint_keep_what_rounding_takes_from_it():
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((2, 1000)) * 10.0 ** rng.uniform(-5, 5, (2, 1000))
    for size in (1e-20, 1e-10, 1.0):
        x = 0.5 * (one + other) + size * rng.standard_normal(1000)
        for a, b, c in zip(one, other, x, strict=True):
            a, b, c = Fraction(a), Fraction(b), Fraction(c)
            true = 2 * c - a - b
            assert abs(Fraction(float(past_midpoint(*map(float, (c, a, b))))) - true) <= 2 * EPS * abs(true)
            true = (a + b) / 2 + c
            assert abs(Fraction(float(from_midpoint(*map(float, (a, b, c))))) - true) <= EPS * (abs(true) + abs(c))


@pytest.mark.slow
@pytest.mark.parametrize("components", [[2], [3, 4, 5, 6]], ids=["pairs", "groups"])
def test_decomposition_is_right_up_to_the_rounding_of_its_terms(components):
    for x, means, weights, v in cases(60, components, 11):
        k = len(weights)
        group = np.arange(k) % 2
        result = decomposition.decomposition(x, means, weights, v, 0.0, group)
        inside = [np.flatnonzero(group == side) for side in (0, 1)]
        one, two = (Reference(x, means, weights, v, side) for side in inside)
        counts = np.concatenate([side[np.array(part.r) > 1e-20] for side, part in zip(inside, (one, two), strict=True)])
        phi, rounding = one.log - two.log, roundoff(x, means[counts], v)
        assert abs(Decimal(float(result.log_ratio)) - phi) <= Decimal(8 * rounding)
        rate = (one.square - two.square) / one.v**2
        assert abs(Decimal(float(result.log_ratio_rate)) - rate) <= Decimal(16 * rounding) / one.v
        if k == 2:
            gradient = [a - b for a, b in zip(one.score, two.score, strict=True)]
            close(result.log_ratio_gradient, gradient, 4 * EPS)
            e = (-abs(phi)).exp()
            tanh = ((1 - e) / (1 + e)).copy_sign(phi)
            interfacial = [tanh * g / 2 for g in gradient]
            close(result.interfacial, interfacial, 8 * EPS + 4 * rounding / max(1e-300, abs(float(phi))))


@pytest.mark.parametrize("components", [[2], [3, 4, 5, 6]], ids=["pairs", "larger"])
def test_score_and_jacobian_are_right_up_to_the_rounding_of_the_exponents(components):
    for x, means, weights, v in cases(60, components, 12):
        whole = Reference(x, means, weights, v, range(len(weights)))
        rounding = Decimal(8 * roundoff(x, means, v))
        r = np.array(whole.r, dtype=float)
        # Exponents count where two components compete; else the distance to the nearest mean is all there is.
        mixed, extent = float(r @ (1 - r)), np.abs(means - means[0]).max()
        nearest = max(abs(a - b) for a, b in zip(whole.mean, whole.x, strict=True))
        size = rounding * Decimal(mixed * extent) + Decimal("4e-13") * nearest
        for each, expected in zip(mixture.score(x, means, weights, v, 0.0), whole.score, strict=True):
            assert abs(Decimal(float(each)) - expected) <= size / whole.v
        size = rounding * Decimal(mixed * extent**2) / whole.v**2 + Decimal(4 * EPS) / whole.v
        for each, expected in zip(
            mixture.score_jacobian(x, means, weights, v, 0.0).ravel(), np.ravel(whole.jacobian), strict=True
        ):
            assert abs(Decimal(float(each)) - expected) <= size


@pytest.mark.parametrize("n", [1, 2, 6])
@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("v", [2e-280, 2e-290, 2e-300])
def test_a_component_alone_at_any_v(n, size, v):
    means = np.zeros((3, n))
    means[:, 0] = size * np.array([-1.0, 0.1, 1.0])
    mixed = means, np.full(3, 1 / 3), v, 0.0
    np.testing.assert_allclose(mixture.score_jacobian(means[1], *mixed), -np.eye(n) / v, rtol=1e-15)
    assert mixture.posterior_covariance(means[1], *mixed).max() == 0
    assert mixture.denoiser_covariance(means[1], means, np.full(3, 1 / 3), 0.0, v / 2).max() == 0
    x = means[1] + 1e-3 * size  # its squared distance over v overflows
    # Many features: y/v and its counterpart may cancel to 2**-10 of themselves.
    np.testing.assert_allclose(mixture.score(x, *mixed), (means[1] - x) / v, rtol=1e-15 if n <= 4 else 2.0**-42)
    assert mixture.responsibilities(x, *mixed).tolist() == [0.0, 1.0, 0.0]


def test_responsibilities_that_nearly_underflow_count_where_the_means_are_that_far_apart():
    # H v = 4 r (1 - r) a^2/v - 1 with r = e^-704 of one of two means at -1 and 1, and a third far away.
    v, x = 1e-305, 3.52e-303
    result = mixture.score_jacobian([x], [[-1.0], [1.0], [5.0]], np.full(3, 1 / 3), v, 0.0).item() * v
    t = (-2 * Decimal(x) / Decimal(v)).exp()
    assert result == pytest.approx(float(4 * t / (1 + t) ** 2 / Decimal(v) - 1), rel=1e-12, abs=0)


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 3, 6])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_point_of_a_sharp_mixture_has_the_same_bits_in_any_batch(n, k):
    rng = np.random.default_rng(5)
    means, weights = 1e3 + rng.standard_normal((k, n)), rng.dirichlet(np.ones(k))
    x = np.concatenate([means, means + 1e-9, (means[:1] + means[1:]) / 2, 1e3 + rng.standard_normal((50, n))])
    for v in (1e-2, 1e-6, 1e-12, 1e-290):
        for function in (mixture.log_density, mixture.score, mixture.responsibilities, mixture.score_jacobian):
            together = function(x, means, weights, v, 0.0)
            apart = np.array([function(point, means, weights, v, 0.0) for point in x])
            assert together.tobytes() == apart.tobytes()
