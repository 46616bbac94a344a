"""Processes that are forked from one that has imported libraries, so that these are imported once and not in each process.

Of the package itself nothing is imported there: what a forked process does not import of it, it lacks, as any process would.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile, mkdtemp
from typing import NamedTuple, NoReturn

import pytest
from _pytest.config import default_plugins

LIBRARIES = (
    *("numpy", "scipy.integrate", "scipy.interpolate", "scipy.optimize.elementwise", "scipy.special", "scipy.stats"),
    *("pandas", "xarray", "dask.array", "dask.distributed", "netCDF4", "pydantic", "yaml", "sklearn.mixture"),
    *("snakemake.cli", "hypothesis.strategies", "pytest", "pdb"),
    *(f"_pytest.{name}" for name in default_plugins),
)


@cache
def preload() -> None:
    """Import the libraries that most processes of the tests need. None of them starts a thread of Python."""
    for name in LIBRARIES:
        with suppress(ImportError):
            import_module(name)
    gc.freeze()  # otherwise each fork searches all of them for garbage, which copies their memory


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

    def run(
        self, module: str, *arguments: str, cwd: Path, env: Mapping[str, str], limit: int = 1200, fork_jobs: bool = False
    ) -> Ended:
        """Run a module in a session of its own, which is ended after ``limit`` seconds.

        With ``fork_jobs`` the jobs that it starts run in forks, too.
        """
        with NamedTemporaryFile() as output:
            request = [fork_jobs, limit, output.name, module, arguments, str(cwd), dict(env)]
            os.write(self._requests, json.dumps(request).encode() + b"\n")
            code, process = json.loads(self._answers.readline())
            return Ended(code, process, output.read().decode())


def _serve(requests: int, answers: int) -> NoReturn:
    """Answer each request until there will be no more."""
    write_to(os.open(os.devnull, os.O_WRONLY))
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115 - of this process
    folder = mkdtemp()  # not one that its object removes: each fork would do that as it ends
    with os.fdopen(requests) as lines:
        for line in lines:
            preload()
            fork_jobs, limit, output, *request = json.loads(line)
            interpreter = _interpreter(folder) if fork_jobs else sys.executable
            process = os.fork()
            if not process:
                os.setsid()
                signal.alarm(limit)
                write_to(os.open(output, os.O_WRONLY))
                _become(interpreter, *request)
            _, status = os.waitpid(process, 0)
            os.write(answers, json.dumps([os.waitstatus_to_exitcode(status), process]).encode() + b"\n")
    shutil.rmtree(folder)
    os._exit(0)


def write_to(output: int) -> None:
    """Read nothing, and print into this open file."""
    for stream, file in enumerate((os.open(os.devnull, os.O_RDONLY), output, output)):
        os.dup2(file, stream)


INTERPRETER = """#!{python} -IS
import json
import os
import socket
import sys

if sys.argv[1:3] != ["-m", "scoreshock.running"]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect({address!r})
    request = json.dumps([sys.argv[2], sys.argv[3:], os.getcwd(), dict(os.environ)])
    socket.send_fds(server, [request.encode()], [0, 1, 2])
    answer = server.recv(16)
sys.exit(int(answer) if answer else 1)
"""


"""An executable that has jobs run in forks, and anything else by the interpreter."""


@cache
def _interpreter(folder: str) -> str:
    """The path of such an executable, which is written into the folder; a fork of this process listens to it."""
    path, address = Path(folder, "python"), str(Path(folder, "socket"))
    path.write_text(INTERPRETER.format(python=sys.executable, address=address))
    path.chmod(0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        parent = os.getpid()
        if not os.fork():
            _run_jobs(listener, parent)
    return str(path)


def _run_jobs(listener: socket.socket, parent: int) -> NoReturn:
    """Run each job that is asked for in a fork, as long as the parent lives."""
    listener.settimeout(1)
    while os.getppid() == parent:
        with suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        with suppress(TimeoutError):
            connection, _ = listener.accept()
            if not os.fork():
                _run_job(connection)
            connection.close()
    os._exit(0)


def _run_job(connection: socket.socket) -> NoReturn:
    """Run a job with the files of the process that asks for it, and answer with its exit code."""
    request, files, _, _ = socket.recv_fds(connection, 2**18, 3)
    job = os.fork()
    if not job:
        for stream, file in enumerate(files):
            os.dup2(file, stream)
        _become(sys.executable, *json.loads(request))
    _, status = os.waitpid(job, 0)
    connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(interpreter: str, module: str, arguments: list[str], cwd: str, env: dict[str, str]) -> NoReturn:
    """Be the process that runs the module, and that starts other processes by the interpreter."""
    sys.executable = interpreter
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

NEEDED = True
"""Whether tests run that start processes: not where only the fast ones do."""


def start() -> None:
    """Start the server of this process, while nothing of the package is imported and no thread runs."""
    if NEEDED and hasattr(os, "fork"):
        _SERVERS.append(Server())


def server() -> Server:
    """The server of this process, without which a test is skipped."""
    assert NEEDED, "a test that starts a process is to be marked slow"
    if not _SERVERS:
        pytest.skip("needs os.fork")
    return _SERVERS[0]
