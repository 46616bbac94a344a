"""Results for programs that do not read NetCDF."""

from __future__ import annotations

import os
import secrets
import shutil
from importlib.util import find_spec
from pathlib import Path

import dask
import xarray as xr

from scoreshock.storage import store
from scoreshock.storage.opening import open_results

CHUNK_BYTES = 2**24  # each chunk is an object of the cloud's store, which serves few large ones better than many small


def export_zarr(path: str | Path, sweep: str, quantity: str, target: str | Path) -> None:
    """Write what `open_results` opens as a Zarr store, chunk by chunk, so that memory does not grow with the sweep.

    Parameters
    ----------
    path : path
        Folder of the results.
    sweep, quantity : str
        Names of the sweep and the quantity.
    target : path
        The store, a folder. It appears under this name when it is whole.

    Raises
    ------
    ModuleNotFoundError
        Where the package zarr is not installed.
    FileExistsError
        When there is something at ``target``.
    FileNotFoundError
        When there is no such sweep, or nothing whole of this quantity.

    Notes
    -----
    Values and flags are those of the files to the bit, and attributes are equal; `xarray.open_zarr` opens them lazily.
    """
    if find_spec("zarr") is None:
        raise ModuleNotFoundError("zarr is not installed; it comes with: pip install 'scoreshock[zarr]'")
    target = Path(target)
    if target.exists() or target.is_symlink():
        raise FileExistsError(f"{target} is there already; it is not overwritten")
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
    """Write in chunks that are those of the results or several of them together; format 2, whose texts all readers know."""
    for name, variable in dataset.variables.items():
        if variable.chunks is not None:
            computed = tuple(lengths[0] for lengths in variable.chunks)
            shape = store.chunk_shape(variable.shape, variable.dtype.itemsize, computed, CHUNK_BYTES)
            dataset[name] = dataset[name].chunk(dict(zip(variable.dims, shape, strict=True)))
    with dask.config.set(scheduler=store.patient_threads):
        dataset.to_zarr(target, mode="w-", zarr_format=2, consolidated=True)
