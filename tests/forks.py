"""Processes that are forked from one that has imported libraries, so that these are imported once and not in each process.

Of the package itself nothing is imported there: what a forked process does not import of it, it lacks, as any process would.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple, NoReturn

import pytest

LIBRARIES = (
    *("numpy", "scipy.integrate", "scipy.interpolate", "scipy.optimize.elementwise", "scipy.special", "scipy.stats"),
    *("pandas", "xarray", "dask.array", "dask.distributed", "netCDF4", "pydantic", "yaml", "sklearn.mixture"),
    *("snakemake.cli", "hypothesis.strategies", "pytest"),
)


@cache
def preload() -> None:
    """Import the libraries that most processes of the tests need, and none of which starts a thread of Python."""
    for name in LIBRARIES:
        with suppress(ImportError):
            import_module(name)
    gc.freeze()  # or each fork looks through all of them for garbage, and copies their memory as it does


class Ended(NamedTuple):
    """What has become of a process: its exit code, its number, and all that it printed."""

    code: int
    process: int
    output: str


class Server:
    """A process that runs modules as ``python -m`` does, each in a fork of its own."""

    def __init__(self) -> None:
        theirs_in, self._requests = os.pipe()
        answers, theirs_out = os.pipe()
        if not os.fork():
            os.close(self._requests)
            os.close(answers)
            _serve(theirs_in, theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)
        self._answers = open(answers, closefd=False)  # noqa: SIM115 - as long as this process lives

    def run(self, module: str, *arguments: str, cwd: Path, env: Mapping[str, str], limit: int = 1200) -> Ended:
        """Run a module in a session of its own, which is ended after ``limit`` seconds."""
        with NamedTemporaryFile() as output:
            request = [module, arguments, str(cwd), output.name, dict(env), limit]
            os.write(self._requests, json.dumps(request).encode() + b"\n")
            code, process = json.loads(self._answers.readline())
            return Ended(code, process, output.read().decode())


def _serve(requests: int, answers: int) -> NoReturn:
    """Answer each request until there will be no more."""
    write_to(os.open(os.devnull, os.O_WRONLY))
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115 - of this process
    with os.fdopen(requests) as lines:
        for line in lines:
            preload()
            process = os.fork()
            if not process:
                _become(*json.loads(line))
            _, status = os.waitpid(process, 0)
            os.write(answers, json.dumps([os.waitstatus_to_exitcode(status), process]).encode() + b"\n")
    os._exit(0)


def write_to(output: int) -> None:
    """Read nothing, and print into this open file."""
    for stream, file in enumerate((os.open(os.devnull, os.O_RDONLY), output, output)):
        os.dup2(file, stream)


def _become(module: str, arguments: list[str], cwd: str, output: str, env: dict[str, str], limit: int) -> NoReturn:
    """Be the process that runs the module."""
    os.setsid()
    signal.alarm(limit)
    write_to(os.open(output, os.O_WRONLY))
    before = {"", os.getcwd(), *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    first = filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [cwd, *first, *(place for place in sys.path if place not in before)]
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    leave(code)


def leave(code: int) -> NoReturn:
    """End this fork as a process of its own ends, and not with what its parent has still to do."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


_SERVERS: list[Server] = []


def start() -> None:
    """Start the server of this process, while nothing of the package is imported and no thread runs."""
    if hasattr(os, "fork"):
        _SERVERS.append(Server())


def server() -> Server:
    """The server of this process, without which a test is skipped."""
    if not _SERVERS:
        pytest.skip("needs os.fork")
    return _SERVERS[0]
