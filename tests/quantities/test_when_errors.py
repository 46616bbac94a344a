"""Standard errors of moments from replicates: against theory, against the spread over independent tables, and statuses."""

import json

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.conventions import Status
from scoreshock.kernels.information.decisions import pair_windows
from scoreshock.quantities.when_errors import ERRORS
from scoreshock.reports.when import as_json, report, text

NAMES = {variable.name for variable in ERRORS}


def table(means, weights, variance, n, seed):
    rng = np.random.default_rng(seed)
    member = rng.choice(len(weights), n, p=weights)
    return np.asarray(means)[member] + np.sqrt(variance) * rng.standard_normal((n, np.shape(means)[1])), member


@pytest.mark.slow
def test_the_error_of_leading_is_that_of_propagation():
    n, w, gap, s = 4000, 0.3, 4.0, 1.0
    x, member = table([[0.0], [gap]], [1 - w, w], s, n, 1)
    found = ss.when(ss.from_labelled(x, member), criteria=["leading"], replicates=ss.bootstrapped(x, member, replicates=200))
    # sigma^2 = w (1 - w) gap^2 - s, whose three estimates are independent
    square = w * (1 - w) * gap**2 - s
    variance = (2 * w * (1 - w) * gap) ** 2 * (s / (n * w) + s / (n * (1 - w)))
    variance += ((1 - 2 * w) * gap**2) ** 2 * w * (1 - w) / n + 2 * s**2 / n
    one = found.sel(moment="leading")
    assert float(one.sigma_error) == pytest.approx(np.sqrt(variance / (4 * square)), rel=0.15)
    assert float(one.tau_moment_error) == pytest.approx(np.sqrt(variance) / 2, rel=0.15)


@pytest.mark.slow
def test_errors_of_a_pair_are_the_spread_over_200_tables():
    criteria, pair = ["leading", "exact", "boundary", "merging", "spectral"], ([[-1.5, 0, 0], [1.5, 0, 0]], [0.6, 0.4], 1.0)
    sigma, errors, differences = [], [], []
    for seed in range(200):
        x, member = table(*pair, 1000, seed)
        replicates = ss.bootstrapped(x, member, seed=seed) if seed < 25 else None
        found = ss.when(ss.from_labelled(x, member), criteria=criteria, replicates=replicates)
        sigma.append(found.sigma.sel(moment=[*criteria, "decision begins", "half decided", "collapse"]))
        if replicates is not None:
            errors.append(found.sigma_error.sel(moment=sigma[0].moment))
            differences.append(found.sigma_difference_error.sel(moment=["leading", "merging", "half decided"]))
    spread = np.std(sigma, axis=0, ddof=1)
    assert (np.abs(np.log(np.nanmean(errors, axis=0) / spread)) < np.log(1.4)).all()
    sigma = np.array(sigma)
    apart = np.std(sigma[:, [0, 3, 6]] - sigma[:, [1]], axis=0, ddof=1)
    assert (np.abs(np.log(np.nanmean(differences, axis=0) / apart)) < np.log(1.4)).all()


FIVE = [[0, 0, 0, 0.0], [3, 0, 0, 0], [0, 3.5, 0, 0], [1, 1, 3, 0], [-2, -1, 0, 2]], [0.3, 0.25, 0.2, 0.15, 0.1], 0.36


@pytest.mark.slow
def test_errors_by_common_draws_are_the_spread_over_200_tables():
    from scoreshock.quantities import when_errors

    def levels(mixture, replicates, draws):
        arguments = ["leading"], np.array([0.95, 0.5, 0.05]), 1500, draws, 0
        return when_errors._sigma_of_replicates(mixture, replicates, *arguments)[0].values

    sigma, errors, first = [], [], None
    for seed in range(200):
        x, member = table(*FIVE, 1500, seed)
        mixture = ss.from_labelled(x, member)
        first = mixture if first is None else first
        # Many draws, and the same for all tables: what is left is the spread of the data.
        sigma.append(levels(first, mixture.expand_dims(replicate=[0]).drop_vars(["basis", "origin"]), 1024)[0])
        if seed < 25:
            errors.append(levels(mixture, ss.bootstrapped(x, member, seed=seed), 256).std(axis=0, ddof=1))
    ratio = np.mean(errors, axis=0) / np.std(sigma, axis=0, ddof=1)
    assert (np.abs(np.log(ratio)) < np.log(1.4)).all()


