"""Progress, from records as Snakemake writes them."""

import io
import logging
import re

import pytest

from scoreshock.cli.progress import LOGGER, Progress


@pytest.fixture
def progress():
    """Progress that hears what Snakemake's logger is told, and what it has printed."""
    made = Progress({"a": 10.0, "b": 30.0}, stream=io.StringIO())
    logging.getLogger(LOGGER).addHandler(made)
    yield made
    logging.getLogger(LOGGER).removeHandler(made)


def tell(event, level=logging.INFO, message=None, **known):
    logging.getLogger(f"{LOGGER}.logging").log(level, message, extra={"event": event, **known})


def start(number, rule, log=()):
    tell("job_info", jobid=number, rule_name=rule, rule_msg=f"job {number}", log=list(log), output=["file"])


@pytest.fixture(autouse=True)
def _level():
    logger = logging.getLogger(f"{LOGGER}.logging")
    before = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(before)


def printed(progress):
    return progress.stream.getvalue().splitlines()


def test_a_line_for_each_job_with_the_time_left_by_the_pace_so_far(progress):
    tell("run_info", stats={"a": 2, "b": 1, "all": 1, "total": 4})
    start(1, "a")
    progress.begun -= 20.0  # the job of 10 expected seconds took 20
    tell("job_finished", job_id=1)
    start(2, "b")
    tell("job_finished", job_id=2)
    start(0, "all")
    tell("job_finished", job_id=0)
    first, second, third = printed(progress)
    assert first == "3 jobs, about 50 s of one core"
    assert re.fullmatch(r"\[1/3\] job 1, < 0\.1 s; about 80 s left", second)
    assert re.fullmatch(r"\[2/3\] job 2, < 0\.1 s; about 5\.\d s left", third)
    assert not progress.failures()


def test_a_failed_job_is_shown_with_the_end_of_its_log(progress, tmp_path):
    log = tmp_path / "a.log"
    log.write_text("".join(f"line {i}\n" for i in range(30)))
    tell("run_info", stats={"a": 2})
    for number in (1, 2):
        start(number, "a", [str(log)])
        for _ in range(2):  # Snakemake 9.8 says it twice
            tell("job_error", logging.ERROR, jobid=number, rule_name="a", log=[str(log)])
    tell(None, logging.ERROR, "WorkflowError:\nAt least one job did not complete successfully.")
    start(2, "a")
    tell("job_finished", job_id=2)
    lines = [line.partition(" after ")[0] for line in printed(progress)[1:]]
    assert lines[:2] == ["[0/2] job 1: failed", "[0/2] job 2: failed"]
    assert lines[2].startswith("[1/2] job 2, ")
    text = progress.failures().splitlines()
    assert text[0] == f"Failed: job 1. Its log, {log}, ends with:"
    assert text[1:] == [f"  line {i}" for i in range(18, 30)]


def test_a_lacking_log_and_errors_without_a_job(progress):
    tell(None, logging.ERROR, "LockException:\nError: Directory cannot be locked.", exception="LockException")
    assert progress.failures() == "Directory cannot be locked."
    start(1, "a", ["no/such.log"])
    tell("job_error", logging.ERROR, jobid=1, rule_name="a", log=["no/such.log"])
    assert progress.failures() == "Failed: job 1. Its log, no/such.log, is empty."


def test_nothing_to_do_is_noticed(progress):
    tell(None, message="Nothing to be done (all requested files are present and up to date).")
    assert progress.nothing
    assert not progress.total


def test_no_time_is_left_for_jobs_without_work(progress):
    progress.expected = {"a": 10.0, "page": 0.0}
    tell("run_info", stats={"a": 1, "page": 1})
    start(1, "a")
    tell("job_finished", job_id=1)
    assert re.fullmatch(r"\[1/2\] job 1, < 0\.1 s", printed(progress)[-1])
