"""Noise levels from tables: their forms, their ends, and every file that is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from scoreshock.conventions import TimeStatus
from scoreshock.schedules.schedule import schedule

SIGMAS = [0.0, 0.5, 1.0, 4.0]


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=2, max_size=8, unique=True))
def test_a_descending_table_is_the_same_schedule_read_from_its_other_end(values):
    noisy_first = sorted(values)
    logit = np.log(noisy_first) - np.log1p(-np.array(noisy_first))
    if np.diff(logit).min() < 1e-9:
        return
    one = schedule("table", alphas_cumprod=noisy_first, convention="alphas_cumprod")
    other = schedule("table", alphas_cumprod=noisy_first[::-1], convention="alphas_cumprod")
    assert (one.parameters["order"], other.parameters["order"]) == ("noisy-first", "data-first")
    np.testing.assert_allclose(one.alpha_bar(np.arange(len(values))), noisy_first[::-1], rtol=1e-10)
    t = np.linspace(0, one.end, 17)
    np.testing.assert_array_equal(one.tau(t), other.tau(t))


@pytest.mark.parametrize(
    "columns",
    [
        {"alphas_cumprod": [1.0, 0.8, 0.5, 1 / 17]},
        {"alpha": [1.0, 2.0, 3.0, 0.5], "sigma": [0.0, 1.0, 3.0, 2.0]},
        {"sigma_n": [0.0, 0.5, 1.0, 4.0]},
    ],
    ids=["alphas_cumprod", "alpha and sigma", "sigma_n"],
)
def test_forms_of_a_table_agree_on_the_noise_and_keep_their_own_coefficients(columns):
    table = schedule("table", **columns)
    steps = np.arange(4)
    np.testing.assert_allclose(table.sigma(steps), SIGMAS, rtol=1e-14)
    alpha = columns.get("alpha", np.sqrt(columns.get("alphas_cumprod", np.ones(4))))
    np.testing.assert_allclose(table.alpha(steps), alpha, rtol=1e-14)
    np.testing.assert_allclose(table.noise(steps), np.multiply(alpha, SIGMAS), rtol=1e-14)


def test_table_that_ends_in_no_noise_is_linear_in_sigma_at_its_first_step():
    table = schedule("table", sigma_n=SIGMAS)
    assert table.locate(0.0) == (0.0, TimeStatus.ok)
    assert table.sigma(0.5) == pytest.approx(0.25, rel=1e-14)
    assert table.time(0.25**2 / 2) == pytest.approx(0.5, rel=1e-14)


def test_table_that_ends_in_no_signal_holds_every_larger_tau_in_its_last_step():
    table = schedule("table", alphas_cumprod=[0.9, 0.5, 0.0])
    assert (table.alpha(2), table.noise(2), table.tau(2)) == (0, 1, np.inf)
    assert table.time(2.0) == pytest.approx(1.5, rel=1e-14)
    assert table.locate(1e300)[1] == TimeStatus.ok
    assert table.locate(np.inf) == (2.0, TimeStatus.ok)
    assert schedule("table", alphas_cumprod=[0.9, 0.5, 0.0], spacing="karras").parameters["sigma_max"] == 1.0


@pytest.mark.parametrize("make", [np.array, tuple, lambda values: xr.DataArray(values, dims="step")])
def test_a_table_may_come_as_any_array(make):
    assert schedule("table", sigma_n=make(SIGMAS)) == schedule("table", sigma_n=SIGMAS)


def write_table(path, columns):
    """The columns as a file of the kind that the suffix names."""
    if path.suffix == ".nc":
        xr.Dataset({name: ("step", values) for name, values in columns.items()}).to_netcdf(path, engine="netcdf4")
    elif path.suffix == ".csv":
        rows = [",".join(columns), *(",".join(map(repr, row)) for row in zip(*columns.values(), strict=True))]
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    else:
        path.write_text(json.dumps(columns), encoding="utf-8")


@pytest.mark.parametrize("suffix", [".csv", ".nc", ".yaml", ".yml"])
def test_a_file_is_the_table_that_it_holds(tmp_path, monkeypatch, suffix):
    monkeypatch.chdir(tmp_path)
    columns = {"alpha": [1.0, 0.8, 0.1], "sigma": [0.1, 0.6, 0.9], "step": [0, 1, 2]}
    write_table(tmp_path / f"noise{suffix}", columns)
    from_file = schedule("table", file=f"noise{suffix}")
    inline = schedule("table", alpha=columns["alpha"], sigma=columns["sigma"])
    t = np.linspace(0, 2, 9)
    np.testing.assert_array_equal(from_file.tau(t), inline.tau(t))
    np.testing.assert_array_equal(from_file.alpha(t), inline.alpha(t))
    assert from_file.parameters["file"] == f"noise{suffix}"
    assert re.fullmatch("[0-9a-f]{64}", from_file.parameters["digest"])
    assert schedule(**from_file.parameters) == from_file


def test_a_file_that_changed_is_refused(tmp_path):
    path = tmp_path / "noise.csv"
    write_table(path, {"sigma_n": [0.1, 3.0]})
    parameters = schedule("table", file=str(path)).parameters
    write_table(path, {"sigma_n": [0.1, 2.0]})
    with pytest.raises(ValueError, match="has changed: sha256"):
        schedule(**parameters)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("noise.csv", "alpha_cumpro\n0.9\n0.5\n", r"has the columns alpha_cumpro; .* .did you mean 'alphas_cumprod'\?"),
        (
            "noise.csv",
            "alpha\n0.9\n0.5\n",
            "has the columns alpha; allowed: one of alphas_cumprod; alpha with sigma; sigma_n",
        ),
        ("noise.csv", "alphas_cumprod,sigma_n\n0.9,1\n0.5,2\n", "has the columns alphas_cumprod, sigma_n; allowed"),
        ("noise.csv", "sigma_n\n0.9\nx\n2.0\n", r"sigma_n\[1\] = 'x' is not allowed .text, not a number."),
        ("noise.csv", "sigma_n\n0.9\nnan\n2.0\n", r"sigma_n\[1\] = nan is not allowed; allowed: finite numbers >= 0"),
        ("noise.csv", "alpha,sigma\n0.9,1\n0.5\n", r"sigma\[1\] = None is not allowed"),
        ("noise.csv", "alpha\n0.9,1\n0.5\n", "cannot be read as .csv: a line has more cells than the header"),
        ("noise.csv", "sigma_n\n\xff\n", r"sigma_n\[0\] = 'ÿ' is not allowed"),
        ("noise.csv", "sigma_n\n0.5\n", "sigma_n has 1 entries; allowed: 2 or more"),
        ("noise.csv", "", "has the columns nothing; allowed: one of alphas_cumprod"),
        ("noise.nc", "not NetCDF", "cannot be read as .nc"),
        ("noise.yaml", "three", "cannot be read as .yaml: no columns"),
        ("noise.yaml", "a: [", "cannot be read as .yaml"),
        ("noise.xls", "", r"is not a table; allowed: .csv, .nc, .yaml, .yml, .json, .txt, .npy, .npz"),
        ("noise.txt", "a, b", "cannot be read as .txt: its text = .* allowed: numbers with commas or blanks"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        schedule("table", file=str(tmp_path / name))


def test_a_missing_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"schedule table: file none.csv does not exist; paths are relative to the folder"):
        schedule("table", file="none.csv")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("twice.csv", "sigma_n,sigma_n\n9.0,10.0\n3.0,4.0\n", "it has the column 'sigma_n' more than once"),
        ("twice.csv", "sigma_n, sigma_n\n9.0,10.0\n3.0,4.0\n", "it has the column 'sigma_n' more than once"),
        ("twice.csv", "alpha_bar,alphas_cumprod\n0.9,0.9\n0.5,0.5\n", "has 'alphas_cumprod' more than once"),
        ("twice.yaml", "sigma_n: [9, 3]\nsigma_n: [1, 2]\n", "it has 'sigma_n' more than once"),
        ("extra.csv", "sigma_n,weight\n0.1,7\n1,8\n", "has weight, which would be ignored"),
        ("times.csv", "t,sigma_n\n0,0.1\n0.5,1\n1,2\n", "has t, which would be ignored"),
        ("nameless.csv", ",sigma_n\n5,0.1\n9,1\n", "has a column without a name, which would be ignored"),
        ("sixty.yaml", "sigma_n: [0.1, 1, 3:0]\n", "it has 3:0, which YAML reads in base 8 or 60"),
        ("octal.yaml", "sigma_n: [1, 010]\n", "it has 010, which YAML reads in base 8 or 60"),
        ("date.yaml", "sigma_n: [2024-01-01, 2024-01-02]\n", "sigma_n[0] = datetime.date(2024, 1, 1) is not allowed"),
        ("many.csv", "step;sigma_n\n0;0,1\n1;10,5\n", "more cells than the header (columns are separated by commas"),
        ("comma.csv", "alpha;sigma\n1;0.1\n0.5;0.5\n", "alpha;sigma; allowed: .* (columns separated by commas"),
        (
            "sigmas.csv",
            "sigmas\n0.1\n1\n",
            "has 3 readings: sigma_n (noise/signal.*flow (.*vp (.*say which by convention",
        ),
        ("list.txt", "0.1, 0.2, 0.9", "has 5 readings: sigma_n (.*alphas_cumprod (alpha^2); betas (rates per step); say"),
        ("flow.json", "[1.0, 0.5, 0.001]", "has 4 readings: sigma_n"),
        (
            "flow.csv",
            "sigma_n\n1.0\n0.5\n0.001\n",
            "sigma_n never exceeds 1.*sigmas with convention: flow (alpha = 1 - sigma)",
        ),
        ("steps.txt", "999, 850, 736, 0", "has 2 readings: sigma_n, and timesteps of another table"),
        ("two.csv", "0.1, 0.2\n0.3, 0.4\n", "several columns and no header"),
        ("alphas.csv", "alphas\n0.9\n0.5\n", "alpha is the signal coefficient and alphas_cumprod its square"),
        ("twice.csv", "alphas_cumprod\n0.9\n0.3\n0.3\n0.1\n", "at every entry (a repeated one once)"),
        (
            "scheduler_config.json",
            '{"beta_start": 0.001}',
            "beta_start without beta_end, num_train_timesteps; allowed: beta_start, beta_end, num_train",
        ),
    ],
)
def test_a_table_that_would_be_misread_is_refused_in_one_sentence(tmp_path, monkeypatch, name, text, said):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text)
    with pytest.raises(ValueError, match=".*".join(map(re.escape, said.split(".*")))) as caught:
        schedule("table", file=name)
    assert len(str(caught.value)) <= 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("index.csv", ",sigma_n\n0,0.1\n1,1.0\n2,3.0\n"),
        ("steps.CSV", "step,sigma_n\n1,0.1\n2,1.0\n3,3.0\n"),
        ("odd.csv", "\ufeff\r\n\r\n sigma_n \r\n0.1\r\n\r\n 1.0\r\n3e0"),
        ("plain.YML", "sigma_n: [0.1, 1, 3.0]\nstep: [0, 1, 2]\n"),
    ],
)
def test_a_column_that_counts_rows_and_blank_lines_change_no_table(tmp_path, name, text):
    (tmp_path / name).write_text(text, newline="")
    t = np.linspace(0, 2, 9)
    result = schedule("table", file=str(tmp_path / name)).sigma(t)
    np.testing.assert_array_equal(result, schedule("table", sigma_n=[0.1, 1.0, 3.0]).sigma(t))


@pytest.mark.parametrize("kind", ["M8[ns]", "m8[ns]"])
def test_dates_and_durations_are_no_noise(tmp_path, kind):
    xr.Dataset({"sigma_n": ("step", np.array([1, 2], "i8").astype(kind))}).to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    with pytest.raises(ValueError, match=r"sigma_n = \[.*\] is not allowed; allowed: a list of finite numbers >= 0"):
        schedule("table", file=str(tmp_path / "a.nc"))


def test_a_variable_of_a_netcdf_table_that_would_be_ignored_is_named(tmp_path):
    stored = {"sigma_n": ("t", [0.1, 2.0]), "gamma": ((), 3.0)}
    xr.Dataset(stored, {"t": [0.0, 0.5]}).to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    with pytest.raises(ValueError, match=r"has (gamma, t|t, gamma), which would be ignored"):
        schedule("table", file=str(tmp_path / "a.nc"))


def test_alpha_bar_is_the_cumulative_product():
    steps = [0.99, 0.5, 0.1]
    assert schedule("table", alpha_bar=steps) == schedule("table", alphas_cumprod=steps)
    case = schedule("table", file=str(Path(__file__).parents[1] / "cases" / "k6b_alpha_bar.csv"))
    np.testing.assert_array_equal(
        case.alpha_bar(np.arange(3.0)), schedule("table", alphas_cumprod=steps).alpha_bar(np.arange(3.0))
    )


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (
            "vp-linear",
            {"beta_min": 0.00085, "beta_max": 0.012},
            "no rates per unit time.*rates per step are kind table with beta_st",
        ),
        ("sub-vp", {"beta_start": 0.0001, "beta_end": 0.02}, "no rates per unit time"),
        ("vp-linear", {"num_train_timesteps": 1000}, "rates per step are kind table with beta_start, beta_end"),
        ("table", {"num_train_timesteps": 1000}, "num_train_timesteps without beta_start, beta_end; allowed"),
        (
            "table",
            {"beta_start": 0.1, "beta_end": 0.2, "num_train_timesteps": 9, "beta_schedule": "sigmoid"},
            "beta_schedule = 'sigmoid' is not allowed; allowed: linear, scaled_linear; others are kind diffusers",
        ),
        ("edm", {"sigmas": [3.0, 1.0]}, "noise levels are kind table with sigmas; those that a sampler visits are spacing"),
        ("vp-linear", {"shift": 3.0}, "kind flow-matching with shift"),
        ("flow-matching", {"betas": [0.1, 0.2]}, "rates per step are kind table with betas, a list"),
        ("vp-linear", {"beta_start": 0.1, "beta_min": 0.1}, "has 'beta_min' more than once"),
        ("table", {"sigma_n": [1.0, 0.5, 0.0]}, "sigma_n never exceeds 1"),
        ("table", {"alphas_cumprod": [0.9999, 0.99, 0.98]}, "never falls below 1/2.*diffusers' alphas are 1 - betas"),
        ("table", {"betas": [0.99, 0.5, 0.1]}, "betas fall from 0.99 to 0.1; allowed: .*products of 1 - betas are alphas"),
        ("table", {"sigmas": list(np.linspace(0.123456789, 0.987654321, 99))}, "sigmas = [0.123.* has 3 readings"),
        (
            "table",
            {"sigmas": [1.0, 0.5, 0.0]},
            "has 3 readings: sigma_n (noise/signal.*say which by convention",
        ),
        (
            "table",
            {"sigmas": [9.0, 0.5], "convention": "flow"},
            "sigmas has 9; allowed with convention: flow: numbers from 0",
        ),
        ("table", {"sigma_n": [9.0, 0.5], "convention": "flow"}, "convention = 'flow' is not allowed with sigma_n"),
        ("table", {"sigmas": [9.0, 0.5], "convention": "betas"}, "convention = 'betas' is not allowed for sigmas"),
        ("table", {"sigmas": [9.0, 0.5, 1.0]}, "fits no convention; allowed: numbers that rise or fall"),
    ],
)
def test_a_wrong_convention_is_named_with_the_remedy(kind, given, said):
    with pytest.raises(ValueError, match=".*".join(map(re.escape, said.split(".*")))) as caught:
        schedule(kind, **given)
    assert "did you mean" not in str(caught.value)
    assert len(str(caught.value)) <= 300


T = np.linspace(0, 2, 9)


def same(one, other):
    """Whether two schedules have the same noise and signal, bit by bit."""
    np.testing.assert_array_equal(one.tau(T), other.tau(T))
    np.testing.assert_array_equal(one.alpha(T), other.alpha(T))


def test_names_that_people_type_are_understood():
    assert schedule("vp-linear", beta_start=0.1, beta_end=20.0) == schedule("vp-linear")
    rates = {"beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000}
    betas = {"start": 0.00085, "end": 0.012, "num": 1000}
    assert schedule("table", **rates) == schedule("table", betas=betas)
    assert schedule("table", **rates, beta_schedule="scaled_linear") == schedule("table", betas={**betas, "scale": "sqrt"})
    assert schedule("flow-matching", flow_shift=3.0) == schedule("flow-matching", shift=3.0)
    assert schedule("table", logsnr=[3.0, -1.0]) == schedule("table", log_snr=[3.0, -1.0])


def test_lists_of_rates_and_of_log_snr_are_tables():
    betas = [0.1, 0.2, 0.4]
    product = schedule("table", alphas_cumprod=list(np.cumprod(1 - np.array(betas))))
    for one in (schedule("table", betas=betas), schedule("table", trained_betas=betas)):
        np.testing.assert_allclose(one.tau(T), product.tau(T), rtol=1e-14)
        np.testing.assert_allclose(one.alpha(T), product.alpha(T), rtol=1e-14)
    np.testing.assert_allclose(schedule("table", log_snr=[2.0, 0.5, -3.0]).log_snr([0, 1, 2]), [2.0, 0.5, -3.0], rtol=1e-14)


def test_a_list_of_sigmas_is_what_its_convention_says():
    steps = np.arange(3.0)
    flow = schedule("table", sigmas=[1.0, 0.5, 0.2], convention="flow")
    np.testing.assert_allclose(flow.noise(steps), [0.2, 0.5, 1.0], rtol=1e-14)
    np.testing.assert_allclose(flow.alpha(steps), [0.8, 0.5, 0.0], rtol=1e-14)
    preserving = schedule("table", sigmas=[0.9, 0.5, 0.2], convention="vp")
    np.testing.assert_allclose(preserving.alpha_bar(steps), 1 - np.square([0.2, 0.5, 0.9]), rtol=1e-14)
    ratio = schedule("table", sigmas=[0.9, 0.5, 0.2], convention="sigma_n")
    np.testing.assert_allclose(ratio.sigma(steps), [0.2, 0.5, 0.9], rtol=1e-14)
    assert schedule("table", sigmas=[9.0, 0.5]).parameters["convention"] == "sigma_n"
    assert schedule(**flow.parameters) == flow


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("list.txt", "14.6, 3.0, 3.0, 0.5, 0.0"),
        ("list.json", "[14.6, 3.0, 3.0, 0.5, 0.0]"),
        ("list.csv", "14.6\n3.0\n3.0\n0.5\n0.0\n"),
        ("list.yaml", "[14.6, 3.0, 3.0, 0.5, 0.0]"),
        ("list.npy", np.array([14.6, 3.0, 3.0, 0.5, 0.0])),
        ("list.npz", {"sigmas": np.array([14.6, 3.0, 3.0, 0.5, 0.0])}),
        ("columns.json", '{"sigmas": [14.6, 3.0, 3.0, 0.5, 0.0]}'),
    ],
)
def test_a_list_of_a_sampler_keeps_its_repeated_levels_and_its_end(tmp_path, name, contents):
    path = tmp_path / name
    if isinstance(contents, str):
        path.write_text(contents)
    else:
        (np.savez(path, **contents) if isinstance(contents, dict) else np.save(path, contents))
    one = schedule("table", file=str(path))
    np.testing.assert_array_equal(one.sample_times(), [3, 2, 2, 1, 0])
    np.testing.assert_allclose(one.sample_sigmas(), [14.6, 3, 3, 0.5, 0], rtol=1e-14)
    np.testing.assert_array_equal(one.timesteps(), [3, 2, 2, 1])
    # Levels that rise from 3.0 have the second call behind them, those that fall to it the first.
    np.testing.assert_allclose(
        one.sampling_step(np.array([14.6, 3.0, 2.999999, 0.5, 0.0]) ** 2 / 2), [0, 1, 2, 3, 4], atol=1e-6
    )
    assert schedule(**one.parameters) == one
    same(one, schedule("table", sigma_n="14.6, 3.0, 0.5, 0.0"))


def test_numbers_without_names_are_read_in_the_stated_convention(tmp_path):
    np.save(tmp_path / "a.npy", [0.1, 0.5, 0.9])
    for convention, column in {"alphas_cumprod": "alphas_cumprod", "betas": "betas"}.items():
        same(
            schedule("table", file=str(tmp_path / "a.npy"), convention=convention),
            schedule("table", **{column: [0.1, 0.5, 0.9]}),
        )
    np.save(tmp_path / "b.npy", [3.0, 0.5, -3.0])
    same(schedule("table", file=str(tmp_path / "b.npy")), schedule("table", log_snr=[3.0, 0.5, -3.0]))


def test_nothing_pickled_is_read(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", sigmas=np.array([{}, 1], dtype=object), allow_pickle=True)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(ValueError, match="cannot be read as"):
            schedule("table", file=str(tmp_path / name))
