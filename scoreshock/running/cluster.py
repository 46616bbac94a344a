"""Computation of a block on a Dask cluster, if DASK_SCHEDULER_ADDRESS is set, with bitwise identical results.

The threads of the job submit each chunk to the cluster, wait for it, and write the result, a few chunks at a time. Workers
access no file, and memory stays bounded.
"""

from __future__ import annotations

import logging
import math
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import xarray as xr
from dask.highlevelgraph import HighLevelGraph
from dask.optimization import cull

from scoreshock.plugins import LOADED, Plugin, digest
from scoreshock.storage import provenance

if TYPE_CHECKING:
    import dask.array as da
    from distributed import Client, Future

VARIABLE = "DASK_SCHEDULER_ADDRESS"
ALLOWED = "allowed: the address of a running Dask scheduler, such as tcp://host:8786; or leave it unset to compute here"
CONNECT_SECONDS = 5
WORKERS_SECONDS = 60
DESERTED_SECONDS = 900
"""Time without workers after which a block fails; new workers may have to wait in a queue."""
HELD_BYTES = 2**29
"""Maximum size of the chunks that are in transit from the cluster to the file."""


class ClusterError(RuntimeError):
    """The requested cluster is unreachable, unusable, or was lost."""


@contextmanager
def scheduler(dataset: xr.Dataset, module: str, threads: int = 1) -> Iterator[xr.Dataset]:
    """Yield ``dataset`` with chunks that are computed by threads or by a Dask cluster, and configure Dask in the body.

    Without ``DASK_SCHEDULER_ADDRESS``, ``threads`` threads of this process compute them. With it, the workers of that
    scheduler do; their code and library versions must equal those of this process.

    Parameters
    ----------
    dataset : Dataset
        Lazy results of one quantity.
    module : str
        Module that computes them, as in `scoreshock.storage.provenance.code_digest`.
    threads : int
        Number of threads of this process.

    Yields
    ------
    Dataset
        The same results, to be written in the body.

    Raises
    ------
    ClusterError
        If the scheduler is unreachable, has no workers or is lost, or if the workers differ from this process.

    Examples
    --------
    >>> with scheduler(xr.Dataset({"a": ("b", [1.0])}).chunk(), "speciation") as dataset:
    ...     dataset.a.values
    array([1.])
    """
    address = os.environ.get(VARIABLE, "")
    if not address:
        with dask.config.set(scheduler="threads", num_workers=threads):
            yield dataset
        return
    with _connected(address) as client:
        _refuse_strangers(client, address, module)
        with dask.config.set(scheduler="threads", num_workers=_in_flight(client, dataset)):
            yield _gathered(dataset, client, address)


def memory() -> int:
    """Memory in MiB for chunks in transit from the cluster; 0 without a cluster."""
    return 2 * HELD_BYTES // 2**20 if os.environ.get(VARIABLE) else 0  # doubled for chunks that are being unpacked


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        from distributed import Client
        from distributed.comm.addressing import parse_address, parse_host_port
        from distributed.comm.registry import get_backend
    except ImportError as error:
        raise ClusterError(
            f"{VARIABLE} = {address!r} needs the library distributed: pip install 'scoreshock[dask]'"
        ) from error
    # Connection failures are reported once, by ClusterError.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        protocol, location = parse_address(address)
        get_backend(protocol)
        parse_host_port(location)
        with dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s"}):
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # distributed raises many exception types for invalid addresses
        raise ClusterError(
            f"{VARIABLE} = {address!r}: no Dask scheduler answers there ({_first_line(error)}); {ALLOWED}"
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=CONNECT_SECONDS)


def _refuse_strangers(client: Client, address: str, module: str) -> None:
    """Send the files of plugins to the workers; raise unless all workers have the code and libraries of this process."""
    plugins = tuple(LOADED.values())
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        for plugin in plugins:
            if plugin.reference.endswith(".py"):
                client.upload_file(plugin.reference)
        fingerprints = client.run(_fingerprint, module, plugins)
    except Exception as error:
        raise ClusterError(
            f"{VARIABLE} = {address!r}: its workers cannot be used ({_first_line(error)}); allowed: a scheduler with "
            f"workers in the environment of this process within {WORKERS_SECONDS} s"
        ) from None
    here = _fingerprint(module, plugins)
    for worker, there in fingerprints.items():
        if there != here:
            differing = ", ".join(
                f"{name} is {there.get(name)}, here {value}" for name, value in here.items() if there.get(name) != value
            )
            raise ClusterError(f"{VARIABLE} = {address!r}: its worker {worker} would compute other numbers: {differing}")


