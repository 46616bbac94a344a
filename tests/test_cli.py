"""The command: what it prints, and how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scoreshock.cli import main, read_study
from scoreshock.storage import plans, provenance, store
from scoreshock.study.schema import schema
from scoreshock.study.study import load_study

from .described import made

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "cases"
DEFAULT = str(ROOT / "config" / "config.yaml")

STUDY = """
output: {folder}
sweeps:
  line:
    family: pair
    axes: {{separation: [1.0, 2.0], weight: [0.5, 0.6, 0.7]}}
    split: [weight]
    quantities: [speciation]
"""


@pytest.fixture
def study(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.format(folder=tmp_path / "results"))
    return str(file)


def write(path, content, **attributes):
    """A whole file that claims to hold ``content``."""
    dataset = made({"tau_star": ("separation", [0.5, 2.0])}, {"separation": [1.0, 2.0]})
    store.write(dataset, path, provenance.attributes(content, "speciation") | attributes)


def test_validate_summarises_the_study(capsys):
    assert main(["validate", "--configfile", DEFAULT]) == 0
    printed = capsys.readouterr().out
    assert "pair: pair, scores (2 blocks), speciation, corrections, amplification" in printed
    assert "The study is valid." in printed


def test_validate_checks_the_paper_from_any_folder_and_names_options_that_nothing_takes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.yaml"
    sweeps = "sweeps: {s: {family: pair, axes: {separation: 1.0}, quantities: [scores], order: 3, rtol: 1.0e-6}}\n"
    file.write_text(sweeps)
    assert main(["validate", "--configfile", str(file)]) == 0
    assert "s: order, rtol: used by none of its quantities" in capsys.readouterr().out
    file.write_text(sweeps + "paper: {pear: 1}\n")
    assert main(["validate", "--configfile", str(file)]) == 2
    assert "paper.pear" in capsys.readouterr().err


@pytest.mark.slow
def test_validate_checks_the_parameters_of_the_paper_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    file = tmp_path / "mine.yaml"
    file.write_text("paper: {pair: {separation: -2.0}, pear: 1}\n")
    assert main(["validate", "--configfile", str(file)]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert [line.split(":")[0] for line in seen.err.splitlines()[1:]] == ["paper.pair.separation", "paper.pear"]
    pair = "{family: pair, axes: {separation: 1.0}, quantities: [scores]}"
    (tmp_path / "gone").symlink_to(tmp_path / "purged")
    for study, line in {
        f"paper: {{output: {tmp_path}/gone}}\n": "paper.output: '",
        "paper: {output: ~/paper}\n": "paper.output: '~/paper' is not allowed; allowed: a path on this machine",
        f"sweeps: {{paper: {pair}}}\n": "sweeps.paper: its folder 'results/paper' is that of `snakemake verify`",
    }.items():
        file.write_text(study)
        assert main(["validate", "--configfile", str(file)]) == 2
        assert capsys.readouterr().err.splitlines()[1].startswith(line)
    file.write_text(f"paper: {{output: elsewhere}}\nsweeps: {{paper: {pair}}}\n")
    assert main(["validate", "--configfile", str(file)]) == 0


def test_wrong_input_ends_with_2_and_its_messages_on_stderr(tmp_path, capsys):
    file = tmp_path / "bad.yaml"
    file.write_text("sweeps: {p: {family: pear, axes: {separation: 1e-3}, quantities: [scores]}}\n")
    for command in ("validate", "plan", "status", "open"):
        assert main([command, "--configfile", str(file)]) == 2
        seen = capsys.readouterr()
        assert seen.out == ""
        assert seen.err.splitlines() == [
            "The study is not valid:",
            f"sweeps.p.family: 'pear' is not allowed (did you mean 'pair'?); allowed: {', '.join(_families())}",
            "sweeps.p.axes.separation: '1e-3' is not allowed (text, not a number: write 0.001; YAML reads 1e-3 as text); "
            "allowed: a finite number",
        ]


def _families():
    from scoreshock.densities.families import FAMILIES

    return FAMILIES


def test_a_missing_file_and_an_unknown_command_end_with_2(capsys):
    assert main(["plan", "--configfile", "nowhere.yaml"]) == 2
    assert "nowhere.yaml: cannot be read: No such file or directory" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["paln"])
    assert ended.value.code == 2


@pytest.mark.slow
def test_plan_prints_a_table(capsys):
    assert main(["plan", "--configfile", DEFAULT]) == 0
    printed = capsys.readouterr().out
    head = [cell.strip() for cell in printed.splitlines()[0].strip("|").split("|")]
    assert head == ["sweep", "quantity", "blocks", "points", "on disk", "chunk", "time"]
    assert "1,372,560" in printed
    assert "5 jobs, with joining, comparing and drawing" in printed


def test_schema_prints_the_schema(capsys):
    assert main(["schema"]) == 0
    printed = capsys.readouterr().out
    assert printed == schema()
    assert json.loads(printed)["title"] == "scoreshock study"


def test_later_files_override_earlier_ones(tmp_path, study, capsys):
    over = tmp_path / "over.yaml"
    over.write_text("sweeps: {line: {split: []}}\n")
    assert main(["validate", "--configfile", study, str(over)]) == 0
    assert "line: pair, speciation\n" in capsys.readouterr().out
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("- 1\n")
    assert main(["validate", "--configfile", study, str(wrong)]) == 2
    assert f"{wrong}: [1] is not a mapping" in capsys.readouterr().err


def test_an_axis_a_grid_and_a_schedule_are_laid_over_as_a_whole(tmp_path):
    top = tmp_path / "top.yaml"
    top.write_text(
        "schedules: {ddpm: {kind: edm}}\n"
        "sweeps: {pair: {tau: [0.5], split: ~, parameters: {scaling: per-coordinate}, axes: {schedule: ~}}, triangle: ~}\n"
    )
    study = read_study([DEFAULT, str(CASES / "k10_over.yaml"), str(top)])
    assert list(study.sweeps) == ["pair", "dimension", "digits"]
    pair = study.sweeps["pair"]
    assert (list(pair.axes), pair.axes["separation"]) == (
        ["separation", "variance", "weight", "dimension"],
        {"values": [1.0, 2.0]},
    )
    assert (pair.split, dict(pair.schedules), pair.parameters) == ((), {}, {"scaling": "per-coordinate"})
    assert pair.options["tau"] == {"values": [0.5], "unit": "absolute"}
    assert study.sweeps["dimension"].schedules["ddpm"]["kind"] == "edm"


@pytest.mark.slow
def test_a_file_without_sweeps_changes_the_default_study(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    over = tmp_path / "over.yaml"
    over.write_text("schedules: {ddpm: {kind: vp-linear, beta_max: 19.0}}\n")
    assert main(["validate", "--configfile", str(over)]) == 0
    assert "digits: data, scores, speciation" in capsys.readouterr().out


@pytest.mark.slow
def test_open_prints_the_code_and_the_dataset(tmp_path, study, capsys):
    sweep = load_study(study).sweeps["line"]
    plans.write_plan(tmp_path / "results" / "line", sweep.description())
    dataset = made(
        {"tau_star": (("separation", "weight"), [[0.5] * 3, [2.0] * 3])},
        {"separation": [1.0, 2.0], "weight": [0.5, 0.6, 0.7]},
    )
    path = tmp_path / "results" / "line" / "speciation.nc"
    about = provenance.attributes(sweep.content("speciation"), "speciation")
    store.write(dataset, path, about | {provenance.DIGEST: sweep.planned("speciation").digest})
    assert main(["open", "--configfile", study]) == 0
    printed = capsys.readouterr().out
    assert f"ds = ss.open_results('{tmp_path / 'results'}', 'line', 'speciation')" in printed
    assert "tau_star" in printed


def test_open_names_missing_results(study, capsys):
    assert main(["open", "--configfile", study]) == 2
    assert "no sweep 'line'" in capsys.readouterr().err
    assert main(["open", "lin", "--configfile", study]) == 2
    assert "sweep 'lin' is not in the study; allowed: line" in capsys.readouterr().err
    assert main(["open", "line", "scores", "--configfile", study]) == 2
    assert "quantity 'scores' is not in the study; allowed: speciation" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_ends_without_a_traceback(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "scoreshock.cli", "validate", "--configfile", str(tmp_path / "none.yaml")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert "cannot be read" in run.stderr
