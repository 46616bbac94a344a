"""Numbers and claims of the public face against computations that share nothing with the package's own."""

from __future__ import annotations

import itertools
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.optimize import brentq
from sklearn.datasets import load_breast_cancer

import scoreshock as ss
from scoreshock.comparison import compare, table
from scoreshock.conventions import Status, TimeStatus

CRITICAL_WEIGHT = 0.35329221584291829457
"""Weight of the lighter of two components at which the roots of (94) meet: ``z cosh^2(artanh m + m/z) = 1``, ``m = 1 - 2w``,
and its derivative in z vanish together (40 digits, Newton)."""


# Density, score and their relatives, in 60 decimal digits.


def decimal_fields(x, means, weights, v, noise):
    """Log density, score, Jacobian and denoiser by their definition; ``noise = 2 tau``."""
    with localcontext() as context:
        context.prec = 60
        x, means = [Decimal(float(t)) for t in x], [[Decimal(float(t)) for t in row] for row in means]
        weights, v, noise = [Decimal(float(w)) for w in weights], Decimal(v), Decimal(noise)
        n, components = len(x), range(len(weights))
        squares = [sum((a - b) ** 2 for a, b in zip(x, row, strict=True)) for row in means]
        logits = [w.ln() - q / (2 * v) for w, q in zip(weights, squares, strict=True)]
        top = max(logits)
        kernels = [(logit - top).exp() for logit in logits]
        r = [kernel / sum(kernels) for kernel in kernels]
        two_pi = Decimal("6.28318530717958647692528676655900576839433879875021164194989")
        log_p = top + sum(kernels).ln() - Decimal(n) / 2 * (two_pi * v).ln()
        mean = [sum(r[k] * means[k][i] for k in components) for i in range(n)]
        s = [(mean[i] - x[i]) / v for i in range(n)]
        gamma = [
            [sum(r[k] * (means[k][i] - mean[i]) * (means[k][j] - mean[j]) for k in components) for j in range(n)]
            for i in range(n)
        ]
        jacobian = [[gamma[i][j] / v**2 - (1 / v if i == j else 0) for j in range(n)] for i in range(n)]
        clean = [x[i] + noise * s[i] for i in range(n)]
        return float(log_p), np.array(s, float), np.array(jacobian, float), np.array(clean, float)


@pytest.mark.slow
@pytest.mark.parametrize(("variance", "tau"), [(0.0, 1e-6), (0.3, 0.0), (1.0, 2.0), (0.0, 1e12)])
@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("distance", [0.0, 1.0, 1e4])
@pytest.mark.parametrize(("k", "n"), [(2, 1), (2, 3), (5, 1), (5, 3)])
def test_fields_hold_far_away_off_centre_and_at_any_noise(k, n, distance, offset, variance, tau):
    rng = np.random.default_rng([k, n])
    means = rng.standard_normal((k, n)) + offset
    weights = np.append(np.full(k - 1, 1.0), 1e-300)
    mixture = ss.mixture(means, weights, variance)
    noise = 2 * Decimal(tau)
    v = Decimal(variance) + noise
    x = means[0] + distance * float(v) ** 0.5 * rng.standard_normal(n)
    point = xr.DataArray(x, dims="feature")
    log_p, s, jacobian, clean = decimal_fields(x, means, mixture.component_weight.values, v, noise)
    span = np.abs(means - x).max()
    # What rounding x by half a unit does to a logit, which no double precision can undo.
    rounding = 1e-14 * (1 + (span**2 / float(v) if distance < 1e4 else 1.0))
    assert ss.log_density(mixture, point, tau).item() == pytest.approx(log_p, rel=1e-14)
    np.testing.assert_allclose(ss.score(mixture, point, tau), s, rtol=0, atol=rounding * span / float(v))
    np.testing.assert_allclose(ss.denoiser(mixture, point, tau), clean, rtol=1e-14, atol=rounding * span)
    size = np.abs(jacobian).max() + 1 / float(v)
    np.testing.assert_allclose(ss.score_jacobian(mixture, point, tau), jacobian, rtol=0, atol=rounding * size)


# The exact criterion, by a dense scan.


