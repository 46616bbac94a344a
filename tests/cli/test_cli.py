"""The command: what it prints, and how it ends."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import scoreshock
from scoreshock.cli import COMMANDS, main, overview, parser_of
from scoreshock.cli.studies import read_study
from scoreshock.study.plan import estimate
from scoreshock.study.schema import schema

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases"
DEFAULT = str(ROOT / "config" / "config.yaml")


@pytest.mark.slow
def test_validate_summarises_the_study(capsys):
    assert main(["validate", DEFAULT]) == 0
    printed = capsys.readouterr().out
    assert "pair: pair, scores (2 blocks), speciation, corrections, amplification" in printed
    assert "The study is valid." in printed


def test_validate_checks_the_paper_from_any_folder_and_names_options_that_nothing_takes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.yaml"
    sweeps = "sweeps: {s: {family: pair, axes: {separation: 1.0}, quantities: [scores], order: 3, rtol: 1.0e-6}}\n"
    file.write_text(sweeps)
    assert main(["validate", str(file)]) == 0
    assert "s: order, rtol: used by none of its quantities" in capsys.readouterr().out
    file.write_text(sweeps + "paper: {pear: 1}\n")
    assert main(["validate", str(file)]) == 2
    assert "paper.pear" in capsys.readouterr().err


@pytest.mark.slow
def test_validate_checks_the_parameters_of_the_paper_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.yaml"
    file.write_text("paper: {pair: {separation: -2.0}, pear: 1}\n")
    assert main(["validate", str(file)]) == 2
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
        assert main(["validate", str(file)]) == 2
        assert capsys.readouterr().err.splitlines()[1].startswith(line)
    file.write_text(f"paper: {{output: elsewhere}}\nsweeps: {{paper: {pair}}}\n")
    assert main(["validate", str(file)]) == 0


def test_wrong_input_ends_with_2_and_its_messages_on_stderr(tmp_path, capsys):
    file = tmp_path / "bad.yaml"
    file.write_text("sweeps: {p: {family: pear, axes: {separation: 1e-3}, quantities: [scores]}}\n")
    for command in ("validate", "plan", "status", "open"):
        assert main([command, str(file)]) == 2
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
    assert main(["plan", "no where.yaml"]) == 2
    said = "no where.yaml does not exist; to write a study: scoreshock init 'no where.yaml'\n"
    assert capsys.readouterr().err == said
    assert main(["paln"]) == 2
    assert "'paln' is not a command (did you mean 'plan'?); allowed: run, init, " in capsys.readouterr().err


@pytest.mark.slow
def test_plan_prints_a_table(capsys):
    assert main(["plan", DEFAULT]) == 0
    printed = capsys.readouterr().out
    head = [cell.strip() for cell in printed.splitlines()[0].strip("|").split("|")]
    assert head == ["sweep", "quantity", "blocks", "points", "on disk", "chunk", "time"]
    assert main(["plan", "--json", DEFAULT]) == 0
    told = json.loads(capsys.readouterr().out)
    (total,) = [line for line in printed.splitlines() if line.startswith("| total ")]
    assert total.split("|")[4].strip() == f"{sum(each['points'] for each in told['quantities']):,}"
    pairs = 76 * 2 * 3  # of separation, variance and weight; scores also in two dimensions, at 301 x and 5 times
    assert {each["points"] for each in told["quantities"] if each["sweep"] == "pair"} == {pairs, pairs * 2 * 301 * 5}
    assert f"\n{estimate(told['jobs'], told['seconds'])}: with joining, comparing, drawing and the start" in printed
    assert not any(line.rstrip("| ").endswith(" 0 s") for line in printed.splitlines())


def test_schema_prints_the_schema(capsys):
    assert main(["schema"]) == 0
    printed = capsys.readouterr().out
    assert printed == schema()
    assert json.loads(printed)["title"] == "scoreshock study"


def test_later_files_override_earlier_ones(tmp_path, study, capsys):
    over = tmp_path / "over.yaml"
    over.write_text("sweeps: {line: {split: []}}\n")
    assert main(["validate", study, str(over)]) == 0
    assert "line: pair, speciation\n" in capsys.readouterr().out
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("- 1\n")
    assert main(["validate", study, str(wrong)]) == 2
    assert f"{wrong}: [1] is not a mapping" in capsys.readouterr().err


@pytest.mark.slow
def test_an_axis_a_grid_and_a_schedule_are_laid_over_as_a_whole(tmp_path):
    top = tmp_path / "top.yaml"
    top.write_text(
        "schedules: {ddpm: {kind: edm}}\n"
        "sweeps: {pair: {tau: [0.5], split: ~, parameters: {scaling: per-coordinate}, axes: {schedule: ~}}, triangle: ~}\n"
    )
    study = read_study([DEFAULT, str(CASES / "k10_over.yaml"), str(top)])
    assert list(study.sweeps) == [name for name in read_study([DEFAULT]).sweeps if name != "triangle"]
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
    monkeypatch.chdir(tmp_path)
    over = tmp_path / "over.yaml"
    over.write_text("schedules: {ddpm: {kind: vp-linear, beta_max: 19.0}}\n")
    assert main(["validate", str(over)]) == 0
    assert "digits: data, scores, speciation" in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_ends_without_a_traceback(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "scoreshock", "validate", str(tmp_path / "none.yaml")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert "does not exist" in run.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert f"example:\n  scoreshock {name}" in printed
    words = shlex.split(COMMANDS[name].example)
    parser_of(name).parse_intermixed_args(words[: words.index(">")] if ">" in words else words)


@pytest.mark.slow
def test_files_and_flags_come_in_any_order(study, capsys):
    for words in (["--json", study], [study, "--json"]):
        assert main(["plan", *words]) == 0
        assert json.loads(capsys.readouterr().out)["quantities"][0]["points"] == 6


def test_without_a_word_the_help_is_printed_and_version_tells_the_version(capsys):
    assert main([]) == 2
    printed = capsys.readouterr().out
    assert printed == f"{overview()}\n"
    assert all(f"\n  {name} " in printed for name in COMMANDS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"scoreshock {scoreshock.__version__}\n"


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--version"], ["--help"], ["run", "--help"]], ids=" ".join)
def test_version_and_help_import_no_library_of_numbers(words):
    code = f"import sys; from scoreshock.cli import main\ntry: main({words})\nexcept SystemExit: pass\n"
    slow = "print(sorted({'numpy', 'xarray', 'pydantic', 'snakemake', 'yaml'} & set(sys.modules)), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code + slow], capture_output=True, text=True, check=True, timeout=60)
    assert run.stderr == "[]\n"


def test_json_of_validate_lists_sweeps_or_problems(study, tmp_path, capsys):
    assert main(["validate", "--json", study]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "valid": True,
        "problems": [],
        "sweeps": {"line": {"family": "pair", "blocks": {"speciation": 3}, "unused": []}},
    }
    bad = tmp_path / "bad.yaml"
    bad.write_text("sweeps: {p: {family: pear, axes: {}, quantities: [scores]}}\n")
    assert main(["validate", "--json", str(bad)]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["valid"], told["sweeps"]) == (False, {})
    assert told["problems"][0].startswith("sweeps.p.family: 'pear' is not allowed")


@pytest.mark.slow
def test_without_a_file_the_study_is_that_of_the_folder_else_the_default_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["validate"]) == 0
    printed = capsys.readouterr()
    assert printed.err == f"Study: the default one, {DEFAULT}; to write your own: scoreshock init\n"
    assert "triangle: polygon" in printed.out
    assert main(["init", "--name", "mine"]) == 0
    capsys.readouterr()
    assert main(["validate"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "Study: study.yaml\n"
    assert printed.out.startswith("mine: pair, ")


@pytest.mark.slow
def test_status_says_what_computes_the_rest(study, capsys):
    assert main(["status", study]) == 1
    assert capsys.readouterr().out.endswith(f"To compute what is missing or stale: scoreshock run {study}\n")
