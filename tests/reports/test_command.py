"""The command ``when``: data and families by flags, what is refused, and what it prints in a process of its own."""

import json
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.cli import main

TABLE = "a;b;kind\n" + "\n".join(
    f"{x},5;{y},0;{'cat' if x < 5 else 'dog'}" for x, y in [(0, 1), (0, 2), (1, 1), (9, 1), (9, 2), (8, 1)]
)


def run(capsys, *arguments):
    assert main(["when", *map(str, arguments)]) == 0
    return capsys.readouterr().out


@pytest.mark.slow
def test_a_family_by_its_axes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    printed = run(
        capsys,
        "--family",
        "pair",
        "--separation",
        2,
        "--weight",
        0.7,
        "--variance",
        0.25,
        "--schedule",
        "edm",
        "--steps",
        12,
    )
    assert printed.startswith("pair: separation 2, variance 0.25, weight 0.7")
    assert "of 12 calls" in printed
    with xr.open_dataset("when/when.nc") as stored:
        expected = ss.when(ss.families.pair(2.0, 0.25, 0.7), ss.schedule("edm", steps=12)).squeeze()
        np.testing.assert_array_equal(stored.tau_moment, expected.tau_moment)
        np.testing.assert_array_equal(stored.sampling_step, expected.sampling_step.values[:, None])


@pytest.mark.slow
def test_a_family_by_further_parameters(tmp_path, capsys):
    printed = run(
        capsys,
        "--family",
        "custom",
        "--set",
        "means=[[0, 0], [3, 0], [0, 3]]",
        "variances=[1.0, 1.0, 1.0]",
        "--into",
        tmp_path,
    )
    assert "Pairs of classes that part last" in printed


@pytest.mark.slow
def test_a_table_as_people_have_it(tmp_path, capsys):
    (tmp_path / "table.csv").write_text(TABLE)
    arguments = ("--data", tmp_path / "table.csv", "--label", "kind", "--range", -1, 1, "--into", tmp_path / "out", "--json")
    told = json.loads(run(capsys, *arguments))
    assert told["source"].startswith("2 classes of ")
    assert any(line.startswith("Units: ") for line in told["warnings"])
    assert "collapse" in told["coordinates"]["moment"]["data"]


@pytest.mark.slow
def test_data_without_labels_get_components(tmp_path, capsys):
    x = np.random.default_rng(0).standard_normal((90, 2)) + 6 * (np.arange(90) % 3)[:, None]
    np.save(tmp_path / "x.npy", x)
    printed = run(capsys, "--data", tmp_path / "x.npy", "--components", 3, "--replicates", 5, "--into", tmp_path)
    assert printed.startswith("3 components fitted to")
    assert "sigma ± error" in printed
    assert "Standard errors are of fits to samples drawn with replacement" in printed
    assert "No empirical score: the data have no labels" in printed


@pytest.mark.slow
def test_covariances_of_the_model_are_those_that_the_flag_names(tmp_path, capsys):
    flags = ("--data", "iris", "--schedule", "edm", "--draws", 64, "--into", tmp_path)
    printed = run(capsys, *flags, "--covariance", "full")
    assert "model: a Gaussian for each, a matrix for each class" in printed.splitlines()[0]
    assert "the bootstrap is of one variance" in printed
    assert "The isotropic score is" in printed
    expected = ss.when(ss.families.data(source="iris", covariance="full"), "edm", draws=64)
    with xr.open_dataset(tmp_path / "when.nc") as stored:
        np.testing.assert_array_equal(stored.tau_moment, expected.tau_moment)
        assert stored.route.values.tolist() == ["model", "empirical"]