def log_excess(means, weights, v):
    """``ln lambda_max(Gamma(v)) - ln v`` for an array of v."""
    offset = means - means[weights.argmax()]
    offset = offset - weights @ offset
    distance = (offset**2).sum(axis=1)
    logits = np.log(weights) - (distance - distance.min()) / (2 * v[:, None])
    r = np.exp(logits - logits.max(axis=1, keepdims=True))
    r /= r.sum(axis=1, keepdims=True)
    spread = offset - (r @ offset)[:, None]
    gamma = np.einsum("pk,pki,pkj->pij", r, spread, spread)
    return np.log(np.maximum(np.linalg.eigvalsh(gamma)[:, -1], 1e-300)) - np.log(v)


def scanned_roots(means, weights):
    """Sign changes on 6001 values of ``ln v``, refined."""
    top = ((means[:, None] - means) ** 2).sum(axis=-1).max() / 4 * 1.01
    grid = np.exp(np.linspace(np.log(top) - 20, np.log(top), 6001))
    g = log_excess(means, weights, grid)
    changes = np.flatnonzero(np.sign(g[1:]) != np.sign(g[:-1]))
    return np.array(
        [brentq(lambda v: log_excess(means, weights, np.array([v]))[0], grid[i], grid[i + 1], rtol=1e-13) for i in changes]
    )


def nasty_mixture(kind, seed):
    """Means and weights of one kind, and whether several means are tied for the nearest to the mean."""
    rng = np.random.default_rng([kind, seed])
    k, n = int(rng.integers(3, 13)), int(rng.integers(1, 5))
    means, weights = rng.standard_normal((k, n)), np.exp(rng.uniform(-4, 0, k))
    if kind == 1:
        weights = np.exp(rng.uniform(-30, 0, k))
    elif kind == 2:
        means *= 10 ** rng.uniform(-3, 3, (k, 1))
    elif kind == 3:
        means, weights = np.concatenate([means, -means]), np.concatenate([weights, weights])
    elif kind == 4:
        means, weights = np.concatenate([means, means[:2]]), np.concatenate([weights, 3 * weights[:2]])
    elif kind == 5:
        means *= np.array([1, 1e-3, 1e-6, 1e-1])[:n]
    elif kind == 6:
        weights = np.exp(-rng.uniform(0, 3, k) * np.linalg.norm(means, axis=1) ** 2)
    elif kind == 7:
        means *= 4.0 ** -np.arange(k)[:, None]
        weights = weights * 4.0 ** np.arange(k)
    return means, weights / weights.sum(), kind == 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", range(8))
def test_every_scanned_root_of_the_exact_criterion_is_found_and_none_is_invented(kind):
    for seed in range(6):
        means, weights, tied = nasty_mixture(kind, seed)
        result = ss.speciation(ss.mixture(means, weights, 0.0), criteria=["exact"])
        roots = 2 * result.tau_root.values[: int(result.n_roots)]
        scanned = scanned_roots(means, weights)
        where = f"kind {kind}, seed {seed}: {roots} and {scanned}"
        assert np.abs(log_excess(means, weights, roots)).max(initial=0.0) < 1e-9, where
        assert all(np.abs(roots / v - 1).min(initial=1.0) < 1e-7 for v in scanned), where
        assert len(roots) % 2 == tied, where
        assert len(scanned) == 0 or result.tau_star.item() == pytest.approx(scanned[-1] / 2, rel=1e-7), where


@pytest.mark.parametrize(("shift", "count"), [(-1e-9, 0), (1e-9, 2), (1e-3, 2)])
def test_two_components_have_roots_from_the_critical_weight_on(shift, count):
    pair = ss.families.pair(separation=3.0, variance=0.0, weight=CRITICAL_WEIGHT + shift)
    assert ss.speciation(pair).n_roots == count


