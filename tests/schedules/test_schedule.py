"""Schedules: reference and published numbers, statuses, sampling times, tables, and every refusal with its message."""

import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from scoreshock.conventions import TimeStatus
from scoreshock.densities import families
from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.quantities.speciation import speciation
from scoreshock.schedules.inputs import as_schedules
from scoreshock.schedules.schedule import KINDS, Schedule, schedule
from tests.reference import cases, check, identify

DDPM_RATES = {"start": 1e-4, "end": 0.02, "num": 1000}
SD_RATES = {"start": 0.00085, "end": 0.012, "num": 1000, "scale": "sqrt"}
NAMES = {"vp_linear": "vp-linear", "subvp_linear": "sub-vp", "cosine": "vp-cosine", "edm": "edm"}


NEEDED = {"table": {"betas": DDPM_RATES}, "diffusers": {"config": {"_class_name": "DDIMScheduler"}}}


def of_kind(kind):
    """A schedule with the kind's defaults."""
    return schedule(kind, **NEEDED.get(kind, {}))


@pytest.mark.parametrize("case", cases("vp_constant"), ids=identify)
def test_constant_rate_meets_the_reference(case):
    a, variance, t, beta = (case["inputs"][key] for key in ("a", "sigma0", "t", "beta"))
    variance **= 2
    vp = schedule("vp-constant", beta=beta)
    check(case, "alpha", vp.alpha(t))
    check(case, "tau_eff", vp.tau(t))
    check(case, "t_star", vp.time((a**2 - variance) / 2))
    check(case, "width_x", vp.alpha(t) * (variance + 2 * vp.tau(t)) / a)
    check(case, "marginal_component_variance", vp.alpha(t) ** 2 * variance + vp.noise(t) ** 2)


@pytest.mark.parametrize("case", cases("schedule_tstar"), ids=identify)
def test_named_schedules_meet_the_reference(case):
    inputs = case["inputs"]
    result = schedule(NAMES[inputs["schedule"]], **inputs["params"])
    assert result.end == inputs["t_end"]
    check(case, "tau_eff_at_t_query", result.tau(inputs["t_query"]))
    tau = (inputs["a"] ** 2 - inputs["sigma0"] ** 2) / 2
    check(case, "t_star", result.time(tau if tau > 0 else np.nan))


@pytest.mark.parametrize(("largest", "published"), [(7.66, 1.0182264), (16.72, 1.4118022)])
def test_ddpm_table_gives_the_speciation_times_of_biroli_et_al(largest, published):
    table = schedule("table", betas=DDPM_RATES)
    steps = np.arange(1000)
    first = int(np.argmax(table.alpha_bar(steps) < 1 / largest))
    assert -0.5 * np.log(table.alpha_bar(first)) == pytest.approx(published, abs=5e-8)
    assert int(np.ceil(table.time((largest - 1) / 2))) == first


def test_scaled_linear_table_gives_the_pairs_of_align_your_steps():
    steps = [999, 850, 736, 645, 545, 455, 343, 233, 124, 24, 0]
    sigmas = np.array([14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029])
    table = schedule("table", betas=SD_RATES)
    np.testing.assert_allclose(table.sigma(steps), sigmas, atol=0.003)


