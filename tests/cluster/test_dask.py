"""A block whose chunks are computed on a Dask cluster: the same numbers, whatever happens to the cluster."""

from __future__ import annotations

import itertools
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import dask.array
import pytest

from scoreshock.quantities import labelled
from scoreshock.running import cluster, tasks
from scoreshock.storage import store
from scoreshock.study import evaluation
from scoreshock.study.study import Study

from ..plugins import SOURCE, forgotten
from ..workflow.conftest import checksums
from .conftest import PATIENCE, DaskCluster, free_port, needs_distributed, until

MIXTURE = {
    "family": "polygon",
    "axes": {"separation": {"start": 0.5, "stop": 4.0, "num": 14}, "variance": [0.25, 1.0], "schedule": ["ve", "edm"]},
    "parameters": {"radii": [1.0, 0.8, 1.3], "angles": [0.0, 100.0, 230.0]},
    "quantities": ["scores", "speciation", "corrections", "amplification", "layer"],
    "x": {"start": -2.0, "stop": 2.0, "num": 3},
    "tau": [0.1, 0.5],
}
WELLS = {
    "family": "tilted-quartic",
    "axes": {"half_distance": {"start": 1.0, "stop": 2.0, "num": 16}, "tilt": [0.0, 0.1]},
    "quantities": ["speciation"],
}
PLUGGED = {
    "family": "pair",
    "axes": {"separation": {"start": 0.5, "stop": 4.0, "num": 70}},
    "quantities": ["speciation"],
    "criteria": ["half-leading", "leading"],
}
SWEEPS = Study.from_mapping({"sweeps": {"mixture": MIXTURE, "wells": WELLS}}).sweeps
CONTENTS = [sweep.content(quantity) for sweep in SWEEPS.values() for quantity in sweep.quantities]
SLOW = CONTENTS[-1]
WORKERS = ("one", "two")


def compute(content: Mapping[str, Any], path: Path, threads: int = 1) -> None:
    tasks.compute_block(content, path, "", threads)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cluster.VARIABLE, raising=False)
    monkeypatch.setattr(evaluation, "POINTS_PER_CHUNK", 24)