@pytest.mark.parametrize("power", range(2, 17, 2))
def test_two_nearly_equal_components_keep_their_largest_root_and_a_tiny_one(power):
    w = 0.5 - 10.0**-power
    result = ss.speciation(ss.families.pair(separation=1.0, variance=0.0, weight=w))
    m = (1 - w) - w
    assert result.n_roots == 2
    small, large = 2 * result.tau_root.values[:2]
    for z in (small, large):  # ln z + 2 ln cosh(artanh m + m/z) = 0
        u = np.arctanh(m) + m / z
        assert np.log(z) + 2 * (u + np.log1p(np.exp(-2 * u)) - np.log(2)) == pytest.approx(0, abs=1e-12)
    assert small < 0.5 * large or power == 2
    assert large == pytest.approx(1 - 4 * m * m, abs=50 * m**4 + 1e-14)


def test_the_root_on_another_branch_solves_its_scalar_equation():
    means = [[3.0, 0], [-3, 0], [0, 0.8], [0, -0.8], [0, 0.8], [0, -0.8]]
    result = ss.speciation(ss.mixture(means, [0.04, 0.04, 0.21, 0.21, 0.25, 0.25], 0.0))
    v = brentq(lambda v: 0.64 * 0.92 / (0.92 + 0.08 * np.exp(-8.36 / (2 * v))) - v, 0.3, 1.0, xtol=1e-15)
    assert 2 * result.tau_star.sel(criterion="exact").item() == pytest.approx(v, rel=1e-13)
    assert result.n_roots == 1
    assert result.root_eigenmode.values[0] == 1


# Merging events, by counting modes.


def counted_modes(means, weights, v):
    """Sign changes of the score from + to - on a fine grid, with points between those where it is symmetric."""
    low, high = means.min(), means.max()
    near = [m + np.sqrt(v) * np.linspace(-5, 5, 1000) for m in means]
    x = np.unique(np.concatenate([np.linspace(low, high, 20000), *near]))
    x = np.concatenate([[low - 1], x[(x > low) & (x < high)], [high + 1]])
    logits = np.log(weights) - (x[:, None] - means) ** 2 / (2 * v)
    r = np.exp(logits - logits.max(axis=1, keepdims=True))
    force = (r * (means - x[:, None])).sum(axis=1) / r.sum(axis=1)
    force = force[np.abs(force) > 1e-13]
    return int(((force[:-1] > 0) & (force[1:] < 0)).sum())