def _fingerprint(module: str, plugins: Sequence[Plugin] = ()) -> dict[str, str]:
    """Code, plugins and library versions, which results depend on besides the parameters."""
    return {
        "code": provenance.code_digest(module)[:16],
        **{plugin.name: _digest_of(plugin)[:16] for plugin in plugins},
        **provenance.library_versions(),
    }


def _digest_of(plugin: Plugin) -> str:
    """Digest of an installed plugin as this process has it; files come from the job itself."""
    if plugin.reference.endswith(".py"):
        return plugin.digest
    try:
        return digest(plugin.reference)
    except ModuleNotFoundError:
        return "not installed"


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


@dataclass(frozen=True)
class _Part:
    """A part of a graph as one task of the cluster; separate tasks would take longer than most kernels."""

    graph: Mapping[Any, Any]
    keys: list[Any]

    def __call__(self) -> Sequence[np.ndarray]:
        return dask.get(self.graph, self.keys)


@dataclass(frozen=True)
class _Fetch:
    """A task without dependencies that computes a part of a graph on the cluster and waits for it."""

    client: Client
    address: str
    graph: Mapping[Any, Any]
    keys: list[Any]

    def __call__(self) -> Sequence[np.ndarray]:
        part, _ = cull(self.graph, self.keys)
        try:
            return self._result(self.client.submit(_Part(dict(part), self.keys), pure=False))
        except (CancelledError, OSError) as error:
            raise ClusterError(
                f"{VARIABLE} = {self.address!r}: the scheduler was lost ({_first_line(error)}); "
                "nothing was written: run again"
            ) from error

    def _result(self, future: Future) -> Sequence[np.ndarray]:
        """The result of the future; raises after `DESERTED_SECONDS` without workers."""
        deserted = 0.0
        while deserted < DESERTED_SECONDS:
            try:
                return future.result(timeout=WORKERS_SECONDS)
            except TimeoutError:
                if future.done():
                    return future.result()
            deserted = 0.0 if self.client.nthreads() else deserted + WORKERS_SECONDS
        raise ClusterError(
            f"{VARIABLE} = {self.address!r}: its workers are gone; nothing was written: start some, and run again"
        )


def _gathered(dataset: xr.Dataset, client: Client, address: str) -> xr.Dataset:
    """The dataset with chunks from the cluster; one task computes the chunks of all variables at one position."""
    import dask.array as da

    arrays = {name: variable.data for name, variable in dataset.variables.items() if variable.chunks is not None}
    positions: dict[Any, list[tuple[Any, ...]]] = {}  # keys of the chunks by position in the sweep
    for name, array in arrays.items():
        for index in np.ndindex(array.numblocks):
            where = tuple((dim, i) for dim, i, n in zip(dataset[name].dims, index, array.numblocks, strict=True) if n > 1)
            positions.setdefault(where, []).append((array.name, *index))
    # One graph for all arrays, so that the kernel that they share runs once.
    merged = HighLevelGraph.merge(*(array.dask for array in arrays.values()))
    graph = dict(da.optimize(merged, [key for keys in positions.values() for key in keys]))
    run = f"gathered-{uuid.uuid4().hex}"
    tasks: dict[Any, Any] = {}
    for number, keys in enumerate(positions.values()):
        tasks[f"{run}-{number}"] = (_Fetch(client, address, graph, keys),)
        for i, key in enumerate(keys):
            tasks[(f"{run}-{key[0]}", *key[1:])] = (itemgetter(i), f"{run}-{number}")
    return dataset.assign(
        {name: dataset[name].copy(data=_array(f"{run}-{array.name}", tasks, array)) for name, array in arrays.items()}
    )


def _array(name: str, tasks: Mapping[Any, Any], like: da.Array) -> da.Array:
    import dask.array as da

    return da.Array(HighLevelGraph.from_collections(name, tasks), name, like.chunks, meta=like._meta)


def _in_flight(client: Client, dataset: xr.Dataset) -> int:
    """Number of chunks on the cluster and in transit: enough to occupy all workers, within `HELD_BYTES`."""
    chunk = sum(math.prod(map(max, v.chunks)) * v.dtype.itemsize for v in dataset.variables.values() if v.chunks)
    return max(1, min(sum(client.nthreads().values()) + 2, HELD_BYTES // max(1, chunk)))
