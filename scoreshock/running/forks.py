"""Processes of a job, each of which imports one plotting library and ends."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any


def forked(calls: Sequence[Callable[[], Any]]) -> None:
    """Run each call in a separate process, one after another, so that its imports do not stay in this one."""
    for call in calls:
        sys.stderr.flush()
        if not (child := os.fork()):
            try:
                call()
                code = 0
            except BaseException:
                traceback.print_exc()
                code = 1
            sys.stderr.flush()
            os._exit(code)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            raise RuntimeError("a process that draws figures ended with an error, which the log shows")
