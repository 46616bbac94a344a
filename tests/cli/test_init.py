"""Studies that ``init`` writes."""

import re

import pytest
import yaml

from scoreshock.cli import main
from scoreshock.cli.init import PARAMETERS
from scoreshock.densities.families import FAMILIES
from scoreshock.study.study import Study, load_study


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


FROM_FLAGS = [name for name in FAMILIES if name not in ("custom", "data", "networks")]  # those need a file


@pytest.mark.parametrize("family", FROM_FLAGS)
def test_the_written_study_of_each_family_is_valid_and_as_asked_for(family, capsys):
    assert main(["init", "mine.yaml", "--family", family, "--schedule", "edm", "--name", "s"]) == 0
    assert "To run it: scoreshock run mine.yaml" in capsys.readouterr().out
    sweep = load_study("mine.yaml").sweeps["s"]
    assert sweep.family == family
    assert list(sweep.schedules) == ["edm"]


@pytest.mark.parametrize("family", ["data", *FROM_FLAGS])
def test_every_line_that_is_commented_out_is_valid_as_it_stands(family):
    given = ["--data", "iris"] if family == "data" else ["--family", family]
    assert main(["init", "mine.yaml", *given, "--schedule", "edm"]) == 0
    with open("mine.yaml") as file:
        text = file.read()
    uncommented = re.sub(r"^( +)# ([a-z_]+:(?: (?!# ).*)?)$", r"\1\2", text, flags=re.MULTILINE)
    uncommented = re.sub(r"^ +\w+:  # .*\n", "", uncommented, flags=re.MULTILINE)  # without a value
    study, more = yaml.safe_load(text), yaml.safe_load(uncommented)
    (plain,), (full,) = study["sweeps"].values(), more["sweeps"].values()
    assert len(full) > len(plain) + 1
    assert full["split"] == [next(iter(full["axes"]))]
    sweeps = [Study.from_mapping(each).sweeps for each in (study, more)]
    (first, second) = (next(iter(each.values())) for each in sweeps)
    for quantity in first.quantities:  # the values are the defaults
        assert first.content(quantity) == second.content(quantity)


def test_flags_of_data_become_parameters():
    flags = ["--label", "kind", "--scaling", "unit-variance", "--covariance", "shared", "--quantities", "speciation"]
    with open("my table.csv", "w") as file:
        file.write("u,v,kind\n" + "".join(f"{i % 3 + i / 7},{i * i % 5},{'ab'[i % 2]}\n" for i in range(40)))
    assert main(["init", "--data", "my table.csv", *flags]) == 0
    (name, sweep), *_ = load_study("study.yaml").sweeps.items()
    assert name == "my-table"
    given = {"file": "my table.csv", "label": "kind", "scaling": "unit-variance", "covariance": "shared"}
    assert dict(sweep.parameters) == dict(sweep.parameters) | given
    assert sweep.quantities == ("speciation",)


def test_schedules_by_file_and_label_and_axes_by_value():
    with open("levels.txt", "w") as file:
        file.write("14.6 6.3 2.2 0.55 0.0\n")
    flags = ["--schedule", "levels.txt", "--schedule", "comfy=levels.txt", "--schedule", "ve"]
    axes = ["--separation", "1", "2.5", "--weight", "0.3", "--set", "scaling=per-coordinate"]
    assert main(["init", "mine.yaml", *flags, *axes, "--output", "my results"]) == 0
    study = load_study("mine.yaml")
    sweep = study.sweeps["pair"]
    assert study.output == "my results"
    assert list(sweep.schedules) == ["levels", "comfy", "ve"]
    assert sweep.axes["separation"] == {"values": [1.0, 2.5]}
    assert sweep.parameters["scaling"] == "per-coordinate"


def test_nothing_is_overwritten_and_nothing_invalid_is_written(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("mine\n")
    for words, said in {
        ("mine.yaml",): "mine.yaml exists and is not overwritten; give another name, or remove it",
        ("a.yaml", "--data", "nowhere.csv"): "file nowhere.csv does not exist",
        ("a.yaml", "--schedule", "edn"): "'edn' is not allowed",
        (
            "a.yaml",
            "--family",
            "pair",
            "--label",
            "y",
        ): "--label does not go with --family pair; allowed: --data, or a family",
        ("a.yaml", "--set", "scaling"): "--set 'scaling' is not allowed; allowed: NAME=VALUE",
        ("a.yaml", "--variance", "-1"): "-1 is not allowed",
    }.items():
        assert main(["init", *words]) == 2
        assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]
    assert (tmp_path / "mine.yaml").read_text() == "mine\n"


def test_every_parameter_of_a_family_is_explained():
    assert sorted({name for family in FAMILIES.values() for name in family.parameters}) == sorted(PARAMETERS)
