"""Progress of a run, from the events that Snakemake logs: a line for each finished job, and what became of failed ones."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from scoreshock.checks import duration
from scoreshock.study.plan import estimate

LOGGER = "snakemake"
"""Parent of Snakemake's logger: its handlers get all records, however quiet Snakemake itself is."""

LAST_LINES = 12
"""Lines of the log of a failed job that are shown."""


KIND = re.compile(r"^\w+:\n(Error: )?")
"""The line with the kind of an error, with which Snakemake begins its messages."""


@dataclass(frozen=True)
class Started:
    """A job as it started: what it does, its rule, its logs, and the time."""

    message: str
    rule: str
    logs: tuple[str, ...]
    time: float


class Progress(logging.Handler):
    """Handler of Snakemake's log.

    Parameters
    ----------
    expected
        Expected seconds of a job of each rule; those of other rules count as ``otherwise``.
    otherwise
        Expected seconds of all other jobs that write something.
    stream
        Where the lines go, None for nowhere.
    dry
        Whether jobs are only listed.
    """

    def __init__(
        self, expected: Mapping[str, float], otherwise: float = 10.0, stream: TextIO | None = sys.stderr, dry: bool = False
    ) -> None:
        super().__init__()
        self.expected, self.otherwise, self.stream, self.dry = expected, otherwise, stream, dry
        self.begun = time.monotonic()
        self.counts: dict[str, int] = {}
        self.jobs: dict[int, Started] = {}
        self.failed: dict[int, Started] = {}
        self.errors: list[tuple[str, str]] = []
        self.finished, self.spent, self.nothing = 0, 0.0, False

    @property
    def total(self) -> int:
        """Number of jobs of this run."""
        return sum(self.counts.values())

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record of Snakemake."""
        event = str(getattr(record, "event", None) or "")
        if take := getattr(self, f"_{event}", None):
            take(record)
        elif record.levelno >= logging.ERROR:
            self.errors.append((getattr(record, "exception", ""), record.getMessage()))
        elif record.getMessage().startswith("Nothing to be done"):
            self.nothing = True

    def failures(self) -> str:
        """What failed, the last lines of its log, or Snakemake's own messages where no job did."""
        if not self.failed:
            return "\n".join(KIND.sub("", message.strip()) for _, message in self.errors)
        return "\n".join(map(_failure, self.failed.values()))

    def _run_info(self, record: Any) -> None:
        """The number of jobs of each rule. Rules that write nothing (the targets) are no work."""
        stats = {name: count for name, count in record.stats.items() if name not in ("total", "all", "examples", "networks")}
        if not self.counts:
            self.counts = stats
            seconds = sum(self.expected.get(name, self.otherwise) * count for name, count in stats.items())
            self._print(f"{estimate(self.total, seconds)}{':' if self.dry else ''}")

    def _job_info(self, record: Any) -> None:
        message = record.rule_msg or record.rule_name
        self.failed.pop(record.jobid, None)  # tried again
        self.jobs[record.jobid] = Started(message, record.rule_name, tuple(record.log), time.monotonic())
        if self.dry and record.output:
            self._print(f"  {message}")

    def _job_finished(self, record: Any) -> None:
        job = self.jobs.get(record.job_id)
        self.failed.pop(record.job_id, None)
        if job is None or job.rule not in self.counts:
            return
        self.finished += 1
        self.spent += self.expected.get(job.rule, self.otherwise)
        self._line(f"{job.message}, {duration(time.monotonic() - job.time)}", self._left())

    def _job_error(self, record: Any) -> None:
        job = self.jobs.get(record.jobid) or Started(record.rule_name, record.rule_name, (), time.monotonic())
        job = Started(job.message, job.rule, tuple(record.log) or job.logs, job.time)
        is_new = record.jobid not in self.failed
        self.failed[record.jobid] = job
        if is_new:  # Snakemake 9.8 says it twice
            self._line(f"{job.message}: failed after {duration(time.monotonic() - job.time)}")

    def _left(self) -> str:
        """The time left: the expected seconds of the other jobs, by the pace so far."""
        total = sum(self.expected.get(name, self.otherwise) * count for name, count in self.counts.items())
        if not self.spent or total <= self.spent:  # what is left takes no time worth mentioning
            return ""
        pace = (time.monotonic() - self.begun) / self.spent
        return f"; about {duration((total - self.spent) * pace)} left"

    def _line(self, text: str, left: str = "") -> None:
        width = len(str(self.total))
        self._print(f"[{self.finished:{width}}/{self.total}] {text}{left}")

    def _print(self, text: str) -> None:
        if self.stream is not None:
            print(text, file=self.stream, flush=True)


def _failure(job: Started) -> str:
    """A sentence on a failed job, and the end of its log."""
    text = f"Failed: {job.message}."
    for log in job.logs:
        try:
            lines = Path(log).read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        text += f" Its log, {log}, ends with:" if lines else f" Its log, {log}, is empty."
        text += "".join(f"\n  {line}" for line in lines[-LAST_LINES:])
    return text
