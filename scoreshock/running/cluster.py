"""One block on a Dask cluster: with DASK_SCHEDULER_ADDRESS set its chunks are computed there, with the same numbers.

Nothing else changes. The threads of the job that would compute the chunks hand each to the cluster and wait for it; what
they get is written as before, by the job and a few chunks at a time. So workers touch no file, and memory stays bounded.
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

from scoreshock.storage import provenance

if TYPE_CHECKING:
    import dask.array as da
    from distributed import Client, Future

VARIABLE = "DASK_SCHEDULER_ADDRESS"
ALLOWED = "allowed: the address of a running Dask scheduler, such as tcp://host:8786; or leave it unset to compute here"
CONNECT_SECONDS = 5
WORKERS_SECONDS = 60
DESERTED_SECONDS = 900
"""Without any worker, until a block is given up: new ones may have to wait in a queue."""
HELD_BYTES = 2**29
"""Of chunks on their way from the cluster into the file."""


class ClusterError(RuntimeError):
    """The cluster that was asked for cannot be reached, cannot be used, or was lost."""


@contextmanager
def scheduler(dataset: xr.Dataset, module: str, threads: int = 1) -> Iterator[xr.Dataset]:
    """Give ``dataset`` so that its chunks are computed where the environment says, and configure Dask to do so in the body.

    Without ``DASK_SCHEDULER_ADDRESS``, they are computed by ``threads`` threads of this process. With it, they are computed
    by the workers of that scheduler, which must have the code and the libraries that this process has.

    Parameters
    ----------
    dataset : Dataset
        Lazy results of one quantity.
    module : str
        Module that computes it, as in `scoreshock.storage.provenance.code_digest`.
    threads : int
        Threads of this process.

    Yields
    ------
    Dataset
        The same results, for `scoreshock.storage.store.write` in the body.

    Raises
    ------
    ClusterError
        When there is no scheduler at the address, it has no workers, these differ from this process, or it is lost.

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
    """MiB that a job needs for chunks on their way from the cluster: none without one."""
    return 2 * HELD_BYTES // 2**20 if os.environ.get(VARIABLE) else 0  # twice, for those that are being unpacked


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
    # What happens to the connection is said once, by our error.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        place = parse_address(address)
        get_backend(place[0])
        parse_host_port(place[1])
        with dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s"}):
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # an address can be wrong in many ways, and each raises something else
        raise ClusterError(
            f"{VARIABLE} = {address!r}: no Dask scheduler answers there ({_said(error)}); {ALLOWED}"
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=CONNECT_SECONDS)


def _refuse_strangers(client: Client, address: str, module: str) -> None:
    """Raise unless there are workers, and all would compute what this process would."""
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        found = client.run(_fingerprint, module)
    except Exception as error:
        raise ClusterError(
            f"{VARIABLE} = {address!r}: its workers cannot be used ({_said(error)}); allowed: a scheduler with workers in "
            f"the environment of this process within {WORKERS_SECONDS} s"
        ) from None
    own = _fingerprint(module)
    for worker, theirs in found.items():
        if theirs != own:
            differing = ", ".join(
                f"{name} is {theirs.get(name)}, here {value}" for name, value in own.items() if theirs.get(name) != value
            )
            raise ClusterError(f"{VARIABLE} = {address!r}: its worker {worker} would compute other numbers: {differing}")


def _fingerprint(module: str) -> dict[str, str]:
    """What numbers depend on besides the parameters."""
    return {"code": provenance.code_digest(module)[:16], **provenance.library_versions()}


def _said(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


@dataclass(frozen=True)
class _Part:
    """A part of a graph as one task of the cluster: as many tasks as it has would cost more than most kernels."""

    graph: Mapping[Any, Any]
    keys: list[Any]

    def __call__(self) -> Sequence[np.ndarray]:
        return dask.get(self.graph, self.keys)


@dataclass(frozen=True)
class _Fetch:
    """A part of a graph, computed on the cluster and waited for: a task that looks to Dask as if it depended on nothing."""

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
                f"{VARIABLE} = {self.address!r}: the scheduler was lost ({_said(error)}); nothing was written: run again"
            ) from error

    def _result(self, future: Future) -> Sequence[np.ndarray]:
        """What the cluster computes, as long as it has workers: without, it would be waited for in vain."""
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
    """The dataset with chunks that come from the cluster, those of all variables at one place together."""
    import dask.array as da

    arrays = {name: variable.data for name, variable in dataset.variables.items() if variable.chunks is not None}
    places: dict[Any, list[tuple[Any, ...]]] = {}  # where in the sweep, and the keys of the chunks there
    for name, array in arrays.items():
        for index in np.ndindex(array.numblocks):
            place = tuple((dim, i) for dim, i, n in zip(dataset[name].dims, index, array.numblocks, strict=True) if n > 1)
            places.setdefault(place, []).append((array.name, *index))
    # All arrays in one graph: each for itself, it would have its own run of the kernel that they share.
    whole = HighLevelGraph.merge(*(array.dask for array in arrays.values()))
    graph = dict(da.optimize(whole, [key for keys in places.values() for key in keys]))
    run = f"gathered-{uuid.uuid4().hex}"
    tasks: dict[Any, Any] = {}
    for number, keys in enumerate(places.values()):
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
    """How many chunks to have on the cluster and on their way back: enough to keep it busy, few enough to be held."""
    chunk = sum(math.prod(map(max, v.chunks)) * v.dtype.itemsize for v in dataset.variables.values() if v.chunks)
    return max(1, min(sum(client.nthreads().values()) + 2, HELD_BYTES // max(1, chunk)))