MERGING = {
    "uneven": ([-2.3, -0.4, 0.1, 1.9, 2.2], [0.1, 0.35, 0.05, 0.3, 0.2]),
    "tiny weights": ([-1.0, 0.0, 2.0], [1e-9, 1.0, 1e-4]),
    "symmetric: pitchfork at the centre": ([-3.0, -1.0, 1.0, 3.0], [0.2, 0.3, 0.3, 0.2]),
    "comb: simultaneous folds": ([0.0, 1.0, 2.0, 3.0, 4.0], [1.0] * 5),
    "mirrored pairs": ([-11.0, -9.0, 9.0, 11.0], [1.0, 2.0, 2.0, 1.0]),
    "duplicated mean": ([-1.0, -1.0, 2.0, 0.7], [0.2, 0.3, 0.4, 0.1]),
    "scales": ([0.0, 0.02, 1.0, 70.0], [0.3, 0.2, 0.4, 0.1]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MERGING)
def test_merging_events_are_where_the_number_of_modes_changes(name):
    means, weights = (np.array(values) for values in MERGING[name])
    weights = weights / weights.sum()
    result = ss.speciation(ss.mixture(means, weights, 0.0))
    n = int(result.n_events)
    v = 2 * result.tau_event.values[:n]
    before, after = result.modes_before.values[:n], result.modes_after.values[:n]
    assert before[0] == len(set(means))
    assert after[-1] == 1
    assert (before[1:] == after[:-1]).all()
    assert result.tau_star.sel(criterion="merging").item() == v[-1] / 2
    for i in range(n):
        assert counted_modes(means, weights, v[i] * (1 - 1e-3)) == before[i]
        assert counted_modes(means, weights, v[i] * (1 + 1e-3)) == after[i]
        logits = np.log(weights) - (result.x_event.values[i] - means) ** 2 / (2 * v[i])
        r = np.exp(logits - logits.max())
        mean = r @ means / r.sum()
        assert mean == pytest.approx(result.x_event.values[i], abs=1e-9 * np.ptp(means))
        assert r @ (means - mean) ** 2 / r.sum() == pytest.approx(v[i], rel=1e-8)


# The correction series, in exact fractions.


def exact_series(means, weights, order):
    """Terms of ``v*`` on a line, by power series of fractions; ``v = lambda(s/v)`` is solved by substitution."""

    def product(a, b):
        return [sum(a[j] * b[n - j] for j in range(n + 1)) for n in range(order + 1)]

    def inverse(a):
        out = [1 / a[0]]
        for n in range(1, order + 1):
            out.append(-sum(a[j] * out[n - j] for j in range(1, n + 1)) / a[0])
        return out

    centre = sum(w * m for w, m in zip(weights, means, strict=True))
    y = [m - centre for m in means]
    moments = []
    for power in range(3):
        moment, scale = [], [w * a**power for w, a in zip(weights, y, strict=True)]
        for n in range(order + 1):
            moment.append(sum(scale))
            scale = [t * (-a * a / 2) / (n + 1) for t, a in zip(scale, y, strict=True)]
        moments.append(moment)
    share = inverse(moments[0])
    mean = product(moments[1], share)
    eigenvalue = [a - b for a, b in zip(product(moments[2], share), product(mean, mean), strict=True)]
    v = [eigenvalue[0]] + [Fraction(0)] * order
    for _ in range(order):
        argument = [Fraction(0), *inverse(v)[:-1]]
        total = [Fraction(0)] * (order + 1)
        for coefficient in reversed(eigenvalue):
            total = product(total, argument)
            total[0] += coefficient
        v = total
    return v


@pytest.mark.slow
@pytest.mark.parametrize(
    ("means", "weights"),
    [
        ([-1, 1], [Fraction(2, 5), Fraction(3, 5)]),
        ([-1, 0, 1], [Fraction(1, 3)] * 3),
        ([-2, 1, 5], [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)]),
        ([-3, -1, 0, 2, 4], [Fraction(n, 16) for n in (1, 5, 2, 5, 3)]),
        ([0, 1, 40], [Fraction(500, 1001), Fraction(500, 1001), Fraction(1, 1001)]),
    ],
)
def test_correction_series_to_order_twelve_in_exact_fractions(means, weights):
    mixture = ss.mixture([float(m) for m in means], [float(w) for w in weights], 0.25)
    expected = exact_series([Fraction(m) for m in means], weights, 12)
    result = ss.corrections(mixture, order=12)
    np.testing.assert_allclose(result.coefficient, [float(term) for term in expected], rtol=1e-11)
    partial = [float(sum(expected[: n + 1]) - Fraction(1, 4)) / 2 for n in range(13)]
    np.testing.assert_allclose(result.tau_order, partial, rtol=1e-11)


@pytest.mark.slow
def test_the_discriminant_of_three_equal_weights_on_a_line_is_exactly_zero():
    rng = np.random.default_rng(0)
    means = rng.standard_normal((400, 3)) * 10 ** rng.uniform(-6, 6, (400, 1))
    means[::3, 2] = means[::3, 1] * (1 + 10 ** rng.uniform(-12, -1, 134))
    mixture = ss.mixture(xr.DataArray(means[..., None], dims=("draw", "component", "feature")), None, 0.0)
    result = ss.speciation(mixture, criteria=["leading", "quadratic"])
    assert (result.status == Status.ok).all()
    ratio = result.tau_star.sel(criterion="quadratic") / result.tau_star.sel(criterion="leading")
    np.testing.assert_allclose(ratio, 0.5, rtol=1e-12)  # v* = lambda_1/2


# Amplification, by adaptive quadrature.


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_exponent_at_the_weighted_mean_is_the_integral_of_the_positive_rate(seed):
    rng = np.random.default_rng(seed)
    means, weights = rng.standard_normal((4, 2)), rng.dirichlet(np.full(4, 2.0))
    if seed % 2:
        means, weights = np.concatenate([means, -means]), np.concatenate([weights, weights]) / 2
    variance, tau_min = 0.02, 0.003
    low = np.log(variance + 2 * tau_min)
    top = np.log(((means[:, None] - means) ** 2).sum(axis=-1).max() / 4)

    def rate(log_v):  # dtau = v d(ln v)/2
        return 0.5 * max(np.expm1(log_excess(means, weights, np.exp([log_v]))[0]), 0.0)

    edges = np.linspace(low, top, 41)
    expected = sum(quad(rate, a, b, epsabs=1e-12, limit=200)[0] for a, b in itertools.pairwise(edges))
    result = ss.amplification(ss.mixture(means, weights, variance), tau_min=tau_min)
    # Where two eigenvalues cross the rate has a kink, which leaves fixed nodes some four digits.
    assert result.exponent_quadrature.item() == pytest.approx(expected, rel=1e-4, abs=1e-9)


