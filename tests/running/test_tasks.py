"""Files and messages of a job that succeeds or fails; the summary at the end of a run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from scoreshock.running import tasks as running
from scoreshock.storage import provenance, store
from scoreshock.study import work
from scoreshock.study.study import Study

STUDY = Study.from_mapping(
    {
        "output": "out",
        "sweeps": {"line": {"family": "pair", "axes": {"separation": 1.0}, "quantities": ["scores", "speciation"]}},
    }
)


def test_the_summary_lists_existing_results_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "out" / "line"
    folder.mkdir(parents=True)
    assert running.summary(STUDY) == f"Results in {tmp_path / 'out'}:"
    (folder / "scores.nc").touch()
    assert running.summary(STUDY).splitlines() == [
        f"Results in {tmp_path / 'out'}:",
        "  line: scores.nc",
        "Open them in a session:",
        "  import scoreshock as ss",
        f"  ds = ss.open_results('{tmp_path / 'out'}', 'line', 'scores')",
    ]
    (folder / "speciation.nc").touch()
    assert "'line', 'speciation')" in running.summary(STUDY)
    (tmp_path / "out" / "index.html").touch()
    assert running.summary(STUDY).endswith(f"Page with all figures: {tmp_path / 'out' / 'index.html'}")


def test_the_summary_lists_blocks_that_are_not_joined(tmp_path, monkeypatch):
    monkeypatch.setattr("scoreshock.study.blocks.JOINED_BYTES", 0)
    chosen = study(tmp_path, **BLOCKS)
    folder = chosen.sweeps["line"].planned("amplification").folder
    (tmp_path / "line" / folder).mkdir(parents=True)
    words = running.summary(chosen).splitlines()
    assert words[1] == f"  line: {folder}"
    assert words[-1].endswith("'line', 'amplification')")


def study(output, **changes):
    sweep = {"family": "pair", "axes": {"separation": [1.0]}, "quantities": ["amplification"]} | changes
    return Study.from_mapping({"output": str(output), "sweeps": {"line": sweep}})


def handed(study, main=False):
    return running.write_study(running.content_of(study), main)


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A folder to work in, as a process that no run has started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(running.STUDY, "")  # so that it is put back
    monkeypatch.delenv(running.STUDY)
    return tmp_path


@pytest.mark.usefixtures("alone")
def test_jobs_refuse_another_study_than_that_of_their_run():
    handed(study("out"))  # a job that no run of ours started
    handed(study("out"), main=True)
    handed(study("out"))
    for other in (study("out", tau_min=0.1), study("out", split=["separation"]), study("elsewhere")):
        with pytest.raises(ValueError, match="study was changed during its run"):
            handed(other)
    handed(study("elsewhere"), main=True)  # a second module of the same run
    handed(study("out"))
    handed(study("elsewhere"))


BLOCKS = {"axes": {"separation": [4.0, 5.0, 6.0]}, "split": ["separation"]}


def compute(chosen, first, last):
    """Run the job that computes these blocks as the workflow would, and return its exit code and the blocks' files."""
    part = chosen.sweeps["line"].planned("amplification")
    task = json.dumps(["compute", "line", "amplification", part.blocks_digest, first, last])
    return job(chosen, task), {values["separation"]: Path("out/line", file) for file, values in part.files.items()}


def job(chosen, *tasks):
    try:
        running.main([handed(chosen), "--log", "log", *tasks])
    except SystemExit as ended:
        return ended.code
    return 0


def states(files):
    """By value of the axis, what is there."""
    return {value: (path.stat().st_mtime_ns, path.read_bytes()) for value, path in files.items() if path.exists()}


@pytest.mark.usefixtures("alone")
def test_a_job_computes_the_missing_blocks_of_its_run():
    chosen = study("out", **BLOCKS)
    code, files = compute(chosen, "separation=4.0", "separation=5.0")
    result = states(files)
    assert (code, list(result)) == (0, [4.0, 5.0])
    assert compute(chosen, "separation=5.0", "separation=6.0")[0] == 0
    assert list(states(files)) == [4.0, 5.0, 6.0]
    assert {value: state for value, state in states(files).items() if value in result} == result