@pytest.mark.slow
def test_draws_have_no_part_in_the_error():
    """Replicates that are the mixture itself, turned at random: nothing differs, though all is by Monte Carlo."""
    x, member = table(*FIVE, 300, 0)
    mixture, replicates = ss.from_labelled(x, member), ss.bootstrapped(x, member, replicates=4)
    turns = np.linalg.qr(np.random.default_rng(2).standard_normal((4, 4, 4)))[0]
    same = replicates.assign(
        component_mean=replicates.component_mean.copy(data=mixture.component_mean.values @ turns),
        component_weight=replicates.component_weight.copy(data=np.tile(mixture.component_weight, (4, 1))),
        component_variance=replicates.component_variance.copy(data=np.full(4, mixture.component_variance)),
    )
    found = ss.when(mixture, criteria=["leading"], draws=64, replicates=same)
    assert (found.error_status == Status.ok).all()
    assert (found.sigma_error < 1e-12 * found.sigma).all()


def test_a_replicate_without_the_moment_leaves_no_error_but_a_status():
    x, member = table([[0.0], [2.05]], [0.5, 0.5], 1.0, 400, 3)  # hardly apart: leading at sigma^2 = 1.05 - 1
    mixture, replicates = ss.from_labelled(x, member), ss.bootstrapped(x, member)
    one = ss.when(mixture, criteria=["leading"], replicates=replicates).sel(moment="leading")
    own = ss.speciation(replicates, criteria=["leading"]).squeeze()
    assert 0 < int(one.n_replicates_without) == int((own.tau_star < 0).sum()) < 32
    assert np.isnan(one.sigma_error)
    assert np.isnan(one.sigma_difference_error)
    assert int(one.error_status) == int(one.difference_status) == Status.below_data_variance
    assert int(one.agrees) == -1


def test_differences_are_paired():
    x, member = table([[-1.5, 0.0], [1.5, 0.0]], [0.5, 0.5], 1.0, 2000, 4)
    mixture, replicates = ss.from_labelled(x, member), ss.bootstrapped(x, member)
    found = ss.when(mixture, criteria=["leading", "exact", "spectral"], replicates=replicates)
    assert found.sigma_difference.attrs["reference_moment"] == "exact"
    sigma = np.sqrt(2 * ss.speciation(replicates, criteria=["leading", "exact", "spectral"]).tau_star)
    for name in ("leading", "spectral"):
        one = found.sel(moment=name)
        error = float((sigma.sel(criterion=name) - sigma.sel(criterion="exact")).std(ddof=1))
        assert float(one.sigma_difference_error) == pytest.approx(error, rel=1e-12)
        assert int(one.agrees) == int(abs(float(one.sigma - found.sigma.sel(moment="exact"))) <= 2 * error)
    assert int(found.agrees.sel(moment="exact")) == 1
    assert int(found.agrees.sel(moment="spectral")) == 0
    without = ss.when(mixture, criteria=["leading"], replicates=replicates)
    assert without.sigma_difference.attrs["reference_moment"] == "half decided"


@pytest.mark.slow
def test_draws_have_an_error_of_their_own_that_counts_in_agreement():
    x, member = table(*FIVE, 1500, 0)
    mixture, replicates = ss.from_labelled(x, member), ss.bootstrapped(x, member, replicates=8)
    found = ss.when(mixture, criteria=["leading"], draws=64, replicates=replicates)
    assert found.sigma_difference.attrs["reference_moment"] == "half decided"
    levels = ss.decision_windows(mixture, draws=64)
    expected = [0.0, *levels.sigma_decision_error.values[::-1], float(ss.collapse(mixture, draws=64).sigma_collapse_error)]
    np.testing.assert_array_equal(found.sigma_numerical_error, expected)
    half, leading = (found.sel(moment=name) for name in ("half decided", "leading"))
    whole = np.hypot(float(leading.sigma_difference_error), float(half.sigma_numerical_error))
    assert whole > float(leading.sigma_difference_error)
    assert int(leading.agrees) == int(abs(float(leading.sigma_difference)) <= 2 * whole)


@pytest.mark.slow
def test_pairs_are_those_of_the_decision_windows_of_each_replicate():
    x, member = table([[0.0, 0.0], [2.6, 0.0], [0.0, 3.0]], [0.6, 0.35, 0.05], 0.25, 300, 6)
    replicates = ss.bootstrapped(x, member, replicates=3)
    found = ss.when(ss.from_labelled(x, member), criteria=["leading"], replicates=replicates)
    expected = ss.decision_windows(replicates).sigma_pair.std("replicate", ddof=1)
    np.testing.assert_allclose(found.sigma_pair_standard_error, expected, rtol=1e-4)
    assert (found.pair_error_status == Status.ok).all()