def test_edm_samples_the_levels_of_karras_et_al():
    edm = schedule("edm")
    i = np.arange(18)
    levels = (80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    times = edm.sample_times()
    np.testing.assert_allclose(times[:-1], levels, rtol=1e-12)
    assert (times[0], times[-2], times[-1]) == (80.0, 0.002, 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_coefficients_tau_and_log_snr_agree(kind):
    result = of_kind(kind)
    t = np.linspace(result.start, result.end, 41)[1:-1]
    snr = result.alpha(t) ** 2 / result.noise(t) ** 2
    np.testing.assert_allclose(snr, 1 / (2 * result.tau(t)), rtol=1e-12)
    np.testing.assert_allclose(snr, np.exp(result.log_snr(t)), rtol=1e-11)
    np.testing.assert_allclose(snr, result.sigma(t) ** -2.0, rtol=1e-12)
    np.testing.assert_allclose(result.alpha_bar(t), result.alpha(t) ** 2, rtol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_coefficients_at_tau_are_those_at_its_time(kind):
    result = of_kind(kind)
    t = np.linspace(result.start, result.end, 41)[1:-1]
    tau = result.tau(t)
    np.testing.assert_allclose(result.time(tau), t, rtol=1e-11)
    np.testing.assert_allclose(result.alpha_at(tau), result.alpha(t), rtol=1e-12)
    np.testing.assert_allclose(result.noise_at(tau), result.noise(t), rtol=1e-12)
    np.testing.assert_allclose(result.alpha_bar_at(tau), result.alpha_bar(t), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@given(fraction=st.floats(0, 1))
def test_every_time_of_the_range_is_found_again(kind, fraction):
    result = of_kind(kind)
    t = result.start + fraction * (result.end - result.start)
    time, status = result.locate(result.tau(t))
    if result.tau(t) == np.inf:
        assert status == TimeStatus.beyond_end
    else:
        assert status == TimeStatus.ok
        # A table starts with noise, so tau cannot tell tiny steps apart.
        assert time == pytest.approx(t, rel=1e-11, abs=1e-11 if kind in NEEDED else 1e-150)


@pytest.mark.parametrize("kind", KINDS)
def test_every_status_is_reached(kind):
    result = of_kind(kind)
    inside = result.tau((result.start + result.end) / 3)
    time, status = result.locate([inside, -1.0, np.inf, np.nan])
    expected = [TimeStatus.ok, TimeStatus.before_start, TimeStatus.beyond_end, TimeStatus.no_tau]
    assert status.tolist() == expected
    assert status.dtype == np.int8
    assert np.isnan(time).tolist() == [False, True, True, True]
    for values in (result.alpha_at, result.noise_at, result.alpha_bar_at, result.sampling_step, result.time):
        assert np.isnan(values([inside, -1.0, np.inf, np.nan])).tolist() == [False, True, True, True]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("vp-cosine", "flow-matching")])
def test_both_ends_belong_to_the_schedule(kind):
    result = of_kind(kind)
    ends = result.tau(np.array([result.start, result.end]))
    time, status = result.locate(ends * np.array([1 - 1e-15, 1 + 1e-15]))
    assert status.tolist() == [TimeStatus.ok] * 2
    np.testing.assert_array_equal(time, [result.start, result.end])
    assert result.locate(ends[1] * 1.0001)[1] == TimeStatus.beyond_end


def test_geometric_variants_count_the_initial_noise_or_not():
    added, whole = schedule("ve-geometric"), schedule("ve-geometric", variant="sigma")
    assert added.tau(0.0) == 0
    assert whole.sigma(0.0) == pytest.approx(0.01, rel=1e-14)
    assert added.sigma(1.0) == pytest.approx(np.sqrt(50.0**2 - 0.01**2), rel=1e-13)
    assert whole.time(1250.0) == 1.0
    assert whole.locate(4e-5)[1] == TimeStatus.before_start


def test_ve_time_is_tau_and_edm_time_is_sigma_to_the_last_bit():
    tau = np.array([0.0, 1e-300, 0.455, 7.1, 3200.0])
    np.testing.assert_array_equal(schedule("ve").time(tau), tau)
    np.testing.assert_array_equal(schedule("ve").tau(tau), tau)
    np.testing.assert_array_equal(schedule("edm").tau(np.array([0.3, 80.0])), [0.3**2 / 2, 3200.0])


@pytest.mark.parametrize("kind", KINDS)
def test_times_outside_the_range_have_no_coefficients(kind):
    result = of_kind(kind)
    t = [result.start - 0.1, result.end * 1.01, np.nan]
    for values in (result.alpha, result.noise, result.sigma, result.tau, result.log_snr, result.alpha_bar):
        assert np.isnan(values(t)).all()


def test_open_ends_have_no_signal():
    for kind in ("vp-cosine", "flow-matching"):
        result = schedule(kind)
        assert (result.alpha(1.0), result.noise(1.0), result.tau(1.0), result.log_snr(1.0)) == (0, 1, np.inf, -np.inf)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_do_not_depend_on_the_shape_they_come_in(kind):
    result = of_kind(kind)
    tau = np.geomspace(1e-3, 900.0, 60)
    whole = result.time(tau)
    steps = result.sampling_step(tau)
    for reshaped in (tau.reshape(5, 12), np.asfortranarray(tau.reshape(5, 12)), np.repeat(tau, 2)[::2]):
        np.testing.assert_array_equal(np.ravel(result.time(reshaped)), whole)
    np.testing.assert_array_equal([result.time(float(value)) for value in tau], whole)
    np.testing.assert_array_equal([result.sampling_step(float(value)) for value in tau], steps)
    assert result.time(tau.reshape(5, 12)).shape == (5, 12)
    assert np.ndim(result.time(0.5)) == 0


def test_labels_pass_through_and_dask_stays_lazy():
    result = schedule("vp-linear")
    tau = xr.DataArray(np.linspace(-1, 30, 32), dims="separation", coords={"separation": np.arange(32)}, name="tau")
    time, status = result.locate(tau)
    assert time.dims == status.dims == ("separation",)
    assert time.name is None
    lazy_time, lazy_status = result.locate(tau.chunk({"separation": 5}))
    assert lazy_time.chunks is not None
    xr.testing.assert_identical(lazy_time.compute(), time)
    xr.testing.assert_identical(lazy_status.compute(), status)
    xr.testing.assert_identical(result.alpha(time.chunk({"separation": 5})).compute(), result.alpha(time))


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("vp-liner", {}, r"schedule kind = 'vp-liner' is not known .did you mean 'vp-linear'\?.; allowed: ve, "),
        ("vp_cosine", {}, r"did you mean 'vp-cosine'\?"),
        (7, {}, "schedule kind = 7 is not known"),
        ("vp-linear", {"beta_mim": 0.1}, r"beta_mim = 0.1 is no parameter of it; .* .did you mean 'beta_min'\?"),
        ("vp-linear", {"rho": 7.0}, "rho = 7.0 is no parameter of it; .*; it belongs to spacing 'karras'"),
        ("ve", {"num_inference_steps": 5}, "num_inference_steps = 5 is no parameter of it"),
        ("vp-linear", {"beta_max": -1}, "schedule vp-linear: beta_max = -1 is not allowed; allowed: a finite number > 0"),
        ("vp-linear", {"beta_min": -1}, "beta_min = -1 is not allowed; allowed: a finite number >= 0"),
        ("vp-linear", {"beta_max": "1e-3"}, "beta_max = '1e-3' is not allowed .*write 0.001; YAML reads 1e-3 as text"),
        ("vp-constant", {"beta": "1e-9"}, r"write 1.0e-09; YAML reads 1e-3 as text"),
        ("vp-constant", {"beta": "fast"}, "beta = 'fast' is not allowed .text, not a number.; allowed: a finite number > 0"),
        ("vp-constant", {"beta": float("nan")}, "beta = nan is not allowed"),
        ("vp-constant", {"beta": float("inf")}, "beta = inf is not allowed"),
        ("vp-constant", {"beta": True}, "beta = True is not allowed"),
        ("vp-constant", {"beta": None}, "beta = None is not allowed"),
        ("vp-constant", {"beta": [1.0]}, r"beta = \[1.0\] is not allowed"),
        ("vp-constant", {"t_end": 1e4}, r"beta t_end = 10000 is not allowed; allowed: at most 700"),
        ("sub-vp", {"beta_max": 2000.0}, r"\(beta_min \+ beta_max\)/2 = 1000.05 is not allowed"),
        ("edm", {"sigma_max": 1e200}, "sigma_max = 1e.200 is not allowed; allowed: .* magnitude 1e-60 to 1e.60"),
        ("ve", {"t_end": 1e-200}, "t_end = 1e-200 is not allowed; allowed: .* magnitude 1e-60 to 1e.60"),
        ("edm", {"rho": 0.5}, "rho = 0.5 is not allowed; allowed: a number from 1 to 100"),
        ("vp-cosine", {"s": 2.0}, "s = 2.0 is not allowed; allowed: a number from 0 to 1"),
        ("ve", {"steps": 0}, "steps = 0 is not allowed; allowed: a whole number from 1 to 1000000"),
        ("ve", {"steps": 10**12}, "steps = 1000000000000 is not allowed; allowed: a whole number from 1 to 1000000"),
        ("ve", {"steps": 2.5}, "steps = 2.5 is not allowed; allowed: a whole number from 1 to 1000000"),
        ("ve", {"spacing": "krras"}, r"spacing = 'krras' is not allowed .did you mean 'karras'\?.; allowed: uniform"),
        ("ve", {"spacing": "table"}, "spacing = 'table' is not allowed; allowed: uniform, karras"),
        ("ve", {"spacing": ["karras"]}, r"spacing = \['karras'\] is not allowed"),
        ("ve-geometric", {"sigma_min": 60.0}, "sigma_min = 60.0 is not allowed; allowed: below sigma_max = 50.0"),
        ("ve-geometric", {"variant": "ode"}, "variant = 'ode' is not allowed; allowed: sde, sigma"),
        ("edm", {"sigma_min": 90.0}, "sigma_min = 90.0 is not allowed; allowed: 0 to 80, the schedule's own"),
        ("ve", {"spacing": "karras", "sigma_max": 81.0}, "sigma_max = 81.0 is not allowed; allowed: 0 to 80"),
        ("ve", {"spacing": "karras", "sigma_min": 9.0, "sigma_max": 8.0}, "sigma_min = 9.0 .* below sigma_max = 8.0"),
        ("ve", {"t_end": 1e-12, "spacing": "karras"}, "sigma_min = 0.002 is not allowed"),
        ("table", {}, "schedule table: the table has nothing; allowed: one of alphas_cumprod; alpha with sigma"),
        ("table", {"alpha": [1, 0.5]}, "the table has alpha; allowed: one of"),
        ("table", {"alphas_cumprod": [0.9, 0.5], "sigma_n": [1, 2]}, "the table has alphas_cumprod, sigma_n; allowed"),
        ("table", {"alphas_cumprd": [0.9, 0.5]}, r"did you mean 'alphas_cumprod'\?"),
        ("table", {"alphas_cumprod": [0.9, 1.2]}, r"alphas_cumprod\[1\] = 1.2 is not allowed; allowed: numbers from 0 to 1"),
        ("table", {"alphas_cumprod": [0.9, -0.1]}, r"alphas_cumprod\[1\] = -0.1 is not allowed"),
        ("table", {"alphas_cumprod": [0.9, float("nan")]}, r"alphas_cumprod\[1\] = nan is not allowed"),
        ("table", {"alphas_cumprod": [0.9, "1e-3"]}, r"alphas_cumprod\[1\] = '1e-3' is not allowed .*write 0.001"),
        ("table", {"alphas_cumprod": [0.9]}, "alphas_cumprod has 1 entries; allowed: 2 or more"),
        ("table", {"alphas_cumprod": []}, "alphas_cumprod has 0 entries"),
        ("table", {"alphas_cumprod": 0.9}, "alphas_cumprod = 0.9 is not allowed; allowed: a list of numbers from 0 to 1"),
        ("table", {"alphas_cumprod": [[0.9], [0.5, 0.1]]}, r"alphas_cumprod\[0\] = \[0.9\] is not allowed"),
        ("table", {"alphas_cumprod": "0.9"}, "alphas_cumprod has 1 entries; allowed: 2 or more"),
        (
            "table",
            {"alphas_cumprod": [0.9, 0.5, 0.6, 0.1]},
            r"alphas_cumprod: not strictly monotone: \[0.6\] at entry 2 follows \[0.5\] at entry 1",
        ),
        ("table", {"sigma_n": [0.5, 0.5, 2.0]}, r"sigma_n: not strictly monotone: \[0.5\] at entry 1 follows \[0.5\]"),
        ("table", {"alpha": [1, 0.5], "sigma": [1, 0.5]}, "alpha and sigma: not strictly monotone"),
        ("table", {"alpha": [1, 0.5], "sigma": [1, 2, 3]}, "alpha has 2 entries and sigma 3; allowed: equally many"),
        ("table", {"alpha": [1, 0], "sigma": [1, 0]}, "alpha and sigma are both 0 at entry 1"),
        ("table", {"alphas_cumprod": [1, 0]}, "no entry between zero noise and zero signal; allowed: at least one"),
        ("table", {"alphas_cumprod": [0.9, 1e-310]}, "an entry is 0 to double precision .*; write it as 0"),
        ("table", {"sigma_n": [1, 2], "order": "noisy-first"}, "order = 'noisy-first' is not allowed; allowed: data-first"),
        (
            "table",
            {"sigma_n": [1, 2], "num_inference_steps": 3},
            "num_inference_steps = 3 .* at most 2, the table's entries",
        ),
        ("table", {"sigma_n": [1, 2], "timestep_spacing": "trail"}, r"did you mean 'trailing'\?"),
        ("table", {"sigma_n": [1, 2], "steps": 3}, "steps = 3 is no parameter of it; .* belongs to spacing 'uniform'"),
        ("table", {"betas": {"start": 0.1, "end": 0.2}}, "betas = .* allowed: {start, end, num, scale: linear | sqrt}"),
        ("table", {"betas": {"start": 0.1, "end": 1.2, "num": 9}}, "betas = .* 0 < start, end < 1 and 2 <= num <= 1000000"),
        (
            "table",
            {"betas": {"start": "1e-4", "end": 0.02, "num": 9}},
            r"betas.start = '1e-4' is not allowed .*write 0.0001",
        ),
        ("table", {"betas": [0.1, 1.2]}, r"betas\[1\] = 1.2 is not allowed; allowed: rates per step, from 0 to below 1"),
        ("table", {"betas": 0.1}, "betas = 0.1 is not allowed; allowed: a list of rates per step"),
        ("table", {"betas": {"start": 0.1, "end": 20, "num": 9}}, "vp-linear has rates per unit time"),
        ("table", {"file": 3}, "file = 3 is not allowed; allowed: text"),
    ],
)
def test_errors_name_the_argument_its_value_and_the_allowed_ones(kind, given, message):
    with pytest.raises(ValueError, match=message):
        schedule(kind, **given)