# Statuses.


EDGES = {
    "a pair of point masses": lambda: ss.families.pair(1.0, variance=0.0),
    "a pair at its threshold": lambda: ss.families.pair(1.0, variance=1.0),
    "a pair below its threshold": lambda: ss.families.pair(0.5, variance=1.0, weight=0.4),
    "a pair without a root": lambda: ss.families.pair(1.0, variance=0.01, weight=0.2),
    "one point": lambda: ss.mixture([[0.0], [0.0], [0.0]], None, 0.1),
    "one point without variance": lambda: ss.families.pair(0.0, variance=0.0),
    "three on a line": lambda: ss.families.collinear(1.0, variance=0.01),
    "a weight of 1e-300": lambda: ss.mixture([-1.0, 1.0, 3.0], [1e-300, 0.5, 0.5], 0.1),
    "another branch": lambda: ss.mixture([[3, 0], [-3, 0], [0, 0.8], [0, -0.8]], [0.04, 0.04, 0.46, 0.46], 0.01),
    "a divergent series": lambda: ss.mixture([-1.0, 0.0, 1e5], [0.5, 0.5 - 1e-12, 1e-12], 0.01),
    "large": lambda: ss.mixture(np.array([-1.0, 0.2, 3.0]) * 1e149, [0.2, 0.3, 0.5], 0.1),
    "small": lambda: ss.mixture(np.array([-1.0, 0.2, 3.0]) * 1e-100, [0.2, 0.3, 0.5], 0.0),
}


def results_at(mixture):
    """All quantities of a mixture, with a schedule that starts at noise above zero and one that has no end."""
    table = {"start": 1e-4, "end": 0.02, "num": 1000}
    schedules = {"table": ss.schedule("table", betas=table), "flow": ss.schedule("flow-matching")}
    grid = {"start": -2, "stop": 2, "num": 5}
    return [
        ss.speciation(mixture, schedules),
        ss.corrections(mixture, order=40),
        ss.amplification(mixture, tau=xr.DataArray([0.0, 0.5, 1e12], dims="tau")),
        ss.scores(mixture, grid | {"unit": "layer"}, {"values": [0.0, 0.5, 2.0], "unit": "speciation"}),
        ss.scores(mixture, grid | {"unit": "separation"}, {"values": [0.0, 0.5]}),
    ]


def links(result: xr.Dataset) -> dict[str, str]:
    """The flag of each variable whose flag is there."""
    named = {str(name): variable.attrs.get("ancillary_variables") for name, variable in result.data_vars.items()}
    return {name: flag for name, flag in named.items() if flag in result}


@pytest.mark.slow
@pytest.mark.parametrize("name", EDGES)
def test_nan_never_stands_beside_ok_nor_a_time_beside_a_status_without_one(name):
    for result in results_at(EDGES[name]()):
        for variable, flag in links(result).items():
            values, status = xr.broadcast(result[variable], result[flag])
            absent = np.isnan(values.astype(float))
            assert not (absent & (status == 0)).any(), variable
    times = results_at(EDGES[name]())[0]
    void = times.status.isin([Status.no_real_root, Status.not_applicable, Status.failed])
    assert times.tau_star.where(void).isnull().all()
    assert times.time.where(times.time_status != TimeStatus.ok).isnull().all()


@pytest.mark.slow
def test_every_status_of_checked_input_occurs():
    # And but unresolved, which takes long where it occurs: its cases are with the modes, wells and trajectories.
    seen = set()
    for build in EDGES.values():
        for result in results_at(build()):
            for name in set(links(result).values()) - {"time_status"}:
                seen |= set(np.unique(result[name]).tolist())
    assert seen == {int(status) for status in Status} - {Status.missing, Status.failed, Status.unresolved}