@pytest.mark.slow
def test_schedules_have_parameters_and_two_of_one_kind_stand_beside_each_other(tmp_path, capsys):
    pair = ("--family", "pair", "--separation", 2, "--variance", 0.25, "--into", tmp_path)
    printed = run(capsys, *pair, "--schedule", "edm", "--schedule", "edm:sigma_max=40,rho=5")
    assert "edm:sigma_max=40,rho=5: steps" in printed
    assert "a family has no samples" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "when needs --data FILE or --family NAME"),
        (["--data", "digits", "--family", "pair"], "--family does not go with --data"),
        (["--data", "digits", "--separation", "2"], "--separation does not go with --data"),
        (["--family", "pair", "--separation", "2", "--label", "x"], "--label does not go with --family"),
        (["--family", "pair", "--separation", "2", "--missing", "drop"], "--missing does not go with --family"),
        (["--family", "pair", "--separation", "2", "--ignore", "x"], "--ignore does not go with --family"),
        (["--data", "iris", "--ignore", "x"], "ignore = "),
        (["--family", "par", "--separation", "2"], "did you mean 'pair'"),
        (["--family", "pair"], "needs separation"),
        (["--family", "quartic"], "has wells; allowed: a family of mixtures"),
        (["--family", "pair", "--separation", "2", "--schedule", "emd"], "schedule kind = 'emd' is not known"),
        (["--family", "pair", "--separation", "2", "--set", "scaling"], "allowed: NAME=VALUE"),
        (["--data", "nowhere.csv"], "nowhere.csv"),
        (["--family", "pair", "--separation", "2", "--covariance", "full"], "--covariance does not go with --family"),
        (
            ["--data", "iris", "--covariance", "full", "--replicates", "4"],
            "--replicates does not go with --covariance; allowed: with isotropic",
        ),
        (["--data", "iris", "--replicates", "-1"], "--replicates = -1 is not allowed; allowed: 0 (none) or a number"),
        (
            ["--data", "iris", "--replicates", "1"],
            "--replicates = 1 is not allowed; allowed: 0 (none) or a number",
        ),
        (["--family", "pair", "--separation", "nan"], "separation = nan is not allowed; allowed: a finite number >= 0"),
        (["--family", "simplex", "--separation", "2", "--draws", "0"], "draws = 0 is not allowed; allowed: a whole number"),
        (["--family", "pair", "--separation", "2", "--into", "/proc/x"], "--into '/proc/x' cannot be written"),
        (["--family", "pair", "--separation", "2", "--schedule", "emd"], "(did you mean 'edm'?)"),
        (["--family", "pair", "--separation", "2", "--schedule", "edm:foo=3"], "allowed: rho, sigma_max, sigma_min"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["when", *arguments]) == 2
    message = capsys.readouterr().err.strip()
    assert said in message
    assert "\n" not in message
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_at_a_terminal_it_says_what_it_computes(tmp_path, monkeypatch, capsys):
    flags = ["when", "--family", "pair", "--separation", "2", "--into", str(tmp_path)]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(flags) == 0
    assert capsys.readouterr().err.splitlines() == [
        "family pair ...",
        "noise levels ...",
        "class entropy ...",
        "pictures ...",
    ]
    assert main([*flags, "--json"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_it_runs_in_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-m", "scoreshock", "when", "--data", "iris", "--schedule", "edm"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)
    assert ended.stdout.startswith("3 classes of iris: 150 samples, 4 features")
    assert ended.stderr == ""
    assert {path.name for path in (tmp_path / "when").iterdir()} >= {"when.nc", "when.html"}


TREES = "a,b,tree kind,species\n0,1,x,fir\n1,1,y,fir\n3,4,x,yew\n3,5,x,yew\n,5,x,yew\n9,1,y,oak\n9,2,y,oak\n"


@pytest.mark.slow
def test_messages_advise_flags_and_these_do_what_they_say(tmp_path, capsys):
    (tmp_path / "trees.csv").write_text(TREES)
    flags = ["--data", str(tmp_path / "trees.csv"), "--into", str(tmp_path)]
    assert main(["when", *flags]) == 2
    assert capsys.readouterr().err.strip().endswith("allowed: numbers, or --ignore 'tree kind'")
    flags += ["--ignore", "tree kind"]
    assert main(["when", *flags]) == 2
    assert capsys.readouterr().err.strip().endswith("allowed: numbers in all rows, or --missing drop")
    told = run(capsys, *flags, "--missing", "drop", "--replicates", 4)
    assert "6 samples, 2 features" in told
    assert "By the empirical score of 6 samples" in told


@pytest.mark.slow
def test_columns_and_rows_are_left_out_of_what_components_are_fitted_to(tmp_path, capsys):
    x = np.random.default_rng(0).standard_normal((40, 2)) + 6 * (np.arange(40) % 2)[:, None]
    rows = [f"{a},{b},x" for a, b in x]
    (tmp_path / "x.csv").write_text("\n".join(["a,b,kind", *rows, ",1,x"]))
    flags = ("--ignore", "kind", "--missing", "drop", "--replicates", 3)
    told = run(capsys, "--data", tmp_path / "x.csv", "--components", 2, *flags, "--into", tmp_path)
    assert "40 samples, 2 features" in told


@pytest.mark.slow
def test_one_sample_a_class_has_a_report_that_says_what_it_lacks(tmp_path, capsys):
    (tmp_path / "one.csv").write_text("a,b,label\n0,1,fir\n3,4,yew\n9,1,oak\n")
    flags = ("--data", tmp_path / "one.csv", "--into", tmp_path)
    told = run(capsys, *flags)
    assert "too few samples for covariances by class" in told
    assert "No empirical score: fewer than two classes" in told
    assert main(["when", *map(str, flags), "--covariance", "full"]) == 2
    assert "covariance = 'full' needs more samples" in capsys.readouterr().err


@pytest.mark.slow
def test_files_that_are_replaced_are_said(tmp_path, capsys):
    flags = ("--family", "pair", "--separation", 2, "--into", tmp_path)
    data, page = tmp_path / "when.nc", tmp_path / "when.html"
    assert run(capsys, *flags).splitlines()[-1] == f"Written: {data}, {page}"
    data.unlink()
    assert run(capsys, *flags).splitlines()[-1] == f"Written: {data}, {page} (replaced)"
