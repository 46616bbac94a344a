"""The log of a job that succeeds, fails or is interrupted."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from scoreshock.running import logs


def test_output_of_a_job_goes_to_its_log(tmp_path, capsys):
    with logs.logged(tmp_path / "log"):
        print("said", file=sys.stderr)
    assert "said" in (tmp_path / "log").read_text()
    assert capsys.readouterr().err == ""


def test_the_log_has_the_traceback_and_the_terminal_one_line(tmp_path, capsys):
    def fail():
        error = ValueError("no such thing")
        error.add_note("try another")
        raise error

    with pytest.raises(SystemExit) as ended, logs.logged(tmp_path / "log"):
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
        from scoreshock.running import logs
        from scoreshock.storage import store
        with logs.logged(sys.argv[1]), store.staged(Path(sys.argv[2])) as temporary, threading.Lock():
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
    with logs.logged(tmp_path):
        print("said", file=sys.stderr)
    assert capsys.readouterr().err == f"no log: [Errno 21] Is a directory: '{tmp_path}'\nsaid\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_error_is_reported_when_the_disk_of_the_log_is_full(capsys):
    with pytest.raises(SystemExit), logs.logged("/dev/full"):
        raise ValueError("no such thing")
    assert capsys.readouterr().err == "ValueError: no such thing\n"