def test_a_noise_level_has_the_status_of_tau_and_not_of_a_schedule():
    # sqrt(2 tau) = 0.002 is a noise level, though the table begins above it.
    pair = ss.families.pair(1.0, variance=1 - 4e-6)
    table = ss.schedule("table", betas={"start": 1e-4, "end": 0.02, "num": 1000})
    result = ss.speciation(pair, {"table": table}).sel(criterion="exact")
    assert result.time_status == TimeStatus.before_start
    assert result.sigma.item() == pytest.approx(0.002)
    assert result.sigma.attrs["ancillary_variables"] == "status"


@pytest.mark.parametrize(
    "build",
    [
        lambda: ss.mixture([-1e155, 1.0, 1e155]),
        lambda: ss.families.pair(1e200),
        lambda: ss.families.custom(means=[[1.0], [2.0]], separation=1e200),
    ],
)
def test_means_whose_squares_overflow_are_refused(build):
    with pytest.raises(ValueError, match=r"means has a coordinate of size .*; allowed: at most 1e\+150"):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: ss.mixture([-1e-160, 1.0e-160]),
        lambda: ss.families.pair(np.array([0.0, 1e-151, 1.0])),
        lambda: ss.families.polygon(1e-200),
        lambda: ss.from_labelled([[0.0], [1e-170]], ["a", "b"]),
    ],
)
def test_means_whose_squared_distances_underflow_are_refused(build):
    with pytest.raises(ValueError, match=r"means differ by at most .*e-\d+; allowed: 0, or at least 1e-150"):
        build()


@pytest.mark.parametrize("build", [lambda: ss.mixture([0.0, 0.0]), lambda: ss.families.pair(np.array([0.0, 1e-150]))])
def test_equal_means_and_the_least_distance_between_means_are_allowed(build):
    result = ss.speciation(build(), criteria=["leading", "exact"])
    assert not (result.tau_star.isnull() & (result.status == Status.ok)).any()


# Real data, in all their dimensions.


def test_density_and_score_of_data_in_the_span_are_those_in_all_dimensions():
    table = load_breast_cancer()
    features, labels = table.data / table.data.std(axis=0), table.target
    means = np.stack([features[labels == c].mean(axis=0) for c in (0, 1)])
    variance = sum(((features[labels == c] - means[c]) ** 2).sum() for c in (0, 1)) / features.size
    full = ss.mixture(means, [(labels == c).mean() for c in (0, 1)], variance)
    reduced = ss.families.data(source="breast_cancer", scaling="unit-variance")
    points, tau = ss.project(reduced, table.data[:9]), 0.3
    np.testing.assert_allclose(ss.log_density(reduced, points, tau), ss.log_density(full, features[:9], tau), rtol=1e-12)
    basis, offset = reduced.basis.values, features[:9] - reduced.origin.values
    across = offset - offset @ basis.T @ basis
    score = ss.score(reduced, points, tau).values @ basis - across / (variance + 2 * tau)
    np.testing.assert_allclose(score, ss.score(full, features[:9], tau), rtol=0, atol=1e-12)


# What the page on a sweep claims.


def page(mixture):
    return table(compare(ss.speciation(mixture), mixture=mixture))


@pytest.mark.slow
def test_the_page_of_a_symmetric_trio_has_no_remark_on_its_boundary():
    text = page(ss.families.collinear(1.0, variance=0.05, weight=0.2))
    assert "| `merging` |" in text
    assert "boundary;" not in text


def test_a_stationary_centre_off_a_line_is_trusted_for_the_centre_alone():
    cross = ss.mixture([[1.0, 0], [-1, 0], [0, 0.5], [0, -0.5]], [0.3, 0.3, 0.2, 0.2], 0.05)
    text = page(cross)
    assert "stationary point of the density at every tau" in text
    assert "holds at the weighted mean only" in text


def test_rounding_is_no_spread():
    result = compare(ss.speciation(ss.families.polygon(1.0, variance=0.25)))
    assert int(result.window_start_count.sum()) == int(result.window_end_count.sum()) == 0
