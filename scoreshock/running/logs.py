"""The log of a job: what it writes to stderr, its errors, and the signal that ended it."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from typing import TextIO

from scoreshock.storage import staging

SIGNALS: dict[int, bytes] = {
    signal.SIGINT: b"interrupted\n",
    signal.SIGTERM: b"ended by SIGTERM, which a queue sends when a job's time is over\n",
}


@contextmanager
def logged(path: str | Path) -> Iterator[TextIO]:
    """Redirect stderr of the body to the file ``path``, or leave it if the file cannot be written; yield the terminal.

    An error in the body ends the process with exit code 1 and is also reported on the terminal. SIGINT ends the process at
    once with exit code 130, SIGTERM (a queue's time limit) with 143.
    """
    terminal = sys.stderr
    with _log(Path(path), terminal) as log, redirect_stderr(log):

        def leave(number: int, *_: object) -> None:
            # An exception raised inside a lock of the NetCDF library would leave it locked, and closing the file would
            # then deadlock. Exiting is safe, because files get their final names only when they are complete.
            staging.discard_unfinished()
            with suppress(OSError):
                os.write(log.fileno(), SIGNALS[number])
            os._exit(128 + number)

        before = {number: signal.signal(number, leave) for number in SIGNALS}
        try:
            yield terminal
        except Exception as error:
            report(error, terminal)
            sys.exit(1)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _log(path: Path, terminal: TextIO) -> Iterator[TextIO]:
    """The open file ``path``, or the terminal if the file cannot be written."""
    try:
        log = path.open("w", buffering=1, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        terminal.write(f"no log: {error}\n")
        yield terminal
        return
    try:
        yield log
    finally:
        with suppress(OSError):  # disk full
            log.close()


def report(error: Exception, terminal: TextIO) -> None:
    """Write the error to the terminal, and its traceback to the log."""
    terminal.write("".join(traceback.format_exception_only(error)))
    with suppress(OSError):
        traceback.print_exception(error)
