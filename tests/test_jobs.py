"""What a job says when it goes well, fails, or is interrupted; and the words at the end of a run."""

import subprocess
import sys
import textwrap

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


def test_an_interrupt_is_not_an_error_and_ends_the_job_at_once(tmp_path):
    # In a lock, as when a file is being written: what releases it must not be waited for.
    code = """
        import os, signal, sys, threading, time
        from scoreshock import jobs
        with jobs.logged(sys.argv[1]), threading.Lock():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "log")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert run.returncode == 130
    assert run.stderr == ""
    assert (tmp_path / "log").read_text() == "interrupted\n"


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