@pytest.mark.slow
def test_a_pair_that_data_leave_open_in_a_replicate_has_no_error():
    x, member = table([[0.0], [2.1], [30.0]], [0.4, 0.3, 0.3], 1.0, 300, 0)
    found = ss.when(ss.from_labelled(x, member), criteria=["leading"], replicates=ss.bootstrapped(x, member))
    first = found.sel(remaining=0.5).isel(pair=0)
    levels = ss.decision_windows(ss.bootstrapped(x, member)).sigma_pair.sel(remaining=0.5).isel(pair=0)
    assert 0 < int(levels.isnull().sum()) < 32
    assert np.isnan(first.sigma_pair_standard_error)
    assert int(first.pair_error_status) == Status.below_data_variance
    assert (found.pair_error_status.sel(remaining=0.5)[1:] == Status.ok).all()


@pytest.mark.slow
def test_errors_of_pairs_are_the_spread_over_200_tables():
    levels, errors = [], []
    for seed in range(200):
        x, member = table(*FIVE, 1500, seed)
        levels.append(_half(ss.from_labelled(x, member)))
        if seed < 25:
            errors.append(_half(ss.bootstrapped(x, member, seed=seed)).std(axis=0, ddof=1))
    ratio = np.mean(errors, axis=0) / np.std(levels, axis=0, ddof=1)
    assert (np.abs(np.log(ratio)) < np.log(1.4)).all()


def _half(mixture):
    arrays = mixture.component_mean.values, mixture.component_weight.values, mixture.component_variance.values
    return pair_windows(*arrays, np.array([0.5]))[..., 0]


def test_without_replicates_there_are_no_errors_and_the_same_moments():
    x, member = table([[-1.5, 0.0], [1.5, 0.0]], [0.5, 0.5], 1.0, 200, 4)
    mixture = ss.from_labelled(x, member)
    plain = ss.when(mixture, "edm")
    with_errors = ss.when(mixture, "edm", replicates=ss.bootstrapped(x, member))
    assert not NAMES & set(plain)
    assert set(with_errors) - set(plain) == NAMES
    assert with_errors[list(plain)].identical(plain)


def test_replicates_of_other_data_are_refused():
    x, member = table([[-1.5, 0.0], [1.5, 0.0]], [0.5, 0.5], 1.0, 200, 4)
    mixture, other = ss.from_labelled(x, member), ss.bootstrapped(x, np.arange(200) % 3)
    with pytest.raises(ValueError, match=r"replicates has means of sizes .* allowed: .* as of ss\.bootstrapped"):
        ss.when(mixture, replicates=other)
    with pytest.raises(ValueError, match="replicates has means of sizes"):
        ss.when(mixture, replicates=mixture)
    with pytest.raises(ValueError, match=r"replicates = .* is not a mixture"):
        ss.when(mixture, replicates=32)
    with pytest.raises(ValueError, match=r"replicates has data_units = .* allowed: 'as given'"):
        ss.when(mixture, replicates=ss.bootstrapped(x, member, "unit-range"))
    with pytest.raises(ValueError, match="replicates has n_samples = 100; allowed: 200"):
        ss.when(mixture, replicates=ss.bootstrapped(x[:100], member[:100]))
    with pytest.raises(ValueError, match="allowed: one variance"):
        ss.when(ss.from_labelled(x, member, covariance="spherical"), replicates=ss.bootstrapped(x, member))


@pytest.mark.slow
def test_a_report_shows_errors_and_says_what_agrees():
    x, member = table([[-1.5, 0.0], [1.5, 0.0]], [0.5, 0.5], 1.0, 2000, 4)
    made = report(ss.from_labelled(x, member), {}, "a table", replicates=ss.bootstrapped(x, member))
    one = made.moments.sel(moment="spectral")
    lines = text(made).splitlines()
    row = next(line for line in lines if line.startswith("spectral"))
    assert f"{float(one.sigma):.4g} ± {float(one.sigma_error):.2g}" in row
    (said,) = (line for line in lines if line.startswith("Within two standard errors of their difference from exact"))
    alike, apart = said.split(": ")[1].split("; ")
    for name in ("leading", "first", "quadratic", "boundary", "merging", "spectral"):
        assert name in (alike if int(made.moments.agrees.sel(moment=name)) == 1 else apart)
    np.testing.assert_array_equal(
        np.array(json.loads(as_json(made))["moments"]["sigma_error"]["data"], dtype=float), made.moments.sigma_error
    )
    assert "±" not in text(report(ss.from_labelled(x, member), {}, "a table"))