def shortened(path):
    os.truncate(path, path.stat().st_size - 1)


def flipped(path):
    """Change a bit of a stored number, which the file's header says nothing about."""
    with netCDF4.Dataset(path) as file:
        number = np.asarray(file["exponent"][...]).tobytes()
    content = bytearray(path.read_bytes())
    assert content.count(number) == 1
    content[content.index(number)] ^= 1
    path.write_bytes(content)


def of_other_code(path):
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(provenance.DIGEST, "0" * 16)


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("spoil", [shortened, flipped, of_other_code, os.unlink])
def test_a_job_recomputes_broken_missing_and_outdated_blocks_only(spoil):
    chosen = study("out", **BLOCKS)
    _, files = compute(chosen, "separation=4.0", "separation=6.0")
    before = states(files)
    spoil(files[5.0])
    assert compute(chosen, "separation=4.0", "separation=6.0")[0] == 0
    after = states(files)
    assert [value for value in before if after[value][0] != before[value][0]] == [5.0]
    assert store.inspect(files[5.0], full=True).state == "ok"


@pytest.mark.usefixtures("alone")
def test_other_tasks_run_after_one_that_fails(capsys):
    chosen = study("out", **BLOCKS)
    part = chosen.sweeps["line"].planned("amplification")
    join = json.dumps(["join", "line", "amplification", part.digest])
    assert job(chosen, join, json.dumps(["plan", "line", ""])) == 1
    assert Path("out/line/sweep.json").is_file()
    assert not Path("out/line/amplification.nc").exists()
    assert f"{part.folder}/separation=4.0.nc" in capsys.readouterr().err
    assert "Traceback" in Path("log").read_text()


DRAWING = """
import sys
from scoreshock.running import tasks
tasks.main(sys.argv[1:])
print(sorted({name.split(".")[0] for name in sys.modules} & {"matplotlib", "bokeh", "holoviews", "hvplot"}))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_a_process_that_computes_imports_no_plotting_library_even_where_it_has_figures_drawn():
    chosen = study("out", quantities=["speciation"], axes={"separation": [1.0, 2.0]})
    tasks = [task for each in work.jobs_of(chosen) if each.name != "plan" for task in each.tasks]
    assert [json.loads(task)[0] for task in tasks] == ["compute", "compare", "draw", "index"]
    command = [sys.executable, "-c", DRAWING, handed(chosen), "--log", "log", *tasks]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
    assert {path.suffix for path in Path("out/line/figures").iterdir()} == {".caption", ".csv", ".json", ".png"}
    assert {path.suffix for path in Path("out").iterdir()} == {"", ".html", ".js"}


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_figures_are_drawn_as_the_study_says():
    figures = {"all": {"formats": ["svg"]}, "one-mode": {"skip": True}, "modes": {"formats": ["png"], "x": "separation"}}
    axes = {"separation": [1.0, 2.0, 3.0], "weight": [0.5, 0.6]}
    chosen = study("out", quantities=["speciation", "modes"], axes=axes, tau=[0.1, 0.5], figures=figures)
    tasks = [task for each in work.jobs_of(chosen) if each.name != "plan" for task in each.tasks]
    assert job(chosen, *tasks) == 0
    pictures = {path.name for path in Path("out/line/figures").iterdir() if path.suffix not in (".csv", ".caption", ".json")}
    assert {"speciation.svg", "modes.png"} <= pictures
    assert not {"speciation.png", "modes.svg", "one-mode.svg", "one-mode.png"} & pictures
    page = Path("out/line.html").read_text()
    assert 'href="line/figures/speciation.svg"' in page
    assert "one-mode" not in page


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_a_sweep_without_figures_has_a_page():
    chosen = study("out", quantities=["corrections"], axes={"separation": [1.0, 2.0]})  # all errors are zero
    tasks = [task for each in work.jobs_of(chosen) if each.name != "plan" for task in each.tasks]
    assert job(chosen, *tasks) == 0
    assert [path.name for path in Path("out/line/figures").iterdir()] == ["facts.json"]
    assert "No figure shows the quantities of this sweep." in Path("out/line.html").read_text()
