"""Reference cases, met through the public face, and the identity of eager and chunked results."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

import scoreshock as ss
from scoreshock.conventions import DEFAULT_CRITERIA, Status, TimeStatus
from tests.reference import array_of, cases, check, identify, means_of, weights_of


def mixture_of(case):
    return ss.mixture(means_of(case), weights_of(case), case["inputs"]["sigma0"] ** 2)


def pair_of(inputs, weight=0.5):
    return ss.families.pair(separation=inputs["a"], variance=inputs["sigma0"] ** 2, weight=weight)


def value(dataset, name, **selection):
    """A scalar; NaN (which stands for 'does not exist') as None."""
    number = dataset[name].sel(**selection).item()
    return None if isinstance(number, float) and np.isnan(number) else number


@pytest.mark.parametrize("case", cases("sym1d_score"), ids=identify)
def test_score_of_the_symmetric_pair(case):
    pair, x, tau = pair_of(case["inputs"]), np.array([case["inputs"]["x"]]), case["inputs"]["tau"]
    found = ss.score(pair, x, tau).item()
    check(case, "s", found)
    check(case, "u", -2 * found)
    check(case, "s_x", ss.score_jacobian(pair, x, tau).item())


@pytest.mark.parametrize("case", cases("sym1d_midpoint"), ids=identify)
def test_midpoint_of_the_symmetric_pair(case):
    pair, tau = pair_of(case["inputs"]), case["inputs"]["tau"]
    times = ss.speciation(pair)
    found = ss.amplification(pair, tau_min=tau, tau=xr.DataArray(tau))
    check(case, "s_x0", ss.score_jacobian(pair, np.array([0.0]), tau).item())
    check(case, "lyapunov", found.lyapunov.item())
    check(case, "snr", found.snr.item())
    exists = case["expected"]["exists"]
    for criterion in ("leading", "exact", "boundary", "merging"):
        assert (value(times, "status", criterion=criterion) == Status.ok) == exists
        if exists:
            check(case, "tau_star", value(times, "tau_star", criterion=criterion))


@pytest.mark.parametrize("case", cases("gmm_score") + cases("pde_nd"), ids=identify)
def test_score_and_density_of_a_mixture(case):
    mixture, x, tau = mixture_of(case), array_of(case["inputs"]["x"]), case["inputs"]["tau"]
    x = x if x.size > 1 else xr.DataArray(x, dims="feature")
    check(case, "logp", ss.log_density(mixture, x, tau).item())
    found = ss.score(mixture, x, tau).values
    if "s" in case["expected"]:
        check(case, "s", found)
    if case["kind"] == "pde_nd":
        check(case, "J", ss.score_jacobian(mixture, x, tau).values)
    else:
        check(case, "responsibilities", ss.responsibilities(mixture, x, tau).values)


@pytest.mark.parametrize("case", cases("tweedie"), ids=identify)
def test_denoiser(case):
    x = xr.DataArray(array_of(case["inputs"]["x"]), dims="feature")
    check(case, "denoised", ss.denoiser(mixture_of(case), x, case["inputs"]["tau"]).values)


@pytest.mark.parametrize("case", cases("exact_roots"), ids=identify)
def test_all_roots_of_the_exact_criterion(case):
    found = ss.speciation(mixture_of(case))
    count = case["expected"]["count"]
    check(case, "count", value(found, "n_roots"))
    check(case, "tau_star", value(found, "tau_star", criterion="exact"))
    check(case, "tau_roots", found.tau_root.values[:count])
    assert (found.root_status.values[:count] == Status.ok).all()
    assert np.isnan(found.tau_root.values[count:]).all()
    assert (found.root_mode.values[count:] == -1).all()


@pytest.mark.parametrize("case", cases("k2_roots"), ids=identify)
def test_roots_of_a_pair(case):
    inputs = case["inputs"]
    found = ss.speciation(ss.families.pair(separation=inputs["L"] / 2, variance=inputs["sigma0"] ** 2, weight=inputs["w"]))
    check(case, "count", value(found, "n_roots"))
    check(case, "tau_star", value(found, "tau_star", criterion="exact"))
    check(case, "s2_roots", inputs["sigma0"] ** 2 + 2 * found.tau_root.values[: case["expected"]["count"]])


@pytest.mark.parametrize("case", cases("corrections"), ids=identify)
def test_correction_series(case):
    mixture, order = mixture_of(case), case["inputs"]["order"]
    found, times = ss.corrections(mixture, order=order), ss.speciation(mixture)
    check(case, "s2_series", found.coefficient.values)
    check(case, "C", found.covariance_coefficient.item())
    check(case, "s2_partial_sums", case["inputs"]["sigma0"] ** 2 + 2 * found.tau_order.values)
    for name, number in (("tau_leading", 0), ("tau_first", 1), ("tau_second", 2)):
        check(case, name, found.tau_order.values[number])
    check(case, "tau_leading", value(times, "tau_star", criterion="leading"))
    check(case, "tau_first", value(times, "tau_star", criterion="first"))
    check(case, "tau_quadratic", value(times, "tau_star", criterion="quadratic"))
    no_root = value(times, "status", criterion="quadratic") == Status.no_real_root
    check(case, "quadratic_real", not no_root)


@pytest.mark.parametrize("case", cases("corrections_degenerate"), ids=identify)
def test_corrections_of_a_degenerate_eigenvalue(case):
    mixture = mixture_of(case)
    found = ss.corrections(mixture, order=1)
    check(case, "C", found.covariance_coefficient.item())
    check(case, "lambda1", ss.speciation(mixture).eigenvalue.values[0])
    check(case, "tau_first", found.tau_order.values[1])


@pytest.mark.parametrize("case", cases("fold_two_component"), ids=identify)
def test_merging_of_two_modes(case):
    inputs = case["inputs"]
    found = ss.speciation(pair_of(inputs, inputs["wR"]))
    check(case, "tau_fold", value(found, "tau_star", criterion="merging"))
    check(case, "tau_star_at_mean", value(found, "tau_star", criterion="exact"))
    if "x_fold" in case["expected"]:
        check(case, "x_fold", found.x_event.values[0])


@pytest.mark.parametrize("case", cases("folds_1d"), ids=identify)
def test_all_merging_events_in_one_dimension(case):
    found = ss.speciation(mixture_of(case))
    count = found.n_events.item()
    check(case, "tau_merge", found.tau_event.values[:count])
    check(case, "x_merge", found.x_event.values[:count])
    check(case, "tau_last_merge", value(found, "tau_star", criterion="merging"))
    check(case, "tau_star_at_mean", value(found, "tau_star", criterion="exact"))
    check(case, "n_modes_at_start", int(found.modes_before.values[0]))
    assert found.modes_after.values[count - 1] == 1


@pytest.mark.parametrize("case", cases("amplification"), ids=identify)
def test_amplification_exponent(case):
    inputs = case["inputs"]
    tau_min = inputs["tau_min"]
    found = ss.amplification(pair_of(inputs), tau_min=tau_min, tau=xr.DataArray(tau_min))
    check(case, "Lambda", found.exponent.item())
    check(case, "Lambda", found.exponent_quadrature.item())
    check(case, "snr", found.snr.item())
    check(case, "log10_factor", found.log10_factor.item())
    check(case, "lyapunov_at_tau_min", found.lyapunov.item())


NAMES = {"vp_linear": "vp-linear", "subvp_linear": "sub-vp", "cosine": "vp-cosine", "edm": "edm"}


@pytest.mark.parametrize("case", cases("schedule_tstar"), ids=identify)
def test_speciation_time_in_a_schedule(case):
    inputs = case["inputs"]
    schedule = ss.schedule(NAMES[inputs["schedule"]], **inputs["params"])
    check(case, "tau_eff_at_t_query", float(schedule.tau(inputs["t_query"])))
    found = ss.speciation(pair_of(inputs), {"it": schedule}, criteria=["exact"])
    check(case, "t_star", value(found, "time", criterion="exact", schedule="it"))
    placed = value(found, "time_status", criterion="exact", schedule="it")
    if case["expected"]["t_star"] is not None:
        assert placed == TimeStatus.ok
    elif case["expected"]["tau_star"] is not None:
        assert placed == TimeStatus.beyond_end
    else:
        assert placed in (TimeStatus.no_tau, TimeStatus.before_start)


@pytest.mark.parametrize("case", cases("vp_constant"), ids=identify)
def test_constant_beta(case):
    inputs = case["inputs"]
    schedule = ss.schedule("vp-constant", beta=inputs["beta"])
    tau = float(schedule.tau(inputs["t"]))
    alpha = float(schedule.alpha(inputs["t"]))
    check(case, "tau_eff", tau)
    check(case, "alpha", alpha)
    pair = pair_of(inputs)
    check(case, "s_vp", ss.score(pair, np.array([inputs["x"] / alpha]), tau).item() / alpha)
    found = ss.speciation(pair, {"it": schedule}, criteria=["leading"])
    check(case, "t_star", value(found, "time", criterion="leading", schedule="it"))


def sweeps():
    """Mixtures with sweep dimensions, of each path through the kernels."""
    a = np.linspace(0.5, 6.0, 9)
    yield "pair", ss.families.pair(separation=a, variance=[0.0, 0.25, 1.0], weight=[0.1, 0.4, 0.5])
    yield "collinear", ss.families.collinear(separation=a, variance=[0.25, 1.0], positions=[-1.0, 0.2, 1.0])
    yield "polygon", ss.families.polygon(separation=a, variance=[0.25, 1.0], vertices=3, radii=[1.0, 1.0, 0.5])
    yield "random", ss.families.random(realization=[0, 1, 2], separation=a, dimension=8, components=9)


@pytest.mark.parametrize("mixture", [mixture for _, mixture in sweeps()], ids=[name for name, _ in sweeps()])
@pytest.mark.parametrize("chunk", [1, 4])
def test_chunked_and_eager_results_are_the_same_to_the_bit(mixture, chunk):
    chunked = mixture.chunk({dim: chunk for dim in mixture.dims if dim not in ("component", "feature", "ambient")})
    schedules = {"ddpm": ss.schedule("vp-linear"), "edm": ss.schedule("edm")}
    grid, times = {"start": -2, "stop": 2, "num": 7, "unit": "separation"}, {"values": [0.3, 1.0], "unit": "speciation"}
    for quantity in (
        lambda m: ss.speciation(m, schedules),
        lambda m: ss.corrections(m, order=6),
        lambda m: ss.amplification(m, tau_min=0.01),
        lambda m: ss.scores(m, grid, times),
    ):
        lazy = quantity(chunked)
        assert all(v.chunks is not None for v in lazy.data_vars.values())
        xr.testing.assert_identical(quantity(mixture), lazy.compute(scheduler="threads", num_workers=2))


@pytest.mark.parametrize("mixture", [mixture for _, mixture in sweeps()], ids=[name for name, _ in sweeps()])
def test_no_number_is_missing_without_a_status_that_says_why(mixture):
    found = ss.speciation(mixture, {"vp": ss.schedule("vp-linear"), "cosine": ss.schedule("vp-cosine")})
    for number, status in (
        ("tau_star", "status"),
        ("cascade", "cascade_status"),
        ("tau_root", "root_status"),
        ("tau_event", "event_status"),
        ("time", "time_status"),
    ):
        assert not (np.isnan(found[number]) & (found[status] == 0)).any(), number
    series = ss.corrections(mixture)
    assert not (np.isnan(series.tau_order) & (series.order_status == 0)).any()
    assert not (np.isnan(series.error) != (series.error_status != 0)).any()
    factor = ss.amplification(mixture)
    assert not (np.isnan(factor.exponent) & (factor.amplification_status == 0)).any()


def test_a_sweep_equals_its_points_one_by_one():
    mixture = ss.families.polygon(separation=[1.0, 2.0, 5.0], variance=[0.1, 1.0], radii=[1.0, 0.8, 0.4])
    whole = ss.speciation(mixture)
    for i in range(3):
        for j in range(2):
            xr.testing.assert_identical(
                whole.isel(separation=i, variance=j).drop_vars(["separation", "variance"]),
                ss.speciation(mixture.isel(separation=i, variance=j).drop_vars(["separation", "variance"])),
            )


def test_results_carry_only_the_dimensions_that_they_depend_on():
    pair = ss.families.pair(separation=[1.0, 2.0], variance=[0.1, 0.2], dimension=[1, 64])
    found = ss.speciation(pair, {"ve": ss.schedule("ve")})
    assert found.tau_star.dims == ("separation", "variance", "criterion")
    assert found.eigenvalue.dims == ("separation", "mode")
    assert found.time.dims == ("separation", "variance", "criterion", "schedule")


def test_unknown_criterion_is_named():
    with pytest.raises(ValueError, match=r"'exat'.*allowed: leading"):
        ss.speciation(ss.families.pair(separation=1.0), criteria=["exat"])


def test_branch_crossing_is_told_by_the_root_s_direction():
    means = [[3, 0], [-3, 0], [0, 0.8], [0, -0.8], [0, 0.8], [0, -0.8]]
    mixture = ss.mixture(np.array(means, dtype=float), [0.04, 0.04, 0.21, 0.21, 0.25, 0.25], 0.0)
    found = ss.speciation(mixture)
    root = found.n_roots.item() - 1
    # On e2: Gamma_22 = 0.64 (1 - r), r the share of the components at +-3 e1.
    on_e2 = brentq(lambda v: 0.64 * 0.92 / (0.92 + 0.08 * np.exp(-(9 - 0.64) / (2 * v))) - v, 0.6, 0.64, xtol=1e-15)
    assert 2 * found.tau_root.values[root] == pytest.approx(on_e2, rel=1e-12)
    assert found.root_mode.values[root] == 1
    assert found.eigenvalue.values[0] == pytest.approx(0.72, rel=1e-12)
    assert (ss.corrections(mixture).error_status == Status.not_applicable).all()


def test_seven_criteria_are_reported_by_default():
    assert list(ss.speciation(ss.families.pair(separation=1.0)).criterion.values) == list(DEFAULT_CRITERIA)


def test_neighbouring_criteria_are_further_values_of_criterion():
    point_masses = ss.families.pair(separation=1.0, variance=0.0)
    schedule = ss.schedule("vp-constant", beta=2.0)
    found = ss.speciation(point_masses, {"ou": schedule}, criteria=["drift", "exact"])
    alpha = np.sqrt(found.alpha_bar.sel(schedule="ou")).values
    # Raya and Ambrogioni 2023: the reverse drift turns unstable at alpha = sqrt(sqrt 2 - 1), the density at 1/sqrt 2.
    np.testing.assert_allclose(alpha, [np.sqrt(np.sqrt(2) - 1), 1 / np.sqrt(2)], rtol=1e-12)
    pair = ss.families.pair(separation=1.0, variance=0.09)
    others = ss.speciation(pair, criteria=["cloning", "entropic"])
    assert (others.status == Status.ok).all()
    # Cloning at its default level is speciation itself for an equal pair.
    assert others.tau_star.sel(criterion="cloning").item() == pytest.approx(0.455, rel=1e-9)
