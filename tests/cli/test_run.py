"""The command ``run``, as a process of its own in a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml
from snakemake.cli import parse_args

import scoreshock as ss
from scoreshock.cli import main, parser_of, shipped
from scoreshock.cli.run import snakemake_words
from scoreshock.study import work
from scoreshock.study.plan import estimate
from scoreshock.study.study import load_study

from .. import forks

AXES = {"separation": [1.0, 2.0], "weight": [0.5, 0.7]}
STUDY = {"sweeps": {"line": {"family": "pair", "axes": AXES, "split": ["weight"], "quantities": ["speciation"]}}}
JOBS = ("plan of the study", "speciation of line, compared", "figures of line", "the page of the study: results/index.html")
JOB = JOBS[1]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(shipped.PACKAGE.parent)}


def run(folder, *words):
    """Exit code, and the lines of all that is printed."""
    ended = forks.server().run("scoreshock", "run", *words, cwd=folder, env=ENVIRONMENT, limit=300, fork_jobs=True)
    return ended.code, ended.output.splitlines()


@pytest.fixture
def folder(tmp_path):
    """A folder with a blank in its name, and the study ``my study.yaml`` in it."""
    made = tmp_path / "my folder"
    made.mkdir()
    (made / "my study.yaml").write_text(yaml.safe_dump(STUDY))
    return made


@pytest.mark.slow
def test_a_run_prints_a_line_for_each_job_and_ends_with_the_code_that_opens_its_results(folder):
    code, lines = run(folder, "my study.yaml")
    assert code == 0, lines
    assert lines[0] == estimate(*work.amount(load_study(folder / "my study.yaml")))  # what the plan says
    assert [line[:6] for line in lines[1:5]] == ["[1/4] ", "[2/4] ", "[3/4] ", "[4/4] "]
    assert {re.sub(r", (< )?[\d.]+ s$", "", line[6:].partition("; about ")[0]) for line in lines[1:5]} == set(JOBS)
    where = lines[5:]
    assert where[0] == f"Results in {folder / 'results'}:"
    code_lines = where[where.index("Open them in a session:") + 1 :][:2]
    scope = {}
    exec("\n".join(line.strip() for line in code_lines), scope)
    assert scope["ds"].sizes["weight"] == 2
    assert where[-1].endswith(f": {folder / 'results' / 'index.html'}")
    code, again = run(folder, "my study.yaml")
    assert (code, again) == (0, ["Nothing to do: all results are up to date.", *where])
    (folder / "over.yaml").write_text("sweeps: {line: {axes: {weight: [0.5]}, split: ~}}\n")
    code, lines = run(folder, "my study.yaml", "over.yaml", "--dry-run")
    assert (code, set(lines[1:])) == (0, {f"  {name}" for name in JOBS})
    assert ss.open_results(folder / "results", "line", "speciation").sizes["weight"] == 2


@pytest.mark.slow
def test_a_failed_job_is_named_with_its_log_and_the_next_step(folder):
    obstacle = folder / "results" / "line" / "comparison.nc" / "not empty"
    obstacle.mkdir(parents=True)
    code, lines = run(folder, "my study.yaml", "-c", "1")
    assert code == 1
    failed = lines.index(f"Failed: {JOB}. Its log, results/logs/data@line.log, ends with:")
    assert any("results/line/comparison.nc" in line for line in lines[failed + 1 : -1])
    assert all(line.startswith("  ") for line in lines[failed + 1 : -1])
    assert lines[-1] == "Finished results are kept. Remove the cause, then continue: scoreshock run 'my study.yaml'"
    obstacle.rmdir()
    obstacle.parent.rmdir()
    assert run(folder, "my study.yaml")[0] == 0


@pytest.mark.slow
def test_what_stops_snakemake_before_its_first_job_ends_with_2(folder):
    code, lines = run(folder, "my study.yaml", "--", "--no-such-flag")
    assert (code, lines) == (2, ["unrecognized arguments: --no-such-flag (`snakemake --help` lists its flags)"])
    code, lines = run(folder, "my study.yaml", "--", "no/such/file")
    assert (code, lines[0].partition(" (")[0]) == (2, "No rule to produce no/such/file")
    locks = folder / ".snakemake" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    (locks / "0.output.lock").write_text("results/line/speciation.nc\n")
    code, lines = run(folder, "my study.yaml")
    assert code == 2
    assert lines[0].startswith("Directory cannot be locked.")
    assert lines[-1] == "If no other run uses this folder: scoreshock run 'my study.yaml' -- --unlock"
    code, lines = run(folder, "my study.yaml", "--", "--unlock")
    assert (code, len(lines)) == (0, 1)
    assert lines[0].startswith("Unlock")
    assert run(folder, "my study.yaml", "--", "results/line/speciation.nc")[0] == 0


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_the_same_command_continues(folder):
    axes = {"separation": {"start": 0.5, "stop": 8.0, "num": 500_000}, "weight": [0.5, 0.7]}
    (folder / "long.yaml").write_text(yaml.safe_dump({"sweeps": {"line": STUDY["sweeps"]["line"] | {"axes": axes}}}))
    with subprocess.Popen(
        [sys.executable, "-m", "scoreshock", "run", "long.yaml"],
        cwd=folder,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 120
        while not list(folder.glob("results/logs/*@line*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, printed = process.communicate(timeout=120)
    assert process.returncode == 130
    assert printed.splitlines()[-1] == "Interrupted. Finished results are kept; to continue: scoreshock run long.yaml"
    assert run(folder, "my study.yaml")[0] == 0  # nothing is locked


@pytest.mark.slow
def test_the_paper_and_snakemake_itself(folder):
    code, lines = run(folder, "my study.yaml", "--paper", "--dry-run")
    assert code == 0
    assert "  section 5 of the paper" in lines
    code, lines = run(folder, "my study.yaml", "--verbose", "--dry-run")
    assert code == 0
    assert any("Building DAG of jobs" in line for line in lines)


@pytest.mark.parametrize("given", [["--paper"], ["--", "some/file"], ["--", "some/file", "--workflow-profile", "mine"]])
def test_snakemake_takes_the_target_for_a_target(given):
    words, _, passed = " ".join(["mine.yaml", "--allow-plugins", *given]).partition(" -- ")
    options = parser_of("run").parse_intermixed_args(words.split())
    options.passed = passed.split()
    _, understood = parse_args([str(word) for word in snakemake_words(options)])
    assert understood.targets == (["verify"] if "--paper" in given else ["some/file"])
    assert [path.name for path in understood.configfile] == ["mine.yaml"]
    assert understood.config == ["allow_plugins=true"]


def test_flags_that_would_run_another_study_are_refused(study, capsys):
    for words, remedy in {
        ("--configfile", "other.yaml"): "name the files before --",
        ("--config=output=there",): "write the keys into a file, and name it after the study: FILE OVER.yaml",
        ("-s", "Snakefile"): "leave it out; to run another workflow, call snakemake",
        ("--directory", "there"): "go into that folder first",
    }.items():
        assert main(["run", study, "--", *words]) == 2
        assert capsys.readouterr().err == f"{words[0]} is not allowed after --; {remedy}\n"
    assert main(["run", study, "--profile", "slrum"]) == 2
    allowed = "cluster-generic, default, lsf, slurm, or a folder with config.yaml"
    assert capsys.readouterr().err == f"--profile 'slrum' is not allowed; allowed: {allowed}\n"


@pytest.mark.parametrize("cores", ["0", "-1", "many", "2.5"])
def test_cores_are_a_positive_number_or_all(study, cores, capsys):
    assert main(["run", study, f"--cores={cores}"]) == 2
    assert f"{cores!r} is not allowed; allowed: a whole number from 1 on, or all" in capsys.readouterr().err


def test_an_invalid_study_is_not_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("sweeps: {p: {family: pear, axes: {}, quantities: [scores]}}\n")
    assert main(["run", "bad.yaml"]) == 2
    assert "sweeps.p.family: 'pear' is not allowed" in capsys.readouterr().err
    sweeps = "sweeps: {s: {family: pair, axes: {separation: 1.0}, quantities: [scores]}}"
    template = f"__use_yte__: true\noutput: \"?open('ran', 'w').name\"\n{sweeps}\n"  # code, if Snakemake reads it
    (tmp_path / "bad.yaml").write_text(template)
    assert main(["run", "bad.yaml"]) == 2
    assert capsys.readouterr().err.startswith("The study is not valid:\n")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]