EDM = schedule("edm")


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ("edm", ["edm"]),
        (EDM, ["edm"]),
        ({"kind": "edm", "sigma_max": 80.0}, ["edm"]),
        (["edm", "ve"], ["edm", "ve"]),
        (("edm", schedule("ve"), {"kind": "vp-linear"}), ["edm", "ve", "vp-linear"]),
        ({"mine": "edm"}, ["mine"]),
        ({"kind": EDM, "other": {"kind": "ve"}}, ["kind", "other"]),
        ({"fine": schedule("edm", steps=99), "coarse": EDM}, ["fine", "coarse"]),
        (None, []),
        ({}, []),
    ],
)
def test_schedules_are_taken_by_name_by_parameters_and_as_objects(given, labels):
    result = as_schedules(given)
    assert list(result) == labels
    assert all(isinstance(one, Schedule) for one in result.values())
    if labels:
        assert float(result[labels[0]].sigma(2.0)) == 2.0  # of edm the time is the noise level
        assert schedule_time(2.0, given).time.sel(schedule=labels[0]).item() == 2.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("edn", "schedule kind = 'edn' is not known"),
        (["edm", EDM], "has kind 'edm' more than once; allowed: a mapping from labels"),
        (3.0, "schedules = 3.0 is not allowed; allowed: a name such as 'edm'"),
        ([None], "schedules = None is not allowed"),
        ({"mine": {"sigma_max": 80.0}}, "schedules['mine'] = {'sigma_max': 80.0} is not allowed"),
        ({"kind": "edm", "sigma_mx": 80.0}, "sigma_mx = 80.0 is no parameter of it"),
    ],
)
def test_schedules_that_stand_for_nothing_are_refused_before_any_work(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        speciation(families.pair(1.0), given)
