"""Files, logs and messages of a job that succeeds, fails or is interrupted; the summary at the end of a run."""

import json
import os
import signal
import subprocess
import sys
import textwrap
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


def test_output_of_a_job_goes_to_its_log(tmp_path, capsys):
    with running.logged(tmp_path / "log"):
        print("said", file=sys.stderr)
    assert "said" in (tmp_path / "log").read_text()
    assert capsys.readouterr().err == ""


def test_the_log_has_the_traceback_and_the_terminal_one_line(tmp_path, capsys):
    def fail():
        error = ValueError("no such thing")
        error.add_note("try another")
        raise error

    with pytest.raises(SystemExit) as ended, running.logged(tmp_path / "log"):
        fail()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "ValueError: no such thing\ntry another\n"
    log = (tmp_path / "log").read_text()
    assert "Traceback" in log
    assert log.endswith("ValueError: no such thing\ntry another\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGINT, "interrupted\n"),
        (signal.SIGTERM, "ended by SIGTERM, which a queue sends when a job's time is over\n"),
    ],
)
def test_a_terminated_job_ends_at_once_and_leaves_no_unfinished_file(tmp_path, number, words):
    # In a lock, as when a file is being written: what releases it must not be waited for.
    code = """
        import os, sys, threading, time
        from pathlib import Path
        from scoreshock.running import tasks
        from scoreshock.storage import store
        with tasks.logged(sys.argv[1]), store.staged(Path(sys.argv[2])) as temporary, threading.Lock():
            temporary.write_text("half")
            os.kill(os.getpid(), int(sys.argv[3]))
            time.sleep(600)
    """
    folder = tmp_path / "results"
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "log"), str(folder / "a.nc"), str(int(number))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 128 + number
    assert run.stderr == ""
    assert (tmp_path / "log").read_text() == words
    assert list(folder.iterdir()) == []


def test_a_log_that_cannot_be_written_costs_no_result(tmp_path, capsys):
    with running.logged(tmp_path):
        print("said", file=sys.stderr)
    assert capsys.readouterr().err == f"no log: [Errno 21] Is a directory: '{tmp_path}'\nsaid\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_error_is_reported_when_the_disk_of_the_log_is_full(capsys):
    with pytest.raises(SystemExit), running.logged("/dev/full"):
        raise ValueError("no such thing")
    assert capsys.readouterr().err == "ValueError: no such thing\n"


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


@pytest.mark.parametrize("end", [lambda: os._exit(3), lambda: sys.exit("no"), lambda: os.kill(os.getpid(), signal.SIGKILL)])
def test_a_process_that_draws_and_fails_fails_its_job(tmp_path, end):
    with pytest.raises(RuntimeError, match="a process that draws figures ended with an error"):
        running._forked([end, (tmp_path / "drawn").touch])
    assert not (tmp_path / "drawn").exists()


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
    (tasks,) = [each.tasks for each in work.jobs_of(chosen) if each.name == "data@line"]
    assert [json.loads(task)[0] for task in tasks] == ["compute", "compare", "draw"]
    command = [sys.executable, "-c", DRAWING, handed(chosen), "--log", "log", *tasks]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
    assert {path.suffix for path in Path("out/line/figures").iterdir()} == {".html", ".js", ".png"}


@pytest.mark.usefixtures("alone")
def test_a_sweep_without_figures_has_an_empty_folder():
    chosen = study("out", quantities=["corrections"], axes={"separation": [1.0, 2.0]})  # all errors are zero
    (tasks,) = [each.tasks for each in work.jobs_of(chosen) if each.name == "data@line"]
    assert job(chosen, *tasks) == 0
    assert list(Path("out/line/figures").iterdir()) == []