@pytest.fixture
def tiny_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "POINTS_PER_CHUNK", 4)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every place of the sweep that has come from the cluster."""
    places: list[int] = []
    original = cluster._Fetch.__call__

    def call(self: Any) -> Any:
        result = original(self)
        places.append(len(result))
        return result

    monkeypatch.setattr(cluster._Fetch, "__call__", call)
    return places


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, fetched: list[int]) -> threading.Event:  # noqa: ARG001 - counts what passes
    """Three places of the sweep come from the cluster, and no other is asked for until this is set."""
    opened, calls = threading.Event(), itertools.count()
    original = cluster._Fetch.__call__

    def call(self: Any) -> Any:
        if next(calls) >= 3:
            opened.wait(PATIENCE)
        return original(self)

    monkeypatch.setattr(cluster._Fetch, "__call__", call)
    return opened


@pytest.fixture
def in_mid_block(
    dask_cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch, fetched: list[int], gate: threading.Event
) -> Iterator[Callable[[Path], Future]]:
    """A function that computes a block until three chunks are done and each worker, suspended, has another to compute."""
    from distributed import Client

    def start(path: Path) -> Future:
        monkeypatch.setenv(cluster.VARIABLE, dask_cluster.address)
        running = pool.submit(compute, SLOW, path)
        until(lambda: len(fetched) == 3 or running.done())
        for name in WORKERS:
            dask_cluster.processes[name].send_signal(signal.SIGSTOP)
        gate.set()
        with Client(dask_cluster.address, set_as_default=False) as client:
            until(lambda: all(map(len, client.processing().values())) or running.done())
        assert not running.done(), running.exception()
        return running

    with ThreadPoolExecutor(1) as pool:
        try:
            yield start
        finally:
            gate.set()
            dask_cluster.end()  # so that the run ends, should it be waiting for a suspended worker


def computed_by_workers(client: Any) -> int:
    """How many tasks the workers have done since they were started."""
    return client.run_on_scheduler(
        lambda dask_scheduler: sum(
            (entry.start, entry.finish) == ("processing", "memory") for entry in dask_scheduler.transition_log
        )
    )


@pytest.mark.slow
def test_every_quantity_is_bitwise_the_same_and_workers_touch_no_netcdf(dask_cluster, tmp_path, monkeypatch, fetched):
    from distributed import Client

    kernels: list[int] = []  # that ran in this process
    original = labelled._single_threaded_blas
    monkeypatch.setattr(labelled, "_single_threaded_blas", lambda: kernels.append(1) or original())
    with Client(dask_cluster.address, set_as_default=False) as client:
        client.run(lambda: setattr(import_module("netCDF4"), "Dataset", None))  # who opens a file fails
        for number, content in enumerate(CONTENTS):
            here, there = tmp_path / f"{number}-here.nc", tmp_path / f"{number}-there.nc"
            monkeypatch.delenv(cluster.VARIABLE, raising=False)
            compute(content, here, threads=2)
            assert kernels
            monkeypatch.setenv(cluster.VARIABLE, dask_cluster.address)
            kernels.clear()
            fetched.clear()
            before = computed_by_workers(client)
            compute(content, there)
            assert computed_by_workers(client) - before == len(fetched) > 1
            assert not kernels
            assert checksums(here) == checksums(there)
            assert store.inspect(there, full=True).state == "ok"


@pytest.mark.slow
def test_workers_get_the_file_of_a_plugin(dask_cluster, tmp_path, monkeypatch, fetched):
    shutil.copy(SOURCE, tmp_path)
    monkeypatch.chdir(tmp_path)
    with forgotten():
        study = {"plugins": ["offgrid.py"], "sweeps": {"s": PLUGGED}}
        content = Study.from_mapping(study, allow_plugins=True).sweeps["s"].content("speciation")
        compute(content, tmp_path / "here.nc")
        monkeypatch.setenv(cluster.VARIABLE, dask_cluster.address)
        compute(content, tmp_path / "there.nc")
    assert fetched
    assert checksums(tmp_path / "here.nc") == checksums(tmp_path / "there.nc")


class Here:
    """A client of no cluster: what is submitted is done at once, here."""

    def submit(self, part: Callable[[], Any], pure: bool) -> Future:  # noqa: ARG002 - as that of distributed
        done: Future = Future()
        done.set_result(part())
        return done


@pytest.mark.slow
def test_kernels_run_once_for_each_chunk(monkeypatch):
    calls: list[Any] = []
    original = labelled._Kernel._at_once
    monkeypatch.setattr(labelled._Kernel, "_at_once", lambda *given: calls.append(given) or original(*given))
    for content in CONTENTS:
        result = evaluation.evaluate(content)
        result.compute(scheduler="synchronous")
        by_threads = len(calls)
        assert by_threads > 1
        cluster._gathered(result, Here(), "here").compute(scheduler="synchronous")
        assert len(calls) == 2 * by_threads
        calls.clear()


def test_a_job_asks_for_memory_for_what_comes_from_a_cluster_only_where_there_is_one(monkeypatch):
    assert cluster.memory() == 0
    monkeypatch.setenv(cluster.VARIABLE, "tcp://host:8786")
    assert cluster.memory() * 2**20 == 2 * cluster.HELD_BYTES


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_chunks")
def test_a_worker_killed_in_mid_block_costs_nothing_but_time(dask_cluster, tmp_path, in_mid_block):
    compute(SLOW, tmp_path / "here.nc", threads=2)
    running = in_mid_block(tmp_path / "there.nc")
    dask_cluster.kill("one")
    dask_cluster.processes["two"].send_signal(signal.SIGCONT)
    running.result(PATIENCE)
    assert "Remove worker" in dask_cluster.said("scheduler")
    assert checksums(tmp_path / "here.nc") == checksums(tmp_path / "there.nc")


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_chunks")
def test_a_lost_scheduler_is_one_clear_error_and_leaves_nothing(dask_cluster, tmp_path, in_mid_block):
    running = in_mid_block(tmp_path / "results" / "there.nc")
    dask_cluster.kill("scheduler")
    with pytest.raises(cluster.ClusterError, match=f"{dask_cluster.address}': the scheduler was lost"):
        running.result(PATIENCE)
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_chunks")
def test_workers_that_are_gone_are_not_waited_for_for_ever(dask_cluster, tmp_path, in_mid_block, monkeypatch):
    monkeypatch.setattr(cluster, "WORKERS_SECONDS", 1)
    monkeypatch.setattr(cluster, "DESERTED_SECONDS", 2)
    running = in_mid_block(tmp_path / "results" / "there.nc")
    for name in ("one", "two"):
        dask_cluster.kill(name)
    with pytest.raises(cluster.ClusterError, match=f"{dask_cluster.address}': its workers are gone; nothing was written"):
        running.result(PATIENCE)
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (None, "Timed out|Connection refused|in connecting"),
        ("somewhere", "missing port"),
        ("smoke://signal:1", "unknown address scheme"),
    ],
)
@pytest.mark.slow
def test_an_address_where_no_scheduler_answers_is_one_clear_error(address, reason, tmp_path, monkeypatch):
    needs_distributed()
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    address = address or f"tcp://127.0.0.1:{free_port()}"
    monkeypatch.setenv(cluster.VARIABLE, address)
    with pytest.raises(cluster.ClusterError, match=reason) as raised:
        compute(CONTENTS[0], tmp_path / "there.nc")
    assert str(raised.value).startswith(f"DASK_SCHEDULER_ADDRESS = '{address}': no Dask scheduler answers there (")
    assert "allowed: the address of a running Dask scheduler, such as tcp://host:8786" in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_scheduler_without_workers_and_workers_of_other_code_are_refused(tmp_path, monkeypatch):
    distributed = needs_distributed()
    monkeypatch.setattr(cluster, "WORKERS_SECONDS", 1)
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None, protocol="tcp") as local:
        monkeypatch.setenv(cluster.VARIABLE, local.scheduler_address)
        with pytest.raises(cluster.ClusterError, match="its workers cannot be used"):
            compute(CONTENTS[0], tmp_path / "there.nc")
        local.scale(1)
        monkeypatch.setattr(cluster, "WORKERS_SECONDS", 20)
        monkeypatch.setattr(cluster, "_fingerprint", lambda *_: {"code": threading.current_thread().name})
        with pytest.raises(cluster.ClusterError, match=r"would compute other numbers: code is .*, here MainThread"):
            compute(CONTENTS[0], tmp_path / "there.nc")
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setenv(cluster.VARIABLE, "tcp://127.0.0.1:1")
    with pytest.raises(cluster.ClusterError, match=r"pip install 'scoreshock\[dask\]'"):
        compute(CONTENTS[0], tmp_path / "there.nc")


def test_in_flight_are_enough_chunks_for_the_workers_and_few_enough_to_be_held():
    class Client:
        def nthreads(self) -> dict[str, int]:
            return {"one": 4, "two": 4}

    chunked = evaluation.evaluate(CONTENTS[0])
    assert cluster._in_flight(Client(), chunked) == 10
    huge = chunked.assign({"a": ("b", dask.array.zeros(10**9, chunks=cluster.HELD_BYTES // 8 // 3))})
    assert cluster._in_flight(Client(), huge) == 2
