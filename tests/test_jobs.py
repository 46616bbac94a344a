"""What a job says when it goes well, fails, or is interrupted; and the words at the end of a run."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from scoreshock import jobs
from scoreshock.study import Study

STUDY = Study.from_mapping(
    {
        "output": "out",
        "sweeps": {"line": {"family": "pair", "axes": {"separation": 1.0}, "quantities": ["scores", "speciation"]}},
    }
)


def test_what_a_job_says_goes_to_its_log(tmp_path, capsys):
    with jobs.logged(tmp_path / "log"):
        print("said", file=sys.stderr)
    assert "said" in (tmp_path / "log").read_text()
    assert capsys.readouterr().err == ""


def test_an_error_is_told_in_full_in_the_log_and_in_short_on_the_terminal(tmp_path, capsys):
    def fail():
        error = ValueError("no such thing")
        error.add_note("try another")
        raise error

    with pytest.raises(SystemExit) as ended, jobs.logged(tmp_path / "log"):
        fail()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "ValueError: no such thing\ntry another\n"
    log = (tmp_path / "log").read_text()
    assert "Traceback" in log
    assert log.endswith("ValueError: no such thing\ntry another\n")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGINT, "interrupted\n"),
        (signal.SIGTERM, "ended by SIGTERM, which a queue sends when a job's time is over\n"),
    ],
)
def test_a_job_that_is_told_to_end_ends_at_once_and_leaves_nothing_half_written(tmp_path, number, words):
    # In a lock, as when a file is being written: what releases it must not be waited for.
    code = """
        import os, sys, threading, time
        from pathlib import Path
        from scoreshock import jobs, store
        with jobs.logged(sys.argv[1]), store.staged(Path(sys.argv[2])) as temporary, threading.Lock():
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
    with jobs.logged(tmp_path):
        print("said", file=sys.stderr)
    assert capsys.readouterr().err == f"no log: [Errno 21] Is a directory: '{tmp_path}'\nsaid\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_error_is_told_even_where_the_disk_of_the_log_is_full(capsys):
    with pytest.raises(SystemExit), jobs.logged("/dev/full"):
        raise ValueError("no such thing")
    assert capsys.readouterr().err == "ValueError: no such thing\n"


def test_inputs_of_a_later_time_than_now_are_brought_to_now(tmp_path):
    names = [tmp_path / name for name in ("past", "soon", "later", "as-late")]
    times = (1e9, time.time() + 1e4, time.time() + 2e4)
    for path, modified in zip(names, (*times, times[-1]), strict=True):
        path.touch()
        os.utime(path, (modified, modified))
    with jobs.logged(tmp_path / "log", [*map(str, names), str(tmp_path / "missing")]):
        pass
    past, soon, later, as_late = (path.stat().st_mtime_ns for path in names)
    assert past == 10**18
    assert past < soon < later == as_late <= time.time_ns()


def test_the_closing_words_tell_what_is_there_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "out" / "line"
    folder.mkdir(parents=True)
    assert jobs.closing_words(STUDY) == f"Results in {tmp_path / 'out'}:"
    (folder / "scores.nc").touch()
    assert jobs.closing_words(STUDY).splitlines() == [
        f"Results in {tmp_path / 'out'}:",
        "  line: scores.nc",
        "Open them in a session:",
        "  import scoreshock as ss",
        f"  ds = ss.open_results('{tmp_path / 'out'}', 'line', 'scores')",
    ]
    (folder / "speciation.nc").touch()
    assert "'line', 'speciation')" in jobs.closing_words(STUDY)


def study(output, **changes):
    sweep = {"family": "pair", "axes": {"separation": [1.0]}, "quantities": ["amplification"]} | changes
    return Study.from_mapping({"output": str(output), "sweeps": {"line": sweep}})


def test_jobs_refuse_another_study_than_that_of_their_run(tmp_path, monkeypatch):
    monkeypatch.setenv(jobs.STUDY, "")  # so that it is put back
    monkeypatch.delenv(jobs.STUDY)
    jobs.hold_study(study(tmp_path), main=False)  # a job that no run of ours started
    jobs.hold_study(study(tmp_path), main=True)
    jobs.hold_study(study(tmp_path), main=False)
    for other in (study(tmp_path, tau_min=0.1), study(tmp_path, split=["separation"]), study(tmp_path / "elsewhere")):
        with pytest.raises(ValueError, match="study was changed while its run goes on"):
            jobs.hold_study(other, main=False)


def test_a_damaged_plan_is_mended_and_a_whole_one_or_none_is_left(tmp_path):
    jobs.record_plan(study(tmp_path), damaged_only=True)
    assert list(tmp_path.iterdir()) == []
    jobs.record_plan(study(tmp_path))
    plan = tmp_path / "line" / "sweep.json"
    whole = plan.read_text()
    jobs.record_plan(study(tmp_path, axes={"separation": [2.0]}), damaged_only=True)
    assert plan.read_text() == whole
    for damage in (lambda: plan.write_text("{"), plan.unlink):
        damage()
        jobs.record_plan(study(tmp_path), damaged_only=True)
        assert plan.read_text() == whole
