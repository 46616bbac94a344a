"""Clusters that the tests start and stop: a Slurm of one node, and a Dask scheduler with two workers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

HERE = Path(__file__).parent
PATIENCE = 240
ENDING = ("--death-timeout", "30")  # of a worker whose scheduler is no more, should these tests be killed
NO_SLURM = 3  # how slurm-start.sh ends where there can be none


def unavailable(reason: str) -> NoReturn:
    """Skip, and say why; in CI fail, so that nothing is left out there unseen."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI never skips: {reason}")
    pytest.skip(reason)


def needs(library: str, extra: str) -> ModuleType:
    """The library, without which there is no such cluster here."""
    try:
        return import_module(library)
    except ImportError:
        unavailable(f"the library {library} is not installed (pip install 'scoreshock[{extra}]')")


def needs_executor(plugin: str) -> ModuleType:
    return needs(f"snakemake_executor_plugin_{plugin.replace('-', '_')}", plugin)


def needs_distributed() -> ModuleType:
    return needs("distributed", "dask")


def until(condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Wait for a condition, and return what it found."""
    end = time.monotonic() + patience
    while not (result := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return result


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a running Slurm, with its logs."""
    for plugin in ("slurm", "cluster-generic"):
        needs_executor(plugin)
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run([HERE / "slurm-start.sh", folder], capture_output=True, text=True, check=False)
    if started.returncode == NO_SLURM:
        unavailable(started.stderr.strip())
    assert started.returncode == 0, started.stderr
    try:
        yield folder
    finally:
        subprocess.run([HERE / "slurm-stop.sh", folder], check=True)


@dataclass
class DaskCluster:
    """A scheduler and its workers, by process."""

    folder: Path
    address: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:], "--no-dashboard"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": str(HERE.parents[1])},
            )

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def kill(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()


def free_port() -> int:
    with socket.socket() as result:
        result.bind(("127.0.0.1", 0))
        return int(result.getsockname()[1])


@pytest.fixture
def dask_cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    """A Dask scheduler with two workers of one thread on loopback."""
    needs_distributed()
    port = free_port()
    cluster = DaskCluster(tmp_path, f"tcp://127.0.0.1:{port}")
    try:
        cluster.start("scheduler", "dask_scheduler", "--host", "127.0.0.1", "--port", str(port))
        for name in ("one", "two"):
            cluster.start(name, "dask_worker", cluster.address, "--nthreads", "1", "--no-nanny", "--name", name, *ENDING)
        until(lambda: cluster.said("scheduler").count("Register worker") == 2)
        yield cluster
    finally:
        cluster.end()
