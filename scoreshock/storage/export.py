"""Export of results to Zarr."""

from __future__ import annotations

import os
import secrets
import shutil
from importlib.util import find_spec
from pathlib import Path

import dask
import xarray as xr

from scoreshock.storage import encoding, store
from scoreshock.storage.opening import open_results

CHUNK_BYTES = 2**24
"""Maximum size of a chunk, which is one object of a cloud store; a few large objects are faster than many small ones."""


def export_zarr(path: str | Path, sweep: str, quantity: str, target: str | Path) -> None:
    """Write the result of `open_results` as a Zarr store, chunk by chunk, so that memory does not grow with the sweep.

    Parameters
    ----------
    path : path
        Folder of the results.
    sweep, quantity : str
        Names of the sweep and the quantity.
    target : path
        Folder of the store. It appears under this name when it is complete.

    Raises
    ------
    ModuleNotFoundError
        If the package zarr is not installed.
    FileExistsError
        If ``target`` exists.
    FileNotFoundError
        If the sweep does not exist or has no intact file of the quantity.

    Notes
    -----
    Values and flags are bitwise identical to those of the files, and attributes are equal; `xarray.open_zarr` opens the
    store lazily.
    """
    if find_spec("zarr") is None:
        raise ModuleNotFoundError("zarr is not installed; install it with: pip install 'scoreshock[zarr]'")
    target = Path(target)
    if target.exists() or target.is_symlink():
        raise FileExistsError(f"{target} already exists and is not overwritten")
    dataset = open_results(path, sweep, quantity).drop_encoding()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write(dataset, temporary)
        os.rename(temporary, target)
    except OSError as error:
        error.add_note(f"while writing {target}")
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(dataset: xr.Dataset, target: Path) -> None:
    """Write chunks of one or several computed chunks each; format 2, because not all readers support text in format 3."""
    for name, variable in dataset.variables.items():
        if variable.chunks is not None:
            computed = tuple(lengths[0] for lengths in variable.chunks)
            shape = encoding.chunk_shape(variable.shape, variable.dtype.itemsize, computed, CHUNK_BYTES)
            dataset[name] = dataset[name].chunk(dict(zip(variable.dims, shape, strict=True)))
    with dask.config.set(scheduler=store.patient_threads):
        dataset.to_zarr(target, mode="w-", zarr_format=2, consolidated=True)
