"""What the command ``open`` prints of results."""

import json
import shutil

import pytest

from scoreshock.cli import main

pytestmark = pytest.mark.slow


def test_open_prints_the_code_and_the_dataset(computed, capsys):
    assert main(["open", str(computed)]) == 0
    code, printed = capsys.readouterr().out.split("print(ds)\n\n")
    assert "tau_star" in printed
    scope = {}
    exec(code, scope)
    assert scope["ds"].sizes["weight"] == 3


def test_json_of_open_lists_what_there_is(computed, capsys):
    assert main(["open", str(computed), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sweeps"] == {"line": ["speciation"]}
    assert (
        told["sizes"] == {"separation": 2, "weight": 3, "criterion": 2, "root": 3, "event": 1, "schedule": 2} | told["sizes"]
    )
    assert told["code"][1] == f"ds = ss.open_results({str(computed)!r}, 'line', 'speciation')"
    assert "tau_star" in told["variables"]


def test_results_open_by_their_study_too(computed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(computed, "results")
    file = tmp_path / "mine.yaml"
    file.write_text("sweeps: {line: {family: pair, axes: {separation: 1.0}, quantities: [speciation]}}\n")
    assert main(["open", str(file), "--sweep", "line"]) == 0
    assert "open_results('results', 'line', 'speciation')" in capsys.readouterr().out


def test_more_beside_a_folder_is_answered_with_the_flags(computed, capsys):
    assert main(["open", str(computed), "line", "speciation"]) == 2
    assert capsys.readouterr().err.endswith(" is not allowed; allowed: --sweep NAME --quantity NAME\n")
    assert main(["status", str(computed)]) == 2
    assert f"{computed} is a folder, which is not allowed; allowed: the file of a study" in capsys.readouterr().err


def test_open_names_missing_results(study, tmp_path, capsys):
    for command in ("open", "figure"):
        assert main([command, study]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert "no sweep 'line'" in told.err
        assert told.err.endswith(f"; to compute it: scoreshock run {study}\n")
    assert main(["open", study, "--sweep", "lin"]) == 2
    assert "--sweep = 'lin' is not allowed (did you mean 'line'?); allowed: line" in capsys.readouterr().err
    assert main(["open", study, "--quantity", "scores"]) == 2
    assert "--quantity = 'scores' is not allowed; allowed: speciation" in capsys.readouterr().err
    assert main(["open", str(tmp_path)]) == 2
    assert "holds no results (SWEEP/sweep.json); to compute a study: scoreshock run FILE" in capsys.readouterr().err
